/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Nodes that a reload removes from the node list, which may take effect later, and the list of nodes that the engine
 * accepts.
 */
#include "exec/reload/reload_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/ring/ring.h"

/* --- departures --- */

static int departing_add(struct reload *reload, const struct config_node *node)
{
	struct departing *list = reallocarray(reload->departing.list, reload->departing.count + 1, sizeof(*list));

	if (list == NULL)
		return -ENOMEM;
	reload->departing.list = list;

	struct departing *departing = &list[reload->departing.count++];

	*departing = (struct departing){.nodeid = node->nodeid, .link_count = node->link_count};
	memcpy(departing->addresses, node->addresses, sizeof(departing->addresses));
	return 0;
}

static void departing_del(struct reload *reload, struct departing *departing)
{
	*departing = reload->departing.list[--reload->departing.count];
}

/* Return a text for the log: the node's name, or its first address. */
static const char *label(const struct config_node *node)
{
	for (uint32_t link = 0; node->name == NULL && link < node->link_count; link++)
		if (node->texts[link] != NULL)
			return node->texts[link];
	return node->name != NULL ? node->name : "?";
}

/*
 * Remove a node at once if the ring has nodes of Corosync. From the reload on, these send nothing to a removed node,
 * and drop its packets. If this node kept it, the ring would be formed again and again. Without it the token is lost
 * once, and the other nodes form the ring.
 */
static void remove_node(struct reload *reload, const struct config_node *node)
{
	bool is_member = reload_is_member(reload, node->nodeid);

	if (is_member && ring_is_safe_kept(reload->parts.ring) && departing_add(reload, node) == 0) {
		log_line("CFG", LOG_NOTICE,
			"Node %u (%s) is not in the nodelist any more; it stays in the ring until "
			"it leaves: "
			"stop it there",
			node->nodeid, label(node));
		return;
	}
	log_line("CFG", LOG_NOTICE, "Node %u (%s) is not in the nodelist any more%s", node->nodeid, label(node),
		is_member ? "; it runs, and goes out of the ring now, as Corosync's nodes see it" : "");
	for (uint32_t link = 0; link < node->link_count; link++)
		if (reload_address_of(node, link) != NULL)
			reload_delete_peer(reload, node->nodeid, link);
}

/*
 * Check whether nodes that run are missing in the file. A corosync.conf is applied nevertheless, as Corosync's nodes
 * do. A coterie.conf is refused, unless the operator forces it.
 */
int reload_departure_check(const struct reload *reload, const struct config *config, struct reload_error *error)
{
	const struct config *running = reload_running(reload);

	if (config->format != CONFIG_FORMAT_COTERIE || config->is_forced)
		return 0;
	/* This node was removed earlier, and later reloads of the other nodes do not concern it. */
	if (config->is_absent && reload->is_removed)
		return 0;
	if (config->is_absent)
		return reload_fail(error, -EINVAL,
			"this node runs, and is not in the node list any more: stop it first, or use 'coterie-ctl "
			"reload --force'");
	for (uint32_t i = 0; i < running->node_count; i++) {
		const struct config_node *node = &running->nodes[i];

		if (node->nodeid != reload->parts.nodeid && reload_find_node(config, node->nodeid) == NULL &&
			reload_is_member(reload, node->nodeid))
			return reload_fail(error, -EINVAL,
				"node %u (%s) runs, and is not in the node list any more: stop it there first, or "
				"use 'coterie-ctl reload --force'",
				node->nodeid, label(node));
	}
	return 0;
}

/* A departing node is in the node list again, perhaps not on every link. */
static void take_back(struct reload *reload, struct departing *departing, const struct config_node *node)
{
	for (uint32_t link = 0; link < departing->link_count; link++)
		if (departing->addresses[link].ss_family != AF_UNSPEC && reload_address_of(node, link) == NULL)
			reload_delete_peer(reload, departing->nodeid, link);
	departing_del(reload, departing);
}

