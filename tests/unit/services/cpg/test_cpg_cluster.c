/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The CPG service in whole clusters: the daemon's own code in a simulated network, with faults. Some nodes use compact
 * messages, and some do not. All members of a group that went through two changes of the ring together get the same
 * messages between them. A client gets its own messages once, in order. CPG_SEED is the seed of the first run,
 * CPG_SEEDS the number of runs.
 */
#include <check.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/testkit.h>

#include "services/cpg/messages.h"
#include "tests/suite.h"

#define NODES 4u
#define CLIENTS 8u
#define PLAIN_NODE NODES /* the node without compact messages, if there is one */

extern const struct coterie_plugin cpg_LTX_coterie_plugin;

/* The messages that one client received between two rings. */
struct interval {
	uint64_t from, to; /* representative and sequence of a ring, combined. 0: none, or not ended */
	/* `count` messages in order: the sender's pid in the upper half, the message's number in the lower half. */
	uint64_t *told;
	uint32_t count, capacity, joins;
};

struct cluster;

struct client {
	struct cluster *cluster;
	struct testkit_client *connection; /* NULL: not connected yet, or the connection has ended */
	uint32_t node, number, life;       /* life: number of connections so far */
	uint32_t sent, heard;              /* messages that were sent and received on this connection */
	bool is_joined;
};

struct cluster {
	struct testkit *kit;
	struct client clients[CLIENTS];
	struct {
		struct interval *list;
		uint32_t count, capacity;
	} intervals[CLIENTS];
	uint32_t compared;
	uint64_t seed;
};

static uint64_t number_from(const char *name, uint64_t other)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 0) : other;
}

/* ---- Events that clients get --------------------------------------------- */

static struct interval *interval_now(struct client *client)
{
	struct cluster *cluster = client->cluster;
	uint32_t count = cluster->intervals[client->number].count;

	return count == 0 ? NULL : &cluster->intervals[client->number].list[count - 1];
}

static void interval_begin(struct client *client, uint64_t ring)
{
	struct cluster *cluster = client->cluster;
	__typeof__(cluster->intervals[0]) *intervals = &cluster->intervals[client->number];

	if (intervals->count == intervals->capacity) {
		intervals->capacity = intervals->capacity * 2 + 16;
		intervals->list = realloc(intervals->list, intervals->capacity * sizeof(*intervals->list));
		ck_assert_ptr_nonnull(intervals->list);
	}
	intervals->list[intervals->count++] = (struct interval){.from = ring};
}

static void note(struct interval *interval, uint64_t what)
{
	if (interval == NULL)
		return;
	if (interval->count == interval->capacity) {
		interval->capacity = interval->capacity * 2 + 64;
		interval->told = realloc(interval->told, interval->capacity * sizeof(*interval->told));
		ck_assert_ptr_nonnull(interval->told);
	}
	interval->told[interval->count++] = what;
}

static void hear_message(struct client *client, const struct cpg_event_deliver *event)
{
	struct interval *now = interval_now(client);
	char text[64], own[64];
	uint32_t node, number, life, message;

	ck_assert_uint_lt(event->msglen, sizeof(text));
	memcpy(text, event->message, event->msglen);
	text[event->msglen] = '\0';
	ck_assert_int_eq(sscanf(text, "%u %u %u %u", &node, &number, &life, &message), 4);
	ck_assert_uint_eq(event->nodeid, node);
	ck_assert_uint_eq(event->pid, 100 * life + number);
	note(now, (uint64_t)event->pid << 32 | message);
	if (number != client->number || life != client->life)
		return;
	snprintf(own, sizeof(own), "%u %u %u %u", client->node, client->number, client->life, client->heard);
	ck_assert_msg(strcmp(text, own) == 0, "seed %ju: node %u got '%s' and not its '%s'",
		(uintmax_t)client->cluster->seed, client->node, text, own);
	client->heard++;
}

static void hear_change(struct client *client, const struct cpg_event_confchg *event)
{
	struct interval *now = interval_now(client);
	const struct cpg_wire_address *changed = event->lists + event->member_count;
	uint32_t local = client->node, pid = 100 * client->life + client->number;

	for (uint32_t i = 0; i < event->left_count + event->joined_count; i++) {
		bool is_own = changed[i].nodeid == local && changed[i].pid == pid;

		client->is_joined |= is_own && changed[i].reason == CPG_WIRE_REASON_JOIN;
		if (now != NULL && is_own)
			now->joins++;
	}
}

static void hear(
	void *arg, struct testkit_client *connection, int is_event, const struct coterie_response_header *message)
{
	struct client *client = arg;

	(void)connection;
	if (!is_event)
		return;
	switch (message->id) {
	case CPG_EVENT_DELIVER:
		hear_message(client, (const void *)message);
		break;
	case CPG_EVENT_CONFCHG:
		hear_change(client, (const void *)message);
		break;
	case CPG_EVENT_TOTEM_CONFCHG: {
		const struct cpg_event_totem_confchg *event = (const void *)message;
		uint64_t ring = event->ring_id.seq * 64 + event->ring_id.nodeid;

		if (interval_now(client) != NULL)
			interval_now(client)->to = ring;
		interval_begin(client, ring);
		break;
	}
	default:
		break;
	}
}

