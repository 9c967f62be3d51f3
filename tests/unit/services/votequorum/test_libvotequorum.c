/* SPDX-License-Identifier: BSD-3-Clause */
/* libvotequorum with a daemon whose answers the test chooses. */
#include <corosync/votequorum.h>

#include <check.h>
#include <string.h>

#include "services/votequorum/messages.h"
#include "tests/suite.h"
#include "tests/unit/services/client/lib_case.h"
#include "tests/unit/services/client/scripted_daemon.h"

static pid_t server;
static struct script *script;
static votequorum_handle_t handle;
static const struct lib_calls calls = {votequorum_dispatch, votequorum_fd_get, votequorum_finalize};

/* Arguments of the callbacks' last calls, and the number of calls. */
static struct {
	unsigned int quorums, expecteds, nodelists;
	uint64_t context;
	uint32_t quorate, expected_votes;
	votequorum_ring_id_t ring_id;
	uint32_t count;
	votequorum_node_t nodes[8];
	uint32_t list[8];
} seen;

static void on_quorum(
	votequorum_handle_t h, uint64_t context, uint32_t quorate, uint32_t count, votequorum_node_t nodes[])
{
	ck_assert_uint_eq(h, handle);
	ck_assert_uint_le(count, 8);
	seen.quorums++;
	seen.context = context;
	seen.quorate = quorate;
	seen.count = count;
	memcpy(seen.nodes, nodes, count * sizeof(nodes[0]));
}

static void on_expected(votequorum_handle_t h, uint64_t context, uint32_t expected_votes)
{
	ck_assert_uint_eq(h, handle);
	seen.expecteds++;
	seen.context = context;
	seen.expected_votes = expected_votes;
}

static void on_nodelist(
	votequorum_handle_t h, uint64_t context, votequorum_ring_id_t ring_id, uint32_t count, uint32_t list[])
{
	ck_assert_uint_eq(h, handle);
	ck_assert_uint_le(count, 8);
	seen.nodelists++;
	seen.context = context;
	seen.ring_id = ring_id;
	seen.count = count;
	memcpy(seen.list, list, count * sizeof(list[0]));
}

static votequorum_callbacks_t callbacks = {on_quorum, on_expected, on_nodelist};

static void set_up(void)
{
	server = scripted_daemon_start("votequorum", &script);
	memset(&seen, 0, sizeof(seen));
	ck_assert_int_eq(votequorum_initialize(&handle, &callbacks), CS_OK);
}

static void tear_down(void)
{
	votequorum_finalize(handle);
	scripted_daemon_stop(server);
}

/* Send a request, so that the scripted events arrive. */
static void fetch(void) { ck_assert_int_eq(votequorum_trackstop(handle), CS_OK); }

/* ---- Requests ---- */

static const char longest[] = "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
			      "8901234567890123456789012345678901234567890123456789012345678901234567890123456789012345"
			      "678901234567890123456789012345678901234567890123456789012345678901234567890123";
_Static_assert(sizeof(longest) == 255, "254 bytes and the end");

/* Check the last request's id and size. @return its bytes */
static const void *asked(int32_t id, size_t size)
{
	const struct votequorum_request_header *header = (const struct votequorum_request_header *)
								 script->request.bytes;

	ck_assert_uint_eq(script->request.size, size);
	ck_assert_int_eq(header->id, id);
	ck_assert_int_eq(header->size, (int32_t)size);
	return script->request.bytes;
}

START_TEST(requests_as_specified)
{
	const struct votequorum_req_trackstart *trackstart;
	const struct votequorum_req_setvotes *setvotes;
	const struct votequorum_req_setexpected *setexpected;

	ck_assert_uint_eq(script->request_count, 0);
	ck_assert_int_eq(votequorum_setexpected(handle, 4000000000u), CS_OK);
	setexpected = asked(1, 24);
	ck_assert_uint_eq(setexpected->expected_votes, 4000000000u);
	ck_assert_int_eq(votequorum_setvotes(handle, 4000000001u, 4000000002u), CS_OK);
	setvotes = asked(2, 24);
	ck_assert_uint_eq(setvotes->nodeid, 4000000001u);
	ck_assert_uint_eq(setvotes->votes, 4000000002u);
	ck_assert_int_eq(votequorum_trackstart(handle, UINT64_C(0x123456789abcdef0), 0x80000007u), CS_OK);
	trackstart = asked(3, 32);
	ck_assert_uint_eq(trackstart->context, UINT64_C(0x123456789abcdef0));
	ck_assert_uint_eq(trackstart->track_flags, 0x80000007u);
	ck_assert_int_eq(votequorum_trackstop(handle), CS_OK);
	asked(4, 16);
}
END_TEST

