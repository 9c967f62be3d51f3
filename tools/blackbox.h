/*
 * corosync-blackbox: print the contents of the daemon's flight recorder.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_BLACKBOX_H
#define TOOLS_BLACKBOX_H

/** The tool's main function: the arguments are those of main, the result is the exit status. */
int blackbox_main(int argc, char **argv);

#endif
