#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two hundred clients in one group on a node of three, while the other nodes send: one order everywhere, nothing lost;
# one of them that stops reading for a while slows nobody down and misses nothing; those that never go on are cut
# off at 64 MiB of events; and hundreds of groups get their own messages each.
# MANY_CLIENTS (200), MANY_SIZE of messages (2000), MANY_RATE of each sender's in a second (500; 0: no limit, and what
# clients cannot read in time fills the daemon's memory), MANY_WINDOWS (2) of MANY_WINDOW_MS (400) with and without the
# one that stops, MANY_RATIO (0.5) of the throughput that is left then, MANY_RING=0 if that one is to have no channel
# (COTERIE_CPG_RING=0 if none is), MANY_GROUPS (300), MANY_GROUPS_MS (0: no limit) in which node 1 must join them. A
# connection takes 3 MiB of shared memory and a descriptor of the daemon's.
LAB_TOKEN=${LAB_TOKEN:-10000} # with more processes than the machine can run, a daemon may wait long for its turn
. "$(dirname "$0")/lab.sh"
. "$(dirname "$0")/links.sh"

export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=4"
clients=${MANY_CLIENTS:-200}
groups=${MANY_GROUPS:-300}
size=${MANY_SIZE:-2000}
load=$LAB_LOAD
watch=$LAB_WATCHER
BACKLOG_MAX=$((64 << 20)) # IPC_BACKLOG_MAX of exec/ipc/ipc_server.h: of a client that has read nothing for a second
OVERHEAD_KB=32768         # frames of the ring, and what malloc keeps
is_sanitized=${COTERIE_KEEP_PLUGINS:-} # whose malloc() adds something to each block, and gives nothing back
[ -z "$is_sanitized" ] || OVERHEAD_KB=65536

anon_kb() { awk '/^RssAnon/ { print $2 }' "/proc/${LAB_DAEMONS[$1]}/status"; }
cpu_ms() { awk '{ printf "%d\n", $1 / 1000000 }' "/proc/${LAB_DAEMONS[$1]}/schedstat"; }

# Starts to record the most that the daemon of node 1 has in its memory; peak_end says it.
peak_begin() {
	(
		peak=0
		while now=$(anon_kb 1); do
			[ "$now" -le $peak ] || { peak=$now && echo "$peak" >"$LAB_DIR/peak"; }
			lab_nap 0.03
		done 2>/dev/null
	) 9>&- &
	sampler=$!
}

peak_end() {
	kill $sampler
	wait $sampler 2>/dev/null
	peak=$(cat "$LAB_DIR/peak")
}

# ---- Clients that never read ----------------------------------------------------------------------------------

# sleeper NAME MEMBERS COMMAND...: stopped as soon as it is the member that makes so many. Its process id in MEMBER.
sleeper() {
	local name=$1 number=$2

	shift 2
	: >"$LAB_DIR/$name"
	lab_exec 1 "$@" "$watch" -g "watch$LAB_WATCH" -m "$number" -w 120 >"$LAB_DIR/$name" 2>&1 &
	MEMBER=$!
	lab_await test -s "$LAB_DIR/$name"
	kill -STOP "$MEMBER"
}

cut_off() { grep -c 'it does not read its events' "$LAB_DIR/1/log"; }
are_cut_off() { [ "$(cut_off)" -eq "$1" ]; }

