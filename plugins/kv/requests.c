/*
 * Requests of clients. A long request is in memory that the client may change while it is handled, so each size is
 * copied once and only the copy is used.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "plugins/kv/kv.h"

#include <coterie/kv_calls.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Other plugins call the service with the structs of <coterie/kv_calls.h>: they must have the same layout. */
#define SAME(own, public, member) _Static_assert(offsetof(struct own, member) == offsetof(struct public, member), #own)
SAME(kv_req_write, coterie_kv_call_write, expected);
SAME(kv_req_write, coterie_kv_call_write, flags);
SAME(kv_req_write, coterie_kv_call_write, key_size);
SAME(kv_req_write, coterie_kv_call_write, value_size);
SAME(kv_req_write, coterie_kv_call_write, bytes);
SAME(kv_res_write, coterie_kv_call_written, revision);
SAME(kv_req_get, coterie_kv_call_get, key_size);
SAME(kv_req_get, coterie_kv_call_get, bytes);
SAME(kv_res_get, coterie_kv_call_got, modified);
SAME(kv_res_get, coterie_kv_call_got, value_size);
SAME(kv_res_get, coterie_kv_call_got, bytes);
_Static_assert((int)KV_REQ_PUT == COTERIE_KV_CALL_PUT && (int)KV_REQ_DELETE == COTERIE_KV_CALL_DELETE &&
		       (int)KV_REQ_GET == COTERIE_KV_CALL_GET &&
		       (int)KV_REQ_GET_ORDERED == COTERIE_KV_CALL_GET_ORDERED &&
		       KV_CONDITIONAL == COTERIE_KV_CALL_CONDITIONAL,
	"numbers of requests");

#define PAGE_SIZE_MAX (256u << 10) /* bytes of a page of a list, unless its first entry is longer */
#define PAGE_COUNT_MAX 512u        /* entries of a page. Iterating twice over them takes half a millisecond */

static void reply(
	struct kv *kv, struct coterie_client *client, uint32_t id, int32_t error, const void *response, size_t size)
{
	size_t header = sizeof(struct coterie_response_header);
	struct iovec iov = {(uint8_t *)(uintptr_t)response + header, size - header};

	kv->host->reply(client, id, error, &iov, 1);
}

/* ---- Clients ------------------------------------------------------------- */

struct kv_client *kv_client_of(const struct kv *kv, struct coterie_client *client)
{
	struct kv_client **slot = kv->host->client_data(client);

	return *slot;
}

int kv_client_join(void *self, struct coterie_client *client)
{
	struct kv *kv = self;
	struct kv_client **slot = kv->host->client_data(client);

	*slot = calloc(1, sizeof(**slot));
	if (*slot == NULL)
		return -ENOMEM;
	(*slot)->client = client;
	kv->host->client_peer(client, NULL, &(*slot)->uid, NULL);
	(*slot)->is_bounded = kv->host->client_may(client, COTERIE_RIGHT_ADMINISTER) != 0;
	(*slot)->next = kv->clients;
	kv->clients = *slot;
	return 0;
}

static void forget_client(struct kv_pending *pending, const struct coterie_client *client)
{
	for (; pending != NULL; pending = pending->next) {
		if (pending->client == client)
			pending->client = NULL;
	}
}

void kv_client_leave(void *self, struct coterie_client *client)
{
	struct kv *kv = self;
	struct kv_client *data = kv_client_of(kv, client);

	forget_client(kv->pending, client);
	forget_client(kv->due, client);
	for (struct kv_client **at = &kv->clients; *at != NULL; at = &(*at)->next) {
		if (*at == data) {
			*at = data->next;
			break;
		}
	}
	kv_watch_forget(kv, data);
	kv_watch_clear(data);
	free(data);
}

void kv_clients_free(struct kv *kv)
{
	kv->late_next = NULL;
	while (kv->clients != NULL) {
		struct kv_client *client = kv->clients;

		kv->clients = client->next;
		kv_watch_clear(client);
		free(client);
	}
}

