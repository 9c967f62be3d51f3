/*
 * A skip list by key, and a list by change (Pugh, Skip Lists: A Probabilistic Alternative to Balanced Trees,
 * 1990).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "plugins/kv/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define REMOVE_WORK 32u /* the entry is searched on all levels */

/*
 * Begin at a number that no client knows. Otherwise a client could foresee the levels, and keep only keys of the lowest one:
 * each search would walk through all of them.
 */
static void seed(struct kv_store *store)
{
	struct timespec now;

	if (getrandom(&store->random, sizeof(store->random), GRND_NONBLOCK) != (ssize_t)sizeof(store->random) ||
		store->random == 0) {
		/* Early in a boot getrandom() may fail. Then take numbers that other nodes cannot know. */
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		store->random = (UINT64_C(1) << 63) ^ (uint64_t)now.tv_nsec << 32 ^ (uint64_t)(uintptr_t)store;
	}
}

void kv_store_init(struct kv_store *store)
{
	memset(store, 0, sizeof(*store));
	seed(store);
}

static void entry_free(struct kv_entry *entry)
{
	free(entry->value);
	free(entry->next);
	free(entry);
}

/* Return the work of freeing an entry. The kernel unmaps large values page by page. */
static uint32_t work_of(const struct kv_entry *entry) { return 1 + (entry->value_size >> 12); }

void kv_store_drop(struct kv_store *store)
{
	struct kv_entry *dropped = store->dropped;

	if (store->newest != NULL) {
		store->newest->newer = dropped;
		dropped = store->oldest;
	}
	kv_store_init(store);
	store->dropped = dropped;
}

uint64_t kv_store_cost(uint32_t key_size, uint32_t value_size)
{
	return (uint64_t)key_size + value_size + KV_ENTRY_COST;
}

/* ---- By key -------------------------------------------------------------- */

static int compare(const struct kv_entry *entry, const void *key, uint32_t key_size)
{
	uint32_t common = entry->key_size < key_size ? entry->key_size : key_size;
	int rc = memcmp(entry->key, key, common);

	if (rc != 0)
		return rc;
	return (entry->key_size > key_size) - (entry->key_size < key_size);
}

/* Find, for each level, the pointer to the first entry at or above the key of an entry. */
static void seek(struct kv_store *store, const struct kv_entry *entry, struct kv_entry ***places)
{
	struct kv_entry **at = entry->is_deleted ? store->tomb_heads : store->heads;

	for (uint32_t level = KV_LEVELS; level-- > 0;) {
		while (at[level] != NULL && compare(at[level], entry->key, entry->key_size) < 0)
			at = at[level]->next;
		places[level] = &at[level];
	}
}

static struct kv_entry *above(struct kv_entry *const *at, const void *key, uint32_t key_size, bool is_inclusive)
{
	if (key_size == 0)
		return at[0];
	for (uint32_t level = KV_LEVELS; level-- > 0;) {
		while (at[level] != NULL && compare(at[level], key, key_size) < (is_inclusive ? 0 : 1))
			at = at[level]->next;
	}
	return at[0];
}

struct kv_entry *kv_store_above(const struct kv_store *store, const void *key, uint32_t key_size, bool is_inclusive)
{
	return above(store->heads, key, key_size, is_inclusive);
}

static struct kv_entry *find(struct kv_entry *const *heads, const void *key, uint32_t key_size)
{
	struct kv_entry *entry = above(heads, key, key_size, true);

	return entry != NULL && compare(entry, key, key_size) == 0 ? entry : NULL;
}

struct kv_entry *kv_store_find(const struct kv_store *store, const void *key, uint32_t key_size)
{
	return find(store->heads, key, key_size);
}

/* Choose a random level. Each further level has a chance of a quarter (xorshift, Marsaglia 2003). */
static uint8_t level_choose(struct kv_store *store)
{
	uint8_t level = 1;

	store->random ^= store->random << 13;
	store->random ^= store->random >> 7;
	store->random ^= store->random << 17;
	for (uint64_t bits = store->random >> 8; (bits & 3) == 0 && level < KV_LEVELS; bits >>= 2)
		level++;
	return level;
}

static void key_link(struct kv_store *store, struct kv_entry *entry)
{
	struct kv_entry **places[KV_LEVELS];

	seek(store, entry, places);
	for (uint32_t level = 0; level < entry->level; level++) {
		entry->next[level] = *places[level];
		*places[level] = entry;
	}
}

static void key_unlink(struct kv_store *store, const struct kv_entry *entry)
{
	struct kv_entry **places[KV_LEVELS];

	seek(store, entry, places);
	for (uint32_t level = 0; level < entry->level; level++)
		*places[level] = entry->next[level];
}

static struct kv_entry *entry_create(struct kv_store *store, const void *key, uint32_t key_size)
{
	struct kv_entry *entry = calloc(1, sizeof(*entry) + key_size);

	if (entry == NULL)
		return NULL;
	entry->level = level_choose(store);
	entry->next = calloc(entry->level, sizeof(struct kv_entry *));
	if (entry->next == NULL) {
		free(entry);
		return NULL;
	}
	entry->key_size = (uint8_t)key_size;
	memcpy(entry->key, key, key_size);
	return entry;
}

/* ---- By change ----------------------------------------------------------- */

static void change_unlink(struct kv_store *store, struct kv_entry *entry)
{
	if (store->walk == entry)
		store->walk = entry->newer;
	if (store->purge == entry)
		store->purge = entry->newer;
	*(entry->older != NULL ? &entry->older->newer : &store->oldest) = entry->newer;
	*(entry->newer != NULL ? &entry->newer->older : &store->newest) = entry->older;
	entry->older = NULL;
	entry->newer = NULL;
}

