#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The proof that the simulator finds bugs: every mutant is caught within the seeds stated for it.
. "${abs_top_srcdir:?}/tests/tap.sh"
tap_behind "$@"

sim=${abs_top_builddir:?}/tests/sim/coterie-sim
mutants=$("$sim" --list-mutants) || tap_skip "no mutants in this build"

# Faults for mutants that need several faults in a row. A mix of all faults rarely has these.
declare -A faults=([COMMIT_STALE_RING]="replay,crash,loss,partition" [SAFE_PROMISE_FORGOTTEN]=hole
	[SIGNS_BELIEVED]=dead [QUIET_NEVER]=middle [REFUSALS_BELIEVED]=patience [MARGIN_NONE]=patience
	[BUDGET_HALVED]=patience [VOTE_ALONE]=patience [VOTE_LOST]=patience [VOTE_WITHOUT_ALL]=patience
	[LEASE_GRANTED]="asymmetric,pause" [STRANGER_BELIEVED]="asymmetric,partition" [RESTART_FORGOTTEN]="shift,crash"
	[LEASE_OF_RING]="shift,strike" [LEASE_ADOPTED]=shift
	[LATE_PATH_FOREVER]="plain,partition")

while IFS=$'\t' read -r name seeds what; do
	output=$("$sim" --mutant "$name" --faults "${faults[$name]:-all}" --seeds "1-$seeds" 2>&1)
	status=$?
	# 1 is a violation. A status above 128 means that an assertion of the engine failed.
	caught=$(sed -n 's/^seed \([0-9]*\): .*/\1/p' <<<"$output" | head -n 1)
	{ [ "$status" -eq 1 ] || [ "$status" -gt 128 ]; } && [ -n "$caught" ]
	tap $? "$name ($what): seed ${caught:-none} of $seeds" || tap_note "status $status: $output"
done <<<"$mutants"
tap_end
