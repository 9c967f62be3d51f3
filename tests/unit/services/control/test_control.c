/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The service control: clients request keys of other nodes, in a simulated cluster of three nodes. Some clients and
 * peers send hostile messages.
 */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <coterie/testkit.h>

#include "services/control/messages.h"
#include "tests/suite.h"
#include "tests/unit/service_rights.h"

extern const struct coterie_plugin control_LTX_coterie_plugin;

#define CS_OK 1
#define CS_ERR_INVALID_PARAM 7

static struct testkit *kit;

static void setup(void)
{
	kit = testkit_create(7, 3);
	ck_assert_ptr_nonnull(kit);
	ck_assert_int_eq(testkit_load(kit, TESTKIT_ALL, &control_LTX_coterie_plugin, NULL), 0);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_settle(kit, 10000), 0);
	testkit_run(kit, 100); /* until the plugins have learned of the members */
}

static void teardown(void) { ck_assert_uint_eq(testkit_destroy(kit), 0); }

static struct control_req_keys request(uint32_t nodeid, uint32_t map, const char *prefix)
{
	struct control_req_keys req = {
		.header = {.id = CONTROL_REQ_KEYS, .size = sizeof(req)}, .nodeid = nodeid, .map = map};

	snprintf(req.prefix, sizeof(req.prefix), "%s", prefix);
	return req;
}

static struct testkit_client *connect_to(uint32_t node)
{
	struct testkit_client *client;

	ck_assert_int_eq(testkit_connect(kit, node, CONTROL_IPC_NAME, &client), 0);
	return client;
}

static const struct control_res_keys *ask(
	struct testkit_client *client, uint32_t nodeid, uint32_t map, const char *prefix)
{
	const struct control_req_keys req = request(nodeid, map, prefix);
	const struct coterie_response_header *reply = testkit_call(client, &req, sizeof(req));

	ck_assert_ptr_nonnull(reply);
	ck_assert_int_eq(reply->id, CONTROL_RES_KEYS);
	ck_assert_int_eq(reply->error, CS_OK);
	ck_assert_int_ge(reply->size, sizeof(struct control_res_keys));
	return (const struct control_res_keys *)reply;
}

/* Return "TYPE VALUE" of a key in an answer, or NULL. */
static const char *value_of(const struct control_res_keys *res, const char *name)
{
	static char text[65536];
	const char *at = (const char *)(res + 1), *end = (const char *)res + res->header.size;

	while (at < end) {
		const char *type = at + strlen(at) + 1, *value = type + strlen(type) + 1;

		ck_assert(value < end);
		if (strcmp(at, name) == 0) {
			snprintf(text, sizeof(text), "%s %s", type, value);
			return text;
		}
		at = value + strlen(value) + 1;
	}
	return NULL;
}

static void set(uint32_t node, const char *key, uint32_t type, const void *value, uint32_t size)
{
	struct coterie_ctx *ctx;
	const struct coterie_host *host = testkit_host(kit, node, "control", &ctx);

	ck_assert_ptr_nonnull(host);
	ck_assert_int_eq(host->map_set(ctx, key, type, value, size), 0);
}

/* ---- Clients --------------------------------------------------------------- */

START_TEST(keys_of_any_node)
{
	struct testkit_client *client = connect_to(1);

	for (uint32_t node = 1; node <= 3; node++) {
		char key[64], want[64];

		snprintf(key, sizeof(key), "test.node%" PRIu32, node);
		snprintf(want, sizeof(want), "str here is %" PRIu32, node);
		set(node, key, COTERIE_MAP_STRING, want + 4, (uint32_t)strlen(want + 4) + 1);
		const struct control_res_keys *res = ask(client, node, CONTROL_MAP_CONFIG, "test.");

		ck_assert_int_eq(res->rc, 0);
		ck_assert_uint_eq(res->flags, CONTROL_KEYS_QUORATE);
		ck_assert_str_eq(value_of(res, key), want);
		snprintf(want, sizeof(want), "u32 %" PRIu32, node);
		ck_assert_str_eq(
			value_of(ask(client, node, CONTROL_MAP_STATS, "stats.coterie."), "stats.coterie.node_id"),
			want);
	}
}
END_TEST

