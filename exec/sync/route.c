/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/sync/route.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/map/map.h"
#include "exec/plugin/plugin.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/ring/ring.h"
#include "exec/ring/ring_packet.h"
#include "exec/sync/delivery.h"
#include "exec/sync/round_message.h"
#include "exec/sync/sync.h"
#include "exec/sync/writable.h"

#define SERVICE_ID_MAX 63u
#define PARTS_MAX 62u
#define ALIGNMENT 16u
#define PLOAD_START (4 << 16) /* the size field of this message is garbage on the wire: book services, "pload" */

struct route {
	struct route_parts parts;
	uint8_t *scratch; /* copy of a message, contiguous and aligned */
	size_t scratch_size;
	struct iovec *rest; /* parts of a message for deliver_parts */
	size_t rest_capacity;
	uint64_t dropped;
	struct log_limit malformed, unknown, misuse;
};

/* A read position in the parts of a message. */
struct position {
	const struct iovec *iov;
	size_t count;
	size_t offset; /* in iov[0] */
};

struct route *route_create(const struct route_parts *parts)
{
	struct route *route = calloc(1, sizeof(*route));

	if (route != NULL)
		route->parts = *parts;
	return route;
}

void route_destroy(struct route *route)
{
	if (route == NULL)
		return;
	free(route->scratch);
	free(route->rest);
	free(route);
}

static void read_bytes(struct position *position, void *to, size_t size)
{
	uint8_t *out = to;

	while (size > 0) {
		assert(position->count > 0); /* the caller has checked the size */
		size_t left = position->iov->iov_len - position->offset;
		size_t take = left < size ? left : size;

		if (out != NULL) {
			memcpy(out, (const uint8_t *)position->iov->iov_base + position->offset, take);
			out += take;
		}
		position->offset += take;
		size -= take;
		if (position->offset == position->iov->iov_len) {
			position->iov++;
			position->count--;
			position->offset = 0;
		}
	}
}

static int need_scratch(struct route *route, size_t size)
{
	if (size <= route->scratch_size)
		return 0;
	size_t rounded = (size + 65535u) & ~(size_t)65535u;
	uint8_t *scratch = aligned_alloc(ALIGNMENT, rounded);

	if (scratch == NULL)
		return -ENOMEM;
	free(route->scratch);
	route->scratch = scratch;
	route->scratch_size = rounded;
	return 0;
}

/* List the bytes of the message from `position` on as parts. The first part may begin inside an iovec. */
static int collect_parts(struct route *route, struct position position, size_t *count)
{
	if (position.count > route->rest_capacity) {
		size_t capacity = position.count + 64;
		struct iovec *parts = realloc(route->rest, capacity * sizeof(*parts));

		if (parts == NULL)
			return -ENOMEM;
		route->rest = parts;
		route->rest_capacity = capacity;
	}
	*count = 0;
	for (; position.count > 0; position.iov++, position.count--, position.offset = 0) {
		if (position.iov->iov_len == position.offset)
			continue;
		route->rest[(*count)++] = (struct iovec){
			(uint8_t *)position.iov->iov_base + position.offset, position.iov->iov_len - position.offset};
	}
	return 0;
}

static void drop(struct route *route, uint32_t source, const char *why)
{
	route->dropped++;
	log_limited(&route->malformed, loop_now_ns(route->parts.loop), "SERV", LOG_WARNING,
		"message of node %u dropped: %s", source, why);
}

static void deliver_executive(
	struct route *route, const struct totem_message *message, struct position position, size_t size)
{
	uint8_t bytes[64];
	size_t known = size < sizeof(bytes) ? size : sizeof(bytes);

	uint32_t id = 0;

	read_bytes(&position, bytes, known);
	memcpy(&id, bytes, sizeof(id));
	if (((message->is_swapped ? __builtin_bswap32(id) : id) & 0xffff) == DELIVERY_VERDICT)
		delivery_receive(route->parts.delivery, message->source, bytes, known, message->is_swapped);
	else
		sync_deliver_service(route->parts.sync, message->source, bytes, known, message->is_swapped);
}

static void count_received(const struct plugin *plugin, uint32_t function)
{
	if (plugin->rx != NULL)
		plugin->rx[function]++;
	if (plugin->rx_keys != NULL)
		map_shared_changed(plugin->rx_keys[function]);
}

