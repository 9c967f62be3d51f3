/* Engines wired together in memory: how rings form, order, recover and end (spec 04). */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/totem/engine.h"
#include "exec/totem/state.h"
#include "exec/totem/wire.h"

#define NODES_MAX 5
#define EVENTS_MAX 65536
#define LOG_MAX 65536
#define MS UINT64_C(1000000)
#define DELAY_NS UINT64_C(100000)

/* --- a small network: every packet takes DELAY_NS, unless a test drops it --- */

struct node {
	struct totem_engine *engine;
	struct frame_pool *pool;
	struct net *net;
	uint32_t id;
	bool is_up;
	bool syncs_by_hand;
	uint64_t ring_seq; /* its disk */
	bool is_disk_broken;
	uint64_t timers[TOTEM_TIMER_COUNT];
	char log[LOG_MAX]; /* configurations and messages, in order, one per line */
	size_t log_size;
	uint32_t received; /* messages */
	uint32_t refused;
	uint32_t last_refusal;
	uint32_t visits, passed, rooms;
	uint64_t gathered, retransmitted, requested, failed_to_receive, paused;
	struct coterie_frame *waiting[4096]; /* what came while is_paused */
	size_t waiting_count;
	bool is_paused;
};

struct event {
	uint64_t at_ns;
	struct node *to;
	uint32_t from;
	struct coterie_frame *frame;
};

struct refused {
	uint64_t at_ns;
	uint32_t from, by;
	struct coterie_frame *frame;
};

struct net {
	struct node nodes[NODES_MAX];
	uint32_t node_count;
	uint64_t now_ns;
	struct event events[EVENTS_MAX]; /* a ring, in order of time */
	size_t first, count;
	/* true: the packet is lost. */
	bool (*drops)(struct net *net, uint32_t from, uint32_t to, const struct wire_header *header,
		const struct coterie_frame *frame);
	uint32_t cut_from; /* for tests of partitions: nodes below it do not hear the others */
	uint32_t dropped;
	uint32_t drop_seq;
	bool refuses; /* hosts of nodes that are down say so, refusals_left times */
	uint32_t refusals_left;
	uint32_t refuse_next_to; /* the next packet to this node is refused by a firewall; 0: none */
	struct refused refused[64];
	uint32_t refused_count;
	uint32_t visit_frames_max;
	uint32_t packets[6];              /* by type */
	struct coterie_frame *samples[6]; /* the last one of each type that node 2 was sent */
};

static struct net *net;

/* A host that refuses: the report comes to the sender after as long as an answer would. */
static void net_refuse(struct net *n, uint32_t from, uint32_t by, struct coterie_frame *frame)
{
	if (n->refusals_left == 0 || n->refused_count == sizeof(n->refused) / sizeof(n->refused[0]))
		return;
	n->refusals_left--;
	n->refused[n->refused_count++] = (struct refused){
		.at_ns = n->now_ns + 2 * DELAY_NS, .from = from, .by = by, .frame = frame_ref(frame)};
}

static void net_queue(struct net *n, uint32_t from, struct node *to, struct coterie_frame *frame)
{
	struct wire_header header;

	ck_assert_int_eq(wire_decode_header(frame->data, frame->size, &header), WIRE_OK);
	if (!to->is_up || (n->refuse_next_to == to->id && from != to->id)) {
		if (n->refuses || to->is_up)
			net_refuse(n, from, to->id, frame);
		if (to->is_up)
			n->refuse_next_to = 0;
		return;
	}
	if (n->drops != NULL && n->drops(n, from, to->id, &header, frame)) {
		n->dropped++;
		return;
	}
	if (to->id == 2) {
		/* A copy: frames belong to the pool of whoever made them. */
		struct coterie_frame *copy = malloc(sizeof(*copy) + frame->size);

		*copy = (struct coterie_frame){(uint8_t *)(copy + 1), frame->size, frame->size};
		memcpy(copy->data, frame->data, frame->size);
		free(n->samples[header.type]);
		n->samples[header.type] = copy;
	}
	ck_assert_uint_lt(n->count, EVENTS_MAX);
	n->events[(n->first + n->count++) % EVENTS_MAX] = (struct event){
		.at_ns = n->now_ns + DELAY_NS, .to = to, .from = from, .frame = frame_ref(frame)};
}

static void on_multicast(void *arg, struct coterie_frame *const *frames, size_t count)
{
	struct node *node = arg;

	for (size_t i = 0; i < count; i++) {
		struct wire_header header;

		ck_assert_int_eq(
			wire_decode_header(frames[i]->data, frames[i]->size, &header), WIRE_OK);
		node->net->packets[header.type]++;
		for (uint32_t k = 0; k < node->net->node_count; k++)
			net_queue(node->net, node->id, &node->net->nodes[k], frames[i]);
	}
}

static struct node *node_of(uint32_t id)
{
	ck_assert_uint_ge(id, 1);
	ck_assert_uint_le(id, net->node_count);
	return &net->nodes[id - 1];
}

static void on_token(void *arg, uint32_t nodeid, struct coterie_frame *frame)
{
	struct node *node = arg;

	net->packets[frame->data[3]]++;
	net_queue(node->net, node->id, node_of(nodeid), frame);
}

static void on_timer(void *arg, enum totem_timer timer, uint64_t at_ns)
{
	struct node *node = arg;

	node->timers[timer] = at_ns;
}

static void node_log(struct node *node, const char *text)
{
	size_t size = strlen(text);

	ck_assert_uint_lt(node->log_size + size, LOG_MAX);
	memcpy(node->log + node->log_size, text, size + 1);
	node->log_size += size;
}

static void on_deliver(void *arg, const struct totem_message *message)
{
	struct node *node = arg;
	char text[128];
	char body[64] = "";
	size_t size = 0;

	for (size_t i = 0; i < message->count; i++) {
		size_t part = message->iov[i].iov_len;

		if (size + part < sizeof(body))
			memcpy(body + size, message->iov[i].iov_base, part);
		size += part;
	}
	ck_assert_uint_eq(size, message->size);
	node->received++;
	if (size < sizeof(body))
		snprintf(text, sizeof(text), "%u:%s\n", message->source, body);
	else
		snprintf(text, sizeof(text), "%u:(%zu bytes)\n", message->source, size);
	node_log(node, text);
}

static void on_configure(void *arg, const struct totem_configuration *c)
{
	struct node *node = arg;
	char text[256];
	size_t size = (size_t)snprintf(
		text, sizeof(text), "%s", c->is_regular ? "regular" : "transitional");

	for (uint32_t i = 0; i < c->member_count; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, " %u", c->members[i]);
	for (uint32_t i = 0; i < c->left_count; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, " -%u", c->left[i]);
	for (uint32_t i = 0; i < c->joined_count; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, " +%u", c->joined[i]);
	snprintf(text + size, sizeof(text) - size, "\n");
	node_log(node, text);
	if (c->is_regular && !node->syncs_by_hand)
		totem_engine_synchronized(node->engine, node->net->now_ns);
}

static int on_store(void *arg, const struct ring_id *id)
{
	struct node *node = arg;

	if (node->is_disk_broken)
		return -EIO;
	ck_assert_uint_gt(id->seq, node->ring_seq);
	node->ring_seq = id->seq;
	return 0;
}

static void on_visit(void *arg, uint32_t frames)
{
	struct node *node = arg;

	node->visits++;
	ck_assert_uint_le(frames, node->net->visit_frames_max);
}

static void on_passed(void *arg)
{
	struct node *node = arg;

	node->passed++;
}

static void on_room(void *arg)
{
	struct node *node = arg;

	node->rooms++;
}

static void on_trace(void *arg, const struct totem_trace *trace)
{
	struct node *node = arg;

	if (getenv("TEST_TRACE") != NULL)
		fprintf(stderr,
			"# %10.3f ms node %u kind %d state %d node %u seq %u value %lu cause %u "
			"ring %u.%lu\n",
			(double)node->net->now_ns / 1e6, node->id, trace->kind, trace->state,
			trace->node, trace->seq, (unsigned long)trace->value, trace->cause,
			trace->ring.rep, (unsigned long)trace->ring.seq);
	if (trace->kind == TOTEM_TRACE_REFUSED) {
		node->refused++;
		node->last_refusal = (uint32_t)trace->value;
	}
	node->gathered += trace->kind == TOTEM_TRACE_STATE && trace->value == TOTEM_GATHER;
	node->failed_to_receive += trace->kind == TOTEM_TRACE_FAILED_TO_RECEIVE;
	node->paused += trace->kind == TOTEM_TRACE_PAUSED;
	node->retransmitted += trace->kind == TOTEM_TRACE_RETRANSMITTED;
	node->requested += trace->kind == TOTEM_TRACE_REQUESTED;
}

static const struct totem_callbacks callbacks = {
	.multicast = on_multicast,
	.token = on_token,
	.timer = on_timer,
	.deliver = on_deliver,
	.configure = on_configure,
	.store_ring_id = on_store,
	.visit = on_visit,
	.passed = on_passed,
	.room = on_room,
	.trace = on_trace,
};

