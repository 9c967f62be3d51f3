#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every failure that ends the daemon at the start has an exit code of its own, and a line with advice
# (book configuration, "Exit codes"). Also the modes that end well without a ring: -t, --version,
# --help, --check-plugin.
# shellcheck source=tests/unit/exec/daemon/one_daemon.sh
. "$(dirname "$0")/one_daemon.sh"

write_config() { # [ADDRESS [STATE-FOLDER [TOTEM-LINE [LOGGING-LINE]]]]
	cat >"$work/c" <<-END
	totem {
		version: 2
		transport: udpu
		token: 500
		${3:-}
	}
	nodelist {
		node {
			name: n1
			nodeid: 1
			ring0_addr: ${1:-127.0.0.91}
		}
	}
	system {
		sched_rr: no
		state_dir: ${2:-$work}
	}
	logging {
		to_stderr: yes
		to_syslog: no
		${4:-}
	}
	END
}

# ends CODE PATTERN NAME ARGUMENT...: exactly one line matches the pattern
ends() {
	local code=$1 pattern=$2 name=$3 output status

	shift 3
	output=$(timeout 20 "$daemon" "$@" 2>&1)
	status=$?
	[ $status -eq "$code" ] && [ "$(grep -c -E "$pattern" <<<"$output")" -eq 1 ]
	tap $? "$name: exit code $code" || tap_note "exit code $status" "$output"
}

ends 0 "^Coterie .* version '3\.1\.7'$" "--version" --version
ends 0 "^usage: " "--help" --help
ends 1 "^usage: " "an unknown option" --frobnicate
ends 36 "'A b' is not an instance name: use" "a bad instance name" --instance 'A b'
ends 8 "cannot read '/nonexistent/c'" "no config file" -f -c /nonexistent/c

write_config
ends 0 "^$work/c: ok \(1 node, transport udpu, local node n1\)$" "-t" -t -c "$work/c"
write_config 127.0.0.91 "$work" "tokn 500"
ends 8 "$work/c:5: " "a syntax error" -t -c "$work/c"
ends 8 "$work/c:5: " "a syntax error at start" -f -c "$work/c"
write_config 127.0.0.91 "$work" "hold: 1"
ends 8 "hold" "a timer below its minimum" -f -c "$work/c"
write_config 127.0.0.91 "$work" "" "logfile_priority: loud"
ends 7 "logfile_priority|logfile priority" "a bad logging section" -f -c "$work/c"
write_config 198.51.100.1
ends 8 "198\.51\.100\.1|no node is this host|local host" "a node list without this host" -f -c "$work/c"
write_config 127.0.0.91 /nonexistent/state
ends 16 "cannot use state folder '/nonexistent/state'" "no state folder" -f -c "$work/c"
write_config 127.0.0.91 "$work" "transport: carrier_pigeon"
ends 8 "carrier_pigeon" "an unknown transport" -f -c "$work/c"

write_config
printf 'short' >"$work/ringid_1"
ends 21 "Cannot read the stored ring id '$work/ringid_1' .*: repair the file" "a damaged ring id" -f \
	-c "$work/c"
ends 0 "ringid_1: was damaged, is [0-9a-f]+$" "a damaged ring id is repaired" --repair-ring-seq -c "$work/c"
ends 0 "needs no repair$" "a ring id that is whole stays" --repair-ring-seq -c "$work/c"
printf '\377\377\377\377\377\377\377\377' >"$work/ringid_1"
ends 21 "stored ring id '$work/ringid_1' is used up .*coterie --repair-ring-seq" "a ring id that is used up" -f \
	-c "$work/c"
ends 0 "ringid_1: was ffffffffffffffff, is [0-9a-f]{9,12}; repair all nodes" "it is repaired" \
	--repair-ring-seq -c "$work/c"
