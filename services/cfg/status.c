/* SPDX-License-Identifier: BSD-3-Clause */
/* The state of nodes and links as the transport reports it, in the form of the client library. */
#include "services/cfg/cfg.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES "nodelist.node."

#define CS_OK 1
#define CS_ERR_NOT_EXIST 12
#define CS_ERR_NAME_TOO_LONG 13
#define CS_ERR_NOT_SUPPORTED 19
#define CS_ERR_FAILED_OPERATION 21

/* Return whether links have a state. Only links of knet have one. Links of other transports are present or not. */
static bool has_link_states(struct cfg *cfg)
{
	const void *value;
	uint32_t type;

	if (cfg->host->map_get(cfg->ctx, "totem.transport", &type, &value, NULL) < 0)
		return true;
	return type == COTERIE_MAP_STRING && strcmp(value, "knet") == 0;
}

/* ---- Links of this node -------------------------------------------------- */

static int compare_nodeids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/*
 * List the node ids of the node list, ascending. A large list has thousands of keys, so it is read again only after one
 * of them has changed.
 */
static void list_nodeids(struct cfg *cfg)
{
	uint32_t *nodeids = cfg->nodelist.nodeids;
	struct coterie_map_iterator *iterator;
	struct coterie_map_value value;
	uint32_t count = 0, position;
	const char *key;
	char rest[16];

	if (cfg->nodelist.is_current)
		return;
	cfg->nodelist.count = 0;
	if (cfg->host->map_iterate(cfg->ctx, COTERIE_MAP_CONFIG, NODES, &iterator) < 0)
		return;
	while (count < CFG_RING_STATUS_SIZE && (key = cfg->host->map_iterate_next(iterator, &value)) != NULL) {
		if (value.type == COTERIE_MAP_U32 && sscanf(key, NODES "%" SCNu32 ".%15s", &position, rest) == 2 &&
			strcmp(rest, "nodeid") == 0)
			memcpy(&nodeids[count++], value.bytes, sizeof(*nodeids));
	}
	cfg->host->map_iterate_end(iterator);
	qsort(nodeids, count, sizeof(*nodeids), compare_nodeids);
	cfg->nodelist.count = count;
	cfg->nodelist.is_current = true;
}

static void on_nodelist(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	struct cfg *cfg = arg;

	(void)event, (void)key, (void)now, (void)before;
	cfg->nodelist.is_current = false;
}

int cfg_status_init(struct cfg *cfg)
{
	return cfg->host->map_track(cfg->ctx, COTERIE_MAP_CONFIG, NODES,
		COTERIE_MAP_ADDED | COTERIE_MAP_MODIFIED | COTERIE_MAP_DELETED | COTERIE_MAP_PREFIX, on_nodelist, cfg,
		&cfg->nodelist.tracker);
}

void cfg_status_fini(struct cfg *cfg) { cfg->host->map_untrack(cfg->ctx, cfg->nodelist.tracker); }

/* Return the character that shows the state of a node on a link. status: NULL: the transport has none for the node */
static char link_character(const struct coterie_node_status *status, bool is_local, uint32_t link)
{
	if (is_local)
		return 'n';
	if (status == NULL)
		return '?';

	const struct coterie_link_status *one = &status->links[link];

	if (!one->is_enabled && !one->is_connected && one->destination[0] == '\0')
		return 'd';
	return (char)('0' + (one->is_enabled != 0) + 2 * (one->is_connected != 0) + 4 * (one->is_dynamic != 0));
}

/*
 * Write one character per node for each link of the response. The transport is asked once for a node, since its answer
 * has all links.
 * @param links  numbers of the links in the response, below COTERIE_LINKS_MAX
 * @return false: the texts do not fit
 */
static bool put_link_states(struct cfg *cfg, struct cfg_res_ring_status_get *res, const uint32_t *links)
{
	list_nodeids(cfg);
	for (uint32_t i = 0; i < cfg->nodelist.count && i + 1 < CFG_RING_STATUS_SIZE; i++) {
		uint32_t nodeid = cfg->nodelist.nodeids[i];
		bool is_local = nodeid == cfg->host->local_nodeid(cfg->ctx);
		struct coterie_node_status status = {.size = sizeof(status)};
		bool is_known = !is_local && cfg->host->node_status(cfg->ctx, nodeid, &status) >= 0;

		for (uint32_t at = 0; at < res->count; at++)
			res->status[at][i] = link_character(is_known ? &status : NULL, is_local, links[at]);
	}
	return cfg->nodelist.count < CFG_RING_STATUS_SIZE;
}

/* Write the number and address of a link: "0 10.0.0.1". */
static void link_name(const struct sockaddr_storage *address, uint32_t link, char *text, size_t size)
{
	char numeric[64] = "";

	getnameinfo(
		(const struct sockaddr *)address, sizeof(*address), numeric, sizeof(numeric), NULL, 0, NI_NUMERICHOST);
	snprintf(text, size, "%u %s", link, numeric);
}

