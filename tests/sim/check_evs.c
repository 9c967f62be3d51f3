/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/check_evs.h"

#include <inttypes.h>
#include <stdlib.h>

#include "exec/totem/engine.h"
#include "tests/sim/check_strangers.h"

struct ring_record *evs_ring(const struct life *life)
{
	return life->period_count == 0 ? NULL : life->periods[life->period_count - 1];
}

static bool has_delivered(const struct life *life, const struct message *message)
{
	return (message->delivered & BIT(life->node)) != 0;
}

/*
 * Return whether the message must reach this life. A message that began in an earlier ring must reach the nodes that
 * went through every change since then together with its source (book packing, "Reassembly"). Any other message must
 * reach every member.
 */
bool evs_must_deliver(const struct life *life, const struct message *message)
{
	uint32_t source = message->life->node;

	if (message->start_ring == message->end_ring)
		return !message->is_murky;
	for (uint32_t i = life->period_count; i-- > 0;)
		if (life->periods[i] == message->start_ring)
			return !message->is_murky && life->together_since[source] <= i &&
			       message->start_ring->lives[source] == message->life;
	return false;
}

/* ------------------------------------------------------------------------------- configurations */

static void check_members(struct history *history, struct life *life, const struct ring_id *id,
	const struct totem_configuration *configuration, uint64_t members, bool is_strange)
{
	uint64_t self = BIT(life->node);

	for (uint32_t i = 1; i < configuration->member_count; i++)
		if (configuration->members[i - 1] >= configuration->members[i])
			report_violation(history->report, "C2", self, id,
				"node %u: members of %x.%" PRIx64 " do not ascend", history->ids[life->node], id->rep,
				id->seq);
	if (is_strange || (members & self) == 0 || history->ids[__builtin_ctzll(members | BIT(63))] != id->rep)
		report_violation(history->report, "C2", self, id,
			"node %u: regular configuration %x.%" PRIx64 " of %u members without it, with "
			"strangers, or whose representative is not the lowest",
			history->ids[life->node], id->rep, id->seq, configuration->member_count);
}

/* C6, C7: compare what the node delivered with what each node delivered that entered the same next ring. */
static void check_companions(struct history *history, struct life *life, struct ring_record *next)
{
	struct ring_record *from = evs_ring(life);

	for (uint32_t other = 0; other < history->node_count; other++) {
		uint64_t both = BIT(life->node) | BIT(other);

		if ((next->came & BIT(other)) == 0 || other == life->node)
			continue;

		uint64_t theirs = next->came_with[other];

		if ((life->with & BIT(other)) != 0 && (theirs != life->with || next->came_from[other] != from))
			report_violation(history->report, "C6", both, &next->id,
				"nodes %u and %u go into %x.%" PRIx64 " together, but with different sets or "
				"from different configurations",
				history->ids[life->node], history->ids[other], next->id.rep, next->id.seq);
		if ((life->with & theirs) != 0 && theirs != life->with)
			report_violation(history->report, "C7", both, &next->id,
				"nodes %u and %u go into %x.%" PRIx64 " with sets that overlap and differ",
				history->ids[life->node], history->ids[other], next->id.rep, next->id.seq);
	}
}

static void enter_transitional(struct history *history, struct life *life,
	const struct totem_configuration *configuration, struct ring_record *next, uint64_t with, uint64_t left)
{
	uint64_t self = BIT(life->node);
	uint64_t want = life->period_count == 0 ? 0 : self;

	if (life->is_transitional)
		report_violation(history->report, "C1", self, &configuration->ring,
			"node %u: a transitional configuration follows a transitional one", history->ids[life->node]);
	if ((with & self) != want || (with & ~life->members) != 0 || left != (life->members & ~with))
		report_violation(history->report, "C5", self, &configuration->ring,
			"node %u: transitional set %" PRIx64 ", left %" PRIx64 " of members %" PRIx64
			" (masks by index)",
			history->ids[life->node], with, left, life->members);
	life->is_transitional = true;
	life->next = next;
	life->with = with;
	life->promised |= with;
	check_companions(history, life, next);
	next->came |= self;
	next->came_with[life->node] = with;
	next->came_from[life->node] = evs_ring(life);
	next->came_life[life->node] = life;
	next->came_attempted[life->node] = life->attempted;
	strangers_check(history, life, next);
}

