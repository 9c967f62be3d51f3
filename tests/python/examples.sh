#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The examples of docs/python.md print what it says, and have no errors of types.
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
python_tap docs/python.md "$PYTHON" "$python_tests/examples.py" "$python_source/docs/python.md"
if command -v mypy >/dev/null; then
	mkdir "$instance_work/examples"
	awk -v folder="$instance_work/examples" '/^```python$/ { file = folder "/example" ++count ".py"; next }
		/^```$/ { file = "" } file { print >file }' "$python_source/docs/python.md"
	tap_check "their types are right" env MYPYPATH="$python_source/bindings/python" MYPY_CACHE_DIR="$instance_work/cache" \
		mypy --strict --no-error-summary "$instance_work"/examples/*.py
fi
tap_end
