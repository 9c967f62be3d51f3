/*
 * The queues of all locks: rules 1 and 2 of lock.c.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

#define NUDGE_NS UINT64_C(100000000)

/* --- places --- */

int lock_place_compare(const struct lock_place *a, const struct lock_place *b)
{
	if (a->ring != b->ring)
		return a->ring < b->ring ? -1 : 1;
	return a->position < b->position ? -1 : a->position > b->position;
}

/* Return the place in the order at which a handler runs. */
static struct coterie_delivery place_of(const struct lock *lock)
{
	struct coterie_delivery place = {.size = sizeof(place)};

	lock->host->delivery(lock->ctx, &place);
	return place;
}

static struct lock_place number_of(const struct coterie_delivery *place)
{
	return (struct lock_place){place->ring.seq, place->position};
}

/* --- entries --- */

int entry_is_own(const struct lock *lock, const struct entry *entry)
{
	return entry->nodeid == lock->host->local_nodeid(lock->ctx);
}

/* Append an entry whose TAKE message was just delivered. */
static void entry_append(struct lock *lock, struct entry *entry)
{
	struct entry **place = &lock->entries;

	entry->is_first = 1;
	for (; *place != NULL; place = &(*place)->next)
		if (strcmp((*place)->name, entry->name) == 0)
			entry->is_first = 0;
	*place = entry;
}

static int compare_arrivals(const void *one, const void *other)
{
	const struct entry *a = *(struct entry *const *)one, *b = *(struct entry *const *)other;
	int order = lock_place_compare(&a->arrival, &b->arrival);

	if (order != 0)
		return order;
	return a->nodeid < b->nodeid ? -1 : a->nodeid > b->nodeid;
}

static int compare_queues(const void *one, const void *other)
{
	int order = strcmp((*(struct entry *const *)one)->name, (*(struct entry *const *)other)->name);

	return order != 0 ? order : compare_arrivals(one, other);
}

void entry_sort(struct entry **list)
{
	size_t count = 0;

	for (const struct entry *entry = *list; entry != NULL; entry = entry->next)
		count++;

	struct entry **sorted = calloc(count + 1, sizeof(*sorted));

	if (sorted == NULL)
		abort(); /* as in entry_create */
	for (size_t i = 0; i < count; i++) {
		sorted[i] = *list;
		*list = (*list)->next;
	}
	qsort(sorted, count, sizeof(*sorted), compare_queues);
	for (size_t i = 0; i < count; i++)
		sorted[i]->is_first = i == 0 || strcmp(sorted[i - 1]->name, sorted[i]->name) != 0;
	qsort(sorted, count, sizeof(*sorted), compare_arrivals);
	for (size_t i = count; i > 0; i--) {
		sorted[i - 1]->next = *list;
		*list = sorted[i - 1];
	}
	free(sorted);
}

void entry_drop_all(struct entry **list)
{
	while (*list != NULL) {
		struct entry *next = (*list)->next;

		free(*list);
		*list = next;
	}
}

/* Mark the next entry in the queue of a first entry, which will be removed. */
static void mark_next(const struct entry *first)
{
	struct entry *next = first->next;

	while (next != NULL && strcmp(next->name, first->name) != 0)
		next = next->next;
	if (next != NULL)
		next->is_first = 1;
}

/* Remove a client's entry, found by its token. @return whether there was such an entry */
static int remove_entry(struct entry **list, uint32_t nodeid, uint64_t token)
{
	for (; *list != NULL; list = &(*list)->next) {
		struct entry *entry = *list;

		if (entry->nodeid != nodeid || entry->token != token)
			continue;
		if (entry->is_first)
			mark_next(entry);
		*list = entry->next;
		free(entry);
		return 1;
	}
	return 0;
}

struct entry *entry_find_own(const struct lock *lock, uint64_t token)
{
	struct entry *entry = lock->entries;

	while (entry != NULL && !(entry_is_own(lock, entry) && entry->token == token))
		entry = entry->next;
	return entry;
}

