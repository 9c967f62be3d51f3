/*
 * corosync-cfgtool: state of nodes and links, reload, shutdown.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CFG_TOOL_CFGTOOL_H
#define SERVICES_CFG_TOOL_CFGTOOL_H

/** The tool's main function: the arguments are those of main, the result is the exit status. */
int cfgtool_main(int argc, char **argv);

#endif
