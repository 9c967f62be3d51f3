#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# `coterie-ctl key rotate` on real rings: rotation after rotation while all send, with one order and nothing lost. Each
# refusal leaves the old key on all nodes. Nodes die in the middle of a rotation.
#
#	ROTATIONS   under load on each transport: 20
#	TRANSPORTS  "udpu udp"; knet works too
#	RATE        messages a second of each node meanwhile; 5,000, on udpu without a limit
#	DEATHS      of a node at any moment of a rotation: 3
# shellcheck disable=SC2317 # functions are called through reload_until
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/reloads.sh
. "$(dirname "$0")/reloads.sh"

ROTATIONS=${ROTATIONS:-20}
DEATHS=${DEATHS:-3}
LAB_TOKEN=${LAB_TOKEN:-3000}
LAB_CTL=$LAB_BUILD/tools/.libs/coterie-ctl
[ -x "$LAB_CTL" ] || LAB_CTL=$LAB_BUILD/tools/coterie-ctl

# Each node has its key file in a folder of its own.
key_of() { echo "$LAB_DIR/$1/keys/authkey"; }

# encrypt NODE [clear]
encrypt() {
	local lines="encryption: aes256-gcm"

	[ "$LAB_TRANSPORT" != knet ] || lines=$'crypto_cipher: aes256\n\t\t\tcrypto_hash: sha256'
	(
		LAB_ENCRYPTION=
		# shellcheck disable=SC2034 # lab_config reads it
		LAB_TOTEM="$lines
			keyfile: $(key_of "$1")"
		# shellcheck disable=SC2034
		[ "${2:-}" != clear ] || LAB_TOTEM=
		lab_config "$1"
	) >"$LAB_DIR/$1/corosync.conf"
}

# give_key FILE NODE...
give_key() {
	local file=$1 node

	shift
	for node in "$@"; do
		mkdir -p "$LAB_DIR/$node/keys"
		install -m 400 "$file" "$(key_of "$node")"
	done
}

# rotate NODE [--force]: the status is the command's, its text is in the file said
rotate() {
	local node=$1

	shift
	lab_in "$node" timeout 100 "$LAB_CTL" key rotate "$@" >"$LAB_DIR/said" 2>&1
}
said() { grep -q -- "$1" "$LAB_DIR/said"; }

# rotates_with STATUS NODE...: and no other status
rotates_with() {
	local status=0 want=$1

	shift
	rotate "$@" || status=$?
	[ $status = "$want" ] || {
		tap_note "status $status: $(cat "$LAB_DIR/said")"
		return 1
	}
}

sums() {
	local node

	for node in "$@"; do
		sha256sum <"$(key_of "$node")"
	done | sort -u
}
have_one_key() { [ "$(sums "$@" | wc -l)" = 1 ]; }
have_key() { # SUM NODE...
	[ "$(sums "${@:2}")" = "$1" ]
}
nothing_is_left() { # NODE...
	local node

	for node in "$@"; do
		[ ! -e "$(key_of "$node").next" ] || return 1
	done
}
show_one_id() {
	[ "$LAB_TRANSPORT" = knet ] || [ "$(for node in "$@"; do
		lab_in "$node" "$LAB_CTL" key status 2>&1 | grep "^Key id"
	done | sort -u | wc -l)" = 1 ]
}

rotations_under_load() {
	local before first pid i failed=0

	before=$(reload_changes 1 2 3)
	first=$(sums 1)
	LAB_MS=$((ROTATIONS * 4000 + 1000)) LAB_RATE=${RATE:-$(reload_rate)} lab_traffic "$LAB_TRANSPORT: rotations under load" 1400 1 2 3 &
	pid=$!
	: >"$LAB_DIR/times"
	for i in $(seq "$ROTATIONS"); do
		local begin=${EPOCHREALTIME/./}

		rotates_with 0 $((i % 3 + 1)) || failed=$((failed + 1))
		echo $(((${EPOCHREALTIME/./} - begin) / 1000)) >>"$LAB_DIR/times"
	done
	lab_enough
	wait $pid
	tap_count_background $?
	tap_check "$LAB_TRANSPORT: $ROTATIONS rotations, of $(sort -n "$LAB_DIR/times" | sed -n '1p;$p' | paste -sd-) ms" \
		test $failed = 0
	tap_check "all nodes have one key file, which is new" have_one_key 1 2 3
	tap_check "it is not the first one" test "$(sums 1)" != "$first"
	tap_check "key status has one key id" show_one_id 1 2 3
	tap_check "no file is left" nothing_is_left 1 2 3
	tap_check "the mode is 0400" test "$(stat -c %a "$(key_of 1)")" = 400
	tap_check "$LAB_TRANSPORT: the ring stays ($before, $(reload_changes 1 2 3))" \
		test "$before" = "$(reload_changes 1 2 3)"
	tap_check "no packet was refused" test -z "$(grep -h "packet refused" "$LAB_DIR"/[123]/log)"
	tap_check "no node has lost its key's change" \
		test "$(grep -c "The ring's keys have changed" "$LAB_DIR/2/log")" = "$ROTATIONS"
}

