/* SPDX-License-Identifier: BSD-3-Clause */
/* Check CPG: properties of the events that its clients receive. */
#include <stdlib.h>
#include <string.h>

#include "tests/histories/client_cpg.h"

/* ---- At once ------------------------------------------------------------- */

static bool is_listed(const struct cpg_life *life, uint32_t number)
{
	for (uint32_t i = 0; i < life->member_count; i++)
		if (life->members[i].life == number)
			return true;
	return false;
}

static void list_add(const struct cpg_clients *clients, struct cpg_life *life, uint32_t number)
{
	if (life->member_count == life->member_capacity) {
		life->member_capacity = life->member_capacity * 2 + 16;
		life->members = realloc(life->members, life->member_capacity * sizeof(*life->members));
		if (life->members == NULL)
			abort();
	}
	life->members[life->member_count++] = (struct cpg_member){
		.life = number, .stay = life->is_late ? 0 : clients->play->views[life->node].stay_count};
}

static void list_del(struct cpg_life *life, uint32_t number)
{
	for (uint32_t i = 0; i < life->member_count; i++)
		if (life->members[i].life == number)
			life->members[i--] = life->members[--life->member_count];
}

/* Return whether each address belongs to a process that a client has started, and has the right node and group. */
static bool is_known(struct cpg_clients *clients, const struct cpg_life *life, const struct cpg_wire_address *address)
{
	if (address->pid == 0 || address->pid >= clients->life_count)
		return false;
	const struct cpg_life *other = clients->lives[address->pid];
	return other->group == life->group && play_nodeid(clients->play, other->node) == address->nodeid;
}

static const struct cpg_member *find_member(const struct cpg_life *life, uint32_t number)
{
	for (uint32_t i = 0; i < life->member_count; i++)
		if (life->members[i].life == number)
			return &life->members[i];
	return NULL;
}

/*
 * Check a process that left because of its node (NODEDOWN). Its node must have left since the process was listed, or
 * must have unloaded the service.
 */
static void check_nodedown(
	struct cpg_clients *clients, const struct cpg_life *life, const struct cpg_life *other, uint32_t reason)
{
	const struct play_view *view = &clients->play->views[life->node];
	const struct cpg_member *member = find_member(life, other->number);

	if (reason == CPG_WIRE_REASON_NODEDOWN && clients->play->unloads[other->node] == 0 && !life->is_late &&
		view->is_known && member != NULL && member->stay != 0 && view->parted[other->node] <= member->stay)
		play_break(clients->play, "cpg: life %u: %u has left with node %u, which has not parted", life->number,
			other->number, other->node);
}

void cpg_check_ring(struct cpg_clients *clients, struct cpg_life *life, struct play_ring ring)
{
	const struct play_view *view = &clients->play->views[life->node];
	uint32_t stay = play_view_stay(view, ring);

	for (uint32_t i = 0; i < life->member_count && stay != 0; i++) {
		const struct cpg_member *member = &life->members[i];
		uint32_t node = clients->lives[member->life]->node;

		/*
		 * parted[] holds the last departure of a node. It may be later than this stay, if the ring is ending
		 * already: that one does not count.
		 */
		if (member->stay != 0 && view->parted[node] > member->stay && view->parted[node] <= stay)
			play_break(clients->play,
				"cpg: life %u: %u stays listed in ring %ju, and its node %u has parted on the way there",
				life->number, member->life, (uintmax_t)ring.seq, node);
	}
}

/* Check the reason that is reported for a process that left: its request, its end, or its node. */
static void check_reasons(
	struct cpg_clients *clients, const struct cpg_life *life, const struct cpg_wire_address *left, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct cpg_life *other = left[i].pid < clients->life_count ? clients->lives[left[i].pid] : NULL;

		if (other == NULL)
			continue;
		bool lives = clients->current[other->slot] == other &&
			     testkit_is_connected(clients->connections[other->slot]);
		if ((left[i].reason == CPG_WIRE_REASON_PROCDOWN && lives) ||
			(left[i].reason == CPG_WIRE_REASON_LEAVE && !other->is_leaving))
			play_break(clients->play, "cpg: life %u: %u has left for reason %u and has not", life->number,
				left[i].pid, left[i].reason);
		check_nodedown(clients, life, other, left[i].reason);
	}
}

