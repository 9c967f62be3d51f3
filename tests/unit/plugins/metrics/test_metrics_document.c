/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plugin metrics: the documents that it serves, and the copy of the daemon's statistics from which they are made.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/plugins/metrics/metrics_case.h"

START_TEST(a_client_gets_the_text)
{
	get("/metrics");
	has("HTTP/1.1 200 OK\r\n");
	has("Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n");
	has("\ncoterie_build_info{version=\"test\",compat=\"3.1\",features=\"\"} 1\n");
	ck_assert_str_eq(answer + strlen(answer) - 6, "# EOF\n");
	finish();
}
END_TEST

START_TEST(health_needs_ring_and_quorum)
{
	static char gather[] = "gather";

	host->is_quorate = false;
	get("/healthz");
	has("HTTP/1.1 503 ");
	has("not quorate\n");
	host->is_quorate = true;
	host->table.stat_del(host, "stats.coterie.state");
	host->table.stat_add(host, "stats.coterie.state", COTERIE_MAP_STRING, read_text, gather);
	get("/healthz");
	has("HTTP/1.1 503 ");
	has("not operational\n");
	finish();
}
END_TEST

static uint8_t is_lease_held;

static uint32_t read_lease(void *arg, void *value)
{
	(void)arg;
	memcpy(value, &is_lease_held, sizeof(is_lease_held));
	return sizeof(is_lease_held);
}

/* Check all documents that have the verdict. The last copy is made again. */
static void tells_verdict(const char *sample, const char *health, const char *json)
{
	const bool is_told = sample != NULL;

	mock_host_advance(host, 2000 * MS);
	get("/healthz");
	has(health);
	has(strcmp(health, "ok\n") == 0 ? "HTTP/1.1 200 " : "HTTP/1.1 503 ");
	get("/metrics");
	if (is_told)
		has(sample);
	ck_assert_msg((strstr(answer, "\ncoterie_quorate ") != NULL) == is_told, "%s", answer);
	get("/api/v1/status");
	has(json);
	get("/api/v1/quorum");
	has(json);
}

/*
 * A verdict counts in the ring that it is about, and while the lease is held. Otherwise requests that need quorum wait,
 * and other nodes may be quorate without this one. Without quorum they are rejected, whichever ring the verdict is about.
 */
START_TEST(a_verdict_counts_in_its_ring_while_the_lease_is_held)
{
	const struct coterie_ring_id before = {.representative = 1, .seq = 25},
				     other = {.representative = 2, .seq = 26}, ring = {.representative = 1, .seq = 26};
	const uint32_t members[] = {1};

	host->nodeid = 1;
	host->members[0] = 1;
	host->member_count = 1;
	host->ring = ring;
	is_lease_held = 1;
	host->table.stat_add(host, "stats.coterie.lease.held", COTERIE_MAP_U8, read_lease, NULL);
	mock_quorum(host, true, &before, members, 1, "votequorum");
	tells_verdict(NULL, "quorum is not known yet\n", "\"quorate\":null");
	mock_quorum(host, true, &other, members, 1, "votequorum");
	tells_verdict(NULL, "quorum is not known yet\n", "\"quorate\":null");
	mock_quorum(host, false, &before, members, 1, "votequorum");
	tells_verdict("\ncoterie_quorate 0\n", "not quorate\n", "\"quorate\":false");
	mock_quorum(host, true, &ring, members, 1, "votequorum");
	tells_verdict("\ncoterie_quorate 1\n", "ok\n", "\"quorate\":true");
	is_lease_held = 0;
	tells_verdict(NULL, "quorum is not known yet\n", "\"quorate\":null");
	get("/api/v1/status");
	has("\"text\":\"gates closed: no contact with a majority");
	mock_quorum(host, false, &ring, members, 1, "votequorum");
	tells_verdict("\ncoterie_quorate 0\n", "not quorate\n", "\"quorate\":false");
	finish();
}
END_TEST