START_TEST(device_requests_as_specified)
{
	const struct votequorum_req_qdevice *named;
	const struct votequorum_req_qdevice_update *update;
	const struct votequorum_req_qdevice_poll *poll_request;
	const struct votequorum_req_qdevice_master_wins *master;
	votequorum_ring_id_t ring_id = {7, UINT64_C(0x100000008)};
	static const char zeros[VOTEQUORUM_NAME_SIZE];

	ck_assert_int_eq(votequorum_qdevice_register(handle, longest), CS_OK);
	named = asked(5, 272);
	ck_assert_mem_eq(named->name, longest, 255);
	ck_assert_uint_eq(named->pad, 0);
	ck_assert_int_eq(votequorum_qdevice_unregister(handle, "d"), CS_OK);
	named = asked(6, 272);
	ck_assert_str_eq(named->name, "d");
	/* The bytes behind the name must be zero: the library must not send other memory of the program. */
	ck_assert_mem_eq(named->name + 1, zeros, 254);
	ck_assert_int_eq(votequorum_qdevice_update(handle, "old", longest), CS_OK);
	update = asked(7, 528);
	ck_assert_str_eq(update->old_name, "old");
	ck_assert_mem_eq(update->new_name, longest, 255);
	ck_assert_int_eq(votequorum_qdevice_poll(handle, "d", 255, ring_id), CS_OK);
	poll_request = asked(8, 296);
	ck_assert_str_eq(poll_request->name, "d");
	ck_assert_uint_eq(poll_request->cast_vote, 255);
	ck_assert_uint_eq(poll_request->ring_id.nodeid, 7);
	ck_assert_uint_eq(poll_request->ring_id.pad, 0);
	ck_assert_uint_eq(poll_request->ring_id.seq, UINT64_C(0x100000008));
	ck_assert_int_eq(votequorum_qdevice_master_wins(handle, "d", 2), CS_OK);
	master = asked(9, 280);
	ck_assert_str_eq(master->name, "d");
	ck_assert_uint_eq(master->allow, 2);
}
END_TEST

/* Names that are refused before the handle is checked: no request is sent. */
START_TEST(device_names_refused)
{
	char too_long[257];
	votequorum_ring_id_t ring_id = {1, 1};

	memset(too_long, 'n', sizeof(too_long));
	for (size_t length = 0; length <= 256; length += length == 0 ? 255 : 1) {
		too_long[length] = '\0';
		for (int i = 0; i < 2; i++) {
			votequorum_handle_t h = i == 0 ? handle : 0;

			ck_assert_int_eq(votequorum_qdevice_register(h, too_long), CS_ERR_INVALID_PARAM);
			ck_assert_int_eq(votequorum_qdevice_unregister(h, too_long), CS_ERR_INVALID_PARAM);
			ck_assert_int_eq(votequorum_qdevice_update(h, too_long, "d"), CS_ERR_INVALID_PARAM);
			ck_assert_int_eq(votequorum_qdevice_update(h, "d", too_long), CS_ERR_INVALID_PARAM);
			ck_assert_int_eq(votequorum_qdevice_poll(h, too_long, 1, ring_id), CS_ERR_INVALID_PARAM);
			ck_assert_int_eq(votequorum_qdevice_master_wins(h, too_long, 1), CS_ERR_INVALID_PARAM);
		}
		memset(too_long, 'n', sizeof(too_long));
	}
	ck_assert_uint_eq(script->request_count, 0);
	ck_assert_int_eq(votequorum_qdevice_register(0, "d"), CS_ERR_BAD_HANDLE);
}
END_TEST

