#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Debian's corosync-qdevice on two nodes and Debian's corosync-qnetd beside them, on daemons of root and on daemons that run as
# a user of their own. The device gives the third vote. It keeps one node quorate when the other is killed or the ring is
# split, and its vote goes when the device or qnetd ends. Two more programs have their checks here, where they are installed:
#
# sbd: its watcher of the cluster, without a watchdog and without a disk. It runs as root. It reads quorum.two_node,
#      quorum.device.model and quorum.device.sync_timeout from the map and watches these keys. It is a member of a group, as
#      Pacemaker's daemons are, and it asks votequorum about its own node.
# pcs: it runs as root, or asks pcsd, which is root. It has no library of the cluster. It runs corosync-quorumtool -p, -p -s, -l
#      and -e, corosync-cfgtool -R, and corosync-cmapctl without options. With -g this reads the keys
#      runtime.votequorum.wait_for_all_status and runtime.votequorum.this_node_id. With -s it sets
#      quorum.cancel_wait_for_all. That needs Pacemaker in pcs, and vote_ring.sh sets the key. Debian's tools and ours
#      answer pcs.
#
# QDEVICE_KIND  kind of both nodes: coterie
# QDEVICE_USER  user of the daemons of coterie in the second play: 61999
# shellcheck disable=SC2317 # functions are called through lab_await and tap_check
export QDEVICE_USER=${QDEVICE_USER:-${LAB_USER:-61999}} # for the second run of this script
LAB_USER=
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/../cluster/lab.sh"

PATH=$PATH:/usr/sbin
for program in corosync-qdevice corosync-qdevice-tool corosync-qnetd corosync-qnetd-tool corosync-quorumtool; do
	command -v $program >/dev/null || tap_skip "no $program (Debian: corosync-qdevice, corosync-qnetd, corosync)"
done
# In a user namespace a daemon can become no other user.
if [ "$(id -u)" -ne 0 ] || [ "$(awk '{ print $3 }' /proc/self/uid_map)" = 1 ]; then
	tap_skip "not root"
fi
kind=${QDEVICE_KIND:-coterie}
lab_open "$kind" "$kind"
chmod 755 "$LAB_DIR"
arbiter=10.0.0.254 # the bridge's, for qnetd
ip addr add $arbiter/24 dev bridge
mkdir -p /run/corosync-qnetd

# configure HEURISTICS: the configs of both nodes. The device's times are shorter than its defaults, 10 s and 30 s.
configure() {
	local node

	lab_configure
	for node in 1 2; do
		cat >>"$LAB_DIR/$node/corosync.conf" <<-CONFIG
			quorum {
				provider: corosync_votequorum
				device {
					model: net
					votes: 1
					timeout: 3000
					sync_timeout: 6000
					net {
						host: $arbiter
						tls: off
						algorithm: ffsplit
					}
					heuristics {
						mode: $1
						exec_true: /bin/true
					}
				}
			}
		CONFIG
	done
}

# on NODE COMMAND...: with Debian's libraries.
on() { LAB_CLIENT=corosync lab_in "$@"; }

qnetd_start() {
	corosync-qnetd -f -s off >>"$LAB_DIR/qnetd" 2>&1 9>&- &
	QNETD=$!
}
end() { # SIGNAL PID: of a process of this shell
	kill "-$1" "$2" 2>/dev/null
	wait "$2" 2>/dev/null
	true
}

device_start() {
	local node

	for node in "$@"; do
		on "$node" mkdir -p /run/corosync-qdevice
		(LAB_CLIENT=corosync lab_exec "$node" corosync-qdevice -f -d >>"$LAB_DIR/$node/device" 2>&1) &
		DEVICES[node]=$!
	done
}
devices_run() { kill -0 "${DEVICES[1]}" && kill -0 "${DEVICES[2]}"; }

