/* The CPG service: what clients see of joins, messages and rings, and what hostile input costs. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/suite.h"
#include "tests/unit/cpg_ring.h"

#define OK 1
#define LIBRARY 2
#define TRY_AGAIN 6
#define INVALID 7
#define NO_MEMORY 8
#define BUSY 10
#define ACCESS 11
#define NOT_EXIST 12
#define TOO_LONG 13
#define EXISTS 14
#define INTERRUPT 16
#define TOO_BIG 26
#define NO_SECTIONS 27

static struct service_ring ring;
static struct cpg_user users[8];

#define expect(user, want) ck_assert_str_eq(cpg_user_event(&(user)), want)

/* Nodes 1 to 3 in one ring. */
static void set_up(void)
{
	cpg_ring_init(&ring);
	memset(users, 0, sizeof(users));
	for (uint32_t i = 1; i <= 3; i++)
		service_ring_start(&ring, i);
	service_ring_form(&ring, "1 2 3");
}

static void tear_down(void)
{
	for (size_t i = 0; i < 8; i++)
		cpg_user_close(&users[i]);
	service_ring_fini(&ring);
}

static struct coterie_ctx *host(uint32_t nodeid) { return ring.nodes[nodeid].host; }

/* users[i] on nodes[i], joined to "grp" with pid 10 * (i + 1), all events read. */
static void join_all(const char *nodes)
{
	for (size_t i = 0; nodes[i] != '\0'; i++) {
		users[i] =
			cpg_user_create(&ring, (uint32_t)(nodes[i] - '0'), 10 * ((uint32_t)i + 1));
		ck_assert_int_eq(cpg_user_join(&users[i], "grp", 0), OK);
		service_ring_run(&ring);
	}
	for (size_t i = 0; nodes[i] != '\0'; i++)
		users[i].base.seen = users[i].base.client->events.count;
}

/* ---- Joining, leaving, sending: spec 06d.2 ------------------------------- */

START_TEST(members_see_joins_messages_and_leaves_in_one_order)
{
	users[0] = cpg_user_create(&ring, 1, 100);
	users[1] = cpg_user_create(&ring, 2, 200);
	ck_assert_int_eq(cpg_user_join(&users[0], "grp", 0), OK);
	expect(users[0], ""); /* sent, not joined */
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
	ck_assert_int_eq(
		cpg_user_request(&users[0], CPG_REQ_LEAVE, &req, sizeof(req)), NOT_EXIST);
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
	/* Once per connection, also when it joins again. */
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
	ck_assert_msg(cpg_user_join(&users[1], joins[_i].group, 0) == joins[_i].want, "%s",
		joins[_i].name);
	ck_assert_int_eq(cpg_user_join(&users[0], "another", 0), EXISTS);
}
END_TEST

/* The leave of the old connection must not strike out the membership of the new one. */
START_TEST(a_process_that_comes_back_at_once_waits_for_its_own_leave)
{
	users[0] = cpg_user_create(&ring, 1, 100);
	ck_assert_int_eq(cpg_user_join(&users[0], "grp", 0), OK);
	if (_i == 1)
		service_ring_run(&ring);
	if (_i == 2)
		host(1)->ring_send_rc = -EAGAIN; /* not even the leave goes out */
	cpg_user_close(&users[0]);
	users[1] = cpg_user_create(&ring, 1, 100);
	ck_assert_int_eq(cpg_user_join(&users[1], "grp", 0), TRY_AGAIN);
	service_ring_run(&ring);
	host(1)->ring_send_rc = 0;
	mock_host_advance(host(1), UINT64_C(20000000));
	service_ring_run(&ring);
	ck_assert_int_eq(cpg_user_join(&users[1], "grp", 0), OK);
	service_ring_run(&ring);
	expect(users[1], "confchg grp [1:100] left [] joined [1:100/1]");
	expect(users[1], "");
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
	cpg_user_close(&users[0]); /* must not be lost */
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
		cpg_user_request(&users[0], CPG_REQ_JOIN, &req, sizeof(req)) == names[_i].want,
		"%s", names[_i].name);
	if (names[_i].want != OK)
		return;
	service_ring_run(&ring);
	ck_assert_uint_eq(users[0].base.client->events.count, 1);
	/* Even the death of a member without a name is told. */
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
	expect(users[0], "totem 1.8 [1]"); /* no change: 2 was in another group */
}
END_TEST

