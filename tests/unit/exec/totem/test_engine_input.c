/* SPDX-License-Identifier: BSD-3-Clause */
/* Invalid packets at engines in a ring: book compatibility, "Hostile packets". */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_net.h"

/* --- bad input --- */

static bool are_alike(const struct totem_probe *a, const struct totem_probe *b)
{
	return a->aru == b->aru && a->high_seq == b->high_seq && a->released == b->released &&
	       a->high_delivered == b->high_delivered && a->store_count == b->store_count && a->trc == b->trc &&
	       a->pbl == b->pbl;
}

/* Change a token that node 2 would accept without the change. */
static void token_aru_ahead(struct wire_token *token) { token->aru = token->seq + 1; }
static void token_aru_old(struct wire_token *token) { token->aru = token->seq - 16384; }
static void token_seq_far(struct wire_token *token) { token->aru = token->seq += 20000; }
static void token_seq_back(struct wire_token *token) { token->aru = token->seq -= 3; }
static void token_of_other(struct wire_token *token) { token->nodeid = 3; }
static void token_foreign(struct wire_token *token) { token->ring.seq += 4; }
static void token_old(struct wire_token *token) { token->token_seq -= 100; }

static void token_jumps(struct wire_token *token) { token->aru = token->seq += 6000; }
static void token_signed_by_stranger(struct wire_token *token) { token->aru_addr = 77; }
static void token_fcc_absurd(struct wire_token *token) { token->fcc = 1u << 30; }
static void token_backlog_absurd(struct wire_token *token) { token->backlog = 1u << 30; }
static void token_flag_absurd(struct wire_token *token) { token->retrans_flg = 1024; }

static void token_asks_ahead(struct wire_token *token)
{
	token->rtr_count = 1;
	token->rtr[0] = (struct wire_rtr){token->ring, token->seq + 1};
}

START_TEST(bad_tokens_are_dropped)
{
	static const struct {
		const char *name;
		void (*change)(struct wire_token *token);
		uint32_t refused;
	} rows[] = {
		{"aru beyond seq", token_aru_ahead, 1},
		{"aru far behind", token_aru_old, 1},
		{"seq far ahead", token_seq_far, 1},
		{"seq behind what was delivered", token_seq_back, 1},
		{"sent by another than the predecessor", token_of_other, 1},
		{"seq ahead of any window", token_jumps, 1},
		{"aru_addr of no member", token_signed_by_stranger, 1},
		{"fcc beyond reason", token_fcc_absurd, 1},
		{"backlog beyond reason", token_backlog_absurd, 1},
		{"retrans_flg neither 0 nor 1", token_flag_absurd, 1},
		{"asks for a frame that does not exist", token_asks_ahead, 1},
		{"of another ring", token_foreign, 0},
		{"had before", token_old, 0},
	};
	uint8_t bytes[WIRE_TOKEN_SIZE_MAX];
	struct wire_token token;
	struct totem_probe before, after;

	start_ring(3);
	send_many(1, 5);
	run_for(1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct node *node = node_of(2);
		uint64_t token_ns = totem_engine_counters(node->engine)->token_last_ns;

		ck_assert_int_eq(
			wire_decode_token(net->samples[WIRE_TOKEN]->data, net->samples[WIRE_TOKEN]->size, &token),
			WIRE_OK);
		token.token_seq += 30;
		rows[i].change(&token);
		node->refused = 0;
		totem_engine_probe(node->engine, &before);
		feed(2, bytes, wire_encode_token(&token, 0, false, bytes, sizeof(bytes)));
		totem_engine_probe(node->engine, &after);
		ck_assert_msg(node->refused == rows[i].refused &&
				      totem_engine_counters(node->engine)->token_last_ns == token_ns &&
				      are_alike(&before, &after),
			"%s", rows[i].name);
	}
	send_many(2, 1);
	run_until_received(6, 100);
	ck_assert_uint_eq(node_of(2)->gathered, 0);
}
END_TEST