void cpg_check_change(struct cpg_clients *clients, struct cpg_life *life, const struct cpg_event_confchg *event)
{
	struct play *play = clients->play;
	const struct cpg_wire_address *left = event->lists + event->member_count, *joined = left + event->left_count;
	bool is_first = life->seen_count == 0;

	for (uint32_t i = 0; i < event->member_count + event->left_count + event->joined_count; i++)
		if (!is_known(clients, life, &event->lists[i]))
			play_break(play, "cpg: life %u: node %u, pid %u is no process of its group", life->number,
				event->lists[i].nodeid, event->lists[i].pid);
	if (is_first && (event->joined_count != 1 || joined[0].pid != life->number))
		play_break(play, "cpg: life %u: its first change is not its own join", life->number);
	for (uint32_t i = 0; is_first && i < event->member_count; i++)
		if (event->lists[i].pid != life->number)
			list_add(clients, life, event->lists[i].pid);
	check_reasons(clients, life, left, event->left_count);
	for (uint32_t i = 0; i < event->left_count; i++) {
		if (!is_listed(life, left[i].pid))
			play_break(play, "cpg: life %u: %u has left and was no member", life->number, left[i].pid);
		list_del(life, left[i].pid);
	}
	for (uint32_t i = 0; i < event->joined_count; i++) {
		if (is_listed(life, joined[i].pid))
			play_break(play, "cpg: life %u: %u has joined and was a member", life->number, joined[i].pid);
		list_add(clients, life, joined[i].pid);
	}
	if (event->member_count != life->member_count)
		play_break(play, "cpg: life %u: %u members, and %u by the changes so far", life->number,
			event->member_count, life->member_count);
	for (uint32_t i = 0; i < event->member_count; i++)
		if (!is_listed(life, event->lists[i].pid))
			play_break(play, "cpg: life %u: member %u has never joined", life->number, event->lists[i].pid);
}

void cpg_check_message(struct cpg_clients *clients, struct cpg_life *life, uint32_t nodeid, uint32_t pid)
{
	if (pid >= clients->life_count || play_nodeid(clients->play, clients->lives[pid]->node) != nodeid)
		play_break(clients->play, "cpg: life %u got a message of node %u, pid %u, which there is not",
			life->number, nodeid, pid);
	else if (!is_listed(life, pid))
		play_break(clients->play, "cpg: life %u got a message of %u, which is no member of its group",
			life->number, pid);
}

/* ---- Two that went from one ring to the next ----------------------------- */

struct interval {
	struct play_ring from, to;
	uint32_t first, end; /* indices of the interval's events. first 0: it begins with the life's own join */
	bool is_complete;
};

/* Find the next interval of the life. @return false: there is no other one */
static bool interval_next(const struct cpg_life *life, struct interval *interval)
{
	uint32_t at = interval->end;

	if (at == 0 && (life->seen_count < 2 || life->seen[1].kind != CPG_SEEN_RING))
		return false;
	if (at == life->seen_count)
		return false;
	*interval = (struct interval){.from = life->seen[at == 0 ? 1 : at].ring, .first = at};
	interval->end = at == 0 ? 2 : at + 1;
	while (interval->end < life->seen_count && life->seen[interval->end].kind != CPG_SEEN_RING)
		interval->end++;
	interval->is_complete = interval->end < life->seen_count;
	if (interval->is_complete)
		interval->to = life->seen[interval->end].ring;
	return true;
}

static bool names(const struct cpg_wire_address *list, uint32_t count, uint32_t pid, uint32_t reason)
{
	for (uint32_t i = 0; i < count; i++)
		if (list[i].pid == pid && (reason == 0 || list[i].reason == reason))
			return true;
	return false;
}

/* Return the place in the interval where the other process joined, or UINT32_MAX. */
static uint32_t place_of_join(const struct cpg_life *life, const struct interval *interval, uint32_t other)
{
	for (uint32_t i = interval->first; i < interval->end; i++) {
		const struct cpg_event_confchg *change = life->seen[i].change;

		if (change != NULL && names(change->lists + change->member_count + change->left_count,
					      change->joined_count, other, CPG_WIRE_REASON_JOIN))
			return i;
	}
	return UINT32_MAX;
}

static bool has_parted(const struct cpg_life *life, const struct interval *interval, uint32_t other)
{
	for (uint32_t i = interval->first; i < interval->end; i++) {
		const struct cpg_event_confchg *change = life->seen[i].change;

		if (change != NULL && names(change->lists + change->member_count, change->left_count, other,
					      CPG_WIRE_REASON_NODEDOWN))
			return true;
	}
	return false;
}

