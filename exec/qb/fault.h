/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that a client shares with the daemon can lose pages: the client shortens the file, or the file system is full
 * when a page is needed. The kernel then sends SIGBUS to the thread that uses the page. This guard maps a private page
 * of zeros in place of the missing one, so that the access goes on, and marks the mapping as broken. The owner of the
 * mapping checks the mark, and ends the connection.
 */
#ifndef EXEC_QB_FAULT_H
#define EXEC_QB_FAULT_H

#include <stdbool.h>
#include <stddef.h>

struct qbs_guard; /* one mapping */

/**
 * Install the handler of SIGBUS for this process. Later calls change nothing. A SIGBUS outside of all guarded
 * mappings goes to the handler that was there before, or kills the process as usual.
 *
 * @return 0; -errno of sigaction
 */
int qbs_fault_init(void);

/**
 * Guard a mapping. One thread at a time may call this. The handler may run on any thread meanwhile.
 *
 * @param start  page-aligned; must stay mapped until qbs_guard_del
 * @return referenced until qbs_guard_del; NULL: out of memory
 */
struct qbs_guard *qbs_guard_add(void *start, size_t size);
void qbs_guard_del(struct qbs_guard *guard); /* NULL is ignored */

/** Return whether a page of the mapping was missing at an access so far. */
bool qbs_guard_is_broken(const struct qbs_guard *guard);

#endif
