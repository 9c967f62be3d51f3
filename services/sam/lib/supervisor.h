/*
 * The part of the parent process: supervise the child until it has ended.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_SAM_LIB_SUPERVISOR_H
#define SERVICES_SAM_LIB_SUPERVISOR_H

#include "services/sam/lib/process.h"

enum supervisor_outcome {
	SUPERVISOR_QUIT,    /* the child has ended, or is ending, by itself while it was not started */
	SUPERVISOR_RECOVER, /* the child has failed */
	SUPERVISOR_GIVE_UP, /* the child was marked as failed */
	SUPERVISOR_ERROR,   /* this process cannot continue, and errno has the reason */
};

/**
 * Supervise one child until its end is certain. After a failure kill the child. The caller must call waitpid().
 *
 * @param fd this side of the socket pair; borrowed
 */
enum supervisor_outcome supervise(struct process *process, pid_t child, int fd);

#endif
