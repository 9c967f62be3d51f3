/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/reload/rotate.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "common/thread.h"
#include "config/model.h"
#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/reload/key_file.h"
#include "exec/reload/reload.h"
#include "exec/ring/ring.h"

#define STACK_SIZE ((size_t)128 * 1024)
#define KEY_SIZE_MIN 128u
#define KEY_SIZE_MAX 4096u
#define RETRY_NS 10000000

/* A new key, from the first step to the second one. */
struct job {
	pthread_t thread;
	pthread_mutex_t lock;
	bool is_abandoned; /* protected by the lock, as the next member. If it is true, the thread frees the job */
	bool is_posted;
	bool has_thread;
	bool is_ready;   /* the thread has ended, and NAME.next exists. Used by the loop only */
	bool is_written; /* NAME.next exists. Used by the thread until it has ended */
	struct rotate *rotate;
	struct loop *loop;
	const void *owner; /* or NULL: the plugin has ended */
	void (*done)(void *arg, int rc, const char *text);
	void *arg;
	uint8_t *key; /* in a page that core dumps omit, wiped at the end */
	uint32_t size;
	uint8_t *used; /* a page like that one with the key in use, which NAME.next may have; or NULL */
	uint32_t used_size;
	char path[4096];
	bool is_named; /* the configuration names the key file */
	bool is_native;
	struct key_file file;
	int rc;
	char text[1024];
};

struct rotate {
	struct rotate_parts parts;
	struct job *job; /* the job of the new key, or NULL: no key is prepared */
	bool is_unnamed; /* the last key could not be renamed: NAME.next may have the key in use, and no other file */
};

static const struct config *running(const struct rotate *rotate) { return *rotate->parts.config; }

/* --- one job --- */

static uint8_t *hold_key(const void *key, uint32_t size)
{
	uint8_t *page = mmap(NULL, KEY_SIZE_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	/* If the kernel or a limit refuses one of these calls, the key is replaced all the same. */
	(void)madvise(page, KEY_SIZE_MAX, MADV_DONTDUMP);
	(void)mlock(page, KEY_SIZE_MAX);
	return memcpy(page, key, size);
}

static void free_key(uint8_t *page)
{
	if (page == NULL)
		return;
	explicit_bzero(page, KEY_SIZE_MAX);
	munmap(page, KEY_SIZE_MAX);
}

static void job_destroy(struct job *job)
{
	free_key(job->key);
	free_key(job->used);
	key_file_close(&job->file);
	pthread_mutex_destroy(&job->lock);
	free(job);
}

/* Drop a job that had no effect, and remove NAME.next. */
static void job_drop(struct job *job)
{
	if (job->is_written)
		key_file_drop_next(&job->file);
	job_destroy(job);
}

static struct job *job_create(struct rotate *rotate, const void *key, uint32_t size)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return NULL;
	pthread_mutex_init(&job->lock, NULL);
	job->file.folder = -1;
	job->rotate = rotate;
	job->loop = rotate->parts.loop;
	job->is_native = running(rotate)->format == CONFIG_FORMAT_COTERIE;
	job->size = size;
	job->key = hold_key(key, size);
	if (rotate->is_unnamed) {
		job->used_size = running(rotate)->key_size;
		job->used = hold_key(running(rotate)->key, job->used_size);
	}
	if (job->key == NULL || (rotate->is_unnamed && job->used == NULL)) {
		job_destroy(job);
		return NULL;
	}
	return job;
}

/* --- the helper thread --- */

static void explain(struct job *job)
{
	bool is_closed = job->file.is_folder_closed; /* an error of the key file itself has another explanation */

	if (job->file.is_folder_shared)
		snprintf(job->text, sizeof(job->text),
			"key file '%.512s' is below a folder that other users can change: move it to a folder that only root and "
			"the daemon's user can write",
			job->path);
	else if (is_closed && job->is_named && job->is_native)
		snprintf(job->text, sizeof(job->text),
			"key file '%.512s' is in a folder that the daemon cannot write (%s): remove key-file, so that the "
			"key is in the state folder, or use key create and copy the file",
			job->path, strerror(-job->rc));
	else if (is_closed)
		snprintf(job->text, sizeof(job->text),
			"key file '%.512s' is in a folder that the daemon cannot write (%s): use key create and copy the file",
			job->path, strerror(-job->rc));
	else
		snprintf(job->text, sizeof(job->text), "cannot write '%.512s.next': %s", job->path, strerror(-job->rc));
	job->rc = -EINVAL;
}

