#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The daemon and the tools work with whatever they inherit from the program that starts them.
# shellcheck source=tests/unit/exec/daemon/one_daemon.sh
. "$(dirname "$0")/one_daemon.sh"
ctl=$build/tools/coterie-ctl
export COTERIE_INSTANCE=inherited$$

write_config() { # [LOGGING-LINE...]
	cat >"$work/c" <<-END
	totem {
		version: 2
		transport: udpu
		token: 500
	}
	nodelist {
		node {
			name: n1
			nodeid: 1
			ring0_addr: 127.0.0.94
		}
	}
	system {
		sched_rr: no
		state_dir: $work
	}
	logging {
		to_stderr: yes
		to_syslog: no
		$(printf '%s\n' "$@")
	}
	END
}

# start COMMAND...: a daemon that the command starts is ready
start() {
	: >"$work/out"
	"$@" "$daemon" -f --node n1 -c "$work/c" >"$work/out" 2>&1 &
	running=$!
	timeout 30 bash -c "until grep -q 'ready to provide service' '$work/out'; do kill -0 $running 2>/dev/null || exit 1; sleep 0.1; done"
}

stop() {
	kill -TERM "$running" 2>/dev/null
	wait "$running" 2>/dev/null
	local status=$?

	running=
	return $status
}

# --- an ignored SIGCHLD: the kernel drops the exit statuses of child processes ---

write_config
mkdir -m 755 "$work/plugin"
"${CC:-cc}" -std=gnu11 -I"$top/include" "-DAT_INIT=abort()" -fPIC -shared -o "$work/plugin/bad.so" \
	"$top/tests/unit/sample-plugins/bad.c" 2>"$work/cc"
tap_check "a plugin builds that crashes when it starts" test -s "$work/plugin/bad.so" || tap_note "$(cat "$work/cc")"
output=$(timeout 60 env --ignore-signal=CHLD "$daemon" --check-plugin "$work/plugin/bad.so" 2>&1)
[ $? -eq 33 ] && grep -q "crashes when it is loaded, started or ended: signal 6" <<<"$output"
tap $? "--check-plugin says that it crashes" || tap_note "$output"
start env --ignore-signal=CHLD
tap $? "a daemon starts" || tap_note "$(cat "$work/out")"
if "$ctl" --help 2>/dev/null | grep -q "plugin load"; then
	output=$(timeout 60 "$ctl" plugin load "$work/plugin/bad.so" 2>&1)
	[ $? -eq 1 ] && grep -q "it crashes when it starts, as a trial in another process has shown" <<<"$output"
	tap $? "it refuses a plugin that crashes in its trial" || tap_note "$output"
	tap_check "and does not end" kill -0 "$running"
	printf 'totem {\n\ttokn 5\n}\n' >"$work/wrong"
	output=$(timeout 60 env --ignore-signal=CHLD "$ctl" config check "$work/wrong" 2>&1)
	[ $? -eq 8 ] && grep -q "NOT valid" <<<"$output"
	tap $? "coterie-ctl config check finds a wrong file" || tap_note "$output"
else
	tap_without "plugin load" "coterie-ctl is built without json-c"
fi
stop
tap $? "SIGTERM ends the daemon"

# --- a limit of file sizes ---

# The log file has no room for a single line more.
write_config "to_logfile: yes" "logfile: $work/log"
head -c 65536 /dev/zero >"$work/log"
start prlimit --fsize=65536
tap $? "a daemon starts although its log file has reached the limit" || tap_note "$(tail -n 3 "$work/out")"
stop
tap $? "and ends in order"
tap_check "the file is as large as it was" test "$(stat -c %s "$work/log")" -eq 65536

tap_end
