/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/stats/stats.c: keys whose values are computed when they are read, trackers, and clearing. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <check.h>

#include "exec/loop/loop.h"
#include "exec/stats/stats.h"
#include "tests/suite.h"

static struct loop *loop;
static struct stats *stats;
static char told[256];

static void set_up(void)
{
	loop = loop_create();
	stats = stats_create(loop);
	told[0] = '\0';
}

static void tear_down(void)
{
	stats_destroy(stats);
	stats_destroy(NULL);
	loop_destroy(loop);
}

static uint32_t read_u32(void *arg, void *value)
{
	memcpy(value, arg, sizeof(uint32_t));
	return sizeof(uint32_t);
}

static uint32_t read_text(void *arg, void *value)
{
	strcpy(value, arg);
	return (uint32_t)strlen(arg) + 1;
}

static void note(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	size_t used = strlen(told);

	ck_assert_uint_eq(now->size, before->size);
	ck_assert_mem_eq(now->bytes, before->bytes, now->size);
	snprintf(told + used, sizeof(told) - used, "%s%u %s=%u;", (const char *)arg, event, key,
		now->type == COTERIE_MAP_U32 ? *(const uint32_t *)now->bytes : 0);
}

static void stop(void *arg) { loop_stop(arg); }

static void run_for_ns(uint64_t ns)
{
	loop_timer_add(loop, loop_now_ns(loop) + ns, stop, loop);
	loop_run(loop);
}

START_TEST(values_are_read_when_asked_for)
{
	static char name[] = "corosync-cfgto";
	struct coterie_map_value value;
	uint32_t number = 1;

	ck_assert_int_eq(stats_add(stats, NULL, "stats.b", COTERIE_MAP_U32, read_u32, &number), 0);
	ck_assert_int_eq(stats_add(stats, NULL, "stats.b", COTERIE_MAP_U32, read_u32, &number), -EEXIST);
	ck_assert_int_eq(stats_add(stats, NULL, "st", COTERIE_MAP_U32, read_u32, &number), -EINVAL);
	ck_assert_int_eq(stats_add(stats, NULL, "stats.c", 0, read_u32, &number), -EINVAL);
	ck_assert_int_eq(stats_add(stats, NULL, "stats.a", COTERIE_MAP_STRING, read_text, name), 0);
	number = 4711;
	ck_assert_int_eq(stats_read(stats, "stats.b", &value), 0);
	ck_assert_uint_eq(value.type, COTERIE_MAP_U32);
	ck_assert_uint_eq(*(const uint32_t *)value.bytes, 4711);
	ck_assert_int_eq(stats_read(stats, "stats.a", &value), 0);
	ck_assert_uint_eq(value.size, sizeof(name));
	ck_assert_int_eq(stats_read(stats, "stats.", &value), -ENOENT);
	stats_del(stats, &number, "stats.b"); /* no effect: another owner's statistic */
	ck_assert_int_eq(stats_read(stats, "stats.b", &value), 0);
	stats_del(stats, NULL, "stats.b");
	ck_assert_int_eq(stats_read(stats, "stats.b", &value), -ENOENT);
}
END_TEST

START_TEST(a_number_is_read_where_it_stands)
{
	static const uint64_t fixed = UINT64_MAX;
	struct coterie_map_value value;
	uint64_t number = 1;

	ck_assert_int_eq(stats_add_u64(stats, &number, "stats.b", &number), 0);
	ck_assert_int_eq(stats_add_u64(stats, NULL, "stats.b", &fixed), -EEXIST);
	ck_assert_int_eq(stats_add_u64(stats, NULL, "st", &fixed), -EINVAL);
	ck_assert_int_eq(stats_add_u64(stats, NULL, "stats.a", &fixed), 0);
	number = 4711;
	ck_assert_int_eq(stats_read(stats, "stats.b", &value), 0);
	ck_assert_uint_eq(value.type, COTERIE_MAP_U64);
	ck_assert_uint_eq(value.size, sizeof(number));
	ck_assert_uint_eq(*(const uint64_t *)value.bytes, 4711);
	ck_assert_int_eq(stats_read(stats, "stats.a", &value), 0);
	ck_assert_uint_eq(*(const uint64_t *)value.bytes, UINT64_MAX);
	ck_assert_uint_eq(stats_forget(stats, &number), 1);
	ck_assert_int_eq(stats_read(stats, "stats.b", &value), -ENOENT);
}
END_TEST

