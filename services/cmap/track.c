/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notification of clients. Clients are notified in the order of the changes, and before the answer to the request that
 * made the change.
 */
#include "services/cmap/cmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/state.h>

/* Limits of trackers for one client, and for all clients of one user. Each tracker makes every change take longer. */
#define TRACKERS_MAX 4096u
#define USER_TRACKERS_MAX 4096u
/*
 * Limit of trackers of prefixes of the statistics for all clients of one user. Each connection that begins or ends is a
 * change of 14 keys.
 */
#define USER_PREFIXES_MAX 64u
#define TRACK_ALL (COTERIE_MAP_DELETED | COTERIE_MAP_MODIFIED | COTERIE_MAP_ADDED | COTERIE_MAP_PREFIX)

static struct cmap_tracker **find(struct cmap_connection *connection, uint64_t number)
{
	struct cmap_tracker **at = &connection->trackers;

	while (*at != NULL && (*at)->number != number)
		at = &(*at)->next;
	return at;
}

/* Return whether a tracker is called for each connection that begins or ends. */
static bool is_costly(const struct cmap_connection *connection, uint32_t events)
{
	return connection->which == COTERIE_MAP_STATS && (events & COTERIE_MAP_PREFIX) != 0;
}

static void tracker_free(struct cmap *cmap, struct cmap_connection *connection, struct cmap_tracker **at)
{
	struct cmap_tracker *tracker = *at;

	*at = tracker->next;
	connection->tracker_count--;
	connection->prefix_count -= is_costly(connection, tracker->events);
	if (connection->late != NULL)
		cmap_late_forget(cmap, connection, tracker->number);
	cmap->host->map_untrack(cmap->ctx, tracker->tracker);
	free(tracker);
}

void cmap_trackers_free(struct cmap *cmap, struct cmap_connection *connection)
{
	cmap_late_free(cmap, connection);
	while (connection->trackers != NULL)
		tracker_free(cmap, connection, &connection->trackers);
}

static struct iovec bytes_of(const struct coterie_map_value *value)
{
	if (value == NULL || value->type == 0 || value->bytes == NULL)
		return (struct iovec){0};
	return (struct iovec){(void *)(uintptr_t)value->bytes, value->size};
}

static void on_change(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	struct cmap_tracker *tracker = arg;
	struct iovec values[2] = {bytes_of(now), bytes_of(before)};
	struct cmap_event_notify notify = {
		.instance = tracker->instance,
		.event = (int32_t)event,
		.now_type = now == NULL ? 0 : (uint8_t)now->type,
		.before_type = before == NULL ? 0 : (uint8_t)before->type,
		.now_size = values[0].iov_len,
		.before_size = values[1].iov_len,
	};

	notify.name.length = (uint16_t)strnlen(key, COTERIE_MAP_NAME_MAX);
	memcpy(notify.name.value, key, notify.name.length);
	cmap_tell(tracker->cmap, tracker->client, tracker->number, key, &notify, values);
}

static void on_change_end(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	struct cmap *cmap = arg;

	cmap_change_end(cmap);
	cmap_room_change(cmap, event, key, now, before);
	cmap_shares_change(cmap, key);
}

/*
 * Add the tracker that marks the end of a change: trackers of all keys are called after other trackers, and the oldest
 * of them is called last.
 */
int cmap_track_init(struct cmap *cmap)
{
	return cmap->host->map_track(cmap->ctx, COTERIE_MAP_CONFIG, "", TRACK_ALL, on_change_end, cmap, &cmap->changes);
}

void cmap_track_fini(struct cmap *cmap)
{
	cmap->host->map_untrack(cmap->ctx, cmap->changes);
	cmap_change_end(cmap);
}

/* Start a tracker. number: the client's number for the tracker. */
static int start(struct cmap *cmap, struct cmap_connection *connection, const char *key, uint32_t events,
	uint64_t number, uint64_t instance)
{
	struct cmap_tracker *tracker = calloc(1, sizeof(*tracker) + strlen(key) + 1);

	if (tracker == NULL)
		return -ENOMEM;
	tracker->cmap = cmap;
	tracker->client = connection->client;
	tracker->instance = instance;
	tracker->number = number;
	tracker->events = events;
	strcpy(tracker->key, key);
	int rc = cmap->host->map_track(
		cmap->ctx, connection->which, key, events, on_change, tracker, &tracker->tracker);
	if (rc < 0) {
		free(tracker);
		return rc;
	}
	tracker->next = connection->trackers;
	connection->trackers = tracker;
	connection->tracker_count++;
	connection->prefix_count += is_costly(connection, events);
	return 0;
}

