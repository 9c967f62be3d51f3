#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Follows docs/write-a-service.md as its reader does. The code on the page becomes files. These build without
# a warning against an installed SDK, and pass their own tests.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/abi/sdk.sh
. "$(dirname "$0")/sdk.sh"
guide_dir=$(cd "$(dirname "$0")/../.." && pwd)/docs
guide=$guide_dir/write-a-service.md

sdk_open
trap 'rm -rf "$work"' EXIT
sdk_install

# Its shell commands, in the place of their paths: section 1.
template=$(find "$root" -type d -name template-service)
sdk_copy=$work/latch
commands=$(sed -n '/^## 1/,/^## 2/s/^    //p' "$guide" | sed 's,\${PREFIX:-/usr}/share/doc/coterie/template-service,'"$template,")
tap_check "the commands of section 1 work" bash -ec "cd '$work'; $commands"
tap_check "and leave a Makefile for the latch" grep -q '^NAME := latch$' "$sdk_copy/Makefile"

# Code: each block names its file; blocks of one file follow each other.
awk -v folder="$sdk_copy" '
	/^```$/ { file = ""; next }
	/^```c / { file = folder "/" $2; next }
	file != "" { print > file }' "$guide"
for file in latch.h latch.c test_latch.c latchctl.c; do
	tap_check "the page has $file" test -s "$sdk_copy/$file"
done
[ -x "$build/exec/coterie" ] || {
	tap_note "no daemon in this build"
	tap_end
}
tap_check "latch.so builds without a warning" sdk_make latch.so
tap_check "it exports its descriptor and nothing else" \
	test "$(nm -D --defined-only "$sdk_copy/latch.so" | awk '{ print $3 }')" = latch_LTX_coterie_plugin
sdk_check
if [ -n "${LATCH_SEEDS:-}" ] && [ $sdk_has_kit = yes ]; then
	tap_check "no seed of $LATCH_SEEDS finds two grants or a stuck latch" \
		env LD_LIBRARY_PATH="$(dirname "$(find "$root" -name 'libcoterie-testkit.so.0')")" \
		"$sdk_copy/test_latch" "$sdk_copy/latch.so" 1 "$LATCH_SEEDS"
fi
# --- its client, and its cluster of three ---

sdk_needs libqb
tap_check "latchctl builds without a warning" sdk_make latchctl || tap_end
tap_check "and has at most 35 lines" test "$(wc -l <"$sdk_copy/latchctl.c")" -le 35
port=$((15405 + $$ % 1000))
sed -n '/^    cluster {/,/^    log {/s/^    //p' "$guide" |
	sed -e "s,15405,$port," -e "s,/tmp/try,$work/try," -e "s,127\.0\.0\.,127.0.$((1 + $$ % 250)).," >"$work/try.conf"
tap_check "the page has a config file of three nodes" test "$(grep -c '^node n[123] ' "$work/try.conf")" = 3
program=$(find "$root" -path '*/sbin/coterie')
libraries=$(dirname "$(find "$root" -name 'libcoterie-client.so.0')")
export RUNTIME_DIRECTORY=$work/run
mkdir -p "$work/run" "$work/try"
declare -A daemon
finish() {
	[ ${#daemon[@]} -eq 0 ] || kill -KILL "${daemon[@]}" 2>/dev/null
	wait
	rm -rf "$work"
}
trap finish EXIT
# on NODE COMMAND...: under the latch, asked for at that node
on() {
	local node=$1

	shift
	COTERIE_INSTANCE=$node$$ LD_LIBRARY_PATH=$libraries:$build/.libs timeout 60 "$sdk_copy/latchctl" "$@" 2>&1
}
for node in n1 n2 n3; do
	mkdir -p "$work/try/$node$$"
	COTERIE_PLUGIN_PATH=$sdk_copy:$build "$program" -f --instance $node$$ --node $node -c "$work/try.conf" \
		>"$work/$node.log" 2>&1 &
	daemon[$node]=$!
done
joined() {
	local _

	for _ in $(seq 300); do
		grep -q 'Members\[3\]: 1 2 3' "$work/n1.log" && return
		sleep 0.1
	done
	return 1
}
tap_check "three daemons form a ring" joined || tap_note "$(tail -n 5 "$work/n1.log")"
tap_check "a client has the latch" test "$(on n1 echo held)" = held || tap_note "$(on n1 echo held)"
echo 0 >"$work/number"
waiting=()
for node in n1 n2 n3; do
	for _ in $(seq 10); do
		# shellcheck disable=SC2016 # expanded under the latch
		on $node sh -c 'read -r n <"$0"; sleep 0.02; echo $((n + 1)) >"$0"' "$work/number"
	done >"$work/$node.out" &
	waiting+=($!)
done
wait "${waiting[@]}"
tap_check "30 increments under the latch, of three nodes, are 30" test "$(cat "$work/number")" = 30 ||
	tap_note "$(cat "$work/number" "$work"/n?.out)"
# shellcheck disable=SC2016
on n1 sh -c 'touch "$0"; sleep 8' "$work/held" &
for _ in $(seq 100); do
	[ ! -e "$work/held" ] || break
	sleep 0.1
done
kill -KILL "${daemon[n1]}"
# A ring that changes answers "try again", for which latchctl waits 5 s.
after_the_crash() { [ "$(on n2 echo held)" = held ] || [ "$(on n2 echo held)" = held ]; }
tap_check "another node has it after the holder's daemon was killed" after_the_crash

# The test on the page tells a wrong latch from a right one.
if [ $sdk_has_kit = yes ]; then
	# planted SEED EDIT: the results of the test are in $work/found. The seed finds it.
	cp "$sdk_copy/latch.c" "$work/latch.c"
	planted() {
		sed "$2" "$work/latch.c" >"$sdk_copy/latch.c"
		! cmp -s "$work/latch.c" "$sdk_copy/latch.c" && sdk_make latch.so || return
		sdk_make check "SEEDS=$1" >"$work/found" 2>&1
		true
	}
	tap_check "a latch that confirms without quorum builds" planted 12 '/LATCH_MINE, sizeof/s/ | COTERIE_NEEDS_QUORUM//'
	tap_check "it is found" grep -q 'a holder has the newest grant' "$work/found"
	tap_check "a latch that forgets what nodes that have left may have done builds" \
		planted 6 '/place->ring.seq == latch->quorate/s/return .*/return latch == NULL;/'
	tap_check "it is found" grep -q 'an older grant does not count after a newer one' "$work/found"
	tap_check "a latch that notes messages without quorum as grants builds" \
		planted 1 's/^\tif (error == CS_OK)$/\tif (error == CS_OK || !place.is_quorate)/'
	tap_check "it is found" grep -q 'a holder that was not cut off keeps it' "$work/found"
	cp "$guide_dir/../tests/abi/old_latch.c" "$sdk_copy/latch.c"
	tap_check "the latch of before builds" sdk_make -B latch.so
	sdk_make check SEEDS=1 >"$work/found" 2>&1
	tap_check "it grants without quorum, which the test finds" grep -q 'nobody gets it without quorum' "$work/found"
	tap_check "it stays with a dead node, which the test finds" grep -q 'a dead node holds nothing' "$work/found"
fi
# A page that promises little is read to its end.
tap_check "no code is wider than the page" test -z "$(sed -n '/^```c/,/^```$/p' "$guide" | expand | grep -E '.{125}')"
tap_end
