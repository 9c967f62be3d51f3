#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Rings of 17 to 384 simulated nodes are formed with few joins and within the bounds of book invariants, "Crowds".
# CROWD_SEEDS (2) of each size up to 128; 384 nodes once. CROWD_LOOPS (100) crash loops of one node.
. "${abs_top_srcdir:?}/tests/tap.sh"
tap_behind "$@"

crowd=${abs_top_builddir:?}/tests/sim/coterie-crowd
seeds=${CROWD_SEEDS:-2}

play() {
	local name=$1 output

	shift
	output=$("$crowd" "$@" 2>&1)
	tap $? "$name: $(grep -c ' joins/N' <<<"$output") rings, at most $(sed -n 's/.*: \([0-9.]*\) joins.*/\1/p' <<<"$output" |
		sort -n | tail -n 1) joins/N^2" || tap_note "$output"
}

for nodes in 17 32 64 128; do
	play "$nodes nodes" --nodes "$nodes" --seeds "1-$seeds" --joins 8
done
play "64 nodes that start within three seconds" --nodes 64 --seeds "1-$seeds" --spread 3000 --ms 4000
play "64 nodes, every second one like Corosync" --nodes 64 --plain 32 --seeds "1-$seeds" --joins 8 --form
play "64 nodes with small sockets" --nodes 64 --socket 65536 --ms 1000 --seeds "1-$seeds"
play "32 nodes with 2 % loss" --nodes 32 --loss 2 --any --seeds "1-$seeds"
# Each time the others have to agree on the node again, while the joins of its last start still arrive.
loops=${CROWD_LOOPS:-100}
output=$("$crowd" --nodes 16 --seeds "1-$loops" --any --kills 5 --stall 150 --ms 8000)
tap $? "$(grep -c killed <<<"$output") times one of 16 nodes crashes in a loop, on a busy machine: no other one is put out" ||
	tap_note "$(grep -E 'LOST|NO RING' <<<"$output")"
play "384 nodes" --nodes 384 --form --joins 8
tap_check "more than 384 nodes are refused with status 2" bash -c "'$crowd' --nodes 385 2>/dev/null; test \$? -eq 2"
tap_end
