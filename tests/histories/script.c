/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/histories/script.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/clock.h"

#define STEPS_MIN 50u
#define STEPS_MAX 90u

static const char *const fault_names[HISTORY_FAULTS] = {
	[HISTORY_PART] = "part",
	[HISTORY_CUT] = "cut",
	[HISTORY_REFUSE] = "refuse",
	[HISTORY_CRASH] = "crash",
	[HISTORY_STOP] = "stop",
	[HISTORY_PAUSE] = "pause",
	[HISTORY_STORM] = "storm",
	[HISTORY_DEAF] = "deaf",
	[HISTORY_LOSS] = "loss",
	[HISTORY_LATE] = "late",
	[HISTORY_CLOCK] = "clock",
	[HISTORY_DISK] = "disk",
	[HISTORY_PLUGIN] = "plugin",
	[HISTORY_FAR] = "far",
	[HISTORY_NARROW] = "narrow",
	[HISTORY_SOCKET] = "socket",
	[HISTORY_IDS] = "ids",
	[HISTORY_WRAP] = "wrap",
	[HISTORY_MIX] = "mix",
	[HISTORY_MANY] = "many",
	[HISTORY_REPLACE] = "replace",
};

static const char *const step_names[STEP_KINDS] = {
	[STEP_PART] = "part",
	[STEP_HEAL] = "heal",
	[STEP_CUT] = "cut",
	[STEP_REFUSE] = "refuse",
	[STEP_CRASH] = "crash",
	[STEP_CRASH_AFTER] = "crash-after",
	[STEP_STOP] = "stop",
	[STEP_START] = "start",
	[STEP_PAUSE] = "pause",
	[STEP_LOSS] = "loss",
	[STEP_DEAF] = "deaf",
	[STEP_REORDER] = "reorder",
	[STEP_LATE] = "late",
	[STEP_SUSPEND] = "suspend",
	[STEP_CLOCK] = "clock",
	[STEP_DISK_FULL] = "disk-full",
	[STEP_DISK_SLOW] = "disk-slow",
	[STEP_FORGET] = "forget",
	[STEP_UNLOAD] = "unload",
	[STEP_LOAD] = "load",
	[STEP_REPLACE] = "replace",
	[STEP_AWAIT] = "await",
	[STEP_CPG_JOIN] = "cpg-join",
	[STEP_CPG_LEAVE] = "cpg-leave",
	[STEP_CPG_END] = "cpg-end",
	[STEP_CPG_SEND] = "cpg-send",
	[STEP_CPG_HOLD] = "cpg-hold",
	[STEP_EVS_SEND] = "evs-send",
	[STEP_EVS_GUEST] = "evs-guest",
	[STEP_EVS_HOLD] = "evs-hold",
	[STEP_EVS_END] = "evs-end",
	[STEP_KV] = "kv",
	[STEP_CFG] = "cfg",
};

const char *history_fault_name(enum history_fault fault) { return fault_names[fault]; }

bool history_faults_parse(const char *list, uint32_t *faults)
{
	*faults = 0;
	if (strcmp(list, "none") == 0)
		return true;
	while (*list != '\0') {
		size_t length = strcspn(list, ",");
		uint32_t before = *faults;

		for (uint32_t i = 0; i < HISTORY_FAULTS; i++)
			if (strlen(fault_names[i]) == length && strncmp(fault_names[i], list, length) == 0)
				*faults |= 1u << i;
		if (length == 3 && strncmp(list, "all", 3) == 0)
			*faults |= HISTORY_ALL;
		if (*faults == before)
			return false;
		list += length + (list[length] == ',');
	}
	return true;
}

/* ---- Drawing ------------------------------------------------------------- */

struct pen {
	struct script *script;
	struct sim_random random;
	uint32_t capacity;
};

static uint32_t draw(struct pen *pen, uint32_t end) { return (uint32_t)random_below(&pen->random, end); }