/*
 * Return whether a loss may be excused. A node like Corosync that has freed a frame too early cannot pass it on at the
 * end of the ring.
 */
static bool is_excused(const struct life *life, const struct life *other, const struct ring_record *ring)
{
	return ring->is_forgotten && (life->is_reference || (other != NULL && other->is_reference));
}

/* D7: return whether the loss of a companion's message may be excused. A node never loses its own messages. */
static bool is_loss_excused(const struct life *life, const struct message *message, const struct ring_record *ring)
{
	return message->life != life && is_excused(life, message->life, ring);
}

/* D7, D10, D11: check that the life has delivered all messages that it had to deliver in the ring that it leaves. */
static void check_debts(struct history *history, struct life *life, struct ring_record *ring)
{
	uint64_t self = BIT(life->node);

	for (uint32_t i = 0; i < ring->ended_count; i++) {
		const struct message *message = ring->ended[i];

		if (has_delivered(life, message) || !evs_must_deliver(life, message))
			continue;
		if (i >= life->cursor && (life->with & BIT(message->life->node)) != 0 &&
			!is_loss_excused(life, message, ring))
			report_violation(history->report, "D7", self | BIT(message->life->node), &ring->id,
				"node %u leaves %x.%" PRIx64 " without message %u of %u, which came along",
				history->ids[life->node], ring->id.rep, ring->id.seq, message->id,
				history->ids[message->life->node]);
		if ((message->needed & self) != 0)
			report_violation(history->report, "D10", self, &ring->id,
				"node %u leaves %x.%" PRIx64 " without message %u of %u, which another member "
				"delivered as safe",
				history->ids[life->node], ring->id.rep, ring->id.seq, message->id,
				history->ids[message->life->node]);
	}
}

static void compare_closings(struct history *history, struct life *life, struct ring_record *ring)
{
	const struct closing *mine = &ring->closings[life->node];

	for (uint32_t other = 0; other < history->node_count; other++) {
		const struct closing *theirs = &ring->closings[other];

		if ((mine->with & ring->closed & BIT(other)) == 0 || other == life->node ||
			theirs->next != mine->next || theirs->with != mine->with ||
			is_excused(life, ring->lives[other], ring))
			continue;
		if (theirs->regular_hash != mine->regular_hash || theirs->regular_count != mine->regular_count ||
			theirs->transitional_hash != mine->transitional_hash ||
			theirs->transitional_count != mine->transitional_count)
			report_violation(history->report, "D8", BIT(life->node) | BIT(other), &ring->id,
				"nodes %u and %u went from %x.%" PRIx64 " to %x.%" PRIx64 " together; %u "
				"delivered %u messages and then %u in the transitional configuration, %u "
				"delivered %u and %u, or others",
				history->ids[life->node], history->ids[other], ring->id.rep, ring->id.seq,
				mine->next->id.rep, mine->next->id.seq, history->ids[life->node], mine->regular_count,
				mine->transitional_count, history->ids[other], theirs->regular_count,
				theirs->transitional_count);
	}
}

static void leave_ring(struct history *history, struct life *life, struct ring_record *next)
{
	struct ring_record *ring = evs_ring(life);

	if (ring == NULL)
		return;
	check_debts(history, life, ring);
	ring->closings[life->node] = (struct closing){
		.next = next,
		.with = life->with,
		.regular_hash = life->regular_hash,
		.transitional_hash = life->transitional_hash,
		.regular_count = life->regular_count,
		.transitional_count = life->transitional_count,
	};
	compare_closings(history, life, ring);
	ring->closed |= BIT(life->node);
}

static void push_period(struct life *life, struct ring_record *ring)
{
	if (life->period_count == life->period_capacity) {
		life->period_capacity = life->period_capacity * 2 + 8;
		life->periods = realloc(life->periods, life->period_capacity * sizeof(struct ring_record *));
		if (life->periods == NULL)
			abort();
	}
	for (uint32_t node = 0; node < SIM_NODES_MAX; node++)
		if ((life->with & BIT(node)) == 0)
			life->together_since[node] = life->period_count;
	life->periods[life->period_count++] = ring;
}

