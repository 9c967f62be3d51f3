#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The same over knet, on two links, which come and go as well.
# A busy machine must not lose links.
LAB_TOKEN=${LAB_TOKEN:-2000}
# shellcheck source=tests/interop/notifyd_lab.sh
. "$(dirname "$0")/notifyd_lab.sh"
# shellcheck source=tests/cluster/knet_lab.sh
. "$LAB_HERE/knet_lab.sh"
knet_open coterie corosync corosync
knet_configure 2 "$notifyd_totem" 1 2 3
notifyd_begin
knet_cut 1 2
tap_check "a link that is lost" notifyd_await "$(hostname)\[1\] link 1 to node 2 is now disconnected"
knet_heal 1 2
tap_check "it is back" notifyd_await "$(hostname)\[1\] link 1 to node 2 is now operational"
lab_kill 3
tap_check "a node that is lost" notifyd_await "10.1.0.3\[3\] ip:10.1.0.3 left"
for link in 0 1; do
	tap_check "and its link $link" \
		notifyd_await "$(hostname)\[1\] link $link to node 3 is now disconnected"
done
notifyd_same notifyd-knet.txt
notifyd_end