static uint32_t read_flags(void *arg, void *value)
{
	const uint32_t quorate = 2;

	(void)arg;
	memcpy(value, &quorate, sizeof(quorate));
	return sizeof(quorate);
}

/* The flag of votequorum is of its last verdict, so it must not be shown when that does not count. */
START_TEST(the_flag_follows_the_verdict)
{
	const struct coterie_ring_id ring = {.representative = 1, .seq = 26};
	const char *const figures[] = {"node.1.votes", "node.1.expected_votes", "node.1.flags", "highest_expected",
		"total_votes", "quorum", "device_votes"};
	const uint32_t members[] = {1};
	char key[64];

	host->nodeid = 1;
	host->members[0] = 1;
	host->member_count = 1;
	host->ring = ring;
	set_u32("nodelist.node.0.nodeid", 1);
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		snprintf(key, sizeof(key), "stats.plugins.votequorum.%s", figures[i]);
		host->table.stat_add(host, key, COTERIE_MAP_U32, read_flags, NULL);
	}
	mock_quorum(host, true, &ring, members, 1, "votequorum");
	get("/metrics");
	has("\ncoterie_quorum_flag{flag=\"quorate\"} 1\n");
	get("/api/v1/quorum");
	has("\"flags\":[\"Quorate\"]");
	host->ring.seq++;
	mock_host_advance(host, 2000 * MS);
	get("/metrics");
	has("\ncoterie_quorum_flag{flag=\"quorate\"} 0\n");
	has("\ncoterie_quorum_votes{type=\"total\"} 2\n");
	get("/api/v1/quorum");
	has("\"flags\":[]");
	finish();
}
END_TEST

START_TEST(a_copy_serves_for_a_second)
{
	get("/metrics");
	get("/metrics");
	ck_assert_uint_eq(copies, 1);
	mock_host_advance(host, 950 * MS); /* the copy takes some time as well */
	get("/metrics");
	get("/api/v1/status");
	ck_assert_uint_eq(copies, 1);
	mock_host_advance(host, 50 * MS);
	get("/metrics");
	ck_assert_uint_eq(copies, 2);
	finish();
}
END_TEST

/*
 * Old documents are kept while clients read them. Their memory is limited: at the limit the last document is sent
 * again.
 */
START_TEST(documents_take_so_much_room)
{
	struct metrics *plugin = metrics;

	plugin->held = 16u << 20;
	get("/metrics");
	has("HTTP/1.1 503 ");
	plugin->held -= 16u << 20;
	get("/metrics");
	has("# EOF\n");
	plugin->held += 16u << 20;
	mock_host_advance(host, 2000 * MS);
	get("/metrics");
	has("# EOF\n");
	ck_assert_uint_eq(copies, 1);
	plugin->held -= 16u << 20;
	finish();
}
END_TEST

/* --- copying, a slice at a time --- */

static uint32_t reads;

static uint32_t read_one(void *arg, void *value)
{
	uint32_t one = 1;

	(void)arg;
	reads++;
	memcpy(value, &one, sizeof(one));
	return sizeof(one);
}

START_TEST(the_loop_is_held_up_for_a_slice_only)
{
	const struct metrics *plugin = metrics;
	char key[64];
	int fd;

	for (uint32_t i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "stats.many.%04u", i);
		ck_assert_int_eq(host->table.stat_add(host, key, COTERIE_MAP_U32, read_one, NULL), 0);
	}
	reads = 0;
	fd = dial();
	say(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	while (plugin->collect == NULL)
		mock_host_poll(host, 1);
	for (uint32_t slices = 0; plugin->collect != NULL; slices++) {
		uint32_t before = reads;

		mock_host_advance(host, MS / 2);
		ck_assert_uint_le(reads - before, 32);
		ck_assert_uint_le(slices, 100);
	}
	ck_assert_uint_eq(reads, 2000);
	ck_assert(listen_to(fd));
	has("# EOF\n");
	finish();
}
END_TEST

/*
 * A client that waited for a copy gets its document, even if the document is valid only for a short
 * time.
 */