tap_check "the repaired ring id has 8 bytes" test "$(stat -c %s "$work/ringid_1")" -eq 8
rm "$work/ringid_1"
mkfifo "$work/ringid_1"
ends 21 "Cannot read the stored ring id '$work/ringid_1' .*: repair the file" "a FIFO in place of the ring id" -f -c "$work/c"
rm "$work/ringid_1"
# A ring id that may be whole must not be repaired or removed.
ln -s /nonexistent "$work/ringid_1"
ends 21 "Cannot read the stored ring id '$work/ringid_1' .*: check the folder" "a link in place of the ring id" -f -c "$work/c"
rm "$work/ringid_1"
# The fewest descriptors with which the daemon comes as far as the ring id.
few=8
while [ $few -lt 30 ] && ! prlimit --nofile=$few timeout 20 "$daemon" -f -c "$work/c" 2>&1 | grep "stored ring id" >"$work/few"; do
	few=$((few + 1))
done
tap_check "without a descriptor the ring id is not called damaged" grep -q "Too many open files): raise the limit" "$work/few"
if [ "$(id -u)" = 0 ]; then
	mkdir -m 1777 "$work/shared"
	printf '\0\0\1\0\0\0\0\0' >"$work/shared/ringid_1"
	chown 1234 "$work/shared/ringid_1"
	write_config 127.0.0.91 "$work/shared"
	ends 21 "ring id '$work/shared/ringid_1' may be of another user.*system.state_dir" "a ring id of another user" -f -c "$work/c"
	write_config
fi

# A second daemon of the same instance is refused. After a clean stop the lock is free again.
name="start$$"
mkdir "$work/$name"
"$daemon" -f --instance "$name" --node n1 -c "$work/c" >"$work/first" 2>&1 &
running=$!
for _ in $(seq 100); do
	grep -q "ready to provide service" "$work/first" && break
	sleep 0.1
done
ends 18 "Another Corosync instance is already running\..*--instance NAME" "a second daemon" -f \
	--instance "$name" --node n1 -c "$work/c"
ends 18 "Another Corosync instance is already running" "the ring id of a running daemon is not repaired" \
	--repair-ring-seq --instance "$name" --node n1 -c "$work/c"
ends 35 "127\.0\.0\.91.*(Address already in use|in use)" "an address in use" -f --instance "other$$" \
	--node n1 -c "$work/c"
kill -HUP "$running"
sleep 0.2
tap_check "SIGHUP does not end it" kill -0 "$running"
kill -USR2 "$running"
for _ in $(seq 50); do
	grep -q "safe delivery" "$work/first" && break
	sleep 0.1
done
tap_check "SIGUSR2 makes it tell its state" grep "ring 1\.[0-9a-f]*, state OPERATIONAL, members\[1\]: 1" \
	"$work/first"
kill -TERM "$running"
wait "$running"
tap $? "SIGTERM ends it with exit code 0" || tap_note "$(cat "$work/first")"
running=
tap_check "its pid file is gone" test ! -e "$work/run/$name/coterie.pid"
tap_check "its ring id was stored" test -s "$work/$name/ringid_1"

# In the background the parent tells how the start ended.
timeout 20 "$daemon" --instance "$name" --node n1 -c "$work/c" >"$work/background" 2>&1
tap $? "a background start returns when the daemon is ready" || tap_note "$(cat "$work/background")"
running=$(cat "$work/run/$name/coterie.pid")
timeout 20 "$daemon" --instance "$name" --node n1 -c "$work/c" >"$work/again" 2>&1
[ $? -eq 18 ]
tap $? "a second one in the background: exit code 18" || tap_note "$(cat "$work/again")"
kill -TERM "$running"
timeout 10 tail --pid="$running" -f /dev/null
tap $? "and it stops"
running=

