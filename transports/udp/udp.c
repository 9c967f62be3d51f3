/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UDP multicast or broadcast: one datagram reaches every node. The link's own socket sends all packets and receives
 * tokens. Multicasts arrive on a second socket, which is bound to the group. The executive reads all of them before it
 * uses a token (book transports, "udp").
 *
 * Corosync sends from the port below the group's port, and accepts datagrams from any port. This node sends from the
 * group's port, so the socket that receives tokens can also send. All ICMP errors then arrive on that socket, and the
 * source address shows which multicasts are copies of this node's own.
 */
#include "transports/udp/udp.h"

static void udp_fan_out(struct udp_link *link, struct coterie_frame *const *frames, uint32_t count)
{
	udp_link_send(link, &link->group, frames, count);
}

static const struct udp_link_hooks udp_hooks = {
	.fan_out = udp_fan_out,
	.attach = udp_group_attach,
	.has_group = true,
};

static int udp_open(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	return udp_link_open(host, ctx, sizeof(struct udp), &udp_hooks, self);
}

static int udp_up(void *self, uint32_t number, const struct sockaddr *local)
{
	struct udp *udp = self;

	if (number == 0 && !udp->link.is_open) {
		int rc = udp_group_configure(udp, local);

		if (rc < 0)
			return rc;
	}
	return udp_link_up(self, number, local);
}

static int udp_peer_add(void *self, uint32_t number, uint32_t nodeid, const struct sockaddr *address)
{
	int rc = udp_link_peer_add(self, number, nodeid, address);

	if (rc == 0)
		udp_group_neighbours(self);
	return rc;
}

static void udp_peer_del(void *self, uint32_t number, uint32_t nodeid)
{
	udp_link_peer_del(self, number, nodeid);
	udp_group_neighbours(self);
}

static const struct coterie_transport udp_ops = {
	UDP_LINK_OPERATIONS,
	.open = udp_open,
	.link_up = udp_up,
	.peer_add = udp_peer_add,
	.peer_del = udp_peer_del,
	.drain = udp_link_drain,
};

COTERIE_PLUGIN(udp, .kind = COTERIE_KIND_TRANSPORT, .version = "1.0", .description = "UDP multicast or broadcast",
	.needs = COTERIE_CAP_TRANSPORT,
	.offers = COTERIE_CAN_RELOAD | COTERIE_CAN_UNPRIVILEGED | COTERIE_CAN_TELL_REFUSED,
	COTERIE_OPTIONS(udp_link_options), .ops = &udp_ops);
