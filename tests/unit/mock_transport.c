/* SPDX-License-Identifier: BSD-3-Clause */
/* The functions of the host table that only transports call. */
#include "tests/unit/mock_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The public struct is the first member, so that a plugin's pointer can be converted to this struct. */
struct mock_frame {
	struct coterie_frame frame;
	struct coterie_ctx *host;
	struct mock_frame *parent; /* if this frame is a slice: the whole frame */
	uint32_t refs;
};

static struct mock_frame *new_frame(struct coterie_ctx *host)
{
	struct mock_frame *frame = mock_need(calloc(1, sizeof(*frame)));

	frame->host = host;
	frame->refs = 1;
	host->frames_live++;
	host->frames_taken++;
	return frame;
}

static struct coterie_frame *host_frame_take(struct coterie_ctx *host, uint32_t capacity)
{
	if ((host->frames_max != 0 && host->frames_live >= host->frames_max) ||
		(host->frame_size_max != 0 && capacity > host->frame_size_max))
		return NULL;

	struct mock_frame *frame = new_frame(host);

	frame->frame.data = mock_need(malloc(capacity));
	frame->frame.capacity = capacity;
	return &frame->frame;
}

static struct coterie_frame *host_frame_slice(
	struct coterie_ctx *host, struct coterie_frame *buffer, uint32_t offset, uint32_t size)
{
	struct mock_frame *parent = (struct mock_frame *)buffer;

	if (host->frames_max != 0 && host->frames_live >= host->frames_max)
		return NULL;
	if (offset > buffer->size || size > buffer->size - offset)
		abort(); /* an error of the plugin */

	struct mock_frame *frame = new_frame(host);

	frame->frame = (struct coterie_frame){buffer->data + offset, size, size};
	frame->parent = parent;
	host->frames_sliced++;
	parent->refs++;
	return &frame->frame;
}

static void host_frame_ref(struct coterie_frame *frame) { ((struct mock_frame *)frame)->refs++; }

static void host_frame_unref(struct coterie_frame *visible)
{
	struct mock_frame *frame = (struct mock_frame *)visible;

	if (frame->refs == 0)
		abort();
	if (--frame->refs > 0)
		return;
	frame->host->frames_live--;
	if (frame->parent != NULL)
		host_frame_unref(&frame->parent->frame);
	else
		free(frame->frame.data);
	free(frame);
}

struct coterie_frame *mock_frame(struct coterie_ctx *host, const void *data, uint32_t size)
{
	struct coterie_frame *frame = host_frame_take(host, size + 1);

	if (frame != NULL && size > 0)
		memcpy(frame->data, data, size);
	if (frame != NULL)
		frame->size = size;
	return frame;
}

static void host_frames_in(struct coterie_ctx *host, const struct coterie_arrival *arrivals, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct coterie_frame *frame = arrivals[i].frame;
		struct iovec iov = {.iov_base = frame->data, .iov_len = frame->size};
		struct mock_message *message = mock_queue_add(&host->frames, host->batches, &iov, 1);
		bool is_v6 = arrivals[i].from->sa_family == AF_INET6;

		memcpy(&message->from, arrivals[i].from, is_v6 ? 28 : 16);
	}
	host->batches++;
	if (host->on_frames != NULL)
		host->on_frames(host->on_frames_arg);
}

static void host_link_state(struct coterie_ctx *host, uint32_t link, uint32_t is_up, const char *text)
{
	uint32_t bit = link < COTERIE_LINKS_MAX ? 1u << link : 0;

	host->link_reports++;
	host->link = link;
	host->link_is_up = is_up;
	host->links_up = is_up ? host->links_up | bit : host->links_up & ~bit;
	snprintf(host->link_text, sizeof(host->link_text), "%s", text);
}

static void host_peer_dead(struct coterie_ctx *host, uint32_t nodeid)
{
	if (host->dead_count < sizeof(host->dead) / sizeof(host->dead[0]))
		host->dead[host->dead_count++] = nodeid;
}

static void host_peer_refused(struct coterie_ctx *host, uint32_t nodeid, const void *quote, uint32_t size)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)quote, .iov_len = size};

	mock_queue_add(&host->refused, nodeid, &iov, 1);
}

static void host_peer_watch(struct coterie_ctx *host, uint32_t nodeid, uint32_t state)
{
	mock_queue_add(&host->watches, nodeid, &(struct iovec){&state, sizeof(state)}, 1);
}

static void host_writable(struct coterie_ctx *host) { host->writable_count++; }

void mock_transport_table(struct coterie_host *table)
{
	table->frame_take = host_frame_take;
	table->frame_slice = host_frame_slice;
	table->frame_ref = host_frame_ref;
	table->frame_unref = host_frame_unref;
	table->frames_in = host_frames_in;
	table->link_state = host_link_state;
	table->peer_dead = host_peer_dead;
	table->peer_refused = host_peer_refused;
	table->peer_watch = host_peer_watch;
	table->writable = host_writable;
}
