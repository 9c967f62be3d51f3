/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients of the test kit. Requests wait in the connection until the node reads them. Answers and events wait in this
 * file until the test reads them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <coterie/channel.h>

#include "exec/ipc/ipc_server.h"
#include "testkit/kit.h"

/* Bytes of events that wait between a node and a client that does not read, before the node must keep them. */
#define HELD_MAX 1048576u
#define CALL_NS SECONDS(60)
#define AGAIN_NS MS(10)
#define TRY_AGAIN 6
#define REQUEST_MAX 1048576u

struct letter {
	struct letter *next;
	uint8_t bytes[] __attribute__((aligned(8)));
};

struct queue {
	struct letter *first, **last;
	struct letter *taken; /* borrowed by the test */
};

struct testkit_client {
	struct kit_node *node;
	struct qbs_connection *connection; /* NULL: the connection has ended */
	struct testkit_client *previous, *next;
	struct queue replies, events;
	uint32_t unanswered;
	bool is_held, is_calling;
	uint64_t held_size;
	void (*run)(
		void *arg, struct testkit_client *client, int is_event, const struct coterie_response_header *message);
	void *arg;
};

/* --- queues --- */

static void queue_init(struct queue *queue)
{
	*queue = (struct queue){.first = NULL};
	queue->last = &queue->first;
}

static const struct coterie_response_header *queue_take(struct queue *queue)
{
	struct letter *message = queue->first;

	free(queue->taken);
	queue->taken = message;
	if (message == NULL)
		return NULL;
	queue->first = message->next;
	if (queue->first == NULL)
		queue->last = &queue->first;
	return (const struct coterie_response_header *)message->bytes;
}

static void queue_fini(struct queue *queue)
{
	while (queue_take(queue) != NULL)
		;
}

/* --- calls of the service --- */

void client_accepted(struct testkit_client *client, struct qbs_connection *connection)
{
	client->connection = connection;
}

void client_ended(struct testkit_client *client)
{
	client->connection = NULL;
	client->unanswered = 0;
}

void client_was_read(struct testkit_client *client)
{
	if (client->unanswered > 0)
		client->unanswered--;
}

bool client_is_full(const struct testkit_client *client) { return client->is_held && client->held_size >= HELD_MAX; }

static struct letter *gather(const struct iovec *iov, size_t count, size_t *size)
{
	struct letter *message;
	uint8_t *at;

