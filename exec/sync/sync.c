/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/sync/sync.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin.h"
#include "exec/ring/ring.h"
#include "exec/sync/delivery.h"
#include "exec/sync/resync.h"
#include "exec/sync/round.h"
#include "exec/totem/node_set.h"

/* Messages of the group "sync": book sync, "Messages". Offsets are the reference's. */
#define MESSAGE_BARRIER 0u
#define MESSAGE_SERVICE_BUILD 1u
#define BARRIER_SIZE 32u
#define BUILD_SIZE 552u
#define RING_ID_AT 16u
#define BUILD_COUNT_AT 32u
#define BUILD_MARK_AT 36u /* the reference sends 0 and does not look */
#define BUILD_IDS_AT 40u
#define BUILD_ANNOUNCES_AT (BUILD_SIZE - 4u) /* in the place of the last id, which no member uses */
#define BUILD_IDS_MAX 128u
#define SERVICES_MAX 64u /* distinct ids in a union: more overrun the reference's list */
#define STALL_NS (30ull * 1000000000u)

enum phase {
	PHASE_NONE,    /* no synchronisation, or the transitional configuration only */
	PHASE_BUILD,   /* waiting for every member's service list */
	PHASE_STEP,    /* the current service sends its state */
	PHASE_BARRIER, /* waiting until every member is through with it */
};

/*
 * Life of one round: 1 transitional configuration: members remembered, for each service those with whom it came here
 * since it was synchronised last; 2 regular configuration: service
 * build sent, sync_start of all; 3 all builds delivered: the union, in ascending order, is what every
 * member walks; 4 after each pass of the token sync_step, until done; barrier sent; 5 all barriers
 * delivered: sync_done; 6 the next service, or the end. Another configuration ends the round at any point.
 */
struct sync {
	struct sync_parts parts;
	enum phase phase;
	bool is_starting;           /* sync_start of the services runs */
	bool is_stepping;           /* sync_step of a service runs */
	bool is_running;            /* from the transitional configuration to the end of the round */
	struct ring_id ring;        /* all zero: late messages of an ended round match nothing */
	struct node_set transitional;         /* as of the last configuration */
	struct node_set together[SERVICES_MAX]; /* by ring id, for a service that is unsettled */
	uint64_t unsettled;                   /* bits by ring id: no round has ended since the last configuration */
	struct node_set members;
	struct node_set heard;      /* members whose message of this phase was delivered */
	uint32_t services[SERVICES_MAX];
	uint32_t service_count;
	uint32_t current;
	bool owes_build, owes_barrier; /* the queue had no room */
	struct loop_timer *stall;
	struct log_limit malformed;
};

static void put_u32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

static uint32_t get_u32(const uint8_t *at, bool is_swapped)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return is_swapped ? __builtin_bswap32(value) : value;
}

static uint64_t get_u64(const uint8_t *at, bool is_swapped)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return is_swapped ? __builtin_bswap64(value) : value;
}

static struct plugin *current_plugin(struct sync *sync)
{
	return sync->current < sync->service_count ? round_find(sync->parts.plugins, sync->services[sync->current])
						   : NULL;
}

/* --- a stalled round is told, not ended: the ring itself is alive --- */

static void on_stall(void *arg);

static void watch(struct sync *sync)
{
	struct loop *loop = sync->parts.loop;

	loop_timer_del(loop, sync->stall);
	sync->stall = sync->phase == PHASE_NONE
		? NULL
		: loop_timer_add(loop, loop_now_ns(loop) + STALL_NS, on_stall, sync);
}

static void on_stall(void *arg)
{
	struct sync *sync = arg;
	struct node_set missing = {0};
	char text[256] = "";
	size_t length = 0;

	sync->stall = NULL;
	if (node_set_subtract(&missing, &sync->members, &sync->heard) < 0)
		return;
	for (uint32_t i = 0; i < missing.count && length + 12 < sizeof(text); i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, " %u", missing.ids[i]);
	if (sync->phase == PHASE_BUILD)
		log_line("SYNC", LOG_WARNING,
			"synchronisation waits for the service lists of node(s)%s: clients stay held until then",
			text);
	else if (sync->current < sync->service_count)
		log_line("SYNC", LOG_WARNING,
			"synchronisation of service %u waits for node(s)%s: clients stay held until then",
			sync->services[sync->current], text);
	node_set_fini(&missing);
	watch(sync);
}

