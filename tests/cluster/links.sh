# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What tests of links share: source it after lab.sh.

# Start to record every ring that the nodes see; rings_end stops it.
rings_record() {
	local node

	recorders=()
	for node in "$@"; do
		: >"$LAB_DIR/$node/times"
		lab_exec "$node" "$(lab_program ring_times)" watch >"$LAB_DIR/$node/times" 2>&1 &
		recorders+=($!)
	done
	for node in "$@"; do
		lab_await test -s "$LAB_DIR/$node/times" || {
			tap_note "node $node cannot be watched"
			return 1
		}
	done
}

rings_end() {
	kill -KILL "${recorders[@]}" 2>/dev/null
	wait "${recorders[@]}" 2>/dev/null
}

# rings_find NODE AT MEMBERS: set `found` to the microsecond at which the node delivered such a configuration after AT.
rings_find() {
	local us members

	while read -r us _ members; do
		if [ "$members" = "$3" ] && [ "$us" -gt "$2" ]; then
			found=$us
			return
		fi
	done <"$LAB_DIR/$1/times"
	return 1
}

# rings_after AT MEMBERS NODE...: print the milliseconds from AT, in microseconds, until the last of these nodes has
# delivered a configuration of the members. Fail if one does not do so within LAB_PATIENCE seconds. Needs rings_record.
rings_after() {
	local at=$1 members=$2 node found=0 last=0

	shift 2
	for node in "$@"; do
		lab_await rings_find "$node" "$at" "$members" || return
		[ "$found" -lt "$last" ] || last=$found
	done
	printf '%d.%03d\n' $(((last - at) / 1000)) $(((last - at) % 1000))
}

# How many times the ring of a node has changed since rings_record.
rings_changed() {
	echo $(($(wc -l <"$LAB_DIR/$1/times") - 1))
}

# in_net NODE COMMAND...: in the node's network only.
in_net() {
	local node=$1

	shift
	"$LAB_ENTER" "${LAB_HOLDERS[node]}" "$@"
}

# Milliseconds of the clock that ring_times tells.
now_ms() {
	awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime
}
