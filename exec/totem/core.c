/* SPDX-License-Identifier: BSD-3-Clause */
/* Helpers of all files of the engine: traces, refusals, and the roles of nodes in the ring. */
#include "exec/totem/core.h"

#include <assert.h>

#include "exec/totem/state.h"

void core_trace(struct totem_engine *engine, const struct totem_trace *trace)
{
	struct totem_trace copy = *trace;

	if (engine->callbacks.trace == NULL)
		return;
	copy.state = engine->state;
	engine->callbacks.trace(engine->arg, &copy);
}

void core_trace_frame(struct totem_engine *engine, enum totem_trace_kind kind, const struct ring_id *ring, uint32_t seq,
	uint32_t node)
{
	if (engine->callbacks.trace == NULL)
		return;

	const struct totem_trace trace = {.kind = kind, .seq = seq, .node = node, .ring = *ring};

	core_trace(engine, &trace);
}

void core_refuse(struct totem_engine *engine, uint32_t why, uint32_t node)
{
	const struct totem_trace trace = {
		.kind = TOTEM_TRACE_REFUSED,
		.value = why,
		.node = node,
		.ring = engine->ring,
	};

	engine->counters.malformed++;
	core_trace(engine, &trace);
}

void core_set_state(struct totem_engine *engine, enum totem_state state, uint32_t cause)
{
	const struct totem_trace trace = {
		.kind = TOTEM_TRACE_STATE,
		.value = state,
		.cause = cause,
		.ring = engine->ring,
	};

	engine->state = state;
	core_trace(engine, &trace);
}

bool core_knows(const struct totem_engine *engine, uint32_t id)
{
	return id != 0 && (engine->known.count == 0 || node_set_has(&engine->known, id));
}

bool core_is_rep(const struct totem_engine *engine) { return engine->ring.rep == engine->options.nodeid; }

struct store *core_store(struct totem_engine *engine)
{
	return engine->state == TOTEM_RECOVERY ? &engine->rstore : &engine->store;
}

const struct node_set *core_members(const struct totem_engine *engine)
{
	return engine->state == TOTEM_RECOVERY ? &engine->commit.memb : &engine->installed.memb;
}

uint32_t core_successor(const struct totem_engine *engine)
{
	const struct node_set *members = core_members(engine);

	assert(members->count > 0);
	for (uint32_t i = 0; i < members->count; i++) {
		if (members->ids[i] > engine->options.nodeid)
			return members->ids[i];
	}
	return members->ids[0];
}

uint32_t core_predecessor(const struct totem_engine *engine)
{
	const struct node_set *members = core_members(engine);

	assert(members->count > 0);
	for (uint32_t i = members->count; i > 0; i--) {
		if (members->ids[i - 1] < engine->options.nodeid)
			return members->ids[i - 1];
	}
	return members->ids[members->count - 1];
}

/* The generator is splitmix64. */
uint64_t core_random(struct totem_engine *engine)
{
	uint64_t z = engine->random += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}
