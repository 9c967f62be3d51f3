/* SPDX-License-Identifier: BSD-3-Clause */
/* libquorum with a daemon whose answers the test chooses. */
#include <corosync/quorum.h>

#include <check.h>
#include <string.h>

#include "services/quorum/messages.h"
#include "tests/suite.h"
#include "tests/unit/services/client/lib_case.h"
#include "tests/unit/services/client/scripted_daemon.h"

static pid_t server;
static struct script *script;
static quorum_handle_t handle;
static const struct lib_calls calls = {quorum_dispatch, quorum_fd_get, quorum_finalize};

/* Arguments of the callbacks' last calls, and the number of calls. */
static struct {
	unsigned int v0, v1, nodelists;
	uint32_t quorate;
	uint64_t seq;
	uint32_t nodeid;
	uint32_t members[8], joined[8], left[8];
	uint32_t member_count, joined_count, left_count;
} seen;

static void list_copy(uint32_t to[8], uint32_t *to_count, const uint32_t *from, uint32_t count)
{
	ck_assert_uint_le(count, 8);
	memcpy(to, from, count * sizeof(*from));
	*to_count = count;
}

static void on_v0(quorum_handle_t h, uint32_t quorate, uint64_t ring_seq, uint32_t count, uint32_t *view)
{
	ck_assert_uint_eq(h, handle);
	seen.v0++;
	seen.quorate = quorate;
	seen.seq = ring_seq;
	list_copy(seen.members, &seen.member_count, view, count);
}

static void on_v1(
	quorum_handle_t h, uint32_t quorate, struct quorum_ring_id ring_id, uint32_t count, const uint32_t *members)
{
	ck_assert_uint_eq(h, handle);
	seen.v1++;
	seen.quorate = quorate;
	seen.seq = ring_id.seq;
	seen.nodeid = ring_id.nodeid;
	list_copy(seen.members, &seen.member_count, members, count);
}

static void on_nodelist(quorum_handle_t h, struct quorum_ring_id ring_id, uint32_t member_count,
	const uint32_t *members, uint32_t joined_count, const uint32_t *joined, uint32_t left_count,
	const uint32_t *left)
{
	ck_assert_uint_eq(h, handle);
	seen.nodelists++;
	seen.seq = ring_id.seq;
	seen.nodeid = ring_id.nodeid;
	list_copy(seen.members, &seen.member_count, members, member_count);
	list_copy(seen.joined, &seen.joined_count, joined, joined_count);
	list_copy(seen.left, &seen.left_count, left, left_count);
}

static quorum_callbacks_t callbacks = {on_v0};
static quorum_model_v1_data_t model_v1 = {QUORUM_MODEL_V1, on_v1, on_nodelist};

static void respond_type(uint32_t type)
{
	struct quorum_res_gettype response = {
		.header = {.id = QUORUM_RES_MODEL_GETTYPE, .size = sizeof(response), .error = CS_OK},
		.quorum_type = type,
	};

	script_response(script, &response, sizeof(response));
}

static void set_up(void)
{
	server = scripted_daemon_start("quorum", &script);
	memset(&seen, 0, sizeof(seen));
	respond_type(QUORUM_SET);
	ck_assert_int_eq(
		quorum_model_initialize(&handle, QUORUM_MODEL_V1, (quorum_model_data_t *)&model_v1, NULL, NULL), CS_OK);
	script->response.size = 0;
}

static void tear_down(void)
{
	quorum_finalize(handle);
	scripted_daemon_stop(server);
}

static void be_v0(void)
{
	ck_assert_int_eq(quorum_finalize(handle), CS_OK);
	respond_type(QUORUM_SET);
	ck_assert_int_eq(quorum_initialize(&handle, &callbacks, NULL), CS_OK);
	script->response.size = 0;
}

/* Send a request, so that the scripted events arrive. */
static void fetch(void) { ck_assert_int_eq(quorum_trackstop(handle), CS_OK); }

START_TEST(initialize_asks_for_model_and_type)
{
	const struct quorum_req_model_gettype *request = (const struct quorum_req_model_gettype *)script->request.bytes;
	uint32_t type = 7;

	ck_assert_uint_eq(script->request_count, 1);
	ck_assert_int_eq(request->header.id, QUORUM_REQ_MODEL_GETTYPE);
	ck_assert_int_eq(request->header.size, sizeof(*request));
	ck_assert_uint_eq(request->model, 1);

	quorum_finalize(handle);
	respond_type(QUORUM_FREE);
	ck_assert_int_eq(quorum_initialize(&handle, &callbacks, &type), CS_OK);
	ck_assert_uint_eq(request->model, 0);
	ck_assert_uint_eq(type, QUORUM_FREE);
}
END_TEST

