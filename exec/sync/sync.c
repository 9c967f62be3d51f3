/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/sync/sync.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin.h"
#include "exec/ring/ring.h"
#include "exec/sync/delivery.h"
#include "exec/sync/roster.h"
#include "exec/sync/round.h"
#include "exec/sync/round_message.h"
#include "exec/sync/together.h"

#define STALL_NS (30ull * 1000000000u)
/*
 * Patience for a round of one service. READY is sent at the next pass of the token. DONE is sent when the service has
 * sent its state.
 */
#define READY_NS (10ull * 1000000000u)
#define DONE_NS (60ull * 1000000000u)
#define EXIT_NO_MEMORY 13
/*
 * The services that have one turn: those with lower ids than Corosync's quorum provider. Each turn costs the ring a rotation
 * and a message of each member. The provider must have its own. A node with an old configuration stops at the end of the
 * turn before, so that its votes do not count. And a quorum device may let the provider wait for half a minute.
 */
#define JOINT_SERVICES ((UINT64_C(1) << 5) - 1)

/* A round of one service, in the list. */
struct single {
	uint32_t service, joiner;
	struct single *next;
};

struct sync {
	struct sync_parts parts;
	struct round round;
	bool is_starting;    /* sync_start of services is being called, in a round of all services */
	bool is_running;     /* from the transitional configuration to the end of the round of all services */
	struct ring_id ring; /* all zero between two configurations: then no message matches it */
	struct roster roster;
	struct together together;
	/* rounds of one service. The first one is under way, unless the round of all services is or will be */
	struct single *singles, **last;
	struct log_limit malformed;
};

static bool is_alone(const struct sync *sync) { return sync->round.phase != ROUND_IDLE && !sync->is_running; }

static int send_word(struct sync *sync, struct round_message message)
{
	message.ring = sync->ring;
	return round_message_send(sync->parts.ring, &message);
}

/* Return the present configuration, without lists of members that left or joined. */
static struct coterie_configuration configuration_of(const struct sync *sync)
{
	return (struct coterie_configuration){
		.size = sizeof(struct coterie_configuration),
		.is_regular = 1,
		.ring = {.representative = sync->ring.rep, .seq = sync->ring.seq},
		.members = sync->roster.members.ids,
		.member_count = sync->roster.members.count,
	};
}

/* --- the round of all services --- */

/* Return the services of this node that have state to synchronise, by bit. */
static uint64_t services_here(const struct sync *sync)
{
	uint64_t services = 0;

	for (struct plugin *plugin = plugin_first(sync->parts.plugins); plugin != NULL; plugin = plugin->next)
		if (round_has(plugin))
			services |= UINT64_C(1) << plugin->service.ring_id;
	return services;
}

static int all_send_begun(void *arg)
{
	const struct sync *sync = arg;
	const struct round_message build = {
		.word = ROUND_BUILD,
		.services = services_here(sync),
		.is_able = true,
		.is_announcing = true,
		.is_joint = sync->parts.has_joint_turn,
	};

	return send_word(arg, build);
}

static int all_send_done(void *arg) { return send_word(arg, (struct round_message){.word = ROUND_BARRIER}); }

/* Write numbers of services, with a blank before each. @return text */
static const char *services_text(char *text, size_t size, uint64_t services)
{
	size_t length = 0;

	for (text[0] = '\0'; services != 0 && length + 4 < size; services &= services - 1)
		length += (size_t)snprintf(text + length, size - length, " %d", __builtin_ctzll(services));
	return text;
}

/* Log that the round of all services is late. It goes on: the ring itself works. */
static bool all_late(void *arg, const char *nodeids)
{
	const struct round *round = &((struct sync *)arg)->round;
	char services[256];

	if (round->phase == ROUND_BEGINS)
		log_line("SYNC", LOG_WARNING,
			"synchronisation waits for the service lists of node(s)%s: clients stay held until then",
			nodeids);
	else
		log_line("SYNC", LOG_WARNING,
			"synchronisation of service(s)%s waits for node(s)%s: clients stay held until then",
			services_text(services, sizeof(services), round_turn(round)), nodeids);
	return true;
}

static void begin_single(struct sync *sync);

static void all_complete(void *arg)
{
	struct sync *sync = arg;

	sync->is_running = false;
	together_settle(&sync->together, UINT64_MAX);
	log_line("MAIN", LOG_NOTICE, "Completed service synchronization, ready to provide service.");
	ring_synchronized(sync->parts.ring);
	sync->parts.synchronized(sync->parts.arg);
	begin_single(sync);
}

static const struct round_kind all = {
	.begin_ns = STALL_NS,
	.turn_ns = STALL_NS,
	.send_begun = all_send_begun,
	.send_done = all_send_done,
	.late = all_late,
	.complete = all_complete,
};

