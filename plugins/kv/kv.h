/*
 * The service kv: a table of keys and values that is the same on all nodes.
 *
 * A write: a client's request becomes a ring message that is sent safe. It is delivered in one order, when
 * every member of the ring has it (deliver.c). Each write counts: the revision is the number of writes so
 * far. Together with a hash over all writes it identifies a state.
 *
 * A state: the ring in which it last served is its epoch. After a change of the ring all members announce
 * their states (ring.c). In a ring with quorum the newest state of the newest epoch wins (decide.c), and the
 * ring becomes its epoch. Members with another state start from nothing: the donor sends the state in the
 * order of its changes, while writes continue (transfer.c).
 *
 * The table is only in memory. A node that has restarted has lost its table. It must not count like a node
 * that never had one, since a quorum of such nodes could continue without acknowledged writes. So every node
 * stores a marker in a file (marker.c): the last epoch that it saw, and its members. If the markers of a
 * ring show an epoch of which no member has the state, the ring waits for the members of that epoch.
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

#define KV_MEMBERS_MAX 1024u             /* members of a ring. A longer list from another node is rejected */
#define KV_REVISION_MAX (UINT64_MAX / 2) /* limit for revisions: no table reaches it by counting */
#define KV_PENDING_MAX 16u               /* requests of one client whose messages are not delivered yet */
#define KV_WINDOW (512u << 10)           /* bytes of events that a client may have unread */

/** The id of a ring. seq 0: no ring. */
struct kv_ring {
	uint64_t seq;
	uint32_t rep;
};

/** The identity of a state. Two states with the same identity have equal tables. */
struct kv_state_id {
	struct kv_ring epoch;
	uint64_t revision; /* writes so far */
	uint64_t hash;     /* hash over all writes, in their order */
};

/** The newest epoch that a node has seen, with the members of its ring. */
struct kv_marker {
	struct kv_ring ring;
	uint32_t *members; /* ascending; owned */
	uint32_t count;
};

/** The progress of a node that takes over a state. */
struct kv_progress {
	uint64_t cursor;    /* the node has all changes up to this revision, except those that later changes replaced */
	uint64_t started;   /* revision when the takeover began */
	uint64_t kept_from; /* the node has kept all deletions above this revision */
};

/* How long the ring waits until the marker of a node is stored. */
#define KV_STORE_NS (UINT64_C(2) * 1000000000u)

/** A member of the ring, as its announcement and its later ordered messages describe it. */
struct kv_member {
	uint32_t nodeid;
	bool has_announced;
	bool has_left; /* it unloads the service. Its announced epochs count, and the rest does not */
	bool has_state, is_quorate, has_marker;
	uint32_t flags;           /* of its announcement */
	bool has_stored;          /* with is_storing: it has sent that its marker is stored */
	bool has_lost;            /* in a synchronisation: it has lost its table, which counts from the end on */
	struct kv_state_id state; /* state at the time of the announcement */
	struct kv_progress progress;
	uint64_t bytes_max;
	struct kv_marker marker;
};

/** A request that waits for the delivery of its message. */
struct kv_pending {
	struct kv_pending *next;
	struct coterie_client *client; /* NULL: the client has disconnected */
	uint64_t client_id;            /* not used */
	uint64_t serial;
	uint32_t request; /* enum kv_request_id */
	bool is_held;     /* the write was done in the last messages of a ring, and it is not known yet whether the
			   * write survives */
	int32_t error;
	uint64_t revision;
	uint32_t size; /* bytes of msg, which is the request of an ordered read, with its header */
	uint64_t msg[];
};

struct kv_watch {
	struct kv_watch *next;
	uint32_t number;
	uint32_t prefix_size;
	bool has_missed;
	uint8_t prefix[KV_KEY_MAX];
};

/** A client. client_data is a pointer to it. */
struct kv_client {
	struct coterie_client *client;
	struct kv_client *next;
	struct kv_watch *watches;
	uint32_t watch_count, last_watch;
	uint32_t pending;
	uint32_t uid;
	bool is_bounded; /* the client is no administrator: the events of one change are bounded for all clients of
			  * its user together */
	uint64_t unread; /* bytes of events that were sent and not acknowledged */
};

