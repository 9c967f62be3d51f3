#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Plays openrc-run(8) for a service script: openrc_run.sh SCRIPT COMMAND. Its functions and variables are those that the
# manual names. Programs of OpenRC are told apart by their options: start-stop-daemon is a function here.

script=$1
action=$2
RC_SVCNAME=$(basename "$script")
export RC_SVCNAME
: "${extra_commands:=}" "${extra_started_commands:=}" "${retry:=TERM/5}" "${command:=}" "${pidfile:=}" "${name:=}"

einfo() { echo " * $*"; }
ewarn() { echo " * $*" >&2; }
eerror() { echo " * $*" >&2; }
ebegin() { echo " * $* ..."; }
eend() {
	status=$1
	shift
	[ "$status" -eq 0 ] || eerror "$@"
	return "$status"
}
need() { echo "need $*" >>"$OPENRC_LOG"; }
use() { echo "use $*" >>"$OPENRC_LOG"; }
after() { echo "after $*" >>"$OPENRC_LOG"; }
provide() { echo "provide $*" >>"$OPENRC_LOG"; }

# checkpath --directory --owner OWNER --mode MODE PATH
checkpath() {
	[ "$1 $2 $4" = "--directory --owner --mode" ] || return
	mkdir "$6" && chmod "$5" "$6" && chown "$3" "$6" && echo "checkpath $3 $5 $6" >>"$OPENRC_LOG"
}

running() {
	[ -e "$pidfile" ] && kill -0 "$(cat "$pidfile")" 2>/dev/null &&
		[ "$(readlink "/proc/$(cat "$pidfile")/exe")" = "$(realpath "$command")" ]
}

# start-stop-daemon --start|--stop --exec FILE --pidfile FILE [--retry SCHEDULE] [-- ARGUMENT...]
ssd() {
	mode=$1
	shift
	case $mode in
	--start)
		! running || return 1
		while [ "$1" != -- ]; do shift; done
		shift
		"$command" "$@"
		;;
	--stop)
		running || return 0
		pid=$(cat "$pidfile")
		seconds=$(echo "$retry" | cut -d/ -f2)
		kill -"${retry%%/*}" "$pid"
		while [ "$seconds" -gt 0 ] && kill -0 "$pid" 2>/dev/null; do
			sleep 1
			seconds=$((seconds - 1))
		done
		! kill -0 "$pid" 2>/dev/null
		;;
	esac
}
alias start-stop-daemon=ssd

# shellcheck disable=SC1090 # the settings of the operator, and the script under test
. "$(dirname "$script")/../conf.d/$RC_SVCNAME" && . "$script"

case $action in
start)
	ebegin "Starting $name"
	start_pre || exit
	# shellcheck disable=SC2086 # as openrc-run does
	ssd --start --exec "$command" --pidfile "$pidfile" -- $command_args
	eend $? "Failed to start $name"
	;;
stop)
	ebegin "Stopping $name"
	ssd --stop --exec "$command" --pidfile "$pidfile"
	eend $? "Failed to stop $name"
	;;
status)
	if running; then
		einfo "status: started"
	else
		einfo "status: stopped"
		exit 3
	fi
	;;
depend) depend ;;
*)
	case " $extra_commands $extra_started_commands " in
	*" $action "*) "$action" ;;
	*) exit 64 ;;
	esac
	;;
esac
