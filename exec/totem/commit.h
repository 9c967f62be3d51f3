/* SPDX-License-Identifier: BSD-3-Clause */
/* The commit token. */
#ifndef TOTEM_COMMIT_H
#define TOTEM_COMMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/node_set.h"
#include "exec/totem/ring_id.h"
#include "exec/totem/wire.h"

struct totem_engine;
struct coterie_frame;

/*
 * The commit token that was here last. Only commit.c changes the members, and extension.c the two of the trailer:
 * has_features and features.
 */
struct commit {
	struct ring_id ring;
	struct node_set memb; /* members of the new ring */
	uint32_t token_seq;
	uint32_t memb_index;
	uint32_t replaced; /* attempts that this one has replaced since this node was in GATHER */
	bool has_features;
	struct wire_commit_entry entries[WIRE_NODES_MAX];
	uint64_t features[WIRE_NODES_MAX];
};

void commit_create(struct totem_engine *engine); /* create the commit token for the nodes in `live` */
/**
 * Handle a commit token.
 *
 * @param past_changed  leaves the attempt and gathers again. It is called if the entry of this node has become wrong, since
 *                      later entries have told it more about its past
 */
void commit_arrived(
	struct totem_engine *engine, struct coterie_frame *frame, void (*past_changed)(struct totem_engine *engine));

#endif
