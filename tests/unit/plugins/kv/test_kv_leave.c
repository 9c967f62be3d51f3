/* SPDX-License-Identifier: BSD-3-Clause */
/* The service kv on mock hosts: a member unloads the service, and the others stop counting it in the same ring. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"
#include "tests/unit/plugins/kv/kv_case.h"

#define MS UINT64_C(1000000)

static void say(uint32_t nodeid, bool is_quorate)
{
	const struct service_node *node = &kv_ring.nodes[nodeid];
	struct coterie_ring_id id = {.representative = node->ring_rep, .seq = node->ring_seq};

	node->host->is_quorate = is_quorate;
	mock_quorum(node->host, is_quorate, &id, node->host->members, node->host->member_count, "provider");
	service_ring_run(&kv_ring);
}

static void set_key(struct coterie_ctx *host, const char *key, uint32_t value)
{
	ck_assert_int_eq(host->table.map_set(host, key, COTERIE_MAP_U32, &value, sizeof(value)), 0);
}

/* Write nodes 1 to 3 into the configuration of a node. */
static void list_nodes(uint32_t nodeid, const uint32_t *votes)
{
	struct coterie_ctx *host = kv_ring.nodes[nodeid].host;
	char key[64];

	for (uint32_t i = 0; i < 3; i++) {
		snprintf(key, sizeof(key), "nodelist.node.%u.nodeid", i);
		set_key(host, key, i + 1);
		snprintf(key, sizeof(key), "nodelist.node.%u.quorum_votes", i);
		set_key(host, key, votes[i]);
	}
}

static void set_limit(uint32_t nodeid, const char *limit)
{
	mock_host_option(kv_ring.nodes[nodeid].host, "bytes_max", limit);
	ck_assert_int_eq(kv_ring.ops->reload(kv_at(nodeid)), 0);
	service_ring_run(&kv_ring);
}

/* The executive calls drain until it returns 0, and until the service's messages are delivered. */
static void drain(uint32_t nodeid)
{
	int rc = -EAGAIN;

	for (uint32_t turn = 0; turn < 10 && rc == -EAGAIN; turn++) {
		rc = kv_ring.ops->drain(kv_at(nodeid));
		service_ring_run(&kv_ring);
	}
	ck_assert_int_eq(rc, 0);
}

static void unload(uint32_t nodeid)
{
	if (nodeid == kv_user.nodeid)
		service_user_close(&kv_user);
	drain(nodeid);
	service_ring_kill(&kv_ring, nodeid);
	for (uint32_t i = 1; i <= 3; i++) {
		if (kv_ring.nodes[i].host != NULL)
			kv_ring.nodes[i].host->without_service = nodeid;
	}
}

static void put_some(void)
{
	char key[16];

	for (uint32_t i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		ck_assert_int_eq(kv_case_put(key, "value"), KV_OK);
	}
}

/* ---- The transfer of a table ---------------------------------------------- */

START_TEST(a_takeover_goes_on_with_another_donor)
{
	put_some();
	kv_case_restart(3);
	service_ring_form(&kv_ring, "1 2 3");
	for (uint32_t turn = 0; turn < 20 && kv_at(3)->progress.cursor == 0; turn++) {
		mock_host_advance(kv_ring.nodes[1].host, 20 * MS);
		service_ring_run(&kv_ring);
	}
	ck_assert_uint_gt(kv_at(3)->progress.cursor, 0);
	ck_assert(!kv_at(3)->has_state);
	ck_assert_uint_eq(kv_at(2)->donor, 1);
	unload(1);
	ck_assert_uint_eq(kv_at(2)->donor, 2);
	kv_case_run();
	ck_assert(kv_at(3)->has_state);
	ck_assert_uint_eq(kv_at(2)->donor, 0);
	kv_case_check(3, "k299", "value");
}
END_TEST

