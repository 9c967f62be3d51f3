#!/bin/bash
# Clients of the configuration map that are killed in the middle of everything: what they had goes with
# them, the daemon's memory stays where it is, and it ends without a leak (sanitized builds see one).
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"

rounds=${LAB_ROUNDS:-24}
lab_open coterie
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

get() { lab_in 1 corosync-cmapctl -m "$1" -g "$2" | sed 's/.* = //'; }

# Connections but our own are gone; what they track and walk through went with them.
is_alone() {
	local end=$((SECONDS + LAB_PATIENCE))

	until [ "$(get stats stats.ipcs.global.active)" = 1 ]; do
		[ $SECONDS -lt $end ] || return
		sleep 0.1
	done
}

lab_start 1
tap_check "a ring of one" lab_ring 1 1 || {
	lab_close
	exit
}
one_round 6 300
one_round 2 900 deaf
tap_check "killed clients are gone" is_alone
before=$(memory)
for ((round = 0; round < rounds; round++)); do
	one_round 6 $((50 + round * 37 % 400))
	[ $((round % 8)) -ne 7 ] || one_round 2 900 deaf
done
tap_check "and at any moment" is_alone
after=$(memory)
tap_note "memory of the daemon: $before kB, then $after kB"
nm -D "$LAB_BUILD/exec/.libs/coterie" "$LAB_BUILD/exec/coterie" 2>/dev/null | grep -q __asan_init ||
	tap_check "memory stays level" test "$after" -lt $((before + 4096))
tap_check "the map still works" test "$(get default totem.version)" = 2
tap_check "the daemon lives" lab_alive 1
lab_stop 1
tap $? "and stops cleanly"
lab_close
