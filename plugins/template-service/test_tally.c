/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of the tally in a simulated cluster: test_tally FILE [FIRST [LAST]]. FILE is the plugin, ./tally.so, and the
 * others are seeds. A run with the same seed is exactly the same, and a failure prints its seed. testkit.h has more
 * functions.
 */
#include <stdio.h>
#include <stdlib.h>

#include <coterie/testkit.h>

#include "tally.h"

#define NODES 3
#define SEEDS 20
#define CS_OK 1
#define CS_ERR_INVALID_PARAM 7

static int failures;

static void check(int is_true, uint64_t seed, const char *what)
{
	if (!is_true) {
		failures++;
		printf("FAILED with seed %llu: %s\n", (unsigned long long)seed, what);
	}
}

/* --- requests of a client --- */

static int32_t add(struct testkit_client *client, uint32_t amount)
{
	struct tally_req_add req = {.header = {.id = TALLY_REQ_ADD, .size = sizeof(req)}, .amount = amount};
	const struct coterie_response_header *reply = testkit_call(client, &req, sizeof(req));

	return reply == NULL ? 0 : reply->error;
}

/* Return the number that a node has. */
static uint64_t get(struct testkit *kit, uint32_t node)
{
	struct tally_req_get req = {.header = {.id = TALLY_REQ_GET, .size = sizeof(req)}};
	struct testkit_client *client;
	uint64_t total = UINT64_MAX;

	if (testkit_connect(kit, node, "tally", &client) < 0)
		return total;

	const struct tally_res_get *reply = (const void *)testkit_call(client, &req, sizeof(req));

	if (reply != NULL && reply->header.error == CS_OK)
		total = reply->total;
	testkit_disconnect(client);
	return total;
}

/* --- a cluster --- */

static struct testkit *start(uint64_t seed, const char *file)
{
	static const char *const options[] = {"step_max=50", NULL};
	struct testkit *kit = testkit_create(seed, NODES);

	if (kit == NULL || testkit_load_file(kit, TESTKIT_ALL, file, options) < 0 ||
		testkit_start(kit, TESTKIT_ALL) < 0) {
		fprintf(stderr, "%s does not start: %s\n", file, kit == NULL ? "" : testkit_error(kit));
		exit(1);
	}
	check(testkit_settle(kit, 30000) == 0, seed, "the nodes find each other");
	return kit;
}

/* Check that all nodes agree, and that no plugin has broken a rule. */
static void finish(struct testkit *kit, uint64_t seed)
{
	testkit_run(kit, 1000); /* let messages in flight arrive */

	uint64_t total = get(kit, 1);

	for (uint32_t node = 2; node <= NODES; node++)
		check(get(kit, node) == total, seed, "all nodes hold the same number");
	check(testkit_destroy(kit) == 0, seed, "no complaint");
}

/* --- tests --- */

static void test_add(uint64_t seed, const char *file)
{
	struct testkit *kit = start(seed, file);
	struct testkit_client *client;

	check(testkit_connect(kit, 1, "tally", &client) == 0, seed, "a client connects");
	check(add(client, 5) == CS_OK, seed, "it adds");
	check(add(client, 51) == CS_ERR_INVALID_PARAM, seed, "the option step_max is heeded");
	testkit_option(kit, 1, "tally", "step_max", "60");
	check(add(client, 51) == CS_OK, seed, "and may change");
	testkit_run(kit, 1000);
	check(get(kit, 3) == 56, seed, "the sum is on another node");
	finish(kit, seed);
}

static void test_partition(uint64_t seed, const char *file)
{
	struct testkit *kit = start(seed, file);
	struct testkit_client *one, *two;

	testkit_connect(kit, 1, "tally", &one);
	testkit_connect(kit, 2, "tally", &two);
	testkit_part(kit, "1 | 2 3");
	check(testkit_settle(kit, 30000) == 0, seed, "both sides go on");
	check(add(one, 10) == CS_OK && add(two, 7) == CS_OK, seed, "and add");
	check(get(kit, 1) == 10, seed, "each for itself");
	testkit_heal(kit);
	check(testkit_settle(kit, 30000) == 0, seed, "they meet again");
	check(get(kit, 3) == 10, seed, "and the largest number counts");
	finish(kit, seed);
}

static void test_crash(uint64_t seed, const char *file)
{
	struct testkit *kit = start(seed, file);
	struct testkit_client *client;

	testkit_connect(kit, 2, "tally", &client);
	add(client, 20);       /* answered as soon as the request is queued */
	testkit_run(kit, 100); /* without this wait the crash could lose the addition */
	testkit_crash(kit, 2);
	check(!testkit_is_connected(client), seed, "clients notice a crash");
	testkit_start(kit, 2);
	check(testkit_settle(kit, 30000) == 0, seed, "the node comes back");
	check(get(kit, 2) == 20, seed, "and learns the number from the others");
	finish(kit, seed);
}

/* Check that all nodes agree in the end, after faults of every kind. */
static void test_chaos(uint64_t seed, const char *file)
{
	struct testkit *kit = start(seed, file);

	testkit_chaos(kit, TESTKIT_CHAOS, 500);
	for (int i = 0; i < 50; i++) {
		struct tally_req_add req = {.header = {.id = TALLY_REQ_ADD, .size = sizeof(req)},
			.amount = 1 + (uint32_t)testkit_random(kit, 50)};
		uint32_t node = 1 + (uint32_t)testkit_random(kit, NODES);
		struct testkit_client *client;

		if (testkit_connect(kit, node, "tally", &client) == 0) {
			testkit_send(client, &req, sizeof(req)); /* the result is not checked */
			testkit_disconnect(client);
		}
		testkit_run(kit, 200);
	}
	testkit_calm(kit);
	check(testkit_settle(kit, 60000) == 0, seed, "the nodes find each other again");
	finish(kit, seed);
}

int main(int argc, char **argv)
{
	uint64_t first = 1, last = SEEDS;

	if (argc < 2) {
		fprintf(stderr, "usage: test_tally FILE [FIRST [LAST]]\n");
		return 2;
	}
	if (argc > 2)
		first = last = strtoull(argv[2], NULL, 10);
	if (argc > 3)
		last = strtoull(argv[3], NULL, 10);
	for (uint64_t seed = first; seed <= last; seed++) {
		test_add(seed, argv[1]);
		test_partition(seed, argv[1]);
		test_crash(seed, argv[1]);
		test_chaos(seed, argv[1]);
	}
	printf("%s: %d failures\n", argv[0], failures);
	return failures > 0;
}
