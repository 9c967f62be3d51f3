#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# totem.ip_dscp: every packet of a ring carries the code point, on udpu, udp and their connections to the neighbour, with
# IPv4 and IPv6; without the option packets have none. An older libknet marks as it likes, and the daemon says so.
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"

# Print the marks of packets from node 1 while its ring forms and carries messages: "udp 46" and
# "tcp 46", without the counts.
marks() {
	local watch

	: >"$LAB_DIR/marks"
	"$LAB_ENTER" "${LAB_HOLDERS[1]}" python3 "$(dirname "$0")/packet_marks.py" 6 >"$LAB_DIR/marks" &
	watch=$!
	lab_await grep -q watching "$LAB_DIR/marks"
	lab_start 1 2 3
	lab_ring 3 1 2 3
	tap $? "$1: one ring"
	lab_alive 1 2 3 # more than a few packets would be lost here
	tap $? "$1: messages pass"
	wait $watch
	lab_stop 1 2 3
	tap $? "$1: all stop with status 0"
}

# only NAME LINE...: these pairs of protocol and code point were seen and no others.
only() {
	local name=$1

	shift
	[ "$(sed 1d "$LAB_DIR/marks" | cut -d' ' -f1,2)" = "$(printf '%s\n' "$@")" ]
	tap $? "$name: ${*}" || tap_note "$(cat "$LAB_DIR/marks")"
}

# play TRANSPORT FAMILY VALUE NUMBER
play() {
	LAB_TRANSPORT=$1 LAB_FAMILY=$2 LAB_TOTEM=${3:+ip_dscp: $3}
	lab_configure
	marks "$1, $2, ${3:-no mark}"
	only "$1, $2, ${3:-no mark}" "tcp $4" "udp $4"
}

lab_open coterie coterie coterie
play udpu ipv4 ef 46
play udp ipv4 40 40
play udpu ipv4 "" 0
if lab_has_ipv6; then
	play udpu ipv6 af41 34
fi

LAB_TRANSPORT=knet LAB_FAMILY=ipv4 LAB_TOTEM='ip_dscp: cs5'
if [ -e "$LAB_BUILD/knet.la" ]; then
	lab_configure
	marks "knet, ipv4, cs5"
	if grep -q 'ip_dscp has effect from 1.32' "$LAB_DIR/1/log"; then
		tap 0 "knet: the daemon says that libknet is too old"
	else
		only "knet, ipv4, cs5" "tcp 40" "udp 40"
	fi
fi
lab_close
