#!/bin/bash
# isolation.sh [TRANSPORT]: a node that is cut off, in whatever way, logs at once that requests that need quorum wait.
# It is a ring of its own and not quorate when the token and consensus timeouts have passed, and not before. It is a
# member of the ring again when the cause is over. It never uses another address, and afterwards sends nothing twice.
[ $# -eq 0 ] || export LAB_TRANSPORT=$1
LAB_TOKEN=${LAB_TOKEN:-1500}
. "$(dirname "$0")/lab.sh"
. "$(dirname "$0")/links.sh"

victim=3
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
# Both of them, since the play began.
links_say() {
	timeout 20 bash -c "until [ \$(diff '$LAB_DIR/$victim/log.before' '$LAB_DIR/$victim/log' |
		grep -c 'link: 0 is $1\$') -ge 2 ]; do sleep 0.01; done"
}

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
no_contact='no contact with a majority of the ring: requests that need quorum wait'

# play NAME WORDS GATES: cut off and back. WORDS are in the victim's log. It closes its gates within GATES ms.
play() {
	local name=$1 words=$2 gates=$3 from at

	cp "$LAB_DIR/$victim/log" "$LAB_DIR/$victim/log.before"
	rings_record 1 2 $victim
	from=$(now_ms)
	"${name}_lose"
	timeout 20 bash -c "until diff '$LAB_DIR/$victim/log.before' '$LAB_DIR/$victim/log' |
		grep -q '$no_contact'; do sleep 0.02; done"
	at=$(($(now_ms) - from))
	test $at -le "$gates"
	tap $? "$name: requests that need quorum wait after $at ms of $gates"
	test "$(rings_changed $victim)" -eq 0
	tap $? "$name: which changes no membership"
	timeout 20 bash -c "until grep -q '^[0-9]* [0-9a-f]* $victim\$' '$LAB_DIR/$victim/times'; do
		sleep 0.02; done"
	while quorate $victim && [ $(($(now_ms) - from)) -lt 20000 ]; do
		sleep 0.05
	done
	at=$(($(now_ms) - from))
	# The last contact was before the loss, at most as long as an idle ring holds the token.
	test $at -le $limit && test $at -ge $((patience - LAB_TOKEN / 5))
	tap $? "$name: a ring of its own and not quorate after $at ms, at least $patience, at most $limit"
	diff "$LAB_DIR/$victim/log.before" "$LAB_DIR/$victim/log" | grep -q "$words"
	tap $? "$name: its log says so" || tap_note "$(tail -n 12 "$LAB_DIR/$victim/log")"
	lab_ring 2 1 2 && quorate 1
	tap $? "$name: the others are quorate without it"
	! on_victim ss -Huna | grep -q '127\.0\.0\.1:5405\|\[::1\]:5405'
	tap $? "$name: it is not bound to the loopback"
	"${name}_regain"
	lab_ring 3 1 2 3 && quorate $victim && lab_alive 1 2 3
	tap $? "$name: one ring when it is over"
	rings_end
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
[ "${LAB_TRANSPORT:-}" != knet ] || LAB_PATIENCE=10 play mtu 'goes on alone' $lease
after=$(sent)
test "$before" -gt 0 && test "$after" -gt 0 && test "$after" -le $((before * 3 / 2 + 4))
tap $? "nothing is sent twice: $after datagrams in two idle seconds, $before before"
lab_traffic "afterwards" 1400 1 2 3
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
