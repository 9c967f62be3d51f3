/* SPDX-License-Identifier: BSD-3-Clause */
/* The CPG service: rings that split and merge, messages as they are on the wire, and hostile messages. */
#include "tests/unit/services/cpg/cpg_case.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Rings: the lines are those of a real ring of four -------------------- */

static void four_nodes(void)
{
	service_ring_start(&ring, 4);
	service_ring_form(&ring, "1 2 3 4");
	join_all("12334"); /* the processes are 1:10 2:20 3:30 3:40 4:50 */
	users[5] = cpg_user_create(&ring, 1, 11);
	users[6] = cpg_user_create(&ring, 4, 51);
	ck_assert_int_eq(cpg_user_join(&users[5], "alpha", 0), 1);
	ck_assert_int_eq(cpg_user_join(&users[6], "alpha", 0), 1);
	service_ring_run(&ring);
	users[5].base.seen = users[5].base.client->events.count;
	users[6].base.seen = users[6].base.client->events.count;
}

START_TEST(a_crashed_node_takes_its_processes_along)
{
	four_nodes();
	cpg_user_close(&users[4]);
	cpg_user_close(&users[6]);
	service_ring_kill(&ring, 4);
	service_ring_form(&ring, "1 2 3");
	expect(users[0], "confchg grp [1:10 2:20 3:30 3:40] left [4:50/3] joined []");
	expect(users[0], "totem 1.c [1 2 3]");
	expect(users[3], "confchg grp [1:10 2:20 3:30 3:40] left [4:50/3] joined []");
	expect(users[3], "totem 1.c [1 2 3]");
	expect(users[5], "confchg alpha [1:11] left [4:51/3] joined []");
	expect(users[5], "totem 1.c [1 2 3]");
	expect(users[0], "");
}
END_TEST

static uint32_t figure(uint32_t nodeid, const char *key)
{
	struct coterie_map_value value;
	uint32_t number;

	ck_assert_int_eq(host(nodeid)->table.map_read(host(nodeid), COTERIE_MAP_STATS, key, &value), 0);
	ck_assert_uint_eq(value.type, COTERIE_MAP_U32);
	memcpy(&number, value.bytes, sizeof(number));
	return number;
}

START_TEST(every_node_counts_all_groups)
{
	ck_assert_uint_eq(figure(1, "stats.plugins.cpg.groups"), 0);
	four_nodes();
	for (uint32_t nodeid = 1; nodeid <= 4; nodeid++) {
		ck_assert_uint_eq(figure(nodeid, "stats.plugins.cpg.groups"), 2);
		ck_assert_uint_eq(figure(nodeid, "stats.plugins.cpg.members"), 7);
	}
	cpg_user_close(&users[5]);
	cpg_user_close(&users[6]);
	service_ring_run(&ring);
	ck_assert_uint_eq(figure(3, "stats.plugins.cpg.groups"), 1);
	ck_assert_uint_eq(figure(3, "stats.plugins.cpg.members"), 5);
}
END_TEST

