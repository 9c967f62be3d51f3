#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs the tests of the services once more. A new instance of the service takes over before each event of a node,
# which must make no difference. Only timers start again. Tests in which thousands of replacements would take too
# long return at once (service_is_replaced).
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../../tap.sh"
build=${abs_top_builddir:-$(cd "$(dirname "$0")/../../../build" && pwd)}
for test in cpg cpg_compact cmap cmap_version quorum votequorum votequorum_device votequorum_extra; do
	[ -x "$build/tests/unit/services/${test%%_*}/test_$test" ] || {
		tap_note "test_$test is not built"
		continue
	}
	said=$(cd "$build" && SERVICE_REPLACED=1 CK_DEFAULT_TIMEOUT=60 "tests/unit/services/${test%%_*}/test_$test" 2>&1)
	grep '^not ok' <<<"$said" | while read -r line; do
		tap_note "$line"
	done
	tap_check "test_$test, its service replaced at every step" bash -c "! grep -q '^not ok' && true" <<<"$said"
done
tap_end
