/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Certain signs that a node's daemon has ended. libknet has none: it only knows answers to pings, and these may be
 * missing for many reasons.
 *
 * The tripwire is a TCP connection to the peer's address on the lowest link. The kernel of a daemon that has ended
 * closes it. A poke is a plain datagram to the port of a link, sent without libknet. If a daemon runs there, its
 * libknet drops the datagram as unknown. If none runs, the kernel refuses the datagram and quotes its bytes.
 */
#include "transports/knet/knet.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transports/common/icmp.h"
#include "transports/common/socket.h"

#define POKE_BUFFER 65536u
/* Datagrams of other hosts that are read at a time and dropped. */
#define READS_MAX 64

const struct coterie_option mesh_options[MESH_OPTION_COUNT] = {
	{.name = "tripwire",
		.type = COTERIE_OPT_BOOL,
		.flags = COTERIE_OPT_RELOAD,
		.initial = "yes",
		.help = "hold a TCP connection to the next node, which ends when its daemon dies"},
};

/* ---- The tripwire ---------------------------------------------------------- */

static int lowest_link(const struct mesh *mesh)
{
	for (uint32_t link = 0; link < KNET_MAX_LINK; link++)
		if (mesh->links[link].is_open)
			return (int)link;
	return -1;
}

static const struct mesh_path *path_of(const struct mesh *mesh, uint32_t nodeid, uint32_t link)
{
	const struct mesh_peer *peer = mesh_peer_find(mesh, nodeid);

	return peer != NULL && peer->paths[link].is_listed ? &peer->paths[link] : NULL;
}

static void forget_peer(struct mesh_signs *signs, uint32_t nodeid)
{
	tripwire_forget(&signs->wire, nodeid);
	peers_del(&signs->peers, nodeid);
}

/* Make the tripwire's list of peers that of its link. */
static void match_peers(struct mesh *mesh)
{
	struct mesh_signs *signs = &mesh->signs;
	uint32_t link = (uint32_t)signs->link;

	for (uint32_t i = signs->peers.count; i > 0; i--) {
		const struct peer *peer = &signs->peers.list[i - 1];
		const struct mesh_path *path = path_of(mesh, peer->nodeid, link);

		if (path == NULL || memcmp(&path->address, &peer->address, peer->address_size) != 0)
			forget_peer(signs, peer->nodeid);
	}
	for (uint32_t i = 0; i < mesh->peer_count; i++) {
		const struct mesh_peer *peer = mesh->peers[i];

		/* Without memory for a peer only that peer is not watched. */
		if (peer->paths[link].is_listed && peers_find(&signs->peers, peer->nodeid) == NULL)
			(void)peers_add(&signs->peers, peer->nodeid, peer->is_local,
				(const struct sockaddr *)&peer->paths[link].address);
	}
}

void mesh_signs_update(struct mesh *mesh)
{
	struct mesh_signs *signs = &mesh->signs;
	int link = lowest_link(mesh);

	if (link != signs->link) {
		tripwire_unbound(&signs->wire);
		while (signs->peers.count > 0)
			forget_peer(signs, signs->peers.list[0].nodeid);
		signs->link = link;
	}
	if (link < 0)
		return;
	match_peers(mesh);
	tripwire_bound(&signs->wire, (const struct sockaddr *)&mesh->links[link].local);
}

int mesh_signs_reload(struct mesh *mesh)
{
	uint64_t is_wanted = 1;
	int rc = mesh->host->option_u64(mesh->ctx, "tripwire", &is_wanted);

	if (rc == 0)
		tripwire_switch(&mesh->signs.wire, is_wanted != 0);
	return rc;
}

void mesh_watch(void *self, uint32_t nodeid)
{
	struct mesh *mesh = self;

	tripwire_watch(&mesh->signs.wire, nodeid);
}

uint32_t mesh_witness(void *self, uint32_t nodeid, uint32_t is_first)
{
	struct mesh *mesh = self;

	return tripwire_witness(&mesh->signs.wire, nodeid, is_first != 0);
}

/* ---- Pokes ------------------------------------------------------------------- */

/* Return the node with this address and port, on any link. */
static uint32_t node_at(const struct mesh *mesh, const struct sockaddr *to)
{
	for (uint32_t i = 0; i < mesh->peer_count; i++) {
		const struct mesh_peer *peer = mesh->peers[i];

		for (uint32_t link = 0; link < KNET_MAX_LINK; link++) {
			const struct sockaddr *address = (const struct sockaddr *)&peer->paths[link].address;

			if (peer->paths[link].is_listed && !peer->is_local && address_equal(address, to) &&
				address_port(address) == address_port(to))
				return peer->nodeid;
		}
	}
	return 0;
}

/* Tell the host of the refusals. It may poke nodes meanwhile, which may note further ones. */
static void tell_refused(void *arg)
{
	struct mesh *mesh = arg;
	struct mesh_signs *signs = &mesh->signs;
	struct mesh_refusal refusals[MESH_REFUSALS_MAX];
	uint32_t count = signs->refusal_count;

	memcpy(refusals, signs->refusals, count * sizeof(refusals[0]));
	signs->refusal_timer = NULL;
	signs->refusal_count = 0;
	for (uint32_t i = 0; i < count; i++)
		mesh->host->peer_refused(mesh->ctx, refusals[i].nodeid, refusals[i].quote, refusals[i].size);
}

