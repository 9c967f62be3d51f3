/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/fault.h"

#include <stdio.h>
#include <string.h>

#include "exec/totem/wire.h"
#include "tests/sim/clock_fault.h"
#include "tests/sim/forge.h"
#include "tests/sim/options.h"
#include "tests/sim/patience.h"
#include "tests/sim/sim.h"

static const char *const names[FAULT_KINDS] = {
	[FAULT_TIMERS] = "timers",
	[FAULT_PAYLOAD] = "payload",
	[FAULT_SWAP] = "swap",
	[FAULT_SEQ] = "seq",
	[FAULT_PLAIN] = "plain",
	[FAULT_QUIRKS] = "quirks",
	[FAULT_IDS] = "ids",
	[FAULT_LOSS] = "loss",
	[FAULT_DUPLICATE] = "duplicate",
	[FAULT_REORDER] = "reorder",
	[FAULT_DELAY] = "delay",
	[FAULT_KTH] = "kth",
	[FAULT_PARTITION] = "partition",
	[FAULT_ASYMMETRIC] = "asymmetric",
	[FAULT_CRASH] = "crash",
	[FAULT_STORAGE] = "storage",
	[FAULT_STRIKE] = "strike",
	[FAULT_LEAVE] = "leave",
	[FAULT_PAUSE] = "pause",
	[FAULT_CLOCK] = "clock",
	[FAULT_GARBAGE] = "garbage",
	[FAULT_FORGE] = "forge",
	[FAULT_REPLAY] = "replay",
	[FAULT_DEAD] = "dead",
	[FAULT_FRAMES] = "frames",
	[FAULT_MEMORY] = "memory",
	[FAULT_LINK] = "link",
	[FAULT_HOLE] = "hole",
	[FAULT_MIDDLE] = "middle",
	[FAULT_PATIENCE] = "patience",
	[FAULT_SHIFT] = "shift",
};

const char *fault_name(enum fault_kind kind) { return names[kind]; }

bool fault_parse(const char *list, uint32_t *kinds, const char **bad)
{
	*kinds = 0;
	while (*list != '\0') {
		size_t length = strcspn(list, ",");
		uint32_t found = 0;

		if (length == 3 && strncmp(list, "all", 3) == 0)
			found = FAULT_DEFAULT;
		for (int kind = 0; kind < FAULT_KINDS; kind++)
			if (strlen(names[kind]) == length && strncmp(list, names[kind], length) == 0)
				found = 1u << kind;
		if (found == 0 && !(length == 4 && strncmp(list, "none", 4) == 0)) {
			*bad = list;
			return false;
		}
		*kinds |= found;
		list += length + (list[length] == ',');
	}
	return true;
}

static bool has(const struct sim *sim, enum fault_kind kind) { return (sim->faults.kinds >> kind & 1) != 0; }

/* ---------------------------------------------------------------------------- for the whole run */

/* Choose the kinds of faults. They are few enough at a time that rings still form. */
static uint32_t pick_kinds(struct sim *sim)
{
	static const uint16_t chances[FAULT_KINDS] = {
		[FAULT_TIMERS] = 2500,
		[FAULT_PAYLOAD] = 2500,
		[FAULT_SWAP] = 1500,
		[FAULT_SEQ] = 2500,
		[FAULT_PLAIN] = 1000,
		[FAULT_QUIRKS] = 10000,
		[FAULT_IDS] = 2500,
		[FAULT_LOSS] = 6000,
		[FAULT_DUPLICATE] = 3000,
		[FAULT_REORDER] = 3000,
		[FAULT_DELAY] = 2000,
		[FAULT_KTH] = 5000,
		[FAULT_PARTITION] = 5000,
		[FAULT_ASYMMETRIC] = 2000,
		[FAULT_CRASH] = 5000,
		[FAULT_STORAGE] = 1500,
		[FAULT_STRIKE] = 6000,
		[FAULT_LEAVE] = 3000,
		[FAULT_PAUSE] = 4000,
		[FAULT_CLOCK] = 1500,
		[FAULT_GARBAGE] = 1500,
		[FAULT_FORGE] = 500,
		[FAULT_REPLAY] = 2000,
		[FAULT_DEAD] = 2000,
		[FAULT_FRAMES] = 1500,
		[FAULT_MEMORY] = 1500,
		[FAULT_LINK] = 2000,
		[FAULT_HOLE] = 2000,
	};
	uint32_t kinds = 0;

	for (int kind = 0; kind < FAULT_KINDS; kind++)
		if (random_chance(&sim->random, chances[kind]))
			kinds |= 1u << kind;
	return kinds & sim->options.faults;
}

