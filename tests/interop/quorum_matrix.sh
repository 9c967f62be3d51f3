#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# libquorum and the service quorum, ours and Debian's in all pairs; with the provider corosync_votequorum
# and, in the end, with none.
# shellcheck source=tests/interop/matrix.sh
. "$(dirname "$0")/matrix.sh"
matrix_package=libquorum5
matrix_plan="absent + starting live defects paused killed - + stopped - +free free -"
matrix_sections="quorum {
	provider: corosync_votequorum
	expected_votes: 3
}"

matrix_prepare() {
	[ "$2" != free ] || sed -i '/^[[:space:]]*quorum {/,/}/d' "$matrix_work/corosync.conf"
}

matrix_run
