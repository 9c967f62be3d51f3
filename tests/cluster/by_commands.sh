#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# An encrypted cluster of three from empty folders by commands alone: cluster create, then under load a fourth node, the key
# rotated, a link added, a node removed. A failure at any step leaves all nodes as they were. The commands are README.md's.
# shellcheck disable=SC2317 # functions are called through tap_check
# A loaded machine may hold a daemon up for a second, which is no failure here.
LAB_TOKEN=${LAB_TOKEN:-3000}
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/knet_lab.sh
. "$(dirname "$0")/knet_lab.sh"
# shellcheck source=tests/cluster/reloads.sh
. "$(dirname "$0")/reloads.sh"
# shellcheck source=tests/cluster/commands_lab.sh
. "$(dirname "$0")/commands_lab.sh"

three=(a=10.0.0.1 b=10.0.0.2 c=10.0.0.3)

# readme WORDS: README.md's command that begins so, without the name of the tool.
readme() { sed -n "s/^    coterie-ctl \\($1 .*\\)/\\1/p" "$LAB_HERE/../../README.md"; }
# plays_readme NODE WORDS: on that node.
plays_readme() {
	local words

	read -ra words <<<"$(readme "$2")"
	ends 0 "$1" "${words[@]}"
}

# --- what nodes have ---

# All files of a node below its config and state folders but ring ids: names, modes, sums.
files_of() {
	on "$1" sh -c "find $COMMANDS_CONFIG $COMMANDS_STATE ! -name 'ringid_*' ! -name 'fdata*' -printf '%p %m %u\n' | sort
		find $COMMANDS_CONFIG $COMMANDS_STATE -type f ! -name 'ringid_*' ! -name 'fdata*' -exec sha256sum {} + | sort"
}
files_of_all() {
	for node in 1 2 3 4; do
		echo "node $node" && files_of "$node"
	done
}
remember() { files_of_all >"$LAB_DIR/before"; }
are_as_before() { diff "$LAB_DIR/before" <(files_of_all); }
is_running() { lab_in "$1" "$LAB_CTL" status >/dev/null 2>&1; }
no_daemon_runs() { ! is_running 1 && ! is_running 2 && ! is_running 3 && ! is_running 4; }
have_one_key() {
	local node

	[ "$(for node in "$@"; do
		on "$node" sha256sum "$COMMANDS_CONFIG/coterie/authkey" | cut -d' ' -f1
	done | sort -u | wc -l)" = 1 ]
}
has_mode() { [ "$(on "$1" stat -c %a "$2")" = "$3" ]; }
config_has() { on "$1" grep -q -- "$2" "$(config_of "$1")"; }
memberships() { reload_changes 1 2 3; }
# Only those in which a node has come or gone. On knet one that leaves in order may be followed by a ring of the same members.
moves() {
	local node

	for node in 1 2 3; do
		grep -cE 'A new membership .* Members (joined|left)' "$LAB_DIR/$node/log"
	done | paste -sd' '
}

# Ask for one membership more on each of nodes 1 to 3.
one_more() { awk '{ print $1 + 1, $2 + 1, $3 + 1 }' <<<"$1"; }

# --- failures ---

# cut HOST REQUEST before|after
cut_at() {
	echo "$@" >"$LAB_DIR/cut"
	COMMANDS_USED="python3 $LAB_HERE/cutter.py $LAB_DIR/cut $COMMANDS_SHELL"
}
uncut() {
	COMMANDS_USED=
	[ ! -e "$LAB_DIR/cut" ] || {
		rm "$LAB_DIR/cut"
		return 1
	}
}

create_fails_at_any_step() {
	local step when

	remember
	for step in key write test place start; do
		for when in before after; do
			cut_at 10.0.0.3 "$step" "$when"
			tap_check "create, a session that ends $when '$step': status 1" ends 1 1 cluster create prod "${three[@]}" --start || return
			tap_check "it came there" uncut
			tap_check "the node is named" said "  c: "
			tap_check "nothing is left" said "All nodes are as they were before" || tap_note "$(cat "$LAB_DIR/said")"
			tap_check "all files are as before" are_as_before
			tap_check "no daemon runs" no_daemon_runs
		done
	done
	tap_check "create, with a transport that is not there: status 1" ends 1 1 cluster create prod "${three[@]}" --transport nosuch
	tap_check "it fails at the check" said "Failed at step 'test'"
	tap_check "with the reason" said "no plugin 'nosuch'" || tap_note "$(cat "$LAB_DIR/said")"
	tap_check "all files are as before" are_as_before
	on 3 mount -o remount,ro "$COMMANDS_CONFIG"
	tap_check "create, with a folder that is read-only: status 7" ends 7 1 cluster create prod "${three[@]}"
	tap_check "the node is named, and the reason" said "c: its folder '.*' cannot be written: Read-only"
	on 3 mount -o remount,rw "$COMMANDS_CONFIG"
	tap_check "all files are as before" are_as_before
	tap_check "create, with a host that is not there: status 7" ends 7 1 cluster create prod "${three[@]}" d=10.0.0.99
	tap_check "the host is named" said "d: it cannot be reached"
	tap_check "all files are as before" are_as_before
}

