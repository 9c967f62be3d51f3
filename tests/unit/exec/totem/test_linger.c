/* SPDX-License-Identifier: BSD-3-Clause */
/* A lone sender keeps the token, and collects its frames: exec/totem/linger.c, in rings of three engines. */
#include <check.h>
#include <stdlib.h>

#include "exec/totem/wire.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_net.h"

#define LINGER_MS 10u

static const struct totem_counters *counters_of(uint32_t id) { return totem_engine_counters(node_of(id)->engine); }

/* Start a ring of three in which only node 2 has sent messages. */
static void start_with(uint64_t features, uint32_t capacity)
{
	options.capacity = capacity;
	options.features = features;
	options.linger_ns = LINGER_MS * MS;
	options.rotation_target_ns = 100 * MS;
	net->visit_frames_max = 4096;
	start_ring(3);
	for (int i = 0; i < 12; i++) {
		send_text(2, TOTEM_AGREED, "before");
		run_until_received((uint32_t)i + 1, 1000);
	}
	clear_logs();
}

/* Start a ring that has agreed on the feature and on a window. */
static void start_lone(uint64_t features) { start_with(features, 1000); }

static bool holds(uint32_t id)
{
	struct totem_probe probe;

	totem_engine_probe(node_of(id)->engine, &probe);
	return probe.is_held;
}

static void run_until_kept(void)
{
	for (int i = 0; i < 100000 && !holds(2); i++)
		ck_assert(net_step(net, UINT64_MAX));
	ck_assert(holds(2));
}

#define ALL_FEATURES (WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE | WIRE_FEATURE_LINGER)

/* While node 2 keeps the token, its frames arrive at other nodes after one hop, and at node 2 itself at once. */
START_TEST(what_it_sends_goes_out_at_once)
{
	start_lone(ALL_FEATURES);
	run_until_kept();

	uint64_t tokens = counters_of(2)->token_tx, began_ns = net->now_ns;

	for (uint32_t i = 0; i < 5; i++) {
		send_text(2, TOTEM_AGREED, "now");
		while (node_of(2)->received <= i)
			ck_assert(net_step(net, began_ns + LINGER_MS * MS / 2));
	}
	ck_assert_uint_eq(net->now_ns, began_ns); /* node 2 has delivered its own messages at once */
	run_until_received(5, 2);
	ck_assert_uint_eq(counters_of(2)->token_tx, tokens);
	ck_assert_uint_ge(counters_of(2)->linger_tx, 5);
	ck_assert(holds(2));
}
END_TEST

/* Node 2 passes the token on, keeps it again, and then the ring becomes idle. */
START_TEST(it_ends)
{
	start_lone(ALL_FEATURES);
	run_until_kept();

	uint64_t tokens = counters_of(2)->token_tx;

	run_for(LINGER_MS + 1);
	ck_assert_uint_gt(counters_of(2)->token_tx, tokens);
	run_for(10 * LINGER_MS);
	ck_assert_uint_le(counters_of(2)->lingers, 20);
	ck_assert(holds(1)); /* node 1 is the representative */
	tokens = counters_of(2)->lingers;
	run_for(1000);
	ck_assert_uint_eq(counters_of(2)->lingers, tokens);
	ck_assert_uint_eq(counters_of(2)->gather_entered, counters_of(1)->gather_entered);
}
END_TEST

/* Node 3 has something to send. It multicasts a hold cancel, and gets the token long before the linger time ends. */
START_TEST(others_get_it_when_they_need_it)
{
	start_lone(ALL_FEATURES);
	run_until_kept();

	uint64_t began_ns = net->now_ns, cancels = counters_of(3)->hold_cancel_tx;

	send_text(3, TOTEM_AGREED, "mine");
	run_until_received(1, 1000);
	ck_assert_uint_lt(net->now_ns - began_ns, LINGER_MS * MS / 2);
	ck_assert_uint_eq(counters_of(3)->hold_cancel_tx, cancels + 1);
	/* With two senders no node keeps the token. */
	uint64_t lingers = counters_of(2)->lingers;

	for (uint32_t i = 0; i < 20; i++) {
		send_text(2 + i % 2, TOTEM_AGREED, "both");
		run_until_received(i + 2, 1000);
	}
	ck_assert_uint_eq(counters_of(2)->lingers + counters_of(3)->lingers, lingers);
}
END_TEST

/* A safe message needs rotations for its delivery, so node 2 passes the token on. */
START_TEST(safe_messages_do_not_wait_for_it)
{
	start_lone(ALL_FEATURES);
	run_until_kept();

	uint64_t began_ns = net->now_ns;

	send_text(2, TOTEM_SAFE, "safe");
	run_until_received(1, 1000);
	ck_assert_uint_lt(net->now_ns - began_ns, LINGER_MS * MS / 2);
}
END_TEST

