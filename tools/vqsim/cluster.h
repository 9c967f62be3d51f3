/*
 * Nodes with votequorum, in partitions without contact to each other. Each partition is a ring: its messages are
 * delivered to all of its nodes at once, in one order.
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
	void *self; /* the instance of votequorum */
	struct coterie_client client;
	bool has_device;
	bool has_formed; /* ring_seq and ring_rep are set */
	uint64_t ring_seq;
	uint32_t ring_rep;
	bool was_quorate;
};

struct cluster {
	const struct settings *settings;   /* borrowed, lives longer than the cluster */
	FILE *log;                         /* borrowed; NULL: no log */
	struct sim_node *nodes[NODES_MAX]; /* in ascending order of ids */
	size_t node_count;
	uint64_t seqs[PARTITIONS_MAX];    /* number of the newest ring in each partition */
	bool has_changed[PARTITIONS_MAX]; /* the partition needs a new ring */
};

/** Not used. */
enum { CLUSTER_EXIT_SERVICE = 20 };

void cluster_init(struct cluster *cluster, const struct settings *settings, FILE *log);
void cluster_fini(struct cluster *cluster);

/** Return the node with this id. NULL: no such node runs. */
struct sim_node *cluster_find(const struct cluster *cluster, uint32_t node_id);

/**
 * Start a node in a partition. cluster_settle forms the new ring later.
 * @return 0; -ENOSPC: there are NODES_MAX nodes; -ENOMEM; other negative errno: an error of votequorum
 */
int cluster_start(struct cluster *cluster, uint32_t node_id, uint32_t partition);

/** End a node. cluster_settle forms the new ring later. */
void cluster_stop(struct cluster *cluster, struct sim_node *node);

/** Move a node to a partition. cluster_settle forms the new rings later. */
void cluster_move(struct cluster *cluster, struct sim_node *node, uint32_t partition);

/** Register a quorum device at a node and let it vote from now on, or remove it. */
void cluster_set_device(struct cluster *cluster, struct sim_node *node, bool has_device);

/** Form the rings that have changed, and let all nodes count their votes. */
void cluster_settle(struct cluster *cluster);

/** Run due timers of the nodes, and let devices vote again. */
void cluster_run_timers(struct cluster *cluster);

/** Return the milliseconds until cluster_run_timers has to be called. -1: no timer runs. */
int cluster_next_timer_ms(const struct cluster *cluster);

#endif
