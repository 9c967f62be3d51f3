/* SPDX-License-Identifier: BSD-3-Clause */
/* Check EVS: docs/protocol/invariants.md, "Configurations" and "Delivery". */
#include <stdlib.h>
#include <string.h>

#include "tests/histories/client_evs.h"

/* ---- At once ------------------------------------------------------------- */

static bool has_id(const uint32_t *ids, uint32_t count, uint32_t id)
{
	for (uint32_t i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static const struct evs_seen *last_configuration(const struct evs_life *life)
{
	for (uint32_t i = life->seen_count; i > 0; i--)
		if (life->seen[i - 1].is_configuration)
			return &life->seen[i - 1];
	return NULL;
}

/*
 * Return whether the members are those of the configuration before, without those that left and with those that joined.
 */
static bool is_fold(const struct evs_seen *before, const struct evs_event_confchg *event)
{
	const uint32_t *left = event->lists + event->member_count, *joined = left + event->left_count;
	uint32_t count = before->member_count - event->left_count + event->joined_count;

	if (count != event->member_count)
		return false;
	for (uint32_t i = 0; i < event->left_count; i++)
		if (!has_id(before->members, before->member_count, left[i]))
			return false;
	for (uint32_t i = 0; i < event->joined_count; i++)
		if (has_id(before->members, before->member_count, joined[i]) ||
			!has_id(event->lists, event->member_count, joined[i]))
			return false;
	for (uint32_t i = 0; i < before->member_count; i++)
		if (has_id(left, event->left_count, before->members[i]) ==
			has_id(event->lists, event->member_count, before->members[i]))
			return false;
	return true;
}

void evs_check_configuration(
	struct evs_clients *clients, const struct evs_life *life, const struct evs_event_confchg *event)
{
	struct play *play = clients->play;
	const struct evs_seen *before = last_configuration(life);
	struct play_ring ring = play_ring_of(play, event->ring_id.nodeid, event->ring_id.seq);

	if (!has_id(event->lists, event->member_count, play_nodeid(play, life->node)))
		play_break(play, "evs: life %u: its node is no member of ring %ju", life->number, (uintmax_t)ring.seq);
	for (uint32_t i = 1; i < event->member_count; i++)
		if (event->lists[i] <= event->lists[i - 1])
			play_break(play, "evs: life %u: members of ring %ju do not ascend", life->number,
				(uintmax_t)ring.seq);
	if (event->type == EVS_WIRE_REGULAR && event->lists[0] != ring.representative)
		play_break(play, "evs: life %u: ring %ju is not represented by its lowest node", life->number,
			(uintmax_t)ring.seq);
	if (before == NULL)
		return;
	if (before->is_transitional == (event->type == EVS_WIRE_TRANSITIONAL))
		play_break(play, "evs: life %u: two configurations of one kind, at ring %ju", life->number,
			(uintmax_t)ring.seq);
	if (before->is_transitional &&
		(before->ring.seq != ring.seq || before->ring.representative != ring.representative))
		play_break(play, "evs: life %u: ring %ju is not the one that ring %ju's end announced", life->number,
			(uintmax_t)ring.seq, (uintmax_t)before->ring.seq);
	if (!before->is_transitional && before->ring.seq >= ring.seq)
		play_break(play, "evs: life %u: ring %ju follows ring %ju", life->number, (uintmax_t)ring.seq,
			(uintmax_t)before->ring.seq);
	if (!is_fold(before, event))
		play_break(play, "evs: life %u: the members of ring %ju are not those by the changes", life->number,
			(uintmax_t)ring.seq);
}

/* ---- Two in one ring ----------------------------------------------------- */

/* The events of a life in one ring: seen[first] is its regular configuration. */
struct stay {
	uint32_t first, middle, end; /* middle: index of the transitional configuration. It is `end` if there is none */
	bool is_complete;            /* seen[end] is the next regular configuration */
};

static bool stay_next(const struct evs_life *life, struct stay *stay)
{
	uint32_t at = stay->end;

	if (at >= life->seen_count)
		return false;
	*stay = (struct stay){.first = at};
	for (at++; at < life->seen_count && !life->seen[at].is_configuration; at++)
		;
	stay->middle = at;
	if (at < life->seen_count && life->seen[at].is_transitional)
		for (at++; at < life->seen_count && !life->seen[at].is_configuration; at++)
			;
	stay->end = at;
	stay->is_complete = at < life->seen_count;
	return true;
}

static bool is_same_configuration(const struct evs_seen *a, const struct evs_seen *b)
{
	return play_ring_equal(a->ring, b->ring) && a->member_count == b->member_count &&
	       memcmp(a->members, b->members, a->member_count * sizeof(uint32_t)) == 0;
}

static bool may_lack(void *arg, uint32_t node, uint64_t what)
{
	struct evs_clients *clients = arg;

	return play_may_lack(clients->play, &clients->lives[what >> 32]->notes, (uint32_t)what, node);
}

static struct play_sequence sequence_of(
	struct evs_clients *clients, const struct evs_life *life, uint32_t first, uint32_t end)
{
	struct play_sequence sequence = {.node = life->node, .may_lack = may_lack, .arg = clients};

	for (uint32_t i = first + 1; i < end; i++)
		if (!life->seen[i].is_configuration)
			play_sequence_add(&sequence, (uint64_t)life->seen[i].sender << 32 | life->seen[i].number);
	return sequence;
}

static void compare(struct evs_clients *clients, const struct evs_life *a, const struct stay *x,
	const struct evs_life *b, const struct stay *y)
{
	struct play *play = clients->play;
	const struct evs_seen *next_a = &a->seen[x->middle], *next_b = &b->seen[y->middle];
	bool is_together = x->is_complete && y->is_complete && is_same_configuration(next_a, next_b);
	bool is_last = x->middle == a->seen_count && y->middle == b->seen_count && !a->is_over && !b->is_over;
	bool is_whole = is_together || is_last;
	struct play_sequence one = sequence_of(clients, a, x->first, is_whole ? x->end : x->middle);
	struct play_sequence two = sequence_of(clients, b, y->first, is_whole ? y->end : y->middle);
	uint32_t at = 0;

	if (!is_same_configuration(&a->seen[x->first], &b->seen[y->first]))
		play_break(play, "evs: lives %u and %u: ring %ju has other members", a->number, b->number,
			(uintmax_t)a->seen[x->first].ring.seq);
	one.is_late = x->first < a->joined_at;
	two.is_late = y->first < b->joined_at;
	if (!play_sequence_fits(&one, &two, !is_whole, !is_whole, &at))
		play_break(play, "evs: lives %u and %u saw different things in ring %ju%s, at place %u of %u and %u",
			a->number, b->number, (uintmax_t)a->seen[x->first].ring.seq,
			is_whole ? " and went on together" : "", at, one.count, two.count);
	play->counts.compared += one.count > 0 && two.count > 0;
	free(one.list);
	free(two.list);
}

static void compare_all(struct evs_clients *clients)
{
	for (uint32_t i = 1; i < clients->life_count; i++) {
		for (uint32_t k = i + 1; k < clients->life_count; k++) {
			const struct evs_life *a = clients->lives[i], *b = clients->lives[k];

			for (struct stay x = {.end = 0}; stay_next(a, &x);)
				for (struct stay y = {.end = 0}; stay_next(b, &y);)
					if (play_ring_equal(a->seen[x.first].ring, b->seen[y.first].ring))
						compare(clients, a, &x, b, &y);
		}
	}
}

/* ---- Safe messages ------------------------------------------------------- */

/*
 * Return whether the life received the message in the ring. 1: it did; 0: it did not; -1: it came to the ring later, or
 * has ended.
 */
static int has_got(const struct evs_life *life, struct play_ring ring, const struct evs_seen *message)
{
	bool was_there = false;

	if (life->is_over)
		return -1;
	for (uint32_t i = 0; i < life->seen_count; i++) {
		const struct evs_seen *seen = &life->seen[i];

		if (seen->is_configuration)
			was_there |= i >= life->joined_at && !seen->is_transitional &&
				     play_ring_equal(seen->ring, ring);
		else if (seen->sender == message->sender && seen->number == message->number)
			return 1;
	}
	return was_there ? 0 : -1;
}

static void check_safe(struct evs_clients *clients, const struct evs_life *life)
{
	const struct evs_seen *now = NULL;
	struct play_ring ring = {.seq = 0};

	for (uint32_t i = 0; i < life->seen_count; i++) {
		const struct evs_seen *seen = &life->seen[i];

		if (seen->is_configuration) {
			now = seen;
			if (!seen->is_transitional)
				ring = seen->ring;
			continue;
		}
		bool is_promised = seen->is_safe && now->is_safe_kept;
		for (uint32_t k = 1; is_promised && k < clients->life_count; k++) {
			const struct evs_life *other = clients->lives[k];
			uint32_t id = play_nodeid(clients->play, other->node);

			if (!has_id(now->members, now->member_count, id))
				continue;
			clients->play->counts.safe_kept++;
			if (has_got(other, ring, seen) == 0 &&
				!play_may_lack(
					clients->play, &clients->lives[seen->sender]->notes, seen->number, other->node))
				play_break(clients->play,
					"evs: life %u got the safe message %u of %u in ring %ju, and %u, which lives, never does",
					life->number, seen->number, seen->sender, (uintmax_t)ring.seq, k);
		}
	}
}

void evs_check_end(struct evs_clients *clients)
{
	struct play *play = clients->play;

	compare_all(clients);
	for (uint32_t i = 1; i < clients->life_count; i++) {
		const struct evs_life *life = clients->lives[i];
		const struct evs_seen *last = last_configuration(life);

		check_safe(clients, life);
		if (!life->is_over &&
			(last == NULL || last->is_transitional || last->member_count != play->script->nodes))
			play_break(play, "evs: the network is quiet, and life %u is not in a ring of all nodes", i);
	}
}
