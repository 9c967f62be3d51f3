/*
 * Receiving: events become calls of the program's callbacks.
 *
 * No lock is held in a callback, which may call anything, this included.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cpg/lib/connection.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "services/client/error.h"

/* A nested dispatch finds no spare buffer and takes another. */
static struct event_buffer *buffer_take(struct cpg_connection *connection)
{
	struct event_buffer *buffer;

	pthread_mutex_lock(&connection->dispatch_lock);
	buffer = connection->spare;
	connection->spare = NULL;
	pthread_mutex_unlock(&connection->dispatch_lock);
	return buffer != NULL ? buffer : malloc(sizeof(*buffer));
}

static void buffer_give(struct cpg_connection *connection, struct event_buffer *buffer)
{
	pthread_mutex_lock(&connection->dispatch_lock);
	if (connection->spare == NULL) {
		connection->spare = buffer;
		buffer = NULL;
	}
	pthread_mutex_unlock(&connection->dispatch_lock);
	free(buffer);
}

/* What one event came to. */
struct outcome {
	cs_error_t code;
	bool is_done; /* counts as the one event of CS_DISPATCH_ONE */
};

static const struct outcome outcome_done = {CS_OK, true};
static const struct outcome outcome_malformed = {CS_ERR_LIBRARY, true};

static struct outcome dispatch_deliver(
	struct cpg_connection *connection, cpg_handle_t handle, uint8_t *bytes, size_t size)
{
	struct cpg_event_deliver *event = (struct cpg_event_deliver *)bytes;
	struct cpg_name group;

	if (size < sizeof(*event) || event->msglen > size - sizeof(*event) ||
		name_from_wire(&group, &event->group) != CS_OK)
		return outcome_malformed;
	if (connection->model.cpg_deliver_fn != NULL)
		connection->model.cpg_deliver_fn(
			handle, &group, event->nodeid, event->pid, event->message, event->msglen);
	return outcome_done;
}

static struct outcome dispatch_partial(
	struct cpg_connection *connection, cpg_handle_t handle, uint8_t *bytes, size_t size)
{
	const struct cpg_event_partial_deliver *event =
		(const struct cpg_event_partial_deliver *)bytes;
	struct cpg_name group;
	void *message = NULL;
	int rc;

	if (size < sizeof(*event) || event->fraglen > size - sizeof(*event) ||
		name_from_wire(&group, &event->group) != CS_OK)
		return outcome_malformed;
	/* Nobody to hear it: not worth the memory. */
	if (connection->model.cpg_deliver_fn == NULL)
		return (struct outcome){CS_OK, event->type == CPG_FRAGMENT_LAST};

	struct assembly_fragment fragment = {
		.nodeid = event->nodeid,
		.pid = event->pid,
		.type = event->type,
		.message_size = event->msglen,
		.bytes = event->fragment,
		.size = event->fraglen,
	};
	pthread_mutex_lock(&connection->dispatch_lock);
	rc = assembly_add(&connection->assemblies, &fragment, &message);
	pthread_mutex_unlock(&connection->dispatch_lock);
	/* A message that does not add up is its sender's fault; nobody waits for it. */
	if (rc == -ENOMEM)
		return (struct outcome){CS_ERR_NO_MEMORY, true};
	if (message == NULL)
		return (struct outcome){CS_OK, false};
	connection->model.cpg_deliver_fn(
		handle, &group, event->nodeid, event->pid, message, event->msglen);
	free(message);
	return outcome_done;
}

/*
 * Lists of the public, shorter form are written over those of the event: entry i of the result
 * ends before entry i + 1 of the event starts.
 */
static struct cpg_address *addresses_convert(struct cpg_wire_address *wire, size_t count)
{
	_Static_assert(sizeof(struct cpg_address) < sizeof(struct cpg_wire_address), "in place");
	uint8_t *out = (uint8_t *)wire;

	for (size_t i = 0; i < count; i++) {
		struct cpg_wire_address from;

		memcpy(&from, &wire[i], sizeof(from));
		struct cpg_address to = {from.nodeid, from.pid, from.reason};
		memcpy(out + i * sizeof(to), &to, sizeof(to));
	}
	return (struct cpg_address *)wire;
}

static struct outcome dispatch_confchg(
	struct cpg_connection *connection, cpg_handle_t handle, uint8_t *bytes, size_t size)
{
	struct cpg_event_confchg *event = (struct cpg_event_confchg *)bytes;
	struct cpg_name group;

