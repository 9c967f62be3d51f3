#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# libcmap and the service cmap, ours and Debian's in all pairs.
# shellcheck source=tests/interop/matrix.sh
. "$(dirname "$0")/matrix.sh"
matrix_package=libcmap4
matrix_plan="absent + starting live values track stats keys defects - + paused - + killed - + stopped -"
matrix_run
