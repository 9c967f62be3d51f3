#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A client takes 3,000 zero-copy buffers, with our library and with Debian's: it has 2,048 of them, and no file of the
# others stays in /dev/shm. A daemon with few descriptors gives fewer.
. "$(dirname "$0")/lab.sh"

buffers=$(lab_program cpg_buffers)

files() { find /dev/shm -name 'corosync_zerocopy-*' | wc -l; }
has_no_file() { [ "$(files)" -eq 0 ]; }

# play NAME USABLE: so many of the buffers can be sent from.
play() {
	lab_in 1 "$buffers" >"$LAB_DIR/buffers" 2>&1
	tap $? "$1"
	tap_note "$(cat "$LAB_DIR/buffers"); files left: $(files)"
	tap_check "$1: $2 can be used" grep -q "usable=$2\$" "$LAB_DIR/buffers"
	tap_check "$1: no file is left" has_no_file
}

[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 10000 ] || tap_skip "fewer than 10,000 descriptors"
ulimit -Sn 1024 # the daemon raises it by itself
lab_open coterie
lab_start 1
tap_check "one ring" lab_ring 1 1
play "our library" 2048
! command -v corosync >/dev/null || LAB_CLIENT=corosync play "Debian's library" 2048
lab_stop 1
ulimit -Hn 1024
lab_start 1
tap_check "one ring again" lab_ring 1 1
play "a daemon with 1024 descriptors" 256
lab_stop 1
tap $? "the daemon stops with status 0"
lab_close
