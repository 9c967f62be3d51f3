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

void lock_forget_heard(struct lock *lock)
{
	entry_drop_all(&lock->heard);
	while (lock->senders != NULL) {
		struct sender *next = lock->senders->next;

		free(lock->senders);
		lock->senders = next;
	}
}

void lock_sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular)
{
	struct lock *lock = self;

	(void)transitional, (void)transitional_count;
	lock_forget_heard(lock);
	lock->is_syncing = 1;
	lock->synced = regular->ring.seq;
	lock->newest = (struct lock_place){0, 0};
	lock->said = (struct lock_place){0, 0};
	lock->has_said_hello = 0;
}

/*
 * Send the own entries. The host calls this after each pass of the token until it returns 0. If the ring has no room
 * for an entry, the next call continues with it.
 */
int lock_sync_step(void *self)
{
	struct lock *lock = self;
	struct lock_ring_hello hello = {.synced = lock->synced, .version = lock->version};

	if (!lock->has_said_hello && lock_send(lock, LOCK_RING_HELLO, &hello, sizeof(hello)) < 0)
		return -EAGAIN;
	lock->has_said_hello = 1;
	for (const struct entry *entry = lock->entries; entry != NULL; entry = entry->next) {
		/* An entry that will be given back is not sent any more. */
		if (!entry_is_own(lock, entry) || entry->is_given ||
			lock_place_compare(&entry->arrival, &lock->said) <= 0)
			continue;

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

static struct sender *sender_of(struct lock *lock, uint32_t nodeid)
{
	struct sender *sender = lock->senders;

	while (sender != NULL && sender->nodeid != nodeid)
		sender = sender->next;
	if (sender != NULL)
		return sender;
	sender = calloc(1, sizeof(*sender));
	if (sender == NULL)
		abort(); /* as in entry_create */
	sender->nodeid = nodeid;
	sender->next = lock->senders;
	lock->senders = sender;
	return sender;
}

/*
 * Keep an entry until sync_done. A node with a fault may send anything, so its entries are counted. A correct node never
 * has more than LOCK_ENTRIES_MAX own entries, since lock_deliver_take adds none to a list that has so many. It sends them
 * in the order of their arrivals. All members ignore the same entries.
 */
void lock_deliver_entry(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct lock *lock = self;
	const struct lock_ring_entry *message = msg;

	(void)size;
	if (message->synced != lock->synced || !lock->is_syncing)
		return;

	struct sender *sender = sender_of(lock, nodeid);

	if (sender->count == LOCK_ENTRIES_MAX || lock_place_compare(&message->arrival, &sender->last) <= 0)
		return;
	sender->count++;
	sender->last = message->arrival;

	struct entry *entry = entry_create(nodeid, message);

	entry->next = lock->heard;
	lock->heard = entry;
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

/* Remove the entries of nodes with an older version from those that nodes have sent. */
static void drop_older(struct lock *lock)
{
	struct entry **place = &lock->heard, *entry;

	while ((entry = *place) != NULL) {
		if (lock_place_compare(&entry->version, &lock->newest) == 0) {
			place = &entry->next;
		} else {
			*place = entry->next;
			free(entry);
		}
	}
}

/* Take over the entries that all nodes have sent. Every member calls this at the same place of the order. */
void lock_sync_done(void *self)
{
	struct lock *lock = self;
	struct entry *before = lock->entries, *now;

	drop_older(lock);
	lock->entries = lock->heard;
	lock->heard = NULL;
	lock_forget_heard(lock);
	entry_sort(&lock->entries);
	lock->version = lock->newest;
	lock->is_syncing = 0;
	/* The own entries ascend in both lists. */
	now = lock->entries;
	for (const struct entry *entry = before; entry != NULL; entry = entry->next) {
		if (!entry_is_own(lock, entry))
			continue;
		while (now != NULL &&
			(!entry_is_own(lock, now) || lock_place_compare(&now->arrival, &entry->arrival) < 0))
			now = now->next;
		/* A client may have left after its entry was sent. Then the entry still has to be given back. */
		if (now == NULL || now->token != entry->token)
			tell_lost(lock, entry);
		else if (entry->is_given)
			now->is_given = entry->is_given;
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
