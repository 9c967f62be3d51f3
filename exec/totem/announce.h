/* SPDX-License-Identifier: BSD-3-Clause */
/* Merge detects of this ring, and the time from which the ring accepts strangers. */
#ifndef TOTEM_ANNOUNCE_H
#define TOTEM_ANNOUNCE_H

#include <stdbool.h>
#include <stdint.h>

struct totem_engine;

/* Only announce.c uses the members. */
struct announce {
	uint64_t merge_at_ns;  /* from this time on the next token brings a merge detect. 0: T-merge decides */
	uint64_t merged_seq;   /* seq of the last ring in which this node sent a merge detect */
	uint64_t installed_ns; /* when the ring was installed */
};

/**
 * Return whether a stranger's packet comes too soon after the installation of a large ring, so that it is ignored: each
 * change costs all members of the ring. The ring sends a merge detect when it accepts strangers.
 */
bool announce_is_early(struct totem_engine *engine, uint32_t node);
void announce_send(struct totem_engine *engine);
/** Announce an idle ring to other rings by merge detects, from time to time. */
void announce_idle(struct totem_engine *engine);
void announce_busy(struct totem_engine *engine);
void announce_installed(struct totem_engine *engine); /* call when a configuration has come into force */

#endif
