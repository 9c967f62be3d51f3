/* SPDX-License-Identifier: BSD-3-Clause */
/* The back-off: book failure, "Back-off". */
#include "exec/totem/backoff.h"

#include "exec/totem/state.h"

#define BACKOFF_MIN_NS (10000 * MILLISECOND_NS)
#define BACKOFF_MAX_NS (60000 * MILLISECOND_NS)
#define CONFLICT_AGE_MAX_NS (2 * BACKOFF_MAX_NS)
#define ASK_GAP_NS (200 * MILLISECOND_NS)
#define PARDONS_MAX 3u /* more than one, since a packet may be lost */

/*
 * Return whether the ring was installed less than two rotations ago. Some members may still be in RECOVERY. If this
 * node gathered because of a packet of another ring, it would abort their recovery. Packets of that ring will come
 * again.
 */
static bool is_just_installed(const struct totem_engine *engine)
{
	return engine->state == TOTEM_OPERATIONAL && engine->aru.known < 2;
}

/* Return whether the back-off of the peer is in force. Then its verdict counts. */
static bool is_in_force(const struct totem_engine *engine, const struct peer *peer)
{
	return peer->backoff.until_ns > engine->now_ns;
}

bool backoff_is_ignored(const struct totem_engine *engine, uint32_t id)
{
	const struct peer *peer = peer_find(engine, id);

	if (is_just_installed(engine) && !node_set_has(&engine->installed.memb, id))
		return true;
	if (engine->is_cut)
		return true;
	return peer != NULL && is_in_force(engine, peer);
}

bool backoff_is_unwanted(const struct totem_engine *engine, const struct peer *peer)
{
	return is_in_force(engine, peer) && peer->backoff.verdict != VERDICT_OURS;
}

/* Return whether a packet of the peer has arrived since this node left the last ring. */
static bool is_heard(const struct totem_engine *engine, const struct peer *peer)
{
	return peer->heard_episode == engine->gather.episode ||
	       (peer->heard_ns != 0 && peer->heard_ns >= engine->gather.episode_ns);
}

/* Return whether this node gave the peer up before it formed this ring, and no packet of the peer had arrived. */
static bool is_lost(const struct totem_engine *engine, const struct peer *peer)
{
	return peer->given_up_episode == engine->gather.episode && !is_heard(engine, peer);
}

/*
 * Return whether the peer has left this node out of its ring because a third node does not hear this node. Such a peer
 * does not ignore this node, so it gathers at each packet of this node.
 */
static bool is_shunned(const struct totem_engine *engine, const struct peer *peer)
{
	return is_in_force(engine, peer) && peer->backoff.verdict == VERDICT_OURS &&
	       peer->failed_us_episode == engine->gather.episode && !peer_has_probes(engine, peer);
}

bool backoff_is_quiet(const struct totem_engine *engine)
{
	if (engine->state != TOTEM_OPERATIONAL || engine->installed.memb.count != 1 ||
		TOTEM_MUTANT(engine, QUIET_NEVER))
		return false;
	for (uint32_t i = 0; i < engine->peers.count; i++) {
		if (is_shunned(engine, &engine->peers.all[i]))
			return true;
	}
	return false;
}

bool backoff_yields(const struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->peers.count && engine->installed.memb.count == 1; i++) {
		const struct peer *peer = &engine->peers.all[i];

		if (peer->backoff.conflicts > 0 && peer->backoff.accuser == engine->options.nodeid &&
			engine->now_ns - peer->backoff.conflict_ns < CONFLICT_AGE_MAX_NS)
			return true;
	}
	return false;
}

/* Return whether this node asks the peer from time to time whether it hears this node now. */
static bool is_asked(const struct totem_engine *engine, const struct peer *peer)
{
	return peer->backoff.ask_until_ns > engine->now_ns && peer_has_probes(engine, peer);
}

static void speak_again(struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->peers.count; i++) {
		if (is_shunned(engine, &engine->peers.all[i]))
			engine->peers.all[i].backoff.until_ns = 0;
	}
}

void backoff_answered(struct totem_engine *engine, struct peer *peer)
{
	if (backoff_is_quiet(engine))
		speak_again(engine);
	if (peer->backoff.accuser != engine->options.nodeid || engine->now_ns < peer->backoff.lift_ns)
		return;
	peer->backoff.until_ns = 0;
	if (is_asked(engine, peer))
		probe_tell_members(engine, WIRE_PROBE_RETRACT, peer->id);
}

