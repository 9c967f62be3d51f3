#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# One node misbehaves among healthy ones, and the others do not pay for it. No healthy node leaves the ring or loses
# quorum. No group lists a process that is gone, and no synchronisation hangs. The node's clock jumps all the time. In
# each round one thing more happens to it, drawn from a seed:
#
#	pause   its daemon is stopped
#	crash   its daemon is killed and started again, five times
#	deaf    it is heard and hears nothing
#	mute    it hears and is not heard
#	full    its disk is full, and it starts again
#	flood   eight of its programs send as much as is taken
#
# Environment: MISBEHAVE_NODES (6), MISBEHAVE_ROUNDS (6), MISBEHAVE_SEED, LAB_TRANSPORT. The long play has 16 nodes and
# 500 rounds.
LAB_TOKEN=${LAB_TOKEN:-1500}
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/links.sh
. "$(dirname "$0")/links.sh"

count=${MISBEHAVE_NODES:-6}
rounds=${MISBEHAVE_ROUNDS:-6}
RANDOM=${MISBEHAVE_SEED:-1}
victim=$((count / 2))
mapfile -t kinds < <(yes coterie | head -n "$count")
export LAB_PATIENCE=60
lab_open "${kinds[@]}"
healthy=()
for node in "${LAB_NODES[@]}"; do
	printf 'quorum {\n\tprovider: corosync_votequorum\n}\n' >>"$LAB_DIR/$node/corosync.conf"
	[ "$node" -eq "$victim" ] || healthy+=("$node")
done
judges=(1 "$((victim + 1))" "$count")
mount -t tmpfs -o size=256k full "$LAB_DIR/$victim/state" || exit 1

start_victim() { LAB_PRELOAD=$LAB_BUILD/tests/cluster/.libs/clock_jumps.so lab_start "$victim"; }
is_running() { kill -0 "${LAB_DAEMONS[victim]}" 2>/dev/null; }

# --- what the healthy nodes see ---

