/*
 * Receive events and call the program's callbacks.
 *
 * No lock is held during a callback, so a callback may call any function, including cpg_dispatch.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cpg/lib/connection.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/client/fast_channel.h"

static struct dispatch_outcome dispatch_deliver(
	struct cpg_connection *connection, cpg_handle_t handle, uint8_t *bytes, size_t size)
{
	struct cpg_event_deliver *event = (struct cpg_event_deliver *)bytes;
	struct cpg_name group;

	if (size < sizeof(*event) || event->msglen > size - sizeof(*event) ||
		name_from_wire(&group, &event->group) != CS_OK)
		return dispatch_malformed;
	if (connection->model.cpg_deliver_fn != NULL)
		connection->model.cpg_deliver_fn(
			handle, &group, event->nodeid, event->pid, event->message, event->msglen);
	return dispatch_done;
}

static struct dispatch_outcome dispatch_partial(
	struct cpg_connection *connection, cpg_handle_t handle, uint8_t *bytes, size_t size)
{
	const struct cpg_event_partial_deliver *event = (const struct cpg_event_partial_deliver *)bytes;
	struct cpg_name group;
	void *message = NULL;
	int rc;

	if (size < sizeof(*event) || event->fraglen > size - sizeof(*event) ||
		name_from_wire(&group, &event->group) != CS_OK)
		return dispatch_malformed;
	/* If there is no callback, do not collect the message. */
	if (connection->model.cpg_deliver_fn == NULL)
		return (struct dispatch_outcome){CS_OK, event->type == CPG_FRAGMENT_LAST};

	struct assembly_fragment fragment = {
		.nodeid = event->nodeid,
		.pid = event->pid,
		.type = event->type,
		.message_size = event->msglen,
		.bytes = event->fragment,
		.size = event->fraglen,
	};
	pthread_mutex_lock(&connection->assemblies_lock);
	rc = assembly_add(&connection->assemblies, &fragment, &message);
	pthread_mutex_unlock(&connection->assemblies_lock);
	/* Drop a malformed message without an error of cpg_dispatch: only its sender can correct it. */
	if (rc == -ENOMEM)
		return (struct dispatch_outcome){CS_ERR_NO_MEMORY, true};
	if (message == NULL)
		return (struct dispatch_outcome){CS_OK, false};
	connection->model.cpg_deliver_fn(handle, &group, event->nodeid, event->pid, message, event->msglen);
	free(message);
	return dispatch_done;
}

/*
 * Convert a list of the event in place. Entries of the public form are shorter, so entry i of the result ends before
 * entry i + 1 of the event starts.
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

static bool has_assemblies(struct cpg_connection *connection)
{
	pthread_mutex_lock(&connection->assemblies_lock);
	bool has_some = connection->assemblies.count > 0;
	pthread_mutex_unlock(&connection->assemblies_lock);
	return has_some;
}

/* Return whether this process is in the list. A process of another node may have the same id. */
static bool has_self(cpg_handle_t handle, const struct cpg_address *list, uint64_t count)
{
	uint32_t pid = (uint32_t)getpid();
	unsigned int nodeid = 0;

	for (uint64_t i = 0; i < count; i++) {
		if (list[i].pid != pid)
			continue;
		if (nodeid == 0 && cpg_local_get(handle, &nodeid) != CS_OK)
			return true;
		if (list[i].nodeid == nodeid)
			return true;
	}
	return false;
}

static struct dispatch_outcome dispatch_confchg(
	struct cpg_connection *connection, cpg_handle_t handle, uint8_t *bytes, size_t size)
{
	struct cpg_event_confchg *event = (struct cpg_event_confchg *)bytes;
	struct cpg_name group;

	if (size < sizeof(*event) || name_from_wire(&group, &event->group) != CS_OK)
		return dispatch_malformed;
	uint64_t member_count = event->member_count;
	uint64_t left_count = event->left_count;
	uint64_t joined_count = event->joined_count;
	uint64_t count = member_count + left_count + joined_count;
	if (count > (size - sizeof(*event)) / sizeof(event->lists[0]))
		return dispatch_malformed;
	struct cpg_address *members = addresses_convert(event->lists, count);
	struct cpg_address *left = members + member_count;
	struct cpg_address *joined = left + left_count;

