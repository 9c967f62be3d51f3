/*
 * The service kv: a table of keys and values that all nodes hold alike.
 *
 * Life of a write: a client's request becomes a ring message, sent safe: delivered, in one order, when every
 * member of the ring has it (deliver.c). Each one counts: the revision is the number of writes so far, and
 * with a hash over all of them it identifies a state.
 *
 * Life of a state: the ring in which it was last served is its epoch. After a change of the ring all members
 * announce what they have (ring.c). In a ring with quorum the newest state of the newest epoch wins
 * (decide.c), the ring becomes its epoch, and who has another state starts from nothing: the donor sends
 * the state in the order of its changes while writes go on (transfer.c).
 *
 * Memory is all there is. A node that has restarted has lost its part, and must not count as one that never
 * had one: else a quorum of forgetful nodes would go on without what was acknowledged. So every node keeps a
 * marker in a file (marker.c): the last epoch it saw, and its members. A ring whose markers tell of an
 * epoch that nobody has the state of waits for the members of that epoch.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PLUGINS_KV_KV_H
#define PLUGINS_KV_KV_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

#include "plugins/kv/messages.h"
#include "plugins/kv/store.h"

#define KV_TRY_AGAIN 6
#define KV_INVALID_PARAM 7
#define KV_NO_MEMORY 8
#define KV_NOT_EXIST 12
#define KV_EXIST 14
#define KV_NO_SPACE 15
#define KV_INTERRUPT 16
#define KV_NO_RESOURCES 18
#define KV_FAILED_OPERATION 21
#define KV_OK 1

#define KV_MEMBERS_MAX 1024u /* of a ring; what a peer tells is checked against it */
#define KV_REVISION_MAX (UINT64_MAX / 2) /* likewise; no table gets there by counting */
#define KV_PENDING_MAX 16u   /* requests of one client on their way through the order */
#define KV_WINDOW (512u << 10) /* bytes of events that a client may have unread */

/** A ring; seq 0: none. */
struct kv_ring {
	uint64_t seq;
	uint32_t rep;
};

/** Which state: equal ones mean equal tables. */
struct kv_state_id {
	struct kv_ring epoch;
	uint64_t revision; /* writes so far */
	uint64_t hash;     /* over all of them, in their order */
};

/** The newest epoch that a node has heard of, with the members of its ring. */
struct kv_marker {
	struct kv_ring ring;
	uint32_t *members; /* ascending; owned */
	uint32_t count;
};

/** How far a node is that has no whole state. */
struct kv_progress {
	uint64_t cursor;    /* it has all changes up to this revision, as far as they were not overtaken */
	uint64_t started;   /* revision when it began */
	uint64_t kept_from; /* it has kept all deletions above this revision */
};

/** A member of the ring, as it has announced itself, and as the order has changed it since. */
struct kv_member {
	uint32_t nodeid;
	bool has_announced;
	bool has_state, is_quorate, has_marker;
	struct kv_state_id state; /* when it announced */
	struct kv_progress progress;
	uint64_t bytes_max;
	struct kv_marker marker;
};

/** A request that waits for its message to come back. */
struct kv_pending {
	struct kv_pending *next;
	struct coterie_client *client; /* NULL: gone */
	uint64_t client_id;            /* after a hand-over; 0: unknown */
	uint64_t serial;
	uint32_t request; /* enum kv_request_id */
	bool is_held; /* the write is done, in the last messages of a ring: whether it stays is not known yet */
	int32_t error;
	uint64_t revision;
	uint32_t size; /* of msg: the request of an ordered read, with its header */
	uint64_t msg[];
};

struct kv_watch {
	struct kv_watch *next;
	uint32_t number;
	uint32_t prefix_size;
	bool has_missed;
	uint8_t prefix[KV_KEY_MAX];
};

/** A client; client_data is a pointer to it. */
struct kv_client {
	struct coterie_client *client;
	struct kv_client *next;
	struct kv_watch *watches;
	uint32_t watch_count, last_watch;
	uint32_t pending;
	uint32_t uid;
	bool is_bounded; /* it is no administrator: its user's events of one change are bounded */
	uint64_t unread; /* bytes of events sent and not acknowledged */
};

struct kv_block; /* takeover.c */

struct kv {
	const struct coterie_host *host; /* borrowed, outlives us */
	struct coterie_ctx *ctx;
	uint64_t option_bytes_max, option_rate;