START_TEST(both_sides_of_a_partition_lose_and_find_each_other)
{
	ring.has_swapped = _i == 1; /* the same with nodes of the other byte order */
	four_nodes();
	service_ring_form(&ring, "1 2 | 3 4");
	expect(users[0], "confchg grp [1:10 2:20] left [3:30/3 3:40/3 4:50/3] joined []");
	expect(users[0], "totem 1.c [1 2]");
	expect(users[2], "confchg grp [3:30 3:40 4:50] left [1:10/3 2:20/3] joined []");
	expect(users[2], "totem 3.10 [3 4]");
	expect(users[5], "confchg alpha [1:11] left [4:51/3] joined []");
	expect(users[6], "confchg alpha [4:51] left [1:11/3] joined []");
	users[5].base.seen++;
	users[6].base.seen++;
	ring.first = 4; /* node 4's list is delivered first, so its process is last in the event */
	service_ring_form(&ring, "1 2 3 4");
	expect(users[0], "confchg grp [1:10 2:20 3:30 3:40 4:50] left [] joined [3:40/4 3:30/4 4:50/4]");
	expect(users[0], "totem 1.14 [1 2 3 4]");
	expect(users[2], "confchg grp [1:10 2:20 3:30 3:40 4:50] left [] joined [2:20/4 1:10/4]");
	expect(users[2], "totem 1.14 [1 2 3 4]");
	expect(users[5], "confchg alpha [1:11 4:51] left [] joined [4:51/4]");
	expect(users[6], "confchg alpha [1:11 4:51] left [] joined [1:11/4]");
	for (size_t i = 0; i < 5; i++)
		users[i].base.seen = users[i].base.client->events.count;
	ck_assert_int_eq(cpg_user_mcast(&users[4], "again"), 0);
	service_ring_run(&ring);
	for (size_t i = 0; i < 5; i++)
		expect(users[i], "deliver grp 4:50 again");
}
END_TEST

START_TEST(a_node_that_came_from_another_ring_left_and_joined)
{
	join_all("13");
	cpg_user_close(&users[1]);
	service_ring_kill(&ring, 3);
	service_ring_start(&ring, 3);
	service_ring_form(&ring, "3");
	users[2] = cpg_user_create(&ring, 3, 33);
	ck_assert_int_eq(cpg_user_join(&users[2], "grp", 0), 1);
	service_ring_run(&ring);
	service_ring_form(&ring, "1 2 3"); /* nodes 1 and 2 were never in a ring without node 3 */
	expect(users[0], "confchg grp [1:10] left [3:20/3] joined []");
	expect(users[0], "confchg grp [1:10 3:33] left [] joined [3:33/4]");
	expect(users[0], "totem 1.c [1 2 3]");
}
END_TEST

START_TEST(a_ring_of_the_same_nodes_changes_nothing)
{
	join_all("123");
	service_ring_form(&ring, "1 2 3");
	for (size_t i = 0; i < 3; i++) {
		expect(users[i], "totem 1.8 [1 2 3]");
		expect(users[i], "");
	}
}
END_TEST

START_TEST(everybody_is_told_of_a_new_ring_joined_or_not)
{
	users[0] = cpg_user_create(&ring, 1, 1);
	service_ring_form(&ring, "1 2 3");
	expect(users[0], "totem 1.8 [1 2 3]");
}
END_TEST

/* A process that its node no longer lists has left while no ring could deliver its leave. */
START_TEST(a_process_that_its_node_forgot_is_struck_out)
{
	struct cpg_ring_process ghost = {.group = cpg_wire_name("grp", 3), .pid = 666, .reason = 1};
	struct mock_message message = {.id = CPG_RING_PROCJOIN, .size = 152, .data = (uint8_t *)&ghost + 16};

	join_all("12");
	ck_assert_int_eq(mock_deliver(ring.ops, ring.nodes[1].self, 2, false, &message), 0);
	expect(users[0], "confchg grp [1:10 2:20 2:666] left [] joined [2:666/1]");
	service_ring_form(&ring, "1 2 3");
	expect(users[0], "confchg grp [1:10 2:20] left [2:666/5] joined []");
	expect(users[0], "totem 1.8 [1 2 3]");
}
END_TEST

/* Clients get one event for more than 64 such processes. */
START_TEST(many_processes_that_their_node_forgot_have_left_as_processes)
{
	struct cpg_ring_process ghost = {.group = cpg_wire_name("grp", 3), .reason = 1};
	struct mock_message message = {.id = CPG_RING_PROCJOIN, .size = 152, .data = (uint8_t *)&ghost + 16};

	join_all("12");
	for (ghost.pid = 1000; ghost.pid < 1065; ghost.pid++)
		ck_assert_int_eq(mock_deliver(ring.ops, ring.nodes[1].self, 2, false, &message), 0);
	users[0].base.seen += 65;
	service_ring_form(&ring, "1 2 3");
	ck_assert_ptr_nonnull(strstr(cpg_user_event(&users[0]), "[1:10 2:20] left [2:1000/5 2:1001/5 "));
	expect(users[0], "totem 1.8 [1 2 3]");
}
END_TEST

