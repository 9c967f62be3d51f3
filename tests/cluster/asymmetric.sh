#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Nodes 1 and 3 do not hear each other, node 2 hears both: a few changes of the ring, then it is stable, and
# node 2 says who does not hear whom. If node 2 is a corosync, which knows no back-off, whoever is left out keeps
# quiet and says so. ASYMMETRIC_SECONDS (20) of it with ASYMMETRIC_KINDS of nodes, at a token timeout of LAB_TOKEN.
. "$(dirname "$0")/lab.sh"
. "$(dirname "$0")/links.sh"

seconds=${ASYMMETRIC_SECONDS:-20}
read -ra kinds <<<"${ASYMMETRIC_KINDS:-coterie coterie coterie}"
lab_open "${kinds[@]}"

lab_start 1 2 3
lab_ring 3 1 2 3
tap $? "one ring of ${LAB_KINDS[*]}"
rings_record 1 2 3
in_net 1 iptables -A INPUT -s 10.0.0.3 -p udp -j DROP
in_net 3 iptables -A INPUT -s 10.0.0.1 -p udp -j DROP
sleep "$seconds"
for node in 1 2 3; do
	changes=$(rings_changed $node)
	test "$changes" -ge 1 && test "$changes" -le 5
	tap $? "node $node: $changes changes of the ring in $seconds s" ||
		tap_note "$(cat "$LAB_DIR/$node/times")"
done
tap_check "node 2 is not alone" grep -q '^[0-9]* [0-9a-f]* \(1 2\|2 3\)$' <(tail -n 1 "$LAB_DIR/2/times")
if [ "${LAB_KINDS[2]}" = coterie ]; then
	them='nodes (1 and 3|3 and 1) do not hear each other'
	tap_check "node 2 names the two in its log" grep -Eq "$them" "$LAB_DIR/2/log"
	lab_in 2 "$LAB_BUILD/tools/coterie-ctl" status >"$LAB_DIR/2/status" 2>&1
	tap_check "and in its status" grep -Eq "$them" "$LAB_DIR/2/status" ||
		tap_note "$(cat "$LAB_DIR/2/status")"
else
	loner=1
	! tail -n 1 "$LAB_DIR/2/times" | grep -q ' 1 2$' || loner=3
	tap_check "node $loner, left out, says so in its log" \
		grep -q 'node 2 cannot be in one ring with this node' "$LAB_DIR/$loner/log"
fi
rings_end
in_net 1 iptables -F INPUT
in_net 3 iptables -F INPUT
lab_ring 3 1 2 3
tap $? "healed: one ring"
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