static void check_agreement(
	struct history *history, struct life *life, struct ring_record *ring, uint64_t members, bool is_honoured)
{
	if (ring->installed != 0 && ring->regular != members)
		report_violation(history->report, "C3", BIT(life->node) | ring->installed, &ring->id,
			"node %u installs %x.%" PRIx64 " with members %" PRIx64 ", others with %" PRIx64
			" (masks by index)",
			history->ids[life->node], ring->id.rep, ring->id.seq, members, ring->regular);
	if (ring->installed != 0 && ring->is_honoured != is_honoured)
		report_violation(history->report, "C3", BIT(life->node) | ring->installed, &ring->id,
			"node %u installs %x.%" PRIx64 " %s safe delivery, others do not", history->ids[life->node],
			ring->id.rep, ring->id.seq, is_honoured ? "with" : "without");
	if (is_honoured && ring->is_plain)
		report_violation(history->report, "D10", BIT(life->node), &ring->id,
			"node %u installs %x.%" PRIx64 " with safe delivery, which a member does not implement",
			history->ids[life->node], ring->id.rep, ring->id.seq);
	if (ring->id.seq <= history->last_installed[life->node])
		report_violation(history->report, "C4", BIT(life->node), &ring->id,
			"node %u installs %x.%" PRIx64 " after one of sequence %" PRIx64, history->ids[life->node],
			ring->id.rep, ring->id.seq, history->last_installed[life->node]);
}

static void enter_regular(struct history *history, struct life *life, const struct totem_configuration *configuration,
	struct ring_record *ring, uint64_t members, uint64_t joined)
{
	uint64_t self = BIT(life->node);

	if (!life->is_transitional || life->next != ring)
		report_violation(history->report, "C1", self, &configuration->ring,
			"node %u: no transitional configuration of its own precedes regular configuration "
			"%x.%" PRIx64,
			history->ids[life->node], ring->id.rep, ring->id.seq);
	if ((life->with & ~members) != 0 || joined != (members & ~life->with))
		report_violation(history->report, "C5", self, &configuration->ring,
			"node %u: transitional set %" PRIx64 ", then members %" PRIx64 ", joined %" PRIx64
			" (masks by index)",
			history->ids[life->node], life->with, members, joined);
	check_agreement(history, life, ring, members, configuration->is_safe_honoured);
	leave_ring(history, life, ring);

	push_period(life, ring);
	ring->installed |= self;
	ring->regular = members;
	ring->is_honoured = configuration->is_safe_honoured;
	ring->lives[life->node] = life;
	history->last_installed[life->node] = ring->id.seq;
	life->members = members;
	life->is_honoured = configuration->is_safe_honoured;
	life->is_transitional = false;
	life->promised = 0;
	life->attempted = UINT64_MAX;
	life->cursor = 0;
	life->regular_hash = life->transitional_hash = 0;
	life->regular_count = life->transitional_count = 0;
}

void evs_configured(struct history *history, struct life *life, const struct totem_configuration *configuration)
{
	const struct ring_id *id = &configuration->ring;
	struct ring_record *ring = history_find_ring(history, id);
	bool is_strange = false;
	uint64_t members = history_mask(history, configuration->members, configuration->member_count, &is_strange);
	uint64_t left = history_mask(history, configuration->left, configuration->left_count, &is_strange);
	uint64_t joined = history_mask(history, configuration->joined, configuration->joined_count, &is_strange);

	history->configuration_count++;
	if (history->is_calm)
		report_violation(history->report, "C8", BIT(life->node), id,
			"node %u: configuration %x.%" PRIx64 " although nothing happened", history->ids[life->node],
			id->rep, id->seq);
	if (ring == NULL)
		ring = history_create_ring(history, id, life, members, 0);
	if (configuration->is_regular) {
		check_members(history, life, id, configuration, members, is_strange);
		enter_regular(history, life, configuration, ring, members, joined);
	} else {
		enter_transitional(history, life, configuration, ring, members, left);
	}
}

/* ------------------------------------------------------------------------------------ deliveries */

