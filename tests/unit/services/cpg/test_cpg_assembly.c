/* SPDX-License-Identifier: BSD-3-Clause */
/* services/cpg/lib/assembly.c */
#include "services/cpg/lib/assembly.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "services/cpg/messages.h"
#include "tests/suite.h"

enum { FIRST = CPG_FRAGMENT_FIRST, CONTINUED = CPG_FRAGMENT_CONTINUED, LAST = CPG_FRAGMENT_LAST };

static struct assembly_list list;

static void set_up(void) { assembly_list_init(&list); }

static void tear_down(void)
{
	assembly_list_fini(&list);
	ck_assert_uint_eq(list.count, 0);
	ck_assert_uint_eq(list.room, 0);
}

/* Add a text as a fragment of node 1. message: out: the complete message, or NULL. */
static int add(uint32_t pid, uint32_t type, uint32_t message_size, const char *text, void **message)
{
	struct assembly_fragment fragment = {.nodeid = 1,
		.pid = pid,
		.type = type,
		.message_size = message_size,
		.bytes = text,
		.size = (uint32_t)strlen(text)};

	return assembly_add(&list, &fragment, message);
}

START_TEST(whole_message)
{
	void *message;

	ck_assert_int_eq(add(7, FIRST, 10, "abcd", &message), 0);
	ck_assert_ptr_null(message);
	ck_assert_int_eq(add(7, CONTINUED, 10, "efg", &message), 0);
	ck_assert_ptr_null(message);
	ck_assert_int_eq(add(7, LAST, 10, "hij", &message), 0);
	ck_assert_ptr_nonnull(message);
	ck_assert_mem_eq(message, "abcdefghij", 10);
	free(message);
	ck_assert_uint_eq(list.count, 0);
	ck_assert_uint_eq(list.room, 0);
}
END_TEST

/* Corosync's library sends an empty fragment for an empty vector. */
START_TEST(empty_fragments)
{
	void *message;

	ck_assert_int_eq(add(7, FIRST, 2, "", &message), 0);
	ck_assert_int_eq(add(7, FIRST, 2, "", &message), 0);
	ck_assert_int_eq(add(7, FIRST, 2, "a", &message), 0);
	ck_assert_int_eq(add(7, CONTINUED, 2, "", &message), 0);
	ck_assert_int_eq(add(7, LAST, 2, "b", &message), 0);
	ck_assert_ptr_nonnull(message);
	ck_assert_mem_eq(message, "ab", 2);
	free(message);
}
END_TEST

START_TEST(senders_interleave)
{
	void *message;

	ck_assert_int_eq(add(1, FIRST, 4, "aa", &message), 0);
	ck_assert_int_eq(add(2, FIRST, 4, "bb", &message), 0);
	ck_assert_int_eq(add(2, LAST, 4, "BB", &message), 0);
	ck_assert_mem_eq(message, "bbBB", 4);
	free(message);
	ck_assert_int_eq(add(1, LAST, 4, "AA", &message), 0);
	ck_assert_mem_eq(message, "aaAA", 4);
	free(message);
}
END_TEST

START_TEST(joined_in_the_middle)
{
	void *message = &list;

	ck_assert_int_eq(add(7, CONTINUED, 6, "cd", &message), 0);
	ck_assert_ptr_null(message);
	ck_assert_int_eq(add(7, LAST, 6, "ef", &message), 0);
	ck_assert_ptr_null(message);
}
END_TEST

/* A new first fragment drops the sender's message that is not complete. */
START_TEST(first_starts_again)
{
	void *message;

	ck_assert_int_eq(add(7, FIRST, 6, "old", &message), 0);
	ck_assert_int_eq(add(7, FIRST, 4, "ne", &message), 0);
	ck_assert_int_eq(add(7, LAST, 4, "w!", &message), 0);
	ck_assert_mem_eq(message, "new!", 4);
	free(message);
	ck_assert_uint_eq(list.count, 0);
	ck_assert_uint_eq(list.room, 0);
}
END_TEST

