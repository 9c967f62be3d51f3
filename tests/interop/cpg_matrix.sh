#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# libcpg and the service cpg, ours and Debian's in all pairs.
# shellcheck source=tests/interop/matrix.sh
. "$(dirname "$0")/matrix.sh"
matrix_package=libcpg4
matrix_run
