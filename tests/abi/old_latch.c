/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A lock for the whole cluster, as docs/write-a-service.md had it before ABI 1.7: it does not use the place of a
 * message in the order. It has two defects. A node that is cut off grants the lock without quorum. A node that ends at
 * the wrong moment holds it for ever. tests/abi/guide.sh checks that the guide's own test finds both.
 */
#include "latch.h"

#include <errno.h>
#include <stdlib.h>

#define CS_OK 1
#define CS_ERR_BUSY 10
#define AGAIN_NS UINT64_C(10000000)

struct old_state {
	struct coterie_ring_header header;
	uint64_t turn, client;
	uint32_t nodeid, pad;
};

/* The holder of the lock, and the turn in which it got the lock. */
struct holding {
	uint64_t turn, client;
	uint32_t nodeid; /* 0: nobody */
};

struct latch {
	const struct coterie_host *host; /* borrowed, outlives us */
	struct coterie_ctx *ctx;
	struct holding now;
	struct holding best;         /* the newest holding received during a synchronisation */
	struct coterie_timer *again; /* retries a message that found no room; NULL: none waits */
};

/* Send a message, without its header, on the ring. @return 0; -EAGAIN: no room on the ring now */
static int latch_send(struct latch *latch, uint32_t function, void *message, size_t size)
{
	struct iovec iov = {
		.iov_base = (uint8_t *)message + sizeof(struct coterie_ring_header),
		.iov_len = size - sizeof(struct coterie_ring_header),
	};

	return latch->host->ring_send(latch->ctx, function, COTERIE_SAFE, &iov, 1);
}

static void change(struct holding *holding, uint32_t nodeid, uint64_t client)
{
	holding->turn++;
	holding->nodeid = nodeid;
	holding->client = client;
}

/* Release the lock of a local client that has disconnected. */
static void give_back(void *arg)
{
	struct latch *latch = arg;
	struct latch_ring_client give = {.client = latch->now.client};

	latch->again = NULL; /* a timer no longer exists when it has expired */
	if (latch->now.nodeid != latch->host->local_nodeid(latch->ctx))
		return;
	if (latch_send(latch, LATCH_RING_GIVE, &give, sizeof(give)) == -EAGAIN)
		latch->host->timer_add(
			latch->ctx, latch->host->now_ns(latch->ctx) + AGAIN_NS, give_back, latch, &latch->again);
}

static void deliver_take(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct latch *latch = self;
	const struct latch_ring_client *take = msg;
	int is_free = latch->now.nodeid == 0;

	(void)size;
	if (is_free)
		change(&latch->now, nodeid, take->client);
	if (nodeid != latch->host->local_nodeid(latch->ctx))
		return;

	struct coterie_client *client = latch->host->client_find(latch->ctx, take->client);

	if (client != NULL)
		latch->host->reply(client, LATCH_TAKE, is_free ? CS_OK : CS_ERR_BUSY, NULL, 0);
	else if (is_free && latch->again == NULL)
		give_back(latch);
}

static void free_if_held(struct holding *holding, uint32_t nodeid, uint64_t client)
{
	if (holding->nodeid == nodeid && holding->client == client)
		change(holding, 0, 0);
}

static void deliver_give(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct latch *latch = self;
	const struct latch_ring_client *give = msg;

	(void)size;
	free_if_held(&latch->now, nodeid, give->client);
	free_if_held(&latch->best, nodeid, give->client); /* the message may arrive during a synchronisation */
}

static void swap_client(void *msg, uint32_t size)
{
	struct latch_ring_client *message = msg;

	(void)size;
	message->client = __builtin_bswap64(message->client);
}

static int handle_take(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct latch *latch = self;
	struct latch_ring_client take = {.client = latch->host->client_id(client)};
	int rc = latch_send(latch, LATCH_RING_TAKE, &take, sizeof(take));

	(void)msg, (void)size;
	return rc < 0 ? rc : COTERIE_LATER;
}

static int handle_give(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct latch *latch = self;
	struct latch_ring_client give = {.client = latch->host->client_id(client)};

	(void)msg, (void)size;
	return latch_send(latch, LATCH_RING_GIVE, &give, sizeof(give));
}

static int handle_who(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct latch *latch = self;
	uint32_t words[] = {latch->now.nodeid, 0};
	struct iovec iov = {.iov_base = words, .iov_len = sizeof(words)};

	(void)msg, (void)size;
	latch->host->reply(client, LATCH_WHO, CS_OK, &iov, 1);
	return COTERIE_REPLIED;
}

static void client_leave(void *self, struct coterie_client *client)
{
	struct latch *latch = self;

	if (latch->now.nodeid == latch->host->local_nodeid(latch->ctx) &&
		latch->now.client == latch->host->client_id(client) && latch->again == NULL)
		give_back(latch);
}

