/*
 * Implementation of <coterie/client.h>, the library for programs of services outside of this tree.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#pragma GCC visibility push(default)
#include <coterie/client.h>
#pragma GCC visibility pop

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "services/client/channel.h"

#define AGAIN_MS 10
#define TRY_AGAIN 6
#define CS_OK_NUMBER 1

struct coterie_connection {
	struct channel channel;
};

/* --- time --- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Wait a little before the next try. @return false: the time limit has passed */
static bool may_retry(int64_t began_ms, int timeout_ms)
{
	if (timeout_ms >= 0 && now_ms() - began_ms >= timeout_ms)
		return false;
	nanosleep(&(struct timespec){.tv_nsec = AGAIN_MS * 1000000L}, NULL);
	return true;
}

/* --- life --- */

int coterie_connection_open(struct coterie_connection **out, const char *service, const char *instance, int timeout_ms)
{
	int64_t began_ms = now_ms();
	int rc;

	*out = NULL;
	if (service == NULL || service[0] == '\0')
		return -EINVAL;
	struct coterie_connection *connection = malloc(sizeof(*connection));
	if (connection == NULL)
		return -ENOMEM;
	if (instance == NULL)
		instance = secure_getenv("COTERIE_INSTANCE");
	do
		rc = channel_open(&connection->channel, service, instance);
	while ((rc == -EAGAIN || rc == -ECONNREFUSED) && may_retry(began_ms, timeout_ms));
	if (rc < 0) {
		free(connection);
		return rc;
	}
	*out = connection;
	return 0;
}

void coterie_connection_close(struct coterie_connection *connection)
{
	if (connection == NULL)
		return;
	channel_close(&connection->channel);
	free(connection);
}

/* --- requests --- */

static bool is_size(const struct coterie_request_header *request)
{
	return request->size >= (int32_t)sizeof(*request) && request->size <= CHANNEL_MESSAGE_SIZE_MAX;
}

static struct iovec whole(const struct coterie_request_header *request)
{
	return (struct iovec){(void *)(uintptr_t)request, (size_t)request->size};
}

/*
 * Return the public error for an internal one. After a request that is too long or has to wait, the connection is still
 * usable. After any other error, such as an answer that does not fit, it is not.
 */
static int error_of(ssize_t rc) { return rc == -EAGAIN || rc == -EMSGSIZE ? (int)rc : -ENOTCONN; }

static int call(struct coterie_connection *connection, const struct coterie_request_header *request, void *answer,
	uint32_t answer_size, int timeout_ms)
{
	struct coterie_response_header header;
	int64_t began_ms = now_ms();

	do {
		struct iovec iov = whole(request);
		ssize_t size = channel_call(&connection->channel, CHANNEL_GATE_ALL, &iov, 1, answer, answer_size);

		if (size < 0 && error_of(size) != -EAGAIN)
			return connection->channel.is_out_of_step ? -ENOBUFS : error_of(size);
		if (size < 0) {
			header.error = TRY_AGAIN;
			continue;
		}
		if ((size_t)size < sizeof(header))
			return -EBADMSG;
		memcpy(&header, answer, sizeof(header));
	} while (header.error == TRY_AGAIN && may_retry(began_ms, timeout_ms));
	return header.error == CS_OK_NUMBER ? 0 : header.error > 0 ? header.error : -EBADMSG;
}

int coterie_connection_call(struct coterie_connection *connection, const struct coterie_request_header *request,
	void *answer, uint32_t answer_size, int timeout_ms)
{
	if (!is_size(request))
		return -EMSGSIZE;
	if (answer != NULL && answer_size < sizeof(struct coterie_response_header))
		return -ENOBUFS;
	void *room = answer == NULL ? malloc(CHANNEL_EVENT_SIZE_MAX) : NULL;
	if (answer == NULL && room == NULL)
		return -ENOMEM;
	int rc = room != NULL ? call(connection, request, room, CHANNEL_EVENT_SIZE_MAX, timeout_ms)
			      : call(connection, request, answer, answer_size, timeout_ms);

	free(room);
	return rc;
}

int coterie_connection_send(
	struct coterie_connection *connection, const struct coterie_request_header *request, int timeout_ms)
{
	int64_t began_ms = now_ms();
	int rc;

	if (!is_size(request))
		return -EMSGSIZE;
	do {
		struct iovec iov = whole(request);

		rc = channel_send(&connection->channel, CHANNEL_GATE_ALL, &iov, 1);
	} while (rc == -EAGAIN && may_retry(began_ms, timeout_ms));
	return rc == 0 ? 0 : error_of(rc);
}

/* --- events --- */

int coterie_connection_fd(const struct coterie_connection *connection) { return connection->channel.fd; }

int coterie_connection_dispatch(struct coterie_connection *connection,
	void (*event)(void *arg, const struct coterie_response_header *event), void *arg, int timeout_ms)
{
	struct pollfd pollfd = {.fd = connection->channel.fd, .events = POLLIN};
	int count = 0;

	if (poll(&pollfd, 1, timeout_ms) <= 0)
		return 0;
	uint8_t *bytes = malloc(CHANNEL_EVENT_SIZE_MAX);
	if (bytes == NULL)
		return -ENOMEM;
	ssize_t size;
	while ((size = channel_receive(&connection->channel, bytes, false)) >= 0) {
		if ((size_t)size < sizeof(struct coterie_response_header))
			continue;
		event(arg, (const struct coterie_response_header *)bytes);
		count++;
	}
	free(bytes);
	if (count > 0)
		return count; /* the next call reports the end of the connection */
	return size == -EAGAIN && !channel_is_hung_up(&connection->channel) ? 0 : -ENOTCONN;
}

/* --- errors --- */

const char *coterie_error_text(int rc)
{
	/* Texts, indexed by cs_error_t. */
	static const char *const texts[] = {[2] = "the service has failed",
		[5] = "the time for the answer is over",
		[6] = "try again: the service is busy, or its node has no quorum",
		[7] = "the service refuses the request",
		[8] = "the service has no memory",
		[9] = "the service does not know the client",
		[10] = "busy",
		[11] = "this user does not have the right",
		[12] = "there is no such thing",
		[13] = "a name is too long",
		[14] = "it exists",
		[15] = "there is no space",
		[16] = "interrupted: it is not known whether it happened",
		[19] = "the service does not support it",
		[21] = "the condition does not hold",
		[26] = "it is too big"};

	if (rc == 0)
		return "done";
	if (rc > 0)
		return (size_t)rc < sizeof(texts) / sizeof(texts[0]) && texts[rc] != NULL
			       ? texts[rc]
			       : "the service returns an error";
	switch (-rc) {
	case ECONNREFUSED:
		return "no daemon of this instance runs here with the service loaded: start it, or load the service";
	case EAGAIN:
		return "the daemon is starting or busy: try again";
	case EACCES:
		return "this user may not connect: coterie.conf(5), ACCESS";
	case EPERM:
		return "the process that listens is not trusted as the daemon: it is neither of root nor of this user";
	case ENOTCONN:
		return "the connection to the daemon is lost";
	case ENOBUFS:
		return "the answer is longer than the room for it";
	case EBADMSG:
		return "the answer has no header";
	case EMSGSIZE:
		return "the request has an invalid size";
	case EINVAL:
		return "this is no name of a service or an instance";
	}
	return strerror(-rc);
}
