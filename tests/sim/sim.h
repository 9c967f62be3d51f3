/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One simulated run: nodes, network, time and faults, all from one seed (docs/protocol/invariants.md). run.c plays the
 * whole programme. Scenarios written by hand call the functions below instead.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/sim/clock.h"
#include "tests/sim/fault.h"
#include "tests/sim/history.h"
#include "tests/sim/net.h"
#include "tests/sim/node.h"
#include "tests/sim/report.h"
#include "tests/sim/trace.h"

struct sim_options {
	uint64_t seed;
	uint32_t nodes;     /* number of nodes, 0: the seed chooses 2 to 16 */
	uint64_t steps;     /* number of engine entries under faults, 0: by the number of nodes */
	uint32_t faults;    /* allowed kinds, bits by enum fault_kind */
	bool picks_faults;  /* the seed picks some of the allowed kinds of faults. false: all of them are played */
	const char *mutant; /* NULL: none (borrowed) */
	FILE *trace_file;   /* NULL: none (borrowed) */
};

struct sim {
	struct sim_options options;
	struct clock clock;
	struct sim_random random;
	struct report report;
	struct trace trace;
	struct history history;
	struct net net;
	struct faults faults;
	uint32_t node_count;
	struct node *nodes;
	uint32_t ids[SIM_NODES_MAX];
	uint32_t votes[SIM_NODES_MAX];   /* votes of each node, by index */
	uint32_t votes_needed;           /* more than half of all votes */
	uint32_t window_size;            /* window of all nodes; 0: they differ */
	uint32_t fullest;                /* largest number of frames in a rotation, according to a token */
	uint64_t lingers, linger_frames; /* times that lone senders kept the token, and frames that they
					  * sent then */
	uint64_t gathered;               /* frames that waited and were sent together with those of a later turn */
	uint64_t early_tokens;           /* tokens that were passed on before the frames of their visit */
	bool has_wider;                  /* a rotation had more frames than the configured window of any node */
	uint32_t safe_share;             /* share of safe messages, per 10,000 */
	bool barrier_at_once;            /* the barrier is sent at once. false: when the token has been passed on */
	bool has_users;                  /* traffic flows */
	bool has_connections;            /* neighbours have connections: connections.h */
	bool loops_frames;               /* a sender also receives its own message frames */
	uint64_t batch_ns;         /* time for which arriving packets are collected before the node handles them */
	uint64_t turn_ns;          /* time from the end of a turn to the next turn */
	uint32_t eager;            /* share of users that send their next message at once, per 10,000 */
	uint64_t unasked_until_ns; /* end of the last back-off of nodes that cannot ask each other */
	uint64_t steps;
	uint8_t *scratch; /* scratch memory for one message */
};

/**
 * Create the nodes with options that depend on the seed. A directed test may change them before
 * sim_start.
 */
struct sim *sim_create(const struct sim_options *options);
/** Destroy the engines too, and check that all memory was freed (I12). Call this before reading the report. */
void sim_stop(struct sim *sim);
void sim_destroy(struct sim *sim);
void sim_start(struct sim *sim); /* start all nodes within a few milliseconds */

/** Handle one event that is due before end_ns. false: there is none, or a property is violated. */
bool sim_step(struct sim *sim, uint64_t end_ns);
bool sim_run_for(struct sim *sim, uint64_t ns); /* false: a property is broken */
/** Run until the condition holds. @return false: it did not hold within ns, or a property is violated */
bool sim_run_until(struct sim *sim, bool (*holds)(const struct sim *), uint64_t ns);

bool sim_one_ring(const struct sim *sim);     /* all running nodes are in one ring, and no other node is */
bool sim_synchronized(const struct sim *sim); /* as sim_one_ring(), and the services are synchronised */
bool sim_delivered(const struct sim *sim);    /* every message of a running life is delivered in its ring */
/** Cut the network into groups, such as "0 1 | 2 3 4" (node indices). A node that is in no group is alone. */
void sim_partition(struct sim *sim, const char *groups);
void sim_heal(struct sim *sim);
void sim_cut(struct sim *sim, uint32_t from, uint32_t to); /* cut the link in one direction */
/** Return the longest token timeout of all nodes. */
uint64_t sim_token_ns(const struct sim *sim);
/** Return the bound of L1 for this network: book invariants, "Liveness". */
uint64_t sim_settle_ns(const struct sim *sim);
void sim_note(struct sim *sim, uint32_t node, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Run the whole programme of a seed: faults, then a quiet network, then the checks of liveness. */
void sim_run(struct sim *sim);
/** Print the violation, the trace around it and the command that repeats the run. */
void sim_explain(const struct sim *sim, const char *program, FILE *out);
/** Write the arguments of the command that repeats this run. */
void sim_command(const struct sim_options *options, char *out, size_t size);

#endif
