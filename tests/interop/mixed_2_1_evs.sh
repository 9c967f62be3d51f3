#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# EVS on two coteries and one of Debian's corosync. SAFE is agreed while the latter is in the ring, and the
# clients are informed of that. The log of corosync has no line about messages that it cannot know.
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/../cluster/lab.sh"
# shellcheck source=tests/cluster/evs_lab.sh
. "$(dirname "$0")/../cluster/evs_lab.sh"

long=$(printf '%0900d' 0)
# By default the corosync leaves the ring after 2,500 rotations without a frame that it asks for: a fast ring has
# turned so often before iptables is done.
LAB_TOTEM="fail_recv_const: 1000000"

said() {
	local node=$1

	shift
	tap_check "node $node is told what it should, in order" \
		diff <(printf '%s\n' "$@") <(evs_said "$node" | sed "s/ $long//")
}

# Print its warnings, each once, since a restart repeats them. A client that connects before the
# first ring is refused with a warning of libqb.
warnings() {
	sed -nE 's/.* (warning|error|alert|crit|emerg) +//p' "$LAB_DIR/3/log" | grep -v 'Denied connection' | sort -u
}

lab_open coterie coterie corosync
lab_start 1 2 3
lab_ring 3 1 2 3
tap $? "one ring of ${LAB_KINDS[*]}"
warnings >"$LAB_DIR/before"
evs_chat 1 2
tap $? "the example runs on both coteries"

evs_watch -p 1 -b 20 -- 1 2
sleep 1
evs_end 1 1 2
tap $? "all guarantees: each sender's messages in its order, none missing"
tap_check "one order: $(grep '^end' "$LAB_DIR/1/evs")" cmp "$LAB_DIR/1/evs" "$LAB_DIR/2/evs"

# Without the corosync having it: agreed is all that can be had.
"$LAB_ENTER" "${LAB_HOLDERS[3]}" iptables \
	-A INPUT -i eth0 -p udp -m length --length 900:65535 -j DROP
evs_say 1 "!agreed only $long"
evs_wait 2 10 "agreed only"
tap $? "beside a corosync a safe message is delivered before it has it"
"$LAB_ENTER" "${LAB_HOLDERS[3]}" iptables -F INPUT

# It goes, and comes back.
lab_stop 3
lab_ring 2 1 2
evs_say 2 "!safe"
evs_wait 1 10 "!safe"
lab_start 3
lab_ring 3 1 2 3
evs_say 2 "!agreed again"
evs_wait 1 10 "agreed again" && evs_wait 2 10 "agreed again"
for node in 1 2; do
	said $node "regular members 1 2 3 joined unsafe" "message 1 !agreed only" \
		"transitional members 1 2 left 3 unsafe" "regular members 1 2 joined safe" "message 2 !safe" \
		"transitional members 1 2 left safe" "regular members 1 2 3 joined 3 unsafe" \
		"message 2 !agreed again"
done
evs_quiet

# CPG goes on beside it.
lab_traffic "beside EVS" 1400 1 2 3
tap_check "the corosync's log has no new warning" diff "$LAB_DIR/before" <(warnings)
lab_alive 1 2 3
tap $? "no daemon has exited"
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
