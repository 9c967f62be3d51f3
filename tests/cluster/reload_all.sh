#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Reloads under load, one after the other, asked for on every node: nodes and links come and go, timers change, files
# break, on all nodes or on one. Each is made by all nodes or none; no token is lost, no message, no descriptor.
# Then nodes die in the middle of one: those who go on have all made it or not.
# shellcheck disable=SC2317 # functions are called through reload_until
LAB_TOKEN=${LAB_TOKEN:-3000}
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/knet_lab.sh
. "$(dirname "$0")/knet_lab.sh"
# shellcheck source=tests/cluster/reloads.sh
. "$(dirname "$0")/reloads.sh"

RELOADS=${RELOADS:-14} # 100 in check-long
DEATHS=${DEATHS:-1}    # 20 there

schema=$LAB_HERE/../interop/schema/coterie-ctl-1.schema.json
list="1 2 3"
links=1

# The files of nodes 1 to 3 say what list, links and LAB_TOKEN do.
all_write() {
	reload_list "$list" 1 2 3
	[ $links -eq 1 ] || sed -i 's/ring0_addr: 10\.0\.0\.\([0-9]*\)/&\n\t\tring1_addr: 10.1.0.\1/' \
		"$LAB_DIR"/[123]/corosync.conf
}

# Print the state of a node: its token timeout, nodes and addresses.
all_state() { reload_ask "$1" get totem.token && reload_ask "$1" keys nodelist.node.; }

# True when all nodes have what the files say.
all_have() {
	local node

	for node in "$@"; do
		all_state "$node" >"$LAB_DIR/$node/state.now"
		cmp "$LAB_DIR/$1/state.now" "$LAB_DIR/$node/state.now" || return
	done
	grep -qx "$LAB_TOKEN" "$LAB_DIR/$1/state.now" &&
		[ "$(grep -c nodeid "$LAB_DIR/$1/state.now")" -eq "$(wc -w <<<"$list")" ] &&
		[ "$(grep -c 'ring[01]_addr' "$LAB_DIR/$1/state.now")" -eq $(($(wc -w <<<"$list") * links)) ]
}

# all_ask NUMBER: in one way or the other. The status is 0, or not.
all_ask() {
	local node=$(($1 % 3 + 1))

	if [ $(($1 / 7 % 2)) -eq 0 ]; then
		reload_ask "$node" reload
	else
		lab_in "$node" "$LAB_CTL" --json reload >"$LAB_DIR/report" || return
	fi
}

# all_play NUMBER: one reload. False when its outcome is not what it has to be.
all_play() {
	local number=$1 victim=$(($1 / 7 % 3 + 1)) is_good=1

	case $((number % 7)) in
	0) list="1 2 3 4" ;;
	1) LAB_TOKEN=$((LAB_TOKEN + 10)) ;;
	2) is_good=0 && victim="[123]" ;;
	3) is_good=0 ;;
	4) list="1 2 3" ;;
	5) links=2 ;;
	6) links=1 ;;
	esac
	all_write
	if [ $is_good -eq 1 ]; then
		all_ask "$number" && all_have 1 2 3
		return
	fi
	# shellcheck disable=SC2086 # it is a pattern
	sed -i "s/token: .*/token: 1/; s/nodeid: 3/nodeid: 5/" "$LAB_DIR"/$victim/corosync.conf
	! all_ask "$number" && all_have 1 2 3
}

all_descriptors() {
	local node

	for node in 1 2 3; do
		find "/proc/${LAB_DAEMONS[node]}/fd" -mindepth 1 2>/dev/null | wc -l
	done | paste -sd' '
}

LAB_CTL=$LAB_BUILD/tools/.libs/coterie-ctl
[ -x "$LAB_CTL" ] || LAB_CTL=$LAB_BUILD/tools/coterie-ctl
knet_open coterie coterie coterie coterie
all_write
lab_start 1 2 3
tap_check "a ring of three" lab_ring 3 1 2 3
knet_links 1 2
all_play 5 && all_play 6 # plugins have opened what they keep open
before=$(reload_changes 1 2 3)
descriptors=$(all_descriptors)
begin_ms=$(date +%s%3N)
pid=
failed=
for number in $(seq 0 $((RELOADS - 1))); do
	if [ -z "$pid" ] || ! kill -0 "$pid" 2>/dev/null; then
		[ -z "$pid" ] || { wait "$pid"; tap_count_background $?; }
		LAB_MS=$((${CHUNK:-3} * 1000)) lab_traffic "reloads under load" 1400 1 2 3 &
		pid=$!
	fi
	all_play "$number" >>"$LAB_DIR/played" 2>&1 || failed="$failed $number"
done
tap_note "$RELOADS reloads in $(($(date +%s%3N) - begin_ms)) ms"
lab_enough
wait "$pid"
tap_count_background $?
tap_check "$RELOADS reloads, each by all nodes or none (else:$failed)" test -z "$failed"
[ -z "$failed" ] || tap_note "$(cat "$LAB_DIR/played")"
tap_check "no membership change ($before, $(reload_changes 1 2 3))" test "$before" = "$(reload_changes 1 2 3)"
tap_check "no token lost" test "$(cat "$LAB_DIR"/[123]/log | grep -c 'A processor failed')" = 0
list="1 2 3" links=1
all_write
tap_check "a last one" all_ask 0
tap_check "no descriptor lost ($descriptors, $(all_descriptors))" \
	reload_until 5 eval 'test "$descriptors" = "$(all_descriptors)"'

