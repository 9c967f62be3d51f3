/* SPDX-License-Identifier: BSD-3-Clause */
/* The EVS service: requests of clients, messages from the ring, configurations. */
#include "tests/unit/services/evs/evs_case.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/fail_alloc.h"
#include "tests/unit/service_rights.h"

/* ---- Messages ---- */

START_TEST(a_message_reaches_the_groups_it_names)
{
	for (uint32_t i = 0; i < 4; i++) {
		connect_user(i);
		expect(i, "regular 1.8 members 1 2 left joined safe");
	}
	ck_assert_int_eq(join(0, "a"), OK);
	ck_assert_int_eq(join(1, "ab"), OK);
	ck_assert_int_eq(join(2, "b"), OK);
	ck_assert_int_eq(mcast_joined(0, AGREED, "to a"), OK);
	ck_assert_int_eq(mcast_joined(1, AGREED, "to a and b"), OK);
	ck_assert_int_eq(mcast_joined(3, AGREED, "to nobody"), OK);
	ck_assert_int_eq(mcast_groups(3, AGREED, "bc", "to b and c", 10), OK);
	ck_assert_int_eq(mcast_groups(0, AGREED, "", "to nobody", 9), OK);
	ck_assert_int_eq(mcast_groups(3, AGREED, "a", "", 0), OK);
	ck_assert_uint_eq(host->sent.count, 6);
	run_ring();
	expect(0, "1: to a");
	expect(0, "1: to a and b");
	expect(0, "1: ");
	expect(1, "1: to a");
	expect(1, "1: to a and b");
	expect(1, "1: to b and c");
	expect(1, "1: ");
	expect(2, "1: to a and b");
	expect(2, "1: to b and c");
	for (uint32_t i = 0; i < 4; i++)
		expect(i, "");
}
END_TEST

START_TEST(joining_and_leaving_take_effect_at_once)
{
	connect_user(0);
	expect(0, "regular 1.8 members 1 2 left joined safe");
	ck_assert_int_eq(join(0, "a"), OK);
	ck_assert_int_eq(mcast_joined(0, AGREED, "in time"), OK);
	run_ring();
	expect(0, "1: in time");
	/*
	 * The groups of a message are those of its sender when it is sent. Its receivers are those in these groups when
	 * it is delivered.
	 */
	ck_assert_int_eq(mcast_joined(0, AGREED, "too late"), OK);
	ck_assert_int_eq(leave(0, "a"), OK);
	run_ring();
	expect(0, "");
	ck_assert_int_eq(mcast_groups(0, AGREED, "b", "just in time", 12), OK);
	ck_assert_int_eq(join(0, "b"), OK);
	run_ring();
	expect(0, "1: just in time");
	ck_assert_uint_eq(host->sent.count, 0);
}
END_TEST

START_TEST(a_group_joined_twice_is_left_twice)
{
	connect_user(0);
	expect(0, "regular 1.8 members 1 2 left joined safe");
	ck_assert_int_eq(join(0, "xax"), OK);
	ck_assert_int_eq(join(0, "a"), OK);
	ck_assert_int_eq(leave(0, "a"), OK);
	ck_assert_int_eq(mcast_groups(0, AGREED, "a", "once", 4), OK);
	run_ring();
	expect(0, "1: once");
	expect(0, "");
	ck_assert_int_eq(leave(0, "a"), OK);
	ck_assert_int_eq(leave(0, "a"), NOT_EXIST);
	ck_assert_int_eq(leave(0, "xax"), NOT_EXIST); /* the client is in group x twice, and leaves it once */
	ck_assert_int_eq(leave(0, "x"), OK);
	ck_assert_int_eq(leave(0, "x"), NOT_EXIST);
	ck_assert_int_eq(leave(0, ""), OK);
	ck_assert_int_eq(join(0, ""), OK);
}
END_TEST

