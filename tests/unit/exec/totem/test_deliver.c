/* SPDX-License-Identifier: BSD-3-Clause */
/* A backlog is delivered in parts: exec/totem/deliver.c, in rings of three engines. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_net.h"

#define BACKLOG 200u
#define PART 8u

static void start(uint32_t deliver_frames)
{
	options.features = WIRE_FEATURE_SAFE;
	options.deliver_frames = deliver_frames;
	options.max_messages = options.window_size = BACKLOG + 1;
	net->visit_frames_max = 4096;
	start_ring(3);
}

/* Send messages of one frame each. */
static void send_frames(uint32_t id, uint32_t count, enum totem_guarantee guarantee)
{
	static char text[1300];
	struct iovec iov = {text, sizeof(text)};

	for (uint32_t i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "m%u.%u", id, i);
		ck_assert_int_eq(totem_engine_send(node_of(id)->engine, net->now_ns, guarantee, &iov, 1), 0);
	}
}

/*
 * Start a ring in which node 3 lacks the first frame of node 2, and has those behind it, until it gets that frame and
 * delivers a first part.
 */
static void begin_backlog(uint32_t deliver_frames, uint32_t count, enum totem_guarantee guarantee)
{
	start(deliver_frames);
	net->drops = drops_first_frame;
	send_frames(2, count, guarantee);
	while (node_of(3)->received == 0)
		ck_assert(net_step(net, net->now_ns + 1000 * MS));
}

/* Run until all nodes have `count` messages. @return the most messages that node 3 got in one event */
static uint32_t run_and_watch(uint32_t count)
{
	const struct node *node = node_of(3);
	uint32_t most = 0;

	for (uint32_t before = 0; node->received < count; before = node->received) {
		ck_assert(net_step(net, net->now_ns + 1000 * MS));
		if (node->received - before > most)
			most = node->received - before;
	}
	run_until_received(count, 1000);
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);
	ck_assert_str_eq(node_of(2)->log, node_of(3)->log);
	return most;
}

/* _i 0: one event delivers all, which shows that there is a backlog. Otherwise it delivers a part, and its own frame. */
START_TEST(what_waits_behind_a_gap)
{
	uint32_t most;

	start(_i == 0 ? 0 : PART);
	net->drops = drops_first_frame;
	send_frames(2, BACKLOG, TOTEM_AGREED);
	most = run_and_watch(BACKLOG);
	ck_assert_uint_ne(net->drop_seq, 0);
	if (_i == 0)
		ck_assert_uint_eq(most, BACKLOG);
	else
		ck_assert_uint_le(most, PART + 1);
}
END_TEST

START_TEST(what_a_token_shows_to_be_safe)
{
	uint32_t most;

	start(_i == 0 ? 0 : PART);
	send_frames(2, BACKLOG, TOTEM_SAFE);
	most = run_and_watch(BACKLOG);
	if (_i == 0)
		ck_assert_uint_eq(most, BACKLOG);
	else
		ck_assert_uint_le(most, PART + 1);
}
END_TEST

/* All parts are delivered at the time at which the gap was filled: the rest waits for no packet. */
START_TEST(the_rest_comes_at_once)
{
	uint64_t begun_ns;

	begin_backlog(PART, BACKLOG, TOTEM_AGREED);
	begun_ns = net->now_ns;
	while (node_of(3)->received < BACKLOG)
		ck_assert(net_step(net, net->now_ns + 1000 * MS));
	ck_assert_uint_eq(net->now_ns, begun_ns);
}
END_TEST

/*
 * New frames do not extend a backlog, even if one event adds more of them than a part has. Here a visit of the token adds
 * four, and the timer never runs.
 */
START_TEST(new_frames_do_not_extend_a_backlog)
{
	struct totem_engine *engine;
	uint32_t sent = 50;
	uint32_t most = 0;

	begin_backlog(1, sent, TOTEM_AGREED);
	engine = node_of(3)->engine;
	for (uint32_t visits = node_of(3)->visits; node_of(3)->visits < visits + 5;) {
		uint32_t high = engine->store.high_seq;
		uint32_t backlog = high - engine->delivery.high;

		if (sent < 70)
			send_frames(3, 4, TOTEM_AGREED);
		sent += sent < 70 ? 4 : 0;
		node_of(3)->timers[TOTEM_TIMER_DELIVER] = TOTEM_NEVER;
		ck_assert(net_step(net, net->now_ns + 1000 * MS));
		ck_assert_uint_le(engine->store.high_seq - engine->delivery.high, backlog);
		if (engine->store.high_seq - high > most)
			most = engine->store.high_seq - high;
	}
	ck_assert_uint_ge(most, 4);
	run_until_received(sent, 1000);
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);
}
END_TEST

