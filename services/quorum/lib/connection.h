/*
 * The connection behind a quorum_handle_t. This header is private to libquorum.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_QUORUM_LIB_CONNECTION_H
#define SERVICES_QUORUM_LIB_CONNECTION_H

/* libquorum is built with hidden symbols, except for those that the public header declares. */
#pragma GCC visibility push(default)
#include <corosync/quorum.h>
#pragma GCC visibility pop

#include "services/client/connection.h"
#include "services/quorum/messages.h"

struct quorum_connection {
	struct client_connection client; /* must be the first member */
	/* The program's callbacks. The callbacks of the model that the program does not use are NULL. */
	quorum_notification_fn_t v0_notify;
	quorum_v1_quorum_notification_fn_t v1_notify;
	quorum_v1_nodelist_notification_fn_t v1_nodelist_notify;
};

/** Pass one event to the program's callback. This is a function of type client_event. */
struct dispatch_outcome quorum_receive(
	struct client_connection *client, uint64_t handle, int32_t id, uint8_t *bytes, size_t size);

#endif
