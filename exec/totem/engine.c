/* SPDX-License-Identifier: BSD-3-Clause */
/* Entry points of the engine, dispatch by packet type, and helpers for all its files. */
#include "exec/totem/state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "exec/totem/frame.h"

#define PUT_OFF_NS (1 * MILLISECOND_NS) /* a timer that must wait for an installation expires again after this time */
#define QUEUE_BYTES 4194304u            /* limit of the bytes in one send queue: book packing, "Queue levels" */

/* --- creation --- */

static struct node_set *all_sets(struct totem_engine *engine, uint32_t i)
{
	struct node_set *const sets[] = {&engine->installed.memb, &engine->lists.proc, &engine->lists.failed,
		&engine->lists.consensus, &engine->commit.memb, &engine->recovery.trans, &engine->recovery.deliver,
		&engine->lists.live, &engine->installed.left, &engine->installed.joined, &engine->gather.join_proc,
		&engine->gather.join_failed, &engine->gather.strangers, &engine->late.commit.memb, &engine->late.trans};

	return i < sizeof(sets) / sizeof(sets[0]) ? sets[i] : NULL;
}

/* Reserve room for all ids that a set can ever hold, so that membership never waits for memory. */
static int reserve_sets(struct totem_engine *engine)
{
	uint32_t ids[WIRE_NODES_MAX];
	struct node_set *first = all_sets(engine, 0);
	struct node_set *set;

	for (uint32_t i = 0; i < WIRE_NODES_MAX; i++)
		ids[i] = i + 1;

	int rc = node_set_assign(first, ids, WIRE_NODES_MAX);

	for (uint32_t i = 1; rc == 0 && (set = all_sets(engine, i)) != NULL; i++) {
		rc = node_set_copy(set, first);
		node_set_clear(set);
	}
	node_set_clear(first);
	return rc;
}

static int allocate(struct totem_engine *engine, const struct totem_options *options)
{
	const struct pack_options pack = {
		.payload_max = options->payload_max,
		.frames_max = QUEUE_BYTES / options->payload_max,
		.swap = options->swap,
	};
	int rc = node_set_assign(&engine->known, options->nodes, options->node_count);

	if (rc == 0)
		rc = reserve_sets(engine);
	if (rc == 0)
		rc = store_init(&engine->store, options->first_seq);
	if (rc == 0)
		rc = store_init(&engine->rstore, options->first_seq);
	if (rc < 0)
		return rc;
	engine->peers.all = calloc(WIRE_NODES_MAX, sizeof(*engine->peers.all));
	engine->outbox.frames = calloc(WINDOW_MAX, sizeof(struct coterie_frame *));
	engine->queues.q_new = pack_queue_create(engine->pool, &pack);
	engine->queues.q_sync = pack_queue_create(engine->pool, &pack);
	engine->delivery.unpack = unpack_create();
	if (engine->peers.all == NULL || engine->outbox.frames == NULL || engine->queues.q_new == NULL ||
		engine->queues.q_sync == NULL || engine->delivery.unpack == NULL)
		return -ENOMEM;
	return 0;
}

/* Return whether T-heartbeat can detect a lost token sooner than T-token. Called once, at the start. */
static bool is_heartbeat_possible(const struct totem_options *options)
{
	return options->heartbeat_failures_allowed > 0 &&
	       options->heartbeat_failures_allowed * options->token_retransmit_ns + options->max_network_delay_ns <
		       options->token_ns;
}

struct totem_engine *totem_engine_create(struct frame_pool *pool, const struct totem_options *options,
	const struct totem_callbacks *callbacks, void *arg, uint64_t now_ns)
{
	const char *which;

	if (totem_options_check(options, &which) < 0)
		return NULL;

	struct totem_engine *engine = calloc(1, sizeof(*engine));

	if (engine == NULL)
		return NULL;
	engine->pool = pool;
	engine->callbacks = *callbacks;
	engine->arg = arg;
	engine->options = *options;
	engine->options.nodes = NULL;
	if (allocate(engine, options) < 0) {
		totem_engine_destroy(engine);
		return NULL;
	}
	engine->now_ns = engine->pause.last_entry_ns = now_ns;
	engine->random = options->random_seed ^ options->nodeid;
	engine->state = TOTEM_OPERATIONAL;
	engine->lease.is_held = true;
	for (uint32_t i = 0; i < TOTEM_TIMER_COUNT; i++)
		engine->timer_at_ns[i] = TOTEM_NEVER;
	engine->ring = (struct ring_id){.rep = options->nodeid, .seq = options->ring_seq + 1};
	engine->installed.ring = engine->ring;
	engine->delivery.high = options->first_seq;
	engine->recovery.received_flg = true;
	engine->queues.is_sync_wait = true;
	engine->delivery.is_sync = true;
	engine->pass.tseq = options->first_seq - 1;
	engine->owed.next = engine->owed.end = options->first_seq;
	engine->is_heartbeat_used = is_heartbeat_possible(options);
	return engine;
}

