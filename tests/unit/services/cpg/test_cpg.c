/* SPDX-License-Identifier: BSD-3-Clause */
/* The CPG service: the events of joins, messages and rings that clients receive, and the effect of hostile input. */
#include "tests/unit/services/cpg/cpg_case.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/service_rights.h"

extern const struct coterie_plugin cpg_LTX_coterie_plugin;

/* ---- Joining, leaving, sending: book services, "cpg" ---------------------- */

START_TEST(members_see_joins_messages_and_leaves_in_one_order)
{
	users[0] = cpg_user_create(&ring, 1, 100);
	users[1] = cpg_user_create(&ring, 2, 200);
	ck_assert_int_eq(cpg_user_join(&users[0], "grp", 0), OK);
	expect(users[0], ""); /* the join was sent, but is not delivered yet */
	service_ring_run(&ring);
	expect(users[0], "confchg grp [1:100] left [] joined [1:100/1]");
	ck_assert_int_eq(cpg_user_join(&users[1], "grp", 1), OK);
	service_ring_run(&ring);
	expect(users[0], "confchg grp [1:100 2:200] left [] joined [2:200/1]");
	expect(users[1], "confchg grp [1:100 2:200] left [] joined [2:200/1]");
	expect(users[1], "totem 1.4 [1 2 3]");
	ck_assert_int_eq(cpg_user_mcast(&users[0], "hello"), 0);
	ck_assert_int_eq(cpg_user_mcast(&users[0], ""), 0);
	service_ring_run(&ring);
	expect(users[0], "deliver grp 1:100 hello");
	expect(users[1], "deliver grp 1:100 hello");
	expect(users[0], "deliver grp 1:100 ");
	expect(users[1], "deliver grp 1:100 ");
	ck_assert_int_eq(cpg_user_leave(&users[1]), OK);
	service_ring_run(&ring);
	expect(users[0], "confchg grp [1:100] left [2:200/2] joined []");
	expect(users[1], "confchg grp [1:100] left [2:200/2] joined []");
	cpg_user_close(&users[0]);
	service_ring_run(&ring);
	expect(users[1], "");
}
END_TEST

START_TEST(a_client_that_dies_leaves_with_its_own_reason)
{
	join_all("12");
	cpg_user_close(&users[0]);
	service_ring_run(&ring);
	expect(users[1], "confchg grp [2:20] left [1:10/5] joined []");
	expect(users[1], "");
}
END_TEST

START_TEST(a_message_sent_before_the_join_is_through_comes_behind_it)
{
	users[0] = cpg_user_create(&ring, 1, 100);
	ck_assert_int_eq(cpg_user_join(&users[0], "grp", 0), OK);
	ck_assert_int_eq(cpg_user_mcast(&users[0], "early"), 0);
	service_ring_run(&ring);
	expect(users[0], "confchg grp [1:100] left [] joined [1:100/1]");
	expect(users[0], "deliver grp 1:100 early");
}
END_TEST

START_TEST(a_message_of_a_client_that_died_is_delivered)
{
	join_all("12");
	ck_assert_int_eq(cpg_user_mcast(&users[0], "last words"), 0);
	cpg_user_close(&users[0]);
	service_ring_run(&ring);
	expect(users[1], "deliver grp 1:10 last words");
	expect(users[1], "confchg grp [2:20] left [1:10/5] joined []");
}
END_TEST

START_TEST(a_handle_can_join_again_after_it_left)
{
	join_all("12");
	ck_assert_int_eq(cpg_user_leave(&users[0]), OK);
	ck_assert_int_eq(cpg_user_join(&users[0], "grp", 0), TRY_AGAIN);
	ck_assert_int_eq(cpg_user_join(&users[0], "other", 0), BUSY);
	ck_assert_int_eq(cpg_user_leave(&users[0]), NOT_EXIST);
	ck_assert_int_eq(cpg_user_mcast(&users[0], "too late"), -ENOENT);
	service_ring_run(&ring);
	expect(users[0], "confchg grp [2:20] left [1:10/2] joined []");
	ck_assert_int_eq(cpg_user_mcast(&users[1], "not for the one that left"), 0);
	service_ring_run(&ring);
	expect(users[0], "");
	ck_assert_int_eq(cpg_user_join(&users[0], "other", 0), OK);
	service_ring_run(&ring);
	expect(users[0], "confchg other [1:10] left [] joined [1:10/1]");
	ck_assert_int_eq(cpg_user_leave(&users[0]), OK);
	service_ring_run(&ring);
	expect(users[0], "confchg other [] left [1:10/2] joined []");
	ck_assert_int_eq(cpg_user_join(&users[0], "grp", 0), OK);
	service_ring_run(&ring);
	expect(users[0], "confchg grp [1:10 2:20] left [] joined [1:10/1]");
}
END_TEST

