/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pass a service's clients from one plugin to another. The connections stay. The data that the old plugin keeps for
 * each client does not.
 */
#include "exec/ipc/ipc_private.h"

#include <stdlib.h>

struct taken {
	struct coterie_client *client;
	void *data; /* data of the client at the plugin that does not have it: the old one, or after an undo the other */
};

struct ipc_handover {
	struct ipc_server *server;
	struct plugin *before, *now;
	uint32_t count;
	struct taken taken[];
};

static uint32_t count_clients(const struct ipc_server *server)
{
	uint32_t count = 0;

	for (const struct coterie_client *client = server->clients; client != NULL; client = client->next)
		count++;
	return count;
}

static void point_to(struct ipc_server *server, struct plugin *from, struct plugin *to)
{
	from->ipc = NULL;
	to->ipc = server;
	server->plugin = to;
}

static void give_back(struct ipc_handover *handover)
{
	for (uint32_t i = 0; i < handover->count; i++) {
		struct taken *taken = &handover->taken[i];
		void *data = taken->client->data;

		taken->client->data = taken->data;
		taken->data = data;
	}
}

void ipc_handover_free(struct ipc_handover *handover)
{
	if (handover == NULL)
		return;
	for (uint32_t i = 0; i < handover->count; i++)
		free(handover->taken[i].data);
	free(handover);
}

struct ipc_handover *ipc_server_take(struct ipc_server *server, struct plugin *successor)
{
	uint32_t count = count_clients(server);
	struct ipc_handover *handover = calloc(1, sizeof(*handover) + count * sizeof(handover->taken[0]));

	if (handover == NULL)
		return NULL;
	handover->server = server;
	handover->before = server->plugin;
	handover->now = successor;
	for (struct coterie_client *client = server->clients; client != NULL; client = client->next) {
		void *data = calloc(1, successor->service.client_size + 1);

		if (data == NULL) {
			give_back(handover);
			ipc_handover_free(handover);
			return NULL;
		}
		handover->taken[handover->count++] = (struct taken){client, client->data};
		client->data = data;
	}
	ipc_reply_take(server);
	point_to(server, handover->before, successor);
	return handover;
}

void ipc_server_undo(struct ipc_handover *handover)
{
	if (handover == NULL)
		return;
	give_back(handover);
	ipc_reply_undo(handover->server);
	point_to(handover->server, handover->now, handover->before);
}

void ipc_server_keep(struct ipc_handover *handover)
{
	if (handover == NULL)
		return;
	handover->server->needs_quorum = ipc_needs_quorum(&handover->now->service);
	ipc_reply_keep(handover->server);
	ipc_requests_inherit(handover->server);
	if (handover->now->service.channel_message == NULL)
		ipc_channels_end(handover->server);
	ipc_server_gate(handover->server);
}
