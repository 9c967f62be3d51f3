# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# shellcheck disable=SC2034 # LAB_KINDS is lab.sh's
# Debian's unmodified tools and ours, at Debian's daemon and ours: they print the same, on both
# outputs, and end with the same status. Debian's pair is what the others are compared with, and it
# is compared with the transcripts of tools/*.txt, made elsewhere. What tools.sh and its like share:
# each sources this, opens a lab with tools_open, defines scenario_NAME for each of its scenarios,
# and ends with tools_compare NAME....
#
# tools/*.txt are transcripts: "$ command", lines of standard output after "O ", of standard error
# after "E ", and "rc=status". tools/*.commands are commands alone. Environment: TOOLS_SCENARIOS
# limits what is played, TOOLS_DAEMONS the kinds of daemon.
#
# A scenario may have more functions: vector_TRANSCRIPT prints a transcript that was not written in
# that form; also_NAME FILE checks more of what our tools said; cell_NAME stands for all that is
# done in a cell.
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/../cluster/lab.sh"

vectors=$LAB_HERE/../interop/tools
[ -n "$(type -p corosync-cfgtool)" ] || tap_skip "no tools of Debian to compare with"
[ -e "$LAB_BUILD/tools/corosync-cfgtool" ] || tap_skip "the tools are not built"
client=$LAB_BUILD/tests/interop/.libs/tools_client
[ -x "$client" ] || client=$LAB_BUILD/tests/interop/tools_client
[ -x "$client" ] || tap_skip "tools_client is not built (make check does)"
# shellcheck disable=SC2034 # it is part of the other
sysconfdir=$(prefix=$(sed -n 's/^prefix = //p' "$LAB_BUILD/Makefile") && eval echo \
	"$(sed -n 's/^sysconfdir = //p' "$LAB_BUILD/Makefile")")
votequorum='provider: corosync_votequorum'

# tools_open OPENER: three nodes, opened by lab_open or what stands for it.
tools_open() {
	"$1" corosync corosync corosync
	mkdir "$LAB_DIR/out" "$LAB_DIR/tmp" "$LAB_DIR/agents"
	chmod 711 "$LAB_DIR"
	for node in "${LAB_NODES[@]}"; do
		for tools in corosync coterie; do
			agent_start "$node" "$LAB_DIR/agents/$node.$tools"
		done
	done
}

# One agent for each node and kind of tools runs the commands of run. To start a command alone in the network of its
# node, with its environment and a limit of time, costs more than most of these commands.
declare -A AGENTS
agent_start() {
	mkfifo "$2.command" "$2.status"
	(tool "$1" "$(declare -f agent_serve); agent_serve '$2' '$LAB_DIR/tmp'") </dev/null >/dev/null 2>&1 &
	AGENTS[$1.$tools]=$!
}

agent_serve() {
	local command

	while IFS= read -r -d '' command <"$1.command"; do
		bash -c "$command" >"$2/o" 2>"$2/e"
		echo $? >"$1.status"
	done
}

# agent_ask NODE COMMAND: sets status. The command may take a minute.
agent_ask() {
	local agent=$LAB_DIR/agents/$1.$tools

	printf '%s\0' "$2" >"$agent.command"
	read -r -t 60 status <>"$agent.status" && return
	echo "no end of $2 on node $1" >>"$LAB_DIR/out/trouble"
	pkill -KILL -P "${AGENTS[$1.$tools]}"
	read -r -t 60 status <>"$agent.status"
}

# --- clusters and commands; server and tools say of which kind they are ---

# Command that writes the configs of the nodes. Another script may set it.
configure=(lab_configure)

# cluster COUNT [LINE...]: new daemons on that many nodes, with these lines in the quorum section.
cluster() {
	cluster_without_ring "$@"
	lab_ring "$1" "${LAB_NODES[@]}" >>"$LAB_DIR/out/trouble" || echo "no ring of $1"
}

