/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/holder.h"

#include <errno.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

int holder_find(const char *name, struct ucred *holder)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t size = sizeof(*holder);
	int length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "%s", name);
	int rc = 0;

	if (length < 0 || (size_t)length >= sizeof(address.sun_path) - 1)
		return -ENAMETOOLONG;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, holder, &size) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

void holder_describe(const char *name, char *text, size_t size)
{
	struct ucred holder;

	text[0] = '\0';
	if (holder_find(name, &holder) < 0)
		return;
	if (holder.pid > 0)
		snprintf(text, size, "process %d of user %u", (int)holder.pid, (unsigned int)holder.uid);
	else
		snprintf(text, size, "a process of user %u", (unsigned int)holder.uid);
}
