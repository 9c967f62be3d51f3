/*
 * Is a member's daemon still there? Spec 04 §16.3, spec 05 §11.
 *
 * A host without a daemon answers datagrams with "port unreachable", and the outside reports that
 * with what is quoted of the datagram. So that there is something to answer on an idle ring too,
 * every member knocks at the next one that understands it, a few times a second, unless the outside
 * watches that one and tells by itself when it goes.
 *
 * Life of a suspicion: 1 a report comes, from wherever. 2 The suspect is asked, again and again,
 * with numbers that nobody else knows. 3a Anything that it sends ends the suspicion, and it answers
 * questions at once: one lost or refused packet, a forged report or a restarted daemon end here.
 * 3b Several of our datagrams were refused for certain, since their very bytes were quoted, and it
 * has been silent for a while: it is given up, and the join that says so makes everybody agree.
 * 3c Neither: the suspicion is dropped, and the token timeout decides.
 */
#include "exec/totem/state.h"

#include <assert.h>
#include <string.h>

#include "exec/totem/frame.h"

#define ASK_GAP_NS (6 * MILLISECOND_NS)
#define ASK_ROUNDS_QUICK 8u
#define ASK_ROUNDS_MIN 2u
/* A host refuses six datagrams at once, then one a second: so many are enough, others may follow. */
#define REFUSED_ENOUGH 3u
#define ASK_GAP_SLOW_NS (100 * MILLISECOND_NS)
#define SUSPICION_NS (3000 * MILLISECOND_NS)
#define HINT_GAP_NS (10 * MILLISECOND_NS)
/* A node that lives has answered by then; one refusal alone, when the host says no more, takes longer. */
#define SILENCE_NS (20 * MILLISECOND_NS)
#define SILENCE_ONCE_NS (40 * MILLISECOND_NS)
/* The transport itself has waited for long; a knock on a path that is just coming up may be late. */
#define SILENCE_TOLD_NS (50 * MILLISECOND_NS)
#define SIGN_GAP_NS (1 * MILLISECOND_NS)
/* A watch may have gone blind without a word. */
#define KNOCK_WATCHED_NS (2000 * MILLISECOND_NS)
/* Certain refusals that it takes; more where nobody answers questions. */
#define REFUSED_PLAIN_MIN 3u
#define ROUNDS_MISSED 3u
#define GATHER_GAP_NS (20 * MILLISECOND_NS)


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

static void send_probe(struct totem_engine *engine, uint32_t to, enum wire_probe_kind kind,
	uint64_t number)
{
	struct coterie_frame *frame = frame_take(engine->pool, WIRE_PROBE_SIZE);

	if (frame == NULL)
		return; /* there will be another */

	const struct wire_probe probe = {
		.system_from = engine->options.nodeid,
		.ring = engine->ring,
		.kind = kind,
		.number = number,
	};

	frame->size = (uint32_t)wire_encode_probe(
		&probe, to, engine->options.swap, frame->data, frame->capacity);
	assert(frame->size > 0);
	engine->counters.probe_tx++;
	engine->callbacks.token(engine->arg, to, frame);
	frame_unref(frame);
}

static void ask(struct totem_engine *engine, struct peer *peer, enum wire_probe_kind kind)
{
	uint64_t number = engine_random(engine) | 1; /* 0 stands for none */

	peer->asked[peer->asked_count++ % ASKED_MAX] = number;
	peer->asked_ns = engine->now_ns;
	send_probe(engine, peer->id, kind, number);
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
	peer->rounds = peer->refused = peer->told = 0;
}

/* --- what ends a suspicion --- */

static void clear(struct totem_engine *engine, struct peer *peer)
{
	if (peer->sign_ns == 0)
		return;
	engine->counters.cleared++;
	trace_about(engine, TOTEM_TRACE_CLEARED, peer);
	forget(peer);
}

void suspect_heard(struct totem_engine *engine, uint32_t id)
{
	struct peer *peer = engine->has_suspects ? peer_find(engine, id) : NULL;

	if (peer != NULL)
		clear(engine, peer);
}

void suspect_heard_all(struct totem_engine *engine)
{
	for (uint32_t i = 0; engine->has_suspects && i < engine->peer_count; i++)
		clear(engine, &engine->peers[i]);
	engine->has_suspects = false;
}

