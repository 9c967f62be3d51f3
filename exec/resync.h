/*
 * Synchronisation of one service while the ring goes on: a service that was loaded late hears from its
 * like on the other nodes, and they from it, without a change of the membership.
 *
 * Who has what: every SERVICE_BUILD (sync.h) names the services of its sender, and tells in bytes that
 * Corosync pads with zeros whether the sender knows of the messages below. They have service number 63,
 * which Corosync drops, and stand in the total order, so that all who know of them hold the same list:
 *
 *   JOIN service   the sender has loaded it. A round begins: all members that have the service, the sender
 *                  included, let its clients wait, and say
 *   READY service  behind all that they have sent before. When all have said it, no message of a client is
 *                  on its way: sync_start, then sync_step after each pass of the token until it returns 0, and
 *   DONE service   the sender is through. When all have said it: sync_done, and clients go on.
 *   PART service   the sender has unloaded it; in a round nobody waits for it any more.
 *
 * One round at a time, the others wait in the order of their JOINs. Each member has one round of each service in the
 * list at most. A round whose READY or DONE does not come within 10 s or 60 s has a new ring formed, with the same
 * members. A configuration of the ring ends all
 * rounds: the synchronisation that follows does their work. Each message names its ring; one of another is
 * not looked at. A member that has the service and does not know of these messages (Corosync) cannot be
 * asked: then the members form the ring again.
 */
#ifndef EXEC_RESYNC_H
#define EXEC_RESYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exec/totem/engine.h"

#define RESYNC_SERVICE_ID 63u
/** Of a member that knows of this, in the bytes behind the count of a SERVICE_BUILD. */
#define RESYNC_MARK 1u

struct executive;
struct plugin;
struct resync;

struct resync *resync_create(struct executive *executive); /* NULL: out of memory */
void resync_destroy(struct resync *resync);                /* NULL is ignored */

/* --- from sync.c --- */

/** A configuration, transitional or regular: rounds end where they stand. */
void resync_configure(struct resync *resync, const struct totem_configuration *configuration);
/** A member's list in the synchronisation of this configuration. services: by bit. */
void resync_build(struct resync *resync, uint32_t nodeid, uint64_t services, bool is_able);

/* --- from route.c and ring.c --- */

/** A message of service 63, whole, size bytes from its header on. */
void resync_deliver(struct resync *resync, uint32_t source, const uint8_t *bytes, size_t size,
	bool is_swapped);
void resync_passed(struct resync *resync); /* the token has been passed on */

/** As host->service_members, for the service of this plugin. */
int resync_members(const struct resync *resync, const struct plugin *plugin, uint32_t *nodeids, uint32_t room);

/* --- from plugin_life.c --- */

/**
 * Bring about that a loaded service, which is_deaf, takes part. Without sync_step that is at once. It is over
 * when the plugin is neither is_deaf nor is_held.
 * @return 0; -EAGAIN: no room, ask again
 */
int resync_join(struct resync *resync, struct plugin *plugin);
/** Tell the others that the service goes. Harmless twice. 0; -EAGAIN: no room, ask again. */
int resync_part(struct resync *resync, const struct plugin *plugin);

#endif
