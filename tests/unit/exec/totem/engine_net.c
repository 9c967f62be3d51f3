/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/exec/totem/engine_net.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/totem/state.h"
#include "tests/suite.h"

struct net *net;

/* Refuse a packet. The sender gets the report after twice the delay, as it would get an answer. */
static void net_refuse(struct net *n, uint32_t from, uint32_t by, struct coterie_frame *frame)
{
	if (n->refusals_left == 0 || n->refused_count == sizeof(n->refused) / sizeof(n->refused[0]))
		return;
	n->refusals_left--;
	n->refused[n->refused_count++] = (struct refused){
		.at_ns = n->now_ns + 2 * n->delay_ns, .from = from, .by = by, .frame = frame_ref(frame)};
}

/* Return whether a firewall in front of a running host refuses this packet. */
static bool is_rejected(struct net *n, uint32_t from, uint32_t to)
{
	if (from == to)
		return false;
	if (n->refuse_next_to == to) {
		n->refuse_next_to = 0;
		return true;
	}
	return n->refuse_most_to == to && ++n->refuse_count % 3 != 0;
}

static void net_queue(struct net *n, uint32_t from, struct node *to, struct coterie_frame *frame)
{
	struct wire_header header;

	ck_assert_int_eq(wire_decode_header(frame->data, frame->size, &header), WIRE_OK);
	if (!to->is_up) {
		if (n->refuses)
			net_refuse(n, from, to->id, frame);
		return;
	}
	if (is_rejected(n, from, to->id)) {
		net_refuse(n, from, to->id, frame);
		return;
	}
	if (n->drops != NULL && n->drops(n, from, to->id, &header, frame)) {
		n->dropped++;
		return;
	}
	if (to->id == 2) {
		/* Copy the frame, since it belongs to the sender's pool. */
		struct coterie_frame *copy = malloc(sizeof(*copy) + frame->size);

		*copy = (struct coterie_frame){(uint8_t *)(copy + 1), frame->size, frame->size};
		memcpy(copy->data, frame->data, frame->size);
		free(n->samples[header.type]);
		n->samples[header.type] = copy;
	}
	ck_assert_uint_lt(n->count, EVENTS_MAX);

	/* Insert the event by its time, since earlier packets may have had another delay. */
	uint64_t at_ns = n->now_ns + n->delay_ns;
	size_t place = n->first + n->count++;

	while (place > n->first && n->events[(place - 1) % EVENTS_MAX].at_ns > at_ns) {
		n->events[place % EVENTS_MAX] = n->events[(place - 1) % EVENTS_MAX];
		place--;
	}
	n->events[place % EVENTS_MAX] = (struct event){
		.at_ns = at_ns, .to = to, .from = from, .frame = frame_ref(frame)};
}

static void on_multicast(void *arg, struct coterie_frame *const *frames, size_t count)
{
	struct node *node = arg;

	if (node->net->sends != NULL && frames[0]->data[3] == WIRE_MCAST)
		node->net->sends(node, count);
	for (size_t i = 0; i < count; i++) {
		struct wire_header header;

		ck_assert_int_eq(wire_decode_header(frames[i]->data, frames[i]->size, &header), WIRE_OK);
		node->net->packets[header.type]++;
		if (node->is_visited && header.type == WIRE_MCAST) {
			node->visit_frames++;
			ck_assert_uint_le(node->visit_frames, node->net->visit_frames_max);
			struct totem_probe probe;

			totem_engine_probe(node->engine, &probe);
			ck_assert_uint_le(node->visit_frames, probe.window);
		}
		for (uint32_t k = 0; k < node->net->node_count; k++)
			net_queue(node->net, node->id, &node->net->nodes[k], frames[i]);
	}
}

struct node *node_of(uint32_t id)
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
	if (node->yields)
		totem_engine_yield(node->engine);
}