START_TEST(walks_are_in_byte_order)
{
	static const char *const keys[] = {"stats.b.2", "stats.a", "stats.b.10", "stats.b", "stats.c"};
	static char text[] = "x";
	struct coterie_map_value value;
	uint32_t number = 3;

	for (size_t i = 0; i < 5; i++)
		stats_add(stats, NULL, keys[i], i == 0 ? COTERIE_MAP_STRING : COTERIE_MAP_U32,
			i == 0 ? read_text : read_u32, i == 0 ? (void *)text : &number);
	struct stats_iterator *iterator = stats_iterator_create(stats, "stats.b");
	ck_assert_str_eq(stats_iterator_next(iterator, &value), "stats.b");
	ck_assert_uint_eq(value.size, 4);
	ck_assert_str_eq(stats_iterator_next(iterator, NULL), "stats.b.10");
	stats_del(stats, NULL, "stats.b.10"); /* the key that the iterator returned last */
	ck_assert_str_eq(stats_iterator_next(iterator, &value), "stats.b.2");
	ck_assert_uint_eq(value.type, COTERIE_MAP_STRING);
	ck_assert_uint_eq(value.size, 0);
	ck_assert_ptr_null(stats_iterator_next(iterator, NULL));
	ck_assert_ptr_null(stats_iterator_next(iterator, &value));
	stats_iterator_destroy(iterator);
	stats_iterator_destroy(NULL);
}
END_TEST

START_TEST(prefixes_hear_of_keys_that_come_and_go)
{
	static char name[] = "p";
	struct stats_tracker *tracker, *partial;
	uint32_t number = 3;

	ck_assert_int_eq(
		stats_track(stats, "stats.", COTERIE_MAP_PREFIX | COTERIE_MAP_ADDED, note, name, &partial), -ENOTSUP);
	ck_assert_int_eq(stats_track(stats, "stats.", COTERIE_MAP_PREFIX | COTERIE_MAP_MODIFIED, note, name, &partial),
		-ENOTSUP);
	ck_assert_int_eq(stats_track(stats, "stats.k", COTERIE_MAP_PREFIX | 5, note, name, &tracker), 0);
	stats_hush(stats, "stats.kept.");
	stats_add(stats, NULL, "stats.k1", COTERIE_MAP_U32, read_u32, &number);
	stats_add(stats, &number, "stats.k2", COTERIE_MAP_U32, read_u32, &number);
	stats_add(stats, NULL, "stats.kept.0", COTERIE_MAP_U32, read_u32, &number);
	stats_add(stats, NULL, "stats.other", COTERIE_MAP_U32, read_u32, &number);
	number = 4;
	stats_del(stats, NULL, "stats.k1");
	ck_assert_uint_eq(stats_forget(stats, &number), 1);
	ck_assert_uint_eq(stats_forget(stats, &number), 0);
	ck_assert_str_eq(told, "p4 stats.k1=3;p4 stats.k2=3;p1 stats.k1=4;p1 stats.k2=0;");
	stats_untrack(stats, tracker);
	stats_untrack(stats, NULL);
}
END_TEST

START_TEST(single_keys_are_looked_at_now_and_then)
{
	static char name[] = "s";
	struct stats_tracker *tracker, *nobody;
	uint32_t number = 3;

	stats_add(stats, NULL, "stats.n", COTERIE_MAP_U32, read_u32, &number);
	ck_assert_int_eq(stats_track(stats, "stats.n", COTERIE_MAP_MODIFIED, note, name, &tracker), 0);
	ck_assert_int_eq(stats_track(stats, "stats.x", COTERIE_MAP_MODIFIED, note, name, &nobody), 0);
	ck_assert_int_eq(stats_track(stats, NULL, COTERIE_MAP_MODIFIED, note, name, &nobody), 0);
	number = 4;
	number = 5;
	run_for_ns(STATS_REFRESH_NS / 2);
	ck_assert_str_eq(told, "");
	run_for_ns(STATS_REFRESH_NS * 6 / 10);
	ck_assert_str_eq(told, "s2 stats.n=5;");
	run_for_ns(STATS_REFRESH_NS * 11 / 10);
	ck_assert_str_eq(told, "s2 stats.n=5;"); /* no second notification */
	stats_untrack(stats, tracker);
}
END_TEST

/* --- many trackers --- */

#define MANY 4096u
#define AT_ONCE_MAX 64u

/* Steps of the refresh: readings of keys, and calls of trackers. */
static struct steps {
	uint32_t reads, calls;
	uint32_t at_once, at_once_max; /* in the present callback of the loop, and most in any of them */
	uint32_t awaited;              /* the loop stops after this many */
	bool is_deferred;
} steps;

static void end_callback(void *arg)
{
	(void)arg;
	steps.at_once = 0;
	steps.is_deferred = false;
}

