/*
 * The table: entries in the order of their keys and, beside it, in the order of their last changes.
 *
 * Deleted keys may be kept, without value, so that somebody who takes over the state in the order of the
 * changes hears of the deletions too.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PLUGINS_KV_STORE_H
#define PLUGINS_KV_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KV_LEVELS 20u
#define KV_ENTRY_COST 64u /* bytes that count for an entry besides key and value */

struct kv_entry {
	uint64_t created, modified;
	uint8_t *value;
	uint32_t value_size;
	uint8_t key_size;
	bool is_deleted;
	uint8_t level;
	struct kv_entry *older, *newer; /* by modified */
	struct kv_entry **next;         /* level pointers, by key */
	uint8_t key[];
};

struct kv_store {
	struct kv_entry *heads[KV_LEVELS];
	struct kv_entry *oldest, *newest;
	struct kv_entry *walk; /* the oldest change above walk_from; NULL: there is none */
	uint64_t walk_from;
	uint64_t keys, tombs;
	uint64_t bytes; /* of entries that are not deleted, with KV_ENTRY_COST */
	uint64_t random;
	struct kv_entry *purge;   /* deletions from here on are to be forgotten; NULL: none */
	struct kv_entry *dropped; /* by newer: of no table any more, to be freed */
};

void kv_store_init(struct kv_store *store);
void kv_store_clear(struct kv_store *store); /* empty, and of use as before */
/** Make it empty at once. What was in it is freed by kv_store_sweep, or by kv_store_clear. */
void kv_store_drop(struct kv_store *store);
/**
 * Free some of what was dropped, and of the deletions that are to be forgotten.
 *
 * @param work  as long as so many entries without a value take; at least one entry is freed
 * @return true: there is more
 */
bool kv_store_sweep(struct kv_store *store, uint32_t work);

/** The entry, or NULL; deleted ones are not found. */
struct kv_entry *kv_store_find(const struct kv_store *store, const void *key, uint32_t key_size);

/** Bytes that count for an entry. */
uint64_t kv_store_cost(uint32_t key_size, uint32_t value_size);

/**
 * Write. modified is above that of all entries, unless `created` is not 0, which keeps both as given.
 *
 * @param key_size  1 .. 255
 * @param value     copied
 * @param created   0: of the entry there is, or modified
 * @return 0; -ENOMEM, nothing has changed
 */
int kv_store_put(struct kv_store *store, const void *key, uint32_t key_size, const void *value,
	uint32_t value_size, uint64_t modified, uint64_t created);

/**
 * Delete. With keep, it is kept as a deletion, also when there was no such key. 0; -ENOMEM: with keep and without
 * entry alone.
 */
int kv_store_delete(
	struct kv_store *store, const void *key, uint32_t key_size, uint64_t modified, bool keep);

/** Forget all deletions that there are: kv_store_sweep does it. */
void kv_store_purge(struct kv_store *store);
/** Keep those that are left: deletions are needed again. */
void kv_store_purge_end(struct kv_store *store);

/** The first entry above a key (at it, with is_inclusive), deleted or not; key_size 0: the first of all. */
struct kv_entry *kv_store_above(
	const struct kv_store *store, const void *key, uint32_t key_size, bool is_inclusive);

/**
 * Go to the oldest change above a revision, so that kv_store_after finds it at once. Ascending revisions take as many
 * entries as lie between them; another one begins at the oldest entry.
 *
 * @param work  entries to go past at most
 * @return false: call it again with the same revision
 */
bool kv_store_seek(struct kv_store *store, uint64_t revision, uint32_t work);
/** The oldest change above a revision, deletions included; NULL: none. Fast behind kv_store_seek. */
struct kv_entry *kv_store_after(struct kv_store *store, uint64_t revision);

#endif
