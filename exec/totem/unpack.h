/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reassemble messages from frames (book packing, "Reassembly"). Each source has two contexts: one for frames that are
 * delivered while services synchronise, one for all others. An unfinished message consists of references to the frames
 * that hold its parts. So usually only the receiver of the message copies it. The unpacker copies the parts, and
 * releases their frames, if the frames occupy far more memory than the message has bytes, or too much in all.
 */
#ifndef TOTEM_UNPACK_H
#define TOTEM_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "exec/totem/frame.h"

#define UNPACK_MESSAGE_SIZE_MAX (1048576u + 65536u) /* the buffer of Corosync, which sends no longer messages */
#define UNPACK_IOV_MAX 1024u                        /* elements of a delivered message */

struct unpack;

/**
 * Which messages are dropped after a part was missed. With both rules a message that lacks a part is not delivered.
 * (Corosync may deliver one, if an old continuation value happens to match.)
 */
enum unpack_rule {
	UNPACK_REFERENCE, /* the rule of Corosync 3.1.7, for rings with one of its nodes */
	UNPACK_BETTER,    /* whole messages behind a missed part are delivered */
};

/**
 * Deliver one whole message. iov has its parts in order, at most UNPACK_IOV_MAX. No part is empty unless size is 0. iov
 * is borrowed for the call. The callback must not call the unpacker.
 *
 * @return whether the next message may be delivered. false: the unpacker stops, and unpack_resume goes on
 */
typedef bool (*unpack_deliver)(
	void *arg, uint32_t source, const struct iovec *iov, size_t count, size_t size, bool is_swapped);

struct unpack_counters {
	uint64_t malformed; /* packets refused by wire_decode_packet */
	uint64_t oversized; /* messages beyond UNPACK_MESSAGE_SIZE_MAX, dropped */
	/* Packets some of whose messages were dropped, after a missed part or for lack of memory. */
	uint64_t skipped;
};

struct unpack *unpack_create(void);         /* NULL: out of memory */
void unpack_destroy(struct unpack *unpack); /* NULL is ignored */

/**
 * Take one frame's packet and deliver the messages that end in it.
 *
 * @param frame       referenced while a part of it is needed
 * @param payload     the packet inside the frame, payload_size bytes
 * @param is_syncing  which of the two contexts
 * @return 0; 1: deliver has stopped the unpacker before the last message of the frame, so unpack_resume must be called
 *     until it returns something else, before any other call; -ENOMEM: the message was dropped (counted as skipped)
 */
int unpack_frame(struct unpack *unpack, uint32_t source, struct coterie_frame *frame, const uint8_t *payload,
	size_t payload_size, bool is_swapped, bool is_syncing, enum unpack_rule rule, unpack_deliver deliver,
	void *arg);
/** Deliver the messages of the frame that are left, as unpack_frame does: with the same arguments, and the same results. */
int unpack_resume(struct unpack *unpack);
/** Drop the unfinished messages of a source that is not in the new configuration, in both contexts. */
void unpack_forget(struct unpack *unpack, uint32_t source);
/**
 * Inside a delivery: return the place of the message among those that end in the packet, from 0. Messages that are
 * dropped count.
 */
uint32_t unpack_place(const struct unpack *unpack);
const struct unpack_counters *unpack_counters(const struct unpack *unpack);

#endif