/* What tests vary before they start nodes. */
static struct totem_options options;

static void node_start(uint32_t id)
{
	struct node *node = node_of(id);

	ck_assert(!node->is_up);
	options.nodeid = id;
	options.ring_seq = node->ring_seq;
	node->id = id;
	node->net = net;
	for (int i = 0; i < TOTEM_TIMER_COUNT; i++)
		node->timers[i] = TOTEM_NEVER;
	node->pool = frame_pool_create(2048, 256u << 20);
	node->engine = totem_engine_create(node->pool, &options, &callbacks, node, net->now_ns);
	ck_assert_ptr_nonnull(node->engine);
	node->is_up = true;
	totem_engine_transport(node->engine, net->now_ns, TOTEM_EVENT_LINK_UP, 0);
}

/* A report that is on its way to this node; refused_count: none is. */
static uint32_t report_to(uint32_t id)
{
	uint32_t i = 0;

	while (i < net->refused_count && net->refused[i].from != id)
		i++;
	return i;
}

static void node_crash(uint32_t id)
{
	struct node *node = node_of(id);

	node->is_up = false;
	for (size_t i = 0; i < net->count; i++) {
		struct event *event = &net->events[(net->first + i) % EVENTS_MAX];

		if (event->to == node) {
			frame_unref(event->frame);
			event->frame = NULL;
		}
	}
	for (uint32_t i = report_to(id); i < net->refused_count; i = report_to(id)) {
		frame_unref(net->refused[i].frame);
		net->refused[i] = net->refused[--net->refused_count];
	}
	totem_engine_destroy(node->engine);
	frame_pool_destroy(node->pool);
	node->engine = NULL;
	node->pool = NULL;
	for (int i = 0; i < TOTEM_TIMER_COUNT; i++)
		node->timers[i] = TOTEM_NEVER;
}

static void net_deliver(struct net *n)
{
	struct coterie_frame *batch[64];
	struct node *to = n->events[n->first].to;
	uint64_t at_ns = n->events[n->first].at_ns;
	size_t count = 0;

	while (n->count > 0 && count < 64) {
		struct event *event = &n->events[n->first];

		if (event->to != to || event->at_ns != at_ns)
			break;
		if (event->frame != NULL)
			batch[count++] = event->frame;
		n->first = (n->first + 1) % EVENTS_MAX;
		n->count--;
	}
	if (to->is_paused) {
		for (size_t i = 0; i < count && to->waiting_count < 4096; i++)
			to->waiting[to->waiting_count++] = frame_ref(batch[i]);
	} else if (to->is_up && count > 0) {
		totem_engine_receive(to->engine, n->now_ns, batch, count);
	}
	for (size_t i = 0; i < count; i++)
		frame_unref(batch[i]);
}

static bool net_report(struct net *n)
{
	struct refused refused = n->refused[0];
	struct node *node = &n->nodes[refused.from - 1];

	memmove(&n->refused[0], &n->refused[1], --n->refused_count * sizeof(n->refused[0]));
	if (refused.at_ns > n->now_ns)
		n->now_ns = refused.at_ns;
	if (node->is_up)
		totem_engine_refused(node->engine, n->now_ns, refused.by, refused.frame->data,
			refused.frame->size);
	frame_unref(refused.frame);
	return true;
}

/* The next packet or timer, up to limit_ns. false: nothing was due. */
static bool net_step(struct net *n, uint64_t limit_ns)
{
	uint64_t at_ns = n->count > 0 ? n->events[n->first].at_ns : TOTEM_NEVER;
	struct node *due = NULL;
	int timer = 0;

	if (n->refused_count > 0 && n->refused[0].at_ns <= at_ns && n->refused[0].at_ns <= limit_ns)
		return net_report(n);

	for (uint32_t i = 0; i < n->node_count; i++) {
		bool runs = n->nodes[i].is_up && !n->nodes[i].is_paused;

		for (int t = 0; runs && t < TOTEM_TIMER_COUNT; t++) {
			if (n->nodes[i].timers[t] < at_ns) {
				at_ns = n->nodes[i].timers[t];
				due = &n->nodes[i];
				timer = t;
			}
		}
	}
	if (at_ns > limit_ns)
		return false;
	if (at_ns > n->now_ns)
		n->now_ns = at_ns;
	if (due == NULL) {
		net_deliver(n);
	} else {
		due->timers[timer] = TOTEM_NEVER;
		totem_engine_timeout(due->engine, n->now_ns, (enum totem_timer)timer);
	}
	return true;
}

/* SIGCONT: timers that ran out and what waits in the socket, in whatever order. */
static void node_resume(struct node *node, bool timers_first)
{
	node->is_paused = false;
	for (int pass = 0; pass < 2; pass++) {
		for (int t = 0; (pass == 0) == timers_first && t < TOTEM_TIMER_COUNT; t++) {
			if (node->timers[t] > net->now_ns)
				continue;
			node->timers[t] = TOTEM_NEVER;
			totem_engine_timeout(node->engine, net->now_ns, (enum totem_timer)t);
		}
		if ((pass == 0) != timers_first)
			totem_engine_receive(
				node->engine, net->now_ns, node->waiting, node->waiting_count);
	}
	for (size_t i = 0; i < node->waiting_count; i++)
		frame_unref(node->waiting[i]);
	node->waiting_count = 0;
}

static void run_for(uint64_t ms)
{
	uint64_t limit_ns = net->now_ns + ms * MS;

	while (net_step(net, limit_ns))
		;
	net->now_ns = limit_ns;
}

static bool is_one_ring(uint32_t count)
{
	const struct ring_id *ring = NULL;
	uint32_t up = 0;

	for (uint32_t i = 0; i < net->node_count; i++) {
		const struct node *node = &net->nodes[i];
		const uint32_t *members;

		if (!node->is_up)
			continue;
		up++;
		if (totem_engine_state(node->engine) != TOTEM_OPERATIONAL ||
			totem_engine_members(node->engine, &members) != count)
			return false;
		if (ring != NULL && !ring_id_equal(ring, totem_engine_ring(node->engine)))
			return false;
		ring = totem_engine_ring(node->engine);
	}
	return up == count;
}

static void run_until_ring(uint32_t count, uint64_t ms)
{
	uint64_t limit_ns = net->now_ns + ms * MS;

	while (!is_one_ring(count))
		ck_assert_msg(net_step(net, limit_ns), "no ring of %u within %lu ms", count,
			(unsigned long)ms);
}

static bool have_all(uint32_t count)
{
	for (uint32_t i = 0; i < net->node_count; i++) {
		if (net->nodes[i].is_up && net->nodes[i].received < count)
			return false;
	}
	return true;
}

static void run_until_received(uint32_t count, uint64_t ms)
{
	uint64_t limit_ns = net->now_ns + ms * MS;

	while (!have_all(count))
		ck_assert_msg(net_step(net, limit_ns), "not all of %u messages within %lu ms",
			count, (unsigned long)ms);
}

static int send_text(uint32_t id, enum totem_guarantee guarantee, const char *text)
{
	const struct iovec iov = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text) + 1};

	return totem_engine_send(node_of(id)->engine, net->now_ns, guarantee, &iov, 1);
}

static void send_many(uint32_t id, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		char text[32];

		snprintf(text, sizeof(text), "m%u.%u", id, i);
		ck_assert_int_eq(send_text(id, TOTEM_AGREED, text), 0);
	}
}

/* Forget what was logged so far. */
static void clear_logs(void)
{
	for (uint32_t i = 0; i < NODES_MAX; i++) {
		net->nodes[i].log[0] = '\0';
		net->nodes[i].log_size = 0;
		net->nodes[i].received = 0;
		net->nodes[i].gathered = 0;
	}
}

static void start_ring(uint32_t count)
{
	net->node_count = count;
	for (uint32_t id = 1; id <= count; id++)
		node_start(id);
	run_until_ring(count, 20000);
	run_for(5);
	clear_logs();
}

static void setup(void)
{
	net = calloc(1, sizeof(*net));
	ck_assert_ptr_nonnull(net);
	net->now_ns = 1000 * MS;
	net->visit_frames_max = 17;
	net->refusals_left = 6;
	totem_options_defaults(&options, 1, 3);
}

static void teardown(void)
{
	for (uint32_t i = 0; i < net->node_count; i++) {
		struct node *node = &net->nodes[i];

		if (node->is_up)
			node_crash(i + 1);
	}
	while (net->count > 0)
		net_deliver(net);
	for (int i = 0; i < 6; i++)
		free(net->samples[i]);
	free(net);
}

/* --- a ring forms and orders --- */