/*
 * A node delivers what is left in the ring that has ended, in parts (_i below 2), while another ring is being formed. If
 * the timer does not run before, it is delivered when the other ring is installed.
 */
START_TEST(a_change_in_the_middle)
{
	begin_backlog(PART, BACKLOG, _i % 2 == 0 ? TOTEM_AGREED : TOTEM_SAFE);
	ck_assert_uint_lt(node_of(3)->received, BACKLOG);
	tell(3, TOTEM_EVENT_FORCE_GATHER, 0);
	ck_assert_int_eq(totem_engine_state(node_of(3)->engine), TOTEM_GATHER);
	for (uint32_t before = node_of(3)->received; _i < 2 && before < BACKLOG; before = node_of(3)->received) {
		ck_assert_uint_le(node_of(3)->timers[TOTEM_TIMER_DELIVER], net->now_ns);
		totem_engine_timeout(node_of(3)->engine, net->now_ns, TOTEM_TIMER_DELIVER);
		ck_assert_uint_gt(node_of(3)->received, before);
		ck_assert_uint_le(node_of(3)->received, before + PART + 1);
	}
	node_of(3)->timers[TOTEM_TIMER_DELIVER] = TOTEM_NEVER;
	run_until_ring(3, 5000);
	run_for(100);
	ck_assert_uint_eq(node_of(3)->received, BACKLOG);
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);
	ck_assert_str_eq(node_of(2)->log, node_of(3)->log);
}
END_TEST

/* A frame above 1,500 bytes counts as several. */
START_TEST(large_frames_count_as_several)
{
	static char text[5900];
	struct iovec iov = {text, sizeof(text)};
	uint32_t most;

	options.payload_max = 6000;
	start(PART);
	net->drops = drops_first_frame;
	for (uint32_t i = 0; i < 50; i++)
		ck_assert_int_eq(totem_engine_send(node_of(2)->engine, net->now_ns, TOTEM_AGREED, &iov, 1), 0);
	most = run_and_watch(50);
	ck_assert_uint_ge(most, 2);
	ck_assert_uint_le(most, PART * 1500 / 5900 + 2);
}
END_TEST

/* A frame far ahead, as after lost packets, counts as one frame. */
START_TEST(a_frame_far_ahead_is_one_frame)
{
	struct wire_mcast mcast = {.nodeid = 2, .system_from = 2, .encapsulated = 2};
	struct totem_engine *engine;
	uint8_t bytes[WIRE_MCAST_HEADER_SIZE + 40] = {0};
	uint32_t before;

	begin_backlog(1, BACKLOG, TOTEM_AGREED);
	engine = node_of(3)->engine;
	before = node_of(3)->received;
	mcast.seq = engine->pass.token.seq + 3000;
	mcast.ring = engine->ring;
	wire_encode_mcast_header(&mcast, false, bytes, WIRE_MCAST_HEADER_SIZE);
	feed(3, bytes, sizeof(bytes));
	ck_assert_uint_gt(engine->store.high_seq, engine->pass.token.seq);
	ck_assert_uint_le(node_of(3)->received, before + 2);
}
END_TEST

/* --- a backlog and the other members, which do not know of it --- */

#define WIDE 2000u

static uint32_t gap;        /* frame that node 3 does not get; 0: none */
static uint32_t lost_above; /* frames above this seq are lost on the way to node 3; 0: none */

static bool loses_marked(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	struct wire_mcast mcast;

	(void)n, (void)from;
	if (to != 3 || header->type != WIRE_MCAST || wire_decode_mcast(frame->data, frame->size, &mcast) != WIRE_OK)
		return false;
	return (gap != 0 && mcast.seq == gap) || (lost_above != 0 && mcast.seq > lost_above);
}

/* Keep the queue of node 2 full, and handle the next event. T-deliver never runs on node 3: its loop is always busy. */
static void step_busy(void)
{
	struct totem_queue queue;

	totem_engine_queue(node_of(2)->engine, &queue);
	if (queue.used < WIDE)
		send_frames(2, WIDE - queue.used, TOTEM_AGREED);
	node_of(3)->timers[TOTEM_TIMER_DELIVER] = TOTEM_NEVER;
	ck_assert(net_step(net, net->now_ns + 1000 * MS));
	for (uint32_t id = 1; id <= 3; id++)
		node_of(id)->log_size = 0; /* the logs have no room for so many messages */
}

