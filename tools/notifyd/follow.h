/* SPDX-License-Identifier: BSD-3-Clause */
/* Convert changes at this node's daemon to events. */
#ifndef TOOLS_NOTIFYD_FOLLOW_H
#define TOOLS_NOTIFYD_FOLLOW_H

#include <poll.h>

#include <corosync/cmap.h>
#include <corosync/quorum.h>

#include "tools/notifyd/event.h"

struct followed_link;

struct follow {
	void (*tell)(void *arg, const struct event *event);
	void *arg;
	bool looks_names_up; /* find the names of members by their addresses */

	char host[256];
	uint32_t local_id;
	bool is_quorate; /* as in the last event, or false before the first event */
	cmap_handle_t config, stats;
	quorum_handle_t quorum;
	cmap_track_handle_t members, clients, links;
	struct followed_link *first_link;
};

enum { FOLLOW_FDS = 3 };

/**
 * Connect and start. `tell` and the options must be set. No event is reported before follow_serve.
 * @param what  out: the call that failed, for the log
 * @return CS_OK; the error of that call
 */
cs_error_t follow_open(struct follow *follow, const char **what);

/** Get the descriptors to poll, in the order in which they must be handled. */
cs_error_t follow_fds(struct follow *follow, struct pollfd fds[FOLLOW_FDS]);

/**
 * Read the descriptors that are ready, and report the events.
 * @return CS_OK; the error of a lost connection
 */
cs_error_t follow_serve(struct follow *follow, const struct pollfd fds[FOLLOW_FDS]);

void follow_close(struct follow *follow);

#endif
