/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration service: killing nodes, reloads, status, and hostile input. */
#include "tests/unit/services/cfg/cfg_case.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/unit/service_rights.h"

/* ---- Killing a node ------------------------------------------------------ */

static int kill_node(uint32_t nodeid, const char *reason, uint16_t length)
{
	struct cfg_req_kill_node req = {.header = {.id = CFG_REQ_KILL_NODE, .size = sizeof(req)}, .nodeid = nodeid};

	memset(req.reason.text, 'z', sizeof(req.reason.text));
	memcpy(req.reason.text, reason, strlen(reason) + 1);
	req.reason.length = length;
	return request(0, &req, sizeof(req));
}

/* Set the status in the map, which clients may write. */
static void set_status(uint32_t nodeid, const char *status)
{
	char key[64];

	snprintf(key, sizeof(key), "runtime.members.%u.status", nodeid);
	host->table.map_set(host, key, COTERIE_MAP_STRING, status, (uint32_t)strlen(status) + 1);
}

/* Set the members to nodes 1 to count. */
static void set_members(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		host->members[i] = i + 1;
	host->member_count = count;
}

/* Deliver the messages that the service has sent. @return whether the daemon ends */
static bool dies(uint32_t from, bool swap)
{
	deliver_all(from, swap);
	return host->deaths > 0;
}

START_TEST(members_alone_are_killed)
{
	set_members(1);
	set_status(1, "left");
	set_status(3, "left");
	set_status(4, "joined");
	ck_assert_int_eq(kill_node(0, "no", 3), -ENOENT);
	ck_assert_int_eq(kill_node(3, "no", 3), -ENOENT);
	ck_assert_int_eq(kill_node(4, "no", 3), -ENOENT);
	ck_assert_int_eq(kill_node(1, "no", 257), -EINVAL);
	ck_assert_uint_eq(host->sent.count, 0);
	ck_assert_int_eq(kill_node(1, "yes", 4), 0);
	ck_assert_int_eq(error_of(0, CFG_RES_KILL_NODE), OK);
	ck_assert(!dies(2, false)); /* the message names another node */
}
END_TEST

static const struct {
	const char *name, *text;
	uint16_t length;
	const char *want;
} reasons[] = {
	{"with its NUL", "tired", 6, "Killed by node 1 : tired"},
	{"without", "tired", 5, "Killed by node 1 : tired"},
	{"none", "", 1, "Killed by node 1 : "},
	{"nothing at all", "tired", 0, "Killed by node 1 : "},
	{"longer than it is", "tired", 100, "Killed by node 1 : tired"},
	{"not for a terminal", "a\nb\033c", 6, "Killed by node 1 : a?b?c"},
};

START_TEST(the_reason_is_told)
{
	set_members(2);
	ck_assert_int_eq(kill_node(2, reasons[_i].text, reasons[_i].length), 0);
	ck_assert_msg(dies(1, false), "%s", reasons[_i].name);
	ck_assert_int_eq(host->exit_status, 255);
	ck_assert_msg(strcmp(host->reason, reasons[_i].want) == 0, "%s: '%s'", reasons[_i].name, host->reason);
}
END_TEST

START_TEST(killed_by_a_node_of_the_other_byte_order)
{
	struct cfg_ring_kill_node kill = {.nodeid = __builtin_bswap32(2)};

	kill.reason.length = __builtin_bswap16(3);
	memset(kill.reason.text, 'x', sizeof(kill.reason.text));
	struct iovec iov = {(uint8_t *)&kill + 16, sizeof(kill) - 16};
	mock_queue_add(&host->sent, CFG_RING_KILL_NODE, &iov, 1);
	ck_assert(dies(1, true));
	ck_assert_str_eq(host->reason, "Killed by node 1 : xxx");
}
END_TEST

START_TEST(a_reason_without_end)
{
	struct cfg_ring_kill_node kill = {.nodeid = 2};

	kill.reason.length = UINT16_MAX;
	memset(kill.reason.text, 'x', sizeof(kill.reason.text));
	struct iovec iov = {(uint8_t *)&kill + 16, sizeof(kill) - 16};
	mock_queue_add(&host->sent, CFG_RING_KILL_NODE, &iov, 1);
	ck_assert(dies(1, false));
	ck_assert_uint_gt(strlen(host->reason), 200);
}
END_TEST

