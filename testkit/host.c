/* SPDX-License-Identifier: BSD-3-Clause */
/* The host table of the kit's nodes: the daemon's table, but some functions fail by chance if the test wants that. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "exec/host/host.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin_load.h"
#include "exec/sync/writable.h"
#include "testkit/kit.h"

#define ROOM_NS_MAX MS(20)

struct kit_node *kit_node_of_plugin(const struct plugin *plugin)
{
	size_t offset = offsetof(struct kit_node, executive.host);

	return (struct kit_node *)(void *)((uint8_t *)(uintptr_t)plugin->host - offset);
}

/* Return the chance that applies to a plugin: the largest of all entries for it. */
static uint32_t chance_of(const struct kit_node *node, const struct plugin *plugin, bool is_room)
{
	uint32_t chance = 0;

	for (const struct kit_refusals *at = node->refusals; at != NULL; at = at->next) {
		uint32_t own = is_room ? at->no_room : at->no_memory;

		if ((at->plugin == NULL || strcmp(at->plugin, plugin->name) == 0) && own > chance)
			chance = own;
	}
	return chance;
}

/*
 * Return whether to make a call fail. Calls inside init and fini never fail: a plugin that cannot start refuses to
 * start, which is no error.
 */
static bool strikes(const struct plugin *plugin, bool is_room)
{
	struct kit_node *node = kit_node_of_plugin(plugin);
	uint32_t chance = chance_of(node, plugin, is_room);

	return chance > 0 && plugin->descriptor->kind == COTERIE_KIND_SERVICE && plugin->state != PLUGIN_CHECKED &&
	       plugin->state != PLUGIN_STOPPED && random_chance(&node->kit->random, chance);
}

static bool is_without_memory(struct coterie_ctx *ctx) { return strikes((const struct plugin *)ctx, false); }

static void on_room(void *arg)
{
	struct kit_node *node = arg;

	node->room_timer = NULL;
	writable_room(node->executive.writable);
}

static int kit_ring_send(
	struct coterie_ctx *ctx, uint32_t function, uint32_t guarantee, const struct iovec *iov, uint32_t count)
{
	struct plugin *plugin = (struct plugin *)ctx;
	struct kit_node *node = kit_node_of_plugin(plugin);

	if (!strikes(plugin, true))
		return host_table()->ring_send(ctx, function, guarantee, iov, count);
	writable_refused(plugin);
	if (node->room_timer == NULL)
		node->room_timer = loop_timer_add(node->executive.loop,
			node->kit->clock.now_ns + random_between(&node->kit->random, MS(1), ROOM_NS_MAX), on_room,
			node);
	return -EAGAIN;
}

/* --- failures of memory --- */

static int kit_timer_add(
	struct coterie_ctx *ctx, uint64_t at_ns, void (*run)(void *arg), void *arg, struct coterie_timer **timer)
{
	return is_without_memory(ctx) ? -ENOMEM : host_table()->timer_add(ctx, at_ns, run, arg, timer);
}

static int kit_fd_add(struct coterie_ctx *ctx, int fd, uint32_t events, uint32_t is_urgent,
	void (*run)(void *arg, int fd, uint32_t revents), void *arg)
{
	return is_without_memory(ctx) ? -ENOMEM : host_table()->fd_add(ctx, fd, events, is_urgent, run, arg);
}

static int kit_map_set(struct coterie_ctx *ctx, const char *key, uint32_t type, const void *value, uint32_t size)
{
	return is_without_memory(ctx) ? -ENOMEM : host_table()->map_set(ctx, key, type, value, size);
}

static int kit_map_iterate(
	struct coterie_ctx *ctx, uint32_t which, const char *prefix, struct coterie_map_iterator **iterator)
{
	return is_without_memory(ctx) ? -ENOMEM : host_table()->map_iterate(ctx, which, prefix, iterator);
}

static int kit_map_track(struct coterie_ctx *ctx, uint32_t which, const char *key, uint32_t events,
	coterie_map_notify notify, void *arg, struct coterie_map_tracker **tracker)
{
	return is_without_memory(ctx) ? -ENOMEM
				      : host_table()->map_track(ctx, which, key, events, notify, arg, tracker);
}