/* Each code of a plain answer is returned to the caller. An unknown code becomes an error. */
START_TEST(plain_answers)
{
	static const struct {
		const char *name;
		size_t size;
		int32_t error;
		cs_error_t code;
	} rows[] = {
		{"fine", 24, CS_OK, CS_OK},
		{"no header", 23, CS_OK, CS_ERR_LIBRARY},
		{"empty", 1, CS_OK, CS_ERR_LIBRARY},
		{"try again", 24, CS_ERR_TRY_AGAIN, CS_ERR_TRY_AGAIN},
		{"invalid", 24, CS_ERR_INVALID_PARAM, CS_ERR_INVALID_PARAM},
		{"access", 24, CS_ERR_ACCESS, CS_ERR_ACCESS},
		{"not exist", 24, CS_ERR_NOT_EXIST, CS_ERR_NOT_EXIST},
		{"exist", 24, CS_ERR_EXIST, CS_ERR_EXIST},
		{"name not found", 24, CS_ERR_NAME_NOT_FOUND, CS_ERR_NAME_NOT_FOUND},
		{"no resources", 24, CS_ERR_NO_RESOURCES, CS_ERR_NO_RESOURCES},
		{"message error", 24, CS_ERR_MESSAGE_ERROR, CS_ERR_MESSAGE_ERROR},
		{"code 0", 24, 0, CS_ERR_LIBRARY},
		{"negative code", 24, -22, CS_ERR_LIBRARY},
		{"code of nothing", 24, 101, CS_ERR_LIBRARY},
	};
	votequorum_ring_id_t ring_id = {1, 1};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct votequorum_res_plain response = {
			.header = {.size = (int32_t)rows[i].size, .error = rows[i].error}};
		const cs_error_t want = rows[i].code;

		script_response(script, &response, rows[i].size);
		ck_assert_msg(votequorum_setexpected(handle, 1) == want, "%s", rows[i].name);
		ck_assert_msg(votequorum_setvotes(handle, 1, 1) == want, "%s", rows[i].name);
		ck_assert_msg(votequorum_trackstart(handle, 1, 1) == want, "%s", rows[i].name);
		ck_assert_msg(votequorum_trackstop(handle) == want, "%s", rows[i].name);
		ck_assert_msg(votequorum_qdevice_register(handle, "d") == want, "%s", rows[i].name);
		ck_assert_msg(votequorum_qdevice_unregister(handle, "d") == want, "%s", rows[i].name);
		ck_assert_msg(votequorum_qdevice_update(handle, "d", "e") == want, "%s", rows[i].name);
		ck_assert_msg(votequorum_qdevice_poll(handle, "d", 1, ring_id) == want, "%s", rows[i].name);
		ck_assert_msg(votequorum_qdevice_master_wins(handle, "d", 1) == want, "%s", rows[i].name);
	}
}
END_TEST

/* ---- Information ---- */

static struct votequorum_res_getinfo info_response(void)
{
	return (struct votequorum_res_getinfo){
		.header = {.id = VOTEQUORUM_RES_GETINFO, .size = 320, .error = CS_OK},
		.nodeid = 1,
		.state = 2,
		.votes = 3,
		.expected_votes = 4,
		.highest_expected = 5,
		.total_votes = 6,
		.quorum = 7,
		.flags = 0x3ff,
		.qdevice_votes = 9,
		.qdevice_name = "device",
	};
}

START_TEST(info_of_a_node)
{
	struct votequorum_res_getinfo response = info_response();
	const struct votequorum_req_getinfo *request;
	struct votequorum_info info;
	static const char zeros[VOTEQUORUM_QDEVICE_MAX_NAME_LEN];

	memset(&info, 0xff, sizeof(info));
	/* The daemon may send any bytes behind the end of the name. */
	memset(response.qdevice_name + 7, 0xee, 100);
	script_response(script, &response, sizeof(response));
	ck_assert_int_eq(votequorum_getinfo(handle, 4000000000u, &info), CS_OK);
	request = asked(0, 24);
	ck_assert_uint_eq(request->nodeid, 4000000000u);
	ck_assert_uint_eq(info.node_id, 1);
	ck_assert_uint_eq(info.node_state, VOTEQUORUM_NODESTATE_DEAD);
	ck_assert_uint_eq(info.node_votes, 3);
	ck_assert_uint_eq(info.node_expected_votes, 4);
	ck_assert_uint_eq(info.highest_expected, 5);
	ck_assert_uint_eq(info.total_votes, 6);
	ck_assert_uint_eq(info.quorum, 7);
	ck_assert_uint_eq(info.flags, 0x3ff);
	ck_assert_uint_eq(info.qdevice_votes, 9);
	ck_assert_str_eq(info.qdevice_name, "device");
	ck_assert_mem_eq(info.qdevice_name + 6, zeros, sizeof(zeros) - 6);
}
END_TEST

