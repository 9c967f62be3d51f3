/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/sync/sync.c: synchronisation of services, book sync, "A round". */
#include "exec/sync/sync.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/suite.h"
#include "tests/unit/exec/sync/sync_case.h"

START_TEST(services_go_through_in_order)
{
	for (uint32_t i = 0; i < NODES; i++) {
		add_service(&nodes[i], 2);
		add_service(&nodes[i], 40);
	}
	new_ring(9);
	ck_assert(sync_is_running(nodes[0].sync));
	rotate(8);
	for (uint32_t i = 0; i < NODES; i++) {
		ck_assert_str_eq(nodes[i].journal, "start201 start4001 step2 done2 step40 done40 ");
		ck_assert_int_eq(nodes[i].synchronized, 1);
		ck_assert(!sync_is_running(nodes[i].sync));
	}
	/* 3 service lists, and 3 barriers for each of 2 services. */
	ck_assert_uint_eq(order_count, 9);
	ck_assert_uint_eq(order[0].size, 552);
	ck_assert_uint_eq(order[8].size, 32);
}
END_TEST

/* Those before votequorum exchange their state at the same time, with one message that this is done. */
START_TEST(services_before_votequorum_have_one_turn)
{
	for (uint32_t i = 0; i < NODES; i++) {
		add_service(&nodes[i], 2);
		add_service(&nodes[i], 3);
		add_service(&nodes[i], 5);
	}
	nodes[1].services[0].steps = 1;
	new_ring(9);
	rotate(8);
	for (uint32_t i = 0; i < NODES; i++) {
		ck_assert_str_eq(nodes[i].journal,
			i == 1 ? "start201 start301 start501 step2 step2 step3 done2 done3 step5 done5 "
			       : "start201 start301 start501 step2 step3 done2 done3 step5 done5 ");
		ck_assert_int_eq(nodes[i].synchronized, 1);
	}
	ck_assert_uint_eq(order_count, 9);
}
END_TEST

/* One member is of an older build, or Corosync's: it sends a barrier for each service. */
START_TEST(services_have_turns_of_their_own_beside_an_older_member)
{
	for (uint32_t i = 0; i < NODES; i++) {
		add_service(&nodes[i], 2);
		add_service(&nodes[i], 3);
	}
	new_ring(9);
	memset(order[order_count - 2].bytes + 544, 0, 4); /* the last word but one of node 2's service list */
	rotate(8);
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_str_eq(nodes[i].journal, "start201 start301 step2 done2 step3 done3 ");
	ck_assert_uint_eq(order_count, 9);
	/* The next ring is judged by its own service lists. */
	nodes[0].journal[0] = '\0';
	new_ring(13);
	rotate(8);
	ck_assert_str_eq(nodes[0].journal, "start201 start301 step2 step3 done2 done3 ");
}
END_TEST

/* The service list says that its sender announces verdicts. */
START_TEST(a_verdict_can_be_announced_when_a_round_begins)
{
	new_ring(9);
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_int_eq(nodes[i].begun, 1);
	new_ring(13);
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_int_eq(nodes[i].begun, 2);
	/* The last word of a service list: 0 if the member is of an older build. */
	memset(order[order_count - 2].bytes + 548, 0, 4);
	nodes[0].announcing = 0;
	rotate(8);
	ck_assert_uint_eq(order[order_count - 2].source, 2);
	ck_assert_uint_eq(nodes[0].announcing, 1u << 1 | 1u << 3);
}
END_TEST

START_TEST(a_missing_service_still_takes_its_barrier)
{
	add_service(&nodes[0], 2);
	add_service(&nodes[1], 2);
	add_service(&nodes[1], 40);
	new_ring(9);
	rotate(8);
	ck_assert_str_eq(nodes[0].journal, "start201 step2 done2 ");
	ck_assert_str_eq(nodes[1].journal, "start201 start4001 step2 done2 step40 done40 ");
	ck_assert_str_eq(nodes[2].journal, "");
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_int_eq(nodes[i].synchronized, 1);
	ck_assert_uint_eq(order_count, 9);
}
END_TEST

