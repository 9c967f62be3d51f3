/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/daemon/heap.h"

#include <malloc.h>

#define START_BLOCK (64 << 10) /* size from which a block gets a mapping of its own, in bytes */
/*
 * Later: twice the largest message. The part of the heap that may stay free at its end is twice that, as the C library
 * chooses it when blocks of this size have been freed.
 */
#define SERVE_BLOCK (2 << 20)
#define SERVE_REST (2 * SERVE_BLOCK)

void heap_start(void) { mallopt(M_MMAP_THRESHOLD, START_BLOCK); }

void heap_serve(void)
{
	mallopt(M_MMAP_THRESHOLD, SERVE_BLOCK);
	mallopt(M_TRIM_THRESHOLD, SERVE_REST);
}
