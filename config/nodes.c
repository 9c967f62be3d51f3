/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The node list (book configuration, "Links and nodes"): the nodes, their addresses and ids, and
 * which of them is this one. Host names are resolved only here, before the ring exists. Addresses
 * are never resolved back to names.
 */
#include "config/tree.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/plugin.h>

#define NODES_MAX 384 /* joins and commit tokens have room for this many nodes */

int config_parse_address(const char *text, int family, struct sockaddr_storage *address)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_family = family, .ai_socktype = SOCK_DGRAM};
	struct addrinfo *found;

	memset(address, 0, sizeof(*address));
	if (*text == '\0' || getaddrinfo(text, NULL, &hints, &found) != 0)
		return -ENOENT;
	memcpy(address, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

int config_resolve(const struct config_environment *environment, const char *ip_version, const char *text,
	struct sockaddr_storage *address)
{
	int first = strncmp(ip_version, "ipv4", 4) == 0 ? AF_INET : AF_INET6;
	int second = first == AF_INET ? AF_INET6 : AF_INET;
	bool has_second = strchr(ip_version, '-') != NULL;

	if (config_parse_address(text, AF_UNSPEC, address) == 0)
		return address->ss_family == first || has_second ? 0 : -EAFNOSUPPORT;
	if (*text == '\0')
		return -ENOENT;
	int rc = environment->resolve(environment->arg, text, first, address);

	if (rc == 0 || rc == -ETIMEDOUT || !has_second)
		return rc;
	int second_rc = environment->resolve(environment->arg, text, second, address);

	/* If the resolver failed in one of both attempts, report that: it is more useful than "unknown name". */
	return second_rc == 0 || second_rc == -EAGAIN || second_rc == -ETIMEDOUT ? second_rc : rc;
}

/* Return the position in nodelist.node.POSITION.NAME, or -1 for another key. */
static int64_t position_of(const char *key, const char **name)
{
	static const char prefix[] = "nodelist.node.";
	const char *at = key + strlen(prefix);
	uint64_t position = 0;

	if (strncmp(key, prefix, strlen(prefix)) != 0 || *at < '0' || *at > '9')
		return -1;
	for (; *at >= '0' && *at <= '9'; at++) {
		position = position * 10 + (uint64_t)(*at - '0');
		if (position > UINT32_MAX)
			return -1;
	}
	if (*at != '.')
		return -1;
	*name = at + 1;
	return (int64_t)position;
}

/* Return the number N of ringN_addr, or -1. */
static int link_of(const char *name)
{
	const char *at = name + 4;

	if (strncmp(name, "ring", 4) != 0 || *at < '0' || *at > '9')
		return -1;
	int link = 0;

	for (; *at >= '0' && *at <= '9' && link < 1000; at++)
		link = link * 10 + (*at - '0');
	return strcmp(at, "_addr") == 0 ? link : -1;
}

static struct config_node *node_at(struct config *config, uint32_t position)
{
	/* The reader numbers the nodes in order, so the wanted one is nearly always the last. */
	for (uint32_t i = config->node_count; i > 0; i--)
		if (config->nodes[i - 1].position == position)
			return &config->nodes[i - 1];
	return NULL;
}

static void collect_item(struct tree *tree, const struct tree_item *item, struct config_node *node, const char *name)
{
	int link = link_of(name);

	if (link >= CONFIG_LINKS_MAX) {
		tree_error(tree, item->place, "link number %d: must be from 0 to %d", link, CONFIG_LINKS_MAX - 1);
	} else if (link >= 0) {
		node->texts[link] = item->text;
		if (node->link_count < (uint32_t)link + 1)
			node->link_count = (uint32_t)link + 1;
	} else if (strcmp(name, "name") == 0) {
		node->name = item->text;
	} else if (strcmp(name, "nodeid") == 0 && item->type == COTERIE_MAP_U32) {
		node->nodeid = (uint32_t)item->number;
	}
}

static int collect(struct tree *tree, struct config *config)
{
	config->nodes = arena_take(tree->arena, NODES_MAX * sizeof(*config->nodes));
	if (config->nodes == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < tree->count; i++) {
		const struct tree_item *item = &tree->items[i];
		const char *name;
		int64_t position = position_of(item->key, &name);

		if (position < 0)
			continue;
		struct config_node *node = node_at(config, (uint32_t)position);

		if (node == NULL && config->node_count == NODES_MAX) {
			tree_error(tree, item->place, "more than %d nodes: remove some", NODES_MAX);
			return 0;
		}
		if (node == NULL) {
			node = &config->nodes[config->node_count++];
			node->position = (uint32_t)position;
		}
		collect_item(tree, item, node, name);
	}
	return 0;
}

static struct place node_place(const struct tree *tree, const struct config_node *node, const char *name)
{
	char key[64];

	snprintf(key, sizeof(key), "nodelist.node.%u.%s", node->position, name);
	return tree_place(tree, key);
}

static struct place link_place(const struct tree *tree, const struct config_node *node, uint32_t link)
{
	char name[32];

	snprintf(name, sizeof(name), "ring%u_addr", link);
	return node_place(tree, node, name);
}

/* --- find this node in the list --- */

static size_t short_length(const char *name) { return strcspn(name, "."); }

/*
 * Return whether the text is the host name, the host name without its last parts, or a short form
 * of it.
 */
static bool is_host_name(const char *text, const char *host_name)
{
	size_t length = strlen(host_name), text_length = strlen(text);

	if (text_length == 0 || length == 0)
		return false;
	if (text_length <= length && strncmp(text, host_name, text_length) == 0 &&
		(host_name[text_length] == '\0' || host_name[text_length] == '.'))
		return true;
	return short_length(text) == short_length(host_name) && strncmp(text, host_name, short_length(text)) == 0;
}

static bool has_host_name(const struct config_node *node, const char *host_name)
{
	return (node->name != NULL && is_host_name(node->name, host_name)) ||
	       (node->texts[0] != NULL && is_host_name(node->texts[0], host_name));
}

/* is_numeric: only compare numeric addresses; otherwise compare the resolved ones. */
static bool has_local_address(
	const struct config_node *node, const struct config_environment *environment, bool is_numeric)
{
	for (uint32_t link = 0; link < node->link_count; link++) {
		struct sockaddr_storage address;

		if (node->texts[link] == NULL)
			continue;
		if (is_numeric && config_parse_address(node->texts[link], AF_UNSPEC, &address) < 0)
			continue;
		if (!is_numeric)
			address = node->addresses[link];
		if (address.ss_family != AF_UNSPEC &&
			environment->is_local(environment->arg, (const struct sockaddr *)&address))
			return true;
	}
	return false;
}

static int64_t find_by_name(const struct config *config, const char *name)
{
	for (uint32_t i = 0; i < config->node_count; i++)
		if (config->nodes[i].name != NULL && strcmp(config->nodes[i].name, name) == 0)
			return i;
	return -1;
}

/*
 * Choose among several candidates by the host name. -1: there is no candidate, -2: the host name
 * does not decide.
 */
static int64_t choose(const struct config *config, const bool *is_candidate, const char *host_name)
{
	int64_t by_address = -1, by_name = -1;
	uint32_t count = 0, named = 0;

	for (uint32_t i = 0; i < config->node_count; i++) {
		if (!is_candidate[i])
			continue;
		by_address = i;
		count++;
		if (has_host_name(&config->nodes[i], host_name)) {
			by_name = i;
			named++;
		}
	}
	if (count <= 1)
		return by_address;
	return named == 1 ? by_name : -2;
}

static void report_several(struct tree *tree, const struct config *config, const bool *is_candidate)
{
	char names[256] = "";

	for (uint32_t i = 0; i < config->node_count; i++) {
		const struct config_node *node = &config->nodes[i];
		size_t used = strlen(names);
		const char *name = node->name != NULL ? node->name : node->texts[0];

		if (is_candidate[i] && name != NULL)
			snprintf(names + used, sizeof(names) - used, "%s%.64s", used == 0 ? "" : ", ", name);
	}
	tree_error(tree, (struct place){.file = tree->file},
		"several nodes of the list are this host (%s): say which one with --node NAME or "
		"an "
		"instance of its name",
		names);
}

/* Return whether a file that is read again lacks this node. The reload decides about that file. */
static bool is_absent(const struct tree *tree, struct config *config, const struct config_environment *environment)
{
	config->is_absent = tree->is_again && environment->local_nodeid != 0;
	return config->is_absent;
}

/* Return the index of this node, or -1 after a message. */
static int64_t find_local(struct tree *tree, struct config *config, const struct config_environment *environment)
{
	bool is_candidate[NODES_MAX];

	for (uint32_t step = 0; step < 3; step++) {
		for (uint32_t i = 0; i < config->node_count; i++)
			is_candidate[i] = step == 1 ? has_host_name(&config->nodes[i], environment->host_name)
						    : has_local_address(&config->nodes[i], environment, step == 0);
		int64_t found = choose(config, is_candidate, environment->host_name);

		if (found == -2) {
			report_several(tree, config, is_candidate);
			return -1;
		}
		if (found != -1)
			return found;
	}
	if (is_absent(tree, config, environment))
		return -1;
	if (tree->is_native) {
		char addresses[300] = "";

		if (environment->list_addresses != NULL)
			environment->list_addresses(environment->arg, addresses, sizeof(addresses));
		tree_error(tree, (struct place){.file = tree->file},
			"no node is this host (tried host name '%s', addresses %s): add a node block or use "
			"--node NAME",
			environment->host_name, *addresses == '\0' ? "none" : addresses);
		return -1;
	}
	tree_error(tree, (struct place){.file = tree->file},
		"no node is this host (host name '%s', no local address in the list): add it to "
		"the "
		"nodelist or use --node NAME",
		environment->host_name);
	return -1;
}

static int64_t find_by_id(const struct config *config, uint32_t nodeid)
{
	for (uint32_t i = 0; i < config->node_count && nodeid != 0; i++)
		if (config->nodes[i].nodeid == nodeid)
			return i;
	return -1;
}

static void set_local(struct tree *tree, struct config *config, const struct config_environment *environment)
{
	int64_t found = find_by_id(config, environment->local_nodeid);

	if (found < 0 && environment->local_name != NULL) {
		found = find_by_name(config, environment->local_name);
		if (found < 0 && is_absent(tree, config, environment))
			return;
		if (found < 0) {
			tree_error(tree, (struct place){.file = tree->file},
				"no node is named '%s': give --node the name of a node of the list",
				environment->local_name);
			return;
		}
	}
	if (found < 0 && environment->instance != NULL) {
		char key[CONFIG_KEY_LENGTH_MAX + 1];

		snprintf(key, sizeof(key), "coterie.instance.%.31s.node", environment->instance);
		const char *name = tree_text(tree, key);

		found = name == NULL ? -1 : find_by_name(config, name);
		if (name != NULL && found < 0 && is_absent(tree, config, environment))
			return;
		if (name != NULL && found < 0) {
			tree_error(tree, tree_place(tree, key), "no node is named '%s': name one of the node blocks",
				name);
			return;
		}
	}
	if (found < 0 && environment->instance != NULL)
		found = find_by_name(config, environment->instance);
	if (found < 0)
		found = find_local(tree, config, environment);
	if (found >= 0)
		config->local = (uint32_t)found;
}

/* --- addresses and ids --- */

static const char *failure_of(int rc, const char *unknown)
{
	return rc == -EAGAIN      ? "the resolver failed"
	       : rc == -ETIMEDOUT ? "the resolver did not answer in time"
				  : unknown;
}

static void resolve_all(
	struct tree *tree, struct config *config, const struct config_environment *environment, const char *ip_version)
{
	for (uint32_t i = 0; i < config->node_count; i++) {
		struct config_node *node = &config->nodes[i];

		for (uint32_t link = 0; link < node->link_count; link++) {
			const char *text = node->texts[link];

			if (text == NULL)
				continue;
			int rc = config_resolve(environment, ip_version, text, &node->addresses[link]);

			if (rc == 0)
				continue;
			node->addresses[link].ss_family = AF_UNSPEC;
			if (rc == -EAFNOSUPPORT)
				tree_error(tree, link_place(tree, node, link),
					"'%s' is not of the family that 'ip_version: %s' asks for: "
					"change one of "
					"them",
					text, ip_version);
			else if (tree->is_native)
				tree_error(tree, link_place(tree, node, link),
					"cannot resolve '%s' (%s): use an IP address or fix the resolver", text,
					failure_of(rc, "Name or service not known"));
			else
				tree_error(tree, link_place(tree, node, link),
					"cannot resolve '%s' (%s): use an IP address or %s", text,
					failure_of(rc, "no such host"),
					rc == -ENOENT ? "correct the name" : "repair the resolver");
		}
	}
}

/* Return the text for a node in messages: its name, or one of its addresses. */
static const char *name_of(const struct config_node *node)
{
	return node->name != NULL ? node->name : node->texts[0] != NULL ? node->texts[0] : "?";
}

static void generate_id(struct tree *tree, struct config_node *node)
{
	const char *clear = tree_text(tree, "totem.clear_node_high_bit");
	const struct sockaddr_in *in = (const struct sockaddr_in *)&node->addresses[0];
	char key[64];

	if (node->addresses[0].ss_family != AF_INET) {
		if (node->addresses[0].ss_family == AF_INET6)
			tree_error(tree, link_place(tree, node, 0), "node '%s' has an IPv6 address and no id: add '%s'",
				tree->is_native ? name_of(node) : node->texts[0],
				tree->is_native ? "id = N" : "nodeid: N");
		return;
	}
	node->nodeid = ntohl(in->sin_addr.s_addr);
	if (clear != NULL && strcmp(clear, "yes") == 0)
		node->nodeid &= 0x7fffffff;
	snprintf(key, sizeof(key), "nodelist.node.%u.nodeid", node->position);
	tree_set_number(tree, key, COTERIE_MAP_U32, node->nodeid, (struct place){.file = tree->file});
}

static void set_ids(struct tree *tree, struct config *config)
{
	for (uint32_t i = 0; i < config->node_count; i++) {
		struct config_node *node = &config->nodes[i];
		const char *who = node->name != NULL ? node->name : node->texts[0];

		if (who == NULL)
			who = "?";
		if (tree->is_native && node_place(tree, node, "nodeid").line != 0 && node->nodeid == 0) {
			tree_error(
				tree, node_place(tree, node, "nodeid"), "node id 0: must be between 1 and 4294967294");
			continue;
		}
		if (node->nodeid == 0)
			generate_id(tree, node);
		if (node->nodeid == 0 && node->addresses[0].ss_family != AF_INET6)
			tree_error(tree, node_place(tree, node, node->texts[0] != NULL ? "ring0_addr" : "name"),
				"node '%s' has no id and none follows from its address: add "
				"'nodeid: "
				"N'",
				who);
		if (node->nodeid == UINT32_MAX)
			tree_error(tree, node_place(tree, node, "nodeid"),
				"node '%s' has id 4294967295: it must be below that", who);
	}
}

bool config_is_same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in *a4 = (const struct sockaddr_in *)a, *b4 = (const struct sockaddr_in *)b;
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a, *b6 = (const struct sockaddr_in6 *)b;

	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return a6->sin6_scope_id == b6->sin6_scope_id &&
	       memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
}

