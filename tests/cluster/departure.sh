#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A reload with a file that a running node is not in: corosync.conf is applied, coterie.conf only with --force.
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/reloads.sh
. "$(dirname "$0")/reloads.sh"
# shellcheck source=tests/cluster/departure_lab.sh
. "$(dirname "$0")/departure_lab.sh"

ctl=$LAB_BUILD/tools/.libs/coterie-ctl
[ -x "$ctl" ] || ctl=$LAB_BUILD/tools/coterie-ctl
[ -x "$ctl" ] || tap_skip "coterie-ctl is not built (no json-c)"

lab_open coterie coterie coterie
lab_start 1 2 3
tap_check "a ring of three" lab_ring 3 1 2 3 || lab_close
# All nodes are Coterie's: it stays in the ring, which nobody notices.
before=$(reload_changes 1 2 3)
departure_reload
lab_traffic "with a removed node" 1000 1 2 3
tap_check "no membership change by it" test "$before" = "$(reload_changes 1 2 3)"
departure_stop
lab_stop 1 2
tap $? "the others stop"

# write_list "NODE..." FILE-OF...
write_list() {
	local node member

	for node in "${@:2}"; do
		{
			echo 'transport udpu { encryption = none }'
			for member in $1; do
				echo "node node$member { id = $member  address = 10.0.0.$member }"
			done
			echo "process { realtime = no  lock-memory = no  state-dir = \"$LAB_DIR/$node/state\" }"
			echo "log { stderr = no  syslog = no  file = \"$LAB_DIR/$node/log\" }"
		} >"$LAB_DIR/$node/coterie.conf"
	done
}
# says STATUS TEXT COMMAND...
says() {
	local status output

	output=$(lab_in 1 "$ctl" "${@:3}" 2>&1)
	status=$?
	[ $status -eq "$1" ] && grep -qF -- "$2" <<<"$output" && return
	printf 'status %s:\n%s\n' $status "$output"
	return 1
}

# shellcheck disable=SC2034 # read by lab.sh
LAB_FILES=([1]=coterie.conf [2]=coterie.conf [3]=coterie.conf)
write_list "1 2 3" 1 2 3
lab_start 1 2 3
tap_check "a ring of three with coterie.conf" lab_ring 3 1 2 3 || lab_close
before=$(reload_changes 1 2 3)
write_list "1 2" 1 2
tap_check "a running node is missing: refused" says 8 "node 3 (node3) runs, and is not in the node list any more" reload
tap_check "with the remedy" says 8 "coterie-ctl reload --force" reload
tap_check "so is a check" says 8 "node 3 (node3) runs" reload --check-only
write_list "1 2" 3
tap_check "the node itself refuses, too" says 8 "this node runs, and is not in the node list any more" reload
tap_check "the list is as it was" reload_has 1 nodelist.node.2.nodeid 3
tap_check "a check with --force" says 0 "" reload --check-only --force
tap_check "has changed nothing" reload_has 1 nodelist.node.2.nodeid 3
tap_check "--force applies it" says 0 "" reload --force
tap_check "the list is the new one" reload_until 5 reload_has 1 nodelist.node.2.nodeid CS_ERR_NOT_EXIST
tap_check "a later reload needs no --force" says 0 "" reload
tap_check "no membership change by it" test "$before" = "$(reload_changes 1 2 3)"
lab_stop 3
tap $? "the removed node stops"
tap_check "a ring of two" lab_ring 2 1 2
write_list "1" 1
tap_check "again a running node is missing: refused" says 8 "node 2 (node2) runs" reload
write_list "1 2" 1
lab_stop 2
tap $? "node 2 stops"
tap_check "node 1 is alone" lab_ring 1 1
write_list "1" 1
tap_check "a node that does not run may go" says 0 "" reload
lab_stop 1
tap $? "the last one stops"
lab_close
