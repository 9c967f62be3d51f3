#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# libevs and the service evs. Corosync 3 has neither, so the transcript is compared with the one that is kept.
# shellcheck source=tests/interop/matrix.sh
. "$(dirname "$0")/matrix.sh"
# shellcheck disable=SC2034 # matrix.sh reads it
matrix_plan="absent +without without - + starting live limits paused - + killed - + stopped -"

[ -e "$matrix_build/evs.la" ] || tap_skip "the plugin evs is not built"

# Without: every plugin that was built but this one.
matrix_prepare() {
	matrix_plugins=$matrix_build
	[ "$2" = without ] || return 0
	matrix_plugins=$matrix_work/plugins
	mkdir "$matrix_plugins"
	ln -s "$matrix_build"/.libs/*.so "$matrix_plugins"
	rm "$matrix_plugins/evs.so"
}

matrix_run_alone
