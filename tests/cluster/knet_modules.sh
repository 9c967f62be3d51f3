#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# knet where the installed libknet lacks a module for encryption. A reload to it leaves the old key in place, and
# corosync-cfgtool -R says why. A start with it is refused. LAB_KIND=corosync13 plays it with Corosync 3.1.9.
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/knet_lab.sh
. "$(dirname "$0")/knet_lab.sh"

# tool NODE NAME ARGUMENT...: the node's own.
tool() {
	local node=$1 tool=$2 name=$2

	shift 2
	if [ "${LAB_KINDS[node]}" != corosync13 ]; then
		name=$LAB_BUILD/tools/.libs/$tool
		[ -x "$name" ] || name=$LAB_BUILD/tools/$tool
	fi
	lab_in "$node" "$name" "$@" 2>&1
}
encrypt() {
	knet_configure 1 "crypto_cipher: aes256
			crypto_hash: sha256
			crypto_model: $1
			keyfile: $LAB_DIR/key" "$2"
}
# hide_module NODE: libknet finds openssl and not nss there.
hide_module() {
	local folder

	lab_place "${LAB_KINDS[$1]}" "$1"
	# shellcheck disable=SC2016 # of the inner shell
	folder='$(dirname /usr/lib/*/kronosnet/crypto_nss.so)'
	"${LAB_PLACE[@]}" sh -c "folder=$folder && cp -a \$folder/crypto_openssl.so /run/ && mount -t tmpfs modules \$folder &&
		cp -a /run/crypto_openssl.so \$folder/ && test ! -e \$folder/crypto_nss.so"
}

ls /usr/lib/*/kronosnet/crypto_nss.so /usr/lib/*/kronosnet/crypto_openssl.so >/dev/null 2>&1 || tap_skip "no modules of libknet"
knet_open coterie coterie
tap_check "node 2 has no module nss" hide_module 2
encrypt openssl 1
encrypt openssl 2
lab_start 1 2
lab_ring 2 1 2
tap $? "a ring with openssl"

encrypt nss 2
said=$(tool 2 corosync-cfgtool -R)
status=$?
tap_check "a reload to nss does not succeed" test $status -ne 0
tap_check "corosync-cfgtool -R says that the config is in part without effect" grep -q "^ERROR from reload: .* - see syslog" <<<"$said"
tap_note "$said"
reason=$(tool 2 corosync-cmapctl -g config.reload_error_message)
tap_check "the map has the reason" grep -q "^config.reload_error_message (str) = ." <<<"$reason"
tap_note "$reason"
[ "${LAB_KINDS[2]}" != coterie ] ||
	tap_check "the log names the module" knet_says 2 "encryption cannot be set up .*that libknet has the module"
lab_traffic "the old key is used" 1000 1 2

encrypt openssl 2
tap_check "a reload to openssl succeeds" grep -qx Done <(tool 2 corosync-cfgtool -R)
! tool 2 corosync-cmapctl -g config.reload_error_message >/dev/null
tap $? "and the map has no reason any more"
lab_traffic "with the next config" 1000 1 2

lab_stop 2
encrypt nss 2
: >"$LAB_DIR/2/log"
lab_start 2
wait "${LAB_DAEMONS[2]}"
tap_check "a start with nss is refused" test $? -ne 0
[ "${LAB_KINDS[2]}" != coterie ] ||
	tap_check "and the log names the module" grep -q "encryption cannot be set up .*that libknet has the module" "$LAB_DIR/2/log" "$LAB_DIR/2/out"
encrypt openssl 2
lab_start 2
lab_ring 2 1 2
tap $? "a start with openssl is not"
lab_stop 1 2
tap $? "all stop with status 0"
lab_close
