/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of the service kv, compared with a simple model. */
#include "plugins/kv/store.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"

static struct kv_store store;

static void set_up(void) { kv_store_init(&store); }

static void tear_down(void) { kv_store_clear(&store); }

static void put(const char *key, const char *value, uint64_t revision)
{
	ck_assert_int_eq(
		kv_store_put(&store, key, (uint32_t)strlen(key), value, (uint32_t)strlen(value), revision, 0), 0);
}

static const struct kv_entry *find(const char *key) { return kv_store_find(&store, key, (uint32_t)strlen(key)); }

START_TEST(a_key_is_written_read_and_deleted)
{
	put("a", "one", 1);
	put("b", "", 2);
	put("a", "three", 3);
	ck_assert_uint_eq(find("a")->value_size, 5);
	ck_assert_mem_eq(find("a")->value, "three", 5);
	ck_assert_uint_eq(find("a")->created, 1);
	ck_assert_uint_eq(find("a")->modified, 3);
	ck_assert_uint_eq(find("b")->value_size, 0);
	ck_assert_uint_eq(store.keys, 2);
	ck_assert_uint_eq(store.bytes, kv_store_cost(1, 5) + kv_store_cost(1, 0));
	ck_assert_int_eq(kv_store_delete(&store, "a", 1, 4, false), 0);
	ck_assert_ptr_null(find("a"));
	ck_assert_int_eq(kv_store_delete(&store, "a", 1, 5, false), 0);
	ck_assert_uint_eq(store.keys, 1);
	ck_assert_uint_eq(store.bytes, kv_store_cost(1, 0));
}
END_TEST

START_TEST(keys_are_bytes_and_ascend)
{
	static const struct {
		const char *bytes;
		uint32_t size;
	} keys[] = {{"\0", 1}, {"\0\0", 2}, {"a", 1}, {"a\0", 2}, {"aa", 2}, {"b", 1}, {"\xff", 1}};
	const size_t count = sizeof(keys) / sizeof(keys[0]);
	const struct kv_entry *entry;

	for (size_t i = count; i-- > 0;)
		ck_assert_int_eq(kv_store_put(&store, keys[i].bytes, keys[i].size, "v", 1, count - i, 0), 0);
	entry = store.heads[0];
	for (size_t i = 0; i < count; i++, entry = entry->next[0]) {
		ck_assert_uint_eq(entry->key_size, keys[i].size);
		ck_assert_mem_eq(entry->key, keys[i].bytes, keys[i].size);
	}
	ck_assert_ptr_null(entry);
	ck_assert_mem_eq(kv_store_above(&store, "a", 1, true)->key, "a", 1);
	ck_assert_uint_eq(kv_store_above(&store, "a", 1, false)->key_size, 2);
	ck_assert_ptr_null(kv_store_above(&store, "\xff", 1, false));
	ck_assert_ptr_eq(kv_store_above(&store, NULL, 0, true), store.heads[0]);
}
END_TEST

/* Put 64 keys into an empty store, and read their levels. */
static void levels_of(struct kv_store *of, uint8_t levels[64])
{
	for (uint8_t key = 0; key < 64; key++) {
		ck_assert_int_eq(kv_store_put(of, &key, 1, "v", 1, key + 1u, 0), 0);
		levels[key] = kv_store_find(of, &key, 1)->level;
	}
}

/* Otherwise a client could delete all keys above the lowest level, and each search would walk through all that stay. */
START_TEST(nobody_can_foresee_the_levels)
{
	struct kv_store other;
	uint8_t levels[3][64];

	kv_store_init(&other);
	levels_of(&store, levels[0]);
	levels_of(&other, levels[1]);
	kv_store_drop(&other);
	levels_of(&other, levels[2]);
	kv_store_clear(&other);
	ck_assert_mem_ne(levels[0], levels[1], sizeof(levels[0]));
	ck_assert_mem_ne(levels[0], levels[2], sizeof(levels[0]));
	ck_assert_mem_ne(levels[1], levels[2], sizeof(levels[0]));
}
END_TEST

