/* SPDX-License-Identifier: BSD-3-Clause */
/* Any number of trackers: how the map finds those of a key, and the rounds in which those of shared values are called. */
#include "exec/map/map.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <coterie/plugin.h>

#include "tests/suite.h"

static struct map *map;

static void setup(void)
{
	map = map_create();
	ck_assert_ptr_nonnull(map);
}

static void teardown(void) { map_destroy(map); }

/* --- shared values --- */

static uint32_t changes;

static void count_changes(
	void *arg, enum map_event event, const char *key, const struct map_value *now, const struct map_value *before)
{
	(void)arg, (void)key;
	changes++;
	if (before == NULL)
		ck_assert_int_ne(event, MAP_DELETED);
	if (now != NULL)
		ck_assert_uint_eq(now->size, 8);
}

static enum map_shared_state changed_and_told(struct map_shared *shared)
{
	map_shared_changed(shared);
	return map_shared_tell(map, 100);
}

START_TEST(a_shared_value_is_read_in_place)
{
	uint64_t counter = 5;
	struct map_shared *shared = map_share(map, "count", COTERIE_MAP_U64, &counter, sizeof(counter));
	struct map_value value;

	changes = 0;
	ck_assert_ptr_nonnull(shared);
	counter++;
	map_shared_changed(shared);
	ck_assert_int_eq(map_get(map, "count", &value), 0);
	ck_assert_uint_eq(*(const uint64_t *)value.bytes, 6);
	struct map_tracker *tracker = map_track(map, "cou", true, count_changes, NULL);
	ck_assert_int_eq(changed_and_told(shared), MAP_SHARED_QUIET);
	ck_assert_uint_eq(changes, 1);
	map_untrack(map, tracker);
	ck_assert_int_eq(changed_and_told(shared), MAP_SHARED_QUIET);
	ck_assert_uint_eq(changes, 1);
	map_track(map, "count", false, count_changes, NULL);
	ck_assert_int_eq(changed_and_told(shared), MAP_SHARED_QUIET);
	ck_assert_uint_eq(changes, 2);
	map_set_u8(map, "other", 3);
	map_unshare(shared); /* deletes the key */
	ck_assert_uint_eq(changes, 3);
	ck_assert_int_eq(map_get(map, "count", &value), -ENOENT);
}
END_TEST

START_TEST(a_set_ends_the_sharing)
{
	uint64_t counter = 5, other = 9;
	struct map_shared *first = map_share(map, "count", COTERIE_MAP_U64, &counter, sizeof(counter));
	struct map_shared *second = map_share(map, "gone", COTERIE_MAP_U64, &counter, sizeof(counter));
	struct map_value value;

	changes = 0;
	map_track(map, "", true, count_changes, NULL);
	ck_assert_int_eq(map_set(map, "count", COTERIE_MAP_U64, &other, sizeof(other)), 0);
	ck_assert_int_eq(map_delete(map, "gone"), 0);
	ck_assert_uint_eq(changes, 2);
	counter++;
	map_shared_changed(first);
	map_shared_changed(second);
	ck_assert_int_eq(changed_and_told(NULL), MAP_SHARED_QUIET);
	ck_assert_uint_eq(changes, 2);
	map_unshare(first); /* no effect: another owner has the key now */
	map_unshare(second);
	map_unshare(NULL);
	ck_assert_int_eq(map_get(map, "count", &value), 0);
	ck_assert_uint_eq(*(const uint64_t *)value.bytes, 9);
	ck_assert_ptr_null(map_share(map, "no", COTERIE_MAP_U64, &counter, sizeof(counter)));
	map_share(map, "left", COTERIE_MAP_U64, &counter, sizeof(counter)); /* destroying the map frees this key */
}
END_TEST

static uint32_t wakes;

static void wake(void *arg)
{
	ck_assert_ptr_eq(arg, &wakes);
	wakes++;
}

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Return the time of 10,000 changes of a shared value. */
static uint64_t time_of_changes(struct map_shared *shared)
{
	uint64_t best_ns = UINT64_MAX;

	for (int n = 0; n < 5; n++) {
		uint64_t at_ns = cpu_ns();

		for (uint32_t i = 0; i < 10000; i++)
			map_shared_changed(shared);
		at_ns = cpu_ns() - at_ns;
		best_ns = at_ns < best_ns ? at_ns : best_ns;
	}
	return best_ns;
}

