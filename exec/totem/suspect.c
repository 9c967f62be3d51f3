/*
 * Find out whether a member's daemon has ended: book failure, "Signs" and book transports, "Signs of failure".
 *
 * A sign alone never removes a member. A link that is down, a firewall that rejects packets, a stopped process and
 * a forged report all look alike. The end of a daemon is certain if three things come together. Its kernel has
 * closed its connection without a goodbye of the daemon. Its kernel refuses datagrams and quotes the bytes of this
 * node. The daemon has been silent since. All else is mere silence: see silence.c and the token timeout.
 *
 * Life of a suspicion:
 *
 * 1. A sign: a connection ended, a datagram was refused, or the transport reports one.
 * 2. This node asks the suspect repeatedly, with numbers that no other node knows.
 * 3. One of these ends the suspicion:
 *    - Any packet of the suspect. After its kernel has closed a connection, only an answer counts: another packet
 *      may have been under way when its sender died.
 *    - The end of the daemon is certain. The member is removed. The join that names it makes all members agree.
 *    - Time has passed without either. The token timeout decides.
 */
#include "exec/totem/state.h"

#include <assert.h>
#include <string.h>

#include "exec/totem/frame.h"

#define ASK_GAP_NS (6 * MILLISECOND_NS)
#define ASK_ROUNDS_QUICK 8u
#define ASK_ROUNDS_MIN 2u
/* Questions end after that many refusals. A host refuses only six datagrams at once, then one in a second. */
#define REFUSED_ENOUGH 3u
#define ASK_GAP_SLOW_NS (100 * MILLISECOND_NS)
#define SUSPICION_NS (3000 * MILLISECOND_NS)
#define HINT_GAP_NS (10 * MILLISECOND_NS)
/* A daemon that runs answers within this time, or within ANSWER_TRIPS round trips if these take longer. */
#define ANSWER_NS (20 * MILLISECOND_NS)
#define ANSWER_TRIPS 4u
/* A leave is believed after this time at the latest, even if an answer may take longer. */
#define FAREWELL_NS_MAX (40 * MILLISECOND_NS)
/* Assumed while no round trip to a peer has been measured. */
#define ROUND_TRIP_UNKNOWN_NS (50 * MILLISECOND_NS)

static void trace_about(
	struct totem_engine *engine, enum totem_trace_kind kind, const struct peer *peer)
{
	const struct totem_trace trace = {
		.kind = kind,
		.node = peer->id,
		.value = (engine->now_ns - peer->sign_ns) / 1000,
		.ring = engine->ring,
	};

	engine_trace(engine, &trace);
}

static struct coterie_frame *make_probe(struct totem_engine *engine, uint32_t to,
	enum wire_probe_kind kind, const struct ring_id *ring, uint64_t number)
{
	struct coterie_frame *frame = frame_take(engine->pool, WIRE_PROBE_SIZE);

	if (frame == NULL)
		return NULL; /* out of memory: the next probe will come */

	const struct wire_probe probe = {
		.system_from = engine->options.nodeid,
		.ring = *ring,
		.kind = kind,
		.number = number,
	};

	frame->size = (uint32_t)wire_encode_probe(
		&probe, to, engine->options.swap, frame->data, frame->capacity);
	assert(frame->size > 0);
	engine->counters.probe_tx++;
	return frame;
}

/* Send a probe about a third node. It names the ring that was installed last, which all members have in common. */
static void send_word(struct totem_engine *engine, uint32_t to, enum wire_probe_kind kind, uint64_t number)
{
	struct coterie_frame *frame = make_probe(engine, to, kind, &engine->old_ring, number);

	if (frame == NULL)
		return;
	engine->callbacks.token(engine->arg, to, frame);
	frame_unref(frame);
}

static void ask(struct totem_engine *engine, struct peer *peer)
{
	uint64_t number = engine_random(engine) | 1; /* 0 means "none" */
	struct coterie_frame *frame =
		make_probe(engine, peer->id, WIRE_PROBE_QUESTION, &engine->ring, number);

	peer->asked_ns = engine->now_ns;
	if (frame == NULL)
		return;
	peer->asked[peer->asked_count++ % ASKED_MAX] =
		(struct question){.number = number, .at_ns = engine->now_ns};
	engine->callbacks.token(engine->arg, peer->id, frame);
	/* A kernel refuses only plain datagrams, not packets of an encrypted session. */
	if (peer->is_closed && engine->callbacks.poke != NULL)
		engine->callbacks.poke(engine->arg, peer->id, frame);
	frame_unref(frame);
}