/* Return a hash of a change that does not depend on the order of its lists, which may differ between nodes. */
static uint32_t change_hash(const struct cpg_event_confchg *change)
{
	uint32_t hash = change->member_count * 31 + change->left_count * 37 + change->joined_count * 41;

	for (uint32_t i = 0; i < change->member_count + change->left_count + change->joined_count; i++) {
		const struct cpg_wire_address *address = &change->lists[i];
		uint32_t list = i < change->member_count ? 1 : i < change->member_count + change->left_count ? 2 : 3;
		uint32_t one = (address->nodeid * 2654435761u ^ address->pid) * 2246822519u + address->reason * 64 +
			       list;

		hash += (one ^ one >> 15) * 3266489917u;
	}
	return hash;
}

static bool may_lack(void *arg, uint32_t node, uint64_t what)
{
	struct cpg_clients *clients = arg;

	return play_may_lack(clients->play, &clients->lives[what >> 32]->notes, (uint32_t)what, node);
}

static struct play_sequence sequence_of(struct cpg_clients *clients, const struct cpg_life *life,
	const struct interval *interval, uint32_t first, bool is_regular_only)
{
	struct play_sequence sequence = {.node = life->node, .may_lack = may_lack, .arg = clients};

	for (uint32_t i = first; i < interval->end; i++) {
		const struct cpg_seen *seen = &life->seen[i];

		if (seen->kind == CPG_SEEN_RING)
			continue;
		if (is_regular_only && (!seen->is_regular || !play_ring_equal(seen->ring, interval->from)))
			break;
		play_sequence_add(&sequence, seen->kind == CPG_SEEN_CHANGE
						     ? change_hash(seen->change)
						     : (uint64_t)seen->sender << 32 | seen->number);
	}
	return sequence;
}

/* Return whether the process, which joins in this interval, finds the other one in the list. */
static bool finds(const struct cpg_life *life, const struct interval *interval, uint32_t other)
{
	for (uint32_t i = interval->first; i < interval->end; i++) {
		const struct cpg_event_confchg *change = life->seen[i].change;

		if (change != NULL)
			return names(change->lists, change->member_count, other, 0);
	}
	return false;
}

/*
 * Choose from where to compare two processes that both joined in this interval: from the later join on, which both have
 * seen. A process that is cut off behind a hole in the order may join without those that joined before it.
 */
static bool align(const struct cpg_life *a, const struct interval *x, const struct cpg_life *b,
	const struct interval *y, uint32_t *from_a, uint32_t *from_b)
{
	uint32_t join_of_b = y->first == 0 ? place_of_join(a, x, b->number) : UINT32_MAX;
	uint32_t join_of_a = x->first == 0 ? place_of_join(b, y, a->number) : UINT32_MAX;

	if (x->first != 0 && y->first != 0)
		return true;
	if (join_of_b != UINT32_MAX) {
		*from_a = join_of_b;
		return finds(b, y, a->number);
	}
	*from_b = join_of_a;
	return join_of_a != UINT32_MAX && finds(a, x, b->number);
}

static void compare(struct cpg_clients *clients, const struct cpg_life *a, const struct interval *x,
	const struct cpg_life *b, const struct interval *y)
{
	struct play *play = clients->play;
	bool went_on = x->is_complete && y->is_complete && play_ring_equal(x->to, y->to);
	bool is_last = !x->is_complete && !y->is_complete && !a->is_over && !b->is_over;
	bool is_together;
	uint32_t from_a = x->first, from_b = y->first, at = 0;

	bool is_aligned = align(a, x, b, y, &from_a, &from_b);
	bool a_parted = has_parted(a, x, b->number), b_parted = has_parted(b, y, a->number);
	/*
	 * Not checked without a common event: a process that joined after the split is unknown to the other side, which
	 * cannot lose it.
	 */
	if (went_on && is_aligned && a_parted != b_parted)
		play_break(play, "cpg: lives %u and %u: from ring %ju to %ju one lost the other's node, not mutually",
			a->number, b->number, (uintmax_t)x->from.seq, (uintmax_t)x->to.seq);
	/* Up to a separation both processes must have seen the same events. Afterwards one may have seen more. */
	is_together = (went_on && !a_parted && !b_parted) || is_last;
	if (!is_aligned) {
		if (is_together)
			play_break(play, "cpg: lives %u and %u: one does not see the other join in ring %ju", a->number,
				b->number, (uintmax_t)x->from.seq);
		return;
	}
	struct play_sequence one = sequence_of(clients, a, x, from_a, !is_together);
	struct play_sequence two = sequence_of(clients, b, y, from_b, !is_together);
	if (!play_sequence_fits(&one, &two, !is_together, !is_together, &at))
		play_break(play,
			"cpg: lives %u and %u saw different things in ring %ju%s, at place %u of %u and %u events",
			a->number, b->number, (uintmax_t)x->from.seq, is_together ? " and went on together" : "", at,
			one.count, two.count);
	play->counts.compared += one.count > 0 && two.count > 0;
	free(one.list);
	free(two.list);
}

