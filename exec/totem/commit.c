/* SPDX-License-Identifier: BSD-3-Clause */
/* The commit token's two rotations: book membership, "Commit". */
#include "exec/totem/commit.h"

#include <assert.h>
#include <string.h>

#include "exec/totem/frame.h"
#include "exec/totem/state.h"

/* A node in COMMIT takes so many later attempts at most. A forger could keep it there, and each costs a write to disk. */
#define REPLACED_MAX 3u

/* Return the index of id in the new ring, or the size of that ring. */
static uint32_t index_of(const struct totem_engine *engine, uint32_t id)
{
	uint32_t i = 0;

	while (i < engine->commit.memb.count && engine->commit.memb.ids[i] != id)
		i++;
	return i;
}

/* Send the commit token to the next member, and keep it for T-retransmit. */
static void send_commit(struct totem_engine *engine)
{
	struct commit *commit = &engine->commit;
	const struct node_set *members = &engine->commit.memb;
	size_t size = 41 + 28 * (size_t)members->count + 8 + 8 * (size_t)members->count;
	struct coterie_frame *frame = frame_take(engine->pool, size);
	uint32_t next = index_of(engine, engine->options.nodeid) + 1;
	/* The next member in the list, also in the second rotation. */
	uint32_t target = members->ids[next % members->count];

	commit->token_seq++;
	if (frame == NULL)
		return; /* as if the token was lost: T-token ends the attempt */

	const struct wire_commit_token head = {
		.nodeid = engine->options.nodeid,
		.token_seq = commit->token_seq,
		.ring = commit->ring,
		.memb_index = commit->memb_index,
		.count = members->count,
	};

	frame->size = (uint32_t)wire_encode_commit_token(&head, members->ids, commit->entries,
		commit->has_features ? commit->features : NULL, target, engine->options.swap, frame->data,
		frame->capacity);
	assert(frame->size > 0);
	engine->counters.commit_token_tx++;
	pass_send_saved(engine, frame, target);
	frame_unref(frame);
}

/*
 * Fill in this node's entry. With safe delivery (book membership, "Safe delivery across a change") received_flg is a
 * promise, and only the node that gave it changes it. If an attempt fails after the promise, the node names that
 * attempt as its old ring. So in the next recovery its companions are the nodes that gave the same promise.
 */
static void fill_entry(struct totem_engine *engine, uint32_t index)
{
	struct wire_commit_entry *entries = engine->commit.entries;
	struct wire_commit_entry *mine = &entries[index];
	bool keeps_promises = deliver_is_safe(engine) && !TOTEM_QUIRK(engine, RECEIVED_FLAG);

	if (!keeps_promises)
		recovery_note_received(engine, engine->store.aru == engine->store.high_seq);
	*mine = (struct wire_commit_entry){
		.ring = engine->recovery.is_promised ? engine->recovery.promise : engine->installed.ring,
		.aru = engine->store.aru,
		.high_delivered = engine->delivery.due,
		.received_flg = engine->recovery.received_flg,
	};
	if (keeps_promises)
		return;

	uint32_t most = mine->aru;

	for (uint32_t i = 0; i < index; i++) {
		if (ring_id_equal(&entries[i].ring, &mine->ring))
			most = seq_max(most, entries[i].aru);
	}
	for (uint32_t i = 0; i <= index; i++) {
		if (ring_id_equal(&entries[i].ring, &mine->ring) && seq_compare(entries[i].aru, most) < 0)
			entries[i].received_flg = 0;
	}
	recovery_note_received(engine, mine->received_flg != 0);
}

/* Enter COMMIT: the commit token is here for the first time. `memb_index` entries are filled in. */
static void enter_commit(struct totem_engine *engine)
{
	struct commit *commit = &engine->commit;

	/* Store the ring id before any packet of this node has it: book membership, "Ring ids". */
	if (!TOTEM_MUTANT(engine, RING_ID_NOT_STORED)) {
		if (engine->callbacks.store_ring_id(engine->arg, &commit->ring) < 0)
			return; /* stay in this state: the next join or T-token tries again */
		core_trace_frame(engine, TOTEM_TRACE_STORED, &commit->ring, 0, engine->options.nodeid);
	}
	fill_entry(engine, commit->memb_index);
	extension_fill(engine, commit->memb_index);
	commit->memb_index++;
	engine->ring = commit->ring;
	assert(engine->ring.seq >= engine->installed.ring.seq || engine->installed.ring.seq > TOTEM_RING_SEQ_JUMP_MAX ||
		TOTEM_MUTANT(engine, COMMIT_STALE_RING) || TOTEM_MUTANT(engine, RING_SEQ_REUSED)); /* property I11 */
	flow_begin(engine);
	linger_reset(engine);
	engine->counters.commit_entered++;
	engine->counters.continuous_gather = 0;
	core_set_state(engine, TOTEM_COMMIT, 0);

	timer_cancel(engine, TOTEM_TIMER_JOIN);
	timer_cancel(engine, TOTEM_TIMER_SEND_JOIN);
	timer_cancel(engine, TOTEM_TIMER_CONSENSUS);
	send_commit(engine);
	timer_start_token(engine);
	timer_renew_retransmit(engine);
}

