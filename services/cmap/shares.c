/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shares of the map. The keys that a user without the right "administer" has set count for that user, and one user can
 * use only a part of the map for them. The last user that set a key owns it. If an administrator or the executive
 * changes a key, then no user owns it.
 */
#include "services/cmap/cmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <coterie/state.h>

#define SHARE_MAX (CMAP_MAP_SIZE_MAX / 4) /* limit for the keys of one user, with their values */

/* The sum of the keys of one user. A user without keys has none. */
struct cmap_account {
	struct cmap_account *next;
	uint32_t uid;
	uint64_t bytes;
};

struct cmap_owned {
	struct cmap_account *account;
	uint64_t size; /* bytes that count for the account */
	char key[];
};

/* ---- Accounts ------------------------------------------------------------ */

/* Return the account of a user. If the user has none, create one. NULL: out of memory. */
static struct cmap_account *account_get(struct cmap *cmap, uint32_t uid)
{
	for (struct cmap_account *account = cmap->accounts; account != NULL; account = account->next) {
		if (account->uid == uid)
			return account;
	}

	struct cmap_account *account = calloc(1, sizeof(*account));

	if (account == NULL)
		return NULL;
	*account = (struct cmap_account){.next = cmap->accounts, .uid = uid};
	cmap->accounts = account;
	return account;
}

/* Subtract bytes from an account. Free the account if it has none left. */
static void account_release(struct cmap *cmap, struct cmap_account *account, uint64_t bytes)
{
	struct cmap_account **at = &cmap->accounts;

	account->bytes -= bytes;
	if (account->bytes > 0)
		return;
	while (*at != account)
		at = &(*at)->next;
	*at = account->next;
	free(account);
}

/* ---- Owned keys ---------------------------------------------------------- */

