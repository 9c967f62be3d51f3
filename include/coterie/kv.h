/*
 * Client library of the service kv: a table of keys and values that is the same on all nodes of a cluster.
 * Link with -lcoterie-kv (pkg-config coterie-kv). Manual: coterie_kv_overview(3).
 *
 * Each write has one place in the order of the cluster. Its number there is the revision. A write that changed
 * nothing because of its condition also uses a number. Each key has the revision of its last change.
 *
 * Keys have 1 .. COTERIE_KV_KEY_MAX bytes, values 0 .. COTERIE_KV_VALUE_MAX, of any content. All are borrowed for
 * the call. Several threads may use a handle. Requests of one handle run one after the other.
 *
 * Each call returns CS_OK, an error that is named at the call, or one of these:
 *	CS_ERR_BAD_HANDLE      no such handle
 *	CS_ERR_INVALID_PARAM   a size out of range, an unknown flag, or NULL for a pointer that is needed
 *	CS_ERR_TRY_AGAIN       nothing has happened: the node has no quorum, waits for other nodes, is catching
 *	                       up with them, or the ring is busy. Repeat the call a little later
 *	CS_ERR_INTERRUPT       of a write: the ring changed meanwhile. It is not known whether the write happened
 *	CS_ERR_LIBRARY         the connection to the daemon is lost. For a write see CS_ERR_INTERRUPT
 *	CS_ERR_NO_MEMORY
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
/* COTERIE_KV_LOCAL: the state of this node now. If the node is cut off it is old, or has a write that is dropped later. */
#define COTERIE_KV_LOCAL 0u
#define COTERIE_KV_LINEARIZABLE 1u /* includes all writes before the call. Needs quorum */
#define COTERIE_KV_KEYS_ONLY 2u    /* coterie_kv_list: without values */

/** A key and its value. All pointers are borrowed for the callback that gets it. */
struct coterie_kv_entry {
	const void *key, *value; /* value: NULL with COTERIE_KV_KEYS_ONLY and in a deletion */
	size_t key_size, value_size;
	uint64_t created;  /* revision of the write that created the key; in events 0 */
	uint64_t modified; /* revision of its last change */
};

/** Kinds of events. */
enum coterie_kv_change {
	COTERIE_KV_PUT = 1,
	COTERIE_KV_DELETED = 2,
	/*
	 * Changes were left out, because this client read too slowly, or because the node took over the state of
	 * another node. List the keys again. Only the member modified of the entry is set: all changes up to that
	 * revision may be missing.
	 */
	COTERIE_KV_MISSED = 3
};

/** Called by coterie_kv_dispatch for each event of a watch, in the order of the revisions. */
typedef void (*coterie_kv_notify)(coterie_kv_handle_t handle, uint32_t watch, enum coterie_kv_change change,
	const struct coterie_kv_entry *entry);

/** Called for each entry of a list. A result other than 0 ends the list. */
typedef int (*coterie_kv_visit)(void *arg, const struct coterie_kv_entry *entry);

/** State of this node. */
enum coterie_kv_state {
	COTERIE_KV_NO_QUORUM = 0, /* only local reads */
	COTERIE_KV_READY = 1,
	COTERIE_KV_CATCHING_UP = 2, /* another node is sending its state to this one */
	COTERIE_KV_WAITING = 3      /* nodes that may have newer state are missing: see the member waiting */
};

/** The result of coterie_kv_status_get. */
struct coterie_kv_status {
	uint64_t revision;
	uint64_t hash; /* of all writes so far, equal on nodes with the same state */
	uint64_t keys;
	uint64_t bytes, bytes_max; /* bytes used by keys and values, with 64 more for each entry, and the limit */
	uint32_t state;            /* enum coterie_kv_state */
	uint32_t donor;            /* node id of the node that sends its state to others, or 0: none */
	uint32_t waiting_count;
	uint32_t waiting[COTERIE_KV_WAITING_MAX]; /* node ids, ascending */
};

/**
 * Connect to the service on this node, of the instance that COTERIE_INSTANCE names, if that is set.
 *
 * @param notify   may be NULL
 * @param context  stored for the program: coterie_kv_context_get
 */
