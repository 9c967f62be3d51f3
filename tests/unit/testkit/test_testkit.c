/* SPDX-License-Identifier: BSD-3-Clause */
/* The test kit (coterie/testkit.h): its clusters, its complaints, and that a seed repeats a run. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include <coterie/testkit.h>

#include "plugins/template-service/tally.h"
#include "tests/suite.h"
#include "tests/unit/sample-plugins/kit_naughty.h"

#define OK 1
#define TRY_AGAIN 6

static struct testkit *kit;

struct count {
	uint64_t delivered, bytes, posted, configurations, disorders;
};

/* --- helpers --- */

static void start(uint32_t nodes, const char *habit, uint64_t seed)
{
	char option[32];
	const char *options[] = {option, NULL};

	snprintf(option, sizeof(option), "habit=%s", habit);
	kit = testkit_create(seed, nodes);
	ck_assert_ptr_nonnull(kit);
	ck_assert_int_eq(testkit_load(kit, TESTKIT_ALL, &naughty_LTX_coterie_plugin, options), 0);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_settle(kit, nodes * 2000), 0);
}

static struct testkit_client *connect_to(uint32_t node)
{
	struct testkit_client *client;

	ck_assert_int_eq(testkit_connect(kit, node, "naughty", &client), 0);
	return client;
}

/* Make a request of `size` bytes in all, in static memory. The kit copies it. */
static void *request(uint32_t id, uint32_t size)
{
	static uint64_t bytes[131072];
	struct coterie_request_header header = {.id = (int32_t)id, .size = (int32_t)size};

	ck_assert_uint_le(size, sizeof(bytes));
	memcpy(bytes, &header, sizeof(header));
	return bytes;
}

static int32_t call(struct testkit_client *client, uint32_t id, uint32_t size)
{
	const struct coterie_response_header *reply = testkit_call(client, request(id, size), size);

	return reply == NULL ? 0 : reply->error;
}

static struct count count(uint32_t node)
{
	struct testkit_client *client = connect_to(node);
	const struct coterie_response_header *reply = testkit_call(client, request(NAUGHTY_COUNT, 16), 16);
	struct count result;

	ck_assert_ptr_nonnull(reply);
	ck_assert_int_eq(reply->error, OK);
	memcpy(&result, reply + 1, sizeof(result));
	testkit_disconnect(client);
	return result;
}

/* --- clusters --- */

START_TEST(nodes_form_a_ring_and_serve)
{
	uint32_t ids[4];

	start(3, "0", 1);
	ck_assert_uint_eq(testkit_members(kit, 2, ids, 4), 3);
	ck_assert_uint_eq(ids[0], 1);
	ck_assert_uint_eq(ids[2], 3);
	struct testkit_client *client = connect_to(1);
	ck_assert_int_eq(call(client, NAUGHTY_SEND, 1016), OK);
	ck_assert_int_eq(call(client, NAUGHTY_LATER, 16), OK);
	testkit_run(kit, 100);
	for (uint32_t node = 1; node <= 3; node++) {
		ck_assert_uint_eq(count(node).delivered, 2);
		ck_assert_uint_eq(count(node).bytes, 1000);
	}
	ck_assert_int_eq(call(client, 77, 16), 7); /* no such request: invalid parameter */
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_file_is_loaded_as_well)
{
	struct testkit *other = testkit_create(1, 1);

	ck_assert_int_eq(testkit_load_file(other, 1, "/nonexistent/x.so", NULL), -ENOENT);
	ck_assert_int_eq(testkit_load_file(other, 1, "/bin/sh", NULL), 0);
	ck_assert_int_eq(testkit_start(other, 1), -EINVAL);
	ck_assert_ptr_nonnull(strstr(testkit_error(other), "node 1: "));
	ck_assert_int_eq(testkit_is_up(other, 1), 0);
	ck_assert_uint_eq(testkit_destroy(other), 0);
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
	struct testkit_client *client;

	ck_assert_ptr_null(testkit_create(1, 0));
	ck_assert_ptr_null(testkit_create(1, 65));
	ck_assert_uint_eq(testkit_destroy(NULL), 0);
	kit = testkit_create(1, 2);
	ck_assert_int_eq(testkit_start(kit, 3), -EINVAL);
	ck_assert_int_eq(testkit_crash(kit, 1), -ESRCH);
	ck_assert_int_eq(testkit_stop(kit, 1), -ESRCH);
	ck_assert_int_eq(testkit_pause(kit, 1, 1), -ESRCH);
	ck_assert_int_eq(testkit_crash_after(kit, 1, 1), -ESRCH);
	ck_assert_int_eq(testkit_cut(kit, 1, 1), -EINVAL);
	ck_assert_int_eq(testkit_part(kit, "1 | 3"), -EINVAL);
	ck_assert_int_eq(testkit_part(kit, "1 ; 2"), -EINVAL);
	ck_assert_int_eq(testkit_option(kit, 1, "naughty", "habit", "1"), -ENOENT);
	ck_assert_int_eq(testkit_connect(kit, 1, "naughty", &client), -ECONNREFUSED);
	ck_assert_int_eq(testkit_connect(kit, 9, "naughty", &client), -EINVAL);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_start(kit, 1), -EALREADY);
	ck_assert_int_eq(testkit_forget(kit, 1), -EBUSY);
	ck_assert_int_eq(testkit_connect(kit, 1, "naughty", &client), -ECONNREFUSED);
	testkit_config(kit, "totem {\n\ttoken: none\n}");
	testkit_crash(kit, 1);
	ck_assert_int_eq(testkit_start(kit, 1), -EINVAL);
	ck_assert_ptr_nonnull(strstr(testkit_error(kit), "token"));
	testkit_destroy(kit);
}
END_TEST

