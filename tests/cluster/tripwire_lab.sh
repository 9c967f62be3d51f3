# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# shellcheck disable=SC2034 # scripts that source it read these variables
# What tests of the watches over neighbours share: source it after lab.sh and links.sh.

# watch_says NODE WORDS: the last line of its log about its watch has these words.
watch_says() { grep 'the watch over' "$LAB_DIR/$1/log" | tail -n 1 | grep -q "$2"; }

# watches_on [SECONDS]: each node watches the next one. The log of a daemon that was started again goes on.
watches_on() {
	local node

	for node in 1 2 3; do
		LAB_PATIENCE=${1:-10} lab_await watch_says $node "node $((node % 3 + 1)) is on" || {
			tap_note "node $node: $(grep 'the watch over' "$LAB_DIR/$node/log" | tail -n 3)"
			return 1
		}
	done
}

# A member whose end is not certain is removed after the token and consensus timeouts. A token that an idle ring holds
# shifts that by less than a fifth of the token timeout, and a majority waits as much longer. The rest of the limit is
# for a busy machine.
patience=$((LAB_TOKEN * 22 / 10))
earliest=$((patience - LAB_TOKEN / 5))
latest=$((patience + LAB_TOKEN * 2 / 5 + 600))

# How many questions (45 bytes of UDP) the nodes send in three seconds.
questions() {
	local node

	for node in 1 2 3; do
		in_net $node iptables -I OUTPUT -p udp -m length --length 73
	done
	sleep 3
	for node in 1 2 3; do
		in_net $node iptables -nvxL OUTPUT 1 | awk '{ print $1 }'
		in_net $node iptables -D OUTPUT 1
	done | awk '{ sum += $1 } END { print sum + 0 }'
}

# missed PREPARE VICTIM...: sets the shortest, the median and the longest of the times from a kill to a ring of the
# others, in milliseconds. PREPARE is called before each of them, and with "after" when the others are a ring.
missed() {
	local prepare=$1 victim at node rest times

	shift
	times=$(lab_program ring_times)
	: >"$LAB_DIR/missed"
	for victim in "$@"; do
		rest=()
		for node in 1 2 3; do
			[ $node -eq $victim ] || rest+=("$node")
		done
		"$prepare"
		rings_record "${rest[@]}"
		sleep "$(awk "BEGIN { srand($RANDOM); print 0.8 + rand() }")" # any phase of the idle ring
		at=$("$times" kill 9 "${LAB_DAEMONS[victim]}")
		wait "${LAB_DAEMONS[victim]}" 2>/dev/null
		LAB_PATIENCE=20 rings_after "$at" "${rest[*]}" "${rest[@]}" >>"$LAB_DIR/missed"
		rings_end
		"$prepare" after
		lab_start "$victim"
		lab_ring 3 1 2 3
	done
	median=$(sort -n "$LAB_DIR/missed" | sed -n $(($# / 2 + 1))p)
	longest=$(sort -n "$LAB_DIR/missed" | tail -n 1)
	shortest=$(sort -n "$LAB_DIR/missed" | head -n 1)
}

at_most() {
	awk "BEGIN { exit !(\"$1\" != \"\" && ${1:-0} <= $2) }"
}

# between SHORTEST LONGEST: the patience has passed, and not much more.
between() {
	at_most "$earliest" "$1" && at_most "$2" "$latest"
}
