#!/bin/bash
# The same program with {our, Debian's} libcpg and {our, Debian's} daemon: equal transcripts, but for
# the defects of the reference listed in cpg_matrix.defects.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
here=$(cd "$(dirname "$0")" && pwd)
build=${abs_top_builddir:-$PWD}

[ -n "$(type -p corosync)" ] || tap_skip "no corosync to compare with"
debian=$(dpkg -L libcpg4 2>/dev/null | grep 'libcpg\.so\.4$')
[ -n "$debian" ] || tap_skip "libcpg4 of Debian is not installed"
debian=${debian%/*}
program=$build/tests/interop/.libs/cpg_matrix
[ -x "$program" ] || program=$build/tests/interop/cpg_matrix
[ -x "$program" ] || tap_skip "the program is not built (make check does)"

# Namespaces of our own: nobody else's sockets, addresses and state.
if [ -z "$CPG_MATRIX_INSIDE" ]; then
	flags=(--net --mount)
	[ "$(id -u)" -eq 0 ] || flags+=(--user --map-root-user)
	unshare "${flags[@]}" true 2>/dev/null || tap_skip "no namespaces (not root)"
	CPG_MATRIX_INSIDE=1 exec unshare "${flags[@]}" bash "$0"
fi
work=$(mktemp -d) || exit 1
daemon_pid=
trap 'daemon_end KILL; rm -rf "$work"' EXIT
mount -t tmpfs none /run && mount -t tmpfs none /dev/shm
[ ! -d /var/lib/corosync ] || mount -t tmpfs none /var/lib/corosync
mkdir -p /run/lock "$work/state" "$work/out"
# Reverse look-ups of addresses would stall the start.
echo "hosts: files" >"$work/nsswitch.conf"
mount --bind "$work/nsswitch.conf" /etc/nsswitch.conf
ip link set lo up

cat >"$work/corosync.conf" <<EOT
totem {
	version: 2
	cluster_name: matrix
	transport: udpu
	crypto_cipher: none
	crypto_hash: none
}
system {
	sched_rr: no
	state_dir: $work/state
}
logging {
	to_logfile: yes
	logfile: $work/log
	to_syslog: no
	to_stderr: no
}
nodelist {
	node {
		ring0_addr: 127.0.0.1
		nodeid: 1
		name: one
	}
}
EOT

# daemon_start KIND: sets daemon_pid. In a session of its own: the kernel continues stopped processes of an
# orphaned process group, and hangs up the whole of it, when a process of the group ends.
daemon_start() {
	case $1 in
	debian) setsid corosync -f -c "$work/corosync.conf" >"$work/out/daemon" 2>&1 & ;;
	ours)
		RUNTIME_DIRECTORY=/run COTERIE_PLUGIN_PATH=$build setsid "$build/exec/coterie" -f -c "$work/corosync.conf" \
			>"$work/out/daemon" 2>&1 &
		;;
	esac
	daemon_pid=$!
}

# daemon_end SIGNAL: and wait for the end.
daemon_end() {
	[ -n "$daemon_pid" ] || return
	kill -CONT "$daemon_pid" 2>/dev/null
	kill "-$1" "$daemon_pid" 2>/dev/null
	wait "$daemon_pid" 2>/dev/null
	daemon_pid=
}

# part LIBRARY DAEMON NAME: its transcript becomes $work/out/LIBRARY-DAEMON.NAME.
part() {
	local out=$work/out/$1-$2.$3 libraries=$debian

	if [ "$1" = ours ]; then
		libraries=$build/.libs
		export CPG_MATRIX_CAREFUL=1
	else
		unset CPG_MATRIX_CAREFUL
	fi
	LD_LIBRARY_PATH=$libraries timeout -k 5 120 "$program" "$3" "$daemon_pid" \
		>"$out" 2>"$work/out/errors"
	echo "exit status $?" >>"$out"
}

parts="absent starting live messages paused defects killed stopped"

# Each part that ends the daemon, or leaves traces in it, is followed by a new one.
cell() {
	local library=$1 kind=$2

	part "$library" "$kind" absent
	daemon_start "$kind"
	for name in starting live messages paused defects; do
		part "$library" "$kind" "$name"
	done
	daemon_end TERM
	daemon_start "$kind"
	part "$library" "$kind" killed
	daemon_end TERM
	daemon_start "$kind"
	part "$library" "$kind" stopped
	daemon_end TERM
}

# The lines that must not differ; and those that may.
same_lines() { grep -Ev '^[0-9]+\.[0-9]+ ' "$1"; }
defect_lines() { grep -Eh '^[0-9]+\.[0-9]+ ' "$1"; }

# What the list of defects says for a cell.
defects_expected() {
	local who reference better

	while IFS='|' read -r who reference better; do
		case $who in
		library) [ "$1" = ours ] && echo "$better" || echo "$reference" ;;
		pair) [ "$1-$2" = debian-ours ] && echo "$better" || echo "$reference" ;;
		daemon) [ "$2" = ours ] && echo "$better" || echo "$reference" ;;
		esac
	done <"$here/cpg_matrix.defects"
}

defects_seen() {
	for name in $parts; do
		defect_lines "$work/out/$1-$2.$name"
	done
}

# The first differences; the status is that of diff.
differ() {
	diff "$@" >"$work/diff"
	local status=$?

	head -n 40 "$work/diff"
	return "$status"
}

check_cell() {
	local title="$1 library, $2 daemon"

	cell "$1" "$2"
	for name in $parts; do
		tap_check "$name: $title" differ <(same_lines "$work/out/debian-debian.$name") \
			<(same_lines "$work/out/$1-$2.$name") || tap_note "$(tail -n 5 "$work/out/daemon")"
	done
	tap_check "defects: $title" differ <(defects_expected "$1" "$2") <(defects_seen "$1" "$2")
}

kinds=debian
[ ! -x "$build/exec/coterie" ] || kinds="debian ours"
for kind in $kinds; do
	for library in debian ours; do
		check_cell "$library" "$kind"
	done
done
[ "$(cat "$work"/out/debian-debian.* | grep -c '^exit status 0$')" -eq "$(echo "$parts" | wc -w)" ] &&
	! grep -q 'events are missing' "$work"/out/debian-debian.*
tap $? "the reference's transcript is complete"
[ -x "$build/exec/coterie" ] || tap_note "our daemon is not built: half of the matrix only"
tap_end
