/*
 * corosync-cpgtool: groups and their members.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CPG_TOOL_CPGTOOL_H
#define SERVICES_CPG_TOOL_CPGTOOL_H

/** The tool's main function: the arguments are those of main, the result is the exit status. */
int cpgtool_main(int argc, char **argv);

#endif
