/* SPDX-License-Identifier: BSD-3-Clause */
/* A descriptor whose last close takes long, for the tests of exec/qb/descriptors.c. */
#ifndef TESTS_UNIT_IPC_SLOW_CLOSE_H
#define TESTS_UNIT_IPC_SLOW_CLOSE_H

#include <stdbool.h>
#include <stddef.h>

/** How long the last close waits, in seconds. */
#define SLOW_CLOSE_S 20

/** Play a kernel before Linux 6.16, which cannot refuse messages with descriptors. */
extern bool is_old_kernel;

/**
 * Return a TCP connection whose last close waits for SLOW_CLOSE_S seconds: its peer, which this process keeps, does not
 * read. -1: see errno
 */
int slow_descriptor(void);
/**
 * Send bytes with a slow descriptor, and close it. @return 0; -1: the kernel has refused the message, see errno. The
 * bytes were not sent
 */
int send_slowly(int fd, const void *bytes, size_t size);

#endif