/*
 * Return the place of the node id: where it is written, or where the address is that it is made
 * from.
 */
static struct place id_place(const struct tree *tree, const struct config_node *node)
{
	struct place place = node_place(tree, node, "nodeid");

	return place.line == 0 ? link_place(tree, node, 0) : place;
}

static void tell_same_id(struct tree *tree, const struct config_node *node, const struct config_node *earlier)
{
	struct place place = id_place(tree, node), first = id_place(tree, earlier);

	if (tree->is_native)
		tree_error(tree, place, "node '%s' has id %u like node '%s' (%s:%u): ids must differ", name_of(node),
			node->nodeid, name_of(earlier), first.file, first.line);
	else
		tree_error(tree, place, "Nodeid %u appears twice: ids must differ", node->nodeid);
}

/* Called for each pair, also when a key is rotated or a client sets a key: it must not search for places in vain. */
static void check_pair(struct tree *tree, const struct config *config, const struct config_node *node,
	const struct config_node *earlier)
{
	if (node->nodeid != 0 && node->nodeid == earlier->nodeid)
		tell_same_id(tree, node, earlier);
	if (node->name != NULL && earlier->name != NULL && strcmp(node->name, earlier->name) == 0)
		tree_error(tree, node_place(tree, node, "name"), "two nodes have the name '%s': names must differ",
			node->name);
	for (uint32_t link = 0; link < node->link_count && link < earlier->link_count; link++) {
		if (node->texts[link] == NULL || earlier->texts[link] == NULL ||
			node->addresses[link].ss_family == AF_UNSPEC || /* no address: this was reported */
			!config_is_same_host(&node->addresses[link], &earlier->addresses[link]))
			continue;
		/* udp and udpu find the sender of a packet by its address. */
		if (is_ip_transport(config->transport))
			tree_error(tree, link_place(tree, node, link),
				"two nodes have the address '%s': addresses must differ", node->texts[link]);
		else
			tree_warning(tree, link_place(tree, node, link),
				"two nodes have the address '%s': one of them will not be reached", node->texts[link]);
	}
}

int nodes_build(struct tree *tree, struct config *config, const struct config_environment *environment)
{
	const char *ip_version = tree_text(tree, "totem.ip_version");
	int rc = collect(tree, config);

	if (rc < 0)
		return rc;
	if (config->node_count == 0) {
		if (tree->is_native && tree->is_again)
			tree_error(tree, (struct place){.file = tree->file},
				"no nodes: a reload cannot empty the cluster");
		else if (tree->is_native)
			tree_error(tree, (struct place){.file = tree->file},
				"no nodes: add a 'node' block for every member");
		else
			tree_error(tree, (struct place){.file = tree->file},
				"no nodes: add 'nodelist {' with a 'node {' section for every member");
		return 0;
	}
	if (ip_version == NULL)
		ip_version = strcmp(config->transport, "udp") == 0 ? "ipv4" : "ipv6-4";
	resolve_all(tree, config, environment, ip_version);
	set_local(tree, config, environment);
	set_ids(tree, config);
	for (uint32_t i = 0; i < config->node_count; i++)
		for (uint32_t j = 0; j < i; j++)
			check_pair(tree, config, &config->nodes[i], &config->nodes[j]);
	return 0;
}
