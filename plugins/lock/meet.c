/*
 * Nodes that join and leave: rule 3 of lock.c.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

/* --- nodes join and leave --- */

void lock_on_verdict(void *self, const struct coterie_quorum *quorum)
{
	struct lock *lock = self;

	if (quorum->is_quorate)
		lock->quorate = quorum->ring.seq;
}

/*
 * Entries of nodes that leave stay until sync_done: the last messages of the old ring decide whether clients of these
 * nodes got locks.
 */
void lock_configuration(void *self, const struct coterie_configuration *configuration)
{
	struct lock *lock = self;

	if (configuration->is_regular)
		lock->is_syncing = 1;
	for (uint32_t i = 0; i < configuration->left_count; i++)
		for (struct entry *entry = lock->entries; entry != NULL; entry = entry->next)
			entry->has_left |= entry->nodeid == configuration->left[i];
}

void lock_sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular)
{
	struct lock *lock = self;

	(void)transitional, (void)transitional_count;
	entry_drop_all(&lock->heard);
	lock->is_syncing = 1;
	lock->synced = regular->ring.seq;
	lock->newest = (struct lock_place){0, 0};
	lock->said = (struct lock_place){0, 0};
	lock->has_said_hello = 0;
}

/* Return the next own entry that has to be sent, or NULL. An entry that will be given back is not sent any more. */
static struct entry *next_to_say(const struct lock *lock)
{
	struct entry *entry = lock->entries;

	while (entry != NULL && (!entry_is_own(lock, entry) || entry->is_given ||
					lock_place_compare(&entry->arrival, &lock->said) <= 0))
		entry = entry->next;
	return entry;
}

/*
 * Send the own entries. The host calls this after each pass of the token until it returns 0. If the ring has no room
 * for an entry, the next call continues with it.
 */
int lock_sync_step(void *self)
{
	struct lock *lock = self;
	struct lock_ring_hello hello = {.synced = lock->synced, .version = lock->version};
	struct entry *entry;

	if (!lock->has_said_hello && lock_send(lock, LOCK_RING_HELLO, &hello, sizeof(hello)) < 0)
		return -EAGAIN;
	lock->has_said_hello = 1;
	while ((entry = next_to_say(lock)) != NULL) {
		struct lock_ring_entry message = {.synced = lock->synced,
			.version = lock->version,
			.client = entry->client,
			.token = entry->token,
			.arrival = entry->arrival,
			.grant = entry->grant};

		memcpy(message.name, entry->name, sizeof(message.name));
		if (lock_send(lock, LOCK_RING_ENTRY, &message, sizeof(message)) < 0)
			return -EAGAIN;
		lock->said = entry->arrival;
	}
	return 0;
}

void lock_deliver_hello(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct lock *lock = self;
	const struct lock_ring_hello *hello = msg;

	(void)nodeid, (void)size;
	if (hello->synced == lock->synced && lock_place_compare(&hello->version, &lock->newest) > 0)
		lock->newest = hello->version;
}

void lock_deliver_entry(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct lock *lock = self;
	const struct lock_ring_entry *message = msg;

	(void)size;
	if (message->synced == lock->synced && lock->is_syncing)
		entry_insert(&lock->heard, entry_create(nodeid, message));
}

/* Send LOCK_LOST to a client of this node whose entry is void. */
static void tell_lost(struct lock *lock, const struct entry *entry)
{
	struct coterie_client *client = lock->host->client_find(lock->ctx, entry->client);
	struct iovec iov = {(void *)(uintptr_t)entry->name, LOCK_NAME_SIZE};

	if (entry->grant.ring == 0) {
		lock_refuse(lock, entry->token, CS_ERR_TRY_AGAIN);
		return;
	}
	lock->host->metric_count(lock->lost, 1);
	if (client != NULL && entry->is_given == 0)
		lock->host->event(client, LOCK_LOST, &iov, 1);
}

/* Take over the entries that all nodes have sent. Every member calls this at the same place of the order. */
void lock_sync_done(void *self)
{
	struct lock *lock = self;
	struct entry *before = lock->entries, *entry;

	lock->entries = NULL;
	while ((entry = lock->heard) != NULL) {
		lock->heard = entry->next;
		if (lock_place_compare(&entry->version, &lock->newest) == 0)
			entry_insert(&lock->entries, entry);
		else
			free(entry);
	}
	lock->version = lock->newest;
	lock->is_syncing = 0;
	for (entry = before; entry != NULL; entry = entry->next) {
		struct entry *now = entry_is_own(lock, entry) ? entry_find_own(lock, entry->token) : NULL;

		/* A client may have left after its entry was sent. Then the entry still has to be given back. */
		if (now != NULL && entry->is_given)
			now->is_given = entry->is_given;
		else if (now == NULL && entry_is_own(lock, entry))
			tell_lost(lock, entry);
	}
	entry_drop_all(&before);
	lock_count_entries(lock);
	lock_send_gives(lock);
	lock_nudge_later(lock);
}

/* --- messages of nodes with the other byte order --- */

static void swap64(uint64_t *value) { *value = __builtin_bswap64(*value); }

static void swap_place(struct lock_place *place)
{
	swap64(&place->ring);
	swap64(&place->position);
}

void lock_swap_hello(void *msg, uint32_t size)
{
	struct lock_ring_hello *hello = msg;

	(void)size;
	swap64(&hello->synced);
	swap_place(&hello->version);
}

void lock_swap_entry(void *msg, uint32_t size)
{
	struct lock_ring_entry *entry = msg;

	(void)size;
	swap64(&entry->synced);
	swap_place(&entry->version);
	swap64(&entry->client);
	swap64(&entry->token);
	swap_place(&entry->arrival);
	swap_place(&entry->grant);
}