/* The new key would replace the only file with the key in use. */
static void explain_unnamed(struct job *job)
{
	snprintf(job->text, sizeof(job->text),
		"the key in use is in '%.512s.next', and cannot be renamed (%s): rename it first", job->path,
		strerror(-job->rc));
	job->rc = -EINVAL;
}

static void on_written(void *arg);

/* @return false: the job was abandoned */
static bool job_post(struct job *job)
{
	const struct timespec pause = {.tv_nsec = RETRY_NS};

	for (;;) {
		pthread_mutex_lock(&job->lock);
		bool is_wanted = !job->is_abandoned;

		if (is_wanted)
			job->is_posted = loop_post(job->loop, on_written, job) == 0;
		bool is_done = !is_wanted || job->is_posted;

		pthread_mutex_unlock(&job->lock);
		if (is_done)
			return is_wanted;
		nanosleep(&pause, NULL); /* out of memory: try again, since the owner waits */
	}
}

static void *job_run(void *arg)
{
	struct job *job = arg;
	bool is_stuck = false;

	job->rc = key_file_open(&job->file, job->path);
	if (job->rc == 0 && job->used != NULL) {
		job->rc = key_file_settle(&job->file, job->used, job->used_size);
		is_stuck = job->rc < 0;
	}
	if (job->rc == 0)
		job->rc = key_file_write_next(&job->file, job->key, job->size);
	job->is_written = job->rc == 0;
	if (is_stuck)
		explain_unnamed(job);
	else if (job->rc < 0)
		explain(job);
	if (!job_post(job))
		job_drop(job);
	return NULL;
}

/* --- the first step --- */

static void on_written(void *arg)
{
	struct job *job = arg;
	struct rotate *rotate = job->rotate;
	void (*done)(void *arg, int rc, const char *text) = job->done;
	void *done_arg = job->arg;
	char text[sizeof(job->text)];
	int rc = job->rc;

	pthread_join(job->thread, NULL); /* does not block: the thread has posted its result and ends */
	job->is_ready = true;
	memcpy(text, job->text, sizeof(text));
	if (job->owner == NULL || rc < 0) {
		rotate->job = NULL;
		if (job->owner == NULL)
			done = NULL;
		job_drop(job);
	}
	if (done != NULL)
		done(done_arg, rc, text);
}

/* Check what can be checked without the disk: the key file has a place, and the configuration accepts the key. */
static int check(struct rotate *rotate, struct job *job)
{
	int rc = config_key_place(
		running(rotate), rotate->parts.state_dir, &job->is_named, job->path, sizeof(job->path));

	if (rc == -ENOTSUP)
		snprintf(job->text, sizeof(job->text),
			"the key stands in the configuration (totem.key): put it into a file and name the file as keyfile");
	else if (rc < 0)
		snprintf(job->text, sizeof(job->text), "the name of the key file is too long");
	else
		return reload_key(
			rotate->parts.reload, job->key, job->size, job->path, true, job->text, sizeof(job->text));
	return -EINVAL;
}

/* Pass the refusal to the caller on a later turn of the loop. */
static void on_refused(void *arg)
{
	struct job *job = arg;

	job->rotate->job = NULL;
	if (job->owner != NULL)
		job->done(job->arg, job->rc, job->text);
	job_destroy(job);
}

int rotate_prepare(struct rotate *rotate, const void *owner, const void *key, uint32_t size,
	void (*done)(void *arg, int rc, const char *text), void *arg)
{
	if (running(rotate)->key == NULL)
		return -ENODATA;
	if (size < KEY_SIZE_MIN || size > KEY_SIZE_MAX)
		return -EINVAL;
	if (rotate->job != NULL)
		return -EALREADY;
	struct job *job = job_create(rotate, key, size);

	if (job == NULL)
		return -ENOMEM;
	job->owner = owner;
	job->done = done;
	job->arg = arg;
	job->rc = check(rotate, job);
	job->has_thread = job->rc == 0;
	int rc = job->has_thread ? thread_start(&job->thread, STACK_SIZE, job_run, job)
				 : loop_defer(job->loop, on_refused, job);

	if (rc < 0)
		job_destroy(job);
	else
		rotate->job = job;
	return rc < 0 ? -ENOMEM : 0;
}

/* --- the second step --- */

/* Return the job of this owner whose key is written, or NULL. */
static struct job *ready_job(const struct rotate *rotate, const void *owner)
{
	struct job *job = rotate->job;

	return job != NULL && job->is_ready && job->owner == owner ? job : NULL;
}

static void *sync_run(void *arg)
{
	struct job *job = arg;

	(void)key_file_sync(&job->file);
	job_destroy(job);
	return NULL;
}

