#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Extra information of quorum devices goes from one daemon to the clients of another, and corosync-quorumtool -W shows it
# with each change of quorum. A daemon of Corosync 3.1 in the ring, if there is one here, drops the message and stays.
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"

quorumtool=$LAB_BUILD/tools/corosync-quorumtool
[ -e "$quorumtool" ] || tap_skip "the tools are not built"
device=$(lab_program extra_info)
[ -n "$device" ] || tap_skip "extra_info is not built (make check-programs)"
third=coterie
! command -v corosync >/dev/null || third=corosync

lab_open coterie coterie "$third"
for node in 1 2 3; do
	printf 'quorum {\n\tprovider: corosync_votequorum\n\tdevice {\n\t\tmodel: net\n\t\tvotes: 1\n\t}\n}\n' \
		>>"$LAB_DIR/$node/corosync.conf"
done
lab_start 1 2 3
lab_ring 3 1 2 3
tap $? "one ring, node 3 is of $third"

watch() { lab_exec 2 "$quorumtool" -W "$1" >"$LAB_DIR/$1" 2>"$LAB_DIR/$1.errors" & }
watch qx
watch x

mkfifo "$LAB_DIR/input"
lab_exec 1 "$device" Judge 'state=ok' <"$LAB_DIR/input" >"$LAB_DIR/device" 2>&1 &
exec {input}>"$LAB_DIR/input"
lab_await grep -q ready "$LAB_DIR/device"
tap $? "a device is registered and sets it" || tap_note "$(cat "$LAB_DIR/device")"
lab_await grep -qx ' *1 state=ok' "$LAB_DIR/x" && lab_await grep -qx ' *1 state=ok' "$LAB_DIR/qx"
tap $? "node 2 is told" || tap_note "$(head "$LAB_DIR"/{x,qx}{,.errors})"

lab_cut 2
lab_await grep -qx 'Not quorate' "$LAB_DIR/qx"
tap $? "-W q shows that quorum is lost" || tap_note "$(cat "$LAB_DIR/qx")"
lab_heal 2
lab_await grep -qx 'Quorate' "$LAB_DIR/qx"
tap $? "and that it is back" || tap_note "$(cat "$LAB_DIR/qx")"

exec {input}>&-
lab_await grep -qxE ' *1 ' "$LAB_DIR/x"
tap $? "it goes with the device" || tap_note "$(cat "$LAB_DIR/x")"
! grep -q uorate "$LAB_DIR/x"
tap $? "-W x shows nothing of quorum"
lab_in 2 "$quorumtool" -W z >"$LAB_DIR/z" 2>&1
[ $? -eq 1 ] && grep -qx 'Invalid watch option. valid watch options are q(quorum) or x(qdevice extra info)' "$LAB_DIR/z"
tap $? "another letter is refused"
tap_check "all daemons run" lab_alive 1 2 3
lab_close
