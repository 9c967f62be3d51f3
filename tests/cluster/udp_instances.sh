#!/bin/bash
# Two coteries on one host and one of Debian's corosync on another, over multicast and broadcast: those on one
# host hear each other, nobody hears itself or takes what is meant for another.
LAB_TRANSPORT=udp
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"

play() {
	lab_configure
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
play multicast
LAB_INTERFACE="broadcast: yes"
play broadcast
LAB_INTERFACE=
LAB_FAMILY=ipv6
if lab_has_ipv6; then
	play ipv6
fi
lab_close
