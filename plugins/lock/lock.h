/*
 * The service lock: the messages between clients and nodes, and between nodes. Locks have names. The first client in
 * the queue of a name holds the lock, and the others wait for it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef LOCK_H
#define LOCK_H

#include <coterie/service.h>

#define LOCK_NAME_SIZE 64u     /* bytes, with at least one NUL at the end */
#define LOCK_ENTRIES_MAX 1024u /* holders and waiters of all locks of the cluster */

/* Requests of clients. */
enum {
	/*
	 * Answered with struct lock_res_take when the client holds the lock. Errors: CS_ERR_TIMEOUT (5): not within
	 * timeout_ms. CS_ERR_TRY_AGAIN (6): the nodes cannot decide now, send the request again. CS_ERR_INVALID_PARAM
	 * (7): the name is invalid. CS_ERR_EXIST (14): this client holds the lock, or waits for it. CS_ERR_NO_SPACE
	 * (15)
	 */
	LOCK_TAKE,
	/*
	 * answered at once: the client does not hold the lock any more. CS_ERR_NOT_EXIST (12): it did not hold the lock
	 */
	LOCK_GIVE,
	LOCK_WHO,        /* answered with struct lock_res_who: the state as this node knows it */
	LOCK_LOST = 100, /* event with struct lock_event: this client has lost the lock */
};

/* Request of LOCK_TAKE, LOCK_GIVE and LOCK_WHO. */
struct lock_req {
	struct coterie_request_header header;
	char name[LOCK_NAME_SIZE];
	uint32_t timeout_ms; /* only of LOCK_TAKE: milliseconds to wait. 0: no limit */
	uint32_t pad;
};

/*
 * The number of the grant. A later grant of the same lock has a larger number: compare `ring` first, then `position`.
 */
struct lock_res_take {
	struct coterie_response_header header;
	uint64_t ring, position;
};

struct lock_res_who {
	struct coterie_response_header header;
	uint32_t nodeid; /* node id of the holder, 0: there is no holder */
	uint32_t waiting;
};

struct lock_event {
	struct coterie_response_header header;
	char name[LOCK_NAME_SIZE];
};

/* Messages between nodes. */
enum {
	LOCK_RING_TAKE,  /* struct lock_ring_entry: a client requests a lock */
	LOCK_RING_GIVE,  /* struct lock_ring_entry: a client gives a lock back, or does not wait for it any longer */
	LOCK_RING_NUDGE, /* struct lock_ring_hello: the first client in a queue does not hold its lock yet */
	LOCK_RING_HELLO, /* struct lock_ring_hello: the version of a node's state, sent when nodes meet */
	LOCK_RING_ENTRY, /* struct lock_ring_entry: an entry of the sender's clients, sent in a synchronisation */
};

/* A place in the order. */
struct lock_place {
	uint64_t ring, position;
};

struct lock_ring_hello {
	struct coterie_ring_header header;
	uint64_t synced; /* ring of the synchronisation */
	struct lock_place version;
};

struct lock_ring_entry {
	struct coterie_ring_header header;
	uint64_t synced;                  /* only of ENTRY: ring of the synchronisation */
	struct lock_place version;        /* only of ENTRY: version of the sender's state */
	uint64_t client, token;           /* client and token, as the sending node numbers them */
	struct lock_place arrival, grant; /* only of ENTRY: places of the request and of the grant. grant 0.0: the
					   * client waits */
	char name[LOCK_NAME_SIZE];
};

_Static_assert(sizeof(struct lock_req) == 88, "no hidden padding");
_Static_assert(sizeof(struct lock_ring_hello) == 40, "no hidden padding on the ring");
_Static_assert(sizeof(struct lock_ring_entry) == 152, "no hidden padding on the ring");

#endif
