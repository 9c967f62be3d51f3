/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by ring.c, ring_lease.c, ring_life.c, ring_status.c and ring_event.c. No other file includes this. */
#ifndef EXEC_RING_PRIVATE_H
#define EXEC_RING_PRIVATE_H

#include "exec/ring/ring.h"

#include "exec/ring/ring_log.h"
#include "exec/ring/ring_seq.h"
#include "exec/ring/ring_sources.h"

#define RING_WAITING_MAX 8192u /* most frames that wait for room in the transport */
#define RING_ECHOES_MAX 16384u /* most frames that wait for the engine: as many as a ring has on the way at most */
#define RING_ECHO_BYTES_MAX ((size_t)64 << 20) /* most bytes of their buffers */

/* A frame that waits for room in the transport. */
struct waiting {
	struct coterie_frame *frame;
	uint32_t token_target; /* node id of the token's target; 0: a multicast */
};

struct ring {
	struct ring_parts parts;
	struct ring_listener listener;
	struct plugin *transport;
	struct frame_pool *pool;
	struct totem_options options;
	uint32_t payload_clear; /* options.payload_max without the transport's overhead */
	struct totem_engine *engine;
	unsigned int inside; /* depth of calls of the engine: above 0 it is running */
	bool has_left;       /* ring_stop has been called */
	bool is_draining;    /* the transport reads the packets that arrived before a token */
	uint32_t links_up;   /* links that are up as last reported, by bit */
	uint64_t deadlines[TOTEM_TIMER_COUNT];
	struct loop_timer *timer;
	bool is_turn_due;     /* a call by loop_defer is due, since a deadline has passed */
	uint64_t timer_at_ns; /* may be earlier than all deadlines, never later */
	uint64_t settled_ns;  /* time at which the timer was last set exactly */
	uint64_t rested_ns;   /* time at which the pool last freed memory */
	uint64_t begun_ns;    /* time at which the present event of the engine began */
	uint64_t looked_ns;   /* time at which a delivery last looked at the clock */
	uint32_t until_look;  /* messages until it looks again */
	size_t look_bytes;    /* bytes of events since it looked */
	/* own packets, and packets that arrived while the engine was running or had yielded, for a later turn */
	struct coterie_frame **echoes;
	size_t echo_count, echo_capacity;
	size_t echo_bytes; /* capacities of the buffers of these packets */
	bool is_echo_due;
	bool owes_packets;            /* packets that were held back have not been received yet */
	uint64_t served_ns;           /* when packets were last received. None that came before waits */
	struct coterie_frame **batch; /* packets that arrived together */
	uint32_t batch_capacity;
	struct waiting *waiting; /* FIFO, bounded */
	uint32_t waiting_count, waiting_first;
	uint64_t dropped;      /* frames that were dropped, since RING_WAITING_MAX frames waited */
	uint64_t suspended_ns; /* time for which the host was suspended, as the engine knows it, nanoseconds */
	bool is_gate_due;      /* a call by loop_defer is due, since the lease has changed */
	struct ring_log log;
	struct ring_sources sources;
	struct ring_seq seq;
	struct loop_timer *seq_timer; /* timer that reserves ring seqs on disk, or NULL: enough are reserved */
	bool has_seq_failed;          /* the last reservation failed. The first failure in a row is logged */
};

/* --- ring_event.c --- */
/** Call these before and after an event of the engine that may deliver messages. */
void ring_begin_event(struct ring *ring, uint64_t now_ns);
void ring_end_event(struct ring *ring);
/** Call this behind each message: a delivery that takes long yields. event_bytes: result of the listener's deliver. */
void ring_yield_if_late(struct ring *ring, size_t event_bytes);
/** Return whether packets, and most timers, have to wait: a delivery has yielded. */
bool ring_is_held_back(const struct ring *ring);
/** Keep a packet (referenced) for the engine until the present callback has returned, or longer if it is held back. */
void ring_echo(struct ring *ring, struct coterie_frame *frame);
/** Set a timer of the engine (struct totem_callbacks, timer). */
void ring_set_timer(void *arg, enum totem_timer timer, uint64_t at_ns);

/* --- ring_store.c: struct ring_seq and the loop --- */
/** Reserve ring seqs on disk when the ring starts. An error of the disk is ignored: the numbers are needed later. */
void ring_store_start(struct ring *ring);
/** Call this after a regular configuration: ring seqs are reserved if the ring does not change for some seconds. */
void ring_store_configured(struct ring *ring);
/** Stop the timer that reserves numbers. Call it when this node leaves the ring. */
void ring_store_stop(struct ring *ring);
/** Store a ring id durably before it is used. -errno: it was logged, and the daemon ends with status 21. */
int ring_store_id(struct ring *ring, const struct ring_id *id);

/** ring_lease.c: note how long the host has been suspended so far. */
void ring_lease_init(struct ring *ring);
/** Note that the lease has ended or begun again: the gates are checked in the next turn of the loop. */
void ring_lease_changed(struct ring *ring);

/** The functions that the engine calls. Their argument is struct ring. */
extern const struct totem_callbacks ring_callbacks;

#endif
