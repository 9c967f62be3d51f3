/*
 * Client library of the service kv: a table of keys and values that every node of a cluster holds alike.
 * Link with -lcoterie-kv (pkg-config coterie-kv). Manual: coterie_kv_overview(3).
 *
 * Every write takes one place in the order of the cluster and has its number, the revision; a write that
 * changed nothing because of its condition uses up a number too. A key knows the revision of its last
 * change.
 *
 * Keys are 1 .. COTERIE_KV_KEY_MAX bytes of any kind, values 0 .. COTERIE_KV_VALUE_MAX; all are borrowed for
 * the call. Handles may be used by several threads; requests of one handle go one after the other.
 *
 * Every call returns CS_OK, or:
 *	CS_ERR_BAD_HANDLE      no such handle
 *	CS_ERR_INVALID_PARAM   a size out of range, an unknown flag, NULL where a pointer has to be
 *	CS_ERR_TRY_AGAIN       nothing has happened: the node has no quorum, waits for other nodes, is catching
 *	                       up with them, or the ring is busy; repeat the call a little later
 *	CS_ERR_INTERRUPT       of a write: the ring changed meanwhile; whether it took place is not known
 *	CS_ERR_LIBRARY         the connection to the daemon is lost; of a write: as CS_ERR_INTERRUPT
 *	CS_ERR_NO_MEMORY
 * and what is said at the call.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef COTERIE_KV_H
#define COTERIE_KV_H

#include <stddef.h>
#include <stdint.h>

#include <corosync/corotypes.h>

#ifdef __cplusplus
extern "C" {
#endif

#define COTERIE_KV_KEY_MAX 255u
#define COTERIE_KV_VALUE_MAX 1044480u /* 1 MiB less 4 KiB */
#define COTERIE_KV_WAITING_MAX 64u

typedef uint64_t coterie_kv_handle_t;

/** Flags of reads. */
#define COTERIE_KV_LOCAL 0u        /* what this node has now; may be old where the node is cut off */
#define COTERIE_KV_LINEARIZABLE 1u /* at least all that was written before the call; needs quorum */
#define COTERIE_KV_KEYS_ONLY 2u    /* coterie_kv_list: without values */

/** A key and its value. All pointers are borrowed for the callback that gets it. */
struct coterie_kv_entry {
	const void *key, *value; /* value: NULL with COTERIE_KV_KEYS_ONLY and in a deletion */
	size_t key_size, value_size;
	uint64_t created;  /* revision of the write that made the key; 0 in events */
	uint64_t modified; /* revision of its last change */
};

/** What an event says. */
enum coterie_kv_change {
	COTERIE_KV_PUT = 1,
	COTERIE_KV_DELETED = 2,
	/* Changes were left out, since this client read too slowly or the node had to take over the state of
	   another: list anew. Of entry, modified alone is set: all changes up to there may be missing. */
	COTERIE_KV_MISSED = 3
};

/** Called by coterie_kv_dispatch for each event of a watch, in the order of the revisions. */
typedef void (*coterie_kv_notify)(coterie_kv_handle_t handle, uint32_t watch,
	enum coterie_kv_change change, const struct coterie_kv_entry *entry);

/** Called for each entry of a list; another result than 0 ends it. */
typedef int (*coterie_kv_visit)(void *arg, const struct coterie_kv_entry *entry);

/** Standing of this node. */
enum coterie_kv_state {
	COTERIE_KV_NO_QUORUM = 0, /* reads of local state alone */
	COTERIE_KV_READY = 1,
	COTERIE_KV_CATCHING_UP = 2, /* state of another node is on its way here */
	COTERIE_KV_WAITING = 3      /* nodes that may have newer state are missing: see waiting */
};

/** What coterie_kv_status_get tells. */
struct coterie_kv_status {
	uint64_t revision;
	uint64_t hash;            /* of all writes so far: alike on nodes with the same state */
	uint64_t keys;
	uint64_t bytes, bytes_max; /* used by keys and values, with 64 for each entry; what there may be */
	uint32_t state;           /* enum coterie_kv_state */
	uint32_t donor;           /* node id of who sends its state to others; 0: nobody */
	uint32_t waiting_count;
	uint32_t waiting[COTERIE_KV_WAITING_MAX]; /* node ids, ascending */
};

/**
 * Connect to the service on this node: that of the instance named by COTERIE_INSTANCE, if set.
 * @param notify   may be NULL
 * @param context  kept for the program: coterie_kv_context_get
 */
