#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Encrypted rings over udpu and udp. Keys change again and again while all send: no membership change, nothing lost.
# Nodes with another key, or with none, are named by the others, whose ring does not notice them.
#
#	CHANGES  of the key under load on each transport: 12; encryption-long: 1,000
#	RATE     messages a second of each node meanwhile; 5,000, on udpu without a limit up to 100 changes
# shellcheck disable=SC2317 # functions are called through reload_until
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/reloads.sh
. "$(dirname "$0")/reloads.sh"

CHANGES=${CHANGES:-12}
LAB_TOKEN=${LAB_TOKEN:-3000}
# At full speed a client that gets no processor for 0.7 s has 128 MiB of events waiting, for which the daemon cuts it off.
# In the minutes of a long run on a busy machine that happens.
[ "$CHANGES" -le 100 ] || RATE=${RATE:-5000}

# encrypt NODE CIPHER KEY: in the node's file from now on
encrypt() {
	(
		LAB_ENCRYPTION=
		# shellcheck disable=SC2034 # lab_config reads it
		[ "$2" = none ] || LAB_TOTEM="encryption: $2
			keyfile: $LAB_DIR/$3"
		lab_config "$1"
	) >"$LAB_DIR/$1/corosync.conf"
}

make_key() { (umask 077 && head -c "${2:-256}" /dev/urandom >"$LAB_DIR/$1"); }

