/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Synchronise one service while the ring goes on (book sync, "One service alone"). A service that was loaded late
 * exchanges its state with the same service on the other nodes, without a change of the membership.
 *
 * Each SERVICE_BUILD (sync.h) names the services of its sender. In bytes that Corosync fills with zeros it tells
 * whether the sender knows the messages below. These have service number 63, which Corosync drops. They are in the
 * total order, so all members that know them have the same list of rounds:
 *
 *   JOIN service   The sender has loaded the service. A round begins. All members that have the service, the sender
 *                  included, let its clients wait, and send READY.
 *   READY service  The sender has sent it behind all earlier messages. After the READY of all members no message of
 *                  a client is under way. Each calls sync_start, then sync_step after each pass of the token until
 *                  it returns 0, and sends DONE.
 *   DONE service   The sender is ready. After the DONE of all members each calls sync_done, and clients go on.
 *   PART service   The sender has unloaded the service. No round waits for it any more.
 *
 * There is one round at a time. Others wait in the order of their JOINs. Each member has at most one round of each
 * service in the list. If a READY does not come within 10 s, or a DONE within 60 s, the ring is formed again with the
 * same members. A configuration of the ring ends all rounds, since the synchronisation after it does their work. Each
 * message names its ring, and those of another ring are ignored. If a member has the service and does not know these
 * messages (Corosync), the members form the ring again.
 */
#ifndef EXEC_RESYNC_H
#define EXEC_RESYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exec/totem/engine.h"

#define RESYNC_SERVICE_ID 63u
/** The mark of a member that knows these messages, behind the count of a SERVICE_BUILD. */
#define RESYNC_MARK 1u

struct loop;
struct plugin;
struct plugin_registry;
struct resync;
struct ring;

/** The parts that it uses. All are borrowed until resync_destroy. */
struct resync_parts {
	struct loop *loop;
	struct plugin_registry *plugins;
	struct ring *ring;
	uint32_t nodeid; /* of this node */
	/** The service is_held from now on, or no longer: check the gate of its clients. */
	void (*held)(void *arg, struct plugin *plugin);
	void *arg;
};

/** parts: copied. NULL: out of memory */
struct resync *resync_create(const struct resync_parts *parts);
void resync_destroy(struct resync *resync);                /* NULL is ignored */

/* --- from sync.c --- */

/** End all rounds at a configuration, transitional or regular. */
void resync_configure(struct resync *resync, const struct totem_configuration *configuration);
/** Note a member's list in the synchronisation of this configuration. services: by bit. */
void resync_build(struct resync *resync, uint32_t nodeid, uint64_t services, bool is_able);

/* --- from route.c and the ring's listener --- */

/** Handle a message of service 63, whole, size bytes from its header on. */
void resync_deliver(struct resync *resync, uint32_t source, const uint8_t *bytes, size_t size,
	bool is_swapped);
void resync_passed(struct resync *resync); /* the token has been passed on */

/** As host->service_members, for the service of this plugin. */
int resync_members(const struct resync *resync, const struct plugin *plugin, uint32_t *nodeids, uint32_t room);

/* --- from plugin_life.c --- */

/**
 * Begin the round of a loaded service, which is_deaf. A service without sync_step takes part at once. The round has
 * ended when the plugin is neither is_deaf nor is_held.
 * @return 0; -EAGAIN: no room, call again
 */
int resync_join(struct resync *resync, struct plugin *plugin);
/** Tell the other members that the service is unloaded. Harmless if repeated. 0; -EAGAIN: no room, call again. */
int resync_part(struct resync *resync, const struct plugin *plugin);

#endif
