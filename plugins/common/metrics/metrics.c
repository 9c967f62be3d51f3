/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole text, and the list of nodes, which several parts use. */
#include "plugins/common/metrics/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/common/metrics/writer.h"

#define NODES_MAX 65536u

/* --- nodes: those of the node list, and those that were members --- */

struct node_walk {
	struct writer *writer;
	struct metrics_nodes *nodes;
	uint32_t last; /* position or id that was found last: the keys of one node follow each other */
	int error;
};

static struct metrics_node *node_of(struct node_walk *walk, uint32_t id)
{
	struct metrics_nodes *nodes = walk->nodes;

	for (uint32_t i = 0; i < nodes->count; i++)
		if (nodes->list[i].id == id)
			return &nodes->list[i];
	if (nodes->count == NODES_MAX)
		return NULL;
	/* The capacity is a power of two, so the array is full when the count is one. Then it is doubled. */
	if ((nodes->count & (nodes->count - 1)) == 0) {
		size_t capacity = nodes->count == 0 ? 1 : 2 * (size_t)nodes->count;
		struct metrics_node *list = reallocarray(nodes->list, capacity, sizeof(*list));

		if (list == NULL) {
			walk->error = -ENOMEM;
			return NULL;
		}
		nodes->list = list;
	}
	struct metrics_node *node = &nodes->list[nodes->count++];
	*node = (struct metrics_node){.id = id};
	snprintf(node->id_text, sizeof(node->id_text), "%" PRIu32, id);
	return node;
}

/* Add the node of a key nodelist.node.POSITION.… */
static bool see_listed(void *arg, const char *key)
{
	struct node_walk *walk = arg;
	uint32_t position;
	double id;

	if (sscanf(key, "nodelist.node.%" SCNu32 ".", &position) != 1 || position == walk->last)
		return true;
	walk->last = position;
	if (!source_number_f(walk->writer, COTERIE_MAP_CONFIG, &id, "nodelist.node.%" PRIu32 ".nodeid", position) ||
		id < 1 || id > UINT32_MAX)
		return true;
	struct metrics_node *node = node_of(walk, (uint32_t)id);
	if (node != NULL &&
		!source_text(walk->writer, COTERIE_MAP_CONFIG, node->name, "nodelist.node.%" PRIu32 ".name", position))
		source_text(
			walk->writer, COTERIE_MAP_CONFIG, node->name, "nodelist.node.%" PRIu32 ".ring0_addr", position);
	return walk->error == 0;
}

/* Add the node of a key runtime.members.ID.… */
static bool see_member(void *arg, const char *key)
{
	struct node_walk *walk = arg;
	uint32_t id;

	if (sscanf(key, "runtime.members.%" SCNu32 ".", &id) == 1 && id != walk->last && id != 0) {
		walk->last = id;
		node_of(walk, id);
	}
	return walk->error == 0;
}

static int compare_nodes(const void *a, const void *b)
{
	const struct metrics_node *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int find_nodes(struct writer *writer, struct metrics_nodes *nodes)
{
	const struct metrics_source *source = writer->source;
	struct node_walk walk = {.writer = writer, .nodes = nodes, .last = UINT32_MAX};

	source->each(source->arg, COTERIE_MAP_CONFIG, "nodelist.node.", see_listed, &walk);
	walk.last = UINT32_MAX;
	if (walk.error == 0)
		source->each(source->arg, COTERIE_MAP_CONFIG, "runtime.members.", see_member, &walk);
	if (nodes->count > 0)
		qsort(nodes->list, nodes->count, sizeof(*nodes->list), compare_nodes);
	return walk.error;
}

/* --- entry points --- */

int metrics_render(
	const struct metrics_source *source, const struct metrics_options *options, struct metrics_text *text)
{
	struct metrics_nodes nodes = {.list = NULL};
	struct writer writer = {.source = source, .options = options, .text = text, .nodes = &nodes};
	int rc = find_nodes(&writer, &nodes);

	if (rc < 0)
		text->error = rc;
	metrics_write_daemon(&writer);
	metrics_write_quorum(&writer);
	metrics_write_members(&writer);
	metrics_write_ring(&writer);
	metrics_write_times(&writer);
	metrics_write_links(&writer);
	metrics_write_clients(&writer);
	metrics_write_services(&writer);
	metrics_write_events(&writer);
	metrics_write_plugins(&writer);
	if (options->has_legacy_names)
		metrics_write_legacy(&writer);
	writer_end(&writer);
	free(nodes.list);
	return text->error;
}

const char *metrics_content_type(enum metrics_format format)
{
	return format == METRICS_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
					     : "text/plain; version=0.0.4; charset=utf-8";
}
