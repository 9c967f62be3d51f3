#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Keys of an encrypted ring in the memory and the logs of its daemons. Core dumps hold none of them, neither those of the
# key file nor those that are derived from it. The same is true of keys that a reload has replaced. Logs hold no key at any
# level.
# ENCRYPTIONS: what is played, one after the other.
ENCRYPTIONS=${ENCRYPTIONS:-aes256-gcm chacha20-poly1305}
LAB_ENCRYPTION=${ENCRYPTIONS%% *}
# shellcheck disable=SC2034 # read by lab.sh
LAB_DEBUG=on
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/reloads.sh
. "$(dirname "$0")/reloads.sh"

scan() { # NODE: true if core dumps of its daemon have no key. Says how many there are, in core dumps and in all memory.
	"$(lab_program core_scan)" "${LAB_DAEMONS[$1]}" "$LAB_DIR"/scan.* >"$LAB_DIR/said" 2>&1
}
# has KIND: the scan has found it somewhere, so it could have been found in a core dump.
has() { grep -qE "(^| )$1=[0-9]+/[1-9]" "$LAB_DIR/said"; }
# Print each run of 16 characters of the key files as they are, if they are texts, in hexadecimal and in base64.
runs() {
	local file form i

	for file in "$LAB_DIR"/scan.*; do
		for form in "$(LC_ALL=C tr -dc '!-~' <"$file")" "$(od -An -v -tx1 "$file" | tr -d ' \n')" "$(base64 -w 0 "$file")"; do
			[ "${#form}" -ge $(($(wc -c <"$file") - 1)) ] || form= # not a text
			for ((i = 0; i + 16 <= ${#form}; i++)); do
				echo "${form:i:16}"
			done
		done
	done
}
# logs_have FILE: true if a log of a daemon has one of its lines.
logs_have() { cat "$LAB_DIR"/[12]/{log,out} 2>/dev/null | grep -aqiF -f "$1"; }
check() { # WHEN
	for node in 1 2; do
		scan $node
		tap $? "$1, a core dump of node $node has no key: $(cat "$LAB_DIR/said")"
	done
	runs >"$LAB_DIR/runs"
	logs_have "$LAB_DIR/runs"
	tap $((! $?)) "$1, no log has a key"
}
rekeyed() { [ "$(grep -c "The ring's keys have changed" "$LAB_DIR/1/log")" = "$1" ]; }

# A key in a file, which a reload replaces.
plays_with_a_file() {
	rm -f "$LAB_DIR"/scan.* "$LAB_DIR/key" "$LAB_DIR"/[12]/log
	lab_configure
	cp "$LAB_DIR/key" "$LAB_DIR/scan.first"
	lab_start 1 2
	tap_check "$LAB_ENCRYPTION: an encrypted ring" lab_ring 2 1 2 || lab_close
	lab_traffic "traffic" 1400 1 2
	check "with traffic"
	# The scan sees what it looks for: aes256-gcm in the form of libcrypto's code for this processor.
	for kind in key root; do
		tap_check "memory that core dumps leave out has it: $kind" has $kind
	done
	[ "$LAB_ENCRYPTION" != aes256-gcm ] || tap_check "and the keys of sessions" has schedule
	echo "A new membership" >>"$LAB_DIR/runs"
	tap_check "logs are searched as well" logs_have "$LAB_DIR/runs"
	(umask 077 && head -c 256 /dev/urandom >"$LAB_DIR/key")
	cp "$LAB_DIR/key" "$LAB_DIR/scan.second"
	tap_check "a reload with another key" reload_ask 1 reload
	tap_check "it changes the ring's keys" reload_until 20 rekeyed 1
	lab_traffic "traffic with that key" 1400 1 2
	check "with another key"
	tap_check "memory that core dumps leave out has the other key" has key
	lab_stop 1 2
	tap $? "they stop"
}

# give_text TEXT: a key in the config itself, which reloads read again.
give_text() {
	for node in 1 2; do
		sed -i "s,\(keyfile\|key\): .*,key: $1," "$LAB_DIR/$node/corosync.conf"
	done
}
new_text() { head -c 256 /dev/urandom | base64 -w 0 | head -c 200; }

plays_with_a_text() {
	local text

	rm -f "$LAB_DIR"/scan.* "$LAB_DIR"/[12]/log
	text=$(new_text)
	give_text "$text"
	printf '%s\0' "$text" >"$LAB_DIR/scan.first" # it counts with its NUL
	lab_start 1 2
	tap_check "$LAB_ENCRYPTION: a ring whose key stands in the config" lab_ring 2 1 2
	check "then"
	tap_check "and other memory has the text" has key
	sed -i 's/debug: on/debug: off/' "$LAB_DIR"/[12]/corosync.conf
	tap_check "a reload" reload_ask 1 reload
	check "and after a reload"
	sed -i 's/debug: off/debug: on/' "$LAB_DIR"/[12]/corosync.conf
	text=$(new_text)
	give_text "$text"
	printf '%s\0' "$text" >"$LAB_DIR/scan.second"
	tap_check "a reload with another text" reload_ask 1 reload
	tap_check "it changes the ring's keys" reload_until 20 rekeyed 1
	check "with another text"
	lab_stop 1 2
	tap $? "they stop, too"
}

lab_open coterie coterie
for LAB_ENCRYPTION in $ENCRYPTIONS; do
	plays_with_a_file
	plays_with_a_text
done
lab_close