/* Return the time in which a ring without silent nodes forms. */
static uint32_t forming_ms(const struct pen *pen)
{
	return 2 * (pen->script->setting.token_ms + pen->script->setting.consensus_ms);
}

static uint32_t draw_node(struct pen *pen) { return 1 + draw(pen, pen->script->nodes); }

static void add(struct pen *pen, struct step step)
{
	struct script *script = pen->script;

	if (script->count == pen->capacity) {
		pen->capacity = pen->capacity * 2 + 64;
		script->steps = realloc(script->steps, pen->capacity * sizeof(*script->steps));
		if (script->steps == NULL)
			abort();
	}
	script->steps[script->count++] = step;
}

/* Draw the length of a pause: 10 to 90 % of a timeout, or longer than all of them. */
static uint32_t draw_pause(struct pen *pen)
{
	const struct setting *setting = &pen->script->setting;
	/* The last three are the defaults of config: retransmission, join, merge. */
	const uint32_t timeouts_ms[] = {setting->token_ms, setting->consensus_ms, setting->token_ms * 10 / 42, 50, 200};
	uint32_t whole_ms = timeouts_ms[draw(pen, sizeof(timeouts_ms) / sizeof(timeouts_ms[0]))];

	if (draw(pen, 5) == 0)
		return forming_ms(pen);
	return whole_ms * (1 + draw(pen, 9)) / 10;
}

static uint32_t draw_size(struct pen *pen)
{
	static const uint32_t sizes[] = {0, 8, 100, 1300, 1440, 5000, 20000};

	return sizes[draw(pen, sizeof(sizes) / sizeof(sizes[0]))];
}

/* Random numbers that are separate from those of the script. So all other steps of a seed stay as they were. */
static struct pen own_pen(const struct pen *pen)
{
	return (struct pen){.script = pen->script,
		.random = {.state = pen->script->seed * 0x9E3779B97F4A7C15u + pen->script->count}};
}

/* Draw steps of a guest of EVS beside each step of another client. */
static void draw_guest(struct pen *pen, uint32_t client)
{
	static const enum step_kind kinds[] = {
		STEP_EVS_GUEST, STEP_EVS_GUEST, STEP_EVS_GUEST, STEP_EVS_HOLD, STEP_EVS_HOLD, STEP_EVS_END};
	struct pen own = own_pen(pen);
	enum step_kind kind = kinds[draw(&own, sizeof(kinds) / sizeof(kinds[0]))];

	if (draw(&own, 3) == 0)
		add(pen, (struct step){.kind = kind,
				 .client = client,
				 .size = draw_size(&own),
				 .value = draw(&own, 2),
				 .count = kind == STEP_EVS_HOLD ? draw(&own, 3) > 0 : 1 + draw(&own, 8),
				 .wait_ms = draw(&own, 4)});
}

/* Draw steps of clients, so that the faults happen during traffic. */
static void draw_traffic(struct pen *pen)
{
	uint32_t dice = draw(pen, 100);
	struct step step = {.client = draw(pen, HISTORY_CLIENTS), .wait_ms = draw(pen, 4), .node = draw_node(pen)};

	if (dice < 38) {
		step.kind = STEP_CPG_SEND;
		step.size = draw_size(pen);
		step.count = 1 + draw(pen, step.size < 1000 ? 60 : 6);
		step.value = draw(pen, 3) == 0;
	} else if (dice < 50) {
		step.kind = STEP_CPG_JOIN;
	} else if (dice < 54) {
		step.kind = STEP_CPG_LEAVE;
	} else if (dice < 59) {
		step.kind = STEP_CPG_END;
	} else if (dice < 62) {
		step.kind = STEP_CPG_HOLD;
		step.count = draw(pen, 3) > 0;
	} else if (dice < 76) {
		step.kind = STEP_EVS_SEND;
		step.size = draw_size(pen);
		step.count = 1 + draw(pen, step.size < 1000 ? 30 : 4);
		step.value = draw(pen, 2);
	} else if (dice > 95) {
		step.kind = STEP_CFG;
		step.other = draw_node(pen);
		step.value = draw(pen, 3);
	} else {
		step.kind = STEP_KV;
		step.value = draw(pen, 100);
		step.count = draw(pen, 3);
	}
	add(pen, step);
	draw_guest(pen, step.client);
}

