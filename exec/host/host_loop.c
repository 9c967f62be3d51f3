/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host table's time, descriptors and posts. Timers and descriptors belong to the plugin's resources, so that they
 * end with the plugin. Posts come from any thread. They go through a mailbox of the plugin. The mailbox outlives the
 * plugin if a call of it is queued in the loop. Without its plugin it delivers nothing.
 */
#include "exec/host/host_private.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin_watch.h"

#define HELD_MANY 1024u

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
	struct plugin *plugin;
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
	struct plugin *plugin; /* until is_dead */
	pthread_mutex_t lock;  /* for first, last and is_queued */
	struct post *first;
	struct post **last;
	bool is_queued;  /* the loop will call mailbox_run */
	bool is_running; /* loop thread */
	bool is_dead;    /* the plugin has ended. Used on the loop thread only */
};

/* --- posts: any thread --- */

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

		if (!mailbox->is_dead) { /* an earlier post may have unloaded the plugin */
			struct plugin_call call;

			plugin_enter_at(
				&call, mailbox->plugin, "posts", PLUGIN_NO_NUMBER, (const void *)(uintptr_t)post->run);
			post->run(post->arg);
			if (!mailbox->is_dead)
				plugin_leave(&call);
			else
				plugin_forget_call(&call);
		}
		free(post);
		post = next;
	}
	mailbox->is_running = false;
	if (mailbox->is_dead)
		mailbox_destroy(mailbox);
}

