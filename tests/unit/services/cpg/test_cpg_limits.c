/* SPDX-License-Identifier: BSD-3-Clause */
/* The CPG service: what it costs the other members if one member of the ring sends as much as it can. */
#include "tests/unit/services/cpg/cpg_case.h"
#include "tests/unit/fail_alloc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "services/cpg/cpg.h"

#define LIST_MAX 7000u
#define TURN_NS 100000u        /* time between two turns of a snapshot */
#define TURN_MAX_NS 400000000u /* longest turn. docs/message-costs.md has the figures of a quiet machine */
/* Size of a message's body, without the header that the executive writes. */
#define BODY(type) ((uint32_t)(sizeof(type) - 16))

/* Return the CPU time of this thread. The time that it waits for a processor does not count. */
static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/*
 * Print and check a cost. The limit is many times the figures of docs/message-costs.md, since sanitizers and a loaded
 * machine take that long.
 */
static void check_cost(const char *what, uint64_t spent_ns, uint64_t most_ns)
{
	printf("# %s: %" PRIu64 " us\n", what, spent_ns / 1000);
	ck_assert_msg(spent_ns <= most_ns, "%s: %" PRIu64 " us", what, spent_ns / 1000);
}

static struct cpg_wire_name name_of(uint32_t number)
{
	char text[128];

	memset(text, 'x', sizeof(text)); /* names with a long common prefix take longest to compare */
	for (size_t i = 0; i < 8; i++)
		text[120 + i] = (char)('a' + (number >> 4 * i & 15));
	return cpg_wire_name(text, sizeof(text));
}

static void deliver(uint32_t from, uint32_t function, const void *message, uint32_t size)
{
	struct mock_message mock = {.id = function, .size = size - 16, .data = (uint8_t *)(uintptr_t)message + 16};

	ck_assert_int_eq(mock_deliver(ring.ops, ring.nodes[1].self, from, false, &mock), 0);
}

static void deliver_process(uint32_t from, uint32_t function, const struct cpg_wire_name *name, uint32_t pid)
{
	const struct cpg_ring_process process = {.group = *name, .pid = pid, .reason = 1};

	deliver(from, function, &process, sizeof(process));
}

/*
 * Deliver JOINLISTs of node `from` to node 1 alone, with `count` processes, each in a group of its own or all in one.
 */
static void deliver_lists(uint32_t from, uint32_t first, uint32_t count, bool is_one_group)
{
	size_t size = sizeof(struct cpg_ring_joinlist) + LIST_MAX * sizeof(struct cpg_ring_joinlist_entry);
	struct cpg_ring_joinlist *list = calloc(1, size);

	ck_assert_ptr_nonnull(list);
	for (uint32_t done = 0; done < count;) {
		uint32_t size_now = count - done < LIST_MAX ? count - done : LIST_MAX;
		uint64_t from_ns;

		for (uint32_t i = 0; i < size_now; i++, done++) {
			/* The names are in an order that is neither ascending nor descending. */
			uint32_t number = (first + done) * 2654435761u >> 8;

			list->entries[i] = (struct cpg_ring_joinlist_entry){
				.pid = is_one_group ? number : 5, .group = name_of(is_one_group ? 7 : number)};
		}
		from_ns = cpu_ns();
		cpg_deliver_joinlist(ring.nodes[1].self, from, list,
			(uint32_t)(sizeof(*list) + size_now * sizeof(list->entries[0])));
		check_cost("a list of processes", cpu_ns() - from_ns, TURN_MAX_NS);
	}
	free(list);
}

static uint32_t listed(void)
{
	const struct cpg *cpg = ring.nodes[1].self;
	uint32_t count = 0;

	for (uint32_t i = 0; i < cpg->group_count; i++)
		count += cpg->groups[i]->count;
	return count;
}

