/* SPDX-License-Identifier: BSD-3-Clause */
/* Joins: book membership, "Gather", book membership, "Joins" and book membership, "Leave". */
#include "exec/totem/gather.h"

#include <assert.h>

#include "exec/totem/state.h"

#define CONTINUOUS_GATHER_MAX 3u
/* A failed node is not restored within this many join periods of the consensus timeout. */
#define RESTORE_JOINS 4u
#define EXPECTED_MAX 8u /* ring seqs that are stored ahead between two configurations */

/* Return whether a packet of another node is the cause, and not a timer or evidence of this node. */
static bool is_prompted(enum gather_cause cause)
{
	switch (cause) {
	case GATHER_FOREIGN_OPERATIONAL:
	case GATHER_FOREIGN_GATHER:
	case GATHER_MERGE_OPERATIONAL:
	case GATHER_MERGE_GATHER:
	case GATHER_MERGE_JOIN:
	case GATHER_JOIN_OPERATIONAL:
	case GATHER_JOIN_COMMIT:
	case GATHER_JOIN_RECOVERY:
		return true;
	case GATHER_CONSENSUS_TIMEOUT:
	case GATHER_TOKEN_LOST_OPERATIONAL:
	case GATHER_CONSENSUS_EXPIRED:
	case GATHER_TOKEN_LOST_COMMIT:
	case GATHER_TOKEN_LOST_RECOVERY:
	case GATHER_FAILED_TO_RECEIVE:
	case GATHER_INTERFACE:
	case GATHER_PAST_CHANGED:
		break;
	}
	return false;
}

/*
 * Return whether to count a failed node as a candidate again, since it has formed a ring since it failed. A start
 * raises the ring seq as well. So the reason why it failed is over: an earlier daemon ended, or the node had given up
 * this node in an earlier attempt. If it stayed failed, the next ring would leave it out, and it would count this node
 * as failed in turn.
 *
 * This happens once in an episode. And a node that did not agree in time, or that members have voted out, stays failed.
 * Otherwise a node with a bad link could hold up the gather again and again.
 */
static bool has_new_ring(const struct totem_engine *engine, const struct peer *peer, uint64_t ring_seq)
{
	uint64_t episode = engine->gather.episode;

	return ring_seq > peer->failed_seq && peer->id != engine->options.nodeid &&
	       !backoff_is_ignored(engine, peer->id) && peer->restored_episode != episode &&
	       peer->given_up_episode != episode &&
	       (peer->evidence_episode != episode || peer->evidence != TOTEM_EVIDENCE_VOTED);
}

/*
 * Return whether the consensus timeout is so close that the candidates could not agree again before. A node that asked
 * again now would give up all others, which run and have agreed.
 */
static bool is_conclusion_near(const struct totem_engine *engine)
{
	uint64_t margin_ns = RESTORE_JOINS * engine->options.join_ns;

	if (margin_ns > engine->options.consensus_ns / 4)
		margin_ns = engine->options.consensus_ns / 4;
	return engine->timer_at_ns[TOTEM_TIMER_CONSENSUS] < engine->now_ns + margin_ns;
}

/*
 * Return whether the node has shown a new ring so lately that another node may have sent its list before. Such a list
 * would make the node fail again, and it is restored only once.
 */
static bool has_just_returned(const struct totem_engine *engine, uint32_t id)
{
	const struct peer *peer = peer_find(engine, id);

	return engine->state == TOTEM_GATHER && peer != NULL && peer->returned_ns != 0 &&
	       engine->now_ns - peer->returned_ns < 2 * engine->options.join_ns;
}

/* Note that a join of the peer names a ring. If it is a failed node that has a new ring, it is a candidate again. */
static void heard_ring(struct totem_engine *engine, struct peer *peer, uint64_t ring_seq)
{
	if (engine->state != TOTEM_GATHER || !node_set_has(&engine->lists.failed, peer->id) ||
		!has_new_ring(engine, peer, ring_seq) || is_conclusion_near(engine))
		return;
	peer->returned_ns = engine->now_ns;
	peer->restored_episode = engine->gather.episode;
	lists_restore_one(engine, peer->id);
	lists_ask_again(engine);
	join_schedule(engine, true); /* the consensus timer goes on, so that the other node cannot hold up the gather */
}

