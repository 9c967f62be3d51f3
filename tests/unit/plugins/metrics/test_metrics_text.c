/* SPDX-License-Identifier: BSD-3-Clause */
/* plugins/common/metrics: the text that is made from fixed values. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/common/metrics/writer.h"
#include "tests/suite.h"
#include "tests/unit/fail_alloc.h"

/* The keys of a simulated daemon. The last row of a list has no key. */
struct figure {
	uint32_t map;
	const char *key;
	uint32_t type;
	const char *text; /* value of a string */
	uint64_t number;  /* value of any other type */
};

struct daemon {
	const struct figure *figures;
	int quorate;
	bool has_ring, has_votes, has_links;
};

static bool daemon_read(void *arg, uint32_t map, const char *key, uint32_t *type, void *bytes)
{
	const struct daemon *daemon = arg;

	for (const struct figure *figure = daemon->figures; figure->key != NULL; figure++) {
		if (figure->map != map || strcmp(figure->key, key) != 0)
			continue;
		*type = figure->type;
		if (figure->text != NULL)
			memcpy(bytes, figure->text, strlen(figure->text) + 1);
		else
			memcpy(bytes, &figure->number, sizeof(figure->number));
		return true;
	}
	return false;
}

static void daemon_each(
	void *arg, uint32_t map, const char *prefix, bool (*see)(void *see_arg, const char *key), void *see_arg)
{
	const struct daemon *daemon = arg;

	for (const struct figure *figure = daemon->figures; figure->key != NULL; figure++)
		if (figure->map == map && strncmp(figure->key, prefix, strlen(prefix)) == 0 &&
			!see(see_arg, figure->key))
			return;
}

static bool daemon_ring(void *arg, struct coterie_ring_id *ring)
{
	*ring = (struct coterie_ring_id){.representative = 1, .seq = 4000000000000};
	return ((const struct daemon *)arg)->has_ring;
}

static int daemon_quorate(void *arg) { return ((const struct daemon *)arg)->quorate; }

static bool daemon_votes(void *arg, uint32_t nodeid, struct metrics_votes *votes)
{
	*votes = (struct metrics_votes){.votes = 2,
		.expected = 3,
		.highest_expected = 4,
		.total = 1,
		.quorum = 3,
		.flags = 2 | (nodeid == 7 ? 64 | 128 : 0),
		.device_votes = 5,
		.device = "dev"};
	return ((const struct daemon *)arg)->has_votes && nodeid != 9;
}

static bool daemon_links(void *arg, uint32_t nodeid, struct coterie_node_status *status)
{
	if (status->size != sizeof(*status))
		return false;
	status->links[1] = (struct coterie_link_status){.is_enabled = 1, .is_connected = nodeid == 7, .mtu = 1397};
	return ((const struct daemon *)arg)->has_links;
}

#define C COTERIE_MAP_CONFIG
#define S COTERIE_MAP_STATS
#define TEXT(map, key, text) \
	{ \
		map, key, COTERIE_MAP_STRING, text, 0 \
	}
#define U32(map, key, number) \
	{ \
		map, key, COTERIE_MAP_U32, NULL, number \
	}
#define U64(map, key, number) \
	{ \
		map, key, COTERIE_MAP_U64, NULL, number \
	}
#define END \
	{ \
		0, NULL, 0, NULL, 0 \
	}

static struct metrics_text text;
static struct daemon present;

static const struct metrics_source source = {.arg = &present,
	.read = daemon_read,
	.each = daemon_each,
	.ring = daemon_ring,
	.quorate = daemon_quorate,
	.votes = daemon_votes,
	.links = daemon_links};

static void set_up(void)
{
	memset(&text, 0, sizeof(text));
	present = (struct daemon){.quorate = -1};
}

static void tear_down(void) { metrics_text_fini(&text); }

static const char *render(const struct figure *figures, struct metrics_options options)
{
	metrics_text_fini(&text);
	present.figures = figures;
	ck_assert_int_eq(metrics_render(&source, &options, &text), 0);
	return text.bytes;
}

static void has(const char *line)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	ck_assert_msg(strstr(text.bytes, whole) != NULL || strncmp(text.bytes, whole + 1, strlen(whole + 1)) == 0,
		"no line '%s' in\n%s", line, text.bytes);
}