/* Run the loop until all groups are settled. @return the CPU time of the longest turn */
static uint64_t run_turns(void)
{
	uint64_t worst_ns = 0;

	while (mock_host_timers(host(1)) > 0) {
		uint64_t from_ns = cpu_ns();

		mock_host_advance(host(1), TURN_NS);
		if (cpu_ns() - from_ns > worst_ns)
			worst_ns = cpu_ns() - from_ns;
	}
	return worst_ns;
}

/* Merging the entries one by one took seconds, and minutes with longer lists. */
START_TEST(lists_at_their_limit_do_not_stop_the_loop)
{
	struct cpg_wire_name name;

	join_all("13");
	service_ring_form_start(&ring, "1 2 3");
	deliver_lists(2, 0, CPG_PROCESSES_MAX, _i == 1);
	for (uint32_t i = 0; i < CPG_PROCESSES_MAX; i++) {
		/* Each name differs from all entries of the lists, and only in its last bytes. */
		name = name_of(_i == 1 ? 7 : 1u << 31 | i);
		deliver_process(2, CPG_RING_PROCLEAVE, &name, _i == 1 ? 1u << 31 | i : 5);
	}
	service_ring_form_steps(&ring);

	uint64_t from_ns = cpu_ns();

	ring.ops->sync_done(ring.nodes[1].self);
	check_cost("the end of a synchronisation with 16,384 processes of one node", cpu_ns() - from_ns, TURN_MAX_NS);
	check_cost("the longest turn after it", run_turns(), TURN_MAX_NS);
	ck_assert_uint_eq(listed(), CPG_PROCESSES_MAX + 2);
	ck_assert_uint_eq(cpg_tally_of(ring.nodes[1].self, 2), CPG_PROCESSES_MAX);

	/* At the next synchronisation no list has these processes, so they are removed. */
	service_ring_form_start(&ring, "1 2 3");
	service_ring_form_steps(&ring);
	from_ns = cpu_ns();
	ring.ops->sync_done(ring.nodes[1].self);
	check_cost("… and without them again", cpu_ns() - from_ns, TURN_MAX_NS);
	check_cost("the longest turn after it", run_turns(), TURN_MAX_NS);
	ck_assert_uint_eq(listed(), 2);
	ck_assert_uint_eq(cpg_tally_of(ring.nodes[1].self, 2), 0);
}
END_TEST

/* A few processes that a member leaves out of its lists must not cost one event of a large group each. */
START_TEST(a_list_without_some_processes_does_not_stop_the_loop)
{
	const struct cpg_wire_name name = name_of(7);
	char group[CPG_GROUP_NAME_MAX + 1] = "";

	memcpy(group, name.value, name.length);
	users[0] = cpg_user_create(&ring, 1, 6);
	ck_assert_int_eq(cpg_user_join(&users[0], group, 0), OK);
	service_ring_run(&ring);
	service_ring_form_start(&ring, "1 2 3");
	deliver_lists(2, 0, CPG_PROCESSES_MAX, true);
	service_ring_form_steps(&ring);
	service_ring_form_done(&ring);
	service_ring_form_start(&ring, "1 2 3");

	const struct mock_queue *events = &users[0].base.client->events;
	uint32_t before = events->count;

	deliver_lists(2, 64, CPG_PROCESSES_MAX - 64, true);
	service_ring_form_steps(&ring);

	uint64_t from_ns = cpu_ns();

	ring.ops->sync_done(ring.nodes[1].self);
	check_cost("the end of a synchronisation without 64 of 16,384 processes", cpu_ns() - from_ns, TURN_MAX_NS);
	ck_assert_uint_eq(events->count, before + 2); /* the ring, and all 64 */
	ck_assert_uint_eq(cpg_tally_of(ring.nodes[1].self, 2), CPG_PROCESSES_MAX - 64);
}
END_TEST