/* Whether it may be suspected at all: we wait for it. */
static bool is_concerned(const struct totem_engine *engine, uint32_t id)
{
	if (id == engine->options.nodeid)
		return false;
	switch (engine->state) {
	case TOTEM_OPERATIONAL:
		return node_set_has(&engine->memb, id);
	case TOTEM_GATHER:
		return node_set_has(&engine->proc, id) && !node_set_has(&engine->failed, id);
	case TOTEM_COMMIT:
	case TOTEM_RECOVERY:
		break; /* the token's timer */
	}
	return false;
}

static bool is_token_overdue(const struct totem_engine *engine)
{
	return engine->state == TOTEM_OPERATIONAL && !engine->is_holding &&
	       engine->now_ns - engine->counters.token_last_ns >
		       2 * engine->options.token_retransmit_ns;
}

static bool is_convicted(const struct totem_engine *engine, const struct peer *peer)
{
	uint64_t silent_ns = engine->now_ns - peer->sign_ns;

	if (TOTEM_MUTANT(engine, SIGNS_BELIEVED))
		return true;
	if (peer->refused > 0 && peer->rounds >= ASK_ROUNDS_MIN && silent_ns >= SILENCE_NS) {
		if (!peer_has_probes(engine, peer))
			return peer->refused >= REFUSED_PLAIN_MIN;
		if (peer->refused > 1 || silent_ns >= SILENCE_ONCE_NS)
			return true;
	}
	if (peer->told == 0)
		return false;
	if (peer_has_probes(engine, peer))
		return peer->rounds >= ASK_ROUNDS_MIN && silent_ns >= SILENCE_TOLD_NS;
	return (peer->told > 1 && silent_ns >= SIGN_GAP_NS) || is_token_overdue(engine);
}

/* true: the engine has left its state. */
static bool judge(struct totem_engine *engine, struct peer *peer)
{
	if (peer->sign_ns == 0 || engine->is_cut || !is_concerned(engine, peer->id) ||
		!is_convicted(engine, peer))
		return false;
	engine->counters.convicted++;
	trace_about(engine, TOTEM_TRACE_CONVICTED, peer);
	forget(peer);
	gather_fail(engine, peer->id);
	return true;
}

/* --- what begins one --- */

static void suspect(struct totem_engine *engine, struct peer *peer)
{
	if (peer->sign_ns != 0)
		return;
	peer->sign_ns = engine->now_ns;
	peer->rounds = 1;
	engine->has_suspects = true;
	engine->counters.suspected++;
	trace_about(engine, TOTEM_TRACE_SUSPECTED, peer);
	ask(engine, peer, WIRE_PROBE_QUESTION);
	tick_at(engine, engine->now_ns + ASK_GAP_NS);
}

/* It was asked this, and nobody has answered yet. */
static bool is_asked(struct peer *peer, uint64_t number)
{
	for (uint32_t i = 0; i < ASKED_MAX; i++) {
		if (peer->asked[i] != 0 && peer->asked[i] == number) {
			peer->asked[i] = 0;
			return true;
		}
	}
	return false;
}

/* The quote shows bytes that we have sent to that peer, and that nobody else could know. */
static bool is_quoted(
	struct totem_engine *engine, struct peer *peer, const uint8_t *bytes, size_t size)
{
	const struct coterie_frame *sent = NULL;
	struct wire_probe probe;
	struct wire_mcast mcast;
	struct wire_token token;

	if (wire_decode_probe(bytes, size, &probe))
		return is_asked(peer, probe.number);
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

	if (peer == NULL || !is_concerned(engine, id))
		return;
	if (is_quoted(engine, peer, bytes, size)) {
		engine->counters.refused++;
		suspect(engine, peer);
		peer->refused++;
		judge(engine, peer);
		return;
	}
	/* A token or join that has been replaced meanwhile, or forged: a reason to ask, no more. */
	if (engine->now_ns - peer->hint_ns < HINT_GAP_NS)
		return;
	peer->hint_ns = engine->now_ns;
	suspect(engine, peer);
}

void suspect_told(struct totem_engine *engine, uint32_t id)
{
	struct peer *peer = peer_find(engine, id);

	if (peer == NULL || !is_concerned(engine, id))
		return;
	suspect(engine, peer);
	peer->told++;
	judge(engine, peer);
}

/* --- the watch over our neighbour --- */

void suspect_watched(struct totem_engine *engine, uint32_t id, bool is_watched)
{
	if (id != engine->watched_id || engine->is_watched == is_watched)
		return;
	engine->is_watched = is_watched;
	suspect_start(engine);
}

