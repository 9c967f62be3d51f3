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
	/* Kinds that last for the whole run. */
	FAULT_TIMERS,  /* peers with other timers and other limits */
	FAULT_PAYLOAD, /* peers with frames of another size */
	FAULT_SWAP,    /* peers of the other byte order */
	FAULT_SEQ,     /* first seq close to a wrap */
	FAULT_PLAIN,   /* peers without Coterie's extensions */
	FAULT_QUIRKS,  /* peers with a quirk of Corosync's. Only in the build with hooks */
	FAULT_IDS,     /* node ids are large and far apart */
	/* Kinds that happen now and then. */
	FAULT_LOSS,
	FAULT_DUPLICATE,
	FAULT_REORDER,
	FAULT_DELAY,     /* delays longer than token_retransmit */
	FAULT_KTH,       /* exactly the k-th packet of a type is lost */
	FAULT_PARTITION, /* the nodes are parted in both directions */
	FAULT_ASYMMETRIC,
	FAULT_CRASH,
	FAULT_STORAGE, /* a crash may lose the storage; writes may fail */
	FAULT_STRIKE,  /* crash, cut or pause at a numbered step of the protocol */
	FAULT_LEAVE,
	FAULT_PAUSE,
	FAULT_CLOCK,   /* a node's clock jumps ahead, stands still or drifts: clock_fault.h */
	FAULT_GARBAGE, /* malformed packets */
	FAULT_FORGE,   /* well-formed packets with changed contents */
	FAULT_REPLAY,  /* old packets */
	FAULT_DEAD,    /* false signs that a peer is dead */
	FAULT_FRAMES,  /* a node gets tokens but no message frames */
	FAULT_MEMORY,  /* a node's frame pool is exhausted for a while */
	FAULT_LINK,    /* the interface goes down and up, gathers are forced, options are reloaded */
	FAULT_HOLE,    /* see dig_hole in fault.c */
	/* three nodes and no other fault: two do not hear each other, and a third one, like Corosync's, hears both */
	FAULT_MIDDLE,
	FAULT_PATIENCE, /* with no other fault: outages on a calm ring, patience.h */
	FAULT_SHIFT,    /* two parts, and one node after the other changes its part */
	FAULT_KINDS,
};

#define FAULT_ALL ((1u << FAULT_KINDS) - 1u)
#define FAULT_DEFAULT \
	(FAULT_ALL & ~(1u << FAULT_QUIRKS | 1u << FAULT_MIDDLE | 1u << FAULT_PATIENCE | 1u << FAULT_SHIFT))
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
	uint64_t false_signs; /* number of false signs so far */
	uint64_t link_up_ns;  /* when the last link comes up again that was down as a false sign */
	uint32_t kinds;       /* kinds of this run */
	bool is_open;         /* no node has a node list, so ids in forged packets become candidates */
	bool is_over;         /* the network is quiet from now on */
	uint64_t mean_ns;     /* mean time between faults */
	/* A strike happens when `node` passes `point` for the count-th time. node UINT32_MAX: any node. */
	bool is_armed;
	enum strike strike;
	uint32_t point, count, node;
	uint64_t part; /* FAULT_SHIFT: nodes in one of the two parts; 0: not parted yet */
	bool has_hole; /* the strike leaves a hole in the order: dig_hole() in fault.c */
};

void faults_init(struct sim *sim);        /* choose the kinds of faults, and set the nodes' options */
void faults_start(struct sim *sim);       /* schedule the first fault */
void faults_strike_next(struct sim *sim); /* handle SIM_FAULT */
/** Note that the node has reached a point (enum point), and make the fault happen that waits for it. */
void faults_point(struct node *node, uint32_t point);
struct node *faults_any_node(struct sim *sim); /* return any node, running or not */
/** Return whether false signs are the only faults of this run. */
bool faults_are_false_signs(const struct sim *sim);
/** Return whether the only fault of this run is FAULT_MIDDLE: a cut between two of three nodes. */
bool faults_are_middle(const struct sim *sim);
/** Give one node a sign that another one has ended, though it runs. */
void faults_false_sign(struct sim *sim);
/** End the schedule: heal the network, resume paused nodes, and start nearly all nodes again. */
void faults_end(struct sim *sim);

#endif
