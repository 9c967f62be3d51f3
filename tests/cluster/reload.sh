#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A ring of coteries whose configuration changes while it runs, whose nodes are stopped by consent and killed.
LAB_TOKEN=${LAB_TOKEN:-3000}
. "$(dirname "$0")/lab.sh"
. "$(dirname "$0")/reloads.sh"

lab_open coterie coterie coterie coterie
reload_list "1 2 3" 1 2 3
lab_start 1 2 3
tap_check "a ring of three" lab_ring 3 1 2 3
reload_play_load
reload_play_refusal 2 1
reload_play_signal 3
reload_play_newcomer
reload_play_leaver
reload_play_newcomer
reload_play_departing
reload_play_shutdown 3 1
lab_start 3
tap_check "a ring of three again" lab_ring 3 1 2 3
reload_play_kill 2 1
tap_check "a ring of two" lab_ring 2 1 3
lab_close
