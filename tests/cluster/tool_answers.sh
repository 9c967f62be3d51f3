#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Answers of the tools in odd cases. A number is one that JSON or its type does not have. A disk is full. The daemon dies in
# the middle of an answer, or reports a file that it should not.
LAB_ENCRYPTION=${LAB_ENCRYPTION:-aes256-gcm}
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"

dies=$LAB_BUILD/tests/cluster/.libs/daemon_dies.so
tool() { # NAME: the program itself, without libtool's script
	local path=$LAB_BUILD/tools/.libs/$1

	[ -x "$path" ] || path=$LAB_BUILD/tools/$1
	echo "$path"
}
ctl=$(tool coterie-ctl)
lab_in_has_json() { lab_in 1 "$ctl" --version >/dev/null 2>&1; }

lab_open coterie
lab_start 1
tap_check "a ring of one" lab_ring 1 1 || lab_close
lab_in_has_json || { tap_note "coterie-ctl is built without json-c"; lab_close; }

# ends STATUS TEXT COMMAND...: the status, and the text on standard error.
ends() {
	local status

	lab_in 1 -t 30 "${@:3}" >"${OUT:-$LAB_DIR/said}" 2>"$LAB_DIR/errors"
	status=$?
	[ $status -eq "$1" ] && grep -qF -- "$2" "$LAB_DIR/errors" && return
	printf 'status %s: %s\n' $status "$(<"$LAB_DIR/errors")"
	return 1
}

# 1. JSON has no infinite numbers.
value_is() { # KEY TEXT ARGUMENT...
	lab_in 1 "$ctl" --json "${@:3}" config get "$1" >"$LAB_DIR/said" && python3 - "$LAB_DIR/said" "$2" <<-'PYTHON'
		import json, sys
		def refuse(word):
		    raise ValueError(f"{word} is no JSON")
		document = json.load(open(sys.argv[1]), parse_constant=refuse)
		value = document["data"]["keys"][0]["value"]
		assert value == sys.argv[2], value
	PYTHON
}
for type in flt dbl; do
	for number in nan inf -inf; do
		tap_check "a $type of $number is set" lab_in 1 "$ctl" config set "odd.$type" $type -- $number
		tap_check "a $type of $number in JSON" value_is "odd.$type" $number
		tap_check "a $type of $number of a node" value_is "odd.$type" $number --nodes 1
	done
done

# 2. A number that its type does not have is refused, also behind a blank.
for word in -5 " -5" $'\t-18446744073709551615' " 5"; do
	tap_check "no u64 is '$word'" ends 64 "is no u64 number" "$ctl" config set odd.u64 u64 -- "$word"
done
tap_check "no votes are ' -18446744073709551615'" ends 64 "is no number" \
	"$ctl" quorum set-expected -- " -18446744073709551615"

# 3. The events of a watch are lost.
OUT=/dev/full tap_check "a watch fails on a full disk" ends 1 "cannot write the output" timeout 20 "$ctl" watch
tap_check "and does not report the daemon as gone" eval "! grep -q gone '$LAB_DIR/errors'"

# A service that the watch uses is unloaded.
unloaded() { # SERVICE
	local shown status

	lab_in 1 timeout 20 "$ctl" watch >"$LAB_DIR/said" 2>"$LAB_DIR/errors" &
	shown=$!
	lab_await grep -q quorate "$LAB_DIR/said" || return
	lab_in 1 "$ctl" plugin unload "$1" >/dev/null || return
	wait $shown
	status=$?
	lab_in 1 "$ctl" plugin load "$1" >/dev/null
	[ $status -eq 5 ] && grep -q "service $1 is not loaded" "$LAB_DIR/errors" && return
	printf 'status %s: %s\n' $status "$(<"$LAB_DIR/errors")"
	return 1
}
tap_check "a watch whose service has gone does not report the daemon as gone" unloaded quorum

