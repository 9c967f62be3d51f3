/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The service control: how much of this node's keys it lists in one call, and how many such requests it accepts. The
 * test counts the keys that the service reads from its host.
 */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/control/messages.h"
#include "tests/suite.h"
#include "tests/unit/mock_host.h"

#define KEYS_IN_CALL_MAX 33u /* 32 keys, and the end of the map */
#define NODES_IN_CALL_MAX 8u
#define BYTES_IN_CALL_MAX 100000u /* of text */
#define US UINT64_C(1000)

extern const struct coterie_plugin control_LTX_coterie_plugin;

static struct coterie_ctx *host;
static const struct coterie_service *ops;
static void *self;
static uint32_t resources; /* timers that the service has without a request */

/* ---- A host that counts ----------------------------------------------------- */

static struct {
	const char *(*next)(struct coterie_map_iterator *iterator, struct coterie_map_value *value);
	int (*read)(struct coterie_ctx *ctx, uint32_t which, const char *key, struct coterie_map_value *value);
	int (*status)(struct coterie_ctx *ctx, uint32_t nodeid, struct coterie_node_status *status);
	uint32_t keys, reads, statuses; /* in the present call of the service */
} count;

static const char *count_next(struct coterie_map_iterator *iterator, struct coterie_map_value *value)
{
	count.keys++;
	return count.next(iterator, value);
}

static int count_read(struct coterie_ctx *ctx, uint32_t which, const char *key, struct coterie_map_value *value)
{
	count.reads++;
	return count.read(ctx, which, key, value);
}

static int count_status(struct coterie_ctx *ctx, uint32_t nodeid, struct coterie_node_status *status)
{
	count.statuses++;
	return count.status(ctx, nodeid, status);
}

static void check_call(void)
{
	ck_assert_uint_le(count.keys, KEYS_IN_CALL_MAX);
	ck_assert_uint_le(count.reads, KEYS_IN_CALL_MAX);
	ck_assert_uint_le(count.statuses, NODES_IN_CALL_MAX);
	count.keys = count.reads = count.statuses = 0;
}

/* Let a tenth of a millisecond pass, in which at most one timer of the service is due. */
static void run_turn(void)
{
	mock_host_advance(host, 100 * US);
	check_call();
}

/* @return turns until the client has `replies` */
static uint32_t run_until(const struct coterie_client *client, uint32_t replies)
{
	uint32_t turns = 0;

	for (; client->replies.count < replies; turns++) {
		ck_assert_uint_lt(turns, 100000);
		run_turn();
	}
	return turns;
}

static void setup(void)
{
	host = mock_host_create(&control_LTX_coterie_plugin);
	ops = control_LTX_coterie_plugin.ops;
	host->nodeid = 1;
	for (uint32_t i = 0; i < 32; i++)
		host->members[i] = i + 1;
	host->member_count = 32;
	host->is_quorate = true;
	memset(&count, 0, sizeof(count));
	count.next = host->table.map_iterate_next;
	count.read = host->table.map_read;
	count.status = host->table.node_status;
	host->table.map_iterate_next = count_next;
	host->table.map_read = count_read;
	host->table.node_status = count_status;
	ck_assert_int_eq(ops->init(&host->table, host, &self), 0);
	mock_host_advance(host, 10000000 * US);
	count.keys = count.reads = count.statuses = 0;
	resources = mock_host_timers(host);
}

static void teardown(void)
{
	ops->fini(self);
	ck_assert_uint_eq(mock_host_destroy(host), 0);
}

/* ---- Requests --------------------------------------------------------------- */

static struct coterie_client *crowd[100]; /* clients of ask_as() */
static uint32_t crowd_count;

static struct coterie_client *connect_client(void) { return mock_client_create(host, 0, 100); }

static void leave(struct coterie_client *client)
{
	if (ops->client_leave != NULL)
		ops->client_leave(self, client);
	mock_client_destroy(client);
}

static int ask(struct coterie_client *client, uint32_t nodeid, uint32_t map, const char *prefix)
{
	struct control_req_keys req = {
		.header = {.id = CONTROL_REQ_KEYS, .size = sizeof(req)}, .nodeid = nodeid, .map = map};

	strcpy(req.prefix, prefix);
	int rc = mock_request(client, ops, self, &req, sizeof(req));
	check_call();
	return rc;
}

