/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/host/state_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/thread.h"
#include "exec/loop/loop.h"
#include "exec/ring/state_dir.h"

#define STACK_SIZE (256u << 10)

struct state_disk {
	struct loop *loop;
	const char *dir;
	int event_fd; /* readable when a store has ended */
	pthread_t thread;
	bool has_thread;
	/*
	 * The store that is under way. The thread reads these members after is_begun is set, and writes rc before it
	 * sets is_ended.
	 */
	bool is_busy;
	const char *name;
	const void *bytes;
	uint32_t size;
	int rc;
	void (*finished)(void *arg, int rc);
	void *arg;
	/* Shared by the loop and the thread. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_begun, is_ended, is_stopping;
};

/* --- the thread --- */

static void *run(void *arg)
{
	struct state_disk *disk = arg;
	const uint64_t one = 1;

	pthread_mutex_lock(&disk->lock);
	for (;;) {
		while (!disk->is_begun && !disk->is_stopping)
			pthread_cond_wait(&disk->changed, &disk->lock);
		if (!disk->is_begun)
			break;
		disk->is_begun = false;
		pthread_mutex_unlock(&disk->lock);
		disk->rc = state_disk_write(disk, disk->name, disk->bytes, disk->size);
		pthread_mutex_lock(&disk->lock);
		disk->is_ended = true;
		pthread_cond_broadcast(&disk->changed);
		pthread_mutex_unlock(&disk->lock);
		(void)!write(disk->event_fd, &one, sizeof(one));
		pthread_mutex_lock(&disk->lock);
	}
	pthread_mutex_unlock(&disk->lock);
	return NULL;
}

/* --- the loop's side --- */

static void on_event(void *arg, int fd, uint32_t revents)
{
	struct state_disk *disk = arg;
	uint64_t count;

	(void)revents;
	if (read(fd, &count, sizeof(count)) != sizeof(count) || !disk->is_busy)
		return;
	/* The event may be left from a store that state_disk_finish has waited for. */
	pthread_mutex_lock(&disk->lock);
	bool is_ended = disk->is_ended;
	pthread_mutex_unlock(&disk->lock);
	if (!is_ended)
		return;
	int rc = state_disk_finish(disk);

	disk->finished(disk->arg, rc);
}

struct state_disk *state_disk_create(struct loop *loop, const char *dir)
{
	struct state_disk *disk = calloc(1, sizeof(*disk));

	if (disk == NULL)
		return NULL;
	disk->loop = loop;
	disk->dir = dir;
	disk->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (disk->event_fd < 0 || loop_fd_add(loop, disk->event_fd, POLLIN, LOOP_SLOW, on_event, disk) < 0) {
		if (disk->event_fd >= 0)
			close(disk->event_fd);
		free(disk);
		return NULL;
	}
	pthread_mutex_init(&disk->lock, NULL);
	pthread_cond_init(&disk->changed, NULL);
	return disk;
}

void state_disk_destroy(struct state_disk *disk)
{
	if (disk == NULL)
		return;
	pthread_mutex_lock(&disk->lock);
	disk->is_stopping = true;
	pthread_cond_broadcast(&disk->changed);
	pthread_mutex_unlock(&disk->lock);
	if (disk->has_thread)
		pthread_join(disk->thread, NULL);
	loop_fd_del(disk->loop, disk->event_fd);
	close(disk->event_fd);
	pthread_cond_destroy(&disk->changed);
	pthread_mutex_destroy(&disk->lock);
	free(disk);
}

int state_disk_write(struct state_disk *disk, const char *name, const void *bytes, uint32_t size)
{
	int dir = open(disk->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return -errno;
	int rc = state_file_replace(dir, name, bytes, size);
	close(dir);
	return rc;
}

int state_disk_begin(struct state_disk *disk, const char *name, const void *bytes, uint32_t size,
	void (*finished)(void *arg, int rc), void *arg)
{
	if (!disk->has_thread)
		disk->has_thread = thread_start(&disk->thread, STACK_SIZE, run, disk) == 0;
	if (!disk->has_thread)
		return -ENOMEM;
	disk->is_busy = true;
	disk->name = name;
	disk->bytes = bytes;
	disk->size = size;
	disk->finished = finished;
	disk->arg = arg;
	pthread_mutex_lock(&disk->lock);
	disk->is_begun = true;
	disk->is_ended = false;
	pthread_cond_broadcast(&disk->changed);
	pthread_mutex_unlock(&disk->lock);
	return 0;
}

int state_disk_finish(struct state_disk *disk)
{
	if (!disk->is_busy)
		return 0;
	pthread_mutex_lock(&disk->lock);
	while (!disk->is_ended)
		pthread_cond_wait(&disk->changed, &disk->lock);
	pthread_mutex_unlock(&disk->lock);
	disk->is_busy = false;
	return disk->rc;
}