/* A join that is delivered while nodes exchange their lists is in no list. It must not be removed. */
START_TEST(a_join_during_synchronisation_stays)
{
	join_all("1");
	users[1] = cpg_user_create(&ring, 2, 20);
	service_ring_form_start(&ring, "1 2 3");
	ring.ops->sync_step(ring.nodes[2].self); /* node 2 sends its list before the join below is delivered */
	ck_assert_int_eq(cpg_user_join(&users[1], "grp", 0), 1);
	service_ring_form_steps(&ring);
	service_ring_form_done(&ring);
	expect(users[0], "confchg grp [1:10 2:20] left [] joined [2:20/1]");
	expect(users[0], "totem 1.8 [1 2 3]");
	expect(users[0], "");
}
END_TEST

/*
 * A list has a process that leaves before the list is delivered. No node adds the process, since its own node has
 * removed it.
 */
START_TEST(a_process_that_leaves_behind_its_list_is_no_ghost)
{
	join_all("1");
	service_ring_form(&ring, "1 | 2 3");
	users[1] = cpg_user_create(&ring, 2, 20);
	ck_assert_int_eq(cpg_user_join(&users[1], "grp", 0), 1);
	service_ring_run(&ring);
	service_ring_form_start(&ring, "1 2 3");
	ring.ops->sync_step(ring.nodes[2].self);
	cpg_user_close(&users[1]);
	service_ring_form_steps(&ring);
	service_ring_form_done(&ring);
	users[2] = cpg_user_create(&ring, 1, 11);
	ck_assert_int_eq(cpg_user_join(&users[2], "grp", 0), 1);
	service_ring_run(&ring);
	expect(users[2], "confchg grp [1:10 1:11] left [] joined [1:11/1]");
}
END_TEST

/* Lists of an interrupted round must not have an effect in the next one. */
START_TEST(an_aborted_round_leaves_nothing_behind)
{
	join_all("13");
	service_ring_form_start(&ring, "1 2 | 3");
	service_ring_form_steps(&ring);
	service_ring_form_done(&ring);
	users[0].base.seen = users[0].base.client->events.count;
	service_ring_form_start(&ring, "1 2 3");
	service_ring_form_steps(&ring); /* node 3's list is delivered */
	for (uint32_t i = 1; i <= 3; i++) {
		if (_i == 0)
			ring.ops->sync_abort(ring.nodes[i].self);
	}
	service_ring_form(&ring, "1 2 | 3");
	expect(users[0], "totem 1.14 [1 2]");
	expect(users[0], "");
}
END_TEST

START_TEST(a_full_queue_delays_the_announcement)
{
	join_all("12");
	service_ring_form(&ring, "1 | 2 3");
	users[0].base.seen = users[0].base.client->events.count;
	service_ring_form_start(&ring, "1 2 3");
	host(2)->ring_send_rc = -EAGAIN;
	service_ring_form_steps(&ring);
	service_ring_form_done(&ring);
	expect(users[0], "confchg grp [1:10 2:20] left [] joined [2:20/4]");
}
END_TEST

/* ---- The wire: captured messages ----------------------------------------- */

/* A field of a captured message. All other bytes of the message are zero. */
struct field {
	uint32_t at;
	const char *bytes;
	uint32_t count;
};

#define FIELD(at, bytes) \
	{ \
		at, bytes, sizeof(bytes) - 1 \
	}

