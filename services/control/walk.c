/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walks over this node's keys, which write them as text. A walk runs in slices. In each slice it lists a bounded number
 * of keys or nodes. Between two slices the loop does its other work. All walks have their slices in turns, with one
 * pause after each slice. So they share a bounded part of the loop's time, even if many clients and nodes request keys.
 *
 * The maps may change between slices. An iteration returns each key at most once, and the keys in order.
 */
#include "services/control/control.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_IN_SLICE 32u /* takes up to 0.1 ms if the host queries libknet for each key */
#define STEPS_OF_NODE 4u   /* the transport's information about a node counts as so many keys */
#define SIZE_IN_SLICE 65536u
#define PAUSE_NS UINT64_C(500000)
#define NODES_MAX 4096u

struct control_walk {
	struct control *control;
	uint32_t map; /* enum control_map */
	char prefix[CONTROL_PREFIX_SIZE];
	struct control_keys keys;
	struct coterie_map_iterator *iterator; /* NULL: CONTROL_MAP_PEERS, and the node list has ended */
	uint32_t *nodes;           /* CONTROL_MAP_PEERS: NODES_MAX nodes without duplicates; otherwise NULL */
	uint32_t node_count, node; /* nodes found, and index of the one to list next */
	uint32_t member;           /* index of the ring's member that is added next */
	bool has_nodes;            /* all nodes are found */
	void (*done)(void *arg, struct control_keys *keys);
	void *arg;
	struct control_walk *next;
};

/* ---- Steps ---------------------------------------------------------------- */

/* List the next key. @return how much of a slice that takes; 0: there are no more keys */
static uint32_t list_key(struct control_walk *walk)
{
	const struct coterie_host *host = walk->control->host;
	uint32_t which = walk->map == CONTROL_MAP_STATS ? COTERIE_MAP_STATS : COTERIE_MAP_CONFIG;
	struct coterie_map_value value;
	const char *key = host->map_iterate_next(walk->iterator, &value);

	if (key == NULL)
		return 0;
	/* For a text of the statistics the iteration returns a value without bytes. */
	if (value.type == COTERIE_MAP_STRING && value.bytes == NULL &&
		host->map_read(walk->control->ctx, which, key, &value) < 0)
		return 1;
	if (value.bytes != NULL)
		control_keys_put(&walk->keys, key, &value);
	return 1;
}

static void add_node(struct control_walk *walk, uint32_t nodeid)
{
	for (uint32_t i = 0; i < walk->node_count; i++)
		if (walk->nodes[i] == nodeid)
			return;
	if (walk->node_count < NODES_MAX)
		walk->nodes[walk->node_count++] = nodeid;
}

/* Look at the next key of the node list. */
static void find_listed(struct control_walk *walk)
{
	static const char end[] = ".nodeid";
	struct coterie_map_value value;
	const char *key = walk->control->host->map_iterate_next(walk->iterator, &value);
	uint32_t nodeid;

	if (key == NULL) {
		walk->control->host->map_iterate_end(walk->iterator);
		walk->iterator = NULL;
	} else if (value.type == COTERIE_MAP_U32 && value.bytes != NULL && strlen(key) > sizeof(end) &&
		   strcmp(key + strlen(key) - (sizeof(end) - 1), end) == 0) {
		memcpy(&nodeid, value.bytes, sizeof(nodeid));
		add_node(walk, nodeid);
	}
}

/* Look at the next member of the ring. */
static void find_member(struct control_walk *walk)
{
	const uint32_t *members;
	uint32_t count;

	walk->control->host->membership(walk->control->ctx, NULL, &members, &count);
	walk->has_nodes = walk->member >= count;
	if (!walk->has_nodes)
		add_node(walk, members[walk->member++]);
}

/*
 * List the next node, if the prefix fits: "" for all nodes, "ID." for one. Before that, find the nodes. @return as
 * list_key
 */
static uint32_t list_peer(struct control_walk *walk)
{
	struct coterie_node_status status = {.size = sizeof(status)};
	char name[32];

	if (walk->iterator != NULL) {
		find_listed(walk);
		return 1;
	}
	if (!walk->has_nodes) {
		find_member(walk);
		return 1;
	}
	if (walk->node == walk->node_count)
		return 0;
	uint32_t nodeid = walk->nodes[walk->node++];
	snprintf(name, sizeof(name), "%" PRIu32 ".reachable", nodeid);
	if (strncmp(name, walk->prefix, strlen(walk->prefix)) != 0)
		return 1;
	if (walk->control->host->node_status(walk->control->ctx, nodeid, &status) == 0)
		control_keys_put_node(&walk->keys, nodeid, &status);
	return STEPS_OF_NODE;
}

