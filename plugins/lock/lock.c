/*
 * Locks for a whole cluster: the worked example of a service. It shows what write-a-service.md begins with:
 *
 * - a queue of waiters, whose answers come when they are served (reply_later), or when their time is over
 * - messages that found no room, which go out when there is some (writable)
 * - state of many parts, which nodes that meet send piece by piece (sync_step)
 * - metrics
 *
 * Rules that make it correct. README.md has the reasons.
 *
 * 1. The queue changes only where a message of the ring is delivered, and where nodes leave.
 * 2. A lock is granted only where all members have announced that they are quorate. The place of that change is the
 *    version of the state.
 * 3. A node knows best which of its own clients hold and wait. When nodes meet, each says that of its own, and its version.
 *    What nodes with an older version say is void, since a quorate part of the cluster has decided without them.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "lock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CS_OK 1
#define CS_ERR_TRY_AGAIN 6
#define CS_ERR_EXIST 14
#define CS_ERR_NO_SPACE 15
#define NUDGE_NS UINT64_C(100000000)

/* A client that holds a lock or waits for it. */
struct entry {
	struct entry *next;
	uint32_t nodeid;
	uint64_t client, token;
	struct lock_place arrival; /* where it was asked for: entries ascend by it */
	struct lock_place grant;   /* where it was granted. ring 0: it waits */
	struct lock_place version; /* of the node that said it: while nodes meet */
	int is_given;              /* of this node: it is to go. 2: the message is under way */
	char name[LOCK_NAME_SIZE];
};

/* A request of a client of this node, until it is answered. */
struct wait {
	struct wait *next;
	struct lock *lock;
	uint64_t token;
};

struct lock {
	const struct coterie_host *host; /* borrowed, outlives us */
	struct coterie_ctx *ctx;
	struct entry *entries; /* ascending by arrival */
	uint32_t entry_count;
	struct lock_place version; /* of the last change that a quorate ring has made */
	struct wait *waits;
	struct coterie_timer *nudge; /* NULL: not set */

	int is_syncing;
	uint64_t synced;           /* the ring whose nodes meet */
	struct entry *heard;       /* their entries */
	struct lock_place newest;  /* the largest version that one of them has */
	int has_said_hello;
	struct lock_place said;    /* arrival of the last own entry that was sent */

	struct coterie_series *grants, *lost, *waiting; /* metrics, or NULL: no memory for them */
};

/* --- places --- */

static int compare(const struct lock_place *a, const struct lock_place *b)
{
	if (a->ring != b->ring)
		return a->ring < b->ring ? -1 : 1;
	return a->position < b->position ? -1 : a->position > b->position;
}

/* The place in the order at which a handler runs. */
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

static int is_own(const struct lock *lock, const struct entry *entry)
{
	return entry->nodeid == lock->host->local_nodeid(lock->ctx);
}

static int is_first(const struct lock *lock, const struct entry *entry)
{
	const struct entry *at = lock->entries;

	while (strcmp(at->name, entry->name) != 0)
		at = at->next;
	return at == entry;
}

/* Put an entry into a list, by its arrival. */
static void insert(struct entry **list, struct entry *entry)
{
	while (*list != NULL && compare(&(*list)->arrival, &entry->arrival) < 0)
		list = &(*list)->next;
	entry->next = *list;
	*list = entry;
}

static void drop_all(struct entry **list)
{
	while (*list != NULL) {
		struct entry *next = (*list)->next;

		free(*list);
		*list = next;
	}
}

/* Remove a client's entry, found by its token. @return whether it was there */
static int remove_entry(struct entry **list, uint32_t nodeid, uint64_t token)
{
	for (; *list != NULL; list = &(*list)->next) {
		struct entry *entry = *list;

		if (entry->nodeid != nodeid || entry->token != token)
			continue;
		*list = entry->next;
		free(entry);
		return 1;
	}
	return 0;
}

static struct entry *find_own(const struct lock *lock, uint64_t token)
{
	struct entry *entry = lock->entries;

	while (entry != NULL && !(is_own(lock, entry) && entry->token == token))
		entry = entry->next;
	return entry;
}

static void count_entries(struct lock *lock)
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

static int send_message(struct lock *lock, uint32_t function, void *message, size_t size)
{
	struct iovec iov = {(uint8_t *)message + sizeof(struct coterie_ring_header),
		size - sizeof(struct coterie_ring_header)};

	/* Safe: what a client is told, all members have. */
	return lock->host->ring_send(lock->ctx, function, COTERIE_SAFE, &iov, 1);
}