/* What lies behind a name on the wire belongs to it for nobody. */
START_TEST(bytes_behind_a_name_are_not_looked_at)
{
	struct cpg_req_join req = {.pid = 1, .group = cpg_wire_name("grp", 3)};

	memset(req.group.value + 3, 0xaa, 125);
	join_all("2");
	users[1] = cpg_user_create(&ring, 1, 1);
	ck_assert_int_eq(cpg_user_request(&users[1], CPG_REQ_JOIN, &req, sizeof(req)), OK);
	ck_assert_int_eq(host(1)->sent.list[0].data[8 + 3], 0); /* nor passed on */
	service_ring_run(&ring);
	expect(users[0], "confchg grp [1:1 2:10] left [] joined [1:1/1]");
}
END_TEST

START_TEST(safe_delivery_is_asked_for_when_the_client_does)
{
	static const uint32_t want[][2] = {{0, COTERIE_AGREED}, {1, COTERIE_AGREED},
		{2, COTERIE_AGREED}, {3, COTERIE_SAFE}, {99, COTERIE_AGREED}};
	struct cpg_req_mcast req = {.msglen = 0};
	struct cpg_req_partial_mcast part = {.type = CPG_FRAGMENT_FIRST};

	join_all("1");
	for (size_t i = 0; i < 5; i++) {
		req.guarantee = part.guarantee = want[i][0];
		cpg_user_request(&users[0], CPG_REQ_MCAST, &req, sizeof(req));
		ck_assert_int_eq(
			cpg_user_request(&users[0], CPG_REQ_PARTIAL_MCAST, &part, sizeof(part)), OK);
		ck_assert_uint_eq(host(1)->sent.list[2 * i].guarantee, want[i][1]);
		ck_assert_uint_eq(host(1)->sent.list[2 * i + 1].guarantee, want[i][1]);
	}
}
END_TEST

/* ---- Large messages ------------------------------------------------------ */

static int32_t send_part(struct cpg_user *user, uint32_t type, uint32_t total, const char *text)
{
	uint32_t length = (uint32_t)strlen(text);
	struct cpg_req_partial_mcast *req = calloc(1, sizeof(*req) + length);

	req->msglen = total;
	req->fraglen = length;
	req->type = type;
	memcpy(req->fragment, text, length);

	int32_t error =
		cpg_user_request(user, CPG_REQ_PARTIAL_MCAST, req, (uint32_t)sizeof(*req) + length);

	free(req);
	return error;
}

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

/* ---- Asking -------------------------------------------------------------- */

