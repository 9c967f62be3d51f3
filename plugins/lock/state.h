/*
 * The state of the service, for its files: queue.c (clients that hold and wait), meet.c (nodes that join and leave) and
 * lock.c (requests, start and end). Clients do not include this file.
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
	struct lock_place arrival; /* place of its TAKE message */
	struct lock_place grant;   /* place of the grant. ring 0: the client waits */
	struct lock_place version; /* during a synchronisation: version of the node that sent the entry */
	int is_first;              /* no earlier entry has this name */
	int has_left;              /* the node has left, in the transitional configuration */
	int is_given;              /* only for clients of this node. 1: the entry will be given back, 2: its GIVE
				    * message was sent */
	char name[LOCK_NAME_SIZE];
};

/* A request of a client of this node that is not answered yet. */
struct wait {
	struct wait *next;
	struct lock *lock;
	uint64_t token;
};

/* A node that has sent entries in the synchronisation. */
struct sender {
	struct sender *next;
	uint32_t nodeid;
	uint32_t count;         /* of its entries, at most LOCK_ENTRIES_MAX */
	struct lock_place last; /* arrival of its last entry */
};

struct lock {
	const struct coterie_host *host; /* borrowed, lives longer than this struct */
	struct coterie_ctx *ctx;
	struct entry *entries; /* in ascending order of arrivals */
	uint32_t entry_count;
	struct lock_place version; /* place of the last grant: see rule 2 of lock.c */
	uint64_t quorate;          /* seq of the last ring about which the provider's verdict was "quorate" */
	struct wait *waits;
	struct coterie_timer *nudge; /* timer of the next NUDGE message; NULL: not set */

	int is_syncing;
	uint64_t synced;          /* ring of the synchronisation */
	struct entry *heard;      /* entries that nodes have sent in the synchronisation, not sorted */
	struct sender *senders;   /* the nodes that have sent them */
	struct lock_place newest; /* the largest version of the nodes that have sent entries */
	int has_said_hello;
	struct lock_place said; /* arrival of the own entry that was sent last */

	struct coterie_series *grants, *lost, *waiting; /* metrics, or NULL if there was no memory for them */
};

/* --- queue.c --- */

int lock_place_compare(const struct lock_place *a, const struct lock_place *b);
int entry_is_own(const struct lock *lock, const struct entry *entry); /* @return whether the entry is of a client of
								       *   this node */
/**
 * Sort a list by arrivals and mark the first entry of each queue. A list may be long when nodes meet, so this takes about
 * as many steps as there are entries. Without memory, abort, as entry_create does.
 */
void entry_sort(struct entry **list);
/**
 * Copy an entry of a message. Without memory, abort: a node whose queue differs from that of the others must not
 * continue.
 */
struct entry *entry_create(uint32_t nodeid, const struct lock_ring_entry *message);
struct entry *entry_find_own(const struct lock *lock, uint64_t token); /* @return NULL: no such entry */
void entry_drop_all(struct entry **list);
/** Update entry_count and the metrics after a change of the list. */
void lock_count_entries(struct lock *lock);

/**
 * Send a message of the ring; size includes its header. @return 0; -EAGAIN: no room, lock_writable is called when there
 * is room
 */
int lock_send(struct lock *lock, uint32_t function, void *message, size_t size);
/**
 * Send GIVE for own entries that will be given back. @return 0; -EAGAIN: no room, lock_writable sends the rest later
 */
int lock_send_gives(struct lock *lock);
/** Give an own entry back, at once or when the ring has room. */
void lock_give(struct lock *lock, struct entry *entry);
/**
 * If a client of this node is first in a queue and does not hold the lock, send NUDGE, and repeat it until that has
 * changed.
 */
void lock_nudge_later(struct lock *lock);
void lock_writable(void *self, struct coterie_client *client);

/** Remove a request that waits. @return 0: there is no such request */
int lock_forget_wait(struct lock *lock, uint64_t token);
/** Answer a waiting request with an error, and remove it. */
void lock_refuse(struct lock *lock, uint64_t token, int error);
/** Handle a client that has left, or whose time is over (coterie_reply_gone). */
void lock_on_gone(void *arg, uint64_t token, uint32_t reason);

void lock_deliver_take(void *self, uint32_t nodeid, void *msg, uint32_t size);
void lock_deliver_give(void *self, uint32_t nodeid, void *msg, uint32_t size);
void lock_deliver_nudge(void *self, uint32_t nodeid, void *msg, uint32_t size);

/* --- meet.c --- */

void lock_on_verdict(void *self, const struct coterie_quorum *quorum);
void lock_configuration(void *self, const struct coterie_configuration *configuration);
void lock_sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular);
int lock_sync_step(void *self);
void lock_sync_done(void *self);
/** Free the entries that nodes have sent in the synchronisation. */
void lock_forget_heard(struct lock *lock);
void lock_deliver_hello(void *self, uint32_t nodeid, void *msg, uint32_t size);
void lock_deliver_entry(void *self, uint32_t nodeid, void *msg, uint32_t size);
void lock_swap_hello(void *msg, uint32_t size);
void lock_swap_entry(void *msg, uint32_t size);

#endif