static void has_not(const char *words)
{
	ck_assert_msg(strstr(text.bytes, words) == NULL, "'%s' in\n%s", words, text.bytes);
}

static const struct figure nothing[] = {END};

START_TEST(without_figures_there_is_but_the_end)
{
	ck_assert_str_eq(render(nothing, (struct metrics_options){.format = METRICS_OPENMETRICS}), "# EOF\n");
}
END_TEST

static const struct figure some[] = {
	TEXT(S, "stats.coterie.version", "1.2"),
	U64(S, "stats.srp.mcast_tx", 5),
	U64(S, "stats.srp.time_since_token_last_received", 1234),
	END,
};

START_TEST(a_family_has_a_head)
{
	const char *want = "# TYPE coterie_build info\n"
			   "# HELP coterie_build The daemon's version, and the Corosync it works with.\n"
			   "coterie_build_info{version=\"1.2\",compat=\"3.1\",features=\"\"} 1\n"
			   "# TYPE coterie_token_last_received_seconds gauge\n"
			   "# UNIT coterie_token_last_received_seconds seconds\n"
			   "# HELP coterie_token_last_received_seconds Time since the last token.\n"
			   "coterie_token_last_received_seconds 1.234\n"
			   "# TYPE coterie_messages_sent counter\n"
			   "# HELP coterie_messages_sent Frames multicast.\n"
			   "coterie_messages_sent_total 5\n"
			   "# EOF\n";

	ck_assert_str_eq(render(some, (struct metrics_options){.format = METRICS_OPENMETRICS}), want);
}
END_TEST

START_TEST(the_older_format_names_the_samples)
{
	render(some, (struct metrics_options){.format = METRICS_PROMETHEUS});
	has("# TYPE coterie_build_info gauge");
	has("# TYPE coterie_messages_sent_total counter");
	has("# HELP coterie_messages_sent_total Frames multicast.");
	has_not("# UNIT");
	has_not("# EOF");
}
END_TEST

static const struct figure ring[] = {
	U32(C, "nodelist.local_node_pos", 1),
	TEXT(C, "nodelist.node.0.name", "b"),
	U32(C, "nodelist.node.0.nodeid", 7),
	U32(C, "nodelist.node.1.nodeid", 3),
	TEXT(C, "nodelist.node.1.ring0_addr", "10.0.0.3"),
	U32(C, "nodelist.node.2.nodeid", 0), /* 0 is no node id */
	U32(C, "runtime.members.7.join_count", 2),
	TEXT(C, "runtime.members.7.status", "joined"),
	U32(C, "runtime.members.9.join_count", 1),
	TEXT(C, "runtime.members.9.status", "left"),
	TEXT(C, "totem.cluster_name", "c"),
	TEXT(S, "stats.coterie.instance", "i"),
	TEXT(S, "stats.coterie.state", "gather"),
	END,
};

START_TEST(nodes_are_those_listed_and_those_seen)
{
	present = (struct daemon){.quorate = 1, .has_ring = true, .has_votes = true, .has_links = true};
	render(ring, (struct metrics_options){.format = METRICS_OPENMETRICS});
	has("coterie_node_info{node_id=\"3\",node=\"10.0.0.3\",cluster=\"c\",transport=\"knet\",instance=\"i\"} 1");
	has("coterie_state{coterie_state=\"operational\"} 0");
	has("coterie_state{coterie_state=\"gather\"} 1");
	has("coterie_quorate 1");
	has("coterie_quorum_votes{type=\"total\"} 1");
	has("coterie_quorum_votes_spare -2");
	has("coterie_quorum_flag{flag=\"quorate\"} 1");
	has("coterie_quorum_flag{flag=\"two_node\"} 0");
	has("coterie_qdevice_up{node_id=\"7\",name=\"dev\"} 1");
	has("coterie_qdevice_votes{node_id=\"7\",name=\"dev\"} 5");
	has("coterie_member{node_id=\"3\",node=\"10.0.0.3\"} 0\ncoterie_member{node_id=\"7\",node=\"b\"} 1\n"
	    "coterie_member{node_id=\"9\",node=\"\"} 0");
	has("coterie_member_votes{node_id=\"3\",node=\"10.0.0.3\"} 2");
	has_not("coterie_member_votes{node_id=\"9\"");
	has("coterie_member_joins_total{node_id=\"7\",node=\"b\"} 2");
	has("coterie_ring_members 1");
	has("coterie_ring_info{rep=\"1\",seq=\"4000000000000\"} 1");
	has("coterie_link_up{node_id=\"3\",node=\"10.0.0.3\",link=\"1\"} 0");
	has("coterie_link_up{node_id=\"7\",node=\"b\",link=\"1\"} 1");
	has("coterie_link_mtu_bytes{node_id=\"7\",node=\"b\",link=\"1\"} 1397");
	has_not("link=\"0\"");
	has_not("ha_cluster");
	render(ring, (struct metrics_options){.format = METRICS_OPENMETRICS, .has_legacy_names = true});
	has("ha_cluster_corosync_quorate 1");
	has("ha_cluster_corosync_ring_errors 2");
	has("ha_cluster_corosync_quorum_votes{type=\"expected_votes\"} 3");
}
END_TEST