void lock_count_entries(struct lock *lock)
{
	uint32_t waiting = 0;

	lock->entry_count = 0;
	for (const struct entry *entry = lock->entries; entry != NULL; entry = entry->next) {
		lock->entry_count++;
		waiting += entry->grant.ring == 0;
	}
	lock->host->metric_set(lock->waiting, waiting);
}

/* --- sending --- */

int lock_send(struct lock *lock, uint32_t function, void *message, size_t size)
{
	struct iovec iov = {
		(uint8_t *)message + sizeof(struct coterie_ring_header), size - sizeof(struct coterie_ring_header)};

	/* Send safe, so that all members have the message when a client gets its answer. */
	return lock->host->ring_send(lock->ctx, function, COTERIE_SAFE, &iov, 1);
}

/* Send GIVE for own entries that will be given back. @return 0; -EAGAIN: no room, lock_writable sends the rest later */
int lock_send_gives(struct lock *lock)
{
	for (struct entry *entry = lock->entries; entry != NULL; entry = entry->next) {
		struct lock_ring_entry give = {.client = entry->client, .token = entry->token};

		if (!entry_is_own(lock, entry) || entry->is_given != 1)
			continue;
		memcpy(give.name, entry->name, sizeof(give.name));
		if (lock_send(lock, LOCK_RING_GIVE, &give, sizeof(give)) < 0)
			return -EAGAIN;
		entry->is_given = 2;
	}
	return 0;
}

void lock_give(struct lock *lock, struct entry *entry)
{
	if (entry->is_given == 0)
		entry->is_given = 1;
	lock_send_gives(lock);
}

/* Return whether a client of this node is first in a queue, and does not hold the lock. */
static int is_stuck(const struct lock *lock)
{
	for (const struct entry *entry = lock->entries; entry != NULL; entry = entry->next)
		if (entry->grant.ring == 0 && entry->is_first && entry_is_own(lock, entry))
			return 1;
	return 0;
}

/*
 * Send NUDGE. The ring was not quorate when the former holder gave the lock back. So the members try to grant it again
 * at the place of this message.
 */
static void nudge(void *arg)
{
	struct lock *lock = arg;
	struct lock_ring_hello message = {.synced = 0};

	lock->nudge = NULL;
	if (!is_stuck(lock))
		return;
	if (!lock->is_syncing)
		lock_send(lock, LOCK_RING_NUDGE, &message, sizeof(message));
	lock->host->timer_add(lock->ctx, lock->host->now_ns(lock->ctx) + NUDGE_NS, nudge, lock, &lock->nudge);
}

void lock_nudge_later(struct lock *lock)
{
	if (lock->nudge == NULL && is_stuck(lock))
		nudge(lock);
}

void lock_writable(void *self, struct coterie_client *client)
{
	if (client == NULL)
		lock_send_gives(self);
}

/* --- requests that wait --- */

/* Remove a request that waits. @return 0: there is no such request */
int lock_forget_wait(struct lock *lock, uint64_t token)
{
	for (struct wait **place = &lock->waits; *place != NULL; place = &(*place)->next) {
		struct wait *wait = *place;

		if (wait->token != token)
			continue;
		*place = wait->next;
		free(wait);
		return 1;
	}
	return 0;
}

/*
 * Handle a client that has left, or whose time is over. If its TAKE message is not delivered yet, deliver_take gives
 * the lock back.
 */
void lock_on_gone(void *arg, uint64_t token, uint32_t reason)
{
	struct lock *lock = ((struct wait *)arg)->lock;
	struct entry *entry = entry_find_own(lock, token);

	(void)reason;
	lock_forget_wait(lock, token);
	if (entry != NULL)
		lock_give(lock, entry);
}

void lock_refuse(struct lock *lock, uint64_t token, int error)
{
	if (lock_forget_wait(lock, token))
		lock->host->reply_finish(lock->ctx, token, error, NULL, 0);
}

/* --- granting --- */

/* @return whether no client waits for this lock any more, so that it has to be given back */
static int grant(struct lock *lock, struct entry *entry, const struct coterie_delivery *place)
{
	struct iovec iov = {&entry->grant, sizeof(entry->grant)};

	entry->grant = number_of(place);
	if (!entry_is_own(lock, entry))
		return 0;
	lock->host->metric_count(lock->grants, 1);
	if (lock_forget_wait(lock, entry->token) &&
		lock->host->reply_finish(lock->ctx, entry->token, CS_OK, &iov, 1) == 0)
		return 0;
	if (entry->is_given == 0)
		entry->is_given = 1;
	return 1;
}