START_TEST(all_bytes_of_a_group_count)
{
	struct evs_wire_group groups[2];
	struct {
		struct evs_req_groups req;
		struct evs_wire_group group;
	} joining = {.req = {.header = {.id = EVS_REQ_JOIN, .size = sizeof(joining)}, .group_count = 1}};

	memset(groups, 0, sizeof(groups));
	groups[1].key[31] = 1;
	connect_user(0);
	read_events[0] = 1;
	joining.group = groups[0];
	ck_assert_int_eq(request(0, &joining, sizeof(joining), EVS_RES_JOIN), OK);
	ck_assert_int_eq(mcast_groups(0, AGREED, "a", "no", 2), OK);
	memcpy(host->sent.list[0].data + 16, &groups[1], sizeof(groups[1]));
	run_ring();
	expect(0, "");
	ck_assert_int_eq(mcast_groups(0, AGREED, "a", "yes", 3), OK);
	memcpy(host->sent.list[0].data + 16, &groups[0], sizeof(groups[0]));
	run_ring();
	expect(0, "1: yes");
}
END_TEST

START_TEST(guarantees)
{
	static const struct {
		uint32_t asked;
		int32_t answer;
		uint32_t sent;
	} rows[] = {
		{UNORDERED, OK, COTERIE_AGREED},
		{FIFO, OK, COTERIE_AGREED},
		{AGREED, OK, COTERIE_AGREED},
		{SAFE, OK, COTERIE_SAFE},
		{SAFE + 1, INVALID_PARAM, 0},
		{UINT32_MAX, INVALID_PARAM, 0},
	};

	connect_user(0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int how = 0; how < 2; how++) {
			ck_assert_int_eq(how == 0 ? mcast_joined(0, rows[i].asked, "x")
						  : mcast_groups(0, rows[i].asked, "a", "x", 1),
				rows[i].answer);
			ck_assert_uint_eq(host->sent.count, rows[i].answer == OK);
			if (rows[i].answer == OK)
				ck_assert_uint_eq(host->sent.list[0].guarantee, rows[i].sent);
			mock_queue_clear(&host->sent);
		}
	}
	/*
	 * A safe message is sent as safe even if the ring cannot keep that now, since another ring may carry the
	 * message.
	 */
	host->is_safe_kept = false;
	ck_assert_int_eq(mcast_joined(0, SAFE, "x"), OK);
	ck_assert_uint_eq(host->sent.list[0].guarantee, COTERIE_SAFE);
}
END_TEST

START_TEST(what_is_sent_is_what_the_ring_defines)
{
	struct evs_ring_mcast mcast;
	const struct mock_message *sent;

	connect_user(0);
	ck_assert_int_eq(mcast_groups(0, AGREED, "xy", "hello", 5), OK);
	sent = &host->sent.list[0];
	ck_assert_uint_eq(sent->id, EVS_RING_MCAST);
	ck_assert_uint_eq(sent->size, 16 + 64 + 5);
	memcpy((uint8_t *)&mcast + 16, sent->data, 16);
	ck_assert_uint_eq(mcast.group_count, 2);
	ck_assert_uint_eq(mcast.msglen, 5);
	ck_assert_mem_eq(sent->data + 16, "x\0\0", 3);
	ck_assert_mem_eq(sent->data + 48, "y\0\0", 3);
	ck_assert_mem_eq(sent->data + 80, "hello", 5);
	ck_assert_uint_eq(ops->ring_id, 32);
}
END_TEST

START_TEST(a_full_ring)
{
	connect_user(0);
	host->ring_send_rc = -EAGAIN;
	ck_assert_int_eq(mcast_joined(0, AGREED, "x"), TRY_AGAIN);
	ck_assert_int_eq(mcast_groups(0, SAFE, "a", "x", 1), TRY_AGAIN);
	host->ring_send_rc = -EMSGSIZE;
	ck_assert_int_eq(mcast_joined(0, AGREED, "x"), TOO_BIG);
	for (uint32_t i = 0; i < ops->request_count; i++)
		ck_assert_uint_eq(ops->requests[i].flags & COTERIE_NEEDS_FLOW,
			ops->requests[i].id == EVS_REQ_MCAST_JOINED || ops->requests[i].id == EVS_REQ_MCAST_GROUPS
				? COTERIE_NEEDS_FLOW
				: 0);
}
END_TEST

