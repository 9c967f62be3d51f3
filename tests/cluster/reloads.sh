# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Reloads, shutdowns by consent and killed nodes, for rings of any kinds: source lab.sh first, lab_open four
# nodes, then play what is wanted. Node 4 is in no node list before reload_play_newcomer.

# reload_list "NODE..." NODE...: these nodes' files name the nodes of the list.
reload_list() {
	local node LAB_LIST=$1

	shift
	for node in "$@"; do
		(
			# shellcheck disable=SC2034 # lab_config reads it
			read -ra LAB_NODES <<<"$LAB_LIST"
			lab_config "$node"
		) >"$LAB_DIR/$node/corosync.conf"
	done
}

reload_ask() {
	local node=$1

	shift
	lab_in "$node" -t 30 "$(lab_program cfg_ask)" "$@"
}

# Configurations of the ring that the nodes have logged, one number each.
reload_changes() {
	local node

	for node in "$@"; do
		grep -c 'A new membership' "$LAB_DIR/$node/log"
	done | paste -sd' '
}

# Messages a second of each node while keys change. One transport at full speed is enough: udpu.
reload_rate() { [ "$LAB_TRANSPORT" = udpu ] || echo 5000; }

# reload_until SECONDS COMMAND...: true once the command is.
reload_until() {
	local deadline=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.1
	done
}

# reload_has NODE KEY VALUE
reload_has() { [ "$(reload_ask "$1" get "$2")" = "$3" ]; }
reload_logged() { grep -q "$2" "$LAB_DIR/$1/log"; }

# Timers change again and again, asked for by every node, while all send.
reload_play_load() {
	local before after node i pid

	before=$(reload_changes 1 2 3)
	LAB_MS=20000 lab_traffic "reloads under load" 1400 1 2 3 &
	pid=$!
	for i in 1 2 3 4 5 6; do
		LAB_TOKEN=$((LAB_TOKEN + 10)) reload_list "1 2 3" 1 2 3
		LAB_TOKEN=$((LAB_TOKEN + 10))
		reload_ask $((i % 3 + 1)) reload >>"$LAB_DIR/asked" || echo "failed $i" >>"$LAB_DIR/asked"
		sleep 0.3
	done
	lab_enough
	wait $pid
	tap_count_background $?
	after=$(reload_changes 1 2 3)
	tap_check "reloads are done: $(paste -sd' ' <"$LAB_DIR/asked")" test ! -s "$LAB_DIR/asked"
	tap_check "no membership change by a reload ($before, $after)" test "$before" = "$after"
	for node in 1 2 3; do
		tap_check "node $node has the new timeout" \
			reload_until 5 reload_has "$node" runtime.config.totem.token "$LAB_TOKEN"
	done
}

# The subshell has printed its result, but its count is not ours.
tap_count_background() {
	tap_count=$((tap_count + 1))
	[ "$1" -eq 0 ] || tap_failed=$((tap_failed + 1))
}

# A file that one node refuses: the others have changed, it has not.
reload_play_bad_file() {
	local node=$1 other=$2 old=$LAB_TOKEN

	reload_ask "$node" keys >"$LAB_DIR/keys"
	LAB_TOKEN=$((LAB_TOKEN + 100)) reload_list "1 2 3" 1 2 3
	echo "totem { token: abc" >>"$LAB_DIR/$node/corosync.conf"
	tap_check "node $node refuses its file" test "$(reload_ask "$node" reload)" = CS_ERR_INVALID_PARAM
	tap_check "it says so" test "$(reload_ask "$node" get config.reload_status)" = 7
	tap_check "and why" reload_logged "$node" "Unable to reload config file"
	tap_check "nothing is in progress" \
		test "$(reload_ask "$node" get config.totemconfig_reload_in_progress)" = 0
	tap_check "no key of node $node has changed" \
		diff <(grep -v config_version "$LAB_DIR/keys") <(reload_ask "$node" keys | grep -v config_version)
	tap_check "node $other has taken its file" \
		reload_until 5 reload_has "$other" runtime.config.totem.token $((old + 100))
	LAB_TOKEN=$((old + 100))
	reload_list "1 2 3" 1 2 3
	tap_check "node $node takes a good one" reload_ask "$node" reload
	tap_check "with status 1" test "$(reload_ask "$node" get config.reload_status)" = 1
}

