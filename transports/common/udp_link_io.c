/* SPDX-License-Identifier: BSD-3-Clause */
/* Send and receive the frames of a UDP link in batches. Frames keep their order even if the socket is full. */
#include "transports/common/udp_link_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

/* Batches that are read at a time, before the loop handles other events. */
#define READ_ROUNDS 4
/*
 * Batches that are read in a drain: enough for a full receive buffer. A larger flood must not delay the token for ever.
 */
#define DRAIN_ROUNDS 512

/* ---- Receiving ----------------------------------------------------------- */

static bool link_accept(void *arg, const struct sockaddr *from, uint32_t count)
{
	struct udp_link *link = arg;
	struct peer *peer = peers_find_address(&link->peers, from);
	uint64_t now_ns = link->host->now_ns(link->ctx);
	uint64_t hidden;

	if (link->is_absent)
		return false;
	link->source = peer;
	link->source_ns = now_ns;
	if (peer != NULL && udp_link_is_opening(link))
		return !peer->is_local; /* on an encrypted link the address alone proves nothing */
	if (peer != NULL) {
		peer->heard_ns = now_ns;
		peer->refused_ns = peer->away_ns = 0;
		return !peer->is_local;
	}
	if (!link->blocks_unlisted && !udp_link_is_opening(link))
		return true;
	link->rejected += count;
	if (limiter_pass(&link->reject_log, now_ns, &hidden)) {
		char text[ADDRESS_TEXT_SIZE];

		link->host->log(link->ctx, LOG_DEBUG,
			"Packet rejected from %s: not in the node list (%ju more before this)",
			address_text(from, text), (uintmax_t)hidden);
	}
	return false;
}

static void link_read(struct udp_link *link, struct batch_in *in, int fd, int rounds_max)
{
	const struct batch_filter filter = {.accept = link_accept, .open = udp_link_open_datagram, .arg = link};

	for (int i = 0; i < rounds_max; i++) {
		int rc = batch_in_read(in, fd, &filter);

		if (rc == 0)
			return;
		if (rc < 0) {
			link->receive_errors++;
			icmp_drain(fd, udp_link_on_icmp, link);
		}
	}
}

int udp_link_drain(void *self)
{
	struct udp_link *link = self;

	if (link->group_fd >= 0)
		link_read(link, link->drain_in, link->group_fd, DRAIN_ROUNDS);
	return 0;
}

/* ---- Sending ------------------------------------------------------------- */

static void link_count_lost(struct udp_link *link, struct peer *peer, uint32_t lost, int error)
{
	char text[ADDRESS_TEXT_SIZE];
	char whom[32] = "all nodes";
	uint64_t hidden;

	if (lost == 0)
		return;
	peer->send_errors += lost;
	if (!limiter_pass(&link->send_log, link->host->now_ns(link->ctx), &hidden))
		return;
	if (peer->nodeid != 0)
		snprintf(whom, sizeof(whom), "node %u", peer->nodeid);
	link->host->log(link->ctx, LOG_INFO,
		"cannot send to %s at %s: %s; still trying (%ju more failures before this)", whom,
		address_text((struct sockaddr *)&peer->address, text), strerror(error), (uintmax_t)hidden);
}

/* Send frames until the socket is full. @return number of frames that were sent or dropped */
static uint32_t link_try(struct udp_link *link, struct peer *peer, struct coterie_frame *const *frames, uint32_t count)
{
	uint32_t lost;
	int error;

	/*
	 * Drop the frames. Without its address an IPv6 socket may still send, and an IPv4 socket may receive
	 * multicasts, but no answers arrive.
	 */
	if (link->is_absent) {
		link->out.errors += count;
		return count;
	}

	uint32_t done = batch_send(&link->out, &peer->offload, (struct sockaddr *)&peer->address, peer->address_size,
		frames, count, &lost, &error);

	if (done > 0)
		udp_link_note_result(link, done > lost, error);
	link_count_lost(link, peer, lost, error);
	return done;
}

/* Keep the frames for which the socket has no room. */
static void link_keep(struct udp_link *link, uint32_t nodeid, struct coterie_frame *const *frames, uint32_t count)
{
	if (count == 0)
		return;
	link->out.errors += count - pending_add(&link->pending, nodeid, frames, count);
	link->host->fd_mod(link->ctx, link->fd, COTERIE_FD_IN | COTERIE_FD_OUT);
}

void udp_link_send(struct udp_link *link, struct peer *peer, struct coterie_frame *const *frames, uint32_t count)
{
	uint32_t done = link_try(link, peer, frames, count);

	link_keep(link, peer->nodeid, frames + done, count - done);
}

/* Send the frames that wait, now that the socket has room: frames to one node in one call. */
static void link_flush(struct udp_link *link)
{
	struct coterie_frame *frames[BATCH_SEGMENTS_MAX];
	uint32_t nodeid;
	uint32_t count;

	while ((count = pending_front(&link->pending, &nodeid, frames, BATCH_SEGMENTS_MAX)) > 0) {
		struct peer *peer = nodeid == 0 ? &link->group : peers_find(&link->peers, nodeid);
		uint32_t done = peer == NULL ? count : link_try(link, peer, frames, count);

		pending_drop(&link->pending, done);
		if (done < count)
			return;
	}
	link->host->fd_mod(link->ctx, link->fd, COTERIE_FD_IN);
	link->host->writable(link->ctx);
}

void udp_link_fan_out(struct udp_link *link, struct coterie_frame *const *frames, uint32_t count)
{
	/* A host refuses no datagram to a group. */
	if (!link->hooks->has_group)
		sent_note(&link->sent, 0, frames, count);
	link->hooks->fan_out(link, frames, count);
}

int udp_link_multicast(void *self, struct coterie_frame *const *frames, uint32_t count)
{
	struct udp_link *link = self;

	if (link->fd < 0) {
		link->out.errors += count;
		return (int)count; /* the frames are lost: there is no network */
	}
	if (!pending_is_empty(&link->pending))
		return 0;
	if (secure_used(link->secure) != 0)
		return (int)udp_link_multicast_sealed(link, frames, count);
	udp_link_fan_out(link, frames, count);
	return (int)count;
}

int udp_link_token(void *self, uint32_t nodeid, struct coterie_frame *frame)
{
	struct udp_link *link = self;
	struct peer *peer = peers_find(&link->peers, nodeid);
	struct coterie_frame *sealed = NULL;

	if (peer == NULL || peer->is_local)
		return -ENOENT;
	if (link->fd < 0) {
		link->out.errors++;
		return 0;
	}
	if (secure_used(link->secure) != 0)
		frame = sealed = udp_link_seal(link, nodeid, frame);
	if (frame == NULL) {
		link->out.errors++; /* the frame is lost: the engine sends it again */
		return 0;
	}
	sent_note(&link->sent, nodeid, &frame, 1);
	if (!pending_is_empty(&link->pending))
		link_keep(link, nodeid, &frame, 1);
	else
		udp_link_send(link, peer, &frame, 1);
	if (sealed != NULL)
		link->host->frame_unref(sealed);
	return 0;
}

void udp_link_ready(void *arg, int fd, uint32_t revents)
{
	struct udp_link *link = arg;

	if ((revents & (COTERIE_FD_ERROR | COTERIE_FD_HANGUP)) != 0)
		icmp_drain(fd, udp_link_on_icmp, link);
	if ((revents & COTERIE_FD_OUT) != 0)
		link_flush(link);
	link_read(link, link->in, fd, READ_ROUNDS);
}
