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
	tcase_add_test(tcase, trackers_may_change_what_they_track);
	tcase_add_test(tcase, clearing_is_by_name);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
