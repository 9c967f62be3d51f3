#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# libvotequorum and the service votequorum, ours and Debian's in all pairs: one node that expects three votes,
# one with a quorum device, one whose device is forbidden, one without votes.
# shellcheck source=tests/interop/matrix.sh
. "$(dirname "$0")/matrix.sh"
matrix_package=libvotequorum8
matrix_plan="absent + starting live defects paused killed - +device device forbidden stopped - +free free -"
matrix_sections="quorum {
	provider: corosync_votequorum
	expected_votes: 3
}"

matrix_prepare() {
	case $2 in
	device)
		sed -i 's/expected_votes: 3/device {\nmodel: net\nvotes: 2\ntimeout: 1500\n}/' \
			"$matrix_work/corosync.conf"
		;;
	free) sed -i '/^[[:space:]]*quorum {/,/}/d' "$matrix_work/corosync.conf" ;;
	esac
}

matrix_run