void totem_engine_destroy(struct totem_engine *engine)
{
	struct node_set *set;

	if (engine == NULL)
		return;
	for (uint32_t i = 0; (set = all_sets(engine, i)) != NULL; i++)
		node_set_fini(set);
	node_set_fini(&engine->known);
	frame_unref(engine->pass.saved);
	unpack_destroy(engine->delivery.unpack);
	pack_queue_destroy(engine->queues.q_new);
	pack_queue_destroy(engine->queues.q_sync);
	store_fini(&engine->store);
	store_fini(&engine->rstore);
	free(engine->outbox.frames);
	for (uint32_t i = 0; i < engine->peers.count; i++)
		frame_unref(engine->peers.all[i].farewell);
	free(engine->peers.all);
	free(engine);
}

/* --- entry points --- */

static void begin(struct totem_engine *engine, uint64_t now_ns)
{
	assert(engine->depth == 0 && !engine->has_left);
	engine->depth++;
	if (now_ns > engine->now_ns)
		engine->now_ns = now_ns;
}

/* Note how long the engine was not entered: in that time it has heard nobody. */
static void check_gap(struct totem_engine *engine)
{
	suspect_check_stall(engine);
	if (timer_check_pause(engine))
		lease_note_stop(engine);
	if (lease_check_stall(engine) && engine->state != TOTEM_OPERATIONAL)
		gather_note_stall(engine, engine->pause.entry_gap_ns);
}

/* Begin an event. First send frames that still wait for later ones (linger.c). */
static void enter(struct totem_engine *engine, uint64_t now_ns)
{
	begin(engine, now_ns);
	check_gap(engine);
	multicast_flush(engine);
}

/*
 * Go on with an event whose delivery has yielded. Packets wait meanwhile, so for the checks of time the event is as long as
 * all its parts together.
 */
static void enter_again(struct totem_engine *engine, uint64_t now_ns)
{
	begin(engine, now_ns);
	multicast_flush(engine);
}

static void leave(struct totem_engine *engine)
{
	assert(engine->depth == 1 && (engine->outbox.count == 0 || linger_is_gathering(engine)));
	engine->depth--;
}

/*
 * Note that the sender of a packet is alive. A frame does not show this: its header names the originator, but any
 * member may send it again.
 */
static void note_life(struct totem_engine *engine, const struct wire_header *header)
{
	struct peer *peer = header->type == WIRE_MCAST ? NULL : peer_find(engine, header->nodeid);

	engine->heard_ns = engine->now_ns;
	if (peer == NULL || engine->pause.is_pausing)
		return;
	peer->alive_ns = engine->now_ns;
	if (engine->suspicion.has_suspects)
		suspect_heard(engine, peer);
}

/* Deliver what is left. Call this before another event is handled. */
static void finish_deliveries(struct totem_engine *engine)
{
	configure_finish(engine);
	deliver_finish(engine);
}

static void past_changed(struct totem_engine *engine) { gather_enter(engine, GATHER_PAST_CHANGED); }

/*
 * Return false if the packet must wait for a delivery that has yielded, and do nothing. It must if a token that came before
 * it installs a ring. Without a commit token no packet of the same batch leads to an installation, so that waits as well.
 */
static bool receive_one(struct totem_engine *engine, struct coterie_frame *frame)
{
	struct totem_counters *counters = &engine->counters;
	struct wire_header header;
	enum wire_refusal refusal = wire_decode_header(frame->data, frame->size, &header);

	if (refusal != WIRE_OK) {
		counters->rx_msg_dropped += refusal == WIRE_BAD_TYPE;
		core_refuse(engine, refusal, 0);
		return true;
	}
	if (header.nodeid != engine->options.nodeid)
		note_life(engine, &header);
	if (header.type != WIRE_MCAST && header.type != WIRE_TOKEN)
		receive_settle(engine);
	if (configure_is_unfinished(engine) || (header.type == WIRE_COMMIT_TOKEN && engine->delivery.has_yielded))
		return false;
	switch (header.type) {
	case WIRE_TOKEN:
		counters->token_rx++;
		receive_token(engine, frame);
		break;
	case WIRE_MCAST:
		if (!receive_frame(engine, frame))
			return false;
		counters->mcast_rx++;
		break;
	case WIRE_MERGE_DETECT:
		if (sign_probe(engine, frame))
			break;
		counters->merge_detect_rx++;
		merge_detect(engine, frame);
		break;
	case WIRE_JOIN:
		counters->join_rx++;
		gather_join(engine, frame);
		break;
	case WIRE_COMMIT_TOKEN:
		counters->commit_token_rx++;
		commit_arrived(engine, frame, past_changed);
		break;
	case WIRE_HOLD_CANCEL:
		counters->hold_cancel_rx++;
		hold_cancelled(engine, frame);
		break;
	}
	return true;
}