restarts_with_the_new_key() {
	lab_stop 3
	tap $? "$LAB_TRANSPORT: node 3 stops"
	lab_start 3
	lab_ring 3 1 2 3
	tap $? "it comes back with the new key"
}

refuses_without_a_node() {
	local key

	key=$(sums 1)
	lab_stop 3
	lab_ring 2 1 2
	tap_check "a node is absent: refused" rotates_with 7 1
	tap_check "it is named" said "nodes of the node list are not in the ring: 3; --force leaves them out"
	tap_check "and nothing has changed" have_key "$key" 1 2 3
	tap_check "by force it is left out" rotates_with 0 1 --force
	tap_check "and named" said "Node 3: absent: .*copy the new key file"
	tap_check "the others have a new key" test "$(sums 1 2)" != "$key"
	lab_start 3
	lab_ring 1 3
	tap $? "the absent node is a stranger"
	lab_stop 3
	give_key "$(key_of 1)" 3
	lab_start 3
	lab_ring 3 1 2 3
	tap $? "with a copy of the key it is one of them"
}

# in_mounts NODE COMMAND...: where the daemon sees it
in_mounts() { "$LAB_ENTER" "${LAB_HOLDERS[$1]}" "${@:2}"; }

refuses_a_folder_that_is_closed() {
	local key folder

	key=$(sums 1)
	folder=$(dirname "$(key_of 2)")
	in_mounts 2 mount --bind "$folder" "$folder" && in_mounts 2 mount -o remount,bind,ro "$folder"
	tap_check "a folder that cannot be written: refused" rotates_with 7 1
	tap_check "with the reason" said "Node 2: refused: key file '.*' is in a folder that the daemon cannot write (Read-only"
	tap_check "nothing has changed" have_key "$key" 1 2 3
	tap_check "and no file is left" nothing_is_left 1 2 3
	in_mounts 2 umount "$folder"
	tap_check "afterwards it works" rotates_with 0 1
	lab_traffic "$LAB_TRANSPORT: with another key" 1400 1 2 3
}

# A member that does not answer, and dies then: the ring changes before all have spoken.
dies_before_the_decision() {
	local key status=0 pid

	key=$(sums 1)
	lab_pause 3
	rotate 1 &
	pid=$!
	sleep 0.3
	lab_kill 3
	wait $pid || status=$?
	tap_check "a node that dies before the decision: status 7" test $status = 7
	tap_check "the old key is in use" have_key "$key" 1 2
	# A node that had stored the key already leaves it beside the old one. While a member is stopped the ring stands, and
	# the key may not have come so far. On a slow machine the request comes when the node is dead already.
	tap_check "the answer says what has happened" \
		said "nodes outside of this ring may have the new one\|the node list are not in the ring: 3" || tap_note "$(cat "$LAB_DIR/said")"
	lab_ring 2 1 2
	lab_start 3
	lab_ring 3 1 2 3
	tap $? "it comes back with its key"
}

# The decision is one moment. A node that dies between it and the rename has both files, and says so.
dies_at_any_moment() {
	local i pid survived=0

	for i in $(seq "$DEATHS"); do
		rotate 1 &
		pid=$!
		sleep "0.0$((RANDOM % 90 + 10))"
		lab_kill 3
		wait $pid # a rotation may end in either way
		lab_ring 2 1 2 || break
		have_one_key 1 2 || break
		if ! have_one_key 1 3; then
			cmp -s "$(key_of 1)" "$(key_of 3).next" || break
			mv "$(key_of 3).next" "$(key_of 3)"
		fi
		lab_start 3
		lab_ring 3 1 2 3 || break
		survived=$((survived + 1))
	done
	tap_check "$LAB_TRANSPORT: $DEATHS deaths at any moment lose no key ($survived)" test $survived = "$DEATHS"
	lab_traffic "$LAB_TRANSPORT: afterwards" 1400 1 2 3
}

a_file_is_left() {
	lab_stop 3
	mv "$(key_of 3)" "$(key_of 3).next"
	install -m 400 "$LAB_DIR/first" "$(key_of 3)"
	lab_start 3
	lab_ring 1 3
	tap $? "a node that has missed the rename is a stranger"
	tap_check "its log names the file" reload_until 5 reload_logged 3 \
		"A rotation of the key did not end on this node and has left '.*authkey.next'"
	lab_stop 3
	mv "$(key_of 3).next" "$(key_of 3)"
	lab_start 3
	lab_ring 3 1 2 3
	tap $? "with that file it is one of them"
}

refuses_a_plain_ring() {
	local node

	lab_stop 1 2 3
	for node in 1 2 3; do
		encrypt $node clear
	done
	lab_start 1 2 3
	lab_ring 3 1 2 3
	tap $? "$LAB_TRANSPORT: a ring in clear"
	tap_check "it has no key to rotate" rotates_with 7 2
	tap_check "and says so" said "the ring is not encrypted"
}

