/* SPDX-License-Identifier: BSD-3-Clause */
/* Choose the frames that may be delivered now: book ring, "Delivery" and book membership, "Installation". */
#include "exec/totem/deliver.h"

#include <assert.h>

#include "exec/totem/state.h"

#define USUAL_SIZE 1500u /* bytes of a frame. A larger one counts as several */

bool deliver_is_safe(const struct totem_engine *engine)
{
	return (engine->installed.features & WIRE_FEATURE_SAFE) != 0;
}

static bool deliver_message(
	void *arg, uint32_t source, const struct iovec *iov, size_t count, size_t size, bool is_swapped)
{
	struct totem_engine *engine = arg;
	const struct totem_message message = {
		.source = source,
		.is_swapped = is_swapped,
		.iov = iov,
		.count = count,
		.size = size,
		.seq = engine->delivery.high,
		.place = unpack_place(engine->delivery.unpack),
	};

	engine->counters.messages_rx++;
	engine->callbacks.deliver(engine->arg, &message);
	return !engine->delivery.is_stopped;
}

/* Deliver the messages of a frame, up to a yield. */
static void deliver_frame(struct totem_engine *engine, const struct store_slot *slot)
{
	struct coterie_frame *frame = slot->frame;
	uint64_t malformed = unpack_counters(engine->delivery.unpack)->malformed;
	uint32_t source = slot->source;
	enum unpack_rule rule = engine->installed.features != 0 ? UNPACK_BETTER : UNPACK_REFERENCE;

	assert(frame != NULL && frame->size >= WIRE_MCAST_HEADER_SIZE);
	if (slot->is_encapsulated)
		return; /* a frame of a recovery: its content belongs to the old ring */
	if (source != engine->delivery.turn_source) {
		engine->delivery.turns++;
		engine->delivery.turn_source = source;
	}
	/* If this fails, the message was dropped for lack of memory. The unpacker has counted it. */
	engine->delivery.is_stopped = false;
	engine->delivery.is_partial = unpack_frame(engine->delivery.unpack, source, frame,
					      frame->data + WIRE_MCAST_HEADER_SIZE,
					      frame->size - WIRE_MCAST_HEADER_SIZE, slot->is_swapped,
					      engine->delivery.is_sync, rule, deliver_message, engine) > 0;
	if (unpack_counters(engine->delivery.unpack)->malformed != malformed)
		core_refuse(engine, TOTEM_REFUSED_PACKET, source);
}

/* Deliver what is left of the last frame, up to a yield. */
static void deliver_partial(struct totem_engine *engine)
{
	engine->delivery.is_stopped = false;
	if (engine->delivery.is_partial)
		engine->delivery.is_partial = unpack_resume(engine->delivery.unpack) > 0;
}

/* Deliver a whole frame. */
static void deliver_whole(struct totem_engine *engine, const struct store_slot *slot)
{
	deliver_frame(engine, slot);
	while (engine->delivery.is_partial)
		deliver_partial(engine);
}

/* Return whether all members are known to have all frames up to seq: book ring, "The aru". */
static bool is_received_by_all(const struct totem_engine *engine, uint32_t seq)
{
	if (TOTEM_MUTANT(engine, SAFE_AS_AGREED))
		return true;
	if (TOTEM_MUTANT(engine, SAFE_ONE_TOKEN))
		return engine->aru.known >= 1 && seq_compare(seq, engine->aru.last) <= 0;
	return aru_covers(&engine->aru, seq);
}

/* Return whether the ring in force allows to deliver the frame in this slot, once those before it are delivered. */
static bool is_allowed(const struct totem_engine *engine, const struct store_slot *slot, uint32_t seq)
{
	return slot != NULL && (!slot->is_safe || !deliver_is_safe(engine) || is_received_by_all(engine, seq));
}

static bool is_ready(const struct totem_engine *engine, uint32_t seq)
{
	return is_allowed(engine, store_find(&engine->store, seq), seq);
}

/* Return the last frame that may be delivered, unless something stands before it. */
static uint32_t last_of(const struct totem_engine *engine)
{
	return engine->state == TOTEM_OPERATIONAL ? engine->store.high_seq : engine->delivery.due;
}

