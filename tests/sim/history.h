/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The history of a run as it really was, seen from outside the engines: lives, messages, rings, frames. The checkers
 * use it. Only the trace events of engine.h come from the engines.
 *
 * A life is one run of one node (book invariants, "Terms"): a restart begins another one. Sets of nodes are bit masks
 * by node index. Nothing is freed before the end of the run.
 */
#ifndef SIM_HISTORY_H
#define SIM_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exec/totem/ring_id.h"
#include "tests/sim/report.h"

#define SIM_NODES_MAX 64u
#define BIT(node) (UINT64_C(1) << (node))

struct life;
struct ring_record;

/** A message of a user or of a service. */
struct message {
	uint32_t id;
	struct life *life;     /* life that sent it */
	uint32_t guarantee;    /* enum totem_guarantee that its sender requested */
	uint32_t payload_size; /* size without the group prefix */
	uint32_t counter;      /* 1, 2, … in the messages of one life and class */
	bool is_sync;          /* the message's class: sent during a synchronisation, so it goes first */
	bool is_barrier;
	struct ring_id barrier;         /* if the message is a barrier: ring of the barrier */
	bool is_sent;                   /* the engine has accepted it */
	bool is_honoured;               /* the sender's configuration honoured SAFE when the message was handed over */
	struct ring_record *start_ring; /* ring of the frame with its first byte, or NULL before it was
					 * sent */
	struct ring_record *end_ring;   /* ring of the frame with its last byte */
	uint32_t end_at;                /* index of the frame with its last byte in end_ring->frames */
	uint32_t end_index;             /* index of the message in end_ring->ended */
	bool is_marked_safe;            /* the frame with its last byte is marked as safe */
	bool is_murky;                  /* peers like Corosync may drop this message */
	uint64_t delivered;             /* nodes that have delivered it, bits by index */
	uint64_t needed;                /* nodes that must have delivered it when they leave end_ring (D10,
				    * D11) */
	struct ring_record *seen_ring;  /* sender's configuration when the message was handed over */
	uint32_t seen_count;            /* messages of seen_ring->ended that the sender had seen then */
};

struct frame_record {
	uint64_t hash;                  /* hash of all bytes of the frame */
	uint64_t received;              /* nodes that have the frame, directly or inside a recovery frame */
	struct ring_record *inner_ring; /* if this is a recovery frame: ring of the old frame inside */
	uint32_t inner_at;
	uint32_t life; /* number of the life that originated it */
	bool is_known; /* the frame was on the wire */
};

/** A pass of the token by one node, as it was on the wire. */
struct hop {
	uint64_t hash;
	uint32_t token_seq;
	uint32_t node;
	bool is_used;
};
#define HOPS 128u

struct commit_record {
	struct ring_id ring;
	uint32_t aru, high_delivered, received_flg;
	const struct life *life; /* life of the member */
	bool is_loose;           /* the member restarted without storage: packets of both lives may exist */
};

struct ring_record {
	struct ring_id id;
	uint32_t creator; /* number of the representative's life */
	uint64_t created_ns;
	uint64_t members; /* intended members */
	uint32_t member_count;
	bool is_plain; /* a member behaves as the reference does */
	struct ring_record *hash_next;

	struct frame_record *frames; /* frames[i] has the seq first_seq + 1 + i */
	uint32_t frame_count, frame_capacity;
	uint32_t received_upto[SIM_NODES_MAX]; /* that node has all of frames[0 .. upto) */
	uint64_t murky;                        /* nodes in the middle of a message that began in an earlier ring */
	uint64_t spoken;                       /* nodes that sent a frame of users' messages in this ring */
	struct message **ended;                /* messages in the order of their last bytes */
	uint32_t ended_count, ended_capacity;

	/* The commit token and the token, as seen on the wire. */
	uint32_t commit_index; /* highest memb_index seen in a commit token */
	struct commit_record entries[SIM_NODES_MAX];
	struct hop hops[HOPS]; /* hops by token_seq % HOPS */
	bool has_token, has_lost_token;
	uint32_t accepted; /* token_seq of the last accepted token */
	uint32_t visits;   /* accepted tokens */

	/* Configurations. */
	struct life *lives[SIM_NODES_MAX]; /* lives that installed this ring */
	uint64_t installed;                /* nodes that have delivered the regular configuration, bits by index */
	uint64_t regular;                  /* members of that configuration, as the first node reported them */
	bool is_honoured;
	uint32_t install_seq;
	bool has_install_seq;
	bool may_be_early;                 /* of the node that has set install_seq */
	uint64_t came;                     /* nodes that have delivered the transitional configuration, bits by index */
	uint64_t came_with[SIM_NODES_MAX]; /* by node: the set of that configuration */
	struct ring_record *came_from[SIM_NODES_MAX];
	struct life *came_life[SIM_NODES_MAX];
	uint64_t came_attempted[SIM_NODES_MAX]; /* by node: `attempted` of that life */
	uint64_t closed;                        /* nodes that left this ring for another one, bits by index */
	bool is_forgotten;                      /* a member like Corosync has freed a frame that another member lacks */
	struct closing {
		struct ring_record *next;
		uint64_t with;
		uint64_t regular_hash, transitional_hash;
		uint32_t regular_count, transitional_count;
	} closings[SIM_NODES_MAX];
};

