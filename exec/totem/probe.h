/* SPDX-License-Identifier: BSD-3-Clause */
/* Probes that this node sends. */
#ifndef TOTEM_PROBE_H
#define TOTEM_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/ring_id.h"
#include "exec/totem/wire.h"

struct totem_engine;
struct peer;
struct coterie_frame;

/** Ask a node whether it runs and hears this node, unless the last question is less than gap_ns old. */
void probe_ask_again(struct totem_engine *engine, struct peer *peer, uint64_t gap_ns);
/** Send RETRACT, PARDON or SILENT (kind) about node id to all members that answer probes. */
void probe_tell_members(struct totem_engine *engine, enum wire_probe_kind kind, uint32_t id);
/** Return a probe to node `to`, or NULL: out of memory. The caller sends it, and drops its reference. */
struct coterie_frame *probe_make(struct totem_engine *engine, uint32_t to, enum wire_probe_kind kind,
	const struct ring_id *ring, uint64_t number);
void probe_ask(struct totem_engine *engine, struct peer *peer); /* ask the peer whether it runs and hears this node */
/**
 * Remove a question that is not answered yet. Return when it was sent, or 0 if there is no question with this number.
 */
uint64_t probe_take_question(struct peer *peer, uint64_t number);
/**
 * Note a report that the peer's kernel has refused a question. The question stays: a host that reads the wire can forge the
 * report, and then an answer comes.
 *
 * @return false: there is no question with this number, or it was refused before
 */
bool probe_refuse_question(struct peer *peer, uint64_t number);

#endif
