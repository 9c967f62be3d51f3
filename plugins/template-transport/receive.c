/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive datagrams from any sender. Each one is checked before it is used. */
#include "unixgram.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

#define COPY_MAX 4096u /* frames up to this size are copied: a reference would keep a whole buffer */
#define ROUNDS 4       /* batches that are read in one turn of the loop */
#define REJECT_PAUSE_NS UINT64_C(10000000000)

/*
 * Return whether a datagram is from a peer. A sender chooses its own name, which may be empty, abstract, long, or
 * without a NUL.
 */
static bool is_peer(const struct unixgram *unixgram, const struct sockaddr_un *from, socklen_t size)
{
	const size_t start = offsetof(struct sockaddr_un, sun_path);
	/* The kernel counts the NUL of a name with the greatest length, but there is no room for it. */
	size_t room = size < sizeof(*from) ? size : sizeof(*from);
	size_t length = room > start ? strnlen(from->sun_path, room - start) : 0;
	/* The sender may reach the folder by another path, so only the last part of the name is compared. */
	const char *slash = memrchr(from->sun_path, '/', length);

	if (slash == NULL)
		return false;
	length -= (size_t)(slash + 1 - from->sun_path);
	for (const struct unixgram_peer *peer = unixgram->peers; peer != NULL; peer = peer->next) {
		if (strlen(peer->sender) == length && memcmp(peer->sender, slash + 1, length) == 0)
			return true;
	}
	return false;
}

/* Count a rejected datagram, and log it at most once in a while: other users can cause any number of them. */
static void reject(struct unixgram *unixgram)
{
	uint64_t now_ns = unixgram->host->now_ns(unixgram->ctx);

	unixgram->stats.rejected++;
	if (now_ns < unixgram->reject_log_ns) {
		unixgram->reject_hidden++;
		return;
	}
	unixgram->host->log(unixgram->ctx, LOG_DEBUG,
		"packet dropped that no node of the list has sent (%ju more before this)",
		(uintmax_t)unixgram->reject_hidden);
	unixgram->reject_hidden = 0;
	unixgram->reject_log_ns = now_ns + REJECT_PAUSE_NS;
}

/*
 * Make a frame from the data in buffer i. A long frame keeps the buffer, and a new buffer replaces it. A short frame is
 * a copy.
 * @return the caller releases it; NULL: out of memory, and the frame is lost as in any network
 */
static struct coterie_frame *take(struct unixgram *unixgram, uint32_t i, uint32_t size)
{
	struct coterie_frame *buffer = unixgram->buffers[i];
	bool is_copied = size <= COPY_MAX;
	struct coterie_frame *fresh = unixgram->host->frame_take(unixgram->ctx, is_copied ? size : UNIXGRAM_FRAME_MAX);

	if (fresh == NULL)
		return NULL;
	if (is_copied) {
		memcpy(fresh->data, buffer->data, size);
		fresh->size = size;
		return fresh;
	}
	unixgram->buffers[i] = fresh;
	buffer->size = size;
	return buffer;
}

/* The datagrams of one system call, their senders, and the frames made from them. */
struct batch {
	struct mmsghdr messages[UNIXGRAM_BATCH];
	struct iovec parts[UNIXGRAM_BATCH];
	struct sockaddr_un names[UNIXGRAM_BATCH];
	struct coterie_arrival arrivals[UNIXGRAM_BATCH];
	uint32_t arrival_count;
};

static int read_batch(struct unixgram *unixgram, struct batch *batch)
{
	memset(batch->messages, 0, sizeof(batch->messages));
	for (uint32_t i = 0; i < UNIXGRAM_BATCH; i++) {
		struct msghdr *message = &batch->messages[i].msg_hdr;

		batch->parts[i].iov_base = unixgram->buffers[i]->data;
		batch->parts[i].iov_len = UNIXGRAM_FRAME_MAX;
		message->msg_iov = &batch->parts[i];
		message->msg_iovlen = 1;
		message->msg_name = &batch->names[i];
		message->msg_namelen = sizeof(batch->names[i]);
		/*
		 * There is no room for control messages. So if a sender attaches descriptors, the kernel closes them.
		 */
	}
	unixgram->stats.receive_calls++;

	int count = recvmmsg(unixgram->fd, batch->messages, UNIXGRAM_BATCH, MSG_DONTWAIT, NULL);

	if (count < 0 && errno != EAGAIN && errno != EINTR)
		unixgram->stats.receive_errors++;
	return count;
}

static void sort_out(struct unixgram *unixgram, struct batch *batch, uint32_t i)
{
	const struct msghdr *message = &batch->messages[i].msg_hdr;
	uint32_t size = batch->messages[i].msg_len;
	struct coterie_frame *frame = NULL;

	if (!is_peer(unixgram, &batch->names[i], message->msg_namelen)) {
		reject(unixgram);
		return;
	}
	/* An empty datagram, or one larger than a frame, is not from a peer, whatever its sender's name is. */
	if (size > 0 && (message->msg_flags & MSG_TRUNC) == 0)
		frame = take(unixgram, i, size);
	if (frame == NULL) {
		unixgram->stats.receive_errors++;
		return;
	}
	unixgram->stats.frames_in++;
	unixgram->stats.bytes_in += size;
	batch->arrivals[batch->arrival_count].frame = frame;
	batch->arrivals[batch->arrival_count].from = (const struct sockaddr *)&batch->names[i];
	batch->arrival_count++;
}

void unixgram_receive(void *arg, int fd, uint32_t revents)
{
	struct unixgram *unixgram = arg;
	int count = (int)UNIXGRAM_BATCH;

	(void)fd, (void)revents;
	for (int round = 0; round < ROUNDS && count == (int)UNIXGRAM_BATCH; round++) {
		struct batch batch;

		count = read_batch(unixgram, &batch);
		batch.arrival_count = 0;
		for (int i = 0; i < count; i++)
			sort_out(unixgram, &batch, (uint32_t)i);
		if (batch.arrival_count > 0)
			unixgram->host->frames_in(unixgram->ctx, batch.arrivals, batch.arrival_count);
		/* Code that needs a frame for longer has its own reference. */
		for (uint32_t i = 0; i < batch.arrival_count; i++)
			unixgram->host->frame_unref(batch.arrivals[i].frame);
	}
}