static void tick_at(struct totem_engine *engine, uint64_t at_ns)
{
	uint64_t delay_ns = at_ns > engine->now_ns ? at_ns - engine->now_ns : 0;

	if (engine->timer_at_ns[TOTEM_TIMER_PROBE] > engine->now_ns + delay_ns)
		timer_set(engine, TOTEM_TIMER_PROBE, delay_ns);
}

static void forget(struct peer *peer)
{
	peer->sign_ns = 0;
	peer->rounds = peer->refused = 0;
}

/* Return whether the peer can be a suspect: this node waits for it, and it answers probes. */
static bool is_concerned(const struct totem_engine *engine, const struct peer *peer)
{
	if (peer->id == engine->options.nodeid || !peer_has_probes(engine, peer))
		return false;
	switch (engine->state) {
	case TOTEM_OPERATIONAL:
		return node_set_has(&engine->memb, peer->id);
	case TOTEM_GATHER:
		return node_set_has(&engine->proc, peer->id) &&
		       !node_set_has(&engine->failed, peer->id);
	case TOTEM_COMMIT:
	case TOTEM_RECOVERY:
		break; /* T-token decides */
	}
	return false;
}

/* --- begin of a suspicion --- */

static void suspect(struct totem_engine *engine, struct peer *peer)
{
	if (peer->sign_ns != 0)
		return;
	peer->sign_ns = engine->now_ns;
	peer->rounds = 1;
	engine->has_suspects = true;
	engine->counters.suspected++;
	trace_about(engine, TOTEM_TRACE_SUSPECTED, peer);
	ask(engine, peer);
	tick_at(engine, engine->now_ns + ASK_GAP_NS);
}

/* --- end of a suspicion --- */

static void clear(struct totem_engine *engine, struct peer *peer)
{
	if (peer->sign_ns == 0)
		return;
	engine->counters.cleared++;
	trace_about(engine, TOTEM_TRACE_CLEARED, peer);
	forget(peer);
}

void suspect_heard(struct totem_engine *engine, struct peer *peer)
{
	if (peer->sign_ns == 0)
		return;
	if (!peer->is_closed) {
		clear(engine, peer);
		return;
	}
	/* Begin the questions again: the packet may be older than the end of its sender. */
	peer->sign_ns = engine->now_ns;
	peer->refused = 0;
}

void suspect_heard_all(struct totem_engine *engine)
{
	if (!engine->has_suspects)
		return;
	engine->has_suspects = false;
	for (uint32_t i = 0; i < engine->peer_count; i++) {
		suspect_heard(engine, &engine->peers[i]);
		engine->has_suspects |= engine->peers[i].sign_ns != 0;
	}
}

void suspect_check_stall(struct totem_engine *engine)
{
	if (!engine->has_suspects || engine->now_ns - engine->last_entry_ns < ANSWER_NS)
		return;
	for (uint32_t i = 0; i < engine->peer_count; i++) {
		if (engine->peers[i].sign_ns != 0)
			engine->peers[i].sign_ns = engine->now_ns;
	}
}

/* Return the longest time that a running daemon needs for an answer. */
static uint64_t answer_ns(const struct peer *peer)
{
	uint64_t trip_ns = peer->round_trip_ns != 0 ? peer->round_trip_ns : ROUND_TRIP_UNKNOWN_NS;
	uint64_t trips_ns = ANSWER_TRIPS * trip_ns;

	return trips_ns > ANSWER_NS ? trips_ns : ANSWER_NS;
}

/* Return whether the end of the daemon is certain. After a single refusal, maybe by a firewall, wait twice as long. */
static bool is_certain(const struct totem_engine *engine, const struct peer *peer)
{
	uint64_t silent_ns = engine->now_ns - peer->sign_ns;

	if (TOTEM_MUTANT(engine, SIGNS_BELIEVED))
		return true;
	if (!peer->is_closed && !TOTEM_MUTANT(engine, REFUSALS_BELIEVED))
		return false;
	if (peer->refused == 0)
		return false;
	return peer->rounds >= ASK_ROUNDS_MIN &&
	       silent_ns >= answer_ns(peer) * (peer->refused > 1 ? 1 : 2);
}

