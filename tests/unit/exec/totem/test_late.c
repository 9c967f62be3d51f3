/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The token is lost, or a member crashes, at any hop of a recovery. Some members may have promised then, or installed the
 * ring, and others not. No member that runs may see another one leave: book membership, "Crash at the end".
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "exec/totem/frame.h"
#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_net.h"

#define NODES 4u
#define HOPS_MAX 40 /* a recovery takes five rotations, and more where somebody lacks frames */
/* Each hop is played in four ways: with frames to send again or without, and with safe delivery or without. */
#define PLAYS (HOPS_MAX * 4)

static uint64_t old_seq;  /* sequence of the ring before the attempt */
static uint32_t hops;     /* of the attempt's token so far */
static uint32_t lost_hop; /* the token does not arrive at this hop, nor later */
static uint32_t lost_to;  /* the node that it was sent to; 0: not yet */
static bool drops_frames; /* node 3 gets no frames of the old ring */

static struct totem_engine *engine_of(uint32_t id) { return node_of(id)->engine; }

static bool loses_token(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	struct wire_token token;
	struct wire_mcast mcast;

	(void)n;
	(void)from;
	if (header->type == WIRE_MCAST && drops_frames && to == 3 &&
		wire_decode_mcast(frame->data, frame->size, &mcast) == WIRE_OK)
		return mcast.ring.seq == old_seq;
	if (header->type != WIRE_TOKEN || wire_decode_token(frame->data, frame->size, &token) != WIRE_OK ||
		token.ring.seq != old_seq + 4)
		return false;
	hops++;
	if (hops < lost_hop)
		return false;
	if (lost_to == 0)
		lost_to = to;
	return true;
}

/* Form a ring of all nodes, then begin another one, whose token is lost at one hop. */
static void lose_token(uint32_t play)
{
	hops = lost_to = 0;
	lost_hop = play / 4 + 1;
	drops_frames = false;
	options.features = play & 1 ? 0 : WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(NODES);
	old_seq = totem_engine_ring(engine_of(1))->seq;
	net->drops = loses_token;
	if (play & 2) {
		drops_frames = true;
		send_many(1, 3);
		run_for(1);
	}
	tell(2, TOTEM_EVENT_FORCE_GATHER, 0);
	while (lost_to == 0)
		ck_assert(net_step(net, UINT64_MAX));
	drops_frames = false;
}

static void check_same_history(uint32_t victim)
{
	uint32_t first = victim == 1 ? 2 : 1;
	char left[8];

	for (uint32_t id = 1; id <= NODES; id++) {
		if (id == victim)
			continue;
		ck_assert_str_eq(node_of(id)->log, node_of(first)->log);
		for (uint32_t other = 1; other <= NODES; other++) {
			snprintf(left, sizeof(left), " -%u", other);
			ck_assert_msg(other == victim || strstr(node_of(id)->log, left) == NULL,
				"hop %u: node %u sees node %u leave:\n%s", lost_hop, id, other, node_of(id)->log);
		}
	}
}

/*
 * The nodes behind one that has installed the ring learn of it in the first rotation of the commit token. Those before it
 * learn in the second one, and give up the attempt. That happens once.
 */
START_TEST(a_token_is_lost_at_any_hop)
{
	uint64_t attempts[NODES + 1];

	lose_token((uint32_t)_i);
	for (uint32_t id = 1; id <= NODES; id++)
		attempts[id] = engine_of(id)->counters.commit_entered;
	run_until_ring(NODES, 10000);
	run_for(100);
	check_same_history(0);
	for (uint32_t id = 1; id <= NODES; id++)
		ck_assert_uint_le(engine_of(id)->counters.commit_entered - attempts[id], 2);
}
END_TEST

START_TEST(a_member_crashes_at_any_hop)
{
	lose_token((uint32_t)_i);
	node_crash(lost_to);
	for (uint32_t id = 1; id <= NODES; id++)
		for (uint32_t ms = 0; id != lost_to && engine_of(id)->installed.memb.count != NODES - 1; ms++) {
			ck_assert_uint_lt(ms, 20000);
			run_for(1);
		}
	run_for(100);
	check_same_history(lost_to);
}
END_TEST

/* --- one engine, and commit tokens of the test --- */

static const uint32_t members[] = {1, 2, 3};
static struct ring_id installed, prepared, next;
static uint32_t received_flg; /* of the others */
static uint32_t aru_of_1;