	*size = 0;
	for (size_t i = 0; i < count; i++)
		*size += iov[i].iov_len;
	message = kit_alloc(sizeof(*message) + *size);
	at = message->bytes;
	for (size_t i = 0; i < count; i++) {
		if (iov[i].iov_len > 0)
			memcpy(at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	return message;
}

static bool is_doorbell(const struct letter *message)
{
	return ((const struct coterie_response_header *)message->bytes)->id == COTERIE_CHANNEL_DOORBELL;
}

void client_take(struct testkit_client *client, bool is_event, const struct iovec *iov, size_t count)
{
	struct queue *queue = is_event ? &client->events : &client->replies;
	size_t size;
	struct letter *message = gather(iov, count, &size);

	if (client->node->kit->is_in_order && !is_doorbell(message))
		ipc_tell(client->node->executive.ipc);
	kit_digest(client->node->kit, is_event, message->bytes, size);
	if (!is_event && client->unanswered == 0)
		testkit_complain(client->node->kit, client->node->id,
			"a client gets an answer and has no request under way: one was answered twice");
	else if (!is_event)
		client->unanswered--;
	if (is_event && client->is_held)
		client->held_size += size;
	if (client->run != NULL && (is_event || !client->is_calling)) {
		client->run(client->arg, client, is_event, (const struct coterie_response_header *)message->bytes);
		free(message);
		return;
	}
	*queue->last = message;
	queue->last = &message->next;
}

/* --- calls of the test --- */

static int connect_one(struct kit_node *node, const char *name, struct testkit_client **out)
{
	struct testkit *kit = node->kit;

	if (!node->is_up || node->is_dying)
		return -ECONNREFUSED;
	if (node->resume_ns > kit->clock.now_ns || node->inside > 0)
		return -EAGAIN;
	struct testkit_client *client = kit_alloc(sizeof(*client));
	client->node = node;
	queue_init(&client->replies);
	queue_init(&client->events);
	client->next = kit->clients;
	if (client->next != NULL)
		client->next->previous = client;
	kit->clients = client;
	int rc = kit_connect(node, name, client);
	if (rc < 0) {
		testkit_disconnect(client);
		return rc;
	}
	*out = client;
	return 0;
}

int testkit_connect(struct testkit *kit, uint32_t id, const char *name, struct testkit_client **client)
{
	struct kit_node *node = kit_node(kit, id);

	*client = NULL;
	return node == NULL ? -EINVAL : connect_one(node, name, client);
}

void testkit_disconnect(struct testkit_client *client)
{
	if (client == NULL)
		return;
	if (client->connection != NULL)
		kit_connection_hang_up(client->connection);
	if (client->previous != NULL)
		client->previous->next = client->next;
	else
		client->node->kit->clients = client->next;
	if (client->next != NULL)
		client->next->previous = client->previous;
	queue_fini(&client->replies);
	queue_fini(&client->events);
	free(client);
}

void clients_free(struct testkit *kit)
{
	while (kit->clients != NULL)
		testkit_disconnect(kit->clients);
}

int testkit_is_connected(const struct testkit_client *client) { return client->connection != NULL; }

int testkit_send(struct testkit_client *client, const void *msg, uint32_t size)
{
	if (size < sizeof(struct coterie_request_header) || size > REQUEST_MAX)
		return -EMSGSIZE;
	if (client == NULL || client->connection == NULL)
		return -ENOTCONN;
	client->unanswered++;
	kit_connection_request(client->connection, msg, size);
	return 0;
}

/* --- threads of plugins run in real time --- */

#define PACE_AFTER_NS MS(100)
#define PACE 10u /* simulated time divided by real time */

static uint64_t real_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return SECONDS(now.tv_sec) + (uint64_t)now.tv_nsec;
}

static bool has_threads(void)
{
	struct stat status;

	/* 3 links without threads: ".", ".." and the first thread. */
	return stat("/proc/self/task", &status) == 0 && status.st_nlink > 3;
}

/* Slow down simulated time: a thread that makes the answer needs real time. */
static void pace(const struct testkit *kit, uint64_t began_ns, uint64_t *real_began_ns)
{
	uint64_t passed_ns = kit->clock.now_ns - began_ns;

	if (passed_ns < PACE_AFTER_NS || kit->transport != NULL || !has_threads())
		return;
	if (*real_began_ns == 0)
		*real_began_ns = real_now_ns();
	while (!__atomic_load_n(&kit->has_posts, __ATOMIC_ACQUIRE) &&
		(real_now_ns() - *real_began_ns) * PACE < passed_ns - PACE_AFTER_NS)
		nanosleep(&(struct timespec){.tv_nsec = (long)MS(1)}, NULL);
}

const struct coterie_response_header *testkit_call(struct testkit_client *client, const void *msg, uint32_t size)
{
	const struct coterie_response_header *reply = NULL;

	if (client == NULL || client->unanswered > 0 || testkit_send(client, msg, size) < 0)
		return NULL;
	struct testkit *kit = client->node->kit;
	uint64_t began_ns = kit->clock.now_ns, end_ns = began_ns + CALL_NS, real_began_ns = 0;
	client->is_calling = true;
	while (client->replies.first == NULL && client->connection != NULL && kit_step(kit, end_ns)) {
		pace(kit, began_ns, &real_began_ns);
		reply = (const struct coterie_response_header *)(client->replies.first == NULL
									 ? NULL
									 : client->replies.first->bytes);
		if (reply == NULL || reply->error != TRY_AGAIN)
			continue;
		queue_take(&client->replies);
		testkit_run(kit, AGAIN_NS / MS(1));
		if (testkit_send(client, msg, size) < 0)
			break;
	}
	client->is_calling = false;
	return queue_take(&client->replies);
}

const struct coterie_response_header *testkit_reply(struct testkit_client *client)
{
	return queue_take(&client->replies);
}

const struct coterie_response_header *testkit_event(struct testkit_client *client)
{
	return queue_take(&client->events);
}

void testkit_watch(struct testkit_client *client,
	void (*run)(
		void *arg, struct testkit_client *client, int is_event, const struct coterie_response_header *message),
	void *arg)
{
	client->run = run;
	client->arg = arg;
}

uint32_t testkit_pending(const struct testkit_client *client) { return client->unanswered; }

void testkit_hold(struct testkit_client *client, int is_held)
{
	client->is_held = is_held != 0;
	client->held_size = 0;
}

int testkit_is_behind(const struct testkit_client *client)
{
	return client->connection != NULL && (client->is_held || kit_connection_is_behind(client->connection));
}
