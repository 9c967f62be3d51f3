/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Links: which links exist, their ports and address families, and what each transport allows (book
 * configuration, "Links and nodes").
 */
#include "config/tree.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/plugin.h>

#include "config/compat.h"
#include "config/words.h"

#define PORT_DEFAULT 5405

/* Return the links that the file mentions, as bits. */
static uint32_t interfaces_of(struct tree *tree)
{
	static const char prefix[] = "totem.interface.";
	uint32_t links = 0;

	for (uint32_t i = 0; i < tree->count; i++) {
		const struct tree_item *item = &tree->items[i];
		const char *number = item->key + strlen(prefix);
		char *end;

		if (strncmp(item->key, prefix, strlen(prefix)) != 0 || *number < '0' || *number > '9')
			continue;
		unsigned long link = strtoul(number, &end, 10);

		if (*end != '.')
			continue;
		if (link >= CONFIG_LINKS_MAX)
			tree_error(
				tree, item->place, "link number %lu: must be from 0 to %d", link, CONFIG_LINKS_MAX - 1);
		else
			links |= 1u << link;
	}
	return links;
}

static uint32_t links_of(const struct config_node *node)
{
	uint32_t links = 0;

	for (uint32_t link = 0; link < node->link_count; link++)
		if (node->texts[link] != NULL)
			links |= 1u << link;
	return links;
}

static const struct tree_item *link_item(const struct tree *tree, uint32_t link, const char *name)
{
	char key[96];

	snprintf(key, sizeof(key), "totem.interface.%u.%s", link, name);
	return tree_find(tree, key);
}

static struct place node_place(const struct tree *tree, const struct config_node *node, uint32_t link)
{
	char key[64];

	snprintf(key, sizeof(key), "nodelist.node.%u.ring%u_addr", node->position, link);
	struct place place = tree_place(tree, key);

	if (place.line == 0) {
		snprintf(key, sizeof(key), "nodelist.node.%u.name", node->position);
		place = tree_place(tree, key);
	}
	return place;
}

static const char *name_of(const struct config_node *node)
{
	return node->name != NULL ? node->name : node->texts[0] != NULL ? node->texts[0] : "?";
}

/* Report a node that is not on a link although another node is. */
static void tell_unequal(struct tree *tree, const struct config *config, const struct config_node *node, uint32_t link)
{
	const struct config_node *other = NULL;
	uint32_t count = (uint32_t)__builtin_popcount(links_of(node));

	for (uint32_t i = 0; i < config->node_count && other == NULL; i++)
		if (config->nodes[i].texts[link] != NULL)
			other = &config->nodes[i];
	uint32_t others = other == NULL ? 0 : (uint32_t)__builtin_popcount(links_of(other));
	struct place place = node_place(tree, node, (uint32_t)__builtin_ctz(links_of(node) | 1u << 7));

	if (others > count)
		tree_error(tree, place,
			"node '%s' has %u address%s, node '%s' has %u: give every node one address per link",
			name_of(node), count, count == 1 ? "" : "es", name_of(other), others);
	else
		tree_error(tree, place, "node '%s' has no address on link %u: give every node one address per link",
			name_of(node), link);
}

static void check_symmetry(struct tree *tree, const struct config *config, uint32_t links)
{
	for (uint32_t i = 0; i < config->node_count; i++) {
		const struct config_node *node = &config->nodes[i];
		uint32_t missing = links & ~links_of(node);

		if (missing == 0)
			continue;
		uint32_t link = (uint32_t)__builtin_ctz(missing);

		if (tree->is_native) {
			tell_unequal(tree, config, node, link);
			return;
		}
		tree_error(tree, node_place(tree, node, link),
			"Not all nodes have the same number of links: node '%s' has no address on "
			"link %u: add "
			"'ring%u_addr' or remove the link everywhere",
			node->name != NULL       ? node->name
			: node->texts[0] != NULL ? node->texts[0]
						 : "?",
			link, link);
		return; /* further messages would be about the same mistake */
	}
}

static void check_families(struct tree *tree, const struct config *config)
{
	for (uint32_t link = 0; link < CONFIG_LINKS_MAX; link++) {
		const struct config_node *first = NULL;

		for (uint32_t i = 0; i < config->node_count; i++) {
			const struct config_node *node = &config->nodes[i];

			if (node->addresses[link].ss_family == AF_UNSPEC)
				continue;
			if (first == NULL)
				first = node;
			if (node->addresses[link].ss_family == first->addresses[link].ss_family)
				continue;
			if (tree->is_native) {
				bool is_six = node->addresses[link].ss_family == AF_INET6;

				tree_error(tree, node_place(tree, node, link),
					"link %u mixes %s (%s) and %s (%s of node '%s'): use one family per "
					"link",
					link, is_six ? "IPv4" : "IPv6", first->texts[link], is_six ? "IPv6" : "IPv4",
					node->texts[link], name_of(node));
				break;
			}
			tree_error(tree, node_place(tree, node, link),
				"Nodes for link %u have different IP families (compared %s with "
				"%s): use one "
				"family per link",
				link, node->texts[link], first->texts[link]);
			break;
		}
	}
}

