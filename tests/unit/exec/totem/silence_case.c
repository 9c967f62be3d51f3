/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/exec/totem/silence_case.h"

#include <check.h>

void set_options(uint32_t count)
{
	totem_options_defaults(&options, 1, count);
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE | WIRE_FEATURE_SILENCE;
	options.silence_ns = BUDGET_MS * MS;
	options.hold_ns = HOLD_MS * MS;
	options.token_retransmit_ns = 100 * MS;
}

void start_quick_ring(uint32_t count)
{
	set_options(count);
	start_ring(count);
	run_for(3000);
	clear_logs();
}

void silence_node(uint32_t id, bool is_cut)
{
	node_of(id)->is_paused = !is_cut;
	net->cut_from = is_cut ? id : 0;
	net->drops = is_cut ? is_cut_off : NULL;
}

void end_silence(uint32_t id)
{
	net->drops = NULL;
	if (node_of(id)->is_paused)
		node_resume(node_of(id), true);
}

/* Return whether all nodes except `first` .. `last` are in a ring without these. */
static bool are_removed(uint32_t first, uint32_t last)
{
	for (uint32_t id = 1; id <= net->node_count; id++) {
		if (id >= first && id <= last)
			continue;
		if (totem_engine_state(node_of(id)->engine) != TOTEM_OPERATIONAL ||
			member_count(id) != net->node_count - (last - first + 1))
			return false;
	}
	return true;
}

uint64_t wait_until_removed(uint32_t first, uint32_t last, uint64_t most_ms)
{
	uint64_t ms = 0;

	for (; !are_removed(first, last); ms++) {
		ck_assert_msg(
			ms < most_ms, "members %u .. %u are not removed after %lu ms", first, last, (unsigned long)ms);
		run_for(1);
	}
	return ms;
}
