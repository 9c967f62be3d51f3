#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A ring of coteries under bad packets and bad clients: it stays, its memory stays bounded, and its
# log tells of it without drowning.
. "$(dirname "$0")/lab.sh"

# Memory that the address sanitizer holds back would look like a leak.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=4"
RSS_GROWTH_MAX_KB=65536
BACKLOG_MAX_KB=573440 # 512 MB may wait for a client, and there is some overhead
LOG_GROWTH_MAX=400 # lines

rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/${LAB_DAEMONS[$1]}/status"; }
log_lines() { cat "$LAB_DIR/$1/log" "$LAB_DIR/$1/out" | wc -l; }

bad_client() { lab_in "$1" -t 60 "$(lab_program bad_client)" "${@:2}"; }

# Remember what the daemons use, and compare.
before() {
	for node in 1 2 3; do
		rss[node]=$(rss_kb $node)
		lines[node]=$(log_lines $node)
	done
}

# after NAME LINES KB: memory and log of nodes 1 and 2, whom it was aimed at; LINES at least are new,
# KB at most are.
after() {
	local grown new status=0

	lab_ring 3 1 2 3 && lab_alive 1 2 3
	tap $? "$1: one ring of three, every daemon runs"
	for node in 1 2; do
		grown=$(($(rss_kb $node) - rss[node]))
		new=$(($(log_lines $node) - lines[node]))
		[ $grown -le "$3" ] || status=1
		tap_note "$1: node $node uses $grown kB more and wrote $new lines"
		[ $new -le $LOG_GROWTH_MAX ] && [ $new -ge "$2" ] || status=1
	done
	tap $status "$1: memory and log stay bounded"
	lab_traffic "$1" 1400 1 2 3
}

declare -a rss lines
lab_open coterie coterie coterie
for node in 1 2 3; do
	printf 'quorum {\n\tprovider: corosync_votequorum\n}\n' >>"$LAB_DIR/$node/corosync.conf"
done
lab_start 1 2 3
lab_ring 3 1 2 3
tap $? "one ring"

# Packets of every type: a node that comes, one that goes, a cut, a merge, traffic and rest.
lab_exec 3 "$(lab_program bad_packets)" record "$LAB_DIR/packets" 12 eth0 >"$LAB_DIR/recorded" &
recorder=$!
lab_kill 2
lab_ring 2 1 3
lab_start 2
lab_ring 3 1 2 3
lab_cut 1
lab_ring 2 2 3 && lab_ring 1 1
lab_heal 1
lab_ring 3 1 2 3
LAB_MS=1000 lab_traffic "while packets are recorded" 1400 1 2 3
wait $recorder
tap $? "packets recorded: $(cat "$LAB_DIR/recorded")"

# From a member's address, since others are not heard at all.
before
tap_check "100000 bad packets" lab_in 3 "$(lab_program bad_packets)" attack "$LAB_DIR/packets" \
	50000 "${SEED:-1}" 10.0.0.1 10.0.0.2
after "bad packets" 1 $RSS_GROWTH_MAX_KB

before
for service in cpg cmap cfg quorum votequorum evs coterie-control; do
	tap_check "$service: malformed requests" bad_client 1 ipc 150 1 $service
	tap_check "$service: each of them refused" bad_client 1 refused $service
	tap_check "$service: the log tells" grep -q "Refused request .* at service $service:" "$LAB_DIR/1/log"
done
tap_check "clients killed at any point" bad_client 2 die 200
after "bad clients" 0 $RSS_GROWTH_MAX_KB

# A tracker of each service never reads, while others make events.
before
trackers=()
for service in cmap cfg quorum votequorum evs; do
	lab_exec 1 "$(lab_program bad_client)" silent 60 $service >"$LAB_DIR/silent.$service" 9>&- &
	trackers+=($!)
done
for service in cmap cfg quorum votequorum evs; do
	LAB_PATIENCE=10 lab_await test -s "$LAB_DIR/silent.$service"
	tap $? "$service: a client that asks for events and never reads"
done
for service in cmap votequorum evs; do
	tap_check "$service: events for it" bad_client 1 events 3000 $service
done
after "trackers that never read" 0 $RSS_GROWTH_MAX_KB
kill -KILL "${trackers[@]}"
wait "${trackers[@]}" 2>/dev/null

before
lab_exec 1 "$(lab_program bad_client)" silent 30 >/dev/null 9>&- &
silent=$!
sleep 0.5
lab_in 2 -t 60 "$LAB_LOAD" -g load -m 1 -s 100000 -t 3000 >"$LAB_DIR/2/load"
tap $? "a client that never reads does not stop the others: $(sed 's/hash.*//' "$LAB_DIR/2/load")"
kill -KILL $silent
wait $silent 2>/dev/null
after "a client that never reads" 0 $BACKLOG_MAX_KB
lab_close