START_TEST(a_leave_is_of_what_was_joined_whatever_the_request_says)
{
	struct cpg_req_leave req = {.group = cpg_wire_name("stranger", 8), .pid = 4711};

	join_all("12");
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_LEAVE, &req, sizeof(req)), NOT_EXIST);
	service_ring_run(&ring);
	expect(users[1], "");
	req.group = cpg_wire_name("grp", 3);
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_LEAVE, &req, sizeof(req)), OK);
	service_ring_run(&ring);
	expect(users[1], "confchg grp [2:20] left [1:10/2] joined []");
}
END_TEST

START_TEST(the_first_configuration_of_the_ring_is_told_once_and_to_those_who_asked)
{
	users[0] = cpg_user_create(&ring, 1, 100);
	users[1] = cpg_user_create(&ring, 1, 101);
	users[2] = cpg_user_create(&ring, 2, 102);
	ck_assert_int_eq(cpg_user_join(&users[0], "a", 1), OK);
	ck_assert_int_eq(cpg_user_join(&users[1], "b", 0), OK);
	ck_assert_int_eq(cpg_user_join(&users[2], "a", 0), OK);
	service_ring_run(&ring);
	expect(users[0], "confchg a [1:100] left [] joined [1:100/1]");
	expect(users[0], "totem 1.4 [1 2 3]");
	expect(users[0], "confchg a [1:100 2:102] left [] joined [2:102/1]");
	expect(users[0], "");
	expect(users[1], "confchg b [1:101] left [] joined [1:101/1]");
	expect(users[1], "");
	/* The totem configuration is sent once for each connection, even if the client joins again. */
	ck_assert_int_eq(cpg_user_leave(&users[0]), OK);
	service_ring_run(&ring);
	ck_assert_int_eq(cpg_user_join(&users[0], "b", 1), OK);
	service_ring_run(&ring);
	expect(users[0], "confchg a [2:102] left [1:100/2] joined []");
	expect(users[0], "confchg b [1:100 1:101] left [] joined [1:100/1]");
	expect(users[0], "");
}
END_TEST

START_TEST(a_finalized_client_hears_nothing_and_leaves_when_it_hangs_up)
{
	struct cpg_req_finalize req;

	join_all("12");
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_FINALIZE, &req, sizeof(req)), OK);
	ck_assert_int_eq(cpg_user_mcast(&users[1], "x"), 0);
	service_ring_run(&ring);
	expect(users[0], "");
	expect(users[1], "deliver grp 2:20 x");
	cpg_user_close(&users[0]);
	service_ring_run(&ring);
	expect(users[1], "confchg grp [2:20] left [1:10/5] joined []");
}
END_TEST

static const struct {
	const char *name;
	uint32_t pid;
	const char *group;
	int32_t want;
} joins[] = {
	{"same process, same group", 10, "grp", EXISTS},
	{"same process, other group", 10, "other", OK},
	{"other process, same group", 11, "grp", OK},
	{"a name that begins alike", 10, "grp1", OK},
};

START_TEST(one_process_is_in_a_group_once)
{
	join_all("1");
	users[1] = cpg_user_create(&ring, 1, joins[_i].pid);
	ck_assert_msg(cpg_user_join(&users[1], joins[_i].group, 0) == joins[_i].want, "%s", joins[_i].name);
	ck_assert_int_eq(cpg_user_join(&users[0], "another", 0), EXISTS);
}
END_TEST

/* The process joins, and is alone in the group. */
static void joins_alone(struct cpg_user *user)
{
	ck_assert_int_eq(cpg_user_join(user, "grp", 0), OK);
	service_ring_run(&ring);
	expect(*user, "confchg grp [1:100] left [] joined [1:100/1]");
	expect(*user, "");
}

