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
	uint64_t number; /* 0: none, or answered, or refused */
	uint64_t at_ns;
};

/* A vote: its sender has not heard node `id` for its whole budget. */
struct vote {
	uint32_t id;
	uint64_t at_ns; /* 0: none */
};

/* All that this node remembers about another node. Times are 0 if it never happened. */
struct peer {
	uint32_t id;
	uint32_t stale_count;    /* joins in a row that were older than join_seq */
	uint64_t stale_since_ns; /* time of the first of these */
	uint64_t join_seq;       /* highest ring seq that it was seen to have committed to */
	uint64_t features;       /* of its last join */
	uint64_t heard_ns;       /* time of its last join, or of its last packet of another ring */
	uint64_t heard_episode;  /* last gather episode in which it sent a join */
	/* Signs of its death: suspect.c. */
	uint64_t sign_ns;                 /* the first sign since its last packet */
	uint64_t hint_ns;                 /* the last sign that proved nothing */
	uint64_t asked_ns;                /* last question to it */
	struct question asked[ASKED_MAX]; /* the last questions to it */
	uint32_t asked_count;
	uint32_t rounds;        /* questions since the first sign */
	uint32_t refused;       /* datagrams of this node that its kernel has certainly refused since then */
	uint32_t connections;   /* to its daemon, that are up */
	bool is_ended;          /* the other side ended the last connection, and it has not answered since */
	bool is_closed;         /* the same, and its kernel closed that connection in order */
	uint64_t round_trip_ns; /* measured last; 0: not measured */
	/* Contact, silence, and the record of its end: lease.c, silence.c, evict.c. */
	uint64_t alive_ns;            /* its last packet. Frames do not count: other members send them again */
	uint64_t contact_ns;          /* when the last question was sent that it answered in the ring of this node */
	uint64_t lease_ns;            /* that it announced for this ring; 0: none */
	struct vote votes[VOTES_MAX]; /* its votes about other members */
	uint64_t voted_ns;            /* last vote of this node to remove it */
	uint64_t unanswered_ns;       /* when a question was last found without an answer */
	uint64_t witnessed_ns;        /* when the kernel of its host last showed `witness` */
	enum totem_witness witness;
	enum totem_evidence evidence;
	uint64_t evidence_episode;      /* gather episode that `evidence` belongs to */
	uint64_t budget_ns;             /* silence budget that applied to it then */
	uint64_t silent_ns;             /* length of its silence then */
	uint64_t failed_us_episode;     /* last gather episode in which its join named this node as failed */
	struct coterie_frame *farewell; /* its leave, kept until it has answered; referenced, or NULL */
	uint64_t farewell_ns;           /* arrival of that leave */
	uint64_t left_episode;          /* last gather episode in which it sent a leave */
	uint64_t accuser_episode;       /* last gather episode in which a join named it as failed */
	uint32_t accuser;               /* the first node that named it as failed in that episode */
	uint64_t given_up_episode;      /* last gather episode in which the consensus timer of this node failed it */
	struct backoff backoff;
};

/* Only peer.c changes the members, and each file its part of a record. */
struct peers {
	struct peer *all; /* ascending by id, count of WIRE_NODES_MAX */
	uint32_t count;
};

/** Return the node's record, or create it. NULL: not configured, or no room. */
struct peer *peer_get(struct totem_engine *engine, uint32_t id);
struct peer *peer_find(const struct totem_engine *engine, uint32_t id);
/** Return whether a join is older than one seen before. After some joins a node that lost its storage is believed. */
bool peer_is_stale(struct totem_engine *engine, struct peer *peer, uint64_t ring_seq);
/** Return whether the peer answers probes, and this node does too. */
bool peer_has_probes(const struct totem_engine *engine, const struct peer *peer);

#endif
