#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# totem { silence = quick }: the survivors deliver the configuration without a silent node half a second
# after its last packet, and no node that is healthy is evicted by load, loss or short stops. Environment:
#
# SILENCE_BUDGET   value of the option: quick
# SILENCE_NODES    nodes of the ring: 3
# SILENCE_ROUNDS   SIGSTOPs, and as many cable cuts: 5
# SILENCE_LIMIT    of the median, in milliseconds: 700
# SILENCE_P99      limit of the 99th percentile: 1000, twice the budget, which leaves room for tests beside this one
# SILENCE_MINUTES  length of the second part, the one without evictions: 0.1; 0 leaves it out
# SILENCE_HOGS     processes that compute all the time: 2
# SILENCE_LOSS     percentage of datagrams that each node loses: 30
# SILENCE_STOP_MS  length of the short stops: 200, below the budget
# SILENCE_TOKEN    token timeout of Corosync with LAB_KIND=corosync, which has no such option: 230. With the
#                  consensus timeout that is half a second
# shellcheck disable=SC2034 # lab.sh reads what is set here
LAB_TOKEN=${LAB_TOKEN:-3650}
[ "${LAB_KIND:-}" != corosync ] || LAB_TOKEN=${SILENCE_TOKEN:-230}
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/links.sh
. "$(dirname "$0")/links.sh"

budget=${SILENCE_BUDGET:-quick}
count=${SILENCE_NODES:-3}
rounds=${SILENCE_ROUNDS:-5}
limit=${SILENCE_LIMIT:-700}
limit99=${SILENCE_P99:-1000}
minutes=${SILENCE_MINUTES:-0.1}
hogs=${SILENCE_HOGS:-2}
loss=${SILENCE_LOSS:-30}
stop_ms=${SILENCE_STOP_MS:-200}
times=$(lab_program ring_times)
# The clock of the day jumps all the time, for each node: no decision of the ring may depend on it.
LAB_PRELOAD=$LAB_BUILD/tests/cluster/.libs/clock_jumps.so

has_option() { "$LAB_BUILD/exec/coterie" --help-config totem 2>/dev/null | grep -q '^	silence '; }
# Once the manual has the option, a daemon without it is a failure and no reason to skip.
if [ "${LAB_KIND:-coterie}" = coterie ] && ! has_option; then
	grep -q '^\.It Ic silence$' "$LAB_HERE/../../conf/man/coterie.conf.5" ||
		tap_skip "this daemon has no option totem.silence"
	tap 1 "coterie --help-config lists totem.silence"
	tap_end
fi

mapfile -t kinds < <(yes coterie | head -n "$count")
lab_open "${kinds[@]}"

# The option is in coterie.conf alone: each node's corosync.conf, written in that syntax.
configure() {
	local node

	for node in "${LAB_NODES[@]}"; do
		printf 'quorum {\n\tprovider: corosync_votequorum\n}\n' >>"$LAB_DIR/$node/corosync.conf"
		[ "${LAB_KINDS[node]}" = coterie ] || continue
		LAB_FILES[node]=coterie.conf
		lab_in "$node" "$LAB_BUILD/exec/coterie" --print-config=coterie -c "$LAB_DIR/$node/corosync.conf" |
			sed "s/^totem {\$/&\n\tsilence = $budget/" >"$LAB_DIR/$node/coterie.conf"
		grep -q 'silence =' "$LAB_DIR/$node/coterie.conf" || return
	done
}

rest_of() {
	local node rest=()

	for node in "${LAB_NODES[@]}"; do
		[ "$node" -eq "$1" ] || rest+=("$node")
	done
	echo "${rest[*]}"
}

stop_begin() { lab_pause "$1"; }
stop_end() { lab_resume "$1"; }
cut_begin() { lab_cut "$1"; }
cut_end() { lab_heal "$1"; }

# one_round WAY VICTIM: the milliseconds until the slowest survivor has the new configuration.
one_round() {
	local way=$1 victim=$2 rest at

	rest=$(rest_of "$victim")
	# shellcheck disable=SC2086 # a list
	rings_record $rest
	sleep "$(awk "BEGIN { srand($RANDOM); print 0.3 + rand() / 2 }")" # any phase of an idle ring
	at=$("$times" kill 0 $$)
	"${way}_begin" "$victim"
	# shellcheck disable=SC2086 # a list
	LAB_PATIENCE=20 rings_after "$at" "$rest" $rest >>"$LAB_DIR/rounds" || echo 99999 >>"$LAB_DIR/rounds"
	"${way}_end" "$victim"
	rings_end
	lab_ring "$count" "${LAB_NODES[@]}" || echo "round $way of node $victim: no ring afterwards" >>"$LAB_DIR/apart"
}

