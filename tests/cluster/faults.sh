# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What every ring has to endure, whatever its members: source it after lab.sh, open and start a ring.

# Every size from all nodes at once.
ring_carries() {
	local size

	for size in 8 100 1400 8000 100000 1000000; do
		lab_traffic "$1" "$size" "${LAB_NODES[@]}"
	done
}

ring_endures_loss() {
	lab_loss 5 "${LAB_NODES[@]}" || {
		tap 1 "no packets can be dropped here"
		return
	}
	LAB_MS=1000 lab_traffic "5 % loss" 1400 "${LAB_NODES[@]}"
	LAB_MS=1000 lab_traffic "5 % loss" 100000 "${LAB_NODES[@]}"
	lab_loss 0 "${LAB_NODES[@]}"
	lab_ring ${#LAB_NODES[@]} "${LAB_NODES[@]}" && lab_alive "${LAB_NODES[@]}"
	tap $? "one ring after the loss"
}

# Kill, pause, cut and clean stop of one node, each followed by its return. The others must see
# the same, and carry traffic.
node_fails() {
	local victim=$1 all=${#LAB_NODES[@]} rest=() node

	for node in "${LAB_NODES[@]}"; do
		[ "$node" -eq "$victim" ] || rest+=("$node")
	done
	local who="node $victim (${LAB_KINDS[victim]})"

	lab_watch "${LAB_NODES[@]}"
	lab_kill "$victim"
	lab_ring ${#rest[@]} "${rest[@]}" && lab_alive "${rest[@]}"
	tap $? "$who killed: the others form a ring"
	lab_traffic "$who killed" 1400 "${rest[@]}"
	lab_start "$victim"
	lab_ring $all "${LAB_NODES[@]}" && lab_alive "${LAB_NODES[@]}"
	tap $? "$who killed: back in one ring"
	lab_compare "$who killed" "${rest[@]}"

	lab_watch "${LAB_NODES[@]}"
	lab_pause "$victim"
	sleep "$(awk "BEGIN { print 2.5 * $LAB_TOKEN / 1000 }")"
	lab_ring ${#rest[@]} "${rest[@]}"
	tap $? "$who paused: the others form a ring"
	lab_resume "$victim"
	lab_ring $all "${LAB_NODES[@]}" && lab_alive "${LAB_NODES[@]}"
	tap $? "$who resumed: back in one ring"
	lab_compare "$who paused" "${rest[@]}"

	lab_watch "${LAB_NODES[@]}"
	lab_cut "$victim"
	lab_ring ${#rest[@]} "${rest[@]}" && lab_ring 1 "$victim"
	tap $? "$who cut off: two rings"
	lab_traffic "$who cut off" 1400 "${rest[@]}"
	lab_heal "$victim"
	lab_ring $all "${LAB_NODES[@]}" && lab_alive "${LAB_NODES[@]}"
	tap $? "$who healed: one ring"
	lab_compare "$who cut off" "${rest[@]}"

	lab_watch "${LAB_NODES[@]}"
	lab_stop "$victim" && lab_ring ${#rest[@]} "${rest[@]}"
	tap $? "$who stopped: the others form a ring"
	lab_start "$victim"
	lab_ring $all "${LAB_NODES[@]}" && lab_alive "${LAB_NODES[@]}"
	tap $? "$who started again: one ring"
	lab_compare "$who stopped" "${rest[@]}"
	lab_traffic "$who back" 1400 "${LAB_NODES[@]}"
}

# One ring results in every order of starts. Each node in turn, or those in LAB_FIRST, starts alone,
# and the others follow.
every_node_first() {
	local first

	for first in ${LAB_FIRST:-${LAB_NODES[*]}}; do
		lab_start "$first"
		lab_ring 1 "$first"
		tap $? "node $first (${LAB_KINDS[first]}) starts first: a ring of its own"
		for node in "${LAB_NODES[@]}"; do
			[ "$node" -eq "$first" ] || lab_start "$node"
		done
		lab_ring ${#LAB_NODES[@]} "${LAB_NODES[@]}" && lab_alive "${LAB_NODES[@]}"
		tap $? "node $first (${LAB_KINDS[first]}) started first: one ring" && "$@"
		lab_stop "${LAB_NODES[@]}"
		tap $? "all stop with status 0"
	done
}

# The two scripts that every mix of daemons plays. Each size comes three times here, so each time is shorter.
play_order() {
	LAB_MS=${LAB_MS:-100}
	lab_open "$@"
	every_node_first ring_carries "one order"
	lab_close
}

play_faults() {
	local node

	lab_open "$@"
	lab_start "${LAB_NODES[@]}"
	lab_ring ${#LAB_NODES[@]} "${LAB_NODES[@]}"
	tap $? "one ring of ${LAB_KINDS[*]}"
	# On knet a ring with a Corosync carries nothing under loss: knet_long.sh says why.
	case "$LAB_TRANSPORT ${LAB_KINDS[*]}" in knet*corosync*) ;; *) ring_endures_loss ;; esac
	for node in "${LAB_NODES[@]}"; do
		node_fails "$node"
	done
	lab_alive "${LAB_NODES[@]}"
	tap $? "every daemon still runs"
	lab_close
}
