/* SPDX-License-Identifier: BSD-3-Clause */
#include "transports/common/batch.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

/* Most messages in one call of sendmmsg. */
#define MESSAGES_MAX 32u
#define PARTS_MAX 256u

/* How often a send is repeated that has returned the error of an earlier datagram. */
#define TRIES_MAX 4

/* Every path carries a segment of this size. So if it is refused, the offload itself is refused. */
#define SEGMENT_SURE 1200u

/* Buffers for one recvmmsg. Each holds the largest datagram, or several datagrams in one piece. */
#define BUFFERS 8u
#define BUFFER_SIZE 65536u
/*
 * Datagrams in one read: a sender with a newer kernel combines up to 128. Frames that do not fit are passed to the host
 * in a second call.
 */
#define ARRIVALS_MAX (BUFFERS * 128u)

/* ---- Sending ------------------------------------------------------------- */

uint32_t batch_run(const struct batch_out *out, const struct batch_offload *offload,
	struct coterie_frame *const *frames, uint32_t count)
{
	uint32_t size = frames[0]->size;
	uint32_t total = size;
	uint32_t run = 1;

	if (!out->has_gso || offload->is_refused || size == 0 || (offload->size_max != 0 && size > offload->size_max))
		return 1;
	while (run < count && run < BATCH_SEGMENTS_MAX) {
		uint32_t next = frames[run]->size;

		if (next == 0 || next > size || next > BATCH_DATAGRAM_MAX - total)
			break;
		total += next;
		run++;
		if (next < size)
			break;
	}
	return run;
}

/* The arguments of one sendmmsg call. */
struct call {
	uint32_t count;              /* messages */
	uint32_t runs[MESSAGES_MAX]; /* frames in each message */
	struct mmsghdr messages[MESSAGES_MAX];
	struct iovec parts[PARTS_MAX];
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
	} control[MESSAGES_MAX];
};

static void call_add(struct call *call, struct iovec *parts, struct coterie_frame *const *frames, uint32_t run)
{
	struct msghdr *message = &call->messages[call->count].msg_hdr;

	for (uint32_t i = 0; i < run; i++)
		parts[i] = (struct iovec){.iov_base = frames[i]->data, .iov_len = frames[i]->size};
	message->msg_iov = parts;
	message->msg_iovlen = run;
	if (run > 1) {
		uint16_t segment = (uint16_t)frames[0]->size;
		struct cmsghdr *cmsg = &call->control[call->count].header;

		memset(&call->control[call->count], 0, sizeof(call->control[0]));
		cmsg->cmsg_level = IPPROTO_UDP;
		cmsg->cmsg_type = UDP_SEGMENT;
		cmsg->cmsg_len = CMSG_LEN(sizeof(segment));
		memcpy(CMSG_DATA(cmsg), &segment, sizeof(segment));
		message->msg_control = cmsg;
		message->msg_controllen = sizeof(call->control[0]);
	}
	call->runs[call->count++] = run;
}

/* Build the arguments of a call. singles: number of frames at the beginning that must be sent one by one. */
static void call_build(struct call *call, const struct batch_out *out, const struct batch_offload *offload,
	const struct sockaddr *to, socklen_t to_size, struct coterie_frame *const *frames, uint32_t count,
	uint32_t singles)
{
	uint32_t parts = 0;
	uint32_t at = 0;

	call->count = 0;
	while (at < count && call->count < MESSAGES_MAX) {
		uint32_t run = at < singles ? 1 : batch_run(out, offload, frames + at, count - at);
		struct msghdr *message = &call->messages[call->count].msg_hdr;

		if (parts + run > PARTS_MAX)
			break;
		memset(message, 0, sizeof(*message));
		message->msg_name = (void *)(uintptr_t)to; /* sendmmsg does not write to it */
		message->msg_namelen = to_size;
		call_add(call, call->parts + parts, frames + at, run);
		parts += run;
		at += run;
	}
}

/* Note that the kernel refuses the offload: the first single datagram of a refused run was sent. */
static void learn_refusal(struct batch_offload *offload, int error, uint32_t size)
{
	/* Older kernels also return EINVAL if a segment is longer than the path MTU. */
	if (error == EMSGSIZE || (error == EINVAL && size > SEGMENT_SURE))
		offload->size_max = size - 1;
	else
		offload->is_refused = true;
}

static bool is_offload_error(int error)
{
	return error == EIO || error == EINVAL || error == EMSGSIZE || error == EOPNOTSUPP || error == ENOPROTOOPT;
}

