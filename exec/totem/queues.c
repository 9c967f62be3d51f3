/* SPDX-License-Identifier: BSD-3-Clause */
/* The two queues of messages to be sent: book ring, "Sending". */
#include "exec/totem/queues.h"

#include "exec/totem/frame.h"
#include "exec/totem/state.h"

static void drop_queued(struct totem_engine *engine)
{
	uint32_t guarantee;
	struct coterie_frame *frame;

	pack_queue_flush(engine->queues.q_new);
	while ((frame = pack_queue_take(engine->queues.q_new, &guarantee)) != NULL)
		frame_unref(frame);
}

void queues_wait(struct totem_engine *engine)
{
	if (TOTEM_MUTANT(engine, QUEUE_DROPPED))
		drop_queued(engine);
	engine->queues.is_sync_wait = true;
}

void queues_synchronized(struct totem_engine *engine) { engine->queues.is_sync_wait = false; }

void queues_note_refused(struct totem_engine *engine) { engine->queues.wants_room = true; }

/* There is room if the queue could take one eighth of its present frames in addition. */
bool queues_offer_room(struct totem_engine *engine)
{
	const struct pack_queue *queue = queues_used(&engine->queues);

	if (pack_queue_free(queue) < pack_queue_count(queue) / 8 + 1)
		return false;
	engine->queues.wants_room = false;
	return true;
}

uint32_t queues_count(const struct totem_engine *engine)
{
	uint32_t count = pack_queue_count(engine->queues.q_sync);

	return engine->queues.is_sync_wait ? count : count + pack_queue_count(engine->queues.q_new);
}

void queues_flush(struct totem_engine *engine)
{
	pack_queue_flush(engine->queues.q_sync);
	if (!engine->queues.is_sync_wait)
		pack_queue_flush(engine->queues.q_new);
}

/* A message that is partly sent is finished first. After that q_sync comes before q_new. */
struct coterie_frame *queues_take(struct totem_engine *engine, uint32_t *guarantee)
{
	struct pack_queue *first = engine->queues.q_sync;
	struct pack_queue *second = engine->queues.is_sync_wait ? NULL : engine->queues.q_new;

	if (second != NULL && pack_queue_is_begun(engine->queues.q_new)) {
		first = engine->queues.q_new;
		second = engine->queues.q_sync;
	}

	struct coterie_frame *frame = pack_queue_take(first, guarantee);

	if (frame == NULL && second != NULL)
		frame = pack_queue_take(second, guarantee);
	return frame;
}

/* Without memory for that, new members lose messages: see pack_queue_split() and pack_queue_restart(). */
void queues_split(struct totem_engine *engine)
{
	(void)pack_queue_split(engine->queues.q_sync);
	(void)pack_queue_split(engine->queues.q_new);
}

void queues_restart(struct totem_engine *engine)
{
	(void)pack_queue_restart(engine->queues.q_sync);
	(void)pack_queue_restart(engine->queues.q_new);
}

void queues_set_payload_max(struct totem_engine *engine, uint32_t payload_max)
{
	pack_queue_set_payload_max(engine->queues.q_new, payload_max);
	pack_queue_set_payload_max(engine->queues.q_sync, payload_max);
}
