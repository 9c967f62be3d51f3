#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A daemon that is told to stop exits soon. In the first part all others stop as well, so that the ring changes
# all the time. In the second part the ring is blocked, with messages that no node will deliver. STOP_NODES:
# number of nodes (6). STOP_LIMIT: limit for the slowest in milliseconds, of which libknet needs a second. The
# token timeout is that of a ring of 32.
LAB_COUNT=${STOP_NODES:-6}
LAB_TOKEN=${LAB_TOKEN:-22500}
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/links.sh
. "$(dirname "$0")/links.sh"

limit=${STOP_LIMIT:-6000}
mapfile -t kinds < <(yes coterie | head -n "$LAB_COUNT")
lab_open "${kinds[@]}"
export LAB_PATIENCE=60

# stops NAME NODE...: one TAP result: all of them stop with status 0, the slowest in time.
stops() {
	local name=$1 from slowest

	shift
	from=$(now_ms)
	lab_stop "$@"
	tap $? "$name: stop with status 0"
	slowest=$(($(now_ms) - from))
	tap_check "$name: the slowest of $# after $slowest ms (limit $limit)" test "$slowest" -le "$limit"
}

start_all() {
	lab_start "${LAB_NODES[@]}"
	lab_ring "$LAB_COUNT" "${LAB_NODES[@]}" && lab_alive "${LAB_NODES[@]}"
	tap $? "one ring of $LAB_COUNT on $LAB_TRANSPORT"
}

start_all
stops "all at once" "${LAB_NODES[@]}"
start_all
lab_exec 1 "$LAB_WATCHER" -g load -p 20 >/dev/null 2>&1 &
loader=$!
sleep 1
lab_pause "${LAB_NODES[@]:1}"
sleep 1
stops "alone on a ring that stands still" 1
kill -KILL $loader 2>/dev/null
wait $loader 2>/dev/null
lab_resume "${LAB_NODES[@]:1}"
lab_ring $((LAB_COUNT - 1)) "${LAB_NODES[@]:1}"
tap $? "the others are a ring without it"
stops "the others" "${LAB_NODES[@]:1}"
lab_close