/* ---- Waiting for delivery ------------------------------------------------- */

static struct kv_pending *pending_add(
	struct kv *kv, struct coterie_client *client, uint32_t request, const void *msg, uint32_t size)
{
	struct kv_client *data = kv_client_of(kv, client);
	struct kv_pending *pending = calloc(1, sizeof(*pending) + size);

	if (pending == NULL)
		return NULL;
	pending->client = client;
	/* The ring in the upper half: kv_deliver_write compares it. */
	pending->serial = (uint64_t)(uint32_t)kv->ring.seq << 32 | (uint32_t)++kv->last_serial;
	pending->request = request;
	pending->size = size;
	if (size > 0)
		memcpy(pending->msg, msg, size);
	*kv->pending_end = pending;
	kv->pending_end = &pending->next;
	data->pending++;
	return pending;
}

static struct kv_pending *unlink_at(struct kv *kv, struct kv_pending **at)
{
	struct kv_pending *pending = *at;

	*at = pending->next;
	if (kv->pending_end == &pending->next)
		kv->pending_end = at;
	pending->next = NULL;
	return pending;
}

struct kv_pending *kv_pending_take(struct kv *kv, uint64_t serial)
{
	for (struct kv_pending **at = &kv->pending; *at != NULL; at = &(*at)->next) {
		if ((*at)->serial == serial && !(*at)->is_held)
			return unlink_at(kv, at);
	}
	return NULL;
}

static void pending_free(struct kv *kv, struct kv_pending *pending)
{
	if (pending->client != NULL) {
		struct kv_client *data = kv_client_of(kv, pending->client);

		data->pending--;
	}
	free(pending);
}

void kv_pending_release(struct kv *kv, bool have_survived)
{
	struct kv_pending **at = &kv->pending;

	while (*at != NULL) {
		if (!(*at)->is_held) {
			at = &(*at)->next;
			continue;
		}

		struct kv_pending *pending = unlink_at(kv, at);

		kv_pending_answer(kv, pending, have_survived ? pending->error : KV_INTERRUPT);
	}
}

/* ---- Writes -------------------------------------------------------------- */

static int write_handle(struct kv *kv, struct coterie_client *client, uint32_t op, const void *msg, uint32_t size)
{
	const struct kv_req_write *request = msg;
	struct kv_client *data = kv_client_of(kv, client);
	uint32_t flags = *(const volatile uint32_t *)&request->flags;
	uint32_t key_size = *(const volatile uint32_t *)&request->key_size;
	uint32_t value_size = *(const volatile uint32_t *)&request->value_size;

	if (key_size > KV_KEY_MAX || value_size > KV_VALUE_MAX)
		return -EMSGSIZE;
	if (key_size < 1 || (flags & ~KV_CONDITIONAL) != 0 || (op == KV_OP_DELETE && value_size != 0) ||
		size < sizeof(*request) + key_size + value_size)
		return -EINVAL;
	if (!kv->is_serving || !kv->has_state || data->pending >= KV_PENDING_MAX)
		return -EAGAIN;

	struct kv_pending *pending = pending_add(kv, client, op == KV_OP_PUT ? KV_REQ_PUT : KV_REQ_DELETE, NULL, 0);

	if (pending == NULL)
		return -ENOMEM;

	struct kv_ring_write write = {
		.serial = htole64(pending->serial),
		.expected = htole64(request->expected),
		.op = htole32(op),
		.flags = htole32(flags),
		.key_size = htole32(key_size),
		.value_size = htole32(value_size),
	};
	struct iovec iov[] = {
		{(uint8_t *)&write + sizeof(write.header), sizeof(write) - sizeof(write.header)},
		{(void *)(uintptr_t)request->bytes, key_size + value_size},
	};
	int rc = kv->host->ring_send(kv->ctx, KV_RING_WRITE, COTERIE_SAFE, iov, 2);

	if (rc < 0) {
		pending_free(kv, kv_pending_take(kv, pending->serial));
		return rc;
	}
	return COTERIE_LATER;
}

