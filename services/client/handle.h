/*
 * Handles of a client library: numbers that a program has, and their objects.
 *
 * Life of an object:
 * 1. handle_open stores the object under a number. The table has one reference.
 * 2. Each call of the library takes a reference with handle_get and drops it with handle_put.
 * 3. handle_take makes the number invalid and passes the table's reference to its caller.
 * 4. The last handle_put destroys the object.
 *
 * A table is the only variable of file scope in a client library: a public handle is a number, so the library must find
 * the object itself. All calls are safe in any thread.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CLIENT_HANDLE_H
#define SERVICES_CLIENT_HANDLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

/** This struct is the first member of every object in a table. */
struct handle_object {
	atomic_uint references;
};

struct handle_slot {
	struct handle_object *object; /* NULL: the slot is free */
	uint32_t check;               /* check of the last handle of this slot; 0: none yet */
};

struct handle_table {
	pthread_mutex_t lock;
	struct handle_slot *slots; /* index: the low half of the handle */
	uint32_t slot_count;
	void (*destroy)(struct handle_object *object);
};

#define HANDLE_TABLE_INITIALIZER(destroy_object) \
	{ \
		PTHREAD_MUTEX_INITIALIZER, NULL, 0, destroy_object \
	}

/**
 * Store an object under a new handle.
 *
 * @param object on success the table takes the only reference
 * @param handle set on success; not 0, and not an earlier handle of the same slot
 * @return 0; -ENOMEM
 */
int handle_open(struct handle_table *table, struct handle_object *object, uint64_t *handle);

/**
 * Find the object of a valid handle.
 *
 * @param object set on success: referenced; the caller drops the reference with handle_put
 * @return 0; -EBADF
 */
int handle_get(struct handle_table *table, uint64_t handle, struct handle_object **object);

/** Drop a reference. If it was the last one, destroy the object. */
void handle_put(struct handle_table *table, struct handle_object *object);

/**
 * Make a handle invalid. If several threads call this for one handle, only one succeeds.
 *
 * @param object set on success: the table's reference, which the caller drops with handle_put
 * @return 0; -EBADF
 */
int handle_take(struct handle_table *table, uint64_t handle, struct handle_object **object);

#endif
