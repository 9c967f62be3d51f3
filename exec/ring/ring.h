/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ring: connects the engine with the transport, the loop's timers, the file of the ring id and the log. The
 * own frames of this node return to the engine through memory. The ring calls one listener for all that goes up.
 */
#ifndef EXEC_RING_H
#define EXEC_RING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include <coterie/transport.h>

#include "exec/totem/engine.h"

struct config;
struct loop;
struct plugin;
struct ring;
struct ring_account;
struct stats;

/** The parts that a ring uses. All are borrowed until ring_destroy. */
struct ring_parts {
	struct loop *loop;
	struct stats *stats;
	struct ring_account *account;
	const char *state_dir;
	/* seed of all random numbers, also of the ring seq of a node without a state file. 0: from the system */
	uint64_t random_seed;
	uint32_t first_seq;        /* seq of a ring's first frame minus 1: 0, except in tests of wrapping */
	uint64_t features_missing; /* WIRE_FEATURE_* that are not announced: 0, except in tests of older versions */
	uint32_t deliver_frames;   /* as in struct totem_options: TOTEM_DELIVER_FRAMES, or less in tests */
};

/**
 * The functions that the ring calls. None is NULL. They run inside the engine (ring_is_inside), unless the comment says
 * otherwise, and may send.
 */
struct ring_listener {
	void *arg; /* argument of all functions */

	/**
	 * Deliver a message in the order of the ring. Borrowed, contiguous or not. @return bytes of events for clients that
	 * it has caused, as a measure of its time
	 */
	size_t (*deliver)(void *arg, const struct totem_message *message);
	/** Inform all parts of a configuration, in the order of book sync, "Queues". Borrowed. */
	void (*configured)(void *arg, const struct totem_configuration *configuration);
	/**
	 * The token is here. Read messages of clients. @return whether clients have more messages than this rotation
	 * allows
	 */
	bool (*visit)(void *arg);
	/**
	 * The node keeps the token a little longer (see lingering in struct totem_callbacks). Read messages of all
	 * clients.
	 */
	void (*lingering)(void *arg);
	/** The token has been passed on. */
	void (*passed)(void *arg);
	/** The send queue, which was full, has room again. */
	void (*room)(void *arg);
	/** The send queue is full and has refused a message. Called by ring_send, inside the engine or not. */
	void (*refused)(void *arg);

	/** The lease has ended or begun again. Called outside the engine, on a later turn of the loop. */
	void (*lease)(void *arg);
	/** Return whether requests wait for the lease. Without a quorum provider no request waits */
	bool (*needs_lease)(void *arg);
	/** Note an event of the engine. Events of single messages and tokens do not come here. Borrowed. */
	void (*trace)(void *arg, uint64_t now_ns, const struct totem_trace *trace);
	/** The ring cannot go on, which was logged. End the daemon with this status. */
	void (*stop)(void *arg, int exit_code);
};

/**
 * Create a ring. If it returns NULL, the reason has been logged, and *exit_code is set
 * (book configuration, "Exit codes").
 *
 * @param parts     copied
 * @param listener  copied
 * @param config    borrowed: options and size of frames
 */
struct ring *ring_create(const struct ring_parts *parts, const struct ring_listener *listener,
	const struct config *config, int *exit_code);
/**
 * Pass peers and links to the transport. The protocol starts when a link comes up.
 *
 * @param config     borrowed: the nodes
 * @param transport  borrowed until ring_destroy
 * @return 0; -errno, which was logged
 */
int ring_start(struct ring *ring, const struct config *config, struct plugin *transport);
/** Multicast a leave and close the transport. The ring sends nothing afterwards. */
void ring_stop(struct ring *ring);
void ring_destroy(struct ring *ring);

/** As totem_engine_send, with the group's prefix put in front. group: "a" or "sync". */
int ring_send(
	struct ring *ring, const char *group, enum totem_guarantee guarantee, const struct iovec *iov, uint32_t count);
/** As totem_engine_send_in_order, with the prefix of the group "a" put in front. */
int ring_send_in_order(struct ring *ring, enum totem_guarantee guarantee, const struct iovec *iov, uint32_t count);
void ring_synchronized(struct ring *ring);

/* --- for the listener's `configured` --- */

/** Log a configuration and count its members' frames. After a regular one, write ring ids ahead (ring_store.c). */
void ring_note_configuration(struct ring *ring, const struct totem_configuration *configuration);
/** Delete the count of frames of a node that has left. */
void ring_forget_node(struct ring *ring, uint32_t nodeid);
/** Give the members of a regular configuration to the transport. A transitional one is ignored. */
void ring_tell_transport(struct ring *ring, const struct totem_configuration *configuration);

/** As totem_options_check, with the options that the ring itself adds. *which: name of the refused member. */
int ring_check_options(const struct ring *ring, const struct totem_options *options, const char **which);
/** Change timers, limits and nodes (nodes are copied). Not while the engine runs. -EINVAL; -ENOMEM. */
int ring_reconfigure(struct ring *ring, const struct totem_options *options);
/** Compute the size of frames again, since the transport's overhead may have changed. Also while the engine runs. */
void ring_resize_frames(struct ring *ring);
/**
 * Return whether the engine is running, that is, has called the caller. Then only messages may be sent, and no other
 * function of the engine may be called.
 */
bool ring_is_inside(const struct ring *ring);
struct totem_engine *ring_engine(struct ring *ring); /* use it only to read its state */
/**
 * Return the number of frames that are queued and not yet sent. 0: all earlier messages are part of the ring's order.
 */
uint32_t ring_backlog(const struct ring *ring);
/** Note that a link has been closed, so it is not up any more. */
void ring_link_gone(struct ring *ring, uint32_t link);
/**
 * Return whether this node may serve requests that need quorum: it has been in contact with a majority of the
 * cluster within the lease (totem_engine_has_lease). Always true without an engine or a quorum provider. After a
 * suspend of the host it is false until the ring has contact again.
 */
bool ring_has_lease(struct ring *ring);
/** Use the votes of a verdict for the lease. A verdict about another ring is ignored. */
void ring_set_votes(struct ring *ring, const struct coterie_quorum *verdict);
/** Gather, as after the loss of the token, to find other nodes. */
void ring_force_gather(struct ring *ring);
/** Log the state of the ring. NULL is ignored. */
void ring_dump(const struct ring *ring);
/** Return whether all members take part in safe delivery. */
bool ring_is_safe_kept(const struct ring *ring);
/** Fill in *status with what the transport knows of a node. -ENOENT; -ENOTSUP: this transport does not know. */
int ring_node_status(const struct ring *ring, uint32_t nodeid, struct coterie_node_status *status);
/** Fill in *stats up to stats->size. Without a transport *stats does not change. */
void ring_transport_stats(const struct ring *ring, struct coterie_transport_stats *stats);
void ring_membership(const struct ring *ring, struct coterie_ring_id *id, const uint32_t **nodeids, uint32_t *count);

/* functions of the host table, for the transport */
struct coterie_frame *ring_frame_take(struct ring *ring, uint32_t capacity);
void ring_frames_in(struct ring *ring, const struct coterie_arrival *arrivals, uint32_t count);
void ring_link_state(struct ring *ring, uint32_t link, bool is_up, const char *text);
void ring_peer_dead(struct ring *ring, uint32_t nodeid);
void ring_peer_watch(struct ring *ring, uint32_t nodeid, uint32_t state); /* COTERIE_WATCH_* */
void ring_peer_refused(struct ring *ring, uint32_t nodeid, const void *quote, uint32_t size);
void ring_writable(struct ring *ring);

#endif
