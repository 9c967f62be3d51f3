/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/histories/fast.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- Opening ------------------------------------------------------------- */

bool fast_offer(struct fast *fast, struct coterie_channel_offer *offer)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t size = sizeof(name), head = offsetof(struct sockaddr_un, sun_path) + 1;

	*offer = (struct coterie_channel_offer){.features = COTERIE_CHANNEL_RINGS,
		.send_size = COTERIE_CHANNEL_SIZE_MIN,
		.receive_size = COTERIE_CHANNEL_RECEIVE_MIN};
	memcpy(offer->magic, COTERIE_CHANNEL_MAGIC, sizeof(offer->magic));
	fast->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The kernel chooses the socket's name. */
	if (fast->socket < 0 || bind(fast->socket, (const struct sockaddr *)&name, sizeof(name.sun_family)) < 0 ||
		listen(fast->socket, 1) < 0 || getsockname(fast->socket, (struct sockaddr *)&name, &size) < 0 ||
		size <= head || size - head > sizeof(offer->address)) {
		fast_close(fast);
		return false;
	}
	memcpy(offer->address, name.sun_path + 1, size - head);
	return true;
}

/* Receive the descriptors of the channel. The daemon has sent them before it answered. */
static bool take_parcel(int socket, const uint8_t token[16], int fds[2])
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(2 * sizeof(int))];
	} control;
	uint8_t bytes[17];
	struct iovec iov = {bytes, sizeof(bytes)};
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control.bytes)};
	int fd = accept4(socket, NULL, NULL, SOCK_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *header = size < 0 ? NULL : CMSG_FIRSTHDR(&message);

	if (fd >= 0)
		close(fd);
	if (header == NULL || header->cmsg_len != CMSG_LEN(2 * sizeof(int)))
		return false;
	memcpy(fds, CMSG_DATA(header), 2 * sizeof(int));
	return size == 16 && memcmp(bytes, token, 16) == 0;
}

static void ring_doorbell(struct fast *fast)
{
	struct coterie_request_header bell = {.id = COTERIE_CHANNEL_DOORBELL, .size = sizeof(bell)};

	testkit_send(fast->client, &bell, sizeof(bell));
}

bool fast_answer(struct fast *fast, struct testkit_client *client, const void *answer, uint32_t size, uint32_t plain)
{
	struct coterie_channel_grant grant;
	int fds[2] = {-1, -1};

	if (fast->socket < 0 || size < plain + sizeof(grant)) {
		if (fast->socket >= 0)
			fast_close(fast);
		return true;
	}
	memcpy(&grant, (const uint8_t *)answer + plain, sizeof(grant));
	if (take_parcel(fast->socket, grant.token, fds) &&
		coterie_channel_map(&fast->send, fds[0], grant.send_size) == 0)
		fast->is_open = coterie_channel_map(&fast->receive, fds[1], grant.receive_size) == 0;
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	close(fast->socket);
	fast->socket = -1;
	if (!fast->is_open)
		return false;
	fast->client = client;
	coterie_channel_say(&fast->receive.control->reader_armed);
	ring_doorbell(fast);
	return true;
}

void fast_close(struct fast *fast)
{
	if (fast->socket >= 0)
		close(fast->socket);
	coterie_channel_unmap(&fast->send);
	coterie_channel_unmap(&fast->receive);
	*fast = (struct fast){.socket = -1, .is_held = fast->is_held};
}

/* ---- Messages ------------------------------------------------------------ */

bool fast_send(struct fast *fast, uint32_t guarantee, const void *bytes, uint32_t size)
{
	const struct coterie_channel_message head = {.length = size, .guarantee = guarantee};
	uint32_t need = coterie_channel_padded(sizeof(head), size);

	if (coterie_channel_room(&fast->send) < need)
		return false;
	memcpy(coterie_channel_here(&fast->send), &head, sizeof(head));
	memcpy(coterie_channel_here(&fast->send) + sizeof(head), bytes, size);
	fast->send.at += need;
	coterie_channel_publish(&fast->send);
	if (coterie_channel_heard(&fast->send.control->reader_armed))
		ring_doorbell(fast);
	return true;
}

/* Read the next record and pass it on. @return false: the record is invalid */
static bool read_one(
	struct fast *fast, int64_t filled, void (*take)(void *arg, const struct fast_record *record), void *arg)
{
	struct coterie_channel_record head;
	const uint8_t *here = coterie_channel_here(&fast->receive);

	memcpy(&head, here, sizeof(head));
	if (filled < (int64_t)sizeof(head) || coterie_channel_padded(sizeof(head), head.length) > filled ||
		(head.kind != COTERIE_CHANNEL_MESSAGE && head.kind != COTERIE_CHANNEL_EVENT))
		return false;
	uint8_t *copy = malloc(head.length + 1);
	if (copy == NULL)
		abort();
	memcpy(copy, here + sizeof(head), head.length);
	fast->receive.at += coterie_channel_padded(sizeof(head), head.length);
	take(arg, &(struct fast_record){.is_message = head.kind == COTERIE_CHANNEL_MESSAGE,
			  .nodeid = head.nodeid,
			  .pid = head.pid,
			  .size = head.length,
			  .bytes = copy});
	free(copy);
	return true;
}

bool fast_read(struct fast *fast, void (*take)(void *arg, const struct fast_record *record), void *arg)
{
	struct coterie_channel_control *control = fast->receive.control;

	if (!fast->is_open || !fast->has_begun || fast->is_held)
		return true;
	for (int64_t filled; (filled = coterie_channel_filled(&fast->receive)) != 0;)
		if (filled < 0 || !read_one(fast, filled, take, arg))
			return false;
	coterie_channel_release(&fast->receive, fast->receive.at);
	if (coterie_channel_heard(&control->writer_waits))
		ring_doorbell(fast);
	coterie_channel_say(&control->reader_armed);
	return true;
}

bool fast_is_behind(struct fast *fast)
{
	return fast->socket >= 0 ||
	       (fast->is_open && (!fast->has_begun || fast->is_held || coterie_channel_filled(&fast->receive) != 0));
}