/* ---- Reload -------------------------------------------------------------- */

START_TEST(a_reload_is_answered_when_it_is_done)
{
	ck_assert_int_eq(ask(0, CFG_REQ_RELOAD_CONFIG), COTERIE_LATER);
	ck_assert_uint_eq(host->reload_count, 0); /* the reload begins when its message is delivered, not before */
	deliver_all(2, false);
	ck_assert(mock_host_has_logged(host, "Config reload requested by node 2"));
	ck_assert_uint_eq(host->reload_count, 1);
	ck_assert(!has_answer(0));
	mock_reload_done(host, 0, "");
	ck_assert_int_eq(error_of(0, CFG_RES_RELOAD_CONFIG), OK);
	ck_assert_uint_eq(users[0]->replies.count, 1);
}
END_TEST

START_TEST(a_refused_file_and_a_lack_of_memory)
{
	ask(0, CFG_REQ_RELOAD_CONFIG);
	ask(1, CFG_REQ_RELOAD_CONFIG);
	deliver_all(2, false);
	mock_reload_done(host, -EINVAL, "wrong");
	mock_reload_done(host, -ENOMEM, "");
	ck_assert_int_eq(error_of(0, CFG_RES_RELOAD_CONFIG), INVALID);
	ck_assert_int_eq(error_of(1, CFG_RES_RELOAD_CONFIG), NO_MEMORY);
	host->reload_rc = -ENOMEM;
	ask(2, CFG_REQ_RELOAD_CONFIG);
	deliver_all(2, false);
	ck_assert_int_eq(error_of(2, CFG_RES_RELOAD_CONFIG), NO_MEMORY);
}
END_TEST

START_TEST(another_nodes_reload_answers_nobody_here)
{
	ask(0, CFG_REQ_RELOAD_CONFIG);
	/*
	 * Deliver a second message with the same number, as each node numbers its own reloads. It contains a pointer,
	 * as Corosync's messages do.
	 */
	ck_assert_int_eq(mock_deliver(ops, self, 3, false, &host->sent.list[0]), 0);
	ck_assert_int_eq(mock_deliver(ops, self, 1, true, &host->sent.list[0]), 0);
	ck_assert(mock_host_has_logged(host, "Config reload requested by node 3"));
	mock_reload_done(host, 0, "");
	mock_reload_done(host, 0, "");
	ck_assert(!has_answer(0));
	deliver_all(2, false);
	mock_reload_done(host, 0, "");
	ck_assert_int_eq(error_of(0, CFG_RES_RELOAD_CONFIG), OK);
}
END_TEST

/* Any number of messages of a node leads to one reload behind the one that goes on, and to few lines in the log. */
START_TEST(many_messages_are_one_reload)
{
	ask(0, CFG_REQ_RELOAD_CONFIG);
	for (int i = 0; i < 20000; i++)
		ck_assert_int_eq(mock_deliver(ops, self, 3, false, &host->sent.list[0]), 0);
	deliver_all(2, false);
	ck_assert_uint_eq(host->reload_count, 1);
	ck_assert_uint_lt(host->logs.count, 40);
	mock_reload_done(host, 0, "");
	ck_assert_uint_eq(host->reload_count, 1);
	mock_reload_done(host, 0, "");
	ck_assert_uint_eq(host->reload_count, 0);
	ck_assert_int_eq(error_of(0, CFG_RES_RELOAD_CONFIG), OK);
}
END_TEST

START_TEST(a_client_that_leaves_while_it_waits)
{
	ask(0, CFG_REQ_RELOAD_CONFIG);
	ask(1, CFG_REQ_RELOAD_CONFIG);
	leave(0);
	deliver_all(2, false);
	leave(1);
	mock_reload_done(host, 0, "");
	mock_reload_done(host, 0, "");
}
END_TEST