START_TEST(members_of_a_service_are_known_when_all_lists_are_there)
{
	uint32_t nodeids[NODES];

	add_service(&nodes[0], 2);
	add_service(&nodes[2], 2);
	new_ring(9);
	for (; order_delivered < order_count; order_delivered++) {
		const struct message *list = &order[order_delivered];

		ck_assert_int_eq(
			sync_service_members(nodes[0].sync, &nodes[0].services[0].plugin, nodeids, NODES), -EAGAIN);
		sync_deliver(nodes[0].sync, list->source, list->bytes, list->size, false);
	}
	ck_assert_int_eq(sync_service_members(nodes[0].sync, &nodes[0].services[0].plugin, nodeids, NODES), 2);
	ck_assert_uint_eq(nodeids[0], 1);
	ck_assert_uint_eq(nodeids[1], 3);
}
END_TEST

START_TEST(no_service_at_all_synchronises)
{
	new_ring(9);
	rotate(2);
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_int_eq(nodes[i].synchronized, 1);
	ck_assert_uint_eq(order_count, 3);
}
END_TEST

START_TEST(a_step_is_repeated_until_done)
{
	for (uint32_t i = 0; i < NODES; i++)
		add_service(&nodes[i], 2);
	nodes[1].services[0].steps = 2;
	new_ring(9);
	rotate(8);
	ck_assert_str_eq(nodes[1].journal, "start201 step2 step2 step2 done2 ");
	ck_assert_str_eq(nodes[0].journal, "start201 step2 done2 ");
}
END_TEST

START_TEST(a_full_queue_only_delays)
{
	for (uint32_t i = 0; i < NODES; i++)
		add_service(&nodes[i], 2);
	nodes[2].full = 2;
	new_ring(9);
	rotate(1);
	nodes[0].full = 1;
	rotate(8);
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_int_eq(nodes[i].synchronized, 1);
}
END_TEST

START_TEST(another_configuration_aborts_the_current_service)
{
	for (uint32_t i = 0; i < NODES; i++)
		add_service(&nodes[i], 2);
	new_ring(9);
	deliver_all();
	sync_passed(nodes[0].sync); /* node 1 waits at the barrier, the others have not called sync_step */
	new_ring(13);
	ck_assert_str_eq(nodes[0].journal, "start201 step2 abort2 start201 ");
	ck_assert_str_eq(nodes[1].journal, "start201 abort2 start201 ");
	rotate(8); /* late messages of ring 9 are delivered, too */
	ck_assert_str_eq(nodes[0].journal, "start201 step2 abort2 start201 step2 done2 ");
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_int_eq(nodes[i].synchronized, 1);
}
END_TEST

START_TEST(a_barrier_that_found_no_room_is_not_sent_in_the_next_ring)
{
	for (uint32_t i = 0; i < NODES; i++)
		add_service(&nodes[i], 2);
	new_ring(9);
	deliver_all();
	nodes[0].full = 1;
	sync_passed(nodes[0].sync);
	ck_assert_str_eq(nodes[0].journal, "start201 step2 ");
	new_ring(13);
	uint32_t before = order_count;
	sync_passed(nodes[0].sync);
	ck_assert_uint_eq(order_count, before);
}
END_TEST

