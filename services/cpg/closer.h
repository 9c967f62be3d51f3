/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread that closes files, since the end of a file in memory takes long. */
#ifndef CPG_CLOSER_H
#define CPG_CLOSER_H

#include <stdbool.h>
#include <stdint.h>

struct cpg_closer;

/** A file that is to be closed. Allocate it together with the descriptor, so that the end of the file cannot fail. */
struct cpg_closing {
	struct cpg_closing *next; /* of the closer */
	int fd;
};

/** Start the thread. @return caller frees with cpg_closer_destroy; NULL: out of memory or threads */
struct cpg_closer *cpg_closer_create(void);
/** Wait until all files are closed, and end the thread. NULL is ignored. */
void cpg_closer_destroy(struct cpg_closer *closer);
/** Close the descriptor and free the struct, which malloc() has made, on the thread. */
void cpg_closer_add(struct cpg_closer *closer, struct cpg_closing *file);
/** Return how many files the thread has closed. */
uint64_t cpg_closer_count(struct cpg_closer *closer);

#endif
