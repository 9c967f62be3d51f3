/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits of libknet's log lines. Forged packets can make links go down and up as fast as links are tested, and each
 * change has a few lines. So a line is written three times in ten seconds for each node and link. A budget for all lines
 * holds where many links change. It is large enough for a ring of 384 nodes with eight links that forms twice.
 */
#ifndef KNET_LINES_H
#define KNET_LINES_H

#include <stdbool.h>
#include <stdint.h>

/** Times that one kind of line is written in a period. */
#define LINES_EACH 3u
#define LINES_PERIOD_S 10u
/** Lines of all kinds that are written at once, and the time after which one more is written. */
#define LINES_BURST 32768u
#define LINES_PAUSE_NS UINT64_C(100000000)
/** Kinds of lines that are remembered. A newer kind takes the place of an older one, and is written. */
#define LINES_KINDS 4096u

struct line_kind {
	uint64_t hash;
	uint64_t period_ns; /* when its period began */
	uint32_t count;     /* lines that were written in the period, or 0: this element is free */
	uint32_t hidden;    /* lines that were not written since the last one */
};

/** Zeroed at first. */
struct lines {
	struct line_kind kinds[LINES_KINDS];
	uint64_t spent_ns; /* when the whole budget is there again */
};

enum lines_result {
	LINES_WRITE,
	LINES_WRITE_LAST, /* write it, and leave out the next ones like it until the period ends */
	LINES_REPEATED,   /* leave it out: too many lines like it */
	LINES_SPENT,      /* leave it out: too many lines of all kinds */
};

/**
 * Ask whether to write a line. Lines are of one kind if they differ in numbers only, but those of a node or a link.
 *
 * @param now_ns  monotonic time; never goes back
 * @param hidden  out, if the line is to be written: number of lines like it that were not, since the last one
 */
enum lines_result lines_ask(
	struct lines *lines, uint64_t now_ns, uint8_t subsystem, const char *text, uint32_t *hidden);

#endif
