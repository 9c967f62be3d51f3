/*
 * Members that were removed from the ring against their will, and the evidence: as a line for the log, as
 * counters and as records in the statistics map, where coterie-ctl and the plugin metrics find them.
 */
#ifndef EXEC_EVICTION_H
#define EXEC_EVICTION_H

#include <stddef.h>

#include "exec/totem/engine.h"

#define EVICTIONS_KEPT 16u
#define EVICTION_TEXT_MAX 256u /* bytes of a value of the statistics map, NUL included */

struct evictions;
struct stats;

/** stats is kept until evictions_destroy. NULL: out of memory. */
struct evictions *evictions_create(struct stats *stats);
void evictions_destroy(struct evictions *evictions); /* NULL is ignored */

/**
 * Count an eviction and keep its record; the oldest of more than EVICTIONS_KEPT goes. A member that left
 * (TOTEM_EVIDENCE_LEFT) was not evicted and is ignored. Out of memory: it is counted only.
 *
 * @param at_ms     since the epoch
 * @param eviction  borrowed
 *
 * Keys: stats.coterie.ring.evictions.EVIDENCE counts. Each record has a number, which counts from 0:
 * stats.coterie.eviction.NUMBER.text is eviction_text, stats.coterie.eviction.NUMBER.record the same as a JSON
 * object; the latter is added last and deleted first.
 */
void evictions_note(struct evictions *evictions, uint64_t at_ms, const struct totem_eviction *eviction);

/**
 * "node 2 is out of the ring: silent for 8031 ms (patience 8030 ms); its host does not answer either; agreed: 1 3".
 * A list that does not fit ends in "and N more".
 */
void eviction_text(const struct totem_eviction *eviction, char *text, size_t size);

/** What is appended to a line about a silent member: "; its host answers: …", static; empty: nothing is known. */
const char *eviction_witness_text(enum totem_witness witness);
/** "answers" or "silent", static; empty: nothing is known. */
const char *eviction_witness_name(enum totem_witness witness);

#endif
