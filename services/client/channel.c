/* SPDX-License-Identifier: BSD-3-Clause */
#include "services/client/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>
#include <qb/qbipcc.h>

#include "services/client/daemon_user.h"
#include "services/client/error.h"
#include "services/client/fast_channel.h"

enum {
	NAME_SIZE = 64,
	INSTANCE_LENGTH_MAX = 31,
	/* While a call waits for a response, it checks at this interval whether the executive still runs. */
	RESPONSE_SLICE_MS = 2000,
	/* Upper limit of the bytes that one wake-up byte uses in the socket's send buffer (768 on Linux 6, amd64). */
	WAKEUP_COST_MAX = 4096,
};

/* Return whether a name matches [a-z0-9][a-z0-9_-]{0,30}. The result is the same in every locale. */
static bool is_instance_name(const char *name)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char later[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t length = strlen(name);

	return length > 0 && length <= INSTANCE_LENGTH_MAX && strchr(first, name[0]) != NULL &&
	       strspn(name, later) == length;
}

/* Return whether the process at the other end may be the daemon. The kernel keeps the user that called listen(2). */
static bool is_daemon(int fd, const char *instance)
{
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && daemon_user_is_trusted(peer.uid, instance);
}

/*
 * Connect in two steps. Between them the client has sent its first message and read nothing. libqb opens the files that
 * the answer names. So it must not read the answer of an untrusted process.
 *
 * @return 0; -EPERM: the process that listens is not trusted; -errno
 */
static int connect_daemon(struct channel *channel, const char *name, const char *instance)
{
	struct pollfd pollfd = {.fd = -1, .events = POLLIN};

	errno = 0;
	channel->connection = qb_ipcc_connect_async(name, CHANNEL_MESSAGE_SIZE_MAX, &pollfd.fd);
	if (channel->connection == NULL)
		return errno == 0 ? -ENOMEM : -errno;
	if (!is_daemon(pollfd.fd, instance)) {
		qb_ipcc_disconnect(channel->connection);
		return -EPERM;
	}
	(void)poll(&pollfd, 1, -1); /* a signal ends the wait, and libqb then returns -EAGAIN */
	int rc = qb_ipcc_connect_continue(channel->connection); /* frees the connection if it fails */

	return rc == -EPERM ? -ENOTCONN : rc;
}

int channel_open(struct channel *channel, const char *service, const char *instance)
{
	char name[NAME_SIZE];
	socklen_t option_size = sizeof(channel->wakeup_room_max);
	int length;
	int rc;

	if (instance == NULL || instance[0] == '\0')
		length = snprintf(name, sizeof(name), "%s", service);
	else if (is_instance_name(instance))
		length = snprintf(name, sizeof(name), "%s-%s", service, instance);
	else
		return -EINVAL;
	if (length < 0 || (size_t)length >= sizeof(name))
		return -EINVAL;

	*channel = (struct channel){0};
	rc = connect_daemon(channel, name, instance);
	if (rc < 0)
		return rc == -ENOENT ? -ECONNREFUSED : rc; /* a socket in the file system: no process listens */
	rc = qb_ipcc_fd_get(channel->connection, &channel->fd);
	if (rc < 0)
		goto disconnect;
	if (getsockopt(channel->fd, SOL_SOCKET, SO_SNDBUF, &channel->wakeup_room_max, &option_size) < 0)
		channel->wakeup_room_max = 0;
	pthread_mutex_init(&channel->call_lock, NULL); /* with default attributes this does not fail on Linux */
	pthread_mutex_init(&channel->send_lock, NULL);
	pthread_mutex_init(&channel->receive_lock, NULL);
	return 0;

disconnect:
	qb_ipcc_disconnect(channel->connection);
	return rc;
}

void channel_close(struct channel *channel)
{
	qb_ipcc_disconnect(channel->connection);
	pthread_mutex_destroy(&channel->receive_lock);
	pthread_mutex_destroy(&channel->send_lock);
	pthread_mutex_destroy(&channel->call_lock);
	fast_channel_close(atomic_load(&channel->fast));
}

/*
 * Shut the socket down. Every poll of this process then returns, and the executive handles the disconnect of the
 * client.
 */
void channel_interrupt(struct channel *channel)
{
	atomic_store(&channel->is_interrupted, true);
	(void)shutdown(channel->fd, SHUT_RDWR);
}

bool channel_is_interrupted(const struct channel *channel) { return atomic_load(&channel->is_interrupted); }