static void be_asked(uint32_t from, uint32_t number)
{
	struct control_ring_ask question = {
		.nodeid = 1, .number = number, .map = CONTROL_MAP_CONFIG, .prefix = "test."};
	const struct mock_message message = {.id = CONTROL_RING_ASK,
		.data = (uint8_t *)&question.nodeid,
		.size = sizeof(question) - sizeof(question.header)};

	ck_assert_int_eq(mock_deliver(ops, self, from, false, &message), 0);
	check_call();
}

static void set_keys(uint32_t keys, uint32_t type, uint32_t size)
{
	static uint8_t value[65536];
	char key[64];

	memset(value, type == COTERIE_MAP_STRING ? 'x' : 0x5f, size);
	if (type == COTERIE_MAP_STRING)
		value[size - 1] = '\0';
	for (uint32_t i = 0; i < keys; i++) {
		snprintf(key, sizeof(key), "test.%06" PRIu32, i);
		ck_assert_int_eq(host->table.map_set(host, key, type, value, size), 0);
	}
}

/* Check the answer to a request for the keys of set_keys. @return its number of keys */
static uint32_t check_answer(const struct coterie_client *client, const char *type, size_t length)
{
	const struct mock_message *reply = &client->replies.list[client->replies.count - 1];
	const char *at = (const char *)reply->data + 8, *end = (const char *)reply->data + reply->size;
	uint32_t keys = 0;
	char name[64];
	int32_t rc;

	ck_assert_uint_eq(reply->id, CONTROL_RES_KEYS);
	ck_assert_int_eq(reply->error, 1);
	memcpy(&rc, reply->data, sizeof(rc));
	ck_assert_int_eq(rc, 0);
	for (; at < end; keys++) {
		snprintf(name, sizeof(name), "test.%06" PRIu32, keys);
		ck_assert_str_eq(at, name);
		at += strlen(at) + 1;
		ck_assert_str_eq(at, type);
		at += strlen(at) + 1;
		ck_assert_uint_eq(strlen(at), length);
		ck_assert_int_eq(at[length - 1], type[0] == 'b' ? 'f' : 'x');
		at += length + 1;
	}
	ck_assert_ptr_eq(at, end);
	return keys;
}

static bool is_cut(const struct coterie_client *client)
{
	uint32_t flags;

	memcpy(&flags, client->replies.list[client->replies.count - 1].data + 4, sizeof(flags));
	return (flags & CONTROL_KEYS_CUT) != 0;
}

/* ---- One client -------------------------------------------------------------- */

START_TEST(keys_are_listed_in_slices)
{
	struct coterie_client *client = connect_client();

	set_keys(1000, COTERIE_MAP_STRING, 4);
	ck_assert_int_eq(ask(client, 1, CONTROL_MAP_CONFIG, "test."), COTERIE_LATER);
	ck_assert_uint_ge(run_until(client, 1), 1000 / 32);
	ck_assert_uint_eq(check_answer(client, "str", 3), 1000);
	ck_assert(!is_cut(client));
	ck_assert_uint_eq(mock_host_timers(host), resources);
	leave(client);
}
END_TEST

START_TEST(few_keys_have_no_pause)
{
	struct coterie_client *client = connect_client();

	set_keys(20, COTERIE_MAP_STRING, 4);
	for (uint32_t i = 1; i <= 3; i++) {
		ask(client, 1, CONTROL_MAP_CONFIG, "test.");
		ck_assert_uint_eq(run_until(client, i), 1);
		ck_assert_uint_eq(check_answer(client, "str", 3), 20);
	}
	leave(client);
}
END_TEST

/* 16 values of 16,000 bytes fill an answer. */
START_TEST(large_values_are_fewer_in_a_slice)
{
	struct coterie_client *client = connect_client();
	uint32_t turns;

	set_keys(20, COTERIE_MAP_BINARY, 16000);
	ask(client, 1, CONTROL_MAP_CONFIG, "test.");
	turns = run_until(client, 1);
	ck_assert_uint_ge(turns, CONTROL_KEYS_SIZE_MAX / BYTES_IN_CALL_MAX);
	ck_assert_uint_eq(check_answer(client, "bin", 32000), 16);
	ck_assert(is_cut(client));
	leave(client);
}
END_TEST