static void count_step(void)
{
	if (!steps.is_deferred)
		ck_assert_int_eq(loop_defer(loop, end_callback, NULL), 0);
	steps.is_deferred = true;
	if (++steps.at_once > steps.at_once_max)
		steps.at_once_max = steps.at_once;
	if (steps.reads + steps.calls == steps.awaited)
		loop_stop(loop);
}

static uint32_t read_counted(void *arg, void *value)
{
	steps.reads++;
	count_step();
	return read_u32(arg, value);
}

static void count_call(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	(void)arg, (void)key, (void)now, (void)before;
	ck_assert_uint_eq(event, COTERIE_MAP_MODIFIED);
	steps.calls++;
	count_step();
}

/*
 * Forget the steps that adding the trackers took. No callback runs here: where the machine is slow, the refresh is due
 * already.
 */
static void forget_steps(void) { steps = (struct steps){.is_deferred = steps.is_deferred}; }

/* Run the loop until this many steps were made, however long a busy machine takes for them. */
static void run_for_steps(uint32_t count)
{
	steps.awaited = count;
	loop_run(loop);
}

/* In one refresh each tracker read the key. 4,096 trackers of one key delayed the loop for 300 ms. */
START_TEST(a_key_is_read_once_for_all_its_trackers)
{
	static struct stats_tracker *trackers[MANY];
	uint32_t number = 3;

	stats_add(stats, NULL, "stats.n", COTERIE_MAP_U32, read_counted, &number);
	for (uint32_t i = 0; i < MANY; i++)
		ck_assert_int_eq(
			stats_track(stats, "stats.n", COTERIE_MAP_MODIFIED, count_call, NULL, &trackers[i]), 0);
	forget_steps();
	number = 4;
	run_for_steps(1 + MANY);
	ck_assert_uint_eq(steps.reads, 1);
	ck_assert_uint_eq(steps.calls, MANY);
	ck_assert_uint_le(steps.at_once_max, AT_ONCE_MAX);
	for (uint32_t i = 0; i < MANY; i++)
		stats_untrack(stats, trackers[i]);
}
END_TEST

START_TEST(a_refresh_of_many_keys_takes_several_turns)
{
	struct stats_tracker *tracker;
	char key[32];
	uint32_t number = 3;

	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "stats.%u", i);
		stats_add(stats, NULL, key, COTERIE_MAP_U32, read_counted, &number);
		ck_assert_int_eq(stats_track(stats, key, COTERIE_MAP_MODIFIED, count_call, NULL, &tracker), 0);
	}
	forget_steps();
	run_for_steps(MANY);
	ck_assert_uint_eq(steps.reads, MANY);
	ck_assert_uint_eq(steps.calls, 0);
	ck_assert_uint_le(steps.at_once_max, AT_ONCE_MAX);
}
END_TEST

/* A tracker is told of changes since it was added, even if other trackers of the key are older. */
START_TEST(a_new_tracker_of_a_tracked_key_begins_with_the_present_value)
{
	static char first[] = "a", second[] = "b";
	struct stats_tracker *tracker;
	uint32_t number = 3;

	stats_add(stats, NULL, "stats.n", COTERIE_MAP_U32, read_u32, &number);
	stats_track(stats, "stats.n", COTERIE_MAP_MODIFIED, note, first, &tracker);
	number = 4;
	stats_track(stats, "stats.n", COTERIE_MAP_MODIFIED, note, second, &tracker);
	run_for_ns(STATS_REFRESH_NS * 11 / 10);
	ck_assert_str_eq(told, "a2 stats.n=4;");
	number = 5;
	run_for_ns(STATS_REFRESH_NS);
	ck_assert_str_eq(told, "a2 stats.n=4;b2 stats.n=5;a2 stats.n=5;");
}
END_TEST

static struct stats_tracker *ending[3];

/* End all trackers: this one, the next one, and the only one of the next key. */
static void untrack_all(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	for (uint32_t i = 0; i < 3; i++) {
		stats_untrack(stats, ending[i]);
		ending[i] = NULL;
	}
	note(arg, event, key, now, before);
}

START_TEST(trackers_may_end_during_a_refresh)
{
	static char name[] = "e";
	uint32_t number = 3;

	stats_add(stats, NULL, "stats.m", COTERIE_MAP_U32, read_u32, &number);
	stats_add(stats, NULL, "stats.n", COTERIE_MAP_U32, read_u32, &number);
	for (uint32_t i = 0; i < 3; i++)
		stats_track(stats, i < 2 ? "stats.m" : "stats.n", COTERIE_MAP_MODIFIED, untrack_all, name, &ending[i]);
	number = 4;
	run_for_ns(STATS_REFRESH_NS * 11 / 10);
	ck_assert_msg(strcmp(told, "e2 stats.m=4;") == 0 || strcmp(told, "e2 stats.n=4;") == 0, "%s", told);
}
END_TEST

