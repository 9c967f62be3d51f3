/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The accelerated ring (Babay and Amir): book extensions, "Early token". A visit numbers and counts its frames, then
 * sends the token, and after it the frames. Meanwhile the successor prepares its own frames.
 *
 * Some of these frames arrive after the token. They lower its aru, so freeing and safe delivery are a rotation later.
 * They are not requested: a frame is requested only if it is missing at two visits. Before the sender sends the token
 * again it has sent all frames of its last visit.
 *
 * The token is not sent first in these cases:
 *
 * - in RECOVERY, whose end is counted in tokens
 * - if the visit answers requests, for which other members wait
 * - if the token is kept
 * - if there are few frames
 */
#include "exec/totem/early.h"

#include "exec/totem/state.h"

/* Frames. Half of a smaller receive buffer would cost more by its small window than an early token gains. */
#define CAPACITY_MIN 256u

bool early_is_due(const struct totem_engine *engine)
{
	uint32_t least = engine->options.early_frames;

	return engine->state == TOTEM_OPERATIONAL && least > 0 && !place_is_kept(engine->place) &&
	       engine->flow.window.rotations > 1 && engine->installed.memb.count > 1 && engine->flow.fresh >= least &&
	       engine->flow.fresh == engine->flow.sent;
}

uint32_t early_rotations(const struct totem_engine *engine)
{
	return (engine->recovery.features & WIRE_FEATURE_EARLY) != 0 && extension_capacity(engine) >= CAPACITY_MIN ? 2
														   : 1;
}