int cfg_handle_ring_status_get(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cfg *cfg = self;
	struct coterie_peer peer = {.size = sizeof(peer)};
	struct cfg_res_ring_status_get *res = calloc(1, sizeof(*res));
	bool has_states = has_link_states(cfg);
	uint32_t links[COTERIE_LINKS_MAX];
	int32_t error = CS_OK;

	(void)msg, (void)size;
	if (res == NULL)
		return -ENOMEM;
	if (cfg->host->node_addresses(cfg->ctx, cfg->host->local_nodeid(cfg->ctx), &peer) < 0)
		peer.link_count = 0;
	for (uint32_t link = 0; link < peer.link_count && link < COTERIE_LINKS_MAX; link++) {
		if (peer.addresses[link].ss_family == AF_UNSPEC)
			continue;
		link_name(&peer.addresses[link], link, res->names[res->count], CFG_RING_NAME_SIZE);
		if (!has_states)
			snprintf(res->status[res->count], CFG_RING_STATUS_SIZE, "OK");
		links[res->count++] = link;
	}
	if (has_states && res->count > 0 && !put_link_states(cfg, res, links))
		error = CS_ERR_NAME_TOO_LONG;

	struct iovec iov = {(uint8_t *)res + sizeof(res->header), sizeof(*res) - sizeof(res->header)};

	cfg->host->reply(client, CFG_RES_RING_STATUS_GET, error, &iov, 1);
	free(res);
	return COTERIE_REPLIED;
}

/* ---- One node ------------------------------------------------------------ */

static void convert_status(struct cfg_wire_node_status *to, const struct coterie_node_status *from)
{
	_Static_assert(CFG_NODE_LINKS == COTERIE_LINKS_MAX, "one limit for links");
	_Static_assert(CFG_ADDRESS_TEXT_SIZE == COTERIE_ADDRESS_TEXT, "one size for addresses");

	memset(to, 0, sizeof(*to));
	to->version = CFG_NODE_STATUS_VERSION;
	to->nodeid = from->nodeid;
	to->reachable = from->is_reachable;
	to->remote = from->is_remote;
	to->external = from->is_external;
	to->onwire_min = from->onwire_min;
	to->onwire_max = from->onwire_max;
	to->onwire_version = from->onwire_version;
	for (uint32_t i = 0; i < CFG_NODE_LINKS; i++) {
		const struct coterie_link_status *link = &from->links[i];

		to->links[i].enabled = link->is_enabled;
		to->links[i].connected = link->is_connected;
		to->links[i].dynconnected = link->is_dynamic;
		to->links[i].mtu = link->mtu;
		memcpy(to->links[i].source, link->source, CFG_ADDRESS_TEXT_SIZE - 1);
		memcpy(to->links[i].destination, link->destination, CFG_ADDRESS_TEXT_SIZE - 1);
	}
}

/* Query the transport before the check of the version, so that the client gets the same error as from Corosync. */
static int32_t node_status(
	struct cfg *cfg, const struct cfg_req_node_status_get *req, struct coterie_node_status *status)
{
	int rc = cfg->host->node_status(cfg->ctx, req->nodeid, status);

	/* If links have no state, report an unknown node as not reachable. */
	if (rc == -ENOENT && !has_link_states(cfg))
		rc = 0;
	if (rc == -ENOTSUP)
		return CS_ERR_NOT_SUPPORTED;
	if (rc < 0)
		return CS_ERR_FAILED_OPERATION;
	status->nodeid = req->nodeid;
	return req->version == CFG_NODE_STATUS_VERSION ? CS_OK : CS_ERR_NOT_SUPPORTED;
}

int cfg_handle_node_status_get(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cfg *cfg = self;
	struct coterie_node_status status = {.size = sizeof(status)};
	struct cfg_res_node_status_get res;
	struct cfg_res_node_status_error failure = {0};
	struct cfg_req_node_status_get req;
	struct iovec iov = {(uint8_t *)&res + sizeof(res.header), sizeof(res) - sizeof(res.header)};

	(void)size;
	cfg_snapshot(&req, msg, sizeof(req));

	int32_t error = node_status(cfg, &req, &status);

	if (error == CS_OK) {
		convert_status(&res.status, &status);
	} else {
		failure.version = req.version;
		iov = (struct iovec){
			(uint8_t *)&failure + sizeof(failure.header), sizeof(failure) - sizeof(failure.header)};
	}
	cfg->host->reply(client, CFG_RES_NODE_STATUS_GET, error, &iov, 1);
	return COTERIE_REPLIED;
}

/* Copy the bytes of an address. @return false: it is neither IPv4 nor IPv6 */
static bool copy_address(const struct sockaddr_storage *address, uint8_t bytes[16])
{
	switch (address->ss_family) {
	case AF_INET:
		memcpy(bytes, &((const struct sockaddr_in *)address)->sin_addr, 4);
		return true;
	case AF_INET6:
		memcpy(bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
		return true;
	default:
		return false;
	}
}

int cfg_handle_get_node_addrs(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cfg *cfg = self;
	struct coterie_peer peer = {.size = sizeof(peer)};
	struct cfg_req_get_node_addrs req;
	struct cfg_res_get_node_addrs res = {0};
	uint8_t addresses[COTERIE_LINKS_MAX][16] = {0};
	uint32_t room = 0;

	(void)size;
	cfg_snapshot(&req, msg, sizeof(req));

	uint32_t nodeid = req.nodeid != 0 ? req.nodeid : cfg->host->local_nodeid(cfg->ctx);
	int rc = cfg->host->node_addresses(cfg->ctx, nodeid, &peer);

	for (uint32_t link = 0; rc == 0 && link < peer.link_count && link < COTERIE_LINKS_MAX; link++) {
		room++;
		if (!copy_address(&peer.addresses[link], addresses[res.count]))
			continue;
		if (res.count++ == 0)
			res.family = peer.addresses[link].ss_family;
	}

	struct iovec iov[] = {
		{(uint8_t *)&res + sizeof(res.header), sizeof(res) - sizeof(res.header)},
		{addresses, room * sizeof(addresses[0])},
	};

	cfg->host->reply(client, CFG_RES_GET_NODE_ADDRS, rc < 0 ? CS_ERR_NOT_EXIST : CS_OK, iov, 2);
	return COTERIE_REPLIED;
}
