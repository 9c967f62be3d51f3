/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions that return the state of a fast channel, for files that may not call ipc_channel.c. */
#include "exec/ipc/ipc_channel.h"

bool ipc_channel_is_open(const struct coterie_client *client) { return client->channel != NULL; }

bool ipc_channel_is_confirmed(const struct coterie_client *client)
{
	return client->channel != NULL && client->channel->is_confirmed;
}

uint64_t ipc_channel_requests(const struct coterie_client *client)
{
	return client->channel != NULL ? client->channel->requests : 0;
}

uint64_t ipc_channel_dispatched(const struct coterie_client *client)
{
	return client->channel != NULL ? client->channel->dispatched : 0;
}

void ipc_channel_punish(struct ipc_channel *channel)
{
	struct coterie_client *client = channel->client;

	if (client->is_leaving)
		return;
	client->invalid_requests++;
	log_limited(&client->server->limit, loop_now_ns(client->server->ipc->parts.loop), "MAIN", LOG_WARNING,
		"Disconnecting process %u (%s) from %s: what it wrote into its channel makes no sense", client->pid,
		client->process, client->server->name);
	ipc_client_disconnect(client);
}