/* @return whether the walk has ended */
static bool run_slice(struct control_walk *walk)
{
	uint32_t size_max = walk->keys.size + SIZE_IN_SLICE;
	uint32_t steps = 0;

	while (steps < STEPS_IN_SLICE && walk->keys.size < size_max) {
		uint32_t taken = walk->map == CONTROL_MAP_PEERS ? list_peer(walk) : list_key(walk);

		if (taken == 0 || walk->keys.is_cut)
			return true;
		steps += taken;
	}
	return false;
}

/* ---- The queue ------------------------------------------------------------ */

static void append(struct control_walk *walk)
{
	struct control_walk **place = &walk->control->walks;

	while (*place != NULL)
		place = &(*place)->next;
	walk->next = NULL;
	*place = walk;
}

static struct control_walk *take(struct control_walk **place)
{
	struct control_walk *walk = *place;

	*place = walk->next;
	return walk;
}

static void walk_free(struct control_walk *walk)
{
	walk->control->walk_count--;
	walk->control->host->map_iterate_end(walk->iterator);
	control_keys_fini(&walk->keys);
	free(walk->nodes);
	free(walk);
}

static void walk_end(struct control_walk *walk)
{
	walk->done(walk->arg, &walk->keys);
	walk_free(walk);
}

static void on_slice(void *arg);

static int schedule(struct control *control, uint64_t pause_ns)
{
	int rc = control->host->timer_add(
		control->ctx, control->host->now_ns(control->ctx) + pause_ns, on_slice, control, &control->walk_timer);

	if (rc < 0)
		control->walk_timer = NULL;
	return rc;
}

static void on_slice(void *arg)
{
	struct control *control = arg;
	struct control_walk *walk = take(&control->walks);

	control->walk_timer = NULL;
	if (run_slice(walk))
		walk_end(walk);
	else
		append(walk);
	/* Without memory for the timer the texts end here. */
	while (control->walks != NULL && schedule(control, PAUSE_NS) < 0) {
		walk = take(&control->walks);
		walk->keys.is_cut = true;
		walk_end(walk);
	}
}

static int walk_init(struct control_walk *walk)
{
	const struct coterie_host *host = walk->control->host;
	bool is_peers = walk->map == CONTROL_MAP_PEERS;
	uint32_t which = walk->map == CONTROL_MAP_STATS ? COTERIE_MAP_STATS : COTERIE_MAP_CONFIG;

	if (is_peers) {
		walk->nodes = malloc(NODES_MAX * sizeof(*walk->nodes));
		if (walk->nodes == NULL)
			return -ENOMEM;
	}
	int rc = host->map_iterate(
		walk->control->ctx, which, is_peers ? "nodelist.node." : walk->prefix, &walk->iterator);
	if (rc < 0)
		walk->iterator = NULL;
	return rc;
}

int control_walk_begin(struct control *control, uint32_t map, const char *prefix,
	void (*done)(void *arg, struct control_keys *keys), void *arg)
{
	struct control_walk *walk = calloc(1, sizeof(*walk));

	if (walk == NULL)
		return -ENOMEM;
	*walk = (struct control_walk){.control = control, .map = map, .done = done, .arg = arg};
	strcpy(walk->prefix, prefix);
	control->walk_count++;
	int rc = walk_init(walk);
	if (rc == 0 && control->walk_timer == NULL)
		rc = schedule(control, 0);
	if (rc == 0)
		append(walk);
	else
		walk_free(walk);
	return rc;
}

bool control_walk_drop(struct control *control, const void *arg)
{
	struct control_walk **place = &control->walks;

	while (*place != NULL && (*place)->arg != arg)
		place = &(*place)->next;
	if (*place == NULL)
		return false;
	walk_free(take(place));
	if (control->walks == NULL) {
		control->host->timer_del(control->ctx, control->walk_timer);
		control->walk_timer = NULL;
	}
	return true;
}

void control_walks_fini(struct control *control)
{
	while (control->walks != NULL)
		(void)control_walk_drop(control, control->walks->arg);
}
