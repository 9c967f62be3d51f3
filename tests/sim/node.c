/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/check_ring.h"
#include "tests/sim/connections.h"
#include "tests/sim/options.h"
#include "tests/sim/services.h"
#include "tests/sim/sim.h"
#include "tests/sim/step.h"
#include "tests/sim/tap.h"

#define POOL_FRAME 2048u
#define POOL_BYTES_MAX (64u << 20)
#define STARVED_BYTES 6000u
#define SUSPEND_MIN_NS MS(10) /* that of exec/ring/ring_lease.c */

uint64_t node_local_ns(const struct node *node) { return host_clock_now(&node->clock, node->sim->clock.now_ns); }

uint64_t node_boot_ns(const struct node *node) { return node_local_ns(node) + node->clock.suspended_ns; }

bool node_is_up(const struct node *node) { return node->engine != NULL && !node->is_dying; }

void node_note(struct node *node, enum trace_subject subject, struct trace_entry entry)
{
	entry.at_ns = node->sim->clock.now_ns;
	entry.subject = (uint8_t)subject;
	entry.node = node->index;
	trace_add(&node->sim->trace, &entry);
}

/* ------------------------------------------------------------------------------------------ sending */

static void transmit(struct node *node, const struct coterie_frame *frame, uint32_t to)
{
	struct sim *sim = node->sim;
	struct tap tap;

	tap_packet(&sim->history, node->life, node->options.swap, step_window(node), sim->clock.now_ns, frame->data,
		frame->size, &tap);

	struct trace_entry entry = {.peer = to, .detail = tap.type, .ring = tap.ring, .seq = tap.seq};

	memcpy(entry.note, tap.note, sizeof(entry.note));
	node_note(node, TRACE_PACKET, entry);

	struct packet *packet = packet_create(frame->data, frame->size, node->index, node->life->number);

	packet->ring = history_find_ring(&sim->history, &tap.ring);
	contact_attach(node, packet);
	if (tap.type == WIRE_MCAST) {
		node->step_frames++;
		outbox_take(node, packet->ring);
	}
	if (tap.type == WIRE_TOKEN)
		step_token_sent(node, tap.fcc, tap.backlog);
	if (to == TRACE_NOBODY)
		net_multicast(&sim->net, packet);
	else
		net_unicast(&sim->net, packet, to);
	packet_unref(packet);
}

static void on_multicast(void *arg, struct coterie_frame *const *frames, size_t count)
{
	struct node *node = arg;

	for (size_t i = 0; i < count; i++) {
		faults_point(node, POINT_MULTICAST);
		if (node->is_dying)
			return;
		transmit(node, frames[i], TRACE_NOBODY);
	}
}

static void on_token(void *arg, uint32_t nodeid, struct coterie_frame *frame)
{
	struct node *node = arg;
	uint32_t to = history_node(&node->sim->history, nodeid);

	faults_point(node, POINT_TOKEN);
	if (node->is_dying)
		return;
	if (to == SIM_NODES_MAX) {
		report_violation(&node->sim->report, "W1", BIT(node->index), NULL,
			"node %u sends a token to %u, which does not exist", node->id, nodeid);
		return;
	}
	transmit(node, frame, to);
}

/* ------------------------------------------------------------------------------------ to the services */

static void on_deliver(void *arg, const struct totem_message *delivered)
{
	struct node *node = arg;

	faults_point(node, POINT_DELIVER);
	if (!node->is_dying)
		services_deliver(node, delivered);
	if (node->yields > 0 && random_chance(&node->yield_random, node->yields))
		totem_engine_yield(node->engine);
}

static void on_configure(void *arg, const struct totem_configuration *configuration)
{
	struct node *node = arg;

	faults_point(node, configuration->is_regular ? POINT_REGULAR : POINT_TRANSITIONAL);
	if (!node->is_dying)
		services_configure(node, configuration);
}

