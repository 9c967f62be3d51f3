/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Peers and links, as libknet has them. A path is one link to one peer. It is made as soon as the link and the peer's
 * address on it exist. The addresses of both ends are fixed, since libknet finds the sender of a packet by address and
 * port. This node is no host of libknet. Its own frames come back through the executive's memory.
 */
#include "transports/knet/knet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "transports/common/peers.h"

#define PRECISION_DEFAULT 2048u
#define PONGS_DEFAULT 2u
#define PINGS_PER_TIMEOUT 9
#define QUICK_PER_PEER_MS 10u
/* For how long libknet keeps using the only path to a peer without a pong, if there is a silence budget. */
#define ONLY_PATH_MS 60000u
#define REPAIR_NS UINT64_C(1000000000) /* nanoseconds between two attempts to open closed paths */

static uint32_t place_of(const struct mesh *mesh, uint32_t nodeid)
{
	uint32_t at = 0;

	while (at < mesh->peer_count && mesh->peers[at]->nodeid < nodeid)
		at++;
	return at;
}

struct mesh_peer *mesh_peer_find(const struct mesh *mesh, uint32_t nodeid)
{
	uint32_t at = place_of(mesh, nodeid);

	return at < mesh->peer_count && mesh->peers[at]->nodeid == nodeid ? mesh->peers[at] : NULL;
}

static struct mesh_peer *peer_create(struct mesh *mesh, uint32_t nodeid)
{
	uint32_t at = place_of(mesh, nodeid);
	struct mesh_peer **peers = reallocarray(mesh->peers, mesh->peer_count + 1, sizeof(*peers));
	struct mesh_peer *peer = calloc(1, sizeof(*peer));

	if (peers != NULL)
		mesh->peers = peers;
	if (peers == NULL || peer == NULL) {
		free(peer);
		return NULL;
	}
	peer->nodeid = nodeid;
	peer->is_local = nodeid == mesh->nodeid;
	memmove(&peers[at + 1], &peers[at], (mesh->peer_count - at) * sizeof(*peers));
	peers[at] = peer;
	mesh->peer_count++;
	return peer;
}

static void peer_destroy(struct mesh *mesh, struct mesh_peer *peer)
{
	uint32_t at = place_of(mesh, peer->nodeid);

	mesh->peer_count--;
	memmove(&mesh->peers[at], &mesh->peers[at + 1], (mesh->peer_count - at) * sizeof(*mesh->peers));
	free(peer);
}

/* ---- One path ------------------------------------------------------------ */

static uint64_t link_number(
	const struct mesh *mesh, const char *prefix, uint32_t link, const char *name, uint64_t otherwise)
{
	char key[96];

	snprintf(key, sizeof(key), "%s.interface.%u.%s", prefix, link, name);
	return mesh_map_number(mesh, key, otherwise);
}

static uint8_t link_transport(const struct mesh *mesh, uint32_t link)
{
	char key[96];

	snprintf(key, sizeof(key), "totem.interface.%u.knet_transport", link);
	return strcmp(mesh_map_text(mesh, key, "udp"), "sctp") == 0 ? KNET_TRANSPORT_SCTP : KNET_TRANSPORT_UDP;
}

/*
 * Return the interval between pings. The interval that follows from the token leaves time for only one pong in a
 * timeout. So one lost packet would take the link down, with its traffic. This node pings more often, so that a link
 * survives some loss, unless the operator has set the interval. Peers answer at any rate.
 */
static uint64_t ping_interval(const struct mesh *mesh, uint32_t link, uint64_t timeout)
{
	uint64_t interval = timeout / PINGS_PER_TIMEOUT;

	if (link_number(mesh, "totem", link, "knet_ping_interval", 0) != 0)
		return link_number(
			mesh, "runtime.config.totem", link, "knet_ping_interval", KNET_LINK_DEFAULT_PING_INTERVAL);
	if (interval < MESH_GRID_MS)
		interval = MESH_GRID_MS;
	if (interval > timeout / 2)
		interval = timeout / 2;
	return interval > 0 ? interval : 1;
}

