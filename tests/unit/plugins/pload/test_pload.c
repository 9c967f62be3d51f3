/* SPDX-License-Identifier: BSD-3-Clause */
/* The plugin pload on a mock host: its load is limited and does not harm other nodes. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/common/keys.h"
#include "plugins/pload/messages.h"
#include "tests/suite.h"
#include "tests/unit/mock_host.h"

extern const struct coterie_plugin pload_LTX_coterie_plugin;

#define MS UINT64_C(1000000)
#define PHRASE "i_totally_understand_pload_will_crash_my_cluster_and_kill_corosync_on_exit"

static const struct coterie_service *ops;
static struct coterie_ctx *host;
static void *pload;

static void set_text(const char *key, const char *text)
{
	ck_assert_int_eq(keys_set_text(&host->table, host, key, text), 0);
}

static void set_up(void)
{
	ops = pload_LTX_coterie_plugin.ops;
	host = mock_host_create(&pload_LTX_coterie_plugin);
	ck_assert_int_eq(ops->init(&host->table, host, &pload), 0);
}

static void tear_down(void)
{
	ops->fini(pload);
	ck_assert_uint_eq(mock_host_destroy(host), 0);
}

static bool runs(void) { return strcmp(mock_map_string(host, "pload.start"), "no") != 0; }

/* Deliver all messages of this node to itself. @return their number */
static uint32_t deliver_all(uint32_t nodeid)
{
	struct mock_queue sent = host->sent;
	uint32_t count = sent.count;

	memset(&host->sent, 0, sizeof(host->sent));
	for (uint32_t i = 0; i < sent.count; i++)
		ck_assert_int_eq(mock_deliver(ops, pload, nodeid, false, &sent.list[i]), 0);
	mock_queue_clear(&sent);
	free(sent.list);
	return count;
}

START_TEST(a_load_runs_and_its_rate_is_told)
{
	uint32_t all = 0, now;

	set_text("pload.count", "1000");
	set_text("pload.size", "1000");
	set_text("pload.start", "yes");
	ck_assert_uint_eq(host->sent.count, 64);
	ck_assert_uint_eq(host->sent.list[0].id, PLOAD_RING_LOAD);
	ck_assert_uint_eq(host->sent.list[0].size, 1000 - sizeof(struct coterie_ring_header));
	ck_assert(runs());
	host->now_ns += 1000 * MS;
	while ((now = deliver_all(host->nodeid)) > 0)
		all += now;
	ck_assert_uint_eq(all, 1000);
	ck_assert(!runs());
	ck_assert(mock_host_has_logged(host, "1000 messages of 1000 bytes in 1.000 s: 1000 messages/s, 1.000 MB/s"));
	ck_assert_ptr_nonnull(strstr(mock_map_string(host, "pload.result"), "1000 messages/s"));
	ck_assert_uint_eq(mock_host_timers(host), 0);
	ck_assert_uint_eq(host->deaths, 0);
}
END_TEST

static const struct {
	const char *count, *size;
	uint32_t window; /* 0: refused */
} sizes[] = {{"0", "300", 0}, {"1", "300", 1}, {"10000000", "300", 64}, {"10000001", "300", 0}, {"100", "23", 0},
	{"100", "24", 64}, {"100", "1048576", 1}, {"100", "1048577", 0}, {"100", "100000", 2}, {"-1", "300", 0},
	{"100", "-1", 0}, {"x", "300", 0}, {"100", "", 0}, {"4294967297", "300", 0}};

START_TEST(sizes_and_counts_have_bounds)
{
	set_text("pload.count", sizes[_i].count);
	set_text("pload.size", sizes[_i].size);
	set_text("pload.start", PHRASE);
	ck_assert_msg(host->sent.count == sizes[_i].window, "%s of %s: %u", sizes[_i].count, sizes[_i].size,
		host->sent.count);
	ck_assert(runs() == (sizes[_i].window > 0));
	ck_assert(mock_host_has_logged(host, "must be a number") == (sizes[_i].window == 0));
}
END_TEST

START_TEST(none_is_sent_where_a_node_might_exit_of_it)
{
	host->is_safe_kept = false;
	set_text("pload.start", "yes");
	ck_assert_uint_eq(host->sent.count, 0);
	ck_assert(mock_host_has_logged(host, "not of this project"));
	ck_assert(!runs());
	/* The load begins when the node of Corosync has left. */
	host->is_safe_kept = true;
	set_text("pload.start", "yes");
	ck_assert(runs());
	/* Messages that are already queued do not affect Corosync's nodes, which do not know the service. */
	ck_assert_uint_gt(host->sent.count, 0);
	ck_assert_uint_ge(ops->ring_id, 8);
	ck_assert_uint_lt(ops->ring_id, 64);
	struct coterie_configuration joined = {.size = sizeof(joined), .is_regular = 1, .joined_count = 1};
	ops->configuration(pload, &joined);
	ck_assert(!runs());
	ck_assert(mock_host_has_logged(host, "a node has joined"));
	mock_queue_clear(&host->sent);
	mock_host_advance(host, 1000 * MS);
	ck_assert_uint_eq(host->sent.count, 0);
}
END_TEST

