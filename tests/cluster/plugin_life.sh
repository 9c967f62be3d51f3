#!/bin/bash
# Plugins come, go and are replaced in a ring of three that carries traffic: every service of node 3 is unloaded,
# loaded and replaced LIFE_COUNT times while nodes 1 and 2 load a group, and node 1's are replaced under the
# hands of its clients. Not one message is lost or reordered, the membership does not change, nothing leaks.
# LIFE_COUNT: 3; 100 in make check-long.
# shellcheck disable=SC2034 # read by lab.sh
LAB_TOTEM="}
		quorum {
			provider: corosync_votequorum
		}
		service {
			name: tally"
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
count=${LIFE_COUNT:-3}
ctl=$LAB_BUILD/tools/coterie-ctl
[ ! -x "$LAB_BUILD/tools/.libs/coterie-ctl" ] || ctl=$LAB_BUILD/tools/.libs/coterie-ctl
life=$LAB_BUILD/tests/unit/plugins/.libs/life.so
tally=$LAB_BUILD/tests/unit/plugins/.libs/tally.so
[ -x "$ctl" ] || tap_skip "coterie-ctl is not built (no json-c)"
[ -e "$life" ] || tap_skip "the plugins of the unit tests are not built"

lab_open coterie coterie coterie

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
		LAB_PLUGINS[node]=$LAB_DIR/$node/plugins
	done
}
renew() { cp "$LAB_DIR/$1/plugins/$2.so" "$LAB_DIR/$1/new" && mv "$LAB_DIR/$1/new" "$LAB_DIR/$1/plugins/$2.so"; }

# variant WORD: life.so, misbehaving so, in a folder of its own.
variant() {
	local dots=.........

	mkdir -p "$LAB_DIR/$1"
	sed "s/LIFE:good\.\.\.\./LIFE:$1${dots:0:$((8 - ${#1}))}/" "$life" >"$LAB_DIR/$1/life.so"
}

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

# traffic COMMAND...: while nodes 1 and 2 load a group; all of it arrives, in one order.
traffic() {
	local node status=0 waiting=()

	for node in 1 2; do
		lab_exec "$node" timeout 600 "$(lab_program cpg_load)" -g other -m 2 -s 1000 -t "$load_ms" -w 300 \
			>"$LAB_DIR/$node/load" 2>&1 &
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

folders
lab_start 1 2 3
tap_check "a ring of three" lab_ring 3 1 2 3 || lab_close
load_ms=$((count * 150 + 500))
before=$(memberships)
tap_check "once, to warm up" come_and_go evs
sanitized=$(nm -D "$LAB_BUILD/exec/.libs/coterie" "$LAB_BUILD/exec/coterie" 2>/dev/null | grep -m 1 __asan)
for service in cmap cfg evs cpg quorum tally pload mon wd kv metrics; do
	[ -e "$LAB_DIR/3/plugins/$service.so" ] || continue
	way=come_and_go
	ctl 3 plugin list && says "^$service " || way=go_and_come
	fds=$(descriptors 3)
	kilobytes=$(memory 3)
	tap_check "$service comes, goes and is replaced $count times, others do not notice" \
		traffic $way $service
	tap_check "and leaves no descriptor behind" test "$(descriptors 3)" -le "$fds"
	# A sanitizer keeps what was freed for a while.
	[ -n "$sanitized" ] || tap_check "and no memory to speak of" memory_within 3 $((kilobytes + 8192))
done
for service in cpg cmap cfg votequorum quorum evs control tally; do
	tap_check "$service is replaced $count times under its clients" traffic be_replaced $service
done
tap_check "the membership has not changed" test "$(memberships)" = "$before"
tap_check "nothing leaked" bash -c "! grep -h Leak '$LAB_DIR'/[123]/log"

# The verdict goes on.
tap_check "the ring is quorate" bash -c "grep -q 'primary component and will provide' '$LAB_DIR/1/log' &&
	! grep -q 'non-primary' '$LAB_DIR/1/log'"
tap_check "the quorum provider stays" refused 7 1 plugin unload votequorum
tap_check "and the transport" refused 7 1 plugin unload udpu
tap_check "and who would unload itself" refused 7 1 plugin unload control

# Files that are no good.
for mode in good fails refuses crashes hangs; do
	variant $mode
done
tap_check "a file by its path, with an option" ctl 1 plugin load "$LAB_DIR/good/life.so" step=2
# The nodes tell each other their plugins a moment after the change.
lists() {
	local deadline=$((SECONDS + 10))

	until ctl 1 plugin list && says "$1"; do
		[ $SECONDS -lt $deadline ] || return
		sleep 0.1
	done
}
tap_check "the list names those that lack it, by their numbers" lists 'life .*(not on node 2 3)'
tap_check "one that fails is refused" refused 1 1 plugin replace life "$LAB_DIR/fails/life.so"
tap_check "one that refuses the state is refused" refused 7 1 plugin replace life "$LAB_DIR/refuses/life.so"
tap_check "one that crashes is refused" refused 1 1 plugin replace life "$LAB_DIR/crashes/life.so"
tap_check "and says so" says 'crashes when it starts'
tap_check "one that hangs is refused" refused 6 1 plugin replace life "$LAB_DIR/hangs/life.so"
tap_check "an option that is none is refused" refused 8 2 plugin load "$LAB_DIR/good/life.so" step=99
tap_check "the old one serves on" ctl 1 plugin list
tap_check "as before" says 'life .*good/life.so'
tap_check "with force it starts cold" ctl 1 plugin replace life "$LAB_DIR/refuses/life.so" --force
tap_check "it goes" ctl 1 plugin unload life --drain 1
tap_check "and is not there" refused 5 1 plugin unload life
tap_check "the membership has not changed at all" test "$(memberships)" = "$before"

# By the config file.
sed -i 's/name: tally/name: pload/' "$LAB_DIR"/[123]/corosync.conf
tap_check "the file is read again" ctl 1 reload
sleep 1
tap_check "the list" ctl 1 plugin list
tap_check "what it names has come" says '^pload .*active'
tap_check "what it names no more has gone" bash -c "! grep '^tally' '$LAB_DIR/said'"
tap_check "the daemons are all there" lab_alive 1 2 3
lab_traffic "and the ring" 1000 1 2 3
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