/* Publish the interval in use, since it is not the one that follows from the token timeout. */
static void tell_interval(const struct mesh *mesh, uint32_t link, uint32_t interval)
{
	char key[96];

	snprintf(key, sizeof(key), "runtime.config.totem.interface.%u.knet_ping_interval", link);
	if (mesh_map_number(mesh, key, 0) != interval &&
		mesh->host->map_set(mesh->ctx, key, COTERIE_MAP_U32, &interval, sizeof(interval)) < 0)
		return; /* keep the old value: no code depends on it */
}

static uint32_t path_count(const struct mesh_peer *peer)
{
	uint32_t count = 0;

	for (uint32_t link = 0; link < KNET_MAX_LINK; link++)
		count += peer->paths[link].is_configured;
	return count;
}

/*
 * Return for how long libknet uses a path without a pong. It uses the path again only after some pongs. That takes
 * longer than a silence budget (totem.silence) lasts. So with a budget libknet keeps a path that has no alternative.
 */
static uint32_t path_timeout_ms(const struct mesh *mesh, const struct mesh_peer *peer, uint32_t link)
{
	uint32_t timeout_ms = mesh->links[link].timeout_ms;

	if (timeout_ms >= ONLY_PATH_MS || path_count(peer) > 1 ||
		mesh_map_number(mesh, "runtime.config.totem.silence", 0) == 0)
		return timeout_ms;
	return ONLY_PATH_MS;
}

uint32_t mesh_quick_ms(const struct mesh *mesh)
{
	uint32_t quick_ms = mesh->peer_count * QUICK_PER_PEER_MS;

	return quick_ms < MESH_GRID_MS ? MESH_GRID_MS : quick_ms;
}

static int set_timers(const struct mesh *mesh, const struct mesh_peer *peer, uint32_t link)
{
	const struct mesh_link *of = &mesh->links[link];
	uint64_t precision = link_number(mesh, "totem", link, "knet_ping_precision", 0);
	uint32_t interval = of->interval_ms;

	if (peer->paths[link].is_quick && interval > mesh_quick_ms(mesh))
		interval = mesh_quick_ms(mesh);
	return mesh_result(knet_link_set_ping_timers(mesh->handle, (knet_node_id_t)peer->nodeid, (uint8_t)link,
		(time_t)interval, (time_t)path_timeout_ms(mesh, peer, link),
		precision == 0 ? PRECISION_DEFAULT : (unsigned int)precision));
}

void mesh_path_pace(struct mesh *mesh, struct mesh_peer *peer, uint32_t link, bool is_quick)
{
	if (peer->paths[link].is_quick == is_quick)
		return;
	peer->paths[link].is_quick = is_quick;
	if (mesh->links[link].interval_ms > MESH_GRID_MS) /* else no quick ping is quicker */
		set_timers(mesh, peer, link);             /* if it fails, the path keeps its old interval */
}

/* Apply timers and priority of a path, which may change at any time. */
static int path_apply(struct mesh *mesh, const struct mesh_peer *peer, uint32_t link)
{
	knet_node_id_t host = (knet_node_id_t)peer->nodeid;
	uint8_t id = (uint8_t)link;
	struct mesh_link *of = &mesh->links[link];
	uint64_t pongs = link_number(mesh, "totem", link, "knet_pong_count", 0);
	uint64_t priority = link_number(mesh, "totem", link, "knet_link_priority", 1);
	uint64_t timeout = link_number(
		mesh, "runtime.config.totem", link, "knet_ping_timeout", KNET_LINK_DEFAULT_PING_TIMEOUT);
	uint64_t interval = ping_interval(mesh, link, timeout);

	priority = priority == 0 ? 1 : priority; /* in Corosync, too, 0 means the default */
	pongs = pongs == 0 ? PONGS_DEFAULT : pongs > UINT8_MAX ? UINT8_MAX : pongs;
	of->interval_ms = (uint32_t)interval;
	of->timeout_ms = (uint32_t)timeout;
	tell_interval(mesh, link, of->interval_ms);

	int rc = mesh_result(knet_link_set_priority(mesh->handle, host, id, (uint8_t)priority));

	if (rc == 0)
		rc = set_timers(mesh, peer, link);
	if (rc == 0)
		rc = mesh_result(knet_link_set_pong_count(mesh->handle, host, id, (uint8_t)pongs));
	return rc;
}

