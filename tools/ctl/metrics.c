/*
 * `metrics`: the statistics of a daemon as OpenMetrics text, for a collector that reads files. Names: spec
 * 08 §7.2, as far as the maps carry what is behind them.
 */
#include "tools/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct metric {
	const char *name;   /* of the family; counters without _total */
	const char *type;   /* counter, gauge */
	const char *labels; /* inside the braces; or NULL */
	enum ctl_service map;
	const char *key;
	double scale;
	const char *help; /* NULL: the same family as the row above */
};

static const struct metric metrics[] = {
	{"coterie_ring_state_entered", "counter", "state=\"gather\"", CTL_STATS, "stats.srp.gather_entered", 1,
		"Times the ring protocol entered a state."},
	{"coterie_ring_state_entered", "counter", "state=\"commit\"", CTL_STATS, "stats.srp.commit_entered", 1, NULL},
	{"coterie_ring_state_entered", "counter", "state=\"recovery\"", CTL_STATS, "stats.srp.recovery_entered", 1, NULL},
	{"coterie_ring_state_entered", "counter", "state=\"operational\"", CTL_STATS, "stats.srp.operational_entered", 1,
		NULL},
	{"coterie_ring_token_lost", "counter", "state=\"operational\"", CTL_STATS, "stats.srp.operational_token_lost", 1,
		"Tokens lost, by the state they were lost in."},
	{"coterie_ring_token_lost", "counter", "state=\"gather\"", CTL_STATS, "stats.srp.gather_token_lost", 1, NULL},
	{"coterie_ring_token_lost", "counter", "state=\"commit\"", CTL_STATS, "stats.srp.commit_token_lost", 1, NULL},
	{"coterie_ring_token_lost", "counter", "state=\"recovery\"", CTL_STATS, "stats.srp.recovery_token_lost", 1, NULL},
	{"coterie_ring_consensus_timeouts", "counter", NULL, CTL_STATS, "stats.srp.consensus_timeouts", 1,
		"Gathers that did not agree in time."},
	{"coterie_token_received", "counter", NULL, CTL_STATS, "stats.srp.orf_token_rx", 1, "Tokens received."},
	{"coterie_token_sent", "counter", NULL, CTL_STATS, "stats.srp.orf_token_tx", 1, "Tokens sent."},
	{"coterie_token_last_received_seconds", "gauge", NULL, CTL_STATS, "stats.srp.time_since_token_last_received", 0.001,
		"Time since the last token."},
	{"coterie_token_timeout_seconds", "gauge", NULL, CTL_CONFIG, "runtime.config.totem.token", 0.001,
		"Time after which a token counts as lost."},
	{"coterie_messages_sent", "counter", NULL, CTL_STATS, "stats.srp.mcast_tx", 1, "Frames multicast."},
	{"coterie_messages_received", "counter", NULL, CTL_STATS, "stats.srp.mcast_rx", 1, "Frames received."},
	{"coterie_messages_retransmitted", "counter", NULL, CTL_STATS, "stats.srp.mcast_retx", 1, "Frames sent again."},
	{"coterie_messages_dropped", "counter", NULL, CTL_STATS, "stats.srp.rx_msg_dropped", 1,
		"Packets that were malformed or of another ring."},
	{"coterie_control_packets", "counter", "kind=\"join\",direction=\"tx\"", CTL_STATS, "stats.srp.memb_join_tx", 1,
		"Packets of the membership protocol."},
	{"coterie_control_packets", "counter", "kind=\"join\",direction=\"rx\"", CTL_STATS, "stats.srp.memb_join_rx", 1, NULL},
	{"coterie_control_packets", "counter", "kind=\"merge_detect\",direction=\"tx\"", CTL_STATS,
		"stats.srp.memb_merge_detect_tx", 1, NULL},
	{"coterie_control_packets", "counter", "kind=\"merge_detect\",direction=\"rx\"", CTL_STATS,
		"stats.srp.memb_merge_detect_rx", 1, NULL},
	{"coterie_control_packets", "counter", "kind=\"commit_token\",direction=\"tx\"", CTL_STATS,
		"stats.srp.memb_commit_token_tx", 1, NULL},
	{"coterie_control_packets", "counter", "kind=\"commit_token\",direction=\"rx\"", CTL_STATS,
		"stats.srp.memb_commit_token_rx", 1, NULL},
	{"coterie_control_packets", "counter", "kind=\"hold_cancel\",direction=\"tx\"", CTL_STATS,
		"stats.srp.token_hold_cancel_tx", 1, NULL},
	{"coterie_control_packets", "counter", "kind=\"hold_cancel\",direction=\"rx\"", CTL_STATS,
		"stats.srp.token_hold_cancel_rx", 1, NULL},
	{"coterie_send_queue_free", "gauge", NULL, CTL_STATS, "stats.pg.msg_queue_avail", 1,
		"Free places in the queue of messages to send."},
	{"coterie_send_queue_reserved", "gauge", NULL, CTL_STATS, "stats.pg.msg_reserved", 1,
		"Places reserved by requests being handled."},
	{"coterie_send_backlog_messages", "gauge", NULL, CTL_STATS, "stats.srp.avg_backlog_calc", 1,
		"Messages waiting to be sent, on average."},
	{"coterie_gather_continuous", "gauge", NULL, CTL_STATS, "stats.srp.continuous_gather", 1,
		"Gathers since the last ring."},
	{"coterie_send_failures_continuous", "gauge", NULL, CTL_STATS, "stats.srp.continuous_sendmsg_failures", 1,
		"Failed sends since the last that worked."},
	{"coterie_link_suspect", "gauge", NULL, CTL_STATS, "stats.srp.firewall_enabled_or_nic_failure", 1,
		"1: a firewall or a broken interface is suspected."},
	{"coterie_ipc_connections", "gauge", NULL, CTL_STATS, "stats.ipcs.global.active", 1, "Clients connected."},
	{"coterie_ipc_connections_closed", "counter", NULL, CTL_STATS, "stats.ipcs.global.closed", 1,
		"Clients that have gone."},
	{"coterie_config_version", "gauge", NULL, CTL_CONFIG, "totem.config_version", 1,
		"config_version of the config file."},
};

