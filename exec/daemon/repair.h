/* SPDX-License-Identifier: BSD-3-Clause */
/* coterie --repair-ring-seq: coterie(8). */
#ifndef EXEC_REPAIR_H
#define EXEC_REPAIR_H

#include "config/model.h"

/**
 * Replace the stored ring seq of the local node if it is unreadable, or beyond TOTEM_RING_SEQ_JUMP_MAX. Only forged
 * packets can raise it that far. The new one is computed from the wall clock, which grows faster than rings are formed.
 * So no ring of the past has it. The result is printed. Refused while a daemon of that instance runs.
 *
 * @param instance   NULL: the default one
 * @param lock_file  of the daemon; NULL: the usual one
 * @return exit code: 0, also where there is nothing to repair; 16, 37: no folder; 17, 18: no lock; 21: not stored
 */
int repair_ring_seq(const char *instance, const char *lock_file, const struct config *config);

#endif