static void check_sent(
	uint32_t nodeid, uint32_t index, uint32_t function, uint32_t size, const struct field *fields, uint32_t count)
{
	const struct mock_message *message = &host(nodeid)->sent.list[index];
	uint8_t *want = calloc(1, size);

	ck_assert_uint_lt(index, host(nodeid)->sent.count);
	for (uint32_t i = 0; i < count; i++)
		memcpy(want + fields[i].at, fields[i].bytes, fields[i].count);
	ck_assert_uint_eq(message->id, function);
	ck_assert_uint_eq(message->size, size - 16);
	ck_assert_mem_eq(message->data, want + 16, size - 16);
	ck_assert_uint_eq(message->guarantee, COTERIE_AGREED);
	free(want);
}

#define CHECK_SENT(nodeid, index, function, size, ...) \
	do { \
		static const struct field fields[] = {__VA_ARGS__}; \
		check_sent(nodeid, index, function, size, fields, sizeof(fields) / sizeof(fields[0])); \
	} while (0)

START_TEST(messages_are_those_of_a_real_ring)
{
	cpg_case_plain();
	users[0] = cpg_user_create(&ring, 1, 0x6d38);
	ck_assert_int_eq(cpg_user_join(&users[0], "grp1", 0), 1);
	CHECK_SENT(1, 0, CPG_RING_PROCJOIN, 168, FIELD(16, "\4"), FIELD(24, "grp1"), FIELD(152, "\x38\x6d"),
		FIELD(160, "\1"));
	service_ring_run(&ring);
	/* The captured message also has a cookie, which is an address in the sender's process. It is 0 here. */
	ck_assert_int_eq(cpg_user_mcast(&users[0], "hello1"), 0);
	CHECK_SENT(1, 0, CPG_RING_MCAST, 190, FIELD(16, "\4"), FIELD(24, "grp1"), FIELD(152, "\6"),
		FIELD(160, "\x38\x6d"), FIELD(168, "\1"), FIELD(184, "hello1"));
	service_ring_run(&ring);
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_FIRST, 1200000, "ZZZZ"), 1);
	CHECK_SENT(1, 0, CPG_RING_PARTIAL_MCAST, 204, FIELD(16, "\4"), FIELD(24, "grp1"), FIELD(152, "\x80\x4f\x12"),
		FIELD(160, "\4"), FIELD(168, "\x38\x6d"), FIELD(176, "\1"), FIELD(184, "\1"), FIELD(200, "ZZZZ"));
	service_ring_run(&ring);
	ck_assert_int_eq(cpg_user_leave(&users[0]), 1);
	CHECK_SENT(1, 0, CPG_RING_PROCLEAVE, 168, FIELD(16, "\4"), FIELD(24, "grp1"), FIELD(152, "\x38\x6d"),
		FIELD(160, "\2"));
	service_ring_run(&ring);
	users[1] = cpg_user_create(&ring, 3, 0x6d41);
	ck_assert_int_eq(cpg_user_join(&users[1], "grp2", 0), 1);
	service_ring_run(&ring);
	cpg_user_close(&users[1]);
	CHECK_SENT(3, 0, CPG_RING_PROCLEAVE, 168, FIELD(16, "\4"), FIELD(24, "grp2"), FIELD(152, "\x41\x6d"),
		FIELD(160, "\5"));
}
END_TEST

START_TEST(lists_are_those_of_a_real_ring)
{
	service_ring_start(&ring, 4);
	cpg_case_plain();
	service_ring_form(&ring, "1 2 3 4");
	users[0] = cpg_user_create(&ring, 3, 0x78a9);
	users[1] = cpg_user_create(&ring, 3, 0x78ec);
	ck_assert_int_eq(cpg_user_join(&users[1], "alpha", 0), 1);
	ck_assert_int_eq(cpg_user_join(&users[0], "grp1", 0), 1);
	service_ring_run(&ring);
	service_ring_form_start(&ring, "1 2 3");
	ck_assert_int_eq(ring.ops->sync_step(ring.nodes[3].self), 0);
	ck_assert_uint_eq(host(3)->sent.count, 2);
	CHECK_SENT(3, 0, CPG_RING_DOWNLIST, 1568, FIELD(16, "\4"), FIELD(24, "\1"), FIELD(32, "\4"));
	CHECK_SENT(3, 1, CPG_RING_JOINLIST, 312, FIELD(24, "\xa9\x78"), FIELD(32, "\4"), FIELD(40, "grp1"),
		FIELD(168, "\xec\x78"), FIELD(176, "\5"), FIELD(184, "alpha"));
	/* A node without processes sends no list of processes. */
	ck_assert_int_eq(ring.ops->sync_step(ring.nodes[2].self), 0);
	ck_assert_uint_eq(host(2)->sent.count, 1);
	service_ring_form_steps(&ring);
	service_ring_form_done(&ring);
}
END_TEST

