#!/bin/bash
# compare.sh: coterie and Debian's corosync side by side: three nodes on one machine, the same client
# program, alternating rounds with fresh daemons. Each figure is the median over the rounds, with the
# extremes in brackets; a ratio is taken within each round. A run whose members disagree about the
# order, or lost a message, does not count and is told.
#
# Environment: ROUNDS (5), SIZES, LAB_SECONDS (2, of traffic), LAB_CLIENT=corosync (Debian's library
# for both), LAB_TOTEM (more totem lines for both), A and B (the kinds to compare).
. "$(dirname "$0")/../cluster/lab.sh"

export LAB_SECONDS=${LAB_SECONDS:-2}
ROUNDS=${ROUNDS:-5}
SIZES=${SIZES:-64 1400 8000 100000}
A=${A:-corosync}
B=${B:-coterie}

# put FIGURE VALUE: one measurement of the kind and round at hand.
put() {
	echo "$1 $kind $round $2" >>"$LAB_DIR/figures"
}

field() {
	sed -n "s/.*\b$2=\([0-9.]*\).*/\1/p" "$1"
}

# throughput FIGURE SIZE SENDERS: all three nodes are members, the first SENDERS of them send.
throughput() {
	local node role waiting=() status=0

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
		echo "void: $1 of $kind in round $round" "$(cat "$LAB_DIR"/[123]/load)" >&2
		return
	fi
	put "$1" "$(field "$LAB_DIR/3/load" mb_per_s)"
}

latency() {
	lab_in 1 "$(lab_program cpg_load)" -g latency -s "$1" -l 3000 >"$LAB_DIR/latency" || {
		echo "void: latency of $kind: $(cat "$LAB_DIR/latency")" >&2
		return
	}
	put "latency $1 B, p50 us" "$(field "$LAB_DIR/latency" p50_us)"
	put "latency $1 B, p99 us" "$(field "$LAB_DIR/latency" p99_us)"
}

daemon_cpu_ms() {
	awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000 / hz }' "/proc/$1/stat"
}

measure() {
	local size daemon before

	lab_start 1 2 3
	lab_ring 3 1 2 3 || {
		echo "no ring of $kind" >&2
		exit 1
	}
	daemon=${LAB_DAEMONS[2]}
	put "RSS idle, MB" "$(awk '/^VmRSS/ { print $2 / 1024 }' "/proc/$daemon/status")"
	before=$(daemon_cpu_ms "$daemon")
	sleep 5
	put "CPU idle, ms per s" "$(echo "$(daemon_cpu_ms "$daemon") $before" | awk '{ print ($1 - $2) / 5 }')"
	for size in $SIZES; do
		throughput "$size B, 1 sender, MB/s" "$size" 1
		throughput "$size B, 3 senders, MB/s" "$size" 3
	done
	latency 64
	latency 100000
	if lab_loss 5 1 2 3; then
		throughput "1400 B, 1 sender, 5 % loss, MB/s" 1400 1
		throughput "100000 B, 1 sender, 5 % loss, MB/s" 100000 1
	fi
	lab_loss 0 1 2 3
	put "RSS after load, MB" "$(awk '/^VmRSS/ { print $2 / 1024 }' "/proc/$daemon/status")"
	lab_stop 1 2 3
}

report() {
	printf '%s, %s cores, Linux %s, %s rounds of %s s, sched_rr no, token %s ms\n' \
		"$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -r)" \
		"$ROUNDS" "$LAB_SECONDS" "$LAB_TOKEN"
	sed 's/^\(.*\) \([a-z]*\) \([0-9]*\) \([0-9.]*\)$/\1\t\2\t\3\t\4/' "$LAB_DIR/figures" |
		awk -F '\t' -v A="$A" -v B="$B" '
		function sorted(list, count, i, j, t) {
			for (i = 2; i <= count; i++)
				for (j = i; j > 1 && list[j] < list[j - 1]; j--) {
					t = list[j]; list[j] = list[j - 1]; list[j - 1] = t
				}
		}
		function spread(kind, figure, i, n, list, v) {
			n = 0
			for (i = 1; i <= rounds; i++) {
				if (kind != "ratio" && (kind, figure, i) in value)
					list[++n] = value[kind, figure, i]
				if (kind == "ratio" && (A, figure, i) in value && (B, figure, i) in value &&
					value[A, figure, i] > 0)
					list[++n] = value[B, figure, i] / value[A, figure, i]
			}
			if (n == 0)
				return "-"
			sorted(list, n)
			v = n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
			return sprintf("%.4g [%.3g..%.3g]", v, list[1], list[n])
		}
		{
			if (!($1 in seen)) { seen[$1] = 1; figures[++count] = $1 }
			value[$2, $1, $3] = $4 + 0
			if ($3 > rounds) rounds = $3
		}
		END {
			printf "%-34s %24s %24s %24s\n", "", A, B, B " / " A
			for (i = 1; i <= count; i++)
				printf "%-34s %24s %24s %24s\n", figures[i], spread(A, figures[i]),
					spread(B, figures[i]), spread("ratio", figures[i])
		}'
}

lab_open "$A" "$B" "$B"
for round in $(seq "$ROUNDS"); do
	for kind in "$A" "$B"; do
		# shellcheck disable=SC2034 # of lab.sh
		LAB_KINDS=([1]="$kind" [2]="$kind" [3]="$kind")
		echo "round $round of $ROUNDS: $kind" >&2
		measure
	done
done
report
