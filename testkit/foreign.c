/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages of nodes of the other byte order. The kit's own service carries such a message in the order of the ring.
 * Each member passes it to the daemon's routing, as if a frame in the other byte order had brought it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec/plugin/plugin_load.h"
#include "exec/sync/route.h"
#include "testkit/kit.h"

#define FOREIGN_RING_ID 62u
#define SIZE_MAX_PLAYED 1048576u

struct foreign {
	const struct coterie_host *host;
	struct coterie_ctx *ctx;
};

/* A message of the kit's service. The message for the other service follows. */
struct envelope {
	struct coterie_ring_header header;
	uint32_t service, function;
};

static int foreign_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct foreign *foreign = kit_alloc(sizeof(*foreign));

	foreign->host = host;
	foreign->ctx = ctx;
	*self = foreign;
	return 0;
}

static uint16_t swap16(uint16_t value) { return __builtin_bswap16(value); }

static void deliver(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	const struct foreign *foreign = self;
	const struct envelope *envelope = msg;
	struct kit_node *node = kit_node_of_plugin((const struct plugin *)foreign->ctx);
	uint32_t whole = size - (uint32_t)sizeof(*envelope) + (uint32_t)sizeof(struct coterie_ring_header);
	/* one group with a name of one byte: "a" */
	const uint16_t numbers[] = {swap16(1), swap16(1)};
	const struct coterie_ring_header header = {
		.id = (int32_t)__builtin_bswap32(envelope->service << 16 | envelope->function),
		.size = (int32_t)__builtin_bswap32(whole)};
	uint8_t *bytes = kit_alloc(sizeof(numbers) + 1 + whole);

	memcpy(bytes, numbers, sizeof(numbers));
	bytes[sizeof(numbers)] = 'a';
	memcpy(bytes + sizeof(numbers) + 1, &header, sizeof(header));
	memcpy(bytes + sizeof(numbers) + 1 + sizeof(header), envelope + 1, whole - sizeof(header));
	const struct iovec iov = {bytes, sizeof(numbers) + 1 + whole};
	const struct totem_message message = {
		.source = nodeid, .is_swapped = true, .iov = &iov, .count = 1, .size = iov.iov_len};
	route_deliver(node->executive.route, &message);
	free(bytes);
}

static const struct coterie_ring_msg ring_msgs[] = {
	{.function = 0, .size_min = sizeof(struct envelope), .deliver = deliver},
};

static const struct coterie_service ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = FOREIGN_RING_ID,
	.title = "messages of the other byte order",
	.init = foreign_init,
	.fini = free,
	COTERIE_RING_MSGS(ring_msgs),
};

COTERIE_PLUGIN(testkit_foreign, .kind = COTERIE_KIND_SERVICE, .version = "1.0",
	.description = "the test kit's nodes of the other byte order", .needs = COTERIE_CAP_RING,
	.offers = COTERIE_CAN_UNPRIVILEGED, .ops = &ops);

static const struct kit_plugin plugin = {.linked = &testkit_foreign_LTX_coterie_plugin,
	.table = {{"testkit", NULL}, {"testkit_foreign.a", NULL},
		{"testkit_foreign_LTX_coterie_plugin", (void *)(uintptr_t)&testkit_foreign_LTX_coterie_plugin},
		{NULL, NULL}}};

int foreign_load(struct kit_node *node)
{
	struct plugin_error error = {0};

	kit_plugin_prepare(&plugin);
	if (plugin_load(node->executive.plugins, COTERIE_KIND_SERVICE, "testkit_foreign", &error) != NULL)
		return 0;
	snprintf(node->kit->error, sizeof(node->kit->error), "node %u: %s", node->id, error.text);
	return -EINVAL;
}

int testkit_foreign(struct testkit *kit)
{
	for (uint32_t i = 0; i < kit->node_count; i++)
		if (kit->nodes[i].is_up)
			return -EBUSY;
	kit->has_foreign = true;
	return 0;
}

int testkit_play(struct testkit *kit, uint32_t id, const char *name, uint32_t function, const void *msg, uint32_t size)
{
	struct kit_node *node = kit_node(kit, id);

	if (node == NULL)
		return -EINVAL;
	if (!kit->has_foreign)
		return -ENOTSUP;
	if (!node->is_up)
		return -ESRCH;
	if (size > SIZE_MAX_PLAYED)
		return -EMSGSIZE;
	const struct plugin *target = plugin_by_name(node->executive.plugins, name);
	struct plugin *own = plugin_by_name(node->executive.plugins, "testkit_foreign");
	if (target == NULL || own == NULL || target->descriptor->kind != COTERIE_KIND_SERVICE)
		return -ENOENT;
	const uint32_t words[] = {target->service.ring_id, function};
	const struct iovec iov[] = {{(void *)(uintptr_t)words, sizeof(words)}, {(void *)(uintptr_t)msg, size}};
	struct kit_node *outer = kit_enter(node);
	int rc = route_send(node->executive.route, own, 0, COTERIE_AGREED, iov, 2);
	kit_leave(node, outer);
	return rc;
}
