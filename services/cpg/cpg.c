/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Closed process groups: programs on all nodes join a group by name, and every member gets the same
 * messages and the same membership changes in the same order.
 */
#include "services/cpg/cpg.h"
#include "common/closer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void cpg_snapshot(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
	/* Without this line the compiler may read `from` again where `to` is used. */
	__asm__ volatile("" : : "r"(to) : "memory");
}

int cpg_reserve(void **array, uint32_t *capacity, uint32_t count, size_t element_size)
{
	if (count <= *capacity)
		return 0;

	uint32_t wanted = count < 8 ? 8 : count + count / 2;
	void *grown = reallocarray(*array, wanted, element_size);

	if (grown == NULL)
		return -ENOMEM;
	*array = grown;
	*capacity = wanted;
	return 0;
}

/* ---- Connections --------------------------------------------------------- */

static int cpg_client_join(void *self, struct coterie_client *client)
{
	struct cpg *cpg = self;
	struct cpg_connection *connection = cpg->host->client_data(client);

	memset(connection, 0, sizeof(*connection));
	connection->client = client;
	connection->next = cpg->connections;
	if (cpg->connections != NULL)
		cpg->connections->previous = connection;
	cpg->connections = connection;
	return 0;
}

static void cpg_client_leave(void *self, struct coterie_client *client)
{
	struct cpg *cpg = self;
	struct cpg_connection *connection = cpg->host->client_data(client);

	cpg_connection_drop(cpg, connection);
	cpg_iterations_free(connection);
	cpg_zero_copies_free(cpg, connection);
	if (connection->previous != NULL)
		connection->previous->next = connection->next;
	else
		cpg->connections = connection->next;
	if (connection->next != NULL)
		connection->next->previous = connection->previous;
}

/* ---- Life ---------------------------------------------------------------- */

static int cpg_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct cpg *cpg = calloc(1, sizeof(*cpg));

	if (cpg == NULL)
		return -ENOMEM;
	cpg->host = host;
	cpg->ctx = ctx;
	cpg->next_token = 1;
	if (host->option_u64(ctx, "message_max", &cpg->message_max) < 0)
		cpg->message_max = CPG_MESSAGE_MAX;
	cpg->resync.round = 1; /* rounds count from 1 */
	cpg_index_init(cpg);
	cpg_compact_init(cpg);
	cpg_statistics_offer(cpg);
	*self = cpg;
	return 0;
}

/* All connections have ended before this call, or a new version of the plugin has taken them over. */
static void cpg_fini(void *self)
{
	struct cpg *cpg = self;

	for (struct cpg_connection *one = cpg->connections; one != NULL; one = one->next) {
		cpg_connection_detach(cpg, one);
		cpg_iterations_free(one);
		cpg_zero_copies_free(cpg, one);
		free(one->leaving);
	}
	closer_destroy(cpg->closer);
	cpg->host->timer_del(cpg->ctx, cpg->leave_retry);
	cpg->host->timer_del(cpg->ctx, cpg->build_timer);
	cpg->host->timer_del(cpg->ctx, cpg->settle.timer);
	cpg_resync_fini(cpg);
	cpg_settle_fini(cpg);
	cpg_compact_fini(cpg);
	while (cpg->leaving != NULL) {
		struct cpg_leaving *leaving = cpg->leaving;

		cpg->leaving = leaving->next;
		free(leaving);
	}
	while (cpg->group_count > 0) {
		struct cpg_group *group = cpg->groups[cpg->group_count - 1];

		group->count = 0;
		group->newest = 0;
		cpg_group_release(cpg, group);
	}
	free(cpg->groups);
	cpg_index_fini(cpg);
	free(cpg->tallies);
	free(cpg->members);
	free(cpg->addresses);
	free(cpg->parts);
	free(cpg);
}

/*
 * Wait until two kinds of messages are sent. Without PROCLEAVE messages the other nodes would go on listing dead
 * processes. Messages that wait to be sent again were accepted from clients, so they must not be lost.
 */
static int cpg_drain(void *self)
{
	struct cpg *cpg = self;

	if (cpg_compact_waits(cpg))
		return -EAGAIN;
	for (const struct cpg_leaving *one = cpg->leaving; one != NULL; one = one->next) {
		if (!one->is_sent)
			return -EAGAIN;
	}
	return 0;
}

#define PROCESS sizeof(struct cpg_ring_process)

static const struct coterie_ring_msg cpg_ring_msgs[] = {
	{CPG_RING_PROCJOIN, PROCESS, cpg_swap_process, cpg_deliver_procjoin, NULL},
	{CPG_RING_PROCLEAVE, PROCESS, cpg_swap_process, cpg_deliver_procleave, NULL},
	{CPG_RING_JOINLIST, sizeof(struct cpg_ring_joinlist), cpg_swap_joinlist, cpg_deliver_joinlist, NULL},
	{CPG_RING_MCAST, sizeof(struct cpg_ring_mcast), cpg_swap_mcast, NULL, cpg_deliver_mcast},
	{CPG_RING_COMPACT, sizeof(struct cpg_ring_compact), NULL, NULL, cpg_deliver_compact},
	{CPG_RING_DOWNLIST, offsetof(struct cpg_ring_downlist, nodeids), NULL, cpg_deliver_downlist, NULL},
	{CPG_RING_PARTIAL_MCAST, sizeof(struct cpg_ring_partial_mcast), cpg_swap_partial_mcast, NULL,
		cpg_deliver_partial_mcast},
};

static const struct coterie_option cpg_options[] = {
	{.name = "compact",
		.type = COTERIE_OPT_BOOL,
		.initial = "yes",
		.help = "short headers on the ring, while all its nodes are Coterie's and have this on"},
	{.name = "message_max",
		.type = COTERIE_OPT_SIZE,
		.initial = CPG_MESSAGE_MAX_TEXT,
		.min = CPG_MESSAGE_MAX_LOW,
		.max = CPG_MESSAGE_MAX_HIGH,
		.help = "longest message of a client; the same on all nodes"},
};

static const struct coterie_service cpg_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = CPG_SERVICE_ID,
	.ipc_name = "cpg",
	.title = "corosync cluster closed process group service v1.01",
	.client_size = sizeof(struct cpg_connection),
	.priority = 1,
	.init = cpg_init,
	.fini = cpg_fini,
	.client_join = cpg_client_join,
	.client_leave = cpg_client_leave,
	.sync_start = cpg_sync_start,
	.sync_step = cpg_sync_step,
	.sync_done = cpg_sync_done,
	.sync_abort = cpg_sync_abort,
	.drain = cpg_drain,
	.state_save = cpg_state_save,
	.state_load = cpg_state_load,
	.requests = cpg_requests,
	.request_count = CPG_REQUESTS,
	.request_size = sizeof(struct coterie_request),
	COTERIE_RING_MSGS(cpg_ring_msgs),
	.channel_message = cpg_channel_message,
};

COTERIE_PLUGIN(cpg, .kind = COTERIE_KIND_SERVICE, .version = "1.0",
	.description = "closed process groups: ordered messages between programs on all nodes",
	.needs = COTERIE_CAP_RING | COTERIE_CAP_IPC | COTERIE_CAP_SYNC,
	.offers = COTERIE_CAN_UNPRIVILEGED | COTERIE_CAN_HAND_OVER, COTERIE_OPTIONS(cpg_options), .ops = &cpg_ops);