static const struct figure clients[] = {
	U32(C, "runtime.services.cpg.0.rx", 11),
	U32(C, "runtime.services.cpg.0.tx", 12),
	U32(C, "runtime.services.cpg.service_id", 2),
	U64(S, "stats.coterie.ipc.cpg.requests", 100),
	TEXT(S, "stats.ipcs.service2.17.0x1.procname", "one"),
	U32(S, "stats.ipcs.service2.17.0x1.queued", 1),
	U64(S, "stats.ipcs.service2.17.0x1.requests", 5),
	TEXT(S, "stats.ipcs.service2.17.0x2.procname", "one"),
	U64(S, "stats.ipcs.service2.17.0x2.requests", 6),
	U64(S, "stats.ipcs.service2.18.0x3.requests", 7),
	U64(S, "stats.ipcs.service5.18.0x4.requests", 8),
	U64(S, "stats.ipcs.service64.18.0x5.requests", 9), /* no service */
	TEXT(S, "stats.plugins.cpg.kind", "service"),
	TEXT(S, "stats.plugins.cpg.own.kind", "a plugin's own statistic"),
	TEXT(S, "stats.plugins.cpg.version", "1.0"),
	END,
};

START_TEST(clients_are_summed_up)
{
	render(clients, (struct metrics_options){.format = METRICS_OPENMETRICS});
	has("coterie_ipc_connections{service=\"cpg\"} 3\ncoterie_ipc_connections{service=\"5\"} 1");
	has("coterie_ipc_requests_total{service=\"cpg\"} 118");
	has("coterie_ipc_requests_total{service=\"5\"} 8");
	has("coterie_ipc_queued{service=\"cpg\"} 1");
	has("coterie_service_messages_total{service=\"cpg\",function=\"0\",direction=\"tx\"} 12");
	has("coterie_plugin_info{name=\"cpg\",kind=\"service\",version=\"1.0\",state=\"\"} 1");
	has_not("own statistic");
	has_not("pid=");
	render(clients, (struct metrics_options){.format = METRICS_OPENMETRICS, .is_per_client = true});
	has("coterie_ipc_requests_total{service=\"cpg\"} 100");
	has("coterie_ipc_requests_total{service=\"cpg\",pid=\"17\",program=\"one\"} 11");
	has("coterie_ipc_requests_total{service=\"cpg\",pid=\"18\",program=\"\"} 7");
}
END_TEST

static const struct figure knet[] = {
	U32(C, "nodelist.node.0.nodeid", 7),
	U64(S, "stats.knet.handle.rx_crypt_time_min", UINT64_MAX), /* nothing measured */
	U64(S, "stats.knet.handle.tx_crypt_packets", 3),
	U64(S, "stats.knet.handle.tx_crypt_time_ave", 4815),
	U32(S, "stats.knet.node7.link2.enabled", 1),
	U32(S, "stats.knet.node7.link2.latency_ave", 142),
	U32(S, "stats.knet.node7.link2.latency_min", UINT32_MAX),
	U64(S, "stats.knet.node7.link2.tx_ping_bytes", 560),
	END,
};