/* The state of batch_send while it works. */
struct progress {
	uint32_t done;    /* number of frames that were sent or skipped */
	uint32_t singles; /* frames below this index are sent one by one: their run was refused */
	int refusal;      /* the error of that run, until its cause is known */
	int tries;        /* attempts to send the frame at index done */
	bool has_reports; /* ICMP errors came meanwhile, so the errors of these attempts may be theirs */
};

static void advance(struct batch_out *out, struct batch_offload *offload, struct progress *progress,
	const struct call *call, uint32_t sent, struct coterie_frame *const *frames)
{
	if (progress->refusal != 0 && progress->done < progress->singles && sent > 0) {
		learn_refusal(offload, progress->refusal, frames[progress->done]->size);
		progress->refusal = 0;
	}
	for (uint32_t i = 0; i < sent; i++) {
		for (uint32_t k = 0; k < call->runs[i]; k++)
			out->bytes += frames[progress->done + k]->size;
		out->datagrams += call->runs[i];
		progress->done += call->runs[i];
	}
	progress->tries = 0;
	progress->has_reports = false;
}

uint32_t batch_send(struct batch_out *out, struct batch_offload *offload, const struct sockaddr *to, socklen_t to_size,
	struct coterie_frame *const *frames, uint32_t count, uint32_t *lost, int *error)
{
	struct progress at = {0};
	struct call call;

	*lost = 0;
	*error = 0;
	while (at.done < count) {
		uint32_t singles = at.singles > at.done ? at.singles - at.done : 0;

		call_build(&call, out, offload, to, to_size, frames + at.done, count - at.done, singles);
		out->calls++;

		int sent = sendmmsg(out->fd, call.messages, call.count, MSG_DONTWAIT | MSG_NOSIGNAL);
		int code = errno;

		if (sent > 0) {
			advance(out, offload, &at, &call, (uint32_t)sent, frames);
			continue;
		}
		if (code == EINTR)
			continue;
		if (code == EAGAIN || code == EWOULDBLOCK)
			break;
		/*
		 * This may be the error of an earlier datagram, or of one that a forger names. If so, the send does not
		 * return it again after the queue was read. The queue may lack the error: the kernel does not add it
		 * while the receive buffer is full.
		 */
		if (icmp_drain(out->fd, out->on_icmp, out->arg) > 0)
			at.has_reports = true;
		if (++at.tries < TRIES_MAX)
			continue;

		bool has_reports = at.has_reports;

		at.tries = 0;
		at.has_reports = false;
		if (call.runs[0] > 1 && is_offload_error(code)) {
			at.singles = at.done + call.runs[0];
			at.refusal = has_reports ? 0 : code;
			continue;
		}
		*lost += call.runs[0];
		*error = code;
		out->errors += call.runs[0];
		at.done += call.runs[0];
		at.refusal = 0; /* the offload is not the cause */
	}
	return at.done;
}

/* ---- Receiving ----------------------------------------------------------- */

struct batch_in {
	const struct coterie_host *host;
	struct coterie_ctx *ctx;
	bool is_busy; /* frames_in is on the stack */
	struct batch_in_counts counts;
	struct coterie_frame *buffers[BUFFERS]; /* all are always allocated, so that reading never fails */
	struct mmsghdr messages[BUFFERS];
	struct iovec parts[BUFFERS];
	struct sockaddr_storage names[BUFFERS];
	union {
		struct cmsghdr header;
		uint8_t bytes[128];
	} control[BUFFERS];
	uint32_t arrival_count;
	struct coterie_arrival arrivals[ARRIVALS_MAX]; /* with a reference to each frame */
};

void batch_in_destroy(struct batch_in *in)
{
	if (in == NULL)
		return;
	for (uint32_t i = 0; i < BUFFERS; i++) {
		if (in->buffers[i] != NULL)
			in->host->frame_unref(in->buffers[i]);
	}
	free(in);
}

struct batch_in *batch_in_create(const struct coterie_host *host, struct coterie_ctx *ctx)
{
	struct batch_in *in = calloc(1, sizeof(*in));

	if (in == NULL)
		return NULL;
	in->host = host;
	in->ctx = ctx;
	for (uint32_t i = 0; i < BUFFERS; i++) {
		in->buffers[i] = host->frame_take(ctx, BUFFER_SIZE);
		if (in->buffers[i] == NULL) {
			batch_in_destroy(in);
			return NULL;
		}
	}
	return in;
}

const struct batch_in_counts *batch_in_counts(const struct batch_in *in) { return &in->counts; }