/* Give each configured node one vote, or the votes of the test. */
static void set_votes(struct node *node, const struct totem_configuration *c)
{
	const struct net *n = node->net;
	uint32_t votes[WIRE_NODES_MAX], total = 0;

	for (uint32_t i = 0; i < c->member_count; i++)
		votes[i] = n->votes == NULL ? 1 : n->votes[c->members[i]];
	for (uint32_t id = 1; id <= n->node_count; id++)
		total += n->votes == NULL ? 1 : n->votes[id];
	totem_engine_set_votes(node->engine, &c->ring, votes, c->member_count, total / 2 + 1);
}

static void on_configure(void *arg, const struct totem_configuration *c)
{
	struct node *node = arg;
	char text[256];
	size_t size = (size_t)snprintf(text, sizeof(text), "%s", c->is_regular ? "regular" : "transitional");

	for (uint32_t i = 0; i < c->member_count; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, " %u", c->members[i]);
	for (uint32_t i = 0; i < c->left_count; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, " -%u", c->left[i]);
	for (uint32_t i = 0; i < c->joined_count; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, " +%u", c->joined[i]);
	snprintf(text + size, sizeof(text) - size, "\n");
	node_log(node, text);
	if (c->is_regular)
		set_votes(node, c);
	if (node->net->configured != NULL)
		node->net->configured(node, c->is_regular);
	if (c->is_regular && !node->syncs_by_hand)
		totem_engine_synchronized(node->engine, node->net->now_ns);
}

static int on_store(void *arg, const struct ring_id *id)
{
	struct node *node = arg;

	if (node->is_disk_broken)
		return -EIO;
	if (node->ring_seq <= TOTEM_RING_SEQ_JUMP_MAX) /* a higher one may be given up later: not stored */
		ck_assert_uint_gt(id->seq, node->ring_seq);
	node->ring_seq = id->seq;
	return 0;
}

static void on_expect(void *arg, uint64_t seq)
{
	struct node *node = arg;

	node->expected_seq = seq;
	node->expected_count++;
}

static bool on_visit(void *arg)
{
	struct node *node = arg;

	node->is_visited = true;
	node->visit_frames = 0;
	node->visits++;
	return node->has_more;
}

static void on_lingering(void *arg)
{
	struct node *node = arg;

	if (node->net->lingers != NULL)
		node->net->lingers(node);
}

static void on_passed(void *arg)
{
	struct node *node = arg;

	node->is_visited = false;
	node->passed++;
}

static void on_room(void *arg)
{
	struct node *node = arg;

	node->rooms++;
}

static void note_evicted(struct node *node, const struct totem_eviction *eviction)
{
	if (node->evicted_count == EVICTED_MAX)
		memmove(&node->evicted[0], &node->evicted[1], --node->evicted_count * sizeof(node->evicted[0]));
	node->evicted[node->evicted_count++] = (struct evicted){
		.node = eviction->nodeid,
		.accuser = eviction->accuser,
		.agreed_count = eviction->agreed_count,
		.evidence = eviction->evidence,
		.silent_ns = eviction->silent_ns,
		.budget_ns = eviction->budget_ns,
		.witness = eviction->witness,
		.at_ns = node->net->now_ns,
	};
}

static void on_trace(void *arg, const struct totem_trace *trace)
{
	struct node *node = arg;

	if (getenv("TEST_TRACE") != NULL)
		fprintf(stderr,
			"# %10.3f ms node %u kind %d state %d node %u seq %u value %lu cause %u "
			"ring %u.%lu\n",
			(double)node->net->now_ns / 1e6, node->id, trace->kind, trace->state, trace->node, trace->seq,
			(unsigned long)trace->value, trace->cause, trace->ring.rep, (unsigned long)trace->ring.seq);
	if (trace->kind == TOTEM_TRACE_REFUSED) {
		node->refused++;
		node->last_refusal = (uint32_t)trace->value;
	}
	node->gathered += trace->kind == TOTEM_TRACE_STATE && trace->value == TOTEM_GATHER;
	node->failed_to_receive += trace->kind == TOTEM_TRACE_FAILED_TO_RECEIVE;
	node->paused += trace->kind == TOTEM_TRACE_PAUSED;
	node->retransmitted += trace->kind == TOTEM_TRACE_RETRANSMITTED;
	node->requested += trace->kind == TOTEM_TRACE_REQUESTED;
	if (trace->kind == TOTEM_TRACE_EVICTED)
		note_evicted(node, trace->eviction);
	if (trace->kind == TOTEM_TRACE_WITNESSED)
		node->witnessed[trace->cause]++;
	if (trace->kind == TOTEM_TRACE_LEASE)
		node->is_lease_traced = trace->value != 0;
}