# At 40 MB a second it takes one and a half seconds to reach 64 MiB. A client is disconnected then if it has read
# nothing for one second. With a load of 90 MB. The daemon is new, so it has no memory yet that it could use again.
play_bound() {
	local base after waiting status=0 sleepers=()

	lab_watch 1 2 3
	tap $? "a member of a group on each node"
	sleeper channel 4 env
	sleepers+=("$MEMBER")
	sleeper libqb 5 env COTERIE_CPG_RING=0
	sleepers+=("$MEMBER")
	base=$(anon_kb 1)
	peak_begin
	lab_in 2 "$load" -g "watch$LAB_WATCH" -s 100000 -l 900 -o 400 >"$LAB_DIR/paced"
	grep -q 'count=900' "$LAB_DIR/paced"
	tap $? "90 MB for a group with two clients that never read: $(cut -d' ' -f 4- "$LAB_DIR/paced")"
	lab_await are_cut_off 2
	tap $? "both are cut off, with a line in the log" || {
		kill -KILL "${sleepers[@]}"
		status=1
	}
	peak_end
	for waiting in $(sed -n 's/.*read its events (\([0-9]*\) bytes.*/\1/p' "$LAB_DIR/1/log"); do
		[ "$waiting" -le $BACKLOG_MAX ] && [ "$waiting" -gt $((BACKLOG_MAX * 9 / 10)) ] || status=1
	done
	tap $status "each at 64 MiB"
	test $((peak - base)) -le $((2 * BACKLOG_MAX / 1024 + OVERHEAD_KB))
	tap $? "the daemon's own memory: $base kB before, $peak kB at most"
	after=$(anon_kb 1)
	[ -n "$is_sanitized" ] || tap_check "and $after kB when they are gone" \
		test $((after - base)) -le $OVERHEAD_KB
	kill -CONT "${sleepers[@]}" 2>/dev/null
	wait "${sleepers[@]}"
	tail -qn 1 "$LAB_DIR"/{channel,libqb} | grep -c 'connection lost' | grep -qx 2
	tap $? "they are told so when they go on" || tap_note "$(tail -n 3 "$LAB_DIR"/{channel,libqb})"
	grep -q "left 1:${sleepers[0]}(procdown)" "$LAB_DIR/1/seen" &&
		grep -q "left 1:${sleepers[1]}(procdown)" "$LAB_DIR/1/seen"
	tap $? "the group saw them leave" || tap_note "$(cat "$LAB_DIR/1/seen")"
	lab_compare "with two that never read" 1 2 3
}

# ---- One group ------------------------------------------------------------------------------------------------

# member NODE NAME OPTION...: in the background, its process id in MEMBER.
member() {
	local node=$1 name=$2

	shift 2
	lab_exec "$node" "$load" -g crowd -m $((clients + 2)) -w 120 "$@" >"$LAB_DIR/$name" 2>&1 &
	MEMBER=$!
	members+=("$MEMBER")
}

has_delivered() { tail -n 1 "$LAB_DIR/first" | grep -q 'delivered=[1-9]'; }

# waits PID: its ring is full, and events for it wait in the daemon.
waits() {
	lab_in 1 "$LAB_BUILD/tools/corosync-cmapctl" -m stats "stats.ipcs.service2.$1." | grep -q 'queueing.*= 1'
}

# mark WHAT: what is so from now on.
mark() { echo "$(now_ms) $1" >>"$LAB_DIR/marks"; }

# Print the messages that the first client received in a second, while the other one read and while it was
# stopped, the ratio, and each window. Between two lines of progress messages came evenly.
rates() {
	sed -n 's/at_ms=\([0-9]*\) delivered=\([0-9]*\)/\1 \2/p' "$LAB_DIR/first" | awk '
		function by(at,   i) {
			for (i = 2; i < lines && ms[i] < at; i++)
				;
			return seen[i - 1] + (seen[i] - seen[i - 1]) * (at - ms[i - 1]) / (ms[i] - ms[i - 1])
		}
		FNR == NR { from[++marks] = $1; what[marks] = $2; next }
		{ ms[++lines] = $1; seen[lines] = $2 }
		END {
			for (i = 1; i < marks; i++) {
				count[what[i]] += by(from[i + 1]) - by(from[i])
				each = each sprintf(" %s %.0f", what[i], (by(from[i + 1]) - by(from[i])) * 1000 / (from[i + 1] - from[i]))
				took[what[i]] += from[i + 1] - from[i]
			}
			reads = count["reads"] * 1000 / took["reads"]
			stopped = count["stopped"] * 1000 / took["stopped"]
			printf "%.0f %.0f %.2f%s\n", reads, stopped, stopped / reads, each
		}' "$LAB_DIR/marks" -
}

