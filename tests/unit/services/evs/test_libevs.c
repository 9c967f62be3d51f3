/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libevs with a daemon whose answers the test chooses. The daemon returns a message to the joined groups as an event
 * with the same bytes. It returns any other request as the message of an event, so that a test can check the request's
 * bytes. The first byte of the first group is the error code of the answer (0: CS_OK). A request without groups is only
 * answered.
 */
#include <corosync/evs.h>

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "services/evs/messages.h"
#include "tests/suite.h"
#include "tests/unit/services/client/fake_daemon.h"
#include "tests/unit/services/client/lib_case.h"

enum { NODEID = 42 };

/* ---- The daemon, a process of its own ---- */

/*
 * Ways in which the answer to membership_get is invalid. The second byte of the group that was joined last selects one.
 */
enum { FINE, HEADER_ONLY, ONE_TOO_MANY, FAR_TOO_MANY };
static uint8_t spoilt;
static uint32_t members; /* number of members in answers: that of the joined groups */

static void echo(qb_ipcs_connection_t *c, const void *request, size_t size)
{
	struct evs_event_deliver event = {
		.header = {.id = EVS_EVENT_DELIVER, .size = (int32_t)(sizeof(event) + size)},
		.nodeid = NODEID,
		.msglen = (uint32_t)size,
	};
	struct iovec iov[2] = {{&event, sizeof(event)}, {(void *)(uintptr_t)request, size}};

	while (qb_ipcs_event_sendv(c, iov, 2) == -EAGAIN)
		poll(NULL, 0, 1);
}

static void answer_membership(qb_ipcs_connection_t *c)
{
	union {
		struct evs_res_membership_get head;
		uint32_t words[10 + EVS_REQUEST_GROUPS_MAX];
	} response = {.head = {.local_nodeid = NODEID, .member_count = members}};
	size_t size = sizeof(response.head) + members * sizeof(uint32_t);

	for (uint32_t i = 0; i < members; i++)
		response.words[10 + i] = 100 + i;
	if (spoilt == ONE_TOO_MANY)
		response.head.member_count++;
	if (spoilt == FAR_TOO_MANY)
		response.head.member_count = UINT32_MAX;
	fake_daemon_answer(c, &response, spoilt == HEADER_ONLY ? 24 : size, EVS_RES_MEMBERSHIP_GET, CS_OK);
}

static void answer_groups(qb_ipcs_connection_t *c, const struct evs_wire_group *group, uint32_t count, int32_t id)
{
	struct evs_res_plain plain = {0};

	fake_daemon_answer(c, &plain, sizeof(plain), id, count == 0 || group->key[0] == 0 ? CS_OK : group->key[0]);
}

static int32_t serve_request(qb_ipcs_connection_t *c, void *data, size_t size)
{
	const struct evs_req_groups *groups = data;
	const struct evs_req_mcast_joined *joined = data;
	const struct evs_req_mcast_groups *mcast = data;

	switch (groups->header.id) {
	case EVS_REQ_JOIN:
		members = groups->group_count;
		spoilt = members == 0 ? FINE : groups->groups[0].key[1];
		__attribute__((fallthrough));
	case EVS_REQ_LEAVE:
		if (groups->group_count > 0)
			echo(c, data, size);
		answer_groups(c, groups->groups, groups->group_count, groups->header.id + 2);
		break;
	case EVS_REQ_MCAST_JOINED:
		qb_ipcs_event_send(c, joined->message, joined->msglen);
		answer_groups(c, NULL, 0, EVS_RES_MCAST_JOINED);
		break;
	case EVS_REQ_MCAST_GROUPS:
		echo(c, data, size <= 4096 ? size : 4096);
		answer_groups(c, mcast->groups, mcast->group_count, EVS_RES_MCAST_GROUPS);
		break;
	case EVS_REQ_MEMBERSHIP_GET:
		answer_membership(c);
		break;
	}
	return 0;
}

/* ---- Fixture ---- */