bool faults_are_false_signs(const struct sim *sim)
{
	return (sim->faults.kinds >> FAULT_LOSS) == 1u << (FAULT_DEAD - FAULT_LOSS);
}

bool faults_are_middle(const struct sim *sim) { return sim->options.faults == 1u << FAULT_MIDDLE; }

void faults_init(struct sim *sim)
{
	static const uint32_t seqs[] = {0x7FFFFFFFu, 0x7FFFFF80u, 0xFFFFFE00u, 0xFFFFFFF0u};
	static const uint64_t tokens_ms[] = {180, 180, 250, 400, 1000, 3000};
	struct sim_random *random = &sim->random;
	uint64_t token_ns = MS(tokens_ms[random_below(random, 6)]);
	uint32_t picked = pick_kinds(sim), seq = seqs[random_below(random, 4)];

	sim->faults.kinds = sim->options.picks_faults ? picked : sim->options.faults;
	if (!has(sim, FAULT_SEQ))
		seq = 0;
	sim->history.first_seq = seq;

	if (faults_are_false_signs(sim))
		token_ns = SECONDS(1); /* so that losses do not add up to a lost token */
	/* Choose delays so that a rotation takes a fraction of the token timeout, however many nodes there are. */
	sim->net.delay_max_ns = US(random_between(random, 50, 1000));
	sim->net.delay_min_ns = sim->net.delay_max_ns / random_between(random, 1, 4);
	token_ns += sim->node_count * sim->net.delay_max_ns * 4;
	if (patience_is_played(sim))
		patience_set_network(sim, &token_ns);
	/* Ids of all 32 bits. In half of the runs some are on each side of the sign bit. */
	for (uint32_t i = 0, id = 0; i < sim->node_count; i++) {
		id += has(sim, FAULT_IDS) ? (uint32_t)random_between(random, 1, UINT32_MAX / sim->node_count) : 1;
		sim->ids[i] = sim->nodes[i].id = id;
	}
	sim->faults.is_open = has(sim, FAULT_GARBAGE) && random_chance(random, 3000);
	for (uint32_t i = 0; i < sim->node_count; i++)
		options_set(sim, &sim->nodes[i], token_ns, seq);
	sim->window_size = has(sim, FAULT_TIMERS) ? 0 : sim->nodes[0].options.window_size;
	sim->net.is_silent = random_chance(random, 3000);
	sim->net.refuses_multicasts = random_chance(random, 5000);
	sim->faults.mean_ns = token_ns / random_between(random, 1, 20);
	if (faults_are_false_signs(sim))
		sim->faults.mean_ns = token_ns / 2;
	sim->net.late_min_ns = token_ns / 4;
	sim->net.late_max_ns = token_ns * 2;
}

/* ------------------------------------------------------------------------------------ now and then */

struct node *faults_any_node(struct sim *sim) { return &sim->nodes[random_below(&sim->random, sim->node_count)]; }

static void restart_later(struct sim *sim, struct node *node)
{
	uint64_t token = node->options.token_ns, now = sim->clock.now_ns;
	uint64_t at[] = {now + random_between(&sim->random, 0, MS(5)), now + random_between(&sim->random, 0, token),
		now + random_between(&sim->random, token, 4 * token)};

	node->restarts_empty = has(sim, FAULT_STORAGE) && random_chance(&sim->random, 3000);
	clock_add(&sim->clock, at[random_below(&sim->random, 3)], SIM_RESTART, node->index, NULL, 0);
}