START_TEST(values_of_every_type)
{
	static const struct {
		const char *name;
		uint32_t type, size;
		uint64_t bits;
		const char *want;
	} rows[] = {
		{"test.i8", COTERIE_MAP_I8, 1, 0x80, "i8 -128"},
		{"test.u8", COTERIE_MAP_U8, 1, 0xff, "u8 255"},
		{"test.i16", COTERIE_MAP_I16, 2, 0x8000, "i16 -32768"},
		{"test.u16", COTERIE_MAP_U16, 2, 0xffff, "u16 65535"},
		{"test.i32", COTERIE_MAP_I32, 4, 0x80000000, "i32 -2147483648"},
		{"test.u32", COTERIE_MAP_U32, 4, 0xffffffff, "u32 4294967295"},
		{"test.i64", COTERIE_MAP_I64, 8, UINT64_C(1) << 63, "i64 -9223372036854775808"},
		{"test.u64", COTERIE_MAP_U64, 8, UINT64_MAX, "u64 18446744073709551615"},
		{"test.flt", COTERIE_MAP_FLOAT, 4, 0x3fc00000, "flt 1.5"},
		{"test.dbl", COTERIE_MAP_DOUBLE, 8, UINT64_C(0xc004000000000000), "dbl -2.5"},
		{"test.bin", COTERIE_MAP_BINARY, 3, 0x00ff01, "bin 01ff00"},
	};
	struct testkit_client *client = connect_to(3);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		set(2, rows[i].name, rows[i].type, &rows[i].bits, rows[i].size);
	const struct control_res_keys *res = ask(client, 2, CONTROL_MAP_CONFIG, "test.");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_str_eq(value_of(res, rows[i].name), rows[i].want);
}
END_TEST

START_TEST(what_the_transport_tells)
{
	const struct control_res_keys *res = ask(connect_to(1), 2, CONTROL_MAP_PEERS, "3.");

	ck_assert_int_eq(res->rc, 0);
	/*
	 * The kit's transport does not report whether a node is reached. tests/cluster/ctl_nodes.sh tests the report of
	 * a daemon.
	 */
	ck_assert_ptr_null(value_of(res, "1.reachable"));
}
END_TEST

START_TEST(who_cannot_be_asked)
{
	struct testkit_client *client = connect_to(1);

	ck_assert_int_eq(ask(client, 77, CONTROL_MAP_CONFIG, "")->rc, -ENOENT);
	ck_assert_int_eq(testkit_unload(kit, 3, "control"), 0);
	ck_assert_int_eq(ask(client, 3, CONTROL_MAP_CONFIG, "totem.")->rc, -ENOTSUP);
	ck_assert_int_eq(testkit_crash(kit, 2), 0);
	ck_assert_int_eq(testkit_settle(kit, 20000), 0);
	ck_assert_int_eq(ask(client, 2, CONTROL_MAP_CONFIG, "totem.")->rc, -ENOENT);
	ck_assert_int_eq(ask(client, 3, CONTROL_MAP_CONFIG, "totem.")->rc, -ENOTSUP);
}
END_TEST

START_TEST(who_dies_before_it_answers)
{
	struct testkit_client *client = connect_to(1);
	const struct control_req_keys req = request(2, CONTROL_MAP_CONFIG, "totem.");
	const struct coterie_response_header *reply = NULL;

	ck_assert_int_eq(testkit_crash_after(kit, 2, 0), 0);
	ck_assert_int_eq(testkit_send(client, &req, sizeof(req)), 0);
	for (int i = 0; i < 200 && reply == NULL; i++) {
		testkit_run(kit, 50);
		reply = testkit_reply(client);
	}
	ck_assert_ptr_nonnull(reply);
	int rc = ((const struct control_res_keys *)reply)->rc;
	ck_assert(rc == -ENOENT || rc == -ETIMEDOUT);
}
END_TEST

