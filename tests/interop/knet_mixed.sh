#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A coterie among Debian's corosyncs on knet: without encryption, then with all features of libknet at once. Each node
# chooses its own encryption module, compression and link mode. Cipher, hash and key belong to the ring.
LAB_TOKEN=${LAB_TOKEN:-5000}
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/../cluster/lab.sh"
# shellcheck source=tests/cluster/faults.sh
. "$(dirname "$0")/../cluster/faults.sh"
# shellcheck source=tests/cluster/knet_lab.sh
. "$(dirname "$0")/../cluster/knet_lab.sh"

knet_open coterie corosync corosync
knet_configure 1 '' 1 2 3
lab_start 1 2 3
lab_ring 3 1 2 3
tap $? "one ring of ${LAB_KINDS[*]}, clear"
lab_traffic "clear" 1400 1 2 3
lab_traffic "clear" 100000 1 2 3
lab_stop 1 2 3
tap $? "all stop with status 0"

common="crypto_cipher: aes256
			crypto_hash: sha256
			keyfile: $LAB_DIR/key
			interface {
				linknumber: 0
				knet_ping_interval: 200
				knet_ping_timeout: 500
			}
			interface {
				linknumber: 1
				knet_ping_interval: 200
				knet_ping_timeout: 500
			}"
knet_configure 2 "$common
			crypto_model: openssl
			link_mode: rr" 1
knet_configure 2 "$common
			crypto_model: nss
			knet_compression_model: zlib
			knet_compression_level: 1
			link_mode: active" 2
knet_configure 2 "$common
			crypto_model: openssl" 3
lab_start 1 2 3
lab_ring 3 1 2 3 && knet_links 1 4
tap $? "one ring, encrypted, compressed, on two links"
for size in 8 1400 8000 100000 1000000; do
	lab_traffic "encrypted" $size 1 2 3
done
tap_check "frames were encrypted" test "$(knet_stat 1 handle.tx_crypt_packets)" -gt 0
tap_check "and compressed by a peer" test "$(knet_stat 1 handle.rx_compressed_packets)" -gt 0
tap_check "both links were used" test "$(knet_stat 1 node2.link1.tx_data_packets)" -gt 100

before=$(knet_memberships 1)
knet_cut 0 1
knet_links 1 2
tap $? "link 0 cut: link 1 is left"
lab_traffic "on link 1 alone" 1400 1 2 3
knet_heal 0 1
knet_links 1 4
tap $? "link 0 is back"
lab_traffic "on both again" 1400 1 2 3
tap_check "the same ring all the time" test "$before" -eq "$(knet_memberships 1)"
lab_alive 1 2 3
tap $? "no daemon has exited"
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
