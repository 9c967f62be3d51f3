/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets of other rings. */
#ifndef TOTEM_MERGE_H
#define TOTEM_MERGE_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/ring_id.h"

struct totem_engine;
struct coterie_frame;

/** Handle a frame or a merge detect of another ring. */
void merge_foreign(struct totem_engine *engine, uint32_t node, const struct ring_id *ring, bool is_frame);
void merge_detect(struct totem_engine *engine, struct coterie_frame *frame);

#endif