START_TEST(one_node_is_a_ring)
{
	net->node_count = 1;
	node_start(1);
	run_until_ring(1, 10);
	ck_assert_str_eq(node_of(1)->log, "transitional\nregular 1 +1\n");
	ck_assert_uint_eq(totem_engine_ring(node_of(1)->engine)->seq, 5);
	send_many(1, 3);
	run_until_received(3, 10);
	ck_assert_str_eq(node_of(1)->log, "transitional\nregular 1 +1\n1:m1.0\n1:m1.1\n1:m1.2\n");
}
END_TEST

START_TEST(nodes_become_one_ring)
{
	uint32_t count = (uint32_t)_i;

	net->node_count = count;
	for (uint32_t id = 1; id <= count; id++) {
		node_start(id);
		run_for(95);
	}
	run_until_ring(count, 3000);
	for (uint32_t id = 1; id <= count; id++)
		ck_assert(totem_engine_is_safe_honoured(node_of(id)->engine));
}
END_TEST

START_TEST(messages_have_one_order)
{
	start_ring(3);
	for (uint32_t round = 0; round < 20; round++) {
		send_many(1, 10);
		send_many(2, 7);
		send_many(3, 1);
		run_for(1);
	}
	run_until_received(360, 1000);
	ck_assert_str_eq(node_of(1)->log, node_of(2)->log);
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);
	ck_assert_uint_gt(node_of(1)->visits, 10);
	ck_assert_uint_gt(node_of(1)->passed, 10);
}
END_TEST

START_TEST(large_messages_arrive_whole)
{
	static char text[100000];
	const struct iovec iov[2] = {{text, 5}, {text, sizeof(text) - 5}};

	start_ring(3);
	memset(text, 'x', sizeof(text));
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert_int_eq(
			totem_engine_send(node_of(id)->engine, net->now_ns, TOTEM_AGREED, iov, 2),
			0);
	run_until_received(3, 1000);
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);
	ck_assert_ptr_nonnull(strstr(node_of(2)->log, "3:(100000 bytes)"));
}
END_TEST

START_TEST(a_full_queue_refuses_and_calls_back)
{
	static char text[50000];
	const struct iovec iov = {text, sizeof(text)};
	struct totem_queue queue;
	uint32_t accepted = 0;

	start_ring(2);
	totem_engine_queue(node_of(1)->engine, &queue);
	ck_assert_uint_eq(queue.used, 0);

	const struct iovec huge = {text, (size_t)queue.message_size_max + 1};

	ck_assert_int_eq(totem_engine_send(node_of(1)->engine, net->now_ns, TOTEM_AGREED, &huge, 1),
		-EMSGSIZE);
	while (totem_engine_send(node_of(1)->engine, net->now_ns, TOTEM_AGREED, &iov, 1) == 0)
		accepted++;
	ck_assert_uint_gt(accepted, 10);
	ck_assert_uint_eq(node_of(1)->rooms, 0);
	run_until_received(accepted, 5000);
	ck_assert_uint_gt(node_of(1)->rooms, 0);
}
END_TEST

/* --- loss --- */

/* Every third frame of node 1 on its way to node 3, when it is sent first. */
static bool drop_some_frames(struct net *n, uint32_t from, uint32_t to,
	const struct wire_header *header, const struct coterie_frame *frame)
{
	struct wire_mcast mcast;

	if (header->type != WIRE_MCAST || from != 1 || to != 3)
		return false;
	wire_decode_mcast(frame->data, frame->size, &mcast);
	if (mcast.system_from != 1 || mcast.seq % 3 != 0 || mcast.seq <= n->drop_seq)
		return false;
	n->drop_seq = mcast.seq;
	return true;
}

START_TEST(a_lost_frame_is_asked_for)
{
	start_ring(3);
	net->drops = drop_some_frames;
	for (int i = 0; i < 30; i++) {
		send_many(1, 1);
		run_for(1);
	}
	run_until_received(30, 1000);
	ck_assert_uint_gt(net->dropped, 0);
	ck_assert_uint_gt(node_of(3)->requested, 0);
	ck_assert_uint_gt(node_of(1)->retransmitted + node_of(2)->retransmitted, 0);
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);
	ck_assert_uint_eq(node_of(3)->gathered, 0);
}
END_TEST

static bool drop_one_in_ten(struct net *n, uint32_t from, uint32_t to,
	const struct wire_header *header, const struct coterie_frame *frame)
{
	static uint32_t state = 1;

	(void)n, (void)header, (void)frame;
	state = state * 1103515245u + 12345u;
	return from != to && (state >> 16) % 10 == 0;
}

START_TEST(loss_of_everything_slows_but_does_not_break)
{
	start_ring(3);
	net->drops = drop_one_in_ten;
	for (uint32_t i = 0; i < 50; i++) {
		for (uint32_t id = 1; id <= 3; id++)
			send_many(id, 2);
		run_for(2);
	}
	run_until_received(300, 5000);
	ck_assert_str_eq(node_of(1)->log, node_of(2)->log);
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);
}
END_TEST

/* --- membership --- */

START_TEST(a_crash_is_recovered_from)
{
	start_ring(3);
	send_many(1, 40);
	send_many(3, 40);
	run_for(1);
	node_crash(1);
	send_many(2, 1);
	run_until_ring(2, 9000);
	run_for(100);
	ck_assert_str_eq(node_of(2)->log, node_of(3)->log);
	ck_assert_ptr_nonnull(strstr(node_of(2)->log, "transitional 2 3 -1\nregular 2 3\n"));
	ck_assert_ptr_nonnull(strstr(node_of(2)->log, "3:m3.39"));
	ck_assert_ptr_nonnull(strstr(node_of(2)->log, "2:m2.0"));
}
END_TEST

START_TEST(a_crashed_node_comes_back)
{
	start_ring(3);
	node_crash(3);
	run_until_ring(2, 9000);
	clear_logs();
	node_start(3);
	run_until_ring(3, 3000);
	ck_assert_str_eq(node_of(1)->log, "transitional 1 2\nregular 1 2 3 +3\n");
	/* At once as well, before anybody has missed it. */
	node_crash(3);
	run_for(10);
	node_start(3);
	run_until_ring(3, 3000);
}
END_TEST

/*
 * A ring with reference members (here: none that announces features) and one more that joins in the
 * middle of a long message: by the rule they go by it cannot have that message, but what was packed
 * behind it, in the same frame, is sent in the new configuration and is for everybody.
 */
START_TEST(a_joiner_gets_what_follows_a_long_message)
{
	static char large[300000];
	const struct iovec iov = {.iov_base = large, .iov_len = sizeof(large)};
	const char *small = "1:m1.0\n1:m1.1\n1:m1.2\n1:m1.3\n1:m1.4\n";

	options.features = 0;
	net->node_count = 3;
	node_start(1);
	node_start(2);
	run_until_ring(2, 20000);
	run_for(5);
	clear_logs();
	ck_assert_int_eq(
		totem_engine_send(node_of(1)->engine, net->now_ns, TOTEM_AGREED, &iov, 1), 0);
	send_many(1, 5);
	ck_assert_int_eq(
		totem_engine_send(node_of(1)->engine, net->now_ns, TOTEM_AGREED, &iov, 1), 0);
	run_for(1);
	ck_assert_str_eq(node_of(2)->log, ""); /* it is under way */
	node_start(3);
	run_until_ring(3, 9000);
	run_for(100);
	ck_assert_ptr_nonnull(
		strstr(node_of(2)->log, "regular 1 2 3 +3\n1:(300000 bytes)\n1:m1.0"));
	ck_assert_ptr_nonnull(strstr(node_of(2)->log, small));
	ck_assert_ptr_nonnull(strstr(node_of(3)->log, small));
	ck_assert_ptr_nonnull(strstr(node_of(3)->log, "1:m1.4\n1:(300000 bytes)\n"));
}
END_TEST

START_TEST(a_leave_takes_no_timer)
{
	start_ring(3);
	totem_engine_leave(node_of(2)->engine, net->now_ns);
	net->nodes[1].is_up = false;
	run_until_ring(2, 10);
	ck_assert_str_eq(node_of(1)->log, "transitional 1 3 -2\nregular 1 3\n");
	net->nodes[1].is_up = true; /* for tear-down */
}
END_TEST

static void feed(uint32_t id, const uint8_t *bytes, size_t size)
{
	struct node *node = node_of(id);
	struct coterie_frame *frame = frame_take(node->pool, size == 0 ? 1 : size);

	ck_assert_ptr_nonnull(frame);
	if (size > 0)
		memcpy(frame->data, bytes, size);
	frame->size = (uint32_t)size;
	totem_engine_receive(node->engine, net->now_ns, &frame, 1);
	frame_unref(frame);
}

/* --- signs of death --- */

/* Two rings' worth of time in which nothing may change. */
static void check_unmoved(void)
{
	run_for(4000);
	for (uint32_t i = 0; i < net->node_count; i++)
		ck_assert_msg(
			!net->nodes[i].is_up || net->nodes[i].gathered == 0, "node %u gathers", i + 1);
}

