/* SPDX-License-Identifier: BSD-3-Clause */
/* Sets of node ids that have room for all nodes. */
#ifndef TOTEM_SET_H
#define TOTEM_SET_H

#include <stdint.h>

#include "exec/totem/node_set.h"

/*
 * Functions for sets of the engine. These sets have room for WIRE_NODES_MAX ids from the start, so the functions cannot
 * fail. Further ids are left out.
 */
void set_add(struct node_set *set, uint32_t id);
void set_unite(struct node_set *to, const struct node_set *from);
void set_copy(struct node_set *to, const struct node_set *from);

#endif
