/* SPDX-License-Identifier: BSD-3-Clause */
/* Sets of node ids, compared with tables and with one bit for each id. */
#include "exec/totem/node_set.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/fail_alloc.h"
#include "tests/suite.h"

#define ROW_MAX 8

/* Make a set of the ids before the first 0. */
static struct node_set make(const uint32_t ids[ROW_MAX])
{
	struct node_set set = {0};
	uint32_t count = 0;

	while (count < ROW_MAX && ids[count] != 0)
		count++;
	ck_assert_int_eq(node_set_assign(&set, ids, count), 0);
	return set;
}

static bool is(const struct node_set *set, const uint32_t ids[ROW_MAX])
{
	for (uint32_t i = 0; i < set->count; i++) {
		if (i == ROW_MAX || set->ids[i] != ids[i])
			return false;
	}
	return set->count == ROW_MAX || ids[set->count] == 0;
}

START_TEST(the_empty_set)
{
	struct node_set set = {0};
	struct node_set other = {0};

	ck_assert(!node_set_has(&set, 0));
	ck_assert(node_set_equal(&set, &other));
	ck_assert(node_set_contains(&set, &other));
	node_set_remove(&set, 1);
	node_set_clear(&set);
	ck_assert_int_eq(node_set_copy(&set, &other), 0);
	ck_assert_int_eq(node_set_unite(&set, &other), 0);
	ck_assert_int_eq(node_set_assign(&set, NULL, 0), 0);
	ck_assert_uint_eq(set.count, 0);
	node_set_fini(&set);
	node_set_fini(&set);
	node_set_fini(&other);
}
END_TEST

START_TEST(ids_are_sorted_and_single)
{
	struct node_set set = make((uint32_t[ROW_MAX]){7, 3, UINT32_MAX, 3, 1, 7, 7});

	ck_assert(is(&set, (uint32_t[ROW_MAX]){1, 3, 7, UINT32_MAX}));
	ck_assert_int_eq(node_set_add(&set, 3), 0);
	ck_assert_int_eq(node_set_add(&set, 4), 0);
	ck_assert_int_eq(node_set_add(&set, 0), 0);
	ck_assert_uint_eq(set.ids[0], 0);
	ck_assert(node_set_has(&set, 0) && node_set_has(&set, UINT32_MAX));
	ck_assert(!node_set_has(&set, 2) && !node_set_has(&set, UINT32_MAX - 1));
	node_set_remove(&set, 0);
	node_set_remove(&set, 2);
	node_set_remove(&set, UINT32_MAX);
	ck_assert(is(&set, (uint32_t[ROW_MAX]){1, 3, 4, 7}));
	node_set_clear(&set);
	ck_assert_uint_eq(set.count, 0);
	ck_assert_ptr_nonnull(set.ids);
	node_set_fini(&set);
	ck_assert_ptr_null(set.ids);
}
END_TEST

static const struct {
	const char *name;
	uint32_t a[ROW_MAX], b[ROW_MAX], both[ROW_MAX], common[ROW_MAX], without[ROW_MAX];
	bool is_subset; /* b is a subset of a */
} rows[] = {
	{"empty", {0}, {0}, {0}, {0}, {0}, true},
	{"a alone", {1, 2}, {0}, {1, 2}, {0}, {1, 2}, true},
	{"b alone", {0}, {1, 2}, {1, 2}, {0}, {0}, false},
	{"equal", {1, 2, 3}, {1, 2, 3}, {1, 2, 3}, {1, 2, 3}, {0}, true},
	{"subset", {1, 2, 3}, {2}, {1, 2, 3}, {2}, {1, 3}, true},
	{"superset", {2}, {1, 2, 3}, {1, 2, 3}, {2}, {0}, false},
	{"disjoint, b behind", {1, 2}, {3, 4}, {1, 2, 3, 4}, {0}, {1, 2}, false},
	{"disjoint, b in front", {3, 4}, {1, 2}, {1, 2, 3, 4}, {0}, {3, 4}, false},
	{"interleaved", {1, 3, 5}, {2, 3, 4, 6}, {1, 2, 3, 4, 5, 6}, {3}, {1, 5}, false},
	{"large ids", {1, UINT32_MAX}, {0x80000000}, {1, 0x80000000, UINT32_MAX}, {0}, {1, UINT32_MAX}, false},
};

