/* SPDX-License-Identifier: BSD-3-Clause */
/* The EVS service: invalid requests of clients and invalid messages of other nodes. */
#include "tests/unit/services/evs/evs_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Requests that are wrong ---- */

START_TEST(limits)
{
	static const struct {
		size_t groups, size;
		int32_t answer;
	} rows[] = {
		{0, EVS_MESSAGE_SIZE_MAX, OK},
		{0, EVS_MESSAGE_SIZE_MAX + 1, TOO_BIG},
		{30, EVS_MESSAGE_SIZE_MAX, OK},
		{31, EVS_MESSAGE_SIZE_MAX, TOO_BIG},
		{50, EVS_TOTAL_SIZE_MAX - 50 * 32, OK},
		{50, EVS_TOTAL_SIZE_MAX - 50 * 32 + 1, TOO_BIG},
		{51, 0, TOO_MANY_GROUPS},
	};
	char letters[64];
	uint8_t *bytes = calloc(1, EVS_IPC_SIZE_MAX);

	connect_user(0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(letters, 0, sizeof(letters));
		memset(letters, 'g', rows[i].groups);
		ck_assert_msg(mcast_groups(0, AGREED, letters, bytes, rows[i].size) == rows[i].answer, "row %zu", i);
	}
	free(bytes);
	memset(letters, 'g', 51);
	letters[51] = '\0';
	ck_assert_int_eq(join(0, letters), TOO_MANY_GROUPS);
	ck_assert_int_eq(leave(0, letters), TOO_MANY_GROUPS);
	ck_assert_int_eq(join(0, letters + 1), OK);
	ck_assert_int_eq(leave(0, letters + 1), OK);
}
END_TEST

START_TEST(sizes_that_do_not_add_up)
{
	struct evs_req_mcast_joined joined = {
		.header = {.id = EVS_REQ_MCAST_JOINED, .size = sizeof(joined)}, .guarantee = AGREED, .msglen = 1};
	struct {
		struct evs_req_mcast_groups req;
		struct evs_wire_group group;
		uint8_t message[8];
	} groups = {.req = {.header = {.id = EVS_REQ_MCAST_GROUPS, .size = sizeof(groups)}, .guarantee = AGREED}};
	static const struct {
		uint32_t groups, msglen;
		int32_t answer;
	} rows[] = {
		{1, 8, OK},
		{1, 9, INVALID_PARAM},
		{0, 40, OK},
		{0, 41, INVALID_PARAM},
		{2, 0, INVALID_PARAM},
		{50, 0, INVALID_PARAM},
		{UINT32_MAX, 0, TOO_MANY_GROUPS},
		{1, UINT32_MAX, INVALID_PARAM},
	};

	connect_user(0);
	ck_assert_int_eq(groups_request(0, EVS_REQ_JOIN, "ab", 3), INVALID_PARAM);
	ck_assert_int_eq(groups_request(0, EVS_REQ_JOIN, "ab", 1), OK);
	ck_assert_int_eq(groups_request(0, EVS_REQ_LEAVE, "a", 2), INVALID_PARAM);
	ck_assert_int_eq(groups_request(0, EVS_REQ_LEAVE, "a", UINT32_MAX), TOO_MANY_GROUPS);
	ck_assert_int_eq(request(0, &joined, sizeof(joined), EVS_RES_MCAST_JOINED), INVALID_PARAM);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		groups.req.group_count = rows[i].groups;
		groups.req.msglen = rows[i].msglen;
		ck_assert_msg(
			request(0, &groups, sizeof(groups), EVS_RES_MCAST_GROUPS) == rows[i].answer, "row %zu", i);
	}
	/* Check that the table refuses each size below the fixed part of a request. */
	for (uint32_t i = 0; i < ops->request_count; i++) {
		static const uint32_t fixed[EVS_REQ_MEMBERSHIP_GET + 1] = {24, 24, 32, 40, 16};

		ck_assert_uint_eq(ops->requests[i].id, i);
		ck_assert_uint_eq(ops->requests[i].size_min, fixed[i]);
		ck_assert_uint_eq(ops->requests[i].response_id, i + 2);
	}
}
END_TEST

