/* SPDX-License-Identifier: BSD-3-Clause */
/* The back-off: book failure, "Back-off". */
#include "exec/totem/backoff.h"

#include "exec/totem/state.h"

#define BACKOFF_MIN_NS (10000 * MILLISECOND_NS)
#define BACKOFF_MAX_NS (60000 * MILLISECOND_NS)
#define CONFLICT_AGE_MAX_NS (2 * BACKOFF_MAX_NS)
#define ASK_GAP_NS (200 * MILLISECOND_NS)
#define PARDONS_MAX 3u /* a packet may be lost */

/*
 * Return whether the ring was installed less than two rotations ago. Some members may still be in RECOVERY. A gather
 * for another ring would abort that. The other ring will be heard again.
 */
static bool is_just_installed(const struct totem_engine *engine)
{
	return engine->state == TOTEM_OPERATIONAL && engine->a_known < 2;
}

bool backoff_is_ignored(const struct totem_engine *engine, uint32_t id)
{
	const struct peer *peer = peer_find(engine, id);

	if (is_just_installed(engine) && !node_set_has(&engine->memb, id))
		return true;
	if (engine->is_cut)
		return true;
	return peer != NULL && peer->backoff_until_ns > engine->now_ns;
}

bool backoff_is_unwanted(const struct totem_engine *engine, const struct peer *peer)
{
	return peer->backoff_until_ns > engine->now_ns &&
	       peer->backoff_accuser != engine->options.nodeid;
}

/* Return whether the peer was heard since this node left the last ring. */
static bool is_heard(const struct totem_engine *engine, const struct peer *peer)
{
	return peer->heard_episode == engine->episode ||
	       (peer->heard_ns != 0 && peer->heard_ns >= engine->episode_ns);
}

/* Return whether the peer was given up before this ring was formed, without any packet of it. */
static bool is_lost(const struct totem_engine *engine, const struct peer *peer)
{
	return peer->given_up_episode == engine->episode && !is_heard(engine, peer);
}

/*
 * Return whether the peer gave this node up for the sake of a node that does not hear this one. The peer has no
 * back-off itself, so it gathers at each packet of this node.
 */
static bool is_shunned(const struct totem_engine *engine, const struct peer *peer)
{
	return peer->backoff_until_ns > engine->now_ns && peer->failed_us_episode == engine->episode &&
	       peer->backoff_accuser == engine->options.nodeid && !peer_has_probes(engine, peer);
}

bool backoff_is_quiet(const struct totem_engine *engine)
{
	if (engine->state != TOTEM_OPERATIONAL || engine->memb.count != 1 ||
		TOTEM_MUTANT(engine, QUIET_NEVER))
		return false;
	for (uint32_t i = 0; i < engine->peer_count; i++) {
		if (is_shunned(engine, &engine->peers[i]))
			return true;
	}
	return false;
}

bool backoff_yields(const struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->peer_count && engine->memb.count == 1; i++) {
		const struct peer *peer = &engine->peers[i];

		if (peer->conflicts > 0 && peer->backoff_accuser == engine->options.nodeid &&
			engine->now_ns - peer->conflict_ns < CONFLICT_AGE_MAX_NS)
			return true;
	}
	return false;
}

/* Return whether this node has accused the peer, and may ask it whether it hears this node now. */
static bool is_accused(const struct totem_engine *engine, const struct peer *peer)
{
	return peer->ask_until_ns > engine->now_ns && peer_has_probes(engine, peer);
}

static void speak_again(struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->peer_count; i++) {
		if (is_shunned(engine, &engine->peers[i]))
			engine->peers[i].backoff_until_ns = 0;
	}
}

void backoff_answered(struct totem_engine *engine, struct peer *peer)
{
	if (backoff_is_quiet(engine))
		speak_again(engine);
	if (peer->backoff_accuser != engine->options.nodeid || engine->now_ns < peer->lift_ns)
		return;
	peer->backoff_until_ns = 0;
	if (is_accused(engine, peer))
		probe_tell_members(engine, WIRE_PROBE_RETRACT, peer->id);
}