/* Prepare the messages for recvmmsg. */
static void prepare(struct batch_in *in)
{
	for (uint32_t i = 0; i < BUFFERS; i++) {
		in->parts[i] = (struct iovec){.iov_base = in->buffers[i]->data, .iov_len = BUFFER_SIZE};
		in->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &in->names[i],
			.msg_namelen = sizeof(in->names[i]),
			.msg_iov = &in->parts[i],
			.msg_iovlen = 1,
			.msg_control = &in->control[i],
			.msg_controllen = sizeof(in->control[i]),
		};
	}
}

static void hand_up(struct batch_in *in)
{
	uint32_t count = in->arrival_count;

	if (count == 0)
		return;
	in->is_busy = true;
	in->host->frames_in(in->ctx, in->arrivals, count);
	in->is_busy = false;
	for (uint32_t i = 0; i < count; i++)
		in->host->frame_unref(in->arrivals[i].frame);
	in->arrival_count = 0;
}

/* Add a frame to the arrivals. frame: taken. */
static void add_arrival(struct batch_in *in, struct coterie_frame *frame, const struct sockaddr *from)
{
	if (in->arrival_count == ARRIVALS_MAX)
		hand_up(in);
	in->arrivals[in->arrival_count++] = (struct coterie_arrival){.frame = frame, .from = from};
}

static struct coterie_frame *copy(struct batch_in *in, const uint8_t *data, uint32_t size)
{
	struct coterie_frame *frame = in->host->frame_take(in->ctx, size);

	if (frame == NULL)
		return NULL;
	memcpy(frame->data, data, size);
	frame->size = size;
	return frame;
}

/* Return the size of one datagram of a message, or the whole size if the message is a single datagram. */
static uint32_t segment_size(struct msghdr *message, uint32_t total)
{
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(message); cmsg != NULL; cmsg = CMSG_NXTHDR(message, cmsg)) {
		int segment;

		if (cmsg->cmsg_level != IPPROTO_UDP || cmsg->cmsg_type != UDP_GRO ||
			cmsg->cmsg_len < CMSG_LEN(sizeof(segment)))
			continue;
		memcpy(&segment, CMSG_DATA(cmsg), sizeof(segment));
		if (segment > 0 && (uint32_t)segment < total)
			return (uint32_t)segment;
	}
	return total;
}

/*
 * Cut one message into frames. Slices of a long message reference its buffer, and a new buffer replaces that buffer for
 * the next read. If there is no memory for a new buffer, the frames are copies, and the old buffer stays.
 */
static void cut(
	struct batch_in *in, const struct batch_filter *filter, uint32_t index, uint32_t total, uint32_t segment)
{
	struct coterie_frame *buffer = in->buffers[index];
	const struct sockaddr *from = (const struct sockaddr *)&in->names[index];
	struct coterie_frame *replacement = NULL;

	if (total > BATCH_COPY_MAX)
		replacement = in->host->frame_take(in->ctx, BUFFER_SIZE);
	buffer->size = total;
	for (uint32_t offset = 0; offset < total; offset += segment) {
		uint32_t size = total - offset < segment ? total - offset : segment;
		uint32_t begin = 0;
		struct coterie_frame *frame = NULL;

		if (filter->open != NULL && !filter->open(filter->arg, buffer->data + offset, &begin, &size))
			continue;
		if (replacement != NULL)
			frame = in->host->frame_slice(in->ctx, buffer, offset + begin, size);
		if (frame == NULL)
			frame = copy(in, buffer->data + offset + begin, size);
		if (frame == NULL) {
			in->counts.errors++;
			continue;
		}
		in->counts.datagrams++;
		add_arrival(in, frame, from);
	}
	in->counts.bytes += total;
	if (replacement != NULL) {
		in->host->frame_unref(buffer);
		in->buffers[index] = replacement;
	}
}

int batch_in_read(struct batch_in *in, int fd, const struct batch_filter *filter)
{
	if (in->is_busy)
		return 0;
	prepare(in);
	in->counts.calls++;

	int count = recvmmsg(fd, in->messages, BUFFERS, MSG_DONTWAIT, NULL);

	if (count < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -errno;
	for (uint32_t i = 0; i < (uint32_t)count; i++) {
		struct msghdr *message = &in->messages[i].msg_hdr;
		uint32_t total = in->messages[i].msg_len;
		uint32_t segment = segment_size(message, total);

		if (total == 0 || (message->msg_flags & MSG_TRUNC) != 0) {
			in->counts.errors++;
			continue;
		}
		if (filter->accept(
			    filter->arg, (const struct sockaddr *)&in->names[i], (total + segment - 1) / segment))
			cut(in, filter, i, total, segment);
	}
	hand_up(in);
	return (uint32_t)count == BUFFERS ? 1 : 0;
}
