/*
 * Memory that a client shares with the daemon can be taken away from under it: the client shortens the file, or the
 * file system is full when a page is needed. The kernel then sends SIGBUS to the thread that touches the page. This
 * guard puts a private page of zeros in the place of the missing one, so that the access goes on, and marks the
 * mapping as broken. Its owner looks at the mark and ends the connection.
 */
#ifndef EXEC_QB_FAULT_H
#define EXEC_QB_FAULT_H

#include <stdbool.h>
#include <stddef.h>

struct qbs_guard; /* one mapping */

/**
 * Install the handler of SIGBUS for this process. Later calls change nothing. A SIGBUS outside of every guarded
 * mapping goes to the handler that was there before, or kills the process as ever.
 *
 * @return 0; -errno of sigaction
 */
int qbs_fault_init(void);

/**
 * Guard a mapping. For one thread at a time; the handler may run on any thread meanwhile.
 *
 * @param start  page-aligned; kept until qbs_guard_del, which comes before munmap
 * @return referenced until qbs_guard_del; NULL: out of memory
 */
struct qbs_guard *qbs_guard_add(void *start, size_t size);
void qbs_guard_del(struct qbs_guard *guard); /* NULL is ignored */

/** Return whether a page of the mapping was missing at some access so far. */
bool qbs_guard_is_broken(const struct qbs_guard *guard);

#endif
