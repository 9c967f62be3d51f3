#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Keys of an encrypted ring change again and again while all send: no membership change, nothing lost. One node that
# has not the new key holds the change up, is named, and completes it. Links come and go in the same way.
# shellcheck disable=SC2317 # functions are called through reload_until
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/faults.sh
. "$(dirname "$0")/faults.sh"
# shellcheck source=tests/cluster/knet_lab.sh
. "$(dirname "$0")/knet_lab.sh"
# shellcheck source=tests/cluster/reloads.sh
. "$(dirname "$0")/reloads.sh"

CHANGES=${CHANGES:-15} # 50 in check-long

# shellcheck source=tests/cluster/rekeys.sh
. "$(dirname "$0")/rekeys.sh"

knet_open coterie coterie coterie
rekey_configure 0 1 1 2 3
lab_start 1 2 3
lab_ring 3 1 2 3 && knet_links 1 2
tap $? "one ring, encrypted"
before=$(reload_changes 1 2 3)
rekey_play "$CHANGES"

rekey_configure 1000 1 1 2
reload_ask 1 reload >/dev/null
tap_check "who has not the new key is named" \
	knet_says 1 "The ring keeps its old keys, since nodes have not loaded the new ones: 3;"
lab_traffic "the old key is in use" 1400 1 2 3
head -c 100 /dev/urandom >"$LAB_DIR/short"
rekey_configure 1000 1 3
sed -i "s,$LAB_DIR/key1000,$LAB_DIR/short," "$LAB_DIR/3/corosync.conf"
tap_check "a key that is too short is refused" test "$(reload_ask 3 reload)" = CS_ERR_INVALID_PARAM
tap_check "with a clear line" knet_says 3 "Could only read 800 bits of minimum 1024 bits"
rekey_configure 1000 1 3
reload_ask 3 reload >/dev/null
tap_check "with the key the change is complete" reload_until 20 rekey_all_changed $((CHANGES + 1))

rekey_configure 1001 1 1 2
rekey_configure 1002 1 3
reload_ask 1 reload >/dev/null
tap_check "different keys are not used" \
	knet_says 1 "since nodes have loaded other ones than this node: 3;"
rekey_configure 1001 1 3
reload_ask 2 reload >/dev/null
tap_check "the same key everywhere is" reload_until 20 rekey_all_changed $((CHANGES + 2))
lab_traffic "after that" 1400 1 2 3
tap_check "the ring stays ($before, $(reload_changes 1 2 3))" test "$before" = "$(reload_changes 1 2 3)"

rekey_configure 1001 2 1 2 3
reload_ask 1 reload >/dev/null
knet_links 1 4
tap $? "a second link comes"
rekey_configure 1001 2 1 2 3
sed -i '/ring0_addr/d' "$LAB_DIR"/[123]/corosync.conf
reload_ask 1 reload >/dev/null
knet_links 1 2
tap $? "the first one goes"
lab_traffic "on the second link" 1400 1 2 3
tap_check "the ring stays ($before, $(reload_changes 1 2 3))" test "$before" = "$(reload_changes 1 2 3)"
lab_alive 1 2 3
tap $? "no daemon has exited"
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