# status NODE TEXT...: each is a line of the status of the quorum, as an extended expression.
status() {
	local node=$1 text got

	shift
	got=$(on "$node" corosync-quorumtool -s 2>&1)
	for text in "$@"; do
		grep -Eq "^ *$text\$" <<<"$got" || {
			printf 'node %s has no line "%s":\n%s\n' "$node" "$text" "$got"
			return 1
		}
	done
}
# have VOTES QUORATE CELL NODE...: the nodes have that many votes, and their own line has that in the device's column.
have() {
	local votes=$1 quorate=$2 cell=$3 node

	shift 3
	for node in "$@"; do
		status "$node" "Expected votes: +3" "Total votes: +$votes" "Quorate: +$quorate" "$node +1 +$cell node$node \(local\)" ||
			return
	done
}
all_vote() { have 3 Yes A,V,NMW 1 2 && status 1 "0 +1 +Qdevice" && status 2 "0 +1 +Qdevice"; }
# awaits COMMAND...: for half a minute; prints what it said last.
awaits() { lab_await "$@" >"$LAB_DIR/said" 2>&1 || { tail -n 30 "$LAB_DIR/said" && return 1; }; }

# says NODE TEXT...: of the device's own tool.
says() {
	local node=$1 text got

	shift
	got=$(on "$node" corosync-qdevice-tool -s -v 2>&1) || { echo "status $?: $got" && return 1; }
	for text in "$@"; do
		grep -Eq "^ *$text\$" <<<"$got" || { printf 'no line "%s":\n%s\n' "$text" "$got" && return 1; }
	done
}
reports() { # TEXT COUNT: of qnetd
	[ "$(corosync-qnetd-tool -l -v | grep -Ec "$1")" -eq "$2" ] || { corosync-qnetd-tool -l -v && return 1; }
}

# lines_since NODE FILE LINE TEXT: how many lines after that one have the text.
lines_since() { tail -n "+$(($3 + 1))" "$LAB_DIR/$1/$2" | grep -c "$4"; }
length() { wc -l <"$LAB_DIR/$1/$2"; }

# --- the ring is split, but both nodes reach qnetd ---
split() { "$LAB_ENTER" "${LAB_HOLDERS[1]}" iptables -I INPUT -s 10.0.0.2 -p udp -j DROP &&
	"$LAB_ENTER" "${LAB_HOLDERS[2]}" iptables -I INPUT -s 10.0.0.1 -p udp -j DROP; }
mend() { "$LAB_ENTER" "${LAB_HOLDERS[1]}" iptables -F INPUT && "$LAB_ENTER" "${LAB_HOLDERS[2]}" iptables -F INPUT; }
is_split() { have 2 Yes A,V,NMW 1 && have 1 No A,NV,NMW 2; }

