#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Clients of the configuration map that are killed at any moment. Their objects are freed, the daemon's
# memory does not grow, and it ends without a leak (which sanitized builds would find).
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"

rounds=${LAB_ROUNDS:-24}
lab_open coterie
command -v corosync-cmapctl >/dev/null || tap_skip "no corosync-cmapctl"
load=$(lab_program cmap_load)
[ -n "$load" ] || tap_skip "cmap_load is not built"

# Kilobytes of the daemon's own memory.
memory() { awk '$1 == "RssAnon:" { print $2 }' "/proc/${LAB_DAEMONS[1]}/status"; }

# one_round CLIENTS MILLISECONDS [deaf]: that many at once, killed after that time.
one_round() {
	local clients=() client i

	for ((i = 0; i < $1; i++)); do
		lab_exec 1 "$load" "test$i." ${3:+"$3"} >/dev/null 2>&1 &
		clients+=($!)
	done
	sleep "0.$(printf %03d "$2")"
	for client in "${clients[@]}"; do
		kill -KILL "$client" 2>/dev/null
		wait "$client" 2>/dev/null
	done
}

# With Debian's library: programs that are not built with sanitizers cannot use a library that is.
get() { LAB_CLIENT=corosync lab_in 1 corosync-cmapctl -m "$1" -g "$2" | sed 's/.* = //'; }

# All other connections have ended, with their trackers and iterators.
has_one() { [ "$(get stats stats.ipcs.global.active)" = 1 ]; }
is_alone() { lab_await has_one; }

# below KILOBYTES: the daemon has no more memory now. What waited for a client is freed in steps after it has left.
below() {
	after=$(memory)
	test "$after" -lt "$1"
}

# level WHAT KILOBYTES: memory has not grown by more since the beginning. Sanitizers keep what is freed.
level() {
	local after status=0

	! nm -D "$LAB_BUILD/exec/.libs/coterie" "$LAB_BUILD/exec/coterie" 2>/dev/null | grep -q __asan_init || return 0
	lab_await below $((before + $2)) || status=1
	tap_note "memory of the daemon: $before kB, then $after kB"
	tap $status "memory is level: $1"
}

# The flight recorder takes its memory as it fills.
printf 'logging {\n\tblackbox: off\n}\n' >>"$LAB_DIR/1/corosync.conf"
lab_start 1
tap_check "a ring of one" lab_ring 1 1 || {
	lab_close
	exit
}
# dump STATUS COMMAND...: it ends with this status and says that nothing was written.
dump() {
	local wanted=$1 said status=0

	shift
	said=$(lab_in 1 "$@" 2>&1) || status=$?
	[ $status -eq "$wanted" ] && grep -q "the flight recorder is off" <<<"$said" || {
		tap_note "status $status: $said"
		return 1
	}
}
[ ! -x "$LAB_BUILD/tools/coterie-ctl" ] || # without json-c
	tap_check "without a flight recorder coterie-ctl log dump fails" dump 1 "$LAB_BUILD/tools/coterie-ctl" log dump
tap_check "and corosync-blackbox" dump 1 "$LAB_BUILD/tools/corosync-blackbox"
# all_rounds COUNT: killed at every moment of their lives; after the first hundred milliseconds nothing new comes.
all_rounds() {
	local round

	for ((round = 0; round < $1; round++)); do
		one_round 6 $((30 + round * 37 % 200))
	done
}

# The allocator keeps what the worst moment takes, some 13 MB whenever that comes: more is too much.
all_rounds $((rounds / 2))
tap_check "killed clients are gone" is_alone
before=$(memory)
all_rounds "$rounds"
tap_check "and at any moment" is_alone
level "clients that are killed" 24576
# The events that wait for them, up to 64 MB each, are freed.
for ((round = 0; round < 3; round++)); do
	one_round 2 900 deaf
	one_round 6 200
done
tap_check "and those that never listened" is_alone
level "clients that never listen" 24576
tap_check "the map still works" test "$(get default totem.version)" = 2
tap_check "the daemon lives" lab_alive 1
lab_stop 1
tap $? "and stops cleanly"
lab_close
