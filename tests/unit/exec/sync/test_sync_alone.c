/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/sync/sync.c: the synchronisation of a single service. */
#include "exec/sync/sync.h"

#include <check.h>
#include <malloc.h>
#include <string.h>

#include "tests/suite.h"
#include "tests/unit/fail_alloc.h"
#include "tests/unit/exec/sync/sync_case.h"

/*
 * Make a ring that has synchronised, in which node 3 will load service 2. have_others: the other nodes have the service
 * already.
 */
static void ring_before_load(bool have_others)
{
	for (uint32_t i = 0; have_others && i < 2; i++)
		add_service(&nodes[i], 2);
	new_ring(9);
	rotate(8);
	for (uint32_t i = 0; i < NODES; i++)
		nodes[i].journal[0] = '\0';
}

static struct plugin *load_service(struct node *node, uint32_t ring_id)
{
	add_service(node, ring_id);
	struct plugin *plugin = &node->services[node->service_count - 1].plugin;

	plugin->is_deaf = true;
	ck_assert_int_eq(sync_join(node->sync, plugin), 0);
	return plugin;
}

static void part(struct node *node, uint32_t ring_id)
{
	struct plugin *plugin = plugin_by_ring_id(node->plugins, ring_id);

	ck_assert_int_eq(sync_part(node->sync, plugin), 0);
	node->service_count--; /* it was the last one */
	if (node->service_count > 0)
		node->services[node->service_count - 1].plugin.next = NULL;
}

START_TEST(a_loaded_service_synchronises_alone)
{
	ring_before_load(true);
	struct plugin *plugin = load_service(&nodes[2], 2);
	ck_assert(plugin->is_deaf);
	deliver_all();
	ck_assert(plugin->is_held); /* clients of the service wait on all nodes */
	ck_assert(nodes[0].services[0].plugin.is_held);
	ck_assert(!sync_is_running(nodes[0].sync)); /* clients of other services do not wait */
	ck_assert(!plugin->is_deaf);                /* all nodes were ready */
	nodes[0].services[0].steps = 1;
	rotate(4);
	/*
	 * For the service that was loaded no member stayed together with node 3. On the other nodes node 3 is a new
	 * member.
	 */
	ck_assert_str_eq(nodes[2].journal, "start200 step2 done2 ");
	ck_assert_str_eq(nodes[1].journal, "start202 step2 done2 ");
	ck_assert_str_eq(nodes[0].journal, "start202 step2 step2 done2 ");
	for (uint32_t i = 0; i < NODES; i++) {
		ck_assert(!nodes[i].services[0].plugin.is_held);
		ck_assert_int_eq(nodes[i].synchronized, 1);
		ck_assert_int_eq(nodes[i].gathers, 0);
	}
}
END_TEST

/* A message that a client sent before the round must be in the order before any node starts. */
START_TEST(nobody_starts_before_all_are_ready)
{
	ring_before_load(true);
	nodes[1].full = 1;
	struct plugin *plugin = load_service(&nodes[2], 2);
	deliver_all();
	ck_assert(plugin->is_deaf);
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_str_eq(nodes[i].journal, "");
	sync_passed(nodes[1].sync);
	deliver_all();
	ck_assert(!plugin->is_deaf);
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert(strncmp(nodes[i].journal, "start", 5) == 0);
	rotate(2);
	ck_assert(!plugin->is_held);
}
END_TEST

START_TEST(where_nobody_else_has_it_it_is_alone)
{
	ring_before_load(false);
	struct plugin *plugin = load_service(&nodes[2], 2);
	rotate(2);
	ck_assert_str_eq(nodes[2].journal, "start200 step2 done2 ");
	ck_assert(!plugin->is_deaf && !plugin->is_held);
	ck_assert_str_eq(nodes[0].journal, "");
}
END_TEST

