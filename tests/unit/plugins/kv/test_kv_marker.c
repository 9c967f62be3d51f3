/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The marker of kv on a slow disk, on nodes of the test kit. The disk may take longer than the token timeout. The ring goes
 * on, and nothing is acknowledged before the markers of all members are stored.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <check.h>
#include <coterie/testkit.h>

#include "plugins/kv/kv.h"
#include "tests/suite.h"
#include "tests/unit/fail_alloc.h"

extern const struct coterie_plugin kv_LTX_coterie_plugin, votequorum_LTX_coterie_plugin;

#define NODES 3
#define TOTEM "totem {\n token: 300\n token_coefficient: 0\n consensus: 360\n}\n"

static struct testkit *kit;
static char *text;
static size_t size;
static FILE *lines;

/* Start nodes with this quorum provider and this kv. */
static void begin(const struct coterie_plugin *provider, const struct coterie_plugin *plugin, const char *config)
{
	kit = testkit_create(3, NODES);
	testkit_config(kit, config);
	ck_assert_int_eq(testkit_load(kit, TESTKIT_ALL, provider, NULL), 0);
	ck_assert_int_eq(testkit_load(kit, TESTKIT_ALL, plugin, NULL), 0);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	lines = open_memstream(&text, &size);
	testkit_log(kit, lines, LOG_INFO);
}

static void set_up(void)
{
	begin(&votequorum_LTX_coterie_plugin, &kv_LTX_coterie_plugin,
		TOTEM "quorum {\n provider: corosync_votequorum\n}");
}

static void tear_down(void)
{
	testkit_log(kit, NULL, LOG_INFO);
	fclose(lines);
	free(text);
	testkit_destroy(kit);
}

/* Return how many lines of the log have these words. */
static uint32_t count_lines(const char *words)
{
	uint32_t count = 0;

	fflush(lines);
	for (const char *at = text; at != NULL && (at = strstr(at, words)) != NULL; at++)
		count++;
	return count;
}

/* A request to put one byte, and its last answer. */
struct put {
	struct {
		struct kv_req_write write;
		uint8_t bytes[8];
	} request;
	int32_t error; /* 0: none */
	struct testkit_client *client;
};

static void on_answer(
	void *arg, struct testkit_client *client, int is_event, const struct coterie_response_header *message)
{
	struct put *put = arg;

	(void)client;
	if (!is_event)
		put->error = message->error;
}

/* Check that a client of the node can write, in a ring that has changed once since the beginning. */
static void check_put(uint32_t node)
{
	struct put put = {
		.request.write = {
			.header = {.id = KV_REQ_PUT, .size = sizeof(put.request)}, .key_size = 4, .value_size = 4}};

	memcpy(put.request.bytes, "key!byte", 8);
	ck_assert_uint_eq(count_lines("A new membership"), 2);
	ck_assert_int_eq(testkit_connect(kit, node, "kv", &put.client), 0);
	testkit_watch(put.client, on_answer, &put);
	ck_assert_int_eq(testkit_send(put.client, &put.request, sizeof(put.request)), 0);
	testkit_run(kit, 100);
	ck_assert_int_eq(put.error, KV_OK);
	testkit_disconnect(put.client);
}

START_TEST(a_slow_disk_does_not_hold_up_the_ring)
{
	ck_assert_int_eq(testkit_disk(kit, 1, 450, 0), 0);
	testkit_crash(kit, 3);
	testkit_run(kit, 5000);
	check_put(2);
}
END_TEST

START_TEST(nothing_is_acknowledged_before_the_markers_are_stored)
{
	ck_assert_int_eq(testkit_disk(kit, 1, 1500, 0), 0);
	testkit_crash(kit, 3);
	while (count_lines("A new membership") < 2)
		testkit_run(kit, 10);
	testkit_run(kit, 1000);
	ck_assert_int_eq(testkit_is_synchronized(kit, 1), 0);
	ck_assert_int_eq(testkit_is_synchronized(kit, 2), 0);
	testkit_run(kit, 600);
	ck_assert_int_eq(testkit_is_synchronized(kit, 1), 1);
	check_put(2);
	ck_assert_uint_eq(count_lines("the disk is slow"), 0);

	/* Node 1 knows of this ring after a restart. So it does not go on without node 2, which has the write. */
	testkit_crash(kit, TESTKIT_ALL);
	testkit_start(kit, 1);
	testkit_start(kit, 3);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert_uint_gt(count_lines("no node here has the whole table"), 0);
}
END_TEST