/* The leave of the old connection must not remove the membership of the new one. */
START_TEST(a_process_that_comes_back_at_once_waits_for_its_own_leave)
{
	users[0] = cpg_user_create(&ring, 1, 100);
	ck_assert_int_eq(cpg_user_join(&users[0], "grp", 0), OK);
	if (_i == 1)
		service_ring_run(&ring);
	if (_i == 2)
		host(1)->ring_send_rc = -EAGAIN; /* even the leave cannot be sent */
	cpg_user_close(&users[0]);
	users[1] = cpg_user_create(&ring, 1, 100);
	ck_assert_int_eq(cpg_user_join(&users[1], "grp", 0), TRY_AGAIN);
	service_ring_run(&ring);
	host(1)->ring_send_rc = 0;
	mock_host_advance(host(1), UINT64_C(20000000));
	service_ring_run(&ring);
	joins_alone(&users[1]);
}
END_TEST

/* A client is finalized before its join is delivered, and stays connected for a while. */
START_TEST(a_finalized_client_whose_join_is_under_way_is_waited_for)
{
	struct cpg_req_finalize req;

	users[0] = cpg_user_create(&ring, 1, 100);
	ck_assert_int_eq(cpg_user_join(&users[0], "grp", 0), OK);
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_FINALIZE, &req, sizeof(req)), OK);
	users[1] = cpg_user_create(&ring, 1, 100);
	ck_assert_int_eq(cpg_user_join(&users[1], "grp", 0), TRY_AGAIN);
	service_ring_run(&ring);
	cpg_user_close(&users[0]);
	service_ring_run(&ring);
	joins_alone(&users[1]);
}
END_TEST

START_TEST(nothing_changes_when_the_ring_has_no_room)
{
	join_all("12");
	users[2] = cpg_user_create(&ring, 1, 30);
	host(1)->ring_send_rc = -EAGAIN;
	ck_assert_int_eq(cpg_user_join(&users[2], "grp", 0), TRY_AGAIN);
	ck_assert_int_eq(cpg_user_leave(&users[0]), TRY_AGAIN);
	ck_assert_int_eq(cpg_user_mcast(&users[0], "kept by the executive"), -EAGAIN);
	cpg_user_close(&users[0]); /* this leave must not be lost */
	ck_assert_int_eq(ring.ops->drain(ring.nodes[1].self), -EAGAIN);
	service_ring_run(&ring);
	expect(users[1], "");
	host(1)->ring_send_rc = 0;
	mock_host_advance(host(1), UINT64_C(20000000));
	service_ring_run(&ring);
	expect(users[1], "confchg grp [2:20] left [1:10/5] joined []");
	ck_assert_int_eq(ring.ops->drain(ring.nodes[1].self), 0);
	ck_assert_int_eq(cpg_user_join(&users[2], "grp", 0), OK);
	service_ring_run(&ring);
	expect(users[1], "confchg grp [1:30 2:20] left [] joined [1:30/1]");
}
END_TEST

static const struct {
	const char *name;
	uint32_t length;
	const char *bytes;
	int32_t want;
} names[] = {
	{"empty", 0, "", OK},
	{"one byte", 1, "x", OK},
	{"zero bytes inside", 5, "a\0b\0c", OK},
	{"the longest", 128, NULL, OK},
	{"one more", 129, NULL, TOO_LONG},
	{"absurd", UINT32_MAX, NULL, TOO_LONG},
};

START_TEST(names_are_any_bytes_up_to_128)
{
	uint8_t bytes[128];
	struct cpg_req_join req = {.pid = 1};
	memset(bytes, 0xfe, sizeof(bytes));
	if (names[_i].bytes != NULL)
		memcpy(bytes, names[_i].bytes, names[_i].length);
	req.group = cpg_wire_name(bytes, names[_i].length);
	users[0] = cpg_user_create(&ring, 1, 1);
	ck_assert_msg(
		cpg_user_request(&users[0], CPG_REQ_JOIN, &req, sizeof(req)) == names[_i].want, "%s", names[_i].name);
	if (names[_i].want != OK)
		return;
	service_ring_run(&ring);
	ck_assert_uint_eq(users[0].base.client->events.count, 1);
	/* The end of a process in a group with an empty name is reported as well. */
	users[1] = cpg_user_create(&ring, 2, 2);
	req.pid = 2;
	ck_assert_int_eq(cpg_user_request(&users[1], CPG_REQ_JOIN, &req, sizeof(req)), OK);
	service_ring_run(&ring);
	cpg_user_close(&users[0]);
	service_ring_run(&ring);
	ck_assert_uint_eq(users[1].base.client->events.count, 2);
}
END_TEST