START_TEST(groups_of_one_client_are_bounded)
{
	char letters[51] = {0};
	uint32_t joined = 0;

	memset(letters, 'g', 50);
	connect_user(0);
	while (joined + 50 <= EVS_CONNECTION_GROUPS_MAX) {
		letters[0] = (char)('a' + joined % 26);
		ck_assert_int_eq(join(0, letters), OK);
		joined += 50;
	}
	ck_assert_int_eq(join(0, letters), NO_MEMORY); /* a refused join adds no group */
	letters[EVS_CONNECTION_GROUPS_MAX - joined] = '\0';
	ck_assert_int_eq(join(0, letters), OK);
	ck_assert_int_eq(join(0, "g"), NO_MEMORY);
	ck_assert_int_eq(leave(0, "g"), OK);
	ck_assert_int_eq(join(0, "g"), OK);
	ck_assert_int_eq(mcast_joined(0, AGREED, "to all of them"), OK);
	run_ring();
	read_events[0] = 1;
	expect(0, "1: to all of them");
	expect(0, "");
}
END_TEST

static void connect_as(uint32_t i, uint32_t uid)
{
	users[i] = mock_client_create(host, ops->client_size, 100 + i);
	users[i]->uid = uid;
	ck_assert_int_eq(ops->client_join(self, users[i]), 0);
}

/* The same in a successor of the service (_i 1). */
START_TEST(groups_of_one_user_are_bounded)
{
	char letters[51] = {0};

	memset(letters, 'g', 50);
	connect_as(0, 1000);
	connect_as(1, 1000);
	connect_as(2, 1001);
	for (uint32_t joined = 0; joined + 50 <= EVS_CONNECTION_GROUPS_MAX; joined += 50)
		ck_assert_int_eq(join(joined / 50 % 2, letters), OK);
	if (_i == 1)
		ck_assert_int_eq(mock_replace(host, ops, &self, false), 0);
	ck_assert_int_eq(join(0, letters), NO_MEMORY);
	ck_assert_int_eq(join(1, letters), NO_MEMORY);
	ck_assert_int_eq(join(2, letters), OK); /* another user has a share of its own */
	ck_assert_int_eq(leave(1, letters), OK);
	ck_assert_int_eq(join(0, letters), OK);
	disconnect_user(1);
	ck_assert_int_eq(join(0, letters), OK);
}
END_TEST

/* A leave ends the membership in its groups one after the other, up to the first group in which the client is not. */
START_TEST(groups_leave_in_the_order_of_the_request)
{
	connect_user(0);
	read_events[0] = 1;
	ck_assert_int_eq(join(0, "abbbcz"), OK);
	ck_assert_int_eq(leave(0, "zbb"), OK);
	ck_assert_int_eq(leave(0, "z"), NOT_EXIST);
	/* The second b is an error. Before it c and one b were left, and a was not. */
	ck_assert_int_eq(leave(0, "cbbab"), NOT_EXIST);
	ck_assert_int_eq(leave(0, "b"), NOT_EXIST);
	ck_assert_int_eq(leave(0, "c"), NOT_EXIST);
	ck_assert_int_eq(mcast_groups(0, AGREED, "bcz", "nobody", 6), OK);
	ck_assert_int_eq(mcast_groups(0, AGREED, "a", "word", 4), OK);
	run_ring();
	expect(0, "1: word");
	expect(0, "");
	ck_assert_int_eq(leave(0, "a"), OK);
	ck_assert_int_eq(leave(0, ""), OK);
}
END_TEST

/* ---- Messages of other nodes ---- */

START_TEST(messages_of_the_other_byte_order)
{
	connect_user(0);
	read_events[0] = 1;
	ck_assert_int_eq(join(0, "y"), OK);
	ck_assert_int_eq(mcast_groups(0, AGREED, "xy", "hello", 5), OK);
	for (int i = 0; i < 2; i++) {
		uint64_t *field = (uint64_t *)(void *)host->sent.list[0].data + i;

		*field = __builtin_bswap64(*field);
	}
	ck_assert_int_eq(mock_deliver(ops, self, 2, true, &host->sent.list[0]), 0);
	expect(0, "2: hello");
}
END_TEST