START_TEST(without_state_it_is_there_at_once)
{
	ring_before_load(true);
	add_service(&nodes[2], 40);
	struct plugin *plugin = &nodes[2].services[0].plugin;
	uint32_t before = order_count;
	plugin->service.sync_step = NULL;
	plugin->is_deaf = true;
	ck_assert_int_eq(sync_join(nodes[2].sync, plugin), 0);
	ck_assert(!plugin->is_deaf);
	ck_assert_int_eq(nodes[2].holds, 1); /* requests that were refused before have room now */
	ck_assert_uint_eq(order_count, before);
}
END_TEST

START_TEST(two_loads_are_two_rounds)
{
	add_service(&nodes[0], 2);
	new_ring(9);
	rotate(8);
	nodes[0].journal[0] = '\0';
	load_service(&nodes[1], 2);
	load_service(&nodes[2], 2);
	deliver_all();
	ck_assert(nodes[2].services[0].plugin.is_deaf); /* this service's round comes second */
	rotate(6);
	ck_assert_str_eq(nodes[0].journal, "start202 step2 done2 start202 step2 done2 ");
	ck_assert_str_eq(nodes[1].journal, "start200 step2 done2 start202 step2 done2 ");
	ck_assert_str_eq(nodes[2].journal, "start200 step2 done2 ");
}
END_TEST

START_TEST(who_unloads_it_is_waited_for_no_more)
{
	ring_before_load(true);
	nodes[1].services[0].steps = 1000;
	load_service(&nodes[2], 2);
	rotate(3);
	ck_assert(nodes[2].services[0].plugin.is_held);
	part(&nodes[1], 2);
	rotate(3);
	ck_assert_str_eq(nodes[2].journal, "start200 step2 done2 ");
	ck_assert_str_eq(nodes[0].journal, "start202 step2 done2 ");
	/* Node 2 no longer has the service: in the next round no node waits for it. */
	nodes[2].journal[0] = nodes[0].journal[0] = '\0';
	part(&nodes[2], 2);
	load_service(&nodes[2], 2);
	rotate(4);
	ck_assert_str_eq(nodes[2].journal, "start200 step2 done2 ");
	ck_assert_str_eq(nodes[0].journal, "start202 step2 done2 ");
}
END_TEST

START_TEST(who_loads_and_unloads_it_ends_the_round)
{
	ring_before_load(true);
	nodes[1].services[0].steps = 1000;
	load_service(&nodes[2], 2);
	rotate(2);
	part(&nodes[2], 2);
	rotate(2);
	ck_assert(strstr(nodes[0].journal, "abort2 ") != NULL);
	ck_assert(strstr(nodes[1].journal, "abort2 ") != NULL);
	ck_assert(!nodes[0].services[0].plugin.is_held && !nodes[1].services[0].plugin.is_held);
	nodes[1].services[0].steps = 0;
	load_service(&nodes[2], 2);
	rotate(4);
	ck_assert(strstr(nodes[0].journal, "abort2 start202 step2 done2 ") != NULL);
}
END_TEST

/* A service that does not know that its round has ended gets a sync_start in the next ring. */
START_TEST(without_an_abort_the_end_of_a_round_needs_a_new_ring)
{
	ring_before_load(true);
	nodes[0].services[0].plugin.service.sync_abort = NULL;
	nodes[1].services[0].steps = 1000;
	load_service(&nodes[2], 2);
	nodes[2].services[0].plugin.service.sync_abort = NULL;
	rotate(2);
	part(&nodes[2], 2);
	rotate(2);
	ck_assert_int_eq(nodes[0].gathers, 1);
	ck_assert_int_eq(nodes[1].gathers, 0);
	ck_assert_int_eq(nodes[2].gathers, 0);
	/* A round that has not begun is not missed: node 2 cannot send its READY. */
	nodes[1].full = 1000;
	load_service(&nodes[2], 2);
	rotate(2);
	part(&nodes[2], 2);
	rotate(2);
	ck_assert_int_eq(nodes[0].gathers, 1);
}
END_TEST