static pid_t server;
static evs_handle_t handle;
static const struct lib_calls calls = {evs_dispatch, evs_fd_get, evs_finalize};
static struct {
	unsigned int delivers, confchgs;
	unsigned int nodeid;
	size_t size;
	union {
		uint8_t bytes[8192]; /* bytes of the last message, as far as there is room */
		struct evs_req_groups groups;
		struct evs_req_mcast_groups mcast;
	};
	unsigned int lists[16]; /* members, left, joined */
	size_t members, left, joined;
	struct evs_ring_id ring;
} seen;

static void on_deliver(evs_handle_t h, unsigned int nodeid, const void *msg, size_t size)
{
	(void)h;
	seen.delivers++;
	seen.nodeid = nodeid;
	seen.size = size;
	memcpy(seen.bytes, msg, size < sizeof(seen.bytes) ? size : sizeof(seen.bytes));
}

static void on_confchg(evs_handle_t h, const unsigned int *member_list, size_t member_count, const unsigned int *left,
	size_t left_count, const unsigned int *joined, size_t joined_count, const struct evs_ring_id *ring)
{
	(void)h;
	seen.confchgs++;
	seen.members = member_count;
	seen.left = left_count;
	seen.joined = joined_count;
	seen.ring = *ring;
	ck_assert_uint_le(member_count + left_count + joined_count, 16);
	memcpy(seen.lists, member_list, member_count * sizeof(*member_list));
	memcpy(seen.lists + member_count, left, left_count * sizeof(*left));
	memcpy(seen.lists + member_count + left_count, joined, joined_count * sizeof(*joined));
}

static evs_callbacks_t callbacks = {on_deliver, on_confchg};

static void set_up(void)
{
	server = fake_daemon_start("evs", serve_request);
	memset(&seen, 0, sizeof(seen));
	ck_assert_int_eq(evs_initialize(&handle, &callbacks), CS_OK);
}

static void tear_down(void)
{
	evs_finalize(handle);
	fake_daemon_stop(server);
}

static void send_event(const void *bytes, size_t size)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};

	ck_assert_int_eq(evs_mcast_joined(handle, EVS_TYPE_AGREED, &iov, 1), CS_OK);
}

/* ---- Events ---- */

