/* SPDX-License-Identifier: BSD-3-Clause */
/* Merge detects of this ring, and the time from which it takes strangers in. */
#ifndef TOTEM_ANNOUNCE_H
#define TOTEM_ANNOUNCE_H

#include <stdbool.h>
#include <stdint.h>

struct totem_engine;

/* Only announce.c uses the members. */
struct announce {
	uint64_t merge_at_ns;  /* from then on the next token brings a merge detect; 0: T-merge decides */
	uint64_t merged_seq;   /* seq of the ring that has sent a merge detect */
	uint64_t installed_ns; /* when the ring was installed */
};

/**
 * Return whether the packet of a stranger comes too soon after the installation of a large ring: each change of the ring
 * costs all its members. The ring announces itself when it takes strangers in.
 */
bool announce_is_early(struct totem_engine *engine, uint32_t node);
void announce_send(struct totem_engine *engine);
/** Announce an idle ring to other rings from time to time. */
void announce_idle(struct totem_engine *engine);
void announce_busy(struct totem_engine *engine);
void announce_installed(struct totem_engine *engine); /* a configuration came into force */

#endif
