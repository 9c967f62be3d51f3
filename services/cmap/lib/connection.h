/*
 * The connection behind a cmap_handle_t. This header is private to libcmap.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CMAP_LIB_CONNECTION_H
#define SERVICES_CMAP_LIB_CONNECTION_H

#include <pthread.h>
#include <stdint.h>

/* libcmap is built with hidden symbols, except for those that the public header declares. */
#pragma GCC visibility push(default)
#include <corosync/cmap.h>
#pragma GCC visibility pop

#include "services/client/connection.h"
#include "services/cmap/messages.h"

struct tracker;

/*
 * Life of a connection:
 * 1. cmap_initialize_map connects and returns the handle.
 * 2. Each API call holds a reference until it returns. cmap_dispatch also holds it while callbacks run.
 * 3. cmap_finalize invalidates the handle. It shuts the connection down if other threads are still in a call.
 * 4. The call that drops the last reference closes the channel and frees the memory.
 */
struct cmap_connection {
	struct client_connection client; /* must be the first member */

	pthread_mutex_t trackers_lock; /* never held in a callback */
	struct tracker *trackers;      /* newest first. Each one is also in the handle table of all trackers */
};

/**
 * Find the connection of a handle.
 *
 * @param connection set on success: referenced; the caller drops the reference with cmap_connection_put
 * @return CS_OK; CS_ERR_BAD_HANDLE
 */
cs_error_t cmap_connection_get(cmap_handle_t handle, struct cmap_connection **connection);

void cmap_connection_put(struct cmap_connection *connection);

/** Invalidate the handles of all trackers. */
void trackers_fini(struct cmap_connection *connection);

/**
 * Convert a key to its form in messages.
 * @param key NULL: the empty key
 * @return CS_OK; CS_ERR_NAME_TOO_LONG
 */
cs_error_t cmap_name_to_wire(struct cmap_wire_name *wire, const char *key);

/**
 * Get a value into newly allocated memory.
 * @param room bytes that the caller accepts; 0: get no value
 * @param response set on success: the caller frees it; value_size bytes follow if they fit
 * @return CS_OK; CS_ERR_INVALID_PARAM: the value is longer than room; or an error of cmap_get
 */
cs_error_t value_get(cmap_handle_t handle, const char *key, size_t room, struct cmap_res_get **response);

#endif
