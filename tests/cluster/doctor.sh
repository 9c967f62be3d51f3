#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# coterie-ctl doctor: healthy rings of udpu, udp and knet have no finding, and each fault is named with its remedy.
# DOCTOR_PLAY=all (make check-long) plays all faults, and at least DOCTOR_NAMED of them must be named.
# DOCTOR_RINGS is the number of healthy rings of each kind. DOCTOR_PLAY=healthy plays these alone.
#
# shellcheck disable=SC2317 # functions are called through tap_check
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/links.sh
. "$(dirname "$0")/links.sh"

LAB_CTL=$LAB_BUILD/tools/.libs/coterie-ctl
[ -x "$LAB_CTL" ] || LAB_CTL=$LAB_BUILD/tools/coterie-ctl
[ -x "$LAB_CTL" ] && "$LAB_CTL" --version >/dev/null 2>&1 || tap_skip "coterie-ctl is built without json-c"
schema=$LAB_HERE/../interop/schema/coterie-ctl-1.schema.json
play=${DOCTOR_PLAY:-short}
rings=${DOCTOR_RINGS:-1}
named=0 faults=0
LAB_TOKEN=3000

lab_open coterie coterie coterie
[ "$(id -u)" -eq 0 ] && [ "$(awk '{ print $3 }' /proc/self/uid_map)" != 1 ] || tap_skip "not root: the doctor sees little"
for node in "${LAB_NODES[@]}"; do
	# The nodes do not see the units that this machine starts at boot.
	in_net "$node" sh -c "mount -t tmpfs lab /etc/systemd/system && mkdir /etc/systemd/system/multi-user.target.wants"
done

