/*
 * corosync-quorumtool -W: a line for each change, as in the release of Corosync after 3.1.10.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_QUORUM_TOOL_WATCH_H
#define SERVICES_QUORUM_TOOL_WATCH_H

#include <stdbool.h>

struct quorum_watch {
	bool has_quorum; /* print whether this partition has quorum */
	bool has_extra;  /* print extra information of quorum devices */
};

/**
 * Read the letters of the option: q, x or both.
 *
 * @param watch set on success
 * @return false: the reason was printed on stderr
 */
bool quorum_watch_parse(struct quorum_watch *watch, const char *letters);

/** Print changes until the daemon is lost. @return exit status */
int quorum_watch_run(const struct quorum_watch *watch);

#endif