START_TEST(our_own_message_twice_reloads_twice_and_answers_once)
{
	ask(0, CFG_REQ_RELOAD_CONFIG);
	ck_assert_int_eq(mock_deliver(ops, self, 2, false, &host->sent.list[0]), 0);
	deliver_all(2, false);
	mock_reload_done(host, 0, "");
	mock_reload_done(host, 0, "");
	ck_assert_uint_eq(users[0]->replies.count, 1);
}
END_TEST

START_TEST(no_room_for_a_reload)
{
	host->ring_send_rc = -EAGAIN;
	ck_assert_int_eq(ask(0, CFG_REQ_RELOAD_CONFIG), -EAGAIN);
	ck_assert_int_eq(ask(0, CFG_REQ_RELOAD_CONFIG), -EAGAIN); /* a request that failed leaves no reload behind */
}
END_TEST

/* ---- Small requests ------------------------------------------------------ */

START_TEST(small_requests)
{
	ck_assert_int_eq(ask(0, CFG_REQ_LOCAL_GET), COTERIE_REPLIED);
	ck_assert_int_eq(error_of(0, CFG_RES_LOCAL_GET), OK);
	ck_assert_uint_eq(users[0]->replies.list[0].size, 8);
	ck_assert_uint_eq(*(uint32_t *)users[0]->replies.list[0].data, 2);
	ck_assert_int_eq(ask(0, CFG_REQ_RING_REENABLE), -ENOTSUP);
	ck_assert_int_eq(error_of(0, CFG_RES_RING_REENABLE), NOT_SUPPORTED);
	ck_assert_int_eq(ask(0, CFG_REQ_REOPEN_LOG_FILES), 0);
	ck_assert_uint_eq(host->reopens, 1);
	host->reopen_rc = -ENOTSUP;
	ck_assert_int_eq(ask(0, CFG_REQ_REOPEN_LOG_FILES), -ENOTSUP);
	ck_assert_int_eq(ask(0, 12), -EINVAL);
}
END_TEST

START_TEST(what_there_is_to_know)
{
	track(1);
	shut_down(0, CFG_SHUTDOWN_REQUEST);
	ask(2, CFG_REQ_RELOAD_CONFIG);
	ops->dump(self);
	ck_assert(mock_host_has_logged(host, "5 clients, 1 of them track shutdowns; a shutdown is "
					     "being decided; 1 reloads under way"));
}
END_TEST

START_TEST(requests_have_a_least_size)
{
	for (uint32_t i = 0; i < ops->request_count; i++) {
		const struct coterie_request *one = (const void *)((const char *)ops->requests + i * ops->request_size);
		uint8_t bytes[512] = {0};
		struct coterie_request_header header = {.id = (int32_t)one->id, .size = (int32_t)one->size_min - 1};

		memcpy(bytes, &header, sizeof(header));
		if (one->size_min > sizeof(header))
			ck_assert_int_eq(request(0, bytes, one->size_min - 1), -EINVAL);
		ck_assert_uint_eq(one->id, i < 12 ? i : CFG_REQ_RELOAD_REPORT + i - 12);
	}
	ck_assert_uint_eq(ops->request_count, 14);
}
END_TEST

START_TEST(messages_without_effect)
{
	uint8_t zeros[64] = {0};
	struct iovec iov = {zeros, sizeof(zeros)};

	mock_queue_add(&host->sent, CFG_RING_REENABLE, &iov, 1);
	mock_queue_add(&host->sent, CFG_RING_CRYPTO_RECONFIG, &iov, 1);
	deliver_all(2, false);
	ck_assert_uint_eq(host->stops + host->deaths + host->reload_count, 0);
}
END_TEST

/* ---- Nodes and links ----------------------------------------------------- */

static void set_nodes(const uint32_t *ids, uint32_t count)
{
	char key[64];

	for (uint32_t i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "nodelist.node.%u.nodeid", i);
		host->table.map_set(host, key, COTERIE_MAP_U32, &ids[i], sizeof(ids[i]));
		snprintf(key, sizeof(key), "nodelist.node.%u.nodeid.not", i);
		host->table.map_set(host, key, COTERIE_MAP_U32, &ids[i], sizeof(ids[i]));
	}
}

