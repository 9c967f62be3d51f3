/* SPDX-License-Identifier: BSD-3-Clause */
/* The host table's quorum and administration. */
#include "exec/host/host_private.h"

#include <errno.h>
#include <string.h>

#include "config/model.h"
#include "exec/ipc/ipc_server.h"
#include "exec/life/plugin_life.h"
#include "exec/log/log.h"
#include "exec/reload/rekey.h"
#include "exec/reload/reload.h"
#include "exec/reload/rotate.h"
#include "exec/ring/ring.h"
#include "exec/sync/quorum.h"

/* Copy the members for which the other struct has room. The first member of both structs is the size. */
static void fill(void *to, const void *from, size_t size)
{
	uint32_t room;

	memcpy(&room, to, sizeof(room));
	if (room > sizeof(room))
		memcpy((uint8_t *)to + sizeof(room), (const uint8_t *)from + sizeof(room),
			(room < size ? room : size) - sizeof(room));
}

/* --- quorum --- */

int host_quorum_publish(struct coterie_ctx *ctx, const struct coterie_quorum *verdict)
{
	const struct plugin *plugin = host_plugin(ctx);

	return quorum_publish(plugin->host->quorum, plugin, verdict);
}

void host_quorum_get(struct coterie_ctx *ctx, struct coterie_quorum *verdict)
{
	quorum_get(host_plugin(ctx)->host->quorum, verdict);
}

int host_quorum_watch(struct coterie_ctx *ctx, void (*run)(void *arg, const struct coterie_quorum *verdict), void *arg)
{
	const struct plugin *plugin = host_plugin(ctx);

	return quorum_watch(plugin->host->quorum, plugin, run, arg);
}

/* --- nodes --- */

uint32_t host_is_safe_kept(struct coterie_ctx *ctx) { return ring_is_safe_kept(host_plugin(ctx)->host->ring) ? 1 : 0; }

int host_node_status(struct coterie_ctx *ctx, uint32_t nodeid, struct coterie_node_status *status)
{
	struct coterie_node_status found;
	int rc = ring_node_status(host_plugin(ctx)->host->ring, nodeid, &found);

	if (rc == 0)
		fill(status, &found, sizeof(found));
	return rc;
}

int host_node_addresses(struct coterie_ctx *ctx, uint32_t nodeid, struct coterie_peer *peer)
{
	const struct config *config = *host_plugin(ctx)->host->config;

	for (uint32_t i = 0; i < config->node_count; i++) {
		const struct config_node *node = &config->nodes[i];
		struct coterie_peer found = {.nodeid = nodeid,
			.is_local = i == config->local,
			.link_count = node->link_count,
			.addresses = node->addresses};

		if (node->nodeid != nodeid)
			continue;
		fill(peer, &found, sizeof(found));
		return 0;
	}
	return -ENOENT;
}

/* --- the end --- */

void host_stop(struct coterie_ctx *ctx)
{
	const struct host_parts *parts = host_plugin(ctx)->host;

	parts->stop(parts->arg);
}

void host_die(struct coterie_ctx *ctx, int32_t exit_status, const char *reason)
{
	const struct plugin *plugin = host_plugin(ctx);

	log_line(plugin->subsystem, LOG_NOTICE, "%s", reason);
	plugin->host->die(plugin->host->arg, exit_status);
}

/* --- reload and logs --- */

int host_reload(struct coterie_ctx *ctx, void (*done)(void *arg, int rc, const char *text), void *arg)
{
	const struct plugin *plugin = host_plugin(ctx);

	return reload_request(plugin->host->reload, plugin, false, done, arg);
}

int host_reload_with(
	struct coterie_ctx *ctx, uint32_t flags, void (*done)(void *arg, int rc, const char *text), void *arg)
{
	const struct plugin *plugin = host_plugin(ctx);
	bool is_forced = (flags & COTERIE_RELOAD_FORCED) != 0;

	if ((flags & ~(COTERIE_RELOAD_PREPARE | COTERIE_RELOAD_FORCED)) != 0)
		return -EINVAL;
	if ((flags & COTERIE_RELOAD_PREPARE) != 0)
		return reload_prepare(plugin->host->reload, plugin, is_forced, done, arg);
	return reload_request(plugin->host->reload, plugin, is_forced, done, arg);
}

