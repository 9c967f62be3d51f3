/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Simulate many engines in a plain network. Count the joins and the time until a large ring is formed, or goes on
 * without some members. The checkers of coterie-sim could not: they end at 64 nodes. Each node has one processor, which
 * takes time for each packet, and a socket of limited size.
 */
#ifndef SIM_CROWD_H
#define SIM_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/clock.h"

#define CROWD_NODES_MAX 384u

struct crowd;

struct crowd_options {
	uint32_t nodes; /* 1 to CROWD_NODES_MAX, with node ids from 1 */
	uint32_t plain; /* number of nodes, spread evenly, that announce no extension */
	uint64_t seed;
	uint64_t spread_ns;                  /* time within which all nodes start, in random order */
	uint32_t loss;                       /* packets lost, per 10,000 */
	uint64_t delay_min_ns, delay_max_ns; /* delay in one direction */
	uint64_t packet_ns;                  /* processor time of a node for each packet that it receives */
	uint64_t socket_bytes;               /* size of a node's socket, as the kernel counts it; 0: not limited */
	uint64_t stall_ns;                   /* a node stalls for up to this time now and then; 0: never */
};

/** Counts since the last call of crowd_reset(). */
struct crowd_figures {
	uint64_t joins;          /* received, own ones included: the joins sent by all nodes times the nodes that run */
	uint64_t sent_most;      /* joins sent by the node that sent the most */
	uint64_t lost;           /* packets that a full socket dropped */
	uint64_t configurations; /* number of regular configurations at all nodes together */
	uint64_t losses;         /* nodes that such a configuration lacks, though they run and have never been killed */
};

/** Set the options of a local network: delays of 50 to 200 us, 5 us for each packet, sockets of 1 MiB, no loss. */
void crowd_defaults(struct crowd_options *options, uint32_t nodes);
/**
 * Create the crowd, with all nodes about to start. Ends the process if there is no memory. The caller frees it with
 * crowd_destroy().
 */
struct crowd *crowd_create(const struct crowd_options *options);
void crowd_destroy(struct crowd *crowd);

/**
 * Let time pass until all running nodes are in one ring and no other node is in it, for `for_ns` at most. @return
 * false: they are not
 */
bool crowd_settle(struct crowd *crowd, uint64_t for_ns);
void crowd_run(struct crowd *crowd, uint64_t for_ns);
/** End the daemon of node `id` as SIGKILL does: its kernel closes its connections and refuses packets. */
void crowd_kill(struct crowd *crowd, uint32_t id);
/** Start node `id` again. */
void crowd_start(struct crowd *crowd, uint32_t id);
/** Set the partition: a node hears only nodes of its own part. part[id - 1]: number of the part of node `id`. */
void crowd_part(struct crowd *crowd, const uint8_t *part);

uint64_t crowd_now_ns(const struct crowd *crowd);
void crowd_reset(struct crowd *crowd);
void crowd_figures(const struct crowd *crowd, struct crowd_figures *figures);

#endif
