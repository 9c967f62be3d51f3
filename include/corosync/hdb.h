/*
 * Handle tables: those of libqb (<qb/qbhdb.h>) under names that older programs use.
 *
 * No call of the client libraries needs this header. Results are 0 or a negative errno, which
 * hdb_error_to_cs() of <corosync/corotypes.h> translates.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef HDB_H_DEFINED
#define HDB_H_DEFINED

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <qb/qbhdb.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef qb_handle_t hdb_handle_t;

/* A table is a struct hdb_handle_database. DECLARE_HDB_DATABASE defines a table of file scope. */
#define hdb_handle_database qb_hdb
#define DECLARE_HDB_DATABASE QB_HDB_DECLARE

/* Formats for printf: a handle in decimal, in hexadecimal. */
#define HDB_D_FORMAT QB_HDB_D_FORMAT
#define HDB_X_FORMAT QB_HDB_X_FORMAT

static inline void hdb_database_lock_init(pthread_mutex_t *mutex) { pthread_mutex_init(mutex, NULL); }

static inline void hdb_database_lock_destroy(pthread_mutex_t *mutex) { pthread_mutex_destroy(mutex); }

static inline void hdb_database_lock(pthread_mutex_t *mutex) { pthread_mutex_lock(mutex); }

static inline void hdb_database_unlock(pthread_mutex_t *mutex) { pthread_mutex_unlock(mutex); }

static inline void hdb_create(struct hdb_handle_database *table) { qb_hdb_create(table); }

static inline void hdb_destroy(struct hdb_handle_database *table) { qb_hdb_destroy(table); }

/** Allocate instance_size zeroed bytes and a handle for them. */
static inline int hdb_handle_create(struct hdb_handle_database *table, int instance_size, hdb_handle_t *handle_out)
{
	return qb_hdb_handle_create(table, instance_size, handle_out);
}

/** Find the memory of a valid handle, and take a reference. Drop it with hdb_handle_put. */
static inline int hdb_handle_get(struct hdb_handle_database *table, hdb_handle_t handle, void **instance)
{
	return qb_hdb_handle_get(table, handle, instance);
}

/** Do as hdb_handle_get does, also for a handle that was destroyed but still has references. */
static inline int hdb_handle_get_always(struct hdb_handle_database *table, hdb_handle_t handle, void **instance)
{
	return qb_hdb_handle_get_always(table, handle, instance);
}

static inline int hdb_handle_put(struct hdb_handle_database *table, hdb_handle_t handle)
{
	return qb_hdb_handle_put(table, handle);
}

/** Destroy a handle. Its memory is freed with the last reference. */
static inline int hdb_handle_destroy(struct hdb_handle_database *table, hdb_handle_t handle)
{
	return qb_hdb_handle_destroy(table, handle);
}

static inline int hdb_handle_refcount_get(struct hdb_handle_database *table, hdb_handle_t handle)
{
	return qb_hdb_handle_refcount_get(table, handle);
}

static inline void hdb_iterator_reset(struct hdb_handle_database *table) { qb_hdb_iterator_reset(table); }

/** Get the next valid handle, with a reference that the caller drops. */
static inline int hdb_iterator_next(struct hdb_handle_database *table, void **instance, hdb_handle_t *handle)
{
	return qb_hdb_iterator_next(table, instance, handle);
}

/** Return the slot part of a handle. */
static inline unsigned int hdb_base_convert(hdb_handle_t handle) { return qb_hdb_base_convert(handle); }

/** Return a handle for a slot that matches any check value of the slot. */
static inline unsigned long long hdb_nocheck_convert(unsigned int handle) { return qb_hdb_nocheck_convert(handle); }

#ifdef __cplusplus
}
#endif

#endif
