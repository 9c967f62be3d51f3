/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets and requests of other rings and memberships, and state that must not reach a new ring. */
#include <check.h>
#include <string.h>

#include "exec/totem/frame.h"
#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_net.h"

static uint8_t bytes[4096];

static const struct totem_counters *counters_of(uint32_t id) { return totem_engine_counters(node_of(id)->engine); }

static bool holds(uint32_t id)
{
	struct totem_probe probe;

	totem_engine_probe(node_of(id)->engine, &probe);
	return probe.is_held;
}

static void run_until_held(uint32_t id)
{
	for (int i = 0; i < 100000 && !holds(id); i++)
		ck_assert(net_step(net, UINT64_MAX));
	ck_assert(holds(id));
}

/* --- other rings --- */

START_TEST(a_merge_detect_of_a_members_older_ring_changes_nothing)
{
	start_ring(3);

	struct ring_id now = *totem_engine_ring(node_of(1)->engine);
	const struct wire_merge_detect old = {.system_from = 2, .ring = {2, now.seq - 1}};
	uint64_t gathered = node_of(1)->gathered;

	feed(1, bytes, wire_encode_merge_detect(&old, false, bytes, sizeof(bytes)));
	ck_assert_int_eq(totem_engine_state(node_of(1)->engine), TOTEM_OPERATIONAL);
	run_for(500);
	ck_assert_uint_eq(node_of(1)->gathered, gathered);
	ck_assert(ring_id_equal(totem_engine_ring(node_of(1)->engine), &now));
}
END_TEST

START_TEST(a_hold_cancel_of_another_ring_lets_no_token_go)
{
	start_ring(3);

	struct wire_hold_cancel cancel = {.nodeid = 2, .ring = *totem_engine_ring(node_of(1)->engine)};

	run_for(500);
	run_until_held(1);
	cancel.ring.seq -= 4;
	feed(1, bytes, wire_encode_hold_cancel(&cancel, false, bytes, sizeof(bytes)));
	ck_assert(holds(1));
	cancel.ring.seq += 4;
	feed(1, bytes, wire_encode_hold_cancel(&cancel, false, bytes, sizeof(bytes)));
	ck_assert(!holds(1));
}
END_TEST

/* Check a commit token with as many members as this node has agreed on, this node included, but not the same ones. */
START_TEST(a_commit_token_of_other_members_is_dropped)
{
	static const uint32_t others[] = {1, 2, 4};
	static const struct wire_commit_entry entries[3] = {{.ring = {1, 5}}};

	start_ring(3);
	totem_engine_transport(node_of(2)->engine, net->now_ns, TOTEM_EVENT_FORCE_GATHER, 0);

	const struct wire_commit_token head = {.nodeid = 1,
		.token_seq = 1,
		.count = 3,
		.ring = {1, totem_engine_ring(node_of(2)->engine)->seq + 4},
		.memb_index = 1};

	feed(2, bytes, wire_encode_commit_token(&head, others, entries, NULL, 0, false, bytes, sizeof(bytes)));
	ck_assert_int_eq(totem_engine_state(node_of(2)->engine), TOTEM_GATHER);
	run_until_ring(3, 2000);
}
END_TEST

static void feed_commit_token(uint32_t to, const uint32_t *addr, struct ring_id ring)
{
	static const struct wire_commit_entry entries[3] = {{.ring = {1, 5}}};
	const struct wire_commit_token head = {
		.nodeid = 1, .token_seq = 1, .count = 3, .ring = ring, .memb_index = to - 1};

	feed(to, bytes, wire_encode_commit_token(&head, addr, entries, NULL, 0, false, bytes, sizeof(bytes)));
}

/*
 * The commit token of an attempt that the representative has given up comes late. Then the one of the next attempt
 * counts: no other packet would end the first one before its token timeout.
 */
START_TEST(a_later_attempt_replaces_one_that_was_given_up)
{
	static const uint32_t all[] = {1, 2, 3}, others[] = {1, 2, 4};
	struct totem_engine *engine;
	uint64_t seq;

	start_ring(3);
	engine = node_of(2)->engine;
	seq = totem_engine_ring(engine)->seq;
	tell(2, TOTEM_EVENT_FORCE_GATHER, 0);
	net->drops = drops_commit_tokens;
	feed_commit_token(2, all, (struct ring_id){1, seq + 4});
	ck_assert_int_eq(totem_engine_state(engine), TOTEM_COMMIT);
	feed_commit_token(2, others, (struct ring_id){1, seq + 8});
	feed_commit_token(2, all, (struct ring_id){3, seq + 8});
	ck_assert_uint_eq(engine->ring.seq, seq + 4);
	feed_commit_token(2, all, (struct ring_id){1, seq + 8});
	ck_assert_int_eq(totem_engine_state(engine), TOTEM_COMMIT);
	ck_assert_uint_eq(engine->ring.seq, seq + 8);
	feed_commit_token(2, all, (struct ring_id){1, seq + 4}); /* later still */
	ck_assert_uint_eq(engine->ring.seq, seq + 8);
	for (uint64_t ahead = 12; ahead <= 80; ahead += 4)
		feed_commit_token(2, all, (struct ring_id){1, seq + ahead});
	ck_assert_uint_eq(engine->ring.seq, seq + 16); /* a forger cannot go on for ever */
	net->drops = NULL;
	run_until_ring(3, 9000);
}
END_TEST

/* --- an attempt that fails at its end --- */

static uint32_t promised_count(void)
{
	uint32_t count = 0;

	for (uint32_t id = 1; id <= 3; id++)
		count += node_of(id)->engine->recovery.is_promised;
	return count;
}

