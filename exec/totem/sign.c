/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Signs of a member's end, and answers that refute them. This file decides what follows from a packet or event.
 * suspect.c describes the rules. A member whose end is certain is removed, so the engine may leave its state.
 */
#include "exec/totem/sign.h"

#include <assert.h>
#include <string.h>

#include "exec/totem/frame.h"
#include "exec/totem/state.h"

#define ASK_ROUNDS_QUICK 8u
#define ASK_ROUNDS_MIN 2u
/*
 * No more questions are sent after this many refusals. A host refuses only six datagrams at once, then one in a second.
 */
#define REFUSED_ENOUGH 3u
#define ASK_GAP_SLOW_NS (100 * MILLISECOND_NS)
#define SUSPICION_NS (3000 * MILLISECOND_NS)
#define HINT_GAP_NS (10 * MILLISECOND_NS)

/*
 * Return whether the end of the daemon is certain. After a single refusal, which may come from a firewall, wait twice
 * as long.
 */
static bool is_certain(const struct totem_engine *engine, const struct peer *peer)
{
	uint64_t silent_ns = engine->now_ns - peer->sign_ns;

	if (TOTEM_MUTANT(engine, SIGNS_BELIEVED))
		return true;
	if (!peer->is_closed && !TOTEM_MUTANT(engine, REFUSALS_BELIEVED))
		return false;
	if (peer->refused == 0)
		return false;
	return peer->rounds >= ASK_ROUNDS_MIN && silent_ns >= suspect_answer_ns(peer) * (peer->refused > 1 ? 1 : 2);
}

/* Remove the peer if its end is certain. true: the engine has left its state. */
static bool judge(struct totem_engine *engine, struct peer *peer)
{
	if (peer->sign_ns == 0 || engine->is_cut || !suspect_is_concerned(engine, peer) || !is_certain(engine, peer))
		return false;
	engine->counters.convicted++;
	suspect_trace(engine, TOTEM_TRACE_CONVICTED, peer);
	suspect_forget(peer);
	gather_fail(engine, peer->id, TOTEM_EVIDENCE_CLOSED);
	return true;
}

static void believe_farewell(struct totem_engine *engine, struct peer *peer)
{
	struct coterie_frame *frame = peer->farewell;

	peer->farewell = NULL;
	engine->suspicion.is_farewell_over = true;
	gather_join(engine, frame);
	engine->suspicion.is_farewell_over = false;
	frame_unref(frame);
}

static void refuse_farewell(struct totem_engine *engine, struct peer *peer, uint64_t at_ns)
{
	if (peer->farewell == NULL || at_ns < peer->farewell_ns)
		return;
	frame_unref(peer->farewell);
	peer->farewell = NULL;
	core_refuse(engine, TOTEM_REFUSED_JOIN, peer->id);
}

static void check_farewells(struct totem_engine *engine)
{
	bool had = engine->suspicion.has_farewells;

	engine->suspicion.has_farewells = false;
	for (uint32_t i = 0; had && i < engine->peers.count; i++) {
		struct peer *peer = &engine->peers.all[i];
		uint64_t wait_ns = suspect_answer_ns(peer) < SUSPECT_FAREWELL_NS_MAX ? suspect_answer_ns(peer)
										     : SUSPECT_FAREWELL_NS_MAX;

		if (peer->farewell == NULL)
			continue;
		if (engine->now_ns >= peer->farewell_ns + wait_ns) {
			believe_farewell(engine, peer);
			continue;
		}
		engine->suspicion.has_farewells = true;
		suspect_tick_at(engine, peer->farewell_ns + wait_ns);
	}
}

/*
 * Return whether the quoted bytes prove that this node sent the datagram to that peer. No host off the path can know
 * them.
 */
static bool is_quoted(struct totem_engine *engine, struct peer *peer, const uint8_t *bytes, size_t size)
{
	const struct coterie_frame *sent = NULL;
	struct wire_probe probe;
	struct wire_mcast mcast;
	struct wire_token token;

	if (wire_decode_probe(bytes, size, &probe))
		return probe_refuse_question(peer, probe.number);
	if (wire_decode_token(bytes, size, &token) == WIRE_OK) {
		if (engine->pass.saved_target == peer->id)
			sent = engine->pass.saved;
	} else if (wire_decode_mcast(bytes, size, &mcast) == WIRE_OK && ring_id_equal(&mcast.ring, &engine->ring)) {
		const struct store_slot *slot = store_find(core_store(engine), mcast.seq);

		sent = slot == NULL ? NULL : slot->frame;
	}
	return sent != NULL && memcmp(sent->data, bytes, size < sent->size ? size : sent->size) == 0;
}