START_TEST(a_client_that_is_held_back_begins_no_message)
{
	connect_user(0);
	join(0, "a");
	users[0]->is_held = true;
	ck_assert_int_eq(mcast_joined(0, AGREED, "x"), TRY_AGAIN);
	ck_assert_int_eq(mcast_groups(0, SAFE, "a", "x", 1), TRY_AGAIN);
	ck_assert_uint_eq(host->sent.count, 0);
	ck_assert_int_eq(leave(0, "a"), OK);
	users[0]->is_held = false;
	ck_assert_int_eq(mcast_groups(0, SAFE, "a", "x", 1), OK);
}
END_TEST

/* ---- Configurations ---- */

static void configure(bool is_regular, uint64_t seq, const char *members, const char *left, const char *joined)
{
	const char *texts[3] = {members, left, joined};
	uint32_t lists[3][16], counts[3] = {0};

	for (int i = 0; i < 3; i++) {
		for (const char *at = texts[i]; *at != '\0'; at++)
			lists[i][counts[i]++] = (uint32_t)(*at - '0');
	}

	struct coterie_configuration configuration = {
		.size = sizeof(configuration),
		.is_regular = is_regular,
		.ring = {.representative = 1, .seq = seq},
		.members = lists[0],
		.left = lists[1],
		.joined = lists[2],
		.member_count = counts[0],
		.left_count = counts[1],
		.joined_count = counts[2],
	};

	if (is_regular) {
		host->ring = configuration.ring;
		host->member_count = counts[0];
		memcpy(host->members, lists[0], sizeof(lists[0]));
	}
	ops->configuration(self, &configuration);
}

START_TEST(configurations_are_in_the_stream)
{
	connect_user(0);
	ck_assert_int_eq(join(0, "a"), OK);
	connect_user(1); /* a client in no group gets configurations as well */
	ck_assert_int_eq(mcast_joined(0, SAFE, "before"), OK);
	run_ring();
	configure(false, 12, "1", "2", "");
	ck_assert_int_eq(mcast_joined(0, SAFE, "of the old ring"), OK);
	run_ring();
	configure(true, 12, "134", "", "34");
	ck_assert_int_eq(mcast_joined(0, SAFE, "after"), OK);
	run_ring();
	expect(0, "regular 1.8 members 1 2 left joined safe");
	expect(0, "1: before");
	expect(0, "transitional 1.12 members 1 left 2 joined safe");
	expect(0, "1: of the old ring");
	expect(0, "regular 1.12 members 1 3 4 left joined 3 4 safe");
	expect(0, "1: after");
	expect(0, "");
	expect(1, "regular 1.8 members 1 2 left joined safe");
	expect(1, "transitional 1.12 members 1 left 2 joined safe");
	expect(1, "regular 1.12 members 1 3 4 left joined 3 4 safe");
	expect(1, "");
	/* A client that connects now sees only the current configuration. */
	connect_user(2);
	expect(2, "regular 1.12 members 1 3 4 left joined safe");
	expect(2, "");
}
END_TEST

START_TEST(the_flag_is_that_of_the_messages_that_follow)
{
	connect_user(0);
	read_events[0] = 1;
	configure(false, 12, "12", "", "");
	expect(0, "transitional 1.12 members 1 2 left joined safe");
	host->is_safe_kept = false; /* a node like Corosync's has joined */
	configure(true, 12, "123", "", "3");
	expect(0, "regular 1.12 members 1 2 3 left joined 3 unsafe");
	connect_user(1);
	expect(1, "regular 1.12 members 1 2 3 left joined unsafe");
	configure(false, 16, "12", "3", "");
	expect(0, "transitional 1.16 members 1 2 left 3 joined unsafe");
	host->is_safe_kept = true;
	configure(true, 16, "12", "", "");
	expect(0, "regular 1.16 members 1 2 left joined safe");
}
END_TEST

