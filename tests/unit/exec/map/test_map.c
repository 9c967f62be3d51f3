/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/map/map.c: the configuration map, book configuration, "Map". */
#include "exec/map/map.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <coterie/plugin.h>

#include "tests/suite.h"
#include "tests/unit/fail_alloc.h"

static struct map *map;

/* The calls of trackers, as text: "+key " added, "-key " deleted, "*key " modified. */
static char told[1024];

static void setup(void)
{
	map = map_create();
	ck_assert_ptr_nonnull(map);
	told[0] = '\0';
}

static void teardown(void) { map_destroy(map); }

static void note(
	void *arg, enum map_event event, const char *key, const struct map_value *now, const struct map_value *before)
{
	const char *prefix = arg;
	size_t used = strlen(told);

	ck_assert((now == NULL) == (event == MAP_DELETED));
	ck_assert((before == NULL) == (event == MAP_ADDED));
	snprintf(told + used, sizeof(told) - used, "%s%c%s ", prefix,
		event == MAP_ADDED     ? '+'
		: event == MAP_DELETED ? '-'
				       : '*',
		key);
}

START_TEST(values_come_back)
{
	struct map_value value;
	uint8_t u8;
	uint32_t u32;
	const char *text;

	ck_assert_int_eq(map_set_u8(map, "a.u8", 200), 0);
	ck_assert_int_eq(map_set_u16(map, "a.u16", 60000), 0);
	ck_assert_int_eq(map_set_u32(map, "a.u32", 4000000000u), 0);
	ck_assert_int_eq(map_set_i32(map, "a.i32", -5), 0);
	ck_assert_int_eq(map_set_u64(map, "a.u64", UINT64_MAX), 0);
	ck_assert_int_eq(map_set_string(map, "a.text", "lab"), 0);
	ck_assert_int_eq(map_get_u8(map, "a.u8", &u8), 0);
	ck_assert_uint_eq(u8, 200);
	ck_assert_int_eq(map_get_u32(map, "a.u32", &u32), 0);
	ck_assert_uint_eq(u32, 4000000000u);
	ck_assert_int_eq(map_get_string(map, "a.text", &text), 0);
	ck_assert_str_eq(text, "lab");
	ck_assert_int_eq(map_get(map, "a.text", &value), 0);
	ck_assert_uint_eq(value.type, COTERIE_MAP_STRING);
	ck_assert_uint_eq(value.size, 4);
	ck_assert_int_eq(map_get_u8(map, "a.u32", &u8), -EINVAL);
	ck_assert_int_eq(map_get_u32(map, "a.none", &u32), -ENOENT);
	ck_assert_int_eq(map_set_u8(map, "a.u32", 1), 0); /* map_set_*() may change the type */
	ck_assert_int_eq(map_get_u8(map, "a.u32", &u8), 0);
	ck_assert_int_eq(map_delete(map, "a.u8"), 0);
	ck_assert_int_eq(map_delete(map, "a.u8"), -ENOENT);
	ck_assert_int_eq(map_get_u8(map, "a.u8", &u8), -ENOENT);
}
END_TEST

static const struct name {
	const char *key;
	int want;
} names[] = {
	{"", -EINVAL},
	{"ab", -EINVAL},
	{"abc", 0},
	{"aZ09._-/:", 0},
	{"a b", -EINVAL},
	{"a%b", -EINVAL},
	{"caf\xc3\xa9", -EINVAL},
};

START_TEST(names_are_checked)
{
	char key[300];

	ck_assert_msg(map_set_u8(map, names[_i].key, 1) == names[_i].want, "%s", names[_i].key);
	memset(key, 'k', sizeof(key));
	key[MAP_KEY_LENGTH_MAX] = '\0';
	ck_assert_int_eq(map_set_u8(map, key, 1), 0);
	key[MAP_KEY_LENGTH_MAX] = 'k';
	key[MAP_KEY_LENGTH_MAX + 1] = '\0';
	ck_assert_int_eq(map_set_u8(map, key, 1), -EINVAL);
}
END_TEST

