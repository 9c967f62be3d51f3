/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The synchroniser. It has two kinds of rounds (round.h). Only one round is under way at a time:
 *
 * - All services, after a regular configuration. It is compatible on the wire (book sync, "A round").
 * - One service alone, which was loaded while the ring runs (book sync, "One service alone"). It exchanges its state
 *   with the same service on the other nodes, without a change of the membership.
 *
 * Each SERVICE_BUILD names the services of its sender. Bytes that Corosync fills with zeros say whether the sender
 * knows joint turns, and the messages of the second kind of round. These are in the total order, so all members that know them have the
 * same list of rounds:
 *
 *   JOIN service   The sender has loaded the service. A round begins. All members that have the service, the sender
 *                  included, let its clients wait, and send READY.
 *   READY service  The sender has sent all earlier messages of clients before this one. After the READY of all members
 *                  no message of a client is under way. Each member calls sync_start, then sync_step after each pass of
 *                  the token until it returns 0, and sends DONE.
 *   DONE service   The sender has sent its state. After the DONE of all members each calls sync_done. Requests of
 *                  clients are handled again.
 *   PART service   The sender has unloaded the service. No round waits for it any more.
 *
 * Further rounds wait in the order of their JOINs. Each member has at most one round of each service in the list. If a
 * READY does not come within 10 s, or a DONE within 60 s, the ring is formed again with the same members. A
 * configuration of the ring ends all rounds, since the round of all services after it does their work. Each message
 * names its ring, and messages of another ring are ignored. If a member has the service and does not know these
 * messages (Corosync), the members form the ring again.
 */
#ifndef EXEC_SYNC_H
#define EXEC_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exec/totem/engine.h"

struct delivery;
struct loop;
struct plugin;
struct plugin_registry;
struct ring;
struct sync;

/** The parts that the synchroniser uses, borrowed until sync_destroy, and the functions that it calls. */
struct sync_parts {
	struct loop *loop;
	struct plugin_registry *plugins;
	struct ring *ring;
	struct delivery *delivery;
	uint32_t nodeid;     /* of this node */
	bool has_joint_turn; /* it knows joint turns (round.h): true, except in tests of older versions */

	void *arg; /* argument of the functions */
	/**
	 * A round of all services begins, before services are informed of it: announce a verdict about quorum that is
	 * known already.
	 */
	void (*begun)(void *arg);
	/** A round of all services is complete. */
	void (*synchronized)(void *arg);
	/** The member is_held of the plugin has changed: check the gate of its clients. */
	void (*held)(void *arg, struct plugin *plugin);
	/** No round is possible any more, which was logged. End the daemon with this exit code. */
	void (*stop)(void *arg, int exit_code);
};

/** Create the synchroniser. parts: copied. NULL: out of memory */
struct sync *sync_create(const struct sync_parts *parts);
void sync_destroy(struct sync *sync); /* NULL is ignored */

/* --- from the ring's listener and route.c --- */

/** End all rounds. After a regular configuration also begin the round of all services. */
void sync_configure(struct sync *sync, const struct totem_configuration *configuration);
/** Handle a message of the group "sync": contiguous, size bytes behind the group prefix. */
void sync_deliver(struct sync *sync, uint32_t source, const uint8_t *bytes, uint32_t size, bool is_swapped);
/** Handle a message of service 63, whole, size bytes from its header on. */
void sync_deliver_service(struct sync *sync, uint32_t source, const uint8_t *bytes, size_t size, bool is_swapped);
/* send messages that found no room, and continue the round: the token has been passed on */
void sync_passed(struct sync *sync);
/** Return whether the round of all services is under way, or will begin with the next configuration. */
bool sync_is_running(const struct sync *sync);
/**
 * Return whether sync_start of services is being called in a round of all services. Meanwhile they must not send (see
 * sync_start in <coterie/service.h>).
 */
bool sync_is_starting(const struct sync *sync);
/**
 * Return whether sync_step of a service is being called in a round of all services. Messages that it sends are part of
 * the round, and the node's barrier follows them.
 */
bool sync_is_stepping(const struct sync *sync);

/** As host->service_members, for the service of this plugin. */
int sync_service_members(const struct sync *sync, const struct plugin *plugin, uint32_t *nodeids, uint32_t room);

/* --- from plugin_life.c --- */

/**
 * Begin the round of a loaded service, which is_deaf. A service without sync_step takes part at once. The round has
 * ended when the plugin is neither is_deaf nor is_held.
 * @return 0; -EAGAIN: no room, call again
 */
int sync_join(struct sync *sync, struct plugin *plugin);
/** Send the other members that the service is unloaded. Repeated calls do no harm. 0; -EAGAIN: no room, call again. */
int sync_part(struct sync *sync, const struct plugin *plugin);

#endif
