/* SPDX-License-Identifier: BSD-3-Clause */
/* Features that all members of a ring have. */
#ifndef TOTEM_EXTENSION_H
#define TOTEM_EXTENSION_H

#include <stdint.h>

#include "exec/totem/ring_id.h"
#include "exec/totem/wire.h"

struct totem_engine;

uint64_t extension_own(const struct totem_engine *engine); /* return the trailer entry of this node; 0: none */
/** Return the trailer entry of this node's joins: as extension_own(), with the mark of its ring. */
uint64_t extension_of_join(const struct totem_engine *engine);
/** Return the mark of a ring: a number by which joins show that their sender is in this ring. Others rarely have it. */
uint32_t extension_mark(const struct ring_id *ring);
/**
 * For the trailer of a commit token: begin a new trailer, take over the one of a received commit token, write the entry
 * of this node.
 */
void extension_begin(struct totem_engine *engine);
void extension_copy(struct totem_engine *engine, const struct wire_commit_token *commit);
void extension_fill(struct totem_engine *engine, uint32_t index);
/** Return the lease that member number `index` of the new ring announced, nanoseconds, or 0. */
uint64_t extension_lease(const struct totem_engine *engine, uint32_t index);
/** Return the features of member number `index` of the new ring: those in the commit token, or else the given ones. */
uint64_t extension_features(const struct totem_engine *engine, uint32_t index, uint64_t announced);
uint64_t extension_agreed(const struct totem_engine *engine); /* return the AND of a complete trailer, or 0 */
/** Return how many frames the smallest receive buffer of the new ring holds, 0 if a member did not announce it. */
uint32_t extension_capacity(const struct totem_engine *engine);

#endif
