#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Connections to neighbours that go blind: from some moment on a firewall that came later, or that forgot the
# connection, drops TCP. The end of a daemon that is killed then is not certain, so that it is missed after the token
# and consensus timeouts. That a connection ends like this is no sign: no member is suspected or removed.
LAB_TOKEN=${LAB_TOKEN:-3650}
export LAB_DEBUG=on
. "$(dirname "$0")/lab.sh"
. "$(dirname "$0")/links.sh"
# shellcheck source=tests/cluster/tripwire_lab.sh
. "$(dirname "$0")/tripwire_lab.sh"

lab_open coterie coterie coterie

# Both directions, at both ends, so that not even a kernel's last word gets through.
blind() {
	local node

	for node in 1 2 3; do
		in_net $node iptables -A INPUT -p tcp -j DROP
		in_net $node iptables -A OUTPUT -p tcp -j DROP
	done
}

sighted() {
	local node

	for node in 1 2 3; do
		in_net $node iptables -F INPUT
		in_net $node iptables -F OUTPUT
	done
}

# For missed.
gone_blind() {
	if [ $# -eq 0 ]; then
		watches_on 30
		blind
	else
		sighted
	fi
}

suspicions() { cat "$LAB_DIR"/[123]/log | grep -c 'sign that no daemon runs'; }

# How many watches have ended in whatever way, as the logs tell.
ended() { cat "$LAB_DIR"/[123]/log | grep -c "the watch over node . $1"; }

lab_start 1 2 3
lab_ring 3 1 2 3
tap $? "one ring"
tap_check "each node watches the next one" watches_on
missed gone_blind 1 2 3
tap_check "a daemon killed behind a blind watch is missed after $shortest to $longest ms, patience $patience" \
	between "$shortest" "$longest"

tap_check "each node watches the next one again" watches_on 30
rings_record 1 2 3
suspected=$(suspicions)
broken=$(ended broke)
off=$(ended 'has ended')
blind
end=$((SECONDS + 60))
until [ "$(ended 'has ended')" -ge $((off + 3)) ] || [ $SECONDS -ge $end ]; do
	sleep 0.5
done
tap_check "their kernels give the connections up ($(($(ended 'has ended') - off)))" \
	test "$(ended 'has ended')" -ge $((off + 3))
tap_check "which does not look like a death" test "$(ended broke)" -eq "$broken"
count=$(questions)
tap_check "then no node asks another ($count packets)" test "$count" -eq 0
tap_check "no member was suspected" test "$(suspicions)" -eq "$suspected"
tap_check "the ring has not changed" test "$(rings_changed 1)$(rings_changed 2)$(rings_changed 3)" = 000
rings_end
sighted
tap_check "watches come back" watches_on 90
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
