/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sending and receiving many datagrams at a time: sendmmsg with segmentation offload, recvmmsg with receive offload.
 * The bytes on the wire are the same as without offload (book transports, "Batches").
 */
#ifndef COMMON_BATCH_H
#define COMMON_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <coterie/transport.h>

#include "transports/common/icmp.h"

/** Largest UDP payload over IPv4, and most bytes of one offloaded call. */
#define BATCH_DATAGRAM_MAX 65507u
/** Most datagrams in one offloaded call: kernels before 6.9 take no more. */
#define BATCH_SEGMENTS_MAX 64u
/** A single datagram of at most this size is copied, since a reference to it would keep a whole buffer in use. */
#define BATCH_COPY_MAX 4096u

/**
 * The sending side of one socket. Set fd and has_gso, and the other members to zero. After that only batch_send changes
 * the counters.
 */
struct batch_out {
	int fd;
	bool has_gso; /* use segmentation offload */
	/* Called with the errors that batch_send reads from the error queue. May be NULL. */
	void (*on_icmp)(void *arg, const struct icmp_report *report);
	void *arg;
	uint64_t datagrams, bytes, calls, errors; /* errors: datagrams that could not be sent */
};

/**
 * The limits of the offload on the way to one address, as the kernel or the device has shown them. All zero: no limit is
 * known. Only batch_send changes them.
 */
struct batch_offload {
	bool is_refused;   /* no offload is tried any more */
	uint32_t size_max; /* longest segment that is still tried, or 0: no limit is known */
};

/**
 * Return how many of the frames fit into one call: frames of equal size, the last of which may be shorter. A frame
 * longer than the limit is sent alone, and so is an empty one.
 *
 * @param count  at least 1
 * @return 1 .. BATCH_SEGMENTS_MAX
 */
uint32_t batch_run(const struct batch_out *out, const struct batch_offload *offload,
	struct coterie_frame *const *frames, uint32_t count);

/**
 * Send frames to one address, in order.
 *
 * A send may return the error of an earlier datagram to any address. Then the error queue is emptied and the send
 * repeated, so no frame is lost. A frame that cannot be sent is counted and skipped, since the engine handles losses.
 * An error that is about the offload is believed only if it comes each time, and no error was queued meanwhile.
 *
 * @param offload  limits of this address
 * @param frames   borrowed; count elements
 * @param lost     out: number of skipped frames. If it is not 0, *error is the positive errno of the last one
 * @return number of frames that were sent or skipped; fewer than count only if the socket is full
 */
uint32_t batch_send(struct batch_out *out, struct batch_offload *offload, const struct sockaddr *to, socklen_t to_size,
	struct coterie_frame *const *frames, uint32_t count, uint32_t *lost, int *error);

/** The receiving side of any number of sockets: buffers and counters. */
struct batch_in;

/** Functions by which the owner of a socket filters datagrams. */
struct batch_filter {
	/* Return whether to accept datagrams from this address. count: how many arrived together. */
	bool (*accept)(void *arg, const struct sockaddr *from, uint32_t count);
	/*
	 * Read one datagram of an accepted source, and maybe change it in place. The frame is [*offset, *offset +
	 * *size) of it, at first all of it. @return false: drop the datagram. NULL: each datagram is a frame.
	 */
	bool (*open)(void *arg, uint8_t *datagram, uint32_t *offset, uint32_t *size);
	void *arg;
};

/** Counters of the receiving side. */
struct batch_in_counts {
	/* Errors: datagrams that were empty, cut, or dropped for lack of memory. */
	uint64_t datagrams, bytes, calls, errors;
};

/**
 * Create the receiving side.
 *
 * @param host  borrowed until batch_in_destroy
 * @return caller frees with batch_in_destroy; NULL: out of memory
 */
struct batch_in *batch_in_create(const struct coterie_host *host, struct coterie_ctx *ctx);
void batch_in_destroy(struct batch_in *in);

/**
 * Read one batch and pass it to host->frames_in.
 *
 * @return 1: there may be more; 0: the socket is empty, or frames_in is on the stack; -errno, also of the network: the
 *     caller then empties the error queue
 */
int batch_in_read(struct batch_in *in, int fd, const struct batch_filter *filter);

const struct batch_in_counts *batch_in_counts(const struct batch_in *in);

#endif