/* Own entries that are to go, and were not said yet. @return 0; -EAGAIN: lock_writable goes on */
static int send_gives(struct lock *lock)
{
	for (struct entry *entry = lock->entries; entry != NULL; entry = entry->next) {
		struct lock_ring_entry give = {.client = entry->client, .token = entry->token};

		if (!is_own(lock, entry) || entry->is_given != 1)
			continue;
		memcpy(give.name, entry->name, sizeof(give.name));
		if (send_message(lock, LOCK_RING_GIVE, &give, sizeof(give)) < 0)
			return -EAGAIN;
		entry->is_given = 2;
	}
	return 0;
}

static void give(struct lock *lock, struct entry *entry)
{
	if (entry->is_given == 0)
		entry->is_given = 1;
	send_gives(lock);
}

/* Is a client of this node first in a queue, and does not hold the lock? */
static int is_stuck(const struct lock *lock)
{
	for (const struct entry *entry = lock->entries; entry != NULL; entry = entry->next)
		if (entry->grant.ring == 0 && is_own(lock, entry) && is_first(lock, entry))
			return 1;
	return 0;
}

/* The ring was not quorate when the one before gave the lock back. So the members look again at a later place. */
static void nudge(void *arg)
{
	struct lock *lock = arg;
	struct lock_ring_hello message = {.synced = 0};

	lock->nudge = NULL;
	if (!is_stuck(lock))
		return;
	if (!lock->is_syncing)
		send_message(lock, LOCK_RING_NUDGE, &message, sizeof(message));
	lock->host->timer_add(lock->ctx, lock->host->now_ns(lock->ctx) + NUDGE_NS, nudge, lock, &lock->nudge);
}

static void nudge_later(struct lock *lock)
{
	if (lock->nudge == NULL && is_stuck(lock))
		nudge(lock);
}

static void lock_writable(void *self, struct coterie_client *client)
{
	if (client == NULL)
		send_gives(self);
}

/* --- requests that wait --- */

/* @return 0: it is not waited for any more */
static int forget_wait(struct lock *lock, uint64_t token)
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

/* The client has left, or its time is over. Where its message is still under way, deliver_take gives it back. */
static void on_gone(void *arg, uint64_t token, uint32_t reason)
{
	struct lock *lock = ((struct wait *)arg)->lock;
	struct entry *entry = find_own(lock, token);

	(void)reason;
	forget_wait(lock, token);
	if (entry != NULL)
		give(lock, entry);
}

static void refuse(struct lock *lock, uint64_t token, int error)
{
	if (forget_wait(lock, token))
		lock->host->reply_finish(lock->ctx, token, error, NULL, 0);
}

/* --- granting --- */

static void grant(struct lock *lock, struct entry *entry, const struct coterie_delivery *place)
{
	struct iovec iov = {&entry->grant, sizeof(entry->grant)};

	entry->grant = number_of(place);
	if (!is_own(lock, entry))
		return;
	lock->host->metric_count(lock->grants, 1);
	if (!forget_wait(lock, entry->token) ||
		lock->host->reply_finish(lock->ctx, entry->token, CS_OK, &iov, 1) < 0)
		give(lock, entry); /* there is no client for it */
}

/* Grant each lock to the first one in its queue. */
static void grant_all(struct lock *lock, const struct coterie_delivery *place)
{
	for (struct entry *entry = lock->entries; entry != NULL; entry = entry->next)
		if (entry->grant.ring == 0 && is_first(lock, entry))
			grant(lock, entry, place);
}

/* Something has changed at this place. */
static void changed(struct lock *lock, const struct coterie_delivery *place)
{
	if (place->is_quorate && !lock->is_syncing) {
		lock->version = number_of(place);
		grant_all(lock, place);
	}
	count_entries(lock);
	nudge_later(lock);
}

/* --- messages --- */

static int has_entry(const struct lock *lock, const char *name, uint32_t nodeid, uint64_t client)
{
	for (const struct entry *entry = lock->entries; entry != NULL; entry = entry->next)
		if (entry->nodeid == nodeid && entry->client == client && strcmp(entry->name, name) == 0)
			return 1;
	return 0;
}

