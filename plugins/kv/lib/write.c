/*
 * Write requests: put and delete.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "plugins/kv/lib/connection.h"

#include <stddef.h>

#include "services/client/error.h"

/* The common part of all writes. Its pointers are not const, since iovecs have no const pointers. */
struct write {
	enum kv_request_id id;
	uint32_t flags;
	uint64_t expected;
	const void *key, *value;
	size_t key_size, value_size;
};

static cs_error_t write_send(coterie_kv_handle_t handle, const struct write *write, uint64_t *revision)
{
	struct kv_req_write request = {
		.header = {.id = (int32_t)write->id},
		.expected = write->expected,
		.flags = write->flags,
		.key_size = (uint32_t)write->key_size,
		.value_size = (uint32_t)write->value_size,
	};
	struct iovec iov[] = {
		{&request, offsetof(struct kv_req_write, bytes)},
		{(void *)(uintptr_t)write->key, write->key_size},
		{(void *)(uintptr_t)write->value, write->value_size},
	};
	struct kv_res_write response = {.revision = 0};

	if (write->key_size > KV_KEY_MAX || write->value_size > KV_VALUE_MAX)
		return CS_ERR_TOO_BIG;
	if (write->key == NULL || write->key_size == 0 || (write->value == NULL && write->value_size > 0))
		return CS_ERR_INVALID_PARAM;

	ssize_t size = kv_call(handle, iov, write->value_size > 0 ? 3 : 2, &response, sizeof(response));

	if (size < 0)
		return client_error(size);

	cs_error_t rc = client_response_error(&response, (size_t)size, sizeof(response));

	if (revision != NULL && (size_t)size >= sizeof(response) &&
		(rc == CS_OK || rc == CS_ERR_EXIST || rc == CS_ERR_FAILED_OPERATION))
		*revision = response.revision;
	return rc;
}

cs_error_t coterie_kv_put(coterie_kv_handle_t handle, const void *key, size_t key_size, const void *value,
	size_t value_size, uint64_t *revision)
{
	struct write write = {KV_REQ_PUT, 0, 0, key, value, key_size, value_size};

	return write_send(handle, &write, revision);
}

cs_error_t coterie_kv_put_if(coterie_kv_handle_t handle, const void *key, size_t key_size, const void *value,
	size_t value_size, uint64_t expected, uint64_t *revision)
{
	struct write write = {KV_REQ_PUT, KV_CONDITIONAL, expected, key, value, key_size, value_size};

	return write_send(handle, &write, revision);
}

cs_error_t coterie_kv_delete(coterie_kv_handle_t handle, const void *key, size_t key_size, uint64_t *revision)
{
	struct write write = {KV_REQ_DELETE, 0, 0, key, NULL, key_size, 0};

	return write_send(handle, &write, revision);
}

cs_error_t coterie_kv_delete_if(
	coterie_kv_handle_t handle, const void *key, size_t key_size, uint64_t expected, uint64_t *revision)
{
	struct write write = {KV_REQ_DELETE, KV_CONDITIONAL, expected, key, NULL, key_size, 0};

	if (expected == 0)
		return CS_ERR_INVALID_PARAM;
	return write_send(handle, &write, revision);
}