static bool on_visit(void *arg)
{
	struct node *node = arg;

	faults_point(node, POINT_VISIT);
	services_hand_over(node);
	return node->pending_count > 0;
}

static void on_lingering(void *arg)
{
	struct node *node = arg;

	if (!node->is_dying)
		services_answer(node);
}

static void on_passed(void *arg)
{
	struct node *node = arg;

	faults_point(node, POINT_PASSED);
	services_pay(node);
}

static void on_room(void *arg)
{
	struct node *node = arg;

	services_pay(node);
	services_hand_over(node);
}

/* ----------------------------------------------------------------------------- timers, disk, trace */

static void queue_timer(struct node *node, enum totem_timer timer)
{
	uint64_t deadline = node->deadline_ns[timer];
	uint64_t at = deadline == TOTEM_NEVER ? TOTEM_NEVER : host_clock_when(&node->clock, deadline);

	/* A timer that is set during a turn expires in the next turn at the earliest. */
	if ((timer == TOTEM_TIMER_HOLD || timer == TOTEM_TIMER_DELIVER) && at <= node->sim->clock.now_ns)
		at = node->sim->clock.now_ns + node->sim->turn_ns;
	if (deadline == TOTEM_NEVER || node->queued_ns[timer] <= at)
		return;
	node->queued_ns[timer] = at;
	clock_add(&node->sim->clock, at, SIM_TIMER, node->index, NULL, timer);
}

static void on_timer(void *arg, enum totem_timer timer, uint64_t at_ns)
{
	struct node *node = arg;

	if (node->is_dying)
		return;
	node->deadline_ns[timer] = at_ns;
	queue_timer(node, timer);
}

static int on_store(void *arg, const struct ring_id *id)
{
	struct node *node = arg;
	int rc;

	faults_point(node, POINT_BEFORE_STORE);
	if (node->is_dying)
		return -EIO;
	rc = disk_store(&node->disk, id->seq);
	if (rc != 0)
		return rc;
	node->life->stored_seq = id->seq;
	faults_point(node, POINT_AFTER_STORE);
	return node->is_dying ? -EIO : 0;
}

static bool is_plain(const struct sim *sim, uint32_t id)
{
	for (uint32_t i = 0; i < sim->node_count; i++)
		if (sim->ids[i] == id)
			return sim->nodes[i].options.features == 0;
	return false;
}

/*
 * Note when a back-off ends at the latest. If a node of the pair has no probes, only time ends it:
 * book failure, "Back-off".
 */
static void note_backoff(const struct node *node, const struct totem_trace *trace)
{
	struct sim *sim = node->sim;
	uint64_t until_ns = sim->clock.now_ns + MS(trace->value);

	if ((node->options.features == 0 || is_plain(sim, trace->node) || is_plain(sim, trace->seq)) &&
		until_ns > sim->unasked_until_ns)
		sim->unasked_until_ns = until_ns;
}

static void on_trace(void *arg, const struct totem_trace *trace)
{
	struct node *node = arg;
	struct sim *sim = node->sim;

	if (node->is_dying)
		return;
	node_note(node, TRACE_ENGINE,
		(struct trace_entry){.ring = trace->ring,
			.seq = trace->seq,
			.value = trace->value,
			.peer = trace->node,
			.detail = (uint8_t)trace->kind,
			.extra = (uint32_t)trace->state << 8 | trace->cause});
	rings_traced(&sim->history, node->life, trace);
	if (trace->kind == TOTEM_TRACE_ORDERED) {
		/* The frame has its seq from now on, although it may be sent later. */
		struct tap tap;

		tap_packet(&sim->history, node->life, node->options.swap, step_window(node), sim->clock.now_ns,
			trace->frame->data, trace->frame->size, &tap);
	}
	if (trace->kind == TOTEM_TRACE_ORDERED || trace->kind == TOTEM_TRACE_RETRANSMITTED)
		outbox_add(node, history_find_ring(&sim->history, &trace->ring));
	if (trace->kind == TOTEM_TRACE_BACKOFF)
		note_backoff(node, trace);
	if (trace->kind == TOTEM_TRACE_PAUSED)
		node->paused_ns = sim->clock.now_ns;
	if (trace->kind == TOTEM_TRACE_TOKEN)
		step_token_accepted(node);
	if (trace->kind == TOTEM_TRACE_STATE && trace->value < 4)
		faults_point(node, POINT_STATE + (uint32_t)trace->value);
	faults_point(node, POINT_TRACE + (uint32_t)trace->kind);
}

