/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/check_ring.h"

#include <inttypes.h>

/* Return the number of frames 1 .. seq of a ring. Seqs and arus start at first_seq, which means "no frame". */
static int32_t count_of(const struct history *history, uint32_t seq) { return seq_compare(seq, history->first_seq); }

static uint32_t id_of(const struct history *history, uint32_t node) { return history->ids[node]; }

void rings_named(struct history *history, struct life *life, uint64_t seq, const char *where)
{
	if (seq > life->stored_seq && seq != life->first_seq)
		report_violation(history->report, "C9", BIT(life->node), NULL,
			"node %u names ring sequence %" PRIx64 " in %s; %" PRIx64 " is what it stored",
			id_of(history, life->node), seq, where, life->stored_seq);
}

/* A node that is further above the seq at which it began has taken over the seq of another node. */
#define OWN_SEQ_MAX (1u << 20)

/* Return whether a member of the ring still runs that was there before this life began. */
static bool is_remembered(const struct history *history, const struct life *life, const struct ring_record *ring)
{
	for (uint32_t node = 0; node < history->node_count; node++)
		if ((ring->members & BIT(node)) != 0 && node != life->node && history->present[node] != NULL &&
			history->present[node]->number < life->number)
			return true;
	return false;
}

void rings_id_again(struct history *history, struct life *life, const struct ring_record *ring)
{
	if (!is_remembered(history, life, ring))
		return;
	if (life->is_reference || ring->id.seq > life->fresh_seq + OWN_SEQ_MAX)
		history->report->is_tainted = true;
	else
		report_violation(history->report, "C10", BIT(life->node), &ring->id,
			"node %u forms another ring with the id %x.%" PRIx64, id_of(history, life->node), ring->id.rep,
			ring->id.seq);
}

/*
 * Return whether the node may install the ring too early: it is like Corosync, and counts on from a recovery that has
 * failed (recovery.c). A node of ours ends that in the first rotation, for the members behind it.
 */
static bool may_be_early(const struct history *history, const struct life *life, const struct ring_record *ring)
{
	uint32_t id = id_of(history, life->node);

	for (uint32_t node = 0; node < history->node_count; node++) {
		const struct life *other = history->present[node];

		if ((ring->members & BIT(node)) != 0 && other != NULL && !other->is_reference &&
			id_of(history, node) < id)
			return false;
	}
	return life->is_reference;
}

/* Return whether a difference is excused, since the node may be early. The run is tainted then. */
static bool is_excused(struct history *history, bool is_early)
{
	history->report->is_early |= is_early && !history->report->is_tainted;
	history->report->is_tainted |= is_early;
	return is_early;
}

bool rings_frame_sent(struct history *history, struct life *life, struct ring_record *ring, uint32_t at,
	uint32_t originator, uint64_t hash, bool is_message)
{
	struct frame_record *frame = &ring->frames[at];

	if (frame->is_known || originator != life->node) {
		if (!frame->is_known || frame->hash != hash || history->lives[frame->life]->node != originator)
			report_violation(history->report, "I3", BIT(life->node) | BIT(originator), &ring->id,
				"node %u sends frame %u of %x.%" PRIx64 ", by %u, but another one has that place "
				"or its bytes changed",
				id_of(history, life->node), at + 1, ring->id.rep, ring->id.seq,
				id_of(history, originator));
		return false;
	}
	frame->is_known = true;
	frame->hash = hash;
	frame->life = life->number;
	history_received(history, ring, at, life->node);
	if (is_message && (ring->members & ~ring->installed) != 0 &&
		!is_excused(history, may_be_early(history, life, ring)))
		report_violation(history->report, "I8", BIT(life->node) | (ring->members & ~ring->installed), &ring->id,
			"node %u sends message frame %u of %x.%" PRIx64 " before every member "
			"installed that ring",
			id_of(history, life->node), at + 1, ring->id.rep, ring->id.seq);
	return true;
}

