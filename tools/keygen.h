/*
 * corosync-keygen: make a key that the nodes of a cluster share.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_KEYGEN_H
#define TOOLS_KEYGEN_H

/** The tool's main function: the arguments are those of main, the result is the exit status. */
int keygen_main(int argc, char **argv);

#endif