/* --- messages out --- */

static void put_head(uint8_t *message, uint32_t id, uint32_t size, const struct ring_id *ring)
{
	memset(message, 0, size);
	put_u32(message, id);
	put_u32(message + 8, size);
	put_u32(message + RING_ID_AT, ring->rep);
	memcpy(message + RING_ID_AT + 4, &ring->seq, sizeof(ring->seq));
}

static void send_build(struct sync *sync)
{
	uint8_t message[BUILD_SIZE];
	uint32_t count = 0;

	put_head(message, MESSAGE_SERVICE_BUILD, BUILD_SIZE, &sync->ring);
	for (struct plugin *plugin = plugin_first(sync->parts.plugins); plugin != NULL;
		plugin = plugin->next)
		if (round_has(plugin) && count < SERVICES_MAX)
			put_u32(message + BUILD_IDS_AT + 4 * count++, plugin->service.ring_id);
	put_u32(message + BUILD_COUNT_AT, count);
	put_u32(message + BUILD_MARK_AT, RESYNC_MARK);
	put_u32(message + BUILD_ANNOUNCES_AT, DELIVERY_MARK);
	sync->owes_build =
		ring_send(sync->parts.ring, "sync", TOTEM_AGREED, &(struct iovec){message, BUILD_SIZE}, 1) != 0;
}

static void send_barrier(struct sync *sync)
{
	uint8_t message[BARRIER_SIZE];

	put_head(message, MESSAGE_BARRIER, BARRIER_SIZE, &sync->ring);
	sync->owes_barrier = ring_send(sync->parts.ring, "sync", TOTEM_AGREED,
		&(struct iovec){message, BARRIER_SIZE}, 1) != 0;
}

/* --- who came along --- */

/*
 * A member counts as having left and joined if it was separated from this node at any configuration since the
 * service's last round. That holds even if it was in the last configuration, since the service was not informed of
 * those between.
 */
static void note_transitional(struct sync *sync)
{
	for (struct plugin *plugin = plugin_first(sync->parts.plugins); plugin != NULL;
		plugin = plugin->next) {
		if (!round_has(plugin))
			continue;
		struct node_set *together = &sync->together[plugin->service.ring_id % SERVICES_MAX];
		uint64_t bit = UINT64_C(1) << plugin->service.ring_id % SERVICES_MAX;
		struct node_set both = {0};
		const struct node_set *before = (sync->unsettled & bit) != 0 ? together : &sync->transitional;

		/* Out of memory: the list has too few nodes, never too many. */
		if (node_set_intersect(&both, before, &sync->transitional) < 0)
			node_set_clear(&both);
		node_set_fini(together);
		*together = both;
		sync->unsettled |= bit;
	}
}

static const struct node_set *together_of(const struct sync *sync, const struct plugin *plugin)
{
	uint32_t place = plugin->service.ring_id % SERVICES_MAX;

	return (sync->unsettled >> place & 1) != 0 ? &sync->together[place] : &sync->transitional;
}

static void settle(struct sync *sync, const struct plugin *plugin)
{
	sync->unsettled &= ~(UINT64_C(1) << plugin->service.ring_id % SERVICES_MAX);
}

/* --- a round --- */

static void finish(struct sync *sync)
{
	sync->phase = PHASE_NONE;
	sync->is_running = false;
	sync->unsettled = 0;
	watch(sync);
	log_line("MAIN", LOG_NOTICE, "Completed service synchronization, ready to provide service.");
	ring_synchronized(sync->parts.ring);
	sync->parts.synchronized(sync->parts.arg);
}

static void next_service(struct sync *sync)
{
	node_set_clear(&sync->heard);
	if (sync->current >= sync->service_count) {
		finish(sync);
		return;
	}
	sync->phase = PHASE_STEP;
	watch(sync);
}

