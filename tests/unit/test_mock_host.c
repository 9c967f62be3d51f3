/* SPDX-License-Identifier: BSD-3-Clause */
/* The mock host behaves as plugin.h specifies for the host functions that came with ABI 1.1. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <check.h>

#include "tests/suite.h"
#include "tests/unit/mock_host.h"

static struct coterie_ctx *host;
static char told[512];

static void set_up(void)
{
	host = mock_host_create(NULL);
	memset(told, 0, sizeof(told));
}

static void tear_down(void) { ck_assert_uint_eq(mock_host_destroy(host), 0); }

static void on_change(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	size_t used = strlen(told);

	snprintf(told + used, sizeof(told) - used, "%s%u %s %u %u;", (const char *)arg, event, key, now->size,
		before->size);
}

START_TEST(trackers_are_told_in_order)
{
	const uint32_t all = COTERIE_MAP_ADDED | COTERIE_MAP_MODIFIED | COTERIE_MAP_DELETED;
	static const struct {
		const char *name, *key;
		uint32_t events;
	} rows[] = {{"a", "", COTERIE_MAP_PREFIX}, {"b", "key.", COTERIE_MAP_PREFIX}, {"c", "key.one", 0},
		{"d", "key.one", 0}, {"e", "key", COTERIE_MAP_PREFIX}, {"f", "key.", COTERIE_MAP_PREFIX}};
	struct coterie_map_tracker *trackers[6];

	for (size_t i = 0; i < 6; i++)
		ck_assert_int_eq(host->table.map_track(host, COTERIE_MAP_CONFIG, rows[i].key, rows[i].events | all,
					 on_change, (void *)(uintptr_t)rows[i].name, &trackers[i]),
			0);
	ck_assert_int_eq(host->table.map_set(host, "key.one", COTERIE_MAP_STRING, "x", 2), 0);
	ck_assert_str_eq(
		told, "d4 key.one 2 0;c4 key.one 2 0;b4 key.one 2 0;f4 key.one 2 0;e4 key.one 2 0;a4 key.one 2 0;");
	memset(told, 0, sizeof(told));
	ck_assert_int_eq(host->table.map_set(host, "key.one", COTERIE_MAP_STRING, "x", 2), 0);
	ck_assert_str_eq(told, "");
	for (size_t i = 1; i < 6; i++)
		host->table.map_untrack(host, trackers[i]);
	ck_assert_int_eq(host->table.map_delete(host, "key.one"), 0);
	ck_assert_str_eq(told, "a1 key.one 0 2;");
	host->table.map_untrack(host, trackers[0]);
}
END_TEST

START_TEST(keys_come_in_order)
{
	struct coterie_map_iterator *iterator;
	struct coterie_map_value value;
	uint8_t one = 255;

	host->table.map_set(host, "b.2", COTERIE_MAP_U8, &one, 1);
	host->table.map_set(host, "a.1", COTERIE_MAP_U8, &one, 1);
	host->table.map_set(host, "b.1", COTERIE_MAP_U8, &one, 1);
	ck_assert_int_eq(host->table.map_iterate(host, COTERIE_MAP_CONFIG, "b.", &iterator), 0);
	ck_assert_str_eq(host->table.map_iterate_next(iterator, &value), "b.1");
	ck_assert_uint_eq(value.size, 1);
	host->table.map_delete(host, "b.1");
	ck_assert_str_eq(host->table.map_iterate_next(iterator, NULL), "b.2");
	ck_assert_ptr_null(host->table.map_iterate_next(iterator, NULL));
	host->table.map_iterate_end(iterator);
	ck_assert_int_eq(host->table.map_adjust(host, "b.2", 2), 0);
	ck_assert_uint_eq(mock_map_u64(host, "b.2"), 1);
	ck_assert_int_eq(host->table.map_adjust(host, "b.1", 2), -ENOENT);
	host->table.map_protect(host, "b.", 1);
	ck_assert_uint_eq(host->table.map_is_protected(host, "b.9"), 1);
	ck_assert_uint_eq(host->table.map_is_protected(host, "a.9"), 0);
}
END_TEST

static uint32_t read_number(void *arg, void *value)
{
	memcpy(value, arg, 8);
	return 8;
}

static void count(void *arg) { (*(uint64_t *)arg)++; }

START_TEST(statistics_are_read_and_tracked)
{
	struct coterie_map_tracker *tracker;
	struct coterie_map_value value;
	uint64_t number = 7;

	ck_assert_int_eq(host->table.stat_add(host, "stats.my", COTERIE_MAP_U64, read_number, &number), 0);
	ck_assert_int_eq(host->table.stat_add(host, "stats.my", COTERIE_MAP_U64, read_number, &number), -EEXIST);
	ck_assert_int_eq(host->table.map_read(host, COTERIE_MAP_STATS, "stats.my", &value), 0);
	ck_assert_uint_eq(*(const uint64_t *)value.bytes, 7);
	ck_assert_int_eq(host->table.map_read(host, COTERIE_MAP_CONFIG, "stats.my", &value), -ENOENT);
	ck_assert_int_eq(host->table.map_track(host, COTERIE_MAP_STATS, "stats.", COTERIE_MAP_PREFIX | 4, on_change,
				 told + sizeof(told) - 1, &tracker),
		-ENOTSUP);
	ck_assert_int_eq(host->table.map_track(host, COTERIE_MAP_STATS, "stats.my", COTERIE_MAP_MODIFIED, on_change,
				 told + sizeof(told) - 1, &tracker),
		0);
	mock_stats_refresh(host);
	ck_assert_str_eq(told, "");
	number++;
	mock_stats_refresh(host);
	ck_assert_str_eq(told, "2 stats.my 8 8;");
	host->table.map_untrack(host, tracker);
	ck_assert_int_eq(host->table.stats_on_clear(host, "mine", count, &number), 0);
	ck_assert_int_eq(host->table.stats_clear(host, "mine"), 0);
	ck_assert_int_eq(host->table.stats_clear(host, "all"), 0);
	ck_assert_int_eq(host->table.stats_clear(host, "other"), -ENOENT);
	ck_assert_uint_eq(number, 10);
	ck_assert_uint_eq(host->cleared.count, 2);
	host->table.stat_del(host, "stats.my");
	ck_assert_int_eq(host->table.map_read(host, COTERIE_MAP_STATS, "stats.my", &value), -ENOENT);
}
END_TEST

static void on_verdict(void *arg, const struct coterie_quorum *quorum)
{
	(void)arg;
	snprintf(told, sizeof(told), "%u %u %s", quorum->is_quorate, quorum->member_count, quorum->provider);
}

START_TEST(verdicts_go_round)
{
	uint32_t members[] = {1, 2};
	struct coterie_quorum quorum = {.size = sizeof(quorum), .is_quorate = 1, .members = members, .member_count = 2};

	ck_assert_int_eq(host->table.quorum_watch(host, on_verdict, NULL), 0);
	ck_assert_int_eq(host->table.quorum_watch(host, on_verdict, NULL), -EEXIST);
	ck_assert_int_eq(host->table.quorum_publish(host, &quorum), 0);
	ck_assert_str_eq(told, "1 2 mock");
	mock_quorum(host, false, NULL, members, 1, "other");
	ck_assert_str_eq(told, "0 1 other");
	ck_assert_uint_eq(host->table.is_quorate(host), 0);
	host->table.quorum_get(host, &quorum);
	ck_assert_uint_eq(quorum.member_count, 1);
	ck_assert_str_eq(quorum.provider, "other");
}
END_TEST

static void on_reload(void *arg, int rc, const char *text)
{
	(void)arg;
	snprintf(told, sizeof(told), "%d %s", rc, text);
}

START_TEST(administration_is_recorded)
{
	static const char *const addresses[] = {"192.0.2.1", "2001:db8::1"};
	struct coterie_node_status status = {.size = sizeof(status), .nodeid = 4, .is_reachable = 1};
	struct coterie_peer peer = {.size = sizeof(peer)};
	jmp_buf jump;

	mock_node_status(host, &status);
	memset(&status, 0, sizeof(status));
	status.size = offsetof(struct coterie_node_status, is_remote);
	ck_assert_int_eq(host->table.node_status(host, 5, &status), -ENOENT);
	ck_assert_int_eq(host->table.node_status(host, 4, &status), 0);
	ck_assert_uint_eq(status.is_reachable, 1);
	mock_node_addresses(host, 4, addresses, 2);
	ck_assert_int_eq(host->table.node_addresses(host, 4, &peer), 0);
	ck_assert_uint_eq(peer.link_count, 2);
	ck_assert_uint_eq(peer.addresses[1].ss_family, AF_INET6);
	host->on_die = &jump;
	if (setjmp(jump) == 0)
		host->table.die(host, 255, "why");
	ck_assert_int_eq(host->exit_status, 255);
	ck_assert_str_eq(host->reason, "why");
	ck_assert_int_eq(host->table.reload(host, on_reload, NULL), 0);
	mock_reload_done(host, -EINVAL, "line 3");
	ck_assert_str_eq(told, "-22 line 3");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mock_host");
	TCase *tcase = tcase_create("members since 1.1");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, trackers_are_told_in_order);
	tcase_add_test(tcase, keys_come_in_order);
	tcase_add_test(tcase, statistics_are_read_and_tracked);
	tcase_add_test(tcase, verdicts_go_round);
	tcase_add_test(tcase, administration_is_recorded);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