START_TEST(a_node_has_so_many_processes_and_the_others_their_own_share)
{
	struct cpg_wire_name name;
	uint64_t worst_ns = 0;

	join_all("13");
	for (uint32_t i = 0; i <= CPG_PROCESSES_MAX; i++) {
		uint64_t from_ns = cpu_ns();

		name = name_of(CPG_PROCESSES_MAX - i);
		deliver_process(2, CPG_RING_PROCJOIN, &name, i);
		if (cpu_ns() - from_ns > worst_ns)
			worst_ns = cpu_ns() - from_ns;
	}
	check_cost("the longest PROCJOIN", worst_ns, TURN_MAX_NS);
	ck_assert_uint_eq(listed(), CPG_PROCESSES_MAX + 2);
	name = cpg_wire_name("other", 5);
	deliver_process(3, CPG_RING_PROCJOIN, &name, 1);
	ck_assert_uint_eq(listed(), CPG_PROCESSES_MAX + 3);
	/* There is room again after one process has left. */
	name = name_of(1);
	deliver_process(2, CPG_RING_PROCLEAVE, &name, CPG_PROCESSES_MAX - 1);
	name = cpg_wire_name("another", 7);
	deliver_process(2, CPG_RING_PROCJOIN, &name, 1);
	ck_assert_uint_eq(listed(), CPG_PROCESSES_MAX + 3);
	/* Memberships of one member beyond its share do not use the share of another one. */
	service_ring_form_start(&ring, "1 2 3");
	deliver_lists(2, 0, CPG_PROCESSES_MAX, false);
	deliver_lists(2, 1000000, 10, false);
	deliver_lists(3, 2000000, 10, false);
	service_ring_form_steps(&ring);
	ring.ops->sync_done(ring.nodes[1].self);
	ck_assert_uint_eq(cpg_tally_of(ring.nodes[1].self, 3), 11);
	ck_assert_uint_le(cpg_tally_of(ring.nodes[1].self, 2), CPG_PROCESSES_MAX);
}
END_TEST

/*
 * A node removes processes that left unnoticed only after it has listed the new ones. So it may have twice its share in
 * between.
 */
START_TEST(a_node_replaces_all_its_memberships_at_once)
{
	struct cpg *cpg = ring.nodes[1].self;

	join_all("13");
	service_ring_form_start(&ring, "1 2 3");
	deliver_lists(2, 0, CPG_PROCESSES_MAX, false);
	service_ring_form_steps(&ring);
	ring.ops->sync_done(cpg);
	ck_assert_uint_eq(cpg_tally_of(cpg, 2), CPG_PROCESSES_MAX);
	for (uint32_t i = 0; i < 2; i++) { /* i 0: the lists have only new memberships; i 1: half of them are old */
		service_ring_form_start(&ring, "1 2 3");
		deliver_lists(2, CPG_PROCESSES_MAX + i * CPG_PROCESSES_MAX / 2, CPG_PROCESSES_MAX, false);
		service_ring_form_steps(&ring);
		ring.ops->sync_done(cpg);
		ck_assert_uint_eq(cpg_tally_of(cpg, 2), CPG_PROCESSES_MAX);
		run_turns();
		ck_assert_uint_eq(listed(), CPG_PROCESSES_MAX + 2);
		ck_assert(!mock_host_has_logged(host(1), "too many"));
	}
	/* Afterwards the limit is the same as before. */
	const struct cpg_wire_name name = cpg_wire_name("one more", 8);

	deliver_process(2, CPG_RING_PROCJOIN, &name, 1);
	ck_assert_uint_eq(cpg_tally_of(cpg, 2), CPG_PROCESSES_MAX);
}
END_TEST

/* If such a join were not refused, its client would wait for it for ever. */
START_TEST(a_join_beyond_the_share_of_this_node_is_refused)
{
	struct cpg_wire_name name;

	for (uint32_t i = 0; i < CPG_PROCESSES_MAX; i++) {
		name = name_of(i);
		deliver_process(1, CPG_RING_PROCJOIN, &name, i);
	}
	users[0] = cpg_user_create(&ring, 1, 1);
	ck_assert_int_eq(cpg_user_join(&users[0], "grp", 0), TRY_AGAIN);
	deliver_process(1, CPG_RING_PROCLEAVE, &name, CPG_PROCESSES_MAX - 1);
	ck_assert_int_eq(cpg_user_join(&users[0], "grp", 0), OK);
	users[1] = cpg_user_create(&ring, 1, 2);
	/* The join of users[0] is queued, and counts already. */
	ck_assert_int_eq(cpg_user_join(&users[1], "grp", 0), TRY_AGAIN);
}
END_TEST

