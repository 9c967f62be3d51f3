/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames: there is one socket to libknet, and each frame is a record. libknet cuts, encrypts and sends frames in
 * threads of its own. A frame contains its receiver (book transports, "knet"): behind the first nine bytes the engine
 * writes the node id, or 0 for all nodes. libknet calls the filter at both ends.
 */
#include "transports/knet/knet.h"

#include <byteswap.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "transports/common/peers.h"

/* Records in one system call, received and sent. */
#define BATCH_IN 16u
#define BATCH_OUT 64u
/* Batches that are read at a time, before the loop handles other events. */
#define READ_ROUNDS 4
/* Start of every frame: magic and target. */
#define HEADER_SIZE 13
#define TARGET_OFFSET 9
#define MAGIC 0xC070u

/* The filter. It runs in a thread of libknet, and depends only on its arguments. */
static int choose_hosts(void *arg, const unsigned char *frame, ssize_t size, uint8_t direction, knet_node_id_t here,
	knet_node_id_t from, int8_t *channel, knet_node_id_t *hosts, size_t *host_count)
{
	uint16_t magic;
	uint32_t target;

	(void)arg, (void)direction, (void)here, (void)from;
	if (size < HEADER_SIZE || *channel != 0)
		return -1;
	memcpy(&magic, frame, sizeof(magic));
	memcpy(&target, frame + TARGET_OFFSET, sizeof(target));
	if (magic == bswap_16(MAGIC)) /* the sender has the other byte order */
		target = bswap_32(target);
	if (target == 0)
		return 1;
	if (target > UINT16_MAX)
		return -1;
	hosts[0] = (knet_node_id_t)target;
	*host_count = 1;
	return 0;
}

/* Note that the data fd has failed, so that libknet no longer uses it. Runs in a thread of libknet. */
static void data_failed(void *arg, int fd, int8_t channel, uint8_t direction, int error, int why)
{
	struct mesh *mesh = arg;
	uint64_t one = 1;

	(void)fd, (void)channel, (void)direction;
	if (error > 0 || (error < 0 && why == EAGAIN))
		return;
	atomic_store(&mesh->is_broken, true);
	if (write(mesh->event_fd, &one, sizeof(one)) < 0)
		return; /* the eventfd is readable already */
}

/* ---- Sending ------------------------------------------------------------- */

static void count_lost(struct mesh *mesh, uint32_t lost, int error)
{
	uint64_t hidden;

	mesh->counts.send_errors += lost;
	if (limiter_pass(&mesh->send_limiter, mesh->host->now_ns(mesh->ctx), &hidden))
		mesh->host->log(mesh->ctx, LOG_WARNING,
			"cannot hand a frame to libknet: %s; still trying (%ju more before this)", strerror(error),
			(uintmax_t)hidden);
}

/*
 * Write frames until the socket to libknet is full. @return number of frames written; fewer than count: the socket is
 * full
 */
static uint32_t data_send(struct mesh *mesh, struct coterie_frame *const *frames, uint32_t count)
{
	struct mmsghdr messages[BATCH_OUT];
	struct iovec parts[BATCH_OUT];
	uint32_t done = 0;

	while (done < count) {
		uint32_t run = 0;

		for (; run < BATCH_OUT && done + run < count; run++) {
			const struct coterie_frame *frame = frames[done + run];

			/* Skip a frame without bytes: its record would look like the end of the socket. */
			if (frame->size < HEADER_SIZE || frame->size > KNET_MAX_PACKET_SIZE)
				break;
			parts[run] = (struct iovec){frame->data, frame->size};
			messages[run] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[run], .msg_iovlen = 1}};
		}
		int sent = run == 0 ? -1 : sendmmsg(mesh->data_fd, messages, run, MSG_DONTWAIT | MSG_NOSIGNAL);
		int error = run == 0 ? EMSGSIZE : errno;

		mesh->counts.send_calls++;
		for (int i = 0; i < sent; i++) {
			mesh->counts.frames_out++;
			mesh->counts.bytes_out += frames[done + (uint32_t)i]->size;
		}
		if (sent > 0)
			done += (uint32_t)sent;
		else if (error == EAGAIN || error == EWOULDBLOCK)
			return done;
		else if (error != EINTR) {
			count_lost(mesh, 1, error); /* the engine requests the frame again */
			done++;
		}
	}
	return done;
}

static void data_keep(struct mesh *mesh, struct coterie_frame *const *frames, uint32_t count)
{
	if (count == 0)
		return;
	/* Each frame contains its receiver, so one queue serves all receivers. */
	mesh->counts.send_errors += count - pending_add(&mesh->pending, 0, frames, count);
	mesh->host->fd_mod(mesh->ctx, mesh->data_fd, COTERIE_FD_IN | COTERIE_FD_OUT);
}

/* Send the frames that wait. @return whether none waits any more */
static bool data_flush(struct mesh *mesh)
{
	struct coterie_frame *frames[BATCH_OUT];
	uint32_t nodeid;
	uint32_t count;

	while ((count = pending_front(&mesh->pending, &nodeid, frames, BATCH_OUT)) > 0) {
		uint32_t done = data_send(mesh, frames, count);

		pending_drop(&mesh->pending, done);
		if (done < count)
			return false;
	}
	return true;
}

int mesh_multicast(void *self, struct coterie_frame *const *frames, uint32_t count)
{
	struct mesh *mesh = self;

	if (mesh->data_fd < 0) {
		mesh->counts.send_errors += count;
		return (int)count;
	}
	if (!pending_is_empty(&mesh->pending))
		return 0;

	uint32_t done = data_send(mesh, frames, count);

	data_keep(mesh, frames + done, count - done);
	return (int)count;
}

