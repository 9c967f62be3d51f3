/*
 * The parent's part: watches the child until it has ended.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_SAM_LIB_SUPERVISOR_H
#define SERVICES_SAM_LIB_SUPERVISOR_H

#include "services/sam/lib/process.h"

enum supervisor_outcome {
	SUPERVISOR_QUIT,    /* the child has ended, or is ending, by itself while it was not supervised */
	SUPERVISOR_RECOVER, /* it failed */
	SUPERVISOR_GIVE_UP, /* it was marked as failed */
	SUPERVISOR_ERROR,   /* this process cannot continue, and errno has the reason */
};

/**
 * Serve and watch one child until its end is certain. It is killed where that is due, and not waited for.
 *
 * @param fd  this side of the socket pair; borrowed
 */
enum supervisor_outcome supervise(struct process *process, pid_t child, int fd);

#endif
