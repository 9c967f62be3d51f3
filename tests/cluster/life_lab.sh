# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Plugins that come, go and are replaced in a ring of three while others load a group: sourced after lab.sh, before
# lab_open, by scripts that then call lab_open, folders and lab_start. LIFE_COUNT: how often each; 3, 100 in check-long.
# LIFE_RATE: messages of each sender in a second, so that there is one at any moment of what happens to a service: 5000.
# While it happens to cpg as many as are taken; in check-long (0) always.

count=${LIFE_COUNT:-3}
load_ms=$((count * 150 + 500)) # of the traffic beside
ctl=$LAB_BUILD/tools/coterie-ctl
[ ! -x "$LAB_BUILD/tools/.libs/coterie-ctl" ] || ctl=$LAB_BUILD/tools/.libs/coterie-ctl
life=$LAB_BUILD/tests/unit/sample-plugins/.libs/life.so
tally=$LAB_BUILD/tests/unit/sample-plugins/.libs/tally.so
[ -x "$ctl" ] || tap_skip "coterie-ctl is not built (no json-c)"
[ -e "$life" ] || tap_skip "the plugins of the unit tests are not built"
sanitized=$(nm -D "$LAB_BUILD/exec/.libs/coterie" "$LAB_BUILD/exec/coterie" 2>/dev/null | grep -m 1 __asan)

ctl() {
	local node=$1

	shift
	lab_in "$node" "$ctl" "$@" >"$LAB_DIR/said" 2>&1 || {
		tap_note "node $node: $*: $(cat "$LAB_DIR/said")"
		return 1
	}
}
# refused STATUS NODE WORD...
refused() {
	local status=$1 node=$2

	shift 2
	lab_in "$node" "$ctl" "$@" >"$LAB_DIR/said" 2>&1
	[ $? -eq "$status" ] || {
		tap_note "node $node: $*: $(cat "$LAB_DIR/said")"
		return 1
	}
}
says() { grep -q "$1" "$LAB_DIR/said"; }

# A folder of plugins for each node, where a new version is installed as a package manager does it: another file.
folders() {
	local node plugin

	for node in 1 2 3; do
		mkdir "$LAB_DIR/$node/plugins"
		for plugin in "$LAB_BUILD"/.libs/*.so; do
			nm -D "$plugin" | grep -q LTX_coterie_plugin && cp "$plugin" "$LAB_DIR/$node/plugins"
		done
		cp "$tally" "$LAB_DIR/$node/plugins"
		# shellcheck disable=SC2034 # read by lab.sh
		LAB_PLUGINS[node]=$LAB_DIR/$node/plugins
	done
}
renew() { cp "$LAB_DIR/$1/plugins/$2.so" "$LAB_DIR/$1/new" && mv "$LAB_DIR/$1/new" "$LAB_DIR/$1/plugins/$2.so"; }

memberships() { cat "$LAB_DIR"/[123]/log | grep -c "A new membership"; }
daemon_of() { pgrep -P "${LAB_DAEMONS[$1]}" 2>/dev/null || echo "${LAB_DAEMONS[$1]}"; }
descriptors() { find "/proc/$(daemon_of "$1")/fd" -mindepth 1 | wc -l; }
memory() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(daemon_of "$1")/status"; }
# memory_within NODE KILOBYTES: soon; what the traffic took goes back when that is over.
memory_within() {
	local end=$((SECONDS + 5))

	until [ "$(memory "$1")" -le "$2" ]; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# traffic COMMAND SERVICE: while nodes 1 and 2 load a group; all of it arrives, in one order.
traffic() {
	local node status=0 waiting=() rate=${LIFE_RATE:-5000}

	[ "$2" != cpg ] || rate=0
	for node in 1 2; do
		lab_exec "$node" -t 600 "$LAB_LOAD" -g other -m 2 -s 1000 -t "$load_ms" -w 300 \
			-o "$rate" >"$LAB_DIR/$node/load" 2>&1 &
		waiting+=($!)
	done
	sleep 0.2
	"$@" || status=1
	for node in "${waiting[@]}"; do
		wait "$node" || status=1
	done
	[ "$(sed -n 's/.*hash=//p' "$LAB_DIR/1/load" "$LAB_DIR/2/load" | sort -u | wc -l)" -eq 1 ] || status=1
	[ $status -eq 0 ] || tap_note "$(cat "$LAB_DIR/1/load" "$LAB_DIR/2/load")"
	return $status
}

come_and_go() {
	local i

	for ((i = 0; i < count; i++)); do
		ctl 3 plugin unload "$1" && ctl 3 plugin load "$1" || return
		renew 3 "$1" && ctl 3 plugin replace "$1" || return
	done
}
# Of one that is not there before.
go_and_come() {
	local i

	for ((i = 0; i < count; i++)); do
		ctl 3 plugin load "$1" && renew 3 "$1" && ctl 3 plugin replace "$1" && ctl 3 plugin unload "$1" || return
	done
}
be_replaced() {
	local i

	for ((i = 0; i < count; i++)); do
		renew 1 "$1" && ctl 1 plugin replace "$1" || return
	done
}

# unnoticed WAY SERVICE: TAP results for a service that comes, goes and is replaced on node 3 under traffic.
unnoticed() {
	local fds kilobytes

	fds=$(descriptors 3)
	kilobytes=$(memory 3)
	tap_check "$2 comes, goes and is replaced $count times, others do not notice" traffic "$1" "$2"
	tap_check "and leaves no descriptor behind" test "$(descriptors 3)" -le "$fds"
	# A sanitizer keeps what was freed for a while.
	[ -n "$sanitized" ] || tap_check "and no memory to speak of" memory_within 3 $((kilobytes + 8192))
}
