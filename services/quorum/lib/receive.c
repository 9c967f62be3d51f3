/*
 * Pass events to the program's callbacks.
 *
 * Lists are passed without a copy: they are in the event's buffer, which is valid until the callback returns.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/quorum/lib/connection.h"

/* Return whether `count` node ids fit between offset and size. The size is at least the offset. */
static bool has_room(size_t size, size_t offset, uint64_t count) { return count <= (size - offset) / sizeof(uint32_t); }

static struct dispatch_outcome receive_notification(
	struct quorum_connection *connection, quorum_handle_t handle, uint8_t *bytes, size_t size)
{
	struct quorum_event_notification *event = (struct quorum_event_notification *)bytes;

	if (size < sizeof(*event) ||
		!has_room(size, offsetof(struct quorum_event_notification, view), event->view_count))
		return dispatch_malformed;
	if (connection->v0_notify != NULL)
		connection->v0_notify(
			handle, (uint32_t)event->quorate, event->ring_seq, event->view_count, event->view);
	return dispatch_done;
}

static struct dispatch_outcome receive_v1_quorum(
	struct quorum_connection *connection, quorum_handle_t handle, uint8_t *bytes, size_t size)
{
	const struct quorum_event_v1_quorum *event = (const struct quorum_event_v1_quorum *)bytes;

	if (size < sizeof(*event) || !has_room(size, offsetof(struct quorum_event_v1_quorum, view), event->view_count))
		return dispatch_malformed;
	struct quorum_ring_id ring_id = {.nodeid = event->ring_id.nodeid, .seq = event->ring_id.seq};
	if (connection->v1_notify != NULL)
		connection->v1_notify(handle, (uint32_t)event->quorate, ring_id, event->view_count, event->view);
	return dispatch_done;
}

static struct dispatch_outcome receive_v1_nodelist(
	struct quorum_connection *connection, quorum_handle_t handle, uint8_t *bytes, size_t size)
{
	const struct quorum_event_v1_nodelist *event = (const struct quorum_event_v1_nodelist *)bytes;

	if (size < sizeof(*event))
		return dispatch_malformed;
	uint64_t count = (uint64_t)event->member_count + event->joined_count + event->left_count;
	if (!has_room(size, offsetof(struct quorum_event_v1_nodelist, lists), count))
		return dispatch_malformed;
	struct quorum_ring_id ring_id = {.nodeid = event->ring_id.nodeid, .seq = event->ring_id.seq};
	const uint32_t *joined = event->lists + event->member_count;
	const uint32_t *left = joined + event->joined_count;
	if (connection->v1_nodelist_notify != NULL)
		connection->v1_nodelist_notify(handle, ring_id, event->member_count, event->lists, event->joined_count,
			joined, event->left_count, left);
	return dispatch_done;
}

struct dispatch_outcome quorum_receive(
	struct client_connection *client, uint64_t handle, int32_t id, uint8_t *bytes, size_t size)
{
	struct quorum_connection *connection = (struct quorum_connection *)client;

	switch (id) {
	case QUORUM_EVENT_NOTIFICATION:
		return receive_notification(connection, handle, bytes, size);
	case QUORUM_EVENT_V1_QUORUM:
		return receive_v1_quorum(connection, handle, bytes, size);
	case QUORUM_EVENT_V1_NODELIST:
		return receive_v1_nodelist(connection, handle, bytes, size);
	default:
		return dispatch_malformed;
	}
}
