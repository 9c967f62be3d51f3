/*
 * A client of a service that you wrote: connect, ask, receive events. Link with -lcoterie-client (pkg-config
 * coterie-client). Manual: coterie-client(7). The service's requests, answers and events begin with the headers of
 * <coterie/service.h>.
 *
 *	struct coterie_connection *connection;
 *	int rc = coterie_connection_open(&connection, "tally", NULL, 5000);
 *
 *	if (rc == 0)
 *		rc = coterie_connection_call(connection, &request.header, &answer, sizeof(answer), 5000);
 *	if (rc != 0)
 *		fprintf(stderr, "%s\n", coterie_error_text(rc));
 *
 * Results are 0, a negative errno (there is no answer), or a positive error of the service (cs_error_t). Several
 * threads may use a connection until it is closed. Requests of a connection go one after the other. A callback of
 * coterie_connection_dispatch may make requests.
 *
 * Functions are added, and never changed within one soname.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef COTERIE_CLIENT_H
#define COTERIE_CLIENT_H

#include <coterie/service.h>

#ifdef __cplusplus
extern "C" {
#endif

struct coterie_connection;

/**
 * Connect to a service of the daemon on this host.
 *
 * @param connection  out: end it with coterie_connection_close. NULL after an error
 * @param service     its ipc_name; borrowed
 * @param instance    of the daemon; NULL: that of COTERIE_INSTANCE, or the default one; borrowed
 * @param timeout_ms  how long to try again while the daemon is starting or busy; -1: without limit
 * @return 0; -ECONNREFUSED: no daemon of the instance has the service; -EAGAIN: the daemon is starting, or busy;
 *     -EACCES: this user may not connect; -EPERM: the process that listens is not trusted as the daemon, since it is
 *     neither of root nor of this user (coterie-client(7)); -EINVAL: the name of the service or instance is not valid; -ENOMEM, -EMFILE,
 *     or another errno of a system call
 */
int coterie_connection_open(
	struct coterie_connection **connection, const char *service, const char *instance, int timeout_ms);
/** Disconnect. No thread may be inside a call. NULL is ignored. */
void coterie_connection_close(struct coterie_connection *connection);

/**
 * Send a request and receive its answer. While the answer is "try again" (6), the request is sent again every 10 ms.
 *
 * @param request      header->size bytes, 16 .. 1048576; borrowed
 * @param answer       out: header and the bytes behind it; NULL: only the error matters, and the answer may have any
 *     length
 * @param answer_size  bytes at answer, at least 24
 * @param timeout_ms   how long to try again; -1: without limit. It does not end the wait for an answer that the service
 *     delays, or for a request that the daemon holds: coterie-client(7), REQUESTS THAT WAIT
 * @return 0: the error of the answer is CS_OK; above 0: the error of the answer, 6 if the time is over; -EMSGSIZE: the
 *     request is too long or too short; -ENOBUFS: the answer is longer than answer_size: the connection can no longer
 *     be used; -EBADMSG: the answer has no header; -ENOMEM; -ENOTCONN: the connection is lost. After that the request
 *     may still have had its effect
 */
int coterie_connection_call(struct coterie_connection *connection, const struct coterie_request_header *request,
	void *answer, uint32_t answer_size, int timeout_ms);
/**
 * Send a request that has no answer (COTERIE_NO_REPLY).
 *
 * @return 0; -EAGAIN: not sent within timeout_ms; -EMSGSIZE; -ENOTCONN
 */
int coterie_connection_send(
	struct coterie_connection *connection, const struct coterie_request_header *request, int timeout_ms);

/** Return a descriptor that is readable when events wait, for poll. The connection owns it. */
int coterie_connection_fd(const struct coterie_connection *connection);
/**
 * Receive the events that wait.
 *
 * @param event       called for each event; the event is borrowed
 * @param timeout_ms  how long to wait for the first event; 0: do not wait; -1: without limit
 * @return how many; 0: also if a signal has ended the wait; -ENOTCONN: the connection is lost; -ENOMEM
 */
int coterie_connection_dispatch(struct coterie_connection *connection,
	void (*event)(void *arg, const struct coterie_response_header *event), void *arg, int timeout_ms);

/** Return a text for a result of these functions. The text is static. */
const char *coterie_error_text(int rc);

#ifdef __cplusplus
}
#endif

#endif