/* Remove the peer if its end is certain. true: the engine has left its state. */
static bool judge(struct totem_engine *engine, struct peer *peer)
{
	if (peer->sign_ns == 0 || engine->is_cut || !is_concerned(engine, peer) ||
		!is_certain(engine, peer))
		return false;
	engine->counters.convicted++;
	trace_about(engine, TOTEM_TRACE_CONVICTED, peer);
	forget(peer);
	gather_fail(engine, peer->id, TOTEM_EVIDENCE_CLOSED);
	return true;
}

/* --- farewells --- */

/*
 * A leave can be forged by any host that knows the seq of the ring, so the sender is asked. A daemon that has left does
 * not answer. Its kernel refuses the question or closes the connection: then the leave is believed at once. Otherwise
 * it is believed when the answer is overdue.
 */
bool suspect_farewell(struct totem_engine *engine, struct peer *peer, struct coterie_frame *frame)
{
	uint64_t wait_ns = answer_ns(peer);

	if (engine->is_farewell_over || engine->state != TOTEM_OPERATIONAL || !is_concerned(engine, peer))
		return false;
	if (peer->farewell != NULL)
		return true;
	peer->farewell = frame_ref(frame);
	peer->farewell_ns = engine->now_ns;
	engine->has_farewells = true;
	ask(engine, peer);
	tick_at(engine, engine->now_ns + (wait_ns < FAREWELL_NS_MAX ? wait_ns : FAREWELL_NS_MAX));
	return true;
}

static void believe_farewell(struct totem_engine *engine, struct peer *peer)
{
	struct coterie_frame *frame = peer->farewell;

	peer->farewell = NULL;
	engine->is_farewell_over = true;
	gather_join(engine, frame);
	engine->is_farewell_over = false;
	frame_unref(frame);
}

static void refuse_farewell(struct totem_engine *engine, struct peer *peer, uint64_t at_ns)
{
	if (peer->farewell == NULL || at_ns < peer->farewell_ns)
		return;
	frame_unref(peer->farewell);
	peer->farewell = NULL;
	engine_refuse(engine, TOTEM_REFUSED_JOIN, peer->id);
}

static void check_farewells(struct totem_engine *engine)
{
	bool had = engine->has_farewells;

	engine->has_farewells = false;
	for (uint32_t i = 0; had && i < engine->peer_count; i++) {
		struct peer *peer = &engine->peers[i];
		uint64_t wait_ns = answer_ns(peer) < FAREWELL_NS_MAX ? answer_ns(peer) : FAREWELL_NS_MAX;

		if (peer->farewell == NULL)
			continue;
		if (engine->now_ns >= peer->farewell_ns + wait_ns) {
			believe_farewell(engine, peer);
			continue;
		}
		engine->has_farewells = true;
		tick_at(engine, peer->farewell_ns + wait_ns);
	}
}

/* --- signs --- */

/* Remove a question that is not answered yet. Return when it was sent, or 0 if there is none with this number. */
static uint64_t take_question(struct peer *peer, uint64_t number)
{
	for (uint32_t i = 0; i < ASKED_MAX; i++) {
		if (peer->asked[i].number != 0 && peer->asked[i].number == number) {
			peer->asked[i].number = 0;
			return peer->asked[i].at_ns;
		}
	}
	return 0;
}

/* Return whether the quoted bytes prove that this node sent the datagram to that peer. No other host can know them. */
static bool is_quoted(
	struct totem_engine *engine, struct peer *peer, const uint8_t *bytes, size_t size)
{
	const struct coterie_frame *sent = NULL;
	struct wire_probe probe;
	struct wire_mcast mcast;
	struct wire_token token;

	if (wire_decode_probe(bytes, size, &probe))
		return take_question(peer, probe.number) != 0;
	if (wire_decode_token(bytes, size, &token) == WIRE_OK) {
		if (engine->saved_target == peer->id)
			sent = engine->saved;
	} else if (wire_decode_mcast(bytes, size, &mcast) == WIRE_OK &&
		   ring_id_equal(&mcast.ring, &engine->ring)) {
		const struct store_slot *slot = store_find(engine_store(engine), mcast.seq);

		sent = slot == NULL ? NULL : slot->frame;
	}
	return sent != NULL && memcmp(sent->data, bytes, size < sent->size ? size : sent->size) == 0;
}