void reload_nodes_remove(struct reload *reload, const struct config *before)
{
	const struct config *config = reload_running(reload);

	for (uint32_t i = 0; i < config->node_count; i++) {
		const struct config_node *node = &config->nodes[i];
		struct departing *departing = reload_find_departing(reload, node->nodeid);

		if (departing == NULL && reload_find_node(before, node->nodeid) == NULL)
			log_line("CFG", LOG_NOTICE, "Node %u (%s) is in the nodelist now", node->nodeid, label(node));
		if (departing != NULL)
			take_back(reload, departing, node);
	}
	for (uint32_t i = 0; i < before->node_count; i++) {
		const struct config_node *node = &before->nodes[i];
		const struct config_node *now = reload_find_node(config, node->nodeid);

		if (now == NULL) {
			remove_node(reload, node);
			continue;
		}
		for (uint32_t link = 0; link < node->link_count; link++)
			if (reload_address_of(node, link) != NULL && reload_address_of(now, link) == NULL)
				reload_delete_peer(reload, node->nodeid, link);
	}
}

/* --- the engine --- */

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

int reload_ids_build(
	const struct reload *reload, const struct config *config, const struct config *before, struct reload_ids *ids)
{
	uint32_t room = config->node_count + reload->departing.count + (before ? before->node_count : 0);
	uint32_t kept = 0;

	*ids = (struct reload_ids){0};
	if (config->totem.node_count == 0)
		return 0;
	ids->ids = calloc(room, sizeof(*ids->ids));
	if (ids->ids == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < config->node_count; i++)
		ids->ids[ids->count++] = config->nodes[i].nodeid;
	for (uint32_t i = 0; i < reload->departing.count; i++)
		ids->ids[ids->count++] = reload->departing.list[i].nodeid;
	for (uint32_t i = 0; before != NULL && i < before->node_count; i++)
		if (reload_is_member(reload, before->nodes[i].nodeid))
			ids->ids[ids->count++] = before->nodes[i].nodeid;
	qsort(ids->ids, ids->count, sizeof(*ids->ids), compare_ids);
	for (uint32_t i = 0; i < ids->count; i++)
		if (kept == 0 || ids->ids[kept - 1] != ids->ids[i])
			ids->ids[kept++] = ids->ids[i];
	ids->count = kept;
	return 0;
}

/*
 * Remove departed nodes from the transport. Not called while the engine runs, since it may be sending to the
 * transport's peers.
 */
static void drop_departed(void *arg)
{
	struct reload *reload = arg;
	struct totem_options options = reload_running(reload)->totem;
	struct reload_ids ids;
	uint32_t i = 0;

	reload->is_drop_due = false;
	while (i < reload->departing.count) {
		struct departing *departing = &reload->departing.list[i];

		if (reload_is_member(reload, departing->nodeid)) {
			i++;
			continue;
		}
		log_line("CFG", LOG_NOTICE, "Node %u has left, and is not in the nodelist", departing->nodeid);
		for (uint32_t link = 0; link < departing->link_count; link++)
			if (departing->addresses[link].ss_family != AF_UNSPEC)
				reload_delete_peer(reload, departing->nodeid, link);
		departing_del(reload, departing);
	}
	/* Out of memory: the engine still accepts the node, as before the reload. */
	if (reload_ids_build(reload, reload_running(reload), NULL, &ids) < 0)
		return;
	options.nodes = ids.ids;
	options.node_count = ids.count;
	ring_reconfigure(reload->parts.ring, &options);
	free(ids.ids);
}

static bool has_id(const uint32_t *ids, uint32_t count, uint32_t id)
{
	return bsearch(&id, ids, count, sizeof(*ids), compare_ids) != NULL;
}

void reload_membership(struct reload *reload, const uint32_t *members, uint32_t count)
{
	for (uint32_t i = 0; reload != NULL && i < reload->departing.count; i++) {
		if (reload->is_drop_due || has_id(members, count, reload->departing.list[i].nodeid))
			continue;
		reload->is_drop_due = loop_defer(reload->parts.loop, drop_departed, reload) == 0;
	}
}
