/* SPDX-License-Identifier: BSD-3-Clause */
#include "slow_close.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PASSRIGHTS 83 /* SO_PASSRIGHTS of Linux 6.16 */

bool is_old_kernel;

/* In the place of the C library's function, also for the code under test. */
int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	if (is_old_kernel && level == SOL_SOCKET && name == PASSRIGHTS) {
		errno = ENOPROTOOPT;
		return -1;
	}
	return (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}

int slow_descriptor(void)
{
	static const char bytes[65536];
	const struct linger wait = {.l_onoff = 1, .l_linger = SLOW_CLOSE_S};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int small = 4096, listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);

	if (listener < 0 || fd < 0 || setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) < 0 ||
		bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 1) < 0 ||
		getsockname(listener, (struct sockaddr *)&address, &size) < 0 ||
		connect(fd, (struct sockaddr *)&address, size) < 0)
		return -1;
	/* The peer waits in the queue of the listener, which stays open. */
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
	return setsockopt(fd, SOL_SOCKET, SO_LINGER, &wait, sizeof(wait)) == 0 ? fd : -1;
}

int send_slowly(int fd, const void *bytes, size_t size)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec iov = {(void *)(size_t)bytes, size};
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control.bytes)};
	int slow = slow_descriptor();

	if (slow < 0)
		return -1;
	memcpy(CMSG_DATA(&control.header), &slow, sizeof(slow));
	ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	int saved = errno;
	if (sent < 0) { /* end at once what would take long */
		const struct linger none = {.l_onoff = 1};

		(void)setsockopt(slow, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	}
	close(slow);
	errno = saved;
	return sent < 0 ? -1 : 0;
}