START_TEST(another_configuration_does_the_work_of_a_round)
{
	ring_before_load(true);
	nodes[1].services[0].steps = 2;
	load_service(&nodes[2], 2);
	rotate(1);
	for (uint32_t i = 0; i < NODES; i++)
		nodes[i].journal[0] = '\0';
	nodes[1].services[0].steps = 0;
	/* The service is no longer deaf from the regular configuration on: route.c. */
	new_ring(13);
	rotate(8);
	for (uint32_t i = 0; i < NODES; i++) {
		ck_assert_str_eq(nodes[i].journal, "abort2 start201 step2 done2 ");
		ck_assert(!nodes[i].services[0].plugin.is_held);
		ck_assert_int_eq(nodes[i].synchronized, 2);
	}
}
END_TEST

START_TEST(a_join_of_an_older_ring_is_not_looked_at)
{
	ring_before_load(true);
	load_service(&nodes[2], 2);
	new_ring(13);
	rotate(8);
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_str_eq(nodes[i].journal, "start201 step2 done2 ");
}
END_TEST

/* Node 1 is of an older build: its service list has zeros instead of the announcement. */
START_TEST(a_member_that_cannot_be_asked_needs_a_new_ring)
{
	add_service(&nodes[0], 2);
	add_service(&nodes[1], 40);
	new_ring(9);
	for (uint32_t i = order_delivered; i < order_count; i++)
		if (order[i].source == 1)
			memset(order[i].bytes + 36, 0, 4);
	rotate(8);
	uint32_t before = order_count;
	struct plugin *plugin = load_service(&nodes[2], 2);
	ck_assert_int_eq(nodes[2].gathers, 1);
	ck_assert_uint_eq(order_count, before);
	ck_assert(plugin->is_deaf);
	/* Node 1 does not have this service, so no node waits for node 1. */
	plugin = load_service(&nodes[2], 40);
	rotate(4);
	ck_assert_int_eq(nodes[2].gathers, 1);
	ck_assert(!plugin->is_deaf && !plugin->is_held);
}
END_TEST

/*
 * Deliver a JOIN in the name of node `source`, which has not loaded the service and so never reports that it is ready.
 */
static void forge_join(uint32_t source, uint32_t service)
{
	uint32_t words[10] = {63u << 16, 0, 40, 0, service, 0, 1, 0, 9, 0};

	for (uint32_t i = 0; i < NODES - 1; i++)
		sync_deliver_service(nodes[i].sync, source, (const uint8_t *)words, sizeof(words), false);
}

/* Members send a JOIN only when the round of all services is complete, so this JOIN is forged. */
START_TEST(a_join_in_a_round_of_all_waits_for_its_end)
{
	for (uint32_t i = 0; i < NODES; i++)
		add_service(&nodes[i], 2);
	new_ring(9);
	deliver_all();
	forge_join(3, 2);
	ck_assert(!nodes[0].services[0].plugin.is_held);
	rotate(8);
	ck_assert_str_eq(nodes[0].journal, "start201 step2 done2 ");
	ck_assert_int_eq(nodes[0].synchronized, 1);
	ck_assert(nodes[0].services[0].plugin.is_held);
	ck_assert_uint_eq(nodes[0].deadline_ns, UINT64_C(10000000000));
}
END_TEST

/*
 * Node 1 lacks memory when the JOIN arrives. It must not start before all members are READY, and no member may go on
 * without it.
 */
START_TEST(out_of_memory_skips_no_phase)
{
	bool has_failed = true;

	for (unsigned int n = 1; has_failed; n++) {
		sync_tear_down();
		sync_set_up();
		ring_before_load(true);
		load_service(&nodes[2], 2);
		const struct message *join = &order[order_delivered++];
		fail_alloc_at(n);
		sync_deliver_service(nodes[0].sync, join->source, join->bytes, join->size, false);
		has_failed = fail_alloc_happened();
		ck_assert_str_eq(nodes[0].journal, "");
		for (uint32_t i = 1; i < NODES; i++)
			sync_deliver_service(nodes[i].sync, join->source, join->bytes, join->size, false);
		rotate(4);
		ck_assert_msg(nodes[0].gathers == has_failed, "allocation %u", n);
		for (uint32_t i = 1; i < NODES; i++)
			ck_assert_msg((strstr(nodes[i].journal, "start") == NULL) == has_failed, "allocation %u", n);
		ck_assert_msg(n > 2 || has_failed, "allocation %u", n);
	}
}
END_TEST