/* A client with 4,096 trackers made each message of the ring, which changes such a value, take 70 times as long. */
START_TEST(a_change_of_a_shared_value_costs_the_same_with_any_trackers)
{
	uint64_t counter = 0;
	struct map_shared *shared = map_share(map, "runtime.n.rx", COTERIE_MAP_U64, &counter, sizeof(counter));
	char key[32];

	changes = wakes = 0;
	map_shared_watch(map, wake, &wakes);
	map_track(map, "", true, count_changes, NULL); /* as the cmap service has it */

	uint64_t alone_ns = time_of_changes(shared);

	for (uint32_t i = 0; i < 4096; i++) {
		snprintf(key, sizeof(key), "runtime.n.x%u", i);
		map_track(map, key, i % 2 == 0, count_changes, NULL);
	}
	ck_assert_uint_lt(time_of_changes(shared), 10 * alone_ns + 1000000);
	for (uint32_t i = 0; i < 40; i++)
		map_track(map, "runtime.", true, count_changes, NULL);
	ck_assert_uint_lt(time_of_changes(shared), 10 * alone_ns + 1000000);
	ck_assert_uint_eq(wakes, 3 * 5 * 10000);
	ck_assert_uint_eq(changes, 0); /* no tracker is called meanwhile */
	ck_assert_int_eq(map_shared_tell(map, 100), MAP_SHARED_QUIET);
	ck_assert_uint_eq(changes, 41); /* each one once */
}
END_TEST

/* The same for a change of any other key. */
START_TEST(a_change_does_not_look_at_trackers_of_other_keys)
{
	uint64_t alone_ns = 0, many_ns = 0;
	char key[32];

	for (int n = 0; n < 2; n++) {
		uint64_t best_ns = UINT64_MAX;

		for (int i = 0; i < 5; i++) {
			uint64_t at_ns = cpu_ns();

			for (uint32_t k = 0; k < 2000; k++)
				map_set_u32(map, "k.changes", k);
			at_ns = cpu_ns() - at_ns;
			best_ns = at_ns < best_ns ? at_ns : best_ns;
		}
		*(n == 0 ? &alone_ns : &many_ns) = best_ns;
		for (uint32_t i = 0; i < 4096; i++) {
			snprintf(key, sizeof(key), "k.%u", i);
			map_track(map, key, i % 2 == 0, count_changes, NULL);
		}
	}
	ck_assert_uint_lt(many_ns, 10 * alone_ns + 1000000);
}
END_TEST

static uint64_t last_told[3];
static uint32_t calls;

static void note_value(
	void *arg, enum map_event event, const char *key, const struct map_value *now, const struct map_value *before)
{
	(void)event, (void)key;
	ck_assert_ptr_null(before);
	memcpy(arg, now->bytes, sizeof(uint64_t));
	calls++;
}

START_TEST(a_round_calls_each_tracker_once_with_the_present_value)
{
	uint64_t counter = 0, other = 0;
	struct map_shared *shared = map_share(map, "k.count", COTERIE_MAP_U64, &counter, sizeof(counter));
	struct map_shared *second = map_share(map, "k.other", COTERIE_MAP_U64, &other, sizeof(other));

	memset(last_told, 0, sizeof(last_told));
	calls = 0;
	ck_assert_int_eq(map_shared_tell(map, 100), MAP_SHARED_QUIET);
	map_track(map, "k.count", false, note_value, &last_told[0]);
	map_track(map, "k.", true, note_value, &last_told[1]);
	counter = 5;
	map_shared_changed(shared);
	map_shared_changed(shared);
	map_track(map, "k.c", true, note_value, &last_told[2]);        /* it hears of later changes only */
	ck_assert_int_eq(map_shared_tell(map, 2), MAP_SHARED_TELLING); /* one step begins, one calls a tracker */
	ck_assert_uint_eq(last_told[0], 5);
	counter = 6;
	map_shared_changed(shared); /* in the running round the other tracker gets it */
	map_shared_changed(second); /* this one waits for the next round */
	ck_assert_int_eq(map_shared_tell(map, 100), MAP_SHARED_CHANGED);
	ck_assert_uint_eq(last_told[0], 5);
	ck_assert_uint_eq(last_told[1], 6);
	ck_assert_uint_eq(last_told[2], 0);
	ck_assert_uint_eq(calls, 2);
	other = 7;
	ck_assert_int_eq(map_shared_tell(map, 100), MAP_SHARED_QUIET);
	ck_assert_uint_eq(last_told[0], 6); /* no last value is lost */
	ck_assert_uint_eq(last_told[1], 7);
	ck_assert_uint_eq(last_told[2], 6);
	ck_assert_uint_eq(calls, 6);
}
END_TEST

static void count_call(
	void *arg, enum map_event event, const char *key, const struct map_value *now, const struct map_value *before)
{
	(void)event, (void)key, (void)now, (void)before;
	++*(uint64_t *)arg;
}

static struct map_tracker *ending[4];
static struct map_shared *ended;

static void end_others(
	void *arg, enum map_event event, const char *key, const struct map_value *now, const struct map_value *before)
{
	(void)arg, (void)key, (void)now, (void)before;
	calls++;
	if (event == MAP_DELETED)
		return;
	for (int i = 0; i < 4; i++) {
		map_untrack(map, ending[i]);
		ending[i] = NULL;
	}
	map_unshare(ended);
	ended = NULL;
}

