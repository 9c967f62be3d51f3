#!/bin/bash
# A daemon that is killed on an idle ring is noticed by the TCP connection that its neighbour holds, without
# knocks; by knocks where TCP is blocked or switched off; and connections that are torn remove nobody.
# TRIPWIRE_LIMIT: of the median with connections, in milliseconds, generous for a busy machine.
LAB_TOKEN=${LAB_TOKEN:-3650}
export LAB_DEBUG=on
. "$(dirname "$0")/lab.sh"
. "$(dirname "$0")/links.sh"

lab_open coterie coterie coterie
times=$(lab_program ring_times)

# Each node watches the next one. The log of a daemon that was started again goes on.
watches_on() {
	local node

	for node in 1 2 3; do
		timeout 10 bash -c "until grep 'the watch over node' '$LAB_DIR/$node/log' | tail -n 1 |
			grep -q 'node $((node % 3 + 1)) is on'; do sleep 0.1; done" || {
			tap_note "node $node: $(grep 'the watch over' "$LAB_DIR/$node/log" | tail -n 3)"
			return 1
		}
	done
}

watches_off() {
	! tail -n +"$2" "$LAB_DIR/$1/log" | grep -q 'the watch over node . is on'
}

# How many knocks and questions (45 bytes of UDP) the nodes send in three seconds.
knocks() {
	local node

	for node in 1 2 3; do
		in_net $node iptables -I OUTPUT -p udp -m length --length 73
	done
	sleep 3
	for node in 1 2 3; do
		in_net $node iptables -nvxL OUTPUT 1 | awk '{ print $1 }'
		in_net $node iptables -D OUTPUT 1
	done | awk '{ sum += $1 } END { print sum + 0 }'
}

# Sets the median of the times from a kill to a ring of the others, in milliseconds: each node in turn, twice.
missed() {
	local i victim at node rest

	: >"$LAB_DIR/missed"
	for i in 1 2 3 1 2 3; do
		victim=$i rest=()
		for node in 1 2 3; do
			[ $node -eq $victim ] || rest+=("$node")
		done
		rings_record "${rest[@]}"
		sleep "$(awk "BEGIN { srand($RANDOM); print 0.8 + rand() }")" # any phase of the idle ring
		at=$("$times" kill 9 "${LAB_DAEMONS[victim]}")
		wait "${LAB_DAEMONS[victim]}" 2>/dev/null
		for node in "${rest[@]}"; do
			timeout 20 bash -c "until grep -q '^[0-9]* [0-9a-f]* ${rest[*]}\$' '$LAB_DIR/$node/times'; do
				sleep 0.02; done"
			awk -v at="$at" -v want="${rest[*]}" '
				{ us = $1; $1 = $2 = ""; if (substr($0, 3) == want) { print (us - at) / 1000; exit } }
			' "$LAB_DIR/$node/times"
		done | sort -n | tail -n 1 >>"$LAB_DIR/missed"
		rings_end
		lab_start "$victim"
		lab_ring 3 1 2 3
		[ "$1" = knocks ] || watches_on
	done
	median=$(sort -n "$LAB_DIR/missed" | sed -n 4p)
}

at_most() {
	awk "BEGIN { exit !(\"$1\" != \"\" && ${1:-0} <= $2) }"
}

lab_start 1 2 3
lab_ring 3 1 2 3
tap $? "one ring"
tap_check "each node watches the next one" watches_on
count=$(knocks)
tap_check "and nobody knocks ($count packets)" test "$count" -eq 0
missed watches
tap_check "who is killed is missed after $median ms" at_most "$median" "${TRIPWIRE_LIMIT:-100}"

status=0
# Connections that are torn in the middle: each probe of their kernels is answered with a reset.
rings_record 1 2 3
for node in 1 2 3; do
	in_net $node iptables -A INPUT -p tcp --dport 5405 -j REJECT --reject-with tcp-reset
done
for node in 1 2 3; do
	timeout 20 bash -c "until grep 'the watch over' '$LAB_DIR/$node/log' | tail -n 1 | grep -q broke; do
		sleep 0.2; done" || status=1
done
tap $status "torn connections are noticed"
sleep 1
tap_check "and remove nobody" test "$(rings_changed 1)$(rings_changed 2)$(rings_changed 3)" = 000
tap_check "since they answer" grep -q 'lives: a false sign' "$LAB_DIR/1/log"
rings_end
lines=$(wc -l <"$LAB_DIR/1/log")
count=$(knocks)
tap_check "the nodes knock again ($count packets)" test "$count" -gt 60
missed knocks
tap_check "who is killed then is missed after $median ms" at_most "$median" 250
tap_check "without a watch" watches_off 1 "$lines"
for node in 1 2 3; do
	in_net $node iptables -F INPUT
done

# A path that swallows everything from the start; and a configuration that wants none.
lab_stop 1 2 3
tap $? "all stop with status 0"
tap_check "which leaves no suspicion" \
	test "$(tail -n 6 "$LAB_DIR/1/log" | grep -c 'sign that no daemon runs')" -eq 0
for node in 1 2 3; do
	in_net $node iptables -A INPUT -p tcp --dport 5405 -j DROP
done
lab_start 1 2 3
lab_ring 3 1 2 3
count=$(knocks)
tap_check "behind a firewall that is silent about TCP, they knock ($count packets)" test "$count" -gt 60
for node in 1 2 3; do
	in_net $node iptables -F INPUT
done
lab_stop 1 2 3
# shellcheck disable=SC2034 # of lab.sh
LAB_TOTEM='tripwire: no'
lab_configure
lab_start 1 2 3
lab_ring 3 1 2 3
tap_check "switched off, nobody listens" test -z "$(in_net 1 ss -Hltn 'sport = 5405')"
count=$(knocks)
tap_check "and they knock ($count packets)" test "$count" -gt 60
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