/* Report a dead node to a node whose transport watches its peers. Done in some runs only. */
static void tell_death(struct sim *sim, const struct node *dead)
{
	if (!random_chance(&sim->random, 2000))
		return;
	for (uint32_t i = 0; i < sim->node_count; i++)
		if (random_chance(&sim->random, 5000) && i != dead->index)
			node_event(&sim->nodes[i],
				sim->options.seed % 4 < 2 ? TOTEM_EVENT_PEER_DEAD : TOTEM_EVENT_WATCH_BROKEN, dead->id);
}

static void crash(struct sim *sim, struct node *node)
{
	if (!node_is_up(node))
		return;
	node_crash(node, "crashes");
	restart_later(sim, node);
	tell_death(sim, node);
}

static void leave(struct sim *sim, struct node *node)
{
	if (!node_is_up(node) || node->is_paused)
		return;
	node_leave(node);
	restart_later(sim, node);
}

static uint64_t pause_ns(struct sim *sim, const struct node *node)
{
	uint64_t token = node->options.token_ns;
	uint64_t lengths[] = {token / 2, token, token + node->options.consensus_ns, 10 * token};
	static const uint8_t which[] = {0, 0, 0, 1, 1, 1, 2, 2, 3};

	return lengths[which[random_below(&sim->random, sizeof(which))]] + random_below(&sim->random, token / 8);
}

static void pause(struct sim *sim, struct node *node)
{
	uint64_t ns = pause_ns(sim, node);

	if (!node_is_up(node) || node->is_paused)
		return;
	node_pause(node);
	sim_note(sim, node->index, "pauses for %.3f s", (double)ns / 1e9);
	clock_add(&sim->clock, sim->clock.now_ns + ns, SIM_RESUME, node->index, NULL, 0);
}

static void cut_off(struct sim *sim, uint32_t node, bool in, bool out)
{
	for (uint32_t i = 0; i < sim->node_count; i++) {
		sim->net.cut[i][node] |= in && i != node;
		sim->net.cut[node][i] |= out && i != node;
	}
}

static void partition(struct sim *sim)
{
	uint8_t group[SIM_NODES_MAX];
	uint32_t groups = (uint32_t)random_between(&sim->random, 2, 3);

	sim_heal(sim);
	if (random_chance(&sim->random, 4500))
		return;
	for (uint32_t i = 0; i < sim->node_count; i++)
		group[i] = (uint8_t)random_below(&sim->random, groups);
	for (uint32_t i = 0; i < sim->node_count; i++)
		for (uint32_t j = 0; j < sim->node_count; j++)
			sim->net.cut[i][j] = group[i] != group[j];
	char text[TRACE_NOTE_SIZE];
	size_t length = 0;

	for (uint32_t i = 0; i < sim->node_count && length < sizeof(text) - 1; i++)
		text[length++] = (char)('a' + group[i]);
	text[length] = '\0';
	sim_note(sim, TRACE_NOBODY, "the network parts: %s", text);
}

/* Part the network in two, or let one node change its part. The parts before and after often both have a majority. */
static void shift(struct sim *sim, const struct node *node)
{
	uint64_t *part = &sim->faults.part;

	*part = *part == 0 ? random_next(&sim->random) & ((BIT(sim->node_count - 1) << 1) - 1)
			   : *part ^ BIT(node->index);
	for (uint32_t i = 0; i < sim->node_count; i++)
		for (uint32_t j = 0; j < sim->node_count; j++)
			sim->net.cut[i][j] = ((*part >> i ^ *part >> j) & 1) != 0;
	sim_note(sim, node->index, "changes its part of the network");
}

static void cut_some(struct sim *sim)
{
	if (random_chance(&sim->random, 4000)) {
		sim_heal(sim);
		return;
	}
	for (uint64_t i = random_between(&sim->random, 1, 3); i > 0; i--) {
		uint32_t from = faults_any_node(sim)->index, to = faults_any_node(sim)->index;

		if (from == to)
			continue;
		sim_cut(sim, from, to);
		if (random_chance(&sim->random, 5000))
			sim_cut(sim, to, from);
	}
}

