#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Each mutant of the list can be made of the code as it is now: its old text is there, once.
cd "$(dirname "$0")/../.." || exit 1
exec python3 tests/mutants/run.py check tests/mutants/list
