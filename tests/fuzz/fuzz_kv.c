/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz the service kv. Clients send requests for a few keys. Other nodes of the ring announce their states and send
 * chunks of the table. The plugin is replaced by new versions. service.c has the other operations. After each step the
 * lists and counts of kv must agree.
 */
#include <string.h>

#include "plugins/kv/kv.h"
#include "tests/fuzz/service.h"

#define ITEMS_MAX 4u
#define MARKER_MAX 4u

extern const struct coterie_plugin kv_LTX_coterie_plugin;

static const char *const keys[] = {"a", "ab", "b", "", "c/1", "c/2", "c/", "zz"};

static const struct kv *kv_of(const struct fuzz_world *world) { return world->self; }

/* Return a number: mostly a small one, as the numbers of a real run are close to each other. */
static uint64_t number(struct script *script)
{
	uint8_t byte = script_u8(script);

	return byte == 255 ? UINT64_MAX : byte == 254 ? UINT64_MAX / 2 : byte % 64u;
}

/* --- clients --- */

union request {
	struct coterie_request_header header;
	struct kv_req_write write;
	struct kv_req_get get;
	struct kv_req_list list;
	struct kv_req_watch watch;
	struct kv_req_unwatch unwatch;
	struct kv_req_ack ack;
	uint8_t bytes[256];
};

static uint32_t put_key(uint8_t *at, uint8_t choice)
{
	const char *key = keys[choice % 8u];

	memcpy(at, key, strlen(key));
	return (uint32_t)strlen(key);
}

static uint32_t fill_write(union request *request, struct script *script, bool is_put)
{
	uint8_t *bytes = (uint8_t *)&request->write + sizeof(request->write);

	request->write.flags = script_u8(script) % 3u;
	request->write.expected = number(script);
	request->write.key_size = put_key(bytes, script_u8(script));
	request->write.value_size = is_put ? script_u8(script) % 64u : 0;
	memset(bytes + request->write.key_size, 'v', request->write.value_size);
	return (uint32_t)sizeof(request->write) + request->write.key_size + request->write.value_size;
}

static uint32_t fill_list(union request *request, struct script *script)
{
	uint8_t *bytes = (uint8_t *)&request->list + sizeof(request->list);

	request->list.flags = script_u8(script) % 4u;
	request->list.prefix_size = put_key(bytes, script_u8(script));
	request->list.after_size = put_key(bytes + request->list.prefix_size, script_u8(script));
	return (uint32_t)sizeof(request->list) + request->list.prefix_size + request->list.after_size;
}

static uint32_t fill(union request *request, struct script *script, uint32_t id)
{
	switch (id) {
	case KV_REQ_PUT:
	case KV_REQ_DELETE:
		return fill_write(request, script, id == KV_REQ_PUT);
	case KV_REQ_GET:
	case KV_REQ_GET_ORDERED:
	case KV_REQ_WATCH: /* a watch has the same layout as the other requests here */
		request->get.key_size = put_key((uint8_t *)&request->get + sizeof(request->get), script_u8(script));
		return (uint32_t)sizeof(request->get) + request->get.key_size;
	case KV_REQ_LIST:
	case KV_REQ_LIST_ORDERED:
		return fill_list(request, script);
	case KV_REQ_UNWATCH:
		request->unwatch.watch = script_u8(script) % 8u;
		return sizeof(request->unwatch);
	case KV_REQ_ACK:
		request->ack.bytes = number(script);
		return sizeof(request->ack);
	default:
		return sizeof(struct kv_req_plain);
	}
}

static void ask(struct fuzz_world *world, struct script *script, uint8_t choice)
{
	union request request = {.bytes = {0}};
	uint32_t i = choice % FUZZ_CLIENTS, id = choice / FUZZ_CLIENTS % KV_REQUEST_COUNT;
	uint32_t size = fill(&request, script, id);

	if (world->clients[i] != NULL)
		world->clients[i]->uid = i == 0 ? 0 : FUZZ_NOBODY;
	request.header.id = (int32_t)id;
	request.header.size = (int32_t)size;
	fuzz_request(world, i, &request, size);
}