START_TEST(a_member_that_leaves_gets_no_table)
{
	put_some();
	kv_case_restart(3);
	service_ring_form(&kv_ring, "1 2 3");
	ck_assert_uint_eq(kv_at(1)->donor, 1);
	ck_assert(kv_at(2)->is_keeping);
	unload(3);
	kv_case_run();
	for (uint32_t i = 1; i <= 2; i++) {
		ck_assert_uint_eq(kv_at(i)->donor, 0);
		ck_assert(!kv_at(i)->is_keeping);
	}
	ck_assert_int_eq(kv_case_put("key", "value"), KV_OK);
}
END_TEST

/* Nodes 2 and 3 have nothing. With the table of node 1 the last one is gone, as after a restart of node 1. */
START_TEST(the_last_table_is_waited_for)
{
	uint32_t missing[2] = {0};

	if (_i > 0 && service_is_replaced())
		return; /* thousands of replacements */
	if (_i > 0)
		for (uint32_t i = 1; i <= 3; i++)
			say(i, true);
	put_some();
	kv_case_restart(2);
	kv_case_restart(3);
	service_ring_form(&kv_ring, "1 2 3");
	for (uint32_t i = 1; i <= 3 && _i > 0; i++) {
		list_nodes(i, (const uint32_t[]){1, 1, 1});
		say(i, true);
	}
	service_ring_form(&kv_ring, "1 2 3"); /* with markers of all, if they have a provider */
	for (uint32_t i = 1; i <= 3 && _i > 0; i++)
		say(i, true);
	ck_assert(kv_at(3)->is_serving && !kv_at(3)->has_state);
	unload(1);
	for (uint32_t i = 2; i <= 3; i++) {
		ck_assert(!kv_at(i)->is_serving);
		ck_assert_uint_eq(kv_missing(kv_at(i), missing, 2), 1);
		ck_assert_uint_eq(missing[0], 1);
	}
	service_ring_start(&kv_ring, 1);
	for (uint32_t i = 1; i <= 3; i++)
		kv_ring.nodes[i].host->without_service = 0;
	service_ring_form(&kv_ring, "1 2 3");
	for (uint32_t i = 1; i <= 3 && _i > 0; i++) {
		list_nodes(i, (const uint32_t[]){1, 1, 1});
		say(i, true);
	}
	for (uint32_t i = 1; i <= 3; i++)
		ck_assert(kv_at(i)->is_serving && kv_at(i)->has_state && kv_at(i)->store.keys == 0);
}
END_TEST

/* Deliver messages to all nodes in turns until a node has the whole table, and not the ones after. */
static void take_over(uint32_t nodeid)
{
	for (uint32_t turn = 0; turn < 2000 && !kv_at(nodeid)->has_state; turn++) {
		bool has_delivered = false;

		for (uint32_t i = 1; i <= 3 && !kv_at(nodeid)->has_state; i++)
			while (!kv_at(nodeid)->has_state && service_ring_deliver_next(&kv_ring, i))
				has_delivered = true;
		for (uint32_t i = 1; i <= 3 && !has_delivered && !kv_at(nodeid)->has_state; i++)
			mock_host_advance(kv_ring.nodes[i].host, 1 * MS);
	}
	ck_assert(kv_at(nodeid)->has_state);
}

static void unload_1(void)
{
	service_ring_run(&kv_ring);
	service_ring_kill(&kv_ring, 1);
	for (uint32_t i = 2; i <= 3; i++)
		kv_ring.nodes[i].host->without_service = 1;
}

static void come_back_1(bool has_provider)
{
	service_ring_start(&kv_ring, 1);
	for (uint32_t i = 1; i <= 3; i++)
		kv_ring.nodes[i].host->without_service = 0;
	service_ring_form(&kv_ring, "1 2 3");
	for (uint32_t i = 1; i <= 3 && has_provider; i++) {
		list_nodes(i, (const uint32_t[]){1, 1, 1});
		say(i, true);
	}
	kv_case_run();
}

/*
 * Node 1 alone has the table. It leaves when nodes 2 and 3 have received all of it, and the others do not know this yet.
 * They must go on with that table, and not return to the revision of the announcements. 0: without a provider; 1: with
 * one; 2: with markers of all.
 */
