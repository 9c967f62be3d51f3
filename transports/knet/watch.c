/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state of paths and links. It is examined a few times a second, and at once when libknet reports a change.
 *
 * The state of a path is no sign that another node's daemon has ended. libknet stops using a path at the first ICMP
 * error, which every host can forge. A late pong, which has many possible causes, has the same effect. Certain signs
 * are in signs.c.
 *
 * A link is reported down only when no frame can leave or arrive (book transports, "Signs of failure").
 * That is so if its interface is down or has no address, or if this node's kernel refuses every ping. A link is not
 * reported down because no peer answers.
 *
 * libknet wants some pongs before a link is up, at an interval that follows from the token: with 32 nodes that takes
 * four seconds, on any network. So a path is pinged more often until it is up.
 */
#include "transports/knet/knet.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "transports/common/interface.h"

#define MS UINT64_C(1000000)
#define TICK_NS (200 * MS)
/* Number of answers in a row that may be missing only by loss. */
#define PINGS_LOST 6
/* Number of pings in a row that the kernel refuses to send, not counting one that is under way. */
#define PINGS_REFUSED 3
/* If there is a longer time between two examinations, this process was stopped. */
#define LATE_NS (1000 * MS)
/*
 * For this time after it was opened, and while packets arrive from the other end, a path that is down is pinged
 * quickly.
 */
#define QUICK_NS (10000 * MS)
#define HEARD_NS (2000 * MS)
/* Time for which libknet may search the MTU of a path that came up, and be without an MTU that it had. */
#define MTU_WAIT_NS (400 * MS)
#define MTU_LOST_NS (150 * MS)
/* A node that is silent for this long may have another key. */
#define STRANGE_NS (3000 * MS)
/*
 * The ring begins when all peers are up, when a peer is up and for one more interval of pings no other came up, or after
 * so many intervals.
 */
#define BEGIN_INTERVALS 6
#define BEGIN_MAX_NS (4000 * MS)
#define LOOPBACK_MTU 65535u

uint64_t mesh_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * MS + (uint64_t)now.tv_nsec;
}

/* ---- Examining the paths --------------------------------------------------- */

/* Return the time since the last pong on a path, not counting the time for which this process was stopped. */
static uint64_t silence_ns(const struct mesh *mesh, const struct mesh_path *path)
{
	uint64_t from_ns = path->pong_ns > mesh->awake_ns ? path->pong_ns : mesh->awake_ns;

	return mesh_clock_ns() - from_ns;
}

/*
 * Return the silence from which on answers count as missing: longer than loss explains, but within twice the link's own
 * timeout.
 */
static uint64_t silence_max_ns(const struct mesh_link *link)
{
	uint64_t between_ms = (uint64_t)(link->interval_ms + MESH_GRID_MS - 1) / MESH_GRID_MS * MESH_GRID_MS;
	uint64_t silence_ms = PINGS_LOST * between_ms;
	uint64_t most_ms = 2 * (uint64_t)link->timeout_ms;

	if (most_ms > 2 * MESH_GRID_MS)
		most_ms -= MESH_GRID_MS; /* one more step passes before the silence is noticed */
	return (silence_ms < most_ms ? silence_ms : most_ms) * MS;
}

static bool is_silent(const struct mesh *mesh, const struct mesh_peer *peer, uint32_t link)
{
	return silence_ns(mesh, &peer->paths[link]) > silence_max_ns(&mesh->links[link]);
}

/* Two limits must be exceeded: the silence that loss can explain, and the configured timeout. */
bool mesh_path_is_overdue(const struct mesh *mesh, const struct mesh_peer *peer, uint32_t link)
{
	uint64_t timeout_ns = (mesh->links[link].timeout_ms + MESH_GRID_MS) * MS;

	return is_silent(mesh, peer, link) && silence_ns(mesh, &peer->paths[link]) > timeout_ns;
}

/*
 * Find out whether this host refuses to send pings, because of a firewall or a missing route. Then no packet leaves,
 * though packets may arrive. An ICMP error, even a forged one, makes a ping fail as well, but only after a ping that
 * was sent or answered.
 */
static void look_at_refusals(struct mesh_path *path, const struct knet_link_stats *stats)
{
	uint64_t pings = stats->tx_ping_packets - path->pings;
	uint64_t refused = stats->tx_ping_errors - path->refused;

	/* The counters have been cleared, or pings are sent. */
	if (stats->rx_pong_packets != path->pongs || stats->tx_ping_packets < path->pings ||
		stats->tx_ping_errors < path->refused || pings > refused + 1) {
		path->pings = stats->tx_ping_packets;
		path->refused = stats->tx_ping_errors;
		refused = 0;
	}
	path->is_mute = refused >= PINGS_REFUSED;
}

