/* SPDX-License-Identifier: BSD-3-Clause */
/* The cmap service: keys, walks and trackers of clients, and what they may not do. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <corosync/corotypes.h>

#include "services/cmap/messages.h"
#include "tests/suite.h"
#include "tests/unit/service_ring.h"

extern const struct coterie_plugin cmap_LTX_coterie_plugin;

#define PREFIX COTERIE_MAP_PREFIX
#define ALL (COTERIE_MAP_ADDED | COTERIE_MAP_MODIFIED | COTERIE_MAP_DELETED)

static struct service_ring ring;
static struct service_user user, other;

static struct coterie_ctx *host(uint32_t nodeid) { return ring.nodes[nodeid].host; }

static void set_up(void)
{
	service_ring_init(&ring, &cmap_LTX_coterie_plugin);
	service_ring_start(&ring, 1);
	host(1)->table.map_protect(host(1), "system.", 1);
	host(1)->table.map_protect(host(1), "totem.version", 0);
	user = service_user_create(&ring, 1, 100);
	other = service_user_create(&ring, 1, 200);
}

static void tear_down(void)
{
	service_user_close(&user);
	service_user_close(&other);
	service_ring_fini(&ring); /* fails if the service leaks anything */
}

/* ---- Requests ------------------------------------------------------------ */

static void name_set(struct cmap_wire_name *name, const char *key)
{
	size_t length = strlen(key);

	memset(name, 0, sizeof(*name));
	name->length = (uint16_t)length;
	memcpy(name->value, key, length);
}

static int32_t set(struct service_user *who, const char *key, uint32_t type, const void *value, size_t size)
{
	struct cmap_req_set *request = calloc(1, sizeof(*request) + size);
	int32_t error;

	name_set(&request->name, key);
	request->value_size = size;
	request->type = (uint8_t)type;
	memcpy(request->value, value, size);
	error = service_user_request(who, CMAP_REQ_SET, request, (uint32_t)(sizeof(*request) + size));
	free(request);
	return error;
}

static int32_t set_u8(struct service_user *who, const char *key, uint8_t value)
{
	return set(who, key, COTERIE_MAP_U8, &value, 1);
}

static int32_t delete_key(struct service_user *who, const char *key)
{
	struct cmap_req_delete request = {0};

	name_set(&request.name, key);
	return service_user_request(who, CMAP_REQ_DELETE, &request, sizeof(request));
}

static int32_t adjust(struct service_user *who, const char *key, int32_t step)
{
	struct cmap_req_adjust request = {.step = step};

	name_set(&request.name, key);
	return service_user_request(who, CMAP_REQ_ADJUST, &request, sizeof(request));
}

/* Return the answer to the last request, with its header. */
static const void *answer(struct service_user *who, size_t size)
{
	static uint8_t whole[sizeof(struct cmap_res_get) + COTERIE_MAP_VALUE_MAX + 1];
	const struct mock_queue *replies = &who->client->replies;
	const struct mock_message *last = &replies->list[replies->count - 1];

	ck_assert_uint_eq(last->size + sizeof(struct cmap_response_header), size);
	memset(whole, 0, sizeof(struct cmap_response_header));
	memcpy(whole + sizeof(struct cmap_response_header), last->data, last->size);
	return whole;
}

static int32_t get(struct service_user *who, const char *key, uint64_t room)
{
	struct cmap_req_get request = {.room = room};

	name_set(&request.name, key);
	return service_user_request(who, CMAP_REQ_GET, &request, sizeof(request));
}

static uint64_t iterate(struct service_user *who, const char *prefix)
{
	struct cmap_req_iter_init request = {0};
	const struct cmap_res_iter_init *response;

	name_set(&request.prefix, prefix);
	if (service_user_request(who, CMAP_REQ_ITER_INIT, &request, sizeof(request)) != CS_OK)
		return 0;
	response = answer(who, sizeof(*response));
	return response->iterator;
}