/* The transport's word alone is not enough while the node answers. */
START_TEST(who_is_said_to_be_dead_is_asked)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	for (uint32_t i = 0; i < 5; i++) {
		totem_engine_transport(node_of(2)->engine, net->now_ns, TOTEM_EVENT_PEER_DEAD, 3);
		run_for(5);
	}
	check_unmoved();
	ck_assert_uint_eq(totem_engine_counters(node_of(2)->engine)->cleared, 5);
	node_crash(3);
	run_for(1);
	totem_engine_transport(node_of(2)->engine, net->now_ns, TOTEM_EVENT_PEER_DEAD, 3);
	run_for(40);
	ck_assert_uint_eq(node_of(2)->gathered, 0);
	run_until_ring(2, 30);
}
END_TEST

/* Peers that answer nothing: the transport has to say it twice. */
START_TEST(signs_of_death_are_confirmed_first)
{
	options.features = 0;
	start_ring(3);
	node_crash(3);
	run_for(1);
	totem_engine_transport(node_of(2)->engine, net->now_ns, TOTEM_EVENT_PEER_DEAD, 3);
	run_for(1);
	ck_assert_uint_eq(node_of(2)->gathered, 0);
	run_for(2);
	totem_engine_transport(node_of(2)->engine, net->now_ns, TOTEM_EVENT_PEER_DEAD, 3);
	run_until_ring(2, 10);
}
END_TEST

/* A host without a daemon refuses what comes; on an idle ring the members' knocks, and at any place. */
START_TEST(a_crash_on_an_idle_ring_is_noticed_at_once)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	run_for(1500);
	net->refuses = true;
	node_crash((uint32_t)_i + 1);
	run_until_ring(2, (TOTEM_PROBE_NS * 3 / 2) / MS + 30);
}
END_TEST

/* A host that has answered too often of late says it once, or later. */
START_TEST(one_refusal_is_enough_where_nobody_answers)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	run_for(1500);
	net->refuses = true;
	net->refusals_left = 1;
	node_crash(3);
	run_until_ring(2, TOTEM_PROBE_NS / MS + 60);
}
END_TEST

/* It cannot answer questions, and one packet may be refused by a firewall: it takes three. */
START_TEST(a_reference_peer_is_missed_too)
{
	options.features = 0;
	start_ring(3);
	run_for(1500);
	net->refuses = true;
	net->refusals_left = 2;
	node_crash(3);
	run_for(1000); /* the held token has gone round in vain meanwhile */
	ck_assert_uint_eq(node_of(2)->gathered, 0);
	net->refusals_left = 10;
	run_until_ring(2, 1000);
}
END_TEST

START_TEST(two_that_crash_together_are_both_missed)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(4);
	run_for(1500);
	net->refuses = true;
	net->refusals_left = 100;
	node_crash(2);
	node_crash(3);
	run_until_ring(2, 200);
}
END_TEST

/* What the network did not quote of a frame of ours proves nothing, however often it comes. */
START_TEST(forged_refusals_remove_nobody)
{
	struct wire_probe probe = {.system_from = 2, .kind = WIRE_PROBE_KNOCK};
	uint8_t bytes[WIRE_PROBE_SIZE];

	options.features = _i == 0 ? WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE : 0;
	start_ring(3);
	run_for(1500);
	/* Node 3 lives, but hears and says nothing for a while. */
	node_of(3)->is_paused = true;
	for (uint64_t i = 0; i < 300; i++) {
		probe.ring = *totem_engine_ring(node_of(2)->engine);
		probe.number = i * UINT64_C(0x9E3779B97F4A7C15);
		wire_encode_probe(&probe, 3, false, bytes, sizeof(bytes));
		totem_engine_refused(node_of(2)->engine, net->now_ns, 3, bytes, i % 46);
		run_for(2);
	}
	node_resume(node_of(3), true);
	check_unmoved();
}
END_TEST

/* A firewall refuses one packet: the next one gets through, and is answered. */
START_TEST(a_refused_packet_removes_nobody)
{
	uint64_t cleared = 0;

	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	for (uint32_t i = 0; i < 50; i++) {
		net->refuse_next_to = i % 3 + 1;
		run_for(37);
	}
	check_unmoved();
	for (uint32_t id = 1; id <= 3; id++)
		cleared += totem_engine_counters(node_of(id)->engine)->cleared;
	ck_assert_uint_gt(cleared, 0);
}
END_TEST

START_TEST(questions_of_anybody_are_answered_once)
{
	const struct wire_probe probe = {
		.system_from = 1, .kind = WIRE_PROBE_QUESTION, .number = 7, .ring = {9, 9}};
	const struct wire_probe own = {.system_from = 2, .kind = WIRE_PROBE_QUESTION, .number = 7};
	uint8_t bytes[WIRE_PROBE_SIZE];

	start_ring(3);
	/* Of another ring, too: it is no merge detect. */
	uint64_t before = totem_engine_counters(node_of(2)->engine)->probe_tx;

	wire_encode_probe(&probe, 2, false, bytes, sizeof(bytes));
	feed(2, bytes, sizeof(bytes));
	ck_assert_uint_eq(totem_engine_counters(node_of(2)->engine)->probe_tx, before + 1);
	wire_encode_probe(&own, 2, false, bytes, sizeof(bytes));
	feed(2, bytes, sizeof(bytes));
	ck_assert_uint_eq(totem_engine_counters(node_of(2)->engine)->probe_tx, before + 1);
	check_unmoved();
}
END_TEST

/* --- no link --- */

static bool is_apart(struct net *n, uint32_t from, uint32_t to, const struct wire_header *header,
	const struct coterie_frame *frame)
{
	(void)header, (void)frame;
	return from != to && (from == n->cut_from || to == n->cut_from);
}

static bool is_deaf(struct net *n, uint32_t from, uint32_t to, const struct wire_header *header,
	const struct coterie_frame *frame)
{
	(void)header, (void)frame;
	return from != to && to == n->cut_from;
}

START_TEST(a_link_that_flaps_changes_nothing)
{
	start_ring(3);
	net->cut_from = (uint32_t)_i + 1;
	for (uint32_t i = 0; i < 5; i++) {
		net->drops = is_apart;
		totem_engine_transport(
			node_of(net->cut_from)->engine, net->now_ns, TOTEM_EVENT_LINK_DOWN, 0);
		run_for(1500);
		net->drops = NULL;
		totem_engine_transport(
			node_of(net->cut_from)->engine, net->now_ns, TOTEM_EVENT_LINK_UP, 0);
		run_for(1500);
	}
	check_unmoved();
}
END_TEST

/* It knows that it is cut off: a ring of one as soon as the token is missed; and back at once. */
START_TEST(a_node_without_a_link_is_a_ring_of_its_own)
{
	const uint32_t *members;
	uint32_t token_ms = (uint32_t)(options.token_ns / MS);

	start_ring(3);
	net->cut_from = (uint32_t)_i + 1;
	net->drops = is_apart;
	totem_engine_transport(
		node_of(net->cut_from)->engine, net->now_ns, TOTEM_EVENT_LINK_DOWN, 0);
	run_for(token_ms + 20);
	ck_assert_int_eq(
		totem_engine_state(node_of(net->cut_from)->engine), TOTEM_OPERATIONAL);
	ck_assert_uint_eq(totem_engine_members(node_of(net->cut_from)->engine, &members), 1);
	run_for(3 * token_ms);
	net->drops = NULL;
	totem_engine_transport(node_of(net->cut_from)->engine, net->now_ns, TOTEM_EVENT_LINK_UP, 0);
	run_until_ring(3, 200);
}
END_TEST

/* It can send but hears nobody, and knows nothing of it: within two token timeouts. */
START_TEST(a_deaf_node_is_a_ring_of_its_own)
{
	const uint32_t *members;
	uint32_t token_ms = (uint32_t)(options.token_ns / MS);

	start_ring(3);
	net->cut_from = (uint32_t)_i + 1;
	net->drops = is_deaf;
	run_for(2 * token_ms);
	ck_assert_uint_eq(totem_engine_members(node_of(net->cut_from)->engine, &members), 1);
	/* The others hear it, but it does not answer: they do not let it disturb them for ever. */
	run_for(60000);
	clear_logs();
	run_for(60000);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_le(net->nodes[i].gathered, 6);
	net->drops = NULL;
	run_until_ring(3, 5000);
}
END_TEST

static bool is_cut(struct net *n, uint32_t from, uint32_t to, const struct wire_header *header,
	const struct coterie_frame *frame)
{
	(void)header, (void)frame;
	return (from < n->cut_from) != (to < n->cut_from);
}

static bool are_split(void)
{
	const uint32_t *members;

	for (uint32_t i = 0; i < net->node_count; i++) {
		const struct node *node = &net->nodes[i];
		uint32_t side = node->id < net->cut_from ? net->cut_from - 1
							 : net->node_count + 1 - net->cut_from;

		if (totem_engine_state(node->engine) != TOTEM_OPERATIONAL ||
			totem_engine_members(node->engine, &members) != side)
			return false;
	}
	return true;
}