int host_post(struct coterie_ctx *ctx, void (*run)(void *arg), void *arg)
{
	struct plugin *plugin = host_plugin(ctx);
	struct mailbox *mailbox = plugin->resources->mailbox;
	int rc = 0;

	if (host_is_stopped(plugin))
		return -ESHUTDOWN;
	struct post *post = malloc(sizeof(*post));
	if (post == NULL)
		return -ENOMEM;
	*post = (struct post){.run = run, .arg = arg};
	pthread_mutex_lock(&mailbox->lock);
	if (!mailbox->is_queued)
		rc = loop_post(plugin->host->loop, mailbox_run, mailbox);
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

uint64_t host_now_ns(struct coterie_ctx *ctx) { return loop_now_ns(host_plugin(ctx)->host->loop); }

/*
 * Count a resource. If a plugin takes more and more and gives none back, log its name each time that the count has
 * doubled. The count is also in its statistics.
 */
static void count_up(const struct plugin *plugin, uint32_t *count, const char *what)
{
	(*count)++;
	if (*count >= HELD_MANY && (*count & (*count - 1)) == 0)
		log_line("MAIN", LOG_WARNING, "Plugin '%s' holds %u %s: it may be leaking them", plugin->name, *count,
			what);
}

static void timer_unlink(struct coterie_timer *timer)
{
	timer->plugin->resources->timer_count--;
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
	struct plugin *plugin = timer->plugin;
	void (*run)(void *) = timer->run;
	void *run_arg = timer->arg;

	timer_unlink(timer);
	free(timer);
	/* Plugins end on turns of their own (plugin_life.c), so the plugin still exists after the call. */
	struct plugin_call call;

	plugin_enter_at(&call, plugin, "timers", PLUGIN_NO_NUMBER, (const void *)(uintptr_t)run);
	run(run_arg);
	plugin_leave(&call);
}

int host_timer_add(
	struct coterie_ctx *ctx, uint64_t at_ns, void (*run)(void *arg), void *arg, struct coterie_timer **out)
{
	struct plugin *plugin = host_plugin(ctx);
	struct coterie_timer *timer;

	if (host_is_stopped(plugin))
		return -ESHUTDOWN;
	timer = malloc(sizeof(*timer));
	if (timer == NULL)
		return -ENOMEM;
	*timer = (struct coterie_timer){.plugin = plugin, .at_ns = at_ns, .run = run, .arg = arg};
	timer->timer = loop_timer_add(plugin->host->loop, at_ns, timer_run, timer);
	if (timer->timer == NULL) {
		free(timer);
		return -ENOMEM;
	}
	count_up(plugin, &plugin->resources->timer_count, "timers");
	timer->next = plugin->resources->timers;
	if (timer->next != NULL)
		timer->next->previous = timer;
	plugin->resources->timers = timer;
	if (out != NULL)
		*out = timer;
	return 0;
}

void host_timer_del(struct coterie_ctx *ctx, struct coterie_timer *timer)
{
	if (timer == NULL)
		return;
	loop_timer_del(host_plugin(ctx)->host->loop, timer->timer);
	timer_unlink(timer);
	free(timer);
}

static void fd_run(void *arg, int fd, uint32_t revents)
{
	struct watched_fd *watched = arg;
	struct plugin *plugin = watched->plugin;
	struct plugin_call call;

	plugin_enter_at(&call, plugin, "descriptors", PLUGIN_NO_NUMBER, (const void *)(uintptr_t)watched->run);
	watched->run(watched->arg, fd, revents); /* the callback may have deleted `watched` */
	plugin_leave(&call);
}

/*
 * Handle a descriptor of the ring's own traffic. This call is not measured, since it delivers frames to other plugins,
 * whose calls are measured.
 */
static void fd_run_urgent(void *arg, int fd, uint32_t revents)
{
	struct watched_fd *watched = arg;

	PLUGIN_MARKED(watched->plugin, "descriptors", watched->run(watched->arg, fd, revents));
}

int host_fd_add(struct coterie_ctx *ctx, int fd, uint32_t events, uint32_t is_urgent,
	void (*run)(void *arg, int fd, uint32_t revents), void *arg)
{
	struct plugin *plugin = host_plugin(ctx);
	struct watched_fd *watched;

	if (host_is_stopped(plugin))
		return -ESHUTDOWN;
	watched = malloc(sizeof(*watched));
	if (watched == NULL)
		return -ENOMEM;
	*watched = (struct watched_fd){.fd = fd, .plugin = plugin, .run = run, .arg = arg};
	int rc = loop_fd_add(plugin->host->loop, fd, events, is_urgent ? LOOP_URGENT : LOOP_NORMAL,
		is_urgent ? fd_run_urgent : fd_run, watched);
	if (rc < 0) {
		free(watched);
		return rc;
	}
	count_up(plugin, &plugin->resources->fd_count, "descriptors");
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

/* A plugin can only change its own descriptors. */
int host_fd_mod(struct coterie_ctx *ctx, int fd, uint32_t events)
{
	struct plugin *plugin = host_plugin(ctx);

	if (*find_fd(plugin, fd) == NULL)
		return -ENOENT;
	return loop_fd_mod(plugin->host->loop, fd, events);
}

void host_fd_del(struct coterie_ctx *ctx, int fd)
{
	struct plugin *plugin = host_plugin(ctx);
	struct watched_fd **place = find_fd(plugin, fd);
	struct watched_fd *watched = *place;

	if (watched == NULL)
		return;
	*place = watched->next;
	plugin->resources->fd_count--;
	free(watched);
	loop_fd_del(plugin->host->loop, fd);
}

/* --- the resources of a plugin --- */

struct mailbox *host_mailbox_create(struct plugin *plugin)
{
	struct mailbox *mailbox = calloc(1, sizeof(*mailbox));

	if (mailbox == NULL)
		return NULL;
	mailbox->plugin = plugin;
	pthread_mutex_init(&mailbox->lock, NULL);
	mailbox->last = &mailbox->first;
	return mailbox;
}

/* Free the first post. @return false: there is no post */
static bool mailbox_drop(struct mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->lock);
	struct post *post = mailbox->first;

	if (post != NULL)
		mailbox->first = post->next;
	if (mailbox->first == NULL)
		mailbox->last = &mailbox->first;
	pthread_mutex_unlock(&mailbox->lock);
	free(post);
	return post != NULL;
}

void host_drop_posts(struct plugin *plugin)
{
	while (mailbox_drop(plugin->resources->mailbox))
		;
}

/* Drop all posts. The plugin has joined its threads, so no post is added any more. */
static void mailbox_close(struct plugin *plugin, struct mailbox *mailbox)
{
	while (mailbox_drop(mailbox)) {
		log_line(plugin->subsystem, LOG_WARNING, "Leak: a post was still queued; it is dropped");
		plugin_watch_leak(plugin, 1);
	}
	mailbox->is_dead = true;
	if (!mailbox->is_queued && !mailbox->is_running)
		mailbox_destroy(mailbox);
}

void host_loop_reclaim(struct plugin *plugin)
{
	struct plugin_resources *resources = plugin->resources;
	struct loop *loop = plugin->host->loop;
	struct coterie_ctx *ctx = (struct coterie_ctx *)plugin;

	while (resources->timers != NULL) {
		uint64_t now_ns = loop_now_ns(loop);
		uint64_t at_ns = resources->timers->at_ns;

		log_line(plugin->subsystem, LOG_WARNING, "Leak: a timer due in %ju ms was still set; it is cancelled",
			(uintmax_t)(at_ns > now_ns ? (at_ns - now_ns) / 1000000 : 0));
		host_timer_del(ctx, resources->timers);
		plugin_watch_leak(plugin, 1);
	}
	while (resources->fds != NULL) {
		log_line(plugin->subsystem, LOG_WARNING, "Leak: descriptor %d was still watched; it is no longer",
			resources->fds->fd);
		host_fd_del(ctx, resources->fds->fd);
		plugin_watch_leak(plugin, 1);
	}
	mailbox_close(plugin, resources->mailbox);
}