/* The connection is made, but the first response is invalid. */
START_TEST(initialize_fails)
{
	static const struct {
		const char *name;
		size_t size;
		int32_t error;
		cs_error_t code;
	} rows[] = {
		{"no header", 23, CS_OK, CS_ERR_LIBRARY},
		{"bare header", 24, CS_OK, CS_ERR_LIBRARY},
		{"cut", 31, CS_OK, CS_ERR_LIBRARY},
		{"refused", 24, CS_ERR_INVALID_PARAM, CS_ERR_INVALID_PARAM},
		{"try again", 32, CS_ERR_TRY_AGAIN, CS_ERR_TRY_AGAIN},
		{"code 0", 32, 0, CS_ERR_LIBRARY},
		{"negative code", 32, -1, CS_ERR_LIBRARY},
		{"code of nothing", 32, 101, CS_ERR_LIBRARY},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct quorum_res_gettype response = {
			.header = {.size = (int32_t)rows[i].size, .error = rows[i].error},
			.quorum_type = 1,
		};
		quorum_handle_t other = 7;
		uint32_t type = 7;

		script_response(script, &response, rows[i].size);
		ck_assert_msg(quorum_initialize(&other, NULL, &type) == rows[i].code, "%s", rows[i].name);
		ck_assert_uint_eq(type, 7);
		ck_assert_msg(quorum_finalize(other) == CS_ERR_BAD_HANDLE, "%s", rows[i].name);
	}
}
END_TEST

START_TEST(getquorate)
{
	static const struct {
		const char *name;
		uint32_t quorate;
		size_t size;
		int32_t error;
		cs_error_t code;
		int want;
	} rows[] = {
		{"yes", 1, 32, CS_OK, CS_OK, 1},
		{"no", 0, 32, CS_OK, CS_OK, 0},
		{"more than yes", 77, 32, CS_OK, CS_OK, 1},
		{"cut", 1, 31, CS_OK, CS_ERR_LIBRARY, 5},
		{"bare header", 1, 24, CS_OK, CS_ERR_LIBRARY, 5},
		{"refused", 1, 24, CS_ERR_INVALID_PARAM, CS_ERR_INVALID_PARAM, 5},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct quorum_res_getquorate response = {
			.header = {.error = rows[i].error}, .quorate = rows[i].quorate};
		int quorate = 5;

		script_response(script, &response, rows[i].size);
		ck_assert_msg(quorum_getquorate(handle, &quorate) == rows[i].code, "%s", rows[i].name);
		ck_assert_msg(quorate == rows[i].want, "%s", rows[i].name);
	}
}
END_TEST

/* The response is longer than the buffer. The rest of its bytes must not become the answer to another request. */
START_TEST(response_too_long)
{
	uint8_t bytes[64] = {[16] = CS_OK, [24] = 1};
	int quorate = 5;

	script_response(script, bytes, sizeof(bytes));
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(quorum_getquorate(handle, &quorate), CS_ERR_LIBRARY);
		ck_assert_int_eq(quorate, 5);
	}
	ck_assert_int_eq(quorum_finalize(handle), CS_OK);
}
END_TEST

START_TEST(requests_as_specified)
{
	const struct quorum_req_trackstart *request = (const struct quorum_req_trackstart *)script->request.bytes;

	ck_assert_int_eq(quorum_trackstart(handle, 0x80000007u), CS_OK);
	ck_assert_uint_eq(script->request.size, 24);
	ck_assert_int_eq(request->header.id, QUORUM_REQ_TRACKSTART);
	ck_assert_uint_eq(request->track_flags, 0x80000007u);
	ck_assert_int_eq(quorum_trackstop(handle), CS_OK);
	ck_assert_uint_eq(script->request.size, 16);
	ck_assert_int_eq(request->header.id, QUORUM_REQ_TRACKSTOP);
}
END_TEST