void suspect_broken(struct totem_engine *engine, uint32_t id)
{
	struct peer *peer = peer_find(engine, id);

	suspect_watched(engine, id, false);
	if (peer != NULL && is_concerned(engine, id) && peer_has_probes(engine, peer))
		suspect(engine, peer);
}

void suspect_check_overdue(struct totem_engine *engine)
{
	if (!engine->has_suspects || !is_token_overdue(engine))
		return;
	for (uint32_t i = 0; i < engine->peer_count; i++) {
		if (judge(engine, &engine->peers[i]))
			return;
	}
}

/* --- questions and answers --- */

void suspect_ask(struct totem_engine *engine, struct peer *peer)
{
	if (peer_has_probes(engine, peer) && engine->now_ns - peer->asked_ns >= ASK_GAP_SLOW_NS)
		ask(engine, peer, WIRE_PROBE_QUESTION);
}

void suspect_tell_members(struct totem_engine *engine, enum wire_probe_kind kind, uint32_t id)
{
	for (uint32_t i = 0; i < engine->memb.count; i++) {
		const struct peer *peer = peer_find(engine, engine->memb.ids[i]);

		if (peer != NULL && peer->id != engine->options.nodeid && peer_has_probes(engine, peer))
			send_probe(engine, peer->id, kind, id);
	}
}

/* The next member behind us at which to knock; NULL: there is none. */
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

static bool is_watched(const struct totem_engine *engine, const struct peer *peer)
{
	return peer != NULL && peer->id == engine->watched_id && engine->is_watched;
}

/* The token is a knock as well, and a suspect is asked anyway. */
static bool needs_knock(
	const struct totem_engine *engine, const struct peer *peer, uint64_t gap_ns)
{
	return peer != NULL && peer->sign_ns == 0 &&
	       (peer->id != engine_successor(engine) ||
		       engine->now_ns - engine->token_sent_ns >= gap_ns);
}

/* Whom we wait for and have not heard since we gather; multicasts of some transports prove nothing. */
static void ask_the_silent(struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->proc.count; i++) {
		struct peer *peer = peer_find(engine, engine->proc.ids[i]);

		if (peer != NULL && is_concerned(engine, peer->id) && peer->sign_ns == 0 &&
			peer->heard_episode != engine->episode && peer_has_probes(engine, peer))
			ask(engine, peer, WIRE_PROBE_KNOCK);
	}
}

/* The first of those who knock at each other starts each round. */
static bool is_first(const struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->memb.count; i++) {
		const struct peer *peer = peer_find(engine, engine->memb.ids[i]);

		if (engine->memb.ids[i] == engine->options.nodeid)
			return true;
		if (peer != NULL && peer_has_probes(engine, peer))
			return false;
	}
	return true;
}

static bool is_last(const struct totem_engine *engine)
{
	for (uint32_t i = engine->memb.count; i > 0; i--) {
		const struct peer *peer = peer_find(engine, engine->memb.ids[i - 1]);

		if (engine->memb.ids[i - 1] == engine->options.nodeid)
			return true;
		if (peer != NULL && peer_has_probes(engine, peer))
			return false;
	}
	return true;
}

/*
 * One round of knocks goes from member to member, so that each wakes up once for it. Who knocks at the
 * one that starts them misses it soon when none comes; the others wait for longer, and start rounds of
 * their own while nobody knocks at them.
 */
static void knock(struct totem_engine *engine, bool is_asked)
{
	uint64_t gap_ns = engine->options.probe_ns;
	uint64_t wait_ns = gap_ns;
	struct peer *peer = neighbour(engine);

	if (is_watched(engine, peer))
		wait_ns = gap_ns = KNOCK_WATCHED_NS;
	else if (is_asked && !is_first(engine))
		wait_ns = is_last(engine) ? wait_ns * 5 / 4 : wait_ns * ROUNDS_MISSED;
	engine->knocked_ns = engine->now_ns;
	engine->probe_at_ns = engine->now_ns + wait_ns;
	if (needs_knock(engine, peer, gap_ns))
		ask(engine, peer, WIRE_PROBE_KNOCK);
}

/* The round goes on, unless we have just started one, which is then the last of ours. */
static void knocked_at(struct totem_engine *engine)
{
	uint64_t gap_ns = engine->options.probe_ns;

	if (gap_ns == 0 || engine->is_watched)
		return;
	if (engine->now_ns - engine->knocked_ns >= gap_ns / 2)
		knock(engine, true);
	else if (!is_first(engine))
		engine->probe_at_ns = engine->knocked_ns + ROUNDS_MISSED * gap_ns;
}

