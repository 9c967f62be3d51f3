/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/sync/route.c: ring messages to services, book services, "Header". */
#include "exec/sync/route.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/ring/ring.h"
#include "exec/sync/delivery.h"
#include "exec/sync/round_message.h"
#include "exec/sync/sync.h"
#include "tests/suite.h"

#define SIZE_MIN 24u

static struct route *route;
static struct plugin plugin;
static struct coterie_plugin descriptor = {.kind = COTERIE_KIND_SERVICE};
static uint64_t rx[2], tx[2];
static uint32_t limited;

/* Arguments of the service's last call, and the number of calls. */
static struct {
	int count;
	uint32_t source, size, word;
	size_t body;
	uint8_t bytes[4096];
	bool is_aligned;
} got;
static uint32_t synced;
static bool is_starting, is_stepping;
static bool is_in_order; /* the last message was sent in order, not before others */
static uint8_t sent[4096];
static size_t sent_size;
static int send_rc;
static uint32_t sender; /* node that sent the messages that are delivered */

static void swap_word(void *msg, uint32_t size)
{
	uint32_t *word = (uint32_t *)((char *)msg + 16);

	ck_assert_uint_ge(size, SIZE_MIN);
	*word = __builtin_bswap32(*word);
}

static void take(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	(void)self;
	got.count++;
	got.source = nodeid;
	got.size = size;
	got.is_aligned = (uintptr_t)msg % 8 == 0;
	memcpy(&got.word, (char *)msg + 16, 4);
	memcpy(got.bytes, msg, size < sizeof(got.bytes) ? size : sizeof(got.bytes));
}

static void take_parts(
	void *self, uint32_t nodeid, const void *head, const struct iovec *parts, uint32_t count, uint32_t size)
{
	(void)self;
	got.count++;
	got.source = nodeid;
	got.size = size;
	got.is_aligned = (uintptr_t)head % 8 == 0;
	memcpy(&got.word, (const char *)head + 16, 4);
	got.body = 0;
	for (uint32_t i = 0; i < count; i++) {
		ck_assert_uint_gt(parts[i].iov_len, 0);
		memcpy(got.bytes + got.body, parts[i].iov_base, parts[i].iov_len);
		got.body += parts[i].iov_len;
	}
}

static size_t single_bytes, verdict_bytes;

static const struct coterie_ring_msg messages[] = {
	{0, SIZE_MIN, swap_word, take, NULL},
	{1, SIZE_MIN, swap_word, NULL, take_parts},
};

struct plugin *plugin_by_ring_id(const struct plugin_registry *registry, uint32_t ring_id)
{
	(void)registry;
	return ring_id == 40 ? &plugin : NULL;
}

struct plugin *plugin_first(const struct plugin_registry *registry)
{
	(void)registry;
	return &plugin;
}

const struct coterie_ring_msg *plugin_table_ring_msg(const struct plugin *of, uint32_t function)
{
	(void)of;
	return function < 2 ? &messages[function] : NULL;
}

int ring_send(
	struct ring *ring, const char *group, enum totem_guarantee guarantee, const struct iovec *iov, uint32_t count)
{
	(void)ring, (void)guarantee;
	ck_assert_str_eq(group, "a");
	is_in_order = false;
	sent_size = 0;
	for (uint32_t i = 0; i < count; i++) {
		memcpy(sent + sent_size, iov[i].iov_base, iov[i].iov_len);
		sent_size += iov[i].iov_len;
	}
	return send_rc;
}

int ring_send_in_order(struct ring *ring, enum totem_guarantee guarantee, const struct iovec *iov, uint32_t count)
{
	int rc = ring_send(ring, "a", guarantee, iov, count);

	is_in_order = true;
	return rc;
}

void sync_deliver_service(struct sync *sync, uint32_t source, const uint8_t *bytes, size_t size, bool is_swapped)
{
	(void)sync, (void)source, (void)bytes, (void)is_swapped;
	single_bytes += size;
}

void delivery_receive(struct delivery *delivery, uint32_t source, const uint8_t *bytes, size_t size, bool is_swapped)
{
	(void)delivery, (void)source, (void)bytes, (void)is_swapped;
	verdict_bytes += size;
}

const struct plugin_call *plugin_call_now;

void plugin_overran(struct plugin *of, uint64_t ran_ns, const char *what) { (void)of, (void)ran_ns, (void)what; }

void sync_deliver(struct sync *sync, uint32_t source, const uint8_t *bytes, uint32_t size, bool is_swapped)
{
	(void)sync, (void)source, (void)bytes, (void)is_swapped;
	synced += size;
}

bool sync_is_starting(const struct sync *sync)
{
	(void)sync;
	return is_starting;
}

bool sync_is_stepping(const struct sync *sync)
{
	(void)sync;
	return is_stepping;
}