/* ------------------------------------------------------------------------------------ life and death */

static void on_watch(void *arg, uint32_t nodeid)
{
	struct node *node = arg;

	if (!node->is_dying)
		connections_watch(node, nodeid);
}

bool node_start(struct node *node)
{
	struct sim *sim = node->sim;
	const struct totem_callbacks callbacks = {
		.multicast = on_multicast,
		.token = on_token,
		.timer = on_timer,
		.deliver = on_deliver,
		.configure = on_configure,
		.store_ring_id = on_store,
		.visit = on_visit,
		.lingering = on_lingering,
		.passed = on_passed,
		.room = on_room,
		.watch = on_watch,
		.trace = on_trace,
	};

	if (node->engine != NULL)
		return true;
	if (node->restarts_empty)
		disk_wipe(&node->disk, options_fresh_seq(sim, node, 1 + sim->history.life_count));
	for (int timer = 0; timer < TOTEM_TIMER_COUNT; timer++)
		node->deadline_ns[timer] = node->queued_ns[timer] = TOTEM_NEVER;
	node->life = history_start(&sim->history, node->index, node->options.features == 0 || node->quirks != 0,
		!node->restarts_empty, node->disk.ring_seq);
	node->life->fresh_seq = node->disk.fresh;
	node->life->is_reference = node->quirks != 0;
	node->life->delays_joins = options_join_wait_ns(sim, &node->options) != 0;
	node->restarts_empty = node->is_dying = node->is_paused = node->owes_link_up = false;
	host_clock_resume(&node->clock, sim->clock.now_ns);
	node->is_off_line = false;
	node->suspended_ns = node->clock.suspended_ns;
	node->is_syncing = true; /* true until the first ring has synchronised */
	node->owes_barrier = false;
	node->sync_members = 0;
	node->options.ring_seq = node->disk.ring_seq;
	node->delivered = 0;
	node->paused_ns = 0;
	contact_begin(node);
	node->outbox = (struct outbox){0};
	node_note(node, TRACE_LIFE, (struct trace_entry){.note = "starts", .value = node->disk.ring_seq});
	node->pool = frame_pool_create(POOL_FRAME, POOL_BYTES_MAX);
	node->engine = node->pool == NULL
			       ? NULL
			       : totem_engine_create(node->pool, &node->options, &callbacks, node, node_local_ns(node));
	if (node->engine == NULL) {
		const char *which = "nothing";

		totem_options_check(&node->options, &which);
		report_violation(&sim->report, "I12", BIT(node->index), NULL,
			"node %u: no engine; its options are refused for: %s", node->id, which);
		return false;
	}
#ifdef TOTEM_HOOKS
	if (sim->options.mutant != NULL)
		totem_engine_set_mutant(node->engine, sim->options.mutant);
	if (node->quirks != 0)
		totem_engine_set_quirks(node->engine, node->quirks);
#endif
	node_event(node, TOTEM_EVENT_LINK_UP, 0);
	return true;
}

void node_starve(struct node *node)
{
	struct frame_pool_usage usage;

	if (!node_is_up(node) || node->ballast != NULL)
		return;
	frame_pool_usage(node->pool, &usage);
	/* Leave room for a few packets only. */
	if (usage.bytes + STARVED_BYTES < POOL_BYTES_MAX)
		node->ballast = frame_take(node->pool, POOL_BYTES_MAX - STARVED_BYTES - usage.bytes);
	node_note(node, TRACE_LIFE, (struct trace_entry){.note = "has no memory left"});
}