int mesh_token(void *self, uint32_t nodeid, struct coterie_frame *frame)
{
	struct mesh *mesh = self;
	const struct mesh_peer *peer = mesh_peer_find(mesh, nodeid);

	if (peer == NULL || peer->is_local)
		return -ENOENT;
	if (mesh->data_fd < 0)
		mesh->counts.send_errors++;
	else if (!pending_is_empty(&mesh->pending) || data_send(mesh, &frame, 1) == 0)
		data_keep(mesh, &frame, 1);
	return 0;
}

/* ---- Receiving ----------------------------------------------------------- */

/*
 * Make a frame of a record: a copy of its size. The ring may keep thousands of frames while a member lacks one of them. A
 * frame that kept its whole receive buffer would use up the pool, and no token could be read any more.
 */
static struct coterie_frame *copy_record(struct mesh *mesh, const uint8_t *record, uint32_t size)
{
	struct coterie_frame *frame = mesh->host->frame_take(mesh->ctx, size);

	if (frame == NULL)
		return NULL;
	memcpy(frame->data, record, size);
	frame->size = size;
	return frame;
}

/* Read a batch of records. @return whether there may be more */
static bool data_read(struct mesh *mesh)
{
	/* The frame contains its sender. Only libknet needs addresses. */
	static const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
	struct coterie_arrival arrivals[BATCH_IN];
	struct mmsghdr messages[BATCH_IN];
	struct iovec parts[BATCH_IN];
	uint32_t arrived = 0;

	for (uint32_t i = 0; i < BATCH_IN; i++) {
		parts[i] = (struct iovec){mesh->records[i], KNET_MAX_PACKET_SIZE};
		messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
	}
	int got = recvmmsg(mesh->data_fd, messages, BATCH_IN, MSG_DONTWAIT, NULL);

	mesh->counts.receive_calls++;
	for (int i = 0; i < got; i++) {
		struct coterie_frame *frame = NULL;

		mesh->counts.frames_in++;
		mesh->counts.bytes_in += messages[i].msg_len;
		if (messages[i].msg_len > 0 && (messages[i].msg_hdr.msg_flags & MSG_TRUNC) == 0)
			frame = copy_record(mesh, mesh->records[i], messages[i].msg_len);
		if (frame == NULL)
			mesh->counts.receive_errors++;
		else
			arrivals[arrived++] = (struct coterie_arrival){frame, &nowhere};
	}
	if (arrived > 0)
		mesh->host->frames_in(mesh->ctx, arrivals, arrived);
	for (uint32_t i = 0; i < arrived; i++)
		mesh->host->frame_unref(arrivals[i].frame);
	return got == (int)BATCH_IN;
}

static void data_ready(void *arg, int fd, uint32_t revents)
{
	struct mesh *mesh = arg;

	if ((revents & COTERIE_FD_OUT) != 0 && data_flush(mesh)) {
		mesh->host->fd_mod(mesh->ctx, fd, COTERIE_FD_IN);
		mesh->host->writable(mesh->ctx);
	}
	for (int i = 0; i < READ_ROUNDS && mesh->data_fd >= 0 && data_read(mesh); i++)
		;
}

/* ---- Life ---------------------------------------------------------------- */

int mesh_data_open(struct mesh *mesh)
{
	int8_t channel = 0;
	int rc = mesh_result(knet_handle_enable_filter(mesh->handle, mesh, choose_hosts));

	if (rc == 0)
		rc = mesh_result(knet_handle_enable_sock_notify(mesh->handle, mesh, data_failed));
	if (rc < 0)
		return rc;
	if (mesh->records == NULL)
		mesh->records = malloc(BATCH_IN * sizeof(*mesh->records));
	if (mesh->records == NULL)
		return -ENOMEM;
	mesh->pending.host = mesh->host;
	mesh->data_fd = 0; /* 0: libknet makes the pair of sockets */
	rc = mesh_result(knet_handle_add_datafd(mesh->handle, &mesh->data_fd, &channel));
	if (rc < 0) {
		mesh->data_fd = -1;
		return rc;
	}
	rc = mesh->host->fd_add(mesh->ctx, mesh->data_fd, COTERIE_FD_IN, 1, data_ready, mesh);
	if (rc < 0)
		mesh->data_fd = -1; /* closed together with the handle */
	return rc;
}

void mesh_data_repair(struct mesh *mesh)
{
	int rc;

	if (!atomic_exchange(&mesh->is_broken, false) || mesh->data_fd < 0)
		return;
	mesh->host->fd_del(mesh->ctx, mesh->data_fd);
	knet_handle_remove_datafd(mesh->handle, mesh->data_fd);
	rc = mesh_data_open(mesh);
	/* Frames that wait are sent when the new socket has room. Nothing else would ask for that. */
	if (rc == 0 && !pending_is_empty(&mesh->pending))
		mesh->host->fd_mod(mesh->ctx, mesh->data_fd, COTERIE_FD_IN | COTERIE_FD_OUT);
	mesh->host->log(mesh->ctx, rc < 0 ? LOG_ERR : LOG_WARNING, "the socket to libknet broke%s%s",
		rc < 0 ? " and cannot be made again: restart this node: " : " and was made again",
		rc < 0 ? strerror(-rc) : "");
}

void mesh_data_close(struct mesh *mesh)
{
	if (mesh->data_fd >= 0) {
		data_flush(mesh);
		mesh->host->fd_del(mesh->ctx, mesh->data_fd);
		mesh->data_fd = -1;
	}
	pending_fini(&mesh->pending);
	free(mesh->records);
	mesh->records = NULL;
}
