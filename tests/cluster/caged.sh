#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Daemons that start as root and become another user: a ring of three, clients of every uid, reload, rotation of the
# log, plugins, and the return to root.
LAB_USER=${LAB_USER:-61999}
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"

command -v setpriv >/dev/null || tap_skip "no setpriv"
[ "$(id -u)" -eq 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" != 1 ] || tap_skip "not root"
user=65534 pacemaker=61189 stranger=61004

lab_open coterie coterie coterie
for node in "${LAB_NODES[@]}"; do
	printf 'uidgid {\n\tuid: %s\n}\nuidgid {\n\tgid: %s\n}\n' $user $pacemaker >>"$LAB_DIR/$node/corosync.conf"
done
tool() { # NAME: a program of the tools' folder
	local path=$LAB_BUILD/tools/.libs/$1

	[ -x "$path" ] || path=$LAB_BUILD/tools/$1
	echo "$path"
}
ctl=$(tool coterie-ctl)
uid=$(id -u "$LAB_USER" 2>/dev/null || echo "$LAB_USER")
status() { awk -v key="$2:" '$1 == key { $1 = ""; print substr($0, 2) }' "/proc/${LAB_DAEMONS[$1]}/status"; }
# as UID COMMAND...: on node 1
as() {
	local id=$1

	shift
	lab_in 1 setpriv --reuid="$id" --regid="$id" --clear-groups "$@" >"$LAB_DIR/said" 2>&1
}
# Programs of the build may be where other users cannot reach them.
copy() {
	mkdir -m 755 "$LAB_DIR/bin" && cp "$LAB_WATCHER" "$LAB_DIR/bin/" &&
		cp "$LAB_BUILD"/.libs/lib*.so.* "$LAB_DIR/bin/" && chmod 755 "$LAB_DIR/bin"/*
}
# library NAME: a folder with its libraries
library() { if [ "$1" = ours ]; then echo "$LAB_DIR/bin"; else echo "$LAB_SYSTEM_LIBS"; fi; }
joins() { as "$1" env LD_LIBRARY_PATH="$LAB_DIR/bin" timeout 20 "$LAB_DIR/bin/cpg_watch" -n 3 -w 10; }
no_files() { [ -z "$(find /dev/shm -mindepth 1)" ]; }
has_files() { [ -n "$(find /dev/shm -type f -user $user)" ]; }
zero_copy() {
	as "$1" env LD_LIBRARY_PATH="$(library "$zero_copy")" timeout 20 python3 -c 'import ctypes
cpg, handle, buffer = ctypes.CDLL("libcpg.so.4"), ctypes.c_uint64(), ctypes.c_void_p()
assert cpg.cpg_initialize(ctypes.byref(handle), None) == 1
error = cpg.cpg_zcb_alloc(handle, ctypes.c_size_t(1000), ctypes.byref(buffer))
assert error == 1, error
assert cpg.cpg_zcb_free(handle, buffer) == 1
assert cpg.cpg_finalize(handle) == 1'
}

lab_start 1 2 3
tap_check "a ring of three" lab_ring 3 1 2 3 || lab_close
tap_check "of the user" test "$(status 1 Uid)" = "$uid $uid $uid $uid"
tap_check "without groups of root" test -z "$(grep -w 0 <<<"$(status 1 Gid) $(status 1 Groups)")"
# chown, dac_read_search and net_admin: none of them writes a file of another user.
kept=0000000000001005
tap_check "three capabilities stay ($(status 1 CapEff))" test "$(status 1 CapEff)" = $kept
tap_check "and no others can come" test "$(status 1 CapPrm) $(status 1 CapBnd)" = "$kept $kept"
tap_check "nor go to programs that it starts" test "$(status 1 CapAmb) $(status 1 CapInh)" = "0000000000000000 0000000000000000"
tap_check "nor by set-user-id" test "$(status 1 NoNewPrivs)" = 1
tap_check "files are not for all" test "$(status 1 Umask)" = 0027
tap_check "the state is its own" test "$(stat -c %u:%a "$LAB_DIR/1/state/ringid_1")" = "$uid:600"
tap_check "and the log" test "$(stat -c %u:%a "$LAB_DIR/1/log")" = "$uid:640"

# --- clients ---
# Pacemaker accepts no other.
if python3 -c "" 2>/dev/null; then
	for name in cmap cfg cpg quorum; do
		lab_in 1 python3 -c 'import socket, struct, sys
s = socket.socket(socket.AF_UNIX)
s.connect(("\0" + sys.argv[1]).ljust(108, "\0")) # as libqb names them
print(struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1])' "$name" >"$LAB_DIR/said" 2>&1
		tap_check "root has opened the socket of $name" grep -qx 0 "$LAB_DIR/said" || tap_note "$(cat "$LAB_DIR/said")"
	done
fi
tap_check "clients are copied" copy
for client in 0 $user $pacemaker "$uid"; do
	tap_check "a client of user $client joins a group" joins "$client" || tap_note "$(cat "$LAB_DIR/said")"
done
tap_check "a stranger does not" test "$(joins $stranger && echo joined)" = ""
tap_check "no files of clients stay" lab_await no_files
# A library has no other way to give the daemon a buffer than a file of its own user, which the daemon opens. Python does not
# load a library of ours that has sanitizers.
zero_copy=debian
[ -e "$LAB_SYSTEM_LIBS/libcpg.so.4" ] || zero_copy=ours
if python3 -c "" 2>/dev/null && [ "$zero_copy${COTERIE_KEEP_PLUGINS:-}" != ours1 ]; then
	for client in 0 $user "$uid"; do
		tap_check "a client of user $client has a buffer without copies" zero_copy $client ||
			tap_note "$(cat "$LAB_DIR/said")"
	done
	tap_check "whose file is gone" no_files
fi
lab_traffic "traffic" 1400 1 2 3

# --- what the operator does ---
if [ -x "$ctl" ]; then
	tap_check "status" lab_in 1 "$ctl" status
	sed -i 's/debug: off/debug: on/' "$LAB_DIR"/[123]/corosync.conf
	tap_check "reload" lab_in 1 "$ctl" reload
	life=$LAB_BUILD/tests/unit/sample-plugins/.libs/life.so
	if [ -e "$life" ]; then
		install -m 755 "$life" "$LAB_DIR/bin/life.so"
		tap_check "a plugin is loaded" lab_in 1 "$ctl" plugin load "$LAB_DIR/bin/life.so"
		tap_check "and unloaded" lab_in 1 "$ctl" plugin unload life
		chown $user "$LAB_DIR/bin/life.so"
		lab_in 1 "$ctl" plugin load "$LAB_DIR/bin/life.so" >"$LAB_DIR/said" 2>&1
		tap $((! $?)) "but not one of another user"
	fi
fi
mv "$LAB_DIR/1/log" "$LAB_DIR/1/log.1"
lab_signal HUP 1
tap_check "the log is opened again" lab_await test -e "$LAB_DIR/1/log"
lab_stop 1 2 3
tap $? "they stop"

# --- the way from root and back ---
cage=$LAB_USER LAB_USER=
# As systemd does with the folders of a unit whose user changes.
chown -R root:root "$LAB_DIR"/[123]
lab_start 1 2 3
tap_check "as root" lab_ring 3 1 2 3
tap_check "with all rights" test "$(status 1 Uid)" = "0 0 0 0"
full=$(status 1 CapEff) privileges=$(status 1 NoNewPrivs)
lab_stop 1 2 3
tap $? "which stop"
# As a drop-in file of the unit says it, with COTERIE_USER=root.
LAB_USER=root
lab_start 1 2 3
tap_check "with --user root" lab_ring 3 1 2 3
tap_check "they stay root" test "$(status 1 Uid)" = "0 0 0 0"
tap_check "with the same rights ($full)" test "$(status 1 CapEff) $(status 1 CapBnd)" = "$full $full"
tap_check "which programs that they start may have" test "$(status 1 NoNewPrivs)" = "$privileges"
lab_stop 1 2 3
tap $? "and stop"
LAB_USER=$cage
# Where Corosync logged: a folder that the user cannot write, and a file that it cannot open.
mkdir -m 755 "$LAB_DIR/logs"
(umask 077 && echo "of root" >"$LAB_DIR/logs/log")
sed -i "s,^logfile: .*,logfile: $LAB_DIR/logs/log," "$LAB_DIR/1/corosync.conf"
sed -i "s,^logfile: .*,logfile: $LAB_DIR/logs/new," "$LAB_DIR/2/corosync.conf"
lab_start 1 2 3
tap_check "as the user again" lab_ring 3 1 2 3
tap_check "the log of root goes on" test "$(stat -c %u "$LAB_DIR/logs/log"):$(wc -l <"$LAB_DIR/logs/log")" \> "$uid:1"
tap_check "and one is made" test "$(stat -c %u:%a "$LAB_DIR/logs/new")" = "$uid:640"
tap_check "in a folder that stays root's" test "$(stat -c %u:%a "$LAB_DIR/logs")" = 0:755

# --- a daemon that is killed ---
# The libraries of its clients remove their files, Debian's as well; empty folders stay.
for name in ours debian; do
	[ "$name" = ours ] || [ -e "$LAB_SYSTEM_LIBS/libcpg.so.4" ] || continue
	(as $user env LD_LIBRARY_PATH="$(library $name)" timeout 20 "$LAB_DIR/bin/cpg_watch" -m 99 -g left -w 15) &
	watcher=$!
	lab_await has_files
	lab_kill 1
	wait $watcher
	tap_check "no file of a client is left ($name)" test -z "$(find /dev/shm -type f)" ||
		tap_note "$(find /dev/shm -ls)"
	lab_start 1
	tap_check "the daemon is back" lab_ring 3 1 2 3
done
lab_stop 1 2 3
tap $? "which stop, too"

# --- refusals ---
lab_in 1 "$LAB_BUILD/exec/coterie" -f -c "$LAB_DIR/1/corosync.conf" --user no-such-user >"$LAB_DIR/said" 2>&1
tap_check "an unknown user has an exit code ($?)" test $? -eq 39
tap_check "and a line" grep -q "there is no user 'no-such-user' on this host" "$LAB_DIR/said"
# In a folder that others can write they may have put what root would give away.
refused() { # PREPARE TEXT: what is done to a folder of state before, and what the daemon says of it
	mkdir "$LAB_DIR/folder" && ln "$LAB_DIR/1/corosync.conf" "$LAB_DIR/folder/second" && eval "$1"
	lab_in 1 env STATE_DIRECTORY="$LAB_DIR/folder" RUNTIME_DIRECTORY=/run "$LAB_BUILD/exec/coterie" -f \
		-c "$LAB_DIR/1/corosync.conf" --user "$LAB_USER" >"$LAB_DIR/said" 2>&1
	[ $? -eq 39 ] && grep -q "$2" "$LAB_DIR/said" || { cat "$LAB_DIR/said" && return 1; }
	rm -r "$LAB_DIR/folder"
}
for mode in 777 1777 775; do
	tap_check "a folder of mode $mode is not given" refused "chmod $mode $LAB_DIR/folder" "others can write to it: chmod 755"
done
tap_check "nor one of another user" refused "chown $user $LAB_DIR/folder" "belongs to user $user: chown $uid"

# --- folders that are the user's already ---
# A daemon that ran as root has left files there. The key of the ring is in the state folder alone.
runs_in_its_folders() {
	local folder="$LAB_DIR/own" status

	mkdir "$folder" "$folder/state" "$folder/run" "$folder/log" &&
		head -c 256 /dev/urandom >"$folder/state/authkey" && : >"$folder/log/log" && : >"$folder/run/coterie.pid" &&
		chmod 400 "$folder/state/authkey" && chmod 640 "$folder/log/log" "$folder/run/coterie.pid" || return
	chmod 711 "$folder" && chmod 700 "$folder/state" && chown "$LAB_USER" "$folder"/{state,run,log} || return
	cat >"$folder/coterie.conf" <<-CONFIG
		transport udpu {
		}
		log {
			syslog = no
			file = "$folder/log/log"
		}
		process {
			realtime = no
			lock-memory = no
		}
		node node1 { id = 1  address = $(lab_address 1) }
	CONFIG
	lab_in 1 env STATE_DIRECTORY="$folder/state" RUNTIME_DIRECTORY="$folder/run" timeout 3 "$LAB_BUILD/exec/coterie" -f \
		-c "$folder/coterie.conf" --user "$LAB_USER" >"$LAB_DIR/said" 2>&1
	status=$?
	[ $status -eq 124 ] && grep -q "A new membership" "$folder/log/log" ||
		{ echo "status $status" && cat "$LAB_DIR/said" "$folder/log/log" && return 1; }
}
tap_check "the daemon finds the key and root's files in folders of its user" runs_in_its_folders
# Root tests a file for a daemon that is another user, whose state folder and key these are. A third user's are refused.
tests_as_root() {
	lab_in 1 env STATE_DIRECTORY="$LAB_DIR/own/state" RUNTIME_DIRECTORY="$LAB_DIR/own/run" "$LAB_BUILD/exec/coterie" -t \
		-c "$LAB_DIR/own/coterie.conf" >"$LAB_DIR/said" 2>&1 || { cat "$LAB_DIR/said" && return 1; }
}
refuses_other_folder() {
	(umask 077 && mkdir "$LAB_DIR/own/other" && cp "$LAB_DIR/own/state/authkey" "$LAB_DIR/own/other/key") &&
		chown $user "$LAB_DIR/own/other" && sed -i "s,^transport udpu {,&\n\tkey-file = $LAB_DIR/own/other/key," \
		"$LAB_DIR/own/coterie.conf" && ! tests_as_root >/dev/null && grep -q "that other users can change" "$LAB_DIR/said"
}
tap_check "root tests the config of a daemon whose key is in its state folder" tests_as_root
tap_check "but a folder of a third user is refused" refuses_other_folder

as $user "$LAB_BUILD/exec/coterie" -f -c "$LAB_DIR/1/corosync.conf" --user "$LAB_USER" >"$LAB_DIR/said" 2>&1
tap_check "another user cannot become it" grep -q "start the daemon as root or as that user" "$LAB_DIR/said" ||
	tap_note "$(cat "$LAB_DIR/said")"
lab_close