static void frame_ahead(struct wire_mcast *mcast) { mcast->seq += 5000; }
static void frame_of_two(struct wire_mcast *mcast) { mcast->nodeid = 3; }
static void frame_of_stranger(struct wire_mcast *mcast) { mcast->nodeid = mcast->system_from = 9; }
static void frame_freed(struct wire_mcast *mcast) { mcast->seq -= 2; }

START_TEST(bad_frames_are_dropped)
{
	static const struct {
		const char *name;
		void (*change)(struct wire_mcast *mcast);
		uint32_t refused;
	} rows[] = {
		{"seq far ahead", frame_ahead, 1},
		{"two senders", frame_of_two, 1},
		{"of a node that is no member", frame_of_stranger, 1},
		{"had before", frame_freed, 0},
	};

	start_ring(3);
	send_many(1, 200);
	run_for(1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t bytes[2048];
		struct wire_mcast mcast;
		struct totem_probe before, after;
		const struct coterie_frame *sample = net->samples[WIRE_MCAST];

		ck_assert_int_eq(wire_decode_mcast(sample->data, sample->size, &mcast), WIRE_OK);
		rows[i].change(&mcast);
		memcpy(bytes, sample->data, sample->size);
		wire_encode_mcast_header(&mcast, false, bytes, sizeof(bytes));
		node_of(2)->refused = 0;
		totem_engine_probe(node_of(2)->engine, &before);
		feed(2, bytes, sample->size);
		totem_engine_probe(node_of(2)->engine, &after);
		ck_assert_msg(node_of(2)->refused == rows[i].refused && are_alike(&before, &after), "%s", rows[i].name);
	}
}
END_TEST

START_TEST(a_forged_frame_does_not_stop_the_ring)
{
	uint8_t bytes[2048];
	struct wire_mcast mcast;
	const struct coterie_frame *sample;

	start_ring(3);
	send_many(1, 3);
	run_for(5);
	sample = net->samples[WIRE_MCAST];
	ck_assert_int_eq(wire_decode_mcast(sample->data, sample->size, &mcast), WIRE_OK);
	mcast.seq += 40; /* no node has sent this seq, or those directly before it */
	memcpy(bytes, sample->data, sample->size);
	wire_encode_mcast_header(&mcast, false, bytes, sizeof(bytes));
	feed(2, bytes, sample->size);
	send_many(3, 20);
	run_until_received(23, 100);
	ck_assert_str_eq(node_of(1)->log, node_of(2)->log);
	ck_assert_uint_eq(node_of(2)->gathered, 0);
}
END_TEST

/* Feed node 1 a frame in the name of node 3. Its seq is the last one of the ring plus `ahead`. */
static void forge_frame(uint32_t ahead)
{
	uint8_t bytes[2048];
	struct wire_mcast mcast;
	const struct coterie_frame *sample = net->samples[WIRE_MCAST];
	struct totem_probe probe;

	ck_assert_int_eq(wire_decode_mcast(sample->data, sample->size, &mcast), WIRE_OK);
	totem_engine_probe(node_of(1)->engine, &probe);
	mcast.nodeid = mcast.system_from = 3;
	mcast.seq = probe.high_seq + ahead;
	memcpy(bytes, sample->data, sample->size);
	wire_encode_mcast_header(&mcast, false, bytes, sizeof(bytes));
	feed(1, bytes, sample->size);
}

START_TEST(a_forged_frame_is_not_in_the_way_of_our_own)
{
	struct totem_probe probe;

	start_ring(3);
	send_many(1, 3);
	run_for(1000);
	do {
		run_for(1);
		totem_engine_probe(node_of(1)->engine, &probe);
	} while (!probe.is_held);
	forge_frame((uint32_t)_i);
	ck_assert_uint_eq(node_of(1)->refused, 1);
	send_many(1, 3);
	run_until_received(6, 100);
	ck_assert_str_eq(node_of(1)->log, node_of(2)->log);
	ck_assert_uint_eq(node_of(1)->gathered, 0);
}
END_TEST

