/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hash table of the groups of one message, with open addressing. Other nodes and clients choose the groups, so the
 * hash function has a random key. It is vector multiply-shift (Thorup, "High Speed Hashing for Integers and Strings",
 * section 3). Two groups share a hash with a probability of 2^-31 at most.
 */
#include "services/evs/evs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define FREE UINT16_MAX

_Static_assert(EVS_CONNECTION_GROUPS_MAX < FREE, "a place for each group of a message");

void evs_index_init(struct evs *evs)
{
	struct evs_index *index = &evs->index;

	if (getrandom(index->key, sizeof(index->key), GRND_NONBLOCK) == (ssize_t)sizeof(index->key))
		return;
	/* Early in a boot getrandom() may fail. Then derive the key from numbers that other nodes cannot know. */
	uint64_t number = evs->host->now_ns(evs->ctx) ^ (uint64_t)(uintptr_t)evs;

	for (size_t i = 0; i < EVS_INDEX_WORDS; i++) {
		number = number * 6364136223846793005u + 1442695040888963407u;
		index->key[i] = number ^ number >> 29;
	}
}

void evs_index_fini(struct evs *evs) { free(evs->index.slots); }

static uint32_t hash_of(const struct evs_index *index, const struct evs_wire_group *group)
{
	uint32_t words[EVS_INDEX_WORDS];
	uint64_t sum = 0;

	memcpy(words, group, sizeof(words));
	for (size_t i = 0; i < EVS_INDEX_WORDS; i++)
		sum += index->key[i] * words[i];
	return (uint32_t)(sum >> 32);
}

/* Return the slot of a group, or the free slot for it. */
static uint16_t *slot_of(const struct evs_index *index, const struct evs_wire_group *group)
{
	uint32_t at = hash_of(index, group) & (index->slot_count - 1);

	while (index->slots[at] != FREE && memcmp(&index->groups[index->slots[at]], group, sizeof(*group)) != 0)
		at = (at + 1) & (index->slot_count - 1);
	return &index->slots[at];
}

int evs_index_fill(struct evs *evs, const struct evs_wire_group *groups, uint32_t count)
{
	struct evs_index *index = &evs->index;
	uint32_t slots = 64;

	while (slots < 2 * count)
		slots *= 2;
	if (slots > index->slot_capacity) {
		uint16_t *grown = reallocarray(index->slots, slots, sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		index->slots = grown;
		index->slot_capacity = slots;
	}
	memset(index->slots, 0xff, slots * sizeof(*index->slots));
	index->slot_count = slots;
	index->groups = groups;
	for (uint32_t i = 0; i < count; i++)
		*slot_of(index, &groups[i]) = (uint16_t)i;
	return 0;
}

bool evs_index_has(const struct evs *evs, const struct evs_wire_group *group)
{
	return *slot_of(&evs->index, group) != FREE;
}
