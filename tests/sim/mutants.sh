#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The proof that the simulator finds bugs: every mutant is caught within the seeds stated for it.
. "${abs_top_srcdir:?}/tests/tap.sh"
tap_behind "$@"

sim=${abs_top_builddir:?}/tests/sim/coterie-sim
mutants=$("$sim" --list-mutants) || tap_skip "no mutants in this build"

# Faults for mutants that need several faults in a row. A mix of all faults rarely has these.
declare -A faults=([TOKEN_FOREIGN]="replay,partition" [COMMIT_STALE_RING]="replay,crash,loss,partition" [SAFE_PROMISE_FORGOTTEN]=hole
	[SIGNS_BELIEVED]=dead [QUIET_NEVER]=middle [REFUSALS_BELIEVED]=patience [MARGIN_NONE]=patience
	[BUDGET_HALVED]=patience [VOTE_ALONE]=patience [VOTE_LOST]=patience [VOTE_WITHOUT_ALL]=patience
	[LEASE_GRANTED]="asymmetric,pause" [STRANGER_BELIEVED]="asymmetric,shift" [RESTART_FORGOTTEN]="shift,crash"
	[LEASE_OF_RING]="shift,strike" [LATE_PATH_FOREVER]="plain,partition"
	[COUNTS_NOT_RESET]="quirks,loss,crash,partition,pause")

# The seed that caught a mutant last is played first. If it does not catch it any more, all seeds are played.
declare -A last
while read -r name seed; do
	last[$name]=$seed
done <"${0%.sh}.seeds"

# is_caught NAME SEEDS: sets `caught`, the seed, and `output`.
is_caught() {
	output=$("$sim" --mutant "$1" --no-shrink --faults "${faults[$1]:-all}" --seeds "$2" 2>&1)
	status=$?
	# 1 is a violation. A status above 128 means that an assertion of the engine failed.
	caught=$(sed -n 's/^seed \([0-9]*\): .*/\1/p' <<<"$output" | head -n 1)
	{ [ "$status" -eq 1 ] || [ "$status" -gt 128 ]; } && [ -n "$caught" ]
}

while IFS=$'\t' read -r name seeds what; do
	seed=${last[$name]:-1}
	[ "$seed" -le "$seeds" ] || seed=1
	is_caught "$name" "$seed-$seed" || {
		is_caught "$name" "1-$seeds" && tap_note "mutants.seeds has another seed than $caught"
	}
	tap $? "$name ($what): seed ${caught:-none} of $seeds" || tap_note "status $status: $output"
done <<<"$mutants"

# A seed that fails is made smaller: two nodes and no faults are enough to skip a frame.
output=$("$sim" --mutant DELIVER_PAST_HOLE --seeds 1-30)
read -ra replay < <(sed -n 's/^replay: .*coterie-sim \(--seed .*\) --no-shrink$/\1/p' <<<"$output")
tap_check "a failed seed is made smaller: ${replay[*]}" grep -q -- '--nodes 2 .*--faults none' <<<"${replay[*]}"
tap_check "the smaller one breaks the same property" \
	test "$(grep -o '^seed [0-9]*: [A-Z]*[0-9]*' <<<"$output" | cut -d' ' -f3 | sort -u)" = D6
"$sim" "${replay[@]}" --no-shrink | grep -q '^seed .*: D6 broken'
tap $? "its command repeats it"
tap_end