/* Change the next token to node 2 with change_token(). */
static void (*change_token)(struct wire_token *token);
static enum totem_state change_in;

static bool drop_to_change(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	struct wire_token token;
	uint8_t bytes[WIRE_TOKEN_SIZE_MAX];

	(void)n;
	(void)from;
	if (change_token == NULL || to != 2 || header->type != WIRE_TOKEN ||
		totem_engine_state(node_of(2)->engine) != change_in)
		return false;
	ck_assert_int_eq(wire_decode_token(frame->data, frame->size, &token), WIRE_OK);
	change_token(&token);
	change_token = NULL;
	/* Write the changed token into the frame that is under way. No other node uses these bytes. */
	size_t size = wire_encode_token(&token, 0, false, bytes, sizeof(bytes));
	ck_assert_uint_le(size, frame->capacity);
	memcpy(frame->data, bytes, size);
	return false;
}

static void token_fills_window(struct wire_token *token) { token->fcc += options.window_size; }
static void token_has_backlog(struct wire_token *token) { token->backlog += 100000; }
static void token_has_flag(struct wire_token *token) { token->retrans_flg = 1; }

START_TEST(residues_do_not_stop_the_ring)
{
	void (*const changes[])(struct wire_token * token) = {token_fills_window, token_has_backlog};

	start_ring(3);
	net->drops = drop_to_change;
	change_in = TOTEM_OPERATIONAL;
	change_token = changes[_i];
	send_many(3, 20);
	run_for(3000);
	ck_assert_ptr_null(change_token);
	send_many(1, 300);
	send_many(3, 300);
	run_until_received(620, 200);
	ck_assert_uint_eq(node_of(1)->gathered, 0);
}
END_TEST

/* A forged token that says that a member keeps it. It is delivered in place of the next token to node 2. */
static uint8_t forged[WIRE_TOKEN_SIZE_MAX];
static size_t forged_size;

static bool drop_to_forge(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	struct wire_token token;

	(void)n, (void)from;
	if (forged_size > 0 || to != 2 || header->type != WIRE_TOKEN)
		return false;
	ck_assert_int_eq(wire_decode_token(frame->data, frame->size, &token), WIRE_OK);
	token.lingers += 7;
	forged_size = wire_encode_token(&token, 2, false, forged, sizeof(forged));
	return true;
}

/* If a member lacks the feature, no member keeps the token. So a token that says that it is kept must be forged. */
START_TEST(what_nobody_may_write_goes_no_further)
{
	struct wire_token token;

	options.features = WIRE_FEATURE_SAFE;
	start_ring(3);
	net->drops = drop_to_forge;
	send_many(3, 20);
	while (forged_size == 0)
		ck_assert(net_step(net, UINT64_MAX));
	feed(2, forged, forged_size);
	run_until_received(20, 100);
	run_for(10);
	const struct coterie_frame *later = net->samples[WIRE_TOKEN];
	ck_assert_int_eq(wire_decode_token(later->data, later->size, &token), WIRE_OK);
	ck_assert_uint_eq(token.lingers, 0);
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert(!node_of(id)->engine->linger.has_lingered);
}
END_TEST

/* In the commit token of the second rotation, set the other members' entries to seqs that are far apart. */
static bool has_forged_commit;

static bool drop_to_forge_commit(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	struct wire_commit_token token;
	struct wire_commit_entry entries[3];
	uint32_t addr[3];
	uint8_t bytes[1024];

	(void)n, (void)from;
	if (has_forged_commit || to != 2 || header->type != WIRE_COMMIT_TOKEN ||
		totem_engine_state(node_of(2)->engine) != TOTEM_COMMIT)
		return false;
	ck_assert_int_eq(wire_decode_commit_token(frame->data, frame->size, &token), WIRE_OK);
	ck_assert_uint_eq(token.count, 3);
	for (uint32_t i = 0; i < 3; i++) {
		addr[i] = wire_commit_addr(&token, i);
		entries[i] = wire_commit_entry(&token, i);
	}
	entries[0].aru = entries[1].aru - 0x7fffffff;
	entries[2].aru = entries[0].aru - 0x7fffffff;
	entries[0].high_delivered = entries[0].aru;
	entries[2].high_delivered = entries[2].aru;
	entries[0].received_flg = entries[2].received_flg = 0;
	size_t size = wire_encode_commit_token(&token, addr, entries, NULL, 0, false, bytes, sizeof(bytes));
	ck_assert_uint_gt(size, 0);
	has_forged_commit = true;
	feed(2, bytes, size);
	return true;
}