/* Abort the round, since a configuration or the list of services has changed. */
static void abort_round(struct sync *sync)
{
	struct plugin *plugin = current_plugin(sync);

	if ((sync->phase == PHASE_STEP || sync->phase == PHASE_BARRIER) && plugin != NULL)
		round_end(plugin, false);
	sync->phase = PHASE_NONE;
	sync->ring = (struct ring_id){0};
	sync->owes_build = sync->owes_barrier = false;
	watch(sync);
}

static void start(struct sync *sync, struct plugin *plugin, const struct coterie_configuration *told)
{
	struct node_set together = {0};

	/* Out of memory: report all other nodes as left and joined. */
	if (node_set_intersect(&together, together_of(sync, plugin), &sync->members) < 0)
		node_set_clear(&together);
	round_start(plugin, &together, told);
	node_set_fini(&together);
}

static void start_round(struct sync *sync, const struct totem_configuration *configuration)
{
	struct coterie_configuration told = {
		.size = sizeof(told),
		.is_regular = 1,
		.ring = {.representative = configuration->ring.rep, .seq = configuration->ring.seq},
		.members = configuration->members,
		.joined = configuration->joined,
		.member_count = configuration->member_count,
		.joined_count = configuration->joined_count,
	};

	sync->ring = configuration->ring;
	sync->current = sync->service_count = 0;
	node_set_clear(&sync->heard);
	if (node_set_assign(&sync->members, configuration->members, configuration->member_count) < 0) {
		log_line("SYNC", LOG_CRIT, "out of memory");
		sync->parts.stop(sync->parts.arg, 13);
		return;
	}
	sync->phase = PHASE_BUILD;
	send_build(sync);
	sync->parts.begun(sync->parts.arg);
	sync->is_starting = true;
	for (struct plugin *plugin = plugin_first(sync->parts.plugins); plugin != NULL;
		plugin = plugin->next) {
		if (round_has(plugin))
			start(sync, plugin, &told);
	}
	sync->is_starting = false;
	watch(sync);
}

void sync_configure(struct sync *sync, const struct totem_configuration *configuration)
{
	if (sync->phase != PHASE_NONE)
		abort_round(sync);
	resync_configure(sync->parts.resync, configuration);
	sync->is_running = true;
	if (configuration->is_regular) {
		start_round(sync, configuration);
		return;
	}
	if (node_set_assign(&sync->transitional, configuration->members, configuration->member_count) < 0)
		node_set_clear(&sync->transitional);
	note_transitional(sync);
}

static bool step(struct sync *sync, struct plugin *plugin)
{
	sync->is_stepping = true;
	bool is_done = round_step(plugin);

	sync->is_stepping = false;
	return is_done;
}

void sync_passed(struct sync *sync)
{
	if (sync->owes_build)
		send_build(sync);
	if (sync->owes_barrier)
		send_barrier(sync);
	if (sync->phase != PHASE_STEP)
		return;
	struct plugin *plugin = current_plugin(sync);
	if (plugin != NULL && !step(sync, plugin))
		return; /* again after the next token */
	sync->phase = PHASE_BARRIER;
	send_barrier(sync);
}

/* --- messages in --- */

static int add_service(struct sync *sync, uint32_t id)
{
	uint32_t place = 0;

	while (place < sync->service_count && sync->services[place] < id)
		place++;
	if (place < sync->service_count && sync->services[place] == id)
		return 0;
	if (sync->service_count == SERVICES_MAX)
		return -ENOSPC;
	memmove(sync->services + place + 1, sync->services + place,
		(sync->service_count - place) * sizeof(sync->services[0]));
	sync->services[place] = id;
	sync->service_count++;
	return 0;
}

