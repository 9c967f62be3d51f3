#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The two services that coterie-ctl does not unload in the ring of plugin_life.sh. control, which handles the command,
# is loaded and unloaded by the config file, and votequorum if it is not the provider. As there, no other service is
# affected.
# shellcheck disable=SC2034,SC2317 # LAB_TOTEM is read by lab.sh; functions are called through traffic
LAB_TOTEM="}
		service {
			name: tally"
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/life_lab.sh
. "$(dirname "$0")/life_lab.sh"

lab_open coterie coterie coterie

# A service of the standard set goes with `enabled = no`, and comes back without it.
files() {
	lab_in 3 env COTERIE_PLUGIN_PATH="${LAB_PLUGINS[3]}" "$LAB_BUILD/exec/coterie" --print-config=coterie \
		-c "$LAB_DIR/3/corosync.conf" >"$LAB_DIR/3/native" || return
	{
		cat "$LAB_DIR/3/native"
		echo 'service control { enabled = no }'
	} >"$LAB_DIR/3/without"
	cp "$LAB_DIR/3/native" "$LAB_DIR/3/with"
	cp "$LAB_DIR/3/with" "$LAB_DIR/3/coterie.conf"
}

is_there() { ctl 3 plugin list && says '^control .*active'; }
is_gone() { ctl 3 plugin list && ! says '^control'; }
# follow_file FILE OUTCOME: node 3 reads that one, since node 1 asks all to read theirs again.
follow_file() {
	cp "$LAB_DIR/3/$1" "$LAB_DIR/3/coterie.conf"
	ctl 1 reload && LAB_PATIENCE=10 lab_await "$2"
}
follow_files() {
	local i

	for ((i = 0; i < count; i++)); do
		follow_file without is_gone && follow_file with is_there || return
		renew 3 control && ctl 3 plugin replace control || return
	done
}

folders
LAB_FILES[3]=coterie.conf
tap_check "files with and without control" files
lab_start 1 2 3
tap_check "a ring of three" lab_ring 3 1 2 3 || lab_close
before=$(memberships)
tap_check "once, to warm up" come_and_go evs
unnoticed follow_files control
tap_check "by its own hands it does not go" refused 7 3 plugin unload control
unnoticed go_and_come votequorum
tap_check "the membership has not changed" test "$(memberships)" = "$before"
tap_check "nothing leaked" bash -c "! grep -h Leak '$LAB_DIR'/[123]/log"
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
