# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# corosync-notifyd, ours and Debian's, side by side on node 1 of a ring of three: the same lines about the
# same events. A script sources this, opens a lab, and calls notifyd_begin, _same and _end around its events.
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/../cluster/lab.sh"

notifyd_ours=$LAB_BUILD/tools/notifyd/.libs/corosync-notifyd
[ -x "$notifyd_ours" ] || notifyd_ours=$LAB_BUILD/tools/notifyd/corosync-notifyd
notifyd_debian=$(dpkg -L corosync-notifyd 2>/dev/null | grep 's\?bin/corosync-notifyd$')
[ -x "$notifyd_ours" ] || tap_skip "corosync-notifyd is not built"
[ -n "$notifyd_debian" ] || tap_skip "Debian's corosync-notifyd is not installed"

# Lines that end the section totem. Section quorum begins, and the brace that follows in the file
# ends it.
notifyd_totem="}
		quorum {
			provider: corosync_votequorum"
LAB_TOTEM=$notifyd_totem

# notifyd_start NAME LIBRARIES PROGRAM: its lines go to $LAB_DIR/NAME.
notifyd_start() {
	(LAB_CLIENT=$2 lab_exec 1 "$3" -f -o -n >/dev/null 2>"$LAB_DIR/$1") &
	notifyd_waiting+=($!)
}

# notifyd_await LINE [COUNT]: until both have that many lines that match.
notifyd_await() {
	local end=$((SECONDS + LAB_PATIENCE)) name

	for name in ours debian; do
		until [ "$(grep -Ec "^\[notice\] $1\$" "$LAB_DIR/$name")" -ge "${2:-1}" ]; do
			if [ $SECONDS -ge $end ]; then
				tap_note "$name never says: $1" "$(grep -v '^\[debug' "$LAB_DIR/$name" | tail -n 20)"
				return 1
			fi
			lab_nap 0.05
		done
	done
}

# notifyd_mark: a client whose process id both tell of; sets notifyd_mark.
notifyd_mark() {
	(LAB_CLIENT=corosync lab_exec 1 corosync-cmapctl -g totem.cluster_name >/dev/null) &
	notifyd_mark=$!
	wait $!
	notifyd_await ".* 0x[0-9a-f]+\.$notifyd_mark\..* is now disconnected from corosync"
}

# Print its lines between the marks, sorted. Events come over several connections, and their order is
# undefined if all are ready.
notifyd_lines() {
	sed -n "/\.$2\./,\$p" "$LAB_DIR/$1" | sed "/\.$3\..*disconnected/q" | grep '^\[notice\] ' | sort
}

# Print all events except those of clients, with the hosts and addresses of a transcript that was
# made elsewhere.
notifyd_events() {
	grep '^\[notice\] ' "$1" | grep -v 'connected \(to\|from\) corosync$' |
		sed -e 's/^\[notice\] //' -e 's/^[^ .]*\[1\]/host[1]/' -e 's/10\.188\.\([01]\)\./10.\1.0./g' | sort
}

# The forms in which it tells of clients.
notifyd_forms() {
	sed -nE '/corosync$/s/^\[notice\] [^ ]+\[1\] 0x[0-9a-f]+\.[0-9]+\.[^ ]{1,15} /host[1] client /p' "$1" | sort -u
}

# notifyd_holds VECTOR: what Debian's has said here is what it said there.
notifyd_holds() {
	local vector=$LAB_HERE/../interop/tools/$1

	diff <(notifyd_events "$vector") <(notifyd_events "$LAB_DIR/debian") &&
		diff <(notifyd_forms "$vector") <(notifyd_forms "$LAB_DIR/debian")
}

# notifyd_begin: a ring of three, both of them on node 1, and a first mark.
notifyd_begin() {
	notifyd_waiting=()
	lab_start 1 2 3
	tap_check "a ring of three" lab_ring 3 1 2 3 || lab_close
	notifyd_start ours coterie "$notifyd_ours"
	notifyd_start debian corosync "$notifyd_debian"
	tap_check "both say that the node is quorate" notifyd_await "$(hostname)\[1\] is now quorate" || lab_close
	notifyd_mark # not in tap_check, which has a shell of its own
	tap $? "both tell of a client"
	notifyd_first=$notifyd_mark
}

# notifyd_same VECTOR: since the first mark both have said the same, and what the transcript says.
notifyd_same() {
	notifyd_mark
	tap $? "both tell of the last client"
	notifyd_lines ours "$notifyd_first" "$notifyd_mark" >"$LAB_DIR/lines-ours"
	notifyd_lines debian "$notifyd_first" "$notifyd_mark" >"$LAB_DIR/lines-debian"
	tap_check "the same lines, $(wc -l <"$LAB_DIR/lines-debian") of them" \
		diff "$LAB_DIR/lines-debian" "$LAB_DIR/lines-ours"
	tap_check "which are not none" grep -q ' left$' "$LAB_DIR/lines-debian"
	tap_check "$1 holds" notifyd_holds "$1"
}

# notifyd_end: a signal ends it, and so does the end of the daemon.
notifyd_end() {
	kill -TERM "${notifyd_waiting[0]}"
	wait "${notifyd_waiting[0]}"
	tap $? "a signal ends it with status 0"
	kill -TERM "${notifyd_waiting[1]}"
	wait "${notifyd_waiting[1]}" 2>/dev/null
	notifyd_start ours coterie "$notifyd_ours"
	notifyd_await_end
	lab_close
}

# Without a daemon it ends with status 1.
notifyd_await_end() {
	local ours=${notifyd_waiting[2]}

	LAB_PATIENCE=5 lab_await grep -q quorate "$LAB_DIR/ours"
	lab_kill 1
	wait "$ours"
	[ $? -eq 1 ]
	tap $? "the end of the daemon ends it with status 1"
}