static void start_services(struct sync *sync, const struct totem_configuration *configuration)
{
	struct coterie_configuration told = configuration_of(sync);

	told.joined = configuration->joined;
	told.joined_count = configuration->joined_count;
	sync->is_starting = true;
	for (struct plugin *plugin = plugin_first(sync->parts.plugins); plugin != NULL; plugin = plugin->next) {
		struct node_set came = {0};

		if (!round_has(plugin))
			continue;
		/* Out of memory: the service is informed that all members have left and joined. */
		if (node_set_intersect(
			    &came, together_of(&sync->together, plugin->service.ring_id), &sync->roster.members) < 0)
			node_set_clear(&came);
		round_start(plugin, &came, &told);
		node_set_fini(&came);
	}
	sync->is_starting = false;
}

/* --- rounds of one service: the first one of the list --- */

static int send_single(struct sync *sync, enum round_word word)
{
	const struct single *single = sync->singles;

	return send_word(
		sync, (struct round_message){.word = word, .service = single->service, .joiner = single->joiner});
}

static int alone_send_begun(void *arg) { return send_single(arg, ROUND_READY); }

static int alone_send_done(void *arg) { return send_single(arg, ROUND_DONE); }

static void hold(struct sync *sync, struct plugin *plugin, bool is_held)
{
	plugin->is_held = is_held;
	sync->parts.held(sync->parts.arg, plugin);
}

/* Take a round out of the list. */
static void drop(struct sync *sync, struct single **link)
{
	struct single *single = *link;
	struct roster_entry *joiner = roster_find(&sync->roster, single->joiner);

	*link = single->next;
	if (*link == NULL)
		sync->last = link;
	if (joiner != NULL)
		joiner->joined &= ~(UINT64_C(1) << single->service);
	free(single);
}

/* End the first round of the list. Requests of clients of its service are handled again. */
static void release(struct sync *sync)
{
	struct plugin *plugin = round_find(sync->parts.plugins, sync->singles->service);

	drop(sync, &sync->singles);
	if (plugin != NULL && plugin->is_held)
		hold(sync, plugin, false);
}

/* All members have sent READY. This is at the same message on every member. */
static void alone_begun(void *arg)
{
	struct sync *sync = arg;
	const struct single *single = sync->singles;
	struct plugin *plugin = round_find(sync->parts.plugins, single->service);
	const struct coterie_configuration told = configuration_of(sync);
	struct node_set together = {0};

	if (!round_takes_part(&sync->round) || plugin == NULL || !plugin->is_held)
		return;
	/* For this service on the other nodes, the joiner has left and joined again. */
	if (single->joiner != sync->parts.nodeid && node_set_copy(&together, &sync->roster.members) == 0)
		node_set_remove(&together, single->joiner);
	round_start(plugin, &together, &told);
	node_set_fini(&together);
}

/*
 * A member has not sent the READY or DONE that the round waits for: it hangs, or its JOIN was forged. All members with
 * the service would hold its clients for ever. The timer expires at another place of the order on each member, so it
 * cannot end the round there. A configuration can, and the synchronisation that follows does the work of all rounds. So
 * force a configuration.
 */
static bool alone_late(void *arg, const char *nodeids)
{
	struct sync *sync = arg;

	log_line("SYNC", LOG_WARNING,
		"Service %u, which node %u has loaded, waits in vain for node(s)%s: a ring is formed with the same "
		"members, which synchronises all services",
		sync->singles->service, sync->singles->joiner, nodeids);
	ring_force_gather(sync->parts.ring);
	return false;
}

static void alone_complete(void *arg)
{
	release(arg);
	begin_single(arg);
}

static const struct round_kind alone = {
	.begin_ns = READY_NS,
	.turn_ns = DONE_NS,
	.send_begun = alone_send_begun,
	.send_done = alone_send_done,
	.begun = alone_begun,
	.late = alone_late,
	.complete = alone_complete,
};

/*
 * Out of memory. This node sends no READY for the round, so all members wait for the next configuration. The gather
 * makes that come soon.
 */
static void give_up(struct sync *sync, uint32_t service)
{
	log_line("SYNC", LOG_ERR,
		"out of memory: service %u is not synchronised, and a ring is formed with the same members", service);
	ring_force_gather(sync->parts.ring);
}

/* Begin the first round of the list, if no other one is under way. This is at the same message on every member. */
static void begin_single(struct sync *sync)
{
	const struct single *single = sync->singles;
	struct node_set partners = {0};

	if (single == NULL || sync->is_running || sync->round.phase != ROUND_IDLE)
		return;
	struct plugin *plugin = round_find(sync->parts.plugins, single->service);
	int rc = roster_partners(&sync->roster, single->service, &partners);

	log_line("SYNC", LOG_DEBUG, "service %u synchronises: node %u has loaded it", single->service, single->joiner);
	/* If the service is not loaded here, or is still deaf, only the messages of the round are exchanged. */
	if (node_set_has(&partners, sync->parts.nodeid) && plugin != NULL &&
		(!plugin->is_deaf || single->joiner == sync->parts.nodeid))
		hold(sync, plugin, true);
	if (rc == 0)
		rc = round_begin(&sync->round, &alone, &partners, UINT64_C(1) << single->service, 0);
	node_set_fini(&partners);
	if (rc < 0)
		give_up(sync, single->service);
}