/* Return the service that receives a message. NULL: it is not loaded here, or was not informed of the ring yet */
static struct plugin *receiver_of(struct route *route, uint32_t source, uint32_t ring_id)
{
	struct plugin *plugin = plugin_by_ring_id(route->parts.plugins, ring_id);

	if (plugin == NULL)
		return NULL;
	/* 0: the message is one that an earlier plugin of this service has sent */
	if (source == route->parts.nodeid && plugin->underway > 0)
		plugin->underway--;
	return plugin->is_deaf ? NULL : plugin;
}

/*
 * Convert the first `head` bytes of a message in scratch, header included, from the other byte order. id, declared:
 * fields of the header, converted already.
 */
static void swap_head(struct route *route, struct plugin *plugin, const struct coterie_ring_msg *msg, uint32_t id,
	uint32_t declared, size_t head)
{
	struct coterie_ring_header *copy = (struct coterie_ring_header *)route->scratch;

	copy->id = (int32_t)id;
	copy->size = (int32_t)declared;
	if (msg->swap != NULL)
		PLUGIN_MARKED(plugin, "swap", msg->swap(route->scratch, (uint32_t)head));
}

/* Hand one message, size bytes behind the group prefix, to its service: book services, "Header". */
static void deliver_service(
	struct route *route, const struct totem_message *message, struct position position, size_t size)
{
	struct coterie_ring_header header;
	struct position body = position;

	if (size < sizeof(header)) {
		drop(route, message->source, "shorter than its header");
		return;
	}
	read_bytes(&body, &header, sizeof(header));
	uint32_t id = (uint32_t)header.id, declared = (uint32_t)header.size;
	if (message->is_swapped) {
		id = __builtin_bswap32(id);
		declared = __builtin_bswap32(declared);
	}
	if (declared != size && id != PLOAD_START) {
		drop(route, message->source, "its size field is not its size");
		return;
	}
	if (id >> 16 > SERVICE_ID_MAX) {
		drop(route, message->source, "no such service can exist");
		return;
	}
	if (id >> 16 == ROUND_SERVICE_ID) {
		deliver_executive(route, message, position, size);
		return;
	}
	struct plugin *plugin = receiver_of(route, message->source, id >> 16);
	if (plugin == NULL)
		return;
	const struct coterie_ring_msg *msg = plugin_table_ring_msg(plugin, id & 0xffff);
	if (msg == NULL) {
		log_limited(&route->unknown, loop_now_ns(route->parts.loop), "SERV", LOG_WARNING,
			"discarded unknown message %u for service %u (max id %u)", id & 0xffff, id >> 16,
			plugin->service.ring_msg_count - 1);
		return;
	}
	if (size < msg->size_min || size > UINT32_MAX) {
		drop(route, message->source, "shorter than its kind");
		return;
	}
	count_received(plugin, id & 0xffff);
	size_t head = msg->deliver_parts != NULL ? msg->size_min : size;
	if (need_scratch(route, head) < 0) {
		drop(route, message->source, "out of memory");
		return;
	}
	read_bytes(&position, route->scratch, head);
	if (message->is_swapped)
		swap_head(route, plugin, msg, id, declared, head);
	struct plugin_call call;
	size_t count = 0;

	if (msg->deliver_parts != NULL && collect_parts(route, position, &count) < 0) {
		drop(route, message->source, "out of memory");
		return;
	}
	plugin_enter_at(&call, plugin, "ring messages", id & 0xffff,
		msg->deliver != NULL ? (const void *)(uintptr_t)msg->deliver
				     : (const void *)(uintptr_t)msg->deliver_parts);
	if (msg->deliver_parts == NULL)
		msg->deliver(plugin->self, message->source, route->scratch, (uint32_t)size);
	else
		msg->deliver_parts(
			plugin->self, message->source, route->scratch, route->rest, (uint32_t)count, (uint32_t)size);
	plugin_leave(&call);
}

static void deliver_sync(
	struct route *route, const struct totem_message *message, struct position position, size_t size)
{
	uint8_t bytes[1024];

	/* The largest message is a SERVICE_BUILD of 552 bytes. */
	if (size > sizeof(bytes)) {
		drop(route, message->source, "too long for a synchronisation message");
		return;
	}
	read_bytes(&position, bytes, size);
	sync_deliver(route->parts.sync, message->source, bytes, (uint32_t)size, message->is_swapped);
}

