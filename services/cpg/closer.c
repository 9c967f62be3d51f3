/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A thread that closes the files of clients. The last descriptor of a file in memory frees its pages, and the client
 * chooses their number: 1 GiB takes 100 ms. The loop must not wait for that.
 */
#include "services/cpg/closer.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/thread.h"

#define STACK_SIZE (128u << 10)

struct closing {
	struct closing *next;
	int fd;
};

struct cpg_closer {
	pthread_t thread;
	pthread_mutex_t lock; /* of the members below */
	pthread_cond_t changed;
	struct closing *files;
	uint64_t closed;
	bool is_ending;
};

static void *run(void *arg)
{
	struct cpg_closer *closer = arg;

	pthread_mutex_lock(&closer->lock);
	while (closer->files != NULL || !closer->is_ending) {
		struct closing *file = closer->files;

		if (file == NULL) {
			pthread_cond_wait(&closer->changed, &closer->lock);
			continue;
		}
		closer->files = file->next;
		pthread_mutex_unlock(&closer->lock);
		close(file->fd);
		free(file);
		pthread_mutex_lock(&closer->lock);
		closer->closed++;
	}
	pthread_mutex_unlock(&closer->lock);
	return NULL;
}

struct cpg_closer *cpg_closer_create(void)
{
	struct cpg_closer *closer = calloc(1, sizeof(*closer));

	if (closer == NULL)
		return NULL;
	pthread_mutex_init(&closer->lock, NULL);
	pthread_cond_init(&closer->changed, NULL);
	if (thread_start(&closer->thread, STACK_SIZE, run, closer) == 0)
		return closer;
	pthread_cond_destroy(&closer->changed);
	pthread_mutex_destroy(&closer->lock);
	free(closer);
	return NULL;
}

void cpg_closer_destroy(struct cpg_closer *closer)
{
	if (closer == NULL)
		return;
	pthread_mutex_lock(&closer->lock);
	closer->is_ending = true;
	pthread_cond_signal(&closer->changed);
	pthread_mutex_unlock(&closer->lock);
	pthread_join(closer->thread, NULL);
	pthread_cond_destroy(&closer->changed);
	pthread_mutex_destroy(&closer->lock);
	free(closer);
}

void cpg_closer_close(struct cpg_closer *closer, int fd)
{
	struct closing *file = malloc(sizeof(*file));

	if (file == NULL) {
		close(fd);
		return;
	}
	file->fd = fd;
	pthread_mutex_lock(&closer->lock);
	file->next = closer->files;
	closer->files = file;
	pthread_cond_signal(&closer->changed);
	pthread_mutex_unlock(&closer->lock);
}

uint64_t cpg_closer_count(struct cpg_closer *closer)
{
	pthread_mutex_lock(&closer->lock);
	uint64_t closed = closer->closed;
	pthread_mutex_unlock(&closer->lock);
	return closed;
}
