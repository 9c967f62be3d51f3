/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libcpg with a daemon whose answers the test chooses. A multicast is returned as an event with the same bytes. A
 * group's name selects the answer to a request about the group.
 */
#include <corosync/cpg.h>

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "services/cpg/messages.h"
#include "tests/suite.h"
#include "tests/unit/services/client/fake_daemon.h"
#include "tests/unit/services/client/lib_case.h"

enum { NODEID = 42 };

/* ---- The daemon, a process of its own ---- */

static unsigned int asked; /* number of joins since the start */

/* Return a fragment as the event that it would cause. */
static void echo_fragment(qb_ipcs_connection_t *c, const struct cpg_req_partial_mcast *request)
{
	struct cpg_event_partial_deliver event = {
		.header = {.id = CPG_EVENT_PARTIAL_DELIVER, .size = (int32_t)(sizeof(event) + request->fraglen)},
		.group = {.length = 1, .value = "g"},
		.msglen = request->msglen,
		.fraglen = request->fraglen,
		.nodeid = NODEID,
		.pid = 1,
		.type = request->type,
	};
	struct iovec iov[2] = {{&event, sizeof(event)}, {(void *)(uintptr_t)request->fragment, request->fraglen}};

	/* The ring has room for one such event, so repeat the call until the last one was read. */
	while (qb_ipcs_event_sendv(c, iov, 2) == -EAGAIN)
		poll(NULL, 0, 1);
}

static int32_t serve_request(qb_ipcs_connection_t *c, void *data, size_t size)
{
	static struct cpg_res_membership_get members;
	const struct cpg_request_header *header = data;
	const struct cpg_req_join *join = data;
	const struct cpg_req_mcast *mcast = data;
	struct cpg_res_iteration_next next = {.nodeid = NODEID};
	struct cpg_res_local_get local = {.nodeid = NODEID};
	struct cpg_res_iteration_initialize iteration = {.iteration = 77};
	struct cpg_res_plain plain = {0};

	(void)size;
	switch (header->id) {
	case CPG_REQ_JOIN:
		/* A group's name is a code and a number: the join is refused with that code that many times. */
		asked++;
		fake_daemon_answer(c, &plain, sizeof(plain), CPG_RES_JOIN,
			asked <= join->group.value[1] ? join->group.value[0] : CS_OK);
		break;
	case CPG_REQ_MCAST:
		qb_ipcs_event_send(c, mcast->message, mcast->msglen);
		break;
	case CPG_REQ_MEMBERSHIP_GET:
		/* The length of the group's name selects the number of members. 128 selects more than are allowed. */
		members.member_count = join->group.length == 128 ? 385 : join->group.length;
		fake_daemon_answer(
			c, &members, join->group.length == 127 ? 24 : sizeof(members), CPG_RES_MEMBERSHIP_GET, CS_OK);
		break;
	case CPG_REQ_LOCAL_GET:
		fake_daemon_answer(c, &local, sizeof(local), CPG_RES_LOCAL_GET, CS_OK);
		break;
	case CPG_REQ_ITERATION_INITIALIZE:
		fake_daemon_answer(c, &iteration, sizeof(iteration), CPG_RES_ITERATION_INITIALIZE, CS_OK);
		break;
	case CPG_REQ_ITERATION_NEXT:
		next.group.length = 129;
		fake_daemon_answer(c, &next, sizeof(next), CPG_RES_ITERATION_NEXT, CS_OK);
		break;
	case CPG_REQ_PARTIAL_MCAST:
		echo_fragment(c, data);
		fake_daemon_answer(c, &plain, sizeof(plain), CPG_RES_PARTIAL_MCAST, CS_OK);
		break;
	case CPG_REQ_ZC_ALLOC:
		fake_daemon_answer(c, &plain, sizeof(plain), 14, CS_ERR_NOT_SUPPORTED);
		break;
	default:
		fake_daemon_answer(c, &plain, sizeof(plain), 0, CS_OK);
	}
	return 0;
}

/* ---- Fixture ---- */