static void compare_all(struct cpg_clients *clients)
{
	for (uint32_t i = 1; i < clients->life_count; i++) {
		for (uint32_t k = i + 1; k < clients->life_count; k++) {
			const struct cpg_life *a = clients->lives[i], *b = clients->lives[k];

			if (a->group != b->group)
				continue;
			for (struct interval x = {.end = 0}; interval_next(a, &x);)
				for (struct interval y = {.end = 0}; interval_next(b, &y);)
					if (play_ring_equal(x.from, y.from))
						compare(clients, a, &x, b, &y);
		}
	}
}

/* ---- The end ------------------------------------------------------------- */

static void check_lists(struct cpg_clients *clients)
{
	for (uint32_t i = 1; i < clients->life_count; i++) {
		const struct cpg_life *life = clients->lives[i];

		for (uint32_t k = 1; !life->is_over && k < clients->life_count; k++) {
			const struct cpg_life *other = clients->lives[k];
			bool is_member = other->group == life->group && !other->is_over;

			if (is_member != is_listed(life, k))
				play_break(clients->play,
					"cpg: the network is quiet, and life %u on node %u %s %u on node %u", i,
					life->node, is_member ? "misses" : "still lists", k, other->node);
		}
	}
}

static int by_value(const void *one, const void *other)
{
	uint64_t a, b;

	memcpy(&a, one, sizeof(a));
	memcpy(&b, other, sizeof(b));
	return a < b ? -1 : a > b;
}

static struct play_sequence messages_of(const struct cpg_life *life)
{
	struct play_sequence sequence = {.list = NULL};

	for (uint32_t i = 0; i < life->seen_count; i++)
		if (life->seen[i].kind == CPG_SEEN_MESSAGE)
			play_sequence_add(&sequence, (uint64_t)life->seen[i].sender << 32 | life->seen[i].number);
	if (sequence.count > 0)
		qsort(sequence.list, sequence.count, sizeof(*sequence.list), by_value);
	return sequence;
}

/*
 * Check safe messages: if one member of the configuration received a message, each other one receives it, unless its
 * process or node ends.
 */
static void check_safe(struct cpg_clients *clients)
{
	struct play_sequence *got = calloc(clients->life_count + 1, sizeof(*got));

	if (got == NULL)
		abort();
	for (uint32_t i = 1; i < clients->life_count; i++)
		got[i] = messages_of(clients->lives[i]);
	for (uint32_t i = 1; i < clients->life_count; i++) {
		for (uint32_t k = 1; k < got[i].count; k++)
			if (got[i].list[k] == got[i].list[k - 1])
				play_break(clients->play, "cpg: life %u got message %u of %u twice", i,
					(uint32_t)got[i].list[k], (uint32_t)(got[i].list[k] >> 32));
		for (uint32_t k = 0; k < clients->lives[i]->seen_count; k++) {
			const struct cpg_seen *seen = &clients->lives[i]->seen[k];
			uint64_t what = (uint64_t)seen->sender << 32 | seen->number;

			for (uint32_t n = 0; n < seen->member_count; n++) {
				uint32_t to = seen->members[n];

				clients->play->counts.safe_kept++;
				if (!clients->lives[to]->is_over &&
					(got[to].count == 0 || bsearch(&what, got[to].list, got[to].count, sizeof(what),
								       by_value) == NULL) &&
					!may_lack(clients, clients->lives[to]->node, what))
					play_break(clients->play,
						"cpg: life %u got the safe message %u of %u in ring %ju, and %u, which lives, never does",
						i, seen->number, seen->sender, (uintmax_t)seen->ring.seq, to);
			}
		}
	}
	for (uint32_t i = 1; i < clients->life_count; i++)
		free(got[i].list);
	free(got);
}

void cpg_check_end(struct cpg_clients *clients)
{
	check_lists(clients);
	compare_all(clients);
	check_safe(clients);
}
