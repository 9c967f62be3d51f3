/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ABI 1.8 in the test kit: writable, answers that come later, stored files, lists, calls; and refusals that the kit can
 * simulate.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include <coterie/kv_calls.h>
#include <coterie/testkit.h>

#include "tests/suite.h"
#include "tests/unit/sample-plugins/caller.h"
#include "tests/unit/sample-plugins/patient.h"

#define OK 1
#define TIMEOUT 5
#define TRY_AGAIN 6
#define BUSY 10
#define NOT_EXIST 12

static struct testkit *kit;

/* --- helpers --- */

static void begin(uint32_t nodes, uint64_t seed)
{
	const char *options[] = {"words=one two  three", NULL};

	kit = testkit_create(seed, nodes);
	ck_assert_ptr_nonnull(kit);
	ck_assert_int_eq(testkit_load(kit, TESTKIT_ALL, &patient_LTX_coterie_plugin, options), 0);
	ck_assert_int_eq(testkit_load(kit, TESTKIT_ALL, &caller_LTX_coterie_plugin, NULL), 0);
	ck_assert_int_eq(testkit_load(kit, TESTKIT_ALL, &dropper_LTX_coterie_plugin, NULL), 0);
}

static void start(uint32_t nodes, uint64_t seed)
{
	begin(nodes, seed);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_settle(kit, nodes * 2000), 0);
}

static struct testkit_client *connect_to(uint32_t node, const char *name)
{
	struct testkit_client *client;

	ck_assert_int_eq(testkit_connect(kit, node, name, &client), 0);
	return client;
}

struct words_request {
	struct coterie_request_header header;
	uint32_t words[2];
};

static struct words_request ask(int32_t id, uint32_t first, uint32_t second)
{
	return (struct words_request){
		.header = {.id = id, .size = sizeof(struct words_request)}, .words = {first, second}};
}

static int32_t call(struct testkit_client *client, int32_t id, uint32_t first, uint32_t second)
{
	struct words_request request = ask(id, first, second);
	const struct coterie_response_header *reply = testkit_call(client, &request, sizeof(request));

	return reply == NULL ? 0 : reply->error;
}

static void send_words(struct testkit_client *client, int32_t id, uint32_t first, uint32_t second)
{
	struct words_request request = ask(id, first, second);

	ck_assert_int_eq(testkit_send(client, &request, sizeof(request)), 0);
}

static struct patient_counts counts(uint32_t node)
{
	const struct coterie_request_header request = {.id = PATIENT_COUNT, .size = sizeof(request)};
	struct testkit_client *client = connect_to(node, "patient");
	const struct coterie_response_header *reply = testkit_call(client, &request, sizeof(request));
	struct patient_counts result;

	ck_assert_ptr_nonnull(reply);
	memcpy(&result, reply + 1, sizeof(result));
	testkit_disconnect(client);
	return result;
}

static uint64_t total(uint32_t node)
{
	const struct coterie_request_header request = {.id = DROPPER_TOTAL, .size = sizeof(request)};
	struct testkit_client *client = connect_to(node, "dropper");
	const struct coterie_response_header *reply = testkit_call(client, &request, sizeof(request));
	uint64_t result;

	ck_assert_ptr_nonnull(reply);
	memcpy(&result, reply + 1, sizeof(result));
	testkit_disconnect(client);
	return result;
}

/* --- writable --- */