/* Let node 2 be prepared for a ring, with companions `trans`, and have given its promise. */
static struct totem_engine *prepare(bool is_promised)
{
	struct totem_engine *engine = engine_of(2);

	installed = engine->installed.ring;
	prepared = (struct ring_id){1, installed.seq + 4};
	next = (struct ring_id){1, installed.seq + 8};
	net->drops = drops_commit_tokens;
	tell(2, TOTEM_EVENT_FORCE_GATHER, 0);
	engine->commit.ring = prepared;
	engine->recovery.is_prepared = true;
	engine->recovery.prepared = prepared;
	engine->recovery.is_promised = engine->recovery.received_flg = is_promised;
	engine->recovery.promise = (struct ring_id){1, prepared.seq + 2};
	engine->recovery.install_seq += 3;
	set_copy(&engine->recovery.trans, &engine->installed.memb);
	return engine;
}

/* The same in a ring of three. */
static struct totem_engine *prepared_node(bool is_promised)
{
	start_ring(3);
	return prepare(is_promised);
}

static void feed_first_rotation(struct ring_id past_of_1)
{
	static uint8_t bytes[512];
	const struct wire_commit_entry entries[3] = {
		{.ring = past_of_1, .aru = aru_of_1, .received_flg = received_flg}};
	const struct wire_commit_token head = {.nodeid = 1, .token_seq = 1, .count = 3, .ring = next, .memb_index = 1};

	feed(2, bytes, wire_encode_commit_token(&head, members, entries, NULL, 0, false, bytes, sizeof(bytes)));
}

static void feed_second_rotation_with(struct wire_commit_entry own, struct ring_id past_of_3)
{
	static uint8_t bytes[512];
	struct wire_commit_entry entries[3] = {engine_of(2)->commit.entries[0]};
	const struct wire_commit_token head = {.nodeid = 1, .token_seq = 5, .count = 3, .ring = next, .memb_index = 3};

	entries[1] = own;
	entries[2] = (struct wire_commit_entry){.ring = past_of_3, .received_flg = received_flg};
	feed(2, bytes, wire_encode_commit_token(&head, members, entries, NULL, 0, false, bytes, sizeof(bytes)));
}

static void feed_second_rotation(struct ring_id past_of_3)
{
	feed_second_rotation_with(engine_of(2)->commit.entries[1], past_of_3);
}

static void check_past(const struct totem_engine *engine, struct ring_id past)
{
	ck_assert_int_eq(totem_engine_state(engine), TOTEM_COMMIT);
	ck_assert(ring_id_equal(&engine->commit.ring, &next));
	ck_assert(ring_id_equal(&engine->ring, &next));
	ck_assert(ring_id_equal(&engine->commit.entries[1].ring, &past));
}

START_TEST(the_promise_stands_if_nobody_says_more)
{
	struct totem_engine *engine = prepared_node(true);

	feed_first_rotation(engine->recovery.promise);
	check_past(engine, engine->recovery.promise);
	ck_assert_uint_eq(node_of(2)->log_size, 0);
}
END_TEST

START_TEST(a_companion_that_has_not_promised_frees_the_others)
{
	struct totem_engine *engine = prepared_node(true);

	feed_first_rotation(installed);
	check_past(engine, installed);
	ck_assert(!engine->recovery.received_flg);
	ck_assert_uint_eq(node_of(2)->log_size, 0);
}
END_TEST

/* Node 1 was in the old ring, and not in the attempt. It knows nothing of the promises. */
START_TEST(a_stranger_to_the_attempt_frees_nobody)
{
	struct totem_engine *engine = prepared_node(true);

	node_set_remove(&engine->recovery.trans, 1);
	feed_first_rotation(installed);
	check_past(engine, engine->recovery.promise);
}
END_TEST

/* The promise is of an earlier attempt than the one that this node was prepared for last. */
START_TEST(an_older_promise_stands)
{
	struct totem_engine *engine = prepared_node(true);

	engine->recovery.promise.seq -= 4;
	feed_first_rotation(installed);
	check_past(engine, engine->recovery.promise);
}
END_TEST

