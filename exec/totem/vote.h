/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions and votes about silent members. */
#ifndef TOTEM_VOTE_H
#define TOTEM_VOTE_H

#include <stdint.h>

struct totem_engine;
struct peer;

void vote_expired(struct totem_engine *engine);
/** Note the vote of a member that has not heard the suspect for its budget. */
void vote_arrived(struct totem_engine *engine, struct peer *voter, uint32_t suspect);
/**
 * Vote to remove members that are silent for longer than their budgets. The call may make the engine leave its state.
 */
void vote_check(struct totem_engine *engine);

#endif
