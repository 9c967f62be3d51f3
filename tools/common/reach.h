/*
 * Find out why a tool cannot reach a service of the daemon on this host, and what the user can do.
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
	REACH_DENIED,      /* the daemon rejects this user */
	REACH_NOT_TRUSTED, /* a process that is not trusted as the daemon listens at the name of the service */
	REACH_BUSY,        /* the daemon starts, is busy or is stopped */
};

struct reach {
	enum reach_cause cause;
	char text[512]; /* text about the cause */
	char hint[256]; /* text about the remedy */
};

/**
 * Find the cause of a failed connection from the error and from the sockets that listen on this host.
 * @param service   IPC name of the service, for example "cmap"
 * @param instance  value of COTERIE_INSTANCE; NULL or "": the daemon without an instance name
 * @param error     result of the connection. With CS_ERR_TIMEOUT (no answer in time) the sockets are not checked
 */
void reach_explain(struct reach *reach, const char *service, const char *instance, cs_error_t error);

/**
 * Print the cause and the remedy to standard error if a connection has failed since the process that listens is not
 * trusted as the daemon. Other errors print nothing. For tools whose own messages are those of Corosync's tools.
 */
void reach_warn(const char *service, cs_error_t error);

#endif
