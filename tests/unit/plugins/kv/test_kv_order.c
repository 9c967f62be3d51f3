/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The search for an order that explains all answers of kv's table: small histories that have such an order, and some
 * that have none.
 */
#include <check.h>
#include <stdio.h>

#include "tests/suite.h"
#include "tests/unit/plugins/kv/kv_order.h"

#define OPERATIONS_MAX 8u
#define STEPS_MAX 10000u
#define NEVER UINT64_MAX

#define PUT(START, END, ERROR, VALUE, REVISION) \
	{ \
		.kind = KV_HISTORY_PUT, .start_ns = (START), .end_ns = (END), .error = (ERROR), .value = (VALUE), \
		.revision = (REVISION) \
	}
#define PUT_IF(START, END, ERROR, VALUE, REVISION, EXPECTED) \
	{ \
		.kind = KV_HISTORY_PUT, .start_ns = (START), .end_ns = (END), .error = (ERROR), .value = (VALUE), \
		.revision = (REVISION), .is_conditional = 1, .expected = (EXPECTED) \
	}
#define DELETE(START, END, ERROR, REVISION) \
	{ \
		.kind = KV_HISTORY_DELETE, .start_ns = (START), .end_ns = (END), .error = (ERROR), \
		.revision = (REVISION) \
	}
#define READ(START, END, VALUE, REVISION, MODIFIED) \
	{ \
		.kind = KV_HISTORY_READ, .start_ns = (START), .end_ns = (END), .error = KV_HISTORY_OK, \
		.value = (VALUE), .revision = (REVISION), .modified = (MODIFIED) \
	}
#define ABSENT(START, END, REVISION) \
	{ \
		.kind = KV_HISTORY_READ, .start_ns = (START), .end_ns = (END), .error = KV_HISTORY_NOT_EXIST, \
		.revision = (REVISION) \
	}
#define END \
	{ \
		.start_ns = NEVER \
	}

struct row {
	const char *name;
	enum kv_verdict want;
	uint32_t reset_count;
	struct kv_reset resets[2];
	struct kv_operation operations[OPERATIONS_MAX];
};

