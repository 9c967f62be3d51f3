#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Seeds of the simulator over 2 to 16 nodes with all faults, then with reference-like peers.
# usage: seeds.sh [COUNT] (default: 200, or COTERIE_SIM_SEEDS)
. "${abs_top_srcdir:?}/tests/tap.sh"
tap_behind "$@"

sim=${abs_top_builddir:?}/tests/sim/coterie-sim
count=${1:-${COTERIE_SIM_SEEDS:-200}}
times=1 # as many seeds of single kinds
[ "$count" -le 1000 ] || times=10
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# Two halves side by side, and a tenth as many with reference-like peers.
half=$((count / 2))
"$sim" --seeds "1-$half" >"$out/first" 2>&1 &
first=$!
"$sim" --seeds "$((half + 1))-$count" >"$out/second" 2>&1 &
second=$!
wait "$first"
first=$?
wait "$second"
second=$?
"$sim" --faults all,quirks --seeds "1-$((count / 10 + 11))" >"$out/quirks" 2>&1
quirks=$?

report() {
	local status=$1 name=$2 file=$3

	tap "$status" "$name: $(tail -n 1 "$file")"
	[ "$status" -eq 0 ] || tap_note "$(cat "$file")"
}
report "$first" "seeds 1 to $half" "$out/first"
report "$second" "seeds $((half + 1)) to $count" "$out/second"
report "$quirks" "seeds with reference-like peers" "$out/quirks"

# safe FILE FIELD: how many messages were delivered safe in regular (1) or transitional (2) configurations,
# or as agreed though sent safe (3).
safe() {
	sed -n 's/^safe: \([0-9]*\) in regular and \([0-9]*\) in transitional configurations, \([0-9]*\) .*/\'"$2/p" "$1"
}

# SAFE was put to the test, not only promised: in both kinds of configuration, and beside peers without it.
for file in first second quirks; do
	tap_check "$file: safe messages in regular configurations" test "$(safe "$out/$file" 1)" -gt 0
	tap_check "$file: and in transitional ones" test "$(safe "$out/$file" 2)" -gt 0
	tap_check "$file: and as agreed beside peers that cannot" test "$(safe "$out/$file" 3)" -gt 0
done
# tainted FILE FIELD: how many runs were tainted (1), and how many of them by a node that installed a ring early (2).
tainted() {
	sed -n 's/^tainted: \([0-9]*\) seeds, \([0-9]*\) of them .*/\'"$2/p" "$1"
}
# A tainted run is checked for little from then on, so that few may be.
for file in first second quirks; do
	seeds=$(sed -n 's/^\([0-9]*\) seeds, .*/\1/p' "$out/$file")
	tap_check "$file: at most one run in ten is tainted" test "$(tainted "$out/$file" 1)" -le $((seeds / 10 + 3))
	tap_check "$file: and one in fifty by a node that installs a ring early" \
		test "$(tainted "$out/$file" 2)" -le $((seeds / 50 + 1))
done
# The window was put to the test, too: it grew beyond what is configured.
for file in first second quirks; do
	tap_check "$file: rings with a wider window" grep -q '^windows: wider than configured in [1-9]' "$out/$file"
done
# And lone senders kept the token, with something to send meanwhile.
for file in first second; do
	tap_check "$file: lone senders that keep the token" \
		grep -q '^lone senders: kept the token [1-9][0-9]* times and sent [1-9]' "$out/$file"
	tap_check "$file: frames that wait for a later turn's" \
		grep -q '^lone senders: .* meanwhile, [1-9]' "$out/$file"
	tap_check "$file: tokens that go before the frames of their visit" \
		grep -q '^early tokens: [1-9]' "$out/$file"
done
for kind in none $("$sim" --help | sed -n '/^Kinds/,/^$/p' | tail -n +2); do
	"$sim" --faults "$kind" --seeds 1-$((6 * times)) >"$out/kind" 2>&1
	report $? "$kind alone" "$out/kind"
	case $kind in
	plain | quirks | middle) field=3 ;;
	*) field=1 ;;
	esac
	tap_check "$kind alone: with safe messages" test "$(safe "$out/kind" $field)" -gt 0
done

# Each of these once found rings that did not find each other again, but 2975: a message began again behind Corosync.
for seed in 3614 30834 32451 51569; do
	"$sim" --seed "$seed" >"$out/seed" 2>&1
	report $? "seed $seed" "$out/seed"
done
for seed in 2975 5244 5687 9828; do
	"$sim" --faults all,quirks --seed "$seed" >"$out/seed" 2>&1
	report $? "seed $seed with reference-like peers" "$out/seed"
done
"$sim" --nodes 64 --faults all --seeds 1-2 >"$out/seed" 2>&1
report $? "rings of 64 nodes" "$out/seed"
# A small receive buffer in a ring of more than 32: each member needs room in it for a frame beyond the window.
for seed in 73919304 73919312; do
	"$sim" --nodes 48 --faults ids,loss,partition,crash --seed $seed >"$out/seed" 2>&1
	report $? "seed $seed with 48 nodes" "$out/seed"
done
# A peer like Corosync's frees a frame too early, and its sender has to deliver it all the same.
"$sim" --faults asymmetric,loss,strike,plain,quirks,leave --seed 74420166 >"$out/seed" 2>&1
report $? "seed 74420166 with reference-like peers" "$out/seed"

# Outages below the budget, silences beyond it, and nodes that are cut off. In 435 a judge saw a silence that was longer
# than the outage by the delays before and behind it, and removed a healthy node.
"$sim" --faults patience --seeds 1-$((40 * times)) >"$out/seed" 2>&1
report $? "outages below and beyond the budget" "$out/seed"
"$sim" --faults patience --seed 435 >"$out/seed" 2>&1
report $? "an outage of 90 % of the budget on a slow network" "$out/seed"

# Overlapping majorities: one node after the other changes its part of a network of five.
"$sim" --faults shift --seeds 1-$((100 * times)) >"$out/seed" 2>&1
report $? "one node after the other changes its part" "$out/seed"
# The same with daemons that start again, and with jumps of clocks. Both once found two parts that served at one time.
"$sim" --faults shift,crash --seeds 1-$((40 * times)) >"$out/seed" 2>&1
report $? "and daemons start again" "$out/seed"
"$sim" --faults shift,crash,clock --seed 477 >"$out/seed" 2>&1
report $? "and clocks jump, too" "$out/seed"
"$sim" --faults shift,clock --seed 1837 >"$out/seed" 2>&1
report $? "clocks jump alone" "$out/seed"

# The same seed is the same run, to the last event.
"$sim" --seed 77 >"$out/once" 2>&1
"$sim" --seed 77 >"$out/again" 2>&1
tap_check "a seed replays exactly" cmp "$out/once" "$out/again"
tap_check "the hash of the run is told" grep -q 'trace [0-9a-f]\{16\}$' "$out/once"

# Command line.
"$sim" --list-mutants >"$out/mutants"
tap_check "there are at least 25 mutants" test "$(wc -l <"$out/mutants")" -ge 25
"$sim" --nodes 65 >/dev/null 2>&1
tap_check "65 nodes are refused with status 2" test $? -eq 2
"$sim" --faults bogus >/dev/null 2>&1
tap_check "an unknown fault is refused with status 2" test $? -eq 2
tap_end