START_TEST(names_that_differ_behind_a_zero_byte_are_two_groups)
{
	struct cpg_req_join req = {.pid = 1, .group = cpg_wire_name("a\0b", 3)};

	users[0] = cpg_user_create(&ring, 1, 1);
	users[1] = cpg_user_create(&ring, 2, 2);
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_JOIN, &req, sizeof(req)), OK);
	req.group = cpg_wire_name("a\0c", 3);
	req.pid = 2;
	ck_assert_int_eq(cpg_user_request(&users[1], CPG_REQ_JOIN, &req, sizeof(req)), OK);
	service_ring_run(&ring);
	ck_assert_uint_eq(users[0].base.client->events.count, 1);
	ck_assert_uint_eq(users[1].base.client->events.count, 1);
	users[0].base.seen = 1;
	users[1].base.seen = 1;
	service_ring_form(&ring, "1 | 2 3");
	expect(users[0], "totem 1.8 [1]"); /* no confchg event: node 2's process was in another group */
}
END_TEST

/* Bytes behind a name in a message are ignored. */
START_TEST(bytes_behind_a_name_are_not_looked_at)
{
	struct cpg_req_join req = {.pid = 1, .group = cpg_wire_name("grp", 3)};

	memset(req.group.value + 3, 0xaa, 125);
	join_all("2");
	users[1] = cpg_user_create(&ring, 1, 1);
	ck_assert_int_eq(cpg_user_request(&users[1], CPG_REQ_JOIN, &req, sizeof(req)), OK);
	ck_assert_int_eq(host(1)->sent.list[0].data[8 + 3], 0); /* the bytes are not sent on either */
	service_ring_run(&ring);
	expect(users[0], "confchg grp [1:1 2:10] left [] joined [1:1/1]");
}
END_TEST

START_TEST(safe_delivery_is_asked_for_when_the_client_does)
{
	static const uint32_t want[][2] = {
		{0, COTERIE_AGREED}, {1, COTERIE_AGREED}, {2, COTERIE_AGREED}, {3, COTERIE_SAFE}, {99, COTERIE_AGREED}};
	struct cpg_req_mcast req = {.msglen = 0};
	struct cpg_req_partial_mcast part = {.type = CPG_FRAGMENT_FIRST};

	cpg_case_plain();
	join_all("1");
	for (size_t i = 0; i < 5; i++) {
		req.guarantee = part.guarantee = want[i][0];
		cpg_user_request(&users[0], CPG_REQ_MCAST, &req, sizeof(req));
		ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_PARTIAL_MCAST, &part, sizeof(part)), OK);
		ck_assert_uint_eq(host(1)->sent.list[2 * i].guarantee, want[i][1]);
		ck_assert_uint_eq(host(1)->sent.list[2 * i + 1].guarantee, want[i][1]);
	}
}
END_TEST

/* ---- Large messages ------------------------------------------------------ */

START_TEST(fragments_pass_one_by_one)
{
	join_all("12");
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_FIRST, 6, "ab"), OK);
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_CONTINUED, 6, "cd"), OK);
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_LAST, 6, "ef"), OK);
	service_ring_run(&ring);
	expect(users[1], "partial grp 1:10 1 2/6 ab");
	expect(users[1], "partial grp 1:10 2 2/6 cd");
	expect(users[1], "partial grp 1:10 3 2/6 ef");
}
END_TEST

START_TEST(a_change_of_the_group_interrupts_a_fragmented_message)
{
	join_all("1");
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_FIRST, 6, "ab"), OK);
	users[1] = cpg_user_create(&ring, 2, 20);
	ck_assert_int_eq(cpg_user_join(&users[1], "grp", 0), OK);
	service_ring_run(&ring);
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_LAST, 6, "cdef"), INTERRUPT);
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_FIRST, 6, "ab"), OK);
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_LAST, 6, "cdef"), OK);
	users[2] = cpg_user_create(&ring, 3, 30);
	ck_assert_int_eq(send_part(&users[2], CPG_FRAGMENT_FIRST, 6, "ab"), NOT_EXIST);
}
END_TEST

