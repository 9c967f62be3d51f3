/*
 * Frames into messages (book packing, "Reassembly"). Per source two contexts, one for what is delivered
 * while services synchronise and one for the rest. An unfinished message is kept as references to the
 * frames its parts lie in, so that it is gathered once, by the receiver, and not copied here; only when
 * those frames pin far more memory than the message has bytes, or too much in all, are they copied and
 * let go.
 */
#ifndef TOTEM_UNPACK_H
#define TOTEM_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "exec/totem/frame.h"

#define UNPACK_MESSAGE_SIZE_MAX (1048576u + 65536u) /* the reference's buffer; its peers never send more */
#define UNPACK_IOV_MAX 1024u /* elements of a delivered message */

struct unpack;

/**
 * Both rules never deliver a message that lacks a part. (The reference may, where a stale continuation
 * value happens to match.)
 */
enum unpack_rule {
	UNPACK_REFERENCE, /* what 3.1.7 does after a missed part: a ring with reference members needs it */
	UNPACK_BETTER,    /* whole messages behind a missed part are delivered */
};

/**
 * One whole message. iov is borrowed for the call: its parts in order, none empty unless size is 0, at most
 * UNPACK_IOV_MAX. Must not enter the unpacker again.
 */
typedef void (*unpack_deliver)(void *arg, uint32_t source, const struct iovec *iov, size_t count,
	size_t size, bool is_swapped);

struct unpack_counters {
	uint64_t malformed; /* packets refused by wire_decode_packet */
	uint64_t oversized; /* messages beyond UNPACK_MESSAGE_SIZE_MAX, dropped */
	uint64_t skipped;   /* packets of which something was dropped after a missed part or for memory */
};

struct unpack *unpack_create(void); /* NULL: out of memory */
void unpack_destroy(struct unpack *unpack); /* NULL is ignored */

/**
 * Take one frame's packet and deliver the messages that end in it.
 *
 * @param frame       referenced while a part of it is needed
 * @param payload     the packet inside the frame, payload_size bytes
 * @param is_syncing  which of the two contexts
 * @return 0; -ENOMEM: the message was dropped (counted as skipped)
 */
int unpack_frame(struct unpack *unpack, uint32_t source, struct coterie_frame *frame,
	const uint8_t *payload, size_t payload_size, bool is_swapped, bool is_syncing,
	enum unpack_rule rule, unpack_deliver deliver, void *arg);
/** A configuration without this node: drop what it left unfinished, both contexts. */
void unpack_forget(struct unpack *unpack, uint32_t source);
/** Inside a delivery: the message's place among those that end in the packet, from 0. Those that are dropped count. */
uint32_t unpack_place(const struct unpack *unpack);
const struct unpack_counters *unpack_counters(const struct unpack *unpack);

#endif
