/* SPDX-License-Identifier: BSD-3-Clause */
/* The plugin metrics: the stream of events at /events. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/plugins/metrics/metrics_case.h"

static uint64_t number; /* number of the event that was read last */

/*
 * Run the plugin until the stream has sent these words, behind what was read before. @return false: they did not arrive
 * in time
 */
static bool hear(int fd, const char *words)
{
	static size_t size;

	if (words == NULL) { /* NULL: a new stream begins */
		size = 0;
		answer[0] = '\0';
		return true;
	}
	for (uint32_t turns = 0; turns < 100; turns++) {
		ssize_t got = recv(fd, answer + size, ANSWER_MAX - size, MSG_DONTWAIT);

		size += got > 0 ? (size_t)got : 0;
		answer[size] = '\0';
		if (strstr(answer, words) != NULL)
			return true;
		mock_host_poll(host, 1);
		mock_host_advance(host, 0);
	}
	return false;
}

static int follow(const char *headers)
{
	char request[256];
	int fd = dial();

	snprintf(request, sizeof(request), "GET /events HTTP/1.1\r\nHost: x\r\n%s\r\n", headers);
	say(fd, request);
	hear(fd, NULL);
	ck_assert_msg(hear(fd, "\r\n\r\n"), "%s", answer);
	has("HTTP/1.1 200 OK\r\n");
	has("Content-Type: text/event-stream\r\n");
	return fd;
}

static void hears(int fd, const char *words)
{
	ck_assert_msg(hear(fd, words), "no '%s' in '%s'", words, answer);
	number = strstr(answer, "id: ") != NULL ? strtoull(strstr(answer, "id: ") + 4, NULL, 10) : 0;
}

static void configure(
	bool is_regular, const uint32_t *members, uint32_t count, const uint32_t *left, uint32_t left_count)
{
	const struct coterie_configuration told = {.size = sizeof(told),
		.is_regular = is_regular,
		.ring = {.representative = 1, .seq = 26},
		.members = members,
		.member_count = count,
		.left = left,
		.left_count = left_count};

	ops->configuration(metrics, &told);
}

START_TEST(what_happens_is_told)
{
	const struct coterie_ring_id ring = {.representative = 1, .seq = 26};
	const uint32_t members[] = {1, 2};
	int fd = follow("");

	set_text("runtime.members.2.status", "left");
	hears(fd, "\"event\":\"membership\",\"data\":{\"id\":2,\"state\":\"left\"}}\n\n");
	mock_quorum(host, true, &ring, members, 2, "votequorum");
	hears(fd,
		"\"event\":\"quorum\",\"data\":{\"quorate\":true,\"ring\":{\"rep\":1,\"seq\":26,\"text\":\"1.1a\"}}}\n\n");
	configure(false, members, 1, members + 1, 1);
	configure(true, members, 1, NULL, 0);
	hears(fd,
		"\"event\":\"ring-state\",\"data\":{\"ring\":{\"rep\":1,\"seq\":26,\"text\":\"1.1a\"},\"members\":[1],"
		"\"joined\":[],\"left\":[2]}}\n\n");
	host->table.map_set(host, "config.reload_status", COTERIE_MAP_I32, &(int32_t){1}, 4);
	host->table.map_set(host, "config.totemconfig_reload_in_progress", COTERIE_MAP_U8, &(uint8_t){1}, 1);
	host->table.map_set(host, "config.totemconfig_reload_in_progress", COTERIE_MAP_U8, &(uint8_t){0}, 1);
	hears(fd, "\"event\":\"reload\",\"data\":{\"result\":\"applied\"}}\n\n");
	close(fd);
	finish();
}
END_TEST

#define RECORD \
	"{\"time\":\"2026-11-22T10:15:48.123Z\",\"node\":2,\"evidence\":\"silent\",\"accuser\":1,\"silent_ms\":8031," \
	"\"budget_ms\":8030,\"agreed\":[1,3]"