/*
 * Return how long a path has existed without a pong. Times in which this process was stopped count as well. Without
 * them a node that is often late would never check whether the key is another one. An unnecessary check costs nothing.
 */
static uint64_t strange_ns(const struct mesh_path *path)
{
	uint64_t from_ns = path->pong_ns > path->opened_ns ? path->pong_ns : path->opened_ns;

	return mesh_clock_ns() - from_ns;
}

/* Return whether the other end is about to come up, or may be. */
static bool is_coming(struct mesh_path *path, const struct knet_link_status *status, uint64_t clock_ns)
{
	uint64_t heard = status->stats.rx_ping_packets + status->stats.rx_pong_packets;

	if (heard != path->heard)
		path->heard_ns = clock_ns;
	path->heard = heard;
	return status->connected == 0 &&
	       (clock_ns < path->opened_ns + QUICK_NS || (path->heard_ns != 0 && clock_ns < path->heard_ns + HEARD_NS));
}

static void look_at_path(struct mesh *mesh, struct mesh_peer *peer, uint32_t link)
{
	struct mesh_path *path = &peer->paths[link];
	struct knet_link_status status = {.size = sizeof(status)};

	if (!path->is_configured || knet_link_get_status(mesh->handle, (knet_node_id_t)peer->nodeid, (uint8_t)link,
					    &status, sizeof(status)) < 0)
		return;
	look_at_refusals(path, &status.stats);
	/* libknet's own time of the last pong has only whole seconds. */
	if (status.stats.rx_pong_packets != path->pongs)
		path->pong_ns = mesh_clock_ns();
	path->pongs = status.stats.rx_pong_packets;
	mesh_path_pace(mesh, peer, link, is_coming(path, &status, mesh_clock_ns()));
	path->is_connected = status.connected != 0 && !path->is_mute && !mesh_path_is_overdue(mesh, peer, link);
}

/*
 * Handle a path without an MTU, over which libknet sends no frame. The packets that measure the MTU may be lost, or the
 * link may be cut at that time. Then the path has no MTU until the next measurement half a minute later, even if it had
 * one before.
 */
static void look_at_mtu(struct mesh *mesh, struct mesh_peer *peer, bool is_connected, bool is_reachable)
{
	uint64_t clock_ns = mesh_clock_ns();

	if (!is_connected || is_reachable) {
		peer->mtu_lost_ns = 0;
		peer->has_mtu = is_reachable;
		return;
	}
	if (peer->mtu_lost_ns == 0)
		peer->mtu_lost_ns = clock_ns;
	if (clock_ns - peer->mtu_lost_ns < (peer->has_mtu ? MTU_LOST_NS : MTU_WAIT_NS))
		return;
	peer->mtu_lost_ns = 0;
	peer->has_mtu = false;
	mesh_mtu_hold(mesh, peer);
}

static void look_at_peer(struct mesh *mesh, struct mesh_peer *peer)
{
	struct knet_host_status status = {0};
	bool is_connected = false;

	if (!peer->has_host || knet_host_get_status(mesh->handle, (knet_node_id_t)peer->nodeid, &status) < 0)
		return;
	for (uint32_t link = 0; link < KNET_MAX_LINK; link++) {
		look_at_path(mesh, peer, link);
		is_connected = is_connected || peer->paths[link].is_connected;
	}
	look_at_mtu(mesh, peer, is_connected, status.reachable != 0);
}

/* ---- Peers --------------------------------------------------------------- */

/*
 * Return whether a node is silent that may have another key. If this node has a key, there are log lines about such
 * nodes in any case.
 */
static bool is_anybody_strange(const struct mesh *mesh)
{
	if (mesh->crypto.rekey.used != 0)
		return false;
	for (uint32_t i = 0; i < mesh->peer_count; i++) {
		const struct mesh_peer *peer = mesh->peers[i];

		for (uint32_t link = 0; link < KNET_MAX_LINK; link++) {
			const struct mesh_path *path = &peer->paths[link];

			if (path->is_configured && !path->is_connected && strange_ns(path) > STRANGE_NS)
				return true;
		}
	}
	return false;
}

/* ---- Links --------------------------------------------------------------- */

static void count_connected(struct mesh *mesh, uint32_t link)
{
	struct mesh_link *of = &mesh->links[link];
	uint32_t before = of->connected;

	of->configured = of->connected = 0;
	for (uint32_t i = 0; i < mesh->peer_count; i++) {
		of->configured += mesh->peers[i]->paths[link].is_configured;
		of->connected += mesh->peers[i]->paths[link].is_connected;
	}
	if (of->connected > before)
		of->connected_ns = mesh_clock_ns();
}