static int handle_put(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	return write_handle(self, client, KV_OP_PUT, msg, size);
}

static int handle_delete(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	return write_handle(self, client, KV_OP_DELETE, msg, size);
}

/* ---- Reads --------------------------------------------------------------- */

/* The value is not copied here, since sending the reply copies it. */
static void answer_get(struct kv *kv, struct coterie_client *client, uint32_t id, const struct kv_req_get *request)
{
	const struct kv_entry *entry = kv_store_find(&kv->store, request->bytes, request->key_size);
	struct kv_res_get response = {.revision = kv->state.revision};
	size_t header = sizeof(response.header);
	struct iovec iov[] = {{(uint8_t *)&response + header, sizeof(response) - header}, {NULL, 0}};

	if (entry != NULL) {
		response.created = entry->created;
		response.modified = entry->modified;
		response.value_size = entry->value_size;
		iov[1] = (struct iovec){entry->value, entry->value_size};
	}
	kv->host->reply(client, id, entry != NULL ? KV_OK : KV_NOT_EXIST, iov, response.value_size > 0 ? 2 : 1);
}

static uint32_t padded(uint32_t size) { return (size + 7) & ~7u; }

static bool begins_with(const struct kv_entry *entry, const uint8_t *prefix, uint32_t size)
{
	return entry->key_size >= size && memcmp(entry->key, prefix, size) == 0;
}

/* Make one page. response NULL: only count its bytes. @return bytes of the page */
static uint32_t page_fill(const struct kv *kv, const struct kv_req_list *request, struct kv_res_list *response)
{
	const uint8_t *prefix = request->bytes, *after = prefix + request->prefix_size;
	bool is_first = request->after_size == 0;
	uint32_t used = 0, count = 0;
	const struct kv_entry *entry = is_first ? kv_store_above(&kv->store, prefix, request->prefix_size, true)
						: kv_store_above(&kv->store, after, request->after_size, false);

	for (; entry != NULL && begins_with(entry, prefix, request->prefix_size); entry = entry->next[0]) {
		struct kv_item item = {.created = entry->created,
			.modified = entry->modified,
			.key_size = entry->key_size,
			.value_size = (request->flags & KV_KEYS_ONLY) != 0 ? 0 : entry->value_size};
		uint32_t size = (uint32_t)sizeof(item) + padded(item.key_size + item.value_size);

		if (count == PAGE_COUNT_MAX || (count > 0 && used + size > PAGE_SIZE_MAX)) {
			if (response != NULL)
				response->has_more = 1;
			break;
		}
		if (response != NULL) {
			uint8_t *at = response->bytes + used;

			memcpy(at, &item, sizeof(item));
			memcpy(at + sizeof(item), entry->key, item.key_size);
			if (item.value_size > 0)
				memcpy(at + sizeof(item) + item.key_size, entry->value, item.value_size);
		}
		used += size;
		count++;
	}
	if (response != NULL)
		response->count = count;
	return used;
}

static void answer_list(struct kv *kv, struct coterie_client *client, uint32_t id, const struct kv_req_list *request)
{
	uint32_t size = (uint32_t)sizeof(struct kv_res_list) + page_fill(kv, request, NULL);
	struct kv_res_list *response = calloc(1, size);

	if (response == NULL) {
		kv->host->reply(client, id, KV_NO_MEMORY, NULL, 0);
		return;
	}
	response->revision = kv->state.revision;
	page_fill(kv, request, response);
	reply(kv, client, id, KV_OK, response, size);
	free(response);
}

/* Answer a checked read. */
static void answer_read(struct kv *kv, struct coterie_client *client, uint32_t id, const void *msg)
{
	if (id == KV_REQ_GET || id == KV_REQ_GET_ORDERED)
		answer_get(kv, client, id, msg);
	else
		answer_list(kv, client, id, msg);
}