struct kv_block; /* see takeover.c */

struct kv {
	const struct coterie_host *host; /* borrowed, lives longer than this struct */
	struct coterie_ctx *ctx;
	uint64_t option_bytes_max, option_rate, option_any_quorum;

	struct kv_store store;
	struct kv_state_id state;
	bool has_state;  /* the store is complete and belongs to `state`. Otherwise the store is being filled */
	bool is_keeping; /* deletions above progress.kept_from are kept */
	struct kv_progress progress;
	struct kv_marker marker;
	uint32_t stores; /* stores of the marker that are under way */

	/*
	 * The state of the ring. At the same place of the order, each of these members has the same value on all nodes.
	 * The exceptions are the members told_*.
	 */
	struct kv_ring ring;
	struct kv_member *members; /* ascending */
	uint32_t member_count;
	bool is_transitional; /* the last messages of the old ring are being delivered */
	bool is_syncing;
	bool is_serving;    /* writes are done and counted */
	bool has_formed;    /* the decision about the table was made */
	bool is_fresh;      /* the table that was decided on has not been served in this ring yet */
	bool has_survived;  /* it is the one that this node had before */
	bool is_waiting;    /* the ring waits for nodes that may have a newer state */
	uint64_t bytes_max; /* the smallest limit of all members */
	bool can_forget;    /* all members have announced that they can forget one that unloads the service */
	bool tells_store;   /* all members tell the others when they have stored their markers: from the end of the
			     * synchronisation on */
	bool is_storing;    /* the table was formed after the synchronisation, and not all have told that yet */
	uint32_t donor;     /* 0: all members have the state. Otherwise the node id of the member that sends the
			     * state */
	bool has_told;      /* the node has announced its state in this ring */
	uint64_t told_ns, formed_ns; /* when this node has announced itself, and when it has formed the table early */
	uint32_t passes;             /* of the token since it has announced itself */
	bool has_told_leave; /* the node unloads the service, and has sent it. It sends no other news of itself */
	bool told_quorate;
	uint64_t told_bytes_max;
	struct coterie_timer *notice_timer;
	struct coterie_timer *sweep_timer; /* its callback frees a dropped table */
	bool needs_standing;               /* KV_RING_STANDING has to be sent */
	bool needs_stored;                 /* with is_storing: KV_RING_STANDING with KV_HAS_STORED has to be sent */
	bool awaits_store;                 /* it is due as soon as the marker is stored, or when the timer runs */
	struct coterie_timer *store_timer; /* the disk is too slow */
	bool is_short;                     /* it was logged that too few members run the service */

	/* Members for sending the state. */
	struct coterie_timer *transfer_timer;
	bool is_chunk_out;
	uint64_t next_chunk_ns;

	/*
	 * Members for taking over a state: chunks that are not written yet, and the writes since the base of the last
	 * chunk.
	 */
	struct kv_block *parts, *parts_last;
	uint64_t parts_bytes;
	struct kv_block *log, *log_last;
	uint64_t log_from, log_bytes; /* writes above log_from are in the log */
	bool is_catching_up;          /* all parts are written, and the log is being written */
	bool is_finishing;            /* in a synchronisation: the rest is written before this node announces itself */
	/* members that had the whole table when the last ring ended, for a node that is taking it over. NULL: out of
	 * memory */
	uint32_t *holders, holder_count;
	struct coterie_timer *takeover_timer;
	struct kv_block *blocks_dropped; /* blocks that are freed in several turns */

	struct kv_pending *pending, **pending_end;
	/* Ordered reads that were delivered, and are answered in later turns of the loop. */
	struct kv_pending *due, **due_end;
	struct coterie_timer *due_timer; /* runs in the next turn, if reads were answered in this one */
	uint64_t due_until_ns;           /* end of the time for answers in this turn */
	uint64_t last_serial;
	struct kv_client *clients;
	struct coterie_timer *late_timer; /* runs when watches have missed changes though their clients have room for
					   * events */
	struct kv_client *late_next;      /* client that is notified next, or NULL: the first client */
};

/* ---- kv.c ---- */