# A signal has the file checked as a reload has it, and changes nothing.
reload_play_signal() {
	local node=$1 old=$LAB_TOKEN daemon

	daemon=$(pgrep -P "${LAB_DAEMONS[node]}" || echo "${LAB_DAEMONS[node]}")
	LAB_TOKEN=$((old + 100)) reload_list "1 2 3" "$node"
	kill -HUP "$daemon"
	tap_check "SIGHUP: what a reload would change" reload_until 5 reload_logged "$node" \
		"Config file checked: a reload changes totem.token $old -> $((old + 100))"
	tap_check "it is not changed" reload_has "$node" totem.token "$old"
	echo "totem { token: abc" >>"$LAB_DIR/$node/corosync.conf"
	kill -HUP "$daemon"
	tap_check "SIGHUP: why a reload would be refused" reload_until 5 \
		reload_has_text "$node" config.reload_error_message "corosync.conf:"
	reload_list "1 2 3" "$node"
	kill -HUP "$daemon"
	tap_check "SIGHUP: all is well" reload_until 5 reload_logged "$node" "a reload changes nothing"
	tap_check "and no error is left" \
		test "$(reload_ask "$node" get config.reload_error_message)" = CS_ERR_NOT_EXIST
}
reload_has_text() { [[ "$(reload_ask "$1" get "$2")" = *"$3"* ]]; }

# reload_has_all KEY VALUE NODE...: true when all nodes say so
reload_has_all() {
	local node key=$1 value=$2

	shift 2
	for node in "$@"; do
		reload_has "$node" "$key" "$value" || return
	done
}

# The same where no node is Corosync's: nobody has changed anything.
reload_play_refusal() {
	local node=$1 other=$2 old=$LAB_TOKEN peer

	for peer in 1 2 3; do
		reload_ask "$peer" keys | grep -v config_version >"$LAB_DIR/keys$peer"
	done
	LAB_TOKEN=$((LAB_TOKEN + 100)) reload_list "1 2 3" 1 2 3
	echo "totem { token: abc" >>"$LAB_DIR/$node/corosync.conf"
	tap_check "node $other cannot reload with the file of node $node" \
		test "$(reload_ask "$other" reload)" = CS_ERR_INVALID_PARAM
	tap_check "node $node says why" reload_logged "$node" "Unable to reload config file"
	for peer in 1 2 3; do
		tap_check "node $peer knows" reload_until 5 reload_has "$peer" config.reload_status 7
		tap_check "and who it was" reload_logged "$peer" \
			"Config reload refused, nothing has changed: node $node: .*corosync.conf:"
		tap_check "nothing is in progress there" \
			reload_has "$peer" config.totemconfig_reload_in_progress 0
		tap_check "no key of node $peer has changed" \
			diff "$LAB_DIR/keys$peer" <(reload_ask "$peer" keys | grep -v config_version)
	done
	LAB_TOKEN=$((old + 100))
	reload_list "1 2 3" 1 2 3
	tap_check "all take good ones" reload_ask "$node" reload
	tap_check "and have taken them when the answer comes" \
		reload_has_all runtime.config.totem.token "$LAB_TOKEN" 1 2 3
	tap_check "with status 1" reload_has_all config.reload_status 1 1 2 3
}