void backoff_retracted(struct totem_engine *engine, uint32_t accuser, uint32_t accused)
{
	struct peer *peer = peer_find(engine, accused);

	if (peer != NULL && peer->backoff.accuser == accuser)
		peer->backoff.until_ns = 0;
}

void backoff_kept_apart(struct totem_engine *engine, struct peer *peer)
{
	if (peer->backoff.accuser == engine->options.nodeid && engine->now_ns >= peer->backoff.lift_ns &&
		is_asked(engine, peer))
		probe_tell_members(engine, WIRE_PROBE_PARDON, peer->id);
}

/* Return whether, as far as this node knows, it or a member does not hear some other node. */
static bool is_anybody_unheard(const struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->peers.count; i++) {
		const struct peer *peer = &engine->peers.all[i];

		if (is_lost(engine, peer) || (is_in_force(engine, peer) && peer->backoff.verdict == VERDICT_THEIRS))
			return true;
	}
	return false;
}

/*
 * Handle a pardon. Accusations of two rings can form a circle. Then each accuser asks a node that ignores it because of
 * another accuser. So no accuser gets an answer that would let it withdraw its accusation.
 *
 * Such a node answers UNWANTED instead, and the accuser that gets this answer sends a pardon to its own ring. If all
 * accusations are pardoned, all nodes hear each other, and all back-offs end. If a link is really cut, its two ends
 * never pardon each other, and all back-offs stay.
 */
void backoff_pardoned(struct totem_engine *engine, uint32_t accuser, uint32_t accused)
{
	struct peer *peer = peer_find(engine, accused);

	if (peer == NULL || peer->backoff.accuser != accuser || accuser == engine->options.nodeid)
		return;
	peer->backoff.verdict = verdict_pardoned(peer->backoff.verdict);
	if (is_anybody_unheard(engine))
		return;
	for (uint32_t i = 0; i < engine->peers.count; i++) {
		if (engine->peers.all[i].backoff.verdict == VERDICT_PARDONED)
			engine->peers.all[i].backoff.until_ns = 0;
	}
}

/*
 * Return whether this node may send to the peer again (see backoff_is_quiet). The peer has started again, or has given
 * up a node that this node does not hear. That third node may have been the reason why the peer ignored this node. A
 * minimum time must have passed. Without it several nodes that are quiet because of the peer could wake each other for
 * ever.
 */
static bool is_free_again(const struct totem_engine *engine, const struct peer *peer)
{
	uint64_t since_ns = engine->now_ns - peer->backoff.conflict_ns;

	if (!is_shunned(engine, peer) || node_set_has(&engine->gather.join_failed, engine->options.nodeid) ||
		since_ns < (peer->backoff.until_ns - peer->backoff.conflict_ns) / 8)
		return false;
	if (engine->gather.join_proc.count == 1)
		return true;
	for (uint32_t i = 0; i < engine->gather.join_failed.count; i++) {
		const struct peer *other = peer_find(engine, engine->gather.join_failed.ids[i]);

		if (other != NULL && is_lost(engine, other))
			return true;
	}
	return false;
}

/*
 * Maybe end the back-off of the sender of a join. This node gave the sender up although it heard the sender: the sender
 * did not hear this node, or ignored it. Now the sender names this node as a candidate.
 */
void backoff_reconsider(struct totem_engine *engine, struct peer *peer, bool is_leave)
{
	uint32_t me = engine->options.nodeid;

	if (!is_leave && is_free_again(engine, peer))
		peer->backoff.until_ns = 0;
	if (!is_leave && peer->backoff.accuser == me && engine->now_ns >= peer->backoff.lift_ns &&
		node_set_has(&engine->gather.join_proc, me) && !node_set_has(&engine->gather.join_failed, me))
		peer->backoff.until_ns = 0;
}

/*
 * Return whether to send a pardon for the peer: as far as this node knows, another member is the reason why the peer is
 * kept out. That member may have the opposite verdict, since a verdict lasts longer than the attempt in which it was
 * made. So this node sends the pardon even if the peer is a member by now.
 */
static bool is_disowned(const struct totem_engine *engine, const struct peer *peer)
{
	bool is_theirs = false;

	switch (peer->backoff.verdict) {
	case VERDICT_NONE:
	case VERDICT_OURS:
		break;
	case VERDICT_THEIRS:
		is_theirs = is_in_force(engine, peer);
		break;
	case VERDICT_PARDONED:
	case VERDICT_SPENT:
		is_theirs = true;
		break;
	}
	return is_theirs && peer->backoff.pardons < PARDONS_MAX;
}

