/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of evictions. */
#ifndef TOTEM_EVICT_H
#define TOTEM_EVICT_H

#include <stdint.h>

#include "exec/totem/engine.h"

/** Note the evidence for the removal of id in the present episode. */
void evict_note(struct totem_engine *engine, uint32_t id, enum totem_evidence evidence);
void evict_installed(struct totem_engine *engine); /* trace a record of each member in `left` */

#endif
