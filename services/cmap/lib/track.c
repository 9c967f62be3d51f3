/*
 * Calls that track keys, and the events about changes, which are passed to the program's callbacks.
 *
 * No lock is held during a callback, so a callback may call any function, including cmap_dispatch and cmap_finalize.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cmap/lib/connection.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "services/client/error.h"

struct tracker {
	struct handle_object object; /* must be the first member */
	cmap_handle_t connection;
	cmap_track_handle_t handle;
	/* Protected by the connection's trackers_lock. */
	uint64_t remote; /* the executive's number of this tracker */
	bool has_remote; /* the executive has answered */
	bool is_deleted; /* deleted before that */
	cmap_notify_fn_t notify;
	void *user_data;
	struct tracker *next; /* protected by the connection's trackers_lock */
};

static void tracker_destroy(struct handle_object *object) { free(object); /* the object is the first member */ }

static struct handle_table trackers = HANDLE_TABLE_INITIALIZER(tracker_destroy);

/* ---- The list of a connection -------------------------------------------- */

static cs_error_t tracker_open(struct cmap_connection *connection, struct tracker *tracker, cmap_track_handle_t *handle)
{
	int rc;

	pthread_mutex_lock(&connection->trackers_lock);
	rc = handle_open(&trackers, &tracker->object, handle);
	if (rc == 0) {
		tracker->handle = *handle;
		tracker->next = connection->trackers;
		connection->trackers = tracker;
	}
	pthread_mutex_unlock(&connection->trackers_lock);
	return client_error(rc);
}

/*
 * Remove a tracker. The caller holds the connection's trackers_lock. CS_ERR_BAD_HANDLE: another thread has removed it.
 */
static cs_error_t tracker_remove(struct cmap_connection *connection, struct tracker *tracker)
{
	struct tracker **link = &connection->trackers;
	struct handle_object *object;

	if (handle_take(&trackers, tracker->handle, &object) < 0)
		return CS_ERR_BAD_HANDLE;
	while (*link != tracker)
		link = &(*link)->next;
	*link = tracker->next;
	handle_put(&trackers, object);
	return CS_OK;
}

void trackers_fini(struct cmap_connection *connection)
{
	pthread_mutex_lock(&connection->trackers_lock);
	while (connection->trackers != NULL)
		(void)tracker_remove(connection, connection->trackers);
	pthread_mutex_unlock(&connection->trackers_lock);
}

/* Return a tracker of this connection, referenced. */
static struct tracker *tracker_get(cmap_handle_t connection, cmap_track_handle_t handle)
{
	struct handle_object *object;
	struct tracker *tracker;

	if (handle_get(&trackers, handle, &object) < 0)
		return NULL;
	tracker = (struct tracker *)object;
	if (tracker->connection == connection)
		return tracker;
	handle_put(&trackers, object);
	return NULL;
}

/* ---- Adding and deleting ------------------------------------------------- */

static cs_error_t delete_remote(struct cmap_connection *connection, uint64_t remote)
{
	struct cmap_req_track_delete request = {
		.header = {.id = CMAP_REQ_TRACK_DELETE, .size = sizeof(request)}, .tracker = remote};
	struct cmap_res_track_delete response;

	return channel_request(&connection->client.channel, &request, sizeof(request), &response, sizeof(response));
}

/*
 * Add a tracker. Create the handle before the request, since another thread may receive an event before this one
 * receives the answer. Its callback may even delete the tracker.
 */
static cs_error_t track(struct cmap_connection *connection, struct cmap_req_track_add *request, struct tracker *tracker,
	cmap_track_handle_t *handle)
{
	struct cmap_res_track_add response;
	cmap_track_handle_t number;
	struct handle_object *object;
	bool is_deleted = false;
	cs_error_t rc = tracker_open(connection, tracker, &number);

	if (rc != CS_OK) {
		free(tracker);
		return rc;
	}
	if (handle_get(&trackers, number, &object) < 0)
		return CS_ERR_LIBRARY;
	request->instance = number;
	rc = channel_request(&connection->client.channel, request, sizeof(*request), &response, sizeof(response));
	pthread_mutex_lock(&connection->trackers_lock);
	if (rc == CS_OK) {
		tracker->remote = response.tracker;
		tracker->has_remote = true;
		is_deleted = tracker->is_deleted;
		*handle = number;
	} else if (!tracker->is_deleted) {
		(void)tracker_remove(connection, tracker);
	}
	pthread_mutex_unlock(&connection->trackers_lock);
	handle_put(&trackers, object);
	if (is_deleted)
		(void)delete_remote(connection, response.tracker);
	return rc;
}