/* Keys before and after the reading position come and go while a refresh pauses. */
START_TEST(keys_may_be_tracked_during_a_refresh)
{
	static struct stats_tracker *trackers[MANY];
	struct stats_tracker *tracker;
	char key[32];
	uint32_t number = 3;

	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "stats.%04u", i);
		stats_add(stats, NULL, key, COTERIE_MAP_U32, read_counted, &number);
		stats_track(stats, key, COTERIE_MAP_MODIFIED, count_call, NULL, &trackers[i]);
	}
	forget_steps();
	number = 4;
	run_for_steps(400);                  /* each key is read, and then its tracker is called */
	ck_assert_uint_ge(steps.calls, 200); /* the loop finishes its turn */
	ck_assert_uint_lt(steps.calls, MANY / 2);
	for (uint32_t i = 0; i < 100; i++)
		stats_untrack(stats, trackers[i]); /* they have been told */
	for (uint32_t i = MANY - 100; i < MANY; i++)
		stats_untrack(stats, trackers[i]); /* not told yet */
	for (uint32_t i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "stats.%03u", i); /* in order before the keys that were told */
		stats_track(stats, key, COTERIE_MAP_MODIFIED, count_call, NULL, &tracker);
	}
	run_for_steps(2 * (MANY - 100));
	ck_assert_uint_eq(steps.reads, MANY - 100);
	ck_assert_uint_eq(steps.calls, MANY - 100);
}
END_TEST

static void untrack_self(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	struct stats_tracker **tracker = arg;
	struct coterie_map_value value;

	(void)now, (void)before;
	stats_untrack(stats, *tracker);
	*tracker = NULL;
	ck_assert_uint_eq(event, COTERIE_MAP_ADDED);
	ck_assert_int_eq(stats_read(stats, key, &value), 0);
	stats_del(stats, NULL, key); /* the key for which this call was made */
}

START_TEST(trackers_may_change_what_they_track)
{
	struct stats_tracker *tracker;
	struct coterie_map_value value;
	uint32_t number = 3;

	stats_track(stats, "", COTERIE_MAP_PREFIX | 5, untrack_self, &tracker, &tracker);
	ck_assert_int_eq(stats_add(stats, NULL, "stats.n", COTERIE_MAP_U32, read_u32, &number), 0);
	ck_assert_ptr_null(tracker);
	ck_assert_int_eq(stats_read(stats, "stats.n", &value), -ENOENT);
}
END_TEST

static void clear(void *arg) { *(uint32_t *)arg = 0; }

START_TEST(clearing_is_by_name)
{
	uint32_t a = 1, b = 2;

	stats_on_clear(stats, NULL, "totem", clear, &a);
	stats_on_clear(stats, &b, "knet", clear, &b);
	ck_assert_int_eq(stats_clear(stats, "ipc"), -ENOENT);
	ck_assert_int_eq(stats_clear(stats, "totem"), 0);
	ck_assert_uint_eq(a, 0);
	ck_assert_uint_eq(b, 2);
	a = 1;
	ck_assert_int_eq(stats_clear(stats, "all"), 0);
	ck_assert_uint_eq(a + b, 0);
	stats_forget(stats, &b);
	ck_assert_int_eq(stats_clear(stats, "knet"), -ENOENT);
	ck_assert_uint_eq(stats_forget(NULL, &b), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stats");
	TCase *tcase = tcase_create("map");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, values_are_read_when_asked_for);
	tcase_add_test(tcase, a_number_is_read_where_it_stands);
	tcase_add_test(tcase, walks_are_in_byte_order);
	tcase_add_test(tcase, prefixes_hear_of_keys_that_come_and_go);
	tcase_add_test(tcase, single_keys_are_looked_at_now_and_then);
	tcase_add_test(tcase, a_key_is_read_once_for_all_its_trackers);
	tcase_add_test(tcase, a_refresh_of_many_keys_takes_several_turns);
	tcase_add_test(tcase, a_new_tracker_of_a_tracked_key_begins_with_the_present_value);
	tcase_add_test(tcase, trackers_may_end_during_a_refresh);
	tcase_add_test(tcase, keys_may_be_tracked_during_a_refresh);
	tcase_add_test(tcase, trackers_may_change_what_they_track);
	tcase_add_test(tcase, clearing_is_by_name);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
