#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# False signs of a daemon's death never remove a daemon that is alive. The signs are forged ICMP
# errors, a packet that a firewall refuses, a moment without packets, and a link or an interface that
# fails for less than the token timeout. FALSE_SIGNS: their number (24). The ring is idle or, with
# FALSE_LOAD=yes, busy.
LAB_TOKEN=${LAB_TOKEN:-3650}
export LAB_DEBUG=on
. "$(dirname "$0")/lab.sh"
. "$(dirname "$0")/links.sh"

signs=${FALSE_SIGNS:-24}
# libknet drops a link at the first sign and needs three pongs before it uses it again. All signs at once would cut all
# links for longer than the token timeout.
pause=0.1
[ "$LAB_TRANSPORT" != knet ] || pause=1.2
lab_open coterie coterie coterie coterie # node 4 runs no daemon: the forger
forge=$(lab_program forge_icmp)

signs_of() { grep -c 'sign that no daemon runs on node' "$LAB_DIR/$1/log"; } # NODE

# one NUMBER: a disturbance between two of the nodes.
one() {
	local at=$(($1 % 3 + 1)) about=$((($1 + 1 + $1 / 3 % 2) % 3 + 1)) rule

	case $(($1 % 6)) in
	0)
		in_net 4 "$forge" 10.0.0.$at 10.0.0.$about 5405 50
		;;
	1)
		# The node before `at` sends its tokens there. On udp its messages are multicasts, which no host refuses.
		about=$(((at + 1) % 3 + 1))
		rule=(INPUT -s "10.0.0.$about" -d "10.0.0.$at" -p udp
			-m limit --limit 1/hour --limit-burst 1 -j REJECT)
		in_net $at iptables -A "${rule[@]}"
		# In an idle ring the token may stay where it is. A client that joins a group makes it go round.
		lab_exec $about "$LAB_WATCHER" -g sign >/dev/null 2>&1 &
		sleep 0.2
		kill $! && wait $! 2>/dev/null
		in_net $at iptables -D "${rule[@]}"
		;;
	2)
		rule=(INPUT -s "10.0.0.$about" -p udp -j DROP)
		in_net $at iptables -A "${rule[@]}"
		sleep 0.2
		in_net $at iptables -D "${rule[@]}"
		;;
	3)
		lab_cut $at
		sleep 0.3
		lab_heal $at
		;;
	4)
		in_net 4 "$forge" 10.0.0.$at 10.0.0.$about 5405 3
		in_net 4 "$forge" 10.0.0.$about 10.0.0.$at 5405 3
		;;
	5)
		in_net $at ip link set eth0 down
		sleep 0.3
		in_net $at ip link set eth0 up
		;;
	esac
	sleep $pause
}

lab_start 1 2 3
lab_ring 3 1 2 3
tap $? "one ring"
rings_record 1 2 3
if [ "$LAB_TRANSPORT" != knet ]; then
	before=$(signs_of 1) # while the nodes start there may be true ones
	in_net 4 "$forge" 10.0.0.1 10.0.0.2 5405 60
	sleep 0.2
	tap_check "60 forged ICMP errors arrive" \
		test "$(in_net 1 awk '/^Icmp: [0-9]/ { print $5 }' /proc/net/snmp)" -ge 60
	test "$(signs_of 1)" -eq "$before"
	tap $? "they quote no datagram of the node, and have no effect"
fi
loaders=()
[ -z "${FALSE_LOAD:-}" ] || for node in 1 2 3; do
	lab_exec $node "$LAB_WATCHER" -g load -p 2 >/dev/null 2>&1 &
	loaders+=($!)
done
for ((i = 0; i < signs; i++)); do
	one $i
	[ "$(rings_changed 1)$(rings_changed 2)$(rings_changed 3)" = 000 ] || {
		tap_note "disturbance $i, of kind $((i % 6)), has changed the ring" \
			"$(tail -n 3 "$LAB_DIR"/[123]/times)"
		break
	}
done
tap_check "$signs false signs: no ring has changed" \
	test "$i$(rings_changed 1)$(rings_changed 2)$(rings_changed 3)" = "${signs}000"
if [ "$LAB_TRANSPORT" = knet ]; then # libknet drops links for them, and that is all
	tap_check "the forged ones have come" grep -q 'Received ICMP error from 10\.0\.0\.[23]' "$LAB_DIR/1/log"
else
	# The firewall of node 2 has refused a datagram of node 1, and quotes it.
	tap_check "a node whose host has refused a datagram is asked" \
		grep -q 'sign that no daemon runs on node 2' "$LAB_DIR/1/log"
	tap_check "and answers" grep -q 'lives: a false sign' "$LAB_DIR/1/log"
fi
[ ${#loaders[@]} -eq 0 ] || {
	kill -KILL "${loaders[@]}"
	wait "${loaders[@]}" 2>/dev/null
}
rings_end
# A daemon that is back on its port before anybody has asked is one of the ring again.
for i in 1 2 3; do
	lab_kill $i
	lab_start $i
	lab_ring 3 1 2 3
	tap $? "node $i restarted at once: one ring"
done
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