/* Return the iterator's next key as "key/type/size", or the error as a number. */
static const char *next(struct service_user *who, uint64_t iterator)
{
	static char text[300];
	struct cmap_req_iter_next request = {.iterator = iterator};
	int32_t error = service_user_request(who, CMAP_REQ_ITER_NEXT, &request, sizeof(request));
	const struct cmap_res_iter_next *response = answer(who, sizeof(*response));

	if (error != CS_OK) {
		ck_assert_uint_eq(response->name.length, 0);
		snprintf(text, sizeof(text), "%d", error);
		return text;
	}
	ck_assert_uint_eq(response->name.length, strlen(response->name.value));
	snprintf(text, sizeof(text), "%s/%u/%u", response->name.value, response->type,
		(unsigned int)response->value_size);
	return text;
}

static int32_t iterate_end(struct service_user *who, uint64_t iterator)
{
	struct cmap_req_iter_finalize request = {.iterator = iterator};

	return service_user_request(who, CMAP_REQ_ITER_FINALIZE, &request, sizeof(request));
}

/* ---- Rights -------------------------------------------------------------- */

static const char *const steering_keys[] = {"totem.token", "logging.logfile", "logging.debug", "uidgid.uid.1000",
	"quorum.expected_votes", "nodelist.node.0.name", "resources.watchdog_device", "resources.process.77.recovery",
	"coterie.log.format", "service.name", "transport.name", "nozzle.name", "config.reload_in_progress",
	"cfg.shutdown_timeout", "runtime.blackbox.dump_state", "runtime.force_gather", "internal_configuration.x",
	"pload.start"};

START_TEST(only_administrators_change_keys_that_steer)
{
	const char *key = steering_keys[_i];

	user.client->right = COTERIE_RIGHT_ADMINISTER;
	other.client->right = COTERIE_RIGHT_USE;
	ck_assert_int_eq(set_u8(&other, key, 1), CS_ERR_ACCESS);
	ck_assert_int_eq(set_u8(&user, key, 1), CS_OK);
	ck_assert_int_eq(adjust(&other, key, 1), CS_ERR_ACCESS);
	ck_assert_int_eq(delete_key(&other, key), CS_ERR_ACCESS);
	ck_assert_int_eq(get(&other, key, 0), CS_OK);
	ck_assert_int_eq(adjust(&user, key, 1), CS_OK);
	ck_assert_int_eq(delete_key(&user, key), CS_OK);
}
END_TEST

START_TEST(users_have_keys_of_their_own_and_observers_read_them)
{
	uint64_t iterator;

	user.client->right = COTERIE_RIGHT_USE;
	other.client->right = COTERIE_RIGHT_OBSERVE;
	ck_assert_int_eq(set_u8(&user, "my.totem.key", 1), CS_OK);
	ck_assert_int_eq(adjust(&user, "my.totem.key", 1), CS_OK);
	ck_assert_int_eq(set_u8(&other, "my.totem.key", 3), CS_ERR_ACCESS);
	ck_assert_int_eq(adjust(&other, "my.totem.key", 1), CS_ERR_ACCESS);
	ck_assert_int_eq(delete_key(&other, "my.totem.key"), CS_ERR_ACCESS);
	ck_assert_int_eq(get(&other, "my.totem.key", 0), CS_OK);
	iterator = iterate(&other, "my.");
	ck_assert_uint_ne(iterator, 0);
	ck_assert_str_eq(next(&other, iterator), "my.totem.key/2/1");
	ck_assert_int_eq(iterate_end(&other, iterator), CS_OK);
	ck_assert_int_eq(delete_key(&user, "my.totem.key"), CS_OK);
}
END_TEST

static int32_t track(struct service_user *who, const char *key, uint32_t events, uint64_t instance, uint64_t *tracker)
{
	struct cmap_req_track_add request = {.track_type = (int32_t)events, .instance = instance};
	const struct cmap_res_track_add *response;
	int32_t error;

	name_set(&request.name, key);
	error = service_user_request(who, CMAP_REQ_TRACK_ADD, &request, sizeof(request));
	response = answer(who, sizeof(*response));
	if (error == CS_OK && tracker != NULL)
		*tracker = response->tracker;
	return error;
}

