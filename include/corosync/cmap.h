/*
 * The configuration map: typed keys that hold the configuration and the state of this node, and its
 * statistics. Content is local to the node and not stored on disk.
 *
 * cmap_overview(3) introduces the service, cmap_keys(7) lists the keys. Each call has a page of its own,
 * shared by calls that differ only in the type of a value. Every call returns CS_OK, or one of the codes
 * listed with it. A call that is not marked "local" returns CS_ERR_LIBRARY if the connection to the daemon
 * is broken. All calls return CS_ERR_BAD_HANDLE for a handle that is not live. CS_ERR_TRY_AGAIN means that
 * nothing has happened: repeat the call some milliseconds later.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef COROSYNC_CMAP_H_DEFINED
#define COROSYNC_CMAP_H_DEFINED

#include <corosync/corotypes.h>
#include <corosync/hdb.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A connection to the service. Never 0. */
typedef uint64_t cmap_handle_t;

/** An iteration over the keys of one connection. */
typedef uint64_t cmap_iter_handle_t;

/** A tracker of changes of one connection. */
typedef uint64_t cmap_track_handle_t;

/** Longest and shortest key, in characters without the NUL. Allowed characters: a-z A-Z 0-9 . _ - / : */
#define CMAP_KEYNAME_MAXLEN 255
#define CMAP_KEYNAME_MINLEN 3

/** Events of a key, and bits of the events that are tracked. */
#define CMAP_TRACK_DELETE 1
#define CMAP_TRACK_MODIFY 2
#define CMAP_TRACK_ADD 4

/** A further bit: track all keys with this prefix. */
#define CMAP_TRACK_PREFIX 8

/** Type of a value. Numbers are in the byte order of the machine. */
typedef enum {
	CMAP_VALUETYPE_INT8 = 1,
	CMAP_VALUETYPE_UINT8 = 2,
	CMAP_VALUETYPE_INT16 = 3,
	CMAP_VALUETYPE_UINT16 = 4,
	CMAP_VALUETYPE_INT32 = 5,
	CMAP_VALUETYPE_UINT32 = 6,
	CMAP_VALUETYPE_INT64 = 7,
	CMAP_VALUETYPE_UINT64 = 8,
	CMAP_VALUETYPE_FLOAT = 9,
	CMAP_VALUETYPE_DOUBLE = 10,
	CMAP_VALUETYPE_STRING = 11, /* its length counts the NUL */
	CMAP_VALUETYPE_BINARY = 12  /* at most 16384 bytes, as with strings */
} cmap_value_types_t;

/** The map of a connection. */
typedef enum {
	CMAP_MAP_DEFAULT = 0,
	CMAP_MAP_ICMAP = 0, /* the configuration and the state of the node */
	CMAP_MAP_STATS = 1  /* statistics, computed when they are read */
} cmap_map_t;

/** A value for a callback, valid until the callback returns. */
struct cmap_notify_value {
	cmap_value_types_t type; /* 0: there is none */
	size_t len;              /* bytes */
	const void *data;
};

/** none if the key was added, and for counters of the daemon itself */
typedef void (*cmap_notify_fn_t)(cmap_handle_t cmap_handle, cmap_track_handle_t cmap_track_handle, int32_t event,
	const char *key_name, struct cmap_notify_value new_value, struct cmap_notify_value old_value, void *user_data);

/**
 * Connect to the configuration map.
 *
 * @param handle  out
 * @return CS_ERR_TRY_AGAIN: the daemon is starting; CS_ERR_ACCESS; CS_ERR_NO_MEMORY
 */
extern cs_error_t cmap_initialize(cmap_handle_t *handle);

/**
 * Connect to one of the maps.
 *
 * @return as cmap_initialize; CS_ERR_NOT_EXIST: no such map. Also after CS_ERR_NOT_EXIST the handle can be used, for
 *     the configuration map, and must be finalized
 */
extern cs_error_t cmap_initialize_map(cmap_handle_t *handle, cmap_map_t map);

/** Disconnect. Iterators and trackers end, too. Local. */
extern cs_error_t cmap_finalize(cmap_handle_t handle);

/** Get a descriptor that is readable when events wait for a dispatch. The library owns it. Local. */
extern cs_error_t cmap_fd_get(cmap_handle_t handle, int *fd);

