/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/totem/engine.h"
#include "exec/totem/wire.h"
#include "tests/sim/net.h"

#define POOL_FRAME 2048u
#define POOL_BYTES_MAX (64u << 20)
#define BATCH 64u
#define SELF_NS US(5)
/* Linux reports up to six refusals to a destination at once, later one in a second. */
#define REFUSAL_BURST 6u
#define REFUSAL_GAP_NS SECONDS(1)
/* How often a node stalls when a packet has arrived, per 10,000. */
#define STALLS 200u

struct member {
	struct crowd *crowd;
	uint32_t id;
	struct frame_pool *pool;
	struct totem_engine *engine; /* NULL: its daemon does not run */
	uint64_t ring_seq;           /* ring sequence on the node's disk */
	uint64_t deadline_ns[TOTEM_TIMER_COUNT], queued_ns[TOTEM_TIMER_COUNT];
	uint64_t refused_ns[CROWD_NODES_MAX]; /* when the allowance of refusals to each node is full again */
	uint32_t watched;                     /* id of the node whose daemon it watches; 0: none */
	bool is_connected;
	bool is_complete;   /* its ring lacks one node at most */
	bool has_restarted; /* it has been killed and started again */
	/* The socket. */
	struct packet **inbox;
	uint32_t inbox_count, inbox_room;
	uint64_t inbox_bytes;
	uint64_t busy_ns; /* end of the time for which the node's processor is busy */
	bool is_woken;
};

struct crowd {
	struct crowd_options options;
	struct clock clock;
	struct sim_random random;
	uint32_t ids[CROWD_NODES_MAX];
	uint8_t part[CROWD_NODES_MAX];
	struct member members[CROWD_NODES_MAX];
	uint32_t due;                                        /* nodes that have not started yet */
	uint64_t joins_before, sent_before[CROWD_NODES_MAX]; /* counts before the last reset */
	uint64_t lost, configurations, losses;
};

/* ------------------------------------------------------------------------------------------ network */

static bool is_cut(const struct crowd *crowd, uint32_t from, uint32_t to)
{
	return crowd->part[from - 1] != crowd->part[to - 1];
}

static void carry(struct member *from, struct packet *packet, uint32_t to)
{
	struct crowd *crowd = from->crowd;
	uint64_t delay_ns = SELF_NS;

	if (to != from->id) {
		if (is_cut(crowd, from->id, to) || random_chance(&crowd->random, crowd->options.loss))
			return;
		delay_ns = random_between(&crowd->random, crowd->options.delay_min_ns, crowd->options.delay_max_ns);
	}
	clock_add(&crowd->clock, crowd->clock.now_ns + delay_ns, SIM_ARRIVAL, to - 1, packet_ref(packet), 0);
}

static void on_multicast(void *arg, struct coterie_frame *const *frames, size_t count)
{
	struct member *member = arg;

	for (size_t i = 0; i < count; i++) {
		struct packet *packet = packet_create(frames[i]->data, frames[i]->size, member->id, 0);

		for (uint32_t to = 1; to <= member->crowd->options.nodes; to++)
			carry(member, packet, to);
		packet_unref(packet);
	}
}

static void on_token(void *arg, uint32_t nodeid, struct coterie_frame *frame)
{
	struct member *member = arg;
	struct packet *packet = packet_create(frame->data, frame->size, member->id, 0);

	packet->to = nodeid;
	carry(member, packet, nodeid);
	packet_unref(packet);
}

/* Refuse a datagram, as the host of a stopped daemon does, and report that to its sender. */
static void refuse(struct crowd *crowd, struct packet *packet, struct member *by)
{
	uint64_t now_ns = crowd->clock.now_ns, *full = &by->refused_ns[packet->from - 1];

	if (*full < now_ns)
		*full = now_ns;
	if (*full > now_ns + (REFUSAL_BURST - 1) * REFUSAL_GAP_NS || is_cut(crowd, by->id, packet->from))
		return;
	*full += REFUSAL_GAP_NS;
	clock_add(&crowd->clock, now_ns + crowd->options.delay_min_ns, SIM_REFUSAL, packet->from - 1,
		packet_ref(packet), by->id);
}

