#!/bin/bash
# isolation.sh [TRANSPORT]: a node that is cut off, in whatever way, says so, is a ring of its own and not
# quorate within two token timeouts, and is one of the ring again when it is over. It never uses another
# address, and afterwards sends nothing twice.
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

# play NAME WORDS: cut off and back; WORDS are in the victim's log.
play() {
	local name=$1 words=$2 from at limit=$((2 * LAB_TOKEN))

	cp "$LAB_DIR/$victim/log" "$LAB_DIR/$victim/log.before"
	rings_record 1 2 $victim
	from=$(now_ms)
	"${name}_lose"
	timeout 20 bash -c "until grep -q '^[0-9]* [0-9a-f]* $victim\$' '$LAB_DIR/$victim/times'; do
		sleep 0.02; done"
	while quorate $victim && [ $(($(now_ms) - from)) -lt 20000 ]; do
		sleep 0.05
	done
	at=$(($(now_ms) - from))
	test $at -le $limit
	tap $? "$name: a ring of its own and not quorate after $at ms of $limit"
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
play carrier 'goes on alone'
play interface 'goes on alone'
play address 'goes on alone'
play input 'goes on alone'
play output 'goes on alone'
play silence 'goes on alone'
[ "${LAB_TRANSPORT:-}" != knet ] || LAB_PATIENCE=10 play mtu 'goes on alone'
after=$(sent)
test "$before" -gt 0 && test "$after" -gt 0 && test "$after" -le $((before * 3 / 2 + 4))
tap $? "nothing is sent twice: $after datagrams in two idle seconds, $before before"
lab_traffic "afterwards" 1400 1 2 3
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