/* D3: check that the counters of messages from one source and of one class only grow. */
static void check_source_order(struct history *history, struct life *life, const struct message *message)
{
	uint32_t source = message->life->number;

	if (source >= life->seen_capacity) {
		uint32_t capacity = source + 16;

		for (int class = 0; class < 2; class ++) {
			life->seen[class] = realloc(life->seen[class], capacity * sizeof(uint32_t));
			if (life->seen[class] == NULL)
				abort();
			for (uint32_t i = life->seen_capacity; i < capacity; i++)
				life->seen[class][i] = 0;
		}
		life->seen_capacity = capacity;
	}

	uint32_t *seen = &life->seen[message->is_sync][source];

	if (message->counter <= *seen)
		report_violation(history->report, "D3", BIT(life->node) | BIT(message->life->node), NULL,
			"node %u delivers message %u, number %u of node %u, after its number %u",
			history->ids[life->node], message->id, message->counter, history->ids[message->life->node],
			*seen);
	*seen = message->counter;
}

/* D6, D7: check the messages that were skipped between the last delivery and this one. */
static void check_skipped(
	struct history *history, struct life *life, struct ring_record *ring, const struct message *message)
{
	for (uint32_t i = life->cursor; i < message->end_index; i++) {
		const struct message *skipped = ring->ended[i];
		uint64_t both = BIT(life->node) | BIT(skipped->life->node);

		if (!evs_must_deliver(life, skipped))
			continue;
		if (!life->is_transitional)
			report_violation(history->report, "D6", both, &ring->id,
				"node %u delivers message %u (frame %u of %x.%" PRIx64 ") without message %u of %u "
				"(frame %u) before it",
				history->ids[life->node], message->id, message->end_at + 1, ring->id.rep, ring->id.seq,
				skipped->id, history->ids[skipped->life->node], skipped->end_at + 1);
		else if ((life->with & BIT(skipped->life->node)) != 0 && !is_loss_excused(life, skipped, ring))
			report_violation(history->report, "D7", both, &ring->id,
				"node %u skips message %u (frame %u of %x.%" PRIx64 ") of %u, which goes along",
				history->ids[life->node], skipped->id, skipped->end_at + 1, ring->id.rep, ring->id.seq,
				history->ids[skipped->life->node]);
	}
}

/* D10, D11: check that each node that must deliver the message has all frames up to its last one. */
static void check_safe(struct history *history, struct life *life, struct ring_record *ring, struct message *message)
{
	uint64_t concerned = life->is_transitional ? life->with : life->members;
	const char *property = life->is_transitional ? "D11" : "D10";

	for (uint32_t node = 0; node < history->node_count; node++) {
		uint64_t both = BIT(life->node) | BIT(node);

		if ((concerned & BIT(node)) == 0)
			continue;
		/* Behind a hole only the frame with the message's end has to be present. */
		if (life->is_transitional ? (ring->frames[message->end_at].received & BIT(node)) == 0
					  : ring->received_upto[node] <= message->end_at)
			report_violation(history->report, property, both, &ring->id,
				"node %u delivers safe message %u, frame %u of %x.%" PRIx64 ", but node %u has "
				"frames up to %u only",
				history->ids[life->node], message->id, message->end_at + 1, ring->id.rep, ring->id.seq,
				history->ids[node], ring->received_upto[node]);
		if ((ring->closed & BIT(node)) != 0 && ring->lives[node] != NULL &&
			evs_must_deliver(ring->lives[node], message) && !has_delivered(ring->lives[node], message))
			report_violation(history->report, property, both, &ring->id,
				"node %u delivers safe message %u, but node %u has left %x.%" PRIx64 " without it",
				history->ids[life->node], message->id, history->ids[node], ring->id.rep, ring->id.seq);
	}
	message->needed |= concerned;
}

/* D9: check that after a hole a transitional set delivers only messages of its own members. */
static void check_filter(
	struct history *history, struct life *life, struct ring_record *ring, const struct message *message)
{
	uint64_t trusted = life->with | life->promised;