/* Each node of the node list has two keys. */
START_TEST(nodes_are_listed_in_slices)
{
	struct coterie_client *client = connect_client();
	char key[64];

	for (uint32_t i = 0; i < 200; i++) {
		uint32_t nodeid = 1000 + i;
		const struct coterie_node_status status = {.size = sizeof(status), .nodeid = nodeid, .is_reachable = 1};

		mock_node_status(host, &status);
		snprintf(key, sizeof(key), "nodelist.node.%" PRIu32 ".nodeid", i);
		ck_assert_int_eq(host->table.map_set(host, key, COTERIE_MAP_U32, &nodeid, sizeof(nodeid)), 0);
		snprintf(key, sizeof(key), "nodelist.node.%" PRIu32 ".name", i);
		ck_assert_int_eq(host->table.map_set(host, key, COTERIE_MAP_STRING, "x", 2), 0);
	}
	ck_assert_int_eq(ask(client, 1, CONTROL_MAP_PEERS, ""), COTERIE_LATER);
	run_until(client, 1);
	uint32_t nodes = 0;
	const struct mock_message *reply = &client->replies.list[0];
	for (uint32_t at = 8; at < reply->size; at += (uint32_t)strlen((const char *)reply->data + at) + 1)
		nodes += strstr((const char *)reply->data + at, ".reachable") != NULL;
	ck_assert_uint_ge(nodes, 200);
	leave(client);
}
END_TEST

START_TEST(a_client_has_one_request_under_way)
{
	struct coterie_client *client = connect_client(), *other = connect_client();

	set_keys(100, COTERIE_MAP_STRING, 4);
	ck_assert_int_eq(ask(client, 1, CONTROL_MAP_CONFIG, "test."), COTERIE_LATER);
	for (uint32_t i = 0; i < 50; i++)
		ck_assert_int_eq(ask(client, 1, CONTROL_MAP_CONFIG, "test."), -EAGAIN);
	ck_assert_int_eq(ask(other, 1, CONTROL_MAP_CONFIG, "test."), COTERIE_LATER);
	run_until(client, 51);
	run_until(other, 1);
	ck_assert_uint_eq(check_answer(client, "str", 3), 100);
	ck_assert_int_eq(ask(client, 1, CONTROL_MAP_CONFIG, "test."), COTERIE_LATER);
	run_until(client, 52);
	leave(client);
	leave(other);
}
END_TEST

START_TEST(a_client_that_goes_ends_its_request)
{
	struct coterie_client *client = connect_client();

	set_keys(1000, COTERIE_MAP_STRING, 4);
	ask(client, 1, CONTROL_MAP_CONFIG, "test.");
	run_turn();
	leave(client);
	ck_assert_uint_eq(mock_host_timers(host), resources);
	client = connect_client();
	ck_assert_int_eq(ask(client, 1, CONTROL_MAP_CONFIG, "test."), COTERIE_LATER);
	run_until(client, 1);
	leave(client);
}
END_TEST

static int no_timer(
	struct coterie_ctx *ctx, uint64_t at_ns, void (*run)(void *arg), void *arg, struct coterie_timer **timer)
{
	(void)ctx, (void)at_ns, (void)run, (void)arg, (void)timer;
	return -ENOMEM;
}

START_TEST(without_memory_the_text_ends)
{
	struct coterie_client *client = connect_client(), *other = connect_client();

	set_keys(100, COTERIE_MAP_STRING, 4);
	ask(client, 1, CONTROL_MAP_CONFIG, "test.");
	ask(other, 1, CONTROL_MAP_CONFIG, "test.");
	host->table.timer_add = no_timer;
	run_turn();
	ck_assert_uint_eq(client->replies.count, 1);
	ck_assert_uint_eq(check_answer(client, "str", 3), 32);
	ck_assert(is_cut(client));
	ck_assert_uint_eq(other->replies.count, 1);
	ck_assert_uint_eq(check_answer(other, "str", 3), 0);
	ck_assert_int_eq(ask(client, 1, CONTROL_MAP_CONFIG, "test."), -ENOMEM);
	leave(client);
	leave(other);
}
END_TEST

