/* SPDX-License-Identifier: BSD-3-Clause */
/* The store: the frames of one ring by seq. */
#include "exec/totem/store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "exec/totem/frame.h"
#include "exec/totem/state.h"

int store_init(struct store *store, uint32_t base)
{
	/* The kernel gives memory only for pages that are used, so unused slots cost none. */
	store->slots = calloc(STORE_WINDOW, sizeof(*store->slots));
	if (store->slots == NULL)
		return -ENOMEM;
	store->released = store->aru = store->high_seq = store->touched = base;
	return 0;
}

void store_fini(struct store *store)
{
	if (store->slots == NULL)
		return;
	store_reset(store, 0);
	free(store->slots);
	store->slots = NULL;
}

static struct store_slot *slot_at(const struct store *store, uint32_t seq) { return &store->slots[seq % STORE_WINDOW]; }

static void slot_clear(struct store *store, struct store_slot *slot)
{
	if (slot->frame != NULL) {
		assert(store->count > 0);
		store->count--;
		frame_unref(slot->frame);
	}
	*slot = (struct store_slot){0};
}

void store_reset(struct store *store, uint32_t base)
{
	uint32_t last = seq_max(store->high_seq, store->touched);

	assert(last - store->released <= STORE_WINDOW);
	for (uint32_t seq = store->released + 1; seq_compare(seq, last) <= 0; seq++)
		slot_clear(store, slot_at(store, seq));
	assert(store->count == 0);
	store->released = store->aru = store->high_seq = store->touched = base;
}

uint32_t store_room(const struct totem_engine *engine)
{
	size_t frames = STORE_BYTES_MAX / engine->options.payload_max;

	return engine->state == TOTEM_RECOVERY || frames > STORE_WINDOW ? STORE_WINDOW : (uint32_t)frames;
}

bool store_fits(const struct store *store, uint32_t seq) { return seq - store->released - 1 < STORE_WINDOW; }

struct store_slot *store_slot(const struct store *store, uint32_t seq)
{
	assert(store_fits(store, seq));
	return slot_at(store, seq);
}

struct store_slot *store_find(const struct store *store, uint32_t seq)
{
	if (!store_fits(store, seq))
		return NULL;

	struct store_slot *slot = slot_at(store, seq);

	return slot->frame == NULL ? NULL : slot;
}

bool store_put(struct store *store, const struct wire_mcast *mcast, struct coterie_frame *frame)
{
	if (!store_fits(store, mcast->seq))
		return false;

	struct store_slot *slot = slot_at(store, mcast->seq);

	if (slot->frame != NULL)
		return false;
	*slot = (struct store_slot){
		.frame = frame_ref(frame),
		.source = mcast->system_from,
		.is_swapped = mcast->is_swapped,
		.is_safe = mcast->guarantee == TOTEM_SAFE,
		.is_encapsulated = mcast->encapsulated == 1,
	};
	store->count++;
	store->puts++;
	store->high_seq = seq_max(store->high_seq, mcast->seq);
	return true;
}

void store_advance(struct store *store)
{
	while (store->aru != store->high_seq && slot_at(store, store->aru + 1)->frame != NULL)
		store->aru++;
}

void store_truncate(struct store *store, uint32_t seq)
{
	assert(seq_compare(seq, store->released) >= 0);
	while (seq_compare(store->high_seq, seq) > 0)
		slot_clear(store, slot_at(store, store->high_seq--));
	if (seq_compare(store->aru, seq) > 0)
		store->aru = seq;
}

void store_release(struct totem_engine *engine, uint32_t seq)
{
	struct store *store = &engine->store;

	assert(seq_compare(seq, store->high_seq) <= 0);
	while (seq_compare(store->released, seq) < 0) {
		uint32_t next = store->released + 1;
		struct store_slot *slot = slot_at(store, next);

		if (slot->frame != NULL)
			core_trace_frame(engine, TOTEM_TRACE_FREED, &engine->ring, next, slot->source);
		slot_clear(store, slot);
		store->released = next;
	}
	/* Let touched not fall behind: 2^31 frames later seq_compare() would take it for a seq ahead of all others. */
	if (seq_compare(store->touched, store->released) < 0)
		store->touched = store->released;
}

void store_switch(struct totem_engine *engine)
{
	struct store old = engine->store;

	engine->store = engine->rstore;
	engine->rstore = old;
	store_reset(&engine->rstore, engine->options.first_seq);
}
