/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/sync/resync.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin.h"
#include "exec/ring/ring.h"
#include "exec/sync/round.h"
#include "exec/totem/node_set.h"

/* READY follows at the next pass of the token. DONE takes as long as the state of the service. */
#define READY_NS (10ull * 1000000000u)
#define DONE_NS (60ull * 1000000000u)

enum function {
	RESYNC_JOIN,
	RESYNC_READY,
	RESYNC_DONE,
	RESYNC_PART,
};

/**
 * The message on the ring, behind the common header of services. It is in the sender's byte order.
 */
struct message {
	struct coterie_ring_header header;
	uint32_t service;
	uint32_t joiner; /* of READY and DONE: the node whose round it is */
	uint32_t representative;
	uint32_t pad;
	uint64_t seq;
};
_Static_assert(sizeof(struct message) == 40, "layout of a resync message");
_Static_assert(offsetof(struct message, seq) == 32, "layout of a resync message");

/* The plugins of a member of the current ring. */
struct member {
	uint32_t nodeid;
	bool has_told; /* its SERVICE_BUILD has been delivered */
	bool is_able;
	uint64_t services;
	uint64_t joined; /* services for which a round of it is in the list, by bit: one each */
};

struct round {
	uint32_t service, joiner;
	struct round *next;
};

struct resync {
	struct resync_parts parts;
	struct ring_id ring; /* all zero: between two configurations */
	struct node_set members;
	struct member *table; /* as members */
	struct round *rounds, **last; /* the first round is active */
	struct node_set partners;     /* nodes that take part in it */
	struct node_set waiting;      /* those of them that have not sent READY, later DONE */
	bool has_started;             /* all have sent READY */
	bool is_stepping;             /* sync_step has more to do */
	bool owes_ready, owes_done;   /* there was no room */
	struct loop_timer *deadline;  /* end of the wait of the first round; or NULL */
	struct log_limit malformed;
};

static struct member *find(struct resync *resync, uint32_t nodeid)
{
	for (uint32_t i = 0; i < resync->members.count; i++)
		if (resync->table[i].nodeid == nodeid)
			return &resync->table[i];
	return NULL;
}

static struct plugin *plugin_of(const struct resync *resync, uint32_t service)
{
	return round_find(resync->parts.plugins, service);
}

static void hold(const struct resync *resync, struct plugin *plugin, bool is_held)
{
	plugin->is_held = is_held;
	resync->parts.held(resync->parts.arg, plugin);
}

/* --- messages out --- */

static int tell(struct resync *resync, enum function function, uint32_t service, uint32_t joiner)
{
	struct message message = {
		.header = {.id = (int32_t)(RESYNC_SERVICE_ID << 16 | (uint32_t)function),
			.size = sizeof(message)},
		.service = service,
		.joiner = joiner,
		.representative = resync->ring.rep,
		.seq = resync->ring.seq,
	};
	struct iovec iov = {&message, sizeof(message)};

	return ring_send(resync->parts.ring, "a", TOTEM_AGREED, &iov, 1);
}

static void send_ready(struct resync *resync)
{
	const struct round *round = resync->rounds;

	resync->owes_ready = tell(resync, RESYNC_READY, round->service, round->joiner) < 0;
}

static void send_done(struct resync *resync)
{
	const struct round *round = resync->rounds;

	resync->owes_done = tell(resync, RESYNC_DONE, round->service, round->joiner) < 0;
}

/* --- a round --- */

static void drop_first(struct resync *resync)
{
	struct round *round = resync->rounds;
	struct member *joiner = find(resync, round->joiner);

	resync->rounds = round->next;
	if (resync->rounds == NULL)
		resync->last = &resync->rounds;
	if (joiner != NULL)
		joiner->joined &= ~(UINT64_C(1) << round->service);
	free(round);
	loop_timer_del(resync->parts.loop, resync->deadline);
	resync->deadline = NULL;
	resync->has_started = resync->is_stepping = resync->owes_ready = resync->owes_done = false;
	node_set_clear(&resync->partners);
	node_set_clear(&resync->waiting);
}

/*
 * A member has not said what the round waits for: it is stopped, or its JOIN was forged. All that have the service would
 * hold its clients for ever. A timer runs out at another place of the order on each member, so it cannot end the round
 * there. A configuration does, and the synchronisation that follows does the work of all rounds.
 */
