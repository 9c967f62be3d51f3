/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/reload/reload_private.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/thread.h"
#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/map/map.h"
#include "exec/plugin/plugin.h"
#include "exec/reload/rekey.h"
#include "exec/ring/ring.h"

#define STACK_SIZE \
	((size_t)512 * 1024) /* size of the stack. Modules of the resolver need some, and it may be
			      * locked into memory */
#define RETRY_NS 10000000
#define CS_OK 1
#define CS_ERR_INVALID_PARAM 7
#define CS_ERR_NO_MEMORY 8

enum work {
	WORK_WHOLE,   /* both steps */
	WORK_PREPARE, /* only the first step */
	WORK_EXAMINE, /* only the first step, and nothing is kept */
};

/* A caller that waits for the result of a reload. */
struct waiter {
	enum work work;
	bool is_forced;
	const void *owner;
	void (*done)(void *arg, int rc, const char *text);
	void *arg;
	struct waiter *next;
};

/*
 * A reading of the file. If no request needs the result any more, the thread frees the job. Otherwise the thread is
 * joined first.
 */
struct job {
	pthread_t thread;
	pthread_mutex_t lock;
	bool is_abandoned; /* protected by the lock, as is_posted */
	bool is_posted;
	struct reload *reload; /* NULL if the job is abandoned */
	struct loop *loop;
	char *path;
	const char *local_name, *instance, *state_dir; /* as the process was started */
	uint32_t nodeid;
	struct config_fixed *fixed;
	enum work work;
	bool is_forced;
	int rc;
	struct config *config;
	struct config_messages messages;
	char log_error[512]; /* error of opening the log's new targets, or "": none */
};

/* --- the helper thread --- */

static void job_destroy(struct job *job)
{
	if (job == NULL)
		return;
	config_fixed_destroy(job->fixed);
	config_destroy(job->config);
	config_messages_fini(&job->messages);
	pthread_mutex_destroy(&job->lock);
	free(job->path);
	free(job);
}

static void on_read(void *arg);

/* Post the result to the loop. @return false: no caller waits for it */
static bool job_post(struct job *job)
{
	const struct timespec pause = {.tv_nsec = RETRY_NS};

	for (;;) {
		pthread_mutex_lock(&job->lock);
		bool is_wanted = !job->is_abandoned;

		if (is_wanted)
			job->is_posted = loop_post(job->loop, on_read, job) == 0;
		bool is_done = !is_wanted || job->is_posted;
		pthread_mutex_unlock(&job->lock);
		if (is_done)
			return is_wanted;
		nanosleep(&pause, NULL); /* out of memory: try again, since a caller waits for the result */
	}
}

static void *job_run(void *arg)
{
	struct job *job = arg;
	struct config_environment environment;

	config_environment_system(&environment);
	environment.local_name = job->local_name;
	environment.instance = job->instance;
	environment.state_dir = job->state_dir;
	environment.local_nodeid = job->nodeid;
	job->rc = config_load_again(job->path, &environment, job->fixed, &job->config, &job->messages);
	if (job->rc == 0)
		log_check(&job->config->log, job->log_error, sizeof(job->log_error));
	if (!job_post(job))
		job_destroy(job);
	return NULL;
}

static bool can_rekey(const struct reload *reload)
{
	const struct plugin *transport = plugin_by_name(reload->parts.plugins, reload_running(reload)->transport);

	return transport != NULL && transport->transport.rekey != NULL;
}

/* Collect the options of the loaded plugins before the thread starts, so that it need not open plugin files. */
static int describe_plugins(const struct reload *reload, struct config_fixed *fixed)
{
	for (const struct plugin *one = plugin_first(reload->parts.plugins); one != NULL; one = one->next)
		if (config_fixed_describe(fixed, one->descriptor) < 0)
			return -ENOMEM;
	return 0;
}

