/*
 * The connection behind a handle of a client library: channel, events and the program's context. Also the calls that
 * are the same in every library.
 *
 * 1. A library's initialize call allocates its own structure, whose first member is struct client_connection. It calls
 *    client_connection_open, sends the requests that it needs, and returns the handle from handle_open.
 * 2. Each API call holds a reference until it returns. A dispatch call also holds it while callbacks run.
 * 3. client_finalize invalidates the handle. It shuts the connection down if other threads are still in a call.
 * 4. The call that drops the last reference calls the table's destroy function, which calls client_connection_close.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CLIENT_CONNECTION_H
#define SERVICES_CLIENT_CONNECTION_H

#include <stddef.h>
#include <stdint.h>

#include <corosync/corotypes.h>

#include "services/client/channel.h"
#include "services/client/dispatch.h"
#include "services/client/handle.h"

struct client_connection {
	struct handle_object object; /* must be the first member */
	struct channel channel;
	struct dispatch dispatch;
	_Atomic(void *) context;
};

/** Handle an event of a connection, as dispatch_event. */
typedef struct dispatch_outcome (*client_event)(
	struct client_connection *connection, uint64_t handle, int32_t id, uint8_t *bytes, size_t size);

/**
 * Connect to a service of the instance that COTERIE_INSTANCE names.
 *
 * @param connection filled in
 * @param service IPC name, as of the default instance; copied
 * @param context stored for the program
 * @return 0; otherwise as channel_open. After an error there is nothing to close
 */
int client_connection_open(struct client_connection *connection, const char *service, void *context);

/** Disconnect and free the members. No other reference may exist. */
void client_connection_close(struct client_connection *connection);

/** Send a request. @return CS_ERR_BAD_HANDLE; otherwise as channel_request */
cs_error_t client_request(struct handle_table *table, uint64_t handle, const void *request, size_t request_size,
	void *response, size_t response_size);

/**
 * Send a request whose answer may have less than response_size bytes.
 *
 * @return bytes of the answer; -EBADF: no such handle; otherwise as channel_call
 */
ssize_t client_call(struct handle_table *table, uint64_t handle, const void *request, size_t request_size,
	void *response, size_t response_size);

/** Receive events. @return CS_ERR_BAD_HANDLE; otherwise as dispatch_run */
cs_error_t client_dispatch(struct handle_table *table, uint64_t handle, cs_dispatch_flags_t type, client_event event);

/**
 * End a connection. Threads that wait in client_dispatch return. @return CS_OK, also if the daemon has ended;
 * CS_ERR_BAD_HANDLE
 */
cs_error_t client_finalize(struct handle_table *table, uint64_t handle);

/**
 * Do the second part of client_finalize. A library that has to send a last request calls handle_take, sends it, and
 * then calls this.
 */
void client_leave(struct handle_table *table, struct handle_object *object);

/** Get a descriptor for poll(), owned by the library. fd: set on success. Errors: CS_ERR_BAD_HANDLE */
cs_error_t client_fd_get(struct handle_table *table, uint64_t handle, int *fd);

/** Get the pointer that the program has stored. context: set on success. Errors: CS_ERR_BAD_HANDLE */
cs_error_t client_context_get(struct handle_table *table, uint64_t handle, void **context);

/** Store a pointer for the program. @return CS_OK; CS_ERR_BAD_HANDLE */
cs_error_t client_context_set(struct handle_table *table, uint64_t handle, void *context);

#endif