has_changed() {
	local node

	for node in 1 2 3; do
		[ "$(grep -c "The ring's keys have changed" "$LAB_DIR/$node/log")" -ge "$1" ] || return 1
	done
}

# change NUMBER CIPHER KEY: asked for by every node in turn
change() {
	local node

	for node in 1 2 3; do
		encrypt "$node" "$2" "$3"
	done
	reload_ask $(($1 % 3 + 1)) reload >>"$LAB_DIR/asked" || echo "failed $1" >>"$LAB_DIR/asked"
	reload_until 20 has_changed "$1"
}

keys_change_under_load() {
	local before pid i ciphers=(aes256-gcm chacha20-poly1305)

	before=$(reload_changes 1 2 3)
	: >"$LAB_DIR/asked"
	LAB_MS=$((CHANGES * 3000 + 1000)) LAB_RATE=${RATE:-$(reload_rate)} lab_traffic "$LAB_TRANSPORT: keys change under load" 1400 1 2 3 &
	pid=$!
	for i in $(seq "$CHANGES"); do
		make_key "key$((i % 2))"
		change "$i" "${ciphers[i / 2 % 2]}" "key$((i % 2))"
	done
	lab_enough
	wait $pid
	tap_count_background $?
	tap_check "$LAB_TRANSPORT: $CHANGES changes" has_changed "$CHANGES"
	tap_check "reloads are done: $(paste -sd' ' <"$LAB_DIR/asked")" test ! -s "$LAB_DIR/asked"
	tap_check "$LAB_TRANSPORT: the ring stays ($before, $(reload_changes 1 2 3))" \
		test "$before" = "$(reload_changes 1 2 3)"
	tap_check "no packet was refused" test -z "$(grep -h "packet refused" "$LAB_DIR"/[123]/log)"
}

becomes_clear_and_sealed_again() {
	local before

	before=$(reload_changes 1 2 3)
	change $((CHANGES + 1)) none
	tap $? "$LAB_TRANSPORT: the ring goes over to clear traffic"
	lab_traffic "$LAB_TRANSPORT: in clear" 1400 1 2 3
	make_key key9
	change $((CHANGES + 2)) aes256-gcm key9
	tap $? "$LAB_TRANSPORT: and back"
	if "$LAB_CTL" --version >/dev/null 2>&1; then
		tap_check "$LAB_TRANSPORT: key status has one key id on all nodes" has_one_key
	fi
	lab_traffic "$LAB_TRANSPORT: sealed again" 1400 1 2 3
	tap_check "$LAB_TRANSPORT: the ring stays ($before, $(reload_changes 1 2 3))" \
		test "$before" = "$(reload_changes 1 2 3)"
}

# status_names NODE WORDS: coterie-ctl status on that node
LAB_CTL=$LAB_BUILD/tools/.libs/coterie-ctl
[ -x "$LAB_CTL" ] || LAB_CTL=$LAB_BUILD/tools/coterie-ctl
status_names() { lab_in "$1" "$LAB_CTL" status 2>/dev/null | grep -q -- "$2"; }

key_status_has() { lab_in "$1" "$LAB_CTL" key status 2>&1 | grep -- "$2"; }
has_one_key() {
	[ "$(for node in 1 2 3; do key_status_has $node "^Key id    [0-9a-f]\{4\}$"; done | sort | uniq -c | grep -c "^ *3 ")" = 1 ]
}

refusals() { grep -c "packet refused from 10.0.0.4:5405 (node 4): it is not encrypted" "$LAB_DIR/1/log"; }
has_refused_more() { [ "$(refusals)" -gt "$1" ]; }

# stranger NAME CIPHER KEY WORDS: the status of the others has WORDS; node 4 comes so configured
stranger() {
	local before refused

	before=$(reload_changes 1 2 3)
	refused=$(refusals)
	encrypt 4 "$2" "$3"
	: >"$LAB_DIR/4/log"
	lab_start 4
	lab_ring 1 4
	tap $? "$LAB_TRANSPORT: $1: a ring of its own"
	tap_check "$1: it names the others" \
		reload_until 20 reload_logged 4 "packet refused from 10.0.0.[123]:5405 (node [123]): it is .*encrypted"
	tap_check "$1: the others name it" reload_until 20 has_refused_more "$refused"
	if "$LAB_CTL" --version >/dev/null 2>&1; then
		tap_check "$1: the status of the others names it" reload_until 5 status_names 1 "node 4: its datagrams $4"
		tap_check "$1: so does key status" key_status_has 1 "^ *4 .*its datagrams $4"
		tap_check "$1: the others have the same key" key_status_has 1 "^ *3 .*has the key of this node"
	fi
	lab_traffic "$LAB_TRANSPORT: $1" 1400 1 2 3
	lab_stop 4
	tap $? "$1: it stops with status 0"
	tap_check "$1: the others' ring stays" test "$before" = "$(reload_changes 1 2 3)"
}

lab_open coterie coterie coterie coterie
make_key other
make_key short 100
for LAB_TRANSPORT in ${TRANSPORTS:-udpu udp}; do
	make_key key0
	rm -f "$LAB_DIR"/[1234]/log
	for node in 1 2 3; do
		encrypt $node aes256-gcm key0
	done
	lab_start 1 2 3
	lab_ring 3 1 2 3
	tap $? "$LAB_TRANSPORT: one ring, encrypted"
	keys_change_under_load
	becomes_clear_and_sealed_again
	stranger "another key" aes256-gcm other "do not authenticate"
	stranger "another cipher" chacha20-poly1305 key9 "do not authenticate"
	stranger "no key" none none "are not encrypted"
	encrypt 4 aes256-gcm key9
	lab_start 4
	lab_ring 4 1 2 3 4
	tap $? "$LAB_TRANSPORT: with the key it is one of them"
	lab_alive 1 2 3 4
	tap $? "no daemon has exited"
	lab_stop 1 2 3 4
	tap $? "all stop with status 0"
done

: >"$LAB_DIR/4/out"
encrypt 4 aes256-gcm short
lab_start 4
wait "${LAB_DAEMONS[4]}"
tap_check "a key that is too short: the daemon ends with status $?" test $? -ne 0
tap_check "and says why" grep -rq "1024 bits\|at least 128" "$LAB_DIR/4/out" "$LAB_DIR/4/log"
lab_close
