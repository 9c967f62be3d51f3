/*
 * A line on the terminal while a command waits.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_CTL_PROGRESS_H
#define TOOLS_CTL_PROGRESS_H

struct ctl;
struct progress;

/**
 * Begin to wait. After two seconds a line on the standard error names what the command waits for and counts the seconds. There
 * is none unless that is a terminal, with --quiet, and with JSON.
 *
 * @param what  "the nodes of the ring"; kept until progress_end
 * @return caller ends it with progress_end; NULL: no line, also without memory
 */
struct progress *progress_begin(const struct ctl *ctl, const char *what);

/** Remove the line. NULL is fine. */
void progress_end(struct progress *progress);

#endif
