#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# An encrypted ring, and a host that has a member's address but not the key. It sends packets of a plain ring, packets of the
# ring itself, and both damaged in all ways of bad_packets. The engine counts each frame that it gets by its kind. It must
# count no more than the members have sent: nothing of the host has reached it.
#
#	PACKETS  to each of two nodes, of each kind: 20,000
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/reloads.sh
. "$(dirname "$0")/reloads.sh"

PACKETS=${PACKETS:-20000}
cmapctl=$LAB_BUILD/tools/.libs/corosync-cmapctl
[ -x "$cmapctl" ] || cmapctl=$LAB_BUILD/tools/corosync-cmapctl
[ -x "$cmapctl" ] || tap_skip "corosync-cmapctl is not built"
LAB_CTL=$LAB_BUILD/tools/.libs/coterie-ctl
[ -x "$LAB_CTL" ] || LAB_CTL=$LAB_BUILD/tools/coterie-ctl

# configure CIPHER
configure() {
	local node

	for node in 1 2 3; do
		LAB_ENCRYPTION=$1 lab_config $node >"$LAB_DIR/$node/corosync.conf"
	done
}

# record FILE: packets while nodes come, go and send
record() {
	lab_exec 3 "$(lab_program bad_packets)" record "$1" 10 eth0 >"$LAB_DIR/recorded" &
	local recorder=$!

	lab_kill 2
	lab_ring 2 1 3
	lab_start 2
	lab_ring 3 1 2 3
	LAB_MS=500 lab_traffic "while packets are recorded" 1400 1 2 3
	wait $recorder
	tap $? "packets recorded, $(cat "$LAB_DIR/recorded")"
}

# sum KEY: of the statistic on all nodes
sum() {
	local node

	for node in 1 2 3; do
		lab_in $node "$cmapctl" -m stats -g "$1"
	done | awk '{ sum += $NF } END { printf "%.0f\n", sum }'
}

kinds=(orf_token mcast memb_join memb_commit_token memb_merge_detect token_hold_cancel)
# counts DIRECTION: a number for each kind
counts() {
	local kind

	for kind in "${kinds[@]}"; do
		sum "stats.srp.${kind}_$1"
	done
}
datagrams() { lab_in "$1" awk '/^Udp: [0-9]/ { print $2 }' /proc/net/snmp; }

# has_key AT NODE: key status of a node says so about another one
has_key() { lab_in "$1" "$LAB_CTL" key status 2>&1 | grep -q "^ *$2 .*has the key of this node"; }

# attack NAME FILE: from node 3's host, whose daemon goes on
attack() {
	local tx rx tx_now rx_now before arrived dropped i most

	before=$(reload_changes 1 2 3)
	arrived=$(datagrams 1)
	dropped=$(sum stats.srp.rx_msg_dropped)
	# The looks at what was sent enclose those at what arrived, so members have sent at least as much.
	mapfile -t tx < <(counts tx)
	mapfile -t rx < <(counts rx)
	tap_check "$1" lab_in 3 "$(lab_program bad_packets)" attack "$2" "$PACKETS" "${SEED:-1}" 10.0.0.1 10.0.0.2
	sleep 0.2
	mapfile -t rx_now < <(counts rx)
	mapfile -t tx_now < <(counts tx)
	arrived=$(($(datagrams 1) - arrived))
	tap_check "$1: $arrived of $PACKETS and more have arrived" test $arrived -ge $((PACKETS * 9 / 10))
	for i in "${!kinds[@]}"; do
		# A token is for one node. All others are for every node, on udp the sender is one.
		most=$(((tx_now[i] - tx[i]) * 3))
		case ${kinds[i]} in orf_token | memb_commit_token) most=$((tx_now[i] - tx[i])) ;; esac
		tap_check "$1: $((rx_now[i] - rx[i])) ${kinds[i]} have come, at most $most from the members" \
			test $((rx_now[i] - rx[i])) -le $most
	done
	tap_check "$1: the engine has dropped none" test "$(sum stats.srp.rx_msg_dropped)" = "$dropped"
	tap_check "$1: and found none malformed" test -z "$(grep -h "packet dropped, it claims" "$LAB_DIR"/[123]/log)"
	lab_alive 1 2 3
	tap $? "$1: all daemons run"
	tap_check "$1: the ring stays" test "$before" = "$(reload_changes 1 2 3)"
}

lab_open coterie coterie coterie
for LAB_TRANSPORT in ${TRANSPORTS:-udpu udp}; do
	rm -f "$LAB_DIR"/[123]/log
	configure ""
	lab_start 1 2 3
	lab_ring 3 1 2 3
	tap $? "$LAB_TRANSPORT: a plain ring"
	record "$LAB_DIR/plain"
	lab_stop 1 2 3
	rm -f "$LAB_DIR"/[123]/log
	configure aes256-gcm
	lab_start 1 2 3
	lab_ring 3 1 2 3
	tap $? "$LAB_TRANSPORT: an encrypted one"
	record "$LAB_DIR/sealed"
	attack "$LAB_TRANSPORT: packets of a plain ring" "$LAB_DIR/plain"
	tap_check "$LAB_TRANSPORT: they are named" \
		grep -q "packet refused from 10.0.0.3:5405 (node 3): it is not encrypted" "$LAB_DIR/1/log"
	tap_check "$LAB_TRANSPORT: key status: the member whose address the host has is in the ring, so it has the key" has_key 1 3
	attack "$LAB_TRANSPORT: packets of this ring" "$LAB_DIR/sealed"
	tap_check "$LAB_TRANSPORT: repeated ones are counted" test "$(sum stats.coterie.datagrams_replayed)" -gt 0
	lab_traffic "$LAB_TRANSPORT: after it" 1400 1 2 3
	lab_stop 1 2 3
	tap $? "$LAB_TRANSPORT: all stop with status 0"
done
lab_close
