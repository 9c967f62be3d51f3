/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages as datagrams. Requests arrive at one socket of the daemon, which also sends the answers. Events are sent
 * from another socket. The client's library binds the other ends before its first request. Names are abstract, so any
 * process of the host can find them. Once an end is connected, the kernel accepts only its peer. Before that the
 * sender's uid is checked.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exec/qb/private.h"

#define CONTROLS 3u
#define CONTROL_SIZE (CONTROLS * sizeof(struct qbs_control))
#define CONTROL_NAME_SIZE (QBS_NAME_SIZE + 16)

static const struct qbs_loop *loop_of(const struct qbs_connection *connection)
{
	return connection->server->host->loop;
}

/* --- names --- */

static void name_control(const struct qbs_connection *connection, char name[CONTROL_NAME_SIZE])
{
	snprintf(name, CONTROL_NAME_SIZE, "qb-control-%s", connection->server->name);
}

/*
 * Fill in the address of a client's socket. libqb passes the whole structure: the zeros behind the name
 * belong to the name.
 */
static int address_of(const struct qbs_connection *connection, const char *end, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	int length = snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1, "%s/qb-%s-%s", connection->folder,
		connection->server->name, end);

	return length < 0 || (size_t)length >= sizeof(address->sun_path) - 1 ? -ENAMETOOLONG : 0;
}

/* --- making a connection --- */

static void make_room(int fd, int option, uint32_t size)
{
	int now = 0, wanted = (int)size;
	socklen_t length = sizeof(now);

	if (getsockopt(fd, SOL_SOCKET, option, &now, &length) < 0 || now < wanted)
		(void)setsockopt(fd, SOL_SOCKET, option, &wanted, sizeof(wanted));
}

