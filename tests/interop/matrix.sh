# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# One program with {our, Debian's} client library and {our, Debian's} daemon: four equal transcripts, but
# for the defects of the reference that NAME_matrix.defects lists. NAME_matrix.sh sources this, changes
# what it needs of the following, and ends with matrix_run:
#
#	matrix_package=libNAME4  Debian's package with the library; required
#	matrix_plan="…"          the parts of the program, in order; + starts a daemon, - ends it (TERM);
#	                         +NAME starts one as well, and tells the hook
#	matrix_once="…"          its parts that never look for a daemon: played once for each library
#	matrix_totem="…"         more lines for the section totem of corosync.conf
#	matrix_sections="…"      more sections for it: quorum, …; matrix_work is a folder of its own
#	matrix_prepare KIND NAME hook: called before a daemon of that kind (ours, debian, debian13) starts
#	matrix_plugins=FOLDER    where our daemon looks for its plugins
#	matrix_config            prints corosync.conf; one node of its own on loopback as it stands
#
# A library that only we have: matrix_run_alone compares the one transcript with NAME_matrix.expected, in
# which a line "= PART" begins each part. MATRIX_KEEP=FOLDER keeps the transcripts and the daemon's log.
#
# A line of NAME_matrix.defects is WHO|LINE OF THE REFERENCE|OUR LINE, in the order of the transcript. WHO
# decides: library, daemon; pair (ours with Debian's library and our daemon alone), both (ours with our
# library and our daemon alone) or either (ours unless both are Debian's).
#
# With MATRIX_13=1 the libraries are Debian's, ours and those of Corosync 3.1.9 (tests/root13.sh). The daemons are that of
# 3.1.9 and ours, and every transcript is compared with that of Debian's library and daemon.
# shellcheck source=tests/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
# shellcheck source=tests/root13.sh
. "$(dirname "${BASH_SOURCE[0]}")/../root13.sh"
matrix_here=$(cd "$(dirname "$0")" && pwd)
matrix_build=${abs_top_builddir:-$PWD}
matrix_name=$(basename "$0" _matrix.sh)
matrix_plan="absent + starting live messages paused defects - + killed - + stopped -"
matrix_once=
matrix_package=
matrix_totem=
matrix_sections=
matrix_plugins=$matrix_build # where our daemon looks for its plugins
matrix_work=
matrix_daemon= # its process id while it runs
matrix_root13=/run/debian13

matrix_prepare() { :; }

