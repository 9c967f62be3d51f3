/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A number that is the same on all nodes: a template for your own services.
 *
 * An addition has these steps. A client's request arrives at tally_handle_add, which sends a ring message. The ring
 * delivers the message in the same order on every node to tally_deliver_add. Only there the number changes. So all
 * nodes of a ring have the same number at the same place of the order.
 *
 * Nodes that were separated have different numbers. In a synchronisation every node sends its number. When all nodes
 * have sent, the largest number is used.
 */
#include "tally.h"

#include <errno.h>
#include <stdlib.h>

#include <coterie/state.h>

#define CS_OK 1 /* value of the client API's cs_error_t */

/* All state of the service. There are no static variables, since two instances may exist in one process. */
struct tally {
	const struct coterie_host *host; /* borrowed, lives longer than this struct */
	struct coterie_ctx *ctx;
	uint64_t total;    /* changed only by ring messages and in sync_done */
	uint64_t largest;  /* largest number received since sync_start */
	uint64_t step_max; /* value of the option */
};

/* Convert the pointer that the executive passes as void *. */
static struct tally *tally_of(void *self) { return self; }

/* ---- Options --- */

static const struct coterie_option tally_options[] = {
	{.name = "step_max",
		.type = COTERIE_OPT_U32,
		.flags = COTERIE_OPT_RELOAD,
		.initial = "1000",
		.min = 1,
		.max = UINT32_MAX,
		.help = "largest amount one request may add"},
};

static int tally_reload(void *self)
{
	struct tally *tally = self;

	return tally->host->option_u64(tally->ctx, "step_max", &tally->step_max);
}

/* ---- Requests: from a client, through the executive, to these functions --- */

/* The table guarantees at least sizeof(*req) bytes. The client can send any values, so they are checked. */
static int tally_handle_add(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct tally *tally = self;
	const struct tally_req_add *req = msg;
	struct tally_ring_add add = {.amount = req->amount};

	(void)client, (void)size;
	if (add.amount > tally->step_max)
		return -EINVAL; /* the executive answers CS_ERR_INVALID_PARAM */

	/* The executive writes the header, so the bytes to send begin behind the header. */
	struct iovec iov = {
		.iov_base = (uint8_t *)&add + sizeof(add.header),
		.iov_len = sizeof(add) - sizeof(add.header),
	};

	/*
	 * If this returns 0, the executive answers CS_OK. If it returns -EAGAIN since the ring is busy, the executive
	 * answers CS_ERR_TRY_AGAIN.
	 */
	return tally->host->ring_send(tally->ctx, TALLY_RING_ADD, COTERIE_AGREED, &iov, 1);
}

static int tally_handle_get(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct tally *tally = self;
	struct iovec iov = {.iov_base = &tally->total, .iov_len = sizeof(tally->total)};

	(void)msg, (void)size;
	tally->host->reply(client, TALLY_REQ_GET, CS_OK, &iov, 1);
	return COTERIE_REPLIED;
}

static const struct coterie_request tally_requests[] = {
	/* id, size of the shortest request, needs, id of the response, handler */
	{TALLY_REQ_ADD, sizeof(struct tally_req_add), COTERIE_NEEDS_QUORUM | COTERIE_NEEDS_FLOW, TALLY_REQ_ADD,
		tally_handle_add},
	{TALLY_REQ_GET, sizeof(struct tally_req_get), COTERIE_OBSERVES, TALLY_REQ_GET, tally_handle_get},
};

/* ---- Ring messages: the same order on every node --- */

static void tally_deliver_add(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	const struct tally_ring_add *add = msg;

	(void)nodeid, (void)size;
	tally_of(self)->total += add->amount;
}

static void tally_swap_add(void *msg, uint32_t size)
{
	struct tally_ring_add *add = msg;

	(void)size;
	add->amount = __builtin_bswap32(add->amount);
}

static void tally_deliver_total(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct tally *tally = self;
	const struct tally_ring_total *total = msg;

	(void)nodeid, (void)size;
	if (total->total > tally->largest)
		tally->largest = total->total;
}