static const struct cfg_res_ring_status_get *ring_status(int32_t want)
{
	static struct cfg_res_ring_status_get res;
	const struct mock_message *reply;

	ck_assert_int_eq(ask(0, CFG_REQ_RING_STATUS_GET), COTERIE_REPLIED);
	ck_assert_int_eq(error_of(0, CFG_RES_RING_STATUS_GET), want);
	reply = &users[0]->replies.list[users[0]->replies.count - 1];
	ck_assert_uint_eq(reply->size + 24, sizeof(res));
	memcpy((uint8_t *)&res + 24, reply->data, reply->size);
	return &res;
}

START_TEST(links_of_udpu_are_ok)
{
	static const char *const addresses[] = {"10.0.0.2"};
	const struct cfg_res_ring_status_get *res = ring_status(OK);

	ck_assert_uint_eq(res->count, 0); /* no addresses of this node are known */
	mock_node_addresses(host, 2, addresses, 1);
	res = ring_status(OK);
	ck_assert_uint_eq(res->count, 1);
	ck_assert_str_eq(res->names[0], "0 10.0.0.2");
	ck_assert_str_eq(res->status[0], "OK");
}
END_TEST

START_TEST(links_of_knet_show_each_node)
{
	static const char *const addresses[] = {"10.0.0.2", "fd00::2"};
	static const uint32_t ids[] = {4, 2, 1, 3, 5};
	struct coterie_node_status status = {.size = sizeof(status)};
	const struct cfg_res_ring_status_get *res;

	host->table.map_delete(host, "totem.transport"); /* the key is not set: its default applies */
	mock_node_addresses(host, 2, addresses, 2);
	set_nodes(ids, 5);
	status.nodeid = 1;
	status.links[0] = (struct coterie_link_status){.is_enabled = 1, .is_connected = 1};
	status.links[1] = (struct coterie_link_status){.is_enabled = 1};
	mock_node_status(host, &status);
	status.nodeid = 3;
	status.links[0] = (struct coterie_link_status){.is_enabled = 1, .is_connected = 1, .is_dynamic = 1};
	status.links[1] = (struct coterie_link_status){.destination = "fd00::3"};
	mock_node_status(host, &status);
	status.nodeid = 4;
	memset(status.links, 0, sizeof(status.links));
	mock_node_status(host, &status);
	res = ring_status(OK);
	ck_assert_uint_eq(res->count, 2);
	ck_assert_str_eq(res->names[1], "1 fd00::2");
	ck_assert_str_eq(res->status[0], "3n7d?");
	ck_assert_str_eq(res->status[1], "1n0d?");
}
END_TEST

START_TEST(more_nodes_than_a_status_has_room_for)
{
	static const char *const addresses[] = {"10.0.0.2"};
	static uint32_t ids[600];

	for (uint32_t i = 0; i < 600; i++)
		ids[i] = i + 1;
	host->table.map_delete(host, "totem.transport");
	mock_node_addresses(host, 2, addresses, 1);
	set_nodes(ids, 600);
	const struct cfg_res_ring_status_get *res = ring_status(TOO_LONG);
	ck_assert_uint_eq(res->count, 1);
	ck_assert_uint_eq(strlen(res->status[0]), 511);
}
END_TEST

#define LARGE_NODES 384u
#define LARGE_LINKS 8u

static int (*mock_status)(struct coterie_ctx *ctx, uint32_t nodeid, struct coterie_node_status *status);
static int (*mock_walk)(
	struct coterie_ctx *ctx, uint32_t which, const char *prefix, struct coterie_map_iterator **iterator);
static uint32_t statuses, walks;

static int counted_status(struct coterie_ctx *ctx, uint32_t nodeid, struct coterie_node_status *status)
{
	statuses++;
	return mock_status(ctx, nodeid, status);
}

static int counted_walk(
	struct coterie_ctx *ctx, uint32_t which, const char *prefix, struct coterie_map_iterator **iterator)
{
	walks++;
	return mock_walk(ctx, which, prefix, iterator);
}