uint64_t loop_now_ns(const struct loop *loop)
{
	(void)loop;
	return 0;
}

void log_limited(struct log_limit *limit, uint64_t now_ns, const char *subsystem, int prio, const char *format, ...)
{
	(void)limit, (void)now_ns, (void)subsystem, (void)prio, (void)format;
	limited++;
}

static void setup(void)
{
	memset(&got, 0, sizeof(got));
	limited = synced = 0;
	is_starting = is_stepping = false;
	send_rc = 0;
	sender = 7;
	plugin = (struct plugin){.descriptor = &descriptor, .rx = rx, .tx = tx};
	plugin.service.ring_id = 40;
	plugin.service.ring_msg_count = 2;
	route = route_create(&(struct route_parts){.nodeid = 3});
	ck_assert_ptr_nonnull(route);
}

static void teardown(void) { route_destroy(route); }

static void put(uint8_t *at, uint32_t value, bool is_swapped)
{
	value = is_swapped ? __builtin_bswap32(value) : value;
	memcpy(at, &value, 4);
}

/* Build a message of service 40 with its group prefix. `body` bytes follow the fixed part of 24 bytes. */
static size_t build(uint8_t *out, uint32_t id, uint32_t size, uint32_t body, bool is_swapped)
{
	static const uint8_t prefix[] = {1, 0, 1, 0, 'a'}, swapped[] = {0, 1, 0, 1, 'a'};

	memset(out, 0, 5 + SIZE_MIN);
	memcpy(out, is_swapped ? swapped : prefix, 5);
	put(out + 5, id, is_swapped);
	put(out + 5 + 8, size, is_swapped);
	put(out + 5 + 16, 0x01020304, is_swapped);
	for (uint32_t i = 0; i < body; i++)
		out[5 + SIZE_MIN + i] = (uint8_t)(i * 7);
	return 5 + SIZE_MIN + body;
}

static void deliver_in_pieces(const uint8_t *bytes, size_t size, size_t piece, bool is_swapped)
{
	static struct iovec iov[4096];
	struct totem_message message = {.source = sender, .is_swapped = is_swapped, .iov = iov, .size = size};

	for (size_t done = 0; done < size; done += piece)
		iov[message.count++] = (struct iovec){
			(void *)(uintptr_t)(bytes + done), size - done < piece ? size - done : piece};
	route_deliver(route, &message);
}

/* The service must get the same message in both byte orders, no matter where it was cut into parts. */
START_TEST(messages_arrive_whole)
{
	static uint8_t bytes[3000];
	bool is_swapped = _i % 2 == 1;
	uint32_t function = (uint32_t)_i / 2 % 2;
	static const size_t pieces[] = {3000, 1, 2, 5, 7, 21, 22, 29, 100, 512, 513};
	size_t size = build(bytes, 40 << 16 | function, SIZE_MIN + 2000, 2000, is_swapped);

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		got.count = 0;
		deliver_in_pieces(bytes, size, pieces[i], is_swapped);
		ck_assert_int_eq(got.count, 1);
		ck_assert_uint_eq(got.source, 7);
		ck_assert_uint_eq(got.size, SIZE_MIN + 2000);
		ck_assert_uint_eq(got.word, 0x01020304);
		ck_assert(got.is_aligned);
		if (function == 1) {
			ck_assert_uint_eq(got.body, 2000);
			ck_assert_mem_eq(got.bytes, bytes + 5 + SIZE_MIN, 2000);
		} else {
			ck_assert_mem_eq(got.bytes + SIZE_MIN, bytes + 5 + SIZE_MIN, 2000);
		}
	}
	ck_assert_uint_eq(limited, 0);
}
END_TEST

START_TEST(what_does_not_fit_is_dropped)
{
	static const struct {
		const char *name;
		uint32_t id, size;
		size_t length;
		uint32_t lines;
	} cases[] = {
		{"size too large", 40 << 16, SIZE_MIN + 1, 5 + SIZE_MIN, 1},
		{"size too small", 40 << 16, SIZE_MIN - 1, 5 + SIZE_MIN, 1},
		{"size negative", 40 << 16, 0xffffffff, 5 + SIZE_MIN, 1},
		{"below the fixed part", 40 << 16, SIZE_MIN - 1, 5 + SIZE_MIN - 1, 1},
		{"below the header", 40 << 16, 15, 5 + 15, 1},
		{"prefix alone", 40 << 16, 0, 5, 1},
		{"half a prefix", 40 << 16, 0, 3, 1},
		{"unknown function", 40 << 16 | 2, SIZE_MIN, 5 + SIZE_MIN, 1},
		{"unknown function, all bits", 40 << 16 | 0xffff, SIZE_MIN, 5 + SIZE_MIN, 1},
		{"service not loaded", 41 << 16, SIZE_MIN, 5 + SIZE_MIN, 0},
		{"service 64", 64 << 16, SIZE_MIN, 5 + SIZE_MIN, 1},
		{"service 65535", 0xffffu << 16, SIZE_MIN, 5 + SIZE_MIN, 1},
	};
	uint8_t bytes[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		limited = 0;
		build(bytes, cases[i].id, cases[i].size, 0, false);
		deliver_in_pieces(bytes, cases[i].length, 64, false);
		ck_assert_msg(got.count == 0, "%s", cases[i].name);
		ck_assert_msg(limited == cases[i].lines, "%s", cases[i].name);
	}
	build(bytes, 40 << 16, SIZE_MIN, 0, false);
	deliver_in_pieces(bytes, 5 + SIZE_MIN, 64, false);
	ck_assert_int_eq(got.count, 1);
}
END_TEST