static void check_hop(struct history *history, struct life *life, struct ring_record *ring,
	const struct wire_token *token, uint64_t hash)
{
	struct hop *hop = &ring->hops[token->token_seq % HOPS];

	if (hop->is_used && seq_compare(token->token_seq, hop->token_seq) < 0)
		return; /* a very late retransmission */
	if (hop->is_used && hop->token_seq == token->token_seq) {
		if (hop->node != life->node)
			report_violation(history->report, "I3", BIT(life->node) | BIT(hop->node), &ring->id,
				"nodes %u and %u both send token %u of %x.%" PRIx64, id_of(history, hop->node),
				id_of(history, life->node), token->token_seq, ring->id.rep, ring->id.seq);
		else if (hop->hash != hash)
			report_violation(history->report, "I9", BIT(life->node), &ring->id,
				"node %u sends token %u of %x.%" PRIx64 " again with other contents",
				id_of(history, life->node), token->token_seq, ring->id.rep, ring->id.seq);
	}
	*hop = (struct hop){.hash = hash, .token_seq = token->token_seq, .node = life->node, .is_used = true};
}

void rings_token_sent(struct history *history, struct life *life, struct ring_record *ring,
	const struct wire_token *token, uint64_t hash, uint32_t window_size)
{
	check_hop(history, life, ring, token, hash);
	if (seq_compare(token->aru, token->seq) > 0)
		report_violation(history->report, "I5", BIT(life->node), &ring->id,
			"node %u sends a token of %x.%" PRIx64 " with aru %u above seq %u", id_of(history, life->node),
			ring->id.rep, ring->id.seq, token->aru, token->seq);
	if (window_size != 0 && token->fcc > window_size)
		report_violation(history->report, "I7", BIT(life->node), &ring->id,
			"node %u sends a token of %x.%" PRIx64 " with %u frames in this rotation, window %u",
			id_of(history, life->node), ring->id.rep, ring->id.seq, token->fcc, window_size);
}

void rings_commit_sent(
	struct history *history, struct life *life, struct ring_record *ring, const struct wire_commit_token *commit)
{
	for (uint32_t i = 0; i < commit->memb_index && i < SIM_NODES_MAX; i++) {
		struct wire_commit_entry entry = wire_commit_entry(commit, i);
		struct commit_record *known = &ring->entries[i];
		uint32_t member = history_node(history, wire_commit_addr(commit, i));
		const struct life *owner = member < SIM_NODES_MAX ? history->present[member] : NULL;

		/*
		 * The first copy of an entry is the reference. A node that returned without storage may accept an early
		 * copy of the same token again, and write another entry.
		 */
		if (i >= ring->commit_index)
			*known = (struct commit_record){
				entry.ring, entry.aru, entry.high_delivered, entry.received_flg, owner, false};
		if (known->life != owner)
			known->is_loose = true;
		if (known->is_loose)
			continue;
		if (!ring_id_equal(&known->ring, &entry.ring) || known->aru != entry.aru ||
			known->high_delivered != entry.high_delivered ||
			(known->received_flg != entry.received_flg && entry.received_flg != 0 && !ring->is_plain))
			report_violation(history->report, "I10", BIT(life->node), &ring->id,
				"node %u changes entry %u of the commit token of %x.%" PRIx64,
				id_of(history, life->node), i, ring->id.rep, ring->id.seq);
	}
	if (commit->memb_index > ring->commit_index)
		ring->commit_index = commit->memb_index;
}

/* ----------------------------------------------------------------------------------- trace events */

static void trace_frame(
	struct history *history, struct life *life, struct ring_record *ring, const struct totem_trace *trace)
{
	uint32_t at;

	if (history_frame(history, ring, trace->seq, &at))
		history_received(history, ring, at, life->node);
}

/*
 * I2: check that a freed frame is at all members. At an installation the old ring's frames may be freed as a whole.
 * Corosync breaks I2: book compatibility, "Repaired rules".
 */
static void trace_freed(
	struct history *history, struct life *life, struct ring_record *ring, const struct totem_trace *trace)
{
	uint32_t at;

	if (trace->state != TOTEM_OPERATIONAL || life->period_count == 0 ||
		life->periods[life->period_count - 1] != ring || !history_frame(history, ring, trace->seq, &at))
		return;

