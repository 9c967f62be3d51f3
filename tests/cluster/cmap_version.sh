#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A node whose configuration is older than that of the others leaves when it first meets them, with our
# daemon and with Debian's. A running cluster is not affected.
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"

command -v corosync-cmapctl >/dev/null || tap_skip "no corosync-cmapctl"
lab_open coterie corosync coterie

# version NODE NUMBER: what its configuration file says from now on.
version() {
	sed -i '/config_version/d; s/^\(\s*\)version: 2/&\n\1config_version: '"$2"'/' \
		"$LAB_DIR/$1/corosync.conf"
}

# told NODE OTHER VERSION: NODE knows the other's version, or learns it soon.
told() { lab_await has_version "$@"; }
has_version() {
	lab_in "$1" corosync-cmapctl -g "runtime.members.$2.config_version" 2>/dev/null |
		grep -qx "runtime.members.$2.config_version (u64) = $3"
}

# left NODE HIS OWN: the daemon has ended by itself, with status 0, and said why. Not for a subshell: waits.
left() {
	timeout "$LAB_PATIENCE" tail --pid="${LAB_DAEMONS[$1]}" -f /dev/null || return
	wait "${LAB_DAEMONS[$1]}" || return
	grep -Fq "Received config version ($2) is different than my config version ($3)! Exiting" \
		"$LAB_DIR/$1/log"
}

forget_logs() {
	local node

	for node in 1 2 3; do
		: >"$LAB_DIR/$node/log"
	done
}

version 1 5
version 2 5
lab_start 1 2
tap_check "two of one version" lab_ring 2 1 2 || {
	lab_close
	exit
}

version 3 4
lab_start 3
left 3 5 4
tap $? "ours, older, leaves"
tap_check "the others stay" lab_alive 1 2
tap_check "and agree again" lab_ring 2 1 2
tap_check "ours knows the older version" told 1 3 4
tap_check "Debian's too" told 2 3 4

version 3 7
lab_start 3
tap_check "ours, newer, is welcome" lab_ring 3 1 2 3
tap_check "ours knows the newer version" told 1 3 7
tap_check "Debian's too" told 2 3 7
tap_check "it knows theirs" told 3 2 5
tap_check "all stay" lab_alive 1 2 3

lab_in 1 corosync-cmapctl -s totem.config_version u64 9 >/dev/null
tap_check "a change is told to ours" told 3 1 9
tap_check "and to Debian's" told 2 1 9
lab_stop 2
forget_logs
version 2 6
# Debian's checks at its second ring: the first is one of its own.
lab_cut 2
lab_start 2
tap_check "Debian's alone" lab_ring 1 2
lab_heal 2
left 2 9 6
tap $? "Debian's, older, leaves"
tap_check "ours stay" lab_alive 1 3

lab_stop 1 3
version 1 8
version 2 9
lab_start 1
tap_check "ours alone" lab_ring 1 1
lab_start 2
left 1 9 8
tap $? "ours leaves for a newer one"
tap_check "which stays" lab_alive 2
tap_check "alone" lab_ring 1 2
lab_close
