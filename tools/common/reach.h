/*
 * Why a tool cannot reach a service of the daemon on this host, and what to do about it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_COMMON_REACH_H
#define TOOLS_COMMON_REACH_H

#include <corosync/corotypes.h>

enum reach_cause {
	REACH_NO_DAEMON,   /* no daemon runs on this host */
	REACH_NO_INSTANCE, /* daemons run, but none with the wanted instance name */
	REACH_NO_SERVICE,  /* the daemon runs without the service */
	REACH_DENIED,      /* the daemon refuses this user */
	REACH_BUSY,        /* the daemon starts, is busy or is stopped */
};

struct reach {
	enum reach_cause cause;
	char text[512]; /* the cause */
	char hint[256]; /* the remedy */
};

/**
 * Find the cause of a failed connection from the error and from the sockets that listen on this host.
 *
 * @param service   IPC name of the service, for example "cmap"
 * @param instance  of COTERIE_INSTANCE; NULL or "": the daemon without an instance name
 * @param error     result of the connection; CS_ERR_TIMEOUT: no answer in time, then no socket is looked at
 */
void reach_explain(struct reach *reach, const char *service, const char *instance, cs_error_t error);

#endif