/*
 * By the wrapping order of seqs the values of entry 0 are before those of entry 1, those of entry 1 before those of
 * entry 2, and those of entry 2 before those of entry 0. The engine goes through all seqs between two of them.
 */
START_TEST(a_commit_token_with_invented_arus_costs_at_most_a_store)
{
	struct totem_engine *engine;

	has_forged_commit = false;
	start_ring(3);
	send_many(1, 20);
	run_until_received(20, 100);
	engine = node_of(2)->engine;
	net->drops = drop_to_forge_commit;
	totem_engine_transport(engine, net->now_ns, TOTEM_EVENT_FORCE_GATHER, 0);
	while (!has_forged_commit)
		ck_assert(net_step(net, UINT64_MAX));
	ck_assert_int_eq(totem_engine_state(engine), TOTEM_RECOVERY);
	ck_assert_uint_le(engine->owed.end - engine->owed.next, STORE_WINDOW);
	ck_assert_uint_le(engine->recovery.high_ring_delivered - engine->store.released, 2 * STORE_WINDOW);
	net->drops = NULL;
	run_until_ring(3, 30000);
	send_many(2, 3);
	run_until_received(23, 1000);
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);
}
END_TEST

START_TEST(a_flag_of_nobody_does_not_stop_a_recovery)
{
	start_ring(3);
	send_many(1, 3);
	run_for(100);
	net->drops = drop_to_change;
	change_in = TOTEM_RECOVERY;
	change_token = token_has_flag;
	node_crash(3);
	run_until_ring(2, 30000);
	ck_assert_ptr_null(change_token);
}
END_TEST

/* A busy ring reaches these numbers after days: 2^32 rotations, 2^31 frames. */
START_TEST(nothing_wraps_on_a_long_lived_ring)
{
	struct store store = {0};

	start_ring(2);
	for (uint32_t i = 0; i < 200; i++) {
		send_many(1, 1);
		run_for(1);
		ck_assert_uint_le(node_of(1)->engine->rotation.count, 2 * ROTATION_SAMPLES);
	}

	ck_assert_int_eq(store_init(&store, 0), 0);
	struct store own = node_of(1)->engine->store;
	node_of(1)->engine->store = store;
	for (uint32_t i = 1; i <= 3; i++) {
		struct store *there = &node_of(1)->engine->store;

		there->aru = there->high_seq = i * 0x40000000u;
		there->released = there->high_seq - 1;
		store_release(node_of(1)->engine, there->high_seq);
	}
	store_reset(&node_of(1)->engine->store, 0);
	store_fini(&node_of(1)->engine->store);
	node_of(1)->engine->store = own;
}
END_TEST

START_TEST(a_join_in_our_name_is_not_ours)
{
	uint8_t bytes[4096];
	static const uint32_t proc[] = {1, 2, 4}, failed[] = {3};

	start_ring(3);
	node_crash(2);
	while (totem_engine_state(node_of(3)->engine) != TOTEM_GATHER)
		run_for(1);
	/* A leave of an earlier run of this node, when there were more nodes, and then a join of that run. */
	for (uint32_t header = 0; header <= 3; header += 3) {
		size_t size = wire_encode_join(header, 3, 1000, proc, 3, failed, 1, 0, false, bytes, sizeof(bytes));

		feed(3, bytes, size);
	}
	run_until_ring(2, (options.consensus_ns + options.hold_ns) / MS + 200);
	ck_assert_uint_le(node_of(3)->gathered, 3);
}
END_TEST

