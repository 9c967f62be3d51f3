/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The CPG service: the result of a synchronisation is applied to the groups. Those without clients of this node are changed
 * in later turns: services/cpg/received.c and settle.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/fail_alloc.h"
#include "tests/unit/services/cpg/lists.h"

#define NODES 17u

/*
 * settle.c merges a list in one pass. The result must be the same as from adding its entries one by one, the last entry
 * first.
 */
START_TEST(lists_are_merged_as_one_entry_after_the_other)
{
	static const char *const groups[] = {"b", "a", "c", "a", "b", "d", "a", "a"};
	static const uint32_t pids[] = {9, 5, 1, 3, 9, 4, 7, 5};
	struct {
		struct cpg_ring_joinlist head;
		struct cpg_ring_joinlist_entry entries[8];
	} list = {0};
	struct cpg_wire_name name = cpg_wire_name("a", 1);

	users[0] = cpg_user_create(&ring, 1, 6);
	ck_assert_int_eq(cpg_user_join(&users[0], "a", 0), OK);
	service_ring_run(&ring);
	users[0].base.seen = users[0].base.client->events.count;
	for (uint32_t i = 0; i < 8; i++)
		list.entries[i] = (struct cpg_ring_joinlist_entry){
			.pid = pids[i], .group = cpg_wire_name(groups[i], 1)};
	service_ring_form_start(&ring, "1 2 3");
	lists_message(2, CPG_RING_JOINLIST, &list, sizeof(list));
	lists_message(3, CPG_RING_JOINLIST, &list, sizeof(list));
	lists_process(2, CPG_RING_PROCLEAVE, &name, 3);
	service_ring_form_steps(&ring);
	service_ring_form_done(&ring);
	expect(users[0], "confchg a [1:6 2:5 2:7 3:3 3:5 3:7] left [] joined [3:5/4 3:7/4 3:3/4 2:5/4 2:7/4]");
	ck_assert_uint_eq(lists_count(), 6 + 2 + 2 + 2);
}
END_TEST

/* Begin a synchronisation of node 1 with nodes 2 to NODES. `came`: the number of nodes that came along, node 1 included */
static void start_many(uint64_t seq, uint32_t came)
{
	uint32_t members[NODES];
	const struct coterie_configuration regular = {
		.size = sizeof(regular),
		.is_regular = 1,
		.ring = {.seq = seq, .representative = 1},
		.members = members,
		.member_count = NODES,
	};

	for (uint32_t i = 0; i < NODES; i++)
		members[i] = i + 1;
	ring.ops->sync_start(ring.nodes[1].self, members, came, &regular);
}

static void end_many(void)
{
	while (ring.ops->sync_step(ring.nodes[1].self) == -EAGAIN)
		;
	ring.ops->sync_done(ring.nodes[1].self);
}

/* Let nodes 2 to NODES fill their shares, with a group for each process, and end the synchronisation. */
static void fill_shares(void)
{
	start_many(1000, 3);
	for (uint32_t node = 2; node <= NODES; node++)
		lists_deliver(node, node * CPG_PROCESSES_MAX, CPG_PROCESSES_MAX, false);
	end_many();
}

/* With 16 nodes the end took 25 ms, as long as nine of their lists. The limit follows the speed of the machine. */
START_TEST(many_nodes_at_their_limit_do_not_stop_the_loop)
{
	const struct cpg *cpg = ring.nodes[1].self;
	uint64_t from_ns = lists_cpu_ns();
	uint64_t most_ns;

	join_all("1");
	start_many(1000, 3);
	for (uint32_t node = 2; node <= NODES; node++)
		lists_deliver(node, node * CPG_PROCESSES_MAX, CPG_PROCESSES_MAX, false);
	most_ns = (lists_cpu_ns() - from_ns) / 24;
	while (ring.ops->sync_step(ring.nodes[1].self) == -EAGAIN)
		;
	from_ns = lists_cpu_ns();
	ring.ops->sync_done(ring.nodes[1].self);
	lists_check_cost(
		"the end of a synchronisation with 16 nodes at their limit", lists_cpu_ns() - from_ns, most_ns);
	ck_assert_uint_lt(lists_count(), CPG_PROCESSES_MAX);
	for (uint32_t node = 2; node <= NODES; node++)
		ck_assert_uint_eq(cpg_tally_of(cpg, node), CPG_PROCESSES_MAX);
	lists_check_cost("the longest turn after it", lists_settle(), most_ns);
	ck_assert_uint_eq(lists_count(), (NODES - 1) * CPG_PROCESSES_MAX + 1);
	/* Then all of them leave with their nodes. */
	start_many(1004, 1);
	while (ring.ops->sync_step(ring.nodes[1].self) == -EAGAIN)
		;
	from_ns = lists_cpu_ns();
	ring.ops->sync_done(ring.nodes[1].self);
	lists_check_cost("… and when the nodes have left", lists_cpu_ns() - from_ns, most_ns);
	ck_assert_uint_eq(cpg_tally_of(cpg, 2), 0);
	lists_check_cost("the longest turn after it", lists_settle(), most_ns);
	ck_assert_uint_eq(lists_count(), 1);
	ck_assert_uint_eq(cpg->group_count, 1);
}
END_TEST

