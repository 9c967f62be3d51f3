/* SPDX-License-Identifier: BSD-3-Clause */
/* The cmap service: keys of clients, their rights, and hostile requests. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <corosync/corotypes.h>

#include "tests/suite.h"
#include "tests/unit/service_rights.h"
#include "tests/unit/services/cmap/cmap_case.h"

/* ---- Rights -------------------------------------------------------------- */

static const char *const steering_keys[] = {"totem.token", "logging.logfile", "logging.debug", "uidgid.uid.1000",
	"quorum.expected_votes", "nodelist.node.0.name", "resources.watchdog_device", "resources.process.77.recovery",
	"coterie.log.format", "service.name", "transport.name", "nozzle.name", "config.reload_in_progress",
	"cfg.shutdown_timeout", "runtime.blackbox.dump_state", "runtime.force_gather", "internal_configuration.x",
	"pload.start"};

START_TEST(only_administrators_change_keys_that_steer)
{
	const char *key = steering_keys[_i];

	cmap_user.client->right = COTERIE_RIGHT_ADMINISTER;
	cmap_other.client->right = COTERIE_RIGHT_USE;
	ck_assert_int_eq(cmap_case_set_u8(&cmap_other, key, 1), CS_ERR_ACCESS);
	ck_assert_int_eq(cmap_case_set_u8(&cmap_user, key, 1), CS_OK);
	ck_assert_int_eq(cmap_case_adjust(&cmap_other, key, 1), CS_ERR_ACCESS);
	ck_assert_int_eq(cmap_case_delete_key(&cmap_other, key), CS_ERR_ACCESS);
	ck_assert_int_eq(cmap_case_get(&cmap_other, key, 0), CS_OK);
	ck_assert_int_eq(cmap_case_adjust(&cmap_user, key, 1), CS_OK);
	ck_assert_int_eq(cmap_case_delete_key(&cmap_user, key), CS_OK);
}
END_TEST

START_TEST(users_have_keys_of_their_own_and_observers_read_them)
{
	uint64_t iterator;

	cmap_user.client->right = COTERIE_RIGHT_USE;
	cmap_other.client->right = COTERIE_RIGHT_OBSERVE;
	ck_assert_int_eq(cmap_case_set_u8(&cmap_user, "my.totem.key", 1), CS_OK);
	ck_assert_int_eq(cmap_case_adjust(&cmap_user, "my.totem.key", 1), CS_OK);
	ck_assert_int_eq(cmap_case_set_u8(&cmap_other, "my.totem.key", 3), CS_ERR_ACCESS);
	ck_assert_int_eq(cmap_case_adjust(&cmap_other, "my.totem.key", 1), CS_ERR_ACCESS);
	ck_assert_int_eq(cmap_case_delete_key(&cmap_other, "my.totem.key"), CS_ERR_ACCESS);
	ck_assert_int_eq(cmap_case_get(&cmap_other, "my.totem.key", 0), CS_OK);
	iterator = cmap_case_iterate(&cmap_other, "my.");
	ck_assert_uint_ne(iterator, 0);
	ck_assert_str_eq(cmap_case_next(&cmap_other, iterator), "my.totem.key/2/1");
	ck_assert_int_eq(cmap_case_iterate_end(&cmap_other, iterator), CS_OK);
	ck_assert_int_eq(cmap_case_delete_key(&cmap_user, "my.totem.key"), CS_OK);
}
END_TEST

/* ---- Single keys --------------------------------------------------------- */

