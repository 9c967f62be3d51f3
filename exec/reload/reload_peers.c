/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The transport's part of a reload: new peers and links, removed ones, and changes that are refused
 * before anything happens. reload_nodes.c handles nodes that leave the ring later.
 */
#include "exec/reload/reload_private.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "exec/log/log.h"
#include "exec/plugin/plugin.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/ring/ring.h"

/* --- addresses --- */

static bool is_same_place(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	/* The port has the same offset in both address families. */
	return config_is_same_host(a, b) &&
	       ((const struct sockaddr_in *)a)->sin_port == ((const struct sockaddr_in *)b)->sin_port;
}

static const char *place_text(const struct sockaddr_storage *address, char text[80])
{
	char host[64] = "?", port[8] = "?";

	getnameinfo((const struct sockaddr *)address, sizeof(*address), host, sizeof(host), port, sizeof(port),
		NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(text, 80, "%s port %s", host, port);
	return text;
}

const struct config_node *reload_find_node(const struct config *config, uint32_t nodeid)
{
	for (uint32_t i = 0; i < config->node_count; i++)
		if (config->nodes[i].nodeid == nodeid)
			return &config->nodes[i];
	return NULL;
}

struct departing *reload_find_departing(const struct reload *reload, uint32_t nodeid)
{
	for (uint32_t i = 0; i < reload->departing.count; i++)
		if (reload->departing.list[i].nodeid == nodeid)
			return &reload->departing.list[i];
	return NULL;
}

const struct sockaddr_storage *reload_address_of(const struct config_node *node, uint32_t link)
{
	if (node == NULL || link >= node->link_count || node->addresses[link].ss_family == AF_UNSPEC)
		return NULL;
	return &node->addresses[link];
}

bool reload_is_member(const struct reload *reload, uint32_t nodeid)
{
	const uint32_t *members;
	uint32_t count;

	ring_membership(reload->parts.ring, NULL, &members, &count);
	for (uint32_t i = 0; i < count; i++)
		if (members[i] == nodeid)
			return true;
	return false;
}

/* Return the address at which the running transport knows a node, or NULL. */
static const struct sockaddr_storage *running_address(const struct reload *reload, uint32_t nodeid, uint32_t link)
{
	const struct departing *departing = reload_find_departing(reload, nodeid);

	if (departing == NULL)
		return reload_address_of(reload_find_node(reload_running(reload), nodeid), link);
	if (departing->addresses[link].ss_family == AF_UNSPEC)
		return NULL;
	return &departing->addresses[link];
}

static struct plugin *transport_of(const struct reload *reload)
{
	return plugin_by_name(reload->parts.plugins, reload_running(reload)->transport);
}

/* Return the links of this node, by bit. */
static uint32_t links_of(const struct config *config)
{
	uint32_t links = 0;

	for (uint32_t link = 0; link < CONFIG_LINKS_MAX; link++)
		if (reload_address_of(&config->nodes[config->local], link) != NULL)
			links |= 1u << link;
	return links;
}

/* --- checks before any change --- */

static int check_links(const struct reload *reload, const struct config *config, struct reload_error *error)
{
	uint32_t links = links_of(config);

	if ((links & links_of(reload_running(reload))) != 0)
		return 0;
	return reload_fail(error, -EINVAL,
		"no link would stay: a working link needs to be available at all times: add the "
		"new ones, reload, then remove the old ones");
}

/*
 * Refuse a changed address in the words of the file's syntax. Programs that read Corosync's logs look for Corosync's
 * words.
 */
static int refuse_move(const struct config *config, const struct config_node *node, uint32_t link,
	const struct sockaddr_storage *now, const struct sockaddr_storage *wanted, struct reload_error *error)
{
	char from[80], to[80];

	place_text(now, from);
	place_text(wanted, to);
	if (config->format == CONFIG_FORMAT_COTERIE && node->name != NULL)
		return reload_fail(error, -EINVAL,
			"node '%s' link %u changed from %s to %s: remove the link, reload, add it, reload", node->name,
			link, from, to);
	return reload_fail(error, -EINVAL,
		"new config has different address for link %u of node %u (addr changed from %s to %s): "
		"remove it, reload, then add it again",
		link, node->nodeid, from, to);
}

static int check_moves(const struct reload *reload, const struct config *config, const struct config_node *node,
	struct reload_error *error)
{
	for (uint32_t link = 0; link < node->link_count; link++) {
		const struct sockaddr_storage *wanted = reload_address_of(node, link);
		const struct sockaddr_storage *now = running_address(reload, node->nodeid, link);

		if (wanted == NULL || now == NULL || is_same_place(wanted, now))
			continue;
		return refuse_move(config, node, link, now, wanted, error);
	}
	return 0;
}

/*
 * Check that no other node has the address: a packet's node is found by its address. A departing node keeps its address
 * until it has left.
 */
static int check_place(const struct reload *reload, const struct config *config, const struct config_node *node,
	uint32_t link, struct reload_error *error)
{
	const struct config *running = reload_running(reload);
	const struct sockaddr_storage *wanted = reload_address_of(node, link);
	uint32_t taken_by = 0;
	char place[80];

	for (uint32_t i = 0; i < reload->departing.count; i++) {
		const struct departing *other = &reload->departing.list[i];

		if (other->nodeid != node->nodeid && reload_find_node(config, other->nodeid) == NULL &&
			is_same_place(&other->addresses[link], wanted))
			taken_by = other->nodeid;
	}
	for (uint32_t i = 0; i < running->node_count; i++) {
		const struct config_node *other = &running->nodes[i];
		const struct sockaddr_storage *now = reload_address_of(other, link);

		if (now != NULL && reload_find_node(config, other->nodeid) == NULL && is_same_place(now, wanted) &&
			reload_is_member(reload, other->nodeid))
			taken_by = other->nodeid;
	}
	if (taken_by == 0)
		return 0;
	return reload_fail(error, -EINVAL,
		"node %u would have the address of node %u (%s), which is still in the ring: stop "
		"that one first",
		node->nodeid, taken_by, place_text(wanted, place));
}

int reload_nodes_check(const struct reload *reload, const struct config *config, struct reload_error *error)
{
	int rc = check_links(reload, config, error);

	for (uint32_t i = 0; rc == 0 && i < config->node_count; i++) {
		const struct config_node *node = &config->nodes[i];

		rc = check_moves(reload, config, node, error);
		for (uint32_t link = 0; rc == 0 && link < node->link_count; link++)
			if (reload_address_of(node, link) != NULL &&
				running_address(reload, node->nodeid, link) == NULL)
				rc = check_place(reload, config, node, link, error);
	}
	return rc;
}

/*
 * Check that sockets can be opened on new links. Only Corosync's transports are checked: others may need no socket
 * there.
 */
int reload_links_check(const struct reload *reload, const struct config *config, struct reload_error *error)
{
	const struct config_node *node = &config->nodes[config->local];
	uint32_t links = links_of(config) & ~links_of(reload_running(reload));

	for (uint32_t link = 0; link < node->link_count; link++) {
		if ((links & 1u << link) == 0 || !config_transport_is_standard(config->transport))
			continue;
		struct sockaddr_storage address = *reload_address_of(node, link);
		int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;

		if (address.ss_family == AF_INET6)
			((struct sockaddr_in6 *)&address)->sin6_port = 0;
		else
			((struct sockaddr_in *)&address)->sin_port = 0;
		if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
			rc = -errno;
		if (fd >= 0)
			close(fd);
		if (rc < 0)
			return reload_fail(error, -EINVAL, "cannot use address %s for link %u: %s", node->texts[link],
				link, strerror(-rc));
	}
	return 0;
}

/* --- adding new peers and links --- */

/* Call peer_add for the new addresses of the first node_count nodes. If is_undone, call peer_del for them instead. */
static int change_new(struct reload *reload, const struct config *config, uint32_t node_count, bool is_undone,
	struct reload_error *error)
{
	struct plugin *transport = transport_of(reload);

	for (uint32_t i = 0; i < node_count; i++) {
		const struct config_node *node = &config->nodes[i];

		for (uint32_t link = 0; link < node->link_count; link++) {
			const struct sockaddr_storage *wanted = reload_address_of(node, link);

			if (wanted == NULL || running_address(reload, node->nodeid, link) != NULL)
				continue;
			if (is_undone) {
				PLUGIN_MARKED(transport, "peer_del",
					transport->transport.peer_del(transport->self, link, node->nodeid));
				continue;
			}
			int rc = -ENOTSUP;

			if (link < transport->transport.links_max)
				PLUGIN_MARKED(transport, "peer_add",
					rc = transport->transport.peer_add(
						transport->self, link, node->nodeid, (const struct sockaddr *)wanted));
			if (rc < 0) {
				/*
				 * Undo: remove the links of this node that were added, then all new links of the nodes
				 * before it.
				 */
				while (link-- > 0)
					if (reload_address_of(node, link) != NULL &&
						running_address(reload, node->nodeid, link) == NULL)
						PLUGIN_MARKED(transport, "peer_del",
							transport->transport.peer_del(
								transport->self, link, node->nodeid));
				change_new(reload, config, i, true, NULL);
				return reload_fail(error, rc, "transport %s does not take node %u: %s", transport->name,
					node->nodeid, strerror(-rc));
			}
		}
	}
	return 0;
}

static void close_links(struct reload *reload, uint32_t links)
{
	struct plugin *transport = transport_of(reload);

	for (uint32_t link = 0; link < CONFIG_LINKS_MAX; link++) {
		/* A transport that cannot close a link keeps it: a later reload may add it again. */
		if ((links & 1u << link) == 0 || transport->transport.link_down == NULL)
			continue;
		PLUGIN_MARKED(transport, "link_down", transport->transport.link_down(transport->self, link));
		ring_link_gone(reload->parts.ring, link);
	}
}

/* Open the links that this node did not have. *opened: the links that were opened, also on failure. */
static int open_links(struct reload *reload, const struct config *config, uint32_t *opened, struct reload_error *error)
{
	struct plugin *transport = transport_of(reload);
	const struct config_node *node = &config->nodes[config->local];
	uint32_t links = links_of(config) & ~links_of(reload_running(reload));

	*opened = 0;
	for (uint32_t link = 0; link < CONFIG_LINKS_MAX; link++) {
		if ((links & 1u << link) == 0)
			continue;
		int rc;

		PLUGIN_MARKED(transport, "link_up",
			rc = transport->transport.link_up(
				transport->self, link, (const struct sockaddr *)reload_address_of(node, link)));
		if (rc == -EEXIST && transport->transport.link_down == NULL)
			rc = 0; /* the link has stayed open since an earlier reload */
		if (rc < 0)
			return reload_fail(error, rc, "cannot use address %s for link %u: %s", node->texts[link], link,
				strerror(-rc));
		*opened |= 1u << link;
	}
	return 0;
}

void reload_nodes_undo(struct reload *reload, const struct config *config)
{
	change_new(reload, config, config->node_count, true, NULL);
	close_links(reload, reload->opened_links);
	reload->opened_links = 0;
}

int reload_nodes_add(struct reload *reload, const struct config *config, struct reload_error *error)
{
	int rc = change_new(reload, config, config->node_count, false, error);

	if (rc < 0)
		return rc;
	rc = open_links(reload, config, &reload->opened_links, error);
	if (rc < 0)
		reload_nodes_undo(reload, config);
	return rc;
}

/* --- removing peers and links --- */

void reload_delete_peer(struct reload *reload, uint32_t nodeid, uint32_t link)
{
	struct plugin *transport = transport_of(reload);

	if (transport != NULL && link < transport->transport.links_max)
		PLUGIN_MARKED(transport, "peer_del", transport->transport.peer_del(transport->self, link, nodeid));
}

void reload_links_remove(struct reload *reload, const struct config *before)
{
	uint32_t gone = links_of(before) & ~links_of(reload_running(reload));

	for (uint32_t i = 0; i < reload->departing.count; i++) {
		struct departing *departing = &reload->departing.list[i];

		for (uint32_t link = 0; link < CONFIG_LINKS_MAX; link++) {
			if ((gone & 1u << link) == 0 || departing->addresses[link].ss_family == AF_UNSPEC)
				continue;
			reload_delete_peer(reload, departing->nodeid, link);
			departing->addresses[link].ss_family = AF_UNSPEC;
		}
	}
	close_links(reload, gone);
}
