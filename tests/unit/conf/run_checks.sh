#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# conf/run-checks: which failures of a run count, with a make that makes nothing.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../../tap.sh"
source=${abs_top_srcdir:-$(cd "$(dirname "$0")/../../.." && pwd)}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# The results of the only test: PLAY is a word for each time that it runs.
cat >fake-make <<'END'
#!/bin/bash
echo "${*@Q}" >>asked
for word in "$@"; do
	case $word in
	BUILD=*) folder=${word#BUILD=} ;;
	-* | *=*) ;;
	*) goal=$word ;;
	esac
done
case $goal in
check-$FAILING | check-again)
	[ "$folder" = "$FOLDER" ] || exit 0
	echo "$goal" >>ran
	read -r -a plays <<<"$PLAY"
	result=${plays[$(($(wc -l <ran) - 1))]}
	[ "$result" != BROKEN ] || exit 2
	mkdir -p "$folder/tests"
	printf '%s: tests/late.sh 1\n' "$result" >"$folder/tests/late.log"
	printf ':test-result: %s\n' "$result" >"$folder/tests/late.trs"
	[ "$result" != FAIL ] || exit 2
	;;
esac
END
chmod +x fake-make

# play FOLDER GOAL RESULT...: what run-checks prints goes to said. @return its status
play() {
	rm -rf build build-asan ran asked
	mkdir build build-asan
	env CI="${CI_IS:-}" MAKE=./fake-make JOBS=2 CONFIGURE_FLAGS='' FOLDER="$1" FAILING="$2" PLAY="${*:3}" \
		"$source/conf/run-checks" build build-asan >said 2>&1
}
last() { tail -n 1 said; }

for place in "build lab" "build waiting" "build other" "build-asan sanitized-lab" "build-asan sanitized-other"; do
	# shellcheck disable=SC2086 # two words
	play $place PASS
	tap $? "$place: a test passes" || tap_note "$(cat said)"
	# shellcheck disable=SC2086
	play $place FAIL PASS
	tap $? "$place: a test that passes alone has passed" || tap_note "$(cat said)"
	tap_check "and is counted once" test "$(last)" = "1 passed, 0 failed, 0 skipped"
	tap_check "its failure beside the others is printed" grep -q '^failed: .*tests/late' said
	# shellcheck disable=SC2086
	play $place FAIL FAIL
	tap $((! $?)) "$place: a test that fails twice has failed" || tap_note "$(cat said)"
	tap_check "and is counted" test "$(last)" = "0 passed, 1 failed, 0 skipped"
	# shellcheck disable=SC2086
	play $place BROKEN
	tap $((! $?)) "$place: a command fails" || tap_note "$(cat said)"
	tap_check "which is told" grep -q '^failed: .*no single test is to blame' said
done

# In CI nothing may be skipped, and test programs are built for speed, those with sanitizers with their own CFLAGS.
tap_check "a test may be skipped" play build other SKIP
CI_IS=true play build other SKIP
tap $((! $?)) "but not in CI"
tap_check "CFLAGS in CI" grep -q "'BUILD=build' .* 'check-programs' 'CFLAGS=-g1 -O1'" asked
tap_check "not with sanitizers" test -z "$(grep "'BUILD=build-asan' .*CFLAGS=-g1" asked)"
tap_end
