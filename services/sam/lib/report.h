/*
 * The keys by which others see how a supervised process fares: resources.process.PID.*, PID being the
 * supervisor's. All are in the map of this node's daemon.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_SAM_LIB_REPORT_H
#define SERVICES_SAM_LIB_REPORT_H

#include "services/sam/lib/process.h"

#define REPORT_STOPPED "stopped"
#define REPORT_RUNNING "running"
#define REPORT_WAITING "waiting for quorum"
#define REPORT_FAILED "failed"

/* All do nothing and return CS_OK when the policy is without keys. */

/** Connect, and say what was asked for; the state is "stopped". Closes the connection if it fails. */
cs_error_t report_open(struct process *process);
cs_error_t report_state(struct process *process, const char *state);
/** The child has said something. */
void report_alive(struct process *process);
/** Take all keys away. */
void report_remove(struct process *process);
void report_close(struct process *process);

#endif
