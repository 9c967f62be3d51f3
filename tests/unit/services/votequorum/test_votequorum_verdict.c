/* SPDX-License-Identifier: BSD-3-Clause */
/* Which rings of votequorum services have quorum, and what each node publishes of it. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "services/votequorum/messages.h"
#include "tests/suite.h"
#include "tests/unit/services/votequorum/vote_case.h"

/* Return whether the flags of vote_info() have VOTEQUORUM_WIRE_INFO_QUORATE. */
static bool shows_quorum(const char *info)
{
	unsigned int flags;

	ck_assert_int_eq(sscanf(info, "%*u of %*u, need %*u, flags %x", &flags), 1);
	return (flags & VOTEQUORUM_WIRE_INFO_QUORATE) != 0;
}

static const struct {
	const char *config;
	const char *rings[4]; /* rings that are formed one after the other, up to NULL */
	const char *quorate;  /* for each of them the nodes with quorum, separated by commas */
} orders[] = {
	{"nodes=3", {"1", "1 2", "1 2 3"}, ",12,123"}, {"nodes=3", {"3", "2 | 3", "1 | 2 3"}, ",,23"},
	{"nodes=3", {"1 2 3", "1 | 2 3", "1 2 3"}, "123,23,123"},
	{"nodes=4", {"1 2 3 4", "1 2 | 3 4", "1 2 3 4"}, "1234,,1234"}, {"nodes=4", {"1 2 | 3 4", "1 2 3 4"}, ",1234"},
	{"nodes=5", {"1 2 3 | 4 5", "1 2 | 3 4 5", "1 2 3 4 5"}, "123,345,12345"},
	{"nodes=2 two_node=1", {"1 | 2", "1 2", "1 | 2"}, ",12,12"}, /* two_node implies waiting for all */
	{"nodes=2 two_node=1 wait_for_all=0", {"1 | 2", "1 2"}, "12,12"},
	{"nodes=3 wait_for_all=1", {"1 2", "1 2 3", "1 2 | 3"}, ",123,12"},
	{"nodes=3 wait_for_all=1", {"1 2 3", "1 | 2 | 3", "1 2 | 3", "1 2 3"}, "123,,,123"},
	/* Node 2 counts its own vote before that of node 3 comes. */
	{"nodes=3 wait_for_all=1", {"1 2 3", "1 2 | 3", "1 | 2 3"}, "123,12,23"},
	{"nodes=4 auto_tie_breaker=1", {"1 2 3 4", "1 2 | 3 4", "1 2 3 4"}, "1234,12,1234"},
	{"nodes=4 auto_tie_breaker=1 auto_tie_breaker_node=highest", {"1 2 3 4", "1 2 | 3 4"}, "1234,34"},
	{"nodes=4 auto_tie_breaker=1 auto_tie_breaker_node=3,1", {"1 2 3 4", "1 2 | 3 4"}, "1234,34"},
	{"nodes=4 auto_tie_breaker=1 auto_tie_breaker_node=3,1", {"1 2 3 4", "1 2 4 | 3", "1 2 | 3 | 4"},
		"1234,124,12"},
	{"nodes=4 auto_tie_breaker=1", {"1 2", "3 4 | 1 2"}, ","},
	{"nodes=3 nodelist.node.0.quorum_votes=3", {"1 | 2 3", "1 2 3", "1 | 2 3"}, "1,123,1"},
	{"nodes=6 expected_votes=2", {"1 | 2", "1 2"}, ",12"},
	{"expected_votes=2", {"1 2"}, "12"}, /* there is no nodelist */
};

START_TEST(who_has_quorum)
{
	const char *want = orders[_i].quorate;

	ring.has_swapped = _i % 2 != 0; /* the results must be the same with nodes of the other byte order */
	start(orders[_i].config, 1, 6);
	for (size_t k = 0; k < 4 && orders[_i].rings[k] != NULL; k++) {
		size_t length = strcspn(want, ",");

		service_ring_form(&ring, orders[_i].rings[k]);
		for (uint32_t nodeid = 1; nodeid <= 6; nodeid++) {
			bool is_quorate = memchr(want, '0' + (int)nodeid, length) != NULL;

			if (strchr(orders[_i].rings[k], '0' + (int)nodeid) == NULL)
				continue;
			ck_assert_msg(host(nodeid)->is_quorate == is_quorate, "%s, %s: node %u", orders[_i].config,
				orders[_i].rings[k], nodeid);
		}
		want += length + (want[length] == ',');
	}
}
END_TEST