START_TEST(a_key_is_set_got_counted_and_deleted)
{
	const struct cmap_res_get *response;

	ck_assert_int_eq(cmap_case_set_u8(&cmap_user, "test.key", 5), CS_OK);
	ck_assert_int_eq(cmap_case_adjust(&cmap_user, "test.key", 1), CS_OK);
	ck_assert_int_eq(cmap_case_adjust(&cmap_user, "test.key", -3), CS_OK);
	ck_assert_int_eq(cmap_case_get(&cmap_other, "test.key", 100), CS_OK);
	response = cmap_case_answer(&cmap_other, sizeof(*response) + 1);
	ck_assert_uint_eq(response->type, COTERIE_MAP_U8);
	ck_assert_uint_eq(response->value_size, 1);
	ck_assert_uint_eq(response->value[0], 3);
	ck_assert_int_eq(cmap_case_delete_key(&cmap_user, "test.key"), CS_OK);
	ck_assert_int_eq(cmap_case_delete_key(&cmap_user, "test.key"), CS_ERR_NOT_EXIST);
	ck_assert_int_eq(cmap_case_adjust(&cmap_user, "test.key", 1), CS_ERR_NOT_EXIST);
	ck_assert_int_eq(cmap_case_get(&cmap_user, "test.key", 0), CS_ERR_NOT_EXIST);
	cmap_case_answer(&cmap_user, sizeof(struct cmap_res_get));
	ck_assert_int_eq(cmap_case_set(&cmap_user, "test.key", COTERIE_MAP_STRING, "text", 4), CS_OK);
	ck_assert_int_eq(cmap_case_adjust(&cmap_user, "test.key", 1), CS_ERR_INVALID_PARAM);
}
END_TEST

static const struct {
	uint32_t type;
	const char *bytes;
	size_t size;
	int32_t error;
	size_t stored;
} values[] = {
	{COTERIE_MAP_I8, "12345678", 1, CS_OK, 1},
	{COTERIE_MAP_I8, "12345678", 0, CS_ERR_INVALID_PARAM, 0},
	{COTERIE_MAP_U8, "12345678", 2, CS_ERR_INVALID_PARAM, 0},
	{COTERIE_MAP_I16, "12345678", 2, CS_OK, 2},
	{COTERIE_MAP_U16, "12345678", 1, CS_ERR_INVALID_PARAM, 0},
	{COTERIE_MAP_I32, "12345678", 4, CS_OK, 4},
	{COTERIE_MAP_U32, "12345678", 8, CS_ERR_INVALID_PARAM, 0},
	{COTERIE_MAP_I64, "12345678", 8, CS_OK, 8},
	{COTERIE_MAP_U64, "12345678", 7, CS_ERR_INVALID_PARAM, 0},
	{COTERIE_MAP_FLOAT, "12345678", 4, CS_OK, 4},
	{COTERIE_MAP_FLOAT, "12345678", 8, CS_ERR_INVALID_PARAM, 0},
	{COTERIE_MAP_DOUBLE, "12345678", 8, CS_OK, 8},
	{COTERIE_MAP_STRING, "abc\0def", 0, CS_OK, 1},
	{COTERIE_MAP_STRING, "abc\0def", 2, CS_OK, 3},
	{COTERIE_MAP_STRING, "abc\0def", 3, CS_OK, 4},
	{COTERIE_MAP_STRING, "abc\0def", 4, CS_OK, 4},
	{COTERIE_MAP_STRING, "abc\0def", 5, CS_ERR_INVALID_PARAM, 0},
	{COTERIE_MAP_BINARY, "abc\0def", 0, CS_OK, 0},
	{COTERIE_MAP_BINARY, "abc\0def", 7, CS_OK, 7},
	{0, "1", 1, CS_ERR_INVALID_PARAM, 0},
	{0, "", 0, CS_ERR_INVALID_PARAM, 0},
	{13, "1", 1, CS_ERR_INVALID_PARAM, 0},
	{99, "", 0, CS_ERR_INVALID_PARAM, 0},
};

START_TEST(the_length_must_suit_the_type)
{
	ck_assert_int_eq(cmap_case_set(&cmap_user, "test.key", values[_i].type, values[_i].bytes, values[_i].size),
		values[_i].error);
	ck_assert_int_eq(
		cmap_case_get(&cmap_user, "test.key", 0), values[_i].error == CS_OK ? CS_OK : CS_ERR_NOT_EXIST);
	const struct cmap_res_get *response = cmap_case_answer(&cmap_user, sizeof(*response));
	ck_assert_uint_eq(response->value_size, values[_i].stored);
}
END_TEST

