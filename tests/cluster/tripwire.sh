#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The TCP connection between neighbours tells that a daemon was killed on an idle ring. Connections that are torn
# remove no member. Where TCP is blocked or switched off, a killed daemon is missed after the token and consensus
# timeouts, as any silence is. Idle members ask no questions in either case.
# TRIPWIRE_LIMIT: of the median with connections, in milliseconds, generous for a busy machine.
LAB_TOKEN=${LAB_TOKEN:-3650}
export LAB_DEBUG=on
. "$(dirname "$0")/lab.sh"
. "$(dirname "$0")/links.sh"
# shellcheck source=tests/cluster/tripwire_lab.sh
. "$(dirname "$0")/tripwire_lab.sh"

lab_open coterie coterie coterie

watches_off() {
	! tail -n +"$2" "$LAB_DIR/$1/log" | grep -q 'the watch over node . is on'
}

# For missed: with connections; without.
with_watches() {
	[ $# -gt 0 ] || watches_on
}

without_watches() { :; }

lab_start 1 2 3
lab_ring 3 1 2 3
tap $? "one ring"
tap_check "each node watches the next one" watches_on
count=$(questions)
tap_check "and no node asks another ($count packets)" test "$count" -eq 0
missed with_watches 1 2 3 1 2 3
tap_check "a killed daemon is missed after $median ms" at_most "$median" "${TRIPWIRE_LIMIT:-100}"

status=0
watches_on
# Connections that are torn in the middle: each probe of their kernels is answered with a reset.
rings_record 1 2 3
for node in 1 2 3; do
	in_net $node iptables -A INPUT -p tcp --dport 5405 -j REJECT --reject-with tcp-reset
done
for node in 1 2 3; do
	LAB_PATIENCE=20 lab_await watch_says $node broke || status=1
done
tap $status "torn connections are noticed"
sleep 1
tap_check "and remove nobody" test "$(rings_changed 1)$(rings_changed 2)$(rings_changed 3)" = 000
tap_check "since they answer" grep -q 'lives: a false sign' "$LAB_DIR/1/log"
rings_end
lines=$(wc -l <"$LAB_DIR/1/log")
count=$(questions)
tap_check "no node asks another ($count packets)" test "$count" -eq 0
missed without_watches 1 2 3
tap_check "a daemon killed then is missed after $shortest to $longest ms, patience $patience" \
	between "$shortest" "$longest"
tap_check "without a watch" watches_off 1 "$lines"
for node in 1 2 3; do
	in_net $node iptables -F INPUT
done

# A path that drops everything from the start, and a configuration without the wire.
lab_stop 1 2 3
tap $? "all stop with status 0"
tap_check "which leaves no suspicion" \
	test "$(tail -n 6 "$LAB_DIR/1/log" | grep -c 'sign that no daemon runs')" -eq 0
for node in 1 2 3; do
	in_net $node iptables -A INPUT -p tcp --dport 5405 -j DROP
done
lab_start 1 2 3
lab_ring 3 1 2 3
count=$(questions)
tap_check "behind a firewall that drops TCP, no node asks another ($count packets)" test "$count" -eq 0
missed without_watches 2
tap_check "a daemon killed there is missed after $shortest ms, patience $patience" between "$shortest" "$longest"
for node in 1 2 3; do
	in_net $node iptables -F INPUT
done
lab_stop 1 2 3
# shellcheck disable=SC2034 # of lab.sh
LAB_TOTEM='tripwire: no'
lab_configure
lab_start 1 2 3
lab_ring 3 1 2 3
tap_check "switched off, no node listens" test -z "$(in_net 1 ss -Hltn 'sport = 5405')"
count=$(questions)
tap_check "and none asks another ($count packets)" test "$count" -eq 0
missed without_watches 3
tap_check "a daemon killed then is missed after $shortest ms, patience $patience" between "$shortest" "$longest"
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
