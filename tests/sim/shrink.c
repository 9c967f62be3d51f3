/* SPDX-License-Identifier: BSD-3-Clause */
/* Try smaller options of a run, one part after the other, and keep those that break the same property. */
#include "tests/sim/shrink.h"

#include <string.h>

#define SEEDS 20u /* runs that are played for each smaller size */

struct shrinker {
	struct sim_options best;
	uint64_t first_seed;
	uint64_t steps; /* of the best run until the property was broken */
	uint32_t nodes;
	uint32_t tries;
	char property[8];
};

/* Play one run. @return whether it breaks the property; then it is the best one from now on */
static bool is_broken(struct shrinker *shrinker, const struct sim_options *options)
{
	struct sim *sim = sim_create(options);
	bool found;

	shrinker->tries--;
	sim_run(sim);
	found = sim->report.is_broken && strcmp(sim->report.property, shrinker->property) == 0;
	if (found) {
		shrinker->best = *options;
		shrinker->steps = sim->steps;
		shrinker->nodes = sim->node_count;
	}
	sim_destroy(sim);
	return found;
}

/* Play smaller runs with several seeds, beginning with that of the best run. */
static bool try(struct shrinker *shrinker, struct sim_options options)
{
	for (uint64_t i = 0; i <= SEEDS && shrinker->tries > 0; i++) {
		options.seed = i == 0 ? shrinker->best.seed : shrinker->first_seed + i;
		if (is_broken(shrinker, &options))
			return true;
	}
	return false;
}

static bool drop_faults(struct shrinker *shrinker)
{
	bool is_smaller = false;

	for (int kind = 0; kind < FAULT_KINDS; kind++) {
		struct sim_options options = shrinker->best;

		options.faults &= ~(1u << kind);
		if (options.faults != shrinker->best.faults && try(shrinker, options))
			is_smaller = true;
	}
	return is_smaller;
}

static bool drop_nodes(struct shrinker *shrinker)
{
	struct sim_options options = shrinker->best;

	for (options.nodes = 1; options.nodes < shrinker->nodes; options.nodes++)
		if (try(shrinker, options))
			return true;
	return false;
}

/* Let the faults end earlier. A property of the quiet network behind them is broken with more steps than the option says. */
static bool drop_steps(struct shrinker *shrinker)
{
	struct sim_options options = shrinker->best;
	uint64_t steps = options.steps == 0 || shrinker->steps < options.steps ? shrinker->steps : options.steps;

	options.steps = steps / 2;
	return options.steps > 0 && try(shrinker, options);
}

struct sim_options sim_shrink(const struct sim *failed, uint32_t tries)
{
	struct shrinker shrinker = {
		.best = failed->options,
		.first_seed = failed->options.seed,
		.steps = failed->steps,
		.nodes = failed->node_count,
		.tries = tries,
	};
	struct sim_options options = failed->options;
	bool is_smaller;

	memcpy(shrinker.property, failed->report.property, sizeof(shrinker.property));
	shrinker.best.trace_file = options.trace_file = NULL;
	/* From now on name the kinds that the seed had picked, so that one after the other can be left out. */
	options.faults = failed->faults.kinds;
	options.picks_faults = false;
	options.nodes = failed->node_count;
	if (!try(&shrinker, options))
		return failed->options;
	do {
		is_smaller = drop_faults(&shrinker);
		is_smaller |= drop_nodes(&shrinker);
		while (drop_steps(&shrinker))
			is_smaller = true;
	} while (is_smaller && shrinker.tries > 0);
	return shrinker.best;
}