	if ((trusted & BIT(message->life->node)) != 0 || ring->received_upto[life->node] > message->end_at)
		return;
	report_violation(history->report, "D9", BIT(life->node) | BIT(message->life->node), &ring->id,
		"node %u lacks frame %u of %x.%" PRIx64 " and delivers message %u of %u (frame %u), which "
		"does not go along",
		history->ids[life->node], ring->received_upto[life->node] + 1, ring->id.rep, ring->id.seq, message->id,
		history->ids[message->life->node], message->end_at + 1);
}

/* D5: check that the node has delivered all messages that the sender had delivered before it sent this one. */
static void check_causes(
	struct history *history, struct life *life, struct ring_record *ring, const struct message *message)
{
	if (message->seen_ring != ring || is_excused(life, message->life, ring))
		return;
	for (uint32_t i = message->seen_count; i-- > 0;) {
		const struct message *cause = ring->ended[i];

		if (!evs_must_deliver(life, cause) || !has_delivered(message->life, cause))
			continue;
		if (!has_delivered(life, cause))
			report_violation(history->report, "D5", BIT(life->node) | BIT(message->life->node), &ring->id,
				"node %u delivers message %u, whose sender %u had seen message %u, "
				"without that",
				history->ids[life->node], message->id, history->ids[message->life->node], cause->id);
		return;
	}
}

static void count_delivery(struct life *life, const struct message *message)
{
	uint64_t *hash = life->is_transitional ? &life->transitional_hash : &life->regular_hash;

	/* A message that only some members must deliver is checked by D12 alone, and is not counted here. */
	if (message->start_ring != message->end_ring || message->is_murky)
		return;
	*hash = (*hash ^ message->id) * 0x9E3779B97F4A7C15u;
	*hash ^= *hash >> 31;
	if (life->is_transitional)
		life->transitional_count++;
	else
		life->regular_count++;
}

static void count_safe(struct safe_count *count, const struct life *life, const struct message *message)
{
	if (message->guarantee != TOTEM_SAFE)
		return;
	if (!life->is_honoured)
		count->agreed++;
	else if (life->is_transitional)
		count->transitional++;
	else
		count->regular++;
}

void evs_delivered(struct history *history, struct life *life, struct message *message)
{
	struct ring_record *ring = evs_ring(life);
	uint64_t both = BIT(life->node) | BIT(message->life->node);

	history->delivery_count++;
	if (history->report->is_tainted) {
		message->delivered |= BIT(life->node);
		return;
	}
	if (!message->is_sent) {
		report_violation(history->report, "D1", both, NULL,
			"node %u delivers message %u, which was "
			"never accepted",
			history->ids[life->node], message->id);
		return;
	}
	if (has_delivered(life, message)) {
		report_violation(history->report, "D2", both, ring == NULL ? NULL : &ring->id,
			"node %u delivers message %u of %u twice", history->ids[life->node], message->id,
			history->ids[message->life->node]);
		return;
	}
	if (ring == NULL || message->end_ring != ring || message->end_index < life->cursor) {
		report_violation(history->report, "D4", both, ring == NULL ? NULL : &ring->id,
			"node %u delivers message %u of %u %s", history->ids[life->node], message->id,
			history->ids[message->life->node],
			ring == NULL || message->end_ring != ring ? "in another configuration than it was ordered in"
								  : "behind a later one");
		return;
	}
	if (message->start_ring != message->end_ring && !message->is_murky && !evs_must_deliver(life, message))
		report_violation(history->report, "D12", both, &ring->id,
			"node %u delivers message %u, but did not go along with %u since it began",
			history->ids[life->node], message->id, history->ids[message->life->node]);
	check_source_order(history, life, message);
	check_skipped(history, life, ring, message);
	check_causes(history, life, ring, message);
	message->delivered |= BIT(life->node);
	life->cursor = message->end_index + 1;
	count_delivery(life, message);
	count_safe(&history->safe, life, message);
	if (message->guarantee == TOTEM_SAFE && message->is_marked_safe && life->is_honoured)
		check_safe(history, life, ring, message);
	if (life->is_transitional)
		check_filter(history, life, ring, message);
}

void evs_delivered_nonsense(struct history *history, struct life *life, uint32_t source, const char *what)
{
	report_violation(history->report, "D1", BIT(life->node), NULL, "node %u delivers from %u %s",
		history->ids[life->node], source, what);
}