START_TEST(membership_and_node_id_are_told_to_anybody)
{
	struct cpg_req_membership_get get = {.group = cpg_wire_name("grp", 3)};
	struct cpg_req_local_get local;
	const struct cpg_res_membership_get *res;
	const struct mock_message *reply;
	uint8_t whole[sizeof(*res)];

	join_all("3122");
	users[4] = cpg_user_create(&ring, 3, 1);
	ck_assert_int_eq(
		cpg_user_request(&users[4], CPG_REQ_MEMBERSHIP_GET, &get, sizeof(get)), OK);
	reply = &users[4].base.client->replies.list[0];
	ck_assert_uint_eq(reply->id, CPG_RES_MEMBERSHIP_GET);
	ck_assert_uint_eq(reply->size, sizeof(*res) - 24);
	memcpy(whole + 24, reply->data, reply->size);
	res = (const void *)whole;
	ck_assert_uint_eq(res->member_count, 4);
	ck_assert_uint_eq(res->members[0].pid, 20);
	ck_assert_uint_eq(res->members[1].pid, 30);
	ck_assert_uint_eq(res->members[2].pid, 40);
	ck_assert_uint_eq(res->members[3].pid, 10);
	ck_assert_uint_eq(res->members[3].nodeid, 3);

	get.group = cpg_wire_name("nobody", 6);
	ck_assert_int_eq(
		cpg_user_request(&users[4], CPG_REQ_MEMBERSHIP_GET, &get, sizeof(get)), OK);
	ck_assert_uint_eq(users[4].base.client->replies.list[0].data[0], 0);
	get.group.length = 129;
	ck_assert_int_eq(
		cpg_user_request(&users[4], CPG_REQ_MEMBERSHIP_GET, &get, sizeof(get)), TOO_LONG);

	ck_assert_int_eq(cpg_user_request(&users[4], CPG_REQ_LOCAL_GET, &local, sizeof(local)), OK);
	ck_assert_uint_eq(users[4].base.client->replies.list[0].size, 8);
	ck_assert_uint_eq(users[4].base.client->replies.list[0].data[0], 3);
}
END_TEST

START_TEST(a_membership_answer_is_cut_at_384)
{
	struct cpg_req_membership_get get = {.group = cpg_wire_name("grp", 3)};
	struct cpg_ring_process join = {.group = get.group, .reason = 1};
	struct mock_message message = {
		.id = CPG_RING_PROCJOIN, .size = 152, .data = (uint8_t *)&join + 16};
	uint32_t count;

	join_all("1");
	for (uint32_t i = 0; i < 1000; i++) {
		join.pid = 1000 + i;
		ck_assert_int_eq(mock_deliver(ring.ops, ring.nodes[1].self, 2, false, &message), 0);
	}
	/* The last change lists all of them. */
	const struct mock_message *event = &users[0].base.client->events.list[1000];

	memcpy(&count, event->data + 136, sizeof(count));
	ck_assert_uint_eq(count, 1001);
	ck_assert_uint_eq(event->size, 160 + 24 * 1002);
	ck_assert_int_eq(
		cpg_user_request(&users[0], CPG_REQ_MEMBERSHIP_GET, &get, sizeof(get)), OK);
	memcpy(&count, users[0].base.client->replies.list[0].data, sizeof(count));
	ck_assert_uint_eq(count, CPG_MEMBERSHIP_MAX);
}
END_TEST

static uint64_t iterate(struct cpg_user *user, uint32_t type, const char *group)
{
	struct cpg_req_iteration_initialize req = {
		.group = cpg_wire_name(group, (uint32_t)strlen(group)), .iteration_type = type};
	uint64_t token;

	ck_assert_int_eq(
		cpg_user_request(user, CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), OK);
	ck_assert_uint_eq(user->base.client->replies.list[0].size, sizeof(token));
	memcpy(&token, user->base.client->replies.list[0].data, sizeof(token));
	return token;
}

/* "grp 1:10", or the error as "27". */
static const char *next(struct cpg_user *user, uint64_t token)
{
	static char text[256];
	struct cpg_req_iteration_next req = {.iteration = token};
	int32_t error = cpg_user_request(user, CPG_REQ_ITERATION_NEXT, &req, sizeof(req));
	struct cpg_res_iteration_next res;

	ck_assert_uint_eq(user->base.client->replies.list[0].size, sizeof(res) - 24);
	memcpy((uint8_t *)&res + 24, user->base.client->replies.list[0].data, sizeof(res) - 24);
	if (error != OK)
		snprintf(text, sizeof(text), "%d", error);
	else
		snprintf(text, sizeof(text), "%.*s %u:%u", (int)res.group.length, res.group.value,
			res.nodeid, res.pid);
	return text;
}

