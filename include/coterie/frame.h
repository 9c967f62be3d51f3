/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames: reference-counted buffers. Each carries one Totem packet between a transport and the ordered-delivery
 * engine. A frame that arrives is stored, delivered and sent again without a copy.
 */
#ifndef COTERIE_FRAME_H
#define COTERIE_FRAME_H

#include <stdint.h>

/**
 * One packet. Frames come from a pool of the executive. Only the members below are visible, the reference count is
 * not. A frame is used on the loop thread only.
 *
 * Life of a received frame:
 *
 * 1. The transport takes one, or slices one out of a large buffer with several datagrams.
 * 2. It writes data[0 .. size) and hands the frame to the executive. After that no code may change the bytes.
 * 3. It drops its own reference.
 * 4. The engine keeps references as long as the protocol needs the bytes.
 */
struct coterie_frame {
	uint8_t *data;     /* first byte of the packet, with any alignment */
	uint32_t size;     /* bytes of the packet */
	uint32_t capacity; /* bytes of room from data on, set by the pool */
};

#endif
