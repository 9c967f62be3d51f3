/* SPDX-License-Identifier: BSD-3-Clause */
/* The play: nodes, faults and the quiet end. The parts have the clients. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "tests/histories/play.h"
#include "exec/totem/wire.h"
#include "testkit/kit.h"

#define SETTLE_MS_NODE 2000u /* after the faults one ring of all nodes must form within this time, for each node */
#define BACK_OFF_MS 60000u   /* nodes that did not hear each other are kept apart for at most this time */
#define SERVED_MS 30000u     /* and all clients must be served within this time */
/* Features that are newer than safe delivery. An older version has the first ones of them, and not the last. */
#define LATER_FEATURES 4u
#define STOP_MS 20000u /* a node that was told to stop must end within this time */
/* after this time and four token timeouts all packets and leaves on their way have arrived */
#define LATE_MS 500u

extern const struct coterie_plugin cpg_LTX_coterie_plugin, evs_LTX_coterie_plugin, quorum_LTX_coterie_plugin,
	votequorum_LTX_coterie_plugin, kv_LTX_coterie_plugin, cfg_LTX_coterie_plugin;

/* The part of EVS is first: it records in which configuration each node is, and the others use this. */
static const struct play_part *const parts[] = {&play_evs, &play_cpg, &play_quorum, &play_kv, &play_watch, &play_cfg};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

/* ---- What parts use ------------------------------------------------------ */

void play_break(struct play *play, const char *format, ...)
{
	va_list arguments;

	if (play->broken[0] != '\0')
		return;
	va_start(arguments, format);
	vsnprintf(play->broken, sizeof(play->broken), format, arguments);
	va_end(arguments);
	play_trace(play, "BROKEN: %s", play->broken);
}

void play_trace(const struct play *play, const char *format, ...)
{
	va_list arguments;

	if (play->log == NULL)
		return;
	fprintf(play->log, "%.3f ms: ", (double)testkit_now_ns(play->kit) / 1e6);
	va_start(arguments, format);
	vfprintf(play->log, format, arguments);
	va_end(arguments);
	fputc('\n', play->log);
}

struct play_ring play_ring_of(const struct play *play, uint32_t representative, uint64_t seq)
{
	return (struct play_ring){
		.representative = representative, .losses = play->lost[play_node(play, representative)], .seq = seq};
}

uint32_t play_nodeid(const struct play *play, uint32_t node) { return play->nodeids[node]; }

uint32_t play_node(const struct play *play, uint32_t nodeid)
{
	for (uint32_t node = 1; node <= play->script->nodes; node++)
		if (play_nodeid(play, node) == nodeid)
			return node;
	return 0;
}

uint32_t play_client_node(const struct play *play, uint32_t client)
{
	uint32_t nodes = play->script->nodes;

	return 1 + (nodes <= HISTORY_CLIENTS ? client % nodes : client * nodes / HISTORY_CLIENTS);
}

/* ---- Start --------------------------------------------------------------- */

/* Set the network. Each link has a delay of its own, which may differ between the two directions. */
static void set_network(struct play *play)
{
	const struct setting *setting = &play->script->setting;
	struct sim_random random = {.state = play->script->seed * 0x9E3779B97F4A7C15u + 3};
	struct net *net = &play->kit->net;

	for (uint32_t a = 0; a < play->script->nodes; a++)
		for (uint32_t b = 0; setting->link_us_max > 0 && b < play->script->nodes; b++)
			net->link_ns[a][b] = a == b ? 0 : US(random_below(&random, setting->link_us_max));
	net->link_bytes_per_ms = setting->link_bytes_per_ms;
	net->link_queue_ns = MS(setting->link_queue_ms);
	play->kit->inbox_bytes_max = setting->socket_bytes;
}

static void set_nodes(struct play *play)
{
	const struct setting *setting = &play->script->setting;

	if (setting->frames_to_wrap != 0) {
		play->kit->ring_seq = 0xFFFFFF00u; /* the sequence soon exceeds 32 bits */
		play->kit->frame_seq = UINT32_MAX - setting->frames_to_wrap;
	}
	for (uint32_t node = 1; node <= play->script->nodes; node++) {
		play->nodeids[node] = setting->has_wide_ids ? node * 0x9E3779B1u : node;
		if (testkit_nodeid(play->kit, node, play->nodeids[node]) < 0)
			play_break(play, "node %u gets no id %u", node, play->nodeids[node]);
	}
}