/* The processes of 16 nodes in one group are listed in one turn, and no order helps to sort them. */
START_TEST(a_large_group_takes_linear_time)
{
	struct cpg_wire_name name = lists_name(7);
	const struct cpg_group *group;
	uint64_t from_ns;

	start_many(1000, 3);
	for (uint32_t node = NODES; node >= 2; node--)
		lists_deliver(node, node * CPG_PROCESSES_MAX, CPG_PROCESSES_MAX, true);
	from_ns = lists_cpu_ns();
	end_many();
	lists_check_cost("a group of 16 nodes at their limit", lists_cpu_ns() - from_ns, TURN_MAX_NS);
	lists_settle();
	group = cpg_group_find(ring.nodes[1].self, &name);
	ck_assert_uint_eq(group->count, (NODES - 1) * CPG_PROCESSES_MAX);
	for (uint32_t i = 1; i < group->count; i++) {
		const struct cpg_process *a = &group->members[i - 1], *b = &group->members[i];

		ck_assert(a->nodeid < b->nodeid || (a->nodeid == b->nodeid && a->pid < b->pid));
	}
}
END_TEST

/* Return the name of a process's group in the lists of fill_shares(). */
static struct cpg_wire_name name_in_list(uint32_t node, uint32_t number)
{
	return lists_name((node * CPG_PROCESSES_MAX + number) * 2654435761u >> 8);
}

START_TEST(a_group_is_settled_before_it_is_used)
{
	const struct cpg *cpg = ring.nodes[1].self;
	struct cpg_wire_name name = name_in_list(2, 0);
	char group[CPG_GROUP_NAME_MAX + 1] = "";

	fill_shares();
	ck_assert_uint_lt(lists_count(), (NODES - 1) * CPG_PROCESSES_MAX);
	/* Lists are merged from the last group on, so node 2's are the last ones. Its share is full already. */
	lists_process(2, CPG_RING_PROCJOIN, &name, 6);
	ck_assert_uint_eq(cpg_tally_of(cpg, 2), CPG_PROCESSES_MAX);
	lists_process(2, CPG_RING_PROCLEAVE, &name, 5);
	ck_assert_uint_eq(cpg_tally_of(cpg, 2), CPG_PROCESSES_MAX - 1);
	lists_process(2, CPG_RING_PROCJOIN, &name, 6);
	ck_assert_uint_eq(cpg_tally_of(cpg, 2), CPG_PROCESSES_MAX);
	name = name_in_list(2, 1);
	memcpy(group, name.value, name.length);
	users[0] = cpg_user_create(&ring, 1, 7);
	ck_assert_int_eq(cpg_user_join(&users[0], group, 0), OK);
	lists_process(1, CPG_RING_PROCJOIN, &name, 7);

	const struct cpg_group *joined = cpg_group_find(ring.nodes[1].self, &name);

	ck_assert_uint_eq(joined->count, 2);
	ck_assert_uint_eq(joined->members[1].nodeid, 2);
	lists_settle();
	ck_assert_uint_eq(lists_count(), (NODES - 1) * CPG_PROCESSES_MAX + 1);
	ck_assert_uint_eq(joined->count, 2);
}
END_TEST

