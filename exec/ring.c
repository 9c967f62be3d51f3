#include "exec/ring.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/config/model.h"
#include "exec/executive.h"
#include "exec/ipc_server.h"
#include "exec/log.h"
#include "exec/loop.h"
#include "exec/map_publish.h"
#include "exec/plugin.h"
#include "exec/reload.h"
#include "exec/ring_log.h"
#include "exec/route.h"
#include "exec/state_dir.h"
#include "exec/stats_totem.h"
#include "exec/sync.h"
#include "exec/totem/wire.h"

#define EXIT_FATAL 15
#define EXIT_RING_ID 21
#define POOL_BYTES_MAX ((size_t)256 << 20)
#define WAITING_MAX 8192u      /* frames the transport would not take yet */
#define RECOVERY_HEADERS 90u   /* two frame headers: spec 05 §7 */
#define IPV6_HEADER_EXTRA 20u
#define GROUP_PARTS_MAX 64u

/* A frame on its way out that the transport could not take. */
struct waiting {
	struct coterie_frame *frame;
	uint32_t token_target; /* 0: multicast */
};

struct ring {
	struct executive *executive;
	struct plugin *transport;
	struct frame_pool *pool;
	struct totem_options options;
	struct totem_engine *engine;
	unsigned int inside;            /* the engine is on the stack */
	uint64_t deadlines[TOTEM_TIMER_COUNT];
	struct loop_timer *timer;
	uint64_t timer_at_ns;           /* may be earlier than every deadline, never later */
	struct coterie_frame **echoes;  /* own packets and what came while inside, for the next turn */
	size_t echo_count, echo_capacity;
	bool is_echo_due;
	struct coterie_frame **batch;   /* what arrived together */
	uint32_t batch_capacity;
	struct waiting *waiting;        /* FIFO, bounded */
	uint32_t waiting_count, waiting_first;
	uint64_t dropped;               /* beyond WAITING_MAX */
	struct ring_log log;
};

/* --- timers: one of the loop's for all of the engine's --- */

static void on_timer(void *arg);

static void arm(struct ring *ring)
{
	uint64_t at_ns = TOTEM_NEVER;

	for (int i = 0; i < TOTEM_TIMER_COUNT; i++)
		if (ring->deadlines[i] < at_ns)
			at_ns = ring->deadlines[i];
	if (at_ns >= ring->timer_at_ns)
		return;
	loop_timer_del(ring->executive->loop, ring->timer);
	ring->timer = loop_timer_add(ring->executive->loop, at_ns, on_timer, ring);
	ring->timer_at_ns = ring->timer != NULL ? at_ns : TOTEM_NEVER;
}

static void on_timer(void *arg)
{
	struct ring *ring = arg;
	uint64_t now_ns = loop_now_ns(ring->executive->loop);

	ring->timer = NULL;
	ring->timer_at_ns = TOTEM_NEVER;
	/* Each timer once, earliest first; one that is set anew meanwhile waits for the next turn. */
	uint64_t due[TOTEM_TIMER_COUNT];
	memcpy(due, ring->deadlines, sizeof(due));
	for (;;) {
		int first = -1;

		for (int i = 0; i < TOTEM_TIMER_COUNT; i++)
			if (due[i] <= now_ns && (first < 0 || due[i] < due[first]))
				first = i;
		if (first < 0)
			break;
		bool is_current = ring->deadlines[first] == due[first];
		due[first] = TOTEM_NEVER;
		if (!is_current || ring->engine == NULL)
			continue;
		ring->deadlines[first] = TOTEM_NEVER;
		ring->inside++;
		totem_engine_timeout(ring->engine, now_ns, (enum totem_timer)first);
		ring->inside--;
	}
	arm(ring);
}

static void cb_timer(void *arg, enum totem_timer timer, uint64_t at_ns)
{
	struct ring *ring = arg;

	ring->deadlines[timer] = at_ns;
	if (at_ns < ring->timer_at_ns)
		arm(ring);
}

/* --- what comes back to this node, and what arrives while the engine is on the stack --- */

