/*
 * The table. Its entries are linked in the order of their keys, and also in the order of their last changes.
 *
 * Deleted keys may be kept without a value, so that a member that takes over the state in the order of the changes
 * receives the deletions as well. They have a list by key of their own, so that many of them delay no reader.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PLUGINS_KV_STORE_H
#define PLUGINS_KV_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KV_LEVELS 20u
#define KV_ENTRY_COST 64u /* bytes that count for an entry in addition to its key and value */

struct kv_entry {
	uint64_t created, modified;
	uint8_t *value;
	uint32_t value_size;
	uint8_t key_size;
	bool is_deleted;
	uint8_t level;
	struct kv_entry *older, *newer; /* neighbours in the order of `modified` */
	struct kv_entry **next; /* next entry by key at each level, in the list of keys or in that of deletions */
	uint8_t key[];
};

struct kv_store {
	struct kv_entry *heads[KV_LEVELS];      /* by key */
	struct kv_entry *tomb_heads[KV_LEVELS]; /* deleted entries by key */
	struct kv_entry *oldest, *newest;
	struct kv_entry *walk; /* the oldest change above walk_from, or NULL */
	uint64_t walk_from;
	uint64_t keys, tombs;
	uint64_t bytes;      /* bytes of all entries that are not deleted, with KV_ENTRY_COST for each */
	uint64_t tomb_bytes; /* likewise for the deleted ones */
	uint64_t random;
	struct kv_entry *purge;   /* deletions from this entry on will be freed; NULL: none */
	uint64_t purge_to;        /* up to this revision */
	struct kv_entry *dropped; /* list of entries of a dropped table that will be freed */
};

void kv_store_init(struct kv_store *store);
void kv_store_clear(struct kv_store *store); /* the store is empty afterwards, and usable */
/** Make the store empty at once. kv_store_sweep or kv_store_clear frees the entries later. */
void kv_store_drop(struct kv_store *store);
/**
 * Free some of the dropped entries and of the purged deletions.
 * @param work  limit of the work, in entries without a value; at least one entry is freed
 * @return true: entries are left to free
 */
bool kv_store_sweep(struct kv_store *store, uint32_t work);

/** Return the entry of a key, or NULL if there is none or it is deleted. */
struct kv_entry *kv_store_find(const struct kv_store *store, const void *key, uint32_t key_size);

/** Return the bytes that count for an entry. */
uint64_t kv_store_cost(uint32_t key_size, uint32_t value_size);

/**
 * Write an entry. `modified` must be above that of all entries, unless `created` is not 0: then both are stored as
 * given.
 * @param key_size  1 .. 255
 * @param value     copied
 * @param created   0: use that of the existing entry, or `modified`
 * @return 0; -ENOMEM: nothing has changed
 */
int kv_store_put(struct kv_store *store, const void *key, uint32_t key_size, const void *value, uint32_t value_size,
	uint64_t modified, uint64_t created);

/**
 * Delete an entry. With `keep`, store a deletion, even if there was no such key. @return 0; -ENOMEM: only with `keep`
 * and if there was no entry
 */
int kv_store_delete(struct kv_store *store, const void *key, uint32_t key_size, uint64_t modified, bool keep);

/** Mark the deletions up to a revision. kv_store_sweep frees them later. */
void kv_store_purge(struct kv_store *store, uint64_t up_to);
/** Stop a purge: keep the deletions that are not freed yet, since they are needed again. */
void kv_store_purge_end(struct kv_store *store);

/**
 * Return the first entry above a key that is not deleted. With is_inclusive, an entry of the key itself counts too.
 * key_size 0: return the first entry of all.
 */
struct kv_entry *kv_store_above(const struct kv_store *store, const void *key, uint32_t key_size, bool is_inclusive);

/**
 * Move to the oldest change above a revision, so that kv_store_after returns it at once. For a higher revision than
 * before, the entries between both are passed. For a lower one, the walk starts at the oldest entry.
 * @param work  limit of the entries to pass
 * @return false: call it again with the same revision
 */
bool kv_store_seek(struct kv_store *store, uint64_t revision, uint32_t work);
/** Return the oldest change above a revision, deletions included, or NULL. The call is fast after kv_store_seek. */
struct kv_entry *kv_store_after(struct kv_store *store, uint64_t revision);

#endif