void node_relieve(struct node *node)
{
	if (node->ballast == NULL)
		return;
	frame_unref(node->ballast);
	node->ballast = NULL;
	node_note(node, TRACE_LIFE, (struct trace_entry){.note = "has memory again"});
}

static void put_down(struct node *node)
{
	struct sim *sim = node->sim;
	struct frame_pool_usage usage;

	connections_close(node);
	frame_unref(node->ballast);
	node->ballast = NULL;
	if (node->engine != NULL) {
		sim->lingers += totem_engine_counters(node->engine)->lingers;
		sim->early_tokens += totem_engine_counters(node->engine)->early_tokens;
		sim->linger_frames += totem_engine_counters(node->engine)->linger_tx;
	}
	node->is_dying = true; /* further actions of the engine have no effect */
	totem_engine_destroy(node->engine);
	node->engine = NULL;
	frame_pool_usage(node->pool, &usage);
	if (usage.frames != 0 || usage.bytes != 0)
		report_violation(&sim->report, "I12", BIT(node->index), NULL,
			"node %u: %zu frames with %zu bytes are left of a destroyed engine", node->id, usage.frames,
			usage.bytes);
	frame_pool_destroy(node->pool);
	node->pool = NULL;
	history_end(&sim->history, node->life);
	for (uint32_t i = 0; i < node->inbox_count; i++)
		packet_unref(node->inbox[i]);
	node->inbox_count = node->pending_count = 0;
}

void node_crash(struct node *node, const char *text)
{
	struct trace_entry entry = {0};

	if (node->engine == NULL)
		return;
	snprintf(entry.note, sizeof(entry.note), "%s", text);
	node_note(node, TRACE_LIFE, entry);
	put_down(node);
}

void node_fini(struct node *node)
{
	if (node->engine != NULL)
		put_down(node);
}

/* -------------------------------------------------------------------------------------------- steps */

static void fire(struct node *node, enum totem_timer timer)
{
	node->deadline_ns[timer] = TOTEM_NEVER;
	step_begin(node);
	totem_engine_timeout(node->engine, node_local_ns(node), timer);
	step_end(node);
}

/* Return whether a timer runs while others are held back: exec/ring/ring_event.c. */
static bool runs_between(enum totem_timer timer)
{
	return timer == TOTEM_TIMER_DELIVER || timer == TOTEM_TIMER_PROBE || timer == TOTEM_TIMER_BACKOFF ||
	       timer == TOTEM_TIMER_PAUSE;
}

void node_timer(struct node *node, enum totem_timer timer)
{
	if (node->queued_ns[timer] > node->sim->clock.now_ns)
		return; /* the event belongs to an earlier life, or a later event has replaced it */
	node->queued_ns[timer] = TOTEM_NEVER;
	if (!node_is_up(node) || node->is_paused)
		return;
	if (node_is_held_back(node) && !runs_between(timer)) {
		node->queued_ns[timer] = node->sim->clock.now_ns + NODE_HELD_BACK_NS;
		clock_add(&node->sim->clock, node->queued_ns[timer], SIM_TIMER, node->index, NULL, timer);
		return;
	}
	if (node->deadline_ns[timer] <= node_local_ns(node))
		fire(node, timer);
	else
		queue_timer(node, timer);
}

void node_pause(struct node *node)
{
	if (node_is_up(node))
		node->is_paused = true;
}

void node_suspend(struct node *node, uint64_t until_ns, bool is_off_line)
{
	node_pause(node);
	host_clock_suspend(&node->clock, node->sim->clock.now_ns, until_ns);
	node->is_off_line = is_off_line;
}

bool node_was_suspended(const struct node *node)
{
	return node->clock.suspended_ns > node->suspended_ns + SUSPEND_MIN_NS;
}