void backoff_retracted(struct totem_engine *engine, uint32_t accuser, uint32_t accused)
{
	struct peer *peer = peer_find(engine, accused);

	if (peer != NULL && peer->backoff_accuser == accuser)
		peer->backoff_until_ns = 0;
}

void backoff_kept_apart(struct totem_engine *engine, struct peer *peer)
{
	if (peer->backoff_accuser == engine->options.nodeid && engine->now_ns >= peer->lift_ns &&
		is_accused(engine, peer))
		probe_tell_members(engine, WIRE_PROBE_PARDON, peer->id);
}

/* Return whether this node or a member does not hear some node, as far as this node knows. */
static bool is_anybody_unheard(const struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->peer_count; i++) {
		const struct peer *peer = &engine->peers[i];

		if (is_lost(engine, peer) || (backoff_is_unwanted(engine, peer) && !peer->is_pardoned))
			return true;
	}
	return false;
}

/*
 * Handle a pardon. Accusations of two rings can form a circle. Then each accuser asks a node that ignores it for the
 * sake of another accuser, and no accuser gets an answer that would let it withdraw its accusation.
 *
 * Such a node answers UNWANTED instead, and its accuser sends a pardon to its own ring. If all accusations are
 * pardoned, all nodes hear each other, and all back-offs end. If a link is really cut, its two ends never pardon each
 * other, and all back-offs stay.
 */
void backoff_pardoned(struct totem_engine *engine, uint32_t accuser, uint32_t accused)
{
	struct peer *peer = peer_find(engine, accused);

	if (peer == NULL || peer->backoff_accuser != accuser || accuser == engine->options.nodeid)
		return;
	peer->is_pardoned = true;
	if (is_anybody_unheard(engine))
		return;
	for (uint32_t i = 0; i < engine->peer_count; i++) {
		if (engine->peers[i].is_pardoned)
			engine->peers[i].backoff_until_ns = 0;
	}
}

/*
 * Return whether to end the silence toward a peer (see peer_is_quiet). It has started over, or has given up a node that
 * this one does not hear. That node may have been the reason why the peer ignored this one. A minimum time must have
 * passed. Otherwise several nodes that are silent toward the peer could wake each other for ever.
 */
static bool is_free_again(const struct totem_engine *engine, const struct peer *peer)
{
	uint64_t since_ns = engine->now_ns - peer->conflict_ns;

	if (!is_shunned(engine, peer) || node_set_has(&engine->join_failed, engine->options.nodeid) ||
		since_ns < (peer->backoff_until_ns - peer->conflict_ns) / 8)
		return false;
	if (engine->join_proc.count == 1)
		return true;
	for (uint32_t i = 0; i < engine->join_failed.count; i++) {
		const struct peer *other = peer_find(engine, engine->join_failed.ids[i]);

		if (other != NULL && is_lost(engine, other))
			return true;
	}
	return false;
}

/*
 * Maybe end the back-off of the sender of a join. This node gave the sender up, though it heard it: the sender did not
 * hear this node, or ignored it. Now the sender names this node as a candidate.
 */
void backoff_reconsider(struct totem_engine *engine, struct peer *peer, bool is_leave)
{
	uint32_t me = engine->options.nodeid;

	if (!is_leave && is_free_again(engine, peer))
		peer->backoff_until_ns = 0;
	if (!is_leave && peer->backoff_accuser == me && engine->now_ns >= peer->lift_ns &&
		node_set_has(&engine->join_proc, me) && !node_set_has(&engine->join_failed, me))
		peer->backoff_until_ns = 0;
}

/*
 * Return whether to send a pardon: in the view of this node, the peer is kept out for another member's sake. That
 * member may think the opposite, since a verdict outlives the attempt in which it was made. So this node tells that it
 * is not the reason, even if the peer is a member here by now.
 */
static bool is_disowned(const struct totem_engine *engine, const struct peer *peer)
{
	return (backoff_is_unwanted(engine, peer) || peer->is_pardoned) && peer->pardons < PARDONS_MAX;
}