START_TEST(fragments_and_leaves_cross_byte_orders)
{
	ring.has_swapped = true;
	join_all("12");
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_FIRST, 6, "ab"), 1);
	ck_assert_int_eq(cpg_user_mcast(&users[0], "hello"), 0);
	ck_assert_int_eq(cpg_user_leave(&users[0]), 1);
	service_ring_run(&ring);
	expect(users[1], "partial grp 1:10 1 2/6 ab");
	expect(users[1], "deliver grp 1:10 hello");
	expect(users[1], "confchg grp [2:20] left [1:10/2] joined []");
}
END_TEST

START_TEST(many_processes_are_announced_in_several_lists)
{
	struct cpg_ring_process join = {.group = cpg_wire_name("big", 3), .reason = 1};
	struct mock_message message = {.id = CPG_RING_PROCJOIN, .size = 152, .data = (uint8_t *)&join + 16};

	service_ring_form(&ring, "1 | 2 3");
	for (uint32_t i = 0; i < 15000; i++) {
		join.pid = i;
		ck_assert_int_eq(mock_deliver(ring.ops, ring.nodes[2].self, 2, false, &message), 0);
	}
	users[0] = cpg_user_create(&ring, 1, 1);
	ck_assert_int_eq(cpg_user_join(&users[0], "big", 0), 1);
	service_ring_run(&ring);
	service_ring_form_start(&ring, "1 2 3");
	ck_assert_int_eq(ring.ops->sync_step(ring.nodes[2].self), 0);
	ck_assert_uint_eq(host(2)->sent.count, 4);
	service_ring_form_steps(&ring);
	service_ring_form_done(&ring);

	const struct mock_queue *events = &users[0].base.client->events;

	ck_assert_uint_eq(events->list[1].size, 160 + 24 * (15001 + 15000));
}
END_TEST

/* ---- Hostile messages: book services, "cpg" ------------------------------- */

static const struct {
	const char *name;
	uint32_t function;
	uint32_t size;            /* size of the whole message with its header */
	uint32_t at[3], value[3]; /* offsets and values of words to set; at 0: none */
} malformed[] = {
	{"join of a long name", 0, 168, {16, 152}, {129, 7}},
	{"join of an absurd name", 0, 168, {16, 152}, {UINT32_MAX, 7}},
	{"leave of a long name", 1, 168, {16, 152}, {129, 20}},
	{"leave of a stranger", 1, 168, {16, 24, 152}, {3, 0x707267, 666}},
	{"leave of another group", 1, 168, {16, 24, 152}, {3, 0x717267, 20}},
	{"join cut off", 0, 167, {0}, {0}},
	{"message cut off", 3, 183, {0}, {0}},
	{"message longer than it is", 3, 190, {16, 24, 152}, {3, 0x707267, 7}},
	{"message shorter than it is", 3, 190, {16, 24, 152}, {3, 0x707267, 5}},
	{"message of a negative length", 3, 190, {16, 24, 152}, {3, 0x707267, UINT32_MAX}},
	{"message to a long name", 3, 190, {16, 152}, {129, 6}},
	{"message to nobody", 3, 190, {16, 24, 152}, {3, 0x717267, 6}},
	{"fragment of an unknown kind", 6, 204, {16, 24, 160}, {3, 0x707267, 4}},
	{"fragment longer than it is", 6, 204, {16, 24, 160}, {3, 0x707267, 5}},
	{"list cut off", 2, 167, {0}, {0}},
	{"list with half an entry", 2, 24 + 72, {0}, {0}},
	{"list outside of a round", 2, 24 + 144, {24, 32, 40}, {7, 3, 0x707267}},
	{"downlist with an absurd count", 5, 32, {24}, {UINT32_MAX}},
	{"old downlist", 4, 24, {16}, {UINT32_MAX}},
	{"unknown function", 7, 168, {0}, {0}},
};