static void fill_lists(uint32_t from, uint32_t count)
{
	struct cpg_wire_name name;

	for (uint32_t i = 0; i < count; i++) {
		name = name_of(i * 2654435761u >> 8);
		deliver_process(from, CPG_RING_PROCJOIN, &name, i);
	}
}

/* Start an iteration and run the loop until it is answered. *turns: number of turns. @return the error of the answer */
static int32_t iterate_in_turns(struct cpg_user *user, uint32_t type, uint32_t *turns)
{
	struct cpg_req_iteration_initialize req = {.iteration_type = type};
	int32_t error = cpg_user_request(user, CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req));

	*turns = 1;
	while (error == 0 && mock_host_timers(host(1)) > 0) {
		uint64_t from_ns = cpu_ns();

		mock_host_advance(host(1), TURN_NS);
		check_cost("a turn of an iteration", cpu_ns() - from_ns, TURN_MAX_NS);
		++*turns;
		if (user->base.client->replies.count > 0)
			error = user->base.client->replies.list[0].error;
	}
	return error;
}

/* Without this limit 64 iterations took 150 MB. The first iteration is never refused for its size. */
START_TEST(iterations_of_a_client_are_bounded_by_their_entries)
{
	struct cpg_req_iteration_initialize req = {.iteration_type = 3};
	uint32_t turns;

	fill_lists(2, CPG_PROCESSES_MAX);
	users[0] = cpg_user_create(&ring, 1, 1);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(iterate_in_turns(&users[0], 3, &turns), OK);
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), NO_MEMORY);
}
END_TEST

/* A step looks at one group or copies one entry. */
START_TEST(an_iteration_takes_as_many_turns_as_it_needs)
{
	const struct cpg *cpg = ring.nodes[1].self;
	uint32_t turns;

	fill_lists(2, CPG_PROCESSES_MAX);
	fill_lists(3, CPG_PROCESSES_MAX);
	users[0] = cpg_user_create(&ring, 1, 1);
	ck_assert_int_eq(iterate_in_turns(&users[0], 3, &turns), OK);
	ck_assert_uint_le(cpg->snapshot_work, CPG_SNAPSHOT_WORK_MAX);
	/* Both nodes have the same groups. */
	ck_assert_uint_ge(turns, 3 * CPG_PROCESSES_MAX / CPG_SNAPSHOT_WORK_MAX);
	ck_assert_uint_le(turns, 3 * CPG_PROCESSES_MAX / CPG_SNAPSHOT_WORK_MAX + 1);
	ck_assert_uint_eq(users[0].base.client->replies.list[0].size, sizeof(uint64_t));
	ck_assert_int_eq(iterate_in_turns(&users[0], 2, &turns), OK);
	ck_assert_uint_eq(turns, 1);
}
END_TEST

/* Return the number of entries of the iteration in an answer. */
static uint32_t walk(struct cpg_user *user, uint32_t reply)
{
	struct cpg_req_iteration_next next;
	uint32_t count = 0;

	memcpy(&next.iteration, user->base.client->replies.list[reply].data, sizeof(next.iteration));
	while (cpg_user_request(user, CPG_REQ_ITERATION_NEXT, &next, sizeof(next)) == OK)
		count++;
	return count;
}

