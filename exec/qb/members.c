/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The connections of a server: the list of them, references to the server, and the flow control word, which depends on
 * the rate.
 */
#include <assert.h>
#include <stdlib.h>

#include "exec/qb/private.h"

void qbs_server_release(struct qbs_server *server)
{
	assert(server->references > 0);
	if (--server->references == 0)
		free(server);
}

static uint32_t flow_of(enum qbs_rate rate)
{
	switch (rate) {
	case QBS_RATE_OFF:
		return 1;
	case QBS_RATE_OFF_2:
		return 2;
	case QBS_RATE_FAST:
	case QBS_RATE_NORMAL:
	case QBS_RATE_SLOW:
		break;
	}
	return 0;
}

void qbs_flow_apply(struct qbs_connection *connection)
{
	uint32_t flow = flow_of(connection->server->rate);

	if (flow == 0 && connection->is_held)
		flow = flow_of(QBS_RATE_OFF_2);
	if (connection->stats.flow == flow)
		return;
	connection->stats.flow = flow;
	connection->stats.flow_count++;
	connection->transport->flow(connection, flow);
}

void qbs_server_add(struct qbs_connection *connection)
{
	struct qbs_server *server = connection->server;

	connection->next = server->connections;
	if (connection->next != NULL)
		connection->next->previous = connection;
	server->connections = connection;
	server->connection_count++;
}

void qbs_server_remove(struct qbs_connection *connection)
{
	struct qbs_server *server = connection->server;

	if (server->rate_next == connection)
		server->rate_next = connection->next;
	if (connection->previous != NULL)
		connection->previous->next = connection->next;
	else
		server->connections = connection->next;
	if (connection->next != NULL)
		connection->next->previous = connection->previous;
	server->connection_count--;
}
