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
		timeout "$LAB_PATIENCE" bash -c "until [ -s '$LAB_DIR/$node/times' ]; do sleep 0.02; done" || {
			tap_note "node $node cannot be watched"
			return 1
		}
	done
}

rings_end() {
	kill -KILL "${recorders[@]}" 2>/dev/null
	wait "${recorders[@]}" 2>/dev/null
}

# How many times the ring of a node has changed since rings_record.
rings_changed() {
	echo $(($(wc -l <"$LAB_DIR/$1/times") - 1))
}

# in_net NODE COMMAND...: in the node's network only.
in_net() {
	local node=$1

	shift
	nsenter -t "${LAB_HOLDERS[node]}" -n -m "$@"
}

# Milliseconds of the clock that ring_times tells.
now_ms() {
	awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime
}