START_TEST(an_iteration_is_of_one_moment)
{
	struct cpg_req_iteration_initialize req = {.iteration_type = 3};
	struct cpg_wire_name name = cpg_wire_name("late", 4);

	fill_lists(2, CPG_PROCESSES_MAX / 2);
	for (uint32_t i = 0; i < 2; i++) {
		users[i] = cpg_user_create(&ring, 1, 1 + i);
		ck_assert_int_eq(cpg_user_request(&users[i], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), 0);
	}
	/*
	 * Only a client that does not use Coterie's library sends a second request before the answer to the first one.
	 */
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), TRY_AGAIN);
	for (uint32_t i = 0; i < 3; i++) {
		mock_host_advance(host(1), TURN_NS);
		deliver_process(3, CPG_RING_PROCJOIN, &name, i);
	}
	cpg_user_close(&users[1]);                        /* the closed client's request is dropped */
	while (users[0].base.client->replies.count < 2) { /* the first reply is "try again" */
		ck_assert_uint_gt(mock_host_timers(host(1)), 0);
		mock_host_advance(host(1), TURN_NS);
	}
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
	ck_assert_int_eq(users[0].base.client->replies.list[1].error, OK);
	ck_assert_uint_eq(walk(&users[0], 1), CPG_PROCESSES_MAX / 2 + 3);
}
END_TEST

/* The iteration has copied the members of "grp", which come first, when the ring changes. */
START_TEST(an_iteration_starts_again_behind_a_synchronisation)
{
	struct cpg_req_iteration_initialize req = {.iteration_type = 3};
	const uint32_t groups = CPG_SNAPSHOT_WORK_MAX * 3 / 2;

	fill_lists(1, groups);
	for (uint32_t i = 0; i < 2; i++) {
		users[i] = cpg_user_create(&ring, 1 + 2 * i, 1000000);
		ck_assert_int_eq(cpg_user_join(&users[i], "grp", 0), OK);
	}
	service_ring_run(&ring);
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), 0);
	mock_host_advance(host(1), TURN_NS);
	ck_assert_uint_eq(users[0].base.client->replies.count, 0);
	service_ring_form(&ring, "1 2 | 3");
	while (users[0].base.client->replies.count == 0) {
		ck_assert_uint_gt(mock_host_timers(host(1)), 0);
		mock_host_advance(host(1), TURN_NS);
	}
	ck_assert_uint_eq(walk(&users[0], 0), groups + 1);
}
END_TEST

START_TEST(no_successor_takes_over_while_an_iteration_is_being_made)
{
	struct cpg_req_iteration_initialize req = {.iteration_type = 3};

	fill_lists(2, CPG_SNAPSHOT_WORK_MAX);
	users[0] = cpg_user_create(&ring, 1, 1);
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), 0);
	ck_assert_int_eq(mock_replace(host(1), ring.ops, &ring.nodes[1].self, false), -EAGAIN);
	while (mock_host_timers(host(1)) > 0)
		mock_host_advance(host(1), TURN_NS);
	ck_assert_int_eq(mock_replace(host(1), ring.ops, &ring.nodes[1].self, false), 0);
	ck_assert_uint_eq(walk(&users[0], 0), CPG_SNAPSHOT_WORK_MAX);
}
END_TEST

START_TEST(an_iteration_over_lists_that_always_change_ends)
{
	struct cpg_req_iteration_initialize req = {.iteration_type = 3};
	struct cpg_wire_name name = cpg_wire_name("late", 4);
	uint32_t turns = 1;

	fill_lists(2, CPG_PROCESSES_MAX);
	users[0] = cpg_user_create(&ring, 1, 1);
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), 0);
	for (; users[0].base.client->replies.count == 0; turns++) {
		deliver_process(3, CPG_RING_PROCJOIN, &name, turns);
		mock_host_advance(host(1), TURN_NS);
		ck_assert_uint_lt(turns, 100);
	}
	ck_assert_int_eq(users[0].base.client->replies.list[0].error, TRY_AGAIN);
	ck_assert_int_eq(iterate_in_turns(&users[0], 3, &turns), OK);
}
END_TEST

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
	deliver(2, CPG_RING_JOINLIST, &list, sizeof(list));
	deliver(3, CPG_RING_JOINLIST, &list, sizeof(list));
	deliver_process(2, CPG_RING_PROCLEAVE, &name, 3);
	service_ring_form_steps(&ring);
	service_ring_form_done(&ring);
	expect(users[0], "confchg a [1:6 2:5 2:7 3:3 3:5 3:7] left [] joined [3:5/4 3:7/4 3:3/4 2:5/4 2:7/4]");
	ck_assert_uint_eq(listed(), 6 + 2 + 2 + 2);
}
END_TEST