void sign_refused(struct totem_engine *engine, uint32_t id, const uint8_t *bytes, size_t size)
{
	struct peer *peer = peer_find(engine, id);

	if (peer == NULL || !suspect_is_concerned(engine, peer))
		return;
	if (is_quoted(engine, peer, bytes, size)) {
		engine->counters.refused++;
		if (peer->farewell != NULL) {
			believe_farewell(engine, peer);
			return;
		}
		suspect_begin(engine, peer);
		peer->refused++;
		judge(engine, peer);
		return;
	}
	/*
	 * The datagram was a token or join that has been replaced since, or it is forged. So this sign proves nothing.
	 */
	sign_told(engine, id);
}

void sign_told(struct totem_engine *engine, uint32_t id)
{
	struct peer *peer = peer_find(engine, id);

	if (peer == NULL || !suspect_is_concerned(engine, peer) || engine->now_ns - peer->hint_ns < HINT_GAP_NS)
		return;
	peer->hint_ns = engine->now_ns;
	suspect_begin(engine, peer);
}

void sign_connected(struct totem_engine *engine, uint32_t id)
{
	struct peer *peer = peer_get(engine, id);

	if (peer == NULL)
		return;
	peer->connections++;
	peer->is_closed = false;
}

/*
 * Doubt the lease if the other sides have ended all connections of this node. The end of a single connection may have
 * many reasons. But if the last one has ended, this node may be isolated, or a firewall rejects its packets in both
 * directions.
 */
static void doubt_if_isolated(struct totem_engine *engine)
{
	uint32_t ended = 0;

	for (uint32_t i = 0; i < engine->installed.memb.count; i++) {
		const struct peer *peer = peer_find(engine, engine->installed.memb.ids[i]);

		if (peer == NULL || peer->id == engine->options.nodeid)
			continue;
		if (peer->connections > 0)
			return;
		ended += peer->is_ended;
	}
	if (ended > 1 || (ended == 1 && engine->installed.memb.count == 2))
		lease_doubt(engine);
}

void sign_disconnected(struct totem_engine *engine, uint32_t id, enum connection_end end)
{
	struct peer *peer = peer_find(engine, id);

	if (peer == NULL)
		return;
	if (peer->connections > 0)
		peer->connections--;
	if (peer->farewell != NULL && !configure_is_unfinished(engine)) {
		believe_farewell(engine, peer);
		peer = peer_find(engine, id); /* the peer's record may have moved */
		assert(peer != NULL);
	}
	if (end == CONNECTION_OVER)
		return;
	peer->is_ended = true;
	peer->is_closed = end == CONNECTION_CLOSED;
	doubt_if_isolated(engine);
	if (suspect_is_concerned(engine, peer))
		suspect_begin(engine, peer);
}

/*
 * Answer a question. The answer renews the lease of the peer only if it names the ring. It does not name the ring while
 * this node forms another ring, which may be without the peer. Nor does it while this node's vote to remove the peer
 * may still count.
 */
static void answer(struct totem_engine *engine, const struct peer *peer, uint64_t number)
{
	static const struct ring_id none;
	bool is_granted = (engine->state == TOTEM_OPERATIONAL && !silence_is_voted(engine, peer)) ||
			  TOTEM_MUTANT(engine, LEASE_GRANTED);
	struct coterie_frame *frame = probe_make(engine, peer->id,
		backoff_is_unwanted(engine, peer) ? WIRE_PROBE_UNWANTED : WIRE_PROBE_ANSWER,
		is_granted ? &engine->ring : &none, number);

	if (frame == NULL)
		return;
	engine->callbacks.token(engine->arg, peer->id, frame);
	frame_unref(frame);
}

/*
 * Note a round trip that was measured. A shorter one than before counts at once, a longer one only gradually. The
 * reason is that after a stop or an outage a peer answers all questions of that time together, the newest one last.
 */
static void note_trip(struct peer *peer, uint64_t trip_ns)
{
	if (peer->round_trip_ns == 0 || trip_ns < peer->round_trip_ns)
		peer->round_trip_ns = trip_ns + 1;
	else
		peer->round_trip_ns += (trip_ns - peer->round_trip_ns) / 8;
}