START_TEST(links_of_knet_have_figures)
{
	render(knet, (struct metrics_options){.format = METRICS_OPENMETRICS});
	has("coterie_link_latency_seconds{node_id=\"7\",node=\"\",link=\"2\",stat=\"avg\"} 0.000142");
	has_not("stat=\"min\"");
	has("coterie_link_bytes_total{node_id=\"7\",node=\"\",link=\"2\",direction=\"tx\",kind=\"ping\"} 560");
	has("coterie_crypto_packets_total{direction=\"tx\"} 3");
	has("coterie_crypto_seconds{direction=\"tx\",stat=\"avg\"} 4.815e-06");
}
END_TEST

static const struct figure times[] = {
	U32(S, "stats.coterie.times.token_hold.00.below_us", 100),
	U64(S, "stats.coterie.times.token_hold.00.count", 2),
	U32(S, "stats.coterie.times.token_hold.01.below_us", 1000000),
	U64(S, "stats.coterie.times.token_hold.01.count", 3),
	U64(S, "stats.coterie.times.token_hold.02.count", 4),
	U64(S, "stats.coterie.times.token_hold.sum_us", 9500000),
	U32(S, "stats.coterie.times.token_rotation.00.below_us", 100), /* an incomplete histogram */
	END,
};

static const struct figure delivery[] = {
	U32(S, "stats.coterie.times.delivery_agreed.00.below_us", 100),
	U64(S, "stats.coterie.times.delivery_agreed.00.count", 2),
	U64(S, "stats.coterie.times.delivery_agreed.01.count", 1),
	U64(S, "stats.coterie.times.delivery_agreed.sum_us", 500),
	U32(S, "stats.coterie.times.delivery_safe.00.below_us", 100),
	U64(S, "stats.coterie.times.delivery_safe.00.count", 0),
	U64(S, "stats.coterie.times.delivery_safe.01.count", 0),
	U64(S, "stats.coterie.times.delivery_safe.sum_us", 0),
	END,
};

START_TEST(histograms_of_one_family_differ_in_a_label)
{
	render(delivery, (struct metrics_options){.format = METRICS_OPENMETRICS});
	has("coterie_delivery_latency_seconds_bucket{le=\"0.0001\",guarantee=\"agreed\"} 2");
	has("coterie_delivery_latency_seconds_bucket{le=\"+Inf\",guarantee=\"agreed\"} 3");
	has("coterie_delivery_latency_seconds_count{guarantee=\"agreed\"} 3");
	has("coterie_delivery_latency_seconds_sum{guarantee=\"agreed\"} 0.0005");
	has("coterie_delivery_latency_seconds_count{guarantee=\"safe\"} 0");
	ck_assert_ptr_eq(strstr(text.bytes, "# TYPE"), strstr(text.bytes, "# TYPE coterie_delivery_latency_seconds"));
}
END_TEST

static const struct figure events[] = {
	U64(S, "stats.coterie.ipc.denied", 2),
	U64(S, "stats.coterie.ipc.refused", 21),
	U64(S, "stats.coterie.lease.held", 1),
	U64(S, "stats.coterie.lease.lapses", 18),
	U64(S, "stats.coterie.lease.length_ms", 1825),
	U64(S, "stats.coterie.log.error", 3),
	U64(S, "stats.coterie.log.trace", 4),
	U64(S, "stats.coterie.reload.applied", 5),
	U64(S, "stats.coterie.reload.refused", 6),
	U64(S, "stats.coterie.reload.taken_ms", 1700000000250),
	U64(S, "stats.coterie.ring.changes.leave", 7),
	U64(S, "stats.coterie.ring.changes.start", 1),
	U64(S, "stats.coterie.ring.evictions.closed", 19),
	U64(S, "stats.coterie.ring.evictions.silent", 20),
	U64(S, "stats.coterie.ring.token_retransmits", 8),
	U64(S, "stats.coterie.ring.token_warnings", 9),
	U64(S, "stats.coterie.scheduler.late", 10),
	U64(S, "stats.plugins.cpg.fails", 11),
	U32(S, "stats.plugins.cpg.groups", 12),
	U64(S, "stats.plugins.cpg.loads", 13),
	U32(S, "stats.plugins.cpg.members", 14),
	U64(S, "stats.plugins.cpg.own.loads", 15), /* a plugin's own statistic */
	U64(S, "stats.plugins.cpg.replaces", 16),
	U64(S, "stats.plugins.cpg.unloads", 17),
	END,
};

