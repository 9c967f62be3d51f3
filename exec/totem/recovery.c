/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The recovery: members of one old ring exchange the frames that some of them lack (book membership, "Recovery"). These
 * frames are sent inside frames of the new ring. A receiver puts them into the store of the old ring at once.
 */
#include "exec/totem/recovery.h"

#include <assert.h>

#include "exec/totem/frame.h"
#include "exec/totem/state.h"

#define STUCK_VISITS 100u
/* At one of so many visits the flag can be set for nodes of Corosync. */
#define RESET_VISITS 2u
/*
 * The most by which the seqs of one member can be ahead of the seq that another one has freed: the size of both stores.
 */
#define AHEAD_MAX (2 * STORE_WINDOW)

/*
 * Return how far a seq in another member's entry is ahead of the highest seq that this node has freed. All members have
 * the freed frames, and none is further ahead than AHEAD_MAX. Any other value is forged, or belongs to another ring,
 * and counts as 0. Seqs that are 2^31 or more apart have no order.
 */
static uint32_t ahead_of_freed(const struct totem_engine *engine, uint32_t seq)
{
	uint32_t ahead = seq - engine->store.released;

	return ahead <= AHEAD_MAX ? ahead : 0;
}

/*
 * Find the companions: the members whose entries name the same old ring as the entry of this node. Return whether one
 * of them lacks a frame.
 */
static bool find_companions(struct totem_engine *engine)
{
	const struct commit *commit = &engine->commit;
	struct ring_id past = engine->recovery.is_promised ? engine->recovery.promise : engine->installed.ring;
	bool is_needed = false;

	node_set_clear(&engine->recovery.trans);
	for (uint32_t i = 0; i < engine->commit.memb.count; i++) {
		uint32_t id = engine->commit.memb.ids[i];
		const struct wire_commit_entry *entry = &commit->entries[i];

		if (!node_set_has(&engine->installed.memb, id))
			continue;
		if (!ring_id_equal(&entry->ring, &past) && !TOTEM_MUTANT(engine, RECOVERY_ALL_OLD))
			continue;
		set_add(&engine->recovery.trans, id);
		is_needed |= entry->received_flg == 0;
		engine->recovery.high_ring_delivered = seq_max(engine->recovery.high_ring_delivered,
			engine->store.released + ahead_of_freed(engine, entry->high_delivered));
	}
	return is_needed;
}

/*
 * Return the seq above which frames are sent again: the lowest aru of all companions. All of them have the freed
 * frames.
 */
static uint32_t lowest_aru(const struct totem_engine *engine)
{
	uint32_t ahead = engine->store.high_seq - engine->store.released;

	for (uint32_t i = 0; i < engine->commit.memb.count; i++) {
		uint32_t theirs = ahead_of_freed(engine, engine->commit.entries[i].aru);

		if (node_set_has(&engine->recovery.trans, engine->commit.memb.ids[i]) && theirs < ahead)
			ahead = theirs;
	}
	assert(ahead <= STORE_WINDOW);
	return engine->store.released + ahead;
}

void recovery_enter(struct totem_engine *engine)
{
	uint32_t base = engine->options.first_seq;

	engine->recovery.features = extension_agreed(engine);
	flow_begin_window(engine, extension_capacity(engine) * (TOTEM_MUTANT(engine, EARLY_OVERRUN) ? 2 : 1),
		early_rotations(engine));
	owed_forget(engine);
	store_reset(&engine->rstore, base);
	pass_begin(engine);
	aru_begin(engine);
	engine->recovery.install_seq = base;
	if (!TOTEM_QUIRK(engine, COUNTS_KEPT)) {
		engine->recovery.flg_count = 0;
		engine->recovery.rotations = 0;
	}
	engine->recovery.is_flg_mine = false;
	engine->recovery.has_raised = false;
	engine->recovery.visits = 0;
	engine->place = TOKEN_NONE;
	if (!engine->recovery.is_promised)
		engine->recovery.high_ring_delivered = engine->delivery.due;
	if (find_companions(engine) || TOTEM_MUTANT(engine, SAFE_PROMISE_FORGOTTEN)) {
		/* Those who have installed the ring of an earlier attempt may not have all frames that come now. */
		engine->recovery.is_prepared &= engine->recovery.is_promised;
		set_copy(&engine->recovery.deliver, &engine->recovery.trans);
		owed_begin(engine, lowest_aru(engine));
	}
	engine->counters.recovery_entered++;
	engine->counters.continuous_gather = 0;
	core_set_state(engine, TOTEM_RECOVERY, 0);
	timer_start_token(engine);
}

