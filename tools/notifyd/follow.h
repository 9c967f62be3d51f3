/*
 * What happens at the daemon of this node, as events.
 */
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
	bool looks_names_up; /* of members, by their addresses */

	char host[256];
	uint32_t local_id;
	bool is_quorate; /* as last told; false before that */
	cmap_handle_t config, stats;
	quorum_handle_t quorum;
	cmap_track_handle_t members, clients, links;
	struct followed_link *first_link;
};

enum { FOLLOW_FDS = 3 };

/**
 * Connect and begin. tell and the options are set; nothing is told yet.
 *
 * @param what  out: the call that failed, for the log
 * @return CS_OK; what that call said
 */
cs_error_t follow_open(struct follow *follow, const char **what);

/** What to poll; in the order in which they are to be served. */
cs_error_t follow_fds(struct follow *follow, struct pollfd fds[FOLLOW_FDS]);

/**
 * Serve those that are ready.
 *
 * @return CS_OK; what made going on impossible: the daemon is gone
 */
cs_error_t follow_serve(struct follow *follow, const struct pollfd fds[FOLLOW_FDS]);

void follow_close(struct follow *follow);

#endif
