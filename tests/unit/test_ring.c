/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ring's glue between a transport and the engine: when frames are passed to the engine, and which link events it
 * gets. Engine, loop and other parts are stubs that record their calls.
 */
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/model.h"
#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin.h"
#include "exec/ring/ring.h"
#include "exec/ring/ring_account.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/ring/ring_log.h"
#include "exec/ring/ring_private.h"
#include "exec/ring/state_dir.h"
#include "exec/totem/wire.h"
#include "tests/suite.h"

/* Of plugin_watch.c. */
const struct plugin_call *plugin_call_now;

#define DEFERRED_MAX 8

static struct {
	char story[1024]; /* calls of engine and transport, in order */
	struct totem_callbacks callbacks;
	void *arg;
	struct totem_counters counters;
	uint64_t later_ns; /* time of the clock */
	uint32_t payload_max;
	bool sends_a_token; /* pass a token to this node whenever a frame arrives */
	struct {
		void (*run)(void *arg);
		void *arg;
	} deferred[DEFERRED_MAX];
	uint32_t deferred_count;
	/* Frames that the transport's drain passes up. */
	const char *waiting;
	bool has_more; /* result of the pull: clients have more messages */
	/* lease_ns: end of the lease. suspended_ns: time for which the host was suspended */
	uint64_t lease_ns, suspended_ns;
	bool is_without_provider, asks_for_the_lease;
	struct ring *ring;
	uint32_t witness;             /* result of the transport's function */
	void (*timer_run)(void *arg); /* of the timer that was set last */
	void *timer_arg;
	uint32_t stores;
	uint64_t stored_seq;
	bool is_disk_full, is_gathering, is_queue_full;
	int exit_code;
	size_t received, noted; /* number of frames that the engine and the statistics got */
} seen;