START_TEST(the_table_that_was_taken_over_goes_on)
{
	struct service_user other;
	char key[16];

	if (_i > 0 && service_is_replaced())
		return; /* thousands of replacements */
	for (uint32_t i = 1; i <= 3 && _i > 0; i++)
		say(i, true);
	put_some();
	kv_case_restart(2);
	kv_case_restart(3);
	for (int form = 0; form < (_i > 1 ? 2 : 1); form++) {
		service_ring_form(&kv_ring, "1 2 3");
		for (uint32_t i = 1; i <= 3 && _i > 0; i++) {
			list_nodes(i, (const uint32_t[]){1, 1, 1});
			say(i, true);
		}
	}
	ck_assert(kv_at(2)->is_serving && !kv_at(2)->has_state);
	for (int i = 0; i < 5; i++) {
		snprintf(key, sizeof(key), "n%d", i);
		ck_assert_int_eq(kv_case_put(key, "v"), KV_OK);
	}
	take_over(2);
	service_user_close(&kv_user);
	ck_assert_int_eq(kv_ring.ops->drain(kv_at(1)), 0);
	unload_1();
	kv_case_run();
	ck_assert(kv_at(2)->is_serving && kv_at(3)->is_serving);
	set_limit(2, "2097152"); /* its notice leads to another decision */
	for (uint32_t i = 2; i <= 3; i++) {
		ck_assert(kv_at(i)->is_serving && kv_at(i)->has_state && !kv_at(i)->is_waiting);
		ck_assert_uint_eq(kv_at(i)->state.revision, 305);
	}
	other = service_user_create(&kv_ring, 2, 100);
	ck_assert_int_eq(kv_case_write(&other, KV_REQ_PUT, "k0", "new", -1), KV_OK);
	service_user_close(&other);
	come_back_1(_i > 0);
	for (uint32_t i = 1; i <= 3; i++) {
		ck_assert(kv_at(i)->is_serving && kv_at(i)->has_state);
		ck_assert_uint_eq(kv_at(i)->store.keys, 305);
	}
	kv_case_check(1, "k0", "new");
}
END_TEST

/* ---- The limit and the quorum --------------------------------------------- */

START_TEST(the_limit_of_a_member_ends_with_it)
{
	set_limit(1, "3145728");
	set_limit(2, "2097152");
	ck_assert_uint_eq(kv_at(1)->bytes_max, 1048576);
	unload(3);
	ck_assert_uint_eq(kv_at(1)->bytes_max, 2097152);
	ck_assert_uint_eq(kv_at(2)->bytes_max, 2097152);
}
END_TEST

START_TEST(the_verdict_of_a_member_ends_with_it)
{
	for (uint32_t i = 1; i <= 3; i++) {
		list_nodes(i, (const uint32_t[]){1, 1, 1});
		say(i, true);
	}
	say(3, false);
	ck_assert(!kv_at(1)->is_serving);
	drain(3);
	ck_assert(kv_at(1)->is_serving && kv_at(2)->is_serving);
	say(3, true);
	say(3, false); /* it sends nothing more */
	unload(3);
	ck_assert(kv_at(1)->is_serving && kv_at(2)->is_serving);
	ck_assert_int_eq(kv_case_put("key", "value"), KV_OK);
}
END_TEST

/* The host lists the member as one that runs the service until it is unloaded. */
START_TEST(the_votes_of_a_member_end_with_it)
{
	for (uint32_t i = 1; i <= 3; i++) {
		list_nodes(i, (const uint32_t[]){1, 1, 3});
		say(i, true);
	}
	ck_assert(kv_is_backed(kv_at(2)));
	drain(3);
	ck_assert(!kv_is_backed(kv_at(2)));
	ck_assert(!kv_at(1)->is_serving && !kv_at(2)->is_serving);
}
END_TEST

