/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The script of a history: all choices of a seed, drawn before anything runs. Since a script is data, shrink.c can drop
 * steps and nodes, and the other steps still mean the same.
 */
#ifndef HISTORIES_SCRIPT_H
#define HISTORIES_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define HISTORY_NODES_MAX 64u
#define HISTORY_CLIENTS 8u /* clients of each service */

enum history_fault {
	HISTORY_PART,   /* partitions and merges */
	HISTORY_CUT,    /* links that work in one direction only */
	HISTORY_REFUSE, /* a node's host refuses the packets of another one */
	HISTORY_CRASH,  /* a node ends at once, or after some more of its effects */
	HISTORY_STOP,   /* a node leaves the ring without a crash, and starts again */
	HISTORY_PAUSE,  /* a node is paused for 10 to 90 % of a timeout, or longer */
	HISTORY_STORM,  /* changes of the network a few ms apart: each interrupts the synchronisation before */
	HISTORY_DEAF,   /* a node gets tokens and no messages, then it is cut off from the senders */
	HISTORY_LOSS,   /* packets are lost, duplicated or reordered */
	HISTORY_LATE,   /* packets and their duplicates arrive up to 2 s late */
	HISTORY_CLOCK,  /* the clock of a node jumps ahead, is too fast or too slow, or stops: its host is suspended */
	HISTORY_DISK,   /* a node cannot store for a while, stores slowly, or starts again without its files */
	HISTORY_PLUGIN, /* a service is unloaded from a node, and loaded again, while the ring runs */
	HISTORY_FAR,    /* for the whole run: each link has a delay of its own, 20 us to 200 ms, and jitter */
	HISTORY_NARROW, /* for the whole run: links carry 1 to 10 MB/s, and drop what their queues cannot hold */
	HISTORY_SOCKET, /* for the whole run: sockets hold 16 KB to 208 KB, and drop more */
	HISTORY_IDS,    /* for the whole run: node ids over all 32 bits */
	HISTORY_WRAP,   /* for the whole run: sequences of rings and frames begin near their wrap */
	HISTORY_MIX, /* for the whole run: nodes of older versions, which lack some features, and of a kind that has none */
	HISTORY_MANY,    /* for the whole run: 6 to 24 nodes */
	HISTORY_REPLACE, /* a service is replaced while the ring runs. Not one of "all", whose seeds are older */
	HISTORY_FAULTS,
};

/** Return the name of a kind, as --faults takes it. */
const char *history_fault_name(enum history_fault fault);
#define HISTORY_REPLACED 5u /* services that HISTORY_REPLACE replaces */

/** All kinds but HISTORY_REPLACE. */
#define HISTORY_ALL ((1u << HISTORY_REPLACE) - 1)

/** Parse "part,crash", "all" or "none". @return false: a name is unknown */
bool history_faults_parse(const char *list, uint32_t *faults);

enum step_kind {
	/* Faults. */
	STEP_PART,        /* cut the network in up to three. value: two bits for each node, its side */
	STEP_HEAL,        /* all links work again */
	STEP_CUT,         /* node's packets do not reach other */
	STEP_REFUSE,      /* other's host refuses packets of node */
	STEP_CRASH,       /* node ends at once */
	STEP_CRASH_AFTER, /* node ends after count effects */
	STEP_STOP,        /* node leaves */
	STEP_START,       /* start node, unless it runs */
	STEP_PAUSE,       /* pause node for count ms */
	STEP_LOSS,        /* count packets of 10,000 are lost, value of 10,000 arrive twice */
	STEP_DEAF,        /* node gets no message frames of others, if count is not 0 */
	STEP_REORDER,     /* packets of one sender overtake each other, if count is not 0 */
	STEP_LATE,        /* count packets of 10,000 are late */
	STEP_SUSPEND,     /* suspend node's host for count ms: its clock stands still */
	STEP_CLOCK,       /* node's clock jumps count ms ahead, and is value - 500,000 millionths too fast */
	STEP_DISK_FULL,   /* node cannot store files, if count is not 0 */
	STEP_DISK_SLOW,   /* each store of node takes count ms */
	STEP_FORGET,      /* node, if it is down, loses its files */
	STEP_UNLOAD,      /* unload a service of node: value 0 cpg, 1 kv */
	STEP_LOAD,        /* node loads the service again */
	STEP_REPLACE,     /* replace service number value of node, see replace.c */
	STEP_AWAIT, /* wait until node begins (value 0) or ends (1) a synchronisation, at most count ms, then size us */
	/* Clients. */
	STEP_CPG_JOIN,
	STEP_CPG_LEAVE,
	STEP_CPG_END,  /* the process of client ends */
	STEP_CPG_SEND, /* send count messages of size bytes; value 1: safe */
	STEP_CPG_HOLD, /* client pauses reading if count is not 0, or goes on */
	STEP_EVS_SEND, /* send count messages of size bytes; value 1: safe */
	/* Guests of EVS, by client. */
	STEP_EVS_GUEST, /* the guest joins, or sends count messages of size bytes; value 1: safe */
	STEP_EVS_HOLD,  /* it pauses reading if count is not 0, or goes on */
	STEP_EVS_END,   /* its process ends */
	STEP_KV,        /* a request of kind value, for key number count */
	STEP_CFG, /* a new version of all files, bad on node other if value is 0, and a reload that node requests */
	STEP_KINDS,
};

struct step {
	enum step_kind kind;
	uint32_t wait_ms; /* simulated time that passes after the step */
	uint32_t node, other, client, count, size;
	uint64_t value;
};

/** Features that a node lacks, as bits. A node of an older version also lacks all newer features. */
enum mix {
	MIX_COMPACT = 1, /* no compact messages of CPG */
	MIX_LATER = 2,   /* not all of the features that are newer than safe delivery */
	MIX_SAFE = 4,    /* no safe delivery either: the node is like Corosync's */
};

/** The network and the nodes of the whole run. */
struct setting {
	uint32_t token_ms, consensus_ms;
	uint32_t delay_min_us, delay_max_us;
	uint32_t link_us_max;       /* each link has its own delay, up to this; 0: none */
	uint32_t link_bytes_per_ms; /* 0: unlimited */
	uint32_t link_queue_ms;
	uint32_t socket_bytes;   /* 0: unlimited */
	uint32_t frames_to_wrap; /* frames of each ring until its sequence wraps, 0: it begins at 0 */
	bool has_wide_ids;
	uint32_t channels; /* clients of cpg that have a fast channel, bits by number */
	uint64_t mix;      /* four bits for each node in turn: features that it lacks, enum mix. 0: no node lacks any */
};

struct script {
	uint64_t seed;
	uint32_t nodes;
	uint32_t faults; /* bits, 1 << enum history_fault */
	struct setting setting;
	struct step *steps; /* count; owned */
	uint32_t count;
};

/** Draw the script of a seed. nodes: 0: the seed chooses. faults: kinds to choose from. */
void script_draw(struct script *script, uint64_t seed, uint32_t nodes, uint32_t faults);
/** Copy a script without the steps from `from` to `from + count`. */
void script_copy(struct script *copy, const struct script *script, uint32_t from, uint32_t count);
void script_free(struct script *script);
/** Print a script, one step a line. */
void script_print(const struct script *script, FILE *out);

#endif