START_TEST(an_executive_that_cannot_tell)
{
	host->table.is_safe_kept = NULL;
	connect_user(0);
	expect(0, "regular 1.8 members 1 2 left joined unsafe");
	host->table.size = offsetof(struct coterie_host, is_safe_kept);
	connect_user(1);
	expect(1, "regular 1.8 members 1 2 left joined unsafe");
}
END_TEST

START_TEST(membership_get)
{
	struct evs_req_membership_get req = {.header = {.id = EVS_REQ_MEMBERSHIP_GET, .size = sizeof(req)}};
	static const uint32_t want[] = {1, 0, 2, 0, 1, 2};

	connect_user(0);
	ck_assert_int_eq(request(0, &req, sizeof(req), EVS_RES_MEMBERSHIP_GET), OK);
	ck_assert_uint_eq(users[0]->replies.list[0].size, sizeof(want));
	ck_assert_mem_eq(users[0]->replies.list[0].data, want, sizeof(want));
	host->member_count = 0;
	ck_assert_int_eq(request(0, &req, sizeof(req), EVS_RES_MEMBERSHIP_GET), OK);
	ck_assert_uint_eq(users[0]->replies.list[1].size, 16);
}
END_TEST

/* ---- Ends ---- */

START_TEST(clients_come_and_go)
{
	static const uint32_t order[] = {1, 3, 0, 2};

	for (uint32_t round = 0; round < 4; round++) {
		for (uint32_t i = 0; i < USERS; i++) {
			connect_user(i);
			ck_assert_int_eq(join(i, "ab"), OK);
			read_events[i] = 1;
		}
		for (uint32_t i = 0; i < USERS; i++) {
			ck_assert_int_eq(mcast_groups(order[(i + round) % 4], AGREED, "b", "x", 1), OK);
			disconnect_user(order[(i + round) % 4]);
			run_ring();
			for (uint32_t k = 0; k < USERS; k++) {
				if (users[k] != NULL) {
					expect(k, "1: x");
					expect(k, "");
				}
			}
		}
	}
}
END_TEST

/* The groups of user 0 are more than a request may have. */
START_TEST(clients_of_a_successor_keep_their_groups_when_others_end)
{
	for (uint32_t i = 0; i < 3; i++)
		connect_user(i);
	ck_assert_int_eq(join(0, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), OK);
	ck_assert_int_eq(join(0, "abcdefghijklmnopqrstuvwxyz"), OK);
	ck_assert_int_eq(join(2, "z"), OK);
	ck_assert_int_eq(mock_replace(host, ops, &self, false), 0);
	disconnect_user(1);
	ck_assert_int_eq(mcast_groups(0, AGREED, "z", "x", 1), OK);
	run_ring();
	for (uint32_t i = 0; i < 3; i += 2) {
		read_events[i] = 1;
		expect(i, "1: x");
	}
	ck_assert_int_eq(leave(0, "A"), OK);
	ck_assert_int_eq(leave(0, "A"), NOT_EXIST);
}
END_TEST

START_TEST(a_client_that_is_going_away_is_passed_over)
{
	for (uint32_t i = 0; i < 3; i++) {
		connect_user(i);
		ck_assert_int_eq(join(i, "a"), OK);
		read_events[i] = 1;
	}
	users[1]->event_rc = -ENOTCONN;
	ck_assert_int_eq(mcast_joined(0, AGREED, "x"), OK);
	run_ring();
	configure(false, 12, "12", "", "");
	for (uint32_t i = 0; i < 3; i += 2) {
		expect(i, "1: x");
		expect(i, "transitional 1.12 members 1 2 left joined safe");
	}
	expect(1, "");
}
END_TEST

