/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ABI 1.8 in the test kit: writable, answers that come later, stored files and lists; and refusals that the kit can
 * simulate.
 */
#include <errno.h>
#include <string.h>

#include <check.h>

#include "tests/suite.h"
#include "tests/unit/testkit/sdk_case.h"

/* --- writable --- */

START_TEST(a_service_that_was_refused_is_called_when_there_is_room)
{
	sdk_case_start(3, 1);
	ck_assert_int_eq(sdk_case_call(sdk_case_connect(1, "patient"), PATIENT_PUSH, 500, 60000), OK);
	testkit_run(kit, 20000);
	struct patient_counts at = sdk_case_counts(1);
	ck_assert_uint_eq(at.left, 0);
	ck_assert_uint_eq(at.delivered, 500);
	ck_assert_uint_gt(at.refused, 0);
	ck_assert_uint_eq(at.writable, at.refused); /* one call of writable for each refused message */
	ck_assert_uint_eq(sdk_case_counts(2).writable, 0);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(several_services_share_the_room)
{
	sdk_case_start(2, 2);
	for (uint32_t node = 1; node <= 2; node++)
		ck_assert_int_eq(sdk_case_call(sdk_case_connect(node, "patient"), PATIENT_PUSH, 300, 60000), OK);
	testkit_run(kit, 30000);
	ck_assert_uint_eq(sdk_case_counts(1).left + sdk_case_counts(2).left, 0);
	ck_assert_uint_eq(sdk_case_counts(1).delivered, 600);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_synchronisation_comes_before_writable)
{
	sdk_case_start(3, 3);
	ck_assert_int_eq(sdk_case_call(sdk_case_connect(1, "patient"), PATIENT_PUSH, 400, 60000), OK);
	testkit_crash(kit, 3);
	ck_assert_int_eq(testkit_settle(kit, 30000), 0);
	testkit_run(kit, 20000);
	ck_assert_uint_eq(sdk_case_counts(1).left, 0);
	ck_assert_uint_eq(sdk_case_counts(1).delivered, 400);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_client_that_has_read_is_told_of)
{
	sdk_case_start(1, 4);
	struct testkit_client *client = sdk_case_connect(1, "patient");

	testkit_hold(client, 1);
	for (int i = 0; i < 40; i++)
		sdk_case_send(client, PATIENT_READER, 1, 1000000);
	testkit_run(kit, 1000);
	ck_assert_uint_gt(sdk_case_counts(1).may_not, 0);
	ck_assert_uint_eq(sdk_case_counts(1).readers, 0);
	testkit_hold(client, 0);
	testkit_run(kit, 10000);
	ck_assert_uint_eq(sdk_case_counts(1).readers, 1);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

/* --- answers that come later --- */

START_TEST(a_token_answers_where_the_message_is_delivered)
{
	sdk_case_start(2, 5);
	struct testkit_client *client = sdk_case_connect(2, "patient");

	ck_assert_int_eq(sdk_case_call(client, PATIENT_WAIT, 0, PATIENT_ONCE), OK);
	ck_assert_int_eq(sdk_case_call(client, PATIENT_WAIT, 60000, PATIENT_ONCE), OK);
	ck_assert_int_eq(sdk_case_call(client, PATIENT_WAIT, 60000, PATIENT_AT_ONCE), OK);
	ck_assert_int_eq(sdk_case_call(client, PATIENT_WAIT, 60000, PATIENT_DECLINED), BUSY);
	testkit_run(kit, 120000);
	ck_assert_uint_eq(sdk_case_counts(2).timeouts, 0);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_second_answer_is_refused)
{
	sdk_case_start(1, 6);
	ck_assert_int_eq(sdk_case_call(sdk_case_connect(1, "patient"), PATIENT_WAIT, 0, PATIENT_TWICE), OK);
	ck_assert_uint_eq(sdk_case_counts(1).second_rc, ENOENT);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(time_that_is_over_is_told_to_both)
{
	sdk_case_start(1, 7);
	struct testkit_client *client = sdk_case_connect(1, "patient");
	uint64_t began_ns = testkit_now_ns(kit);

	ck_assert_int_eq(sdk_case_call(client, PATIENT_WAIT, 700, PATIENT_NEVER), TIMEOUT);
	ck_assert_uint_ge(testkit_now_ns(kit) - began_ns, 700000000u);
	ck_assert_uint_lt(testkit_now_ns(kit) - began_ns, 800000000u);
	ck_assert_uint_eq(sdk_case_counts(1).timeouts, 1);
	ck_assert_uint_eq(sdk_case_counts(1).leavers, 0);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_client_that_leaves_ends_its_tokens)
{
	sdk_case_start(1, 8);
	struct testkit_client *client = sdk_case_connect(1, "patient");

	for (int i = 0; i < 3; i++)
		sdk_case_send(client, PATIENT_WAIT, 5000, PATIENT_NEVER);
	testkit_run(kit, 100);
	testkit_disconnect(client);
	testkit_run(kit, 10000);
	ck_assert_uint_eq(sdk_case_counts(1).leavers, 3);
	ck_assert_uint_eq(sdk_case_counts(1).timeouts, 0);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_client_has_a_bounded_number_of_tokens)
{
	sdk_case_start(1, 9);
	struct testkit_client *client = sdk_case_connect(1, "patient");
	uint32_t refused = 0;

	for (int i = 0; i < 1030; i++)
		sdk_case_send(client, PATIENT_WAIT, 0, PATIENT_NEVER);
	testkit_run(kit, 1000);
	for (const struct coterie_response_header *reply; (reply = testkit_reply(client)) != NULL; refused++)
		ck_assert_int_eq(reply->error, TRY_AGAIN);
	ck_assert_uint_eq(refused, 6);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_request_without_an_answer_has_no_token)
{
	sdk_case_start(1, 10);
	struct testkit_client *client = sdk_case_connect(1, "patient");

	sdk_case_send(client, PATIENT_SILENT, 0, 0);
	testkit_run(kit, 100);
	ck_assert_uint_eq(sdk_case_counts(1).second_rc, ENOTSUP);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

/* --- files --- */

static uint32_t stored_size(uint8_t *last)
{
	struct coterie_ctx *ctx;
	const struct coterie_host *host = testkit_host(kit, 1, "patient", &ctx);
	uint8_t bytes[100];
	int size = host->state_file_read(ctx, "patient", bytes, sizeof(bytes));

	*last = bytes[0];
	return size < 0 ? 0 : (uint32_t)size;
}

START_TEST(files_are_stored_in_their_order)
{
	uint8_t last;

	sdk_case_start(1, 11);
	ck_assert_int_eq(sdk_case_call(sdk_case_connect(1, "patient"), PATIENT_STORE, 5, 100), OK);
	testkit_run(kit, 100);
	ck_assert_uint_eq(sdk_case_counts(1).stored, 5);
	ck_assert_uint_eq(stored_size(&last), 100);
	ck_assert_uint_eq(last, 4);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_slow_disk_does_not_hold_up_the_node)
{
	struct coterie_ctx *ctx;
	uint8_t last;

	sdk_case_start(2, 12);
	ck_assert_int_eq(testkit_disk(kit, 1, 5000, 0), 0);
	ck_assert_int_eq(sdk_case_call(sdk_case_connect(1, "patient"), PATIENT_STORE, 1, 100), OK);
	const struct coterie_host *host = testkit_host(kit, 1, "patient", &ctx);
	ck_assert_int_eq(host->state_file_write(ctx, "patient", "x", 1), -EBUSY);
	testkit_run(kit, 4000);
	ck_assert_uint_eq(sdk_case_counts(1).stored, 0);
	ck_assert_uint_eq(stored_size(&last), 0);
	ck_assert_uint_eq(testkit_members(kit, 2, NULL, 0), 2);
	testkit_run(kit, 2000);
	ck_assert_uint_eq(sdk_case_counts(1).stored, 1);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_node_that_blocks_on_its_disk_is_removed)
{
	struct coterie_ctx *ctx;

	sdk_case_start(2, 13);
	ck_assert_int_eq(testkit_disk(kit, 1, 20000, 0), 0);
	const struct coterie_host *host = testkit_host(kit, 1, "patient", &ctx);
	ck_assert_int_eq(host->state_file_write(ctx, "patient", "x", 1), 0);
	testkit_run(kit, 15000);
	ck_assert_uint_eq(testkit_members(kit, 2, NULL, 0), 1);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(errors_of_the_disk_are_told)
{
	sdk_case_start(1, 14);
	ck_assert_int_eq(testkit_disk(kit, TESTKIT_ALL, 0, -ENOSPC), 0);
	ck_assert_int_eq(sdk_case_call(sdk_case_connect(1, "patient"), PATIENT_STORE, 2, 100), OK);
	testkit_run(kit, 100);
	ck_assert_uint_eq(sdk_case_counts(1).store_errors, 2);
	ck_assert_uint_eq(sdk_case_counts(1).store_rc, ENOSPC);
	ck_assert_int_eq(testkit_disk(kit, 1, 0, 1), -EINVAL);
	ck_assert_int_eq(testkit_disk(kit, 7, 0, 0), -EINVAL);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(stores_under_way_are_bounded)
{
	sdk_case_start(1, 15);
	struct testkit_client *client = sdk_case_connect(1, "patient");

	sdk_case_send(client, PATIENT_STORE, 70, 100);
	testkit_run(kit, 1000);
	ck_assert_uint_eq(sdk_case_counts(1).store_refused, 6);
	ck_assert_uint_eq(sdk_case_counts(1).stored, 64);
	sdk_case_send(client, PATIENT_STORE, 3, 3 << 20);
	testkit_run(kit, 1000);
	ck_assert_uint_eq(sdk_case_counts(1).store_refused, 8);
	ck_assert_uint_eq(sdk_case_counts(1).stored, 65);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_store_under_way_is_lost_in_a_crash_and_kept_at_an_ordered_end)
{
	uint8_t last;

	sdk_case_start(1, 16);
	testkit_disk(kit, 1, 5000, 0);
	ck_assert_int_eq(sdk_case_call(sdk_case_connect(1, "patient"), PATIENT_STORE, 1, 10), OK);
	testkit_crash(kit, 1);
	ck_assert_int_eq(testkit_start(kit, 1), 0);
	ck_assert_int_eq(testkit_settle(kit, 5000), 0);
	ck_assert_uint_eq(stored_size(&last), 0);
	ck_assert_int_eq(sdk_case_call(sdk_case_connect(1, "patient"), PATIENT_STORE, 2, 10), OK);
	testkit_stop(kit, 1);
	testkit_run(kit, 3000);
	ck_assert_int_eq(testkit_is_up(kit, 1), 0);
	ck_assert_int_eq(testkit_start(kit, 1), 0);
	ck_assert_int_eq(testkit_settle(kit, 5000), 0);
	ck_assert_uint_eq(stored_size(&last), 10);
	ck_assert_uint_eq(last, 1);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

/* --- options --- */

static const char *words(void)
{
	const struct coterie_request_header request = {.id = PATIENT_WORDS, .size = sizeof(request)};
	const struct coterie_response_header *reply = testkit_call(
		sdk_case_connect(1, "patient"), &request, sizeof(request));
	static char text[100];
	int size = reply->size - (int)sizeof(*reply);

	ck_assert_int_eq(reply->error, OK);
	memcpy(text, reply + 1, (size_t)size);
	for (int i = 0; i < size - 1; i++)
		if (text[i] == '\0')
			text[i] = '|';
	return text;
}

START_TEST(a_list_arrives_split)
{
	const char *const *values;
	struct coterie_ctx *ctx;
	uint32_t count;

	sdk_case_start(1, 17);
	ck_assert_str_eq(words(), "one|two|three");
	ck_assert_int_eq(testkit_option(kit, 1, "patient", "words", "\tfour "), 0);
	ck_assert_str_eq(words(), "four");
	const struct coterie_host *host = testkit_host(kit, 1, "patient", &ctx);
	ck_assert_int_eq(host->option_list(ctx, "number", &values, &count), -EINVAL);
	ck_assert_int_eq(host->option_list(ctx, "nothing", &values, &count), -ENOENT);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

/* --- what the kit refuses --- */

/* Run 50 additions with refusals. @return how many of them are missing */
static uint64_t missing(uint64_t seed, uint32_t chance)
{
	sdk_case_start(3, seed);
	ck_assert_int_eq(testkit_no_room(kit, TESTKIT_ALL, "dropper", chance), 0);
	struct testkit_client *client = sdk_case_connect(1, "dropper");

	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(sdk_case_call(client, DROPPER_ADD, 0, 0), OK);
	testkit_run(kit, 100);
	uint64_t result = 50 - sdk_case_total(2);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
	return result;
}

START_TEST(no_room_finds_a_message_that_is_dropped)
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
		ck_assert_uint_eq(missing(seed, 0), 0);
		ck_assert_uint_gt(missing(seed, 1000), 0);
	}
}
END_TEST

START_TEST(no_room_does_not_harm_a_service_that_waits)
{
	sdk_case_start(2, 21);
	ck_assert_int_eq(testkit_no_room(kit, TESTKIT_ALL, NULL, 5000), 0);
	ck_assert_int_eq(sdk_case_call(sdk_case_connect(1, "patient"), PATIENT_PUSH, 50, 100), OK);
	testkit_run(kit, 5000);
	ck_assert_uint_eq(sdk_case_counts(2).delivered, 50);
	ck_assert_uint_gt(sdk_case_counts(1).refused, 0);
	ck_assert_int_eq(testkit_no_room(kit, 9, NULL, 1), -EINVAL);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(no_room_at_the_end_of_a_node_does_not_outlive_it)
{
	sdk_case_start(2, 27);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(testkit_no_room(kit, 1, "patient", 10000), 0);
		ck_assert_int_eq(sdk_case_call(sdk_case_connect(1, "patient"), PATIENT_PUSH, 5, 100), OK);
		/* the service sends a message for its client, which leaves */
		ck_assert_int_eq(testkit_crash(kit, 1), 0);
		ck_assert_int_eq(testkit_start(kit, 1), 0);
		ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	}
	ck_assert_int_eq(sdk_case_call(sdk_case_connect(1, "patient"), PATIENT_PUSH, 5, 100), OK);
	ck_assert_int_eq(testkit_no_room(kit, 1, "patient", 0), 0);
	testkit_run(kit, 1000);
	ck_assert_uint_eq(sdk_case_counts(2).delivered, 5);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(no_memory_reaches_the_plugin)
{
	sdk_case_start(1, 22);
	ck_assert_int_eq(testkit_no_memory(kit, 1, "patient", 10000), 0);
	ck_assert_int_eq(sdk_case_call(sdk_case_connect(1, "patient"), PATIENT_STORE, 1, 10), 8);
	ck_assert_int_eq(testkit_no_memory(kit, 1, "patient", 0), 0);
	ck_assert_int_eq(sdk_case_call(sdk_case_connect(1, "patient"), PATIENT_STORE, 1, 10), OK);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(an_answer_may_come_from_a_thread)
{
	sdk_case_start(1, 23);
	ck_assert_int_eq(sdk_case_call(sdk_case_connect(1, "dropper"), DROPPER_ADD_BY_THREAD, 0, 0), OK);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(messages_of_the_other_byte_order_are_played)
{
	const uint32_t words[] = {__builtin_bswap32(7), 0};

	sdk_case_begin(2, 24);
	ck_assert_int_eq(testkit_play(kit, 1, "dropper", 0, words, sizeof(words)), -ENOTSUP);
	ck_assert_int_eq(testkit_foreign(kit), 0);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_foreign(kit), -EBUSY);
	ck_assert_int_eq(testkit_settle(kit, 5000), 0);
	ck_assert_int_eq(testkit_play(kit, 2, "dropper", 0, words, sizeof(words)), 0);
	ck_assert_int_eq(testkit_play(kit, 2, "nothing", 0, words, sizeof(words)), -ENOENT);
	testkit_run(kit, 100);
	ck_assert_uint_eq(sdk_case_total(1), 7);
	ck_assert_uint_eq(sdk_case_total(2), 7);
	/* The daemon's checks refuse a message that is too short, and an unknown function. */
	ck_assert_int_eq(testkit_play(kit, 1, "dropper", 0, words, 1), 0);
	ck_assert_int_eq(testkit_play(kit, 1, "dropper", 5, words, sizeof(words)), 0);
	testkit_run(kit, 100);
	ck_assert_uint_eq(sdk_case_total(1), 7);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sdk");
	TCase *tcase = tcase_create("abi 1.8");

	tcase_add_test(tcase, a_service_that_was_refused_is_called_when_there_is_room);
	tcase_add_test(tcase, several_services_share_the_room);
	tcase_add_test(tcase, a_synchronisation_comes_before_writable);
	tcase_add_test(tcase, a_client_that_has_read_is_told_of);
	tcase_add_test(tcase, a_token_answers_where_the_message_is_delivered);
	tcase_add_test(tcase, a_second_answer_is_refused);
	tcase_add_test(tcase, time_that_is_over_is_told_to_both);
	tcase_add_test(tcase, a_client_that_leaves_ends_its_tokens);
	tcase_add_test(tcase, a_client_has_a_bounded_number_of_tokens);
	tcase_add_test(tcase, a_request_without_an_answer_has_no_token);
	tcase_add_test(tcase, files_are_stored_in_their_order);
	tcase_add_test(tcase, a_slow_disk_does_not_hold_up_the_node);
	tcase_add_test(tcase, a_node_that_blocks_on_its_disk_is_removed);
	tcase_add_test(tcase, errors_of_the_disk_are_told);
	tcase_add_test(tcase, stores_under_way_are_bounded);
	tcase_add_test(tcase, a_store_under_way_is_lost_in_a_crash_and_kept_at_an_ordered_end);
	tcase_add_test(tcase, a_list_arrives_split);
	tcase_add_test(tcase, no_room_finds_a_message_that_is_dropped);
	tcase_add_test(tcase, no_room_does_not_harm_a_service_that_waits);
	tcase_add_test(tcase, no_room_at_the_end_of_a_node_does_not_outlive_it);
	tcase_add_test(tcase, no_memory_reaches_the_plugin);
	tcase_add_test(tcase, an_answer_may_come_from_a_thread);
	tcase_add_test(tcase, messages_of_the_other_byte_order_are_played);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