static int kit_stat_add(struct coterie_ctx *ctx, const char *key, uint32_t type, coterie_stat_read read, void *arg)
{
	return is_without_memory(ctx) ? -ENOMEM : host_table()->stat_add(ctx, key, type, read, arg);
}

static int kit_state_file_store(struct coterie_ctx *ctx, const char *name, const void *bytes, uint32_t size,
	void (*done)(void *arg, int rc), void *arg)
{
	return is_without_memory(ctx) ? -ENOMEM : host_table()->state_file_store(ctx, name, bytes, size, done, arg);
}

static int kit_metric_add(struct coterie_ctx *ctx, const struct coterie_metric *metric, struct coterie_series **series)
{
	return is_without_memory(ctx) ? -ENOMEM : host_table()->metric_add(ctx, metric, series);
}

static int kit_call_open(struct coterie_ctx *ctx, const char *ipc_name, const struct coterie_caller *caller, void *arg,
	struct coterie_call **call)
{
	return is_without_memory(ctx) ? -ENOMEM : host_table()->call_open(ctx, ipc_name, caller, arg, call);
}

const struct plugin_host *kit_host(void)
{
	static struct coterie_host table;
	static struct plugin_host host;

	if (host.table == NULL) {
		host = *host_for_plugins();
		table = *host.table;
		table.ring_send = kit_ring_send;
		table.timer_add = kit_timer_add;
		table.fd_add = kit_fd_add;
		table.map_set = kit_map_set;
		table.map_iterate = kit_map_iterate;
		table.map_track = kit_map_track;
		table.stat_add = kit_stat_add;
		table.state_file_store = kit_state_file_store;
		table.metric_add = kit_metric_add;
		table.call_open = kit_call_open;
		host.table = &table;
	}
	return &host;
}

/* --- settings by the test --- */

void kit_refusals_free(struct kit_node *node)
{
	while (node->refusals != NULL) {
		struct kit_refusals *next = node->refusals->next;

		free(node->refusals->plugin);
		free(node->refusals);
		node->refusals = next;
	}
}

static bool is_same(const char *a, const char *b) { return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0; }

static struct kit_refusals *refusals_of(struct kit_node *node, const char *plugin)
{
	struct kit_refusals *at = node->refusals;

	while (at != NULL && !is_same(at->plugin, plugin))
		at = at->next;
	if (at != NULL)
		return at;
	at = kit_alloc(sizeof(*at));
	at->plugin = plugin != NULL ? kit_strdup(plugin) : NULL;
	at->next = node->refusals;
	node->refusals = at;
	return at;
}

static int refuse(struct testkit *kit, uint32_t id, const char *plugin, uint32_t chance, bool is_room)
{
	if (id != TESTKIT_ALL && kit_node(kit, id) == NULL)
		return -EINVAL;
	for (uint32_t i = 0; i < kit->node_count; i++) {
		struct kit_refusals *refusals;

		if (id != TESTKIT_ALL && id != i + 1)
			continue;
		refusals = refusals_of(&kit->nodes[i], plugin);
		*(is_room ? &refusals->no_room : &refusals->no_memory) = chance;
	}
	return 0;
}

int testkit_no_room(struct testkit *kit, uint32_t id, const char *plugin, uint32_t chance)
{
	return refuse(kit, id, plugin, chance, true);
}

int testkit_no_memory(struct testkit *kit, uint32_t id, const char *plugin, uint32_t chance)
{
	return refuse(kit, id, plugin, chance, false);
}

int testkit_disk(struct testkit *kit, uint32_t id, uint32_t ms, int rc)
{
	if ((id != TESTKIT_ALL && kit_node(kit, id) == NULL) || rc > 0)
		return -EINVAL;
	for (uint32_t i = 0; i < kit->node_count; i++) {
		if (id != TESTKIT_ALL && id != i + 1)
			continue;
		kit->nodes[i].disk_ns = MS(ms);
		kit->nodes[i].disk_rc = rc;
	}
	return 0;
}
