/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive the frames and tokens of a batch: book ring, "Frames that arrive". */
#include "exec/totem/receive.h"

#include "exec/totem/state.h"

/*
 * How far a seq may be ahead of the last token that was here, besides two windows. Other members may have a larger
 * window.
 */
#define SEQ_AHEAD_MAX 4096u
#define FCC_MAX (1 << 20)     /* highest credible number of frames in a rotation */
#define BACKLOG_MAX (1 << 24) /* highest credible number of frames that wait at all members */

/*
 * Return whether no member can have given this seq to a frame since the last token was here:
 * book ring, "Frames that arrive".
 */
static bool is_far_ahead(const struct totem_engine *engine, uint32_t seq)
{
	return seq_compare(seq, engine->pass.token.seq + SEQ_AHEAD_MAX + 2 * engine->options.window_size) > 0;
}

/*
 * Return whether the seq must be forged: while this node holds the token, no other member can give seqs above the
 * token's. A frame with such a seq would take the place of a frame of this node.
 */
static bool is_impossible(const struct totem_engine *engine, uint32_t seq)
{
	return place_is_kept(engine->place) && seq_compare(seq, engine->pass.token.seq) > 0;
}

/*
 * Find out that the successor has the token: another member has sent a frame with a higher seq than the token that this
 * node sent.
 */
static void note_progress(struct totem_engine *engine, const struct wire_mcast *mcast)
{
	if (!engine->repeat.is_progress_seen && mcast->system_from != engine->options.nodeid &&
		seq_compare(mcast->seq, engine->pass.token.seq) > 0)
		timer_note_progress(engine);
}

static void store_own_ring(struct totem_engine *engine, const struct wire_mcast *mcast, struct coterie_frame *frame)
{
	struct store *store = core_store(engine);

	if (mcast->nodeid != mcast->system_from || !node_set_has(core_members(engine), mcast->system_from) ||
		is_far_ahead(engine, mcast->seq) || is_impossible(engine, mcast->seq)) {
		core_refuse(engine, TOTEM_REFUSED_FRAME, mcast->system_from);
		return;
	}
	if (!store_fits(store, mcast->seq) || store_find(store, mcast->seq) != NULL)
		return; /* a duplicate, or too old */
	if (engine->state == TOTEM_RECOVERY && mcast->encapsulated == 1 && !recovery_frame(engine, mcast, frame))
		return; /* out of memory: the frame will be requested again, like a lost one */
	if (!store_put(store, mcast, frame))
		return;
	engine->arrivals.is_store_dirty = true;
	core_trace_frame(engine, TOTEM_TRACE_RECEIVED, &engine->ring, mcast->seq, mcast->system_from);
	note_progress(engine, mcast);
}

bool receive_frame(struct totem_engine *engine, struct coterie_frame *frame)
{
	struct wire_mcast mcast;
	enum wire_refusal refusal = wire_decode_mcast(frame->data, frame->size, &mcast);

	if (refusal != WIRE_OK) {
		core_refuse(engine, refusal, 0);
		return true;
	}
	/* The token that came before this frame may install the ring of the frame, so handle that token first. */
	if (!ring_id_equal(&mcast.ring, &engine->ring) &&
		(engine->arrivals.has_pending || engine->arrivals.is_store_dirty))
		receive_settle(engine);
	if (configure_is_unfinished(engine))
		return false;
	if (!ring_id_equal(&mcast.ring, &engine->ring)) {
		merge_foreign(engine, mcast.system_from, &mcast.ring, true);
		return true;
	}

	switch (engine->state) {
	case TOTEM_OPERATIONAL:
	case TOTEM_RECOVERY:
		store_own_ring(engine, &mcast, frame);
		break;
	case TOTEM_GATHER:
		/* Store a late frame of the installed ring, but not one of a failed attempt. */
		if (ring_id_equal(&engine->ring, &engine->installed.ring))
			store_own_ring(engine, &mcast, frame);
		break;
	case TOTEM_COMMIT:
		engine->counters.rx_msg_dropped++;
		break;
	}
	return true;
}

/* Return whether a count is not credible. It may be negative, because a lost token leaves wrong counts. */
static bool is_absurd(uint32_t count, int32_t most) { return (int32_t)count > most || (int32_t)count < -most; }