/* Return the time of the next action about a back-off: a question, a pardon, or its end. */
static uint64_t next_of(const struct totem_engine *engine, const struct peer *peer)
{
	uint64_t at_ns = peer->asked_ns + ASK_GAP_NS;

	if (at_ns < peer->lift_ns)
		at_ns = peer->lift_ns;
	if (!is_accused(engine, peer) || at_ns > peer->ask_until_ns)
		at_ns = TOTEM_NEVER;
	if (is_disowned(engine, peer))
		at_ns = peer->lift_ns + peer->pardons * ASK_GAP_NS;
	if (peer->backoff_until_ns > engine->now_ns && peer->backoff_until_ns < at_ns)
		at_ns = peer->backoff_until_ns;
	return at_ns;
}

static void start_timer(struct totem_engine *engine)
{
	uint64_t first_ns = TOTEM_NEVER;

	for (uint32_t i = 0; i < engine->peer_count; i++) {
		uint64_t next_ns = next_of(engine, &engine->peers[i]);

		if (next_ns < first_ns)
			first_ns = next_ns;
	}
	if (first_ns == TOTEM_NEVER)
		timer_cancel(engine, TOTEM_TIMER_BACKOFF);
	else
		timer_set(engine, TOTEM_TIMER_BACKOFF,
			first_ns > engine->now_ns ? first_ns - engine->now_ns : 0);
}

void backoff_given_up(struct totem_engine *engine, uint32_t id)
{
	struct peer *peer = peer_get(engine, id);

	if (peer != NULL)
		peer->given_up_episode = engine->episode;
}

void backoff_accuse(struct totem_engine *engine, uint32_t accuser)
{
	bool is_member = node_set_has(&engine->memb, accuser);

	for (uint32_t i = 0; i < engine->peer_count; i++) {
		struct peer *peer = &engine->peers[i];

		if (peer->id == accuser)
			continue;
		if (node_set_has(&engine->join_failed, peer->id)) {
			if (peer->accuser_episode != engine->episode)
				peer->accuser = accuser;
			peer->accuser_episode = engine->episode;
		} else if (is_member && node_set_has(&engine->join_proc, peer->id)) {
			peer->backoff_until_ns = 0; /* a member of this ring hears it */
		}
	}
}

static uint64_t hash_members(const struct totem_engine *engine)
{
	uint64_t hash = UINT64_C(0xCBF29CE484222325); /* FNV-1a, a word at a time */

	for (uint32_t i = 0; i < engine->memb.count; i++)
		hash = (hash ^ engine->memb.ids[i]) * UINT64_C(0x100000001B3);
	return hash;
}

/* Return the node whose verdict kept the peer out of the ring, though this node hears it. 0: there is none. */
static uint32_t accuser_of(const struct totem_engine *engine, const struct peer *peer)
{
	if (!is_heard(engine, peer) || peer->left_episode == engine->episode ||
		!node_set_has(&engine->failed, peer->id))
		return 0;
	if (peer->given_up_episode == engine->episode)
		return engine->options.nodeid;
	if (peer->accuser_episode == engine->episode && node_set_has(&engine->memb, peer->accuser))
		return peer->accuser;
	return 0;
}

static void trace_unheard(
	struct totem_engine *engine, const struct peer *peer, enum totem_trace_kind kind)
{
	const struct totem_trace trace = {
		.kind = kind,
		.node = peer->id,
		.seq = peer->backoff_accuser,
		.value = peer->backoff_ns / MILLISECOND_NS,
		.ring = engine->ring,
	};

	core_trace(engine, &trace);
}

/*
 * Two nodes that do not hear each other may be left out of the ring in turn. If the other node of the pair was left out
 * last time, continue with its counts.
 */
static void inherit(const struct totem_engine *engine, struct peer *peer)
{
	const struct peer *other = peer_find(engine, peer->backoff_accuser);

	if (other == NULL || other->backoff_accuser != peer->id || other->conflicts == 0 ||
		engine->now_ns - other->conflict_ns > CONFLICT_AGE_MAX_NS)
		return;
	if (peer->conflicts < other->conflicts)
		peer->conflicts = other->conflicts;
	if (peer->backoff_ns < other->backoff_ns)
		peer->backoff_ns = other->backoff_ns;
}