static int32_t untrack(struct service_user *who, uint64_t tracker, uint64_t *instance)
{
	struct cmap_req_track_delete request = {.tracker = tracker};
	const struct cmap_res_track_delete *response;
	int32_t error = service_user_request(who, CMAP_REQ_TRACK_DELETE, &request, sizeof(request));

	response = answer(who, sizeof(*response));
	*instance = response->instance;
	return error;
}

/* Return the next event as "instance event key now before", with values as type:bytes. "": there is none. */
static const char *event(struct service_user *who)
{
	static char text[600];
	const struct mock_queue *events = &who->client->events;
	struct cmap_event_notify notify;
	const uint8_t *values;
	int at;

	if (who->seen == events->count)
		return "";

	const struct mock_message *message = &events->list[who->seen++];

	ck_assert_uint_eq(message->id, CMAP_EVENT_NOTIFY);
	ck_assert_uint_ge(message->size, sizeof(notify) - sizeof(notify.header));
	memcpy((uint8_t *)&notify + sizeof(notify.header), message->data, sizeof(notify) - sizeof(notify.header));
	values = message->data + sizeof(notify) - sizeof(notify.header);
	ck_assert_uint_eq(message->size, sizeof(notify) - sizeof(notify.header) + notify.now_size + notify.before_size);
	at = snprintf(text, sizeof(text), "%u %d %s %u:", (unsigned int)notify.instance, notify.event,
		notify.name.value, notify.now_type);
	for (uint64_t i = 0; i < notify.now_size; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%02x", values[i]);
	at += snprintf(text + at, sizeof(text) - (size_t)at, " %u:", notify.before_type);
	for (uint64_t i = 0; i < notify.before_size; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%02x", values[notify.now_size + i]);
	return text;
}

static int32_t set_map(struct service_user *who, int32_t map)
{
	struct cmap_req_set_map request = {.map = map};

	return service_user_request(who, CMAP_REQ_SET_MAP, &request, sizeof(request));
}

/* ---- Single keys --------------------------------------------------------- */

START_TEST(a_key_is_set_got_counted_and_deleted)
{
	const struct cmap_res_get *response;

	ck_assert_int_eq(set_u8(&user, "test.key", 5), CS_OK);
	ck_assert_int_eq(adjust(&user, "test.key", 1), CS_OK);
	ck_assert_int_eq(adjust(&user, "test.key", -3), CS_OK);
	ck_assert_int_eq(get(&other, "test.key", 100), CS_OK);
	response = answer(&other, sizeof(*response) + 1);
	ck_assert_uint_eq(response->type, COTERIE_MAP_U8);
	ck_assert_uint_eq(response->value_size, 1);
	ck_assert_uint_eq(response->value[0], 3);
	ck_assert_int_eq(delete_key(&user, "test.key"), CS_OK);
	ck_assert_int_eq(delete_key(&user, "test.key"), CS_ERR_NOT_EXIST);
	ck_assert_int_eq(adjust(&user, "test.key", 1), CS_ERR_NOT_EXIST);
	ck_assert_int_eq(get(&user, "test.key", 0), CS_ERR_NOT_EXIST);
	answer(&user, sizeof(struct cmap_res_get));
	ck_assert_int_eq(set(&user, "test.key", COTERIE_MAP_STRING, "text", 4), CS_OK);
	ck_assert_int_eq(adjust(&user, "test.key", 1), CS_ERR_INVALID_PARAM);
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
	ck_assert_int_eq(set(&user, "test.key", values[_i].type, values[_i].bytes, values[_i].size), values[_i].error);
	ck_assert_int_eq(get(&user, "test.key", 0), values[_i].error == CS_OK ? CS_OK : CS_ERR_NOT_EXIST);
	const struct cmap_res_get *response = answer(&user, sizeof(*response));
	ck_assert_uint_eq(response->value_size, values[_i].stored);
}
END_TEST

START_TEST(values_have_at_most_16384_bytes)
{
	char bytes[COTERIE_MAP_VALUE_MAX + 2];
	const struct cmap_res_get *response;

	memset(bytes, 'v', sizeof(bytes));
	ck_assert_int_eq(set(&user, "test.key", COTERIE_MAP_BINARY, bytes, COTERIE_MAP_VALUE_MAX), CS_OK);
	ck_assert_int_eq(set(&user, "test.key", COTERIE_MAP_BINARY, bytes, sizeof(bytes) - 1), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(set(&user, "test.key", COTERIE_MAP_STRING, bytes, sizeof(bytes) - 1), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(set(&user, "test.key", COTERIE_MAP_STRING, bytes, COTERIE_MAP_VALUE_MAX), CS_OK);
	ck_assert_int_eq(get(&user, "test.key", 1000000), CS_OK);
	response = answer(&user, sizeof(*response) + COTERIE_MAP_VALUE_MAX + 1);
	ck_assert_uint_eq(response->value_size, COTERIE_MAP_VALUE_MAX + 1);
	ck_assert_uint_eq(response->value[COTERIE_MAP_VALUE_MAX], 0);
	ck_assert_int_eq(set(&user, "test.key", COTERIE_MAP_STRING, "short", 5), CS_OK);
	ck_assert_int_eq(get(&user, "test.key", 100), CS_OK);
	response = answer(&user, sizeof(*response) + 6);
	ck_assert_str_eq((const char *)response->value, "short");

	char *long_bytes = calloc(1, 500000);
	ck_assert_int_eq(set(&user, "test.key", COTERIE_MAP_BINARY, long_bytes, 500000), CS_ERR_INVALID_PARAM);
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

	set(&user, "test.key", COTERIE_MAP_STRING, "four", 4);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct cmap_res_get *response;

		ck_assert_int_eq(get(&user, "test.key", rows[i].room), rows[i].error);
		response = answer(&user, sizeof(*response) + rows[i].size);
		ck_assert_uint_eq(response->value_size, rows[i].error == CS_OK ? 5 : 0);
		ck_assert_uint_eq(response->type, rows[i].error == CS_OK ? COTERIE_MAP_STRING : 0);
	}
}
END_TEST

START_TEST(only_new_keys_need_a_proper_name)
{
	static const char *const bad[] = {"", "a", "ab", "a b", "a,b", "ab\xc3\xa4", "ab%"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(set_u8(&user, bad[i], 1), CS_ERR_NAME_TOO_LONG);
		ck_assert_int_eq(set(&user, bad[i], COTERIE_MAP_U8, "", 0), CS_ERR_INVALID_PARAM);
		ck_assert_int_eq(get(&user, bad[i], 0), CS_ERR_NOT_EXIST);
		ck_assert_int_eq(delete_key(&user, bad[i]), CS_ERR_NOT_EXIST);
		ck_assert_int_eq(adjust(&user, bad[i], 1), CS_ERR_NOT_EXIST);
	}
	ck_assert_int_eq(set_u8(&user, "-_/:", 1), CS_OK);
	ck_assert_int_eq(set_u8(&user, "...", 1), CS_OK);
}
END_TEST

START_TEST(protected_keys_stay_as_they_are)
{
	static const char *const keys[] = {"system.", "system.new", "totem.version"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		ck_assert_int_eq(set_u8(&user, keys[i], 1), CS_ERR_ACCESS);
		ck_assert_int_eq(set(&user, keys[i], COTERIE_MAP_U8, "", 0), CS_ERR_ACCESS);
		ck_assert_int_eq(delete_key(&user, keys[i]), CS_ERR_ACCESS);
		ck_assert_int_eq(adjust(&user, keys[i], 1), CS_ERR_ACCESS);
	}
	ck_assert_int_eq(set_u8(&user, "totem.version2", 1), CS_OK);
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
		error = set(count % 2 == 0 ? &user : &other, key, COTERIE_MAP_BINARY, bytes, sizeof(bytes));
	}
	ck_assert_int_eq(error, CS_ERR_NO_RESOURCES);
	ck_assert_uint_gt(count, 900);
	ck_assert(mock_host_has_logged(host(1), "map is full"));
	ck_assert_int_eq(set_u8(&user, "test.0", 1), CS_OK); /* smaller than its former value */
	ck_assert_int_eq(delete_key(&user, "test.1"), CS_OK);
	mock_host_advance(host(1), UINT64_C(2000000000));
	ck_assert_int_eq(set(&user, "test.1", COTERIE_MAP_BINARY, bytes, sizeof(bytes)), CS_OK);
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
	user.client->right = COTERIE_RIGHT_USE;
	other.client->right = COTERIE_RIGHT_ADMINISTER;
	for (; error == CS_OK && count < 2000; count++) {
		snprintf(key, sizeof(key), "test.%u", count);
		error = set(&user, key, COTERIE_MAP_BINARY, bytes, sizeof(bytes));
	}
	ck_assert_int_eq(error, CS_ERR_NO_RESOURCES);
	ck_assert(mock_host_has_logged(host(1), "clients that are no administrators cannot add"));
	ck_assert_int_eq(set(&other, "totem.new", COTERIE_MAP_BINARY, bytes, sizeof(bytes)), CS_OK);
	ck_assert_int_eq(set(&user, "test.one-more", COTERIE_MAP_BINARY, bytes, sizeof(bytes)), CS_ERR_NO_RESOURCES);
	/* An administrator may use the whole memory. */
	for (error = CS_OK, count = 0; error == CS_OK && count < 2000; count++) {
		snprintf(key, sizeof(key), "admin.%u", count);
		error = set(&other, key, COTERIE_MAP_BINARY, bytes, sizeof(bytes));
	}
	ck_assert_int_eq(error, CS_ERR_NO_RESOURCES);
	ck_assert_uint_gt(count, 8);
}
END_TEST

/* ---- Statistics ---------------------------------------------------------- */

static uint32_t read_number(void *arg, void *value)
{
	memcpy(value, arg, sizeof(uint64_t));
	return sizeof(uint64_t);
}

static uint32_t read_text(void *arg, void *value)
{
	(void)arg;
	strcpy(value, "text");
	return 5;
}

static void note_clear(void *arg) { (void)arg; }

START_TEST(statistics_are_read_and_cleared_and_nothing_else)
{
	static uint64_t number = 7;
	static const struct {
		const char *key;
		int32_t set, change;
		const char *cleared;
	} rows[] = {
		{"stats.number", CS_ERR_ACCESS, CS_ERR_ACCESS, ""},
		{"stats.absent", CS_ERR_ACCESS, CS_ERR_ACCESS, ""},
		{"stats.clear", CS_ERR_ACCESS, CS_ERR_ACCESS, ""},
		{"stats.clear.all", CS_OK, CS_ERR_NOT_SUPPORTED, "all"},
		{"stats.clear.allx", CS_OK, CS_ERR_NOT_SUPPORTED, "all"},
		{"stats.clear.knet.x", CS_OK, CS_ERR_NOT_SUPPORTED, ""}, /* there is no statistic of this kind */
		{"stats.clear.", CS_ERR_NOT_SUPPORTED, CS_ERR_NOT_SUPPORTED, ""},
	};
	const struct cmap_res_get *response;

	host(1)->table.stat_add(host(1), "stats.number", COTERIE_MAP_U64, read_number, &number);
	host(1)->table.stat_add(host(1), "stats.text", COTERIE_MAP_STRING, read_text, NULL);
	set_u8(&other, "test.config", 1);
	ck_assert_int_eq(set_map(&user, COTERIE_MAP_STATS), CS_OK);
	ck_assert_int_eq(get(&user, "test.config", 0), CS_ERR_NOT_EXIST);
	ck_assert_int_eq(get(&user, "stats.number", 8), CS_OK);
	response = answer(&user, sizeof(*response) + 8);
	ck_assert_uint_eq(response->value[0], 7);
	ck_assert_int_eq(get(&user, "stats.text", 0), CS_OK);
	response = answer(&user, sizeof(*response));
	ck_assert_uint_eq(response->value_size, 5);

	uint64_t iterator = iterate(&user, "stats.");
	ck_assert_str_eq(next(&user, iterator), "stats.number/8/8");
	ck_assert_str_eq(next(&user, iterator), "stats.text/11/0");
	ck_assert_str_eq(next(&user, iterator), "27");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mock_queue_clear(&host(1)->cleared);
		ck_assert_int_eq(set_u8(&user, rows[i].key, 1), rows[i].set);
		if (rows[i].cleared[0] != '\0')
			ck_assert_str_eq((char *)host(1)->cleared.list[0].data, rows[i].cleared);
		ck_assert_int_eq(delete_key(&user, rows[i].key), rows[i].change);
		ck_assert_int_eq(adjust(&user, rows[i].key, 1), rows[i].change);
	}
	ck_assert_int_eq(get(&other, "stats.number", 0), CS_ERR_NOT_EXIST);
}
END_TEST

/* The statistics may show an attack, so other users must not clear them. */
START_TEST(only_administrators_clear_statistics)
{
	static const struct {
		const char *key, *cleared;
		int32_t user;
	} rows[] = {
		{"stats.clear.ipc", "ipc", CS_ERR_ACCESS},
		{"stats.clear.all", "all", CS_ERR_ACCESS},
		{"stats.clear.totem", "totem", CS_ERR_ACCESS},
		{"stats.clear.knet", "knet", CS_ERR_ACCESS},
		{"stats.clear.tally", "tally", CS_ERR_ACCESS},
		{"stats.clear.schedmiss", "schedmiss", CS_OK},
	};

	user.client->right = COTERIE_RIGHT_USE;
	other.client->right = COTERIE_RIGHT_ADMINISTER;
	ck_assert_int_eq(set_map(&user, COTERIE_MAP_STATS), CS_OK);
	ck_assert_int_eq(set_map(&other, COTERIE_MAP_STATS), CS_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		host(1)->table.stats_on_clear(host(1), rows[i].cleared, note_clear, NULL);
		mock_queue_clear(&host(1)->cleared);
		ck_assert_int_eq(set_u8(&user, rows[i].key, 1), rows[i].user);
		ck_assert_uint_eq(host(1)->cleared.count, rows[i].user == CS_OK ? 1 : 0);
		ck_assert_int_eq(set_u8(&other, rows[i].key, 1), CS_OK);
		ck_assert_str_eq((char *)host(1)->cleared.list[0].data, rows[i].cleared);
	}
}
END_TEST

START_TEST(prefixes_of_statistics_come_and_go)
{
	static uint64_t number = 7;

	ck_assert_int_eq(set_map(&user, COTERIE_MAP_STATS), CS_OK);
	ck_assert_int_eq(track(&user, "stats.", ALL & ~COTERIE_MAP_DELETED, 1, NULL), CS_OK);
	ck_assert_int_eq(track(&user, "stats.", PREFIX | COTERIE_MAP_ADDED, 1, NULL), CS_ERR_NOT_SUPPORTED);
	ck_assert_int_eq(track(&user, "stats.", PREFIX | ALL, 2, NULL), CS_OK);
	ck_assert_int_eq(track(&user, "stats.", ALL | 16, 3, NULL), CS_OK); /* as in Corosync */
	host(1)->table.stat_add(host(1), "stats.number", COTERIE_MAP_U64, read_number, &number);
	ck_assert_str_eq(event(&user), "2 4 stats.number 8:0700000000000000 8:0700000000000000");
	ck_assert_str_eq(event(&user), "");
}
END_TEST

START_TEST(the_map_is_chosen_before_anything_is_open)
{
	uint64_t tracker, instance, iterator;

	ck_assert_int_eq(set_map(&user, 2), CS_ERR_NOT_EXIST);
	ck_assert_int_eq(set_map(&user, -1), CS_ERR_NOT_EXIST);
	iterator = iterate(&user, "");
	ck_assert_int_eq(set_map(&user, 1), CS_ERR_BUSY);
	ck_assert_int_eq(set_map(&user, 7), CS_ERR_BUSY);
	ck_assert_int_eq(iterate_end(&user, iterator), CS_OK);
	ck_assert_int_eq(track(&user, "test.x", ALL, 1, &tracker), CS_OK);
	ck_assert_int_eq(set_map(&user, 1), CS_ERR_BUSY);
	ck_assert_int_eq(untrack(&user, tracker, &instance), CS_OK);
	ck_assert_int_eq(set_map(&user, 1), CS_OK);
	ck_assert_int_eq(set_map(&user, 0), CS_OK);
}
END_TEST

/* ---- Walks --------------------------------------------------------------- */

START_TEST(a_walk_shows_the_keys_that_begin_so)
{
	uint64_t iterator, second;

	set_u8(&user, "test.b", 1);
	set_u8(&user, "test.a", 1);
	set(&user, "test.ab", COTERIE_MAP_STRING, "xyz", 3);
	set_u8(&user, "tesz", 1);
	iterator = iterate(&user, "test.");
	second = iterate(&user, "no such");
	ck_assert_str_eq(next(&user, iterator), "test.a/2/1");
	delete_key(&user, "test.a");
	ck_assert_str_eq(next(&user, iterator), "test.ab/11/4");
	ck_assert_str_eq(next(&user, second), "27");
	ck_assert_str_eq(next(&user, iterator), "test.b/2/1");
	ck_assert_str_eq(next(&user, iterator), "27");
	ck_assert_str_eq(next(&user, iterator), "27");
	ck_assert_str_eq(next(&other, iterator), "9"); /* another client's iterator */
	ck_assert_int_eq(iterate_end(&other, iterator), CS_ERR_BAD_HANDLE);
	ck_assert_int_eq(iterate_end(&user, iterator), CS_OK);
	ck_assert_int_eq(iterate_end(&user, iterator), CS_ERR_BAD_HANDLE);
	ck_assert_str_eq(next(&user, iterator), "9");
	ck_assert_str_eq(next(&user, 0), "9");
}
END_TEST

START_TEST(what_a_client_may_keep_open_is_bounded_and_ends_with_it)
{
	if (service_is_replaced())
		return; /* replacing the service at each event would take too long */
	unsigned int iterators = 0, trackers = 0;
	uint64_t tracker, instance;

	for (int i = 0; i < 5000; i++) { /* ended trackers do not count */
		ck_assert_int_eq(iterate_end(&user, iterate(&user, "")), CS_OK);
		ck_assert_int_eq(track(&user, "test.", ALL, 1, &tracker), CS_OK);
		ck_assert_int_eq(untrack(&user, tracker, &instance), CS_OK);
	}
	while (iterators < 10000 && iterate(&user, "test.") != 0)
		iterators++;
	while (trackers < 10000 && track(&user, "test.", ALL | PREFIX, 1, NULL) == CS_OK)
		trackers++;
	ck_assert_uint_eq(iterators, 4096);
	ck_assert_uint_eq(trackers, 4096);
	ck_assert_int_eq(track(&user, "test.", ALL, 1, NULL), CS_ERR_NO_RESOURCES);
	ck_assert_uint_ne(iterate(&other, ""), 0); /* other clients are not affected */
	service_user_close(&user);
	set_u8(&other, "test.x", 1); /* no client is notified */
}
END_TEST

/* ---- Trackers ------------------------------------------------------------ */

START_TEST(trackers_tell_of_changes_before_the_answer)
{
	uint64_t tracker, instance;

	ck_assert_int_eq(track(&user, "test.k", ALL, 77, &tracker), CS_OK);
	ck_assert_int_eq(track(&other, "", ALL | PREFIX, 88, NULL), CS_OK);
	set_u8(&user, "test.k", 1);
	set_u8(&user, "test.k", 1);
	set_u8(&user, "test.k", 2);
	set(&other, "test.k", COTERIE_MAP_STRING, "str", 3);
	delete_key(&user, "test.k");
	ck_assert_str_eq(event(&user), "77 4 test.k 2:01 0:");
	ck_assert_str_eq(event(&user), "77 2 test.k 2:02 2:01");
	ck_assert_str_eq(event(&user), "77 2 test.k 11:73747200 2:02");
	ck_assert_str_eq(event(&user), "77 1 test.k 0: 11:73747200");
	ck_assert_str_eq(event(&user), "");
	ck_assert_str_eq(event(&other), "88 4 test.k 2:01 0:");
	ck_assert_int_eq(untrack(&other, tracker + 100, &instance), CS_ERR_BAD_HANDLE);
	ck_assert_uint_eq(instance, 0);
	ck_assert_int_eq(untrack(&user, tracker, &instance), CS_OK);
	ck_assert_uint_eq(instance, 77);
	ck_assert_int_eq(untrack(&user, tracker, &instance), CS_ERR_BAD_HANDLE);
	set_u8(&user, "test.k", 1);
	ck_assert_str_eq(event(&user), "");
}
END_TEST

START_TEST(trackers_take_known_bits)
{
	for (uint32_t events = 0; events < 16; events++)
		ck_assert_int_eq(track(&user, "test.k", events, events, NULL), CS_OK);
	ck_assert_int_eq(track(&user, "test.k", 16, 1, NULL), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(track(&user, "test.k", UINT32_MAX, 1, NULL), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(track(&user, "not a key", ALL, 1, NULL), CS_OK);
}
END_TEST

START_TEST(a_client_that_is_given_up_disturbs_nobody)
{
	track(&user, "test.k", ALL, 1, NULL);
	track(&other, "test.k", ALL, 2, NULL);
	user.client->event_rc = -ENOTCONN;
	ck_assert_int_eq(set_u8(&other, "test.k", 1), CS_OK);
	ck_assert_str_eq(event(&other), "2 4 test.k 2:01 0:");
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
		ck_assert_int_eq(service_user_request(&user, id, bytes, sizeof(bytes)), CS_ERR_INVALID_PARAM);
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

	name_set(&request.head.name, "test.key");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		request.head.value_size = sizes[i];
		ck_assert_int_eq(service_user_request(&user, CMAP_REQ_SET, &request, sizeof(request.head) + 1),
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
		service_user_send(&user, (int32_t)(random >> 24) % 12, bytes, size);
	}
	free(bytes);
	ck_assert_int_eq(set_map(&other, 0), CS_OK);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("cmap");
	TCase *tcase = tcase_create("cmap");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_key_is_set_got_counted_and_deleted);
	tcase_add_loop_test(tcase, the_length_must_suit_the_type, 0, ROWS(values));
	tcase_add_test(tcase, values_have_at_most_16384_bytes);
	tcase_add_test(tcase, a_value_goes_out_when_there_is_room);
	tcase_add_test(tcase, only_new_keys_need_a_proper_name);
	tcase_add_test(tcase, protected_keys_stay_as_they_are);
	tcase_add_test(tcase, clients_together_cannot_fill_the_memory);
	tcase_add_test(tcase, keys_of_users_leave_room_for_administrators);
	tcase_add_test(tcase, statistics_are_read_and_cleared_and_nothing_else);
	tcase_add_test(tcase, only_administrators_clear_statistics);
	tcase_add_test(tcase, prefixes_of_statistics_come_and_go);
	tcase_add_test(tcase, the_map_is_chosen_before_anything_is_open);
	tcase_add_test(tcase, a_walk_shows_the_keys_that_begin_so);
	tcase_add_test(tcase, what_a_client_may_keep_open_is_bounded_and_ends_with_it);
	tcase_add_test(tcase, trackers_tell_of_changes_before_the_answer);
	tcase_add_test(tcase, trackers_take_known_bits);
	tcase_add_test(tcase, a_client_that_is_given_up_disturbs_nobody);
	tcase_add_test(tcase, names_without_an_end_are_refused);
	tcase_add_test(tcase, the_length_of_a_value_is_held_against_the_request);
	tcase_add_loop_test(tcase, only_administrators_change_keys_that_steer, 0,
		(int)(sizeof(steering_keys) / sizeof(steering_keys[0])));
	tcase_add_test(tcase, users_have_keys_of_their_own_and_observers_read_them);
	tcase_add_loop_test(tcase, requests_of_any_length_and_content_are_survived, 0, 4);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
