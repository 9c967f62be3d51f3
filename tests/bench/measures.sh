# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# shellcheck disable=SC2034 # lab.sh reads what is set here
# What is measured of a ring that runs, kind by kind: source it after lab.sh,
# links.sh and sample.sh. measure_KIND takes
# its figures with `put`; what the ring is configured with is measure.sh's.

floods=0
sleepers=0 # members besides, that do nothing

# put CASE UNIT VALUE: a figure of the kind, ring and round at hand. Others' share of the machine goes with it.
put() {
	[ -z "$3" ] || printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' \
		"$BENCH_KIND" "$1" "$2" "$BENCH_RING" "$BENCH_ROUND" "$3" "${others:-0}" >>"$BENCH_DATA"
}

# void CASE UNIT WHY: it was tried, and does not count.
void() {
	put "$1" "$2" void
	echo "void: $BENCH_KIND, $1, of $BENCH_RING: $3" >&2
}

# field NODE KEY: of the last line that the node's load has printed.
field() {
	sed -n "s/.*\b$2=\([0-9.a-f]*\).*/\1/p" "$LAB_DIR/$1/load" | tail -n 1
}

# member FILE NODE ARGUMENT...: one member of the group, in the background.
member() {
	local file=$1 node=$2

	shift 2
	lab_exec "$node" "$BENCH_LOAD" -g "flood$floods" -z "$sleepers" -w $((BENCH_MS / 1000 + 90)) \
		-u "$BENCH_WARM_MS" -t "$BENCH_MS" "$@" >"$LAB_DIR/$file" 2>&1 &
	waiting+=($!)
}

# until_said WORD: by the last node.
until_said() {
	timeout 90 bash -c "until grep -q $1 '$LAB_DIR/$last/load' 2>/dev/null; do sleep 0.05; done"
}

