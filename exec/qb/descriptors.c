/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any process can send descriptors to a socket of the daemon. A message that is read without room for them, or a socket
 * that is closed with unread messages, closes these descriptors in the daemon. The last close of a file can take as long
 * as its sender wants, and the loop must not wait for that (common/closer.h).
 *
 * Linux 6.16 and later can refuse such messages (SO_PASSRIGHTS). With an earlier kernel, the daemon looks at messages
 * before it reads them, does not read those with descriptors, and closes its sockets on a thread.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/closer.h"
#include "exec/qb/private.h"

#if !defined(SO_PASSRIGHTS) && !defined(__sparc__) && !defined(__hppa__)
#define SO_PASSRIGHTS 83 /* the C library is older than the kernel */
#endif

bool qbs_refuse_descriptors(int fd)
{
#ifdef SO_PASSRIGHTS
	int off = 0;

	return setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off)) == 0;
#else
	(void)fd;
	return false;
#endif
}

bool qbs_can_refuse(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool can = fd >= 0 && qbs_refuse_descriptors(fd);

	if (fd >= 0)
		close(fd);
	return can;
}

ssize_t qbs_receive(const struct qbs_host *host, int fd, struct msghdr *message)
{
	if (host->refuses_descriptors)
		return recvmsg(fd, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	struct msghdr look = *message;
	ssize_t size = recvmsg(fd, &look, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_PEEK);

	if (size < 0)
		return -1;
	if ((look.msg_flags & MSG_CTRUNC) != 0) {
		errno = EPROTO;
		return -1;
	}
	/* Bytes that have arrived since may have descriptors. A read of size 0 takes an empty datagram. */
	message->msg_iov[0].iov_len = (size_t)size;
	return recvmsg(fd, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
}

void qbs_close(struct qbs_host *host, int fd)
{
	(void)shutdown(fd, SHUT_RDWR);
	if (!host->refuses_descriptors && host->closer == NULL)
		host->closer = closer_create(true);
	if (host->closer != NULL)
		closer_close(host->closer, fd);
	else
		close(fd);
}