static pid_t server;
static cpg_handle_t handle;
static const struct lib_calls calls = {cpg_dispatch, cpg_fd_get, cpg_finalize};
static struct {
	unsigned int delivers, confchgs, totems;
	size_t size;
	uint8_t *bytes; /* bytes of the last message */
	struct cpg_name group;
	size_t members, left, joined;
	struct cpg_address last_member, first_left, last_joined;
	uint32_t totem_members, totem_last;
} seen;

static void on_deliver(
	cpg_handle_t h, const struct cpg_name *group, uint32_t nodeid, uint32_t pid, void *msg, size_t size)
{
	(void)h, (void)nodeid, (void)pid;
	seen.delivers++;
	seen.size = size;
	seen.group = *group;
	free(seen.bytes);
	seen.bytes = malloc(size + 1);
	memcpy(seen.bytes, msg, size);
}

static void on_confchg(cpg_handle_t h, const struct cpg_name *group, const struct cpg_address *members,
	size_t member_count, const struct cpg_address *left, size_t left_count, const struct cpg_address *joined,
	size_t joined_count)
{
	(void)h;
	seen.confchgs++;
	seen.group = *group;
	seen.members = member_count;
	seen.left = left_count;
	seen.joined = joined_count;
	if (member_count > 0)
		seen.last_member = members[member_count - 1];
	if (left_count > 0)
		seen.first_left = left[0];
	if (joined_count > 0)
		seen.last_joined = joined[joined_count - 1];
}

static void on_totem(cpg_handle_t h, struct cpg_ring_id ring_id, uint32_t count, const uint32_t *members)
{
	(void)h, (void)ring_id;
	seen.totems++;
	seen.totem_members = count;
	if (count > 0)
		seen.totem_last = members[count - 1];
}

static cpg_model_v1_data_t model = {CPG_MODEL_V1, on_deliver, on_confchg, on_totem, 0};

static void set_up(void)
{
	server = fake_daemon_start("cpg", serve_request);
	memset(&seen, 0, sizeof(seen));
	ck_assert_int_eq(cpg_model_initialize(&handle, CPG_MODEL_V1, (cpg_model_data_t *)&model, NULL), CS_OK);
}

static void tear_down(void)
{
	cpg_finalize(handle);
	fake_daemon_stop(server);
	free(seen.bytes);
}

static void send_event(const void *bytes, size_t size)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};

	ck_assert_int_eq(cpg_mcast_joined(handle, CPG_TYPE_AGREED, &iov, 1), CS_OK);
}

/* ---- Tests ---- */