START_TEST(partitions_merge)
{
	start_ring(5);
	net->cut_from = 3;
	net->drops = is_cut;
	send_many(1, 3);
	send_many(5, 3);
	while (!are_split())
		ck_assert(net_step(net, UINT64_MAX));
	run_for(1000);
	ck_assert_ptr_nonnull(strstr(node_of(1)->log, "transitional 1 2 -3 -4 -5\nregular 1 2\n"));
	ck_assert_ptr_nonnull(strstr(node_of(4)->log, "transitional 3 4 5 -1 -2\nregular 3 4 5\n"));
	ck_assert_str_eq(node_of(1)->log, node_of(2)->log);
	ck_assert_str_eq(node_of(3)->log, node_of(5)->log);
	clear_logs();
	net->drops = NULL;
	run_until_ring(5, 3000);
	ck_assert_str_eq(node_of(1)->log, "transitional 1 2\nregular 1 2 3 4 5 +3 +4 +5\n");
}
END_TEST

START_TEST(a_broken_disk_keeps_a_node_out)
{
	start_ring(2);
	node_of(2)->is_disk_broken = true;
	node_crash(1);
	run_for(20000);
	ck_assert_int_eq(totem_engine_state(node_of(2)->engine), TOTEM_GATHER);
	node_of(2)->is_disk_broken = false;
	run_until_ring(1, 10000);
}
END_TEST

/* --- holding the token --- */

START_TEST(an_idle_ring_is_quiet)
{
	start_ring(3);
	run_for(1000);
	memset(net->packets, 0, sizeof(net->packets));
	run_for(7000);
	/* One rotation and one merge detect per hold time of 685 ms. */
	ck_assert_uint_le(net->packets[WIRE_TOKEN], 3 * 12);
	ck_assert_uint_ge(net->packets[WIRE_TOKEN], 3 * 8);
	ck_assert_uint_le(net->packets[WIRE_MERGE_DETECT], 12);
	ck_assert_uint_ge(net->packets[WIRE_MERGE_DETECT], 8);
	ck_assert_uint_eq(net->packets[WIRE_JOIN], 0);
	ck_assert_uint_eq(node_of(1)->gathered, 0);
}
END_TEST

START_TEST(a_message_ends_the_idling)
{
	uint32_t id = (uint32_t)_i;

	start_ring(3);
	run_for(1000);
	memset(net->packets, 0, sizeof(net->packets));
	send_many(id, 1);
	run_until_received(1, 2);
	ck_assert_uint_eq(net->packets[WIRE_HOLD_CANCEL], id == 1 ? 0 : 1);
}
END_TEST

/* --- safe delivery --- */

START_TEST(safe_waits_for_everybody)
{
	start_ring(3);
	ck_assert(totem_engine_is_safe_honoured(node_of(1)->engine));
	ck_assert_int_eq(send_text(1, TOTEM_SAFE, "safe"), 0);
	ck_assert_int_eq(send_text(1, TOTEM_AGREED, "behind"), 0);
	run_until_received(2, 10);
	ck_assert_str_eq(node_of(1)->log, "1:safe\n1:behind\n");
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);
}
END_TEST

static bool drop_frames_to_3(struct net *n, uint32_t from, uint32_t to,
	const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)from, (void)frame;
	return header->type == WIRE_MCAST && to == 3;
}

START_TEST(safe_is_not_delivered_while_one_lacks_it)
{
	start_ring(3);
	net->drops = drop_frames_to_3;
	ck_assert_int_eq(send_text(1, TOTEM_AGREED, "agreed"), 0);
	run_for(10);
	ck_assert_str_eq(node_of(2)->log, "1:agreed\n");
	ck_assert_int_eq(send_text(1, TOTEM_SAFE, "safe"), 0);
	run_for(100);
	ck_assert_str_eq(node_of(2)->log, "1:agreed\n");
	net->drops = NULL;
	run_until_received(2, 1000);
	ck_assert_str_eq(node_of(3)->log, "1:agreed\n1:safe\n");
}
END_TEST

START_TEST(safe_moves_to_the_transitional_configuration)
{
	start_ring(3);
	net->drops = drop_frames_to_3;
	ck_assert_int_eq(send_text(1, TOTEM_SAFE, "safe"), 0);
	run_for(10);
	node_crash(3);
	run_until_ring(2, 9000);
	ck_assert_str_eq(node_of(1)->log, "transitional 1 2 -3\n1:safe\nregular 1 2\n");
	ck_assert_str_eq(node_of(1)->log, node_of(2)->log);
}
END_TEST

START_TEST(a_plain_member_turns_safe_off)
{
	net->node_count = 3;
	for (uint32_t id = 1; id <= 3; id++) {
		options.features = id == (uint32_t)_i ? 0 : WIRE_FEATURE_SAFE;
		node_start(id);
	}
	run_until_ring(3, 3000);
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert(!totem_engine_is_safe_honoured(node_of(id)->engine));
	run_for(5);
	clear_logs();
	ck_assert_int_eq(send_text(1, TOTEM_SAFE, "safe"), 0);
	run_until_received(1, 10);
}
END_TEST

/* --- numbers wrap, bytes swap --- */

START_TEST(sequence_numbers_wrap)
{
	options.first_seq = 0xFFFFFFC0u;
	start_ring(3);
	for (uint32_t i = 0; i < 60; i++) {
		send_many(1, 2);
		send_many(2, 2);
		run_for(1);
	}
	run_until_received(240, 1000);
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);

	struct totem_probe probe;

	totem_engine_probe(node_of(1)->engine, &probe);
	ck_assert_uint_lt(probe.high_seq, 0x1000);
	node_crash(2);
	run_until_ring(2, 9000);
}
END_TEST

START_TEST(byte_orders_mix)
{
	net->node_count = 3;
	for (uint32_t id = 1; id <= 3; id++) {
		options.swap = id == (uint32_t)_i;
		node_start(id);
	}
	run_until_ring(3, 3000);
	run_for(5);
	clear_logs();
	for (uint32_t id = 1; id <= 3; id++)
		send_many(id, 20);
	run_until_received(60, 1000);
	ck_assert_str_eq(node_of(1)->log, node_of(2)->log);
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);
	/* Old-ring frames of the other order survive a recovery. */
	net->drops = drop_frames_to_3;
	send_many(2, 5);
	run_for(10);
	net->drops = NULL;
	node_crash(1);
	run_until_ring(2, 9000);
	ck_assert_str_eq(node_of(2)->log, node_of(3)->log);
	ck_assert_ptr_nonnull(strstr(node_of(3)->log, "2:m2.4"));
}
END_TEST

/* --- services synchronise --- */

START_TEST(messages_of_the_synchronisation_go_first)
{
	start_ring(3);
	for (uint32_t id = 1; id <= 3; id++)
		node_of(id)->syncs_by_hand = true;
	run_for(1000);
	totem_engine_leave(node_of(3)->engine, net->now_ns);
	net->nodes[2].is_up = false;
	while (totem_engine_state(node_of(1)->engine) == TOTEM_OPERATIONAL)
		ck_assert(net_step(net, UINT64_MAX));
	ck_assert_int_eq(send_text(1, TOTEM_AGREED, "earlier"), 0);
	run_until_ring(2, 100);
	ck_assert_int_eq(send_text(1, TOTEM_AGREED, "barrier"), 0);
	run_for(100);
	ck_assert_ptr_nonnull(strstr(node_of(2)->log, "1:barrier"));
	ck_assert_ptr_null(strstr(node_of(2)->log, "1:earlier"));
	for (uint32_t id = 1; id <= 2; id++)
		totem_engine_synchronized(node_of(id)->engine, net->now_ns);
	run_for(100);
	ck_assert_ptr_nonnull(strstr(node_of(2)->log, "1:barrier\n1:earlier\n"));
	net->nodes[2].is_up = true; /* for tear-down */
}
END_TEST

/* --- nodes that stumble --- */

START_TEST(a_paused_node_comes_back_by_one_merge)
{
	struct node *node;

	start_ring(3);
	node = node_of(3);
	node->is_paused = true;
	run_for(_i < 2 ? 2500 : 9125); /* the others still wait; they have gone on */
	clear_logs();
	node_resume(node, _i % 2 == 0);
	run_until_ring(3, 5000);
	ck_assert_uint_eq(node->paused, 1);
	if (_i < 2)
		ck_assert_str_eq(node_of(1)->log, "");
	else
		ck_assert_str_eq(node_of(1)->log, "transitional 1 2\nregular 1 2 3 +3\n");
}
END_TEST