static void tell_story(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void tell_story(const char *format, ...)
{
	size_t used = strlen(seen.story);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(seen.story + used, sizeof(seen.story) - used, format, arguments);
	va_end(arguments);
}

/* ---- Stand-ins ----------------------------------------------------------- */

static struct totem_engine *const engine_object = (struct totem_engine *)&seen;

struct totem_engine *totem_engine_create(struct frame_pool *pool, const struct totem_options *options,
	const struct totem_callbacks *callbacks, void *arg, uint64_t now_ns)
{
	(void)pool, (void)now_ns;
	seen.callbacks = *callbacks;
	seen.arg = arg;
	seen.payload_max = options->payload_max;
	return engine_object;
}

void totem_engine_destroy(struct totem_engine *engine) { (void)engine; }

/* Record a frame as its type and the byte behind it. */
void totem_engine_receive(
	struct totem_engine *engine, uint64_t now_ns, struct coterie_frame *const *frames, size_t count)
{
	(void)engine, (void)now_ns;
	seen.received += count;
	for (size_t i = 0; i < count; i++)
		tell_story("%c%c ", frames[i]->data[3] == WIRE_TOKEN ? 'T' : 'm', frames[i]->data[4]);
	if (seen.asks_for_the_lease)
		tell_story("%s ", ring_has_lease(seen.ring) ? "held" : "lapsed");
	if (seen.sends_a_token)
		seen.callbacks.token(seen.arg, 1, frames[0]);
	seen.sends_a_token = false;
}

void totem_engine_transport(struct totem_engine *engine, uint64_t now_ns, enum totem_event event, uint32_t nodeid)
{
	(void)engine, (void)now_ns, (void)nodeid;
	tell_story("%s ", event == TOTEM_EVENT_LINK_UP     ? "UP"
			  : event == TOTEM_EVENT_LINK_DOWN ? "DOWN"
			  : event == TOTEM_EVENT_STOPPED   ? "STOPPED"
							   : "?");
	if (event == TOTEM_EVENT_STOPPED)
		seen.callbacks.lease(seen.arg, false);
}

bool totem_engine_has_lease(const struct totem_engine *engine, uint64_t now_ns)
{
	(void)engine;
	return now_ns < seen.lease_ns;
}

uint64_t loop_suspended_ns(const struct loop *loop)
{
	(void)loop;
	return seen.suspended_ns;
}

void totem_engine_set_capacity(struct totem_engine *engine, uint32_t frames)
{
	(void)engine;
	tell_story("capacity:%u ", frames);
}

void totem_engine_refused(struct totem_engine *engine, uint64_t now_ns, uint32_t nodeid, const void *bytes, size_t size)
{
	(void)engine, (void)now_ns, (void)bytes;
	tell_story("refused:%u:%zu ", nodeid, size);
}

void totem_engine_timeout(struct totem_engine *engine, uint64_t now_ns, enum totem_timer timer)
{
	(void)engine, (void)now_ns;
	tell_story("timeout:%d ", (int)timer);
	if (seen.has_more)
		seen.callbacks.timer(seen.arg, TOTEM_TIMER_HOLD, 1);
}

void totem_engine_leave(struct totem_engine *engine, uint64_t now_ns) { (void)engine, (void)now_ns; }

int totem_engine_reconfigure(struct totem_engine *engine, uint64_t now_ns, const struct totem_options *options)
{
	(void)engine, (void)now_ns;
	seen.payload_max = options->payload_max;
	return 0;
}

void totem_engine_set_payload_max(struct totem_engine *engine, uint32_t payload_max)
{
	(void)engine;
	seen.payload_max = payload_max;
}

int totem_engine_send(struct totem_engine *engine, uint64_t now_ns, enum totem_guarantee guarantee,
	const struct iovec *iov, size_t count)
{
	(void)engine, (void)now_ns, (void)guarantee, (void)iov, (void)count;
	return seen.is_queue_full ? -EAGAIN : 0;
}

int totem_engine_send_in_order(struct totem_engine *engine, uint64_t now_ns, enum totem_guarantee guarantee,
	const struct iovec *iov, size_t count)
{
	return totem_engine_send(engine, now_ns, guarantee, iov, count);
}

void totem_engine_synchronized(struct totem_engine *engine, uint64_t now_ns) { (void)engine, (void)now_ns; }

void ring_account_token(struct ring_account *account, uint64_t received_ns, uint64_t now_ns)
{
	(void)account, (void)received_ns, (void)now_ns;
}

void ring_account_trace(struct ring_account *account, uint64_t now_ns, const struct totem_trace *trace)
{
	(void)account, (void)now_ns, (void)trace;
}

void ring_account_configuration(
	struct ring_account *account, uint64_t now_ns, const struct totem_configuration *configuration)
{
	(void)account, (void)now_ns, (void)configuration;
}

void ring_account_synchronized(struct ring_account *account) { (void)account; }

void ring_account_sent(struct ring_account *account, uint64_t now_ns, enum totem_guarantee guarantee)
{
	(void)account, (void)now_ns, (void)guarantee;
}

void ring_account_arrived(struct ring_account *account, uint64_t now_ns) { (void)account, (void)now_ns; }

int ring_sources_init(struct ring_sources *sources, struct stats *stats)
{
	(void)sources, (void)stats;
	return 0;
}

void ring_sources_fini(struct ring_sources *sources) { (void)sources; }

void ring_sources_members(struct ring_sources *sources, const uint32_t *members, uint32_t count)
{
	(void)sources, (void)members, (void)count;
}

void ring_sources_note(struct ring_sources *sources, struct coterie_frame *const *frames, size_t count)
{
	(void)sources, (void)frames;
	seen.noted += count;
}

const struct totem_counters *totem_engine_counters(const struct totem_engine *engine)
{
	(void)engine;
	return &seen.counters;
}

int totem_options_check(const struct totem_options *options, const char **which)
{
	(void)options, (void)which;
	return 0;
}

void log_line(const char *subsystem, int prio, const char *format, ...) { (void)subsystem, (void)prio, (void)format; }

uint64_t loop_now_ns(const struct loop *loop)
{
	(void)loop;
	return 1 + seen.later_ns;
}

struct loop_timer *loop_timer_add(struct loop *loop, uint64_t at_ns, void (*run)(void *arg), void *arg)
{
	(void)loop;
	seen.timer_run = run;
	seen.timer_arg = arg;
	tell_story("timer:%ju ", (uintmax_t)at_ns);
	return NULL;
}

void loop_timer_del(struct loop *loop, struct loop_timer *timer) { (void)loop, (void)timer; }

void loop_timers_settle(struct loop *loop) { (void)loop; }

int loop_defer(struct loop *loop, void (*run)(void *arg), void *arg)
{
	(void)loop;
	ck_assert_uint_lt(seen.deferred_count, DEFERRED_MAX);
	seen.deferred[seen.deferred_count].run = run;
	seen.deferred[seen.deferred_count++].arg = arg;
	return 0;
}

static void run_deferred(void)
{
	uint32_t count = seen.deferred_count;

	seen.deferred_count = 0;
	for (uint32_t i = 0; i < count; i++)
		seen.deferred[i].run(seen.deferred[i].arg);
}

int state_ring_seq_load(const char *dir, uint32_t nodeid, uint64_t *seq)
{
	(void)dir, (void)nodeid;
	*seq = 0;
	return 0;
}

int state_ring_seq_store(const char *dir, uint32_t nodeid, uint64_t seq)
{
	(void)dir, (void)nodeid;
	seen.stores++;
	if (!seen.is_disk_full)
		seen.stored_seq = seq;
	return seen.is_disk_full ? -ENOSPC : 0;
}

enum totem_state totem_engine_state(const struct totem_engine *engine)
{
	(void)engine;
	return seen.is_gathering ? TOTEM_GATHER : TOTEM_OPERATIONAL;
}

void ring_log_trace(struct ring_log *log, uint64_t now_ns, const struct totem_trace *trace)
{
	(void)log, (void)now_ns;
	tell_story("log:%d ", (int)trace->kind);
}
void ring_log_bad_packet(
	struct ring_log *log, uint64_t now_ns, const struct coterie_frame *frame, const struct sockaddr *from)
{
	(void)log, (void)now_ns, (void)frame, (void)from;
}
void ring_log_configuration(struct ring_log *log, const struct totem_configuration *configuration)
{
	(void)log, (void)configuration;
}
void ring_log_fini(struct ring_log *log) { (void)log; }
/* ---- The listener -------------------------------------------------------- */

static void on_deliver(void *arg, const struct totem_message *message)
{
	(void)arg;
	tell_story("message:%u ", message->source);
}

static void on_configured(void *arg, const struct totem_configuration *configuration)
{
	(void)arg;
	tell_story("configured:%u ", configuration->member_count);
	ring_note_configuration(seen.ring, configuration);
	ring_tell_transport(seen.ring, configuration);
}

static bool on_visit(void *arg)
{
	(void)arg;
	tell_story("pull ");
	return seen.has_more;
}

static void on_lingering(void *arg)
{
	(void)arg;
	tell_story("linger ");
}

static void on_passed(void *arg)
{
	(void)arg;
	tell_story("passed ");
}

static void on_room(void *arg)
{
	(void)arg;
	tell_story("room ");
}

static void on_refused(void *arg)
{
	(void)arg;
	tell_story("refused ");
}

static void on_lease(void *arg)
{
	(void)arg;
	tell_story("lease ");
}

static bool needs_lease(void *arg)
{
	(void)arg;
	return !seen.is_without_provider;
}

static void on_trace(void *arg, uint64_t now_ns, const struct totem_trace *trace)
{
	(void)arg;
	ck_assert_uint_gt(now_ns, 0);
	if (trace->kind == TOTEM_TRACE_EVICTED)
		tell_story("evicted:%u ", trace->eviction->nodeid);
	else if (trace->kind == TOTEM_TRACE_PAUSED)
		tell_story("paused:%ju ", (uintmax_t)trace->value);
}

static void on_stop(void *arg, int exit_code)
{
	(void)arg;
	seen.exit_code = exit_code;
}

static const struct ring_listener listener = {
	.deliver = on_deliver,
	.configured = on_configured,
	.visit = on_visit,
	.lingering = on_lingering,
	.passed = on_passed,
	.room = on_room,
	.refused = on_refused,
	.lease = on_lease,
	.needs_lease = needs_lease,
	.trace = on_trace,
	.stop = on_stop,
};

/* ---- The transport ------------------------------------------------------- */

static void hand_up(struct ring *ring, const char *frames)
{
	struct coterie_arrival arrivals[8] = {0};
	uint32_t count = 0;

	/* frames: for example "m1 T2 m3". */
	for (const char *at = frames; *at != '\0'; at += at[2] == '\0' ? 2 : 3) {
		struct coterie_frame *frame = ring_frame_take(ring, 64);

		ck_assert_ptr_nonnull(frame);
		memset(frame->data, 0, 5);
		frame->data[3] = at[0] == 'T' ? WIRE_TOKEN : WIRE_MCAST;
		frame->data[4] = (uint8_t)at[1];
		frame->size = 5;
		arrivals[count++] = (struct coterie_arrival){.frame = frame};
	}
	ring_frames_in(ring, arrivals, count);
	for (uint32_t i = 0; i < count; i++)
		frame_unref(arrivals[i].frame);
}

static int drain(void *self)
{
	const char *waiting = seen.waiting;

	(void)self;
	tell_story("drain ");
	seen.waiting = NULL;
	if (waiting != NULL)
		hand_up(seen.ring, waiting);
	return 0;
}

static void membership(void *self, const uint32_t *nodeids, uint32_t count)
{
	(void)self, (void)nodeids;
	tell_story("members:%u ", count);
}

static int peer_add(void *self, uint32_t link, uint32_t nodeid, const struct sockaddr *address)
{
	(void)self;
	ck_assert_uint_eq(ntohs(((const struct sockaddr_in *)address)->sin_port), 5405 + link);
	tell_story("+%u/%u ", nodeid, link);
	return 0;
}

static int link_up(void *self, uint32_t link, const struct sockaddr *local)
{
	(void)self, (void)local;
	tell_story("up%u ", link);
	return 0;
}

/* ---- Fixture ------------------------------------------------------------- */

static struct config_node nodes[2];
static struct config config;
static struct plugin transport;
static struct ring_account account;
static const struct ring_parts parts = {.account = &account, .state_dir = "/state"};
static const struct coterie_plugin descriptor;

static void add_address(struct config_node *node, uint32_t link)
{
	struct sockaddr_in *address = (struct sockaddr_in *)&node->addresses[link];

	address->sin_family = AF_INET;
	address->sin_port = htons((uint16_t)(5405 + link));
	node->link_count = link + 1;
}

/* Two nodes on links 0 and 3. */
static void set_up(void)
{
	int exit_code;

	memset(&seen, 0, sizeof(seen));
	memset(nodes, 0, sizeof(nodes));
	for (uint32_t i = 0; i < 2; i++) {
		nodes[i].nodeid = i + 1;
		add_address(&nodes[i], 0);
		add_address(&nodes[i], 3);
	}
	config = (struct config){.nodes = nodes, .node_count = 2, .link_count = 4};
	config.totem.nodeid = 1;
	transport = (struct plugin){.name = "fake",
		.descriptor = &descriptor,
		.transport = {.links_max = 8,
			.netmtu = 1500,
			.drain = drain,
			.peer_add = peer_add,
			.link_up = link_up,
			.membership = membership}};
	seen.ring = ring_create(&parts, &listener, &config, &exit_code);
	ck_assert_ptr_nonnull(seen.ring);
	ck_assert_int_eq(ring_start(seen.ring, &config, &transport), 0);
}

static void tear_down(void)
{
	ring_stop(seen.ring);
	ring_destroy(seen.ring);
	ck_assert_uint_eq(seen.noted, seen.received);
}

static void expect(const char *story)
{
	ck_assert_str_eq(seen.story, story);
	seen.story[0] = '\0';
}

/* ---- What was sent before a token comes before it ------------------------ */

START_TEST(frames_are_handed_to_the_engine)
{
	seen.story[0] = '\0';
	hand_up(seen.ring, "m1 m2");
	expect("m1 m2 ");
}
END_TEST

START_TEST(a_token_waits_for_what_is_in_the_sockets)
{
	seen.story[0] = '\0';
	seen.waiting = "m1 m2";
	hand_up(seen.ring, "T1");
	expect("drain m1 m2 T1 ");
	hand_up(seen.ring, "m3 T2"); /* nothing waits */
	expect("drain m3 T2 ");
}
END_TEST

START_TEST(draining_is_not_repeated_inside_itself)
{
	seen.story[0] = '\0';
	seen.waiting = "m1 T1 m2";
	hand_up(seen.ring, "T2");
	expect("drain m1 T1 m2 T2 ");
}
END_TEST

START_TEST(a_transport_may_keep_the_order_by_itself)
{
	seen.story[0] = '\0';
	transport.transport.drain = NULL;
	hand_up(seen.ring, "T1");
	expect("T1 ");
}
END_TEST

/*
 * A token that arrives inside a call of the engine is kept for the next turn. Frames that arrive before that turn come
 * first.
 */
START_TEST(a_token_that_waited_for_its_turn)
{
	seen.story[0] = '\0';
	seen.sends_a_token = true;
	hand_up(seen.ring, "m1");
	expect("m1 ");
	run_deferred(); /* without a token nothing waits for the next turn */
	expect("m1 ");
	seen.sends_a_token = true;
	hand_up(seen.ring, "T1");
	expect("drain T1 ");
	seen.waiting = "m2";
	run_deferred();
	expect("drain m2 T1 ");
}
END_TEST

START_TEST(a_visit_of_the_token_pulls_what_a_rotation_carries)
{
	seen.story[0] = '\0';
	ck_assert(!seen.callbacks.visit(seen.arg)); /* other senders leave little room in the queue */
	expect("pull ");
	seen.has_more = true;
	ck_assert(seen.callbacks.visit(seen.arg));
	expect("pull ");
	seen.has_more = false;
	seen.callbacks.lingering(seen.arg);
	expect("linger ");
}
END_TEST

/* ---- What goes up goes to the listener ----------------------------------- */

START_TEST(the_listener_is_called)
{
	const struct totem_message message = {.source = 2};
	const uint32_t members[] = {1, 2};
	struct totem_configuration configuration = {.members = members, .member_count = 2};

	seen.story[0] = '\0';
	seen.callbacks.deliver(seen.arg, &message);
	expect("message:2 ");
	seen.callbacks.configure(seen.arg, &configuration);
	expect("configured:2 "); /* the transport gets regular configurations only */
	configuration.is_regular = true;
	seen.callbacks.configure(seen.arg, &configuration);
	expect("configured:2 members:2 ");
	seen.callbacks.passed(seen.arg);
	seen.callbacks.room(seen.arg);
	expect("passed room ");
}
END_TEST

START_TEST(a_full_queue_tells_the_listener)
{
	char byte = 'x';
	struct iovec iov = {&byte, 1};

	seen.story[0] = '\0';
	ck_assert_int_eq(ring_send(seen.ring, "a", TOTEM_AGREED, &iov, 1), 0);
	expect("");
	seen.is_queue_full = true;
	ck_assert_int_eq(ring_send(seen.ring, "a", TOTEM_AGREED, &iov, 1), -EAGAIN);
	expect("refused ");
}
END_TEST

START_TEST(the_listener_logs_a_pause)
{
	const struct totem_trace trace = {.kind = TOTEM_TRACE_PAUSED, .value = 700};

	seen.story[0] = '\0';
	seen.callbacks.trace(seen.arg, &trace);
	expect("paused:700 ");
}
END_TEST

/* A timer that is due is handled in the next turn and needs no timer of the loop. */
START_TEST(a_deadline_that_is_now_is_a_turn)
{
	seen.story[0] = '\0';
	seen.has_more = true;
	seen.callbacks.timer(seen.arg, TOTEM_TIMER_HOLD, 1);
	seen.callbacks.timer(seen.arg, TOTEM_TIMER_TOKEN, 5000);
	expect("timer:5000 ");
	run_deferred();
	expect("timeout:2 timer:5000 ");
	seen.has_more = false;
	run_deferred();
	expect("timeout:2 timer:5000 ");
	run_deferred();
	expect("");
}
END_TEST

/* Memory of a busy time is freed some time after it was last needed. */
START_TEST(memory_of_a_busy_time_is_given_back)
{
	struct coterie_frame *frames[100];
	struct frame_pool_usage usage;

	for (int i = 0; i < 100; i++)
		frames[i] = ring_frame_take(seen.ring, 64);
	seen.ring->timer = (struct loop_timer *)1; /* one runs */
	for (int i = 1; i <= 4; i++) {
		seen.later_ns = (uint64_t)i * 600000000;
		for (int at = 0; i == 2 && at < 100; at++)
			frame_unref(frames[at]);
		frame_pool_usage(seen.ring->pool, &usage);
#ifndef __SANITIZE_ADDRESS__
		ck_assert(i == 1 || usage.kept >= 100); /* kept for the same time again, in case the load returns */
#endif
		hand_up(seen.ring, "m1");
	}
	frame_pool_usage(seen.ring->pool, &usage);
	ck_assert_uint_lt(usage.kept, 10);
	seen.ring->timer = NULL;
	seen.later_ns = 0;
}
END_TEST

START_TEST(a_frame_too_short_to_have_a_type)
{
	struct coterie_frame *frame = ring_frame_take(seen.ring, 64);
	struct coterie_arrival arrival = {.frame = frame};

	memset(frame->data, 0, 8);
	frame->data[4] = 's';
	frame->size = 3;
	seen.story[0] = '\0';
	ring_frames_in(seen.ring, &arrival, 1);
	expect("Ts ");
	frame_unref(frame);
}
END_TEST

/* ---- Links --------------------------------------------------------------- */

START_TEST(links_that_there_are) { expect("+1/0 +1/3 +2/0 +2/3 up0 up3 "); }
END_TEST

START_TEST(the_first_link_up_and_the_last_one_down)
{
	seen.story[0] = '\0';
	ring_link_state(seen.ring, 3, true, "");
	expect("UP ");
	ring_link_state(seen.ring, 0, true, "");
	ring_link_state(seen.ring, 3, false, "");
	expect("");
	ring_link_state(seen.ring, 0, false, "");
	expect("DOWN ");
	ring_link_state(seen.ring, 0, true, "");
	expect("UP ");
}
END_TEST

/* Of a transport with one link each report counts, as its sockets may be new ones. */
START_TEST(a_single_link_that_is_told_again)
{
	seen.story[0] = '\0';
	ring_link_state(seen.ring, 0, false, "");
	ring_link_state(seen.ring, 0, true, "");
	ring_link_state(seen.ring, 0, true, "");
	expect("DOWN UP UP ");
}
END_TEST

static uint32_t capacity(void *self, uint32_t frame_size)
{
	(void)self;
	return frame_size == 1500 ? 184 : 0;
}

/*
 * The transport is asked for its capacity each time the first link comes up: its sockets are open then, and may be new
 * ones.
 */
START_TEST(what_arrivals_have_room_for)
{
	transport.transport.capacity = capacity;
	seen.story[0] = '\0';
	ring_link_state(seen.ring, 0, true, "");
	ring_link_state(seen.ring, 0, false, "");
	expect("capacity:184 UP DOWN ");
}
END_TEST

START_TEST(a_link_that_is_closed)
{
	seen.story[0] = '\0';
	ring_link_state(seen.ring, 0, true, "");
	ring_link_state(seen.ring, 3, true, "");
	expect("UP ");
	ring_link_gone(seen.ring, 0);
	expect("");
	ring_link_gone(seen.ring, 0);
	expect("");
	ring_link_gone(seen.ring, 3);
	expect("DOWN ");
	ring_link_gone(seen.ring, 3);
	expect("");
}
END_TEST

START_TEST(a_link_that_cannot_be)
{
	seen.story[0] = '\0';
	ring_link_state(seen.ring, COTERIE_LINKS_MAX, true, "");
	ring_link_state(seen.ring, UINT32_MAX, true, "");
	ring_link_gone(seen.ring, COTERIE_LINKS_MAX);
	expect("");
}
END_TEST

START_TEST(frames_leave_room_for_the_longer_header)
{
	struct sockaddr_in6 *address = (struct sockaddr_in6 *)&nodes[0].addresses[3];
	int exit_code;

	ck_assert_uint_eq(seen.payload_max, 1500 - 90);
	tear_down();
	transport.transport.header_size = 28;
	transport.transport.peer_add = NULL; /* the transport is not called, since no node has such a link */
	address->sin6_family = AF_INET6;
	config.node_count = 0;
	seen.ring = ring_create(&parts, &listener, &config, &exit_code);
	ck_assert_ptr_nonnull(seen.ring);
	ck_assert_int_eq(ring_start(seen.ring, &config, &transport), 0);
	ck_assert_uint_eq(seen.payload_max, 1500 - 90 - 28 - 20);
}
END_TEST

static uint32_t overhead_now;

static uint32_t overhead(void *self)
{
	(void)self;
	return overhead_now;
}

START_TEST(frames_leave_room_for_what_a_reload_adds)
{
	transport.transport.overhead = overhead;
	overhead_now = 48;
	ck_assert_int_eq(ring_reconfigure(seen.ring, &config.totem), 0);
	ck_assert_uint_eq(seen.payload_max, 1500 - 90 - 48);
	ring_resize_frames(seen.ring);
	ck_assert_uint_eq(seen.payload_max, 1500 - 90 - 48);
	overhead_now = 0;
	ring_resize_frames(seen.ring);
	ck_assert_uint_eq(seen.payload_max, 1500 - 90);
	ck_assert_int_eq(ring_reconfigure(seen.ring, &config.totem), 0);
	ck_assert_uint_eq(seen.payload_max, 1500 - 90);
}
END_TEST

/* ---- The lease ----------------------------------------------------------- */

START_TEST(the_lease_is_the_engines)
{
	seen.lease_ns = 100;
	ck_assert(ring_has_lease(seen.ring));
	seen.later_ns = 100;
	ck_assert(!ring_has_lease(seen.ring));
	seen.is_without_provider = true;
	ck_assert(ring_has_lease(seen.ring));
	ck_assert(ring_has_lease(NULL));
}
END_TEST

START_TEST(clients_are_looked_at_when_the_lease_has_changed)
{
	seen.story[0] = '\0';
	seen.callbacks.lease(seen.arg, false);
	seen.callbacks.lease(seen.arg, true);
	expect("");
	run_deferred();
	expect("lease ");
	seen.callbacks.lease(seen.arg, false);
	run_deferred();
	expect("lease ");
}
END_TEST

START_TEST(a_suspend_ends_the_lease)
{
	seen.story[0] = '\0';
	seen.lease_ns = 100;
	seen.suspended_ns = 10000000; /* a small difference: the two clocks cannot be read at the same time */
	ck_assert(ring_has_lease(seen.ring));
	seen.suspended_ns += 10000001;
	ck_assert(!ring_has_lease(seen.ring));
	expect("STOPPED ");
	ck_assert(ring_has_lease(seen.ring)); /* from now on the engine decides */
	expect("");
	run_deferred();
	expect("lease ");
}
END_TEST

START_TEST(a_suspend_is_not_forgotten_inside_the_engine)
{
	seen.story[0] = '\0';
	seen.lease_ns = 100;
	seen.suspended_ns = 20000000;
	seen.asks_for_the_lease = true;
	hand_up(seen.ring, "m1");
	expect("m1 lapsed ");
	ck_assert(!ring_has_lease(seen.ring));
	expect("STOPPED ");
}
END_TEST

START_TEST(a_lapse_is_logged_where_requests_wait)
{
	struct totem_trace trace = {.kind = TOTEM_TRACE_LEASE};

	seen.story[0] = '\0';
	seen.is_without_provider = true;
	seen.callbacks.trace(seen.arg, &trace);
	expect("");
	seen.is_without_provider = false;
	seen.callbacks.trace(seen.arg, &trace);
	ck_assert_str_ne(seen.story, "");
}
END_TEST

static uint32_t say_witness(void *self, uint32_t nodeid, uint32_t is_first)
{
	(void)self;
	tell_story("witness:%u:%u ", nodeid, is_first);
	return seen.witness;
}

/* A missing function of the transport, or an invalid result, counts as unknown. */
START_TEST(a_witness_is_asked_of_the_transport)
{
	static const struct {
		uint32_t says;
		enum totem_witness want;
	} rows[] = {
		{COTERIE_WITNESS_UNKNOWN, TOTEM_WITNESS_UNKNOWN},
		{COTERIE_WITNESS_ANSWERS, TOTEM_WITNESS_ANSWERS},
		{COTERIE_WITNESS_SILENT, TOTEM_WITNESS_SILENT},
		{COTERIE_WITNESS_SILENT + 1, TOTEM_WITNESS_UNKNOWN},
	};

	ck_assert_int_eq(seen.callbacks.witness(seen.arg, 3, true), TOTEM_WITNESS_UNKNOWN);
	transport.transport.witness = say_witness;
	seen.story[0] = '\0';
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		seen.witness = rows[i].says;
		ck_assert_int_eq(seen.callbacks.witness(seen.arg, 3, i == 0), rows[i].want);
	}
	expect("witness:3:1 witness:3:0 witness:3:0 witness:3:0 ");
}
END_TEST

