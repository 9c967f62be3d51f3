#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The cost of an idle daemon compared with a Corosync daemon: wake-ups and processor time of three nodes, at
# the default timers, in IDLE_SECONDS (5). The limit is half of Corosync's on any machine, and the goal is a
# quarter. Resident memory: two fifths, and the goal is a third.
LAB_TOKEN=${LAB_TOKEN:-3650}
. "$(dirname "$0")/lab.sh"
. "$(dirname "$0")/../bench/sample.sh"

seconds=${IDLE_SECONDS:-5}
lab_open coterie coterie coterie

# Sums over the three daemons: times put to sleep, and nanoseconds run.
used() {
	local node

	for node in 1 2 3; do
		cat "/proc/${LAB_DAEMONS[node]}"/task/*/status | awk '/^voluntary/ { print $2, 0 }'
		cat "/proc/${LAB_DAEMONS[node]}"/task/*/schedstat | awk '{ print 0, $1 }'
	done | awk '{ woken += $1; ran += $2 } END { print woken, ran }'
}

# measure KIND: sets woken (a daemon's wake-ups in a second), ran (its microseconds in a second) and memory (its MB).
measure() {
	local before

	# shellcheck disable=SC2034 # of lab.sh
	LAB_KINDS=([1]="$1" [2]="$1" [3]="$1")
	lab_configure
	lab_start 1 2 3
	lab_ring 3 1 2 3 || return
	sleep 3
	before=$(used)
	sleep "$seconds"
	read -r woken ran <<<"$(echo "$(used) $before" | awk -v s="$seconds" '
		{ printf "%.1f %.0f\n", ($1 - $3) / s / 3, ($2 - $4) / s / 3 / 1000 }')"
	memory=$(daemon_mb)
	lab_stop 1 2 3
}

at_most() { awk "BEGIN { exit !($1 <= $2) }"; }

measure coterie
tap $? "an idle ring"
ours=$woken ours_ran=$ran ours_memory=$memory
tap_check "a daemon is woken $ours times a second" at_most "$ours" 6
if command -v corosync >/dev/null; then
	measure corosync
	tap_check "a corosync is woken $woken times, at least twice as often" at_most "$ours * 2" "$woken"
	tap_check "and has $memory MB of memory, ours $ours_memory MB" at_most "$ours_memory * 5" "$memory * 2"
	tap_check "and runs for $ran us a second, ours for $ours_ran" at_most "$ours_ran * 2" "$ran"
fi
lab_close
