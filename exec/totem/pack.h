/*
 * Messages into frames (book packing, "Packing and cutting"). One chain of packets with correct
 * continuation values, and one open packet that small messages gather in until the token comes.
 *
 * A message is copied once, into its frames. The tail of a long message is packed with the messages
 * behind it, which receivers accept (book packing, "Reassembly").
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
	uint32_t frames_max;  /* queue limit, not 0; a message is taken whole or not at all */
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
int pack_queue_append(struct pack_queue *queue, uint32_t guarantee, const struct iovec *iov,
	size_t count);
/** Close the open packet, if it holds anything, so that it can be taken. */
void pack_queue_flush(struct pack_queue *queue);
/**
 * A configuration with members that missed the start of the message that is under way begins. By the
 * reference's rule (book packing, "Reassembly") they drop everything up to the end of the first
 * packet that no message goes on from; so let that message end in a packet of its own, and those
 * behind it start in the next. Needed where unpack.h's UNPACK_REFERENCE holds; closes the open
 * packet.
 *
 * @return 0; -ENOMEM: they will lose messages that they could have had
 */
int pack_queue_split(struct pack_queue *queue);
/** Closed frames that wait. The open packet counts as one when it holds anything. */
uint32_t pack_queue_count(const struct pack_queue *queue);
/** Frames that still fit. (A split may have put one above the limit.) */
uint32_t pack_queue_free(const struct pack_queue *queue);
/** Messages taken since creation, for statistics. */
uint64_t pack_queue_messages(const struct pack_queue *queue);
/**
 * Take the oldest closed frame: its packet lies at data[WIRE_MCAST_HEADER_SIZE .. size), the header is
 * for the caller to write. Returned with one reference, the caller's; NULL when none waits.
 */
struct coterie_frame *pack_queue_take(struct pack_queue *queue, uint32_t *guarantee);
/** Smaller or larger frames from the next packet on (reload). */
void pack_queue_set_payload_max(struct pack_queue *queue, uint32_t payload_max);

#endif
