/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/config/config_corpus.h"

#include <stdbool.h>
#include <string.h>

struct random {
	uint64_t state;
};

static uint32_t draw(struct random *random, uint32_t below)
{
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return (uint32_t)((random->state >> 20) % below);
}

/* A key of a section with its valid and its invalid values, separated by '|'. */
struct key {
	const char *name, *good, *bad;
};

static const struct key totem_keys[] = {
	{"cluster_name", "lab|a b|demo # not a comment|x-1_2|\"quoted\"", NULL},
	{"config_version", "0|1|7|18446744073709551615|+5", NULL},
	{"token", "1000|3000|5000|0| 4000", "x|1s|0x10|-1|4294967296|30 00|5|1.5"},
	{"token_coefficient", "0|650|100", "-5|a"},
	{"token_warning", "0|50|100", "101|200"},
	{"token_retransmits_before_loss_const", "4|10|6", "many"},
	{"token_retransmit", "200|238|400", "20|29"},
	{"hold", "180|100", "13|1"},
	{"join", "50|60|30", "29|10"},
	{"send_join", "0|80", "x"},
	{"consensus", "9000|60000", "29|-1|40"},
	{"merge", "200|300", "5|29"},
	{"downcheck", "1000|2000", "20"},
	{"fail_recv_const", "2500|0|100", "y"},
	{"seqno_unchanged_const", "30|3000", "1,5"},
	{"heartbeat_failures_allowed", "0|3", "none"},
	{"max_network_delay", "50|200", "29|2"},
	{"window_size", "50|100|0", "big"},
	{"max_messages", "17|20|0", "-2"},
	{"miss_count_const", "5|10", "five"},
	{"knet_pmtud_interval", "30|60", "30s"},
	{"knet_mtu", "0|1400", "x"},
	{"knet_compression_threshold", "0|100", "1K"},
	{"knet_compression_level", "0|3|-1", "99999999999|a"},
	{"knet_compression_model", "zlib", "zipp|gzip"},
	{"block_unlisted_ips", "yes|no", NULL},
	{"cancel_token_hold_on_retransmit", "yes|no", NULL},
	{"clear_node_high_bit", "yes|no", NULL},
	{"secauth", "off", NULL},
	{"crypto_cipher", "none", "aes512|AES256"},
	{"crypto_hash", "none", "sha3|md4"},
	{"crypto_model", "nss|openssl", "gnutls"},
	{"ip_version", "ipv4|ipv4-6|ipv6-4", "ipv5|4"},
	{"link_mode", "passive|active|rr", "random"},
	{"netmtu", "1500|9000", "a|-1"},
	{"threads", "0|1", "x"},
	{"rrp_mode", "none|passive", NULL},
	{"cluster_uuid", "0123456789abcdef", NULL},
	{"rrp_problem_count_timeout", "2000", "x"},
	{"tokn", "1|anything at all", NULL},
	{"my.own/key", "v:1|a}b", NULL},
};

static const struct key quorum_keys[] = {
	{"expected_votes", "1|2|3|5", "x|-1"},
	{"votes", "1|2", "one"},
	{"two_node", "0|1", "yes|256"},
	{"wait_for_all", "0|1", "on"},
	{"auto_tie_breaker", "0|1", "lowest"},
	{"auto_tie_breaker_node", "lowest|highest|1 2 3", NULL},
	{"last_man_standing", "0|1", "true"},
	{"last_man_standing_window", "10000|500", "10s"},
	{"allow_downscale", "0|1", "no"},
	{"expected_votes_tracking", "0", "300"},
	{"leaving_timeout", "100", "x"},
	{"other", "1", NULL},
};

static const struct key device_keys[] = {
	{"votes", "1|2", "x"},
	{"timeout", "10000|5000", "10s"},
	{"sync_timeout", "30000", "-1"},
	{"master_wins", "0|1", "yes"},
};