	if (connection->model.cpg_confchg_fn != NULL)
		connection->model.cpg_confchg_fn(
			handle, &group, members, member_count, left, left_count, joined, joined_count);
	/* Behind its own leave this process gets no further parts, before it joins again. */
	bool is_over = has_assemblies(connection) && has_self(handle, left, left_count);

	pthread_mutex_lock(&connection->assemblies_lock);
	for (uint64_t i = 0; i < left_count; i++)
		assembly_drop(&connection->assemblies, left[i].nodeid, left[i].pid);
	if (is_over)
		assembly_list_fini(&connection->assemblies);
	pthread_mutex_unlock(&connection->assemblies_lock);
	return dispatch_done;
}

static struct dispatch_outcome dispatch_totem_confchg(
	struct cpg_connection *connection, cpg_handle_t handle, uint8_t *bytes, size_t size)
{
	const struct cpg_event_totem_confchg *event = (const struct cpg_event_totem_confchg *)bytes;

	if (size < sizeof(*event) || event->member_count > (size - offsetof(struct cpg_event_totem_confchg, members)) /
								   sizeof(event->members[0]))
		return dispatch_malformed;
	struct cpg_ring_id ring_id = {.nodeid = event->ring_id.nodeid, .seq = event->ring_id.seq};
	if (connection->model.cpg_totem_confchg_fn != NULL)
		connection->model.cpg_totem_confchg_fn(handle, ring_id, event->member_count, event->members);
	return dispatch_done;
}

/* Messages in the channel do not name their group. Their group is that of the last configuration change before them. */
void dispatch_note(uint8_t *context, const uint8_t *bytes, size_t size)
{
	_Static_assert(sizeof(struct cpg_name) <= FAST_CONTEXT_SIZE, "a name fits");
	const struct cpg_event_confchg *event = (const struct cpg_event_confchg *)bytes;
	struct cpg_name group;

	if (size >= sizeof(*event) && event->header.id == CPG_EVENT_CONFCHG &&
		name_from_wire(&group, &event->group) == CS_OK)
		memcpy(context, &group, sizeof(group));
}

/* The receiver of an event. */
struct receiver {
	struct cpg_connection *connection;
	cpg_handle_t handle;
};

static struct dispatch_outcome dispatch_event_of(void *arg, int32_t id, uint8_t *bytes, size_t size)
{
	struct receiver *receiver = arg;
	struct cpg_connection *connection = receiver->connection;

	switch (id) {
	case CPG_EVENT_DELIVER:
		return dispatch_deliver(connection, receiver->handle, bytes, size);
	case CPG_EVENT_PARTIAL_DELIVER:
		return dispatch_partial(connection, receiver->handle, bytes, size);
	case CPG_EVENT_CONFCHG:
		return dispatch_confchg(connection, receiver->handle, bytes, size);
	case CPG_EVENT_TOTEM_CONFCHG:
		return dispatch_totem_confchg(connection, receiver->handle, bytes, size);
	default:
		return dispatch_malformed;
	}
}

static struct dispatch_outcome dispatch_message_of(void *arg, const struct fast_record *record, uint8_t *bytes)
{
	struct receiver *receiver = arg;
	struct cpg_connection *connection = receiver->connection;
	struct cpg_name group;

	memcpy(&group, record->context, sizeof(group));
	if (connection->model.cpg_deliver_fn != NULL)
		connection->model.cpg_deliver_fn(
			receiver->handle, &group, record->nodeid, record->pid, bytes, record->size);
	return dispatch_done;
}

cs_error_t cpg_dispatch(cpg_handle_t handle, cs_dispatch_flags_t dispatch_types)
{
	struct receiver receiver = {.handle = handle};
	cs_error_t rc = connection_get(handle, &receiver.connection);

	if (rc != CS_OK)
		return rc;
	rc = dispatch_run(&receiver.connection->client.dispatch, &receiver.connection->client.channel, dispatch_types,
		dispatch_event_of, dispatch_message_of, &receiver);
	connection_put(receiver.connection);
	return rc;
}
