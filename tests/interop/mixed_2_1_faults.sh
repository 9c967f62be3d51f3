#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two coteries and one of Debian's corosync under loss, and with each node killed, paused, cut off and stopped in turn.
. "$(dirname "$0")/../cluster/lab.sh"
. "$(dirname "$0")/../cluster/faults.sh"

play_faults coterie coterie corosync
