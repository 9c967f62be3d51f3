/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/ring/ring_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/ring/ring_account.h"
#include "exec/ring/ring_packet.h"

#define GROUP_PARTS_MAX 64u

/* --- packets to send --- */

static void wait_push(struct ring *ring, struct coterie_frame *frame, uint32_t token_target)
{
	if (ring->waiting_count == RING_WAITING_MAX) {
		ring->dropped++; /* the protocol requests the frame again */
		return;
	}
	uint32_t place = (ring->waiting_first + ring->waiting_count++) % RING_WAITING_MAX;
	ring->waiting[place] = (struct waiting){frame_ref(frame), token_target};
}

static void cb_multicast(void *arg, struct coterie_frame *const *frames, size_t count)
{
	struct ring *ring = arg;
	const struct coterie_transport *transport = &ring->transport->transport;
	size_t accepted = 0;

	if (ring->waiting_count == 0) {
		int rc;

		PLUGIN_MARKED(ring->transport, "multicast",
			rc = transport->multicast(ring->transport->self, frames, (uint32_t)count));

		/*
		 * After another error than a full socket the frames count as lost, since the transport does not report
		 * the end of that error.
		 */
		accepted = rc >= 0 ? (size_t)rc : rc == -EAGAIN ? 0 : count;
	}
	for (size_t i = accepted; i < count; i++)
		wait_push(ring, frames[i], 0);
	for (size_t i = 0; i < count; i++)
		if (!ring_packet_is_mcast(frames[i]))
			ring_echo(ring, frames[i]);
}

static void cb_token(void *arg, uint32_t nodeid, struct coterie_frame *frame)
{
	struct ring *ring = arg;

	if (ring_packet_is_token(frame))
		ring_account_token(ring->parts.account, totem_engine_counters(ring->engine)->token_last_ns,
			loop_now_ns(ring->parts.loop));
	if (nodeid == ring->options.nodeid) {
		ring_echo(ring, frame);
		return;
	}
	if (ring->waiting_count > 0) {
		wait_push(ring, frame, nodeid);
		return;
	}
	int rc;
	PLUGIN_MARKED(
		ring->transport, "token", rc = ring->transport->transport.token(ring->transport->self, nodeid, frame));
	if (rc == -EAGAIN)
		wait_push(ring, frame, nodeid);
}

void ring_writable(struct ring *ring)
{
	const struct coterie_transport *transport = &ring->transport->transport;

	while (ring->waiting_count > 0) {
		struct waiting *next = &ring->waiting[ring->waiting_first];
		int rc;

		if (next->token_target != 0) {
			PLUGIN_MARKED(ring->transport, "token",
				rc = transport->token(ring->transport->self, next->token_target, next->frame));
			if (rc == -EAGAIN)
				return;
		} else {
			PLUGIN_MARKED(ring->transport, "multicast",
				rc = transport->multicast(ring->transport->self, &next->frame, 1));
			if (rc == 0 || rc == -EAGAIN)
				return;
		}
		frame_unref(next->frame);
		ring->waiting_first = (ring->waiting_first + 1) % RING_WAITING_MAX;
		ring->waiting_count--;
	}
}

/* --- events for the listener --- */

static void cb_deliver(void *arg, const struct totem_message *message)
{
	struct ring *ring = arg;

	if (message->source == ring->options.nodeid && ring_account_delivered(ring->parts.account))
		ring_account_arrived(ring->parts.account, loop_now_ns(ring->parts.loop));
	ring_yield_if_late(ring, ring->listener.deliver(ring->listener.arg, message));
}

static void cb_configure(void *arg, const struct totem_configuration *configuration)
{
	struct ring *ring = arg;

	ring->listener.configured(ring->listener.arg, configuration);
}

void ring_note_configuration(struct ring *ring, const struct totem_configuration *configuration)
{
	ring_log_configuration(&ring->log, configuration);
	if (configuration->is_regular)
		ring_store_configured(ring);
	ring_account_configuration(ring->parts.account, loop_now_ns(ring->parts.loop), configuration);
	ring_sources_members(&ring->sources, configuration->members, configuration->member_count);
}

void ring_forget_node(struct ring *ring, uint32_t nodeid) { ring_sources_forget(&ring->sources, nodeid); }

void ring_tell_transport(struct ring *ring, const struct totem_configuration *configuration)
{
	struct plugin *transport = ring->transport;

	if (configuration->is_regular && transport->transport.membership != NULL)
		PLUGIN_MARKED(transport, "membership",
			transport->transport.membership(
				transport->self, configuration->members, configuration->member_count));
}

static int cb_store_ring_id(void *arg, const struct ring_id *id) { return ring_store_id(arg, id); }

static void cb_expect_ring_seq(void *arg, uint64_t seq)
{
	struct ring *ring = arg;

	/* If this fails, it is tried again when the ring id is stored, and reported then. */
	(void)ring_seq_expect(&ring->seq, seq);
}

