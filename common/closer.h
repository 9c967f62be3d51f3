/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A thread that closes descriptors whose last close takes long. The pages of a file in memory are freed then: 1 GiB takes
 * 100 ms. A TCP connection may wait for its peer as long as its owner wants. The loop must not wait for either.
 */
#ifndef COMMON_CLOSER_H
#define COMMON_CLOSER_H

#include <stdbool.h>
#include <stdint.h>

struct closer;

/**
 * Start the thread.
 *
 * @param is_interrupted  a signal in short intervals ends waits in close(2). Only for code that is never unloaded: the
 *     handler of the signal, SIGURG, stays set, and is a part of this code
 * @return caller frees with closer_destroy; NULL: out of memory or threads
 */
struct closer *closer_create(bool is_interrupted);
/** Wait until all descriptors are closed, and end the thread. NULL is ignored. */
void closer_destroy(struct closer *closer);
/** Close the descriptor on the thread, after those of earlier calls. It is closed at once if memory has run out. */
void closer_close(struct closer *closer, int fd);
/** Return how many descriptors the thread has closed. */
uint64_t closer_count(struct closer *closer);

#endif
