#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A node with an older configuration leaves the ring at once, and the votes that its file gives it count nowhere. Three nodes
# of ours, the third of which had three votes in its old file.
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"

lab_open coterie coterie coterie
for node in 1 2 3; do
	printf 'quorum {\n\tprovider: corosync_votequorum\n\texpected_votes: 3\n}\n' >>"$LAB_DIR/$node/corosync.conf"
	sed -i 's/^\(\s*\)version: 2/&\n\1config_version: '$((node == 3 ? 4 : 5))'/' "$LAB_DIR/$node/corosync.conf"
done
sed -i 's/nodeid: 3$/&\n\t\tquorum_votes: 3/' "$LAB_DIR/3/corosync.conf"

# quorum NODE FIELD: the first word behind it.
quorum() { lab_in "$1" "$LAB_BUILD/tools/corosync-quorumtool" -s 2>/dev/null | sed -n "s/^$2: *\\([^ ]*\\).*/\\1/p"; }
has_left() { lab_ended "${LAB_DAEMONS[3]}"; }
is_quorate() { [ "$(quorum "$1" Quorate) $(quorum "$1" Expected\ votes)" = "Yes 3" ]; }

lab_start 1 2
tap_check "two of one version" lab_ring 2 1 2
tap_check "they are quorate" lab_await is_quorate 1
for round in 1 2 3; do
	lab_start 3
	tap_check "round $round: the older one leaves" lab_await has_left
	wait "${LAB_DAEMONS[3]}"
	tap_check "with a line in its log" grep -q "different than my config version (4)! Exiting" "$LAB_DIR/3/log"
	tap_check "the others are in a ring" lab_ring 2 1 2
	tap_check "and quorate, with the votes that they expected before" lab_await is_quorate 2
	: >"$LAB_DIR/3/log"
done
lab_stop 1 2
tap $? "they stop with status 0"
lab_close