play_crowd() {
	local victim senders=() status=0 reads stopped ratio each delivered cpu i window

	window=$(awk "BEGIN { print ${MANY_WINDOW_MS:-400} / 1000 }")
	members=()
	peak_begin
	COTERIE_CPG_RING=${MANY_RING:-${COTERIE_CPG_RING:-1}} member 1 victim -r -t 0 -i 1000
	victim=$MEMBER
	lab_await test -s "$LAB_DIR/victim"
	member 1 first -r -t 0 -i 20
	member 1 crowd -r -t 0 -c $((clients - 2))
	cpu=$(cpu_ms 1)
	for i in 2 3; do
		member $i sender$i -s "$size" -o "${MANY_RATE:-500}" -t 110000
		senders+=("$MEMBER")
	done
	lab_await has_delivered || status=1
	tap $status "$clients clients on node 1, and senders on nodes 2 and 3"
	: >"$LAB_DIR/marks"
	sleep 0.4 # the first batches find all rings empty
	for ((i = 0; i < ${MANY_WINDOWS:-2}; i++)); do
		mark reads
		sleep "$window"
		kill -STOP "$victim"
		mark fills
		lab_await waits "$victim" || status=1
		mark stopped
		sleep "$window"
		kill -CONT "$victim"
	done
	mark reads
	sleep "$window"
	mark end
	sleep 0.2
	kill -TERM "${senders[@]}"
	for i in "${members[@]}"; do
		wait "$i" || status=1
	done
	cpu=$(($(cpu_ms 1) - cpu))
	peak_end
	cat "$LAB_DIR"/{crowd,first,victim,sender2,sender3} | grep -v at_ms >"$LAB_DIR/all"
	delivered=$(sed -n 's/.*delivered=\([0-9]*\) .*hash.*/\1/p' "$LAB_DIR/victim")
	[ "$(sed -n 's/.*delivered=\([0-9]*\) .*hash=/\1 /p' "$LAB_DIR/all" | sort | uniq -c | awk '{ print $1 }')" = \
		$((clients + 2)) ] || status=1
	tap $status "all saw the same $delivered messages of $size bytes, none missing" ||
		tap_note "$(cut -d' ' -f 1-20 "$LAB_DIR/all" | sed 's/node=1 //' | sort | uniq -c | sort -rn | head -n 20)"
	read -r reads stopped ratio each <<<"$(rates)"
	# A stopped client costs nothing but a copy of each message. What is left is noise: on a busy machine short
	# windows differ by some tens of per cent. Who waits for a client has next to nothing left.
	awk "BEGIN { exit !($ratio >= ${MANY_RATIO:-0.5}) }"
	tap $? "a client that is stopped slows nobody down: $stopped messages/s for each, $reads while it reads ($ratio)"
	tap_note "one after the other: $each"
	tap_note "daemon: $((cpu * 1000 / (delivered > 0 ? delivered : 1))) us a message, at most $peak kB of its own"
}

# ---- Many groups ----------------------------------------------------------------------------------------------

# Every fiftieth has a member on each node, and messages from each.
play_groups() {
	local node status=0 waiting=() program joined_ms limit=${MANY_GROUPS_MS:-0}

	program=$(lab_program cpg_groups)
	lab_exec 1 "$program" -n "$groups" -s 50 -m 3 -c 100 -w 90 >"$LAB_DIR/1/groups" 2>&1 &
	waiting+=($!)
	for node in 2 3; do
		lab_exec $node "$program" -n "$groups" -e 50 -s 50 -m 3 -c 100 -w 90 >"$LAB_DIR/$node/groups" 2>&1 &
		waiting+=($!)
	done
	for node in "${waiting[@]}"; do
		wait "$node" || status=1
	done
	[ "$(sed -n 's/.*hash=//p' "$LAB_DIR"/[123]/groups | sort | uniq -c | awk '{ print $1 }')" = 3 ] || status=1
	tap $status "$groups groups: $(sed 's/ strays.*//' "$LAB_DIR/1/groups")" || tap_note "$(cat "$LAB_DIR"/[123]/groups)"
	joined_ms=$(sed -n 's/.*joined_in_s=\([0-9.]*\).*/\1/p' "$LAB_DIR/1/groups" | awk '{ printf "%d", $1 * 1000 }')
	[ "$limit" -eq 0 ] || tap_check "all of them are joined in $joined_ms ms, at most $limit" \
		test "${joined_ms:-$((limit + 1))}" -le "$limit"
}

ulimit -Sn "$(ulimit -Hn)"
lab_open coterie coterie coterie
lab_start 1 2 3
lab_ring 3 1 2 3
tap $? "one ring"
rings_record 1 2 3
play_bound
play_crowd
play_groups
tap_check "the ring has not changed" test "$(rings_changed 1)$(rings_changed 2)$(rings_changed 3)" = 000
rings_end
lab_stop 1 2 3
tap $? "all stop with status 0"
tap_check "nothing is left in /dev/shm" test -z "$(ls -A /dev/shm)"
lab_close
