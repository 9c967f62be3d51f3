#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The signals on D-Bus and the SNMP traps of corosync-notifyd, ours and Debian's, for the same events.
# A busy machine must not lose links.
LAB_TOKEN=${LAB_TOKEN:-2000}
# shellcheck source=tests/interop/notifyd_lab.sh
. "$(dirname "$0")/notifyd_lab.sh"
# shellcheck source=tests/cluster/knet_lab.sh
. "$LAB_HERE/knet_lab.sh"

for program in dbus-daemon dbus-monitor python3; do
	command -v $program >/dev/null || tap_skip "no $program"
done
grep -qs '^#define HAVE_DBUS 1' "$LAB_BUILD/config.h" || tap_skip "built without D-Bus"
grep -qs '^#define HAVE_SNMP 1' "$LAB_BUILD/config.h" || tap_skip "built without SNMP"

# start NAME LIBRARIES PORT PROGRAM OPTION...: a bus, a receiver of traps, and a notifyd for both.
start() {
	local name=$1 libraries=$2 port=$3

	shift 3
	dbus-daemon --session --nofork --nopidfile --address="unix:path=$LAB_DIR/bus-$name" \
		>/dev/null 2>&1 &
	helpers+=($!)
	lab_await test -S "$LAB_DIR/bus-$name"
	dbus-monitor --address "unix:path=$LAB_DIR/bus-$name" "interface='org.corosync'" \
		>"$LAB_DIR/signals-$name" 2>&1 &
	helpers+=($!)
	lab_await grep -q NameAcquired "$LAB_DIR/signals-$name"
	(lab_exec 1 python3 "$LAB_HERE/../interop/traps.py" "$port" "$LAB_DIR/traps-$name") &
	helpers+=($!)
	lab_await test -e "$LAB_DIR/traps-$name"
	(DBUS_SYSTEM_BUS_ADDRESS=unix:path=$LAB_DIR/bus-$name LAB_CLIENT=$libraries \
		lab_exec 1 "$@" -f -o -n -d -c secret -m "127.0.0.1:$port" \
		>/dev/null 2>"$LAB_DIR/$name") &
	helpers+=($!)
}

# One line for each signal that dbus-monitor has written there: its name and arguments.
signals() {
	awk '/^signal .*interface=org.corosync;/ { if (line) print line; line = $0; sub(/.*member=/, "", line); on = 1; next }
		/^[^ ]/ { on = 0 }
		on { sub(/^ +/, ""); line = line " " $0 }
		END { if (line) print line }' "$1"
}

# The signals of the transcript, made on a host of another name.
vector_signals() {
	signals <(sed 's/^O //' "$LAB_HERE/../interop/tools/notifyd-dbus.txt") |
		sed -e "s/\"vm\"/\"$(hostname)\"/" -e 's/10\.188\.0\./10.0.0./g'
}

# Leave out events of clients, since the test itself causes some.
members_and_links() { grep -v '^ConnectionStateChange\|0\.3 ' | sort; }

lab_open coterie corosync
helpers=()
lab_start 1 2
tap_check "a ring of two" lab_ring 2 1 2 || lab_close
start ours coterie 10162 "$notifyd_ours" --link-as-quorum
start debian corosync 10163 "$notifyd_debian"
tap_check "both say that the node is quorate" notifyd_await "$(hostname)\[1\] is now quorate"
notifyd_mark
lab_kill 2
tap_check "a node that is lost" notifyd_await "10.0.0.2\[2\] ip:10.0.0.2 left"
tap_check "and its link" notifyd_await ".* link 0 to node 2 is now disconnected"
lab_start 2
tap_check "a node that comes" notifyd_await "10.0.0.2\[2\] ip:10.0.0.2 joined"
tap_check "and its link" notifyd_await ".* link 0 to node 2 is now operational"
notifyd_mark

signals "$LAB_DIR/signals-debian" | members_and_links >"$LAB_DIR/expected"
tap_check "Debian's has sent the signals of notifyd-dbus.txt" \
	diff <(vector_signals | members_and_links) "$LAB_DIR/expected"
signals "$LAB_DIR/signals-ours" | grep -v '^LinkStateChange' | members_and_links >"$LAB_DIR/seen"
tap_check "ours has sent the same, with links as changes of quorum" diff "$LAB_DIR/expected" "$LAB_DIR/seen"
signals "$LAB_DIR/signals-ours" | sed -n 's/^LinkStateChange/QuorumStateChange/p' | sort >"$LAB_DIR/links"
tap_check "and each change of a link under its own name" \
	diff <(grep 'operational\|disconnected' "$LAB_DIR/expected") "$LAB_DIR/links"
members_and_links <"$LAB_DIR/traps-debian" >"$LAB_DIR/expected"
tap_check "Debian's has sent traps" test -s "$LAB_DIR/expected"
members_and_links <"$LAB_DIR/traps-ours" >"$LAB_DIR/seen"
tap_check "ours has sent the same" diff "$LAB_DIR/expected" "$LAB_DIR/seen"
tap_check "and some of clients" grep -q '=0\.3 .*corosync-' "$LAB_DIR/traps-ours"
[ -z "$LAB_SHOW" ] || tap_note "$(cat "$LAB_DIR"/traps-* "$LAB_DIR/links")"
kill "${helpers[@]}" 2>/dev/null
wait "${helpers[@]}" 2>/dev/null
lab_close
