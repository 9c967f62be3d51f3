/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/sample-plugins/caller.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CS_OK 1

/* --- caller --- */

struct caller {
	const struct coterie_host *host;
	struct coterie_ctx *ctx;
	struct coterie_call *call; /* NULL: none */
	uint64_t token;            /* token of the request that is answered later, or 0 */
	struct caller_counts counts;
};

static void answered(void *arg, const struct coterie_response_header *answer)
{
	struct caller *caller = arg;
	struct iovec iov = {(void *)(uintptr_t)answer, (size_t)answer->size};

	if (caller->token == 0) {
		caller->counts.errors = 10 * caller->counts.errors + (uint64_t)answer->error;
		return;
	}
	caller->host->reply_finish(caller->ctx, caller->token, CS_OK, &iov, 1);
	caller->token = 0;
}

static void on_event(void *arg, const struct coterie_response_header *event)
{
	(void)event;
	((struct caller *)arg)->counts.events++;
}

static void ended(void *arg)
{
	struct caller *caller = arg;

	caller->counts.ends++;
	caller->call = NULL;
	if (caller->token != 0)
		caller->host->reply_finish(caller->ctx, caller->token, 2, NULL, 0);
	caller->token = 0;
}

static int handle_open(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	static const struct coterie_caller functions = {
		.size = sizeof(functions), .answered = answered, .event = on_event, .ended = ended};
	struct caller *caller = self;
	char name[64] = "";

	(void)client;
	memcpy(name, (const uint8_t *)msg + 16, size - 16 < sizeof(name) - 1 ? size - 16 : sizeof(name) - 1);
	int rc = caller->host->call_open(caller->ctx, name, &functions, caller, &caller->call);
	caller->counts.open_rc = (uint64_t)-rc;
	return rc;
}

static int handle_pass(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct caller *caller = self;

	if (caller->call == NULL)
		return -ENOENT;
	int rc = caller->host->reply_later(client, 0, NULL, NULL, &caller->token);
	if (rc == 0)
		rc = caller->host->call_send(caller->call, (const uint8_t *)msg + 16, size - 16);
	return rc < 0 ? rc : COTERIE_LATER;
}

static int handle_both(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct caller *caller = self;
	uint32_t half = (size - 16) / 2;

	(void)client;
	if (caller->call == NULL)
		return -ENOENT;
	int rc = caller->host->call_send(caller->call, (const uint8_t *)msg + 16, half);
	return rc < 0 ? rc : caller->host->call_send(caller->call, (const uint8_t *)msg + 16 + half, half);
}

static int handle_close(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct caller *caller = self;

	(void)client, (void)msg, (void)size;
	caller->host->call_close(caller->call);
	caller->call = NULL;
	return 0;
}

static int handle_count(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct caller *caller = self;
	struct iovec iov = {&caller->counts, sizeof(caller->counts)};

	(void)msg, (void)size;
	caller->host->reply(client, CALLER_COUNT, CS_OK, &iov, 1);
	return COTERIE_REPLIED;
}

static int caller_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct caller *caller = calloc(1, sizeof(*caller));

	if (caller == NULL)
		return -ENOMEM;
	caller->host = host;
	caller->ctx = ctx;
	*self = caller;
	return 0;
}

static const struct coterie_request caller_requests[] = {
	{CALLER_OPEN, 17, 0, CALLER_OPEN, handle_open},
	{CALLER_PASS, 32, 0, CALLER_PASS, handle_pass},
	{CALLER_CLOSE, 16, 0, CALLER_CLOSE, handle_close},
	{CALLER_COUNT, 16, 0, CALLER_COUNT, handle_count},
	{CALLER_BOTH, 48, 0, CALLER_BOTH, handle_both},
};

static const struct coterie_service caller_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = 55,
	.ipc_name = "caller",
	.init = caller_init,
	.fini = free,
	COTERIE_REQUESTS(caller_requests),
};

