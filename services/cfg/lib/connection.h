/*
 * The connection of a corosync_cfg_handle_t. Private to libcfg.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CFG_LIB_CONNECTION_H
#define SERVICES_CFG_LIB_CONNECTION_H

/* libcfg hides every symbol that the public header does not declare. */
#pragma GCC visibility push(default)
#include <corosync/cfg.h>
#pragma GCC visibility pop

#include "services/cfg/messages.h"
#include "services/client/connection.h"

struct cfg_connection {
	struct client_connection client; /* first */
	corosync_cfg_callbacks_t callbacks;
};

extern struct handle_table cfg_connections;

#endif
