/*
 * exec/sync.c: synchronisation of services, spec 06 §6.6; exec/resync.c: of one alone. Several nodes in one process; the ring under
 * them is a list of messages that the test delivers to all, in one order.
 */
#include "exec/resync.h"
#include "exec/sync.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/executive.h"
#include "exec/log.h"
#include "exec/loop.h"
#include "exec/ipc_server.h"
#include "exec/plugin.h"
#include "exec/plugin_watch.h"
#include "exec/process.h"
#include "exec/ring.h"
#include "tests/suite.h"

#define NODES 3
#define SERVICES 3
#define TEXT 512

struct message {
	uint32_t source;
	uint8_t bytes[600];
	uint32_t size;
	bool is_sync; /* group "sync"; else a message of a service */
};

/* One service of one node; the calls it got are written into its node's journal. */
struct service {
	struct node *node;
	struct plugin plugin;
	struct coterie_plugin descriptor;
	int steps; /* sync_step answers -EAGAIN this many times */
};

struct node {
	struct executive executive;
	uint32_t id;
	struct service services[SERVICES];
	uint32_t service_count;
	char journal[TEXT];
	int synchronized, gathers;
	int full; /* ring_send refuses this many times */
};

static struct node nodes[NODES];
static struct message order[256];
static uint32_t order_count, order_delivered;

static void note(struct node *node, const char *what, uint32_t id)
{
	size_t length = strlen(node->journal);

	snprintf(node->journal + length, TEXT - length, "%s%u ", what, id);
}

/* --- what sync.c calls --- */

static struct node *node_of(const void *executive)
{
	for (uint32_t i = 0; i < NODES; i++)
		if (&nodes[i].executive == executive || (const void *)nodes[i].executive.ring == executive ||
			(const void *)nodes[i].executive.plugins == executive)
			return &nodes[i];
	abort();
}

int ring_send(struct ring *ring, const char *group, enum totem_guarantee guarantee, const struct iovec *iov,
	uint32_t count)
{
	struct node *node = node_of(ring);

	ck_assert_int_eq(guarantee, TOTEM_AGREED);
	ck_assert_uint_eq(count, 1);
	if (node->full > 0) {
		node->full--;
		return -EAGAIN;
	}
	struct message *message = &order[order_count++];
	message->source = node->id;
	message->size = (uint32_t)iov->iov_len;
	message->is_sync = strcmp(group, "sync") == 0;
	memcpy(message->bytes, iov->iov_base, iov->iov_len);
	return 0;
}

void ring_synchronized(struct ring *ring)
{
	node_of(ring)->synchronized++;
}

void executive_synchronized(struct executive *executive)
{
	(void)executive;
}

void executive_stop(struct executive *executive, int exit_code)
{
	(void)executive, (void)exit_code;
	abort();
}

struct plugin *plugin_first(const struct plugin_registry *registry)
{
	struct node *node = node_of(registry);

	return node->service_count > 0 ? &node->services[0].plugin : NULL;
}

struct plugin *plugin_by_ring_id(const struct plugin_registry *registry, uint32_t ring_id)
{
	for (struct plugin *plugin = plugin_first(registry); plugin != NULL; plugin = plugin->next)
		if (plugin->service.ring_id == ring_id)
			return plugin;
	return NULL;
}

void plugin_overran(struct plugin *plugin, uint64_t ran_ns, const char *what)
{
	(void)plugin, (void)ran_ns, (void)what;
}

void ipc_server_gate(struct ipc_server *server)
{
	(void)server;
}

void ring_force_gather(struct ring *ring)
{
	node_of(ring)->gathers++;
}

uint64_t loop_now_ns(const struct loop *loop)
{
	(void)loop;
	return 0;
}

struct loop_timer *loop_timer_add(struct loop *loop, uint64_t at_ns, void (*run)(void *), void *arg)
{
	(void)loop, (void)at_ns, (void)run, (void)arg;
	return NULL;
}

void loop_timer_del(struct loop *loop, struct loop_timer *timer)
{
	(void)loop, (void)timer;
}

void log_line(const char *subsystem, int prio, const char *format, ...)
{
	(void)subsystem, (void)prio, (void)format;
}

void log_limited(struct log_limit *limit, uint64_t now_ns, const char *subsystem, int prio,
	const char *format, ...)
{
	(void)now_ns, (void)subsystem, (void)prio, (void)format;
	limit->count++;
}

