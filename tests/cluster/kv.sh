#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The service kv in real daemons: nodes that join with a table, partitions, crashes while it is on its way, and plugins
# that are replaced and unloaded, while two clients on each node ask and write down what they are answered.
# KV_MEGABYTES: how large the table is. KV_REPLACEMENTS: how often each node's plugin is replaced.
LAB_TOKEN=${LAB_TOKEN:-1000}
# shellcheck disable=SC2034 # read by lab.sh
# The section totem ends here; the brace that follows in the file ends quorum.
LAB_TOTEM="}
	service {
		name: kv
		transfer_rate: ${KV_RATE:-32M}
	}
	quorum {
		provider: corosync_votequorum
		expected_votes: 3"
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"

KV_MEGABYTES=${KV_MEGABYTES:-3}

kv_program() {
	local path

	for path in "$LAB_BUILD"/plugins/kv/tool/{.libs/,}coterie-kv; do
		[ ! -x "$path" ] || {
			echo "$path"
			return
		}
	done
}

# kv NODE ARGUMENT...
kv() {
	local node=$1

	shift
	lab_in "$node" -t 60 "$KV" "$@"
}

# kv_state NODE: state, revision and hash in one line.
kv_state() {
	kv "$1" status | awk '$1 == "state" || $1 == "revision" || $1 == "hash" { printf "%s ", $2 }'
}

kv_value() {
	[ "$(kv "$1" -l get "$2")" = "$3" ]
}

# kv_ready SECONDS NODE...: all have the table, and the same.
kv_ready() {
	local end=$((SECONDS + $1)) node states

	shift
	while [ $SECONDS -le $end ]; do
		states=$(for node in "$@"; do
			kv_state "$node"
			echo
		done | sort -u)
		case $states in
		*$'\n'*) ;;
		ready*) return 0 ;;
		esac
		lab_nap 0.2
	done
	echo "$states"
	return 1
}

# kv_waits SECONDS NODE OTHER: the node waits for the other.
kv_waits() { LAB_PATIENCE=$1 lab_await waits_for "$2" "$3"; }
waits_for() { kv "$1" status | grep -q "waiting *node $2"; }

# kv_fill: a table of so many megabytes.
kv_fill() {
	local i

	for ((i = 0; i < KV_MEGABYTES; i++)); do
		{
			printf '%08d' "$i"
			head -c 1000000 "$LAB_DIR/noise"
		} | kv 1 put "big/$i" - || return
	done
}

# Write continuously in the background. Each write must succeed.
kv_write_on() {
	local i=0

	while [ ! -e "$LAB_DIR/enough" ]; do
		i=$((i + 1))
		kv 1 put "small/$((i % 50))" "$i" >/dev/null || echo "write $i fails" >>"$LAB_DIR/failures"
	done
	echo $i >"$LAB_DIR/writes"
}

# kv_whole SECONDS NODE...: each has the table, while writes go on.
kv_whole() {
	local LAB_PATIENCE=$1 node

	shift
	for node in "$@"; do
		lab_await is_ready "$node" || return
	done
}
is_ready() { [[ $(kv_state "$1") = ready* ]]; }

# Two clients on each node write down what they ask and are answered, until load_stop.
load_start() {
	local i

	rm -f "$LAB_DIR/enough_load"
	clients=()
	for i in 1 1 2 2 3 3; do
		lab_exec "$i" "$LOAD" $records "$LAB_DIR/enough_load" "$LAB_DIR/record$records" &
		clients+=($!)
		records=$((records + 1))
	done
}
load_stop() {
	: >"$LAB_DIR/enough_load"
	wait "${clients[@]}"
}
# load_check: could one table have answered them so?
load_check() {
	lab_in 1 "$LOAD" check "$LAB_DIR"/record* >"$LAB_DIR/checked"
}

# kv_replace NODE: by a copy of its file.
kv_replace() {
	copies=$((copies + 1))
	mkdir "$LAB_DIR/copy$copies" && cp "$LAB_BUILD/.libs/kv.so" "$LAB_DIR/copy$copies" &&
		lab_in "$1" "$CTL" plugin replace kv "$LAB_DIR/copy$copies/kv.so"
}
kv_replace_all() {
	local i

	for ((i = 0; i < KV_REPLACEMENTS * 3; i++)); do
		kv_replace $((i % 3 + 1)) || return
	done
}
memberships() { cat "$LAB_DIR"/[123]/log | grep -c "A new membership"; }