/* ---- Many clients, and other nodes ------------------------------------------- */

START_TEST(clients_have_their_slices_in_turns)
{
	struct coterie_client *clients[80];
	uint32_t accepted = 0;

	set_keys(100, COTERIE_MAP_STRING, 4);
	for (uint32_t i = 0; i < 80; i++) {
		clients[i] = connect_client();
		accepted += ask(clients[i], 1, CONTROL_MAP_CONFIG, "test.") == COTERIE_LATER;
	}
	ck_assert_uint_eq(accepted, 64);
	ck_assert_uint_eq(clients[0]->replies.count, 0);
	/* Four slices each. The first client is the first in the last round. */
	ck_assert_uint_ge(run_until(clients[0], 1), 3 * 64);
	ck_assert_uint_eq(clients[63]->replies.count, 0);
	run_until(clients[63], 1);
	ck_assert_uint_eq(check_answer(clients[63], "str", 3), 100);
	for (uint32_t i = 0; i < 80; i++)
		leave(clients[i]);
}
END_TEST

/* Connect clients of a user, which ask for keys of a node. @return how many requests were accepted */
static uint32_t ask_as(uint32_t uid, uint32_t right, uint32_t clients, uint32_t nodeid)
{
	uint32_t accepted = 0;

	for (uint32_t i = 0; i < clients; i++) {
		struct coterie_client *client = connect_client();

		client->uid = uid;
		client->right = right;
		accepted += ask(client, nodeid, CONTROL_MAP_CONFIG, "test.") == COTERIE_LATER;
		crowd[crowd_count++] = client;
	}
	return accepted;
}

static void crowd_leave(void)
{
	while (crowd_count > 0)
		leave(crowd[--crowd_count]);
}

/* A user has half of the requests to a node, and of all. One place is kept for administrators. */
START_TEST(users_share_requests)
{
	uint8_t names[] = "control";
	const struct mock_message plugins = {.id = CONTROL_RING_PLUGINS, .data = names, .size = sizeof(names)};

	ck_assert_int_eq(mock_deliver(ops, self, 2, false, &plugins), 0);
	ck_assert_uint_eq(ask_as(1000, COTERIE_RIGHT_OBSERVE, 4, 2), 2);
	ck_assert_uint_eq(ask_as(1001, COTERIE_RIGHT_USE, 4, 2), 1);
	ck_assert_uint_eq(ask_as(0, COTERIE_RIGHT_ADMINISTER, 4, 2), 1);
	crowd_leave(); /* their requests stay under way */
	ck_assert_uint_eq(ask_as(1000, COTERIE_RIGHT_OBSERVE, 4, 2), 0);
	crowd_leave();
	mock_host_advance(host, 10000000 * US); /* the other node does not answer */
	ck_assert_uint_eq(ask_as(1000, COTERIE_RIGHT_OBSERVE, 2, 2), 2);
	crowd_leave();
	ck_assert_uint_eq(ask_as(1000, COTERIE_RIGHT_OBSERVE, 2, 2), 0);
	ck_assert_uint_eq(ask_as(1001, COTERIE_RIGHT_USE, 2, 2), 1);
	crowd_leave();
	mock_host_advance(host, 10000000 * US);

	set_keys(100, COTERIE_MAP_STRING, 4);
	ck_assert_uint_eq(ask_as(1000, COTERIE_RIGHT_OBSERVE, 40, 1), 32);
	ck_assert_uint_eq(ask_as(1001, COTERIE_RIGHT_USE, 40, 1), 31);
	ck_assert_uint_eq(ask_as(0, COTERIE_RIGHT_ADMINISTER, 4, 1), 1);
	for (uint32_t i = 0; i < 10000; i++)
		run_turn();
	crowd_leave();
}
END_TEST

