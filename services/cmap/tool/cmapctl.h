/*
 * corosync-cmapctl: read, change and follow the daemon's maps.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CMAP_TOOL_CMAPCTL_H
#define SERVICES_CMAP_TOOL_CMAPCTL_H

/** The tool's main function: the arguments are those of main, the result is the exit status. */
int cmapctl_main(int argc, char **argv);

#endif