/* --- the ring --- */

static void deliver(struct fuzz_world *world, uint32_t nodeid, uint32_t function, void *whole, size_t size)
{
	size_t header = sizeof(struct coterie_ring_header);
	uint8_t *data = malloc(size - header); /* exactly this size, so that a sanitizer sees a read beyond it */
	struct mock_message message = {.id = function, .size = (uint32_t)(size - header), .data = data};

	FUZZ_CHECK(data != NULL);
	memcpy(data, (uint8_t *)whole + header, size - header);
	(void)mock_deliver(world->ops, world->self, nodeid, false, &message);
	free(data);
}

static struct kv_wire_ring this_ring(const struct fuzz_world *world) { return kv_ring_to_wire(&kv_of(world)->ring); }

static struct kv_wire_ring some_ring(struct script *script)
{
	uint8_t byte = script_u8(script);

	return (struct kv_wire_ring){.seq = byte % 16u * 4u, .rep = 1 + byte / 16u % 4u};
}

static void tell_write(struct fuzz_world *world, struct script *script, uint32_t nodeid)
{
	union {
		struct kv_ring_write write;
		uint8_t bytes[sizeof(struct kv_ring_write) + 128];
	} message = {.bytes = {0}};
	uint8_t *bytes = message.bytes + sizeof(message.write);
	uint32_t op = script_u8(script) % 4u;

	message.write.op = htole32(op);
	message.write.flags = htole32(script_u8(script) % 3u);
	message.write.expected = htole64(number(script));

	uint32_t key_size = put_key(bytes, script_u8(script));
	uint32_t value_size = op == KV_OP_DELETE ? 0 : script_u8(script) % 64u;

	message.write.key_size = htole32(key_size);
	message.write.value_size = htole32(value_size);
	deliver(world, nodeid, KV_RING_WRITE, &message, sizeof(message.write) + key_size + value_size);
}

static void tell_announce(struct fuzz_world *world, struct script *script, uint32_t nodeid)
{
	struct {
		struct kv_ring_announce head;
		uint32_t members[MARKER_MAX];
	} message;
	uint32_t count = script_u8(script) % (MARKER_MAX + 1);
	uint8_t flags = script_u8(script);

	memset(&message, 0, sizeof(message));
	message.head.ring = this_ring(world);
	message.head.flags = htole32(flags & 7u);
	message.head.epoch = some_ring(script);
	message.head.marker = some_ring(script);
	message.head.revision = htole64(number(script));
	message.head.hash = htole64(number(script));
	message.head.cursor = htole64(number(script));
	message.head.started = htole64(number(script));
	message.head.kept_from = htole64(number(script));
	message.head.bytes_max = htole64(1u << 20);
	if ((flags & 8u) != 0) { /* announce the same table as this node's */
		message.head.epoch = kv_ring_to_wire(&kv_of(world)->state.epoch);
		message.head.revision = htole64(kv_of(world)->state.revision);
		message.head.hash = htole64(kv_of(world)->state.hash);
	}
	message.head.member_count = htole32(count + ((flags & 16u) != 0)); /* sometimes one too many */
	for (uint32_t i = 0; i < count; i++)
		message.members[i] = htole32(1 + i);
	deliver(world, nodeid, KV_RING_ANNOUNCE, &message, sizeof(message.head) + count * sizeof(uint32_t));
}

static uint8_t *put_item(uint8_t *at, struct script *script, uint64_t *last)
{
	uint8_t how = script_u8(script);
	struct kv_ring_item item = {.modified = *last + how % 4u};
	uint8_t *bytes = at + sizeof(item);

	*last = item.modified;
	item.modified = htole64(item.modified);
	item.op = (how & 16u) != 0 ? KV_OP_DELETE : KV_OP_PUT;
	item.created = item.op == KV_OP_PUT ? htole64(1) : 0;
	item.key_size = put_key(bytes, how >> 5);
	item.value_size = item.op == KV_OP_PUT ? script_u8(script) % 64u : 0;
	bytes += item.key_size;
	memset(bytes, 'w', item.value_size);
	bytes += item.value_size;
	item.op = htole32(item.op);
	item.key_size = htole32(item.key_size);
	item.value_size = htole32(item.value_size);
	memcpy(at, &item, sizeof(item));
	return bytes;
}