/* With two_node one vote makes a quorum, but two nodes that do not answer each other must not serve beside each other. */
START_TEST(a_lease_in_a_pair_needs_both_votes)
{
	start("nodes=2 two_node=1", 1, 2);
	service_ring_form(&ring, "1 2");
	ck_assert_uint_eq(host(1)->quorum.is_quorate, 1);
	ck_assert_uint_eq(host(1)->votes_needed, 2);
}
END_TEST

START_TEST(the_verdict_is_that_of_the_ring)
{
	start("nodes=3", 1, 3);
	service_ring_form(&ring, "1 2 3");
	ck_assert_uint_eq(host(2)->quorum.is_quorate, 1);
	ck_assert_uint_eq(host(2)->quorum.ring.representative, 1);
	ck_assert_uint_eq(host(2)->quorum.ring.seq, 4);
	ck_assert_uint_eq(host(2)->quorum.member_count, 3);
	ck_assert_uint_eq(host(2)->quorum.members[2], 3);
	ck_assert_uint_eq(host(2)->votes_needed, 2);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_eq(host(2)->votes[i], 1);
	uint32_t verdicts = host(2)->verdicts;

	service_ring_form(&ring, "1 2 3");
	ck_assert_uint_eq(host(2)->verdicts, verdicts + 1); /* even if the verdict has not changed */
}
END_TEST

static void expect_5(void) { ck_assert_int_eq(vote_expected(&users[0], 5), 1); }

static void give_node_3_two_votes(void) { ck_assert_int_eq(vote_votes(&users[0], 3, 2), 1); }

static void give_the_device_a_vote(void) { ck_assert_int_eq(vote_votes(&users[0], 0, 1), 1); }

/* As a reload does that adds nodes 4 and 5. */
static void add_two_nodes(void)
{
	for (uint32_t i = 1; i <= 3; i++) {
		vote_set_key(host(i), "nodelist.node.3.nodeid", "4");
		vote_set_key(host(i), "nodelist.node.4.nodeid", "5");
	}
}

static const struct {
	void (*change)(void);
	uint32_t needed, votes[3];
} changes[] = {
	{expect_5, 3, {1, 1, 1}},
	{give_node_3_two_votes, 3, {1, 1, 2}},
	{give_the_device_a_vote, 3, {1, 1, 1}},
	{add_two_nodes, 3, {1, 1, 1}},
};

/* The ring's lease counts votes. With older votes than those in force, two parts of the cluster could both have it. */
START_TEST(the_lease_has_votes_that_change_in_a_ring)
{
	start("nodes=3", 1, 3);
	service_ring_form(&ring, "1 2 3");
	watch(3);
	changes[_i].change();
	service_ring_run(&ring);
	for (uint32_t i = 1; i <= 3; i++) {
		ck_assert_uint_eq(host(i)->votes_needed, changes[_i].needed);
		ck_assert_mem_eq(host(i)->votes, changes[_i].votes, sizeof(changes[_i].votes));
		for (const char *event; *(event = vote_event(&users[i - 1])) != '\0';)
			ck_assert_str_ne(event, "quorum 1 [1:1 2:1 3:1]"); /* clients know this already */
	}
	uint32_t verdicts = host(1)->verdicts;

	ck_assert_int_eq(vote_votes(&users[0], 1, 1), 1); /* no change */
	service_ring_run(&ring);
	ck_assert_uint_eq(host(1)->verdicts, verdicts);
}
END_TEST

static const struct {
	const char *config, *before, *ring;
	const char *shown; /* nodes that show quorum during the synchronisation of `ring` */
	const char *quorate;
} partitions[] = {
	{"nodes=3", "1 2 3", "1 | 2 3", "23", "23"},
	{"nodes=3", "1 2 3", "1 | 2 | 3", "", ""},
	{"nodes=3", "1 2", "1 2 3", "12", "123"},
	{"nodes=2 two_node=1", "1 2", "1 | 2", "12", "12"},
	{"nodes=4 auto_tie_breaker=1", "1 2 3 4", "1 2 | 3 4", "", "12"},
	{"nodes=4 wait_for_all=1", "1 2 3", "1 2 3 | 4", "", ""},
};