START_TEST(trackers_and_values_may_end_during_a_round)
{
	uint64_t counter = 0, others = 0;
	struct map_shared *shared[3];
	static const char *const keys[] = {"k.a", "k.b", "k.c"};

	calls = changes = 0;
	for (int i = 0; i < 3; i++)
		shared[i] = map_share(map, keys[i], COTERIE_MAP_U64, &counter, sizeof(counter));
	map_track(map, "k.", true, count_call, &others);
	for (int i = 3; i >= 0; i--)
		ending[i] = map_track(map, "k.a", false, count_changes, NULL);
	for (int i = 0; i < 3; i++)
		map_shared_changed(shared[i]);
	ck_assert_int_eq(map_shared_tell(map, 2), MAP_SHARED_TELLING);
	ck_assert_uint_eq(changes, 1);
	map_untrack(map, ending[1]); /* the next one to call */
	ending[1] = NULL;
	ck_assert_int_eq(map_shared_tell(map, 1), MAP_SHARED_TELLING);
	ck_assert_uint_eq(changes, 2);
	map_unshare(shared[1]); /* it waits in the round */
	map_untrack(map, ending[3]);
	ending[3] = NULL; /* it was the last one */
	map_track(map, "k.", true, end_others, NULL);
	map_shared_changed(shared[2]);
	ended = shared[0];
	ck_assert_int_eq(map_shared_tell(map, 100), MAP_SHARED_QUIET);
	ck_assert_uint_eq(calls, 2);  /* a change of k.c, in which k.a was deleted */
	ck_assert_uint_eq(others, 4); /* k.b was deleted, too. The round had changes of k.a and k.c */
	ck_assert_int_eq(map_get(map, "k.a", NULL), -ENOENT);

	/* The value that is being told is deleted, or set. */
	ck_assert_int_eq(map_get(map, "k.b", NULL), -ENOENT);
	map_track(map, "k.c", false, count_changes, NULL);
	map_track(map, "k.c", false, count_changes, NULL);
	map_shared_changed(shared[2]);
	ck_assert_int_eq(map_shared_tell(map, 2), MAP_SHARED_TELLING);
	ck_assert_int_eq(map_delete(map, "k.c"), 0);
	calls = 0;
	ck_assert_int_eq(map_shared_tell(map, 100), MAP_SHARED_QUIET);
	ck_assert_uint_eq(calls, 0);
	map_unshare(shared[2]);
}
END_TEST

/* --- the index of trackers --- */

#define NEST_MAX 200

/* The calls of a change are compared with a plain walk over all trackers. */
START_TEST(trackers_of_nested_prefixes_are_found)
{
	static struct {
		char key[8];
		bool is_prefix;
		struct map_tracker *tracker;
		uint64_t calls;
	} rows[NEST_MAX];
	uint32_t seed = 1;

	for (uint32_t turn = 0; turn < 3000; turn++) {
		uint32_t row = (seed = seed * 1103515245 + 12345) / 65536 % NEST_MAX;
		char key[8] = {0};

		for (uint32_t i = 0, length = 3 + seed / 1024 % 4; i < length; i++)
			key[i] = (char)('a' + (seed = seed * 1103515245 + 12345) / 65536 % 2);
		if (rows[row].tracker != NULL) {
			map_untrack(map, rows[row].tracker);
			rows[row].tracker = NULL;
		} else {
			memcpy(rows[row].key, key, sizeof(key));
			rows[row].is_prefix = seed / 65536 % 3 > 0;
			if (rows[row].is_prefix)
				rows[row].key[seed / 1048576 % 7] = '\0';
			rows[row].calls = 0;
			rows[row].tracker = map_track(
				map, rows[row].key, rows[row].is_prefix, count_call, &rows[row].calls);
		}
		if (turn % 1000 == 999) { /* most places get empty */
			for (row = 0; row < NEST_MAX - 3; row++) {
				map_untrack(map, rows[row].tracker);
				rows[row].tracker = NULL;
			}
		}
		map_set_u32(map, key, turn);
		for (row = 0; row < NEST_MAX; row++) {
			size_t length = strlen(rows[row].key);
			bool is_told = rows[row].is_prefix ? strncmp(key, rows[row].key, length) == 0
							   : strcmp(key, rows[row].key) == 0;

			if (rows[row].tracker != NULL)
				ck_assert_uint_eq(rows[row].calls, is_told);
			rows[row].calls = 0;
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("map_trackers");
	TCase *tc = tcase_create("map_trackers");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_shared_value_is_read_in_place);
	tcase_add_test(tc, a_set_ends_the_sharing);
	tcase_add_test(tc, a_change_of_a_shared_value_costs_the_same_with_any_trackers);
	tcase_add_test(tc, a_change_does_not_look_at_trackers_of_other_keys);
	tcase_add_test(tc, a_round_calls_each_tracker_once_with_the_present_value);
	tcase_add_test(tc, trackers_and_values_may_end_during_a_round);
	tcase_add_test(tc, trackers_of_nested_prefixes_are_found);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
