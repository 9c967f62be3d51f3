/* SPDX-License-Identifier: BSD-3-Clause */
/* The frames of the old ring that this node sends again: book membership, "Recovery". */
#include "exec/totem/owed.h"

#include <assert.h>

#include "exec/totem/state.h"

void owed_begin(struct totem_engine *engine, uint32_t after)
{
	struct store *store = &engine->store;

	engine->owed = (struct owed){.next = after, .end = store->high_seq};
	for (uint32_t seq = after + 1; seq_compare(seq, engine->owed.end) <= 0; seq++) {
		struct store_slot *slot = store_find(store, seq);

		if (slot == NULL)
			continue;
		if (TOTEM_MUTANT(engine, RECOVERY_DROPS_FRAME) && seq == engine->owed.end)
			continue;
		slot->is_owed = true;
		engine->owed.count++;
	}
}

void owed_forget(struct totem_engine *engine)
{
	while (engine->owed.next != engine->owed.end) {
		struct store_slot *slot = store_find(&engine->store, ++engine->owed.next);

		if (slot != NULL)
			slot->is_owed = false;
	}
	engine->owed.count = 0;
}

struct store_slot *owed_first(struct totem_engine *engine)
{
	for (;;) {
		assert(engine->owed.next != engine->owed.end);

		struct store_slot *slot = store_slot(&engine->store, engine->owed.next + 1);

		if (slot->is_owed)
			return slot;
		engine->owed.next++;
	}
}

void owed_sent(struct totem_engine *engine, struct store_slot *slot)
{
	engine->owed.next++;
	owed_drop(engine, slot);
}

void owed_drop(struct totem_engine *engine, struct store_slot *slot)
{
	slot->is_owed = false;
	engine->owed.count--;
}