void route_deliver(struct route *route, const struct totem_message *message)
{
	uint8_t start[RING_PACKET_GROUP_LOOK];
	unsigned int groups;
	struct position position = {message->iov, message->count, 0};

	if (message->count == 0)
		return;
	const uint8_t *bytes = message->iov[0].iov_base;
	size_t look = message->iov[0].iov_len;
	if (look < sizeof(start) && look < message->size) {
		look = message->size < sizeof(start) ? message->size : sizeof(start);
		read_bytes(&(struct position){message->iov, message->count, 0}, start, look);
		bytes = start;
	}
	size_t prefix = ring_packet_group_read(bytes, look, message->is_swapped, &groups);
	if (prefix == 0) {
		drop(route, message->source, "malformed group prefix");
		return;
	}
	read_bytes(&position, NULL, prefix);
	if ((groups & RING_PACKET_GROUP_SERVICES) != 0)
		deliver_service(route, message, position, message->size - prefix);
	if ((groups & RING_PACKET_GROUP_SYNC) != 0)
		deliver_sync(route, message, position, message->size - prefix);
}

/*
 * Send a message. One that sync_start or sync_step of a service sends belongs to the round, and is sent before all
 * messages that wait. Other messages keep their order: book sync, "Queues".
 */
static int send_parts(struct route *route, enum totem_guarantee guarantee, const struct iovec *parts, uint32_t count)
{
	const struct sync *sync = route->parts.sync;

	return sync_is_stepping(sync) || sync_is_starting(sync)
		       ? ring_send(route->parts.ring, "a", guarantee, parts, count)
		       : ring_send_in_order(route->parts.ring, guarantee, parts, count);
}

int route_send(struct route *route, struct plugin *plugin, uint32_t function, uint32_t guarantee,
	const struct iovec *iov, uint32_t count)
{
	struct iovec parts[1 + PARTS_MAX];
	size_t size = sizeof(struct coterie_ring_header);

	if (plugin_table_ring_msg(plugin, function) == NULL || count > PARTS_MAX)
		return -EINVAL;
	if (!plugin_may_send(plugin)) {
		writable_refused(plugin);
		return -EAGAIN; /* as if the queue were full: no other node knows yet that the service is loaded */
	}
	/* Send the message nevertheless: that is better than losing it. */
	if (sync_is_starting(route->parts.sync))
		log_limited(&route->misuse, loop_now_ns(route->parts.loop), plugin->subsystem, LOG_WARNING,
			"Misuse: service %s sends in sync_start, where it must not: it has to wait for "
			"sync_step",
			plugin->name);
	for (uint32_t i = 0; i < count; i++)
		size += iov[i].iov_len;
	if (size > INT32_MAX)
		return -EMSGSIZE;
	struct coterie_ring_header header = {
		.id = (int32_t)(plugin->service.ring_id << 16 | function), .size = (int32_t)size};
	parts[0] = (struct iovec){&header, sizeof(header)};
	if (count > 0) /* a message may have a header only */
		memcpy(parts + 1, iov, count * sizeof(*iov));
	int rc = send_parts(route, guarantee == COTERIE_SAFE ? TOTEM_SAFE : TOTEM_AGREED, parts, count + 1);
	if (rc == 0)
		plugin->underway++;
	if (rc == 0 && plugin->tx != NULL)
		plugin->tx[function]++;
	if (rc == -EAGAIN)
		writable_refused(plugin);
	if (rc == 0 && plugin->tx_keys != NULL)
		map_shared_changed(plugin->tx_keys[function]);
	return rc;
}

void route_configure(struct route *route, const struct totem_configuration *configuration)
{
	struct coterie_configuration told = {
		.size = sizeof(told),
		.is_regular = configuration->is_regular,
		.ring = {.representative = configuration->ring.rep, .seq = configuration->ring.seq},
		.members = configuration->members,
		.left = configuration->left,
		.joined = configuration->joined,
		.member_count = configuration->member_count,
		.left_count = configuration->left_count,
		.joined_count = configuration->joined_count,
	};

	for (struct plugin *plugin = plugin_first(route->parts.plugins); plugin != NULL; plugin = plugin->next) {
		if (plugin->is_deaf && !configuration->is_regular)
			continue;
		plugin->is_deaf = false;
		if (plugin->descriptor->kind != COTERIE_KIND_SERVICE || plugin->service.configuration == NULL)
			continue;
		struct plugin_call call;

		plugin_enter(&call, plugin, "configuration");
		plugin->service.configuration(plugin->self, &told);
		plugin_leave(&call);
	}
}
