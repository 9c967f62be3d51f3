/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/exec/ring/ring_case.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/ring/ring_account.h"
#include "exec/ring/ring_log.h"
#include "exec/ring/ring_private.h"
#include "exec/ring/state_dir.h"
#include "exec/totem/wire.h"
#include "tests/suite.h"

/* Defined by plugin_watch.c, which is no part of these programs. */
const struct plugin_call *plugin_call_now;

struct ring_seen seen;

void tell_story(const char *format, ...)
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

/* Record each frame as its type and the byte behind the type. */
size_t totem_engine_receive(
	struct totem_engine *engine, uint64_t now_ns, struct coterie_frame *const *frames, size_t count)
{
	(void)engine, (void)now_ns;
	size_t taken = seen.yields_at_first && count > 1 ? 1 : count;

	seen.received += taken;
	for (size_t i = 0; i < taken; i++)
		tell_story("%c%c ", frames[i]->data[3] == WIRE_TOKEN ? 'T' : 'm', frames[i]->data[4]);
	if (seen.asks_for_the_lease)
		tell_story("%s ", ring_has_lease(seen.ring) ? "held" : "lapsed");
	if (seen.sends_a_token)
		seen.callbacks.token(seen.arg, 1, frames[0]);
	seen.sends_a_token = false;
	seen.has_yielded |= seen.yields_at_receive || seen.yields_at_first;
	seen.yields_at_receive = seen.yields_at_first = false;
	return taken;
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

void totem_engine_set_votes(
	struct totem_engine *engine, const struct ring_id *ring, const uint32_t *votes, uint32_t count, uint32_t needed)
{
	(void)engine, (void)ring, (void)votes, (void)count, (void)needed;
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
	if (timer == TOTEM_TIMER_DELIVER)
		seen.has_yielded = false;
	if (seen.has_more)
		seen.callbacks.timer(seen.arg, TOTEM_TIMER_HOLD, 1);
}

/* A frame with the name "?" is a question. */
bool totem_engine_question(struct totem_engine *engine, uint64_t now_ns, const struct coterie_frame *frame)
{
	(void)engine, (void)now_ns;
	if (frame->data[4] == '?')
		tell_story("answer ");
	return frame->data[4] == '?';
}

void totem_engine_yield(struct totem_engine *engine)
{
	(void)engine;
	tell_story("yield ");
	seen.has_yielded = true;
}

bool totem_engine_has_yielded(const struct totem_engine *engine)
{
	(void)engine;
	return seen.has_yielded;
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

void ring_sources_forget(struct ring_sources *sources, uint32_t nodeid)
{
	(void)sources;
	seen.forgotten = nodeid;
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
	return seen.has_timers ? (struct loop_timer *)&seen.has_timers : NULL;
}

void loop_timer_del(struct loop *loop, struct loop_timer *timer) { (void)loop, (void)timer; }

void loop_timers_settle(struct loop *loop)
{
	(void)loop;
	tell_story("settled ");
}

int loop_defer(struct loop *loop, void (*run)(void *arg), void *arg)
{
	(void)loop;
	ck_assert_uint_lt(seen.deferred_count, DEFERRED_MAX);
	seen.deferred[seen.deferred_count].run = run;
	seen.deferred[seen.deferred_count++].arg = arg;
	return 0;
}

void run_deferred(void)
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

static size_t on_deliver(void *arg, const struct totem_message *message)
{
	(void)arg;
	seen.later_ns += seen.message_ns;
	if (seen.message_ns == 0)
		tell_story("message:%u ", message->source);
	return seen.event_bytes;
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

void hand_up(struct ring *ring, const char *frames)
{
	struct coterie_arrival arrivals[8] = {0};
	uint32_t count = 0;

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

struct config_node nodes[2];
struct config config;
struct plugin transport;
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

void ring_case_start(void)
{
	int exit_code;

	seen.ring = ring_create(&parts, &listener, &config, &exit_code);
	ck_assert_ptr_nonnull(seen.ring);
	ck_assert_int_eq(ring_start(seen.ring, &config, &transport), 0);
}

void ring_case_set_up(void)
{
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
	ring_case_start();
}

void ring_case_tear_down(void)
{
	ring_stop(seen.ring);
	ring_destroy(seen.ring);
	ck_assert_uint_eq(seen.noted, seen.received);
}

void expect(const char *story)
{
	ck_assert_str_eq(seen.story, story);
	seen.story[0] = '\0';
}
