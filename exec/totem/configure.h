/* SPDX-License-Identifier: BSD-3-Clause */
/* The installation of a configuration. */
#ifndef TOTEM_CONFIGURE_H
#define TOTEM_CONFIGURE_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/node_set.h"
#include "exec/totem/ring_id.h"

struct totem_engine;

enum installation_phase { INSTALL_NONE, INSTALL_REGULAR, INSTALL_TRANSITIONAL };

/* The installation that goes on, or the last one. */
struct installation {
	enum installation_phase phase; /* frames that are being delivered: deliver_regular or deliver_transitional */
	void (*exchange)(struct totem_engine *engine); /* of configure_install_late, or NULL */
	void (*then)(struct totem_engine *engine);
};

/* The ring that was installed last. Only configure.c changes the members. */
struct membership {
	struct ring_id ring;
	struct node_set memb;
	uint64_t features;            /* features that all members have; 0: none */
	bool was_shared;              /* this node has been in a ring with another node since it started */
	struct node_set left, joined; /* compared with the configuration before */
	struct installation next;     /* of the next ring */
};

/**
 * Deliver what is left of the old ring, and install the new one. If a delivery yields, this is not finished when it
 * returns. Until it is, no packet is handled, and no other state is entered.
 *
 * @param then  called when the ring is installed. Do there what depends on it
 */
void configure_install(struct totem_engine *engine, void (*then)(struct totem_engine *engine));
/**
 * Install a ring whose token is lost already. The state, the timers, and the lists stay those of the attempt that goes
 * on. The lease of that ring is over before it begins: the token proves no contact any more.
 *
 * @param exchange  exchanges `ring` and `commit` of that attempt and of the ring. It is called before and after each part
 */
void configure_install_late(struct totem_engine *engine, void (*exchange)(struct totem_engine *engine),
	void (*then)(struct totem_engine *engine));
bool configure_is_unfinished(const struct totem_engine *engine);
/** Go on with an unfinished installation, until the next yield. */
void configure_resume(struct totem_engine *engine);
/** Go on with an unfinished installation, if there is one, to its end. */
void configure_finish(struct totem_engine *engine);

#endif
