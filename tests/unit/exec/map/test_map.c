/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/map/map.c: the configuration map, book configuration, "Map". */
#include "exec/map/map.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	tcase_add_test(tc, trackers_may_change_what_they_track);
	tcase_add_test(tc, endless_changes_end);
	tcase_add_test(tc, integers_are_adjusted);
	tcase_add_test(tc, protection_is_by_key_and_prefix);
	tcase_add_test(tc, lack_of_memory_changes_nothing);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