/* All services of a turn learn that it ends, also those that have sent nothing here. Those behind it do not. */
START_TEST(another_configuration_aborts_all_services_of_the_turn)
{
	for (uint32_t i = 0; i < NODES; i++) {
		add_service(&nodes[i], 2);
		add_service(&nodes[i], 3);
		add_service(&nodes[i], 40);
	}
	nodes[0].services[0].steps = 1000;
	new_ring(9);
	deliver_all();
	sync_passed(nodes[0].sync);
	new_ring(13);
	ck_assert_str_eq(
		nodes[0].journal, "start201 start301 start4001 step2 abort2 abort3 start201 start301 start4001 ");
	nodes[0].services[0].steps = 0;
	nodes[0].services[2].steps = 1000;
	rotate(8);
	nodes[0].journal[0] = '\0';
	new_ring(17);
	ck_assert_str_eq(nodes[0].journal, "abort40 start201 start301 start4001 ");
}
END_TEST

static const uint32_t nobody_left[] = {1, 2, 3};
static const uint32_t pair[] = {1, 2};
static const uint32_t alone[] = {3};

static void change(struct node *node, uint64_t seq, const uint32_t *from, uint32_t from_count, const uint32_t *to,
	uint32_t to_count)
{
	configure(node, seq, false, from, from_count);
	configure(node, seq, true, to, to_count);
}

/* In the journal "start202" is sync_start() of service 2 with two members that stayed together. */
START_TEST(a_departure_is_told_however_many_rounds_are_aborted)
{
	for (uint32_t i = 0; i < NODES; i++)
		add_service(&nodes[i], 2);
	new_ring(9);
	rotate(8);
	for (uint32_t i = 0; i < NODES; i++)
		nodes[i].journal[0] = '\0';
	for (uint32_t i = 0; i < 2; i++)
		change(&nodes[i], 13, pair, 2, pair, 2);
	change(&nodes[2], 14, alone, 1, alone, 1);
	/* Node 3 synchronises alone. The rounds of the other two nodes are aborted before they end. */
	rotate(8);
	ck_assert_str_eq(nodes[2].journal, "start201 step2 done2 ");
	for (uint32_t seq = 20; seq < 30; seq++) {
		for (uint32_t i = 0; i < 2; i++)
			change(&nodes[i], seq, seq == 20 ? pair : nobody_left, seq == 20 ? 2 : 3, nobody_left, 3);
		change(&nodes[2], seq, seq == 20 ? alone : nobody_left, seq == 20 ? 1 : 3, nobody_left, 3);
	}
	rotate(8);
	ck_assert_ptr_nonnull(strstr(nodes[0].journal, "start202 step2 done2 "));
	ck_assert_ptr_nonnull(strstr(nodes[1].journal, "start202 step2 done2 "));
	ck_assert_ptr_null(strstr(nodes[0].journal, "start203"));
	ck_assert_ptr_nonnull(strstr(nodes[2].journal + strlen("start201 step2 done2 "), "start201 step2 done2 "));
	/*
	 * The departure was reported, so it is not reported again. In the next ring of the same members all stay
	 * together.
	 */
	for (uint32_t i = 0; i < NODES; i++)
		change(&nodes[i], 33, nobody_left, 3, nobody_left, 3);
	ck_assert_ptr_nonnull(strstr(nodes[0].journal, "done2 start203 "));
	rotate(8);
}
END_TEST

/* A service that has completed a round does not report its changes again, even if the round was aborted later. */
START_TEST(a_service_that_was_through_looks_back_no_further)
{
	for (uint32_t i = 0; i < NODES; i++) {
		add_service(&nodes[i], 2);
		add_service(&nodes[i], 40);
	}
	new_ring(9);
	nodes[0].services[1].steps = 1000;
	rotate(8);
	ck_assert_str_eq(nodes[1].journal, "start201 start4001 step2 done2 step40 ");
	for (uint32_t i = 0; i < NODES; i++)
		change(&nodes[i], 13, nobody_left, 3, nobody_left, 3);
	ck_assert_ptr_nonnull(strstr(nodes[1].journal, "abort40 start203 start4001 "));
	nodes[0].services[1].steps = 0;
	rotate(8);
}
END_TEST