/* ---- Actions of clients -------------------------------------------------- */

static void client_join(struct client *client)
{
	struct cpg_req_join join = {
		.header = {.id = CPG_REQ_JOIN, .size = sizeof(join)},
		.group = {.length = 3, .value = "grp"},
		.pid = 100 * ++client->life + client->number,
	};

	client->sent = client->heard = 0;
	client->is_joined = false;
	if (testkit_connect(client->cluster->kit, client->node, "cpg", &client->connection) < 0) {
		client->connection = NULL;
		return;
	}
	testkit_watch(client->connection, hear, client);
	testkit_send(client->connection, &join, sizeof(join));
}

static void client_lose(struct client *client)
{
	struct interval *now = interval_now(client);

	testkit_disconnect(client->connection);
	client->connection = NULL;
	if (now != NULL)
		now->to = 0; /* this interval is not compared with one of another client */
	interval_begin(client, 0);
}

static void client_say(struct client *client)
{
	struct {
		struct cpg_req_mcast fixed;
		char text[64];
	} request = {.fixed = {.header = {.id = CPG_REQ_MCAST}, .guarantee = 2}};
	int length = snprintf(request.text, sizeof(request.text), "%u %u %u %u", client->node, client->number,
		client->life, client->sent);

	request.fixed.msglen = (uint32_t)length;
	request.fixed.header.size = (int32_t)(sizeof(request.fixed) + request.fixed.msglen);
	memmove(request.fixed.message, request.text, request.fixed.msglen);
	if (testkit_send(client->connection, &request, (uint32_t)request.fixed.header.size) == 0)
		client->sent++;
}

static void act(struct cluster *cluster, struct client *client)
{
	if (client->connection != NULL && !testkit_is_connected(client->connection))
		client_lose(client);
	if (client->connection == NULL)
		client_join(client);
	else if (client->is_joined && testkit_random(cluster->kit, 200) == 0)
		client_lose(client); /* it leaves */
	else if (client->is_joined && client->sent - client->heard < 1000)
		for (uint64_t k = testkit_random(cluster->kit, 150); k > 0; k--)
			client_say(client);
}

/* Send bursts of messages, so that the queue is never empty. */
static void talk(struct cluster *cluster, uint32_t steps)
{
	for (uint32_t i = 0; i < steps; i++) {
		act(cluster, &cluster->clients[testkit_random(cluster->kit, CLIENTS)]);
		testkit_run(cluster->kit, (uint32_t)testkit_random(cluster->kit, 3));
	}
}

/* Change the partition, or end it, while all else goes on. From time to time crash or pause a node. */
static void upset(struct cluster *cluster, uint32_t round)
{
	static const char *const parts[] = {"1 2 3 4", "1 2 4 | 3", "1 3 4 | 2", "1 | 2 | 3 4"};

	for (uint32_t i = 0; i < CLIENTS; i++)
		act(cluster, &cluster->clients[i]);
	testkit_run(cluster->kit, (uint32_t)testkit_random(cluster->kit, 2));
	/*
	 * A node leaves the ring and another one comes. Messages that are sent before the ring notices are delivered in
	 * the next ring.
	 */
	ck_assert_int_eq(
		testkit_part(cluster->kit, round % 2 == 0 ? "1 2 3 | 4" : parts[testkit_random(cluster->kit, 4)]), 0);
	if (round % 8 == 7)
		testkit_chaos(cluster->kit, TESTKIT_CRASH | TESTKIT_PAUSE | TESTKIT_LOSS, 300);
	talk(cluster, 60);
	if (round % 8 == 7)
		ck_assert_int_eq(testkit_calm(cluster->kit), 0);
	testkit_run(cluster->kit, 1000 + (uint32_t)testkit_random(cluster->kit, 500));
	talk(cluster, 20);
}

/* ---- One run ------------------------------------------------------------- */

static int all_is_heard(void *arg)
{
	const struct cluster *cluster = arg;

	for (uint32_t i = 0; i < CLIENTS; i++)
		if (cluster->clients[i].connection != NULL && cluster->clients[i].sent != cluster->clients[i].heard)
			return 0;
	return 1;
}

/*
 * Return whether the other client may lack this message. It must be the first of its sender in this interval. It may
 * have begun in the ring before, at the end of a frame. A node that was not in that ring has no beginning and drops the
 * message, with any service.
 */
static bool may_lack(const struct interval *interval, const struct interval *other, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++)
		if (interval->told[i] >> 32 == interval->told[at] >> 32)
			return false;
	for (uint32_t i = 0; i < other->count; i++)
		if (other->told[i] >> 32 == interval->told[at] >> 32)
			return other->told[i] == interval->told[at] + 1;
	return true;
}