/*
 * Return whether clients of a node can get locks at this place.
 *
 * @param has_left  the node has left. Then it may have delivered the message in the regular configuration, where all
 *     members had announced that they were quorate. So its client may have got a lock, and this node notes the grant.
 */
static int is_granting(const struct lock *lock, const struct coterie_delivery *place, int has_left)
{
	if (lock->is_syncing)
		return 0;
	return place->is_quorate ? !has_left : has_left && place->ring.seq == lock->quorate;
}

/* After a change at this place, grant each lock to the first entry in its queue. */
static void changed(struct lock *lock, const struct coterie_delivery *place)
{
	int gives = 0;

	for (struct entry *entry = lock->entries; entry != NULL; entry = entry->next) {
		if (entry->grant.ring != 0 || !entry->is_first || !is_granting(lock, place, entry->has_left))
			continue;
		lock->version = number_of(place);
		gives |= grant(lock, entry, place);
	}
	if (gives)
		lock_send_gives(lock);
	lock_count_entries(lock);
	lock_nudge_later(lock);
}

/* --- messages --- */

static int has_entry(const struct lock *lock, const char *name, uint32_t nodeid, uint64_t client)
{
	for (const struct entry *entry = lock->entries; entry != NULL; entry = entry->next)
		if (entry->nodeid == nodeid && entry->client == client && strcmp(entry->name, name) == 0)
			return 1;
	return 0;
}

/* Copy an entry of a message. The name is terminated here, since messages of other nodes may be wrong. */
struct entry *entry_create(uint32_t nodeid, const struct lock_ring_entry *message)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL)
		abort(); /* a node whose queue differs from that of the other nodes must not continue */
	entry->nodeid = nodeid;
	entry->client = message->client;
	entry->token = message->token;
	entry->arrival = message->arrival;
	entry->grant = message->grant;
	entry->version = message->version;
	memcpy(entry->name, message->name, LOCK_NAME_SIZE - 1);
	return entry;
}

void lock_deliver_take(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct lock *lock = self;
	struct lock_ring_entry *take = msg;
	struct coterie_delivery place = place_of(lock);
	int own = nodeid == lock->host->local_nodeid(lock->ctx), error = CS_OK;

	(void)size;
	take->name[LOCK_NAME_SIZE - 1] = '\0';
	if (!is_granting(lock, &place, !place.is_sender_member))
		error = CS_ERR_TRY_AGAIN;
	else if (has_entry(lock, take->name, nodeid, take->client))
		error = CS_ERR_EXIST;
	else if (lock->entry_count >= LOCK_ENTRIES_MAX)
		error = CS_ERR_NO_SPACE;
	if (error != CS_OK) {
		if (own)
			lock_refuse(lock, take->token, error);
		return;
	}
	take->arrival = number_of(&place);
	take->grant = (struct lock_place){0, 0};
	struct entry *entry = entry_create(nodeid, take);
	entry->has_left = !place.is_sender_member;
	entry_append(lock, entry);
	changed(lock, &place);
	/* Give the lock back if the client has left, or its time was over, before the message was delivered. */
	if (own && entry->grant.ring == 0) {
		const struct wait *wait = lock->waits;

		while (wait != NULL && wait->token != take->token)
			wait = wait->next;
		if (wait == NULL)
			lock_give(lock, entry);
	}
}

void lock_deliver_give(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct lock *lock = self;
	const struct lock_ring_entry *message = msg;
	struct coterie_delivery place = place_of(lock);

	(void)size;
	remove_entry(&lock->heard, nodeid, message->token); /* the message may arrive while nodes meet */
	if (remove_entry(&lock->entries, nodeid, message->token))
		changed(lock, &place);
}

void lock_deliver_nudge(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct coterie_delivery place = place_of(self);

	(void)nodeid, (void)msg, (void)size;
	changed(self, &place);
}