static void draw_crash(struct pen *pen, uint32_t node)
{
	bool is_inside = draw(pen, 2) == 0;

	add(pen, (struct step){.kind = is_inside ? STEP_CRASH_AFTER : STEP_CRASH,
			 .node = node,
			 .count = 1 + draw(pen, 60),
			 .wait_ms = draw(pen, 1000)});
	if ((pen->script->faults & 1u << HISTORY_DISK) != 0 && draw(pen, 4) == 0)
		add(pen, (struct step){.kind = STEP_FORGET, .node = node});
	if (draw(pen, 4) > 0)
		add(pen, (struct step){.kind = STEP_START, .node = node, .wait_ms = draw(pen, 300)});
}

/*
 * Draw how many of 10,000 datagrams are lost, and how many arrive twice. A token that is lost is sent again after a quarter
 * of its timeout. If a large ring loses a tenth of its tokens, no synchronisation ends.
 */
static void draw_loss(struct pen *pen)
{
	static const uint32_t chances[] = {0, 0, 100, 300, 1000};
	const uint32_t lost_max = pen->script->nodes > 8 ? 300 : 1000;

	if (draw(pen, 3) == 0) {
		add(pen, (struct step){.kind = STEP_REORDER, .count = draw(pen, 2), .wait_ms = draw(pen, 200)});
		return;
	}
	uint32_t lost = chances[draw(pen, 5)];
	add(pen, (struct step){.kind = STEP_LOSS,
			 .count = lost < lost_max ? lost : lost_max,
			 .value = chances[draw(pen, 5)],
			 .wait_ms = draw(pen, 200)});
}

/* Wait for microseconds: a rotation of the token takes less than a millisecond. */
static void draw_moment(struct pen *pen, uint32_t end_us)
{
	add(pen, (struct step){.kind = STEP_AWAIT, .size = draw(pen, end_us)});
}

/* Wait for a moment in a synchronisation or after it. A rotation takes less than a millisecond. */
static void draw_await(struct pen *pen, uint32_t value)
{
	add(pen, (struct step){.kind = STEP_AWAIT,
			 .node = draw_node(pen),
			 .value = value,
			 .size = draw(pen, 400),
			 .count = forming_ms(pen)});
}

/*
 * Draw changes in quick succession. A leave, start or merge forms a ring within a few ms, and the next change, or the
 * end of a client, interrupts that.
 */
static void draw_storm(struct pen *pen)
{
	static const enum step_kind kinds[] = {STEP_STOP, STEP_START, STEP_START, STEP_HEAL, STEP_PART, STEP_CRASH,
		STEP_CRASH_AFTER, STEP_CPG_END, STEP_CPG_END, STEP_CPG_JOIN};

	add(pen, (struct step){.kind = STEP_PART, .value = random_next(&pen->random), .wait_ms = forming_ms(pen)});
	for (uint32_t i = 6 + draw(pen, 7); i > 0; i--) {
		if (draw(pen, 4) == 0)
			draw_await(pen, draw(pen, 2));
		add(pen, (struct step){.kind = kinds[draw(pen, sizeof(kinds) / sizeof(kinds[0]))],
				 .node = draw_node(pen),
				 .client = draw(pen, HISTORY_CLIENTS),
				 .count = 1 + draw(pen, 30),
				 .value = random_next(&pen->random),
				 .wait_ms = draw(pen, 4)});
	}
}

/*
 * Let safe messages wait while a ring ends: they are sent again in the next ring. One node misses them there, and is
 * cut off at once.
 */