START_TEST(bad_joins_are_dropped)
{
	static const uint32_t nodes[] = {1, 2, 3};
	const struct {
		const char *name;
		uint32_t header, from;
		uint64_t seq;
	} rows[] = {
		{"unknown node", 9, 9, 5},
		{"node 0", 0, 0, 5},
		{"two senders", 1, 3, 1000},
		{"ring seq beyond reason", 1, 1, UINT64_MAX},
		{"older than the ring", 1, 1, 5},
		{"old leave", 0, 3, 5},
		{"leave of another ring", 0, 3, 1000},
	};
	uint8_t bytes[256];

	options.nodes = nodes;
	options.node_count = 3;
	start_ring(3);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int k = 0; k < 10; k++) {
			node_of(2)->refused = 0;
			feed(2, bytes,
				wire_encode_join(rows[i].header, rows[i].from, rows[i].seq, nodes, 3, &rows[i].from,
					rows[i].header == 0, 0, false, bytes, sizeof(bytes)));
			ck_assert_msg(node_of(2)->refused == 1 && node_of(2)->gathered == 0, "%s", rows[i].name);
			run_for(50);
		}
	}
}
END_TEST

START_TEST(bad_commit_tokens_are_dropped)
{
	static const uint32_t addr[] = {1, 2};
	static const uint32_t others[] = {1, 3};
	static const struct wire_commit_entry entries[2] = {{.ring = {1, 5}}, {.ring = {0, 0}}};
	const struct {
		const char *name;
		uint32_t index;
		struct ring_id ring;
		const uint32_t *addr;
	} rows[] = {
		{"not our turn yet", 0, {1, 1000}, addr},
		{"full before our turn", 2, {1, 1000}, addr},
		{"old ring", 1, {1, 5}, addr},
		{"other members", 1, {1, 1000}, others},
		{"led by somebody else", 1, {2, 1000}, addr},
		{"ring seq beyond reason", 1, {1, UINT64_MAX}, addr},
	};
	uint8_t bytes[256];

	start_ring(2);
	totem_engine_transport(node_of(2)->engine, net->now_ns, TOTEM_EVENT_FORCE_GATHER, 0);
	ck_assert_int_eq(totem_engine_state(node_of(2)->engine), TOTEM_GATHER);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct wire_commit_token head = {
			.nodeid = 1, .token_seq = 1, .count = 2, .ring = rows[i].ring, .memb_index = rows[i].index};

		feed(2, bytes,
			wire_encode_commit_token(&head, rows[i].addr, entries, NULL, 0, false, bytes, sizeof(bytes)));
		ck_assert_msg(totem_engine_state(node_of(2)->engine) == TOTEM_GATHER, "%s", rows[i].name);
	}
	run_until_ring(2, 1000);
}
END_TEST

/* The members of the last attempt and their entries belong together: they tell who was in one ring with this node. */
START_TEST(a_refused_commit_token_leaves_the_last_attempt)
{
	static const uint32_t addr[] = {1, 2};
	static const struct wire_commit_entry entries[2] = {{.ring = {1, 5}}, {.ring = {0, 0}}};
	uint8_t bytes[256];

	start_ring(3);
	struct totem_engine *engine = node_of(2)->engine;
	const struct wire_commit_token head = {.nodeid = 1,
		.token_seq = 1,
		.count = 2,
		.ring = {1, totem_engine_ring(engine)->seq + 8},
		.memb_index = 0};

	node_crash(3);
	net->drops = drops_commit_tokens;
	for (int ms = 0; ms < 20000 && engine->lists.live.count != 2; ms++)
		run_for(1);
	ck_assert_int_eq(totem_engine_state(engine), TOTEM_GATHER);
	ck_assert_uint_eq(engine->commit.memb.count, 3);
	feed(2, bytes, wire_encode_commit_token(&head, addr, entries, NULL, 0, false, bytes, sizeof(bytes)));
	ck_assert_uint_eq(node_of(2)->last_refusal, TOTEM_REFUSED_COMMIT);
	ck_assert_uint_eq(engine->commit.memb.count, 3);
}
END_TEST