START_TEST(evictions_are_told)
{
	static char record[] = RECORD "}", broken[] = "[1]", text[] = "node 2 is out of the ring: silent for 8031 ms";
	int fd = follow("");

	host->table.stat_add(host, "stats.coterie.eviction.6.record", COTERIE_MAP_STRING, read_text, broken);
	host->table.stat_add(host, "stats.coterie.eviction.x.record", COTERIE_MAP_STRING, read_text, record);
	host->table.stat_add(host, "stats.coterie.eviction.7.text", COTERIE_MAP_STRING, read_text, text);
	host->table.stat_add(host, "stats.coterie.eviction.7.record", COTERIE_MAP_STRING, read_text, record);
	hears(fd, "\"event\":\"eviction\",\"data\":" RECORD
		  ",\"text\":\"node 2 is out of the ring: silent for 8031 ms\"}}\n\n");
	const char *first = strstr(answer, "\"eviction\"");
	ck_assert_ptr_null(strstr(first + 1, "\"eviction\""));
	host->table.stat_del(host, "stats.coterie.eviction.7.record"); /* causes no event */
	set_text("runtime.members.2.status", "left");
	hears(fd, "\"event\":\"membership\"");
	ck_assert_ptr_null(strstr(first + 1, "\"eviction\""));
	close(fd);
	finish();
}
END_TEST

/* A verdict with the same result as before is not an event. */
START_TEST(verdicts_are_told_once)
{
	const struct coterie_ring_id ring = {.representative = 1, .seq = 26};
	const uint32_t members[] = {1};
	int fd = follow("");

	mock_quorum(host, true, &ring, members, 1, "votequorum");
	mock_quorum(host, true, &ring, members, 1, "votequorum");
	mock_quorum(host, false, &ring, members, 1, "votequorum");
	hears(fd, "\"quorate\":false");
	const char *first = strstr(answer, "\"quorate\":true");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(strstr(first + 1, "\"quorate\":true"));
	close(fd);
	finish();
}
END_TEST

static void set_link(uint32_t link, bool is_enabled, bool is_up)
{
	static struct coterie_node_status status;

	status.size = sizeof(status);
	status.nodeid = 2;
	status.links[link] = (struct coterie_link_status){.is_enabled = is_enabled, .is_connected = is_up};
	mock_node_status(host, &status);
}

/* Links are checked once a second. Their first state is no event. */
START_TEST(links_are_looked_at)
{
	int fd = follow("");

	set_text("runtime.members.2.status", "joined");
	set_link(0, true, true);
	set_link(3, true, true);
	mock_host_advance(host, 2000 * MS);
	set_link(3, true, false);
	mock_host_advance(host, 1100 * MS);
	hears(fd, "\"event\":\"link\",\"data\":{\"id\":2,\"link\":3,\"state\":\"down\"}}\n\n");
	set_link(3, true, true);
	mock_host_advance(host, 1100 * MS);
	hears(fd, "\"link\":3,\"state\":\"up\"");
	set_link(0, false, false);
	mock_host_advance(host, 1100 * MS);
	hears(fd, "\"link\":0,\"state\":\"gone\"");
	ck_assert_ptr_null(strstr(answer, "\"link\":0,\"state\":\"up\""));
	close(fd);
	finish();
}
END_TEST

static int (*mock_status)(struct coterie_ctx *ctx, uint32_t nodeid, struct coterie_node_status *status);
static uint64_t asked; /* bits of the nodes below 64 whose status was read */

static int noted_status(struct coterie_ctx *ctx, uint32_t nodeid, struct coterie_node_status *status)
{
	asked |= nodeid < 64 ? UINT64_C(1) << nodeid : 0;
	return mock_status(ctx, nodeid, status);
}

/* The daemon deletes the keys of nodes that left long ago. Forged packets can make members of ever new ids. */
START_TEST(links_of_nodes_without_keys_are_not_looked_at)
{
	char key[64];
	int fd = follow("");

	mock_status = host->table.node_status;
	host->table.node_status = noted_status;
	for (uint32_t id = 10; id < 40; id++) {
		snprintf(key, sizeof(key), "runtime.members.%u.status", id);
		set_text(key, "left");
	}
	mock_host_advance(host, 2000 * MS);
	ck_assert_uint_eq(asked >> 10, (UINT64_C(1) << 30) - 1);

	/* In the middle of a check the rest of the nodes is still looked at. */
	asked = 0;
	while (asked >> 10 == 0)
		mock_host_advance(host, 5 * MS);
	ck_assert_uint_eq(asked >> 20, 0);
	ck_assert_int_eq(host->table.map_delete(host, "runtime.members.12.status"), 0);
	mock_host_advance(host, 500 * MS);
	ck_assert_uint_eq(asked >> 10, (UINT64_C(1) << 30) - 1);
	for (uint32_t id = 10; id < 39; id++) {
		snprintf(key, sizeof(key), "runtime.members.%u.status", id);
		host->table.map_delete(host, key);
	}
	asked = 0;
	mock_host_advance(host, 2000 * MS);
	ck_assert_uint_eq(asked >> 10, UINT64_C(1) << 29);
	close(fd);
	finish();
}
END_TEST