COTERIE_PLUGIN(caller, .kind = COTERIE_KIND_SERVICE, .version = "1.0", .description = "calls other services",
	.needs = COTERIE_CAP_IPC | COTERIE_CAP_CALLS | COTERIE_CAP_REPLIES, .ops = &caller_ops);

/* --- dropper: its fault is in handle_add --- */

struct dropper {
	const struct coterie_host *host;
	struct coterie_ctx *ctx;
	uint64_t total;
	struct coterie_client *client;
	pthread_t thread;
	int has_thread;
};

struct dropper_message {
	struct coterie_ring_header header;
	uint32_t number, pad;
};

static int add(struct dropper *dropper)
{
	const uint32_t words[] = {1, 0};
	const struct iovec iov = {(void *)(uintptr_t)words, sizeof(words)};

	return dropper->host->ring_send(dropper->ctx, 0, COTERIE_AGREED, &iov, 1);
}

/* Send the message without a check: it is lost if the ring has no room. This is the deliberate error. */
static int handle_add(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	(void)client, (void)msg, (void)size;
	(void)add(self);
	return 0;
}

static void on_thread(void *arg)
{
	struct dropper *dropper = arg;

	pthread_join(dropper->thread, NULL);
	dropper->has_thread = 0;
	dropper->host->reply(dropper->client, DROPPER_ADD_BY_THREAD, CS_OK, NULL, 0);
}

static void *run(void *arg)
{
	struct dropper *dropper = arg;

	usleep(200000);
	dropper->host->post(dropper->ctx, on_thread, dropper);
	return NULL;
}

static int handle_by_thread(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct dropper *dropper = self;

	(void)msg, (void)size;
	dropper->client = client;
	dropper->has_thread = pthread_create(&dropper->thread, NULL, run, dropper) == 0;
	return dropper->has_thread ? COTERIE_LATER : -ENOMEM;
}

static int handle_total(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct dropper *dropper = self;
	struct iovec iov = {&dropper->total, sizeof(dropper->total)};

	(void)msg, (void)size;
	dropper->host->reply(client, DROPPER_TOTAL, CS_OK, &iov, 1);
	return COTERIE_REPLIED;
}

static void deliver(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	(void)nodeid, (void)size;
	((struct dropper *)self)->total += ((const struct dropper_message *)msg)->number;
}

static void swap(void *msg, uint32_t size)
{
	struct dropper_message *message = msg;

	(void)size;
	message->number = __builtin_bswap32(message->number);
}

static int dropper_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct dropper *dropper = calloc(1, sizeof(*dropper));

	if (dropper == NULL)
		return -ENOMEM;
	dropper->host = host;
	dropper->ctx = ctx;
	*self = dropper;
	return 0;
}

static void dropper_fini(void *self)
{
	struct dropper *dropper = self;

	if (dropper->has_thread)
		pthread_join(dropper->thread, NULL);
	free(dropper);
}

static const struct coterie_request dropper_requests[] = {
	{DROPPER_ADD, 16, COTERIE_NEEDS_FLOW, DROPPER_ADD, handle_add},
	{DROPPER_ADD_BY_THREAD, 16, 0, DROPPER_ADD_BY_THREAD, handle_by_thread},
	{DROPPER_TOTAL, 16, 0, DROPPER_TOTAL, handle_total},
};

static const struct coterie_ring_msg dropper_msgs[] = {
	{.function = 0, .size_min = sizeof(struct dropper_message), .swap = swap, .deliver = deliver},
};

static const struct coterie_service dropper_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = 54,
	.ipc_name = "dropper",
	.init = dropper_init,
	.fini = dropper_fini,
	COTERIE_REQUESTS(dropper_requests),
	COTERIE_RING_MSGS(dropper_msgs),
};

COTERIE_PLUGIN(dropper, .kind = COTERIE_KIND_SERVICE, .version = "1.0", .description = "drops what finds no room",
	.needs = COTERIE_CAP_RING | COTERIE_CAP_IPC, .ops = &dropper_ops);
