/*
 * The accelerated ring (Babay and Amir): book extensions, "Early token". A visit whose frames are numbered
 * and counted passes the token on first and then sends them, while the successor already prepares its own.
 * What the others lack of them when the token comes pulls its aru down, so that freeing and safe delivery
 * are a rotation later; it is not asked for, since a frame has to be missing at a second visit, and before
 * the sender passes the token on again it has sent everything of its last visit.
 *
 * Not in RECOVERY, whose end is counted in tokens; nor when the visit answers requests, which somebody waits
 * for; nor while the token is kept, or frames are too few to matter.
 */
#include "exec/totem/state.h"

/* Frames: half of a smaller receive buffer would hold less than the successor's lead is worth. */
#define CAPACITY_MIN 256u

bool early_is_due(const struct totem_engine *engine)
{
	uint32_t least = engine->options.early_frames;

	return engine->state == TOTEM_OPERATIONAL && least > 0 && !engine->is_holding &&
	       engine->window.rotations > 1 && engine->memb.count > 1 &&
	       engine->visit_new >= least && engine->visit_new == engine->visit_sent;
}

uint32_t early_rotations(const struct totem_engine *engine)
{
	return (engine->new_features & WIRE_FEATURE_EARLY) != 0 && extension_capacity(engine) >= CAPACITY_MIN ? 2 : 1;
}
