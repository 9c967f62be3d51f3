#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Why a tool does not reach a service: no daemon, no such instance, the service is not loaded, the user is refused, the
# daemon is stopped. Each tool names the case and says what to do, and exit statuses of coterie-ctl tell the cases apart.
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"

tool() { # FOLDER/NAME
	local path=$LAB_BUILD/${1%/*}/.libs/${1##*/}

	[ -x "$path" ] || path=$LAB_BUILD/$1
	echo "$path"
}
ctl=$(tool tools/coterie-ctl)
kv=$(tool plugins/kv/tool/coterie-kv)
[ -x "$ctl" ] || tap_skip "coterie-ctl is not built (no json-c)"

lab_open coterie
declare -A daemon

# write_config INSTANCE PORT LINE...
write_config() {
	cat >"$LAB_DIR/$1.conf" <<-CONFIG
		cluster { name = "$1" }
		transport udpu { port = $2 }
		node $1 { id = 1  address = 127.0.0.1 }
		process { realtime = no  lock-memory = no  state-dir = "$LAB_DIR/1/state" }
		log { stderr = yes  syslog = no }
		$(printf '%s\n' "${@:3}")
	CONFIG
}

# start INSTANCE: and wait until it answers.
start() {
	# In a session of its own. The kernel lets a stopped process go on when its process group loses its last tie to a shell.
	lab_exec 1 RUNTIME_DIRECTORY=/run setsid "$LAB_BUILD/exec/coterie" -f --instance "$1" --node "$1" -c "$LAB_DIR/$1.conf" \
		>>"$LAB_DIR/$1.log" 2>&1 &
	daemon[$1]=$!
	lab_await answers "$1"
}
answers() { lab_in 1 "$ctl" --instance "$1" config get totem.version >/dev/null 2>&1; }

# says STATUS TEXT COMMAND...: the command ends so, and prints the text.
says() {
	local status output

	output=$(lab_in 1 timeout 30 "${@:3}" 2>&1)
	status=$?
	[ $status -eq "$1" ] && grep -qF -- "$2" <<<"$output" && return
	printf 'status %s:\n%s\n' $status "$output"
	return 1
}
case_is() { # NAME STATUS TEXT COMMAND...
	tap_check "$1: ${4##*/} ${*:5} says '$3'" says "${@:2}"
}

# 1. No daemon.
name="no daemon"
case_is "$name" 3 "no daemon runs on this host; start it: systemctl start coterie" "$ctl" status
case_is "$name" 3 "no daemon runs on this host, so none of instance 'n1'; start it: coterie --instance n1" \
	"$ctl" --instance n1 status
case_is "$name" 3 "no daemon runs on this host" "$ctl" plugin list
case_is "$name" 3 "no daemon runs on this host" "$ctl" reload
case_is "$name" 3 '"text":"no daemon runs on this host"' "$ctl" --format=jsonl status
case_is "$name" 1 "no daemon runs on this host" "$kv" list

# 2. No such instance: those that run are listed.
write_config n1 5405
write_config n2 5505 'service control { enabled = no }' 'service cpg { enabled = no }'
start n1 && start n2
tap $? "two instances start" || {
	tap_note "$(cat "$LAB_DIR"/n[12].log)"
	lab_close
}
name="no such instance"
case_is "$name" 3 "no daemon without an instance name; running: 'n" "$ctl" status
case_is "$name" 3 "no instance 'n3'; running: 'n" "$ctl" --instance n3 status
case_is "$name" 3 "'n1'" "$ctl" --instance n3 status
case_is "$name" 3 "'n2'" "$ctl" --instance n3 status
case_is "$name" 3 "--instance" "$ctl" plugin list
case_is "$name" 3 "no instance 'N 3'" "$ctl" --instance 'N 3' status
case_is "$name" 1 "no instance 'n3'; running: 'n" env COTERIE_INSTANCE=n3 "$kv" list

# 3. The service is not loaded.
name="not loaded"
case_is "$name" 5 "service cpg is not loaded in the daemon; load it: coterie-ctl plugin load cpg" "$ctl" --instance n2 cpg list
case_is "$name" 5 "service control is not loaded in the daemon; load it: 'service control {}' in coterie.conf" \
	"$ctl" --instance n2 plugin load kv