/*
 * Set the timers of the other paths to the peer, after a path was added or closed. Another path may have become the
 * only one, or may no longer be the only one.
 */
static void set_timers_of_others(const struct mesh *mesh, const struct mesh_peer *peer, uint32_t link)
{
	for (uint32_t other = 0; other < KNET_MAX_LINK; other++)
		if (other != link && peer->paths[other].is_configured)
			set_timers(mesh, peer, other); /* if it fails, the path keeps its old timers */
}

static void host_remove(struct mesh *mesh, struct mesh_peer *peer)
{
	if (!peer->has_host || path_count(peer) > 0)
		return;
	knet_host_remove(mesh->handle, (knet_node_id_t)peer->nodeid);
	peer->has_host = false;
}

static int host_add(struct mesh *mesh, struct mesh_peer *peer)
{
	knet_node_id_t host = (knet_node_id_t)peer->nodeid;
	int rc;

	if (peer->has_host)
		return 0;
	rc = mesh_result(knet_host_add(mesh->handle, host));
	if (rc < 0)
		return rc;
	peer->has_host = true;
	if (mesh->policy == KNET_LINK_POLICY_PASSIVE) /* libknet's default */
		return 0;
	return mesh_result(knet_host_set_policy(mesh->handle, host, mesh->policy));
}

static void path_close(struct mesh *mesh, struct mesh_peer *peer, uint32_t link)
{
	struct mesh_path *path = &peer->paths[link];

	mesh_stats_del(mesh, peer, link);
	if (!path->is_configured)
		return;
	knet_link_set_enable(mesh->handle, (knet_node_id_t)peer->nodeid, (uint8_t)link, 0);
	knet_link_clear_config(mesh->handle, (knet_node_id_t)peer->nodeid, (uint8_t)link);
	path->is_configured = false;
	path->is_connected = path->is_mute = false;
	path->pongs = path->pong_ns = path->pings = path->refused = 0;
	path->heard = path->heard_ns = 0;
	set_timers_of_others(mesh, peer, link);
	host_remove(mesh, peer);
	mesh_log_read(mesh);
}

/* Add the path to libknet, which does not use it yet. */
static int path_configure(struct mesh *mesh, struct mesh_peer *peer, uint32_t link)
{
	knet_node_id_t host = (knet_node_id_t)peer->nodeid;
	struct mesh_path *path = &peer->paths[link];
	int rc;

	if (!path->is_listed || !mesh->links[link].is_open || path->is_configured)
		return 0;
	if (peer->is_local) {
		mesh_stats_add(mesh, peer, link);
		return 0;
	}
	rc = host_add(mesh, peer);
	if (rc == 0)
		rc = mesh_result(knet_link_set_config(mesh->handle, host, (uint8_t)link, mesh->links[link].transport,
			&mesh->links[link].local, &path->address, KNET_LINK_FLAG_TRAFFICHIPRIO));
	if (rc < 0) {
		host_remove(mesh, peer);
		return rc;
	}
	path->is_configured = path->is_quick = true;
	path->opened_ns = mesh_clock_ns();
	rc = path_apply(mesh, peer, link);
	if (rc < 0) {
		path_close(mesh, peer, link);
		return rc;
	}
	set_timers_of_others(mesh, peer, link);
	mesh_stats_add(mesh, peer, link);
	mesh_log_read(mesh);
	return 0;
}

