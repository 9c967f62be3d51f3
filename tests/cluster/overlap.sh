#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two halves of the cluster are never quorate at the same time, while the packets of one node are rejected or
# dropped, in one direction or in both, between it and all others or one other. quorum_poll asks every
# daemon each 10 ms. Environment:
#
# OVERLAP_PLAYS   some of PLAYS below, or "all"
# OVERLAP_VICTIM  the node whose packets are rejected or dropped: 3
# LAB_TOKEN       token timeout: 1000
# LAB_TRANSPORT   udpu, udp or knet
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/links.sh
. "$(dirname "$0")/links.sh"
# shellcheck source=tests/cluster/overlap_lab.sh
. "$(dirname "$0")/overlap_lab.sh"

# ACTION.DIRECTION.PEERS: reset means REJECT of UDP and a reset of TCP connections, as a middlebox does it.
PLAYS="reject.input.all reject.output.all reject.both.all drop.input.all drop.output.all drop.both.all
	reset.input.all reset.both.all reject.input.one reject.output.one reject.both.one drop.input.one
	drop.output.one drop.both.one"
plays=${OVERLAP_PLAYS:-reject.input.all reset.both.all reject.both.one}
[ "$plays" != all ] || plays=$PLAYS
victim=${OVERLAP_VICTIM:-3}
peer=$((victim % 3 + 1))
budget=$((LAB_TOKEN * 22 / 10)) # the consensus timeout is 1.2 x token

[ "$LAB_TRANSPORT" != knet ] || [ -e "$LAB_BUILD/knet.la" ] || tap_skip "the plugin knet is not built"
lab_open coterie coterie coterie
for node in "${LAB_NODES[@]}"; do
	printf 'quorum {\n\tprovider: corosync_votequorum\n}\n' >>"$LAB_DIR/$node/corosync.conf"
done

on_victim() { in_net "$victim" "$@"; }

# refuse ACTION DIRECTION PEERS
refuse() {
	local chain chains=(INPUT OUTPUT) rule

	case $2 in
	input) chains=(INPUT) ;;
	output) chains=(OUTPUT) ;;
	esac
	for chain in "${chains[@]}"; do
		if [ "$chain" = INPUT ]; then
			rule=(INPUT -i eth0)
			[ "$3" = all ] || rule+=(-s "$(lab_address $peer)")
		else
			rule=(OUTPUT -o eth0)
			[ "$3" = all ] || rule+=(-d "$(lab_address $peer)")
		fi
		case $1 in
		drop) on_victim iptables -A "${rule[@]}" -j DROP ;;
		reject) on_victim iptables -A "${rule[@]}" -p udp -j REJECT ;;
		reset)
			on_victim iptables -A "${rule[@]}" -p tcp -j REJECT --reject-with tcp-reset &&
				on_victim iptables -A "${rule[@]}" -p udp -j REJECT
			;;
		esac || return
	done
}
allow() {
	on_victim iptables -F INPUT
	on_victim iptables -F OUTPUT
}

# play NAME: refuse, wait until all is settled, compute, allow.
play() {
	local action direction peers node from total formed early=0

	IFS=. read -r action direction peers <<<"$1"
	polls_record
	for node in 1 2 3; do
		lab_await grep -q ' 1 1 1 ' "$LAB_DIR/$node/polls" || tap_note "node $node is not quorate"
	done
	sleep "$(awk "BEGIN { srand($RANDOM); print 0.5 + rand() / 2 }")" # any phase of an idle ring
	from=$(now_ms)
	refuse "$action" "$direction" "$peers" || tap_note "iptables fails"
	sleep "$(awk "BEGIN { print 2 * $budget / 1000 + 1 }")"
	polls_end
	read -r total formed <<<"$(overlap)"
	if [ "$formed" -ne 0 ]; then
		[ $((formed / 1000 - from)) -ge $((budget * 85 / 100)) ] || early=1
		formed="after $((formed / 1000 - from)) ms"
	else
		formed=never
	fi
	[ "$total" = 0.0 ] && { [ "$peers" = one ] || [ "$formed" != never ]; }
	tap $? "$1: $total ms with two quorate halves (a quorate ring of two: $formed)" || for node in 1 2 3; do
		tap_note "node $node:" "$(cat "$LAB_DIR/$node/polls")"
	done
	# A reset of the connection together with a refused packet is what a death looks like.
	if [ "$action" != reset ]; then
		tap $early "$1: no ring of two before token and consensus timeout ($budget ms) have passed: $formed"
	fi
	allow
	lab_ring 3 1 2 3 && lab_alive 1 2 3
	tap $? "$1: one ring afterwards"
}

lab_start 1 2 3
lab_ring 3 1 2 3
tap $? "one ring on $LAB_TRANSPORT"
for name in $plays; do
	play "$name"
done
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