/* Return why no frame leaves; NULL: some may. */
static const char *link_cut(const struct mesh *mesh, uint32_t link)
{
	bool has_paths = false;

	for (uint32_t i = 0; i < mesh->peer_count; i++) {
		const struct mesh_path *path = &mesh->peers[i]->paths[link];

		if (path->is_configured && !path->is_mute)
			return NULL;
		has_paths = has_paths || path->is_configured;
	}
	return has_paths ? "pings on it are refused" : NULL;
}

static void report(struct mesh *mesh, uint32_t link, bool is_up, const char *why)
{
	if (mesh->links[link].is_up == is_up)
		return;
	mesh->links[link].is_up = is_up;
	mesh->host->link_state(mesh->ctx, link, is_up ? 1 : 0, why);
}

/*
 * Return whether to wait with the start of the ring. A node that starts alone sends little before another node can hear
 * it. Then it is only found by packets that rings send from time to time: in large rings every four seconds.
 */
static bool is_awaited(const struct mesh *mesh, uint32_t link)
{
	const struct mesh_link *of = &mesh->links[link];
	uint64_t clock_ns = mesh_clock_ns();
	uint64_t interval_ns = mesh_quick_ms(mesh) * MS;
	uint64_t most_ns = BEGIN_INTERVALS * interval_ns < BEGIN_MAX_NS ? BEGIN_INTERVALS * interval_ns : BEGIN_MAX_NS;

	return of->connected < of->configured && of->interface == INTERFACE_UP && clock_ns < of->opened_ns + most_ns &&
	       (of->connected_ns == 0 || clock_ns < of->connected_ns + interval_ns);
}

/* Report the state of a link. A link is first reported up, so that the ring begins. See the rules in transport.h. */
static void look_at_link(struct mesh *mesh, uint32_t link)
{
	struct mesh_link *of = &mesh->links[link];
	const char *cut;

	if (!of->is_open)
		return;
	count_connected(mesh, link);
	if (!of->is_reported && is_awaited(mesh, link))
		return;
	if (!of->is_reported)
		report(mesh, link, true, "bound to its address");
	of->is_reported = true;
	if (of->connected > 0)
		of->was_connected = true;
	cut = of->was_connected ? link_cut(mesh, link) : NULL;
	if (of->interface != INTERFACE_UP)
		report(mesh, link, false, interface_state_text(of->interface));
	else if (cut != NULL)
		report(mesh, link, false, cut);
	else
		report(mesh, link, true, of->connected > 0 ? "peers answer on it" : "its interface is up");
}

static void look_at_interfaces(struct mesh *mesh)
{
	for (uint32_t link = 0; link < KNET_MAX_LINK; link++)
		if (mesh->links[link].is_open)
			mesh->links[link].interface = interface_state(
				(const struct sockaddr *)&mesh->links[link].local);
}

/* ---- When they are examined ---------------------------------------------- */

static void on_tick(void *arg);

static void look(struct mesh *mesh)
{
	uint64_t clock_ns = mesh_clock_ns();

	/* While this process was stopped it received no answers. */
	if (clock_ns > mesh->looked_ns + LATE_NS)
		mesh->awake_ns = clock_ns;
	mesh->looked_ns = clock_ns;
	for (uint32_t i = 0; i < mesh->peer_count; i++)
		look_at_peer(mesh, mesh->peers[i]);
	mesh_paths_repair(mesh);
	mesh_mtu_release(mesh);
	if (mesh->watch_fd < 0)
		look_at_interfaces(mesh);
	for (uint32_t link = 0; link < KNET_MAX_LINK; link++)
		look_at_link(mesh, link);
	mesh_log_listen(mesh, is_anybody_strange(mesh));
	mesh->host->timer_del(mesh->ctx, mesh->tick);
	if (mesh->host->timer_add(mesh->ctx, mesh->host->now_ns(mesh->ctx) + TICK_NS, on_tick, mesh, &mesh->tick) < 0)
		mesh->tick = NULL; /* without a timer only changes that libknet reports are noticed */
}

static void on_tick(void *arg)
{
	struct mesh *mesh = arg;

	mesh->tick = NULL;
	look(mesh);
}

static void on_news(void *arg, int fd, uint32_t revents)
{
	struct mesh *mesh = arg;
	uint64_t count;

	(void)revents;
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	mesh_data_repair(mesh);
	look(mesh);
}

