/*
 * Receiving: events become calls of the program's callbacks.
 *
 * No lock is held in a callback, which may call anything, this included.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/evs/lib/connection.h"

/* What dispatch_run hands through. */
struct receiver {
	const struct evs_connection *connection;
	evs_handle_t handle;
};

static struct dispatch_outcome dispatch_deliver(
	const struct receiver *receiver, const uint8_t *bytes, size_t size)
{
	const struct evs_event_deliver *event = (const struct evs_event_deliver *)bytes;
	evs_deliver_fn_t deliver = receiver->connection->callbacks.evs_deliver_fn;

	if (size < sizeof(*event) || event->msglen > size - sizeof(*event))
		return dispatch_malformed;
	if (deliver != NULL)
		deliver(receiver->handle, event->nodeid, event->message, event->msglen);
	return dispatch_done;
}

static struct dispatch_outcome dispatch_confchg(
	const struct receiver *receiver, const uint8_t *bytes, size_t size)
{
	const struct evs_event_confchg *event = (const struct evs_event_confchg *)bytes;
	evs_confchg_fn_t confchg = receiver->connection->callbacks.evs_confchg_fn;

	if (size < sizeof(*event) || (uint64_t)event->member_count + event->left_count +
						     event->joined_count >
					     (size - sizeof(*event)) / sizeof(event->lists[0]))
		return dispatch_malformed;

	const unsigned int *left = event->lists + event->member_count;
	const unsigned int *joined = left + event->left_count;
	struct evs_ring_id ring_id = {.nodeid = event->ring_id.nodeid, .seq = event->ring_id.seq};

	if (event->type == EVS_WIRE_TRANSITIONAL)
		ring_id.flags |= EVS_CONFIGURATION_TRANSITIONAL;
	if ((event->flags & EVS_WIRE_SAFE_KEPT) != 0)
		ring_id.flags |= EVS_CONFIGURATION_SAFE;
	if (confchg != NULL)
		confchg(receiver->handle, event->lists, event->member_count, left,
			event->left_count, joined, event->joined_count, &ring_id);
	return dispatch_done;
}

static struct dispatch_outcome dispatch_event_of(void *arg, int32_t id, uint8_t *bytes, size_t size)
{
	switch (id) {
	case EVS_EVENT_DELIVER:
		return dispatch_deliver(arg, bytes, size);
	case EVS_EVENT_CONFCHG:
		return dispatch_confchg(arg, bytes, size);
	default:
		return dispatch_malformed;
	}
}

cs_error_t evs_dispatch(evs_handle_t handle, cs_dispatch_flags_t dispatch)
{
	struct evs_connection *connection;
	cs_error_t rc = connection_get(handle, &connection);

	if (rc != CS_OK)
		return rc;
	struct receiver receiver = {.connection = connection, .handle = handle};
	rc = dispatch_run(&connection->dispatch, &connection->channel, dispatch, dispatch_event_of,
		&receiver);
	connection_put(connection);
	return rc;
}
