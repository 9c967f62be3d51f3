/* SPDX-License-Identifier: BSD-3-Clause */
/* testkit_suspend: the clock of a node stands still, and the node's daemon notices that afterwards. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include <coterie/testkit.h>

#include "tests/suite.h"

#define NODES 3
#define ASK 0
#define WAIT 1
#define MS(n) ((uint64_t)(n)*1000000u)

static struct testkit *kit;

/* --- a service with a request that needs quorum, and one that starts a timer --- */

struct asked {
	const struct coterie_host *host;
	struct coterie_ctx *ctx;
	uint32_t members; /* of the present ring */
	uint32_t served;  /* members of the ring in which the last request was served. 0: none was */
	uint64_t rung_ns; /* time of the kit when the timer expired. 0: it has not */
};

static int handle_ask(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct asked *asked = self;

	(void)client, (void)msg, (void)size;
	asked->served = asked->members;
	return 0;
}

static void ring_bell(void *arg)
{
	struct asked *asked = arg;

	asked->rung_ns = testkit_now_ns(kit);
}

static int handle_wait(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct asked *asked = self;
	struct coterie_timer *timer;

	(void)client, (void)msg, (void)size;
	return asked->host->timer_add(asked->ctx, asked->host->now_ns(asked->ctx) + MS(1000), ring_bell, asked, &timer);
}

static void asked_configuration(void *self, const struct coterie_configuration *configuration)
{
	struct asked *asked = self;

	if (configuration->is_regular != 0)
		asked->members = configuration->member_count;
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
	{WAIT, sizeof(struct coterie_request_header), 0, WAIT, handle_wait},
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

COTERIE_PLUGIN(asked, .kind = COTERIE_KIND_SERVICE, .version = "1.0", .description = "requests, and a timer",
	.needs = COTERIE_CAP_RING | COTERIE_CAP_IPC, .ops = &asked_ops);

/* --- helpers --- */

static struct asked *asked_of(uint32_t node) { return testkit_self(kit, node, "asked"); }

static struct testkit_client *connect_to(uint32_t node)
{
	struct testkit_client *client;

	ck_assert_int_eq(testkit_connect(kit, node, "asked", &client), 0);
	return client;
}

static void request(struct testkit_client *client, int32_t id)
{
	struct coterie_request_header header = {.id = id, .size = sizeof(header)};

	ck_assert_int_eq(testkit_send(client, &header, sizeof(header)), 0);
}

static void set_up(uint64_t seed)
{
	kit = testkit_create(seed, NODES);
	ck_assert_ptr_nonnull(kit);
	testkit_config(kit, "totem {\n token: 1000\n token_coefficient: 0\n}\n"
			    "quorum {\n provider: corosync_votequorum\n expected_votes: 3\n}");
	ck_assert_int_eq(testkit_load_file(kit, TESTKIT_ALL, VOTES, NULL), 0);
	ck_assert_int_eq(testkit_load(kit, TESTKIT_ALL, &asked_LTX_coterie_plugin, NULL), 0);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_settle(kit, 20000), 0);
}

static void tear_down(void) { ck_assert_uint_eq(testkit_destroy(kit), 0); }

/* --- tests --- */

/* The first turn of the node, after its timers, handles the request. Its clock shows that no time has passed. */
START_TEST(a_suspended_node_serves_no_request_with_its_old_quorum)
{
	set_up((uint64_t)_i + 1);
	struct testkit_client *client = connect_to(3);

	request(client, ASK);
	testkit_run(kit, 100);
	ck_assert_uint_eq(asked_of(3)->served, 3);
	asked_of(3)->served = 0;
	ck_assert_int_eq(testkit_suspend(kit, 3, 10000), 0);
	testkit_run(kit, 9990);
	ck_assert_uint_eq(testkit_members(kit, 1, NULL, 0), 2);
	ck_assert_uint_eq(testkit_members(kit, 3, NULL, 0), 3);
	/* The others do not hear the node when it goes on, so it does not get to know of their ring. */
	ck_assert_int_eq(testkit_part(kit, "1 2 | 3"), 0);
	request(client, ASK);
	testkit_run(kit, 500);
	ck_assert_uint_eq(testkit_members(kit, 3, NULL, 0), 3);
	ck_assert_uint_eq(asked_of(3)->served, 0);
	testkit_heal(kit);
	ck_assert_int_eq(testkit_settle(kit, 20000), 0);
	testkit_run(kit, 100);
	ck_assert_uint_eq(asked_of(3)->served, 3);
	tear_down();
}
END_TEST

START_TEST(the_clock_of_a_suspended_node_stands_still)
{
	set_up(1);
	struct testkit_client *client = connect_to(2);
	uint64_t begun_ns = testkit_now_ns(kit);

	request(client, WAIT);
	testkit_run(kit, 200);
	ck_assert_int_eq(testkit_suspend(kit, 2, 300), 0);
	/* A shorter one changes nothing. A pause and a jump of the clock count as always. */
	ck_assert_int_eq(testkit_suspend(kit, 2, 100), 0);
	testkit_run(kit, 100);
	ck_assert_int_eq(testkit_suspend(kit, 2, 300), 0); /* for 400 ms in all */
	ck_assert_int_eq(testkit_clock(kit, 2, 50, 0), 0);
	testkit_run(kit, 2000);
	/* 1000 ms by its clock: 400 ms more for the suspend, 50 ms less for the jump */
	ck_assert_uint_ge(asked_of(2)->rung_ns, begun_ns + MS(1350));
	ck_assert_uint_le(asked_of(2)->rung_ns, begun_ns + MS(1360));
	ck_assert_int_eq(testkit_settle(kit, 20000), 0);
	tear_down();
}
END_TEST

START_TEST(a_crash_ends_the_suspend)
{
	set_up(1);
	ck_assert_int_eq(testkit_suspend(kit, 4, 10), -EINVAL);
	ck_assert_int_eq(testkit_suspend(kit, 2, 60000), 0);
	testkit_run(kit, 10);
	ck_assert_int_eq(testkit_crash(kit, 2), 0);
	ck_assert_int_eq(testkit_suspend(kit, 2, 10), -ESRCH);
	ck_assert_int_eq(testkit_start(kit, 2), 0);
	ck_assert_int_eq(testkit_settle(kit, 20000), 0);
	ck_assert_uint_eq(testkit_members(kit, 2, NULL, 0), NODES);
	tear_down();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("suspend");
	TCase *tcase = tcase_create("kit");

	tcase_add_loop_test(tcase, a_suspended_node_serves_no_request_with_its_old_quorum, 0, 5);
	tcase_add_test(tcase, the_clock_of_a_suspended_node_stands_still);
	tcase_add_test(tcase, a_crash_ends_the_suspend);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