/*
 * Deliver a chunk of node `nodeid`. It begins at the cursor of the node under test, or at any revision. It ends at its
 * last item, or at its base revision, which can be wrong.
 */
static void tell_chunk(struct fuzz_world *world, struct script *script, uint32_t nodeid)
{
	union {
		struct kv_ring_chunk chunk;
		uint8_t bytes[sizeof(struct kv_ring_chunk) + ITEMS_MAX * (sizeof(struct kv_ring_item) + 128)];
	} message = {.bytes = {0}};
	const struct kv *kv = kv_of(world);
	uint8_t how = script_u8(script), count = script_u8(script) % (ITEMS_MAX + 1);
	uint8_t *at = message.bytes + sizeof(message.chunk);
	uint64_t from = (how & 1u) != 0 ? number(script) : kv->progress.cursor;
	uint64_t last = from, base = kv->state.revision + (how & 2u) - (how >> 2 & 1u);

	for (uint8_t i = 0; i < count; i++)
		at = put_item(at, script, &last);
	message.chunk.ring = this_ring(world);
	message.chunk.from = htole64(from);
	message.chunk.to = htole64((how & 8u) != 0 ? base : last);
	message.chunk.base = htole64(base);
	message.chunk.flags = htole32(how >> 4 & 3u);
	message.chunk.count = htole32(count);
	deliver(world, nodeid, KV_RING_CHUNK, &message, (size_t)(at - message.bytes));
}

static void tell_short(struct fuzz_world *world, struct script *script, uint32_t nodeid, uint32_t function)
{
	struct kv_ring_notice notice = {.ring = this_ring(world)};
	struct kv_ring_standing standing = {.ring = this_ring(world)};
	struct kv_ring_recover recover = {.ring = this_ring(world)};
	uint32_t flags = htole32(script_u8(script) & (KV_HAS_STATE | KV_IS_QUORATE | KV_HAS_STORED));

	switch (function) {
	case KV_RING_NOTICE:
		notice.flags = flags;
		notice.bytes_max = htole64(number(script) << 20);
		deliver(world, nodeid, function, &notice, sizeof(notice));
		break;
	case KV_RING_STANDING:
		standing.flags = flags;
		deliver(world, nodeid, function, &standing, sizeof(standing));
		break;
	default:
		deliver(world, nodeid, KV_RING_RECOVER, &recover, sizeof(recover));
		break;
	}
}

/* --- the host --- */

static void verdict(struct fuzz_world *world, uint8_t choice)
{
	struct coterie_ctx *host = world->host;

	mock_quorum(host, (choice & 1u) != 0, &host->ring, host->members, host->member_count,
		(choice & 2u) != 0 ? "majority" : NULL);
}

/* Damage the marker file, which the next version of the plugin reads. */
static void damage(struct fuzz_world *world, struct script *script)
{
	struct mock_file *file = &world->host->files[0];
	uint32_t at = script_u8(script) % (uint32_t)sizeof(file->bytes);

	file->bytes[at] ^= script_u8(script);
	file->size = script_u8(script) % (sizeof(file->bytes) + 1);
}

static void transitional(struct fuzz_world *world)
{
	struct coterie_configuration configuration = {.size = sizeof(configuration)};

	if (!world->is_syncing)
		world->ops->configuration(world->self, &configuration);
}

