#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# measure.sh: one kind of measurement of one ring, in a lab of its own with fresh daemons. bench.sh runs it with
# the environment BENCH_KIND, BENCH_RING, BENCH_ROUND and BENCH_NODES. BENCH_DATA is the file for the figures, and
# BENCH_LOAD the client. All daemons run at the ordinary priority, but for the kind realtime, and at the default
# timers.
BENCH_NODES=${BENCH_NODES:-3}
export LAB_TOKEN=$((3000 + 650 * (BENCH_NODES > 2 ? BENCH_NODES - 2 : 0)))
BENCH_HERE=$(cd "$(dirname "$0")" && pwd)
. "$BENCH_HERE/../cluster/lab.sh"
. "$BENCH_HERE/../cluster/links.sh"
. "$BENCH_HERE/sample.sh"
. "$BENCH_HERE/measures.sh"
. "$BENCH_HERE/crash.sh"

case $BENCH_KIND in
udp | knet) export LAB_TRANSPORT=$BENCH_KIND ;;
encrypted_udp) export LAB_TRANSPORT=udp ;;
esac
case $BENCH_RING in
aes) export LAB_ENCRYPTION=aes256-gcm ;;
chacha) export LAB_ENCRYPTION=chacha20-poly1305 ;;
knet | knet-corosync) export LAB_TRANSPORT=knet LAB_ENCRYPTION=aes256-sha256 ;;
esac
case $BENCH_RING in
coterie | library | plain | aes | chacha | knet) kind=coterie ;;
*) kind=corosync ;;
esac
# Debian's library on our daemon, and ours on Debian's.
case $BENCH_RING in
library) export LAB_CLIENT=corosync ;;
reverse) export LAB_CLIENT=coterie ;;
esac
case $BENCH_RING in
window) export LAB_TOTEM=$'window_size: 300\nmax_messages: 100' ;;
tuned) export LAB_TOTEM=$'netmtu: 60000\nwindow_size: 200\nmax_messages: 100' ;;
esac

# The kind's own ways: before the daemons start.
prepare() {
	local node

	case $BENCH_KIND in
	realtime)
		sed -i 's/sched_rr: no/sched_rr: yes/' "$LAB_DIR"/*/corosync.conf
		;;
	segmented | wire)
		for node in "${LAB_NODES[@]}"; do
			in_net "$node" ip link set dev eth0 gso_max_segs 1 || return
		done
		;;
	esac
}

# lab.sh puts daemons before other sessions. Operators do not: their daemons have the priority of the clients here.
start_plain() {
	local node try group own

	lab_start "$@"
	own=$(sed 's/.*nice //' /proc/self/autogroup 2>/dev/null)
	for node in "$@"; do
		group=/proc/${LAB_DAEMONS[node]}/autogroup
		[ -e "$group" ] || continue
		for ((try = 0; try < 100; try++)); do
			! grep -q 'nice -15' "$group" || break
			lab_nap 0.01
		done
		echo "${own:-0}" >"$group"
	done
}

mapfile -t kinds < <(yes $kind | head -n "$BENCH_NODES")
lab_open "${kinds[@]}"
export LAB_PATIENCE=$((30 + BENCH_NODES))
prepare || exit
start_plain "${LAB_NODES[@]}"
if ! lab_ring "$BENCH_NODES" "${LAB_NODES[@]}" >&2; then
	void "a ring of $BENCH_NODES" MB/s "it does not form"
	exit 1
fi
"measure_$BENCH_KIND"
lab_stop "${LAB_NODES[@]}" >&2