/* Checked whole before anything of it is taken: book sync, "Messages". */
static bool take_build(struct sync *sync, uint32_t source, const uint8_t *bytes, bool is_swapped)
{
	uint32_t count = get_u32(bytes + BUILD_COUNT_AT, is_swapped);
	uint64_t services = 0;

	if (count > BUILD_IDS_MAX)
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (get_u32(bytes + BUILD_IDS_AT + 4 * i, is_swapped) >= SERVICES_MAX)
			return false;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t id = get_u32(bytes + BUILD_IDS_AT + 4 * i, is_swapped);

		services |= UINT64_C(1) << id;
		add_service(sync, id);
	}
	resync_build(sync->parts.resync, source, services,
		get_u32(bytes + BUILD_MARK_AT, is_swapped) == RESYNC_MARK);
	delivery_build(sync->parts.delivery, source,
		get_u32(bytes + BUILD_MARK_AT, is_swapped) == RESYNC_MARK && count < BUILD_IDS_MAX &&
			get_u32(bytes + BUILD_ANNOUNCES_AT, is_swapped) == DELIVERY_MARK);
	return true;
}

static void refuse(struct sync *sync, uint32_t source)
{
	log_limited(&sync->malformed, loop_now_ns(sync->parts.loop), "SYNC", LOG_WARNING,
		"malformed synchronisation message of node %u dropped", source);
}

static void on_build(struct sync *sync, uint32_t source, const uint8_t *bytes, bool is_swapped)
{
	if (sync->phase != PHASE_BUILD)
		return;
	if (!take_build(sync, source, bytes, is_swapped)) {
		refuse(sync, source);
		return;
	}
	if (node_set_add(&sync->heard, source) == 0 && node_set_equal(&sync->heard, &sync->members))
		next_service(sync);
}

static void on_barrier(struct sync *sync, uint32_t source)
{
	/* Others may be through with a service that this node still sends its state for. */
	if (sync->phase != PHASE_BARRIER && sync->phase != PHASE_STEP)
		return;
	if (node_set_add(&sync->heard, source) < 0 || !node_set_equal(&sync->heard, &sync->members))
		return;
	struct plugin *plugin = current_plugin(sync);
	if (plugin != NULL) {
		settle(sync, plugin);
		round_end(plugin, true);
	}
	sync->current++;
	next_service(sync);
}

void sync_deliver(struct sync *sync, uint32_t source, const uint8_t *bytes, uint32_t size, bool is_swapped)
{
	if (size < BARRIER_SIZE) {
		refuse(sync, source);
		return;
	}
	uint32_t id = get_u32(bytes, is_swapped);
	struct ring_id ring = {get_u32(bytes + RING_ID_AT, is_swapped),
		get_u64(bytes + RING_ID_AT + 4, is_swapped)};
	if (!ring_id_equal(&ring, &sync->ring) || sync->phase == PHASE_NONE) {
		log_line("SYNC", LOG_DEBUG, "message of node %u is for old ring %u.%" PRIx64 ": discarded",
			source, ring.rep, ring.seq);
		return;
	}
	if (!node_set_has(&sync->members, source))
		return;
	if (id == MESSAGE_BARRIER)
		on_barrier(sync, source);
	else if (id == MESSAGE_SERVICE_BUILD && size == BUILD_SIZE)
		on_build(sync, source, bytes, is_swapped);
	else if (id == MESSAGE_SERVICE_BUILD)
		refuse(sync, source);
}

bool sync_is_running(const struct sync *sync)
{
	return sync->is_running;
}

bool sync_is_starting(const struct sync *sync)
{
	return sync->is_starting;
}

bool sync_is_stepping(const struct sync *sync)
{
	return sync->is_stepping;
}

struct sync *sync_create(const struct sync_parts *parts)
{
	struct sync *sync = calloc(1, sizeof(*sync));

	if (sync == NULL)
		return NULL;
	sync->parts = *parts;
	sync->is_running = true; /* nothing is served before the first ring has synchronised */
	return sync;
}

void sync_destroy(struct sync *sync)
{
	if (sync == NULL)
		return;
	loop_timer_del(sync->parts.loop, sync->stall);
	node_set_fini(&sync->transitional);
	for (uint32_t i = 0; i < SERVICES_MAX; i++)
		node_set_fini(&sync->together[i]);
	node_set_fini(&sync->members);
	node_set_fini(&sync->heard);
	free(sync);
}
