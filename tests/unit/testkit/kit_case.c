/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/testkit/kit_case.h"

#include <stdio.h>
#include <string.h>

#include <check.h>

struct testkit *kit;

void kit_case_start(uint32_t nodes, const char *habit, uint64_t seed)
{
	char option[32];
	const char *options[] = {option, NULL};

	snprintf(option, sizeof(option), "habit=%s", habit);
	kit = testkit_create(seed, nodes);
	ck_assert_ptr_nonnull(kit);
	ck_assert_int_eq(testkit_load(kit, TESTKIT_ALL, &naughty_LTX_coterie_plugin, options), 0);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_settle(kit, nodes * 2000), 0);
}

struct testkit_client *kit_case_connect(uint32_t node)
{
	struct testkit_client *client;

	ck_assert_int_eq(testkit_connect(kit, node, "naughty", &client), 0);
	return client;
}

/* Make a request of `size` bytes in all, in static memory. The kit copies it. */
void *kit_case_request(uint32_t id, uint32_t size)
{
	static uint64_t bytes[131072];
	struct coterie_request_header header = {.id = (int32_t)id, .size = (int32_t)size};

	ck_assert_uint_le(size, sizeof(bytes));
	memcpy(bytes, &header, sizeof(header));
	return bytes;
}

int32_t kit_case_call(struct testkit_client *client, uint32_t id, uint32_t size)
{
	const struct coterie_response_header *reply = testkit_call(client, kit_case_request(id, size), size);

	return reply == NULL ? 0 : reply->error;
}

struct kit_counts kit_case_count(uint32_t node)
{
	struct testkit_client *client = kit_case_connect(node);
	const struct coterie_response_header *reply = testkit_call(client, kit_case_request(NAUGHTY_COUNT, 16), 16);
	struct kit_counts result;

	ck_assert_ptr_nonnull(reply);
	ck_assert_int_eq(reply->error, OK);
	memcpy(&result, reply + 1, sizeof(result));
	testkit_disconnect(client);
	return result;
}

struct coterie_ring_id kit_case_ring(uint32_t node)
{
	struct coterie_ctx *ctx;
	const struct coterie_host *host = testkit_host(kit, node, "naughty", &ctx);
	struct coterie_ring_id ring;
	const uint32_t *ids;
	uint32_t ids_count;

	ck_assert_ptr_nonnull(host);
	host->membership(ctx, &ring, &ids, &ids_count);
	return ring;
}
