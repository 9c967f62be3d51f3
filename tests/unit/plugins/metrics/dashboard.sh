#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The page of the plugin metrics: its function that tells an idle ring from a slow one, run where node.js is installed.
. "$(dirname "$0")/../../../tap.sh"

page=${abs_top_srcdir:-$PWD}/plugins/metrics/dashboard.html
[ -e "$page" ] || tap_skip "no $page"

# Without an icon of its own a browser asks for /favicon.ico, which is not there.
tap_check "the page declares that it has no icon" grep -q '<link rel="icon" href="data:,">' "$page"

# turn HOLD-MS TURNS BEFORE WANT: sums and bounds are in microseconds; bucket counts include those of smaller buckets.
turn() {
	{
		sed -n '/^function rotationOf/,/^}/p' "$page"
		echo "const turn = rotationOf($2, $3, $1);"
		echo 'console.log(turn.isIdle ? "idle" : turn.us === null ? "none" : String(Math.round(turn.us)));'
	} | node - | diff <(echo "$4") -
}
none='{count: 0, sum: 0, buckets: []}'
buckets() { echo "[{le: 1024, count: $1}, {le: 262144, count: $2}, {le: 524288, count: $3}, {le: \"+Inf\", count: $3}]"; }
# members WANT MEMBERS: the ids that the page shows.
members() {
	{
		sed -n '/^function withoutRemoved/,/^}/p' "$page"
		echo "console.log(withoutRemoved($2).map(member => member.id).join(' '));"
	} | node - | diff <(echo "$1") -
}
here='state: "joined", addresses: ["10.0.0.1"]'
if command -v node >/dev/null; then
	tap_check "a node that has left is shown" members "1 2" "[{id: 1, $here}, {id: 2, state: \"left\", addresses: [\"10.0.0.2\"]}]"
	tap_check "a node that was removed is not" members "1" "[{id: 1, $here}, {id: 3, state: \"left\", name: \"\"}]"
	tap_check "without a node list each is shown" members "1 2" '[{id: 1, state: "joined"}, {id: 2, state: "left"}]'
	tap_check "an idle ring" turn 304 "{count: 10, sum: 3040000, buckets: $(buckets 0 0 10)}" "$none" idle
	tap_check "a busy ring" turn 304 "{count: 1000, sum: 200000, buckets: $(buckets 1000 1000 1000)}" "$none" 200
	tap_check "a message now and then" turn 304 "{count: 40, sum: 3046000, buckets: $(buckets 30 30 40)}" "$none" idle
	tap_check "busy, with a pause" turn 304 "{count: 10001, sum: 2304000, buckets: $(buckets 10000 10000 10001)}" "$none" 200
	tap_check "a long way, and no pause" turn 304 "{count: 10, sum: 1500000, buckets: $(buckets 0 10 10)}" "$none" 150000
	tap_check "busy since an idle time" turn 304 "{count: 1010, sum: 3240000, buckets: $(buckets 1000 1000 1010)}" \
		"{count: 10, sum: 3040000, buckets: $(buckets 0 0 10)}" 200
	tap_check "no rotation" turn 304 "$none" "$none" none
	tap_check "no hold time is known" turn 0 "{count: 10, sum: 3040000, buckets: $(buckets 0 0 10)}" "$none" 304000
fi
tap_end
