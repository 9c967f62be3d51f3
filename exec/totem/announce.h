/* SPDX-License-Identifier: BSD-3-Clause */
/* Merge detects of this ring, and the time from which it takes strangers in. */
#ifndef TOTEM_ANNOUNCE_H
#define TOTEM_ANNOUNCE_H

#include <stdbool.h>
#include <stdint.h>

struct totem_engine;

/**
 * Return whether the packet of a stranger comes too soon after the installation of a large ring: each change of the ring
 * costs all its members. The ring announces itself when it takes strangers in.
 */
bool announce_is_early(struct totem_engine *engine, uint32_t node);
void announce_send(struct totem_engine *engine);
/** Announce an idle ring to other rings from time to time. */
void announce_idle(struct totem_engine *engine);
void announce_busy(struct totem_engine *engine);

#endif
