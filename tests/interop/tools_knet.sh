#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Debian's tools and ours, at Debian's daemon and ours, where tools.sh does not go: on rings over
# knet, in both halves of a ring that is split, beside programs like pacemaker's; and what the
# daemon itself says and leaves.
# A busy machine must not lose links.
LAB_TOKEN=${LAB_TOKEN:-2000}
# shellcheck source=tests/interop/tools_lab.sh
. "$(dirname "$0")/tools_lab.sh"
# shellcheck source=tests/cluster/knet_lab.sh
. "$LAB_HERE/knet_lab.sh"
tools_open knet_open

crypto="crypto_cipher: aes256
		crypto_hash: sha256
		keyfile: $LAB_DIR/key"

# peers NODE COUNT: until the transfer units of so many links to others are known there, which comes
# last.
peers() {
	await_links "$@" || echo "node $1 does not see $2 links"
}

await_links() {
	local node=$1 count=$2

	tools=corosync await eval "[ \"\$(tool $node corosync-cfgtool -n | grep -c ' connected mtu: 1[34]')\" = $count ]"
}

scenario_single-knet() {
	configure=(knet_configure 1 "crypto_cipher: none")
	cluster 1 "$votequorum"
	with_both play 1 single-knet.txt
}

# Two links: all is well; node 2 loses its second; node 3 is gone.
scenario_knet2() {
	configure=(knet_configure 2 "$crypto")
	cluster 3 "$votequorum"
	peers 1 4
	name_server
	with_both play 1 knet2.txt
	no_name_server
	knet_cut 1 2
	peers 1 3
	with_both play 1 knet2-link.txt
	knet_heal 1 2
	peers 1 4
	lab_kill 3
	await_members 1 2
	peers 1 2
	with_both play 1 knet2-down.txt
}

# As where the transcript was made, there is a name server that does not answer: addresses have no
# names then.
name_server() {
	echo 'nameserver 127.0.0.2' >"$LAB_DIR/resolv.conf"
	echo 'hosts: files dns' >"$LAB_DIR/nsswitch.conf"
}

no_name_server() {
	: >"$LAB_DIR/resolv.conf"
	echo 'hosts: files' >"$LAB_DIR/nsswitch.conf"
}

# A config that cannot be read. Then the peer is killed, and the daemon is told to end. Whether its
# last answer arrives is a race: without it everything is repeated. The link is not informed that no
# process listens at the peer's address.
scenario_reload-bad() {
	local transcript attempt

	configure=(knet_configure 1 "interface {
			linknumber: 0
			knet_ping_interval: 250
			knet_ping_timeout: 60000
		}")
	for attempt in 1 2 3 4 5; do
		cluster 2 "$votequorum"
		peers 1 1
		echo "}" >>"$LAB_DIR/1/corosync.conf"
		(tool 2 "iptables -F OUTPUT; iptables -A OUTPUT -p icmp -j DROP") 2>/dev/null
		transcript=$(play 1 reload-bad.txt)
		! grep -q "^E Could not initialize" <<<"$transcript" || [ "$attempt" = 5 ] || {
			cluster_end
			continue
		}
		echo "$transcript"
		return
	done
}

# Both halves of a split ring: the device votes for one of them.
scenario_qdevice-split() {
	configure=(knet_configure 1 "crypto_cipher: none")
	cluster 2 "$votequorum" "device {" "	model: net" "	votes: 1" "	timeout: 60000" "}"
	start casts 1 device Qdevice 1 0
	start waits 2 device Qdevice 0 0
	lab_cut 1
	await_members 1 1
	await_members 2 1
	with_both both_halves
	lab_heal 1
	finish casts
	finish waits
}

both_halves() {
	echo "== qdevice-split.txt"
	run 1 "corosync-quorumtool -s"
	run 2 "corosync-quorumtool -s"
}

vector_qdevice-split() {
	awk '/^Quorum information/ { if (count++) print "rc=0"; print "$ corosync-quorumtool -s" }
		{ print "O " $0 }
		END { print "rc=2" }' "$vectors/qdevice-split.txt"
}

