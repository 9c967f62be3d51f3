/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets that no engine sent, or not now: garbage, altered ones, old ones. */
#ifndef SIM_FORGE_H
#define SIM_FORGE_H

struct sim;

void forge_garbage(struct sim *sim); /* must be refused, or changes nothing for long */
void forge_packet(struct sim *sim);  /* an altered one of this ring: who takes it cannot promise anything */
void forge_replay(struct sim *sim);

#endif
