/*
 * The keys that show other programs the state of a supervised process: resources.process.PID.*, where
 * PID is the supervisor's. All are in the map of this node's daemon.
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

/* All functions do nothing and return CS_OK if the policy is without keys. */

/**
 * Connect and set the keys of the policy. The state is "stopped". On failure the connection is
 * closed.
 */
cs_error_t report_open(struct process *process);
cs_error_t report_state(struct process *process, const char *state);
/** Note a sign of life of the child. */
void report_alive(struct process *process);
/** Delete all keys. */
void report_remove(struct process *process);
void report_close(struct process *process);

#endif