/* ---- Many nodes at their limit: groups without clients of this node are changed in later turns ---------------- */

#define NODES 17u

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
		deliver_lists(node, node * CPG_PROCESSES_MAX, CPG_PROCESSES_MAX, false);
	end_many();
}

/* With 16 nodes the end took 25 ms, as long as nine of their lists. The limit follows the speed of the machine. */
START_TEST(many_nodes_at_their_limit_do_not_stop_the_loop)
{
	const struct cpg *cpg = ring.nodes[1].self;
	uint64_t from_ns = cpu_ns();
	uint64_t most_ns;

	join_all("1");
	start_many(1000, 3);
	for (uint32_t node = 2; node <= NODES; node++)
		deliver_lists(node, node * CPG_PROCESSES_MAX, CPG_PROCESSES_MAX, false);
	most_ns = (cpu_ns() - from_ns) / 24;
	while (ring.ops->sync_step(ring.nodes[1].self) == -EAGAIN)
		;
	from_ns = cpu_ns();
	ring.ops->sync_done(ring.nodes[1].self);
	check_cost("the end of a synchronisation with 16 nodes at their limit", cpu_ns() - from_ns, most_ns);
	ck_assert_uint_lt(listed(), CPG_PROCESSES_MAX);
	for (uint32_t node = 2; node <= NODES; node++)
		ck_assert_uint_eq(cpg_tally_of(cpg, node), CPG_PROCESSES_MAX);
	check_cost("the longest turn after it", run_turns(), most_ns);
	ck_assert_uint_eq(listed(), (NODES - 1) * CPG_PROCESSES_MAX + 1);
	/* Then all of them leave with their nodes. */
	start_many(1004, 1);
	while (ring.ops->sync_step(ring.nodes[1].self) == -EAGAIN)
		;
	from_ns = cpu_ns();
	ring.ops->sync_done(ring.nodes[1].self);
	check_cost("… and when the nodes have left", cpu_ns() - from_ns, most_ns);
	ck_assert_uint_eq(cpg_tally_of(cpg, 2), 0);
	check_cost("the longest turn after it", run_turns(), most_ns);
	ck_assert_uint_eq(listed(), 1);
	ck_assert_uint_eq(cpg->group_count, 1);
}
END_TEST

/* Return the name of a process's group in the lists of fill_shares(). */
static struct cpg_wire_name name_in_list(uint32_t node, uint32_t number)
{
	return name_of((node * CPG_PROCESSES_MAX + number) * 2654435761u >> 8);
}

START_TEST(a_group_is_settled_before_it_is_used)
{
	const struct cpg *cpg = ring.nodes[1].self;
	struct cpg_wire_name name = name_in_list(2, 0);
	char group[CPG_GROUP_NAME_MAX + 1] = "";

	fill_shares();
	ck_assert_uint_lt(listed(), (NODES - 1) * CPG_PROCESSES_MAX);
	/* Lists are merged from the last group on, so node 2's are the last ones. Its share is full already. */
	deliver_process(2, CPG_RING_PROCJOIN, &name, 6);
	ck_assert_uint_eq(cpg_tally_of(cpg, 2), CPG_PROCESSES_MAX);
	deliver_process(2, CPG_RING_PROCLEAVE, &name, 5);
	ck_assert_uint_eq(cpg_tally_of(cpg, 2), CPG_PROCESSES_MAX - 1);
	deliver_process(2, CPG_RING_PROCJOIN, &name, 6);
	ck_assert_uint_eq(cpg_tally_of(cpg, 2), CPG_PROCESSES_MAX);
	name = name_in_list(2, 1);
	memcpy(group, name.value, name.length);
	users[0] = cpg_user_create(&ring, 1, 7);
	ck_assert_int_eq(cpg_user_join(&users[0], group, 0), OK);
	deliver_process(1, CPG_RING_PROCJOIN, &name, 7);

	const struct cpg_group *joined = cpg_group_find(ring.nodes[1].self, &name);

	ck_assert_uint_eq(joined->count, 2);
	ck_assert_uint_eq(joined->members[1].nodeid, 2);
	run_turns();
	ck_assert_uint_eq(listed(), (NODES - 1) * CPG_PROCESSES_MAX + 1);
	ck_assert_uint_eq(joined->count, 2);
}
END_TEST

