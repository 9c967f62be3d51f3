/* SPDX-License-Identifier: BSD-3-Clause */
/* ABI 1.8 in the test kit: a plugin calls other services of its node, kv among them. */
#include <errno.h>
#include <string.h>

#include <check.h>

#include <coterie/kv_calls.h>

#include "tests/suite.h"
#include "tests/unit/testkit/sdk_case.h"

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
	} request = {.header = {.id = CALLER_PASS, .size = sizeof(request)}, .inner = sdk_case_ask(id, first, second)};
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
		sdk_case_connect(node, "caller"), &request, sizeof(request));
	struct caller_counts result;

	memcpy(&result, reply + 1, sizeof(result));
	return result;
}

START_TEST(a_plugin_calls_another_service)
{
	struct patient_counts at = {0};

	sdk_case_start(2, 18);
	struct testkit_client *client = sdk_case_connect(1, "caller");
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
		.first = sdk_case_ask(PATIENT_WAIT, 300, PATIENT_NEVER),
		.second = sdk_case_ask(PATIENT_COUNT, 0, 0)};

	sdk_case_start(1, 31);
	struct testkit_client *client = sdk_case_connect(1, "caller");

	ck_assert_int_eq(open_call(client, "patient"), OK);
	ck_assert_ptr_nonnull(testkit_call(client, &request, sizeof(request)));
	testkit_run(kit, 1000);
	ck_assert_uint_eq(caller_counts(1).errors, 10 * TIMEOUT + OK);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

START_TEST(a_call_ends_with_the_service_or_the_caller)
{
	sdk_case_start(1, 19);
	struct testkit_client *client = sdk_case_connect(1, "caller");

	ck_assert_int_eq(open_call(client, "patient"), OK);
	ck_assert_int_eq(pass(client, PATIENT_PUSH, 1, 10, NULL, 0), OK);
	ck_assert_int_eq(testkit_unload(kit, 1, "patient"), 0);
	testkit_run(kit, 100);
	ck_assert_uint_eq(caller_counts(1).ends, 1);
	ck_assert_int_eq(pass(client, PATIENT_PUSH, 1, 10, NULL, 0), -NOT_EXIST);
	ck_assert_int_eq(testkit_load(kit, 1, &patient_LTX_coterie_plugin, NULL), 0);
	ck_assert_int_eq(testkit_settle(kit, 5000), 0);
	ck_assert_int_eq(open_call(client, "patient"), OK);
	ck_assert_int_eq(sdk_case_call(client, CALLER_CLOSE, 0, 0), OK);
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

	sdk_case_start(1, 32);
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
	sdk_case_start(1, 20);
	struct testkit_client *client = sdk_case_connect(1, "caller");
	struct {
		struct coterie_request_header header;
		struct words_request inner;
	} request = {.header = {.id = CALLER_PASS, .size = sizeof(request)},
		.inner = sdk_case_ask(PATIENT_WAIT, 0, PATIENT_NEVER)};

	ck_assert_int_eq(open_call(client, "patient"), OK);
	testkit_send(client, &request, sizeof(request));
	testkit_run(kit, 100);
	ck_assert_int_eq(sdk_case_call(sdk_case_connect(1, "caller"), CALLER_CLOSE, 0, 0), OK);
	testkit_run(kit, 100);
	ck_assert_uint_eq(sdk_case_counts(1).leavers, 1);
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
	sdk_case_begin(2, 30);
	ck_assert_int_eq(testkit_load_file(kit, TESTKIT_ALL, KV_FILE, NULL), 0);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	struct testkit_client *one = sdk_case_connect(1, "caller"), *two = sdk_case_connect(2, "caller");
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

int main(void)
{
	Suite *suite = suite_create("sdk_calls");
	TCase *tcase = tcase_create("calls");

	tcase_add_test(tcase, a_plugin_calls_another_service);
	tcase_add_test(tcase, answers_come_in_the_order_of_the_requests);
	tcase_add_test(tcase, a_call_ends_with_the_service_or_the_caller);
	tcase_add_test(tcase, wrong_callers_are_refused);
	tcase_add_test(tcase, a_closed_call_ends_its_tokens);
	tcase_add_test(tcase, a_plugin_reads_and_writes_kv);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
