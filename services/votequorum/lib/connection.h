/*
 * The connection behind a votequorum_handle_t. This header is private to libvotequorum.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_VOTEQUORUM_LIB_CONNECTION_H
#define SERVICES_VOTEQUORUM_LIB_CONNECTION_H

/* libvotequorum is built with hidden symbols, except for those that the public header declares. */
#pragma GCC visibility push(default)
#include <corosync/votequorum.h>
#pragma GCC visibility pop

#include "services/client/connection.h"
#include "services/votequorum/messages.h"

struct votequorum_connection {
	struct client_connection client; /* must be the first member */
	votequorum_callbacks_t callbacks;
	votequorum_extra_info_notification_fn_t on_extra;
};

/** Call client_request with the handle table of this library. */
cs_error_t votequorum_request(
	votequorum_handle_t handle, const void *request, size_t request_size, void *response, size_t response_size);

/** Call client_call with the handle table of this library. */
ssize_t votequorum_call(
	votequorum_handle_t handle, const void *request, size_t request_size, void *response, size_t response_size);

/** Pass one event to the program's callback. This is a function of type client_event. */
struct dispatch_outcome votequorum_receive(
	struct client_connection *client, uint64_t handle, int32_t id, uint8_t *bytes, size_t size);

#endif
