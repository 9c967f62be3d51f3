/* SPDX-License-Identifier: BSD-3-Clause */
/* A service for tests of the test kit. It does what its option says, right or wrong. */
#include "tests/unit/sample-plugins/kit_naughty.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define CS_OK 1

struct naughty {
	const struct coterie_host *host;
	struct coterie_ctx *ctx;
	uint64_t habit;
	uint64_t delivered, bytes, posted;
	struct coterie_ring_id ring; /* id of the last regular configuration */
	uint64_t configurations, disorders;
	struct coterie_client *later; /* client of NAUGHTY_LATER, which is answered when its message is delivered */
	uint32_t number, number_back; /* NAUGHTY_NUMBERS: number sent last, and own number that was delivered last */
	struct coterie_timer *number_timer;
	int pipe[2];
};

static const struct coterie_option options[] = {
	{.name = "habit",
		.type = COTERIE_OPT_U32,
		.flags = COTERIE_OPT_RELOAD,
		.initial = "0",
		.max = 10,
		.min = 0,
		.help = "what it does wrong"},
	{.name = "fixed", .type = COTERIE_OPT_U32, .initial = "1", .help = "needs a start"},
};

/* A static variable, so that a leak checker does not stop the test before the kit has reported the leak. */
static struct coterie_frame *volatile kept_frame;

static void nothing(void *arg) { (void)arg; }

static void on_fd(void *arg, int fd, uint32_t revents)
{
	struct naughty *naughty = arg;
	char byte;

	(void)revents;
	if (read(fd, &byte, 1) == 1)
		naughty->posted += 100;
}

static void on_post(void *arg) { ((struct naughty *)arg)->posted++; }

static void *thread(void *arg)
{
	struct naughty *naughty = arg;

	naughty->host->log(naughty->ctx, LOG_INFO, "a thread runs");
	naughty->host->post(naughty->ctx, on_post, naughty);
	return NULL;
}

/* Send the next number. The timer also runs while services synchronise. */
static void send_number(void *arg)
{
	struct naughty *naughty = arg;
	const struct coterie_host *host = naughty->host;
	uint32_t number = naughty->number + 1;
	struct iovec iov = {&number, sizeof(number)};

	if (host->ring_send(naughty->ctx, 0, COTERIE_AGREED, &iov, 1) == 0)
		naughty->number = number;
	naughty->number_timer = NULL;
	host->timer_add(
		naughty->ctx, host->now_ns(naughty->ctx) + 1000000, send_number, naughty, &naughty->number_timer);
}

static void run_thread(struct naughty *naughty)
{
	pthread_t id;

	if (pthread_create(&id, NULL, thread, naughty) == 0)
		pthread_join(id, NULL);
	if (pipe(naughty->pipe) == 0) {
		naughty->host->fd_add(naughty->ctx, naughty->pipe[0], COTERIE_FD_IN, 0, on_fd, naughty);
		(void)!write(naughty->pipe[1], "x", 1);
	}
}

static int naughty_reload(void *self)
{
	struct naughty *naughty = self;

	return naughty->host->option_u64(naughty->ctx, "habit", &naughty->habit);
}

static int naughty_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct naughty *naughty = calloc(1, sizeof(*naughty));

	if (naughty == NULL)
		return -ENOMEM;
	naughty->host = host;
	naughty->ctx = ctx;
	naughty->pipe[0] = naughty->pipe[1] = -1;
	naughty_reload(naughty);
	if (naughty->habit == NAUGHTY_LEAKS_TIMER)
		host->timer_add(ctx, host->now_ns(ctx) + UINT64_C(3600000000000), nothing, NULL, NULL);
	if (naughty->habit == NAUGHTY_LEAKS_FRAME)
		kept_frame = host->frame_take(ctx, 100);
	if (naughty->habit == NAUGHTY_RUNS_THREAD)
		run_thread(naughty);
	if (naughty->habit == NAUGHTY_NUMBERS)
		send_number(naughty);
	if (naughty->habit == NAUGHTY_FAILS) {
		free(naughty);
		return -EIO;
	}
	*self = naughty;
	return 0;
}

static void naughty_fini(void *self)
{
	struct naughty *naughty = self;

	naughty->host->timer_del(naughty->ctx, naughty->number_timer);
	for (int i = 0; i < 2; i++) {
		if (naughty->pipe[i] < 0)
			continue;
		naughty->host->fd_del(naughty->ctx, naughty->pipe[i]);
		close(naughty->pipe[i]);
	}
	free(naughty);
}

/* Return whether the map has the node as joined. It must have it before services get the configuration. */
static bool is_published(struct naughty *naughty, uint32_t nodeid)
{
	char key[64];
	const void *status;

	snprintf(key, sizeof(key), "runtime.members.%u.status", nodeid);
	return naughty->host->map_get(naughty->ctx, key, NULL, &status, NULL) == 0 && strcmp(status, "joined") == 0;
}

static void naughty_configuration(void *self, const struct coterie_configuration *configuration)
{
	struct naughty *naughty = self;

	if (configuration->is_regular == 0)
		return;
	naughty->ring = configuration->ring;
	naughty->configurations++;
	for (uint32_t i = 0; i < configuration->member_count; i++)
		naughty->disorders += !is_published(naughty, configuration->members[i]);
}

static void naughty_sync_start(
	void *self, const uint32_t *transitional, uint32_t count, const struct coterie_configuration *regular)
{
	struct naughty *naughty = self;

	(void)transitional, (void)count;
	if (regular->ring.seq != naughty->ring.seq || regular->ring.representative != naughty->ring.representative)
		naughty->disorders++;
	if (naughty->habit == NAUGHTY_SENDS_EARLY)
		naughty->host->ring_send(naughty->ctx, 0, COTERIE_AGREED, NULL, 0);
}

