/* SPDX-License-Identifier: BSD-3-Clause */
/* The service kv on mock hosts: which verdict about quorum and which announcement counts in a ring. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/suite.h"
#include "tests/unit/kv_case.h"

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
	service_ring_form_steps(&kv_ring);
	service_ring_form_done(&kv_ring);
	kv_case_check(2, "key", "value");
}
END_TEST

/* Node 3 receives a table and leaves. While it is away, the others free their records of deleted keys. */
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

int main(void)
{
	Suite *suite = suite_create("kv_verdicts");
	TCase *tcase = tcase_create("kv_verdicts");

	tcase_add_checked_fixture(tcase, kv_case_set_up, kv_case_tear_down);
	tcase_add_test(tcase, a_verdict_on_the_ring_before_is_none);
	tcase_add_test(tcase, all_members_have_to_be_quorate);
	tcase_add_test(tcase, an_announcement_of_another_ring_is_none);
	tcase_add_test(tcase, a_transfer_begins_again_where_deletions_were_not_kept);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
