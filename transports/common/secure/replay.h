/* SPDX-License-Identifier: BSD-3-Clause */
/* Replay windows: which numbers of a sender have been seen. */
#ifndef COMMON_SECURE_REPLAY_H
#define COMMON_SECURE_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

/** How far below the highest number a number may be and still be accepted. */
#define WINDOW_SIZE 4096u
#define WINDOW_WORDS (WINDOW_SIZE / 64 + 1)

/** The numbers of one sender that were seen, in any order. Zeroed: only 0 was seen. Senders begin with 1. */
struct replay {
	uint64_t highest;
	/* A ring of bits by number. The word of the highest number is the newest in use. */
	uint64_t seen[WINDOW_WORDS];
};

/** Begin behind a number: it and all lower ones count as seen. */
void replay_begin(struct replay *window, uint64_t number);
/** Return whether the number is new: it was not seen before, and is not too old to be checked. */
bool replay_is_new(const struct replay *window, uint64_t number);
/** Mark a number for which replay_is_new has returned true. */
void replay_mark(struct replay *window, uint64_t number);

#endif