static void look_around(struct totem_engine *engine)
{
	bool is_due = engine->now_ns >= engine->probe_at_ns;

	if (engine->options.probe_ns == 0)
		return;
	if (engine->state == TOTEM_OPERATIONAL && engine->memb.count > 1) {
		if (is_due)
			knock(engine, false);
		if (engine->is_watched && engine->watched_id == engine_successor(engine))
			return; /* the token knocks at it */
	} else if (engine->state == TOTEM_GATHER && engine->proc.count > 1) {
		if (is_due) {
			ask_the_silent(engine);
			engine->probe_at_ns = engine->now_ns + GATHER_GAP_NS;
		}
	} else {
		return;
	}
	tick_at(engine, engine->probe_at_ns);
}

/* Said again at each ring, so that the outside does not wait with a new attempt. */
static void watch_neighbour(struct totem_engine *engine)
{
	const struct peer *peer = neighbour(engine);
	uint32_t id = peer == NULL ? 0 : peer->id;

	if (id != engine->watched_id)
		engine->is_watched = false;
	engine->watched_id = id;
	if (engine->callbacks.watch != NULL)
		engine->callbacks.watch(engine->arg, id);
}

void suspect_installed(struct totem_engine *engine)
{
	if (engine->options.probe_ns > 0)
		watch_neighbour(engine);
	suspect_start(engine);
}

void suspect_start(struct totem_engine *engine)
{
	uint64_t gap_ns = engine->options.probe_ns;

	if (gap_ns == 0 || engine->is_cut)
		return;
	engine->probe_at_ns =
		engine->now_ns + (engine->state == TOTEM_GATHER ? GATHER_GAP_NS : gap_ns);
	tick_at(engine, engine->probe_at_ns);
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

	if (peer == NULL)
		return true;
	if (probe.kind == WIRE_PROBE_QUESTION)
		send_probe(engine, peer->id,
			peer_is_unwanted(engine, peer) ? WIRE_PROBE_UNWANTED : WIRE_PROBE_ANSWER,
			probe.number);
	if (probe.kind == WIRE_PROBE_KNOCK && engine->state == TOTEM_OPERATIONAL &&
		node_set_has(&engine->memb, peer->id))
		knocked_at(engine);
	if (probe.kind == WIRE_PROBE_ANSWER && is_asked(peer, probe.number))
		peer_answered(engine, peer);
	if (probe.kind == WIRE_PROBE_UNWANTED && is_asked(peer, probe.number))
		peer_kept_apart(engine, peer);
	if (probe.kind == WIRE_PROBE_RETRACT)
		peer_retracted(engine, peer->id, (uint32_t)probe.number);
	if (probe.kind == WIRE_PROBE_PARDON)
		peer_pardoned(engine, peer->id, (uint32_t)probe.number);
	suspect_heard(engine, peer->id);
	return true;
}

/* Asks a suspect again when it is time. true: the engine has left its state. */
static bool pursue(struct totem_engine *engine, struct peer *peer)
{
	if (judge(engine, peer))
		return true;
	if (!is_concerned(engine, peer->id) || engine->now_ns - peer->sign_ns > SUSPICION_NS) {
		forget(peer);
		return false;
	}
	engine->has_suspects = true;

	uint64_t gap_ns = peer->rounds < ASK_ROUNDS_QUICK ? ASK_GAP_NS : ASK_GAP_SLOW_NS;

	if (engine->now_ns - peer->asked_ns >= gap_ns &&
		(peer->rounds < ASK_ROUNDS_MIN || peer->refused < REFUSED_ENOUGH ||
			!peer_has_probes(engine, peer))) {
		peer->rounds++;
		ask(engine, peer, WIRE_PROBE_QUESTION);
	}
	tick_at(engine, engine->now_ns + ASK_GAP_NS);
	return false;
}

void suspect_expired(struct totem_engine *engine)
{
	bool had_suspects = engine->has_suspects;

	engine->has_suspects = false;
	for (uint32_t i = 0; had_suspects && i < engine->peer_count; i++) {
		if (engine->peers[i].sign_ns != 0 && pursue(engine, &engine->peers[i])) {
			engine->has_suspects = true; /* others may be */
			return; /* entering GATHER has set the timer anew */
		}
	}
	look_around(engine);
}
