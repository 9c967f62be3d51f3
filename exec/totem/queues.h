/* SPDX-License-Identifier: BSD-3-Clause */
/* The two queues of messages to be sent. */
#ifndef TOTEM_QUEUES_H
#define TOTEM_QUEUES_H

#include <stdbool.h>
#include <stdint.h>

struct totem_engine;
struct pack_queue;
struct coterie_frame;

/*
 * The send queues. Only queues.c changes the members. engine.c puts messages into the queue that queues_used() returns.
 */
struct queues {
	struct pack_queue *q_new;  /* messages */
	struct pack_queue *q_sync; /* messages of the synchronisation */
	bool is_sync_wait;         /* the services synchronise: messages are put into q_sync, and q_new waits */
	bool wants_room;           /* the user got -EAGAIN, and waits for room */
};

void queues_wait(struct totem_engine *engine); /* call when the services of a new ring synchronise */
void queues_synchronized(struct totem_engine *engine);
/** Return the queue that new messages are put into. Called for each message. */
static inline struct pack_queue *queues_used(const struct queues *queues)
{
	return queues->is_sync_wait ? queues->q_sync : queues->q_new;
}

void queues_note_refused(struct totem_engine *engine); /* call when a queue was full */
/** Return whether there is room again for a user that got -EAGAIN. If so, wants_room is cleared. */
bool queues_offer_room(struct totem_engine *engine);
/** Return how many frames wait that may be sent now. */
uint32_t queues_count(const struct totem_engine *engine);
void queues_flush(struct totem_engine *engine); /* close the open packets that may be sent now */
/** Take the next frame that may be sent, as pack_queue_take() does: book ring, "Sending". NULL: no frame waits. */
struct coterie_frame *queues_take(struct totem_engine *engine, uint32_t *guarantee);
/** End messages that are partly sent in packets of their own: see pack_queue_split(). */
void queues_split(struct totem_engine *engine);
/** Send messages that are partly sent from their starts: see pack_queue_restart(). */
void queues_restart(struct totem_engine *engine);
void queues_set_payload_max(struct totem_engine *engine, uint32_t payload_max);

#endif