/* Return the index of the first owned key that is equal to or above this key. */
static size_t lower_bound(const struct cmap *cmap, const char *key)
{
	size_t low = 0, high = cmap->owned_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(cmap->owned[middle]->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct cmap_owned *find(const struct cmap *cmap, const char *key)
{
	size_t at = lower_bound(cmap, key);

	return at < cmap->owned_count && strcmp(cmap->owned[at]->key, key) == 0 ? cmap->owned[at] : NULL;
}

/* Remove the owner of a key, if it has one. */
static void disown(struct cmap *cmap, const char *key)
{
	size_t at = lower_bound(cmap, key);

	if (at == cmap->owned_count || strcmp(cmap->owned[at]->key, key) != 0)
		return;

	struct cmap_owned *owned = cmap->owned[at];

	cmap->owned_count--;
	memmove(&cmap->owned[at], &cmap->owned[at + 1], (cmap->owned_count - at) * sizeof(struct cmap_owned *));
	account_release(cmap, owned->account, owned->size);
	free(owned);
}

/*
 * Prepare the change of a key's owner: count its new size for the user, and allocate all memory. After this either
 * commit() or abandon() must be called, and neither can fail.
 * @return the new entry; NULL: out of memory
 */
static struct cmap_owned *prepare(struct cmap *cmap, uint32_t uid, const char *key, uint64_t size)
{
	size_t length = strlen(key);

	if (cmap->owned_count == cmap->owned_capacity) {
		size_t capacity = cmap->owned_capacity == 0 ? 64 : cmap->owned_capacity * 2;
		struct cmap_owned **grown = reallocarray(cmap->owned, capacity, sizeof(struct cmap_owned *));

		if (grown == NULL)
			return NULL;
		cmap->owned = grown;
		cmap->owned_capacity = capacity;
	}

	struct cmap_owned *owned = malloc(sizeof(*owned) + length + 1);
	struct cmap_account *account = owned == NULL ? NULL : account_get(cmap, uid);

	if (account == NULL) {
		free(owned);
		return NULL;
	}
	account->bytes += size;
	owned->account = account;
	owned->size = size;
	memcpy(owned->key, key, length + 1);
	return owned;
}

/* End a change that has not happened. */
static void abandon(struct cmap *cmap, struct cmap_owned *owned)
{
	account_release(cmap, owned->account, owned->size);
	free(owned);
}

/* End a change that has happened: replace the owner of the key. */
static void commit(struct cmap *cmap, struct cmap_owned *owned)
{
	disown(cmap, owned->key);

	size_t at = lower_bound(cmap, owned->key);

	memmove(&cmap->owned[at + 1], &cmap->owned[at], (cmap->owned_count - at) * sizeof(struct cmap_owned *));
	cmap->owned[at] = owned;
	cmap->owned_count++;
}

void cmap_shares_fini(struct cmap *cmap)
{
	while (cmap->owned_count > 0)
		disown(cmap, cmap->owned[cmap->owned_count - 1]->key);
	free(cmap->owned);
}

/* ---- Changes ------------------------------------------------------------- */

/* Return whether a user may own the key with this size. */
static bool has_share(struct cmap *cmap, uint32_t uid, const char *key, uint64_t size)
{
	const struct cmap_owned *owned = find(cmap, key);
	uint64_t before = owned != NULL && owned->account->uid == uid ? owned->size : 0, bytes = 0;

	for (const struct cmap_account *account = cmap->accounts; account != NULL; account = account->next)
		bytes += account->uid == uid ? account->bytes : 0;
	/* A user that has its whole share can still change values to others of the same size, or smaller ones. */
	if (size <= before || bytes - before + size <= SHARE_MAX)
		return true;
	cmap->host->log(cmap->ctx, LOG_WARNING,
		"User %u has its share of the configuration map: it cannot add to it until some of its %ju bytes are "
		"deleted",
		uid, (uintmax_t)bytes);
	return false;
}

int cmap_shares_set(
	struct cmap *cmap, struct coterie_client *client, const char *key, const struct coterie_map_value *value)
{
	bool is_counted = cmap->host->client_may(client, COTERIE_RIGHT_ADMINISTER) < 0;
	uint64_t size = cmap_entry_size(key, value);
	struct cmap_owned *owned = NULL;
	struct coterie_map_value stored;
	uint32_t uid;

	cmap->host->client_peer(client, NULL, &uid, NULL);
	if (is_counted && !has_share(cmap, uid, key, size))
		return -ENOSPC;
	if (is_counted) {
		owned = prepare(cmap, uid, key, size);
		if (owned == NULL)
			return -ENOMEM;
	}

	int rc = cmap->host->map_set(cmap->ctx, key, value->type, value->bytes, value->size);

	if (owned == NULL) {
		if (rc == 0)
			disown(cmap, key);
	} else if (rc < 0 || cmap->host->map_read(cmap->ctx, COTERIE_MAP_CONFIG, key, &stored) < 0) {
		abandon(cmap, owned); /* a tracker may have deleted the key already */
	} else {
		commit(cmap, owned);
	}
	return rc;
}

int cmap_shares_adjust(struct cmap *cmap, const char *key, int32_t step)
{
	/* The size stays. If the owner changed, users could add to a number to get rid of its size. */
	cmap->adjusted = key;

	int rc = cmap->host->map_adjust(cmap->ctx, key, step);

	cmap->adjusted = NULL;
	return rc;
}

void cmap_shares_change(struct cmap *cmap, const char *key)
{
	if (cmap->owned_count > 0 && (cmap->adjusted == NULL || strcmp(cmap->adjusted, key) != 0))
		disown(cmap, key);
}

/* ---- State for a new version of the plugin ------------------------------- */

void cmap_shares_save(const struct cmap *cmap, struct coterie_state_writer *writer)
{
	coterie_state_put_u32(writer, (uint32_t)cmap->owned_count);
	for (size_t i = 0; i < cmap->owned_count; i++) {
		const struct cmap_owned *owned = cmap->owned[i];
		uint32_t length = (uint32_t)strlen(owned->key);

		coterie_state_put_u32(writer, owned->account->uid);
		coterie_state_put_u32(writer, length);
		coterie_state_put(writer, owned->key, length);
	}
}

int cmap_shares_load(struct cmap *cmap, struct coterie_state_reader *reader)
{
	uint32_t count = coterie_state_take_count(reader, 8);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t uid = coterie_state_take_u32(reader), length = coterie_state_take_u32(reader);
		const void *bytes = length <= COTERIE_MAP_NAME_MAX ? coterie_state_view(reader, length) : NULL;
		char key[COTERIE_MAP_NAME_MAX + 1] = "";
		struct coterie_map_value value;

		if (bytes == NULL)
			return -ENOTSUP;
		memcpy(key, bytes, length);
		if (cmap->host->map_read(cmap->ctx, COTERIE_MAP_CONFIG, key, &value) < 0)
			continue;

		struct cmap_owned *owned = prepare(cmap, uid, key, cmap_entry_size(key, &value));

		if (owned == NULL)
			return -ENOMEM;
		commit(cmap, owned);
	}
	return 0;
}
