/*
 * The reports of corosync-quorumtool.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_QUORUM_TOOL_REPORT_H
#define SERVICES_QUORUM_TOOL_REPORT_H

#include <stdbool.h>

#include "services/quorum/tool/view.h"

enum report_order {
	REPORT_ORDER_ADDRESS, /* in the order in which the daemon lists them */
	REPORT_ORDER_NAME,
	REPORT_ORDER_ID,
};

struct report_format {
	bool with_addresses; /* print addresses instead of names */
	bool with_all;       /* print all addresses or names of a node */
	bool with_device;    /* print the column of the quorum device even if there is none */
	bool in_hex;         /* print node ids in hexadecimal */
	enum report_order order;
};

/** Print quorum, votes and members. */
void report_status(const struct view *view, const struct report_format *format);

/** Print the members. */
void report_nodes(const struct view *view, const struct report_format *format);

#endif
