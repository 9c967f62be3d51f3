/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Evictions: members that were removed from the ring though they did not leave, and the evidence. They become
 * lines of the log, counters, and records in the statistics map for coterie-ctl and the plugin metrics.
 */
#ifndef EXEC_EVICTION_H
#define EXEC_EVICTION_H

#include <stddef.h>

#include "exec/totem/engine.h"

#define EVICTIONS_KEPT 16u
#define EVICTION_TEXT_MAX 256u /* bytes of a value in the statistics map, NUL included */

struct evictions;
struct stats;

/** Create the list of evictions. stats must live until eviction_list_destroy. NULL: out of memory. */
struct evictions *eviction_list_create(struct stats *stats);
void eviction_list_destroy(struct evictions *evictions); /* NULL is ignored */

/**
 * Count an eviction and keep its record. At most EVICTIONS_KEPT records stay, the oldest one is removed first. A member
 * that left (TOTEM_EVIDENCE_LEFT) was not evicted and is ignored. Out of memory: the eviction is only counted.
 *
 * @param at_ms     milliseconds since the epoch
 * @param eviction  borrowed
 *
 * The keys are stats.coterie.ring.evictions.EVIDENCE, a count, and two for each record. Records are numbered from 0.
 * stats.coterie.eviction.NUMBER.text is the text of eviction_text. stats.coterie.eviction.NUMBER.record is a JSON
 * object with the same facts. It is added last and deleted first.
 */
void eviction_list_note(struct evictions *evictions, uint64_t at_ms, const struct totem_eviction *eviction);

/**
 * Write the text of a record. A list that does not fit ends in "and N more". Example:
 * "node 2 is out of the ring: silent for 8031 ms (patience 8030 ms); its host does not answer either; agreed: 1 3".
 */
void eviction_text(const struct totem_eviction *eviction, char *text, size_t size);

/** Return the end of a log line about a silent member: whether the member's host answers. Static, empty if unknown. */
const char *eviction_witness_text(enum totem_witness witness);
/** Return "answers" or "silent". Static, empty if unknown. */
const char *eviction_witness_name(enum totem_witness witness);

#endif
