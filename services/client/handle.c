/* SPDX-License-Identifier: BSD-3-Clause */
#include "services/client/handle.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/*
 * A handle is slot number | check << 32. The checks of a slot start at a random number and count up, so that an old
 * handle stays invalid when its slot is used again. A check has 31 bits and is not 0, so a handle is never 0 or all
 * ones, which older programs use as "no handle".
 */
#define CHECK_MASK 0x7fffffffu

/* Return the first check of a slot. Do not use random(): the program may rely on its sequence of numbers. */
static uint32_t check_first(void)
{
	uint32_t check;

	if (getrandom(&check, sizeof(check), GRND_NONBLOCK) != sizeof(check)) {
		struct timespec now;

		clock_gettime(CLOCK_MONOTONIC, &now);
		check = (uint32_t)now.tv_nsec ^ (uint32_t)getpid() << 16;
	}
	return check & CHECK_MASK;
}

static uint32_t check_next(uint32_t check)
{
	check = check == 0 ? check_first() : (check + 1) & CHECK_MASK;
	return check == 0 ? 1 : check;
}

static int slots_grow(struct handle_table *table)
{
	uint32_t count = table->slot_count == 0 ? 8 : table->slot_count * 2;
	struct handle_slot *slots;

	if (count < table->slot_count)
		return -ENOMEM;
	slots = reallocarray(table->slots, count, sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;
	for (uint32_t i = table->slot_count; i < count; i++)
		slots[i] = (struct handle_slot){0};
	table->slots = slots;
	table->slot_count = count;
	return 0;
}

/* Return the slot of a valid handle, or NULL. */
static struct handle_slot *slot_find(struct handle_table *table, uint64_t handle)
{
	uint32_t number = (uint32_t)handle;
	uint32_t check = (uint32_t)(handle >> 32);

	if (number >= table->slot_count)
		return NULL;
	struct handle_slot *slot = &table->slots[number];
	return slot->object != NULL && slot->check == check ? slot : NULL;
}

int handle_open(struct handle_table *table, struct handle_object *object, uint64_t *handle)
{
	uint32_t number = 0;
	int rc = 0;

	pthread_mutex_lock(&table->lock);
	while (number < table->slot_count && table->slots[number].object != NULL)
		number++;
	if (number == table->slot_count)
		rc = slots_grow(table);
	if (rc == 0) {
		struct handle_slot *slot = &table->slots[number];

		atomic_init(&object->references, 1);
		slot->object = object;
		slot->check = check_next(slot->check);
		*handle = (uint64_t)slot->check << 32 | number;
	}
	pthread_mutex_unlock(&table->lock);
	return rc;
}

int handle_get(struct handle_table *table, uint64_t handle, struct handle_object **object)
{
	struct handle_slot *slot;

	pthread_mutex_lock(&table->lock);
	slot = slot_find(table, handle);
	if (slot != NULL) {
		*object = slot->object;
		atomic_fetch_add(&slot->object->references, 1);
	}
	pthread_mutex_unlock(&table->lock);
	return slot == NULL ? -EBADF : 0;
}

void handle_put(struct handle_table *table, struct handle_object *object)
{
	if (atomic_fetch_sub(&object->references, 1) == 1)
		table->destroy(object);
}

int handle_take(struct handle_table *table, uint64_t handle, struct handle_object **object)
{
	struct handle_slot *slot;

	pthread_mutex_lock(&table->lock);
	slot = slot_find(table, handle);
	if (slot != NULL) {
		*object = slot->object;
		slot->object = NULL;
	}
	pthread_mutex_unlock(&table->lock);
	return slot == NULL ? -EBADF : 0;
}