/* Return whether a client and all clients of its user may have one more tracker. */
static bool has_share(const struct cmap *cmap, const struct cmap_connection *connection, uint32_t events)
{
	uint32_t trackers = 0, prefixes = 0;

	for (const struct cmap_connection *one = cmap->connections; one != NULL; one = one->next) {
		trackers += one->uid == connection->uid ? one->tracker_count : 0;
		prefixes += one->uid == connection->uid ? one->prefix_count : 0;
	}
	return connection->tracker_count < TRACKERS_MAX && trackers < USER_TRACKERS_MAX &&
	       (!is_costly(connection, events) || prefixes < USER_PREFIXES_MAX);
}

static int track(
	struct cmap *cmap, struct coterie_client *client, const struct cmap_req_track_add *request, uint64_t *number)
{
	struct cmap_connection *connection = cmap->host->client_data(client);
	const char *key = request->name.length == 0 ? "" : cmap_key(&request->name);
	uint32_t events = (uint32_t)request->track_type;

	if (key == NULL)
		return -EINVAL;
	/* For statistics Corosync accepts any bits, so this code does, too. */
	if (connection->which == COTERIE_MAP_CONFIG && (events & ~TRACK_ALL) != 0)
		return -EINVAL;
	cmap->host->client_peer(client, NULL, &connection->uid, NULL);
	if (!has_share(cmap, connection, events))
		return -ENOSPC;
	*number = connection->next_number++;
	return start(cmap, connection, key, events & TRACK_ALL, *number, request->instance);
}

/* ---- A new version takes over -------------------------------------------- */

/*
 * Save the trackers oldest first, since clients are notified in the order in which trackers were added. For each
 * tracker write the length of its key, then the key.
 */
void cmap_trackers_save(const struct cmap_connection *connection, struct coterie_state_writer *writer)
{
	uint32_t count = connection->tracker_count, left = count;
	const struct cmap_tracker **oldest = calloc(count + 1u, sizeof(*oldest));

	if (oldest == NULL) {
		writer->has_failed = 1;
		return;
	}
	for (const struct cmap_tracker *one = connection->trackers; one != NULL; one = one->next)
		oldest[--left] = one;
	coterie_state_put_u32(writer, count);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t size = (uint32_t)strlen(oldest[i]->key) + 1;

		coterie_state_put_u64(writer, oldest[i]->number);
		coterie_state_put_u64(writer, oldest[i]->instance);
		coterie_state_put_u32(writer, oldest[i]->events);
		coterie_state_put_u32(writer, size);
		coterie_state_put(writer, oldest[i]->key, size);
	}
	free(oldest);
}

int cmap_trackers_load(struct cmap *cmap, struct cmap_connection *connection, struct coterie_state_reader *reader)
{
	uint32_t count = coterie_state_take_count(reader, 25);

	for (uint32_t i = 0; i < count; i++) {
		uint64_t number = coterie_state_take_u64(reader);
		uint64_t instance = coterie_state_take_u64(reader);
		uint32_t events = coterie_state_take_u32(reader);
		uint32_t size = coterie_state_take_u32(reader);
		const char *key = coterie_state_view(reader, size);

		if (key == NULL || size == 0 || memchr(key, 0, size) != key + size - 1)
			return -ENOTSUP;
		int rc = connection->client == NULL ? 0 : start(cmap, connection, key, events, number, instance);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- Requests ------------------------------------------------------------ */

int cmap_handle_track_add(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cmap *cmap = self;
	struct cmap_req_track_add request;
	struct cmap_res_track_add response = {0};
	int rc;

	(void)size;
	cmap_snapshot(&request, msg, sizeof(request));
	rc = track(cmap, client, &request, &response.tracker);
	return cmap_reply(cmap, client, CMAP_REQ_TRACK_ADD, rc, &response, sizeof(response));
}

int cmap_handle_track_delete(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cmap *cmap = self;
	struct cmap_connection *connection = cmap->host->client_data(client);
	struct cmap_req_track_delete request;
	struct cmap_res_track_delete response = {0};
	int rc = -EBADF;

	(void)size;
	cmap_snapshot(&request, msg, sizeof(request));

	struct cmap_tracker **at = find(connection, request.tracker);

	if (*at != NULL) {
		response.instance = (*at)->instance;
		tracker_free(cmap, connection, at);
		rc = 0;
	}
	return cmap_reply(cmap, client, CMAP_REQ_TRACK_DELETE, rc, &response, sizeof(response));
}
