/* SPDX-License-Identifier: BSD-3-Clause */
/* Creation and end of a UDP link, its options, node list, statistics and status. */
#include "transports/common/udp_link_private.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_HEADERS 90u
#define IPV6_HEADER_EXTRA 20u
/*
 * Least time between two frames to a peer that is away. A host answers six datagrams to a closed port at once, and then
 * one in a second.
 */
#define AWAY_GAP_NS UINT64_C(3000000000)

/* ---- Options ------------------------------------------------------------- */

const struct coterie_option udp_link_options[4] = {
	{.name = "block_unlisted_ips",
		.type = COTERIE_OPT_BOOL,
		.flags = COTERIE_OPT_RELOAD,
		.initial = "yes",
		.help = "drop packets from addresses that are not in the node list"},
	{.name = "offload",
		.type = COTERIE_OPT_BOOL,
		.initial = "yes",
		.help = "hand many datagrams to the kernel at once (segmentation offload)"},
	{.name = "socket_buffer",
		.type = COTERIE_OPT_SIZE,
		.initial = "8388608",
		.min = 65536,
		.max = 1 << 30,
		.help = "buffer to ask the kernel for, in each direction"},
	{.name = "tripwire",
		.type = COTERIE_OPT_BOOL,
		.flags = COTERIE_OPT_RELOAD,
		.initial = "yes",
		.help = "hold a TCP connection to the next node, which ends when its daemon dies"},
};

/* Read the options. Changes of offload and buffer take effect at the next start. */
static int read_options(struct udp_link *link)
{
	uint64_t blocks = 1;
	uint64_t offload = 1;
	uint64_t size = 0;
	uint64_t tripwire = 1;
	int rc = link->host->option_u64(link->ctx, "block_unlisted_ips", &blocks);

	if (rc == 0)
		rc = link->host->option_u64(link->ctx, "offload", &offload);
	if (rc == 0)
		rc = link->host->option_u64(link->ctx, "socket_buffer", &size);
	if (rc == 0)
		rc = link->host->option_u64(link->ctx, "tripwire", &tripwire);
	if (rc < 0)
		return rc;
	link->blocks_unlisted = blocks != 0;
	link->has_offload = offload != 0;
	link->buffer_size = (uint32_t)size;
	tripwire_switch(&link->wire, tripwire != 0);
	return 0;
}

int udp_link_reload(void *self)
{
	int rc = read_options(self);

	return rc < 0 ? rc : udp_link_keys_reload(self);
}

/* ---- Life ---------------------------------------------------------------- */

void udp_link_close(void *self)
{
	struct udp_link *link = self;

	udp_link_del_stats(link);
	pending_fini(&link->pending);
	udp_link_stop(link);
	batch_in_destroy(link->in);
	batch_in_destroy(link->drain_in);
	peers_fini(&link->peers);
	secure_destroy(link->secure);
	free(link);
}

int udp_link_open(const struct coterie_host *host, struct coterie_ctx *ctx, size_t size,
	const struct udp_link_hooks *hooks, void **self)
{
	struct udp_link *link = calloc(1, size);

	if (link == NULL)
		return -ENOMEM;
	link->host = host;
	link->ctx = ctx;
	link->hooks = hooks;
	link->pending.host = host;
	link->fd = -1;
	link->group_fd = -1;
	link->watch_fd = -1;
	link->out.fd = -1;
	link->out.on_icmp = udp_link_on_icmp;
	link->out.arg = link;
	peers_init(&link->peers);
	int rc = secure_create(host->local_nodeid(ctx), NULL, &link->secure);

	tripwire_init(&link->wire, host, ctx, &link->peers, link->secure);

	if (rc == 0)
		rc = read_options(link);
	if (rc == 0)
		rc = udp_link_keys_open(link);
	if (rc == 0) {
		link->in = batch_in_create(host, ctx);
		rc = link->in == NULL ? -ENOMEM : 0;
	}
	if (rc == 0 && hooks->has_group) {
		link->drain_in = batch_in_create(host, ctx);
		rc = link->drain_in == NULL ? -ENOMEM : 0;
	}
	if (rc < 0) {
		udp_link_close(link);
		return rc;
	}
	udp_link_add_stats(link);
	*self = link;
	return 0;
}

/* ---- The node list ------------------------------------------------------- */

int udp_link_peer_add(void *self, uint32_t number, uint32_t nodeid, const struct sockaddr *address)
{
	struct udp_link *link = self;

	if (number != 0)
		return -EINVAL;
	if (link->is_open && address->sa_family != link->local.ss_family)
		return -EAFNOSUPPORT;

	bool is_local = nodeid == link->host->local_nodeid(link->ctx);
	int rc = peers_add(&link->peers, nodeid, is_local, address);

	if (rc < 0 || is_local)
		return rc;
	rc = secure_peer_add(link->secure, nodeid);
	if (rc < 0)
		peers_del(&link->peers, nodeid);
	else
		udp_link_greet(link, peers_find(&link->peers, nodeid));
	return rc;
}