static void draw_deaf_behind_change(struct pen *pen, uint32_t node, uint32_t calm_ms)
{
	add(pen, (struct step){.kind = STEP_PART, .value = random_next(&pen->random), .wait_ms = draw(pen, 50)});
	for (uint32_t i = 3 + draw(pen, 4); i > 0; i--)
		add(pen, (struct step){.kind = STEP_CPG_SEND,
				 .client = draw(pen, HISTORY_CLIENTS),
				 .node = 1,
				 .count = 1 + draw(pen, 5),
				 .size = draw_size(pen),
				 .value = draw(pen, 4) > 0});
	draw_await(pen, 1);
	add(pen, (struct step){.kind = STEP_DEAF, .node = node, .count = 1, .wait_ms = draw(pen, 2)});
	add(pen, (struct step){.kind = STEP_PART, .value = random_next(&pen->random), .wait_ms = 1});
	add(pen, (struct step){.kind = STEP_DEAF, .node = node, .wait_ms = calm_ms});
}

/* Wait, and let all clients of kv write. */
static void draw_writes(struct pen *pen, uint32_t wait_ms)
{
	add(pen, (struct step){.kind = STEP_AWAIT, .wait_ms = wait_ms});
	for (uint32_t client = 0; client < HISTORY_CLIENTS; client++)
		add(pen,
			(struct step){
				.kind = STEP_KV, .client = client, .value = 40 + draw(pen, 60), .count = draw(pen, 3)});
}

/* Write to kv on one node while no other node receives frames, and cut it off: only that node has the write. */
static void draw_doubt(struct pen *pen, uint32_t node, uint32_t calm_ms)
{
	for (uint32_t other = 1; other <= pen->script->nodes; other++)
		if (other != node)
			add(pen, (struct step){.kind = STEP_DEAF, .node = other, .count = 1});
	draw_writes(pen, 0);
	draw_moment(pen, 1000);
	add(pen, (struct step){.kind = STEP_PART, .value = UINT64_C(1) << 2 * node});
	for (uint32_t other = 1; other <= pen->script->nodes; other++)
		add(pen, (struct step){.kind = STEP_DEAF, .node = other, .wait_ms = draw(pen, 2)});
	if (draw(pen, 4) > 0)
		calm_ms = forming_ms(pen);
	draw_writes(pen, calm_ms);
	add(pen, (struct step){.kind = STEP_HEAL, .wait_ms = calm_ms});
}

/*
 * Let a node receive no frames while the others deliver agreed messages. Then split the ring, so that the node never
 * gets those messages. Safe messages must not be delivered in the old ring as long as the node lacks them.
 */
static void draw_deaf(struct pen *pen, uint32_t node, uint32_t calm_ms)
{
	uint32_t way = draw(pen, 4);

	if (way == 0) {
		draw_deaf_behind_change(pen, node, calm_ms);
		return;
	}
	if (way == 1 && pen->script->nodes < 8) {
		draw_doubt(pen, node, calm_ms);
		return;
	}
	add(pen, (struct step){.kind = STEP_DEAF, .node = node, .count = 1});
	for (uint32_t i = 2 + draw(pen, 3); i > 0; i--) {
		bool is_cpg = draw(pen, 3) > 0;

		add(pen, (struct step){.kind = is_cpg ? STEP_CPG_SEND : STEP_EVS_SEND,
				 .client = draw(pen, HISTORY_CLIENTS),
				 .node = draw_node(pen),
				 .count = 1 + draw(pen, 5),
				 .size = draw_size(pen),
				 .value = draw(pen, 4) > 0,
				 .wait_ms = draw(pen, 2)});
	}
	add(pen, (struct step){.kind = STEP_PART, .value = random_next(&pen->random), .wait_ms = 1});
	add(pen, (struct step){.kind = STEP_DEAF, .node = node, .wait_ms = calm_ms});
}