/* Return what the kernel counts for a datagram in a socket's buffer: its memory, rounded up, and its header. */
static uint64_t weight(const struct packet *packet)
{
	uint64_t room = 512;

	while (room < packet->size + UINT64_C(400))
		room *= 2;
	return room + 256;
}

static void wake(struct member *member)
{
	struct clock *clock = &member->crowd->clock;
	uint64_t at_ns = member->busy_ns > clock->now_ns ? member->busy_ns : clock->now_ns;

	if (member->is_woken)
		return;
	if (member->crowd->options.stall_ns > 0 && random_chance(&member->crowd->random, STALLS))
		at_ns += random_below(&member->crowd->random, member->crowd->options.stall_ns);
	member->is_woken = true;
	clock_add(clock, at_ns, SIM_WAKE, member->id - 1, NULL, 0);
}

static void arrive(struct member *member, struct packet *packet)
{
	struct crowd *crowd = member->crowd;
	uint64_t bytes_max = crowd->options.socket_bytes;

	if (member->engine == NULL) {
		refuse(crowd, packet, member);
		packet_unref(packet);
		return;
	}
	if (bytes_max != 0 && member->inbox_bytes >= bytes_max) {
		crowd->lost++;
		packet_unref(packet);
		return;
	}
	if (member->inbox_count == member->inbox_room) {
		member->inbox_room = member->inbox_room == 0 ? BATCH : 2 * member->inbox_room;
		member->inbox = reallocarray(member->inbox, member->inbox_room, sizeof(struct packet *));
		if (member->inbox == NULL)
			abort();
	}
	member->inbox[member->inbox_count++] = packet;
	member->inbox_bytes += weight(packet);
	wake(member);
}

static void take(struct member *member)
{
	struct crowd *crowd = member->crowd;
	struct coterie_frame *frames[BATCH] = {NULL};
	uint32_t count = member->inbox_count < BATCH ? member->inbox_count : BATCH;

	for (uint32_t i = 0; i < count; i++) {
		struct packet *packet = member->inbox[i];

		frames[i] = frame_take(member->pool, packet->size);
		if (frames[i] == NULL)
			abort();
		memcpy(frames[i]->data, packet->bytes, packet->size);
		frames[i]->size = packet->size;
		member->inbox_bytes -= weight(packet);
		packet_unref(packet);
	}
	member->inbox_count -= count;
	memmove(member->inbox, member->inbox + count, member->inbox_count * sizeof(struct packet *));
	for (size_t taken = 0; taken < count;)
		taken += totem_engine_receive(member->engine, crowd->clock.now_ns, frames + taken, count - taken);
	for (uint32_t i = 0; i < count; i++)
		frame_unref(frames[i]);
	member->busy_ns = crowd->clock.now_ns + count * crowd->options.packet_ns;
	member->is_woken = false;
	if (member->inbox_count > 0)
		wake(member);
}

/* ---------------------------------------------------------------------------- timers, disk, connections */

static void queue_timer(struct member *member, enum totem_timer timer)
{
	uint64_t at_ns = member->deadline_ns[timer];

	if (at_ns == TOTEM_NEVER || member->queued_ns[timer] <= at_ns)
		return;
	member->queued_ns[timer] = at_ns;
	clock_add(&member->crowd->clock, at_ns, SIM_TIMER, member->id - 1, NULL, timer);
}

static void on_timer(void *arg, enum totem_timer timer, uint64_t at_ns)
{
	struct member *member = arg;

	member->deadline_ns[timer] = at_ns;
	queue_timer(member, timer);
}

static void expire(struct member *member, enum totem_timer timer)
{
	uint64_t now_ns = member->crowd->clock.now_ns;

	if (member->engine == NULL || member->queued_ns[timer] > now_ns)
		return;
	member->queued_ns[timer] = TOTEM_NEVER;
	if (member->deadline_ns[timer] > now_ns) {
		queue_timer(member, timer);
		return;
	}
	member->deadline_ns[timer] = TOTEM_NEVER;
	totem_engine_timeout(member->engine, now_ns, timer);
}