static void set_rates(struct sim *sim, enum fault_kind kind)
{
	static const uint16_t losses[] = {0, 0, 50, 200, 500, 1000, 2500};
	struct sim_random *random = &sim->random;

	switch (kind) {
	case FAULT_LOSS:
		sim->net.loss = losses[random_below(random, 7)];
		break;
	case FAULT_DUPLICATE:
		sim->net.duplicate = losses[random_below(random, 6)];
		break;
	case FAULT_REORDER:
		sim->net.reorder = random_chance(random, 5000);
		break;
	default: /* FAULT_DELAY */
		sim->net.late = losses[random_below(random, 5)] / 4;
		break;
	}
	sim_note(sim, TRACE_NOBODY, "%s: loss %u, duplicate %u, late %u per 10000, %s order", names[kind],
		sim->net.loss, sim->net.duplicate, sim->net.late, sim->net.reorder ? "any" : "in");
}

static void lose_kth(struct sim *sim)
{
	struct net *net = &sim->net;

	net->kth_armed = true;
	net->kth_type = (uint8_t)random_below(&sim->random, NET_TYPES);
	net->kth_left = (uint32_t)random_between(&sim->random, 1, 20);
	sim_note(sim, TRACE_NOBODY, "packet %u of type %u from now on will be lost", net->kth_left, net->kth_type);
}

/* The points of states and of trace kinds follow POINT_STATE and POINT_TRACE, in the order of the engine's enums. */
#define AT_STATE(state) (POINT_STATE + (int)(state))
#define AT_TRACE(kind) (POINT_TRACE + (int)(kind))

static void arm_strike(struct sim *sim)
{
	struct faults *faults = &sim->faults;
	/* Each entry is drawn with the same probability, even if its point is rarely reached in a run. */
	static const uint8_t points[] = {POINT_MULTICAST, POINT_TOKEN, POINT_DELIVER, POINT_TRANSITIONAL,
		POINT_TRANSITIONAL, POINT_REGULAR, POINT_REGULAR, POINT_BEFORE_STORE, POINT_AFTER_STORE, POINT_VISIT,
		POINT_PASSED, POINT_SYNCHRONIZED, AT_STATE(TOTEM_OPERATIONAL), AT_STATE(TOTEM_GATHER),
		AT_STATE(TOTEM_COMMIT), AT_STATE(TOTEM_COMMIT), AT_STATE(TOTEM_RECOVERY), AT_STATE(TOTEM_RECOVERY),
		AT_STATE(TOTEM_RECOVERY), AT_TRACE(TOTEM_TRACE_ORDERED), AT_TRACE(TOTEM_TRACE_RECEIVED),
		AT_TRACE(TOTEM_TRACE_TOKEN), AT_TRACE(TOTEM_TRACE_INSTALLED), AT_TRACE(TOTEM_TRACE_RETRANSMITTED),
		AT_TRACE(TOTEM_TRACE_REQUESTED)};

	faults->is_armed = true;
	faults->has_hole = false;
	faults->strike = (enum strike)random_below(&sim->random, STRIKE_COUNT);
	if (random_chance(&sim->random, 4000))
		faults->strike = STRIKE_CRASH;
	faults->point = points[random_below(&sim->random, sizeof(points))];
	faults->count = (uint32_t)random_between(&sim->random, 1, random_chance(&sim->random, 5000) ? 3 : 30);
	faults->node = random_chance(&sim->random, 5000) ? UINT32_MAX : faults_any_node(sim)->index;
}

/*
 * Make a hole: frames of this node reach no other node, and it dies after a visit of the token. No node can fill the
 * hole, and messages of others follow behind it. Then the first node that installs the next ring is cut off at once. It
 * has delivered messages in its transitional configuration that the others have promised to deliver, and they go to
 * another ring without it (book membership, "Safe delivery across a change").
 */
