/*
 * Functions that send and receive complete messages over a stream socket.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/sam/lib/message.h"

#include <errno.h>
#include <sys/socket.h>

int message_write(int fd, const void *bytes, size_t size, int flags)
{
	const uint8_t *at = bytes;

	while (size > 0) {
		ssize_t written = send(fd, at, size, flags);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		at += written;
		size -= (size_t)written;
	}
	return 0;
}

int message_read(int fd, void *bytes, size_t size)
{
	uint8_t *at = bytes;

	while (size > 0) {
		ssize_t got = recv(fd, at, size, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0 ? -EPIPE : -errno;
		at += got;
		size -= (size_t)got;
	}
	return 0;
}