START_TEST(out_of_memory)
{
	uint8_t data[16 + 32 + 1] = {[0] = 1, [8] = 1, [16] = 'a', [48] = 'x'};
	struct evs_ring_mcast head = {.group_count = 1, .msglen = 1};
	struct {
		struct evs_req_groups req;
		struct evs_wire_group group;
	} joining = {.req = {.header = {.id = EVS_REQ_JOIN, .size = sizeof(joining)}, .group_count = 1},
		.group = named("a")};
	void *other = NULL;
	int rc;

	connect_user(0);
	read_events[0] = 1;
	fail_alloc_at(1);
	rc = ops->init(&host->table, host, &other);
	ck_assert(fail_alloc_happened());
	ck_assert_int_eq(rc, -ENOMEM);

	fail_alloc_at(1);
	rc = ops->requests[EVS_REQ_JOIN].handle(self, users[0], &joining, sizeof(joining));
	ck_assert(fail_alloc_happened());
	ck_assert_int_eq(rc, -ENOMEM);
	rc = ops->requests[EVS_REQ_JOIN].handle(self, users[0], &joining, sizeof(joining));
	ck_assert_int_eq(rc, 0);

	for (unsigned int n = 1; n <= 2; n++) {
		struct iovec parts[1] = {{data + 16, sizeof(data) - 16}};

		fail_alloc_at(n);
		ops->ring_msgs[0].deliver_parts(self, 2, &head, parts, 1, 32 + 33);
		ck_assert(fail_alloc_happened());
		expect(0, "");
	}
	struct iovec parts[1] = {{data + 16, sizeof(data) - 16}};

	ops->ring_msgs[0].deliver_parts(self, 2, &head, parts, 1, 32 + 33);
	expect(0, "2: x");
}
END_TEST

START_TEST(dump)
{
	connect_user(0);
	connect_user(1);
	ck_assert_int_eq(join(0, "abc"), OK);
	ops->dump(self);
	ck_assert(mock_host_has_logged(host, "2 clients in 3 groups"));
}
END_TEST

/* ---- Rights of all requests ---------------------------------------------- */

static const struct service_right rights[] = {
	{EVS_REQ_JOIN, COTERIE_RIGHT_USE},
	{EVS_REQ_LEAVE, COTERIE_RIGHT_USE},
	{EVS_REQ_MCAST_JOINED, COTERIE_RIGHT_USE},
	{EVS_REQ_MCAST_GROUPS, COTERIE_RIGHT_USE},
	{EVS_REQ_MEMBERSHIP_GET, COTERIE_RIGHT_OBSERVE},
};

START_TEST(each_request_needs_its_right) { SERVICE_RIGHTS_CHECK(&evs_LTX_coterie_plugin, rights); }
END_TEST

int main(void)
{
	Suite *suite = suite_create("evs");
	TCase *tcase = evs_case_add(suite);

	tcase_add_test(tcase, a_message_reaches_the_groups_it_names);
	tcase_add_test(tcase, joining_and_leaving_take_effect_at_once);
	tcase_add_test(tcase, a_group_joined_twice_is_left_twice);
	tcase_add_test(tcase, all_bytes_of_a_group_count);
	tcase_add_test(tcase, guarantees);
	tcase_add_test(tcase, what_is_sent_is_what_the_ring_defines);
	tcase_add_test(tcase, a_full_ring);
	tcase_add_test(tcase, a_client_that_is_held_back_begins_no_message);
	tcase_add_test(tcase, configurations_are_in_the_stream);
	tcase_add_test(tcase, the_flag_is_that_of_the_messages_that_follow);
	tcase_add_test(tcase, an_executive_that_cannot_tell);
	tcase_add_test(tcase, membership_get);
	tcase_add_test(tcase, clients_come_and_go);
	tcase_add_test(tcase, clients_of_a_successor_keep_their_groups_when_others_end);
	tcase_add_test(tcase, a_client_that_is_going_away_is_passed_over);
	tcase_add_test(tcase, out_of_memory);
	tcase_add_test(tcase, dump);
	tcase_add_test(tcase, each_request_needs_its_right);
	return suite_run(suite);
}