# ring TRANSPORT ENCRYPTION [NODE...]: configure all nodes again, and start these (all, if none is named).
ring() {
	LAB_TRANSPORT=$1 LAB_ENCRYPTION=$2
	shift 2
	[ $# -gt 0 ] || set -- 1 2 3
	lab_configure
	for node in "${LAB_NODES[@]}"; do
		printf 'quorum {\n\tprovider: corosync_votequorum\n}\n' >>"$LAB_DIR/$node/corosync.conf"
	done
	lab_start "$@"
	lab_ring $# "$@"
}

# doctor NODE WORD...: its document is in $LAB_DIR/told.
doctor() {
	local node=$1

	shift
	lab_in "$node" timeout 90 "$LAB_CTL" --json doctor "$@" >"$LAB_DIR/told" 2>"$LAB_DIR/complained"
	ended=$?
}

# judge EXPRESSION: the document is as the schema has it, and the expression holds. f: the findings.
judge() {
	python3 - "$schema" "$LAB_DIR/told" "$ended" "$1" <<-'PYTHON'
		import json, sys
		d = json.load(open(sys.argv[2]))
		try:
		    import jsonschema
		    jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(d)
		except ImportError:
		    pass
		f = [c for c in d["data"]["checks"] if c["level"] in ("info", "warning", "error")] if "data" in d else []
		status = int(sys.argv[3])
		levels = {"ok": 0, "warning": 10, "error": 11}
		if "data" in d and status != levels[d["data"]["summary"]]:
		    sys.exit(f"status {status}, summary {d['data']['summary']}")
		if not all(c.get("evidence") and c.get("hint") and c.get("page") for c in f):
		    sys.exit(f"a finding lacks something: {f}")
		if not eval(f"({sys.argv[4]})"):
		    sys.exit(json.dumps(f, indent=1))
	PYTHON
}

# names TITLE NODE ID REMEDY [WORD...]: the doctor of that node names it, with this in the remedy.
names() {
	local title=$1 node=$2 id=$3 remedy=$4

	shift 4
	doctor "$node" "$@"
	faults=$((faults + 1))
	tap_check "$title: $id" judge "any(c['id'] == '$id' and '''$remedy''' in c['hint'] for c in f)" && named=$((named + 1))
}

# only_in_all: false in a short play.
only_in_all() { [ "$play" = all ]; }

# behind NODE COMMAND...: in the node's network, in the background; its process is $behind.
behind() {
	"$LAB_ENTER" "${LAB_HOLDERS[$1]}" "${@:2}" &
	behind=$!
}
enough() { # PROCESS...
	kill "$@" 2>/dev/null
	wait "$@" 2>/dev/null
}
firewall() { # NODE RULE...
	local node=$1

	shift
	in_net "$node" iptables -w -A "$@"
}
no_firewall() {
	local node

	for node in "$@"; do
		in_net "$node" iptables -w -F
	done
}
heal() { # what a fault has parted
	no_firewall 1 2 3
	lab_ring 3 1 2 3 || tap_note "the ring does not heal"
}
start_again() { # NODE...
	lab_start "$@"
	lab_ring 3 1 2 3 || tap_note "the ring does not heal"
}

# --- healthy rings ---

# No finding, but what is true of this machine: an old library, and a limit of locked memory that root may not raise.
machine="'host.libraries'"
prlimit --memlock=unlimited:unlimited true 2>/dev/null || machine+=", 'daemon.memory'"
healthy() {
	doctor 1 "$@"
	judge "not [c for c in f if c['id'] not in ($machine,)]"
}
for kind in "udpu aes256-gcm" "udp aes256-gcm" "knet aes256-sha256"; do
	[ "${kind% *}" != knet ] || [ -e "$LAB_BUILD/knet.la" ] || continue
	for ((i = 1; i <= rings; i++)); do
		# shellcheck disable=SC2086 # words
		ring $kind || tap_note "no ring"
		tap_check "healthy: ${kind% *}, ring $i" healthy
		[ $i -gt 1 ] || tap_check "healthy: ${kind% *}, all nodes asked" healthy --nodes all
		[ "${kind% *}" != knet ] || [ $i -gt 1 ] || [ "$play" != all ] || ! dpkg --compare-versions \
			"$(dpkg-query -W -f '${Version}' libknet1 2>/dev/null)" lt 1.35 ||
			names "an old libknet" 1 host.libraries "libknet 1.35"
		lab_stop 1 2 3
	done
done

[ "$play" != healthy ] || lab_close

# --- before the first start ---

first() { # TITLE ID REMEDY LINE...: of a coterie.conf
	local title=$1 id=$2 remedy=$3

	shift 3
	printf '%s\n' "$@" 'process { realtime = no lock-memory = no }' >"$LAB_DIR/first.conf"
	names "$title" 1 "$id" "$remedy" --config "$LAB_DIR/first.conf"
}
udpu='transport udpu { encryption = none }'
first "a file with a mistake" config.valid "mend the line" "$udpu" 'node a { id = 1 address = 10.0.0.1 }' 'nod b { }'
first "two nodes with one id" config.valid "mend the line" "$udpu" 'node a { id = 1 address = 10.0.0.1 }' \
	'node b { id = 1 address = 10.0.0.2 }'
first "two nodes without two-node" quorum.two_nodes "two-node = yes" "$udpu" 'node a { id = 1 address = 10.0.0.1 }' \
	'node b { id = 2 address = 10.0.0.2 }'
if only_in_all; then
	first "two nodes with one address" config.valid "mend the line" "$udpu" 'node a { id = 1 address = 10.0.0.1 }' \
		'node b { id = 2 address = 10.0.0.2 }' 'node c { id = 3 address = 10.0.0.2 }'
	first "expected votes of nobody" quorum.expected "expected-votes" "$udpu" 'node a { id = 1 address = 10.0.0.1 }' \
		'node b { id = 2 address = 10.0.0.2 }' 'node c { id = 3 address = 10.0.0.3 }' 'quorum { expected-votes = 9 }'
	first "two nodes that do not wait" quorum.two_nodes "wait-for-all" "$udpu" 'node a { id = 1 address = 10.0.0.1 }' \
		'node b { id = 2 address = 10.0.0.2 }' 'quorum { two-node = yes wait-for-all = no }'
	printf '127.0.0.1 localhost\n127.0.1.1 nodeb\n' >"$LAB_DIR/hosts"
	in_net 1 mount --bind "$LAB_DIR/hosts" /etc/hosts
	first "a name of the loopback" config.names "/etc/hosts" "$udpu" 'node a { id = 1 address = 10.0.0.1 }' \
		'node b { id = 2 address = nodeb }' 'node c { id = 3 address = 10.0.0.3 }'
	in_net 1 umount /etc/hosts
fi
printf '%s\n' "$udpu" 'node a { id = 1 address = 10.0.0.1 }' 'node b { id = 2 address = 10.0.0.2 }' 'node c { id = 3 address = 10.0.0.3 }' \
	>"$LAB_DIR/first.conf"
lab_in 1 "$LAB_BUILD/exec/coterie" -t --doctor -c "$LAB_DIR/first.conf" >"$LAB_DIR/text"
[ $? -eq 10 ] && grep -q '^warning config.plain: ' "$LAB_DIR/text" && grep -q ' checks, 1 finding; ' "$LAB_DIR/text"
tap $? "coterie -t --doctor" || tap_note "$(cat "$LAB_DIR/text")"

# --- the daemons ---

ring udpu aes256-gcm
tap $? "an encrypted ring of three"
lab_stop 3
names "a daemon is stopped" 1 member.down "systemctl start coterie"
start_again 3
if only_in_all; then
	lab_stop 1
	names "the own daemon is stopped" 1 daemon.running "systemctl start coterie"
	behind 1 python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.0.0.1", 5405))
time.sleep(60)'
	taker=$behind
	lab_await in_net 1 grep -q ':151D ' /proc/self/net/udp
	names "the port is taken" 1 net.port "ss -lunp" --config "$LAB_DIR/1/corosync.conf"
	enough $taker
	start_again 1
	# Longer than four fifths of the token timeout, shorter than what loses the membership.
	kill -STOP "${LAB_DAEMONS[1]}" && sleep 2.7 && kill -CONT "${LAB_DAEMONS[1]}"
	sleep 1
	names "a pause" 1 daemon.late "host" # the remedy depends on the load of this machine
	lab_kill 1
	start_again 1
	sed -i 's/token: 3000/token: 4000/' "$LAB_DIR/1/corosync.conf"
	names "a file that is not applied" 1 config.reload "coterie-ctl reload"
	sed -i 's/token: 4000/token: 3000/' "$LAB_DIR/1/corosync.conf"
	lab_stop 3
	sed -i 's/token: 3000/token: 3500/' "$LAB_DIR/3/corosync.conf"
	start_again 3
	names "a node with other settings" 1 config.same "copy one config file" --nodes all
	lab_stop 3
	sed -i 's/token: 3500/token: 3000/' "$LAB_DIR/3/corosync.conf"
	start_again 3
fi

# --- the network ---

lab_cut 3
lab_ring 2 1 2
names "a cable is out" 1 net.unreachable "cables"
lab_heal 3
lab_ring 3 1 2 3
firewall 1 INPUT -p udp -j DROP
lab_ring 1 1
names "UDP is filtered here" 1 net.udp "firewall of this host"
heal
firewall 3 INPUT -p udp -j DROP
lab_ring 2 1 2
names "UDP is filtered there" 1 net.one_way "firewall of node 3"
heal
firewall 3 INPUT -p tcp -j DROP
names "TCP is filtered" 1 net.tcp "allow TCP port 5405"
no_firewall 3
ip link set port3 mtu 1400
names "a black hole" 1 net.mtu "netmtu = 1400"
ip link set port3 mtu 1500
if only_in_all; then
	firewall 1 OUTPUT -p udp -j DROP
	lab_ring 1 1
	names "UDP may not go out" 1 net.udp "outgoing UDP"
	heal
	firewall 3 INPUT -p udp -j REJECT
	lab_ring 2 1 2
	names "UDP is rejected" 1 net.udp "firewall of node 3"
	heal
	firewall 3 OUTPUT -p udp -j DROP
	lab_ring 2 1 2
	names "UDP does not come" 1 net.udp "firewall of node 3"
	heal
	firewall 3 INPUT -p icmp -j DROP
	names "ICMP is filtered" 1 net.icmp "allow ICMP"
	no_firewall 3
	in_net 1 ip link set eth0 down
	names "the interface is down" 1 net.interface "ip link set eth0 up"
	in_net 1 sh -c "ip link set eth0 up; ip route replace default dev eth0"
	lab_ring 3 1 2 3
	in_net 1 ip addr del 10.0.0.1/24 dev eth0
	names "the address is gone" 1 net.interface "ip address add 10.0.0.1"
	in_net 1 sh -c "ip addr add 10.0.0.1/24 dev eth0; ip route replace default dev eth0"
	lab_ring 3 1 2 3
	in_net 3 ip route replace 10.0.0.0/24 dev eth0 src 10.0.0.3 mtu lock 1400
	names "fragments on the way back" 1 net.mtu "netmtu ="
	in_net 3 ip route replace 10.0.0.0/24 dev eth0 src 10.0.0.3
	firewall 3 INPUT -m statistic --mode random --probability 0.10 -j DROP
	names "loss" 1 net.loss "ip -s link"
	no_firewall 3
	if in_net 3 tc qdisc add dev eth0 root netem delay 260ms 60ms 2>/dev/null; then
		sleep 2
		names "a slow path" 1 net.latency "token ="
		in_net 3 tc qdisc del dev eth0 root
	fi
	in_net 3 ip addr add 10.0.0.2/24 dev eth0
	names "an address that two hosts have" 1 net.duplicate "another address"
	in_net 3 ip addr del 10.0.0.2/24 dev eth0
	in_net 3 ip addr add 10.0.0.1/24 dev eth0
	names "another host has the own address" 1 net.duplicate "another address"
	behind 3 python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.bind(("10.0.0.1", 0))
for i in range(100):
    s.sendto(b"x", ("10.0.0.255", 5405))
    time.sleep(0.2)'
	sender=$behind
	names "a copy of this machine" 1 daemon.identity "stop the copy"
	enough $sender
	in_net 3 ip addr del 10.0.0.1/24 dev eth0
	in_net 1 ip neigh flush all
	in_net 2 ip neigh flush all
	in_net 3 ip addr add 10.0.0.9/24 dev eth0
	behind 3 python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.0.0.9", 0))
for i in range(100):
    s.sendto(b"x", ("10.0.0.1", 5405))
    time.sleep(0.2)'
	sender=$behind
	names "a host that is in no node list" 1 net.unlisted "node list"
	enough $sender
	in_net 3 ip addr del 10.0.0.9/24 dev eth0
	behind 2 python3 -c 'import socket
s = socket.socket()
s.bind(("10.0.0.2", 7000))
s.listen()
c = s.accept()[0]
while c.recv(1 << 20):
    pass'
	taker=$behind
	lab_await in_net 2 grep -q ':1B58 ' /proc/self/net/tcp
	# With gaps, so that the ring goes on: two processors can do nothing else than send as fast as they can.
	behind 1 timeout 20 python3 -c 'import socket, time
s = socket.socket()
s.connect(("10.0.0.2", 7000))
b = bytes(1 << 20)
while True:
    s.sendall(b)
    time.sleep(0.001)'
	sender=$behind
	names "bulk traffic" 1 net.shared "network of its own"
	enough $sender $taker
	# Node 3 answers questions for the time by a clock that is an hour ahead. The kernel's own answers are dropped.
	firewall 3 OUTPUT -p icmp --icmp-type timestamp-reply -m mark ! --mark 7 -j DROP
	behind 3 timeout 60 python3 -c 'import socket, struct, time
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.setsockopt(socket.SOL_SOCKET, 36, 7)
while True:
    packet, source = s.recvfrom(2048)
    icmp = packet[(packet[0] & 15) * 4:]
    if icmp[0] != 13:
        continue
    now = (int(time.time() * 1000) + 3600000) % 86400000
    answer = bytearray(struct.pack("!BBH", 14, 0, 0) + icmp[4:12] + struct.pack("!II", now, now))
    total = sum(struct.unpack("!10H", answer))
    total = (total & 0xffff) + (total >> 16)
    struct.pack_into("!H", answer, 2, ~(total + (total >> 16)) & 0xffff)
    s.sendto(answer, source)'
	clock=$behind
	sleep 2
	names "a clock that is off" 1 host.clock "time server"
	enough $clock
	no_firewall 3
	lab_ring 3 1 2 3
fi

# --- keys ---

head -c 256 /dev/urandom >"$LAB_DIR/other" && chmod 0400 "$LAB_DIR/other"
lab_stop 3
cp "$LAB_DIR/3/corosync.conf" "$LAB_DIR/3/good.conf"
sed -i "s,keyfile: .*,keyfile: $LAB_DIR/other," "$LAB_DIR/3/corosync.conf"
lab_start 3
lab_ring 1 3
sleep 2
names "another key" 1 key.mismatch "copy the key file"
if only_in_all; then
	lab_stop 3
	sed -i '/keyfile:/d; /encryption:/d' "$LAB_DIR/3/corosync.conf"
	lab_start 3
	lab_ring 1 3
	sleep 2
	names "a node without encryption" 1 key.mismatch "give it the key file"
	names "seen from that node" 3 key.mismatch "give this node the key file"
	names "a plain ring" 3 config.plain "key create"
fi
lab_stop 3
cp "$LAB_DIR/3/good.conf" "$LAB_DIR/3/corosync.conf"
start_again 3
chmod 0644 "$LAB_DIR/key"
names "a key that others can read" 1 config.key_file "chmod 0400"
chmod 0400 "$LAB_DIR/key"

# --- the host ---

state=$LAB_DIR/1/state
in_net 1 mount -t tmpfs -o size=64k full "$state"
names "the state folder is full" 1 host.state "free space"
in_net 1 umount "$state"
if only_in_all; then
	in_net 1 sh -c "mount --bind $state $state && mount -o remount,bind,ro $state"
	names "the state folder is read-only" 1 host.state "mount it for writing"
	in_net 1 umount "$state"
	in_net 1 mount -t tmpfs -o size=4m full /dev/shm
	names "shared memory is full" 1 host.shm "/dev/shm"
	in_net 1 umount /dev/shm
	printf '[Service]\nExecStart=/usr/sbin/corosync -f\n' >"$LAB_DIR/corosync.service"
	in_net 1 ln -s "$LAB_DIR/corosync.service" /etc/systemd/system/multi-user.target.wants/corosync.service
	names "Corosync is enabled" 1 host.corosync "disable corosync"
	in_net 1 rm /etc/systemd/system/multi-user.target.wants/corosync.service
	cp "$(command -v sleep)" "$LAB_DIR/corosync"
	behind 1 "$LAB_DIR/corosync" 60
	taker=$behind
	sleep 0.5
	names "Corosync runs" 1 host.corosync "disable --now corosync"
	enough $taker
	# A daemon with few rights: no real time, no locked memory, few descriptors.
	lab_stop 1
	sed -i 's/sched_rr: no/sched_rr: yes/' "$LAB_DIR/1/corosync.conf"
	(
		lab_environment coterie 1
		ulimit -n 256 -l 64 -r 0
		exec "$LAB_ENTER" "${LAB_HOLDERS[1]}" -s "${LAB_ENVIRONMENT[@]}" RUNTIME_DIRECTORY=/run setpriv \
			--bounding-set=-sys_nice,-ipc_lock,-sys_resource,-net_admin --inh-caps=-sys_nice,-ipc_lock,-sys_resource,-net_admin \
			"$LAB_BUILD/exec/coterie" -f -c "$LAB_DIR/1/corosync.conf" \
			>>"$LAB_DIR/1/out" 2>&1 9>&-
	) &
	LAB_DAEMONS[1]=$!
	lab_ring 3 1 2 3
	names "no real time" 1 daemon.realtime "CPUSchedulingPolicy=rr"
	names "no locked memory" 1 daemon.memory "LimitMEMLOCK=infinity"
	names "few descriptors" 1 host.descriptors "LimitNOFILE"
fi
lab_alive 1 2 3
tap $? "no daemon has exited"
lab_stop 1 2 3

# --- multicast ---

if only_in_all; then
	ring udp ''
	lab_stop 3
	sed -i 's/cluster_name: lab/cluster_name: lap/' "$LAB_DIR/3/corosync.conf"
	lab_start 3
	lab_ring 1 3
	names "another cluster name" 1 config.cluster_name "cluster name"
	lab_stop 1 2 3
	[ "$named" -ge "${DOCTOR_NAMED:-28}" ] && [ "$faults" -ge 30 ]
	tap $? "$named of $faults faults are named"
fi
lab_close
