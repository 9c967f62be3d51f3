/* SPDX-License-Identifier: BSD-3-Clause */
/* The early token, which is sent before the frames of its visit: exec/totem/early.c, in rings of three engines. */
#include <check.h>
#include <string.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_net.h"

#define ALL_FEATURES (WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE | WIRE_FEATURE_EARLY)
#define BURST 12u

/*
 * Packets from `noted` to the next node, in order: 't' a token, 'm' its own frame, 'r' a repeated frame of
 * another node.
 */
static char sent[4096];
static uint32_t sent_count, noted;

static bool notes(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	struct wire_mcast mcast;

	(void)n;
	if (from != noted || to != noted % 3 + 1 || sent_count + 1 >= sizeof(sent))
		return false;
	if (header->type == WIRE_TOKEN)
		sent[sent_count++] = 't';
	if (header->type == WIRE_MCAST && wire_decode_mcast(frame->data, frame->size, &mcast) == WIRE_OK)
		sent[sent_count++] = mcast.system_from == noted ? 'm' : 'r';
	sent[sent_count] = '\0';
	return false;
}

static const struct totem_counters *counters_of(uint32_t id) { return totem_engine_counters(node_of(id)->engine); }

static void start(uint64_t features, uint32_t capacity, uint32_t early_frames)
{
	options.features = features;
	options.capacity = capacity;
	options.early_frames = early_frames;
	options.rotation_target_ns = 100 * MS;
	net->visit_frames_max = 4096;
	start_ring(3);
	sent_count = 0;
	noted = 2;
	net->drops = notes;
}

/* Send `count` messages of one frame each. */
static void send_frames(uint32_t id, uint32_t count)
{
	static char text[1300];
	struct iovec iov = {text, sizeof(text)};

	for (uint32_t i = 0; i < count; i++)
		ck_assert_int_eq(totem_engine_send(node_of(id)->engine, net->now_ns, TOTEM_AGREED, &iov, 1), 0);
}

START_TEST(the_token_goes_before_the_frames)
{
	start(ALL_FEATURES, 1000, TOTEM_EARLY_FRAMES);
	send_frames(2, BURST);
	run_until_received(BURST, 1000);
	ck_assert_ptr_nonnull(strstr(sent, "tmmmmmmmmmmmm"));
	ck_assert_uint_eq(counters_of(2)->early_tokens, 1);
}
END_TEST

/* With few frames an early token would gain nothing, and delivery would take a rotation more. */
START_TEST(a_few_frames_go_first)
{
	start(ALL_FEATURES, 1000, TOTEM_EARLY_FRAMES);
	send_frames(2, TOTEM_EARLY_FRAMES - 1);
	run_until_received(TOTEM_EARLY_FRAMES - 1, 1000);
	ck_assert_ptr_nonnull(strstr(sent, "mmmt"));
	ck_assert_uint_eq(counters_of(2)->early_tokens, 0);
}
END_TEST

/* Frames that arrive after the token are not requested, not even with a miss count of 1. */
START_TEST(nobody_asks_for_what_is_under_way)
{
	options.miss_count_const = 1;
	start(ALL_FEATURES, 1000, TOTEM_EARLY_FRAMES);
	for (uint32_t i = 0; i < 50; i++) {
		for (uint32_t id = 1; id <= 3; id++)
			send_frames(id, BURST);
		run_for(2);
	}
	run_until_received(150 * BURST, 5000);
	for (uint32_t id = 1; id <= 3; id++) {
		ck_assert_uint_gt(counters_of(id)->early_tokens, 10);
		ck_assert_uint_eq(counters_of(id)->mcast_retx, 0);
		ck_assert_uint_eq(counters_of(id)->token_retx, 0);
	}
	ck_assert_str_eq(node_of(1)->log, node_of(2)->log);
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);
}
END_TEST

static bool loses_one(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	struct wire_mcast mcast;

	if (notes(n, from, to, header, frame))
		return true;
	if (from == 2 && to == 3 && header->type == WIRE_MCAST && n->drop_seq == 0 &&
		wire_decode_mcast(frame->data, frame->size, &mcast) == WIRE_OK) {
		n->drop_seq = mcast.seq;
		return true;
	}
	return false;
}

