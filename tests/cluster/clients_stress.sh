#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Thousands of clients of every service connect, work and disconnect or are killed. Meanwhile groups send on
# all nodes, the configuration is reloaded, and at last the daemon is shut down. No stream loses or reorders a
# message, and the daemon ends in order (under sanitizers: without a leak). Its memory does not grow, and no
# file is left in /dev/shm. CONNECTIONS: approximate number for all clients together, 10,000 in make
# check-long. RATE: messages of each node in a second (5,000; empty: no limit, so in make check-long).
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/reloads.sh
. "$(dirname "$0")/reloads.sh"

export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=2"
SEED=${SEED:-1}
RANDOM=$SEED
if [ -n "${COTERIE_KEEP_PLUGINS:-}" ]; then # set for sanitized builds
	CONNECTIONS=${CONNECTIONS:-1500}
	GROWTH_MAX_KB=8192
else
	CONNECTIONS=${CONNECTIONS:-2000}
	GROWTH_MAX_KB=1024
fi

# Its own memory: the rings of clients that are just ending are shared with them.
memory_kb() { awk '/^RssAnon/ { print $2 }' "/proc/${LAB_DAEMONS[$1]}/status"; }

# stress NODE OPTION... COUNT
stress() { lab_in "$1" -t 240 "$(lab_program stress)" -s $((RANDOM + 1)) "${@:2}"; }

# random_pause MILLISECONDS: at most.
random_pause() { sleep "0.$(printf %03d $((RANDOM % $1)))"; }

configure() {
	local node

	reload_list "1 2 3" 1 2 3
	for node in 1 2 3; do
		cat >>"$LAB_DIR/$node/corosync.conf" <<-CONFIG
			quorum {
				provider: corosync_votequorum
			}
			logging {
				blackbox: off
			}
		CONFIG
	done
}

# Under load, with reloads: the load's members compare what they were delivered, the watchers what they saw.
play_kills() {
	local load stressed i

	lab_watch 1 2 3
	tap $? "a member of a group on each node"
	LAB_MS=5000 LAB_RATE=${RATE-5000} lab_traffic "while clients are killed" 1000 1 2 3 >"$LAB_DIR/traffic" &
	load=$!
	stress 2 $((CONNECTIONS / 10)) >"$LAB_DIR/2/stress" &
	stressed=$!
	for i in 1 2 3 4; do
		tap_check "clients of all services ($i): $((CONNECTIONS / 10)) connections" \
			stress 1 $((CONNECTIONS / 10))
		LAB_TOKEN=$((LAB_TOKEN + 10)) configure
		LAB_TOKEN=$((LAB_TOKEN + 10))
		tap_check "a reload in between" reload_ask $((i % 3 + 1)) reload
	done
	wait $stressed
	tap $? "on node 2: $(cat "$LAB_DIR/2/stress")"
	wait $load
	tap $? "$(sed -n '1s/.* - //p' "$LAB_DIR/traffic")" || cat "$LAB_DIR/traffic"
	lab_compare "under load" 1 2 3
}

# Many more connections need no more memory. Memory between other blocks may grow once, but a leak grows again.
# Together with the earlier ones the daemon has had CONNECTIONS when it is told to end, and leaks are reported then.
play_level() {
	local before after try count=$((CONNECTIONS / 2))

	stress 1 $((CONNECTIONS / 10)) >/dev/null
	sleep 1
	after=$(memory_kb 1)
	for try in once again; do
		before=$after
		tap_check "$count connections more, $try" stress 1 $count
		sleep 1
		after=$(memory_kb 1)
		[ $((after - before)) -gt $GROWTH_MAX_KB ] || break
	done
	tap_check "memory is level: $before kB, then $after kB" \
		test $((after - before)) -le $GROWTH_MAX_KB
}

# play_end COMMAND...: the daemon of node 1 is told to end while clients are at work.
play_end() {
	local stressed status

	lab_watch 2 3
	stress 1 -g $((CONNECTIONS / 10)) >"$LAB_DIR/1/stress" &
	stressed=$!
	random_pause 900
	"$@"
	timeout 20 tail -s 0.05 --pid="${LAB_DAEMONS[1]}" -f /dev/null
	wait "${LAB_DAEMONS[1]}"
	status=$?
	tap_check "$*: the daemon has ended with status $status" test $status -eq 0
	random_pause 300
	lab_start 1
	wait $stressed
	tap $? "its clients found the next one: $(cat "$LAB_DIR/1/stress")"
	lab_ring 3 1 2 3
	tap $? "one ring again"
	lab_compare "$*" 2 3
}

lab_open coterie coterie coterie
configure
lab_start 1 2 3
lab_ring 3 1 2 3
tap $? "one ring (SEED=$SEED)"
play_kills
play_level
play_end reload_ask 1 shutdown 0
play_end lab_signal TERM 1
play_end lab_signal INT 1
# The file of a zero-copy buffer is the client's until the daemon has opened it: a client that is killed in
# between leaves it there, with Corosync as well. Nobody else leaves one.
find /dev/shm -name 'corosync_zerocopy-*' -delete
tap_check "clients that nobody kills" stress 1 -k 0 100
lab_alive 1 2 3
tap $? "every daemon runs"
lab_traffic "at the end" 1400 1 2 3
lab_stop 1 2 3
tap $? "all stop with status 0"
left=$(ls -A /dev/shm)
tap_check "nothing is left in /dev/shm" test -z "$left" || tap_note "$left"
tap_check "no sanitizer has complained" test -z "$(grep -hE 'Sanitizer|runtime error' "$LAB_DIR"/*/out)"
lab_close
