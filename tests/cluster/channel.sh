#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Fast channels: our library has one with our daemon, unless it is told not to, and Debian's library has none; traffic
# with and without them; clients die at any moment, and nothing of them is left in the daemon.
. "$(dirname "$0")/lab.sh"

watch=$LAB_WATCHER
RANDOM=${SEED:-1}

# rings NODE: that its daemon shares with clients, in pieces of its memory.
rings() { grep -c 'memfd:coterie-channel' "/proc/${LAB_DAEMONS[$1]}/maps"; }
has_rings() { [ "$(rings "$1")" -gt 0 ]; }
has_none() { [ "$(rings "$1")" -eq 0 ]; }

is_member() { [ -s "$LAB_DIR/member" ]; }

# member NODE COMMAND...: a member of a group of its own, by way of the command; its process id in MEMBER.
member() {
	local node=$1

	shift
	: >"$LAB_DIR/member"
	lab_exec "$node" "$@" "$watch" -g solo -m 1 -p 5 >"$LAB_DIR/member" 2>&1 &
	MEMBER=$!
	lab_await is_member || tap_note "there is no member"
}

member_dies() {
	kill -KILL "$MEMBER"
	wait "$MEMBER" 2>/dev/null
}

play_who_has_one() {
	member 1 env
	tap_check "our library and our daemon have a channel" has_rings 1
	member_dies
	tap_check "its rings go with the client" lab_await has_none 1
	member 1 env COTERIE_CPG_RING=0
	tap_check "who wants none has none" has_none 1
	member_dies
	if command -v corosync >/dev/null; then
		LAB_CLIENT=corosync member 1 env
		tap_check "Debian's library has none" has_none 1
		member_dies
	fi
}

# One after the other, and some at the same time: 1 to 100 ms old.
play_deaths() {
	local i victims=()

	for ((i = 0; i < 60; i++)); do
		lab_exec 1 "$watch" -g "watch$LAB_WATCH" -m 1 -p 1 >/dev/null 2>&1 &
		victims+=($!)
		sleep "0.$(printf %03d $((RANDOM % 100 + 1)))"
		[ $((i % 3)) -ne 0 ] || continue # two of these at a time
		kill -KILL "${victims[@]}"
		wait "${victims[@]}" 2>/dev/null
		victims=()
	done
}

lab_open coterie coterie coterie
lab_start 1 2 3
tap_check "one ring" lab_ring 3 1 2 3
play_who_has_one

for size in 8 1400 100000; do
	COTERIE_CPG_RING=0 lab_traffic "without channels" "$size" 1 2 3
	lab_traffic "with channels" "$size" 1 2 3
	COTERIE_CPG_RING=2000000 lab_traffic "with larger ones" "$size" 1 2 3
done
lab_watch 1 2 3
tap $? "a member on each node"
play_deaths
lab_compare "clients that died at any moment" 1 2 3
tap_check "every daemon runs" lab_alive 1 2 3
for node in 1 2 3; do
	tap_check "no rings are left on node $node" lab_await has_none "$node"
done
lab_stop 1 2 3
tap $? "all stop with status 0"
tap_check "nothing is left in /dev/shm" test -z "$(ls -A /dev/shm)"
lab_close