void suspect_refused(struct totem_engine *engine, uint32_t id, const uint8_t *bytes, size_t size)
{
	struct peer *peer = peer_find(engine, id);

	if (peer == NULL || !is_concerned(engine, peer))
		return;
	if (is_quoted(engine, peer, bytes, size)) {
		engine->counters.refused++;
		if (peer->farewell != NULL) {
			believe_farewell(engine, peer);
			return;
		}
		suspect(engine, peer);
		peer->refused++;
		judge(engine, peer);
		return;
	}
	/* A token or join that has been replaced since, or forged. It is a mere sign. */
	suspect_told(engine, id);
}

void suspect_told(struct totem_engine *engine, uint32_t id)
{
	struct peer *peer = peer_find(engine, id);

	if (peer == NULL || !is_concerned(engine, peer) ||
		engine->now_ns - peer->hint_ns < HINT_GAP_NS)
		return;
	peer->hint_ns = engine->now_ns;
	suspect(engine, peer);
}

/* --- connections to members --- */

void suspect_connected(struct totem_engine *engine, uint32_t id)
{
	struct peer *peer = peer_get(engine, id);

	if (peer == NULL)
		return;
	peer->connections++;
	peer->is_closed = false;
}

/*
 * Doubt the lease if other sides have ended all connections of this node. A single connection may end for many reasons.
 * But if the last one has ended, this node may be isolated, or a firewall rejects its packets in both directions.
 */
static void doubt_if_isolated(struct totem_engine *engine)
{
	uint32_t ended = 0;

	for (uint32_t i = 0; i < engine->memb.count; i++) {
		const struct peer *peer = peer_find(engine, engine->memb.ids[i]);

		if (peer == NULL || peer->id == engine->options.nodeid)
			continue;
		if (peer->connections > 0)
			return;
		ended += peer->is_ended;
	}
	if (ended > 1 || (ended == 1 && engine->memb.count == 2))
		lease_doubt(engine);
}

void suspect_disconnected(struct totem_engine *engine, uint32_t id, enum connection_end end)
{
	struct peer *peer = peer_find(engine, id);

	if (peer == NULL)
		return;
	if (peer->connections > 0)
		peer->connections--;
	if (peer->farewell != NULL) {
		believe_farewell(engine, peer);
		peer = peer_find(engine, id); /* its record may have moved */
		assert(peer != NULL);
	}
	if (end == CONNECTION_OVER)
		return;
	peer->is_ended = true;
	peer->is_closed = end == CONNECTION_CLOSED;
	doubt_if_isolated(engine);
	if (is_concerned(engine, peer))
		suspect(engine, peer);
}

/* --- questions and answers --- */

void suspect_ask(struct totem_engine *engine, struct peer *peer, uint64_t gap_ns)
{
	if (peer_has_probes(engine, peer) && engine->now_ns - peer->asked_ns >= gap_ns)
		ask(engine, peer);
}

void suspect_tell_members(struct totem_engine *engine, enum wire_probe_kind kind, uint32_t id)
{
	for (uint32_t i = 0; i < engine->memb.count; i++) {
		const struct peer *peer = peer_find(engine, engine->memb.ids[i]);

		if (peer != NULL && peer->id != engine->options.nodeid && peer_has_probes(engine, peer))
			send_word(engine, peer->id, kind, id);
	}
}

/* Return the next member after this node that answers probes, or NULL. */
static struct peer *neighbour(const struct totem_engine *engine)
{
	const struct node_set *memb = &engine->memb;
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

/* Ask members whose round trip is not measured, so that it is known when it is needed. */
static void ask_members(struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->memb.count; i++) {
		struct peer *peer = peer_find(engine, engine->memb.ids[i]);

		if (peer != NULL && peer->round_trip_ns == 0 && is_concerned(engine, peer))
			ask(engine, peer);
	}
}

/* Name the neighbour again at each ring, so that the user connects to it at once. */
void suspect_installed(struct totem_engine *engine)
{
	const struct peer *peer = neighbour(engine);

	if (engine->callbacks.watch != NULL)
		engine->callbacks.watch(engine->arg, peer == NULL ? 0 : peer->id);
	ask_members(engine);
	suspect_start(engine);
}

/* Go on with the suspicions of the last state. */
void suspect_start(struct totem_engine *engine)
{
	if (engine->has_suspects)
		tick_at(engine, engine->now_ns + ASK_GAP_NS);
}

/*
 * Answer a question. The answer renews the lease of the peer only if it names the ring. It does not name it while this
 * node forms another ring, which may be without the peer, or while its vote to remove the peer may still count.
 */