static const struct coterie_request latch_requests[] = {
	/* id, shortest request, flags, id of the response, handler */
	{LATCH_TAKE, sizeof(struct coterie_request_header), COTERIE_NEEDS_FLOW | COTERIE_NEEDS_QUORUM, LATCH_TAKE,
		handle_take},
	{LATCH_GIVE, sizeof(struct coterie_request_header), COTERIE_NEEDS_FLOW, LATCH_GIVE, handle_give},
	{LATCH_WHO, sizeof(struct coterie_request_header), COTERIE_OBSERVES, LATCH_WHO, handle_who},
};

static void configuration(void *self, const struct coterie_configuration *configuration)
{
	struct latch *latch = self;

	for (uint32_t i = 0; i < configuration->left_count; i++)
		if (configuration->left[i] == latch->now.nodeid)
			change(&latch->now, 0, 0);
}

static void sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular)
{
	(void)transitional, (void)transitional_count, (void)regular;
	((struct latch *)self)->best = (struct holding){.turn = 0};
}

/* Send the state. Called after each pass of the token until it returns 0. */
static int sync_step(void *self)
{
	struct latch *latch = self;
	struct old_state state = {.turn = latch->now.turn, .client = latch->now.client, .nodeid = latch->now.nodeid};

	return latch_send(latch, LATCH_RING_STATE, &state, sizeof(state));
}

static void deliver_state(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct latch *latch = self;
	const struct old_state *state = msg;

	(void)nodeid, (void)size;
	if (state->turn < latch->best.turn || (state->turn == latch->best.turn && state->nodeid <= latch->best.nodeid))
		return;
	latch->best = (struct holding){state->turn, state->client, state->nodeid};
}

static void swap_state(void *msg, uint32_t size)
{
	struct old_state *state = msg;

	(void)size;
	state->turn = __builtin_bswap64(state->turn);
	state->client = __builtin_bswap64(state->client);
	state->nodeid = __builtin_bswap32(state->nodeid);
}

/* Choose the holder from the states. All members do this at the same place of the order. */
static void sync_done(void *self)
{
	struct latch *latch = self;
	struct holding before = latch->now;
	uint32_t own = latch->host->local_nodeid(latch->ctx);

	latch->now = latch->best;

	int is_same = before.nodeid == latch->now.nodeid && before.client == latch->now.client;
	struct coterie_client *loser = before.nodeid == own && !is_same
					       ? latch->host->client_find(latch->ctx, before.client)
					       : NULL;

	if (loser != NULL)
		latch->host->event(loser, LATCH_LOST, NULL, 0);
	if (latch->now.nodeid == own && latch->again == NULL &&
		latch->host->client_find(latch->ctx, latch->now.client) == NULL)
		give_back(latch);
}

static const struct coterie_ring_msg latch_ring_msgs[] = {
	/* function, shortest message, function that swaps the byte order, delivery: of whole messages, in fragments */
	{LATCH_RING_TAKE, sizeof(struct latch_ring_client), swap_client, deliver_take, NULL},
	{LATCH_RING_GIVE, sizeof(struct latch_ring_client), swap_client, deliver_give, NULL},
	{LATCH_RING_STATE, sizeof(struct old_state), swap_state, deliver_state, NULL},
};

static int latch_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct latch *latch = calloc(1, sizeof(*latch));

	if (latch == NULL)
		return -ENOMEM;
	latch->host = host;
	latch->ctx = ctx;
	*self = latch;
	return 0;
}

static void latch_fini(void *self)
{
	struct latch *latch = self;

	latch->host->timer_del(latch->ctx, latch->again);
	free(latch);
}

static const struct coterie_service latch_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = 57, /* 32 to 62, the same on all nodes, used by no other service of the cluster */
	.ipc_name = "latch",
	.title = "a lock for the whole cluster",
	.init = latch_init,
	.fini = latch_fini,
	.client_leave = client_leave,
	.configuration = configuration,
	.sync_start = sync_start,
	.sync_step = sync_step,
	.sync_done = sync_done,
	COTERIE_REQUESTS(latch_requests),
	COTERIE_RING_MSGS(latch_ring_msgs),
};

COTERIE_PLUGIN(latch, .kind = COTERIE_KIND_SERVICE, .version = "1.0", .description = "a lock for the whole cluster",
	.needs = COTERIE_CAP_RING | COTERIE_CAP_IPC | COTERIE_CAP_SYNC | COTERIE_CAP_LIFE,
	.offers = COTERIE_CAN_UNPRIVILEGED, .ops = &latch_ops);