static struct job *job_create(struct reload *reload)
{
	const struct reload_parts *parts = &reload->parts;
	struct job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return NULL;
	pthread_mutex_init(&job->lock, NULL);
	job->reload = reload;
	job->loop = parts->loop;
	job->path = strdup(reload_running(reload)->file);
	job->local_name = parts->local_name;
	job->instance = parts->instance;
	job->state_dir = parts->state_dir;
	job->nodeid = parts->nodeid;
	job->fixed = config_fixed_create(reload_running(reload), can_rekey(reload));
	if (job->path == NULL || job->fixed == NULL || describe_plugins(reload, job->fixed) < 0) {
		job_destroy(job);
		return NULL;
	}
	return job;
}

/* --- the result of a reading --- */

static void tell_waiters(struct reload *reload, int rc, const char *text)
{
	struct waiter *waiter;

	/* Call one waiter at a time: it may remove other waiters, or request another reload. */
	reload->is_telling = true;
	while ((waiter = reload->now) != NULL) {
		reload->now = waiter->next;
		waiter->done(waiter->arg, rc, text);
		free(waiter);
	}
	reload->is_telling = false;
}

static int start(struct reload *reload);

/* Return whether both waiters can share the result of a reading. A kept result has one owner only. */
static bool wants_same(const struct waiter *a, const struct waiter *b)
{
	return a->work == b->work && a->is_forced == b->is_forced && (a->work != WORK_PREPARE || a->owner == b->owner);
}

/* Take the waiters at the head of the queue that want the same kind of reading. */
static void take_next(struct reload *reload)
{
	struct waiter **end = &reload->next;

	while (*end != NULL && wants_same(*end, reload->next))
		end = &(*end)->next;
	reload->now = reload->next;
	reload->next = *end;
	*end = NULL;
}

static void begin_next(struct reload *reload)
{
	while (reload->job == NULL && reload->now == NULL && reload->next != NULL) {
		take_next(reload);
		int rc = start(reload);

		if (rc < 0)
			tell_waiters(reload, rc, strerror(-rc));
	}
}

static void tell_lines(int prio, const char *before, char *const *texts, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		log_line("CFG", prio, "%s%s", before, texts[i]);
}

/* Check the reading itself: return the reason to refuse the file, or 0. */
static int judge(const struct job *job, struct reload_error *error)
{
	uint32_t count = job->messages.error_count;

	tell_lines(LOG_ERR, "Unable to reload config file: ", job->messages.errors, count);
	tell_lines(LOG_WARNING, "", job->messages.warnings, job->messages.warning_count);
	if (job->rc == 0)
		return 0;
	return reload_fail(error, job->rc, "%s", count > 0 ? job->messages.errors[0] : "out of memory");
}

static void messages_move(struct config_messages *to, struct config_messages *from)
{
	*to = *from;
	*from = (struct config_messages){0};
}

/*
 * Make the configuration that was read the running one, or refuse it. config is taken over on success. rc is the
 * refusal so far. For the keys of the map that are set before and after, see book configuration, "Reload".
 */
static int take(struct reload *reload, struct config **config, const struct config_messages *messages, int rc,
	struct reload_error *error)
{
	struct map *map = reload->parts.map;
	bool is_change = rc == 0 && reload_is_change(reload, *config);

	reload->is_applying = true;
	map_delete(map, "config.reload_error_message");
	map_set_u8(map, "config.totemconfig_reload_in_progress", 1);
	if (rc == 0) {
		rc = reload_apply(reload, *config, RELOAD_FILE, error);
		if (rc < 0) {
			log_line("CFG", LOG_ERR, "Unable to reload config file: %s", error->text);
		} else {
			*config = NULL;
			tell_lines(LOG_NOTICE, "", messages->notices, messages->notice_count);
		}
	}
	if (rc < 0)
		map_set_string(map, "config.reload_error_message", error->text);
	map_set_i32(map, "config.reload_status",
		rc == 0         ? CS_OK
		: rc == -ENOMEM ? CS_ERR_NO_MEMORY
				: CS_ERR_INVALID_PARAM);
	map_set_u8(map, "config.totemconfig_reload_in_progress", 0);
	if (rc == 0)
		map_set_u8(map, "config.reload_in_progress", 0);
	reload->is_applying = false;
	reload_count(reload, rc, is_change);
	rekey_announce(reload->parts.rekey); /* call the watchers of the key only now: they may ask the other nodes */
	return rc == 0 || rc == -ENOMEM ? rc : -EINVAL;
}

