#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Links of either family on knet: a ring with a Debian's corosync in it over IPv6, and with a second link over IPv4 that
# carries on alone.
LAB_FAMILY=ipv6
LAB_TOKEN=${LAB_TOKEN:-3000}
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/../cluster/lab.sh"
# shellcheck source=tests/cluster/knet_lab.sh
. "$(dirname "$0")/../cluster/knet_lab.sh"

lab_has_ipv6 || tap_skip "no IPv6"
knet_open coterie coterie corosync
for node in 1 2 3; do
	sed -i -e 's/ip_version: ipv6$/ip_version: ipv6-4/' \
		-e 's/ring0_addr: .*::\([0-9]*\)$/&\n\t\tring1_addr: 10.1.0.\1/' \
		"$LAB_DIR/$node/corosync.conf"
done
lab_start 1 2 3
lab_ring 3 1 2 3 && knet_links 1 4
tap $? "one ring of ${LAB_KINDS[*]} on a link of each family"
lab_traffic "IPv6" 1400 1 2 3
lab_traffic "IPv6" 100000 1 2 3
tap_check "over IPv6" test "$(knet_stat 1 node3.link0.tx_data_packets)" -gt 100
sleep 10 # libknet is patient with links that came up lately
before=$(knet_memberships 1)
knet_cut 0 2
knet_links 2 2
tap $? "a node's IPv6 cut: IPv4 is left"
lab_traffic "one node on IPv4" 1400 1 2 3
tap_check "over IPv4" test "$(knet_stat 2 node3.link1.tx_data_packets)" -gt 100
knet_heal 0 2
knet_links 2 4
tap $? "IPv6 is back"
tap_check "the same ring all the time" test "$before" -eq "$(knet_memberships 1)"
lab_alive 1 2 3
tap $? "no daemon has exited"
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
