#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A reload with a file that lacks a running node, in a ring with a Corosync node. Each node applies it.
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/../cluster/lab.sh"
# shellcheck source=tests/cluster/reloads.sh
. "$(dirname "$0")/../cluster/reloads.sh"
# shellcheck source=tests/cluster/departure_lab.sh
. "$(dirname "$0")/../cluster/departure_lab.sh"

lab_open coterie corosync coterie
lab_start 1 2 3
tap_check "a ring of three" lab_ring 3 1 2 3 || lab_close
# A node of Corosync's drops its packets from then on: all others do, too, and the ring forms once without it.
departure_reload
tap_check "the others form a ring without it" lab_ring 2 1 2
before=$(reload_changes 1 2)
lab_traffic "without the removed node, which runs" 1000 1 2
tap_check "no membership change by it" test "$before" = "$(reload_changes 1 2)"
departure_stop
lab_stop 1 2
tap $? "the others stop"
lab_close