START_TEST(more_than_fits_is_cut_between_keys)
{
	struct testkit_client *client = connect_to(1);
	char value[8000], key[32];

	memset(value, 'x', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "test.%03d", i);
		set(2, key, COTERIE_MAP_STRING, value, sizeof(value));
	}
	const struct control_res_keys *res = ask(client, 2, CONTROL_MAP_CONFIG, "test.");

	ck_assert_int_eq(res->rc, 0);
	ck_assert_uint_eq(res->flags & CONTROL_KEYS_CUT, CONTROL_KEYS_CUT);
	ck_assert_int_le(res->header.size, CONTROL_KEYS_SIZE_MAX + sizeof(*res));
	ck_assert_ptr_nonnull(value_of(res, "test.064"));
	ck_assert_ptr_null(value_of(res, "test.066"));
	ck_assert_uint_eq(ask(client, 2, CONTROL_MAP_CONFIG, "test.01")->flags & CONTROL_KEYS_CUT, 0);
}
END_TEST

/* Send more requests than the service tracks at once. Each one is answered in the end, or gets "try again". */
START_TEST(many_ask_at_once)
{
	static struct testkit_client *clients[100];
	const struct control_req_keys req = request(2, CONTROL_MAP_STATS, "");
	uint32_t told = 0, again = 0;

	for (int i = 0; i < 100; i++) {
		clients[i] = connect_to(1);
		ck_assert_int_eq(testkit_send(clients[i], &req, sizeof(req)), 0);
	}
	testkit_run(kit, 5000);
	for (int i = 0; i < 100; i++) {
		const struct coterie_response_header *reply = testkit_reply(clients[i]);

		ck_assert_ptr_nonnull(reply);
		const struct control_res_keys *res = (const struct control_res_keys *)reply;

		told += reply->error == CS_OK && res->rc == 0;
		again += reply->error != CS_OK || res->rc == -ETIMEDOUT;
	}
	ck_assert_uint_gt(told, 0);
	ck_assert_uint_eq(told + again, 100);
	ck_assert_int_eq(ask(clients[0], 2, CONTROL_MAP_CONFIG, "totem.")->rc, 0);
}
END_TEST

START_TEST(a_client_goes_before_its_answer)
{
	const struct control_req_keys req = request(2, CONTROL_MAP_CONFIG, "");

	for (int i = 0; i < 20; i++) {
		struct testkit_client *client = connect_to(1);

		ck_assert_int_eq(testkit_send(client, &req, sizeof(req)), 0);
		testkit_disconnect(client);
	}
	testkit_run(kit, 5000);
	ck_assert_int_eq(ask(connect_to(1), 2, CONTROL_MAP_CONFIG, "totem.")->rc, 0);
}
END_TEST

START_TEST(bad_requests_are_refused)
{
	struct testkit_client *client = connect_to(1);
	struct control_req_keys req = request(2, CONTROL_MAP_PEERS + 1, "");

	ck_assert_int_eq(testkit_call(client, &req, sizeof(req))->error, CS_ERR_INVALID_PARAM);
	req = request(2, CONTROL_MAP_CONFIG, "");
	memset(req.prefix, 'x', sizeof(req.prefix));
	ck_assert_int_eq(testkit_call(client, &req, sizeof(req))->error, CS_ERR_INVALID_PARAM);
	req = request(2, CONTROL_MAP_CONFIG, "");
	req.header.size = sizeof(req) - 1;
	ck_assert_int_ne(testkit_call(client, &req, sizeof(req) - 1)->error, CS_OK);
	ck_assert_int_eq(ask(client, 2, CONTROL_MAP_CONFIG, "totem.")->rc, 0);
}
END_TEST

/* ---- Peers ----------------------------------------------------------------- */

static void send_ring(uint32_t node, uint32_t function, const void *bytes, size_t size)
{
	struct coterie_ctx *ctx;
	const struct coterie_host *host = testkit_host(kit, node, "control", &ctx);
	struct iovec iov = {(void *)(uintptr_t)bytes, size};

	ck_assert_ptr_nonnull(host);
	ck_assert_int_eq(host->ring_send(ctx, function, COTERIE_AGREED, &iov, 1), 0);
}

