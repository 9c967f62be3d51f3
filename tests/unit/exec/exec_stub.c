/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec_stub.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "config/model.h"
#include "exec/host/host.h"
#include "exec/log/log.h"
#include "exec/plugin/plugin.h"
#include "exec/reload/reload.h"
#include "exec/reload/rotate.h"
#include "exec/ring/ring.h"
#include "exec/sync/delivery.h"
#include "exec/sync/route.h"
#include "exec/sync/sync.h"

struct exec_stub exec_stub;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

void exec_stub_reset(void)
{
	memset(&exec_stub, 0, sizeof(exec_stub));
	exec_stub.queue = (struct totem_queue){.used = 0, .total = 2974, .wanted = 743, .message_size_max = 4117806};
}

unsigned int exec_stub_count_logged(const char *text)
{
	unsigned int count = 0;

	for (const char *at = exec_stub.log; (at = strstr(at, text)) != NULL; at++)
		count++;
	return count;
}

bool exec_stub_has_logged(const char *text) { return exec_stub_count_logged(text) > 0; }

/* --- log.c --- */

void log_vline(const char *subsystem, int prio, const char *format, va_list arguments)
{
	char line[1024];

	vsnprintf(line, sizeof(line), format, arguments);
	pthread_mutex_lock(&log_lock);
	size_t used = strlen(exec_stub.log);
	snprintf(exec_stub.log + used, sizeof(exec_stub.log) - used, "%s %d %s\n", subsystem, prio, line);
	pthread_mutex_unlock(&log_lock);
}

void log_line(const char *subsystem, int prio, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_vline(subsystem, prio, format, arguments);
	va_end(arguments);
}

void log_limited(struct log_limit *limit, uint64_t now_ns, const char *subsystem, int prio, const char *format, ...)
{
	va_list arguments;

	(void)now_ns;
	if (limit->count++ >= 5)
		return;
	va_start(arguments, format);
	log_vline(subsystem, prio, format, arguments);
	va_end(arguments);
}

void log_vlimited(struct log_limits *limits, uint64_t now_ns, const char *subsystem, int prio, const char *format,
	va_list arguments)
{
	(void)now_ns;
	if (limits->is_off || prio > LOG_INFO || limits->list[0].count++ < 100)
		log_vline(subsystem, prio, format, arguments);
}

uint64_t log_count(int prio) { return exec_stub.log_counts[prio]; }

/* --- config/model.c --- */

const char *config_option_text(
	const struct config *config, const char *plugin, const char *name, const char **file, uint32_t *line)
{
	for (uint32_t i = 0; i < config->option_count; i++) {
		const struct config_option *option = &config->options[i];

		if (strcmp(option->plugin, plugin) != 0 || strcmp(option->name, name) != 0)
			continue;
		*file = option->file;
		*line = option->line;
		return option->value;
	}
	return NULL;
}

const char *config_key(const struct config *config, const char *key, const char **file, uint32_t *line)
{
	for (uint32_t i = 0; i < config->entry_count; i++) {
		if (strcmp(config->entries[i].key, key) != 0)
			continue;
		*file = config->entries[i].file;
		*line = config->entries[i].line;
		return config->entries[i].text;
	}
	return NULL;
}

/* --- ring.c, route.c, sync.c, the engine --- */

struct totem_engine *ring_engine(struct ring *ring)
{
	return exec_stub.has_no_engine ? NULL : (struct totem_engine *)ring;
}

void totem_engine_queue(const struct totem_engine *engine, struct totem_queue *queue)
{
	(void)engine;
	*queue = exec_stub.queue;
}

void ring_resize_frames(struct ring *ring) { (void)ring; }

bool ring_has_lease(struct ring *ring)
{
	(void)ring;
	return !exec_stub.is_lapsed;
}

bool delivery_has_verdict(const struct delivery *delivery)
{
	(void)delivery;
	return !exec_stub.is_undecided;
}

int sync_join(struct sync *sync, struct plugin *plugin)
{
	(void)sync;
	exec_stub.joins++;
	plugin->is_deaf = exec_stub.is_joining;
	return 0;
}

int sync_part(struct sync *sync, const struct plugin *plugin)
{
	(void)sync, (void)plugin;
	exec_stub.parts++;
	return exec_stub.part_rc;
}

int sync_service_members(const struct sync *sync, const struct plugin *plugin, uint32_t *nodeids, uint32_t room)
{
	(void)sync, (void)plugin, (void)nodeids, (void)room;
	return -ENOTSUP;
}

int delivery_get(const struct delivery *delivery, struct coterie_delivery *place)
{
	(void)delivery, (void)place;
	return -ENODATA;
}

bool sync_is_running(const struct sync *sync)
{
	(void)sync;
	return exec_stub.is_synchronizing;
}

int route_send(struct route *route, struct plugin *plugin, uint32_t function, uint32_t guarantee,
	const struct iovec *iov, uint32_t count)
{
	(void)route, (void)guarantee, (void)iov, (void)count;
	if (!plugin_may_send(plugin))
		return -EAGAIN;
	exec_stub.sent++;
	if (exec_stub.send_rc == 0) {
		plugin->underway++;
		plugin->tx[function]++;
	}
	return exec_stub.send_rc;
}

