/* SPDX-License-Identifier: BSD-3-Clause */
/* Limit the frames of a visit, and send them: book ring, "Flow control" and book ring, "Sending". */
#include "exec/totem/flow.h"

#include <assert.h>
#include <string.h>

#include "exec/totem/frame.h"
#include "exec/totem/state.h"

#define HEAL_ROTATIONS 16u

void flow_begin(struct totem_engine *engine) { engine->flow.trc = engine->flow.pbl = 0; }

void flow_begin_window(struct totem_engine *engine, uint32_t capacity, uint32_t rotations)
{
	window_begin(&engine->flow.window, capacity, engine->commit.memb.count, rotations);
}

void flow_begin_visit(struct totem_engine *engine) { engine->flow.sent = engine->flow.fresh = 0; }

void flow_note_repeated(struct totem_engine *engine, uint32_t count) { engine->flow.sent += count; }

uint32_t flow_window_size(const struct totem_engine *engine, const struct wire_token *token)
{
	const struct window *window = &engine->flow.window;

	if (window->max == 0)
		return engine->options.window_size;
	/* 0: the representative has not chosen a window yet. */
	if (token->window == 0)
		return window_floor(window, engine->options.window_size);
	return token->window < window->max ? token->window : window->max;
}

void flow_steer(struct totem_engine *engine, struct wire_token *token)
{
	if (engine->flow.window.max == 0)
		token->window = 0; /* any other value is forged: no member of this ring writes one */
	if (engine->flow.window.max == 0 || engine->state != TOTEM_OPERATIONAL || !core_is_rep(engine))
		return;

	const struct window_rotation rotation = {
		.now_ns = engine->now_ns,
		.last_ns = engine->rotation.last_ns,
		.shortest_ns = timer_shortest_rotation(engine),
		.target_ns = engine->options.rotation_target_ns,
		.senders = deliver_take_turns(engine),
		.sent = token->fcc,
		.resent = token->resent,
		.floor = engine->options.window_size,
	};

	token->window = window_steer(&engine->flow.window, &rotation);
	token->resent = 0;
}

/* Return how many frames the other members sent in the last rotation. */
static uint32_t sent_by_others(const struct totem_engine *engine, const struct wire_token *token)
{
	return token->fcc > engine->flow.trc ? token->fcc - engine->flow.trc : 0;
}

uint32_t flow_window(const struct totem_engine *engine, const struct wire_token *token)
{
	uint32_t size = flow_window_size(engine, token);
	uint32_t visit_max = engine->flow.window.max == 0 ? engine->options.max_messages : size;

	if (TOTEM_MUTANT(engine, FLOW_UNBOUNDED))
		return WINDOW_MAX;
	/*
	 * fcc includes the frames of this node's last visit, which are subtracted later in this visit. Do not count
	 * them here, so that a lone sender can use the whole window. If a member has a larger window than this node and
	 * uses it up, this node still sends one frame. Receive buffers have room for that.
	 */
	uint32_t others = sent_by_others(engine, token);
	uint32_t window = 1;

	if (TOTEM_MUTANT(engine, FLOW_HALVED))
		others = token->fcc;
	if (others < size || (others == size && engine->flow.window.max == 0))
		window = size - others;
	return window < visit_max ? window : visit_max;
}

uint32_t flow_allowed(const struct totem_engine *engine, const struct wire_token *token, uint32_t waiting)
{
	uint32_t allowed = flow_window(engine, token);
	uint32_t size = flow_window_size(engine, token);
	uint32_t all = token->backlog + waiting - engine->flow.pbl;

	/* The window is shared only while frames of other members wait. */
	if (all != 0 && all != waiting) {
		uint64_t share = (uint64_t)size * engine->flow.pbl / all;

		if (share == 0 && engine->flow.pbl != 0 && engine->flow.window.max != 0)
			share = 1;
		if (share > 0 && share < allowed)
			allowed = (uint32_t)share;
	}
	return allowed;
}

uint32_t flow_allowed_new(const struct totem_engine *engine, const struct wire_token *token, uint32_t allowed)
{
	const struct store *store = engine->state == TOTEM_RECOVERY ? &engine->rstore : &engine->store;
	uint32_t size = flow_window_size(engine, token), room = store_room(engine);

	/* Leave room for what this node and the others may send in a rotation, at most a quarter of the room for each. */
	allowed = allowed < room / 4 ? allowed : room / 4;
	size = size < room / 4 ? size : room / 4;
	return seq_compare(store->released + room - allowed - size, token->seq) < 0 ? 0 : allowed;
}

/*
 * The result is small: frames that wait for several rotations cost twice as much, since they are no longer in the
 * processor's caches when they are sent.
 */
uint32_t flow_wanted(const struct totem_engine *engine, uint32_t total)
{
	uint32_t window = flow_window_size(engine, &engine->pass.token);
	uint32_t others = sent_by_others(engine, &engine->pass.token);

	if (others == 0)
		return window > total / 8 ? window : total / 8;
	return others < window / 2 ? window - others : window / 2 + 1;
}

uint32_t flow_waiting(const struct totem_engine *engine)
{
	if (engine->state == TOTEM_RECOVERY)
		return engine->owed.count;
	if (engine->state != TOTEM_OPERATIONAL)
		return 0;
	return queues_count(engine);
}