# 4. The daemon dies.
dies() { # STATUS TEXT FUNCTION TOOL ARGUMENT...
	local pid=${LAB_DAEMONS[1]}

	ends "$1" "$2" timeout 20 env LD_PRELOAD="$dies" DIES_AT="$3" DIES_PID="$pid" "${@:4}" || return
	! kill -0 "$pid" 2>/dev/null || ! grep -q "^State:.[^Z]" "/proc/$pid/status" && return
	echo "the daemon has not died"
	return 1
}
# Not in a subshell, since the new process becomes a child of this shell.
again() {
	kill -KILL "${LAB_DAEMONS[1]}" 2>/dev/null
	wait "${LAB_DAEMONS[1]}" 2>/dev/null
	lab_start 1
	lab_ring 1 1
}
cut() { # STATUS TEXT FUNCTION TOOL ARGUMENT...: it is not taken for a whole answer
	tap_check "the daemon dies: ${4##*/} ${*:5} fails" dies "$@"
	again
	tap $? "it runs again"
}
gone="the connection to the daemon broke"
for command in status members "config show" clients metrics; do
	# shellcheck disable=SC2086 # words
	cut 3 "$gone" cmap_iter_next "$ctl" $command
done
# Two members of a group: their program ends with the daemon.
members() {
	lab_in 1 "$LAB_LOAD" -g odd -m 2 -c 2 -t 60000 -o 10 >/dev/null 2>&1 &
	lab_await two_members
}
two_members() { [ "$(lab_in 1 "$ctl" cpg list | grep -c pid)" -eq 2 ]; }
tap_check "a group of two" members
cut 3 "$gone" cpg_iteration_next "$ctl" cpg list
tap_check "a group of two" members
cut 1 "the list is not complete" cpg_iteration_next "$(tool corosync-cpgtool)"
cut 1 "iterate" cmap_iter_next "$(tool corosync-cmapctl)" totem.
lab_in 1 "$ctl" --quiet config set odd.key str x
cut 1 "iterate" cmap_iter_next "$(tool corosync-cmapctl)" -D odd.
cut 1 "The daemon has written no new flight recorder" cmap_set_string "$(tool corosync-blackbox)"
# A repeated answer ends with the daemon.
repeat() { # TEXT ARGUMENT...
	local shown

	lab_in 1 timeout 20 "$ctl" "${@:2}" >"$LAB_DIR/said" 2>"$LAB_DIR/errors" &
	shown=$!
	lab_await grep -q "$1" "$LAB_DIR/said" || return
	kill -KILL "${LAB_DAEMONS[1]}"
	wait $shown
	[ $? -eq 3 ]
}
tap_check "--watch ends with the daemon" repeat operational --watch status
again
tap $? "it runs again"
tap_check "a watch ends with the daemon" repeat quorate watch
tap_check "and reports it as gone" grep -q "the daemon has gone" "$LAB_DIR/errors"
again
tap $? "it runs again"
# 4. The helper of cluster commands runs as root. A daemon with a user of its own may report any file as its key.
user=65534
grep -v '^coterie:' /etc/passwd >"$LAB_DIR/passwd"
echo "coterie:x:$user:$user::/nonexistent:/usr/sbin/nologin" >>"$LAB_DIR/passwd"
hex=$(od -An -v -tx1 "$LAB_DIR/key" | tr -d ' \n')
helper() { # TEXT
	# shellcheck disable=SC2016 # the words of sh -c
	printf '%s\n' '{"do": "facts"}' '{"do": "secret"}' |
		lab_in 1 -t 30 unshare -m sh -c 'mount --bind "$1" /etc/passwd && exec "$2" __node' sh "$LAB_DIR/passwd" "$ctl" >"$LAB_DIR/said"
	grep -qF "$1" "$LAB_DIR/said" || { head -c 400 "$LAB_DIR/said" && return 1; }
}
tap_check "a key that only the daemon reports, and that is root's" helper "/key': Operation not permitted"
tap_check "is not read" eval "! grep -q $hex '$LAB_DIR/said'"
chown $user "$LAB_DIR/key"
tap_check "one of the daemon's user is read" helper "$hex"
chown 0 "$LAB_DIR/key"
lab_stop 1
tap $? "a clean end"
lab_close
