/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/sync/writable.h"

#include <stdlib.h>

#include "exec/loop/loop.h"
#include "exec/plugin/plugin.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/sync/sync.h"

struct writable {
	struct writable_parts parts;
	struct loop_timer *timer;
	uint32_t next; /* ring id at which the search for waiting services begins */
};

struct writable *writable_create(const struct writable_parts *parts)
{
	struct writable *writable = calloc(1, sizeof(*writable));

	if (writable != NULL)
		writable->parts = *parts;
	return writable;
}

void writable_destroy(struct writable *writable)
{
	if (writable == NULL)
		return;
	loop_timer_del(writable->parts.loop, writable->timer);
	free(writable);
}

static bool is_waiting(const struct plugin *plugin)
{
	return plugin->wants_room && !plugin->is_beside && !plugin->is_deaf && !plugin->is_held;
}

/* Return the first waiting service from this ring id on, or NULL. Services ascend by ring id. */
static struct plugin *find(const struct writable *writable, uint32_t ring_id)
{
	struct plugin *plugin = plugin_first(writable->parts.plugins);

	while (plugin != NULL && (!is_waiting(plugin) || plugin->service.ring_id < ring_id))
		plugin = plugin->next;
	return plugin;
}

static void call(struct plugin *plugin)
{
	struct plugin_call call;

	plugin->wants_room = false;
	plugin_enter(&call, plugin, "writable");
	plugin->service.writable(plugin->self, NULL);
	plugin_leave(&call);
}

/*
 * Call the services that wait, from ring id `begin` to below `end`. A service that is refused again waits for the next
 * turn.
 */
static void call_from(const struct writable *writable, uint32_t begin, uint32_t end)
{
	struct plugin *plugin = find(writable, begin);

	while (plugin != NULL && plugin->service.ring_id < end) {
		uint32_t next = plugin->service.ring_id + 1;

		call(plugin);
		plugin = find(writable, next);
	}
}

/*
 * Call the waiting services. The one that is called first may take all of the room, so it is the last one in the next
 * turn.
 */
static void on_turn(void *arg)
{
	struct writable *writable = arg;
	uint32_t start = writable->next;
	const struct plugin *first = find(writable, start);

	writable->timer = NULL;
	if (first == NULL)
		first = find(writable, 0);
	if (first == NULL || (writable->parts.sync != NULL && sync_is_running(writable->parts.sync)))
		return;
	writable->next = first->service.ring_id + 1;
	call_from(writable, start, UINT32_MAX);
	call_from(writable, 0, start);
}

void writable_room(struct writable *writable)
{
	struct loop *loop = writable->parts.loop;

	if (writable->timer == NULL && find(writable, 0) != NULL)
		writable->timer = loop_timer_add(loop, loop_now_ns(loop), on_turn, writable);
}
