/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/exec/sync/sync_case.h"

#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/ring/ring.h"
#include "exec/sync/delivery.h"
#include "exec/sync/sync.h"

struct node nodes[NODES];
struct message order[256];
uint32_t order_count, order_delivered;
char last_line[TEXT];

static void note(struct node *node, const char *what, uint32_t id)
{
	size_t length = strlen(node->journal);

	snprintf(node->journal + length, TEXT - length, "%s%u ", what, id);
}

/* --- what sync.c calls --- */

static struct node *node_of(const void *part)
{
	for (uint32_t i = 0; i < NODES; i++)
		if ((const void *)nodes[i].ring == part || (const void *)nodes[i].plugins == part ||
			(const void *)nodes[i].delivery == part)
			return &nodes[i];
	abort();
}

int ring_send(
	struct ring *ring, const char *group, enum totem_guarantee guarantee, const struct iovec *iov, uint32_t count)
{
	struct node *node = node_of(ring);

	/* No assertion of libcheck here, since it would allocate: test_sync_alone makes allocations fail. */
	if (guarantee != TOTEM_AGREED || count != 1)
		abort();
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

void ring_synchronized(struct ring *ring) { node_of(ring)->synchronized++; }

void delivery_build(struct delivery *delivery, uint32_t nodeid, bool is_announcing)
{
	ck_assert(nodeid >= 1 && nodeid <= NODES);
	if (is_announcing)
		node_of(delivery)->announcing |= 1u << nodeid;
}

static void on_begun(void *arg)
{
	struct node *node = arg;

	node->begun++;
}

static void on_synchronized(void *arg) { (void)arg; }

static void on_stop(void *arg, int exit_code)
{
	(void)arg, (void)exit_code;
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

const struct plugin_call *plugin_call_now;

void plugin_overran(struct plugin *plugin, uint64_t ran_ns, const char *what)
{
	(void)plugin, (void)ran_ns, (void)what;
}

static void on_held(void *arg, struct plugin *plugin)
{
	struct node *node = arg;

	(void)plugin;
	node->holds++;
}

void ring_force_gather(struct ring *ring) { node_of(ring)->gathers++; }

uint64_t loop_now_ns(const struct loop *loop)
{
	(void)loop;
	return 0;
}

struct loop_timer *loop_timer_add(struct loop *loop, uint64_t at_ns, void (*run)(void *), void *arg)
{
	for (uint32_t i = 0; i < NODES; i++) {
		if (loop != nodes[i].loop)
			continue;
		nodes[i].deadline = run;
		nodes[i].deadline_arg = arg;
		nodes[i].deadline_ns = at_ns;
		return (struct loop_timer *)(void *)&nodes[i].deadline;
	}
	return NULL;
}

void loop_timer_del(struct loop *loop, struct loop_timer *timer)
{
	(void)loop;
	if (timer != NULL)
		*(void (**)(void *))(void *)timer = NULL;
}

bool deadline_passes(struct node *node)
{
	void (*run)(void *) = node->deadline;

	node->deadline = NULL;
	if (run != NULL)
		run(node->deadline_arg);
	return run != NULL;
}

/* Without memory of its own, since test_sync_alone makes allocations fail. */
void log_line(const char *subsystem, int prio, const char *format, ...)
{
	va_list list;
	int length = snprintf(last_line, sizeof(last_line), "%s %d ", subsystem, prio);

	va_start(list, format);
	vsnprintf(last_line + length, sizeof(last_line) - (size_t)length, format, list);
	va_end(list);
}

void log_limited(struct log_limit *limit, uint64_t now_ns, const char *subsystem, int prio, const char *format, ...)
{
	(void)now_ns, (void)subsystem, (void)prio, (void)format;
	limit->count++;
}

/* --- services --- */

static void on_start(
	void *self, const uint32_t *transitional, uint32_t count, const struct coterie_configuration *regular)
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

void add_service(struct node *node, uint32_t ring_id)
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

void sync_set_up(void)
{
	static char tags[NODES][4];

	memset(nodes, 0, sizeof(nodes));
	order_count = order_delivered = 0;
	for (uint32_t i = 0; i < NODES; i++) {
		nodes[i].id = i + 1;
		nodes[i].ring = (struct ring *)(void *)&tags[i][0];
		nodes[i].plugins = (struct plugin_registry *)(void *)&tags[i][1];
		nodes[i].delivery = (struct delivery *)(void *)&tags[i][2];
		nodes[i].loop = (struct loop *)(void *)&tags[i][3];
		nodes[i].sync = sync_create(&(struct sync_parts){.loop = nodes[i].loop,
			.plugins = nodes[i].plugins,
			.ring = nodes[i].ring,
			.delivery = nodes[i].delivery,
			.nodeid = nodes[i].id,
			.has_joint_turn = true,
			.arg = &nodes[i],
			.begun = on_begun,
			.synchronized = on_synchronized,
			.held = on_held,
			.stop = on_stop});
	}
}

void sync_tear_down(void)
{
	for (uint32_t i = 0; i < NODES; i++)
		sync_destroy(nodes[i].sync);
}

void configure(struct node *node, uint64_t seq, bool is_regular, const uint32_t *members, uint32_t count)
{
	struct totem_configuration configuration = {
		.is_regular = is_regular, .ring = {members[0], seq}, .members = members, .member_count = count};

	sync_configure(node->sync, &configuration);
}

void deliver_all(void)
{
	for (; order_delivered < order_count; order_delivered++) {
		struct message message = order[order_delivered];

		for (uint32_t i = 0; i < NODES; i++) {
			if (message.is_sync)
				sync_deliver(nodes[i].sync, message.source, message.bytes, message.size, false);
			else
				sync_deliver_service(nodes[i].sync, message.source, message.bytes, message.size, false);
		}
	}
}

void rotate(int rounds)
{
	while (rounds-- > 0)
		for (uint32_t i = 0; i < NODES; i++) {
			deliver_all();
			sync_passed(nodes[i].sync);
		}
	deliver_all();
}

static const uint32_t all[] = {1, 2, 3};

void new_ring(uint64_t seq)
{
	for (uint32_t i = 0; i < NODES; i++) {
		configure(&nodes[i], seq, false, &nodes[i].id, 1);
		configure(&nodes[i], seq, true, all, 3);
	}
}
