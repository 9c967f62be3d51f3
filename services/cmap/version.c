/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The version of the configuration. Nodes send their version at every synchronisation and when the version changes
 * (book services, "cmap"). In its first ring with other nodes, a node with an older version than another node stops,
 * since it has missed a change. Later differences do not stop a node.
 */
#include "services/cmap/cmap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#define KEY "totem.config_version"
#define RETRY_NS UINT64_C(10000000)

/* Return the version in this node's map. 0: the key does not exist, or has another type. */
static uint64_t own_version(struct cmap *cmap)
{
	struct coterie_map_value value;
	uint64_t version = 0;

	if (cmap->host->map_read(cmap->ctx, COTERIE_MAP_CONFIG, KEY, &value) == 0 && value.type == COTERIE_MAP_U64 &&
		value.size == sizeof(version))
		memcpy(&version, value.bytes, sizeof(version));
	return version;
}

static int send_version(struct cmap *cmap, enum cmap_ring_reason reason)
{
	uint64_t version = own_version(cmap);
	struct cmap_ring_values values = {.reason = (uint8_t)reason, .item_count = 1};
	struct cmap_ring_item item = {
		.name = {.length = sizeof(KEY) - 1, .value = KEY},
		.type = version == 0 ? 0 : COTERIE_MAP_U64,
		.value_size = version == 0 ? 0 : sizeof(version),
	};
	const struct iovec iov[] = {
		{(uint8_t *)&values + sizeof(values.header), sizeof(values) - sizeof(values.header)},
		{&item, sizeof(item)},
		{&version, item.value_size},
	};

	return cmap->host->ring_send(cmap->ctx, CMAP_RING_VALUES, COTERIE_AGREED, iov, 3);
}

/* ---- Changes of the key -------------------------------------------------- */

static void send_change(void *arg)
{
	struct cmap *cmap = arg;
	uint64_t at_ns = cmap->host->now_ns(cmap->ctx) + RETRY_NS;

	cmap->version.retry = NULL;
	if (send_version(cmap, CMAP_RING_NEW_VERSION) == -EAGAIN)
		(void)cmap->host->timer_add(cmap->ctx, at_ns, send_change, cmap, &cmap->version.retry);
}

void cmap_version_tell(struct cmap *cmap)
{
	if (cmap->version.retry == NULL)
		send_change(cmap);
}

static void on_change(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	struct cmap *cmap = arg;

	(void)event, (void)key, (void)now, (void)before;
	/*
	 * Before the first ring there is no other node to notify. If a message still waits for room, it will have the
	 * newest version.
	 */
	if (cmap->version.has_ring)
		cmap_version_tell(cmap);
}

int cmap_version_init(struct cmap *cmap)
{
	return cmap->host->map_track(cmap->ctx, COTERIE_MAP_CONFIG, KEY,
		COTERIE_MAP_ADDED | COTERIE_MAP_MODIFIED | COTERIE_MAP_DELETED, on_change, cmap,
		&cmap->version.tracker);
}

void cmap_version_fini(struct cmap *cmap)
{
	cmap->host->map_untrack(cmap->ctx, cmap->version.tracker);
	cmap->host->timer_del(cmap->ctx, cmap->version.retry);
}

/* ---- Synchronisation ----------------------------------------------------- */

void cmap_sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular)
{
	struct cmap *cmap = self;

	(void)transitional, (void)transitional_count;
	/*
	 * If no node has joined, this plugin was loaded into a running ring. Its members compared their versions when
	 * they formed the ring.
	 */
	if (!cmap->version.has_ring && regular->joined_count == 0)
		cmap->version.has_checked = true;
	cmap->version.has_ring = true;
	cmap->version.own = own_version(cmap);
	cmap->version.highest = cmap->version.own;
	cmap->version.member_count = regular->member_count;
}

int cmap_sync_step(void *self) { return send_version(self, CMAP_RING_SYNC) < 0 ? -EAGAIN : 0; }

void cmap_sync_done(void *self)
{
	struct cmap *cmap = self;
	struct cmap_version *version = &cmap->version;

	if (version->has_checked || version->member_count < 2)
		return;
	version->has_checked = true;
	if (version->own == 0 || version->highest == version->own)
		return;
	cmap->host->log(cmap->ctx, LOG_ERR,
		"Received config version (%ju) is different than my config version (%ju)! Exiting",
		(uintmax_t)version->highest, (uintmax_t)version->own);
	cmap->host->stop(cmap->ctx);
}