static bool cb_visit(void *arg)
{
	struct ring *ring = arg;

	return ring->listener.visit(ring->listener.arg);
}

static void cb_lingering(void *arg)
{
	struct ring *ring = arg;

	ring->listener.lingering(ring->listener.arg);
}

static void cb_watch(void *arg, uint32_t nodeid)
{
	struct ring *ring = arg;
	const struct coterie_transport *transport = &ring->transport->transport;

	if (transport->watch != NULL)
		transport->watch(ring->transport->self, nodeid);
}

static void cb_poke(void *arg, uint32_t nodeid, struct coterie_frame *frame)
{
	struct ring *ring = arg;
	const struct coterie_transport *transport = &ring->transport->transport;

	/*
	 * A failed send is not a sign. A transport without this operation needs no poke: its token() has the same
	 * effect.
	 */
	if (transport->poke != NULL)
		transport->poke(ring->transport->self, nodeid, frame);
}

static enum totem_witness cb_witness(void *arg, uint32_t nodeid, bool is_first)
{
	struct ring *ring = arg;
	const struct coterie_transport *transport = &ring->transport->transport;
	uint32_t witness = COTERIE_WITNESS_UNKNOWN;

	_Static_assert(
		TOTEM_WITNESS_ANSWERS == COTERIE_WITNESS_ANSWERS && TOTEM_WITNESS_SILENT == COTERIE_WITNESS_SILENT,
		"the engine has the numbers of the ABI");
	if (transport->witness != NULL)
		witness = transport->witness(ring->transport->self, nodeid, is_first);
	return witness <= COTERIE_WITNESS_SILENT ? (enum totem_witness)witness : TOTEM_WITNESS_UNKNOWN;
}

static void cb_lease(void *arg, bool is_held)
{
	(void)is_held; /* the lease is checked again when a request arrives */
	ring_lease_changed(arg);
}

static void cb_passed(void *arg)
{
	struct ring *ring = arg;

	ring->listener.passed(ring->listener.arg);
}

static void cb_room(void *arg)
{
	struct ring *ring = arg;

	ring->listener.room(ring->listener.arg);
}

static void cb_trace(void *arg, const struct totem_trace *trace)
{
	struct ring *ring = arg;
	uint64_t now_ns;

	switch (trace->kind) { /* these events are too frequent: the listener is not called */
	case TOTEM_TRACE_ORDERED:
	case TOTEM_TRACE_RECEIVED:
	case TOTEM_TRACE_FREED:
	case TOTEM_TRACE_TOKEN:
	case TOTEM_TRACE_REQUESTED:
		return;
	default:
		break;
	}
	now_ns = loop_now_ns(ring->parts.loop);
	ring->listener.trace(ring->listener.arg, now_ns, trace);
	if (trace->kind == TOTEM_TRACE_PAUSED)
		return; /* the listener logs the pause */
	ring_account_trace(ring->parts.account, now_ns, trace);
	if (trace->kind != TOTEM_TRACE_LEASE || ring->listener.needs_lease(ring->listener.arg))
		ring_log_trace(&ring->log, now_ns, trace);
}

const struct totem_callbacks ring_callbacks = {
	.multicast = cb_multicast,
	.token = cb_token,
	.timer = ring_set_timer,
	.deliver = cb_deliver,
	.configure = cb_configure,
	.store_ring_id = cb_store_ring_id,
	.expect_ring_seq = cb_expect_ring_seq,
	.visit = cb_visit,
	.watch = cb_watch,
	.poke = cb_poke,
	.witness = cb_witness,
	.lease = cb_lease,
	.lingering = cb_lingering,
	.passed = cb_passed,
	.room = cb_room,
	.trace = cb_trace,
};

/* --- the transport's side --- */

struct coterie_frame *ring_frame_take(struct ring *ring, uint32_t capacity) { return frame_take(ring->pool, capacity); }

/* An event that the transport reports. If the engine is running, it is kept until the engine has returned. */
struct ring_event {
	struct ring *ring;
	enum totem_event event;
	uint32_t nodeid;
};

/* Ask the transport how many frames may arrive before it reads its sockets again. Called when the sockets are open. */
static void ask_capacity(struct ring *ring)
{
	const struct coterie_transport *transport = &ring->transport->transport;

	if (transport->capacity == NULL)
		return;
	ring->options.capacity = transport->capacity(
		ring->transport->self, ring->options.payload_max + RING_PACKET_RECOVERY_HEADERS);
	totem_engine_set_capacity(ring->engine, ring->options.capacity);
}

static void on_event(void *arg)
{
	struct ring_event *event = arg;
	struct ring *ring = event->ring;

	if (ring->engine != NULL) {
		ring_begin_event(ring, loop_now_ns(ring->parts.loop));
		if (event->event == TOTEM_EVENT_LINK_UP)
			ask_capacity(ring);
		totem_engine_transport(ring->engine, loop_now_ns(ring->parts.loop), event->event, event->nodeid);
		ring_end_event(ring);
	}
	free(event);
}