static void tell(struct fuzz_world *world, struct script *script, uint8_t choice)
{
	uint32_t nodeid = 1 + choice / 12u % 4u;

	switch (choice % 12u) {
	case 0:
	case 1:
		tell_write(world, script, nodeid);
		break;
	case 2:
	case 3:
		tell_announce(world, script, nodeid);
		break;
	case 4:
	case 5:
		tell_chunk(world, script, nodeid);
		break;
	case 6:
		tell_short(world, script, nodeid, KV_RING_NOTICE);
		break;
	case 7:
		tell_short(world, script, nodeid, KV_RING_STANDING);
		break;
	case 8:
		tell_short(world, script, nodeid, KV_RING_RECOVER);
		break;
	case 9:
		verdict(world, script_u8(script));
		break;
	case 10:
		if ((script_u8(script) & 3u) == 0)
			damage(world, script);
		(void)mock_replace(world->host, world->ops, &world->self, false);
		break;
	default:
		transitional(world);
		break;
	}
}

/* --- what holds always --- */

static int compare_keys(const struct kv_entry *a, const struct kv_entry *b)
{
	size_t size = a->key_size < b->key_size ? a->key_size : b->key_size;
	int rc = memcmp(a->key, b->key, size);

	return rc != 0 ? rc : (int)a->key_size - (int)b->key_size;
}

/* Check a list by key. @return the number of its entries */
static uint64_t check_keys(const struct kv *kv, const struct kv_entry *entry, bool is_deleted)
{
	uint64_t count = 0;

	for (; entry != NULL; entry = entry->next[0]) {
		FUZZ_CHECK(entry->next[0] == NULL || compare_keys(entry, entry->next[0]) < 0);
		FUZZ_CHECK(entry->modified <= kv->state.revision && entry->is_deleted == is_deleted);
		count++;
	}
	return count;
}

static void check_store(const struct kv *kv)
{
	uint64_t live = check_keys(kv, kv->store.heads[0], false),
		 tombs = check_keys(kv, kv->store.tomb_heads[0], true);
	uint64_t bytes = 0, changes = 0;

	for (const struct kv_entry *entry = kv->store.oldest; entry != NULL; entry = entry->newer) {
		FUZZ_CHECK(entry->newer == NULL ? entry == kv->store.newest : entry->modified < entry->newer->modified);
		changes++;
		if (!entry->is_deleted)
			bytes += kv_store_cost(entry->key_size, entry->value_size);
	}
	FUZZ_CHECK(live == kv->store.keys && tombs == kv->store.tombs);
	FUZZ_CHECK(changes == live + tombs && bytes == kv->store.bytes);
	/* Deletions are forgotten a few at a time, by a timer that exists while any are left. */
	FUZZ_CHECK(kv->is_keeping || kv->store.tombs == 0 || kv->store.purge != NULL);
}

static void check_clients(const struct kv *kv)
{
	for (const struct kv_client *client = kv->clients; client != NULL; client = client->next) {
		uint32_t pending = 0, watches = 0;

		for (const struct kv_pending *at = kv->pending; at != NULL; at = at->next)
			pending += at->client == client->client;
		for (const struct kv_watch *at = client->watches; at != NULL; at = at->next)
			watches++;
		FUZZ_CHECK(pending == client->pending && pending <= KV_PENDING_MAX);
		FUZZ_CHECK(watches == client->watch_count && watches <= KV_WATCHES_MAX);
	}
}

static void check(struct fuzz_world *world)
{
	const struct kv *kv = kv_of(world);

	check_store(kv);
	check_clients(kv);
	FUZZ_CHECK(!kv->is_serving || kv->has_formed);
	FUZZ_CHECK(kv->donor == 0 || kv_member_find(world->self, kv->donor) != NULL);
	FUZZ_CHECK(!kv->has_state || kv->log == NULL);
}

static void prepare(struct coterie_ctx *host)
{
	mock_host_option(host, "bytes_max", "1048576");
	host->table.state_file_store = NULL; /* an older executive: a node need not wait for all announcements */
}

const struct fuzz_service fuzz_service = {
	.plugin = &kv_LTX_coterie_plugin,
	.prepare = prepare,
	.own = ask,
	.own_too = tell,
	.check = check,
};
