#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# libsam, with libquorum and libcmap behind it, ours and Debian's in all pairs.
# shellcheck source=tests/interop/matrix.sh
. "$(dirname "$0")/matrix.sh"
matrix_package=libsam4
matrix_once=supervision
matrix_plan="absent supervision + calls keys quorum - + killed - + gone -"
matrix_sections="quorum {
	provider: corosync_votequorum
	expected_votes: 1
}"
matrix_run
