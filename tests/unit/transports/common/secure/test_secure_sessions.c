/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions of sealed datagrams: restarts of nodes, generations of a session key, changes of the ring key, and peers. */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/suite.h"
#include "tests/unit/transports/common/secure/secure_case.h"

/* ---- Sessions --------------------------------------------------------------------- */

START_TEST(a_node_that_has_restarted_is_believed_after_one_question)
{
	node_restart(0);
	ck_assert(!secure_is_believed(nodes[0], 1, 2));
	ask(0, 1, 1); /* the question that a node sends when it starts */
	ck_assert(secure_is_believed(nodes[0], 1, 2));
	ck_assert(secure_is_believed(nodes[1], 1, 1));
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
	ck_assert_int_eq(send_one(1, 0, 100), SECURE_FRAME);
}
END_TEST

START_TEST(a_frame_of_a_new_session_asks_by_itself)
{
	node_restart(0);
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_UNKNOWN);
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
	/* the question has proved the session of its sender as well */
	ck_assert_int_eq(send_one(1, 0, 100), SECURE_FRAME);
}
END_TEST

START_TEST(a_lost_question_is_asked_again)
{
	node_restart(0);

	uint32_t size = seal(0, SECURE_UNICAST, 10, datagram);

	secure_open(nodes[1], now_ns, 1, datagram, size, &opened);
	ck_assert_uint_ne(opened.reply_size, 0); /* the question is lost */
	size = seal(0, SECURE_UNICAST, 10, datagram);
	secure_open(nodes[1], now_ns, 1, datagram, size, &opened);
	ck_assert_uint_eq(opened.reply_size, 0);
	now_ns += 5000000;
	ck_assert_int_eq(send_one(0, 1, 10), SECURE_UNKNOWN);
	ck_assert_int_eq(send_one(0, 1, 10), SECURE_FRAME);
}
END_TEST

START_TEST(no_two_starts_use_one_nonce)
{
	uint8_t first[SECURE_OVERHEAD + 10], second[SECURE_OVERHEAD + 10], clone[SECURE_OVERHEAD + 10];

	node_restart(0);
	seal(0, SECURE_UNICAST, 10, first);
	node_restart(0);
	seal(0, SECURE_UNICAST, 10, second);
	node_restart(0); /* a start of a copy of the machine is the same */
	seal(0, SECURE_UNICAST, 10, clone);
	ck_assert_mem_eq(first + 24, second + 24, 8); /* the numbers are the same */
	ck_assert_mem_ne(first + 8, second + 8, 16);  /* the sessions are not, and so the keys */
	ck_assert_mem_ne(first + 8, clone + 8, 16);
	ck_assert_mem_ne(first + SECURE_HEADER_SIZE, second + SECURE_HEADER_SIZE, 10);
	ck_assert_mem_ne(second + SECURE_HEADER_SIZE, clone + SECURE_HEADER_SIZE, 10);
}
END_TEST

static int fill_failing(void *bytes, size_t size)
{
	(void)bytes, (void)size;
	return -EIO;
}

START_TEST(without_random_bytes_there_is_no_session)
{
	nodes[0]->fill_random = fill_failing;
	ck_assert_int_eq(secure_load(nodes[0], 2, SECURE_AES256_GCM, other_key, sizeof(other_key)), -EIO);
	ck_assert_uint_eq(secure_key_id(nodes[0], 2), 0);
	ck_assert_int_eq(secure_use(nodes[0], 2), -EINVAL);
	nodes[0]->fill_random = fill_counting;
}
END_TEST

/* ---- Generations -------------------------------------------------------------------- */

START_TEST(a_generation_ends_after_its_bytes)
{
	nodes[0]->generation_bytes_max = 1000;
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
		ck_assert_uint_eq(nodes[0]->own[0].lanes[0].number >> 32, (uint64_t)i / 10);
	}
}
END_TEST