/* While it keeps the token, node 2 sends no more frames than the window allows. With more to send it passes the token on. */
START_TEST(the_window_bounds_it)
{
	start_lone(ALL_FEATURES);
	run_until_kept();

	uint64_t began_ns = net->now_ns, sent = counters_of(2)->mcast_tx, tokens = counters_of(2)->token_tx;
	static char text[1300];
	struct iovec iov = {text, sizeof(text)};

	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(totem_engine_send(node_of(2)->engine, net->now_ns, TOTEM_AGREED, &iov, 1), 0);
	while (counters_of(2)->token_tx == tokens)
		ck_assert(net_step(net, UINT64_MAX));
	ck_assert_uint_lt(net->now_ns - began_ns, LINGER_MS * MS / 2);
	ck_assert_uint_gt(counters_of(2)->mcast_tx, sent);
	ck_assert_uint_le(counters_of(2)->mcast_tx - sent, 200);
	run_until_received(1000, 1000);
}
END_TEST

/* If members do not announce their capacity, max_messages limits a visit. */
START_TEST(max_messages_bound_it_without_a_window)
{
	start_with(ALL_FEATURES, 0);
	run_until_kept();

	uint64_t sent = counters_of(2)->mcast_tx, tokens = counters_of(2)->token_tx;
	static char text[1300];
	struct iovec iov = {text, sizeof(text)};

	for (uint32_t i = 0; i < 100; i++)
		ck_assert_int_eq(totem_engine_send(node_of(2)->engine, net->now_ns, TOTEM_AGREED, &iov, 1), 0);
	while (counters_of(2)->token_tx == tokens)
		ck_assert(net_step(net, UINT64_MAX));
	ck_assert_uint_gt(counters_of(2)->linger_tx, 0);
	ck_assert_uint_gt(counters_of(2)->mcast_tx, sent);
	ck_assert_uint_le(counters_of(2)->mcast_tx - sent, options.max_messages);
	run_until_received(100, 1000);
}
END_TEST

/*
 * If clients have more messages than there is room for, node 2 does not keep the token: the next visit reads more from
 * their channels.
 */
START_TEST(not_while_more_waits_outside)
{
	start_lone(ALL_FEATURES);
	run_until_kept();
	node_of(2)->has_more = true;

	uint64_t lingers = counters_of(2)->lingers;

	for (uint32_t i = 0; i < 20; i++) {
		send_text(2, TOTEM_AGREED, "now");
		run_for(1);
	}
	ck_assert_uint_eq(counters_of(2)->lingers, lingers);
}
END_TEST

/*
 * No node may keep the token if one lacks the feature: that node would not multicast a hold cancel when it needs the
 * token.
 */
START_TEST(all_have_to_agree)
{
	start_lone(ALL_FEATURES & ~WIRE_FEATURE_LINGER);
	run_for(50);
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert_uint_eq(counters_of(id)->lingers, 0);
}
END_TEST

/*
 * The other nodes know why the token is late, and send it again only later. They do not count this time as rotation
 * time.
 */
static const uint32_t capacities[] = {1000, 0};

START_TEST(the_others_are_patient)
{
	start_with(ALL_FEATURES, capacities[_i]);
	for (uint32_t i = 0; i < 30; i++) {
		send_text(2, TOTEM_AGREED, "now");
		run_for(LINGER_MS);
	}
	ck_assert_uint_ge(counters_of(2)->lingers, 20);
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert_uint_le(counters_of(id)->token_retx, 2);
}
END_TEST

/* Number of messages that node 2's client will still send, each when its last one is delivered. */
static uint32_t answers;

static void answer(struct node *node)
{
	if (node->id != 2 || answers == 0)
		return;
	answers--;
	send_text(2, TOTEM_AGREED, "answer");
}

/* The multicasts of node 2: number of calls, frames of the last one and of all, and node 2's counts at the last one. */
static struct {
	uint32_t times, frames, all_frames, received;
	uint64_t tokens;
} sent;

static void note_sent(struct node *node, size_t count)
{
	if (node->id != 2)
		return;
	sent.times++;
	sent.frames = (uint32_t)count;
	sent.all_frames += (uint32_t)count;
	sent.received = node->received;
	sent.tokens = counters_of(2)->token_tx;
}

/*
 * Let node 2 keep the token. Its client has just sent a message, and sends another one `times` times. No frame is under
 * way.
 */
static void start_answering(uint64_t gather_ns, uint32_t times)
{
	options.gather_ns = gather_ns;
	start_lone(ALL_FEATURES);
	run_until_kept();
	run_for(1);
	ck_assert(holds(2));
	net->sends = note_sent;
	net->lingers = answer;
	answers = times;
	ck_assert_int_eq(send_text(2, TOTEM_AGREED, "first"), 0);
}

/* The client sends the next message before the turn of the first one ends, so both are sent together. */
START_TEST(frames_leave_together)
{
	start_answering(100 * MS, 1);

	uint64_t began_ns = net->now_ns;

	ck_assert(net_step(net, began_ns));
	ck_assert_uint_eq(node_of(2)->received, 1);
	ck_assert_uint_eq(sent.times, 0);
	ck_assert(net_step(net, began_ns));
	ck_assert_uint_eq(sent.times, 1);
	ck_assert_uint_eq(sent.frames, 2);
	ck_assert_uint_eq(sent.received, 2); /* both were delivered at node 2 itself before */
	run_until_received(2, 1);
	ck_assert(holds(2));
}
END_TEST