static void deliver_hello(void)
{
	uint8_t bytes[sizeof(struct cpg_event_deliver) + 5];
	struct cpg_event_deliver event = {
		.header = {.id = CPG_EVENT_DELIVER, .size = sizeof(bytes), .error = -1},
		.group = {.length = 3, .value = "abcdef"},
		.msglen = 5,
	};

	memcpy(bytes, &event, sizeof(event));
	memcpy(bytes + sizeof(event), "hello", 5);
	send_event(bytes, sizeof(bytes));
	ck_assert_int_eq(cpg_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
	ck_assert_uint_eq(seen.size, 5);
	ck_assert_mem_eq(seen.bytes, "hello", 5);
	ck_assert_uint_eq(seen.group.length, 3);
	ck_assert_mem_eq(seen.group.value, "abc\0\0\0", 6);
}

START_TEST(message_delivered)
{
	deliver_hello();
	ck_assert_uint_eq(seen.delivers, 1);
}
END_TEST

/* Each row makes one field of a valid event invalid. */
START_TEST(malformed_events)
{
	static const struct spoilt_event rows[] = {
		{"unknown id", 99, 184, 0, 99, CS_ERR_LIBRARY},
		{"negative id", -7, 184, 0, (uint32_t)-7, CS_ERR_LIBRARY},
		{"header cut", 5, 23, 0, 5, CS_ERR_LIBRARY},
		{"deliver cut", 5, 183, 0, 5, CS_ERR_LIBRARY},
		{"deliver empty", 5, 184, 160, 0, CS_OK},
		{"deliver one byte too many", 5, 184, 160, 1, CS_ERR_LIBRARY},
		{"deliver exact", 5, 188, 160, 4, CS_OK},
		{"deliver far too many", 5, 188, 160, UINT32_MAX, CS_ERR_LIBRARY},
		{"deliver name fits", 5, 184, 24, 128, CS_OK},
		{"deliver name too long", 5, 184, 24, 129, CS_ERR_LIBRARY},
		{"partial cut", 17, 199, 0, 17, CS_ERR_LIBRARY},
		{"partial one byte too many", 17, 200, 168, 1, CS_ERR_LIBRARY},
		{"partial far too many", 17, 300, 168, UINT32_MAX, CS_ERR_LIBRARY},
		{"partial name too long", 17, 200, 24, 129, CS_ERR_LIBRARY},
		{"confchg cut", 4, 183, 0, 4, CS_ERR_LIBRARY},
		{"confchg empty", 4, 184, 0, 4, CS_OK},
		{"confchg one member", 4, 208, 160, 1, CS_OK},
		{"confchg one member too many", 4, 207, 160, 1, CS_ERR_LIBRARY},
		{"confchg joined too many", 4, 208, 168, 2, CS_ERR_LIBRARY},
		{"confchg left far too many", 4, 208, 176, UINT32_MAX, CS_ERR_LIBRARY},
		{"confchg name too long", 4, 184, 24, 129, CS_ERR_LIBRARY},
		{"totem cut", 13, 47, 0, 13, CS_ERR_LIBRARY},
		{"totem empty", 13, 48, 40, 0, CS_OK},
		{"totem member in the padding", 13, 48, 40, 1, CS_OK},
		{"totem one too many", 13, 48, 40, 2, CS_ERR_LIBRARY},
		{"totem far too many", 13, 52, 40, UINT32_MAX, CS_ERR_LIBRARY},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t bytes[400] = {0};
		int32_t size = (int32_t)rows[i].size;

		memcpy(bytes + 8, &size, 4);
		spoilt_event_make(&rows[i], bytes);
		send_event(bytes, rows[i].size);
		spoilt_event_expect(&rows[i], &calls, handle);
		/* A valid message is delivered after that. */
		deliver_hello();
	}
}
END_TEST

START_TEST(long_lists)
{
	enum { MEMBERS = 5000, LEFT = 200, JOINED = 300, ALL = MEMBERS + LEFT + JOINED };
	size_t size = sizeof(struct cpg_event_confchg) + ALL * sizeof(struct cpg_wire_address);
	struct cpg_event_confchg *event = calloc(1, size);

	event->header = (struct cpg_response_header){.id = CPG_EVENT_CONFCHG, .size = (int32_t)size};
	event->member_count = MEMBERS;
	event->left_count = LEFT;
	event->joined_count = JOINED;
	for (uint32_t i = 0; i < ALL; i++)
		event->lists[i] = (struct cpg_wire_address){.nodeid = i, .pid = i * 3, .reason = 5};
	send_event(event, size);
	ck_assert_int_eq(cpg_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
	ck_assert_uint_eq(seen.confchgs, 1);
	ck_assert_uint_eq(seen.members, MEMBERS);
	ck_assert_uint_eq(seen.left, LEFT);
	ck_assert_uint_eq(seen.joined, JOINED);
	ck_assert_uint_eq(seen.last_member.nodeid, MEMBERS - 1);
	ck_assert_uint_eq(seen.last_member.pid, (MEMBERS - 1) * 3);
	ck_assert_uint_eq(seen.first_left.nodeid, MEMBERS);
	ck_assert_uint_eq(seen.first_left.reason, 5);
	ck_assert_uint_eq(seen.last_joined.nodeid, ALL - 1);
	free(event);
}
END_TEST

START_TEST(totem_list)
{
	uint32_t words[12 + 3] = {CPG_EVENT_TOTEM_CONFCHG, 0, sizeof(words)};

	words[10] = 4; /* four members, the first of which is in the last word of the fixed part */
	for (uint32_t i = 0; i < 4; i++)
		words[11 + i] = 100 + i;
	send_event(words, sizeof(words));
	ck_assert_int_eq(cpg_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
	ck_assert_uint_eq(seen.totems, 1);
	ck_assert_uint_eq(seen.totem_members, 4);
	ck_assert_uint_eq(seen.totem_last, 103);
}
END_TEST

/* The longest event is longer than a request may be. The library has room for the longest message of the ring. */
START_TEST(longest_event)
{
	size_t size = CPG_ATOMIC_SIZE_MAX;
	struct cpg_event_deliver *event = calloc(1, size);

	event->header.id = CPG_EVENT_DELIVER;
	event->msglen = (uint32_t)(size - sizeof(*event));
	send_event(event, size);
	ck_assert_int_eq(cpg_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
	ck_assert_uint_eq(seen.size, size - sizeof(*event));
	free(event);
}
END_TEST

static void *one_run(void *result)
{
	*(cs_error_t *)result = cpg_dispatch(handle, CS_DISPATCH_ONE);
	return NULL;
}

/*
 * Each element is cut into fragments separately, and empty elements are left out. The fragments together are the whole
 * message.
 */
START_TEST(fragments_there_and_back)
{
	enum { SIZE = 3 * CPG_ATOMIC_SIZE_MAX + 17 };
	uint8_t *bytes = malloc(SIZE);
	cs_error_t code = CS_ERR_LIBRARY;
	pthread_t thread;
	struct iovec iov[] = {{bytes, 0}, {bytes, 10}, {bytes + 10, 0}, {bytes + 10, CPG_ATOMIC_SIZE_MAX + 1},
		{bytes + 11 + CPG_ATOMIC_SIZE_MAX, SIZE - 11 - CPG_ATOMIC_SIZE_MAX}, {NULL, 0}};

	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i * 31 >> 3);
	pthread_create(&thread, NULL, one_run, &code);
	ck_assert_int_eq(cpg_mcast_joined(handle, CPG_TYPE_AGREED, iov, 6), CS_OK);
	pthread_join(thread, NULL);
	ck_assert_int_eq(code, CS_OK);
	ck_assert_uint_eq(seen.delivers, 1);
	ck_assert_uint_eq(seen.size, SIZE);
	ck_assert_int_eq(memcmp(seen.bytes, bytes, SIZE), 0);
	ck_assert_int_eq(cpg_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN);
	free(bytes);
}
END_TEST

/* Wait for an event, and take all events that are there. */
static void dispatch_next(void)
{
	struct pollfd polled = {.events = POLLIN};

	ck_assert_int_eq(cpg_fd_get(handle, &polled.fd), CS_OK);
	ck_assert_int_eq(poll(&polled, 1, 5000), 1);
	(void)cpg_dispatch(handle, CS_DISPATCH_ALL);
}

/* Let an event with one part of a message of four bytes come. */
static void deliver_part(uint32_t type, const char *text)
{
	uint8_t bytes[sizeof(struct cpg_event_partial_deliver) + 2];
	struct cpg_event_partial_deliver event = {.header = {.id = CPG_EVENT_PARTIAL_DELIVER, .size = sizeof(bytes)},
		.group = {.length = 1, .value = "g"},
		.msglen = 4,
		.fraglen = 2,
		.nodeid = 7,
		.pid = 1,
		.type = type};

	memcpy(bytes, &event, sizeof(event));
	memcpy(bytes + sizeof(event), text, 2);
	send_event(bytes, sizeof(bytes));
	dispatch_next();
}

/*
 * A process leaves its group within a long message of another one and joins again within the next message. So it gets
 * the first part of one message, and the last part of the next one.
 */
START_TEST(parts_of_two_messages_are_none)
{
	uint8_t bytes[sizeof(struct cpg_event_confchg) + sizeof(struct cpg_wire_address)];
	struct cpg_event_confchg event = {.header = {.id = CPG_EVENT_CONFCHG, .size = sizeof(bytes)},
		.group = {.length = 1, .value = "g"},
		.left_count = 1};
	/* In the second run a process of another node leaves, which has the same id. */
	struct cpg_wire_address self = {.nodeid = _i == 0 ? NODEID : NODEID + 1, .pid = (uint32_t)getpid()};

	memcpy(bytes, &event, sizeof(event));
	memcpy(bytes + sizeof(event), &self, sizeof(self));
	deliver_part(CPG_FRAGMENT_FIRST, "ab");
	send_event(bytes, sizeof(bytes));
	dispatch_next();
	ck_assert_uint_eq(seen.confchgs, 1);
	deliver_part(CPG_FRAGMENT_LAST, "CD");
	ck_assert_uint_eq(seen.delivers, (unsigned int)_i);
}
END_TEST

START_TEST(more_vectors_than_libqb_takes)
{
	enum { COUNT = 5000 };
	uint8_t bytes[sizeof(struct cpg_event_deliver) + COUNT];
	struct cpg_event_deliver event = {.header = {.id = CPG_EVENT_DELIVER}, .msglen = COUNT};
	struct iovec *iov = calloc(COUNT + 2, sizeof(*iov));

	memcpy(bytes, &event, sizeof(event));
	iov[0] = (struct iovec){bytes, sizeof(event)};
	for (size_t i = 0; i < COUNT; i++) {
		bytes[sizeof(event) + i] = (uint8_t)i;
		iov[1 + i] = (struct iovec){bytes + sizeof(event) + i, 1};
	}
	ck_assert_int_eq(cpg_mcast_joined(handle, CPG_TYPE_AGREED, iov, COUNT + 2), CS_OK);
	ck_assert_int_eq(cpg_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
	ck_assert_uint_eq(seen.size, COUNT);
	ck_assert_mem_eq(seen.bytes, bytes + sizeof(event), COUNT);
	free(iov);
}
END_TEST

START_TEST(length_beyond_32_bits)
{
	struct iovec iov[2] = {{&seen, SIZE_MAX}, {&seen, 2}};

	ck_assert_int_eq(cpg_mcast_joined(handle, CPG_TYPE_AGREED, iov, 2), CS_ERR_TOO_BIG);
	iov[0].iov_len = UINT32_MAX;
	ck_assert_int_eq(cpg_mcast_joined(handle, CPG_TYPE_AGREED, iov, 2), CS_ERR_TOO_BIG);
}
END_TEST

/* The library repeats a join that gets BUSY. Any other code is returned to the program. */
START_TEST(join_answers)
{
	struct cpg_name busy = {.length = 2, .value = {CS_ERR_BUSY, 3}};
	struct cpg_name exists = {.length = 2, .value = {CS_ERR_EXIST, 100}};
	struct cpg_name nonsense = {.length = 2, .value = {111, 100}};

	ck_assert_int_eq(cpg_join(handle, &busy), CS_OK);
	ck_assert_int_eq(cpg_join(handle, &exists), CS_ERR_EXIST);
	ck_assert_int_eq(cpg_join(handle, &nonsense), CS_ERR_LIBRARY);
}
END_TEST

START_TEST(membership_answers)
{
	static const struct {
		uint32_t length;
		cs_error_t code;
		int count;
	} rows[] = {
		{0, CS_OK, 0}, {1, CS_OK, 1}, {126, CS_OK, 126}, {127, CS_ERR_LIBRARY, -1}, {128, CS_ERR_LIBRARY, -1}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cpg_address members[CPG_MEMBERS_MAX];
		struct cpg_name group = {.length = rows[i].length};
		int count = -1;

		ck_assert_int_eq(cpg_membership_get(handle, &group, members, &count), rows[i].code);
		ck_assert_int_eq(count, rows[i].count);
	}
}
END_TEST

START_TEST(iteration_answers)
{
	struct cpg_iteration_description_t description;
	cpg_iteration_handle_t first, second;

	ck_assert_int_eq(cpg_iteration_initialize(handle, CPG_ITERATION_ALL, NULL, &first), CS_OK);
	ck_assert_int_eq(cpg_iteration_initialize(handle, CPG_ITERATION_ALL, NULL, &second), CS_OK);
	ck_assert_int_eq(cpg_iteration_next(first, &description), CS_ERR_LIBRARY);
	ck_assert_int_eq(cpg_iteration_finalize(first), CS_OK);
	ck_assert_int_eq(cpg_iteration_finalize(first), CS_ERR_BAD_HANDLE);
	ck_assert_int_eq(cpg_finalize(handle), CS_OK);
	ck_assert_int_eq(cpg_iteration_next(second, &description), CS_ERR_BAD_HANDLE);
	ck_assert_int_eq(cpg_iteration_finalize(second), CS_ERR_BAD_HANDLE);
	/* The slots of finalized handles are used again: the low half of a handle is the lowest free slot. */
	ck_assert_int_eq(cpg_initialize(&handle, NULL), CS_OK);
	ck_assert_int_eq(cpg_iteration_initialize(handle, CPG_ITERATION_ALL, NULL, &first), CS_OK);
	ck_assert_int_eq(cpg_iteration_initialize(handle, CPG_ITERATION_ALL, NULL, &second), CS_OK);
	ck_assert_uint_eq((uint32_t)first, 0);
	ck_assert_uint_eq((uint32_t)second, 1);
}
END_TEST

/* With a daemon without zero copy the buffer is sent as an ordinary message. */
START_TEST(zero_copy_not_supported)
{
	struct cpg_event_deliver event = {.header = {.id = CPG_EVENT_DELIVER}};
	void *buffer;

	ck_assert_int_eq(cpg_zcb_alloc(handle, 1000, &buffer), CS_OK);
	memcpy(buffer, &event, sizeof(event));
	ck_assert_int_eq(cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, buffer, sizeof(event)), CS_OK);
	ck_assert_int_eq(cpg_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
	ck_assert_uint_eq(seen.delivers, 1);
	ck_assert_int_eq(cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, buffer, 1001), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, (char *)buffer + 8, 1), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(cpg_zcb_free(handle, (char *)buffer + 8), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(cpg_zcb_free(handle, buffer), CS_OK);
	ck_assert_int_eq(cpg_zcb_free(handle, buffer), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(cpg_zcb_alloc(handle, SIZE_MAX, &buffer), CS_ERR_TOO_BIG);
}
END_TEST

/* The result must be the same whether or not the other thread already waits. */
START_TEST(finalize_wakes_dispatch) { lib_expect_finalize_wakes(&calls, handle, CS_DISPATCH_BLOCKING, 20 * _i); }
END_TEST

static void *requests_run(void *result)
{
	unsigned int nodeid;

	for (int i = 0; i < 2000; i++) {
		nodeid = 0;
		if (cpg_local_get(handle, &nodeid) != CS_OK || nodeid != NODEID)
			return NULL;
	}
	return result;
}

START_TEST(requests_of_many_threads) { lib_run_in_threads(requests_run, NULL); }
END_TEST

static void on_signal(int number) { (void)number; }

static void *signals_run(void *target)
{
	for (int i = 0; i < 50; i++) {
		pthread_kill(*(pthread_t *)target, SIGUSR1);
		poll(NULL, 0, 1);
	}
	kill(server, SIGCONT);
	return NULL;
}

/* A signal must end neither the wait for an answer nor the wait for an event. */
START_TEST(signals_while_waiting)
{
	struct sigaction action = {.sa_handler = on_signal};
	pthread_t self = pthread_self(), thread;
	unsigned int nodeid = 0;

	sigaction(SIGUSR1, &action, NULL);
	kill(server, SIGSTOP);
	pthread_create(&thread, NULL, signals_run, &self);
	ck_assert_int_eq(cpg_local_get(handle, &nodeid), CS_OK);
	ck_assert_uint_eq(nodeid, NODEID);
	pthread_join(thread, NULL);

	struct cpg_event_deliver event = {.header = {.id = CPG_EVENT_DELIVER}};
	kill(server, SIGSTOP);
	send_event(&event, sizeof(event));
	pthread_create(&thread, NULL, signals_run, &self);
	ck_assert_int_eq(cpg_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
	ck_assert_uint_eq(seen.delivers, 1);
	pthread_join(thread, NULL);
}
END_TEST

/*
 * While the daemon does not read, calls must be refused without blocking, and not with the error for a daemon that has
 * ended. Small messages fill the socket, large ones the ring.
 */
START_TEST(full_queue)
{
	size_t size = _i == 0 ? sizeof(struct cpg_event_totem_confchg) : 100000;
	struct cpg_event_totem_confchg *event = calloc(1, size);
	struct iovec iov = {.iov_base = event, .iov_len = size};
	unsigned int sent = 0;
	cs_error_t rc;

	event->header.id = CPG_EVENT_TOTEM_CONFCHG;
	kill(server, SIGSTOP);
	while (cpg_mcast_joined(handle, CPG_TYPE_AGREED, &iov, 1) == CS_OK)
		sent++;
	ck_assert_uint_gt(sent, _i == 0 ? 50 : 5);
	ck_assert_int_eq(cpg_mcast_joined(handle, CPG_TYPE_AGREED, &iov, 1), CS_ERR_TRY_AGAIN);
	kill(server, SIGCONT);
	while (seen.totems < sent)
		ck_assert_int_eq(cpg_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
	ck_assert_int_eq(cpg_mcast_joined(handle, CPG_TYPE_AGREED, &iov, 1), CS_OK);

	kill(server, SIGSTOP);
	while (cpg_mcast_joined(handle, CPG_TYPE_AGREED, &iov, 1) == CS_OK)
		;
	kill(server, SIGKILL);
	do {
		rc = cpg_mcast_joined(handle, CPG_TYPE_AGREED, &iov, 1);
	} while (rc == CS_ERR_TRY_AGAIN);
	ck_assert_int_eq(rc, CS_ERR_LIBRARY);
	free(event);
}
END_TEST

START_TEST(instance_names)
{
	static const struct {
		const char *name;
		cs_error_t code;
	} rows[] = {
		{"no-such-instance", CS_ERR_LIBRARY},
		{"0_-", CS_ERR_LIBRARY},
		{"abcdefghijabcdefghijabcdefghijk", CS_ERR_LIBRARY},
		{"abcdefghijabcdefghijabcdefghijkl", CS_ERR_INVALID_PARAM},
		{"-a", CS_ERR_INVALID_PARAM},
		{"Upper", CS_ERR_INVALID_PARAM},
		{"a/b", CS_ERR_INVALID_PARAM},
		{"a b", CS_ERR_INVALID_PARAM},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cpg_handle_t other = handle;

		setenv("COTERIE_INSTANCE", rows[i].name, 1);
		ck_assert_msg(cpg_initialize(&other, NULL) == rows[i].code, "%s", rows[i].name);
		ck_assert_int_eq(cpg_finalize(other), CS_ERR_BAD_HANDLE);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libcpg");
	TCase *tcase = tcase_create("libcpg");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, message_delivered);
	tcase_add_test(tcase, malformed_events);
	tcase_add_test(tcase, long_lists);
	tcase_add_test(tcase, totem_list);
	tcase_add_test(tcase, longest_event);
	tcase_add_test(tcase, fragments_there_and_back);
	tcase_add_loop_test(tcase, parts_of_two_messages_are_none, 0, 2);
	tcase_add_test(tcase, more_vectors_than_libqb_takes);
	tcase_add_test(tcase, length_beyond_32_bits);
	tcase_add_test(tcase, join_answers);
	tcase_add_test(tcase, membership_answers);
	tcase_add_test(tcase, iteration_answers);
	tcase_add_test(tcase, zero_copy_not_supported);
	tcase_add_loop_test(tcase, finalize_wakes_dispatch, 0, 4);
	tcase_add_test(tcase, requests_of_many_threads);
	tcase_add_test(tcase, signals_while_waiting);
	tcase_add_loop_test(tcase, full_queue, 0, 2);
	tcase_add_test(tcase, instance_names);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