/* Return the CPU time of this thread. The time that it waits for a processor does not count. */
static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* Make a cluster of the largest size. Every third node is up on every second link. */
static void set_large_cluster(void)
{
	static const char *const addresses[] = {
		"10.0.0.2", "10.1.0.2", "10.2.0.2", "10.3.0.2", "10.4.0.2", "10.5.0.2", "10.6.0.2", "10.7.0.2"};
	static uint32_t ids[LARGE_NODES];

	_Static_assert(sizeof(addresses) / sizeof(addresses[0]) == LARGE_LINKS, "an address for each link");
	host->table.map_delete(host, "totem.transport");
	mock_node_addresses(host, 2, addresses, LARGE_LINKS);
	for (uint32_t i = 0; i < LARGE_NODES; i++) {
		struct coterie_node_status status = {.size = sizeof(status), .nodeid = i + 1};

		ids[i] = i + 1;
		for (uint32_t link = 0; link < LARGE_LINKS; link++) {
			status.links[link].is_enabled = 1;
			status.links[link].is_connected = i % 3 == 0 && link % 2 == 0;
		}
		mock_node_status(host, &status);
	}
	set_nodes(ids, LARGE_NODES);
}

static void check_large_status(void)
{
	const struct cfg_res_ring_status_get *res = ring_status(OK);

	ck_assert_uint_eq(res->count, LARGE_LINKS);
	for (uint32_t link = 0; link < LARGE_LINKS; link++) {
		ck_assert_uint_eq(strlen(res->status[link]), LARGE_NODES);
		for (uint32_t i = 0; i < LARGE_NODES; i++)
			ck_assert_int_eq(res->status[link][i], i == 1 ? 'n' : i % 3 == 0 && link % 2 == 0 ? '3' : '1');
	}
}

/* Any observer can request this in a loop. So each node's status is read once, and the node list is not read again. */
START_TEST(the_status_of_a_large_cluster_costs_little)
{
	static const uint32_t other[] = {1000};
	uint64_t begin_ns, spent_ns;

	set_large_cluster();
	mock_status = host->table.node_status;
	mock_walk = host->table.map_iterate;
	host->table.node_status = counted_status;
	host->table.map_iterate = counted_walk;
	check_large_status();
	ck_assert_uint_eq(walks, 1);
	ck_assert_uint_le(statuses, LARGE_NODES);
	begin_ns = cpu_ns();
	(void)ring_status(OK);
	spent_ns = cpu_ns() - begin_ns;
	printf("# the status of %u nodes with %u links: %" PRIu64 " us\n", LARGE_NODES, LARGE_LINKS, spent_ns / 1000);
	ck_assert_uint_eq(walks, 1);
	ck_assert_uint_le(statuses, 2 * LARGE_NODES);
	ck_assert_uint_le(spent_ns, 100000000); /* a quiet machine needs 1 ms */
	check_large_status();

	/* A reload replaces the first node. The new one has the highest id, and the transport does not know it. */
	set_nodes(other, 1);
	const struct cfg_res_ring_status_get *res = ring_status(OK);
	ck_assert_uint_eq(walks, 2);
	ck_assert_uint_eq(strlen(res->status[0]), LARGE_NODES);
	ck_assert_int_eq(res->status[0][0], 'n');
	ck_assert_int_eq(res->status[0][LARGE_NODES - 1], '?');
	host->table.map_delete(host, "nodelist.node.0.nodeid");
	res = ring_status(OK);
	ck_assert_uint_eq(strlen(res->status[0]), LARGE_NODES - 1);
}
END_TEST

static int32_t node_status(uint32_t nodeid, uint32_t version, uint32_t size_want)
{
	struct cfg_req_node_status_get req = {
		.header = {.id = CFG_REQ_NODE_STATUS_GET, .size = sizeof(req)}, .nodeid = nodeid, .version = version};

	ck_assert_int_eq(request(0, &req, sizeof(req)), COTERIE_REPLIED);
	ck_assert_uint_eq(users[0]->replies.list[users[0]->replies.count - 1].size + 24, size_want);
	return error_of(0, CFG_RES_NODE_STATUS_GET);
}

