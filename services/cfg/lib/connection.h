/*
 * The connection behind a corosync_cfg_handle_t. This header is private to libcfg.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CFG_LIB_CONNECTION_H
#define SERVICES_CFG_LIB_CONNECTION_H

/* libcfg is built with hidden symbols, except for those that the public header declares. */
#pragma GCC visibility push(default)
#include <corosync/cfg.h>
#pragma GCC visibility pop

#include "services/cfg/messages.h"
#include "services/client/connection.h"

struct cfg_connection {
	struct client_connection client; /* must be the first member */
	corosync_cfg_callbacks_t callbacks;
};

extern struct handle_table cfg_connections;

#endif