	struct kv_store store;
	struct kv_state_id state;
	bool has_state;  /* the store is that of `state`; else it is filling up */
	bool is_keeping; /* deletions are kept, above progress.kept_from */
	struct kv_progress progress;
	struct kv_marker marker;

	/* The ring. Everything here but told_* is the same on all members at one place of the order. */
	struct kv_ring ring;
	struct kv_member *members; /* ascending */
	uint32_t member_count;
	bool is_transitional; /* its last messages come */
	bool is_syncing;
	bool is_serving;      /* writes count */
	bool has_formed;      /* decided whose state it is */
	bool is_waiting;      /* for nodes that may have newer state */
	uint64_t bytes_max;   /* the smallest of the members' */
	uint32_t donor;       /* 0: nobody needs one */
	bool has_told;        /* announced in this ring */
	bool told_quorate;
	uint64_t told_bytes_max;
	struct coterie_timer *notice_timer;
	struct coterie_timer *sweep_timer; /* a table that was dropped is freed */
	bool needs_standing; /* what was to be said of ourselves found no room */

	/* Sending the state. */
	struct coterie_timer *transfer_timer;
	bool is_chunk_out;
	uint64_t next_chunk_ns;

	/* Taking it over: chunks that are not written yet, and the writes since the base of the last chunk. */
	struct kv_block *parts, *parts_last;
	uint64_t parts_bytes;
	struct kv_block *log, *log_last;
	uint64_t log_from, log_bytes; /* writes above log_from are in the log */
	bool is_catching_up;          /* all parts are written, and the log is being written */
	struct coterie_timer *takeover_timer;
	struct kv_block *blocks_dropped; /* to be freed in turns */

	struct kv_pending *pending, **pending_end;
	uint64_t last_serial;
	struct kv_client *clients;
	struct coterie_timer *late_timer; /* watches have missed changes though their clients have room */
	struct kv_client *late_next;      /* the one to tell next, or NULL: the first one */
};

/* ---- kv.c ---- */

bool kv_ring_equals(const struct kv_ring *a, const struct kv_ring *b);
int kv_ring_compare(const struct kv_ring *a, const struct kv_ring *b); /* older < newer */
bool kv_state_equals(const struct kv_state_id *a, const struct kv_state_id *b);
struct kv_wire_ring kv_ring_to_wire(const struct kv_ring *ring);
struct kv_ring kv_ring_from_wire(const struct kv_wire_ring *wire);
struct kv_member *kv_member_find(struct kv *kv, uint32_t nodeid); /* NULL: none */
struct kv_member *kv_member_self(struct kv *kv);
/** Clients can read here. */
bool kv_is_readable(const struct kv *kv);
extern const struct coterie_service kv_ops;

/* ---- requests.c: what clients ask ---- */

#define KV_REQUEST_COUNT 11u
extern const struct coterie_request kv_requests[KV_REQUEST_COUNT];



int kv_client_join(void *self, struct coterie_client *client);
struct kv_client *kv_client_of(const struct kv *kv, struct coterie_client *client);
/** Free what we know of clients; they themselves may have gone. */
void kv_clients_free(struct kv *kv);
void kv_client_leave(void *self, struct coterie_client *client);
/** Take the request with this serial out. @return returned, caller frees; NULL: unknown */
struct kv_pending *kv_pending_take(struct kv *kv, uint64_t serial);
/** Answer a request, and free it: a read with KV_OK reads now. */
void kv_pending_answer(struct kv *kv, struct kv_pending *pending, int32_t error);
/** Answer all writes that are held: as it came out, or, when they did not survive, that nobody knows. */
void kv_pending_release(struct kv *kv, bool have_survived);

/* ---- deliver.c: ordered writes and reads ---- */

void kv_deliver_write(void *self, uint32_t nodeid, void *msg, uint32_t size);
void kv_deliver_read(void *self, uint32_t nodeid, void *msg, uint32_t size);
/** Apply a checked write to the whole state. @return cs_error_t; 0: out of memory, the state is lost */
int32_t kv_apply(struct kv *kv, const struct kv_ring_write *write, uint64_t *revision);

/* ---- ring.c: configurations, synchronisation, quorum ---- */

