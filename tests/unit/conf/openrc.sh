#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The service script for OpenRC: it starts, stops and watches a daemon of this build, and says what is wrong.
# OPENRC_ROOT=FOLDER, where Debian's packages openrc, librc1 and libeinfo1 are unpacked, plays it with OpenRC itself.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../../tap.sh"
source=${abs_top_srcdir:-$(cd "$(dirname "$0")/../../.." && pwd)}
build=${abs_top_builddir:-$source/build}
[ -x "$build/exec/coterie" ] || tap_skip "exec/coterie is not built"
program=$build/exec/coterie
[ ! -x "$build/exec/.libs/coterie" ] || program=$build/exec/.libs/coterie
if [ -n "${OPENRC_ROOT:-}" ] && [ -z "${OPENRC_INSIDE:-}" ]; then
	OPENRC_INSIDE=1 exec unshare --mount --pid --fork --kill-child --mount-proc bash "$(realpath "$0")"
fi

work=$(mktemp -d) || exit 1
finish() {
	local pid

	pid=$(cat "$work/run/coterie/coterie.pid" 2>/dev/null)
	[ -z "$pid" ] || [ "$(readlink "/proc/$pid/exe")" != "$program" ] || kill -KILL "$pid"
	[ -z "${OPENRC_ROOT:-}" ] || umount -l "$work/layer" 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT
mkdir -p "$work/etc/coterie" "$work/state" "$work/init.d" "$work/conf.d" "$work/run" "$work/var/lib" "$work/var/log"
script=$work/init.d/coterie
sed -e "s,[@]sbindir[@],${program%/*},g" -e "s,[@]sysconfdir[@],$work/etc,g" -e "s,[@]localstatedir[@],$work/var,g" \
	-e "s,[@]runstatedir[@],$work/run,g" "$source/conf/coterie.openrc.in" >"$script"
chmod +x "$script"
tap_check "all paths are filled in" test -z "$(grep -n '@[a-z]*@' "$script")"
tap_check "it is a script of a plain shell" sh -n "$script"

me=$(id -un)
export OPENRC_LOG=$work/openrc
unset COTERIE_CONFIG COTERIE_INSTANCE
# OpenRC gives a service no other environment.
cat >"$work/conf.d/coterie" <<CONF
COTERIE_USER=$me
COTERIE_CONFIG=$work/etc/coterie/coterie.conf
COTERIE_OPTIONS="-l $work/run/coterie/coterie.pid --instance openrc$$ --node n1"
export COTERIE_PLUGIN_PATH=$build LD_LIBRARY_PATH=$build/.libs
CONF

# OpenRC itself, in an overlay of the folders that its package fills.
real_open() {
	mkdir "$work/layer" && mount -t tmpfs layer "$work/layer" && mkdir "$work/layer/up" "$work/layer/at" &&
		mount -t overlay -o "lowerdir=/usr/lib,upperdir=$work/layer/up,workdir=$work/layer/at" overlay /usr/lib &&
		cp -r "$OPENRC_ROOT"/lib/. /usr/lib/ && mount -t tmpfs run /run && mkdir -p /run/openrc/started &&
		mkdir /run/openrc/{daemons,exclusive,failed,hotplugged,inactive,options,scheduled,starting,stopping,tmp,wasinactive} &&
		PATH=$OPENRC_ROOT/sbin:$OPENRC_ROOT/bin:$PATH && echo default >/run/openrc/softlevel
}
if [ -n "${OPENRC_ROOT:-}" ]; then
	real_open # it changes PATH
	tap $? "OpenRC is here" || tap_end
	service() { openrc-run "$script" --nodeps "$@"; }
else
	service() { sh "$source/tests/unit/conf/openrc_run.sh" "$script" "$@"; }
fi
configured() {
	cat >"$work/etc/coterie/coterie.conf" <<-CONFIG
		transport udpu { port = $((30000 + $$ % 10000))  encryption = none }
		node n1 { id = 1  address = 127.0.0.1 }
		process { realtime = no  lock-memory = no  state-dir = "$work/state" }
		log { file = "$work/log"  syslog = no  $1 }
	CONFIG
}
says() {
	local pattern=$1 output

	shift
	output=$(service "$@" 2>&1)
	grep -q "$pattern" <<<"$output" || {
		echo "$output"
		return 1
	}
}
running() { kill -0 "$(cat "$work/run/coterie/coterie.pid" 2>/dev/null)" 2>/dev/null; }
not_started() { ! says "started" status >/dev/null; }
fails() { ! service "$@"; }
reopened() {
	local end=$((SECONDS + 10))

	mv "$work/log" "$work/log.1" && service reopen || return
	until [ -e "$work/log" ]; do
		[ $SECONDS -lt $end ] || return
		sleep 0.1
	done
}

sed -i '/^COTERIE_CONFIG=/s/^/#/' "$work/conf.d/coterie"
tap_check "without a config it says what to write" says "Write .*coterie.conf first" start
sed -i 's/^#//' "$work/conf.d/coterie"
tap_check "nothing runs then" test ! -e "$work/run/coterie/coterie.pid"
configured 'levl = debug'
tap_check "checkconfig names the mistake" says "levl" checkconfig
tap_check "start refuses a wrong config" fails start
configured ''
tap_check "checkconfig accepts the config" service checkconfig
# OpenRC 0.45 keeps the mark "starting" of a start that failed, until the next one.
tap_check "status is not started" not_started
tap_check "start returns when the daemon is ready" service start
tap_check "its process is in the pid file" running || tap_note "$(cat "$work/log")"
tap_check "status is started" says "started" status
for folder in run/coterie var/lib/coterie var/log/coterie; do
	tap_check "$folder belongs to the user" test "$(stat -c %U "$work/$folder")" = "$me"
done
tap_check "reopen makes a new log file" reopened
pid=$(cat "$work/run/coterie/coterie.pid")
tap_check "stop ends the daemon" service stop
tap_check "in order, within its time" test ! -e "/proc/$pid"
tap_check "the log says so" grep -q "$(printf '%s' 'shut')" "$work/log" "$work/log.1"
tap_check "status is stopped again" says "stopped" status
if [ -z "${OPENRC_ROOT:-}" ]; then
	tap_check "it needs the network" grep -qx "need net" <(service depend && cat "$OPENRC_LOG")
fi
tap_end