START_TEST(a_successor_takes_groups_over_that_are_not_settled)
{
	fill_shares();
	ck_assert_uint_lt(lists_count(), (NODES - 1) * CPG_PROCESSES_MAX);
	ck_assert_int_eq(mock_replace(host(1), ring.ops, &ring.nodes[1].self, false), 0);
	ck_assert_uint_eq(lists_count(), (NODES - 1) * CPG_PROCESSES_MAX);
	lists_settle();
	ck_assert_uint_eq(lists_count(), (NODES - 1) * CPG_PROCESSES_MAX);
}
END_TEST

/* An iteration shows all groups, and starts after they are settled. */
START_TEST(an_iteration_waits_for_groups_that_are_not_settled)
{
	struct cpg_req_iteration_initialize req = {.iteration_type = 3};

	start_many(1000, 3);
	lists_deliver(2, 0, CPG_PROCESSES_MAX, false);
	end_many();
	ck_assert_uint_lt(lists_count(), CPG_PROCESSES_MAX);
	users[0] = cpg_user_create(&ring, 1, 1);
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), 0);
	lists_settle();
	ck_assert_uint_eq(users[0].base.client->replies.count, 1);
	ck_assert_uint_eq(lists_walk(&users[0], 0), CPG_PROCESSES_MAX);
}
END_TEST

/* Otherwise the end of a synchronisation had to settle all groups at once. */
START_TEST(the_next_synchronisation_waits_for_groups_that_are_not_settled)
{
	fill_shares();
	start_many(1004, NODES);
	ck_assert_int_eq(ring.ops->sync_step(ring.nodes[1].self), -EAGAIN);
	/* The lists of other nodes may come before. */
	lists_deliver(2, 2 * CPG_PROCESSES_MAX, CPG_PROCESSES_MAX / 2, false);
	lists_deliver(3, NODES * CPG_PROCESSES_MAX, CPG_PROCESSES_MAX / 2, false);
	end_many();
	lists_settle();
	ck_assert_uint_eq(lists_count(), CPG_PROCESSES_MAX);
	ck_assert_uint_eq(cpg_tally_of(ring.nodes[1].self, 2), CPG_PROCESSES_MAX / 2);
	ck_assert_uint_eq(cpg_tally_of(ring.nodes[1].self, 3), CPG_PROCESSES_MAX / 2);
	ck_assert_uint_eq(cpg_tally_of(ring.nodes[1].self, 4), 0);
}
END_TEST

/* The entries are dropped in turns as well. */
START_TEST(a_synchronisation_that_is_aborted_changes_no_group)
{
	const struct cpg *cpg = ring.nodes[1].self;

	start_many(1000, 3);
	lists_deliver(2, 0, CPG_PROCESSES_MAX / 2, false);
	end_many();
	lists_settle();
	start_many(1004, 3);
	lists_deliver(2, CPG_PROCESSES_MAX / 4, CPG_PROCESSES_MAX, false);
	ring.ops->sync_abort(ring.nodes[1].self);
	ck_assert_uint_gt(cpg->group_count, CPG_PROCESSES_MAX / 2);
	lists_settle();
	ck_assert_uint_eq(cpg->group_count, CPG_PROCESSES_MAX / 2);
	ck_assert_uint_eq(lists_count(), CPG_PROCESSES_MAX / 2);
	ck_assert_uint_eq(cpg_tally_of(cpg, 2), CPG_PROCESSES_MAX / 2);
	start_many(1008, 3);
	lists_deliver(2, 0, CPG_PROCESSES_MAX / 2, false);
	end_many();
	lists_settle();
	ck_assert_uint_eq(lists_count(), CPG_PROCESSES_MAX / 2);
}
END_TEST

/* Deliver a list of node `from` to node 1: "PID GROUP", with one letter for each. */
static void deliver_short(uint32_t from, const char *text)
{
	struct {
		struct cpg_ring_joinlist head;
		struct cpg_ring_joinlist_entry entries[16];
	} list = {0};
	uint32_t count = 0;

	for (; text[0] != '\0'; text += text[2] == ' ' ? 3 : 2)
		list.entries[count++] = (struct cpg_ring_joinlist_entry){
			.pid = (uint32_t)(text[0] - '0'), .group = cpg_wire_name(text + 1, 1)};
	cpg_deliver_joinlist(
		ring.nodes[1].self, from, &list, (uint32_t)(sizeof(list.head) + count * sizeof(list.entries[0])));
}

