/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection: how it is made, served and ended. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exec/qb/private.h"

#define LIMIT_FAST 50u
#define LIMIT_NORMAL 5u
/*
 * Requests that are handled after a client has hung up. Its library waits when about 280 wake-up bytes are unread: the
 * kernel's limit for a stream. A hostile client can leave 40,000 requests.
 */
#define LIMIT_LAST 4096u
/*
 * Requests of one client are handled for this long in one turn of the loop, and then for LOOK_EVERY requests at most.
 * The clock is not read more often, and not at all for a single request.
 */
#define TURN_NS UINT64_C(1000000)
#define LOOK_EVERY 4u
/*
 * Greatest number of wake-up bytes that are owed: the number of the smallest events that fit into the largest ring. An
 * honest client has no more unread events. A client that takes events without their bytes gets no more.
 */
#define BELLS_MAX (QBS_SIZE_MAX / 16u)
/* Wake-up bytes are sent in this many pieces in one turn. Its client could read them as fast, and so without end. */
#define BELLS_PIECES 64u

static const struct qbs_loop *loop_of(const struct qbs_connection *connection)
{
	return connection->server->host->loop;
}

/* --- the end of a connection --- */

static void destroy(struct qbs_connection *connection)
{
	struct qbs_server *server = connection->server;

	server->handlers->destroyed(connection->context);
	free(connection);
	qbs_server_release(server);
}

void qbs_enter(struct qbs_connection *connection) { connection->busy++; }

void qbs_leave(struct qbs_connection *connection)
{
	if (!connection->is_closed)
		connection->server->handlers->ready(connection->context);
	assert(connection->busy > 0);
	if (--connection->busy == 0 && connection->is_closed)
		destroy(connection);
}

void qbs_disconnect(struct qbs_connection *connection)
{
	if (connection->is_closed)
		return;
	connection->is_closed = true;
	connection->busy++;
	qbs_server_remove(connection);
	loop_of(connection)->del(loop_of(connection)->arg, connection->fd);
	if (connection->is_created)
		connection->server->handlers->closed(connection->context);
	qbs_close(connection->server->host, connection->fd);
	connection->transport->close(connection);
	if (--connection->busy == 0)
		destroy(connection);
}

/*
 * The shared memory is invalid. End the connection later, by an event of its stream, and not inside the present call.
 */
static void break_off(struct qbs_connection *connection)
{
	if (connection->is_broken)
		return;
	connection->is_broken = true;
	(void)shutdown(connection->fd, SHUT_RDWR);
	qbs_stream_listen(connection, POLLIN);
}

bool qbs_is_broken(const struct qbs_connection *connection) { return connection->is_broken; }

/* --- polling --- */

void qbs_stream_listen(struct qbs_connection *connection, uint32_t wanted)
{
	uint32_t events = wanted | (connection->bytes_owed > 0 ? POLLOUT : 0u);

	if (connection->is_closed || events == connection->fd_events)
		return;
	connection->fd_events = events;
	(void)loop_of(connection)->mod(loop_of(connection)->arg, connection->fd, events);
}

static bool is_read(const struct qbs_connection *connection)
{
	return !connection->is_closed && !connection->is_gone && !connection->is_paused && !connection->is_broken &&
	       connection->server->rate < QBS_RATE_OFF;
}

void qbs_listen(struct qbs_connection *connection)
{
	if (connection->is_closed || connection->is_broken)
		return;
	connection->is_muted = !is_read(connection);
	connection->transport->listen(connection, connection->is_muted ? 0u : POLLIN);
}

bool qbs_mute(struct qbs_connection *connection)
{
	if (is_read(connection))
		return false;
	qbs_listen(connection);
	return true;
}

void qbs_pause(struct qbs_connection *connection, bool is_paused)
{
	if (connection->is_paused == is_paused)
		return;
	connection->is_paused = is_paused;
	qbs_listen(connection);
}

void qbs_hold(struct qbs_connection *connection, bool is_held)
{
	if (connection->is_held == is_held)
		return;
	connection->is_held = is_held;
	if (!connection->is_closed)
		qbs_flow_apply(connection);
}

