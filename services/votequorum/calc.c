/* SPDX-License-Identifier: BSD-3-Clause */
#include "services/votequorum/calc.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Nodes --------------------------------------------------------------- */

/* Return the index of a node, or the index at which it would be inserted. */
static uint32_t place_of(const struct vote_calc *calc, uint32_t nodeid)
{
	uint32_t low = 0;
	uint32_t high = calc->node_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (calc->nodes[middle].nodeid < nodeid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct vote_node *vote_find(const struct vote_calc *calc, uint32_t nodeid)
{
	uint32_t place = place_of(calc, nodeid);

	if (place == calc->node_count || calc->nodes[place].nodeid != nodeid)
		return NULL;
	return &calc->nodes[place];
}

struct vote_node *vote_local(const struct vote_calc *calc)
{
	struct vote_node *node = vote_find(calc, calc->local);

	assert(node != NULL);
	return node;
}

static struct vote_node *add_node(struct vote_calc *calc, uint32_t nodeid)
{
	if (calc->node_count >= VOTE_NODES_MAX)
		return NULL;

	uint32_t place = place_of(calc, nodeid);

	if (calc->node_count == calc->node_capacity) {
		uint32_t capacity = calc->node_capacity < 8 ? 8 : calc->node_capacity * 2;
		struct vote_node *nodes = reallocarray(calc->nodes, capacity, sizeof(*nodes));

		if (nodes == NULL)
			return NULL;
		calc->nodes = nodes;
		calc->node_capacity = capacity;
	}
	memmove(calc->nodes + place + 1, calc->nodes + place, (calc->node_count - place) * sizeof(*calc->nodes));
	calc->node_count++;
	calc->node_changes++;
	calc->nodes[place] = (struct vote_node){.nodeid = nodeid};
	return &calc->nodes[place];
}

int vote_init(struct vote_calc *calc, uint32_t local)
{
	memset(calc, 0, sizeof(*calc));
	calc->local = local;

	struct vote_node *node = add_node(calc, local);

	if (node == NULL)
		return -ENOMEM;
	node->state = VOTEQUORUM_WIRE_STATE_MEMBER;
	node->votes = 1;
	node->flags = VOTEQUORUM_RING_FIRST;
	return 0;
}

void vote_fini(struct vote_calc *calc)
{
	free(calc->nodes);
	free(calc->members.nodeids);
	free(calc->previous.nodeids);
	free(calc->configured.nodeids);
	memset(calc, 0, sizeof(*calc));
}

bool vote_list_has(const struct vote_list *list, uint32_t nodeid)
{
	uint32_t low = 0;
	uint32_t high = list->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (list->nodeids[middle] == nodeid)
			return true;
		if (list->nodeids[middle] < nodeid)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static bool is_member(const struct vote_node *node) { return node->state == VOTEQUORUM_WIRE_STATE_MEMBER; }

static bool is_member_id(const struct vote_calc *calc, uint32_t nodeid)
{
	const struct vote_node *node = vote_find(calc, nodeid);

	return node != NULL && is_member(node);
}

/* Return whether the node may be a member again, or its absence changes a decision. */
static bool is_needed(const struct vote_calc *calc, const struct vote_node *node)
{
	return node->nodeid == calc->local || is_member(node) || node->was_here ||
	       vote_list_has(&calc->members, node->nodeid) || vote_list_has(&calc->configured, node->nodeid);
}

/*
 * Make room for a node. Corosync forgets no node, and its table has room for 386. A member that comes with ever new ids
 * must not make this table grow without end. @return whether nodes were removed
 */
static bool make_room(struct vote_calc *calc)
{
	uint32_t count = 0;

	if (calc->node_count < VOTE_NODES_MAX)
		return false;
	for (uint32_t i = 0; i < calc->node_count; i++)
		if (is_needed(calc, &calc->nodes[i]))
			calc->nodes[count++] = calc->nodes[i];
	if (count == calc->node_count)
		return false;
	calc->node_count = count;
	calc->node_changes++;
	return true;
}

/* ---- Sums ---------------------------------------------------------------- */

static uint32_t add(uint32_t a, uint32_t b) { return b > UINT32_MAX - a ? UINT32_MAX : a + b; }

uint32_t vote_highest_expected(const struct vote_calc *calc)
{
	uint32_t highest = 0;

	for (uint32_t i = 0; i < calc->node_count; i++) {
		if (is_member(&calc->nodes[i]) && calc->nodes[i].expected_votes > highest)
			highest = calc->nodes[i].expected_votes;
	}
	return highest;
}

uint32_t vote_total(const struct vote_calc *calc, bool has_device)
{
	uint32_t total = has_device ? calc->device_votes : 0;

	for (uint32_t i = 0; i < calc->node_count; i++) {
		if (is_member(&calc->nodes[i]))
			total = add(total, calc->nodes[i].votes);
	}
	return total;
}

static uint32_t count_members(const struct vote_calc *calc)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < calc->node_count; i++)
		count += is_member(&calc->nodes[i]);
	return count;
}

static uint32_t majority_of(uint32_t expected, uint32_t total) { return (expected > total ? expected : total) / 2 + 1; }

/* Unlike the quorum in force, this is a majority of two nodes with two_node too. */
uint32_t vote_majority(const struct vote_calc *calc)
{
	uint32_t majority = majority_of(vote_highest_expected(calc), vote_total(calc, true));

	return calc->quorum > majority ? calc->quorum : majority;
}

void vote_list_votes(const struct vote_calc *calc, uint32_t *votes)
{
	for (uint32_t i = 0; i < calc->members.count; i++) {
		const struct vote_node *node = vote_find(calc, calc->members.nodeids[i]);

		votes[i] = node != NULL && is_member(node) ? node->votes : 0;
	}
}

struct vote_sum vote_quorum(const struct vote_calc *calc, bool can_fall, uint32_t expected_max)
{
	bool has_device = (vote_local(calc)->flags & VOTEQUORUM_RING_QDEVICE_CAST_VOTE) != 0;
	uint32_t total = vote_total(calc, has_device);
	uint32_t count = count_members(calc) + has_device;
	uint32_t expected = expected_max;

	if (calc->options.has_downscale && can_fall && expected != 0 && expected < calc->ev_barrier)
		expected = calc->ev_barrier;
	if (expected == 0)
		expected = vote_highest_expected(calc);

	uint32_t quorum = majority_of(expected, total);

	if (!can_fall && quorum < calc->quorum)
		quorum = calc->quorum;
	if (calc->options.has_two_node && count <= 2)
		quorum = 1;
	return (struct vote_sum){.quorum = quorum, .total = total};
}

/* ---- The verdict --------------------------------------------------------- */

void vote_set_waiting(struct vote_calc *calc, bool is_waiting)
{
	struct vote_node *local = vote_local(calc);

	calc->is_waiting = is_waiting;
	local->flags &= ~(uint32_t)VOTEQUORUM_RING_WFASTATUS;
	if (is_waiting)
		local->flags |= VOTEQUORUM_RING_WFASTATUS;
}

/* Note the members, which have a majority of the votes, for later ties. */
static void note_majority(struct vote_calc *calc)
{
	calc->undecided_count = 0;
	calc->lowest = calc->highest = calc->local;
	for (uint32_t i = 0; i < calc->node_count; i++) {
		uint32_t nodeid = calc->nodes[i].nodeid;

		/* Members without the service count as well: who has not completed this ring knows only its members. */
		calc->nodes[i].was_here = is_member(&calc->nodes[i]) || vote_list_has(&calc->members, nodeid);
		if (!calc->nodes[i].was_here)
			continue;
		if (nodeid < calc->lowest)
			calc->lowest = nodeid;
		if (nodeid > calc->highest)
			calc->highest = nodeid;
	}
}

/* Return whether a node was in the last majority. If this node has seen none, any node may have been. */
static bool was_in_majority(const struct vote_calc *calc, uint32_t nodeid)
{
	const struct vote_node *node = vote_find(calc, nodeid);

	return calc->lowest == 0 || (node != NULL && node->was_here);
}

static bool is_in_ring(const struct vote_calc *calc, uint32_t nodeid) { return vote_list_has(&calc->members, nodeid); }

/* Return the first node of the list that is one of these. 0: none is */
static uint32_t first_listed(const struct vote_calc *calc, bool (*is_one)(const struct vote_calc *, uint32_t))
{
	const struct vote_list *list = &calc->options.tie_list;

	for (uint32_t i = 0; i < list->count; i++)
		if (is_one(calc, list->nodeids[i]))
			return list->nodeids[i];
	return 0;
}

/* Return the node that decides a tie after the last majority. 0: none does */
static uint32_t decider_of_majority(const struct vote_calc *calc)
{
	switch (calc->options.tie_breaker) {
	case VOTE_TIE_NONE:
		return 0;
	case VOTE_TIE_LOWEST:
		return calc->lowest;
	case VOTE_TIE_HIGHEST:
		return calc->highest;
	case VOTE_TIE_LIST:
		return first_listed(calc, was_in_majority);
	}
	return 0;
}

/* Return the node that would decide a tie if this ring was the last majority. 0: none would */
static uint32_t decider_of_ring(const struct vote_calc *calc)
{
	const struct vote_list *members = &calc->members; /* ascending */

	if (members->count == 0)
		return 0;
	switch (calc->options.tie_breaker) {
	case VOTE_TIE_NONE:
		return 0;
	case VOTE_TIE_LOWEST:
		return members->nodeids[0];
	case VOTE_TIE_HIGHEST:
		return members->nodeids[members->count - 1];
	case VOTE_TIE_LIST:
		return first_listed(calc, is_in_ring);
	}
	return 0;
}

/*
 * Return whether this part has the deciding node of the last majority: also if that was a ring whose synchronisation
 * broke off. Members of it may have noted it, and others not.
 */
static bool is_tie_ours(const struct vote_calc *calc)
{
	for (uint32_t i = 0; i < calc->undecided_count; i++)
		if (!is_in_ring(calc, calc->undecided[i]))
			return false;
	return is_in_ring(calc, decider_of_majority(calc));
}

/* Return whether the members of the ring may have a majority. Nodes whose votes are not known may have any. */
static bool may_be_majority(const struct vote_calc *calc)
{
	uint32_t votes = 0;

	for (uint32_t i = 0; i < calc->members.count; i++) {
		const struct vote_node *node = vote_find(calc, calc->members.nodeids[i]);

		if (node == NULL)
			return true;
		votes += node->votes;
	}
	return votes >= calc->quorum;
}

static void note_undecided(struct vote_calc *calc)
{
	uint32_t decider = may_be_majority(calc) ? decider_of_ring(calc) : 0;

	calc->undecided_before = calc->undecided_count;
	for (uint32_t i = 0; i < calc->undecided_count; i++)
		if (calc->undecided[i] == decider)
			return;
	if (decider == 0)
		return;
	if (calc->undecided_count < VOTE_UNDECIDED_MAX)
		calc->undecided[calc->undecided_count++] = decider;
	else
		calc->undecided[0] = 0;
}

void vote_sync_begin(struct vote_calc *calc) { calc->is_syncing = true; }

uint32_t vote_sync_end(struct vote_calc *calc)
{
	calc->is_syncing = false;
	/* All members of this ring agree now. If it is a majority, note_majority() settles the earlier rings as well. */
	calc->undecided_count = calc->undecided_before;
	return vote_recalculate(calc, false, false);
}

/*
 * Return whether half of the votes are enough. This half must have the node of the tie-breaker, and the ring must have
 * lost fewer nodes at once than the quorum's number.
 */
static bool is_tie_won(const struct vote_calc *calc, uint32_t total)
{
	int64_t lost = (int64_t)calc->previous.count - calc->members.count;

	return calc->options.tie_breaker != VOTE_TIE_NONE && total == vote_local(calc)->expected_votes / 2 &&
	       lost < (int64_t)calc->quorum && is_tie_ours(calc);
}

static bool has_master(const struct vote_calc *calc)
{
	const uint32_t master = VOTEQUORUM_RING_QDEVICE_MASTER_WINS | VOTEQUORUM_RING_QDEVICE_CAST_VOTE;

	for (uint32_t i = 0; i < calc->node_count; i++) {
		if (is_member(&calc->nodes[i]) && (calc->nodes[i].flags & master) == master)
			return true;
	}
	return false;
}

static uint32_t decide(struct vote_calc *calc, uint32_t total)
{
	struct vote_node *local = vote_local(calc);
	bool is_quorate = total >= calc->quorum;

	if (calc->options.has_wait_for_all && calc->is_waiting) {
		if (total != local->expected_votes) {
			calc->waiting_votes = total;
			return VOTE_WAITING;
		}
		vote_set_waiting(calc, false);
	}
	if (!is_quorate)
		is_quorate = is_tie_won(calc, total);
	else if (!calc->is_syncing)
		note_majority(calc);
	if (calc->is_master && !is_quorate)
		is_quorate = has_master(calc);
	calc->is_quorate = is_quorate;
	local->flags &= ~(uint32_t)VOTEQUORUM_RING_QUORATE;
	if (is_quorate)
		local->flags |= VOTEQUORUM_RING_QUORATE;
	/* While the votes of a new ring come in, a majority may not be counted yet. */
	if (calc->options.has_wait_for_all && !calc->is_syncing)
		vote_set_waiting(calc, !is_quorate);
	return 0;
}

void vote_expect(struct vote_calc *calc, uint32_t expected)
{
	for (uint32_t i = 0; i < calc->node_count; i++) {
		if (is_member(&calc->nodes[i]))
			calc->nodes[i].expected_votes = expected;
	}
}

uint32_t vote_recalculate(struct vote_calc *calc, bool can_fall, bool by_members)
{
	struct vote_node *local = vote_local(calc);
	uint32_t votes = vote_total(calc, true);
	uint32_t count = by_members ? count_members(calc) + (calc->device_votes != 0) : 0;
	uint32_t bits = 0;

	if (votes > local->expected_votes) {
		local->expected_votes = calc->told_expected = votes;
		bits |= VOTE_EXPECTED;
	}
	if (calc->options.has_tracking && local->expected_votes > calc->tracking_barrier)
		calc->tracking_barrier = local->expected_votes;

	struct vote_sum sum = vote_quorum(calc, can_fall, count);

	calc->quorum = sum.quorum;
	if (count != 0)
		vote_expect(calc, count);
	return bits | decide(calc, sum.total);
}

/* ---- Changes ------------------------------------------------------------- */

int vote_configure(struct vote_calc *calc, const uint32_t *members, uint32_t count)
{
	uint32_t *copy = malloc((count + 1) * sizeof(*copy));
	int has_left = 0;

	if (copy == NULL)
		return -ENOMEM;
	if (count > 0)
		memcpy(copy, members, count * sizeof(*copy));
	free(calc->previous.nodeids);
	calc->previous = calc->members;
	calc->members = (struct vote_list){.nodeids = copy, .count = count};
	if (count > 1)
		vote_local(calc)->flags &= ~(uint32_t)VOTEQUORUM_RING_FIRST;
	for (uint32_t i = 0; i < calc->previous.count; i++) {
		struct vote_node *node = vote_find(calc, calc->previous.nodeids[i]);

		if (vote_list_has(&calc->members, calc->previous.nodeids[i]))
			continue;
		has_left = 1;
		if (node != NULL)
			node->state = VOTEQUORUM_WIRE_STATE_DEAD;
	}
	if (calc->is_syncing)
		note_undecided(calc);
	return has_left;
}

int vote_nodeinfo(
	struct vote_calc *calc, uint32_t nodeid, uint32_t votes, uint32_t expected, uint32_t flags, uint32_t *bits)
{
	struct vote_node *node = vote_find(calc, nodeid);
	bool is_new = node == NULL;
	bool is_local = nodeid == calc->local;
	bool is_leaving = (flags & VOTEQUORUM_RING_LEAVING) != 0;
	bool can_fall = is_leaving;

	*bits = 0;
	if (is_new) {
		*bits |= make_room(calc) ? VOTE_FORGOTTEN : 0;
		node = add_node(calc, nodeid);
	}
	if (node == NULL)
		return -ENOMEM;

	struct vote_node before = *node;
	struct vote_node *local = vote_local(calc);

	node->votes = votes;
	/* Do not take flags from a message of this node: they may be older than its present flags. */
	if (!is_local)
		node->flags = flags;
	node->state = is_leaving ? VOTEQUORUM_WIRE_STATE_LEAVING : VOTEQUORUM_WIRE_STATE_MEMBER;
	if ((flags & VOTEQUORUM_RING_QUORATE) != 0 && !calc->is_quorate) {
		can_fall = true;
		local->expected_votes = expected;
	}
	if ((flags & VOTEQUORUM_RING_QUORATE) != 0 || calc->options.has_tracking)
		node->expected_votes = expected;
	else
		node->expected_votes = local->expected_votes;
	if (calc->options.has_last_man_standing && votes > 1) {
		calc->options.has_last_man_standing = false;
		*bits |= VOTE_STANDING_OFF;
	}
	if (is_new || is_local || (flags & VOTEQUORUM_RING_FIRST) != 0 || before.votes != node->votes ||
		before.expected_votes != node->expected_votes || before.flags != node->flags ||
		before.state != node->state)
		*bits |= vote_recalculate(calc, can_fall, is_leaving);
	/* Another node has quorum and no longer waits for all nodes, so this node stops waiting, too. */
	if (calc->options.has_wait_for_all && (node->flags & VOTEQUORUM_RING_QUORATE) != 0 &&
		(node->flags & VOTEQUORUM_RING_WFASTATUS) == 0)
		vote_set_waiting(calc, false);
	return 0;
}

uint32_t vote_deviceinfo(struct vote_calc *calc, uint32_t sender, uint32_t votes)
{
	const struct vote_node *node = vote_find(calc, sender);
	uint32_t before = calc->device_votes;

	if (node == NULL)
		return VOTE_UNKNOWN_NODE;
	if ((!calc->is_quorate && (node->flags & VOTEQUORUM_RING_QUORATE) != 0) || votes > before)
		calc->device_votes = votes;
	return calc->device_votes != before ? vote_recalculate(calc, false, false) : 0;
}

uint32_t vote_reconfigure_expected(struct vote_calc *calc, uint32_t expected)
{
	struct vote_node *local = vote_local(calc);

	if (expected != 0)
		vote_expect(calc, expected);
	calc->ev_barrier = expected;
	if (calc->options.has_tracking && local->expected_votes < calc->tracking_barrier)
		local->expected_votes = calc->tracking_barrier;
	return vote_recalculate(calc, true, false);
}

/* Return the votes of a node, or for nodeid 0 the votes of the device. NULL: no such node. */
static uint32_t *votes_of(struct vote_calc *calc, uint32_t nodeid)
{
	struct vote_node *node = vote_find(calc, nodeid);

	if (nodeid == 0)
		return &calc->device_votes;
	return node != NULL ? &node->votes : NULL;
}

int vote_set(struct vote_calc *calc, uint32_t nodeid, uint32_t votes)
{
	uint32_t *place = votes_of(calc, nodeid);

	if (place == NULL)
		return -ENOENT;
	*place = votes;
	return 0;
}

uint32_t vote_reconfigure_votes(struct vote_calc *calc, uint32_t nodeid, uint32_t votes)
{
	return vote_set(calc, nodeid, votes) < 0 ? 0 : vote_recalculate(calc, true, false);
}

uint32_t vote_cancel_waiting(struct vote_calc *calc)
{
	vote_set_waiting(calc, false);
	return vote_recalculate(calc, false, false);
}

bool vote_may_expect(const struct vote_calc *calc, uint32_t expected)
{
	struct vote_calc without = *calc; /* a copy that shares the lists with calc. They are not changed */

	without.options.has_downscale = false;

	struct vote_sum sum = vote_quorum(&without, true, expected);

	return expected >= sum.total && (!calc->is_quorate || sum.quorum <= sum.total);
}

int vote_may_set(struct vote_calc *calc, uint32_t nodeid, uint32_t votes)
{
	uint32_t *place = votes_of(calc, nodeid);

	if (place == NULL)
		return -ENOENT;

	uint32_t before = *place;

	*place = votes;

	struct vote_sum sum = vote_quorum(calc, true, 0);

	*place = before;
	return sum.quorum < sum.total / 2 || sum.quorum > sum.total ? -EINVAL : 0;
}

bool vote_window_opens(const struct vote_calc *calc, bool has_left)
{
	if (!calc->options.has_last_man_standing)
		return false;
	return (calc->members.count >= calc->quorum && has_left) ||
	       (calc->members.count <= calc->quorum && calc->options.tie_breaker != VOTE_TIE_NONE &&
		       is_member_id(calc, calc->lowest));
}