START_TEST(malformed_ring_messages_are_dropped)
{
	uint32_t size = malformed[_i].size;
	uint32_t logged;
	struct mock_message message = {.id = malformed[_i].function, .size = size - 16, .data = calloc(1, size - 16)};

	join_all("12");
	for (int i = 0; i < 3; i++) {
		if (malformed[_i].at[i] != 0)
			memcpy(message.data + malformed[_i].at[i] - 16, &malformed[_i].value[i], 4);
	}
	logged = host(1)->logs.count;
	for (int i = 0; i < 1000; i++)
		mock_deliver(ring.ops, ring.nodes[1].self, 2, i % 2 == 1 && i > 500, &message);
	ck_assert_msg(users[0].base.client->events.count == users[0].base.seen, "%s", malformed[_i].name);
	/* The executive limits the lines of each text, except for lists, which are logged at level debug. */
	if (malformed[_i].function != 4 && malformed[_i].function != 5)
		ck_assert_uint_le(host(1)->logs.count, logged + 20);
	free(message.data);
	ck_assert_int_eq(cpg_user_mcast(&users[1], "x"), 0);
	service_ring_run(&ring);
	expect(users[0], "deliver grp 2:20 x");
}
END_TEST

START_TEST(a_message_of_a_node_without_a_member_of_the_group_is_dropped)
{
	cpg_case_plain();
	join_all("12");
	ck_assert_int_eq(cpg_user_mcast(&users[1], "x"), 0);
	mock_deliver(ring.ops, ring.nodes[1].self, 3, false, &host(2)->sent.list[0]);
	expect(users[0], "");
	service_ring_run(&ring);
	expect(users[0], "deliver grp 2:20 x");
}
END_TEST

/* Deliver a fragment of a process of node 2 to node 1. */
static void forge(uint32_t pid, uint32_t type, uint32_t total, const char *text)
{
	struct {
		struct cpg_ring_partial_mcast fixed;
		char text[16];
	} part = {.fixed = {.group = cpg_wire_name("grp", 3),
			  .msglen = total,
			  .fraglen = (uint32_t)strlen(text),
			  .pid = pid,
			  .type = type,
			  .source = {.nodeid = 2}}};
	struct mock_message message = {.id = CPG_RING_PARTIAL_MCAST,
		.data = (uint8_t *)&part + 16,
		.size = (uint32_t)(sizeof(part.fixed) + strlen(text) - 16)};

	memcpy((uint8_t *)&part + sizeof(part.fixed), text, strlen(text));
	mock_deliver(ring.ops, ring.nodes[1].self, 2, false, &message);
}

/* Clients would keep a message of each process until its leave, which never comes from a process that never joined. */
START_TEST(a_fragment_of_no_member_is_dropped)
{
	uint32_t logged;

	cpg_case_plain();
	join_all("12");
	logged = host(1)->logs.count;
	for (uint32_t pid = 1000; pid < 2000; pid++)
		forge(pid, CPG_FRAGMENT_FIRST, 4, "a");
	expect(users[0], "");
	ck_assert_uint_eq(host(1)->logs.count, logged + 10); /* the executive's limit */
	forge(20, CPG_FRAGMENT_FIRST, 4, "ab");
	expect(users[0], "partial grp 2:20 1 2/4 ab");
}
END_TEST

