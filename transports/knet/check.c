/* SPDX-License-Identifier: BSD-3-Clause */
#include "transports/knet/check.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#define NODEID_MAX 65535u /* libknet's ids have 16 bits */
#define PING_TIMEOUT_MIN \
	200 /* milliseconds: the step in which libknet examines links. 1.31 and later refuse less  \
	     */

static const struct coterie_config_key *node_key(
	const struct coterie_config_view *view, const struct coterie_config_node *node, const char *name)
{
	char key[64];

	snprintf(key, sizeof(key), "nodelist.node.%u.%s", node->position, name);
	return view->find(view, key);
}

/* Return the key with the address of a node or, without an address, the key with its name. */
static const struct coterie_config_key *node_place(
	const struct coterie_config_view *view, const struct coterie_config_node *node)
{
	const struct coterie_config_key *address = node_key(view, node, "ring0_addr");

	return address != NULL ? address : node_key(view, node, "name");
}

static const char *node_name(const struct coterie_config_view *view, const struct coterie_config_node *node)
{
	const struct coterie_config_key *address = node_key(view, node, "ring0_addr");

	return node->name != NULL ? node->name : address != NULL ? address->text : "?";
}

/* Check a node's id. The executive derives a missing id from an IPv4 address, and such an id is too large for knet. */
static void check_node(const struct coterie_config_view *view, const struct coterie_config_report *report,
	const struct coterie_config_node *node)
{
	const struct coterie_config_key *id = node_key(view, node, "nodeid");
	bool is_native = view->syntax == COTERIE_SYNTAX_COTERIE;

	if (id == NULL || id->number == 0)
		return; /* the executive reports this */
	if (id->line == 0)
		report->error(report, node_place(view, node), "node '%s' has no id, which knet needs: add '%s'",
			node_name(view, node), is_native ? "id = N" : "nodeid: N");
	else if (id->number > NODEID_MAX && is_native)
		report->error(report, id, "node id %" PRIu64 ": knet allows 1 to %u", id->number, NODEID_MAX);
	else if (id->number > NODEID_MAX)
		report->error(report, id, "node '%s' has id %" PRIu64 ": knet allows 1 to %u", node_name(view, node),
			id->number, NODEID_MAX);
}

/*
 * Check a link's timeout. If it is shorter than libknet's step, older versions take the link down and up again all the
 * time.
 */
static void check_timeout(
	const struct coterie_config_view *view, const struct coterie_config_report *report, uint32_t link)
{
	const struct coterie_config_key *timeout;
	char key[64];

	snprintf(key, sizeof(key), "totem.interface.%u.knet_ping_timeout", link);
	timeout = view->find(view, key);
	if (timeout != NULL && timeout->number != 0 && timeout->number < PING_TIMEOUT_MIN)
		report->error(report, timeout,
			"'%s' is %" PRIu64 " ms: must be at least %d ms, the step in which libknet looks at links",
			view->name(view, key), timeout->number, PING_TIMEOUT_MIN);
}

void mesh_check(const struct coterie_config_view *view, const struct coterie_config_report *report)
{
	for (uint32_t i = 0; i < view->node_count; i++) {
		const struct coterie_config_node *node = (const void *)((const char *)view->nodes +
									(size_t)view->node_size * i);

		check_node(view, report, node);
		for (uint32_t link = 0; node->is_local && link < COTERIE_LINKS_MAX; link++)
			if ((node->links & 1u << link) != 0)
				check_timeout(view, report, link);
	}
}
