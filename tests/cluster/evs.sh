#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Extended virtual synchrony as clients see it, on three coteries: the guarantees, the configurations of each
# kind of change, the example program, and clients that die under load.
# What a sanitizer keeps of the memory that was freed would look like a leak.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1:thread_local_quarantine_size_kb=64"
. "$(dirname "$0")/lab.sh"
. "$(dirname "$0")/evs_lab.sh"

# Four guarantees in turn from all nodes at once: one order, each sender's own within it, nothing missing.
guarantees() {
	evs_watch -p 1 -b 20 -- 1 2 3
	tap $? "$1: clients watch" || return
	sleep 2
	evs_end 1 1 2 3
	tap $? "$1: every sender's messages in its order, none missing, its own included"
	cmp "$LAB_DIR/1/evs" "$LAB_DIR/2/evs" && cmp "$LAB_DIR/1/evs" "$LAB_DIR/3/evs"
	tap $? "$1: one order: $(grep '^end' "$LAB_DIR/1/evs")"
	[ "$(sed -n 's/^end after \([0-9]*\) .*/\1/p' "$LAB_DIR/1/evs")" -gt 100 ]
	tap $? "$1: of many messages"
}

# saw NODE LINE...: the changes that the node's watcher was told of.
saw() {
	local node=$1

	shift
	tap_check "node $node is told of these configurations" \
		diff <(printf '%s\n' "$@") <(evs_changes "$node")
}

a_node_dies_and_returns() {
	evs_watch -p 5 -- 1 2
	lab_kill 3
	lab_ring 2 1 2
	lab_start 3
	lab_ring 3 1 2 3
	evs_end 2 1 2
	tap $? "a node dies and returns: clients watch it"
	tap_check "both who stayed saw the same" cmp "$LAB_DIR/1/evs" "$LAB_DIR/2/evs"
	saw 1 "transitional members 1 2 left 3 joined safe" "regular members 1 2 left joined safe" \
		"transitional members 1 2 left joined safe" "regular members 1 2 3 left joined 3 safe"
}

a_node_is_cut_off_and_returns() {
	evs_watch -p 5 -- 1 2 3
	lab_cut 3
	lab_ring 2 1 2 && lab_ring 1 3
	lab_heal 3
	lab_ring 3 1 2 3
	evs_end 3 1 2 3
	tap $? "a node is cut off and returns: clients watch it"
	tap_check "both on one side saw the same" cmp "$LAB_DIR/1/evs" "$LAB_DIR/2/evs"
	saw 1 "transitional members 1 2 left 3 joined safe" "regular members 1 2 left joined safe" \
		"transitional members 1 2 left joined safe" "regular members 1 2 3 left joined 3 safe"
	saw 3 "transitional members 3 left 1 2 joined safe" "regular members 3 left joined safe" \
		"transitional members 3 left joined safe" "regular members 1 2 3 left joined 1 2 safe"
	tap_check "both sides end at one place in one ring" test \
		"$(grep -c '^end' "$LAB_DIR/1/evs")" -eq "$(grep -c '^end' "$LAB_DIR/3/evs")"
}

the_example() {
	evs_chat 1 2 3
	tap $? "the example runs on three nodes"
	evs_say 1 "agreed"
	evs_wait 2 5 'agreed' && evs_say 2 "!safe"
	evs_wait 3 5 '!safe' && evs_say 3 "agreed again"
	evs_wait 1 5 'agreed again' && evs_wait 2 5 'agreed again'
	lab_stop 3
	lab_ring 2 1 2
	evs_say 2 "!of the new ring"
	evs_wait 1 5 'of the new ring'
	evs_wait 3 5 'lost'
	evs_quiet
	for node in 1 2; do
		tap_check "node $node: members, messages and both configurations" diff <(printf '%s\n' \
			"regular members 1 2 3 joined safe" \
			"message 1 agreed" "message 2 !safe" "message 3 agreed again" \
			"transitional members 1 2 left 3 safe" "regular members 1 2 joined safe" \
			"message 2 !of the new ring") <(evs_said $node)
	done
	tap_check "node 3: until its daemon ends" diff <(printf '%s\n' \
		"regular members 1 2 3 joined safe" \
		"message 1 agreed" "message 2 !safe" "message 3 agreed again" "lost") <(evs_said 3)
	lab_start 3
	lab_ring 3 1 2 3
}

memory_of() { awk '/^VmRSS/ { print $2 }' "/proc/${LAB_DAEMONS[$1]}/status"; }

# kill_clients COUNT: some on node 3 watch and send, and are killed in the middle of it.
kill_clients() {
	local i victims

	for ((i = 0; i < $1; i++)); do
		victims=()
		for _ in 1 2 3 4; do
			lab_exec 3 "$(lab_program evs_watch)" -p 1 -b 50 >/dev/null 2>&1 &
			victims+=($!)
		done
		sleep 0.1
		lab_in 3 "$(lab_program evs_watch)" -s
		sleep "0.0$((RANDOM % 10))"
		kill -KILL "${victims[@]}"
		wait "${victims[@]}" 2>/dev/null
	done
}

clients_die_under_load() {
	local before after

	RANDOM=1
	evs_watch -p 2 -b 10 -- 1 2
	kill_clients 5
	within 10 no_connections 3
	before=$(memory_of 3)
	kill_clients 20
	within 10 no_connections 3
	tap $? "clients die under load: nothing of them is left in /dev/shm"
	after=$(memory_of 3)
	evs_end 1 1 2
	tap $? "clients die under load: the others miss nothing"
	tap_check "and see the same" cmp <(tail -n 1 "$LAB_DIR/1/evs") <(tail -n 1 "$LAB_DIR/2/evs")
	lab_alive 1 2 3
	tap $? "no daemon has noticed"
	tap_check "80 clients more cost no memory ($before kB before, $after after)" \
		test $((after - before)) -lt 4096
}

# shellcheck disable=SC2317 # called by within
no_connections() { [ -z "$(find /dev/shm -name "qb-${LAB_DAEMONS[$1]}-*" -print -quit)" ]; }

lab_open coterie coterie coterie
lab_start 1 2 3
lab_ring 3 1 2 3
tap $? "one ring"
guarantees "no fault"
lab_loss 5 1 2 3 && guarantees "5 % loss"
lab_loss 0 1 2 3
a_node_dies_and_returns
a_node_is_cut_off_and_returns
the_example
clients_die_under_load
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
