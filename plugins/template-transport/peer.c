/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One peer: send to it, queue the frames for which there is no room, and notice when the peer ends. A peer that does
 * not read must not delay the other ones, so each peer has its own socket and queue.
 */
#include "unixgram.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SEND_BUFFER (4 << 20) /* bytes that may be in flight to one peer, if the system allows so many */

/* Drop the first frames of the queue. */
static void forget(struct unixgram_peer *peer, uint32_t count)
{
	for (; count > 0; count--) {
		peer->owner->host->frame_unref(peer->queue[peer->first]);
		peer->first = (peer->first + 1) % UNIXGRAM_QUEUE_MAX;
		peer->count--;
	}
}

/*
 * Connect to the peer, also if the socket is connected already. This shows whether a daemon runs there. @return 0;
 * -errno
 */
static int reach(struct unixgram_peer *peer)
{
	int rc = connect(peer->fd, (const struct sockaddr *)&peer->address, sizeof(peer->address));

	peer->is_there = rc == 0;
	return rc == 0 ? 0 : -errno;
}

/*
 * Have the probe timer report the peer soon. It cannot be reported here, since the host has called send() and must not
 * be called from inside of it.
 */
static void report_soon(struct unixgram_peer *peer)
{
	unixgram_probe_at(peer->owner, peer->owner->host->now_ns(peer->owner->ctx));
}

/* Note that the kernel has refused the frame, since no process has the peer's socket open. */
static void note_refusal(struct unixgram_peer *peer, const struct coterie_frame *frame)
{
	peer->is_there = false;
	peer->has_ended = peer->is_told;
	if (peer->quote_count < UNIXGRAM_QUOTES_MAX) {
		struct unixgram_quote *quote = &peer->quotes[peer->quote_count++];

		quote->size = frame->size < UNIXGRAM_QUOTE_MAX ? frame->size : UNIXGRAM_QUOTE_MAX;
		memcpy(quote->bytes, frame->data, quote->size);
	}
	report_soon(peer);
}

/* ---- Sending --- */

/* Send frames with one system call. @return number of frames sent, at least one; -errno */
static int send_batch(struct unixgram_peer *peer, struct coterie_frame *const *frames, uint32_t count)
{
	struct coterie_transport_stats *stats = &peer->owner->stats;
	struct mmsghdr messages[UNIXGRAM_BATCH] = {0};
	struct iovec parts[UNIXGRAM_BATCH];

	if (count > UNIXGRAM_BATCH)
		count = UNIXGRAM_BATCH;
	for (uint32_t i = 0; i < count; i++) {
		parts[i].iov_base = frames[i]->data;
		parts[i].iov_len = frames[i]->size;
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	stats->send_calls++;

	int sent = sendmmsg(peer->fd, messages, count, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0)
		return -errno;
	for (int i = 0; i < sent; i++)
		stats->bytes_out += frames[i]->size;
	stats->frames_out += (uint32_t)sent;
	return sent;
}

/*
 * Send frames while there is room. @return number of frames that were sent or lost; fewer than count: the peer's socket
 * is full
 */
static uint32_t send_frames(struct unixgram_peer *peer, struct coterie_frame *const *frames, uint32_t count)
{
	uint32_t done = 0;

	while (done < count) {
		int rc = send_batch(peer, frames + done, count - done);

		if (rc > 0) {
			done += (uint32_t)rc;
		} else if (rc == -EAGAIN) {
			return done;
		} else if (rc == -EMSGSIZE || rc == -ENOBUFS || rc == -ENOMEM) {
			peer->owner->stats.send_errors++; /* this frame is lost, as a frame may be in a network */
			done++;
		} else if (rc != -EINTR) {
			note_refusal(peer, frames[done]); /* this frame and those behind it are lost */
			return count;
		}
	}
	return done;
}

/* Send queued frames. The loop calls this when the peer has room again. */
static void ready(void *arg, int fd, uint32_t revents)
{
	struct unixgram_peer *peer = arg;

	(void)revents;
	while (peer->count > 0) {
		uint32_t run = UNIXGRAM_QUEUE_MAX - peer->first; /* from the first queued frame to the end of the
								  * array */

		if (run > peer->count)
			run = peer->count;

		uint32_t done = send_frames(peer, peer->queue + peer->first, run);

		forget(peer, done);
		if (done < run)
			return;
	}
	peer->owner->host->fd_mod(peer->owner->ctx, fd, 0);
}

void unixgram_peer_put(struct unixgram_peer *peer, struct coterie_frame *const *frames, uint32_t count)
{
	const struct coterie_host *host = peer->owner->host;
	uint32_t done = 0;

	if (!peer->is_there)
		return; /* unixgram_peer_check finds the peer when it runs again */
	if (peer->count == 0)
		done = send_frames(peer, frames, count);
	if (done == count)
		return;
	if (peer->count == 0)
		host->fd_mod(peer->owner->ctx, peer->fd, COTERIE_FD_OUT);
	for (; done < count && peer->count < UNIXGRAM_QUEUE_MAX; done++) {
		host->frame_ref(frames[done]); /* the caller owns the frame, so take a reference */
		peer->queue[(peer->first + peer->count++) % UNIXGRAM_QUEUE_MAX] = frames[done];
	}
	peer->owner->stats.send_errors += count - done;
}

/*
 * Send one frame even if no daemon seems to run there. Multicasts are also for nodes that have been down for long. But
 * a single frame is for a node of the ring, or for a suspect. The kernel then shows whether a daemon runs there,
 * perhaps a new one.
 */
void unixgram_peer_put_one(struct unixgram_peer *peer, struct coterie_frame *frame)
{
	if (!peer->is_there && peer->fd >= 0) {
		int rc = reach(peer);

		if (rc == 0)
			report_soon(peer);
		else if (rc == -ECONNREFUSED || rc == -ENOENT)
			note_refusal(peer, frame);
	}
	unixgram_peer_put(peer, &frame, 1);
}

/* ---- Opening and closing --- */

/*
 * Open the socket to a peer. The receiver takes the sender's node id from the name of this socket. All sockets to peers
 * have the same name, so the file is removed as soon as a socket is bound to it. This node's lock keeps other daemons
 * from using that name.
 */
int unixgram_peer_open(struct unixgram_peer *peer)
{
	struct unixgram *unixgram = peer->owner;
	const struct coterie_host *host = unixgram->host;
	struct sockaddr_un name = unixgram_name(unixgram, host->local_nodeid(unixgram->ctx), ".out");
	int size = SEND_BUFFER;

	unlink(name.sun_path); /* this file is left if a daemon died between bind and the unlink below */

	int fd = unixgram_bind(&name);

	if (fd < 0)
		return fd;
	unlink(name.sun_path);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)); /* the transport also works with a smaller buffer */

	/* 0: poll for no event, since nothing waits to be sent */
	int rc = host->fd_add(unixgram->ctx, fd, 0, 1, ready, peer);

	if (rc < 0) {
		close(fd);
		return rc;
	}
	peer->fd = fd;
	reach(peer);
	return 0;
}

