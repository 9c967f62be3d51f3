#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Three coteries: whichever node starts first, one ring, and one order at every message size.
# Nobody fails here: a machine that is slow for a moment must not look like it.
LAB_TOKEN=${LAB_TOKEN:-3000}
. "$(dirname "$0")/lab.sh"
. "$(dirname "$0")/faults.sh"

play_order coterie coterie coterie
