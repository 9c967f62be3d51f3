# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What tests of the Python package share: source it after tap.sh or lab.sh.
#
#	python_need            skips the script where no Python is new enough
#	$PYTHON                the interpreter: that of the system, unless PYTHON names another
#	python_tap NAME COMMAND...  runs a command that prints TAP, and adds its results under NAME

python_source=${abs_top_srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
python_tests=$python_source/tests/python
# shellcheck disable=SC2034 # of instance.sh
python_build=${abs_top_builddir:-$python_source/build}
PYTHON=${PYTHON:-$(PATH=/usr/bin:$PATH command -v python3)}
export PYTHON PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$python_source/bindings/python:$python_tests

python_need() {
	"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || tap_skip "no Python 3.11 or newer"
}

python_tap() {
	local name=$1 output line count=0

	shift
	output=$("$@" 2>&1)
	while IFS= read -r line; do
		case $line in
		"ok "*) tap 0 "$name: ${line#* - }" && count=$((count + 1)) ;;
		"not ok "*) tap 1 "$name: ${line#* - }" || count=$((count + 1)) ;;
		1..*) [ "${line#1..}" -eq "$count" ] && [ "$count" -gt 0 ] && count=whole ;;
		*) tap_note "$line" ;;
		esac
	done <<<"$output"
	[ "$count" = whole ]
	tap $? "$name: all tests have run"
}
