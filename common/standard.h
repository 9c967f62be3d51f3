/* SPDX-License-Identifier: BSD-3-Clause */
/* The standard streams of a program: they are open from its start, and an output that is lost is a failure. */
#ifndef COMMON_STANDARD_H
#define COMMON_STANDARD_H

#include <stdio.h>

/**
 * Open /dev/null for each of the descriptors 0, 1 and 2 that is closed. Without this the next file or socket that the
 * program opens gets such a number, and receives what the program prints. Call it first in main.
 */
void standard_open(void);

/**
 * Flush an output at the end of a program. If output was lost, for example on a full disk, report that on stderr.
 *
 * @param program  name in the message
 * @param out      stdout, or a file that takes its place. The caller closes it
 * @param status   exit status of the program so far
 * @return the exit status: EXIT_FAILURE if output was lost and status is 0, otherwise status
 */
int standard_end(const char *program, FILE *out, int status);

#endif
