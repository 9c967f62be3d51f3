#!/bin/bash
# Sixteen coteries on one machine form one ring, keep one order, and lose one of them.
LAB_ALONE=1
. "$(dirname "$0")/lab.sh"

mapfile -t kinds < <(yes coterie | head -n 16)
lab_open "${kinds[@]}"
export LAB_PATIENCE=60
lab_start "${LAB_NODES[@]}"
lab_ring 16 "${LAB_NODES[@]}" && lab_alive "${LAB_NODES[@]}"
tap $? "one ring of 16"
lab_traffic "one order" 1400 1 5 10 16
lab_kill 7
lab_ring 15 1 2 6 8 16
tap $? "a ring of 15 without node 7"
lab_start 7
lab_ring 16 "${LAB_NODES[@]}" && lab_alive "${LAB_NODES[@]}"
tap $? "one ring of 16 again"
lab_stop "${LAB_NODES[@]}"
tap $? "all stop with status 0"
lab_close
