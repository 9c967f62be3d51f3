/*
 * A view of quorum, votes and members as the daemon reports them. It has the connections and the current state.
 *
 * A function that returns false has printed the reason on stderr.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_QUORUM_TOOL_VIEW_H
#define SERVICES_QUORUM_TOOL_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <corosync/cfg.h>
#include <corosync/cmap.h>
#include <corosync/quorum.h>
#include <corosync/votequorum.h>

/** Node ids in the order in which the daemon lists them. */
struct node_ids {
	uint32_t *ids;
	size_t count;
};

struct view {
	cmap_handle_t map;
	quorum_handle_t quorum;
	corosync_cfg_handle_t cfg;
	votequorum_handle_t votequorum; /* open if has_votequorum */

	char *provider; /* NULL: none is configured */
	bool has_provider;
	bool has_votequorum;
	unsigned int local_id;

	/* These members are from the newest quorum event. */
	unsigned int quorum_events;
	bool is_quorate;
	uint64_t ring_seq;
	struct node_ids members;

	/* These members are from the newest list of votequorum. */
	unsigned int list_events;
	votequorum_ring_id_t list_ring;
	struct node_ids listed;

	bool is_out_of_memory;
};

/**
 * Connect to all services that are needed.
 * @param view filled in. The caller must call view_close in any case
 */
bool view_open(struct view *view);

/** Close the connections and free the members of the view. */
void view_close(struct view *view);

/** Read the current state once. Without a quorum provider the view stays empty. */
bool view_read(struct view *view);

/** Request the current state and each later change. */
bool view_follow(struct view *view);

/**
 * Wait for the next quorum event, and for the list of the same ring.
 * @return false: the connection is lost
 */
bool view_wait(struct view *view);

/** Return the nodes to list, from votequorum if it runs, otherwise from the quorum events. */
const struct node_ids *view_nodes(const struct view *view);

#endif
