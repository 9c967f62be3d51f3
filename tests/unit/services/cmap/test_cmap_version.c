/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cmap service on the ring: versions of the configuration, which daemons end because of them, and malformed
 * messages.
 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/suite.h"
#include "tests/unit/service_ring.h"

extern const struct coterie_plugin cmap_LTX_coterie_plugin;

#define VERSION "totem.config_version"
#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct service_ring ring;

static struct coterie_ctx *host(uint32_t nodeid) { return ring.nodes[nodeid].host; }

static void set_up(void)
{
	service_ring_init(&ring, &cmap_LTX_coterie_plugin);
	service_ring_start(&ring, 1);
}

static void tear_down(void) { service_ring_fini(&ring); /* fails the test if the service has leaked memory */ }

static void version_set(uint32_t nodeid, uint64_t version)
{
	ck_assert_int_eq(
		host(nodeid)->table.map_set(host(nodeid), VERSION, COTERIE_MAP_U64, &version, sizeof(version)), 0);
}

static void start_with(uint32_t nodeid, uint64_t version)
{
	if (nodeid != 1)
		service_ring_start(&ring, nodeid);
	if (version != 0)
		version_set(nodeid, version);
}

/* The bytes are those of a captured message (svc-cmap.txt), without its header. */
START_TEST(versions_are_told_as_corosync_does)
{
	for (uint64_t version = 0; version <= 7; version += 7) {
		uint8_t want[336 - 16] = {[8] = 1, [32] = 20};
		size_t size = version == 0 ? 328 - 16 : sizeof(want);

		memcpy(want + 40, VERSION, 20);
		if (version != 0) {
			want[296] = 8;
			want[304] = 8;
			want[312] = 7;
			version_set(1, version);
		}
		ck_assert_uint_eq(host(1)->sent.count, 0); /* nothing is sent before the first ring */
		ck_assert_int_eq(ring.ops->sync_step(ring.nodes[1].self), 0);

		const struct mock_message *sent = &host(1)->sent.list[0];

		ck_assert_uint_eq(sent->id, 0);
		ck_assert_uint_eq(sent->guarantee, COTERIE_AGREED);
		ck_assert_uint_eq(sent->size, size);
		ck_assert_mem_eq(sent->data, want, size);
		mock_queue_clear(&host(1)->sent);
	}
}
END_TEST

START_TEST(everybody_knows_the_versions)
{
	start_with(1, 5);
	start_with(2, 0);
	service_ring_form(&ring, "1 2");
	ck_assert_uint_eq(mock_map_u64(host(1), "runtime.members.1.config_version"), 5);
	ck_assert_uint_eq(mock_map_u64(host(1), "runtime.members.2.config_version"), 0);
	ck_assert_uint_eq(mock_map_u64(host(2), "runtime.members.1.config_version"), 5);
	version_set(2, 6);
	service_ring_run(&ring);
	ck_assert_uint_eq(mock_map_u64(host(1), "runtime.members.2.config_version"), 6);
	host(2)->table.map_delete(host(2), VERSION);
	service_ring_run(&ring);
	ck_assert_uint_eq(mock_map_u64(host(1), "runtime.members.2.config_version"), 0);
	host(2)->table.map_set(host(2), VERSION, COTERIE_MAP_STRING, "7", 2); /* a text is no version */
	service_ring_run(&ring);
	ck_assert_uint_eq(mock_map_u64(host(1), "runtime.members.2.config_version"), 0);
}
END_TEST

START_TEST(a_change_waits_for_room)
{
	service_ring_form(&ring, "1");
	host(1)->ring_send_rc = -EAGAIN;
	version_set(1, 1);
	version_set(1, 2);
	mock_host_advance(host(1), UINT64_C(100000000));
	ck_assert_uint_eq(host(1)->sent.count, 0);
	host(1)->ring_send_rc = 0;
	mock_host_advance(host(1), UINT64_C(100000000));
	ck_assert_uint_eq(host(1)->sent.count, 1); /* only the newest version is sent */
	service_ring_run(&ring);
	ck_assert_uint_eq(mock_map_u64(host(1), "runtime.members.1.config_version"), 2);
	host(1)->ring_send_rc = -EAGAIN;
	version_set(1, 3); /* the message still waits when the test ends */
}
END_TEST

/* Steps: "1=5" starts node 1 with version 5, "{1 2}" forms a ring. stopped: the daemons that end. */
static const struct {
	const char *steps;
	const char *stopped;
} meetings[] = {
	{"1=5 2=5 {1 2}", ""},
	{"1=5 2=4 {1 2}", "2"},                /* the first ring of both */
	{"1=5 {1} 2=4 {2} {1 2}", "2"},        /* the node that joins has the older version */
	{"1=4 {1} 2=5 {2} {1 2}", "1"},        /* the single node has the older version */
	{"1=4 {1} {1} 2=5 {1 2}", "1"},        /* it makes no difference how many rings a node has been in */
	{"1=5 2=5 {1 2} 3=7 {3} {1 2 3}", ""}, /* a running cluster never stops */
	{"1=5 2=5 {1 2} 3=4 {3} {1 2 3}", "3"},
	{"1=5 2=0 {1 2}", ""}, /* a file without a version does not count as older */
	{"1=5 2=6 3=7 {1 2 3}", "12"},
};

