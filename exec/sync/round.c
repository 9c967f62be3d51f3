/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/sync/round.h"

#include <stdio.h>

#include "exec/loop/loop.h"
#include "exec/plugin/plugin.h"
#include "exec/plugin/plugin_watch.h"

static const char purpose[] = "synchronisation";

/* --- calls of a service --- */

bool round_has(const struct plugin *plugin)
{
	return plugin != NULL && plugin->descriptor->kind == COTERIE_KIND_SERVICE && plugin->service.sync_step != NULL;
}

struct plugin *round_find(const struct plugin_registry *plugins, uint32_t ring_id)
{
	struct plugin *plugin = plugin_by_ring_id(plugins, ring_id);

	return round_has(plugin) ? plugin : NULL;
}

void round_start(struct plugin *plugin, const struct node_set *together, const struct coterie_configuration *regular)
{
	bool was_deaf = plugin->is_deaf;
	struct plugin_call call;

	plugin_enter(&call, plugin, purpose);
	plugin->is_deaf = false;
	if (was_deaf && plugin->service.configuration != NULL)
		plugin->service.configuration(plugin->self, regular);
	if (plugin->service.sync_start != NULL)
		plugin->service.sync_start(plugin->self, together->ids, together->count, regular);
	plugin_leave(&call);
}

/* Return whether the service has sent all its state */
static bool call_step(struct plugin *plugin)
{
	struct plugin_call call;

	plugin_enter(&call, plugin, purpose);
	int rc = plugin->service.sync_step(plugin->self);

	plugin_leave(&call);
	return rc == 0;
}

static void call_end(struct plugin *plugin, bool is_complete)
{
	void (*end)(void *self) = is_complete ? plugin->service.sync_done : plugin->service.sync_abort;
	struct plugin_call call;

	if (end == NULL)
		return;
	plugin_enter(&call, plugin, purpose);
	end(plugin->self);
	plugin_leave(&call);
}

bool round_takes_part(const struct round *round) { return node_set_has(&round->members, round->nodeid); }

/* Return the first of these services, or NULL: it is not loaded here, or this node takes no part. */
static struct plugin *first(const struct round *round, uint64_t services)
{
	if (!round_takes_part(round))
		return NULL;

	struct plugin *plugin = round_find(round->plugins, (uint32_t)__builtin_ctzll(services));

	return plugin != NULL && !plugin->is_deaf ? plugin : NULL;
}

uint64_t round_turn(const struct round *round)
{
	uint64_t lowest = round->services & -round->services;

	return (lowest & round->joint) != 0 ? round->services & round->joint : lowest;
}

/* The turn ends: call sync_done of its services, or sync_abort. */
static void end_services(struct round *round, bool is_complete)
{
	for (uint64_t left = round_turn(round); left != 0; left &= left - 1) {
		struct plugin *plugin = first(round, left);

		if (plugin != NULL)
			call_end(plugin, is_complete);
	}
}

/* --- the end of the patience --- */

static void on_late(void *arg);

static void watch(struct round *round)
{
	loop_timer_del(round->loop, round->timer);
	round->timer = NULL;
	if (round->phase == ROUND_IDLE)
		return;

	uint64_t patience_ns = round->phase == ROUND_BEGINS ? round->kind->begin_ns : round->kind->turn_ns;

	round->timer = loop_timer_add(round->loop, loop_now_ns(round->loop) + patience_ns, on_late, round);
}

static void on_late(void *arg)
{
	struct round *round = arg;
	struct node_set missing = {0};
	char text[256] = "";
	size_t length = 0;

	round->timer = NULL;
	/* Out of memory: the log line names no node. */
	(void)node_set_subtract(&missing, &round->members, &round->heard);
	for (uint32_t i = 0; i < missing.count && length + 12 < sizeof(text); i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, " %u", missing.ids[i]);
	node_set_fini(&missing);
	if (round->kind->late(round->arg, text))
		watch(round);
}

/* --- messages that this node sends --- */

static void send_begun(struct round *round) { round->owes_begun = round->kind->send_begun(round->arg) < 0; }

static void send_done(struct round *round) { round->owes_done = round->kind->send_done(round->arg) < 0; }

/* --- the phases --- */

int round_begin(struct round *round, const struct round_kind *kind, const struct node_set *members, uint64_t services,
	uint64_t joint)
{
	int rc = node_set_copy(&round->members, members);

	if (rc < 0)
		return rc;
	round->kind = kind;
	round->phase = ROUND_BEGINS;
	round->services = services;
	round->joint = joint;
	round->completed = 0;
	node_set_clear(&round->heard);
	watch(round);
	if (round_takes_part(round))
		send_begun(round);
	return 0;
}

/* End the round, complete or not. */
static void rest(struct round *round)
{
	round->phase = ROUND_IDLE;
	round->owes_begun = round->owes_done = false;
	watch(round);
}

static void next_turn(struct round *round)
{
	if (round->services == 0) {
		rest(round);
		round->kind->complete(round->arg);
		return;
	}
	round->phase = round_takes_part(round) ? ROUND_STEPS : ROUND_WAITS;
	round->unsent = round_turn(round);
	watch(round);
}

static void end_turn(struct round *round)
{
	uint64_t turn = round_turn(round);

	end_services(round, true);
	round->completed |= turn;
	round->services &= ~turn;
}

void round_go_on(struct round *round)
{
	while (round->phase != ROUND_IDLE && node_set_equal(&round->heard, &round->members)) {
		node_set_clear(&round->heard);
		if (round->phase != ROUND_BEGINS)
			end_turn(round);
		else if (round->kind->begun != NULL)
			round->kind->begun(round->arg);
		next_turn(round);
	}
}

void round_hear(struct round *round, uint32_t nodeid, bool is_done)
{
	bool is_awaited = is_done ? round->phase == ROUND_STEPS || round->phase == ROUND_WAITS
				  : round->phase == ROUND_BEGINS;

	/* Other members may be done with a turn while this node still sends its state. */
	if (is_awaited && node_set_has(&round->members, nodeid) && node_set_add(&round->heard, nodeid) == 0)
		round_go_on(round);
}

void round_forget(struct round *round, uint32_t nodeid)
{
	node_set_remove(&round->members, nodeid);
	node_set_remove(&round->heard, nodeid);
}

void round_passed(struct round *round)
{
	if (round->owes_begun)
		send_begun(round);
	if (round->owes_done)
		send_done(round);
	if (round->phase != ROUND_STEPS)
		return;

	while (round->unsent != 0) {
		struct plugin *plugin = first(round, round->unsent);

		round->is_stepping = true;
		bool is_done = plugin == NULL || call_step(plugin);
		round->is_stepping = false;
		if (!is_done)
			return; /* sync_step is called again after the next token */
		round->unsent &= round->unsent - 1;
	}
	round->phase = ROUND_WAITS;
	send_done(round);
}

uint64_t round_abort(struct round *round)
{
	if (round->phase == ROUND_IDLE)
		return 0;
	if (round->phase != ROUND_BEGINS)
		end_services(round, false);
	rest(round);
	return round->completed;
}

void round_fini(struct round *round)
{
	loop_timer_del(round->loop, round->timer);
	node_set_fini(&round->members);
	node_set_fini(&round->heard);
}