/* Frames are sent soon, even if the client sends more all the time. */
START_TEST(frames_do_not_wait_for_long)
{
	start_answering(DELAY_NS / 2, 100);
	for (uint32_t turn = 0; turn < 12; turn++) {
		ck_assert(net_step(net, net->now_ns));
		ck_assert_uint_eq(sent.times, (turn + 1) / 6);
		ck_assert_uint_eq(sent.all_frames, (turn + 1) / 6 * 6);
		net->now_ns += DELAY_NS / 10;
	}
	ck_assert(holds(2));
}
END_TEST

/* If the linger time ends before the turn, the frames are sent before the token. */
START_TEST(frames_do_not_wait_for_the_token)
{
	start_answering(100 * MS, 100);

	uint64_t before = counters_of(2)->mcast_tx, tokens = counters_of(2)->token_tx;

	while (counters_of(2)->token_tx == tokens) {
		ck_assert(net_step(net, net->now_ns));
		net->now_ns += MS;
	}
	ck_assert_uint_eq(sent.times, 1);
	ck_assert_uint_gt(sent.frames, 5);
	ck_assert_uint_eq(sent.frames, counters_of(2)->mcast_tx - before);
	ck_assert_uint_eq(sent.tokens, tokens);
	answers = 0;
	run_until_received(sent.frames, 10);
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert_uint_eq(node_of(id)->requested, 0);
}
END_TEST

/* Let an event other than a turn of the loop reach node 2. */
static void enter_timer(struct totem_engine *engine) { totem_engine_timeout(engine, net->now_ns, TOTEM_TIMER_MERGE); }

static void enter_packet(struct totem_engine *engine)
{
	(void)engine;
	feed(2, (const uint8_t *)"?", 1);
}

static void enter_link(struct totem_engine *engine)
{
	totem_engine_transport(engine, net->now_ns, TOTEM_EVENT_WATCH_OFF, 3);
}

static void enter_refused(struct totem_engine *engine) { totem_engine_refused(engine, net->now_ns, 3, "?", 1); }

static void enter_reload(struct totem_engine *engine)
{
	options.nodeid = 2;
	ck_assert_int_eq(totem_engine_reconfigure(engine, net->now_ns, &options), 0);
}

static void enter_gather(struct totem_engine *engine)
{
	totem_engine_transport(engine, net->now_ns, TOTEM_EVENT_FORCE_GATHER, 0);
}

static void enter_leave(struct totem_engine *engine)
{
	totem_engine_leave(engine, net->now_ns);
	node_crash(2);
}

static void (*const entries[])(struct totem_engine *) = {
	enter_timer, enter_packet, enter_link, enter_refused, enter_reload, enter_gather, enter_leave};

#define ENTRIES (int)(sizeof(entries) / sizeof(entries[0]))

/* Frames that wait are sent before an event is handled. So the other nodes get them in this ring. */
START_TEST(frames_wait_for_nothing_else)
{
	start_answering(100 * MS, 1);
	ck_assert(net_step(net, net->now_ns));
	ck_assert_uint_eq(sent.times, 0);
	entries[_i](node_of(2)->engine);
	ck_assert_uint_eq(sent.times, 1);
	ck_assert_uint_eq(sent.frames, 1);
	run_until_received(1, 1);
	ck_assert_str_eq(node_of(1)->log, "2:first\n");
	ck_assert_str_eq(node_of(3)->log, "2:first\n");
}
END_TEST

START_TEST(frames_need_not_wait)
{
	start_answering(0, 1);

	uint64_t began_ns = net->now_ns;

	for (uint32_t turn = 1; turn <= 2; turn++) {
		ck_assert(net_step(net, began_ns));
		ck_assert_uint_eq(sent.times, turn);
		ck_assert_uint_eq(sent.frames, 1);
		ck_assert_uint_eq(sent.received, turn);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("linger");
	TCase *ring = tcase_create("ring");

	tcase_add_checked_fixture(ring, net_setup, net_teardown);
	tcase_add_test(ring, what_it_sends_goes_out_at_once);
	tcase_add_test(ring, it_ends);
	tcase_add_test(ring, others_get_it_when_they_need_it);
	tcase_add_test(ring, safe_messages_do_not_wait_for_it);
	tcase_add_test(ring, the_window_bounds_it);
	tcase_add_test(ring, max_messages_bound_it_without_a_window);
	tcase_add_test(ring, not_while_more_waits_outside);
	tcase_add_test(ring, all_have_to_agree);
	tcase_add_loop_test(ring, the_others_are_patient, 0, sizeof(capacities) / sizeof(capacities[0]));
	tcase_add_test(ring, frames_leave_together);
	tcase_add_test(ring, frames_do_not_wait_for_long);
	tcase_add_test(ring, frames_do_not_wait_for_the_token);
	tcase_add_loop_test(ring, frames_wait_for_nothing_else, 0, ENTRIES);
	tcase_add_test(ring, frames_need_not_wait);
	suite_add_tcase(suite, ring);
	return suite_run(suite);
}