START_TEST(info_name_without_end)
{
	struct votequorum_res_getinfo response = info_response();
	struct votequorum_info info;

	memset(response.qdevice_name, 'n', sizeof(response.qdevice_name));
	script_response(script, &response, sizeof(response));
	ck_assert_int_eq(votequorum_getinfo(handle, 0, &info), CS_OK);
	ck_assert_uint_eq(strnlen(info.qdevice_name, sizeof(info.qdevice_name)), 254);
}
END_TEST

START_TEST(info_refused)
{
	static const struct {
		const char *name;
		size_t size;
		int32_t error;
		cs_error_t code;
	} rows[] = {
		{"unknown node", 320, CS_ERR_NOT_EXIST, CS_ERR_NOT_EXIST},
		{"unknown node, bare", 24, CS_ERR_NOT_EXIST, CS_ERR_NOT_EXIST},
		{"bare header", 24, CS_OK, CS_ERR_LIBRARY},
		{"one byte short", 319, CS_OK, CS_ERR_LIBRARY},
		{"no header", 8, CS_OK, CS_ERR_LIBRARY},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct votequorum_res_getinfo response = info_response();
		struct votequorum_info info = {.node_id = 5, .flags = 5};

		response.header.error = rows[i].error;
		script_response(script, &response, rows[i].size);
		ck_assert_msg(votequorum_getinfo(handle, 0, &info) == rows[i].code, "%s", rows[i].name);
		ck_assert_msg(info.node_id == 5 && info.flags == 5, "%s", rows[i].name);
	}
}
END_TEST

/* The response is longer than the buffer. The rest of its bytes must not become the answer to another request. */
START_TEST(response_too_long)
{
	uint8_t bytes[400] = {[16] = CS_OK};
	struct votequorum_info info = {.node_id = 5};

	script_response(script, bytes, sizeof(bytes));
	ck_assert_int_eq(votequorum_getinfo(handle, 0, &info), CS_ERR_LIBRARY);
	script->response.size = 0;
	ck_assert_int_eq(votequorum_setexpected(handle, 1), CS_ERR_LIBRARY);
	ck_assert_uint_eq(info.node_id, 5);
}
END_TEST

/* ---- Events ---- */

START_TEST(events_delivered)
{
	union {
		struct votequorum_event_quorum event;
		uint8_t bytes[48 + 2 * 8];
	} quorum = {.event = {
			    .header = {.id = VOTEQUORUM_EVENT_QUORUM, .size = sizeof(quorum), .error = -1},
			    .quorate = 1,
			    .context = UINT64_C(0xfedcba9876543210),
			    .node_count = 2,
		    }};
	union {
		struct votequorum_event_nodelist event;
		uint8_t bytes[56 + 3 * 4];
	} nodelist = {.event = {
			      .header = {.id = VOTEQUORUM_EVENT_NODELIST, .size = sizeof(nodelist)},
			      .context = 5,
			      .ring_id = {.nodeid = 2, .seq = UINT64_C(0x100000004)},
			      .node_count = 3,
		      }};
	struct votequorum_event_expected_votes expected = {
		.header = {.id = VOTEQUORUM_EVENT_EXPECTED_VOTES, .size = sizeof(expected)},
		.context = 6,
		.expected_votes = 4000000000u,
	};
	static const uint32_t nodes[] = {UINT32_MAX, 1, 0, 0}, list[] = {2, 3, UINT32_MAX};

	memcpy(quorum.bytes + 48, nodes, sizeof(nodes));
	memcpy(nodelist.bytes + 56, list, sizeof(list));
	script_event(script, &nodelist, sizeof(nodelist));
	script_event(script, &expected, sizeof(expected));
	script_event(script, &quorum, sizeof(quorum));
	fetch();

	ck_assert_int_eq(votequorum_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
	ck_assert_uint_eq(seen.nodelists, 1);
	ck_assert_uint_eq(seen.context, 5);
	ck_assert_uint_eq(seen.ring_id.nodeid, 2);
	ck_assert_uint_eq(seen.ring_id.seq, UINT64_C(0x100000004));
	ck_assert_uint_eq(seen.count, 3);
	ck_assert_mem_eq(seen.list, list, sizeof(list));

	ck_assert_int_eq(votequorum_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING), CS_OK);
	ck_assert_uint_eq(seen.expecteds, 1);
	ck_assert_uint_eq(seen.context, 6);
	ck_assert_uint_eq(seen.expected_votes, 4000000000u);

	ck_assert_int_eq(votequorum_dispatch(handle, CS_DISPATCH_ALL), CS_OK);
	ck_assert_uint_eq(seen.quorums, 1);
	ck_assert_uint_eq(seen.context, UINT64_C(0xfedcba9876543210));
	ck_assert_uint_eq(seen.quorate, 1);
	ck_assert_uint_eq(seen.count, 2);
	ck_assert_mem_eq(seen.nodes, nodes, sizeof(nodes));
	ck_assert_int_eq(votequorum_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN);
}
END_TEST