/* ---- Messages of other nodes --------------------------------------------- */

/* Return the bytes from the start of an item to the next item. 0: the item is longer than the rest of the message. */
static size_t item_size(const struct cmap_ring_item *item, size_t left)
{
	size_t size;

	if (left < sizeof(*item) || item->value_size > left - sizeof(*item))
		return 0;
	size = (sizeof(*item) + item->value_size + 7) / 8 * 8;
	return size <= left ? size : left;
}

/* Return an item of a message by its number, or NULL if the message has fewer complete items. */
static const struct cmap_ring_item *item_at(const struct cmap_ring_values *values, uint32_t size, uint32_t number)
{
	size_t at = sizeof(*values);

	for (uint32_t i = 0; i < values->item_count; i++) {
		const void *item = (const uint8_t *)values + at;
		size_t item_bytes = item_size(item, size - at);

		if (item_bytes == 0)
			return NULL;
		if (i == number)
			return item;
		at += item_bytes;
	}
	return NULL;
}

static uint64_t version_of(const struct cmap_ring_item *item)
{
	uint64_t version = 0;

	if (item->type == COTERIE_MAP_U64 && item->value_size == sizeof(version))
		memcpy(&version, item->value, sizeof(version));
	return version;
}

void cmap_deliver_values(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct cmap *cmap = self;
	const struct cmap_ring_values *values = msg;
	const struct cmap_ring_item *item;
	char key[sizeof("runtime.members.4294967295.config_version")];

	if (values->reason != CMAP_RING_SYNC && values->reason != CMAP_RING_NEW_VERSION)
		return;
	for (uint32_t i = 0; (item = item_at(values, size, i)) != NULL; i++) {
		uint64_t version = version_of(item);

		if (strncmp(item->name.value, KEY, sizeof(item->name.value)) != 0)
			continue;
		if (nodeid != cmap->host->local_nodeid(cmap->ctx) && version > cmap->version.highest)
			cmap->version.highest = version;
		snprintf(key, sizeof(key), "runtime.members.%u.config_version", nodeid);
		(void)cmap->host->map_set(cmap->ctx, key, COTERIE_MAP_U64, &version, sizeof(version));
		return;
	}
}

/*
 * Convert the byte order of a value of a number type. If its size does not fit its type, do not change the value: the
 * handler of the message ignores it.
 */
static void swap_value(struct cmap_ring_item *item)
{
	uint16_t two;
	uint32_t four;
	uint64_t eight;

	switch (item->type) {
	case COTERIE_MAP_I16:
	case COTERIE_MAP_U16:
		if (item->value_size != sizeof(two))
			return;
		memcpy(&two, item->value, sizeof(two));
		two = __builtin_bswap16(two);
		memcpy(item->value, &two, sizeof(two));
		return;
	case COTERIE_MAP_I32:
	case COTERIE_MAP_U32:
	case COTERIE_MAP_FLOAT:
		if (item->value_size != sizeof(four))
			return;
		memcpy(&four, item->value, sizeof(four));
		four = __builtin_bswap32(four);
		memcpy(item->value, &four, sizeof(four));
		return;
	case COTERIE_MAP_I64:
	case COTERIE_MAP_U64:
	case COTERIE_MAP_DOUBLE:
		if (item->value_size != sizeof(eight))
			return;
		memcpy(&eight, item->value, sizeof(eight));
		eight = __builtin_bswap64(eight);
		memcpy(item->value, &eight, sizeof(eight));
		return;
	default:
		return;
	}
}

void cmap_swap_values(void *msg, uint32_t size)
{
	struct cmap_ring_values *values = msg;
	size_t at = sizeof(*values);

	for (uint32_t i = 0; i < values->item_count; i++) {
		struct cmap_ring_item *item = (struct cmap_ring_item *)((uint8_t *)msg + at);
		size_t item_bytes;

		if (size - at < sizeof(*item))
			return;
		item->name.length = __builtin_bswap16(item->name.length);
		item->value_size = __builtin_bswap64(item->value_size);
		item_bytes = item_size(item, size - at);
		if (item_bytes == 0)
			return;
		swap_value(item);
		at += item_bytes;
	}
}