/* --- requests --- */

uint32_t qbs_limit(const struct qbs_connection *connection)
{
	switch (connection->server->rate) {
	case QBS_RATE_FAST:
		return LIMIT_FAST;
	case QBS_RATE_NORMAL:
		return LIMIT_NORMAL;
	case QBS_RATE_SLOW:
		return 1;
	case QBS_RATE_OFF:
	case QBS_RATE_OFF_2:
		return 0;
	}
	return 0;
}

/* Return whether the owner needs another turn before the last requests are handled and the connection ends. */
static bool is_awaited(struct qbs_connection *connection)
{
	const struct qbs_handlers *handlers = connection->server->handlers;

	return connection->is_created && handlers->hung_up != NULL && handlers->hung_up(connection->context);
}

static bool is_goodbye(const uint8_t *message, int64_t size)
{
	int32_t id;

	if (size < (int64_t)sizeof(id))
		return false;
	memcpy(&id, message, sizeof(id));
	return id == QBS_ID_GOODBYE;
}

static uint64_t now_ns(const struct qbs_connection *connection)
{
	return loop_of(connection)->now_ns(loop_of(connection)->arg);
}

uint32_t qbs_serve(struct qbs_connection *connection, uint32_t limit)
{
	const struct qbs_server *server = connection->server;
	const uint8_t *buffer = server->host->buffer;
	uint64_t end_ns = limit > LOOK_EVERY ? now_ns(connection) + TURN_NS : 0;
	uint32_t count = 0;
	int rc = 0;

	connection->is_late = false;
	while (rc >= 0 && count < limit && is_read(connection)) {
		connection->is_late = count > 0 && count % LOOK_EVERY == 0 && now_ns(connection) >= end_ns;
		if (connection->is_late)
			break;
		int64_t size = connection->transport->receive(connection);
		if (size == 0)
			break;
		if (size < 0) {
			break_off(connection);
			break;
		}
		count++;
		connection->stats.requests++;
		if (is_goodbye(buffer, size)) {
			connection->is_gone = true;
			if (!is_awaited(connection)) /* if so, the client closes its stream in the meantime */
				qbs_disconnect(connection);
			break;
		}
		rc = server->handlers->request(connection->context, buffer, (uint32_t)size);
	}
	return count;
}

/* --- the stream --- */

static uint32_t count_bytes(const struct qbs_connection *connection)
{
	int bytes = 0;

	return ioctl(connection->fd, FIONREAD, &bytes) < 0 || bytes < 0 ? 0 : (uint32_t)bytes;
}

/*
 * Read wake-up bytes from the stream. FIONREAD, which counts them, also counts an urgent byte, which no read returns.
 * In that case only a read shows the end of the stream.
 *
 * @return false: the client has hung up, has shut down its sending half, or has sent descriptors
 */
static bool take_bytes(const struct qbs_connection *connection, uint32_t count)
{
	uint8_t bytes[256];
	ssize_t taken = 1;

	while (count > 0 && taken > 0) {
		struct iovec iov = {bytes, count < sizeof(bytes) ? count : sizeof(bytes)};
		struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

		taken = qbs_receive(connection->server->host, connection->fd, &message);
		if (taken > 0)
			count -= (uint32_t)taken;
	}
	return taken > 0 || (taken < 0 && errno != EPROTO);
}

/*
 * Handle requests for the wake-up bytes on the stream. The client's library sends a byte after each request, so there
 * are as many requests as bytes. As many bytes are read as requests were handled. If there is no request, all bytes are
 * read and ignored.
 *
 * @return false: the client has hung up
 */
static bool serve_stream(struct qbs_connection *connection, uint32_t bytes, uint32_t limit)
{
	uint32_t wanted = bytes < limit ? bytes : limit;
	uint32_t count = connection->transport->type == QBS_TYPE_SHM ? qbs_serve(connection, wanted) : 0;

	if (count == 0)
		connection->stats.recv_retries++;
	return connection->is_closed || take_bytes(connection, count == 0 ? bytes : count);
}

