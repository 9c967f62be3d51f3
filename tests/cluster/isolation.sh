#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# isolation.sh [TRANSPORT]: a node that is cut off, in whatever way, logs at once that requests that need quorum wait.
# It is a ring of its own and not quorate when the token and consensus timeouts have passed, and not before. It is a
# member of the ring again when the cause is over. The others name what its host does, also when only its daemon is
# stopped. It never uses another address, and afterwards sends nothing twice.
[ $# -eq 0 ] || export LAB_TRANSPORT=$1
LAB_TOKEN=${LAB_TOKEN:-1500}
. "$(dirname "$0")/lab.sh"
. "$(dirname "$0")/links.sh"

victim=3
ctl=$LAB_BUILD/tools/.libs/coterie-ctl
[ -x "$ctl" ] || ctl=$LAB_BUILD/tools/coterie-ctl
lab_open coterie coterie coterie
for node in "${LAB_NODES[@]}"; do
	printf 'quorum {\n\tprovider: corosync_votequorum\n}\n' >>"$LAB_DIR/$node/corosync.conf"
done

on_victim() { in_net $victim "$@"; }

carrier_lose() { lab_cut $victim; }
carrier_regain() { lab_heal $victim; }
interface_lose() { on_victim ip link set eth0 down; }
interface_regain() { on_victim ip link set eth0 up; }
address_lose() { on_victim ip addr flush dev eth0; }
address_regain() { on_victim ip addr add 10.0.0.$victim/24 dev eth0; }
input_lose() { on_victim iptables -A INPUT -i eth0 -j DROP; }
input_regain() { on_victim iptables -F INPUT; }
output_lose() { on_victim iptables -A OUTPUT -o eth0 -j DROP; }
output_regain() { on_victim iptables -F OUTPUT; }
silence_lose() {
	input_lose
	in_net 1 iptables -A INPUT -s 10.0.0.$victim -j DROP
	in_net 2 iptables -A INPUT -s 10.0.0.$victim -j DROP
}
silence_regain() {
	input_regain
	in_net 1 iptables -F INPUT
	in_net 2 iptables -F INPUT
}

quorate() {
	lab_in "$1" "$LAB_BUILD/tools/corosync-quorumtool" -s 2>/dev/null |
		grep -q '^Quorate: *Yes'
}

# Cut off again when libknet is about to look for the MTU: afterwards it finds one peer's, and puts the other
# off for half a minute.
mtu_lose() { output_lose; }
mtu_regain() {
	links_say down
	output_regain
	links_say up
	output_lose
	sleep 1
	output_regain
}
# has_said COUNT WORDS: the victim's log has so many lines with these words since the play began.
has_said() {
	[ "$(diff "$LAB_DIR/$victim/log.before" "$LAB_DIR/$victim/log" | grep -c "$2")" -ge "$1" ]
}
links_say() { LAB_PATIENCE=20 lab_await has_said 2 "link: 0 is $1\$"; } # both links

# Datagrams that the victim sends in two idle seconds, to whomever: a count of every one on its interface. The least of
# three counts: libknet looks for the MTU now and then.
sent() {
	for _ in 1 2 3; do
		sleep 1
		on_victim iptables -I OUTPUT 1 -o eth0 -p udp
		sleep 2
		on_victim iptables -nvxL OUTPUT 1 | awk '{ print $1 }'
		on_victim iptables -D OUTPUT 1
	done | sort -n | head -n 1
}

# A node that hears a majority waits longer by the time that an idle ring holds the token, which is less than a fifth of
# the token timeout. The rest is for a busy machine.
patience=$((LAB_TOKEN * 22 / 10))
limit=$((patience + LAB_TOKEN / 5 + 800))
# A link that reports its loss ends the lease before it would end by itself, on an idle ring, too.
at_once=$((LAB_TOKEN * 4 / 10))
# Without a link that reports its loss the lease ends: 60 % of the token timeout after the last contact.
lease=$((LAB_TOKEN * 6 / 10 + 600))
no_contact='no contact with a majority of the votes: requests that need quorum wait'

# The others name what the victim's host does, as long as they wait for it and when they removed it. Both know: one has
# made its connection to the victim, the other has accepted one. A victim that hears nothing is not silent: it still sends.
no_answer='its host does not answer either'
# The kernel of a host is a witness over the connections of the daemons, which return some time after the ring does. Both
# ends are looked at: after a time without answers one end may have given up a connection, and the other one not.
established() { in_net "$1" ss -Htn state established; }
are_connected() {
	local node

	established $victim | awk '{ print $4, $3 }' >"$LAB_DIR/connections"
	for node in 1 2; do
		established $node | awk '{ print $3, $4 }' | grep -qxFf "$LAB_DIR/connections" || return 1
	done
}
remember() {
	local node

	lab_await are_connected
	for node in 1 2 $victim; do
		cp "$LAB_DIR/$node/log" "$LAB_DIR/$node/log.before"
	done
}
# The status of node 1, again and again: it names a silent host for little more than a second.
status_record() {
	: >"$LAB_DIR/status"
	while :; do
		lab_in 1 "$ctl" status
		lab_nap 0.05
	done >>"$LAB_DIR/status" 2>&1 &
	recorder=$!
}
status_end() {
	kill $recorder
	wait $recorder
} 2>/dev/null
has_status() { grep -q "node $victim silent for .*; $1" "$LAB_DIR/status"; }
has_logged() {
	local node

	for node in 1 2; do
		diff "$LAB_DIR/$node/log.before" "$LAB_DIR/$node/log" >"$LAB_DIR/$node/log.new"
		grep -q "node $victim is silent for .* ms; $1.*; the ring waits for it" "$LAB_DIR/$node/log.new" &&
			grep -q "node $victim is out of the ring: .*; $1" "$LAB_DIR/$node/log.new" || {
			tap_note "node $node: $(grep "node $victim is" "$LAB_DIR/$node/log.new")"
			return 1
		}
	done
}

# play NAME WORDS GATES: cut off and back. WORDS are in the victim's log. It closes its gates within GATES ms.
play() {
	local name=$1 words=$2 gates=$3 from at

	remember
	rings_record 1 2 $victim
	status_record
	from=$(now_ms)
	"${name}_lose"
	until has_said 1 "$no_contact" || [ $(($(now_ms) - from)) -gt 20000 ]; do
		lab_nap 0.02
	done
	at=$(($(now_ms) - from))
	test $at -le "$gates"
	tap $? "$name: requests that need quorum wait after $at ms of $gates"
	test "$(rings_changed $victim)" -eq 0
	tap $? "$name: which changes no membership"
	LAB_PATIENCE=20 lab_await rings_find $victim 0 $victim
	while quorate $victim && [ $(($(now_ms) - from)) -lt 20000 ]; do
		lab_nap 0.05
	done
	at=$(($(now_ms) - from))
	# The last contact was before the loss, at most as long as an idle ring holds the token.
	test $at -le $limit && test $at -ge $((patience - LAB_TOKEN / 5))
	tap $? "$name: a ring of its own and not quorate after $at ms, at least $patience, at most $limit"
	diff "$LAB_DIR/$victim/log.before" "$LAB_DIR/$victim/log" | grep -q "$words"
	tap $? "$name: its log says so" || tap_note "$(tail -n 12 "$LAB_DIR/$victim/log")"
	lab_ring 2 1 2 && quorate 1
	tap $? "$name: the others are quorate without it"
	status_end
	[ "$name" = input ] ||
		tap_check "$name: while they waited, the status said that $no_answer" has_status "$no_answer"
	[ "$name" = input ] || tap_check "$name: the others' logs say that $no_answer" has_logged "$no_answer"
	! on_victim ss -Huna | grep -q '127\.0\.0\.1:5405\|\[::1\]:5405'
	tap $? "$name: it is not bound to the loopback"
	"${name}_regain"
	lab_ring 3 1 2 3 && quorate $victim && lab_alive 1 2 3
	tap $? "$name: one ring when it is over"
	rings_end
}

# A daemon that does not run for longer than the others wait.
play_stopped() {
	local answers='its host answers'

	remember
	status_record
	lab_pause $victim
	lab_ring 2 1 2
	status_end
	tap_check "stopped: while the others waited, the status said that $answers" has_status "$answers"
	tap_check "stopped: the others' logs say that $answers" has_logged "$answers: its daemon is stopped or starves"
	lab_resume $victim
	lab_ring 3 1 2 3 && lab_alive 1 2 3
	tap $? "stopped: one ring when it is over"
}

lab_start 1 2 3
lab_ring 3 1 2 3
tap $? "one ring on ${LAB_TRANSPORT:-udpu}"
before=$(sent)
play carrier 'goes on alone' $at_once
play interface 'goes on alone' $at_once
play address 'goes on alone' $at_once
play input 'goes on alone' $lease
play output 'goes on alone' $lease
play silence 'goes on alone' $lease
play_stopped
[ "${LAB_TRANSPORT:-}" != knet ] || LAB_PATIENCE=10 play mtu 'goes on alone' $lease
after=$(sent)
test "$before" -gt 0 && test "$after" -gt 0 && test "$after" -le $((before * 3 / 2 + 4))
tap $? "nothing is sent twice: $after datagrams in two idle seconds, $before before"
lab_traffic "afterwards" 1400 1 2 3
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