static int open_end(const struct qbs_connection *connection, const char *end, int *fd)
{
	struct sockaddr_un address;
	int rc = address_of(connection, end, &address), on = 1;

	if (rc < 0)
		return rc;
	*fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return -errno;
	(void)qbs_refuse_descriptors(*fd);
	if (bind(*fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		setsockopt(*fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return -errno;
	make_room(*fd, SO_SNDBUF, connection->size_max);
	make_room(*fd, SO_RCVBUF, connection->size_max);
	return 0;
}

static void close_end(struct qbs_host *host, int *fd)
{
	if (*fd >= 0)
		qbs_close(host, *fd);
	*fd = -1;
}

static int make_control(struct qbs_connection *connection)
{
	static const uint8_t zeros[CONTROL_SIZE];
	char name[CONTROL_NAME_SIZE];
	int folder;
	int rc = qbs_folder_make(connection, &folder);

	if (rc < 0)
		return rc;
	name_control(connection, name);
	int fd = qbs_folder_file(connection, folder, name, CONTROL_SIZE);
	if (fd < 0) {
		rc = fd;
		goto close_folder;
	}
	/* Write the page, so that a full file system is an error here, and not a signal at a later access. */
	if (pwrite(fd, zeros, CONTROL_SIZE, 0) != (ssize_t)CONTROL_SIZE)
		rc = -ENOSPC;
	if (rc == 0)
		rc = qbs_folder_give(connection, folder);
	connection->region_size = (size_t)sysconf(_SC_PAGESIZE);
	void *region = rc == 0 ? mmap(NULL, CONTROL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
	if (rc == 0 && region == MAP_FAILED)
		rc = -errno;
	close(fd);
	if (rc == 0) {
		connection->region = region;
		connection->control = region;
		connection->guard = qbs_guard_add(region, connection->region_size);
		rc = connection->guard == NULL ? -ENOMEM : 0;
	}
close_folder:
	close(folder);
	return rc;
}

static void socket_close(struct qbs_connection *connection)
{
	char name[CONTROL_NAME_SIZE];
	const char *const list[] = {name, NULL};

	if (connection->is_request_polled)
		loop_of(connection)->del(loop_of(connection)->arg, connection->request_fd);
	connection->is_request_polled = false;
	close_end(connection->server->host, &connection->request_fd);
	close_end(connection->server->host, &connection->event_fd);
	name_control(connection, name);
	qbs_folder_remove(connection, list);
	qbs_guard_del(connection->guard);
	connection->guard = NULL;
	if (connection->region != NULL)
		munmap(connection->region, connection->region_size);
	connection->region = NULL;
	connection->control = NULL;
}

static void on_request(void *arg, int fd, uint32_t revents)
{
	struct qbs_connection *connection = arg;

	(void)fd, (void)revents;
	qbs_enter(connection);
	if (!connection->is_broken && !qbs_mute(connection) && qbs_serve(connection, qbs_limit(connection)) == 0)
		connection->stats.recv_retries++;
	qbs_leave(connection);
}

static int socket_open(struct qbs_connection *connection, struct qbs_answer *answer)
{
	int rc = make_control(connection);

	if (rc == 0)
		rc = open_end(connection, "request", &connection->request_fd);
	if (rc == 0)
		rc = open_end(connection, "event-tx", &connection->event_fd);
	if (rc == 0) {
		rc = loop_of(connection)
			     ->add(loop_of(connection)->arg, connection->request_fd, POLLIN, on_request, connection);
		connection->is_request_polled = rc == 0;
	}
	if (rc < 0) {
		socket_close(connection);
		return rc;
	}
	char name[CONTROL_NAME_SIZE];
	name_control(connection, name);
	snprintf(answer->request, sizeof(answer->request), "%s/%s", connection->folder, name);
	snprintf(answer->response, sizeof(answer->response), "%s/qb-%s", connection->folder, connection->server->name);
	return 0;
}

/* --- messages --- */

static bool is_from_peer(const struct qbs_connection *connection, struct msghdr *message)
{
	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head != NULL; head = CMSG_NXTHDR(message, head)) {
		struct ucred sender;

		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&sender, CMSG_DATA(head), sizeof(sender));
		return sender.uid == connection->peer.uid || sender.uid == 0;
	}
	return false;
}

static int64_t socket_receive(struct qbs_connection *connection)
{
	union {
		struct cmsghdr head;
		uint8_t bytes[CMSG_SPACE(sizeof(struct ucred))];
	} ancillary;
	struct iovec iov = {connection->server->host->buffer, connection->size_max};
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &ancillary, .msg_controllen = sizeof(ancillary.bytes)};
	ssize_t size = qbs_receive(connection->server->host, connection->request_fd, &message);

	if (size < 0 && errno == EPROTO)
		return -EPROTO;
	if (size <= 0 || !is_from_peer(connection, &message))
		return 0;
	(void)__atomic_fetch_sub(&connection->control[0].queued, 1, __ATOMIC_RELAXED);
	return (message.msg_flags & MSG_TRUNC) != 0 || qbs_guard_is_broken(connection->guard) ? -EPROTO : size;
}

/* Connect to the client's socket. It exists when the client's library has received the daemon's answer. */
static int connect_end(const struct qbs_connection *connection, int fd, const char *end, bool *is_connected)
{
	struct sockaddr_un address;
	int rc = *is_connected ? 0 : address_of(connection, end, &address);

	if (*is_connected || rc < 0)
		return rc;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == ECONNREFUSED ? -EAGAIN : -errno;
	*is_connected = true;
	return 0;
}

static int put(
	const struct qbs_connection *connection, int fd, uint32_t control, const struct iovec *iov, uint32_t count)
{
	struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = count};

	if (sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return errno == EAGAIN || errno == ENOBUFS ? -EAGAIN : errno == EMSGSIZE ? -EMSGSIZE : -ENOTCONN;
	(void)__atomic_fetch_add(&connection->control[control].queued, 1, __ATOMIC_RELAXED);
	return qbs_guard_is_broken(connection->guard) ? -EPROTO : 0;
}

static int socket_reply(struct qbs_connection *connection, const struct iovec *iov, uint32_t count, uint32_t size)
{
	int rc = connect_end(connection, connection->request_fd, "response", &connection->is_response_connected);

	(void)size;
	return rc < 0 ? rc : put(connection, connection->request_fd, 1, iov, count);
}

static int socket_event(struct qbs_connection *connection, const struct iovec *iov, uint32_t count, uint32_t size)
{
	int rc = connect_end(connection, connection->event_fd, "event", &connection->is_event_connected);

	(void)size;
	return rc < 0 ? rc : put(connection, connection->event_fd, 2, iov, count);
}

static void socket_listen(struct qbs_connection *connection, uint32_t wanted)
{
	(void)loop_of(connection)->mod(loop_of(connection)->arg, connection->request_fd, wanted);
	qbs_stream_listen(connection, POLLIN); /* only the end of the client arrives on this stream */
}

static void socket_flow(struct qbs_connection *connection, uint32_t word)
{
	__atomic_store_n(&connection->control[0].flow, word, __ATOMIC_RELEASE);
}

const struct qbs_transport qbs_socket = {
	.type = QBS_TYPE_SOCKET,
	.open = socket_open,
	.close = socket_close,
	.listen = socket_listen,
	.receive = socket_receive,
	.reply = socket_reply,
	.event = socket_event,
	.flow = socket_flow,
};