/*
 * Return how many frames this event must deliver, so that the store has room for what the other members send until the
 * token is here again. They do not know of the backlog, and compute the room from the frames that all have received. One
 * rotation fills half of a store at most (flow_allowed_new).
 */
static uint32_t pressing(const struct totem_engine *engine)
{
	uint32_t room = store_room(engine) / 2;
	uint32_t until = engine->pass.token.seq - room;

	return seq_compare(until, engine->delivery.high) > 0 ? until - engine->delivery.high : 0;
}

/*
 * Return the share of an event: as many frames as have arrived since the last event, and some of the backlog. So no
 * backlog grows.
 */
static struct share share_of(struct totem_engine *engine)
{
	uint32_t frames = engine->options.deliver_frames;
	uint32_t fresh = engine->store.puts - engine->delivery.seen;
	uint32_t pressed = pressing(engine);
	struct share share = {.rest = frames == 0 ? UINT64_MAX : (uint64_t)frames * USUAL_SIZE};

	engine->delivery.seen = engine->store.puts;
	if (engine->state == TOTEM_OPERATIONAL) /* in a ring that has ended the backlog does not grow */
		share.free = fresh > pressed ? fresh : pressed;
	return share;
}

/* Return whether one more frame of this size may be delivered, and subtract it. */
static bool share_take(struct share *share, uint32_t size)
{
	uint32_t cost = size > USUAL_SIZE ? size : USUAL_SIZE;

	if (share->free > 0) {
		share->free--;
		return true;
	}
	if (share->rest == 0)
		return false;
	share->rest -= share->rest < cost ? share->rest : cost;
	return true;
}

/*
 * Deliver what can be delivered, and is in the share, up to a yield. Return whether it has yielded, and something is
 * left.
 */
static bool deliver_share(struct totem_engine *engine)
{
	struct store *store = &engine->store;

	deliver_partial(engine);
	while (engine->delivery.high != last_of(engine) && !engine->delivery.is_stopped) {
		uint32_t seq = engine->delivery.high + 1;
		struct store_slot *slot = store_find(store, seq);

		if (slot == NULL && TOTEM_MUTANT(engine, DELIVER_PAST_HOLE)) {
			engine->delivery.high = seq;
			continue;
		}
		if (engine->state == TOTEM_OPERATIONAL && !is_allowed(engine, slot, seq))
			break;
		if (!share_take(&engine->delivery.share, slot->frame->size)) {
			timer_set(engine, TOTEM_TIMER_DELIVER, 0);
			break;
		}
		engine->delivery.high = seq;
		if (TOTEM_MUTANT(engine, DELIVER_SWAPPED) && store_find(store, seq + 1) != NULL) {
			engine->delivery.high = seq + 1;
			deliver_whole(engine, store_find(store, seq + 1));
		}
		deliver_frame(engine, slot);
		if (TOTEM_MUTANT(engine, DELIVER_TWICE) && seq == engine->recovery.install_seq + 1) {
			deliver_partial(engine);
			deliver_whole(engine, slot);
		}
	}
	assert(TOTEM_MUTANT(engine, DELIVER_PAST_HOLE) ||
		seq_compare(store->released, engine->delivery.high) <= 0); /* property I1 */
	return engine->delivery.is_stopped && (engine->delivery.is_partial || engine->delivery.high != last_of(engine));
}

/* Note whether the delivery has yielded. T-deliver goes on. */
static void note_yield(struct totem_engine *engine, bool has_yielded)
{
	engine->delivery.has_yielded = has_yielded;
	if (has_yielded)
		timer_set(engine, TOTEM_TIMER_DELIVER, 0);
}

static void begin_share(struct totem_engine *engine)
{
	if (engine->delivery.has_yielded)
		return;
	engine->delivery.share = share_of(engine);
	note_yield(engine, deliver_share(engine));
}

void deliver_ready(struct totem_engine *engine)
{
	if (engine->state == TOTEM_OPERATIONAL)
		begin_share(engine);
}

void deliver_resume(struct totem_engine *engine)
{
	if (!engine->delivery.has_yielded) {
		begin_share(engine);
		return;
	}
	note_yield(engine, deliver_share(engine));
	/* Packets and other timers come before the next share of a backlog. */
	if (engine->delivery.high != last_of(engine))
		timer_set(engine, TOTEM_TIMER_DELIVER, 0);
}

