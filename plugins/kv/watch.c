/*
 * Watches. A client acknowledges events as it handles them. A client with too many unread events gets no
 * more. When it reads again, it is notified that it has missed some.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "plugins/kv/kv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int kv_watch_add(struct kv *kv, struct coterie_client *client, const void *prefix, uint32_t prefix_size,
	uint32_t *number)
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

/* A client that is disconnected is reported elsewhere. */
static void event_send(struct kv *kv, struct kv_client *client, uint32_t id, const struct iovec *iov,
	uint32_t count)
{
	uint64_t size = sizeof(struct coterie_response_header);

	for (uint32_t i = 0; i < count; i++)
		size += iov[i].iov_len;
	if (kv->host->event(client->client, id, iov, count) == 0)
		client->unread += size;
}

static void tell_missed(struct kv *kv, struct kv_client *client)
{
	for (struct kv_watch *watch = client->watches; watch != NULL; watch = watch->next) {
		struct kv_event_missed event = {
			.revision = kv->state.revision, .watch = watch->number};
		struct iovec iov = {(uint8_t *)&event + sizeof(event.header),
			sizeof(event) - sizeof(event.header)};

		if (!watch->has_missed || !has_room(client, sizeof(event)))
			continue;
		watch->has_missed = false;
		event_send(kv, client, KV_EVENT_MISSED, &iov, 1);
	}
}

/*
 * Wait until half of the window is free. Otherwise each single event would be followed by another
 * gap.
 */
void kv_watch_ack(struct kv *kv, struct coterie_client *client, uint64_t bytes)
{
	struct kv_client *data = kv_client_of(kv, client);

	data->unread -= bytes < data->unread ? bytes : data->unread;
	if (data->unread <= KV_WINDOW / 2 && kv->has_state)
		tell_missed(kv, data);
}

void kv_watch_change(struct kv *kv, uint32_t op, const void *key, uint32_t key_size, const void *value,
	uint32_t value_size)
{
	struct kv_event_change event = {.revision = kv->state.revision,
		.op = op,
		.key_size = key_size,
		.value_size = value_size};
	struct iovec iov[] = {
		{(uint8_t *)&event + sizeof(event.header), sizeof(event) - sizeof(event.header)},
		{(void *)(uintptr_t)key, key_size},
		{(void *)(uintptr_t)value, value_size},
	};

	for (struct kv_client *client = kv->clients; client != NULL; client = client->next) {
		for (struct kv_watch *watch = client->watches; watch != NULL; watch = watch->next) {
			if (watch->prefix_size > key_size ||
				memcmp(watch->prefix, key, watch->prefix_size) != 0)
				continue;
			if (watch->has_missed ||
				!has_room(client, sizeof(event) + key_size + value_size)) {
				watch->has_missed = true;
				continue;
			}
			event.watch = watch->number;
			event_send(kv, client, KV_EVENT_CHANGE, iov, value_size > 0 ? 3 : 2);
		}
	}
}

void kv_watch_replaced(struct kv *kv)
{
	for (struct kv_client *client = kv->clients; client != NULL; client = client->next) {
		for (struct kv_watch *watch = client->watches; watch != NULL; watch = watch->next)
			watch->has_missed = true;
		if (kv->has_state)
			tell_missed(kv, client);
	}
}