/* A visit that answers a request sends its frames first, since another node waits for them. */
START_TEST(answers_go_before_the_token)
{
	uint64_t early;

	start(ALL_FEATURES, 1000, TOTEM_EARLY_FRAMES);
	noted = 1; /* node 1 is the successor of the node that requests a frame */
	net->drops = loses_one;
	send_frames(2, BURST);
	do {
		early = counters_of(1)->early_tokens;
		send_frames(1, TOTEM_EARLY_FRAMES);
		ck_assert(net_step(net, net->now_ns + 10 * MS));
	} while (strchr(sent, 'r') == NULL);
	ck_assert_int_eq(sent[sent_count - 1], 't');
	ck_assert_int_eq(sent[sent_count - 2], 'm');
	ck_assert_uint_gt(early, 0);
	ck_assert_uint_eq(counters_of(1)->early_tokens, early);
}
END_TEST

/* The window is smaller, since the frames of two rotations may be in a receive buffer at the same time. */
START_TEST(the_window_is_half_as_large)
{
	start(ALL_FEATURES, 400, TOTEM_EARLY_FRAMES);
	ck_assert_uint_eq(node_of(1)->engine->flow.window.max, (400 * 9 / 10 - 32) / 2);
}
END_TEST

/*
 * _i 0: a node does not know the feature; 1: a node does not announce its capacity; 2: a node has the option off; 3: a
 * receive buffer is small.
 */
START_TEST(all_have_to_agree)
{
	static const uint32_t capacities[] = {400, 0, 400, 255};

	start(_i == 0 ? ALL_FEATURES & ~WIRE_FEATURE_EARLY : ALL_FEATURES, capacities[_i],
		_i == 2 ? 0 : TOTEM_EARLY_FRAMES);
	if (_i == 0 || _i == 3)
		ck_assert_uint_eq(node_of(1)->engine->flow.window.max, capacities[_i] * 9 / 10 - 32);
	send_frames(2, BURST);
	run_until_received(BURST, 1000);
	ck_assert_ptr_null(strstr(sent, "tm"));
	ck_assert_uint_eq(counters_of(2)->early_tokens, 0);
}
END_TEST

/* Let node 2 end between its token and its frames. @return whether the packet is lost */
static bool dies_behind_token(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)to, (void)frame;
	return from == 2 && header->type == WIRE_MCAST;
}

/* The token has counted frames that no node has. The other nodes go on without these frames, all in the same order. */
START_TEST(a_crash_behind_the_token_leaves_a_hole)
{
	uint64_t before;

	start(ALL_FEATURES, 1000, TOTEM_EARLY_FRAMES);
	before = counters_of(2)->early_tokens;
	net->drops = dies_behind_token;
	send_frames(2, BURST);
	send_frames(1, BURST);
	send_frames(3, BURST);
	while (counters_of(2)->early_tokens == before)
		ck_assert(net_step(net, UINT64_MAX));
	run_for(0);
	node_crash(2);
	net->drops = NULL;
	for (uint32_t ms = 0; ms < 20000 && node_of(1)->received + node_of(3)->received < 4 * BURST; ms++)
		run_for(1);
	ck_assert_uint_eq(node_of(1)->received, 2 * BURST);
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);
}
END_TEST

/* With early tokens safe delivery takes one rotation more, not two. */
START_TEST(safe_messages_arrive)
{
	static char text[1300];
	struct iovec iov = {text, sizeof(text)};

	start(ALL_FEATURES, 1000, TOTEM_EARLY_FRAMES);
	for (uint32_t i = 0; i < BURST; i++)
		totem_engine_send(node_of(2)->engine, net->now_ns, TOTEM_SAFE, &iov, 1);
	run_until_received(BURST, 20);
	ck_assert_uint_ge(counters_of(2)->early_tokens, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("early");
	TCase *ring = tcase_create("ring");

	tcase_add_checked_fixture(ring, net_setup, net_teardown);
	tcase_add_test(ring, the_token_goes_before_the_frames);
	tcase_add_test(ring, a_few_frames_go_first);
	tcase_add_test(ring, nobody_asks_for_what_is_under_way);
	tcase_add_test(ring, answers_go_before_the_token);
	tcase_add_test(ring, the_window_is_half_as_large);
	tcase_add_loop_test(ring, all_have_to_agree, 0, 4);
	tcase_add_test(ring, a_crash_behind_the_token_leaves_a_hole);
	tcase_add_test(ring, safe_messages_arrive);
	suite_add_tcase(suite, ring);
	return suite_run(suite);
}
