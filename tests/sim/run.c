/* SPDX-License-Identifier: BSD-3-Clause */
/* Run one seed from the start to the end, and print its report. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/check_liveness.h"
#include "tests/sim/patience.h"
#include "tests/sim/sim.h"

static void run_faults(struct sim *sim)
{
	uint64_t steps = sim->options.steps != 0 ? sim->options.steps : 2500 + 400 * sim->node_count;

	uint32_t before = 0;

	sim_start(sim);
	/* False signs are tested in a ring that is complete: then they must change nothing. */
	if (faults_are_false_signs(sim) && sim_run_for(sim, MS(25)) &&
		!sim_run_until(sim, sim_synchronized, 2 * sim_settle_ns(sim) + SECONDS(1)))
		return;
	before = sim->history.configuration_count;
	faults_start(sim);
	while (sim->steps < steps && sim_step(sim, UINT64_MAX))
		if (faults_are_false_signs(sim) && sim->history.configuration_count != before)
			report_violation(&sim->report, "C8", 0, NULL,
				"false signs, %ju by now, have changed the configuration",
				(uintmax_t)sim->faults.false_signs);
}

#define CHANGE_CALLBACKS 6u /* the transitional and the regular configuration, each on three nodes */

/*
 * Play a cut between two of three nodes. It may cause a few configurations in the first minute, and hardly any later.
 */
static void run_middle(struct sim *sim)
{
	uint32_t middle = (uint32_t)(sim->options.seed % 3);
	uint32_t one = (middle + 1) % 3, other = (middle + 2) % 3;

	/* Send little: minutes of dense traffic would take long and show no more. */
	for (uint32_t i = 0; i < sim->node_count; i++)
		sim->nodes[i].traffic_mean_ns = MS(200);
	sim_start(sim);
	if (!sim_run_for(sim, MS(25)) || !sim_run_until(sim, sim_synchronized, 2 * sim_settle_ns(sim) + SECONDS(1)))
		return;
	sim_cut(sim, one, other);
	sim_cut(sim, other, one);
	sim_note(sim, middle, "hears two that do not hear each other");
	for (uint32_t minute = 0; minute < 3; minute++) {
		uint32_t before = sim->history.configuration_count;
		uint32_t changes_max = minute == 0 ? 5 : 2;

		if (!sim_run_for(sim, SECONDS(60)))
			return;
		if (sim->history.configuration_count - before > changes_max * CHANGE_CALLBACKS)
			report_violation(&sim->report, "C8", BIT(one) | BIT(other), NULL,
				"%u configurations in minute %u of a cut between two of three nodes",
				sim->history.configuration_count - before, minute);
	}
}

void sim_run(struct sim *sim)
{
	if (faults_are_middle(sim))
		run_middle(sim);
	else if (patience_is_played(sim))
		patience_run(sim);
	else
		run_faults(sim);
	if (!sim->report.is_broken) {
		faults_end(sim);
		if (liveness_one_ring(sim) && !sim->report.is_tainted && liveness_messages(sim) &&
			liveness_lone_sender(sim) && liveness_idle(sim))
			liveness_leave(sim);
	}
	sim_stop(sim);
}

void sim_command(const struct sim_options *options, char *out, size_t size)
{
	size_t length = (size_t)snprintf(out, size, "--seed %" PRIu64, options->seed);

	if (options->nodes != 0 && length < size)
		length += (size_t)snprintf(out + length, size - length, " --nodes %u", options->nodes);
	if (options->steps != 0 && length < size)
		length += (size_t)snprintf(out + length, size - length, " --steps %" PRIu64, options->steps);
	if (options->mutant != NULL && length < size)
		length += (size_t)snprintf(out + length, size - length, " --mutant %s", options->mutant);
	if (options->picks_faults && options->faults == FAULT_DEFAULT)
		return;

	const char *separator = options->picks_faults ? " --faults all" : " --faults ";

	if (length < size && (options->picks_faults || options->faults == 0))
		length += (size_t)snprintf(
			out + length, size - length, "%s%s", separator, options->faults == 0 ? "none" : "");
	for (int kind = 0; kind < FAULT_KINDS; kind++) {
		if ((options->faults >> kind & 1) == 0 || length >= size ||
			(options->picks_faults && (FAULT_DEFAULT >> kind & 1) != 0))
			continue;
		length += (size_t)snprintf(out + length, size - length, "%s%s", options->picks_faults ? "," : separator,
			fault_name((enum fault_kind)kind));
		separator = ",";
	}
}

void sim_explain(const struct sim *sim, const char *program, FILE *out)
{
	const struct report *report = &sim->report;
	char command[512];

	fprintf(out, "\nseed %" PRIu64 ": %s broken: %s.\n  %s\n  nodes:", sim->options.seed, report->property,
		report_property(report->property), report->text);
	for (uint32_t i = 0; i < sim->node_count; i++)
		if ((report->nodes & BIT(i)) != 0)
			fprintf(out, " %u", sim->ids[i]);
	fprintf(out, " of %u; faults:", sim->node_count);
	for (int kind = 0; kind < FAULT_KINDS; kind++)
		if ((sim->faults.kinds >> kind & 1) != 0)
			fprintf(out, " %s", fault_name((enum fault_kind)kind));
	fprintf(out, "\n");
	trace_print(&sim->trace, out, 40, report->nodes, &report->ring);
	sim_command(&sim->options, command, sizeof(command));
	fprintf(out, "replay: %s %s --no-shrink\n", program, command);
}
