#!/bin/bash
# compare.sh: coterie and three rings of Debian's corosync side by side: three nodes on one machine, the same
# client program, alternating rounds with fresh daemons, coterie's after each opponent's. Each figure is the
# median over the rounds, with the extremes in brackets; a ratio is taken within each round. What does not
# count, and is told: a run whose members disagree about the order or lost a message, and all of a ring's
# figures in a round in which others had more than BENCH_OTHERS percent of the machine.
#
# Environment: ROUNDS (5), SIZES, LAB_SECONDS (2, of traffic), LAB_CLIENT=corosync (Debian's library
# for both), LAB_TRANSPORT, LAB_TOTEM (more totem lines for all), BENCH_OTHERS (10), BENCH_PAGE (a file that
# gets the table as Markdown), BENCH_RINGS (some of the names below, coterie among them).
. "$(dirname "$0")/../cluster/lab.sh"
. "$(dirname "$0")/table.sh"

export LAB_SECONDS=${LAB_SECONDS:-2}
ROUNDS=${ROUNDS:-5}
SIZES=${SIZES:-64 1400 8000 100000}
BENCH_OTHERS=${BENCH_OTHERS:-10}
BENCH_RINGS=${BENCH_RINGS:-default window tuned coterie}
BENCH_TOTEM=${LAB_TOTEM:-}

# totem_lines RING: what it is configured with besides.
totem_lines() {
	echo "$BENCH_TOTEM"
	case $1 in
	window) printf 'window_size: 300\nmax_messages: 100\n' ;;
	tuned) printf 'netmtu: 60000\nwindow_size: 200\nmax_messages: 100\n' ;;
	esac
}

# put FIGURE VALUE: one measurement of the ring and round at hand.
put() {
	printf '%s\t%s\t%s\t%s\n' "$ring" "$1" "$round" "$2" >>"$LAB_DIR/round"
}

field() {
	sed -n "s/.*\b$2=\([0-9.]*\).*/\1/p" "$1"
}

# Processor time of the three daemons, in microseconds.
daemons_us() {
	local node

	for node in 1 2 3; do
		cat "/proc/${LAB_DAEMONS[node]}/stat"
	done | awk -v hz="$(getconf CLK_TCK)" '{ sum += $14 + $15 } END { printf "%.0f\n", sum * 1e6 / hz }'
}

# How often the daemon of node 2 was put to sleep, that is, woken again.
sleeps() {
	cat "/proc/${LAB_DAEMONS[2]}"/task/*/status | awk '/^voluntary/ { sum += $2 } END { print sum }'
}

# Processor time in ticks: of all on this machine, and of what runs in this lab.
machine_ticks() {
	awk '/^cpu / { print $2 + $3 + $4 }' /proc/stat
}

lab_ticks() {
	cat /proc/[0-9]*/stat 2>/dev/null |
		awk '{ sub(/.*\) /, ""); sum += $12 + $13 + $14 + $15 } END { print sum }'
}

# throughput FIGURE SIZE SENDERS: all three nodes are members, the first SENDERS of them send.
throughput() {
	local node role waiting=() status=0 before

	before=$(daemons_us)
	for node in 1 2 3; do
		role=()
		[ "$node" -le "$3" ] || role=(-r)
		lab_exec $node "$(lab_program cpg_load)" -g "$1" -m 3 -s "$2" -t $((LAB_SECONDS * 1000)) \
			-w $((LAB_SECONDS + 60)) "${role[@]}" >"$LAB_DIR/$node/load" 2>&1 &
		waiting+=($!)
	done
	for node in "${waiting[@]}"; do
		wait "$node" || status=1
	done
	[ "$(sed -n 's/.*hash=//p' "$LAB_DIR"/[123]/load | sort -u | wc -l)" -eq 1 ] || status=1
	if [ $status -ne 0 ]; then
		echo "void: $1 of $ring in round $round" "$(cat "$LAB_DIR"/[123]/load)" >&2
		return
	fi
	put "$1, MB/s" "$(field "$LAB_DIR/3/load" mb_per_s)"
	put "$1, daemons' CPU, us per message" "$(echo "$(daemons_us) $before" \
		"$(field "$LAB_DIR/3/load" delivered)" | awk '{ if ($3 > 0) print ($1 - $2) / $3 }')"
}

