/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How malloc(3) of the C library gets its memory from the kernel. At the start the daemon allocates tables for the
 * largest ring and the longest frame. An idle ring uses little of them, and the configuration needs more memory while it
 * is read than afterwards. So each large block gets a mapping of its own then: pages that are never used take no memory,
 * and a freed block goes back to the kernel. That is too slow for the frames and messages of a busy ring, so these come
 * from the heap.
 */
#ifndef EXEC_HEAP_H
#define EXEC_HEAP_H

/** Begin the start: call this before anything is allocated. */
void heap_start(void);
/** End the start: the daemon is about to serve. */
void heap_serve(void);

#endif
