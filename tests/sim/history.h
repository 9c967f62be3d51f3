/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The real history of a run, as seen from outside the engines: lives, messages, rings, frames. The
 * checkers use it. Only the trace events of engine.h come from the engines.
 *
 * A life is one run of one node (book invariants, "Terms"): a restart begins another one. Sets of
 * nodes are bit masks by node index. Nothing is freed before the end of the run.
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

/** A user's (or a service's) message. */
struct message {
	uint32_t id;
	struct life *life;     /* life of its source */
	uint32_t guarantee;    /* enum totem_guarantee, as asked for */
	uint32_t payload_size; /* size without the group prefix */
	uint32_t counter;      /* 1, 2, … per life and class */
	bool is_sync;          /* class: sent while the services synchronised, so it goes first */
	bool is_barrier;
	struct ring_id barrier;         /* of a barrier: its ring */
	bool is_sent;                   /* the engine has accepted it */
	bool is_honoured;               /* the sender's configuration honoured SAFE when it was handed over */
	struct ring_record *start_ring; /* ring of the frame with its first byte, or NULL before it was
					 * sent */
	struct ring_record *end_ring;   /* ring of the frame with its last byte */
	uint32_t end_at;                /* index of that frame in end_ring->frames */
	uint32_t end_index;             /* its place in end_ring->ended */
	bool is_marked_safe;            /* that frame is marked as safe */
	bool is_murky;                  /* reference peers may drop it */
	uint64_t delivered;             /* by whom */
	uint64_t needed;                /* nodes that must have delivered it when they leave end_ring (D10,
				    * D11) */
	struct ring_record *seen_ring;  /* its sender's configuration when it was handed over, */
	uint32_t seen_count;            /* and how many of seen_ring->ended the sender had seen */
};

struct frame_record {
	uint64_t hash;                  /* hash of all its bytes */
	uint64_t received;              /* nodes that have it, directly or inside a recovery frame */
	struct ring_record *inner_ring; /* recovery frames: the old ring's frame inside */
	uint32_t inner_at;
	uint32_t life; /* number of its originator */
	bool is_known; /* the frame was on the wire */
};