void gather_enter(struct totem_engine *engine, enum gather_cause cause)
{
	uint64_t consensus_ns = engine->options.consensus_ns;

	/* A waiting token is handled before what starts a gather. Nothing starts one while a ring is being installed. */
	assert(!engine->arrivals.has_pending && !configure_is_unfinished(engine));
	if (engine->state == TOTEM_RECOVERY) {
		belief_note_recovery(engine, 0);
		recovery_leave(engine);
	}
	if (engine->state == TOTEM_OPERATIONAL) {
		deliver_end(engine);
		engine->gather.episode++;
		engine->gather.expected_seq = engine->gather.expected_count = 0;
		engine->gather.episode_ns = engine->gather.waiting_ns = engine->now_ns;
	}
	engine->gather.began_ns = engine->now_ns;
	if (backoff_yields(engine))
		consensus_ns += consensus_ns / 4;
	engine->place = TOKEN_NONE;
	timer_skip_rotation(engine);
	lists_add(engine, engine->options.nodeid);
	lists_ask_again(engine);
	engine->counters.gather_entered++;
	core_set_state(engine, TOTEM_GATHER, cause);

	timer_cancel_token(engine);
	timer_cancel(engine, TOTEM_TIMER_RETRANSMIT);
	announce_busy(engine);
	timer_cancel(engine, TOTEM_TIMER_HOLD);
	join_begin(engine);
	timer_set(engine, TOTEM_TIMER_CONSENSUS, consensus_ns);
	engine->gather.has_waited = false;
	suspect_start(engine);
	lease_gather(engine);
	late_path_gather(engine);
	join_schedule(engine, is_prompted(cause));
}

/*
 * Let the user store ahead the seq of the ring that another node is about to begin. Members with random first numbers
 * come one after the other, so there may be several before the ring forms. A forged join must not cause more.
 */
static void expect_ring(struct totem_engine *engine)
{
	uint64_t seq = claim_highest(engine) + RING_SEQ_STEP;

	if (engine->callbacks.expect_ring_seq == NULL || seq <= engine->gather.expected_seq ||
		engine->gather.expected_count == EXPECTED_MAX)
		return;
	engine->gather.expected_seq = seq;
	engine->gather.expected_count++;
	engine->callbacks.expect_ring_seq(engine->arg, seq);
}

/* Handle a join with the same lists as this node has: its sender agrees (book membership, "Joins"). */
static void consent(struct totem_engine *engine, uint32_t node)
{
	lists_agree(engine, node);

	bool agreed = conclude_is_agreed(engine);

	if (engine->gather.has_failed_to_receive &&
		(agreed || node_set_equal(&engine->lists.proc, &engine->lists.failed))) {
		/* The other nodes go on without this node. Start again as a ring of one. */
		engine->gather.has_failed_to_receive = false;
		lists_empty(engine);
		lists_add(engine, engine->options.nodeid);
		lists_live(engine);
		commit_create(engine);
	} else if (agreed && engine->lists.live.ids[0] == engine->options.nodeid && !late_path_is_likely(engine)) {
		/*
		 * If a late path is likely, this code runs again: this node's own joins come back to it at each T-join.
		 */
		commit_create(engine);
	} else if (agreed && engine->lists.live.ids[0] != engine->options.nodeid) {
		expect_ring(engine);
	}
}

/* Take over whom the sender of a join counts as failed, if this node believes it. The list does not name this node. */
static void adopt_failed(struct totem_engine *engine, uint32_t from, uint64_t ring_seq)
{
	for (uint32_t i = 0; i < engine->gather.join_failed.count; i++) {
		uint32_t id = engine->gather.join_failed.ids[i];

		if ((id == from || !has_just_returned(engine, id)) &&
			(id == from || belief_of_member(engine, from, ring_seq, id) || belief_of_stranger(engine, id)))
			lists_fail(engine, id);
	}
}

/*
 * Count nodes that are not configured as failed, so that they cannot become members. They stay in the lists, since
 * Corosync nodes take over any id that a join has. Lists without these ids would never equal theirs.
 */
static void fail_unknown(struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->lists.proc.count; i++) {
		if (!core_knows(engine, engine->lists.proc.ids[i]))
			lists_fail(engine, engine->lists.proc.ids[i]);
	}
}