/* Other nodes are not trusted further than needed: the name ends. */
static struct entry *entry_create(uint32_t nodeid, const struct lock_ring_entry *message)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL)
		abort(); /* a node that has another queue than the others must not go on */
	entry->nodeid = nodeid;
	entry->client = message->client;
	entry->token = message->token;
	entry->arrival = message->arrival;
	entry->grant = message->grant;
	entry->version = message->version;
	memcpy(entry->name, message->name, LOCK_NAME_SIZE - 1);
	return entry;
}

static void deliver_take(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct lock *lock = self;
	struct lock_ring_entry *take = msg;
	struct coterie_delivery place = place_of(lock);
	int own = nodeid == lock->host->local_nodeid(lock->ctx), error = CS_OK;

	(void)size;
	take->name[LOCK_NAME_SIZE - 1] = '\0';
	if (!place.is_quorate || !place.is_sender_member || lock->is_syncing)
		error = CS_ERR_TRY_AGAIN;
	else if (has_entry(lock, take->name, nodeid, take->client))
		error = CS_ERR_EXIST;
	else if (lock->entry_count >= LOCK_ENTRIES_MAX)
		error = CS_ERR_NO_SPACE;
	if (error != CS_OK) {
		if (own)
			refuse(lock, take->token, error);
		return;
	}
	take->arrival = number_of(&place);
	take->grant = (struct lock_place){0, 0};
	struct entry *entry = entry_create(nodeid, take);
	insert(&lock->entries, entry);
	changed(lock, &place);
	/* Its time is over, or the client has left, while the message was under way. */
	if (own && entry->grant.ring == 0) {
		const struct wait *wait = lock->waits;

		while (wait != NULL && wait->token != take->token)
			wait = wait->next;
		if (wait == NULL)
			give(lock, entry);
	}
}

static void deliver_give(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct lock *lock = self;
	const struct lock_ring_entry *message = msg;
	struct coterie_delivery place = place_of(lock);

	(void)size;
	remove_entry(&lock->heard, nodeid, message->token); /* it may come while nodes meet */
	if (remove_entry(&lock->entries, nodeid, message->token))
		changed(lock, &place);
}

static void deliver_nudge(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct coterie_delivery place = place_of(self);

	(void)nodeid, (void)msg, (void)size;
	changed(self, &place);
}

/* --- nodes come and go --- */

static void lock_configuration(void *self, const struct coterie_configuration *configuration)
{
	struct lock *lock = self;

	if (configuration->is_regular)
		lock->is_syncing = 1;
	for (uint32_t i = 0; i < configuration->left_count; i++)
		for (struct entry **place = &lock->entries; *place != NULL;) {
			struct entry *entry = *place;

			if (entry->nodeid != configuration->left[i]) {
				place = &entry->next;
				continue;
			}
			*place = entry->next;
			free(entry);
		}
	count_entries(lock);
}

static void lock_sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular)
{
	struct lock *lock = self;

	(void)transitional, (void)transitional_count;
	drop_all(&lock->heard);
	lock->is_syncing = 1;
	lock->synced = regular->ring.seq;
	lock->newest = (struct lock_place){0, 0};
	lock->said = (struct lock_place){0, 0};
	lock->has_said_hello = 0;
}

/* The next own entry that is to be said. One that is to go is said no more. */
static struct entry *next_to_say(const struct lock *lock)
{
	struct entry *entry = lock->entries;

	while (entry != NULL &&
		(!is_own(lock, entry) || entry->is_given || compare(&entry->arrival, &lock->said) <= 0))
		entry = entry->next;
	return entry;
}

/* Called after each pass of the token until it returns 0. It goes on where the ring had no room. */
static int lock_sync_step(void *self)
{
	struct lock *lock = self;
	struct lock_ring_hello hello = {.synced = lock->synced, .version = lock->version};
	struct entry *entry;

	if (!lock->has_said_hello && send_message(lock, LOCK_RING_HELLO, &hello, sizeof(hello)) < 0)
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
		if (send_message(lock, LOCK_RING_ENTRY, &message, sizeof(message)) < 0)
			return -EAGAIN;
		lock->said = entry->arrival;
	}
	return 0;
}

static void deliver_hello(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct lock *lock = self;
	const struct lock_ring_hello *hello = msg;

	(void)nodeid, (void)size;
	if (hello->synced == lock->synced && compare(&hello->version, &lock->newest) > 0)
		lock->newest = hello->version;
}

