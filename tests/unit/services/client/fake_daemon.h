/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A daemon for tests of a client library. The test chooses its answers. The daemon has one service, and is a process of
 * its own. Its instance name is set for the libraries of the calling process.
 */
#ifndef UNIT_FAKE_DAEMON_H
#define UNIT_FAKE_DAEMON_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <qb/qbipcs.h>

/** Serve one request, in the daemon's process. The function returns 0, as msg_process of libqb does. */
typedef int32_t (*fake_daemon_serve)(qb_ipcs_connection_t *connection, void *request, size_t size);

/**
 * Start the daemon. When this returns, the daemon listens, and COTERIE_INSTANCE is set for the libraries.
 *
 * @param service name of the service in the default instance
 * @return the daemon's process id. Ends the test if the daemon cannot be started
 */
pid_t fake_daemon_start(const char *service, fake_daemon_serve serve);
/** As fake_daemon_start, as another user. The caller is root. */
pid_t fake_daemon_start_as(uid_t uid, const char *service, fake_daemon_serve serve);

/** Kill the daemon, even if it is stopped by a signal, and wait for its end. */
void fake_daemon_stop(pid_t daemon);

/** Fill in the header of a response and send it. */
void fake_daemon_answer(qb_ipcs_connection_t *connection, void *response, size_t size, int32_t id, int32_t error);

#endif
