/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * No node serves a request with COTERIE_NEEDS_QUORUM while a later quorate ring without it serves, and votequorum is the
 * provider. Partitions change at random, with five nodes, so a node often changes from one majority to another one. In
 * the second run nodes are suspended too. This is the whole path of a verdict: votes of the provider, lease of the ring,
 * gate of the requests. The simulator has the engine alone.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include <coterie/testkit.h>

#include "tests/suite.h"

#define NODES 5
#define RINGS_MAX 256
#define ASK 0
#define STEP_MS 10
#define SUSPEND_MS_MAX 6000 /* the others need 2.2 s */
#ifdef __SANITIZE_ADDRESS__ /* they make the code six times as slow */
#define SEEDS 4
#else
#define SEEDS 12
#endif
/* seed 4 fails if a majority of the ring gives the lease, and others if a verdict outlives its ring */
#define TURNS 1500

/* Rings that one of their members has served in. */
static struct {
	struct coterie_ring_id id;
	uint32_t members; /* node ids as bits 1 .. NODES */
} rings[RINGS_MAX];
static uint32_t ring_count, requests_served;
static const char *failure;

/* A service with one request, which needs quorum. */
struct asked {
	const struct coterie_host *host;
	struct coterie_ctx *ctx;
	struct coterie_ring_id ring;
	uint32_t members;
};

static void note_served(uint32_t node, const struct asked *asked)
{
	bool is_known = false;

	requests_served++;
	for (uint32_t i = 0; i < ring_count; i++) {
		if (rings[i].id.seq > asked->ring.seq && (rings[i].members & 1u << node) == 0)
			failure = "a node serves while a later ring without it has served";
		is_known = is_known || memcmp(&rings[i].id, &asked->ring, sizeof(asked->ring)) == 0;
	}
	if (is_known)
		return;
	ck_assert_uint_lt(ring_count, RINGS_MAX);
	rings[ring_count].id = asked->ring;
	rings[ring_count++].members = asked->members;
}

static int handle_ask(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	const struct asked *asked = self;

	(void)client, (void)msg, (void)size;
	note_served(asked->host->local_nodeid(asked->ctx), asked);
	return 0;
}

static void asked_configuration(void *self, const struct coterie_configuration *configuration)
{
	struct asked *asked = self;

	if (configuration->is_regular == 0)
		return;
	asked->ring = configuration->ring;
	asked->members = 0;
	for (uint32_t i = 0; i < configuration->member_count; i++)
		asked->members |= 1u << configuration->members[i];
}

static int asked_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct asked *asked = calloc(1, sizeof(*asked));

	if (asked == NULL)
		return -ENOMEM;
	asked->host = host;
	asked->ctx = ctx;
	*self = asked;
	return 0;
}

static const struct coterie_request asked_requests[] = {
	{ASK, sizeof(struct coterie_request_header), COTERIE_NEEDS_QUORUM, ASK, handle_ask},
};

static const struct coterie_service asked_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = 58,
	.ipc_name = "asked",
	.init = asked_init,
	.fini = free,
	.configuration = asked_configuration,
	COTERIE_REQUESTS(asked_requests),
};

COTERIE_PLUGIN(asked, .kind = COTERIE_KIND_SERVICE, .version = "1.0", .description = "one request that needs quorum",
	.needs = COTERIE_CAP_RING | COTERIE_CAP_IPC, .ops = &asked_ops);

/* A client for each node asks as soon as it has an answer. */
static void ask(struct testkit *kit, struct testkit_client **client, uint32_t node)
{
	struct coterie_request_header request = {.id = ASK, .size = sizeof(request)};

	if (*client != NULL && !testkit_is_connected(*client)) {
		testkit_disconnect(*client);
		*client = NULL;
	}
	if (*client == NULL && testkit_connect(kit, node, "asked", client) < 0) {
		*client = NULL;
		return;
	}
	while (testkit_reply(*client) != NULL)
		;
	if (testkit_pending(*client) == 0)
		testkit_send(*client, &request, sizeof(request));
}

/* Suspend a node from time to time, often for longer than the others need to form a ring without it. */
static void suspend_some(struct testkit *kit)
{
	uint32_t node = 1 + (uint32_t)testkit_random(kit, NODES);

	if (testkit_random(kit, 100) == 0)
		testkit_suspend(kit, node, (uint32_t)testkit_random(kit, SUSPEND_MS_MAX));
}

static void play(uint64_t seed, bool has_suspends)
{
	struct testkit *kit = testkit_create(seed, NODES);
	struct testkit_client *clients[NODES] = {NULL};

	ring_count = 0;
	ck_assert_ptr_nonnull(kit);
	testkit_config(kit, "totem {\n token: 1000\n token_coefficient: 0\n}\n"
			    "quorum {\n provider: corosync_votequorum\n expected_votes: 5\n}");
	ck_assert_int_eq(testkit_load_file(kit, TESTKIT_ALL, VOTES, NULL), 0);
	ck_assert_int_eq(testkit_load(kit, TESTKIT_ALL, &asked_LTX_coterie_plugin, NULL), 0);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	testkit_chaos(kit, TESTKIT_PART, 500 + (uint32_t)testkit_random(kit, 2000));
	for (uint32_t turn = 0; turn < TURNS; turn++) {
		for (uint32_t node = 1; node <= NODES; node++)
			ask(kit, &clients[node - 1], node);
		if (has_suspends)
			suspend_some(kit);
		testkit_run(kit, STEP_MS);
	}
	ck_assert_int_eq(testkit_calm(kit), 0);
	ck_assert_int_eq(testkit_settle(kit, 60000), 0);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}

START_TEST(one_part_serves_at_a_time)
{
	const char *first = getenv("TWO_PARTS_FIRST"), *count = getenv("TWO_PARTS_SEEDS");
	uint64_t from = first != NULL ? strtoull(first, NULL, 10) : 1;
	uint64_t seeds = count != NULL ? strtoull(count, NULL, 10) : SEEDS, failed = 0;

	for (uint64_t seed = from; seed < from + seeds; seed++) {
		failure = NULL;
		play(seed, _i == 1);
		if (failure == NULL)
			continue;
		fprintf(stderr, "# seed %llu: %s\n", (unsigned long long)seed, failure);
		failed++;
	}
	ck_assert_uint_gt(requests_served, seeds * TURNS / (_i == 1 ? 2 : 1)); /* a suspended node serves none */
	ck_assert_uint_eq(failed, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("two_parts");
	TCase *tcase = tcase_create("quorum");

	tcase_set_timeout(tcase, 600);
	tcase_add_loop_test(tcase, one_part_serves_at_a_time, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
