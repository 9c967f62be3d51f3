#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Effects of coterie.conf options that only a running daemon shows: its log, its process, its folders.
# shellcheck source=tests/unit/exec/daemon/one_daemon.sh
. "$(dirname "$0")/one_daemon.sh"
unset RUNTIME_DIRECTORY
name=options-$$

# start LINE...: a daemon with these lines in its coterie.conf, ready.
start() {
	{
		printf 'cluster { name = lab }\ntransport udpu { port = 5493 }\nnode n1 { id = 1  address = 127.0.0.93 }\n'
		printf '%s\n' "$@"
	} >"$work/c"
	: >"$work/out" # the next command reads it, maybe before the daemon has opened it
	"$daemon" -f --instance "$name" --node n1 -c "$work/c" >"$work/out" 2>&1 &
	running=$!
	timeout 30 bash -c "until grep -q 'ready to provide service' '$work/out'; do kill -0 $running 2>/dev/null || exit 1; sleep 0.1; done"
}

stop() {
	kill -TERM "$running" 2>/dev/null
	wait "$running"
	running=
}

# Kilobytes of locked memory.
locked() { sed -n 's/^VmLck:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$running/status"; }

process="state-dir = \"$work/state\"  run-dir = \"$work/run\"  realtime = no"
mkdir "$work/state" "$work/run"

start "process { $process  lock-memory = no  nice = 3  blackbox-size = 0 }" \
	"log { stderr = yes  syslog = no  format = json  source = no subsystem MAIN { file = \"$work/main.log\" } }"
tap $? "it starts" || tap_note "$(cat "$work/out")"
tap_check "format = json: each line is an object" python3 -c \
	'import json, sys; lines = [json.loads(line) for line in open(sys.argv[1])]; assert len(lines) > 3' "$work/out"
tap_check "subsystem file: its lines are there" grep -q MAIN "$work/main.log"
tap_check "and no others" bash -c "! grep -v '\"subsystem\":\"MAIN\"' '$work/main.log'"
tap_check "run-dir has the process id" grep -rqx "$running" "$work/run"
tap_check "nice = 3" test "$(ps -o ni= -p "$running" | tr -d ' ')" = 3
tap_check "realtime = no" test "$(ps -o cls= -p "$running" | tr -d ' ')" = TS
# The pages of keys are locked in any case.
tap_check "lock-memory = no" test "$(locked)" -lt 1000
kill -USR2 "$running"
stop
tap_check "blackbox-size = 0: no flight recorder" test -z "$(find "$work/state" -name 'fdata*')"

start "process { $process  blackbox-size = 256K  ipc = socket }" "log { stderr = yes  syslog = no  source = yes  level = debug }"
tap $? "it starts with other values" || tap_note "$(cat "$work/out")"
tap_check "source = yes: a warning says that it is for the map alone" grep -q "log lines carry no places in the source" "$work/out"
# Some hosts allow no user to lock memory.
tap_check "memory is locked otherwise, or the log says why not" \
	test "$(locked)" -ge 1000 -o "$(grep -ciE "lock.* memory" "$work/out")" -ge 1
stop

start "process { $process }" "plugins { builtin-only = yes }" "log { stderr = yes  syslog = no }"
tap "$((! $?))" "builtin-only = yes: plugins of folders are not loaded"
tap_check "it says which one is not there" grep -qE "udpu|builtin" "$work/out"
stop

tap_end