START_TEST(changes_come_in_their_order)
{
	put("a", "1", 1);
	put("b", "1", 2);
	put("c", "1", 3);
	ck_assert_mem_eq(kv_store_after(&store, 0)->key, "a", 1);
	ck_assert_mem_eq(kv_store_after(&store, 1)->key, "b", 1);
	put("b", "2", 4); /* the walk's next entry moves to the end */
	ck_assert_mem_eq(kv_store_after(&store, 1)->key, "c", 1);
	ck_assert_mem_eq(kv_store_after(&store, 3)->key, "b", 1);
	ck_assert_ptr_null(kv_store_after(&store, 4));
	put("d", "1", 5);
	ck_assert_mem_eq(kv_store_after(&store, 4)->key, "d", 1);
	ck_assert_mem_eq(kv_store_after(&store, 0)->key, "a", 1); /* the search can go back */
	ck_assert_int_eq(kv_store_delete(&store, "a", 1, 6, true), 0);
	ck_assert_mem_eq(kv_store_after(&store, 0)->key, "c", 1);
	ck_assert(kv_store_after(&store, 5)->is_deleted);
	kv_store_purge(&store, UINT64_MAX);
	ck_assert(!kv_store_sweep(&store, UINT32_MAX));
	ck_assert_uint_eq(store.tombs, 0);
	ck_assert_ptr_null(kv_store_after(&store, 5));
	ck_assert_uint_eq(store.keys, 3);
}
END_TEST

START_TEST(a_kept_deletion_can_be_written_again)
{
	ck_assert_int_eq(kv_store_delete(&store, "x", 1, 1, true), 0); /* a key that never existed */
	ck_assert_ptr_null(find("x"));
	ck_assert_uint_eq(store.tombs, 1);
	put("x", "1", 2);
	ck_assert_uint_eq(find("x")->created, 2);
	ck_assert_uint_eq(store.tombs, 0);
	ck_assert_uint_eq(store.keys, 1);
}
END_TEST

/* A reader passes no deleted entries, however many there are. */
START_TEST(deletions_are_not_between_the_keys)
{
	put("b", "1", 1);
	put("a", "1", 2);
	put("c", "1", 3);
	ck_assert_int_eq(kv_store_delete(&store, "b", 1, 4, true), 0);
	ck_assert_int_eq(kv_store_delete(&store, "aa", 2, 5, true), 0);
	ck_assert_ptr_eq(kv_store_above(&store, "a", 1, false), find("c"));
	ck_assert_ptr_eq(kv_store_above(&store, "aa", 2, true), find("c"));
	ck_assert_ptr_eq(find("a")->next[0], find("c"));
	ck_assert_uint_eq(kv_store_after(&store, 3)->modified, 4);
	put("b", "2", 6);
	ck_assert_ptr_eq(find("a")->next[0], find("b"));
	ck_assert_uint_eq(find("b")->created, 6);
	ck_assert_uint_eq(store.bytes, 3 * kv_store_cost(1, 1));
}
END_TEST

START_TEST(deletions_up_to_a_revision_are_forgotten)
{
	char key[16];

	put("a", "1", 1);
	for (uint64_t revision = 2; revision <= 100; revision++) {
		snprintf(key, sizeof(key), "%u", (uint32_t)revision);
		ck_assert_int_eq(kv_store_delete(&store, key, (uint32_t)strlen(key), revision, true), 0);
	}
	kv_store_purge(&store, 60);
	ck_assert(!kv_store_sweep(&store, UINT32_MAX));
	ck_assert_uint_eq(store.tombs, 40);
	ck_assert_uint_eq(kv_store_after(&store, 1)->modified, 61);
}
END_TEST

/* The model: the value of each key by the key's number, 0: none. */
START_TEST(many_random_changes_agree_with_a_model)
{
	uint64_t model[300] = {0}, random = 7;
	uint64_t keys = 0;
	char key[8];

	for (uint64_t revision = 1; revision <= 20000; revision++) {
		random = random * 6364136223846793005u + 1442695040888963407u;

		uint32_t number = (uint32_t)(random >> 33) % 300;
		bool is_put = (random >> 60) % 3 != 0;

		snprintf(key, sizeof(key), "%u", number);
		if (is_put) {
			put(key, "value", revision);
			keys += model[number] == 0;
			model[number] = revision;
		} else {
			kv_store_delete(&store, key, (uint32_t)strlen(key), revision, revision % 2 == 0);
			keys -= model[number] != 0;
			model[number] = 0;
		}
		if (revision % 4000 == 0)
			kv_store_purge(&store, UINT64_MAX); /* a purge goes on while entries change */
		if (revision % 3 == 0)
			kv_store_sweep(&store, 10);
		if (revision % 97 == 0) {
			const struct kv_entry *entry = kv_store_after(&store, random % revision);

			for (uint64_t last = random % revision; entry != NULL; entry = entry->newer) {
				ck_assert_uint_gt(entry->modified, last);
				last = entry->modified;
			}
		}
	}
	ck_assert_uint_eq(store.keys, keys);
	for (uint32_t number = 0; number < 300; number++) {
		snprintf(key, sizeof(key), "%u", number);
		ck_assert_uint_eq(find(key) != NULL ? find(key)->modified : 0, model[number]);
	}
}
END_TEST

static void put_numbers(uint32_t count, uint64_t revision)
{
	char key[16];

	for (uint32_t i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "%08x", i * 2654435761u);
		put(key, "value", revision + i);
	}
}

