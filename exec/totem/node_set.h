/* SPDX-License-Identifier: BSD-3-Clause */
/* Sets of node ids: sorted, on the heap. The caller limits their size. */
#ifndef TOTEM_NODE_SET_H
#define TOTEM_NODE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A set. All zero is the empty set. ids[0 .. count) ascend without duplicates. */
struct node_set {
	uint32_t *ids;
	uint32_t count;
	uint32_t capacity;
};

void node_set_fini(struct node_set *set);
void node_set_clear(struct node_set *set); /* keeps the memory */
bool node_set_has(const struct node_set *set, uint32_t id);
int node_set_add(struct node_set *set, uint32_t id); /* 0, also if the set has the id already; -ENOMEM */
void node_set_remove(struct node_set *set, uint32_t id);
int node_set_copy(struct node_set *to, const struct node_set *from);           /* -ENOMEM: `to` unchanged */
int node_set_assign(struct node_set *to, const uint32_t *ids, uint32_t count); /* any order; -ENOMEM */
int node_set_unite(struct node_set *to, const struct node_set *from);          /* -ENOMEM: `to` unchanged */
bool node_set_equal(const struct node_set *a, const struct node_set *b);
bool node_set_contains(const struct node_set *a, const struct node_set *b); /* return whether b is a subset of a */
/** Set `to` to the ids of a that are not in b. `to` is neither of the two sets. @return 0; -ENOMEM. */
int node_set_subtract(struct node_set *to, const struct node_set *a, const struct node_set *b);
/** Set `to` to the ids that are in a and in b. `to` is neither of the two sets. @return 0; -ENOMEM. */
int node_set_intersect(struct node_set *to, const struct node_set *a, const struct node_set *b);

#endif
