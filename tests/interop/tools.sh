#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Debian's tools and ours, at Debian's daemon and ours, on one, two and three nodes over udpu.
# shellcheck source=tests/interop/tools_lab.sh
. "$(dirname "$0")/tools_lab.sh"
tools_open lab_open

# --- scenarios ---

scenario_notrunning() {
	mapfile -t LAB_NODES < <(seq 1)
	play 1 notrunning.txt
	play 1 options.commands
}

scenario_single-udpu() {
	cluster 1 "$votequorum"
	play 1 single-udpu.txt
}

scenario_one() {
	cluster 1 "$votequorum"
	play 1 options.commands
	play 1 keys.commands
}

# Timers and sizes of the ring that a client changes. Our daemon pauses between two changes, so that
# clients cannot keep it busy: what is asked is asked after a pause.
scenario_timers() {
	cluster 1 "$votequorum"
	play 1 timers.commands
}

scenario_udpu3() {
	cluster 3 "$votequorum"
	play 1 udpu3.txt
}

# shellcheck disable=SC1003 # a backslash
scenario_udpu3b() {
	cluster 3 "$votequorum"
	start one 1 group grpA 'g\B'$'\001'
	start two 2 group grpA 'g\B'$'\001'
	play 1 udpu3b.txt
	play 3 groups.commands
	finish one
	finish two
}

scenario_cut() {
	cluster 3 "$votequorum"
	lab_cut 1
	await_members 1 1
	play 1 cut.txt
	lab_heal 1
}

scenario_three() {
	cluster 3 "$votequorum"
	play 2 status.commands
	play 2 votes.commands
	# One of them is gone, and its votes with it.
	lab_kill 3
	await_members 2 2
	play 2 status.commands
	play 2 votes.commands
}

# There were links of knet.
elsewhere[noquorum]='^\$ corosync-cfgtool -[sn]$'

scenario_noquorum() {
	cluster 2
	play 1 noquorum.txt
	play 1 status.commands
	play 1 votes.commands
}

scenario_twonode() {
	cluster 2 "$votequorum" "two_node: 1"
	echo "== twonode.txt"
	run 1 "corosync-quorumtool -s | tail -n +8"
	play 1 status.commands
	lab_kill 2
	await_members 1 1
	play 1 status.commands
	play 1 votes.commands
}

scenario_flags() {
	cluster 2 "$votequorum" "wait_for_all: 1" "last_man_standing: 1" "auto_tie_breaker: 1" \
		"allow_downscale: 1" "expected_votes: 2"
	echo "== flags.txt"
	run 1 "corosync-quorumtool -s | tail -n +8"
	play 1 status.commands
}

scenario_device() {
	cluster 2 "$votequorum" "device {" "	model: net" "	votes: 1" "	timeout: 60000" "}"
	start casts 1 device Judge 1 0
	play 1 status.commands
	play 2 status.commands
	start waits 2 device Judge 0 1
	play 1 status.commands
	play 2 status.commands
	run 2 "corosync-quorumtool -f"
	run 2 "corosync-quorumtool -s"
	run 2 "corosync-quorumtool -f"
	finish casts
	finish waits
}

# Followed changes are printed at once, also into a pipe. Debian's tools need help for that.
scenario_follow() {
	local at_once='' followers=() log=$LAB_DIR/tmp input

	mkfifo "$log/typed"
	exec {input}<>"$log/typed"
	rm "$log/typed"
	[ "$tools" = coterie ] || at_once="stdbuf -oL"
	cluster 3 "$votequorum"
	# Corosync's groups know of a ring before its votes do.
	await_members 1 3
	(tool 1 "exec $at_once corosync-quorumtool -m" 2>&1 </dev/null | cat >"$log/monitor") &
	followers+=($!)
	(tool 1 "exec $at_once corosync-cmapctl -T runtime.members." 2>&1 <&"$input" | cat >"$log/track") &
	followers+=($!)
	await grep -q finish "$log/track" && await grep -q "node3" "$log/monitor"
	lab_cut 1
	await_members 1 1
	await grep -q "Nodes: *1" "$log/monitor"
	lab_heal 1
	await_members 1 3
	await eval "tail -n 22 $log/monitor | grep -q 'Nodes: *3' && tail -n 2 $log/monitor | grep -q node3"
	cp "$log/monitor" "$log/steps" # node 1 may see the others end
	cluster_end
	wait "${followers[@]}"
	exec {input}>&-
	echo "== monitor.txt"
	echo "\$ corosync-quorumtool -m"
	steps "$log/steps" | sed 's/^/O /'
	sed -n '/^Unable/s/^/E /p' "$log/monitor"
	echo "== track.txt"
	echo "\$ corosync-cmapctl -T runtime.members."
	grep -v '^Dispatch' "$log/track" | by_member | sed 's/^/O /'
	sed -n '/^Dispatch/s/^/E /p' "$log/track"
}

