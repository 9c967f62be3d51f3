#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Nodes join and leave. Members with {our, Debian's} libcpg at {our, Debian's} daemon see the same events. All four are
# in one ring with a third node that is cut off, loses a client, and is stopped. RING_KIND=corosync13 (make check-long)
# takes Corosync 3.1.9 for Debian's.
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/../cluster/lab.sh"

program=$LAB_BUILD/tests/interop/.libs/cpg_matrix
[ -x "$program" ] || program=$LAB_BUILD/tests/interop/cpg_matrix
[ -x "$program" ] || tap_skip "the program is not built (make check does)"
other=${RING_KIND:-corosync}
lab_open coterie "$other" "$other"

# member NODE KIND: a member there with the library of that kind; prints to NODE-KIND in LAB_DIR.
declare -A MEMBERS INPUTS
member() {
	local name=$1-$2 input

	mkfifo "$LAB_DIR/$name.in"
	exec {input}<>"$LAB_DIR/$name.in"
	LAB_CLIENT=$2 lab_exec "$1" "$program" ring <&"$input" >"$LAB_DIR/$name" 2>&1 &
	MEMBERS[$name]=$!
	INPUTS[$name]=$input
	rm "$LAB_DIR/$name.in"
}

# since NAME: what it has seen from the first message on.
since() { sed -n '/deliver/,$p' "$LAB_DIR/$1"; }

# has COUNT PATTERN NAME: there are so many such lines since the first message.
has() { [ "$(since "$3" | grep -Ec "$2")" -ge "$1" ]; }

sees_five() { grep -Eq "$five" "$LAB_DIR/$1"; }
agree() { diff <(since "$1") <(since "$2") >"$LAB_DIR/diff"; }

watchers=(1-coterie "1-$other" 2-coterie "2-$other")
five='members 1/[^;]*,1/[^;]*,2/[^;]*,2/[^;]*,3/[^;]*;'

# say NAME TEXT: that member sends it.
say() { echo "$2" >&"${INPUTS[$1]}"; }

# step NAME COUNT PATTERN: all watchers see it, and the two of each node, which differ in their library,
# the same from the first message on. Whether the nodes agree with each other is for tests/cluster.
step() {
	local name=$1 watcher node status=0

	for watcher in "${watchers[@]}"; do
		lab_await has "$2" "$3" "$watcher" || {
			status=1
			tap_note "$watcher waits for $2 of $3"
		}
	done
	for node in 1 2; do
		lab_await agree "$node-coterie" "$node-$other" || {
			status=1
			tap_note "node $node, our library and Debian's" "$(cat "$LAB_DIR/diff")"
		}
	done
	tap $status "$name" || tap_note "$(cat "$LAB_DIR/${watchers[0]}")"
}

lab_start 1 2 3
tap_check "one ring of both kinds" lab_ring 3 1 2 3 || {
	lab_close
	exit
}
for name in "${watchers[@]}" "3-$other"; do
	member "${name%%-*}" "${name#*-}"
done
for name in "${watchers[@]}" "3-$other"; do
	tap_check "$name sees five members" lab_await sees_five "$name"
done
say "3-$other" begin
step "a message" 1 deliver
lab_cut 3
step "a node is lost" 1 'left 3/[^;]*:3;'
say 1-coterie "without the third"
step "the others go on" 2 deliver
# On the way back the ring may break once more, so that others come and go as well.
lab_heal 3
step "it comes back" 1 'joined .*3/[^;]*:4;'
step "all are there again" 1 "$five.*:4;"
say "3-$other" "back again"
step "it is heard" 3 deliver
kill -KILL "${MEMBERS[3-$other]}"
wait "${MEMBERS[3-$other]}" 2>/dev/null
step "its process dies" 1 'left 3/[^;]*:5;'
mv "$LAB_DIR/3-$other" "$LAB_DIR/3-first"
member 3 "$other"
step "another starts" 1 'joined 3/[^;]*:1;'
lab_stop 3
step "its daemon is stopped" 2 'left 3/[^;]*:5;'
say 2-coterie "the end"
step "the two go on" 4 deliver
tap_check "both daemons live" lab_alive 1 2
kill -KILL "${MEMBERS[@]}" 2>/dev/null
wait "${MEMBERS[@]}" 2>/dev/null
lab_close
