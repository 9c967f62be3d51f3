#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Failures of a node's interface, for each way in which udp sends. The node is a ring of its own meanwhile. It returns
# to the ring with the interface, even if that is a new one.
LAB_TRANSPORT=${LAB_TRANSPORT:-udp}
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/udp_ways.sh
. "$(dirname "$0")/udp_ways.sh"

victim=1
on_victim() { "$LAB_ENTER" "${LAB_HOLDERS[victim]}" "$@"; }

down() { on_victim ip link set eth0 down; }
up() { lab_addresses $victim $victim 2>/dev/null || true; } # what was kept is there already
bare() { on_victim ip addr flush dev eth0 scope global; }
gone() { # the hardware address stays, or the others would look for the old one
	hardware=$(on_victim cat /sys/class/net/eth0/address)
	ip link del port$victim
}
made() {
	ip link add port$victim type veth peer name eth0 address "$hardware" netns "${LAB_HOLDERS[victim]}" &&
		ip link set port$victim master bridge up && up
}
shut() { on_victim "$tables" -A OUTPUT -o eth0 -p udp -j DROP; }
opened() { on_victim "$tables" -F OUTPUT; }

# comes_back NAME LOSE REGAIN
comes_back() {
	"$2" && lab_ring 1 $victim && lab_ring 2 2 3
	tap $? "$1: two rings"
	"$3" && lab_ring 3 1 2 3 && lab_alive 1 2 3
	tap $? "$1: one ring when it is over"
	lab_traffic "$1" 1400 1 2 3
}

play() {
	tables=iptables
	[ "$LAB_FAMILY" = ipv4 ] || tables=ip6tables
	lab_start 1 2 3
	lab_ring 3 1 2 3
	tap $? "$1: one ring"
	comes_back "$1, interface down" down up
	comes_back "$1, no address" bare up
	comes_back "$1, interface removed" gone made
	comes_back "$1, firewall" shut opened
	lab_stop 1 2 3
	tap $? "$1: all stop with status 0"
}

lab_open coterie coterie coterie
if [ -n "${UDP_ALL:-}" ]; then
	each_way play
else
	play "$LAB_TRANSPORT"
fi
lab_close