# write_native NODE LINE: its coterie.conf, with that line in the block of the transport
write_native() {
	local peer

	LAB_FILES[$1]=coterie.conf
	{
		printf 'totem { token = %sms  token-per-node = 0 }\n' "$LAB_TOKEN"
		printf 'transport %s { encryption = aes256-gcm  %s }\n' "$LAB_TRANSPORT" "$2"
		printf 'log { syslog = no  file = "%s" }\n' "$LAB_DIR/$1/log"
		printf 'process { realtime = no  lock-memory = no  state-dir = "%s" }\n' "$LAB_DIR/$1/state"
		for peer in 1 2 3; do
			printf 'node node%s { id = %s  address = 10.0.0.%s }\n' $peer $peer $peer
		done
	} >"$LAB_DIR/$1/coterie.conf"
}

# The daemon runs as a user of its own, if that can be, and writes its state folder alone.
rotates_in_the_state_folder() {
	local key node

	key_of() { echo "$LAB_DIR/$1/state/authkey"; }
	give_key "$LAB_DIR/first" 1 2 3
	for node in 1 2 3; do
		write_native $node ""
	done
	lab_start 1 2 3
	lab_ring 3 1 2 3
	tap $? "a coterie.conf that names no file (user ${LAB_USER:-root})"
	key=$(sums 1)
	tap_check "it rotates" rotates_with 0 1
	tap_check "and again" rotates_with 0 2
	tap_check "one key in the state folders" have_one_key 1 2 3
	tap_check "which is new" test "$(sums 1)" != "$key"
	lab_stop 3
	lab_start 3
	lab_ring 3 1 2 3
	tap $? "a node that starts finds it there"
	lab_stop 1 2 3
}

refuses_a_named_file_in_a_closed_folder() {
	local key node folder

	key_of() { echo "$LAB_DIR/$1/keys/authkey"; }
	give_key "$LAB_DIR/first" 1 2 3
	# A death at any moment may have left such a file. Here one node has one, and the same reason as the others.
	rm -f "$(key_of 1).next" "$(key_of 2).next" "$(key_of 3).next"
	: >"$(key_of 1).next"
	for node in 1 2 3; do
		write_native $node "key-file = \"$(key_of $node)\""
		folder=$(dirname "$(key_of $node)")
		in_mounts $node mount --bind "$folder" "$folder" && in_mounts $node mount -o remount,bind,ro "$folder"
	done
	lab_start 1 2 3
	lab_ring 3 1 2 3
	tap $? "a coterie.conf that names a file in a folder that is closed"
	key=$(sums 1)
	tap_check "refused" rotates_with 7 3
	tap_check "on each node" test "$(grep -c "^Node [123]: refused: " "$LAB_DIR/said")" = 3
	tap_check "for one reason" test "$(grep -c "Read-only" "$LAB_DIR/said")" = 3
	tap_check "with the ways out" said "remove key-file, so that the key is in the state folder, or use key create and copy"
	tap_check "JSON has the same" eval "lab_in 3 '$LAB_CTL' --json key rotate | grep -q '\"result\": *\"refused\"'"
	tap_check "nothing has changed" have_key "$key" 1 2 3
	tap_check "and no file is left" nothing_is_left 2 3
	lab_stop 1 2 3
	for node in 1 2 3; do
		in_mounts $node umount "$(dirname "$(key_of $node)")"
	done
}

lab_open coterie coterie coterie
"$LAB_CTL" --version >/dev/null 2>&1 || lab_in 1 "$LAB_CTL" --version >/dev/null || tap_skip "no coterie-ctl"
(umask 077 && head -c 256 /dev/urandom >"$LAB_DIR/first")
for LAB_TRANSPORT in ${TRANSPORTS:-udpu udp}; do
	rm -f "$LAB_DIR"/[123]/log
	give_key "$LAB_DIR/first" 1 2 3
	for node in 1 2 3; do
		encrypt $node
	done
	lab_start 1 2 3
	lab_ring 3 1 2 3
	tap $? "$LAB_TRANSPORT: one ring, encrypted"
	rotations_under_load
	restarts_with_the_new_key
	refuses_without_a_node
	refuses_a_folder_that_is_closed
	dies_before_the_decision
	dies_at_any_moment
	a_file_is_left
	refuses_a_plain_ring
	lab_alive 1 2 3
	tap $? "no daemon has exited"
	lab_stop 1 2 3
	tap $? "all stop with status 0"
done
[ "$(id -u)" -ne 0 ] || [ "$(awk '{ print $3 }' /proc/self/uid_map)" = 1 ] || LAB_USER=61999
LAB_TRANSPORT=udpu
rm -f "$LAB_DIR"/[123]/log
rotates_in_the_state_folder
refuses_a_named_file_in_a_closed_folder
lab_close