START_TEST(an_eviction_is_recorded_and_logged)
{
	struct totem_eviction eviction = {.nodeid = 2, .evidence = TOTEM_EVIDENCE_SILENT};
	struct totem_trace trace = {.kind = TOTEM_TRACE_EVICTED, .eviction = &eviction};
	char story[64];

	seen.story[0] = '\0';
	seen.callbacks.trace(seen.arg, &trace);
	snprintf(story, sizeof(story), "evicted:2 log:%d ", (int)TOTEM_TRACE_EVICTED);
	expect(story);
}
END_TEST

static int use(uint64_t number)
{
	const struct ring_id id = {.rep = 1, .seq = number};

	return seen.callbacks.store_ring_id(seen.arg, &id);
}

static void configure_regular(void)
{
	static const uint32_t members[] = {1, 2};
	const struct totem_configuration configuration = {.is_regular = true, .members = members, .member_count = 2};

	seen.timer_run = NULL;
	seen.callbacks.configure(seen.arg, &configuration);
}

/*
 * The next ring sequence is stored while the ring is quiet, so that members do not wait for each other's disk during a
 * change.
 */
START_TEST(ring_ids_are_stored_while_the_ring_is_quiet)
{
	ck_assert_uint_eq(seen.stores, 1); /* stored at the start */
	ck_assert_uint_eq(seen.stored_seq, RING_SEQ_AHEAD);
	ck_assert_int_eq(use(5), 0);
	configure_regular();
	ck_assert(seen.timer_run == NULL);
	ck_assert_int_eq(use(3001), 0);
	configure_regular();
	ck_assert_uint_eq(seen.stores, 1);
	ck_assert(seen.timer_run != NULL);
	seen.is_gathering = true; /* the next change has begun */
	seen.timer_run(seen.timer_arg);
	ck_assert_uint_eq(seen.stores, 1);
	seen.is_gathering = false;
	configure_regular();
	seen.timer_run(seen.timer_arg);
	ck_assert_uint_eq(seen.stores, 2);
	ck_assert_uint_eq(seen.stored_seq, 3001 + RING_SEQ_AHEAD);
	configure_regular();
	ck_assert(seen.timer_run == NULL);
}
END_TEST