cs_error_t coterie_kv_initialize(coterie_kv_handle_t *handle, coterie_kv_notify notify, void *context);
/** Disconnect. Watches end; who is in a dispatch comes back. */
cs_error_t coterie_kv_finalize(coterie_kv_handle_t handle);
/** A descriptor, the library's own, that is readable when coterie_kv_dispatch has something to do. */
cs_error_t coterie_kv_fd_get(coterie_kv_handle_t handle, int *fd);
/** Call the notify function for events, as the other client libraries do. */
cs_error_t coterie_kv_dispatch(coterie_kv_handle_t handle, cs_dispatch_flags_t type);
cs_error_t coterie_kv_context_get(coterie_kv_handle_t handle, void **context);
cs_error_t coterie_kv_context_set(coterie_kv_handle_t handle, void *context);

/**
 * Write a value.
 * @param revision  out, may be NULL: of this write
 * @return also CS_ERR_NO_SPACE: bytes_max would be passed; CS_ERR_TOO_BIG: key or value too long
 */
cs_error_t coterie_kv_put(coterie_kv_handle_t handle, const void *key, size_t key_size, const void *value,
	size_t value_size, uint64_t *revision);
/**
 * Write a value if the key was last changed by the write `expected`; 0: if there is no such key.
 * @param revision  out, may be NULL: of this write; with CS_ERR_EXIST and CS_ERR_FAILED_OPERATION, of the
 *     key's last change
 * @return also CS_ERR_EXIST: expected is 0 and the key exists; CS_ERR_NOT_EXIST: there is no such key;
 *     CS_ERR_FAILED_OPERATION: it has another revision; as coterie_kv_put
 */
cs_error_t coterie_kv_put_if(coterie_kv_handle_t handle, const void *key, size_t key_size,
	const void *value, size_t value_size, uint64_t expected, uint64_t *revision);
/** Delete a key. Also CS_ERR_NOT_EXIST, CS_ERR_TOO_BIG. */
cs_error_t coterie_kv_delete(
	coterie_kv_handle_t handle, const void *key, size_t key_size, uint64_t *revision);
/** Delete a key if it was last changed by the write `expected`, not 0. As coterie_kv_put_if. */
cs_error_t coterie_kv_delete_if(coterie_kv_handle_t handle, const void *key, size_t key_size,
	uint64_t expected, uint64_t *revision);

/**
 * Read a value.
 * @param flags  COTERIE_KV_LOCAL or _LINEARIZABLE
 * @param value  out: at most `room` bytes of it; may be NULL when room is 0
 * @param entry  out, may be NULL: sizes and revisions; key and value point to the parameters
 * @return also CS_ERR_NOT_EXIST; CS_ERR_TOO_BIG: the value is longer than room (entry is filled in), or the key
 */
cs_error_t coterie_kv_get(coterie_kv_handle_t handle, uint32_t flags, const void *key, size_t key_size,
	void *value, size_t room, struct coterie_kv_entry *entry);
/**
 * Visit all keys that begin with prefix, in ascending byte order. A long list comes in pages: each is of
 * one moment, the whole is not.
 * @param prefix    may be NULL when prefix_size is 0: all keys
 * @param revision  out, may be NULL: of the first page; a watch that began before and reports from there on
 *     misses nothing
 */
cs_error_t coterie_kv_list(coterie_kv_handle_t handle, uint32_t flags, const void *prefix,
	size_t prefix_size, coterie_kv_visit visit, void *arg, uint64_t *revision);

/**
 * Be told of all changes of keys that begin with prefix, from now on.
 * @param watch     out: its number, for the callback and coterie_kv_unwatch
 * @param revision  out, may be NULL: changes after this one are reported
 * @return also CS_ERR_NO_RESOURCES: the handle has 64 watches
 */
cs_error_t coterie_kv_watch(coterie_kv_handle_t handle, const void *prefix, size_t prefix_size,
	uint32_t *watch, uint64_t *revision);
/** End a watch; events that are under way still come. Also CS_ERR_NOT_EXIST. */
cs_error_t coterie_kv_unwatch(coterie_kv_handle_t handle, uint32_t watch);

cs_error_t coterie_kv_status_get(coterie_kv_handle_t handle, struct coterie_kv_status *status);
/**
 * Give up the nodes that are waited for: go on with the newest state there is, or with an empty table. What
 * only the missing nodes have is lost for good. For operators: it needs the right to administer.
 * @return also CS_ERR_ACCESS; CS_ERR_NOT_EXIST: nobody is waited for
 */
cs_error_t coterie_kv_recover(coterie_kv_handle_t handle);

#ifdef __cplusplus
}
#endif

#endif
