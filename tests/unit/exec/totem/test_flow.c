/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits of a visit of the token: window, store, and answers to requests, in rings of three engines. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec/totem/flow.h"
#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_net.h"

#define MESSAGE_SIZE 100000u
#define QUEUE_MESSAGES 35u /* so many messages fill a send queue, approximately */

static uint32_t lacking;  /* this node loses the frame with `lost_seq`; 0: none does */
static uint32_t lost_seq; /* 0: the seq of the next new frame */

static uint32_t seq_of(const struct coterie_frame *frame)
{
	struct wire_mcast mcast;

	ck_assert_int_eq(wire_decode_mcast(frame->data, frame->size, &mcast), WIRE_OK);
	return mcast.seq;
}

static bool is_lost(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)from;
	if (header->type != WIRE_MCAST || to != lacking)
		return false;
	if (lost_seq == 0)
		lost_seq = seq_of(frame);
	return seq_of(frame) == lost_seq;
}

static void set_up(void)
{
	net_setup();
	options.max_messages = options.window_size = 200;
	net->visit_frames_max = 200;
	lacking = lost_seq = 0;
}

static void fill_queue(uint32_t id)
{
	static char text[MESSAGE_SIZE];
	struct iovec iov = {text, sizeof(text)};
	int rc = 0;

	while (rc == 0)
		rc = totem_engine_send(node_of(id)->engine, net->now_ns, TOTEM_AGREED, &iov, 1);
	ck_assert_int_eq(rc, -EAGAIN);
}

static uint64_t frames_of(uint32_t id) { return totem_engine_counters(node_of(id)->engine)->mcast_tx; }

/* Let members `first` to 2 send as much as they can, until all stores are full with frames that node 3 lacks. */
static void fill_stores(uint32_t first)
{
	uint64_t before = UINT64_MAX, sum = 0;

	start_ring(3);
	net->drops = is_lost;
	lacking = 3;
	for (int i = 0; i < 1000 && sum != before; i++) {
		before = sum;
		for (uint32_t id = first; id <= 2; id++)
			fill_queue(id);
		run_for(5);
		sum = 0;
		for (uint32_t id = first; id <= 2; id++)
			sum += frames_of(id);
	}
	ck_assert_uint_eq(sum, before);
	ck_assert_uint_ge(sum, STORE_WINDOW - 1000);
	ck_assert_uint_eq(node_of(3)->received, 0);
}

/*
 * The answers to a member's requests were lost until no member could send new frames. Only these answers make room
 * again.
 */
START_TEST(a_full_store_still_answers_requests)
{
	fill_stores((uint32_t)_i);
	clear_logs();
	lacking = 0;
	uint64_t began_ns = net->now_ns, before = frames_of(2);

	while (node_of(3)->received == 0)
		ck_assert(net_step(net, began_ns + 10 * MS));
	ck_assert_uint_gt(node_of(3)->received, STORE_WINDOW / (MESSAGE_SIZE / 1300 + 1) / 2);
	run_for(100);
	ck_assert_uint_gt(frames_of(2), before); /* the ring goes on */
	ck_assert_uint_eq(node_of(3)->failed_to_receive, 0);
	ck_assert_uint_eq(node_of(3)->gathered, 0);
}
END_TEST

/* Each member's store keeps the frames that the slowest member lacks. */
START_TEST(a_full_store_takes_no_new_frames)
{
	fill_stores(2);
	uint64_t before = frames_of(2), tokens = totem_engine_counters(node_of(2)->engine)->token_tx;

	run_for(100);
	ck_assert_uint_eq(frames_of(2), before);
	ck_assert_uint_gt(totem_engine_counters(node_of(2)->engine)->token_tx, tokens + 100);
}
END_TEST

static bool is_frame_to(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)from, (void)frame;
	return header->type == WIRE_MCAST && to == lacking;
}

/* Let members `first` to 3 send frames, as much as they can, of which node `deaf` gets none. */
static void fill_all(uint32_t payload_max, uint32_t count, uint32_t first, uint32_t deaf)
{
	options.payload_max = payload_max;
	start_ring(count);
	net->drops = is_frame_to;
	lacking = deaf;
	for (int i = 0; i < 200; i++) {
		for (uint32_t id = first; id <= 3; id++)
			fill_queue(id);
		run_for(5);
	}
}

/* The same by bytes: the memory for tokens and joins must not be used up. */
START_TEST(large_frames_fill_a_store_before_its_window)
{
	fill_all(22000, 3, 1, 3);
	uint64_t before = frames_of(1) + frames_of(2) + frames_of(3);

	ck_assert_uint_le(before, STORE_BYTES_MAX / 22000);
	ck_assert_uint_ge(before, STORE_BYTES_MAX / 22000 * 7 / 10);
	lacking = 0;
	run_for(200);
	ck_assert_uint_gt(frames_of(1) + frames_of(2) + frames_of(3), before);
	ck_assert_uint_gt(node_of(3)->received, 100);
	ck_assert_uint_eq(node_of(3)->gathered, 0);
}
END_TEST

