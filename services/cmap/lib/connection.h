/*
 * What stands behind a cmap_handle_t; private to libcmap.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CMAP_LIB_CONNECTION_H
#define SERVICES_CMAP_LIB_CONNECTION_H

#include <pthread.h>
#include <stdint.h>

/* Everything of libcmap is hidden but what the public header declares. */
#pragma GCC visibility push(default)
#include <corosync/cmap.h>
#pragma GCC visibility pop

#include "services/client/connection.h"
#include "services/cmap/messages.h"

struct tracker;

/*
 * 1. cmap_initialize_map connects and gives the handle out.
 * 2. Calls take a reference for their duration, a dispatch also while callbacks run.
 * 3. cmap_finalize kills the handle and cuts the connection if somebody is still inside.
 * 4. The last to leave closes the channel and frees the rest.
 */
struct cmap_connection {
	struct client_connection client; /* first */

	pthread_mutex_t trackers_lock; /* never held in a callback */
	struct tracker *trackers;      /* newest first; each is in the table of trackers */
};

/**
 * Find the connection of a handle.
 *
 * @param connection set on success: referenced, given back with cmap_connection_put
 * @return CS_OK; CS_ERR_BAD_HANDLE
 */
cs_error_t cmap_connection_get(cmap_handle_t handle, struct cmap_connection **connection);

void cmap_connection_put(struct cmap_connection *connection);

/** Make the handles of all trackers dead. */
void trackers_fini(struct cmap_connection *connection);

/**
 * A key for the wire.
 *
 * @param key NULL: the empty one
 * @return CS_OK; CS_ERR_NAME_TOO_LONG
 */
cs_error_t cmap_name_to_wire(struct cmap_wire_name *wire, const char *key);

/**
 * Get a value into memory of its own.
 *
 * @param room       bytes that the caller wants at most; with 0 no value is got
 * @param response   set on success: the caller frees it; value_size bytes follow if there was room
 * @return CS_OK; CS_ERR_INVALID_PARAM: longer than room; as cmap_get
 */
cs_error_t value_get(
	cmap_handle_t handle, const char *key, size_t room, struct cmap_res_get **response);

#endif