START_TEST(who_cannot_receive_takes_itself_out)
{
	options.fail_recv_const = 50;
	start_ring(3);
	net->drops = drop_frames_to_3;
	send_many(1, 2);
	/* The count is reached within milliseconds, but a token timeout must pass as well. */
	run_for(3600);
	ck_assert_uint_eq(node_of(3)->failed_to_receive, 0);
	run_for(200);
	ck_assert_uint_ge(node_of(3)->failed_to_receive, 1);
	ck_assert_ptr_nonnull(strstr(node_of(1)->log, "transitional 1 2 -3\nregular 1 2\n"));
	net->drops = NULL;
	run_until_ring(3, 20000);
}
END_TEST

static bool is_1_deaf_to_3(struct net *n, uint32_t from, uint32_t to,
	const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)header, (void)frame;
	return (from == 1 && to == 3) || (from == 3 && to == 1);
}

START_TEST(asymmetric_reachability_calms_down)
{
	start_ring(3);
	net->drops = is_1_deaf_to_3;
	run_for(300000);
	clear_logs();
	run_for(60000);
	/* The reference forms two rings every 4.4 s for ever; here node 2 looks once a minute. */
	ck_assert_uint_le(node_of(2)->gathered, 30);
	net->drops = NULL;
	run_until_ring(3, 70000);
}
END_TEST

/* --- bad input: spec 04 §16.1 --- */

static bool are_alike(const struct totem_probe *a, const struct totem_probe *b)
{
	return a->aru == b->aru && a->high_seq == b->high_seq && a->released == b->released &&
	       a->high_delivered == b->high_delivered && a->store_count == b->store_count &&
	       a->trc == b->trc && a->pbl == b->pbl && a->ring_seq_high == b->ring_seq_high;
}

/* What changes a token that node 2 would accept. */
static void token_aru_ahead(struct wire_token *token) { token->aru = token->seq + 1; }
static void token_aru_old(struct wire_token *token) { token->aru = token->seq - 16384; }
static void token_seq_far(struct wire_token *token) { token->aru = token->seq += 20000; }
static void token_seq_back(struct wire_token *token) { token->aru = token->seq -= 3; }
static void token_of_other(struct wire_token *token) { token->nodeid = 3; }
static void token_foreign(struct wire_token *token) { token->ring.seq += 4; }
static void token_old(struct wire_token *token) { token->token_seq -= 100; }

static void token_jumps(struct wire_token *token) { token->aru = token->seq += 6000; }
static void token_signed_by_stranger(struct wire_token *token) { token->aru_addr = 77; }
static void token_fcc_absurd(struct wire_token *token) { token->fcc = 1u << 30; }
static void token_backlog_absurd(struct wire_token *token) { token->backlog = 1u << 30; }
static void token_flag_absurd(struct wire_token *token) { token->retrans_flg = 1024; }

static void token_asks_ahead(struct wire_token *token)
{
	token->rtr_count = 1;
	token->rtr[0] = (struct wire_rtr){token->ring, token->seq + 1};
}

START_TEST(bad_tokens_are_dropped)
{
	static const struct {
		const char *name;
		void (*change)(struct wire_token *token);
		uint32_t refused;
	} rows[] = {
		{"aru beyond seq", token_aru_ahead, 1},
		{"aru far behind", token_aru_old, 1},
		{"seq far ahead", token_seq_far, 1},
		{"seq behind what was delivered", token_seq_back, 1},
		{"sent by another than the predecessor", token_of_other, 1},
		{"seq ahead of any window", token_jumps, 1},
		{"aru_addr of no member", token_signed_by_stranger, 1},
		{"fcc beyond reason", token_fcc_absurd, 1},
		{"backlog beyond reason", token_backlog_absurd, 1},
		{"retrans_flg neither 0 nor 1", token_flag_absurd, 1},
		{"asks for a frame that does not exist", token_asks_ahead, 1},
		{"of another ring", token_foreign, 0},
		{"had before", token_old, 0},
	};
	uint8_t bytes[WIRE_TOKEN_SIZE_MAX];
	struct wire_token token;
	struct totem_probe before, after;

	start_ring(3);
	send_many(1, 5);
	run_for(1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct node *node = node_of(2);
		uint64_t token_ns = totem_engine_counters(node->engine)->token_last_ns;

		ck_assert_int_eq(wire_decode_token(net->samples[WIRE_TOKEN]->data,
					 net->samples[WIRE_TOKEN]->size, &token),
			WIRE_OK);
		token.token_seq += 30;
		rows[i].change(&token);
		node->refused = 0;
		totem_engine_probe(node->engine, &before);
		feed(2, bytes, wire_encode_token(&token, 0, false, bytes, sizeof(bytes)));
		totem_engine_probe(node->engine, &after);
		ck_assert_msg(
			node->refused == rows[i].refused &&
				totem_engine_counters(node->engine)->token_last_ns == token_ns &&
				are_alike(&before, &after),
			"%s", rows[i].name);
	}
	send_many(2, 1);
	run_until_received(6, 100);
	ck_assert_uint_eq(node_of(2)->gathered, 0);
}
END_TEST

static void frame_ahead(struct wire_mcast *mcast) { mcast->seq += 5000; }
static void frame_of_two(struct wire_mcast *mcast) { mcast->nodeid = 3; }
static void frame_of_stranger(struct wire_mcast *mcast) { mcast->nodeid = mcast->system_from = 9; }
static void frame_freed(struct wire_mcast *mcast) { mcast->seq -= 2; }

START_TEST(bad_frames_are_dropped)
{
	static const struct {
		const char *name;
		void (*change)(struct wire_mcast *mcast);
		uint32_t refused;
	} rows[] = {
		{"seq far ahead", frame_ahead, 1},
		{"two senders", frame_of_two, 1},
		{"of a node that is no member", frame_of_stranger, 1},
		{"had before", frame_freed, 0},
	};

	start_ring(3);
	send_many(1, 200);
	run_for(1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t bytes[2048];
		struct wire_mcast mcast;
		struct totem_probe before, after;
		const struct coterie_frame *sample = net->samples[WIRE_MCAST];

		ck_assert_int_eq(wire_decode_mcast(sample->data, sample->size, &mcast), WIRE_OK);
		rows[i].change(&mcast);
		memcpy(bytes, sample->data, sample->size);
		wire_encode_mcast_header(&mcast, false, bytes, sizeof(bytes));
		node_of(2)->refused = 0;
		totem_engine_probe(node_of(2)->engine, &before);
		feed(2, bytes, sample->size);
		totem_engine_probe(node_of(2)->engine, &after);
		ck_assert_msg(node_of(2)->refused == rows[i].refused && are_alike(&before, &after),
			"%s", rows[i].name);
	}
}
END_TEST

START_TEST(a_forged_frame_does_not_stop_the_ring)
{
	uint8_t bytes[2048];
	struct wire_mcast mcast;
	const struct coterie_frame *sample;

	start_ring(3);
	send_many(1, 3);
	run_for(5);
	sample = net->samples[WIRE_MCAST];
	ck_assert_int_eq(wire_decode_mcast(sample->data, sample->size, &mcast), WIRE_OK);
	mcast.seq += 40; /* nobody has given this seq, nor those before */
	memcpy(bytes, sample->data, sample->size);
	wire_encode_mcast_header(&mcast, false, bytes, sizeof(bytes));
	feed(2, bytes, sample->size);
	send_many(3, 20);
	run_until_received(23, 100);
	ck_assert_str_eq(node_of(1)->log, node_of(2)->log);
	ck_assert_uint_eq(node_of(2)->gathered, 0);
}
END_TEST

/* A frame that node 3 seems to have sent, `ahead` of the last one of the ring, comes to node 1. */
static void forge_frame(uint32_t ahead)
{
	uint8_t bytes[2048];
	struct wire_mcast mcast;
	const struct coterie_frame *sample = net->samples[WIRE_MCAST];
	struct totem_probe probe;

	ck_assert_int_eq(wire_decode_mcast(sample->data, sample->size, &mcast), WIRE_OK);
	totem_engine_probe(node_of(1)->engine, &probe);
	mcast.nodeid = mcast.system_from = 3;
	mcast.seq = probe.high_seq + ahead;
	memcpy(bytes, sample->data, sample->size);
	wire_encode_mcast_header(&mcast, false, bytes, sizeof(bytes));
	feed(1, bytes, sample->size);
}

START_TEST(a_forged_frame_is_not_in_the_way_of_our_own)
{
	struct totem_probe probe;

	start_ring(3);
	send_many(1, 3);
	run_for(1000);
	do {
		run_for(1);
		totem_engine_probe(node_of(1)->engine, &probe);
	} while (!probe.is_held);
	forge_frame((uint32_t)_i);
	ck_assert_uint_eq(node_of(1)->refused, 1);
	send_many(1, 3);
	run_until_received(6, 100);
	ck_assert_str_eq(node_of(1)->log, node_of(2)->log);
	ck_assert_uint_eq(node_of(1)->gathered, 0);
}
END_TEST

/* The next token that node 2 gets, changed. */
static void (*change_token)(struct wire_token *token);
static enum totem_state change_in;

