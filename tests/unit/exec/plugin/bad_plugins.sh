#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Bad plugins as a stranger writes them. --check-plugin names the fault and never ends with status 0. A daemon that has
# loaded one names it in its last line.
# shellcheck source=tests/unit/exec/daemon/one_daemon.sh
. "$(dirname "$0")/../daemon/one_daemon.sh"
unset COTERIE_PLUGIN_PATH

# build NAME [MACRO...]: sets $plugin. The macros are for the plugin alone.
build() {
	local folder=$work/$1

	shift
	mkdir -p "$folder"
	plugin=$folder/bad.so
	"${CC:-cc}" -std=gnu11 -I"$top/include" "$@" -fPIC -shared -o "$plugin" "$top/tests/unit/sample-plugins/bad.c" 2>"$work/cc"
	tap_check "a plugin that ${folder##*/} builds" test -s "$plugin" || tap_note "$(cat "$work/cc")"
}

# check CODE PATTERN: exit code, a pattern, too, and a line of --check-plugin
check() {
	local output status

	output=$(timeout 60 "$daemon" --check-plugin "$plugin" 2>&1)
	status=$?
	[[ $status =~ ^($1)$ ]] && grep -qE "$2" <<<"$output"
	tap $? "it is refused: $2" || tap_note "exit code $status" "$output"
}

# bad NAME CODE PATTERN [MACRO...]
bad() {
	local name=$1 code=$2 pattern=$3

	shift 3
	build "$name" "$@"
	check "$code" "$pattern"
}

build "does-nothing-wrong"
output=$("$daemon" --check-plugin "$plugin" 2>&1)
tap $? "a good one passes" || tap_note "$output"
tap_check "and is described" grep -qE "bad\.so: ok \(service 'bad' 1\.0, plugin ABI 1\.[0-9]+, 1 requests" <<<"$output"

build "posts-in-init" "-DAT_INIT=host->post(ctx, on_timer, NULL)"
output=$("$daemon" --check-plugin "$plugin" 2>&1)
tap $? "and passes: nobody can cancel a post, and the loop does not turn here" || tap_note "$output"

bad "crashes-when-it-is-loaded" 33 "crashes when it is loaded.*signal 11" "-DAT_LOAD=raise(SIGSEGV)"
bad "crashes-in-init" 33 "crashes when it is loaded, started or ended: signal 11" "-DAT_INIT=raise(SIGSEGV)"
bad "aborts-in-fini" 33 "signal 6" "-DAT_FINI=abort()"
bad "ends-the-process-in-init" 33 "exit\(\) was called while plugin 'bad' .*ran its init" "-DAT_INIT=exit(0)"
check 33 "ended the process with status 0"
bad "ends-the-process-without-handlers" 33 "ended the process with status 7" "-DAT_INIT=_exit(7)"
bad "hangs-in-init" 33 "hangs: it is not loaded, started and ended within 5 s" "-DAT_INIT=pause()"
bad "starts-slowly" 33 "plugin 'bad' takes [0-9]+ ms to start" "-DAT_INIT=usleep(2500000)"
bad "leaves-a-thread" 33 "plugin 'bad' leaves 1 threads running" "-DAT_THREAD=sleep(20)"
bad "leaves-a-descriptor" 33 "plugin 'bad' leaves 1 descriptors open" "-DAT_INIT=dup(1)"
bad "starts-once" 33 "plugin 'bad' starts only once in a process" \
	'-DAT_INIT=if (getenv("BAD") != NULL) return -EBUSY; setenv("BAD", "", 1)'
bad "leaks-a-timer" 33 "plugin 'bad' leaves 1 resources behind" "-DAT_TIMER=(void)0"
bad "has-a-number-of-Corosync" 31 "ring id 31: below 32" -DRING_ID=31
bad "has-the-number-of-the-executive" 31 "ring id 63" -DRING_ID=63
bad "has-a-path-for-a-name" 31 "IPC name '\.\./x'" '-DIPC_NAME="../x"'
bad "has-an-option-twice" 31 "option 'first' is there twice" '-DOPTION="first"'
bad "has-an-option-of-the-file" 31 "option 'enabled' has a name that the config file uses" '-DOPTION="enabled"'
build "is-cut-off"
truncate -s 6000 "$plugin"
check "31|33" "'.*bad\.so'"