# Programs in place of pacemaker, with its names, groups and connections.
scenario_pacemaker-groups() {
	local node first_pid last_pid clients

	configure=(knet_configure 1 "crypto_cipher: none")
	cluster 2 "$votequorum"
	while :; do
		clients=()
		for node in 1 2; do
			ALIAS=pacemakerd start "pacemakerd$node" "$node" veto
			ALIAS=pacemaker-based start "cib$node" "$node" member cib
			ALIAS=pacemaker-fenced start "stonith$node" "$node" member stonith-ng
			ALIAS=pacemaker-attrd start "attrd$node" "$node" member attrd
			ALIAS=pacemaker-controld start "crmd$node" "$node" member crmd quorum
			clients+=("pacemakerd$node" "cib$node" "stonith$node" "attrd$node" "crmd$node")
		done
		# Keys are in the order of texts, and that of processes only while these have as many digits.
		first_pid=${CLIENTS[pacemakerd1]} last_pid=${CLIENTS[crmd2]}
		[ ${#first_pid} -ne ${#last_pid} ] || break
		for node in "${clients[@]}"; do finish "$node"; done
	done
	with_both play 1 pacemaker-groups.txt
	for node in "${clients[@]}"; do finish "$node"; done
}

vector_pacemaker-groups() {
	cat "$vectors/pacemaker-groups.txt"
	echo "rc=0"
}

# The daemon, which is the same for all tools: its flight recorder, read by our tool, the files that
# it leaves, and its end when it cannot continue.
cell_daemon() {
	local vector=$LAB_DIR/tmp/vector

	[ "$tools" = coterie ] || return
	scenario_daemon >"$1.whole" 2>>"$LAB_DIR/out/trouble"
	cluster_end
	daemon_plain "$1.whole" >"$1"
	daemon_plain "$vectors/daemon.txt" >"$vector"
	[ "$server" = corosync ] || {
		own_words "$vector" >"$vector.own"
		mv "$vector.own" "$vector"
		own_words "$1" >"$1.own"
		mv "$1.own" "$1"
	}
	tap_check "daemon: daemon.txt holds, daemon of $server" diff "$vector" "$1"
}

scenario_daemon() {
	local program=corosync file=$LAB_DIR/1/corosync.conf bad=$LAB_DIR/tmp/bad.conf

	[ "$server" = corosync ] || program=$LAB_BUILD/exec/coterie
	configure=(knet_configure 1 "crypto_cipher: none")
	(tool 1 "rm -f /run/*.pid")
	cluster 1 "$votequorum"
	echo "\$ corosync-blackbox"
	# libqb says on standard error when a file has been read to its end.
	(tool 1 "corosync-blackbox 2>/dev/null" </dev/null) | head -n 10
	(tool 1 "ls -l /run $LAB_DIR/1/state") | grep -v ' \(lock\|mount\)$'
	echo "\$ second instance"
	daemon_ends "$program" "$file" -f >/dev/null
	echo "rc=$?"
	echo "\$ corosync -t"
	daemon_ends "$program" "$file" -t >/dev/null
	echo "rc=$?"
	sed -i -e 's/to_stderr: no/to_stderr: yes/' -e '/logfile/d' "$file"
	echo "\$ corosync -t bad"
	sed '/^nodelist/,/^}/d' "$file" >"$bad"
	daemon_ends "$program" "$bad" -t
	echo "rc=$?"
	sed 's/transport: .*/transport: none/' "$file" >"$bad"
	daemon_ends "$program" "$bad" -f
	echo "rc=$?"
	sed 's,state_dir: .*,state_dir: /nonexistent,' "$file" >"$bad"
	daemon_ends "$program" "$bad" -f
	echo "rc=$?"
}

# daemon_ends PROGRAM FILE OPTION: what it says before it has a ring; its status.
daemon_ends() {
	(LAB_CLIENT=$server lab_exec 1 -t 20 RUNTIME_DIRECTORY=/run "$1" "$3" -c "$2" 2>&1 </dev/null)
}

# Remove times, sizes and ids, and lines of libqb that Debian's tool prints. Of lists of files keep
# mode, size and name.
daemon_plain() {
	sed -E -e '/^\[debug\]/d' -e 's/[A-Z][a-z]{2} [0-9]{2} [0-9:.]{12} /<time> /' -e '/^$/d' -e '/^total |:$/d' \
		-e '/ (\.|\.\.|lock|mount)$/d' -e "s,$LAB_DIR/1/state,/var/lib/corosync,g" \
		-e 's/(\[|=>(free|used) \[)[0-9]+( words| bytes)?\]/\1n\3]/' \
		-e 's/^([-ldrwx]{10}) .* ([0-9]+) ([A-Z][a-z]{2} [0-9 ]+ [0-9]{2}:[0-9]{2}) /\1 \2 /' \
		-e 's/^(l.{9}) [0-9]+/\1/' -e 's/^(.*) [0-9]+ (co[a-z]+\.pid)$/\1 \2/' \
		-e 's/(fdata-)[-0-9T:]+/\1time-pid/g' "$1"
}

# The texts of our daemon and the name of its file may differ. Modes, sizes, the recorder's format
# and the statuses may not, but for the mode of the record, which is not executable. The line of a failed start may not differ either, except for its place
# in the code.
own_words() {
	sed -E -e 's/coterie\.pid/corosync.pid/' -e 's/^-rw-------( [0-9]+ fdata-)/-rwx------\1/' -e 's/ at [a-z_]+\.c:[0-9]+\.$//' \
		-e '/^\$ corosync -t bad/,/^rc=/{/^[$r]/!d}' -e 's/^(notice|info|debug|warning) +<time> .*/record/' \
		-e '/\[MAIN  \] (Corosync Cluster Engine exiting|.*)/{/exiting/!d}' "$1" | uniq
}

tools_compare single-knet knet2 reload-bad qdevice-split pacemaker-groups daemon
