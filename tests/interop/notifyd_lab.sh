# shellcheck shell=bash
# corosync-notifyd, ours and Debian's, side by side on node 1 of a ring of three: the same lines about the
# same events. A script sources this, sets LAB_TOTEM, and calls notifyd_compare with the kinds of the nodes.
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/../cluster/lab.sh"

notifyd_ours=$LAB_BUILD/tools/notifyd/.libs/corosync-notifyd
[ -x "$notifyd_ours" ] || notifyd_ours=$LAB_BUILD/tools/notifyd/corosync-notifyd
notifyd_debian=$(dpkg -L corosync-notifyd 2>/dev/null | grep 's\?bin/corosync-notifyd$')

# The section totem ends here; quorum begins, and the brace that follows in the file ends it.
LAB_TOTEM="$LAB_TOTEM
		}
		quorum {
			provider: corosync_votequorum"

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
			sleep 0.05
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

# What it said between the marks. Sorted: events come over several connections, and in what order these are
# read when all are ready is nobody's promise.
notifyd_lines() {
	sed -n "/\.$2\./,\$p" "$LAB_DIR/$1" | sed "/\.$3\..*disconnected/q" | grep '^\[notice\] ' | sort
}

notifyd_compare() {
	local first host

	[ -x "$notifyd_ours" ] || tap_skip "corosync-notifyd is not built"
	[ -n "$notifyd_debian" ] || tap_skip "Debian's corosync-notifyd is not installed"
	lab_open "$@"
	host=$(hostname)
	notifyd_waiting=()
	lab_start 1 2 3
	tap_check "a ring of three" lab_ring 3 1 2 3 || lab_close
	notifyd_start ours coterie "$notifyd_ours"
	notifyd_start debian corosync "$notifyd_debian"
	tap_check "both say that the node is quorate" notifyd_await "$host\[1\] is now quorate" || lab_close
	notifyd_mark # not in tap_check, which has a shell of its own
	tap $? "both tell of a client"
	first=$notifyd_mark
	lab_kill 3
	tap_check "a node that is lost" notifyd_await "10.0.0.3\[3\] ip:10.0.0.3 left"
	lab_stop 2
	tap_check "quorum lost" notifyd_await "$host\[1\] has lost quorum"
	lab_start 2
	tap_check "a node that comes" notifyd_await "10.0.0.2\[2\] ip:10.0.0.2 joined"
	tap_check "quorum again" notifyd_await "$host\[1\] is now quorate" 2
	lab_start 3
	tap_check "the other one" notifyd_await "10.0.0.3\[3\] ip:10.0.0.3 joined"
	notifyd_mark
	tap $? "both tell of the last client"
	notifyd_lines ours "$first" "$notifyd_mark" >"$LAB_DIR/lines-ours"
	notifyd_lines debian "$first" "$notifyd_mark" >"$LAB_DIR/lines-debian"
	tap_check "the same lines, $(wc -l <"$LAB_DIR/lines-debian") of them" \
		diff "$LAB_DIR/lines-debian" "$LAB_DIR/lines-ours"
	tap_check "which are not none" grep -q ' left$' "$LAB_DIR/lines-debian"
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

	timeout 5 bash -c "until grep -q quorate '$LAB_DIR/ours'; do sleep 0.05; done"
	lab_kill 1
	wait "$ours"
	[ $? -eq 1 ]
	tap $? "the end of the daemon ends it with status 1"
}