START_TEST(a_service_that_was_refused_is_called_when_there_is_room)
{
	start(3, 1);
	ck_assert_int_eq(call(connect_to(1, "patient"), PATIENT_PUSH, 500, 60000), OK);
	testkit_run(kit, 20000);
	struct patient_counts at = counts(1);
	ck_assert_uint_eq(at.left, 0);
	ck_assert_uint_eq(at.delivered, 500);
	ck_assert_uint_gt(at.refused, 0);
	ck_assert_uint_eq(at.writable, at.refused); /* one call of writable for each refused message */
	ck_assert_uint_eq(counts(2).writable, 0);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(several_services_share_the_room)
{
	start(2, 2);
	for (uint32_t node = 1; node <= 2; node++)
		ck_assert_int_eq(call(connect_to(node, "patient"), PATIENT_PUSH, 300, 60000), OK);
	testkit_run(kit, 30000);
	ck_assert_uint_eq(counts(1).left + counts(2).left, 0);
	ck_assert_uint_eq(counts(1).delivered, 600);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_synchronisation_comes_before_writable)
{
	start(3, 3);
	ck_assert_int_eq(call(connect_to(1, "patient"), PATIENT_PUSH, 400, 60000), OK);
	testkit_crash(kit, 3);
	ck_assert_int_eq(testkit_settle(kit, 30000), 0);
	testkit_run(kit, 20000);
	ck_assert_uint_eq(counts(1).left, 0);
	ck_assert_uint_eq(counts(1).delivered, 400);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_client_that_has_read_is_told_of)
{
	start(1, 4);
	struct testkit_client *client = connect_to(1, "patient");

	testkit_hold(client, 1);
	for (int i = 0; i < 40; i++)
		send_words(client, PATIENT_READER, 1, 1000000);
	testkit_run(kit, 1000);
	ck_assert_uint_gt(counts(1).may_not, 0);
	ck_assert_uint_eq(counts(1).readers, 0);
	testkit_hold(client, 0);
	testkit_run(kit, 10000);
	ck_assert_uint_eq(counts(1).readers, 1);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

/* --- answers that come later --- */

START_TEST(a_token_answers_where_the_message_is_delivered)
{
	start(2, 5);
	struct testkit_client *client = connect_to(2, "patient");

	ck_assert_int_eq(call(client, PATIENT_WAIT, 0, PATIENT_ONCE), OK);
	ck_assert_int_eq(call(client, PATIENT_WAIT, 60000, PATIENT_ONCE), OK);
	ck_assert_int_eq(call(client, PATIENT_WAIT, 60000, PATIENT_AT_ONCE), OK);
	ck_assert_int_eq(call(client, PATIENT_WAIT, 60000, PATIENT_DECLINED), BUSY);
	testkit_run(kit, 120000);
	ck_assert_uint_eq(counts(2).timeouts, 0);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_second_answer_is_refused)
{
	start(1, 6);
	ck_assert_int_eq(call(connect_to(1, "patient"), PATIENT_WAIT, 0, PATIENT_TWICE), OK);
	ck_assert_uint_eq(counts(1).second_rc, ENOENT);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(time_that_is_over_is_told_to_both)
{
	start(1, 7);
	struct testkit_client *client = connect_to(1, "patient");
	uint64_t began_ns = testkit_now_ns(kit);

	ck_assert_int_eq(call(client, PATIENT_WAIT, 700, PATIENT_NEVER), TIMEOUT);
	ck_assert_uint_ge(testkit_now_ns(kit) - began_ns, 700000000u);
	ck_assert_uint_lt(testkit_now_ns(kit) - began_ns, 800000000u);
	ck_assert_uint_eq(counts(1).timeouts, 1);
	ck_assert_uint_eq(counts(1).leavers, 0);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_client_that_leaves_ends_its_tokens)
{
	start(1, 8);
	struct testkit_client *client = connect_to(1, "patient");

	for (int i = 0; i < 3; i++)
		send_words(client, PATIENT_WAIT, 5000, PATIENT_NEVER);
	testkit_run(kit, 100);
	testkit_disconnect(client);
	testkit_run(kit, 10000);
	ck_assert_uint_eq(counts(1).leavers, 3);
	ck_assert_uint_eq(counts(1).timeouts, 0);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_client_has_a_bounded_number_of_tokens)
{
	start(1, 9);
	struct testkit_client *client = connect_to(1, "patient");
	uint32_t refused = 0;

	for (int i = 0; i < 1030; i++)
		send_words(client, PATIENT_WAIT, 0, PATIENT_NEVER);
	testkit_run(kit, 1000);
	for (const struct coterie_response_header *reply; (reply = testkit_reply(client)) != NULL; refused++)
		ck_assert_int_eq(reply->error, TRY_AGAIN);
	ck_assert_uint_eq(refused, 6);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_request_without_an_answer_has_no_token)
{
	start(1, 10);
	struct testkit_client *client = connect_to(1, "patient");

	send_words(client, PATIENT_SILENT, 0, 0);
	testkit_run(kit, 100);
	ck_assert_uint_eq(counts(1).second_rc, ENOTSUP);
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

	start(1, 11);
	ck_assert_int_eq(call(connect_to(1, "patient"), PATIENT_STORE, 5, 100), OK);
	testkit_run(kit, 100);
	ck_assert_uint_eq(counts(1).stored, 5);
	ck_assert_uint_eq(stored_size(&last), 100);
	ck_assert_uint_eq(last, 4);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_slow_disk_does_not_hold_up_the_node)
{
	struct coterie_ctx *ctx;
	uint8_t last;

	start(2, 12);
	ck_assert_int_eq(testkit_disk(kit, 1, 5000, 0), 0);
	ck_assert_int_eq(call(connect_to(1, "patient"), PATIENT_STORE, 1, 100), OK);
	const struct coterie_host *host = testkit_host(kit, 1, "patient", &ctx);
	ck_assert_int_eq(host->state_file_write(ctx, "patient", "x", 1), -EBUSY);
	testkit_run(kit, 4000);
	ck_assert_uint_eq(counts(1).stored, 0);
	ck_assert_uint_eq(stored_size(&last), 0);
	ck_assert_uint_eq(testkit_members(kit, 2, NULL, 0), 2);
	testkit_run(kit, 2000);
	ck_assert_uint_eq(counts(1).stored, 1);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_node_that_blocks_on_its_disk_is_removed)
{
	struct coterie_ctx *ctx;

	start(2, 13);
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
	start(1, 14);
	ck_assert_int_eq(testkit_disk(kit, TESTKIT_ALL, 0, -ENOSPC), 0);
	ck_assert_int_eq(call(connect_to(1, "patient"), PATIENT_STORE, 2, 100), OK);
	testkit_run(kit, 100);
	ck_assert_uint_eq(counts(1).store_errors, 2);
	ck_assert_uint_eq(counts(1).store_rc, ENOSPC);
	ck_assert_int_eq(testkit_disk(kit, 1, 0, 1), -EINVAL);
	ck_assert_int_eq(testkit_disk(kit, 7, 0, 0), -EINVAL);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(stores_under_way_are_bounded)
{
	start(1, 15);
	struct testkit_client *client = connect_to(1, "patient");

	send_words(client, PATIENT_STORE, 70, 100);
	testkit_run(kit, 1000);
	ck_assert_uint_eq(counts(1).store_refused, 6);
	ck_assert_uint_eq(counts(1).stored, 64);
	send_words(client, PATIENT_STORE, 3, 3 << 20);
	testkit_run(kit, 1000);
	ck_assert_uint_eq(counts(1).store_refused, 8);
	ck_assert_uint_eq(counts(1).stored, 65);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_store_under_way_is_lost_in_a_crash_and_kept_at_an_ordered_end)
{
	uint8_t last;

	start(1, 16);
	testkit_disk(kit, 1, 5000, 0);
	ck_assert_int_eq(call(connect_to(1, "patient"), PATIENT_STORE, 1, 10), OK);
	testkit_crash(kit, 1);
	ck_assert_int_eq(testkit_start(kit, 1), 0);
	ck_assert_int_eq(testkit_settle(kit, 5000), 0);
	ck_assert_uint_eq(stored_size(&last), 0);
	ck_assert_int_eq(call(connect_to(1, "patient"), PATIENT_STORE, 2, 10), OK);
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
	const struct coterie_response_header *reply = testkit_call(connect_to(1, "patient"), &request, sizeof(request));
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

	start(1, 17);
	ck_assert_str_eq(words(), "one|two|three");
	ck_assert_int_eq(testkit_option(kit, 1, "patient", "words", "\tfour "), 0);
	ck_assert_str_eq(words(), "four");
	const struct coterie_host *host = testkit_host(kit, 1, "patient", &ctx);
	ck_assert_int_eq(host->option_list(ctx, "number", &values, &count), -EINVAL);
	ck_assert_int_eq(host->option_list(ctx, "nothing", &values, &count), -ENOENT);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

/* --- calls --- */

static int32_t open_call(struct testkit_client *client, const char *name)
{
	struct {
		struct coterie_request_header header;
		char name[32];
	} request = {.header = {.id = CALLER_OPEN, .size = sizeof(request)}};

	strncpy(request.name, name, sizeof(request.name) - 1);
	const struct coterie_response_header *reply = testkit_call(client, &request, sizeof(request));
	return reply == NULL ? 0 : reply->error;
}

/*
 * Send a request to another service through the plugin caller. @return error of that service's answer; -error of the
 * caller's own answer
 */
static int32_t pass(struct testkit_client *client, int32_t id, uint32_t first, uint32_t second, void *rest, size_t size)
{
	struct {
		struct coterie_request_header header;
		struct words_request inner;
	} request = {.header = {.id = CALLER_PASS, .size = sizeof(request)}, .inner = ask(id, first, second)};
	const struct coterie_response_header *reply = testkit_call(client, &request, sizeof(request));

	ck_assert_ptr_nonnull(reply);
	if (reply->error != OK)
		return -reply->error;
	const struct coterie_response_header *inner = reply + 1;
	if (size > 0 && inner->size == (int32_t)(sizeof(*inner) + size))
		memcpy(rest, inner + 1, size);
	return inner->error;
}

static struct caller_counts caller_counts(uint32_t node)
{
	const struct coterie_request_header request = {.id = CALLER_COUNT, .size = sizeof(request)};
	const struct coterie_response_header *reply = testkit_call(
		connect_to(node, "caller"), &request, sizeof(request));
	struct caller_counts result;

	memcpy(&result, reply + 1, sizeof(result));
	return result;
}

START_TEST(a_plugin_calls_another_service)
{
	struct patient_counts at = {0};

	start(2, 18);
	struct testkit_client *client = connect_to(1, "caller");
	ck_assert_int_eq(open_call(client, "nothing"), NOT_EXIST);
	ck_assert_int_eq(open_call(client, "caller"), NOT_EXIST);
	ck_assert_int_eq(open_call(client, "patient"), OK);
	ck_assert_int_eq(pass(client, PATIENT_PUSH, 3, 100, NULL, 0), OK);
	testkit_run(kit, 100);
	ck_assert_int_eq(pass(client, PATIENT_COUNT, 0, 0, &at, sizeof(at)), OK);
	ck_assert_uint_eq(at.delivered, 3);
	ck_assert_int_eq(pass(client, PATIENT_WAIT, 0, PATIENT_ONCE, NULL, 0), OK);
	ck_assert_int_eq(pass(client, PATIENT_WAIT, 300, PATIENT_NEVER, NULL, 0), TIMEOUT);
	ck_assert_int_eq(pass(client, PATIENT_READER, 5, 100, NULL, 0), OK);
	testkit_run(kit, 100);
	ck_assert_uint_eq(caller_counts(1).events, 5);
	ck_assert_int_eq(pass(client, 99, 0, 0, NULL, 0), 7); /* no such request */
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(answers_come_in_the_order_of_the_requests)
{
	struct {
		struct coterie_request_header header;
		struct words_request first, second;
	} request = {.header = {.id = CALLER_BOTH, .size = sizeof(request)},
		.first = ask(PATIENT_WAIT, 300, PATIENT_NEVER),
		.second = ask(PATIENT_COUNT, 0, 0)};

	start(1, 31);
	struct testkit_client *client = connect_to(1, "caller");

	ck_assert_int_eq(open_call(client, "patient"), OK);
	ck_assert_ptr_nonnull(testkit_call(client, &request, sizeof(request)));
	testkit_run(kit, 1000);
	ck_assert_uint_eq(caller_counts(1).errors, 10 * TIMEOUT + OK);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_call_ends_with_the_service_or_the_caller)
{
	start(1, 19);
	struct testkit_client *client = connect_to(1, "caller");

	ck_assert_int_eq(open_call(client, "patient"), OK);
	ck_assert_int_eq(pass(client, PATIENT_PUSH, 1, 10, NULL, 0), OK);
	ck_assert_int_eq(testkit_unload(kit, 1, "patient"), 0);
	testkit_run(kit, 100);
	ck_assert_uint_eq(caller_counts(1).ends, 1);
	ck_assert_int_eq(pass(client, PATIENT_PUSH, 1, 10, NULL, 0), -NOT_EXIST);
	ck_assert_int_eq(testkit_load(kit, 1, &patient_LTX_coterie_plugin, NULL), 0);
	ck_assert_int_eq(testkit_settle(kit, 5000), 0);
	ck_assert_int_eq(open_call(client, "patient"), OK);
	ck_assert_int_eq(call(client, CALLER_CLOSE, 0, 0), OK);
	ck_assert_int_eq(open_call(client, "patient"), OK);
	ck_assert_int_eq(testkit_unload(kit, 1, "caller"), 0);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

static void no_answer(void *arg, const struct coterie_response_header *answer) { (void)arg, (void)answer; }
static void no_end(void *arg) { (void)arg; }

START_TEST(wrong_callers_are_refused)
{
	const struct coterie_caller good = {.size = sizeof(good), .answered = no_answer, .ended = no_end};
	struct coterie_caller caller = good;
	struct coterie_call *opened = NULL;
	struct coterie_ctx *ctx;

	start(1, 32);
	const struct coterie_host *host = testkit_host(kit, 1, "caller", &ctx);
	caller.answered = NULL;
	ck_assert_int_eq(host->call_open(ctx, "patient", &caller, NULL, &opened), -ENOTSUP);
	caller = good;
	caller.ended = NULL;
	ck_assert_int_eq(host->call_open(ctx, "patient", &caller, NULL, &opened), -ENOTSUP);
	caller = good;
	caller.size = offsetof(struct coterie_caller, ended);
	ck_assert_int_eq(host->call_open(ctx, "patient", &caller, NULL, &opened), -ENOTSUP);
	caller = good;
	caller.pad = 1;
	ck_assert_int_eq(host->call_open(ctx, "patient", &caller, NULL, &opened), -EINVAL);
	ck_assert_int_eq(host->call_open(ctx, "patient", &good, NULL, &opened), 0);
	host->call_close(opened);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_closed_call_ends_its_tokens)
{
	start(1, 20);
	struct testkit_client *client = connect_to(1, "caller");
	struct {
		struct coterie_request_header header;
		struct words_request inner;
	} request = {
		.header = {.id = CALLER_PASS, .size = sizeof(request)}, .inner = ask(PATIENT_WAIT, 0, PATIENT_NEVER)};

	ck_assert_int_eq(open_call(client, "patient"), OK);
	testkit_send(client, &request, sizeof(request));
	testkit_run(kit, 100);
	ck_assert_int_eq(call(connect_to(1, "caller"), CALLER_CLOSE, 0, 0), OK);
	testkit_run(kit, 100);
	ck_assert_uint_eq(counts(1).leavers, 1);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

/* --- kv --- */

/*
 * Send a request to the service kv through the plugin caller. @return the caller's answer, in which the answer of kv
 * follows the header; NULL: another error
 */
static const struct coterie_response_header *pass_bytes(struct testkit_client *client, const void *inner, size_t size)
{
	static struct {
		struct coterie_request_header header;
		uint8_t bytes[512];
	} request;

	request.header = (struct coterie_request_header){.id = CALLER_PASS, .size = (int32_t)(16 + size)};
	memcpy(request.bytes, inner, size);
	const struct coterie_response_header *reply = testkit_call(client, &request, (uint32_t)(16 + size));
	ck_assert_ptr_nonnull(reply);
	ck_assert_int_eq(reply->error, OK);
	return reply + 1;
}

/* Repeat the request while a node that has joined receives the table, as clients of kv have to. */
static const struct coterie_response_header *pass_when_ready(
	struct testkit_client *client, const void *inner, size_t size)
{
	const struct coterie_response_header *answer = pass_bytes(client, inner, size);

	for (int i = 0; i < 50 && answer->error == TRY_AGAIN; i++) {
		testkit_run(kit, 100);
		answer = pass_bytes(client, inner, size);
	}
	return answer;
}

START_TEST(a_plugin_reads_and_writes_kv)
{
	static const char text[] = "holdernode1";
	struct {
		struct coterie_kv_call_write head;
		char bytes[16];
	} put = {.head = {.header = {.id = COTERIE_KV_CALL_PUT, .size = sizeof(put.head) + 11},
			 .flags = COTERIE_KV_CALL_CONDITIONAL,
			 .key_size = 6,
			 .value_size = 5}};
	struct {
		struct coterie_kv_call_get head;
		char bytes[8];
	} get = {.head = {.header = {.id = COTERIE_KV_CALL_GET_ORDERED, .size = sizeof(get.head) + 6}, .key_size = 6}};

	memcpy((uint8_t *)&put + sizeof(put.head), text, 11);
	memcpy((uint8_t *)&get + sizeof(get.head), text, 6);
	begin(2, 30);
	ck_assert_int_eq(testkit_load_file(kit, TESTKIT_ALL, KV_FILE, NULL), 0);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	struct testkit_client *one = connect_to(1, "caller"), *two = connect_to(2, "caller");
	ck_assert_int_eq(open_call(one, COTERIE_KV_CALL_NAME), OK);
	ck_assert_int_eq(open_call(two, COTERIE_KV_CALL_NAME), OK);
	const struct coterie_kv_call_written *written = (const void *)pass_when_ready(one, &put, sizeof(put.head) + 11);
	ck_assert_int_eq(written->header.error, OK);
	uint64_t revision = written->revision;
	const struct coterie_kv_call_got *got = (const void *)pass_when_ready(two, &get, sizeof(get.head) + 6);
	ck_assert_int_eq(got->header.error, OK);
	ck_assert_uint_eq(got->modified, revision);
	ck_assert_uint_eq(got->value_size, 5);
	ck_assert_mem_eq(got->bytes, "node1", 5);
	/* The key exists now. */
	written = (const void *)pass_bytes(two, &put, sizeof(put.head) + 11);
	ck_assert_int_eq(written->header.error, 14);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

/* --- what the kit refuses --- */

/* Run 50 additions with refusals. @return how many of them are missing */
static uint64_t missing(uint64_t seed, uint32_t chance)
{
	start(3, seed);
	ck_assert_int_eq(testkit_no_room(kit, TESTKIT_ALL, "dropper", chance), 0);
	struct testkit_client *client = connect_to(1, "dropper");

	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(call(client, DROPPER_ADD, 0, 0), OK);
	testkit_run(kit, 100);
	uint64_t result = 50 - total(2);
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
	start(2, 21);
	ck_assert_int_eq(testkit_no_room(kit, TESTKIT_ALL, NULL, 5000), 0);
	ck_assert_int_eq(call(connect_to(1, "patient"), PATIENT_PUSH, 50, 100), OK);
	testkit_run(kit, 5000);
	ck_assert_uint_eq(counts(2).delivered, 50);
	ck_assert_uint_gt(counts(1).refused, 0);
	ck_assert_int_eq(testkit_no_room(kit, 9, NULL, 1), -EINVAL);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(no_room_at_the_end_of_a_node_does_not_outlive_it)
{
	start(2, 27);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(testkit_no_room(kit, 1, "patient", 10000), 0);
		ck_assert_int_eq(call(connect_to(1, "patient"), PATIENT_PUSH, 5, 100), OK);
		/* the service sends a message for its client, which leaves */
		ck_assert_int_eq(testkit_crash(kit, 1), 0);
		ck_assert_int_eq(testkit_start(kit, 1), 0);
		ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	}
	ck_assert_int_eq(call(connect_to(1, "patient"), PATIENT_PUSH, 5, 100), OK);
	ck_assert_int_eq(testkit_no_room(kit, 1, "patient", 0), 0);
	testkit_run(kit, 1000);
	ck_assert_uint_eq(counts(2).delivered, 5);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(no_memory_reaches_the_plugin)
{
	start(1, 22);
	ck_assert_int_eq(testkit_no_memory(kit, 1, "patient", 10000), 0);
	ck_assert_int_eq(call(connect_to(1, "patient"), PATIENT_STORE, 1, 10), 8);
	ck_assert_int_eq(testkit_no_memory(kit, 1, "patient", 0), 0);
	ck_assert_int_eq(call(connect_to(1, "patient"), PATIENT_STORE, 1, 10), OK);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(an_answer_may_come_from_a_thread)
{
	start(1, 23);
	ck_assert_int_eq(call(connect_to(1, "dropper"), DROPPER_ADD_BY_THREAD, 0, 0), OK);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(messages_of_the_other_byte_order_are_played)
{
	const uint32_t words[] = {__builtin_bswap32(7), 0};

	begin(2, 24);
	ck_assert_int_eq(testkit_play(kit, 1, "dropper", 0, words, sizeof(words)), -ENOTSUP);
	ck_assert_int_eq(testkit_foreign(kit), 0);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_foreign(kit), -EBUSY);
	ck_assert_int_eq(testkit_settle(kit, 5000), 0);
	ck_assert_int_eq(testkit_play(kit, 2, "dropper", 0, words, sizeof(words)), 0);
	ck_assert_int_eq(testkit_play(kit, 2, "nothing", 0, words, sizeof(words)), -ENOENT);
	testkit_run(kit, 100);
	ck_assert_uint_eq(total(1), 7);
	ck_assert_uint_eq(total(2), 7);
	/* The daemon's checks refuse a message that is too short, and an unknown function. */
	ck_assert_int_eq(testkit_play(kit, 1, "dropper", 0, words, 1), 0);
	ck_assert_int_eq(testkit_play(kit, 1, "dropper", 5, words, sizeof(words)), 0);
	testkit_run(kit, 100);
	ck_assert_uint_eq(total(1), 7);
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
	tcase_add_test(tcase, a_plugin_calls_another_service);
	tcase_add_test(tcase, answers_come_in_the_order_of_the_requests);
	tcase_add_test(tcase, a_call_ends_with_the_service_or_the_caller);
	tcase_add_test(tcase, wrong_callers_are_refused);
	tcase_add_test(tcase, a_closed_call_ends_its_tokens);
	tcase_add_test(tcase, a_plugin_reads_and_writes_kv);
	tcase_add_test(tcase, no_room_finds_a_message_that_is_dropped);
	tcase_add_test(tcase, no_room_does_not_harm_a_service_that_waits);
	tcase_add_test(tcase, no_room_at_the_end_of_a_node_does_not_outlive_it);
	tcase_add_test(tcase, no_memory_reaches_the_plugin);
	tcase_add_test(tcase, an_answer_may_come_from_a_thread);
	tcase_add_test(tcase, messages_of_the_other_byte_order_are_played);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