START_TEST(messages_of_others_do_not_count)
{
	set_text("pload.count", "100");
	set_text("pload.start", "yes");
	ck_assert_uint_eq(deliver_all(host->nodeid + 1), 64);
	ck_assert_uint_eq(host->sent.count, 0);
	ck_assert(runs());
	uint8_t bytes[8];
	struct mock_message stale = {.id = PLOAD_RING_LOAD, .size = 8, .data = bytes};
	for (uint32_t i = 0; i < 2; i++) { /* 0: a message of another run; 1: a message of another version */
		uint32_t words[2] = {PLOAD_VERSION + i, i == 0 ? 9 : 1};

		memcpy(bytes, words, sizeof(bytes));
		ck_assert_int_eq(mock_deliver(ops, pload, host->nodeid, false, &stale), 0);
		ck_assert_uint_eq(host->sent.count, 0);
	}
	stale.size = 7;
	ck_assert_int_eq(mock_deliver(ops, pload, host->nodeid, false, &stale), -EINVAL);
}
END_TEST

START_TEST(a_full_queue_is_waited_for)
{
	host->ring_send_rc = -EAGAIN;
	set_text("pload.count", "10");
	set_text("pload.start", "yes");
	ck_assert_uint_eq(host->sent.count, 0);
	mock_host_advance(host, 100 * MS);
	ck_assert(runs());
	host->ring_send_rc = 0;
	mock_host_advance(host, 2 * MS);
	ck_assert_uint_eq(deliver_all(host->nodeid), 10);
	ck_assert(!runs());
}
END_TEST

START_TEST(time_is_up)
{
	set_text("pload.start", "yes");
	mock_host_advance(host, 59999 * MS);
	ck_assert(runs());
	mock_host_advance(host, MS);
	ck_assert(!runs());
	ck_assert(mock_host_has_logged(host, "it took too long"));
	ck_assert_uint_eq(mock_host_timers(host), 0);
}
END_TEST

START_TEST(it_can_be_stopped)
{
	set_text("pload.start", "yes");
	set_text("pload.start", "really"); /* no effect: a load already runs, and its messages are all under way */
	ck_assert_uint_eq(host->sent.count, 64);
	set_text("pload.start", "no");
	ck_assert(mock_host_has_logged(host, "stopped"));
	ck_assert_uint_eq(mock_host_timers(host), 0);
	deliver_all(host->nodeid);
	ck_assert_uint_eq(host->sent.count, 0);
}
END_TEST

START_TEST(a_ring_that_refuses_ends_it)
{
	host->ring_send_rc = -EMSGSIZE;
	set_text("pload.start", "yes");
	ck_assert(!runs());
	ck_assert_uint_eq(mock_host_timers(host), 0);
}
END_TEST

START_TEST(a_load_is_not_handed_over)
{
	void *blob = pload;
	uint32_t size = 1;

	ck_assert_int_eq(ops->state_save(pload, &blob, &size), 0);
	ck_assert_ptr_null(blob);
	ck_assert_uint_eq(size, 0);
	ck_assert_int_eq(ops->state_load(pload, NULL, 0), 0);
	ck_assert_int_eq(ops->state_load(pload, "x", 1), -ENOTSUP);
	set_text("pload.start", "yes");
	ck_assert(runs());
	ck_assert_int_eq(ops->state_save(pload, &blob, &size), -EBUSY);
}
END_TEST

START_TEST(a_start_in_the_config_asks_for_nothing)
{
	ops->fini(pload);
	set_text("pload.start", PHRASE);
	ck_assert_int_eq(ops->init(&host->table, host, &pload), 0);
	ck_assert(!runs());
	ck_assert_uint_eq(host->sent.count, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pload");
	TCase *tests = tcase_create("pload");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_load_runs_and_its_rate_is_told);
	tcase_add_loop_test(tests, sizes_and_counts_have_bounds, 0, sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_test(tests, a_load_is_not_handed_over);
	tcase_add_test(tests, none_is_sent_where_a_node_might_exit_of_it);
	tcase_add_test(tests, messages_of_others_do_not_count);
	tcase_add_test(tests, a_full_queue_is_waited_for);
	tcase_add_test(tests, time_is_up);
	tcase_add_test(tests, it_can_be_stopped);
	tcase_add_test(tests, a_ring_that_refuses_ends_it);
	tcase_add_test(tests, a_start_in_the_config_asks_for_nothing);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
