/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Documents are made on a thread. For many nodes that takes tens of milliseconds, which would delay the
 * ring.
 */
#ifndef PLUGINS_METRICS_JOB_H
#define PLUGINS_METRICS_JOB_H

#include "plugins/metrics/metrics.h"

#define DOCUMENT_SIZE_MAX \
	(4u << 20) /* the statistics of a hundred nodes with eight links each take about
				      * half */

/** A finished document. */
struct made {
	struct metrics_text text;
	unsigned int status;
	int rc; /* < 0: there is no document */
};

struct job;

/**
 * Make these documents from metrics->snapshot, which must exist until the job is destroyed.
 * @param done  called once on the loop, unless the job is destroyed before
 * @return 0; -ENOMEM, -errno of a descriptor or thread that could not be created
 */
int job_create(struct metrics *metrics, uint32_t documents, void (*done)(struct metrics *metrics), struct job **job);
uint32_t job_documents(const struct job *job);
/** Return a document of a finished job. The caller may take its text. */
struct made *job_made(struct job *job, enum document document);
/**
 * Destroy a job. If it is not finished, wait for its thread, up to the time of one document. NULL
 * is ignored.
 */
void job_destroy(struct job *job);

#endif
