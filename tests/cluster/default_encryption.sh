#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Rings of a coterie.conf that says nothing about encryption. Without a key the daemon stops with one line. With the key
# in the state folders the ring is encrypted, and a node in clear is named. "encryption = none" and back is a reload.
# shellcheck disable=SC2317 # functions are called through reload_until
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/reloads.sh
. "$(dirname "$0")/reloads.sh"

LAB_CTL=$LAB_BUILD/tools/.libs/coterie-ctl
[ -x "$LAB_CTL" ] || LAB_CTL=$LAB_BUILD/tools/coterie-ctl
[ -x "$LAB_CTL" ] || tap_skip "coterie-ctl is not built (no json-c)"

# write NODE LINE: the node's file, with that line in the block of the transport
write() {
	local node=$1 peer

	{
		cat <<-CONFIG
			cluster {
				name = lab
			}
			totem {
				token = ${LAB_TOKEN}ms
				token-per-node = 0
			}
			transport $LAB_TRANSPORT {
				$2
			}
			log {
				syslog = no
				file = "$LAB_DIR/$node/log"
			}
			process {
				realtime = no
				lock-memory = no
				state-dir = "$LAB_DIR/$node/state"
			}
		CONFIG
		for peer in 1 2 3 4; do
			printf 'node node%s { id = %s  address = 10.0.0.%s }\n' $peer $peer $peer
		done
	} >"$LAB_DIR/$node/coterie.conf"
}

line() {
	echo "no key for the ring: '[^']*/coterie/authkey' does not exist: make it with 'coterie-ctl key create' and copy it" \
		"to all nodes, or set 'encryption = none' in block 'transport $LAB_TRANSPORT'"
}
# is_told FILE: one line that names the file and both ways out, and no other about a key
is_told() { [ "$(grep -c "$(line)" "$1")" = 1 ] && [ "$(grep -c "key" "$1")" = 1 ]; }

stops_without_a_key() {
	local status

	write 1 ""
	rm -f "$LAB_DIR"/[1-4]/state/authkey "$LAB_DIR"/[1-4]/log
	: >"$LAB_DIR/1/out"
	lab_start 1
	wait "${LAB_DAEMONS[1]}"
	status=$?
	tap_check "$LAB_TRANSPORT: without a key the daemon ends with status 8 ($status)" test $status -eq 8
	tap_check "$LAB_TRANSPORT: with one line" is_told "$LAB_DIR/1/out" || tap_note "$(cat "$LAB_DIR/1/out")"
	lab_in 1 "$LAB_BUILD/exec/coterie" -t -c "$LAB_DIR/1/coterie.conf" >"$LAB_DIR/1/tested" 2>&1
	status=$?
	tap_check "$LAB_TRANSPORT: coterie -t ends with status 8 ($status)" test $status -eq 8
	tap_check "$LAB_TRANSPORT: with the same line" is_told "$LAB_DIR/1/tested" || tap_note "$(cat "$LAB_DIR/1/tested")"
	: >"$LAB_DIR/1/out"
}

give_key() {
	local node

	for node in "$@"; do
		cp -p "$LAB_DIR/authkey" "$LAB_DIR/$node/state/authkey" || return
	done
}

ctl() { lab_in "$1" "$LAB_CTL" "${@:2}" 2>&1; }
has_cipher() { ctl "$1" key status | grep -q "^Cipher *$2$"; }
all_have() {
	local node

	for node in 1 2 3; do
		has_cipher $node "$1" || return
	done
}
# shows_origin NODE LINE: among the keys with their origins
shows_origin() { ctl "$1" config show --effective totem. | grep -Fx -- "$2"; }
option_is() {
	if [ "$LAB_TRANSPORT" = knet ]; then
		shows_origin 1 "totem.crypto_cipher (str) = aes256  [default, change: reload]" &&
			shows_origin 1 "totem.crypto_hash (str) = sha256  [default, change: reload]"
	else
		shows_origin 1 "totem.encryption (str) = aes256-gcm  [default, change: reload]"
	fi
}
status_names() { ctl "$1" status | grep -q -- "$2"; }

encrypts_with_the_key() {
	local node before

	for node in 1 2 3; do
		write $node ""
		give_key $node
	done
	lab_start 1 2 3
	lab_ring 3 1 2 3
	tap $? "$LAB_TRANSPORT: with the key: one ring"
	tap_check "$LAB_TRANSPORT: it is encrypted" all_have "$cipher" || tap_note "$(ctl 1 key status)"
	tap_check "$LAB_TRANSPORT: its status has no issue with that" test -z "$(ctl 1 status | grep -i "not encrypted")"
	tap_check "$LAB_TRANSPORT: config show names the default" option_is || tap_note "$(ctl 1 config show --effective totem.)"
	tap_check "$LAB_TRANSPORT: config diff: it is as in the file" test -z "$(ctl 1 config diff | grep "crypto\|encryption\|key")"
	lab_traffic "$LAB_TRANSPORT: encrypted by default" 1400 1 2 3
	before=$(reload_changes 1 2 3)
	for node in 1 2 3; do
		write $node "encryption = none"
	done
	reload_ask 1 reload >/dev/null
	tap_check "$LAB_TRANSPORT: 'encryption = none' and a reload: in clear" reload_until 20 all_have none
	tap_check "$LAB_TRANSPORT: which the status names" reload_until 5 status_names 1 "not encrypted"
	for node in 1 2 3; do
		write $node ""
	done
	rm "$LAB_DIR/3/state/authkey"
	reload_ask 2 reload >"$LAB_DIR/asked" 2>&1
	tap_check "$LAB_TRANSPORT: without the key of node 3 no reload" test $? -ne 0
	tap_check "$LAB_TRANSPORT: which its log explains" reload_until 5 grep -q "$(line)" "$LAB_DIR/3/log"
	tap_check "$LAB_TRANSPORT: all stay in clear" all_have none
	give_key 3
	reload_ask 2 reload >/dev/null
	tap_check "$LAB_TRANSPORT: without it and a reload: encrypted" reload_until 20 all_have "$cipher"
	lab_traffic "$LAB_TRANSPORT: encrypted again" 1400 1 2 3
	tap_check "$LAB_TRANSPORT: the ring stays ($before)" test "$before" = "$(reload_changes 1 2 3)"
}

