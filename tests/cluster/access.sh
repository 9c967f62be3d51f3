#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The rights of clients that are not root. A real daemon has clients with the uids of an administrator, a user, an
# observer and a stranger. Each tries the requests of an administrator (load code, set keys that control the daemon,
# end it), and those of its own right.
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"

command -v setpriv >/dev/null || tap_skip "no setpriv"
[ "$(id -u)" -eq 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" != 1 ] || tap_skip "not root"
ctl=$LAB_BUILD/tools/coterie-ctl
[ ! -x "$LAB_BUILD/tools/.libs/coterie-ctl" ] || ctl=$LAB_BUILD/tools/.libs/coterie-ctl
[ -x "$ctl" ] || tap_skip "coterie-ctl is not built (no json-c)"
life=$LAB_BUILD/tests/unit/sample-plugins/.libs/life.so
[ -e "$life" ] || tap_skip "the plugins of the unit tests are not built"
administrator=61001 user=65534 observer=61003 stranger=61004 neighbour=61005

lab_open coterie
# shellcheck disable=SC2034 # read by lab.sh
LAB_FILES[1]=coterie.conf
mkdir "$LAB_DIR/logs"
cat >"$LAB_DIR/1/coterie.conf" <<-CONFIG
	cluster {
		name = lab
	}
	totem {
		token = ${LAB_TOKEN}ms
	}
	transport udpu {
		encryption = none
	}
	node node1 {
		id = 1
		address = 10.0.0.1
	}
	quorum {
		provider = votequorum
	}
	access {
		administrators = {$administrator}
		users = {$user, $neighbour}
		observers = {"@$observer"}
	}
	log {
		stderr = no
		syslog = no
		file = "$LAB_DIR/1/log"
	}
	process {
		realtime = no
		lock-memory = no
		state-dir = "$LAB_DIR/1/state"
	}
CONFIG

# as UID COMMAND...: its output in the file "said"
as() {
	local uid=$1

	shift
	lab_in 1 setpriv --reuid="$uid" --regid="$uid" --clear-groups "$@" >"$LAB_DIR/said" 2>&1
}
program() { lab_program "$1"; }
tool() { # NAME: a program of the tools' folder
	local path=$LAB_BUILD/tools/.libs/$1

	[ -x "$path" ] || path=$LAB_BUILD/tools/$1
	echo "$path"
}
cmapctl=$(tool corosync-cmapctl)
cfgtool=$(tool corosync-cfgtool)
quorumtool=$(tool corosync-quorumtool)
cfg_ask=$(program cfg_ask)
extra_info=$(program extra_info)
kv=$LAB_BUILD/plugins/kv/tool/.libs/coterie-kv
[ -x "$kv" ] || kv=$LAB_BUILD/plugins/kv/tool/coterie-kv
says() { grep -q "$@" "$LAB_DIR/said"; }
# denied UID COMMAND...: it fails, and says that it lacks the access.
denied() {
	! as "$@" && grep -qiE 'access|not allowed|error = 11|^[a-z]+: 11$' "$LAB_DIR/said" && return
	cat "$LAB_DIR/said"
	return 1
}
may() {
	as "$@" && return
	cat "$LAB_DIR/said"
	return 1
}
key() { lab_in 1 "$cmapctl" -g "$1" 2>&1; }
statistic() { lab_in 1 "$cmapctl" -m stats -g "$1" | sed 's/.* = //'; }

# Return whether other users can load what is built: they cannot in a private folder.
is_public() {
	setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$(program cpg_load)" && return
	tap_note "other users cannot reach $(program cpg_load)"
	return 1
}

lab_start 1
tap_check "a ring of one" lab_ring 1 1 || lab_close

# --- a user ---
install -m 755 "$life" "$LAB_DIR/life.so"
tap_check "a user loads no plugin" denied $user "$ctl" plugin load "$LAB_DIR/life.so"
tap_check "and unloads none" denied $user "$ctl" plugin unload evs
tap_check "and replaces none" denied $user "$ctl" plugin replace evs
tap_check "a user sets no log file" denied $user "$cmapctl" -s logging.logfile str "$LAB_DIR/logs/forged"
tap_check "which is not made" test ! -e "$LAB_DIR/logs/forged"
tap_check "a user lets nobody in" denied $user "$cmapctl" -s uidgid.uid.$stranger u8 1
tap_check "so that a stranger stays outside" denied $stranger "$cmapctl" -g totem.token
tap_check "a user sets no timeout" denied $user "$cmapctl" -s totem.token u32 31000
tap_check "which stays" bash -c "! grep -q 31000 <<<'$(key totem.token)'"
tap_check "a user dumps nothing" denied $user "$cmapctl" -s runtime.blackbox.dump_state str yes
tap_check "a user does not end the daemon" denied $user "$cfgtool" -H
tap_check "and not by force" denied $user "$cfg_ask" shutdown 2
tap_check "a user kills no node" denied $user "$cfg_ask" kill 1
tap_check "a user does not reload" denied $user "$cfgtool" -R
tap_check "nor with coterie-ctl" denied $user "$ctl" reload
tap_check "a user opens no log files" denied $user "$cfgtool" -L
tap_check "a user rotates no key" denied $user "$ctl" key rotate
tap_check "and not by force" denied $user "$ctl" key rotate --force
tap_check "a user sets no expected votes" denied $user "$quorumtool" -e 5
tap_check "and no votes of a node" denied $user "$quorumtool" -n 1 -v 3
tap_check "nor with coterie-ctl" denied $user "$ctl" quorum set-votes 3
tap_check "a user ends no wait for all nodes" denied $user "$ctl" quorum unblock --yes
if is_public; then
	tap_check "a user registers no quorum device" denied $user "$extra_info" device text
	lab_in 1 "$ctl" plugin load kv >"$LAB_DIR/said" 2>&1
	tap $? "root loads the service kv"
	tap_check "a user looks at it" may $user "$kv" status
	tap_check "but does not give up nodes that it waits for" denied $user "$kv" recover
fi
# They show attacks.
denials=$(statistic stats.coterie.ipc.refused)
for name in ipc totem knet all coterie.ipc; do
	tap_check "a user does not clear statistics: $name" denied $user "$cmapctl" -m stats -s "stats.clear.$name" u8 1
done
tap_check "so that they stay" test "$(statistic stats.coterie.ipc.refused)" -ge $((denials + 5))
tap_check "a user clears those of the loop alone" may $user "$cmapctl" -m stats -s stats.clear.schedmiss u8 1
tap_check "a user has keys of its own" may $user "$cmapctl" -s my.own.key u8 1
lab_in 1 "$cmapctl" -s others.key u8 1 >/dev/null
tap_check "and may change those of others, since no key has an owner" may $user "$cmapctl" -s others.key u8 2
tap_check "and delete them" may $user "$cmapctl" -d others.key
if is_public; then
	tap_check "a user sends to groups" may $user timeout 30 "$(program cpg_load)" -g user -m 1 -s 100 -t 50
fi
tap_check "a user looks at the status" may $user "$ctl" status

# --- a user's share of the map ---
# fills UID PREFIX: the user sets keys of 16 kB until one is refused. It has about 260 of them then.
fills() {
	# shellcheck disable=SC2016 # for the other shell
	as "$1" bash -c 'value=$(printf "%016000d" 0)
		for ((i = 0; i < 400; i++)); do
			"$1" -s "$2.$i" str "$value" || exit 0
		done' - "$cmapctl" "$2"
	says "$2.2[0-9][0-9]. Error CS_ERR_NO_RESOURCES" && return
	cut -c 1-200 "$LAB_DIR/said"
	return 1
}
if is_public; then
	tap_check "a user fills its share of the map" fills $user my.fill
	tap_check "which is logged" grep -q "User $user has its share of the configuration map" "$LAB_DIR/1/log"
	tap_check "root sets a key then" may 0 "$cmapctl" -s totem.fill str x
	tap_check "so does an administrator" may $administrator "$cmapctl" -s my.fill.administrator str x
	tap_check "and another user" may $neighbour "$cmapctl" -s other.key str x
	tap_check "the full user changes a key that stays as long" \
		may $user "$cmapctl" -s my.fill.0 str "$(printf '%016000d' 1)"
	tap_check "and has room after it deletes its keys" may $user "$cmapctl" -D my.fill.
	tap_check "as it has for another one" may $user "$cmapctl" -s my.again str "$(printf '%016000d' 1)"
fi

# --- what a user can have the tools print ---
if command -v script >/dev/null; then
	evil=$'a\033]0;title\a\033[2Jb\nc'
	as $user "$cmapctl" -s my.evil.key str "$evil"
	terminal() { # COMMAND...: what it prints to a terminal
		lab_in 1 script -qec "$(printf '%q ' "$@")" /dev/null </dev/null 2>&1
	}
	for tool in "$cmapctl -g" "$ctl config get"; do
		# shellcheck disable=SC2086 # words
		terminal $tool my.evil.key >"$LAB_DIR/said"
		tap_check "control characters of a value are shown: ${tool##*/}" \
			says -F 'a\x1B]0;title\x07\x1B[2Jb\x0Ac'
		tap_check "and are not sent" test -z "$(tr -d '\r\n\t -~' <"$LAB_DIR/said")"
		# shellcheck disable=SC2086 # words
		lab_in 1 $tool my.evil.key >"$LAB_DIR/said"
		tap_check "a file has them as they are" grep -qzF "$evil" "$LAB_DIR/said"
	done
fi

# --- an observer ---
tap_check "an observer reads keys" may $observer "$cmapctl" -g my.own.key
tap_check "and statistics" may $observer "$cmapctl" -m stats stats.ipcs.
tap_check "and the status" may $observer "$ctl" status
tap_check "and the quorum" may $observer "$quorumtool" -s
tap_check "and the links" may $observer "$cfgtool" -s
tap_check "an observer sets no key" denied $observer "$cmapctl" -s my.own.key u8 2
as $observer timeout 5 "$(program cpg_load)" -g observer -m 1 -s 100 -t 50 -w 2
tap $((! $?)) "an observer joins no group"
tap_check "a stranger is not let in" denied $stranger "$ctl" status

# --- counted and logged ---
refused=$(statistic stats.coterie.ipc.refused)
tap_check "refusals are counted ($refused)" test "$refused" -ge 15
tap_check "and logged, with the user and the right" grep -q \
	"Refused request .* of user $user:$user at service cfg: it needs the right to administer, and the client may only use" \
	"$LAB_DIR/1/log"
began=$SECONDS
for ((i = 0; i < 60; i++)); do
	as $user "$cmapctl" -s totem.token u32 31000
done
tap_check "each is counted" test "$(statistic stats.coterie.ipc.refused)" -ge $((refused + 60))
lines=$(grep -c 'Refused request' "$LAB_DIR/1/log")
tap_check "but few are logged ($lines)" test "$lines" -le $((40 + (SECONDS - began) / 2)) # 5 in each 10 s

# --- an administrator ---
tap_check "an administrator sets a timeout" may $administrator "$cmapctl" -s totem.token u32 2000
tap_check "an administrator reloads" may $administrator "$ctl" reload
tap_check "an administrator sets votes" may $administrator "$ctl" quorum set-votes 1
tap_check "an administrator clears statistics" may $administrator "$cmapctl" -m stats -s stats.clear.ipc u8 1
mkdir -m 777 "$LAB_DIR/open"
install -m 755 "$life" "$LAB_DIR/open/life.so"
mkdir "$LAB_DIR/closed"
install -m 777 "$life" "$LAB_DIR/closed/life.so"
not_loaded() {
	! as $administrator "$ctl" plugin load "$1" && says 'only root can write' && return
	cat "$LAB_DIR/said"
	return 1
}
tap_check "a plugin in a folder that all can write is not loaded" not_loaded "$LAB_DIR/open/life.so"
tap_check "and none that all can write" not_loaded "$LAB_DIR/closed/life.so"
chmod 755 "$LAB_DIR/closed/life.so"
chown $user "$LAB_DIR/closed/life.so"
tap_check "and none of another user" not_loaded "$LAB_DIR/closed/life.so"
chown root "$LAB_DIR/closed/life.so"
tap_check "an administrator loads another one" may $administrator "$ctl" plugin load "$LAB_DIR/closed/life.so"
tap_check "and unloads it" may $administrator "$ctl" plugin unload life

# --- files ---
tap_check "the log is not for all to read" test "$(stat -c %a "$LAB_DIR/1/log")" = 640
chmod 1777 "$LAB_DIR/logs"
ln -s "$LAB_DIR/logs/victim" "$LAB_DIR/logs/log"
lab_in 1 "$cmapctl" -s logging.logfile str "$LAB_DIR/logs/log" >/dev/null 2>&1
sleep 0.3
tap_check "a link in a folder that all can write is not followed" test ! -e "$LAB_DIR/logs/victim"
tap_check "the daemon is there" lab_alive 1
tap_check "an administrator ends it" may $administrator "$cfgtool" -H
lab_close
