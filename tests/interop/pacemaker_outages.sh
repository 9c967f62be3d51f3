#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Debian's Pacemaker on three nodes rides out every freeze and every cable cut that is shorter than the token
# timeout plus the consensus timeout: the membership stays, no node is fenced, no action fails, and no resource
# moves. Pacemaker runs unmodified with Debian's client libraries. Environment:
#
# PACEMAKER_KINDS   kinds of the nodes: coterie coterie coterie
# PACEMAKER_ROUNDS  freezes of node 2, and as many cuts: 2
# PACEMAKER_MS      length of each in milliseconds: 2500
# LAB_TRANSPORT     udpu, udp or knet; knet is encrypted
# LAB_TOKEN         token timeout: 3650, the default of three nodes
LAB_TOKEN=${LAB_TOKEN:-3650}
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/../cluster/lab.sh"
# shellcheck source=tests/cluster/links.sh
. "$(dirname "$0")/../cluster/links.sh"

rounds=${PACEMAKER_ROUNDS:-2}
ms=${PACEMAKER_MS:-2500}
victim=2
for program in pacemakerd cibadmin crm_mon stonith_admin; do
	command -v $program >/dev/null || tap_skip "no $program (Debian: pacemaker, pacemaker-cli-utils)"
done
[ -e /usr/lib/ocf/resource.d/pacemaker/Dummy ] || tap_skip "no agent ocf:pacemaker:Dummy"
# The user of most of its daemons does not exist in a user namespace.
[ -n "${LAB_INSIDE:-}" ] || [ "$(id -u)" -eq 0 ] || tap_skip "not root"

read -ra kinds <<<"${PACEMAKER_KINDS:-coterie coterie coterie}"
lab_open "${kinds[@]}"
chmod 755 "$LAB_DIR" # for the logs of daemons that are not root
if [ "$LAB_TRANSPORT" = knet ]; then
	(umask 077 && head -c 256 /dev/urandom >"$LAB_DIR/key")
	LAB_TOTEM="crypto_cipher: aes256
			crypto_hash: sha256
			keyfile: $LAB_DIR/key"
	lab_configure
fi
for node in "${LAB_NODES[@]}"; do
	printf 'quorum {\n\tprovider: corosync_votequorum\n}\n' >>"$LAB_DIR/$node/corosync.conf"
done

# on NODE COMMAND...: with Debian's libraries.
on() { LAB_CLIENT=corosync lab_in "$@"; }

pacemaker_start() {
	local node

	for node in "${LAB_NODES[@]}"; do
		in_net "$node" sh -c '
			mount -t tmpfs lab /var/lib/pacemaker
			cd /var/lib/pacemaker && mkdir blackbox cib cores pengine /run/crm /run/resource-agents
			chown hacluster:haclient . blackbox cib cores pengine /run/crm
			chmod 750 . blackbox cib cores pengine /run/crm'
		install -o hacluster -g haclient -m 660 /dev/null "$LAB_DIR/$node/pacemaker.log"
		(LAB_CLIENT=corosync lab_exec "$node" setsid env PCMK_logfile="$LAB_DIR/$node/pacemaker.log" \
			PCMK_cluster_type=corosync PCMK_logfacility=none pacemakerd >"$LAB_DIR/$node/pacemaker.out" 2>&1) &
	done
}

# The nodes, resources and failures, without the lines that tell times.
state() { on 1 crm_mon -1 --exclude=all --include=nodes,resources,failures,fencing-failed,fencing-pending 2>&1 | grep -v 'last updated'; }
all_online() { state | grep -q 'Online: \[ node1 node2 node3 \]'; }
all_started() { [ "$(state | grep -c 'Started node')" -eq 3 ]; }

configure_cib() {
	local id xml=

	for id in 1 2; do
		xml+="<primitive id='dummy$id' class='ocf' provider='pacemaker' type='Dummy'><operations>
			<op id='dummy$id-monitor' name='monitor' interval='5s' timeout='20s'/></operations></primitive>"
	done
	xml+="<primitive id='fence' class='stonith' type='null'><instance_attributes id='fence-options'>
		<nvpair id='fence-hosts' name='hostlist' value='node1 node2 node3'/></instance_attributes></primitive>"
	on 1 cibadmin --replace -o resources -X "<resources>$xml</resources>"
}

# Print lines of all logs that show forbidden actions of Pacemaker.
troubles() {
	grep -hE 'targeting node|[Rr]equesting .*fencing|is unclean|allegedly|now lost|Quorum lost|Lost connection' \
		"$LAB_DIR"/*/pacemaker.log
}

freeze_begin() { lab_pause $victim; }
freeze_end() { lab_resume $victim; }
cut_begin() { lab_cut $victim; }
cut_end() { lab_heal $victim; }

# play WAY
play() {
	local way=$1 i node changed=0

	troubles | sort >"$LAB_DIR/troubles"
	rings_record "${LAB_NODES[@]}"
	for ((i = 0; i < rounds; i++)); do
		# libknet uses a link again three seconds after the cable is back. Before that the next cut would
		# prolong the outage, with Corosync too.
		sleep "$(awk "BEGIN { srand($RANDOM); print 8 + 2 * rand() }")"
		"${way}_begin"
		sleep "$(awk "BEGIN { print $ms / 1000 }")"
		"${way}_end"
	done
	sleep $((LAB_TOKEN * 22 / 10000 + 4)) # the last of them can have its consequences
	for node in "${LAB_NODES[@]}"; do
		changed=$((changed + $(cut -d ' ' -f 3- "$LAB_DIR/$node/times" | grep -cvx "${LAB_NODES[*]}")))
	done
	test "$changed" -eq 0
	tap $? "$rounds times $way for $ms ms: the membership stays" || tap_note "$(cat "$LAB_DIR/$victim/times")"
	rings_end
	troubles | sort | comm -13 "$LAB_DIR/troubles" - >"$LAB_DIR/new-troubles"
	test ! -s "$LAB_DIR/new-troubles"
	tap $? "$way: no fencing, no lost node" || tap_note "$(head -n 30 "$LAB_DIR/new-troubles")"
	state >"$LAB_DIR/after"
	cmp -s "$LAB_DIR/before" "$LAB_DIR/after"
	tap $? "$way: no action failed and no resource moved" ||
		tap_note "before:" "$(cat "$LAB_DIR/before")" "after:" "$(cat "$LAB_DIR/after")"
	test -z "$(on 1 stonith_admin --history '*' 2>&1 | grep -iE 'reboot|off')"
	tap $? "$way: the fencing history is empty" || tap_note "$(on 1 stonith_admin --history '*')"
}

lab_start "${LAB_NODES[@]}"
lab_ring 3 "${LAB_NODES[@]}"
tap $? "one ring of ${LAB_KINDS[*]} on $LAB_TRANSPORT"
pacemaker_start
LAB_PATIENCE=90 lab_await all_online
tap $? "Pacemaker is online on all nodes" && {
	tap_check "two Dummy resources and stonith:null" configure_cib
	LAB_PATIENCE=60 lab_await all_started
	tap $? "they are started" || tap_note "$(state)"
	sleep 6
	state >"$LAB_DIR/before"
	tap_note "$(cat "$LAB_DIR/before")"
	play freeze
	play cut
}
[ "$tap_failed" -eq 0 ] || for node in "${LAB_NODES[@]}"; do
	tap_note "node $node" "$(tail -n 15 "$LAB_DIR/$node/pacemaker.log" "$LAB_DIR/$node/pacemaker.out")"
done
lab_alive "${LAB_NODES[@]}"
tap $? "every daemon still runs"
lab_close
