/* SPDX-License-Identifier: BSD-3-Clause */
/* Find out which process has the name of a socket, for error messages. */
#ifndef COMMON_HOLDER_H
#define COMMON_HOLDER_H

#include <stddef.h>
#include <sys/socket.h>

/**
 * Get the process that listens at an abstract name, padded with zeros as libqb pads it. Does not wait: connects, and hangs
 * up.
 *
 * @param name    borrowed
 * @param holder  out: pid 0: the process is in another PID namespace
 * @return 0; -ECONNREFUSED: no process listens; -EAGAIN: the queue of the socket is full; -errno
 */
int holder_find(const char *name, struct ucred *holder);

/** Describe the holder of a name: "process 123 of user 65534". @param text  out; nothing if it is not found */
void holder_describe(const char *name, char *text, size_t size);

#endif
