/*
 * The reports of corosync-cfgtool about nodes and links.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CFG_TOOL_STATUS_H
#define SERVICES_CFG_TOOL_STATUS_H

#include <stdbool.h>

/**
 * Print each link with the state of its connection to every node.
 *
 * @param is_brief one character for each node instead of a line
 * @return exit status
 */
int status_links(bool is_brief);

/** Print each node that can be reached, with its links. Returns the exit status. */
int status_nodes(void);

#endif