/* Return the time of the next action about a back-off: a question, a pardon, or the end of the back-off. */
static uint64_t next_of(const struct totem_engine *engine, const struct peer *peer)
{
	uint64_t at_ns = peer->asked_ns + ASK_GAP_NS;

	if (at_ns < peer->backoff.lift_ns)
		at_ns = peer->backoff.lift_ns;
	if (!is_asked(engine, peer) || at_ns > peer->backoff.ask_until_ns)
		at_ns = TOTEM_NEVER;
	if (is_disowned(engine, peer))
		at_ns = peer->backoff.lift_ns + peer->backoff.pardons * ASK_GAP_NS;
	if (is_in_force(engine, peer) && peer->backoff.until_ns < at_ns)
		at_ns = peer->backoff.until_ns;
	return at_ns;
}

static void start_timer(struct totem_engine *engine)
{
	uint64_t first_ns = TOTEM_NEVER;

	for (uint32_t i = 0; i < engine->peers.count; i++) {
		uint64_t next_ns = next_of(engine, &engine->peers.all[i]);

		if (next_ns < first_ns)
			first_ns = next_ns;
	}
	if (first_ns == TOTEM_NEVER)
		timer_cancel(engine, TOTEM_TIMER_BACKOFF);
	else
		timer_set(engine, TOTEM_TIMER_BACKOFF, first_ns > engine->now_ns ? first_ns - engine->now_ns : 0);
}

void backoff_given_up(struct totem_engine *engine, uint32_t id)
{
	struct peer *peer = peer_get(engine, id);

	if (peer != NULL)
		peer->given_up_episode = engine->gather.episode;
}

void backoff_accuse(struct totem_engine *engine, uint32_t accuser)
{
	bool is_member = node_set_has(&engine->installed.memb, accuser);

	for (uint32_t i = 0; i < engine->peers.count; i++) {
		struct peer *peer = &engine->peers.all[i];

		if (peer->id == accuser)
			continue;
		if (node_set_has(&engine->gather.join_failed, peer->id)) {
			if (peer->accuser_episode != engine->gather.episode)
				peer->accuser = accuser;
			peer->accuser_episode = engine->gather.episode;
		} else if (is_member && node_set_has(&engine->gather.join_proc, peer->id)) {
			peer->backoff.until_ns = 0; /* a member of this ring hears it */
		}
	}
}

static uint64_t hash_members(const struct totem_engine *engine)
{
	uint64_t hash = UINT64_C(0xCBF29CE484222325); /* FNV-1a, over words instead of bytes */

	for (uint32_t i = 0; i < engine->installed.memb.count; i++)
		hash = (hash ^ engine->installed.memb.ids[i]) * UINT64_C(0x100000001B3);
	return hash;
}

/*
 * Return the node that accused the peer, so that the peer was kept out of the ring though this node hears it. 0: there
 * is none.
 */
static uint32_t accuser_of(const struct totem_engine *engine, const struct peer *peer)
{
	if (!is_heard(engine, peer) || peer->left_episode == engine->gather.episode ||
		!node_set_has(&engine->lists.failed, peer->id))
		return 0;
	if (peer->given_up_episode == engine->gather.episode)
		return engine->options.nodeid;
	if (peer->accuser_episode == engine->gather.episode && node_set_has(&engine->installed.memb, peer->accuser))
		return peer->accuser;
	return 0;
}

static void trace_unheard(struct totem_engine *engine, const struct peer *peer, enum totem_trace_kind kind)
{
	const struct totem_trace trace = {
		.kind = kind,
		.node = peer->id,
		.seq = peer->backoff.accuser,
		.value = peer->backoff.next_ns / MILLISECOND_NS,
		.ring = engine->ring,
	};

	core_trace(engine, &trace);
}

/*
 * Two nodes that do not hear each other may be left out of the ring in turn. If the other node of the pair was left out
 * last time, take over the counts of its back-off.
 */
static void inherit(const struct totem_engine *engine, struct peer *peer)
{
	const struct peer *other = peer_find(engine, peer->backoff.accuser);

	if (other == NULL || other->backoff.accuser != peer->id || other->backoff.conflicts == 0 ||
		engine->now_ns - other->backoff.conflict_ns > CONFLICT_AGE_MAX_NS)
		return;
	if (peer->backoff.conflicts < other->backoff.conflicts)
		peer->backoff.conflicts = other->backoff.conflicts;
	if (peer->backoff.next_ns < other->backoff.next_ns)
		peer->backoff.next_ns = other->backoff.next_ns;
}