START_TEST(a_generation_ends_after_its_numbers)
{
	nodes[0]->own[0].lanes[0].number = UINT32_MAX - 3;
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
	ck_assert_uint_eq(nodes[0]->own[0].lanes[0].number >> 32, 1);
}
END_TEST

START_TEST(a_frame_of_the_generation_before_may_come_late)
{
	uint8_t late[200];

	nodes[0]->own[0].lanes[0].number = UINT32_MAX - 3;

	uint32_t size = seal(0, SECURE_UNICAST, 100, late);

	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
	ck_assert_int_eq(deliver(0, 1, late, size), SECURE_FRAME);
}
END_TEST

START_TEST(missed_generations_are_made_up_by_a_question)
{
	nodes[0]->own[0].lanes[0].number = UINT64_C(7) << 32;
	/* act as if the key's byte limit were reached, so that a new key is derived */
	nodes[0]->own[0].lanes[0].bytes = nodes[0]->generation_bytes_max;
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_UNKNOWN);
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
}
END_TEST

/* ---- Keys change ---------------------------------------------------------------------- */

START_TEST(keys_change_while_frames_flow)
{
	uint8_t early[200];
	uint32_t size;

	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_int_eq(secure_load(nodes[i], 2, SECURE_AES256_GCM, other_key, sizeof(other_key)), 0);
	ask(0, 1, 2);
	size = seal(0, SECURE_UNICAST, 100, early);
	ck_assert_int_eq(secure_use(nodes[0], 2), 0);
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME); /* sealed with the new key */
	ck_assert_int_eq(send_one(1, 0, 100), SECURE_FRAME); /* sealed with the old key */
	ck_assert_int_eq(deliver(0, 1, early, size), SECURE_FRAME);
	ck_assert_int_eq(secure_use(nodes[1], 2), 0);
	size = seal(2, SECURE_UNICAST, 100, early);
	secure_forget(nodes[1], 1);
	ck_assert_int_eq(deliver(2, 1, early, size), SECURE_FORGED); /* a datagram with a key that was dropped */
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
}
END_TEST

/* Node 1 restarts with the new key only, so its datagrams are accepted when the others use the new key. */
START_TEST(a_node_that_starts_in_a_change_waits_until_it_is_over)
{
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_int_eq(secure_load(nodes[i], 2, SECURE_AES256_GCM, other_key, sizeof(other_key)), 0);
	ask(0, 1, 2);
	node_restart(0);
	ck_assert_int_eq(secure_load(nodes[0], 1, SECURE_AES256_GCM, other_key, sizeof(other_key)), 0);
	ck_assert_int_eq(secure_use(nodes[0], 1), 0);
	for (int i = 0; i < 5; i++) {
		now_ns += 100000000;
		secure_open(nodes[1], now_ns, 1, datagram, seal(0, SECURE_UNICAST, 10, datagram), &opened);
		ck_assert_uint_eq(opened.size, 0);
		if (opened.reply_size == 0)
			continue;

		uint8_t bytes[SECURE_CONTROL_SIZE];

		memcpy(bytes, opened.reply, sizeof(bytes));
		secure_open(nodes[0], now_ns, 2, bytes, sizeof(bytes), &opened);
		if (opened.reply_size > 0) {
			memcpy(bytes, opened.reply, sizeof(bytes));
			secure_open(nodes[1], now_ns, 1, bytes, sizeof(bytes), &opened);
		}
	}
	ck_assert(secure_is_believed(nodes[1], 2, 1));
	ck_assert(!secure_is_believed(nodes[1], 1, 1)); /* that session was of the node's former run */
	ck_assert_int_eq(secure_use(nodes[1], 2), 0);
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
}
END_TEST

START_TEST(the_same_key_twice_is_refused)
{
	ck_assert_int_eq(secure_load(nodes[0], 2, SECURE_AES256_GCM, ring_key, sizeof(ring_key)), -EEXIST);
	ck_assert_int_eq(send_one(0, 1, 100), SECURE_FRAME);
}
END_TEST

