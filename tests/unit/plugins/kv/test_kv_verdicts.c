/* SPDX-License-Identifier: BSD-3-Clause */
/* The service kv on mock hosts: which verdict about quorum, and which announcement, is valid in a ring. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/suite.h"
#include "tests/unit/plugins/kv/kv_case.h"

#define MS UINT64_C(1000000)

/* Let the provider of a node publish a verdict about the present ring. */
static void say(uint32_t nodeid, bool is_quorate)
{
	const struct service_node *node = &kv_ring.nodes[nodeid];
	struct coterie_ring_id id = {.representative = node->ring_rep, .seq = node->ring_seq};

	node->host->is_quorate = is_quorate;
	mock_quorum(node->host, is_quorate, &id, node->host->members, node->host->member_count, "provider");
	service_ring_run(&kv_ring);
}

START_TEST(a_verdict_on_the_ring_before_is_none)
{
	for (uint32_t i = 1; i <= 3; i++)
		say(i, true);
	service_ring_form(&kv_ring, "1 | 2 3"); /* the providers have not synchronised yet */
	ck_assert(!kv_at(1)->is_serving);
	ck_assert(!kv_at(2)->is_serving);
	for (uint32_t i = 1; i <= 3; i++)
		say(i, i > 1);
	ck_assert(!kv_at(1)->is_serving);
	ck_assert(kv_at(2)->is_serving);
}
END_TEST

START_TEST(all_members_have_to_be_quorate)
{
	for (uint32_t i = 1; i <= 3; i++)
		say(i, true);
	ck_assert(kv_at(1)->is_serving);
	for (uint32_t i = 1; i <= 3; i++) {
		say(i, false);
		for (uint32_t k = 1; k <= 3; k++)
			ck_assert_msg(!kv_at(k)->is_serving, "node %u, without %u", k, i);
		say(i, true);
	}
	ck_assert(kv_at(1)->is_serving);
}
END_TEST

START_TEST(an_announcement_of_another_ring_is_none)
{
	kv_case_put("key", "value");
	service_ring_form_start(&kv_ring, "1 2 3");

	struct kv_ring_announce announce = {
		.ring = {htole64(kv_at(2)->ring.seq - 4), htole32(kv_at(2)->ring.rep), 0},
		.revision = htole64(900),
		.kept_from = htole64(900),
		.flags = htole32(KV_HAS_STATE | KV_IS_QUORATE),
	};
	struct mock_message message = {.id = KV_RING_ANNOUNCE,
		.size = sizeof(announce) - sizeof(announce.header),
		.data = (uint8_t *)&announce.ring};

	ck_assert_int_eq(mock_deliver(kv_ring.ops, kv_at(2), 1, false, &message), 0);
	ck_assert(!kv_member_find(kv_at(2), 1)->has_announced);
	announce.ring.seq = htole64(kv_at(2)->ring.seq);
	ck_assert_int_eq(mock_deliver(kv_ring.ops, kv_at(2), 1, false, &message), 0);
	ck_assert(kv_member_find(kv_at(2), 1)->has_announced);
	service_ring_form(&kv_ring, "1 2 3");
	kv_case_check(2, "key", "value");
}
END_TEST

/* Deliver an announcement of node 1 to another node. Its table has the epoch of the others, and more writes. */
static void announce_as_1(uint32_t to, uint64_t revision)
{
	const struct kv *kv = kv_at(to);
	struct kv_ring_announce announce = {
		.ring = kv_ring_to_wire(&kv->ring),
		.epoch = kv_ring_to_wire(&kv->state.epoch),
		.revision = htole64(revision),
		.kept_from = htole64(revision),
		.bytes_max = htole64(1u << 20),
		.flags = htole32(KV_HAS_STATE | KV_IS_QUORATE | KV_IS_EARLY | KV_CAN_FORGET | KV_TELLS_STORE),
	};
	struct mock_message message = {.id = KV_RING_ANNOUNCE,
		.size = sizeof(announce) - sizeof(announce.header),
		.data = (uint8_t *)&announce.ring};

	ck_assert_int_eq(mock_deliver(kv_ring.ops, kv_at(to), 1, false, &message), 0);
}