static int hand_over(uint32_t node)
{
	const struct coterie_service *service = kv_LTX_coterie_plugin.ops;
	void *blob = NULL;
	uint32_t blob_size;
	int rc = service->state_save(testkit_self(kit, node, "kv"), &blob, &blob_size);

	free(blob);
	return rc;
}

START_TEST(a_disk_that_hangs_does_not_hold_clients_for_ever)
{
	ck_assert_int_eq(testkit_disk(kit, 1, 60000, 0), 0);
	testkit_crash(kit, 3);
	testkit_run(kit, 4000);
	ck_assert_uint_eq(count_lines("the disk is slow"), 1);
	ck_assert_uint_eq(count_lines("A new membership"), 2);
	ck_assert_int_eq(hand_over(1), -EAGAIN);
	ck_assert_int_eq(hand_over(2), 0);
	check_put(1);

	/* A service that is loaded again reads the file. */
	ck_assert_int_eq(testkit_disk(kit, 1, 0, 0), 0);
	ck_assert_int_eq(((const struct coterie_service *)kv_LTX_coterie_plugin.ops)->drain(testkit_self(kit, 1, "kv")),
		-EAGAIN);
}
END_TEST

/* The ring changes again while a marker is being stored. The newest one is stored in the end. */
START_TEST(the_newest_marker_is_stored_last)
{
	ck_assert_int_eq(testkit_disk(kit, 1, 1000, 0), 0);
	testkit_crash(kit, 3);
	while (count_lines("A new membership") < 2)
		testkit_run(kit, 10);
	testkit_run(kit, 100);
	testkit_start(kit, 3);
	testkit_run(kit, 1400);
	ck_assert_int_eq(testkit_is_synchronized(kit, 2), 0); /* the older one of two stores has ended */
	testkit_run(kit, 3000);
	ck_assert_int_eq(testkit_is_synchronized(kit, 1), 1);
	ck_assert_uint_eq(count_lines("the disk is slow"), 0);

	const struct kv *kv = testkit_self(kit, 1, "kv");

	ck_assert(kv_ring_equals(&kv->marker.ring, &kv->ring));
	ck_assert_uint_eq(kv->stores, 0);

	struct kv_ring ring = kv->ring;

	testkit_crash(kit, TESTKIT_ALL);
	testkit_start(kit, 1);
	kv = testkit_self(kit, 1, "kv");
	ck_assert(kv_ring_equals(&kv->marker.ring, &ring));
}
END_TEST

START_TEST(a_full_disk_is_told_and_the_ring_goes_on)
{
	ck_assert_int_eq(testkit_disk(kit, 1, 0, -ENOSPC), 0);
	testkit_crash(kit, 3);
	testkit_run(kit, 2000);
	ck_assert_uint_eq(count_lines("cannot write the file kv"), 1);
	check_put(1);
}
END_TEST

/* ---- Quorum later -------------------------------------------------------- */

static bool is_serving(uint32_t node) { return ((const struct kv *)testkit_self(kit, node, "kv"))->is_serving; }

/* A quorum provider that decides some time after the synchronisation, as a quorum device does. */
struct arbiter {
	const struct coterie_host *host;
	struct coterie_ctx *ctx;
	struct coterie_quorum quorum;
	uint32_t members[NODES];
};

static int arbiter_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct arbiter *arbiter = calloc(1, sizeof(*arbiter));

	ck_assert_ptr_nonnull(arbiter);
	arbiter->host = host;
	arbiter->ctx = ctx;
	arbiter->quorum = (struct coterie_quorum){.size = sizeof(arbiter->quorum), .members = arbiter->members};
	*self = arbiter;
	return 0;
}

static void arbiter_sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular)
{
	struct arbiter *arbiter = self;

	(void)transitional, (void)transitional_count;
	arbiter->quorum.ring = regular->ring;
	arbiter->quorum.member_count = regular->member_count;
	arbiter->quorum.is_quorate = 0;
	memcpy(arbiter->members, regular->members, regular->member_count * sizeof(uint32_t));
}

static int arbiter_sync_step(void *self)
{
	(void)self;
	return 0;
}