START_TEST(a_ring_is_installed_in_the_first_rotation)
{
	struct totem_engine *engine = prepared_node(_i == 1);

	feed_first_rotation(prepared);
	check_past(engine, prepared);
	ck_assert_str_eq(node_of(2)->log, "transitional 1 2 3\nregular 1 2 3\n");
	ck_assert(ring_id_equal(&engine->installed.ring, &prepared));
	ck_assert(!engine->recovery.is_promised && !engine->recovery.is_prepared);
	ck_assert(!totem_engine_has_lease(engine, net->now_ns));
	ck_assert_uint_eq(engine->store.released, options.first_seq + 3);
	ck_assert_uint_eq(engine->delivery.high, options.first_seq + 3);
}
END_TEST

static bool drops_frames_of_1(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)frame;
	if (header->type != WIRE_MCAST || from != 1 || to != 2 || n->dropped > 0)
		return false;
	n->dropped++;
	return true;
}

/* Prepare a node that has frames of the old ring behind one that it lacks. */
static struct totem_engine *prepared_node_with_frames(void)
{
	struct totem_engine *engine;

	start_ring(3);
	engine = engine_of(2);
	net->drops = drops_frames_of_1;
	send_many(1, 1);
	while (net->dropped == 0)
		ck_assert(net_step(net, net->now_ns + 1000 * MS));
	send_many(3, 5);
	while (engine->store.high_seq == engine->store.aru)
		ck_assert(net_step(net, net->now_ns + 1000 * MS));
	prepare(true);
	set_copy(&engine->recovery.deliver, &engine->recovery.trans);
	node_of(2)->yields = true;
	return engine;
}

/* Deliveries yield in a late installation. Until it is finished the node names the attempt, and stays in its state. */
START_TEST(a_late_ring_yields)
{
	struct totem_engine *engine = prepared_node_with_frames();
	bool is_second = _i == 1;
	enum totem_state state = is_second ? TOTEM_COMMIT : TOTEM_GATHER;
	struct ring_id attempt = is_second ? next : engine->ring;
	uint32_t count = 0;

	if (is_second)
		feed_first_rotation(engine->recovery.promise);
	if (is_second)
		feed_second_rotation(prepared);
	else
		feed_first_rotation(prepared);
	while (configure_is_unfinished(engine)) {
		ck_assert_int_eq(totem_engine_state(engine), state);
		ck_assert(ring_id_equal(&engine->ring, &attempt));
		ck_assert(!ring_id_equal(&engine->installed.ring, &prepared));
		ck_assert_uint_eq(node_of(2)->received, ++count);
		totem_engine_timeout(engine, net->now_ns, TOTEM_TIMER_DELIVER);
	}
	ck_assert_uint_eq(count, 5);
	ck_assert_str_eq(
		node_of(2)->log, "transitional 1 2 3\n3:m3.0\n3:m3.1\n3:m3.2\n3:m3.3\n3:m3.4\nregular 1 2 3\n");
	ck_assert(ring_id_equal(&engine->installed.ring, &prepared));
	ck_assert(!engine->recovery.is_promised && !engine->recovery.is_prepared);
	if (is_second)
		ck_assert_int_eq(totem_engine_state(engine), TOTEM_GATHER);
	else
		check_past(engine, prepared);
}
END_TEST

/* Node 3 came from elsewhere: a message that is partly sent begins again, and what the commit token said of it is noted. */
START_TEST(a_late_ring_has_members_that_joined)
{
	static const struct ring_id elsewhere = {3, 77};
	static char text[60000];
	struct totem_engine *engine;
	struct totem_queue queue;
	uint32_t all;

	memset(text, 'a', sizeof(text) - 1);
	engine = prepared_node(true);
	node_set_remove(&engine->recovery.trans, 3);
	engine->commit.entries[2].ring = elsewhere;
	ck_assert_int_eq(send_text(2, TOTEM_AGREED, text), 0);
	queues_synchronized(engine);
	queues_flush(engine);
	totem_engine_queue(engine, &queue);
	all = queue.used;
	for (uint32_t i = 0; i < 5; i++) {
		uint32_t guarantee;

		frame_unref(queues_take(engine, &guarantee));
	}
	feed_first_rotation(prepared);
	ck_assert_str_eq(node_of(2)->log, "transitional 1 2 -3\nregular 1 2 3 +3\n");
	totem_engine_queue(engine, &queue);
	ck_assert_uint_ge(queue.used, all);
	ck_assert_uint_eq(peer_find(engine, 3)->mark_before, extension_mark(&elsewhere));
}
END_TEST