void recovery_note_received(struct totem_engine *engine, bool is_received)
{
	engine->recovery.received_flg = is_received;
}

/*
 * Return whether this node sets the flag though it owes nothing. A node of Corosync keeps its counts of a recovery that
 * has failed, and would install this ring too early, without all frames of the old one. The flag sets its counts to zero
 * (book compatibility, "Repaired rules"). A representative does not see a flag that it has set itself and takes back at
 * its first visit, so the flag is set at the second visit then.
 */
static bool resets_counts(const struct totem_engine *engine)
{
	return engine->recovery.features == 0 && !engine->recovery.has_raised &&
	       engine->recovery.visits < RESET_VISITS && !TOTEM_QUIRK(engine, COUNTS_KEPT) &&
	       !TOTEM_MUTANT(engine, COUNTS_NOT_RESET);
}

static void raise_flag(struct totem_engine *engine)
{
	engine->recovery.is_flg_mine = engine->recovery.has_raised = true;
}

bool recovery_raise_flag(struct totem_engine *engine)
{
	if (engine->owed.count > 0 || resets_counts(engine))
		raise_flag(engine);
	engine->recovery.visits++;
	return engine->recovery.is_flg_mine;
}

void recovery_leave(struct totem_engine *engine)
{
	owed_forget(engine);
	store_reset(&engine->rstore, engine->options.first_seq);
}

/* Ignore an inner frame that is malformed or of another ring. The outer frame keeps its place in the new order. */
bool recovery_frame(struct totem_engine *engine, const struct wire_mcast *outer, struct coterie_frame *frame)
{
	struct wire_header header;
	struct wire_mcast inner;
	const uint8_t *bytes = outer->payload;

	if (wire_decode_header(bytes, outer->payload_size, &header) != WIRE_OK || header.type != WIRE_MCAST ||
		wire_decode_mcast(bytes, outer->payload_size, &inner) != WIRE_OK || inner.encapsulated != 2 ||
		inner.nodeid != inner.system_from) {
		core_refuse(engine, TOTEM_REFUSED_FRAME, outer->system_from);
		return true;
	}
	if (!ring_id_equal(&inner.ring, &engine->installed.ring) ||
		!node_set_has(&engine->recovery.trans, outer->system_from) ||
		!node_set_has(&engine->installed.memb, inner.system_from))
		return true; /* the frame is of another old ring */

	if (!store_fits(&engine->store, inner.seq))
		return true; /* freed, so all members have it */

	struct store_slot *slot = store_find(&engine->store, inner.seq);

	if (slot != NULL) {
		/* Another member has sent the frame, so this node does not owe it any more. */
		if (slot->is_owed && !TOTEM_QUIRK(engine, RESEND_ALL))
			owed_drop(engine, slot);
		return true;
	}
	if (TOTEM_MUTANT(engine, RECOVERY_NO_ADOPT))
		return true;

	struct coterie_frame *slice = frame_slice(frame, (size_t)(outer->payload - frame->data), outer->payload_size);

	if (slice == NULL)
		return false;
	if (store_put(&engine->store, &inner, slice)) {
		store_advance(&engine->store);
		core_trace_frame(engine, TOTEM_TRACE_RECEIVED, &engine->installed.ring, inner.seq, inner.system_from);
	}
	frame_unref(slice);
	return true;
}