/** One hop of a token as it was on the wire. */
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

	struct frame_record *frames; /* frames[i] has seq first_seq + 1 + i */
	uint32_t frame_count, frame_capacity;
	uint32_t received_upto[SIM_NODES_MAX]; /* frames[0 .. upto) are all at that node */
	uint64_t murky;                        /* sources in the middle of a message that began elsewhere */
	uint64_t spoken;                       /* sources that sent a frame of users' messages here */
	struct message **ended;                /* messages in the order of their last bytes */
	uint32_t ended_count, ended_capacity;

	/* The commit token and the token, as seen on the wire. */
	uint32_t commit_index; /* highest memb_index seen */
	struct commit_record entries[SIM_NODES_MAX];
	struct hop hops[HOPS]; /* hops by token_seq % HOPS */
	bool has_token, has_lost_token;
	uint32_t accepted; /* token_seq of the last accepted */
	uint32_t visits;   /* accepted tokens */

	/* Configurations. */
	struct life *lives[SIM_NODES_MAX]; /* lives that installed it */
	uint64_t installed;                /* regular configuration delivered */
	uint64_t regular;                  /* its members, as the first node reported them */
	bool is_honoured;
	uint32_t install_seq;
	bool has_install_seq;
	uint64_t came;                     /* transitional configuration into it delivered */
	uint64_t came_with[SIM_NODES_MAX]; /* its set */
	struct ring_record *came_from[SIM_NODES_MAX];
	uint64_t closed;   /* bits: nodes that left it for another ring */
	bool is_forgotten; /* a reference-like member freed a frame that another lacks */
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
	bool is_reference;    /* plain, and with the reference's defects */
	uint32_t counters[2]; /* messages sent per class */
	struct message_queue waiting[2];
	struct message *partial[2]; /* begun on the wire, not ended */
	uint32_t partial_at[2];     /* bytes of it that were on the wire, group prefix included */
	uint64_t ring_seq;          /* last seen, for I11 */
	uint64_t wanted;            /* candidates of its last join: proc without failed */
	bool delays_joins;          /* joins may be delayed, so `wanted` may be old */
	uint64_t stored_seq;        /* last stored value, at first the one read from storage */
	uint64_t first_seq;         /* ring sequence it starts with: never stored, only in joins */
	uint32_t last_aru;          /* aru of the last token that it accepted on last_token_ring */
	struct ring_record *last_token_ring;
	uint32_t last_token_count; /* number of tokens accepted on that ring */

	/* Configurations. */
	struct ring_record **periods; /* installed, in order */
	uint32_t period_count, period_capacity;
	uint64_t members;
	bool is_honoured;
	bool is_transitional;
	struct ring_record *next;               /* next ring, during a transitional configuration */
	uint64_t with;                          /* its set */
	uint64_t promised;                      /* nodes whose frames an earlier, failed recovery may have promised */
	uint32_t together_since[SIM_NODES_MAX]; /* period number */
	uint32_t cursor; /* index into the present ring's ended[]: all messages before it are checked */
	uint64_t regular_hash, transitional_hash;
	uint32_t regular_count, transitional_count;
	uint32_t *seen[2]; /* by life number: highest counter delivered, per class */
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
	struct ring_record *rings[1024];        /* by hash of the id; newest first */
	struct life *present[SIM_NODES_MAX];    /* running lives by node, or NULL */
	uint64_t plain;                         /* nodes that are in their present or last life */
	uint64_t last_installed[SIM_NODES_MAX]; /* ring sequence, while storage is kept */
	uint32_t configuration_count, delivery_count;
	struct safe_count {
		uint64_t regular, transitional; /* delivered safe, by the kind of configuration */
		uint64_t agreed;                /* sent safe, delivered as agreed */
	} safe;
	bool is_calm; /* no fault is left that may cause a new configuration (C8) */
};

void history_init(
	struct history *history, struct report *report, const uint32_t *ids, uint32_t node_count, uint32_t first_seq);
void history_fini(struct history *history);

/** Index of a node id, or SIM_NODES_MAX. */
uint32_t history_node(const struct history *history, uint32_t id);
/** Return the mask of a list of ids. Unknown ids set *is_strange. */
uint64_t history_mask(const struct history *history, const uint32_t *ids, uint32_t count, bool *is_strange);

/** @param stored_seq  ring sequence in its storage; keeps_storage false: the storage was lost */
struct life *history_start(
	struct history *history, uint32_t node, bool is_plain, bool keeps_storage, uint64_t stored_seq);
void history_end(struct history *history, struct life *life);

struct message *history_message(
	struct history *history, struct life *life, uint32_t guarantee, uint32_t payload_size, bool is_sync);
/** Note that the engine has accepted a message. It gets its number now, so that refused messages leave no gap. */
void history_sent(struct history *history, struct message *message);
/** Undo history_sent: the engine refused the message. Only for the last message of its life and class. */
void history_unsent(struct history *history, struct message *message);
struct message *history_find_message(const struct history *history, uint32_t id); /* or NULL */

/** The newest ring of that id, or NULL. */
struct ring_record *history_find_ring(const struct history *history, const struct ring_id *id);
struct ring_record *history_create_ring(struct history *history, const struct ring_id *id, const struct life *creator,
	uint64_t members, uint64_t now_ns);
/** Find the index of seq in ring->frames, whose array grows for it. false: seq is absurd. */
bool history_frame(const struct history *history, struct ring_record *ring, uint32_t seq, uint32_t *at);
/** Note that node has a frame of ring and the frame inside it. */
void history_received(struct history *history, struct ring_record *ring, uint32_t at, uint32_t node);
/** Note that a message's last byte is in frame `at`. */
void history_ended(struct history *history, struct message *message, struct ring_record *ring, uint32_t at);

#endif