static void check_count(struct tree *tree, const struct config *config, uint32_t links)
{
	uint32_t count = (uint32_t)__builtin_popcount(links);

	if (is_ip_transport(config->transport) && count > 1)
		tree_error(tree, (struct place){.file = tree->file}, COMPAT_TEXT_LINKS, count);
	else if (is_ip_transport(config->transport) && links != 1)
		tree_error(tree, (struct place){.file = tree->file},
			"transport %s uses link 0: give every node a 'ring0_addr'", config->transport);
	if (count < 2)
		return;
	for (uint32_t i = 0; i < config->node_count; i++)
		if (config->nodes[i].name == NULL)
			tree_error(tree, node_place(tree, &config->nodes[i], 0),
				"for a multi-link configuration, all nodes must have a 'name' "
				"attribute: add "
				"'name: NAME'");
}

static void check_interface(struct tree *tree, const struct config *config, uint32_t link)
{
	const struct tree_item *item = link_item(tree, link, "ttl");
	const struct compat_words *protocol = &compat_link_protocol;

	if (item != NULL && item->number != 1 && config_transport_is_standard(config->transport) &&
		strcmp(config->transport, "udp") != 0)
		tree_error(tree, item->place,
			"Can only set ttl on multicast transport types for interface %u: remove it "
			"or use "
			"'transport: udp'",
			link);
	item = link_item(tree, link, COMPAT_LINK_PRIORITY);
	if (item != NULL && item->number > 1 && is_ip_transport(config->transport)) /* Corosync accepts 0 as well */
		tree_error(tree, item->place, COMPAT_TEXT_PRIORITY, link);
	item = link_item(tree, link, protocol->key);
	if (item != NULL && !config_has_word(protocol->words, item->text))
		tree_error(tree, item->place, "'%s' is not a %s: choose one of: %s", item->text, protocol->key,
			protocol->words);
	if (link_item(tree, link, "member.0") != NULL)
		tree_warning(tree, link_item(tree, link, "member.0")->place,
			"member section is used together with nodelist. Members ignored: remove "
			"it");
	item = link_item(tree, link, "bindnetaddr");
	if (item != NULL)
		tree_warning(
			tree, item->place, "'bindnetaddr' is ignored: the nodelist's address of this node is used");
}

/*
 * Derive the multicast address from the cluster's name: book transports, "Multicast address". The remainder is by 255,
 * not 256, as Corosync's nodes compute it.
 */
static void generate_group(struct tree *tree, const struct config *config, const char *name)
{
	uint16_t id = 0;
	char text[INET6_ADDRSTRLEN];

	for (; *name != '\0'; name++)
		id = (uint16_t)(2 * id + (uint16_t)(signed char)*name);
	if (config->nodes[config->local].addresses[0].ss_family == AF_INET6)
		snprintf(text, sizeof(text), "ff15::%x", id);
	else
		snprintf(text, sizeof(text), "239.192.%u.%u", id >> 8, id % 255);
	tree_set_string(tree, "totem.interface.0.mcastaddr", text, (struct place){.file = tree->file});
}

