/*
 * The host table: what a plugin may ask of the executive, and the account of what each plugin
 * holds.
 *
 * Timers and descriptors hang on the plugin's resources, so that they end with it. Posts come from
 * any thread: they go through a mailbox per plugin, which outlives the plugin for as long as the
 * loop still has a call of it queued; a mailbox whose plugin is gone delivers nothing.
 */
#include "exec/plugin_private.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exec/executive.h"
#include "exec/ipc_server.h"
#include "exec/log.h"
#include "exec/loop.h"
#include "exec/map.h"
#include "exec/ring.h"
#include "exec/route.h"
#include "exec/state_dir.h"

/* A running timer. */
struct coterie_timer {
	struct plugin *plugin;
	struct loop_timer *timer;
	uint64_t at_ns;
	void (*run)(void *arg);
	void *arg;
	struct coterie_timer *previous, *next;
};

struct watched_fd {
	int fd;
	void (*run)(void *arg, int fd, uint32_t revents);
	void *arg;
	struct watched_fd *next;
};

struct post {
	void (*run)(void *arg);
	void *arg;
	struct post *next;
};

struct mailbox {
	pthread_mutex_t lock; /* first, last, is_queued */
	struct post *first;
	struct post **last;
	bool is_queued;  /* the loop will call mailbox_run */
	bool is_running; /* loop thread */
	bool is_dead;    /* loop thread: the plugin is gone */
};

struct plugin_resources {
	struct coterie_timer *timers;
	struct watched_fd *fds;
	struct mailbox *mailbox;
};

static struct plugin *plugin_of(struct coterie_ctx *ctx) { return (struct plugin *)ctx; }

/* From any thread. */
static bool is_stopped(const struct plugin *plugin)
{
	return __atomic_load_n(&plugin->state, __ATOMIC_ACQUIRE) == PLUGIN_STOPPED;
}

/* --- any thread --- */