/*
 * Begin or end a back-off of the peer (book failure, "Back-off"). A ring was formed without the peer, though this node
 * hears it. So the peer and some member, maybe this node, do not hear each other. Without a back-off one ring would be
 * formed after the other, without end. The first time may be an accident. After that the peer is ignored for longer
 * each time, while the members stay the same. The member that does not hear the peer does not ignore it. So the two can
 * find each other as soon as they hear each other, and their joins end the back-off (backoff_accuse,
 * backoff_reconsider).
 */
static void judge(struct totem_engine *engine, struct peer *peer)
{
	if (node_set_has(&engine->installed.memb, peer->id)) {
		peer->backoff.until_ns = peer->backoff.ask_until_ns = 0;
		peer->backoff.verdict = VERDICT_NONE;
		peer->join_seq = engine->ring.seq;
		peer->stale_count = 0;
		return;
	}
	/* The member that does not hear the peer may have left. */
	if (engine->installed.left.count > 0 || !node_set_has(&engine->installed.memb, peer->backoff.accuser)) {
		peer->backoff.until_ns = peer->backoff.ask_until_ns = 0;
		peer->backoff.verdict = verdict_left(peer->backoff.verdict);
	}

	uint32_t accuser = accuser_of(engine, peer);

	if (accuser == 0 || TOTEM_QUIRK(engine, LISTENS_ALWAYS))
		return;
	if (engine->now_ns - peer->backoff.conflict_ns > CONFLICT_AGE_MAX_NS ||
		peer->backoff.conflict_members != hash_members(engine))
		peer->backoff.conflicts = 0;
	peer->backoff.conflict_members = hash_members(engine);
	peer->backoff.conflict_ns = engine->now_ns;
	peer->backoff.accuser = accuser;
	peer->backoff.pardons = 0;
	if (!verdict_stands(peer->backoff.verdict))
		trace_unheard(engine, peer, TOTEM_TRACE_UNHEARD);
	peer->backoff.verdict = accuser == engine->options.nodeid ? VERDICT_OURS : VERDICT_THEIRS;
	if (peer->backoff.conflicts == 0)
		peer->backoff.next_ns = engine->options.consensus_ns;
	inherit(engine, peer);
	peer->backoff.conflicts++;
	peer->backoff.until_ns = engine->now_ns + peer->backoff.next_ns;
	peer->backoff.ask_until_ns = peer->backoff.verdict == VERDICT_OURS ? peer->backoff.until_ns : 0;
	/* The random time keeps two nodes that end their back-offs at the same time from doing so again and again. */
	peer->backoff.lift_ns = engine->now_ns + 2 * engine->options.join_ns +
				core_random(engine) % (4 * engine->options.join_ns);
	trace_unheard(engine, peer, TOTEM_TRACE_BACKOFF);
	peer->backoff.next_ns *= 2;
	if (peer->backoff.next_ns < BACKOFF_MIN_NS)
		peer->backoff.next_ns = BACKOFF_MIN_NS;
	if (peer->backoff.next_ns > BACKOFF_MAX_NS)
		peer->backoff.next_ns = BACKOFF_MAX_NS;
}

/*
 * Ask the nodes because of which this node may have been left out. A node that is quiet (backoff_is_quiet) sends no
 * packets by which those nodes could find it.
 */
static void ask_the_lost(struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->peers.count; i++) {
		if (is_lost(engine, &engine->peers.all[i]))
			engine->peers.all[i].backoff.ask_until_ns = engine->now_ns + BACKOFF_MAX_NS;
	}
}

void backoff_installed(struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->peers.count; i++)
		judge(engine, &engine->peers.all[i]);
	if (backoff_is_quiet(engine))
		ask_the_lost(engine);
	start_timer(engine);
}

/*
 * Let the accuser ask again from time to time. When a path works again, the two nodes may send no packets to each
 * other: only representatives send merge detects, and these may be ignored.
 */
void backoff_expired(struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->peers.count; i++) {
		struct peer *peer = &engine->peers.all[i];

		if (next_of(engine, peer) > engine->now_ns)
			continue;
		if (is_disowned(engine, peer)) {
			peer->backoff.pardons++;
			probe_tell_members(engine, WIRE_PROBE_PARDON, peer->id);
		} else if (is_asked(engine, peer)) {
			probe_ask_again(engine, peer, ASK_GAP_NS / 2);
		}
	}
	start_timer(engine);
}