START_TEST(a_full_disk_stops_the_daemon_when_no_ring_id_is_left)
{
	seen.is_disk_full = true;
	ck_assert_int_eq(use(RING_SEQ_AHEAD - 3), 0);
	configure_regular();
	seen.timer_run(seen.timer_arg);
	seen.timer_run(seen.timer_arg); /* the timer tries to store again */
	ck_assert_uint_eq(seen.stores, 3);
	ck_assert_int_eq(use(RING_SEQ_AHEAD), 0);
	ck_assert_int_eq(seen.exit_code, 0);
	ck_assert_int_eq(use(RING_SEQ_AHEAD + 1), -ENOSPC);
	ck_assert_int_eq(seen.exit_code, 21);
	seen.is_disk_full = false;
	ck_assert_int_eq(use(RING_SEQ_AHEAD + 1), 0);
	ck_assert_uint_eq(seen.stored_seq, 2 * RING_SEQ_AHEAD + 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring");
	TCase *tcase = tcase_create("ring");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, frames_are_handed_to_the_engine);
	tcase_add_test(tcase, a_token_waits_for_what_is_in_the_sockets);
	tcase_add_test(tcase, draining_is_not_repeated_inside_itself);
	tcase_add_test(tcase, a_transport_may_keep_the_order_by_itself);
	tcase_add_test(tcase, a_token_that_waited_for_its_turn);
	tcase_add_test(tcase, a_visit_of_the_token_pulls_what_a_rotation_carries);
	tcase_add_test(tcase, the_listener_is_called);
	tcase_add_test(tcase, a_full_queue_tells_the_listener);
	tcase_add_test(tcase, the_listener_logs_a_pause);
	tcase_add_test(tcase, a_deadline_that_is_now_is_a_turn);
	tcase_add_test(tcase, memory_of_a_busy_time_is_given_back);
	tcase_add_test(tcase, a_frame_too_short_to_have_a_type);
	tcase_add_test(tcase, links_that_there_are);
	tcase_add_test(tcase, the_first_link_up_and_the_last_one_down);
	tcase_add_test(tcase, a_single_link_that_is_told_again);
	tcase_add_test(tcase, what_arrivals_have_room_for);
	tcase_add_test(tcase, a_link_that_is_closed);
	tcase_add_test(tcase, a_link_that_cannot_be);
	tcase_add_test(tcase, frames_leave_room_for_the_longer_header);
	tcase_add_test(tcase, frames_leave_room_for_what_a_reload_adds);
	tcase_add_test(tcase, the_lease_is_the_engines);
	tcase_add_test(tcase, clients_are_looked_at_when_the_lease_has_changed);
	tcase_add_test(tcase, a_suspend_ends_the_lease);
	tcase_add_test(tcase, a_suspend_is_not_forgotten_inside_the_engine);
	tcase_add_test(tcase, a_lapse_is_logged_where_requests_wait);
	tcase_add_test(tcase, a_witness_is_asked_of_the_transport);
	tcase_add_test(tcase, an_eviction_is_recorded_and_logged);
	tcase_add_test(tcase, ring_ids_are_stored_while_the_ring_is_quiet);
	tcase_add_test(tcase, a_full_disk_stops_the_daemon_when_no_ring_id_is_left);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
