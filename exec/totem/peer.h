/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of other nodes. */
#ifndef TOTEM_PEER_H
#define TOTEM_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/backoff.h"
#include "exec/totem/engine.h"

#define ASKED_MAX 8u
#define VOTES_MAX 8u

struct question {
	uint64_t number; /* 0: none, or answered */
	uint64_t at_ns;
	bool is_refused; /* a report says that its kernel has refused the question */
};

/* A vote: its sender has not heard node `id` for its whole silence budget. */
struct vote {
	uint32_t id;
	uint64_t at_ns; /* 0: none */
};

/* The record of another node, called "it" here. A time is 0 if the event never happened. */
struct peer {
	uint32_t id;
	uint32_t stale_count;      /* joins in a row that were older than join_seq */
	uint64_t stale_since_ns;   /* when the first of these arrived */
	uint64_t join_seq;         /* highest ring seq that its packets show it has committed to */
	uint64_t failed_seq;       /* join_seq when this node counted it as failed: lists.c */
	uint64_t restored_episode; /* last gather episode in which it failed and became a candidate again */
	uint64_t returned_ns;      /* when that happened, or its joins showed a higher ring seq, whichever came last */
	uint64_t features;         /* announced in its last join */
	uint32_t mark_before;      /* of the ring from which it came into the ring of this node */
	uint32_t mark;             /* of its ring, in its last join since this node's ring was formed; 0: not known */
	uint64_t member_features;  /* announced when this node's ring was formed */
	uint64_t heard_ns;         /* when its last join, or its last packet of another ring, arrived */
	uint64_t heard_episode;    /* last gather episode in which it sent a join */
	/* Signs that its daemon has ended: suspect.c. */
	uint64_t sign_ns;                 /* when the first sign since its last packet came */
	uint64_t hint_ns;                 /* when the last sign that proves nothing came */
	uint64_t asked_ns;                /* when this node last asked it */
	struct question asked[ASKED_MAX]; /* the last questions to it */
	uint32_t asked_count;
	uint32_t rounds;        /* questions to it since the first sign */
	uint32_t refused;       /* datagrams of this node that its kernel has certainly refused since the first sign */
	uint32_t connections;   /* connections to its daemon that are up */
	bool is_ended;          /* it ended the last connection, and has not answered since */
	bool is_closed;         /* its kernel closed the last connection with a FIN, and it has not answered since */
	uint64_t round_trip_ns; /* round trip that was measured last; 0: not measured */
	/* Contact, silence, and the evidence of its end: lease.c, silence.c, evict.c. */
	/* When its last packet arrived. Frames do not count, since other members send them again. */
	uint64_t alive_ns;
	/* When this node sent the last question that it answered in the ring of this node. */
	uint64_t contact_ns;
	uint64_t lease_ns;     /* lease that it announced for this ring; 0: none */
	uint64_t recovery_seq; /* of the last recovery that this node has left and it was in; 0: none */
	bool is_companion;     /* it came from the same ring as this node into the recovery that this node has left */
	uint64_t
		recovery_lease_ns; /* lease that it announced for the ring of a recovery that this node has left; 0: none */
	struct vote votes[VOTES_MAX]; /* its votes about other members */
	uint64_t voted_ns;            /* when this node last voted to remove it */
	uint64_t unanswered_ns;       /* when a question was last found without an answer */
	uint64_t witnessed_ns;        /* when its host last showed `witness` */
	enum totem_witness witness;
	enum totem_evidence evidence;
	uint64_t evidence_episode;      /* gather episode that `evidence` belongs to */
	uint64_t budget_ns;             /* its silence budget when the evidence was noted */
	uint64_t silent_ns;             /* length of its silence when the evidence was noted */
	uint64_t failed_us_episode;     /* last gather episode in which its join named this node as failed */
	struct coterie_frame *farewell; /* its leave, kept until it has answered a question; referenced, or NULL */
	uint64_t farewell_ns;           /* arrival of that leave */
	uint64_t left_episode;          /* last gather episode in which it sent a leave */
	uint64_t accuser_episode;       /* last gather episode in which a join named it as failed */
	uint32_t accuser;               /* the first node that named it as failed in that episode */
	uint64_t given_up_episode;      /* last gather episode in which the consensus timer of this node gave it up */
	struct backoff backoff;
};

/*
 * The records of all other nodes. Only peer.c changes the members. Each record is changed by the files that its
 * comments name.
 */
struct peers {
	struct peer *all; /* ascending by id, allocated for WIRE_NODES_MAX records */
	uint32_t count;
};

/** Return the node's record, or create it. NULL: the node is not configured, or there is no room. */
struct peer *peer_get(struct totem_engine *engine, uint32_t id);
struct peer *peer_find(const struct totem_engine *engine, uint32_t id);
/**
 * Return whether a join is older than one seen before. After several such joins the node has lost its storage, and its
 * joins are accepted.
 */
bool peer_is_stale(struct totem_engine *engine, struct peer *peer, uint64_t ring_seq);
/** Return whether the peer failed and became a candidate again in the last gather episode. NULL: no. */
bool peer_was_restored(const struct totem_engine *engine, const struct peer *peer);
/** Return whether both the peer and this node answer probes. */
bool peer_has_probes(const struct totem_engine *engine, const struct peer *peer);

#endif
