#!/bin/bash
# Three coteries: whichever node starts first, one ring, and one order at every message size.
. "$(dirname "$0")/lab.sh"
. "$(dirname "$0")/faults.sh"

play_order coterie coterie coterie
