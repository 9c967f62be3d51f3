/*
 * Pass events to the program's callbacks.
 *
 * Lists are passed without a copy: they are in the event's buffer, which is valid until the callback returns.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/votequorum/lib/connection.h"

_Static_assert(sizeof(votequorum_node_t) == sizeof(struct votequorum_wire_node) &&
		       offsetof(votequorum_node_t, state) == offsetof(struct votequorum_wire_node, state),
	"handed out as it came");

static struct dispatch_outcome receive_quorum(
	struct votequorum_connection *connection, votequorum_handle_t handle, uint8_t *bytes, size_t size)
{
	struct votequorum_event_quorum *event = (struct votequorum_event_quorum *)bytes;

	if (size < sizeof(*event) || event->node_count > (size - sizeof(*event)) / sizeof(event->nodes[0]))
		return dispatch_malformed;
	if (connection->callbacks.votequorum_quorum_notify_fn != NULL)
		connection->callbacks.votequorum_quorum_notify_fn(
			handle, event->context, event->quorate, event->node_count, (votequorum_node_t *)event->nodes);
	return dispatch_done;
}

static struct dispatch_outcome receive_expected_votes(
	struct votequorum_connection *connection, votequorum_handle_t handle, const uint8_t *bytes, size_t size)
{
	const struct votequorum_event_expected_votes *event = (const struct votequorum_event_expected_votes *)bytes;

	if (size < sizeof(*event))
		return dispatch_malformed;
	if (connection->callbacks.votequorum_expectedvotes_notify_fn != NULL)
		connection->callbacks.votequorum_expectedvotes_notify_fn(handle, event->context, event->expected_votes);
	return dispatch_done;
}

static struct dispatch_outcome receive_nodelist(
	struct votequorum_connection *connection, votequorum_handle_t handle, uint8_t *bytes, size_t size)
{
	struct votequorum_event_nodelist *event = (struct votequorum_event_nodelist *)bytes;

	if (size < sizeof(*event) || event->node_count > (size - sizeof(*event)) / sizeof(event->nodes[0]))
		return dispatch_malformed;
	votequorum_ring_id_t ring_id = {.nodeid = event->ring_id.nodeid, .seq = event->ring_id.seq};
	if (connection->callbacks.votequorum_nodelist_notify_fn != NULL)
		connection->callbacks.votequorum_nodelist_notify_fn(
			handle, event->context, ring_id, event->node_count, event->nodes);
	return dispatch_done;
}

static struct dispatch_outcome receive_extra(
	struct votequorum_connection *connection, votequorum_handle_t handle, uint8_t *bytes, size_t size)
{
	struct votequorum_event_extra *event = (struct votequorum_event_extra *)bytes;

	if (size < sizeof(*event) || event->size > size - sizeof(*event))
		return dispatch_malformed;
	if (connection->on_extra != NULL)
		connection->on_extra(handle, event->context, event->nodeid, event->size, event->bytes);
	return dispatch_done;
}

struct dispatch_outcome votequorum_receive(
	struct client_connection *client, uint64_t handle, int32_t id, uint8_t *bytes, size_t size)
{
	struct votequorum_connection *connection = (struct votequorum_connection *)client;

	switch (id) {
	case VOTEQUORUM_EVENT_QUORUM:
		return receive_quorum(connection, handle, bytes, size);
	case VOTEQUORUM_EVENT_EXPECTED_VOTES:
		return receive_expected_votes(connection, handle, bytes, size);
	case VOTEQUORUM_EVENT_NODELIST:
		return receive_nodelist(connection, handle, bytes, size);
	case VOTEQUORUM_EVENT_EXTRA:
		return receive_extra(connection, handle, bytes, size);
	default:
		return dispatch_malformed;
	}
}