static const struct {
	uint32_t type;
	const char *group;
	const char *want[8];
} walks[] = {
	/* Memberships 1/20 z, 2/30 grp, 2/40 grp, 3/10 grp, 3/50 alpha: spec 01 §4.10. */
	{1, "", {"alpha 0:0", "grp 0:0", "z 0:0", "27"}},
	{2, "grp", {"grp 2:30", "grp 3:10", "grp 2:40", "27"}},
	{2, "nobody", {"27", "27"}},
	{3, "", {"alpha 3:50", "grp 2:30", "grp 3:10", "grp 2:40", "z 1:20", "27", "alpha 3:50"}},
};

START_TEST(iteration_shows_a_snapshot_in_the_usual_order)
{
	static const struct {
		uint32_t node, pid;
		const char *group;
	} who[] = {{3, 10, "grp"}, {1, 20, "z"}, {2, 30, "grp"}, {2, 40, "grp"}, {3, 50, "alpha"}};

	for (size_t i = 0; i < 5; i++) {
		users[i] = cpg_user_create(&ring, who[i].node, who[i].pid);
		ck_assert_int_eq(cpg_user_join(&users[i], who[i].group, 0), OK);
	}
	service_ring_run(&ring);

	uint64_t token = iterate(&users[0], walks[_i].type, walks[_i].group);
	struct cpg_req_iteration_finalize finalize = {.iteration = token};

	cpg_user_close(&users[1]); /* later changes do not show */
	service_ring_run(&ring);
	for (size_t i = 0; walks[_i].want[i] != NULL; i++)
		ck_assert_str_eq(next(&users[0], token), walks[_i].want[i]);
	ck_assert_str_eq(next(&users[2], token), "2"); /* of somebody else */
	ck_assert_int_eq(cpg_user_request(&users[2], CPG_REQ_ITERATION_FINALIZE, &finalize,
				 sizeof(finalize)),
		LIBRARY);
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_FINALIZE, &finalize,
				 sizeof(finalize)),
		OK);
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_FINALIZE, &finalize,
				 sizeof(finalize)),
		LIBRARY);
	ck_assert_str_eq(next(&users[0], token), "2");
}
END_TEST

/* Corosync's library fills the name in for one type alone; elsewhere it holds anything. */
START_TEST(the_name_counts_with_iterations_of_one_group_alone)
{
	struct cpg_req_iteration_initialize req = {.iteration_type = 3};

	join_all("1");
	memset(&req.group, 0xa5, sizeof(req.group));
	ck_assert_int_eq(
		cpg_user_request(&users[0], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), OK);
	req.iteration_type = 1;
	ck_assert_int_eq(
		cpg_user_request(&users[0], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), OK);
	req.iteration_type = 2;
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)),
		TOO_LONG);
}
END_TEST

START_TEST(iterations_of_a_client_are_bounded_and_end_with_it)
{
	struct cpg_req_iteration_initialize req = {.iteration_type = 3};

	join_all("1");
	for (int i = 0; i < 64; i++)
		iterate(&users[0], 3, "");
	ck_assert_int_eq(
		cpg_user_request(&users[0], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)),
		NO_MEMORY);
	cpg_user_close(&users[0]); /* the sanitizer finds what is left */
}
END_TEST

/* ---- Hostile requests ---------------------------------------------------- */

/* Every request, cut at every length: refused, or harmless. */
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
	/* The ring and the other client go on. */
	users[1].base.seen = users[1].base.client->events.count;
	ck_assert_int_eq(cpg_user_mcast(&users[1], "still here"), 0);
	service_ring_run(&ring);
	expect(users[1], "deliver grp 2:20 still here");
}
END_TEST