	uint64_t missing = ring->members & ~ring->frames[at].received;

	if (missing != 0 && life->is_reference)
		ring->is_forgotten = true;
	else if (missing != 0)
		report_violation(history->report, "I2", BIT(life->node) | missing, &ring->id,
			"node %u frees frame %u of %x.%" PRIx64 ", which node %u never received",
			id_of(history, life->node), at + 1, ring->id.rep, ring->id.seq,
			id_of(history, (uint32_t)__builtin_ctzll(missing)));
}

/*
 * I3: check that each hop is accepted once. I4: check that all members have the frames up to the lower one of two
 * successive arus.
 */
static void trace_token(
	struct history *history, struct life *life, struct ring_record *ring, const struct totem_trace *trace)
{
	uint32_t aru = (uint32_t)trace->value;

	if (ring->has_token ? trace->seq != ring->accepted + 1 : trace->seq != 0 && trace->seq != history->first_seq)
		report_violation(history->report, "I3", BIT(life->node), &ring->id,
			"node %u accepts token %u of %x.%" PRIx64 "; the last one accepted was %u",
			id_of(history, life->node), trace->seq, ring->id.rep, ring->id.seq, ring->accepted);
	ring->has_token = true;
	ring->accepted = trace->seq;
	ring->visits++;
	if (life->last_token_ring != ring) {
		life->last_token_ring = ring;
		life->last_token_count = 0;
	}
	if (life->last_token_count > 0) {
		uint32_t low = seq_compare(aru, life->last_aru) < 0 ? aru : life->last_aru;

		for (uint32_t node = 0; node < history->node_count; node++)
			if ((ring->members & BIT(node)) != 0 &&
				count_of(history, low) > (int32_t)ring->received_upto[node])
				report_violation(history->report, "I4", BIT(life->node) | BIT(node), &ring->id,
					"node %u saw aru %u and above twice in a row on %x.%" PRIx64 ", but node %u "
					"has only %u frames",
					id_of(history, life->node), low, ring->id.rep, ring->id.seq,
					id_of(history, node), ring->received_upto[node]);
	}
	life->last_aru = aru;
	life->last_token_count++;
}

/*
 * Note the promises of a recovery, which hold even if the recovery fails: the node may have promised to deliver the
 * frames of some members. These are all members whose entries in the commit token name the same old ring.
 * (book membership, "Safe delivery across a change").
 */
static void trace_recovery(struct history *history, struct life *life, struct ring_record *ring)
{
	uint32_t mine = (uint32_t)__builtin_popcountll(ring->members & (BIT(life->node) - 1)), i = 0;

	if (ring->commit_index != ring->member_count)
		report_violation(history->report, "I10", BIT(life->node), &ring->id,
			"node %u enters recovery of %x.%" PRIx64 " with %u of %u entries filled in",
			id_of(history, life->node), ring->id.rep, ring->id.seq, ring->commit_index, ring->member_count);
	life->attempted &= ring->members;
	for (uint32_t node = 0; node < history->node_count; node++) {
		if ((ring->members & BIT(node)) == 0)
			continue;
		if ((life->members & BIT(node)) != 0 &&
			ring_id_equal(&ring->entries[i].ring, &ring->entries[mine].ring))
			life->promised |= BIT(node);
		i++;
	}
}

/* I10: check that a member that takes part in a commit has sent a join with exactly these members. */
static void trace_commit(struct history *history, struct life *life, const struct ring_record *ring)
{
	if (ring->id.rep != id_of(history, life->node) && !life->delays_joins && ring->members != life->wanted)
		report_violation(history->report, "I10", BIT(life->node), &ring->id,
			"node %u commits to %x.%" PRIx64 " with members %" PRIx64 ", but its last join wanted "
			"%" PRIx64 " (masks by index)",
			id_of(history, life->node), ring->id.rep, ring->id.seq, ring->members, life->wanted);
}

static void trace_installed(
	struct history *history, struct life *life, struct ring_record *ring, const struct totem_trace *trace)
{
	uint32_t install_seq = (uint32_t)trace->value;
	bool is_early = may_be_early(history, life, ring);

