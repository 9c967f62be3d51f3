# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What the tests of EVS in namespaces share: source it after lab.sh.
#
#	evs_watch OPTIONS... -- NODE...  record what a handle on each node sees, from one place in the order on
#	evs_end FIRST NODE...            to another: FIRST says where; true when all have ended well
#	evs_chat NODE...                 start the example program (EVS_CHAT names another that does the same for
#	                                 CPG) on each node; what it prints is in
#	evs_said NODE                    (without ring ids, and without rings formed anew by the same members)
#	evs_say NODE TEXT                one line for the chat of a node
#	evs_wait NODE SECONDS PATTERN    true once the chat of the node has said a line like it
#	evs_quiet                        end the chats

[ -e "$LAB_BUILD/evs.la" ] || tap_skip "the plugin evs is not built"

EVS_CHAT=services/evs/example/evs_chat
EVS_WATCHERS=()
EVS_CHATS=()
EVS_INPUTS=()

# A program of the build that may be libtool's wrapper.
evs_program() {
	local path

	for path in "$LAB_BUILD/${1%/*}/.libs/${1##*/}" "$LAB_BUILD/$1"; do
		[ ! -x "$path" ] || {
			echo "$path"
			return
		}
	done
}

# within SECONDS COMMAND...: true once the command is.
within() {
	local until=$((${EPOCHREALTIME/./} + $1 * 1000000))

	shift
	until "$@"; do
		[ "${EPOCHREALTIME/./}" -lt "$until" ] || return 1
		lab_nap 0.02
	done
}

evs_watch() {
	local options=() node

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	EVS_WATCHERS=()
	for node in "$@"; do
		: >"$LAB_DIR/$node/evs"
		lab_exec "$node" "$(lab_program evs_watch)" "${options[@]}" -w 120 \
			>"$LAB_DIR/$node/evs" 2>&1 &
		EVS_WATCHERS[node]=$!
	done
	for node in "$@"; do
		within "$LAB_PATIENCE" grep -q '^ready' "$LAB_DIR/$node/evs" || evs_abandon || return
	done
	lab_in "$1" "$(lab_program evs_watch)" -s -w "$LAB_PATIENCE" || evs_abandon || return
	for node in "$@"; do
		within "$LAB_PATIENCE" grep -q '^start' "$LAB_DIR/$node/evs" || evs_abandon || return
	done
}

# After a failure: nobody is to write to the records of the next ones.
evs_abandon() {
	tap_note "the watchers do not start: $(tail -n 3 "$LAB_DIR"/*/evs)"
	kill -KILL "${EVS_WATCHERS[@]}"
	wait "${EVS_WATCHERS[@]}" 2>/dev/null
	return 1
}

evs_end() {
	local first=$1 node status=0

	shift
	kill -TERM "${EVS_WATCHERS[first]}"
	for node in "$@"; do
		timeout 20 tail -s 0.05 --pid="${EVS_WATCHERS[node]}" -f /dev/null
		grep -q '^end ' "$LAB_DIR/$node/evs" || status=1
		wait "${EVS_WATCHERS[node]}" || status=1
	done
	[ $status -eq 0 ] || for node in "$@"; do
		tap_note "node $node saw" "$(cat "$LAB_DIR/$node/evs")"
	done
	return $status
}

# evs_changes NODE: print the configurations that its watcher received, without ring ids and messages. Rings
# that the same members formed again are left out, since some may occur on the way to another ring.
evs_changes() {
	sed -n 's/^\(transitional\|regular\) [^ ]* \(.*\) after .*/\1 \2/p' "$LAB_DIR/$1/evs" | awk '
		$1 == "transitional" { before = $0; next }
		before ~ / left joined / && / joined (un)?safe$/ { next }
		{ print before; print }'
}

evs_chat() {
	local node fd

	for node in "$@"; do
		rm -f "$LAB_DIR/$node/say"
		mkfifo "$LAB_DIR/$node/say"
		: >"$LAB_DIR/$node/said"
		{ # without the other chats' inputs, or those would never end
			for fd in "${EVS_INPUTS[@]}"; do
				exec {fd}>&-
			done
			lab_exec "$node" "$(evs_program "$EVS_CHAT")" \
				<"$LAB_DIR/$node/say" >"$LAB_DIR/$node/said" 2>&1
		} &
		EVS_CHATS[node]=$!
		exec {fd}>"$LAB_DIR/$node/say"
		EVS_INPUTS[node]=$fd
	done
	for node in "$@"; do
		within "$LAB_PATIENCE" test -s "$LAB_DIR/$node/said" || return
	done
}

evs_said() {
	sed 's/^\(transitional\|regular\) [^ ]*/\1/' "$LAB_DIR/$1/said" | awk '
		/^transitional/ && / left (un)?safe$/ { before = $0; next }
		before != "" && /^regular/ && / joined (un)?safe$/ { before = ""; next }
		before != "" { print before; before = "" }
		{ print }'
}
evs_say() { echo "$2" >&"${EVS_INPUTS[$1]}"; }
evs_wait() { within "$2" grep -q "$3" "$LAB_DIR/$1/said"; }

evs_quiet() {
	local node fd

	for node in "${!EVS_CHATS[@]}"; do
		fd=${EVS_INPUTS[node]}
		exec {fd}>&-
		timeout 10 tail -s 0.05 --pid="${EVS_CHATS[node]}" -f /dev/null
	done
	EVS_CHATS=()
	EVS_INPUTS=()
}
