/*
 * The service lock: what clients and nodes say to each other. Locks have names. The first client in the queue of a name
 * holds the lock, and the others wait for it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef LOCK_H
#define LOCK_H

#include <coterie/service.h>

#define LOCK_NAME_SIZE 64u     /* with at least one NUL at the end */
#define LOCK_ENTRIES_MAX 1024u /* holders and waiters of all locks of the cluster */

/* Requests of clients. */
enum {
	/*
	 * Answered when the client holds the lock, with struct lock_res_take. Errors: CS_ERR_TIMEOUT (5), not within
	 * timeout_ms; CS_ERR_TRY_AGAIN (6), the nodes are in no state to decide, ask again; CS_ERR_INVALID_PARAM (7), no
	 * name; CS_ERR_EXIST (14), this client holds it, or waits; CS_ERR_NO_SPACE (15)
	 */
	LOCK_TAKE,
	/* answered at once: the client does not hold the lock any more; CS_ERR_NOT_EXIST (12): it did not hold it */
	LOCK_GIVE,
	LOCK_WHO,        /* answered with struct lock_res_who, as this node knows it */
	LOCK_LOST = 100, /* event: the lock is no longer this client's. struct lock_event */
};

/* LOCK_TAKE, LOCK_GIVE and LOCK_WHO */
struct lock_req {
	struct coterie_request_header header;
	char name[LOCK_NAME_SIZE];
	uint32_t timeout_ms; /* of TAKE. 0: wait without limit */
	uint32_t pad;
};

/* The number of the grant. Each grant of a lock has a larger one: compare ring first. */
struct lock_res_take {
	struct coterie_response_header header;
	uint64_t ring, position;
};

struct lock_res_who {
	struct coterie_response_header header;
	uint32_t nodeid; /* of the holder, 0: there is none */
	uint32_t waiting;
};

struct lock_event {
	struct coterie_response_header header;
	char name[LOCK_NAME_SIZE];
};

/* Messages of nodes. */
enum {
	LOCK_RING_TAKE,  /* struct lock_ring_entry: a client wants a lock */
	LOCK_RING_GIVE,  /* struct lock_ring_entry: it does not want it any longer, or gives it back */
	LOCK_RING_NUDGE, /* struct lock_ring_hello: a first one in a queue does not hold its lock yet */
	LOCK_RING_HELLO, /* struct lock_ring_hello: how new the state of a node is, when nodes meet */
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
	uint64_t synced;                  /* ENTRY: ring of the synchronisation */
	struct lock_place version;        /* ENTRY */
	uint64_t client, token;           /* of the sending node */
	struct lock_place arrival, grant; /* ENTRY. grant 0.0: the client waits */
	char name[LOCK_NAME_SIZE];
};

_Static_assert(sizeof(struct lock_req) == 88, "no hidden padding");
_Static_assert(sizeof(struct lock_ring_hello) == 40, "no hidden padding on the ring");
_Static_assert(sizeof(struct lock_ring_entry) == 152, "no hidden padding on the ring");

#endif