static void on_interface(void *arg, int fd, uint32_t revents)
{
	struct mesh *mesh = arg;

	(void)revents;
	if (!interface_watch_read(fd))
		return;
	look_at_interfaces(mesh);
	mesh_signs_update(mesh); /* an address of the tripwire may exist now */
	look(mesh);
}

/* Wake the loop. Called in a thread of libknet, which holds libknet's locks. */
static void host_changed(void *arg, knet_node_id_t host, uint8_t reachable, uint8_t remote, uint8_t external)
{
	const struct mesh *mesh = arg;
	uint64_t one = 1;

	(void)host, (void)reachable, (void)remote, (void)external;
	if (write(mesh->event_fd, &one, sizeof(one)) < 0)
		return; /* the eventfd is readable already */
}

void mesh_watch_link(struct mesh *mesh, uint32_t link)
{
	struct mesh_link *of = &mesh->links[link];

	of->opened_ns = mesh_clock_ns();
	of->interface = interface_state((const struct sockaddr *)&of->local);
	look_at_link(mesh, link);
}

/* ---- The status of a node ------------------------------------------------ */

static void fill_link(
	const struct mesh *mesh, const struct mesh_peer *peer, uint32_t link, struct coterie_link_status *to)
{
	struct knet_link_status status = {.size = sizeof(status)};

	if (peer->is_local && mesh->links[link].is_open && peer->paths[link].is_listed) {
		to->is_enabled = to->is_connected = 1;
		to->mtu = LOOPBACK_MTU;
		getnameinfo((const struct sockaddr *)&mesh->links[link].local, sizeof(mesh->links[link].local),
			to->source, sizeof(to->source), NULL, 0, NI_NUMERICHOST);
		memcpy(to->destination, to->source, sizeof(to->destination));
		return;
	}
	if (!peer->paths[link].is_configured || knet_link_get_status(mesh->handle, (knet_node_id_t)peer->nodeid,
							(uint8_t)link, &status, sizeof(status)) < 0)
		return;
	to->is_enabled = status.enabled;
	to->is_connected = status.connected != 0 && !mesh_path_is_overdue(mesh, peer, link);
	to->is_dynamic = status.dynconnected;
	to->mtu = status.mtu;
	snprintf(to->source, sizeof(to->source), "%s", status.src_ipaddr);
	snprintf(to->destination, sizeof(to->destination), "%s", status.dst_ipaddr);
}

int mesh_node_status(void *self, uint32_t nodeid, struct coterie_node_status *status)
{
	const struct mesh *mesh = self;
	const struct mesh_peer *peer = mesh_peer_find(mesh, nodeid);
	struct knet_host_status host = {0};

	if (peer == NULL)
		return -ENOENT;
	if (peer->has_host)
		knet_host_get_status(mesh->handle, (knet_node_id_t)nodeid, &host);
	status->is_reachable = peer->is_local;
	status->is_remote = host.remote;
	status->is_external = host.external;
	for (uint32_t link = 0; link < KNET_MAX_LINK && link < COTERIE_LINKS_MAX; link++) {
		fill_link(mesh, peer, link, &status->links[link]);
		if (host.reachable != 0 && status->links[link].is_connected != 0)
			status->is_reachable = 1;
	}
	return 0;
}

/* ---- Life ---------------------------------------------------------------- */

int mesh_watch_open(struct mesh *mesh)
{
	mesh->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mesh->event_fd < 0)
		return -errno;

	int rc = mesh->host->fd_add(mesh->ctx, mesh->event_fd, COTERIE_FD_IN, 0, on_news, mesh);

	if (rc < 0)
		return rc;
	mesh->watch_fd = interface_watch_open();
	if (mesh->watch_fd >= 0 &&
		mesh->host->fd_add(mesh->ctx, mesh->watch_fd, COTERIE_FD_IN, 0, on_interface, mesh) < 0) {
		close(mesh->watch_fd);
		mesh->watch_fd = -1;
	}
	mesh->looked_ns = mesh_clock_ns();
	look(mesh);
	return mesh_result(knet_host_enable_status_change_notify(mesh->handle, mesh, host_changed));
}

void mesh_watch_close(struct mesh *mesh)
{
	mesh->host->timer_del(mesh->ctx, mesh->tick);
	if (mesh->watch_fd >= 0) {
		mesh->host->fd_del(mesh->ctx, mesh->watch_fd);
		close(mesh->watch_fd);
	}
	if (mesh->event_fd >= 0) {
		mesh->host->fd_del(mesh->ctx, mesh->event_fd);
		close(mesh->event_fd);
	}
	mesh->watch_fd = mesh->event_fd = -1;
}