void unixgram_peer_close(struct unixgram_peer *peer)
{
	forget(peer, peer->count);
	peer->is_there = false;
	peer->quote_count = 0;
	if (peer->fd < 0)
		return;
	peer->owner->host->fd_del(peer->owner->ctx, peer->fd);
	close(peer->fd);
	peer->fd = -1;
}

/*
 * Report a state of the peer to the host. Only a host of ABI 1.4 and later has peer_watch. Without it the ring waits
 * for its own timeouts.
 */
static void tell(struct unixgram_peer *peer, uint32_t state)
{
	const struct coterie_host *host = peer->owner->host;

	if (COTERIE_HAS(host, peer_watch))
		host->peer_watch(peer->owner->ctx, peer->nodeid, state);
}

/*
 * Report refused frames to the host. During this call the host may send a question to the peer. If that is refused too,
 * it is reported by the next call.
 */
static void tell_refusals(struct unixgram_peer *peer)
{
	const struct coterie_host *host = peer->owner->host;
	uint32_t count = peer->quote_count;

	for (uint32_t i = 0; i < count && !peer->is_there && COTERIE_HAS(host, peer_refused); i++)
		host->peer_refused(peer->owner->ctx, peer->nodeid, peer->quotes[i].bytes, peer->quotes[i].size);
	peer->quote_count -= count;
	memmove(&peer->quotes[0], &peer->quotes[count], peer->quote_count * sizeof(peer->quotes[0]));
}

/*
 * The kernel closes the socket of a daemon that ends, however it ends. This alone removes no member: the ring sends the
 * peer a question. If the kernel refuses the question too, and the peer stays silent, its daemon has certainly ended.
 */
void unixgram_peer_check(struct unixgram_peer *peer)
{
	int rc = reach(peer);

	if (rc < 0)
		forget(peer, peer->count); /* a daemon that starts later cannot use these frames */
	if (rc == -ECONNREFUSED || rc == -ENOENT)
		peer->has_ended = peer->is_told;
	if (peer->has_ended) {
		peer->has_ended = peer->is_told = false;
		tell(peer, COTERIE_WATCH_CLOSED);
	}
	tell_refusals(peer);
	if (peer->is_there && !peer->is_told) {
		peer->is_told = true;
		tell(peer, COTERIE_WATCH_ON);
	}
}

void unixgram_peer_unwatch(struct unixgram_peer *peer)
{
	if (peer->is_told)
		tell(peer, COTERIE_WATCH_OFF);
	peer->is_told = peer->has_ended = false;
}