# -l FILE takes the place of the usual pid file.
"$daemon" -f -l "$work/pid" --instance "$name" --node n1 -c "$work/c" >"$work/locked" 2>&1 &
running=$!
tap_check "with -l the process id is in that file" timeout 20 bash -c "until grep -qx $running '$work/pid'; do sleep 0.1; done"
tap_check "and nowhere else" test ! -e "$work/run/$name/coterie.pid"
timeout 20 "$daemon" -f -l "$work/pid" --instance "$name"2 --node n1 -c "$work/c" >"$work/again" 2>&1
[ $? -eq 18 ]
tap $? "another instance with the same file: exit code 18" || tap_note "$(cat "$work/again")"
kill -TERM "$running"
wait "$running"
tap_check "the file goes with the daemon" test ! -e "$work/pid"
running=

# A signal that comes as soon as the pid file names the process waits for the loop. (The library sends it there. Sanitizers
# do not run with libraries that are loaded before their own.)
if [ -z "${COTERIE_KEEP_PLUGINS:-}" ]; then
	cat >"$work/early.c" <<-'END'
		#define _GNU_SOURCE
		#include <signal.h>
		#include <stdlib.h>
		#include <sys/syscall.h>
		#include <unistd.h>
		int ftruncate(int fd, off_t size)
		{
			const char *number = getenv("EARLY_SIGNAL");

			unsetenv("EARLY_SIGNAL");
			if (number != NULL)
				raise(atoi(number));
			return (int)syscall(SYS_ftruncate, fd, size);
		}
		int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }
	END
	tap_check "a library builds" "${CC:-cc}" -shared -fPIC -o "$work/early.so" "$work/early.c"
	for signal in HUP USR2 TERM; do
		: >"$work/early" # the next command reads it, maybe before the daemon has opened it
		EARLY_SIGNAL=$(kill -l $signal) LD_PRELOAD=$work/early.so "$daemon" -f --instance "$name" --node n1 -c "$work/c" \
			>"$work/early" 2>&1 &
		running=$!
		if [ $signal != TERM ]; then
			tap_check "SIG$signal during the start does not end it" timeout 20 bash -c \
				"until grep -q 'ready to provide' '$work/early'; do kill -0 $running || exit 1; sleep 0.1; done"
			kill -TERM "$running" 2>/dev/null
		fi
		wait "$running" 2>/dev/null && [ ! -e "$work/run/$name/coterie.pid" ]
		tap $? "SIGTERM ends it in order" || tap_note "$(tail -n 2 "$work/early")"
		running=
	done
fi

# The flight recorder has its last lines after its death. With sanitizers there are their reports
# instead.
if [ -z "${COTERIE_KEEP_PLUGINS:-}" ]; then
	"$daemon" -f --instance "$name" --node n1 -c "$work/c" >"$work/dying" 2>&1 &
	running=$!
	for _ in $(seq 100); do
		grep -q "ready to provide service" "$work/dying" && break
		sleep 0.1
	done
	kill -ABRT "$running"
	wait "$running" 2>/dev/null
	[ $? -eq 134 ]
	tap $? "SIGABRT kills it"
	running=
	recorder=$(readlink "$work/$name/fdata")
	[ "$(stat -c '%s %a' "$recorder")" = "8392744 600" ]
	tap $? "and its flight recorder is in the state folder" || tap_note "$(ls -l "$work/$name")"
	tap_check "with what was not in the log" grep -a -q "entering OPERATIONAL state" "$recorder"
fi

ends 0 "cpg\.la: ok \(service 'cpg' " "--check-plugin of a service" --check-plugin "$build/cpg.la"
ends 0 "udpu\.la: ok \(transport 'udpu' " "--check-plugin of a transport" --check-plugin "$build/udpu.la"
ends 30 "cannot read '/nonexistent/x.so'" "--check-plugin of nothing" --check-plugin /nonexistent/x.so
echo "no plugin" >"$work/text.so"
ends 31 "cannot open plugin file '$work/text\.so'" "--check-plugin of a text" --check-plugin "$work/text.so"
tap_end
