#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# One mix of daemons on knet through all that a ring has to endure. KNET_KINDS says which, KNET_CASE with what:
# plain, nss, openssl, zlib, passive (two links), rr, active. Without them all combinations run, one after the other.
# KNET_NODES says which nodes start first and fail, "1 2 3" unless told.
# Loss is for coteries alone: a ring of Debian's does not carry anything at 5 %, since a frame of theirs has up to 46
# packets and one lost pong takes a link down.
LAB_TOKEN=${LAB_TOKEN:-2000}
LAB_MS=${LAB_MS:-1000}
if [ -z "${KNET_CASE:-}" ]; then
	status=0
	for KNET_KINDS in "coterie coterie coterie" "coterie coterie corosync" "coterie corosync corosync"; do
		for KNET_CASE in plain nss openssl zlib passive rr active; do
			echo "# $KNET_KINDS, $KNET_CASE"
			KNET_KINDS=$KNET_KINDS KNET_CASE=$KNET_CASE bash "$0" | awk '
				{ print; fflush() } /^not ok/ { bad = 1 } /^1\.\./ { is_whole = 1 }
				END { exit bad || !is_whole }' || status=1
		done
	done
	exit $status
fi
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/../cluster/lab.sh"
# shellcheck source=tests/cluster/faults.sh
. "$(dirname "$0")/../cluster/faults.sh"
# shellcheck source=tests/cluster/knet_lab.sh
. "$(dirname "$0")/../cluster/knet_lab.sh"

links=1
# shellcheck disable=SC2086 # one word for each kind
knet_open ${KNET_KINDS:-coterie coterie coterie}
case $KNET_CASE in
plain) totem='' ;;
nss | openssl) totem="crypto_cipher: aes256
			crypto_hash: sha256
			crypto_model: $KNET_CASE
			keyfile: $LAB_DIR/key" ;;
zlib) totem="knet_compression_model: zlib
			knet_compression_level: 6" ;;
passive | rr | active)
	totem="link_mode: $KNET_CASE"
	links=2
	# shellcheck disable=SC2317 # faults.sh calls them
	lab_cut() { knet_cut 0 "$@" && knet_cut 1 "$@"; }
	# shellcheck disable=SC2317
	lab_heal() { knet_heal 0 "$@" && knet_heal 1 "$@"; }
	;;
*)
	echo "Bail out! no case $KNET_CASE"
	exit 1
	;;
esac
knet_configure $links "$totem" 1 2 3
read -ra nodes <<<"${KNET_NODES:-1 2 3}"
LAB_FIRST=${nodes[*]} every_node_first ring_carries "$KNET_CASE"
lab_start 1 2 3
lab_ring 3 1 2 3 && knet_links 1 $((2 * links))
tap $? "one ring of ${LAB_KINDS[*]}, $KNET_CASE"
if [ $links -eq 2 ]; then
	for link in 0 1; do
		knet_cut $link 1
		knet_links 1 2
		lab_ring 3 1 2 3
		tap $? "link $link cut: one ring"
		lab_traffic "link $link cut" 1400 1 2 3
		knet_heal $link 1
		knet_links 1 4
		tap $? "link $link is back"
	done
fi
case "${LAB_KINDS[*]}" in *corosync*) ;; *) ring_endures_loss ;; esac
for node in "${nodes[@]}"; do
	node_fails "$node"
done
lab_alive 1 2 3
tap $? "every daemon still runs"
lab_stop 1 2 3
tap $? "all stop with status 0"
lab_close