static bool has_our_lists(const struct totem_engine *engine)
{
	return TOTEM_MUTANT(engine, CONSENSUS_ANYBODY) ||
	       (node_set_equal(&engine->gather.join_proc, &engine->lists.proc) &&
		       node_set_equal(&engine->gather.join_failed, &engine->lists.failed));
}

/* Go on without the candidates that have not agreed. Return whether the node must gather again. */
static bool give_up(struct totem_engine *engine)
{
	if (!conclude_now(engine))
		return false;
	if (node_set_contains(&engine->lists.failed, &engine->lists.proc)) {
		/*
		 * All candidates have failed, including this node, which failed to receive. Start again as a ring of
		 * one.
		 */
		engine->gather.has_failed_to_receive = false;
		lists_empty(engine);
	}
	return true;
}

/*
 * Return whether the sender may have sent its list before it heard this node's new ring. So its word that this node has
 * failed may be about an earlier daemon or ring, and it would be taken back at once.
 */
static bool may_be_unaware(const struct totem_engine *engine, uint32_t from)
{
	return !node_set_has(&engine->installed.memb, from) &&
	       engine->now_ns - engine->gather.episode_ns < 2 * engine->options.join_ns;
}

static void process_join(struct totem_engine *engine, const struct wire_join *join, enum gather_cause cause)
{
	uint32_t from = join->system_from;
	bool is_leave = join->header_nodeid == 0;
	bool is_fresh = engine->state != TOTEM_GATHER;
	bool is_concluded = false;
	uint32_t count = engine->lists.proc.count + engine->lists.failed.count;

	if (has_our_lists(engine) && !is_leave) {
		if (is_fresh)
			gather_enter(engine, cause);
		consent(engine, from);
		return;
	}
	if (TOTEM_MUTANT(engine, LEAVE_IGNORED) && is_leave)
		return;
	if ((node_set_contains(&engine->lists.proc, &engine->gather.join_proc) &&
		    node_set_contains(&engine->lists.failed, &engine->gather.join_failed)) ||
		node_set_has(&engine->lists.failed, from)) {
		if (is_fresh)
			gather_enter(engine, cause);
		return;
	}

	lists_unite(engine, &engine->gather.join_proc);
	fail_unknown(engine);
	if (node_set_has(&engine->gather.join_failed, engine->options.nodeid)) {
		if (!may_be_unaware(engine, from)) {
			lists_fail(engine, from);
			is_concluded = conclude_is_due(engine, from) && give_up(engine);
		}
	} else {
		adopt_failed(engine, from, join->ring_seq);
	}
	/*
	 * If the join has no new id, the consensus timer goes on. If it started again, the sender could hold up the
	 * gather for ever.
	 */
	if (is_fresh || is_concluded || engine->lists.proc.count + engine->lists.failed.count != count)
		gather_enter(engine, GATHER_MERGE_JOIN);
	if (is_concluded)
		join_hurry(engine);
	/* If the lists are equal now, the sender has agreed with this join. */
	if (has_our_lists(engine) && !is_leave)
		consent(engine, from);
}

/*
 * Add the ids of a set that are not configured to `strangers` (all ids, if any node may join). Return whether there is
 * room for these and all configured nodes.
 */
static bool count_strangers(struct totem_engine *engine, struct node_set *strangers, const struct node_set *set)
{
	/* Each join leads to this, so do not search for each of its ids. */
	bool has_strangers = !node_set_contains(&engine->known, set);

	for (uint32_t i = 0; has_strangers && i < set->count; i++) {
		uint32_t id = set->ids[i];

		if (engine->known.count > 0 && core_knows(engine, id))
			continue;
		if (strangers->count == WIRE_NODES_MAX && !node_set_has(strangers, id))
			return false;
		set_add(strangers, id);
	}
	return strangers->count + engine->known.count <= WIRE_NODES_MAX;
}