START_TEST(status_of_a_node)
{
	struct coterie_node_status status = {.size = sizeof(status),
		.nodeid = 3,
		.is_reachable = 1,
		.is_external = 1,
		.onwire_min = 1,
		.onwire_max = 2,
		.onwire_version = 3};
	struct cfg_wire_node_status got;

	status.links[7] = (struct coterie_link_status){
		.is_enabled = 1, .is_dynamic = 1, .mtu = 1410, .source = "10.0.0.2"};
	memset(status.links[0].destination, 'x', COTERIE_ADDRESS_TEXT); /* a text without a NUL */
	mock_node_status(host, &status);
	ck_assert_int_eq(node_status(3, 1, 4200), OK);
	memcpy(&got, users[0]->replies.list[0].data, sizeof(got));
	ck_assert_uint_eq(got.version, 1);
	ck_assert_uint_eq(got.nodeid, 3);
	ck_assert_uint_eq(got.reachable, 1);
	ck_assert_uint_eq(got.remote, 0);
	ck_assert_uint_eq(got.external, 1);
	ck_assert_uint_eq(got.onwire_min, 1);
	ck_assert_uint_eq(got.onwire_max, 2);
	ck_assert_uint_eq(got.onwire_version, 3);
	ck_assert_uint_eq(got.links[7].enabled, 1);
	ck_assert_uint_eq(got.links[7].connected, 0);
	ck_assert_uint_eq(got.links[7].dynconnected, 1);
	ck_assert_uint_eq(got.links[7].mtu, 1410);
	ck_assert_str_eq(got.links[7].source, "10.0.0.2");
	ck_assert_uint_eq(strlen(got.links[0].destination), COTERIE_ADDRESS_TEXT - 1);
	ck_assert_int_eq(node_status(3, 2, 32), NOT_SUPPORTED);
	ck_assert_int_eq(node_status(3, 0, 32), NOT_SUPPORTED);
}
END_TEST

START_TEST(status_of_a_stranger)
{
	struct cfg_wire_node_status got;

	/* If the transport has no links for each node, a node that is not reached is only reported as unreachable. */
	ck_assert_int_eq(node_status(9, 1, 4200), OK);
	memcpy(&got, users[0]->replies.list[0].data, sizeof(got));
	ck_assert_uint_eq(got.nodeid, 9);
	ck_assert_uint_eq(got.reachable, 0);
	host->table.map_set(host, "totem.transport", COTERIE_MAP_STRING, "knet", 5);
	ck_assert_int_eq(node_status(9, 1, 32), FAILED);
	ck_assert_int_eq(node_status(9, 2, 32), FAILED); /* the status is checked before the version */
	host->node_status_rc = -ENOTSUP;
	ck_assert_int_eq(node_status(9, 1, 32), NOT_SUPPORTED);
}
END_TEST

static const struct mock_message *node_addresses(uint32_t nodeid, int32_t want)
{
	struct cfg_req_get_node_addrs req = {
		.header = {.id = CFG_REQ_GET_NODE_ADDRS, .size = sizeof(req)}, .nodeid = nodeid};

	ck_assert_int_eq(request(0, &req, sizeof(req)), COTERIE_REPLIED);
	ck_assert_int_eq(error_of(0, CFG_RES_GET_NODE_ADDRS), want);
	return &users[0]->replies.list[users[0]->replies.count - 1];
}

START_TEST(addresses_of_a_node)
{
	static const char *const ours[] = {"10.0.0.2", "10.1.0.2"}, *const theirs[] = {"fd00::3"};
	static const uint8_t zeros[16];
	uint32_t numbers[2];
	const struct mock_message *reply;

	mock_node_addresses(host, 2, ours, 2);
	mock_node_addresses(host, 3, theirs, 1);
	reply = node_addresses(0, OK); /* 0: this node */
	ck_assert_uint_eq(reply->size, 8 + 2 * 16);
	memcpy(numbers, reply->data, sizeof(numbers));
	ck_assert_uint_eq(numbers[0], AF_INET);
	ck_assert_uint_eq(numbers[1], 2);
	ck_assert_mem_eq(reply->data + 8, "\x0a\x00\x00\x02", 4);
	ck_assert_mem_eq(reply->data + 24, "\x0a\x01\x00\x02", 4);
	ck_assert_mem_eq(reply->data + 28, zeros, 12);
	reply = node_addresses(3, OK);
	memcpy(numbers, reply->data, sizeof(numbers));
	ck_assert_uint_eq(numbers[0], AF_INET6);
	ck_assert_uint_eq(numbers[1], 1);
	ck_assert_uint_eq(reply->data[8], 0xfd);
	ck_assert_uint_eq(reply->data[23], 3);
	reply = node_addresses(4, NOT_EXIST);
	ck_assert_uint_eq(reply->size, 8);
	ck_assert_mem_eq(reply->data, zeros, 8);
}
END_TEST