/**
 * Call the callbacks of changes that have happened.
 *
 * @return CS_ERR_TRY_AGAIN: no change waits (only with CS_DISPATCH_ONE_NONBLOCKING)
 */
extern cs_error_t cmap_dispatch(cmap_handle_t handle, cs_dispatch_flags_t dispatch_types);

/** Get the pointer that was set last, NULL at first. Local. */
extern cs_error_t cmap_context_get(cmap_handle_t handle, const void **context);

/** Store a pointer, which the library does not use. Local. */
extern cs_error_t cmap_context_set(cmap_handle_t handle, const void *context);

/**
 * Set a key, or add it. Setting the same type and value again is no change.
 *
 * @param value      borrowed; value_len bytes: for a number the size of its type, for a string its
 *     length with or without the NUL
 * @return CS_ERR_INVALID_PARAM: a pointer is NULL, or value_len does not match the type; CS_ERR_ACCESS:
 *     the key is read-only; CS_ERR_NAME_TOO_LONG: not a name for a key; CS_ERR_NO_RESOURCES: the map is
 *     full; CS_ERR_TOO_BIG; CS_ERR_NOT_SUPPORTED: unknown statistics to clear
 */
extern cs_error_t cmap_set(
	cmap_handle_t handle, const char *key_name, const void *value, size_t value_len, cmap_value_types_t type);

/** Set a key to a value of that type, as cmap_set does. */
extern cs_error_t cmap_set_int8(cmap_handle_t handle, const char *key_name, int8_t value);
extern cs_error_t cmap_set_uint8(cmap_handle_t handle, const char *key_name, uint8_t value);
extern cs_error_t cmap_set_int16(cmap_handle_t handle, const char *key_name, int16_t value);
extern cs_error_t cmap_set_uint16(cmap_handle_t handle, const char *key_name, uint16_t value);
extern cs_error_t cmap_set_int32(cmap_handle_t handle, const char *key_name, int32_t value);
extern cs_error_t cmap_set_uint32(cmap_handle_t handle, const char *key_name, uint32_t value);
extern cs_error_t cmap_set_int64(cmap_handle_t handle, const char *key_name, int64_t value);
extern cs_error_t cmap_set_uint64(cmap_handle_t handle, const char *key_name, uint64_t value);
extern cs_error_t cmap_set_float(cmap_handle_t handle, const char *key_name, float value);
extern cs_error_t cmap_set_double(cmap_handle_t handle, const char *key_name, double value);
extern cs_error_t cmap_set_string(cmap_handle_t handle, const char *key_name, const char *value);

/**
 * Delete a key.
 *
 * @return CS_ERR_INVALID_PARAM: key_name is NULL; CS_ERR_NAME_TOO_LONG: 256 characters or more;
 *     CS_ERR_ACCESS: read-only; CS_ERR_NOT_EXIST; CS_ERR_NOT_SUPPORTED: statistics to clear
 */
extern cs_error_t cmap_delete(cmap_handle_t handle, const char *key_name);

/**
 * Get a key's value, its length and its type.
 *
 * @param value      out, *value_len bytes; NULL or *value_len 0: get only the length and the type
 * @param value_len  in and out; NULL is allowed without value
 * @param type       out, may be NULL
 * @return CS_ERR_INVALID_PARAM: key_name is NULL, value_len is NULL but value is not, or there is not
 *     enough room (nothing is written then); CS_ERR_NAME_TOO_LONG: 256 characters or more;
 *     CS_ERR_NOT_EXIST; CS_ERR_NO_MEMORY
 */
extern cs_error_t cmap_get(
	cmap_handle_t handle, const char *key_name, void *value, size_t *value_len, cmap_value_types_t *type);