/* Handle the peer's answer to the question that was sent at at_ns: the peer runs, and both directions work. */
static void answered(struct totem_engine *engine, struct peer *peer, const struct wire_probe *probe, uint64_t at_ns)
{
	if (at_ns >= engine->lease.unproved_ns) /* if not, this node may have been stopped since */
		note_trip(peer, engine->now_ns - at_ns);
	peer->is_closed = peer->is_ended = false;
	refuse_farewell(engine, peer, at_ns);
	suspect_clear(engine, peer);
	if (ring_id_equal(&probe->ring, &engine->ring))
		lease_contact(engine, peer, at_ns);
}

static void probe_of(struct totem_engine *engine, struct peer *peer, const struct wire_probe *probe)
{
	uint64_t at_ns;

	switch (probe->kind) {
	case WIRE_PROBE_QUESTION:
		answer(engine, peer, probe->number);
		break;
	case WIRE_PROBE_ANSWER:
	case WIRE_PROBE_UNWANTED:
		at_ns = probe_take_question(peer, probe->number);
		if (at_ns == 0)
			break;
		answered(engine, peer, probe, at_ns);
		if (probe->kind == WIRE_PROBE_ANSWER)
			backoff_answered(engine, peer);
		else
			backoff_kept_apart(engine, peer);
		break;
	case WIRE_PROBE_KNOCK:
		break;
	case WIRE_PROBE_RETRACT:
		backoff_retracted(engine, peer->id, (uint32_t)probe->number);
		break;
	case WIRE_PROBE_PARDON:
		backoff_pardoned(engine, peer->id, (uint32_t)probe->number);
		break;
	case WIRE_PROBE_SILENT:
		/* Ignore a vote that its sender recorded in an earlier ring and has sent again. */
		if (ring_id_equal(&probe->ring, &engine->installed.ring))
			vote_arrived(engine, peer, (uint32_t)probe->number);
		break;
	}
}

static bool decode(const struct totem_engine *engine, const struct coterie_frame *frame, struct wire_probe *probe)
{
	return (engine->options.features & WIRE_FEATURE_PROBE) != 0 &&
	       wire_decode_probe(frame->data, frame->size, probe);
}

bool sign_question(struct totem_engine *engine, const struct coterie_frame *frame)
{
	struct wire_probe probe;

	return decode(engine, frame, &probe) && probe.kind == WIRE_PROBE_QUESTION && sign_probe(engine, frame);
}

bool sign_probe(struct totem_engine *engine, const struct coterie_frame *frame)
{
	struct wire_probe probe;

	if (!decode(engine, frame, &probe))
		return false;
	engine->counters.probe_rx++;
	if (probe.system_from == engine->options.nodeid || !core_knows(engine, probe.system_from) ||
		engine->pause.is_pausing)
		return true;

	struct peer *peer = peer_get(engine, probe.system_from);

	if (peer != NULL)
		probe_of(engine, peer, &probe);
	return true;
}

/* Ask a suspect again if it is time. @return true: the engine has left its state */
static bool pursue(struct totem_engine *engine, struct peer *peer)
{
	if (judge(engine, peer))
		return true;
	if (!suspect_is_concerned(engine, peer) || engine->now_ns - peer->sign_ns > SUSPICION_NS) {
		suspect_forget(peer);
		return false;
	}
	engine->suspicion.has_suspects = true;

	uint64_t gap_ns = peer->rounds < ASK_ROUNDS_QUICK ? SUSPECT_ASK_GAP_NS : ASK_GAP_SLOW_NS;

	if (engine->now_ns - peer->asked_ns >= gap_ns &&
		(peer->rounds < ASK_ROUNDS_MIN || peer->refused < REFUSED_ENOUGH)) {
		peer->rounds++;
		probe_ask(engine, peer);
	}
	suspect_tick_at(engine, engine->now_ns + SUSPECT_ASK_GAP_NS);
	return false;
}

void sign_expired(struct totem_engine *engine)
{
	bool had_suspects = engine->suspicion.has_suspects;

	check_farewells(engine);

	engine->suspicion.has_suspects = false;
	for (uint32_t i = 0; had_suspects && i < engine->peers.count; i++) {
		if (engine->peers.all[i].sign_ns != 0 && pursue(engine, &engine->peers.all[i])) {
			engine->suspicion.has_suspects = true; /* there may be more suspects */
			return;                                /* gather_enter has set the timer again */
		}
	}
}