static const struct key net_keys[] = {
	{"host", "qnetd.example.org|10.0.0.9", NULL},
	{"port", "5403", NULL},
	{"algorithm", "ffsplit|lms", NULL},
	{"tie_breaker", "lowest|1", NULL},
	{"tls", "on|off|required", NULL},
	{"connect_timeout", "8000", NULL},
};

static const struct key heuristics_keys[] = {
	{"mode", "on|off|sync", NULL},
	{"interval", "30000", NULL},
	{"exec_ping", "/bin/ping -c1 10.0.0.1|/bin/true", NULL},
};

static const struct key logging_keys[] = {
	{"to_stderr", "yes|no|on|off", "maybe|1"},
	{"to_syslog", "no|off", "Yes"},
	{"to_logfile", "no|off", "file"},
	{"logfile_priority", "info|DEBUG|warning|err", "loud"},
	{"syslog_priority", "notice|Error", "quiet"},
	{"syslog_level", "info", "x"},
	{"syslog_facility", "daemon|local0|local7", "LOCAL3|local8"},
	{"debug", "off|on|trace", "yes"},
	{"timestamp", "on|off|hires", "yes|ms"},
	{"fileline", "on|off", "yes"},
	{"function_name", "on|off", "1"},
	{"blackbox", "on|off", "no"},
	{"tags", "a|b", NULL},
};

static const struct key subsystem_keys[] = {
	{"debug", "on|off|trace", "maybe"},
	{"to_syslog", "yes|no", "x"},
	{"logfile_priority", "info|debug", "all"},
	{"syslog_priority", "crit", "none"},
};

static const struct key interface_keys[] = {
	{"mcastport", "5405|6000|65535", "65536|x"},
	{"knet_transport", "udp", "tcp"},
	{"knet_link_priority", "1", "256|-1"},
	{"knet_ping_interval", "500|1000", "x"},
	{"knet_ping_timeout", "2000", "2s"},
	{"knet_ping_precision", "2048|100", "-1"},
	{"knet_pong_count", "2|5", "two"},
	{"ttl", "1", "256|a"},
	{"broadcast", "no", NULL},
	{"bindnetaddr", "127.0.0.1", NULL},
	{"ringnumber", "0", NULL},
	{"own", "thing", NULL},
};

static const struct key system_keys[] = {
	{"qb_ipc_type", "native|shm|socket", "tcp"},
	{"sched_rr", "yes|no", "maybe|on"},
	{"move_to_root_cgroup", "yes|no|auto", "0"},
	{"allow_knet_handle_fallback", "yes|no", "1"},
	{"priority", "0|5|max|min", NULL},
	{"own", "1", NULL},
};

static const struct key node_keys[] = {
	{"quorum_votes", "1|2|0|3", "x|-1|1.0"},
	{"datacenterid", "1|east", NULL},
	{"free", "a b c", NULL},
};

static const struct key resources_keys[] = {
	{"watchdog_device", "off", NULL},
	{"watchdog_timeout", "6|10", "6s"},
};

struct writer {
	FILE *out;
	struct random random;
	bool wants_slip; /* an error must still be put into the file */
	uint32_t depth;
};

static bool chance(struct writer *writer, uint32_t percent) { return draw(&writer->random, 100) < percent; }

/* Write one value of a list, chosen at random. */
static void put_value(struct writer *writer, const char *values)
{
	uint32_t count = 1, pick;

	for (const char *at = values; *at != '\0'; at++)
		count += *at == '|';
	pick = draw(&writer->random, count);
	for (; pick > 0; pick--)
		values = strchr(values, '|') + 1;
	fprintf(writer->out, "%.*s", (int)strcspn(values, "|"), values);
}

static void indent(struct writer *writer)
{
	for (uint32_t i = 0; i < writer->depth; i++)
		fputs(chance(writer, 90) ? "\t" : "  ", writer->out);
}

static void put_item(struct writer *writer, const char *name, const char *value)
{
	indent(writer);
	fprintf(writer->out, "%s%s: %s\n", name, chance(writer, 5) ? " " : "", value);
}