static int on_store(void *arg, const struct ring_id *id)
{
	struct member *member = arg;

	member->ring_seq = id->seq;
	return 0;
}

/* Return whether the node runs, and has never been killed. */
static bool is_healthy(const struct crowd *crowd, uint32_t id)
{
	return crowd->members[id - 1].engine != NULL && !crowd->members[id - 1].has_restarted;
}

/* Count the nodes that run and are not in the ring, which follows on one of all nodes, or of all but one. */
static void note_losses(struct member *member, const struct totem_configuration *configuration)
{
	uint32_t at = 0;

	for (uint32_t id = 1; id <= member->crowd->options.nodes; id++) {
		while (at < configuration->member_count && configuration->members[at] < id)
			at++;
		if (at == configuration->member_count || configuration->members[at] != id)
			member->crowd->losses += is_healthy(member->crowd, id);
	}
}

static void on_configure(void *arg, const struct totem_configuration *configuration)
{
	struct member *member = arg;

	if (!configuration->is_regular)
		return;
	if (member->is_complete)
		note_losses(member, configuration);
	member->is_complete = configuration->member_count + 1 >= member->crowd->options.nodes;
	member->crowd->configurations++;
	totem_engine_synchronized(member->engine, member->crowd->clock.now_ns);
}

static void on_deliver(void *arg, const struct totem_message *message) { (void)arg, (void)message; }

static void say(struct crowd *crowd, uint32_t to, enum totem_event event, uint32_t about)
{
	struct member *member = &crowd->members[to - 1];

	if (to != 0 && member->engine != NULL)
		totem_engine_transport(member->engine, crowd->clock.now_ns, event, about);
}

/* The engine must not be called from its callbacks. So the old connection ends later, when the new one is up. */
static void on_watch(void *arg, uint32_t nodeid)
{
	struct member *member = arg;

	if (member->watched == nodeid && member->is_connected)
		return;
	clock_add(&member->crowd->clock, member->crowd->clock.now_ns + 2 * member->crowd->options.delay_max_ns,
		SIM_CONNECT, member->id - 1, NULL, nodeid);
}

static void connect_to(struct member *member, uint32_t nodeid)
{
	struct crowd *crowd = member->crowd;

	if (member->is_connected) {
		member->is_connected = false;
		say(crowd, member->id, TOTEM_EVENT_WATCH_OFF, member->watched);
		say(crowd, member->watched, TOTEM_EVENT_WATCH_OFF, member->id);
	}
	member->watched = nodeid;
	if (nodeid == 0 || member->engine == NULL || crowd->members[nodeid - 1].engine == NULL)
		return;
	member->is_connected = true;
	say(crowd, member->id, TOTEM_EVENT_WATCH_ON, nodeid);
	say(crowd, nodeid, TOTEM_EVENT_WATCH_ON, member->id);
}

/* ------------------------------------------------------------------------------------- life and death */

static bool is_plain(const struct crowd *crowd, uint32_t id)
{
	uint32_t nodes = crowd->options.nodes, plain = crowd->options.plain;

	return id * plain / nodes != (id - 1) * plain / nodes;
}

static void start(struct member *member)
{
	static const struct totem_callbacks callbacks = {
		.multicast = on_multicast,
		.token = on_token,
		.timer = on_timer,
		.deliver = on_deliver,
		.configure = on_configure,
		.store_ring_id = on_store,
		.watch = on_watch,
	};
	struct crowd *crowd = member->crowd;
	struct totem_options options;

	totem_options_defaults(&options, member->id, crowd->options.nodes);
	options.nodes = crowd->ids;
	options.node_count = crowd->options.nodes;
	options.ring_seq = member->ring_seq;
	options.random_seed = random_next(&crowd->random);
	options.linger_ns = TOTEM_LINGER_NS;
	options.capacity = 4000;
	options.features = is_plain(crowd, member->id) ? 0
						       : WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE | WIRE_FEATURE_LINGER |
								 WIRE_FEATURE_EARLY | WIRE_FEATURE_SILENCE;
	for (int timer = 0; timer < TOTEM_TIMER_COUNT; timer++)
		member->deadline_ns[timer] = member->queued_ns[timer] = TOTEM_NEVER;
	member->busy_ns = 0;
	member->pool = frame_pool_create(POOL_FRAME, POOL_BYTES_MAX);
	member->engine = member->pool == NULL
				 ? NULL
				 : totem_engine_create(member->pool, &options, &callbacks, member, crowd->clock.now_ns);
	if (member->engine == NULL)
		abort();
	say(crowd, member->id, TOTEM_EVENT_LINK_UP, 0);
}

