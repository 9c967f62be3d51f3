#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# How fast survivors deliver the configuration without a daemon that was killed or stopped, at the
# default timers (a token timeout of 3,650 ms): on an idle ring and on one that carries messages.
# CRASH_ROUNDS of each (3, and then with limits for a busy machine); CRASH_KINDS: who is in the ring;
# CRASH_VICTIMS: who dies, in turn; CRASH_LIMIT and CRASH_STOP_LIMIT: of the medians, in milliseconds.
# A killed Corosync daemon is missed after the token and consensus timeouts, as by Corosync itself.
# CRASH_PAUSE: seconds before each death.
LAB_TOKEN=${LAB_TOKEN:-3650}
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/links.sh
. "$(dirname "$0")/links.sh"

[ "$LAB_TRANSPORT" != knet ] || [ -e "$LAB_BUILD/knet.la" ] || tap_skip "the plugin knet is not built"
rounds=${CRASH_ROUNDS:-3}
read -ra kinds <<<"${CRASH_KINDS:-coterie coterie coterie}"
lab_open "${kinds[@]}"
read -ra victims <<<"${CRASH_VICTIMS:-${LAB_NODES[*]}}"
times=$(lab_program ring_times)

# The slowest survivor's time from the signal to a ring of all survivors, in milliseconds.
one_round() {
	local signal=$1 period=$2 victim=$3 rest=() node at

	for node in "${LAB_NODES[@]}"; do
		[ "$node" -eq "$victim" ] || rest+=("$node")
	done
	rings_record "${rest[@]}"
	loaders=()
	[ -z "$period" ] || for node in "${LAB_NODES[@]}"; do
		lab_exec "$node" "$LAB_WATCHER" -g load -p "$period" >/dev/null 2>&1 &
		loaders+=($!)
	done
	sleep "$(awk "BEGIN { srand($RANDOM); print ${CRASH_PAUSE:-0} + 0.8 + rand() }")" # any phase of the idle ring
	at=$("$times" kill "$signal" "${LAB_DAEMONS[victim]}")
	wait "${LAB_DAEMONS[victim]}" 2>/dev/null
	LAB_PATIENCE=20 rings_after "$at" "${rest[*]}" "${rest[@]}" || echo 99999
	rings_end
	[ -z "$period" ] || { kill -KILL "${loaders[@]}" && wait "${loaders[@]}"; } 2>/dev/null
	lab_start "$victim"
	lab_ring ${#LAB_NODES[@]} "${LAB_NODES[@]}" >&2
}

# rounds_of SIGNAL [PERIOD]: every node sends a message each PERIOD milliseconds, or none. Sets `all`,
# the sorted times of all rounds.
rounds_of() {
	local i

	: >"$LAB_DIR/rounds"
	for ((i = 0; i < rounds; i++)); do
		one_round "$1" "${2:-}" "${victims[i % ${#victims[@]}]}" >"$LAB_DIR/round"
		cat "$LAB_DIR/round" >>"$LAB_DIR/rounds"
	done
	mapfile -t all < <(sort -n "$LAB_DIR/rounds")
}

# within NAME LIMIT: one TAP result.
within() {
	local median=${all[$((${#all[@]} / 2))]:-99999}

	awk "BEGIN { exit !($median <= $2 && ${#all[@]} == $rounds) }"
	tap $? "$1: median $median ms of ${#all[@]}, from ${all[0]} to ${all[-1]} (limit $2)"
}

lab_start "${LAB_NODES[@]}"
lab_ring ${#LAB_NODES[@]} "${LAB_NODES[@]}"
tap $? "one ring of ${LAB_KINDS[*]}"
rounds_of 9
within "kill -9, idle" "${CRASH_LIMIT:-250}"
rounds_of 15
within "clean stop, idle" "${CRASH_STOP_LIMIT:-200}"
rounds_of 9 2
within "kill -9, loaded" "${CRASH_LIMIT:-250}"
rounds_of 15 2
within "clean stop, loaded" "${CRASH_STOP_LIMIT:-200}"
lab_stop "${LAB_NODES[@]}"
tap $? "all stop with status 0"
lab_close