START_TEST(a_join_without_ready_holds_the_clients_for_ten_seconds)
{
	ring_before_load(true);
	forge_join(3, 2);
	rotate(4);
	ck_assert(nodes[0].services[0].plugin.is_held);
	ck_assert_uint_eq(nodes[0].deadline_ns, UINT64_C(10000000000));
	last_line[0] = '\0';
	ck_assert(deadline_passes(&nodes[0]));
	ck_assert_int_eq(nodes[0].gathers, 1);
	ck_assert_str_eq(last_line,
		"SYNC 4 Service 2, which node 3 has loaded, waits in vain for node(s) 3: a ring is formed with the same "
		"members, which synchronises all services");
	new_ring(13);
	ck_assert(!nodes[0].services[0].plugin.is_held);
	rotate(8);
	for (uint32_t i = 0; i < 2; i++) {
		ck_assert(!nodes[i].services[0].plugin.is_held);
		ck_assert(!deadline_passes(&nodes[i])); /* the timer ended with the round */
	}
	/* A real load of the service still works. */
	load_service(&nodes[2], 2);
	rotate(4);
	ck_assert(!nodes[2].services[0].plugin.is_held && !nodes[2].services[0].plugin.is_deaf);
	ck_assert(!deadline_passes(&nodes[0]));
}
END_TEST

/* A forged JOIN about a service that no node has must not delay the rounds of other services. */
START_TEST(a_join_for_nobody_does_not_block_other_rounds)
{
	ring_before_load(true);
	forge_join(3, 40);
	last_line[0] = '\0';
	ck_assert(deadline_passes(&nodes[1]));
	ck_assert_int_eq(nodes[1].gathers, 1);
	ck_assert_ptr_nonnull(strstr(last_line, "Service 40, which node 3 has loaded, waits in vain for node(s) "));
}
END_TEST

START_TEST(a_round_without_done_has_a_deadline)
{
	ring_before_load(true);
	nodes[1].services[0].steps = 1000;
	load_service(&nodes[2], 2);
	rotate(3);
	ck_assert_uint_eq(nodes[0].deadline_ns, UINT64_C(60000000000));
	ck_assert(deadline_passes(&nodes[0]));
	ck_assert_int_eq(nodes[0].gathers, 1);
}
END_TEST

/* The memory of forged JOINs is limited: two million of them once took 64 MB. */
START_TEST(a_member_has_one_round_of_a_service)
{
	ring_before_load(true);
	struct mallinfo2 before = mallinfo2();
	for (int i = 0; i < 20000; i++)
		forge_join(3, (uint32_t)i % 63);
	ck_assert_uint_le(mallinfo2().uordblks - before.uordblks, 2 * 63 * 64);
	/* A service that a PART has removed may join again. */
	for (int i = 0; i < 20000; i++) {
		uint32_t words[10] = {63u << 16 | 3, 0, 40, 0, 5, 0, 1, 0, 9, 0};

		sync_deliver_service(nodes[0].sync, 3, (const uint8_t *)words, sizeof(words), false);
		forge_join(3, 5);
	}
	ck_assert_uint_le(mallinfo2().uordblks - before.uordblks, 2 * 63 * 64);
}
END_TEST