START_TEST(nodes_get_few_answers_at_a_time)
{
	uint32_t answers;

	set_keys(100, COTERIE_MAP_STRING, 4);
	for (uint32_t i = 0; i < 10; i++)
		be_asked(2, i);
	mock_queue_clear(&host->sent);
	for (uint32_t i = 0; i < 10000; i++)
		run_turn();
	answers = host->sent.count;
	ck_assert_uint_eq(answers, 4);
	ck_assert_uint_eq(host->sent.list[0].id, CONTROL_RING_KEYS);
	mock_queue_clear(&host->sent);
	for (uint32_t node = 2; node <= 20; node++)
		for (uint32_t i = 0; i < 2; i++)
			be_asked(node, i);
	for (uint32_t i = 0; i < 10000; i++)
		run_turn();
	ck_assert_uint_eq(host->sent.count, 16);
	ck_assert_uint_eq(mock_host_timers(host), resources);
}
END_TEST

/* The ring has no room for the first answers. They wait, while others are listed. */
START_TEST(answers_wait_for_room)
{
	set_keys(100, COTERIE_MAP_STRING, 4);
	host->ring_send_rc = -EAGAIN;
	be_asked(2, 1);
	be_asked(2, 2);
	for (uint32_t i = 0; i < 1000; i++)
		run_turn();
	be_asked(3, 3);
	mock_queue_clear(&host->sent);
	host->ring_send_rc = 0;
	for (uint32_t i = 0; i < 1000; i++)
		run_turn();
	ck_assert_uint_eq(host->sent.count, 3);
	ck_assert_uint_eq(mock_host_timers(host), resources);
}
END_TEST

START_TEST(one_node_is_asked_for_few_answers_at_a_time)
{
	struct coterie_client *clients[10];
	const struct mock_message plugins = {
		.id = CONTROL_RING_PLUGINS, .data = (uint8_t *)(uintptr_t) "control", .size = 8};
	uint32_t accepted = 0;

	for (uint32_t node = 2; node <= 3; node++)
		ck_assert_int_eq(mock_deliver(ops, self, node, false, &plugins), 0);
	for (uint32_t i = 0; i < 10; i++) {
		clients[i] = connect_client();
		accepted += ask(clients[i], 2, CONTROL_MAP_CONFIG, "test.") == COTERIE_LATER;
		ck_assert_int_eq(ask(clients[i], 2, CONTROL_MAP_CONFIG, "test."), -EAGAIN);
	}
	ck_assert_uint_eq(accepted, 4);
	ck_assert_int_eq(ask(clients[9], 3, CONTROL_MAP_CONFIG, "test."), COTERIE_LATER);
	for (uint32_t i = 0; i < 10; i++)
		leave(clients[i]);
}
END_TEST

/* The service is replaced, and ends, while it lists keys. */
START_TEST(the_service_ends_in_the_middle)
{
	struct coterie_client *client = connect_client();

	set_keys(1000, COTERIE_MAP_STRING, 4);
	ask(client, 1, CONTROL_MAP_CONFIG, "test.");
	be_asked(2, 1);
	run_turn();
	/* The new version has answered the client, so its state is shorter. */
	ck_assert_int_eq(mock_replace(host, ops, &self, false), -EILSEQ);
	ck_assert_uint_eq(client->replies.count, 1);
	ask(client, 1, CONTROL_MAP_CONFIG, "test.");
	be_asked(2, 2);
	run_turn();
	mock_client_destroy(client);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control_walk");
	TCase *one = tcase_create("one client"), *many = tcase_create("many");

	suite_add_tcase(suite, one);
	suite_add_tcase(suite, many);
	tcase_add_checked_fixture(one, setup, teardown);
	tcase_add_checked_fixture(many, setup, teardown);
	tcase_add_test(one, keys_are_listed_in_slices);
	tcase_add_test(one, few_keys_have_no_pause);
	tcase_add_test(one, large_values_are_fewer_in_a_slice);
	tcase_add_test(one, nodes_are_listed_in_slices);
	tcase_add_test(one, a_client_has_one_request_under_way);
	tcase_add_test(one, a_client_that_goes_ends_its_request);
	tcase_add_test(one, without_memory_the_text_ends);
	tcase_add_test(many, clients_have_their_slices_in_turns);
	tcase_add_test(many, users_share_requests);
	tcase_add_test(many, nodes_get_few_answers_at_a_time);
	tcase_add_test(many, answers_wait_for_room);
	tcase_add_test(many, one_node_is_asked_for_few_answers_at_a_time);
	tcase_add_test(many, the_service_ends_in_the_middle);
	return suite_run(suite);
}