/*
 * A copy of a read request, which is short. It is copied before it is checked, since a client could change a request in
 * shared memory.
 */
struct read_copy {
	_Alignas(8) uint8_t bytes[sizeof(struct kv_req_list) + 2 * KV_KEY_MAX];
};

/* Return 0 if all lengths in the copy are valid. */
static int check_read(uint32_t id, const struct read_copy *copy, uint32_t size)
{
	if (id == KV_REQ_GET || id == KV_REQ_GET_ORDERED) {
		const struct kv_req_get *request = (const struct kv_req_get *)copy->bytes;

		if (request->key_size > KV_KEY_MAX)
			return -EMSGSIZE;
		return request->key_size >= 1 && size >= sizeof(*request) + request->key_size ? 0 : -EINVAL;
	}

	const struct kv_req_list *request = (const struct kv_req_list *)copy->bytes;

	if (request->prefix_size > KV_KEY_MAX || request->after_size > KV_KEY_MAX)
		return -EMSGSIZE;
	return (request->flags & ~KV_KEYS_ONLY) == 0 &&
			       size >= sizeof(*request) + request->prefix_size + request->after_size
		       ? 0
		       : -EINVAL;
}

static int read_handle(struct kv *kv, struct coterie_client *client, const void *msg, uint32_t size)
{
	uint32_t id = (uint32_t)((const struct coterie_request_header *)msg)->id;
	bool is_ordered = id == KV_REQ_GET_ORDERED || id == KV_REQ_LIST_ORDERED;
	struct kv_client *data = kv_client_of(kv, client);
	struct read_copy copy = {0};

	if (size > sizeof(copy))
		size = sizeof(copy);
	memcpy(copy.bytes, msg, size);

	int rc = check_read(id, &copy, size);

	if (rc < 0)
		return rc;
	if (!kv_is_readable(kv))
		return -EAGAIN;
	if (!is_ordered) {
		answer_read(kv, client, id, copy.bytes);
		return COTERIE_REPLIED;
	}
	if (!kv->is_serving || data->pending >= KV_PENDING_MAX)
		return -EAGAIN;

	struct kv_pending *pending = pending_add(kv, client, id, copy.bytes, size);

	if (pending == NULL)
		return -ENOMEM;

	struct kv_ring_read read = {.serial = htole64(pending->serial)};
	struct iovec iov = {&read.serial, sizeof(read.serial)};

	rc = kv->host->ring_send(kv->ctx, KV_RING_READ, COTERIE_SAFE, &iov, 1);
	if (rc < 0) {
		pending_free(kv, kv_pending_take(kv, pending->serial));
		return rc;
	}
	return COTERIE_LATER;
}

static int handle_read(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	return read_handle(self, client, msg, size);
}

void kv_pending_answer(struct kv *kv, struct kv_pending *pending, int32_t error)
{
	bool is_write = pending->request == KV_REQ_PUT || pending->request == KV_REQ_DELETE;
	struct kv_res_write response = {.revision = pending->revision};

	if (pending->client == NULL)
		;
	else if (is_write)
		reply(kv, pending->client, pending->request, error, &response, sizeof(response));
	else if (error == KV_OK)
		answer_read(kv, pending->client, pending->request, pending->msg);
	else
		kv->host->reply(pending->client, pending->request, error, NULL, 0);
	pending_free(kv, pending);
}

/* ---- Watches, status ----------------------------------------------------- */

static int handle_watch(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct kv *kv = self;
	const struct kv_req_watch *request = msg;
	struct kv_res_watch response = {.revision = kv->state.revision};
	uint32_t prefix_size = *(const volatile uint32_t *)&request->prefix_size;

	if (prefix_size > KV_KEY_MAX)
		return -EMSGSIZE;
	if (size < sizeof(*request) + prefix_size)
		return -EINVAL;
	if (!kv_is_readable(kv))
		return -EAGAIN;

	int rc = kv_watch_add(kv, client, request->bytes, prefix_size, &response.watch);

	if (rc == -ENOSPC) {
		kv->host->reply(client, KV_REQ_WATCH, KV_NO_RESOURCES, NULL, 0);
		return COTERIE_REPLIED;
	}
	if (rc < 0)
		return rc;
	reply(kv, client, KV_REQ_WATCH, KV_OK, &response, sizeof(response));
	return COTERIE_REPLIED;
}