bool recovery_is_stuck(const struct totem_engine *engine, const struct wire_token *token)
{
	return engine->state == TOTEM_RECOVERY && engine->owed.count == 0 && token->aru == token->seq &&
	       engine->pass.unchanged > STUCK_VISITS &&
	       engine->now_ns - engine->pass.changed_ns >= engine->options.token_ns;
}

void recovery_end(struct totem_engine *engine)
{
	engine->recovery.received_flg = !deliver_is_safe(engine);
	engine->recovery.is_promised = engine->recovery.is_prepared = false;
	engine->recovery.flg_count = 0;
	engine->recovery.rotations = 0;
	node_set_clear(&engine->recovery.deliver);
}

void recovery_withdraw(struct totem_engine *engine)
{
	engine->recovery.received_flg = engine->recovery.is_promised = engine->recovery.is_prepared = false;
	node_set_clear(&engine->recovery.deliver);
}

/*
 * Of the frames of the ring, all up to install_seq belong to the recovery, and their content is in the old store. Members
 * that have installed the ring send later ones again, so none is needed here.
 */
void recovery_resume(struct totem_engine *engine, const struct node_set *trans, uint32_t install_seq, uint64_t features)
{
	set_copy(&engine->recovery.trans, trans);
	engine->recovery.install_seq = install_seq;
	engine->recovery.features = features;
	owed_forget(engine);
	store_reset(&engine->rstore, install_seq);
}

/* No ring has this seq: ring seqs grow by 4, and a restart adds 1. */
uint64_t recovery_promise_seq(const struct totem_engine *engine) { return engine->recovery.prepared.seq + 2; }

/* Note that this node has all frames of the recovery. From here on other members may install this ring. */
static void prepare(struct totem_engine *engine)
{
	engine->recovery.is_prepared = true;
	engine->recovery.prepared = engine->ring;
	if (engine->recovery.received_flg)
		return;
	engine->recovery.received_flg = true;
	set_copy(&engine->recovery.deliver, &engine->recovery.trans);
	if (!deliver_is_safe(engine) || engine->recovery.trans.count == 0)
		return;
	/*
	 * Members that install this ring rely on the promise of this node. The id names this attempt and its
	 * transitional set, since the transitional sets of one ring are disjoint.
	 */
	engine->recovery.is_promised = true;
	engine->recovery.promise = (struct ring_id){
		.rep = engine->recovery.trans.ids[0],
		.seq = recovery_promise_seq(engine),
	};
}

bool recovery_step(struct totem_engine *engine, struct wire_token *token)
{
	const struct store *store = &engine->rstore;

	if (engine->owed.count > 0 || resets_counts(engine)) {
		if (token->retrans_flg == 0) {
			token->retrans_flg = 1;
			raise_flag(engine);
		}
	} else if (token->retrans_flg == 1 && engine->recovery.is_flg_mine) {
		token->retrans_flg = 0;
		engine->recovery.is_flg_mine = false;
	}
	if (engine->recovery.visits < RESET_VISITS)
		engine->recovery.visits++;
	engine->recovery.flg_count = token->retrans_flg == 0 ? engine->recovery.flg_count + 1 : 0;
	if (engine->recovery.flg_count == 2)
		engine->recovery.install_seq = token->seq;
	if (engine->recovery.flg_count >= 2 && seq_compare(engine->recovery.install_seq, store->aru) <= 0)
		prepare(engine);
	if (engine->recovery.flg_count >= (TOTEM_MUTANT(engine, RECOVERY_EARLY) ? 1 : 3) &&
		(seq_compare(engine->recovery.install_seq, token->aru) <= 0 || TOTEM_MUTANT(engine, RECOVERY_EARLY)))
		engine->recovery.rotations++;
	else
		engine->recovery.rotations = 0;
	return engine->recovery.rotations >= (TOTEM_MUTANT(engine, RECOVERY_EARLY) ? 1 : 2);
}
