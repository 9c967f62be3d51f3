/*
 * The state of the service, which its files share: queue.c (who holds and waits), meet.c (nodes come and go), lock.c (clients,
 * life). No client includes it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef LOCK_STATE_H
#define LOCK_STATE_H

#include "lock.h"

#define CS_OK 1
#define CS_ERR_TRY_AGAIN 6
#define CS_ERR_EXIST 14
#define CS_ERR_NO_SPACE 15

/* A client that holds a lock or waits for it. */
struct entry {
	struct entry *next;
	uint32_t nodeid;
	uint64_t client, token;
	struct lock_place arrival; /* where it was asked for: entries ascend by it */
	struct lock_place grant;   /* where it was granted. ring 0: it waits */
	struct lock_place version; /* version of the node that sent it, during a synchronisation */
	int is_given;              /* of this node: 1: will be given back, 2: the message is on its way */
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
	uint64_t synced;          /* ring of the synchronisation */
	struct entry *heard;      /* their entries */
	struct lock_place newest; /* the largest version of these nodes */
	int has_said_hello;
	struct lock_place said; /* arrival of the last own entry that was sent */

	struct coterie_series *grants, *lost, *waiting; /* metrics, or NULL: no memory for them */
};

/* queue.c */

int lock_place_compare(const struct lock_place *a, const struct lock_place *b);
int entry_is_own(const struct lock *lock, const struct entry *entry); /* of a client of this node */
/** Put an entry into a list, by its arrival. */
void entry_insert(struct entry **list, struct entry *entry);
/** Copy an entry of a message. The process ends without memory: a node with another queue than the others must not go on. */
struct entry *entry_create(uint32_t nodeid, const struct lock_ring_entry *message);
struct entry *entry_find_own(const struct lock *lock, uint64_t token); /* or NULL */
void entry_drop_all(struct entry **list);
/** Count the entries after a change of the list. */
void lock_count_entries(struct lock *lock);

/** Send a message of all nodes, header included. 0; -EAGAIN: no room, lock_writable is called when there is some. */
int lock_send(struct lock *lock, uint32_t function, void *message, size_t size);
/** Send GIVE for own entries that will be given back. @return 0; -EAGAIN: lock_writable continues */
int lock_send_gives(struct lock *lock);
/** Give an own entry back, now or when the ring has room. */
void lock_give(struct lock *lock, struct entry *entry);
/** If a client of this node is first in a queue and does not hold the lock, have the members look again. */
void lock_nudge_later(struct lock *lock);
void lock_writable(void *self, struct coterie_client *client);

/** Forget a request that waits. 0: it does not wait any more. */
int lock_forget_wait(struct lock *lock, uint64_t token);
/** Answer a request that waits with an error. */
void lock_refuse(struct lock *lock, uint64_t token, int error);
/** Handle a client that has left or whose time is over: coterie_reply_gone. */
void lock_on_gone(void *arg, uint64_t token, uint32_t reason);

void lock_deliver_take(void *self, uint32_t nodeid, void *msg, uint32_t size);
void lock_deliver_give(void *self, uint32_t nodeid, void *msg, uint32_t size);
void lock_deliver_nudge(void *self, uint32_t nodeid, void *msg, uint32_t size);

/* meet.c */

void lock_configuration(void *self, const struct coterie_configuration *configuration);
void lock_sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular);
int lock_sync_step(void *self);
void lock_sync_done(void *self);
void lock_deliver_hello(void *self, uint32_t nodeid, void *msg, uint32_t size);
void lock_deliver_entry(void *self, uint32_t nodeid, void *msg, uint32_t size);
void lock_swap_hello(void *msg, uint32_t size);
void lock_swap_entry(void *msg, uint32_t size);

#endif
