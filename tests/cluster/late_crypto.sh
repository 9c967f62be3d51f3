#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The libraries that encrypt are loaded when the ring gets a key. A daemon in clear has none of them in its memory, and
# runs on a host without libcrypto. There it refuses a key, at the start and in a reload.
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/reloads.sh
. "$(dirname "$0")/reloads.sh"

LAB_TRANSPORT=udpu
libcrypto=$(ldconfig -p | sed -n 's/.*libcrypto\.so\.3 .*=> //p' | head -n 1)
[ -n "$libcrypto" ] || tap_skip "no libcrypto"
refusal='the ring has a key, but libcrypto cannot be loaded: .*libcrypto\.so\.3: '

lab_open coterie coterie

# configure CIPHER
configure() {
	local node

	for node in 1 2; do
		LAB_ENCRYPTION=$1 lab_config $node >"$LAB_DIR/$node/corosync.conf"
	done
}
maps() { grep -q "$2" "/proc/${LAB_DAEMONS[$1]}/maps"; }

lab_start 1 2
lab_ring 2 1 2
tap $? "a ring in clear"
lab_traffic "in clear" 1400 1 2
! maps 1 'libcrypto\|libIPSec_MB'
tap $? "its daemon has no library that encrypts in memory"
configure aes256-gcm
reload_ask 2 reload >/dev/null
tap_check "a reload encrypts the ring" reload_until 20 maps 1 libcrypto
lab_traffic "encrypted" 1400 1 2
lab_stop 1 2
tap $? "both stop with status 0"

configure ""
rm -f "$LAB_DIR"/[12]/log
lab_in 1 mount --bind /dev/null "$(readlink -f "$libcrypto")"
tap $? "node 1 has no libcrypto now"
lab_start 1 2
lab_ring 2 1 2
tap $? "a ring in clear without it"
lab_traffic "without libcrypto" 1400 1 2
configure aes256-gcm
! reload_ask 2 reload >/dev/null
tap $? "it refuses a reload with a key"
tap_check "which its log explains" reload_until 5 reload_logged 1 "$refusal" || tap_note "$(tail -n 5 "$LAB_DIR/1/log")"
lab_ring 2 1 2
tap $? "the ring stays in clear"
lab_traffic "after the refusal" 1400 1 2
lab_stop 1 2
tap $? "both stop with status 0"
rm -f "$LAB_DIR/1/log"
lab_start 1
LAB_PATIENCE=20 lab_await lab_ended "${LAB_DAEMONS[1]}" || lab_kill 1
wait "${LAB_DAEMONS[1]}"
status=$?
tap_check "with a key it does not start: status 15 ($status)" test $status -eq 15
tap_check "which its log explains" grep -q "$refusal" "$LAB_DIR/1/log"
checked=$(lab_in 1 "$LAB_BUILD/exec/coterie" -t -c "$LAB_DIR/1/corosync.conf" 2>&1)
tap_check "the check of its file says so" \
	grep -q 'corosync\.conf: this host cannot encrypt the ring, libcrypto cannot be loaded: ' <<<"$checked"

configure ""
lab_start 1 2
lab_ring 2 1 2
tap $? "a ring in clear once more"
configure aes256-gcm
! reload_ask 2 reload >/dev/null
tap $? "node 1 refuses the key"
lab_in 1 umount "$(readlink -f "$libcrypto")"
checked=$(lab_in 1 "$LAB_BUILD/exec/coterie" -t -c "$LAB_DIR/1/corosync.conf" 2>&1)
tap_check "the check of the file says with libcrypto there" grep -q ': ok (' <<<"$checked"
! grep 'cannot encrypt' <<<"$checked"
tap $? "and does not say that the host cannot encrypt"
reload_ask 2 reload >/dev/null
tap_check "with libcrypto there the next reload encrypts the ring" reload_until 20 maps 1 libcrypto
lab_ring 2 1 2
tap $? "one ring"
lab_stop 1 2
tap $? "both stop with status 0"
lab_close