watch_all() {
	local node

	watchers=()
	polls=()
	for node in "${healthy[@]}"; do
		: >"$LAB_DIR/$node/quorum"
		: >"$LAB_DIR/$node/seen"
		lab_exec "$node" "$(lab_program quorum_poll)" 100 >"$LAB_DIR/$node/quorum" 2>&1 &
		polls+=($!)
		lab_exec "$node" "$LAB_WATCHER" -g healthy -m ${#healthy[@]} -p 500 -w 100000 \
			>"$LAB_DIR/$node/seen" 2>&1 &
		watchers+=($!)
	done
	for node in "${healthy[@]}"; do
		lab_await test -s "$LAB_DIR/$node/seen" && lab_await test -s "$LAB_DIR/$node/quorum" || return
	done
}

# lines_without MEMBER FILE: of quorum_poll, those in which the node is not a member
without() {
	awk -v node="$1" '$3 == "end" { next } { for (i = 7; i <= NF; i++) if ($i == node) next; print }' "$2"
}

have_stayed() {
	local node other status=0

	kill -TERM "${polls[@]}"
	wait "${polls[@]}"
	for node in "${healthy[@]}"; do
		grep -q ' end$' "$LAB_DIR/$node/quorum" || status=1
		for other in "${healthy[@]}"; do
			[ -z "$(without "$other" "$LAB_DIR/$node/quorum")" ] || {
				tap_note "node $node without node $other: $(without "$other" "$LAB_DIR/$node/quorum" | head -n 3)"
				status=1
			}
		done
	done
	return $status
}

were_quorate() {
	local node status=0

	for node in "${healthy[@]}"; do
		awk '$3 != "end" && ($3 != 1 || $4 != 1 || $5 != 1) { print; bad = 1 } END { exit bad }' \
			"$LAB_DIR/$node/quorum" >"$LAB_DIR/$node/without" || {
			tap_note "node $node was not quorate: $(head -n 3 "$LAB_DIR/$node/without")"
			status=1
		}
	done
	return $status
}

saw_the_same() {
	local node status=0

	kill -TERM "${watchers[0]}"
	wait "${watchers[@]}" || status=1
	for node in "${healthy[@]}"; do
		cmp "$LAB_DIR/1/seen" "$LAB_DIR/$node/seen" || status=1
	done
	# Its members never change: one event when the last has joined.
	[ "$(grep -c '^group' "$LAB_DIR/1/seen")" = 1 ] && grep -q '^end ' "$LAB_DIR/1/seen" || status=1
	return $status
}

# --- processes on the node that misbehaves ---

start_ghosts() {
	while [ ${#ghosts[@]} -lt 3 ]; do
		lab_exec "$victim" "$LAB_WATCHER" -g ghosts -m 1000 -w 100000 >/dev/null 2>&1 &
		ghosts+=($!)
	done
}

# Those that the node's daemon still serves.
keep_living() {
	local pid living=()

	for pid in "${ghosts[@]}"; do
		if kill -0 "$pid" 2>/dev/null; then
			living+=("$pid")
		else
			wait "$pid" 2>/dev/null
		fi
	done
	ghosts=("${living[@]}")
}

# listed NODE: pids of the group's members, as the daemon of this node has them
listed() {
	lab_in "$1" "$LAB_BUILD/tools/corosync-cpgtool" -e 2>/dev/null |
		awk '/^ghosts/ { on = 1; next } /^[^ \t]/ { on = 0 } on && NF { print $1 }' | sort -n | tr '\n' ' '
}
lists_agree() {
	local node wanted=''

	keep_living
	[ ${#ghosts[@]} -eq 0 ] || wanted=$(printf '%s\n' "${ghosts[@]}" | sort -n | tr '\n' ' ')
	for node in "${judges[@]}"; do
		[ "$(listed "$node")" = "$wanted" ] || return 1
	done
}

# --- what happens to it ---

# Between 0.2 and 5.9 s: less than the ring's patience, and more.
some_time() { sleep "$((RANDOM % 6)).$((RANDOM % 8 + 2))"; }

play_pause() {
	lab_pause "$victim"
	some_time
	lab_resume "$victim"
}

play_crash() {
	local _

	for _ in 1 2 3 4 5; do
		lab_kill "$victim"
		start_victim
		sleep "0.$((RANDOM % 9))"
	done
}

play_deaf() {
	in_net "$victim" iptables -A INPUT -i eth0 -j DROP
	some_time
	in_net "$victim" iptables -F INPUT
}

play_mute() {
	in_net "$victim" iptables -A OUTPUT -o eth0 -j DROP
	some_time
	in_net "$victim" iptables -F OUTPUT
}

play_full() {
	dd if=/dev/zero of="$LAB_DIR/$victim/state/filler" bs=4k 2>/dev/null
	lab_kill "$victim"
	start_victim
	some_time
	rm -f "$LAB_DIR/$victim/state/filler"
}

play_flood() {
	lab_in "$victim" -t 60 "$LAB_LOAD" -g "flood$round" -m 8 -c 8 -s 1400 -t 2000 -w 30 >"$LAB_DIR/$victim/flood" 2>&1 ||
		tap_note "flood: $(tail -n 2 "$LAB_DIR/$victim/flood")"
}

# A daemon that could not write its state has stopped by itself, which is right.
revive() {
	is_running || {
		wait "${LAB_DAEMONS[victim]}" 2>/dev/null
		start_victim
	}
}

# One round: status 0 when the node is one of the ring again and all lists are right.
play() {
	local from at

	start_ghosts
	lab_await lists_agree || {
		tap_note "round $round: the group does not form: ${ghosts[*]}, listed $(listed 1)"
		return 1
	}
	"play_$1"
	revive
	from=$(now_ms)
	lab_ring "$count" "${judges[@]}" "$victim" || return
	at=$(($(now_ms) - from))
	[ $at -le "${slowest[$1]:-0}" ] || slowest[$1]=$at
	lab_await lists_agree || {
		tap_note "round $round, $1: listed on $(for node in "${judges[@]}"; do echo "$node: $(listed "$node")"; done); alive: ${ghosts[*]}"
		return 1
	}
}

names=(pause crash deaf mute full flood)
declare -A slowest
ghosts=()
lab_start "${healthy[@]}"
start_victim
lab_ring "$count" "${LAB_NODES[@]}"
tap $? "a ring of $count" || lab_close
watch_all
tap $? "all watch"
failed=0
for ((round = 1; round <= rounds; round++)); do
	name=${names[RANDOM % ${#names[@]}]}
	[ "$rounds" -gt ${#names[@]} ] || name=${names[round - 1]}
	play "$name" || {
		tap_note "round $round, $name: failed"
		failed=$((failed + 1))
	}
done
tap_check "$rounds rounds: it came back, and no group listed a process that was gone" test $failed -eq 0
for name in "${!slowest[@]}"; do
	tap_note "$name: back after at most ${slowest[$name]} ms"
done
have_stayed
tap $? "no healthy node has left the ring of another"
were_quorate
tap $? "none has lost quorum"
saw_the_same
tap $? "all healthy members saw the same events and messages"
lab_alive "${healthy[@]}"
tap $? "every healthy daemon still runs"
# Without a pid `wait` would wait for the daemons.
[ ${#ghosts[@]} -eq 0 ] || { kill -KILL "${ghosts[@]}" && wait "${ghosts[@]}"; } 2>/dev/null
lab_stop "${LAB_NODES[@]}"
tap $? "all stop with status 0"
umount "$LAB_DIR/$victim/state"
lab_close