add_fails_at_any_step() {
	local before step host when

	before=$(memberships)
	remember
	for step in "4 key" "4 write" "3 test" "1 place" "4 place" "1 reload-check" "1 reload"; do
		read -r host step <<<"$step"
		for when in before after; do
			# A reload whose answer is lost has been made.
			[ "$step $when" != "reload after" ] || continue
			cut_at "10.0.0.$host" "$step" "$when"
			tap_check "node add, a session that ends $when '$step' on node $host: status 1" ends 1 2 node add d=10.0.0.4
			tap_check "it came there" uncut
			tap_check "nothing is left" said "All nodes are as they were before" || tap_note "$(cat "$LAB_DIR/said")"
			tap_check "all files are as before" are_as_before
		done
	done
	tap_check "the ring stays ($before)" test "$before" = "$(memberships)"
}

# --- success ---

transcript() { sed -e "s|$COMMANDS_CONFIG|/etc|g" -e 's/Coterie [0-9.]*[^,)]*/Coterie VERSION/' "$LAB_DIR/said"; }

creates() {
	remember
	tap_check "a dry run" ends 0 1 cluster create prod "${three[@]}" --dry-run --start
	tap_check "it is what the transcript says" diff "$LAB_HERE/by_commands.txt" <(transcript)
	tap_check "and changes nothing" are_as_before
	tap_check "cluster create" plays_readme 1 "cluster create" || return
	lab_ring 3 1 2 3
	tap $? "one ring of three"
	tap_check "it is encrypted" ends 0 1 key status
	tap_check "with aes256" said "^Cipher *aes256$"
	tap_check "with one key" have_one_key 1 2 3
	tap_check "of mode 0400" has_mode 3 "$COMMANDS_CONFIG/coterie/authkey" 400
	tap_check "status has nothing to say" ends 0 3 status
	tap_check "all is well" said "all is well"
	tap_check "a second create is refused" ends 7 1 cluster create prod "${three[@]}"
	tap_check "since the cluster runs" said "a: a daemon of cluster 'prod' runs there"
	tap_check "also by force" ends 7 1 cluster create other "${three[@]}" --force
}

# Node 4 has a systemd that only does what the commands need of it.
has_systemd() {
	cat >"$LAB_DIR/bin/systemctl" <<-END
		#!/bin/sh
		[ "\$2" = coterie ] || exit 1
		case \$1 in
		is-enabled) test -e /run/systemd/enabled ;;
		enable) touch /run/systemd/enabled ;;
		disable) rm /run/systemd/enabled ;;
		start) exec "$LAB_BUILD/exec/coterie" ;;
		*) exit 1 ;;
		esac
	END
	chmod 755 "$LAB_DIR/bin/systemctl"
	on 4 mkdir -p /run/systemd/system
}
is_enabled() { on 4 test -e /run/systemd/enabled; }

# The daemon of the new node can not be reached after its start, so all is undone.
add_fails_at_the_start() {
	local before

	before=$(moves)
	remember
	cut_at 10.0.0.4 start after
	tap_check "node add, a session that ends after 'start': status 1" ends 1 2 node add d=10.0.0.4 --start
	tap_check "it came there" uncut
	tap_check "nothing is left" said "All nodes are as they were before" || tap_note "$(cat "$LAB_DIR/said")"
	tap_check "all files are as before" are_as_before
	tap_check "the unit is disabled again" eval "! is_enabled"
	tap_check "its daemon has ended" eval "! is_running 4"
	lab_ring 3 1 2 3
	tap $? "a ring of three"
}

adds_a_node() {
	local before

	before=$(memberships)
	on 2 chmod 444 "$(config_of 2)"
	cut_at 10.0.0.1 reload after
	tap_check "node add, although the answer to the reload is lost" plays_readme 2 "node add" || return
	tap_check "it was lost" uncut
	lab_ring 4 1 2 3 4
	tap $? "a ring of four"
	tap_check "one membership more ($before)" test "$(one_more "$before")" = "$(memberships)"
	tap_check "with one key" have_one_key 1 2 3 4
	tap_check "config-version 2" config_has 4 "config-version = 2"
	tap_check "its unit is enabled" is_enabled
	tap_check "the mode of the file stays" has_mode 2 "$(config_of 2)" 444
	tap_check "the old file is kept" on 1 grep -q "config-version = 1" "$(config_of 1).old"
	tap_check "the files are alike" test "$(for node in 1 2 3 4; do on "$node" sha256sum "$(config_of "$node")"; done | sort -u | wc -l)" = 1
}

