/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The accelerated ring (Babay and Amir): book extensions, "Early token". A visit numbers and counts its frames, then
 * sends the token, and then the frames. Meanwhile the successor prepares its own frames.
 *
 * Some of these frames arrive after the token. So the aru in the token is lower, and freeing and safe delivery are a
 * rotation later. The frames are not requested: a frame is requested only if it is missing at two visits, and by then
 * the sender has sent all frames of its last visit.
 *
 * The token is not sent early in these cases:
 *
 * - in RECOVERY, whose end is counted in tokens
 * - if the visit answers requests, for which other members wait
 * - if the token is kept
 * - if there are few frames
 */
#include "exec/totem/early.h"

#include "exec/totem/state.h"

/* Frames. With a smaller receive buffer the halved window would cost more time than an early token saves. */
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