/* ---- Rights of all requests ---------------------------------------------- */

static const struct service_right rights[] = {
	{CFG_REQ_RING_STATUS_GET, COTERIE_RIGHT_OBSERVE},
	{CFG_REQ_RING_REENABLE, COTERIE_RIGHT_ADMINISTER},
	{CFG_REQ_KILL_NODE, COTERIE_RIGHT_ADMINISTER},
	{CFG_REQ_TRY_SHUTDOWN, COTERIE_RIGHT_ADMINISTER},
	{CFG_REQ_REPLY_TO_SHUTDOWN, COTERIE_RIGHT_USE},
	{CFG_REQ_GET_NODE_ADDRS, COTERIE_RIGHT_OBSERVE},
	{CFG_REQ_LOCAL_GET, COTERIE_RIGHT_OBSERVE},
	{CFG_REQ_RELOAD_CONFIG, COTERIE_RIGHT_ADMINISTER},
	{CFG_REQ_REOPEN_LOG_FILES, COTERIE_RIGHT_ADMINISTER},
	{CFG_REQ_NODE_STATUS_GET, COTERIE_RIGHT_OBSERVE},
	{CFG_REQ_TRACKSTART, COTERIE_RIGHT_USE},
	{CFG_REQ_TRACKSTOP, COTERIE_RIGHT_OBSERVE},
	{CFG_REQ_RELOAD_REPORT, COTERIE_RIGHT_ADMINISTER},
	{CFG_REQ_KEY_ROTATE, COTERIE_RIGHT_ADMINISTER},
};

START_TEST(each_request_needs_its_right) { SERVICE_RIGHTS_CHECK(&cfg_LTX_coterie_plugin, rights); }
END_TEST

int main(void)
{
	Suite *suite = suite_create("cfg");
	TCase *tcase = cfg_case_add(suite);

	tcase_add_test(tcase, members_alone_are_killed);
	tcase_add_loop_test(tcase, the_reason_is_told, 0, sizeof(reasons) / sizeof(reasons[0]));
	tcase_add_test(tcase, killed_by_a_node_of_the_other_byte_order);
	tcase_add_test(tcase, a_reason_without_end);
	tcase_add_test(tcase, a_reload_is_answered_when_it_is_done);
	tcase_add_test(tcase, a_refused_file_and_a_lack_of_memory);
	tcase_add_test(tcase, another_nodes_reload_answers_nobody_here);
	tcase_add_test(tcase, many_messages_are_one_reload);
	tcase_add_test(tcase, a_client_that_leaves_while_it_waits);
	tcase_add_test(tcase, our_own_message_twice_reloads_twice_and_answers_once);
	tcase_add_test(tcase, no_room_for_a_reload);
	tcase_add_test(tcase, small_requests);
	tcase_add_test(tcase, what_there_is_to_know);
	tcase_add_test(tcase, requests_have_a_least_size);
	tcase_add_test(tcase, messages_without_effect);
	tcase_add_test(tcase, links_of_udpu_are_ok);
	tcase_add_test(tcase, links_of_knet_show_each_node);
	tcase_add_test(tcase, more_nodes_than_a_status_has_room_for);
	tcase_add_test(tcase, the_status_of_a_large_cluster_costs_little);
	tcase_add_test(tcase, status_of_a_node);
	tcase_add_test(tcase, status_of_a_stranger);
	tcase_add_test(tcase, addresses_of_a_node);
	tcase_add_test(tcase, each_request_needs_its_right);
	return suite_run(suite);
}