static void dig_hole(struct sim *sim, struct node *node)
{
	struct faults *faults = &sim->faults;

	if (!node_is_up(node) || node->is_paused)
		return;
	faults->is_armed = true;
	faults->has_hole = true;
	faults->strike = STRIKE_CRASH;
	faults->point = POINT_PASSED;
	faults->count = (uint32_t)random_between(&sim->random, 1, 4);
	faults->node = node->index;
	sim->net.frames_unheard = BIT(node->index);
	sim_note(sim, node->index, "sends frames that nobody gets");
}

/* Cut off the first node that installs the next ring: the second part of dig_hole(). */
static void strike_survivors(struct sim *sim)
{
	struct faults *faults = &sim->faults;

	faults->has_hole = false;
	faults->is_armed = true;
	faults->strike = STRIKE_ISOLATE;
	faults->point = POINT_REGULAR;
	faults->count = 1;
	faults->node = UINT32_MAX;
}

void faults_point(struct node *node, uint32_t point)
{
	static const char *const texts[] = {"crashes", "is cut off", "goes deaf", "goes mute", "pauses"};
	struct sim *sim = node->sim;
	struct faults *faults = &sim->faults;

	if (!faults->is_armed || faults->point != point || node->is_dying ||
		(faults->node != UINT32_MAX && faults->node != node->index) || --faults->count > 0)
		return;
	faults->is_armed = false;
	sim_note(sim, node->index, "%s at step %u", texts[faults->strike], point);
	switch (faults->strike) {
	case STRIKE_CRASH:
		node->is_dying = true;
		restart_later(sim, node);
		break;
	case STRIKE_ISOLATE:
		cut_off(sim, node->index, true, true);
		break;
	case STRIKE_DEAF:
		cut_off(sim, node->index, true, false);
		break;
	case STRIKE_MUTE:
		cut_off(sim, node->index, false, true);
		break;
	case STRIKE_PAUSE:
		pause(sim, node);
		break;
	case STRIKE_COUNT:
		break;
	}
	sim->net.frames_unheard = 0;
	if (faults->has_hole) {
		strike_survivors(sim);
		return;
	}
	/* End the cut after a random time. */
	clock_add(&sim->clock, sim->clock.now_ns + random_below(&sim->random, 3 * sim_token_ns(sim)), SIM_CALM,
		TRACE_NOBODY, NULL, 0);
}

/* ---------------------------------------------------------------------------------------- the rest */

static void disturb_link(struct sim *sim, struct node *node)
{
	switch (random_below(&sim->random, 4)) {
	case 0:
		node_event(node, TOTEM_EVENT_LINK_DOWN, 0);
		node_event(node, TOTEM_EVENT_LINK_UP, 0);
		break;
	case 1:
		node_event(node, TOTEM_EVENT_LINK_UP, 0);
		break;
	case 2:
		node_event(node, TOTEM_EVENT_FORCE_GATHER, 0);
		break;
	case 3:
		node_reconfigure(node);
		break;
	}
}

/* Forge a report that a packet was refused. It quotes random bytes, or a packet that was sent earlier. */
static void forge_refusal(struct sim *sim, struct node *at, const struct node *about)
{
	uint8_t bytes[WIRE_PROBE_SIZE];
	struct wire_probe probe = {.system_from = at->id,
		.ring = *totem_engine_ring(at->engine),
		.kind = (enum wire_probe_kind)random_between(&sim->random, WIRE_PROBE_QUESTION, WIRE_PROBE_KNOCK),
		.number = random_next(&sim->random)};
	uint32_t of = (uint32_t)random_below(&sim->random, NET_OLD);
	struct packet *old = sim->net.old[of];

	/* Quote a real old packet in some runs only: a forger that sees a node's packets can also silence that node. */
	if (sim->options.seed % 2 == 0 && random_chance(&sim->random, 3000) && old != NULL && old->from == at->index &&
		old->life == at->life->number && old->type != WIRE_MCAST) {
		node_refused(at, packet_ref(old), about->id);
		return;
	}
	wire_encode_probe(&probe, about->id, at->options.swap, bytes, sizeof(bytes));
	node_refused(at,
		packet_create(
			bytes, (uint32_t)random_below(&sim->random, sizeof(bytes) + 1), at->index, at->life->number),
		about->id);
}