/*
 * Insert an entry by its revision, which is nearly always the highest. A takeover may receive an entry that it has
 * received before.
 */
static void change_link(struct kv_store *store, struct kv_entry *entry)
{
	struct kv_entry *older = store->newest;

	while (older != NULL && older->modified > entry->modified)
		older = older->older;
	entry->older = older;
	entry->newer = older != NULL ? older->newer : store->oldest;
	*(older != NULL ? &older->newer : &store->oldest) = entry;
	*(entry->newer != NULL ? &entry->newer->older : &store->newest) = entry;
	if (entry->modified > store->walk_from && (store->walk == NULL || entry->modified < store->walk->modified))
		store->walk = entry;
}

/* `walk` is the oldest change above walk_from at any time, so writes between two calls do no harm. */
bool kv_store_seek(struct kv_store *store, uint64_t revision, uint32_t work)
{
	if (revision < store->walk_from) {
		store->walk = store->oldest;
		store->walk_from = 0;
	}
	for (; store->walk != NULL && store->walk->modified <= revision; work--) {
		if (work == 0)
			return false;
		store->walk_from = store->walk->modified;
		store->walk = store->walk->newer;
	}
	store->walk_from = revision;
	return true;
}

struct kv_entry *kv_store_after(struct kv_store *store, uint64_t revision)
{
	while (!kv_store_seek(store, revision, UINT32_MAX))
		;
	return store->walk;
}

/* ---- Changes ------------------------------------------------------------- */

static void count(struct kv_store *store, const struct kv_entry *entry)
{
	uint64_t cost = kv_store_cost(entry->key_size, entry->value_size);

	*(entry->is_deleted ? &store->tombs : &store->keys) += 1;
	*(entry->is_deleted ? &store->tomb_bytes : &store->bytes) += cost;
}

static void uncount(struct kv_store *store, const struct kv_entry *entry)
{
	uint64_t cost = kv_store_cost(entry->key_size, entry->value_size);

	*(entry->is_deleted ? &store->tombs : &store->keys) -= 1;
	*(entry->is_deleted ? &store->tomb_bytes : &store->bytes) -= cost;
}

static void entry_remove(struct kv_store *store, struct kv_entry *entry)
{
	uncount(store, entry);
	key_unlink(store, entry);
	change_unlink(store, entry);
	entry_free(entry);
}

/*
 * Return the entry of a key, in the list of deleted entries or in the other one. It is not counted, and not linked by its
 * change. It is new if the key has none. NULL: out of memory.
 */
static struct kv_entry *entry_take(struct kv_store *store, const void *key, uint32_t key_size, bool is_deleted)
{
	struct kv_entry *entry = find(store->heads, key, key_size);

	if (entry == NULL)
		entry = find(store->tomb_heads, key, key_size);
	if (entry != NULL) {
		uncount(store, entry);
		change_unlink(store, entry);
		if (entry->is_deleted == is_deleted)
			return entry;
		key_unlink(store, entry);
	} else {
		entry = entry_create(store, key, key_size);
		if (entry == NULL)
			return NULL;
	}
	entry->is_deleted = is_deleted;
	key_link(store, entry);
	return entry;
}

int kv_store_put(struct kv_store *store, const void *key, uint32_t key_size, const void *value, uint32_t value_size,
	uint64_t modified, uint64_t created)
{
	uint8_t *copy = malloc(value_size > 0 ? value_size : 1);
	struct kv_entry *entry = copy != NULL ? entry_take(store, key, key_size, false) : NULL;

	if (entry == NULL) {
		free(copy);
		return -ENOMEM;
	}
	if (value_size > 0)
		memcpy(copy, value, value_size);
	free(entry->value);
	entry->value = copy;
	entry->value_size = value_size;
	entry->modified = modified;
	if (created != 0)
		entry->created = created;
	else if (entry->created == 0)
		entry->created = modified;
	count(store, entry);
	change_link(store, entry);
	return 0;
}

int kv_store_delete(struct kv_store *store, const void *key, uint32_t key_size, uint64_t modified, bool keep)
{
	struct kv_entry *entry;

	if (!keep) {
		entry = kv_store_find(store, key, key_size);
		if (entry != NULL)
			entry_remove(store, entry);
		return 0;
	}
	entry = entry_take(store, key, key_size, true);
	if (entry == NULL)
		return -ENOMEM;
	free(entry->value);
	entry->value = NULL;
	entry->value_size = 0;
	entry->created = 0;
	entry->modified = modified;
	count(store, entry);
	change_link(store, entry);
	return 0;
}

void kv_store_purge(struct kv_store *store, uint64_t up_to)
{
	store->purge = store->oldest;
	store->purge_to = up_to;
}

void kv_store_purge_end(struct kv_store *store) { store->purge = NULL; }

/* Free or keep the next entry of a purge. @return the work that this has taken */
static uint32_t purge_one(struct kv_store *store)
{
	struct kv_entry *entry = store->purge;

	if (store->tombs == 0 || entry->modified > store->purge_to) {
		store->purge = NULL;
		return 1;
	}
	store->purge = entry->newer;
	if (!entry->is_deleted)
		return 1;
	entry_remove(store, entry);
	return REMOVE_WORK;
}

bool kv_store_sweep(struct kv_store *store, uint32_t work)
{
	uint32_t done = 0;

	while (store->dropped != NULL && done < work) {
		struct kv_entry *entry = store->dropped;

		store->dropped = entry->newer;
		done += work_of(entry);
		entry_free(entry);
	}
	while (store->purge != NULL && done < work)
		done += purge_one(store);
	return store->dropped != NULL || store->purge != NULL;
}

void kv_store_clear(struct kv_store *store)
{
	kv_store_drop(store);
	while (kv_store_sweep(store, UINT32_MAX))
		;
}