static void print_family(const char *name, const char *type, const char *help)
{
	printf("# TYPE %s %s\n# HELP %s %s\n", name, type, name, help);
}

static void print_fixed(struct ctl *ctl)
{
	bool is_new = false;

	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
		const struct metric *metric = &metrics[i];
		struct json_object *value = fact_value(ctl, metric->map, metric->key, NULL);

		is_new = is_new || metric->help != NULL;
		if (value == NULL)
			continue;
		/* The head of a family comes before its first value, whichever row has one. */
		for (size_t head = i; is_new; head--) {
			if (metrics[head].help == NULL)
				continue;
			print_family(metric->name, metric->type, metrics[head].help);
			is_new = false;
			break;
		}
		printf("%s%s%s%s%s %.10g\n", metric->name, strcmp(metric->type, "counter") == 0 ? "_total" : "",
			metric->labels != NULL ? "{" : "", metric->labels != NULL ? metric->labels : "",
			metric->labels != NULL ? "}" : "", json_object_get_double(value) * metric->scale);
		json_object_put(value);
	}
}

/* Backslash, quote and newline are the ones that a label's value may not carry as they are. */
static void print_label(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\' || *text == '"')
			putchar('\\');
		if (*text == '\n')
			fputs("\\n", stdout);
		else
			putchar(*text);
	}
}

static void print_members(struct ctl *ctl)
{
	struct json_object *nodes = fact_nodes(ctl);
	size_t count = json_object_array_length(nodes);

	for (int pass = 0; pass < 2 && count > 0; pass++) {
		print_family(pass == 0 ? "coterie_member" : "coterie_member_joins", pass == 0 ? "gauge" : "counter",
			pass == 0 ? "1: the node is in the ring." : "Times the node joined the ring.");
		for (size_t i = 0; i < count; i++) {
			struct json_object *node = json_object_array_get_idx(nodes, i);
			int64_t id = get_number(node, "id");
			char key[CMAP_KEYNAME_MAXLEN + 1];

			snprintf(key, sizeof(key), "runtime.members.%" PRIi64 ".%s", id, pass == 0 ? "status" : "join_count");
			char *status = pass == 0 ? fact_text(ctl, CTL_CONFIG, key) : NULL;
			int64_t value = pass == 0 ? status != NULL && strcmp(status, "joined") == 0
						  : fact_number(ctl, CTL_CONFIG, key, 0);
			printf("%s{node_id=\"%" PRIi64 "\",node=\"", pass == 0 ? "coterie_member" : "coterie_member_joins_total",
				id);
			print_label(get_text(node, "name"));
			printf("\"} %" PRIi64 "\n", value);
			free(status);
		}
	}
	json_object_put(nodes);
}

static void print_votes(struct ctl *ctl)
{
	struct votequorum_info info;
	int quorate = fact_quorate(ctl);

	if (quorate >= 0) {
		print_family("coterie_quorate", "gauge", "1: this partition is quorate.");
		printf("coterie_quorate %d\n", quorate);
	}
	if (!ctl_try(ctl, CTL_VOTES) || votequorum_getinfo(ctl->votes, 0, &info) != CS_OK)
		return;
	print_family("coterie_quorum_votes", "gauge", "Votes.");
	printf("coterie_quorum_votes{type=\"expected\"} %u\ncoterie_quorum_votes{type=\"highest_expected\"} %u\n"
	       "coterie_quorum_votes{type=\"total\"} %u\ncoterie_quorum_votes{type=\"quorum\"} %u\n",
		info.node_expected_votes, info.highest_expected, info.total_votes, info.quorum);
	print_family("coterie_quorum_votes_spare", "gauge", "Votes that may go before the quorum is lost.");
	printf("coterie_quorum_votes_spare %" PRIi64 "\n", (int64_t)info.total_votes - info.quorum);
}

int metrics_run(struct ctl *ctl)
{
	int code = ctl_open(ctl, CTL_CONFIG);

	if (code == 0)
		code = ctl_open(ctl, CTL_STATS);
	if (code != 0) {
		fprintf(stderr, "coterie-ctl: %s; %s\n", ctl->error.text, ctl->error.hint);
		return code;
	}
	print_votes(ctl);
	print_members(ctl);
	print_fixed(ctl);
	printf("# EOF\n");
	return CTL_GOOD;
}