void flow_flush(struct totem_engine *engine)
{
	if (engine->state == TOTEM_OPERATIONAL)
		queues_flush(engine);
}

/*
 * fcc and backlog are only changed by differences. So a wrong amount that a lost or forged token leaves in them would
 * slow the ring down, or stop it, for ever. After HEAL_ROTATIONS rotations without a frame or a missing frame the right
 * values are known: those that this node adds itself.
 */
void flow_heal(const struct totem_engine *engine, struct wire_token *token)
{
	if (engine->pass.unchanged < HEAL_ROTATIONS || token->rtr_count > 0 || engine->aru.prev != token->seq ||
		engine->aru.last != token->seq)
		return;
	token->fcc = engine->flow.trc;
	token->backlog = engine->flow.pbl;
}

void flow_account(struct totem_engine *engine, struct wire_token *token, uint32_t waiting)
{
	token->fcc += engine->flow.sent;
	if (!TOTEM_MUTANT(engine, FLOW_NO_ACCOUNT))
		token->fcc -= engine->flow.trc;
	engine->flow.trc = engine->flow.sent;
	token->backlog += waiting - engine->flow.pbl;
	engine->flow.pbl = waiting;
}

static void number_frame(struct totem_engine *engine, struct wire_token *token, struct coterie_frame *frame,
	uint32_t guarantee, uint8_t encapsulated)
{
	struct wire_mcast mcast = {
		.nodeid = engine->options.nodeid,
		.system_from = engine->options.nodeid,
		.seq = token->seq + 1,
		.this_seqno = engine->flow.this_seqno++,
		.ring = engine->ring,
		.guarantee = guarantee,
		.encapsulated = encapsulated,
		.is_swapped = engine->options.swap,
	};
	size_t size = wire_encode_mcast_header(&mcast, engine->options.swap, frame->data, WIRE_MCAST_HEADER_SIZE);

	assert(size == WIRE_MCAST_HEADER_SIZE);
	if (!TOTEM_MUTANT(engine, TOKEN_SEQ_STANDS))
		token->seq = mcast.seq;

	/*
	 * The slot is free: frames that the token does not count were dropped when it arrived, and no frame is accepted
	 * while the token is here.
	 */
	bool is_kept = store_put(core_store(engine), &mcast, frame);

	assert(is_kept || TOTEM_MUTANT(engine, TOKEN_SEQ_STANDS) || TOTEM_MUTANT(engine, TOKEN_DUPLICATE) ||
		TOTEM_MUTANT(engine, TOKEN_FOREIGN));
	frame_unref(frame); /* the store has its own reference */
	if (!is_kept)
		return;
	multicast_add(engine, frame);
	engine->counters.mcast_tx++;

	const struct totem_trace trace = {
		.kind = TOTEM_TRACE_ORDERED,
		.node = engine->options.nodeid,
		.seq = mcast.seq,
		.ring = engine->ring,
		.frame = frame,
	};

	core_trace(engine, &trace);
}

static uint32_t send_queued(struct totem_engine *engine, struct wire_token *token, uint32_t allowed)
{
	uint32_t count = 0;
	bool honours_safe = deliver_is_safe(engine) && !TOTEM_MUTANT(engine, SAFE_UNMARKED);

	while (count < allowed) {
		uint32_t guarantee = TOTEM_AGREED;
		struct coterie_frame *frame = queues_take(engine, &guarantee);

		if (frame == NULL)
			break;
		number_frame(engine, token, frame, honours_safe && guarantee != 0 ? TOTEM_SAFE : TOTEM_AGREED, 2);
		count++;
	}
	return count;
}

/* Put a frame of the old ring into a new frame. The caller writes the outer header. NULL: out of memory. */
static struct coterie_frame *wrap(struct totem_engine *engine, const struct coterie_frame *inner)
{
	uint32_t size = WIRE_MCAST_HEADER_SIZE + inner->size;
	struct coterie_frame *frame = frame_take(engine->pool, size);

	if (frame == NULL)
		return NULL;
	memcpy(frame->data + WIRE_MCAST_HEADER_SIZE, inner->data, inner->size);
	frame->size = size;
	return frame;
}

/* Send frames of the old ring that this node owes, each inside a new frame: book membership, "Recovery". */
static uint32_t send_owed(struct totem_engine *engine, struct wire_token *token, uint32_t allowed)
{
	uint32_t count = 0;

	while (count < allowed && engine->owed.count > 0) {
		struct store_slot *slot = owed_first(engine);
		struct coterie_frame *frame = wrap(engine, slot->frame);

		if (frame == NULL)
			break; /* out of memory: try again at the next visit */
		owed_sent(engine, slot);
		number_frame(engine, token, frame, TOTEM_AGREED, 1);
		count++;
	}
	return count;
}

uint32_t flow_send(struct totem_engine *engine, struct wire_token *token, uint32_t allowed)
{
	uint32_t count = engine->state == TOTEM_RECOVERY ? send_owed(engine, token, allowed)
							 : send_queued(engine, token, allowed);

	if (count > 0)
		store_advance(core_store(engine));
	engine->flow.sent += count;
	engine->flow.fresh += count;
	return count;
}
