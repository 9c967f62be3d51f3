#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two coteries speak compact messages. One of Debian's corosync joins while they do, and goes again: nothing is lost,
# all members see the same, and it sees nothing that it cannot read.
LAB_TOKEN=${LAB_TOKEN:-1000}
. "$(dirname "$0")/../cluster/lab.sh"

figure() { LAB_CLIENT=corosync lab_in "$1" corosync-cmapctl -m stats -g "stats.plugins.cpg.$2" | sed "s/.* = //"; }

# @1 node, @2 what it should be
comes_to() {
	lab_await is_compact "$@" || { tap_note "node $1: compact is '$(figure "$1" compact)'" && return 1; }
}
is_compact() { [ "$(figure "$1" compact)" = "$2" ]; }

# Everybody's load while another node joins or goes: the same messages, in the same order, without gaps.
loaded() {
	local node waiting=() status=0

	for node in 1 2; do
		lab_exec "$node" -t 60 "$LAB_LOAD" -g "$1" -m 2 -s 64 -t 5000 -w 50 \
			>"$LAB_DIR/$node/load" 2>&1 &
		waiting+=($!)
	done
	sleep 1
	"${@:2}" || status=1
	for node in "${waiting[@]}"; do
		wait "$node" || status=1
	done
	[ "$(sed -n 's/.*hash=//p' "$LAB_DIR"/[12]/load | uniq | wc -l)" = 1 ] &&
		[ "$(grep -c 'gaps=0 changed=0' "$LAB_DIR"/[12]/load | grep -c ':1$')" = 2 ] || status=1
	tap $status "$1: both coteries delivered the same" || tap_note "$(cat "$LAB_DIR"/[12]/load)"
}

lab_open coterie coterie corosync
lab_start 1 2
lab_ring 2 1 2
comes_to 1 1 && comes_to 2 1
tap $? "two coteries speak compact messages"
loaded "corosync_joins" lab_start 3
lab_ring 3 1 2 3 && comes_to 1 0 && comes_to 2 0
tap $? "one of Corosync's nodes has joined: off"
lab_traffic "all three" 1400 1 2 3
loaded "corosync_goes" lab_stop 3
lab_ring 2 1 2 && comes_to 1 1 && comes_to 2 1
tap $? "it has gone: on again"
tap_note "refused, and sent again: $(figure 1 compact_refused), $(figure 2 compact_refused)"
lab_stop 1 2
lab_close
