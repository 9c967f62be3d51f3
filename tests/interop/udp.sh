#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two coteries and two of Debian's corosync over udp: multicast, broadcast, IPv6, and with a group, port and ttl of
# their own. make check-long plays more: every start order, every fault of every node.
LAB_TRANSPORT=udp
LAB_MS=${LAB_MS:-100} # each size comes four times
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/../cluster/lab.sh"
# shellcheck source=tests/cluster/faults.sh
. "$(dirname "$0")/../cluster/faults.sh"
# shellcheck source=tests/cluster/udp_ways.sh
. "$(dirname "$0")/../cluster/udp_ways.sh"

play() {
	local size

	lab_start "${LAB_NODES[@]}"
	lab_ring 4 "${LAB_NODES[@]}" && lab_alive "${LAB_NODES[@]}"
	tap $? "$1: one ring"
	for size in 8 1400 100000; do
		lab_traffic "$1" $size "${LAB_NODES[@]}"
	done
	if [ "$1" = multicast ]; then
		ring_endures_loss
		node_fails 1
	fi
	lab_stop "${LAB_NODES[@]}"
	tap $? "$1: all stop with status 0"
}

# Multicasts of node 1 with this TTL, while it says something.
multicasts() {
	"$LAB_ENTER" "${LAB_HOLDERS[1]}" iptables -nvxL OUTPUT 1 | awk '{ print $1 }'
}

# Everything that there is to say of the group: all of it holds on the wire.
play_configured() {
	LAB_FAMILY=ipv4
	LAB_INTERFACE=$(printf 'mcastaddr: 239.255.77.1\n\t\tmcastport: 5600\n\t\tttl: 3\n\t\tbindnetaddr: 10.0.0.0')
	lab_configure
	"$LAB_ENTER" "${LAB_HOLDERS[1]}" iptables -I OUTPUT 1 -d 239.255.77.1 -p udp --dport 5600 -m ttl --ttl-eq 3 -j ACCEPT
	"$LAB_ENTER" "${LAB_HOLDERS[1]}" iptables -I OUTPUT 2 -d 224.0.0.0/4 -p udp -j DROP # any other
	play configured
	tap_check "configured: to that group and port with that ttl ($(multicasts) datagrams)" test "$(multicasts)" -gt 100
}

lab_open coterie corosync coterie corosync
each_way play
play_configured
lab_close
