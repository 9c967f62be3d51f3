#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# All that a ring has to endure over udp, multicast, broadcast and IPv6, by coteries alone and with one and two of
# Debian's corosync: each script as it runs over udpu, a line for each. UDP_LOGS=FOLDER keeps what they say.
. "$(dirname "$0")/../tap.sh"
here=$(cd "$(dirname "$0")" && pwd)
logs=${UDP_LOGS:-$(mktemp -d)}
mkdir -p "$logs"

# play NAME SCRIPT VARIABLE=VALUE...
play() {
	local log

	log="$logs/$1.$(basename "$2")"
	env LAB_TRANSPORT=udp LAB_MS=1000 UDP_ALL=1 "${@:3}" "$here/$2" >"$log.tap" 2>&1
	tap $? "$1: $2 ($(grep -c '^ok' "$log.tap") checks)" || tap_note "$(grep -v '^ok' "$log.tap")"
}

for script in mixed_1_2_order.sh mixed_2_1_order.sh mixed_1_2_faults.sh mixed_2_1_faults.sh \
	../cluster/three_order.sh ../cluster/three_faults.sh; do
	play multicast $script
	play broadcast $script LAB_INTERFACE="broadcast: yes"
	play ipv6 $script LAB_FAMILY=ipv6
done
play all ../cluster/udp_interface.sh
play multicast ../cluster/reload.sh
play multicast ../cluster/many_nodes.sh
play multicast ../cluster/crash.sh
play multicast ../cluster/asymmetric.sh
[ -n "${UDP_LOGS:-}" ] || rm -rf "$logs"
tap_end