# The same, without waiting for anything but the first daemon's log.
cluster_without_ring() {
	local node count=$1

	shift
	mapfile -t LAB_NODES < <(seq "$count")
	for node in "${LAB_NODES[@]}"; do
		LAB_KINDS[node]=$server
		rm -rf "$LAB_DIR/$node"/{state,log,out}
		mkdir "$LAB_DIR/$node/state"
	done
	"${configure[@]}" "${LAB_NODES[@]}"
	[ $# -eq 0 ] || for node in "${LAB_NODES[@]}"; do
		printf 'quorum {\n%s\n}\n' "$(printf '\t%s\n' "$@")" >>"$LAB_DIR/$node/corosync.conf"
	done
	lab_start "${LAB_NODES[@]}"
	await grep -q "ready to provide service" "$LAB_DIR/1/log"
}

# Where our daemon looks for plugins, if not at the usual place.
plugins=
eval "$(declare -f lab_environment | sed '1s/.*/usual_environment()/')"
lab_environment() {
	usual_environment "$@"
	[ -z "$plugins" ] || LAB_ENVIRONMENT=("${LAB_ENVIRONMENT[@]/#COTERIE_PLUGIN_PATH=*/COTERIE_PLUGIN_PATH=$plugins}")
}

# What the tools run under, of either kind: the same all the time.
# shellcheck disable=SC2034 # tool chooses by name
lab_environment corosync
corosync_environment=("${LAB_ENVIRONMENT[@]}")
lab_environment coterie
# shellcheck disable=SC2034
coterie_environment=("${LAB_ENVIRONMENT[@]}")

cluster_end() {
	lab_kill "${LAB_NODES[@]}" 2>/dev/null
}

# tool NODE COMMAND...: becomes the command of the shell on a node, with the tools and libraries of
# the cell.
tool() {
	local node=$1 path=$PATH

	shift
	[ "$tools" = corosync ] || path=$LAB_BUILD/tools:$PATH
	local -n variables=${tools}_environment
	exec "$LAB_ENTER" "${LAB_HOLDERS[node]}" "${variables[@]}" PATH="$path" bash -c "$*"
}

# run NODE COMMAND: its transcript.
run() {
	local node=$1 command=$2 status lines

	echo "\$ $command"
	case $command in
	"(as nobody) "*)
		command="setpriv --reuid=65534 --regid=65534 --clear-groups ${command#*) }"
		;;
	esac
	agent_ask "$node" "${command//<TMP>/$LAB_DIR/tmp}"
	mapfile lines <"$LAB_DIR/tmp/o"
	[ ${#lines[@]} -eq 0 ] || printf 'O %s' "${lines[@]}"
	mapfile lines <"$LAB_DIR/tmp/e"
	[ ${#lines[@]} -eq 0 ] || printf 'E %s' "${lines[@]}"
	echo "rc=$status"
}

# Commands of a transcript that cannot be played: the daemon's own options, and tools with their own
# tests.
unplayed='^\$ (\(as nobody\) )?corosync( |$)|corosync-(notifyd|blackbox)|^\$ \(as nobody\) corosync-keygen'

# Remarks of the transcript's author about a command.
remark='s/^\(\$ .*[^ ]\)   *(.*)$/\1/'

# play NODE FILE: runs all its commands there.
play() {
	local command

	echo "== $2"
	while read -r command; do
		run "$1" "${command#$ }"
	done < <(grep '^\$ ' "$vectors/$2" | sed "$remark" | grep -Ev "$unplayed")
}

# with_both COMMAND...: play or run that changes nothing, with Debian's tools and with ours, so that
# one cluster serves two cells.
with_both() {
	(tools=corosync && "$@")
	(tools=coterie && "$@") >>"$LAB_DIR/tmp/ours"
}

# start NAME NODE PROGRAM-ARGUMENT...: a tools_client that goes on until finish NAME. With ALIAS it
# runs under that name.
declare -A INPUTS CLIENTS
start() {
	local name=$1 node=$2 input program=$client

	shift 2
	if [ -n "${ALIAS:-}" ]; then
		program=$LAB_DIR/tmp/$ALIAS
		ln -sf "$client" "$program"
	fi
	mkfifo "$LAB_DIR/tmp/$name.in"
	exec {input}<>"$LAB_DIR/tmp/$name.in"
	rm -f "$LAB_DIR/tmp/$name.out"
	LAB_CLIENT=$server lab_exec "$node" "$program" "$@" <&"$input" >"$LAB_DIR/tmp/$name.out" \
		2>>"$LAB_DIR/out/trouble" &
	CLIENTS[$name]=$!
	INPUTS[$name]=$input
	rm "$LAB_DIR/tmp/$name.in"
	await grep -q ready "$LAB_DIR/tmp/$name.out" || echo "$name is not ready"
}

finish() {
	local input=${INPUTS[$1]}

	kill "${CLIENTS[$1]}" 2>/dev/null
	wait "${CLIENTS[$1]}" 2>/dev/null
	exec {input}>&-
}

# await COMMAND...: repeats it until it succeeds; false when patience ends. Not too often: with a tool each time
# that would be most of what these tests do.
await() {
	local end=$((SECONDS + LAB_PATIENCE))

	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return
		sleep "${pause:-0.1}"
	done
}

# members NODE COUNT: whether Debian's tool sees so many there.
members() {
	tools=corosync
	[ "$(tool "$1" corosync-quorumtool -s 2>/dev/null | sed -n 's/^Nodes: *//p')" = "$2" ]
}

# In a subshell, since it changes what tools are.
await_members() { (pause=0.25 && await members "$@") || echo "node $1 does not see $2 nodes"; }
# --- comparing ---

# What may differ between two runs: times, ids of processes and of rings, counters, names of
# folders. And two defects of the reference: bytes from 0x80 on with their sign, and what -q prints
# for binary values. Keys of services that only one of the daemons has, and of our daemon's own
# statistics, are left out, and one that the reference forgets with the first reload. Ports of links are in the map since 3.1.10.
plain() {
	sed -E -e '/^O internal_configuration\.service\.([467]|3[2-6])\./d' -e '/^O (resources|totem\.interface\.0\.bindnetaddr)\b/d' \
		-e '/^O runtime\.config\.totem\.interface\.[0-7]\.mcastport /d' \
		-e '/^O runtime\.services\.(cfg\.[5-9]|votequorum\.4|control|evs|kv|metrics|mon|pload|wd)\./d' -e '/^O stats\.(coterie|plugins)\./d' \
		-e 's/^O Date: .*/O Date: now/' -e 's/^(O Ring ID: +([0-9]+\.)?)[0-9a-f]+$/\1seq/' \
		-e 's/^(O \t\t) *[0-9]+(\t)/\1pid\2/' -e 's/^(O .*[,:])[0-9]+([,:][0-9]+)$/\1pid\2/' \
		-e "s,$LAB_DIR,<LAB>,g" -e "s,$sysconfdir/corosync,/etc/corosync,g" \
		-e 's/<TMP>/<LAB>\/tmp/g' \
		-e 's/10\.18[78]\.([01])\./10.\1.0./g' -e 's/\bt[cp]([0-9])/node\1/g' \
		-e 's/⇥/\t/g' -e 's/^(\$ .*[^ ])  +\(.*\)$/\1/' \
		-e 's/\\xFFFFFF([0-9A-F]{2})/\\x\1/g' -e 's/^O bin\)( = (.*))?$/O \2/' \
		-e 's/^(O runtime\.services\..*\.[rt]x \(u64\) = )[0-9]+$/\1n/' \
		-e 's/^(O stats\.ipcs\.service[0-9]+)\.[0-9]+\.0x[0-9a-f]+\./\1.pid.conn./' \
		-e 's/^(O runtime\.members\.[0-9]+\.join_count \(u32\) = )[1-9][0-9]*$/\1n/' \
		-e 's/^(O stats\..*\((i32|u8|u32|u64)\) = )[0-9]+$/\1n/' "$@"
}

# blocks REGEX FILE: without the commands that match.
blocks() {
	regex=$1 awk '/^\$ / { skip = $0 ~ ENVIRON["regex"] } !skip' "$2"
}

# differ FILE FILE: the first differences, each with its command.
differ() {
	local status

	diff -U 400 "$1" "$2" >"$LAB_DIR/tmp/diff"
	status=$?
	grep -E '^[-+]|^ \$' "$LAB_DIR/tmp/diff" | awk '/^ \$/ { command = $0; next } /^(---|\+\+\+)/ { next }
		command { print command; command = "" } { print }' | head -n 60
	return $status
}

# Intended differences of our tools: a pattern of commands for each scenario.
declare -A different
different[noquorum]='^\$ (timeout 3 )?corosync-quorumtool( -(s|m).*)?$' # the reference's end in an error

# expected SCENARIO TOOLS FILE: what is compared with Debian's pair. A refused shutdown is a failure
# of ours.
expected() {
	if [ "$2" != coterie ]; then
		cat "$3"
	else
		blocks "${different[$1]:-^$}" "$3" |
			awk '/^\$ / { refused = 0 } /^E Could not shutdown/ { refused = 1 }
				refused && /^rc=0/ { $0 = "rc=1" } 1'
	fi
}

# Commands of a transcript that cannot hold: listings of everything, since there the config was
# another one.
declare -A elsewhere

# The transcript as it would have been made here.
vector() {
	if declare -F "vector_$1" >/dev/null; then "vector_$1"; else cat "$vectors/$1.txt"; fi
}

# holds VECTOR: the part of Debian's transcript that plays the vector is the vector.
holds() {
	local name=$1 file=$LAB_DIR/tmp/vector skip="$unplayed|^\\$ corosync-cmapctl( -m stats)?$"

	skip="$skip${elsewhere[$name]:+|${elsewhere[$name]}}"
	awk -v name="== $name.txt" '/^== / { inside = $0 == name; next } inside' \
		"$first" >"$LAB_DIR/tmp/part"
	vector "$name" | plain >"$file.plain"
	blocks "$skip" "$file.plain" >"$file"
	blocks "$skip" "$LAB_DIR/tmp/part" >"$file.seen"
	differ "$file" "$file.seen"
}

# check_cell SCENARIO: the transcript of this daemon and these tools.
check_cell() {
	local name=$1 seen=$LAB_DIR/out/$1.$server.$tools vector

	if declare -F "cell_$name" >/dev/null; then
		"cell_$name" "$seen"
		return
	fi
	if [ "$tools" = coterie ] && [ -s "$LAB_DIR/tmp/ours" ]; then
		mv "$LAB_DIR/tmp/ours" "$LAB_DIR/tmp/transcript"
	else
		"scenario_$name" >"$LAB_DIR/tmp/transcript" 2>>"$LAB_DIR/out/trouble"
		cluster_end
	fi
	plain "$LAB_DIR/tmp/transcript" >"$seen"
	if [ "$server.$tools" = corosync.corosync ]; then
		while read -r vector; do
			tap_check "$name: $vector.txt holds" holds "$vector"
		done < <(sed -n 's/^== \(.*\)\.txt/\1/p' "$seen")
		return
	fi
	expected "$name" "$tools" "$first" >"$LAB_DIR/tmp/want"
	expected "$name" "$tools" "$seen" >"$LAB_DIR/tmp/have"
	tap_check "$name: tools of $tools, daemon of $server" differ "$LAB_DIR/tmp/want" "$LAB_DIR/tmp/have"
	[ "$tools" != coterie ] || ! declare -F "also_$name" >/dev/null || "also_$name" "$seen"
}

# tools_compare SCENARIO...: the end of the script.
tools_compare() {
	local kinds="corosync coterie" service scenario

	for service in cfg cmap cpg quorum votequorum; do
		[ -e "$LAB_BUILD/.libs/$service.so" ] || kinds=corosync
	done
	[ "$kinds" != corosync ] || tap_note "our daemon has not all of the services: Debian's alone"
	for scenario in ${TOOLS_SCENARIOS:-"$@"}; do
		first=$LAB_DIR/out/$scenario.corosync.corosync
		for server in ${TOOLS_DAEMONS:-$kinds}; do
			for tools in corosync coterie; do
				check_cell "$scenario"
			done
		done
	done
	[ -z "${LAB_KEEP:-}" ] || cp "$LAB_DIR/out"/* "$LAB_KEEP"
	[ ! -s "$LAB_DIR/out/trouble" ] || tap_note "$(tail -n 20 "$LAB_DIR/out/trouble")"
	lab_close
}
