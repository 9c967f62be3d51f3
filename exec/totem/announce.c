/* SPDX-License-Identifier: BSD-3-Clause */
/* Announce this ring to others by merge detects, and decide when it accepts strangers: book membership, "Merge". */
#include "exec/totem/announce.h"

#include <assert.h>

#include "exec/totem/frame.h"
#include "exec/totem/state.h"

static uint64_t strangers_from_ns(const struct totem_engine *engine)
{
	uint64_t wait_ns = engine->installed.memb.count * TOTEM_STRANGER_WAIT_NS;
	uint64_t most_ns = engine->options.consensus_ns /
			   4; /* a stranger must hear this ring before its consensus timeout ends */

	if (most_ns > TOTEM_STRANGER_WAIT_MAX_NS)
		most_ns = TOTEM_STRANGER_WAIT_MAX_NS;
	return engine->announce.installed_ns + (wait_ns < most_ns ? wait_ns : most_ns);
}

bool announce_is_early(struct totem_engine *engine, uint32_t node)
{
	uint64_t from_ns = strangers_from_ns(engine);

	if (engine->state != TOTEM_OPERATIONAL || engine->now_ns >= from_ns ||
		node_set_has(&engine->installed.memb, node) || !join_is_crowd(engine))
		return false;
	/*
	 * At that time a stranger that is alone may be silent until it hears of this ring. So send a merge detect then.
	 */
	if (core_is_rep(engine) && engine->timer_at_ns[TOTEM_TIMER_MERGE] > from_ns)
		timer_set(engine, TOTEM_TIMER_MERGE, from_ns - engine->now_ns);
	return true;
}

void announce_send(struct totem_engine *engine)
{
	if (engine->state != TOTEM_OPERATIONAL || !core_is_rep(engine))
		return;

	struct coterie_frame *frame = frame_take(engine->pool, WIRE_HEADER_SIZE + 16);

	if (frame == NULL)
		return; /* a later merge detect is enough */

	const struct wire_merge_detect merge = {
		.system_from = engine->options.nodeid,
		.ring = engine->ring,
	};

	frame->size = (uint32_t)wire_encode_merge_detect(&merge, engine->options.swap, frame->data, frame->capacity);
	assert(frame->size > 0);
	engine->counters.merge_detect_tx++;
	engine->announce.merged_seq = engine->ring.seq;
	multicast_frame(engine, frame);
}

/*
 * Number of silence budgets between two merge detects. A silence budget makes the token of an idle ring go round more
 * often than merge detects are needed.
 */
#define BUDGETS_INCOMPLETE 2u /* while a configured node is missing */
#define BUDGETS_COMPLETE 20u  /* while all are members: a node that joins another ring sends joins first */

static uint64_t gap_ns(const struct totem_engine *engine)
{
	const struct totem_options *options = &engine->options;
	bool is_complete = engine->known.count > 0 && node_set_contains(&engine->installed.memb, &engine->known);

	return options->merge_ns + (is_complete ? BUDGETS_COMPLETE : BUDGETS_INCOMPLETE) * options->silence_ns;
}

/*
 * Send merge detects if this node is the representative. T-merge sends the first one of a ring. Each packet wakes up
 * all nodes, so later ones are sent together with the token.
 */
void announce_idle(struct totem_engine *engine)
{
	if (!core_is_rep(engine))
		return;
	if (engine->announce.merged_seq != engine->ring.seq) {
		if (!timer_is_set(engine, TOTEM_TIMER_MERGE))
			timer_set(engine, TOTEM_TIMER_MERGE, engine->options.merge_ns);
		return;
	}
	if (engine->announce.merge_at_ns == 0)
		engine->announce.merge_at_ns = engine->now_ns + gap_ns(engine);
	if (place_is_kept(engine->place) || engine->now_ns < engine->announce.merge_at_ns)
		return;
	engine->announce.merge_at_ns = 0;
	announce_send(engine);
}

void announce_busy(struct totem_engine *engine)
{
	engine->announce.merge_at_ns = 0;
	timer_cancel(engine, TOTEM_TIMER_MERGE);
}

void announce_installed(struct totem_engine *engine) { engine->announce.installed_ns = engine->now_ns; }