START_TEST(malformed_messages_of_a_round_change_nothing)
{
	ring_before_load(true);
	uint8_t bytes[40] = {0};
	const uint64_t seq = 9;
	const uint32_t words[] = {63u << 16, 0, 40, 0, 2, 0, 1, 0};
	for (size_t size = 0; size < sizeof(bytes); size++)
		sync_deliver_service(nodes[0].sync, 1, bytes, size, false);
	memcpy(bytes, words, sizeof(words));
	memcpy(bytes + 32, &seq, sizeof(seq));
	const uint32_t bad[][2] = {{16, 63}, {16, UINT32_MAX}, {0, 63u << 16 | 4}, {0, 63u << 16 | 0xffff}, {24, 2}};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t copy[40];

		memcpy(copy, bytes, sizeof(copy));
		memcpy(copy + bad[i][0], &bad[i][1], 4);
		sync_deliver_service(nodes[0].sync, 2, copy, sizeof(copy), false);
	}
	sync_deliver_service(nodes[0].sync, 77, bytes, sizeof(bytes), false); /* no member */
	for (uint32_t function = 1; function < 3; function++) {               /* READY and DONE without a JOIN */
		memcpy(bytes, &(uint32_t){63u << 16 | function}, 4);
		sync_deliver_service(nodes[0].sync, 2, bytes, sizeof(bytes), false);
	}
	rotate(2);
	ck_assert_str_eq(nodes[0].journal, "");
}
END_TEST

START_TEST(a_round_of_the_other_byte_order_is_understood)
{
	ring_before_load(true);
	uint32_t words[10] = {63u << 16, 0, 40, 0, 2, 0, 1, 0, 9, 0};
	uint64_t seq = __builtin_bswap64(9);
	for (size_t i = 0; i < 8; i++)
		words[i] = __builtin_bswap32(words[i]);
	memcpy(words + 8, &seq, sizeof(seq));
	sync_deliver_service(nodes[0].sync, 3, (const uint8_t *)words, sizeof(words), true);
	ck_assert(nodes[0].services[0].plugin.is_held);
	words[0] = __builtin_bswap32(63u << 16 | 1);
	words[5] = __builtin_bswap32(3);
	/* READY of nodes 1 and 2, which have the service, and of node 3. */
	for (uint32_t source = 1; source <= 3; source++)
		sync_deliver_service(nodes[0].sync, source, (const uint8_t *)words, sizeof(words), true);
	ck_assert_str_eq(nodes[0].journal, "start202 ");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sync_alone");
	TCase *tcase = tcase_create("alone");

	tcase_add_checked_fixture(tcase, sync_set_up, sync_tear_down);
	tcase_add_test(tcase, a_loaded_service_synchronises_alone);
	tcase_add_test(tcase, nobody_starts_before_all_are_ready);
	tcase_add_test(tcase, where_nobody_else_has_it_it_is_alone);
	tcase_add_test(tcase, without_state_it_is_there_at_once);
	tcase_add_test(tcase, two_loads_are_two_rounds);
	tcase_add_test(tcase, who_unloads_it_is_waited_for_no_more);
	tcase_add_test(tcase, who_loads_and_unloads_it_ends_the_round);
	tcase_add_test(tcase, without_an_abort_the_end_of_a_round_needs_a_new_ring);
	tcase_add_test(tcase, another_configuration_does_the_work_of_a_round);
	tcase_add_test(tcase, a_join_of_an_older_ring_is_not_looked_at);
	tcase_add_test(tcase, a_member_that_cannot_be_asked_needs_a_new_ring);
	tcase_add_test(tcase, a_join_in_a_round_of_all_waits_for_its_end);
	tcase_add_test(tcase, out_of_memory_skips_no_phase);
	tcase_add_test(tcase, a_join_without_ready_holds_the_clients_for_ten_seconds);
	tcase_add_test(tcase, a_join_for_nobody_does_not_block_other_rounds);
	tcase_add_test(tcase, a_round_without_done_has_a_deadline);
	tcase_add_test(tcase, a_member_has_one_round_of_a_service);
	tcase_add_test(tcase, malformed_messages_of_a_round_change_nothing);
	tcase_add_test(tcase, a_round_of_the_other_byte_order_is_understood);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
