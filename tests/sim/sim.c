/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/check_evs.h"
#include "tests/sim/connections.h"
#include "tests/sim/options.h"
#include "tests/sim/patience.h"
#include "tests/sim/traffic.h"

static void on_lost(void *arg, const struct packet *packet, uint32_t to)
{
	struct sim *sim = arg;

	trace_add(&sim->trace, &(struct trace_entry){.at_ns = sim->clock.now_ns,
				       .subject = TRACE_LOST,
				       .node = packet->from,
				       .peer = to,
				       .detail = packet->type});
}

/*
 * Choose the times of turns. Their random numbers are separate, so that seeds play the same runs as before there were
 * turns.
 */
static void set_turns(struct sim *sim)
{
	struct sim_random random = {.state = sim->options.seed * 1019 - 1};

	if (random_chance(&random, 5000))
		return;
	sim->turn_ns = random_below(&random, US(20));
	sim->eager = (uint32_t[]){5000, 9000, 9700}[random_below(&random, 3)];
}

/* Give each node one vote, or in some runs none to three. The random numbers are separate: see set_turns. */
static void set_votes(struct sim *sim)
{
	struct sim_random random = {.state = sim->options.seed * 1039 - 1};
	bool is_even = !random_chance(&random, 3000) || faults_are_middle(sim) || patience_is_played(sim);
	uint32_t total = 0;

	for (uint32_t i = 0; i < sim->node_count; i++) {
		sim->votes[i] = is_even ? 1 : (uint32_t)random_below(&random, 4);
		total += sim->votes[i];
	}
	sim->votes_needed = total / 2 + 1;
}

struct sim *sim_create(const struct sim_options *options)
{
	struct sim *sim = calloc(1, sizeof(*sim));

	if (sim == NULL)
		abort();
	sim->options = *options;
	sim->random.state = options->seed * 0x9E3779B97F4A7C15u + 1;

	/* Small rings test more for each event, so they are drawn more often. */
	uint64_t first = random_between(&sim->random, 2, 16), second = random_between(&sim->random, 2, 16);

	sim->node_count = options->nodes != 0 ? options->nodes : (uint32_t)(first < second ? first : second);
	if (faults_are_middle(sim))
		sim->node_count = 3;
	if (options->faults == 1u << FAULT_SHIFT && options->nodes == 0)
		sim->node_count = 5;
	if (patience_is_played(sim) && options->nodes == 0)
		sim->node_count = patience_nodes(sim);
	sim->nodes = calloc(sim->node_count, sizeof(*sim->nodes));
	sim->scratch = malloc(TRAFFIC_PAYLOAD_MAX + 64);
	if (sim->nodes == NULL || sim->scratch == NULL)
		abort();
	trace_init(&sim->trace, sim->ids, options->trace_file);
	history_init(&sim->history, &sim->report, sim->ids, sim->node_count, 0);
	for (uint32_t i = 0; i < sim->node_count; i++) {
		sim->nodes[i].sim = sim;
		sim->nodes[i].index = i;
		sim->nodes[i].watched = SIM_NODES_MAX;
	}
	sim->net.clock = &sim->clock;
	sim->net.random = &sim->random;
	sim->net.node_count = sim->node_count;
	sim->net.lost = on_lost;
	sim->net.arg = sim;
	faults_init(sim);
	sim->safe_share = (uint32_t[]){500, 2000, 5000, 10000}[random_below(&sim->random, 4)];
	sim->barrier_at_once = random_chance(&sim->random, 5000);
	sim->loops_frames = random_chance(&sim->random, 5000);
	sim->batch_ns = random_chance(&sim->random, 5000) ? 0 : random_below(&sim->random, US(100));
	sim->has_users = true;
	set_turns(sim);
	set_votes(sim);
	sim->has_connections = options->seed % 5 != 0;

	uint64_t mean = sim_token_ns(sim) / random_between(&sim->random, 1, 30) * sim->node_count / 3;

	for (uint32_t i = 0; i < sim->node_count; i++)
		sim->nodes[i].traffic_mean_ns = random_chance(&sim->random, 3000)
							? 0
							: mean / random_between(&sim->random, 1, 4);
	return sim;
}

void sim_stop(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->node_count; i++)
		node_fini(&sim->nodes[i]);
}

