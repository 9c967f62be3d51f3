#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Three coteries under loss, and with each node killed, paused, cut off and stopped in turn.
. "$(dirname "$0")/lab.sh"
. "$(dirname "$0")/faults.sh"

play_faults coterie coterie coterie