static const struct row rows[] = {
	{"nothing", KV_ORDERED, 0, {{0}}, {END}},
	{"a write and a read of it", KV_ORDERED, 0, {{0}}, {PUT(1, 2, 1, 11, 1), READ(3, 4, 11, 1, 1), END}},
	{"two at once, the later answer first", KV_ORDERED, 0, {{0}},
		{PUT(1, 9, 1, 11, 2), PUT(2, 3, 1, 12, 1), READ(10, 11, 11, 2, 2), END}},
	{"a read that is behind the time", KV_UNORDERED, 0, {{0}},
		{PUT(1, 2, 1, 11, 1), PUT(3, 4, 1, 12, 2), READ(5, 6, 11, 1, 1), END}},
	{"a read of the table before a write that runs", KV_ORDERED, 0, {{0}},
		{PUT(1, 2, 1, 11, 1), PUT(3, 9, 1, 12, 2), READ(5, 6, 11, 1, 1), END}},
	{"an acknowledged write is lost", KV_UNORDERED, 0, {{0}}, {PUT(1, 2, 1, 11, 1), ABSENT(3, 4, 0), END}},
	{"two writes have one revision", KV_UNORDERED, 0, {{0}}, {PUT(1, 9, 1, 11, 1), PUT(1, 9, 1, 12, 1), END}},
	{"a revision that no operation has taken", KV_UNORDERED, 0, {{0}},
		{PUT(1, 2, 1, 11, 1), PUT(3, 4, 1, 12, 3), END}},
	{"one that a write without an answer has taken", KV_ORDERED, 0, {{0}},
		{PUT(1, 2, 1, 11, 1), PUT(2, NEVER, 0, 13, 0), PUT(3, 4, 1, 12, 3), END}},
	{"one that a write has taken which was asked too late", KV_UNORDERED, 0, {{0}},
		{PUT(1, 2, 1, 11, 1), PUT(3, 4, 1, 12, 3), PUT(5, NEVER, 0, 13, 0), END}},
	{"a write without an answer is seen, and then not", KV_UNORDERED, 0, {{0}},
		{PUT(1, 2, 1, 11, 1), PUT(2, NEVER, 0, 13, 0), READ(4, 5, 13, 2, 2), READ(6, 7, 11, 2, 1), END}},
	{"a write that was refused is seen", KV_UNORDERED, 0, {{0}}, {PUT(1, 2, 6, 11, 0), READ(3, 4, 11, 1, 1), END}},
	{"a condition that held", KV_ORDERED, 0, {{0}},
		{PUT(1, 2, 1, 11, 1), PUT_IF(3, 4, 1, 12, 2, 1), READ(5, 6, 12, 2, 2), END}},
	{"a condition that did not hold, and the write is done", KV_UNORDERED, 0, {{0}},
		{PUT(1, 2, 1, 11, 1), PUT(3, 4, 1, 12, 2), PUT_IF(5, 6, 1, 13, 3, 1), END}},
	{"a condition that held, and the write is refused", KV_UNORDERED, 0, {{0}},
		{PUT(1, 2, 1, 11, 1), PUT_IF(3, 4, 21, 12, 1, 1), END}},
	{"a condition that failed counts", KV_ORDERED, 0, {{0}},
		{PUT(1, 2, 1, 11, 1), PUT_IF(3, 4, 21, 12, 1, 7), PUT(5, 6, 1, 13, 3), END}},
	{"a deletion of a key that is there", KV_ORDERED, 0, {{0}},
		{PUT(1, 2, 1, 11, 1), DELETE(3, 4, 1, 2), ABSENT(5, 6, 2), END}},
	{"a deletion of a key that is there, and it is told that there is none", KV_UNORDERED, 0, {{0}},
		{PUT(1, 2, 1, 11, 1), DELETE(3, 4, 12, 0), END}},
	{"the table was given up", KV_ORDERED, 1, {{3, 0}},
		{PUT(1, 2, 1, 11, 1), ABSENT(4, 5, 0), PUT(6, 7, 1, 12, 1), END}},
	{"two writes have one revision, the first one behind a table that was given up", KV_ORDERED, 1, {{5, 0}},
		{PUT(1, 9, 1, 11, 1), PUT(2, 3, 1, 12, 1), READ(10, 11, 11, 1, 1), END}},
	{"and the second one", KV_ORDERED, 1, {{5, 0}},
		{PUT(2, 3, 1, 12, 1), PUT(4, 9, 1, 11, 1), READ(10, 11, 11, 1, 1), END}},
	{"the table is lost before it was given up", KV_UNORDERED, 1, {{6, 0}},
		{PUT(1, 2, 1, 11, 1), ABSENT(4, 5, 0), END}},
	{"an older table goes on", KV_ORDERED, 1, {{5, 1}},
		{PUT(1, 2, 1, 11, 1), PUT(3, 4, 1, 12, 2), READ(6, 7, 11, 1, 1), PUT(8, 9, 1, 13, 2), END}},
	{"another older table goes on than was said", KV_UNORDERED, 1, {{5, 0}},
		{PUT(1, 2, 1, 11, 1), PUT(3, 4, 1, 12, 2), READ(6, 7, 11, 1, 1), END}},
	{"any older table may go on", KV_ORDERED, 1, {{5, UINT64_MAX}},
		{PUT(1, 2, 1, 11, 1), PUT(3, 4, 1, 12, 2), READ(6, 7, 11, 1, 1), END}},
	{"a table is given up once, and lost twice", KV_UNORDERED, 1, {{3, 0}},
		{PUT(1, 2, 1, 11, 1), PUT(4, 5, 1, 12, 1), PUT(6, 7, 1, 13, 1), END}},
};

START_TEST(histories)
{
	const struct row *row = &rows[_i];
	struct kv_history history = {.list = NULL};
	char text[400] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	for (uint32_t i = 0;
		i < OPERATIONS_MAX && row->operations[i].start_ns != NEVER && row->operations[i].start_ns != 0; i++)
		kv_history_begin(&history, &row->operations[i]);
	enum kv_verdict verdict = kv_order_check(&history, row->resets, row->reset_count, STEPS_MAX, out);
	fclose(out);
	ck_assert_msg(verdict == row->want, "%s: %d instead of %d: %s", row->name, (int)verdict, (int)row->want, text);
	kv_history_free(&history);
}
END_TEST

START_TEST(a_search_without_end_is_given_up)
{
	struct kv_history history = {.list = NULL};
	FILE *out = fopen("/dev/null", "w");
	uint64_t steps = 0;

	/*
	 * Each of these writes may have the revision before the last one. The search must try all orders, and none of
	 * them fits.
	 */
	for (uint32_t i = 0; i < 20; i++)
		kv_history_begin(&history, &(struct kv_operation)PUT(1, NEVER, 0, 100 + i, 0));
	kv_history_begin(&history, &(struct kv_operation)PUT(2, 3, 1, 11, 30));
	for (steps = 1; steps < 1000; steps *= 10)
		ck_assert_int_eq(kv_order_check(&history, NULL, 0, steps, out), KV_UNDECIDED);
	fclose(out);
	kv_history_free(&history);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kv_order");
	TCase *tcase = tcase_create("kv_order");

	tcase_add_loop_test(tcase, histories, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tcase, a_search_without_end_is_given_up);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
