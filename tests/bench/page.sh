#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The page and the plots that bench.sh makes of its figures, made here from figures in a file. They contain known
# ratios, measurements that do not count, and missing ones. Nothing is measured.
. "$(dirname "$0")/../tap.sh"
here=$(cd "$(dirname "$0")" && pwd)
command -v python3 >/dev/null || tap_skip "no python3"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
page=$work/performance.md

# has WORDS: a line of the page has them.
has() {
	tap_check "$1" grep -qF -- "$2" "$page"
}

tap_check "a page is made" env BENCH_DATA="$here/sample.tsv" BENCH_PAGE="$page" bash "$here/bench.sh" page

# Rounds give 10, 5 and 9: that is not the ratio of the medians.
has "ratios are taken within rounds" "| 64 B, one sender, by Corosync as it comes | 9 [5..10] | ≥ 9 | met |"
has "what was measured while others were busy is no part of them" \
	"| 64 B, one sender, by Corosync at its best | 5 [5..5] | ≥ 5 | met |"
has "figures are medians with their extremes" "| 64 B | MB/s | 20 [10..90] | 4 [1..10] | 3 [2..4] |"
has "less may be better" "| 64 B, one sender, CPU per message | 0.15 [0.1..0.2] | ≤ 0.2 | met |"
has "three senders are compared with one" \
	"| 64 B, three senders together, by one of ours | 0.85 [0.8..0.9] | ≥ 1 | **not met** |"
has "a figure by itself has a target" "the new configuration, ms | 50 [40..150] | ≤ 100 | met |"
has "encryption is compared with the same ring without" \
	"| 64 B, one sender, udpu with aes256-gcm by without | 0.7 [0.6..0.8] | ≥ 0.7 | met |"
has "what a figure has more has a target, by the rounds" \
	"| round trip of 64 B, udpu with aes256-gcm, thread beside, p50, us more | 3 [1..6] | ≤ 5 | met |"
has "a figure that is not there is missing" \
	"| 8000 B, one sender, by Corosync as it comes | coterie: missing; default: missing | ≥ 8 | **missing** |"
has "why it is not there is told" \
	"| 1400 B, one sender, by Corosync as it comes | coterie: missing (1 void, 1 left out) | ≥ 12 | **missing** |"
has "targets add up" "Of 77 targets 7 are met, 3 are not, 67 cannot be judged."
has "losses have a section" "| knet | 64 B | MB/s | default | coterie | 0.5 [0.5..0.5] | 1 of 1 |"
has "of other pairs as well" "| encrypted | 1400 B | MB/s | knet-corosync | knet | 0.5 [0.5..0.5] | 1 of 1 |"
tap_check "in which there is nothing else" test "$(sed -n '/^## Where/,/^## Thr/p' "$page" | grep -c '^| [a-z]')" -eq 3
has "what does not count is counted" "while they used more than 10 % are left out: 2 of 38 figures. Void are 1,"
has "rounds are counted" "3 rounds of throughput, encrypted. 2 rounds of crash. 1 round of knet."
has "the machine is told" "A processor, 2 cores, 4 GiB, Linux 6.1;"

# drawn PLOT RING: lengths of its bars, in powers of ten.
drawn() {
	python3 - "$work/performance/$1" "$2" <<-'PYTHON'
		import sys, xml.etree.ElementTree as tree
		svg = "{http://www.w3.org/2000/svg}"
		root = tree.parse(sys.argv[1]).getroot()
		grid = sorted({float(line.get("x1")) for line in root.iter(svg + "line") if line.get("class") in ("grid", "one")})
		bars = [box for box in root.iter(svg + "rect") if box.get("class") == sys.argv[2]][1:]  # the first is the legend's
		print(*("%.2f" % (float(box.get("width")) / (grid[1] - grid[0])) for box in bars))
	PYTHON
}
tap_check "a bar is as long as its ratio, log 9" test "$(drawn throughput.svg default)" = 0.95
tap_check "one for each opponent, log 5" test "$(drawn throughput.svg tuned)" = 0.70
tap_check "less is more where less is better, log 1 by 0.15" test "$(drawn cpu.svg default)" = 0.82
tap_check "a loss is a bar as well, log 2" test "$(drawn transports.svg default)" = 0.30
tap_check "targets have marks" test "$(grep -c 'class="target"' "$work/performance/throughput.svg")" -eq 3
for plot in "$work"/performance/*.svg; do
	tap_check "${plot##*/} is well-formed, for light and dark" python3 - "$plot" <<-'PYTHON'
		import sys, xml.etree.ElementTree as tree
		root = tree.parse(sys.argv[1]).getroot()
		assert root.tag == "{http://www.w3.org/2000/svg}svg" and root.get("viewBox"), root.tag
		assert "prefers-color-scheme: dark" in "".join(root.itertext())
	PYTHON
	has "and shown" "](performance/${plot##*/})"
done
tap_check "only what there are figures for is drawn" test "$(echo "$work"/performance/*.svg | wc -w)" -eq 4

# Other rules, other figures.
cp "$page" "$work/first"
BENCH_DATA="$here/sample.tsv" BENCH_PAGE="$page" bash "$here/bench.sh" page 2>/dev/null
tap_check "the same figures make the same page" cmp "$work/first" "$page"
BENCH_OTHERS=100 BENCH_DATA="$here/sample.tsv" BENCH_PAGE="$page" bash "$here/bench.sh" page 2>/dev/null
has "others may be let have more" "| 1400 B, one sender, by Corosync as it comes | 50 [50..50] | ≥ 12 | met |"
printf 'throughput\t64 B\tMB/s\n' | cat "$here/sample.tsv" - >"$work/torn.tsv"
tap_check "a torn line is refused by its number" grep -q "torn.tsv:$(wc -l <"$work/torn.tsv"): not a figure" <(
	BENCH_DATA="$work/torn.tsv" BENCH_PAGE="$work/torn.md" bash "$here/bench.sh" page 2>&1)

# Print the plan of the measurements.
planned() { BENCH_WHAT=$1 BENCH_ROUNDS=$2 BENCH_FEW=$3 BENCH_COUNTS="2 8" bash "$here/bench.sh" plan; }
tap_check "rounds are interleaved" test "$(planned "udp knet" 2 1 | cut -d ' ' -f 1-3 | paste -sd,)" = \
	"1 udp default,1 udp coterie,1 knet default,1 knet coterie,2 udp default,2 udp coterie,2 knet default,2 knet coterie"
tap_check "each number of nodes has its turn" test "$(planned nodes 3 1 | cut -d ' ' -f 1-4 | paste -sd,)" = \
	"1 nodes default 2,1 nodes coterie 2,1 nodes default 8,1 nodes coterie 8"
tap_check "kinds that are known have a measure each" test -z "$(bash "$here/bench.sh" plan | cut -d ' ' -f 2 | sort -u |
	while read -r kind; do grep -q "^measure_$kind()" "$here"/*.sh || echo "$kind"; done)"
tap_check "and a section" test -z "$(bash "$here/bench.sh" plan | cut -d ' ' -f 2 | sort -u |
	while read -r kind; do grep -q "^    (\"$kind\"," "$here/page.py" || echo "$kind"; done)"
tap_check "all of it in about 50 minutes" test "$(bash "$here/bench.sh" plan |
	awk '{ sum += $5 } END { printf "%d\n", sum / 60 }')" -le 50
tap_end