static int naughty_sync_step(void *self)
{
	(void)self;
	return 0;
}

static int multicast(struct naughty *naughty, uint32_t guarantee, const void *msg, uint32_t size)
{
	struct iovec iov = {(uint8_t *)(uintptr_t)msg + 16, size - 16};

	return naughty->host->ring_send(naughty->ctx, 0, guarantee, &iov, 1);
}

static int handle_send(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct naughty *naughty = self;

	if (naughty->habit == NAUGHTY_ANSWERS_TWICE)
		naughty->host->reply(client, NAUGHTY_SEND, CS_OK, NULL, 0);
	return multicast(naughty, COTERIE_AGREED, msg, size);
}

/* Send the message as safe: when the client is answered, the other nodes have the message too. */
static int handle_later(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct naughty *naughty = self;
	int rc = multicast(naughty, COTERIE_SAFE, msg, size);

	if (rc < 0)
		return rc;
	naughty->later = client;
	return COTERIE_LATER;
}

static int handle_count(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct naughty *naughty = self;
	uint64_t counts[] = {
		naughty->delivered, naughty->bytes, naughty->posted, naughty->configurations, naughty->disorders};
	struct iovec iov = {counts, sizeof(counts)};

	(void)msg, (void)size;
	naughty->host->reply(client, NAUGHTY_COUNT, CS_OK, &iov, 1);
	return COTERIE_REPLIED;
}

/* Send events. The request has their number, then their size in bytes. */
static int handle_events(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct naughty *naughty = self;
	const uint32_t *words = (const void *)((const uint8_t *)msg + 16);
	void *bytes = calloc(1, words[1]);
	struct iovec iov = {bytes, words[1]};

	(void)size;
	for (uint32_t i = 0; i < words[0]; i++)
		naughty->host->event(client, NAUGHTY_EVENT, &iov, 1);
	free(bytes);
	return 0;
}

static int handle_store(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct naughty *naughty = self;

	(void)client;
	return naughty->host->state_file_write(naughty->ctx, "naughty", (const uint8_t *)msg + 16, size - 16);
}

/* Check that this node's numbers are delivered in order. A number may be split between two frames. */
static void check_number(struct naughty *naughty, const struct iovec *parts, uint32_t count)
{
	uint8_t bytes[sizeof(uint32_t)] = {0};
	uint32_t number, size = 0;

	for (uint32_t i = 0; i < count; i++)
		for (size_t at = 0; at < parts[i].iov_len && size < sizeof(bytes); at++)
			bytes[size++] = ((const uint8_t *)parts[i].iov_base)[at];
	memcpy(&number, bytes, sizeof(number));
	naughty->disorders += number != naughty->number_back + 1;
	naughty->number_back = number;
}

static void deliver(
	void *self, uint32_t nodeid, const void *head, const struct iovec *parts, uint32_t count, uint32_t size)
{
	struct naughty *naughty = self;

	(void)head;
	if (naughty->habit == NAUGHTY_NUMBERS && count > 0 && nodeid == naughty->host->local_nodeid(naughty->ctx))
		check_number(naughty, parts, count);
	naughty->delivered++;
	naughty->bytes += size - 16;
	if (naughty->later != NULL && nodeid == naughty->host->local_nodeid(naughty->ctx)) {
		naughty->host->reply(naughty->later, NAUGHTY_LATER, CS_OK, NULL, 0);
		naughty->later = NULL;
	}
}

static void client_leave(void *self, struct coterie_client *client)
{
	struct naughty *naughty = self;

	if (naughty->later == client)
		naughty->later = NULL;
}

static const struct coterie_request requests[] = {
	{NAUGHTY_SEND, 16, COTERIE_NEEDS_FLOW, NAUGHTY_SEND, handle_send},
	{NAUGHTY_SILENT, 16, COTERIE_NEEDS_FLOW | COTERIE_NO_REPLY, 0, handle_send},
	{NAUGHTY_LATER, 16, COTERIE_NEEDS_FLOW, NAUGHTY_LATER, handle_later},
	{NAUGHTY_COUNT, 16, 0, NAUGHTY_COUNT, handle_count},
	{NAUGHTY_EVENTS, 24, 0, NAUGHTY_EVENTS, handle_events},
	{NAUGHTY_STORE, 17, 0, NAUGHTY_STORE, handle_store},
	{NAUGHTY_QUORATE, 16, COTERIE_NEEDS_QUORUM, NAUGHTY_QUORATE, handle_count},
};

static const struct coterie_ring_msg ring_msgs[] = {
	{.function = 0, .size_min = 16, .deliver_parts = deliver},
};

static const struct coterie_service ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = 58,
	.ipc_name = "naughty",
	.init = naughty_init,
	.fini = naughty_fini,
	.client_leave = client_leave,
	.configuration = naughty_configuration,
	.sync_start = naughty_sync_start,
	.sync_step = naughty_sync_step,
	.reload = naughty_reload,
	COTERIE_REQUESTS(requests),
	COTERIE_RING_MSGS(ring_msgs),
};

COTERIE_PLUGIN(naughty, .kind = COTERIE_KIND_SERVICE, .version = "1.0", .description = "for tests of the test kit",
	.needs = COTERIE_CAP_RING | COTERIE_CAP_IPC | COTERIE_CAP_SYNC | COTERIE_CAP_MAP, COTERIE_OPTIONS(options),
	.ops = &ops);