/*
 * Node 1 has a newer table than node 3, and the ring has not decided yet. The older table must not go on, though node 3
 * sees enough votes.
 */
START_TEST(the_epoch_of_a_member_stays)
{
	for (uint32_t i = 1; i <= 3; i++)
		say(i, true);
	ck_assert_int_eq(kv_case_put("key", "old"), KV_OK);
	service_ring_form(&kv_ring, "1 2 | 3");
	for (uint32_t i = 1; i <= 2; i++)
		say(i, true);
	ck_assert_int_eq(kv_case_put("key", "new"), KV_OK);
	service_ring_form(&kv_ring, "1 3 | 2");
	list_nodes(3, (const uint32_t[]){1, 1, 3});
	say(1, true);
	ck_assert(!kv_at(3)->has_formed);
	unload(1);
	say(3, true);
	ck_assert(kv_is_backed(kv_at(3)));
	ck_assert(!kv_at(3)->is_serving && kv_at(3)->is_waiting);
	ck_assert_uint_eq(kv_missing(kv_at(3), NULL, 0), 2);
	kv_ring.nodes[3].host->without_service = 0;
	service_ring_form(&kv_ring, "2 3");
	for (uint32_t i = 2; i <= 3; i++)
		say(i, true);
	kv_case_run();
	kv_case_check(3, "key", "new");
}
END_TEST

/* ---- The message ---------------------------------------------------------- */

START_TEST(a_change_of_the_ring_repeats_the_message)
{
	ck_assert_int_eq(kv_ring.ops->drain(kv_at(3)), 0);
	ck_assert_int_eq(kv_ring.ops->drain(kv_at(3)), 0);
	ck_assert_uint_eq(kv_ring.nodes[3].host->sent.count, 1);
	service_ring_form_start(&kv_ring, "1 2 3");
	ck_assert_int_eq(kv_ring.ops->drain(kv_at(3)), -EAGAIN);
	service_ring_form_steps(&kv_ring);
	service_ring_form_done(&kv_ring);
	ck_assert(!kv_member_find(kv_at(1), 3)->has_left);
	kv_ring.nodes[3].host->ring_send_rc = -EAGAIN;
	ck_assert_int_eq(kv_ring.ops->drain(kv_at(3)), -EAGAIN);
	kv_ring.nodes[3].host->ring_send_rc = 0;
	drain(3);
	for (uint32_t i = 1; i <= 3; i++)
		ck_assert(kv_member_find(kv_at(i), 3)->has_left);
}
END_TEST

/* Members that were cut off may have the message before the change of the ring. So the limit of their tables changes. */
START_TEST(in_the_last_messages_of_a_ring_the_limit_changes_alone)
{
	const struct coterie_configuration transitional = {.size = sizeof(transitional)};

	for (uint32_t i = 1; i <= 3; i++) {
		list_nodes(i, (const uint32_t[]){1, 1, 1});
		say(i, true);
	}
	set_limit(1, "3145728");
	set_limit(2, "2097152");
	say(3, false);
	ck_assert_int_eq(kv_ring.ops->drain(kv_at(3)), 0);
	for (uint32_t i = 1; i <= 3; i++)
		kv_ring.ops->configuration(kv_at(i), &transitional);
	ck_assert_int_eq(kv_ring.ops->drain(kv_at(2)), -EAGAIN);
	service_ring_run(&kv_ring);
	ck_assert_uint_eq(kv_at(1)->bytes_max, 2097152);
	ck_assert(!kv_at(1)->is_serving);
}
END_TEST

/* Form the ring again. Node 3 announces itself as an older version does. */
static void form_with_older(void)
{
	struct mock_queue *sent = &kv_ring.nodes[3].host->sent;
	struct kv_ring_announce announce;

	service_ring_form_start(&kv_ring, "1 2 3");
	ck_assert_int_eq(kv_ring.ops->sync_step(kv_at(3)), 0);
	ck_assert_uint_eq(sent->count, 1);
	memcpy(&announce.ring, sent->list[0].data, sizeof(announce) - sizeof(announce.header));
	announce.flags &= htole32(7);
	memcpy(sent->list[0].data, &announce.ring, sizeof(announce) - sizeof(announce.header));
	service_ring_form_steps(&kv_ring);
	service_ring_form_done(&kv_ring);
}

