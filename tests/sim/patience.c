/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/patience.h"

#include "tests/sim/check_evs.h"
#include "tests/sim/sim.h"

#define STALLS 40u
#define SILENCES 6u
#define ISOLATIONS 6u

enum play {
	PLAY_STALLS, /* with a budget: pauses and cuts (10 to 90 % of it), or a cut between two nodes, change nothing */
	PLAY_SILENCES,   /* with a budget: a node that is silent for longer is removed after at most 1.5 budgets */
	PLAY_ISOLATIONS, /* without a budget: a node that is cut off forms its own ring before the others form theirs */
	PLAY_COUNT,
};

static enum play play_of(const struct sim *sim) { return (enum play)(sim->options.seed % PLAY_COUNT); }

bool patience_is_played(const struct sim *sim) { return sim->options.faults == 1u << FAULT_PATIENCE; }

uint32_t patience_nodes(const struct sim *sim)
{
	return 3 + (uint32_t)(sim->options.seed / PLAY_COUNT % 5) * 2; /* 3 to 11 nodes */
}

/* Choose the delay in one direction, up to 100 ms, and a token timeout of several rotations. */
void patience_set_network(struct sim *sim, uint64_t *token_ns)
{
	static const uint64_t delays_us[] = {200, 2000, 30000, 100000};
	uint64_t delay_ns = US(delays_us[random_below(&sim->random, 4)]);

	sim->net.delay_max_ns = delay_ns;
	sim->net.delay_min_ns = delay_ns / random_between(&sim->random, 1, 2);
	*token_ns = SECONDS(random_between(&sim->random, 1, 3)) + sim->node_count * delay_ns * 10;
}

void patience_set(const struct sim *sim, struct totem_options *options)
{
	if (play_of(sim) == PLAY_ISOLATIONS)
		return;
	options->silence_ns = options->token_ns / 3;
	options->hold_ns = options->silence_ns * 3 / 10;
	options->token_retransmit_ns = options->silence_ns * 2 / 10;
}

static struct node *any_node(struct sim *sim) { return &sim->nodes[random_below(&sim->random, sim->node_count)]; }

static void isolate(struct sim *sim, uint32_t node, bool in, bool out)
{
	for (uint32_t i = 0; i < sim->node_count; i++) {
		sim->net.cut[i][node] |= in && i != node;
		sim->net.cut[node][i] |= out && i != node;
	}
}

static uint64_t longest_budget(const struct sim *sim, uint64_t silence_ns)
{
	uint64_t trips_ns = 4 * 2 * (sim->net.delay_max_ns + sim->batch_ns);

	return silence_ns > trips_ns ? silence_ns : trips_ns;
}

/* ---- stalls ---------------------------------------------------------------- */

static void stall(struct sim *sim, uint64_t budget_ns)
{
	struct node *node = any_node(sim);
	uint64_t ns = budget_ns * random_between(&sim->random, 10, 90) / 100;
	uint32_t other = (node->index + 1) % sim->node_count;

	switch (random_below(&sim->random, 6)) {
	case 0:
		node_pause(node);
		sim_note(sim, node->index, "stands still for %.3f s", (double)ns / 1e9);
		break;
	case 1:
		isolate(sim, node->index, true, true);
		break;
	case 2:
		isolate(sim, node->index, true, false);
		break;
	case 3:
		isolate(sim, node->index, false, true);
		break;
	case 4:
		/*
		 * A cut between two nodes that lasts longer than the budget, but ends before the token timeout. Other
		 * nodes hear both.
		 */
		ns = budget_ns * random_between(&sim->random, 150, 180) / 100;
		sim_cut(sim, node->index, other);
		sim_cut(sim, other, node->index);
		break;
	case 5:
		/*
		 * A node is cut off from all nodes but one, for longer than the budget. It ends before the token
		 * timeout.
		 */
		ns = budget_ns * random_between(&sim->random, 150, 180) / 100;
		isolate(sim, node->index, true, true);
		sim->net.cut[node->index][other] = sim->net.cut[other][node->index] = false;
		break;
	}
	if (!sim_run_for(sim, ns))
		return;
	sim_heal(sim);
	node_resume(node);
	/* Only one outage at a time: let the token go round before the next one. */
	sim_run_for(sim, budget_ns + random_below(&sim->random, budget_ns));
}

static void play_stalls(struct sim *sim)
{
	uint32_t before = sim->history.configuration_count;
	uint64_t budget_ns = sim->nodes[0].options.silence_ns;

	for (uint32_t i = 0; i < STALLS && !sim->report.is_broken; i++) {
		stall(sim, budget_ns);
		if (sim->history.configuration_count != before)
			report_violation(&sim->report, "C8", 0, NULL,
				"outage %u, shorter than the budget, has changed the configuration", i);
	}
}

/* ---- silence --------------------------------------------------------------- */

static bool is_left_by(const struct sim *sim, uint32_t victim)
{
	for (uint32_t i = 0; i < sim->node_count; i++)
		if (i != victim && (!node_is_up(&sim->nodes[i]) || (sim->nodes[i].life->members & BIT(victim)) != 0))
			return false;
	return true;
}

