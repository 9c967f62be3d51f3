/*
 * Reads. Answers of the daemon are checked like any data from outside.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "plugins/kv/lib/connection.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "services/client/error.h"

#define RESPONSE_SIZE CHANNEL_EVENT_SIZE_MAX

/* ---- One key ------------------------------------------------------------- */

static cs_error_t get_response(
	const struct kv_res_get *response, size_t size, void *value, size_t room, struct coterie_kv_entry *entry)
{
	cs_error_t rc = client_response_error(response, size, sizeof(*response));

	if (rc != CS_OK)
		return rc;
	if (response->value_size > size - sizeof(*response))
		return CS_ERR_LIBRARY;
	if (room > 0)
		memcpy(value, response->bytes, response->value_size < room ? response->value_size : room);
	if (entry != NULL) {
		entry->value = value;
		entry->value_size = response->value_size;
		entry->created = response->created;
		entry->modified = response->modified;
	}
	return response->value_size > room ? CS_ERR_TOO_BIG : CS_OK;
}

cs_error_t coterie_kv_get(coterie_kv_handle_t handle, uint32_t flags, const void *key, size_t key_size, void *value,
	size_t room, struct coterie_kv_entry *entry)
{
	bool is_ordered = (flags & COTERIE_KV_LINEARIZABLE) != 0;
	struct kv_req_get request = {
		.header = {.id = is_ordered ? KV_REQ_GET_ORDERED : KV_REQ_GET}, .key_size = (uint32_t)key_size};
	struct iovec iov[] = {{&request, offsetof(struct kv_req_get, bytes)}, {(void *)(uintptr_t)key, key_size}};

	if (key_size > KV_KEY_MAX)
		return CS_ERR_TOO_BIG;
	if (key == NULL || key_size == 0 || (flags & ~COTERIE_KV_LINEARIZABLE) != 0 || (value == NULL && room > 0))
		return CS_ERR_INVALID_PARAM;

	struct kv_res_get *response = malloc(RESPONSE_SIZE);

	if (response == NULL)
		return CS_ERR_NO_MEMORY;
	if (entry != NULL)
		*entry = (struct coterie_kv_entry){.key = key, .key_size = key_size};

	ssize_t size = kv_call(handle, iov, 2, response, RESPONSE_SIZE);
	cs_error_t rc = size < 0 ? client_error(size) : get_response(response, (size_t)size, value, room, entry);

	free(response);
	return rc;
}

/* ---- Lists ---------------------------------------------------------------- */

struct listing {
	coterie_kv_handle_t handle;
	uint32_t flags;
	const void *prefix;
	size_t prefix_size;
	coterie_kv_visit visit;
	void *arg;
	uint8_t after[KV_KEY_MAX]; /* the last key so far */
	uint32_t after_size;
	bool is_done;
};

static cs_error_t page_get(const struct listing *listing, struct kv_res_list *response, size_t *size)
{
	bool is_ordered = (listing->flags & COTERIE_KV_LINEARIZABLE) != 0;
	struct kv_req_list request = {
		.header = {.id = is_ordered ? KV_REQ_LIST_ORDERED : KV_REQ_LIST},
		.flags = listing->flags & COTERIE_KV_KEYS_ONLY,
		.prefix_size = (uint32_t)listing->prefix_size,
		.after_size = listing->after_size,
	};
	struct iovec iov[3] = {{&request, offsetof(struct kv_req_list, bytes)}};
	unsigned int count = 1;

	if (listing->prefix_size > 0)
		iov[count++] = (struct iovec){(void *)(uintptr_t)listing->prefix, listing->prefix_size};
	if (listing->after_size > 0)
		iov[count++] = (struct iovec){(void *)(uintptr_t)listing->after, listing->after_size};

	ssize_t got = kv_call(listing->handle, iov, count, response, RESPONSE_SIZE);

	if (got < 0)
		return client_error(got);
	*size = (size_t)got;
	return client_response_error(response, *size, sizeof(*response));
}

static cs_error_t page_visit(struct listing *listing, const struct kv_res_list *response, size_t size)
{
	const uint8_t *at = response->bytes;
	size_t left = size - sizeof(*response);

	for (uint32_t i = 0; i < response->count && !listing->is_done; i++) {
		struct kv_item item;

		if (left < sizeof(item))
			return CS_ERR_LIBRARY;
		memcpy(&item, at, sizeof(item));
		at += sizeof(item);
		left -= sizeof(item);
		if (item.key_size < 1 || item.key_size > KV_KEY_MAX || item.value_size > KV_VALUE_MAX ||
			item.key_size + item.value_size > left)
			return CS_ERR_LIBRARY;

		bool has_value = (listing->flags & COTERIE_KV_KEYS_ONLY) == 0;
		struct coterie_kv_entry entry = {at, has_value ? at + item.key_size : NULL, item.key_size,
			item.value_size, item.created, item.modified};

		memcpy(listing->after, at, item.key_size);
		listing->after_size = item.key_size;
		listing->is_done = listing->visit(listing->arg, &entry) != 0;

		size_t step = (item.key_size + item.value_size + 7) & ~(size_t)7;

		if (step > left && i + 1 < response->count)
			return CS_ERR_LIBRARY;
		at += step;
		left -= step < left ? step : left;
	}
	if (response->has_more == 0)
		listing->is_done = true;
	return response->count == 0 && !listing->is_done ? CS_ERR_LIBRARY : CS_OK;
}

cs_error_t coterie_kv_list(coterie_kv_handle_t handle, uint32_t flags, const void *prefix, size_t prefix_size,
	coterie_kv_visit visit, void *arg, uint64_t *revision)
{
	struct listing listing = {handle, flags, prefix, prefix_size, visit, arg, {0}, 0, false};
	bool is_first = true;
	cs_error_t rc = CS_OK;

	if (prefix_size > KV_KEY_MAX)
		return CS_ERR_TOO_BIG;
	if (visit == NULL || (prefix == NULL && prefix_size > 0) ||
		(flags & ~(COTERIE_KV_LINEARIZABLE | COTERIE_KV_KEYS_ONLY)) != 0)
		return CS_ERR_INVALID_PARAM;

	struct kv_res_list *response = malloc(RESPONSE_SIZE);

	if (response == NULL)
		return CS_ERR_NO_MEMORY;
	while (rc == CS_OK && !listing.is_done) {
		size_t size = 0;

		rc = page_get(&listing, response, &size);
		if (rc == CS_OK && is_first && revision != NULL)
			*revision = response->revision;
		if (rc == CS_OK)
			rc = page_visit(&listing, response, size);
		is_first = false;
	}
	free(response);
	return rc;
}