/* Until its synchronisation is done, a node has the verdict of its last ring, which may have had more members. */
START_TEST(a_new_ring_shows_quorum_only_with_the_votes)
{
	start(partitions[_i].config, 1, 4);
	service_ring_form(&ring, partitions[_i].before);
	service_ring_form_start(&ring, partitions[_i].ring);
	for (uint32_t nodeid = 1; nodeid <= 4; nodeid++) {
		bool is_shown = strchr(partitions[_i].shown, '0' + (int)nodeid) != NULL;

		if (strchr(partitions[_i].ring, '0' + (int)nodeid) == NULL)
			continue;
		users[0] = service_user_create(&ring, nodeid, 1);
		ck_assert_int_eq(vote_track(&users[0], 0, 1), 1);
		ck_assert_ptr_nonnull(strstr(vote_event(&users[0]), "nodes"));
		ck_assert_msg(strncmp(vote_event(&users[0]), is_shown ? "quorum 1" : "quorum 0", 8) == 0, "%s: node %u",
			partitions[_i].ring, nodeid);
		ck_assert_msg(
			shows_quorum(vote_info(&users[0], 0)) == is_shown, "%s: node %u", partitions[_i].ring, nodeid);
		service_user_close(&users[0]);
	}
	watch(1);
	service_ring_form_steps(&ring);
	service_ring_form_done(&ring);
	for (const char *event; *(event = vote_event(&users[0])) != '\0';)
		ck_assert_ptr_eq(strstr(event, strchr(partitions[_i].quorate, '1') ? "quorum 0" : "quorum 1"), NULL);
	each_is_quorate(partitions[_i].quorate, true);
}
END_TEST

START_TEST(a_single_node_has_quorum_before_there_is_a_ring)
{
	start("nodes=1", 1, 1);
	ck_assert(host(1)->is_quorate);
	ck_assert_uint_eq(host(1)->quorum.member_count, 0);
}
END_TEST
/* Half of the members have the votes of the others when the ring breaks, and not the same half as the other part. */
START_TEST(a_majority_that_not_all_know_of_decides_no_tie)
{
	struct votequorum_ring_nodeinfo back = {.nodeid = 1, .votes = 1, .expected_votes = 4};

	start("nodes=4 auto_tie_breaker=1", 1, 4);
	service_ring_form(&ring, "2 3 4");
	each_is_quorate("234", true);
	service_ring_form_start(&ring, "1 2 3 4");
	deliver(1, 1, VOTEQUORUM_RING_NODEINFO, &back, sizeof(back));
	deliver(4, 1, VOTEQUORUM_RING_NODEINFO, &back, sizeof(back));
	service_ring_form(&ring, "1 4 | 2 3");
	each_is_quorate("1234", false);
	service_ring_form(&ring, "1 2 3 4");
	service_ring_form(&ring, "1 4 | 2 3");
	each_is_quorate("14", true);
	each_is_quorate("23", false);
}
END_TEST

/* No node has seen a majority, and each half has heard its own members. */
START_TEST(a_first_majority_that_not_all_know_of_decides_no_tie)
{
	start("nodes=4 auto_tie_breaker=1", 1, 4);
	service_ring_form_start(&ring, "1 2 3 4");
	ring.ops->sync_step(ring.nodes[3].self);
	ring.ops->sync_step(ring.nodes[4].self);
	service_ring_run(&ring);
	service_ring_form(&ring, "1 3 | 2 4");
	each_is_quorate("1234", false);
}
END_TEST

/* Messages of a ring that has ended are delivered before the next synchronisation begins. */
START_TEST(a_verdict_of_a_ring_that_has_ended_is_not_published)
{
	struct votequorum_ring_nodeinfo late = {.nodeid = 2, .votes = 1, .expected_votes = 5};

	start("nodes=5", 1, 3);
	service_ring_form(&ring, "1 2 | 3");
	watch(1);
	service_ring_form_start(&ring, "1 2 3");
	ring.ops->sync_step(ring.nodes[3].self);
	service_ring_run(&ring);
	ring.ops->sync_abort(ring.nodes[1].self);
	deliver(1, 2, VOTEQUORUM_RING_NODEINFO, &late, sizeof(late));
	each_is_quorate("1", false);
	expect(1, "");
	service_ring_form(&ring, "1 2 | 3");
	each_is_quorate("12", false);
}
END_TEST

static void expect_of(uint32_t nodeid, uint32_t expected)
{
	const struct votequorum_ring_reconfigure message = {
		.nodeid = nodeid, .value = expected, .param = VOTEQUORUM_RING_PARAM_EXPECTED_VOTES};

	deliver(1, nodeid, VOTEQUORUM_RING_RECONFIGURE, &message, sizeof(message));
}