/* Each row makes one field of an event of zeros invalid. */
START_TEST(malformed_events)
{
	static const struct spoilt_event rows[] = {
		{"unknown id", 99, 64, 24, 0, CS_ERR_LIBRARY},
		{"negative id", -7, 64, 24, 0, CS_ERR_LIBRARY},
		{"extra cut", 7, 47, 0, 7, CS_ERR_LIBRARY},
		{"extra empty", 7, 48, 40, 0, CS_OK},
		{"extra one too many", 7, 48, 40, 1, CS_ERR_LIBRARY},
		{"extra exact", 7, 56, 40, 8, CS_OK},
		{"extra far too many", 7, 56, 40, UINT32_MAX, CS_ERR_LIBRARY},
		{"of a later version", 8, 64, 24, 0, CS_ERR_LIBRARY},
		{"a response", VOTEQUORUM_RES_GETINFO, 320, 24, 0, CS_ERR_LIBRARY},
		{"header cut", 3, 23, 0, 3, CS_ERR_LIBRARY},
		{"quorum cut", 3, 47, 0, 3, CS_ERR_LIBRARY},
		{"quorum empty", 3, 48, 40, 0, CS_OK},
		{"quorum one too many", 3, 55, 40, 1, CS_ERR_LIBRARY},
		{"quorum exact", 3, 56, 40, 1, CS_OK},
		{"quorum far too many", 3, 56, 40, UINT32_MAX, CS_ERR_LIBRARY},
		{"quorum overflows", 3, 56, 40, 0x20000000, CS_ERR_LIBRARY},
		{"expected cut", 4, 39, 0, 4, CS_ERR_LIBRARY},
		{"expected", 4, 40, 32, 1, CS_OK},
		{"nodelist cut", 5, 55, 0, 5, CS_ERR_LIBRARY},
		{"nodelist empty", 5, 56, 48, 0, CS_OK},
		{"nodelist one too many", 5, 59, 48, 1, CS_ERR_LIBRARY},
		{"nodelist exact", 5, 60, 48, 1, CS_OK},
		{"nodelist far too many", 5, 60, 48, UINT32_MAX, CS_ERR_LIBRARY},
		{"nodelist overflows", 5, 60, 48, 0x40000000, CS_ERR_LIBRARY},
	};

	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t bytes[320] = {0};
		const struct spoilt_event *row = &rows[i / 2];

		/* The event is consumed with and without a callback. */
		if (i % 2 == 1) {
			votequorum_finalize(handle);
			ck_assert_int_eq(votequorum_initialize(&handle, NULL), CS_OK);
		}
		spoilt_event_make(row, bytes);
		script_event(script, bytes, row->size);
		fetch();
		spoilt_event_expect(row, &calls, handle);
	}
}
END_TEST

/* ---- Extra information, of the release after 3.1.10 ---- */