static void on_watch(void *arg, uint32_t nodeid)
{
	struct node *node = arg;

	node->watches = nodeid;
	node->watch_calls++;
}

static void on_lease(void *arg, bool is_held)
{
	struct node *node = arg;

	ck_assert_msg(is_held != node->has_lease, "node %u: its lease is said to be %d twice", node->id, is_held);
	ck_assert(is_held == node->is_lease_traced);
	node->has_lease = is_held;
	node->lease_at_ns = node->net->now_ns;
	if (is_held)
		node->lease_begins++;
	else
		node->lease_ends++;
}

static void on_poke(void *arg, uint32_t nodeid, struct coterie_frame *frame)
{
	struct node *node = arg;

	node->pokes++;
	net_queue(node->net, node->id, node_of(nodeid), frame);
}

static enum totem_witness on_witness(void *arg, uint32_t nodeid, bool is_first)
{
	struct node *node = arg;

	node->silences += is_first;
	node->witness_calls[nodeid]++;
	return node->witness;
}

static const struct totem_callbacks callbacks = {
	.multicast = on_multicast,
	.token = on_token,
	.timer = on_timer,
	.deliver = on_deliver,
	.configure = on_configure,
	.store_ring_id = on_store,
	.expect_ring_seq = on_expect,
	.visit = on_visit,
	.lingering = on_lingering,
	.watch = on_watch,
	.poke = on_poke,
	.lease = on_lease,
	.witness = on_witness,
	.passed = on_passed,
	.room = on_room,
	.trace = on_trace,
};

struct totem_options options;

void node_start(uint32_t id)
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
	node->has_lease = node->is_lease_traced = true;
	totem_engine_transport(node->engine, net->now_ns, TOTEM_EVENT_LINK_UP, 0);
}

/* Return the index of a report that is on its way to this node, or refused_count if there is none. */
static uint32_t report_to(uint32_t id)
{
	uint32_t i = 0;

	while (i < net->refused_count && net->refused[i].from != id)
		i++;
	return i;
}

void node_crash(uint32_t id)
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

void tell(uint32_t at, enum totem_event event, uint32_t about)
{
	totem_engine_transport(node_of(at)->engine, net->now_ns, event, about);
}

static void tell_all(enum totem_event event, uint32_t about)
{
	for (uint32_t at = 1; at <= net->node_count; at++) {
		if (at != about && node_of(at)->is_up)
			tell(at, event, about);
	}
}

void connect_all(void)
{
	for (uint32_t id = 1; id <= net->node_count; id++) {
		if (node_of(id)->is_up)
			tell_all(TOTEM_EVENT_WATCH_ON, id);
	}
}

void node_crash_closing(uint32_t id, bool refuses)
{
	node_crash(id);
	net->refuses = refuses;

	uint64_t limit_ns = net->now_ns + net->delay_ns;

	while (net_step(net, limit_ns))
		;
	net->now_ns = limit_ns;
	tell_all(TOTEM_EVENT_WATCH_CLOSED, id);
}

const struct evicted *last_evicted(uint32_t at, uint32_t evicted)
{
	const struct node *node = node_of(at);

	for (uint32_t i = node->evicted_count; i > 0; i--) {
		if (node->evicted[i - 1].node == evicted)
			return &node->evicted[i - 1];
	}
	return NULL;
}