/* The node that names the ring must have been in that recovery. */
START_TEST(a_ring_of_others_is_not_installed)
{
	struct totem_engine *engine = prepared_node(true);

	node_set_remove(&engine->commit.memb, 1);
	feed_first_rotation(prepared);
	check_past(engine, engine->recovery.promise);
}
END_TEST

START_TEST(a_ring_is_installed_in_the_second_rotation)
{
	struct totem_engine *engine = prepared_node(true);

	feed_first_rotation(engine->recovery.promise);
	feed_second_rotation(prepared);
	ck_assert_int_eq(totem_engine_state(engine), TOTEM_GATHER);
	ck_assert(ring_id_equal(&engine->installed.ring, &prepared));
	ck_assert(ring_id_equal(&engine->ring, &next));
}
END_TEST

/*
 * Without a promise, frames of a later recovery may be here that the other members of the ring do not have, unless nobody
 * lacked any.
 */
START_TEST(a_ring_is_installed_after_another_recovery)
{
	bool is_promised = _i & 1, is_complete = _i & 2, is_installed = is_promised || is_complete;
	struct totem_engine *engine = prepared_node(is_promised);
	struct ring_id past = is_promised ? engine->recovery.promise : installed;

	received_flg = is_promised || is_complete;
	engine->recovery.received_flg = received_flg;
	feed_first_rotation(past);
	feed_second_rotation(past);
	ck_assert_int_eq(totem_engine_state(engine), TOTEM_RECOVERY);
	ck_assert_int_eq(engine->recovery.is_prepared, is_installed);
	tell(2, TOTEM_EVENT_FORCE_GATHER, 0);
	next.seq += 4;
	feed_first_rotation(prepared);
	check_past(engine, is_installed ? prepared : installed);
}
END_TEST

/* Another entry of this node would change the frames that its companions send again. */
START_TEST(a_commit_token_with_other_seqs_of_this_node_is_refused)
{
	struct totem_engine *engine = prepared_node(false);
	struct wire_commit_entry own;

	feed_first_rotation(installed);
	own = engine->commit.entries[1];
	own.aru += _i == 0;
	own.high_delivered += _i == 1;
	feed_second_rotation_with(own, installed);
	ck_assert_int_eq(totem_engine_state(engine), TOTEM_COMMIT);
	ck_assert_uint_eq(node_of(2)->last_refusal, TOTEM_REFUSED_COMMIT);
	feed_second_rotation(installed);
	ck_assert_int_eq(totem_engine_state(engine), TOTEM_RECOVERY);
}
END_TEST

/* Node 1 has frames that node 2 lacks, and node 2 does not know of them. */
START_TEST(a_member_of_a_plain_ring_that_is_behind_has_not_received_all)
{
	struct totem_engine *engine;

	options.features = 0;
	received_flg = 1;
	engine = prepared_node(false);
	aru_of_1 = engine->store.aru + (uint32_t)_i;
	feed_first_rotation(installed);
	check_past(engine, installed);
	ck_assert_uint_eq(engine->commit.entries[0].received_flg, 1);
	ck_assert_uint_eq(engine->commit.entries[1].received_flg, _i == 0);
	ck_assert_int_eq(engine->recovery.received_flg, _i == 0);
}
END_TEST

/* A node with a hole that believes it has received all would deliver as if no frame were missing. */
START_TEST(a_commit_token_that_says_this_node_has_received_all_is_refused)
{
	struct totem_engine *engine;
	struct wire_commit_entry own;

	options.features = 0;
	received_flg = 1;
	engine = prepared_node(false);
	aru_of_1 = engine->store.aru + 1;
	feed_first_rotation(installed);
	own = engine->commit.entries[1];
	ck_assert_uint_eq(own.received_flg, 0);
	own.received_flg = 1;
	feed_second_rotation_with(own, installed);
	ck_assert_int_eq(totem_engine_state(engine), TOTEM_COMMIT);
	ck_assert_uint_eq(node_of(2)->last_refusal, TOTEM_REFUSED_COMMIT);
}
END_TEST