START_TEST(with_an_older_version_nothing_is_forgotten)
{
	const struct kv_ring_standing standing = {
		.ring = kv_ring_to_wire(&kv_at(1)->ring), .flags = htole32(KV_HAS_STATE | KV_IS_LEAVING)};
	struct kv_ring_standing copy = standing;
	const struct mock_message message = {.id = KV_RING_STANDING,
		.size = sizeof(standing) - sizeof(standing.header),
		.data = (uint8_t *)&copy.ring};

	form_with_older();
	copy.ring = kv_ring_to_wire(&kv_at(1)->ring);
	ck_assert_int_eq(mock_deliver(kv_ring.ops, kv_at(1), 2, false, &message), 0);
	ck_assert(!kv_member_find(kv_at(1), 2)->has_left);
	ck_assert_int_eq(kv_ring.ops->drain(kv_at(2)), 0);
	ck_assert_uint_eq(kv_ring.nodes[2].host->sent.count, 0);
	service_ring_form(&kv_ring, "1 2 3");
	drain(2);
	ck_assert(kv_member_find(kv_at(1), 2)->has_left);
}
END_TEST

/* ---- A replacement -------------------------------------------------------- */

static void check_magic(const char *magic)
{
	void *blob = NULL;
	uint32_t size = 0;

	ck_assert_int_eq(kv_ring.ops->state_save(kv_at(1), &blob, &size), 0);
	ck_assert_mem_eq(blob, magic, 8);
	free(blob);
}

START_TEST(a_new_version_knows_that_a_member_has_left)
{
	struct service_node *node = &kv_ring.nodes[1];

	set_limit(1, "3145728");
	set_limit(2, "2097152");
	drain(3);
	ck_assert_int_eq(mock_replace(node->host, kv_ring.ops, &node->self, false), 0);
	ck_assert(kv_member_find(kv_at(1), 3)->has_left);
	ck_assert_uint_eq(kv_at(1)->bytes_max, 2097152);
	drain(2);
	ck_assert(kv_member_find(kv_at(1), 2)->has_left);
	ck_assert_uint_eq(kv_at(1)->bytes_max, 3145728);
}
END_TEST

/* An older version would go on to count a member that the others forget. */
START_TEST(an_older_version_gets_the_state_where_no_member_forgets)
{
	check_magic("kvstate2");
	form_with_older();
	check_magic("kvstate1");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kv_leave");
	TCase *tcase = tcase_create("kv_leave");

	tcase_add_checked_fixture(tcase, kv_case_set_up, kv_case_tear_down);
	tcase_add_test(tcase, a_takeover_goes_on_with_another_donor);
	tcase_add_test(tcase, a_member_that_leaves_gets_no_table);
	tcase_add_loop_test(tcase, the_last_table_is_waited_for, 0, 2);
	tcase_add_loop_test(tcase, the_table_that_was_taken_over_goes_on, 0, 3);
	tcase_add_test(tcase, the_limit_of_a_member_ends_with_it);
	tcase_add_test(tcase, the_verdict_of_a_member_ends_with_it);
	tcase_add_test(tcase, the_votes_of_a_member_end_with_it);
	tcase_add_test(tcase, the_epoch_of_a_member_stays);
	tcase_add_test(tcase, a_change_of_the_ring_repeats_the_message);
	tcase_add_test(tcase, in_the_last_messages_of_a_ring_the_limit_changes_alone);
	tcase_add_test(tcase, with_an_older_version_nothing_is_forgotten);
	tcase_add_test(tcase, a_new_version_knows_that_a_member_has_left);
	tcase_add_test(tcase, an_older_version_gets_the_state_where_no_member_forgets);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