static int path_enable(struct mesh *mesh, struct mesh_peer *peer, uint32_t link)
{
	int rc;

	if (!peer->paths[link].is_configured)
		return 0;
	rc = mesh_result(knet_link_set_enable(mesh->handle, (knet_node_id_t)peer->nodeid, (uint8_t)link, 1));
	if (rc < 0)
		path_close(mesh, peer, link);
	mesh_log_read(mesh);
	return rc;
}

int mesh_path_renew(struct mesh *mesh, struct mesh_peer *peer, uint32_t link)
{
	path_close(mesh, peer, link);

	int rc = path_configure(mesh, peer, link);

	if (rc == 0)
		rc = path_enable(mesh, peer, link);
	if (rc < 0)
		mesh->host->log(mesh->ctx, LOG_ERR, "link %u to node %u does not open again: %s: trying again", link,
			peer->nodeid, strerror(-rc));
	peer->paths[link].is_missing = rc < 0;
	return rc;
}

/* Open a path again that mesh_path_renew could not open. */
static void path_repair(struct mesh *mesh, struct mesh_peer *peer, uint32_t link)
{
	struct mesh_path *path = &peer->paths[link];

	if (path->is_missing && !path->is_configured && path_configure(mesh, peer, link) == 0 && path->is_configured)
		path_enable(mesh, peer, link);
	path->is_missing = path->is_missing && path->is_listed && mesh->links[link].is_open && !path->is_configured;
}

void mesh_paths_repair(struct mesh *mesh)
{
	uint64_t clock_ns = mesh_clock_ns();

	if (clock_ns < mesh->repair_ns)
		return;
	mesh->repair_ns = clock_ns + REPAIR_NS;
	for (uint32_t i = 0; i < mesh->peer_count; i++)
		for (uint32_t link = 0; link < KNET_MAX_LINK; link++)
			path_repair(mesh, mesh->peers[i], link);
}

/* ---- One link ------------------------------------------------------------ */

static void link_close(struct mesh *mesh, uint32_t link)
{
	for (uint32_t i = 0; i < mesh->peer_count; i++)
		path_close(mesh, mesh->peers[i], link);
}

/*
 * Open all paths before the first one is used. Each call takes libknet's lock from all its threads. Before the first
 * path is used, these threads have little to do. Later the calls for many peers would take seconds.
 */
static int link_open(struct mesh *mesh, uint32_t link)
{
	int rc = 0;

	for (uint32_t i = 0; i < mesh->peer_count && rc == 0; i++)
		rc = path_configure(mesh, mesh->peers[i], link);
	for (uint32_t i = 0; i < mesh->peer_count && rc == 0; i++)
		rc = path_enable(mesh, mesh->peers[i], link);
	if (rc < 0)
		link_close(mesh, link);
	return rc;
}

int mesh_link_up(void *self, uint32_t link, const struct sockaddr *local)
{
	struct mesh *mesh = self;
	socklen_t size = address_size(local);
	int rc;

	if (link >= KNET_MAX_LINK)
		return -EINVAL;
	if (size == 0)
		return -EAFNOSUPPORT;
	if (mesh->links[link].is_open)
		return -EEXIST;
	mesh->links[link] = (struct mesh_link){.is_open = true,
		.is_fresh = true,
		.transport = link_transport(mesh, link),
		.interval_ms = KNET_LINK_DEFAULT_PING_INTERVAL,
		.timeout_ms = KNET_LINK_DEFAULT_PING_TIMEOUT};
	memcpy(&mesh->links[link].local, local, size);
	rc = link_open(mesh, link);
	if (rc < 0) {
		mesh->links[link].is_open = false;
		return rc;
	}
	mesh_watch_link(mesh, link);
	mesh_signs_update(mesh);
	return 0;
}

