/*
 * corosync-quorumtool: quorum, votes and members.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_QUORUM_TOOL_QUORUMTOOL_H
#define SERVICES_QUORUM_TOOL_QUORUMTOOL_H

/** The tool's main function: the arguments are those of main, the result is the exit status. */
int quorumtool_main(int argc, char **argv);

#endif