/*
 * Give false signs that a running node has ended. Kinds: a report of the transport, forged or late reports of the
 * network, one packet that a firewall refuses or that is lost, a link that fails for less than a token timeout.
 */
void faults_false_sign(struct sim *sim)
{
	static const enum totem_event words[] = {TOTEM_EVENT_PEER_DEAD, TOTEM_EVENT_WATCH_BROKEN, TOTEM_EVENT_WATCH_ON};
	struct node *at = faults_any_node(sim), *about = faults_any_node(sim);

	if (!node_is_up(at) || !node_is_up(about) || at == about || at->is_paused)
		return;
	sim->faults.false_signs++;
	/*
	 * Cancel losses that have hit no packet yet. On an idle ring they collect, and several packets lost in a row would
	 * be a sign of a real failure.
	 */
	memset(sim->net.lose_next, 0, sizeof(sim->net.lose_next));
	memset(sim->net.refuse_next, 0, sizeof(sim->net.refuse_next));
	/* A seed uses either false signs or short silence, never both: together they are a real sign. */
	switch (random_below(&sim->random, 4) + (sim->options.seed % 2 == 0 ? 0 : 2)) {
	case 0:
		sim_note(sim, about->index, "is said to be dead");
		for (uint64_t i = random_between(&sim->random, 1, 3); i > 0; i--)
			node_event(at, words[i - 1], about->id);
		break;
	case 2:
		sim_note(sim, about->index, "is said to refuse packets of %u", at->id);
		/* One of the packets may end the node, for example if its disk fails. */
		for (uint64_t i = random_between(&sim->random, 1, 20); i > 0 && node_is_up(at); i--)
			forge_refusal(sim, at, about);
		break;
	case 1:
		sim_note(sim, about->index, "refuses a packet of %u", at->id);
		sim->net.refuse_next[at->index][about->index] = 1;
		break;
	case 3:
	case 4:
		sim_note(sim, about->index, "does not get some packets of %u", at->id);
		sim->net.lose_next[at->index][about->index] = (uint32_t)random_between(&sim->random, 1, 3);
		break;
	case 5:
		/* A second link failure within one token timeout could lose each retransmission of a token. */
		if (sim->clock.now_ns < sim->faults.link_up_ns + sim_token_ns(sim))
			break;
		sim_note(sim, at->index, "its link is down for a moment");
		cut_off(sim, at->index, true, true);
		node_event(at, TOTEM_EVENT_LINK_DOWN, 0);
		sim->faults.link_up_ns = sim->clock.now_ns + random_below(&sim->random, sim_token_ns(sim) / 4);
		clock_add(&sim->clock, sim->faults.link_up_ns, SIM_LINK_UP, at->index, NULL, 0);
		break;
	}
}

/* Send forged packets, or send old packets again. */
static void forge_some(struct sim *sim, enum fault_kind kind)
{
	if (kind == FAULT_FORGE)
		forge_packet(sim);
	for (int i = 0; kind == FAULT_GARBAGE && i < 20; i++)
		forge_garbage(sim);
	for (int i = 0; kind == FAULT_REPLAY && i < 5; i++)
		forge_replay(sim);
}

static void starve(struct sim *sim, struct node *node)
{
	node_starve(node);
	clock_add(&sim->clock, sim->clock.now_ns + random_below(&sim->random, 3 * node->options.token_ns), SIM_RELIEF,
		node->index, NULL, 0);
}

/* From now on a node receives tokens and no frames, or all nodes receive frames again. */
static void lose_frames(struct sim *sim, const struct node *node)
{
	sim->net.frames_lost = random_chance(&sim->random, 5000) ? 0 : BIT(node->index);
	sim_note(sim, node->index, sim->net.frames_lost ? "gets no frames" : "everybody gets frames");
}

/* Cut the paths between some nodes. */
static void part_some(struct sim *sim, enum fault_kind kind, const struct node *node)
{
	if (kind == FAULT_PARTITION)
		partition(sim);
	else if (kind == FAULT_ASYMMETRIC)
		cut_some(sim);
	else
		shift(sim, node);
}

