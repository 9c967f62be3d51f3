#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Nodes without the ring's key. Both ends log a clear line about each of them, and the ring of the others is not
# affected.
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/knet_lab.sh
. "$(dirname "$0")/knet_lab.sh"

key() {
	echo "crypto_cipher: aes256
			crypto_hash: sha256
			crypto_model: $1
			keyfile: $2"
}

# stranger NAME TOTEM WORDS: node 4 comes so configured; WORDS are what its own log is to say
stranger() {
	local name=$1 totem=$2 words=$3

	knet_configure 1 "$totem" 4
	: >"$LAB_DIR/4/log"
	lab_start 4
	tap_check "$name: a ring of its own" lab_ring 1 4
	tap_check "$name: it says so" knet_says 4 "$words"
	tap_check "$name: the others say so" \
		knet_says 1 "packet refused from 10.0.0.4:5405: it is not encrypted with our key"
	lab_traffic "$name" 1400 1 2 3
	lab_stop 4
	tap $? "$name: it stops with status 0"
}

if command -v corosync >/dev/null; then
	knet_open coterie coterie corosync coterie
else
	knet_open coterie coterie coterie coterie
fi
knet_configure 1 "$(key openssl "$LAB_DIR/key")" 1 2 3
lab_start 1 2 3
lab_ring 3 1 2 3
tap $? "a ring of three with a key (${LAB_KINDS[3]} is one)"
before=$(knet_memberships 1)

head -c 256 /dev/urandom >"$LAB_DIR/other"
head -c 200 "$LAB_DIR/key" >"$LAB_DIR/cut"
head -c 127 "$LAB_DIR/key" >"$LAB_DIR/short"
stranger "another key" "$(key nss "$LAB_DIR/other")" "packet refused from 10.0.0.[123]:5405: it is not encrypted"
stranger "a truncated key" "$(key openssl "$LAB_DIR/cut")" "packet refused from 10.0.0.[123]:5405: it is not encrypted"
stranger "no key" "" "packet refused: it is encrypted, .* and this node has no key"

knet_configure 1 "$(key openssl "$LAB_DIR/short")" 4
: >"$LAB_DIR/4/out"
lab_start 4
wait "${LAB_DAEMONS[4]}"
tap_check "a key that is too short: the daemon ends with status $?" test $? -ne 0
tap_check "and says why" grep -rq "1024 bits\|at least 128" "$LAB_DIR/4/out" "$LAB_DIR/4/log"

tap_check "the same ring all the time" test "$before" -eq "$(knet_memberships 1)"
knet_configure 1 "$(key nss "$LAB_DIR/key")" 4
lab_start 4
lab_ring 4 1 2 3 4
tap $? "with the key it is one of them"
lab_alive 1 2 3 4
tap $? "no daemon has exited"
lab_stop 1 2 3 4
tap $? "all stop with status 0"
lab_close