START_TEST(a_slow_copy_serves_who_waits)
{
	char key[64];
	int fd;

	for (uint32_t i = 0; i < 3200; i++) {
		snprintf(key, sizeof(key), "stats.many.%04u", i);
		host->table.stat_add(host, key, COTERIE_MAP_U32, read_one, NULL);
	}
	mock_host_option(host, "interval", "0");
	ck_assert_int_eq(ops->reload(metrics), 0);
	fd = dial();
	say(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	ck_assert(listen_to(fd));
	has("# EOF\n");
	ck_assert_uint_eq(copies, 1);
	finish();
}
END_TEST

/* A client waits for a document for half of its timeout. A document that is ready later is for the next client. */
START_TEST(a_client_does_not_wait_for_ever)
{
	struct metrics *plugin = metrics;
	struct job *nobody = (struct job *)plugin;
	int fd = dial();

	plugin->job = nobody; /* this job never ends */
	say(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	ck_assert(!listen_to(fd));
	mock_host_advance(host, 2499 * MS);
	ck_assert(!listen_to(fd));
	mock_host_advance(host, MS);
	ck_assert(listen_to(fd));
	has("HTTP/1.1 503 ");
	plugin->job = NULL;
	get("/metrics");
	has("# EOF\n");
	finish();
}
END_TEST

/* The plugin must be able to end in each state of the copy. */
START_TEST(it_ends_while_somebody_waits)
{
	const struct metrics *plugin = metrics;
	int fd = dial();

	say(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	while (plugin->collect == NULL)
		mock_host_poll(host, 1);
	for (int i = 0; i < _i && plugin->collect != NULL; i++)
		mock_host_advance(host, MS);
	finish();
	ck_assert_int_eq(recv(fd, answer, 1, 0), 0);
	close(fd);
}
END_TEST

START_TEST(many_wait_for_one_copy)
{
	int fds[8];

	for (uint32_t i = 0; i < 8; i++) {
		fds[i] = dial();
		say(fds[i], i % 2 == 0 ? "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
				       : "GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n");
	}
	for (uint32_t i = 0; i < 8; i++) {
		ck_assert(listen_to(fds[i]));
		has("HTTP/1.1 200 ");
		has(i % 2 == 0 ? "# EOF\n" : "\"command\":\"status\"");
	}
	ck_assert_uint_eq(copies, 1);
	finish();
}
END_TEST

struct walk {
	uint32_t count;
	char last[64];
};

static bool see_key(void *arg, const char *key)
{
	struct walk *walk = arg;

	walk->count++;
	snprintf(walk->last, sizeof(walk->last), "%s", key);
	return strcmp(key, "b.2") != 0;
}

/* A value that is too long is left out of the copy. All others are found by key and by prefix. */
START_TEST(a_copy_is_read)
{
	static const char *const keys[] = {"a.1", "b.1", "b.2", "b.3", "b.long", "c.1"};
	static const uint8_t bytes[METRICS_VALUE_MAX + 1] = {7};
	struct snapshot *snapshot = snapshot_create();
	const struct metrics_source source = snapshot_source(snapshot);
	struct walk walk = {.count = 0};
	uint32_t type;
	uint8_t value[METRICS_VALUE_MAX];

	for (uint32_t i = 0; i < 6; i++) {
		struct coterie_map_value one = {.type = COTERIE_MAP_BINARY,
			.size = i == 4 ? METRICS_VALUE_MAX + 1 : METRICS_VALUE_MAX,
			.bytes = bytes};
		ck_assert_int_eq(snapshot_add(snapshot, COTERIE_MAP_STATS, keys[i], &one), 0);
	}
	for (uint32_t i = 0; i < 6; i++)
		ck_assert_int_eq(source.read(source.arg, COTERIE_MAP_STATS, keys[i], &type, value), i != 4);
	ck_assert(!source.read(source.arg, COTERIE_MAP_STATS, "b.", &type, value));
	ck_assert(!source.read(source.arg, COTERIE_MAP_STATS, "d", &type, value));
	ck_assert(!source.read(source.arg, COTERIE_MAP_CONFIG, "b.1", &type, value));
	ck_assert_uint_eq(value[0], 7);
	source.each(source.arg, COTERIE_MAP_STATS, "b.", see_key, &walk);
	ck_assert_uint_eq(walk.count, 2); /* the callback ended the walk */
	walk.count = 0;
	source.each(source.arg, COTERIE_MAP_STATS, "a", see_key, &walk);
	ck_assert_uint_eq(walk.count, 1);
	ck_assert_str_eq(walk.last, "a.1");
	snapshot_destroy(snapshot);
}
END_TEST

START_TEST(a_copy_has_a_size)
{
	static const uint8_t bytes[METRICS_VALUE_MAX];
	const struct coterie_map_value value = {.type = COTERIE_MAP_BINARY, .size = sizeof(bytes), .bytes = bytes};
	struct snapshot *snapshot = snapshot_create();
	uint32_t count = 0;
	char key[32];
	int rc;

	do {
		snprintf(key, sizeof(key), "key.%08u", count++);
		rc = snapshot_add(snapshot, COTERIE_MAP_STATS, key, &value);
	} while (rc == 0);
	ck_assert_int_eq(rc, -EMSGSIZE);
	ck_assert_uint_le(snapshot->size, SNAPSHOT_SIZE_MAX);
	ck_assert_uint_ge(count, 40000);
	snapshot_destroy(snapshot);
}
END_TEST

/* --- answers --- */

/* Make a cluster of two nodes. This node is alone in its ring. */
static void make_cluster(void)
{
	struct coterie_node_status status = {.size = sizeof(status), .nodeid = 2};

	host->nodeid = 1;
	host->members[0] = 1;
	host->member_count = 1;
	host->ring = (struct coterie_ring_id){.representative = 1, .seq = 26};
	set_text("totem.cluster_name", "lab");
	set_text("totem.transport", "udpu");
	set_u32("nodelist.node.0.nodeid", 1);
	set_text("nodelist.node.0.name", "one");
	set_text("nodelist.node.0.ring0_addr", "192.0.2.1");
	set_u32("nodelist.node.1.nodeid", 2);
	set_text("nodelist.node.1.name", "t\"w\xffo");
	set_text("runtime.members.1.status", "joined");
	set_text("runtime.members.2.status", "left");
	status.links[0] = (struct coterie_link_status){.is_enabled = 1, .mtu = 1410};
	mock_node_status(host, &status);
}

static const struct {
	const char *path, *status;
	const char *words[6];
} answers[] = {
	{"status", "200",
		{"{\"schema\":\"coterie-ctl/1\",\"command\":\"status\",\"node\":1,\"time\":\"",
			"\"cluster\":\"lab\",\"node\":{\"id\":1,\"name\":\"one\",\"local\":true}",
			"\"ring\":{\"rep\":1,\"seq\":26,\"text\":\"1.1a\"},\"members\":1,\"expected_members\":2,\"quorate\":null",
			"\"text\":\"node 2 (t\\\"w\xef\xbf\xbdo) has left\"", "Content-Type: application/json\r\n"}},
	{"members", "200",
		{"\"id\":1,\"name\":\"one\",\"local\":true,\"addresses\":[\"192.0.2.1\"],\"state\":\"joined\"",
			"\"hears\":[1]", "\"state\":\"left\""}},
	{"quorum", "200", {"\"provider\":null,\"quorate\":true", "\"missing\":[2]"}},
	{"rings", "200",
		{"\"transport\":\"udpu\"", "\"reachable\":false",
			"\"links\":[{\"link\":0,\"enabled\":true,\"connected\":false,\"transport\":\"udp\",\"mtu\":1410}]"}},
	{"plugin/list", "200", {"\"command\":\"plugin list\"", "\"plugins\":[]"}},
	{"plugin%20list", "200", {"\"plugins\":[]"}},
	{"plugin+list", "200", {"\"plugins\":[]"}},
	{"clients", "200", {"\"clients\":[]"}},
	{"status/", "404", {"no such answer"}},
	{"statu", "404", {"no such answer"}},
	{"", "404", {"no such answer"}},
	{"shutdown", "404", {"no such answer"}},
};

START_TEST(answers_are_those_of_coterie_ctl)
{
	char path[64], line[32];

	make_cluster();
	snprintf(path, sizeof(path), "/api/v1/%s", answers[_i].path);
	snprintf(line, sizeof(line), "HTTP/1.1 %s ", answers[_i].status);
	get(path);
	has(line);
	has("\r\nCache-Control: no-store\r\n");
	for (uint32_t i = 0; i < 6 && answers[_i].words[i] != NULL; i++)
		has(answers[_i].words[i]);
	finish();
}
END_TEST

static uint32_t read_number(void *arg, void *value)
{
	memcpy(value, arg, sizeof(uint64_t));
	return sizeof(uint64_t);
}

static void add_text(const char *key, char *value)
{
	host->table.stat_add(host, key, COTERIE_MAP_STRING, read_text, value);
}

/* The status must show evictions, silent members, and whether requests wait. */
START_TEST(status_tells_of_evictions_and_the_lease)
{
	static uint64_t held = 0, lapsed = 2100, length = 1825, lapses = 3;
	static char silent[] = "2-1300-8000 3-900-8000-answers 4-700-8000-silent", nine[] = "{\"node\":9}",
		    ten[] = "{\"node\":10}", text[] = "node 10 is out of the ring: silent";
	const struct coterie_ring_id ring = {.representative = 1, .seq = 26};
	const uint32_t members[] = {1};

	make_cluster();
	mock_quorum(host, true, &ring, members, 1, "votequorum");
	host->table.stat_add(host, "stats.coterie.lease.held", COTERIE_MAP_U64, read_number, &held);
	host->table.stat_add(host, "stats.coterie.lease.lapsed_ms", COTERIE_MAP_U64, read_number, &lapsed);
	host->table.stat_add(host, "stats.coterie.lease.lapses", COTERIE_MAP_U64, read_number, &lapses);
	host->table.stat_add(host, "stats.coterie.lease.length_ms", COTERIE_MAP_U64, read_number, &length);
	add_text("stats.coterie.silent", silent);
	add_text("stats.coterie.eviction.9.record", nine);
	add_text("stats.coterie.eviction.10.record", ten);
	add_text("stats.coterie.eviction.10.text", text);
	get("/api/v1/status");
	has("\"lease\":{\"held\":false,\"lapsed_ms\":2100,\"length_ms\":1825,\"lapses\":3}");
	has("\"silent\":[{\"id\":2,\"silent_ms\":1300,\"evicted_after_ms\":8000},{\"id\":3,"
	    "\"silent_ms\":900,\"evicted_after_ms\":8000,\"host\":\"answers\"},{\"id\":4,"
	    "\"silent_ms\":700,\"evicted_after_ms\":8000,\"host\":\"silent\"}]");
	has("\"evictions\":[{\"node\":10,\"text\":\"node 10 is out of the ring: silent\"},{\"node\":9,\"text\":\"\"}]");
	has("{\"id\":\"lease.lapsed\",\"level\":\"error\","
	    "\"text\":\"gates closed: no contact with a majority for 2.1 s\",");
	has("{\"id\":\"member.silent\",\"level\":\"warning\","
	    "\"text\":\"node 2 silent for 1.3 s, evicted after 8.0 s\",");
	has("\"text\":\"node 3 silent for 0.9 s, evicted after 8.0 s; its host answers\",\"hint\":\"its daemon is stopped");
	has("\"text\":\"node 4 silent for 0.7 s, evicted after 8.0 s; its host does not answer either\",\"hint\":\"its host,");
	mock_host_advance(host, 2000 * MS);
	mock_quorum(host, false, &ring, members, 1, "votequorum");
	get("/api/v1/status");
	ck_assert_ptr_null(strstr(answer, "gates closed"));
	finish();
}
END_TEST

/* A ring without encryption works, so the status has only a hint, behind all other lines. */
START_TEST(status_hints_at_a_ring_in_clear)
{
	make_cluster();
	get("/api/v1/status");
	has("\"encrypted\":false");
	has("{\"id\":\"ring.plain\",\"level\":\"info\",\"text\":\"the ring is not encrypted: others on its network can "
	    "read and forge its packets\",\"hint\":\"give all nodes one key file (coterie-ctl key create), and set "
	    "encryption = aes256-gcm (coterie.conf(5))\"}]");
	set_text("totem.encryption", "aes256-gcm");
	mock_host_advance(host, 2000 * MS);
	get("/api/v1/status");
	has("\"encrypted\":true");
	ck_assert_ptr_null(strstr(answer, "ring.plain"));
	set_text("totem.transport", "knet");
	set_text("totem.encryption", "none");
	set_text("totem.crypto_hash", "sha256");
	mock_host_advance(host, 2000 * MS);
	get("/api/v1/status");
	has("others on its network can read its packets\",\"hint\":\"give all nodes one key file (coterie-ctl key "
	    "create), and set cipher");
	finish();
}
END_TEST

/* Packets from the address of a node are refused. If the node is in the ring, they are not its own. */
START_TEST(status_tells_whose_packets_are_refused)
{
	static char strangers[] = "2-key 3-clear 4-key";

	make_cluster();
	set_text("runtime.members.2.status", "joined");
	set_text("runtime.members.4.status", "left");
	add_text("stats.coterie.strangers", strangers);
	get("/api/v1/status");
	has("\"text\":\"node 2: other datagrams than its own come from its address, and are refused\",\"hint\":\"another host "
	    "forges its address: look at the network between the nodes\",\"peer\":2}");
	has("\"text\":\"node 3: its datagrams are not encrypted\",");
	has("\"text\":\"node 4: its datagrams do not authenticate: its key or cipher differs\",");
	finish();
}
END_TEST

/* There is no ring while it changes. The schema requires a ring, so the answer is an error. */
START_TEST(an_answer_that_there_is_not)
{
	host->member_count = 0;
	get("/api/v1/members");
	has("HTTP/1.1 503 ");
	has("\"error\":{\"code\":1,\"name\":\"FAILED\",\"text\":\"the ring is just changing\",");
	has("\"hint\":\"try again\"}}\n");
	finish();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics_document");
	TCase *served = metrics_case_add(suite), *copy = tcase_create("copy");

	tcase_add_test(served, a_client_gets_the_text);
	tcase_add_test(served, health_needs_ring_and_quorum);
	tcase_add_test(served, a_verdict_counts_in_its_ring_while_the_lease_is_held);
	tcase_add_test(served, the_flag_follows_the_verdict);
	tcase_add_test(served, a_copy_serves_for_a_second);
	tcase_add_test(served, documents_take_so_much_room);
	tcase_add_test(served, the_loop_is_held_up_for_a_slice_only);
	tcase_add_test(served, a_slow_copy_serves_who_waits);
	tcase_add_test(served, a_client_does_not_wait_for_ever);
	tcase_add_loop_test(served, it_ends_while_somebody_waits, 0, 20);
	tcase_add_test(served, many_wait_for_one_copy);
	tcase_add_loop_test(served, answers_are_those_of_coterie_ctl, 0, sizeof(answers) / sizeof(answers[0]));
	tcase_add_test(served, status_tells_of_evictions_and_the_lease);
	tcase_add_test(served, status_hints_at_a_ring_in_clear);
	tcase_add_test(served, status_tells_whose_packets_are_refused);
	tcase_add_test(served, an_answer_that_there_is_not);
	tcase_add_test(copy, a_copy_is_read);
	tcase_add_test(copy, a_copy_has_a_size);
	suite_add_tcase(suite, copy);
	return suite_run(suite);
}