/*
 * Write the folder to the disk, and destroy the job. After a crash before that, the key file has the old key, and
 * NAME.next this one.
 */
static void sync_and_destroy(struct job *job)
{
	pthread_t thread; /* no member of the job, which the thread frees at once */

	if (thread_start(&thread, STACK_SIZE, sync_run, job) == 0)
		pthread_detach(thread);
	else
		sync_run(job);
}

/*
 * Keep NAME.next after a failed commit: the other nodes have the key, and NAME.next may be the only copy here.
 *
 * @param text  in: the reason; out: what the operator has to do
 */
static void job_keep(struct job *job, char *text, uint32_t size)
{
	char reason[200];

	snprintf(reason, sizeof(reason), "%s", text);
	snprintf(text, size,
		"%s; the new key is in '%.512s.next': give that file the name of the key file, then reload", reason,
		job->path);
	log_line("CFG", LOG_ERR, "The new key of the ring is not in use: %s", text);
	job_destroy(job);
}

int rotate_commit(struct rotate *rotate, const void *owner, char *text, uint32_t size)
{
	struct job *job = ready_job(rotate, owner);

	if (size > 0)
		text[0] = '\0';
	if (ring_is_inside(rotate->parts.ring))
		return -EBUSY;
	if (job == NULL)
		return -ENOENT;
	rotate->job = NULL;
	int rc = reload_key(rotate->parts.reload, job->key, job->size, job->path, false, text, size);

	if (rc < 0) {
		job_keep(job, text, size);
		return rc;
	}
	/* If the rename fails, this node can still follow the ring to the new key. */
	rc = key_file_use_next(&job->file);
	rotate->is_unnamed = rc < 0;
	if (rc == 0) {
		log_line("CFG", LOG_NOTICE, "The ring's new key is in '%s'", job->path);
		sync_and_destroy(job);
		return 0;
	}
	snprintf(text, size,
		"the new key is in '%.512s.next', and cannot be renamed (%s): rename it before the next start",
		job->path, strerror(-rc));
	log_line("CFG", LOG_ERR, "%s", text);
	job_destroy(job);
	return -EIO;
}

void rotate_drop(struct rotate *rotate, const void *owner)
{
	struct job *job = ready_job(rotate, owner);

	if (job == NULL)
		return;
	rotate->job = NULL;
	job_drop(job);
}

void rotate_leave(struct rotate *rotate, const void *owner)
{
	struct job *job = ready_job(rotate, owner);

	if (job == NULL)
		return;
	rotate->job = NULL;
	log_line("CFG", LOG_NOTICE,
		"'%s.next' has a key that nodes outside of this ring may use now. The next rotation replaces the file",
		job->path);
	job_destroy(job);
}

void rotate_forget(struct rotate *rotate, const void *owner)
{
	if (rotate == NULL || rotate->job == NULL || rotate->job->owner != owner)
		return;
	/* keep NAME.next: this node has agreed, and the ring may be about to decide for the new key */
	rotate_leave(rotate, owner);
	if (rotate->job != NULL)
		rotate->job->owner = NULL; /* the job is freed when its thread has ended */
}

/* --- the executive's side --- */

void rotate_look(const struct config *config, const char *state_dir)
{
	char path[4096], next[4096 + 8];
	bool is_named;

	if (config->key == NULL || config_key_place(config, state_dir, &is_named, path, sizeof(path)) < 0)
		return;
	snprintf(next, sizeof(next), "%s.next", path);
	if (access(next, F_OK) == 0)
		log_line("CFG", LOG_WARNING,
			"A rotation of the key did not end on this node and has left '%s'. If the other nodes refuse the "
			"key of this node, stop the daemon, rename that file to '%s' and start again",
			next, path);
}

struct rotate *rotate_create(const struct rotate_parts *parts)
{
	struct rotate *rotate = calloc(1, sizeof(*rotate));

	if (rotate != NULL)
		rotate->parts = *parts;
	return rotate;
}

void rotate_destroy(struct rotate *rotate)
{
	if (rotate == NULL)
		return;
	struct job *job = rotate->job;

	free(rotate);
	if (job == NULL)
		return;
	if (job->is_ready || !job->has_thread) {
		job_drop(job);
		return;
	}
	pthread_mutex_lock(&job->lock);
	bool is_posted = job->is_posted; /* the result is posted, but the loop does not run it any more */

	job->is_abandoned = true;
	if (!is_posted)
		pthread_detach(job->thread);
	pthread_mutex_unlock(&job->lock);
	if (is_posted) {
		pthread_join(job->thread, NULL);
		job_drop(job);
	}
}
