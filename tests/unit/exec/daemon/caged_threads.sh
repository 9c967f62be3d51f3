#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A daemon that root starts with --user: threads that plugins start before it becomes the user give up the same rights.
# shellcheck source=tests/unit/exec/daemon/one_daemon.sh
. "$(dirname "$0")/one_daemon.sh"
[ "$(id -u)" -eq 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" != 1 ] || tap_skip "not root"
mkdir -m 755 "$work/state" "$work/run" "$work/plugin"
export COTERIE_PLUGIN_PATH=$work/plugin:$build STATE_DIRECTORY=$work/state
uid=65534

"${CC:-cc}" -std=gnu11 -I"$top/include" "-DAT_THREAD=for (;;) pause()" -fPIC -shared -o "$work/plugin/bad.so" \
	"$top/tests/unit/sample-plugins/bad.c" 2>"$work/cc"
tap_check "a plugin with a thread builds" test -s "$work/plugin/bad.so" || tap_note "$(cat "$work/cc")"
chmod 755 "$work/plugin/bad.so"
cat >"$work/c" <<END
totem {
	version: 2
	transport: udpu
	token: 500
}
nodelist {
	node {
		name: n1
		nodeid: 1
		ring0_addr: 127.0.0.95
	}
}
service {
	name: bad
}
system {
	sched_rr: no
}
logging {
	to_stderr: yes
	to_syslog: no
}
END
"$daemon" -f --user $uid --instance caged$$ --node n1 -c "$work/c" >"$work/out" 2>&1 &
running=$!
tap_check "the daemon starts" timeout 30 bash -c \
	"until grep -q 'ready to provide service' '$work/out'; do kill -0 $running || exit 1; sleep 0.1; done" ||
	tap_note "$(tail -n 5 "$work/out")"
# all KEY: the values that its threads have
all() { cat /proc/$running/task/*/status | awk -v key="$1:" '$1 == key { $1 = ""; print substr($0, 2) }' | sort -u; }
tap_check "it has threads" test "$(find "/proc/$running/task" -mindepth 1 -maxdepth 1 | wc -l)" -gt 1
tap_check "all are of the user" test "$(all Uid)" = "$uid $uid $uid $uid"
tap_check "none gets rights of a set-user-id program" test "$(all NoNewPrivs)" = 1
# chown, dac_read_search and net_admin
tap_check "or others than those that the daemon keeps" test "$(all CapBnd)" = 0000000000001005
kill -TERM "$running"
tap_check "it stops" timeout 20 tail --pid="$running" -f /dev/null

tap_end