void ring_transport_stats(const struct ring *ring, struct coterie_transport_stats *stats)
{
	(void)ring;
	*stats = exec_stub.transport;
}

const struct totem_counters *totem_engine_counters(const struct totem_engine *engine)
{
	(void)engine;
	return &exec_stub.counters;
}

bool ring_is_safe_kept(const struct ring *ring)
{
	(void)ring;
	return exec_stub.is_safe_kept;
}

int ring_node_status(const struct ring *ring, uint32_t nodeid, struct coterie_node_status *status)
{
	(void)ring;
	*status = (struct coterie_node_status){
		.size = sizeof(*status), .nodeid = nodeid, .is_reachable = 1, .onwire_max = 7};
	return nodeid == 3 ? 0 : -ENOENT;
}

void exec_stub_show(void *arg, struct plugin *plugin)
{
	(void)arg, (void)plugin;
	exec_stub.shown++;
}

void exec_stub_conceal(void *arg, struct plugin *plugin)
{
	(void)arg, (void)plugin;
	exec_stub.shown--;
}

void exec_stub_stop(void *arg)
{
	(void)arg;
	exec_stub.stops++;
}

void exec_stub_die(void *arg, int exit_status)
{
	(void)arg;
	exec_stub.exit_status = exit_status;
	longjmp(exec_stub.on_die, 1);
}

int log_reopen(void) { return -ENOSPC; }

void ring_membership(const struct ring *ring, struct coterie_ring_id *id, const uint32_t **nodeids, uint32_t *count)
{
	static const uint32_t members[] = {1, 2, 3};

	(void)ring;
	*id = (struct coterie_ring_id){.representative = 1, .seq = 8};
	*nodeids = members;
	*count = 3;
}

struct coterie_frame *ring_frame_take(struct ring *ring, uint32_t capacity)
{
	(void)ring, (void)capacity;
	return NULL;
}

void ring_frames_in(struct ring *ring, const struct coterie_arrival *arrivals, uint32_t count)
{
	(void)ring, (void)arrivals, (void)count;
}

void ring_link_state(struct ring *ring, uint32_t link, bool is_up, const char *text)
{
	(void)ring, (void)link, (void)is_up, (void)text;
}

void ring_peer_refused(struct ring *ring, uint32_t nodeid, const void *quote, uint32_t size)
{
	(void)ring, (void)nodeid, (void)quote, (void)size;
}

void ring_peer_dead(struct ring *ring, uint32_t nodeid) { (void)ring, (void)nodeid; }

void ring_peer_watch(struct ring *ring, uint32_t nodeid, uint32_t state) { (void)ring, (void)nodeid, (void)state; }

void ring_writable(struct ring *ring) { (void)ring; }

/* --- reload.c --- */

int reload_request(struct reload *reload, const void *owner, bool is_forced,
	void (*done)(void *arg, int rc, const char *text), void *arg)
{
	(void)reload;
	exec_stub.is_reload_forced = is_forced;
	exec_stub.reload_owner = owner;
	exec_stub.reload_done = done;
	exec_stub.reload_arg = arg;
	return 0;
}

int reload_prepare(struct reload *reload, const void *owner, bool is_forced,
	void (*done)(void *arg, int rc, const char *text), void *arg)
{
	exec_stub.reloads_prepared++;
	return reload_request(reload, owner, is_forced, done, arg);
}

int reload_commit(struct reload *reload, const void *owner)
{
	(void)owner;
	(void)reload;
	exec_stub.reloads_committed++;
	return -ENOENT;
}

void reload_drop(struct reload *reload, const void *owner)
{
	(void)owner;
	(void)reload;
	exec_stub.reloads_dropped++;
}

void reload_forget(struct reload *reload, const void *owner)
{
	(void)reload;
	if (exec_stub.reload_owner == owner)
		exec_stub.reload_done = NULL;
}

int rotate_prepare(struct rotate *rotate, const void *owner, const void *key, uint32_t size,
	void (*done)(void *arg, int rc, const char *text), void *arg)
{
	(void)rotate, (void)key, (void)done, (void)arg;
	exec_stub.key_owner = owner;
	exec_stub.key_size = size;
	return -ENODATA;
}

int rotate_commit(struct rotate *rotate, const void *owner, char *text, uint32_t size)
{
	(void)rotate, (void)text, (void)size;
	return exec_stub.key_owner == owner ? -EIO : -ENOENT;
}

void rotate_drop(struct rotate *rotate, const void *owner)
{
	(void)rotate;
	if (exec_stub.key_owner == owner)
		exec_stub.key_owner = NULL;
}

void rotate_leave(struct rotate *rotate, const void *owner) { rotate_drop(rotate, owner); }

void rotate_forget(struct rotate *rotate, const void *owner) { rotate_drop(rotate, owner); }

/* Used by tests that are not linked with host.c. */
__attribute__((weak)) void host_resources_count(const struct plugin *plugin, uint32_t *timers, uint32_t *descriptors);

void host_resources_count(const struct plugin *plugin, uint32_t *timers, uint32_t *descriptors)
{
	(void)plugin;
	*timers = *descriptors = 0;
}
