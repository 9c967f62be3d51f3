#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A third party's quorum provider. It is built with only include/coterie, and named in the configuration.
# The daemon uses its verdict and clients see it, on two nodes that form a ring and are separated.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../../../tap.sh"
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
build=${abs_top_builddir:-$PWD}
quorumtool=$build/tools/corosync-quorumtool
[ -x "$build/exec/coterie" ] || tap_skip "no daemon in this build"
[ -e "$build/quorum.la" ] || tap_skip "no quorum service in this build"
[ -x "$quorumtool" ] || tap_skip "no corosync-quorumtool in this build"

work=$(mktemp -d)
declare -A daemon
finish() {
	[ ${#daemon[@]} -eq 0 ] || kill -KILL "${daemon[@]}" 2>/dev/null
	wait
	rm -rf "$work"
}
trap finish EXIT

mkdir "$work/plugins" "$work/state"
# Where the sanitizers are linked into the daemon, a plugin needs nothing of them.
tap_check "it builds against the SDK alone" "${CC:-cc}" -std=gnu11 -O2 -Wall -Wextra -Werror -Wconversion \
	-Wno-sign-conversion -I"$here/../../../../include" -fPIC -fvisibility=hidden -shared -Wl,-z,defs -Wl,-z,now \
	-o "$work/plugins/leader.so" "$here/../../sample-plugins/leader.c" || tap_end

# Addresses and instance names of this process' own.
net=127.$((1 + $$ % 250)).$(($$ / 250 % 250))
cat >"$work/corosync.conf" <<END
totem {
	version: 2
	cluster_name: provider
	transport: udpu
	token: 1000
}
nodelist {
	node {
		name: provider$$-1
		nodeid: 1
		ring0_addr: $net.1
	}
	node {
		name: provider$$-2
		nodeid: 2
		ring0_addr: $net.2
	}
}
quorum {
	provider: leader
}
service {
	name: leader
	node: 2
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

start() {
	COTERIE_PLUGIN_PATH=$work/plugins:$build "$build/exec/coterie" --instance "provider$$-$1" -f \
		-c "$work/corosync.conf" >"$work/$1.log" 2>&1 &
	daemon[$1]=$!
}
verdict() {
	COTERIE_INSTANCE=provider$$-$1 LD_LIBRARY_PATH=$build/.libs timeout 10 "$quorumtool" -s 2>&1
}
# await NODE COUNT VERDICT: so many nodes, and the verdict is Yes or No.
await() {
	local end=$((SECONDS + 20)) seen

	until seen=$(verdict "$1"); [[ $seen =~ Nodes:\ *$2$'\n'.*Quorate:\ *$3 ]]; do
		[ $SECONDS -lt $end ] || {
			echo "$seen"
			cat "$work/$1.log"
			return 1
		}
		sleep 0.05
	done
}

start 1
tap_check "without the node there is no quorum" await 1 1 No || tap_end
tap_check "the provider has its name" grep -q "^Quorum provider: *leader" <<<"$(verdict 1)"
tap_check "the daemon says whom it uses" grep -q "Using quorum provider leader" "$work/1.log"
start 2
tap_check "with it there is, here" await 1 2 Yes
tap_check "and there" await 2 2 Yes
kill -KILL "${daemon[1]}"
wait "${daemon[1]}" 2>/dev/null
unset 'daemon[1]'
tap_check "the node keeps it alone" await 2 1 Yes
start 1
tap_check "the other comes back" await 1 2 Yes
kill "${daemon[2]}"
wait "${daemon[2]}"
tap $? "the node stops cleanly"
unset 'daemon[2]'
tap_check "and takes it away" await 1 1 No
tap_check "the daemon says so" grep -q "non-primary component" "$work/1.log"
kill "${daemon[@]}"
wait "${daemon[@]}"
tap $? "the other one stops cleanly" || tap_note "$(tail -n 5 "$work"/*.log)"
daemon=()
tap_check "leaves no complaint about it" eval '! grep -i "leak" "$work"/*.log'
tap_end
