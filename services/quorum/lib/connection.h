/*
 * The connection of a quorum_handle_t. Private to libquorum.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_QUORUM_LIB_CONNECTION_H
#define SERVICES_QUORUM_LIB_CONNECTION_H

/* libquorum hides every symbol that the public header does not declare. */
#pragma GCC visibility push(default)
#include <corosync/quorum.h>
#pragma GCC visibility pop

#include "services/client/connection.h"
#include "services/quorum/messages.h"

struct quorum_connection {
	struct client_connection client; /* first */
	/* The program's callbacks. Those of the other model are NULL. */
	quorum_notification_fn_t v0_notify;
	quorum_v1_quorum_notification_fn_t v1_notify;
	quorum_v1_nodelist_notification_fn_t v1_nodelist_notify;
};

/** Handle one event by a call of the program's callback. This is a client_event. */
struct dispatch_outcome quorum_receive(
	struct client_connection *client, uint64_t handle, int32_t id, uint8_t *bytes, size_t size);

#endif
