/*
 * Calls that connect, disconnect and dispatch. The only event is a vote about a shutdown, which is passed to the
 * program's callback.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cfg/lib/connection.h"

#include <stdlib.h>

#include "services/client/error.h"

static void connection_destroy(struct handle_object *object)
{
	struct cfg_connection *connection = (struct cfg_connection *)object;

	client_connection_close(&connection->client);
	free(connection);
}

struct handle_table cfg_connections = HANDLE_TABLE_INITIALIZER(connection_destroy);

cs_error_t corosync_cfg_initialize(corosync_cfg_handle_t *cfg_handle, const corosync_cfg_callbacks_t *cfg_callbacks)
{
	struct cfg_connection *connection = calloc(1, sizeof(*connection));
	int rc;

	if (connection == NULL)
		return CS_ERR_NO_MEMORY;
	if (cfg_callbacks != NULL)
		connection->callbacks = *cfg_callbacks;
	rc = client_connection_open(&connection->client, "cfg", NULL);
	if (rc < 0) {
		free(connection);
		return client_error(rc);
	}
	rc = handle_open(&cfg_connections, &connection->client.object, cfg_handle);
	if (rc < 0)
		connection_destroy(&connection->client.object);
	return client_error(rc);
}

cs_error_t corosync_cfg_finalize(corosync_cfg_handle_t cfg_handle)
{
	return client_finalize(&cfg_connections, cfg_handle);
}

cs_error_t corosync_cfg_fd_get(corosync_cfg_handle_t cfg_handle, int32_t *selection_fd)
{
	return client_fd_get(&cfg_connections, cfg_handle, selection_fd);
}

static struct dispatch_outcome receive(
	struct client_connection *client, uint64_t handle, int32_t id, uint8_t *bytes, size_t size)
{
	const struct cfg_connection *connection = (const struct cfg_connection *)client;
	const struct cfg_event_test_shutdown *event = (const struct cfg_event_test_shutdown *)bytes;

	if (id != CFG_EVENT_TEST_SHUTDOWN || size < sizeof(*event))
		return dispatch_malformed;
	if (connection->callbacks.corosync_cfg_shutdown_callback != NULL)
		connection->callbacks.corosync_cfg_shutdown_callback(
			handle, (corosync_cfg_shutdown_flags_t)event->flags);
	return dispatch_done;
}

cs_error_t corosync_cfg_dispatch(corosync_cfg_handle_t cfg_handle, cs_dispatch_flags_t dispatch_flags)
{
	return client_dispatch(&cfg_connections, cfg_handle, dispatch_flags, receive);
}
