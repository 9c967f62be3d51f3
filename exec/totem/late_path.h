/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths between nodes that work again at different times. */
#ifndef TOTEM_LATE_PATH_H
#define TOTEM_LATE_PATH_H

#include <stdbool.h>
#include <stdint.h>

struct totem_engine;
struct peer;

/* State of the wait for late paths. Only late_path.c uses the members. */
struct late_path {
	uint64_t returned_ns; /* when a member was last heard again after an outage; 0: never */
	uint64_t agree_by_ns; /* when the wait ends */
};

void late_path_gather(struct totem_engine *engine); /* call when GATHER is entered */
/** Note that a join of peer has arrived. Call this before the record of peer has the join. */
void late_path_note(struct totem_engine *engine, const struct peer *peer);
/** Return whether nodes of `live` may not hear each other yet, so that a commit token would be lost. */
bool late_path_is_likely(const struct totem_engine *engine);

#endif
