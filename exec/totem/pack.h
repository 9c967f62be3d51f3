/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pack messages into frames (book packing, "Packing and cutting"). A queue is one chain of packets with
 * correct continuation values. Its last packet stays open for further messages until the token arrives.
 *
 * A message is copied once, into its frames. The tail of a long message shares its packet with the
 * messages behind it. Receivers accept that (book packing, "Reassembly").
 */
#ifndef TOTEM_PACK_H
#define TOTEM_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "exec/totem/frame.h"

struct pack_options {
	uint32_t payload_max; /* M, bytes behind the 45-byte header */
	uint32_t frames_max;  /* queue limit, not 0. A message is taken whole or not at all */
	bool swap;            /* write in the other byte order */
};

struct pack_queue;

struct pack_queue *pack_queue_create(struct frame_pool *pool, const struct pack_options *options);
void pack_queue_destroy(struct pack_queue *queue); /* drops what it holds; NULL is ignored */

/**
 * Take one message.
 *
 * @param guarantee  0 agreed, 1 safe: the frame that holds the message's last byte is marked
 * @param iov        borrowed, copied
 * @return 0; -EAGAIN: no room now; -EMSGSIZE: larger than an empty queue could take; -ENOMEM
 */
int pack_queue_append(struct pack_queue *queue, uint32_t guarantee, const struct iovec *iov, size_t count);
/** Close the open packet, if it holds anything, so that it can be taken. */
void pack_queue_flush(struct pack_queue *queue);
/**
 * End the message that is partly sent in a packet of its own, so that the messages behind it begin in the next packet.
 * Call this when new members have missed the start of that message, in a ring with UNPACK_REFERENCE (unpack.h). By that
 * rule new members drop all packets up to the first one that ends with a whole message. The open packet is closed. If the
 * message was to begin again, and has not, it goes on after all.
 *
 * @return 0; -ENOMEM: the new members will lose whole messages
 */
int pack_queue_split(struct pack_queue *queue);
/**
 * Put the sent parts of the message that is partly sent in front of the queue again, so that the next frame begins that
 * message. Call this when new members have missed its start, in a ring with UNPACK_BETTER (unpack.h). By that rule old
 * members drop the parts that they have, and all members get the whole message.
 *
 * @return 0; -ENOMEM: the queue is as before, and new members will not get the message
 */
int pack_queue_restart(struct pack_queue *queue);
/** Return whether the last frame that was taken ended inside a message, whose rest is taken next. */
bool pack_queue_is_begun(const struct pack_queue *queue);
/** Return how many frames wait. The open packet counts as one if it holds anything. */
uint32_t pack_queue_count(const struct pack_queue *queue);
/**
 * Return how many frames still fit. pack_queue_split may have put one frame above the limit, and pack_queue_restart the
 * frames of one message.
 */
uint32_t pack_queue_free(const struct pack_queue *queue);
/** Return how many messages were queued since creation, for statistics. */
uint64_t pack_queue_messages(const struct pack_queue *queue);
/**
 * Take the oldest closed frame. Its packet is at data[WIRE_MCAST_HEADER_SIZE .. size). The caller writes the
 * header, owns one reference, and must not change the packet. NULL: no frame waits.
 */
struct coterie_frame *pack_queue_take(struct pack_queue *queue, uint32_t *guarantee);
/** Set another size of frames (reload), from the next packet on. */
void pack_queue_set_payload_max(struct pack_queue *queue, uint32_t payload_max);

#endif