START_TEST(keys_are_wiped)
{
	static const uint8_t zeros[sizeof(struct keys_root)];

	secure_forget(nodes[0], 1);
	ck_assert_mem_eq(&nodes[0]->roots[0], zeros, sizeof(zeros));
	ck_assert_uint_eq(secure_used(nodes[0]), 0);
	ck_assert_int_eq(secure_seal(nodes[0], SECURE_UNICAST, 2, datagram, 1, datagram + 100), -EINVAL);
}
END_TEST

/* ---- Peers ---------------------------------------------------------------------------------- */

START_TEST(peers_come_and_go)
{
	ck_assert_int_eq(secure_peer_add(nodes[0], 2), -EEXIST);
	secure_peer_del(nodes[0], 2);
	secure_peer_del(nodes[0], 2);
	ck_assert_int_eq(send_one(1, 0, 100), SECURE_FORGED);
	for (uint32_t nodeid = 1000; nodeid > 10; nodeid -= 3)
		ck_assert_int_eq(secure_peer_add(nodes[0], nodeid), 0);
	ck_assert_int_eq(secure_peer_add(nodes[0], 2), 0);
	ck_assert_int_eq(send_one(1, 0, 100), SECURE_UNKNOWN);
	ck_assert_int_eq(send_one(1, 0, 100), SECURE_FRAME);
	ck_assert_ptr_nonnull(secure_peer_counts(nodes[0], 1000));
	ck_assert_ptr_null(secure_peer_counts(nodes[0], 999));
}
END_TEST

START_TEST(proofs_differ_by_key_label_and_contents)
{
	uint8_t proofs[4][32];

	ck_assert_int_eq(secure_load(nodes[0], 2, SECURE_AES256_GCM, other_key, sizeof(other_key)), 0);
	ck_assert_int_eq(secure_proof(nodes[0], 1, "a", "x", 1, proofs[0]), 0);
	ck_assert_int_eq(secure_proof(nodes[0], 2, "a", "x", 1, proofs[1]), 0);
	ck_assert_int_eq(secure_proof(nodes[0], 1, "b", "x", 1, proofs[2]), 0);
	ck_assert_int_eq(secure_proof(nodes[0], 1, "a", "y", 1, proofs[3]), 0);
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < i; k++)
			ck_assert_mem_ne(proofs[i], proofs[k], 32);
	ck_assert_int_eq(secure_proof(nodes[1], 1, "a", "x", 1, proofs[1]), 0);
	ck_assert_mem_eq(proofs[0], proofs[1], 32);
	ck_assert_int_eq(secure_proof(nodes[1], 2, "a", "x", 1, proofs[1]), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("secure");
	TCase *tcase = tcase_create("sessions");

	tcase_add_checked_fixture(tcase, secure_case_set_up, secure_case_tear_down);
	tcase_add_test(tcase, a_node_that_has_restarted_is_believed_after_one_question);
	tcase_add_test(tcase, a_frame_of_a_new_session_asks_by_itself);
	tcase_add_test(tcase, a_lost_question_is_asked_again);
	tcase_add_test(tcase, no_two_starts_use_one_nonce);
	tcase_add_test(tcase, without_random_bytes_there_is_no_session);
	tcase_add_test(tcase, a_generation_ends_after_its_bytes);
	tcase_add_test(tcase, a_generation_ends_after_its_numbers);
	tcase_add_test(tcase, a_frame_of_the_generation_before_may_come_late);
	tcase_add_test(tcase, missed_generations_are_made_up_by_a_question);
	tcase_add_test(tcase, keys_change_while_frames_flow);
	tcase_add_test(tcase, a_node_that_starts_in_a_change_waits_until_it_is_over);
	tcase_add_test(tcase, the_same_key_twice_is_refused);
	tcase_add_test(tcase, keys_are_wiped);
	tcase_add_test(tcase, peers_come_and_go);
	tcase_add_test(tcase, proofs_differ_by_key_label_and_contents);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