static void deliver_entry(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct lock *lock = self;
	const struct lock_ring_entry *message = msg;

	(void)size;
	if (message->synced == lock->synced && lock->is_syncing)
		insert(&lock->heard, entry_create(nodeid, message));
}

/* The entry of a client of this node is void. */
static void tell_lost(struct lock *lock, const struct entry *entry)
{
	struct coterie_client *client = lock->host->client_find(lock->ctx, entry->client);
	struct iovec iov = {(void *)(uintptr_t)entry->name, LOCK_NAME_SIZE};

	if (entry->grant.ring == 0) {
		refuse(lock, entry->token, CS_ERR_TRY_AGAIN);
		return;
	}
	lock->host->metric_count(lock->lost, 1);
	if (client != NULL && entry->is_given == 0)
		lock->host->event(client, LOCK_LOST, &iov, 1);
}

/* Every member is here at the same place of the order. */
static void lock_sync_done(void *self)
{
	struct lock *lock = self;
	struct entry *before = lock->entries, *entry;

	lock->entries = NULL;
	while ((entry = lock->heard) != NULL) {
		lock->heard = entry->next;
		if (compare(&entry->version, &lock->newest) == 0)
			insert(&lock->entries, entry);
		else
			free(entry);
	}
	lock->version = lock->newest;
	lock->is_syncing = 0;
	for (entry = before; entry != NULL; entry = entry->next) {
		struct entry *now = is_own(lock, entry) ? find_own(lock, entry->token) : NULL;

		/* A client may have left after its entry was said. */
		if (now != NULL && entry->is_given)
			now->is_given = entry->is_given;
		else if (now == NULL && is_own(lock, entry))
			tell_lost(lock, entry);
	}
	drop_all(&before);
	count_entries(lock);
	send_gives(lock);
	nudge_later(lock);
}

/* --- requests of clients --- */

static int is_name(const char *name)
{
	return name[0] != '\0' && memchr(name, '\0', LOCK_NAME_SIZE) != NULL;
}

static int handle_take(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct lock *lock = self;
	const struct lock_req *req = msg;
	struct lock_ring_entry take = {.client = lock->host->client_id(client)};
	struct wait *wait;

	(void)size;
	if (!is_name(req->name))
		return -EINVAL;
	if (send_gives(lock) < 0)
		return -EAGAIN; /* one of them may be of this client and this lock */
	wait = calloc(1, sizeof(*wait));
	if (wait == NULL)
		return -ENOMEM;
	wait->lock = lock;
	int rc = lock->host->reply_later(client, req->timeout_ms, on_gone, wait, &take.token);
	if (rc == 0) {
		memcpy(take.name, req->name, sizeof(take.name)); /* is_name has found its end */
		rc = send_message(lock, LOCK_RING_TAKE, &take, sizeof(take));
	}
	if (rc < 0) {
		free(wait);
		return rc; /* the token is void with it */
	}
	wait->token = take.token;
	wait->next = lock->waits;
	lock->waits = wait;
	return COTERIE_LATER;
}

static int handle_give(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct lock *lock = self;
	const struct lock_req *req = msg;
	uint64_t id = lock->host->client_id(client);

	(void)size;
	if (!is_name(req->name))
		return -EINVAL;
	for (struct entry *entry = lock->entries; entry != NULL; entry = entry->next) {
		if (!is_own(lock, entry) || entry->client != id || entry->grant.ring == 0 || entry->is_given ||
			strcmp(entry->name, req->name) != 0)
			continue;
		give(lock, entry);
		return 0;
	}
	return -ENOENT;
}

static int handle_who(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	const struct lock *lock = self;
	const struct lock_req *req = msg;
	uint32_t words[] = {0, 0};
	struct iovec iov = {words, sizeof(words)};

	(void)size;
	if (!is_name(req->name))
		return -EINVAL;
	for (const struct entry *entry = lock->entries; entry != NULL; entry = entry->next) {
		if (strcmp(entry->name, req->name) != 0)
			continue;
		if (entry->grant.ring != 0)
			words[0] = entry->nodeid;
		else
			words[1]++;
	}
	lock->host->reply(client, LOCK_WHO, CS_OK, &iov, 1);
	return COTERIE_REPLIED;
}

/* Its waiting requests are gone already: on_gone. */
static void lock_client_leave(void *self, struct coterie_client *client)
{
	struct lock *lock = self;
	uint64_t id = lock->host->client_id(client);

	for (struct entry *entry = lock->entries; entry != NULL; entry = entry->next)
		if (is_own(lock, entry) && entry->client == id && entry->is_given == 0)
			entry->is_given = 1;
	send_gives(lock);
}

