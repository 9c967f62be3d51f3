/* SPDX-License-Identifier: BSD-3-Clause */
/* Sets of node ids that have room for every node from the start. */
#include "exec/totem/set.h"

#include <assert.h>

#include "exec/totem/state.h"

void set_add(struct node_set *set, uint32_t id)
{
	if (set->count == WIRE_NODES_MAX)
		return;

	int rc = node_set_add(set, id);

	assert(rc == 0);
}

void set_unite(struct node_set *to, const struct node_set *from)
{
	for (uint32_t i = 0; i < from->count; i++)
		set_add(to, from->ids[i]);
}

void set_copy(struct node_set *to, const struct node_set *from)
{
	int rc = node_set_copy(to, from);

	assert(rc == 0);
}