/*
 * Return whether a correct member may have sent this token: book compatibility, "Hostile packets". The token may have
 * old requests for frames that are freed.
 */
static bool is_sane(struct totem_engine *engine, const struct wire_token *token)
{
	const struct store *store = core_store(engine);

	/*
	 * A token that the predecessor did not send is a copy for another node, which may have sent the token on
	 * already.
	 */
	if (token->nodeid != core_predecessor(engine) && !TOTEM_MUTANT(engine, TOKEN_FOREIGN))
		return false;
	if (seq_compare(token->aru, token->seq) > 0 || token->seq - token->aru >= STORE_WINDOW ||
		token->seq - store->released > STORE_WINDOW || is_far_ahead(engine, token->seq))
		return false;
	/* Each of these values would stay in the token for as long as the ring exists. */
	if (token->retrans_flg > 1 || is_absurd(token->fcc, FCC_MAX) || is_absurd(token->backlog, BACKLOG_MAX) ||
		(token->aru_addr != 0 && !node_set_has(core_members(engine), token->aru_addr)))
		return false;
	/* The token's seq never falls, and no frame is dropped that this node has acknowledged. */
	if (seq_compare(token->seq, store->released) < 0 ||
		seq_compare(token->seq, seq_min(store->aru, engine->pass.token.seq)) < 0 ||
		(engine->state == TOTEM_OPERATIONAL && seq_compare(token->seq, engine->delivery.high) < 0))
		return false;
	for (uint32_t i = 0; i < token->rtr_count; i++) {
		if (ring_id_equal(&token->rtr[i].ring, &engine->ring) && seq_compare(token->rtr[i].seq, token->seq) > 0)
			return false;
	}
	return true;
}

/* Do what Corosync does with a token before it checks it: book compatibility, "Repaired rules". Tests only. */
static void note_unchecked(struct totem_engine *engine, const struct wire_token *token)
{
	if (TOTEM_QUIRK(engine, IDLE_COUNT))
		pass_note_seq(engine, token->seq);
	if (TOTEM_QUIRK(engine, EARLY_FREE) && engine->state == TOTEM_OPERATIONAL) {
		uint32_t to = seq_min(seq_min(token->aru, engine->aru.last), engine->delivery.high);

		if (seq_compare(to, engine->store.released) > 0)
			store_release(engine, to);
	}
}

void receive_token(struct totem_engine *engine, struct coterie_frame *frame)
{
	struct wire_token token;
	enum wire_refusal refusal = wire_decode_token(frame->data, frame->size, &token);

	if (refusal != WIRE_OK) {
		core_refuse(engine, refusal, 0);
		return;
	}
	if (engine->state == TOTEM_GATHER || engine->state == TOTEM_COMMIT)
		return;
	note_unchecked(engine, &token);
	if (!ring_id_equal(&token.ring, &engine->ring) && !TOTEM_MUTANT(engine, TOKEN_FOREIGN))
		return;
	if (seq_compare(token.token_seq, engine->pass.tseq) <= 0 && !TOTEM_MUTANT(engine, TOKEN_DUPLICATE))
		return; /* a copy of a token that was accepted before */
	if (!is_sane(engine, &token)) {
		core_refuse(engine, TOTEM_REFUSED_TOKEN, token.nodeid);
		return;
	}
	if (engine->arrivals.has_pending && seq_compare(token.token_seq, engine->arrivals.pending.token_seq) <= 0)
		return;
	engine->arrivals.pending = token;
	engine->arrivals.has_pending = true;
}

void receive_settle(struct totem_engine *engine)
{
	if (engine->arrivals.is_store_dirty) {
		engine->arrivals.is_store_dirty = false;
		store_advance(core_store(engine));
		deliver_ready(engine);
	}
	if (engine->arrivals.has_pending) {
		struct wire_token token = engine->arrivals.pending;

		engine->arrivals.has_pending = false;
		if ((!ring_id_equal(&token.ring, &engine->ring) && !TOTEM_MUTANT(engine, TOKEN_FOREIGN)) ||
			!is_sane(engine, &token))
			return;
		/* A frame with a higher seq than the newest token is forged. */
		if (seq_compare(core_store(engine)->high_seq, token.seq) > 0)
			store_truncate(core_store(engine), token.seq);
		token_visit(engine, &token);
	}
}
