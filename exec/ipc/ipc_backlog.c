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
 * Memory is returned to the system if one client has dropped TRIM_SIZE or all backlogs have been TRIM_SIZE_ALL. This is
 * done in steps, since some megabytes take a millisecond. But each step also takes time for all gaps between the events
 * that are left. So a step is at least TRIM_SIZE, and a TRIM_PART of what there was.
 */
#define TRIM_SIZE (4u << 20)
#define TRIM_SIZE_ALL (32u << 20)
#define TRIM_PART 8u
/*
 * Events of a client that has left: at most this many bytes are freed at once, and as many events or bytes in each
 * later turn.
 */
#define DROP_AT_ONCE (64u << 10)
#define DROP_EVENTS 2048u
#define DROP_SIZE (1u << 20)
#define DROP_NS UINT64_C(1000000) /* time between two of these turns */
/* As many of these events are freed at most for one event that is queued while memory is short. */
#define DROP_FOR_ONE 256u
/* Users whose backlogs are added up. The clients of other users are not found while these have backlogs. */
#define USERS_MAX 256u

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
	event->share = (uint32_t)(sizeof(*event) + (sizeof(*body) + head->size) / body->references);
	event->next = NULL;
	*client->backlog_last = event;
	client->backlog_last = &event->next;
	client->backlog_size += ipc_backlog_cost(event->size);
	client->backlog_share += event->share;
	ipc->backlog_size += sizeof(*event);
	if (ipc->backlog_size > ipc->trim_mark)
		ipc->trim_mark = ipc->backlog_size;
	ipc->is_trimming |= ipc->backlog_size >= TRIM_SIZE_ALL;
	return 0;
}

static void event_free(struct ipc *ipc, struct ipc_event *event)
{
	ipc->backlog_size -= sizeof(*event);
	body_leave(ipc, event->body);
	free(event);
}

static void pop(struct coterie_client *client)
{
	struct ipc_event *event = client->backlog;

	client->backlog = event->next;
	if (client->backlog == NULL)
		client->backlog_last = &client->backlog;
	client->backlog_size -= ipc_backlog_cost(event->size);
	client->backlog_share -= event->share;
	event_free(client->server->ipc, event);
}

/* Return memory to the system, if enough was freed since the last time. */
static void trim(struct ipc *ipc)
{
	uint64_t step = ipc->trim_mark / TRIM_PART > TRIM_SIZE ? ipc->trim_mark / TRIM_PART : TRIM_SIZE;

	if (!ipc->is_trimming || (ipc->backlog_size > 0 && ipc->backlog_size + step > ipc->trim_mark))
		return;
	ipc->trim_mark = ipc->backlog_size;
	ipc->is_trimming = ipc->dropped != NULL || ipc->backlog_size >= TRIM_SIZE_ALL;
	malloc_trim(0);
}

void ipc_backlog_pop(struct coterie_client *client)
{
	pop(client);
	trim(client->server->ipc);
}

/* --- events of clients that have left --- */

/*
 * Free at most this many events, until this many bytes are free. The bytes of an event stay as long as another client
 * waits for them.
 * @return whether so many bytes were freed
 */
static bool drop_some(struct ipc *ipc, uint32_t events, uint64_t size)
{
	uint64_t before = ipc->backlog_size;

	for (; ipc->dropped != NULL && events > 0 && before - ipc->backlog_size < size; events--) {
		struct ipc_event *event = ipc->dropped;

		ipc->dropped = event->next;
		event_free(ipc, event);
	}

	bool is_enough = before - ipc->backlog_size >= size;

	trim(ipc);
	return is_enough;
}

static void on_drop_timer(void *arg)
{
	struct ipc *ipc = arg;
	struct loop *loop = ipc->parts.loop;

	drop_some(ipc, DROP_EVENTS, DROP_SIZE);
	ipc->drop_timer = ipc->dropped != NULL ? loop_timer_add(loop, loop_now_ns(loop) + DROP_NS, on_drop_timer, ipc)
					       : NULL;
}

void ipc_backlog_drop(struct coterie_client *client)
{
	struct ipc *ipc = client->server->ipc;

	ipc_lagging_del(client);
	ipc->is_trimming |= client->backlog_size >= TRIM_SIZE;
	if (client->backlog_size > DROP_AT_ONCE) {
		*client->backlog_last = ipc->dropped;
		ipc->dropped = client->backlog;
		client->backlog = NULL;
		client->backlog_last = &client->backlog;
		client->backlog_size = 0;
		client->backlog_share = 0;
		if (ipc->drop_timer == NULL)
			on_drop_timer(ipc);
		return;
	}
	while (client->backlog != NULL)
		pop(client);
	trim(ipc);
}

bool ipc_backlog_make_room(struct ipc *ipc, uint64_t size) { return drop_some(ipc, DROP_FOR_ONE, size); }

void ipc_backlog_fini(struct ipc *ipc)
{
	loop_timer_del(ipc->parts.loop, ipc->drop_timer);
	drop_some(ipc, UINT32_MAX, UINT64_MAX);
}

/* --- the client with most events --- */

/* The shares of one user's clients together. */
struct user {
	uint64_t size;
	uint32_t uid;
};

/* Return the user, who is added if there is room. NULL: there is none. */
static struct user *find_user(struct user *users, uint32_t uid)
{
	for (uint32_t i = 0; i < USERS_MAX; i++) {
		struct user *user = &users[(uid + i) % USERS_MAX];

		if (user->size == 0)
			user->uid = uid;
		if (user->uid == uid)
			return user;
	}
	return NULL;
}

struct coterie_client *ipc_backlog_most(const struct ipc *ipc)
{
	struct user users[USERS_MAX] = {0};
	struct coterie_client *most = NULL;
	uint64_t most_size = 0; /* of the user of `most` */

	for (const struct ipc_server *server = ipc->servers; server != NULL; server = server->next)
		for (struct coterie_client *client = server->clients; client != NULL; client = client->next) {
			struct user *user = client->backlog_share > 0 ? find_user(users, client->uid) : NULL;

			if (user != NULL)
				user->size += client->backlog_share;
		}
	for (const struct ipc_server *server = ipc->servers; server != NULL; server = server->next)
		for (struct coterie_client *client = server->clients; client != NULL; client = client->next) {
			const struct user *user = client->backlog_share > 0 ? find_user(users, client->uid) : NULL;

			if (user == NULL || user->size < most_size ||
				(user->size == most_size && client->backlog_share <= most->backlog_share))
				continue;
			most = client;
			most_size = user->size;
		}
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