/* All members owe the frames that node 3 lacks, and node 3 its own. */
START_TEST(full_stores_are_recovered)
{
	static const uint32_t payloads[] = {22000, 1382};

	fill_all(payloads[_i], 4, 1, 3);
	node_crash(4);
	lacking = 0;
	clear_logs();
	run_until_ring(3, 20000);
	ck_assert_uint_gt(node_of(3)->received, 100);
}
END_TEST

/* The representative has nothing to send and lacks nothing. So only node 3 knows that its frames wait for node 2. */
START_TEST(a_member_that_lacks_all_frames_leaves_soon)
{
	net->delay_ns = 2 * MS;
	fill_all(22000, 3, 3, 2);
	for (int s = 0; s < 40 && node_of(2)->failed_to_receive == 0; s++)
		run_for(1000);
	ck_assert_uint_gt(node_of(2)->failed_to_receive, 0);
	ck_assert_uint_eq(node_of(3)->failed_to_receive, 0);
}
END_TEST

/* Frames since node 1 last had the token, new and repeated, and the most in one rotation. */
static uint32_t rotation_frames, rotation_most;

static void count_frames(struct node *node, size_t count)
{
	static uint32_t visits;

	(void)node;
	if (node_of(1)->visits != visits)
		rotation_frames = 0;
	visits = node_of(1)->visits;
	rotation_frames += (uint32_t)count;
	if (rotation_frames > rotation_most)
		rotation_most = rotation_frames;
}

START_TEST(all_members_together_send_a_window_in_a_rotation)
{
	options.max_messages = options.window_size = 60;
	start_ring(3);
	rotation_frames = rotation_most = 0;
	net->sends = count_frames;
	for (uint32_t i = 0; i < 20; i++) {
		for (uint32_t id = 1; id <= 3; id++)
			fill_queue(id);
		run_for(5);
		clear_logs();
	}
	ck_assert_uint_eq(rotation_most, 60);
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert_uint_ge(frames_of(id), 1000);
}
END_TEST

/* Copies of a frame that were sent to the node that lacks it, and how many of them are lost. */
static uint32_t copies, copies_lost;

static bool is_lost_often(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	return is_lost(n, from, to, header, frame) && ++copies <= copies_lost;
}

/* Let a member send a frame, and lose its first `count` copies to node `id`. */
static void lose_copies(uint32_t id, uint32_t count)
{
	start_ring(3);
	net->drops = is_lost_often;
	copies = 0;
	copies_lost = count;
	lacking = id;
	send_text(id % 3 + 1, TOTEM_AGREED, "x");
}

START_TEST(a_frame_is_requested_until_it_comes)
{
	lose_copies((uint32_t)_i, 11);
	run_until_received(1, 10); /* a copy in each rotation */
	ck_assert_uint_eq(copies, 12);
}
END_TEST

START_TEST(a_lost_frame_is_repeated_once)
{
	lose_copies((uint32_t)_i, 1);
	run_for(20);
	ck_assert_uint_eq(copies, 2);
	ck_assert_uint_eq(node_of(1)->retransmitted + node_of(2)->retransmitted + node_of(3)->retransmitted, 1);
}
END_TEST

/* Frames that the tokens to node 1 report as sent again. */
static uint32_t resent;

static bool is_lost_and_reported(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	struct wire_token token;

	if (header->type == WIRE_TOKEN && to == 1 && wire_decode_token(frame->data, frame->size, &token) == WIRE_OK)
		resent += token.resent;
	return is_lost_often(n, from, to, header, frame);
}

/* Node 2 sends the frame again. Node 3 comes behind it, and has sent none again. */
START_TEST(the_token_counts_the_repeated_frames_of_all_members)
{
	options.capacity = 1000;
	lose_copies(1, 1);
	net->drops = is_lost_and_reported;
	resent = 0;
	run_for(20);
	ck_assert_uint_eq(node_of(2)->retransmitted, 1);
	ck_assert_uint_eq(resent, 1);
}
END_TEST

/* The share of a member with one frame is less than one frame, if 1,000 frames of the others wait. */
START_TEST(a_member_with_a_small_share_sends_one_frame)
{
	const struct wire_token token = {.backlog = 1001};
	struct totem_engine *engine;

	options.capacity = 1000;
	start_ring(3);
	engine = node_of(2)->engine;
	engine->flow.pbl = 1;
	ck_assert_uint_gt(flow_window(engine, &token), 100);
	ck_assert_uint_eq(flow_allowed(engine, &token, 1), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("flow");
	TCase *tcase = tcase_create("flow");

	tcase_add_checked_fixture(tcase, set_up, net_teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, a_full_store_still_answers_requests, 1, 3);
	tcase_add_test(tcase, a_full_store_takes_no_new_frames);
	tcase_add_test(tcase, large_frames_fill_a_store_before_its_window);
	tcase_add_loop_test(tcase, full_stores_are_recovered, 0, 2);
	tcase_add_test(tcase, a_member_that_lacks_all_frames_leaves_soon);
	tcase_add_test(tcase, all_members_together_send_a_window_in_a_rotation);
	tcase_add_loop_test(tcase, a_frame_is_requested_until_it_comes, 1, 4);
	tcase_add_loop_test(tcase, a_lost_frame_is_repeated_once, 1, 4);
	tcase_add_test(tcase, the_token_counts_the_repeated_frames_of_all_members);
	tcase_add_test(tcase, a_member_with_a_small_share_sends_one_frame);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
