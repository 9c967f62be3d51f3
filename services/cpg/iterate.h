/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Declarations shared by iterate.c, which handles the requests and stores a client's iterations, and snapshot.c, which
 * makes snapshots.
 */
#ifndef SERVICES_CPG_ITERATE_H
#define SERVICES_CPG_ITERATE_H

#include "services/cpg/cpg.h"

/* cpg_iteration_type_t of the client API. */
enum {
	CPG_NAME_ONLY = 1,
	CPG_ONE_GROUP = 2,
	CPG_ALL = 3,
};

struct cpg_iteration_entry {
	struct cpg_wire_name name;
	uint32_t nodeid;
	uint32_t pid;
};

struct cpg_iteration {
	struct cpg_iteration *next;
	uint64_t token;
	uint32_t count;
	uint32_t at;                         /* index of the next entry */
	struct cpg_iteration_entry *entries; /* room for at least `count` entries */
};

/* --- iterate.c --- */

/** Free an iteration. NULL is ignored. */
void cpg_iteration_free(struct cpg_iteration *iteration);
/** Store a complete iteration in its client's connection, and send the answer. */
void cpg_iteration_open(struct cpg *cpg, struct cpg_connection *connection, struct cpg_iteration *iteration);

/* --- snapshot.c --- */

/**
 * Make an iteration and send the answer. The client must not be waiting for another iteration.
 * @param type CPG_NAME_ONLY .. CPG_ALL
 * @param name used with CPG_ONE_GROUP; copied
 * @return COTERIE_REPLIED; COTERIE_LATER: a later turn sends the answer; -ENOMEM: no answer was sent
 */
int cpg_snapshot_take(
	struct cpg *cpg, struct cpg_connection *connection, uint32_t type, const struct cpg_wire_name *name);

#endif