	if (size < sizeof(*event) || name_from_wire(&group, &event->group) != CS_OK)
		return outcome_malformed;
	uint64_t member_count = event->member_count;
	uint64_t left_count = event->left_count;
	uint64_t joined_count = event->joined_count;
	uint64_t count = member_count + left_count + joined_count;
	if (count > (size - sizeof(*event)) / sizeof(event->lists[0]))
		return outcome_malformed;
	struct cpg_address *members = addresses_convert(event->lists, count);
	struct cpg_address *left = members + member_count;
	struct cpg_address *joined = left + left_count;

	if (connection->model.cpg_confchg_fn != NULL)
		connection->model.cpg_confchg_fn(handle, &group, members, member_count, left,
			left_count, joined, joined_count);
	pthread_mutex_lock(&connection->dispatch_lock);
	for (uint64_t i = 0; i < left_count; i++)
		assembly_drop(&connection->assemblies, left[i].nodeid, left[i].pid);
	pthread_mutex_unlock(&connection->dispatch_lock);
	return outcome_done;
}

static struct outcome dispatch_totem_confchg(
	struct cpg_connection *connection, cpg_handle_t handle, uint8_t *bytes, size_t size)
{
	const struct cpg_event_totem_confchg *event = (const struct cpg_event_totem_confchg *)bytes;

	if (size < sizeof(*event) ||
		event->member_count > (size - offsetof(struct cpg_event_totem_confchg, members)) /
					      sizeof(event->members[0]))
		return outcome_malformed;
	struct cpg_ring_id ring_id = {.nodeid = event->ring_id.nodeid, .seq = event->ring_id.seq};
	if (connection->model.cpg_totem_confchg_fn != NULL)
		connection->model.cpg_totem_confchg_fn(
			handle, ring_id, event->member_count, event->members);
	return outcome_done;
}

static struct outcome dispatch_event(
	struct cpg_connection *connection, cpg_handle_t handle, uint8_t *bytes, size_t size)
{
	const struct cpg_response_header *header = (const struct cpg_response_header *)bytes;

	if (size < sizeof(*header))
		return outcome_malformed;
	switch (header->id) {
	case CPG_EVENT_DELIVER:
		return dispatch_deliver(connection, handle, bytes, size);
	case CPG_EVENT_PARTIAL_DELIVER:
		return dispatch_partial(connection, handle, bytes, size);
	case CPG_EVENT_CONFCHG:
		return dispatch_confchg(connection, handle, bytes, size);
	case CPG_EVENT_TOTEM_CONFCHG:
		return dispatch_totem_confchg(connection, handle, bytes, size);
	default:
		return outcome_malformed;
	}
}

/* Unknown types wait for ever, as CS_DISPATCH_BLOCKING. */
static cs_error_t dispatch_loop(struct cpg_connection *connection, cpg_handle_t handle,
	cs_dispatch_flags_t type, uint8_t *bytes)
{
	bool is_waiting = type != CS_DISPATCH_ALL && type != CS_DISPATCH_ONE_NONBLOCKING;
	bool is_one = type == CS_DISPATCH_ONE || type == CS_DISPATCH_ONE_NONBLOCKING;
	bool is_idle = true;

	for (;;) {
		ssize_t size = channel_receive(&connection->channel, bytes, is_waiting);

		if (size == -EAGAIN)
			return type == CS_DISPATCH_ONE_NONBLOCKING && is_idle ? CS_ERR_TRY_AGAIN
									      : CS_OK;
		if (size < 0)
			return client_error(size);
		is_idle = false;
		struct outcome outcome = dispatch_event(connection, handle, bytes, (size_t)size);
		if (channel_is_interrupted(&connection->channel))
			return CS_ERR_BAD_HANDLE;
		if (outcome.code != CS_OK || (is_one && outcome.is_done))
			return outcome.code;
	}
}

cs_error_t cpg_dispatch(cpg_handle_t handle, cs_dispatch_flags_t dispatch_types)
{
	struct cpg_connection *connection;
	cs_error_t rc = connection_get(handle, &connection);

	if (rc != CS_OK)
		return rc;
	struct event_buffer *buffer = buffer_take(connection);
	rc = CS_ERR_NO_MEMORY;
	if (buffer != NULL) {
		rc = dispatch_loop(connection, handle, dispatch_types, buffer->bytes);
		buffer_give(connection, buffer);
	}
	connection_put(connection);
	return rc;
}