static char bytes[MAP_VALUE_SIZE_MAX + 1];

static const struct typed {
	uint32_t type, size;
	int want;
} typed[] = {
	{0, 1, -EINVAL},
	{COTERIE_MAP_I8, 1, 0},
	{COTERIE_MAP_I8, 2, -EINVAL},
	{COTERIE_MAP_U16, 2, 0},
	{COTERIE_MAP_U16, 1, -EINVAL},
	{COTERIE_MAP_I32, 4, 0},
	{COTERIE_MAP_I32, 3, -EINVAL},
	{COTERIE_MAP_U64, 8, 0},
	{COTERIE_MAP_U64, 9, -EINVAL},
	{COTERIE_MAP_FLOAT, 4, 0},
	{COTERIE_MAP_DOUBLE, 8, 0},
	{COTERIE_MAP_DOUBLE, 4, -EINVAL},
	{COTERIE_MAP_STRING, 0, -EINVAL},
	{COTERIE_MAP_STRING, 1, 0},       /* only the NUL */
	{COTERIE_MAP_STRING, 2, -EINVAL}, /* a NUL before the last byte */
	{COTERIE_MAP_BINARY, 0, 0},
	{COTERIE_MAP_BINARY, MAP_VALUE_SIZE_MAX, 0},
	{COTERIE_MAP_BINARY, MAP_VALUE_SIZE_MAX + 1, -EINVAL},
	{COTERIE_MAP_U8, 0, -EINVAL},
	{13, 1, -EINVAL},
};

START_TEST(types_and_sizes_are_checked)
{
	ck_assert_msg(map_set(map, "key", typed[_i].type, bytes, typed[_i].size) == typed[_i].want, "type %u size %u",
		typed[_i].type, typed[_i].size);
	ck_assert_int_eq(map_set(map, "key", COTERIE_MAP_STRING, "abc", 3), -EINVAL); /* no NUL */
	ck_assert_int_eq(map_set(map, "key", COTERIE_MAP_BINARY, NULL, 3), -EINVAL);
}
END_TEST

START_TEST(long_strings_are_refused)
{
	static char text[MAP_VALUE_SIZE_MAX + 2];

	memset(text, 'x', MAP_VALUE_SIZE_MAX + 1);
	ck_assert_int_eq(map_set_string(map, "key", text), -EINVAL);
	text[MAP_VALUE_SIZE_MAX] = '\0';
	ck_assert_int_eq(map_set_string(map, "key", text), 0);
}
END_TEST

/* Return the keys of an iterator, separated by blanks. */
static const char *walk(const char *prefix)
{
	static char text[1024];
	struct map_iterator *iterator = map_iterator_create(map, prefix);
	const char *key;

	text[0] = '\0';
	while ((key = map_iterator_next(iterator, NULL)) != NULL) {
		strcat(text, key);
		strcat(text, " ");
	}
	/* At the end the iterator returns NULL again and again. */
	ck_assert_ptr_null(map_iterator_next(iterator, NULL));
	map_iterator_destroy(iterator);
	return text;
}

