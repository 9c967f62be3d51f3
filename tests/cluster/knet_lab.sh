# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# shellcheck disable=SC2034 # lab.sh reads what is set here
# Rings on knet: source it after lab.sh.
#
#	knet_open KIND...              lab_open, a key file in $LAB_DIR/key, and a second network: 10.1.0.NODE on eth1
#	knet_configure LINKS TOTEM NODE...  configure nodes with so many links and these lines of the totem section
#	knet_cut / knet_heal LINK NODE...   take the node's cable of that link out and put it back
#	knet_stat NODE KEY             a number of the node's statistics
#	knet_links NODE COUNT          until the node has so many connected links to others
#	knet_memberships NODE          how many rings the node has been in, as its log tells
#	knet_says NODE WORDS           until its log has these words

LAB_TRANSPORT=knet
[ -e "$LAB_BUILD/knet.la" ] || tap_skip "the plugin knet is not built"

knet_open() {
	local node

	lab_open "$@"
	(umask 077 && head -c 256 /dev/urandom >"$LAB_DIR/key")
	ip link add second type bridge mcast_snooping 0
	ip link set second up
	for node in "${LAB_NODES[@]}"; do
		ip link add "two$node" type veth peer name eth1 netns "${LAB_HOLDERS[node]}"
		ip link set "two$node" master second up
		"$LAB_ENTER" "${LAB_HOLDERS[node]}" sh -c "ip addr add 10.1.0.$node/24 dev eth1; ip link set eth1 up"
	done
}

knet_configure() {
	local links=$1 node

	LAB_TOTEM=$2
	shift 2
	for node in "$@"; do
		lab_config "$node" >"$LAB_DIR/$node/corosync.conf"
		[ "$links" -eq 1 ] || sed -i 's/ring0_addr: 10\.0\.0\.\([0-9]*\)/&\n\t\tring1_addr: 10.1.0.\1/' \
			"$LAB_DIR/$node/corosync.conf"
	done
}

knet_cable() {
	local state=$1 link=$2 names=(port two) node

	shift 2
	for node in "$@"; do
		ip link set "${names[link]}$node" "$state"
	done
}
knet_cut() { knet_cable down "$@"; }
knet_heal() { knet_cable up "$@"; }

knet_stat() {
	(LAB_CLIENT=corosync lab_exec "$1" corosync-cmapctl -m stats -g "stats.knet.$2" 2>/dev/null) |
		sed 's/.* = //'
}

knet_links() {
	local node=$1 count=$2 end=$((SECONDS + LAB_PATIENCE)) now

	until now=$(LAB_CLIENT=corosync lab_in "$node" corosync-cmapctl -m stats stats.knet. 2>/dev/null |
		grep -v "node$node\." | grep -c 'link[0-9].connected .* = 1$') && [ "$now" -eq "$count" ]; do
		if [ $SECONDS -ge $end ]; then
			tap_note "node $node has $now connected links, not $count"
			return 1
		fi
		sleep 0.2
	done
}

knet_memberships() { grep -c 'A new membership' "$LAB_DIR/$1/log"; }

knet_says() {
	local node=$1 words=$2 end=$((SECONDS + LAB_PATIENCE))

	until grep -q -- "$words" "$LAB_DIR/$node/log"; do
		if [ $SECONDS -ge $end ]; then
			tap_note "node $node never says: $words"
			return 1
		fi
		sleep 0.1
	done
}