/* The leave of a process, or its end, is ordered behind its fragments. What comes behind the leave is forged. */
START_TEST(fragments_come_before_the_leave_of_their_sender)
{
	if (_i >= 2)
		cpg_case_plain();
	join_all("12");
	ck_assert_int_eq(send_part(&users[1], CPG_FRAGMENT_FIRST, 6, "ab"), 1);
	ck_assert_int_eq(send_part(&users[1], CPG_FRAGMENT_CONTINUED, 6, "cd"), 1);
	ck_assert_int_eq(send_part(&users[1], CPG_FRAGMENT_LAST, 6, "ef"), 1);
	ck_assert_int_eq(send_part(&users[1], CPG_FRAGMENT_FIRST, 6, "AB"), 1);
	if (_i % 2 == 0)
		ck_assert_int_eq(cpg_user_leave(&users[1]), 1);
	else
		cpg_user_close(&users[1]);
	service_ring_run(&ring);
	expect(users[0], "partial grp 2:20 1 2/6 ab");
	expect(users[0], "partial grp 2:20 2 2/6 cd");
	expect(users[0], "partial grp 2:20 3 2/6 ef");
	expect(users[0], "partial grp 2:20 1 2/6 AB");
	expect(users[0], _i % 2 == 0 ? "confchg grp [1:10] left [2:20/2] joined []"
				     : "confchg grp [1:10] left [2:20/5] joined []");
	forge(20, CPG_FRAGMENT_LAST, 6, "CDEF");
	expect(users[0], "");
	/* The process joins again. It does not go on with its old message. */
	users[2] = cpg_user_create(&ring, 2, 20);
	ck_assert_int_eq(cpg_user_join(&users[2], "grp", 0), 1);
	service_ring_run(&ring);
	expect(users[0], "confchg grp [1:10 2:20] left [] joined [2:20/1]");
	forge(20, CPG_FRAGMENT_LAST, 6, "CDEF");
	expect(users[0], "");
}
END_TEST

static const struct {
	const char *name;
	uint32_t type, total;
	const char *text;
} misfits[] = {
	{"too much", CPG_FRAGMENT_CONTINUED, 6, "cdefg"},
	{"too much at the end", CPG_FRAGMENT_LAST, 6, "cdefg"},
	{"too little at the end", CPG_FRAGMENT_LAST, 6, "cde"},
	{"a greater length", CPG_FRAGMENT_CONTINUED, 7, "cd"},
	{"a smaller length", CPG_FRAGMENT_LAST, 5, "cde"},
	{"a length beyond the limit", CPG_FRAGMENT_CONTINUED, UINT32_MAX, "cd"},
	{"a first fragment beyond the limit", CPG_FRAGMENT_FIRST, UINT32_MAX, "cd"},
};

/* A member sends for ever what it has not announced. */
START_TEST(a_fragment_that_does_not_fit_the_first_one_is_dropped)
{
	uint32_t logged;

	cpg_case_plain();
	join_all("12");
	forge(20, CPG_FRAGMENT_FIRST, 6, "ab");
	expect(users[0], "partial grp 2:20 1 2/6 ab");
	logged = host(1)->logs.count;
	forge(20, misfits[_i].type, misfits[_i].total, misfits[_i].text);
	ck_assert_uint_eq(host(1)->logs.count, logged + 1);
	for (int i = 0; i < 1000; i++)
		forge(20, i % 2 == 0 ? CPG_FRAGMENT_CONTINUED : CPG_FRAGMENT_LAST, 6, "c");
	ck_assert_msg(users[0].base.client->events.count == users[0].base.seen, "%s", misfits[_i].name);
	ck_assert_uint_eq(host(1)->logs.count, logged + 1);
	forge(20, CPG_FRAGMENT_FIRST, 4, "ab");
	forge(20, CPG_FRAGMENT_LAST, 4, "cd");
	expect(users[0], "partial grp 2:20 1 2/4 ab");
	expect(users[0], "partial grp 2:20 3 2/4 cd");
	/* The message has ended, and so nothing belongs to it any more. */
	forge(20, CPG_FRAGMENT_LAST, 4, "");
	expect(users[0], "");
}
END_TEST