rotates_the_key() {
	local before

	before=$(memberships)
	tap_check "key rotate" ends 0 3 key rotate
	tap_check "the ring stays ($before)" test "$before" = "$(memberships)"
}

removes_a_node() {
	local before

	before=$(moves)
	tap_check "node remove" plays_readme 2 "node remove" || return
	lab_ring 3 1 2 3
	tap $? "a ring of three again"
	tap_check "one membership more ($before)" test "$(one_more "$before")" = "$(moves)"
	tap_check "its daemon has ended" eval "! is_running 4"
	tap_check "its unit is disabled" eval "! is_enabled"
	tap_check "its config is put aside" on 4 test ! -e "$(config_of 4)" -a -e "$(config_of 4).old"
	tap_check "its key, too" on 4 test ! -e "$COMMANDS_CONFIG/coterie/authkey" -a ! -e "$COMMANDS_STATE/authkey"
	tap_check "quorum is of three" ends 0 1 quorum
	tap_check "expected votes are three" said "[Ee]xpected.* 3" || tap_note "$(cat "$LAB_DIR/said")"
}

adds_a_link() {
	local before

	before=$(memberships)
	tap_check "an address for each node is needed" ends 7 1 link add a=10.1.0.1 b=10.1.0.2
	tap_check "link add" plays_readme 1 "link add" || return
	knet_links 1 6
	tap $? "two links to each of three nodes"
	tap_check "the ring stays ($before)" test "$before" = "$(memberships)"
	knet_cut 0 2
	sleep 3
	tap_check "it holds the ring without the first ($before)" test "$before" = "$(memberships)"
	knet_heal 0 2
	knet_links 2 6 # the next command goes from node 2 to the others by their first addresses
	tap $? "the first is back"
}

# A command that is killed while the ring is at its reload: the helpers keep what their daemons use.
adds_a_link_and_is_killed() {
	local node

	for node in 1 2 3; do
		on "$node" ip address add "10.2.0.$node/24" dev lo
	done
	cut_at 10.0.0.1 reload killed
	tap_check "link add, killed in its reload: no status of its own" ends 137 2 link add a=10.2.0.1 b=10.2.0.2 c=10.2.0.3
	tap_check "it came there" uncut
	for node in 1 2 3; do
		tap_check "the helper of node $node has ended" lab_await eval '! on $node test -e "$(config_of $node).before"'
		tap_check "its file has the link" config_has "$node" 10.2.0.3
		tap_check "its daemon, too" eval 'lab_in $node "$LAB_CTL" config get nodelist.node.2.ring2_addr | grep -q 10.2.0.3'
	done
}

under_load() {
	local pid

	LAB_MS=600000 LAB_RATE=200 lab_traffic load 1400 1 2 3 >"$LAB_DIR/load" &
	pid=$!
	sleep 1
	"$@"
	lab_enough
	wait $pid
	grep -q '^ok ' "$LAB_DIR/load"
	tap $? "create to link add under load: no message is lost, and all nodes see one order" ||
		tap_note "$(cat "$LAB_DIR/load")"
}

plays() {
	adds_a_node
	rotates_the_key
	adds_a_link
	removes_a_node
}

guards_quorum() {
	on 3 "$LAB_CTL" --version >/dev/null
	ctl 3 shutdown --yes
	lab_ring 2 1 2
	tap_check "node remove: the rest would lose quorum: status 7" ends 7 1 node remove b
	tap_check "it says why" said "b: the rest would lose quorum: without it 1 of 2 votes"
	tap_check "a node without its daemon can be removed" ends 0 1 node remove c
	tap_check "and two that are left are explained" said "both are needed for quorum"
	tap_check "status is good" ends 0 1 quorum
}

# No argument of any process, no output and no open file has the key.
keeps_the_secret() {
	local key

	key=$(on 1 od -An -tx1 -v "$COMMANDS_CONFIG/coterie/authkey" | tr -d ' \n')
	tap_check "the key is in no output" eval "! grep -q '${key:0:32}' '$LAB_DIR/said'"
}

commands_open 4
tap_note "remote shell: ${COMMANDS_SHELL%% *}"
create_fails_at_any_step
creates
keeps_the_secret
add_fails_at_any_step
has_systemd
add_fails_at_the_start
under_load plays
adds_a_link_and_is_killed
guards_quorum
lab_close
