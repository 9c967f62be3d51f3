/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A node: one engine, its disk, its clock, the services' synchronisation (book sync, "A round") and its users.
 *
 * Life of a node:
 * 1. node_start() creates an engine with the ring sequence on the disk.
 * 2. Events enter the engine, and after each one the checkers look at it.
 * 3. A crash may happen inside a callback. From then on nothing that the engine does has an effect, and it is destroyed
 * when the entry returns.
 * 4. node_start() begins the next life.
 */
#ifndef SIM_NODE_H
#define SIM_NODE_H

#include "exec/totem/engine.h"
#include "tests/sim/contact.h"
#include "tests/sim/disk.h"
#include "tests/sim/history.h"
#include "tests/sim/host_clock.h"
#include "tests/sim/net.h"
#include "tests/sim/outbox.h"
#include "tests/sim/trace.h"

struct sim;

/**
 * Points at which a fault can happen. POINT_STATE and POINT_TRACE are each the first of several: one for each state,
 * one for each enum totem_trace_kind.
 */
enum point {
	POINT_MULTICAST,
	POINT_TOKEN,
	POINT_DELIVER,
	POINT_TRANSITIONAL,
	POINT_REGULAR,
	POINT_BEFORE_STORE,
	POINT_AFTER_STORE,
	POINT_VISIT,
	POINT_PASSED,
	POINT_SYNCHRONIZED,
	POINT_STATE,                   /* + enum totem_state */
	POINT_TRACE = POINT_STATE + 4, /* + enum totem_trace_kind */
	POINT_COUNT = POINT_TRACE + TOTEM_TRACE_REQUESTED + 1,
};

#define NODE_INBOX 4096u
#define NODE_PENDING 64u

#define NODE_HELD_BACK_NS UINT64_C(100000) /* so often a node looks whether it still holds packets back */

struct node {
	struct sim *sim;
	uint32_t index, id;
	struct totem_options options; /* options of every life, without ring_seq, which is set at the start */
	uint32_t quirks;
	uint32_t yields; /* messages of ten thousand behind which the delivery yields */
	struct sim_random yield_random;
	bool holds_back; /* packets and timers wait while a delivery has yielded, as in the daemon */
	struct disk disk;

	struct totem_engine *engine; /* NULL: down */
	struct frame_pool *pool;
	struct coterie_frame *ballast; /* memory that is taken from the pool so that little is left */
	struct life *life;
	bool is_dying, is_paused;
	bool owes_link_up;   /* a link event is due at the end of the pause */
	bool restarts_empty; /* the next start finds an empty disk */
	bool is_off_line;    /* the node is suspended, and its packets are lost meanwhile */
	struct host_clock clock;
	uint64_t suspended_ns; /* suspended time of which the engine has been told, as in exec/ring/ring_lease.c */

	struct packet *inbox[NODE_INBOX];
	uint32_t inbox_count;
	uint32_t socket_frames;                  /* message frames that the inbox holds; 0: not limited */
	uint32_t overruns;                       /* number of frames that were lost since the inbox was full */
	bool is_woken;                           /* a SIM_WAKE event is queued */
	uint64_t deadline_ns[TOTEM_TIMER_COUNT]; /* deadlines by the node's own clock */
	uint64_t queued_ns[TOTEM_TIMER_COUNT];   /* earliest event in the queue, in simulated time */

	/* Synchronisation: its ring, the members, and the members whose barrier has arrived. */
	bool is_syncing, owes_barrier;
	struct ring_id sync_ring;
	uint64_t sync_members, sync_seen;

	struct contact contact;
	uint32_t watched;   /* index of the node whose daemon this node watches; SIM_NODES_MAX: none */
	bool is_connected;  /* the node has a connection to `watched` */
	uint64_t paused_ns; /* when the engine last found that the node had been paused, in simulated time */

	struct message *pending[NODE_PENDING]; /* messages that wait until the engine accepts them */
	uint32_t pending_count;
	uint64_t traffic_mean_ns; /* mean time between bursts of messages, 0: no messages */

	uint32_t came_back; /* users' messages of this node that were delivered to it in this step */
	uint32_t answers;   /* so many of these are answered by another message for certain, others by chance */
	struct outbox outbox;

	/* This step. */
	uint32_t step_frames, step_allowed; /* frames sent in this step, and how many are allowed */
	bool step_token_sent, step_accepted, step_installed;
	uint32_t step_fcc, step_backlog;
	uint32_t delivered; /* messages delivered in this life */
};

/** Start a life of the node. @return false: its engine could not be created, which is reported as a violation */
bool node_start(struct node *node);
void node_crash(struct node *node, const char *note);
void node_leave(struct node *node); /* send a leave and stop the node */
void node_fini(struct node *node);

void node_arrive(struct node *node, struct packet *packet); /* the function takes over the reference */
/** Handle a report that a packet of this node, which it quotes, was refused. Takes over the reference. */
void node_refused(struct node *node, struct packet *packet, uint32_t by_id);
void node_wake(struct node *node);
/** Return whether packets and most timers wait, as exec/ring/ring_event.c holds them back. */
bool node_is_held_back(const struct node *node);
void node_timer(struct node *node, enum totem_timer timer);
void node_pause(struct node *node);
void node_resume(struct node *node);
/** Set the node's clock ahead, and let it be this many millionths too fast from now on. */
void node_clock(struct node *node, uint64_t jump_ns, int32_t drift_ppm);
/**
 * Pause the node, and let its clock stand still, until node_resume(). is_off_line: the node's packets are lost meanwhile.
 */
void node_suspend(struct node *node, uint64_t until_ns, bool is_off_line);
/** Return whether the host was suspended since the engine was last told of a suspend. */
bool node_was_suspended(const struct node *node);
void node_starve(struct node *node); /* take all memory but a little, until node_relieve() */
void node_relieve(struct node *node);
void node_event(struct node *node, enum totem_event event, uint32_t peer_id);
void node_reconfigure(struct node *node); /* node->options changed */
/** Let a user of the node send a message. */
void node_send(struct node *node, uint32_t guarantee, uint32_t payload_size);
bool node_is_up(const struct node *node);
uint64_t node_local_ns(const struct node *node); /* return the time by the node's own clock */
/** Return the time by a clock of the node that goes on while the node is suspended, as CLOCK_BOOTTIME does. */
uint64_t node_boot_ns(const struct node *node);
void node_note(struct node *node, enum trace_subject subject, struct trace_entry entry);

#endif
