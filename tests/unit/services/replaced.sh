#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs the tests of the services once more: all programs that have service_ring.c. A new instance of the service takes
# over before each event of a node, which must make no difference. Only timers start again. Tests in which thousands of
# replacements would take too long return at once (service_is_replaced), and programs of nothing else are left out.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../../tap.sh"
build=${abs_top_builddir:-$(cd "$(dirname "$0")/../../../build" && pwd)}
cd "$build" || exit
large=" test_cmap_late test_cmap_shares test_cpg_limits test_cpg_settle "

# replaced PROGRAM: all its tests pass
replaced() {
	local said status

	said=$(SERVICE_REPLACED=1 CK_DEFAULT_TIMEOUT=60 "$1" 2>&1)
	status=$?
	[ "$status" -eq 0 ] && grep -q '^ok' <<<"$said" && ! grep -q '^not ok' <<<"$said" && return
	tap_note "status $status"
	grep '^not ok' <<<"$said" | while read -r line; do
		tap_note "$line"
	done
	return 1
}

count=0
for program in $(find tests/unit -path '*/.libs' -prune -o -type f -name 'test_*' -perm -u+x -print | sort); do
	grep -q SERVICE_REPLACED "$program" && [[ $large != *" ${program##*/} "* ]] || continue
	count=$((count + 1))
	tap_check "${program##*/}, its service replaced at every step" replaced "$program"
done
tap_check "programs of the services were found: $count" test "$count" -ge 12
tap_end