static void on_echo(void *arg)
{
	struct ring *ring = arg;
	size_t count = ring->echo_count;

	ring->is_echo_due = false;
	if (count == 0)
		return;
	struct coterie_frame **frames = ring->echoes;
	ring->echoes = NULL;
	ring->echo_count = ring->echo_capacity = 0;
	if (ring->engine != NULL) {
		ring->inside++;
		totem_engine_receive(ring->engine, loop_now_ns(ring->executive->loop), frames, count);
		ring->inside--;
	}
	for (size_t i = 0; i < count; i++)
		frame_unref(frames[i]);
	if (ring->echoes == NULL) { /* keep the memory */
		ring->echoes = frames;
		ring->echo_capacity = count;
	} else {
		free(frames);
	}
}

static void echo(struct ring *ring, struct coterie_frame *frame)
{
	if (ring->echo_count == ring->echo_capacity) {
		size_t capacity = ring->echo_capacity == 0 ? 16 : 2 * ring->echo_capacity;
		struct coterie_frame **echoes =
			realloc(ring->echoes, capacity * sizeof(struct coterie_frame *));

		if (echoes == NULL)
			return; /* as lost on the network */
		ring->echoes = echoes;
		ring->echo_capacity = capacity;
	}
	if (!ring->is_echo_due && loop_defer(ring->executive->loop, on_echo, ring) < 0)
		return;
	ring->is_echo_due = true;
	ring->echoes[ring->echo_count++] = frame_ref(frame);
}

/* --- out --- */

static void wait_push(struct ring *ring, struct coterie_frame *frame, uint32_t token_target)
{
	if (ring->waiting_count == WAITING_MAX) {
		ring->dropped++; /* the protocol asks for it again */
		return;
	}
	uint32_t place = (ring->waiting_first + ring->waiting_count++) % WAITING_MAX;
	ring->waiting[place] = (struct waiting){frame_ref(frame), token_target};
}

static void cb_multicast(void *arg, struct coterie_frame *const *frames, size_t count)
{
	struct ring *ring = arg;
	const struct coterie_transport *transport = &ring->transport->transport;
	size_t accepted = 0;

	if (ring->waiting_count == 0) {
		int rc = transport->multicast(ring->transport->self, frames, (uint32_t)count);

		/* Another error than a full socket: lost, since nothing announces its end. */
		accepted = rc >= 0 ? (size_t)rc : rc == -EAGAIN ? 0 : count;
	}
	for (size_t i = accepted; i < count; i++)
		wait_push(ring, frames[i], 0);
	for (size_t i = 0; i < count; i++)
		if (frames[i]->data[3] != WIRE_MCAST)
			echo(ring, frames[i]);
}

static void cb_token(void *arg, uint32_t nodeid, struct coterie_frame *frame)
{
	struct ring *ring = arg;

	if (nodeid == ring->options.nodeid) {
		echo(ring, frame);
		return;
	}
	if (ring->waiting_count > 0) {
		wait_push(ring, frame, nodeid);
		return;
	}
	if (ring->transport->transport.token(ring->transport->self, nodeid, frame) == -EAGAIN)
		wait_push(ring, frame, nodeid);
}

void ring_writable(struct ring *ring)
{
	const struct coterie_transport *transport = &ring->transport->transport;

	while (ring->waiting_count > 0) {
		struct waiting *next = &ring->waiting[ring->waiting_first];
		int rc;

		if (next->token_target != 0) {
			rc = transport->token(ring->transport->self, next->token_target, next->frame);
			if (rc == -EAGAIN)
				return;
		} else {
			rc = transport->multicast(ring->transport->self, &next->frame, 1);
			if (rc == 0 || rc == -EAGAIN)
				return;
		}
		frame_unref(next->frame);
		ring->waiting_first = (ring->waiting_first + 1) % WAITING_MAX;
		ring->waiting_count--;
	}
}

/* --- up --- */

static void cb_deliver(void *arg, const struct totem_message *message)
{
	struct ring *ring = arg;

	route_deliver(ring->executive->route, message);
}

