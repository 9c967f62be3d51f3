/*
 * Engine and transport under one roof: own frames fed back through memory, timers, the ring id's file,
 * the engine's log lines. Messages go up to route.c, configurations to sync.c and route.c.
 */
#ifndef EXEC_RING_H
#define EXEC_RING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include <coterie/transport.h>

#include "exec/totem/engine.h"

struct executive;
struct plugin;
struct ring;

/**
 * exit_code: out, when NULL is returned (book configuration, "Exit codes"). The reason has been
 * logged.
 */
struct ring *ring_create(struct executive *executive, int *exit_code);
/** Give the transport its peers and links: the protocol starts when a link comes up. */
int ring_start(struct ring *ring, struct plugin *transport);
/** Multicast a leave and close the transport. Nothing is sent afterwards. */
void ring_stop(struct ring *ring);
void ring_destroy(struct ring *ring);

/** As totem_engine_send, with the group's prefix put in front. group: "a" or "sync". */
int ring_send(struct ring *ring, const char *group, enum totem_guarantee guarantee,
	const struct iovec *iov, uint32_t count);
void ring_synchronized(struct ring *ring);
/** As totem_options_check, with what the ring itself adds. *which: the member that is refused. */
int ring_check_options(const struct ring *ring, const struct totem_options *options, const char **which);
/** Timers, limits and nodes change (nodes are copied). Not inside the engine. -EINVAL; -ENOMEM. */
int ring_reconfigure(struct ring *ring, const struct totem_options *options);
/** The transport's overhead may have changed: frames get the size that is left. Also inside the engine. */
void ring_resize_frames(struct ring *ring);
/** Is the engine on the stack? It takes no call then but messages to send. */
bool ring_is_inside(const struct ring *ring);
struct totem_engine *ring_engine(struct ring *ring); /* for getters */
/** Frames queued and not yet sent; 0 when all that was sent before is in the order. */
uint32_t ring_backlog(const struct ring *ring);
/** A link has been closed: whatever its last state was, it is not up any more. */
void ring_link_gone(struct ring *ring, uint32_t link);
/**
 * Whether this node may serve requests that need quorum: it has been in contact with a majority of its ring
 * within the lease (totem_engine_has_lease). Always true without an engine or a quorum provider. After a
 * suspend of the host it is false until the ring has contact again.
 */
bool ring_has_lease(struct ring *ring);
/** Look for other nodes, as after a lost token. */
void ring_force_gather(struct ring *ring);
/** Log what there is to know. NULL is ignored. */
void ring_dump(const struct ring *ring);
/** Every member takes part in safe delivery. */
bool ring_is_safe_kept(const struct ring *ring);
/** What the transport says of a node; *status is filled in whole. -ENOENT; -ENOTSUP: it cannot say. */
int ring_node_status(const struct ring *ring, uint32_t nodeid, struct coterie_node_status *status);
/** *stats is filled up to its size; left alone without a transport. */
void ring_transport_stats(const struct ring *ring, struct coterie_transport_stats *stats);
void ring_membership(const struct ring *ring, struct coterie_ring_id *id, const uint32_t **nodeids,
	uint32_t *count);

/* host table, for the transport */
struct coterie_frame *ring_frame_take(struct ring *ring, uint32_t capacity);
void ring_frames_in(struct ring *ring, const struct coterie_arrival *arrivals, uint32_t count);
void ring_link_state(struct ring *ring, uint32_t link, bool is_up, const char *text);
void ring_peer_dead(struct ring *ring, uint32_t nodeid);
void ring_peer_watch(struct ring *ring, uint32_t nodeid, uint32_t state); /* COTERIE_WATCH_* */
void ring_peer_refused(struct ring *ring, uint32_t nodeid, const void *quote, uint32_t size);
void ring_writable(struct ring *ring);

#endif