static void arbiter_sync_done(void *self)
{
	struct arbiter *arbiter = self;

	arbiter->host->quorum_publish(arbiter->ctx, &arbiter->quorum);
}

static const struct coterie_service arbiter_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = 48,
	.title = "quorum that comes later",
	.init = arbiter_init,
	.fini = free,
	.sync_start = arbiter_sync_start,
	.sync_step = arbiter_sync_step,
	.sync_done = arbiter_sync_done,
};

COTERIE_PLUGIN(arbiter, .kind = COTERIE_KIND_SERVICE, .version = "1.0", .description = "quorum that comes later",
	.needs = COTERIE_CAP_SYNC | COTERIE_CAP_QUORUM, .offers = COTERIE_CAN_QUORUM, .ops = &arbiter_ops);

/* Let the arbiters of all nodes that run decide for quorum, without a change of the ring. */
static void decide(void)
{
	for (uint32_t node = 1; node <= NODES; node++) {
		struct arbiter *arbiter = testkit_self(kit, node, "arbiter");

		if (arbiter == NULL || !testkit_is_up(kit, node))
			continue;
		arbiter->quorum.is_quorate = 1;
		arbiter->host->quorum_publish(arbiter->ctx, &arbiter->quorum);
	}
	testkit_run(kit, 100);
}

/* A ring of all nodes has no quorum yet. */
static void set_up_later(void)
{
	begin(&arbiter_LTX_coterie_plugin, &kv_LTX_coterie_plugin, TOTEM "quorum {\n provider: arbiter\n}");
	fputs("A new membership\n", lines); /* the next one is the second, for check_put */
}

START_TEST(a_slow_disk_does_not_hold_up_the_ring_later)
{
	ck_assert_int_eq(testkit_disk(kit, 1, 1000, 0), 0);
	decide();
	testkit_run(kit, 800);
	ck_assert(!is_serving(1));
	ck_assert(!is_serving(2));
	ck_assert_int_eq(hand_over(1), -EAGAIN);
	testkit_run(kit, 200);
	ck_assert(is_serving(1));
	ck_assert(is_serving(2));
	ck_assert_uint_eq(count_lines("the disk is slow"), 0);
	ck_assert_int_eq(hand_over(1), 0);
	fputs("A new membership\n", lines);
	check_put(2);
}
END_TEST

/* The new version of the plugin knows what the members have agreed on, and which of them have stored their markers. */
START_TEST(a_replaced_member_waits_for_the_others)
{
	ck_assert_int_eq(testkit_disk(kit, 1, 1000, 0), 0);
	if (_i == 0)
		ck_assert_int_eq(testkit_replace_file(kit, 2, KV_FILE), 0);
	decide();
	if (_i == 1)
		ck_assert_int_eq(testkit_replace_file(kit, 2, KV_FILE), 0);
	ck_assert(!is_serving(2));
	testkit_run(kit, 1000);
	ck_assert(is_serving(2));
	ck_assert(is_serving(1));
	ck_assert_uint_eq(count_lines("the disk is slow"), 0);
}
END_TEST

/* A disk that hangs, and one that is full. */
START_TEST(a_bad_disk_does_not_hold_clients_for_ever)
{
	ck_assert_int_eq(testkit_disk(kit, 1, _i == 0 ? 60000 : 0, _i == 0 ? 0 : -ENOSPC), 0);
	decide();
	testkit_run(kit, _i == 0 ? 2000 : 0);
	ck_assert(is_serving(1));
	ck_assert(is_serving(2));
	ck_assert_uint_eq(count_lines("the disk is slow"), _i == 0);
	ck_assert_uint_eq(count_lines("cannot write the file kv"), _i == 1);
	fputs("A new membership\n", lines);
	check_put(1);
}
END_TEST

/*
 * The ring changes while a member stores its marker. The end of that store, and of the time for it, say nothing then. The
 * next quorum comes before them, or behind them (_i 1).
 */
START_TEST(a_store_of_the_ring_before_counts_for_none)
{
	ck_assert_int_eq(testkit_disk(kit, 1, 1900, 0), 0);
	decide();
	testkit_crash(kit, 2);
	testkit_run(kit, _i == 0 ? 400 : 2000);
	decide();
	testkit_run(kit, 1600);
	ck_assert(!is_serving(1));
	ck_assert(!is_serving(3));
	testkit_run(kit, 600);
	ck_assert(is_serving(1));
	ck_assert(is_serving(3));
}
END_TEST

