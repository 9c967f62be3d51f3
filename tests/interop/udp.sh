#!/bin/bash
# Two coteries and two of Debian's corosync over udp: multicast, broadcast, IPv6. make check-long plays more:
# every start order, every fault of every node.
LAB_TRANSPORT=udp
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

lab_open coterie corosync coterie corosync
each_way play
lab_close