/* --- services --- */

static void on_start(void *self, const uint32_t *transitional, uint32_t count,
	const struct coterie_configuration *regular)
{
	struct service *service = self;

	ck_assert_uint_eq(regular->is_regular, 1);
	(void)transitional;
	note(service->node, "start", service->plugin.service.ring_id * 100 + count);
}

static int on_step(void *self)
{
	struct service *service = self;

	note(service->node, "step", service->plugin.service.ring_id);
	return service->steps-- > 0 ? -EAGAIN : 0;
}

static void on_done(void *self)
{
	struct service *service = self;

	note(service->node, "done", service->plugin.service.ring_id);
}

static void on_abort(void *self)
{
	struct service *service = self;

	note(service->node, "abort", service->plugin.service.ring_id);
}

static void add_service(struct node *node, uint32_t ring_id)
{
	struct service *service = &node->services[node->service_count++];

	service->node = node;
	service->descriptor.kind = COTERIE_KIND_SERVICE;
	service->plugin = (struct plugin){.descriptor = &service->descriptor, .self = service};
	service->plugin.service = (struct coterie_service){.ring_id = ring_id,
		.sync_start = on_start,
		.sync_step = on_step,
		.sync_done = on_done,
		.sync_abort = on_abort};
	if (node->service_count > 1)
		node->services[node->service_count - 2].plugin.next = &service->plugin;
}

static void setup(void)
{
	static char tags[NODES][2];

	memset(nodes, 0, sizeof(nodes));
	order_count = order_delivered = 0;
	for (uint32_t i = 0; i < NODES; i++) {
		nodes[i].id = i + 1;
		nodes[i].executive.ring = (struct ring *)(void *)&tags[i][0];
		nodes[i].executive.plugins = (struct plugin_registry *)(void *)&tags[i][1];
		nodes[i].executive.nodeid = nodes[i].id;
		nodes[i].executive.resync = resync_create(&nodes[i].executive);
		nodes[i].executive.sync = sync_create(&nodes[i].executive);
	}
}

static void teardown(void)
{
	for (uint32_t i = 0; i < NODES; i++)
		sync_destroy(nodes[i].executive.sync);
	for (uint32_t i = 0; i < NODES; i++)
		resync_destroy(nodes[i].executive.resync);
}

static void configure(struct node *node, uint64_t seq, bool is_regular, const uint32_t *members, uint32_t count)
{
	struct totem_configuration configuration = {.is_regular = is_regular,
		.ring = {members[0], seq},
		.members = members,
		.member_count = count};

	sync_configure(node->executive.sync, &configuration);
}

static void deliver_all(void)
{
	for (; order_delivered < order_count; order_delivered++) {
		struct message message = order[order_delivered];

		for (uint32_t i = 0; i < NODES; i++) {
			if (message.is_sync)
				sync_deliver(nodes[i].executive.sync, message.source, message.bytes,
					message.size, false);
			else
				resync_deliver(nodes[i].executive.resync, message.source, message.bytes,
					message.size, false);
		}
	}
}

/* The token goes round until nothing more happens. */
static void rotate(int rounds)
{
	while (rounds-- > 0)
		for (uint32_t i = 0; i < NODES; i++) {
			deliver_all();
			sync_passed(nodes[i].executive.sync);
			resync_passed(nodes[i].executive.resync);
		}
	deliver_all();
}

static const uint32_t all[] = {1, 2, 3};

static void new_ring(uint64_t seq)
{
	for (uint32_t i = 0; i < NODES; i++) {
		configure(&nodes[i], seq, false, &nodes[i].id, 1);
		configure(&nodes[i], seq, true, all, 3);
	}
}

START_TEST(services_go_through_in_order)
{
	for (uint32_t i = 0; i < NODES; i++) {
		add_service(&nodes[i], 2);
		add_service(&nodes[i], 5);
	}
	new_ring(9);
	ck_assert(sync_is_running(nodes[0].executive.sync));
	rotate(8);
	for (uint32_t i = 0; i < NODES; i++) {
		ck_assert_str_eq(nodes[i].journal, "start201 start501 step2 done2 step5 done5 ");
		ck_assert_int_eq(nodes[i].synchronized, 1);
		ck_assert(!sync_is_running(nodes[i].executive.sync));
	}
	/* 3 service builds and 3 barriers for each of 2 services */
	ck_assert_uint_eq(order_count, 9);
	ck_assert_uint_eq(order[0].size, 552);
	ck_assert_uint_eq(order[8].size, 32);
}
END_TEST