static void deliver_short_process(uint32_t from, uint32_t function, const char *text)
{
	struct cpg_ring_process process = {
		.group = cpg_wire_name(text + 1, 1), .pid = (uint32_t)(text[0] - '0'), .reason = 1};

	if (function == CPG_RING_PROCJOIN)
		cpg_deliver_procjoin(ring.nodes[1].self, from, &process, sizeof(process));
	else
		cpg_deliver_procleave(ring.nodes[1].self, from, &process, sizeof(process));
}

/* Write the members of all groups with letters, and check that each node is counted right. */
static const char *members(void)
{
	static char text[256];
	struct cpg *cpg = ring.nodes[1].self;
	uint32_t counts[4] = {0};
	size_t size = 0;

	text[0] = '\0';
	for (char letter = 'a'; letter <= 'h'; letter++) {
		const struct cpg_wire_name name = cpg_wire_name(&letter, 1);
		const struct cpg_group *group = cpg_group_find(cpg, &name);

		for (uint32_t i = 0; group != NULL && i < group->count; i++) {
			counts[group->members[i].nodeid]++;
			size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%c %u:%u", size > 0 ? ", " : "",
				letter, group->members[i].nodeid, group->members[i].pid);
		}
	}
	for (uint32_t node = 1; node <= 3; node++)
		ck_assert_uint_eq(cpg_tally_of(cpg, node), counts[node]);
	return text;
}

/* The lists are compared with the members when they are delivered, and joins and leaves come before and behind them. */
START_TEST(joins_and_leaves_during_a_synchronisation_are_counted_once)
{
	const uint32_t came[] = {1, 2};
	const uint32_t all[] = {1, 2, 3};
	const struct coterie_configuration regular = {.size = sizeof(regular),
		.is_regular = 1,
		.ring = {.seq = 1000, .representative = 1},
		.members = all,
		.member_count = 3};

	deliver_short_process(1, CPG_RING_PROCJOIN, "1a");
	deliver_short_process(2, CPG_RING_PROCJOIN, "1a");
	deliver_short_process(2, CPG_RING_PROCJOIN, "2b");
	deliver_short_process(2, CPG_RING_PROCJOIN, "5b");
	deliver_short_process(2, CPG_RING_PROCJOIN, "6b");
	deliver_short_process(3, CPG_RING_PROCJOIN, "1a");
	deliver_short_process(3, CPG_RING_PROCJOIN, "2a");
	ck_assert_str_eq(members(), "a 1:1, a 2:1, a 3:1, a 3:2, b 2:2, b 2:5, b 2:6");
	/* Node 3 comes back from another ring. */
	ring.ops->sync_start(ring.nodes[1].self, came, 2, &regular);
	deliver_short_process(2, CPG_RING_PROCLEAVE, "6b"); /* leaves before the list that names it */
	deliver_short_process(2, CPG_RING_PROCLEAVE, "7b"); /* the same, and this node does not know it */
	deliver_short(2, "1a 1a 5b 6b 7b 3c 3c 4d 8e");
	deliver_short(3, "1a 1f 2f 3g");
	deliver_short_process(2, CPG_RING_PROCJOIN, "3c");  /* joins behind the list */
	deliver_short_process(2, CPG_RING_PROCLEAVE, "4d"); /* leaves behind the list that names it */
	deliver_short_process(2, CPG_RING_PROCLEAVE, "5b"); /* the same, and it was a member */
	deliver_short_process(2, CPG_RING_PROCJOIN, "5b");
	deliver_short_process(2, CPG_RING_PROCLEAVE, "8e");
	deliver_short_process(2, CPG_RING_PROCJOIN, "8e");
	deliver_short_process(2, CPG_RING_PROCLEAVE, "8e"); /* leaves, joins and leaves */
	deliver_short_process(3, CPG_RING_PROCJOIN, "1f");  /* removed with its node, and listed */
	deliver_short_process(3, CPG_RING_PROCJOIN, "4f");  /* removed with its node */
	deliver_short_process(3, CPG_RING_PROCLEAVE, "3g");
	deliver_short(2, "3c 4d 1a 2h 2h");
	deliver_short(3, "2f");
	end_many();
	ck_assert_str_eq(members(), "a 1:1, a 2:1, a 3:1, b 2:5, c 2:3, f 3:1, f 3:2, h 2:2");
	deliver_short_process(2, CPG_RING_PROCLEAVE, "2h");
	deliver_short_process(3, CPG_RING_PROCLEAVE, "1a");
	ck_assert_str_eq(members(), "a 1:1, a 2:1, b 2:5, c 2:3, f 3:1, f 3:2");
}
END_TEST