/* Find a place in the middle of a large table, as a new donor does, while writes go on. */
START_TEST(a_place_among_the_changes_is_found_in_turns)
{
	char key[16];
	uint32_t turns = 1;

	put_numbers(1000, 1);
	for (; !kv_store_seek(&store, 800, 100); turns++) {
		/* Write three entries again: the next one of the walk, one far ahead and one far behind. */
		memcpy(key, store.walk->key, 8);
		key[8] = '\0';
		put(key, "value", 2000 + 3 * turns);
		snprintf(key, sizeof(key), "%08x", (899 + turns) * 2654435761u);
		put(key, "value", 2001 + 3 * turns);
		snprintf(key, sizeof(key), "%08x", turns * 2654435761u);
		put(key, "value", 2002 + 3 * turns);
	}
	ck_assert_uint_eq(turns, 8);
	ck_assert_uint_eq(kv_store_after(&store, 800)->modified, 801);
	ck_assert(kv_store_seek(&store, 801, 1));
	ck_assert(!kv_store_seek(&store, 5, 0));
	ck_assert_uint_gt(kv_store_after(&store, 5)->modified, 5);
	ck_assert(kv_store_seek(&store, 5000, 1000));
	ck_assert_ptr_null(kv_store_after(&store, 5000));
}
END_TEST

/* Freeing a table takes many turns: the largest one has millions of entries. */
START_TEST(a_table_that_is_dropped_is_freed_in_turns)
{
	uint32_t turns = 1;

	put_numbers(1000, 1);
	kv_store_drop(&store);
	ck_assert_uint_eq(store.keys + store.tombs + store.bytes, 0);
	ck_assert_ptr_null(find("00000000"));
	put("other", "value", 1);
	ck_assert(kv_store_sweep(&store, 100));
	kv_store_drop(&store); /* drop again before the first drop has finished */
	put_numbers(10, 1);
	while (kv_store_sweep(&store, 100))
		turns++;
	ck_assert_uint_eq(turns, 10);
	ck_assert_uint_eq(store.keys, 10);
	put_numbers(20, 100);
	kv_store_drop(&store); /* the tear-down frees what is left */
}
END_TEST

START_TEST(deletions_are_forgotten_in_turns)
{
	char key[16];
	uint32_t turns = 1;

	put_numbers(1000, 1);
	for (uint32_t i = 0; i < 1000; i += 2) {
		snprintf(key, sizeof(key), "%08x", i * 2654435761u);
		ck_assert_int_eq(kv_store_delete(&store, key, 8, 2000 + i, true), 0);
	}
	kv_store_purge(&store, UINT64_MAX);
	ck_assert(kv_store_sweep(&store, 510));
	ck_assert_uint_le(store.tombs, 500);
	ck_assert_uint_ge(store.tombs, 498);
	/* Write the entry again that the purge looks at next. */
	ck_assert_ptr_nonnull(store.purge);
	memcpy(key, store.purge->key, 8);
	key[8] = '\0';
	put(key, "value", 5000);
	while (kv_store_sweep(&store, 100))
		turns++;
	ck_assert_uint_ge(turns, 498 * 8 / 100);
	ck_assert_uint_eq(store.tombs, 0);
	ck_assert_uint_eq(store.keys, 501);
	/* The deletions must be kept again before all of them are freed. */
	for (uint32_t i = 1; i < 21; i += 2) {
		snprintf(key, sizeof(key), "%08x", i * 2654435761u);
		ck_assert_int_eq(kv_store_delete(&store, key, 8, 6000 + i, true), 0);
	}
	kv_store_purge(&store, UINT64_MAX);
	ck_assert(kv_store_sweep(&store, 1));
	kv_store_purge_end(&store);
	ck_assert(!kv_store_sweep(&store, UINT32_MAX));
	ck_assert_uint_eq(store.tombs, 10);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("kv_store");
	TCase *tcase = tcase_create("store");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_key_is_written_read_and_deleted);
	tcase_add_test(tcase, keys_are_bytes_and_ascend);
	tcase_add_test(tcase, nobody_can_foresee_the_levels);
	tcase_add_test(tcase, changes_come_in_their_order);
	tcase_add_test(tcase, a_kept_deletion_can_be_written_again);
	tcase_add_test(tcase, deletions_are_not_between_the_keys);
	tcase_add_test(tcase, deletions_up_to_a_revision_are_forgotten);
	tcase_add_test(tcase, many_random_changes_agree_with_a_model);
	tcase_add_test(tcase, a_place_among_the_changes_is_found_in_turns);
	tcase_add_test(tcase, a_table_that_is_dropped_is_freed_in_turns);
	tcase_add_test(tcase, deletions_are_forgotten_in_turns);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void) { return suite_run(suite()); }