int host_reload_prepare(struct coterie_ctx *ctx, void (*done)(void *arg, int rc, const char *text), void *arg)
{
	const struct plugin *plugin = host_plugin(ctx);

	return reload_prepare(plugin->host->reload, plugin, false, done, arg);
}

int host_reload_commit(struct coterie_ctx *ctx)
{
	const struct plugin *plugin = host_plugin(ctx);

	return reload_commit(plugin->host->reload, plugin);
}

void host_reload_drop(struct coterie_ctx *ctx)
{
	const struct plugin *plugin = host_plugin(ctx);

	reload_drop(plugin->host->reload, plugin);
}

int host_log_reopen(struct coterie_ctx *ctx)
{
	(void)ctx;
	return log_reopen();
}

/* --- keys of an encrypted ring --- */

int host_key_get(struct coterie_ctx *ctx, const void **bytes, uint32_t *size)
{
	const struct config *config = *host_plugin(ctx)->host->config;

	if (config->key == NULL)
		return -ENODATA;
	*bytes = config->key;
	*size = config->key_size;
	return 0;
}

int host_rekey_watch(struct coterie_ctx *ctx, void (*run)(void *arg), void *arg)
{
	const struct plugin *plugin = host_plugin(ctx);

	return rekey_watch(plugin->host->rekey, plugin, run, arg);
}

int host_rekey(struct coterie_ctx *ctx, uint32_t phase) { return rekey_go_on(host_plugin(ctx)->host->rekey, phase); }

int host_key_prepare(struct coterie_ctx *ctx, const void *key, uint32_t size,
	void (*done)(void *arg, int rc, const char *text), void *arg)
{
	const struct plugin *plugin = host_plugin(ctx);

	return rotate_prepare(plugin->host->rotate, plugin, key, size, done, arg);
}

int host_key_commit(struct coterie_ctx *ctx, char *text, uint32_t size)
{
	const struct plugin *plugin = host_plugin(ctx);

	return rotate_commit(plugin->host->rotate, plugin, text, size);
}

void host_key_drop(struct coterie_ctx *ctx)
{
	const struct plugin *plugin = host_plugin(ctx);

	rotate_drop(plugin->host->rotate, plugin);
}

void host_key_leave(struct coterie_ctx *ctx)
{
	const struct plugin *plugin = host_plugin(ctx);

	rotate_leave(plugin->host->rotate, plugin);
}

/* --- the life of other plugins --- */

int host_plugin_load(struct coterie_ctx *ctx, const char *what, const char *const *options, uint32_t count,
	void (*done)(void *arg, int rc, const char *text), void *arg)
{
	const struct plugin *plugin = host_plugin(ctx);

	return plugin_life_load(plugin->host->life, plugin, what, options, count, done, arg);
}

int host_plugin_unload(struct coterie_ctx *ctx, const char *name, uint32_t drain_ms,
	void (*done)(void *arg, int rc, const char *text), void *arg)
{
	const struct plugin *plugin = host_plugin(ctx);

	return plugin_life_unload(plugin->host->life, plugin, name, drain_ms, done, arg);
}

int host_plugin_replace(struct coterie_ctx *ctx, const char *name, const char *path, uint32_t forced,
	void (*done)(void *arg, int rc, const char *text), void *arg)
{
	const struct plugin *plugin = host_plugin(ctx);

	return plugin_life_replace(plugin->host->life, plugin, name, path, forced != 0, done, arg);
}

struct coterie_client *host_client_find(struct coterie_ctx *ctx, uint64_t id)
{
	return ipc_client_find(host_plugin(ctx)->ipc, id);
}

void host_admin_reclaim(struct plugin *plugin)
{
	plugin_life_forget(plugin->host->life, plugin);
	rekey_forget(plugin->host->rekey, plugin);
	rotate_forget(plugin->host->rotate, plugin);
	quorum_forget(plugin->host->quorum, plugin);
	reload_forget(plugin->host->reload, plugin);
}