static void put_key(struct writer *writer, const struct key *key)
{
	bool is_bad = writer->wants_slip && key->bad != NULL && chance(writer, 25);

	indent(writer);
	fprintf(writer->out, "%s:%s", key->name, chance(writer, 5) ? "\t" : " ");
	put_value(writer, is_bad ? key->bad : key->good);
	fputs(chance(writer, 5) ? "  \n" : "\n", writer->out);
	writer->wants_slip = writer->wants_slip && !is_bad;
}

static void put_keys(struct writer *writer, const struct key *keys, size_t count, uint32_t percent)
{
	for (size_t i = 0; i < count; i++) {
		if (chance(writer, percent))
			put_key(writer, &keys[i]);
		if (chance(writer, 2)) {
			indent(writer);
			fputs("# a comment { with: all } of it\n", writer->out);
		}
	}
}

#define KEYS(writer, keys, percent) put_keys(writer, keys, sizeof(keys) / sizeof((keys)[0]), percent)

static void begin(struct writer *writer, const char *name)
{
	indent(writer);
	fprintf(writer->out, "%s%s\n", name, chance(writer, 8) ? "{" : chance(writer, 5) ? ": {" : " {");
	writer->depth++;
}

static void end(struct writer *writer)
{
	writer->depth--;
	indent(writer);
	fputs("}\n", writer->out);
	if (chance(writer, 20))
		fputc('\n', writer->out);
}

/* Write a line with an error of syntax. */
static void put_slip(struct writer *writer)
{
	static const char *const slips[] = {"no colon here\n", "one { on: line }\n", "}\n}\n", "a: b { c\n", "} x\n",
		"{\n", "section\n{\n", "x {\n", "uidgid {\n\tuid: nosuchuser\n}\n", "uidgid {\n\tpid: 1\n}\n",
		"logging {\n\tlogger_subsys {\n\t\tdebug: on\n\t}\n}\n",
		"totem {\n\tinterface {\n\t\tlinknumber: 8\n\t\tmcastport: 5405\n\t}\n}\n",
		"totem {\n\ttransport: tcp\n}\n", "totem {\n\tversion: 3\n}\n", "totem {\n\tversion: two\n}\n",
		"totem {\n\tconfig_version: five\n}\n", "totem {\n\ttransport: UDPU\n}\n",
		"nodelist {\n\tnode {\n\t\tnodeid: x\n\t}\n}\n", "ab: 1\n",
		"totem {\n\tcrypto_cipher: aes256\n\tcrypto_hash: none\n}\n"};

	/* "config_version: five" makes Corosync 3.1.7 abort. The comparison treats that as a refusal. */
	fputs(slips[draw(&writer->random, sizeof(slips) / sizeof(slips[0]))], writer->out);
	writer->wants_slip = false;
}

static void put_interface(struct writer *writer, uint32_t link)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", link);
	begin(writer, "interface");
	if (link > 0 || chance(writer, 70))
		put_item(writer, "linknumber", number);
	KEYS(writer, interface_keys, 20);
	end(writer);
}

static void put_totem(struct writer *writer, const char *transport, uint32_t links)
{
	begin(writer, "totem");
	put_item(writer, "version", "2");
	if (transport != NULL)
		put_item(writer, "transport", transport);
	/* udp derives its multicast group from the cluster name. */
	if (transport != NULL && strcmp(transport, "udp") == 0)
		put_item(writer, "cluster_name", "mc");
	KEYS(writer, totem_keys, 14);
	for (uint32_t link = 0; link < links; link++)
		if (chance(writer, 40))
			put_interface(writer, link);
	end(writer);
}