void udp_link_peer_del(void *self, uint32_t number, uint32_t nodeid)
{
	struct udp_link *link = self;

	if (number != 0)
		return;
	tripwire_forget(&link->wire, nodeid);
	secure_peer_del(link->secure, nodeid);
	peers_del(&link->peers, nodeid);
}

void udp_link_watch(void *self, uint32_t nodeid)
{
	struct udp_link *link = self;

	tripwire_watch(&link->wire, nodeid);
}

uint32_t udp_link_witness(void *self, uint32_t nodeid, uint32_t is_first)
{
	struct udp_link *link = self;

	return tripwire_witness(&link->wire, nodeid, is_first != 0);
}

/* ---- Statistics and status ----------------------------------------------- */

void udp_link_stats(void *self, struct coterie_transport_stats *stats)
{
	const struct udp_link *link = self;
	const struct batch_in_counts *in = batch_in_counts(link->in);
	struct coterie_transport_stats ours = {
		.size = stats->size,
		.frames_in = in->datagrams,
		.frames_out = link->out.datagrams,
		.bytes_in = in->bytes,
		.bytes_out = link->out.bytes,
		.send_calls = link->out.calls,
		.receive_calls = in->calls,
		.send_errors = link->out.errors,
		.receive_errors = link->receive_errors + in->errors,
		.rejected = link->rejected,
	};

	if (link->drain_in != NULL) {
		in = batch_in_counts(link->drain_in);
		ours.frames_in += in->datagrams;
		ours.bytes_in += in->bytes;
		ours.receive_calls += in->calls;
		ours.receive_errors += in->errors;
	}
	memcpy(stats, &ours, stats->size < sizeof(ours) ? stats->size : sizeof(ours));
}

/* Return the netmtu that the operator has configured; 0: none. */
static uint32_t chosen_netmtu(const struct udp_link *link)
{
	uint32_t type, size, netmtu = 0;
	const void *value;

	if (link->host->map_get(link->ctx, "totem.netmtu", &type, &value, &size) == 0 && type == COTERIE_MAP_U32)
		memcpy(&netmtu, value, sizeof(netmtu));
	return netmtu;
}

/*
 * Return the largest frame: the configured netmtu, or the default, without two frame headers
 * (book transports, "Sizes").
 */
static uint32_t link_mtu(struct udp_link *link)
{
	uint32_t chosen = chosen_netmtu(link);

	return (chosen != 0 ? chosen : UDP_LINK_NETMTU) - FRAME_HEADERS - udp_link_overhead(link);
}

uint32_t udp_link_frame_size(const struct udp_link *link)
{
	uint32_t chosen = chosen_netmtu(link), headers = UDP_LINK_HEADERS;

	for (uint32_t i = 0; i < link->peers.count; i++)
		if (link->peers.list[i].address.ss_family == AF_INET6)
			headers = UDP_LINK_HEADERS + IPV6_HEADER_EXTRA;
	return (chosen != 0 ? chosen : UDP_LINK_NETMTU - headers) - FRAME_HEADERS / 2;
}

static bool link_is_member(const struct udp_link *link, uint32_t nodeid)
{
	struct coterie_ring_id ring;
	const uint32_t *members;
	uint32_t count;

	link->host->membership(link->ctx, &ring, &members, &count);
	for (uint32_t i = 0; i < count; i++) {
		if (members[i] == nodeid)
			return true;
	}
	return false;
}

bool udp_link_is_away(struct udp_link *link, struct peer *peer)
{
	if (peer->refused_ns == 0 || link_is_member(link, peer->nodeid))
		return false;

	uint64_t now_ns = link->host->now_ns(link->ctx);

	if (now_ns - peer->away_ns < AWAY_GAP_NS)
		return true;
	peer->away_ns = now_ns;
	return false;
}

/*
 * Return the status of a node. The transport itself does not know which nodes can be reached, so members of the ring
 * count as reachable. As in Corosync the source is this node's own address, and the status of a node that is not listed
 * is all zero, not an error.
 */
int udp_link_node_status(void *self, uint32_t nodeid, struct coterie_node_status *status)
{
	struct udp_link *link = self;
	const struct peer *peer = peers_find(&link->peers, nodeid);
	struct coterie_link_status *ours = &status->links[0];

	if (peer == NULL)
		return 0;
	status->is_reachable = link_is_member(link, nodeid);
	ours->is_enabled = 1;
	ours->is_connected = status->is_reachable;
	ours->mtu = link_mtu(link);
	getnameinfo((const struct sockaddr *)&peer->address, peer->address_size, ours->source, sizeof(ours->source),
		NULL, 0, NI_NUMERICHOST);
	return 0;
}

/*
 * Return how many frames the receive buffer holds. A longer frame arrives in several fragments, each with a kernel
 * buffer of its own.
 */
uint32_t udp_link_capacity(void *self, uint32_t frame_size)
{
	const struct udp_link *link = self;
	uint32_t fragments = frame_size / UDP_LINK_NETMTU + 1;

	return link->receive_size / (SOCKET_FRAME_COST * fragments);
}
