#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# One coterie and two of Debian's corosync: whichever node starts first, one ring, and one order at every message size.
# Nobody fails here: a machine that is slow for a moment must not look like it.
LAB_TOKEN=${LAB_TOKEN:-3000}
. "$(dirname "$0")/../cluster/lab.sh"
. "$(dirname "$0")/../cluster/faults.sh"

play_order coterie corosync corosync
