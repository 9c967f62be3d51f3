/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/daemon/shared_tell.c: when trackers are called for shared values that change all the time. */
#include "exec/daemon/shared_tell.h"

#include <string.h>

#include <check.h>
#include <coterie/plugin.h>

#include "exec/loop/loop.h"
#include "exec/map/map.h"
#include "exec/stats/stats.h"
#include "tests/suite.h"

#define MS UINT64_C(1000000)

static struct loop *loop;
static struct map *map;
static struct shared_tell *tell;
static struct map_shared *shared;
static uint64_t counter, told, calls, calls_before, most;

static void set_up(void)
{
	loop = loop_create();
	map = map_create();
	tell = shared_tell_create(loop, map);
	ck_assert_ptr_nonnull(tell);
	counter = told = calls = calls_before = most = 0;
	shared = map_share(map, "runtime.n.rx", COTERIE_MAP_U64, &counter, sizeof(counter));
}

static void tear_down(void)
{
	shared_tell_destroy(tell);
	shared_tell_destroy(NULL);
	map_shared_changed(shared); /* no timer is left to start */
	map_destroy(map);
	loop_destroy(loop);
}

static void note(
	void *arg, enum map_event event, const char *key, const struct map_value *now, const struct map_value *before)
{
	(void)arg, (void)key, (void)before;
	ck_assert_int_eq(event, MAP_MODIFIED);
	memcpy(&told, now->bytes, sizeof(told));
	calls++;
}

static void change(void)
{
	counter++;
	map_shared_changed(shared);
}

static void stop(void *arg) { loop_stop(arg); }

static void run_for_ns(uint64_t ns)
{
	loop_timer_add(loop, loop_now_ns(loop) + ns, stop, loop);
	loop_run(loop);
}

static void change_often(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < 1000; i++)
		change();
	most = calls - calls_before > most ? calls - calls_before : most;
	calls_before = calls;
	ck_assert_ptr_nonnull(loop_timer_add(loop, loop_now_ns(loop) + MS, change_often, NULL));
}

START_TEST(a_change_after_a_pause_is_told_soon)
{
	map_track(map, "runtime.", true, note, NULL);
	change();
	ck_assert_uint_eq(calls, 0);
	run_for_ns(STATS_REFRESH_NS / 3);
	ck_assert_uint_eq(calls, 1);
	ck_assert_uint_eq(told, 1);
	run_for_ns(STATS_REFRESH_NS * 11 / 10);
	ck_assert_uint_eq(calls, 1); /* no second call for the same change */
	change();
	run_for_ns(STATS_REFRESH_NS / 3);
	ck_assert_uint_eq(told, 2);
}
END_TEST

START_TEST(changes_without_end_are_told_once_in_a_while)
{
	map_track(map, "runtime.", true, note, NULL);
	change_often(NULL);
	run_for_ns(STATS_REFRESH_NS * 23 / 10);
	ck_assert_uint_ge(calls, 2);
	ck_assert_uint_le(calls, 3);
	ck_assert_uint_gt(counter, 100000);
}
END_TEST

START_TEST(the_last_value_is_told)
{
	map_track(map, "runtime.", true, note, NULL);
	change();
	run_for_ns(STATS_REFRESH_NS / 3);
	for (int i = 0; i < 1000; i++)
		change();
	run_for_ns(STATS_REFRESH_NS / 3);
	ck_assert_uint_eq(told, 1);
	run_for_ns(STATS_REFRESH_NS);
	ck_assert_uint_eq(told, 1001);
	ck_assert_uint_eq(calls, 2);
}
END_TEST

START_TEST(a_round_of_many_trackers_does_not_delay_the_loop)
{
	for (uint32_t i = 0; i < 4096; i++)
		map_track(map, "runtime.n.rx", false, note, NULL);
	change_often(NULL);
	run_for_ns(STATS_REFRESH_NS);
	ck_assert_uint_ge(calls, 4096);
	ck_assert_uint_le(calls, 2 * 4096);
	ck_assert_uint_le(most, 400); /* 32 in a slice, and some more where other programs delay this one */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shared_tell");
	TCase *tcase = tcase_create("shared_tell");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_change_after_a_pause_is_told_soon);
	tcase_add_test(tcase, changes_without_end_are_told_once_in_a_while);
	tcase_add_test(tcase, the_last_value_is_told);
	tcase_add_test(tcase, a_round_of_many_trackers_does_not_delay_the_loop);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
