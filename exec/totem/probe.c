/* SPDX-License-Identifier: BSD-3-Clause */
/* Send probes: questions whether another node runs, and messages about a third node. */
#include "exec/totem/probe.h"

#include <assert.h>

#include "exec/totem/frame.h"
#include "exec/totem/state.h"

struct coterie_frame *probe_make(struct totem_engine *engine, uint32_t to, enum wire_probe_kind kind,
	const struct ring_id *ring, uint64_t number)
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

	frame->size = (uint32_t)wire_encode_probe(&probe, to, engine->options.swap, frame->data, frame->capacity);
	assert(frame->size > 0);
	engine->counters.probe_tx++;
	return frame;
}

/*
 * Send a probe about a third node. The probe names the ring that was installed last, since all members know that ring.
 */
static void send_word(struct totem_engine *engine, uint32_t to, enum wire_probe_kind kind, uint64_t number)
{
	struct coterie_frame *frame = probe_make(engine, to, kind, &engine->installed.ring, number);

	if (frame == NULL)
		return;
	engine->callbacks.token(engine->arg, to, frame);
	frame_unref(frame);
}

void probe_ask(struct totem_engine *engine, struct peer *peer)
{
	uint64_t number = core_random(engine) | 1; /* 0 means "none" */
	struct coterie_frame *frame = probe_make(engine, peer->id, WIRE_PROBE_QUESTION, &engine->ring, number);

	peer->asked_ns = engine->now_ns;
	if (frame == NULL)
		return;
	peer->asked[peer->asked_count++ % ASKED_MAX] = (struct question){.number = number, .at_ns = engine->now_ns};
	engine->callbacks.token(engine->arg, peer->id, frame);
	/* A kernel refuses only plain datagrams, not the packets of an encrypted session. */
	if (peer->is_closed && engine->callbacks.poke != NULL)
		engine->callbacks.poke(engine->arg, peer->id, frame);
	frame_unref(frame);
}

void probe_ask_again(struct totem_engine *engine, struct peer *peer, uint64_t gap_ns)
{
	if (peer_has_probes(engine, peer) && engine->now_ns - peer->asked_ns >= gap_ns)
		probe_ask(engine, peer);
}

void probe_tell_members(struct totem_engine *engine, enum wire_probe_kind kind, uint32_t id)
{
	for (uint32_t i = 0; i < engine->installed.memb.count; i++) {
		const struct peer *peer = peer_find(engine, engine->installed.memb.ids[i]);

		if (peer != NULL && peer->id != engine->options.nodeid && peer_has_probes(engine, peer))
			send_word(engine, peer->id, kind, id);
	}
}

/* Return the question with this number that is not answered yet, or NULL. */
static struct question *find_question(struct peer *peer, uint64_t number)
{
	for (uint32_t i = 0; i < ASKED_MAX; i++)
		if (peer->asked[i].number != 0 && peer->asked[i].number == number)
			return &peer->asked[i];
	return NULL;
}

uint64_t probe_take_question(struct peer *peer, uint64_t number)
{
	struct question *question = find_question(peer, number);

	if (question == NULL)
		return 0;
	question->number = 0;
	return question->at_ns;
}

bool probe_refuse_question(struct peer *peer, uint64_t number)
{
	struct question *question = find_question(peer, number);

	if (question == NULL || question->is_refused)
		return false;
	question->is_refused = true;
	return true;
}
