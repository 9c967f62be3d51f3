/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread that closes files, since the end of a file in memory takes long. */
#ifndef CPG_CLOSER_H
#define CPG_CLOSER_H

#include <stdbool.h>
#include <stdint.h>

struct cpg_closer;

/** Start the thread. @return caller frees with cpg_closer_destroy; NULL: out of memory or threads */
struct cpg_closer *cpg_closer_create(void);
/** Wait until all files are closed, and end the thread. NULL is ignored. */
void cpg_closer_destroy(struct cpg_closer *closer);
/** Close the descriptor on the thread, or at once if memory has run out. */
void cpg_closer_close(struct cpg_closer *closer, int fd);
/** Return how many files the thread has closed. */
uint64_t cpg_closer_count(struct cpg_closer *closer);

#endif