START_TEST(message_delivered)
{
	union {
		struct evs_event_deliver event;
		uint8_t bytes[sizeof(struct evs_event_deliver) + 5];
	} sent = {.event = {
			  .header = {.id = EVS_EVENT_DELIVER, .size = sizeof(sent), .error = -1},
			  .nodeid = 7,
			  .msglen = 5,
		  }};

	memcpy(sent.bytes + sizeof(sent.event), "hello", 5);
	send_event(&sent, sizeof(sent.bytes));
	ck_assert_int_eq(evs_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
	ck_assert_uint_eq(seen.delivers, 1);
	ck_assert_uint_eq(seen.nodeid, 7);
	ck_assert_uint_eq(seen.size, 5);
	ck_assert_mem_eq(seen.bytes, "hello", 5);
}
END_TEST

START_TEST(configuration_delivered)
{
	static const struct {
		uint32_t type, flags, want;
	} rows[] = {
		{EVS_WIRE_REGULAR, 0, 0}, {EVS_WIRE_TRANSITIONAL, 0, EVS_CONFIGURATION_TRANSITIONAL},
		{EVS_WIRE_REGULAR, EVS_WIRE_SAFE_KEPT, EVS_CONFIGURATION_SAFE},
		{EVS_WIRE_TRANSITIONAL, EVS_WIRE_SAFE_KEPT, EVS_CONFIGURATION_TRANSITIONAL | EVS_CONFIGURATION_SAFE},
		{EVS_WIRE_REGULAR, ~EVS_WIRE_SAFE_KEPT, 0}, /* flags that this version does not define */
	};
	union {
		struct evs_event_confchg event;
		uint32_t words[18 + 6];
	} sent = {.event = {
			  .header = {.id = EVS_EVENT_CONFCHG, .size = sizeof(sent)},
			  .ring_id = {.nodeid = 3, .seq = UINT64_C(0x123456789a)},
			  .member_count = 3,
			  .left_count = 2,
			  .joined_count = 1,
		  }};
	static const uint32_t lists[6] = {1, 2, 3, 4, 5, 6};

	memcpy(sent.words + 18, lists, sizeof(lists));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sent.event.type = rows[i].type;
		sent.event.flags = rows[i].flags;
		send_event(&sent, sizeof(sent));
		ck_assert_int_eq(evs_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
		ck_assert_uint_eq(seen.ring.flags, rows[i].want);
		ck_assert_uint_eq(seen.ring.nodeid, 3);
		ck_assert_uint_eq(seen.ring.seq, UINT64_C(0x123456789a));
		ck_assert_uint_eq(seen.members, 3);
		ck_assert_uint_eq(seen.left, 2);
		ck_assert_uint_eq(seen.joined, 1);
		ck_assert_mem_eq(seen.lists, lists, sizeof(lists));
	}
}
END_TEST

/* Each row makes one field of a valid event invalid. */
START_TEST(malformed_events)
{
	static const struct spoilt_event rows[] = {
		{"unknown id", 2, 72, 0, 2, CS_ERR_LIBRARY},
		{"negative id", -7, 72, 0, (uint32_t)-7, CS_ERR_LIBRARY},
		{"header cut", 0, 23, 0, 0, CS_ERR_LIBRARY},
		{"deliver cut", 0, 39, 0, 0, CS_ERR_LIBRARY},
		{"deliver empty", 0, 40, 32, 0, CS_OK},
		{"deliver one byte too many", 0, 40, 32, 1, CS_ERR_LIBRARY},
		{"deliver exact", 0, 44, 32, 4, CS_OK},
		{"deliver far too many", 0, 44, 32, UINT32_MAX, CS_ERR_LIBRARY},
		{"confchg cut", 1, 71, 0, 1, CS_ERR_LIBRARY},
		{"confchg empty", 1, 72, 0, 1, CS_OK},
		{"confchg one member", 1, 76, 48, 1, CS_OK},
		{"confchg one member too many", 1, 75, 48, 1, CS_ERR_LIBRARY},
		{"confchg left too many", 1, 76, 56, 2, CS_ERR_LIBRARY},
		{"confchg joined far too many", 1, 76, 64, UINT32_MAX, CS_ERR_LIBRARY},
		{"confchg unknown type", 1, 72, 40, 2, CS_OK},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t bytes[128] = {0};
		unsigned int before = seen.delivers + seen.confchgs;

		spoilt_event_make(&rows[i], bytes);
		send_event(bytes, rows[i].size);
		spoilt_event_expect(&rows[i], &calls, handle);
		ck_assert_msg(seen.delivers + seen.confchgs - before == (rows[i].code == CS_OK), "%s", rows[i].name);
	}
}
END_TEST

START_TEST(no_callbacks)
{
	struct evs_event_deliver deliver = {.header = {.id = EVS_EVENT_DELIVER}};
	struct evs_event_confchg confchg = {.header = {.id = EVS_EVENT_CONFCHG}};
	struct iovec iov[2] = {{&deliver, sizeof(deliver)}, {&confchg, sizeof(confchg)}};
	evs_handle_t other;

	ck_assert_int_eq(evs_initialize(&other, NULL), CS_OK);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(evs_mcast_joined(other, EVS_TYPE_AGREED, &iov[i], 1), CS_OK);
	ck_assert_int_eq(evs_dispatch(other, CS_DISPATCH_ONE_NONBLOCKING), CS_OK);
	ck_assert_int_eq(evs_dispatch(other, CS_DISPATCH_ONE_NONBLOCKING), CS_OK);
	ck_assert_int_eq(evs_dispatch(other, CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN);
	ck_assert_int_eq(evs_finalize(other), CS_OK);
}
END_TEST

/* ---- Requests ---- */

static void *block(uint8_t first, size_t size)
{
	uint8_t *bytes = malloc(size + 1);

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(first + i);
	return bytes;
}

START_TEST(join_and_leave)
{
	struct evs_group *groups = block(0, 120 * sizeof(*groups));

	for (int i = 0; i < 120; i++)
		groups[i].key[0] = 0;
	ck_assert_int_eq(evs_join(handle, groups, EVS_REQUEST_GROUPS_MAX), CS_OK);
	evs_dispatch(handle, CS_DISPATCH_ONE);
	ck_assert_uint_eq(seen.size, 24 + 32 * EVS_REQUEST_GROUPS_MAX);
	ck_assert_int_eq(seen.groups.header.id, EVS_REQ_JOIN);
	ck_assert_int_eq(seen.groups.header.size, 24 + 32 * EVS_REQUEST_GROUPS_MAX);
	ck_assert_uint_eq(seen.groups.group_count, EVS_REQUEST_GROUPS_MAX);
	ck_assert_mem_eq(seen.groups.groups, groups, 32 * EVS_REQUEST_GROUPS_MAX);
	ck_assert_int_eq(evs_join(handle, groups, EVS_REQUEST_GROUPS_MAX + 1), CS_ERR_TOO_MANY_GROUPS);
	ck_assert_int_eq(evs_join(handle, groups, SIZE_MAX), CS_ERR_TOO_MANY_GROUPS);
	ck_assert_int_eq(evs_join(handle, NULL, 0), CS_OK);

	/* Any number of groups can be sent, in requests of 50 groups. */
	seen.delivers = 0;
	ck_assert_int_eq(evs_leave(handle, groups, 120), CS_OK);
	while (evs_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING) == CS_OK)
		;
	ck_assert_uint_eq(seen.delivers, 3);
	ck_assert_int_eq(seen.groups.header.id, EVS_REQ_LEAVE);
	ck_assert_uint_eq(seen.groups.group_count, 20);
	ck_assert_mem_eq(seen.groups.groups, groups + 100, 20 * sizeof(*groups));

	/* The first request that is refused ends the call. */
	seen.delivers = 0;
	groups[50].key[0] = CS_ERR_NOT_EXIST;
	ck_assert_int_eq(evs_leave(handle, groups, 120), CS_ERR_NOT_EXIST);
	ck_assert_int_eq(evs_leave(handle, NULL, 0), CS_OK);
	evs_dispatch(handle, CS_DISPATCH_ALL);
	ck_assert_uint_eq(seen.delivers, 2);
	free(groups);
}
END_TEST

START_TEST(mcast_to_groups)
{
	struct evs_group *groups = block(0, EVS_REQUEST_GROUPS_MAX * sizeof(*groups));
	char text[] = "abcde";
	struct iovec iov[3] = {{text, 3}, {NULL, 0}, {text + 3, 2}};

	ck_assert_int_eq(evs_mcast_groups(handle, EVS_TYPE_SAFE, groups, 2, iov, 3), CS_OK);
	evs_dispatch(handle, CS_DISPATCH_ONE);
	ck_assert_uint_eq(seen.size, 40 + 64 + 5);
	ck_assert_int_eq(seen.mcast.header.id, EVS_REQ_MCAST_GROUPS);
	ck_assert_int_eq(seen.mcast.header.size, 40 + 64 + 5);
	ck_assert_uint_eq(seen.mcast.guarantee, 3);
	ck_assert_uint_eq(seen.mcast.msglen, 5);
	ck_assert_uint_eq(seen.mcast.group_count, 2);
	ck_assert_mem_eq(seen.mcast.groups, groups, 64);
	ck_assert_mem_eq(seen.bytes + 40 + 64, "abcde", 5);

	ck_assert_int_eq(evs_mcast_groups(handle, EVS_TYPE_FIFO, NULL, 0, NULL, 0), CS_OK);
	evs_dispatch(handle, CS_DISPATCH_ONE);
	ck_assert_uint_eq(seen.size, 40);
	ck_assert_uint_eq(seen.mcast.guarantee, 1);

	groups[0].key[0] = CS_ERR_INVALID_PARAM;
	ck_assert_int_eq(evs_mcast_groups(handle, EVS_TYPE_AGREED, groups, 1, iov, 3), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(evs_mcast_groups(handle, EVS_TYPE_AGREED, groups, EVS_REQUEST_GROUPS_MAX + 1, iov, 3),
		CS_ERR_TOO_MANY_GROUPS);
	free(groups);
}
END_TEST

START_TEST(sizes_of_messages)
{
	static const struct {
		size_t size;
		size_t groups;
		cs_error_t code;
	} rows[] = {
		{1047552, 0, CS_OK},
		{1047553, 0, CS_ERR_TOO_BIG},
		{1047552, 30, CS_OK},
		{1047552, 31, CS_ERR_TOO_BIG},
		{1048536 - 50 * 32, 50, CS_OK},
		{1048537 - 50 * 32, 50, CS_ERR_TOO_BIG},
		{SIZE_MAX, 1, CS_ERR_TOO_BIG},
	};
	struct evs_group groups[50] = {0};
	uint8_t *bytes = calloc(1, 1047553);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct iovec iov[2] = {{bytes, rows[i].size}, {bytes, 0}};
		cs_error_t rc;

		/* Repeat a refused call: the daemon frees a request's place in the ring only after its answer. */
		while ((rc = evs_mcast_groups(handle, EVS_TYPE_AGREED, groups, rows[i].groups, iov, 2)) ==
			CS_ERR_TRY_AGAIN)
			poll(NULL, 0, 1);
		ck_assert_msg(rc == rows[i].code, "row %zu: %d", i, rc);
		evs_dispatch(handle, CS_DISPATCH_ALL);
	}
	/* Each part is short enough, but not their sum. In the second call the sum overflows size_t. */
	struct iovec parts[3] = {{bytes, 1047552}, {bytes, 1}, {bytes, SIZE_MAX}};

	ck_assert_int_eq(evs_mcast_joined(handle, EVS_TYPE_AGREED, parts, 2), CS_ERR_TOO_BIG);
	ck_assert_int_eq(evs_mcast_joined(handle, EVS_TYPE_AGREED, parts, 3), CS_ERR_TOO_BIG);
	free(bytes);
}
END_TEST

/* Check the longest event that is possible. */
START_TEST(longest_event)
{
	size_t size = sizeof(struct evs_event_deliver) + EVS_MESSAGE_SIZE_MAX - 40;
	struct evs_event_deliver *event = calloc(1, size);

	event->header.id = EVS_EVENT_DELIVER;
	event->msglen = (uint32_t)(size - sizeof(*event));
	send_event(event, size);
	ck_assert_int_eq(evs_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
	ck_assert_uint_eq(seen.size, size - sizeof(*event));
	free(event);
}
END_TEST

START_TEST(more_vectors_than_libqb_takes)
{
	enum { COUNT = 200 };
	uint8_t *bytes = block(5, COUNT);
	struct evs_group group = {.key = "\0g"};
	struct iovec iov[COUNT];

	for (size_t i = 0; i < COUNT; i++)
		iov[i] = (struct iovec){bytes + i, 1};
	for (unsigned int count = 61; count <= COUNT; count += count < 66 ? 1 : 67) {
		ck_assert_int_eq(evs_mcast_groups(handle, EVS_TYPE_AGREED, &group, 1, iov, count), CS_OK);
		ck_assert_int_eq(evs_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
		ck_assert_uint_eq(seen.mcast.msglen, count);
		ck_assert_mem_eq(seen.bytes + 72, bytes, count);
	}
	free(bytes);
}
END_TEST

START_TEST(membership)
{
	struct evs_group groups[5] = {0};
	unsigned int local = 0, list[8] = {0};
	size_t count = 8;

	evs_join(handle, groups, 5);
	ck_assert_int_eq(evs_membership_get(handle, &local, list, &count), CS_OK);
	ck_assert_uint_eq(local, NODEID);
	ck_assert_uint_eq(count, 5);
	ck_assert_uint_eq(list[0], 100);
	ck_assert_uint_eq(list[4], 104);

	memset(list, 0, sizeof(list));
	count = 2;
	ck_assert_int_eq(evs_membership_get(handle, NULL, list, &count), CS_OK);
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(list[1], 101);
	ck_assert_uint_eq(list[2], 0);
	count = 9;
	ck_assert_int_eq(evs_membership_get(handle, NULL, NULL, &count), CS_OK);
	ck_assert_uint_eq(count, 5);
	count = 0;
	ck_assert_int_eq(evs_membership_get(handle, &local, list, &count), CS_OK);
	ck_assert_uint_eq(count, 0);

	for (char how = HEADER_ONLY; how <= FAR_TOO_MANY; how++) {
		groups[0].key[1] = how;
		evs_join(handle, groups, 5);
		count = 8;
		ck_assert_int_eq(evs_membership_get(handle, &local, list, &count), CS_ERR_LIBRARY);
		ck_assert_uint_eq(count, 8);
	}
}
END_TEST

/* ---- Handles, threads, ends ---- */

START_TEST(dead_handles)
{
	static const evs_handle_t rows[] = {0, 1, UINT64_C(0xffffffff00000000), UINT64_MAX};
	evs_handle_t finalized;
	struct evs_group group = {.key = "g"};
	unsigned int id;
	size_t count = 1;
	void *context;
	int fd;

	ck_assert_int_eq(evs_initialize(&finalized, &callbacks), CS_OK);
	ck_assert_int_eq(evs_finalize(finalized), CS_OK);
	for (size_t i = 0; i <= sizeof(rows) / sizeof(rows[0]); i++) {
		evs_handle_t dead = i == 0 ? finalized : rows[i - 1];

		ck_assert_int_eq(evs_finalize(dead), CS_ERR_BAD_HANDLE);
		ck_assert_int_eq(evs_fd_get(dead, &fd), CS_ERR_BAD_HANDLE);
		ck_assert_int_eq(evs_context_get(dead, &context), CS_ERR_BAD_HANDLE);
		ck_assert_int_eq(evs_context_set(dead, NULL), CS_ERR_BAD_HANDLE);
		ck_assert_int_eq(evs_dispatch(dead, CS_DISPATCH_ALL), CS_ERR_BAD_HANDLE);
		ck_assert_int_eq(evs_join(dead, &group, 1), CS_ERR_BAD_HANDLE);
		ck_assert_int_eq(evs_leave(dead, &group, 1), CS_ERR_BAD_HANDLE);
		ck_assert_int_eq(evs_mcast_joined(dead, EVS_TYPE_SAFE, NULL, 0), CS_ERR_BAD_HANDLE);
		ck_assert_int_eq(evs_mcast_groups(dead, EVS_TYPE_SAFE, &group, 1, NULL, 0), CS_ERR_BAD_HANDLE);
		ck_assert_int_eq(evs_membership_get(dead, &id, NULL, &count), CS_ERR_BAD_HANDLE);
	}
}
END_TEST

START_TEST(context_and_descriptor)
{
	void *context = &seen;
	struct pollfd pollfd = {.events = POLLIN};
	struct evs_event_deliver event = {.header = {.id = EVS_EVENT_DELIVER}};

	ck_assert_int_eq(evs_context_get(handle, &context), CS_OK);
	ck_assert_ptr_null(context);
	ck_assert_int_eq(evs_context_set(handle, &server), CS_OK);
	ck_assert_int_eq(evs_context_get(handle, &context), CS_OK);
	ck_assert_ptr_eq(context, &server);
	ck_assert_int_eq(evs_fd_get(handle, &pollfd.fd), CS_OK);
	ck_assert_int_eq(poll(&pollfd, 1, 0), 0);
	send_event(&event, sizeof(event));
	ck_assert_int_eq(poll(&pollfd, 1, 10000), 1);
	ck_assert_int_eq(evs_dispatch(handle, CS_DISPATCH_ALL), CS_OK);
	ck_assert_int_eq(poll(&pollfd, 1, 0), 0);
}
END_TEST

static void finalize_inside(evs_handle_t h, unsigned int nodeid, const void *msg, size_t size)
{
	(void)nodeid, (void)msg, (void)size;
	seen.delivers++;
	ck_assert_int_eq(evs_finalize(h), CS_OK);
	ck_assert_int_eq(evs_finalize(h), CS_ERR_BAD_HANDLE);
}

START_TEST(finalize_in_a_callback)
{
	static const cs_dispatch_flags_t modes[] = {
		CS_DISPATCH_ONE, CS_DISPATCH_ALL, CS_DISPATCH_BLOCKING, CS_DISPATCH_ONE_NONBLOCKING};
	evs_callbacks_t ending = {.evs_deliver_fn = finalize_inside};
	struct evs_event_deliver event = {.header = {.id = EVS_EVENT_DELIVER}};
	struct iovec iov = {&event, sizeof(event)};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		evs_handle_t other;

		ck_assert_int_eq(evs_initialize(&other, &ending), CS_OK);
		for (int k = 0; k < 3; k++)
			ck_assert_int_eq(evs_mcast_joined(other, EVS_TYPE_AGREED, &iov, 1), CS_OK);
		ck_assert_int_eq(evs_dispatch(other, modes[i]), CS_ERR_BAD_HANDLE);
		ck_assert_uint_eq(seen.delivers, i + 1);
	}
}
END_TEST

START_TEST(finalize_wakes_dispatch) { lib_expect_finalize_wakes(&calls, handle, CS_DISPATCH_BLOCKING, 20); }
END_TEST

static void *requests_run(void *result)
{
	struct evs_group group = {.key = "\0g"};

	for (int i = 0; i < 500; i++) {
		unsigned int local = 0;
		size_t count = 0;

		if (evs_membership_get(handle, &local, NULL, &count) != CS_OK || local != NODEID ||
			evs_join(handle, &group, 1) != CS_OK)
			return NULL;
	}
	return result;
}

static void read_echoes(void)
{
	while (seen.delivers < LIB_THREADS * 500)
		ck_assert_int_eq(evs_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
}

START_TEST(requests_of_many_threads) { lib_run_in_threads(requests_run, read_echoes); }
END_TEST

START_TEST(daemon_dies)
{
	struct evs_event_deliver event = {.header = {.id = EVS_EVENT_DELIVER}};
	struct evs_group group = {.key = "\0g"};
	struct iovec iov = {&event, sizeof(event)};
	unsigned int id;
	size_t count = 1;
	void *context;
	int fd;

	send_event(&event, sizeof(event));
	fake_daemon_stop(server);
	for (int mode = CS_DISPATCH_ONE; mode <= CS_DISPATCH_ONE_NONBLOCKING; mode++)
		ck_assert_int_eq(evs_dispatch(handle, (cs_dispatch_flags_t)mode), CS_ERR_LIBRARY);
	ck_assert_int_eq(evs_join(handle, &group, 1), CS_ERR_LIBRARY);
	ck_assert_int_eq(evs_leave(handle, &group, 1), CS_ERR_LIBRARY);
	ck_assert_int_eq(evs_mcast_joined(handle, EVS_TYPE_SAFE, &iov, 1), CS_ERR_LIBRARY);
	ck_assert_int_eq(evs_mcast_groups(handle, EVS_TYPE_SAFE, &group, 1, &iov, 1), CS_ERR_LIBRARY);
	ck_assert_int_eq(evs_membership_get(handle, &id, NULL, &count), CS_ERR_LIBRARY);
	ck_assert_int_eq(evs_fd_get(handle, &fd), CS_OK);
	ck_assert_int_eq(evs_context_get(handle, &context), CS_OK);
	ck_assert_int_eq(evs_finalize(handle), CS_OK);
	ck_assert_int_eq(evs_finalize(handle), CS_ERR_BAD_HANDLE);
	ck_assert_int_eq(evs_initialize(&handle, &callbacks), CS_ERR_LIBRARY);
	ck_assert_int_eq(evs_finalize(handle), CS_ERR_BAD_HANDLE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libevs");
	TCase *tcase = tcase_create("libevs");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, message_delivered);
	tcase_add_test(tcase, configuration_delivered);
	tcase_add_test(tcase, malformed_events);
	tcase_add_test(tcase, no_callbacks);
	tcase_add_test(tcase, join_and_leave);
	tcase_add_test(tcase, mcast_to_groups);
	tcase_add_test(tcase, sizes_of_messages);
	tcase_add_test(tcase, longest_event);
	tcase_add_test(tcase, more_vectors_than_libqb_takes);
	tcase_add_test(tcase, membership);
	tcase_add_test(tcase, dead_handles);
	tcase_add_test(tcase, context_and_descriptor);
	tcase_add_test(tcase, finalize_in_a_callback);
	tcase_add_test(tcase, finalize_wakes_dispatch);
	tcase_add_test(tcase, requests_of_many_threads);
	tcase_add_test(tcase, daemon_dies);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