static const struct {
	const char *name;
	uint32_t room; /* bytes really there behind the fixed part */
	uint32_t msglen, fraglen, type;
	int32_t mcast, partial; /* wanted: of the handler, of the answer */
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
	{"a part of a huge message", 8, UINT32_MAX, 8, 1, -EINVAL, OK},
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

/* ---- Zero copy ----------------------------------------------------------- */

struct buffer {
	char path[CPG_ZERO_COPY_PATH_SIZE];
	struct cpg_zc_map *map;
	uint64_t size;
	int fd;
};

static struct buffer buffer_create(uint64_t size)
{
	struct buffer buffer = {.path = "/tmp/cpg_zero_copy-XXXXXX", .size = size};

	buffer.fd = mkstemp(buffer.path);
	ck_assert_int_ge(buffer.fd, 0);
	ck_assert_int_eq(ftruncate(buffer.fd, (off_t)size), 0);
	buffer.map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, buffer.fd, 0);
	ck_assert_ptr_ne(buffer.map, MAP_FAILED);
	return buffer;
}

static void buffer_destroy(struct buffer *buffer)
{
	munmap(buffer->map, buffer->size);
	close(buffer->fd);
	unlink(buffer->path);
}

static int32_t zc_alloc(struct cpg_user *user, const char *path, uint64_t size)
{
	struct cpg_req_zc_alloc req = {.map_size = size};

	user->base.client->uid = getuid();
	/* Without an end when it is too long: that is a case. */
	memcpy(req.path, path, strnlen(path, sizeof(req.path)));
	return cpg_user_request(user, CPG_REQ_ZC_ALLOC, &req, sizeof(req));
}

static int32_t zc_execute(struct cpg_user *user, uint64_t token)
{
	struct cpg_req_zc_execute req = {.token = token};

	return cpg_user_request(user, CPG_REQ_ZC_EXECUTE, &req, sizeof(req));
}

static int32_t zc_free(struct cpg_user *user, uint64_t token)
{
	struct cpg_req_zc_free req = {.token = token};

	return cpg_user_request(user, CPG_REQ_ZC_FREE, &req, sizeof(req));
}

START_TEST(a_shared_buffer_is_sent_again_and_again)
{
	struct buffer buffer = buffer_create(4096);

	join_all("12");
	ck_assert_int_eq(zc_alloc(&users[0], buffer.path, 4096), OK);
	ck_assert_int_eq(access(buffer.path, F_OK), -1);
	ck_assert_uint_ne(buffer.map->token, 0);
	for (int i = 0; i < 3; i++) {
		buffer.map->request.msglen = 5;
		memcpy(buffer.map->request.message, "hello", 5);
		buffer.map->request.message[4] = (uint8_t)('0' + i);
		buffer.map->request.guarantee = (uint32_t)i + 1;
		ck_assert_int_eq(zc_execute(&users[0], buffer.map->token), OK);
		ck_assert_uint_eq(host(1)->sent.list[0].guarantee,
			i + 1 == 3 ? COTERIE_SAFE : COTERIE_AGREED);
		memset(buffer.map->request.message, 0, 5);
		service_ring_run(&ring);
		char want[] = "deliver grp 1:10 hell0";

		want[21] = (char)('0' + i);
		expect(users[1], want);
	}
	ck_assert_int_eq(zc_free(&users[0], buffer.map->token), OK);
	ck_assert_int_eq(zc_free(&users[0], buffer.map->token), INVALID);
	ck_assert_int_eq(zc_execute(&users[0], buffer.map->token), INVALID);
	buffer_destroy(&buffer);
}
END_TEST