static void silence(struct sim *sim, uint64_t budget_ns)
{
	uint32_t victim = any_node(sim)->index;
	/* The ring of the others is formed by five rotations, which take long beside the budget if the delays are long. */
	uint64_t end_ns = sim->clock.now_ns + budget_ns * 3 / 2 +
			  5 * sim->node_count * (sim->net.delay_max_ns + sim->batch_ns);

	if (random_chance(&sim->random, 5000))
		node_pause(&sim->nodes[victim]);
	else
		isolate(sim, victim, true, true);
	sim_note(sim, victim, "is silent");
	while (!is_left_by(sim, victim) && sim_step(sim, end_ns))
		;
	if (!sim->report.is_broken && !is_left_by(sim, victim))
		report_violation(&sim->report, "L5", BIT(victim), NULL,
			"node %u was silent for 1.5 times the budget of %.3f s, and is still in a ring",
			sim->ids[victim], (double)budget_ns / 1e9);
	sim_heal(sim);
	node_resume(&sim->nodes[victim]);
}

static void play_silences(struct sim *sim)
{
	uint64_t budget_ns = longest_budget(sim, sim->nodes[0].options.silence_ns);

	for (uint32_t i = 0; i < SILENCES && !sim->report.is_broken; i++) {
		silence(sim, budget_ns);
		if (!sim->report.is_broken && !sim_run_until(sim, sim_synchronized, 4 * sim_settle_ns(sim)))
			return; /* is reported as L1 at the end */
		sim_run_for(sim, budget_ns);
	}
}

/* ---- isolation --------------------------------------------------------------- */

/* Return whether the victim is in a majority while a node without the victim is in another one. */
static bool is_overlap(const struct sim *sim, uint32_t victim)
{
	uint64_t theirs = sim->nodes[victim].life->members;

	for (uint32_t i = 0; i < sim->node_count; i++) {
		uint64_t members = sim->nodes[i].life->members;

		if ((members & BIT(victim)) == 0 && (uint32_t)__builtin_popcountll(members) > sim->node_count / 2 &&
			(uint32_t)__builtin_popcountll(theirs) > sim->node_count / 2)
			return true;
	}
	return false;
}

static void run_until_token(struct sim *sim, const struct node *node, uint64_t ns)
{
	uint64_t end_ns = sim->clock.now_ns + ns;

	while (sim_step(sim, end_ns))
		if (node->step_accepted)
			return;
}

static void isolation(struct sim *sim)
{
	uint32_t victim = any_node(sim)->index;
	const struct totem_options *options = &sim->nodes[0].options;
	uint64_t end_ns = sim->clock.now_ns + 3 * (options->token_ns + options->consensus_ns);

	/*
	 * In half of the plays a firewall rejects packets, so the senders get an error. Otherwise packets vanish. Both
	 * directions are blocked, although one would do: the token cannot rotate with one either.
	 */
	if (random_chance(&sim->random, 5000)) {
		for (uint32_t i = 0; i < sim->node_count; i++)
			sim->net.rejects[i][victim] = sim->net.rejects[victim][i] = i != victim;
		sim_note(sim, victim, "rejects and is rejected");
	} else {
		/* The victim gets the token once more, so its token timeout begins later than those of the others. */
		isolate(sim, victim, false, true);
		run_until_token(sim, &sim->nodes[victim], 2 * options->hold_ns);
		isolate(sim, victim, true, true);
		sim_note(sim, victim, "is cut off");
	}
	while (sim_step(sim, end_ns))
		if (is_overlap(sim, victim))
			report_violation(&sim->report, "S3", BIT(victim), NULL,
				"node %u is in a majority while another one without it is in force", sim->ids[victim]);
	sim_heal(sim);
}

static void play_isolations(struct sim *sim)
{
	for (uint32_t i = 0; i < ISOLATIONS && !sim->report.is_broken; i++) {
		isolation(sim);
		if (!sim->report.is_broken && !sim_run_until(sim, sim_synchronized, 4 * sim_settle_ns(sim)))
			return;
		sim_run_for(sim, random_below(&sim->random, 2 * sim->nodes[0].options.hold_ns));
	}
}

void patience_run(struct sim *sim)
{
	/*
	 * Send nothing, or little: links with a long delay could not carry dense traffic. A ring that is idle now and
	 * then shows more.
	 */
	for (uint32_t i = 0; i < sim->node_count; i++)
		sim->nodes[i].traffic_mean_ns = sim->options.seed % 2 == 0 ? 0 : MS(500) + 100 * sim->net.delay_max_ns;
	sim_start(sim);
	if (!sim_run_for(sim, MS(25)) || !sim_run_until(sim, sim_synchronized, 4 * sim_settle_ns(sim) + SECONDS(1)))
		return;
	sim_run_for(sim, SECONDS(1));
	switch (play_of(sim)) {
	case PLAY_STALLS:
		play_stalls(sim);
		break;
	case PLAY_SILENCES:
		play_silences(sim);
		break;
	case PLAY_ISOLATIONS:
		play_isolations(sim);
		break;
	case PLAY_COUNT:
		break;
	}
}