/*
 * All members have promised to deliver what they have received, and then all tokens are lost. The next ring must have
 * all of them.
 */
START_TEST(members_that_have_promised_the_same_stay_together)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	totem_engine_transport(node_of(1)->engine, net->now_ns, TOTEM_EVENT_FORCE_GATHER, 0);
	for (int i = 0; i < 100000 && promised_count() < 3; i++)
		ck_assert(net_step(net, UINT64_MAX));
	ck_assert_uint_eq(promised_count(), 3);
	net->drops = drops_tokens;
	for (int i = 0; i < 100000 && node_of(1)->engine->state != TOTEM_GATHER; i++)
		ck_assert(net_step(net, UINT64_MAX));
	net->drops = NULL;
	run_until_ring(3, 9000);
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert_str_eq(node_of(id)->log, "transitional 1 2 3\nregular 1 2 3\n");
}
END_TEST

/* --- requests for frames --- */

static struct wire_rtr asked; /* frame that is requested, seq 0: the last frame of the ring */
static bool has_asked;

/*
 * Write a request into the token that arrives at node 2 after a new message. Its aru says that all members have all
 * frames.
 */
static bool ask_in_token(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	struct coterie_frame *written = (struct coterie_frame *)(uintptr_t)frame;
	struct wire_token token;

	(void)from;
	if (has_asked || to != 2 || header->type != WIRE_TOKEN || n->drop_seq == 0 ||
		wire_decode_token(frame->data, frame->size, &token) != WIRE_OK || token.seq < n->drop_seq)
		return false;
	has_asked = true;
	token.rtr_count = asked.ring.rep == 0 ? 1 : WIRE_RTR_MAX;
	for (uint32_t i = 0; i < token.rtr_count; i++)
		token.rtr[i] = (struct wire_rtr){
			.seq = token.seq + i, .ring = asked.ring.rep == 0 ? token.ring : asked.ring};
	written->size = (uint32_t)wire_encode_token(&token, 2, false, written->data, written->capacity);
	return false;
}

static uint64_t resent_by_2_when_asked(struct ring_id ring)
{
	struct totem_probe probe;

	has_asked = false;
	asked.ring = ring;
	start_ring(3);
	totem_engine_probe(node_of(2)->engine, &probe);
	net->drop_seq = probe.high_seq + 1;
	net->drops = ask_in_token;
	send_text(1, TOTEM_AGREED, "one");
	run_until_received(1, 1000);
	run_for(20);
	ck_assert(has_asked);
	return node_of(2)->retransmitted;
}

/*
 * Two tokens in a row must show that every member has a frame. One is no proof: a node that was behind may have raised
 * its aru.
 */
START_TEST(a_frame_is_sent_again_unless_two_tokens_say_that_all_have_it)
{
	ck_assert_uint_eq(resent_by_2_when_asked((struct ring_id){0, 0}), 1);
}
END_TEST

/* Thirty of them would leave no place for a true request, since no member removes them. */
START_TEST(a_request_of_another_ring_is_not_answered)
{
	struct wire_token token;
	const struct coterie_frame *last = NULL;

	ck_assert_uint_eq(resent_by_2_when_asked((struct ring_id){3, 3}), 0);
	last = net->samples[WIRE_TOKEN];
	ck_assert_int_eq(wire_decode_token(last->data, last->size, &token), WIRE_OK);
	ck_assert_uint_le(token.rtr_count, 8);
}
END_TEST

/* --- a lone sender that keeps the token --- */

#define LINGER_FEATURES (WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE | WIRE_FEATURE_LINGER)

static void start_lone(void)
{
	options.capacity = 1000;
	options.features = LINGER_FEATURES;
	options.linger_ns = 10 * MS;
	options.rotation_target_ns = 100 * MS;
	net->visit_frames_max = 4096;
	start_ring(3);
	for (uint32_t i = 1; i <= 12; i++) {
		send_text(2, TOTEM_AGREED, "before");
		run_until_received(i, 1000);
	}
	clear_logs();
	run_until_held(2);
}

/* Lose all frames of node 2. Only node 2 can send them again, so it remains a lone sender. */
static bool loses_frames_of_2(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)from, (void)frame;
	return to != 2 && header->type == WIRE_MCAST;
}

START_TEST(no_token_is_kept_while_a_member_lacks_frames)
{
	start_lone();
	net->drops = loses_frames_of_2;

	uint64_t until_ns = net->now_ns + 200 * MS, lingers = 0;

	/* The first part of the time does not count: the sender may finish a message that it has begun. */
	for (uint32_t i = 0; net->now_ns < until_ns; i++) {
		send_text(2, TOTEM_AGREED, "more");
		run_for(1);
		if (i == 50)
			lingers = counters_of(2)->lingers;
	}
	ck_assert_uint_eq(counters_of(2)->lingers, lingers);
	net->drops = NULL;
	run_for(500);
	ck_assert_uint_eq(node_of(3)->received, node_of(2)->received);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine_late");
	TCase *tcase = tcase_create("late");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_add_test(tcase, a_merge_detect_of_a_members_older_ring_changes_nothing);
	tcase_add_test(tcase, a_hold_cancel_of_another_ring_lets_no_token_go);
	tcase_add_test(tcase, a_commit_token_of_other_members_is_dropped);
	tcase_add_test(tcase, a_later_attempt_replaces_one_that_was_given_up);
	tcase_add_test(tcase, members_that_have_promised_the_same_stay_together);
	tcase_add_test(tcase, a_frame_is_sent_again_unless_two_tokens_say_that_all_have_it);
	tcase_add_test(tcase, a_request_of_another_ring_is_not_answered);
	tcase_add_test(tcase, no_token_is_kept_while_a_member_lacks_frames);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