/*
 * Handle the requests of a client that has hung up. A program may multicast and exit at once: its library has reported
 * that the message was sent.
 *
 * @return true: the time of this turn is over, and there may be more requests. The loop reports the hang-up in each
 *         turn, so the next turn handles them
 */
static bool take_last(struct qbs_connection *connection)
{
	uint32_t bytes, before = UINT32_MAX;

	if (connection->transport->type != QBS_TYPE_SHM) {
		connection->last_left -= qbs_serve(connection, connection->last_left);
		return connection->is_late;
	}
	connection->is_late = false;
	while (!connection->is_late && connection->last_left > 0 && is_read(connection) &&
		(bytes = count_bytes(connection)) > 0 && bytes < before) {
		uint64_t requests = connection->stats.requests;

		before = bytes;
		(void)serve_stream(connection, bytes, connection->last_left);
		connection->last_left -= (uint32_t)(connection->stats.requests - requests);
	}
	return connection->is_late;
}

/* The client has hung up. The loop reports that in each turn, until the connection ends. */
static void hang_up(struct qbs_connection *connection)
{
	if (!connection->is_broken && (is_awaited(connection) || take_last(connection)))
		return;
	qbs_disconnect(connection);
}

static void ring_owed(struct qbs_connection *connection)
{
	static const uint8_t bells[256];

	for (uint32_t piece = 0; piece < BELLS_PIECES && connection->bytes_owed > 0; piece++) {
		size_t size = connection->bytes_owed < sizeof(bells) ? connection->bytes_owed : sizeof(bells);
		ssize_t sent = send(connection->fd, bells, size, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent <= 0)
			break;
		connection->bytes_owed -= (uint32_t)sent;
	}
	if (connection->bytes_owed == 0)
		qbs_listen(connection);
}

