/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Find out whether a member's daemon has ended: book failure, "Signs" and book transports, "Signs of failure".
 *
 * A sign alone never removes a member. A link that is down, a firewall that rejects packets, a stopped process and a
 * forged report all look alike. The end of a daemon is certain if three things come together. Its kernel has closed its
 * connection without a goodbye of the daemon. Its kernel refuses datagrams and quotes the bytes of this node. No packet
 * of the daemon has arrived since. Anything less is only silence: see silence.c and the token timeout.
 *
 * Life of a suspicion:
 *
 * 1. A sign: a connection ended, a datagram was refused, or the transport reports one.
 * 2. This node asks the suspect repeatedly, with numbers that no other node knows.
 * 3. One of these ends the suspicion:
 *    - Any packet of the suspect. After its kernel has closed a connection, only an answer counts: another packet may
 *      have been under way when its sender ended.
 *    - The end of the daemon is certain. The member is removed. The join that names it makes all members agree.
 *    - A limit of time has passed without either. Then the token timeout decides.
 */
#include "exec/totem/suspect.h"

#include "exec/totem/frame.h"
#include "exec/totem/state.h"

/* A running daemon answers within this time, or within ANSWER_TRIPS round trips if these take longer. */
#define ANSWER_NS (20 * MILLISECOND_NS)
#define ANSWER_TRIPS 4u
/* Round trip that is assumed while none to the peer has been measured. */
#define ROUND_TRIP_UNKNOWN_NS (50 * MILLISECOND_NS)

void suspect_trace(struct totem_engine *engine, enum totem_trace_kind kind, const struct peer *peer)
{
	const struct totem_trace trace = {
		.kind = kind,
		.node = peer->id,
		.value = (engine->now_ns - peer->sign_ns) / 1000,
		.ring = engine->ring,
	};

	core_trace(engine, &trace);
}

void suspect_tick_at(struct totem_engine *engine, uint64_t at_ns)
{
	uint64_t delay_ns = at_ns > engine->now_ns ? at_ns - engine->now_ns : 0;

	if (engine->timer_at_ns[TOTEM_TIMER_PROBE] > engine->now_ns + delay_ns)
		timer_set(engine, TOTEM_TIMER_PROBE, delay_ns);
}

void suspect_forget(struct peer *peer)
{
	peer->sign_ns = 0;
	peer->rounds = peer->refused = 0;
}

/* Return whether the peer can be a suspect: this node waits for the peer, and the peer answers probes. */
bool suspect_is_concerned(const struct totem_engine *engine, const struct peer *peer)
{
	if (peer->id == engine->options.nodeid || !peer_has_probes(engine, peer))
		return false;
	switch (engine->state) {
	case TOTEM_OPERATIONAL:
		return node_set_has(&engine->installed.memb, peer->id);
	case TOTEM_GATHER:
		return node_set_has(&engine->lists.proc, peer->id) && !node_set_has(&engine->lists.failed, peer->id);
	case TOTEM_COMMIT:
	case TOTEM_RECOVERY:
		break; /* T-token decides */
	}
	return false;
}

void suspect_begin(struct totem_engine *engine, struct peer *peer)
{
	if (peer->sign_ns != 0)
		return;
	peer->sign_ns = engine->now_ns;
	peer->rounds = 1;
	engine->suspicion.has_suspects = true;
	engine->counters.suspected++;
	suspect_trace(engine, TOTEM_TRACE_SUSPECTED, peer);
	probe_ask(engine, peer);
	suspect_tick_at(engine, engine->now_ns + SUSPECT_ASK_GAP_NS);
}

void suspect_clear(struct totem_engine *engine, struct peer *peer)
{
	if (peer->sign_ns == 0)
		return;
	engine->counters.cleared++;
	suspect_trace(engine, TOTEM_TRACE_CLEARED, peer);
	suspect_forget(peer);
}

void suspect_heard(struct totem_engine *engine, struct peer *peer)
{
	if (peer->sign_ns == 0)
		return;
	if (!peer->is_closed) {
		suspect_clear(engine, peer);
		return;
	}
	/* Begin the questions again: the packet may have been sent before its sender ended. */
	peer->sign_ns = engine->now_ns;
	peer->refused = 0;
}

void suspect_heard_all(struct totem_engine *engine)
{
	if (!engine->suspicion.has_suspects)
		return;
	engine->suspicion.has_suspects = false;
	for (uint32_t i = 0; i < engine->peers.count; i++) {
		suspect_heard(engine, &engine->peers.all[i]);
		engine->suspicion.has_suspects |= engine->peers.all[i].sign_ns != 0;
	}
}