_Static_assert(sizeof(votequorum_model_v1_data_t) == 40 && offsetof(votequorum_model_v1_data_t, model) == 0 &&
		       offsetof(votequorum_model_v1_data_t, quorum_notify_fn) == 8 &&
		       offsetof(votequorum_model_v1_data_t, expectedvotes_notify_fn) == 16 &&
		       offsetof(votequorum_model_v1_data_t, nodelist_notify_fn) == 24 &&
		       offsetof(votequorum_model_v1_data_t, qdevice_extra_info_notify_fn) == 32,
	"the layout of model V1");

static struct {
	unsigned int count;
	uint64_t context;
	uint32_t nodeid, size;
	char text[16];
} told;

static void on_extra(votequorum_handle_t h, uint64_t context, uint32_t nodeid, uint32_t size, void *data)
{
	ck_assert_uint_eq(h, handle);
	ck_assert_uint_lt(size, sizeof(told.text));
	told.count++;
	told.context = context;
	told.nodeid = nodeid;
	told.size = size;
	memcpy(told.text, data, size);
}

static void initialize_model(int model)
{
	votequorum_model_v1_data_t data = {
		.model = (votequorum_model_t)model, on_quorum, on_expected, on_nodelist, on_extra};

	votequorum_finalize(handle);
	ck_assert_int_eq(votequorum_model_initialize(&handle, (votequorum_model_data_t *)&data), CS_OK);
}

/* The library does not check the model's number, and callbacks may be NULL. */
START_TEST(models_are_alike)
{
	for (int model = 0; model <= 3; model++)
		initialize_model(model);
	votequorum_finalize(handle);
	ck_assert_int_eq(votequorum_model_initialize(&handle, NULL), CS_OK);
	fetch();
}
END_TEST

START_TEST(a_model_takes_every_event)
{
	union {
		struct votequorum_event_extra event;
		uint8_t bytes[48 + 3];
	} extra = {
		.event = {.header = {.id = VOTEQUORUM_EVENT_EXTRA, .size = 51}, .context = 9, .nodeid = 4, .size = 3}};
	struct votequorum_event_expected_votes expected = {
		.header = {.id = VOTEQUORUM_EVENT_EXPECTED_VOTES, .size = sizeof(expected)}, .expected_votes = 5};
	const struct votequorum_req_trackstart *trackstart;

	memset(&told, 0, sizeof(told));
	initialize_model(VOTEQUORUM_MODEL_V1);
	memcpy(extra.bytes + 48, "abc", 3);
	script_event(script, &extra, 51);
	script_event(script, &expected, sizeof(expected));
	/* A flag tells the daemon that this library accepts the event of extra information. */
	ck_assert_int_eq(votequorum_trackstart(handle, 9, 0x80000004u), CS_OK);
	trackstart = asked(3, 32);
	ck_assert_uint_eq(trackstart->track_flags, 0x45580004u);
	ck_assert_int_eq(votequorum_dispatch(handle, CS_DISPATCH_ALL), CS_OK);
	ck_assert_uint_eq(told.count, 1);
	ck_assert_uint_eq(told.context, 9);
	ck_assert_uint_eq(told.nodeid, 4);
	ck_assert_str_eq(told.text, "abc");
	ck_assert_uint_eq(seen.expected_votes, 5);
}
END_TEST

START_TEST(extra_information_is_set)
{
	static const uint8_t bytes[VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE] = {1, 2, 3};
	const struct votequorum_req_set_extra *request;

	ck_assert_int_eq(votequorum_set_qdevice_extra_info(handle, sizeof(bytes), bytes), CS_OK);
	request = asked(10, 4120);
	ck_assert_uint_eq(request->size, sizeof(bytes));
	ck_assert_mem_eq(request->bytes, bytes, sizeof(bytes));
	ck_assert_int_eq(votequorum_set_qdevice_extra_info(handle, 0, NULL), CS_OK);
	request = asked(10, 4120);
	ck_assert_uint_eq(request->size, 0);
	uint32_t requests = script->request_count;

	ck_assert_int_eq(votequorum_set_qdevice_extra_info(handle, sizeof(bytes) + 1, bytes), CS_ERR_INVALID_PARAM);
	ck_assert_uint_eq(script->request_count, requests);
	ck_assert_int_eq(votequorum_set_qdevice_extra_info(0, 0, NULL), CS_ERR_BAD_HANDLE);
}
END_TEST