/*
 * Fragments of a message that has begun are not held back. Otherwise a message longer than the limit could never be
 * completed.
 */
START_TEST(a_client_that_is_held_back_ends_what_it_has_begun)
{
	join_all("12");
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_FIRST, 6, "ab"), OK);
	users[0].base.client->is_held = true;
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_CONTINUED, 6, "cd"), OK);
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_LAST, 6, "ef"), OK);
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_FIRST, 6, "ab"), TRY_AGAIN);
	users[0].base.client->is_held = false;
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_FIRST, 6, "ab"), OK);
}
END_TEST

/* Corosync's client library does not check the length of a message that comes in parts. */
START_TEST(a_client_sends_what_it_has_announced)
{
	static const struct {
		const char *name;
		uint32_t type, total;
		const char *text;
	} wrong[] = {
		{"too much", CPG_FRAGMENT_CONTINUED, 6, "cdefg"},
		{"too much at the end", CPG_FRAGMENT_LAST, 6, "cdefg"},
		{"too little at the end", CPG_FRAGMENT_LAST, 6, "cde"},
		{"a greater length", CPG_FRAGMENT_LAST, 7, "cdef"},
		{"a smaller length", CPG_FRAGMENT_LAST, 5, "cde"},
		{"an absurd length", CPG_FRAGMENT_CONTINUED, UINT32_MAX >> 8, "cd"},
	};

	join_all("12");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_FIRST, 6, "ab"), OK);
		ck_assert_msg(send_part(&users[0], wrong[i].type, wrong[i].total, wrong[i].text) == INVALID, "%s",
			wrong[i].name);
		ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_LAST, 6, "cdef"), INVALID);
		service_ring_run(&ring);
		expect(users[1], "partial grp 1:10 1 2/6 ab");
		expect(users[1], "");
	}
	/* Empty vectors make empty parts with Corosync's library, also in front of a message and behind its end. */
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_FIRST, 4, ""), OK);
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_FIRST, 4, "ab"), OK);
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_CONTINUED, 4, ""), OK);
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_LAST, 4, "cd"), OK);
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_LAST, 4, ""), OK);
	service_ring_run(&ring);
	expect(users[1], "partial grp 1:10 1 0/4 ");
	expect(users[1], "partial grp 1:10 1 2/4 ab");
	expect(users[1], "partial grp 1:10 2 0/4 ");
	expect(users[1], "partial grp 1:10 3 2/4 cd");
	expect(users[1], "");
}
END_TEST

/* A part that the ring had no room for may be sent again. */
START_TEST(a_part_without_room_is_sent_again)
{
	join_all("12");
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_FIRST, 6, "ab"), OK);
	host(1)->ring_send_rc = -EAGAIN;
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_LAST, 6, "cdef"), TRY_AGAIN);
	host(1)->ring_send_rc = 0;
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_LAST, 6, "cdef"), OK);
	service_ring_run(&ring);
	expect(users[1], "partial grp 1:10 1 2/6 ab");
	expect(users[1], "partial grp 1:10 3 4/6 cdef");
}
END_TEST

static void set_limit(struct coterie_ctx *context) { mock_host_option(context, "message_max", "2000000"); }

/* Node 4 has a smaller limit than the others. */
START_TEST(messages_beyond_message_max_are_neither_sent_nor_delivered)
{
	ring.prepare = set_limit;
	service_ring_start(&ring, 4);
	service_ring_form(&ring, "1 2 3 4");
	join_all("124");
	ck_assert_int_eq(send_part(&users[2], CPG_FRAGMENT_FIRST, 2000001, "ab"), TOO_BIG);
	ck_assert_int_eq(send_part(&users[2], CPG_FRAGMENT_CONTINUED, 2000001, "cd"), INVALID);
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_FIRST, 2000001, "ab"), OK);
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_CONTINUED, 2000001, "cd"), OK);
	ck_assert_int_eq(send_part(&users[0], CPG_FRAGMENT_FIRST, 2000000, "AB"), OK);
	service_ring_run(&ring);
	expect(users[1], "partial grp 1:10 1 2/2000001 ab");
	expect(users[1], "partial grp 1:10 2 2/2000001 cd");
	expect(users[1], "partial grp 1:10 1 2/2000000 AB");
	expect(users[2], "partial grp 1:10 1 2/2000000 AB");
	expect(users[2], "");
}
END_TEST