static void lose_as_1(uint32_t to)
{
	struct kv_ring_standing standing = {.ring = kv_ring_to_wire(&kv_at(to)->ring)};
	struct mock_message message = {.id = KV_RING_STANDING,
		.size = sizeof(standing) - sizeof(standing.header),
		.data = (uint8_t *)&standing.ring};

	ck_assert_int_eq(mock_deliver(kv_ring.ops, kv_at(to), 1, false, &message), 0);
}

/*
 * Nodes 2 and 3 form the table at different times. Between them a malicious member announces another table, or says that
 * it has lost the one that it has announced.
 */
static void check_same_choice(void (*speak)(uint32_t to))
{
	for (uint32_t i = 2; i <= 3; i++)
		announce_as_1(i, 900);
	for (uint32_t i = 2; i <= 3; i++)
		ck_assert_int_eq(kv_ring.ops->sync_step(kv_at(i)), 0);
	service_ring_run(&kv_ring);
	kv_form_early(kv_at(2));
	ck_assert(kv_at(2)->has_formed && !kv_at(3)->has_formed);
	for (uint32_t i = 2; i <= 3; i++)
		speak(i);
	kv_ring.is_synchronising = false;
	for (uint32_t i = 2; i <= 3; i++)
		kv_ring.ops->sync_done(kv_at(i));
	ck_assert(kv_at(2)->has_formed && kv_at(3)->has_formed);
	ck_assert_uint_eq(kv_at(2)->state.revision, kv_at(3)->state.revision);
	ck_assert(kv_state_equals(&kv_at(2)->state, &kv_at(3)->state));
	for (uint32_t i = 1; i <= 3; i++)
		ck_assert_int_eq(kv_at(2)->members[i - 1].has_state, kv_at(3)->members[i - 1].has_state);
}

static void announce_again(uint32_t to) { announce_as_1(to, 1000); }

START_TEST(the_first_announcement_of_a_member_counts)
{
	kv_case_put("key", "value");
	service_ring_form_start(&kv_ring, "1 2 3");
	check_same_choice(announce_again);
	ck_assert_uint_eq(kv_at(2)->state.revision, 900);
	ck_assert(mock_host_has_logged(kv_ring.nodes[3].host, "node 1 announces itself twice"));
}
END_TEST

START_TEST(a_table_that_is_lost_while_it_is_chosen_is_lost_on_all_nodes)
{
	kv_case_put("key", "value");
	service_ring_form_start(&kv_ring, "1 2 3");
	check_same_choice(lose_as_1);
	ck_assert(!kv_member_find(kv_at(2), 1)->has_state);
	ck_assert(!kv_at(2)->is_serving && !kv_at(3)->is_serving);
}
END_TEST

/* Node 3 receives a table and leaves. While it is away, the other nodes forget which keys were deleted. */
START_TEST(a_transfer_begins_again_where_deletions_were_not_kept)
{
	static char value[3000];
	char key[16];

	memset(value, 'v', sizeof(value) - 1);
	for (uint32_t i = 0; i < 150; i++) {
		snprintf(key, sizeof(key), "key %03u", i);
		ck_assert_int_eq(kv_case_put(key, value), KV_OK);
	}
	service_ring_kill(&kv_ring, 3);
	service_ring_start(&kv_ring, 3);
	service_ring_form(&kv_ring, "1 2 3");
	for (uint32_t turn = 0; turn < 100 && kv_at(3)->progress.cursor == 0; turn++) {
		mock_host_advance(kv_ring.nodes[1].host, 1 * MS);
		service_ring_run(&kv_ring);
	}
	ck_assert(!kv_at(3)->has_state);
	ck_assert_uint_gt(kv_at(3)->progress.cursor, 0);
	ck_assert_int_eq(kv_case_write(&kv_user, KV_REQ_DELETE, "key 001", "", -1), KV_OK);
	service_ring_form(&kv_ring, "1 2");
	service_ring_form(&kv_ring, "1 2 3");
	ck_assert(!kv_at(3)->has_state);
	ck_assert_uint_eq(kv_at(3)->progress.cursor, 0);
	kv_case_run();
	kv_case_check(3, "key 001", NULL);
	kv_case_check(3, "key 149", value);
}
END_TEST

