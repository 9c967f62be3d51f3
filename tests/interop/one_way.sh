#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# For most of a token timeout a node of Debian's corosync does not hear another node, and the token goes round. After a
# fixed number of rotations a Corosync node leaves the ring. With one coterie these take the token timeout. The coterie is
# the representative, then another node.
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/../cluster/lab.sh"
# shellcheck source=tests/cluster/reloads.sh
. "$(dirname "$0")/../cluster/reloads.sh"

LAB_TRANSPORT=udpu
LAB_TOKEN=3000 # Corosync's default
command -v iptables >/dev/null || tap_skip "no iptables"
lab_open coterie corosync corosync

deafen() {
	lab_nap 0.3
	lab_in "$1" iptables -A INPUT -s "$(lab_address "$2")" -j DROP
	lab_nap 2.1
	lab_in "$1" iptables -nvxL INPUT | awk '/DROP/ { print $1 }' >"$LAB_DIR/dropped"
	lab_in "$1" iptables -F INPUT
}

# play KINDS TO FROM: node TO does not hear node FROM, which is the node behind it, so that no token is lost.
play() {
	local to=$2 from=$3 before round pid

	# shellcheck disable=SC2034 # of lab.sh
	read -r 'LAB_KINDS[1]' 'LAB_KINDS[2]' 'LAB_KINDS[3]' <<<"$1"
	lab_configure
	rm -f "$LAB_DIR"/[123]/log
	lab_start 1 2 3
	lab_ring 3 1 2 3
	tap $? "$1: one ring"
	before=$(reload_changes 1 2 3)
	for round in 1 2; do
		deafen "$to" "$from" &
		pid=$!
		LAB_MS=2800 LAB_RATE=100 lab_traffic "$1, round $round, node $to does not hear node $from" 1400 1 2 3
		wait $pid
		tap_check "$1, round $round: packets were dropped ($(cat "$LAB_DIR/dropped"))" test "$(cat "$LAB_DIR/dropped")" -gt 0
	done
	tap_check "$1: no node was out of the ring ($before)" test "$before" = "$(reload_changes 1 2 3)"
	! grep -q 'FAILED TO RECEIVE' "$LAB_DIR"/[123]/log
	tap $? "$1: none has failed to receive"
	lab_stop 1 2 3
	tap $? "$1: all stop with status 0"
}

play "coterie corosync corosync" 2 3
play "corosync coterie corosync" 1 2
lab_close
