/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One simulated run: nodes, network, time and faults, all from one seed (docs/protocol/invariants.md).
 * `run.c` plays the whole programme. Directed tests use the calls below instead.
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
	uint32_t nodes;     /* 0: by seed, 2 to 16 */
	uint64_t steps;     /* engine entries under faults, or 0 to choose by the number of
				    * nodes */
	uint32_t faults;    /* allowed kinds, bits by enum fault_kind */
	bool picks_faults;  /* the seed picks some of the allowed kinds, otherwise all are
				    * played */
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
	uint32_t window_size;            /* window of all nodes; 0: they differ */
	uint32_t fullest;                /* largest number of frames in a rotation, by a token */
	uint64_t lingers, linger_frames; /* times that lone senders kept the token, and frames that they
					  * sent then */
	uint64_t gathered;               /* frames that waited and left with those of a later turn */
	uint64_t early_tokens;           /* that were passed on before the frames of their visit */
	bool has_wider;                  /* more than any node's configured window */
	uint32_t safe_share;             /* share of safe messages, per 10,000 */
	bool barrier_at_once;            /* otherwise when the token was passed on */
	bool has_users;                  /* traffic flows */
	bool has_connections;            /* between neighbours: connections.h */
	bool loops_frames;               /* message frames come back to their sender as well */
	uint64_t batch_ns;               /* how long arrivals gather before the node looks */
	uint64_t turn_ns;                /* from the end of a turn to the next */
	uint32_t eager;                  /* users that send their next message at once, per 10,000 */
	uint64_t unasked_until_ns;       /* end of the back-offs of nodes that cannot ask each other */
	uint64_t steps;
	uint8_t *scratch; /* scratch memory for one message */
};

/**
 * Create the nodes with options that depend on the seed. A directed test may change them before
 * sim_start.
 */
struct sim *sim_create(const struct sim_options *options);
/** Destroy engines too, and check that all memory came back (I12). Call before reading the report. */
void sim_stop(struct sim *sim);
void sim_destroy(struct sim *sim);
void sim_start(struct sim *sim); /* all nodes, within a few milliseconds */

/** Handle one event that is due before end_ns. false: there is none, or a property is violated. */
bool sim_step(struct sim *sim, uint64_t end_ns);
bool sim_run_for(struct sim *sim, uint64_t ns); /* false: a property is broken */
/** Run until the condition holds. false: it did not within ns, or a property is violated. */
bool sim_run_until(struct sim *sim, bool (*holds)(const struct sim *), uint64_t ns);

bool sim_one_ring(const struct sim *sim);     /* all running nodes are in one ring, alone */
bool sim_synchronized(const struct sim *sim); /* the same, and its services are synchronised */
bool sim_delivered(const struct sim *sim);    /* every message of a running life is delivered in its ring */
/** "0 1 | 2 3 4": indices; nodes that are not named are alone. */
void sim_partition(struct sim *sim, const char *groups);
void sim_heal(struct sim *sim);
void sim_cut(struct sim *sim, uint32_t from, uint32_t to); /* one way */
/** The longest of all nodes' values of a duration. */
uint64_t sim_token_ns(const struct sim *sim);
/** Bound of L1 for this network: book invariants, "Liveness". */
uint64_t sim_settle_ns(const struct sim *sim);
void sim_note(struct sim *sim, uint32_t node, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** The whole programme of a seed: faults, then a quiet network, then liveness. */
void sim_run(struct sim *sim);
/** Print what is broken, the trace around it and the command that replays it. */
void sim_explain(const struct sim *sim, const char *program, FILE *out);
/** The command line behind the program's name that plays this run again. */
void sim_command(const struct sim_options *options, char *out, size_t size);

#endif