/* Tell the engine of a suspend, as the daemon does when a request needs the lease. */
static void tell_suspend(struct node *node)
{
	if (!node_is_up(node) || node->is_paused || !node_was_suspended(node))
		return;
	node->suspended_ns = node->clock.suspended_ns;
	node_event(node, TOTEM_EVENT_STOPPED, 0);
}

static void fire_due(struct node *node)
{
	for (int timer = 0; timer < TOTEM_TIMER_COUNT && node_is_up(node) && !node->is_paused; timer++) {
		if (node->deadline_ns[timer] <= node_local_ns(node))
			fire(node, (enum totem_timer)timer);
		else
			queue_timer(node, (enum totem_timer)timer);
	}
}

void node_resume(struct node *node)
{
	if (!node_is_up(node) || !node->is_paused)
		return;
	node->is_paused = node->is_off_line = false;
	host_clock_resume(&node->clock, node->sim->clock.now_ns);
	/* The first request after a suspend comes before all packets, or later. */
	if (node_was_suspended(node) && random_chance(&node->sim->random, 5000))
		tell_suspend(node);
	if (node->owes_link_up)
		node_event(node, TOTEM_EVENT_LINK_UP, 0);
	node->owes_link_up = false;
	if (!node_is_up(node) || node->is_paused)
		return;
	node_note(node, TRACE_LIFE, (struct trace_entry){.note = "resumes", .value = node->inbox_count});
	/* After a pause the loop handles its timers first or its packets first, by chance. */
	if (random_chance(&node->sim->random, 5000))
		fire_due(node);
	node_wake(node);
	fire_due(node);
	if (node_is_up(node) && !node->is_paused) {
		step_begin(node);
		services_hand_over(node);
		step_end(node);
	}
}

void node_send(struct node *node, uint32_t guarantee, uint32_t payload_size)
{
	tell_suspend(node);
	if (!node_is_up(node))
		return;
	step_begin(node);
	services_offer(node, guarantee, payload_size);
	step_end(node);
}

void node_clock(struct node *node, uint64_t jump_ns, int32_t drift_ppm)
{
	host_clock_change(&node->clock, node->sim->clock.now_ns, jump_ns, drift_ppm);
	for (int timer = 0; timer < TOTEM_TIMER_COUNT; timer++)
		queue_timer(node, (enum totem_timer)timer);
}

void node_event(struct node *node, enum totem_event event, uint32_t peer_id)
{
	if (node->is_paused && event == TOTEM_EVENT_LINK_UP)
		node->owes_link_up = true;
	if (!node_is_up(node) || node->is_paused)
		return;
	step_begin(node);
	totem_engine_transport(node->engine, node_local_ns(node), event, peer_id);
	step_end(node);
}

void node_refused(struct node *node, struct packet *packet, uint32_t by_id)
{
	/* The report quotes only the first bytes of a datagram, as in real networks. */
	uint32_t size = packet->size < 128 ? packet->size : 128;

	if (node_is_up(node) && !node->is_paused && packet->life == node->life->number) {
		step_begin(node);
		totem_engine_refused(node->engine, node_local_ns(node), by_id, packet->bytes, size);
		step_end(node);
	}
	packet_unref(packet);
}

void node_reconfigure(struct node *node)
{
	if (!node_is_up(node) || node->is_paused)
		return;
	step_begin(node);

	int rc = totem_engine_reconfigure(node->engine, node_local_ns(node), &node->options);

	if (rc != 0)
		report_violation(&node->sim->report, "I12", BIT(node->index), NULL, "node %u refuses a reload: %d",
			node->id, rc);
	step_end(node);
}

void node_leave(struct node *node)
{
	if (!node_is_up(node) || node->is_paused)
		return;
	step_begin(node);
	totem_engine_leave(node->engine, node_local_ns(node));
	node_crash(node, "leaves");
}