/*
 * Feed packets of each type, cut at any length and with each byte changed. Afterwards the nodes must still form a ring.
 */
START_TEST(damaged_packets_of_every_type)
{
	struct coterie_frame *samples[6];
	struct coterie_frame *all = NULL;

	options.fail_recv_const = 50;
	start_ring(3);
	node_crash(3);
	run_until_ring(2, 9000);
	node_start(3);
	run_until_ring(3, 3000);
	run_for(1000);
	send_many(2, 3);
	run_for(1000);
	memcpy(samples, net->samples, sizeof(samples));
	memset(net->samples, 0, sizeof(net->samples));
	for (int type = 0; type < 6; type++) {
		ck_assert_ptr_nonnull(samples[type]);
		all = samples[type];
		for (uint32_t size = 0; size <= all->size; size++)
			feed(2, all->data, size);
		for (uint32_t at = 0; at < all->size; at++) {
			for (int k = 0; k < 3; k++) {
				uint8_t was = all->data[at];

				all->data[at] = k == 0 ? (uint8_t)~was : k == 1 ? 0 : (uint8_t)(was + 1);
				feed(2, all->data, all->size);
				all->data[at] = was;
			}
			run_for(1);
		}
		free(all);
	}
	ck_assert_uint_gt(node_of(2)->refused, 100);
	run_until_ring(3, 60000);
	clear_logs();
	send_many(2, 3);
	run_until_received(3, 1000);
}
END_TEST

/* Feed a forged leave of a running member, with the sequence of the ring. */
START_TEST(a_forged_leave_removes_no_member_that_answers)
{
	static const uint32_t others[] = {1, 2}, failed[] = {3};
	uint8_t bytes[256];

	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	for (int k = 0; k < 5; k++) {
		for (uint32_t to = 1; to <= 2; to++)
			feed(to, bytes,
				wire_encode_join(0, 3, totem_engine_ring(node_of(to)->engine)->seq, others, 2, failed,
					1, 0, false, bytes, sizeof(bytes)));
		run_for(100);
	}
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert_uint_eq(node_of(id)->gathered, 0);
	ck_assert_uint_eq(node_of(1)->refused, 5);
}
END_TEST

/* Feed a join of node 3 to a node. is_leave: it is a leave. */
static void feed_join(uint32_t to, uint64_t seq, bool is_leave, uint32_t failed, uint64_t features)
{
	static const uint32_t all[] = {1, 2, 3};
	uint8_t bytes[256];

	feed(to, bytes,
		wire_encode_join(is_leave ? 0 : 3, 3, seq, all, is_leave ? 2 : 3, &failed, failed != 0, features, false,
			bytes, sizeof(bytes)));
}

static bool is_gathering(enum totem_state state) { return state == TOTEM_GATHER; }
static bool is_committing(enum totem_state state) { return state == TOTEM_COMMIT; }
static bool is_recovering(enum totem_state state) { return state == TOTEM_RECOVERY; }

/* Packets in the name of node 3 that are forged before the leave. */
static const struct {
	const char *name;
	bool is_plain;                           /* a join without features, that names the receiver as failed */
	uint64_t ahead;                          /* how far the seqs of the joins are ahead of the ring; 0: its own */
	bool (*is_time)(enum totem_state state); /* state of the receiver when the leave comes. NULL: any */
	bool is_unasked;                         /* no member answers probes */
	bool is_exact;                           /* the leave has the seq of the receiver's ring or attempt */
} forgeries[] = {
	{"a plain join", true, 0, NULL, false, false},
	{"a join", false, 0, is_gathering, false, false},
	{"a join far ahead", false, 100000, is_gathering, false, false},
	{"a join, and a leave with the commit token", false, 1000, is_committing, false, false},
	{"a join, and a leave in the recovery", false, 1000, is_recovering, false, false},
	{"a plain join, and a leave in the recovery", true, 1000, is_recovering, false, false},
	{"a join, and a leave of a member without probes", false, 1000, is_gathering, true, false},
	{"a join, and a leave of such a member with the commit token", false, 1000, is_committing, true, false},
	{"a join, and a leave of the attempt with the commit token", false, 1000, is_committing, false, true},
	{"a join, and a leave of the attempt in the recovery", false, 1000, is_recovering, false, true},
};