# Texts of the survivors about the host of a removed node: the words for each way, and their number
# in a log.
stop_words='its host answers: its daemon is stopped or starves'
cut_words='its host does not answer either'
said() { cat "$LAB_DIR"/[0-9]*/log | grep -c "is out of the ring: .*; $1"; }

# causes WAY OTHER: records of evictions have their cause, and none has the other one. Some have none: no probe leaves
# within a second after the last one was answered, which is longer than the budget.
causes() {
	local words=${1}_words others=${2}_words right wrong

	[ "${LAB_KIND:-coterie}" = coterie ] || return 0
	right=$(($(said "${!words}") - said_before[0]))
	wrong=$(($(said "${!others}") - said_before[1]))
	[ $wrong -eq 0 ] && [ $right -gt 0 ]
	tap $? "$1: $right of $((rounds * (count - 1))) records say that ${!words}, $wrong the contrary" ||
		tap_note "$(cat "$LAB_DIR"/[0-9]*/log | grep 'is out of the ring')"
}

play() {
	local way=$1 other=$2 i p50 p99 all said_before
	local words=${1}_words others=${2}_words

	: >"$LAB_DIR/rounds"
	: >"$LAB_DIR/apart"
	said_before=("$(said "${!words}")" "$(said "${!others}")")
	for ((i = 0; i < rounds; i++)); do
		one_round "$way" $((i % count + 1))
	done
	mapfile -t all < <(sort -n "$LAB_DIR/rounds")
	p50=${all[$((${#all[@]} / 2))]:-99999}
	p99=${all[$(((${#all[@]} * 99 + 99) / 100 - 1))]:-99999}
	awk "BEGIN { exit !($p50 <= $limit && $p99 <= $limit99 && ${#all[@]} == $rounds) }"
	tap $? "$way, $count nodes: p50 $p50 ms, p99 $p99 ms of ${#all[@]} (limits $limit, $limit99)" ||
		tap_note "${all[*]}"
	[ ! -s "$LAB_DIR/apart" ]
	tap $? "$way: the node returns each time" || tap_note "$(cat "$LAB_DIR/apart")"
	causes "$way" "$other"
}

# Print how many packets the nodes have sent by UDP and TCP. The interface's own count has packets of the kernel as well,
# such as solicitations of IPv6 routers in the first minute of a namespace.
sent_packets() {
	local node

	for node in "${LAB_NODES[@]}"; do
		lab_in "$node" cat /proc/net/snmp
	done | awk '
		$1 == name && $1 in column { sum += $column[$1] }
		$1 != name { name = $1; for (i = 2; i <= NF; i++) if ($i == "OutDatagrams" || $i == "OutSegs") column[$1] = i }
		END { print sum }'
}

# Print how many packets a node of the idle ring sends in a second. The least of up to ten times counts: on a busy
# machine the token is late, and then all members ask each other.
idle_packets() {
	local i before began seconds least=1000

	for ((i = 0; i < 10; i++)); do
		sleep 1
		began=$(now_ms)
		before=$(sent_packets)
		sleep 3
		seconds=$(awk "BEGIN { print ($(now_ms) - $began) / 1000 }") # not 3: commands take time, too
		least=$(awk "BEGIN { x = ($(sent_packets) - $before) / $seconds / $count; printf \"%.1f\", x < $least ? x : $least }")
		! awk "BEGIN { exit !($least <= 8) }" || break
	done
	echo "$least"
}

# How often a record of any node has another membership than all nodes.
evictions() {
	local node

	for node in "${LAB_NODES[@]}"; do
		cut -d ' ' -f 3- "$LAB_DIR/$node/times"
	done | grep -cvx "${LAB_NODES[*]}"
}

# was_late MILLISECONDS: the last stop took so long, or a daemon tells that it did not run for so long: the machine is at
# fault. A stop may be the machine's own, so that only the daemon sees it.
was_late() {
	local node

	[ "$1" -lt $((2 * stop_ms)) ] || return 0
	for node in "${LAB_NODES[@]}"; do
		tail -n 60 "$LAB_DIR/$node/log"
	done | sed -n 's/.*This process did not run for \([0-9]*\) ms.*/\1/p' | awk -v least=$((2 * stop_ms)) '
		$1 >= least { found = 1 }
		END { exit !found }'
}

# A node may be out because its daemon is stopped or blocked: say so while it is.
states() {
	local node task

	for node in "${LAB_NODES[@]}"; do
		for task in "/proc/${LAB_DAEMONS[node]}/task"/*; do
			tap_note "node $node, thread ${task##*/}: $(sed -n 's/^State:\t//p' "$task/status"), $(cat "$task/wchan"), system call $(cat "$task/syscall")"
		done
	done
}

hold() {
	local hog hog_pids=() end victim stops=0 began longest=0 last=0 stop_s known=0 late=0

	stop_s=$(awk "BEGIN { print $stop_ms / 1000 }")
	# The stops keep their length beside processes that compute only if this script runs when it wants to.
	renice -n -15 -p $$ >/dev/null || tap_note "this script cannot have priority"
	rings_record "${LAB_NODES[@]}"
	lab_loss "$loss" "${LAB_NODES[@]}" || tap_note "no packets can be dropped here"
	for ((hog = 0; hog < hogs; hog++)); do
		# A session each, so that the scheduler gives each a share of its own.
		setsid nice -n 15 bash -c 'while :; do :; done' 9>&- &
		hog_pids+=($!)
	done
	end=$(awk "BEGIN { print int($(now_ms) + $minutes * 60000) }")
	while [ "$(now_ms)" -lt "$end" ]; do
		sleep "$(awk "BEGIN { srand($RANDOM); print 0.5 + rand() }")"
		victim=$((RANDOM % count + 1))
		began=$(now_ms)
		lab_pause $victim
		sleep "$stop_s"
		lab_resume $victim
		last=$(awk "BEGIN { print int($(now_ms) - $began) }")
		[ "$last" -le "$longest" ] || longest=$last
		stops=$((stops + 1))
		[ "$(evictions)" -gt "$known" ] || continue
		states
		was_late "$last" || break
		lab_ring "$count" "${LAB_NODES[@]}" || break
		late=$((late + 1))
		known=$(evictions)
	done
	renice -n 0 -p $$ >/dev/null
	# Without a process id, wait would wait for the daemons.
	if [ "$hogs" -gt 0 ]; then
		kill -KILL "${hog_pids[@]}" 2>/dev/null
		wait "${hog_pids[@]}" 2>/dev/null
	fi
	lab_loss 0 "${LAB_NODES[@]}"
	[ "$(evictions)" -eq "$known" ] && [ $((late * 20)) -le "$stops" ]
	tap $? "no eviction: $stops stops of $stop_ms ms (the longest took $longest, $late held a node for longer than the budget), $loss % loss, clock jumps, $hogs processes that compute, $minutes min" ||
		for victim in "${LAB_NODES[@]}"; do
			tap_note "node $victim" "$(tail -n 4 "$LAB_DIR/$victim/times")"
		done
	rings_end
}

# How many of three looks at the clock, one for each jump, are off by more than a minute.
jumps() {
	local i seen count=0

	for ((i = 0; i < 3; i++)); do
		seen=$(LD_PRELOAD=$LAB_PRELOAD date +%s)
		seen=$((seen - $(date +%s)))
		[ "${seen#-}" -le 60 ] || count=$((count + 1))
		[ $i -eq 2 ] || sleep 2
	done
	echo $count
}

[ "$(jumps)" -ge 1 ]
tap $? "the clock of the day jumps"
configure
tap $? "configs with silence = $budget" || lab_close
lab_start "${LAB_NODES[@]}"
lab_ring "$count" "${LAB_NODES[@]}"
tap $? "one ring on $LAB_TRANSPORT" || lab_close
if [ "${LAB_KIND:-coterie}" = coterie ] && [ "$budget" = quick ] && [ "$LAB_TRANSPORT" != knet ]; then
	idle=$(idle_packets)
	awk "BEGIN { exit !($idle > 1 && $idle <= 8) }"
	tap $? "a node of an idle ring sends $idle packets in a second, at most 8"
fi
if [ "$rounds" -gt 0 ]; then
	play stop cut
	play cut stop
fi
[ "$minutes" = 0 ] || hold
lab_ring "$count" "${LAB_NODES[@]}" && lab_alive "${LAB_NODES[@]}"
tap $? "one ring at the end"
lab_stop "${LAB_NODES[@]}"
tap $? "all stop with status 0"
lab_close
