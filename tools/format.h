/* SPDX-License-Identifier: BSD-3-Clause */
/* --format=json of the compatible tools: print the JSON document of the coterie-ctl command with the same contents. */
#ifndef TOOLS_FORMAT_H
#define TOOLS_FORMAT_H

#include <stdbool.h>

/**
 * Handle the option --format. Without it nothing is changed, so that the tools' own options and their abbreviations
 * stay as in Corosync.
 * @param argv  arguments of a compatible tool; --format=text is removed from it
 * @return true: the tool has nothing more to do, and *status is its exit status
 */
bool format_run(const char *tool, int *argc, char **argv, int *status);

#endif
