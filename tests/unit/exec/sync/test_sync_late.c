/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of exec/sync/sync.c that arrive late, twice or in another order. */
#include <check.h>
#include <string.h>

#include "exec/sync/sync.h"
#include "tests/suite.h"
#include "tests/unit/exec/sync/sync_case.h"

/* Deliver the messages from number `from` to `to` to node 1 again. */
static void deliver_again(uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		const struct message *message = &order[i];

		if (message->is_sync)
			sync_deliver(nodes[0].sync, message->source, message->bytes, message->size, false);
		else
			sync_deliver_service(nodes[0].sync, message->source, message->bytes, message->size, false);
	}
}

static void add_service_everywhere(uint32_t ring_id)
{
	for (uint32_t i = 0; i < NODES; i++)
		add_service(&nodes[i], ring_id);
}

/* --- a ring --- */

START_TEST(service_lists_of_an_older_ring_do_not_count)
{
	add_service_everywhere(2);
	new_ring(9); /* the service lists are under way */
	uint32_t lists = order_count;
	order_delivered = order_count;
	new_ring(13);
	order_delivered = order_count;
	deliver_again(0, lists);
	sync_passed(nodes[0].sync);
	ck_assert_str_eq(nodes[0].journal, "start201 start201 ");
	deliver_again(lists, order_count);
	sync_passed(nodes[0].sync);
	ck_assert_str_eq(nodes[0].journal, "start201 start201 step2 ");
}
END_TEST

START_TEST(barriers_of_an_older_ring_do_not_count)
{
	add_service_everywhere(2);
	new_ring(9);
	rotate(8);
	ck_assert_uint_eq(order_count, 6); /* three service lists, three barriers */
	nodes[0].journal[0] = '\0';
	new_ring(13);
	deliver_all();
	sync_passed(nodes[0].sync);
	deliver_again(3, 6);
	ck_assert_str_eq(nodes[0].journal, "start201 step2 ");
	ck_assert(sync_is_running(nodes[0].sync));
}
END_TEST

/* Services synchronise by ascending id, as in Corosync, no matter in which order the plugins were loaded. */
START_TEST(services_are_walked_in_ascending_order)
{
	add_service_everywhere(45);
	add_service_everywhere(42);
	add_service(&nodes[1], 43);
	new_ring(9);
	rotate(12);
	ck_assert_str_eq(nodes[0].journal, "start4501 start4201 step42 done42 step45 done45 ");
	ck_assert_str_eq(nodes[1].journal, "start4501 start4201 start4301 step42 done42 step43 done43 step45 done45 ");
}
END_TEST

/* --- a service alone --- */

/* Let node 3 load service 2. The messages of its round are delivered, but no token has passed since. */
static void begin_round(void)
{
	add_service(&nodes[0], 2);
	add_service(&nodes[1], 2);
	new_ring(9);
	rotate(8);
	for (uint32_t i = 0; i < NODES; i++)
		nodes[i].journal[0] = '\0';
	add_service(&nodes[2], 2);
	nodes[2].services[0].plugin.is_deaf = true;
	ck_assert_int_eq(sync_join(nodes[2].sync, &nodes[2].services[0].plugin), 0);
}

START_TEST(a_repeated_ready_is_no_done)
{
	uint32_t from;

	begin_round();
	from = order_count;
	deliver_all();
	ck_assert_str_eq(nodes[0].journal, "start202 ");
	deliver_again(from, order_count);
	ck_assert_str_eq(nodes[0].journal, "start202 ");
	ck_assert(nodes[0].services[0].plugin.is_held);
}
END_TEST

/* A DONE of node 2 arrives before the READY of node 3. That is impossible, so it is forged. */
START_TEST(a_done_before_the_start_is_no_ready)
{
	struct message done;

	begin_round();
	uint32_t from = order_count;
	rotate(4); /* run a whole round to record its messages */
	done = order[order_count - 1];
	nodes[0].journal[0] = '\0';
	ck_assert_int_eq(sync_part(nodes[2].sync, &nodes[2].services[0].plugin), 0);
	deliver_all();
	nodes[2].services[0].plugin.is_deaf = true;
	ck_assert_int_eq(sync_join(nodes[2].sync, &nodes[2].services[0].plugin), 0);
	from = order_count - 1;
	deliver_again(from, from + 1); /* deliver the JOIN again: node 1 waits for three READY */
	for (uint32_t source = 1; source <= 3; source++)
		sync_deliver_service(nodes[0].sync, source, done.bytes, done.size, false);
	ck_assert_str_eq(nodes[0].journal, "");
}
END_TEST

START_TEST(a_round_of_an_older_ring_does_not_begin)
{
	uint32_t join;

	begin_round();
	join = order_count - 1;
	new_ring(13);
	rotate(8);
	nodes[0].journal[0] = '\0';
	deliver_again(join, join + 1);
	ck_assert(!nodes[0].services[0].plugin.is_held);
	ck_assert_uint_eq(order_delivered, order_count); /* no READY was sent */
}
END_TEST

/* The round goes on without the member that has unloaded the service, and later rounds do not wait for that member. */
START_TEST(a_member_that_parts_takes_part_in_no_later_round)
{
	begin_round();
	rotate(4);
	ck_assert_int_eq(sync_part(nodes[1].sync, &nodes[1].services[0].plugin), 0);
	nodes[1].service_count = 0;
	rotate(1);
	nodes[0].journal[0] = '\0';
	ck_assert_int_eq(sync_part(nodes[2].sync, &nodes[2].services[0].plugin), 0);
	rotate(1);
	nodes[2].services[0].plugin.is_deaf = true;

	uint32_t from = order_count;

	ck_assert_int_eq(sync_join(nodes[2].sync, &nodes[2].services[0].plugin), 0);
	rotate(4);
	ck_assert_str_eq(nodes[0].journal, "start202 step2 done2 ");
	ck_assert(!nodes[0].services[0].plugin.is_held);
	ck_assert_uint_eq(order_count - from, 5); /* a JOIN, and a READY and a DONE of two nodes */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sync_late");
	TCase *tcase = tcase_create("late");

	tcase_add_checked_fixture(tcase, sync_set_up, sync_tear_down);
	tcase_add_test(tcase, service_lists_of_an_older_ring_do_not_count);
	tcase_add_test(tcase, barriers_of_an_older_ring_do_not_count);
	tcase_add_test(tcase, services_are_walked_in_ascending_order);
	tcase_add_test(tcase, a_repeated_ready_is_no_done);
	tcase_add_test(tcase, a_done_before_the_start_is_no_ready);
	tcase_add_test(tcase, a_round_of_an_older_ring_does_not_begin);
	tcase_add_test(tcase, a_member_that_parts_takes_part_in_no_later_round);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
