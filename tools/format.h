/* SPDX-License-Identifier: BSD-3-Clause */
/* --format=json on the compatible tools: the document of the command of coterie-ctl that shows the same. */
#ifndef TOOLS_FORMAT_H
#define TOOLS_FORMAT_H

#include <stdbool.h>

/**
 * Without --format nothing is done, so that the tools' own options, and their abbreviations, are as they always were.
 *
 * @param argv  of a compatible tool; --format=text is taken out of it
 * @return true: all is done, *status is the exit status of the tool
 */
bool format_run(const char *tool, int *argc, char **argv, int *status);

#endif
