/*
 * Nodes that count votes, in partitions without contact to each other. Each partition is a ring:
 * all of its messages reach all of its nodes in one order, at once.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_VQSIM_CLUSTER_H
#define TOOLS_VQSIM_CLUSTER_H

#include <stdbool.h>
#include <stdio.h>

#include "tools/vqsim/host.h"

enum { NODES_MAX = 1024, PARTITIONS_MAX = 16 };

struct sim_node {
	uint32_t id;
	uint32_t partition;
	struct coterie_ctx *host;
	void *self; /* votequorum's */
	struct coterie_client client;
	bool has_device;
	bool has_formed; /* ring_seq and ring_rep are set */
	uint64_t ring_seq;
	uint32_t ring_rep;
	bool was_quorate;
};

struct cluster {
	const struct settings *settings;   /* borrowed, outlives the cluster */
	FILE *log;                         /* borrowed; NULL: none */
	struct sim_node *nodes[NODES_MAX]; /* ascending by id */
	size_t node_count;
	uint64_t seqs[PARTITIONS_MAX];    /* of the newest ring in each partition */
	bool has_changed[PARTITIONS_MAX]; /* the partition needs a new ring */
};

/** The reason why a node could not be started. */
enum { CLUSTER_EXIT_SERVICE = 20 };

void cluster_init(struct cluster *cluster, const struct settings *settings, FILE *log);
void cluster_fini(struct cluster *cluster);

/** Return the node with this id. NULL: it does not run. */
struct sim_node *cluster_find(const struct cluster *cluster, uint32_t node_id);

/**
 * Start a node in a partition. cluster_settle then forms the new ring.
 * @return 0; -ENOSPC: there are NODES_MAX; -ENOMEM; other negative errno: votequorum refuses
 */
int cluster_start(struct cluster *cluster, uint32_t node_id, uint32_t partition);

/** End a node. cluster_settle then forms the new ring. */
void cluster_stop(struct cluster *cluster, struct sim_node *node);

/** Put a node into a partition. cluster_settle then forms the new rings. */
void cluster_move(struct cluster *cluster, struct sim_node *node, uint32_t partition);

/** Register a quorum device at a node and let it vote from now on, or remove it. */
void cluster_set_device(struct cluster *cluster, struct sim_node *node, bool has_device);

/** Form the rings that have changed, and let all nodes count their votes. */
void cluster_settle(struct cluster *cluster);

/** Run due timers of the nodes, and let devices vote again. */
void cluster_run_timers(struct cluster *cluster);

/** Return the milliseconds until cluster_run_timers has to run. -1: it does not. */
int cluster_next_timer_ms(const struct cluster *cluster);

#endif