static void strike_with(struct sim *sim, enum fault_kind kind)
{
	struct node *node = faults_any_node(sim);

	switch (kind) {
	case FAULT_LOSS:
	case FAULT_DUPLICATE:
	case FAULT_REORDER:
	case FAULT_DELAY:
		set_rates(sim, kind);
		break;
	case FAULT_KTH:
		lose_kth(sim);
		break;
	case FAULT_PARTITION:
	case FAULT_ASYMMETRIC:
	case FAULT_SHIFT:
		part_some(sim, kind, node);
		break;
	case FAULT_CRASH:
		crash(sim, node);
		break;
	case FAULT_STORAGE:
		node->disk.failures = (uint32_t)random_between(&sim->random, 1, 2);
		break;
	case FAULT_STRIKE:
		arm_strike(sim);
		break;
	case FAULT_LEAVE:
		leave(sim, node);
		break;
	case FAULT_PAUSE:
		pause(sim, node);
		break;
	case FAULT_CLOCK:
		clock_fault(sim, node);
		break;
	case FAULT_GARBAGE:
	case FAULT_FORGE:
	case FAULT_REPLAY:
		forge_some(sim, kind);
		break;
	case FAULT_FRAMES:
		lose_frames(sim, node);
		break;
	case FAULT_MEMORY:
		starve(sim, node);
		break;
	case FAULT_DEAD:
		faults_false_sign(sim);
		break;
	case FAULT_LINK:
		disturb_link(sim, node);
		break;
	case FAULT_HOLE:
		dig_hole(sim, node);
		break;
	case FAULT_TIMERS:
	case FAULT_PAYLOAD:
	case FAULT_SWAP:
	case FAULT_SEQ:
	case FAULT_PLAIN:
	case FAULT_QUIRKS:
	case FAULT_IDS:
	case FAULT_MIDDLE:
	case FAULT_PATIENCE:
	case FAULT_KINDS:
		break;
	}
}

static void schedule_next(struct sim *sim)
{
	uint64_t mean = sim->faults.mean_ns;
	uint64_t longest[] = {mean / 16, mean * 2, mean * 2, mean * 8};

	clock_add(&sim->clock,
		sim->clock.now_ns + random_below(&sim->random, longest[random_below(&sim->random, 4)] + 1), SIM_FAULT,
		TRACE_NOBODY, NULL, 0);
}

void faults_start(struct sim *sim) { schedule_next(sim); }

void faults_strike_next(struct sim *sim)
{
	uint32_t kinds = sim->faults.kinds >> FAULT_LOSS;

	if (sim->faults.is_over)
		return;
	if (kinds != 0) {
		uint64_t which = random_below(&sim->random, (uint64_t)__builtin_popcount(kinds));
		int kind = FAULT_LOSS;

		for (;; kind++)
			if ((sim->faults.kinds >> kind & 1) != 0 && which-- == 0)
				break;
		strike_with(sim, (enum fault_kind)kind);
	}
	schedule_next(sim);
}

void faults_end(struct sim *sim)
{
	sim->faults.is_over = true;
	sim->has_users = random_chance(&sim->random, 2000); /* some rings form under load */
	sim->faults.is_armed = false;
	sim_note(sim, TRACE_NOBODY, "the network turns quiet");
	net_calm(&sim->net);
	for (uint32_t i = 0; i < sim->node_count; i++) {
		struct node *node = &sim->nodes[i];

		node->disk.failures = 0;
		node_relieve(node);
		if (node->is_paused)
			node_resume(node);
	}
	/* Start most of the nodes that are down, but at least one. */
	uint32_t up = 0;

	for (uint32_t i = 0; i < sim->node_count; i++)
		up += node_is_up(&sim->nodes[i]);
	for (uint32_t i = 0; i < sim->node_count; i++)
		if (!node_is_up(&sim->nodes[i]) && (up == 0 || random_chance(&sim->random, 7500)))
			up += node_start(&sim->nodes[i]);
}