cs_error_t cmap_track_add(cmap_handle_t handle, const char *key_name, int32_t track_type, cmap_notify_fn_t notify_fn,
	void *user_data, cmap_track_handle_t *cmap_track_handle)
{
	struct cmap_connection *connection;
	struct cmap_req_track_add request = {
		.header = {.id = CMAP_REQ_TRACK_ADD, .size = sizeof(request)},
		.track_type = track_type,
	};
	struct tracker *tracker;
	cs_error_t rc;

	if (notify_fn == NULL || cmap_track_handle == NULL)
		return CS_ERR_INVALID_PARAM;
	rc = cmap_connection_get(handle, &connection);
	if (rc != CS_OK)
		return rc;
	rc = cmap_name_to_wire(&request.name, key_name);
	if (rc == CS_OK) {
		tracker = calloc(1, sizeof(*tracker));
		rc = CS_ERR_NO_MEMORY;
		if (tracker != NULL) {
			tracker->connection = handle;
			tracker->notify = notify_fn;
			tracker->user_data = user_data;
			rc = track(connection, &request, tracker, cmap_track_handle);
		}
	}
	cmap_connection_put(connection);
	return rc;
}

cs_error_t cmap_track_delete(cmap_handle_t handle, cmap_track_handle_t track_handle)
{
	struct cmap_connection *connection;
	struct tracker *tracker;
	uint64_t remote;
	bool has_remote;
	cs_error_t rc = cmap_connection_get(handle, &connection);

	if (rc != CS_OK)
		return rc;
	tracker = tracker_get(handle, track_handle);
	if (tracker == NULL) {
		cmap_connection_put(connection);
		return CS_ERR_BAD_HANDLE;
	}
	pthread_mutex_lock(&connection->trackers_lock);
	remote = tracker->remote;
	has_remote = tracker->has_remote;
	rc = tracker_remove(connection, tracker);
	tracker->is_deleted |= rc == CS_OK;
	pthread_mutex_unlock(&connection->trackers_lock);
	if (rc == CS_OK && has_remote)
		rc = delete_remote(connection, remote);
	handle_put(&trackers, &tracker->object);
	cmap_connection_put(connection);
	return rc;
}

/* ---- Dispatching --------------------------------------------------------- */

static struct dispatch_outcome dispatch_notify(cmap_handle_t handle, uint8_t *bytes, size_t size)
{
	struct cmap_event_notify *event = (struct cmap_event_notify *)bytes;

	if (size < sizeof(*event) || event->now_size > size - sizeof(*event) ||
		event->before_size > size - sizeof(*event) - event->now_size)
		return dispatch_malformed;
	/* If there is no tracker, it has been deleted: drop the event. */
	struct tracker *tracker = tracker_get(handle, event->instance);
	if (tracker == NULL)
		return dispatch_done;

	const struct cmap_notify_value now = {(cmap_value_types_t)event->now_type, event->now_size, event->values};
	const struct cmap_notify_value before = {
		(cmap_value_types_t)event->before_type, event->before_size, event->values + event->now_size};

	event->name.value[sizeof(event->name.value) - 1] = '\0';
	tracker->notify(handle, tracker->handle, event->event, event->name.value, now, before, tracker->user_data);
	handle_put(&trackers, &tracker->object);
	return dispatch_done;
}

static struct dispatch_outcome dispatch_event_of(void *arg, int32_t id, uint8_t *bytes, size_t size)
{
	const cmap_handle_t *handle = arg;

	return id == CMAP_EVENT_NOTIFY ? dispatch_notify(*handle, bytes, size) : dispatch_malformed;
}

cs_error_t cmap_dispatch(cmap_handle_t handle, cs_dispatch_flags_t dispatch_types)
{
	struct cmap_connection *connection;
	cs_error_t rc = cmap_connection_get(handle, &connection);

	if (rc != CS_OK)
		return rc;
	rc = dispatch_run(&connection->client.dispatch, &connection->client.channel, dispatch_types, dispatch_event_of,
		NULL, &handle);
	cmap_connection_put(connection);
	return rc;
}
