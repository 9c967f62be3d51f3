/* Nodes that come and go with a reload: peers of the transport, and whom the engine knows. */
#include "exec/reload_private.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/log.h"
#include "exec/loop.h"
#include "exec/plugin.h"
#include "exec/ring.h"

/* --- addresses --- */

static bool is_same_place(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in *a4 = (const struct sockaddr_in *)a,
				 *b4 = (const struct sockaddr_in *)b;
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a;
	const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)b;

	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return a4->sin_addr.s_addr == b4->sin_addr.s_addr && a4->sin_port == b4->sin_port;
	return a6->sin6_port == b6->sin6_port && a6->sin6_scope_id == b6->sin6_scope_id &&
	       memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
}

static const char *place_text(const struct sockaddr_storage *address, char text[80])
{
	char host[64] = "?", port[8] = "?";

	getnameinfo((const struct sockaddr *)address, sizeof(*address), host, sizeof(host), port,
		sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(text, 80, "%s port %s", host, port);
	return text;
}

static const struct config_node *find_node(const struct config *config, uint32_t nodeid)
{
	for (uint32_t i = 0; i < config->node_count; i++)
		if (config->nodes[i].nodeid == nodeid)
			return &config->nodes[i];
	return NULL;
}

static struct departing *find_departing(const struct reload *reload, uint32_t nodeid)
{
	for (uint32_t i = 0; i < reload->departing.count; i++)
		if (reload->departing.list[i].nodeid == nodeid)
			return &reload->departing.list[i];
	return NULL;
}

/* Where a node of the node list is on a link, or NULL. */
static const struct sockaddr_storage *address_of(const struct config_node *node, uint32_t link)
{
	if (node == NULL || link >= node->link_count ||
		node->addresses[link].ss_family == AF_UNSPEC)
		return NULL;
	return &node->addresses[link];
}

/* Where the transport has a node until now, or NULL. */
static const struct sockaddr_storage *running_address(
	const struct reload *reload, const struct config *running, uint32_t nodeid, uint32_t link)
{
	const struct departing *departing = find_departing(reload, nodeid);

	if (departing == NULL)
		return address_of(find_node(running, nodeid), link);
	if (link >= departing->link_count || departing->addresses[link].ss_family == AF_UNSPEC)
		return NULL;
	return &departing->addresses[link];
}

static struct plugin *transport_of(const struct reload *reload)
{
	return plugin_by_name(reload->executive->plugins, reload->executive->config->transport);
}

/* --- before anything changes --- */

int reload_nodes_check(
	const struct reload *reload, const struct config *config, struct reload_error *error)
{
	const struct config *running = reload->executive->config;
	char from[80], to[80];

	for (uint32_t i = 0; i < config->node_count; i++) {
		const struct config_node *node = &config->nodes[i];

		for (uint32_t link = 0; link < node->link_count; link++) {
			const struct sockaddr_storage *wanted = address_of(node, link);
			const struct sockaddr_storage *now =
				running_address(reload, running, node->nodeid, link);

			if (wanted == NULL || now == NULL || is_same_place(wanted, now))
				continue;
			return reload_fail(error, -EINVAL,
				"new config has different address for link %u of node %u (addr "
				"changed "
				"from %s to %s): remove it, reload, then add it again",
				link, node->nodeid, place_text(now, from), place_text(wanted, to));
		}
	}
	return 0;
}

/* --- the transport --- */

/* Calls peer_add for what is new, up to a node; or peer_del for the same. */
static int change_new(struct reload *reload, const struct config *config, uint32_t node_count,
	bool is_undone, struct reload_error *error)
{
	const struct config *running = reload->executive->config;
	struct plugin *transport = transport_of(reload);

	for (uint32_t i = 0; i < node_count; i++) {
		const struct config_node *node = &config->nodes[i];

		for (uint32_t link = 0;
			link < node->link_count && link < transport->transport.links_max; link++) {
			const struct sockaddr_storage *wanted = address_of(node, link);

			if (wanted == NULL ||
				running_address(reload, running, node->nodeid, link) != NULL)
				continue;
			if (is_undone) {
				transport->transport.peer_del(transport->self, link, node->nodeid);
				continue;
			}
			int rc = transport->transport.peer_add(transport->self, link, node->nodeid,
				(const struct sockaddr *)wanted);
			if (rc < 0) {
				/* Of this node the links before, of the nodes before all. */
				while (link-- > 0)
					if (running_address(reload, running, node->nodeid, link) ==
						NULL)
						transport->transport.peer_del(
							transport->self, link, node->nodeid);
				change_new(reload, config, i, true, NULL);
				return reload_fail(error, rc,
					"transport %s does not take node %u: %s", transport->name,
					node->nodeid, strerror(-rc));
			}
		}
	}
	return 0;
}

/* Links that this node did not have. */
static int open_links(
	struct reload *reload, const struct config *config, struct reload_error *error)
{
	struct plugin *transport = transport_of(reload);
	const struct config_node *node = &config->nodes[config->local];

	for (uint32_t link = 0; link < node->link_count && link < transport->transport.links_max;
		link++) {
		const struct sockaddr_storage *wanted = address_of(node, link);

		if (wanted == NULL || running_address(reload, reload->executive->config,
					      node->nodeid, link) != NULL)
			continue;
		int rc = transport->transport.link_up(
			transport->self, link, (const struct sockaddr *)wanted);
		if (rc < 0)
			return reload_fail(error, rc, "cannot use address %s for link %u: %s",
				node->texts[link], link, strerror(-rc));
	}
	return 0;
}

void reload_nodes_undo(struct reload *reload, const struct config *config)
{
	change_new(reload, config, config->node_count, true, NULL);
}

int reload_nodes_add(struct reload *reload, const struct config *config, struct reload_error *error)
{
	int rc = change_new(reload, config, config->node_count, false, error);

	if (rc < 0)
		return rc;
	rc = open_links(reload, config, error);
	if (rc < 0)
		reload_nodes_undo(reload, config);
	return rc;
}

/* --- departures --- */

static bool is_member(const struct reload *reload, uint32_t nodeid)
{
	const uint32_t *members;
	uint32_t count;

	ring_membership(reload->executive->ring, NULL, &members, &count);
	for (uint32_t i = 0; i < count; i++)
		if (members[i] == nodeid)
			return true;
	return false;
}

static void delete_peer(struct reload *reload, uint32_t nodeid, uint32_t link)
{
	struct plugin *transport = transport_of(reload);

	if (transport != NULL && link < transport->transport.links_max)
		transport->transport.peer_del(transport->self, link, nodeid);
}

static int departing_add(struct reload *reload, const struct config_node *node)
{
	struct departing *list =
		reallocarray(reload->departing.list, reload->departing.count + 1, sizeof(*list));

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

static void remove_node(struct reload *reload, const struct config_node *node)
{
	const char *name = node->name != NULL ? node->name : node->texts[0];

	if (is_member(reload, node->nodeid) && departing_add(reload, node) == 0) {
		log_line("CFG", LOG_NOTICE,
			"Node %u (%s) is not in the nodelist any more; it stays in the ring until "
			"it leaves: "
			"stop it there",
			node->nodeid, name);
		return;
	}
	log_line("CFG", LOG_NOTICE, "Node %u (%s) is not in the nodelist any more", node->nodeid,
		name);
	for (uint32_t link = 0; link < node->link_count; link++)
		if (address_of(node, link) != NULL)
			delete_peer(reload, node->nodeid, link);
}

/* It is in the node list again; perhaps not on every link. */
static void take_back(
	struct reload *reload, struct departing *departing, const struct config_node *node)
{
	for (uint32_t link = 0; link < departing->link_count; link++)
		if (departing->addresses[link].ss_family != AF_UNSPEC &&
			address_of(node, link) == NULL)
			delete_peer(reload, departing->nodeid, link);
	departing_del(reload, departing);
}

void reload_nodes_remove(struct reload *reload, const struct config *before)
{
	const struct config *config = reload->executive->config;

	for (uint32_t i = 0; i < config->node_count; i++) {
		const struct config_node *node = &config->nodes[i];
		struct departing *departing = find_departing(reload, node->nodeid);

		if (departing == NULL && find_node(before, node->nodeid) == NULL)
			log_line("CFG", LOG_NOTICE, "Node %u (%s) is in the nodelist now",
				node->nodeid, node->name != NULL ? node->name : node->texts[0]);
		if (departing != NULL)
			take_back(reload, departing, node);
	}
	for (uint32_t i = 0; i < before->node_count; i++) {
		const struct config_node *node = &before->nodes[i];
		const struct config_node *now = find_node(config, node->nodeid);

		if (now == NULL) {
			remove_node(reload, node);
			continue;
		}
		for (uint32_t link = 0; link < node->link_count; link++)
			if (address_of(node, link) != NULL && address_of(now, link) == NULL)
				delete_peer(reload, node->nodeid, link);
	}
}

/* --- the engine --- */

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

int reload_ids_build(const struct reload *reload, const struct config *config,
	const struct config *before, struct reload_ids *ids)
{
	uint32_t room =
		config->node_count + reload->departing.count + (before ? before->node_count : 0);
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
		if (is_member(reload, before->nodes[i].nodeid))
			ids->ids[ids->count++] = before->nodes[i].nodeid;
	qsort(ids->ids, ids->count, sizeof(*ids->ids), compare_ids);
	for (uint32_t i = 0; i < ids->count; i++)
		if (kept == 0 || ids->ids[kept - 1] != ids->ids[i])
			ids->ids[kept++] = ids->ids[i];
	ids->count = kept;
	return 0;
}

/* Not inside the engine, which asks the transport for its peers while it sends. */
static void drop_departed(void *arg)
{
	struct reload *reload = arg;
	struct totem_options options = reload->executive->config->totem;
	struct reload_ids ids;
	uint32_t i = 0;

	reload->is_drop_due = false;
	while (i < reload->departing.count) {
		struct departing *departing = &reload->departing.list[i];

		if (is_member(reload, departing->nodeid)) {
			i++;
			continue;
		}
		log_line("CFG", LOG_NOTICE, "Node %u has left, and is not in the nodelist",
			departing->nodeid);
		for (uint32_t link = 0; link < departing->link_count; link++)
			if (departing->addresses[link].ss_family != AF_UNSPEC)
				delete_peer(reload, departing->nodeid, link);
		departing_del(reload, departing);
	}
	/* Out of memory: it may come back, which is not worse than before the reload. */
	if (reload_ids_build(reload, reload->executive->config, NULL, &ids) < 0)
		return;
	options.nodes = ids.ids;
	options.node_count = ids.count;
	ring_reconfigure(reload->executive->ring, &options);
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
		reload->is_drop_due =
			loop_defer(reload->executive->loop, drop_departed, reload) == 0;
	}
}
