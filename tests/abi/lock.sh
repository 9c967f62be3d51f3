#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The worked example, plugins/lock, as its reader uses it: built outside the tree, tested with the test kit, and its client of
# 30 lines against a daemon. LOCK_SEEDS: the first and the last seed. The test must find faults that are planted.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/abi/sdk.sh
. "$(dirname "$0")/sdk.sh"

sdk_open
daemon=
finish() {
	[ -z "$daemon" ] || kill -KILL "$daemon" 2>/dev/null
	wait
	rm -rf "$work"
}
trap finish EXIT
sdk_install
sdk_build lock lock
program=$(find "$root" -path '*/sbin/coterie')
[ -x "$program" ] || {
	tap_note "no daemon in this build"
	tap_end
}
if [ $sdk_has_kit = yes ]; then
	tap_check "its test passes with the seeds ${LOCK_SEEDS:-1 6}" sdk_make check "SEEDS=${LOCK_SEEDS:-1 6}" || tap_end
	# FAULT|SEED|FILE|EDIT: the seed finds it.
	while IFS='|' read -r fault seed file edit; do
		cp "$sdk_copy/$file" "$work/kept.c"
		sed -i "$edit" "$sdk_copy/$file"
		tap_check "the edit changes the plugin" test "$(cmp -s "$sdk_copy/$file" "$work/kept.c"; echo $?)" = 1
		sdk_make lock.so && ! sdk_make check "SEEDS=$seed" >"$work/found" 2>&1 && grep -q '^FAILED with seed' "$work/found"
		tap $? "the test finds that it $fault" || tap_note "$(tail -n 3 "$work/found")"
		cp "$work/kept.c" "$sdk_copy/$file"
	done <<'EOT'
drops a message that finds no room|1|queue.c|s/^\tif (client == NULL)$/\tif (client != NULL)/
grants without quorum|1|queue.c|s/return place->is_quorate ? !has_left : .*/return !has_left \&\& place != NULL;/
forgets grants of nodes that have left|11|queue.c|s/return place->is_quorate ? !has_left : .*/return place->is_quorate \&\& !has_left;/
gives a new version to each message|1|queue.c|s/^\tlock_count_entries(lock);$/&\n\tlock->version = number_of(place);/
believes nodes that were cut off|1|meet.c|s/if (lock_place_compare(&entry->version, &lock->newest) == 0)/if (entry != NULL)/
forgets the next one when a node dies|1|queue.c|s/^\tif (!is_stuck(lock))$/\tif (lock != NULL)/
keeps any number of entries of one node|1|meet.c|s/sender->count == LOCK_ENTRIES_MAX || //
makes nobody first in a queue whose first one leaves|1|queue.c|s/^\t\tnext->is_first = 1;$/\t\tnext->is_first = 0;/
does not swap numbers|1|meet.c|s/^static void swap64(uint64_t \*value) {.*/static void swap64(uint64_t *value) { (void)value; }/
forgets what a client gave back while nodes met|11|meet.c|s/now->is_given = entry->is_given;/now->is_given = 0;/
EOT
	sdk_make lock.so
fi
sdk_needs libqb
tap_check "the client builds without a warning" sdk_make lockctl || tap_end
tap_check "and has at most 40 lines" test "$(wc -l <"$sdk_copy/lockctl.c")" -le 40

# --- a daemon ---

cat >"$work/corosync.conf" <<END
totem {
	version: 2
	cluster_name: lock
	transport: udpu
}
nodelist {
	node {
		name: n1
		nodeid: 1
		ring0_addr: 127.0.0.$((100 + $$ % 100))
	}
}
service {
	name: lock
}
system {
	sched_rr: no
	state_dir: $work
}
logging {
	to_stderr: yes
	to_syslog: no
}
END
instance=lock$$
export RUNTIME_DIRECTORY=$work/run COTERIE_PLUGIN_PATH=$sdk_copy:$build COTERIE_INSTANCE=$instance
mkdir -p "$work/run" "$work/$instance"
libraries=$(dirname "$(find "$root" -name 'libcoterie-client.so.0')")
lockctl() {
	LD_LIBRARY_PATH=$libraries:$build/.libs timeout 20 "$sdk_copy/lockctl" "$@"
}
output=$(COTERIE_INSTANCE=nobody$$ lockctl disk true 2>&1)
tap $((!$?)) "without a daemon it fails"
tap_check "and says what to do" grep -q 'no daemon of this instance runs here' <<<"$output" || tap_note "$output"
"$program" -f --instance "$instance" --node n1 -c "$work/corosync.conf" >"$work/log" 2>&1 &
daemon=$!
output=$(lockctl disk echo "under the lock" 2>&1)
tap_check "lockctl waits for the daemon and runs a command" test "$output" = "under the lock" ||
	tap_note "$output" "$(tail -n 5 "$work/log")"
lockctl disk sleep 2 &
holder=$!
sleep 0.5
began=$(date +%s%N)
output=$(lockctl disk echo second 2>&1)
tap_check "a second one waits for the first" test "$output" = second -a $((($(date +%s%N) - began) / 1000000)) -gt 800 ||
	tap_note "$output"
wait $holder
tap_check "lockctl passes the status of the command on" test "$(lockctl disk sh -c 'exit 7'; echo $?)" = 7
tap_check "coterie --check-plugin prints its ring id" grep -q 'ring id 37' <<<"$("$program" --check-plugin "$sdk_copy/lock.so")"
tap_end