/* Let a clock jump by up to two token timeouts, or run at most 10 % too fast or too slow. */
static void draw_clock(struct pen *pen, uint32_t node)
{
	uint32_t jump_ms = draw(pen, 2) == 0 ? 0 : draw(pen, 2 * pen->script->setting.token_ms);
	uint32_t drift = draw(pen, 2) == 0 ? 0 : draw(pen, 200001);

	add(pen, (struct step){.kind = STEP_CLOCK,
			 .node = node,
			 .count = jump_ms,
			 .value = drift == 0 ? 500000 : 400000 + drift,
			 .wait_ms = draw(pen, 100)});
}

/*
 * Suspend a node in a third of the cases. The next step comes while the node is suspended, or soon after that.
 */
static void draw_suspend(struct pen *pen, uint32_t node)
{
	struct pen own = own_pen(pen);
	uint32_t ms = draw_pause(&own), wait_ms = draw(&own, 300);

	if (draw(&own, 3) == 0)
		add(pen, (struct step){.kind = STEP_SUSPEND,
				 .node = node,
				 .count = ms,
				 .wait_ms = draw(&own, 2) == 0 ? ms + wait_ms : wait_ms});
}

static void draw_disk(struct pen *pen, uint32_t node, uint32_t calm_ms)
{
	const uint32_t slow_ms[] = {0, 10, 100, pen->script->setting.token_ms * 3 / 2};

	if (draw(pen, 2) == 0)
		add(pen,
			(struct step){.kind = STEP_DISK_FULL, .node = node, .count = draw(pen, 2), .wait_ms = calm_ms});
	else
		add(pen, (struct step){.kind = STEP_DISK_SLOW,
				 .node = node,
				 .count = slow_ms[draw(pen, 4)],
				 .wait_ms = calm_ms});
}

/*
 * Load, unload and load cpg while the other nodes have much to send. Each synchronisation of cpg alone takes longer then,
 * and processes end in the middle of it.
 */
static void draw_plugin_under_load(struct pen *pen, uint32_t node, uint32_t calm_ms)
{
	add(pen, (struct step){.kind = STEP_UNLOAD, .node = node, .wait_ms = calm_ms});
	for (uint32_t i = 3 + draw(pen, 6); i > 0; i--)
		add(pen, (struct step){.kind = STEP_CPG_SEND,
				 .client = draw(pen, HISTORY_CLIENTS),
				 .node = 1,
				 .count = (6 + draw(pen, 20)) / (pen->script->setting.link_us_max > 10000 ? 6 : 1),
				 .size = 20000,
				 .value = draw(pen, 2)});
	for (uint32_t i = 3 + draw(pen, 6); i > 0; i--) {
		add(pen, (struct step){.kind = STEP_LOAD, .node = node});
		draw_moment(pen, 600);
		if (draw(pen, 2) == 0)
			add(pen, (struct step){.kind = draw(pen, 2) == 0 ? STEP_CPG_END : STEP_CPG_LEAVE,
					 .node = 1,
					 .client = draw(pen, HISTORY_CLIENTS)});
		if (draw(pen, 2) == 0)
			add(pen, (struct step){.kind = STEP_UNLOAD, .node = node});
		draw_moment(pen, 600);
	}
	add(pen, (struct step){.kind = STEP_LOAD, .node = node, .wait_ms = calm_ms});
}

/* Write to kv in one part of the network while a node of it does not run kv, then in other parts, where it does. */
static void draw_parts_without_kv(struct pen *pen, uint32_t node)
{
	uint32_t long_ms = forming_ms(pen);

	draw_writes(pen, 0);
	add(pen, (struct step){.kind = STEP_UNLOAD, .node = node, .value = 1, .wait_ms = 5});
	add(pen, (struct step){.kind = STEP_PART, .value = random_next(&pen->random)});
	draw_writes(pen, long_ms);
	add(pen, (struct step){.kind = STEP_PART, .value = random_next(&pen->random), .wait_ms = draw(pen, 100)});
	add(pen, (struct step){.kind = STEP_LOAD, .node = node, .value = 1});
	draw_writes(pen, long_ms);
	add(pen, (struct step){.kind = STEP_HEAL, .wait_ms = long_ms});
}