cs_error_t coterie_kv_initialize(coterie_kv_handle_t *handle, coterie_kv_notify notify, void *context);
/** Disconnect. Watches end, and threads in coterie_kv_dispatch return. */
cs_error_t coterie_kv_finalize(coterie_kv_handle_t handle);
/** Get a descriptor that is readable when events wait for coterie_kv_dispatch. The library owns it. */
cs_error_t coterie_kv_fd_get(coterie_kv_handle_t handle, int *fd);
/** Call the notify function for events, as the other client libraries do. */
cs_error_t coterie_kv_dispatch(coterie_kv_handle_t handle, cs_dispatch_flags_t type);
cs_error_t coterie_kv_context_get(coterie_kv_handle_t handle, void **context);
cs_error_t coterie_kv_context_set(coterie_kv_handle_t handle, void *context);

/**
 * Write a value.
 *
 * @param revision  out, may be NULL: revision of this write
 * @return also CS_ERR_NO_SPACE: bytes_max would be exceeded; CS_ERR_TOO_BIG: key or value too long
 */
cs_error_t coterie_kv_put(coterie_kv_handle_t handle, const void *key, size_t key_size, const void *value,
	size_t value_size, uint64_t *revision);
/**
 * Write a value if the last change of the key was the write `expected`. If `expected` is 0, the key must not exist.
 *
 * @param revision  out, may be NULL: revision of this write; with CS_ERR_EXIST and CS_ERR_FAILED_OPERATION, of the
 *     key's last change
 * @return also CS_ERR_EXIST: expected is 0 and the key exists; CS_ERR_NOT_EXIST: there is no such key;
 *     CS_ERR_FAILED_OPERATION: the key has another revision; errors of coterie_kv_put
 */
cs_error_t coterie_kv_put_if(coterie_kv_handle_t handle, const void *key, size_t key_size, const void *value,
	size_t value_size, uint64_t expected, uint64_t *revision);
/** Delete a key. Also CS_ERR_NOT_EXIST, CS_ERR_TOO_BIG. */
cs_error_t coterie_kv_delete(coterie_kv_handle_t handle, const void *key, size_t key_size, uint64_t *revision);
/** Delete a key if its last change was the write `expected`, which is not 0. Errors are as of coterie_kv_put_if. */
cs_error_t coterie_kv_delete_if(
	coterie_kv_handle_t handle, const void *key, size_t key_size, uint64_t expected, uint64_t *revision);

/**
 * Read a value.
 *
 * @param flags  COTERIE_KV_LOCAL or _LINEARIZABLE
 * @param value  out: at most `room` bytes of it; may be NULL if room is 0
 * @param entry  out, may be NULL: sizes and revisions; its key and value point to the parameters
 * @return also CS_ERR_NOT_EXIST; CS_ERR_TOO_BIG: the value is longer than room (then entry is filled in), or the key is
 *     too long
 */
cs_error_t coterie_kv_get(coterie_kv_handle_t handle, uint32_t flags, const void *key, size_t key_size, void *value,
	size_t room, struct coterie_kv_entry *entry);
/**
 * Visit all keys that begin with prefix, in ascending byte order. A long list is read in pages. Each page is
 * consistent, the whole list is not.
 *
 * @param prefix    may be NULL if prefix_size is 0: all keys
 * @param revision  out, may be NULL: revision of the first page. To miss no change, begin a watch before the list, and
 *     apply its events after this revision
 */
cs_error_t coterie_kv_list(coterie_kv_handle_t handle, uint32_t flags, const void *prefix, size_t prefix_size,
	coterie_kv_visit visit, void *arg, uint64_t *revision);

/**
 * Report all changes of keys that begin with prefix from now on.
 *
 * @param watch     out: number of the watch, for the callback and coterie_kv_unwatch
 * @param revision  out, may be NULL: changes after this revision are reported
 * @return also CS_ERR_NO_RESOURCES: the handle has 64 watches
 */
cs_error_t coterie_kv_watch(
	coterie_kv_handle_t handle, const void *prefix, size_t prefix_size, uint32_t *watch, uint64_t *revision);
/** End a watch. Events that are under way are still delivered. Also CS_ERR_NOT_EXIST. */
cs_error_t coterie_kv_unwatch(coterie_kv_handle_t handle, uint32_t watch);

cs_error_t coterie_kv_status_get(coterie_kv_handle_t handle, struct coterie_kv_status *status);
/**
 * Give up the missing nodes: go on with the newest state that the present nodes have, or with an empty table. Writes
 * that only the missing nodes have are lost for good. This is for operators, and needs the right to administer.
 *
 * @return also CS_ERR_ACCESS; CS_ERR_NOT_EXIST: no nodes are missing
 */
cs_error_t coterie_kv_recover(coterie_kv_handle_t handle);

#ifdef __cplusplus
}
#endif

#endif
