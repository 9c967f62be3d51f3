/* SPDX-License-Identifier: BSD-3-Clause */
/* A ring that other members have installed, and this node has not: book membership, "Crash at the end". */
#ifndef TOTEM_LATE_H
#define TOTEM_LATE_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/commit.h"
#include "exec/totem/node_set.h"

struct totem_engine;

/* All that this node needs to install the ring of recovery.prepared late. Only late.c changes the members. */
struct late {
	struct commit commit; /* its commit token */
	struct node_set trans;
	uint32_t install_seq;
	uint64_t features;
	/* While the ring is being installed: its id, and what follows. */
	struct ring_id ring;
	void (*then)(struct totem_engine *engine);
};

/** Keep what would be needed. Call it before the commit token of another attempt replaces the one that is known. */
void late_keep(struct totem_engine *engine);
/**
 * Look at what the first `count` entries of the commit token say of recovery.prepared. If a member has installed that
 * ring, install it here as well, and deliver its configurations. If a companion has not promised, nobody can have
 * installed it: take the promise of this node back. Both change the past that this node names in its own entry.
 *
 * @param then  called if the past has changed, when that is finished (configure_install_late)
 * @return true: the past has changed, or changes now. Do nothing more in this event
 */
bool late_settle(struct totem_engine *engine, uint32_t count, void (*then)(struct totem_engine *engine));

#endif