START_TEST(walks_are_in_byte_order)
{
	static const char *const keys[] = {"b.2", "a.node.10.x", "a.node.2.x", "a.node", "B.1", "a-x", "a.x"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		ck_assert_int_eq(map_set_u8(map, keys[i], 1), 0);
	ck_assert_str_eq(walk(NULL), "B.1 a-x a.node a.node.10.x a.node.2.x a.x b.2 ");
	ck_assert_str_eq(walk("a.node."), "a.node.10.x a.node.2.x ");
	ck_assert_str_eq(walk("a.node"), "a.node a.node.10.x a.node.2.x ");
	ck_assert_str_eq(walk("c"), "");
}
END_TEST

START_TEST(many_keys_stay_sorted)
{
	uint32_t random = 1, count = 0;
	char key[32], last[MAP_KEY_LENGTH_MAX + 1] = "";
	const char *at;

	for (int i = 0; i < 5000; i++) {
		random = random * 1664525 + 1013904223;
		snprintf(key, sizeof(key), "key.%u", random >> 20);
		if (random & 1 << 18)
			map_delete(map, key);
		else
			ck_assert_int_eq(map_set_u32(map, key, random), 0);
	}
	struct map_iterator *iterator = map_iterator_create(map, "key.");

	while ((at = map_iterator_next(iterator, NULL)) != NULL) {
		ck_assert_int_lt(strcmp(last, at), 0);
		strcpy(last, at);
		count++;
	}
	map_iterator_destroy(iterator);
	ck_assert_uint_gt(count, 500);
}
END_TEST

START_TEST(changes_during_a_walk_are_safe)
{
	struct map_iterator *iterator;

	for (char name = 'a'; name <= 'f'; name++)
		map_set_u8(map, (char[]){'k', '.', name, '\0'}, 1);
	iterator = map_iterator_create(map, "k.");
	ck_assert_str_eq(map_iterator_next(iterator, NULL), "k.a");
	map_delete(map, "k.a"); /* the key that the iterator returned last */
	map_delete(map, "k.b"); /* the key that it would return next */
	map_set_u8(map, "k.bb", 1);
	map_set_u8(map, "k.0", 1); /* a key before the iterator's place */
	ck_assert_str_eq(map_iterator_next(iterator, NULL), "k.bb");
	ck_assert_str_eq(map_iterator_next(iterator, NULL), "k.c");
	for (char name = 'c'; name <= 'f'; name++)
		map_delete(map, (char[]){'k', '.', name, '\0'});
	ck_assert_ptr_null(map_iterator_next(iterator, NULL));
	map_iterator_destroy(iterator);
}
END_TEST

START_TEST(trackers_hear_of_changes)
{
	static char all[] = "a", one[] = "o";
	struct map_tracker *tracker = map_track(map, "k.", true, note, all);

	map_track(map, "k.x", false, note, one);
	map_set_u8(map, "k.x", 1);
	map_set_u8(map, "k.x", 1); /* no change */
	map_set_u8(map, "k.x", 2);
	map_set_u16(map, "k.x", 2); /* a change of the type counts as a change */
	map_set_u8(map, "k.xy", 1);
	map_set_u8(map, "other", 1);
	map_delete(map, "k.x");
	ck_assert_str_eq(told, "o+k.x a+k.x o*k.x a*k.x o*k.x a*k.x a+k.xy o-k.x a-k.x ");
	map_untrack(map, tracker);
	told[0] = '\0';
	map_set_u8(map, "k.x", 1);
	ck_assert_str_eq(told, "o+k.x ");
}
END_TEST

START_TEST(the_nearest_tracker_hears_first)
{
	static char tags[] = "0\0"
			     "1\0"
			     "2\0"
			     "3\0"
			     "4\0"
			     "5\0"
			     "6";
	static const struct {
		const char *key;
		bool is_prefix;
	} rows[] = {{"", true}, {"k.", true}, {"k.x", false}, {"k", true}, {"k.x", false}, {"k.", true}, {"", true}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		map_track(map, rows[i].key, rows[i].is_prefix, note, tags + 2 * i);
	map_set_u8(map, "k.x", 1);
	ck_assert_str_eq(told, "4+k.x 2+k.x 1+k.x 5+k.x 3+k.x 6+k.x 0+k.x ");
}
END_TEST

static void track_more(
	void *arg, enum map_event event, const char *key, const struct map_value *now, const struct map_value *before)
{
	(void)event, (void)key, (void)now, (void)before;
	map_track(map, "k.", true, note, arg);
}

START_TEST(a_new_tracker_hears_of_later_changes)
{
	static char name[] = "n";

	map_track(map, "k.x", false, track_more, name);
	map_set_u8(map, "k.x", 1);
	ck_assert_str_eq(told, "");
	map_set_u8(map, "k.y", 1);
	ck_assert_str_eq(told, "n+k.y ");
}
END_TEST

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

/* --- trackers that change the map --- */

static struct map_tracker *victim;

static void change_back(
	void *arg, enum map_event event, const char *key, const struct map_value *now, const struct map_value *before)
{
	(void)arg;
	if (event == MAP_DELETED)
		return;
	const uint8_t *value = now->bytes;

	if (*value < 5)
		map_set_u8(map, key, (uint8_t)(*value + 1));
	/* The value that was passed must still exist, although the key has another value now. */
	ck_assert_uint_le(*value, 5);
	if (before != NULL)
		ck_assert_uint_eq(*(const uint8_t *)before->bytes, *value - 1);
}

static void delete_it(
	void *arg, enum map_event event, const char *key, const struct map_value *now, const struct map_value *before)
{
	uint32_t *count = arg;

	(void)now, (void)before;
	(*count)++;
	map_untrack(map, victim);
	victim = NULL;
	if (event != MAP_DELETED)
		ck_assert_int_eq(map_delete(map, key), 0);
	ck_assert_str_eq(key, "key");
}

START_TEST(trackers_may_change_what_they_track)
{
	static char name[] = "n";
	uint32_t count = 0;
	uint8_t value;

	struct map_tracker *tracker = map_track(map, "key", false, change_back, NULL);

	ck_assert_int_eq(map_set_u8(map, "key", 1), 0);
	ck_assert_int_eq(map_get_u8(map, "key", &value), 0);
	ck_assert_uint_eq(value, 5);
	map_untrack(map, tracker);

	victim = map_track(map, "key", false, note, name);
	map_track(map, "key", false, delete_it, &count);
	ck_assert_int_eq(map_set_u8(map, "key", 9), 0);
	ck_assert_int_eq(map_get_u8(map, "key", &value), -ENOENT);
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(told, "");                     /* the tracker was removed before it was called */
	ck_assert_int_eq(map_set_u8(map, "key", 9), 0); /* the tracker deletes the key at once, inside the call */
	ck_assert_int_eq(map_get_u8(map, "key", &value), -ENOENT);
}
END_TEST

static void count_up(
	void *arg, enum map_event event, const char *key, const struct map_value *now, const struct map_value *before)
{
	(void)arg, (void)event, (void)now, (void)before;
	map_adjust(map, key, 1);
}

START_TEST(endless_changes_end)
{
	uint32_t value;

	map_track(map, "key", false, count_up, NULL);
	ck_assert_int_eq(map_set_u32(map, "key", 1), 0);
	ck_assert_int_eq(map_get_u32(map, "key", &value), 0);
	ck_assert_uint_lt(value, 100);
}
END_TEST

START_TEST(integers_are_adjusted)
{
	struct map_value value;
	uint8_t u8;
	int32_t i32;

	map_set_u8(map, "u8.", 250);
	ck_assert_int_eq(map_adjust(map, "u8.", 5), 0);
	map_get_u8(map, "u8.", &u8);
	ck_assert_uint_eq(u8, 255);
	ck_assert_int_eq(map_adjust(map, "u8.", 1), 0);
	map_get_u8(map, "u8.", &u8);
	ck_assert_uint_eq(u8, 0);
	map_set_i32(map, "i32", 1);
	ck_assert_int_eq(map_adjust(map, "i32", -3), 0);
	map_get(map, "i32", &value);
	memcpy(&i32, value.bytes, sizeof(i32));
	ck_assert_int_eq(i32, -2);
	ck_assert_uint_eq(value.type, COTERIE_MAP_I32);
	map_set_string(map, "text", "x");
	ck_assert_int_eq(map_adjust(map, "text", 1), -EINVAL);
	ck_assert_int_eq(map_adjust(map, "none", 1), -ENOENT);
}
END_TEST

START_TEST(protection_is_by_key_and_prefix)
{
	ck_assert_int_eq(map_protect(map, "totem.version", false), 0);
	ck_assert_int_eq(map_protect(map, "system.", true), 0);
	ck_assert(map_is_protected(map, "totem.version"));
	ck_assert(!map_is_protected(map, "totem.version2"));
	ck_assert(!map_is_protected(map, "totem.versio"));
	ck_assert(map_is_protected(map, "system.not_there"));
	ck_assert(!map_is_protected(map, "system"));
	ck_assert_int_eq(map_set_u8(map, "system.x", 1), 0); /* the executive may set read-only keys */
}
END_TEST

static void ignore(
	void *arg, enum map_event event, const char *key, const struct map_value *now, const struct map_value *before)
{
	(void)arg, (void)event, (void)key, (void)now, (void)before;
}

START_TEST(lack_of_memory_changes_nothing)
{
	unsigned int n;
	bool has_failed = true;

	map_set_u8(map, "k.1", 1);
	for (n = 1; has_failed; n++) {
		struct map_iterator *iterator = NULL;
		struct map_tracker *tracker = NULL;

		fail_alloc_at(n);
		int rc = map_set_string(map, "k.2", "new");
		if (rc == 0)
			rc = map_set_u32(map, "k.1", n + 1000);
		if (rc == 0)
			rc = map_protect(map, "k.", true);
		if (rc == 0)
			iterator = map_iterator_create(map, "k.");
		if (iterator != NULL)
			tracker = map_track(map, "k.", true, ignore, NULL);
		has_failed = fail_alloc_happened();
		ck_assert(has_failed == (rc < 0 || iterator == NULL || tracker == NULL));
		ck_assert(rc == 0 || rc == -ENOMEM);
		map_iterator_destroy(iterator);
		map_untrack(map, tracker);
		if (has_failed)
			map_delete(map, "k.2");
	}
	ck_assert_uint_gt(n, 6);
	ck_assert_str_eq(walk("k."), "k.1 k.2 ");
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

int main(void)
{
	Suite *suite = suite_create("map");
	TCase *tc = tcase_create("map");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, values_come_back);
	tcase_add_loop_test(tc, names_are_checked, 0, COUNT(names));
	tcase_add_loop_test(tc, types_and_sizes_are_checked, 0, COUNT(typed));
	tcase_add_test(tc, long_strings_are_refused);
	tcase_add_test(tc, walks_are_in_byte_order);
	tcase_add_test(tc, many_keys_stay_sorted);
	tcase_add_test(tc, changes_during_a_walk_are_safe);
	tcase_add_test(tc, trackers_hear_of_changes);
	tcase_add_test(tc, the_nearest_tracker_hears_first);
	tcase_add_test(tc, a_new_tracker_hears_of_later_changes);
	tcase_add_test(tc, a_shared_value_is_read_in_place);
	tcase_add_test(tc, a_set_ends_the_sharing);
	tcase_add_test(tc, a_change_of_a_shared_value_costs_the_same_with_any_trackers);
	tcase_add_test(tc, a_change_does_not_look_at_trackers_of_other_keys);
	tcase_add_test(tc, a_round_calls_each_tracker_once_with_the_present_value);
	tcase_add_test(tc, trackers_and_values_may_end_during_a_round);
	tcase_add_test(tc, trackers_of_nested_prefixes_are_found);
	tcase_add_test(tc, trackers_may_change_what_they_track);
	tcase_add_test(tc, endless_changes_end);
	tcase_add_test(tc, integers_are_adjusted);
	tcase_add_test(tc, protection_is_by_key_and_prefix);
	tcase_add_test(tc, lack_of_memory_changes_nothing);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
