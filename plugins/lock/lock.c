/*
 * Locks for a whole cluster: the worked example of a service. Its code shows what write-a-service.md explains:
 *
 * - a queue of waiting requests: a request is answered when its client gets the lock (reply_later), or when its time is
 *   over
 * - messages for which the ring had no room, and which are sent when there is room (writable)
 * - state of many parts, which nodes that meet send piece by piece (sync_step)
 * - metrics
 *
 * These rules make it correct. README.md has the reasons.
 *
 * 1. The queue changes only where a message of the ring is delivered, and where nodes leave.
 * 2. A lock is granted only where all members have announced that they are quorate. The place of the last grant is the
 *    version of the state. A message of a transitional configuration grants nothing on this node, but nodes that have
 *    left may have delivered it before they were cut off. So such grants to clients of these nodes are noted too.
 * 3. A node knows best which of its own clients hold and wait. When nodes meet, each sends these entries and its
 *    version. Entries of nodes with an older version are void, since a quorate part of the cluster has decided without
 *    these nodes.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

/* --- requests of clients --- */

static int is_name(const char *name) { return name[0] != '\0' && memchr(name, '\0', LOCK_NAME_SIZE) != NULL; }

static int handle_take(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct lock *lock = self;
	const struct lock_req *req = msg;
	struct lock_ring_entry take = {.client = lock->host->client_id(client)};
	struct wait *wait;

	(void)size;
	if (!is_name(req->name))
		return -EINVAL;
	if (lock_send_gives(lock) < 0)
		return -EAGAIN; /* one of these messages may be about this client and this lock */
	wait = calloc(1, sizeof(*wait));
	if (wait == NULL)
		return -ENOMEM;
	wait->lock = lock;
	int rc = lock->host->reply_later(client, req->timeout_ms, lock_on_gone, wait, &take.token);
	if (rc == 0) {
		memcpy(take.name, req->name, sizeof(take.name)); /* is_name has checked that the name has a NUL */
		rc = lock_send(lock, LOCK_RING_TAKE, &take, sizeof(take));
	}
	if (rc < 0) {
		free(wait);
		return rc; /* the token is void after an error */
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
		if (!entry_is_own(lock, entry) || entry->client != id || entry->grant.ring == 0 || entry->is_given ||
			strcmp(entry->name, req->name) != 0)
			continue;
		lock_give(lock, entry);
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

/* Give back what the client holds. The host has called lock_on_gone for its waiting requests before. */
static void lock_client_leave(void *self, struct coterie_client *client)
{
	struct lock *lock = self;
	uint64_t id = lock->host->client_id(client);

	for (struct entry *entry = lock->entries; entry != NULL; entry = entry->next)
		if (entry_is_own(lock, entry) && entry->client == id && entry->is_given == 0)
			entry->is_given = 1;
	lock_send_gives(lock);
}

/* --- start and end --- */

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
	struct coterie_quorum quorum = {.size = sizeof(quorum)};

	if (lock == NULL)
		return -ENOMEM;
	lock->host = host;
	lock->ctx = ctx;
	host->quorum_get(ctx, &quorum); /* the ring may be older than this plugin */
	lock_on_verdict(lock, &quorum);
	if (host->quorum_watch(ctx, lock_on_verdict, lock) < 0) {
		free(lock);
		return -ENOMEM;
	}
	add_metrics(lock); /* without memory for metrics the service works all the same */
	*self = lock;
	return 0;
}

static void lock_fini(void *self)
{
	struct lock *lock = self;

	lock->host->timer_del(lock->ctx, lock->nudge);
	entry_drop_all(&lock->entries);
	lock_forget_heard(lock);
	while (lock->waits != NULL)
		lock_forget_wait(lock, lock->waits->token);
	free(lock);
}

static const struct coterie_request requests[] = {
	{LOCK_TAKE, sizeof(struct lock_req), COTERIE_NEEDS_FLOW | COTERIE_NEEDS_QUORUM, LOCK_TAKE, handle_take},
	{LOCK_GIVE, sizeof(struct lock_req), COTERIE_NEEDS_FLOW, LOCK_GIVE, handle_give},
	{LOCK_WHO, sizeof(struct lock_req), COTERIE_OBSERVES, LOCK_WHO, handle_who},
};

static const struct coterie_ring_msg ring_msgs[] = {
	{LOCK_RING_TAKE, sizeof(struct lock_ring_entry), lock_swap_entry, lock_deliver_take, NULL},
	{LOCK_RING_GIVE, sizeof(struct lock_ring_entry), lock_swap_entry, lock_deliver_give, NULL},
	{LOCK_RING_NUDGE, sizeof(struct lock_ring_hello), lock_swap_hello, lock_deliver_nudge, NULL},
	{LOCK_RING_HELLO, sizeof(struct lock_ring_hello), lock_swap_hello, lock_deliver_hello, NULL},
	{LOCK_RING_ENTRY, sizeof(struct lock_ring_entry), lock_swap_entry, lock_deliver_entry, NULL},
};

static const struct coterie_service lock_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = 37, /* a free number of the list in ring-ids.md */
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

COTERIE_PLUGIN(lock, .kind = COTERIE_KIND_SERVICE, .version = "1.0", .description = "locks for the whole cluster",
	.needs = COTERIE_CAP_RING | COTERIE_CAP_IPC | COTERIE_CAP_SYNC | COTERIE_CAP_LIFE | COTERIE_CAP_RIGHTS |
		 COTERIE_CAP_DELIVERY | COTERIE_CAP_WRITABLE | COTERIE_CAP_REPLIES | COTERIE_CAP_METRICS |
		 COTERIE_CAP_QUORUM,
	.offers = COTERIE_CAN_UNPRIVILEGED, .ops = &lock_ops);