static void on_deadline(void *arg)
{
	struct resync *resync = arg;
	char text[256] = "";
	size_t length = 0;

	resync->deadline = NULL;
	for (uint32_t i = 0; i < resync->waiting.count && length + 12 < sizeof(text); i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, " %u", resync->waiting.ids[i]);
	log_line("SYNC", LOG_WARNING,
		"Service %u, which node %u has loaded, waits in vain for node(s)%s: a ring is formed with the same "
		"members, which synchronises all services",
		resync->rounds->service, resync->rounds->joiner, text);
	ring_force_gather(resync->parts.ring);
}

static void wait_for(struct resync *resync, uint64_t patience_ns)
{
	struct loop *loop = resync->parts.loop;

	loop_timer_del(loop, resync->deadline);
	resync->deadline = loop_timer_add(loop, loop_now_ns(loop) + patience_ns, on_deadline, resync);
}

/* Remove the first round, which has ended or was aborted. */
static void end(struct resync *resync, bool is_complete)
{
	struct plugin *plugin = plugin_of(resync, resync->rounds->service);
	bool has_started = resync->has_started;

	drop_first(resync);
	if (plugin == NULL || !plugin->is_held)
		return;
	if (has_started)
		round_end(plugin, is_complete);
	hold(resync, plugin, false);
}

static void tell_start(struct resync *resync, struct plugin *plugin, uint32_t joiner)
{
	const struct coterie_configuration told = {
		.size = sizeof(told),
		.is_regular = 1,
		.ring = {.representative = resync->ring.rep, .seq = resync->ring.seq},
		.members = resync->members.ids,
		.member_count = resync->members.count,
	}; /* no node has left or joined the ring */
	struct node_set together = {0};

	/* To its like on the other nodes, the joiner's service has left and come again. */
	if (joiner != resync->parts.nodeid &&
		node_set_assign(&together, resync->members.ids, resync->members.count) == 0)
		node_set_remove(&together, joiner);
	round_start(plugin, &together, &told);
	node_set_fini(&together);
}

/* Start the round: all members have sent READY, which each member sees at the same message. */
static void start(struct resync *resync)
{
	const struct round *round = resync->rounds;
	struct plugin *plugin = plugin_of(resync, round->service);

	resync->has_started = true;
	wait_for(resync, DONE_NS);
	if (node_set_copy(&resync->waiting, &resync->partners) < 0)
		log_line("SYNC", LOG_ERR, "out of memory: service %u is not synchronised", round->service);
	if (!node_set_has(&resync->partners, resync->parts.nodeid))
		return;
	resync->is_stepping = true;
	if (plugin != NULL && plugin->is_held)
		tell_start(resync, plugin, round->joiner);
}

/* The first round begins: at the same message on every member. */
static void begin(struct resync *resync)
{
	const struct round *round = resync->rounds;
	struct plugin *plugin = plugin_of(resync, round->service);

	wait_for(resync, READY_NS);
	for (uint32_t i = 0; i < resync->members.count; i++) {
		const struct member *member = &resync->table[i];

		if (!member->is_able || (member->services >> round->service & 1) == 0)
			continue;
		if (node_set_add(&resync->partners, member->nodeid) < 0)
			log_line("SYNC", LOG_ERR, "out of memory: service %u is not synchronised", round->service);
	}
	if (node_set_copy(&resync->waiting, &resync->partners) < 0)
		log_line("SYNC", LOG_ERR, "out of memory: service %u is not synchronised", round->service);
	log_line("SYNC", LOG_DEBUG, "service %u synchronises: node %u has loaded it", round->service,
		round->joiner);
	if (!node_set_has(&resync->partners, resync->parts.nodeid))
		return;
	/* Not here any more, or not yet: then only its words count. */
	if (plugin != NULL && (!plugin->is_deaf || round->joiner == resync->parts.nodeid))
		hold(resync, plugin, true);
	send_ready(resync);
}

/* Continue with the next step, after the last awaited message. */
static void go_on(struct resync *resync)
{
	while (resync->rounds != NULL && resync->waiting.count == 0) {
		if (!resync->has_started && resync->partners.count > 0) {
			start(resync);
			continue;
		}
		end(resync, true);
		if (resync->rounds != NULL)
			begin(resync);
	}
}