/* Joins that are forged before the leave do not help a forger. */
START_TEST(nor_behind_forged_joins)
{
	options.features = WIRE_FEATURE_SAFE | (forgeries[_i].is_unasked ? 0 : WIRE_FEATURE_PROBE);
	start_ring(3);
	for (uint32_t k = 0; k < 4; k++) {
		uint32_t to = 1 + k % 2;
		struct totem_engine *engine = node_of(to)->engine;
		uint64_t seq = totem_engine_ring(engine)->seq + forgeries[_i].ahead;

		feed_join(to, seq, false, forgeries[_i].is_plain ? to : 0, forgeries[_i].is_plain ? 0 : UINT64_MAX);
		if (forgeries[_i].is_plain && forgeries[_i].ahead != 0)
			feed_join(to, seq, false, 0, 0);
		for (int step = 0; forgeries[_i].is_time != NULL && step < 1000; step++) {
			if (forgeries[_i].is_time(totem_engine_state(engine)))
				break;
			net_step(net, net->now_ns + MS);
		}
		ck_assert(forgeries[_i].is_time == NULL || forgeries[_i].is_time(totem_engine_state(engine)));
		feed_join(to, forgeries[_i].is_exact ? totem_engine_ring(engine)->seq : seq, true, 3, 0);
		run_for(200);
		run_until_ring(3, 1000);
		for (uint32_t id = 1; id <= 3; id++)
			ck_assert_msg(
				node_of(id)->evicted_count == 0, "%s: node %u has removed one", forgeries[_i].name, id);
	}
}
END_TEST

/* A member that leaves is removed at once if its kernel refuses the question, and soon if packets to it are lost. */
START_TEST(a_member_that_leaves_is_out_of_the_ring_soon)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	net->refuses = _i == 0;
	net->refusals_left = 6;
	totem_engine_leave(node_of(3)->engine, net->now_ns);
	node_crash(3);
	run_until_ring(2, _i == 0 ? 10 : 50);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("input");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_add_test(tcase, bad_tokens_are_dropped);
	tcase_add_test(tcase, bad_frames_are_dropped);
	tcase_add_test(tcase, a_forged_frame_does_not_stop_the_ring);
	tcase_add_loop_test(tcase, a_forged_frame_is_not_in_the_way_of_our_own, 1, 3);
	tcase_add_loop_test(tcase, residues_do_not_stop_the_ring, 0, 2);
	tcase_add_test(tcase, what_nobody_may_write_goes_no_further);
	tcase_add_test(tcase, a_commit_token_with_invented_arus_costs_at_most_a_store);
	tcase_add_test(tcase, a_flag_of_nobody_does_not_stop_a_recovery);
	tcase_add_test(tcase, nothing_wraps_on_a_long_lived_ring);
	tcase_add_test(tcase, a_join_in_our_name_is_not_ours);
	tcase_add_test(tcase, bad_joins_are_dropped);
	tcase_add_test(tcase, bad_commit_tokens_are_dropped);
	tcase_add_test(tcase, a_refused_commit_token_leaves_the_last_attempt);
	tcase_add_test(tcase, damaged_packets_of_every_type);
	tcase_add_test(tcase, a_forged_leave_removes_no_member_that_answers);
	tcase_add_loop_test(tcase, nor_behind_forged_joins, 0, (int)(sizeof(forgeries) / sizeof(forgeries[0])));
	tcase_add_loop_test(tcase, a_member_that_leaves_is_out_of_the_ring_soon, 0, 2);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}