# flood CASE SIZE SENDERS [RECEIVERS [half
# measured COMMAND...]]: every node has a member, and the first SENDERS of them send. Node 1 has RECEIVERS more. The
# command runs after half of the time, or when the time is over.
flood() {
	local case=$1 size=$2 senders=$3 more=${4:-0} when=${5:-} last=${LAB_NODES[-1]} waiting=() status=0
	local before role node i members

	shift $(($# < 5 ? $# : 5))
	members=$((${#LAB_NODES[@]} + more + sleepers))
	floods=$((floods + 1)) # a group for each, without who still leaves the last
	others_begin
	before=$(daemons_us)
	rm -f "$LAB_DIR"/*/load "$LAB_DIR"/more*
	for ((i = 0; i < more; i++)); do
		member "more$i" 1 -m "$members" -s "$size" -r
	done
	for node in "${LAB_NODES[@]}"; do
		role=()
		[ "$node" -le "$senders" ] || role=(-r)
		member "$node/load" "$node" -m "$members" -n "$senders" -s "$size" "${role[@]}"
	done
	[ $# -eq 0 ] || { until_said "$when" && "$@"; }
	for i in "${waiting[@]}"; do
		wait "$i" || status=1
	done
	others_end
	[ "$(sed -n 's/.*hash=//p' "$LAB_DIR"/*/load "$LAB_DIR"/more* 2>/dev/null | sort -u | wc -l)" -eq 1 ] || status=1
	if [ $status -ne 0 ]; then
		void "$case" MB/s "$(cat "$LAB_DIR"/*/load | sort | uniq -c | head -n 4 | tr '\n' ' ')"
		return 1
	fi
	put "$case" MB/s "$(field "$last" mb_per_s)"
	put "$case" "CPU us per message" "$({
		echo "daemons $(daemons_us) $before $(field "$last" delivered)"
		cat "$LAB_DIR"/*/load "$LAB_DIR"/more* 2>/dev/null
	} | awk '$1 == "daemons" { us = $2 - $3; count = $4 }
		{ sub(/.*cpu_us=/, "") && us += $1 }
		END { if (count > 0) printf "%.4g\n", us / count }')"
	[ "$senders" -eq 1 ] || put "$case" "least of all senders by greatest" "$(field "$last" share)"
}

# Every size, from one sender.
sizes() {
	local size

	for size in ${BENCH_SIZES:-64 1400 8000 100000}; do
		flood "$size B" "$size" 1
	done
}

measure_throughput() {
	local size

	sizes
	case $BENCH_RING in default | tuned | coterie) ;; *) return ;; esac
	for size in ${BENCH_SIZES:-64 1400 8000 100000}; do
		flood "$size B, 3 senders" "$size" 3
	done
}

measure_udp() { sizes; }
measure_knet() {
	sizes
	round_trips
}
# Measure the cipher itself, for a short frame and for a full one. It uses processor time, which
# other processes do not disturb.
sealing() {
	local size others=0

	for size in 64 1344; do
		"$abs_top_builddir/tests/bench/bench_seal" "$BENCH_RING" "$size" >"$LAB_DIR/1/load" 2>&1
		put "a frame of $size B" "ns to seal" "$(field 1 seal_ns)"
		put "a frame of $size B" "ns to open" "$(field 1 open_ns)"
	done
}

measure_encrypted() {
	local size

	case $BENCH_RING in aes | chacha) sealing ;; esac
	BENCH_SIZES=${BENCH_SIZES:-64 1400 8000} sizes
	round_trips
	for size in 1400 8000; do
		closed "$size B, thread beside" "$size" 10000 -b
	done
}
measure_encrypted_udp() { BENCH_SIZES=${BENCH_SIZES:-64 1400 8000} sizes; }
measure_realtime() {
	BENCH_SIZES="64 1400" sizes
	round_trips
	open_load 50 "$(default_rate "64 B")"
}

# The kernel cuts sent batches into packets before the wire, as if the card could not. Check that it
# did.
measure_segmented() {
	local before after mean

	before=$(sent_packets)
	sizes
	after=$(sent_packets)
	mean=$(echo "$after $before" | awk '{ if ($2 > $4) printf "%.0f\n", ($1 - $3) / ($2 - $4) }')
	[ "${mean:-9999}" -le 1514 ] || echo "bench: packets of $mean bytes were sent: not cut" >&2
	put "all sizes" "bytes per packet" "$mean"
}

# Bytes and packets that node 1 has sent.
sent_packets() { in_net 1 cat /proc/net/dev | awk '/eth0:/ { sub(/.*:/, ""); print $9, $10 }'; }

measure_wire() {
	local rate node

	for rate in 1 10; do
		for node in "${LAB_NODES[@]}"; do
			in_net "$node" tc qdisc replace dev eth0 root tbf rate "${rate}gbit" burst 1mb latency 20ms || {
				void "8000 B, $rate Gbit/s" MB/s "no tbf"
				return
			}
		done
		flood "8000 B, $rate Gbit/s" 8000 1
		flood "8000 B, 3 senders, $rate Gbit/s" 8000 3
	done
}

measure_loss() {
	local percent

	for percent in 1 5; do
		lab_loss "$percent" "${LAB_NODES[@]}" || {
			void "1400 B, $percent % loss" MB/s "no iptables"
			return
		}
		# End the loss before the remaining messages are delivered: with the reference that
		# would take minutes.
		flood "1400 B, $percent % loss" 1400 1 0 measured lab_loss 0 "${LAB_NODES[@]}"
		lab_loss 0 "${LAB_NODES[@]}"
	done
}

# closed CASE SIZE COUNT [-y | -b]
closed() {
	latency "$1" -s "$2" -l "$3" "${@:4}"
}

# Of a client that sleeps, and of one with a thread beside.
round_trips() {
	closed "64 B, one at a time" 64 10000
	closed "64 B, thread beside" 64 10000 -b
}

latency() {
	local case=$1

	shift
	others_begin
	lab_in 1 "$BENCH_LOAD" -g latency "$@" >"$LAB_DIR/1/load" 2>&1 || {
		others_end
		void "$case" "p99 us" "$(cat "$LAB_DIR/1/load")"
		return
	}
	others_end
	put "$case" "p50 us" "$(field 1 p50_us)"
	put "$case" "p99 us" "$(field 1 p99_us)"
	put "$case" "max us" "$(field 1 max_us)"
}

# open_load PERCENT RATE: as many messages in a second as PERCENT of RATE.
open_load() {
	[ -z "$2" ] || latency "64 B, at $1 % of Corosync's rate" -s 64 -o $(($2 * $1 / 100)) \
		-u "$BENCH_WARM_MS" -t "$BENCH_MS" -w 30
}

measure_latency() {
	local percent

	round_trips
	closed "64 B, polled" 64 10000 -y
	closed "100000 B, one at a time" 100000 1000
	[ "$BENCH_RING" != default ] || flood "64 B, as many as it takes" 64 1
	for percent in 10 50 80; do
		open_load "$percent" "$(default_rate "64 B, as many as it takes")"
	done
}

# default_rate CASE: messages of 64 bytes per second that Corosync as it comes delivered in this round; it comes first.
default_rate() {
	awk -F '\t' -v round="$BENCH_ROUND" -v kind="$BENCH_KIND" -v name="$1" '$1 == kind && $2 == name && $3 == "MB/s" &&
		$4 == "default" && $5 == round && $6 != "void" { printf "%.0f\n", $6 * 1e6 / 64 }' "$BENCH_DATA"
}

measure_idle() {
	local memory used woken seconds=5

	sleep 3
	memory=$(daemon_mb)
	others_begin
	used=$(daemons_us)
	woken=$(daemons_woken)
	sleep "$seconds"
	used=$(per_daemon "$(daemons_us)" "$used" "$seconds")
	woken=$(per_daemon "$(daemons_woken)" "$woken" "$seconds")
	others_end
	put "idle" "RSS MB" "$memory"
	put "idle" "CPU us per s" "$used"
	put "idle" "wake-ups per s" "$woken"
	flood "1400 B" 1400 1 0 half loaded "under load"
	put "after load" "RSS MB" "$(daemon_mb)"
}

# per_daemon NOW BEFORE SECONDS
per_daemon() { awk "BEGIN { printf \"%.4g\n\", ($1 - $2) / $3 / ${#LAB_NODES[@]} }"; }

loaded() { put "$1" "RSS MB" "$(daemon_mb)"; }

# One that never takes its messages, beside others: whether they and the daemon's memory suffer.
measure_clients() {
	local sleeper

	flood "1400 B, 50 more receivers" 1400 1 50 half loaded "50 clients on a node of three"
	lab_exec 1 "$BENCH_LOAD" -g "flood$((floods + 1))" -d >/dev/null 2>&1 &
	sleeper=$!
	sleepers=1
	flood "1400 B, a receiver that sleeps" 1400 1 0 half loaded "a receiver that sleeps"
	sleepers=0
	kill -KILL "$sleeper"
	wait "$sleeper" 2>/dev/null
}

measure_nodes() {
	flood "1400 B, ${#LAB_NODES[@]} nodes" 1400 1
	closed "64 B, one at a time, ${#LAB_NODES[@]} nodes" 64 2000
}
