/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions that begin the end of a client. Every file of the server may call them. */
#include "exec/ipc/ipc_private.h"

void ipc_client_listen(struct coterie_client *client)
{
	bool is_paused = client->kept != NULL || client->is_leaving;

	if (client->connection != NULL)
		qbs_pause(client->connection, is_paused);
	else if (!is_paused)
		client->far_end->resume(client);
}

void ipc_turn_later(struct ipc *ipc)
{
	struct loop *loop = ipc->parts.loop;

	if (ipc->turn_timer == NULL)
		ipc->turn_timer = loop_timer_add(loop, loop_now_ns(loop), ipc->turn, ipc);
}

void ipc_client_disconnect(struct coterie_client *client)
{
	if (client->is_leaving || client->is_closed)
		return;
	client->is_leaving = true;
	ipc_client_listen(client);
	ipc_turn_later(client->server->ipc);
}