/* Read extra information. size: size of the message. A daemon may leave out the bytes behind the text. */
START_TEST(extra_information_is_read)
{
	static const struct {
		uint32_t size, says;
		int32_t error;
		cs_error_t want;
	} rows[] = {
		{4128, 3, CS_OK, CS_OK},
		{31, 3, CS_OK, CS_OK},
		{28, 0, CS_OK, CS_OK},
		{30, 3, CS_OK, CS_ERR_LIBRARY},
		{24, 0, CS_OK, CS_ERR_LIBRARY},
		{4128, 4097, CS_OK, CS_ERR_LIBRARY},
		{4128, UINT32_MAX, CS_OK, CS_ERR_LIBRARY},
		{4128, 3, CS_ERR_NOT_EXIST, CS_ERR_NOT_EXIST},
		{24, 0, CS_ERR_ACCESS, CS_ERR_ACCESS},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct votequorum_res_get_extra response = {.size = rows[i].says, .bytes = "abc"};
		char data[VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE] = "untouched";
		uint32_t size = 77;

		response.header.id = VOTEQUORUM_RES_GET_EXTRA;
		response.header.size = (int32_t)rows[i].size;
		response.header.error = rows[i].error;
		script_response(script, &response, rows[i].size);
		ck_assert_int_eq(votequorum_get_qdevice_extra_info(handle, 6, &size, data), rows[i].want);
		const struct votequorum_req_get_extra *request = asked(11, 24);
		ck_assert_uint_eq(request->nodeid, 6);
		ck_assert_uint_eq(size, rows[i].want == CS_OK ? rows[i].says : 77);
		ck_assert_str_eq(data, rows[i].want == CS_OK && rows[i].says > 0 ? "abcouched" : "untouched");
	}
}
END_TEST

START_TEST(dispatch_flags) { lib_expect_idle_dispatch(&calls, handle); }
END_TEST

START_TEST(finalize_wakes_dispatch) { lib_expect_finalize_wakes(&calls, handle, CS_DISPATCH_ONE, 50); }
END_TEST

START_TEST(context_kept)
{
	void *context = &seen;

	ck_assert_int_eq(votequorum_context_get(handle, &context), CS_OK);
	ck_assert_ptr_null(context);
	ck_assert_int_eq(votequorum_context_set(handle, &seen), CS_OK);
	ck_assert_int_eq(votequorum_context_get(handle, &context), CS_OK);
	ck_assert_ptr_eq(context, &seen);
}
END_TEST

START_TEST(daemon_dies)
{
	struct votequorum_info info = {.node_id = 5};

	lib_expect_daemon_dies(&calls, handle, server);
	ck_assert_int_eq(votequorum_getinfo(handle, 0, &info), CS_ERR_LIBRARY);
	ck_assert_uint_eq(info.node_id, 5);
	ck_assert_int_eq(votequorum_qdevice_register(handle, "d"), CS_ERR_LIBRARY);
	ck_assert_int_eq(votequorum_finalize(handle), CS_OK);
	ck_assert_int_eq(votequorum_finalize(handle), CS_ERR_BAD_HANDLE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libvotequorum");
	TCase *tcase = tcase_create("libvotequorum");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, requests_as_specified);
	tcase_add_test(tcase, device_requests_as_specified);
	tcase_add_test(tcase, device_names_refused);
	tcase_add_test(tcase, plain_answers);
	tcase_add_test(tcase, info_of_a_node);
	tcase_add_test(tcase, info_name_without_end);
	tcase_add_test(tcase, info_refused);
	tcase_add_test(tcase, response_too_long);
	tcase_add_test(tcase, events_delivered);
	tcase_add_test(tcase, malformed_events);
	tcase_add_test(tcase, models_are_alike);
	tcase_add_test(tcase, a_model_takes_every_event);
	tcase_add_test(tcase, extra_information_is_set);
	tcase_add_test(tcase, extra_information_is_read);
	tcase_add_test(tcase, dispatch_flags);
	tcase_add_test(tcase, finalize_wakes_dispatch);
	tcase_add_test(tcase, context_kept);
	tcase_add_test(tcase, daemon_dies);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
