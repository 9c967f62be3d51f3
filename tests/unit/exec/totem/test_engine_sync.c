/* SPDX-License-Identifier: BSD-3-Clause */
/* The two queues of messages while services synchronise: book sync, "Queues". */
#include <check.h>
#include <string.h>

#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_net.h"

START_TEST(messages_of_the_synchronisation_go_first)
{
	start_ring(3);
	for (uint32_t id = 1; id <= 3; id++)
		node_of(id)->syncs_by_hand = true;
	run_for(1000);
	totem_engine_leave(node_of(3)->engine, net->now_ns);
	net->nodes[2].is_up = false;
	while (totem_engine_state(node_of(1)->engine) == TOTEM_OPERATIONAL)
		ck_assert(net_step(net, UINT64_MAX));
	ck_assert_int_eq(send_text(1, TOTEM_AGREED, "earlier"), 0);
	run_until_ring(2, 100);
	ck_assert_int_eq(send_text(1, TOTEM_AGREED, "barrier"), 0);
	run_for(100);
	ck_assert_ptr_nonnull(strstr(node_of(2)->log, "1:barrier"));
	ck_assert_ptr_null(strstr(node_of(2)->log, "1:earlier"));
	for (uint32_t id = 1; id <= 2; id++)
		totem_engine_synchronized(node_of(id)->engine, net->now_ns);
	run_for(100);
	ck_assert_ptr_nonnull(strstr(node_of(2)->log, "1:barrier\n1:earlier\n"));
	net->nodes[2].is_up = true; /* the tear-down must free it */
}
END_TEST

/* Send a message from a service on node 1 when a transitional configuration is delivered. */
static void answer(struct node *node, bool is_regular)
{
	if (node->id == 1 && !is_regular)
		ck_assert_int_eq(send_text(1, TOTEM_AGREED, "answer"), 0);
}

/* The message is sent before the synchronisation begins, so it must not overtake earlier messages. */
START_TEST(a_message_sent_in_the_transitional_configuration_keeps_its_place)
{
	start_ring(3);
	for (uint32_t id = 1; id <= 3; id++)
		node_of(id)->syncs_by_hand = true;
	run_for(1000);
	net->configured = answer;
	totem_engine_leave(node_of(3)->engine, net->now_ns);
	net->nodes[2].is_up = false;
	while (totem_engine_state(node_of(1)->engine) == TOTEM_OPERATIONAL)
		ck_assert(net_step(net, UINT64_MAX));
	ck_assert_int_eq(send_text(1, TOTEM_AGREED, "earlier"), 0);
	run_until_ring(2, 100);
	run_for(100);
	ck_assert_ptr_null(strstr(node_of(2)->log, "1:answer"));
	for (uint32_t id = 1; id <= 2; id++)
		totem_engine_synchronized(node_of(id)->engine, net->now_ns);
	run_for(100);
	ck_assert_ptr_nonnull(strstr(node_of(2)->log, "1:earlier\n1:answer\n"));
	net->nodes[2].is_up = true; /* the tear-down must free it */
}
END_TEST

/* A service sends a message of the ordinary queue during the synchronisation. */
START_TEST(a_message_in_order_waits_for_those_before_it)
{
	char text[] = "later";
	struct iovec iov = {text, 5};

	start_ring(3);
	for (uint32_t id = 1; id <= 3; id++)
		node_of(id)->syncs_by_hand = true;
	run_for(1000);
	totem_engine_leave(node_of(3)->engine, net->now_ns);
	net->nodes[2].is_up = false;
	while (totem_engine_state(node_of(1)->engine) == TOTEM_OPERATIONAL)
		ck_assert(net_step(net, UINT64_MAX));
	ck_assert_int_eq(send_text(1, TOTEM_AGREED, "earlier"), 0);
	run_until_ring(2, 100);
	ck_assert_int_eq(totem_engine_send_in_order(node_of(1)->engine, net->now_ns, TOTEM_AGREED, &iov, 1), 0);
	ck_assert_int_eq(send_text(1, TOTEM_AGREED, "barrier"), 0);
	run_for(100);
	ck_assert_ptr_nonnull(strstr(node_of(2)->log, "1:barrier"));
	ck_assert_ptr_null(strstr(node_of(2)->log, "1:later"));
	for (uint32_t id = 1; id <= 2; id++)
		totem_engine_synchronized(node_of(id)->engine, net->now_ns);
	run_for(100);
	ck_assert_ptr_nonnull(strstr(node_of(2)->log, "1:barrier\n1:earlier\n1:later\n"));
	net->nodes[2].is_up = true; /* the tear-down must free it */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("sync");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_add_test(tcase, messages_of_the_synchronisation_go_first);
	tcase_add_test(tcase, a_message_sent_in_the_transitional_configuration_keeps_its_place);
	tcase_add_test(tcase, a_message_in_order_waits_for_those_before_it);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}