START_TEST(bad_questions_of_peers_are_dropped)
{
	struct control_ring_ask question = {.nodeid = 1, .number = 1};
	const size_t size = sizeof(question) - sizeof(question.header);

	memset(question.prefix, 'x', sizeof(question.prefix));
	send_ring(2, CONTROL_RING_ASK, &question.nodeid, size);
	question.prefix[0] = '\0';
	question.map = CONTROL_MAP_PEERS + 1;
	send_ring(2, CONTROL_RING_ASK, &question.nodeid, size);
	for (size_t cut = 0; cut < size; cut += 16)
		send_ring(2, CONTROL_RING_ASK, &question.nodeid, cut);
	testkit_run(kit, 1000);
	ck_assert_int_eq(testkit_has_logged(kit, 1, "does not ask for keys properly"), 1);
	ck_assert_int_eq(ask(connect_to(1), 2, CONTROL_MAP_CONFIG, "totem.")->rc, 0);
}
END_TEST

/* A peer sends answers to requests that were never sent, of every length. */
START_TEST(answers_out_of_nothing_are_dropped)
{
	struct {
		struct control_ring_keys head;
		char text[64];
	} answer = {.head = {.nodeid = 1, .number = 1}};

	memset(answer.text, 'x', sizeof(answer.text));
	for (size_t size = 0; size <= sizeof(answer) - sizeof(answer.head.header); size += 8)
		send_ring(2, CONTROL_RING_KEYS, &answer.head.nodeid, size);
	testkit_run(kit, 1000);
	ck_assert_int_eq(ask(connect_to(1), 2, CONTROL_MAP_CONFIG, "totem.")->rc, 0);
}
END_TEST

/* A peer sends many requests for all keys at once. Some are answered, and the memory for the answers is limited. */
START_TEST(a_peer_asks_too_much)
{
	struct control_ring_ask question = {.nodeid = 1, .map = CONTROL_MAP_STATS};

	for (uint32_t i = 0; i < 100; i++) {
		question.number = i;
		send_ring(2, CONTROL_RING_ASK, &question.nodeid, sizeof(question) - sizeof(question.header));
	}
	testkit_run(kit, 5000);
	ck_assert_int_eq(ask(connect_to(3), 1, CONTROL_MAP_CONFIG, "totem.")->rc, 0);
}
END_TEST

/* ---- Rights of all requests ---------------------------------------------- */

static const struct service_right rights[] = {
	{CONTROL_REQ_PLUGIN_LOAD, COTERIE_RIGHT_ADMINISTER},
	{CONTROL_REQ_PLUGIN_UNLOAD, COTERIE_RIGHT_ADMINISTER},
	{CONTROL_REQ_PLUGIN_REPLACE, COTERIE_RIGHT_ADMINISTER},
	{CONTROL_REQ_PLUGIN_NODES, COTERIE_RIGHT_OBSERVE},
	{CONTROL_REQ_RELOAD, COTERIE_RIGHT_ADMINISTER},
	{CONTROL_REQ_KEYS, COTERIE_RIGHT_OBSERVE},
};

START_TEST(each_request_needs_its_right) { SERVICE_RIGHTS_CHECK(&control_LTX_coterie_plugin, rights); }
END_TEST

int main(void)
{
	Suite *suite = suite_create("control");
	TCase *clients = tcase_create("clients"), *peers = tcase_create("peers");

	suite_add_tcase(suite, clients);
	suite_add_tcase(suite, peers);
	tcase_add_checked_fixture(clients, setup, teardown);
	tcase_add_checked_fixture(peers, setup, teardown);
	tcase_add_test(clients, keys_of_any_node);
	tcase_add_test(clients, values_of_every_type);
	tcase_add_test(clients, what_the_transport_tells);
	tcase_add_test(clients, who_cannot_be_asked);
	tcase_add_test(clients, who_dies_before_it_answers);
	tcase_add_test(clients, more_than_fits_is_cut_between_keys);
	tcase_add_test(clients, many_ask_at_once);
	tcase_add_test(clients, a_client_goes_before_its_answer);
	tcase_add_test(clients, bad_requests_are_refused);
	tcase_add_test(peers, bad_questions_of_peers_are_dropped);
	tcase_add_test(peers, answers_out_of_nothing_are_dropped);
	tcase_add_test(peers, a_peer_asks_too_much);
	tcase_add_test(peers, each_request_needs_its_right);
	return suite_run(suite);
}
