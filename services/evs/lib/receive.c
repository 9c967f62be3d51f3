/*
 * Pass events to the program's callbacks.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/evs/lib/connection.h"

static struct dispatch_outcome receive_deliver(
	const evs_callbacks_t *callbacks, evs_handle_t handle, const uint8_t *bytes, size_t size)
{
	const struct evs_event_deliver *event = (const struct evs_event_deliver *)bytes;

	if (size < sizeof(*event) || event->msglen > size - sizeof(*event))
		return dispatch_malformed;
	if (callbacks->evs_deliver_fn != NULL)
		callbacks->evs_deliver_fn(handle, event->nodeid, event->message, event->msglen);
	return dispatch_done;
}

static struct dispatch_outcome receive_confchg(
	const evs_callbacks_t *callbacks, evs_handle_t handle, const uint8_t *bytes, size_t size)
{
	const struct evs_event_confchg *event = (const struct evs_event_confchg *)bytes;

	if (size < sizeof(*event) || (uint64_t)event->member_count + event->left_count + event->joined_count >
					     (size - sizeof(*event)) / sizeof(event->lists[0]))
		return dispatch_malformed;

	const unsigned int *left = event->lists + event->member_count;
	const unsigned int *joined = left + event->left_count;
	struct evs_ring_id ring_id = {.nodeid = event->ring_id.nodeid, .seq = event->ring_id.seq};

	if (event->type == EVS_WIRE_TRANSITIONAL)
		ring_id.flags |= EVS_CONFIGURATION_TRANSITIONAL;
	if ((event->flags & EVS_WIRE_SAFE_KEPT) != 0)
		ring_id.flags |= EVS_CONFIGURATION_SAFE;
	if (callbacks->evs_confchg_fn != NULL)
		callbacks->evs_confchg_fn(handle, event->lists, event->member_count, left, event->left_count, joined,
			event->joined_count, &ring_id);
	return dispatch_done;
}

struct dispatch_outcome evs_receive(
	struct client_connection *client, uint64_t handle, int32_t id, uint8_t *bytes, size_t size)
{
	const struct evs_connection *connection = (const struct evs_connection *)client;

	switch (id) {
	case EVS_EVENT_DELIVER:
		return receive_deliver(&connection->callbacks, handle, bytes, size);
	case EVS_EVENT_CONFCHG:
		return receive_confchg(&connection->callbacks, handle, bytes, size);
	default:
		return dispatch_malformed;
	}
}