START_TEST(groups_choose_the_receiver)
{
	static const uint8_t sync[] = {1, 0, 4, 0, 's', 'y', 'n', 'c', 1, 2, 3};
	static const uint8_t other[] = {1, 0, 3, 0, 'y', 'k', 'd', 1, 2, 3};
	static const uint8_t both[] = {2, 0, 1, 0, 4, 0, 'b', 's', 'y', 'n', 'c', 1, 2, 3, 4};
	static const uint8_t beyond[] = {9, 0, 1, 0};

	deliver_in_pieces(sync, sizeof(sync), 64, false);
	ck_assert_uint_eq(synced, 3);
	deliver_in_pieces(other, sizeof(other), 64, false);
	ck_assert_uint_eq(synced, 3);
	deliver_in_pieces(both, sizeof(both), 64, false);
	ck_assert_uint_eq(synced, 7);
	deliver_in_pieces(beyond, sizeof(beyond), 64, false);
	ck_assert_uint_eq(synced, 7);
	ck_assert_int_eq(got.count, 0);
	ck_assert_uint_eq(limited, 1);
}
END_TEST

START_TEST(service_63_is_ours)
{
	bool is_swapped = _i == 1;
	uint8_t bytes[64];
	size_t size = build(bytes, ROUND_SERVICE_ID << 16 | 3, SIZE_MIN, 0, is_swapped);

	single_bytes = verdict_bytes = 0;
	deliver_in_pieces(bytes, size, 64, is_swapped);
	ck_assert_uint_eq(single_bytes, SIZE_MIN);
	ck_assert_uint_eq(verdict_bytes, 0);
	size = build(bytes, ROUND_SERVICE_ID << 16 | DELIVERY_VERDICT, SIZE_MIN, 0, is_swapped);
	deliver_in_pieces(bytes, size, 64, is_swapped);
	ck_assert_uint_eq(single_bytes, SIZE_MIN);
	ck_assert_uint_eq(verdict_bytes, SIZE_MIN);
	ck_assert_int_eq(got.count, 0);
}
END_TEST

START_TEST(sending_puts_the_header_in_front)
{
	char bytes[] = "abcde";
	struct iovec iov[] = {{bytes, 3}, {bytes, 0}, {bytes + 3, 2}};
	struct coterie_ring_header header;

	ck_assert_int_eq(route_send(route, &plugin, 1, COTERIE_AGREED, iov, 3), 0);
	ck_assert_uint_eq(sent_size, 21);
	memcpy(&header, sent, sizeof(header));
	ck_assert_int_eq(header.id, 40 << 16 | 1);
	ck_assert_int_eq(header.size, 21);
	ck_assert_uint_eq(header.pad0 | header.pad1, 0);
	ck_assert_mem_eq(sent + 16, "abcde", 5);
	ck_assert_uint_eq(tx[1], 1);
	ck_assert_int_eq(route_send(route, &plugin, 2, COTERIE_AGREED, iov, 3), -EINVAL);
}
END_TEST

START_TEST(sending_in_sync_start_is_told)
{
	ck_assert_int_eq(route_send(route, &plugin, 1, COTERIE_AGREED, NULL, 0), 0);
	ck_assert_uint_eq(limited, 0);
	is_starting = true;
	ck_assert_int_eq(route_send(route, &plugin, 1, COTERIE_AGREED, NULL, 0), 0);
	ck_assert_uint_eq(limited, 1);
}
END_TEST

START_TEST(only_messages_of_a_synchronisation_go_before_others)
{
	ck_assert_int_eq(route_send(route, &plugin, 1, COTERIE_AGREED, NULL, 0), 0);
	ck_assert(is_in_order);
	is_stepping = true;
	ck_assert_int_eq(route_send(route, &plugin, 1, COTERIE_AGREED, NULL, 0), 0);
	ck_assert(!is_in_order);
}
END_TEST

