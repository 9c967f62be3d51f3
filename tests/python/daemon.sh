#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The Python package against a daemon of ours that this user runs, with our libraries.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/python/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/python/instance.sh
. "$(dirname "$0")/instance.sh"
python_need
instance_start || {
	tap 1 "a daemon starts"
	tap_end
}
python_tap services "$PYTHON" "$python_tests/run.py" services table
tap_end