/* Deliver messages of random bytes, inside and outside of a synchronisation. Then an ordinary message must work. */
START_TEST(random_ring_messages_are_survived)
{
	uint32_t random = 99 + (uint32_t)_i;
	uint8_t bytes[600];

	join_all("12");
	for (uint32_t i = 0; i < 20000; i++) {
		struct mock_message message = {.id = (uint32_t)_i, .data = bytes};

		if (i == 10000)
			service_ring_form_start(&ring, "1 2 3");
		for (uint32_t k = 0; k < sizeof(bytes); k++) {
			random = random * 1103515245 + 12345;
			bytes[k] = (uint8_t)(random >> 16) & (uint8_t)(i % 3 == 0 ? 0xff : 0x83);
		}
		/* The high bytes of a name's length are zero: most of the lengths are valid then. */
		memset(bytes + 1, 0, 3);
		message.size = random % sizeof(bytes);
		mock_deliver(ring.ops, ring.nodes[1].self, 2 + i % 2, i % 5 == 0, &message);
	}
	service_ring_form(&ring, "1 2 3");
	users[0].base.seen = users[0].base.client->events.count;
	ck_assert_int_eq(cpg_user_mcast(&users[1], "x"), 0);
	service_ring_run(&ring);
	expect(users[0], "deliver grp 2:20 x");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpg_ring");
	TCase *tcase = cpg_case_add(suite);

	tcase_add_test(tcase, a_crashed_node_takes_its_processes_along);
	tcase_add_test(tcase, every_node_counts_all_groups);
	tcase_add_loop_test(tcase, both_sides_of_a_partition_lose_and_find_each_other, 0, 2);
	tcase_add_test(tcase, a_node_that_came_from_another_ring_left_and_joined);
	tcase_add_test(tcase, a_ring_of_the_same_nodes_changes_nothing);
	tcase_add_test(tcase, everybody_is_told_of_a_new_ring_joined_or_not);
	tcase_add_test(tcase, a_process_that_its_node_forgot_is_struck_out);
	tcase_add_test(tcase, many_processes_that_their_node_forgot_have_left_as_processes);
	tcase_add_test(tcase, a_join_during_synchronisation_stays);
	tcase_add_test(tcase, a_process_that_leaves_behind_its_list_is_no_ghost);
	tcase_add_loop_test(tcase, an_aborted_round_leaves_nothing_behind, 0, 2);
	tcase_add_test(tcase, a_full_queue_delays_the_announcement);
	tcase_add_test(tcase, messages_are_those_of_a_real_ring);
	tcase_add_test(tcase, lists_are_those_of_a_real_ring);
	tcase_add_test(tcase, fragments_and_leaves_cross_byte_orders);
	tcase_add_test(tcase, many_processes_are_announced_in_several_lists);
	tcase_add_loop_test(
		tcase, malformed_ring_messages_are_dropped, 0, (int)(sizeof(malformed) / sizeof(malformed[0])));
	tcase_add_test(tcase, a_message_of_a_node_without_a_member_of_the_group_is_dropped);
	tcase_add_test(tcase, a_fragment_of_no_member_is_dropped);
	tcase_add_loop_test(tcase, fragments_come_before_the_leave_of_their_sender, 0, 4);
	tcase_add_loop_test(tcase, a_fragment_that_does_not_fit_the_first_one_is_dropped, 0,
		(int)(sizeof(misfits) / sizeof(misfits[0])));
	tcase_add_loop_test(tcase, random_ring_messages_are_survived, 0, 7);
	return suite_run(suite);
}