void commit_create(struct totem_engine *engine)
{
	struct commit *commit = &engine->commit;
	uint64_t seq;

	if (engine->state != TOTEM_GATHER && !TOTEM_QUIRK(engine, JOIN_BEFORE_LEAVE_STATE))
		return;
	seq = TOTEM_MUTANT(engine, RING_SEQ_REUSED) ? engine->installed.ring.seq : claim_next(engine);
	if (seq >= TOTEM_RING_SEQ_END - RING_SEQ_STEP) {
		const struct totem_trace trace = {.kind = TOTEM_TRACE_RING_SEQ_END, .ring = engine->ring};

		core_trace(engine, &trace);
		return;
	}
	late_keep(engine);
	set_copy(&engine->commit.memb, &engine->lists.live);
	commit->ring = (struct ring_id){.rep = engine->options.nodeid, .seq = seq + RING_SEQ_STEP};
	commit->token_seq = 0;
	commit->memb_index = 0;
	memset(commit->entries, 0, engine->commit.memb.count * sizeof(commit->entries[0]));
	extension_begin(engine);
	enter_commit(engine);
}

/* Copy the entries of a decoded commit token. Its member list is that of engine->commit. */
static void take_over(struct totem_engine *engine, const struct wire_commit_token *token)
{
	struct commit *commit = &engine->commit;

	assert(token->count == engine->commit.memb.count);
	commit->ring = token->ring;
	commit->token_seq = token->token_seq;
	commit->memb_index = token->memb_index;
	for (uint32_t i = 0; i < token->count; i++)
		commit->entries[i] = wire_commit_entry(token, i);
	extension_copy(engine, token);
}

static bool has_members(const struct wire_commit_token *token, const struct node_set *members)
{
	if (token->count != members->count)
		return false;
	for (uint32_t i = 0; i < token->count; i++) {
		if (wire_commit_addr(token, i) != members->ids[i])
			return false;
	}
	return true;
}

/* Return whether the token has all candidates but nodes that became candidates again after this node's consent. */
static bool lacks_only_restored(struct totem_engine *engine, const struct wire_commit_token *token)
{
	const struct node_set *live = lists_live(engine);
	uint32_t found = 0;

	for (uint32_t i = 0; i < live->count; i++) {
		if (found < token->count && wire_commit_addr(token, found) == live->ids[i])
			found++;
		else if (!peer_was_restored(engine, peer_find(engine, live->ids[i])))
			return false;
	}
	return found == token->count;
}

/*
 * Count the candidates that the token lacks as failed: the others have agreed on the lists that this node had before. If
 * it refused the token, they would wait for it until the token timeout.
 */
static void fail_lacking(struct totem_engine *engine, const struct wire_commit_token *token)
{
	const struct node_set *live = lists_live(engine);

	for (uint32_t i = 0, at = 0; i < live->count; i++) {
		if (at < token->count && wire_commit_addr(token, at) == live->ids[i])
			at++;
		else
			lists_fail(engine, live->ids[i]);
	}
	join_send(engine); /* the last join must have the members of the attempt */
}

/*
 * Handle the commit token of a new attempt in its first rotation: check that its members are the agreed ones, and that
 * the next entry is that of this node.
 */
