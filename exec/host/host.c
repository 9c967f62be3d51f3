/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host table: the functions of the executive that a plugin may call, and the record of the resources that each
 * plugin holds. This file has log, options, ring, transports and state files. The rest is in host_loop.c, host_map.c,
 * host_metric.c and host_admin.c.
 */
#include "exec/host/host_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec/host/state_writer.h"
#include "exec/ipc/ipc_server.h"
#include "exec/log/log.h"
#include "exec/plugin/plugin_load.h"
#include "exec/ring/ring.h"
#include "exec/ring/state_dir.h"
#include "exec/sync/delivery.h"
#include "exec/sync/sync.h"
#include "exec/sync/route.h"

/* --- functions for any thread --- */

static void host_log(struct coterie_ctx *ctx, int prio, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void host_log(struct coterie_ctx *ctx, int prio, const char *format, ...)
{
	struct plugin *plugin = host_plugin(ctx);
	va_list arguments;

	va_start(arguments, format);
	/* Messages and requests must not make a service log all the time. Transports have limits of their own. */
	if (plugin->descriptor->kind == COTERIE_KIND_SERVICE)
		log_vlimited(&plugin->log_limits, host_now_ns(ctx), plugin->subsystem, prio, format, arguments);
	else
		log_vline(plugin->subsystem, prio, format, arguments);
	va_end(arguments);
}

/* --- options --- */

static int host_option_u64(struct coterie_ctx *ctx, const char *name, uint64_t *value)
{
	return plugin_option_u64(host_plugin(ctx)->options, name, value);
}

static int host_option_string(struct coterie_ctx *ctx, const char *name, const char **value)
{
	return plugin_option_string(host_plugin(ctx)->options, name, value);
}

static int host_option_list(struct coterie_ctx *ctx, const char *name, const char *const **values, uint32_t *count)
{
	return plugin_option_list(host_plugin(ctx)->options, name, values, count);
}

/* --- answers that come later --- */

static int host_reply_finish(
	struct coterie_ctx *ctx, uint64_t token, int32_t error, const struct iovec *iov, uint32_t count)
{
	return ipc_reply_finish(host_plugin(ctx)->ipc, token, error, iov, count);
}

static int host_reply_adopt(struct coterie_ctx *ctx, uint64_t token, coterie_reply_gone gone, void *arg)
{
	return ipc_reply_adopt(host_plugin(ctx)->ipc, token, gone, arg);
}

/* --- calls to other services --- */

static int host_call_open(struct coterie_ctx *ctx, const char *ipc_name, const struct coterie_caller *caller, void *arg,
	struct coterie_call **call)
{
	struct plugin *plugin = host_plugin(ctx);

	return ipc_call_open(plugin->host->ipc, plugin, ipc_name, caller, arg, call);
}

/* --- state files --- */

static bool is_file_name(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return length > 0 && length <= 40 && name[length] == '\0';
}

static int host_state_file_read(struct coterie_ctx *ctx, const char *name, void *bytes, uint32_t size)
{
	if (!is_file_name(name))
		return -EINVAL;
	return state_file_read(host_plugin(ctx)->host->state_dir, name, bytes, size);
}

static int host_state_file_write(struct coterie_ctx *ctx, const char *name, const void *bytes, uint32_t size)
{
	if (!is_file_name(name))
		return -EINVAL;
	return state_writer_write(host_plugin(ctx)->host->state_writer, name, bytes, size);
}

static int host_state_file_store(struct coterie_ctx *ctx, const char *name, const void *bytes, uint32_t size,
	void (*done)(void *arg, int rc), void *arg)
{
	struct plugin *plugin = host_plugin(ctx);

	if (!is_file_name(name))
		return -EINVAL;
	return state_writer_store(plugin->host->state_writer, plugin, name, bytes, size, done, arg);
}

/* --- the ring --- */

static uint32_t host_local_nodeid(struct coterie_ctx *ctx) { return host_plugin(ctx)->host->nodeid; }

static int host_ring_send(
	struct coterie_ctx *ctx, uint32_t function, uint32_t guarantee, const struct iovec *iov, uint32_t count)
{
	struct plugin *plugin = host_plugin(ctx);

	return route_send(plugin->host->route, plugin, function, guarantee, iov, count);
}

static void host_membership(
	struct coterie_ctx *ctx, struct coterie_ring_id *ring, const uint32_t **nodeids, uint32_t *count)
{
	ring_membership(host_plugin(ctx)->host->ring, ring, nodeids, count);
}

static int host_delivery(struct coterie_ctx *ctx, struct coterie_delivery *delivery)
{
	return delivery_get(host_plugin(ctx)->host->delivery, delivery);
}

static int host_service_members(struct coterie_ctx *ctx, uint32_t *nodeids, uint32_t room)
{
	struct plugin *plugin = host_plugin(ctx);

	return sync_service_members(plugin->host->sync, plugin, nodeids, room);
}

static uint32_t host_is_quorate(struct coterie_ctx *ctx) { return *host_plugin(ctx)->host->is_quorate ? 1 : 0; }

/* --- transports --- */

static struct coterie_frame *host_frame_take(struct coterie_ctx *ctx, uint32_t capacity)
{
	return ring_frame_take(host_plugin(ctx)->host->ring, capacity);
}

static struct coterie_frame *host_frame_slice(
	struct coterie_ctx *ctx, struct coterie_frame *buffer, uint32_t offset, uint32_t size)
{
	(void)ctx;
	return frame_slice(buffer, offset, size);
}

static void host_frame_ref(struct coterie_frame *frame) { frame_ref(frame); }

static void host_frames_in(struct coterie_ctx *ctx, const struct coterie_arrival *arrivals, uint32_t count)
{
	ring_frames_in(host_plugin(ctx)->host->ring, arrivals, count);
}

static void host_link_state(struct coterie_ctx *ctx, uint32_t link, uint32_t is_up, const char *text)
{
	ring_link_state(host_plugin(ctx)->host->ring, link, is_up != 0, text);
}

static void host_peer_dead(struct coterie_ctx *ctx, uint32_t nodeid)
{
	ring_peer_dead(host_plugin(ctx)->host->ring, nodeid);
}

static void host_peer_refused(struct coterie_ctx *ctx, uint32_t nodeid, const void *quote, uint32_t size)
{
	ring_peer_refused(host_plugin(ctx)->host->ring, nodeid, quote, size);
}

static void host_peer_watch(struct coterie_ctx *ctx, uint32_t nodeid, uint32_t state)
{
	ring_peer_watch(host_plugin(ctx)->host->ring, nodeid, state);
}

static void host_writable(struct coterie_ctx *ctx) { ring_writable(host_plugin(ctx)->host->ring); }

static const struct coterie_host table = {
	.size = sizeof(struct coterie_host),
	.abi_major = COTERIE_ABI_MAJOR,
	.abi_minor = COTERIE_ABI_MINOR,
	.caps = PLUGIN_HOST_CAPS,
	.log = host_log,
	.post = host_post,
	.now_ns = host_now_ns,
	.timer_add = host_timer_add,
	.timer_del = host_timer_del,
	.fd_add = host_fd_add,
	.fd_mod = host_fd_mod,
	.fd_del = host_fd_del,
	.option_u64 = host_option_u64,
	.option_string = host_option_string,
	.map_set = host_map_set,
	.map_get = host_map_get,
	.map_delete = host_map_delete,
	.local_nodeid = host_local_nodeid,
	.ring_send = host_ring_send,
	.membership = host_membership,
	.is_quorate = host_is_quorate,
	.client_data = ipc_client_data,
	.client_peer = ipc_client_peer,
	.reply = ipc_client_reply,
	.event = ipc_client_event,
	.client_disconnect = ipc_client_disconnect,
	.frame_take = host_frame_take,
	.frame_slice = host_frame_slice,
	.frame_ref = host_frame_ref,
	.frame_unref = frame_unref,
	.frames_in = host_frames_in,
	.link_state = host_link_state,
	.peer_dead = host_peer_dead,
	.writable = host_writable,
	.map_read = host_map_read,
	.map_iterate = host_map_iterate,
	.map_iterate_next = host_map_iterate_next,
	.map_iterate_end = host_map_iterate_end,
	.map_track = host_map_track,
	.map_untrack = host_map_untrack,
	.map_adjust = host_map_adjust,
	.map_protect = host_map_protect,
	.map_is_protected = host_map_is_protected,
	.stat_add = host_stat_add,
	.stat_del = host_stat_del,
	.stats_on_clear = host_stats_on_clear,
	.stats_clear = host_stats_clear,
	.quorum_publish = host_quorum_publish,
	.quorum_get = host_quorum_get,
	.quorum_watch = host_quorum_watch,
	.is_safe_kept = host_is_safe_kept,
	.node_status = host_node_status,
	.node_addresses = host_node_addresses,
	.stop = host_stop,
	.die = host_die,
	.reload = host_reload,
	.log_reopen = host_log_reopen,
	.state_file_read = host_state_file_read,
	.state_file_write = host_state_file_write,
	.key_get = host_key_get,
	.rekey_watch = host_rekey_watch,
	.rekey = host_rekey,
	.peer_refused = host_peer_refused,
	.peer_watch = host_peer_watch,
	.reload_prepare = host_reload_prepare,
	.reload_commit = host_reload_commit,
	.reload_drop = host_reload_drop,
	.plugin_load = host_plugin_load,
	.plugin_unload = host_plugin_unload,
	.plugin_replace = host_plugin_replace,
	.client_id = ipc_client_id,
	.client_find = host_client_find,
	.channel_open = ipc_channel_open,
	.channel_deliver = ipc_channel_deliver,
	.client_may = ipc_client_may,
	.key_prepare = host_key_prepare,
	.key_commit = host_key_commit,
	.key_drop = host_key_drop,
	.client_may_send = ipc_client_may_send,
	.key_leave = host_key_leave,
	.delivery = host_delivery,
	.service_members = host_service_members,
	.option_list = host_option_list,
	.reply_later = ipc_reply_later,
	.reply_finish = host_reply_finish,
	.reply_adopt = host_reply_adopt,
	.state_file_store = host_state_file_store,
	.call_open = host_call_open,
	.call_send = ipc_call_send,
	.call_close = ipc_call_close,
	.reload_with = host_reload_with,
	.metric_add = host_metric_add,
	.metric_del = host_metric_del,
	.metric_count = host_metric_count,
	.metric_set = host_metric_set,
	.metric_observe = host_metric_observe,
};

const struct coterie_host *host_table(void) { return &table; }

/* --- the resources of a plugin --- */

int host_resources_create(struct plugin *plugin)
{
	struct plugin_resources *resources = calloc(1, sizeof(*resources));

	if (resources == NULL)
		return -ENOMEM;
	resources->mailbox = host_mailbox_create(plugin);
	if (resources->mailbox == NULL) {
		free(resources);
		return -ENOMEM;
	}
	plugin->resources = resources;
	return 0;
}

void host_resources_count(const struct plugin *plugin, uint32_t *timers, uint32_t *descriptors)
{
	*timers = plugin->resources->timer_count;
	*descriptors = plugin->resources->fd_count;
}

void host_resources_reclaim(struct plugin *plugin)
{
	if (plugin->resources == NULL)
		return;
	host_admin_reclaim(plugin);
	ipc_call_forget(plugin->host->ipc, plugin);
	state_writer_forget(plugin->host->state_writer, plugin);
	host_map_reclaim(plugin);
	host_metric_reclaim(plugin);
	host_loop_reclaim(plugin);
	free(plugin->resources);
	plugin->resources = NULL;
}

static void close_server(struct plugin *plugin)
{
	ipc_server_close(plugin->ipc);
	plugin->ipc = NULL;
}

const struct plugin_host *host_for_plugins(void)
{
	static const struct plugin_host host = {.table = &table,
		.begin = host_resources_create,
		.end = host_resources_reclaim,
		.disconnect = close_server,
		.settle = host_stats_settle,
		.write = host_map_write,
		.catch_up = host_stats_catch_up};

	return &host;
}