START_TEST(nodelist_delivered)
{
	union {
		struct quorum_event_v1_nodelist event;
		uint8_t bytes[64 + 4 * 6];
	} sent = {.event = {
			  .header = {.id = QUORUM_EVENT_V1_NODELIST, .size = sizeof(sent), .error = -1},
			  .ring_id = {.nodeid = 2, .seq = UINT64_C(0x123456789a)},
			  .member_count = 3,
			  .joined_count = 2,
			  .left_count = 1,
		  }};
	static const uint32_t lists[] = {1, 2, UINT32_MAX, 2, UINT32_MAX, 9};

	memcpy(sent.bytes + 60, lists, sizeof(lists));
	script_event(script, &sent, sizeof(sent));
	fetch();
	ck_assert_int_eq(quorum_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
	ck_assert_uint_eq(seen.nodelists, 1);
	ck_assert_uint_eq(seen.nodeid, 2);
	ck_assert_uint_eq(seen.seq, UINT64_C(0x123456789a));
	ck_assert_uint_eq(seen.member_count, 3);
	ck_assert_mem_eq(seen.members, lists, 12);
	ck_assert_uint_eq(seen.joined_count, 2);
	ck_assert_mem_eq(seen.joined, lists + 3, 8);
	ck_assert_uint_eq(seen.left_count, 1);
	ck_assert_uint_eq(seen.left[0], 9);
}
END_TEST

START_TEST(verdicts_delivered)
{
	union {
		struct quorum_event_v1_quorum event;
		uint8_t bytes[56 + 4 * 2];
	} v1 = {.event = {
			.header = {.id = QUORUM_EVENT_V1_QUORUM, .size = sizeof(v1)},
			.quorate = 1,
			.ring_id = {.nodeid = 3, .seq = 8},
			.view_count = 2,
		}};
	union {
		struct quorum_event_notification event;
		uint8_t bytes[48 + 4 * 2];
	} v0 = {.event = {
			.header = {.id = QUORUM_EVENT_NOTIFICATION, .size = sizeof(v0)},
			.quorate = 1,
			.ring_seq = 12,
			.view_count = 2,
		}};
	static const uint32_t list[] = {4, 5};

	memcpy(v1.bytes + 52, list, sizeof(list));
	memcpy(v0.bytes + 44, list, sizeof(list));
	script_event(script, &v1, sizeof(v1));
	script_event(script, &v0, sizeof(v0)); /* an event of the other model, which has no callback: dropped */
	fetch();
	ck_assert_int_eq(quorum_dispatch(handle, CS_DISPATCH_ALL), CS_OK);
	ck_assert_uint_eq(seen.v1, 1);
	ck_assert_uint_eq(seen.v0, 0);
	ck_assert_uint_eq(seen.quorate, 1);
	ck_assert_uint_eq(seen.nodeid, 3);
	ck_assert_uint_eq(seen.seq, 8);
	ck_assert_uint_eq(seen.member_count, 2);
	ck_assert_mem_eq(seen.members, list, sizeof(list));

	be_v0();
	script_event(script, &v0, sizeof(v0));
	script_event(script, &v1, sizeof(v1));
	fetch();
	ck_assert_int_eq(quorum_dispatch(handle, CS_DISPATCH_ALL), CS_OK);
	ck_assert_uint_eq(seen.v0, 1);
	ck_assert_uint_eq(seen.v1, 1);
	ck_assert_uint_eq(seen.seq, 12);
	ck_assert_mem_eq(seen.members, list, sizeof(list));
}
END_TEST

/* Each row makes one field of an event of zeros invalid. */
START_TEST(malformed_events)
{
	static const struct spoilt_event rows[] = {
		{"unknown id", 99, 64, 24, 0, CS_ERR_LIBRARY},
		{"negative id", -7, 64, 24, 0, CS_ERR_LIBRARY},
		{"a response", QUORUM_RES_GETQUORATE, 64, 24, 0, CS_ERR_LIBRARY},
		{"header cut", 7, 23, 0, 7, CS_ERR_LIBRARY},
		{"v0 cut", 3, 47, 0, 3, CS_ERR_LIBRARY},
		{"v0 empty", 3, 48, 40, 0, CS_OK},
		{"v0 one in the padding", 3, 48, 40, 1, CS_OK},
		{"v0 one too many", 3, 48, 40, 2, CS_ERR_LIBRARY},
		{"v0 two", 3, 52, 40, 2, CS_OK},
		{"v0 far too many", 3, 52, 40, UINT32_MAX, CS_ERR_LIBRARY},
		{"v0 overflows", 3, 52, 40, 0x40000000, CS_ERR_LIBRARY},
		{"v1 cut", 6, 55, 0, 6, CS_ERR_LIBRARY},
		{"v1 empty", 6, 56, 48, 0, CS_OK},
		{"v1 one in the padding", 6, 56, 48, 1, CS_OK},
		{"v1 one too many", 6, 56, 48, 2, CS_ERR_LIBRARY},
		{"v1 far too many", 6, 60, 48, UINT32_MAX, CS_ERR_LIBRARY},
		{"nodelist cut", 7, 63, 0, 7, CS_ERR_LIBRARY},
		{"nodelist empty", 7, 64, 40, 0, CS_OK},
		{"nodelist member in the padding", 7, 64, 40, 1, CS_OK},
		{"nodelist members too many", 7, 64, 40, 2, CS_ERR_LIBRARY},
		{"nodelist joined too many", 7, 64, 48, 2, CS_ERR_LIBRARY},
		{"nodelist left too many", 7, 64, 56, 2, CS_ERR_LIBRARY},
		{"nodelist left far too many", 7, 68, 56, UINT32_MAX, CS_ERR_LIBRARY},
	};

	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t bytes[128] = {0};
		const struct spoilt_event *row = &rows[i / 2];

		/* The event is consumed with and without a callback. */
		if (i % 2 == 1)
			be_v0();
		spoilt_event_make(row, bytes);
		script_event(script, bytes, row->size);
		fetch();
		spoilt_event_expect(row, &calls, handle);
	}
}
END_TEST

