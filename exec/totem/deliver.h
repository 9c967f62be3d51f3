/* SPDX-License-Identifier: BSD-3-Clause */
/* Delivery of frames to the user. */
#ifndef TOTEM_DELIVER_H
#define TOTEM_DELIVER_H

#include <stdbool.h>

struct totem_engine;

void deliver_ready(struct totem_engine *engine);         /* book ring, "Delivery" */
/* At an installation, before and after the transitional configuration: book membership, "Installation". */
void deliver_regular(struct totem_engine *engine);
void deliver_transitional(struct totem_engine *engine);
bool deliver_is_safe(const struct totem_engine *engine); /* the installed ring honours SAFE */

#endif