/*
 * Unload a service of a node. The other members go on, with clients that come, send and go while the service
 * synchronises alone.
 */
static void draw_plugin(struct pen *pen, uint32_t node, uint32_t calm_ms)
{
	static const enum step_kind kinds[] = {STEP_CPG_END, STEP_CPG_END, STEP_CPG_LEAVE, STEP_CPG_JOIN, STEP_CPG_SEND,
		STEP_KV, STEP_LOAD, STEP_UNLOAD};
	uint64_t which = draw(pen, 2);

	uint32_t way = draw(pen, 4);

	if (way == 0) {
		draw_plugin_under_load(pen, node, calm_ms);
		return;
	}
	if (way == 1) {
		draw_parts_without_kv(pen, node);
		return;
	}
	add(pen, (struct step){.kind = STEP_UNLOAD, .node = node, .value = which, .wait_ms = calm_ms});
	add(pen, (struct step){.kind = STEP_LOAD, .node = node, .value = which});
	for (uint32_t i = draw(pen, 7); i > 0; i--) {
		draw_moment(pen, 300);
		add(pen, (struct step){.kind = kinds[draw(pen, sizeof(kinds) / sizeof(kinds[0]))],
				 .node = draw_node(pen),
				 .client = draw(pen, HISTORY_CLIENTS),
				 .count = 1 + draw(pen, 3),
				 .size = draw_size(pen),
				 .value = draw(pen, 2),
				 .wait_ms = draw(pen, 4) == 0 ? 2 : 0});
	}
}

/* Replace up to four services, soon after each other and at any moment of a synchronisation, with traffic between them. */
static void draw_replace(struct pen *pen, uint32_t node)
{
	for (uint32_t i = 1 + draw(pen, 4); i > 0; i--) {
		add(pen, (struct step){.kind = STEP_REPLACE,
				 .node = i == 1 ? node : draw_node(pen),
				 .value = draw(pen, HISTORY_REPLACED),
				 .wait_ms = draw(pen, 4) * draw(pen, 20)});
		if (draw(pen, 2) == 0)
			draw_moment(pen, 300);
		if (draw(pen, 2) == 0)
			draw_traffic(pen);
	}
}

static void draw_fault(struct pen *pen, enum history_fault fault)
{
	uint32_t node = draw_node(pen), other = draw_node(pen);
	uint32_t calm_ms = draw(pen, 3) == 0 ? forming_ms(pen) : draw(pen, 200);

	switch (fault) {
	case HISTORY_PART:
		add(pen, (struct step){.kind = draw(pen, 3) == 0 ? STEP_HEAL : STEP_PART,
				 .value = random_next(&pen->random),
				 .wait_ms = calm_ms});
		break;
	case HISTORY_CUT:
		add(pen, (struct step){.kind = STEP_CUT, .node = node, .other = other, .wait_ms = calm_ms});
		add(pen, (struct step){.kind = STEP_HEAL, .wait_ms = calm_ms});
		break;
	case HISTORY_REFUSE:
		add(pen, (struct step){.kind = STEP_REFUSE, .node = node, .other = other, .wait_ms = calm_ms});
		add(pen, (struct step){.kind = STEP_HEAL, .wait_ms = calm_ms});
		break;
	case HISTORY_CRASH:
		draw_crash(pen, node);
		break;
	case HISTORY_STOP:
		add(pen, (struct step){.kind = STEP_STOP, .node = node, .wait_ms = calm_ms});
		add(pen, (struct step){.kind = STEP_START, .node = node, .wait_ms = calm_ms});
		break;
	case HISTORY_PAUSE:
		add(pen, (struct step){.kind = STEP_PAUSE, .node = node, .count = draw_pause(pen), .wait_ms = calm_ms});
		break;
	case HISTORY_STORM:
		draw_storm(pen);
		break;
	case HISTORY_DEAF:
		draw_deaf(pen, node, calm_ms);
		break;
	case HISTORY_LOSS:
		draw_loss(pen);
		break;
	case HISTORY_LATE:
		add(pen, (struct step){.kind = STEP_LATE, .count = draw(pen, 2) * 200, .wait_ms = draw(pen, 200)});
		add(pen, (struct step){.kind = STEP_LOSS, .value = draw(pen, 2) * 500, .wait_ms = calm_ms});
		break;
	case HISTORY_CLOCK:
		draw_clock(pen, node);
		draw_suspend(pen, node);
		break;
	case HISTORY_DISK:
		draw_disk(pen, node, calm_ms);
		break;
	case HISTORY_PLUGIN:
		draw_plugin(pen, node, calm_ms);
		break;
	case HISTORY_REPLACE:
		draw_replace(pen, node);
		break;
	case HISTORY_FAR:
	case HISTORY_NARROW:
	case HISTORY_SOCKET:
	case HISTORY_IDS:
	case HISTORY_WRAP:
	case HISTORY_MIX:
	case HISTORY_MANY:
	case HISTORY_FAULTS:
		break; /* a setting of the whole run, no step */
	}
}