int qbs_ring_bell(struct qbs_connection *connection)
{
	if (connection->bytes_owed == 0) {
		if (send(connection->fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
			return 0;
		if (errno != EAGAIN && errno != ENOBUFS)
			return -ENOTCONN;
	}
	if (connection->bytes_owed < BELLS_MAX)
		connection->bytes_owed++;
	if (connection->bytes_owed == 1)
		qbs_listen(connection);
	return 0;
}

void qbs_on_stream(void *arg, int fd, uint32_t revents)
{
	struct qbs_connection *connection = arg;
	uint32_t bytes;

	(void)fd;
	qbs_enter(connection);
	if ((revents & POLLOUT) != 0)
		ring_owed(connection);
	bytes = (revents & POLLIN) != 0 ? count_bytes(connection) : 0;
	if (connection->is_broken || connection->is_gone || (revents & (POLLHUP | POLLERR)) != 0 ||
		((revents & POLLIN) != 0 && bytes == 0)) {
		hang_up(connection);
	} else if (bytes > 0 && (connection->transport->type != QBS_TYPE_SHM || !qbs_mute(connection))) {
		if (!serve_stream(connection, bytes, qbs_limit(connection)))
			hang_up(connection);
	}
	qbs_leave(connection);
}

/* --- answers and events --- */

/* Return the bytes of all parts. -EMSGSIZE: too many for this connection */
static int64_t size_of(const struct qbs_connection *connection, const struct iovec *iov, uint32_t count)
{
	size_t size = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (iov[i].iov_len > connection->size_max - size)
			return -EMSGSIZE;
		size += iov[i].iov_len;
	}
	return (int64_t)size;
}

static int send_parts(struct qbs_connection *connection, const struct iovec *iov, uint32_t count,
	int (*put)(struct qbs_connection *, const struct iovec *, uint32_t, uint32_t), uint64_t *counter)
{
	if (connection->is_closed || connection->is_broken)
		return -ENOTCONN;
	int64_t size = size_of(connection, iov, count);
	if (size < 0)
		return (int)size;
	int rc = put(connection, iov, count, (uint32_t)size);
	if (rc == -EPROTO) {
		break_off(connection);
		return -ENOTCONN;
	}
	if (rc == -EAGAIN)
		connection->stats.send_retries++;
	if (rc == 0)
		++*counter;
	return rc;
}

int qbs_reply(struct qbs_connection *connection, const struct iovec *iov, uint32_t count)
{
	return send_parts(connection, iov, count, connection->transport->reply, &connection->stats.responses);
}

int qbs_event(struct qbs_connection *connection, const struct iovec *iov, uint32_t count)
{
	return send_parts(connection, iov, count, connection->transport->event, &connection->stats.events);
}

/* --- making a connection --- */

static int answer(int fd, const struct qbs_answer *message)
{
	ssize_t sent = send(fd, message, sizeof(*message), MSG_DONTWAIT | MSG_NOSIGNAL);

	return sent == (ssize_t)sizeof(*message) ? 0 : -ENOTCONN;
}

static struct qbs_connection *create(struct qbs_server *server, int fd, const struct qbs_peer *peer, uint32_t size_max)
{
	struct qbs_connection *connection = calloc(1, sizeof(*connection));

	if (connection == NULL)
		return NULL;
	connection->server = server;
	connection->transport = server->transport;
	connection->peer = *peer;
	connection->fd = fd;
	connection->request_fd = connection->event_fd = -1;
	connection->last_left = LIMIT_LAST;
	connection->size_max = size_max < sizeof(struct qbs_answer) ? sizeof(struct qbs_answer)
			       : size_max > QBS_SIZE_MAX            ? QBS_SIZE_MAX
								    : size_max;
	server->references++;
	return connection;
}

/* Create the shared files, and watch the stream on the loop. */
static int open_connection(struct qbs_connection *connection, struct qbs_answer *message)
{
	int rc = connection->transport->open(connection, message);

	if (rc < 0)
		return rc;
	connection->fd_events = POLLIN;
	rc = loop_of(connection)->add(loop_of(connection)->arg, connection->fd, POLLIN, qbs_on_stream, connection);
	if (rc < 0)
		connection->transport->close(connection);
	return rc;
}

static void refuse(struct qbs_host *host, int fd, struct qbs_answer *message, int rc)
{
	memset((uint8_t *)message + offsetof(struct qbs_answer, error), 0,
		sizeof(*message) - offsetof(struct qbs_answer, error));
	message->error = rc;
	(void)answer(fd, message);
	qbs_close(host, fd);
}

void qbs_connection_make(struct qbs_server *server, int fd, const struct qbs_peer *peer, const struct qbs_hello *hello)
{
	struct qbs_answer message = {.id = QBS_ID_HELLO, .size = sizeof(message)};
	struct qbs_connection *connection = create(server, fd, peer, hello->size_max);
	int rc = connection == NULL ? -ENOMEM
				    : server->handlers->accept(server->arg, connection, peer, &connection->context);

	if (rc < 0) {
		refuse(server->host, fd, &message, rc);
		free(connection);
		if (connection != NULL)
			qbs_server_release(server);
		return;
	}
	rc = open_connection(connection, &message);
	if (rc < 0) {
		refuse(server->host, fd, &message, rc);
		destroy(connection);
		return;
	}
	message.type = (int32_t)connection->transport->type;
	message.size_max = connection->size_max;
	qbs_server_add(connection);
	qbs_flow_apply(connection);
	connection->stats.flow_count = 0;
	qbs_listen(connection);
	if (answer(fd, &message) < 0) { /* the client has hung up already */
		qbs_disconnect(connection);
		return;
	}
	qbs_enter(connection);
	connection->is_created = true;
	server->handlers->created(connection->context);
	qbs_leave(connection);
}

uint32_t qbs_size_max(const struct qbs_connection *connection) { return connection->size_max; }

const struct qbs_stats *qbs_stats(const struct qbs_connection *connection) { return &connection->stats; }

void qbs_stats_clear(struct qbs_connection *connection)
{
	connection->stats = (struct qbs_stats){.flow = connection->stats.flow};
}