/* Hand packets to the engine of a node. A delivery that yields in the middle of them goes on with the next ones. */
static void receive(struct node *node, struct coterie_frame *const *frames, size_t count)
{
	for (size_t taken = 0; taken < count;)
		taken += totem_engine_receive(node->engine, net->now_ns, frames + taken, count - taken);
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
		receive(to, batch, count);
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
		totem_engine_refused(node->engine, n->now_ns, refused.by, refused.frame->data, refused.frame->size);
	frame_unref(refused.frame);
	return true;
}

bool net_step(struct net *n, uint64_t limit_ns)
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

/* End a node's pause. The test chooses whether expired timers or waiting packets are handled first. */
void node_resume(struct node *node, bool timers_first)
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
			receive(node, node->waiting, node->waiting_count);
	}
	for (size_t i = 0; i < node->waiting_count; i++)
		frame_unref(node->waiting[i]);
	node->waiting_count = 0;
}

void run_for(uint64_t ms)
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

void run_until_ring(uint32_t count, uint64_t ms)
{
	uint64_t limit_ns = net->now_ns + ms * MS;

	while (!is_one_ring(count))
		ck_assert_msg(net_step(net, limit_ns), "no ring of %u within %lu ms", count, (unsigned long)ms);
}

static bool have_all(uint32_t count)
{
	for (uint32_t i = 0; i < net->node_count; i++) {
		if (net->nodes[i].is_up && net->nodes[i].received < count)
			return false;
	}
	return true;
}

void run_until_received(uint32_t count, uint64_t ms)
{
	uint64_t limit_ns = net->now_ns + ms * MS;

	while (!have_all(count))
		ck_assert_msg(
			net_step(net, limit_ns), "not all of %u messages within %lu ms", count, (unsigned long)ms);
}

int send_text(uint32_t id, enum totem_guarantee guarantee, const char *text)
{
	const struct iovec iov = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text) + 1};

	return totem_engine_send(node_of(id)->engine, net->now_ns, guarantee, &iov, 1);
}

void send_many(uint32_t id, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		char text[32];

		snprintf(text, sizeof(text), "m%u.%u", id, i);
		ck_assert_int_eq(send_text(id, TOTEM_AGREED, text), 0);
	}
}

void clear_logs(void)
{
	for (uint32_t i = 0; i < NODES_MAX; i++) {
		net->nodes[i].log[0] = '\0';
		net->nodes[i].log_size = 0;
		net->nodes[i].received = 0;
		net->nodes[i].gathered = 0;
		net->nodes[i].evicted_count = 0;
		net->nodes[i].lease_ends = net->nodes[i].lease_begins = 0;
	}
}

void start_ring(uint32_t count)
{
	net->node_count = count;
	for (uint32_t id = 1; id <= count; id++)
		node_start(id);
	run_until_ring(count, 20000);
	run_for(5);
	clear_logs();
}

void net_setup(void)
{
	net = calloc(1, sizeof(*net));
	ck_assert_ptr_nonnull(net);
	net->now_ns = 1000 * MS;
	net->visit_frames_max = 17;
	net->refusals_left = 6;
	net->delay_ns = DELAY_NS;
	totem_options_defaults(&options, 1, 3);
}

void net_teardown(void)
{
	for (uint32_t i = 0; i < net->node_count; i++) {
		struct node *node = &net->nodes[i];

		if (node->is_up)
			node_crash(i + 1);
		while (node->waiting_count > 0)
			frame_unref(node->waiting[--node->waiting_count]);
	}
	while (net->count > 0)
		net_deliver(net);
	for (int i = 0; i < 6; i++)
		free(net->samples[i]);
	free(net);
}

void feed(uint32_t id, const uint8_t *bytes, size_t size)
{
	struct node *node = node_of(id);
	struct coterie_frame *frame = frame_take(node->pool, size == 0 ? 1 : size);

	ck_assert_ptr_nonnull(frame);
	if (size > 0)
		memcpy(frame->data, bytes, size);
	frame->size = (uint32_t)size;
	receive(node, &frame, 1);
	frame_unref(frame);
}