START_TEST(values_have_at_most_16384_bytes)
{
	char bytes[COTERIE_MAP_VALUE_MAX + 2];
	const struct cmap_res_get *response;

	memset(bytes, 'v', sizeof(bytes));
	ck_assert_int_eq(
		cmap_case_set(&cmap_user, "test.key", COTERIE_MAP_BINARY, bytes, COTERIE_MAP_VALUE_MAX), CS_OK);
	ck_assert_int_eq(cmap_case_set(&cmap_user, "test.key", COTERIE_MAP_BINARY, bytes, sizeof(bytes) - 1),
		CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(cmap_case_set(&cmap_user, "test.key", COTERIE_MAP_STRING, bytes, sizeof(bytes) - 1),
		CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(
		cmap_case_set(&cmap_user, "test.key", COTERIE_MAP_STRING, bytes, COTERIE_MAP_VALUE_MAX), CS_OK);
	ck_assert_int_eq(cmap_case_get(&cmap_user, "test.key", 1000000), CS_OK);
	response = cmap_case_answer(&cmap_user, sizeof(*response) + COTERIE_MAP_VALUE_MAX + 1);
	ck_assert_uint_eq(response->value_size, COTERIE_MAP_VALUE_MAX + 1);
	ck_assert_uint_eq(response->value[COTERIE_MAP_VALUE_MAX], 0);
	ck_assert_int_eq(cmap_case_set(&cmap_user, "test.key", COTERIE_MAP_STRING, "short", 5), CS_OK);
	ck_assert_int_eq(cmap_case_get(&cmap_user, "test.key", 100), CS_OK);
	response = cmap_case_answer(&cmap_user, sizeof(*response) + 6);
	ck_assert_str_eq((const char *)response->value, "short");

	char *long_bytes = calloc(1, 500000);
	ck_assert_int_eq(
		cmap_case_set(&cmap_user, "test.key", COTERIE_MAP_BINARY, long_bytes, 500000), CS_ERR_INVALID_PARAM);
	free(long_bytes);
}
END_TEST

START_TEST(a_value_goes_out_when_there_is_room)
{
	static const struct {
		uint64_t room;
		int32_t error;
		size_t size;
	} rows[] = {{0, CS_OK, 0}, {1, CS_ERR_INVALID_PARAM, 0}, {4, CS_ERR_INVALID_PARAM, 0}, {5, CS_OK, 5},
		{6, CS_OK, 5}, {UINT64_MAX, CS_OK, 5}};

	cmap_case_set(&cmap_user, "test.key", COTERIE_MAP_STRING, "four", 4);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct cmap_res_get *response;

		ck_assert_int_eq(cmap_case_get(&cmap_user, "test.key", rows[i].room), rows[i].error);
		response = cmap_case_answer(&cmap_user, sizeof(*response) + rows[i].size);
		ck_assert_uint_eq(response->value_size, rows[i].error == CS_OK ? 5 : 0);
		ck_assert_uint_eq(response->type, rows[i].error == CS_OK ? COTERIE_MAP_STRING : 0);
	}
}
END_TEST

START_TEST(only_new_keys_need_a_proper_name)
{
	static const char *const bad[] = {"", "a", "ab", "a b", "a,b", "ab\xc3\xa4", "ab%"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(cmap_case_set_u8(&cmap_user, bad[i], 1), CS_ERR_NAME_TOO_LONG);
		ck_assert_int_eq(cmap_case_set(&cmap_user, bad[i], COTERIE_MAP_U8, "", 0), CS_ERR_INVALID_PARAM);
		ck_assert_int_eq(cmap_case_get(&cmap_user, bad[i], 0), CS_ERR_NOT_EXIST);
		ck_assert_int_eq(cmap_case_delete_key(&cmap_user, bad[i]), CS_ERR_NOT_EXIST);
		ck_assert_int_eq(cmap_case_adjust(&cmap_user, bad[i], 1), CS_ERR_NOT_EXIST);
	}
	ck_assert_int_eq(cmap_case_set_u8(&cmap_user, "-_/:", 1), CS_OK);
	ck_assert_int_eq(cmap_case_set_u8(&cmap_user, "...", 1), CS_OK);
}
END_TEST

START_TEST(protected_keys_stay_as_they_are)
{
	static const char *const keys[] = {"system.", "system.new", "totem.version"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		ck_assert_int_eq(cmap_case_set_u8(&cmap_user, keys[i], 1), CS_ERR_ACCESS);
		ck_assert_int_eq(cmap_case_set(&cmap_user, keys[i], COTERIE_MAP_U8, "", 0), CS_ERR_ACCESS);
		ck_assert_int_eq(cmap_case_delete_key(&cmap_user, keys[i]), CS_ERR_ACCESS);
		ck_assert_int_eq(cmap_case_adjust(&cmap_user, keys[i], 1), CS_ERR_ACCESS);
	}
	ck_assert_int_eq(cmap_case_set_u8(&cmap_user, "totem.version2", 1), CS_OK);
}
END_TEST

START_TEST(clients_together_cannot_fill_the_memory)
{
	if (service_is_replaced())
		return; /* replacing the service at each event would take too long */
	char bytes[COTERIE_MAP_VALUE_MAX];
	char key[32];
	int32_t error = CS_OK;
	unsigned int count = 0;

	memset(bytes, 'v', sizeof(bytes));
	for (; error == CS_OK && count < 2000; count++) {
		snprintf(key, sizeof(key), "test.%u", count);
		error = cmap_case_set(
			count % 2 == 0 ? &cmap_user : &cmap_other, key, COTERIE_MAP_BINARY, bytes, sizeof(bytes));
	}
	ck_assert_int_eq(error, CS_ERR_NO_RESOURCES);
	ck_assert_uint_gt(count, 900);
	ck_assert(mock_host_has_logged(cmap_case_host(1), "map is full"));
	ck_assert_int_eq(cmap_case_set_u8(&cmap_user, "test.0", 1), CS_OK); /* smaller than its former value */
	ck_assert_int_eq(cmap_case_delete_key(&cmap_user, "test.1"), CS_OK);
	mock_host_advance(cmap_case_host(1), UINT64_C(2000000000));
	ck_assert_int_eq(cmap_case_set(&cmap_user, "test.1", COTERIE_MAP_BINARY, bytes, sizeof(bytes)), CS_OK);
}
END_TEST

START_TEST(keys_of_users_leave_room_for_administrators)
{
	if (service_is_replaced())
		return; /* replacing the service at each event would take too long */
	char bytes[COTERIE_MAP_VALUE_MAX];
	char key[32];
	int32_t error = CS_OK;
	unsigned int count = 0;

	memset(bytes, 'v', sizeof(bytes));
	cmap_user.client->right = COTERIE_RIGHT_USE;
	cmap_other.client->right = COTERIE_RIGHT_ADMINISTER;
	for (; error == CS_OK && count < 2000; count++) {
		snprintf(key, sizeof(key), "test.%u", count);
		cmap_user.client->uid = count % 5; /* one user has only a share */
		error = cmap_case_set(&cmap_user, key, COTERIE_MAP_BINARY, bytes, sizeof(bytes));
	}
	ck_assert_int_eq(error, CS_ERR_NO_RESOURCES);
	ck_assert(mock_host_has_logged(cmap_case_host(1), "clients that are no administrators cannot add"));
	ck_assert_int_eq(cmap_case_set(&cmap_other, "totem.new", COTERIE_MAP_BINARY, bytes, sizeof(bytes)), CS_OK);
	ck_assert_int_eq(cmap_case_set(&cmap_user, "test.one-more", COTERIE_MAP_BINARY, bytes, sizeof(bytes)),
		CS_ERR_NO_RESOURCES);
	/* An administrator may use the whole memory. */
	for (error = CS_OK, count = 0; error == CS_OK && count < 2000; count++) {
		snprintf(key, sizeof(key), "admin.%u", count);
		error = cmap_case_set(&cmap_other, key, COTERIE_MAP_BINARY, bytes, sizeof(bytes));
	}
	ck_assert_int_eq(error, CS_ERR_NO_RESOURCES);
	ck_assert_uint_gt(count, 8);
}
END_TEST

static unsigned int walks;
static int (*map_iterate)(
	struct coterie_ctx *host, uint32_t which, const char *prefix, struct coterie_map_iterator **iterator);

static int count_walk(
	struct coterie_ctx *host, uint32_t which, const char *prefix, struct coterie_map_iterator **iterator)
{
	walks++;
	return map_iterate(host, which, prefix, iterator);
}

/* While the map was full, its size was counted once a second: a walk over 100,000 keys, which took 29 ms. */
START_TEST(a_request_to_a_full_map_walks_over_no_keys)
{
	if (service_is_replaced())
		return; /* replacing the service at each event would take too long */
	struct coterie_ctx *host = cmap_case_host(1);
	char bytes[COTERIE_MAP_VALUE_MAX];
	char key[32];
	int32_t error = CS_OK;

	memset(bytes, 'v', sizeof(bytes));
	walks = 0;
	map_iterate = host->table.map_iterate;
	host->table.map_iterate = count_walk;
	for (unsigned int i = 0; error == CS_OK && i < 2000; i++) {
		snprintf(key, sizeof(key), "test.%u", i);
		error = cmap_case_set(&cmap_user, key, COTERIE_MAP_BINARY, bytes, sizeof(bytes));
	}
	ck_assert_int_eq(error, CS_ERR_NO_RESOURCES);
	mock_host_advance(host, UINT64_C(2000000000));
	ck_assert_int_eq(cmap_case_set(&cmap_user, key, COTERIE_MAP_BINARY, bytes, sizeof(bytes)), CS_ERR_NO_RESOURCES);
	ck_assert_uint_eq(walks, 0);
	/* Changes of the executive count at once, as do deleted keys and values of another size. */
	ck_assert_int_eq(host->table.map_delete(host, "test.1"), 0);
	ck_assert_int_eq(cmap_case_set(&cmap_user, key, COTERIE_MAP_BINARY, bytes, sizeof(bytes)), CS_OK);
	ck_assert_int_eq(
		cmap_case_set(&cmap_user, "test.1", COTERIE_MAP_BINARY, bytes, sizeof(bytes)), CS_ERR_NO_RESOURCES);
	ck_assert_int_eq(cmap_case_set_u8(&cmap_user, "test.2", 1), CS_OK);
	ck_assert_int_eq(host->table.map_set(host, "test.1", COTERIE_MAP_BINARY, bytes, sizeof(bytes)), 0);
	ck_assert_int_eq(
		cmap_case_set(&cmap_user, "test.2", COTERIE_MAP_BINARY, bytes, sizeof(bytes)), CS_ERR_NO_RESOURCES);
}
END_TEST

/* ---- Hostile requests ---------------------------------------------------- */

START_TEST(names_without_an_end_are_refused)
{
	uint8_t bytes[sizeof(struct cmap_req_set)];

	for (int32_t id = CMAP_REQ_SET; id <= CMAP_REQ_TRACK_ADD; id++) {
		if (id == CMAP_REQ_ITER_NEXT || id == CMAP_REQ_ITER_FINALIZE)
			continue;
		memset(bytes, 'x', sizeof(bytes));
		memset(bytes + 280, 0, sizeof(bytes) - 280);
		ck_assert_int_eq(service_user_request(&cmap_user, id, bytes, sizeof(bytes)), CS_ERR_INVALID_PARAM);
	}
}
END_TEST

START_TEST(the_length_of_a_value_is_held_against_the_request)
{
	static const uint64_t sizes[] = {2, 16384, 16385, UINT32_MAX, UINT64_MAX, UINT64_MAX - 295};
	struct {
		struct cmap_req_set head;
		uint8_t value[8];
	} request = {.head = {.type = COTERIE_MAP_BINARY}};

	cmap_case_name_set(&request.head.name, "test.key");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		request.head.value_size = sizes[i];
		ck_assert_int_eq(service_user_request(&cmap_user, CMAP_REQ_SET, &request, sizeof(request.head) + 1),
			CS_ERR_INVALID_PARAM);
	}
}
END_TEST