static int handle_unwatch(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	const struct kv_req_unwatch *request = msg;

	(void)size;
	return kv_watch_remove(self, client, request->watch);
}

static int handle_ack(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	const struct kv_req_ack *request = msg;

	(void)size;
	kv_watch_ack(self, client, request->bytes);
	return 0;
}

static uint32_t standing(const struct kv *kv)
{
	if (kv->is_waiting)
		return 3;
	if (!kv->has_state)
		return 2;
	return kv->is_serving && !kv->is_syncing ? 1 : 0;
}

static int handle_status(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	const struct kv *kv = self;
	struct kv_res_status response = {
		.revision = kv->state.revision,
		.hash = kv->state.hash,
		.keys = kv->store.keys,
		.bytes = kv->store.bytes,
		.bytes_max = kv->bytes_max,
		.state = standing(kv),
		.donor = kv->donor,
	};

	(void)msg, (void)size;
	response.waiting_count = kv_missing(kv, response.waiting, KV_WAITING_MAX);
	if (response.waiting_count > KV_WAITING_MAX)
		response.waiting_count = KV_WAITING_MAX;
	reply(self, client, KV_REQ_STATUS, KV_OK, &response, sizeof(response));
	return COTERIE_REPLIED;
}

static int handle_recover(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct kv *kv = self;
	struct kv_ring_recover recover = {.ring = kv_ring_to_wire(&kv->ring)};
	struct iovec iov = {&recover.ring, sizeof(recover.ring)};

	(void)client, (void)msg, (void)size;
	if (!kv->is_waiting)
		return -ENOENT;
	return kv->host->ring_send(kv->ctx, KV_RING_RECOVER, COTERIE_SAFE, &iov, 1);
}

#define ORDERED (COTERIE_NEEDS_QUORUM | COTERIE_NEEDS_FLOW)

const struct coterie_request kv_requests[KV_REQUEST_COUNT] = {
	/* id, size of the shortest request, needs, id of the response, handler */
	{KV_REQ_PUT, sizeof(struct kv_req_write), ORDERED, KV_REQ_PUT, handle_put},
	{KV_REQ_DELETE, sizeof(struct kv_req_write), ORDERED, KV_REQ_DELETE, handle_delete},
	{KV_REQ_GET, sizeof(struct kv_req_get), 0, KV_REQ_GET, handle_read},
	{KV_REQ_LIST, sizeof(struct kv_req_list), 0, KV_REQ_LIST, handle_read},
	{KV_REQ_GET_ORDERED, sizeof(struct kv_req_get), ORDERED, KV_REQ_GET_ORDERED, handle_read},
	{KV_REQ_LIST_ORDERED, sizeof(struct kv_req_list), ORDERED, KV_REQ_LIST_ORDERED, handle_read},
	{KV_REQ_WATCH, sizeof(struct kv_req_watch), 0, KV_REQ_WATCH, handle_watch},
	{KV_REQ_UNWATCH, sizeof(struct kv_req_unwatch), 0, KV_REQ_UNWATCH, handle_unwatch},
	{KV_REQ_ACK, sizeof(struct kv_req_ack), COTERIE_NO_REPLY, 0, handle_ack},
	{KV_REQ_STATUS, sizeof(struct kv_req_plain), COTERIE_OBSERVES, KV_REQ_STATUS, handle_status},
	{KV_REQ_RECOVER, sizeof(struct kv_req_plain), COTERIE_NEEDS_FLOW | COTERIE_ADMINISTERS, KV_REQ_RECOVER,
		handle_recover},
};
