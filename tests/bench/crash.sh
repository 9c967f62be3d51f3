# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# How long a ring takes to do without a node, and with it again: source it after lab.sh, links.sh and sample.sh.
# Times are those of the slowest of the others, from the event to the delivery of the new configuration.

# event MEMBERS COMMAND...: runs the command, whose effect on the ring the others tell of; prints how long it took.
event() {
	local members=$1 at

	shift
	at=$("$times" kill 0 $$)
	"$@" >&2
	LAB_PATIENCE=60 rings_after "$at" "$members" "${rest[@]}"
}

# took CASE MS
took() {
	if [ -n "$2" ]; then
		put "$1" ms "$2"
	else
		void "$1" ms "the others have no new ring"
	fi
}

# without CASE BACK COMMAND...: does something to the next victim, and undoes it.
without() {
	local case=$1 back=$2 node

	shift 2
	victim=$((victim % ${#LAB_NODES[@]} + 1))
	rest=()
	for node in "${LAB_NODES[@]}"; do
		[ "$node" -eq "$victim" ] || rest+=("$node")
	done
	others_begin
	rings_record "${rest[@]}" || return
	sleep "$(awk "BEGIN { srand($RANDOM); print 0.8 + rand() }")" # any phase of the idle ring
	event "${rest[*]}" "$@" "$victim" >"$LAB_DIR/gone"
	if [ "$back" = lab_start ]; then
		event "${LAB_NODES[*]}" start_plain "$victim" >"$LAB_DIR/started"
	else
		"$back" "$victim"
	fi
	rings_end
	others_end
	took "$case" "$(cat "$LAB_DIR/gone")"
	[ "$back" != lab_start ] || took "a daemon starts" "$(cat "$LAB_DIR/started")"
	lab_ring ${#LAB_NODES[@]} "${LAB_NODES[@]}" >&2
}

# The reference needs ten times as long: one of its deaths in a round will do.
measure_crash() {
	local victim=$((BENCH_ROUND % 3)) rest i times

	times=$(lab_program ring_times)
	for ((i = 0; i < ($([ "$BENCH_RING" = coterie ] && echo 4 || echo 1)); i++)); do
		without "kill -9" lab_start lab_kill
	done
}

measure_silence() {
	local victim=$((BENCH_ROUND % 3)) rest times

	times=$(lab_program ring_times)
	without "SIGSTOP" lab_resume lab_pause
	without "cable cut" lab_heal lab_cut
}