static void host_log(struct coterie_ctx *ctx, int prio, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void host_log(struct coterie_ctx *ctx, int prio, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_vline(plugin_of(ctx)->subsystem, prio, format, arguments);
	va_end(arguments);
}

static void mailbox_destroy(struct mailbox *mailbox)
{
	pthread_mutex_destroy(&mailbox->lock);
	free(mailbox);
}

static void mailbox_run(void *arg)
{
	struct mailbox *mailbox = arg;

	pthread_mutex_lock(&mailbox->lock);
	struct post *post = mailbox->first;
	mailbox->first = NULL;
	mailbox->last = &mailbox->first;
	mailbox->is_queued = false;
	pthread_mutex_unlock(&mailbox->lock);

	mailbox->is_running = true;
	while (post != NULL) {
		struct post *next = post->next;

		if (!mailbox->is_dead) /* an earlier one may have unloaded the plugin */
			post->run(post->arg);
		free(post);
		post = next;
	}
	mailbox->is_running = false;
	if (mailbox->is_dead)
		mailbox_destroy(mailbox);
}

static int host_post(struct coterie_ctx *ctx, void (*run)(void *arg), void *arg)
{
	struct plugin *plugin = plugin_of(ctx);
	struct mailbox *mailbox = plugin->resources->mailbox;
	int rc = 0;

	if (is_stopped(plugin))
		return -ESHUTDOWN;
	struct post *post = malloc(sizeof(*post));
	if (post == NULL)
		return -ENOMEM;
	*post = (struct post){.run = run, .arg = arg};
	pthread_mutex_lock(&mailbox->lock);
	if (!mailbox->is_queued)
		rc = loop_post(plugin->executive->loop, mailbox_run, mailbox);
	if (rc == 0) {
		mailbox->is_queued = true;
		*mailbox->last = post;
		mailbox->last = &post->next;
	}
	pthread_mutex_unlock(&mailbox->lock);
	if (rc < 0)
		free(post);
	return rc;
}

/* --- time and descriptors --- */

static uint64_t host_now_ns(struct coterie_ctx *ctx)
{
	return loop_now_ns(plugin_of(ctx)->executive->loop);
}

static void timer_unlink(struct coterie_timer *timer)
{
	if (timer->previous != NULL)
		timer->previous->next = timer->next;
	else
		timer->plugin->resources->timers = timer->next;
	if (timer->next != NULL)
		timer->next->previous = timer->previous;
}

static void timer_run(void *arg)
{
	struct coterie_timer *timer = arg;
	void (*run)(void *) = timer->run;
	void *run_arg = timer->arg;

	timer_unlink(timer);
	free(timer);
	run(run_arg);
}

static int host_timer_add(struct coterie_ctx *ctx, uint64_t at_ns, void (*run)(void *arg),
	void *arg, struct coterie_timer **out)
{
	struct plugin *plugin = plugin_of(ctx);
	struct coterie_timer *timer;

	if (is_stopped(plugin))
		return -ESHUTDOWN;
	timer = malloc(sizeof(*timer));
	if (timer == NULL)
		return -ENOMEM;
	*timer = (struct coterie_timer){.plugin = plugin, .at_ns = at_ns, .run = run, .arg = arg};
	timer->timer = loop_timer_add(plugin->executive->loop, at_ns, timer_run, timer);
	if (timer->timer == NULL) {
		free(timer);
		return -ENOMEM;
	}
	timer->next = plugin->resources->timers;
	if (timer->next != NULL)
		timer->next->previous = timer;
	plugin->resources->timers = timer;
	if (out != NULL)
		*out = timer;
	return 0;
}

static void host_timer_del(struct coterie_ctx *ctx, struct coterie_timer *timer)
{
	if (timer == NULL)
		return;
	loop_timer_del(plugin_of(ctx)->executive->loop, timer->timer);
	timer_unlink(timer);
	free(timer);
}

static int host_fd_add(struct coterie_ctx *ctx, int fd, uint32_t events, uint32_t is_urgent,
	void (*run)(void *arg, int fd, uint32_t revents), void *arg)
{
	struct plugin *plugin = plugin_of(ctx);
	struct watched_fd *watched;

	if (is_stopped(plugin))
		return -ESHUTDOWN;
	watched = malloc(sizeof(*watched));
	if (watched == NULL)
		return -ENOMEM;
	*watched = (struct watched_fd){.fd = fd, .run = run, .arg = arg};
	/* The loop calls the plugin itself: one jump less per datagram. */
	int rc = loop_fd_add(plugin->executive->loop, fd, events,
		is_urgent ? LOOP_URGENT : LOOP_NORMAL, run, arg);
	if (rc < 0) {
		free(watched);
		return rc;
	}
	watched->next = plugin->resources->fds;
	plugin->resources->fds = watched;
	return 0;
}

static struct watched_fd **find_fd(struct plugin *plugin, int fd)
{
	struct watched_fd **place = &plugin->resources->fds;

	while (*place != NULL && (*place)->fd != fd)
		place = &(*place)->next;
	return place;
}

/* Another plugin's descriptors are not its business. */
static int host_fd_mod(struct coterie_ctx *ctx, int fd, uint32_t events)
{
	struct plugin *plugin = plugin_of(ctx);

	if (*find_fd(plugin, fd) == NULL)
		return -ENOENT;
	return loop_fd_mod(plugin->executive->loop, fd, events);
}

static void host_fd_del(struct coterie_ctx *ctx, int fd)
{
	struct plugin *plugin = plugin_of(ctx);
	struct watched_fd **place = find_fd(plugin, fd);
	struct watched_fd *watched = *place;

	if (watched == NULL)
		return;
	*place = watched->next;
	free(watched);
	loop_fd_del(plugin->executive->loop, fd);
}

/* --- options, map --- */

static int host_option_u64(struct coterie_ctx *ctx, const char *name, uint64_t *value)
{
	return plugin_option_u64(plugin_of(ctx)->options, name, value);
}

static int host_option_string(struct coterie_ctx *ctx, const char *name, const char **value)
{
	return plugin_option_string(plugin_of(ctx)->options, name, value);
}

static int host_map_set(struct coterie_ctx *ctx, const char *key, uint32_t type, const void *value,
	uint32_t value_size)
{
	return map_set(plugin_of(ctx)->executive->map, key, type, value, value_size);
}

static int host_map_get(struct coterie_ctx *ctx, const char *key, uint32_t *type,
	const void **value, uint32_t *value_size)
{
	struct map_value found;
	int rc = map_get(plugin_of(ctx)->executive->map, key, &found);

	if (rc < 0)
		return rc;
	if (type != NULL)
		*type = found.type;
	if (value != NULL)
		*value = found.bytes;
	if (value_size != NULL)
		*value_size = found.size;
	return 0;
}

static int host_map_delete(struct coterie_ctx *ctx, const char *key)
{
	return map_delete(plugin_of(ctx)->executive->map, key);
}

/* --- state files --- */

static bool is_file_name(const char *name)
{
	size_t length = strspn(
		name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return length > 0 && length <= 40 && name[length] == '\0';
}

static int host_state_file_read(
	struct coterie_ctx *ctx, const char *name, void *bytes, uint32_t size)
{
	if (!is_file_name(name))
		return -EINVAL;
	return state_file_read(plugin_of(ctx)->executive->state_dir, name, bytes, size);
}

static int host_state_file_write(
	struct coterie_ctx *ctx, const char *name, const void *bytes, uint32_t size)
{
	if (!is_file_name(name))
		return -EINVAL;
	int dir = open(plugin_of(ctx)->executive->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	int rc = state_file_replace(dir, name, bytes, size);
	close(dir);
	return rc;
}

/* --- the ring --- */

static uint32_t host_local_nodeid(struct coterie_ctx *ctx)
{
	return plugin_of(ctx)->executive->nodeid;
}

static int host_ring_send(struct coterie_ctx *ctx, uint32_t function, uint32_t guarantee,
	const struct iovec *iov, uint32_t count)
{
	struct plugin *plugin = plugin_of(ctx);

	return route_send(plugin->executive->route, plugin, function, guarantee, iov, count);
}

static void host_membership(struct coterie_ctx *ctx, struct coterie_ring_id *ring,
	const uint32_t **nodeids, uint32_t *count)
{
	ring_membership(plugin_of(ctx)->executive->ring, ring, nodeids, count);
}

static uint32_t host_is_quorate(struct coterie_ctx *ctx)
{
	return plugin_of(ctx)->executive->is_quorate ? 1 : 0;
}

/* --- transports --- */

static struct coterie_frame *host_frame_take(struct coterie_ctx *ctx, uint32_t capacity)
{
	return ring_frame_take(plugin_of(ctx)->executive->ring, capacity);
}

static struct coterie_frame *host_frame_slice(
	struct coterie_ctx *ctx, struct coterie_frame *buffer, uint32_t offset, uint32_t size)
{
	(void)ctx;
	return frame_slice(buffer, offset, size);
}

static void host_frame_ref(struct coterie_frame *frame) { frame_ref(frame); }

static void host_frames_in(
	struct coterie_ctx *ctx, const struct coterie_arrival *arrivals, uint32_t count)
{
	ring_frames_in(plugin_of(ctx)->executive->ring, arrivals, count);
}

static void host_link_state(
	struct coterie_ctx *ctx, uint32_t link, uint32_t is_up, const char *text)
{
	ring_link_state(plugin_of(ctx)->executive->ring, link, is_up != 0, text);
}

static void host_peer_dead(struct coterie_ctx *ctx, uint32_t nodeid)
{
	ring_peer_dead(plugin_of(ctx)->executive->ring, nodeid);
}

static void host_writable(struct coterie_ctx *ctx)
{
	ring_writable(plugin_of(ctx)->executive->ring);
}

const struct coterie_host *host_table(void)
{
	static const struct coterie_host host = {
		.size = sizeof(struct coterie_host),
		.abi_major = COTERIE_ABI_MAJOR,
		.abi_minor = COTERIE_ABI_MINOR,
		.caps = COTERIE_CAP_RING | COTERIE_CAP_IPC | COTERIE_CAP_SYNC | COTERIE_CAP_MAP |
			COTERIE_CAP_TRANSPORT,
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
		.state_file_read = host_state_file_read,
		.state_file_write = host_state_file_write,
	};

	return &host;
}

/* --- the account --- */

int host_resources_create(struct plugin *plugin)
{
	struct plugin_resources *resources = calloc(1, sizeof(*resources));
	struct mailbox *mailbox = calloc(1, sizeof(*mailbox));

	if (resources == NULL || mailbox == NULL) {
		free(resources);
		free(mailbox);
		return -ENOMEM;
	}
	pthread_mutex_init(&mailbox->lock, NULL);
	mailbox->last = &mailbox->first;
	resources->mailbox = mailbox;
	plugin->resources = resources;
	return 0;
}

/* The plugin's threads are joined by now, so nobody posts any more. */
static void mailbox_close(const struct plugin *plugin, struct mailbox *mailbox)
{
	while (mailbox->first != NULL) {
		struct post *post = mailbox->first;

		mailbox->first = post->next;
		free(post);
		log_line(plugin->subsystem, LOG_WARNING,
			"Leak: a post was still queued; it is dropped");
	}
	mailbox->last = &mailbox->first;
	mailbox->is_dead = true;
	if (!mailbox->is_queued && !mailbox->is_running)
		mailbox_destroy(mailbox);
}

void host_resources_reclaim(struct plugin *plugin)
{
	struct plugin_resources *resources = plugin->resources;

	if (resources == NULL)
		return;
	struct loop *loop = plugin->executive->loop;
	struct coterie_ctx *ctx = (struct coterie_ctx *)plugin;
	while (resources->timers != NULL) {
		uint64_t now_ns = loop_now_ns(loop);
		uint64_t at_ns = resources->timers->at_ns;

		log_line(plugin->subsystem, LOG_WARNING,
			"Leak: a timer due in %ju ms was still set; it is "
			"cancelled",
			(uintmax_t)(at_ns > now_ns ? (at_ns - now_ns) / 1000000 : 0));
		host_timer_del(ctx, resources->timers);
	}
	while (resources->fds != NULL) {
		log_line(plugin->subsystem, LOG_WARNING,
			"Leak: descriptor %d was still watched; it is no longer",
			resources->fds->fd);
		host_fd_del(ctx, resources->fds->fd);
	}
	mailbox_close(plugin, resources->mailbox);
	free(resources);
	plugin->resources = NULL;
}
