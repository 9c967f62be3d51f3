/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A service of a third party. It is compiled with the headers of each released SDK. Members that were added later are
 * used only if the headers have them, and then only if the host has them. NAME and its ring id come from the command
 * line, so that several generations can run in one ring.
 */
#include <errno.h>
#include <stdlib.h>

#include <coterie/service.h>

#ifndef NEEDS
#define NEEDS (COTERIE_CAP_RING | COTERIE_CAP_IPC | COTERIE_CAP_SYNC | COTERIE_CAP_MAP)
#endif

struct sum {
	const struct coterie_host *host;
	struct coterie_ctx *ctx;
	uint64_t total, step;
};

static int sum_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct sum *sum = calloc(1, sizeof(*sum));

	if (sum == NULL)
		return -ENOMEM;
	sum->host = host;
	sum->ctx = ctx;
	*self = sum;
#if COTERIE_ABI_MINOR >= 1
	struct coterie_map_value value;

	if (COTERIE_HAS(host, map_read))
		(void)host->map_read(ctx, COTERIE_MAP_CONFIG, "totem.version", &value);
#endif
#if COTERIE_ABI_MINOR >= 2
	const void *key;
	uint32_t size;

	if (COTERIE_HAS(host, key_get))
		(void)host->key_get(ctx, &key, &size);
#endif
#ifdef GROWN
	if (COTERIE_HAS(host, grown))
		host->grown(ctx);
#endif
	return host->option_u64(ctx, "step", &sum->step);
}

static int sum_add(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct sum *sum = self;
	struct iovec iov = {&sum->step, sizeof(sum->step)};

	(void)client, (void)msg, (void)size;
	return sum->host->ring_send(sum->ctx, 0, COTERIE_AGREED, &iov, 1);
}

static void sum_deliver(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct sum *sum = self;

	(void)nodeid, (void)size;
	sum->total += *(const uint64_t *)((const char *)msg + sizeof(struct coterie_ring_header));
}

static int sum_get(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct sum *sum = self;
	struct iovec iov = {&sum->total, sizeof(sum->total)};

	(void)msg, (void)size;
	sum->host->reply(client, 1, 1, &iov, 1);
	return COTERIE_REPLIED;
}

static const struct coterie_request requests[] = {
	{.id = 0, .size_min = 16, .response_id = 0, .handle = sum_add},
	{.id = 1, .size_min = 16, .response_id = 1, .handle = sum_get},
};
static const struct coterie_ring_msg ring_msgs[] = {{.function = 0, .size_min = 24, .deliver = sum_deliver}};
static const struct coterie_option options[] = {
	{.name = "step", .type = COTERIE_OPT_U64, .initial = "3", .help = "what is added"},
};

static const struct coterie_service ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = 59,
	.ipc_name = "sum",
	.init = sum_init,
	.fini = free,
	COTERIE_REQUESTS(requests),
	COTERIE_RING_MSGS(ring_msgs),
};

COTERIE_PLUGIN(sum, .kind = COTERIE_KIND_SERVICE, .version = "1.0", .description = "a sum", .needs = NEEDS,
	COTERIE_OPTIONS(options), .ops = &ops);