# --- sbd ---
# It logs to syslog alone: a socket of the test is in its place.
syslog_start() {
	local node

	for node in 1 2; do
		python3 -uc 'import socket, sys
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind(sys.argv[1])
while True:
	print(log.recv(8192).decode(errors="replace").strip("\n\0"))' "$LAB_DIR/$node/socket" >"$LAB_DIR/$node/syslog" 2>&1 9>&- &
		SYSLOGS[node]=$!
		lab_await test -S "$LAB_DIR/$node/socket" || return
	done
}
# With -Z twice it only logs that it would reset the machine. It has no right to either, and the file of the kernel that
# does so is not there. Its watchdog timeout must be longer than the device's sync_timeout.
sbd_start() {
	local node

	for node in 1 2; do
		# shellcheck disable=SC2016 # of the inner shell
		(LAB_CLIENT=corosync lab_exec "$node" unshare --mount sh -c '
			mkdir -p "$1/dev/shm" /run/crm && cd "$1/dev" || exit
			for name in null zero urandom random full tty; do
				: >>$name && mount --bind /dev/$name $name || exit
			done
			: >>log && mount --bind "$1/socket" log && mount --bind /dev/shm shm && mount --rbind "$1/dev" /dev || exit
			for file in /proc/sysrq-trigger /proc/sys/kernel/sysrq; do
				[ ! -e $file ] || mount --bind /dev/null $file || exit
			done
			export SBD_PACEMAKER=yes SBD_SYNC_RESOURCE_STARTUP=no SBD_DELAY_START=no SBD_WATCHDOG_TIMEOUT=15 \
				SBD_MOVE_TO_ROOT_CGROUP=no SBD_TIMEOUT_ACTION=noflush,reboot
			exec setpriv --bounding-set -sys_boot --no-new-privs \
				sbd -v -v -R -W -W -Z -Z -n "$2" -p /run/sbd.pid watch' - "$LAB_DIR/$node" "node$node" \
			>"$LAB_DIR/$node/sbd" 2>&1) &
	done
}
sbd_end() {
	local pid node

	for node in 1 2; do
		read -r pid < <(on "$node" cat /run/sbd.pid) || continue
		pkill -KILL -P "$pid"
		kill -KILL "$pid"
	done
	kill "${SYSLOGS[@]}"
	wait "${SYSLOGS[@]}"
	rm -f "$LAB_DIR"/[12]/socket
}
sbd_says() { # TEXT NODE LINE: since that line of the log
	[ "$(lines_since "$2" syslog "$3" "$1")" -gt 0 ] || { tail -n 30 "$LAB_DIR/$2/syslog" "$LAB_DIR/$2/sbd" && return 1; }
}
sbd_group() { [ "$(on 1 corosync-cpgtool -e | grep -c '^[[:space:]]*[0-9].* [12] (10')" -eq 2 ]; }
sbd_uses() { # SERVICE: its number
	on 1 corosync-cmapctl -m stats | grep -q "^stats.ipcs.service$1\..*procname (str) = sbd"
}
has_sbd() { command -v sbd setpriv >/dev/null && python3 -c "" 2>/dev/null; }

sbd_reads() {
	awaits sbd_says "Servant cluster is healthy" 1 0 && awaits sbd_says "Servant cluster is healthy" 2 0 &&
		sbd_says "Corosync is using qdevice-sync_timeout=6s" 1 0 && sbd_says "using qdevice for quorum" 1 0
}

# --- pcs ---
# What pcsd asks, as it reads the answers.
pcsd_answers() {
	[ "$(lab_in 1 "$LAB_BUILD/tools/corosync-cmapctl" -g runtime.votequorum.this_node_id)" = \
		"runtime.votequorum.this_node_id (u32) = 1" ] || return
	lab_in 1 "$LAB_BUILD/exec/coterie" -v | grep -E 'version[^0-9]+[0-9]+\.[0-9]+\.[0-9]+'
}
# pcs_on TOOLS COMMAND...: pcs on node 1, with the config of the node, and with Debian's tools or with ours.
pcs_on() {
	local tools=$1

	shift
	# shellcheck disable=SC2016 # of the inner shell
	LAB_CLIENT=$tools lab_in 1 timeout 60 unshare --mount sh -c '
		mount -t tmpfs corosync /etc/corosync && cp "$1" /etc/corosync/ || exit
		if [ "$2" = coterie ]; then
			for tool in quorumtool cmapctl cfgtool; do
				mount --bind "$3" /usr/sbin/corosync-$tool || exit
			done
		fi
		shift 3
		exec pcs "$@"' - "$LAB_DIR/1/corosync.conf" "$tools" "$(realpath "$LAB_BUILD/tools/corosync-quorumtool")" "$@" </dev/null
}
# pcs_says TOOLS TEXT COMMAND...
pcs_says() {
	local tools=$1 text=$2 got

	shift 2
	got=$(pcs_on "$tools" "$@" 2>&1) && grep -Eq "$text" <<<"$got" || { printf 'pcs %s:\n%s\n' "$*" "$got" && return 1; }
}
pcs_answers() {
	pcs_says "$1" "^ +0 +1 +Qdevice" quorum status && pcs_says "$1" "State:.*Connected" quorum device status --full &&
		pcs_says "$1" "1 +A,V,NMW node2" status corosync && pcs_says "$1" "Online: node1 node2" status nodes corosync &&
		pcs_says "$1" "" quorum expected-votes 3 && pcs_says "$1" "Corosync reloaded" cluster reload corosync || return
	# It asks for the state of wait_for_all, which is not set.
	! pcs_says "$1" "" quorum unblock && pcs_on "$1" quorum unblock 2>&1 | grep "cluster is not waiting for nodes"
}

play() {
	local name=${LAB_USER:-root} since sbd_since tools

	configure off
	qnetd_start
	lab_start 1 2
	lab_ring 2 1 2
	tap $? "a ring of two of $kind, of user $name"
	device_start 1 2
	tap_check "$name: both devices vote" awaits all_vote
	tap_check "$name: the device of node 1 knows the ring" awaits says 1 "State:.*Connected" "Quorate:.*Yes" \
		"Membership node list:.*1, 2" "Expected votes:.*3" "Last poll call:.*\(cast vote\)" "Heuristics:.*Disabled"
	tap_check "$name: qnetd knows both nodes" awaits reports "(Configured|Membership) node list:.*1, 2" 4
	if has_sbd; then
		syslog_start && sbd_start
		tap_check "$name: sbd is healthy on both nodes and knows the device" sbd_reads
		for service in 0 2 5; do
			tap_check "$name: sbd uses service $service" sbd_uses $service
		done
		tap_check "$name: sbd has a group of two" awaits sbd_group
	else
		tap_without "$name: sbd" "no sbd, setpriv or python3"
	fi
	tap_check "$name: pcsd gets its answers" pcsd_answers
	if command -v pcs >/dev/null; then
		for tools in corosync coterie; do
			tap_check "$name: pcs gets its answers with the tools of $tools" pcs_answers $tools
		done
	else
		tap_without "$name: pcs" "no pcs"
	fi

	configure on
	tap_check "$name: the config is loaded again" on 1 corosync-cfgtool -R
	tap_check "$name: the devices have heuristics now" awaits says 2 "Heuristics:.*Enabled.*"
	tap_check "$name: which qnetd learns" awaits reports "Heuristics:.*Pass " 2
	tap_check "$name: both still vote" awaits all_vote

	if command -v iptables >/dev/null && split; then
		tap_check "$name: the ring is split, and one half has the device's vote" awaits is_split
		mend
		tap_check "$name: the ring is whole" awaits all_vote
	else
		tap_without "$name: a split" "no iptables"
	fi

	since=$(length 2 log)
	! has_sbd || sbd_since=$(length 1 syslog)
	lab_kill 1
	tap_check "$name: node 1 is killed, and node 2 has the device's vote" awaits have 2 Yes A,V,NMW 2
	tap_check "$name: its device ends" awaits lab_ended "${DEVICES[1]}"
	wait "${DEVICES[1]}"
	tap_note "status $? of the device"
	test "$(lines_since 2 log "$since" "non-primary component")" -eq 0
	tap $? "$name: node 2 was never without quorum"
	! has_sbd || tap_check "$name: sbd of node 1 misses its daemon" awaits sbd_says "Cannot initialize CMAP service" 1 "$sbd_since"
	lab_start 1
	tap_check "$name: node 1 is back" awaits have 3 Yes A,V,NMW 2
	device_start 1
	tap_check "$name: and its device" awaits all_vote
	! has_sbd || tap_check "$name: sbd of node 1 is healthy again" awaits sbd_says "Servant cluster is healthy" 1 "$sbd_since"

	end TERM "${DEVICES[1]}"
	tap_check "$name: a device that stops is not registered" awaits have 2 Yes NR 1
	device_start 1
	tap_check "$name: it is back" awaits all_vote
	end KILL "${DEVICES[1]}"
	tap_check "$name: a device that is killed has no vote" awaits have 2 Yes NA,NV,NMW 1
	device_start 1
	tap_check "$name: it is back, too" awaits all_vote

	end TERM "$QNETD"
	tap_check "$name: qnetd stops, and the votes go" awaits have 2 Yes A,NV,NMW 1 2
	tap_check "$name: both devices run" devices_run
	tap_check "$name: they are not connected" awaits says 1 "State:.*Connect failed.*"
	lab_alive 1 2
	tap $? "$name: no daemon has exited"
	qnetd_start
	tap_check "$name: qnetd is back, and the votes" awaits all_vote

	! has_sbd || sbd_end
	lab_stop 1 2
	tap $? "$name: both stop with status 0"
	awaits lab_ended "${DEVICES[1]}" && awaits lab_ended "${DEVICES[2]}"
	tap $? "$name: their devices end"
	end TERM "$QNETD"
	[ "$tap_failed" -eq 0 ] || tap_note "$(tail -n 30 "$LAB_DIR"/[12]/device "$LAB_DIR/qnetd")"
}

play
rm -f "$LAB_DIR"/[12]/log
LAB_USER=$QDEVICE_USER play
lab_close
