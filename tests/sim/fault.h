/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults: their kinds (book invariants, "Faults") and times. */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim;
struct node;
struct packet;

enum fault_kind {
	/* For the whole run. */
	FAULT_TIMERS,  /* peers with other timers and other limits */
	FAULT_PAYLOAD, /* peers with frames of another size */
	FAULT_SWAP,    /* peers of the other byte order */
	FAULT_SEQ,     /* seq starts close to a wrap */
	FAULT_PLAIN,   /* peers without our extensions */
	FAULT_QUIRKS,  /* peers with the behaviour of the reference. Only in the hooks build */
	FAULT_IDS,     /* large, scattered node ids */
	/* Now and then. */
	FAULT_LOSS,
	FAULT_DUPLICATE,
	FAULT_REORDER,
	FAULT_DELAY,     /* beyond the token retransmission */
	FAULT_KTH,       /* exactly the k-th packet of a type is lost */
	FAULT_PARTITION, /* full */
	FAULT_ASYMMETRIC,
	FAULT_CRASH,
	FAULT_STORAGE, /* a crash may lose the storage; writes may fail */
	FAULT_STRIKE,  /* crash, cut or pause at a numbered step of the protocol */
	FAULT_LEAVE,
	FAULT_PAUSE,
	FAULT_CLOCK,   /* jumps */
	FAULT_GARBAGE, /* malformed packets */
	FAULT_FORGE,   /* well-formed packets with other contents */
	FAULT_REPLAY,  /* old packets */
	FAULT_DEAD,    /* false signs that a peer is dead */
	FAULT_FRAMES,  /* a node gets tokens but no message frames */
	FAULT_MEMORY,  /* a node's frame pool is exhausted for a while */
	FAULT_LINK,    /* the interface goes down and up, forced gathers, reloads */
	FAULT_HOLE,    /* see dig_hole in fault.c */
	/* three nodes and no other fault: two do not hear each other, and a third one, like Corosync's, hears both */
	FAULT_MIDDLE,
	FAULT_PATIENCE, /* alone: outages on a calm ring, patience.h */
	FAULT_KINDS,
};

#define FAULT_ALL ((1u << FAULT_KINDS) - 1u)
#define FAULT_DEFAULT (FAULT_ALL & ~(1u << FAULT_QUIRKS | 1u << FAULT_MIDDLE | 1u << FAULT_PATIENCE))
_Static_assert(FAULT_KINDS < 32, "one bit each");

const char *fault_name(enum fault_kind kind);
/**
 * Parse "loss,crash", "all" or "none". false: a name is unknown, and *bad points to it within list.
 */
bool fault_parse(const char *list, uint32_t *kinds, const char **bad);

enum strike {
	STRIKE_CRASH,
	STRIKE_ISOLATE, /* the node neither reaches nor hears other nodes */
	STRIKE_DEAF,    /* the node hears no other node */
	STRIKE_MUTE,    /* no other node receives its packets */
	STRIKE_PAUSE,
	STRIKE_COUNT,
};

struct faults {
	uint64_t false_signs; /* so far */
	uint64_t link_up_ns;  /* when the last link that was a false sign comes up again */
	uint32_t kinds;       /* kinds of this run */
	bool is_open;         /* no node has a node list, so ids in forged packets become candidates */
	bool is_over;         /* the network is quiet from now on */
	uint64_t mean_ns;     /* between faults */
	/* A strike waits for the count-th passing of a point at a node (any, when node is UINT32_MAX). */
	bool is_armed;
	enum strike strike;
	uint32_t point, count, node;
	bool has_hole; /* the strike leaves a hole in the order; see dig_hole */
};

void faults_init(struct sim *sim);        /* picks the kinds, sets the nodes' options */
void faults_start(struct sim *sim);       /* the first one is scheduled */
void faults_strike_next(struct sim *sim); /* SIM_FAULT came */
/** Let a fault happen that waits for this point (enum point) of the node. */
void faults_point(struct node *node, uint32_t point);
struct node *faults_any_node(struct sim *sim); /* up or down */
/** Return whether false signs are the only faults of this run. */
bool faults_are_false_signs(const struct sim *sim);
/** Return whether this run is FAULT_MIDDLE: three nodes, and no other fault than that cut. */
bool faults_are_middle(const struct sim *sim);
/** Give one node a sign that another one has ended, though it runs. */
void faults_false_sign(struct sim *sim);
/** End the schedule: heal the network, resume paused nodes, and start nearly all nodes again. */
void faults_end(struct sim *sim);

#endif