START_TEST(a_shared_buffer_is_checked_before_each_use)
{
	struct buffer buffer = buffer_create(2000000);
	uint64_t token;

	join_all("12");
	users[2] = cpg_user_create(&ring, 1, 30);
	ck_assert_int_eq(zc_alloc(&users[0], buffer.path, 2000000), OK);
	token = buffer.map->token;
	ck_assert_int_eq(zc_execute(&users[0], token + 1), INVALID);
	ck_assert_int_eq(zc_execute(&users[0], (uint64_t)(uintptr_t)&users), INVALID);
	ck_assert_int_eq(zc_execute(&users[2], token), INVALID); /* somebody else's */
	ck_assert_int_eq(zc_free(&users[2], token), INVALID);
	buffer.map->token = 0; /* what the client writes there does not matter */
	buffer.map->map_size = -1;
	buffer.map->request.msglen = CPG_ATOMIC_SIZE_MAX;
	ck_assert_int_eq(zc_execute(&users[0], token), OK);
	buffer.map->request.msglen = CPG_ATOMIC_SIZE_MAX + 1;
	ck_assert_int_eq(zc_execute(&users[0], token), TOO_BIG);
	buffer.map->request.msglen = 2000000 - 55;
	ck_assert_int_eq(zc_execute(&users[0], token), INVALID);
	buffer.map->request.msglen = UINT32_MAX;
	ck_assert_int_eq(zc_execute(&users[0], token), INVALID);

	buffer.map->request.msglen = 100000;
	ck_assert_int_eq(ftruncate(buffer.fd, 1000), 0);
	ck_assert_int_eq(zc_execute(&users[0], token), INVALID);
	ck_assert_int_eq(ftruncate(buffer.fd, 0), 0);
	ck_assert_int_eq(zc_execute(&users[0], token), INVALID);
	ck_assert_int_eq(ftruncate(buffer.fd, 2000000), 0);
	ck_assert_int_eq(cpg_user_leave(&users[0]), OK);
	ck_assert_int_eq(zc_execute(&users[0], token), NOT_EXIST);
	buffer_destroy(&buffer);
}
END_TEST

START_TEST(only_a_plain_file_of_the_client_becomes_a_buffer)
{
	struct buffer buffer = buffer_create(4096);
	char other[CPG_ZERO_COPY_PATH_SIZE + 8];
	char path[256];

	join_all("1");
	ck_assert_int_eq(zc_alloc(&users[0], "/dev/null", 4096), ACCESS);
	ck_assert_int_eq(zc_alloc(&users[0], "/tmp", 4096), INVALID);
	ck_assert_int_eq(zc_alloc(&users[0], "/dev/shm", 4096), ACCESS);
	ck_assert_int_eq(zc_alloc(&users[0], "", 4096), INVALID);
	ck_assert_int_eq(zc_alloc(&users[0], "/", 4096), INVALID);
	ck_assert_int_eq(zc_alloc(&users[0], "relative/path", 4096), INVALID);
	ck_assert_int_eq(zc_alloc(&users[0], "/tmp/is/not/there", 4096), NOT_EXIST);
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[200] = '\0';
	ck_assert_int_eq(zc_alloc(&users[0], path, 4096), INVALID); /* no end within the field */

	/* Sizes: of the request against the header, the file and what a map can say. */
	ck_assert_int_eq(zc_alloc(&users[0], buffer.path, 55), INVALID);
	ck_assert_int_eq(zc_alloc(&users[0], buffer.path, 4097), INVALID);
	ck_assert_int_eq(zc_alloc(&users[0], buffer.path, UINT64_MAX), INVALID);
	ck_assert_int_eq(access(buffer.path, F_OK), 0); /* refused files stay */

	snprintf(other, sizeof(other), "%s.l", buffer.path);
	ck_assert_int_eq(symlink(buffer.path, other), 0);
	ck_assert_int_eq(zc_alloc(&users[0], other, 4096), ACCESS);
	unlink(other);
	ck_assert_int_eq(link(buffer.path, other), 0);
	ck_assert_int_eq(zc_alloc(&users[0], buffer.path, 4096), ACCESS);
	unlink(other);
	ck_assert_int_eq(mkfifo(other, 0600), 0);
	ck_assert_int_eq(zc_alloc(&users[0], other, 4096), ACCESS); /* and does not block */
	unlink(other);

	struct cpg_req_zc_alloc req = {.map_size = 4096};

	memcpy(req.path, buffer.path, sizeof(req.path));
	users[0].base.client->uid = getuid() + 1;
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ZC_ALLOC, &req, sizeof(req)), ACCESS);
	ck_assert_int_eq(zc_alloc(&users[0], buffer.path, 4096), OK);
	buffer_destroy(&buffer);
}
END_TEST