static void cb_configure(void *arg, const struct totem_configuration *configuration)
{
	struct ring *ring = arg;
	struct executive *executive = ring->executive;

	ring_log_configuration(&ring->log, configuration);
	map_publish_members(executive->map, executive->config, configuration);
	if (configuration->is_regular && ring->transport->transport.membership != NULL)
		ring->transport->transport.membership(ring->transport->self, configuration->members,
			configuration->member_count);
	/* Order: spec 04 §13.3. */
	route_configure(executive->route, configuration);
	sync_configure(executive->sync, configuration);
	if (configuration->is_regular)
		reload_membership(
			executive->reload, configuration->members, configuration->member_count);
	ipc_gate(executive->ipc);
}

static int cb_store_ring_id(void *arg, const struct ring_id *id)
{
	struct ring *ring = arg;
	struct executive *executive = ring->executive;
	int rc = state_ring_seq_store(executive->state_dir, ring->options.nodeid, id->seq);

	if (rc < 0) {
		log_line("TOTEM", LOG_ERR,
			"Couldn't store new ring id %llx to stable storage in '%s' (%s): check the folder and "
			"its file system",
			(unsigned long long)id->seq, executive->state_dir, strerror(-rc));
		executive_stop(executive, EXIT_RING_ID);
	}
	return rc;
}

static void cb_passed(void *arg)
{
	struct ring *ring = arg;

	sync_passed(ring->executive->sync);
}

static void cb_room(void *arg)
{
	struct ring *ring = arg;

	ipc_room(ring->executive->ipc);
	ipc_gate(ring->executive->ipc);
}

static void cb_trace(void *arg, const struct totem_trace *trace)
{
	struct ring *ring = arg;

	switch (trace->kind) { /* one each message: not worth a call */
	case TOTEM_TRACE_ORDERED:
	case TOTEM_TRACE_RECEIVED:
	case TOTEM_TRACE_FREED:
	case TOTEM_TRACE_TOKEN:
	case TOTEM_TRACE_REQUESTED:
		return;
	case TOTEM_TRACE_PAUSED:
		totem_stats_paused(ring->executive->totem_stats, trace->value);
		return;
	default:
		ring_log_trace(&ring->log, loop_now_ns(ring->executive->loop), trace);
	}
}

static const struct totem_callbacks callbacks = {
	.multicast = cb_multicast,
	.token = cb_token,
	.timer = cb_timer,
	.deliver = cb_deliver,
	.configure = cb_configure,
	.store_ring_id = cb_store_ring_id,
	.passed = cb_passed,
	.room = cb_room,
	.trace = cb_trace,
};

/* --- the transport's side --- */

struct coterie_frame *ring_frame_take(struct ring *ring, uint32_t capacity)
{
	return frame_take(ring->pool, capacity);
}