START_TEST(a_successor_takes_groups_over_that_are_not_settled)
{
	fill_shares();
	ck_assert_uint_lt(listed(), (NODES - 1) * CPG_PROCESSES_MAX);
	ck_assert_int_eq(mock_replace(host(1), ring.ops, &ring.nodes[1].self, false), 0);
	ck_assert_uint_eq(listed(), (NODES - 1) * CPG_PROCESSES_MAX);
	run_turns();
	ck_assert_uint_eq(listed(), (NODES - 1) * CPG_PROCESSES_MAX);
}
END_TEST

/* An iteration shows all groups, and starts after they are settled. */
START_TEST(an_iteration_waits_for_groups_that_are_not_settled)
{
	struct cpg_req_iteration_initialize req = {.iteration_type = 3};

	start_many(1000, 3);
	deliver_lists(2, 0, CPG_PROCESSES_MAX, false);
	end_many();
	ck_assert_uint_lt(listed(), CPG_PROCESSES_MAX);
	users[0] = cpg_user_create(&ring, 1, 1);
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), 0);
	run_turns();
	ck_assert_uint_eq(users[0].base.client->replies.count, 1);
	ck_assert_uint_eq(walk(&users[0], 0), CPG_PROCESSES_MAX);
}
END_TEST

/* Otherwise the end of a synchronisation had to settle all groups at once. */
START_TEST(the_next_synchronisation_waits_for_groups_that_are_not_settled)
{
	fill_shares();
	start_many(1004, NODES);
	ck_assert_int_eq(ring.ops->sync_step(ring.nodes[1].self), -EAGAIN);
	/* The lists of other nodes may come before. */
	deliver_lists(2, 2 * CPG_PROCESSES_MAX, CPG_PROCESSES_MAX / 2, false);
	deliver_lists(3, NODES * CPG_PROCESSES_MAX, CPG_PROCESSES_MAX / 2, false);
	end_many();
	run_turns();
	ck_assert_uint_eq(listed(), CPG_PROCESSES_MAX);
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
	deliver_lists(2, 0, CPG_PROCESSES_MAX / 2, false);
	end_many();
	run_turns();
	start_many(1004, 3);
	deliver_lists(2, CPG_PROCESSES_MAX / 4, CPG_PROCESSES_MAX, false);
	ring.ops->sync_abort(ring.nodes[1].self);
	ck_assert_uint_gt(cpg->group_count, CPG_PROCESSES_MAX / 2);
	run_turns();
	ck_assert_uint_eq(cpg->group_count, CPG_PROCESSES_MAX / 2);
	ck_assert_uint_eq(listed(), CPG_PROCESSES_MAX / 2);
	ck_assert_uint_eq(cpg_tally_of(cpg, 2), CPG_PROCESSES_MAX / 2);
	start_many(1008, 3);
	deliver_lists(2, 0, CPG_PROCESSES_MAX / 2, false);
	end_many();
	run_turns();
	ck_assert_uint_eq(listed(), CPG_PROCESSES_MAX / 2);
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
	deliver_lists(2, 0, CPG_PROCESSES_MAX, false);
	for (uint32_t i = 0; i < 3; i++)
		deliver_process(2, CPG_RING_PROCJOIN, &name, i);
	end_many();
	ck_assert_uint_eq(cpg_tally_of(ring.nodes[1].self, 2), CPG_PROCESSES_MAX);
	ck_assert(mock_host_has_logged(host(1), "too many"));
	run_turns();
	ck_assert_uint_eq(listed(), CPG_PROCESSES_MAX);

	const struct cpg_wire_name oldest = name_in_list(0, 2);

	ck_assert_ptr_null(cpg_group_find(ring.nodes[1].self, &oldest));
}
END_TEST

