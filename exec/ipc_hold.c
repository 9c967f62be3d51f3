/*
 * Senders are held back while many of their own events wait (ipc_backlog.c). A client that sends and reads in turns, and
 * sends faster than it reads, would otherwise fill the daemon's memory and lose its connection.
 *
 * A sender learns of it where it begins a message. Messages without an answer: libqb's flow control word, with which the
 * client's library refuses them. Messages in a fast channel stay in its send ring. Messages with an answer: the service
 * asks with client_may_send and refuses. Nothing else is refused: a client that asks or leaves does not read its
 * events meanwhile, and would wait for ever.
 */
#include "exec/ipc_private.h"

#include <errno.h>

/* Where all clients together use much memory, one of them may have this part of IPC_HOLD_SIZE. */
#define CROWDED_PART 32u

/* A held sender goes on at half of it, so that it does not change state with each event. */
static uint64_t bound_of(const struct coterie_client *client)
{
	const struct ipc *ipc = client->server->ipc;
	uint64_t bound = ipc->hold_size;

	if (ipc->backlog_size > ipc->backlog_size_max / 2)
		bound /= CROWDED_PART;
	return client->is_held ? bound / 2 : bound;
}

/*
 * A message in fragments, each with an answer, must get through once it has begun: its sender would otherwise begin
 * again for ever where the message is longer than the bound. So the word is for clients that sent without an
 * answer last.
 */
static void set_word(struct coterie_client *client)
{
	qbs_hold(client->connection, client->is_held && client->is_sending && !ipc_channel_is_open(client));
}

void ipc_hold(struct coterie_client *client, uint64_t backlog_size)
{
	bool is_held = backlog_size > bound_of(client);

	if (is_held == client->is_held)
		return;
	client->is_held = is_held;
	set_word(client);
}

void ipc_hold_request(struct coterie_client *client, bool is_silent)
{
	if (client->is_sending == is_silent)
		return;
	client->is_sending = is_silent;
	set_word(client);
}

int ipc_client_may_send(struct coterie_client *client) { return client->is_held ? -EAGAIN : 0; }