static bool drop_to_change(struct net *n, uint32_t from, uint32_t to,
	const struct wire_header *header, const struct coterie_frame *frame)
{
	struct wire_token token;
	uint8_t bytes[WIRE_TOKEN_SIZE_MAX];

	(void)n;
	(void)from;
	if (change_token == NULL || to != 2 || header->type != WIRE_TOKEN ||
		totem_engine_state(node_of(2)->engine) != change_in)
		return false;
	ck_assert_int_eq(wire_decode_token(frame->data, frame->size, &token), WIRE_OK);
	change_token(&token);
	change_token = NULL;
	/* Bytes of a frame that is still on its way may be written: nobody else looks at them. */
	size_t size = wire_encode_token(&token, 0, false, bytes, sizeof(bytes));
	ck_assert_uint_le(size, frame->capacity);
	memcpy(frame->data, bytes, size);
	return false;
}

static void token_fills_window(struct wire_token *token) { token->fcc += options.window_size; }
static void token_has_backlog(struct wire_token *token) { token->backlog += 100000; }
static void token_has_flag(struct wire_token *token) { token->retrans_flg = 1; }

START_TEST(residues_do_not_stop_the_ring)
{
	void (*const changes[])(struct wire_token * token) = {
		token_fills_window, token_has_backlog};

	start_ring(3);
	net->drops = drop_to_change;
	change_in = TOTEM_OPERATIONAL;
	change_token = changes[_i];
	send_many(3, 20);
	run_for(3000);
	ck_assert_ptr_null(change_token);
	send_many(1, 300);
	send_many(3, 300);
	run_until_received(620, 200);
	ck_assert_uint_eq(node_of(1)->gathered, 0);
}
END_TEST

START_TEST(a_flag_of_nobody_does_not_stop_a_recovery)
{
	start_ring(3);
	send_many(1, 3);
	run_for(100);
	net->drops = drop_to_change;
	change_in = TOTEM_RECOVERY;
	change_token = token_has_flag;
	node_crash(3);
	run_until_ring(2, 30000);
	ck_assert_ptr_null(change_token);
}
END_TEST

/* What takes days on a busy ring: 2^32 rotations, 2^31 frames. */
START_TEST(nothing_wraps_on_a_long_lived_ring)
{
	struct store store = {0};

	start_ring(2);
	for (uint32_t i = 0; i < 200; i++) {
		send_many(1, 1);
		run_for(1);
		ck_assert_uint_le(node_of(1)->engine->rotation_count, 2 * ROTATION_SAMPLES);
	}

	ck_assert_int_eq(store_init(&store, 0), 0);
	struct store own = node_of(1)->engine->store;
	node_of(1)->engine->store = store;
	for (uint32_t i = 1; i <= 3; i++) {
		struct store *there = &node_of(1)->engine->store;

		there->aru = there->high_seq = i * 0x40000000u;
		there->released = there->high_seq - 1;
		store_release(node_of(1)->engine, there->high_seq);
	}
	store_reset(&node_of(1)->engine->store, 0);
	store_fini(&node_of(1)->engine->store);
	node_of(1)->engine->store = own;
}
END_TEST

/* A join that seems to come from node `from`, to node `to`. */
static void forge_join(uint32_t from, uint32_t to, const uint32_t *proc, uint32_t proc_count,
	const uint32_t *failed, uint32_t failed_count)
{
	uint8_t bytes[4096];
	size_t size = wire_encode_join(from, from, totem_engine_ring(node_of(to)->engine)->seq,
		proc, proc_count, failed, failed_count, 0, false, bytes, sizeof(bytes));

	ck_assert_uint_gt(size, 0);
	feed(to, bytes, size);
}

/* Reference peers take over any id; ours, which know better, must come to the same lists. */
START_TEST(unknown_ids_fail_at_once)
{
	static const uint32_t nodes[] = {1, 2, 3, 4}, proc[] = {1, 2, 3, 77, 88};
	uint32_t many[WIRE_NODES_MAX];

	for (uint32_t i = 0; i < WIRE_NODES_MAX; i++)
		many[i] = 1000 + i;
	net->node_count = 3;
	options.nodes = nodes;
	options.node_count = 4;
	node_start(1);
	node_start(2);
	options.nodes = NULL; /* as a reference peer */
	options.node_count = 0;
	node_start(3);
	run_until_ring(3, 5000);
	run_for(100);
	for (uint32_t to = 1; to <= 3; to++) {
		forge_join(to % 3 + 1, to, proc, 5, NULL, 0);
		ck_assert_int_eq(totem_engine_state(node_of(to)->engine), TOTEM_GATHER);
		/* Far less than the consensus timeout. */
		run_until_ring(3, 300);
		run_for(100);
	}
	/* What would take the room of the nodes that there are is refused. */
	node_of(1)->refused = 0;
	forge_join(3, 1, many, WIRE_NODES_MAX, NULL, 0);
	forge_join(3, 1, proc, 3, many, WIRE_NODES_MAX);
	ck_assert_uint_eq(node_of(1)->refused, 2);
	ck_assert_int_eq(totem_engine_state(node_of(1)->engine), TOTEM_OPERATIONAL);
	node_crash(2);
	run_until_ring(2, 9000);
}
END_TEST

START_TEST(a_join_in_our_name_is_not_ours)
{
	uint8_t bytes[4096];
	static const uint32_t proc[] = {1, 2, 4}, failed[] = {3};

	start_ring(3);
	node_crash(2);
	while (totem_engine_state(node_of(3)->engine) != TOTEM_GATHER)
		run_for(1);
	/* A leave of our former life, which knew more nodes; then a join. */
	for (uint32_t header = 0; header <= 3; header += 3) {
		size_t size = wire_encode_join(
			header, 3, 1000, proc, 3, failed, 1, 0, false, bytes, sizeof(bytes));

		feed(3, bytes, size);
	}
	run_until_ring(2, 5000);
	ck_assert_uint_le(node_of(3)->gathered, 3);
}
END_TEST

START_TEST(bad_joins_are_dropped)
{
	static const uint32_t nodes[] = {1, 2, 3};
	const struct {
		const char *name;
		uint32_t header, from;
		uint64_t seq;
	} rows[] = {
		{"unknown node", 9, 9, 5},
		{"node 0", 0, 0, 5},
		{"two senders", 1, 3, 1000},
		{"ring seq beyond reason", 1, 1, UINT64_MAX},
		{"older than the ring", 1, 1, 5},
		{"old leave", 0, 3, 5},
	};
	uint8_t bytes[256];

	options.nodes = nodes;
	options.node_count = 3;
	start_ring(3);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int k = 0; k < 10; k++) {
			node_of(2)->refused = 0;
			feed(2, bytes,
				wire_encode_join(rows[i].header, rows[i].from, rows[i].seq, nodes,
					3, nodes, 0, 0, false, bytes, sizeof(bytes)));
			ck_assert_msg(node_of(2)->refused == 1 && node_of(2)->gathered == 0, "%s",
				rows[i].name);
			run_for(50);
		}
	}
}
END_TEST

START_TEST(bad_commit_tokens_are_dropped)
{
	static const uint32_t addr[] = {1, 2};
	static const uint32_t others[] = {1, 3};
	static const struct wire_commit_entry entries[2] = {{.ring = {1, 5}}, {.ring = {0, 0}}};
	const struct {
		const char *name;
		uint32_t index;
		struct ring_id ring;
		const uint32_t *addr;
	} rows[] = {
		{"not our turn yet", 0, {1, 1000}, addr},
		{"full before our turn", 2, {1, 1000}, addr},
		{"old ring", 1, {1, 5}, addr},
		{"other members", 1, {1, 1000}, others},
		{"led by somebody else", 1, {2, 1000}, addr},
		{"ring seq beyond reason", 1, {1, UINT64_MAX}, addr},
	};
	uint8_t bytes[256];

	start_ring(2);
	totem_engine_transport(node_of(2)->engine, net->now_ns, TOTEM_EVENT_FORCE_GATHER, 0);
	ck_assert_int_eq(totem_engine_state(node_of(2)->engine), TOTEM_GATHER);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct wire_commit_token head = {.nodeid = 1,
			.token_seq = 1,
			.count = 2,
			.ring = rows[i].ring,
			.memb_index = rows[i].index};

		feed(2, bytes,
			wire_encode_commit_token(&head, rows[i].addr, entries, NULL, 0, false,
				bytes, sizeof(bytes)));
		ck_assert_msg(
			totem_engine_state(node_of(2)->engine) == TOTEM_GATHER, "%s", rows[i].name);
	}
	run_until_ring(2, 1000);
}
END_TEST

/* Every type of packet, cut anywhere and with every byte changed: the nodes live and find together.
 */