START_TEST(who_has_an_older_version_stops_at_its_first_meeting)
{
	char stopped[8] = "";

	for (const char *at = meetings[_i].steps; *at != '\0'; at++) {
		char members[16];

		if (at[0] == '{') {
			size_t length = strcspn(at + 1, "}");

			memcpy(members, at + 1, length);
			members[length] = '\0';
			service_ring_form(&ring, members);
			at += length + 1;
		} else if (at[0] >= '1' && at[0] <= '9' && at[1] == '=') {
			start_with((uint32_t)(at[0] - '0'), (uint64_t)(at[2] - '0'));
			at += 2;
		}
	}
	for (uint32_t nodeid = 1; nodeid <= 3; nodeid++) {
		if (host(nodeid) == NULL || host(nodeid)->stops == 0)
			continue;
		stopped[strlen(stopped)] = (char)('0' + nodeid);
		ck_assert(mock_host_has_logged(host(nodeid), "is different than my config version"));
	}
	ck_assert_str_eq(stopped, meetings[_i].stopped);
}
END_TEST

/* Deliver a message with one item. swap: in the other byte order. */
static void deliver(
	uint8_t reason, uint8_t items, uint16_t length, uint8_t type, uint64_t value_size, size_t cut, bool swap)
{
	uint8_t bytes[336 - 16] = {[0] = reason, [8] = items, [296] = type};
	uint64_t version = 9;
	struct mock_message message = {.id = 0, .data = bytes, .size = (uint32_t)cut};

	if (swap) {
		length = __builtin_bswap16(length);
		value_size = __builtin_bswap64(value_size);
		version = __builtin_bswap64(version);
	}
	memcpy(bytes + 32, &length, 2);
	memcpy(bytes + 40, VERSION, 20);
	memcpy(bytes + 304, &value_size, 8);
	memcpy(bytes + 312, &version, 8);
	mock_deliver(ring.ops, ring.nodes[1].self, 2, swap, &message);
}

static bool has_told(void)
{
	bool told = host(1)->table.map_delete(host(1), "runtime.members.2.config_version") == 0;

	return told;
}

START_TEST(only_whole_messages_count)
{
	service_ring_form(&ring, "1");
	for (int swap = 0; swap < 2; swap++) {
		deliver(0, 1, 20, COTERIE_MAP_U64, 8, 320, swap);
		ck_assert_uint_eq(mock_map_u64(host(1), "runtime.members.2.config_version"), 9);
		ck_assert(has_told());
		deliver(1, 255, 20, COTERIE_MAP_U64, 8, 320, swap);
		ck_assert(has_told());
		deliver(2, 1, 20, COTERIE_MAP_U64, 8, 320, swap); /* an unknown reason */
		ck_assert(!has_told());
		deliver(0, 0, 20, COTERIE_MAP_U64, 8, 320, swap);
		ck_assert(!has_told());
		for (uint64_t size = 9; size < 20; size++) {
			deliver(0, 1, 20, COTERIE_MAP_U64, size, 320, swap);
			ck_assert(!has_told());
		}
		deliver(0, 1, 20, COTERIE_MAP_U64, UINT64_MAX - 5, 320, swap);
		ck_assert(!has_told());
		deliver(0, 1, 20, COTERIE_MAP_U64, 4, 320, swap); /* well-formed, but not a version */
		ck_assert_uint_eq(mock_map_u64(host(1), "runtime.members.2.config_version"), 0);
		ck_assert(has_told());
		for (uint8_t type = 0; type < 20; type++) {
			deliver(0, 1, 20, type, 8, 320, swap);
			ck_assert_uint_eq(mock_map_u64(host(1), "runtime.members.2.config_version"),
				type == COTERIE_MAP_U64 ? 9 : 0);
			ck_assert(has_told());
		}
		for (size_t cut = 0; cut < 320; cut++) {
			deliver(0, 1, 20, COTERIE_MAP_U64, 8, cut, swap);
			ck_assert_msg(!has_told(), "%zu bytes", cut);
		}
	}
	service_ring_run(&ring);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmap_version");
	TCase *tcase = tcase_create("cmap_version");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, versions_are_told_as_corosync_does);
	tcase_add_test(tcase, everybody_knows_the_versions);
	tcase_add_test(tcase, a_change_waits_for_room);
	tcase_add_loop_test(tcase, who_has_an_older_version_stops_at_its_first_meeting, 0, ROWS(meetings));
	tcase_add_test(tcase, only_whole_messages_count);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
