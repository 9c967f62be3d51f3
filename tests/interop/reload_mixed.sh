#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Reloads, shutdowns by consent and killed nodes where a node is Debian's corosync.
LAB_TOKEN=${LAB_TOKEN:-3000}
. "$(dirname "$0")/../cluster/lab.sh"
. "$(dirname "$0")/../cluster/reloads.sh"

lab_open coterie coterie corosync coterie
reload_list "1 2 3" 1 2 3
lab_start 1 2 3
tap_check "a ring of three" lab_ring 3 1 2 3
reload_play_load
reload_play_bad_file 2 3
reload_play_newcomer
reload_play_leaver
reload_play_shutdown 3 1
lab_start 3
tap_check "a ring of three again" lab_ring 3 1 2 3
reload_play_shutdown 1 3
lab_start 1
tap_check "a ring of three once more" lab_ring 3 1 2 3
reload_play_kill 2 3
tap_check "a ring of two" lab_ring 2 1 3
reload_play_kill 3 1
tap_check "a ring of one" lab_ring 1 1
lab_close