/* Read all events of the client of node 1. @return their number; *last: the last event of each kind */
static uint32_t read_events(char *quorum, char *expected)
{
	uint32_t count = 0;

	quorum[0] = expected[0] = '\0';
	for (const char *event; *(event = vote_event(&users[0])) != '\0'; count++)
		strcpy(event[0] == 'q' ? quorum : expected, event);
	return count;
}

/* One frame has room for 1,679 of these messages. */
START_TEST(a_member_that_flips_the_verdict_is_told_of_at_a_limited_rate)
{
	char quorum[64], expected[64];

	start("nodes=3", 1, 3);
	service_ring_form(&ring, "1 2 3");
	watch(1);
	uint32_t verdicts = host(1)->verdicts, lines = host(1)->logs.count;

	for (uint32_t i = 0; i < 1000; i++) {
		expect_of(2, i % 2 == 0 ? 100000 : 3);
		if (i % 2 == 0)
			ck_assert(!host(1)->is_quorate); /* the loss counts at once */
	}
	ck_assert_uint_le(host(1)->verdicts, verdicts + 12);
	ck_assert(!host(1)->is_quorate);
	mock_host_advance(host(1), 100 * 1000000);
	ck_assert_uint_le(host(1)->verdicts, verdicts + 14);
	ck_assert_uint_le(host(1)->logs.count, lines + 4);
	ck_assert(host(1)->is_quorate);
	ck_assert_uint_eq(host(1)->votes_needed, 2);
	ck_assert_uint_eq(mock_map_u64(host(1), "runtime.votequorum.ev_barrier"), 3);
	ck_assert_uint_le(read_events(quorum, expected), 40);
	ck_assert_str_eq(quorum, "quorum 1 [1:1 2:1 3:1]");
	ck_assert_str_eq(expected, "expected 3");
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
	expect_of(2, 5); /* now it is told at once again */
	expect(1, "expected 5");
}
END_TEST

/* The verdict stays, and the votes that the lease needs go up and down. It may never have less than those in force. */
START_TEST(votes_that_change_often_make_the_lease_need_all_members)
{
	start("nodes=4", 1, 4);
	service_ring_form(&ring, "1 2 3 4");
	uint32_t verdicts = host(1)->verdicts;

	for (uint32_t i = 0; i < 1000; i++) {
		expect_of(2, i % 2 == 0 ? 6 : 4);
		ck_assert_uint_ge(host(1)->votes_needed, i % 2 == 0 ? 4 : 3);
	}
	ck_assert(host(1)->is_quorate);
	ck_assert_uint_eq(host(1)->votes_needed, 4);
	ck_assert_uint_le(host(1)->verdicts, verdicts + 6);
	mock_host_advance(host(1), 100 * 1000000);
	ck_assert_uint_eq(host(1)->votes_needed, 3);
	ck_assert_uint_le(host(1)->verdicts, verdicts + 8);
}
END_TEST

START_TEST(lines_about_waiting_have_a_limited_rate)
{
	const struct votequorum_ring_reconfigure cancel = {.nodeid = 2, .param = VOTEQUORUM_RING_PARAM_CANCEL_WFA};

	start("nodes=3 wait_for_all=1", 1, 2);
	service_ring_form(&ring, "1 2");
	uint32_t lines = host(1)->logs.count;

	for (uint32_t i = 0; i < 1000; i++) {
		const struct votequorum_ring_nodeinfo info = {
			.nodeid = 2, .votes = 1 + (i & 1), .expected_votes = 3, .flags = VOTEQUORUM_RING_WFASTATUS};

		deliver(1, 2, VOTEQUORUM_RING_NODEINFO, &info, sizeof(info));
	}
	for (uint32_t i = 0; i < 1000; i++)
		deliver(1, 2, VOTEQUORUM_RING_RECONFIGURE, &cancel, sizeof(cancel));
	mock_host_advance(host(1), 100 * 1000000);
	ck_assert_uint_le(host(1)->logs.count, lines + 10);
}
END_TEST

static uint32_t stats_added, stats_deleted;
static int stat_rc; /* if not 0, stat_add() returns this */
static struct coterie_host host_before;

static int count_stat(struct coterie_ctx *ctx, const char *key, uint32_t type, coterie_stat_read read, void *arg)
{
	stats_added++;
	return stat_rc != 0 ? stat_rc : host_before.stat_add(ctx, key, type, read, arg);
}

