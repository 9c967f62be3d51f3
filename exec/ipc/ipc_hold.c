/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Senders are held back while many of their own events wait (ipc_backlog.c). Without this, a client that sends and
 * reads in turns, and sends faster than it reads, would fill the daemon's memory and lose its connection.
 *
 * A client is refused only at the beginning of a message. Messages without an answer: its library refuses them when
 * libqb's flow control word is set. Messages in a fast channel: they stay in the send ring. Messages with an answer:
 * the service refuses them after client_may_send. Other requests are never refused: a client that waits for an answer
 * does not read its events meanwhile, and would wait for ever.
 */
#include "exec/ipc/ipc_private.h"

#include <errno.h>

#include "exec/plugin/plugin_watch.h"

/* While all clients that read use much memory together, each of them may have this part of IPC_HOLD_SIZE. */
#define CROWDED_PART 32u

/* How long the sum of backlogs is used before it is computed again, since that goes through all clients. */
#define SUM_NS UINT64_C(100000000)

/*
 * Return the bytes in the backlogs of clients that read. Clients that have read nothing for IPC_STALL_NS do not count.
 * A few of them could otherwise hold all other senders at the lower bound for as long as they like. The memory is
 * bounded all the same: when all backlogs together reach IPC_BACKLOG_ALL, a client of the user with most of them ends.
 */
static uint64_t size_of_readers(struct ipc *ipc)
{
	uint64_t now_ns = loop_now_ns(ipc->parts.loop);

	if (ipc->readers_ns != 0 && now_ns - ipc->readers_ns < SUM_NS)
		return ipc->readers_size;
	ipc->readers_ns = now_ns;
	ipc->readers_size = 0;
	for (const struct ipc_server *server = ipc->servers; server != NULL; server = server->next)
		for (const struct coterie_client *client = server->clients; client != NULL; client = client->next)
			if (client->backlog != NULL && now_ns - client->read_ns <= IPC_STALL_NS)
				ipc->readers_size += client->backlog_size;
	return ipc->readers_size;
}

/*
 * Return whether the backlogs of clients that read need much memory. backlog_size counts bytes that several clients
 * share once, size_of_readers() counts them for each client.
 */
static bool is_crowded(struct ipc *ipc)
{
	uint64_t much = ipc->backlog_size_max / 2;

	return ipc->backlog_size > much && size_of_readers(ipc) > much;
}

/* A held client is released at half of the bound, so that its state does not change with each event. */
static uint64_t bound_of(const struct coterie_client *client)
{
	struct ipc *ipc = client->server->ipc;
	uint64_t bound = ipc->hold_size;

	if (is_crowded(ipc))
		bound /= CROWDED_PART;
	return client->is_held ? bound / 2 : bound;
}

/*
 * Set the flow control word of the client. A message in fragments, each with an answer, must be completed once it has
 * begun. Otherwise its sender would start over for ever if the message is longer than the bound. So the word is only
 * set for clients whose last message had no answer.
 */
static void set_word(struct coterie_client *client)
{
	if (client->connection != NULL)
		qbs_hold(client->connection, client->is_held && client->is_sending && !ipc_channel_is_open(client));
}

void ipc_hold(struct coterie_client *client, uint64_t backlog_size)
{
	bool is_held = backlog_size > bound_of(client);

	if (is_held == client->is_held)
		return;
	client->is_held = is_held;
	set_word(client);
	if (is_held || !client->wants_room)
		return;
	client->server->ipc->is_room_due = true;
	ipc_turn_later(client->server->ipc);
}

void ipc_hold_request(struct coterie_client *client, bool is_silent)
{
	if (client->is_sending == is_silent)
		return;
	client->is_sending = is_silent;
	set_word(client);
}

int ipc_client_may_send(struct coterie_client *client)
{
	if (!client->is_held)
		return 0;
	client->wants_room = client->server->plugin->service.writable != NULL;
	return -EAGAIN;
}

/*
 * Call writable() for clients that may send again. It may disconnect clients: they stay in the list until a later turn.
 */
static void tell_clients(const struct ipc_server *server)
{
	struct plugin *plugin = server->plugin;

	for (struct coterie_client *client = server->clients; client != NULL; client = client->next) {
		struct plugin_call call;

		if (!client->wants_room || client->is_held || !client->is_joined || client->is_leaving)
			continue;
		client->wants_room = false;
		plugin_enter(&call, plugin, "writable");
		plugin->service.writable(plugin->self, client);
		plugin_leave(&call);
	}
}

void ipc_hold_tell(struct ipc *ipc)
{
	if (!ipc->is_room_due)
		return;
	ipc->is_room_due = false;
	for (const struct ipc_server *server = ipc->servers; server != NULL; server = server->next) {
		if (server->plugin->service.writable == NULL)
			continue;
		if (ipc_gate_of(server, COTERIE_NEEDS_FLOW) == IPC_GATE_OPEN)
			tell_clients(server);
		else
			ipc->is_room_due = true; /* call writable() when the synchronisation is complete */
	}
}