/* Read the lists of a join into sets. @return false: with these ids there might be no room for a configured node */
static bool read_lists(struct totem_engine *engine, const struct wire_join *join)
{
	struct node_set *strangers = &engine->gather.strangers;

	node_set_clear(&engine->gather.join_proc);
	node_set_clear(&engine->gather.join_failed);
	for (uint32_t i = 0; i < join->proc_count; i++) {
		uint32_t id = wire_join_proc(join, i);

		if (id != 0)
			set_add(&engine->gather.join_proc, id);
	}
	for (uint32_t i = 0; i < join->failed_count; i++) {
		uint32_t id = wire_join_failed(join, i);

		if (id != 0)
			set_add(&engine->gather.join_failed, id);
	}
	node_set_clear(strangers);
	return count_strangers(engine, strangers, &engine->lists.proc) &&
	       count_strangers(engine, strangers, &engine->lists.failed) &&
	       count_strangers(engine, strangers, &engine->gather.join_proc) &&
	       count_strangers(engine, strangers, &engine->gather.join_failed);
}

static void join_by_state(struct totem_engine *engine, const struct wire_join *join)
{
	/*
	 * True if the sender has left this attempt, or will never enter it. Lists only grow until they are agreed on.
	 * So a member with more ids will refuse the commit token.
	 */
	bool is_of_attempt = node_set_has(&engine->commit.memb, join->system_from) &&
			     (join->ring_seq >= engine->ring.seq ||
				     (engine->state == TOTEM_COMMIT &&
					     (!node_set_contains(&engine->lists.proc, &engine->gather.join_proc) ||
						     !node_set_contains(
							     &engine->lists.failed, &engine->gather.join_failed))));

	switch (engine->state) {
	case TOTEM_OPERATIONAL:
		/* A node that has given up this node must come back by a merge. */
		if (!node_set_has(&engine->gather.join_failed, engine->options.nodeid))
			process_join(engine, join, GATHER_JOIN_OPERATIONAL);
		break;
	case TOTEM_GATHER:
		process_join(engine, join, GATHER_MERGE_JOIN);
		break;
	case TOTEM_COMMIT:
	case TOTEM_RECOVERY:
		if (!is_of_attempt)
			break;
		if (engine->state == TOTEM_RECOVERY)
			belief_note_recovery(engine, join->system_from); /* before the lists of the join are judged */
		/*
		 * Corosync processes the join before it leaves the attempt. The consensus that led to the attempt can
		 * then make it create a second commit token.
		 */
		if (TOTEM_QUIRK(engine, JOIN_BEFORE_LEAVE_STATE) &&
			node_set_equal(&engine->gather.join_proc, &engine->lists.proc) &&
			node_set_equal(&engine->gather.join_failed, &engine->lists.failed)) {
			enum totem_state state = engine->state;

			consent(engine, join->system_from);
			gather_enter(engine, state == TOTEM_COMMIT ? GATHER_JOIN_COMMIT : GATHER_JOIN_RECOVERY);
			break;
		}
		process_join(engine, join, engine->state == TOTEM_COMMIT ? GATHER_JOIN_COMMIT : GATHER_JOIN_RECOVERY);
		break;
	}
}

/* Return whether a member's leave names another ring than that of its sender. A forger would have to know the right seq. */
static bool is_leave_of_another_ring(const struct totem_engine *engine, const struct wire_join *join)
{
	return join->header_nodeid == 0 && engine->state == TOTEM_OPERATIONAL &&
	       node_set_has(&engine->installed.memb, join->system_from) && join->ring_seq != engine->ring.seq;
}

/*
 * The same while a ring is being formed, for a member that can't be asked whether it has left. It may be in the ring in
 * force or in the attempt. One that is in an attempt that this node does not know is missed like one that crashes.
 */
static bool is_leave_of_an_unknown_ring(const struct totem_engine *engine, const struct wire_join *join)
{
	return engine->state != TOTEM_OPERATIONAL && node_set_has(&engine->installed.memb, join->system_from) &&
	       join->ring_seq != engine->ring.seq && join->ring_seq != engine->installed.ring.seq;
}

/*
 * This node's own join has come back, and counts as agreement. Any other join with the id of this node is late, or of an
 * earlier run, or forged. It must not make this node count itself as failed.
 */
static void handle_own_join(struct totem_engine *engine, struct peer *peer, const struct wire_join *join)
{
	if (engine->state != TOTEM_GATHER || join->header_nodeid == 0 || !has_our_lists(engine))
		return;
	consent(engine, join->system_from);
	peer->heard_episode = engine->gather.episode;
	backoff_accuse(engine, join->system_from); /* the nodes that this node has given up */
}

