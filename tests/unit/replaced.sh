#!/bin/bash
# The tests of the services once more, with a new instance of the service taking over before whatever happens to a
# node: nobody may see a difference, but for timers, which begin anew, and where thousands of replacements of
# thousands of things take too long.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
build=${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}
declare -A spared=(
	[cpg]="buffers_of_a_client_are_bounded_and_end_with_it"
	[cpg_compact]="figures_say_so processes_beyond_the_last_handle_do_without
		a_leave_waits_for_what_is_sent_again"
	[cmap]="clients_together_cannot_fill_the_memory what_a_client_may_keep_open_is_bounded_and_ends_with_it"
	[votequorum]="last_man_standing_waits_for_its_window a_barrier_is_stored_once_a_second
		a_device_never_goes_without_its_node"
)
for test in cpg cpg_compact cmap cmap_version quorum votequorum votequorum_device; do
	[ -x "$build/tests/unit/test_$test" ] || {
		tap_note "test_$test is not built"
		continue
	}
	said=$(cd "$build" && SERVICE_REPLACED=1 CK_DEFAULT_TIMEOUT=20 "tests/unit/test_$test" 2>&1)
	for name in ${spared[$test]}; do
		said=$(grep -v "^not ok .*:$name:" <<<"$said")
	done
	grep '^not ok' <<<"$said" | while read -r line; do
		tap_note "$line"
	done
	tap_check "test_$test, its service replaced at every step" bash -c "! grep -q '^not ok' && true" <<<"$said"
done
tap_end