/* ---- Hostile requests ---------------------------------------------------- */

/* Send every request cut at every length. Each is refused or has no effect. */
START_TEST(requests_of_any_length_and_content_are_survived)
{
	uint8_t bytes[400];
	uint32_t random = 12345 + (uint32_t)_i;

	join_all("12");
	for (int32_t id = -2; id < 70; id++) {
		for (uint32_t size = 16; size < sizeof(bytes); size += 4) {
			for (uint32_t i = 16; i < size; i++) {
				random = random * 1103515245 + 12345;
				bytes[i] = _i == 0 ? 0 : _i == 1 ? 0xff : (uint8_t)(random >> 16);
			}
			cpg_user_request(&users[0], id, bytes, size);
		}
		service_ring_run(&ring);
	}
	/* The ring and the other client still work. */
	users[1].base.seen = users[1].base.client->events.count;
	ck_assert_int_eq(cpg_user_mcast(&users[1], "still here"), 0);
	service_ring_run(&ring);
	expect(users[1], "deliver grp 2:20 still here");
}
END_TEST

static const struct {
	const char *name;
	uint32_t room; /* number of bytes that follow the fixed part */
	uint32_t msglen, fraglen, type;
	/* Expected: result of the handler for an mcast, and error of the answer to a fragment. */
	int32_t mcast, partial;
} lengths[] = {
	{"exact", 8, 8, 8, 1, 0, OK},
	{"less than there is", 8, 7, 7, 1, 0, OK},
	{"nothing", 0, 0, 0, 1, 0, OK},
	{"one more than there is", 8, 9, 9, 1, -EINVAL, INVALID},
	{"absurd", 8, UINT32_MAX, UINT32_MAX, 1, -EINVAL, INVALID},
	{"part longer than the whole", 8, 7, 8, 1, 0, INVALID},
	{"type 0", 8, 8, 8, 0, 0, INVALID},
	{"type 4", 8, 8, 8, 4, 0, INVALID},
	{"the longest", 1047552, 1047552, 1047552, 1, 0, OK},
	{"one byte more", 1047553, 1047553, 1047553, 1, -EMSGSIZE, INVALID},
	{"a part of a message of 64 MiB", 8, 64 << 20, 8, 1, -EINVAL, OK},
	{"a part of a longer message", 8, (64 << 20) + 1, 8, 1, -EINVAL, TOO_BIG},
	{"a part of a huge message", 8, UINT32_MAX, 8, 1, -EINVAL, TOO_BIG},
};

START_TEST(lengths_in_requests_are_held_against_the_request)
{
	struct cpg_req_mcast *mcast = calloc(1, sizeof(*mcast) + lengths[_i].room);
	struct cpg_req_partial_mcast *partial = calloc(1, sizeof(*partial) + lengths[_i].room);

	join_all("1");
	mcast->header.id = CPG_REQ_MCAST;
	mcast->header.size = (int32_t)(sizeof(*mcast) + lengths[_i].room);
	mcast->msglen = lengths[_i].msglen;
	partial->msglen = lengths[_i].msglen;
	partial->fraglen = lengths[_i].fraglen;
	partial->type = lengths[_i].type;
	ck_assert_msg(mock_request(users[0].base.client, ring.ops, ring.nodes[1].self, mcast,
			      (uint32_t)mcast->header.size) == lengths[_i].mcast,
		"mcast: %s", lengths[_i].name);
	ck_assert_msg(cpg_user_request(&users[0], CPG_REQ_PARTIAL_MCAST, partial,
			      (uint32_t)sizeof(*partial) + lengths[_i].room) == lengths[_i].partial,
		"partial: %s", lengths[_i].name);
	service_ring_run(&ring);
	free(mcast);
	free(partial);
}
END_TEST