/** Messages that were handed over and are not on the wire yet, oldest first. */
struct message_queue {
	struct message **items;
	uint32_t first, count, capacity;
};

struct life {
	uint32_t number, node;
	bool is_alive, is_plain;
	bool is_reference;    /* plain, and with Corosync's defects */
	uint32_t counters[2]; /* messages sent, by class */
	struct message_queue waiting[2];
	struct message *partial[2]; /* by class: the message that has begun on the wire and not ended */
	uint32_t partial_at[2];     /* bytes of `partial` that were on the wire, group prefix included */
	uint64_t ring_seq;          /* ring sequence last seen, for I11 */
	uint64_t wanted;            /* candidates of its last join: proc without failed */
	bool delays_joins;          /* the node may delay its joins, so `wanted` may be old */
	uint64_t stored_seq;        /* ring sequence last written to storage, at first the one read from it */
	uint64_t first_seq;         /* ring sequence with which the life starts. Not stored, only in joins */
	uint64_t fresh_seq;         /* the one at which its node began when it last had none */
	uint32_t last_aru;          /* aru of the last token accepted on last_token_ring */
	struct ring_record *last_token_ring;
	uint32_t last_token_count; /* number of tokens accepted on last_token_ring */

	/* Configurations. */
	struct ring_record **periods; /* rings that this life has installed, in order */
	uint32_t period_count, period_capacity;
	uint64_t members;
	bool is_honoured;
	bool is_transitional;
	struct ring_record *next; /* next ring, during a transitional configuration */
	uint64_t with;            /* set of that transitional configuration */
	uint64_t promised;        /* nodes whose frames a recovery that failed may have promised to deliver */
	uint64_t attempted; /* nodes that were members of every recovery that it has entered since its last ring */
	uint32_t together_since[SIM_NODES_MAX]; /* by node: period since which both have changed rings together */
	uint32_t cursor; /* index into the present ring's ended[]: all messages before it are checked */
	uint64_t regular_hash, transitional_hash;
	uint32_t regular_count, transitional_count;
	uint32_t *seen[2]; /* highest counter delivered, by class and number of the sender's life */
	uint32_t seen_capacity;
};

struct history {
	struct report *report; /* borrowed */
	const uint32_t *ids;   /* ascending node ids by index, borrowed */
	uint32_t node_count;
	uint32_t first_seq;
	struct life **lives;
	uint32_t life_count, life_capacity;
	struct message **messages; /* by id - 1 */
	uint32_t message_count, message_capacity;
	struct ring_record *rings[1024];        /* hash table by ring id, newest first */
	struct life *present[SIM_NODES_MAX];    /* running lives by node, or NULL */
	uint64_t plain;                         /* nodes that act like Corosync's in their present or last life */
	uint64_t last_installed[SIM_NODES_MAX]; /* ring sequence last installed by each node whose storage is kept */
	uint32_t configuration_count, delivery_count;
	struct safe_count {
		uint64_t regular, transitional; /* safe messages delivered as safe, by the kind of configuration */
		uint64_t agreed;                /* safe messages delivered as agreed */
	} safe;
	bool is_calm; /* no fault is left that may cause a new configuration (C8) */
};

void history_init(
	struct history *history, struct report *report, const uint32_t *ids, uint32_t node_count, uint32_t first_seq);
void history_fini(struct history *history);

/** Return the index of a node id, or SIM_NODES_MAX. */
uint32_t history_node(const struct history *history, uint32_t id);
/** Return the set of nodes in a list of ids. Sets *is_strange if an id is unknown. */
uint64_t history_mask(const struct history *history, const uint32_t *ids, uint32_t count, bool *is_strange);

/**
 * Begin a new life of a node. stored_seq: ring sequence in the node's storage. keeps_storage false: the storage was
 * lost.
 */
struct life *history_start(
	struct history *history, uint32_t node, bool is_plain, bool keeps_storage, uint64_t stored_seq);
void history_end(struct history *history, struct life *life);

struct message *history_message(
	struct history *history, struct life *life, uint32_t guarantee, uint32_t payload_size, bool is_sync);
/**
 * Note that the engine has accepted a message, and number it. It gets its number only now, so that refused messages
 * leave no gap.
 */
void history_sent(struct history *history, struct message *message);
/** Undo history_sent(): the engine refused the message. Only for the last message of its life and class. */
void history_unsent(struct history *history, struct message *message);
struct message *history_find_message(const struct history *history, uint32_t id); /* NULL: there is none */

/** Return the newest ring with that id, or NULL. */
struct ring_record *history_find_ring(const struct history *history, const struct ring_id *id);
struct ring_record *history_create_ring(struct history *history, const struct ring_id *id, const struct life *creator,
	uint64_t members, uint64_t now_ns);
/** Find the index of seq in ring->frames, and enlarge the array for it. false: seq is too far away to be real. */
bool history_frame(const struct history *history, struct ring_record *ring, uint32_t seq, uint32_t *at);
/** Note that node has a frame of ring and the frame inside it. */
void history_received(struct history *history, struct ring_record *ring, uint32_t at, uint32_t node);
/** Note that a message's last byte is in frame `at`. */
void history_ended(struct history *history, struct message *message, struct ring_record *ring, uint32_t at);

#endif