static void end(struct member *member)
{
	totem_engine_destroy(member->engine);
	member->engine = NULL;
	frame_pool_destroy(member->pool);
	for (uint32_t i = 0; i < member->inbox_count; i++)
		packet_unref(member->inbox[i]);
	member->inbox_count = 0;
	member->inbox_bytes = 0;
}

void crowd_kill(struct crowd *crowd, uint32_t id)
{
	struct member *member = &crowd->members[id - 1];

	if (member->engine == NULL)
		return;
	crowd->joins_before -= totem_engine_counters(member->engine)->join_rx;
	crowd->sent_before[id - 1] = 0;
	member->has_restarted = true;
	member->is_complete = false;
	end(member);
	for (uint32_t i = 0; i < crowd->options.nodes; i++) {
		struct member *other = &crowd->members[i];
		bool is_watched = member->is_connected && member->watched == other->id;

		if ((!is_watched && !(other->is_connected && other->watched == id)) || is_cut(crowd, id, other->id))
			continue;
		clock_add(&crowd->clock, crowd->clock.now_ns + crowd->options.delay_min_ns, SIM_CLOSED, i, NULL, id);
		if (other->watched == id)
			other->is_connected = false;
	}
	member->is_connected = false;
}

void crowd_start(struct crowd *crowd, uint32_t id)
{
	if (crowd->members[id - 1].engine == NULL)
		start(&crowd->members[id - 1]);
}

void crowd_part(struct crowd *crowd, const uint8_t *part) { memcpy(crowd->part, part, crowd->options.nodes); }

void crowd_defaults(struct crowd_options *options, uint32_t nodes)
{
	*options = (struct crowd_options){
		.nodes = nodes,
		.seed = 1,
		.delay_min_ns = US(50),
		.delay_max_ns = US(200),
		.packet_ns = US(5),
		.socket_bytes = 1 << 20,
	};
}

struct crowd *crowd_create(const struct crowd_options *options)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));

	if (crowd == NULL)
		abort();
	crowd->options = *options;
	crowd->due = options->nodes;
	crowd->random.state = options->seed;
	crowd->clock.now_ns = SECONDS(1);
	for (uint32_t i = 0; i < options->nodes; i++) {
		crowd->ids[i] = i + 1;
		crowd->members[i] = (struct member){.crowd = crowd, .id = i + 1};
		clock_add(&crowd->clock, crowd->clock.now_ns + random_below(&crowd->random, options->spread_ns + 1),
			SIM_RESTART, i, NULL, 0);
	}
	return crowd;
}

void crowd_destroy(struct crowd *crowd)
{
	for (uint32_t i = 0; i < crowd->options.nodes; i++) {
		if (crowd->members[i].engine != NULL)
			end(&crowd->members[i]);
		free(crowd->members[i].inbox);
	}
	for (size_t i = 0; i < crowd->clock.count; i++)
		packet_unref(crowd->clock.heap[i].what);
	clock_fini(&crowd->clock);
	free(crowd);
}

/* --------------------------------------------------------------------------------------------- time */

