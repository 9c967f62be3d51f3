/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/testkit/sdk_case.h"

#include <string.h>

#include <check.h>

struct testkit *kit;

void sdk_case_begin(uint32_t nodes, uint64_t seed)
{
	const char *options[] = {"words=one two  three", NULL};

	kit = testkit_create(seed, nodes);
	ck_assert_ptr_nonnull(kit);
	ck_assert_int_eq(testkit_load(kit, TESTKIT_ALL, &patient_LTX_coterie_plugin, options), 0);
	ck_assert_int_eq(testkit_load(kit, TESTKIT_ALL, &caller_LTX_coterie_plugin, NULL), 0);
	ck_assert_int_eq(testkit_load(kit, TESTKIT_ALL, &dropper_LTX_coterie_plugin, NULL), 0);
}

void sdk_case_start(uint32_t nodes, uint64_t seed)
{
	sdk_case_begin(nodes, seed);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_settle(kit, nodes * 2000), 0);
}

struct testkit_client *sdk_case_connect(uint32_t node, const char *name)
{
	struct testkit_client *client;

	ck_assert_int_eq(testkit_connect(kit, node, name, &client), 0);
	return client;
}

struct words_request sdk_case_ask(int32_t id, uint32_t first, uint32_t second)
{
	return (struct words_request){
		.header = {.id = id, .size = sizeof(struct words_request)}, .words = {first, second}};
}

int32_t sdk_case_call(struct testkit_client *client, int32_t id, uint32_t first, uint32_t second)
{
	struct words_request request = sdk_case_ask(id, first, second);
	const struct coterie_response_header *reply = testkit_call(client, &request, sizeof(request));

	return reply == NULL ? 0 : reply->error;
}

void sdk_case_send(struct testkit_client *client, int32_t id, uint32_t first, uint32_t second)
{
	struct words_request request = sdk_case_ask(id, first, second);

	ck_assert_int_eq(testkit_send(client, &request, sizeof(request)), 0);
}

struct patient_counts sdk_case_counts(uint32_t node)
{
	const struct coterie_request_header request = {.id = PATIENT_COUNT, .size = sizeof(request)};
	struct testkit_client *client = sdk_case_connect(node, "patient");
	const struct coterie_response_header *reply = testkit_call(client, &request, sizeof(request));
	struct patient_counts result;

	ck_assert_ptr_nonnull(reply);
	memcpy(&result, reply + 1, sizeof(result));
	testkit_disconnect(client);
	return result;
}

uint64_t sdk_case_total(uint32_t node)
{
	const struct coterie_request_header request = {.id = DROPPER_TOTAL, .size = sizeof(request)};
	struct testkit_client *client = sdk_case_connect(node, "dropper");
	const struct coterie_response_header *reply = testkit_call(client, &request, sizeof(request));
	uint64_t result;

	ck_assert_ptr_nonnull(reply);
	memcpy(&result, reply + 1, sizeof(result));
	testkit_disconnect(client);
	return result;
}