size_t totem_engine_receive(
	struct totem_engine *engine, uint64_t now_ns, struct coterie_frame *const *frames, size_t count)
{
	size_t taken = 0;

	enter(engine, now_ns);
	finish_deliveries(engine);
	/* Before the first link is up all packets are ignored: book ring, "States". */
	while (taken < count && !configure_is_unfinished(engine) &&
		(!engine->is_started || receive_one(engine, frames[taken])))
		taken++;
	receive_settle(engine);
	leave(engine);
	return taken;
}

/* Begin an event that may come while a delivery has yielded. */
static void enter_between(struct totem_engine *engine, uint64_t now_ns)
{
	if (engine->delivery.has_yielded)
		enter_again(engine, now_ns);
	else
		enter(engine, now_ns);
}

bool totem_engine_question(struct totem_engine *engine, uint64_t now_ns, const struct coterie_frame *frame)
{
	struct wire_header header;
	bool is_question;

	enter_between(engine, now_ns);
	is_question = engine->is_started && sign_question(engine, frame);
	if (is_question && wire_decode_header(frame->data, frame->size, &header) == WIRE_OK &&
		header.nodeid != engine->options.nodeid)
		note_life(engine, &header);
	leave(engine);
	return is_question;
}

/*
 * Return whether a timer runs behind all deliveries. The others do not use the token. If one of them ends the ring, the
 * rest is delivered then.
 */
static bool needs_deliveries(enum totem_timer timer)
{
	return timer != TOTEM_TIMER_PROBE && timer != TOTEM_TIMER_BACKOFF && timer != TOTEM_TIMER_PAUSE;
}

/* Return whether the timer has expired. It may have been cancelled, or set again, since. */
static bool is_due(const struct totem_engine *engine, enum totem_timer timer)
{
	return engine->timer_at_ns[timer] != TOTEM_NEVER && engine->timer_at_ns[timer] <= engine->now_ns;
}

/* Prepare for a timer that is due. @return whether it still is */
static bool prepare_expiry(struct totem_engine *engine, enum totem_timer timer)
{
	if (timer == TOTEM_TIMER_DELIVER)
		return true;
	/* Not for T-deliver: it is set to the begin of an event, which may take long. */
	silence_late(engine, engine->now_ns - engine->timer_at_ns[timer]);
	if (needs_deliveries(timer))
		finish_deliveries(engine);
	if (configure_is_unfinished(engine))
		timer_set(engine, timer, PUT_OFF_NS);
	return is_due(engine, timer);
}

void totem_engine_timeout(struct totem_engine *engine, uint64_t now_ns, enum totem_timer timer)
{
	if (engine->delivery.has_yielded && timer == TOTEM_TIMER_DELIVER) {
		enter_again(engine, now_ns);
	} else if (timer == TOTEM_TIMER_HOLD) {
		begin(engine, now_ns);
		check_gap(engine);
	} else {
		enter(engine, now_ns);
	}
	if (is_due(engine, timer) && prepare_expiry(engine, timer)) {
		engine->timer_at_ns[timer] = TOTEM_NEVER;
		expiry_handle(engine, timer);
	}
	leave(engine);
}

