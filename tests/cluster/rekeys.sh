# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Changes of a knet ring's keys: source it after knet_lab.sh and reloads.sh.

# rekey_configure NUMBER LINKS NODE...: a key of its own for each number
rekey_configure() {
	local number=$1 links=$2 ciphers=(aes256 aes128 aes192)

	shift 2
	[ -e "$LAB_DIR/key$number" ] || (umask 077 && head -c 256 /dev/urandom >"$LAB_DIR/key$number")
	knet_configure "$links" "crypto_cipher: ${ciphers[number % 3]}
			crypto_hash: sha256
			crypto_model: openssl
			keyfile: $LAB_DIR/key$number" "$@"
}

# rekey_has NODE COUNT: the node has been through so many changes. A corosync, whose log loses lines when it reloads,
# says which key it has loaded.
rekey_has() {
	case ${LAB_KINDS[$1]} in
	coterie) [ "$(grep -c "The ring's keys have changed" "$LAB_DIR/$1/log")" -ge "$2" ] ;;
	corosync) reload_has "$1" totem.keyfile "$LAB_DIR/key$2" ;;
	esac
}

# Changes that all nodes have been through.
rekey_all_changed() {
	local node

	for node in 1 2 3; do
		rekey_has "$node" "$1" || return 1
	done
}

# rekey_play COUNT: so many changes, asked for by every node in turn, while all send.
rekey_play() {
	local changes=$1 before pid i

	before=$(reload_changes 1 2 3)
	LAB_MS=$((changes / 4 * 1000 + 2000)) lab_traffic "keys change under load" 1400 1 2 3 &
	pid=$!
	for i in $(seq "$changes"); do
		rekey_configure "$i" 1 1 2 3
		reload_ask $((i % 3 + 1)) reload >>"$LAB_DIR/asked" || echo "failed $i" >>"$LAB_DIR/asked"
		reload_until 20 rekey_all_changed "$i"
	done
	wait $pid
	tap_count_background $?
	tap_check "$changes changes" rekey_all_changed "$changes"
	tap_check "reloads are done: $(paste -sd' ' <"$LAB_DIR/asked")" test ! -s "$LAB_DIR/asked"
	tap_check "the ring stays ($before, $(reload_changes 1 2 3))" test "$before" = "$(reload_changes 1 2 3)"
}