static void put_nodes(struct writer *writer, bool is_knet, uint32_t nodes, uint32_t links)
{
	begin(writer, "nodelist");
	for (uint32_t node = 0; node < nodes; node++) {
		char text[64];

		begin(writer, "node");
		for (uint32_t link = 0; link < links; link++) {
			char name[32];

			snprintf(name, sizeof(name), "ring%u_addr", link);
			snprintf(text, sizeof(text), node == 0 ? "127.0.0.1" : "10.%u.0.%u", 90 + link, node + 1);
			if (writer->wants_slip && chance(writer, 5)) {
				snprintf(text, sizeof(text), "no such host");
				writer->wants_slip = false;
			}
			put_item(writer, name, text);
		}
		snprintf(text, sizeof(text), "%u", node + 1);
		if (writer->wants_slip && is_knet && chance(writer, 5)) {
			snprintf(text, sizeof(text), node == 0 ? "0" : "%u", chance(writer, 50) ? 1 : 70000);
			writer->wants_slip = false;
		}
		if (is_knet || chance(writer, 80))
			put_item(writer, "nodeid", text);
		snprintf(text, sizeof(text), "n%u", node + 1);
		if (links > 1 || chance(writer, 60))
			put_item(writer, "name", text);
		KEYS(writer, node_keys, 15);
		end(writer);
	}
	end(writer);
}

static void put_quorum(struct writer *writer)
{
	begin(writer, "quorum");
	if (chance(writer, 80))
		put_item(writer, "provider", "corosync_votequorum");
	KEYS(writer, quorum_keys, 18);
	if (chance(writer, 20)) {
		begin(writer, "device");
		if (chance(writer, 80))
			put_item(writer, "model", "net");
		KEYS(writer, device_keys, 40);
		begin(writer, "net");
		KEYS(writer, net_keys, 50);
		end(writer);
		if (chance(writer, 40)) {
			begin(writer, "heuristics");
			KEYS(writer, heuristics_keys, 70);
			end(writer);
		}
		end(writer);
	}
	end(writer);
}

static void put_logging(struct writer *writer)
{
	static const char *const names[] = {"QUORUM", "TOTEM", "CPG", "MAIN", "own.sub-1"};

	begin(writer, "logging");
	KEYS(writer, logging_keys, 25);
	if (chance(writer, 30)) {
		begin(writer, "logger_subsys");
		put_item(writer, "subsys", names[draw(&writer->random, 5)]);
		KEYS(writer, subsystem_keys, 40);
		end(writer);
	}
	if (chance(writer, 8)) {
		begin(writer, "logging_daemon");
		put_item(writer, "name", "pacemakerd");
		put_item(writer, "debug", "on");
		end(writer);
	}
	end(writer);
}

void config_corpus_write(FILE *out, uint32_t number)
{
	static const char *const transports[] = {"udpu", "udp", "knet", NULL};
	struct writer writer = {.out = out, .random = {UINT64_C(0x9e3779b97f4a7c15) * (number + 1)}};

	for (int i = 0; i < 8; i++)
		draw(&writer.random, 2);
	const char *transport = transports[draw(&writer.random, 4)];
	bool is_knet = transport == NULL || strcmp(transport, "knet") == 0;
	uint32_t nodes = 1 + draw(&writer.random, 3), links = is_knet && chance(&writer, 25) ? 2 : 1;

	writer.wants_slip = chance(&writer, 40);
	if (chance(&writer, 20))
		fputs("# Please read the corosync.conf.5 manual page\n\n", out);
	put_totem(&writer, transport, links);
	if (writer.wants_slip && chance(&writer, 30))
		put_slip(&writer);
	if (!writer.wants_slip || chance(&writer, 95))
		put_nodes(&writer, is_knet, nodes, links);
	if (chance(&writer, 60))
		put_quorum(&writer);
	if (chance(&writer, 60))
		put_logging(&writer);
	else
		fputs("logging {\n\tto_syslog: no\n}\n", out);
	if (chance(&writer, 20)) {
		begin(&writer, "system");
		KEYS(&writer, system_keys, 35);
		end(&writer);
	}
	if (chance(&writer, 10)) {
		begin(&writer, "resources");
		KEYS(&writer, resources_keys, 60);
		end(&writer);
	}
	if (chance(&writer, 15))
		fputs("uidgid {\n\tuid: root\n\tgid: 4294\n}\n", out);
	if (chance(&writer, 10))
		fputs("foreign {\n\tsub {\n\t\tkey: value\n\t}\n\tother: 1\n}\n", out);
	if (writer.wants_slip)
		put_slip(&writer);
}
