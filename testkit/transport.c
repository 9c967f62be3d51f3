/* SPDX-License-Identifier: BSD-3-Clause */
/* The transport of a node: it sends frames into the simulated network and receives frames from it. */
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include <coterie/transport.h>

#include "exec/host/host.h"
#include "exec/plugin/plugin.h"
#include "testkit/kit.h"

#define FRAME_SIZE_MAX 65536u
#define NETMTU 1500u
#define LOWER_HEADERS 28u /* as with UDP over IPv4 */
#define BATCH 64u
#define QUOTE_MAX 128u

static int testnet_open(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct plugin *plugin = (struct plugin *)ctx;
	size_t offset = offsetof(struct kit_node, executive.host);

	(void)host;
	*self = (uint8_t *)(uintptr_t)plugin->host - offset;
	return 0;
}

/*
 * Close the transport as at the end of a process: the kernel closes its connections, and nodes that can be reached
 * notice that.
 */
static void testnet_close(void *self)
{
	struct kit_node *node = self;
	struct net *net = &node->kit->net;

	for (uint32_t i = 0; i < node->kit->node_count; i++)
		if (i != node->index && !net->cut[node->index][i])
			clock_add(net->clock, net->clock->now_ns + net->delay_max_ns, SIM_CLOSED, i, NULL, node->index);
}

static int testnet_link_up(void *self, uint32_t link, const struct sockaddr *local)
{
	struct kit_node *node = self;
	struct plugin *plugin = node->transport;

	(void)local;
	host_table()->link_state((struct coterie_ctx *)plugin, link, 1, "simulated");
	return 0;
}

static int testnet_peer_add(void *self, uint32_t link, uint32_t nodeid, const struct sockaddr *address)
{
	(void)self, (void)link, (void)nodeid, (void)address;
	return 0;
}

static void testnet_peer_del(void *self, uint32_t link, uint32_t nodeid) { (void)self, (void)link, (void)nodeid; }

static struct packet *packet_of(struct kit_node *node, const struct coterie_frame *frame)
{
	if (!kit_effect(node))
		return NULL;
	kit_digest(node->kit, node->id, frame->data, frame->size);
	return packet_create(frame->data, frame->size, node->index, node->life);
}

static int testnet_multicast(void *self, struct coterie_frame *const *frames, uint32_t count)
{
	struct kit_node *node = self;

	for (uint32_t i = 0; i < count; i++) {
		struct packet *packet = packet_of(node, frames[i]);

		if (packet != NULL)
			net_multicast(&node->kit->net, packet);
		packet_unref(packet);
	}
	return (int)count;
}

static int testnet_token(void *self, uint32_t nodeid, struct coterie_frame *frame)
{
	struct kit_node *node = self;
	struct kit_node *to = kit_node_of(node->kit, nodeid);

	if (to == NULL)
		return -ENOENT;
	struct packet *packet = packet_of(node, frame);
	if (packet != NULL)
		net_unicast(&node->kit->net, packet, to->index);
	packet_unref(packet);
	return 0;
}

void transport_arrive(struct kit_node *node, struct packet *const *packets, uint32_t count)
{
	static const struct sockaddr_in somebody = {.sin_family = AF_INET};
	const struct coterie_host *host = host_table();
	struct coterie_ctx *ctx = (struct coterie_ctx *)node->transport;
	struct coterie_arrival arrivals[BATCH];

	while (count > 0) {
		uint32_t some = count < BATCH ? count : BATCH, taken = 0;

		for (uint32_t i = 0; i < some; i++) {
			struct coterie_frame *frame = host->frame_take(ctx, packets[i]->size);

			if (frame == NULL)
				continue; /* the packet counts as lost */
			memcpy(frame->data, packets[i]->bytes, packets[i]->size);
			frame->size = packets[i]->size;
			arrivals[taken++] = (struct coterie_arrival){
				.frame = frame, .from = (const struct sockaddr *)&somebody};
		}
		host->frames_in(ctx, arrivals, taken);
		for (uint32_t i = 0; i < taken; i++)
			host->frame_unref(arrivals[i].frame);
		packets += some;
		count -= some;
	}
}

void transport_refused(struct kit_node *node, const struct packet *packet, uint32_t by)
{
	host_table()->peer_refused((struct coterie_ctx *)node->transport, node->kit->nodes[by].nodeid, packet->bytes,
		packet->size < QUOTE_MAX ? packet->size : QUOTE_MAX);
}

void transport_closed(struct kit_node *node, uint32_t by)
{
	host_table()->peer_watch(
		(struct coterie_ctx *)node->transport, node->kit->nodes[by].nodeid, COTERIE_WATCH_CLOSED);
}

static const struct coterie_transport testnet_ops = {
	.size = sizeof(struct coterie_transport),
	.links_max = 1,
	.frame_size_max = FRAME_SIZE_MAX,
	.netmtu = NETMTU,
	.header_size = LOWER_HEADERS,
	.open = testnet_open,
	.close = testnet_close,
	.link_up = testnet_link_up,
	.peer_add = testnet_peer_add,
	.peer_del = testnet_peer_del,
	.multicast = testnet_multicast,
	.token = testnet_token,
};

COTERIE_PLUGIN(testnet, .kind = COTERIE_KIND_TRANSPORT, .version = "1.0",
	.description = "the test kit's simulated network", .needs = COTERIE_CAP_TRANSPORT,
	.offers = COTERIE_CAN_UNPRIVILEGED | COTERIE_CAN_TELL_REFUSED, .ops = &testnet_ops);