# Node 4 comes into the list, then into the ring.
reload_play_newcomer() {
	local before

	before=$(reload_changes 1 2 3)
	reload_list "1 2 3 4" 1 2 3 4
	tap_check "node 4 in the node list" reload_ask 2 reload
	tap_check "its address is known" \
		reload_until 5 test "$(reload_ask 1 addresses 4)" = 10.0.0.4
	sleep 1
	tap_check "no membership change by it" test "$before" = "$(reload_changes 1 2 3)"
	lab_start 4
	tap_check "node 4 joins" lab_ring 4 1 2 3 4
	lab_traffic "with node 4" 1000 1 2 3 4
}

# Node 4 leaves, then the list. Nobody else notices the second.
reload_play_leaver() {
	local before

	lab_stop 4
	tap $? "node 4 stops"
	tap_check "a ring of three" lab_ring 3 1 2 3
	before=$(reload_changes 1 2 3)
	reload_list "1 2 3" 1 2 3
	tap_check "node 4 out of the node list" reload_ask 3 reload
	tap_check "its address is forgotten" test "$(reload_ask 3 addresses 4)" = CS_ERR_NOT_EXIST
	sleep 1
	tap_check "no membership change by it" test "$before" = "$(reload_changes 1 2 3)"
	lab_traffic "without node 4" 1000 1 2 3
}

# A member that is taken out of the list while it runs stays until it stops, and is a stranger then.
reload_play_departing() {
	local before

	before=$(reload_changes 1 2 3 4)
	reload_list "1 2 3" 1 2 3
	tap_check "a running member out of the node list" reload_ask 1 reload
	tap_check "the others know that it goes" \
		reload_until 5 reload_logged 2 "Node 4 .* stays in the ring until it leaves"
	sleep 2
	tap_check "no membership change by it" test "$before" = "$(reload_changes 1 2 3 4)"
	lab_traffic "a departing member" 1000 1 2 3 4
	lab_stop 4
	tap $? "it stops"
	tap_check "a ring of three" lab_ring 3 1 2 3
	tap_check "it has left" reload_until 5 reload_logged 3 "Node 4 has left, and is not in the nodelist"
	before=$(reload_changes 1 2 3)
	lab_start 4
	tap_check "a stranger is alone" lab_ring 1 4
	sleep 2
	tap_check "and disturbs nobody" test "$before" = "$(reload_changes 1 2 3)"
	lab_kill 4
}

# reload_play_shutdown NODE OTHER: NODE is asked to stop.
reload_play_shutdown() {
	local node=$1 other=$2 tracker

	for answer in no yes; do
		: >"$LAB_DIR/tracker"
		lab_exec "$node" -t 60 "$(lab_program cfg_ask)" track $answer >"$LAB_DIR/tracker" 2>&1 &
		tracker=$!
		reload_until 10 grep -q tracking "$LAB_DIR/tracker"
		if [ $answer = no ]; then
			tap_check "node $node: one objects to a shutdown" \
				test "$(reload_ask "$node" shutdown 0)" = CS_ERR_BUSY
			lab_alive "$node"
			tap $? "node $node goes on"
			kill $tracker
		else
			tap_check "node $node: all agree" reload_ask "$node" shutdown 0
		fi
		tap_check "it was asked" grep -q "asked 0" "$LAB_DIR/tracker"
		wait $tracker 2>/dev/null
	done
	wait "${LAB_DAEMONS[node]}"
	tap $? "the daemon of node $node ends well"
	tap_check "node $other knows why" \
		reload_until 10 reload_logged "$other" "Node $node was shut down by sysadmin"
}

# reload_play_kill NODE KILLER
reload_play_kill() {
	local node=$1 killer=$2

	tap_check "a node that is no member is not killed" \
		test "$(reload_ask "$killer" kill 9)" = CS_ERR_NOT_EXIST
	tap_check "node $killer kills node $node" reload_ask "$killer" kill "$node"
	wait "${LAB_DAEMONS[node]}"
	tap_check "its exit status is 255" test $? = 255
	tap_check "it knows who and why" reload_until 10 reload_logged "$node" "Killed by node $killer : the test says so"
}