matrix_config() {
	cat <<-EOT
		totem {
			version: 2
			cluster_name: matrix
			transport: udpu
			crypto_cipher: none
			crypto_hash: none
			$matrix_totem
		}
		system {
			sched_rr: no
			state_dir: $matrix_work/state
		}
		logging {
			to_logfile: yes
			logfile: $matrix_work/log
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
		$matrix_sections
	EOT
}

# Skips the script where it cannot run, else starts it again in namespaces of its own: nobody else's
# sockets, addresses and state, and process ids that do not begin anew in the midst of it: members are listed by them.
matrix_enter() {
	local flags=(--net --mount --pid --fork --kill-child --mount-proc)

	if [ -n "$matrix_package" ]; then
		[ -n "$(type -p corosync)" ] || tap_skip "no corosync to compare with"
		matrix_debian=$(dpkg -L "$matrix_package" 2>/dev/null | grep '\.so\.[0-9]*$' | head -n 1)
		[ -n "$matrix_debian" ] || tap_skip "$matrix_package of Debian is not installed"
		matrix_debian=${matrix_debian%/*}
	fi
	[ -z "${MATRIX_13:-}" ] || ! root13_missing >/dev/null || tap_skip "$(root13_missing)"
	matrix_program=$matrix_build/tests/interop/.libs/${matrix_name}_matrix
	[ -x "$matrix_program" ] || matrix_program=$matrix_build/tests/interop/${matrix_name}_matrix
	[ -x "$matrix_program" ] || tap_skip "the program is not built (make check does)"
	[ -z "$MATRIX_INSIDE" ] || return
	[ "$(id -u)" -eq 0 ] || flags+=(--user --map-root-user)
	unshare "${flags[@]}" true 2>/dev/null || tap_skip "no namespaces (not root)"
	MATRIX_INSIDE=1 exec unshare "${flags[@]}" bash "$0"
}

matrix_open() {
	matrix_work=$(mktemp -d) || exit 1
	trap 'matrix_end KILL; rm -rf "$matrix_work"' EXIT
	mount -t tmpfs none /run && mount -t tmpfs none /dev/shm
	[ ! -d /var/lib/corosync ] || mount -t tmpfs none /var/lib/corosync
	mkdir -p /run/lock "$matrix_work/state" "$matrix_work/out"
	# Reverse look-ups of addresses would stall the start.
	echo "hosts: files" >"$matrix_work/nsswitch.conf"
	mount --bind "$matrix_work/nsswitch.conf" /etc/nsswitch.conf
	[ -z "${MATRIX_13:-}" ] || root13_open "$matrix_root13" "$matrix_work" "$matrix_build" || exit 1
	ip link set lo up
}

# matrix_start KIND NAME: sets matrix_daemon. In a session of its own: the kernel continues stopped processes of
# an orphaned process group, and hangs up the whole of it, when a process of the group ends.
matrix_start() {
	local command=(corosync)

	case $1 in
	ours) command=("$matrix_build/exec/coterie") ;;
	debian13) command=(chroot "$matrix_root13" corosync) ;;
	esac
	matrix_config >"$matrix_work/corosync.conf"
	matrix_prepare "$1" "$2"
	RUNTIME_DIRECTORY=/run COTERIE_PLUGIN_PATH=$matrix_plugins setsid "${command[@]}" -f \
		-c "$matrix_work/corosync.conf" >"$matrix_work/out/daemon" 2>&1 &
	matrix_daemon=$!
}

# matrix_end SIGNAL: and wait for the end.
matrix_end() {
	[ -n "$matrix_daemon" ] || return
	kill -CONT "$matrix_daemon" 2>/dev/null
	kill "-$1" "$matrix_daemon" 2>/dev/null
	wait "$matrix_daemon" 2>/dev/null
	matrix_daemon=
}

# matrix_part LIBRARY DAEMON NAME: its transcript becomes $matrix_work/out/LIBRARY-DAEMON.NAME.
matrix_part() {
	local out=$matrix_work/out/$1-$2.$3 libraries=$matrix_debian root=()

	unset MATRIX_CAREFUL
	case $1 in
	ours)
		libraries=$matrix_build/.libs
		export MATRIX_CAREFUL=1
		;;
	debian13)
		libraries=$(root13_libraries)
		root=(chroot "$matrix_root13")
		;;
	esac
	"${root[@]}" env LD_LIBRARY_PATH="$libraries" timeout -k 5 120 "$matrix_program" "$3" "$matrix_daemon" \
		>"$out" 2>"$matrix_work/out/errors"
	echo "exit status $?" >>"$out"
}

# matrix_played LIBRARY DAEMON NAME: this part is one of matrix_once, and the library's transcript of it is there already.
matrix_played() {
	local earlier

	[[ " $matrix_once " == *" $3 "* ]] || return
	earlier=$(find "$matrix_work/out" -name "$1-*.$3" -print -quit)
	[ -n "$earlier" ] && cp "$earlier" "$matrix_work/out/$1-$2.$3"
}

matrix_cell() {
	local step

	for step in $matrix_plan; do
		case $step in
		+*) matrix_start "$2" "${step#+}" ;;
		-) matrix_end TERM ;;
		*) matrix_played "$1" "$2" "$step" || matrix_part "$1" "$2" "$step" ;;
		esac
	done
}

# Print the lines that must not differ. The other function prints those that may: they begin with
# the number of a section.
matrix_same_lines() { grep -Ev '^[0-9]+[a-z]?(\.[0-9]+)+ ' "$1"; }
matrix_defect_lines() { grep -Eh '^[0-9]+[a-z]?(\.[0-9]+)+ ' "$1"; }

# Print the entries of the list of defects for a cell.
matrix_defects_expected() {
	local who reference better is_ours

	while IFS='|' read -r who reference better; do
		is_ours=
		case $who in
		library) [ "$1" != ours ] || is_ours=1 ;;
		daemon) [ "$2" != ours ] || is_ours=1 ;;
		pair) [ "$1" = ours ] || [ "$2" != ours ] || is_ours=1 ;;
		both) [ "$1-$2" != ours-ours ] || is_ours=1 ;;
		either) [[ $1-$2 != *ours* ]] || is_ours=1 ;;
		*) continue ;;
		esac
		[ -n "$is_ours" ] && echo "$better" || echo "$reference"
	done <"$matrix_here/${matrix_name}_matrix.defects"
}

matrix_defects_seen() {
	local part

	for part in $matrix_parts; do
		matrix_defect_lines "$matrix_work/out/$1-$2.$part"
	done
}

# Print the first differences. The status is that of diff.
matrix_differ() {
	diff "$@" >"$matrix_work/diff"
	local status=$?

	head -n 40 "$matrix_work/diff"
	return "$status"
}

matrix_check_cell() {
	local title="$1 library, $2 daemon" part

	matrix_cell "$1" "$2"
	for part in $matrix_parts; do
		tap_check "$part: $title" matrix_differ \
			<(matrix_same_lines "$matrix_work/out/debian-debian.$part") \
			<(matrix_same_lines "$matrix_work/out/$1-$2.$part") ||
			tap_note "$(tail -n 5 "$matrix_work/out/daemon")"
	done
	tap_check "defects: $title" matrix_differ \
		<(matrix_defects_expected "$1" "$2") <(matrix_defects_seen "$1" "$2")
}

matrix_run() {
	local kind library kinds=debian libraries="debian ours"

	# shellcheck disable=SC2086 # words
	matrix_parts=$(printf '%s ' $matrix_plan | sed 's/[+-][^ ]* *//g')
	matrix_enter
	matrix_open
	[ ! -x "$matrix_build/exec/coterie" ] || kinds="debian ours"
	if [ -n "${MATRIX_13:-}" ]; then
		matrix_check_cell debian debian
		kinds="debian13 ${kinds#debian}"
		libraries+=" debian13"
	fi
	for kind in $kinds; do
		for library in $libraries; do
			matrix_check_cell "$library" "$kind"
		done
	done
	[ "$(cat "$matrix_work"/out/debian-debian.* | grep -c '^exit status 0$')" -eq \
		"$(echo "$matrix_parts" | wc -w)" ] &&
		! grep -q 'events are missing' "$matrix_work"/out/debian-debian.*
	tap $? "the reference's transcript is complete"
	[ -x "$matrix_build/exec/coterie" ] ||
		tap_note "our daemon is not built: half of the matrix only"
	[ -z "$MATRIX_KEEP" ] || cp -r "$matrix_work/out" "$matrix_work/log" "$MATRIX_KEEP"
	tap_end
}

matrix_run_alone() {
	local part

	# shellcheck disable=SC2086 # words
	matrix_parts=$(printf '%s ' $matrix_plan | sed 's/[+-][^ ]* *//g')
	matrix_enter
	[ -x "$matrix_build/exec/coterie" ] || tap_skip "exec/coterie is not built"
	matrix_open
	matrix_cell ours ours
	for part in $matrix_parts; do
		tap_check "$part" matrix_differ \
			<(sed -n "/^= $part\$/,/^= /{/^= /!p}" "$matrix_here/${matrix_name}_matrix.expected") \
			"$matrix_work/out/ours-ours.$part" || tap_note "$(tail -n 5 "$matrix_work/out/daemon")"
	done
	[ -z "$MATRIX_KEEP" ] || cp -r "$matrix_work/out" "$matrix_work/log" "$MATRIX_KEEP"
	tap_end
}
