#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The Python package in a ring of both kinds of daemons, with the libraries of both: every service on every node, and
# events of one node on the other.
LAB_TOKEN=${LAB_TOKEN:-1000}
# shellcheck disable=SC2034 # read by lab.sh
# The section totem ends here. The brace that follows in the file ends quorum.
LAB_TOTEM="}
	quorum {
		provider: corosync_votequorum
		expected_votes: 2"
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/../cluster/lab.sh"
# shellcheck source=tests/python/common.sh
. "$(dirname "$0")/common.sh"
[ -n "${LAB_INSIDE:-}" ] || python_need

# services NODE LIBRARIES
services() {
	LAB_CLIENT=$2 lab_in "$1" env PYTHON_DAEMON="${LAB_KINDS[$1]}" PYTHON_LIBRARIES="$2" \
		timeout 120 "$PYTHON" "$python_tests/run.py" services
}

lab_open coterie corosync
lab_start 1 2
tap_check "a ring forms" lab_ring 2 1 2
# A watcher on each node sees the other node's members, and its end.
for node in 1 2; do
	LAB_CLIENT='' lab_exec $node -t 60 "$PYTHON" "$python_tests/watch.py" >"$LAB_DIR/$node/seen" 2>&1 &
	watchers[node]=$!
done
lab_await grep -q "^group 2$" "$LAB_DIR/1/seen" && lab_await grep -q "^group 2$" "$LAB_DIR/2/seen"
tap $? "members of both kinds see each other" || tap_note "$(cat "$LAB_DIR"/?/seen)"
lab_kill 2
wait "${watchers[2]}"
tap_check "a killed daemon ends its client with an error" grep -q "^LibraryError" "$LAB_DIR/2/seen" ||
	tap_note "$(cat "$LAB_DIR/2/seen")"
lab_await grep -q "^left 2 NODEDOWN$" "$LAB_DIR/1/seen" && lab_await grep -q "^ring 1$" "$LAB_DIR/1/seen" &&
	lab_await grep -q "^quorate False$" "$LAB_DIR/1/seen"
tap $? "the other node's client sees the member, the node and quorum leave" || tap_note "$(cat "$LAB_DIR/1/seen")"
lab_start 2
lab_await grep -q "^quorate True again$" "$LAB_DIR/1/seen"
tap $? "quorum comes back" || tap_note "$(cat "$LAB_DIR/1/seen")"
kill "${watchers[1]}" 2>/dev/null
# Last, since they leave votes that the ring cannot lose again.
tap_check "the ring is whole" lab_ring 2 1 2
for libraries in coterie corosync; do
	for node in 1 2; do
		python_tap "daemon ${LAB_KINDS[node]}, libraries $libraries" services $node $libraries
	done
done
lab_close