static void answer(struct totem_engine *engine, const struct peer *peer, uint64_t number)
{
	static const struct ring_id none;
	bool is_granted = (engine->state == TOTEM_OPERATIONAL && !silence_is_voted(engine, peer)) ||
			  TOTEM_MUTANT(engine, LEASE_GRANTED);
	struct coterie_frame *frame = make_probe(engine, peer->id,
		peer_is_unwanted(engine, peer) ? WIRE_PROBE_UNWANTED : WIRE_PROBE_ANSWER,
		is_granted ? &engine->ring : &none, number);

	if (frame == NULL)
		return;
	engine->callbacks.token(engine->arg, peer->id, frame);
	frame_unref(frame);
}

/*
 * Note a measured round trip. A shorter one counts at once, a longer one slowly: after a stop or an outage a peer
 * answers all questions of that time together, the newest one last.
 */
static void note_trip(struct peer *peer, uint64_t trip_ns)
{
	if (peer->round_trip_ns == 0 || trip_ns < peer->round_trip_ns)
		peer->round_trip_ns = trip_ns + 1;
	else
		peer->round_trip_ns += (trip_ns - peer->round_trip_ns) / 8;
}

/* The peer answered a question of at_ns: it runs, and both directions work. */
static void answered(
	struct totem_engine *engine, struct peer *peer, const struct wire_probe *probe, uint64_t at_ns)
{
	if (at_ns >= engine->unproved_ns) /* otherwise this node may have been stopped since */
		note_trip(peer, engine->now_ns - at_ns);
	peer->is_closed = peer->is_ended = false;
	refuse_farewell(engine, peer, at_ns);
	clear(engine, peer);
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
		at_ns = take_question(peer, probe->number);
		if (at_ns == 0)
			break;
		answered(engine, peer, probe, at_ns);
		if (probe->kind == WIRE_PROBE_ANSWER)
			peer_answered(engine, peer);
		else
			peer_kept_apart(engine, peer);
		break;
	case WIRE_PROBE_KNOCK:
		break;
	case WIRE_PROBE_RETRACT:
		peer_retracted(engine, peer->id, (uint32_t)probe->number);
		break;
	case WIRE_PROBE_PARDON:
		peer_pardoned(engine, peer->id, (uint32_t)probe->number);
		break;
	case WIRE_PROBE_SILENT:
		/* Ignore a vote that was recorded in an earlier ring and sent again. */
		if (ring_id_equal(&probe->ring, &engine->old_ring))
			silence_voted(engine, peer, (uint32_t)probe->number);
		break;
	}
}

bool suspect_probe(struct totem_engine *engine, const struct coterie_frame *frame)
{
	struct wire_probe probe;

	if ((engine->options.features & WIRE_FEATURE_PROBE) == 0 ||
		!wire_decode_probe(frame->data, frame->size, &probe))
		return false;
	engine->counters.probe_rx++;
	if (probe.system_from == engine->options.nodeid ||
		!engine_knows(engine, probe.system_from) || engine->is_pausing)
		return true;

	struct peer *peer = peer_get(engine, probe.system_from);

	if (peer != NULL)
		probe_of(engine, peer, &probe);
	return true;
}

/* Ask a suspect again if it is time. true: the engine has left its state. */
static bool pursue(struct totem_engine *engine, struct peer *peer)
{
	if (judge(engine, peer))
		return true;
	if (!is_concerned(engine, peer) || engine->now_ns - peer->sign_ns > SUSPICION_NS) {
		forget(peer);
		return false;
	}
	engine->has_suspects = true;

	uint64_t gap_ns = peer->rounds < ASK_ROUNDS_QUICK ? ASK_GAP_NS : ASK_GAP_SLOW_NS;

	if (engine->now_ns - peer->asked_ns >= gap_ns &&
		(peer->rounds < ASK_ROUNDS_MIN || peer->refused < REFUSED_ENOUGH)) {
		peer->rounds++;
		ask(engine, peer);
	}
	tick_at(engine, engine->now_ns + ASK_GAP_NS);
	return false;
}

void suspect_expired(struct totem_engine *engine)
{
	bool had_suspects = engine->has_suspects;

	check_farewells(engine);

	engine->has_suspects = false;
	for (uint32_t i = 0; had_suspects && i < engine->peer_count; i++) {
		if (engine->peers[i].sign_ns != 0 && pursue(engine, &engine->peers[i])) {
			engine->has_suspects = true; /* there may be other suspects */
			return; /* gather_enter has set the timer again */
		}
	}
}
