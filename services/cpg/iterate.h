/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by iterate.c, which has the requests and a client's iterations, and snapshot.c, which makes
 * snapshots.
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
	struct cpg_iteration_entry *entries; /* count, or more */
};

/* --- iterate.c --- */

/** NULL is ignored. */
void cpg_iteration_free(struct cpg_iteration *iteration);
/** Store a complete iteration, and answer the client that requested it. */
void cpg_iteration_open(struct cpg *cpg, struct cpg_connection *connection, struct cpg_iteration *iteration);

/* --- snapshot.c --- */

/**
 * Make an iteration for a client that does not wait for another one, and answer.
 * @param type  CPG_NAME_ONLY .. CPG_ALL
 * @param name  with CPG_ONE_GROUP, copied
 * @return COTERIE_REPLIED; COTERIE_LATER; -ENOMEM: no answer was sent
 */
int cpg_snapshot_take(
	struct cpg *cpg, struct cpg_connection *connection, uint32_t type, const struct cpg_wire_name *name);

#endif
