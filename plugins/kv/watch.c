/*
 * Watches. A client acknowledges events as it handles them. A client with too many unread events receives no more. When
 * it has read half of them, it receives an event that it has missed changes.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "plugins/kv/kv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int kv_watch_add(
	struct kv *kv, struct coterie_client *client, const void *prefix, uint32_t prefix_size, uint32_t *number)
{
	struct kv_client *data = kv_client_of(kv, client);

	if (data->watch_count >= KV_WATCHES_MAX)
		return -ENOSPC;

	struct kv_watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return -ENOMEM;
	watch->number = ++data->last_watch;
	watch->prefix_size = prefix_size;
	memcpy(watch->prefix, prefix, prefix_size);
	watch->next = data->watches;
	data->watches = watch;
	data->watch_count++;
	*number = watch->number;
	return 0;
}

int kv_watch_remove(struct kv *kv, struct coterie_client *client, uint32_t number)
{
	struct kv_client *data = kv_client_of(kv, client);

	for (struct kv_watch **at = &data->watches; *at != NULL; at = &(*at)->next) {
		struct kv_watch *watch = *at;

		if (watch->number != number)
			continue;
		*at = watch->next;
		free(watch);
		data->watch_count--;
		return 0;
	}
	return -ENOENT;
}

void kv_watch_clear(struct kv_client *client)
{
	while (client->watches != NULL) {
		struct kv_watch *watch = client->watches;

		client->watches = watch->next;
		free(watch);
	}
	client->watch_count = 0;
}

static bool has_room(const struct kv_client *client, uint64_t size)
{
	return client->unread == 0 || client->unread + size <= KV_WINDOW;
}

/*
 * Send an event and count its bytes. A failure needs no action: it means that the client has disconnected, and
 * client_leave handles that.
 */
static void event_send(struct kv *kv, struct kv_client *client, uint32_t id, const struct iovec *iov, uint32_t count)
{
	uint64_t size = sizeof(struct coterie_response_header);

	for (uint32_t i = 0; i < count; i++)
		size += iov[i].iov_len;
	if (kv->host->event(client->client, id, iov, count) == 0)
		client->unread += size;
}

/*
 * Events of one change that the watches of one user receive. The user's other watches are marked as having missed the
 * change.
 */
#define EVENTS_OF_USER 128u
#define BYTES_OF_USER (UINT64_C(2) << 20)
/* Users whose events of one change are counted separately. All further users share the last count. */
#define USERS_MAX 16u
/* Watches with missed changes that are notified in one turn. */
#define LATE_EVENTS 32u
#define LATE_NS UINT64_C(1000000)

struct user {
	uint32_t uid, events;
	uint64_t bytes;
};

static struct user *user_of(struct user *users, uint32_t *count, uint32_t uid)
{
	uint32_t i = 0;

	while (i < *count && users[i].uid != uid)
		i++;
	if (i == USERS_MAX)
		return &users[USERS_MAX - 1];
	if (i == *count)
		users[(*count)++] = (struct user){.uid = uid};
	return &users[i];
}

/* Count an event of a user. @return true: the user has no room for this event of the change */
static bool is_over(struct user *user, uint64_t size)
{
	if (user->events >= EVENTS_OF_USER || user->bytes >= BYTES_OF_USER)
		return true;
	user->events++;
	user->bytes += size;
	return false;
}

/* Return whether what this node has is also what its ring has. */
static bool may_tell(const struct kv *kv) { return kv->has_state && !kv->is_transitional && !kv->is_syncing; }

/* Send events to watches of a client that have missed changes. @return number of events; at most events_max */
static uint32_t tell_missed(struct kv *kv, struct kv_client *client, uint32_t events_max)
{
	uint32_t events = 0;

	for (struct kv_watch *watch = client->watches; watch != NULL && events < events_max; watch = watch->next) {
		struct kv_event_missed event = {.revision = kv->state.revision, .watch = watch->number};
		struct iovec iov = {(uint8_t *)&event + sizeof(event.header), sizeof(event) - sizeof(event.header)};

		if (!watch->has_missed || !has_room(client, sizeof(event)))
			continue;
		watch->has_missed = false;
		event_send(kv, client, KV_EVENT_MISSED, &iov, 1);
		events++;
	}
	return events;
}