void mesh_link_down(void *self, uint32_t link)
{
	struct mesh *mesh = self;

	if (link >= KNET_MAX_LINK)
		return;
	link_close(mesh, link);
	mesh->links[link].is_open = false;
	mesh_signs_link_down(mesh, link);
	mesh_signs_update(mesh);
}

/* Apply the transport of a link. A link of a reload was opened before its keys could be read. */
static int link_transport_apply(struct mesh *mesh, uint32_t link)
{
	uint8_t transport = link_transport(mesh, link);

	mesh->links[link].is_fresh = false;
	if (transport == mesh->links[link].transport)
		return 0;
	link_close(mesh, link);
	mesh->links[link].transport = transport;
	return link_open(mesh, link);
}

int mesh_links_apply(struct mesh *mesh)
{
	int first = 0;

	for (uint32_t link = 0; link < KNET_MAX_LINK; link++) {
		int rc = 0;

		if (mesh->links[link].is_open && mesh->links[link].is_fresh)
			rc = link_transport_apply(mesh, link);
		for (uint32_t i = 0; i < mesh->peer_count && rc == 0; i++) {
			if (mesh->peers[i]->paths[link].is_configured)
				rc = path_apply(mesh, mesh->peers[i], link);
			mesh_log_read(mesh);
		}
		if (rc < 0)
			mesh->host->log(
				mesh->ctx, LOG_ERR, "link %u does not take its settings: %s", link, strerror(-rc));
		if (first == 0)
			first = rc;
	}
	return first;
}

void mesh_links_close(struct mesh *mesh)
{
	while (mesh->peer_count > 0) {
		struct mesh_peer *peer = mesh->peers[mesh->peer_count - 1];

		for (uint32_t link = 0; link < KNET_MAX_LINK; link++)
			path_close(mesh, peer, link);
		peer_destroy(mesh, peer);
	}
	free(mesh->peers);
	mesh->peers = NULL;
}

/* ---- Peers --------------------------------------------------------------- */

static bool is_listed(const struct mesh_peer *peer)
{
	for (uint32_t link = 0; link < KNET_MAX_LINK; link++)
		if (peer->paths[link].is_listed)
			return true;
	return false;
}

static void path_forget(struct mesh *mesh, struct mesh_peer *peer, uint32_t link)
{
	path_close(mesh, peer, link);
	peer->paths[link] = (struct mesh_path){0};
	if (!is_listed(peer))
		peer_destroy(mesh, peer);
}

int mesh_peer_add(void *self, uint32_t link, uint32_t nodeid, const struct sockaddr *address)
{
	struct mesh *mesh = self;
	socklen_t size = address_size(address);
	struct mesh_peer *peer = mesh_peer_find(mesh, nodeid);

	if (link >= KNET_MAX_LINK || nodeid == 0 || nodeid > UINT16_MAX)
		return -EINVAL;
	if (size == 0 || (mesh->links[link].is_open && address->sa_family != mesh->links[link].local.ss_family))
		return -EAFNOSUPPORT;
	if (peer != NULL && peer->paths[link].is_listed)
		return -EEXIST;
	if (peer == NULL)
		peer = peer_create(mesh, nodeid);
	if (peer == NULL)
		return -ENOMEM;
	memcpy(&peer->paths[link].address, address, size);
	peer->paths[link].is_listed = true;

	int rc = path_configure(mesh, peer, link);

	if (rc == 0)
		rc = path_enable(mesh, peer, link);
	if (rc < 0)
		path_forget(mesh, peer, link);
	mesh_signs_update(mesh);
	return rc;
}

void mesh_peer_del(void *self, uint32_t link, uint32_t nodeid)
{
	struct mesh *mesh = self;
	struct mesh_peer *peer = mesh_peer_find(mesh, nodeid);

	if (peer == NULL || link >= KNET_MAX_LINK || !peer->paths[link].is_listed)
		return;
	path_forget(mesh, peer, link);
	mesh_signs_update(mesh);
}
