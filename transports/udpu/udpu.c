/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UDP unicast: every frame is sent to each peer in a datagram of its own. One socket, bound to this node's address and
 * port, sends and receives all packets. So frames and token of one node are one flow, and the network hardly ever
 * reorders them (book transports, "udpu").
 */
#include "transports/common/udp_link.h"

static void udpu_fan_out(struct udp_link *link, struct coterie_frame *const *frames, uint32_t count)
{
	for (uint32_t i = 0; i < link->peers.count; i++) {
		struct peer *peer = peers_in_ring_order(&link->peers, i);

		if (!peer->is_local && !udp_link_is_away(link, peer))
			udp_link_send(link, peer, frames, count);
	}
}

static const struct udp_link_hooks udpu_hooks = {.fan_out = udpu_fan_out};

static int udpu_open(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	return udp_link_open(host, ctx, sizeof(struct udp_link), &udpu_hooks, self);
}

static const struct coterie_transport udpu_ops = {
	UDP_LINK_OPERATIONS,
	.open = udpu_open,
	.link_up = udp_link_up,
	.peer_add = udp_link_peer_add,
	.peer_del = udp_link_peer_del,
};

COTERIE_PLUGIN(udpu, .kind = COTERIE_KIND_TRANSPORT, .version = "1.0",
	.description = "UDP unicast to every node of the node list", .needs = COTERIE_CAP_TRANSPORT,
	.offers = COTERIE_CAN_RELOAD | COTERIE_CAN_UNPRIVILEGED | COTERIE_CAN_TELL_REFUSED,
	COTERIE_OPTIONS(udp_link_options), .ops = &udpu_ops);