void resync_passed(struct resync *resync)
{
	if (resync->owes_ready)
		send_ready(resync);
	if (resync->owes_done)
		send_done(resync);
	if (!resync->is_stepping)
		return;
	struct plugin *plugin = plugin_of(resync, resync->rounds->service);
	if (plugin != NULL && plugin->is_held && !round_step(plugin))
		return; /* again after the next token */
	resync->is_stepping = false;
	send_done(resync);
}

/* --- messages in --- */

static void on_join(struct resync *resync, struct member *source, uint32_t service)
{
	uint64_t bit = UINT64_C(1) << service;

	/* A member that loads a service again has sent PART before, so its earlier round has ended. */
	if ((source->joined & bit) != 0) {
		log_limited(&resync->malformed, loop_now_ns(resync->parts.loop), "SYNC", LOG_WARNING,
			"message of node %u dropped: it has joined with service %u already", source->nodeid, service);
		return;
	}

	struct round *round = calloc(1, sizeof(*round));

	source->services |= bit;
	if (round == NULL) {
		log_line("SYNC", LOG_ERR, "out of memory: service %u is not synchronised", service);
		return;
	}
	source->joined |= bit;
	round->service = service;
	round->joiner = source->nodeid;
	*resync->last = round;
	resync->last = &round->next;
	if (resync->rounds == round)
		begin(resync);
	go_on(resync);
}

static void on_part(struct resync *resync, struct member *source, uint32_t service)
{
	struct round *first = resync->rounds;
	struct round **link = first == NULL ? NULL : &first->next;

	source->services &= ~(UINT64_C(1) << service);
	while (link != NULL && *link != NULL) { /* those that have not begun */
		struct round *round = *link;

		if (round->service != service || round->joiner != source->nodeid) {
			link = &round->next;
			continue;
		}
		*link = round->next;
		if (*link == NULL)
			resync->last = link;
		source->joined &= ~(UINT64_C(1) << service);
		free(round);
	}
	if (first == NULL || first->service != service)
		return;
	if (first->joiner == source->nodeid) {
		end(resync, false);
		if (resync->rounds != NULL)
			begin(resync);
	} else {
		node_set_remove(&resync->partners, source->nodeid);
		node_set_remove(&resync->waiting, source->nodeid);
	}
	go_on(resync);
}

/* Handle a READY or DONE. */
static void on_word(struct resync *resync, const struct member *source, const struct message *message, bool is_done)
{
	const struct round *round = resync->rounds;

	if (round == NULL || round->service != message->service || round->joiner != message->joiner ||
		resync->has_started != is_done)
		return;
	node_set_remove(&resync->waiting, source->nodeid);
	go_on(resync);
}

static void swap(struct message *message)
{
	message->header.id = (int32_t)__builtin_bswap32((uint32_t)message->header.id);
	message->service = __builtin_bswap32(message->service);
	message->joiner = __builtin_bswap32(message->joiner);
	message->representative = __builtin_bswap32(message->representative);
	message->seq = __builtin_bswap64(message->seq);
}

void resync_deliver(
	struct resync *resync, uint32_t source, const uint8_t *bytes, size_t size, bool is_swapped)
{
	struct message message;

	if (size < sizeof(message)) {
		log_limited(&resync->malformed, loop_now_ns(resync->parts.loop), "SYNC", LOG_WARNING,
			"message of node %u dropped: shorter than its kind", source);
		return;
	}
	memcpy(&message, bytes, sizeof(message));
	if (is_swapped)
		swap(&message);
	struct ring_id ring = {message.representative, message.seq};
	struct member *member = find(resync, source);
	/* A message of an earlier ring: its synchronisation has done the work. */
	if (member == NULL || !ring_id_equal(&ring, &resync->ring))
		return;
	if (message.service >= RESYNC_SERVICE_ID) {
		log_limited(&resync->malformed, loop_now_ns(resync->parts.loop), "SYNC", LOG_WARNING,
			"message of node %u dropped: no such service can exist", source);
		return;
	}
	switch ((uint32_t)message.header.id & 0xffff) {
	case RESYNC_JOIN:
		on_join(resync, member, message.service);
		break;
	case RESYNC_READY:
		on_word(resync, member, &message, false);
		break;
	case RESYNC_DONE:
		on_word(resync, member, &message, true);
		break;
	case RESYNC_PART:
		on_part(resync, member, message.service);
		break;
	default: /* of a later version */
		break;
	}
}