START_TEST(requests_of_any_length_and_content_are_survived)
{
	uint8_t *bytes = malloc(6000);
	uint32_t random = (uint32_t)_i + 1;

	for (int i = 0; i < 3000; i++) {
		random = random * 1664525u + 1013904223u;
		uint32_t size = 16 + (random >> 20) % (i % 10 == 0 ? 5000 : 330);
		for (uint32_t k = 0; k < size; k++) {
			random = random * 1664525u + 1013904223u;
			bytes[k] = (random >> 28) < 8 ? 0 : (uint8_t)(random >> 16);
		}
		service_user_send(&cmap_user, (int32_t)(random >> 24) % 12, bytes, size);
	}
	free(bytes);
	ck_assert_int_eq(cmap_case_set_map(&cmap_other, 0), CS_OK);
}
END_TEST

/* ---- Rights of all requests ---------------------------------------------- */

static const struct service_right rights[] = {
	{CMAP_REQ_SET, COTERIE_RIGHT_USE},
	{CMAP_REQ_DELETE, COTERIE_RIGHT_USE},
	{CMAP_REQ_GET, COTERIE_RIGHT_OBSERVE},
	{CMAP_REQ_ADJUST, COTERIE_RIGHT_USE},
	{CMAP_REQ_ITER_INIT, COTERIE_RIGHT_OBSERVE},
	{CMAP_REQ_ITER_NEXT, COTERIE_RIGHT_OBSERVE},
	{CMAP_REQ_ITER_FINALIZE, COTERIE_RIGHT_OBSERVE},
	{CMAP_REQ_TRACK_ADD, COTERIE_RIGHT_OBSERVE},
	{CMAP_REQ_TRACK_DELETE, COTERIE_RIGHT_OBSERVE},
	{CMAP_REQ_SET_MAP, COTERIE_RIGHT_OBSERVE},
};