/*
 * Return whether the last join shows that a member will be in another ring than this node: it evicts this node, or itself
 * since it fails to receive. It may have a majority, and forms its ring without waiting for this node's lease. So this node
 * must not serve requests that need quorum.
 */
static bool will_part(const struct totem_engine *engine, uint32_t from)
{
	return node_set_has(&engine->installed.memb, from) &&
	       (node_set_has(&engine->gather.join_failed, engine->options.nodeid) ||
		       node_set_has(&engine->gather.join_failed, from));
}

void gather_join(struct totem_engine *engine, struct coterie_frame *frame)
{
	struct wire_join join;
	enum wire_refusal refusal = wire_decode_join(frame->data, frame->size, &join);

	if (refusal != WIRE_OK) {
		core_refuse(engine, refusal, 0);
		return;
	}
	if (engine->pause.is_pausing)
		return;

	struct peer *peer = peer_get(engine, join.system_from);

	if (peer != NULL && !claim_is_believed(engine, join.ring_seq, RING_SEQ_STEP_MAX)) {
		core_refuse(engine, TOTEM_REFUSED_SEQ, join.system_from);
		return;
	}
	if (peer == NULL || (join.header_nodeid != 0 && join.header_nodeid != join.system_from) ||
		is_leave_of_another_ring(engine, &join) || !read_lists(engine, &join)) {
		core_refuse(engine, TOTEM_REFUSED_JOIN, join.system_from);
		return;
	}
	if (join.system_from == engine->options.nodeid) {
		handle_own_join(engine, peer, &join);
		return;
	}
	claim_heard(engine, join.system_from, join.ring_seq);
	if (peer_is_stale(engine, peer, join.ring_seq)) {
		core_refuse(engine, TOTEM_REFUSED_STALE, join.system_from);
		return;
	}
	if (join.header_nodeid != 0 && !node_set_has(&engine->gather.join_failed, engine->options.nodeid))
		heard_ring(engine, peer, join.ring_seq);
	if (join.header_nodeid == 0 && !engine->suspicion.is_farewell_over) {
		if (suspect_farewell(engine, peer, frame))
			return;
		if (is_leave_of_an_unknown_ring(engine, &join)) {
			core_refuse(engine, TOTEM_REFUSED_JOIN, join.system_from);
			return;
		}
	}
	peer->heard_ns = engine->now_ns;
	backoff_reconsider(engine, peer, join.header_nodeid == 0);
	if (join.header_nodeid == 0) {
		peer->left_episode = engine->gather.episode + (engine->state == TOTEM_OPERATIONAL);
	} else {
		peer->features = join.features & ~WIRE_MARK_MASK;
		belief_note_mark(
			engine, peer, (uint32_t)((join.features & WIRE_MARK_MASK) >> WIRE_MARK_SHIFT), join.ring_seq);
		if (backoff_is_ignored(engine, join.system_from) || announce_is_early(engine, join.system_from))
			return;
		late_path_note(engine, peer);
	}
	join_by_state(engine, &join);
	peer = peer_find(engine, join.system_from); /* its record may have moved, or made room for another */
	if (peer == NULL)
		return;
	if (join.header_nodeid != 0)
		peer->heard_episode = engine->gather.episode;
	if (node_set_has(&engine->gather.join_failed, engine->options.nodeid))
		peer->failed_us_episode = engine->gather.episode;
	if (join.header_nodeid != 0 && will_part(engine, join.system_from))
		lease_doubt(engine);
	backoff_accuse(engine, join.system_from);
}

/* Return whether this node must wait before it concludes. If so, set the timer to the end of the wait. */
static bool waits(struct totem_engine *engine, enum totem_timer timer)
{
	if (conclude_waits_for_leases(engine, timer))
		return true;
	if (engine->gather.has_waited || !conclude_waits_for_margin(engine, timer))
		return false;
	engine->gather.has_waited = true;
	return true;
}

void gather_consensus_expired(struct totem_engine *engine)
{
	if (engine->state != TOTEM_GATHER || engine->pause.is_pausing)
		return;
	if (!conclude_is_agreed(engine) && waits(engine, TOTEM_TIMER_CONSENSUS))
		return;
	if (give_up(engine))
		gather_enter(engine, GATHER_CONSENSUS_TIMEOUT);
	else
		timer_start_token(engine);
}