uint32_t play_mix(const struct play *play, uint32_t node) { return play->script->setting.mix >> 4 * (node % 16) & 15; }

bool play_has_plain(const struct play *play)
{
	for (uint32_t node = 1; node <= play->script->nodes; node++)
		if ((play_mix(play, node) & MIX_SAFE) != 0)
			return true;
	return false;
}

/* Switch features off in nodes that play an older version. */
static void set_features(struct play *play)
{
	for (uint32_t node = 1; node <= play->script->nodes; node++) {
		uint32_t mix = play_mix(play, node);

		if ((mix & MIX_SAFE) != 0)
			play->kit->nodes[node - 1].features_missing = UINT64_MAX;
		else if ((mix & MIX_LATER) != 0)
			play->kit->nodes[node - 1].features_missing = UINT64_MAX << (1 + (play->script->seed + node) %
												 LATER_FEATURES);
	}
}

/* Let two of three nodes deliver few frames in one event, since the backlogs of a history are short. */
static void set_delivery(struct play *play)
{
	for (uint32_t node = 1; node <= play->script->nodes; node++)
		play->kit->nodes[node - 1].deliver_frames = (uint32_t)((play->script->seed + node) % 3);
}

static void configure(struct play *play)
{
	const struct setting *setting = &play->script->setting;
	char text[256];

	/* The waits of a script are as long as the timeouts in it, whatever the number of nodes: so no coefficient. */
	snprintf(text, sizeof(text),
		"totem {\n token: %u\n token_coefficient: 0\n consensus: %u\n}\n"
		"quorum {\n provider: corosync_votequorum\n}\n",
		setting->token_ms, setting->consensus_ms);
	testkit_config(play->kit, text);
	set_network(play);
	set_nodes(play);
	set_features(play);
	set_delivery(play);
	testkit_delay(play->kit, setting->delay_min_us, setting->delay_max_us);
}

static const char *const *cpg_options(const struct play *play, uint32_t node)
{
	static const char *const no[] = {"compact=no", NULL};

	return (play_mix(play, node) & MIX_COMPACT) != 0 ? no : NULL;
}

