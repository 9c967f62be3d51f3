/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Late notifications. A change with many trackers, or many changes in a turn of the loop, would block the loop for long.
 * So the first notifications of a turn are sent at once, and the others in small batches. Each client is notified in the
 * order of the changes.
 */
#include "services/cmap/cmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* Sending an event takes up to 30 us if its client does not read. */
#define DIRECT_MAX 48u /* most events of one turn of the loop that are sent at once */
#define BATCH_MAX 32u  /* most events in one turn of the timer */
#define NEXT_TURN_NS 0 /* for a timer: a time that is over */
#define BATCH_NS UINT64_C(1000000)
#define LATE_BYTES_MAX 4194304u       /* limit for one client, far more than a tracker for each key needs */
#define USER_LATE_BYTES_MAX 16777216u /* limit for all clients of one user */
#define LATE_BYTES 64u                /* counted size of one event, with malloc's overhead */

/* The part of a change's event that is the same for all trackers: all but the instance. */
struct cmap_change {
	uint32_t references, size;
	const void *key, *now, *before;  /* addresses in the map, only compared, never dereferenced. NULL: the copy is
					  * not shared */
	struct cmap_event_notify notify; /* followed by size bytes of values */
};

struct cmap_late {
	struct cmap_late *next;
	uint64_t number, instance;  /* numbers of the tracker */
	struct cmap_change *change; /* referenced */
};

_Static_assert(sizeof(struct cmap_late) + 16 <= LATE_BYTES, "bytes of an event");

/* The sum of late events of one user. */
struct cmap_late_user {
	struct cmap_late_user *next;
	uint32_t uid;
	uint64_t bytes;
};

static void drain(void *arg);

static void start_timer(struct cmap *cmap)
{
	uint64_t at_ns = cmap->host->now_ns(cmap->ctx) + BATCH_NS;

	/* If memory runs out, the next change starts the timer. */
	if (cmap->drain == NULL && cmap->host->timer_add(cmap->ctx, at_ns, drain, cmap, &cmap->drain) < 0)
		cmap->drain = NULL;
}

/* --- waiting events and their size --- */

static void change_put(struct cmap_change *change)
{
	if (change != NULL && --change->references == 0)
		free(change);
}

/* Return the entry of a user. If the user has none, create one. NULL: out of memory. */
static struct cmap_late_user *user_get(struct cmap *cmap, uint32_t uid)
{
	for (struct cmap_late_user *user = cmap->late_users; user != NULL; user = user->next) {
		if (user->uid == uid)
			return user;
	}

	struct cmap_late_user *user = calloc(1, sizeof(*user));

	if (user == NULL)
		return NULL;
	*user = (struct cmap_late_user){.next = cmap->late_users, .uid = uid};
	cmap->late_users = user;
	return user;
}

static void user_free_unused(struct cmap *cmap)
{
	for (struct cmap_late_user **at = &cmap->late_users; *at != NULL;) {
		struct cmap_late_user *user = *at;

		if (user->bytes > 0) {
			at = &user->next;
			continue;
		}
		*at = user->next;
		free(user);
	}
}

/* Return the counted size of an event. Only the first event of a change counts the change's values. */
static uint64_t bytes_of(const struct cmap_late *previous, const struct cmap_change *change)
{
	bool is_first = previous == NULL || previous->change != change;

	return LATE_BYTES + (is_first ? sizeof(*change) + change->size : 0);
}

static void release(struct cmap *cmap, struct cmap_connection *connection, uint64_t bytes)
{
	struct cmap_late_user *user = connection->late_user;

	connection->late_bytes -= bytes;
	user->bytes -= bytes;
	if (connection->late_bytes == 0)
		connection->late_user = NULL;
	if (user->bytes == 0)
		user_free_unused(cmap);
}

/* Remove the first event. If the next event is of the same change, that event now counts the change's values. */
static struct cmap_late *pop(struct cmap *cmap, struct cmap_connection *connection)
{
	struct cmap_late *late = connection->late;
	bool is_shared = late->next != NULL && late->next->change == late->change;