START_TEST(a_missing_service_still_takes_its_barrier)
{
	add_service(&nodes[0], 2);
	add_service(&nodes[1], 2);
	add_service(&nodes[1], 40);
	new_ring(9);
	rotate(8);
	ck_assert_str_eq(nodes[0].journal, "start201 step2 done2 ");
	ck_assert_str_eq(nodes[1].journal, "start201 start4001 step2 done2 step40 done40 ");
	ck_assert_str_eq(nodes[2].journal, "");
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_int_eq(nodes[i].synchronized, 1);
	ck_assert_uint_eq(order_count, 9);
}
END_TEST

START_TEST(no_service_at_all_synchronises)
{
	new_ring(9);
	rotate(2);
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_int_eq(nodes[i].synchronized, 1);
	ck_assert_uint_eq(order_count, 3);
}
END_TEST

START_TEST(a_step_is_repeated_until_done)
{
	for (uint32_t i = 0; i < NODES; i++)
		add_service(&nodes[i], 2);
	nodes[1].services[0].steps = 2;
	new_ring(9);
	rotate(8);
	ck_assert_str_eq(nodes[1].journal, "start201 step2 step2 step2 done2 ");
	ck_assert_str_eq(nodes[0].journal, "start201 step2 done2 ");
}
END_TEST

START_TEST(a_full_queue_only_delays)
{
	for (uint32_t i = 0; i < NODES; i++)
		add_service(&nodes[i], 2);
	nodes[2].full = 2;
	new_ring(9);
	rotate(1);
	nodes[0].full = 1;
	rotate(8);
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_int_eq(nodes[i].synchronized, 1);
}
END_TEST

START_TEST(another_configuration_aborts_the_current_service)
{
	for (uint32_t i = 0; i < NODES; i++)
		add_service(&nodes[i], 2);
	new_ring(9);
	deliver_all();
	sync_passed(nodes[0].executive.sync); /* node 1 waits at the barrier, the others have not stepped */
	new_ring(13);
	ck_assert_str_eq(nodes[0].journal, "start201 step2 abort2 start201 ");
	ck_assert_str_eq(nodes[1].journal, "start201 abort2 start201 ");
	rotate(8); /* late messages of ring 9 are among these */
	ck_assert_str_eq(nodes[0].journal, "start201 step2 abort2 start201 step2 done2 ");
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_int_eq(nodes[i].synchronized, 1);
}
END_TEST

START_TEST(malformed_messages_change_nothing)
{
	uint8_t bytes[600] = {0};
	uint32_t build = 1, size = 552, rep = 1;
	uint64_t seq = 9;

	add_service(&nodes[0], 2);
	add_service(&nodes[1], 2);
	add_service(&nodes[2], 2);
	new_ring(9);
	memcpy(bytes, &build, 4);
	memcpy(bytes + 8, &size, 4);
	memcpy(bytes + 16, &rep, 4);
	memcpy(bytes + 20, &seq, 8);
	static const struct {
		const char *name;
		uint32_t count, id, size, source;
	} cases[] = {
		{"count beyond the list", 129, 2, 552, 2},
		{"negative count", 0xffffffff, 2, 552, 2},
		{"service id 64", 1, 64, 552, 2},
		{"negative service id", 1, 0xffffffff, 552, 2},
		{"one byte short", 1, 2, 551, 2},
		{"shorter than a barrier", 1, 2, 31, 2},
		{"empty", 1, 2, 0, 2},
		{"not a member", 1, 2, 552, 9},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(bytes + 32, &cases[i].count, 4);
		memcpy(bytes + 40, &cases[i].id, 4);
		for (uint32_t source = 1; source <= 3; source++)
			sync_deliver(nodes[0].executive.sync, cases[i].source == 9 ? 9 : source, bytes,
				cases[i].size, false);
		sync_passed(nodes[0].executive.sync);
		ck_assert_msg(strcmp(nodes[0].journal, "start201 ") == 0, "%s", cases[i].name);
	}
	rotate(8);
	ck_assert_int_eq(nodes[0].synchronized, 1);
}
END_TEST

