/* SPDX-License-Identifier: BSD-3-Clause */
/* libcmap with a daemon whose answers the test chooses. */
#include <corosync/cmap.h>

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "services/cmap/messages.h"
#include "tests/suite.h"
#include "tests/unit/services/client/scripted_daemon.h"

enum { ALL = CMAP_TRACK_ADD | CMAP_TRACK_MODIFY | CMAP_TRACK_DELETE };

static pid_t server;
static struct script *script;
static cmap_handle_t handle;

/* Arguments of the callback's last call, and the number of calls. */
static struct {
	unsigned int count;
	cmap_track_handle_t tracker;
	int32_t event;
	char key[CMAP_KEYNAME_MAXLEN + 1];
	struct cmap_notify_value now, before;
	uint8_t now_bytes[64], before_bytes[64];
	void *user_data;
} seen;

static void on_change(cmap_handle_t h, cmap_track_handle_t tracker, int32_t event, const char *key,
	struct cmap_notify_value now, struct cmap_notify_value before, void *user_data)
{
	ck_assert_uint_eq(h, handle);
	seen.count++;
	seen.tracker = tracker;
	seen.event = event;
	ck_assert_uint_lt(strlen(key), sizeof(seen.key));
	strcpy(seen.key, key);
	seen.now = now;
	seen.before = before;
	memcpy(seen.now_bytes, now.data, now.len < 64 ? now.len : 64);
	memcpy(seen.before_bytes, before.data, before.len < 64 ? before.len : 64);
	seen.user_data = user_data;
}

static void set_up(void)
{
	server = scripted_daemon_start("cmap", &script);
	memset(&seen, 0, sizeof(seen));
	ck_assert_int_eq(cmap_initialize(&handle), CS_OK);
}

static void tear_down(void)
{
	cmap_finalize(handle);
	scripted_daemon_stop(server);
}

static void respond(void *response, size_t size, int32_t error)
{
	struct cmap_response_header *header = response;

	header->size = (int32_t)size;
	header->error = error;
	script_response(script, response, size);
}

static void respond_value(uint8_t type, const void *value, size_t size, uint64_t value_size)
{
	struct {
		struct cmap_res_get head;
		uint8_t value[64];
	} response = {.head = {.value_size = value_size, .type = type}};

	memcpy(response.value, value, size);
	respond(&response, sizeof(response.head) + size, CS_OK);
}

static cmap_track_handle_t track(const char *key, void *user_data)
{
	struct cmap_res_track_add response = {.tracker = 4711};
	cmap_track_handle_t tracker = 0;

	respond(&response, sizeof(response), CS_OK);
	ck_assert_int_eq(cmap_track_add(handle, key, ALL, on_change, user_data, &tracker), CS_OK);
	script->response.size = 0;
	return tracker;
}

/* Script an event with values of these sizes. It is sent with the next request. */
static void notify(cmap_track_handle_t instance, uint64_t now_size, uint64_t before_size, size_t size)
{
	struct {
		struct cmap_event_notify head;
		uint8_t values[64];
	} event = {
		.head = {.header = {.id = CMAP_EVENT_NOTIFY, .size = (int32_t)size},
			.instance = instance,
			.name = {.length = 3, .value = "key"},
			.event = CMAP_TRACK_MODIFY,
			.now_type = CMAP_VALUETYPE_BINARY,
			.before_type = CMAP_VALUETYPE_STRING,
			.now_size = now_size,
			.before_size = before_size},
		.values = "newold",
	};

	script_event(script, &event, size);
	ck_assert_int_eq(cmap_delete(handle, "fetch"), CS_OK);
}

/* ---- Connecting ---------------------------------------------------------- */

START_TEST(the_default_map_is_not_asked_for)
{
	const struct cmap_req_set_map *request = (const struct cmap_req_set_map *)script->request.bytes;
	cmap_handle_t stats;

	ck_assert_uint_eq(script->request_count, 0);
	ck_assert_int_eq(cmap_initialize_map(&stats, CMAP_MAP_STATS), CS_OK);
	ck_assert_uint_eq(script->request_count, 1);
	ck_assert_int_eq(request->header.id, CMAP_REQ_SET_MAP);
	ck_assert_int_eq(request->map, 1);
	ck_assert_int_eq(cmap_finalize(stats), CS_OK);
	ck_assert_int_eq(cmap_finalize(stats), CS_ERR_BAD_HANDLE);
}
END_TEST

