/*
 * Signs of life given by a thread, as long as the program's own check finds it well.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_SAM_LIB_CALLBACK_H
#define SERVICES_SAM_LIB_CALLBACK_H

#include "services/sam/lib/process.h"

/**
 * Use this check from now on, also in the middle of a wait. The first call starts the thread.
 *
 * @param check  NULL: none, the thread says nothing
 * @return 0; -EINVAL: the first call, without a check; -EAGAIN: no thread
 */
int callback_set(struct process *process, sam_hc_callback_t check);

/** The state has changed: the thread begins or pauses. Does nothing without a thread. */
void callback_wake(void);

/** Give one sign of life to the supervisor. -EPIPE and others of send(2). */
int process_alive(struct process *process);

#endif