static void tally_swap_total(void *msg, uint32_t size)
{
	struct tally_ring_total *total = msg;

	(void)size;
	total->total = __builtin_bswap64(total->total);
}

static const struct coterie_ring_msg tally_ring_msgs[] = {
	/* function, size of the shortest message, byte order, delivery of whole messages, delivery in parts */
	{TALLY_RING_ADD, sizeof(struct tally_ring_add), tally_swap_add, tally_deliver_add, NULL},
	{TALLY_RING_TOTAL, sizeof(struct tally_ring_total), tally_swap_total, tally_deliver_total, NULL},
};

/* ---- Synchronisation: after a change of the members --- */

static void tally_sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular)
{
	(void)transitional, (void)transitional_count, (void)regular;
	tally_of(self)->largest = 0; /* drop the numbers of an interrupted round */
}

static int tally_sync_step(void *self)
{
	struct tally *tally = self;
	struct iovec iov = {.iov_base = &tally->total, .iov_len = sizeof(tally->total)};

	/*
	 * 0: the message is sent, and this node is done. -EAGAIN: no room, the executive calls again after the next
	 * token.
	 */
	return tally->host->ring_send(tally->ctx, TALLY_RING_TOTAL, COTERIE_AGREED, &iov, 1);
}

/* Every member calls this at the same place of the order. */
static void tally_sync_done(void *self)
{
	struct tally *tally = self;

	if (tally->largest > tally->total)
		tally->total = tally->largest;
}

/* ---- Hand-over: a new version of this plugin replaces this one, while clients stay connected --- */

#define TALLY_STATE_VERSION 1u

static int tally_state_save(void *self, void **blob, uint32_t *size)
{
	const struct tally *tally = self;
	struct coterie_state_writer writer = {.bytes = NULL};

	coterie_state_put_u32(&writer, TALLY_STATE_VERSION);
	coterie_state_put_u64(&writer, tally->total);
	return coterie_state_end(&writer, blob, size);
}

/* Check the whole state before any of it is used. If the state is rejected, the old version of the plugin continues. */
static int tally_state_load(void *self, const void *blob, uint32_t size)
{
	struct tally *tally = self;
	struct coterie_state_reader reader = {.at = blob, .left = size};
	uint32_t version = coterie_state_take_u32(&reader);
	uint64_t total = coterie_state_take_u64(&reader);

	if (version != TALLY_STATE_VERSION || !coterie_state_is_whole(&reader))
		return -ENOTSUP;
	tally->total = total;
	return 0;
}

/* ---- Start and end --- */

static int tally_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct tally *tally = calloc(1, sizeof(*tally));

	if (tally == NULL)
		return -ENOMEM;
	tally->host = host;
	tally->ctx = ctx;

	int rc = tally_reload(tally);

	if (rc < 0) {
		free(tally);
		return rc;
	}
	*self = tally;
	return 0;
}

static const struct coterie_service tally_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = 60, /* ring-ids.md lists the free numbers. All nodes of a cluster must use the same number */
	.ipc_name = "tally",
	.title = "a number that every node agrees on",
	.init = tally_init,
	.fini = free, /* a longer function would also free timers and descriptors here. Clients may still be
		       * connected */
	.sync_start = tally_sync_start,
	.sync_step = tally_sync_step,
	.sync_done = tally_sync_done,
	.reload = tally_reload,
	.state_save = tally_state_save,
	.state_load = tally_state_load,
	COTERIE_REQUESTS(tally_requests),
	COTERIE_RING_MSGS(tally_ring_msgs),
};

COTERIE_PLUGIN(tally, .kind = COTERIE_KIND_SERVICE, .version = "1.0",
	.description = "a number that every node agrees on",
	.needs = COTERIE_CAP_RING | COTERIE_CAP_IPC | COTERIE_CAP_SYNC,
	.offers = COTERIE_CAN_RELOAD | COTERIE_CAN_UNPRIVILEGED | COTERIE_CAN_HAND_OVER, COTERIE_OPTIONS(tally_options),
	.ops = &tally_ops);