	/* The early one may be this node, or the one that has installed the ring before. */
	if (ring->has_install_seq && ring->install_seq != install_seq &&
		!is_excused(history, is_early || ring->may_be_early))
		report_violation(history->report, "I8", BIT(life->node) | ring->installed, &ring->id,
			"node %u installs %x.%" PRIx64 " at seq %u, others at %u", id_of(history, life->node),
			ring->id.rep, ring->id.seq, install_seq, ring->install_seq);
	ring->has_install_seq = true;
	ring->install_seq = install_seq;
	ring->may_be_early = is_early;
	for (uint32_t node = 0; node < history->node_count; node++)
		if ((ring->members & BIT(node)) != 0 &&
			count_of(history, install_seq) > (int32_t)ring->received_upto[node] &&
			!is_excused(history, is_early))
			report_violation(history->report, "I8", BIT(life->node) | BIT(node), &ring->id,
				"node %u installs %x.%" PRIx64 " at seq %u, but node %u has only %u recovery "
				"frames",
				id_of(history, life->node), ring->id.rep, ring->id.seq, install_seq,
				id_of(history, node), ring->received_upto[node]);
}

void rings_traced(struct history *history, struct life *life, const struct totem_trace *trace)
{
	struct ring_record *ring = history_find_ring(history, &trace->ring);

	if (ring == NULL)
		return;
	switch (trace->kind) {
	case TOTEM_TRACE_ORDERED:
	case TOTEM_TRACE_RECEIVED:
		trace_frame(history, life, ring, trace);
		break;
	case TOTEM_TRACE_FREED:
		trace_freed(history, life, ring, trace);
		break;
	case TOTEM_TRACE_TOKEN:
		trace_token(history, life, ring, trace);
		break;
	case TOTEM_TRACE_STATE:
		if (trace->value == TOTEM_RECOVERY)
			trace_recovery(history, life, ring);
		else if (trace->value == TOTEM_COMMIT)
			trace_commit(history, life, ring);
		break;
	case TOTEM_TRACE_INSTALLED:
		trace_installed(history, life, ring, trace);
		break;
	case TOTEM_TRACE_STORED:
	case TOTEM_TRACE_REFUSED:
	case TOTEM_TRACE_FAILED_TO_RECEIVE:
	case TOTEM_TRACE_TOKEN_LOST:
	case TOTEM_TRACE_TOKEN_LATE:
	case TOTEM_TRACE_CANNOT_GATHER:
	case TOTEM_TRACE_PAUSED:
	case TOTEM_TRACE_BACKOFF:
	case TOTEM_TRACE_RETRANSMITTED:
	case TOTEM_TRACE_REQUESTED:
	case TOTEM_TRACE_SUSPECTED:
	case TOTEM_TRACE_CLEARED:
	case TOTEM_TRACE_CONVICTED:
	case TOTEM_TRACE_ALONE:
	case TOTEM_TRACE_UNHEARD:
	case TOTEM_TRACE_EVICTED:
	case TOTEM_TRACE_RING_SEQ_LOWERED:
	case TOTEM_TRACE_RING_SEQ_END:
	case TOTEM_TRACE_LEASE:
	case TOTEM_TRACE_WITNESSED:
		break;
	}
}

/* ------------------------------------------------------------------------------------ after a step */

/*
 * Return whether a ring sequence went back without reason. A node may give up a sequence that other nodes refuse
 * because it is too high: correct nodes form no ring with one.
 */
static bool is_behind(uint64_t ring_seq, uint64_t before)
{
	return ring_seq < before && before <= TOTEM_RING_SEQ_JUMP_MAX;
}

