/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's own process: background, priority, locked memory, readiness. */
#ifndef EXEC_PROCESS_H
#define EXEC_PROCESS_H

#include <stdbool.h>

struct config;

/**
 * Go to the background. The parent waits for the child's report, and exits with the exit code in it.
 * @return in the child, a descriptor for process_report; -errno
 */
int process_background(void);
/** Report to the parent and close fd: 0 if the daemon is ready, otherwise the exit code. fd -1 is ignored. */
void process_report(int fd, int exit_code);

/** Set scheduling, priority and locked memory as configured. If that is not permitted, log a warning. */
void process_privileges(const struct config *config);

/** Tell the service manager (NOTIFY_SOCKET), if there is one: "READY=1", "STOPPING=1". */
void process_notify(const char *state);

#endif