START_TEST(nobody_waits_for_who_has_left)
{
	ck_assert_int_eq(testkit_disk(kit, 1, 5000, 0), 0);
	decide();
	ck_assert(!is_serving(2));
	ck_assert_int_eq(testkit_unload(kit, 1, "kv"), 0);
	ck_assert(is_serving(2));
	ck_assert(is_serving(3));
	ck_assert_uint_eq(count_lines("the disk is slow"), 0);
}
END_TEST

/* ---- Nodes that fail while others wait ------------------------------------- */

static bool has_no_memory;      /* node 1 has none for the next announcement of node 2 */
static bool are_chunks_ignored; /* so nobody takes a table over */

static void announced(void *self, uint32_t nodeid, void *msg, uint32_t length)
{
	const struct kv *kv = self;
	bool fails = has_no_memory && nodeid == 2 && kv->host->local_nodeid(kv->ctx) == 1;

	if (fails)
		fail_alloc_at(1);
	kv_deliver_announce(self, nodeid, msg, length);
	if (fails)
		has_no_memory = !fail_alloc_happened();
}

static void chunk_came(void *self, uint32_t nodeid, void *msg, uint32_t length)
{
	if (!are_chunks_ignored)
		kv_deliver_chunk(self, nodeid, msg, length);
}

/* A ring of all nodes, which has no quorum yet. */
static void set_up_failures(void)
{
	static struct coterie_ring_msg msgs[16];
	static struct coterie_service service;
	static struct coterie_plugin plugin;

	plugin = kv_LTX_coterie_plugin;
	service = *(const struct coterie_service *)plugin.ops;
	ck_assert_uint_le(service.ring_msg_count, sizeof(msgs) / sizeof(msgs[0]));
	memcpy(msgs, service.ring_msgs, service.ring_msg_count * sizeof(msgs[0]));
	msgs[KV_RING_ANNOUNCE].deliver = announced;
	msgs[KV_RING_CHUNK].deliver = chunk_came;
	service.ring_msgs = msgs;
	plugin.ops = &service;
	has_no_memory = are_chunks_ignored = false;
	begin(&arbiter_LTX_coterie_plugin, &plugin, TOTEM "quorum {\n provider: arbiter\n}");
}

/* A member that has announced itself and has no memory for another one stores nothing, and tells the others so. */
START_TEST(nobody_waits_for_who_has_no_memory)
{
	has_no_memory = true;
	testkit_crash(kit, 3);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert(!has_no_memory);
	decide();
	ck_assert(is_serving(2));
	ck_assert_uint_eq(count_lines("the disk is slow"), 0);
}
END_TEST

/* Let node 1 be the only one with the table in a ring without quorum. */
static void leave_one_table(void)
{
	decide();
	ck_assert(is_serving(1));
	are_chunks_ignored = true;
	for (uint32_t node = 2; node <= NODES; node++)
		testkit_crash(kit, node);
	testkit_run(kit, 2000);
	for (uint32_t node = 2; node <= NODES; node++)
		ck_assert_int_eq(testkit_start(kit, node), 0);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	ck_assert(!is_serving(1));
}

/* Unload the service where the table is. The others wait for it until an operator gives it up. */
static void recover(void)
{
	struct kv_req_plain request = {.header = {.id = KV_REQ_RECOVER, .size = sizeof(request)}};
	struct testkit_client *client;

	ck_assert_int_eq(testkit_unload(kit, 1, "kv"), 0);
	ck_assert_uint_gt(count_lines("no node here has the whole table"), 0);
	ck_assert(!is_serving(2));
	ck_assert_int_eq(testkit_connect(kit, 2, "kv", &client), 0);
	ck_assert_int_eq(testkit_send(client, &request, sizeof(request)), 0);
}

/* The ring begins a second store while the first one is under way. The time for the first one ends with it. */
START_TEST(a_second_store_has_its_own_time)
{
	leave_one_table();
	ck_assert_int_eq(testkit_disk(kit, 3, 900, 0), 0);
	decide();
	recover();
	testkit_run(kit, 1400);
	ck_assert(!is_serving(2)); /* 1,500 of 1,800 ms */
	testkit_run(kit, 1000);
	ck_assert(is_serving(2));
	ck_assert(is_serving(3));
	ck_assert_uint_eq(count_lines("the disk is slow"), 0);
}
END_TEST