/*
 * Handle keys that clients have changed during the reading: either the file's values have replaced them, or they are
 * applied soon.
 */
static void pay_revision(struct reload *reload, bool is_replaced)
{
	if (reload->is_revision_owed && !is_replaced)
		reload_keys_later(reload);
	reload->is_revision_owed = false;
}

static void forget_kept(struct reload *reload)
{
	config_destroy(reload->kept.config);
	config_messages_fini(&reload->kept.messages);
	reload->kept = (struct reload_kept){0};
}

/* Do the first step. *text: list of changes, caller frees; NULL on failure. */
static int examine(struct reload *reload, struct job *job, struct reload_error *error, char **text)
{
	int rc = judge(job, error);

	if (rc < 0)
		return rc == -ENOMEM ? rc : -EINVAL;
	if (job->log_error[0] != '\0')
		rc = reload_fail(error, -EINVAL, "%s", job->log_error);
	if (rc == 0)
		rc = reload_check(reload, job->config, error);
	if (rc == 0 && job->config->is_absent) {
		*text = strdup("");
		return *text == NULL ? reload_fail(error, -ENOMEM, "out of memory") : 0;
	}
	if (rc == 0) {
		*text = reload_list(reload, job->config, job->messages.restarts, job->messages.restart_count);
		if (*text == NULL)
			rc = reload_fail(error, -ENOMEM, "out of memory");
	}
	if (rc < 0)
		log_line("CFG", LOG_ERR, "Unable to reload config file: %s", error->text);
	return rc;
}

/* Keep the result for the second step, unless its owner has ended. */
static void keep(struct reload *reload, struct job *job)
{
	if (reload->now == NULL)
		return;
	reload->kept.config = job->config;
	reload->kept.owner = reload->now->owner;
	messages_move(&reload->kept.messages, &job->messages);
	job->config = NULL;
}

static void on_read(void *arg)
{
	struct job *job = arg;
	struct reload *reload = job->reload;
	struct reload_error error = {.text = ""};
	char *text = NULL;
	int rc;

	pthread_join(job->thread, NULL); /* does not block: the thread has nothing left to do */
	reload->job = NULL;
	if (job->config != NULL)
		job->config->is_forced = job->is_forced;
	if (job->work != WORK_EXAMINE)
		forget_kept(reload);
	if (job->work == WORK_WHOLE) {
		rc = judge(job, &error);
		rc = take(reload, &job->config, &job->messages, rc, &error);
	} else {
		rc = examine(reload, job, &error, &text);
		if (rc < 0 && job->work == WORK_PREPARE)
			reload_count(reload, rc, false);
		if (rc == 0 && job->work == WORK_PREPARE)
			keep(reload, job);
	}
	if (reload->kept.config == NULL)
		pay_revision(reload, rc == 0 && job->work == WORK_WHOLE);
	job_destroy(job);
	malloc_trim(0); /* the reading took far more memory than what it left */
	tell_waiters(reload, rc, text != NULL ? text : error.text);
	free(text);
	begin_next(reload);
}

static int start(struct reload *reload)
{
	struct job *job = job_create(reload);

	if (job == NULL)
		return -ENOMEM;
	job->work = reload->now->work;
	job->is_forced = reload->now->is_forced;
	int rc = thread_start(&job->thread, STACK_SIZE, job_run, job);

	if (rc < 0) {
		log_line("CFG", LOG_ERR,
			"No thread can be started to read the config file (%s): raise the limit of processes",
			strerror(-rc));
		job_destroy(job);
		return -ENOMEM;
	}
	reload->job = job;
	return 0;
}

