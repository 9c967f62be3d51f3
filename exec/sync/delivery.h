/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The place in the order of the ring at which a service is called (host->delivery), and the verdict about quorum that
 * all members have agreed on at that place.
 *
 * A quorum provider decides at the end of a synchronisation, but also when a timer, a device or a key changes: at
 * another place of the order on each node. So each member announces its verdict in a message of service 63, which
 * Corosync drops:
 *
 *   VERDICT is_quorate   the sender's verdict about this ring
 *
 * and the ring is quorate at a place of the order if every member that announces has announced "quorate" before it. A
 * member says in its SERVICE_BUILD (sync.h) that it announces. Corosync and older builds do not, and are not asked.
 */
#ifndef EXEC_DELIVERY_H
#define EXEC_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <coterie/plugin.h>

#include "exec/totem/engine.h"

/** Function of VERDICT. round_message.c has the other functions of service 63. */
#define DELIVERY_VERDICT 4u

struct delivery;
struct ring;

/** Create the object. ring: borrowed until delivery_destroy. NULL: out of memory */
struct delivery *delivery_create(struct ring *ring);
void delivery_destroy(struct delivery *delivery); /* NULL is ignored */

/* --- from the ring's listener and route.c --- */

/** Note a configuration, before services are informed of it. */
void delivery_configure(struct delivery *delivery, const struct totem_configuration *configuration);
/** Note that a message is being delivered, until delivery_end. It is borrowed until then. */
void delivery_begin(struct delivery *delivery, const struct totem_message *message);
void delivery_end(struct delivery *delivery);
/** Handle a VERDICT, size bytes from its header on. */
void delivery_receive(struct delivery *delivery, uint32_t source, const uint8_t *bytes, size_t size, bool is_swapped);
/* try to send a verdict that found no room: the token has been passed on */
void delivery_passed(struct delivery *delivery);

/* --- from sync.c --- */

/** Note that a member's SERVICE_BUILD of this ring has been delivered. */
void delivery_build(struct delivery *delivery, uint32_t nodeid, bool is_announcing);

/* --- from the quorum provider, the start of a synchronisation and the test kit --- */

/**
 * Note a verdict of the quorum provider, and announce it. A verdict about another ring than the present one is not
 * announced.
 */
void delivery_decide(struct delivery *delivery, const struct coterie_quorum *verdict);

/** Announce this node's verdict about the present ring, unless the last announcement in the ring was the same. */
void delivery_announce(struct delivery *delivery, bool is_quorate);

/** Return whether this node has a verdict about the present ring. Before the first ring it has none. */
bool delivery_has_verdict(const struct delivery *delivery);

/** As host->delivery. */
int delivery_get(const struct delivery *delivery, struct coterie_delivery *place);

#endif
