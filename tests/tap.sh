# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Test Anything Protocol for shell tests: source it, call check or pass and fail, end with tap_end.
tap_count=0
tap_failed=0

# tap_skip REASON: the whole script cannot run here.
tap_skip() {
	echo "1..0 # SKIP $*"
	exit 0
}

# tap STATUS NAME: one result; status 0 is a pass. Returns the status.
tap() {
	local status=$1

	shift
	tap_count=$((tap_count + 1))
	if [ "$status" -eq 0 ]; then
		echo "ok $tap_count - $*"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_count - $*"
	fi
	return "$status"
}

# tap_check NAME COMMAND...: runs the command, whose output becomes comments when it fails.
tap_check() {
	local name=$1 output status

	shift
	output=$("$@" 2>&1)
	status=$?
	tap $status "$name" || tap_note "$output"
	return $status
}

# Run the rest of the script in a session of its own, which the scheduler gives less time than all others.
# For work that keeps the processor busy while tests with real daemons run.
tap_behind() {
	if [ -n "${TAP_BEHIND:-}" ]; then
		{ echo 19 >/proc/self/autogroup; } 2>/dev/null
		renice -n 19 $$ >/dev/null
		return
	fi
	TAP_BEHIND=1 setsid bash "$0" "$@" &
	# shellcheck disable=SC2064 # the process of now
	trap "kill -TERM -- -$! 2>/dev/null" EXIT
	wait $!
	exit
}

# tap_without NAME REASON: one result that cannot be had here.
tap_without() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

tap_note() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

tap_end() {
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ]
	exit
}