void rings_probed(struct history *history, struct life *life, enum totem_state state, const struct ring_id *ring,
	const struct totem_probe *probe)
{
	uint64_t self = BIT(life->node);

	if (state == TOTEM_OPERATIONAL && (seq_compare(probe->released, probe->high_delivered) > 0 ||
						  seq_compare(probe->high_delivered, probe->aru) > 0 ||
						  seq_compare(probe->aru, probe->high_seq) > 0))
		report_violation(history->report, "I1", self, ring,
			"node %u: released %u, high_delivered %u, aru %u, high_seq %u", id_of(history, life->node),
			probe->released, probe->high_delivered, probe->aru, probe->high_seq);
	if (is_behind(ring->seq, probe->old_ring.seq) || is_behind(ring->seq, life->ring_seq))
		report_violation(history->report, "I11", self, ring,
			"node %u: its ring %" PRIx64 " (before: %" PRIx64 "), its old ring %" PRIx64,
			id_of(history, life->node), ring->seq, life->ring_seq, probe->old_ring.seq);
	life->ring_seq = ring->seq;
	if (probe->store_count > 16384 || probe->recovery_store_count > 16384)
		report_violation(history->report, "I12", self, ring, "node %u stores %u and %u frames",
			id_of(history, life->node), probe->store_count, probe->recovery_store_count);
}

void rings_summed(struct history *history, struct life *life, const struct ring_record *ring, uint32_t fcc,
	uint32_t fcc_sum, uint32_t backlog, uint32_t backlog_sum)
{
	if (fcc != fcc_sum || backlog != backlog_sum)
		report_violation(history->report, "I6", BIT(life->node), &ring->id,
			"node %u sends a token with fcc %u and backlog %u; over the members of %x.%" PRIx64
			" they are %u and %u",
			id_of(history, life->node), fcc, backlog, ring->id.rep, ring->id.seq, fcc_sum, backlog_sum);
}

void rings_visited(struct history *history, struct life *life, uint32_t sent, uint32_t max_messages)
{
	if (sent > max_messages)
		report_violation(history->report, "I7", BIT(life->node), NULL,
			"node %u sends %u frames at one visit of the token, allowed are %u", id_of(history, life->node),
			sent, max_messages);
}

void rings_kept_back(struct history *history, struct life *life, uint32_t frames, bool may_wait, uint64_t waited_ns,
	uint64_t waited_ns_max)
{
	if (frames > 0 && !may_wait)
		report_violation(history->report, "W3", BIT(life->node), NULL,
			"node %u has not sent %u frames, and nothing will make it send them before the token",
			id_of(history, life->node), frames);
	else if (frames > 0 && waited_ns > waited_ns_max)
		report_violation(history->report, "W3", BIT(life->node), NULL,
			"node %u keeps %u frames back for %.3f ms, %.3f ms are allowed", id_of(history, life->node),
			frames, (double)waited_ns / 1e6, (double)waited_ns_max / 1e6);
}

void rings_recovered(struct history *history, struct life *life, const struct ring_record *ring, uint32_t queued)
{
	if (queued != 0 && !is_excused(history, may_be_early(history, life, ring)))
		report_violation(history->report, "I8", BIT(life->node), &ring->id,
			"node %u installs %x.%" PRIx64 " while %u recovery frames wait to be sent",
			id_of(history, life->node), ring->id.rep, ring->id.seq, queued);
}

void rings_timers(struct history *history, struct life *life, enum totem_state state, uint32_t armed)
{
	static const struct {
		uint32_t must, must_not;
	} rules[] = {
#define T(name) (1u << TOTEM_TIMER_##name)
		[TOTEM_OPERATIONAL] = {T(TOKEN), T(JOIN) | T(CONSENSUS) | T(SEND_JOIN)},
		[TOTEM_GATHER] = {T(JOIN), T(RETRANSMIT) | T(MERGE)},
		[TOTEM_COMMIT] = {T(TOKEN) | T(RETRANSMIT), T(JOIN) | T(CONSENSUS) | T(SEND_JOIN)},
		[TOTEM_RECOVERY] = {T(TOKEN) | T(RETRANSMIT), T(JOIN) | T(CONSENSUS) | T(SEND_JOIN)},
#undef T
	};

	if ((armed & rules[state].must) != rules[state].must || (armed & rules[state].must_not) != 0)
		report_violation(history->report, "I13", BIT(life->node), NULL,
			"node %u in state %d has timers %x armed; %x must be, %x must not", /* bits by timer number */
			id_of(history, life->node), (int)state, armed, rules[state].must, rules[state].must_not);
}