START_TEST(the_other_byte_order_is_understood)
{
	uint8_t bytes[552] = {0};
	uint32_t words[] = {__builtin_bswap32(1), 0, __builtin_bswap32(552), 0, __builtin_bswap32(1)};
	uint64_t seq = __builtin_bswap64(9);
	uint32_t count = __builtin_bswap32(1), id = __builtin_bswap32(2);

	add_service(&nodes[0], 2);
	new_ring(9);
	order_count = 0; /* only the messages below */
	memcpy(bytes, words, sizeof(words));
	memcpy(bytes + 20, &seq, 8);
	memcpy(bytes + 32, &count, 4);
	memcpy(bytes + 40, &id, 4);
	for (uint32_t source = 1; source <= 3; source++)
		sync_deliver(nodes[0].executive.sync, source, bytes, sizeof(bytes), true);
	sync_passed(nodes[0].executive.sync);
	ck_assert_str_eq(nodes[0].journal, "start201 step2 ");
}
END_TEST

/* --- one service alone --- */

/* A ring that has synchronised; node 3 loads service 2, the others have it or not. */
static void ring_before_load(bool have_others)
{
	for (uint32_t i = 0; have_others && i < 2; i++)
		add_service(&nodes[i], 2);
	new_ring(9);
	rotate(8);
	for (uint32_t i = 0; i < NODES; i++)
		nodes[i].journal[0] = '\0';
}

static struct plugin *load_service(struct node *node, uint32_t ring_id)
{
	add_service(node, ring_id);
	struct plugin *plugin = &node->services[node->service_count - 1].plugin;

	plugin->is_deaf = true;
	ck_assert_int_eq(resync_join(node->executive.resync, plugin), 0);
	return plugin;
}

static void part(struct node *node, uint32_t ring_id)
{
	struct plugin *plugin = plugin_by_ring_id(node->executive.plugins, ring_id);

	ck_assert_int_eq(resync_part(node->executive.resync, plugin), 0);
	node->service_count--; /* the last one */
	if (node->service_count > 0)
		node->services[node->service_count - 1].plugin.next = NULL;
}

START_TEST(a_loaded_service_synchronises_alone)
{
	ring_before_load(true);
	struct plugin *plugin = load_service(&nodes[2], 2);
	ck_assert(plugin->is_deaf);
	deliver_all();
	ck_assert(plugin->is_held); /* its clients and theirs wait */
	ck_assert(nodes[0].services[0].plugin.is_held);
	ck_assert(!sync_is_running(nodes[0].executive.sync)); /* those of other services do not */
	ck_assert(!plugin->is_deaf); /* all were ready */
	nodes[0].services[0].steps = 1;
	rotate(4);
	/* Nobody came to it together with it; to the others it was not here before. */
	ck_assert_str_eq(nodes[2].journal, "start200 step2 done2 ");
	ck_assert_str_eq(nodes[1].journal, "start202 step2 done2 ");
	ck_assert_str_eq(nodes[0].journal, "start202 step2 step2 done2 ");
	for (uint32_t i = 0; i < NODES; i++) {
		ck_assert(!nodes[i].services[0].plugin.is_held);
		ck_assert_int_eq(nodes[i].synchronized, 1);
		ck_assert_int_eq(nodes[i].gathers, 0);
	}
}
END_TEST

/* What a client sent before the round is in the order before anybody starts. */
START_TEST(nobody_starts_before_all_are_ready)
{
	ring_before_load(true);
	nodes[1].full = 1;
	struct plugin *plugin = load_service(&nodes[2], 2);
	deliver_all();
	ck_assert(plugin->is_deaf);
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_str_eq(nodes[i].journal, "");
	resync_passed(nodes[1].executive.resync);
	deliver_all();
	ck_assert(!plugin->is_deaf);
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert(strncmp(nodes[i].journal, "start", 5) == 0);
	rotate(2);
	ck_assert(!plugin->is_held);
}
END_TEST

START_TEST(where_nobody_else_has_it_it_is_alone)
{
	ring_before_load(false);
	struct plugin *plugin = load_service(&nodes[2], 2);
	rotate(2);
	ck_assert_str_eq(nodes[2].journal, "start200 step2 done2 ");
	ck_assert(!plugin->is_deaf && !plugin->is_held);
	ck_assert_str_eq(nodes[0].journal, "");
}
END_TEST

