/* SPDX-License-Identifier: BSD-3-Clause */
/* services/client/handle.c */
#include "services/client/handle.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/suite.h"

struct thing {
	struct handle_object object;
	unsigned int *destroyed; /* counts the destroyed things */
};

static void thing_destroy(struct handle_object *object)
{
	struct thing *thing = (struct thing *)object;

	__atomic_fetch_add(thing->destroyed, 1, __ATOMIC_RELAXED);
	free(thing);
}

static struct handle_table table = HANDLE_TABLE_INITIALIZER(thing_destroy);
static unsigned int destroyed;

static uint64_t thing_open(void)
{
	struct thing *thing = calloc(1, sizeof(*thing));
	uint64_t handle = 0;

	ck_assert_ptr_nonnull(thing);
	thing->destroyed = &destroyed;
	ck_assert_int_eq(handle_open(&table, &thing->object, &handle), 0);
	ck_assert_uint_ne(handle, 0);
	return handle;
}

static int thing_close(uint64_t handle)
{
	struct handle_object *object;
	int rc = handle_take(&table, handle, &object);

	if (rc == 0)
		handle_put(&table, object);
	return rc;
}

static void set_up(void) { destroyed = 0; }

START_TEST(opened_found_closed)
{
	uint64_t handle = thing_open();
	struct handle_object *object;

	ck_assert_int_eq(handle_get(&table, handle, &object), 0);
	ck_assert_ptr_eq(((struct thing *)object)->destroyed, &destroyed);
	handle_put(&table, object);
	ck_assert_uint_eq(destroyed, 0);
	ck_assert_int_eq(thing_close(handle), 0);
	ck_assert_uint_eq(destroyed, 1);
	ck_assert_int_eq(handle_get(&table, handle, &object), -EBADF);
	ck_assert_int_eq(thing_close(handle), -EBADF);
}
END_TEST

START_TEST(wrong_handles)
{
	uint64_t handle = thing_open();
	const struct {
		const char *name;
		uint64_t handle;
	} rows[] = {
		{"zero", 0},
		{"slot alone", handle & 0xffffffff},
		{"check alone, other slot", (handle & ~0xffffffffull) | 0xfffffff0},
		{"check one off", handle + (1ull << 32)},
		{"any check", handle | 0xffffffff00000000ull},
		{"next slot", handle + 1},
		{"all ones", ~0ull},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct handle_object *object = NULL;

		ck_assert_msg(handle_get(&table, rows[i].handle, &object) == -EBADF, "%s", rows[i].name);
		ck_assert_msg(thing_close(rows[i].handle) == -EBADF, "%s", rows[i].name);
		ck_assert_ptr_null(object);
	}
	ck_assert_int_eq(thing_close(handle), 0);
}
END_TEST

/* A call that is under way keeps the object. For all other calls the handle is invalid. */
START_TEST(object_outlives_its_handle)
{
	uint64_t handle = thing_open();
	struct handle_object *inside, *other;

	ck_assert_int_eq(handle_get(&table, handle, &inside), 0);
	ck_assert_int_eq(thing_close(handle), 0);
	ck_assert_uint_eq(destroyed, 0);
	ck_assert_int_eq(handle_get(&table, handle, &other), -EBADF);
	handle_put(&table, inside);
	ck_assert_uint_eq(destroyed, 1);
}
END_TEST

/* The slot is used again at once, but no old handle becomes valid again. */
START_TEST(stale_handles_stay_dead)
{
	uint64_t old[1000];

	for (size_t i = 0; i < 1000; i++) {
		old[i] = thing_open();
		ck_assert_uint_eq((uint32_t)old[i], (uint32_t)old[0]);
		ck_assert_int_eq((int)(old[i] >> 63), 0);
		for (size_t j = 0; j < i; j++)
			ck_assert_uint_ne(old[j], old[i]);
		ck_assert_int_eq(thing_close(old[i]), 0);
	}
}
END_TEST

START_TEST(many_at_once)
{
	uint64_t handles[300];

	for (size_t i = 0; i < 300; i++)
		handles[i] = thing_open();
	for (size_t i = 0; i < 300; i += 2)
		ck_assert_int_eq(thing_close(handles[i]), 0);
	for (size_t i = 0; i < 300; i += 2)
		handles[i] = thing_open();
	for (size_t i = 0; i < 300; i++)
		ck_assert_int_eq(thing_close(handles[i]), 0);
	ck_assert_uint_eq(destroyed, 450);
}
END_TEST

static void *close_run(void *handle)
{
	struct handle_object *object;

	/* Several threads use the handle, and several destroy it: exactly one of these succeeds. */
	for (int i = 0; i < 1000; i++)
		if (handle_get(&table, *(uint64_t *)handle, &object) == 0)
			handle_put(&table, object);
	return thing_close(*(uint64_t *)handle) == 0 ? &table : NULL;
}

START_TEST(closed_once_by_many_threads)
{
	enum { THREADS = 4 };
	uint64_t handle = thing_open();
	pthread_t threads[THREADS];
	unsigned int closed = 0;

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, close_run, &handle), 0);
	for (int i = 0; i < THREADS; i++) {
		void *result;

		pthread_join(threads[i], &result);
		closed += result != NULL;
	}
	ck_assert_uint_eq(closed, 1);
	ck_assert_uint_eq(destroyed, 1);
}
END_TEST

/* The library must not change the program's sequence of random(). */
START_TEST(random_is_left_alone)
{
	long first;

	srandom(1);
	first = random();
	srandom(1);
	ck_assert_int_eq(thing_close(thing_open()), 0);
	ck_assert_int_eq(random(), first);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client handle");
	TCase *tcase = tcase_create("handle");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, opened_found_closed);
	tcase_add_test(tcase, wrong_handles);
	tcase_add_test(tcase, object_outlives_its_handle);
	tcase_add_test(tcase, stale_handles_stay_dead);
	tcase_add_test(tcase, many_at_once);
	tcase_add_test(tcase, closed_once_by_many_threads);
	tcase_add_test(tcase, random_is_left_alone);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