static bool is_same(const struct interval *one, const struct interval *two)
{
	uint32_t a = 0, b = 0;

	while (a < one->count || b < two->count) {
		if (a < one->count && b < two->count && one->told[a] == two->told[b])
			a++, b++;
		else if (a < one->count && may_lack(one, two, a))
			a++;
		else if (b < two->count && may_lack(two, one, b))
			b++;
		else
			return false;
	}
	return true;
}

/*
 * Compare clients that went from one ring to the next together. If two were members of the group all the time, they
 * have received the same messages.
 */
static void compare(struct cluster *cluster)
{
	for (uint32_t a = 0; a < CLIENTS; a++) {
		for (uint32_t i = 0; i < cluster->intervals[a].count; i++) {
			const struct interval *one = &cluster->intervals[a].list[i];

			for (uint32_t b = a + 1; b < CLIENTS; b++) {
				for (uint32_t k = 0; k < cluster->intervals[b].count; k++) {
					const struct interval *two = &cluster->intervals[b].list[k];

					if (one->from == 0 || one->to == 0 || one->from != two->from ||
						one->to != two->to || one->joins > 0 || two->joins > 0)
						continue;
					ck_assert_msg(is_same(one, two),
						"seed %ju: clients %u and %u were told different things between rings "
						"%ju and %ju: %u and %u messages",
						(uintmax_t)cluster->seed, a, b, (uintmax_t)one->from,
						(uintmax_t)one->to, one->count, two->count);
					cluster->compared += one->count > 0;
				}
			}
		}
	}
}

static uint64_t figure(struct cluster *cluster, uint32_t node, const char *key)
{
	struct coterie_ctx *ctx;
	const struct coterie_host *host = testkit_host(cluster->kit, node, "cpg", &ctx);
	struct coterie_map_value value;
	uint64_t number = 0;

	ck_assert_ptr_nonnull(host);
	ck_assert_int_eq(host->map_read(ctx, COTERIE_MAP_STATS, key, &value), 0);
	memcpy(&number, value.bytes, value.size);
	return number;
}

/* Run one seed. has_plain: the last node does not use compact messages. */
static void run(uint64_t seed, bool has_plain, uint64_t *compared, uint64_t *again)
{
	static const char *const no[] = {"compact=no", NULL};
	struct cluster cluster = {.kit = testkit_create(seed, NODES), .seed = seed};

	ck_assert_ptr_nonnull(cluster.kit);
	testkit_config(cluster.kit, "totem {\n token: 300\n consensus: 360\n}\n");
	for (uint32_t i = 1; i <= NODES; i++)
		ck_assert_int_eq(
			testkit_load(cluster.kit, i, &cpg_LTX_coterie_plugin, has_plain && i == PLAIN_NODE ? no : NULL),
			0);
	ck_assert_int_eq(testkit_start(cluster.kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_settle(cluster.kit, 20000), 0);
	for (uint32_t i = 0; i < CLIENTS; i++)
		cluster.clients[i] = (struct client){.cluster = &cluster, .node = i % NODES + 1, .number = i};
	for (uint32_t round = 0; round < 10; round++)
		upset(&cluster, round);
	testkit_heal(cluster.kit);
	ck_assert_int_eq(testkit_settle(cluster.kit, 20000), 0);
	ck_assert_msg(testkit_until(cluster.kit, 60000, all_is_heard, &cluster) == 0,
		"seed %ju: messages are missing at the end", (uintmax_t)seed);
	for (uint32_t i = 1; i <= NODES; i++) {
		ck_assert_uint_eq(figure(&cluster, i, "stats.plugins.cpg.compact"), !has_plain);
		*again += figure(&cluster, i, "stats.plugins.cpg.compact_refused");
	}
	compare(&cluster);
	*compared += cluster.compared;
	for (uint32_t i = 0; i < CLIENTS; i++) {
		testkit_disconnect(cluster.clients[i].connection);
		for (uint32_t k = 0; k < cluster.intervals[i].count; k++)
			free(cluster.intervals[i].list[k].told);
		free(cluster.intervals[i].list);
	}
	ck_assert_uint_eq(testkit_destroy(cluster.kit), 0);
}

START_TEST(all_members_get_the_same)
{
	uint64_t seed = number_from("CPG_SEED", 1), seeds = number_from("CPG_SEEDS", 1);
	uint64_t compared = 0, again = 0;

	for (uint64_t i = 0; i < seeds; i++)
		run(seed + i, _i == 1, &compared, &again);
	fprintf(stderr, "# %s: %ju intervals compared, %ju messages refused\n",
		_i == 0 ? "all nodes speak it" : "one does not", (uintmax_t)compared, (uintmax_t)again);
	/* Without these the run would have tested nothing. */
	ck_assert(compared > 0 && again > 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpg_cluster");
	TCase *tcase = tcase_create("cluster");

	tcase_set_timeout(tcase, (double)number_from("CPG_TIMEOUT", 120));
	tcase_add_loop_test(tcase, all_members_get_the_same, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