# The key of node 4 comes later.
names_a_node_in_clear() {
	local before

	before=$(reload_changes 1 2 3)
	write 4 "encryption = none"
	lab_start 4
	lab_ring 1 4
	tap $? "$LAB_TRANSPORT: a node in clear: a ring of its own"
	tap_check "$LAB_TRANSPORT: the others name it" reload_until 20 status_names 1 "node 4: its datagrams are not encrypted"
	tap_check "$LAB_TRANSPORT: config show names the file and a reload" shows_origin 4 \
		"totem.encryption (str) = none  [coterie.conf:9, change: reload]"
	write 4 ""
	reload_ask 4 reload >"$LAB_DIR/4/asked" 2>&1
	tap_check "$LAB_TRANSPORT: no reload without a key" test $? -ne 0
	tap_check "$LAB_TRANSPORT: with the same line" grep -q "Unable to reload config file: .*$(line)" "$LAB_DIR/4/log"
	tap_check "$LAB_TRANSPORT: the node stays as it was" has_cipher 4 none
	tap_check "$LAB_TRANSPORT: the others' ring stays" test "$before" = "$(reload_changes 1 2 3)"
	give_key 4
	reload_ask 4 reload >/dev/null
	lab_ring 4 1 2 3 4
	tap $? "$LAB_TRANSPORT: with the key and a reload it is one of them"
}

# The first config of README.md, with what the lab needs, and the key that it says to make.
readme_example() {
	local node

	for node in 1 2; do
		{
			awk '/^## / { on = /^## For operators/ } on && sub(/^    /, "") { print; seen = 1; next } seen { exit }' \
				"$LAB_HERE/../../README.md"
			printf 'log { syslog = no  file = "%s" }\n' "$LAB_DIR/$node/log"
			printf 'process { realtime = no  lock-memory = no  state-dir = "%s" }\n' "$LAB_DIR/$node/state"
		} >"$LAB_DIR/$node/coterie.conf"
		give_key $node
	done
	lab_start 1 2
	lab_ring 2 1 2
	tap $? "the example of README.md: one ring"
	tap_check "the example of README.md: it is encrypted" has_cipher 2 aes256-gcm
	lab_stop 1 2
	tap $? "the example of README.md: all stop with status 0"
}

# The two ways out of the line, as it says them. The system's config folder is an empty one for node 1.
line_helps() {
	local folder test=("$LAB_BUILD/exec/coterie" -t -c "$LAB_DIR/1/coterie.conf")

	folder=$(sed -n "s|.*no key for the ring: '\(.*\)/coterie/authkey' .*|\1|p" "$LAB_DIR/1/tested")
	if [ ! -d "$folder" ] || ! lab_in 1 mount -t tmpfs lab "$folder"; then
		tap_note "there is no folder '$folder' to play in"
		return
	fi
	lab_in 1 mkdir "$folder/coterie"
	write 1 ""
	rm -f "$LAB_DIR/1/state/authkey"
	tap_check "'coterie-ctl key create' as the line says" lab_in 1 "$LAB_CTL" key create
	tap_check "is enough on this node" lab_in 1 "${test[@]}"
	lab_in 1 rm -f "$folder/coterie/authkey"
	tap_check "without the key it is not" fails lab_in 1 "${test[@]}"
	write 1 "encryption = none"
	tap_check "'encryption = none' as the line says is enough, too" lab_in 1 "${test[@]}"
}
fails() { ! "$@"; }

prints() { lab_in 1 "$LAB_BUILD/exec/coterie" "${@:2}" 2>&1 | grep -q "^	$1"; }
# No key is needed for that.
converts() {
	write 1 ""
	rm -f "$LAB_DIR/1/state/authkey"
	tap_check "a plain corosync.conf says so as coterie.conf" prints "encryption = none	# corosync.conf" \
		--print-config -c "$LAB_DIR/1/corosync.conf"
	tap_check "a coterie.conf that says nothing is encrypted as corosync.conf" prints "encryption: aes256-gcm$" \
		--print-config=corosync -c "$LAB_DIR/1/coterie.conf"
}

lab_open coterie coterie coterie coterie
# shellcheck disable=SC2034 # read by lab.sh
LAB_FILES=([1]=coterie.conf [2]=coterie.conf [3]=coterie.conf [4]=coterie.conf)
tap_check "key create" lab_in 1 "$LAB_CTL" key create "$LAB_DIR/authkey"
for LAB_TRANSPORT in ${TRANSPORTS:-udpu udp knet}; do
	cipher=aes256-gcm
	if [ "$LAB_TRANSPORT" = knet ]; then
		[ -e "$LAB_BUILD/.libs/knet.so" ] || continue
		cipher=aes256
	fi
	stops_without_a_key
	encrypts_with_the_key
	if [ "$LAB_TRANSPORT" = knet ]; then
		lab_stop 1 2 3
	else
		names_a_node_in_clear
		lab_stop 1 2 3 4
	fi
	tap $? "$LAB_TRANSPORT: all stop with status 0"
done
LAB_TRANSPORT=udpu
line_helps
[ -n "${LAB_ENCRYPTION:-}" ] || converts
readme_example
lab_close
