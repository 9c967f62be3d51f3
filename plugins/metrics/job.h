/* SPDX-License-Identifier: BSD-3-Clause */
/* Make documents on a separate thread. For many nodes this takes tens of milliseconds, which would delay the ring. */
#ifndef PLUGINS_METRICS_JOB_H
#define PLUGINS_METRICS_JOB_H

#include "plugins/metrics/metrics.h"

#define DOCUMENT_SIZE_MAX \
	(4u << 20) /* bytes. The statistics of a hundred nodes with eight links each take
		    * about half of this */

/** A document of a job that has ended. */
struct made {
	struct metrics_text text;
	unsigned int status;
	int rc; /* < 0: making it has failed */
};

struct job;

/**
 * Start to make these documents from metrics->snapshot, which must exist until the job is destroyed.
 * @param documents  as bits
 * @param done  called once on the loop, unless the job is destroyed before
 * @return 0; -ENOMEM, -errno of a descriptor or thread that could not be created
 */
int job_create(struct metrics *metrics, uint32_t documents, void (*done)(struct metrics *metrics), struct job **job);
uint32_t job_documents(const struct job *job);
/** Return a document of a job that has ended. The caller may take its text. */
struct made *job_made(struct job *job, enum document document);
/** Destroy a job. If it has not ended, wait for its thread, at most for the time of one document. NULL is ignored. */
void job_destroy(struct job *job);

#endif