static void on_late(void *arg);

/*
 * Start the timer for late watches. If that fails, they are notified after the next acknowledgement of their client, or
 * when the timer is started the next time.
 */
static void tell_late(struct kv *kv)
{
	if (kv->late_timer == NULL &&
		kv->host->timer_add(kv->ctx, kv->host->now_ns(kv->ctx) + LATE_NS, on_late, kv, &kv->late_timer) < 0)
		kv->late_timer = NULL;
}

static struct kv_client *next_of(const struct kv *kv, const struct kv_client *client)
{
	return client->next != NULL ? client->next : kv->clients;
}

/*
 * Notify the late watches, one client after the other. The next turn continues where this one ended, so a client that
 * misses changes all the time cannot take the turns of the others.
 */
static void on_late(void *arg)
{
	struct kv *kv = arg;
	struct kv_client *first = kv->late_next != NULL ? kv->late_next : kv->clients, *client = first;
	uint32_t left = LATE_EVENTS;

	kv->late_timer = NULL;
	if (!may_tell(kv) || first == NULL)
		return; /* watches are notified when this node has a table again */
	do {
		left -= tell_missed(kv, client, left);
		client = next_of(kv, client);
	} while (left > 0 && client != first);
	kv->late_next = client;
	if (left == 0)
		tell_late(kv);
}

void kv_watch_forget(struct kv *kv, const struct kv_client *client)
{
	if (kv->late_next == client)
		kv->late_next = client->next;
}

void kv_watch_resume(struct kv *kv) { tell_late(kv); }

void kv_watch_stop(struct kv *kv)
{
	kv->host->timer_del(kv->ctx, kv->late_timer);
	kv->late_timer = NULL;
}

/*
 * Notify late watches only when half of the window is free. Otherwise each single event would be followed by another
 * gap.
 */
void kv_watch_ack(struct kv *kv, struct coterie_client *client, uint64_t bytes)
{
	struct kv_client *data = kv_client_of(kv, client);

	data->unread -= bytes < data->unread ? bytes : data->unread;
	if (data->unread <= KV_WINDOW / 2 && may_tell(kv))
		(void)tell_missed(kv, data, KV_WATCHES_MAX);
}

/*
 * A write that is delivered in a transitional configuration may be unknown to the members of the next ring, which may give
 * its revision to another write. So watches are not told of it. If it survives, they are told that they have missed it.
 */
void kv_watch_change(
	struct kv *kv, uint32_t op, const void *key, uint32_t key_size, const void *value, uint32_t value_size)
{
	struct kv_event_change event = {
		.revision = kv->state.revision, .op = op, .key_size = key_size, .value_size = value_size};
	struct iovec iov[] = {
		{(uint8_t *)&event + sizeof(event.header), sizeof(event) - sizeof(event.header)},
		{(void *)(uintptr_t)key, key_size},
		{(void *)(uintptr_t)value, value_size},
	};
	uint64_t size = sizeof(event) + key_size + value_size;
	struct user users[USERS_MAX];
	uint32_t user_count = 0;
	bool is_late = false;

	for (struct kv_client *client = kv->clients; client != NULL; client = client->next) {
		struct user *user = client->is_bounded ? user_of(users, &user_count, client->uid) : NULL;

		for (struct kv_watch *watch = client->watches; watch != NULL; watch = watch->next) {
			if (watch->prefix_size > key_size || memcmp(watch->prefix, key, watch->prefix_size) != 0)
				continue;
			if (kv->is_transitional || watch->has_missed || !has_room(client, size)) {
				watch->has_missed = true;
				continue;
			}
			if (user != NULL && is_over(user, size)) {
				watch->has_missed = is_late = true;
				continue;
			}
			event.watch = watch->number;
			event_send(kv, client, KV_EVENT_CHANGE, iov, value_size > 0 ? 3 : 2);
		}
	}
	if (is_late)
		tell_late(kv);
}

void kv_watch_replaced(struct kv *kv)
{
	for (struct kv_client *client = kv->clients; client != NULL; client = client->next) {
		for (struct kv_watch *watch = client->watches; watch != NULL; watch = watch->next)
			watch->has_missed = true;
	}
	kv_watch_stop(kv);
	on_late(kv);
}
