/* SPDX-License-Identifier: BSD-3-Clause */
#include "plugins/metrics/job.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/thread.h"

#define STACK_SIZE (256u << 10)
#define NICE 10

struct job {
	struct metrics *metrics;
	void (*done)(struct metrics *metrics);
	const struct snapshot *snapshot; /* borrowed */
	struct metrics_options options;
	uint32_t documents; /* documents to make, as bits */
	struct made made[DOCUMENTS];
	atomic_bool is_cancelled;
	int fd; /* eventfd, written when the job has ended */
	bool is_watched, has_thread;
	pthread_t thread;
};

/* --- the thread --- */

static void *run(void *arg)
{
	struct job *job = arg;

	/* On Linux this sets the nice value of this thread only. */
	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
	for (uint32_t i = 0; i < DOCUMENTS && !atomic_load(&job->is_cancelled); i++) {
		struct made *made = &job->made[i];

		if ((job->documents & UINT32_C(1) << i) == 0)
			continue;
		made->text.size_max = DOCUMENT_SIZE_MAX;
		made->rc = document_make((enum document)i, job->snapshot, &job->options, &made->text, &made->status);
	}
	/* write() cannot fail, since the counter is 0. */
	ssize_t written = write(job->fd, &(uint64_t){1}, sizeof(uint64_t));
	(void)written;
	return NULL;
}

/* --- the loop --- */

static void on_done(void *arg, int fd, uint32_t revents)
{
	struct job *job = arg;

	(void)fd, (void)revents;
	job->metrics->host->fd_del(job->metrics->ctx, job->fd);
	job->is_watched = false;
	job->done(job->metrics);
}

int job_create(struct metrics *metrics, uint32_t documents, void (*done)(struct metrics *metrics), struct job **out)
{
	struct job *job = calloc(1, sizeof(*job));
	int rc;

	if (job == NULL)
		return -ENOMEM;
	*job = (struct job){.metrics = metrics,
		.done = done,
		.snapshot = metrics->snapshot,
		.options = metrics->text_options,
		.documents = documents,
		.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
	rc = job->fd < 0 ? -errno : metrics->host->fd_add(metrics->ctx, job->fd, COTERIE_FD_IN, 0, on_done, job);
	job->is_watched = rc == 0;
	if (rc == 0)
		rc = thread_start(&job->thread, STACK_SIZE, run, job);
	job->has_thread = rc == 0;
	if (rc < 0) {
		job_destroy(job);
		return rc;
	}
	*out = job;
	return 0;
}

uint32_t job_documents(const struct job *job) { return job->documents; }

struct made *job_made(struct job *job, enum document document) { return &job->made[document]; }

void job_destroy(struct job *job)
{
	if (job == NULL)
		return;
	atomic_store(&job->is_cancelled, true);
	if (job->has_thread)
		pthread_join(job->thread, NULL);
	if (job->is_watched)
		job->metrics->host->fd_del(job->metrics->ctx, job->fd);
	if (job->fd >= 0)
		close(job->fd);
	for (uint32_t i = 0; i < DOCUMENTS; i++)
		metrics_text_fini(&job->made[i].text);
	free(job);
}