START_TEST(what_happened_is_counted)
{
	render(events, (struct metrics_options){.format = METRICS_OPENMETRICS});
	has("coterie_ipc_denied_total 2");
	has("coterie_ipc_refused_total 21");
	has("coterie_log_lines_total{level=\"error\"} 3\ncoterie_log_lines_total{level=\"trace\"} 4");
	has("coterie_config_reload_total{result=\"applied\"} 5\ncoterie_config_reload_total{result=\"refused\"} 6");
	has("coterie_config_last_reload_timestamp_seconds 1700000000.25");
	has("coterie_ring_changes_total{reason=\"leave\"} 7\ncoterie_ring_changes_total{reason=\"start\"} 1");
	has("coterie_evictions_total{evidence=\"closed\"} 19\ncoterie_evictions_total{evidence=\"silent\"} 20");
	has("coterie_lease 1");
	has("coterie_lease_seconds 1.825");
	has("coterie_lease_lapses_total 18");
	has("coterie_token_retransmits_total 8");
	has("coterie_token_warnings_total 9");
	has("coterie_scheduler_late_total 10");
	has("coterie_cpg_groups 12");
	has("coterie_cpg_members 14");
	has("coterie_plugin_events_total{name=\"cpg\",event=\"load\"} 13\n"
	    "coterie_plugin_events_total{name=\"cpg\",event=\"unload\"} 17\n"
	    "coterie_plugin_events_total{name=\"cpg\",event=\"replace\"} 16\n"
	    "coterie_plugin_events_total{name=\"cpg\",event=\"fail\"} 11");
	has_not(" 15\n");
}
END_TEST

static const struct figure sources[] = {
	U64(S, "stats.coterie.ring.received.1", 7),
	U64(S, "stats.coterie.ring.received.12", 8),
	U64(S, "stats.srp.mcast_rx", 16),
	END,
};

/* Corosync has one counter of frames for all sources. With Coterie's keys there is one for each source. */
START_TEST(frames_have_sources_where_they_are_told)
{
	render(sources, (struct metrics_options){.format = METRICS_OPENMETRICS});
	has("coterie_messages_received_total{source=\"1\"} 7\ncoterie_messages_received_total{source=\"12\"} 8");
	has_not("coterie_messages_received_total 16");
	render(sources + 2, (struct metrics_options){.format = METRICS_OPENMETRICS});
	has("coterie_messages_received_total 16");
}
END_TEST

#define RING(transport) TEXT(C, "totem.transport", transport)
#define ADDRESS(address) TEXT(C, "nodelist.node.0.ring0_addr", address)
#define AWAY TEXT(C, "nodelist.node.1.ring0_addr", "192.0.2.1")

static const struct {
	const char *want; /* NULL: no sample */
	enum metrics_protection protection;
	struct figure figures[5];
} protections[] = {
	{NULL, METRICS_PROTECTION_UNKNOWN, {END}},
	{NULL, METRICS_PROTECTION_UNKNOWN, {RING("udpu"), END}},
	{NULL, METRICS_PROTECTION_UNKNOWN, {RING("unixgram"), AWAY, END}},
	{"1", METRICS_PROTECTION_NONE, {AWAY, END}}, /* the default transport is knet */
	{"1", METRICS_PROTECTION_NONE, {RING("udp"), AWAY, END}},
	{"1", METRICS_PROTECTION_NONE, {RING("udpu"), ADDRESS("127.0.0.1"), AWAY, END}},
	{"1", METRICS_PROTECTION_NONE, {RING("udpu"), ADDRESS("node1"), END}},
	{"1", METRICS_PROTECTION_NONE, {RING("udpu"), ADDRESS("fe80::1"), END}},
	{"1", METRICS_PROTECTION_NONE, {RING("udpu"), ADDRESS("126.255.255.255"), END}},
	{"1", METRICS_PROTECTION_NONE, {RING("udpu"), TEXT(C, "totem.encryption", "none"), AWAY, END}},
	{"1", METRICS_PROTECTION_NONE, {RING("udp"), TEXT(C, "totem.interface.0.bindnetaddr", "192.0.2.0"), END}},
	{"0", METRICS_PROTECTION_LOOPBACK, {RING("udp"), TEXT(C, "totem.interface.0.bindnetaddr", "127.0.0.1"), END}},
	{"0", METRICS_PROTECTION_LOOPBACK, {RING("udpu"), ADDRESS("127.255.0.3"), END}},
	{"0", METRICS_PROTECTION_LOOPBACK, {RING("udpu"), ADDRESS("::1"), END}},
	{"0", METRICS_PROTECTION_LOOPBACK, {RING("udpu"), ADDRESS("::ffff:127.0.0.1"), END}},
	{"0", METRICS_PROTECTION_LOOPBACK, {RING("knet"), ADDRESS("localhost"), END}},
	{"0", METRICS_PROTECTION_ENCRYPTED, {RING("udpu"), TEXT(C, "totem.encryption", "aes256-gcm"), AWAY, END}},
	{"0", METRICS_PROTECTION_ENCRYPTED, {TEXT(C, "totem.crypto_cipher", "aes256"), AWAY, END}},
	{"0", METRICS_PROTECTION_ENCRYPTED, {TEXT(C, "totem.secauth", "on"), AWAY, END}},
	{"1", METRICS_PROTECTION_AUTHENTICATED,
		{TEXT(C, "totem.secauth", "on"), TEXT(C, "totem.crypto_cipher", "none"), AWAY, END}},
	{"1", METRICS_PROTECTION_AUTHENTICATED, {TEXT(C, "totem.crypto_hash", "sha1"), AWAY, END}},
};

