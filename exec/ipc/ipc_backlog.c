/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events that found no room in a client's ring: copied, in order. The clients of a group get the same bytes one after
 * the other, so the copy for the first client serves the next ones, too. Two hundred clients that do not read need
 * little more memory than a single one.
 */
#include "exec/ipc/ipc_private.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include <coterie/channel.h>

/*
 * The heap is trimmed when at least this many bytes were freed: after a client has left, or all clients have read their
 * events.
 */
#define TRIM_SIZE (4u << 20)
#define TRIM_SIZE_ALL (32u << 20)

/* --- bytes --- */

static struct ipc_shared *shared_of(struct ipc *ipc, const struct ipc_event *head)
{
	return &ipc->shared[head->kind == COTERIE_CHANNEL_MESSAGE];
}

/* Return the body of the last event of this kind if it has the same bytes, or a new body. NULL: no memory. */
static struct ipc_body *body_take(
	struct ipc *ipc, const struct ipc_event *head, const struct iovec *iov, uint32_t count)
{
	struct ipc_shared *shared = shared_of(ipc, head);
	struct ipc_body *body = shared->body;

	if (body != NULL && body->size == head->size && ipc_fan_is_same(shared, iov, count)) {
		body->references++;
		return body;
	}
	body = malloc(sizeof(*body) + head->size);
	if (body == NULL)
		return NULL;
	*body = (struct ipc_body){.references = 1, .size = head->size};
	coterie_channel_gather(body->bytes, iov, count);
	ipc->backlog_size += sizeof(*body) + head->size;
	shared->body = body;
	ipc_fan_note(ipc, shared, iov, count);
	return body;
}

static void body_leave(struct ipc *ipc, struct ipc_body *body)
{
	if (--body->references > 0)
		return;
	for (int i = 0; i < IPC_SHARED_KINDS; i++) {
		if (ipc->shared[i].body == body)
			ipc->shared[i].body = NULL;
	}
	ipc->backlog_size -= sizeof(*body) + body->size;
	free(body);
}

/* --- events --- */

int ipc_backlog_add(
	struct coterie_client *client, const struct ipc_event *head, const struct iovec *iov, uint32_t count)
{
	struct ipc *ipc = client->server->ipc;
	struct ipc_event *event = malloc(sizeof(*event));
	struct ipc_body *body = event != NULL ? body_take(ipc, head, iov, count) : NULL;

	if (body == NULL) {
		free(event);
		return -ENOMEM;
	}
	*event = *head;
	event->body = body;
	event->next = NULL;
	*client->backlog_last = event;
	client->backlog_last = &event->next;
	client->backlog_size += event->size;
	ipc->backlog_size += sizeof(*event);
	if (ipc->backlog_size > ipc->backlog_peak)
		ipc->backlog_peak = ipc->backlog_size;
	return 0;
}

static void pop(struct coterie_client *client)
{
	struct ipc *ipc = client->server->ipc;
	struct ipc_event *event = client->backlog;

	client->backlog = event->next;
	if (client->backlog == NULL)
		client->backlog_last = &client->backlog;
	client->backlog_size -= event->size;
	ipc->backlog_size -= sizeof(*event);
	body_leave(ipc, event->body);
	free(event);
}

void ipc_backlog_pop(struct coterie_client *client)
{
	struct ipc *ipc = client->server->ipc;

	pop(client);
	if (ipc->backlog_size > 0 || ipc->backlog_peak < TRIM_SIZE_ALL)
		return;
	ipc->backlog_peak = 0;
	malloc_trim(0);
}

void ipc_backlog_drop(struct coterie_client *client)
{
	uint64_t size = client->backlog_size;

	while (client->backlog != NULL)
		pop(client);
	ipc_lagging_del(client);
	/* The backlog of a client that never reads takes tens of megabytes, so return this memory to the system. */
	if (size >= TRIM_SIZE)
		malloc_trim(0);
}

struct coterie_client *ipc_backlog_most(const struct ipc *ipc)
{
	struct coterie_client *most = NULL;

	for (const struct ipc_server *server = ipc->servers; server != NULL; server = server->next)
		for (struct coterie_client *client = server->clients; client != NULL; client = client->next)
			if (client->backlog_size > (most != NULL ? most->backlog_size : 0))
				most = client;
	return most;
}

/* --- clients that get their events over libqb, in turn --- */

void ipc_lagging_add(struct coterie_client *client)
{
	struct ipc *ipc = client->server->ipc;

	if (client->is_lagging)
		return;
	client->is_lagging = true;
	client->lagging_next = NULL;
	*ipc->lagging_last = client;
	ipc->lagging_last = &client->lagging_next;
	ipc->lagging_count++;
}

void ipc_lagging_del(struct coterie_client *client)
{
	struct ipc *ipc = client->server->ipc;
	struct coterie_client **place = &ipc->lagging;

	if (!client->is_lagging)
		return;
	while (*place != client)
		place = &(*place)->lagging_next;
	*place = client->lagging_next;
	if (ipc->lagging_last == &client->lagging_next)
		ipc->lagging_last = place;
	client->is_lagging = false;
	ipc->lagging_count--;
}

struct coterie_client *ipc_lagging_take(struct ipc *ipc)
{
	struct coterie_client *client = ipc->lagging;

	if (client != NULL)
		ipc_lagging_del(client);
	return client;
}