/** Get a key's value, as cmap_get does. It must have that type: CS_ERR_INVALID_PARAM if it has another one. */
extern cs_error_t cmap_get_int8(cmap_handle_t handle, const char *key_name, int8_t *i8);
extern cs_error_t cmap_get_uint8(cmap_handle_t handle, const char *key_name, uint8_t *u8);
extern cs_error_t cmap_get_int16(cmap_handle_t handle, const char *key_name, int16_t *i16);
extern cs_error_t cmap_get_uint16(cmap_handle_t handle, const char *key_name, uint16_t *u16);
extern cs_error_t cmap_get_int32(cmap_handle_t handle, const char *key_name, int32_t *i32);
extern cs_error_t cmap_get_uint32(cmap_handle_t handle, const char *key_name, uint32_t *u32);
extern cs_error_t cmap_get_int64(cmap_handle_t handle, const char *key_name, int64_t *i64);
extern cs_error_t cmap_get_uint64(cmap_handle_t handle, const char *key_name, uint64_t *u64);
extern cs_error_t cmap_get_float(cmap_handle_t handle, const char *key_name, float *flt);
extern cs_error_t cmap_get_double(cmap_handle_t handle, const char *key_name, double *dbl);

/** Get a key's value, which must be a string. *str is malloc'd, and the caller frees it. */
extern cs_error_t cmap_get_string(cmap_handle_t handle, const char *key_name, char **str);

/**
 * Add 1 to an integer, or subtract 1. It wraps around in its own width.
 *
 * @return as cmap_delete; CS_ERR_INVALID_PARAM: not an integer
 */
extern cs_error_t cmap_inc(cmap_handle_t handle, const char *key_name);
extern cs_error_t cmap_dec(cmap_handle_t handle, const char *key_name);

/**
 * Begin an iteration over the keys that begin with prefix, in ascending byte order. The map may change
 * meanwhile. Changes of later keys are seen.
 *
 * @param prefix            plain text, not a component; NULL, "": all
 * @param cmap_iter_handle  out; end it with cmap_iter_finalize
 * @return CS_ERR_INVALID_PARAM: cmap_iter_handle is NULL; CS_ERR_NAME_TOO_LONG: 256 characters or more;
 *     CS_ERR_NO_RESOURCES: too many are open; CS_ERR_NO_MEMORY
 */
extern cs_error_t cmap_iter_init(cmap_handle_t handle, const char *prefix, cmap_iter_handle_t *cmap_iter_handle);

/**
 * Get the next key.
 *
 * @param key_name   out; room for CMAP_KEYNAME_MAXLEN + 1 bytes
 * @param value_len  out, may be NULL; 0 for a string of the statistics
 * @param type       out, may be NULL
 * @return CS_ERR_NO_SECTIONS: there are no more keys, now and at each further call; CS_ERR_INVALID_PARAM: key_name is
 *     NULL; CS_ERR_BAD_HANDLE also: no such iterator
 */
extern cs_error_t cmap_iter_next(cmap_handle_t handle, cmap_iter_handle_t iter_handle, char key_name[],
	size_t *value_len, cmap_value_types_t *type);

/** End an iteration. CS_ERR_BAD_HANDLE also: no such iterator. */
extern cs_error_t cmap_iter_finalize(cmap_handle_t handle, cmap_iter_handle_t iter_handle);

/**
 * Call notify_fn when a key changes, also if it does not exist yet.
 *
 * @param key_name           borrowed; NULL, "": all keys, together with CMAP_TRACK_PREFIX
 * @param track_type         CMAP_TRACK_ADD, _DELETE and _MODIFY, and _PREFIX
 * @param user_data          given to notify_fn
 * @param cmap_track_handle  out; end it with cmap_track_delete
 * @return CS_ERR_INVALID_PARAM: notify_fn or cmap_track_handle is NULL, or track_type has other bits;
 *     CS_ERR_NAME_TOO_LONG: 256 characters or more; CS_ERR_NOT_SUPPORTED: a prefix of the statistics
 *     without both _ADD and _DELETE; CS_ERR_NO_RESOURCES: too many are open; CS_ERR_NO_MEMORY
 */
extern cs_error_t cmap_track_add(cmap_handle_t handle, const char *key_name, int32_t track_type,
	cmap_notify_fn_t notify_fn, void *user_data, cmap_track_handle_t *cmap_track_handle);

/**
 * End a tracker. Its function is not called any more, not even for changes that wait for a dispatch. CS_ERR_BAD_HANDLE
 * also: no such tracker.
 */
extern cs_error_t cmap_track_delete(cmap_handle_t handle, cmap_track_handle_t track_handle);

#ifdef __cplusplus
}
#endif

#endif /* COROSYNC_CMAP_H_DEFINED */