START_TEST(without_state_it_is_there_at_once)
{
	ring_before_load(true);
	add_service(&nodes[2], 40);
	struct plugin *plugin = &nodes[2].services[0].plugin;
	uint32_t before = order_count;
	plugin->service.sync_step = NULL;
	plugin->is_deaf = true;
	ck_assert_int_eq(resync_join(nodes[2].executive.resync, plugin), 0);
	ck_assert(!plugin->is_deaf);
	ck_assert_uint_eq(order_count, before);
}
END_TEST

START_TEST(two_loads_are_two_rounds)
{
	add_service(&nodes[0], 2);
	new_ring(9);
	rotate(8);
	nodes[0].journal[0] = '\0';
	load_service(&nodes[1], 2);
	load_service(&nodes[2], 2);
	deliver_all();
	ck_assert(nodes[2].services[0].plugin.is_deaf); /* its round comes second */
	rotate(6);
	ck_assert_str_eq(nodes[0].journal, "start202 step2 done2 start202 step2 done2 ");
	ck_assert_str_eq(nodes[1].journal, "start200 step2 done2 start202 step2 done2 ");
	ck_assert_str_eq(nodes[2].journal, "start200 step2 done2 ");
}
END_TEST

START_TEST(who_unloads_it_is_waited_for_no_more)
{
	ring_before_load(true);
	nodes[1].services[0].steps = 1000;
	load_service(&nodes[2], 2);
	rotate(3);
	ck_assert(nodes[2].services[0].plugin.is_held);
	part(&nodes[1], 2);
	rotate(3);
	ck_assert_str_eq(nodes[2].journal, "start200 step2 done2 ");
	ck_assert_str_eq(nodes[0].journal, "start202 step2 done2 ");
	/* and in the next round nobody asks it */
	nodes[2].journal[0] = nodes[0].journal[0] = '\0';
	part(&nodes[2], 2);
	load_service(&nodes[2], 2);
	rotate(4);
	ck_assert_str_eq(nodes[2].journal, "start200 step2 done2 ");
	ck_assert_str_eq(nodes[0].journal, "start202 step2 done2 ");
}
END_TEST

START_TEST(who_loads_and_unloads_it_ends_the_round)
{
	ring_before_load(true);
	nodes[1].services[0].steps = 1000;
	load_service(&nodes[2], 2);
	rotate(2);
	part(&nodes[2], 2);
	rotate(2);
	ck_assert(strstr(nodes[0].journal, "abort2 ") != NULL);
	ck_assert(strstr(nodes[1].journal, "abort2 ") != NULL);
	ck_assert(!nodes[0].services[0].plugin.is_held && !nodes[1].services[0].plugin.is_held);
	nodes[1].services[0].steps = 0;
	load_service(&nodes[2], 2);
	rotate(4);
	ck_assert(strstr(nodes[0].journal, "abort2 start202 step2 done2 ") != NULL);
}
END_TEST

START_TEST(another_configuration_does_the_work_of_a_round)
{
	ring_before_load(true);
	nodes[1].services[0].steps = 2;
	load_service(&nodes[2], 2);
	rotate(1);
	for (uint32_t i = 0; i < NODES; i++)
		nodes[i].journal[0] = '\0';
	nodes[1].services[0].steps = 0;
	/* deaf no more from the regular one on: route.c */
	new_ring(13);
	rotate(8);
	for (uint32_t i = 0; i < NODES; i++) {
		ck_assert_str_eq(nodes[i].journal, "abort2 start201 step2 done2 ");
		ck_assert(!nodes[i].services[0].plugin.is_held);
		ck_assert_int_eq(nodes[i].synchronized, 2);
	}
}
END_TEST

START_TEST(a_join_of_an_older_ring_is_not_looked_at)
{
	ring_before_load(true);
	load_service(&nodes[2], 2);
	new_ring(13);
	rotate(8);
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_str_eq(nodes[i].journal, "start201 step2 done2 ");
}
END_TEST

/* Node 1 is one that does not know how: its list has zeros where ours have the mark. */
START_TEST(a_member_that_cannot_be_asked_needs_a_new_ring)
{
	add_service(&nodes[0], 2);
	add_service(&nodes[1], 40);
	new_ring(9);
	for (uint32_t i = order_delivered; i < order_count; i++)
		if (order[i].source == 1)
			memset(order[i].bytes + 36, 0, 4);
	rotate(8);
	uint32_t before = order_count;
	struct plugin *plugin = load_service(&nodes[2], 2);
	ck_assert_int_eq(nodes[2].gathers, 1);
	ck_assert_uint_eq(order_count, before);
	ck_assert(plugin->is_deaf);
	/* of a service that it does not have, it is not asked */
	plugin = load_service(&nodes[2], 40);
	rotate(4);
	ck_assert_int_eq(nodes[2].gathers, 1);
	ck_assert(!plugin->is_deaf && !plugin->is_held);
}
END_TEST