START_TEST(an_unknown_map_leaves_a_handle)
{
	struct cmap_res_plain response = {0};
	cmap_handle_t odd = 0;

	respond(&response, sizeof(response), CS_ERR_NOT_EXIST);
	ck_assert_int_eq(cmap_initialize_map(&odd, (cmap_map_t)7), CS_ERR_NOT_EXIST);
	script->response.size = 0;
	ck_assert_int_eq(cmap_delete(odd, "key"), CS_OK);
	ck_assert_int_eq(cmap_finalize(odd), CS_OK);
}
END_TEST

/* ---- Requests ------------------------------------------------------------ */

START_TEST(requests_are_as_corosyncs)
{
	const struct cmap_req_set *set = (const struct cmap_req_set *)script->request.bytes;
	const struct cmap_req_adjust *adjust = (const struct cmap_req_adjust *)script->request.bytes;
	struct cmap_wire_name name = {.length = 3, .value = "key"};

	ck_assert_int_eq(cmap_set_uint32(handle, "key", 0x12345678), CS_OK);
	ck_assert_uint_eq(script->request.size, 300);
	ck_assert_int_eq(set->header.id, CMAP_REQ_SET);
	ck_assert_int_eq(set->header.size, 300);
	ck_assert_mem_eq(&set->name, &name, sizeof(name));
	ck_assert_uint_eq(set->value_size, 4);
	ck_assert_uint_eq(set->type, CMAP_VALUETYPE_UINT32);
	ck_assert_mem_eq(set->value, &(uint32_t){0x12345678}, 4);
	ck_assert_int_eq(cmap_set_string(handle, "key", "text"), CS_OK);
	ck_assert_uint_eq(script->request.size, 300); /* the name, without its NUL */
	ck_assert_int_eq(cmap_dec(handle, "key"), CS_OK);
	ck_assert_uint_eq(script->request.size, sizeof(*adjust));
	ck_assert_int_eq(adjust->header.id, CMAP_REQ_ADJUST);
	ck_assert_int_eq(adjust->step, -1);
	ck_assert_int_eq(cmap_inc(handle, "key"), CS_OK);
	ck_assert_int_eq(adjust->step, 1);
	ck_assert_uint_eq(script->request_count, 4);
}
END_TEST