/* --- messages of nodes of the other byte order --- */

static void swap64(uint64_t *value) { *value = __builtin_bswap64(*value); }

static void swap_place(struct lock_place *place)
{
	swap64(&place->ring);
	swap64(&place->position);
}

static void swap_hello(void *msg, uint32_t size)
{
	struct lock_ring_hello *hello = msg;

	(void)size;
	swap64(&hello->synced);
	swap_place(&hello->version);
}

static void swap_entry(void *msg, uint32_t size)
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

/* --- life --- */

static void add_metrics(struct lock *lock)
{
	const struct coterie_host *host = lock->host;
	struct coterie_metric metric = {.size = sizeof(metric), .kind = COTERIE_METRIC_COUNTER};

	metric.name = "grants";
	metric.help = "Locks granted to clients of this node.";
	host->metric_add(lock->ctx, &metric, &lock->grants);
	metric.name = "lost";
	metric.help = "Locks that clients of this node have lost.";
	host->metric_add(lock->ctx, &metric, &lock->lost);
	metric.kind = COTERIE_METRIC_GAUGE;
	metric.name = "waiting";
	metric.help = "Clients of all nodes that wait for a lock.";
	host->metric_add(lock->ctx, &metric, &lock->waiting);
}

static int lock_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct lock *lock = calloc(1, sizeof(*lock));

	if (lock == NULL)
		return -ENOMEM;
	lock->host = host;
	lock->ctx = ctx;
	add_metrics(lock); /* without memory for them the service works all the same */
	*self = lock;
	return 0;
}

static void lock_fini(void *self)
{
	struct lock *lock = self;

	lock->host->timer_del(lock->ctx, lock->nudge);
	drop_all(&lock->entries);
	drop_all(&lock->heard);
	while (lock->waits != NULL)
		forget_wait(lock, lock->waits->token);
	free(lock);
}

static const struct coterie_request requests[] = {
	{LOCK_TAKE, sizeof(struct lock_req), COTERIE_NEEDS_FLOW | COTERIE_NEEDS_QUORUM, LOCK_TAKE, handle_take},
	{LOCK_GIVE, sizeof(struct lock_req), COTERIE_NEEDS_FLOW, LOCK_GIVE, handle_give},
	{LOCK_WHO, sizeof(struct lock_req), COTERIE_OBSERVES, LOCK_WHO, handle_who},
};

static const struct coterie_ring_msg ring_msgs[] = {
	{LOCK_RING_TAKE, sizeof(struct lock_ring_entry), swap_entry, deliver_take, NULL},
	{LOCK_RING_GIVE, sizeof(struct lock_ring_entry), swap_entry, deliver_give, NULL},
	{LOCK_RING_NUDGE, sizeof(struct lock_ring_hello), swap_hello, deliver_nudge, NULL},
	{LOCK_RING_HELLO, sizeof(struct lock_ring_hello), swap_hello, deliver_hello, NULL},
	{LOCK_RING_ENTRY, sizeof(struct lock_ring_entry), swap_entry, deliver_entry, NULL},
};

static const struct coterie_service lock_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = 37, /* ring-ids.md says which are free */
	.ipc_name = "lock",
	.title = "locks for the whole cluster",
	.init = lock_init,
	.fini = lock_fini,
	.client_leave = lock_client_leave,
	.configuration = lock_configuration,
	.sync_start = lock_sync_start,
	.sync_step = lock_sync_step,
	.sync_done = lock_sync_done,
	.writable = lock_writable,
	COTERIE_REQUESTS(requests),
	COTERIE_RING_MSGS(ring_msgs),
};

COTERIE_PLUGIN(lock, .kind = COTERIE_KIND_SERVICE, .version = "1.0",
	.description = "locks for the whole cluster",
	.needs = COTERIE_CAP_RING | COTERIE_CAP_IPC | COTERIE_CAP_SYNC | COTERIE_CAP_LIFE | COTERIE_CAP_RIGHTS |
		 COTERIE_CAP_DELIVERY | COTERIE_CAP_WRITABLE | COTERIE_CAP_REPLIES | COTERIE_CAP_METRICS,
	.offers = COTERIE_CAN_UNPRIVILEGED, .ops = &lock_ops);
