#!/bin/bash
# The tests of the services once more, with a new instance of the service taking over before whatever happens to a
# node: nobody may see a difference, but for timers, which begin anew, and where thousands of replacements of
# thousands of things take too long: those tests return at once (service_is_replaced).
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
build=${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}
for test in cpg cpg_compact cmap cmap_version quorum votequorum votequorum_device votequorum_extra; do
	[ -x "$build/tests/unit/test_$test" ] || {
		tap_note "test_$test is not built"
		continue
	}
	said=$(cd "$build" && SERVICE_REPLACED=1 CK_DEFAULT_TIMEOUT=60 "tests/unit/test_$test" 2>&1)
	grep '^not ok' <<<"$said" | while read -r line; do
		tap_note "$line"
	done
	tap_check "test_$test, its service replaced at every step" bash -c "! grep -q '^not ok' && true" <<<"$said"
done
tap_end
