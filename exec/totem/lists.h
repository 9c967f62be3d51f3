/* SPDX-License-Identifier: BSD-3-Clause */
/* The lists of this node: the candidates for the next ring. */
#ifndef TOTEM_LISTS_H
#define TOTEM_LISTS_H

#include <stdint.h>

#include "exec/totem/node_set.h"

struct totem_engine;

/* Only lists.c changes the members: book membership, "Joins". */
struct lists {
	struct node_set proc, failed; /* as this node's joins have them */
	struct node_set consensus;    /* nodes that have sent the same lists */
	struct node_set live;         /* proc without failed, when computed last */
};

void lists_add(struct totem_engine *engine, uint32_t id);                   /* a candidate */
void lists_unite(struct totem_engine *engine, const struct node_set *proc); /* candidates of another node */
void lists_fail(struct totem_engine *engine, uint32_t id);
void lists_restore(struct totem_engine *engine);                /* no node has failed */
void lists_agree(struct totem_engine *engine, uint32_t id);     /* the node has sent the same lists */
void lists_ask_again(struct totem_engine *engine);              /* no node but this one has sent them */
void lists_empty(struct totem_engine *engine);                  /* no candidate, and none has failed */
const struct node_set *lists_live(struct totem_engine *engine); /* compute `live` */
void lists_installed(struct totem_engine *engine); /* a configuration came into force: its members are the candidates */

#endif