static bool load(struct play *play)
{
	static const struct coterie_plugin *const others[] = {&evs_LTX_coterie_plugin, &quorum_LTX_coterie_plugin,
		&votequorum_LTX_coterie_plugin, &kv_LTX_coterie_plugin, &cfg_LTX_coterie_plugin};
	uint32_t nodes = play->script->nodes;

	for (uint32_t node = 1; node <= nodes; node++)
		if (testkit_load(play->kit, node, &cpg_LTX_coterie_plugin, cpg_options(play, node)) < 0)
			return false;
	for (uint32_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (testkit_load(play->kit, TESTKIT_ALL, others[i], NULL) < 0)
			return false;
	return testkit_start(play->kit, TESTKIT_ALL) == 0;
}

/* ---- Steps --------------------------------------------------------------- */

static void hear(void *arg, struct kit_node *node, const char *text)
{
	struct play *play = arg;

	for (uint32_t i = 0; i < PARTS; i++)
		if (parts[i]->hear != NULL)
			parts[i]->hear(play->parts[i], node, text);
}

static void tick(struct play *play)
{
	for (uint32_t i = 0; i < PARTS; i++)
		if (parts[i]->tick != NULL)
			parts[i]->tick(play->parts[i]);
}

static void run(struct play *play, uint32_t ms)
{
	tick(play);
	while (ms > 0) {
		uint32_t some = ms < 50 ? ms : 50;

		testkit_run(play->kit, some);
		tick(play);
		ms -= some;
	}
}

struct moment {
	const struct play *play;
	uint32_t node;
	int is_synchronized;
	uint64_t at_ns;
};

static int is_in_state(void *arg)
{
	const struct moment *moment = arg;

	return testkit_is_synchronized(moment->play->kit, moment->node) == moment->is_synchronized;
}

static int is_time(void *arg)
{
	const struct moment *moment = arg;

	return testkit_now_ns(moment->play->kit) >= moment->at_ns;
}

static bool await(struct play *play, struct moment *moment, uint32_t ms)
{
	for (uint32_t waited_ms = 0; waited_ms < ms; waited_ms += 50) {
		if (testkit_until(play->kit, 50, is_in_state, moment) == 0)
			return true;
		tick(play);
	}
	return false;
}

static void await_synchronisation(struct play *play, const struct step *step)
{
	struct moment moment = {.play = play, .node = step->node};

	if (step->count > 0 && !await(play, &moment, step->count))
		return;
	moment.is_synchronized = 1;
	if (step->count > 0 && step->value != 0 && !await(play, &moment, step->count))
		return;
	moment.at_ns = testkit_now_ns(play->kit) + (uint64_t)step->size * 1000;
	testkit_until(play->kit, 1, is_time, &moment);
}

static uint32_t side_of(uint64_t sides, uint32_t node)
{
	uint64_t side = node < 32 ? sides >> 2 * node : ~sides >> 2 * (node - 32);

	return (uint32_t)((side & 3) % 3);
}

static void part_network(struct play *play, uint64_t sides)
{
	struct net *net = &play->kit->net;

	for (uint32_t a = 0; a < play->script->nodes; a++)
		for (uint32_t b = 0; b < play->script->nodes; b++)
			net->cut[a][b] = side_of(sides, a) != side_of(sides, b);
}

static void heal_network(struct play *play)
{
	struct net *net = &play->kit->net;

	testkit_heal(play->kit);
	memset(net->rejects, 0, sizeof(net->rejects));
}

static const char *service_name(uint32_t which) { return which == 0 ? "cpg" : "kv"; }

/* Return whether an unloaded service still waits until the ring has delivered its last messages. */
static bool is_ending(const struct play *play, uint32_t node, uint32_t which)
{
	return (play->unloaded[node] & 1u << which) != 0 && testkit_self(play->kit, node, service_name(which)) != NULL;
}

static void unload_service(struct play *play, uint32_t node, uint32_t which)
{
	const char *name = service_name(which);

	if (!testkit_is_up(play->kit, node) || play->is_stopping[node] || testkit_self(play->kit, node, name) == NULL)
		return;
	/* One plugin changes at a time: the operator is refused until a service has ended or synchronised, this one included. */
	bool is_refused = false;
	for (uint32_t i = 0; i < 2; i++)
		is_refused |= is_ending(play, node, i) || kit_is_joining(&play->kit->nodes[node - 1], service_name(i));
	play->unloads[node]++;
	int rc = testkit_unload(play->kit, node, name);
	if (rc == 0)
		play->unloaded[node] |= 1u << which;
	else if (rc == -EALREADY && is_refused)
		play->unloads[node]--;
	else if (rc != -ESRCH)
		play_break(play, "node %u does not unload %s: %s", node, name, testkit_error(play->kit));
}

/* Load a service again, unless it has not ended yet: it waits until the ring has delivered its last messages. */
static void load_service(struct play *play, uint32_t node, uint32_t which)
{
	if ((play->unloaded[node] & 1u << which) == 0 || play->is_stopping[node] ||
		testkit_self(play->kit, node, service_name(which)) != NULL)
		return;
	const struct coterie_plugin *plugin = which == 0 ? &cpg_LTX_coterie_plugin : &kv_LTX_coterie_plugin;
	const char *const *options = which == 0 ? cpg_options(play, node) : NULL;
	int rc = testkit_is_up(play->kit, node) ? kit_load(&play->kit->nodes[node - 1], plugin, options)
						: testkit_load(play->kit, node, plugin, options);
	if (rc == 0) {
		play->unloaded[node] &= ~(1u << which);
		play->loads++;
	} else {
		play_break(play, "node %u does not load a service: %s", node, testkit_error(play->kit));
	}
}

static void strike_network(struct play *play, const struct step *step)
{
	struct testkit *kit = play->kit;
	bool is_link = step->node != step->other && step->other >= 1 && step->other <= play->script->nodes;

	switch ((int)step->kind) {
	case STEP_PART:
		part_network(play, step->value);
		break;
	case STEP_HEAL:
		heal_network(play);
		break;
	case STEP_CUT:
		if (is_link)
			testkit_cut(kit, step->node, step->other);
		break;
	case STEP_REFUSE:
		if (is_link)
			kit->net.rejects[step->node - 1][step->other - 1] = true;
		break;
	case STEP_LOSS:
		testkit_loss(kit, step->count, (uint32_t)step->value);
		break;
	case STEP_DEAF:
		kit->net.frames_lost &= ~BIT(step->node - 1);
		if (step->count != 0)
			kit->net.frames_lost |= BIT(step->node - 1);
		break;
	case STEP_REORDER:
		kit->net.reorder = step->count != 0;
		break;
	case STEP_LATE:
		kit->net.late = step->count;
		break;
	}
}

static void strike_node(struct play *play, const struct step *step)
{
	struct testkit *kit = play->kit;

	switch ((int)step->kind) {
	case STEP_CRASH:
		testkit_crash(kit, step->node);
		break;
	case STEP_CRASH_AFTER:
		testkit_crash_after(kit, step->node, step->count);
		break;
	case STEP_STOP:
		play->is_stopping[step->node] = testkit_stop(kit, step->node) == 0;
		break;
	case STEP_START:
		if (testkit_is_up(kit, step->node))
			break;
		play->is_stopping[step->node] = false;
		if (testkit_start(kit, step->node) < 0)
			play_break(play, "node %u does not start: %s", step->node, testkit_error(kit));
		break;
	case STEP_PAUSE:
		testkit_pause(kit, step->node, step->count);
		break;
	case STEP_SUSPEND:
		testkit_suspend(kit, step->node, step->count);
		break;
	case STEP_CLOCK:
		testkit_clock(kit, step->node, step->count, (int32_t)step->value - 500000);
		break;
	case STEP_DISK_SLOW:
		kit->nodes[step->node - 1].store_ms = step->count;
		testkit_disk(kit, step->node, step->count, kit->nodes[step->node - 1].disk_rc);
		break;
	case STEP_DISK_FULL:
		testkit_disk(kit, step->node, kit->nodes[step->node - 1].store_ms, step->count != 0 ? -ENOSPC : 0);
		break;
	case STEP_UNLOAD:
		unload_service(play, step->node, (uint32_t)step->value);
		break;
	case STEP_REPLACE:
		play_replace(play, step->node, (uint32_t)step->value);
		break;
	case STEP_LOAD:
		load_service(play, step->node, (uint32_t)step->value);
		break;
	case STEP_AWAIT:
		await_synchronisation(play, step);
		break;
	case STEP_FORGET:
		if (!testkit_is_up(kit, step->node) && testkit_forget(kit, step->node) == 0) {
			play->losses++;
			play->lost[step->node]++;
		}
		break;
	}
}

static void play_step(struct play *play, const struct step *step)
{
	if (step->node > play->script->nodes)
		return; /* a step from a script with more nodes, which shrinking has left over */
	strike_network(play, step);
	strike_node(play, step);
	tick(play);
	for (uint32_t i = 0; i < PARTS; i++)
		if (parts[i]->act != NULL)
			parts[i]->act(play->parts[i], step);
	run(play, step->wait_ms);
	play->counts.steps++;
}

/* ---- The quiet end ------------------------------------------------------- */

static int is_settled(void *arg)
{
	struct play *play = arg;

	for (uint32_t i = 0; i < PARTS; i++)
		if (parts[i]->is_settled != NULL && !parts[i]->is_settled(play->parts[i]))
			return 0;
	return 1;
}

static void load_services(struct play *play)
{
	for (uint32_t node = 1; node <= play->script->nodes; node++) {
		for (uint32_t ms = 0; play->unloaded[node] != 0 && ms < SERVED_MS; ms += 50) {
			load_service(play, node, 0);
			load_service(play, node, 1);
			if (play->unloaded[node] != 0)
				run(play, 50);
		}
		if (play->unloaded[node] != 0)
			play_break(play, "the network is quiet, and after %u ms node %u has not ended a service",
				SERVED_MS, node);
	}
}

static bool end_faults(struct play *play)
{
	struct testkit *kit = play->kit;

	testkit_heal(kit); /* notes the end of the faults, for testkit_settle */
	net_calm(&kit->net);
	for (uint32_t node = 1; node <= play->script->nodes; node++) {
		/* Cancel a crash that was to happen after some effects. */
		kit->nodes[node - 1].crash_at = 0;
		testkit_disk(kit, node, 0, 0);
		kit->nodes[node - 1].store_ms = 0;
		for (uint32_t ms = 0; play->is_stopping[node] && testkit_is_up(kit, node) && ms < STOP_MS; ms += 50)
			run(play, 50);
		if (!testkit_is_up(kit, node) && testkit_start(kit, node) < 0) {
			play_break(play, "node %u does not start: %s", node, testkit_error(kit));
			return false;
		}
		play->is_stopping[node] = false;
	}
	load_services(play);
	/* Before time goes on: cfg of a node that has just started must not read a real file, on a thread in real time. */
	tick(play);
	play->is_quiet = true;
	return true;
}

static void finish(struct play *play)
{
	uint32_t nodes = play->script->nodes, waited_ms = 0;
	uint32_t settle_ms = nodes * SETTLE_MS_NODE + 20 * play->script->setting.token_ms;

	if (!end_faults(play))
		return;
	/* This ends by the clock alone (backoff.c), so the time for one ring counts from its end. */
	for (uint32_t ms = 0; ms < BACK_OFF_MS && kit_keeps_out(play->kit); ms += 50)
		testkit_run(play->kit, 50);
	if (testkit_settle(play->kit, settle_ms) < 0) {
		play_break(play,
			"the network is quiet, and after %u ms there is no ring of all nodes that has synchronised",
			settle_ms);
		return;
	}
	while (!is_settled(play) && waited_ms < SERVED_MS) {
		run(play, 50);
		waited_ms += 50;
	}
	for (uint32_t i = 0; i < PARTS; i++)
		if (parts[i]->is_settled != NULL && !parts[i]->is_settled(play->parts[i]))
			play_break(play, "%s: the network is quiet, and after %u ms a client still waits",
				parts[i]->name, SERVED_MS);
	run(play, LATE_MS + 4 * play->script->setting.token_ms);
	for (uint32_t i = 0; i < PARTS && play->broken[0] == '\0'; i++)
		if (parts[i]->check != NULL)
			parts[i]->check(play->parts[i]);
}

int play_script(struct play *play, const struct script *script, FILE *log)
{
	*play = (struct play){.script = script, .log = log};
	play->kit = testkit_create(script->seed, script->nodes);
	if (play->kit == NULL)
		abort();
	if (log != NULL)
		testkit_log(play->kit, log, LOG_INFO);
	for (uint32_t i = 0; i < PARTS; i++)
		play->parts[i] = parts[i]->create(play);
	play->kit->heard = hear;
	play->kit->heard_arg = play;
	configure(play);
	if (!load(play))
		play_break(play, "the nodes do not start: %s", testkit_error(play->kit));
	else if (testkit_settle(play->kit, script->nodes * SETTLE_MS_NODE + 20 * script->setting.token_ms) < 0)
		play_break(play, "the nodes do not form a ring");
	for (uint32_t i = 0; i < script->count && play->broken[0] == '\0'; i++) {
		play_trace(play, "step %u", i);
		play_step(play, &script->steps[i]);
	}
	if (play->broken[0] == '\0')
		finish(play);
	if (play->broken[0] == '\0' && testkit_complaints(play->kit) > 0)
		play_break(play, "complaint: %s", testkit_complaint(play->kit, 0));
	play->counts.overflows = play->kit->overflows;
	for (uint32_t node = 0; node < play->script->nodes; node++)
		play->counts.failed_stores += play->kit->nodes[node].failed_stores;
	play->counts.simulated_ms = testkit_now_ns(play->kit) / 1000000;
	testkit_destroy(play->kit);
	for (uint32_t i = 0; i < PARTS; i++)
		parts[i]->destroy(play->parts[i]);
	for (uint32_t node = 1; node <= script->nodes; node++)
		play_view_free(&play->views[node]);
	return play->broken[0] != '\0';
}