case_is "$name" 1 "service kv is not loaded in the daemon" env COTERIE_INSTANCE=n1 "$kv" list
case_is "$name" 1 "load it: coterie-ctl plugin load kv" env COTERIE_INSTANCE=n1 "$kv" list

# 4. The user is refused. Without root there is no other user, and a user may not reach a build in a private folder.
stranger=(setpriv --reuid=61004 --regid=61004 --clear-groups)
if [ "$(id -u)" -eq 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" != 1 ] &&
	"${stranger[@]}" test -x "$ctl" 2>/dev/null; then
	name="refused"
	case_is "$name" 4 "user 61004 is not allowed to use service" "${stranger[@]}" "$ctl" --instance n1 status
	case_is "$name" 4 "be root, or be named in block access" "${stranger[@]}" "$ctl" --instance n1 plugin list
fi

# 5. The daemon is stopped.
says 0 "kv" "$ctl" --instance n1 plugin load kv
tap $? "kv is loaded"
# The signal goes to any thread of the daemon, which need not run at once on a busy machine.
kill -STOP "${daemon[n1]}"
lab_await grep -q '^State:.T' "/proc/${daemon[n1]}/status"
name="stopped"
case_is "$name" 6 "does not answer in time: it is busy or stopped; ps -C coterie" "$ctl" --instance n1 --timeout 1 status
case_is "$name" 6 "does not answer in time" "$ctl" --instance n1 --timeout 1 plugin load kv
case_is "$name" 1 "does not answer in time" env COTERIE_INSTANCE=n1 "$kv" -t 0 list
# On a terminal a line counts the seconds, from two on.
on_terminal() { lab_in 1 env TERM=dumb script -qec "$ctl --instance n1 --timeout 4 $*" /dev/null >"$LAB_DIR/terminal" </dev/null; }
on_terminal status
tap_check "$name: progress is shown" grep -q 'waiting for the daemon: 2 s' "$LAB_DIR/terminal" || tap_note "$(cat -v "$LAB_DIR/terminal")"
# A return stands behind it, so that the answer takes its place.
tap_check "$name: the answer takes its place" grep -q $'waiting for the daemon: [0-9]* s\rcoterie-ctl: ' "$LAB_DIR/terminal"
on_terminal --quiet status
tap_check "$name: but not with --quiet" test -z "$(grep 'waiting for' "$LAB_DIR/terminal")"
kill -CONT "${daemon[n1]}"
tap_check "it goes on" lab_await answers n1

# 6. A process of another user has the names of an instance that does not run.
takes_names='import os, socket, time
os.setresuid(61004, 61004, 61004)
taken = []
for name in "cmap", "coterie-control", "kv":
    taken.append(socket.socket(socket.AF_UNIX))
    taken[-1].bind(("\0" + name + "-n9").ljust(108, "\0")) # as libqb names them
    taken[-1].listen()
time.sleep(600)'
has_names() { lab_in 1 grep -q '@kv-n9' /proc/net/unix; }
if [ "$(id -u)" -eq 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" != 1 ] && python3 -c "" 2>/dev/null; then
	name="another user's process"
	lab_exec 1 python3 -c "$takes_names" &
	daemon[n9]=$!
	tap_check "$name has the names" lab_await has_names
	case_is "$name" 3 "of user 61004 listens at the socket of service coterie-control, and is not trusted" \
		"$ctl" --instance n9 plugin load kv
	case_is "$name" 3 "set COTERIE_USER to its user" "$ctl" --instance n9 config show
	case_is "$name" 1 "of user 61004 listens at the socket of service kv" env COTERIE_INSTANCE=n9 "$kv" -t 5 list
	write_config n9 5605
	lab_in 1 RUNTIME_DIRECTORY=/run timeout 20 "$LAB_BUILD/exec/coterie" -f --instance n9 --node n9 -c "$LAB_DIR/n9.conf" \
		>"$LAB_DIR/n9.log" 2>&1
	tap_check "$name: the daemon names it" grep -q "it is held by process [0-9]* of user 61004" "$LAB_DIR/n9.log" ||
		tap_note "$(cat "$LAB_DIR/n9.log")"
fi

kill "${daemon[@]}"
wait "${daemon[@]}"
lab_close