static uint32_t read_count(void *arg, void *value)
{
	memcpy(value, arg, sizeof(uint64_t));
	return sizeof(uint64_t);
}

START_TEST(plugins_are_looked_at)
{
	static uint64_t old[4] = {1, 0, 0, 0}, new[4] = {1, 0, 0, 0};
	static const char *const names[] = {"loads", "unloads", "replaces", "fails"};
	static const char *const states[] = {"loaded", "unloaded", "replaced", "failed"};
	char key[64];
	int fd = follow("");

	for (uint32_t i = 0; i < 4; i++) {
		snprintf(key, sizeof(key), "stats.plugins.old.%s", names[i]);
		host->table.stat_add(host, key, COTERIE_MAP_U64, read_count, &old[i]);
	}
	mock_host_advance(host, 2000 * MS);
	for (uint32_t i = 0; i < 4; i++) {
		snprintf(key, sizeof(key), "stats.plugins.new.%s", names[i]);
		host->table.stat_add(host, key, COTERIE_MAP_U64, read_count, &new[i]);
	}
	mock_host_advance(host, 1100 * MS);
	hears(fd, "\"event\":\"plugin\",\"data\":{\"name\":\"new\",\"state\":\"loaded\"}}\n\n");
	for (uint32_t i = 1; i < 4; i++) {
		old[i]++;
		mock_host_advance(host, 1100 * MS);
		snprintf(key, sizeof(key), "\"name\":\"old\",\"state\":\"%s\"", states[i]);
		hears(fd, key);
	}
	ck_assert_ptr_null(strstr(answer, "\"name\":\"old\",\"state\":\"loaded\""));
	close(fd);
	finish();
}
END_TEST

static void happen(uint32_t times)
{
	char key[64];

	for (uint32_t i = 0; i < times; i++) {
		snprintf(key, sizeof(key), "runtime.members.%u.status", i + 1);
		set_text(key, "joined");
	}
}

/* A client that begins to read late gets the stored events. A client that has read before gets only new events. */
START_TEST(events_are_kept_for_those_who_come_late)
{
	char header[64];
	int fd;

	happen(EVENTS_KEPT + 3);
	fd = follow("");
	hears(fd, "\"id\":67,");
	ck_assert_ptr_null(strstr(answer, "\"id\":3,"));
	has("\"id\":4,\"state\":\"joined\"}}\n\n");
	close(fd);
	snprintf(header, sizeof(header), "Last-Event-ID: %llu\r\n", (unsigned long long)number + EVENTS_KEPT - 2);
	fd = follow(header);
	hears(fd, "\"id\":67,");
	ck_assert_ptr_null(strstr(answer, "\"id\":66,"));
	close(fd);
	/* Such numbers no event ever had. */
	static const char *const numbers[] = {"0", "", "-1", "x", "18446744073709551616", "99999999999999999"};
	for (uint32_t i = 0; i < 6; i++) {
		snprintf(header, sizeof(header), "Last-Event-ID: %s\r\n", numbers[i]);
		fd = follow(header);
		hears(fd, "\"id\":4,");
		close(fd);
	}
	finish();
}
END_TEST