static bool has(const struct script *script, enum history_fault fault) { return (script->faults & 1u << fault) != 0; }

/*
 * Draw the links' speeds. The token must go round within half of its timeout, even if all links are as slow as
 * possible.
 */
static void draw_links(struct pen *pen)
{
	static const uint32_t links_us[] = {1000, 10000, 50000, 200000};
	struct setting *setting = &pen->script->setting;

	setting->link_us_max = links_us[draw(pen, sizeof(links_us) / sizeof(links_us[0]))];
	if (pen->script->nodes > 5 && setting->link_us_max > 10000)
		setting->link_us_max = 10000; /* with many nodes and long delays a run would take too long */
	setting->delay_max_us = 200 + draw(pen, 1 + setting->link_us_max / 5);
	setting->token_ms = 300 + 2 * pen->script->nodes * (setting->link_us_max + setting->delay_max_us) / 1000;
	setting->consensus_ms = setting->token_ms * 6 / 5;
}

/* Draw the nodes' versions, as in a rolling upgrade: some have the newest one, some one or two older ones. */
static uint64_t draw_mix(struct pen *pen)
{
	static const uint32_t versions[] = {
		0, 0, MIX_COMPACT, MIX_COMPACT | MIX_LATER, MIX_COMPACT | MIX_LATER | MIX_SAFE};
	uint32_t count = draw(pen, 3) == 0 ? 5 : 4;
	uint64_t mix = 0;

	for (uint32_t i = 0; i < 16; i++)
		mix |= (uint64_t)versions[draw(pen, count)] << 4 * i;
	return mix;
}

static void draw_setting(struct pen *pen)
{
	static const uint32_t socket_bytes[] = {16384, 32768, 65536, 212992}; /* the last one is Linux's default */
	struct script *script = pen->script;
	struct setting *setting = &script->setting;

	*setting = (struct setting){.token_ms = 300, .consensus_ms = 360, .delay_min_us = 20, .delay_max_us = 200};
	if (has(script, HISTORY_FAR))
		draw_links(pen);
	if (has(script, HISTORY_NARROW)) {
		setting->link_bytes_per_ms = 1000 + draw(pen, 9000);
		setting->link_queue_ms = 5 + draw(pen, 46);
	}
	if (has(script, HISTORY_SOCKET))
		setting->socket_bytes = socket_bytes[draw(pen, 4)];
	setting->has_wide_ids = has(script, HISTORY_IDS);
	if (has(script, HISTORY_WRAP))
		setting->frames_to_wrap = 1 + draw(pen, 2000);
	if (has(script, HISTORY_MIX))
		setting->mix = draw_mix(pen);
	else if (draw(pen, 4) == 0)
		setting->mix = (uint64_t)MIX_COMPACT << 4 * draw(pen, script->nodes < 16 ? script->nodes : 16);
	setting->channels = (uint32_t)(script->seed * 0x9E3779B97F4A7C15u >> (64 - HISTORY_CLIENTS));
}

