#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# libcorosync_common, ours and Debian's: every error as text, every errno and every error of handles as an error. No daemon
# has a part in it.
# shellcheck source=tests/interop/matrix.sh
. "$(dirname "$0")/matrix.sh"
# shellcheck disable=SC2034 # matrix.sh reads them
matrix_package=libcorosync-common4 matrix_plan=calls
matrix_run