START_TEST(malformed_messages_change_nothing)
{
	uint8_t bytes[600] = {0};
	uint32_t build = 1, size = 552, rep = 1;
	uint64_t seq = 9;

	add_service(&nodes[0], 2);
	add_service(&nodes[1], 2);
	add_service(&nodes[2], 2);
	new_ring(9);
	memcpy(bytes, &build, 4);
	memcpy(bytes + 8, &size, 4);
	memcpy(bytes + 16, &rep, 4);
	memcpy(bytes + 20, &seq, 8);
	static const struct {
		const char *name;
		uint32_t count, id, size, source;
	} cases[] = {
		{"count beyond the list", 129, 2, 552, 2},
		{"negative count", 0xffffffff, 2, 552, 2},
		{"service id 64", 1, 64, 552, 2},
		{"negative service id", 1, 0xffffffff, 552, 2},
		{"one byte short", 1, 2, 551, 2},
		{"shorter than a barrier", 1, 2, 31, 2},
		{"empty", 1, 2, 0, 2},
		{"not a member", 1, 2, 552, 9},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(bytes + 32, &cases[i].count, 4);
		memcpy(bytes + 40, &cases[i].id, 4);
		for (uint32_t source = 1; source <= 3; source++)
			sync_deliver(nodes[0].sync, cases[i].source == 9 ? 9 : source, bytes, cases[i].size, false);
		sync_passed(nodes[0].sync);
		ck_assert_msg(strcmp(nodes[0].journal, "start201 ") == 0, "%s", cases[i].name);
	}
	rotate(8);
	ck_assert_int_eq(nodes[0].synchronized, 1);
}
END_TEST

START_TEST(the_other_byte_order_is_understood)
{
	uint8_t bytes[552] = {0};
	uint32_t words[] = {__builtin_bswap32(1), 0, __builtin_bswap32(552), 0, __builtin_bswap32(1)};
	uint64_t seq = __builtin_bswap64(9);
	uint32_t count = __builtin_bswap32(1), id = __builtin_bswap32(2);

	add_service(&nodes[0], 2);
	new_ring(9);
	order_count = 0; /* drop all messages so far */
	memcpy(bytes, words, sizeof(words));
	memcpy(bytes + 20, &seq, 8);
	memcpy(bytes + 32, &count, 4);
	memcpy(bytes + 40, &id, 4);
	for (uint32_t source = 1; source <= 3; source++)
		sync_deliver(nodes[0].sync, source, bytes, sizeof(bytes), true);
	sync_passed(nodes[0].sync);
	ck_assert_str_eq(nodes[0].journal, "start201 step2 ");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sync");
	TCase *tcase = tcase_create("sync");

	tcase_add_checked_fixture(tcase, sync_set_up, sync_tear_down);
	tcase_add_test(tcase, services_before_votequorum_have_one_turn);
	tcase_add_test(tcase, services_have_turns_of_their_own_beside_an_older_member);
	tcase_add_test(tcase, another_configuration_aborts_all_services_of_the_turn);
	tcase_add_test(tcase, a_verdict_can_be_announced_when_a_round_begins);
	tcase_add_test(tcase, services_go_through_in_order);
	tcase_add_test(tcase, a_missing_service_still_takes_its_barrier);
	tcase_add_test(tcase, members_of_a_service_are_known_when_all_lists_are_there);
	tcase_add_test(tcase, no_service_at_all_synchronises);
	tcase_add_test(tcase, a_step_is_repeated_until_done);
	tcase_add_test(tcase, a_full_queue_only_delays);
	tcase_add_test(tcase, another_configuration_aborts_the_current_service);
	tcase_add_test(tcase, a_barrier_that_found_no_room_is_not_sent_in_the_next_ring);
	tcase_add_test(tcase, a_departure_is_told_however_many_rounds_are_aborted);
	tcase_add_test(tcase, a_service_that_was_through_looks_back_no_further);
	tcase_add_test(tcase, malformed_messages_change_nothing);
	tcase_add_test(tcase, the_other_byte_order_is_understood);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