/* Return whether a kind of fault is one of the script's steps. Others are settings of the whole run. */
static bool is_step(uint32_t fault) { return fault < HISTORY_FAR || fault == HISTORY_REPLACE; }

void script_draw(struct script *script, uint64_t seed, uint32_t nodes, uint32_t faults)
{
	struct pen pen = {.script = script, .random = {.state = seed * 0xD1342543DE82EF95u + 7}};
	enum history_fault kinds[HISTORY_FAULTS];
	uint32_t kind_count = 0, step_count;

	*script = (struct script){.seed = seed};
	/* Each seed has only some of the kinds, so that the effect of a single kind is tested too. */
	for (uint32_t i = 0; i < HISTORY_FAULTS; i++)
		if ((faults & 1u << i) != 0 && (draw(&pen, is_step(i) ? 2 : 5) == 0 || faults == 1u << i))
			script->faults |= 1u << i;
	script->nodes = has(script, HISTORY_MANY) ? 6 + draw(&pen, 19) : 2 + draw(&pen, 4);
	if (nodes != 0)
		script->nodes = nodes;
	for (uint32_t i = 0; i < HISTORY_FAULTS; i++)
		if (is_step(i) && has(script, (enum history_fault)i))
			kinds[kind_count++] = (enum history_fault)i;
	draw_setting(&pen);
	for (uint32_t i = 0; i < HISTORY_CLIENTS; i++)
		add(&pen, (struct step){.kind = STEP_CPG_JOIN, .client = i});
	add(&pen, (struct step){.kind = STEP_HEAL, .wait_ms = 20});
	step_count = STEPS_MIN + draw(&pen, STEPS_MAX - STEPS_MIN);
	for (uint32_t i = 0; i < step_count; i++) {
		if (kind_count > 0 && draw(&pen, 5) == 0)
			draw_fault(&pen, kinds[draw(&pen, kind_count)]);
		else
			draw_traffic(&pen);
	}
}

/* ---- Copies and print ---------------------------------------------------- */

void script_copy(struct script *copy, const struct script *script, uint32_t from, uint32_t count)
{
	*copy = *script;
	copy->steps = malloc((script->count + 1) * sizeof(*copy->steps));
	if (copy->steps == NULL)
		abort();
	copy->count = 0;
	for (uint32_t i = 0; i < script->count; i++)
		if (i < from || i - from >= count)
			copy->steps[copy->count++] = script->steps[i];
}

void script_free(struct script *script)
{
	free(script->steps);
	*script = (struct script){.steps = NULL};
}

void script_print(const struct script *script, FILE *out)
{
	const struct setting *setting = &script->setting;

	fprintf(out,
		"nodes %u, token %u ms, links %u us and %u us, %u bytes/ms and %u ms, sockets %u bytes%s, %u frames to the wrap, "
		"channels %#x, mix %#jx, faults",
		script->nodes, setting->token_ms, setting->link_us_max, setting->delay_max_us,
		setting->link_bytes_per_ms, setting->link_queue_ms, setting->socket_bytes,
		setting->has_wide_ids ? ", wide ids" : "", setting->frames_to_wrap, setting->channels,
		(uintmax_t)setting->mix);
	for (uint32_t i = 0; i < HISTORY_FAULTS; i++)
		if ((script->faults & 1u << i) != 0)
			fprintf(out, " %s", fault_names[i]);
	fputc('\n', out);
	for (uint32_t i = 0; i < script->count; i++) {
		const struct step *step = &script->steps[i];

		fprintf(out, "%4u %-11s node %u other %u client %u count %u size %u value %#jx, then %u ms\n", i,
			step_names[step->kind], step->node, step->other, step->client, step->count, step->size,
			(uintmax_t)step->value, step->wait_ms);
	}
}