/* A ring that has served waits for no messages of its members when it decides again. So each stores its marker first. */
START_TEST(a_ring_that_decides_again_serves_what_is_stored)
{
	leave_one_table();
	decide();
	testkit_run(kit, 100);
	ck_assert(is_serving(3));
	ck_assert_int_eq(testkit_disk(kit, 3, 100, 0), 0);
	recover();
	for (int i = 0; i < 1000 && !is_serving(3); i++)
		testkit_run(kit, 1);
	ck_assert(is_serving(3));
	ck_assert_uint_eq(((const struct kv *)testkit_self(kit, 3, "kv"))->stores, 0);
}
END_TEST

/* ---- Older versions ------------------------------------------------------ */

static struct coterie_host older_host;

/* On node 3 the executive is an older one. */
static int mixed_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	const struct coterie_service *service = kv_LTX_coterie_plugin.ops;

	if (host->local_nodeid(ctx) != 3)
		return service->init(host, ctx, self);
	older_host = *host;
	older_host.size = offsetof(struct coterie_host, state_file_store);
	return service->init(&older_host, ctx, self);
}

/* One member stores its marker at the end of the synchronisation, so none forms the table before. */
START_TEST(with_an_older_version_no_member_is_early)
{
	struct coterie_service service = *(const struct coterie_service *)kv_LTX_coterie_plugin.ops;
	struct coterie_plugin plugin = kv_LTX_coterie_plugin;
	struct testkit *mixed = testkit_create(3, NODES);

	service.init = mixed_init;
	plugin.ops = &service;
	ck_assert_int_eq(testkit_load(mixed, TESTKIT_ALL, &plugin, NULL), 0);
	ck_assert_int_eq(testkit_start(mixed, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_settle(mixed, 10000), 0);

	const struct kv *kv = testkit_self(mixed, 1, "kv");

	ck_assert_uint_eq(kv->member_count, 3);
	ck_assert(kv->is_serving);
	uint64_t formed_ns = kv->formed_ns; /* in the ring of this node alone */
	testkit_crash(mixed, 2);
	ck_assert_int_eq(testkit_settle(mixed, 20000), 0);
	ck_assert_uint_eq(kv->formed_ns, formed_ns);
	testkit_crash(mixed, 3);
	ck_assert_int_eq(testkit_settle(mixed, 20000), 0);
	ck_assert_uint_gt(kv->formed_ns, formed_ns);
	ck_assert_uint_eq(testkit_destroy(mixed), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kv_marker");
	TCase *tcase = tcase_create("kv_marker");
	TCase *later = tcase_create("later");
	TCase *failures = tcase_create("failures");
	TCase *versions = tcase_create("versions");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_slow_disk_does_not_hold_up_the_ring);
	tcase_add_test(tcase, nothing_is_acknowledged_before_the_markers_are_stored);
	tcase_add_test(tcase, a_disk_that_hangs_does_not_hold_clients_for_ever);
	tcase_add_test(tcase, the_newest_marker_is_stored_last);
	tcase_add_test(tcase, a_full_disk_is_told_and_the_ring_goes_on);
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(later, set_up_later, tear_down);
	tcase_add_test(later, a_slow_disk_does_not_hold_up_the_ring_later);
	tcase_add_loop_test(later, a_replaced_member_waits_for_the_others, 0, 2);
	tcase_add_loop_test(later, a_bad_disk_does_not_hold_clients_for_ever, 0, 2);
	tcase_add_loop_test(later, a_store_of_the_ring_before_counts_for_none, 0, 2);
	tcase_add_test(later, nobody_waits_for_who_has_left);
	suite_add_tcase(suite, later);
	tcase_add_checked_fixture(failures, set_up_failures, tear_down);
	tcase_add_test(failures, nobody_waits_for_who_has_no_memory);
	tcase_add_test(failures, a_second_store_has_its_own_time);
	tcase_add_test(failures, a_ring_that_decides_again_serves_what_is_stored);
	suite_add_tcase(suite, failures);
	tcase_add_test(versions, with_an_older_version_no_member_is_early);
	suite_add_tcase(suite, versions);
	return suite_run(suite);
}