	connection->late = late->next;
	if (connection->late == NULL)
		connection->late_end = NULL;
	release(cmap, connection, is_shared ? LATE_BYTES : bytes_of(NULL, late->change));
	return late;
}

static void late_free(struct cmap_late *late)
{
	change_put(late->change);
	free(late);
}

/* --- sending --- */

/* Send the first late event of a client. @return false: the client will be freed, or is freed */
static bool send_first(struct cmap *cmap, struct cmap_connection *connection)
{
	struct coterie_client *client = connection->client;
	struct cmap_late *late = pop(cmap, connection);
	struct cmap_event_notify notify = late->change->notify;
	struct iovec iov[] = {{(uint8_t *)&notify + sizeof(notify.header), sizeof(notify) - sizeof(notify.header)},
		{late->change->notify.values, late->change->size}};

	notify.instance = late->instance;

	int rc = cmap->host->event(client, CMAP_EVENT_NOTIFY, iov, 2);

	late_free(late);
	return rc == 0;
}

/* Send one event of each client in turn, so that a client with many events does not delay the events of others. */
static void drain(void *arg)
{
	struct cmap *cmap = arg;
	uint32_t count = 0;
	bool has_more = true;

	cmap->drain = NULL;
	while (has_more && count < BATCH_MAX) {
		has_more = false;
		for (struct cmap_connection *one = cmap->connections; one != NULL; one = one->next) {
			if (one->late == NULL)
				continue;
			count++;
			if (!send_first(cmap, one)) {
				start_timer(cmap); /* stop: the list of connections may have changed */
				return;
			}
			has_more = has_more || one->late != NULL;
			if (count >= BATCH_MAX)
				break;
		}
	}
	for (const struct cmap_connection *one = cmap->connections; one != NULL; one = one->next) {
		if (one->late != NULL) {
			start_timer(cmap);
			return;
		}
	}
}

void cmap_late_flush(struct cmap *cmap)
{
	for (struct cmap_connection *one = cmap->connections; one != NULL; one = one->next) {
		while (one->late != NULL && send_first(cmap, one))
			;
		cmap_late_free(cmap, one);
	}
}

void cmap_late_free(struct cmap *cmap, struct cmap_connection *connection)
{
	while (connection->late != NULL)
		late_free(pop(cmap, connection));
}

void cmap_late_forget(struct cmap *cmap, struct cmap_connection *connection, uint64_t number)
{
	struct cmap_late *last = NULL;

	for (struct cmap_late **at = &connection->late; *at != NULL;) {
		struct cmap_late *late = *at;

		if (late->number != number) {
			last = late;
			at = &late->next;
			continue;
		}
		*at = late->next;
		bool is_shared = late->next != NULL && late->next->change == late->change;

		release(cmap, connection, is_shared ? LATE_BYTES : bytes_of(last, late->change));
		late_free(late);
	}
	connection->late_end = last;
}

static void on_turn(void *arg)
{
	struct cmap *cmap = arg;

	cmap->turn = NULL;
	cmap->told_count = 0;
}

/*
 * Return whether this turn of the loop may send one more event, and count it. The count does not begin again with each
 * change, since a turn may have thousands of changes.
 */
static bool may_send(struct cmap *cmap)
{
	/* If memory runs out, the next notification starts the timer. */
	if (cmap->turn == NULL && cmap->host->timer_add(cmap->ctx, NEXT_TURN_NS, on_turn, cmap, &cmap->turn) < 0)
		cmap->turn = NULL;
	if (cmap->told_count >= DIRECT_MAX)
		return false;
	cmap->told_count++;
	return true;
}

/* --- changes --- */

