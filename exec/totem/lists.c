/* SPDX-License-Identifier: BSD-3-Clause */
/* The lists of this node: book membership, "Joins". */
#include "exec/totem/lists.h"

#include <assert.h>

#include "exec/totem/state.h"

void lists_add(struct totem_engine *engine, uint32_t id) { set_add(&engine->lists.proc, id); }

void lists_unite(struct totem_engine *engine, const struct node_set *proc) { set_unite(&engine->lists.proc, proc); }

void lists_fail(struct totem_engine *engine, uint32_t id)
{
	struct peer *peer = peer_find(engine, id);

	if (peer != NULL && !node_set_has(&engine->lists.failed, id))
		peer->failed_seq = peer->join_seq;
	set_add(&engine->lists.failed, id);
}

void lists_restore(struct totem_engine *engine) { node_set_clear(&engine->lists.failed); }

void lists_restore_one(struct totem_engine *engine, uint32_t id) { node_set_remove(&engine->lists.failed, id); }

void lists_agree(struct totem_engine *engine, uint32_t id) { set_add(&engine->lists.consensus, id); }

void lists_ask_again(struct totem_engine *engine)
{
	node_set_clear(&engine->lists.consensus);
	set_add(&engine->lists.consensus, engine->options.nodeid);
}

void lists_empty(struct totem_engine *engine)
{
	node_set_clear(&engine->lists.proc);
	node_set_clear(&engine->lists.failed);
}

const struct node_set *lists_live(struct totem_engine *engine)
{
	int rc = node_set_subtract(&engine->lists.live, &engine->lists.proc, &engine->lists.failed);

	assert(rc == 0);
	return &engine->lists.live;
}

void lists_installed(struct totem_engine *engine)
{
	set_copy(&engine->lists.proc, &engine->commit.memb);
	node_set_clear(&engine->lists.failed);
	node_set_clear(&engine->lists.consensus);
}