/* --- messages that arrive --- */

static void on_build(struct sync *sync, struct roster_entry *source, const struct round_message *message)
{
	if (!sync->is_running || sync->round.phase != ROUND_BEGINS)
		return;
	source->has_told = true;
	source->services = message->services;
	source->is_able = message->is_able;
	delivery_build(sync->parts.delivery, source->nodeid, message->is_announcing);
	sync->round.services |= message->services;
	if (!message->is_joint)
		sync->round.joint = 0; /* an older build, or Corosync: each service has its turn */
	round_hear(&sync->round, source->nodeid, false);
}

static void on_join(struct sync *sync, struct roster_entry *source, uint32_t service)
{
	uint64_t bit = UINT64_C(1) << service;

	/* A member that loads a service again has sent PART before, which ended its earlier round. */
	if ((source->joined & bit) != 0) {
		log_limited(&sync->malformed, loop_now_ns(sync->parts.loop), "SYNC", LOG_WARNING,
			"message of node %u dropped: it has joined with service %u already", source->nodeid, service);
		return;
	}

	struct single *single = calloc(1, sizeof(*single));

	source->services |= bit;
	if (single == NULL) {
		give_up(sync, service);
		return;
	}
	source->joined |= bit;
	single->service = service;
	single->joiner = source->nodeid;
	*sync->last = single;
	sync->last = &single->next;
	begin_single(sync);
	round_go_on(&sync->round);
}

/*
 * End the round of one service, whose joiner has unloaded it. A service that has begun, and has no sync_abort, waits for a
 * sync_start. Only a configuration brings that.
 */
static void abort_single(struct sync *sync)
{
	const struct plugin *plugin = round_find(sync->parts.plugins, sync->singles->service);
	bool has_begun = sync->round.phase != ROUND_BEGINS && sync->singles->joiner != sync->parts.nodeid &&
			 plugin != NULL && plugin->is_held;

	round_abort(&sync->round);
	if (has_begun && plugin->service.sync_abort == NULL)
		ring_force_gather(sync->parts.ring);
}

static void on_part(struct sync *sync, struct roster_entry *source, uint32_t service)
{
	const struct single *present = is_alone(sync) ? sync->singles : NULL;
	struct single **link = &sync->singles;

	source->services &= ~(UINT64_C(1) << service);
	while (*link != NULL && ((*link)->service != service || (*link)->joiner != source->nodeid))
		link = &(*link)->next;
	if (present != NULL && present->service == service && present->joiner != source->nodeid)
		round_forget(&sync->round, source->nodeid);
	if (*link != NULL && link != &sync->singles) {
		drop(sync, link); /* this round has not begun */
	} else if (*link != NULL) {
		if (present != NULL)
			abort_single(sync);
		release(sync);
		begin_single(sync);
	}
	round_go_on(&sync->round);
}

/* Handle READY or DONE. */
static void on_word(struct sync *sync, const struct roster_entry *source, const struct round_message *message)
{
	const struct single *single = sync->singles;

	if (is_alone(sync) && single->service == message->service && single->joiner == message->joiner)
		round_hear(&sync->round, source->nodeid, message->word == ROUND_DONE);
}

static void receive(struct sync *sync, uint32_t source, const struct round_message *message)
{
	struct roster_entry *member = roster_find(&sync->roster, source);

	if (!ring_id_equal(&message->ring, &sync->ring)) {
		log_line("SYNC", LOG_DEBUG, "message of node %u is for old ring %u.%" PRIx64 ": discarded", source,
			message->ring.rep, message->ring.seq);
		return;
	}
	if (member == NULL)
		return;
	switch (message->word) {
	case ROUND_BUILD:
		on_build(sync, member, message);
		break;
	case ROUND_BARRIER:
		if (sync->is_running)
			round_hear(&sync->round, source, true);
		break;
	case ROUND_JOIN:
		on_join(sync, member, message->service);
		break;
	case ROUND_READY:
	case ROUND_DONE:
		on_word(sync, member, message);
		break;
	case ROUND_PART:
		on_part(sync, member, message->service);
		break;
	}
}

static void refuse(struct sync *sync, uint32_t source, const char *reason)
{
	log_limited(&sync->malformed, loop_now_ns(sync->parts.loop), "SYNC", LOG_WARNING,
		"message of node %u dropped: %s", source, reason);
}