static bool is_multicast(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return IN_MULTICAST(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
	return IN6_IS_ADDR_MULTICAST(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static bool is_broadcast(const struct tree *tree, uint32_t link)
{
	const struct tree_item *item = link_item(tree, link, "broadcast");

	return item != NULL && strcmp(item->text, "yes") == 0;
}

/*
 * The map shows the address as it was written, although packets are sent to the broadcast address.
 */
static void check_broadcast(struct tree *tree, const struct config *config)
{
	const struct tree_item *item = link_item(tree, 0, "mcastaddr");
	struct sockaddr_storage address;

	if (config->nodes[config->local].addresses[0].ss_family == AF_INET6)
		tree_error(tree, link_item(tree, 0, "broadcast")->place,
			"IPv6 has no broadcast: remove 'broadcast' or use IPv4 addresses");
	if (item == NULL)
		tree_set_string(
			tree, "totem.interface.0.mcastaddr", "255.255.255.255", (struct place){.file = tree->file});
	else if (config_parse_address(item->text, AF_UNSPEC, &address) < 0)
		tree_error(tree, item->place, "'%s' is not an IP address: remove 'mcastaddr'", item->text);
}

static void check_group(struct tree *tree, const struct config *config)
{
	const struct tree_item *item = link_item(tree, 0, "mcastaddr");
	const char *cluster = tree_text(tree, "totem.cluster_name");
	const char *ip_version = tree_text(tree, "totem.ip_version");
	struct sockaddr_storage address;

	if (is_broadcast(tree, 0)) {
		check_broadcast(tree, config);
		return;
	}
	if (item == NULL && cluster == NULL) {
		tree_error(tree, (struct place){.file = tree->file},
			"No multicast address specified for interface 0: add 'cluster_name: NAME' "
			"or "
			"'mcastaddr: ADDRESS'");
		return;
	}
	if (item == NULL) {
		generate_group(tree, config, cluster);
		return;
	}
	if (config_parse_address(item->text, AF_UNSPEC, &address) < 0)
		tree_error(tree, item->place, "'%s' is not an IP address: give a multicast address", item->text);
	else if (!is_multicast(&address))
		tree_error(tree, item->place,
			"mcastaddr '%s' is not a multicast address: use one of 224.0.0.0/4 or "
			"ff00::/8",
			item->text);
	else if (address.ss_family == AF_INET6 && (ip_version == NULL || strcmp(ip_version, "ipv4") == 0))
		tree_error(tree, item->place, "mcastaddr '%s' is IPv6: add 'ip_version: ipv6'", item->text);
	else if (address.ss_family != config->nodes[config->local].addresses[0].ss_family)
		tree_error(tree, item->place,
			"mcastaddr '%s' is not of the family of this node's address: use one "
			"family",
			item->text);
}

static uint16_t port_of(const struct tree *tree, uint32_t link, uint32_t step)
{
	const struct tree_item *item = link_item(tree, link, "mcastport");

	if (item != NULL && item->number != 0)
		return (uint16_t)item->number;
	return (uint16_t)(PORT_DEFAULT + step * link);
}

static void set_port(struct sockaddr_storage *address, uint16_t port)
{
	if (address->ss_family == AF_INET)
		((struct sockaddr_in *)address)->sin_port = htons(port);
	else if (address->ss_family == AF_INET6)
		((struct sockaddr_in6 *)address)->sin6_port = htons(port);
}

static void set_ports(struct tree *tree, struct config *config)
{
	uint32_t step = 1;

	for (uint32_t link = 0; link < CONFIG_LINKS_MAX; link++)
		if (is_broadcast(tree, link))
			step = 2;
	for (uint32_t i = 0; i < config->node_count; i++)
		for (uint32_t link = 0; link < config->nodes[i].link_count; link++)
			set_port(&config->nodes[i].addresses[link], port_of(tree, link, step));
	const struct tree_item *port = link_item(tree, 0, "mcastport");
	/*
	 * A port that is already in the tree keeps its place, so that messages name the line in the
	 * file.
	 */
	if (strcmp(config->transport, "udp") == 0 && (port == NULL || port->number == 0))
		tree_set_number(tree, "totem.interface.0.mcastport", COTERIE_MAP_U16, port_of(tree, 0, step),
			(struct place){.file = tree->file});
}

/*
 * Since 3.1.10 the map contains the port of each link of this node, even if the file does not set
 * it.
 */
static void publish_port(struct tree *tree, const struct config_node *node, uint32_t link)
{
	const struct sockaddr_storage *address = &node->addresses[link];
	in_port_t port = address->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)address)->sin6_port
							: ((const struct sockaddr_in *)address)->sin_port;
	char key[64];

	snprintf(key, sizeof(key), "runtime.config.totem.interface.%u.mcastport", link);
	tree_set_number(tree, key, COTERIE_MAP_U16, ntohs(port), (struct place){.file = tree->file});
}

/* Set the keys with the id and the addresses of this node. */
static void publish_local(struct tree *tree, const struct config *config)
{
	const struct config_node *node = &config->nodes[config->local];
	const struct place nowhere = {.file = tree->file};

	for (uint32_t link = 0; link < node->link_count; link++) {
		char key[64];

		if (node->texts[link] == NULL)
			continue;
		snprintf(key, sizeof(key), "totem.interface.%u.bindnetaddr", link);
		tree_set_string(tree, key, node->texts[link], nowhere);
		publish_port(tree, node, link);
	}
	tree_set_number(tree, "nodelist.local_node_pos", COTERIE_MAP_U32, node->position, nowhere);
}

int links_build(struct tree *tree, struct config *config)
{
	uint32_t interfaces = interfaces_of(tree), links = interfaces;

	for (uint32_t i = 0; i < config->node_count; i++)
		links |= links_of(&config->nodes[i]);
	if (config->node_count == 0)
		return 0; /* an error was reported */
	if (links == 0) {
		tree_error(tree, (struct place){.file = tree->file},
			"No interfaces defined: give every node a 'ring0_addr'");
		return 0;
	}
	config->link_count = 32 - (uint32_t)__builtin_clz(links);
	check_symmetry(tree, config, links);
	check_families(tree, config);
	check_count(tree, config, links);
	for (uint32_t link = 0; link < CONFIG_LINKS_MAX; link++)
		if ((interfaces & 1u << link) != 0)
			check_interface(tree, config, link);
	if (strcmp(config->transport, "udp") == 0)
		check_group(tree, config);
	set_ports(tree, config);
	publish_local(tree, config);
	return tree->is_out_of_memory ? -ENOMEM : 0;
}