/*
 * Begin or end a back-off of the peer (book failure, "Back-off"). A ring was formed without the peer, though this node
 * hears it: the peer and a member do not hear each other. That member said so, or it is this node. Without a back-off
 * ring after ring would be formed, without end. The first time may be an accident. After that the peer is ignored for
 * longer each time, while the members stay the same. The member that does not hear the peer does not ignore it. So both
 * find each other as soon as they can, and their joins end the back-off (backoff_accuse, peer_reconsider).
 */
static void judge(struct totem_engine *engine, struct peer *peer)
{
	if (node_set_has(&engine->memb, peer->id)) {
		peer->backoff_until_ns = peer->ask_until_ns = 0;
		peer->is_unheard = peer->is_pardoned = false;
		peer->join_seq = engine->ring.seq;
		peer->stale_count = 0;
		return;
	}
	/* The member that does not hear the peer may have left. */
	if (engine->left.count > 0 || !node_set_has(&engine->memb, peer->backoff_accuser)) {
		peer->backoff_until_ns = peer->ask_until_ns = 0;
		peer->is_unheard = false;
	}

	uint32_t accuser = accuser_of(engine, peer);

	if (accuser == 0 || TOTEM_QUIRK(engine, LISTENS_ALWAYS))
		return;
	if (engine->now_ns - peer->conflict_ns > CONFLICT_AGE_MAX_NS ||
		peer->conflict_members != hash_members(engine))
		peer->conflicts = 0;
	peer->conflict_members = hash_members(engine);
	peer->conflict_ns = engine->now_ns;
	peer->backoff_accuser = accuser;
	peer->is_pardoned = false;
	peer->pardons = 0;
	if (!peer->is_unheard)
		trace_unheard(engine, peer, TOTEM_TRACE_UNHEARD);
	peer->is_unheard = true;
	if (peer->conflicts == 0)
		peer->backoff_ns = engine->options.consensus_ns;
	inherit(engine, peer);
	peer->conflicts++;
	peer->backoff_until_ns = engine->now_ns + peer->backoff_ns;
	peer->ask_until_ns = accuser == engine->options.nodeid ? peer->backoff_until_ns : 0;
	/* A random time, so that two nodes that end their back-offs at the same time do not do so for ever. */
	peer->lift_ns = engine->now_ns + 2 * engine->options.join_ns +
			core_random(engine) % (4 * engine->options.join_ns);
	trace_unheard(engine, peer, TOTEM_TRACE_BACKOFF);
	peer->backoff_ns *= 2;
	if (peer->backoff_ns < BACKOFF_MIN_NS)
		peer->backoff_ns = BACKOFF_MIN_NS;
	if (peer->backoff_ns > BACKOFF_MAX_NS)
		peer->backoff_ns = BACKOFF_MAX_NS;
}

/*
 * A silent node (backoff_is_quiet) is not found by others. So it asks the nodes for whose sake it may have been left
 * out.
 */
static void ask_the_lost(struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->peer_count; i++) {
		if (is_lost(engine, &engine->peers[i]))
			engine->peers[i].ask_until_ns = engine->now_ns + BACKOFF_MAX_NS;
	}
}

void backoff_installed(struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->peer_count; i++)
		judge(engine, &engine->peers[i]);
	if (backoff_is_quiet(engine))
		ask_the_lost(engine);
	start_timer(engine);
}

/*
 * The accuser asks again from time to time. After a path has returned, the two nodes may send no packets that the
 * other one receives: only representatives send merge detects, and these may be ignored.
 */
void backoff_expired(struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->peer_count; i++) {
		struct peer *peer = &engine->peers[i];

		if (next_of(engine, peer) > engine->now_ns)
			continue;
		if (is_disowned(engine, peer)) {
			peer->pardons++;
			probe_tell_members(engine, WIRE_PROBE_PARDON, peer->id);
		} else if (is_accused(engine, peer)) {
			probe_ask_again(engine, peer, ASK_GAP_NS / 2);
		}
	}
	start_timer(engine);
}