void sync_deliver(struct sync *sync, uint32_t source, const uint8_t *bytes, uint32_t size, bool is_swapped)
{
	struct round_message message;
	int rc = round_message_read(&message, bytes, size, is_swapped);

	if (rc == 0)
		receive(sync, source, &message);
	else if (rc == -EBADMSG)
		log_limited(&sync->malformed, loop_now_ns(sync->parts.loop), "SYNC", LOG_WARNING,
			"malformed synchronisation message of node %u dropped", source);
}

void sync_deliver_service(struct sync *sync, uint32_t source, const uint8_t *bytes, size_t size, bool is_swapped)
{
	struct round_message message;
	int rc = round_message_read_service(&message, bytes, size, is_swapped);

	if (rc == 0)
		receive(sync, source, &message);
	else if (rc == -EBADMSG)
		refuse(sync, source, "shorter than its kind");
	else if (rc == -ERANGE)
		refuse(sync, source, "no such service can exist");
}

void sync_passed(struct sync *sync) { round_passed(&sync->round); }

/* --- configurations --- */

static void end_all(struct sync *sync)
{
	together_settle(&sync->together, round_abort(&sync->round));
	if (sync->singles != NULL)
		release(sync);
	while (sync->singles != NULL)
		drop(sync, &sync->singles);
}

void sync_configure(struct sync *sync, const struct totem_configuration *configuration)
{
	end_all(sync);
	sync->is_running = true;
	sync->ring = (struct ring_id){0};
	roster_clear(&sync->roster);
	if (!configuration->is_regular) {
		together_note(
			&sync->together, configuration->members, configuration->member_count, services_here(sync));
		return;
	}
	int rc = roster_note(&sync->roster, configuration->members, configuration->member_count);

	sync->ring = configuration->ring;
	if (rc == 0)
		rc = round_begin(&sync->round, &all, &sync->roster.members, 0, JOINT_SERVICES);
	if (rc < 0) {
		log_line("SYNC", LOG_CRIT, "out of memory");
		sync->parts.stop(sync->parts.arg, EXIT_NO_MEMORY);
		return;
	}
	sync->parts.begun(sync->parts.arg);
	start_services(sync, configuration);
}

bool sync_is_running(const struct sync *sync) { return sync->is_running; }

bool sync_is_starting(const struct sync *sync) { return sync->is_starting; }

bool sync_is_stepping(const struct sync *sync) { return sync->is_running && sync->round.is_stepping; }

int sync_service_members(const struct sync *sync, const struct plugin *plugin, uint32_t *nodeids, uint32_t room)
{
	return round_has(plugin) ? roster_list(&sync->roster, plugin->service.ring_id, nodeids, room) : -ENOTSUP;
}

/* --- loading and unloading of services --- */

int sync_join(struct sync *sync, struct plugin *plugin)
{
	const struct coterie_configuration told = configuration_of(sync);
	uint32_t service = plugin->service.ring_id;

	if (!round_has(plugin)) {
		plugin->is_deaf = false;
		if (plugin->service.configuration != NULL)
			plugin->service.configuration(plugin->self, &told);
		/* requests of its clients were refused before: there may be room now */
		sync->parts.held(sync->parts.arg, plugin);
		return 0;
	}
	if (roster_has_unable(&sync->roster, service)) {
		log_line("SYNC", LOG_NOTICE,
			"Service %s must hear from nodes that take part in a new ring only: one is formed, with "
			"the same members",
			plugin->name);
		ring_force_gather(sync->parts.ring);
		return 0;
	}
	return send_word(
		sync, (struct round_message){.word = ROUND_JOIN, .service = service, .joiner = sync->parts.nodeid});
}

int sync_part(struct sync *sync, const struct plugin *plugin)
{
	/* Between two configurations no PART is needed: the lists of the next one leave the service out. */
	if (!round_has(plugin) || sync->roster.members.count == 0)
		return 0;
	return send_word(sync, (struct round_message){.word = ROUND_PART, .service = plugin->service.ring_id});
}

struct sync *sync_create(const struct sync_parts *parts)
{
	struct sync *sync = calloc(1, sizeof(*sync));

	if (sync == NULL)
		return NULL;
	sync->parts = *parts;
	sync->is_running = true; /* no client is served before the first ring has synchronised */
	sync->round = (struct round){
		.loop = parts->loop, .plugins = parts->plugins, .nodeid = parts->nodeid, .arg = sync};
	sync->last = &sync->singles;
	return sync;
}

void sync_destroy(struct sync *sync)
{
	if (sync == NULL)
		return;
	while (sync->singles != NULL)
		drop(sync, &sync->singles);
	round_fini(&sync->round);
	together_fini(&sync->together);
	roster_fini(&sync->roster);
	free(sync);
}
