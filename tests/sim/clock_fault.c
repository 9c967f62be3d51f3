/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/clock_fault.h"

#include "tests/sim/sim.h"

/*
 * Choose how far a clock jumps ahead. While nodes change their part no jump is as long as half of the token timeout, so
 * none counts as a pause.
 */
static uint64_t jump_ns(struct sim *sim, const struct node *node)
{
	uint64_t token_ns = node->options.token_ns;

	if ((sim->faults.kinds >> FAULT_SHIFT & 1) != 0)
		return random_between(&sim->random, token_ns / 4, token_ns / 2);
	return random_below(&sim->random, 3 * token_ns);
}

static void suspend(struct sim *sim, struct node *node, struct sim_random *random)
{
	uint64_t token_ns = node->options.token_ns, consensus_ns = node->options.consensus_ns;
	uint64_t longest[] = {token_ns / 2, token_ns, 2 * (token_ns + consensus_ns), 10 * token_ns};
	uint64_t ns = MS(1) + random_below(random, longest[random_below(random, 4)]);

	if (!node_is_up(node) || node->is_paused)
		return;
	sim_note(sim, node->index, "is suspended for %.3f s", (double)ns / 1e9);
	node_suspend(node, sim->clock.now_ns + ns, random_chance(random, 5000));
	clock_add(&sim->clock, sim->clock.now_ns + ns, SIM_RESUME, node->index, NULL, 0);
}

void clock_fault(struct sim *sim, struct node *node)
{
	/* Odd seeds have jumps only. They replay runs from before there were other faults, such as those of seeds.sh. */
	bool is_odd = sim->options.seed % 2 != 0;
	struct sim_random random = {.state = sim->options.seed * 1061 + sim->clock.now_ns};
	uint64_t jump = jump_ns(sim, node);
	int32_t drift_ppm = (int32_t)random_below(&random, 2 * CLOCK_DRIFT_PPM + 1) - CLOCK_DRIFT_PPM;

	switch (is_odd ? 2 : random_below(&random, 4)) {
	case 0:
		suspend(sim, node, &random);
		break;
	case 1:
		sim_note(sim, node->index, "its clock is %d millionths too fast", drift_ppm);
		node_clock(node, 0, drift_ppm);
		break;
	default:
		sim_note(sim, node->index, "its clock jumps");
		node_clock(node, jump, node->clock.drift_ppm);
		break;
	}
}
