/* SPDX-License-Identifier: BSD-3-Clause */
/* The lists of this node: candidates for the next ring, failed nodes, and nodes that agree. */
#ifndef TOTEM_LISTS_H
#define TOTEM_LISTS_H

#include <stdint.h>

#include "exec/totem/node_set.h"

struct totem_engine;

/* The lists of nodes in joins: book membership, "Joins". Only lists.c changes the members. */
struct lists {
	struct node_set proc, failed; /* the lists in the joins of this node */
	struct node_set consensus;    /* nodes that have sent the same lists as this node */
	struct node_set live;         /* proc without failed, as computed last */
};

void lists_add(struct totem_engine *engine, uint32_t id);                   /* add a candidate */
void lists_unite(struct totem_engine *engine, const struct node_set *proc); /* add the candidates of another node */
/** Count the node as failed, and note the ring that it is known to have had. */
void lists_fail(struct totem_engine *engine, uint32_t id);
void lists_restore(struct totem_engine *engine);                  /* forget all failed nodes */
void lists_restore_one(struct totem_engine *engine, uint32_t id); /* forget that the node has failed */
/** Note that the node has sent the same lists as this node. */
void lists_agree(struct totem_engine *engine, uint32_t id);
void lists_ask_again(struct totem_engine *engine);              /* forget which other nodes have sent the same lists */
void lists_empty(struct totem_engine *engine);                  /* forget all candidates and failed nodes */
const struct node_set *lists_live(struct totem_engine *engine); /* compute `live`, and return it */
void lists_installed(struct totem_engine *engine); /* make the members of the new configuration the candidates */

#endif
