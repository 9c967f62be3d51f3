/* SPDX-License-Identifier: BSD-3-Clause */
#include "transports/common/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#include "transports/common/peers.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

/* Priority of network control: the highest priority that needs no privilege. */
#define PRIORITY 6

int socket_set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

void socket_mark(int fd, int family, uint32_t dscp)
{
	if (dscp != 0 && family == AF_INET6)
		socket_set(fd, IPPROTO_IPV6, IPV6_TCLASS, (int)(dscp << 2));
	else if (dscp != 0)
		socket_set(fd, IPPROTO_IP, IP_TOS, (int)(dscp << 2));
	socket_set(fd, SOL_SOCKET, SO_PRIORITY, PRIORITY);
}

/* Set the size of a buffer. A smaller buffer is no error. @return the size that was granted */
static uint32_t grow_buffer(int fd, int name, int name_force, uint32_t size)
{
	int granted = 0;
	socklen_t granted_size = sizeof(granted);

	if (socket_set(fd, SOL_SOCKET, name_force, (int)size) < 0)
		socket_set(fd, SOL_SOCKET, name, (int)size);
	if (getsockopt(fd, SOL_SOCKET, name, &granted, &granted_size) < 0)
		return 0;
	return (uint32_t)granted;
}

static int open_bound(const struct sockaddr *local, bool is_shared, uint32_t dscp, uint32_t buffer_size,
	bool has_offload, struct socket_grant *grant)
{
	socklen_t size = address_size(local);
	bool is_v6 = local->sa_family == AF_INET6;
	int rc;

	memset(grant, 0, sizeof(*grant));
	if (size == 0)
		return -EAFNOSUPPORT;

	int fd = socket(local->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (is_v6) {
		rc = socket_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
		if (rc < 0)
			goto close_fd;
		rc = socket_set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
	} else {
		rc = socket_set(fd, IPPROTO_IP, IP_RECVERR, 1);
	}
	if (rc < 0)
		goto close_fd;
	if (is_shared) {
		rc = socket_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
		if (rc < 0)
			goto close_fd;
	}
	socket_mark(fd, local->sa_family, dscp);
	if (has_offload)
		grant->has_gro = socket_set(fd, IPPROTO_UDP, UDP_GRO, 1) == 0;
	grant->receive_size = grow_buffer(fd, SO_RCVBUF, SO_RCVBUFFORCE, buffer_size);
	grant->send_size = grow_buffer(fd, SO_SNDBUF, SO_SNDBUFFORCE, buffer_size);
	if (bind(fd, local, size) < 0) {
		rc = -errno;
		goto close_fd;
	}
	return fd;

close_fd:
	close(fd);
	return rc;
}

int socket_open(
	const struct sockaddr *local, uint32_t dscp, uint32_t buffer_size, bool has_offload, struct socket_grant *grant)
{
	return open_bound(local, false, dscp, buffer_size, has_offload, grant);
}

int socket_open_group(const struct sockaddr *group, uint32_t buffer_size, bool has_offload, struct socket_grant *grant)
{
	return open_bound(group, true, 0, buffer_size, has_offload, grant);
}