/* When all groups were moved at once, one of 65,536 took 30 ms. */
START_TEST(the_table_of_groups_grows_in_steps)
{
	struct cpg *cpg = ring.nodes[1].self;
	struct cpg_wire_name name = name_of(0);
	uint32_t before;

	deliver_process(2, CPG_RING_PROCJOIN, &name, 1);
	before = cpg->index.count;
	for (uint32_t i = 1; i < 1000; i++) {
		name = name_of(i);
		deliver_process(2, CPG_RING_PROCJOIN, &name, 1);
		ck_assert_uint_le(cpg->index.count - before, 1);
		before = cpg->index.count;
		for (uint32_t k = 0; k <= i; k += 1 + i / 10) {
			name = name_of(k);
			ck_assert_ptr_nonnull(cpg_group_find(cpg, &name));
		}
	}
	ck_assert_uint_ge(cpg->index.count, 999);
	for (uint32_t i = 0; i < 1000; i++) {
		name = name_of(i);
		deliver_process(2, CPG_RING_PROCLEAVE, &name, 1);
	}
	ck_assert_uint_eq(cpg->group_count, 0);
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
		run_turns();
		members();
	}
	ck_assert_str_eq(
		members(), "a 2:1, a 2:2, a 3:1, a 3:2, b 3:3, c 2:4, c 2:5, c 2:6, c 3:4, c 3:5, c 3:6, d 2:7, d 3:7");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpg_limits");
	TCase *tcase = cpg_case_add(suite);

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, lists_at_their_limit_do_not_stop_the_loop, 0, 2);
	tcase_add_test(tcase, a_list_without_some_processes_does_not_stop_the_loop);
	tcase_add_test(tcase, a_node_has_so_many_processes_and_the_others_their_own_share);
	tcase_add_test(tcase, a_node_replaces_all_its_memberships_at_once);
	tcase_add_test(tcase, a_join_beyond_the_share_of_this_node_is_refused);
	tcase_add_test(tcase, iterations_of_a_client_are_bounded_by_their_entries);
	tcase_add_test(tcase, an_iteration_takes_as_many_turns_as_it_needs);
	tcase_add_test(tcase, an_iteration_is_of_one_moment);
	tcase_add_test(tcase, an_iteration_starts_again_behind_a_synchronisation);
	tcase_add_test(tcase, no_successor_takes_over_while_an_iteration_is_being_made);
	tcase_add_test(tcase, an_iteration_over_lists_that_always_change_ends);
	tcase_add_test(tcase, lists_are_merged_as_one_entry_after_the_other);
	tcase_add_test(tcase, many_nodes_at_their_limit_do_not_stop_the_loop);
	tcase_add_test(tcase, a_group_is_settled_before_it_is_used);
	tcase_add_test(tcase, a_successor_takes_groups_over_that_are_not_settled);
	tcase_add_test(tcase, an_iteration_waits_for_groups_that_are_not_settled);
	tcase_add_test(tcase, the_next_synchronisation_waits_for_groups_that_are_not_settled);
	tcase_add_test(tcase, a_synchronisation_that_is_aborted_changes_no_group);
	tcase_add_test(tcase, joins_and_leaves_during_a_synchronisation_are_counted_once);
	tcase_add_test(tcase, a_list_beside_joins_does_not_exceed_the_share_of_its_node);
	tcase_add_test(tcase, the_table_of_groups_grows_in_steps);
	tcase_add_test(tcase, a_list_outside_of_a_synchronisation_is_ignored);
	tcase_add_test(tcase, a_synchronisation_survives_without_memory);
	return suite_run(suite);
}
