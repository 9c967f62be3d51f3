/* SPDX-License-Identifier: BSD-3-Clause */
/* Helpers of all files of the engine. They call no other file of the engine. */
#ifndef TOTEM_CORE_H
#define TOTEM_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/engine.h"
#include "exec/totem/node_set.h"
#include "exec/totem/ring_id.h"

#define MILLISECOND_NS UINT64_C(1000000)

/** Count and trace a packet that is dropped. why: enum wire_refusal or TOTEM_REFUSED_*. */
void core_refuse(struct totem_engine *engine, uint32_t why, uint32_t node);
void core_trace(struct totem_engine *engine, const struct totem_trace *trace);
void core_trace_frame(struct totem_engine *engine, enum totem_trace_kind kind, const struct ring_id *ring, uint32_t seq,
	uint32_t node);
void core_set_state(struct totem_engine *engine, enum totem_state state, uint32_t cause);
bool core_knows(const struct totem_engine *engine, uint32_t id);
bool core_is_rep(const struct totem_engine *engine); /* of `ring` */
/** Return the store of the ring whose token runs: rstore in RECOVERY. */
struct store *core_store(struct totem_engine *engine);
const struct node_set *core_members(const struct totem_engine *engine); /* of `ring` */
uint32_t core_successor(const struct totem_engine *engine);
uint32_t core_predecessor(const struct totem_engine *engine);
uint64_t core_random(struct totem_engine *engine);

#endif