/* ---- Members without the service ------------------------------------------ */

static void set_key(struct coterie_ctx *host, const char *key, uint32_t value)
{
	ck_assert_int_eq(host->table.map_set(host, key, COTERIE_MAP_U32, &value, sizeof(value)), 0);
}

/* Write nodes 1 to 3 into the configuration of a node. */
static void list_nodes(struct coterie_ctx *host, const uint32_t *votes)
{
	char key[64];

	for (uint32_t i = 0; i < 3; i++) {
		snprintf(key, sizeof(key), "nodelist.node.%u.nodeid", i);
		set_key(host, key, i + 1);
		snprintf(key, sizeof(key), "nodelist.node.%u.quorum_votes", i);
		set_key(host, key, votes[i]);
	}
}

static void set_without(uint32_t nodeid)
{
	for (uint32_t i = 1; i <= 3; i++)
		kv_ring.nodes[i].host->without_service = nodeid;
}

START_TEST(nodes_with_the_service_need_a_majority)
{
	static const struct {
		const char *name, *ring;
		uint32_t without, votes[3], device, expected;
		bool is_backed;
	} rows[] = {
		{"all run it", "1 2", 0, {1, 1, 1}, 0, 0, true},
		{"all run it, and a device decides", "1 2", 0, {1, 1, 1}, 9, 0, true},
		{"all run it, and a device decides for one", "2", 0, {1, 1, 1}, 9, 0, false},
		{"two of three", "1 2 3", 1, {1, 1, 1}, 0, 0, true},
		{"one of three", "1 2", 1, {1, 1, 1}, 0, 0, false},
		{"one of three, with most votes", "1 2", 1, {1, 3, 1}, 0, 0, true},
		{"two of three, with half of the votes", "1 2 3", 1, {2, 1, 1}, 0, 0, false},
		{"the other one has no vote", "1 2", 1, {0, 1, 1}, 0, 0, true},
		{"with the votes of a device", "1 2 3", 1, {1, 1, 1}, 2, 0, false},
		{"more votes are expected", "1 2 3", 1, {1, 1, 1}, 0, 4, false},
		{"one alone", "2", 1, {1, 1, 1}, 0, 0, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct coterie_ctx *host = kv_ring.nodes[2].host;

		list_nodes(host, rows[i].votes);
		set_key(host, "quorum.expected_votes", rows[i].expected);
		if (rows[i].device > 0)
			ck_assert_int_eq(
				host->table.map_set(host, "quorum.device.model", COTERIE_MAP_STRING, "net", 4), 0);
		else
			host->table.map_delete(host, "quorum.device.model");
		set_key(host, "quorum.device.votes", rows[i].device);
		set_without(rows[i].without);
		service_ring_form(&kv_ring, rows[i].ring);
		say(2, true);
		ck_assert_msg(kv_is_backed(kv_at(2)) == rows[i].is_backed, "%s", rows[i].name);
	}
}
END_TEST

/* ---- Quorum that is no majority of the nodes ------------------------------ */

static void set_weak(struct coterie_ctx *host, const char *key)
{
	const uint8_t one = 1;

	if (strcmp(key, "quorum.device.model") == 0)
		ck_assert_int_eq(host->table.map_set(host, key, COTERIE_MAP_STRING, "net", 4), 0);
	else
		ck_assert_int_eq(host->table.map_set(host, key, COTERIE_MAP_U8, &one, sizeof(one)), 0);
}

static void set_any_quorum(uint32_t nodeid, const char *value)
{
	mock_host_option(kv_ring.nodes[nodeid].host, "any_quorum", value);
	ck_assert_int_eq(kv_ring.ops->reload(kv_at(nodeid)), 0);
}

static const char *const weak[] = {"quorum.device.model", "quorum.two_node", "quorum.last_man_standing",
	"quorum.allow_downscale", "quorum.auto_tie_breaker"};

/* With these, two rings with quorum may share no node. */
START_TEST(a_quorum_that_is_no_majority_of_the_nodes_is_not_enough)
{
	static const uint32_t votes[] = {1, 1, 1};
	struct coterie_ctx *host = kv_ring.nodes[2].host;

	list_nodes(host, votes);
	set_key(host, "quorum.device.votes", 2);
	service_ring_form(&kv_ring, "2 | 1 3");
	say(2, true);
	ck_assert(kv_is_backed(kv_at(2)));
	set_weak(host, weak[_i]);
	ck_assert(!kv_is_backed(kv_at(2)));
	ck_assert(mock_host_has_logged(host, "have no majority of the votes"));
	set_any_quorum(2, "yes");
	ck_assert(kv_is_backed(kv_at(2)));
	set_any_quorum(2, "no");
	ck_assert(!kv_is_backed(kv_at(2)));
	set_key(host, "quorum.expected_votes", 5); /* with the device's votes */
	service_ring_form(&kv_ring, "2 3 | 1");
	ck_assert_int_eq(kv_is_backed(kv_at(2)), strcmp(weak[_i], "quorum.device.model") == 0);
	set_key(host, "quorum.expected_votes", 3);
	ck_assert(kv_is_backed(kv_at(2)));
}
END_TEST

/* The device has one vote less than there are nodes. */
START_TEST(a_device_without_a_number_of_votes_has_votes)
{
	static const uint32_t votes[] = {1, 1, 1};
	struct coterie_ctx *host = kv_ring.nodes[2].host;

	list_nodes(host, votes);
	set_weak(host, "quorum.device.model");
	set_without(1);
	say(2, true);
	ck_assert(!kv_is_backed(kv_at(2))); /* two of five votes */
	set_key(host, "quorum.device.votes", 0);
	ck_assert(kv_is_backed(kv_at(2)));
}
END_TEST

START_TEST(no_write_is_acknowledged_where_a_device_outvotes_the_other_node)
{
	static const uint32_t votes[] = {1, 1, 0};
	struct service_user other = service_user_create(&kv_ring, 2, 200);

	for (uint32_t i = 1; i <= 3; i++) {
		list_nodes(kv_ring.nodes[i].host, votes);
		set_weak(kv_ring.nodes[i].host, "quorum.device.model");
		set_key(kv_ring.nodes[i].host, "quorum.device.votes", 1);
	}
	service_ring_kill(&kv_ring, 3);
	service_ring_form(&kv_ring, "1 2");
	say(1, true);
	say(2, true);
	ck_assert_int_eq(kv_case_put("key", "old"), KV_OK);
	service_ring_form(&kv_ring, "1 | 2");
	say(1, true); /* the device is with node 1 */
	say(2, false);
	ck_assert_int_eq(kv_case_put("key", "new"), KV_TRY_AGAIN);
	service_ring_form(&kv_ring, "1 | 2");
	say(1, false);
	say(2, true); /* and now with node 2, which does not know what node 1 wrote */
	ck_assert_int_eq(kv_case_get(&other, KV_REQ_GET_ORDERED, "key"), KV_TRY_AGAIN);
	service_user_close(&other);
}
END_TEST

/* Without a list of nodes each member has one vote of those expected. */
START_TEST(half_of_two_expected_votes_is_no_majority)
{
	struct coterie_ctx *host = kv_ring.nodes[2].host;

	set_weak(host, "quorum.two_node");
	set_key(host, "quorum.expected_votes", 2);
	service_ring_form(&kv_ring, "1 | 2 3");
	say(2, true);
	ck_assert(kv_is_backed(kv_at(2)));
	service_ring_form(&kv_ring, "1 3 | 2");
	say(2, true);
	ck_assert(!kv_is_backed(kv_at(2)));
}
END_TEST

START_TEST(nodes_that_are_not_listed_have_a_vote_each)
{
	set_without(1);
	say(2, true);
	ck_assert(!kv_is_backed(kv_at(2)));
	set_key(kv_ring.nodes[2].host, "quorum.expected_votes", 3);
	ck_assert(kv_is_backed(kv_at(2)));
	set_key(kv_ring.nodes[2].host, "quorum.expected_votes", 4);
	ck_assert(!kv_is_backed(kv_at(2)));
}
END_TEST

/* Node 1 unloads the plugin. Node 2 then has newer writes, which a ring of nodes 1 and 3 would not have. */
START_TEST(a_node_that_has_unloaded_the_service_does_not_count)
{
	static const uint32_t votes[] = {1, 1, 1};

	for (uint32_t i = 1; i <= 3; i++) {
		list_nodes(kv_ring.nodes[i].host, votes);
		say(i, true);
	}
	set_without(1);
	service_ring_form(&kv_ring, "1 2 | 3");
	for (uint32_t i = 1; i <= 2; i++)
		say(i, true);
	ck_assert(!kv_at(2)->is_serving);
	ck_assert(mock_host_has_logged(kv_ring.nodes[2].host, "have no majority of the votes"));
	set_without(0);
	service_ring_form(&kv_ring, "1 2");
	for (uint32_t i = 1; i <= 2; i++)
		say(i, true);
	ck_assert(kv_at(2)->is_serving);
}
END_TEST

START_TEST(a_write_with_too_few_nodes_behind_it_is_in_doubt)
{
	static const uint32_t votes[] = {1, 1, 3};

	if (service_is_replaced())
		return; /* a new instance notices it before the write */
	for (uint32_t i = 1; i <= 3; i++) {
		list_nodes(kv_ring.nodes[i].host, votes);
		say(i, true);
	}
	ck_assert_int_eq(kv_case_put("key", "old"), KV_OK);
	set_without(3);
	ck_assert_int_eq(kv_case_put("key", "new"), KV_INTERRUPT);
	ck_assert(!kv_at(2)->is_serving);
	ck_assert_int_eq(kv_case_put("key", "new"), KV_TRY_AGAIN);
	ck_assert_int_eq(kv_case_get(&kv_user, KV_REQ_GET_ORDERED, "key"), KV_TRY_AGAIN);
	set_without(0);
	for (uint32_t i = 1; i <= 3; i++)
		say(i, true);
	set_without(3);
	ck_assert_int_eq(kv_case_get(&kv_user, KV_REQ_GET_ORDERED, "key"), KV_TRY_AGAIN);
	ck_assert(!kv_at(2)->is_serving);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kv_verdicts");
	TCase *tcase = tcase_create("kv_verdicts");

	tcase_add_checked_fixture(tcase, kv_case_set_up, kv_case_tear_down);
	tcase_add_test(tcase, a_verdict_on_the_ring_before_is_none);
	tcase_add_test(tcase, all_members_have_to_be_quorate);
	tcase_add_test(tcase, an_announcement_of_another_ring_is_none);
	tcase_add_test(tcase, the_first_announcement_of_a_member_counts);
	tcase_add_test(tcase, a_table_that_is_lost_while_it_is_chosen_is_lost_on_all_nodes);
	tcase_add_test(tcase, a_transfer_begins_again_where_deletions_were_not_kept);
	tcase_add_test(tcase, nodes_with_the_service_need_a_majority);
	tcase_add_loop_test(
		tcase, a_quorum_that_is_no_majority_of_the_nodes_is_not_enough, 0, sizeof(weak) / sizeof(weak[0]));
	tcase_add_test(tcase, a_device_without_a_number_of_votes_has_votes);
	tcase_add_test(tcase, no_write_is_acknowledged_where_a_device_outvotes_the_other_node);
	tcase_add_test(tcase, half_of_two_expected_votes_is_no_majority);
	tcase_add_test(tcase, nodes_that_are_not_listed_have_a_vote_each);
	tcase_add_test(tcase, a_node_that_has_unloaded_the_service_does_not_count);
	tcase_add_test(tcase, a_write_with_too_few_nodes_behind_it_is_in_doubt);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