/* Return whether the executive has ended. A program that only repeats refused requests finds out by this check. */
bool channel_is_hung_up(const struct channel *channel)
{
	struct pollfd pollfd = {.fd = channel->fd, .events = POLLIN};

	return poll(&pollfd, 1, 0) > 0 && (pollfd.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

/*
 * Return whether the socket has room for a wake-up byte. libqb sends such a byte after each request, to wake the
 * executive. If the executive does not read and the socket is full, libqb repeats the write without a pause. So check
 * for room before a request is queued. Only this process fills the socket's send buffer, under send_lock, and the reader
 * empties it at any time. So room does not become less between two sends, and one check is valid for as many requests
 * as fit with WAKEUP_COST_MAX bytes each.
 *
 * If libqb uses sockets in place of shared memory, this descriptor is that of the events. Its send buffer is then
 * always empty, and libqb itself refuses requests that do not fit.
 */
static bool has_wakeup_room(struct channel *channel)
{
	int used;

	if (channel->wakeup_credit > 0) {
		channel->wakeup_credit--;
		return true;
	}
	if (channel->wakeup_room_max == 0 || ioctl(channel->fd, SIOCOUTQ, &used) < 0) {
		struct pollfd pollfd = {.fd = channel->fd, .events = POLLOUT};

		return poll(&pollfd, 1, 0) > 0;
	}
	if (used >= channel->wakeup_room_max)
		return false;
	channel->wakeup_credit = (uint32_t)(channel->wakeup_room_max - used) / WAKEUP_COST_MAX;
	return true;
}

/* Send a request. The caller holds send_lock. @return -EAGAIN: nothing was queued */
static int send_locked(struct channel *channel, enum channel_gate gate, const struct iovec *iov, unsigned int count)
{
	ssize_t rc;

	if (channel_is_interrupted(channel))
		return -EBADF;
	if (channel->is_out_of_step)
		return -ENOTCONN;
	if (!has_wakeup_room(channel))
		return channel_is_hung_up(channel) ? -ENOTCONN : -EAGAIN;
	if (gate != CHANNEL_GATE_ALL)
		(void)qb_ipcc_fc_enable_max_set(channel->connection, (uint32_t)gate);
	rc = qb_ipcc_sendv(channel->connection, iov, count);
	if (gate != CHANNEL_GATE_ALL)
		(void)qb_ipcc_fc_enable_max_set(channel->connection, CHANNEL_GATE_ALL);
	if (rc >= 0)
		return 0;
	if (rc == -EAGAIN || rc == -ETIMEDOUT)
		return channel_is_hung_up(channel) ? -ENOTCONN : -EAGAIN;
	return rc == -EMSGSIZE ? -EMSGSIZE : -ENOTCONN;
}

/* Wait for the response. The caller holds call_lock. */
static ssize_t response_locked(struct channel *channel, void *response, size_t response_size)
{
	for (;;) {
		ssize_t rc = qb_ipcc_recv(channel->connection, response, response_size, RESPONSE_SLICE_MS);

		if (rc >= 0)
			return rc;
		if (!qb_ipcc_is_connected(channel->connection))
			return -ENOTCONN;
		if (rc != -EAGAIN && rc != -ETIMEDOUT && rc != -EINTR) {
			/*
			 * Allow no more requests: the response may still arrive, and would be read as the answer to the
			 * next request.
			 */
			channel->is_out_of_step = true;
			return -ENOTCONN;
		}
	}
}

int channel_send(struct channel *channel, enum channel_gate gate, const struct iovec *iov, unsigned int count)
{
	pthread_mutex_lock(&channel->send_lock);
	int rc = send_locked(channel, gate, iov, count);

	pthread_mutex_unlock(&channel->send_lock);
	return rc;
}

ssize_t channel_call(struct channel *channel, enum channel_gate gate, const struct iovec *iov, unsigned int count,
	void *response, size_t response_size)
{
	pthread_mutex_lock(&channel->call_lock);
	ssize_t rc = channel_send(channel, gate, iov, count);

	if (rc == 0)
		rc = response_locked(channel, response, response_size);
	pthread_mutex_unlock(&channel->call_lock);
	return rc;
}

cs_error_t channel_request(
	struct channel *channel, const void *request, size_t request_size, void *response, size_t response_size)
{
	/* The cast removes const for struct iovec. The request is only read. */
	struct iovec iov = {.iov_base = (void *)(uintptr_t)request, .iov_len = request_size};
	ssize_t size = channel_call(channel, CHANNEL_GATE_ALL, &iov, 1, response, response_size);

	if (size < 0)
		return client_error(size);
	return client_response_error(response, (size_t)size, response_size);
}

/*
 * Take an event from libqb's ring. The caller holds receive_lock: without it two threads could read one event twice and
 * drop the next one unread.
 */
static ssize_t receive_locked(struct channel *channel, void *event, size_t size)
{
	ssize_t rc = -EBADF;

	if (!channel_is_interrupted(channel))
		rc = qb_ipcc_event_recv(channel->connection, event, size, 0);
	if (rc >= 0)
		return rc;
	if (channel_is_interrupted(channel))
		return -EBADF;
	return rc == -EAGAIN || rc == -ETIMEDOUT || rc == -ENOMSG || rc == -EINTR ? -EAGAIN : -ENOTCONN;
}

ssize_t channel_receive_into(struct channel *channel, void *event, size_t size)
{
	pthread_mutex_lock(&channel->receive_lock);
	ssize_t rc = receive_locked(channel, event, size);

	pthread_mutex_unlock(&channel->receive_lock);
	return rc;
}

/*
 * Take an event, unless the fast channel has begun. The lock is held during the question and its answer: the doorbell
 * after the first one belongs to fast_take, and must not be taken here.
 */
static ssize_t receive_unless_begun(struct channel *channel, void *event)
{
	pthread_mutex_lock(&channel->receive_lock);
	struct fast_channel *fast = atomic_load(&channel->fast);
	ssize_t rc = fast_has_begun(fast) ? -EALREADY : receive_locked(channel, event, CHANNEL_EVENT_SIZE_MAX);

	if (rc >= 0 && fast_begins(fast, event, (size_t)rc))
		rc = -EALREADY;
	pthread_mutex_unlock(&channel->receive_lock);
	return rc;
}

/*
 * Receive an event. Wait for it with poll() here, and not in libqb. libqb polls and then waits for a semaphore, which
 * only an event posts. If another thread takes the event in between, libqb's wait does not end.
 */
ssize_t channel_receive(struct channel *channel, void *event, bool is_waiting)
{
	struct pollfd pollfd = {.fd = channel->fd, .events = POLLIN};

	for (;;) {
		ssize_t rc = receive_unless_begun(channel, event);

		if (rc != -EAGAIN || !is_waiting)
			return rc;
		(void)poll(&pollfd, 1, -1);
	}
}