static const struct {
	const char *name;
	bool is_beside, is_deaf;
	enum plugin_state state;
	int rc;
} place_rows[] = {
	{"in service", false, false, PLUGIN_RUNNING, 0},
	{"about to be unloaded", false, false, PLUGIN_DRAINING, 0},
	{"beside the one in service", true, false, PLUGIN_READY, -EAGAIN},
	{"before its join", false, true, PLUGIN_READY, -EAGAIN},
	{"behind its PART", false, false, PLUGIN_STOPPED, -EAGAIN},
};

START_TEST(a_plugin_without_a_place_on_the_ring_is_refused)
{
	plugin.is_beside = place_rows[_i].is_beside;
	plugin.is_deaf = place_rows[_i].is_deaf;
	plugin.state = place_rows[_i].state;
	ck_assert_msg(
		route_send(route, &plugin, 1, COTERIE_AGREED, NULL, 0) == place_rows[_i].rc, "%s", place_rows[_i].name);
	ck_assert_uint_eq(plugin.underway, place_rows[_i].rc == 0);
}
END_TEST

static void deliver_from(uint32_t nodeid, uint32_t id)
{
	uint8_t bytes[64];
	size_t size = build(bytes, id, SIZE_MIN, 0, false);

	sender = nodeid;
	deliver_in_pieces(bytes, size, 64, false);
}

/* A plugin is not unloaded before its own messages are delivered: they count in `underway` until then. */
START_TEST(a_message_is_underway_until_it_is_delivered_here)
{
	ck_assert_int_eq(route_send(route, &plugin, 1, COTERIE_AGREED, NULL, 0), 0);
	ck_assert_int_eq(route_send(route, &plugin, 0, COTERIE_SAFE, NULL, 0), 0);
	send_rc = -EAGAIN;
	ck_assert_int_eq(route_send(route, &plugin, 0, COTERIE_SAFE, NULL, 0), -EAGAIN);
	ck_assert_uint_eq(plugin.underway, 2);
	deliver_from(7, 40 << 16); /* a message of another node */
	deliver_from(3, ROUND_SERVICE_ID << 16);
	deliver_from(3, 41 << 16); /* a message of another service */
	ck_assert_uint_eq(plugin.underway, 2);
	deliver_from(3, 40 << 16);
	deliver_from(3, 40 << 16 | 1);
	ck_assert_uint_eq(plugin.underway, 0);
	/* A deaf service may send, but receives nothing. Its messages are counted as well. */
	send_rc = 0;
	ck_assert_int_eq(route_send(route, &plugin, 0, COTERIE_SAFE, NULL, 0), 0);
	plugin.is_deaf = true;
	deliver_from(3, 40 << 16);
	plugin.is_deaf = false;
	ck_assert_uint_eq(plugin.underway, 0);
	/*
	 * A message that is not counted must not make the count negative: the plugin that was loaded before has sent
	 * it.
	 */
	deliver_from(3, 40 << 16);
	ck_assert_uint_eq(plugin.underway, 0);
	ck_assert_int_eq(got.count, 4);
}
END_TEST

static uint32_t configurations;

static void count_configuration(void *self, const struct coterie_configuration *configuration)
{
	(void)self, (void)configuration;
	configurations++;
}

START_TEST(a_deaf_service_receives_no_transitional_configuration)
{
	struct totem_configuration configuration = {.is_regular = false};

	configurations = 0;
	plugin.service.configuration = count_configuration;
	plugin.is_deaf = true;
	route_configure(route, &configuration);
	ck_assert(plugin.is_deaf);
	ck_assert_uint_eq(configurations, 0);
	configuration.is_regular = true;
	route_configure(route, &configuration);
	ck_assert(!plugin.is_deaf);
	ck_assert_uint_eq(configurations, 1);
	configuration.is_regular = false;
	route_configure(route, &configuration);
	ck_assert_uint_eq(configurations, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("route");
	TCase *tc = tcase_create("route");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, messages_arrive_whole, 0, 4);
	tcase_add_test(tc, what_does_not_fit_is_dropped);
	tcase_add_test(tc, groups_choose_the_receiver);
	tcase_add_loop_test(tc, service_63_is_ours, 0, 2);
	tcase_add_test(tc, sending_puts_the_header_in_front);
	tcase_add_test(tc, sending_in_sync_start_is_told);
	tcase_add_test(tc, only_messages_of_a_synchronisation_go_before_others);
	tcase_add_loop_test(
		tc, a_plugin_without_a_place_on_the_ring_is_refused, 0, sizeof(place_rows) / sizeof(place_rows[0]));
	tcase_add_test(tc, a_message_is_underway_until_it_is_delivered_here);
	tcase_add_test(tc, a_deaf_service_receives_no_transitional_configuration);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
