#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A client that sends two messages of 1 MB and reads one event, in turns, falls behind what it has sent. It is told to try
# again until it has read some of it, and keeps its connection: over libqb, with a fast channel, with messages in
# parts and with zero-copy buffers, with our library and with Debian's. What waits for it in the daemon is bounded.
# TURNS_MS (2000): how long each of them sends.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=4"
. "$(dirname "$0")/lab.sh"

turns=$(lab_program cpg_turns)
ms=${TURNS_MS:-2000}
HOLD_KB=32768 # IPC_HOLD_SIZE of exec/ipc/ipc_server.h
OVERHEAD_KB=49152 # the message that the client reads, frames of the ring, and what malloc keeps
[ -z "${COTERIE_KEEP_PLUGINS:-}" ] || OVERHEAD_KB=98304 # sanitizers add something to each block

# of NAME: a value that the client has printed
of() { sed -n "s/.*\b$1=\([0-9]*\).*/\1/p" "$LAB_DIR/turns"; }
memory_kb() { awk -v name="$1:" '$1 == name { print $2 }' "/proc/${LAB_DAEMONS[1]}/status"; }
is_quiet() { ! grep 'does not read its events' "$LAB_DIR/1/log"; }

# play NAME COMMAND...: what the client says, and what the daemon keeps for it at most.
play() {
	local name=$1 peak

	shift
	echo 5 >"/proc/${LAB_DAEMONS[1]}/clear_refs" # the peak is counted again
	lab_in 1 env "$@" "$turns" -n 2 -t "$ms" ${options:-} >"$LAB_DIR/turns" 2>&1
	tap $? "$name: all that was sent came back"
	peak=$(memory_kb VmHWM)
	tap_note "$(cat "$LAB_DIR/turns")"
	# Otherwise the client was too slow to fall behind, and the next checks show nothing.
	tap_check "$name: some of its messages were refused" test "$(of refused)" -gt 0
	tap_check "$name: the daemon had $peak kB, and $base kB before" test "$peak" -le $((base + HOLD_KB + OVERHEAD_KB))
	tap_check "$name: no client was disconnected" is_quiet
}

lab_open coterie coterie
lab_start 1 2
tap_check "one ring" lab_ring 2 1 2
base=$(memory_kb VmHWM)
play "libqb" COTERIE_CPG_RING=0
play "a fast channel" COTERIE_CPG_RING=1048576
options="-s 3000000" play "messages in parts" COTERIE_CPG_RING=1048576
options=-z play "zero-copy" COTERIE_CPG_RING=0
if command -v corosync >/dev/null; then
	LAB_CLIENT=corosync play "Debian's library" LANG=C
	LAB_CLIENT=corosync options=-z play "Debian's library, zero-copy" LANG=C
fi
lab_stop 1 2
tap $? "all stop with status 0"
lab_close
