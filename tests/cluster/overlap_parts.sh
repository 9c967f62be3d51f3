#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A node leaves the quorate part of five and joins the other part, which has quorum with it. The two parts share this
# node alone, and the two nodes that it leaves still hear each other. They are not quorate any more when the new part
# is. quorum_poll asks every daemon each 10 ms. Environment:
#
# OVERLAP_ROUNDS  moves of a node: 4
# LAB_TOKEN       token timeout: 1000
# LAB_TRANSPORT   udpu, udp or knet
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/links.sh
. "$(dirname "$0")/links.sh"
# shellcheck source=tests/cluster/overlap_lab.sh
. "$(dirname "$0")/overlap_lab.sh"

rounds=${OVERLAP_ROUNDS:-4}

[ "$LAB_TRANSPORT" != knet ] || [ -e "$LAB_BUILD/knet.la" ] || tap_skip "the plugin knet is not built"
lab_open coterie coterie coterie coterie coterie
for node in "${LAB_NODES[@]}"; do
	printf 'quorum {\n\tprovider: corosync_votequorum\n}\n' >>"$LAB_DIR/$node/corosync.conf"
done

# drop_from NODE PEER...: the node drops what these nodes send, and nothing else.
drop_from() {
	local node=$1 peer

	shift
	{
		printf '*filter\n:INPUT ACCEPT [0:0]\n'
		for peer in "$@"; do
			printf -- '-A INPUT -s %s -j DROP\n' "$(lab_address "$peer")"
		done
		echo COMMIT
	} | in_net "$node" iptables-restore
}

# part NODES NODES: no packet passes between the two lists.
part() {
	local node changes=()

	for node in $1; do
		# shellcheck disable=SC2086 # a list
		drop_from "$node" $2 &
		changes+=($!)
	done
	for node in $2; do
		# shellcheck disable=SC2086 # a list
		drop_from "$node" $1 &
		changes+=($!)
	done
	wait "${changes[@]}"
}

# without NODE LIST
without() {
	local node rest=()

	for node in $2; do
		[ "$node" = "$1" ] || rest+=("$node")
	done
	echo "${rest[*]}"
}

are_rings() {
	# shellcheck disable=SC2086 # lists
	lab_ring 3 $1 && lab_ring 2 $2
}

large="3 4 5"
small="1 2"

# move NODE: from the large part to the small one, which is the large one then.
move() {
	local node=$1 total ignored left

	polls_record
	lab_await grep -q ' 1 1 1 ' "$LAB_DIR/$node/polls" || tap_note "node $node is not quorate"
	sleep "$(awk "BEGIN { srand($RANDOM); print 0.5 + rand() }")" # any phase of an idle ring
	left=$(without "$node" "$large")
	large=$(echo "$small $node" | tr ' ' '\n' | sort | paste -sd ' ')
	small=$left
	part "$large" "$small"
	are_rings "$large" "$small" && lab_await grep -q " 1 1 1 [0-9a-f]* $large\$" "$LAB_DIR/${large%% *}/polls"
	tap $? "node $node moves: the quorate part is $large"
	sleep 1
	polls_end
	# shellcheck disable=SC2034 # overlap prints two values
	read -r total ignored <<<"$(overlap)"
	test "$total" = 0.0
	tap $? "node $node moves: $total ms with two quorate parts" || for node in "${LAB_NODES[@]}"; do
		tap_note "node $node:" "$(cat "$LAB_DIR/$node/polls")"
	done
}

lab_start "${LAB_NODES[@]}"
lab_ring 5 "${LAB_NODES[@]}"
tap $? "one ring on $LAB_TRANSPORT"
part "$large" "$small"
are_rings "$large" "$small"
tap $? "two parts"
for ((i = 0; i < rounds; i++)); do
	read -ra choice <<<"$large"
	move "${choice[RANDOM % 3]}"
done
for node in "${LAB_NODES[@]}"; do
	drop_from "$node"
done
lab_ring 5 "${LAB_NODES[@]}" && lab_alive "${LAB_NODES[@]}"
tap $? "one ring afterwards"
lab_stop "${LAB_NODES[@]}"
tap $? "all stop with status 0"
lab_close