# --- in a daemon ---

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
		ring0_addr: 127.0.0.92
	}
}
service {
	name: bad
}
system {
	sched_rr: no
	state_dir: $work
}
logging {
	to_stderr: yes
	to_syslog: no
	to_logfile: yes
	logfile: $work/log
}
END

# ends NAME PATTERN [ask]: the daemon ends, after a request of a client, and $said says why
said=$work/log
ends() {
	rm -f "$work/log"
	COTERIE_PLUGIN_PATH=$work/$1:$build "$daemon" -f --instance "bad$$" --node n1 -c "$work/c" >/dev/null 2>"$work/err" &
	running=$!
	[ "${3:-}" != ask ] || tap_check "a client asks" asked
	for _ in $(seq 300); do
		kill -0 "$running" 2>/dev/null || break
		sleep 0.1
	done
	tap_check "a daemon with a plugin that $1 ends" eval "! kill -0 $running 2>/dev/null"
	kill -KILL "$running" 2>/dev/null
	wait "$running" >/dev/null 2>&1
	running=
	tap_check "its log names the plugin" grep -qE "$2" "$said" || tap_note "$(tail -n 5 "$said")"
}
# A ring message is delivered after the answer, which may still come.
asked() {
	local output

	output=$(LD_LIBRARY_PATH=$build/.libs timeout 60 "$work/bad_ask" bad "bad$$")
	grep -qE "^(-107|0) " <<<"$output" && return # ENOTCONN, or done
	echo "$output"
	return 1
}
mkdir -p "$work/bad$$"
ends "ends-the-process-in-init" "exit\(\) was called while plugin 'bad' \(.*bad\.so\) ran its init"
if nm "$daemon" 2>/dev/null | grep -q __asan_init; then
	tap_note "the sanitizer has its own handlers of signals"
else
	build "crashes-in-a-timer" "-DAT_TIMER=raise(SIGSEGV)"
	ends "crashes-in-a-timer" \
		"signal 11 \(Segmentation fault\) while plugin 'bad' \(.*bad\.so\) ran its timers \(function bad\.so\+0x[0-9a-f]+\)"
	build "crashes-in-its-configuration" "-DAT_CONFIGURATION=raise(SIGSEGV)"
	ends "crashes-in-its-configuration" \
		"signal 11 \(Segmentation fault\) while plugin 'bad' \(.*bad\.so\) ran its configuration"
	if tap_check "a client builds" "${CC:-cc}" -std=gnu11 -I"$top/include" -o "$work/bad_ask" "$top/tests/unit/exec/plugin/bad_ask.c" \
		-L"$build/.libs" -lcoterie-client; then
		while IFS='|' read -r name macro operation; do
			build "$name" "-D$macro"
			ends "$name" "signal $operation, number 0 \(function bad\.so\+0x[0-9a-f]+\)" ask
		done <<'EOT'
crashes-in-a-request|AT_REQUEST=raise(SIGSEGV)|11 \(Segmentation fault\) while plugin 'bad' \(.*bad\.so\) ran its requests
aborts-in-a-ring-message|AT_DELIVER=abort()|6 \(Aborted\) while plugin 'bad' \(.*bad\.so\) ran its ring messages
EOT
	fi
	while IFS='|' read -r name statement reason; do
		build "$name" "-DAT_THREAD=usleep(300000); $statement"
		ends "$name" "signal $reason while the plugin file .*/bad\.so ran a thread of its own \(function bad\.so\+0x[0-9a-f]+\)"
	done <<'EOT'
writes-to-no-memory-on-a-thread|*(volatile int *)8 = 1|11 \(Segmentation fault\)
aborts-on-a-thread|abort()|6 \(Aborted\)
EOT
	# The config is read with the descriptors of its plugins, and the log file is opened after it.
	said=$work/err
	ends "crashes-when-it-is-loaded" "signal 11 \(Segmentation fault\) while the plugin file .*bad\.so ran its constructors"
	said=$work/log
	sed -i 's/transport: udpu/transport: badt/; s/name: bad/name: cmap/' "$work/c"
	for call in LINK_UP MULTICAST; do
		mkdir -p "$work/transport-$call"
		"${CC:-cc}" -std=gnu11 -I"$top/include" "-DAT_$call=raise(SIGSEGV)" -fPIC -shared \
			-o "$work/transport-$call/badt.so" "$top/tests/unit/sample-plugins/bad_transport.c"
		ends "transport-$call" \
			"signal 11 \(Segmentation fault\) while plugin 'badt' \(.*badt\.so\) ran its ${call,,}"
	done
fi
tap_end