START_TEST(each_request_needs_its_right) { SERVICE_RIGHTS_CHECK(&cmap_LTX_coterie_plugin, rights); }
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("cmap");
	TCase *tcase = tcase_create("cmap");

	tcase_add_checked_fixture(tcase, cmap_case_set_up, cmap_case_tear_down);
	tcase_add_test(tcase, a_key_is_set_got_counted_and_deleted);
	tcase_add_loop_test(tcase, the_length_must_suit_the_type, 0, ROWS(values));
	tcase_add_test(tcase, values_have_at_most_16384_bytes);
	tcase_add_test(tcase, a_value_goes_out_when_there_is_room);
	tcase_add_test(tcase, only_new_keys_need_a_proper_name);
	tcase_add_test(tcase, protected_keys_stay_as_they_are);
	tcase_add_test(tcase, clients_together_cannot_fill_the_memory);
	tcase_add_test(tcase, keys_of_users_leave_room_for_administrators);
	tcase_add_test(tcase, a_request_to_a_full_map_walks_over_no_keys);
	tcase_add_test(tcase, names_without_an_end_are_refused);
	tcase_add_test(tcase, the_length_of_a_value_is_held_against_the_request);
	tcase_add_loop_test(tcase, only_administrators_change_keys_that_steer, 0,
		(int)(sizeof(steering_keys) / sizeof(steering_keys[0])));
	tcase_add_test(tcase, users_have_keys_of_their_own_and_observers_read_them);
	tcase_add_loop_test(tcase, requests_of_any_length_and_content_are_survived, 0, 4);
	tcase_add_test(tcase, each_request_needs_its_right);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
