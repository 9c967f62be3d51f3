/* SPDX-License-Identifier: BSD-3-Clause */
/* The test kit (coterie/testkit.h): its clusters, its clients, and that a seed repeats a run. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include <check.h>

#include <coterie/testkit.h>

#include "tests/suite.h"
#include "tests/unit/testkit/kit_case.h"

/* --- clusters --- */

START_TEST(nodes_form_a_ring_and_serve)
{
	uint32_t ids[4];

	kit_case_start(3, "0", 1);
	ck_assert_uint_eq(testkit_members(kit, 2, ids, 4), 3);
	ck_assert_uint_eq(ids[0], 1);
	ck_assert_uint_eq(ids[2], 3);
	struct testkit_client *client = kit_case_connect(1);
	ck_assert_int_eq(kit_case_call(client, NAUGHTY_SEND, 1016), OK);
	ck_assert_int_eq(kit_case_call(client, NAUGHTY_LATER, 16), OK);
	testkit_run(kit, 100);
	for (uint32_t node = 1; node <= 3; node++) {
		ck_assert_uint_eq(kit_case_count(node).delivered, 2);
		ck_assert_uint_eq(kit_case_count(node).bytes, 1000);
	}
	ck_assert_int_eq(kit_case_call(client, 77, 16), 7); /* no such request: invalid parameter */
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
	kit_case_start(4, "0", 2);
	struct testkit_client *one = kit_case_connect(1), *three = kit_case_connect(3);
	ck_assert_int_eq(testkit_part(kit, "1 2 | 3 4"), 0);
	ck_assert_int_eq(testkit_settle(kit, 20000), 0);
	ck_assert_uint_eq(testkit_members(kit, 1, NULL, 0), 2);
	ck_assert_int_eq(kit_case_call(one, NAUGHTY_LATER, 16), OK);
	ck_assert_int_eq(kit_case_call(three, NAUGHTY_LATER, 16), OK);
	ck_assert_int_eq(kit_case_call(three, NAUGHTY_LATER, 16), OK);
	testkit_run(kit, 100);
	ck_assert_uint_eq(kit_case_count(2).delivered, 1);
	ck_assert_uint_eq(kit_case_count(4).delivered, 2);
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
	kit_case_start(3, "0", 5);
	ck_assert_int_eq(testkit_part(kit, "1 | 2 3"), 0);
	ck_assert_int_eq(testkit_settle(kit, 20000), 0);
	testkit_heal(kit);
	ck_assert_int_eq(testkit_settle(kit, 20000), 0);
	for (uint32_t node = 1; node <= 3; node++) {
		ck_assert_uint_ge(kit_case_count(node).configurations, 3);
		ck_assert_uint_eq(kit_case_count(node).disorders, 0);
	}
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

/* Messages wait while a ring is formed. What a service sends while services synchronise must not overtake them. */
START_TEST(messages_keep_their_order_over_a_synchronisation)
{
	kit_case_start(3, "7", 6);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(testkit_part(kit, "1 | 2 3"), 0);
		ck_assert_int_eq(testkit_settle(kit, 20000), 0);
		testkit_heal(kit);
		ck_assert_int_eq(testkit_settle(kit, 20000), 0);
	}
	for (uint32_t node = 1; node <= 3; node++) {
		ck_assert_uint_ge(kit_case_count(node).delivered, 3000);
		ck_assert_uint_eq(kit_case_count(node).disorders, 0);
	}
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(crash_stop_pause_and_return)
{
	kit_case_start(3, "0", 3);
	struct testkit_client *client = kit_case_connect(3);
	ck_assert_int_eq(kit_case_call(client, NAUGHTY_STORE, 24), OK);
	ck_assert_int_eq(testkit_crash(kit, 3), 0);
	ck_assert_int_eq(testkit_is_connected(client), 0);
	ck_assert_int_eq(testkit_send(client, kit_case_request(NAUGHTY_SEND, 16), 16), -ENOTCONN);
	ck_assert_ptr_null(testkit_call(client, kit_case_request(NAUGHTY_SEND, 16), 16));
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
 * Two of three nodes lose their state while the third one is paused. It still is in the ring of three. So they must not
 * use the id of that ring again: the third node would take their frames for frames of its ring.
 */
START_TEST(nodes_that_lose_their_state_use_no_ring_id_again)
{
	kit_case_start(3, "0", 1);

	struct coterie_ring_id first = kit_case_ring(3);

	ck_assert_uint_eq(first.representative, 1);
	ck_assert_int_eq(testkit_pause(kit, 3, 5000), 0);
	for (uint32_t node = 1; node <= 2; node++) {
		ck_assert_int_eq(testkit_crash(kit, node), 0);
		ck_assert_int_eq(testkit_forget(kit, node), 0);
		ck_assert_int_eq(testkit_start(kit, node), 0);
	}
	for (uint32_t ms = 0; ms < 4000; ms++) {
		struct coterie_ring_id ring = kit_case_ring(1);

		ck_assert_msg(ring.seq != first.seq || ring.representative != first.representative,
			"the ring %x.%" PRIx64 " of node 3 has another one beside it", first.representative, first.seq);
		testkit_run(kit, 1);
	}
	ck_assert_uint_eq(testkit_members(kit, 1, NULL, 0), 2);
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

	kit_case_start(2, "0", 4);
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
	kit_case_start(2, "0", 4);
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
		kit_case_start(3, "0", 4);
		struct testkit_client *client = kit_case_connect(2);
		testkit_crash_after(kit, 2, effects);
		testkit_send(client, kit_case_request(NAUGHTY_LATER, 16), 16);
		testkit_run(kit, 5000);
		ck_assert_int_eq(testkit_is_up(kit, 2), 0);
		bool was_answered = testkit_reply(client) != NULL;
		ck_assert_int_eq(testkit_settle(kit, 10000), 0);
		ck_assert_uint_eq(kit_case_count(1).delivered, kit_case_count(3).delivered);
		/* If the client got an answer, the message was delivered. */
		ck_assert(!was_answered || kit_case_count(1).delivered == 1);
		happened += kit_case_count(1).delivered == 1;
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

	kit_case_start(3, "0", 5);
	struct testkit_client *client = kit_case_connect(1);
	uint32_t refused = 0;

	/*
	 * More messages than the ring's queue holds. Each one waits or gets "try again", and all accepted ones are
	 * delivered.
	 */
	for (uint32_t i = 0; i < MESSAGES; i++)
		ck_assert_int_eq(testkit_send(client, kit_case_request(NAUGHTY_SEND, SIZE), SIZE), 0);
	ck_assert_uint_eq(testkit_pending(client), MESSAGES);
	testkit_run(kit, 20000);
	ck_assert_uint_eq(testkit_pending(client), 0);
	const struct coterie_response_header *reply;
	while ((reply = testkit_reply(client)) != NULL)
		refused += reply->error == TRY_AGAIN;
	ck_assert_uint_eq(kit_case_count(3).delivered, MESSAGES - refused);

	/* Messages without an answer wait. None of them is lost, even after the end of the connection. */
	for (uint32_t i = 0; i < MESSAGES; i++)
		testkit_send(client, kit_case_request(NAUGHTY_SILENT, SIZE), SIZE);
	testkit_run(kit, 20000);
	ck_assert_uint_eq(testkit_pending(client), 0);
	ck_assert_uint_eq(kit_case_count(3).delivered, 2 * MESSAGES - refused);
	testkit_send(client, kit_case_request(NAUGHTY_SILENT, 16), 16);
	testkit_disconnect(client);
	testkit_run(kit, 100);
	ck_assert_uint_eq(kit_case_count(2).delivered, 2 * MESSAGES - refused + 1);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(only_a_call_repeats_a_request)
{
	kit_case_start(1, "0", 5);
	struct testkit_client *client = kit_case_connect(1);

	testkit_no_room(kit, 1, "naughty", 10000);
	ck_assert_int_eq(testkit_send(client, kit_case_request(NAUGHTY_SEND, 16), 16), 0);
	testkit_run(kit, 100);
	const struct coterie_response_header *reply = testkit_reply(client);
	ck_assert_ptr_nonnull(reply);
	ck_assert_int_eq(reply->error, TRY_AGAIN);
	testkit_no_room(kit, 1, "naughty", 0);
	testkit_run(kit, 100);
	ck_assert_ptr_null(testkit_reply(client));
	ck_assert_uint_eq(kit_case_count(1).delivered, 0);

	testkit_no_room(kit, 1, "naughty", 9000);
	ck_assert_int_eq(kit_case_call(client, NAUGHTY_SEND, 16), OK);
	testkit_run(kit, 100);
	ck_assert_uint_eq(kit_case_count(1).delivered, 1);
	testkit_no_room(kit, 1, "naughty", 10000);
	ck_assert_ptr_null(testkit_call(client, kit_case_request(NAUGHTY_SEND, 16), 16));
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
	uint8_t *msg = kit_case_request(NAUGHTY_EVENTS, 24);

	memcpy(msg + 16, words, sizeof(words));
	ck_assert_int_eq(testkit_send(client, msg, 24), 0);
}

START_TEST(events_come_or_wait)
{
	uint32_t counts[2] = {0};

	kit_case_start(1, "0", 6);
	struct testkit_client *client = kit_case_connect(1);
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
	kit_case_start(1, "0", 7);
	struct testkit_client *client = kit_case_connect(1);
	ck_assert_int_eq(kit_case_call(client, NAUGHTY_QUORATE, 16), OK);
	ck_assert_int_eq(testkit_quorum(kit, TESTKIT_ALL, 0), 0);
	testkit_send(client, kit_case_request(NAUGHTY_QUORATE, 16), 16);
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

/* --- repetition --- */

/* Run a script with all random faults. @return the digest of the run */
static uint64_t adventure(uint64_t seed)
{
	kit_case_start(5, "0", seed);
	testkit_chaos(kit, TESTKIT_CHAOS, 300);
	for (int i = 0; i < 60; i++) {
		struct testkit_client *client;
		uint32_t size = 16 + (uint32_t)testkit_random(kit, 5000);

		if (testkit_connect(kit, 1 + (uint32_t)testkit_random(kit, 5), "naughty", &client) == 0)
			testkit_send(client, kit_case_request(NAUGHTY_SEND, size), size);
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
	tcase_add_test(tc, nodes_that_lose_their_state_use_no_ring_id_again);
	tcase_add_test(tc, clocks_jump_and_drift);
	tcase_add_test(tc, calm_cancels_a_planned_crash);
	tcase_add_test(tc, crash_at_any_point);
	tcase_add_test(tc, large_messages_and_a_full_queue);
	tcase_add_test(tc, only_a_call_repeats_a_request);
	tcase_add_test(tc, events_come_or_wait);
	tcase_add_test(tc, quorum_and_options);
	tcase_add_loop_test(tc, a_seed_repeats_a_run, 0, 10);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