START_TEST(buffers_of_a_client_are_bounded_and_end_with_it)
{
	struct buffer buffers[65];

	join_all("1");
	for (int i = 0; i < 65; i++) {
		buffers[i] = buffer_create(64);
		ck_assert_int_eq(zc_alloc(&users[0], buffers[i].path, 64), i < 64 ? OK : NO_MEMORY);
	}

	int before = open("/dev/null", O_RDONLY);

	close(before);
	cpg_user_close(&users[0]);

	int after = open("/dev/null", O_RDONLY);

	ck_assert_int_lt(after, before); /* descriptors are free again */
	close(after);
	for (int i = 0; i < 65; i++)
		buffer_destroy(&buffers[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpg");
	TCase *tcase = tcase_create("cpg");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, members_see_joins_messages_and_leaves_in_one_order);
	tcase_add_test(tcase, a_client_that_dies_leaves_with_its_own_reason);
	tcase_add_test(tcase, a_message_sent_before_the_join_is_through_comes_behind_it);
	tcase_add_test(tcase, a_message_of_a_client_that_died_is_delivered);
	tcase_add_test(tcase, a_handle_can_join_again_after_it_left);
	tcase_add_test(tcase, a_leave_is_of_what_was_joined_whatever_the_request_says);
	tcase_add_test(
		tcase, the_first_configuration_of_the_ring_is_told_once_and_to_those_who_asked);
	tcase_add_test(tcase, a_finalized_client_hears_nothing_and_leaves_when_it_hangs_up);
	tcase_add_loop_test(tcase, one_process_is_in_a_group_once, 0, 4);
	tcase_add_loop_test(tcase, a_process_that_comes_back_at_once_waits_for_its_own_leave, 0, 3);
	tcase_add_test(tcase, nothing_changes_when_the_ring_has_no_room);
	tcase_add_loop_test(tcase, names_are_any_bytes_up_to_128, 0, 6);
	tcase_add_test(tcase, names_that_differ_behind_a_zero_byte_are_two_groups);
	tcase_add_test(tcase, bytes_behind_a_name_are_not_looked_at);
	tcase_add_test(tcase, safe_delivery_is_asked_for_when_the_client_does);
	tcase_add_test(tcase, fragments_pass_one_by_one);
	tcase_add_test(tcase, a_change_of_the_group_interrupts_a_fragmented_message);
	tcase_add_test(tcase, membership_and_node_id_are_told_to_anybody);
	tcase_add_test(tcase, a_membership_answer_is_cut_at_384);
	tcase_add_loop_test(tcase, iteration_shows_a_snapshot_in_the_usual_order, 0, 4);
	tcase_add_test(tcase, the_name_counts_with_iterations_of_one_group_alone);
	tcase_add_test(tcase, iterations_of_a_client_are_bounded_and_end_with_it);
	tcase_add_loop_test(tcase, requests_of_any_length_and_content_are_survived, 0, 4);
	tcase_add_loop_test(tcase, lengths_in_requests_are_held_against_the_request, 0, 11);
	tcase_add_test(tcase, a_client_that_is_thrown_out_in_the_middle_of_an_event_is_survived);
	tcase_add_test(tcase, a_shared_buffer_is_sent_again_and_again);
	tcase_add_test(tcase, a_shared_buffer_is_checked_before_each_use);
	tcase_add_test(tcase, only_a_plain_file_of_the_client_becomes_a_buffer);
	tcase_add_test(tcase, buffers_of_a_client_are_bounded_and_end_with_it);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
