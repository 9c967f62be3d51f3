#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# All that knet takes of paths: eight links at once, and the ring stays as long as one of them is left; a path with a
# smaller MTU is found out; who has the id of a node in the list but not its address is refused, unless the config wants
# it otherwise.
LAB_TOKEN=${LAB_TOKEN:-5000}
export LAB_DEBUG=on # libknet says whom it refuses
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/knet_lab.sh
. "$(dirname "$0")/knet_lab.sh"

# Link 0 is on eth0, the others share eth1.
eight_links() {
	local node link lines=''

	for link in 1 2 3 4 5 6 7; do
		lines+="\\n\\t\\tring${link}_addr: 10.$link.0.\\1"
	done
	for node in "$@"; do
		knet_configure 1 "$totem" "$node"
		sed -i "s/ring0_addr: 10\\.0\\.0\\.\\([0-9]*\\)/&$lines/" "$LAB_DIR/$node/corosync.conf"
	done
}

# Links of node 1 to others that have carried data.
links_used() {
	local node link used=0

	for node in 2 3; do
		for link in 0 1 2 3 4 5 6 7; do
			[ "$(knet_stat 1 "node$node.link$link.tx_data_packets")" -lt 10 ] || used=$((used + 1))
		done
	done
	echo $used
}

# until_is SECONDS WANT COMMAND...
until_is() {
	local end=$((SECONDS + $1)) want=$2

	shift 2
	until [ "$("$@")" = "$want" ]; do
		if [ $SECONDS -ge $end ]; then
			tap_note "$* says $("$@"), not $want"
			return 1
		fi
		sleep 0.3
	done
}

refused="Packet rejected from 10.[0-7].0.4"
rejections() { grep -c "$refused" "$LAB_DIR/1/log"; }

if command -v corosync >/dev/null; then
	knet_open coterie coterie corosync coterie
else
	knet_open coterie coterie coterie coterie
fi
for node in "${LAB_NODES[@]}"; do
	for link in 2 3 4 5 6 7; do
		"$LAB_ENTER" "${LAB_HOLDERS[node]}" ip addr add "10.$link.0.$node/24" dev eth1
	done
done
LAB_NODES=(1 2 3) # of the list; node 4 is a stranger
totem="link_mode: active
			knet_pmtud_interval: 2"
eight_links 1 2 3
lab_start 1 2 3
lab_ring 3 1 2 3 && knet_links 1 16
tap $? "one ring (${LAB_KINDS[3]} is one) with eight links between each two nodes"
lab_traffic "eight links" 1400 1 2 3
tap_check "each of them is used" test "$(links_used)" -eq 16
before=$(knet_memberships 1)
knet_cut 1 2 # seven of node 2's
knet_links 2 2
tap $? "one is left"
lab_traffic "on the one" 1400 1 2 3
knet_heal 1 2
knet_links 2 16
tap $? "all are back"

tap_check "the MTU of a path" until_is 20 1446 knet_stat 1 node2.link0.mtu
for node in 1 2 3; do
	"$LAB_ENTER" "${LAB_HOLDERS[node]}" ip link set eth0 mtu 1300
done
tap_check "a smaller one is found out" until_is 30 1246 knet_stat 1 node2.link0.mtu
lab_traffic "in smaller packets" 100000 1 2 3

eight_links 4
sed -i 's/10\.\([0-7]\)\.0\.3$/10.\1.0.4/' "$LAB_DIR/4/corosync.conf"
lab_start 4
tap_check "who is not at the address of the node that it says it is, is refused" knet_says 1 "$refused"
lab_ring 1 4
tap $? "it is a ring of its own"
lab_traffic "the others" 1400 1 2 3
tap_check "the same ring all the time" test "$before" -eq "$(knet_memberships 1)"
totem="$totem
			block_unlisted_ips: no"
eight_links 1
tap_check "a node may be told to take such packets" lab_in 1 "$(lab_program cfg_ask)" reload
sleep 1
count=$(rejections)
sleep 12 # lines that are alike come every ten seconds
tap_check "and does" test "$(rejections)" -eq "$count" -a "$count" -gt 0
lab_stop 4
lab_alive 1 2 3
tap $? "no daemon has exited"
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