void totem_engine_transport(struct totem_engine *engine, uint64_t now_ns, enum totem_event event, uint32_t nodeid)
{
	enter_between(engine, now_ns);
	switch (event) {
	case TOTEM_EVENT_LINK_UP:
		configure_finish(engine);
		gather_link_up(engine);
		break;
	case TOTEM_EVENT_LINK_DOWN:
		gather_link_down(engine);
		break;
	case TOTEM_EVENT_PEER_DEAD:
		if (engine->is_started)
			sign_told(engine, nodeid);
		break;
	case TOTEM_EVENT_WATCH_ON:
		sign_connected(engine, nodeid);
		break;
	case TOTEM_EVENT_WATCH_OFF:
		sign_disconnected(engine, nodeid, CONNECTION_OVER);
		break;
	case TOTEM_EVENT_WATCH_BROKEN:
		sign_disconnected(engine, nodeid, CONNECTION_RESET);
		break;
	case TOTEM_EVENT_WATCH_CLOSED:
		sign_disconnected(engine, nodeid, CONNECTION_CLOSED);
		break;
	case TOTEM_EVENT_STOPPED:
		lease_doubt(engine);
		break;
	case TOTEM_EVENT_FORCE_GATHER:
		configure_finish(engine);
		if (engine->is_started && engine->state == TOTEM_GATHER)
			join_send(engine); /* the gather goes on, with the same consensus timeout */
		else if (engine->is_started)
			gather_enter(engine, GATHER_TOKEN_LOST_OPERATIONAL);
		break;
	}
	leave(engine);
}

void totem_engine_refused(struct totem_engine *engine, uint64_t now_ns, uint32_t nodeid, const void *bytes, size_t size)
{
	enter(engine, now_ns);
	configure_finish(engine);
	if (engine->is_started)
		sign_refused(engine, nodeid, bytes, size);
	leave(engine);
}

void totem_engine_leave(struct totem_engine *engine, uint64_t now_ns)
{
	enter(engine, now_ns);
	configure_finish(engine);
	deliver_rest(engine);
	if (engine->is_started)
		join_leave(engine);
	engine->has_left = true;
	leave(engine);
}

void totem_engine_set_capacity(struct totem_engine *engine, uint32_t frames)
{
	engine->options.capacity = frames < WIRE_CAPACITY_MAX ? frames : WIRE_CAPACITY_MAX;
}

void totem_engine_set_payload_max(struct totem_engine *engine, uint32_t payload_max)
{
	engine->options.payload_max = payload_max;
	queues_set_payload_max(engine, payload_max);
}

int totem_engine_reconfigure(struct totem_engine *engine, uint64_t now_ns, const struct totem_options *options)
{
	const char *which;
	struct node_set known = {0};

	if (totem_options_check(options, &which) < 0 || options->nodeid != engine->options.nodeid)
		return -EINVAL;

	int rc = node_set_assign(&known, options->nodes, options->node_count);

	if (rc < 0) {
		node_set_fini(&known);
		return rc;
	}
	enter(engine, now_ns);
	node_set_fini(&engine->known);
	engine->known = known;

	struct totem_options taken = *options;

	taken.nodes = NULL;
	taken.ring_seq = engine->options.ring_seq;
	taken.swap = engine->options.swap;
	taken.first_seq = engine->options.first_seq;
	engine->options = taken;
	totem_engine_set_payload_max(engine, taken.payload_max);
	leave(engine);
	return 0;
}

static int send_by(struct totem_engine *engine, uint64_t now_ns, struct pack_queue *queue,
	enum totem_guarantee guarantee, const struct iovec *iov, size_t count)
{
	struct totem_queue state;
	size_t size = 0;

	if (engine->depth == 0 && now_ns > engine->now_ns)
		engine->now_ns = now_ns;
	totem_engine_queue(engine, &state);
	for (size_t i = 0; i < count; i++)
		size += iov[i].iov_len;
	if (size > state.message_size_max)
		return -EMSGSIZE;

	int rc = pack_queue_append(queue, guarantee, iov, count);

	if (rc == -EAGAIN)
		queues_note_refused(engine);
	if (rc == 0 || rc == -EAGAIN)
		hold_wake(engine); /* also if the queue was full, since only the token can empty it */
	if (rc == 0)
		engine->counters.messages_tx++;
	return rc;
}

int totem_engine_send(struct totem_engine *engine, uint64_t now_ns, enum totem_guarantee guarantee,
	const struct iovec *iov, size_t count)
{
	return send_by(engine, now_ns, queues_used(&engine->queues), guarantee, iov, count);
}

int totem_engine_send_in_order(struct totem_engine *engine, uint64_t now_ns, enum totem_guarantee guarantee,
	const struct iovec *iov, size_t count)
{
	return send_by(engine, now_ns, engine->queues.q_new, guarantee, iov, count);
}

void totem_engine_synchronized(struct totem_engine *engine, uint64_t now_ns)
{
	if (engine->depth == 0 && now_ns > engine->now_ns)
		engine->now_ns = now_ns;
	queues_synchronized(engine);
	deliver_synchronized(engine);
	if (flow_waiting(engine) > 0 || engine->queues.wants_room)
		hold_wake(engine);
}