START_TEST(arguments_are_checked_before_anything_is_sent)
{
	char key[300];
	char *text;
	uint8_t u8;
	size_t size;
	cmap_iter_handle_t iterator;
	cmap_track_handle_t tracker;

	memset(key, 'k', sizeof(key));
	key[256] = '\0';
	ck_assert_int_eq(cmap_set_uint8(handle, key, 1), CS_ERR_NAME_TOO_LONG);
	ck_assert_int_eq(cmap_set_uint8(handle, NULL, 1), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(cmap_set(handle, "key", NULL, 1, CMAP_VALUETYPE_UINT8), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(cmap_set(handle, "key", key, 1048281, CMAP_VALUETYPE_BINARY), CS_ERR_TOO_BIG);
	ck_assert_int_eq(cmap_set(handle, "key", key, SIZE_MAX, CMAP_VALUETYPE_BINARY), CS_ERR_TOO_BIG);
	ck_assert_int_eq(cmap_get(handle, "key", &u8, NULL, NULL), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(cmap_get(handle, NULL, &u8, &size, NULL), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(cmap_get_string(handle, "key", NULL), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(cmap_get_string(handle, key, &text), CS_ERR_NAME_TOO_LONG);
	ck_assert_int_eq(cmap_delete(handle, key), CS_ERR_NAME_TOO_LONG);
	ck_assert_int_eq(cmap_inc(handle, NULL), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(cmap_iter_init(handle, NULL, NULL), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(cmap_iter_init(handle, key, &iterator), CS_ERR_NAME_TOO_LONG);
	ck_assert_int_eq(cmap_iter_next(handle, 1, NULL, NULL, NULL), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(cmap_track_add(handle, "key", ALL, NULL, NULL, &tracker), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(cmap_track_add(handle, "key", ALL, on_change, NULL, NULL), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(cmap_track_add(handle, key, ALL, on_change, NULL, &tracker), CS_ERR_NAME_TOO_LONG);
	ck_assert_int_eq(cmap_track_delete(handle, 77), CS_ERR_BAD_HANDLE);
	ck_assert_uint_eq(script->request_count, 0);
}
END_TEST

/* ---- Getting ------------------------------------------------------------- */

START_TEST(no_more_room_is_asked_for_than_values_have)
{
	const struct cmap_req_get *request = (const struct cmap_req_get *)script->request.bytes;
	uint8_t *bytes = malloc(10000000);
	size_t size = 10000000;
	cmap_value_types_t type;

	respond_value(CMAP_VALUETYPE_BINARY, "abc", 3, 3);
	ck_assert_int_eq(cmap_get(handle, "key", bytes, &size, &type), CS_OK);
	ck_assert_uint_le(request->room, 65536);
	ck_assert_uint_eq(size, 3);
	ck_assert_int_eq(type, CMAP_VALUETYPE_BINARY);
	ck_assert_mem_eq(bytes, "abc", 3);
	free(bytes);
}
END_TEST

START_TEST(a_value_shorter_than_it_says_is_refused)
{
	static const struct {
		size_t sent;
		uint64_t said;
		cs_error_t code;
	} rows[] = {{8, 8, CS_OK}, {8, 7, CS_OK}, {8, 9, CS_ERR_LIBRARY}, {0, 1, CS_ERR_LIBRARY}, {0, 0, CS_OK},
		{8, UINT64_MAX, CS_ERR_LIBRARY}};
	uint8_t bytes[16];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t size = sizeof(bytes);

		respond_value(CMAP_VALUETYPE_BINARY, "12345678", rows[i].sent, rows[i].said);
		ck_assert_int_eq(cmap_get(handle, "key", bytes, &size, NULL), rows[i].code);
		ck_assert_uint_eq(size, rows[i].code == CS_OK ? rows[i].said : sizeof(bytes));
	}
}
END_TEST

START_TEST(without_room_only_length_and_type_are_told)
{
	uint8_t byte = 7;
	size_t size = 0;
	cmap_value_types_t type;

	respond_value(CMAP_VALUETYPE_UINT64, "", 0, 8);
	ck_assert_int_eq(cmap_get(handle, "key", &byte, &size, &type), CS_OK);
	ck_assert_uint_eq(size, 8);
	ck_assert_int_eq(type, CMAP_VALUETYPE_UINT64);
	ck_assert_uint_eq(byte, 7);
	ck_assert_int_eq(cmap_get(handle, "key", NULL, NULL, NULL), CS_OK);
}
END_TEST

START_TEST(typed_values_must_have_type_and_size)
{
	uint32_t u32 = 7;
	char *text = NULL;

	respond_value(CMAP_VALUETYPE_UINT32, "1234", 4, 4);
	ck_assert_int_eq(cmap_get_uint32(handle, "key", &u32), CS_OK);
	ck_assert_mem_eq(&u32, "1234", 4);
	u32 = 7;
	respond_value(CMAP_VALUETYPE_INT32, "1234", 4, 4);
	ck_assert_int_eq(cmap_get_uint32(handle, "key", &u32), CS_ERR_INVALID_PARAM);
	respond_value(CMAP_VALUETYPE_UINT32, "12345678", 8, 8);
	ck_assert_int_eq(cmap_get_uint32(handle, "key", &u32), CS_ERR_INVALID_PARAM);
	ck_assert_uint_eq(u32, 7);
	ck_assert_int_eq(cmap_get_string(handle, "key", &text), CS_ERR_INVALID_PARAM);
	ck_assert_ptr_null(text);
	respond_value(CMAP_VALUETYPE_STRING, "text", 4, 4); /* the value, without its NUL */
	ck_assert_int_eq(cmap_get_string(handle, "key", &text), CS_OK);
	ck_assert_str_eq(text, "text");
	free(text);
}
END_TEST

START_TEST(short_answers_are_errors)
{
	static const uint8_t bytes[64] = {[8] = 24, [16] = CS_OK};
	char key[CMAP_KEYNAME_MAXLEN + 1];
	size_t size = 1;
	cmap_iter_handle_t iterator;
	cmap_track_handle_t tracker;

	for (size_t sent = 1; sent <= 31; sent++) {
		script_response(script, bytes, sent);
		ck_assert_int_eq(cmap_get(handle, "key", key, &size, NULL), CS_ERR_LIBRARY);
		ck_assert_int_eq(cmap_iter_init(handle, "", &iterator), CS_ERR_LIBRARY);
		ck_assert_int_eq(cmap_iter_next(handle, 1, key, NULL, NULL), CS_ERR_LIBRARY);
		ck_assert_int_eq(cmap_track_add(handle, "key", ALL, on_change, NULL, &tracker), CS_ERR_LIBRARY);
		if (sent <= 24)
			ck_assert_int_eq(cmap_delete(handle, "key"), sent < 24 ? CS_ERR_LIBRARY : CS_OK);
	}
}
END_TEST

START_TEST(a_walk_passes_names_of_every_length)
{
	struct cmap_res_iter_next response = {.value_size = 9, .type = 11};
	char key[CMAP_KEYNAME_MAXLEN + 1];
	size_t size;
	cmap_value_types_t type;

	memset(response.name.value, 'n', sizeof(response.name.value));
	response.name.length = 255;
	respond(&response, sizeof(response), CS_OK);
	ck_assert_int_eq(cmap_iter_next(handle, 1, key, &size, &type), CS_OK);
	ck_assert_uint_eq(strlen(key), 255);
	ck_assert_uint_eq(size, 9);
	ck_assert_int_eq(type, CMAP_VALUETYPE_STRING);
	response.name.length = 256;
	respond(&response, sizeof(response), CS_OK);
	ck_assert_int_eq(cmap_iter_next(handle, 1, key, &size, &type), CS_ERR_LIBRARY);
}
END_TEST

/* ---- Events -------------------------------------------------------------- */

START_TEST(an_event_calls_its_tracker)
{
	int mark;
	cmap_track_handle_t first = track("key", &mark), second = track("key", NULL);

	ck_assert_uint_ne(first, second);
	notify(first, 3, 3, sizeof(struct cmap_event_notify) + 6);
	ck_assert_int_eq(cmap_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
	ck_assert_uint_eq(seen.count, 1);
	ck_assert_uint_eq(seen.tracker, first);
	ck_assert_ptr_eq(seen.user_data, &mark);
	ck_assert_int_eq(seen.event, CMAP_TRACK_MODIFY);
	ck_assert_str_eq(seen.key, "key");
	ck_assert_int_eq(seen.now.type, CMAP_VALUETYPE_BINARY);
	ck_assert_uint_eq(seen.now.len, 3);
	ck_assert_mem_eq(seen.now_bytes, "new", 3);
	ck_assert_int_eq(seen.before.type, CMAP_VALUETYPE_STRING);
	ck_assert_uint_eq(seen.before.len, 3);
	ck_assert_mem_eq(seen.before_bytes, "old", 3);
}
END_TEST

static void *delete_early(void *arg)
{
	const struct cmap_req_track_add *request = (const struct cmap_req_track_add *)script->request.bytes;

	(void)arg;
	while (script->request_count == 0)
		poll(NULL, 0, 1);
	return (void *)(intptr_t)cmap_track_delete(handle, request->instance);
}

/* The callback of a first event deletes its tracker, and another thread still waits for the answer of the daemon. */
START_TEST(a_tracker_may_be_deleted_before_it_is_added)
{
	const struct cmap_req_track_delete *request = (const struct cmap_req_track_delete *)script->request.bytes;
	struct cmap_res_track_add response = {.tracker = 4711};
	cmap_track_handle_t tracker;
	pthread_t thread;
	void *rc;

	script->request_count = 0;
	script->pause_ms = 200;
	respond(&response, sizeof(response), CS_OK);
	ck_assert_int_eq(pthread_create(&thread, NULL, delete_early, NULL), 0);
	ck_assert_int_eq(cmap_track_add(handle, "key", ALL, on_change, NULL, &tracker), CS_OK);
	pthread_join(thread, &rc);
	ck_assert_int_eq((intptr_t)rc, CS_OK);
	ck_assert_uint_eq(script->request_count, 2);
	ck_assert_int_eq(request->header.id, CMAP_REQ_TRACK_DELETE);
	ck_assert_uint_eq(request->tracker, 4711);
	ck_assert_int_eq(cmap_track_delete(handle, tracker), CS_ERR_BAD_HANDLE);
}
END_TEST

START_TEST(an_event_for_nobody_passes)
{
	const struct cmap_req_track_delete *request = (const struct cmap_req_track_delete *)script->request.bytes;
	struct cmap_res_track_delete response = {0};
	cmap_track_handle_t tracker = track("key", NULL);
	cmap_handle_t other;

	ck_assert_int_eq(cmap_initialize(&other), CS_OK);
	ck_assert_int_eq(cmap_track_delete(other, tracker), CS_ERR_BAD_HANDLE); /* the tracker of another handle */
	respond(&response, sizeof(response), CS_OK);
	ck_assert_int_eq(cmap_track_delete(handle, tracker), CS_OK);
	ck_assert_uint_eq(request->tracker, 4711);
	ck_assert_int_eq(cmap_track_delete(handle, tracker), CS_ERR_BAD_HANDLE);
	script->response.size = 0;
	notify(tracker, 3, 3, sizeof(struct cmap_event_notify) + 6);
	ck_assert_int_eq(cmap_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
	ck_assert_int_eq(cmap_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN);
	ck_assert_uint_eq(seen.count, 0);
	cmap_finalize(other);
}
END_TEST

START_TEST(lengths_in_an_event_are_held_against_it)
{
	static const struct {
		uint64_t now, before;
		size_t size;
		cs_error_t code;
	} rows[] = {
		{0, 0, 336, CS_OK},
		{0, 0, 335, CS_ERR_LIBRARY},
		{0, 0, 24, CS_ERR_LIBRARY},
		{3, 3, 342, CS_OK},
		{3, 4, 342, CS_ERR_LIBRARY},
		{7, 0, 342, CS_ERR_LIBRARY},
		{6, 0, 342, CS_OK},
		{0, 6, 342, CS_OK},
		{UINT64_MAX, 1, 342, CS_ERR_LIBRARY},
		{1, UINT64_MAX, 342, CS_ERR_LIBRARY},
		{UINT64_MAX, UINT64_MAX, 342, CS_ERR_LIBRARY},
	};
	cmap_track_handle_t tracker = track("key", NULL);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		notify(tracker, rows[i].now, rows[i].before, rows[i].size);
		ck_assert_int_eq(cmap_dispatch(handle, CS_DISPATCH_ONE), rows[i].code);
	}
}
END_TEST

START_TEST(an_unknown_event_is_an_error)
{
	struct cmap_response_header event = {.id = 77, .size = sizeof(event)};

	script_event(script, &event, sizeof(event));
	cmap_delete(handle, "fetch");
	ck_assert_int_eq(cmap_dispatch(handle, CS_DISPATCH_ALL), CS_ERR_LIBRARY);
	ck_assert_int_eq(cmap_dispatch(handle, CS_DISPATCH_ALL), CS_OK);
}
END_TEST

START_TEST(a_name_without_an_end_gets_one)
{
	cmap_track_handle_t tracker = track("key", NULL);
	struct cmap_event_notify event = {
		.header = {.id = CMAP_EVENT_NOTIFY, .size = sizeof(event)}, .instance = tracker};

	memset(event.name.value, 'n', sizeof(event.name.value));
	script_event(script, &event, sizeof(event));
	cmap_delete(handle, "fetch");
	ck_assert_int_eq(cmap_dispatch(handle, CS_DISPATCH_ALL), CS_OK);
	ck_assert_uint_eq(strlen(seen.key), CMAP_KEYNAME_MAXLEN);
}
END_TEST

START_TEST(a_lost_daemon_is_an_error_everywhere)
{
	cmap_track_handle_t tracker = track("key", NULL);
	struct pollfd pollfd = {.events = POLLIN};
	size_t size = 1;
	uint8_t byte;

	ck_assert_int_eq(cmap_fd_get(handle, &pollfd.fd), CS_OK);
	kill(server, SIGKILL);
	poll(&pollfd, 1, 10000);
	ck_assert_int_eq(cmap_set_uint8(handle, "key", 1), CS_ERR_LIBRARY);
	ck_assert_int_eq(cmap_get(handle, "key", &byte, &size, NULL), CS_ERR_LIBRARY);
	ck_assert_int_eq(cmap_track_delete(handle, tracker), CS_ERR_LIBRARY);
	ck_assert_int_eq(cmap_dispatch(handle, CS_DISPATCH_BLOCKING), CS_ERR_LIBRARY);
	ck_assert_int_eq(cmap_finalize(handle), CS_OK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libcmap");
	TCase *tcase = tcase_create("libcmap");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, the_default_map_is_not_asked_for);
	tcase_add_test(tcase, an_unknown_map_leaves_a_handle);
	tcase_add_test(tcase, requests_are_as_corosyncs);
	tcase_add_test(tcase, arguments_are_checked_before_anything_is_sent);
	tcase_add_test(tcase, no_more_room_is_asked_for_than_values_have);
	tcase_add_test(tcase, a_value_shorter_than_it_says_is_refused);
	tcase_add_test(tcase, without_room_only_length_and_type_are_told);
	tcase_add_test(tcase, typed_values_must_have_type_and_size);
	tcase_add_test(tcase, short_answers_are_errors);
	tcase_add_test(tcase, a_walk_passes_names_of_every_length);
	tcase_add_test(tcase, an_event_calls_its_tracker);
	tcase_add_test(tcase, a_tracker_may_be_deleted_before_it_is_added);
	tcase_add_test(tcase, an_event_for_nobody_passes);
	tcase_add_test(tcase, lengths_in_an_event_are_held_against_it);
	tcase_add_test(tcase, an_unknown_event_is_an_error);
	tcase_add_test(tcase, a_name_without_an_end_gets_one);
	tcase_add_test(tcase, a_lost_daemon_is_an_error_everywhere);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
