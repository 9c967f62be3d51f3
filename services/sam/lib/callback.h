/*
 * A thread that sends signs of life, as long as the program's own check succeeds.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_SAM_LIB_CALLBACK_H
#define SERVICES_SAM_LIB_CALLBACK_H

#include "services/sam/lib/process.h"

/**
 * Use this check from now on, even if the thread is waiting. The first call starts the thread.
 *
 * @param check NULL: no check, and the thread sends no signs
 * @return 0; -EINVAL: the first call has no check; -EAGAIN: the thread could not be started
 */
int callback_set(struct process *process, sam_hc_callback_t check);

/** Wake the thread after a change of the state, so that it begins or pauses. Without a thread do nothing. */
void callback_wake(void);

/** Send one sign of life to the supervisor. @return 0; -EPIPE and other errors of send(2) */
int process_alive(struct process *process);

#endif