void suspect_check_stall(struct totem_engine *engine)
{
	if (!engine->suspicion.has_suspects || engine->now_ns - engine->pause.last_entry_ns < ANSWER_NS)
		return;
	for (uint32_t i = 0; i < engine->peers.count; i++) {
		if (engine->peers.all[i].sign_ns != 0)
			engine->peers.all[i].sign_ns = engine->now_ns;
	}
}

/* Return the longest time that a running daemon needs for an answer. */
uint64_t suspect_answer_ns(const struct peer *peer)
{
	uint64_t trip_ns = peer->round_trip_ns != 0 ? peer->round_trip_ns : ROUND_TRIP_UNKNOWN_NS;
	uint64_t trips_ns = ANSWER_TRIPS * trip_ns;

	return trips_ns > ANSWER_NS ? trips_ns : ANSWER_NS;
}

/* Return whether the sender of a leave matters to this node, and answers probes. */
static bool can_ask(const struct totem_engine *engine, const struct peer *peer)
{
	switch (engine->state) {
	case TOTEM_OPERATIONAL:
	case TOTEM_GATHER:
		return suspect_is_concerned(engine, peer);
	case TOTEM_COMMIT:
	case TOTEM_RECOVERY:
		return node_set_has(&engine->commit.memb, peer->id) && peer_has_probes(engine, peer);
	}
	return false;
}

/*
 * Ask the sender of a leave, since any host can forge a leave. A daemon that has left
 * does not answer. Its kernel refuses the question or closes the connection: then the leave takes effect at once. If
 * neither happens, the leave takes effect when the answer is overdue.
 */
bool suspect_farewell(struct totem_engine *engine, struct peer *peer, struct coterie_frame *frame)
{
	uint64_t wait_ns = suspect_answer_ns(peer);

	if (engine->suspicion.is_farewell_over || !can_ask(engine, peer))
		return false;
	if (peer->farewell != NULL)
		return true;
	peer->farewell = frame_ref(frame);
	peer->farewell_ns = engine->now_ns;
	engine->suspicion.has_farewells = true;
	probe_ask(engine, peer);
	suspect_tick_at(
		engine, engine->now_ns + (wait_ns < SUSPECT_FAREWELL_NS_MAX ? wait_ns : SUSPECT_FAREWELL_NS_MAX));
	return true;
}

/* Return the next member after this node, in the order of ids, that answers probes, or NULL. */
static struct peer *neighbour(const struct totem_engine *engine)
{
	const struct node_set *memb = &engine->installed.memb;
	uint32_t first = 0;

	while (first < memb->count && memb->ids[first] <= engine->options.nodeid)
		first++;
	for (uint32_t i = 0; i < memb->count; i++) {
		uint32_t id = memb->ids[(first + i) % memb->count];
		struct peer *peer = peer_find(engine, id);

		if (id != engine->options.nodeid && peer != NULL && peer_has_probes(engine, peer))
			return peer;
	}
	return NULL;
}

/* Ask members whose round trip has not been measured yet, so that it is known when it is needed. */
static void ask_members(struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->installed.memb.count; i++) {
		struct peer *peer = peer_find(engine, engine->installed.memb.ids[i]);

		if (peer != NULL && peer->round_trip_ns == 0 && suspect_is_concerned(engine, peer))
			probe_ask(engine, peer);
	}
}

/*
 * Drop the leaves that wait for an answer: they are about an older ring. Another member's join may have removed their
 * sender first. If such a leave took effect in the new ring, it would only end that ring.
 */
static void drop_farewells(struct totem_engine *engine)
{
	for (uint32_t i = 0; engine->suspicion.has_farewells && i < engine->peers.count; i++) {
		struct peer *peer = &engine->peers.all[i];

		if (peer->farewell != NULL)
			frame_unref(peer->farewell);
		peer->farewell = NULL;
	}
	engine->suspicion.has_farewells = false;
}

/* Name the neighbour again at each installation, so that the user connects to it at once. */
void suspect_installed(struct totem_engine *engine)
{
	const struct peer *peer = neighbour(engine);

	drop_farewells(engine);
	if (engine->callbacks.watch != NULL)
		engine->callbacks.watch(engine->arg, peer == NULL ? 0 : peer->id);
	ask_members(engine);
	suspect_start(engine);
}

/* Go on with the suspicions from the last state. */
void suspect_start(struct totem_engine *engine)
{
	if (engine->suspicion.has_suspects)
		suspect_tick_at(engine, engine->now_ns + SUSPECT_ASK_GAP_NS);
}
