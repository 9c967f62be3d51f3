/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Nodes that have left the ring, and the bound of what the executive keeps for them: the keys runtime.members.ID and
 * stats.coterie.ring.received.ID. On a plain ring without a node list, forged packets can make members of ever new node
 * ids, and each of them would add keys for ever.
 */
#ifndef EXEC_DEPARTED_H
#define EXEC_DEPARTED_H

#include <stdint.h>

struct config;
struct map;
struct ring;
struct totem_configuration;

#define DEPARTED_MAX 896u /* 1,280 nodes, with the 384 members of a ring */

/** Initial state: all members zero. */
struct departed {
	uint32_t nodeids[DEPARTED_MAX]; /* the node that left first is first */
	uint32_t count;
};

/**
 * Note the nodes that left or joined with a configuration. If too many have left, forget those that left first: delete
 * their keys from the map, and the ring's count of their frames. Nodes of the node list are never forgotten.
 */
void departed_note(struct departed *departed, const struct totem_configuration *configuration,
	const struct config *config, struct map *map, struct ring *ring);

#endif