void sim_destroy(struct sim *sim)
{
	if (sim == NULL)
		return;
	sim_stop(sim);
	for (size_t i = 0; i < sim->clock.count; i++)
		if (sim->clock.heap[i].kind == SIM_ARRIVAL || sim->clock.heap[i].kind == SIM_REFUSAL)
			packet_unref(sim->clock.heap[i].what);
	clock_fini(&sim->clock);
	net_fini(&sim->net);
	history_fini(&sim->history);
	trace_fini(&sim->trace);
	free(sim->nodes);
	free(sim->scratch);
	free(sim);
}

static void schedule_traffic(struct sim *sim, const struct node *node)
{
	if (node->traffic_mean_ns != 0)
		clock_add(&sim->clock, sim->clock.now_ns + random_below(&sim->random, node->traffic_mean_ns * 2),
			SIM_TRAFFIC, node->index, NULL, 0);
}

void sim_start(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->node_count; i++) {
		clock_add(&sim->clock, sim->clock.now_ns + random_below(&sim->random, MS(20)), SIM_RESTART, i, NULL, 0);
		schedule_traffic(sim, &sim->nodes[i]);
	}
}

static uint32_t message_size(struct sim *sim)
{
	static const uint32_t bounds[] = {TRAFFIC_ID_SIZE, 200, 1500, 10000, TRAFFIC_PAYLOAD_MAX};
	uint64_t chance = random_below(&sim->random, 1000);
	int class = chance < 550 ? 0 : chance < 880 ? 1 : chance < 993 ? 2 : 3;

	return (uint32_t)random_between(&sim->random, bounds[class], bounds[class + 1]);
}

static void talk(struct sim *sim, struct node *node)
{
	if (!sim->has_users)
		return;
	for (uint64_t i = random_between(&sim->random, 1, 4); i > 0; i--)
		node_send(node, random_chance(&sim->random, sim->safe_share) ? TOTEM_SAFE : TOTEM_AGREED,
			message_size(sim));
	schedule_traffic(sim, node);
}

bool sim_step(struct sim *sim, uint64_t end_ns)
{
	struct sim_event event;

	if (sim->report.is_broken || !clock_next(&sim->clock, end_ns, &event))
		return false;

	struct node *node = event.node < sim->node_count ? &sim->nodes[event.node] : NULL;

	switch (event.kind) {
	case SIM_ARRIVAL:
		if (event.what != NULL)
			node_arrive(node, event.what);
		break;
	case SIM_REFUSAL:
		node_refused(node, event.what, sim->ids[event.value]);
		break;
	case SIM_WAKE:
		node_wake(node);
		break;
	case SIM_TIMER:
		node_timer(node, (enum totem_timer)event.value);
		break;
	case SIM_TRAFFIC:
		talk(sim, node);
		break;
	case SIM_FAULT:
		faults_strike_next(sim);
		break;
	case SIM_RESUME:
		node_resume(node);
		break;
	case SIM_RELIEF:
		node_relieve(node);
		break;
	case SIM_RESTART:
		if (!sim->faults.is_over)
			node_start(node);
		break;
	case SIM_LINK_UP:
		for (uint32_t i = 0; i < sim->node_count; i++)
			sim->net.cut[i][node->index] = sim->net.cut[node->index][i] = false;
		node_event(node, TOTEM_EVENT_LINK_UP, 0);
		break;
	case SIM_CONNECT:
		connections_made(node, (uint32_t)event.value);
		break;
	case SIM_CLOSED:
		connections_ended(node, (uint32_t)event.value);
		break;
	case SIM_CALM:
		if (!sim->faults.is_over)
			sim_heal(sim);
		break;
	}
	return !sim->report.is_broken;
}

bool sim_run_for(struct sim *sim, uint64_t ns)
{
	uint64_t end_ns = sim->clock.now_ns + ns;

	while (sim_step(sim, end_ns))
		;
	sim->clock.now_ns = end_ns;
	return !sim->report.is_broken;
}

bool sim_run_until(struct sim *sim, bool (*holds)(const struct sim *), uint64_t ns)
{
	uint64_t end_ns = sim->clock.now_ns + ns;

	while (!holds(sim))
		if (!sim_step(sim, end_ns))
			return !sim->report.is_broken && holds(sim);
	return true;
}

/* ------------------------------------------------------------------------------------------ questions */