static void count_end(struct coterie_ctx *ctx, const char *key)
{
	stats_deleted++;
	host_before.stat_del(ctx, key);
}

static void count_stats(int rc)
{
	host_before = host(1)->table;
	host(1)->table.stat_add = count_stat;
	host(1)->table.stat_del = count_end;
	stats_added = stats_deleted = 0;
	stat_rc = rc;
}

static void info_of(uint32_t nodeid)
{
	const struct votequorum_ring_nodeinfo info = {.nodeid = nodeid, .votes = 1, .expected_votes = 384};

	deliver(1, nodeid, VOTEQUORUM_RING_NODEINFO, &info, sizeof(info));
}

/* In a ring of 384 nodes one message must not look for 1,157 keys. */
START_TEST(a_message_without_news_offers_no_statistics)
{
	if (service_is_replaced())
		return; /* a replacement offers its keys */
	start("nodes=2", 1, 1);
	service_ring_form(&ring, "1");
	for (uint32_t i = 2; i <= 384; i++)
		info_of(i);
	count_stats(-ENOMEM);
	info_of(384);
	ck_assert_uint_eq(stats_added, 0);
	info_of(385); /* its three keys are missing */
	ck_assert_uint_eq(stats_added, 3);
	info_of(385);
	info_of(384);
	ck_assert_uint_eq(stats_added, 3);
	stat_rc = 0;
	service_ring_form(&ring, "1"); /* with the next ring they are added */
	ck_assert_uint_eq(stats_added, 6);
	info_of(384);
	service_ring_form(&ring, "1");
	ck_assert_uint_eq(stats_added, 6);
}
END_TEST

START_TEST(statistics_of_forgotten_nodes_end)
{
	struct coterie_map_value value;

	if (service_is_replaced())
		return; /* as above */
	start("nodes=2", 1, 1);
	count_stats(0);
	for (uint32_t i = 0; i < 2000; i++) {
		service_ring_form(&ring, "1");
		info_of(1000 + i);
		ring.ops->sync_start(ring.nodes[1].self, NULL, 0,
			&(struct coterie_configuration){.size = sizeof(struct coterie_configuration),
				.members = (uint32_t[]){1, 1000 + i},
				.member_count = 2});
	}
	ck_assert_uint_eq(stats_added, 2000 * 3);
	ck_assert_uint_gt(stats_deleted, 1000 * 3);
	ck_assert_int_eq(
		host(1)->table.map_read(host(1), COTERIE_MAP_STATS, "stats.plugins.votequorum.node.2999.votes", &value),
		0);
	ck_assert_int_eq(
		host(1)->table.map_read(host(1), COTERIE_MAP_STATS, "stats.plugins.votequorum.node.1000.votes", &value),
		-ENOENT);
	ck_assert_int_eq(
		host(1)->table.map_read(host(1), COTERIE_MAP_STATS, "stats.plugins.votequorum.node.1.votes", &value),
		0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("votequorum_verdict");
	TCase *tcase = tcase_create("ring");

	tcase_add_checked_fixture(tcase, vote_case_set_up, vote_case_tear_down);
	tcase_add_loop_test(tcase, who_has_quorum, 0, (int)(sizeof(orders) / sizeof(orders[0])));
	tcase_add_test(tcase, the_verdict_is_that_of_the_ring);
	tcase_add_test(tcase, a_lease_in_a_pair_needs_both_votes);
	tcase_add_loop_test(tcase, the_lease_has_votes_that_change_in_a_ring, 0, sizeof(changes) / sizeof(changes[0]));
	tcase_add_loop_test(
		tcase, a_new_ring_shows_quorum_only_with_the_votes, 0, sizeof(partitions) / sizeof(partitions[0]));
	tcase_add_test(tcase, a_single_node_has_quorum_before_there_is_a_ring);
	tcase_add_test(tcase, a_majority_that_not_all_know_of_decides_no_tie);
	tcase_add_test(tcase, a_first_majority_that_not_all_know_of_decides_no_tie);
	tcase_add_test(tcase, a_verdict_of_a_ring_that_has_ended_is_not_published);
	tcase_add_test(tcase, a_member_that_flips_the_verdict_is_told_of_at_a_limited_rate);
	tcase_add_test(tcase, votes_that_change_often_make_the_lease_need_all_members);
	tcase_add_test(tcase, lines_about_waiting_have_a_limited_rate);
	tcase_add_test(tcase, a_message_without_news_offers_no_statistics);
	tcase_add_test(tcase, statistics_of_forgotten_nodes_end);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
