/* What the daemon does to its own process: background, priority, locked memory, readiness. */
#ifndef EXEC_PROCESS_H
#define EXEC_PROCESS_H

#include <stdbool.h>

struct config;

/**
 * Go to the background: the parent waits until the child tells its fate and exits with it.
 * @return in the child a descriptor for process_report; -errno
 */
int process_background(void);
/** Tell the waiting parent: 0 ready, else the exit code. fd -1 is ignored; otherwise it is closed. */
void process_report(int fd, int exit_code);

/** Scheduling, priority and locked memory as configured; what is not allowed is logged as a warning. */
void process_privileges(const struct config *config);

/** Tell the service manager (NOTIFY_SOCKET), if there is one: "READY=1", "STOPPING=1". */
void process_notify(const char *state);

#endif