START_TEST(sender_gone)
{
	void *message;

	ck_assert_int_eq(add(7, FIRST, 4, "ab", &message), 0);
	ck_assert_int_eq(add(8, FIRST, 4, "ab", &message), 0);
	assembly_drop(&list, 1, 7);
	assembly_drop(&list, 1, 9);
	assembly_drop(&list, 2, 8);
	ck_assert_int_eq(add(7, LAST, 4, "cd", &message), 0);
	ck_assert_ptr_null(message);
	ck_assert_int_eq(add(8, LAST, 4, "cd", &message), 0);
	ck_assert_mem_eq(message, "abcd", 4);
	free(message);
}
END_TEST

START_TEST(does_not_add_up)
{
	static const struct {
		const char *name;
		uint32_t announced;
		const char *first, *last;
		int first_rc, last_rc;
	} rows[] = {
		{"one too many in the last", 3, "ab", "cd", 0, -EMSGSIZE},
		{"one too few", 5, "ab", "cd", 0, -EMSGSIZE},
		{"too many in the first", 1, "ab", "cd", -EMSGSIZE, 0},
		{"announced empty", 0, "", "", 0, -EMSGSIZE},
		{"announced empty, is not", 0, "a", "b", -EMSGSIZE, 0},
		{"announced 4 GiB", UINT32_MAX, "ab", "cd", 0, -EMSGSIZE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *message;

		ck_assert_msg(add(7, FIRST, rows[i].announced, rows[i].first, &message) == rows[i].first_rc,
			"%s: first", rows[i].name);
		ck_assert_ptr_null(message);
		ck_assert_msg(add(7, LAST, rows[i].announced, rows[i].last, &message) == rows[i].last_rc, "%s: last",
			rows[i].name);
		ck_assert_ptr_null(message);
		ck_assert_msg(list.count == 0 && list.room == 0, "%s: left over", rows[i].name);
	}
}
END_TEST

/* A later fragment cannot change the size that the first fragment has announced. */
START_TEST(announcement_stands)
{
	void *message;

	ck_assert_int_eq(add(7, FIRST, 4, "ab", &message), 0);
	ck_assert_int_eq(add(7, LAST, 1000, "cdef", &message), -EMSGSIZE);
	ck_assert_ptr_null(message);
	/* The caller would read 1000 bytes of a message that has 4. */
	ck_assert_int_eq(add(7, FIRST, 4, "ab", &message), 0);
	ck_assert_int_eq(add(7, LAST, 1000, "cd", &message), -EMSGSIZE);
	ck_assert_ptr_null(message);
	ck_assert_int_eq(add(7, FIRST, 4, "ab", &message), 0);
	ck_assert_int_eq(add(7, CONTINUED, 3, "c", &message), -EMSGSIZE);
	ck_assert_int_eq(add(7, LAST, 4, "d", &message), 0);
	ck_assert_ptr_null(message);
}
END_TEST

START_TEST(large)
{
	enum { PART = 1000003, PARTS = 9 };
	uint8_t *bytes = malloc(PART);
	void *message = NULL;

	for (uint32_t i = 0; i < PARTS; i++) {
		struct assembly_fragment fragment = {.nodeid = 3,
			.pid = 4,
			.type = i == 0           ? FIRST
				: i == PARTS - 1 ? LAST
						 : CONTINUED,
			.message_size = PART * PARTS,
			.bytes = bytes,
			.size = PART};

		memset(bytes, (int)i, PART);
		ck_assert_ptr_null(message);
		ck_assert_int_eq(assembly_add(&list, &fragment, &message), 0);
	}
	ck_assert_ptr_nonnull(message);
	for (size_t i = 0; i < (size_t)PART * PARTS; i++)
		if (((uint8_t *)message)[i] != i / PART)
			ck_abort_msg("byte %zu", i);
	free(message);
	free(bytes);
}
END_TEST

/* ---- Limits -------------------------------------------------------------- */

static int add_bytes(uint32_t pid, uint32_t type, uint32_t message_size, const void *bytes, uint32_t size)
{
	struct assembly_fragment fragment = {
		.nodeid = 1, .pid = pid, .type = type, .message_size = message_size, .bytes = bytes, .size = size};
	void *message;
	int rc = assembly_add(&list, &fragment, &message);

	ck_assert_ptr_null(message);
	return rc;
}

/* 20,000 first fragments of one byte cost bytes and not mebibytes, and only the newest of them are kept. */
START_TEST(many_senders_cost_little)
{
	enum { SENDERS = 20000 };
	void *message;

	for (uint32_t i = 0; i < SENDERS; i++)
		ck_assert_int_eq(add_bytes(i * 2654435761u, FIRST, UINT32_MAX, "x", 1), 0);
	ck_assert_uint_eq(list.count, ASSEMBLY_COUNT_MAX);
	ck_assert_uint_le(list.room, 2 * ASSEMBLY_COUNT_MAX);
	ck_assert_int_eq(add(0, LAST, UINT32_MAX, "", &message), 0);
	ck_assert_int_eq(add((SENDERS - 1) * 2654435761u, LAST, UINT32_MAX, "", &message), -EMSGSIZE);
}
END_TEST

/* A sender that goes on sending is not the one that is dropped. */
START_TEST(the_sender_that_waits_is_dropped)
{
	void *message;

	list.count_max = 2;
	ck_assert_int_eq(add(7, FIRST, 4, "a", &message), 0);
	ck_assert_int_eq(add(8, FIRST, 4, "A", &message), 0);
	ck_assert_int_eq(add(7, CONTINUED, 4, "bc", &message), 0);
	ck_assert_int_eq(add(9, FIRST, 4, "x", &message), 0);
	ck_assert_int_eq(add(8, LAST, 4, "BCD", &message), 0);
	ck_assert_ptr_null(message);
	ck_assert_int_eq(add(7, LAST, 4, "d", &message), 0);
	ck_assert_mem_eq(message, "abcd", 4);
	free(message);
}
END_TEST

/* The end of a message whose bytes were given up is an error: the program must know that it has missed a message. */
START_TEST(all_messages_together_have_a_limit)
{
	static uint8_t bytes[100];
	void *message;

	list.room_max = 1000;
	for (uint32_t pid = 1; pid <= 20; pid++) {
		ck_assert_int_eq(add_bytes(pid, FIRST, 400, bytes, 100), 0);
		ck_assert_uint_le(list.room, 1000);
	}
	ck_assert_uint_eq(list.count, 20);
	ck_assert_int_eq(add_bytes(1, CONTINUED, 400, bytes, 100), 0);
	ck_assert_int_eq(add_bytes(1, LAST, 400, bytes, 100), -ENOMEM);
	ck_assert_int_eq(add_bytes(1, LAST, 400, bytes, 100), 0);
	ck_assert_uint_eq(list.count, 19);
	ck_assert_int_eq(add_bytes(20, CONTINUED, 400, bytes, 100), 0);
	ck_assert_int_eq(add_bytes(20, CONTINUED, 400, bytes, 100), 0);
	struct assembly_fragment last = {
		.nodeid = 1, .pid = 20, .type = LAST, .message_size = 400, .bytes = bytes, .size = 100};
	ck_assert_int_eq(assembly_add(&list, &last, &message), 0);
	ck_assert_ptr_nonnull(message);
	free(message);
}
END_TEST

/* A message that never ends is dropped when it fills the whole list. Its announcement alone costs nothing. */
START_TEST(one_message_has_the_same_limit)
{
	static uint8_t bytes[100];
	uint32_t count = 1;

	list.room_max = 1000;
	ck_assert_int_eq(add_bytes(1, FIRST, UINT32_MAX, bytes, 100), 0);
	while (add_bytes(1, CONTINUED, UINT32_MAX, bytes, 100) == 0) {
		ck_assert_uint_le(list.room, 1000);
		if (++count > 10)
			break;
	}
	ck_assert_uint_eq(count, 10);
	ck_assert_uint_eq(list.count, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpg assembly");
	TCase *tcase = tcase_create("assembly");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, whole_message);
	tcase_add_test(tcase, empty_fragments);
	tcase_add_test(tcase, senders_interleave);
	tcase_add_test(tcase, joined_in_the_middle);
	tcase_add_test(tcase, first_starts_again);
	tcase_add_test(tcase, sender_gone);
	tcase_add_test(tcase, does_not_add_up);
	tcase_add_test(tcase, announcement_stands);
	tcase_add_test(tcase, large);
	tcase_add_test(tcase, many_senders_cost_little);
	tcase_add_test(tcase, the_sender_that_waits_is_dropped);
	tcase_add_test(tcase, all_messages_together_have_a_limit);
	tcase_add_test(tcase, one_message_has_the_same_limit);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