/* Write a frame with the text "x". @return its size */
static size_t make_frame(uint32_t from, struct ring_id ring, uint32_t seq, uint8_t *to)
{
	const struct wire_mcast mcast = {
		.nodeid = from, .system_from = from, .seq = seq, .ring = ring, .encapsulated = 2};
	uint8_t *packet = to + wire_encode_mcast_header(&mcast, false, to, WIRE_MCAST_HEADER_SIZE);

	wire_encode_packet_header(0, 0, 1, false, packet);
	wire_encode_u16(1, false, packet + WIRE_PACKET_HEADER_SIZE);
	packet[WIRE_PACKET_HEADER_SIZE + 2] = 'x';
	return WIRE_MCAST_HEADER_SIZE + WIRE_PACKET_HEADER_SIZE + 3;
}

/* Feed node 2 a frame of the old ring by node 1, which node `from` sends again as its frame `seq` of the new ring. */
static void feed_again(uint32_t from, uint32_t seq, uint32_t inner_seq)
{
	const struct wire_mcast outer = {
		.nodeid = from, .system_from = from, .seq = seq, .ring = next, .encapsulated = 1};
	uint8_t bytes[256];
	size_t size = wire_encode_mcast_header(&outer, false, bytes, sizeof(bytes));

	feed(2, bytes, size + make_frame(1, installed, inner_seq, bytes + size));
}

START_TEST(only_companions_send_frames_of_the_old_ring_again)
{
	struct totem_engine *engine = prepared_node(false);
	uint32_t seq = engine->store.high_seq + 1;

	feed_first_rotation(installed);
	feed_second_rotation((struct ring_id){3, 77});
	ck_assert_int_eq(totem_engine_state(engine), TOTEM_RECOVERY);
	feed_again(3, options.first_seq + 1, seq);
	ck_assert_ptr_null(store_find(&engine->store, seq));
	feed_again(1, options.first_seq + 2, seq);
	ck_assert_ptr_nonnull(store_find(&engine->store, seq));
}
END_TEST

/* Node 3 was a companion when the promise was given, and has started again since. Its frame is behind a hole. */
START_TEST(the_companions_of_the_promise_deliver_behind_a_hole)
{
	struct totem_engine *engine = prepared_node(true);
	uint8_t bytes[256];

	feed(2, bytes, make_frame(3, installed, engine->store.high_seq + 2, bytes));
	set_copy(&engine->recovery.deliver, &engine->installed.memb);
	if (_i == 1)
		node_set_remove(&engine->recovery.deliver, 3);
	node_set_remove(&engine->recovery.trans, 3);
	feed_first_rotation(prepared);
	ck_assert_str_eq(node_of(2)->log,
		_i == 1 ? "transitional 1 2 -3\nregular 1 2 3 +3\n" : "transitional 1 2 -3\n3:x\nregular 1 2 3 +3\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("late");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_add_loop_test(tcase, a_token_is_lost_at_any_hop, 0, PLAYS);
	tcase_add_loop_test(tcase, a_member_crashes_at_any_hop, 0, PLAYS);
	tcase_add_test(tcase, the_promise_stands_if_nobody_says_more);
	tcase_add_test(tcase, a_companion_that_has_not_promised_frees_the_others);
	tcase_add_test(tcase, a_stranger_to_the_attempt_frees_nobody);
	tcase_add_test(tcase, an_older_promise_stands);
	tcase_add_loop_test(tcase, a_ring_is_installed_in_the_first_rotation, 0, 2);
	tcase_add_test(tcase, a_ring_is_installed_in_the_second_rotation);
	tcase_add_test(tcase, a_late_ring_has_members_that_joined);
	tcase_add_loop_test(tcase, a_late_ring_yields, 0, 2);
	tcase_add_test(tcase, a_ring_of_others_is_not_installed);
	tcase_add_loop_test(tcase, a_ring_is_installed_after_another_recovery, 0, 4);
	tcase_add_loop_test(tcase, a_commit_token_with_other_seqs_of_this_node_is_refused, 0, 2);
	tcase_add_loop_test(tcase, a_member_of_a_plain_ring_that_is_behind_has_not_received_all, 0, 2);
	tcase_add_test(tcase, a_commit_token_that_says_this_node_has_received_all_is_refused);
	tcase_add_test(tcase, only_companions_send_frames_of_the_old_ring_again);
	tcase_add_loop_test(tcase, the_companions_of_the_promise_deliver_behind_a_hole, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite_run_together(suite);
}