vector_twonode() { flags_of twonode; }
vector_flags() { flags_of flags; }
flags_of() {
	echo "\$ corosync-quorumtool -s | tail -n +8"
	sed 's/^/O /' "$vectors/$1.txt"
	echo "rc=0"
}

# There both went on until they were ended: the end is what ours and Debian's say of it.
vector_monitor() { followed cat monitor; }
vector_track() { followed by_member track; }
followed() {
	head -n 1 "$LAB_DIR/tmp/part"
	"$1" <"$vectors/$2.txt" | sed 's/^/O /'
	grep '^E ' "$LAB_DIR/tmp/part"
}

# Print the events of each member once, since members may return one after the other.
by_member() { sed 's/\(join_count.* = \)[0-9]*$/\1n/' | awk '!seen[$0]++' | sort -s -t . -k 3,3n; }

# The first status of what a monitor said, the first with one node, and the last: on the way back the ring
# may take more steps than one.
steps() {
	awk 'BEGIN { RS = "Quorum information\n" } NR == 1 { next } { last = $0 }
		NR == 2 || (/Nodes: *1\n/ && !alone++) { printf "Quorum information\n%s", $0 }
		END { printf "Quorum information\n%s", last }' "$1"
}

# The flight recorder. Debian's tool for it needs a program of another package.
scenario_blackbox() {
	cluster 1 "$votequorum"
	run 1 "$LAB_BUILD/tools/corosync-blackbox 2>&1 | grep -c 'Completed service synchronization'"
	run 1 "ls $LAB_DIR/1/state | sed 's/-20.*//' | sort -u"
	cluster_end
	wait "${LAB_DAEMONS[1]}" 2>/dev/null
	run 1 "$LAB_BUILD/tools/corosync-blackbox >/dev/null 2>&1"
}

# Commands that change the daemon, or end it.
scenario_end() {
	cluster 2 "$votequorum"
	play 1 reload.commands
	start veto 1 veto
	run 1 "corosync-cfgtool -H; exit"
	finish veto
	run 1 "corosync-cfgtool -s"
	run 1 "corosync-cfgtool -k 2"
	wait "${LAB_DAEMONS[2]}"
	echo "the killed one ended with $?"
	await_members 1 1
	run 1 "corosync-cfgtool -n"
	run 1 "corosync-cfgtool -H"
	wait "${LAB_DAEMONS[1]}"
	echo "the other one ended with $?"
	cluster 1
	start veto 1 veto
	run 1 "corosync-cfgtool -H --force"
	wait "${LAB_DAEMONS[1]}"
	echo "it ended with $?"
	finish veto
}

# Our daemon without one of its services. This has no counterpart: tools/absent.txt has what must be said.
cell_absent() {
	[ "$server" = coterie ] || return
	scenario_absent | plain >"$1"
	tap_check "absent: tools of $tools, daemon of $server" differ "$vectors/absent.txt" "$1"
}

scenario_absent() {
	local service file

	for service in cmap cfg cpg quorum; do
		plugins=$LAB_DIR/plugins
		rm -rf "$plugins"
		mkdir "$plugins"
		for file in "$LAB_BUILD"/.libs/*.so; do
			[ "${file##*/}" = "$service.so" ] || ln -s "$file" "$plugins"
		done
		echo "# without $service"
		cluster_without_ring 1 "$votequorum"
		play 1 absent.commands
		cluster_end
		wait "${LAB_DAEMONS[1]}" 2>/dev/null
		plugins=
	done
}
also_noquorum() {
	tap_check "noquorum: a status without provider, daemon of $server" lacks_provider "$1"
}

lacks_provider() {
	diff <(printf '%s\n' '$ corosync-quorumtool -sH' 'O Quorum information' 'O ------------------' \
		'O Date: now' 'O Quorum provider:  Not configured' 'O Nodes:            0' \
		'O Node ID:          0x00000001' 'O Ring ID:          seq' 'O Quorate:          No' 'rc=2') \
		<(awk '/^\$ / { inside = $0 == "$ corosync-quorumtool -sH" } inside' "$1")
}

cell_change() {
	[ "$tools" = coterie ] || return
	tells_of_votes # not in a subshell: it starts daemons
	tap $? "change: a monitor tells of votes, daemon of $server"
	cluster_end
}

# Quorum that comes with votes and not with a node: the reference's monitor waits for another ring then.
tells_of_votes() {
	local log=$LAB_DIR/tmp/monitor

	cluster 2 "$votequorum"
	(tool 1 "exec corosync-quorumtool -m" >"$log" 2>&1 </dev/null) &
	await grep -q "Nodes: *2" "$log" || return
	lab_kill 2
	await grep -q "Nodes: *1" "$log" || return
	(tool 1 "corosync-quorumtool -v 9")
	await grep -q "Total votes: *9" "$log"
}
tools_compare notrunning single-udpu one timers udpu3 udpu3b cut three noquorum twonode flags device follow blackbox \
	change absent end
