#!/bin/bash
# Two coteries and one of Debian's corosync: whichever node starts first, one ring, and one order at every message size.
. "$(dirname "$0")/../cluster/lab.sh"
. "$(dirname "$0")/../cluster/faults.sh"

play_order coterie coterie corosync