static bool step(struct crowd *crowd, uint64_t end_ns)
{
	struct sim_event event;
	struct member *member;

	if (!clock_next(&crowd->clock, end_ns, &event))
		return false;
	member = &crowd->members[event.node];
	switch (event.kind) {
	case SIM_ARRIVAL:
		arrive(member, event.what);
		break;
	case SIM_REFUSAL: {
		struct packet *packet = event.what;

		if (member->engine != NULL)
			totem_engine_refused(member->engine, crowd->clock.now_ns, (uint32_t)event.value, packet->bytes,
				packet->size);
		packet_unref(packet);
		break;
	}
	case SIM_WAKE:
		if (member->engine != NULL && member->inbox_count > 0)
			take(member);
		else
			member->is_woken = false;
		break;
	case SIM_TIMER:
		expire(member, (enum totem_timer)event.value);
		break;
	case SIM_RESTART:
		crowd->due--;
		crowd_start(crowd, member->id);
		break;
	case SIM_CONNECT:
		connect_to(member, (uint32_t)event.value);
		break;
	case SIM_CLOSED:
		say(crowd, member->id, TOTEM_EVENT_WATCH_CLOSED, (uint32_t)event.value);
		break;
	case SIM_TRAFFIC:
	case SIM_FAULT:
	case SIM_RESUME:
	case SIM_RELIEF:
	case SIM_LINK_UP:
	case SIM_CALM:
		abort();
	}
	return true;
}

/* Return whether the nodes of each part that run are in one ring of exactly them, and all nodes have started. */
static bool is_settled(const struct crowd *crowd)
{
	const struct member *first[UINT8_MAX + 1] = {NULL};
	uint32_t running[UINT8_MAX + 1] = {0};

	if (crowd->due > 0)
		return false;
	for (uint32_t i = 0; i < crowd->options.nodes; i++)
		running[crowd->part[i]] += crowd->members[i].engine != NULL;
	for (uint32_t i = 0; i < crowd->options.nodes; i++) {
		const struct member *member = &crowd->members[i];
		const struct member **of_part = &first[crowd->part[i]];
		const uint32_t *ids;

		if (member->engine == NULL)
			continue;
		if (totem_engine_state(member->engine) != TOTEM_OPERATIONAL ||
			totem_engine_members(member->engine, &ids) != running[crowd->part[i]])
			return false;
		if (*of_part == NULL)
			*of_part = member;
		if (!ring_id_equal(totem_engine_ring((*of_part)->engine), totem_engine_ring(member->engine)))
			return false;
	}
	return true;
}

bool crowd_settle(struct crowd *crowd, uint64_t for_ns)
{
	uint64_t end_ns = crowd->clock.now_ns + for_ns, seen = crowd->configurations;

	if (is_settled(crowd))
		return true;
	while (step(crowd, end_ns)) {
		if (crowd->configurations == seen)
			continue;
		seen = crowd->configurations;
		if (is_settled(crowd))
			return true;
	}
	crowd->clock.now_ns = end_ns;
	return false;
}

void crowd_run(struct crowd *crowd, uint64_t for_ns)
{
	uint64_t end_ns = crowd->clock.now_ns + for_ns;

	while (step(crowd, end_ns))
		;
	crowd->clock.now_ns = end_ns;
}

uint64_t crowd_now_ns(const struct crowd *crowd) { return crowd->clock.now_ns; }

static uint64_t joins_received(const struct crowd *crowd)
{
	uint64_t joins = 0;

	for (uint32_t i = 0; i < crowd->options.nodes; i++)
		if (crowd->members[i].engine != NULL)
			joins += totem_engine_counters(crowd->members[i].engine)->join_rx;
	return joins;
}

void crowd_reset(struct crowd *crowd)
{
	crowd->joins_before = joins_received(crowd);
	for (uint32_t i = 0; i < crowd->options.nodes; i++)
		crowd->sent_before[i] = crowd->members[i].engine == NULL
						? 0
						: totem_engine_counters(crowd->members[i].engine)->join_tx;
	crowd->lost = crowd->configurations = crowd->losses = 0;
}

void crowd_figures(const struct crowd *crowd, struct crowd_figures *figures)
{
	*figures = (struct crowd_figures){
		.joins = joins_received(crowd) - crowd->joins_before,
		.lost = crowd->lost,
		.configurations = crowd->configurations,
		.losses = crowd->losses,
	};
	for (uint32_t i = 0; i < crowd->options.nodes; i++) {
		uint64_t sent;

		if (crowd->members[i].engine == NULL)
			continue;
		sent = totem_engine_counters(crowd->members[i].engine)->join_tx - crowd->sent_before[i];
		if (sent > figures->sent_most)
			figures->sent_most = sent;
	}
}
