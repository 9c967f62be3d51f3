/* SPDX-License-Identifier: BSD-3-Clause */
/* Replay windows: which numbers of a sender have been seen. */
#ifndef COMMON_SECURE_REPLAY_H
#define COMMON_SECURE_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

/** Numbers that may still come behind the highest one. */
#define WINDOW_SIZE 4096u
#define WINDOW_WORDS (WINDOW_SIZE / 64 + 1)

/** Numbers of one sender, in any order. Zeroed, none but 0 has been seen: senders begin with 1. */
struct replay {
	uint64_t highest;
	uint64_t seen[WINDOW_WORDS]; /* a ring of bits by number. The word of the highest number is the last in
				      * use */
};

/** Begin behind a number: it and all before it count as seen. */
void replay_begin(struct replay *window, uint64_t number);
/** @return whether the number is new: neither seen before nor too old to be checked */
bool replay_is_new(const struct replay *window, uint64_t number);
/** Mark a number that replay_is_new has found new. */
void replay_mark(struct replay *window, uint64_t number);

#endif
