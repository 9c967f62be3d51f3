/*
 * What stands behind an evs_handle_t; private to libevs.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_EVS_LIB_CONNECTION_H
#define SERVICES_EVS_LIB_CONNECTION_H

#include <stdint.h>

/* Everything of libevs is hidden but what the public header declares. */
#pragma GCC visibility push(default)
#include <corosync/evs.h>
#pragma GCC visibility pop

#include "services/client/channel.h"
#include "services/client/dispatch.h"
#include "services/client/handle.h"
#include "services/evs/messages.h"

_Static_assert(sizeof(struct evs_group) == sizeof(struct evs_wire_group), "sent as they are");

/*
 * 1. evs_initialize connects and gives the handle out.
 * 2. Calls take a reference for their duration, a dispatch also while callbacks run.
 * 3. evs_finalize kills the handle, and cuts the connection if somebody is still inside.
 * 4. The last to leave closes the channel and frees the rest.
 */
struct evs_connection {
	struct handle_object object; /* first */
	struct channel channel;
	struct dispatch dispatch;
	evs_callbacks_t callbacks; /* the program's */
	_Atomic(void *) context;
};

/**
 * Find the connection of a handle.
 *
 * @param connection set on success: referenced, given back with connection_put
 * @return CS_OK; CS_ERR_BAD_HANDLE
 */
cs_error_t connection_get(evs_handle_t handle, struct evs_connection **connection);

void connection_put(struct evs_connection *connection);

#endif
