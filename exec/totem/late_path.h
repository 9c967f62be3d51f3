/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths that carry packets again at different times. */
#ifndef TOTEM_LATE_PATH_H
#define TOTEM_LATE_PATH_H

#include <stdbool.h>
#include <stdint.h>

struct totem_engine;
struct peer;

/* Only late_path.c uses the members. */
struct late_path {
	uint64_t returned_ns; /* when a member was last heard again after an outage; 0: never */
	uint64_t agree_by_ns; /* end of the wait */
};

void late_path_gather(struct totem_engine *engine); /* GATHER was entered */
/** Note that a join of peer arrived. Its record does not have it yet. */
void late_path_note(struct totem_engine *engine, const struct peer *peer);
/** Return whether nodes of `live` may not hear each other yet, so that a commit token would be lost. */
bool late_path_is_likely(const struct totem_engine *engine);

#endif