bool kv_ring_equals(const struct kv_ring *a, const struct kv_ring *b);
int kv_ring_compare(const struct kv_ring *a, const struct kv_ring *b); /* negative: a is older */
bool kv_state_equals(const struct kv_state_id *a, const struct kv_state_id *b);
struct kv_wire_ring kv_ring_to_wire(const struct kv_ring *ring);
struct kv_ring kv_ring_from_wire(const struct kv_wire_ring *wire);
struct kv_member *kv_member_find(struct kv *kv, uint32_t nodeid); /* NULL: no such member */
struct kv_member *kv_member_self(struct kv *kv);
/** Return whether the member takes part: it has announced itself, and has not left. */
bool kv_member_counts(const struct kv_member *member);
/** Return whether clients can read on this node. */
bool kv_is_readable(const struct kv *kv);
extern const struct coterie_service kv_ops;

/* ---- requests.c: requests of clients ---- */

#define KV_REQUEST_COUNT 11u
extern const struct coterie_request kv_requests[KV_REQUEST_COUNT];

int kv_client_join(void *self, struct coterie_client *client);
struct kv_client *kv_client_of(const struct kv *kv, struct coterie_client *client);
/** Free the data of all clients when the plugin ends. */
void kv_clients_free(struct kv *kv);
void kv_client_leave(void *self, struct coterie_client *client);
/**
 * Remove the request with this serial from the list. @return the request, which the caller frees; NULL: unknown serial
 */
struct kv_pending *kv_pending_take(struct kv *kv, uint64_t serial);
/** Answer a request and free it. With KV_OK, a read is answered from the table as it is now. */
void kv_pending_answer(struct kv *kv, struct kv_pending *pending, int32_t error);
/** Answer all held writes. have_survived: with their results; otherwise with the error that the result is not known. */
void kv_pending_release(struct kv *kv, bool have_survived);

/* ---- deliver.c: ordered writes and reads ---- */

void kv_deliver_write(void *self, uint32_t nodeid, void *msg, uint32_t size);
void kv_deliver_read(void *self, uint32_t nodeid, void *msg, uint32_t size);
/** Answer the ordered reads that were delivered and wait for their turn. KV_OK is not for this. */
void kv_due_end(struct kv *kv, int32_t error);
/** Apply a checked write to a complete state. @return cs_error_t; 0: out of memory, and the state is lost */
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
/**
 * If the quorum or the limit of this node has changed, send it to the other members. Send also what needs_standing and
 * needs_stored say. arg: struct kv.
 */
void kv_notice(void *arg);
/**
 * Inform the other members that this node unloads the service. Repeated calls do no harm.
 *
 * @return 0: the message is sent, or is not needed; -EAGAIN: call again
 */
int kv_leave(struct kv *kv);
void kv_members_free(struct kv *kv);

/* ---- decide.c ---- */

/**
 * Decide after the members have announced themselves, after a change of quorum, or after a client has ended
 * the wait (is_forced).
 */
void kv_decide(struct kv *kv, bool is_forced);
/**
 * Form the table of the ring in the synchronisation, or at its end, if that was not done and the ring need not wait for
 * other nodes. The announcements of all members must be here. kv_decide serves it.
 */
void kv_form_early(struct kv *kv);
/** List the node ids that the ring waits for. @return their number; at most `room` of them are written */
uint32_t kv_missing(const struct kv *kv, uint32_t *nodeids, uint32_t room);
/** Choose the donor, and whether to keep deletions. Called after a member got or lost the state. */
void kv_standing_changed(struct kv *kv);
/** Stop counting a member that unloads the service. All members call this at the same place of the order. */
void kv_member_forget(struct kv *kv, struct kv_member *member);

/* ---- votes.c ---- */

/**
 * Return whether enough members run the service. Either they have a majority of the votes by themselves, or all voting
 * members run it and quorum alone is enough (votes.c). The votes are those of this node's configuration. Return true
 * also without a quorum provider, and between two configurations.
 */
bool kv_is_backed(struct kv *kv);

/* ---- transfer.c ---- */

