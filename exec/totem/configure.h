/* SPDX-License-Identifier: BSD-3-Clause */
/* The installation of a configuration. */
#ifndef TOTEM_CONFIGURE_H
#define TOTEM_CONFIGURE_H

#include <stdint.h>

#include "exec/totem/node_set.h"
#include "exec/totem/ring_id.h"

struct totem_engine;

/* The ring that was installed last. Only configure.c changes the members. */
struct membership {
	struct ring_id ring;
	struct node_set memb;
	uint64_t features;            /* features that all members have; 0: none */
	bool was_shared;              /* this node has been in a ring with another node since it started */
	struct node_set left, joined; /* compared with the configuration before */
};

void configure_install(struct totem_engine *engine);
/**
 * Install a ring whose token is lost already. The state, the timers, and the lists stay those of the attempt that goes
 * on. The lease of that ring is over before it begins: the token proves no contact any more.
 */
void configure_install_late(struct totem_engine *engine);

#endif
