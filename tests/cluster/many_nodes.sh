#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Many daemons on one machine form one ring, carry messages in one order, lose one, lose every second one at once, and get
# them all back. The results have the times. Environment:
#
#	MANY_NODES (16)         at least 6, at most 254
#	MANY_FORM_MS, MANY_CRASH_MS  how long a ring may take to form, and to go on without one (0: any time)
#	MANY_SECONDS            instead of that: messages from all for so long, at the default timers, and the ring never changes
#	LAB_KIND=corosync       the same with Corosync, for comparison
#	LAB_TRANSPORT           udpu, udp, knet
LAB_COUNT=${MANY_NODES:-16}
[ -z "${MANY_SECONDS:-}" ] || export LAB_PERIOD=200
[ -z "${MANY_SECONDS:-}" ] || LAB_TOKEN=$((3000 + (LAB_COUNT - 2) * 650))
# On knet all pairs of nodes have a path of their own, which is pinged: 16,256 paths of 128 nodes keep two processors busy
# until a minute after the start. So the timers are those that so many nodes have by default.
if [ "${LAB_TRANSPORT:-}" = knet ] && [ "$LAB_COUNT" -gt 64 ]; then
	LAB_TOKEN=${LAB_TOKEN:-$((1000 + (LAB_COUNT - 2) * 650))}
	LAB_PATIENCE=${LAB_PATIENCE:-300}
fi
# A token that waits for the processor is not lost: so many daemons share few of them.
[ "$LAB_COUNT" -le 16 ] || LAB_TOKEN=${LAB_TOKEN:-10000}
export LAB_PATIENCE=${LAB_PATIENCE:-120}
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/links.sh
. "$(dirname "$0")/links.sh"

form_ms=${MANY_FORM_MS:-0}
crash_ms=${MANY_CRASH_MS:-0}

