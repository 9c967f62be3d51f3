#!/bin/bash
# Sixteen coteries (or RING_NODES) on one machine form one ring, keep one order, and lose one of them;
# with RING_SECONDS of traffic from all of them, at the default timers, the ring never changes.
LAB_COUNT=${RING_NODES:-16}
[ -z "${RING_SECONDS:-}" ] || LAB_PERIOD=200
[ -z "${RING_SECONDS:-}" ] || LAB_TOKEN=$((3000 + (LAB_COUNT - 2) * 650))
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
. "$(dirname "$0")/links.sh"

mapfile -t kinds < <(yes coterie | head -n "$LAB_COUNT")
lab_open "${kinds[@]}"
export LAB_PATIENCE=60
from=$(now_ms)
lab_start "${LAB_NODES[@]}"
lab_ring "$LAB_COUNT" "${LAB_NODES[@]}" && lab_alive "${LAB_NODES[@]}"
tap $? "one ring of $LAB_COUNT, after $(($(now_ms) - from)) ms"
if [ -z "${RING_SECONDS:-}" ]; then
	lab_traffic "one order" 1400 1 5 10 16
else
	tap_check "within 10 s" test $(($(now_ms) - from)) -lt 10000
	rings_record 1 7 "$LAB_COUNT"
	lab_watch "${LAB_NODES[@]}"
	sleep "$RING_SECONDS"
	lab_compare "messages from all for $RING_SECONDS s" "${LAB_NODES[@]}"
	tap_check "the ring has not changed" \
		test "$(rings_changed 1)$(rings_changed 7)$(rings_changed "$LAB_COUNT")" = 000
	rings_end
fi
lab_kill 7
lab_ring $((LAB_COUNT - 1)) 1 2 6 8 16
tap $? "a ring of $((LAB_COUNT - 1)) without node 7"
lab_start 7
lab_ring "$LAB_COUNT" "${LAB_NODES[@]}" && lab_alive "${LAB_NODES[@]}"
tap $? "one ring of $LAB_COUNT again"
lab_stop "${LAB_NODES[@]}"
tap $? "all stop with status 0"
lab_close