static void begin_attempt(struct totem_engine *engine, const struct wire_commit_token *token)
{
	if (!claim_is_followed(engine, token->ring.seq) && !TOTEM_MUTANT(engine, COMMIT_STALE_RING))
		return;
	bool lacks = !has_members(token, lists_live(engine));
	if (lacks && !lacks_only_restored(engine, token) && !TOTEM_MUTANT(engine, COMMIT_ANY_MEMBERS))
		return;
	if (!claim_is_believed(engine, token->ring.seq, RING_SEQ_COMMIT_MAX) ||
		token->ring.rep != wire_commit_addr(token, 0) || token->memb_index >= token->count ||
		wire_commit_addr(token, token->memb_index) != engine->options.nodeid) {
		core_refuse(engine, TOTEM_REFUSED_COMMIT, token->nodeid);
		return;
	}
	if (lacks && !TOTEM_MUTANT(engine, COMMIT_ANY_MEMBERS))
		fail_lacking(engine, token);
	/* Only now: the entries of the last attempt belong to its members (belief.c). */
	late_keep(engine);
	node_set_clear(&engine->commit.memb);
	for (uint32_t i = 0; i < token->count; i++)
		set_add(&engine->commit.memb, wire_commit_addr(token, i));
	take_over(engine, token);
	if (!late_settle(engine, token->memb_index, enter_commit))
		enter_commit(engine);
}

/*
 * In the second rotation: return whether ring and members are those that this node committed to. In the entry of this
 * node only received_flg may have changed, and members that lack frames only clear it.
 */
static bool is_committed(const struct totem_engine *engine, const struct wire_commit_token *token)
{
	uint32_t index = index_of(engine, engine->options.nodeid);

	if (!ring_id_equal(&token->ring, &engine->ring) || token->memb_index != token->count)
		return false;
	if (!has_members(token, &engine->commit.memb) || index == token->count)
		return false;

	struct wire_commit_entry entry = wire_commit_entry(token, index);
	const struct wire_commit_entry *mine = &engine->commit.entries[index];

	return ring_id_equal(&entry.ring, &mine->ring) && entry.aru == mine->aru &&
	       entry.high_delivered == mine->high_delivered && entry.received_flg <= mine->received_flg;
}

/*
 * Return whether the commit token has been round twice. token_seq grows with each hop. So a copy from the first
 * rotation that was sent again has a lower token_seq than the commit token that this node sent last. The token of the
 * ring must not be sent before all members are in RECOVERY: it would replace the commit token that this node may have
 * to send again.
 */
static bool is_round_twice(const struct totem_engine *engine, const struct wire_commit_token *token)
{
	return is_committed(engine, token) && seq_compare(token->token_seq, engine->commit.token_seq) >= 0;
}

/*
 * Return whether the token is of a later attempt of the same representative with the same members. It has given up the
 * attempt that this node waits for, whose commit token came here late. The join that said so came even earlier.
 */
static bool is_next_attempt(const struct totem_engine *engine, const struct wire_commit_token *token)
{
	return !engine->pause.is_pausing && !TOTEM_QUIRK(engine, ONE_ATTEMPT) && token->ring.rep == engine->ring.rep &&
	       token->ring.seq > engine->ring.seq && has_members(token, &engine->commit.memb) &&
	       engine->commit.replaced < REPLACED_MAX;
}

static void begin_recovery(struct totem_engine *engine)
{
	recovery_enter(engine);
	send_commit(engine);
	timer_renew_retransmit(engine);
}

void commit_arrived(
	struct totem_engine *engine, struct coterie_frame *frame, void (*past_changed)(struct totem_engine *engine))
{
	struct wire_commit_token token;
	enum wire_refusal refusal = wire_decode_commit_token(frame->data, frame->size, &token);

	if (refusal != WIRE_OK) {
		core_refuse(engine, refusal, 0);
		return;
	}
	if (TOTEM_MUTANT(engine, LATE_GOES_ON))
		past_changed = begin_recovery;
	switch (engine->state) {
	case TOTEM_OPERATIONAL:
		break;
	case TOTEM_GATHER:
		engine->commit.replaced = 0;
		if (!engine->pause.is_pausing)
			begin_attempt(engine, &token);
		break;
	case TOTEM_COMMIT:
		if (is_committed(engine, &token)) {
			take_over(engine, &token);
			if (!late_settle(engine, token.count, past_changed))
				begin_recovery(engine);
		} else if (ring_id_equal(&token.ring, &engine->ring) && token.memb_index == token.count) {
			core_refuse(engine, TOTEM_REFUSED_COMMIT, token.nodeid);
		} else if (is_next_attempt(engine, &token)) {
			engine->commit.replaced++;
			begin_attempt(engine, &token);
		}
		break;
	case TOTEM_RECOVERY:
		if (core_is_rep(engine) && engine->place == TOKEN_NONE && is_round_twice(engine, &token))
			pass_originate(engine, recovery_raise_flag(engine));
		break;
	}
}