START_TEST(two_sets)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct node_set a = make(rows[i].a);
		struct node_set b = make(rows[i].b);
		struct node_set to = make((uint32_t[ROW_MAX]){99});

		ck_assert_msg(node_set_contains(&a, &b) == rows[i].is_subset, "%s", rows[i].name);
		ck_assert_int_eq(node_set_subtract(&to, &a, &b), 0);
		ck_assert_msg(is(&to, rows[i].without), "%s", rows[i].name);
		ck_assert_int_eq(node_set_intersect(&to, &a, &b), 0);
		ck_assert_msg(is(&to, rows[i].common), "%s", rows[i].name);
		ck_assert_int_eq(node_set_copy(&to, &a), 0);
		ck_assert_msg(node_set_equal(&to, &a), "%s", rows[i].name);
		ck_assert_int_eq(node_set_unite(&to, &b), 0);
		ck_assert_msg(is(&to, rows[i].both), "%s", rows[i].name);
		ck_assert_msg(is(&a, rows[i].a) && is(&b, rows[i].b), "%s: changed", rows[i].name);
		node_set_fini(&a);
		node_set_fini(&b);
		node_set_fini(&to);
	}
}
END_TEST

START_TEST(a_set_and_itself)
{
	struct node_set set = make((uint32_t[ROW_MAX]){1, 2, 3});

	ck_assert_int_eq(node_set_unite(&set, &set), 0);
	ck_assert_int_eq(node_set_copy(&set, &set), 0);
	ck_assert(is(&set, (uint32_t[ROW_MAX]){1, 2, 3}));
	node_set_fini(&set);
}
END_TEST

/* Make random changes, and compare with one bool for each id. */
START_TEST(a_long_life)
{
	struct node_set set = {0};
	bool model[500] = {false};

	srand(1);
	for (int step = 0; step < 20000; step++) {
		uint32_t id = (uint32_t)rand() % 500;

		model[id] = rand() % 3 != 0;
		if (model[id])
			ck_assert_int_eq(node_set_add(&set, id), 0);
		else
			node_set_remove(&set, id);
	}

	uint32_t at = 0;

	for (uint32_t id = 0; id < 500; id++) {
		ck_assert_int_eq(node_set_has(&set, id), model[id]);
		if (model[id])
			ck_assert_uint_eq(set.ids[at++], id);
	}
	ck_assert_uint_eq(at, set.count);
	node_set_fini(&set);
}
END_TEST

START_TEST(memory_runs_out)
{
	static const uint32_t many[ROW_MAX + 1] = {10, 11, 12, 13, 14, 15, 16, 17, 18};
	static const uint32_t few[ROW_MAX] = {1, 2};
	struct node_set big = {0};
	struct node_set small = make(few);
	struct node_set to = make(few);

	ck_assert_int_eq(node_set_assign(&big, many, ROW_MAX + 1), 0);
	for (int call = 0; call < 5; call++) {
		int rc = 0;

		fail_alloc_at(1);
		switch (call) {
		case 0:
			rc = node_set_copy(&to, &big);
			break;
		case 1:
			rc = node_set_unite(&to, &big);
			break;
		case 2:
			rc = node_set_assign(&to, many, ROW_MAX + 1);
			break;
		case 3:
			rc = node_set_subtract(&to, &big, &small);
			break;
		case 4:
			rc = node_set_intersect(&to, &big, &small);
			break;
		}
		ck_assert(fail_alloc_happened());
		ck_assert_int_eq(rc, -ENOMEM);
	}
	ck_assert(is(&to, few));
	for (uint32_t id = 3; to.count < to.capacity; id++)
		ck_assert_int_eq(node_set_add(&to, id), 0);
	fail_alloc_at(1);

	int rc = node_set_add(&to, 1000);

	ck_assert(fail_alloc_happened());
	ck_assert_int_eq(rc, -ENOMEM);
	ck_assert(!node_set_has(&to, 1000));
	node_set_fini(&big);
	node_set_fini(&small);
	node_set_fini(&to);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("node_set");
	TCase *sets = tcase_create("sets");

	suite_add_tcase(suite, sets);
	tcase_add_test(sets, the_empty_set);
	tcase_add_test(sets, ids_are_sorted_and_single);
	tcase_add_test(sets, two_sets);
	tcase_add_test(sets, a_set_and_itself);
	tcase_add_test(sets, a_long_life);
	tcase_add_test(sets, memory_runs_out);

	return suite_run(suite);
}
