/*
 * Watches. Each event is acknowledged after it is handled: from the acknowledgements the executive counts the unread
 * bytes.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "plugins/kv/lib/connection.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

#include "services/client/error.h"

#define ACK_TRIES 200u
#define ACK_PAUSE_NS 5000000L

cs_error_t coterie_kv_watch(
	coterie_kv_handle_t handle, const void *prefix, size_t prefix_size, uint32_t *watch, uint64_t *revision)
{
	struct kv_req_watch request = {.header = {.id = KV_REQ_WATCH}, .prefix_size = (uint32_t)prefix_size};
	struct iovec iov[] = {
		{&request, offsetof(struct kv_req_watch, bytes)}, {(void *)(uintptr_t)prefix, prefix_size}};
	struct kv_res_watch response;

	if (prefix_size > KV_KEY_MAX)
		return CS_ERR_TOO_BIG;
	if (watch == NULL || (prefix == NULL && prefix_size > 0))
		return CS_ERR_INVALID_PARAM;

	ssize_t size = kv_call(handle, iov, prefix_size > 0 ? 2 : 1, &response, sizeof(response));

	if (size < 0)
		return client_error(size);

	cs_error_t rc = client_response_error(&response, (size_t)size, sizeof(response));

	if (rc == CS_OK) {
		*watch = response.watch;
		if (revision != NULL)
			*revision = response.revision;
	}
	return rc;
}

cs_error_t coterie_kv_unwatch(coterie_kv_handle_t handle, uint32_t watch)
{
	struct kv_req_unwatch request = {.header = {.id = KV_REQ_UNWATCH, .size = sizeof(request)}, .watch = watch};
	struct kv_res_plain response;

	return client_request(&kv_connections, handle, &request, sizeof(request), &response, sizeof(response));
}

/*
 * Acknowledge bytes of events. If the daemon does not read requests now, the bytes are added to the next
 * acknowledgement. The call is repeated for a second, since the daemon may send no further event before it.
 */
static void acknowledge(struct client_connection *connection, uint64_t bytes)
{
	struct kv_connection *own = (struct kv_connection *)connection;
	uint64_t owed = atomic_exchange(&own->owed, 0) + bytes;
	struct kv_req_ack request = {.header = {.id = KV_REQ_ACK, .size = sizeof(request)}, .bytes = owed};
	struct iovec iov = {&request, sizeof(request)};

	struct timespec pause = {.tv_nsec = ACK_PAUSE_NS};
	int rc = -EAGAIN;

	for (unsigned int tries = 0; rc == -EAGAIN && tries < ACK_TRIES; tries++) {
		if (tries > 0)
			nanosleep(&pause, NULL);
		rc = channel_send(&connection->channel, CHANNEL_GATE_ALL, &iov, 1);
	}
	if (rc < 0)
		atomic_fetch_add(&own->owed, owed);
}

static struct dispatch_outcome on_change(
	struct kv_connection *connection, uint64_t handle, const uint8_t *bytes, size_t size)
{
	const struct kv_event_change *event = (const struct kv_event_change *)bytes;

	if (size < sizeof(*event) || (event->op != KV_OP_PUT && event->op != KV_OP_DELETE) ||
		event->key_size > KV_KEY_MAX || event->value_size > KV_VALUE_MAX ||
		event->key_size + event->value_size > size - sizeof(*event))
		return dispatch_malformed;

	bool is_put = event->op == KV_OP_PUT;
	struct coterie_kv_entry entry = {
		.key = event->bytes,
		.value = is_put ? event->bytes + event->key_size : NULL,
		.key_size = event->key_size,
		.value_size = event->value_size,
		.modified = event->revision,
	};

	if (connection->notify != NULL)
		connection->notify(handle, event->watch, is_put ? COTERIE_KV_PUT : COTERIE_KV_DELETED, &entry);
	return dispatch_done;
}

static struct dispatch_outcome on_missed(
	struct kv_connection *connection, uint64_t handle, const uint8_t *bytes, size_t size)
{
	const struct kv_event_missed *event = (const struct kv_event_missed *)bytes;

	if (size < sizeof(*event))
		return dispatch_malformed;

	struct coterie_kv_entry entry = {.modified = event->revision};

	if (connection->notify != NULL)
		connection->notify(handle, event->watch, COTERIE_KV_MISSED, &entry);
	return dispatch_done;
}

static struct dispatch_outcome receive(
	struct client_connection *client, uint64_t handle, int32_t id, uint8_t *bytes, size_t size)
{
	struct kv_connection *connection = (struct kv_connection *)client;
	struct dispatch_outcome outcome = dispatch_malformed;

	if (id == KV_EVENT_CHANGE)
		outcome = on_change(connection, handle, bytes, size);
	else if (id == KV_EVENT_MISSED)
		outcome = on_missed(connection, handle, bytes, size);
	acknowledge(client, size);
	return outcome;
}

cs_error_t coterie_kv_dispatch(coterie_kv_handle_t handle, cs_dispatch_flags_t type)
{
	return client_dispatch(&kv_connections, handle, type, receive);
}
