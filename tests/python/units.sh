#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The Python package without a daemon.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/python/common.sh
. "$(dirname "$0")/common.sh"
python_need
python_tap package "$PYTHON" "$python_tests/run.py" units
tap_end
