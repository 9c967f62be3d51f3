/* SPDX-License-Identifier: BSD-3-Clause */
/* Send packets to all nodes: the frames of a visit, which are sent together, and single packets. */
#include "exec/totem/multicast.h"

#include <assert.h>

#include "exec/totem/frame.h"
#include "exec/totem/state.h"

void multicast_frame(struct totem_engine *engine, struct coterie_frame *frame)
{
	if (frame == NULL)
		return;
	if (!backoff_is_quiet(engine))
		engine->callbacks.multicast(engine->arg, &frame, 1);
	frame_unref(frame);
}

void multicast_add(struct totem_engine *engine, struct coterie_frame *frame)
{
	assert(engine->outbox.count < WINDOW_MAX);
	engine->outbox.frames[engine->outbox.count++] = frame;
}

void multicast_flush(struct totem_engine *engine)
{
	uint32_t count = engine->outbox.count;

	if (count == 0)
		return;
	engine->outbox.count = 0;
	if (TOTEM_MUTANT(engine, TOKEN_BEFORE_FRAMES_LOST) || backoff_is_quiet(engine))
		return;
	engine->callbacks.multicast(engine->arg, engine->outbox.frames, count);
}
