/* SPDX-License-Identifier: BSD-3-Clause */
/* Check quorum and votequorum. Each node has one vote, and no option changes the rule. */
#include <stdlib.h>
#include <string.h>

#include "tests/histories/client_quorum.h"

static bool has_id(const uint32_t *ids, uint32_t count, uint32_t id)
{
	for (uint32_t i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/*
 * Return whether the members are those of the list before, without those that left and with those that joined. A node
 * that left and came back between two rings is in both lists.
 */
static bool is_fold(const struct quorum_watch *watch, const struct quorum_event_v1_nodelist *event)
{
	const uint32_t *joined = event->lists + event->member_count, *left = joined + event->joined_count;
	uint32_t count = 0;

	for (uint32_t i = 0; i < event->left_count; i++)
		if (!has_id(watch->members, watch->member_count, left[i]))
			return false;
	for (uint32_t i = 0; i < event->joined_count; i++)
		if (has_id(watch->members, watch->member_count, joined[i]) &&
			!has_id(left, event->left_count, joined[i]))
			return false;
	for (uint32_t i = 0; i < event->member_count; i++) {
		uint32_t id = event->lists[i];
		bool stayed = has_id(watch->members, watch->member_count, id) && !has_id(left, event->left_count, id);

		if (!stayed && !has_id(joined, event->joined_count, id))
			return false;
	}
	for (uint32_t i = 0; i < watch->member_count; i++)
		count += !has_id(left, event->left_count, watch->members[i]);
	return count + event->joined_count == event->member_count;
}

void quorum_check_list(struct quorum_watch *watch, const struct quorum_event_v1_nodelist *event)
{
	struct play *play = watch->clients->play;

	play_trace(play, "quorum: node %u: ring %ju has %u members, %u joined, %u left", watch->node,
		(uintmax_t)event->ring_id.seq, event->member_count, event->joined_count, event->left_count);
	if (event->member_count > HISTORY_NODES_MAX ||
		!has_id(event->lists, event->member_count, play_nodeid(play, watch->node))) {
		play_break(play, "quorum: node %u: it is no member of its own list", watch->node);
		return;
	}
	if (watch->has_list && !is_fold(watch, event))
		play_break(play, "quorum: node %u: the list of ring %ju is not the one by the changes", watch->node,
			(uintmax_t)event->ring_id.seq);
	watch->has_list = true;
	watch->member_count = event->member_count;
	memcpy(watch->members, event->lists, event->member_count * sizeof(uint32_t));
}

/* Check that all members of a ring report the same about quorum. */
static void check_others(struct quorum_clients *clients, const struct quorum_verdict *verdict)
{
	for (uint32_t i = 0; i < clients->verdict_count; i++) {
		const struct quorum_verdict *other = &clients->verdicts[i];

		if (!play_ring_equal(other->ring, verdict->ring))
			continue;
		clients->play->counts.compared++;
		if (other->is_quorate != verdict->is_quorate || other->member_count != verdict->member_count ||
			memcmp(other->members, verdict->members, verdict->member_count * sizeof(uint32_t)) != 0)
			play_break(clients->play, "quorum: nodes %u and %u have different verdicts about ring %ju",
				verdict->node, other->node, (uintmax_t)verdict->ring.seq);
	}
	if (clients->verdict_count == clients->verdict_capacity) {
		clients->verdict_capacity = clients->verdict_capacity * 2 + 64;
		clients->verdicts = realloc(clients->verdicts, clients->verdict_capacity * sizeof(*clients->verdicts));
		if (clients->verdicts == NULL)
			abort();
	}
	clients->verdicts[clients->verdict_count++] = *verdict;
}

void quorum_check_verdict(struct quorum_watch *watch, const struct quorum_event_v1_quorum *event)
{
	struct play *play = watch->clients->play;
	struct quorum_verdict *verdict = &watch->verdict;
	uint32_t needed = play->script->nodes / 2 + 1;

	play_trace(play, "quorum: node %u: ring %ju with %u members is %squorate", watch->node,
		(uintmax_t)event->ring_id.seq, event->view_count, event->quorate != 0 ? "" : "not ");
	if (event->view_count > HISTORY_NODES_MAX) {
		play_break(play, "quorum: node %u: a ring of %u members", watch->node, event->view_count);
		return;
	}
	*verdict = (struct quorum_verdict){.ring = play_ring_of(play, event->ring_id.nodeid, event->ring_id.seq),
		.node = watch->node,
		.member_count = event->view_count,
		.is_quorate = event->quorate != 0};
	memcpy(verdict->members, event->view, event->view_count * sizeof(uint32_t));
	play->counts.verdicts++;
	/* Before its first synchronisation a node has no ring that could be quorate. */
	if (verdict->ring.seq == 0)
		return;
	if (verdict->is_quorate != (event->view_count >= needed))
		play_break(play, "quorum: node %u: ring %ju with %u of %u votes is %squorate", watch->node,
			(uintmax_t)verdict->ring.seq, event->view_count, play->script->nodes,
			verdict->is_quorate ? "" : "not ");
	check_others(watch->clients, verdict);
}

void quorum_check_end(struct quorum_clients *clients)
{
	struct play *play = clients->play;
	uint32_t nodes = play->script->nodes;

	for (uint32_t node = 1; node <= nodes; node++) {
		const struct quorum_watch *watch = &clients->watches[node];

		if (watch->member_count != nodes || !watch->verdict.is_quorate || watch->verdict.member_count != nodes)
			play_break(play, "quorum: the network is quiet, and node %u has %u members, %squorate with %u",
				node, watch->member_count, watch->verdict.is_quorate ? "" : "not ",
				watch->verdict.member_count);
		if (!watch->votes_are_quorate || watch->votes_total != nodes || watch->votes_quorum != nodes / 2 + 1)
			play_break(play, "votequorum: the network is quiet, and node %u counts %u votes and needs %u",
				node, watch->votes_total, watch->votes_quorum);
		for (uint32_t other = 1; other <= nodes; other++)
			if (watch->votes_states[other] != VOTEQUORUM_WIRE_STATE_MEMBER)
				play_break(play,
					"votequorum: the network is quiet, and node %u is no member at node %u", other,
					node);
	}
}
