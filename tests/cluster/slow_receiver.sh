#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Three nodes send as much as they can, and one of them cannot keep up: its socket has the smallest buffer there is,
# its link carries 10 Mbit/s, its daemon stands still for half the token timeout. Nothing is lost, the order is one,
# and the ring does not change.
# SLOW_SECONDS (1) of each, SLOW_PAUSES (2) of a daemon. LAB_TRANSPORT: udpu or udp.
LAB_TOKEN=${LAB_TOKEN:-3000} # a machine that is slow for a moment must not look like a daemon that is
. "$(dirname "$0")/lab.sh"
. "$(dirname "$0")/links.sh"

export LAB_PATIENCE=60
seconds=${SLOW_SECONDS:-1}
pauses=${SLOW_PAUSES:-2}

# counters: of all nodes together: frames sent again, tokens sent again, datagrams that found no room.
counters() {
	local node

	for node in 1 2 3; do
		lab_in $node "$LAB_BUILD/tools/corosync-cmapctl" -m stats stats.srp.mcast_retx 2>/dev/null
		lab_in $node "$LAB_BUILD/tools/corosync-cmapctl" -m stats stats.coterie.ring.token_retransmits 2>/dev/null
		in_net $node sh -c 'cat /proc/self/net/snmp'
	done | awk '
		/mcast_retx/ { frames += $NF }
		/token_retransmits/ { tokens += $NF }
		/^Udp: [0-9]/ { full += $6 }
		END { print frames + 0, tokens + 0, full + 0 }'
}

# burden NAME SIZE SECONDS: traffic from all nodes, and what it cost: in $frames, $tokens and $full.
burden() {
	local before

	before=$(counters)
	LAB_MS=$(($3 * 1000)) lab_traffic "$1" "$2" 1 2 3
	read -r frames tokens full <<<"$(echo "$before $(counters)" | awk '{ print $4 - $1, $5 - $2, $6 - $3 }')"
	tap_note "sent again: $frames frames, $tokens tokens; datagrams that found no room: $full"
	tap_check "$1: the ring has not changed" \
		test "$(rings_changed 1)$(rings_changed 2)$(rings_changed 3)" = 000 || tap_note "$(cat "$LAB_DIR"/?/times)"
}

# Nodes tell each other their buffers: nobody sends more in a rotation than the smallest of them holds.
play_small_buffer() {
	local size

	for size in 1400 64; do
		burden "a receive buffer of 64 KiB" $size "$seconds"
		tap_check "and every datagram found room in it" test "$full" -eq 0
	done
}

# 256 KiB wait in front of it, as in a switch.
narrow() {
	tc qdisc add dev port3 root tbf rate 10mbit burst 16kb limit 256kb &&
		in_net 3 tc qdisc add dev eth0 root tbf rate 10mbit burst 16kb limit 256kb
}

widen() {
	tc qdisc del dev port3 root 2>/dev/null
	in_net 3 tc qdisc del dev eth0 root 2>/dev/null
}

# Send as much as the link carried before, and in check-long also from the beginning.
play_narrow_link() {
	narrow || {
		tap_without "a link of 10 Mbit/s" "no token bucket filter"
		return
	}
	[ "$seconds" -eq 1 ] || burden "a link of 10 Mbit/s" 1400 "$seconds"
	widen
	{ sleep 0.7 && narrow; } 9>&- &
	burden "a link that has 10 Mbit/s all of a sudden" 1400 "$seconds"
	wait $!
	tap_note "dropped in front of it: $(tc -s qdisc show dev port3 | sed -n 's/.*(dropped \([0-9]*\),.*/\1/p')"
	widen
}

# One node after the other.
pause_all() {
	local i node

	for ((i = 0; i < pauses; i++)); do
		node=$((3 - i % 3))
		sleep 0.5
		lab_pause $node
		sleep "$(awk "BEGIN { print $LAB_TOKEN / 2000 }")"
		lab_resume $node
	done
}

play_pauses() {
	local pausing

	pause_all 9>&- &
	pausing=$!
	burden "daemons that stand still for half the token timeout" 1400 \
		$((1 + pauses * (LAB_TOKEN / 2 + 500) / 1000))
	wait $pausing
}

[ "$LAB_TRANSPORT" = udpu ] || [ "$LAB_TRANSPORT" = udp ] || tap_skip "not for $LAB_TRANSPORT"
lab_open coterie coterie coterie
printf 'transport {\n\tname: %s\n\tsocket_buffer: 65536\n}\n' "$LAB_TRANSPORT" >>"$LAB_DIR/3/corosync.conf"
lab_start 1 2 3
lab_ring 3 1 2 3
tap $? "one ring"
tap_check "node 3 says what it lacks" grep -q 'the receive buffer holds only' "$LAB_DIR/3/log"
rings_record 1 2 3
play_small_buffer
rings_end
lab_stop 3
lab_config 3 >"$LAB_DIR/3/corosync.conf"
lab_start 3
lab_ring 3 1 2 3
tap $? "one ring, with as much room everywhere"
rings_record 1 2 3
play_narrow_link
play_pauses
rings_end
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