/* Handle an ICMP error. It counts only if it comes from the peer's own host, and is about the daemon's port. */
static void on_icmp(void *arg, const struct icmp_report *report)
{
	struct mesh *mesh = arg;
	struct mesh_signs *signs = &mesh->signs;
	uint32_t nodeid;

	if (report->error != ECONNREFUSED || !report->is_from_destination || signs->refusal_count == MESH_REFUSALS_MAX)
		return;
	nodeid = node_at(mesh, (const struct sockaddr *)&report->to);
	if (nodeid == 0)
		return;

	struct mesh_refusal *refusal = &signs->refusals[signs->refusal_count++];

	refusal->nodeid = nodeid;
	refusal->size = report->quote_size;
	memcpy(refusal->quote, report->quote, report->quote_size);
	/*
	 * This may run inside a host function, so use a timer. Without memory for one, the next refusal reports this
	 * one, too.
	 */
	if (signs->refusal_timer == NULL && mesh->host->timer_add(mesh->ctx, mesh->host->now_ns(mesh->ctx),
						    tell_refused, mesh, &signs->refusal_timer) < 0)
		signs->refusal_timer = NULL;
}

static void poke_ready(void *arg, int fd, uint32_t revents)
{
	char byte;

	(void)revents;
	icmp_drain(fd, on_icmp, arg);
	for (int i = 0; i < READS_MAX && recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0; i++)
		;
}

/* Return the link's socket for pokes, which sends from the link's own address; -errno. */
static int poke_socket(struct mesh *mesh, uint32_t link)
{
	struct mesh_signs *signs = &mesh->signs;
	struct sockaddr_storage from = mesh->links[link].local;
	struct socket_grant grant;
	int fd, rc;

	if (signs->poke_fds[link] >= 0)
		return signs->poke_fds[link];
	if (from.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&from)->sin6_port = 0;
	else
		((struct sockaddr_in *)&from)->sin_port = 0;
	fd = socket_open((struct sockaddr *)&from, signs->wire.dscp, POKE_BUFFER, false, &grant);
	if (fd < 0)
		return fd;
	rc = mesh->host->fd_add(mesh->ctx, fd, COTERIE_FD_IN, 1, poke_ready, mesh);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	signs->poke_fds[link] = fd;
	return fd;
}

/*
 * Send a poke on a link. A link over SCTP has no UDP socket, so the kernel would refuse the datagram although the
 * daemon runs.
 */
static int poke_over(struct mesh *mesh, const struct mesh_peer *peer, uint32_t link, const struct coterie_frame *frame)
{
	const struct mesh_path *path = &peer->paths[link];
	const struct sockaddr *to = (const struct sockaddr *)&path->address;
	int fd, rc = 0;

	if (!path->is_configured)
		return -ENOENT;
	if (mesh->links[link].transport != KNET_TRANSPORT_UDP)
		return -EPROTONOSUPPORT;
	fd = poke_socket(mesh, link);
	if (fd < 0)
		return fd;
	/*
	 * The first send fails if an error of an earlier datagram is pending. So read the errors, and send once more.
	 */
	for (int i = 0; i < 2; i++) {
		if (sendto(fd, frame->data, frame->size, MSG_DONTWAIT | MSG_NOSIGNAL, to, address_size(to)) >= 0)
			return 0;
		rc = -errno;
		if (icmp_drain(fd, on_icmp, mesh) == 0)
			break;
	}
	return rc;
}

int mesh_poke(void *self, uint32_t nodeid, struct coterie_frame *frame)
{
	struct mesh *mesh = self;
	const struct mesh_peer *peer = mesh_peer_find(mesh, nodeid);
	int first = -ENOENT;

	if (peer == NULL || peer->is_local)
		return -ENOENT;
	/* The first open link is that of the tripwire. */
	for (uint32_t link = 0; link < KNET_MAX_LINK; link++) {
		int rc = poke_over(mesh, peer, link, frame);

		if (rc == 0)
			return 0;
		if (first == -ENOENT)
			first = rc;
	}
	return first;
}

/* ---- Life ---------------------------------------------------------------------- */

void mesh_signs_link_down(struct mesh *mesh, uint32_t link)
{
	int *fd = &mesh->signs.poke_fds[link];

	if (*fd < 0)
		return;
	mesh->host->fd_del(mesh->ctx, *fd);
	close(*fd);
	*fd = -1;
}

void mesh_signs_init(struct mesh *mesh)
{
	struct mesh_signs *signs = &mesh->signs;

	signs->link = -1;
	for (uint32_t link = 0; link < KNET_MAX_LINK; link++)
		signs->poke_fds[link] = -1;
	peers_init(&signs->peers);
	tripwire_init(&signs->wire, mesh->host, mesh->ctx, &signs->peers, NULL);
}

void mesh_signs_close(struct mesh *mesh)
{
	struct mesh_signs *signs = &mesh->signs;

	tripwire_fini(&signs->wire);
	for (uint32_t link = 0; link < KNET_MAX_LINK; link++)
		mesh_signs_link_down(mesh, link);
	mesh->host->timer_del(mesh->ctx, signs->refusal_timer);
	peers_fini(&signs->peers);
}
