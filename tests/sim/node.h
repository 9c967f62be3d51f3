/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A node: one engine, its disk, its clock, the services' synchronisation (book sync, "A round") and its
 * users.
 *
 * Life of a node: 1 node_start creates an engine from what the disk says; 2 events enter it, and after
 * each one the checkers look at it; 3 a crash may strike inside a callback: from then on nothing that the
 * engine does has an effect, and it is destroyed when the entry returns; 4 node_start again.
 */
#ifndef SIM_NODE_H
#define SIM_NODE_H

#include "exec/totem/engine.h"
#include "tests/sim/disk.h"
#include "tests/sim/history.h"
#include "tests/sim/net.h"
#include "tests/sim/outbox.h"
#include "tests/sim/trace.h"

struct sim;

/**
 * Points at which a fault can happen. They are followed by one for each enum totem_trace_kind and
 * state.
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

struct node {
	struct sim *sim;
	uint32_t index, id;
	struct totem_options options; /* options of every life. ring_seq is set at the start */
	uint32_t quirks;
	struct disk disk;

	struct totem_engine *engine; /* NULL: down */
	struct frame_pool *pool;
	struct coterie_frame *ballast; /* uses up the rest of the pool */
	struct life *life;
	bool is_dying, is_paused;
	bool owes_link_up;       /* a link event is due when its pause ends */
	bool restarts_empty;     /* the next start finds no storage */
	uint64_t clock_ahead_ns; /* how much its clock is ahead of simulated time; never decreases */

	struct packet *inbox[NODE_INBOX];
	uint32_t inbox_count;
	uint32_t socket_frames;                  /* message frames that its inbox holds; 0: any number */
	uint32_t overruns;                       /* number of frames that found the inbox full */
	bool is_woken;                           /* a SIM_WAKE is queued */
	uint64_t deadline_ns[TOTEM_TIMER_COUNT]; /* deadlines by its own clock */
	uint64_t queued_ns[TOTEM_TIMER_COUNT];   /* earliest event in the queue, simulated time */

	/* Synchronisation: its ring, the members, and the members whose barrier has arrived. */
	bool is_syncing, owes_barrier;
	struct ring_id sync_ring;
	uint64_t sync_members, sync_seen;

	uint64_t heard_ns;  /* when it last received a packet of another node; its own clock */
	uint32_t watched;   /* index of the node whose daemon it is to watch; SIM_NODES_MAX: none */
	bool is_connected;  /* the node has a connection to `watched` */
	uint64_t paused_ns; /* when its engine last found that it did not run */

	struct message *pending[NODE_PENDING]; /* messages that wait until the engine accepts them */
	uint32_t pending_count;
	uint64_t traffic_mean_ns; /* between bursts; 0: silent */

	uint32_t came_back; /* number of its users' messages that were delivered to it in this step */
	uint32_t answers;   /* how often its users then send the next message, if the node keeps the token */
	struct outbox outbox;

	/* This step. */
	uint32_t step_frames, step_allowed; /* multicast, and how many may be */
	bool step_token_sent, step_accepted, step_installed;
	uint32_t step_fcc, step_backlog;
	uint32_t delivered; /* messages, in this life */
};

/** @return false when the engine could not be created (reported as a violation) */
bool node_start(struct node *node);
void node_crash(struct node *node, const char *note);
void node_leave(struct node *node); /* send a leave and stop the node */
void node_fini(struct node *node);

void node_arrive(struct node *node, struct packet *packet); /* takes the reference */
/** Handle a refusal report that quotes a packet of this node; takes the reference. */
void node_refused(struct node *node, struct packet *packet, uint32_t by_id);
void node_wake(struct node *node);
void node_timer(struct node *node, enum totem_timer timer);
void node_pause(struct node *node);
void node_resume(struct node *node);
void node_jump(struct node *node, uint64_t ns); /* set its clock ahead */
void node_starve(struct node *node);            /* use up its pool, until node_feed */
void node_relieve(struct node *node);
void node_event(struct node *node, enum totem_event event, uint32_t peer_id);
void node_reconfigure(struct node *node); /* node->options changed */
/** A user wants to send. */
void node_send(struct node *node, uint32_t guarantee, uint32_t payload_size);
bool node_is_up(const struct node *node);
uint64_t node_local_ns(const struct node *node); /* its clock */
void node_note(struct node *node, enum trace_subject subject, struct trace_entry entry);

#endif