/* The sum of the three counts exceeds 32 bits, and each count alone is already too large. */
START_TEST(nodelist_counts_overflow)
{
	struct quorum_event_v1_nodelist event = {
		.header = {.id = QUORUM_EVENT_V1_NODELIST, .size = sizeof(event)},
		.member_count = 0x80000000u,
		.joined_count = 0x80000000u,
		.left_count = 1,
	};

	script_event(script, &event, sizeof(event));
	fetch();
	ck_assert_int_eq(quorum_dispatch(handle, CS_DISPATCH_ALL), CS_ERR_LIBRARY);
	ck_assert_uint_eq(seen.nodelists, 0);
}
END_TEST

START_TEST(dispatch_flags) { lib_expect_idle_dispatch(&calls, handle); }
END_TEST

START_TEST(finalize_wakes_dispatch) { lib_expect_finalize_wakes(&calls, handle, CS_DISPATCH_BLOCKING, 50); }
END_TEST

START_TEST(daemon_dies)
{
	int quorate = 5;

	lib_expect_daemon_dies(&calls, handle, server);
	ck_assert_int_eq(quorum_getquorate(handle, &quorate), CS_ERR_LIBRARY);
	ck_assert_int_eq(quorate, 5);
	ck_assert_int_eq(quorum_trackstart(handle, CS_TRACK_CURRENT), CS_ERR_LIBRARY);
	ck_assert_int_eq(quorum_context_set(handle, &quorate), CS_OK);
	ck_assert_int_eq(quorum_finalize(handle), CS_OK);
	ck_assert_int_eq(quorum_finalize(handle), CS_ERR_BAD_HANDLE);
}
END_TEST

START_TEST(models_unknown)
{
	quorum_handle_t other = 7;

	ck_assert_int_eq(quorum_model_initialize(&other, (quorum_model_t)2, NULL, NULL, NULL), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(quorum_finalize(other), CS_ERR_BAD_HANDLE);
	ck_assert_uint_eq(script->request_count, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libquorum");
	TCase *tcase = tcase_create("libquorum");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, initialize_asks_for_model_and_type);
	tcase_add_test(tcase, initialize_fails);
	tcase_add_test(tcase, models_unknown);
	tcase_add_test(tcase, getquorate);
	tcase_add_test(tcase, response_too_long);
	tcase_add_test(tcase, requests_as_specified);
	tcase_add_test(tcase, nodelist_delivered);
	tcase_add_test(tcase, verdicts_delivered);
	tcase_add_test(tcase, malformed_events);
	tcase_add_test(tcase, nodelist_counts_overflow);
	tcase_add_test(tcase, dispatch_flags);
	tcase_add_test(tcase, finalize_wakes_dispatch);
	tcase_add_test(tcase, daemon_dies);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
