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
 * Begin to wait. After two seconds a line on the standard error names the event that the command waits for, and counts
 * the seconds. There is no line if the standard error is no terminal, with --quiet, and with JSON.
 * @param what  for example "the nodes of the ring"; must stay valid until progress_end
 * @return the caller ends it with progress_end; NULL: there is no line, or no memory for it
 */
struct progress *progress_begin(const struct ctl *ctl, const char *what);

/** Remove the line. NULL is ignored. */
void progress_end(struct progress *progress);

#endif
