#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The optional services in a ring with a node of Debian's: mon and wd, with a pipe for a watchdog, and pload,
# which survives the load that ends Debian's daemon.
# shellcheck disable=SC2034 # read by lab.sh
# The section totem ends here; the brace that follows in the file ends resources.
LAB_TOTEM="}
		service {
			name: pload
		}
		resources {
			watchdog_timeout: 2"
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"

# Debian's tool with Debian's library: it does not run with one that has sanitizers.
set_key() { LAB_CLIENT=corosync lab_in 1 corosync-cmapctl -s "$1" str "$2"; }
get_key() { LAB_CLIENT=corosync lab_in 1 corosync-cmapctl -g "$1" 2>/dev/null | sed 's/.* = //'; }

has_logged() { grep -q "$1" "$LAB_DIR/1/log"; }
is_fed() { [ "$(wc -c <"$LAB_DIR/fed")" -gt "$1" ]; }
key_is() { [ "$(get_key "$1")" = "$2" ]; }
has_result() { get_key pload.result | grep -q '^5000 messages of 1000 bytes in '; }

command -v corosync-cmapctl >/dev/null || tap_skip "no corosync-cmapctl"
lab_open coterie corosync
lab_start 1 2
tap_check "a ring of two" lab_ring 2 1 2 || lab_close

tap_check "mon has its keys" key_is resources.system.memory_used.state stopped
tap_check "without a device wd says so" has_logged 'Watchdog not enabled by configuration'
mkfifo "$LAB_DIR/watchdog"
[ -z "${LAB_USER:-}" ] || chown "$LAB_USER" "$LAB_DIR/watchdog"
cat "$LAB_DIR/watchdog" >"$LAB_DIR/fed" &
reader=$!
tap_check "wd takes a device while it runs" set_key resources.watchdog_device "$LAB_DIR/watchdog"
tap_check "and feeds it" lab_await is_fed 2
tap_check "memory is watched" set_key resources.system.memory_used.max 100
tap_check "and is enough" key_is resources.system.memory_used.state running
set_key resources.system.memory_used.recovery watchdog
set_key resources.system.memory_used.max ' -1'
tap_check "too much is in use" key_is resources.system.memory_used.state failed
tap_check "so the watchdog is not fed" lab_await has_logged 'is NOT fed any more'
set_key resources.system.memory_used.max 100
tap_check "until there is enough" lab_await has_logged 'fed again'

set_key pload.count 5000
set_key pload.size 1000
set_key pload.start yes
tap_check "no load where a node would die of it" has_logged 'a node of the ring is not of this project'
lab_in 2 corosync-cmapctl -s pload.count u32 10 2>/dev/null
lab_in 2 corosync-cmapctl -s pload.start str \
	i_totally_understand_pload_will_crash_my_cluster_and_kill_corosync_on_exit
timeout 15 tail --pid="${LAB_DAEMONS[2]}" -f /dev/null
wait "${LAB_DAEMONS[2]}"
tap_note "Debian's daemon has ended with status $?"
tap_check "ours lives" lab_alive 1
tap_check "a ring of one" lab_ring 1 1
set_key pload.start yes
tap_check "a load of ours, alone" lab_await has_result
tap_note "$(get_key pload.result)"
tap_check "it can be asked for again" key_is pload.start no

lab_stop 1 # not in tap_check, whose shell has no such child
tap $? "a clean stop"
is_told() { [ "$(tail -c 1 "$LAB_DIR/fed")" = V ]; } # as soon as the reader gets a turn
tap_check "of which the device is told" lab_await is_told
kill "$reader" 2>/dev/null
lab_close
