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

#define REMOVE_WORK 32u /* the entry is searched on all levels */

void kv_store_init(struct kv_store *store)
{
	memset(store, 0, sizeof(*store));
	store->random = UINT64_C(0x9e3779b97f4a7c15);
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

/* Find, for each level, the pointer to the first entry at or above the key. */
static void seek(struct kv_store *store, const void *key, uint32_t key_size, struct kv_entry ***places)
{
	struct kv_entry **at = store->heads;

	for (uint32_t level = KV_LEVELS; level-- > 0;) {
		while (at[level] != NULL && compare(at[level], key, key_size) < 0)
			at = at[level]->next;
		places[level] = &at[level];
	}
}

struct kv_entry *kv_store_above(const struct kv_store *store, const void *key, uint32_t key_size, bool is_inclusive)
{
	struct kv_entry *const *at = store->heads;

	if (key_size == 0)
		return store->heads[0];
	for (uint32_t level = KV_LEVELS; level-- > 0;) {
		while (at[level] != NULL && compare(at[level], key, key_size) < (is_inclusive ? 0 : 1))
			at = at[level]->next;
	}
	return at[0];
}

static struct kv_entry *find_any(const struct kv_store *store, const void *key, uint32_t key_size)
{
	struct kv_entry *entry = kv_store_above(store, key, key_size, true);

	return entry != NULL && compare(entry, key, key_size) == 0 ? entry : NULL;
}

struct kv_entry *kv_store_find(const struct kv_store *store, const void *key, uint32_t key_size)
{
	struct kv_entry *entry = find_any(store, key, key_size);

	return entry != NULL && !entry->is_deleted ? entry : NULL;
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

static struct kv_entry *entry_create(struct kv_store *store, const void *key, uint32_t key_size)
{
	struct kv_entry **places[KV_LEVELS];
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
	entry->is_deleted = true;
	seek(store, key, key_size, places);
	for (uint32_t level = 0; level < entry->level; level++) {
		entry->next[level] = *places[level];
		*places[level] = entry;
	}
	store->tombs++;
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

static void entry_remove(struct kv_store *store, struct kv_entry *entry)
{
	struct kv_entry **places[KV_LEVELS];

	seek(store, entry->key, entry->key_size, places);
	for (uint32_t level = 0; level < entry->level; level++)
		*places[level] = entry->next[level];
	change_unlink(store, entry);
	if (entry->is_deleted) {
		store->tombs--;
	} else {
		store->keys--;
		store->bytes -= kv_store_cost(entry->key_size, entry->value_size);
	}
	entry_free(entry);
}

int kv_store_put(struct kv_store *store, const void *key, uint32_t key_size, const void *value, uint32_t value_size,
	uint64_t modified, uint64_t created)
{
	uint8_t *copy = malloc(value_size > 0 ? value_size : 1);

	if (copy == NULL)
		return -ENOMEM;

	struct kv_entry *entry = find_any(store, key, key_size);
	bool is_new = entry == NULL;

	if (is_new)
		entry = entry_create(store, key, key_size);
	if (entry == NULL) {
		free(copy);
		return -ENOMEM;
	}
	if (value_size > 0)
		memcpy(copy, value, value_size);
	if (!is_new)
		change_unlink(store, entry);
	if (entry->is_deleted) {
		store->tombs--;
		store->keys++;
		entry->created = modified;
	} else {
		store->bytes -= kv_store_cost(key_size, entry->value_size);
	}
	free(entry->value);
	entry->is_deleted = false;
	entry->value = copy;
	entry->value_size = value_size;
	entry->modified = modified;
	if (created != 0)
		entry->created = created;
	store->bytes += kv_store_cost(key_size, value_size);
	change_link(store, entry);
	return 0;
}

int kv_store_delete(struct kv_store *store, const void *key, uint32_t key_size, uint64_t modified, bool keep)
{
	struct kv_entry *entry = find_any(store, key, key_size);
	bool is_new = entry == NULL;

	if (!keep) {
		if (entry != NULL)
			entry_remove(store, entry);
		return 0;
	}
	if (is_new)
		entry = entry_create(store, key, key_size);
	if (entry == NULL)
		return -ENOMEM;
	if (!is_new)
		change_unlink(store, entry);
	if (!entry->is_deleted) {
		store->keys--;
		store->tombs++;
		store->bytes -= kv_store_cost(key_size, entry->value_size);
	}
	free(entry->value);
	entry->value = NULL;
	entry->value_size = 0;
	entry->is_deleted = true;
	entry->created = 0;
	entry->modified = modified;
	change_link(store, entry);
	return 0;
}

void kv_store_purge(struct kv_store *store) { store->purge = store->oldest; }

void kv_store_purge_end(struct kv_store *store) { store->purge = NULL; }

/* Free or keep the next entry of a purge. @return the work that this has taken */
static uint32_t purge_one(struct kv_store *store)
{
	struct kv_entry *entry = store->purge;

	if (store->tombs == 0) {
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
