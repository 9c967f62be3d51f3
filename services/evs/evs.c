/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Extended virtual synchrony for clients. Messages are sent to open groups, agreed or safe. They are delivered in one
 * order together with the ring's regular and transitional configurations.
 */
#include "services/evs/evs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* ---- Connections --------------------------------------------------------- */

static int evs_client_join(void *self, struct coterie_client *client)
{
	struct evs *evs = self;
	struct evs_connection *connection = evs->host->client_data(client);

	connection->client = client;
	evs->host->client_peer(client, NULL, &connection->uid, NULL);
	connection->next = evs->connections;
	if (evs->connections != NULL)
		evs->connections->previous = connection;
	evs->connections = connection;
	evs_tell_present(evs, connection);
	return 0;
}

static void evs_client_leave(void *self, struct coterie_client *client)
{
	struct evs *evs = self;
	struct evs_connection *connection = evs->host->client_data(client);

	evs_groups_free(connection);
	if (connection->previous != NULL)
		connection->previous->next = connection->next;
	else
		evs->connections = connection->next;
	if (connection->next != NULL)
		connection->next->previous = connection->previous;
}

/* ---- Life ---------------------------------------------------------------- */

static int evs_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct evs *evs = calloc(1, sizeof(*evs));

	if (evs == NULL)
		return -ENOMEM;
	evs->host = host;
	evs->ctx = ctx;
	evs_index_init(evs);
	*self = evs;
	return 0;
}

/* All connections have ended before this call, or a new version of the plugin has taken them over. */
static void evs_fini(void *self)
{
	struct evs *evs = self;

	for (struct evs_connection *one = evs->connections; one != NULL; one = one->next)
		evs_groups_free(one);
	evs_index_fini(evs);
	free(evs->groups);
	free(evs->parts);
	free(evs);
}

static void evs_dump(void *self)
{
	const struct evs *evs = self;
	uint32_t clients = 0, groups = 0;

	for (const struct evs_connection *one = evs->connections; one != NULL; one = one->next) {
		clients++;
		groups += one->group_count;
	}
	evs->host->log(evs->ctx, LOG_INFO, "%u clients in %u groups", clients, groups);
}

static const struct coterie_ring_msg evs_ring_msgs[] = {
	{EVS_RING_MCAST, sizeof(struct evs_ring_mcast), evs_swap_mcast, NULL, evs_deliver_mcast},
};

static const struct coterie_service evs_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = EVS_SERVICE_ID,
	.ipc_name = "evs",
	.title = "coterie extended virtual synchrony service",
	.client_size = sizeof(struct evs_connection),
	.priority = 1,
	.init = evs_init,
	.fini = evs_fini,
	.client_join = evs_client_join,
	.client_leave = evs_client_leave,
	.configuration = evs_configuration,
	.state_save = evs_state_save,
	.state_load = evs_state_load,
	.requests = evs_requests,
	.request_count = EVS_REQUESTS,
	.request_size = sizeof(struct coterie_request),
	COTERIE_RING_MSGS(evs_ring_msgs),
	.dump = evs_dump,
};

COTERIE_PLUGIN(evs, .kind = COTERIE_KIND_SERVICE, .version = "1.0",
	.description = "extended virtual synchrony: agreed and safe messages to open groups",
	.needs = COTERIE_CAP_RING | COTERIE_CAP_IPC, .offers = COTERIE_CAN_UNPRIVILEGED | COTERIE_CAN_HAND_OVER,
	.ops = &evs_ops);
