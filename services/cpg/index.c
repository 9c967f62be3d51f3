/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hash table of the groups by name, with chains. Other nodes and clients choose the names. With a fixed hash function
 * they could choose names that all go into one chain. This hash function has a random key. It is vector multiply-shift
 * (Dietzfelbinger 1996, and Thorup, "High Speed Hashing for Integers and Strings", section 3). Two names share a hash
 * with a probability of 2^-31 at most.
 *
 * The table grows by one bucket for each group (linear hashing: Litwin, "Linear hashing: a new tool for file and table
 * addressing", VLDB 1980). A table that doubled would move all groups in one turn of the loop.
 */
#include "services/cpg/cpg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BUCKETS_MIN 64u

void cpg_index_init(struct cpg *cpg)
{
	struct cpg_index *index = &cpg->index;

	if (getrandom(index->key, sizeof(index->key), GRND_NONBLOCK) == (ssize_t)sizeof(index->key))
		return;
	/* Early in a boot getrandom() may fail. Then derive the key from numbers that other nodes cannot know. */
	uint64_t number = cpg->host->now_ns(cpg->ctx) ^ (uint64_t)(uintptr_t)cpg;

	for (size_t i = 0; i < sizeof(index->key) / sizeof(index->key[0]); i++) {
		number = number * 6364136223846793005u + 1442695040888963407u;
		index->key[i] = number ^ number >> 29;
	}
}

void cpg_index_fini(struct cpg *cpg) { free(cpg->index.buckets); }

uint32_t cpg_index_hash(const struct cpg *cpg, const struct cpg_wire_name *name)
{
	const uint64_t *key = cpg->index.key;
	uint64_t sum = key[CPG_INDEX_WORDS] * name->length;

	for (uint32_t i = 0; i < (name->length + 3) / 4; i++) {
		uint32_t word;

		memcpy(&word, name->value + (size_t)i * 4, sizeof(word)); /* the bytes behind the length are zero */
		sum += key[i] * word;
	}
	return (uint32_t)(sum >> 32);
}

/* Return the bucket of a hash. The buckets from `half` on have one more bit of the hash than those before. */
static struct cpg_group **bucket_of(const struct cpg_index *index, uint32_t hash)
{
	uint32_t at = hash & (2 * index->half - 1);

	return &index->buckets[at < index->count ? at : at - index->half];
}

struct cpg_group *cpg_index_find(const struct cpg *cpg, const struct cpg_wire_name *name, uint32_t hash)
{
	const struct cpg_index *index = &cpg->index;

	if (index->count == 0)
		return NULL;
	for (struct cpg_group *group = *bucket_of(index, hash); group != NULL; group = group->index_next)
		if (group->hash == hash && cpg_name_equal(&group->name, name))
			return group;
	return NULL;
}

static void link_group(struct cpg_index *index, struct cpg_group *group)
{
	struct cpg_group **bucket = bucket_of(index, group->hash);

	group->index_next = *bucket;
	*bucket = group;
}

static int begin(struct cpg_index *index)
{
	if (cpg_reserve((void **)&index->buckets, &index->capacity, BUCKETS_MIN, sizeof(struct cpg_group *)) < 0)
		return -ENOMEM;
	memset(index->buckets, 0, BUCKETS_MIN * sizeof(struct cpg_group *));
	index->count = BUCKETS_MIN;
	index->half = BUCKETS_MIN;
	return 0;
}

/*
 * Add one bucket, and move to it the groups of another one that now belong to it. If memory runs out, the table stays as
 * it is, with longer chains.
 */
static void split(struct cpg_index *index)
{
	if (cpg_reserve((void **)&index->buckets, &index->capacity, index->count + 1, sizeof(struct cpg_group *)) < 0)
		return;

	struct cpg_group *group = index->buckets[index->count - index->half];

	index->buckets[index->count - index->half] = NULL;
	index->buckets[index->count++] = NULL;
	while (group != NULL) {
		struct cpg_group *next = group->index_next;

		link_group(index, group);
		group = next;
	}
	if (index->count == 2 * index->half)
		index->half = index->count;
}

int cpg_index_add(struct cpg *cpg, struct cpg_group *group)
{
	if (cpg->index.count == 0 && begin(&cpg->index) < 0)
		return -ENOMEM;
	if (cpg->group_count >= cpg->index.count)
		split(&cpg->index);
	link_group(&cpg->index, group);
	return 0;
}

void cpg_index_del(struct cpg *cpg, const struct cpg_group *group)
{
	struct cpg_group **place = bucket_of(&cpg->index, group->hash);

	while (*place != group)
		place = &(*place)->index_next;
	*place = group->index_next;
}
