# SPDX-License-Identifier: BSD-3-Clause
# Sourced by scripts that start one daemon at a time: $daemon is its program, $work a folder. The process in $running is
# killed at the end.
# shellcheck shell=bash source=tests/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../tap.sh"

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../../.." && pwd)
# shellcheck disable=SC2034 # for the scripts
build=${abs_top_builddir:-$PWD}
daemon=$build/exec/coterie
[ -x "$daemon" ] || tap_skip "no daemon at $daemon"
work=$(mktemp -d)
running=
# shellcheck disable=SC2317 # the trap calls it
finish() {
	[ -z "$running" ] || kill -KILL "$running" 2>/dev/null
	wait
	rm -rf "$work"
}
trap finish EXIT
chmod 755 "$work"
export COTERIE_PLUGIN_PATH=$build RUNTIME_DIRECTORY=$work/run LC_ALL=C
unset COTERIE_CONFIG COTERIE_INSTANCE STATE_DIRECTORY
