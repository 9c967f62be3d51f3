/*
 * Frames: the reference-counted buffers that carry one Totem packet each between a transport and the
 * ordered-delivery engine. A frame that arrives is stored, delivered from and sent again without being
 * copied.
 */
#ifndef COTERIE_FRAME_H
#define COTERIE_FRAME_H

#include <stdint.h>

/**
 * One packet. Frames come from a pool that belongs to the executive; only the members below are
 * visible, the reference count is not. A frame is used on the loop thread alone.
 *
 * Life of a received frame: 1 the transport takes one (or slices one out of a big buffer that several
 * datagrams arrived in); 2 writes data[0 .. size) and hands it in; 3 drops its own reference; 4 the
 * engine keeps references for as long as the protocol needs the bytes. After step 2 nobody writes to
 * the bytes any more, at either end.
 */
struct coterie_frame {
	uint8_t *data;     /* first byte of the packet; no alignment is promised */
	uint32_t size;     /* bytes of the packet */
	uint32_t capacity; /* bytes that fit behind data; set by the pool */
};

#endif