void deliver_finish(struct totem_engine *engine)
{
	while (engine->delivery.has_yielded)
		engine->delivery.has_yielded = deliver_share(engine);
}

void deliver_rest(struct totem_engine *engine)
{
	engine->delivery.share = (struct share){.rest = UINT64_MAX};
	engine->delivery.has_yielded = true;
	deliver_finish(engine);
}

/* The delivery goes on while another ring is being formed. */
void deliver_end(struct totem_engine *engine)
{
	uint32_t due = engine->delivery.high;

	while (is_ready(engine, due + 1))
		due++;
	engine->delivery.due = due;
	if (due != engine->delivery.high)
		timer_set(engine, TOTEM_TIMER_DELIVER, 0);
}

void totem_engine_yield(struct totem_engine *engine) { engine->delivery.is_stopped = true; }

bool totem_engine_has_yielded(const struct totem_engine *engine) { return engine->delivery.has_yielded; }

/* Return whether an installation has delivered what it had to. If not, it has yielded. */
static bool is_complete(struct totem_engine *engine)
{
	note_yield(engine, engine->delivery.is_stopped);
	return !engine->delivery.has_yielded;
}

/*
 * Deliver the rest of the old regular configuration: all frames before the first hole. With safe delivery
 * (book membership, "Safe delivery across a change") also stop at the first safe frame that no companion is
 * known to have delivered. Perhaps no other node has received it.
 */
bool deliver_regular(struct totem_engine *engine)
{
	struct store *store = &engine->store;
	bool is_safe = deliver_is_safe(engine) && !TOTEM_MUTANT(engine, SAFE_CHANGE_IGNORED);

	engine->delivery.is_behind_hole = false;
	deliver_partial(engine);
	while (engine->delivery.high != store->high_seq && !engine->delivery.is_stopped) {
		uint32_t seq = engine->delivery.high + 1;
		struct store_slot *slot = store_find(store, seq);

		if (slot == NULL ||
			(is_safe && slot->is_safe && seq_compare(seq, engine->recovery.high_ring_delivered) > 0))
			break;
		engine->delivery.high = seq;
		deliver_frame(engine, slot);
	}
	return is_complete(engine);
}

/*
 * Deliver the remaining frames, in the transitional configuration, and skip holes. A frame behind a hole may depend on
 * a lost frame. So it is delivered only if its sender is a companion, which delivers the same frames.
 */
bool deliver_transitional(struct totem_engine *engine)
{
	struct store *store = &engine->store;

	deliver_partial(engine);
	while (engine->delivery.high != store->high_seq && !engine->delivery.is_stopped) {
		uint32_t seq = engine->delivery.high + 1;
		struct store_slot *slot = store_find(store, seq);
		bool is_behind_hole = engine->delivery.is_behind_hole |= slot == NULL;

		engine->delivery.high = seq;
		if (slot == NULL || (TOTEM_MUTANT(engine, TRANSITIONAL_EMPTY) && is_behind_hole))
			continue;
		if (is_behind_hole && !node_set_has(&engine->recovery.deliver, slot->source) &&
			!TOTEM_MUTANT(engine, TRANSITIONAL_UNFILTERED))
			continue;
		deliver_frame(engine, slot);
	}
	return is_complete(engine);
}

/* Drop the unfinished messages of nodes that have left: no node will send their last parts. */
void deliver_forget_left(struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->installed.left.count && !TOTEM_MUTANT(engine, FRAGMENT_JOINED); i++)
		unpack_forget(engine->delivery.unpack, engine->installed.left.ids[i]);
}

void deliver_begin(struct totem_engine *engine, uint32_t seq)
{
	engine->delivery.high = engine->delivery.due = seq;
	engine->delivery.seen = engine->store.puts;
	engine->delivery.is_sync = true;
}

void deliver_synchronized(struct totem_engine *engine) { engine->delivery.is_sync = false; }

uint32_t deliver_take_turns(struct totem_engine *engine)
{
	uint32_t turns = engine->delivery.turns;

	engine->delivery.turns = 0;
	return turns;
}
