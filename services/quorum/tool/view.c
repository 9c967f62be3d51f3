/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/quorum/tool/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/reach.h"

static bool complain(const char *what, cs_error_t rc)
{
	fprintf(stderr, "%s: %s\n", what, cs_strerror(rc));
	return false;
}

static bool node_ids_set(struct node_ids *list, const uint32_t *ids, size_t count)
{
	uint32_t *copy = malloc((count + 1) * sizeof(*copy));

	if (copy == NULL)
		return false;
	if (count > 0)
		memcpy(copy, ids, count * sizeof(*copy));
	free(list->ids);
	list->ids = copy;
	list->count = count;
	return true;
}

static void quorum_changed(quorum_handle_t handle, uint32_t quorate, uint64_t ring_seq, uint32_t count, uint32_t *ids)
{
	const void *context = NULL;

	if (quorum_context_get(handle, &context) != CS_OK)
		return;
	struct view *view = (struct view *)(uintptr_t)context; /* the library's context is const */
	view->quorum_events++;
	view->is_quorate = quorate != 0;
	view->ring_seq = ring_seq;
	if (!node_ids_set(&view->members, ids, count))
		view->is_out_of_memory = true;
}

static void list_changed(
	votequorum_handle_t handle, uint64_t context, votequorum_ring_id_t ring_id, uint32_t count, uint32_t ids[])
{
	struct view *view = (struct view *)(uintptr_t)context;

	(void)handle;
	view->list_events++;
	view->list_ring = ring_id;
	if (!node_ids_set(&view->listed, ids, count))
		view->is_out_of_memory = true;
}

static bool open_quorum(struct view *view)
{
	quorum_callbacks_t callbacks = {.quorum_notify_fn = quorum_changed};
	uint32_t type = QUORUM_FREE;

	cs_error_t rc = quorum_initialize(&view->quorum, &callbacks, &type);

	if (rc != CS_OK) {
		view->quorum = 0;
		fprintf(stderr, "Cannot initialize QUORUM service\n");
		reach_warn("quorum", rc);
		return false;
	}
	view->has_provider = type == QUORUM_SET;
	quorum_context_set(view->quorum, view);
	return true;
}

static bool open_votequorum(struct view *view)
{
	votequorum_callbacks_t callbacks = {.votequorum_nodelist_notify_fn = list_changed};

	if (!view->has_provider || view->provider == NULL || strcmp(view->provider, "corosync_votequorum") != 0)
		return true;
	cs_error_t rc = votequorum_initialize(&view->votequorum, &callbacks);

	if (rc != CS_OK) {
		fprintf(stderr, "Cannot initialise VOTEQUORUM service\n");
		reach_warn("votequorum", rc);
		return false;
	}
	view->has_votequorum = true;
	return true;
}

bool view_open(struct view *view)
{
	*view = (struct view){0};
	cs_error_t rc = cmap_initialize(&view->map);

	if (rc != CS_OK) {
		view->map = 0;
		fprintf(stderr, "Cannot initialize CMAP service\n");
		reach_warn("cmap", rc);
		return false;
	}
	if (cmap_get_string(view->map, "quorum.provider", &view->provider) != CS_OK)
		view->provider = NULL;
	if (!open_quorum(view))
		return false;
	rc = corosync_cfg_initialize(&view->cfg, NULL);
	if (rc != CS_OK) {
		view->cfg = 0;
		fprintf(stderr, "Cannot initialise CFG service\n");
		reach_warn("cfg", rc);
		return false;
	}
	rc = corosync_cfg_local_get(view->cfg, &view->local_id);
	if (rc != CS_OK)
		return complain("Unable to get the local node id", rc);
	return open_votequorum(view);
}

void view_close(struct view *view)
{
	if (view->has_votequorum)
		votequorum_finalize(view->votequorum);
	if (view->cfg != 0)
		corosync_cfg_finalize(view->cfg);
	if (view->quorum != 0)
		quorum_finalize(view->quorum);
	if (view->map != 0)
		cmap_finalize(view->map);
	free(view->provider);
	free(view->members.ids);
	free(view->listed.ids);
}

/* Wait until one more quorum event has arrived. */
static bool wait_for_quorum(struct view *view)
{
	unsigned int before = view->quorum_events;

	while (view->quorum_events == before) {
		cs_error_t rc = quorum_dispatch(view->quorum, CS_DISPATCH_ONE);

		if (rc != CS_OK)
			return complain("Unable to dispatch quorum status", rc);
	}
	return !view->is_out_of_memory;
}

/*
 * Wait until the list is from the ring of the quorum event, or from a newer ring. If votes have changed in the same
 * ring, the list has arrived before.
 */
static bool wait_for_list(struct view *view)
{
	while (view->list_events == 0 || view->list_ring.seq < view->ring_seq) {
		cs_error_t rc = votequorum_dispatch(view->votequorum, CS_DISPATCH_ONE);

		if (rc != CS_OK)
			return complain("Unable to dispatch votequorum status", rc);
	}
	return !view->is_out_of_memory;
}

static bool track(struct view *view, unsigned int flags)
{
	if (!view->has_provider)
		return true;
	cs_error_t rc = quorum_trackstart(view->quorum, flags);
	if (rc != CS_OK)
		return complain("Unable to start quorum status tracking", rc);
	if (!view->has_votequorum)
		return true;
	rc = votequorum_trackstart(view->votequorum, (uint64_t)(uintptr_t)view, flags);
	if (rc != CS_OK)
		return complain("Unable to start votequorum status tracking", rc);
	return true;
}

bool view_read(struct view *view)
{
	if (!view->has_provider)
		return true;
	return track(view, CS_TRACK_CURRENT) && view_wait(view);
}

bool view_follow(struct view *view) { return track(view, CS_TRACK_CHANGES); }

bool view_wait(struct view *view) { return wait_for_quorum(view) && (!view->has_votequorum || wait_for_list(view)); }

const struct node_ids *view_nodes(const struct view *view)
{
	return view->has_votequorum ? &view->listed : &view->members;
}