START_TEST(events_are_read_in_pieces)
{
	const struct events *events = ((const struct metrics *)metrics)->events;
	struct events_reader reader = {.next = events_first(events)};
	char text[1024];
	size_t size = 0;

	happen(2);
	while (events_read(events, &reader, 0, text + size, 7) == 7)
		size += 7;
	ck_assert_int_eq(events_read(events, &reader, 0, text + size, 7), 0);
	ck_assert_int_eq(strncmp(text, "id: ", 4), 0);
	ck_assert_ptr_nonnull(strstr(text, "\"id\":1,\"state\":\"joined\"}}\n\nid: "));
	/* The rest of an event that was sent in part is no longer stored. */
	happen(3);
	ck_assert_int_eq(events_read(events, &reader, 0, text, 7), 7);
	for (uint32_t i = 0; i < EVENTS_KEPT; i++)
		set_text("runtime.members.1.status", i % 2 == 0 ? "left" : "joined");
	ck_assert_int_eq(events_read(events, &reader, 0, text, 7), -1);
	finish();
}
END_TEST

/* A heartbeat shows each side that the other one still exists, and keeps the stream from timing out. */
START_TEST(a_quiet_stream_has_a_heart_beat)
{
	int fd = follow("");

	mock_host_advance(host, 14000 * MS);
	ck_assert(!hear(fd, "heartbeat"));
	mock_host_advance(host, 1000 * MS);
	hears(fd, "\"event\":\"heartbeat\",\"data\":{}}\n\n");
	mock_host_advance(host, 10000 * MS);
	happen(1);
	hears(fd, "\"id\":1,");
	close(fd);
	finish();
}
END_TEST

/* A client that does not read is disconnected when its socket is full. Until then the plugin stores nothing for it. */
START_TEST(a_stream_that_is_not_read_ends)
{
	static char name[200];
	int fd, small = 4096;
	uint32_t rounds = 0;
	struct metrics *plugin = metrics;

	memset(name, 'x', sizeof(name) - 1);
	fd = dial();
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	say(fd, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
	for (; server_streams(plugin->server) == 0 && rounds < 100; rounds++)
		mock_host_poll(host, 1);
	for (rounds = 0; server_streams(plugin->server) == 1 && rounds < 3000; rounds++) {
		for (uint32_t i = 0; i < EVENTS_KEPT; i++) {
			name[0] = (char)('a' + rounds % 26);
			name[1] = (char)('a' + i % 26);
			set_text("runtime.members.1.status", name);
		}
		mock_host_poll(host, 0);
		mock_host_advance(host, 10 * MS);
	}
	ck_assert_uint_eq(server_streams(plugin->server), 0);
	close(fd);
	finish();
}
END_TEST

START_TEST(streams_are_half_of_the_connections)
{
	int fds[8];

	for (uint32_t i = 0; i < 8; i++)
		fds[i] = follow("");
	get("/events");
	has("HTTP/1.1 503 ");
	get("/metrics");
	has("# EOF\n");
	close(fds[0]);
	for (uint32_t i = 0; i < 20; i++)
		mock_host_poll(host, 1);
	happen(1); /* an event, so that the plugin notices the end of the stream */
	for (uint32_t i = 0; i < 20; i++) {
		mock_host_poll(host, 1);
		mock_host_advance(host, MS);
	}
	happen(2);
	for (uint32_t i = 0; i < 20; i++) {
		mock_host_poll(host, 1);
		mock_host_advance(host, MS);
	}
	fds[0] = follow("");
	for (uint32_t i = 0; i < 8; i++)
		close(fds[i]);
	finish();
}
END_TEST

START_TEST(it_ends_with_streams)
{
	int fd = follow("");

	happen(_i == 0 ? 0 : 1);
	finish();
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics_events");
	TCase *served = metrics_case_add(suite);

	tcase_add_test(served, what_happens_is_told);
	tcase_add_test(served, evictions_are_told);
	tcase_add_test(served, verdicts_are_told_once);
	tcase_add_test(served, links_are_looked_at);
	tcase_add_test(served, links_of_nodes_without_keys_are_not_looked_at);
	tcase_add_test(served, plugins_are_looked_at);
	tcase_add_test(served, events_are_kept_for_those_who_come_late);
	tcase_add_test(served, events_are_read_in_pieces);
	tcase_add_test(served, a_quiet_stream_has_a_heart_beat);
	tcase_add_test(served, a_stream_that_is_not_read_ends);
	tcase_add_test(served, streams_are_half_of_the_connections);
	tcase_add_loop_test(served, it_ends_with_streams, 0, 2);
	return suite_run(suite);
}
