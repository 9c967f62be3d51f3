/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Engines that are connected in memory: a small network in which every packet takes net->delay_ns, unless a test drops
 * it. There is one network in each test process.
 */
#ifndef UNIT_ENGINE_NET_H
#define UNIT_ENGINE_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/engine.h"
#include "exec/totem/wire.h"

#define NODES_MAX 5
#define EVENTS_MAX 65536
#define LOG_MAX 262144
#define MS UINT64_C(1000000)
#define DELAY_NS UINT64_C(100000) /* net->delay_ns, unless a test sets another */

#define EVICTED_MAX 16

/* One record of an eviction, as a trace event reported it. */
struct evicted {
	uint32_t node, accuser, agreed_count;
	enum totem_evidence evidence;
	uint64_t silent_ns, budget_ns;
	enum totem_witness witness;
	uint64_t at_ns;
};

struct node {
	struct totem_engine *engine;
	struct frame_pool *pool;
	struct net *net;
	uint32_t id;
	bool is_up;
	bool syncs_by_hand;
	bool has_more;         /* result of the node's callback `visit`: its clients have more to send */
	uint64_t ring_seq;     /* ring sequence on the node's disk */
	uint64_t expected_seq; /* the last one that the engine has expected */
	uint32_t expected_count;
	bool is_disk_broken;
	uint64_t timers[TOTEM_TIMER_COUNT];
	char log[LOG_MAX]; /* configurations and messages, in order, one per line */
	size_t log_size;
	uint32_t received; /* number of messages received */
	bool yields;       /* the delivery yields behind each message */
	uint32_t refused;
	uint32_t last_refusal;
	bool is_visited;       /* the token is at the node and has not been passed on */
	uint32_t visit_frames; /* frames sent in this visit */
	uint32_t visits, passed, rooms;
	uint32_t watches, watch_calls; /* node that the engine last requested to watch, and number of these requests */
	uint64_t gathered, retransmitted, requested, failed_to_receive, paused;
	struct evicted evicted[EVICTED_MAX]; /* the latest records, oldest first */
	uint32_t evicted_count;
	bool has_lease;                    /* value of the last lease callback */
	bool is_lease_traced;              /* value that the last trace event of the lease had */
	uint32_t lease_ends, lease_begins; /* calls of the callback with false and with true */
	uint64_t lease_at_ns;              /* time of the last lease callback */
	uint32_t pokes;
	enum totem_witness witness;            /* result of the callback `witness` */
	uint32_t witness_calls[NODES_MAX + 1]; /* number of calls of `witness`, by node id */
	uint32_t silences;                     /* number of first calls of `witness` in a silence */
	uint32_t witnessed[3];                 /* number of trace events of a witness, by enum totem_witness */
	struct coterie_frame *waiting[4096];   /* packets that arrived while is_paused */
	size_t waiting_count;
	bool is_paused;
};

struct event {
	uint64_t at_ns;
	struct node *to;
	uint32_t from;
	struct coterie_frame *frame;
};

struct refused {
	uint64_t at_ns;
	uint32_t from, by;
	struct coterie_frame *frame;
};

struct net {
	struct node nodes[NODES_MAX];
	uint32_t node_count;
	uint64_t now_ns;
	uint64_t delay_ns; /* delay of every packet in one direction. The report of a refusal takes twice as long */
	struct event events[EVENTS_MAX]; /* a circular buffer, in order of time */
	size_t first, count;
	/* Return whether the packet is lost. NULL: none is lost. */
	bool (*drops)(struct net *net, uint32_t from, uint32_t to, const struct wire_header *header,
		const struct coterie_frame *frame);
	/* Called when a node multicasts `count` message frames at once. May be NULL. */
	void (*sends)(struct node *node, size_t count);
	void (*configured)(struct node *node, bool is_regular); /* called when a node gets a configuration; or NULL */
	void (*lingers)(struct node *node); /* called when a node keeps the token and should send now; or NULL */
	const uint32_t *votes;              /* votes of the nodes by id, borrowed; NULL: one each */
	uint32_t cut_from;                  /* partition: nodes with lower ids do not hear the others */
	uint32_t dropped;
	uint32_t drop_seq;
	bool refuses; /* hosts of stopped nodes report refused packets, refusals_left times */
	uint32_t refusals_left;
	uint32_t refuse_next_to; /* the next packet to this node is refused by a firewall; 0: none */
	uint32_t refuse_most_to; /* two of three packets to this node are refused by a firewall; 0: none */
	uint32_t refuse_count;
	struct refused refused[64];
	uint32_t refused_count;
	uint32_t visit_frames_max;
	uint32_t packets[6];              /* number of packets, by type */
	struct coterie_frame *samples[6]; /* the last packet of each type that was sent to node 2 */
};

/** The network: made by net_setup(), freed by net_teardown(). */
extern struct net *net;
/** Options of the nodes that a test starts afterwards. */
extern struct totem_options options;

/** The fixture of every test case: an empty network at 1 s, and options of node 1 with the defaults of three nodes. */
void net_setup(void);
void net_teardown(void);

/** Return the node with this id, 1 .. NODES_MAX; borrowed. */
struct node *node_of(uint32_t id);
/** Start a node with `options` and the ring sequence on its simulated disk. */
void node_start(uint32_t id);
/** End a node without a leave. The content of its simulated disk stays. */
void node_crash(uint32_t id);
/** Report an event of the transport to a node. */
void tell(uint32_t at, enum totem_event event, uint32_t about);
/** Report to each running node that its connections to all other running nodes are up. */
void connect_all(void);
/**
 * End a node without a leave, while its kernel goes on: it closes the connections of connect_all() as at a normal end,
 * and refuses packets that arrive, if `refuses`. The other nodes get the reports about the closed connections one delay
 * later.
 */
void node_crash_closing(uint32_t id, bool refuses);
/** Return the last record of an eviction of `evicted` on this node, or NULL. */
const struct evicted *last_evicted(uint32_t at, uint32_t evicted);
/** End a pause. Handle the waiting packets first, or the expired timers. */
void node_resume(struct node *node, bool timers_first);

/** Handle the next packet, report or timer. @return false: none is due before limit_ns */
bool net_step(struct net *n, uint64_t limit_ns);
void run_for(uint64_t ms);
/** Run until nodes 1 .. count are in one ring. Fails after ms. */
void run_until_ring(uint32_t count, uint64_t ms);
/** Run until every running node has received count messages. Fails after ms. */
void run_until_received(uint32_t count, uint64_t ms);

/** Send a text. @return the result of totem_engine_send */
int send_text(uint32_t id, enum totem_guarantee guarantee, const char *text);
/** Send count messages, "mID.0" and so on. */
void send_many(uint32_t id, uint32_t count);
/** Empty the logs and the lists of received messages. */
void clear_logs(void);
/** Start nodes 1 .. count, wait for their ring, and empty the logs. */
void start_ring(uint32_t count);
/** Pass bytes to a node as a packet that has just arrived. */
void feed(uint32_t id, const uint8_t *bytes, size_t size);

/** Functions for net->drops: all tokens, and all commit tokens are lost. */
bool drops_tokens(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame);
bool drops_commit_tokens(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame);
/** The first frame of node 2 is lost on the way to node 3, once. Its seq is then in net->drop_seq. */
bool drops_first_frame(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame);

#endif