START_TEST(malformed_messages_of_a_round_change_nothing)
{
	ring_before_load(true);
	uint8_t bytes[40] = {0};
	const uint64_t seq = 9;
	const uint32_t words[] = {63u << 16, 0, 40, 0, 2, 0, 1, 0};
	for (size_t size = 0; size < sizeof(bytes); size++)
		resync_deliver(nodes[0].executive.resync, 1, bytes, size, false);
	memcpy(bytes, words, sizeof(words));
	memcpy(bytes + 32, &seq, sizeof(seq));
	const uint32_t bad[][2] = {{16, 63}, {16, UINT32_MAX}, {0, 63u << 16 | 4}, {0, 63u << 16 | 0xffff}, {24, 2}};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t copy[40];

		memcpy(copy, bytes, sizeof(copy));
		memcpy(copy + bad[i][0], &bad[i][1], 4);
		resync_deliver(nodes[0].executive.resync, 2, copy, sizeof(copy), false);
	}
	resync_deliver(nodes[0].executive.resync, 77, bytes, sizeof(bytes), false); /* no member */
	for (uint32_t function = 1; function < 3; function++) { /* ready for and through with nothing */
		memcpy(bytes, &(uint32_t){63u << 16 | function}, 4);
		resync_deliver(nodes[0].executive.resync, 2, bytes, sizeof(bytes), false);
	}
	rotate(2);
	ck_assert_str_eq(nodes[0].journal, "");
}
END_TEST

START_TEST(a_round_of_the_other_byte_order_is_understood)
{
	ring_before_load(true);
	uint32_t words[10] = {63u << 16, 0, 40, 0, 2, 0, 1, 0, 9, 0};
	uint64_t seq = __builtin_bswap64(9);
	for (size_t i = 0; i < 8; i++)
		words[i] = __builtin_bswap32(words[i]);
	memcpy(words + 8, &seq, sizeof(seq));
	resync_deliver(nodes[0].executive.resync, 3, (const uint8_t *)words, sizeof(words), true);
	ck_assert(nodes[0].services[0].plugin.is_held);
	words[0] = __builtin_bswap32(63u << 16 | 1);
	words[5] = __builtin_bswap32(3);
	for (uint32_t source = 1; source <= 3; source++) /* nodes 1 and 2 have it, 3 has joined */
		resync_deliver(nodes[0].executive.resync, source, (const uint8_t *)words, sizeof(words), true);
	ck_assert_str_eq(nodes[0].journal, "start202 ");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sync");
	TCase *tc = tcase_create("sync");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, services_go_through_in_order);
	tcase_add_test(tc, a_missing_service_still_takes_its_barrier);
	tcase_add_test(tc, no_service_at_all_synchronises);
	tcase_add_test(tc, a_step_is_repeated_until_done);
	tcase_add_test(tc, a_full_queue_only_delays);
	tcase_add_test(tc, another_configuration_aborts_the_current_service);
	tcase_add_test(tc, malformed_messages_change_nothing);
	tcase_add_test(tc, the_other_byte_order_is_understood);
	tcase_add_test(tc, a_loaded_service_synchronises_alone);
	tcase_add_test(tc, nobody_starts_before_all_are_ready);
	tcase_add_test(tc, where_nobody_else_has_it_it_is_alone);
	tcase_add_test(tc, without_state_it_is_there_at_once);
	tcase_add_test(tc, two_loads_are_two_rounds);
	tcase_add_test(tc, who_unloads_it_is_waited_for_no_more);
	tcase_add_test(tc, who_loads_and_unloads_it_ends_the_round);
	tcase_add_test(tc, another_configuration_does_the_work_of_a_round);
	tcase_add_test(tc, a_join_of_an_older_ring_is_not_looked_at);
	tcase_add_test(tc, a_member_that_cannot_be_asked_needs_a_new_ring);
	tcase_add_test(tc, malformed_messages_of_a_round_change_nothing);
	tcase_add_test(tc, a_round_of_the_other_byte_order_is_understood);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
