#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Keys of an encrypted ring in the memory of its daemons: core dumps hold none of them, neither those of the key file, nor
# those that are derived from it.
LAB_ENCRYPTION=${LAB_ENCRYPTION:-aes256-gcm}
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/reloads.sh
. "$(dirname "$0")/reloads.sh"

scan() { # NODE: true if core dumps of its daemon have no key. Says how many there are, in core dumps and in all memory.
	"$(lab_program core_scan)" "${LAB_DAEMONS[$1]}" "$LAB_DIR/key" >"$LAB_DIR/said" 2>&1
}
# has KIND: the scan has found it somewhere, so it could have been found in a core dump.
has() { grep -qE "(^| )$1=[0-9]+/[1-9]" "$LAB_DIR/said"; }
check() { # WHEN
	for node in 1 2; do
		scan $node
		tap $? "$1, a core dump of node $node has no key: $(cat "$LAB_DIR/said")"
	done
}

lab_open coterie coterie
lab_start 1 2
tap_check "an encrypted ring" lab_ring 2 1 2 || lab_close
lab_traffic "traffic" 1400 1 2
check "with traffic"
# The scan sees what it looks for: aes256-gcm in the form of libcrypto's code for this processor.
for kind in key root; do
	tap_check "memory that core dumps leave out has it: $kind" has $kind
done
[ "$LAB_ENCRYPTION" != aes256-gcm ] || tap_check "and the keys of sessions" has schedule
lab_stop 1 2
tap $? "they stop"

# --- a key in the config itself, which reloads read again ---
text=$(head -c 256 /dev/urandom | base64 -w 0 | head -c 200)
for node in 1 2; do
	sed -i "s,keyfile: .*,key: $text," "$LAB_DIR/$node/corosync.conf"
done
rm "$LAB_DIR/key"
lab_start 1 2
tap_check "a ring whose key stands in the config" lab_ring 2 1 2
printf '%s\0' "$text" >"$LAB_DIR/key" # for the scan; it counts with its NUL
check "then"
tap_check "and other memory has the text" has key
sed -i 's/debug: off/debug: on/' "$LAB_DIR"/[12]/corosync.conf
tap_check "a reload" reload_ask 1 reload
check "and after a reload"
lab_stop 1 2
tap $? "they stop, too"
lab_close
