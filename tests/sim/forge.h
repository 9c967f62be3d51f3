/* SPDX-License-Identifier: BSD-3-Clause */
/* Forged packets: random bytes, changed packets, and old ones. */
#ifndef SIM_FORGE_H
#define SIM_FORGE_H

struct sim;

void forge_garbage(struct sim *sim); /* refused, or of no lasting effect */
void forge_packet(struct sim *sim);  /* a changed packet of this ring. The checks excuse nodes that accept it */
void forge_replay(struct sim *sim);

#endif