START_TEST(a_ring_in_clear_on_a_network_is_a_figure)
{
	char line[64];

	render(protections[_i].figures, (struct metrics_options){.format = METRICS_OPENMETRICS});
	snprintf(line, sizeof(line), "coterie_ring_plain %s", protections[_i].want);
	if (protections[_i].want != NULL)
		has(line);
	else
		has_not("coterie_ring_plain");
	ck_assert_int_eq(metrics_protection(&source), protections[_i].protection);
}
END_TEST

static const struct figure not_reloaded[] = {U64(S, "stats.coterie.reload.taken_ms", 0), END};

START_TEST(before_the_first_reload_there_is_no_time_of_one)
{
	ck_assert_str_eq(render(not_reloaded, (struct metrics_options){.format = METRICS_OPENMETRICS}), "# EOF\n");
}
END_TEST

START_TEST(buckets_add_up)
{
	render(times, (struct metrics_options){.format = METRICS_OPENMETRICS});
	has("# TYPE coterie_token_hold_seconds histogram");
	has("coterie_token_hold_seconds_bucket{le=\"0.0001\"} 2\ncoterie_token_hold_seconds_bucket{le=\"1.0\"} 5\n"
	    "coterie_token_hold_seconds_bucket{le=\"+Inf\"} 9\ncoterie_token_hold_seconds_count 9\n"
	    "coterie_token_hold_seconds_sum 9.5");
	has_not("rotation");
}
END_TEST