# The output of the tool, for a check and for a refusal.
LAB_TOKEN=$((LAB_TOKEN + 10))
all_write
lab_in 2 "$LAB_CTL" reload --check-only >"$LAB_DIR/told" 2>&1
tap $? "a check of all files"
tap_check "says what would change" grep -q "totem.token: $((LAB_TOKEN - 10)) -> $LAB_TOKEN" "$LAB_DIR/told"
tap_check "on all nodes" grep -q "^Nodes 1 2 3: unchanged" "$LAB_DIR/told"
tap_check "and changes nothing" reload_has 1 totem.token $((LAB_TOKEN - 10))
lab_in 2 "$LAB_BUILD/exec/coterie" --check-reload >"$LAB_DIR/told.daemon" 2>&1
tap $? "the daemon's program has the same said"
tap_check "with the same words" cmp "$LAB_DIR/told" "$LAB_DIR/told.daemon"
lab_in 2 "$LAB_BUILD/exec/coterie" --check-reload -c "$LAB_DIR/2/corosync.conf" >"$LAB_DIR/told" 2>&1
tap_check "of a file: what it has other than the daemon" grep -q "totem.token (u32) = $LAB_TOKEN" "$LAB_DIR/told"
tap_check "and nothing has changed" reload_has 2 totem.token $((LAB_TOKEN - 10))
sed "s/token: .*/token: 1/" "$LAB_DIR/2/corosync.conf" >"$LAB_DIR/bad.conf"
lab_in 2 "$LAB_BUILD/exec/coterie" --check-reload -c "$LAB_DIR/bad.conf" >"$LAB_DIR/told" 2>&1
tap_check "of a bad one: its errors" test $? = 8
reload_list "$list" 1
sed -i "s/token: .*/token: $((LAB_TOKEN - 10))/" "$LAB_DIR/1/corosync.conf"
lab_in 2 "$LAB_CTL" config diff --nodes all >"$LAB_DIR/told" 2>&1
tap $? "every node's file against what it runs"
tap_check "two differ, one does not" diff - "$LAB_DIR/told" <<-END
	node 2: totem.token (str) = $LAB_TOKEN
	node 3: totem.token (str) = $LAB_TOKEN
END
all_write
sed -i "s/token: .*/token: 1/" "$LAB_DIR/3/corosync.conf"
lab_in 2 "$LAB_CTL" reload >"$LAB_DIR/told" 2>&1
tap_check "a reload that one refuses" test $? = 8
tap_check "is told with the reason" grep -q "^Node 3: refused: .*corosync.conf:.*" "$LAB_DIR/told"
tap_check "and that nothing has changed" grep -q "^Nothing has changed on any node" "$LAB_DIR/told"
sed -i "s/token: .*/token: $LAB_TOKEN/; s/cluster_name: .*/cluster_name: other/" "$LAB_DIR/3/corosync.conf"
lab_in 2 "$LAB_CTL" --json reload >"$LAB_DIR/report"
tap $? "one with what needs a restart"
if python3 -c 'import jsonschema' 2>/dev/null; then
	tap_check "as in the schema" python3 - "$schema" "$LAB_DIR/report" <<-'PYTHON'
		import json, jsonschema, sys
		document = json.load(open(sys.argv[2]))
		jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(document)
		data = document["data"]
		assert data["outcome"] == "applied", data
		assert [node["result"] for node in data["nodes"]] == ["applied"] * 3, data
		assert data["applied"] == ["totem.token"], data
		assert data["needs_restart"] == ["totem.cluster_name"], data
		assert data["nodes"][2]["restarts"] == [
		    {"key": "totem.cluster_name", "old": "lab", "new": "other"}], data
	PYTHON
fi

# A node dies while the others agree.
for number in $(seq "$DEATHS"); do
	LAB_TOKEN=$((LAB_TOKEN + 10))
	all_write
	reload_ask $((number % 2 + 1)) reload >"$LAB_DIR/asked" 2>&1 &
	pid=$!
	sleep "0.0$((RANDOM % 60 + 10))"
	lab_kill 3
	wait $pid
	tap_check "who goes on has reloaded when another dies: $(cat "$LAB_DIR/asked")" all_have 1 2
	lab_start 3
	tap_check "a ring of three again" lab_ring 3 1 2 3
done
# The one who asked dies.
for number in $(seq "$DEATHS"); do
	LAB_TOKEN=$((LAB_TOKEN + 10))
	all_write
	lab_in 3 -t 5 "$(lab_program cfg_ask)" reload >"$LAB_DIR/asked" 2>&1 &
	pid=$!
	sleep "0.0$((RANDOM % 60 + 10))"
	lab_kill 3
	wait $pid
	tap_check "a ring of two" lab_ring 2 1 2
	tap_check "who goes on has reloaded, or nobody has, when the asker dies" \
		cmp <(all_state 1) <(all_state 2)
	tap_check "the next one is made" reload_ask 1 reload
	tap_check "by both" all_have 1 2
	lab_start 3
	tap_check "a ring of three again" lab_ring 3 1 2 3
done
lab_alive 1 2 3
tap $? "no daemon has exited"
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