START_TEST(a_client_that_is_thrown_out_in_the_middle_of_an_event_is_survived)
{
	join_all("112");
	users[1].base.client->event_rc = -ENOTCONN;
	ck_assert_int_eq(cpg_user_mcast(&users[2], "x"), 0);
	cpg_user_close(&users[2]);
	service_ring_run(&ring);
	expect(users[0], "deliver grp 2:30 x");
	expect(users[0], "confchg grp [1:10 1:20] left [2:30/5] joined []");
}
END_TEST

/* ---- Rights of all requests ---------------------------------------------- */

static const struct service_right rights[] = {
	{CPG_REQ_JOIN, COTERIE_RIGHT_USE},
	{CPG_REQ_LEAVE, COTERIE_RIGHT_USE},
	{CPG_REQ_MCAST, COTERIE_RIGHT_USE},
	{CPG_REQ_MEMBERSHIP_GET, COTERIE_RIGHT_OBSERVE},
	{CPG_REQ_LOCAL_GET, COTERIE_RIGHT_OBSERVE},
	{CPG_REQ_ITERATION_INITIALIZE, COTERIE_RIGHT_OBSERVE},
	{CPG_REQ_ITERATION_NEXT, COTERIE_RIGHT_OBSERVE},
	{CPG_REQ_ITERATION_FINALIZE, COTERIE_RIGHT_OBSERVE},
	{CPG_REQ_FINALIZE, COTERIE_RIGHT_OBSERVE},
	{CPG_REQ_ZC_ALLOC, COTERIE_RIGHT_USE},
	{CPG_REQ_ZC_FREE, COTERIE_RIGHT_USE},
	{CPG_REQ_ZC_EXECUTE, COTERIE_RIGHT_USE},
	{CPG_REQ_PARTIAL_MCAST, COTERIE_RIGHT_USE},
};

START_TEST(each_request_needs_its_right) { SERVICE_RIGHTS_CHECK(&cpg_LTX_coterie_plugin, rights); }
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpg");
	TCase *tcase = cpg_case_add(suite);

	tcase_add_test(tcase, members_see_joins_messages_and_leaves_in_one_order);
	tcase_add_test(tcase, a_client_that_dies_leaves_with_its_own_reason);
	tcase_add_test(tcase, a_message_sent_before_the_join_is_through_comes_behind_it);
	tcase_add_test(tcase, a_message_of_a_client_that_died_is_delivered);
	tcase_add_test(tcase, a_handle_can_join_again_after_it_left);
	tcase_add_test(tcase, a_leave_is_of_what_was_joined_whatever_the_request_says);
	tcase_add_test(tcase, the_first_configuration_of_the_ring_is_told_once_and_to_those_who_asked);
	tcase_add_test(tcase, a_finalized_client_hears_nothing_and_leaves_when_it_hangs_up);
	tcase_add_loop_test(tcase, one_process_is_in_a_group_once, 0, 4);
	tcase_add_loop_test(tcase, a_process_that_comes_back_at_once_waits_for_its_own_leave, 0, 3);
	tcase_add_test(tcase, a_finalized_client_whose_join_is_under_way_is_waited_for);
	tcase_add_test(tcase, nothing_changes_when_the_ring_has_no_room);
	tcase_add_loop_test(tcase, names_are_any_bytes_up_to_128, 0, 6);
	tcase_add_test(tcase, names_that_differ_behind_a_zero_byte_are_two_groups);
	tcase_add_test(tcase, bytes_behind_a_name_are_not_looked_at);
	tcase_add_test(tcase, safe_delivery_is_asked_for_when_the_client_does);
	tcase_add_test(tcase, fragments_pass_one_by_one);
	tcase_add_test(tcase, a_change_of_the_group_interrupts_a_fragmented_message);
	tcase_add_test(tcase, a_client_sends_what_it_has_announced);
	tcase_add_test(tcase, a_part_without_room_is_sent_again);
	tcase_add_test(tcase, messages_beyond_message_max_are_neither_sent_nor_delivered);
	tcase_add_test(tcase, a_client_that_is_held_back_ends_what_it_has_begun);
	tcase_add_loop_test(tcase, requests_of_any_length_and_content_are_survived, 0, 4);
	tcase_add_loop_test(tcase, lengths_in_requests_are_held_against_the_request, 0, 11);
	tcase_add_test(tcase, a_client_that_is_thrown_out_in_the_middle_of_an_event_is_survived);
	tcase_add_test(tcase, each_request_needs_its_right);
	return suite_run(suite);
}