static const struct {
	const char *value, *want;
} labels[] = {
	{"", ""},
	{"a b", "a b"},
	{"a\"b\\c\nd", "a\\\"b\\\\c\\nd"},
	{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
	{"\xc3", "\xef\xbf\xbd"},
	{"\xc3(", "\xef\xbf\xbd("},
	{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
	{"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"},                 /* an overlong encoding of UTF-8 */
	{"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	{"\xff\x01", "\xef\xbf\xbd\x01"},
};

START_TEST(labels_are_made_safe)
{
	const struct figure figures[] = {TEXT(S, "stats.coterie.version", labels[_i].value), END};
	char want[128];

	render(figures, (struct metrics_options){.format = METRICS_OPENMETRICS});
	snprintf(want, sizeof(want), "coterie_build_info{version=\"%s\",compat=\"3.1\",features=\"\"} 1",
		labels[_i].want);
	has(want);
}
END_TEST

static const struct {
	uint32_t type;
	const char *text;
	uint64_t bits;
	const char *want; /* NULL: the metric is left out */
} numbers[] = {
	{COTERIE_MAP_U8, NULL, 0x1ff, "255"},
	{COTERIE_MAP_I8, NULL, 0xff, "-1"},
	{COTERIE_MAP_U16, NULL, 0xffff, "65535"},
	{COTERIE_MAP_I16, NULL, 0xfffe, "-2"},
	{COTERIE_MAP_U32, NULL, 0xffffffff, "4294967295"},
	{COTERIE_MAP_I32, NULL, 0x80000000, "-2147483648"},
	{COTERIE_MAP_U64, NULL, 999999999999999, "999999999999999"},
	{COTERIE_MAP_U64, NULL, UINT64_MAX, "1.84467440737096e+19"},
	{COTERIE_MAP_I64, NULL, UINT64_MAX, "-1"},
	{COTERIE_MAP_FLOAT, NULL, 0x3f000000, "0.5"},
	{COTERIE_MAP_FLOAT, NULL, 0x7f800000, NULL}, /* infinite */
	{COTERIE_MAP_DOUBLE, NULL, 0x3fb999999999999a, "0.1"},
	{COTERIE_MAP_DOUBLE, NULL, 0x7ff8000000000000, NULL}, /* no number */
	{COTERIE_MAP_STRING, "12.5", 0, "12.5"},
	{COTERIE_MAP_STRING, "12x", 0, NULL},
	{COTERIE_MAP_STRING, "", 0, NULL},
	{COTERIE_MAP_STRING, "inf", 0, NULL},
	{COTERIE_MAP_BINARY, NULL, 1, NULL},
	{0, NULL, 1, NULL},
};

START_TEST(numbers_of_every_type)
{
	const struct figure figures[] = {
		{S, "stats.srp.avg_backlog_calc", numbers[_i].type, numbers[_i].text, numbers[_i].bits}, END};
	char want[128];

	render(figures, (struct metrics_options){.format = METRICS_OPENMETRICS});
	if (numbers[_i].want == NULL) {
		ck_assert_str_eq(text.bytes, "# EOF\n");
		return;
	}
	snprintf(want, sizeof(want), "coterie_send_backlog_messages %s", numbers[_i].want);
	has(want);
}
END_TEST

/* An incomplete text must not be used, so the caller gets an error. A text whose size is the limit is complete. */
START_TEST(a_text_has_a_limit)
{
	const struct metrics_options options = {.format = METRICS_OPENMETRICS};
	size_t size;

	render(some, options);
	size = text.size;
	metrics_text_fini(&text);
	text = (struct metrics_text){.size_max = size};
	ck_assert_int_eq(metrics_render(&source, &options, &text), 0);
	metrics_text_fini(&text);
	text = (struct metrics_text){.size_max = size - 1};
	ck_assert_int_eq(metrics_render(&source, &options, &text), -EMSGSIZE);
}
END_TEST

START_TEST(out_of_memory_is_said)
{
	const struct metrics_options options = {.format = METRICS_OPENMETRICS, .is_per_client = true};
	int rc = -ENOMEM;

	present = (struct daemon){.figures = _i == 0 ? ring : clients, .has_votes = true};
	for (unsigned int n = 1; rc != 0; n++) {
		metrics_text_fini(&text);
		text = (struct metrics_text){.bytes = NULL};
		fail_alloc_at(n);
		rc = metrics_render(&source, &options, &text);
		fail_alloc_at(0);
		ck_assert(rc == 0 || rc == -ENOMEM);
		ck_assert_uint_lt(n, 100);
	}
	has("# EOF");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics_text");
	TCase *tcase = tcase_create("metrics_text");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, without_figures_there_is_but_the_end);
	tcase_add_test(tcase, a_family_has_a_head);
	tcase_add_test(tcase, the_older_format_names_the_samples);
	tcase_add_test(tcase, nodes_are_those_listed_and_those_seen);
	tcase_add_test(tcase, clients_are_summed_up);
	tcase_add_test(tcase, links_of_knet_have_figures);
	tcase_add_test(tcase, buckets_add_up);
	tcase_add_test(tcase, histograms_of_one_family_differ_in_a_label);
	tcase_add_test(tcase, what_happened_is_counted);
	tcase_add_test(tcase, frames_have_sources_where_they_are_told);
	tcase_add_loop_test(
		tcase, a_ring_in_clear_on_a_network_is_a_figure, 0, sizeof(protections) / sizeof(protections[0]));
	tcase_add_test(tcase, before_the_first_reload_there_is_no_time_of_one);
	tcase_add_loop_test(tcase, labels_are_made_safe, 0, sizeof(labels) / sizeof(labels[0]));
	tcase_add_loop_test(tcase, numbers_of_every_type, 0, sizeof(numbers) / sizeof(numbers[0]));
	tcase_add_test(tcase, a_text_has_a_limit);
	tcase_add_loop_test(tcase, out_of_memory_is_said, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