START_TEST(damaged_packets_of_every_type)
{
	struct coterie_frame *samples[6];
	struct coterie_frame *all = NULL;

	options.fail_recv_const = 50;
	start_ring(3);
	node_crash(3);
	run_until_ring(2, 9000);
	node_start(3);
	run_until_ring(3, 3000);
	run_for(1000);
	send_many(2, 3);
	run_for(1000);
	memcpy(samples, net->samples, sizeof(samples));
	memset(net->samples, 0, sizeof(net->samples));
	for (int type = 0; type < 6; type++) {
		ck_assert_ptr_nonnull(samples[type]);
		all = samples[type];
		for (uint32_t size = 0; size <= all->size; size++)
			feed(2, all->data, size);
		for (uint32_t at = 0; at < all->size; at++) {
			for (int k = 0; k < 3; k++) {
				uint8_t was = all->data[at];

				all->data[at] = k == 0   ? (uint8_t)~was
						: k == 1 ? 0
							 : (uint8_t)(was + 1);
				feed(2, all->data, all->size);
				all->data[at] = was;
			}
			run_for(1);
		}
		free(all);
	}
	ck_assert_uint_gt(node_of(2)->refused, 100);
	run_until_ring(3, 60000);
	clear_logs();
	send_many(2, 3);
	run_until_received(3, 1000);
}
END_TEST

/* Whatever ring seq a forged join takes the ring to, it must be able to form the next one. */
START_TEST(forged_ring_seqs_leave_room)
{
	static const uint64_t seqs[] = {UINT64_C(1) << 32, UINT64_C(1) << 62, UINT64_C(1) << 63,
		UINT64_MAX - (UINT64_C(1) << 40), UINT64_MAX - (UINT64_C(1) << 40) + 4000};
	static const uint32_t nodes[] = {1, 2};
	uint8_t bytes[64];

	start_ring(2);
	for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++) {
		for (int k = 0; k < 3; k++) {
			feed(1, bytes,
				wire_encode_join(2, 2, seqs[i], nodes, 2, nodes, 0, 0, false, bytes,
					sizeof(bytes)));
			run_until_ring(2, 5000);
			ck_assert_uint_gt(totem_engine_ring(node_of(1)->engine)->seq, seqs[i]);
			run_for(10);
		}
	}
	/* A node that knows nothing of it comes in, too. */
	net->node_count = 3;
	node_start(3);
	run_until_ring(3, 5000);
}
END_TEST

START_TEST(options_are_checked)
{
	static const uint32_t without_own[] = {7, 8};
	const char *which = NULL;
	struct totem_options good, bad;

	totem_options_defaults(&good, 1, 3);
	ck_assert_int_eq(totem_options_check(&good, &which), 0);
	ck_assert_uint_eq(good.token_ns, 3650 * MS);
	ck_assert_uint_eq(good.token_retransmit_ns, 869 * MS);
	ck_assert_uint_eq(good.hold_ns, 685 * MS);
	ck_assert_uint_eq(good.consensus_ns, 4380 * MS);
#define BAD(member, value)                                                                         \
	do {                                                                                       \
		bad = good;                                                                        \
		bad.member = value;                                                                \
		ck_assert_int_eq(totem_options_check(&bad, &which), -EINVAL);                      \
		ck_assert_str_eq(which, #member);                                                  \
	} while (0)
	BAD(nodeid, 0);
	BAD(node_count, WIRE_NODES_MAX + 1);
	BAD(token_ns, 29 * MS);
	BAD(token_retransmit_ns, 29 * MS);
	BAD(hold_ns, 13 * MS);
	BAD(join_ns, 29 * MS);
	BAD(consensus_ns, 49 * MS);
	BAD(merge_ns, 0);
	BAD(max_network_delay_ns, 29 * MS);
	BAD(token_warning_percent, 101);
	BAD(window_size, 0);
	BAD(window_size, 4097);
	BAD(max_messages, 0);
	BAD(payload_max, 127);
	BAD(payload_max, 65447);
	good.node_count = 2;
	BAD(nodes, without_own);
}
END_TEST

START_TEST(options_change_at_run_time)
{
	start_ring(2);
	options.nodeid = 1;
	options.token_ns = 1000 * MS;
	options.max_messages = net->visit_frames_max = 40;
	ck_assert_int_eq(totem_engine_reconfigure(node_of(1)->engine, net->now_ns, &options), 0);
	options.nodeid = 2;
	ck_assert_int_eq(
		totem_engine_reconfigure(node_of(1)->engine, net->now_ns, &options), -EINVAL);
	run_for(800); /* the timers that run keep their time; held tokens come back */
	node_crash(2);
	run_for(1500);
	ck_assert_uint_eq(node_of(1)->gathered, 1);
}
END_TEST

static void add_basic(Suite *suite)
{
	TCase *tcase = tcase_create("ring");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, one_node_is_a_ring);
	tcase_add_loop_test(tcase, nodes_become_one_ring, 1, NODES_MAX + 1);
	tcase_add_test(tcase, messages_have_one_order);
	tcase_add_test(tcase, large_messages_arrive_whole);
	tcase_add_test(tcase, a_full_queue_refuses_and_calls_back);
	tcase_add_test(tcase, a_lost_frame_is_asked_for);
	tcase_add_test(tcase, loss_of_everything_slows_but_does_not_break);
	tcase_add_test(tcase, a_crash_is_recovered_from);
	tcase_add_test(tcase, a_crashed_node_comes_back);
	tcase_add_test(tcase, a_leave_takes_no_timer);
	tcase_add_test(tcase, a_joiner_gets_what_follows_a_long_message);
	tcase_add_test(tcase, who_is_said_to_be_dead_is_asked);
	tcase_add_test(tcase, signs_of_death_are_confirmed_first);
	tcase_add_loop_test(tcase, a_crash_on_an_idle_ring_is_noticed_at_once, 0, 3);
	tcase_add_test(tcase, one_refusal_is_enough_where_nobody_answers);
	tcase_add_test(tcase, a_reference_peer_is_missed_too);
	tcase_add_test(tcase, two_that_crash_together_are_both_missed);
	tcase_add_loop_test(tcase, forged_refusals_remove_nobody, 0, 2);
	tcase_add_test(tcase, a_refused_packet_removes_nobody);
	tcase_add_test(tcase, questions_of_anybody_are_answered_once);
	tcase_add_loop_test(tcase, a_link_that_flaps_changes_nothing, 0, 3);
	tcase_add_loop_test(tcase, a_node_without_a_link_is_a_ring_of_its_own, 0, 3);
	tcase_add_loop_test(tcase, a_deaf_node_is_a_ring_of_its_own, 0, 3);
	tcase_add_test(tcase, partitions_merge);
	tcase_add_test(tcase, a_broken_disk_keeps_a_node_out);
	tcase_add_test(tcase, an_idle_ring_is_quiet);
	tcase_add_loop_test(tcase, a_message_ends_the_idling, 1, 4);
	tcase_add_test(tcase, safe_waits_for_everybody);
	tcase_add_test(tcase, safe_is_not_delivered_while_one_lacks_it);
	tcase_add_test(tcase, safe_moves_to_the_transitional_configuration);
	tcase_add_loop_test(tcase, a_plain_member_turns_safe_off, 1, 4);
	tcase_add_test(tcase, sequence_numbers_wrap);
	tcase_add_loop_test(tcase, byte_orders_mix, 1, 4);
	suite_add_tcase(suite, tcase);
}

static void add_hard(Suite *suite)
{
	TCase *tcase = tcase_create("trouble");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, messages_of_the_synchronisation_go_first);
	tcase_add_loop_test(tcase, a_paused_node_comes_back_by_one_merge, 0, 4);
	tcase_add_test(tcase, who_cannot_receive_takes_itself_out);
	tcase_add_test(tcase, asymmetric_reachability_calms_down);
	tcase_add_test(tcase, bad_tokens_are_dropped);
	tcase_add_test(tcase, bad_frames_are_dropped);
	tcase_add_test(tcase, a_forged_frame_does_not_stop_the_ring);
	tcase_add_loop_test(tcase, a_forged_frame_is_not_in_the_way_of_our_own, 1, 3);
	tcase_add_loop_test(tcase, residues_do_not_stop_the_ring, 0, 2);
	tcase_add_test(tcase, a_flag_of_nobody_does_not_stop_a_recovery);
	tcase_add_test(tcase, nothing_wraps_on_a_long_lived_ring);
	tcase_add_test(tcase, unknown_ids_fail_at_once);
	tcase_add_test(tcase, a_join_in_our_name_is_not_ours);
	tcase_add_test(tcase, bad_joins_are_dropped);
	tcase_add_test(tcase, bad_commit_tokens_are_dropped);
	tcase_add_test(tcase, damaged_packets_of_every_type);
	tcase_add_test(tcase, forged_ring_seqs_leave_room);
	tcase_add_test(tcase, options_are_checked);
	tcase_add_test(tcase, options_change_at_run_time);
	suite_add_tcase(suite, tcase);
}

int main(void)
{
	Suite *suite = suite_create("engine");

	add_basic(suite);
	add_hard(suite);

	SRunner *runner = srunner_create(suite);

	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);

	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