static void tell(struct ring *ring, enum totem_event kind, uint32_t nodeid)
{
	struct ring_event *event = malloc(sizeof(*event));

	if (event == NULL)
		return; /* timers of the engine detect it later */
	*event = (struct ring_event){ring, kind, nodeid};
	/* Some events make the engine deliver all that is left. That calls the services, so it must not be inside of their calls. */
	if (ring->inside == 0 && !ring_is_held_back(ring))
		on_event(event);
	else if (loop_defer(ring->parts.loop, on_event, event) < 0)
		free(event);
}

/* Note the state of a link. The engine knows a single network, which is up while at least one link is up. */
static void set_link(struct ring *ring, uint32_t link, bool is_up)
{
	uint32_t bit = 1u << link, others = ring->links_up & ~bit;

	ring->links_up = is_up ? others | bit : others;
	if (others == 0 && ring->engine != NULL)
		tell(ring, is_up ? TOTEM_EVENT_LINK_UP : TOTEM_EVENT_LINK_DOWN, 0);
}

void ring_link_state(struct ring *ring, uint32_t link, bool is_up, const char *text)
{
	if (link >= COTERIE_LINKS_MAX)
		return;
	log_line("TOTEM", LOG_NOTICE, "link %u is %s: %s", link, is_up ? "up" : "down", text);
	set_link(ring, link, is_up);
}

void ring_link_gone(struct ring *ring, uint32_t link)
{
	if (link < COTERIE_LINKS_MAX && (ring->links_up & 1u << link) != 0)
		set_link(ring, link, false);
}

void ring_peer_dead(struct ring *ring, uint32_t nodeid)
{
	log_line("TOTEM", LOG_DEBUG,
		"the transport reports a sign that the daemon of node %u has ended: the ring asks it", nodeid);
	if (ring->engine != NULL)
		tell(ring, TOTEM_EVENT_PEER_DEAD, nodeid);
}

void ring_peer_watch(struct ring *ring, uint32_t nodeid, uint32_t state)
{
	static const enum totem_event events[] = {
		[COTERIE_WATCH_OFF] = TOTEM_EVENT_WATCH_OFF,
		[COTERIE_WATCH_ON] = TOTEM_EVENT_WATCH_ON,
		[COTERIE_WATCH_BROKEN] = TOTEM_EVENT_WATCH_BROKEN,
		[COTERIE_WATCH_CLOSED] = TOTEM_EVENT_WATCH_CLOSED,
	};

	if (state < sizeof(events) / sizeof(events[0]) && ring->engine != NULL)
		tell(ring, events[state], nodeid);
}

void ring_peer_refused(struct ring *ring, uint32_t nodeid, const void *quote, uint32_t size)
{
	if (ring->engine == NULL || ring->inside > 0 || ring_is_held_back(ring))
		return; /* the report may be dropped: the peer will refuse later packets, too */
	ring->inside++;
	totem_engine_refused(ring->engine, loop_now_ns(ring->parts.loop), nodeid, quote, size);
	ring->inside--;
}

/* --- the executive's side --- */

static int send_by(struct ring *ring, const char *group, enum totem_guarantee guarantee, const struct iovec *iov,
	uint32_t count, __typeof__(totem_engine_send) *send)
{
	uint8_t prefix[RING_PACKET_GROUP_SIZE_MAX];
	struct iovec parts[GROUP_PARTS_MAX];
	uint64_t now_ns = loop_now_ns(ring->parts.loop);

	if (ring->engine == NULL)
		return -EAGAIN;
	if (count + 1 > GROUP_PARTS_MAX)
		return -EINVAL;
	parts[0] = (struct iovec){prefix, ring_packet_group_write(group, ring->options.swap, prefix)};
	memcpy(parts + 1, iov, count * sizeof(*iov));
	ring->inside++;
	int rc = send(ring->engine, now_ns, guarantee, parts, count + 1);
	ring->inside--;
	if (rc == 0)
		ring_account_sent(ring->parts.account, now_ns, guarantee);
	else if (rc == -EAGAIN)
		ring->listener.refused(ring->listener.arg);
	return rc;
}

int ring_send(
	struct ring *ring, const char *group, enum totem_guarantee guarantee, const struct iovec *iov, uint32_t count)
{
	return send_by(ring, group, guarantee, iov, count, totem_engine_send);
}

int ring_send_in_order(struct ring *ring, enum totem_guarantee guarantee, const struct iovec *iov, uint32_t count)
{
	return send_by(ring, "a", guarantee, iov, count, totem_engine_send_in_order);
}

void ring_synchronized(struct ring *ring)
{
	ring_account_synchronized(ring->parts.account);
	ring->inside++;
	totem_engine_synchronized(ring->engine, loop_now_ns(ring->parts.loop));
	ring->inside--;
}

void ring_force_gather(struct ring *ring)
{
	if (ring->engine != NULL)
		tell(ring, TOTEM_EVENT_FORCE_GATHER, 0);
}
