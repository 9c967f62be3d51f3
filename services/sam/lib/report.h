/*
 * The keys that show other programs the state of a supervised process. They are resources.process.PID.* in the map of
 * this node's daemon, where PID is the process id of the supervisor.
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

/* If the policy does not include keys, all functions do nothing and return CS_OK. */

/** Connect and set the keys of the policy, with the state "stopped". After an error the connection is closed. */
cs_error_t report_open(struct process *process);
cs_error_t report_state(struct process *process, const char *state);
/** Set the key with the time of the child's last sign of life. */
void report_alive(struct process *process);
/** Delete all keys. */
void report_remove(struct process *process);
void report_close(struct process *process);

#endif