/* Return the copy of a change that its trackers share. @return borrowed until the change ends; NULL: out of memory */
static struct cmap_change *change_get(struct cmap *cmap, const struct cmap_connection *connection, const char *key,
	const struct cmap_event_notify *notify, const struct iovec values[2])
{
	struct cmap_change *change = cmap->change;
	size_t size = values[0].iov_len + values[1].iov_len;
	bool has_end = connection->which == COTERIE_MAP_CONFIG; /* cmap_change_end is called only for this map */

	if (has_end && change != NULL && change->key == key && change->now == values[0].iov_base &&
		change->before == values[1].iov_base && change->size == size)
		return change;
	change = malloc(sizeof(*change) + size);
	if (change == NULL)
		return NULL;
	*change = (struct cmap_change){.references = 1,
		.size = (uint32_t)size,
		.key = has_end ? key : NULL,
		.now = values[0].iov_base,
		.before = values[1].iov_base,
		.notify = *notify};
	for (size_t i = 0, at = 0; i < 2; at += values[i].iov_len, i++) {
		if (values[i].iov_len > 0)
			memcpy(change->notify.values + at, values[i].iov_base, values[i].iov_len);
	}
	cmap_change_end(cmap);
	cmap->change = change;
	cmap->copies++;
	return change;
}

void cmap_change_end(struct cmap *cmap)
{
	change_put(cmap->change);
	cmap->change = NULL;
}

/* Add an event to the client's late events. @return 0; -ENOBUFS: the client has too many late events; -ENOMEM */
static int put_off(struct cmap *cmap, struct cmap_connection *connection, uint64_t number, uint64_t instance,
	struct cmap_change *change)
{
	struct cmap_late_user *user = connection->late_user;

	if (user == NULL)
		user = user_get(cmap, connection->uid);
	if (user == NULL)
		return -ENOMEM;

	uint64_t bytes = bytes_of(connection->late_end, change);
	struct cmap_late *late = NULL;
	int rc = -ENOBUFS;

	if (connection->late_bytes + bytes <= LATE_BYTES_MAX && user->bytes + bytes <= USER_LATE_BYTES_MAX) {
		late = malloc(sizeof(*late));
		rc = -ENOMEM;
	}
	if (late == NULL) {
		user_free_unused(cmap);
		return rc;
	}
	*late = (struct cmap_late){.number = number, .instance = instance, .change = change};
	change->references++;
	if (connection->late_end != NULL)
		connection->late_end->next = late;
	else
		connection->late = late;
	connection->late_end = late;
	connection->late_user = user;
	connection->late_bytes += bytes;
	user->bytes += bytes;
	start_timer(cmap);
	return 0;
}

/* Disconnect a client for which an event is lost: it could not notice that the map has changed. */
static void give_up(struct cmap *cmap, struct cmap_connection *connection)
{
	cmap->host->log(cmap->ctx, LOG_WARNING,
		"a client has more trackers for one key than it can be told of: it is disconnected");
	connection->is_given_up = true;
	cmap_late_free(cmap, connection);
	cmap->host->client_disconnect(connection->client);
}

void cmap_tell(struct cmap *cmap, struct coterie_client *client, uint64_t number, const char *key,
	const struct cmap_event_notify *notify, const struct iovec values[2])
{
	struct cmap_connection *connection = cmap->host->client_data(client);

	if (connection->is_given_up)
		return;
	if (connection->late == NULL && may_send(cmap)) {
		struct iovec iov[] = {{(uint8_t *)(uintptr_t)notify + sizeof(notify->header),
					      sizeof(*notify) - sizeof(notify->header)},
			values[0], values[1]};

		/* Ignore an error: the executive then disconnects the client. */
		(void)cmap->host->event(client, CMAP_EVENT_NOTIFY, iov, 3);
		return;
	}

	struct cmap_change *change = change_get(cmap, connection, key, notify, values);

	if (change == NULL || put_off(cmap, connection, number, notify->instance, change) < 0) {
		give_up(cmap, connection);
		return;
	}
	/* Otherwise frequent changes, with few events each, might come faster than the drain timer sends them. */
	while (connection->late != NULL && may_send(cmap) && send_first(cmap, connection))
		;
}