void kv_deliver_chunk(void *self, uint32_t nodeid, void *msg, uint32_t size);
void kv_deliver_standing(void *self, uint32_t nodeid, void *msg, uint32_t size);
/** At the end of a synchronisation: note which members have lost their tables since they announced themselves. */
void kv_losses_apply(struct kv *kv);
/** Free the dropped parts of the store in several turns, after kv_store_drop or kv_store_purge. */
void kv_sweep(struct kv *kv);
/** Start from nothing: empty the store and request the whole state. */
void kv_restart(struct kv *kv);
/**
 * Give up this node's state, which is incomplete since memory ran out. Inform the other members, and start from
 * nothing.
 */
void kv_lose(struct kv *kv, const char *why);
/** Send the next chunk when it is time, if this node is the donor. */
void kv_transfer_poke(struct kv *kv);
void kv_transfer_stop(struct kv *kv);

/* ---- takeover.c ---- */

/**
 * Store a copy of a well-formed chunk while this node has no complete state. The entries are written in several turns.
 * A chunk that does not continue the earlier ones is ignored.
 */
void kv_takeover_chunk(struct kv *kv, const struct kv_ring_chunk *chunk, uint32_t size);
/**
 * Read the next item of a chunk, and convert it to the byte order of the machine. @return its key; NULL: the item does
 * not fit, or is malformed
 */
const uint8_t *kv_item_read(const uint8_t *at, const uint8_t *end, struct kv_ring_item *item);
/**
 * Drop the waiting chunks after a change of the ring, or when the table is dropped. The log stays.
 */
void kv_takeover_stop(struct kv *kv);
/**
 * In a synchronisation to which no member with the whole table has come along: if this node has received all of it, write
 * the rest in turns. Meanwhile is_finishing is true.
 */
void kv_takeover_finish(struct kv *kv);
/**
 * Log a write, to apply it later. If the log is full or there is no memory, drop the log: the next log begins after
 * this write.
 */
void kv_log_write(struct kv *kv, const struct kv_ring_write *write, uint32_t size);
/** Remove the writes up to a revision from the log. UINT64_MAX: remove all of them. */
void kv_log_clear(struct kv *kv, uint64_t up_to);
/** Free some of the dropped blocks. @return true: there are more */
bool kv_blocks_sweep(struct kv *kv);
/** Free all blocks at once. */
void kv_takeover_free(struct kv *kv);

/* ---- marker.c ---- */

void kv_marker_load(struct kv *kv);
/**
 * Store the id of this ring in the marker file, as the epoch of the table. In a synchronisation, and with is_storing, the
 * store goes on behind this call (stores). With is_storing the other members are told when it has ended. Otherwise
 * the file is durable at the end, unless an older store is under way: this one follows it then.
 */
void kv_marker_store(struct kv *kv);
/** Do not tell the other members of a store that is under way: the ring has changed, or the service ends. */
void kv_marker_forget(struct kv *kv);
/** Log that this node serves before its marker is stored. */
void kv_marker_late(struct kv *kv);

/* ---- watch.c ---- */

/** @return 0; -ENOSPC: the client has too many watches; -ENOMEM */
int kv_watch_add(
	struct kv *kv, struct coterie_client *client, const void *prefix, uint32_t prefix_size, uint32_t *number);
int kv_watch_remove(struct kv *kv, struct coterie_client *client, uint32_t number); /* -ENOENT: no such watch */
void kv_watch_clear(struct kv_client *client);
void kv_watch_ack(struct kv *kv, struct coterie_client *client, uint64_t bytes);
/** Notify watches of a changed key. value: NULL with KV_OP_DELETE. */
void kv_watch_change(
	struct kv *kv, uint32_t op, const void *key, uint32_t key_size, const void *value, uint32_t value_size);
/**
 * Note in all watches that they have missed changes, since the whole table may differ. Their events are sent in turns
 * of the loop. Without a table they are sent only when this node has one again.
 */
void kv_watch_replaced(struct kv *kv);
/**
 * Start the timer that sends events about missed changes: the older version of this plugin may have left some of them
 * unsent.
 */
void kv_watch_resume(struct kv *kv);
void kv_watch_stop(struct kv *kv); /* delete the timer of late watches */
/** Drop references to a client that is about to be freed. */
void kv_watch_forget(struct kv *kv, const struct kv_client *client);

/* ---- hand_over.c ---- */

int kv_state_save(void *self, void **blob, uint32_t *size);
int kv_state_load(void *self, const void *blob, uint32_t size);

#endif