# latency FIGURE SIZE COUNT [RATE]: one message outstanding, or RATE of them in a second.
latency() {
	lab_in 1 "$(lab_program cpg_load)" -g latency -s "$2" -l "$3" ${4:+-o "$4"} >"$LAB_DIR/latency" || {
		echo "void: latency of $ring: $(cat "$LAB_DIR/latency")" >&2
		return
	}
	put "$1, p50 us" "$(field "$LAB_DIR/latency" p50_us)"
	put "$1, p99 us" "$(field "$LAB_DIR/latency" p99_us)"
}

idle() {
	local daemon=${LAB_DAEMONS[2]} used woken

	put "idle, RSS, MB" "$(awk '/^VmRSS/ { print $2 / 1024 }' "/proc/$daemon/status")"
	sleep 1
	used=$(daemons_us)
	woken=$(sleeps)
	sleep 4
	put "idle, CPU of a daemon, ms per s" "$(echo "$(daemons_us) $used" | awk '{ print ($1 - $2) / 12000 }')"
	put "idle, wake-ups per s" "$(echo "$(sleeps) $woken" | awk '{ print ($1 - $2) / 4 }')"
}

# Half of what Corosync's default reached in this round: the same rate for all.
open_load() {
	[ -n "$rate" ] || rate=$(awk -F '\t' '$2 == "64 B, 1 sender, MB/s" { printf "%.0f\n", $4 * 1e6 / 64 / 2 }' \
		"$LAB_DIR/round")
	[ -z "$rate" ] || [ "$rate" -eq 0 ] || latency "64 B, open load" 64 $((rate * LAB_SECONDS)) "$rate"
}

# All figures of a ring in this round, in $LAB_DIR/round.
measure() {
	local size

	: >"$LAB_DIR/round"
	lab_start 1 2 3
	lab_ring 3 1 2 3 || {
		echo "no ring of $ring" >&2
		exit 1
	}
	idle
	for size in $SIZES; do
		throughput "$size B, 1 sender" "$size" 1
		throughput "$size B, 3 senders" "$size" 3
	done
	latency "64 B, idle ring" 64 3000
	open_load
	if lab_loss 5 1 2 3; then
		throughput "1400 B, 1 sender, 5 % loss" 1400 1
		throughput "100000 B, 1 sender, 5 % loss" 100000 1
	fi
	lab_loss 0 1 2 3
	put "after load, RSS, MB" "$(awk '/^VmRSS/ { print $2 / 1024 }' "/proc/${LAB_DAEMONS[2]}/status")"
	lab_stop 1 2 3
}

# Measure it, unless others were too busy meanwhile.
measure_alone() {
	local machine lab wall others

	machine=$(machine_ticks) lab=$(lab_ticks) wall=$(date +%s%N)
	measure
	others=$(echo "$(machine_ticks) $machine $(lab_ticks) $lab $(date +%s%N) $wall" |
		awk -v hz="$(getconf CLK_TCK)" -v cores="$(nproc)" '{
			share = (($1 - $2) - ($3 - $4)) / hz / (($5 - $6) / 1e9) / cores * 100
			printf "%.0f\n", (share > 0 ? share : 0) }')
	printf '%s\n' "$others" >>"$LAB_DIR/others"
	if [ "$others" -gt "$BENCH_OTHERS" ]; then
		echo "void: $ring in round $round: others had $others % of the machine" >&2
		return
	fi
	cat "$LAB_DIR/round" >>"$LAB_DIR/figures"
}

# progress DONE ALL SINCE: what comes next, and how long it all takes yet.
progress() {
	local left=

	[ "$1" -eq 0 ] || left=", about $(((SECONDS - $3) * ($2 - $1) / $1)) s left"
	echo "round $round of $ROUNDS: $ring$left" >&2
}

lab_open coterie coterie coterie
read -ra rings <<<"$BENCH_RINGS"
: >"$LAB_DIR/figures"
done=0 since=$SECONDS
for round in $(seq "$ROUNDS"); do
	rate=
	for ring in "${rings[@]}"; do
		kind=corosync
		[ "$ring" != coterie ] || kind=coterie
		# shellcheck disable=SC2034 # of lab.sh
		LAB_KINDS=([1]="$kind" [2]="$kind" [3]="$kind") LAB_TOTEM=$(totem_lines "$ring")
		lab_configure
		progress $done $((ROUNDS * ${#rings[@]})) "$since"
		measure_alone
		done=$((done + 1))
	done
done
table_page "$LAB_DIR/figures" "$LAB_DIR/others" >"$LAB_DIR/page"
cat "$LAB_DIR/page"
[ -z "${BENCH_PAGE:-}" ] || cp "$LAB_DIR/page" "$BENCH_PAGE"
