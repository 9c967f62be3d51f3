#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# docs/ring-ids.md against the plugins: each service has the number that the page gives it, and no number has two.
. "$(dirname "$0")/../../tap.sh"

top=$(cd "$(dirname "$0")/../../.." && pwd)
build=${abs_top_builddir:-$PWD}
daemon=$build/exec/coterie
page=$top/docs/ring-ids.md
[ -x "$daemon" ] || tap_skip "no daemon at $daemon"
unset COTERIE_PLUGIN_PATH COTERIE_CONFIG

# Rows of the table: "first last service".
rows=$(awk -F'|' '/^\| [0-9]/ { split($2, ids, "-"); gsub(/ /, "", ids[1]); gsub(/ /, "", ids[2]); gsub(/ /, "", $3)
	print ids[1], (ids[2] == "" ? ids[1] : ids[2]), $3 }' "$page")
tap_check "the page has rows" test "$(wc -l <<<"$rows")" -gt 10
tap_check "they have all numbers from 0 to 63, each once and in order" awk '
	$1 != last + 1 || $2 < $1 { exit bad = 1 }
	{ last = $2 }
	BEGIN { last = -1 }
	END { exit bad || last != 63 }' <<<"$rows"

count=0
for file in "$build"/.libs/*.so; do
	name=$(basename "$file" .so)
	line=$("$daemon" --check-plugin "$file" 2>&1)
	[[ $line =~ service\ \'$name\'.*ring\ id\ ([0-9]+) ]] || continue
	count=$((count + 1))
	tap_check "$name has the number of the page, ${BASH_REMATCH[1]}" \
		grep -qx "${BASH_REMATCH[1]} ${BASH_REMATCH[1]} $name" <<<"$rows"
done
[ $count -gt 3 ] || tap_note "$count services in this build"

# Sources that readers copy.
in_source() { # NUMBER FILE
	grep -qE "\.ring_id = $1\b|_RING_ID $1u?\b" "$top/$2"
}
tap_check "the worked example has 37" in_source 37 plugins/lock/lock.c
tap_check "the example in C++ has 47" in_source 47 plugins/example-cpp/motto.cpp
tap_check "the template has 60" in_source 60 plugins/template-service/tally.c
tap_check "the guide has 57" in_source 57 docs/write-a-service.md
tap_check "the template for transports has 61 in its test" in_source 61 plugins/template-transport/test_unixgram.c
tap_check "the test kit has 62" in_source 62 testkit/foreign.c
stale=$(grep -rnE "(between|from) 32 (and|to|\.\.) ?(62|63)" "$top/docs" "$top/plugins" "$top/include" --include='*.md' \
	--include='*.[ch]' | grep -v ring-ids.md)
tap_check "no other page says which numbers are free" test -z "$stale" || tap_note "$stale"
tap_end