bool sim_one_ring(const struct sim *sim)
{
	const struct ring_record *ring = NULL;
	uint64_t up = 0;

	for (uint32_t i = 0; i < sim->node_count; i++)
		if (node_is_up(&sim->nodes[i]))
			up |= BIT(i);
	for (uint32_t i = 0; i < sim->node_count; i++) {
		const struct life *life = sim->nodes[i].life;

		if ((up & BIT(i)) == 0)
			continue;
		if (life->is_transitional || life->period_count == 0 || life->members != up ||
			(ring != NULL && evs_ring(life) != ring) ||
			totem_engine_state(sim->nodes[i].engine) != TOTEM_OPERATIONAL)
			return false;
		ring = evs_ring(life);
	}
	return true;
}

bool sim_synchronized(const struct sim *sim)
{
	for (uint32_t i = 0; i < sim->node_count; i++)
		if (node_is_up(&sim->nodes[i]) && sim->nodes[i].is_syncing)
			return false;
	return sim_one_ring(sim);
}

bool sim_delivered(const struct sim *sim)
{
	for (uint32_t i = 0; i < sim->node_count; i++)
		if (node_is_up(&sim->nodes[i]) && sim->nodes[i].pending_count > 0)
			return false;
	for (uint32_t i = sim->history.message_count; i-- > 0;) {
		const struct message *message = sim->history.messages[i];

		if (message->is_sent && message->life->is_alive && (message->delivered & BIT(message->life->node)) == 0)
			return false;
	}
	return true;
}

uint64_t sim_token_ns(const struct sim *sim)
{
	uint64_t longest = 0;

	for (uint32_t i = 0; i < sim->node_count; i++)
		if (sim->nodes[i].options.token_ns > longest)
			longest = sim->nodes[i].options.token_ns;
	return longest;
}

uint64_t sim_settle_ns(const struct sim *sim)
{
	uint64_t consensus = 0, merge = 0, hold = 0, send_join = 0, silence = 0, strangers = 0;

	for (uint32_t i = 0; i < sim->node_count; i++) {
		const struct totem_options *options = &sim->nodes[i].options;

		consensus = options->consensus_ns > consensus ? options->consensus_ns : consensus;
		merge = options->merge_ns > merge ? options->merge_ns : merge;
		hold = options->hold_ns > hold ? options->hold_ns : hold;
		uint64_t wait_ns = options_join_wait_ns(sim, options);

		send_join = wait_ns > send_join ? wait_ns : send_join;
		/* Two large rings may delay the merge, and part of the nodes may delay it a second time. */
		if (options->join_crowd < sim->node_count)
			strangers = 2 * sim->node_count * TOTEM_STRANGER_WAIT_NS;
		silence = options->silence_ns > silence ? options->silence_ns : silence;
	}
	return 2 * sim_token_ns(sim) + 2 * consensus + merge + 2 * silence + 2 * hold + strangers +
	       10 * sim->node_count * (sim->net.delay_max_ns + sim->batch_ns + send_join);
}

/* -------------------------------------------------------------------------------------------- network */

void sim_note(struct sim *sim, uint32_t node, const char *format, ...)
{
	struct trace_entry entry = {
		.at_ns = sim->clock.now_ns, .node = node, .peer = TRACE_NOBODY, .subject = TRACE_FAULT};
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(entry.note, sizeof(entry.note), format, arguments);
	va_end(arguments);
	trace_add(&sim->trace, &entry);
}

void sim_partition(struct sim *sim, const char *groups)
{
	uint32_t group[SIM_NODES_MAX], number = SIM_NODES_MAX;

	for (uint32_t i = 0; i < SIM_NODES_MAX; i++)
		group[i] = i;
	while (*groups != '\0') {
		char *end;
		unsigned long node = strtoul(groups, &end, 10);

		if (end == groups) {
			number += *groups == '|';
			groups++;
			continue;
		}
		if (node < sim->node_count)
			group[node] = number;
		groups = end;
	}
	for (uint32_t i = 0; i < sim->node_count; i++)
		for (uint32_t j = 0; j < sim->node_count; j++)
			sim->net.cut[i][j] = group[i] != group[j];
	sim_note(sim, TRACE_NOBODY, "the network parts");
}

void sim_heal(struct sim *sim)
{
	memset(sim->net.cut, 0, sizeof(sim->net.cut));
	memset(sim->net.rejects, 0, sizeof(sim->net.rejects));
	sim_note(sim, TRACE_NOBODY, "all links are whole");
}

void sim_cut(struct sim *sim, uint32_t from, uint32_t to)
{
	sim->net.cut[from][to] = true;
	sim_note(sim, from, "does not reach %u any more", sim->ids[to]);
}
