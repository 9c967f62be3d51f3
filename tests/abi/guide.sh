#!/bin/bash
# docs/write-a-service.md as its reader follows it: the code on the page becomes files, which build without a
# warning against an installed SDK and pass their own tests.
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
commands=$(sed -n '/^## 1/,/^## 2/s/^    //p' "$guide" | sed "s,/usr/share/doc/coterie/template-service,$template,")
tap_check "the commands of section 1 work" bash -ec "cd '$work'; $commands"
tap_check "and leave a Makefile for the latch" grep -q '^NAME := latch$' "$sdk_copy/Makefile"

# Code: each block names its file; blocks of one file follow each other.
awk -v folder="$sdk_copy" '
	/^```$/ { file = ""; next }
	/^```c / { file = folder "/" $2; next }
	file != "" { print > file }' "$guide"
for file in latch.h latch.c test_latch.c; do
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
# The test on the page tells a wrong latch from a right one.
if [ $sdk_has_kit = yes ]; then
	cp "$guide_dir/../tests/abi/old_latch.c" "$sdk_copy/latch.c"
	tap_check "the latch of before builds" sdk_make -B latch.so
	sdk_make check >"$work/found" 2>&1
	tap_check "it grants without quorum, which the test finds" grep -q 'nobody gets it without quorum' "$work/found"
	tap_check "it stays with a dead node, which the test finds" grep -q 'a dead node holds nothing' "$work/found"
fi
# A page that promises little is read to its end.
tap_check "no code is wider than the page" test -z "$(sed -n '/^```c/,/^```$/p' "$guide" | expand | grep -E '.{125}')"
tap_end
