#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Whole nodes in the simulator: services and clients with faults, from seeds.
# usage: histories.sh [COUNT] (default: 100, or COTERIE_HISTORIES)
. "${abs_top_srcdir:?}/tests/tap.sh"
tap_behind "$@"

histories=${abs_top_builddir:?}/tests/histories/coterie-histories
count=${1:-${COTERIE_HISTORIES:-100}}
[ -x "$histories" ] || tap_skip "no test kit in this build"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

"$histories" --seeds "1-$count" >"$out/all" 2>&1
tap $? "seeds 1 to $count: $(head -n 1 "$out/all")" || tap_note "$(cat "$out/all")"

# figure WORD: the number in front of a word of the result.
figure() {
	sed -n "s/.* \([0-9]*\) $1.*/\1/p" "$out/all" | head -n 1
}
for word in "configurations" "changes of groups" "messages" "of them safe" "pairs of histories" "promises of safe" verdicts \
	"answers of kv" "changes that watches" "reloads of two nodes" "stores that failed"; do
	tap_check "something was checked: $word" test "$(figure "$word")" -gt 0
done

# More nodes than the seeds choose.
"$histories" --nodes 48 --faults part,crash,loss --seeds 1-2 >"$out/seed" 2>&1
tap $? "rings of 48 nodes" || tap_note "$(cat "$out/seed")"

# Services that are replaced, with all other faults.
"$histories" --faults all,replace --seeds 1-20 >"$out/all" 2>&1
tap $? "services are replaced" || tap_note "$(cat "$out/all")"
tap_check "some were" test "$(figure "services replaced")" -gt 0

# The watch over plugins looks at the real clock. On a machine that is busy it logs calls that took long.
for name in once again; do
	"$histories" --seed 7 --verbose 2>&1 | grep -v 'held the daemon up' >"$out/$name"
done
tap_check "a seed replays exactly" cmp "$out/once" "$out/again"
"$histories" --faults bogus >/dev/null 2>&1
tap_check "an unknown fault is refused with status 2" test $? -eq 2
"$histories" --nodes 65 >/dev/null 2>&1
tap_check "65 nodes are refused with status 2" test $? -eq 2
tap_end