START_TEST(malformed_messages_are_dropped)
{
	static const struct {
		uint64_t groups, msglen;
		uint32_t size; /* bytes behind the fixed part */
		bool is_delivered;
	} rows[] = {
		{1, 4, 36, true},
		{1, 4, 35, false},
		{1, 4, 37, false},
		{0, 36, 36, false}, /* well-formed, but without a group */
		{2, 0, 36, false},
		{1, UINT64_C(0x100000004), 36, false},
		/* A count whose size in bytes wraps around to the size of one group. */
		{UINT64_C(0x800000000000001), 4, 36, false},
		{UINT64_MAX, 36, 36, false},
		{1, UINT64_MAX, 36, false},
		{1, 0, 32, true},
	};

	connect_user(0);
	read_events[0] = 1;
	ck_assert_int_eq(join(0, "a"), OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t bytes[16 + 64] = {0};
		struct mock_message message = {.id = EVS_RING_MCAST, .size = 16 + rows[i].size, .data = bytes};

		memcpy(bytes, &rows[i].groups, 8);
		memcpy(bytes + 8, &rows[i].msglen, 8);
		bytes[16] = 'a';
		memcpy(bytes + 48, "word", 4);
		ck_assert_int_eq(mock_deliver(ops, self, 2, false, &message), 0);
		if (rows[i].is_delivered)
			expect(0, rows[i].msglen == 4 ? "2: word" : "2: ");
		else
			expect(0, "");
	}
	ck_assert(mock_host_has_logged(host, "message of node 2 dropped"));
}
END_TEST

/* Try lists of all lengths and orders, with or without a common group, even longer than a client's list can be. */
START_TEST(groups_of_a_message_meet_those_of_a_client)
{
	enum { MOST = EVS_CONNECTION_GROUPS_MAX };
	static const uint32_t counts[] = {1, 3, 50, 700, MOST, MOST + 1};
	struct mock_message message = {.id = EVS_RING_MCAST};
	uint64_t head[2] = {0, 4};
	char letters[51] = "bdfhjlnprtvxz";

	message.data = calloc(1, 16 + (MOST + 1) * 32 + 4);
	connect_user(0);
	connect_user(1);
	read_events[0] = read_events[1] = 1;
	ck_assert_int_eq(join(0, letters), OK);
	ck_assert_int_eq(join(1, "q"), OK);
	for (size_t i = 0; i < 2 * sizeof(counts) / sizeof(counts[0]); i++) {
		uint32_t count = counts[i / 2];

		head[0] = count;
		memcpy(message.data, head, sizeof(head));
		message.size = 16 + count * 32 + 4;
		for (uint32_t k = 0; k < count; k++) { /* descending order, and none of a client's groups */
			memset(message.data + 16 + k * 32, 0, 32);
			snprintf((char *)message.data + 16 + k * 32, 32, "%c%05u", 'y' - (int)(k % 25), count - k);
		}
		if (i % 2 == 1)
			memcpy(message.data + 16 + (count - 1) * 32, "n\0\0\0\0\0", 6);
		memcpy(message.data + message.size - 4, "word", 4);
		ck_assert_int_eq(mock_deliver(ops, self, 2, false, &message), 0);
		expect(0, i % 2 == 1 && count <= MOST ? "2: word" : "");
		expect(1, "");
	}
	free(message.data);
}
END_TEST

START_TEST(a_message_longer_than_clients_can_read)
{
	struct mock_message message = {.id = EVS_RING_MCAST, .size = 16 + 32 + EVS_MESSAGE_SIZE_MAX + 1};
	uint64_t head[2] = {1, EVS_MESSAGE_SIZE_MAX + 1};

	message.data = calloc(1, message.size);
	memcpy(message.data, head, sizeof(head));
	message.data[16] = 'a';
	connect_user(0);
	read_events[0] = 1;
	ck_assert_int_eq(join(0, "a"), OK);
	ck_assert_int_eq(mock_deliver(ops, self, 2, false, &message), 0);
	expect(0, "");
	head[1]--;
	message.size--;
	memcpy(message.data, head, sizeof(head));
	ck_assert_int_eq(mock_deliver(ops, self, 2, false, &message), 0);
	ck_assert_uint_eq(users[0]->events.list[1].size, EVS_MESSAGE_SIZE_MAX + 16);
	free(message.data);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("evs_hostile");
	TCase *tcase = evs_case_add(suite);

	tcase_add_test(tcase, limits);
	tcase_add_test(tcase, sizes_that_do_not_add_up);
	tcase_add_test(tcase, groups_of_one_client_are_bounded);
	tcase_add_loop_test(tcase, groups_of_one_user_are_bounded, 0, 2);
	tcase_add_test(tcase, groups_leave_in_the_order_of_the_request);
	tcase_add_test(tcase, messages_of_the_other_byte_order);
	tcase_add_test(tcase, malformed_messages_are_dropped);
	tcase_add_test(tcase, groups_of_a_message_meet_those_of_a_client);
	tcase_add_test(tcase, a_message_longer_than_clients_can_read);
	return suite_run(suite);
}
