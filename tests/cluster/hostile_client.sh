#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Clients that damage the memory which they share with the daemon: the daemon lives, other clients do not notice, and
# nothing is left behind. HOSTILE_COUNT (4): clients of each kind, one after the other.
. "$(dirname "$0")/lab.sh"

COUNT=${HOSTILE_COUNT:-4}

leftovers() { find /dev/shm -maxdepth 1 -name "qb-${LAB_DAEMONS[1]}-*" | wc -l; }

lab_open coterie coterie
# A channel has its own rings. Without it messages are sent over libqb.
lab_start 1 2
lab_ring 2 1 2
tap $? "one ring"
for mode in truncate punch scribble lengths semaphores; do
	for ring in 1048576 0; do
		COTERIE_CPG_RING=$ring lab_exec 1 -t 120 "$(lab_program hostile_client)" $mode "$COUNT" "${SEED:-1}" \
			>"$LAB_DIR/hostile" 2>&1 9>&- &
		hostile=$!
		lab_traffic "$mode, channel of $ring bytes" 1400 1 2
		wait $hostile
		tap $? "$mode, channel of $ring bytes: $(tail -n 1 "$LAB_DIR/hostile")" ||
			tap_note "$(cat "$LAB_DIR/hostile")"
		lab_ring 2 1 2 && lab_alive 1 2
		tap $? "$mode, channel of $ring bytes: one ring of two, every daemon runs"
	done
done
# A client that is killed leaves its files to the daemon.
no_leftovers() { [ "$(leftovers)" -eq 0 ]; }
LAB_PATIENCE=10 lab_await no_leftovers
tap $? "no file of a connection is left: $(leftovers)"
lab_close
