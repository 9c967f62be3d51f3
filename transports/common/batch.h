/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sending and receiving many datagrams at a time: sendmmsg with segmentation offload, recvmmsg with
 * receive offload. The bytes on the wire are those of single sends, with or without
 * (book transports, "Batches").
 */
#ifndef COMMON_BATCH_H
#define COMMON_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <coterie/transport.h>

#include "transports/common/icmp.h"

/** Largest UDP payload over IPv4, and what one offloaded call may hold together. */
#define BATCH_DATAGRAM_MAX 65507u
/** Datagrams in one offloaded call: kernels before 6.9 take no more. */
#define BATCH_SEGMENTS_MAX 64u
/** A single datagram of at most this size is copied, since it would keep a whole buffer in use. */
#define BATCH_COPY_MAX 4096u

/** The sending side of one socket. Fill fd and has_gso, zero the rest, then use batch_send alone.
 */
struct batch_out {
	int fd;
	bool has_gso;          /* off for good after the kernel or the device refused it */
	uint32_t gso_size_max; /* longest segment still worth trying, or 0 if no limit is known */
	void (*on_icmp)(void *arg, const struct icmp_report *report); /* or NULL; sees drained errors */
	void *arg;
	uint64_t datagrams, bytes, calls, errors; /* errors: datagrams given up */
};

/**
 * Return how many of the frames fit into one call: a run of equal sizes, which a shorter frame may end. A frame longer
 * than the limit is sent alone, and so is an empty one.
 *
 * @param count  at least 1
 * @return 1 .. BATCH_SEGMENTS_MAX
 */
uint32_t batch_run(const struct batch_out *out, struct coterie_frame *const *frames, uint32_t count);

/**
 * Send frames to one address, in order.
 *
 * A send may return the error of an earlier datagram to any address. Then the error queue is emptied and the send
 * repeated, so no frame is lost. A frame that cannot be sent is counted and skipped, since the engine handles losses.
 *
 * @param frames  borrowed; count elements
 * @param lost    out: number of skipped frames; *error is then the positive errno of the last one
 * @return frames done with, sent or lost; fewer than count only when the socket is full
 */
uint32_t batch_send(struct batch_out *out, const struct sockaddr *to, socklen_t to_size,
	struct coterie_frame *const *frames, uint32_t count, uint32_t *lost, int *error);

/** The receiving side of any number of sockets: buffers and counters. */
struct batch_in;

/** Callbacks of the owner of a socket about a source of datagrams. */
struct batch_filter {
	/* Return whether to accept datagrams from this address. count: datagrams that arrived together. */
	bool (*accept)(void *arg, const struct sockaddr *from, uint32_t count);
	/* Look at one datagram of an accepted source, and alter it in place. Return false to drop it; otherwise
	   [*offset, *offset + *size) of it is the frame, at first all of it. NULL: every datagram is a frame. */
	bool (*open)(void *arg, uint8_t *datagram, uint32_t *offset, uint32_t *size);
	void *arg;
};

/** Counters of the receiving side. */
struct batch_in_counts {
	uint64_t datagrams, bytes, calls, errors; /* errors: empty, cut or dropped for want of memory */
};

/**
 * @param host  borrowed until batch_in_destroy
 * @return returned, caller frees with batch_in_destroy; NULL: out of memory
 */
struct batch_in *batch_in_create(const struct coterie_host *host, struct coterie_ctx *ctx);
void batch_in_destroy(struct batch_in *in);

/**
 * Read one batch and hand it to host->frames_in.
 *
 * @return 1: there may be more; 0: the socket is empty now, or this is called from inside
 * frames_in; negative errno, from the network too: empty the error queue
 */
int batch_in_read(struct batch_in *in, int fd, const struct batch_filter *filter);

const struct batch_in_counts *batch_in_counts(const struct batch_in *in);

#endif
