/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames: buffers with a reference count. Each frame carries one Totem packet between a transport and the
 * ordered-delivery engine. A frame that arrives is stored, delivered and sent again without a copy.
 */
#ifndef COTERIE_FRAME_H
#define COTERIE_FRAME_H

#include <stdint.h>

/**
 * One packet. Frames come from a pool of the executive. Only the members below are visible, not the reference count. A
 * frame is used only on the loop thread.
 *
 * Life of a received frame:
 *
 * 1. The transport takes a frame, or makes a slice of a large buffer that holds several datagrams.
 * 2. It writes data[0 .. size) and passes the frame to the executive. After that no code may change the bytes.
 * 3. It drops its own reference.
 * 4. The engine keeps references as long as the protocol needs the bytes.
 */
struct coterie_frame {
	uint8_t *data;     /* first byte of the packet, with any alignment */
	uint32_t size;     /* bytes of the packet */
	uint32_t capacity; /* bytes that fit from data on, set by the pool */
};

#endif
