#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What the tools answer when something is odd: numbers that JSON does not have, a full disk.
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"

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

# 2. The events of a watch are lost.
OUT=/dev/full tap_check "a watch fails on a full disk" ends 1 "cannot write the output" timeout 20 "$ctl" watch
tap_check "and does not report the daemon as gone" eval "! grep -q gone '$LAB_DIR/errors'"

lab_stop 1
tap $? "a clean end"
lab_close