/* --- the executive's side --- */

static void free_waiters(struct waiter **list, const void *owner)
{
	while (*list != NULL) {
		struct waiter *waiter = *list;

		if (owner != NULL && waiter->owner != owner) {
			list = &waiter->next;
			continue;
		}
		*list = waiter->next;
		free(waiter);
	}
}

void reload_destroy(struct reload *reload)
{
	if (reload == NULL)
		return;
	struct job *job = reload->job;

	reload_keys_fini(reload);
	reload_count_fini(reload);
	forget_kept(reload);
	free_waiters(&reload->now, NULL);
	free_waiters(&reload->next, NULL);
	free(reload->departing.list);
	free(reload);
	if (job == NULL)
		return;
	pthread_mutex_lock(&job->lock);
	bool is_posted = job->is_posted; /* the result is posted, but the loop does not run it any more */

	job->is_abandoned = true;
	job->reload = NULL;
	if (!is_posted)
		pthread_detach(job->thread);
	pthread_mutex_unlock(&job->lock);
	if (is_posted) {
		pthread_join(job->thread, NULL);
		job_destroy(job);
	}
}

struct reload *reload_create(const struct reload_parts *parts)
{
	struct reload *reload = calloc(1, sizeof(*reload));

	if (reload == NULL)
		return NULL;
	reload->parts = *parts;
	if (reload_keys_init(reload) < 0 || reload_count_init(reload) < 0) {
		reload_destroy(reload);
		return NULL;
	}
	return reload;
}

static int request(struct reload *reload, const struct waiter *wanted)
{
	struct waiter *waiter = malloc(sizeof(*waiter));
	struct waiter **end = &reload->next;

	if (waiter == NULL)
		return -ENOMEM;
	*waiter = *wanted;
	while (*end != NULL)
		end = &(*end)->next;
	*end = waiter;
	if (reload->job != NULL || reload->now != NULL || reload->is_telling)
		return 0; /* the request waits for the next reading */
	take_next(reload);
	int rc = start(reload);

	if (rc < 0)
		free_waiters(&reload->now, NULL);
	return rc;
}

int reload_request(struct reload *reload, const void *owner, bool is_forced,
	void (*done)(void *arg, int rc, const char *text), void *arg)
{
	return request(reload,
		&(struct waiter){.work = WORK_WHOLE, .is_forced = is_forced, .owner = owner, .done = done, .arg = arg});
}

int reload_prepare(struct reload *reload, const void *owner, bool is_forced,
	void (*done)(void *arg, int rc, const char *text), void *arg)
{
	return request(reload,
		&(struct waiter){
			.work = WORK_PREPARE, .is_forced = is_forced, .owner = owner, .done = done, .arg = arg});
}

int reload_examine(
	struct reload *reload, const void *owner, void (*done)(void *arg, int rc, const char *text), void *arg)
{
	return request(reload, &(struct waiter){.work = WORK_EXAMINE, .owner = owner, .done = done, .arg = arg});
}

int reload_commit(struct reload *reload, const void *owner)
{
	struct reload_kept kept = reload->kept;
	struct reload_error error;

	if (ring_is_inside(reload->parts.ring))
		return -EBUSY;
	if (kept.config == NULL || kept.owner != owner)
		return -ENOENT;
	reload->kept = (struct reload_kept){0};
	int rc = take(reload, &kept.config, &kept.messages, 0, &error);

	config_destroy(kept.config);
	config_messages_fini(&kept.messages);
	pay_revision(reload, rc == 0);
	return rc;
}

void reload_drop(struct reload *reload, const void *owner)
{
	if (reload->kept.config == NULL || reload->kept.owner != owner)
		return;
	forget_kept(reload);
	if (reload->job == NULL)
		pay_revision(reload, false);
}

void reload_forget(struct reload *reload, const void *owner)
{
	if (reload == NULL)
		return;
	free_waiters(&reload->now, owner);
	free_waiters(&reload->next, owner);
	reload_drop(reload, owner);
}