void gather_token_expired(struct totem_engine *engine)
{
	if (!conclude_is_agreed(engine) && waits(engine, TOTEM_TIMER_TOKEN))
		return;
	engine->counters.continuous_gather++;
	if (engine->counters.continuous_gather > CONTINUOUS_GATHER_MAX) {
		const struct totem_trace trace = {
			.kind = TOTEM_TRACE_CANNOT_GATHER,
			.value = engine->counters.continuous_gather,
			.ring = engine->ring,
		};

		core_trace(engine, &trace);
	}
	(void)give_up(engine);
	gather_enter(engine, GATHER_CONSENSUS_EXPIRED);
}

void gather_fail_to_receive(struct totem_engine *engine)
{
	const struct totem_trace trace = {
		.kind = TOTEM_TRACE_FAILED_TO_RECEIVE,
		.node = engine->options.nodeid,
		.seq = core_store(engine)->aru,
		.ring = engine->ring,
	};

	core_trace(engine, &trace);
	engine->gather.has_failed_to_receive = true;
	lease_doubt(engine); /* the other members will form a ring without this node */
	lists_fail(engine, engine->options.nodeid);
	gather_enter(engine, GATHER_FAILED_TO_RECEIVE);
}

void gather_overdue(struct totem_engine *engine)
{
	/*
	 * A clock may have jumped, and then a member still serves that this node seems to have waited for. And nodes
	 * that were given up before the pause may run again.
	 */
	engine->gather.waiting_ns = engine->now_ns;
	lists_restore(engine);
	belief_wait_again(engine);
	if (engine->gather.has_failed_to_receive)
		lists_fail(engine, engine->options.nodeid);
	gather_enter(
		engine, engine->state == TOTEM_OPERATIONAL ? GATHER_TOKEN_LOST_OPERATIONAL : GATHER_CONSENSUS_EXPIRED);
}

void gather_note_stall(struct totem_engine *engine, uint64_t stall_ns)
{
	engine->gather.waiting_ns += stall_ns;
	belief_note_stall(engine, stall_ns);
}

/*
 * A link that is down shows nothing about other nodes. So the membership waits for its timeouts, as it does when nodes
 * are silent.
 */
void gather_link_down(struct totem_engine *engine)
{
	engine->is_cut = true;
	lease_settle(engine);
}

/*
 * Start the protocol when the first link is up. A later link may make other nodes reachable again, so the node gathers.
 * But a ring that has survived a short outage goes on: its token is sent again.
 */
void gather_link_up(struct totem_engine *engine)
{
	bool was_cut = engine->is_cut;

	engine->is_cut = false;
	lease_settle(engine);
	if (!engine->is_started) {
		timer_start_pause(engine);
		engine->is_started = true;
	} else if (engine->state == TOTEM_OPERATIONAL && engine->installed.memb.count > 1) {
		suspect_start(engine);
		return;
	}
	if (was_cut && engine->state == TOTEM_GATHER)
		join_schedule(engine, false); /* the consensus timer goes on */
	else
		gather_enter(engine, GATHER_INTERFACE);
}

void gather_fail(struct totem_engine *engine, uint32_t id, enum totem_evidence evidence)
{
	if (!node_set_has(&engine->lists.proc, id) || node_set_has(&engine->lists.failed, id) ||
		id == engine->options.nodeid)
		return;
	uint64_t until_ns = engine->timer_at_ns[TOTEM_TIMER_CONSENSUS];
	bool is_again = engine->state == TOTEM_GATHER && peer_was_restored(engine, peer_find(engine, id));
	uint64_t least_ns = engine->now_ns + engine->options.consensus_ns / 4;

	lists_fail(engine, id);
	gather_enter(
		engine, engine->state == TOTEM_OPERATIONAL ? GATHER_TOKEN_LOST_OPERATIONAL : GATHER_CONSENSUS_TIMEOUT);
	/* A node that fails a second time must not hold up the gather for a second consensus timeout. */
	if (is_again && until_ns < engine->timer_at_ns[TOTEM_TIMER_CONSENSUS])
		timer_set(engine, TOTEM_TIMER_CONSENSUS, (until_ns > least_ns ? until_ns : least_ns) - engine->now_ns);
	evict_note(engine, id, evidence);
}