/* A process that joins during a synchronisation takes the place of the oldest entry. */
START_TEST(a_list_beside_joins_does_not_exceed_the_share_of_its_node)
{
	const struct cpg_wire_name name = cpg_wire_name("late", 4);

	start_many(1000, 3);
	lists_deliver(2, 0, CPG_PROCESSES_MAX, false);
	for (uint32_t i = 0; i < 3; i++)
		lists_process(2, CPG_RING_PROCJOIN, &name, i);
	end_many();
	ck_assert_uint_eq(cpg_tally_of(ring.nodes[1].self, 2), CPG_PROCESSES_MAX);
	ck_assert(mock_host_has_logged(host(1), "too many"));
	lists_settle();
	ck_assert_uint_eq(lists_count(), CPG_PROCESSES_MAX);

	const struct cpg_wire_name oldest = name_in_list(0, 2);

	ck_assert_ptr_null(cpg_group_find(ring.nodes[1].self, &oldest));
}
END_TEST

/* It belongs to an earlier synchronisation, so the log does not accuse its sender. */
START_TEST(a_list_outside_of_a_synchronisation_is_ignored)
{
	deliver_short(2, "1a");
	ck_assert_str_eq(members(), "");
	ck_assert(!mock_host_has_logged(host(1), "too many"));
}
END_TEST

/* Processes without memory are not listed, and the memberships that are listed are counted. */
START_TEST(a_synchronisation_survives_without_memory)
{
	bool has_failed = true;

	for (unsigned int n = 1; has_failed; n++) {
		const uint32_t ids[] = {1, 2, 3};
		const struct coterie_configuration regular = {.size = sizeof(regular),
			.is_regular = 1,
			.ring = {.seq = 1000 + 4 * n, .representative = 1},
			.members = ids,
			.member_count = 3};

		ring.ops->sync_start(ring.nodes[1].self, ids, 1, &regular);
		fail_alloc_at(n);
		deliver_short(2, "1a 2a 3b 4c 5c 6c 7d");
		deliver_short(3, "1a 2a 3b 4c 5c 6c 7d");
		deliver_short_process(2, CPG_RING_PROCLEAVE, "3b");
		ring.ops->sync_done(ring.nodes[1].self);
		has_failed = fail_alloc_happened();
		lists_settle();
		members();
	}
	ck_assert_str_eq(
		members(), "a 2:1, a 2:2, a 3:1, a 3:2, b 3:3, c 2:4, c 2:5, c 2:6, c 3:4, c 3:5, c 3:6, d 2:7, d 3:7");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpg_settle");
	TCase *tcase = cpg_case_add(suite);

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, lists_are_merged_as_one_entry_after_the_other);
	tcase_add_test(tcase, many_nodes_at_their_limit_do_not_stop_the_loop);
	tcase_add_test(tcase, a_large_group_takes_linear_time);
	tcase_add_test(tcase, a_group_is_settled_before_it_is_used);
	tcase_add_test(tcase, a_successor_takes_groups_over_that_are_not_settled);
	tcase_add_test(tcase, an_iteration_waits_for_groups_that_are_not_settled);
	tcase_add_test(tcase, the_next_synchronisation_waits_for_groups_that_are_not_settled);
	tcase_add_test(tcase, a_synchronisation_that_is_aborted_changes_no_group);
	tcase_add_test(tcase, joins_and_leaves_during_a_synchronisation_are_counted_once);
	tcase_add_test(tcase, a_list_beside_joins_does_not_exceed_the_share_of_its_node);
	tcase_add_test(tcase, a_list_outside_of_a_synchronisation_is_ignored);
	tcase_add_test(tcase, a_synchronisation_survives_without_memory);
	return suite_run(suite);
}
