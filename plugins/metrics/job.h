/*
 * Documents are made on a thread: of many nodes that takes tens of milliseconds, which a ring would notice.
 */
#ifndef PLUGINS_METRICS_JOB_H
#define PLUGINS_METRICS_JOB_H

#include "plugins/metrics/metrics.h"

#define DOCUMENT_SIZE_MAX (4u << 20) /* statistics of a hundred nodes with eight links each, about half */

/** What was made. */
struct made {
	struct metrics_text text;
	unsigned int status;
	int rc; /* < 0: nothing */
};

struct job;

/**
 * Make these documents of metrics->snapshot, which must stay until the job is destroyed.
 * @param done  called on the loop, once, unless the job is destroyed before
 * @return 0; -ENOMEM, -errno of a descriptor or thread that could not be made
 */
int job_create(struct metrics *metrics, uint32_t documents, void (*done)(struct metrics *metrics), struct job **job);
uint32_t job_documents(const struct job *job);
/** Once it is done. text may be taken out. */
struct made *job_made(struct job *job, enum document document);
/** Waits for the thread when it is not done: as long as one document takes. NULL is ignored. */
void job_destroy(struct job *job);

#endif