# are_in_ring COUNT NODE...: the last ring in the log of each is one of so many, it is the same, and it is synchronised.
are_in_ring() {
	local count=$1 node logs=()

	shift
	for node in "$@"; do
		logs+=("$LAB_DIR/$node/log")
	done
	awk -v want="Sync members[$count]:" -v nodes=$# '
		/A new membership \(/ { split($0, part, /[()]/); ring[FILENAME] = part[2]; good[FILENAME] = 0 }
		index($0, "Sync members[") { count[FILENAME] = index($0, want) > 0 }
		/Completed service synchronization/ { good[FILENAME] = 1 }
		END {
			for (file in ring) {
				number += good[file] && count[file]
				rings[ring[file]] = 1
			}
			exit number != nodes || length(rings) != 1
		}' "${logs[@]}" 2>/dev/null
}

# The kernel has room for 1,024 neighbours of all namespaces together, and 33 nodes have more. Entries that are permanent do
# not count.
know_neighbours() {
	local node

	for node in "${LAB_NODES[@]}"; do
		printf 'neigh replace 10.0.0.%d lladdr 02:00:00:00:00:%02x dev eth0 nud permanent\n' "$node" "$node"
	done >"$LAB_DIR/neighbours"
	for node in "${LAB_NODES[@]}"; do
		in_net "$node" ip link set eth0 address "$(printf '02:00:00:00:00:%02x' "$node")"
		in_net "$node" ip -batch "$LAB_DIR/neighbours"
	done
}

# timed NAME LIMIT COUNT NODE...: one result, when these nodes are in a ring of so many, counted from `from`.
timed() {
	local name=$1 limit=$2 count=$3 status took

	shift 3
	lab_await are_in_ring "$count" "$@" && lab_alive "$@"
	status=$?
	took=$(($(now_ms) - from))
	[ "$limit" -eq 0 ] || [ "$took" -le "$limit" ] || status=1
	tap $status "$name: $took ms$([ "$limit" -eq 0 ] || echo " (at most $limit)")"
}

# joins NODE: what it has received so far, if it is ours.
joins() {
	local joins

	joins=$(lab_in "$1" "$LAB_BUILD/tools/corosync-cmapctl" -m stats stats.srp.memb_join_rx 2>/dev/null)
	echo "node $1 has received ${joins##*= } joins from $LAB_COUNT nodes"
}

# start NODE...: start daemons. The scheduler shares the processors among sessions, and each daemon has one of its own. So
# daemons that run already would leave this session next to no time to start the others.
start() {
	{ echo -20 >/proc/self/autogroup; } 2>/dev/null || tap_note "the start of daemons has no priority"
	lab_start "$@"
	{ echo 0 >/proc/self/autogroup; } 2>/dev/null
}

# libknet keeps 60 MB in each daemon. It keeps 2.1 MB more for each other node, but only 0.15 MB without the zeros that it
# never uses. Daemons that the kernel ends form no ring. Swap is no help: the machine then does nothing else.
if [ "${LAB_TRANSPORT:-}" = knet ]; then
	LAB_PRELOAD=$LAB_BUILD/tests/cluster/.libs/spare_zeros.so
	memory_mb=$((LAB_COUNT * (70 + LAB_COUNT * 3 / 10)))
	[ "$memory_mb" -lt "$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)" ] ||
		tap_skip "libknet needs $memory_mb MB for $LAB_COUNT daemons, which this machine does not have"
fi

mapfile -t kinds < <(yes coterie | head -n "$LAB_COUNT")
lab_open "${kinds[@]}"
[ "$LAB_COUNT" -le 32 ] || know_neighbours
from=$(now_ms)
start "${LAB_NODES[@]}"
tap_note "all are started after $(($(now_ms) - from)) ms; load $(cut -d' ' -f 1 /proc/loadavg)"
timed "a ring of $LAB_COUNT" "$form_ms" "$LAB_COUNT" "${LAB_NODES[@]}"
[ "${LAB_KINDS[1]}" != coterie ] || tap_note "$(joins 1)"
if [ -n "${MANY_SECONDS:-}" ]; then
	rings_record 1 7 "$LAB_COUNT"
	lab_watch "${LAB_NODES[@]}"
	sleep "$MANY_SECONDS"
	lab_compare "messages from all for $MANY_SECONDS s" "${LAB_NODES[@]}"
	tap_check "the ring has not changed" \
		test "$(rings_changed 1)$(rings_changed 7)$(rings_changed "$LAB_COUNT")" = 000
	rings_end
	lab_stop "${LAB_NODES[@]}"
	tap $? "all stop with status 0"
	lab_close
	exit
fi
fifth=$((LAB_COUNT / 5))
lab_traffic "one order" 1400 1 $((1 + fifth)) $((1 + 2 * fifth)) $((1 + 3 * fifth)) "$LAB_COUNT"

# An odd one, and then all even ones.
victim=$((LAB_COUNT / 4 * 2 + 1))
rest=()
odd=()
even=()
for node in "${LAB_NODES[@]}"; do
	[ "$node" -eq "$victim" ] || rest+=("$node")
	[ "$node" -eq "$victim" ] || [ $((node % 2)) -eq 0 ] || odd+=("$node")
	[ $((node % 2)) -eq 1 ] || even+=("$node")
done
from=$(now_ms)
lab_kill "$victim"
timed "a ring without node $victim, which is killed" "$crash_ms" $((LAB_COUNT - 1)) "${rest[@]}"
from=$(now_ms)
lab_kill "${even[@]}"
timed "a ring without those with even numbers" 0 ${#odd[@]} "${odd[@]}"
lab_traffic "one order of half" 1400 "${odd[0]}" "${odd[1]}" "${odd[-1]}"
from=$(now_ms)
start "$victim" "${even[@]}"
timed "all of them are back" "$form_ms" "$LAB_COUNT" "${LAB_NODES[@]}"
lab_stop "${LAB_NODES[@]}"
tap $? "all stop with status 0"
lab_close
