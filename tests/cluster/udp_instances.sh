#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two coteries on one host and one of Debian's corosync on another, over multicast and broadcast. Those on one
# host receive each other's packets, and no node handles its own packets or those of another node.
LAB_TRANSPORT=udp
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/udp_ways.sh
. "$(dirname "$0")/udp_ways.sh"

play() {
	lab_start 1 2 3
	lab_ring 3 1 2 3 && lab_alive 1 2 3
	tap $? "$1: one ring" && lab_traffic "$1" 1400 1 2 3
	lab_kill 2
	lab_ring 2 1 3
	tap $? "$1: the instance on the same host goes on"
	lab_start 2
	lab_ring 3 1 2 3
	tap $? "$1: the other one comes back"
	lab_stop 1 2 3
	tap $? "$1: all stop with status 0"
}

lab_open coterie coterie corosync
lab_move 2 1
each_way play
lab_close