START_TEST(partitions_and_merges)
{
	start(4, "0", 2);
	struct testkit_client *one = connect_to(1), *three = connect_to(3);
	ck_assert_int_eq(testkit_part(kit, "1 2 | 3 4"), 0);
	ck_assert_int_eq(testkit_settle(kit, 20000), 0);
	ck_assert_uint_eq(testkit_members(kit, 1, NULL, 0), 2);
	ck_assert_int_eq(call(one, NAUGHTY_LATER, 16), OK);
	ck_assert_int_eq(call(three, NAUGHTY_LATER, 16), OK);
	ck_assert_int_eq(call(three, NAUGHTY_LATER, 16), OK);
	testkit_run(kit, 100);
	ck_assert_uint_eq(count(2).delivered, 1);
	ck_assert_uint_eq(count(4).delivered, 2);
	testkit_heal(kit);
	ck_assert_int_eq(testkit_settle(kit, 20000), 0);
	ck_assert_uint_eq(testkit_members(kit, 1, NULL, 0), 4);
	/* Cut one direction: the two nodes cannot be in one ring. */
	testkit_cut(kit, 1, 2);
	testkit_run(kit, 20000);
	ck_assert_uint_lt(testkit_members(kit, 1, NULL, 0), 4);
	testkit_heal(kit);
	ck_assert_int_eq(testkit_settle(kit, 1), -ETIMEDOUT);
	ck_assert_int_eq(testkit_settle(kit, 20000), 0);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

/* Members are in the map, then services learn of the configuration, then they synchronise. */
START_TEST(parts_learn_of_a_configuration_in_their_order)
{
	start(3, "0", 5);
	ck_assert_int_eq(testkit_part(kit, "1 | 2 3"), 0);
	ck_assert_int_eq(testkit_settle(kit, 20000), 0);
	testkit_heal(kit);
	ck_assert_int_eq(testkit_settle(kit, 20000), 0);
	for (uint32_t node = 1; node <= 3; node++) {
		ck_assert_uint_ge(count(node).configurations, 3);
		ck_assert_uint_eq(count(node).disorders, 0);
	}
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

/* Messages wait while a ring is formed. What a service sends while services synchronise must not overtake them. */
START_TEST(messages_keep_their_order_over_a_synchronisation)
{
	start(3, "7", 6);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(testkit_part(kit, "1 | 2 3"), 0);
		ck_assert_int_eq(testkit_settle(kit, 20000), 0);
		testkit_heal(kit);
		ck_assert_int_eq(testkit_settle(kit, 20000), 0);
	}
	for (uint32_t node = 1; node <= 3; node++) {
		ck_assert_uint_ge(count(node).delivered, 3000);
		ck_assert_uint_eq(count(node).disorders, 0);
	}
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(crash_stop_pause_and_return)
{
	start(3, "0", 3);
	struct testkit_client *client = connect_to(3);
	ck_assert_int_eq(call(client, NAUGHTY_STORE, 24), OK);
	ck_assert_int_eq(testkit_crash(kit, 3), 0);
	ck_assert_int_eq(testkit_is_connected(client), 0);
	ck_assert_int_eq(testkit_send(client, request(NAUGHTY_SEND, 16), 16), -ENOTCONN);
	ck_assert_ptr_null(testkit_call(client, request(NAUGHTY_SEND, 16), 16));
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert_uint_eq(testkit_members(kit, 1, NULL, 0), 2);
	ck_assert_int_eq(testkit_start(kit, 3), 0);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert_uint_eq(testkit_members(kit, 1, NULL, 0), 3);

	/* A node's stored files survive the crash, until they are removed. */
	struct coterie_ctx *ctx;
	const struct coterie_host *host = testkit_host(kit, 3, "naughty", &ctx);
	char bytes[8];
	ck_assert_ptr_nonnull(host);
	ck_assert_int_eq(host->state_file_read(ctx, "naughty", bytes, sizeof(bytes)), 8);
	ck_assert_int_eq(testkit_stop(kit, 3), 0);
	testkit_run(kit, 3000);
	ck_assert_int_eq(testkit_is_up(kit, 3), 0);
	ck_assert_int_eq(testkit_forget(kit, 3), 0);
	ck_assert_int_eq(testkit_start(kit, 3), 0);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	host = testkit_host(kit, 3, "naughty", &ctx);
	ck_assert_int_eq(host->state_file_read(ctx, "naughty", bytes, sizeof(bytes)), -ENOENT);

	/*
	 * Pause a node for longer than the token timeout: it is removed, and joins again. A shorter pause meanwhile
	 * does not end the longer one.
	 */
	ck_assert_int_eq(testkit_pause(kit, 2, 20000), 0);
	ck_assert_int_eq(testkit_pause(kit, 2, 10), 0);
	ck_assert_int_eq(testkit_settle(kit, 15000), -ETIMEDOUT);
	testkit_run(kit, 1);
	ck_assert_uint_eq(testkit_members(kit, 1, NULL, 0), 2);
	ck_assert_int_eq(testkit_settle(kit, 20000), 0);
	ck_assert_uint_eq(testkit_members(kit, 1, NULL, 0), 3);

	/* A crash ends the pause: the next start does not wait for it. */
	ck_assert_int_eq(testkit_pause(kit, 2, 20000), 0);
	testkit_run(kit, 100);
	ck_assert_int_eq(testkit_crash(kit, 2), 0);
	ck_assert_int_eq(testkit_start(kit, 2), 0);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert_uint_eq(testkit_members(kit, 1, NULL, 0), 3);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

/*
 * Crash a node at each of its first effects after a request. The other nodes agree on whether the request took effect.
 */
static void on_due(void *arg) { *(uint64_t *)arg = testkit_now_ns(kit); }

START_TEST(clocks_jump_and_drift)
{
	struct coterie_ctx *ctx;
	struct coterie_timer *timer;
	uint64_t due_ns = 0;

	start(2, "0", 4);
	ck_assert_int_eq(testkit_clock(kit, 3, 1, 0), -EINVAL);
	ck_assert_int_eq(testkit_clock(kit, 1, 1, 500001), -EINVAL);
	const struct coterie_host *host = testkit_host(kit, 1, "naughty", &ctx);
	uint64_t clock_ns = host->now_ns(ctx), now_ns = testkit_now_ns(kit);

	/* After a jump of the clock a timer is due earlier. Its former event has no effect. */
	ck_assert_int_eq(host->timer_add(ctx, clock_ns + 50000000, on_due, &due_ns, &timer), 0);
	ck_assert_int_eq(testkit_clock(kit, 1, 30, 0), 0);
	ck_assert_uint_eq(host->now_ns(ctx), clock_ns + 30000000);
	testkit_run(kit, 100);
	ck_assert_uint_eq(due_ns, now_ns + 20000000);

	/* If the clock runs at half the speed, the timer is due later. */
	ck_assert_int_eq(testkit_clock(kit, 1, 0, -500000), 0);
	clock_ns = host->now_ns(ctx), now_ns = testkit_now_ns(kit);
	ck_assert_int_eq(host->timer_add(ctx, clock_ns + 50000000, on_due, &due_ns, &timer), 0);
	testkit_run(kit, 100);
	ck_assert_uint_eq(host->now_ns(ctx), clock_ns + 50000000);
	testkit_run(kit, 1);
	ck_assert_uint_eq(due_ns, now_ns + 100000000);

	/* The clock becomes slower while the timer runs. */
	ck_assert_int_eq(testkit_clock(kit, 1, 0, 0), 0);
	clock_ns = host->now_ns(ctx), now_ns = testkit_now_ns(kit);
	ck_assert_int_eq(host->timer_add(ctx, clock_ns + 50000000, on_due, &due_ns, &timer), 0);
	ck_assert_int_eq(testkit_clock(kit, 1, 0, -500000), 0);
	testkit_run(kit, 101);
	ck_assert_uint_eq(due_ns, now_ns + 100000000);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(calm_cancels_a_planned_crash)
{
	start(2, "0", 4);
	ck_assert_int_eq(testkit_crash_after(kit, 2, 5), 0);
	ck_assert_int_eq(testkit_calm(kit), 0);
	testkit_run(kit, 5000);
	ck_assert_int_eq(testkit_is_up(kit, 2), 1);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(crash_at_any_point)
{
	uint32_t happened = 0;

	for (uint64_t effects = 0; effects < 12; effects++) {
		start(3, "0", 4);
		struct testkit_client *client = connect_to(2);
		testkit_crash_after(kit, 2, effects);
		testkit_send(client, request(NAUGHTY_LATER, 16), 16);
		testkit_run(kit, 5000);
		ck_assert_int_eq(testkit_is_up(kit, 2), 0);
		bool was_answered = testkit_reply(client) != NULL;
		ck_assert_int_eq(testkit_settle(kit, 10000), 0);
		ck_assert_uint_eq(count(1).delivered, count(3).delivered);
		/* If the client got an answer, the message was delivered. */
		ck_assert(!was_answered || count(1).delivered == 1);
		happened += count(1).delivered == 1;
		ck_assert_uint_eq(testkit_destroy(kit), 0);
	}
	ck_assert_uint_gt(happened, 0);
	ck_assert_uint_lt(happened, 12);
}
END_TEST

/* --- clients --- */

START_TEST(large_messages_and_a_full_queue)
{
	enum { MESSAGES = 40, SIZE = 1000000 };

	start(3, "0", 5);
	struct testkit_client *client = connect_to(1);
	uint32_t refused = 0;

	/*
	 * More messages than the ring's queue holds. Each one waits or gets "try again", and all accepted ones are
	 * delivered.
	 */
	for (uint32_t i = 0; i < MESSAGES; i++)
		ck_assert_int_eq(testkit_send(client, request(NAUGHTY_SEND, SIZE), SIZE), 0);
	ck_assert_uint_eq(testkit_pending(client), MESSAGES);
	testkit_run(kit, 20000);
	ck_assert_uint_eq(testkit_pending(client), 0);
	const struct coterie_response_header *reply;
	while ((reply = testkit_reply(client)) != NULL)
		refused += reply->error == TRY_AGAIN;
	ck_assert_uint_eq(count(3).delivered, MESSAGES - refused);

	/* Messages without an answer wait. None of them is lost, even after the end of the connection. */
	for (uint32_t i = 0; i < MESSAGES; i++)
		testkit_send(client, request(NAUGHTY_SILENT, SIZE), SIZE);
	testkit_run(kit, 20000);
	ck_assert_uint_eq(testkit_pending(client), 0);
	ck_assert_uint_eq(count(3).delivered, 2 * MESSAGES - refused);
	testkit_send(client, request(NAUGHTY_SILENT, 16), 16);
	testkit_disconnect(client);
	testkit_run(kit, 100);
	ck_assert_uint_eq(count(2).delivered, 2 * MESSAGES - refused + 1);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(only_a_call_repeats_a_request)
{
	start(1, "0", 5);
	struct testkit_client *client = connect_to(1);

	testkit_no_room(kit, 1, "naughty", 10000);
	ck_assert_int_eq(testkit_send(client, request(NAUGHTY_SEND, 16), 16), 0);
	testkit_run(kit, 100);
	const struct coterie_response_header *reply = testkit_reply(client);
	ck_assert_ptr_nonnull(reply);
	ck_assert_int_eq(reply->error, TRY_AGAIN);
	testkit_no_room(kit, 1, "naughty", 0);
	testkit_run(kit, 100);
	ck_assert_ptr_null(testkit_reply(client));
	ck_assert_uint_eq(count(1).delivered, 0);

	testkit_no_room(kit, 1, "naughty", 9000);
	ck_assert_int_eq(call(client, NAUGHTY_SEND, 16), OK);
	testkit_run(kit, 100);
	ck_assert_uint_eq(count(1).delivered, 1);
	testkit_no_room(kit, 1, "naughty", 10000);
	ck_assert_ptr_null(testkit_call(client, request(NAUGHTY_SEND, 16), 16));
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

static void on_message(
	void *arg, struct testkit_client *client, int is_event, const struct coterie_response_header *message)
{
	uint32_t *counts = arg;

	(void)client;
	ck_assert_int_eq(message->id, is_event ? NAUGHTY_EVENT : NAUGHTY_EVENTS);
	counts[is_event != 0]++;
}

static void ask_events(struct testkit_client *client, uint32_t number, uint32_t size)
{
	uint32_t words[] = {number, size};
	uint8_t *msg = request(NAUGHTY_EVENTS, 24);

	memcpy(msg + 16, words, sizeof(words));
	ck_assert_int_eq(testkit_send(client, msg, 24), 0);
}

START_TEST(events_come_or_wait)
{
	uint32_t counts[2] = {0};

	start(1, "0", 6);
	struct testkit_client *client = connect_to(1);
	ask_events(client, 3, 100);
	testkit_run(kit, 10);
	for (int i = 0; i < 3; i++) {
		const struct coterie_response_header *event = testkit_event(client);
		ck_assert_ptr_nonnull(event);
		ck_assert_int_eq(event->id, NAUGHTY_EVENT);
		ck_assert_int_eq(event->size, 124);
	}
	ck_assert_ptr_null(testkit_event(client));
	ck_assert_ptr_nonnull(testkit_reply(client));

	/* A client does not read. Events that do not fit into its ring wait in the node, in order. */
	testkit_watch(client, on_message, counts);
	testkit_hold(client, 1);
	ask_events(client, 30, 100000);
	testkit_run(kit, 500);
	ck_assert_uint_eq(counts[0], 1);
	ck_assert_uint_lt(counts[1], 30);
	ck_assert_int_eq(testkit_is_behind(client), 1);
	testkit_hold(client, 0);
	ck_assert_int_eq(testkit_is_behind(client), 1);
	testkit_run(kit, 500);
	ck_assert_uint_eq(counts[1], 30);
	ck_assert_int_eq(testkit_is_behind(client), 0);

	/* A client that never reads is disconnected. */
	testkit_hold(client, 1);
	ask_events(client, 70, 1000000);
	testkit_run(kit, 5000);
	ck_assert_int_eq(testkit_is_connected(client), 0);
	ck_assert_int_eq(testkit_has_logged(kit, 1, "does not read its events"), 1);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(quorum_and_options)
{
	start(1, "0", 7);
	struct testkit_client *client = connect_to(1);
	ck_assert_int_eq(call(client, NAUGHTY_QUORATE, 16), OK);
	ck_assert_int_eq(testkit_quorum(kit, TESTKIT_ALL, 0), 0);
	testkit_send(client, request(NAUGHTY_QUORATE, 16), 16);
	testkit_run(kit, 100);
	const struct coterie_response_header *reply = testkit_reply(client);
	ck_assert(reply == NULL || reply->error == TRY_AGAIN);
	testkit_quorum(kit, 1, 1);
	testkit_run(kit, 100);

	ck_assert_int_eq(testkit_option(kit, 1, "naughty", "habit", "11"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(testkit_error(kit), "between 0 and 10"));
	ck_assert_int_eq(testkit_option(kit, 1, "naughty", "none", "1"), -EINVAL);
	ck_assert_int_eq(testkit_option(kit, 1, "naughty", "fixed", "2"), 0);
	ck_assert_int_eq(testkit_option(kit, 1, "naughty", "habit", "3"), 0);
	struct coterie_ctx *ctx;
	const struct coterie_host *host = testkit_host(kit, 1, "naughty", &ctx);
	uint64_t value;
	ck_assert_int_eq(host->option_u64(ctx, "habit", &value), 0);
	ck_assert_uint_eq(value, 3);
	host->option_u64(ctx, "fixed", &value); /* takes effect at the next start */
	ck_assert_uint_eq(value, 1);
	testkit_crash(kit, 1);
	testkit_option(kit, 1, "naughty", "habit", "0");
	testkit_start(kit, 1);
	host = testkit_host(kit, 1, "naughty", &ctx);
	host->option_u64(ctx, "fixed", &value);
	ck_assert_uint_eq(value, 2);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(loaded_while_the_node_runs)
{
	static const char *const none[] = {NULL};

	kit = testkit_create(8, 2);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert_ptr_null(testkit_self(kit, 1, "naughty"));
	ck_assert_int_eq(testkit_load(kit, TESTKIT_ALL, &naughty_LTX_coterie_plugin, none), 0);
	ck_assert_ptr_nonnull(testkit_self(kit, 1, "naughty"));
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert_int_eq(call(connect_to(1), NAUGHTY_LATER, 16), OK);
	testkit_run(kit, 100);
	ck_assert_uint_eq(count(2).delivered, 1);
	ck_assert_int_eq(testkit_load(kit, 1, &naughty_LTX_coterie_plugin, none), -EINVAL);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(threads_and_descriptors_work)
{
	start(1, "5", 9);
	ck_assert_uint_eq(count(1).posted, 101);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

/* --- who runs a service --- */

static void check_members(uint32_t node, uint32_t first, uint32_t second)
{
	struct coterie_ctx *ctx;
	const struct coterie_host *host = testkit_host(kit, node, "naughty", &ctx);
	uint32_t ids[3] = {0};

	ck_assert_ptr_nonnull(host);
	ck_assert_int_eq(host->service_members(ctx, ids, 2), second == 0 ? 1 : 2);
	ck_assert_uint_eq(ids[0], first);
	ck_assert_uint_eq(ids[1], second);
}

/* Each node knows which members have loaded the service, also when it is loaded while the ring runs. */
START_TEST(members_of_a_service)
{
	static const char *const none[] = {NULL};
	struct coterie_delivery place = {.size = sizeof(place)};
	struct coterie_ctx *ctx;

	kit = testkit_create(12, 3);
	ck_assert_int_eq(testkit_load(kit, 1, &naughty_LTX_coterie_plugin, none), 0);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	check_members(1, 1, 0);
	ck_assert_int_eq(testkit_load(kit, 3, &naughty_LTX_coterie_plugin, none), 0);
	testkit_run(kit, 100);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	check_members(1, 1, 3);
	check_members(3, 1, 3);
	ck_assert_int_eq(testkit_unload(kit, 1, "naughty"), 0);
	testkit_run(kit, 100);
	check_members(3, 3, 0);
	testkit_crash(kit, 1);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	check_members(3, 3, 0);
	ck_assert_int_eq(testkit_host(kit, 3, "naughty", &ctx)->delivery(ctx, &place), -ENODATA);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_provider_must_be_loaded)
{
	kit = testkit_create(12, 1);
	testkit_config(kit, "quorum {\n provider: corosync_votequorum\n expected_votes: 1\n}");
	ck_assert_int_eq(testkit_start(kit, 1), -EINVAL);
	ck_assert_ptr_nonnull(strstr(testkit_error(kit), "quorum provider 'votequorum': load it first"));
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

/* --- plugins that go and are replaced --- */

START_TEST(unloaded_and_loaded_again)
{
	static const char *const none[] = {NULL};

	start(3, "0", 12);
	struct testkit_client *client = connect_to(1), *other;
	ck_assert_int_eq(call(client, NAUGHTY_LATER, 16), OK);
	ck_assert_int_eq(testkit_unload(kit, 1, "nothing"), -ENOENT);
	ck_assert_ptr_nonnull(strstr(testkit_error(kit), "node 1: "));
	ck_assert_int_eq(testkit_unload(kit, 1, "naughty"), 0);
	ck_assert_int_eq(testkit_is_connected(client), 0);
	ck_assert_ptr_null(testkit_self(kit, 1, "naughty"));
	ck_assert_int_eq(testkit_connect(kit, 1, "naughty", &other), -ECONNREFUSED);
	ck_assert_int_eq(testkit_unload(kit, 1, "naughty"), -ENOENT);
	ck_assert_int_eq(call(connect_to(2), NAUGHTY_LATER, 16), OK);

	testkit_crash(kit, 1);
	ck_assert_int_eq(testkit_unload(kit, 1, "naughty"), -ESRCH);
	ck_assert_str_eq(testkit_error(kit), "node 1: it does not run");
	testkit_start(kit, 1);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert_ptr_null(testkit_self(kit, 1, "naughty"));
	ck_assert_int_eq(testkit_load(kit, 1, &naughty_LTX_coterie_plugin, none), 0);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert_int_eq(call(connect_to(1), NAUGHTY_LATER, 16), OK);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

/* The time of testkit_unload is over before the service has ended. The unload goes on. */
START_TEST(an_unload_that_takes_too_long)
{
	start(1, "0", 12);
	testkit_pause(kit, 1, 150000);
	ck_assert_int_eq(testkit_unload(kit, 1, "naughty"), -ETIMEDOUT);
	ck_assert_str_eq(testkit_error(kit), "node 1: the plugin has not ended yet");
	ck_assert_ptr_nonnull(testkit_self(kit, 1, "naughty"));
	testkit_run(kit, 40000);
	ck_assert_ptr_null(testkit_self(kit, 1, "naughty"));
	/* For the kit it was not unloaded: the next start has it. */
	testkit_crash(kit, 1);
	ck_assert_int_eq(testkit_start(kit, 1), 0);
	ck_assert_ptr_nonnull(testkit_self(kit, 1, "naughty"));
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

#define TALLY TEST_PLUGIN_DIR "/.libs/tally.so"

/* Copy the file of plugin tally to a folder of its own. */
static void copy_tally(char *path, size_t size)
{
	const char *folder = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
	char command[1000];

	snprintf(path, size, "%s/coterie-kit-XXXXXX", folder);
	ck_assert_ptr_nonnull(mkdtemp(path));
	snprintf(command, sizeof(command), "cp " TALLY " %s", path);
	ck_assert_int_eq(system(command), 0);
	strcat(path, "/tally.so");
}

static void remove_tally(char *path)
{
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
}

static int32_t tally_add(struct testkit_client *client, uint32_t amount)
{
	struct tally_req_add req = {.header = {.id = TALLY_REQ_ADD, .size = sizeof(req)}, .amount = amount};
	const struct coterie_response_header *reply = testkit_call(client, &req, sizeof(req));

	return reply == NULL ? 0 : reply->error;
}

static uint64_t tally_get(struct testkit_client *client)
{
	struct tally_req_get req = {.header = {.id = TALLY_REQ_GET, .size = sizeof(req)}};
	const struct tally_res_get *reply = (const void *)testkit_call(client, &req, sizeof(req));

	ck_assert_ptr_nonnull(reply);
	return reply->total;
}

START_TEST(replaced_under_its_clients)
{
	static const char *const options[] = {"step_max=7", NULL};
	struct testkit_client *client;
	char path[200];

	copy_tally(path, sizeof(path));
	kit = testkit_create(13, 3);
	ck_assert_int_eq(testkit_load_file(kit, TESTKIT_ALL, TALLY, options), 0);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert_int_eq(testkit_connect(kit, 1, "tally", &client), 0);
	ck_assert_int_eq(tally_add(client, 5), OK);
	void *before = testkit_self(kit, 1, "tally");
	ck_assert_int_eq(testkit_replace_file(kit, 1, "/nonexistent/tally.so"), -ENOENT);
	ck_assert_str_eq(testkit_error(kit), "node 1: there is no such file");
	ck_assert_int_eq(testkit_replace_file(kit, 1, TALLY), -EALREADY);
	ck_assert_ptr_eq(testkit_self(kit, 1, "tally"), before);
	ck_assert_int_eq(testkit_replace_file(kit, TESTKIT_ALL, path), 0);
	ck_assert_ptr_ne(testkit_self(kit, 1, "tally"), before);
	testkit_run(kit, 100); /* answered when the message is queued */
	ck_assert_uint_eq(tally_get(client), 5);
	ck_assert_int_eq(tally_add(client, 6), OK);
	ck_assert_int_ne(tally_add(client, 8), OK); /* the option has not changed */
	ck_assert_int_eq(testkit_replace_file(kit, 1, path), -EALREADY);
	ck_assert_int_eq(testkit_has_logged(kit, TESTKIT_ALL, "Leak"), 0);

	/* A node that has not loaded the plugin. */
	ck_assert_int_eq(testkit_unload(kit, 2, "tally"), 0);
	testkit_crash(kit, 2);
	testkit_start(kit, 2);
	ck_assert_int_eq(testkit_load_file(kit, 2, path, options), 0);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);

	/* The node starts with the replaced file. */
	testkit_crash(kit, 1);
	testkit_start(kit, 1);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert_int_eq(testkit_replace_file(kit, 1, path), -EALREADY);
	ck_assert_int_eq(testkit_connect(kit, 1, "tally", &client), 0);
	ck_assert_uint_eq(tally_get(client), 11);
	ck_assert_int_ne(tally_add(client, 8), OK);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
	remove_tally(path);
}
END_TEST

/* --- complaints --- */

static const struct {
	const char *habit, *words;
} complaints[] = {
	{"1", "Leak: a timer due in"},
	{"2", "frames with"},
	{"3", "sends in sync_start"},
	{"4", "answered twice"},
};

START_TEST(what_is_wrong_is_told)
{
	start(1, complaints[_i].habit, 10);
	struct testkit_client *client = connect_to(1);
	testkit_send(client, request(NAUGHTY_SEND, 16), 16);
	testkit_run(kit, 100);
	testkit_crash(kit, 1);
	ck_assert_uint_ge(testkit_complaints(kit), 1);
	ck_assert_ptr_nonnull(strstr(testkit_complaint(kit, 0), complaints[_i].words));
	ck_assert_ptr_nonnull(strstr(testkit_complaint(kit, 0), "seed 10, "));
	ck_assert_ptr_null(testkit_complaint(kit, testkit_complaints(kit)));
	ck_assert_uint_ge(testkit_destroy(kit), 1);
}
END_TEST

START_TEST(a_failing_init_refuses_the_start)
{
	static const char *const options[] = {"habit=6", NULL};

	kit = testkit_create(1, 1);
	testkit_load(kit, 1, &naughty_LTX_coterie_plugin, options);
	ck_assert_int_eq(testkit_start(kit, 1), -EINVAL);
	ck_assert_ptr_nonnull(strstr(testkit_error(kit), "its init failed (Input/output error)"));
	testkit_complain(kit, 1, "by the test %d", 1);
	ck_assert_uint_eq(testkit_destroy(kit), 1);
}
END_TEST

/* --- repetition --- */

/* Run a script with all random faults. @return the digest of the run */
static uint64_t adventure(uint64_t seed)
{
	start(5, "0", seed);
	testkit_chaos(kit, TESTKIT_CHAOS, 300);
	for (int i = 0; i < 60; i++) {
		struct testkit_client *client;
		uint32_t size = 16 + (uint32_t)testkit_random(kit, 5000);

		if (testkit_connect(kit, 1 + (uint32_t)testkit_random(kit, 5), "naughty", &client) == 0)
			testkit_send(client, request(NAUGHTY_SEND, size), size);
		testkit_run(kit, 250);
	}
	ck_assert_int_eq(testkit_calm(kit), 0);
	ck_assert_int_eq(testkit_settle(kit, 60000), 0);
	uint64_t digest = testkit_digest(kit);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
	return digest;
}

START_TEST(a_seed_repeats_a_run)
{
	uint64_t seed = (uint64_t)_i + 1, first = adventure(seed);

	ck_assert_uint_eq(adventure(seed), first);
	ck_assert_uint_ne(adventure(seed + 1000), first);
}
END_TEST

/* Node ids over all 32 bits. Calls of the kit still name a node by its number. */
START_TEST(ids_of_all_32_bits)
{
	uint32_t ids[3];

	kit = testkit_create(5, 3);
	ck_assert_ptr_nonnull(kit);
	ck_assert_int_eq(testkit_nodeid(kit, 2, 0xFFFFFFF0u), 0);
	ck_assert_int_eq(testkit_nodeid(kit, 3, 0x80000000u), 0);
	ck_assert_int_eq(testkit_nodeid(kit, 1, 0), -EINVAL);
	ck_assert_int_eq(testkit_nodeid(kit, 1, 0x80000000u), -EINVAL);
	ck_assert_int_eq(testkit_nodeid(kit, 4, 7), -EINVAL);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_nodeid(kit, 1, 7), -EBUSY);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert_uint_eq(testkit_members(kit, 2, ids, 3), 3);
	ck_assert_uint_eq(ids[0], 1);
	ck_assert_uint_eq(ids[1], 0x80000000u);
	ck_assert_uint_eq(ids[2], 0xFFFFFFF0u);
	ck_assert_int_eq(testkit_crash(kit, 3), 0);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert_uint_eq(testkit_members(kit, 1, ids, 3), 2);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("testkit");
	TCase *tc = tcase_create("testkit");

	tcase_add_test(tc, ids_of_all_32_bits);
	tcase_add_test(tc, nodes_form_a_ring_and_serve);
	tcase_add_test(tc, a_file_is_loaded_as_well);
	tcase_add_test(tc, bad_arguments_are_refused);
	tcase_add_test(tc, partitions_and_merges);
	tcase_add_test(tc, parts_learn_of_a_configuration_in_their_order);
	tcase_add_test(tc, messages_keep_their_order_over_a_synchronisation);
	tcase_add_test(tc, crash_stop_pause_and_return);
	tcase_add_test(tc, clocks_jump_and_drift);
	tcase_add_test(tc, calm_cancels_a_planned_crash);
	tcase_add_test(tc, crash_at_any_point);
	tcase_add_test(tc, large_messages_and_a_full_queue);
	tcase_add_test(tc, only_a_call_repeats_a_request);
	tcase_add_test(tc, events_come_or_wait);
	tcase_add_test(tc, quorum_and_options);
	tcase_add_test(tc, loaded_while_the_node_runs);
	tcase_add_test(tc, members_of_a_service);
	tcase_add_test(tc, a_provider_must_be_loaded);
	tcase_add_test(tc, unloaded_and_loaded_again);
	tcase_add_test(tc, an_unload_that_takes_too_long);
	tcase_add_test(tc, replaced_under_its_clients);
	tcase_add_test(tc, threads_and_descriptors_work);
	tcase_add_loop_test(tc, what_is_wrong_is_told, 0, 4);
	tcase_add_test(tc, a_failing_init_refuses_the_start);
	tcase_add_loop_test(tc, a_seed_repeats_a_run, 0, 10);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