void kv_configuration(void *self, const struct coterie_configuration *configuration);
void kv_sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular);
int kv_sync_step(void *self);
void kv_sync_done(void *self);
void kv_deliver_announce(void *self, uint32_t nodeid, void *msg, uint32_t size);
void kv_deliver_notice(void *self, uint32_t nodeid, void *msg, uint32_t size);
void kv_deliver_recover(void *self, uint32_t nodeid, void *msg, uint32_t size);
/** Tell the others what has changed of quorum and limit, if anything has. arg: struct kv. */
void kv_notice(void *arg);
void kv_members_free(struct kv *kv);

/* ---- decide.c ---- */

/** The members have announced themselves, quorum has changed or somebody has given up waiting (is_forced). */
void kv_decide(struct kv *kv, bool is_forced);
/** Node ids that are waited for. @return how many; at most room are written */
uint32_t kv_missing(const struct kv *kv, uint32_t *nodeids, uint32_t room);
/** Some member has the state now, or no longer: who sends, and whether deletions are kept. */
void kv_standing_changed(struct kv *kv);

/* ---- transfer.c ---- */

void kv_deliver_chunk(void *self, uint32_t nodeid, void *msg, uint32_t size);
void kv_deliver_standing(void *self, uint32_t nodeid, void *msg, uint32_t size);
/** Free in turns what the store does not need any more: after kv_store_drop or kv_store_purge. */
void kv_sweep(struct kv *kv);
/** Start from nothing: empty the store, ask to be sent everything. */
void kv_restart(struct kv *kv);
/** Our state can no longer be trusted (out of memory): tell the others, start from nothing. */
void kv_lose(struct kv *kv, const char *why);
/** Send the next part when it is time, if it is ours to do. */
void kv_transfer_poke(struct kv *kv);
void kv_transfer_stop(struct kv *kv);

/* ---- takeover.c ---- */

/**
 * Take a chunk that was found to be well-formed, while this node has no whole state: it is copied, and written in
 * turns. One that does not continue what has come is passed over.
 */
void kv_takeover_chunk(struct kv *kv, const struct kv_ring_chunk *chunk, uint32_t size);
/** The next item of a chunk, in the byte order of the machine. @return its key; NULL: it does not fit, or makes no sense */
const uint8_t *kv_item_read(const uint8_t *at, const uint8_t *end, struct kv_ring_item *item);
/** The ring changes, or the table is dropped: chunks that wait are forgotten, the log stays. */
void kv_takeover_stop(struct kv *kv);
/** Log a write for later. A log that is full or finds no memory begins again behind this write. */
void kv_log_write(struct kv *kv, const struct kv_ring_write *write, uint32_t size);
/** Forget the writes up to a revision; UINT64_MAX: all. */
void kv_log_clear(struct kv *kv, uint64_t up_to);
/** Free some of what was dropped. @return true: there is more */
bool kv_blocks_sweep(struct kv *kv);
/** Free everything at once. */
void kv_takeover_free(struct kv *kv);

/* ---- marker.c ---- */

void kv_marker_load(struct kv *kv);
/** This ring is the epoch from now on. */
void kv_marker_store(struct kv *kv);

/* ---- watch.c ---- */

/** @return 0; -ENOSPC: too many; -ENOMEM */
int kv_watch_add(struct kv *kv, struct coterie_client *client, const void *prefix, uint32_t prefix_size,
	uint32_t *number);
int kv_watch_remove(struct kv *kv, struct coterie_client *client, uint32_t number); /* -ENOENT */
void kv_watch_clear(struct kv_client *client);
void kv_watch_ack(struct kv *kv, struct coterie_client *client, uint64_t bytes);
/** A key has changed. value: NULL with KV_OP_DELETE. */
void kv_watch_change(struct kv *kv, uint32_t op, const void *key, uint32_t key_size, const void *value,
	uint32_t value_size);
/** The whole table may be another one: told from now on, in turns, or, without state, when there is one. */
void kv_watch_replaced(struct kv *kv);
/** Tell watches soon that they have missed changes: an older version may have left some. */
void kv_watch_resume(struct kv *kv);
void kv_watch_stop(struct kv *kv); /* delete its timer */
/** The client is about to be freed. */
void kv_watch_forget(struct kv *kv, const struct kv_client *client);

/* ---- hand_over.c ---- */

int kv_state_save(void *self, void **blob, uint32_t *size);
int kv_state_load(void *self, const void *blob, uint32_t size);

#endif