/*
 * Let node 3 lack one frame until the others send nothing new, since their stores are full. Then let it get that frame.
 * It has a backlog of nearly a store now, and the others see that it has received everything.
 */
static uint32_t begin_large_backlog(void)
{
	const struct totem_engine *other;
	struct totem_engine *engine;
	uint32_t high = 0;

	options.fail_recv_const = 2500;
	options.features = WIRE_FEATURE_SAFE;
	options.deliver_frames = PART;
	options.max_messages = options.window_size = WIDE;
	net->visit_frames_max = 4096;
	start_ring(3);
	other = node_of(2)->engine;
	engine = node_of(3)->engine;
	gap = other->store.high_seq + 1;
	lost_above = 0;
	net->drops = loses_marked;
	for (uint32_t still = 0; still < 4;) {
		for (uint32_t visits = node_of(2)->visits; node_of(2)->visits == visits;)
			step_busy();
		still = other->store.high_seq == high ? still + 1 : 0;
		high = other->store.high_seq;
	}
	ck_assert_uint_gt(high, STORE_WINDOW / 2 + 1000);
	gap = 0;
	lost_above = high;
	while (engine->store.aru != high)
		step_busy();
	ck_assert_uint_lt(engine->delivery.high, high);
	return high;
}

/*
 * The others free the frames and send new ones, which node 3 does not get. Its store must have room for them all the same.
 * Otherwise it would refuse the token, and a recovery would leave out frames that have no room.
 */
START_TEST(the_store_has_room_for_the_others)
{
	uint32_t high = begin_large_backlog();
	const struct totem_engine *engine = node_of(3)->engine;

	for (uint32_t visits = node_of(3)->visits; node_of(3)->visits < visits + 40;) {
		step_busy();
		ck_assert_uint_eq(node_of(3)->refused, 0);
		ck_assert_uint_le(engine->pass.token.seq - engine->store.released, STORE_WINDOW);
	}
	ck_assert_uint_gt(engine->pass.token.seq, high);
	lost_above = 0;
	run_for(20000);
	ck_assert_uint_eq(node_of(3)->gathered, 0);
	ck_assert_uint_eq(node_of(3)->received, node_of(2)->received);
}
END_TEST

/* A forged token that would drop frames of the backlog is refused: the others have freed them. */
START_TEST(a_token_below_the_backlog_is_refused)
{
	struct totem_engine *engine;
	struct wire_token token;
	uint8_t bytes[2048];
	uint32_t high;

	begin_backlog(1, BACKLOG, TOTEM_AGREED);
	engine = node_of(3)->engine;
	high = engine->store.aru;
	ck_assert_uint_gt(high, engine->delivery.high + 10);
	token = engine->pass.token;
	token.token_seq = engine->pass.tseq + 1;
	token.nodeid = 2;
	token.seq = token.aru = engine->delivery.high + 1;
	token.aru_addr = 0;
	feed(3, bytes, wire_encode_token(&token, 3, false, bytes, sizeof(bytes)));
	ck_assert_uint_eq(node_of(3)->refused, 1);
	ck_assert_uint_eq(engine->store.aru, high);
	run_until_received(BACKLOG, 1000);
}
END_TEST

/* While a backlog waits, the representative does not keep the token: the members cannot free the frames yet. */
START_TEST(frames_are_freed_after_their_delivery)
{
	start(1);
	send_frames(2, BACKLOG, TOTEM_SAFE);
	run_until_received(BACKLOG, 1000);
	run_for(100);
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert_uint_eq(node_of(id)->engine->store.released, node_of(id)->engine->store.high_seq);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("deliver");
	TCase *parts = tcase_create("parts");

	tcase_add_checked_fixture(parts, net_setup, net_teardown);
	tcase_add_loop_test(parts, what_waits_behind_a_gap, 0, 2);
	tcase_add_loop_test(parts, what_a_token_shows_to_be_safe, 0, 2);
	tcase_add_test(parts, the_rest_comes_at_once);
	tcase_add_test(parts, new_frames_do_not_extend_a_backlog);
	tcase_add_loop_test(parts, a_change_in_the_middle, 0, 4);
	tcase_add_test(parts, large_frames_count_as_several);
	tcase_add_test(parts, a_frame_far_ahead_is_one_frame);
	tcase_add_test(parts, frames_are_freed_after_their_delivery);
	tcase_add_test(parts, the_store_has_room_for_the_others);
	tcase_add_test(parts, a_token_below_the_backlog_is_refused);
	suite_add_tcase(suite, parts);
	return suite_run(suite);
}