void ring_frames_in(struct ring *ring, const struct coterie_arrival *arrivals, uint32_t count)
{
	if (ring->engine == NULL)
		return;
	if (count > ring->batch_capacity) {
		struct coterie_frame **batch = realloc(ring->batch, count * sizeof(struct coterie_frame *));

		if (batch == NULL)
			return; /* as lost on the network */
		ring->batch = batch;
		ring->batch_capacity = count;
	}
	if (ring->inside > 0) { /* a transport that reads while it sends */
		for (uint32_t i = 0; i < count; i++)
			echo(ring, arrivals[i].frame);
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		ring->batch[i] = arrivals[i].frame;
	const struct totem_counters *counters = totem_engine_counters(ring->engine);
	uint64_t refused = counters->malformed;
	uint64_t now_ns = loop_now_ns(ring->executive->loop);
	ring->inside++;
	totem_engine_receive(ring->engine, now_ns, ring->batch, count);
	ring->inside--;
	if (counters->malformed != refused)
		for (uint32_t i = 0; i < count; i++)
			ring_log_bad_packet(&ring->log, now_ns, arrivals[i].frame, arrivals[i].from);
}

/* An event of the transport, kept when it comes while the engine is on the stack. */
struct ring_event {
	struct ring *ring;
	enum totem_event event;
	uint32_t nodeid;
};

static void on_event(void *arg)
{
	struct ring_event *event = arg;
	struct ring *ring = event->ring;

	if (ring->engine != NULL) {
		ring->inside++;
		totem_engine_transport(ring->engine, loop_now_ns(ring->executive->loop), event->event,
			event->nodeid);
		ring->inside--;
	}
	free(event);
}

static void tell(struct ring *ring, enum totem_event kind, uint32_t nodeid)
{
	struct ring_event *event = malloc(sizeof(*event));

	if (event == NULL)
		return; /* timers find out */
	*event = (struct ring_event){ring, kind, nodeid};
	if (ring->inside == 0)
		on_event(event);
	else if (loop_defer(ring->executive->loop, on_event, event) < 0)
		free(event);
}

void ring_link_state(struct ring *ring, uint32_t link, bool is_up, const char *text)
{
	log_line("TOTEM", LOG_NOTICE, "link %u is %s: %s", link, is_up ? "up" : "down", text);
	if (ring->engine != NULL)
		tell(ring, is_up ? TOTEM_EVENT_LINK_UP : TOTEM_EVENT_LINK_DOWN, 0);
}

void ring_peer_dead(struct ring *ring, uint32_t nodeid)
{
	log_line("TOTEM", LOG_DEBUG, "sign that no daemon runs on node %u any more", nodeid);
	if (ring->engine != NULL)
		tell(ring, TOTEM_EVENT_PEER_DEAD, nodeid);
}

/* --- the executive's side --- */

int ring_send(struct ring *ring, const char *group, enum totem_guarantee guarantee,
	const struct iovec *iov, uint32_t count)
{
	uint8_t prefix[4 + 16];
	struct iovec parts[GROUP_PARTS_MAX];
	uint16_t numbers[2] = {1, (uint16_t)strlen(group)};
	uint64_t now_ns = loop_now_ns(ring->executive->loop);

	assert(numbers[1] <= 16);
	if (ring->engine == NULL)
		return -EAGAIN;
	if (count + 1 > GROUP_PARTS_MAX)
		return -EINVAL;
	wire_encode_u16(numbers[0], ring->options.swap, prefix);
	wire_encode_u16(numbers[1], ring->options.swap, prefix + 2);
	memcpy(prefix + 4, group, numbers[1]);
	parts[0] = (struct iovec){prefix, 4u + numbers[1]};
	memcpy(parts + 1, iov, count * sizeof(*iov));
	ring->inside++;
	int rc = totem_engine_send(ring->engine, now_ns, guarantee, parts, count + 1);
	ring->inside--;
	if (rc == -EAGAIN)
		ipc_gate(ring->executive->ipc);
	return rc;
}

void ring_synchronized(struct ring *ring)
{
	ring->inside++;
	totem_engine_synchronized(ring->engine, loop_now_ns(ring->executive->loop));
	ring->inside--;
}

/* What a reload wants, and what it cannot know or change. */
static struct totem_options completed(const struct ring *ring, const struct totem_options *wanted)
{
	struct totem_options options = *wanted;

	options.nodeid = ring->options.nodeid;
	options.ring_seq = ring->options.ring_seq;
	options.payload_max = ring->options.payload_max;
	options.features = ring->options.features;
	options.random_seed = ring->options.random_seed;
	return options;
}

int ring_check_options(const struct ring *ring, const struct totem_options *options, const char **which)
{
	const struct totem_options all = completed(ring, options);

	*which = "ring";
	return ring->engine == NULL ? -EINVAL : totem_options_check(&all, which);
}

int ring_reconfigure(struct ring *ring, const struct totem_options *options)
{
	struct totem_options all = completed(ring, options);

	assert(ring->inside == 0);
	if (ring->engine == NULL)
		return -EINVAL;
	ring->inside++;
	int rc = totem_engine_reconfigure(ring->engine, loop_now_ns(ring->executive->loop), &all);
	ring->inside--;
	if (rc == 0) {
		all.nodes = NULL; /* the engine has its own */
		ring->options = all;
	}
	return rc;
}

struct totem_engine *ring_engine(struct ring *ring)
{
	return ring->engine;
}

uint32_t ring_backlog(const struct ring *ring)
{
	struct totem_queue queue;

	if (ring->engine == NULL)
		return 0;
	totem_engine_queue(ring->engine, &queue);
	return queue.used;
}

void ring_force_gather(struct ring *ring)
{
	if (ring->engine != NULL)
		tell(ring, TOTEM_EVENT_FORCE_GATHER, 0);
}

void ring_dump(const struct ring *ring)
{
	if (ring == NULL || ring->engine == NULL)
		return;
	struct totem_queue queue;
	struct totem_probe probe;

	totem_engine_queue(ring->engine, &queue);
	totem_engine_probe(ring->engine, &probe);
	ring_log_dump(ring->engine, &queue, &probe);
	log_line("TOTEM", LOG_NOTICE, "%u frames wait for the transport, %" PRIu64 " were given up",
		ring->waiting_count, ring->dropped);
}

bool ring_is_safe_kept(const struct ring *ring)
{
	return ring->engine != NULL && totem_engine_is_safe_honoured(ring->engine);
}

void ring_transport_stats(const struct ring *ring, struct coterie_transport_stats *stats)
{
	if (ring != NULL && ring->transport != NULL && ring->transport->transport.stats != NULL)
		ring->transport->transport.stats(ring->transport->self, stats);
}

int ring_node_status(const struct ring *ring, uint32_t nodeid, struct coterie_node_status *status)
{
	const struct plugin *transport = ring->transport;

	memset(status, 0, sizeof(*status));
	status->size = sizeof(*status);
	status->nodeid = nodeid;
	if (transport == NULL || transport->transport.node_status == NULL)
		return -ENOTSUP;
	return transport->transport.node_status(transport->self, nodeid, status);
}

void ring_membership(const struct ring *ring, struct coterie_ring_id *id, const uint32_t **nodeids,
	uint32_t *count)
{
	if (ring->engine == NULL) {
		*count = 0;
		*nodeids = NULL;
		if (id != NULL)
			memset(id, 0, sizeof(*id));
		return;
	}
	/* The engine's ring may be one that is still being formed; these are the members of the last. */
	struct totem_probe probe;
	totem_engine_probe(ring->engine, &probe);
	if (id != NULL)
		*id = (struct coterie_ring_id){
			.representative = probe.old_ring.rep, .seq = probe.old_ring.seq};
	*count = totem_engine_members(ring->engine, nodeids);
}

/* --- life --- */

struct ring *ring_create(struct executive *executive, int *exit_code)
{
	const struct config *config = executive->config;
	struct ring *ring = calloc(1, sizeof(*ring));
	size_t common = config->netmtu > 2048 && config->netmtu <= WIRE_FRAME_SIZE_MAX ? config->netmtu : 2048;

	*exit_code = EXIT_FATAL;
	if (ring == NULL)
		goto no_memory;
	ring->executive = executive;
	ring->options = config->totem;
	ring->timer_at_ns = TOTEM_NEVER;
	ring->log.options = &ring->options;
	for (int i = 0; i < TOTEM_TIMER_COUNT; i++)
		ring->deadlines[i] = TOTEM_NEVER;
	ring->pool = frame_pool_create(common, POOL_BYTES_MAX);
	ring->waiting = calloc(WAITING_MAX, sizeof(*ring->waiting));
	if (ring->pool == NULL || ring->waiting == NULL)
		goto no_memory;
	int rc = state_ring_seq_load(executive->state_dir, ring->options.nodeid, &ring->options.ring_seq);
	if (rc < 0) {
		/* A lost number could be used twice, and recovery would mix two histories. */
		log_line("TOTEM", LOG_ERR,
			"Cannot read the stored ring id '%s/ringid_%u' (%s): repair the file, or remove it if "
			"this node was never in a ring",
			executive->state_dir, ring->options.nodeid,
			rc == -EBADMSG ? "it does not have 8 bytes" : strerror(-rc));
		*exit_code = EXIT_RING_ID;
		ring_destroy(ring);
		return NULL;
	}
	return ring;
no_memory:
	log_line("TOTEM", LOG_ERR, "out of memory");
	ring_destroy(ring);
	return NULL;
}

/* M of spec 04 §14.2. Unless the operator chose a netmtu, recovery frames stay below the link's MTU. */
static uint32_t payload_max(const struct config *config, const struct coterie_transport *transport)
{
	uint32_t headers = transport->header_size;

	if (config->netmtu != 0)
		return config->netmtu - RECOVERY_HEADERS;
	if (headers != 0 &&
		config->nodes[config->local].addresses[0].ss_family == AF_INET6)
		headers += IPV6_HEADER_EXTRA;
	return transport->netmtu - RECOVERY_HEADERS - headers;
}

static int add_peers(struct ring *ring)
{
	const struct config *config = ring->executive->config;
	const struct coterie_transport *transport = &ring->transport->transport;

	for (uint32_t i = 0; i < config->node_count; i++) {
		const struct config_node *node = &config->nodes[i];

		for (uint32_t link = 0; link < node->link_count && link < transport->links_max; link++) {
			int rc = transport->peer_add(ring->transport->self, link, node->nodeid,
				(const struct sockaddr *)&node->addresses[link]);
			if (rc < 0) {
				log_line("TOTEM", LOG_ERR, "transport %s does not take node %u (%s): %s",
					ring->transport->name, node->nodeid, node->texts[link], strerror(-rc));
				return rc;
			}
		}
	}
	return 0;
}

int ring_start(struct ring *ring, struct plugin *transport)
{
	const struct config *config = ring->executive->config;
	const struct config_node *local = &config->nodes[config->local];

	ring->transport = transport;
	ring->options.payload_max = payload_max(config, &transport->transport);
	ring->options.features = WIRE_FEATURE_SAFE;
	ring->options.random_seed = loop_now_ns(ring->executive->loop) ^ ((uint64_t)ring->options.nodeid << 32);
	ring->engine = totem_engine_create(ring->pool, &ring->options, &callbacks, ring,
		loop_now_ns(ring->executive->loop));
	if (ring->engine == NULL) {
		log_line("TOTEM", LOG_ERR, "out of memory");
		return -ENOMEM;
	}
	int rc = add_peers(ring);
	for (uint32_t link = 0; rc == 0 && link < local->link_count && link < transport->transport.links_max;
		link++) {
		rc = transport->transport.link_up(transport->self, link,
			(const struct sockaddr *)&local->addresses[link]);
		if (rc < 0)
			log_line("TOTEM", LOG_ERR, "cannot use address %s for link %u: %s", local->texts[link],
				link, strerror(-rc));
	}
	return rc;
}

void ring_stop(struct ring *ring)
{
	if (ring == NULL || ring->engine == NULL)
		return;
	assert(ring->inside == 0);
	ring->inside++;
	totem_engine_leave(ring->engine, loop_now_ns(ring->executive->loop));
	ring->inside--;
	loop_timer_del(ring->executive->loop, ring->timer);
	ring->timer = NULL;
	ring->timer_at_ns = 0; /* nothing is armed any more */
	totem_engine_destroy(ring->engine);
	ring->engine = NULL;
}

void ring_destroy(struct ring *ring)
{
	if (ring == NULL)
		return;
	for (; ring->waiting_count > 0; ring->waiting_count--) {
		frame_unref(ring->waiting[ring->waiting_first].frame);
		ring->waiting_first = (ring->waiting_first + 1) % WAITING_MAX;
	}
	for (size_t i = 0; i < ring->echo_count; i++)
		frame_unref(ring->echoes[i]);
	free(ring->echoes);
	free(ring->batch);
	free(ring->waiting);
	totem_engine_destroy(ring->engine);
	frame_pool_destroy(ring->pool);
	ring_log_fini(&ring->log);
	free(ring);
}
