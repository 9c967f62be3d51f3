#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SAFE on three coteries, with a receiver cut off at the worst moment: a message was multicast, and one node
# does not have it. A packet filter on that node makes the moment last: it takes tokens and short messages,
# no long ones, however often they are sent again.
#
# "members" here are those of the configuration in which a message is delivered. Agreed messages need
# nobody's copy but the receiver's own.
# shellcheck disable=SC2034 # lab.sh reads it
LAB_TOTEM="fail_recv_const: 1000000" # the node in want is not to be given up
. "$(dirname "$0")/lab.sh"
. "$(dirname "$0")/evs_lab.sh"

long=$(printf '%0900d' 0)

# withhold NODE: long packets do not reach it; release NODE.
withhold() {
	"$LAB_ENTER" "${LAB_HOLDERS[$1]}" iptables \
		-A INPUT -i eth0 -p udp -m length --length 900:65535 -j DROP
}
release() { "$LAB_ENTER" "${LAB_HOLDERS[$1]}" iptables -F INPUT; }

# Print the new lines, without the filler.
news() {
	local node=$1

	evs_said "$node" | sed "s/ $long//" | tail -n +$((${EVS_SEEN[node]:-0} + 1))
}
turn_page() {
	for node in 1 2 3; do
		EVS_SEEN[node]=$(evs_said "$node" | wc -l)
	done
}
said() {
	local node=$1

	shift
	tap_check "$scene: node $node is told what it should, in order" \
		diff <([ $# -eq 0 ] || printf '%s\n' "$@") <(news "$node")
}

# All in one ring, with new chats, of which the first configuration is left out.
begin() {
	release 3
	lab_heal 3
	lab_ring 3 1 2 3 && evs_chat 1 2 3
	tap $? "$scene: three nodes in one ring" || return
	turn_page
}

# Agreed, safe, agreed: the first is long too, and delivered without node 3; the last waits behind the safe one.
send_three() {
	withhold 3 || return
	evs_say 1 "agreed $long"
	evs_wait 2 10 "agreed"
	tap $? "$scene: an agreed message is delivered, though node 3 lacks it"
	evs_say 1 "!safe $long"
	evs_say 1 "behind"
	sleep 0.5 # hundreds of turns of the token
	for node in 1 2; do
		said $node "message 1 agreed"
	done
	said 3 # nothing
}

scene="node 3 gets it after all"
EVS_SEEN=()
lab_open coterie coterie coterie
lab_start 1 2 3
begin || {
	lab_close
	exit
}
send_three || {
	tap 1 "no packets can be dropped here"
	lab_close
	exit
}
release 3
evs_wait 3 10 "behind" && evs_wait 1 10 "behind" && evs_wait 2 10 "behind"
tap $? "$scene: then everybody delivers it"
for node in 1 2 3; do
	said $node "message 1 agreed" "message 1 !safe" "message 1 behind"
done
evs_quiet

# Whether the node that is lost has it does not matter, only that those who stay do: behind the transitional
# configuration, among its members.
scene="node 3 is cut off before it has it"
begin
send_three
lab_cut 3
lab_ring 2 1 2 && lab_ring 1 3 && evs_wait 1 10 "behind" && evs_wait 2 10 "behind"
for node in 1 2; do
	said $node "message 1 agreed" "transitional members 1 2 left 3 safe" \
		"message 1 !safe" "message 1 behind" "regular members 1 2 joined safe"
done
said 3 "transitional members 3 left 1 2 safe" "regular members 3 joined safe"
evs_quiet

# Its sender is lost with it: those who stay have it, and it was promised to each other by them alone.
scene="the sender is killed before all have it"
begin
send_three
# In one process, since the two that stay form a ring within milliseconds.
"$LAB_ENTER" "${LAB_HOLDERS[3]}" sh -c "kill -KILL ${LAB_DAEMONS[1]}; exec iptables -F INPUT"
lab_kill 1
lab_ring 2 2 3 && evs_wait 2 10 "behind" && evs_wait 3 10 "behind"
tap $? "$scene: those who stay deliver it"
said 2 "message 1 agreed" "transitional members 2 3 left 1 safe" \
	"message 1 !safe" "message 1 behind" "regular members 2 3 joined safe"
said 3 "message 1 agreed" "transitional members 2 3 left 1 safe" \
	"message 1 !safe" "message 1 behind" "regular members 2 3 joined safe"
evs_quiet
lab_start 1

# Only the one that is lost lacks it, and it comes back: it has missed it for good, and nobody gets it twice.
scene="node 3 is back"
begin
evs_say 3 "!safe of the new ring"
evs_wait 1 10 "new ring" && evs_wait 2 10 "new ring" && evs_wait 3 10 "new ring"
for node in 1 2 3; do
	said $node "message 3 !safe of the new ring"
done
evs_quiet

# CPG takes safe messages as well. Its members are told of the ring's change once the nodes have synchronised.
scene="CPG, and node 3 is cut off before it has it"
EVS_CHAT=conf/demo_client
begin
for node in 1 2 3; do
	evs_wait $node 10 "^members 1 2 3"
	tap $? "$scene: node $node is a member"
done
turn_page
send_three
lab_cut 3
lab_ring 2 1 2 && lab_ring 1 3 && evs_wait 1 10 '^members 1 2$' && evs_wait 2 10 '^members 1 2$'
for node in 1 2; do
	said $node "message 1 agreed" "message 1 !safe" "message 1 behind" "members 1 2"
done
said 3 "members 3"
evs_quiet
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
