/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether to accept another node's word that a member has failed. */
#ifndef TOTEM_BELIEF_H
#define TOTEM_BELIEF_H

#include <stdbool.h>
#include <stdint.h>

struct totem_engine;
struct peer;

/** Return whether this node has waited for members of its last ring for its consensus timeout. */
bool belief_is_patience_over(const struct totem_engine *engine);
/** Return when the lease of this member of the last ring ends. Its last contact was before this node left the ring. */
uint64_t belief_lease_end_ns(const struct totem_engine *engine, const struct peer *peer);
/** Return whether to accept that node id has failed, as the join of a node says that was not in the last ring. */
bool belief_of_stranger(const struct totem_engine *engine, uint32_t id);
/**
 * Return whether a member of the last ring may still serve because this node has answered it lately. Then the word of
 * another member that it has failed is not accepted.
 */
bool belief_may_serve(const struct totem_engine *engine, uint32_t id);

#endif
