#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Uses the plugin template as a third party does. It is built outside the tree, in a root that has only the
# SDK and a daemon, and tested with the test kit. Then two installed daemons load it, and their numbers must
# agree. TALLY_SEEDS: the first and the last seed of its own test, with a space between.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/abi/sdk.sh
. "$(dirname "$0")/sdk.sh"

sdk_open
sdk_seeds=${TALLY_SEEDS:-}
declare -A daemon
finish() {
	[ ${#daemon[@]} -eq 0 ] || kill -KILL "${daemon[@]}" 2>/dev/null
	wait
	rm -rf "$work"
}
trap finish EXIT

# --- the SDK, and the build ---

sdk_install
abi=$(sed -n 's/^#define COTERIE_ABI_\(MAJOR\|MINOR\) //p' \
	"$(find "$root" -path '*/coterie/plugin.h')" | paste -sd.)
tap_check "plugindir is where the plugins are" test -e "$root$plugin_dir/cpg.so"
tap_check "abi is that of the headers" \
	test "$(PKG_CONFIG_LIBDIR=$sdk_pc pkg-config --variable=abi coterie-plugin)" = "$abi"
sdk_build template-service tally

# --- two daemons ---

tap_plan_without_daemon() {
	tap_note "$1"
	tap_end
}
program=$(find "$root" -path '*/sbin/coterie')
[ -x "$program" ] || tap_plan_without_daemon "no daemon in this build: not loaded"
sdk_check
libraries=$(dirname "$(find "$root" -name 'libcoterie-client.so.0')")
sdk_needs libqb
tap_check "tallyctl builds without a warning" sdk_make tallyctl || tap_end

# Addresses and instance names of this process' own.
net=127.$((1 + $$ % 250)).$(($$ / 250 % 250))
cat >"$work/corosync.conf" <<END
totem {
	version: 2
	cluster_name: template
	transport: udpu
	token: 1000
	interface {
		ringnumber: 0
		mcastport: 5405
	}
}
nodelist {
	node {
		name: template$$-1
		nodeid: 1
		ring0_addr: $net.1
	}
	node {
		name: template$$-2
		nodeid: 2
		ring0_addr: $net.2
	}
}
service {
	name: tally
	step_max: 50
}
system {
	sched_rr: no
	state_dir: $work/state
}
logging {
	to_stderr: yes
	to_syslog: no
	to_logfile: no
}
END
mkdir "$work/state"

start() {
	COTERIE_PLUGIN_PATH=$root$plugin_dir:$there "$program" --instance "template$$-$1" -f \
		-c "$work/corosync.conf" >"$work/$1.log" 2>&1 &
	daemon[$1]=$!
}
tally() {
	local node=$1

	shift
	COTERIE_INSTANCE=template$$-$node LD_LIBRARY_PATH=$libraries:$build/.libs timeout 10 "$work/tally/tallyctl" "$@"
}
# await NODE WANT: the number of a node becomes this.
await() {
	local end=$((SECONDS + 20))

	until [ "$(tally "$1" 2>/dev/null)" = "$2" ]; do
		[ $SECONDS -lt $end ] || {
			tally "$1"
			cat "$work/$1.log"
			return 1
		}
		sleep 0.05
	done
}

start 1
tap_check "a daemon loads it" await 1 0 || tap_end
tap_check "a client adds" tally 1 add 5
tap_check "and the number is there" await 1 5
tap_check "what the option forbids is refused" eval '! tally 1 add 51 2>/dev/null'
start 2
tap_check "a node that comes later learns the number" await 2 5
tap_check "and adds to it" tally 2 add 50
tap_check "so that both" await 1 55
tap_check "have the same" await 2 55
kill "${daemon[@]}"
wait "${daemon[@]}"
tap $? "they stop cleanly" || tap_note "$(tail -n 5 "$work"/*.log)"
daemon=()
tap_check "leaves no complaint about it" eval '! grep -i "leak" "$work"/*.log'
tap_end
