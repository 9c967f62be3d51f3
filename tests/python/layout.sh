#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Structures, numbers and functions of the Python package are those of the C headers: ours, and Debian's if they are here.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/python/common.sh
. "$(dirname "$0")/common.sh"
python_need
command -v "${CXX:-g++}" >/dev/null || tap_skip "no C++ compiler"

layout() { "$PYTHON" "$python_tests/layout.py" "${CXX:-g++}" "$@"; }

tap_check "as in our headers" layout "$python_source/include"
for header in cpg quorum votequorum cmap cfg; do
	[ -e /usr/include/corosync/$header.h ] || {
		tap_note "no Debian headers of $header here"
		tap_end
	}
done
tap_check "as in Debian's headers" layout /usr/include --corosync
tap_end
