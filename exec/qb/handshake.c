/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Peers that have connected and not sent their first message. Any process can connect, so their number and time are
 * limited. If there are too many, the oldest one of the user with the most of them is closed. So one user cannot keep
 * others out.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exec/qb/private.h"

#define DEADLINE_NS (UINT64_C(10) * 1000000000u)
#define CALLERS_AT_ONCE 16u

static const struct qbs_loop *loop_of(const struct qbs_handshake *handshake) { return handshake->server->host->loop; }

/* --- the list --- */

static void append(struct qbs_host *host, struct qbs_handshake *handshake)
{
	handshake->previous = host->last_handshake;
	if (host->last_handshake != NULL)
		host->last_handshake->next = handshake;
	else
		host->handshakes = handshake;
	host->last_handshake = handshake;
	host->handshake_count++;
}

/* Remove a handshake. Its descriptor stays open. */
static void forget(struct qbs_handshake *handshake)
{
	struct qbs_host *host = handshake->server->host;

	if (handshake->previous != NULL)
		handshake->previous->next = handshake->next;
	else
		host->handshakes = handshake->next;
	if (handshake->next != NULL)
		handshake->next->previous = handshake->previous;
	else
		host->last_handshake = handshake->previous;
	host->handshake_count--;
	loop_of(handshake)->del(loop_of(handshake)->arg, handshake->fd);
	free(handshake);
}

static void end(struct qbs_handshake *handshake)
{
	struct qbs_host *host = handshake->server->host;
	int fd = handshake->fd;

	forget(handshake);
	qbs_close(host, fd);
}

void qbs_handshakes_end(struct qbs_server *server)
{
	struct qbs_handshake *next;

	for (struct qbs_handshake *one = server->host->handshakes; one != NULL; one = next) {
		next = one->next;
		if (one->server == server)
			end(one);
	}
}

/* --- too many --- */

static uint32_t count_of(const struct qbs_host *host, uid_t uid)
{
	uint32_t count = 0;

	for (const struct qbs_handshake *one = host->handshakes; one != NULL; one = one->next)
		count += one->uid == uid;
	return count;
}

/* Return the oldest handshake of the user that has most handshakes. */
static struct qbs_handshake *find_excess(const struct qbs_host *host)
{
	struct qbs_handshake *found = NULL;
	uint32_t most = 0;

	for (struct qbs_handshake *one = host->handshakes; one != NULL; one = one->next) {
		uint32_t count = count_of(host, one->uid);

		if (count > most) {
			most = count;
			found = one;
		}
	}
	return found;
}

static void shed(struct qbs_host *host)
{
	uint64_t now_ns = host->loop->now_ns(host->loop->arg);

	while (host->handshakes != NULL && now_ns - host->handshakes->since_ns > DEADLINE_NS)
		end(host->handshakes);
	while (host->handshake_count > QBS_HANDSHAKES_MAX)
		end(find_excess(host));
}

/* --- the first message --- */

static void note_peer(struct qbs_handshake *handshake, struct msghdr *message)
{
	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head != NULL; head = CMSG_NXTHDR(message, head)) {
		struct ucred sender;

		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_CREDENTIALS || handshake->has_peer)
			continue;
		memcpy(&sender, CMSG_DATA(head), sizeof(sender));
		handshake->peer = (struct qbs_peer){.pid = sender.pid,
			.uid = sender.uid,
			.gid = sender.gid,
			.opener_uid = handshake->uid,
			.opener_gid = handshake->gid};
		handshake->has_peer = true;
	}
}

/* @return 0: the message is complete; -EAGAIN: a part is missing; -EPROTO: end the handshake */
static int read_hello(struct qbs_handshake *handshake)
{
	union {
		struct cmsghdr head;
		uint8_t bytes[CMSG_SPACE(sizeof(struct ucred))];
	} ancillary;
	struct iovec iov = {handshake->bytes + handshake->size, sizeof(handshake->bytes) - handshake->size};
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &ancillary, .msg_controllen = sizeof(ancillary.bytes)};
	ssize_t size = qbs_receive(handshake->server->host, handshake->fd, &message);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	if (size <= 0)
		return -EPROTO;
	note_peer(handshake, &message);
	handshake->size += (size_t)size;
	if (!handshake->has_peer)
		return -EPROTO;
	return handshake->size < sizeof(handshake->bytes) ? -EAGAIN : 0;
}

static void on_hello(void *arg, int fd, uint32_t revents)
{
	struct qbs_handshake *handshake = arg;
	struct qbs_server *server = handshake->server;
	struct qbs_peer peer;
	struct qbs_hello hello;
	int off = 0;

	(void)revents;
	int rc = read_hello(handshake);
	if (rc == -EAGAIN)
		return;
	memcpy(&hello, handshake->bytes, sizeof(hello));
	if (rc < 0 || hello.id != QBS_ID_HELLO) {
		end(handshake);
		return;
	}
	peer = handshake->peer;
	forget(handshake);
	(void)setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &off, sizeof(off));
	qbs_connection_make(server, fd, &peer, &hello);
}

/* --- peers that connect --- */

static int meet(struct qbs_server *server, int fd)
{
	struct qbs_handshake *handshake = calloc(1, sizeof(*handshake));
	const struct qbs_loop *loop = server->host->loop;
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t size = sizeof(peer);
	int on = 1;

	if (handshake == NULL)
		return -ENOMEM;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
		free(handshake);
		return -errno;
	}
	handshake->server = server;
	handshake->fd = fd;
	handshake->uid = peer.uid;
	handshake->gid = peer.gid;
	handshake->since_ns = loop->now_ns(loop->arg);
	int rc = setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ? -errno : 0;
	if (rc == 0)
		rc = loop->add(loop->arg, fd, POLLIN, on_hello, handshake);
	if (rc < 0) {
		free(handshake);
		return rc;
	}
	append(server->host, handshake);
	return 0;
}

int qbs_spare_open(void) { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

/*
 * Accept a peer and close the connection, when all descriptors are used. Otherwise the peer would stay in the kernel's
 * queue and wake the loop again and again. The spare descriptor is closed meanwhile, so that there is a free one.
 */
static void turn_away(struct qbs_host *host, int fd)
{
	if (host->spare_fd >= 0)
		close(host->spare_fd);
	int caller = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (caller >= 0)
		qbs_close(host, caller);
	host->spare_fd = qbs_spare_open();
}

void qbs_on_caller(void *arg, int fd, uint32_t revents)
{
	struct qbs_server *server = arg;

	(void)revents;
	for (uint32_t i = 0; i < CALLERS_AT_ONCE; i++) {
		int caller = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (caller < 0 && (errno == EMFILE || errno == ENFILE)) {
			if (server->host->handshakes != NULL)
				end(find_excess(server->host));
			else
				turn_away(server->host, fd);
		}
		if (caller < 0)
			break;
		if (meet(server, caller) < 0)
			qbs_close(server->host, caller);
	}
	shed(server->host);
}