KV=$(kv_program)
LOAD=$(lab_program kv_load)
CTL=$LAB_BUILD/tools/coterie-ctl
[ ! -x "$LAB_BUILD/tools/.libs/coterie-ctl" ] || CTL=$LAB_BUILD/tools/.libs/coterie-ctl
KV_REPLACEMENTS=${KV_REPLACEMENTS:-3}
copies=0
records=0
[ -n "$KV" ] && [ -n "$LOAD" ] || tap_skip "coterie-kv or kv_load is not built"
lab_open coterie coterie coterie
head -c 1000000 /dev/urandom >"$LAB_DIR/noise"
lab_start 1 2 3
tap_check "a ring of three" lab_ring 3 1 2 3
tap_check "an empty table on all" kv_ready 20 1 2 3
tap_check "$KV_MEGABYTES MB written" kv_fill
tap_check "all nodes hold the same" kv_ready 30 1 2 3
load_start

lab_kill 3
tap_check "a ring of two" lab_ring 2 1 2
kv_write_on &
writer=$!
lab_start 3
began=$SECONDS
tap_check "node 3 joins while writes go on" kv_whole $((60 + KV_MEGABYTES)) 3
took=$((SECONDS - began))
: >"$LAB_DIR/enough"
wait "$writer"
rm "$LAB_DIR/enough"
[ ! -s "$LAB_DIR/failures" ]
tap $? "no write failed: $(cat "$LAB_DIR/writes") while it took $took s" || tap_note "$(cat "$LAB_DIR/failures")"
load_stop
tap_check "all nodes hold the same" kv_ready 30 1 2 3

load_start
kv 2 watch part/ >"$LAB_DIR/seen" 2>/dev/null &
lab_cut 3
tap_check "a ring without node 3" lab_ring 2 1 2
tap_check "the larger part writes" kv 1 put part/key larger
! kv 3 -t 2 put part/key smaller >/dev/null 2>&1
tap $? "the smaller part does not"
lab_heal 3
tap_check "together again" lab_ring 3 1 2 3
load_stop
tap_check "the same again" kv_ready 60 1 2 3
tap_check "with what the larger part wrote" kv_value 3 part/key larger
grep -q 'put part/key	larger' "$LAB_DIR/seen"
tap $? "a watcher has seen it" || tap_note "$(cat "$LAB_DIR/seen")"

# The donor of the table dies while it sends: first node 1, then node 2 continues.
load_start
lab_kill 3
tap_check "a ring of two" lab_ring 2 1 2
lab_start 3
tap_check "a ring of three" lab_ring 3 1 2 3
lab_kill 1
tap_check "another sender goes on" kv_whole $((60 + KV_MEGABYTES)) 2 3
tap_check "and all is there" kv_value 3 part/key larger
lab_start 1
tap_check "all have the table" kv_whole $((60 + KV_MEGABYTES)) 1 2 3
load_stop
tap_check "the same everywhere" kv_ready 30 1 2 3

if [ -x "$CTL" ]; then
	before=$(memberships)
	load_start
	tap_check "replaced $((KV_REPLACEMENTS * 3)) times under its clients" kv_replace_all
	tap_check "the membership has not changed" test "$(memberships)" = "$before"
	tap_check "unloaded" lab_in 3 "$CTL" plugin unload kv
	tap_check "the others serve on" kv 1 put part/key later
	tap_check "loaded" lab_in 3 "$CTL" plugin load kv
	tap_check "it has the table again" kv_whole $((60 + KV_MEGABYTES)) 1 2 3
	load_stop
	tap_check "all nodes hold the same" kv_ready 30 1 2 3
	tap_check "with what was written meanwhile" kv_value 3 part/key later
else
	tap_note "coterie-ctl is not built: nothing is replaced"
fi
load_check
tap $? "one table could have answered all clients so" || tap_note "$(cat "$LAB_DIR/checked")"
tap_note "$(tail -n 1 "$LAB_DIR/checked")"
printf '0 0 1 2 1 0 0 %d 1 0\n' 63 127 >"$LAB_DIR/record_wrong"
! load_check
tap $? "two writes in one place are noticed"

# All restart, one is late: without it nothing is served, since it might have the table.
lab_kill 1 2 3
lab_start 1 2
tap_check "a ring of two forgetful nodes" lab_ring 2 1 2
tap_check "waits for the third" kv_waits 20 1 3
lab_start 3
tap_check "which has forgotten as well: an empty table" kv_ready 30 1 2 3
tap_check "that can be written" kv 2 put key value
lab_stop 1 2 3
tap $? "clean stops"
lab_close
