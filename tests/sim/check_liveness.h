/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checks of a quiet network: book invariants, "Liveness", and C8. Each function makes the nodes do something, and
 * reports a violation if a bound is exceeded.
 */
#ifndef SIM_CHECK_LIVENESS_H
#define SIM_CHECK_LIVENESS_H

#include <stdbool.h>

struct sim;

bool liveness_one_ring(struct sim *sim); /* properties L1, and the second half of D7 */
bool liveness_messages(struct sim *sim); /* property L2 */
bool liveness_lone_sender(struct sim *sim);
bool liveness_idle(struct sim *sim);  /* property L3 */
bool liveness_leave(struct sim *sim); /* property L4 */
/** Compare a count with its bound. Separate functions, so that a test can check that an excess is reported. */
void liveness_judge_rotations(struct sim *sim, unsigned visits, unsigned visits_max);
void liveness_judge_packets(struct sim *sim, unsigned long sent, unsigned long sent_max);

#endif
