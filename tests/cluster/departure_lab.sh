# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# A running node is removed from the node list, also in its own file. Source lab.sh and reloads.sh first, and open three
# nodes, of which 1 and 3 run Coterie.

# Node 3 goes from corosync.conf of all nodes. Each node accepts that, as Corosync's nodes do.
departure_reload() {
	reload_list "1 2" 1 2 3
	tap_check "a file without a running node is accepted by all" reload_ask 1 reload
	tap_check "node 1 has the new list" reload_until 5 reload_has 1 nodelist.node.2.nodeid CS_ERR_NOT_EXIST
	tap_check "the removed node says what becomes of it" \
		reload_until 5 reload_logged 3 "This node is not in the nodelist any more"
	tap_check "and reports success" reload_has 3 config.reload_status 1
}

# The node stops, and the others are unaffected.
departure_stop() {
	lab_stop 3
	tap $? "it stops"
	tap_check "a ring of two" lab_ring 2 1 2
}