/* --- configurations --- */

void resync_configure(struct resync *resync, const struct totem_configuration *configuration)
{
	if (resync->rounds != NULL)
		end(resync, false);
	while (resync->rounds != NULL)
		drop_first(resync);
	resync->ring = (struct ring_id){0};
	node_set_clear(&resync->members);
	if (!configuration->is_regular)
		return;
	struct member *table = calloc(configuration->member_count + 1, sizeof(*table));
	if (table == NULL ||
		node_set_assign(&resync->members, configuration->members, configuration->member_count) < 0) {
		log_line("SYNC", LOG_ERR, "out of memory: services loaded later are not synchronised");
		node_set_clear(&resync->members);
		free(table);
		return;
	}
	free(resync->table);
	resync->table = table;
	for (uint32_t i = 0; i < resync->members.count; i++)
		table[i].nodeid = resync->members.ids[i];
	resync->ring = configuration->ring;
}

void resync_build(struct resync *resync, uint32_t nodeid, uint64_t services, bool is_able)
{
	struct member *member = find(resync, nodeid);

	if (member == NULL)
		return;
	member->has_told = true;
	member->services = services;
	member->is_able = is_able;
}

int resync_members(const struct resync *resync, const struct plugin *plugin, uint32_t *nodeids, uint32_t room)
{
	uint64_t bit = UINT64_C(1) << plugin->service.ring_id;
	uint32_t count = 0;

	if (!round_has(plugin))
		return -ENOTSUP;
	if (resync->members.count == 0)
		return -EAGAIN; /* between two configurations */
	for (uint32_t i = 0; i < resync->members.count; i++) {
		const struct member *member = &resync->table[i];

		if (!member->has_told)
			return -EAGAIN;
		if ((member->services & bit) == 0)
			continue;
		if (count < room)
			nodeids[count] = member->nodeid;
		count++;
	}
	return (int)count;
}

/* --- joining and parting --- */

/* A member has the service and cannot be asked for its state. */
static bool needs_configuration(const struct resync *resync, uint32_t service)
{
	for (uint32_t i = 0; i < resync->members.count; i++)
		if (!resync->table[i].is_able && (resync->table[i].services >> service & 1) != 0)
			return true;
	return false;
}

static void tell_configuration(const struct resync *resync, struct plugin *plugin)
{
	const struct coterie_configuration told = {
		.size = sizeof(told),
		.is_regular = 1,
		.ring = {.representative = resync->ring.rep, .seq = resync->ring.seq},
		.members = resync->members.ids,
		.member_count = resync->members.count,
	};

	if (plugin->service.configuration != NULL)
		plugin->service.configuration(plugin->self, &told);
}

int resync_join(struct resync *resync, struct plugin *plugin)
{
	uint32_t service = plugin->service.ring_id;

	if (!round_has(plugin)) {
		plugin->is_deaf = false;
		tell_configuration(resync, plugin);
		resync->parts.held(resync->parts.arg, plugin); /* it was refused before: there may be room */
		return 0;
	}
	if (needs_configuration(resync, service)) {
		log_line("SYNC", LOG_NOTICE,
			"Service %s must hear from nodes that take part in a new ring only: one is formed, with "
			"the same members",
			plugin->name);
		ring_force_gather(resync->parts.ring);
		return 0;
	}
	return tell(resync, RESYNC_JOIN, service, resync->parts.nodeid);
}

int resync_part(struct resync *resync, const struct plugin *plugin)
{
	/* Between two configurations the next one's lists tell it. */
	if (!round_has(plugin) || resync->members.count == 0)
		return 0;
	return tell(resync, RESYNC_PART, plugin->service.ring_id, 0);
}

struct resync *resync_create(const struct resync_parts *parts)
{
	struct resync *resync = calloc(1, sizeof(*resync));

	if (resync == NULL)
		return NULL;
	resync->parts = *parts;
	resync->last = &resync->rounds;
	return resync;
}

void resync_destroy(struct resync *resync)
{
	if (resync == NULL)
		return;
	while (resync->rounds != NULL)
		drop_first(resync);
	node_set_fini(&resync->members);
	node_set_fini(&resync->partners);
	node_set_fini(&resync->waiting);
	free(resync->table);
	free(resync);
}
