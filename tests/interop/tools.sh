#!/bin/bash
# Debian's unmodified tools and ours, at Debian's daemon and ours, on one, two and three nodes: they print
# the same, on both outputs, and end with the same status. Debian's pair is what the others are compared
# with, and it is compared with the transcripts of tools/*.txt, made elsewhere.
#
# tools/*.txt are transcripts: "$ command", lines of standard output after "O ", of standard error after
# "E ", and "rc=status". tools/*.commands are commands alone. Environment: TOOLS_SCENARIOS limits what is
# played, TOOLS_DAEMONS the kinds of daemon.
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/../cluster/lab.sh"

vectors=$LAB_HERE/../interop/tools
[ -n "$(type -p corosync-cfgtool)" ] || tap_skip "no tools of Debian to compare with"
[ -e "$LAB_BUILD/tools/corosync-cfgtool" ] || tap_skip "the tools are not built"
client=$LAB_BUILD/tests/interop/.libs/tools_client
[ -x "$client" ] || client=$LAB_BUILD/tests/interop/tools_client
[ -x "$client" ] || tap_skip "tools_client is not built (make check does)"
# shellcheck disable=SC2034 # it is part of the other
sysconfdir=$(prefix=$(sed -n 's/^prefix = //p' "$LAB_BUILD/Makefile") && eval echo \
	"$(sed -n 's/^sysconfdir = //p' "$LAB_BUILD/Makefile")")
lab_open corosync corosync corosync
mkdir "$LAB_DIR/out" "$LAB_DIR/tmp"
chmod 711 "$LAB_DIR"

# --- clusters and commands; server and tools say of which kind they are ---

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
		{
			lab_config "$node"
			[ $# -eq 0 ] || printf 'quorum {\n%s\n}\n' "$(printf '\t%s\n' "$@")"
		} >"$LAB_DIR/$node/corosync.conf"
	done
	lab_start "${LAB_NODES[@]}"
	await grep -q "ready to provide service" "$LAB_DIR/1/log"
}

# Where our daemon looks for plugins, if not at the usual place.
plugins=
eval "$(declare -f lab_environment | sed '1s/.*/usual_environment()/')"
lab_environment() {
	usual_environment "$1" | sed "${plugins:+s,^COTERIE_PLUGIN_PATH=.*,COTERIE_PLUGIN_PATH=$plugins,}"
}

cluster_end() {
	lab_kill "${LAB_NODES[@]}" 2>/dev/null
}

# tool NODE COMMAND...: becomes the command of the shell on a node, with the tools and libraries of the cell.
tool() {
	local node=$1 path=$PATH environment

	shift
	[ "$tools" = corosync ] || path=$LAB_BUILD/tools:$PATH
	mapfile -t environment < <(lab_environment "$tools")
	exec nsenter -t "${LAB_HOLDERS[node]}" -n -m env "${environment[@]}" PATH="$path" \
		timeout 60 bash -c "$*" 9>&-
}

# run NODE COMMAND: its transcript.
run() {
	local node=$1 command=$2 status

	echo "\$ $command"
	case $command in
	"(as nobody) "*)
		command="setpriv --reuid=65534 --regid=65534 --clear-groups ${command#*) }"
		;;
	esac
	(tool "$node" "${command//<TMP>/$LAB_DIR/tmp}") >"$LAB_DIR/tmp/o" 2>"$LAB_DIR/tmp/e" </dev/null
	status=$?
	sed 's/^/O /' "$LAB_DIR/tmp/o"
	sed 's/^/E /' "$LAB_DIR/tmp/e"
	echo "rc=$status"
}

# What of a transcript cannot be played: the daemon's own options, and tools with tests of their own.
unplayed='^\$ (\(as nobody\) )?corosync( |$)|corosync-(notifyd|blackbox)|^\$ \(as nobody\) corosync-keygen'

# play NODE FILE: runs all its commands there.
play() {
	local command

	echo "== $2"
	while read -r command; do
		run "$1" "${command#$ }"
	done < <(grep '^\$ ' "$vectors/$2" | grep -Ev "$unplayed")
}

# start NAME NODE PROGRAM-ARGUMENT...: a tools_client that goes on until finish NAME.
declare -A INPUTS CLIENTS
start() {
	local name=$1 node=$2 input

	shift 2
	mkfifo "$LAB_DIR/tmp/$name.in"
	exec {input}<>"$LAB_DIR/tmp/$name.in"
	rm -f "$LAB_DIR/tmp/$name.out"
	LAB_CLIENT=$server lab_exec "$node" "$client" "$@" <&"$input" >"$LAB_DIR/tmp/$name.out" \
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

# await COMMAND...: repeats it until it succeeds; false when patience ends.
await() {
	local end=$((SECONDS + LAB_PATIENCE))

	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return
		sleep 0.05
	done
}

# members NODE COUNT: whether Debian's tool sees so many there.
members() {
	tools=corosync
	[ "$(tool "$1" corosync-quorumtool -s 2>/dev/null | sed -n 's/^Nodes: *//p')" = "$2" ]
}

# In a subshell, since it changes what tools are.
await_members() { (await members "$@") || echo "node $1 does not see $2 nodes"; }

# --- scenarios ---

votequorum='provider: corosync_votequorum'

scenario_notrunning() {
	mapfile -t LAB_NODES < <(seq 1)
	play 1 notrunning.txt
	play 1 options.commands
}

scenario_single-udpu() {
	cluster 1 "$votequorum"
	play 1 single-udpu.txt
}

scenario_one() {
	cluster 1 "$votequorum"
	play 1 options.commands
	play 1 keys.commands
}

# Timers and sizes of the ring that a client changes.
scenario_timers() {
	cluster 1 "$votequorum"
	play 1 timers.commands
}

scenario_udpu3() {
	cluster 3 "$votequorum"
	play 1 udpu3.txt
}

# shellcheck disable=SC1003 # a backslash
scenario_udpu3b() {
	cluster 3 "$votequorum"
	start one 1 group grpA 'g\B'$'\001'
	start two 2 group grpA 'g\B'$'\001'
	play 1 udpu3b.txt
	play 3 groups.commands
	finish one
	finish two
}

scenario_cut() {
	cluster 3 "$votequorum"
	lab_cut 1
	await_members 1 1
	play 1 cut.txt
	lab_heal 1
}

scenario_three() {
	cluster 3 "$votequorum"
	play 2 status.commands
	play 2 votes.commands
	# One of them is gone, and its votes with it.
	lab_kill 3
	await_members 2 2
	play 2 status.commands
	play 2 votes.commands
}

scenario_noquorum() {
	cluster 2
	play 1 noquorum.txt
	play 1 status.commands
	play 1 votes.commands
}

scenario_twonode() {
	cluster 2 "$votequorum" "two_node: 1"
	echo "== twonode.txt"
	run 1 "corosync-quorumtool -s | tail -n +8"
	play 1 status.commands
	lab_kill 2
	await_members 1 1
	play 1 status.commands
	play 1 votes.commands
}

scenario_flags() {
	cluster 2 "$votequorum" "wait_for_all: 1" "last_man_standing: 1" "auto_tie_breaker: 1" \
		"allow_downscale: 1" "expected_votes: 2"
	echo "== flags.txt"
	run 1 "corosync-quorumtool -s | tail -n +8"
	play 1 status.commands
}

scenario_device() {
	cluster 2 "$votequorum" "device {" "	model: net" "	votes: 1" "	timeout: 60000" "}"
	start casts 1 device Judge 1 0
	play 1 status.commands
	play 2 status.commands
	start waits 2 device Judge 0 1
	play 1 status.commands
	play 2 status.commands
	run 2 "corosync-quorumtool -f"
	run 2 "corosync-quorumtool -s"
	run 2 "corosync-quorumtool -f"
	finish casts
	finish waits
}

# What is followed comes at once, also through a pipe; Debian's tools have to be made to.
scenario_follow() {
	local at_once='' followers=() log=$LAB_DIR/tmp input

	mkfifo "$log/typed"
	exec {input}<>"$log/typed"
	rm "$log/typed"
	[ "$tools" = coterie ] || at_once="stdbuf -oL"
	cluster 3 "$votequorum"
	(tool 1 "exec $at_once corosync-quorumtool -m" 2>&1 </dev/null | cat >"$log/monitor") &
	followers+=($!)
	(tool 1 "exec $at_once corosync-cmapctl -T runtime.members." 2>&1 <&"$input" | cat >"$log/track") &
	followers+=($!)
	await grep -q finish "$log/track" && await grep -q "node3" "$log/monitor"
	lab_cut 1
	await_members 1 1
	await grep -q "Nodes: *1" "$log/monitor"
	lab_heal 1
	await_members 1 3
	await eval "tail -n 22 $log/monitor | grep -q 'Nodes: *3'"
	cluster_end
	wait "${followers[@]}"
	exec {input}>&-
	echo "== monitor.txt"
	echo "\$ corosync-quorumtool -m"
	steps "$log/monitor" | sed 's/^/O /'
	sed -n '/^Unable/s/^/E /p' "$log/monitor"
	echo "== track.txt"
	echo "\$ corosync-cmapctl -T runtime.members."
	grep -v '^Dispatch' "$log/track" | by_member | sed 's/^/O /'
	sed -n '/^Dispatch/s/^/E /p' "$log/track"
}

# What is told of each member, once: they may come back one after the other.
by_member() { sed 's/\(join_count.* = \)[0-9]*$/\1n/' "$@" | awk '!seen[$0]++' | sort -s -t . -k 3,3n; }

# The first status of what a monitor said, the first with one node, and the last: on the way back the ring
# may take more steps than one.
steps() {
	awk 'BEGIN { RS = "Quorum information\n" } NR == 1 { next } { last = $0 }
		NR == 2 || (/Nodes: *1\n/ && !alone++) { printf "Quorum information\n%s", $0 }
		END { sub(/\nUnable.*/, "\n", last); printf "Quorum information\n%s", last }' "$1"
}

# The flight recorder; Debian's tool for it needs a program of another package.
scenario_blackbox() {
	cluster 1 "$votequorum"
	run 1 "$LAB_BUILD/tools/corosync-blackbox 2>&1 | grep -c 'Completed service synchronization'"
	run 1 "ls $LAB_DIR/1/state | sed 's/-20.*//' | sort -u"
	cluster_end
	wait "${LAB_DAEMONS[1]}" 2>/dev/null
	run 1 "$LAB_BUILD/tools/corosync-blackbox >/dev/null 2>&1"
}

# What changes the daemon, or ends it.
scenario_end() {
	cluster 2 "$votequorum"
	play 1 reload.commands
	start veto 1 veto
	run 1 "corosync-cfgtool -H; exit"
	finish veto
	run 1 "corosync-cfgtool -s"
	run 1 "corosync-cfgtool -k 2"
	wait "${LAB_DAEMONS[2]}"
	echo "the killed one ended with $?"
	await_members 1 1
	run 1 "corosync-cfgtool -n"
	run 1 "corosync-cfgtool -H"
	wait "${LAB_DAEMONS[1]}"
	echo "the other one ended with $?"
	cluster 1
	start veto 1 veto
	run 1 "corosync-cfgtool -H --force"
	wait "${LAB_DAEMONS[1]}"
	echo "it ended with $?"
	finish veto
}

# Our daemon without one of its services. This has no counterpart: tools/absent.txt has what must be said.
scenario_absent() {
	local service file

	for service in cmap cfg cpg quorum; do
		plugins=$LAB_DIR/plugins
		rm -rf "$plugins"
		mkdir "$plugins"
		for file in "$LAB_BUILD"/.libs/*.so; do
			[ "${file##*/}" = "$service.so" ] || ln -s "$file" "$plugins"
		done
		echo "# without $service"
		cluster_without_ring 1 "$votequorum"
		play 1 absent.commands
		cluster_end
		wait "${LAB_DAEMONS[1]}" 2>/dev/null
		plugins=
	done
}

# --- comparing ---

# What may differ between two runs: times, ids of processes and of rings, counters, names of folders.
# And two defects of the reference: bytes from 0x80 on with their sign, and what -q prints for binary values.
# Keys of services that only one of the daemons has, and of our daemon's own statistics, are left out, and
# one that the reference forgets with the first reload.
plain() {
	sed -E -e '/^O internal_configuration\.service\.([467]|32)\./d' -e '/^O (resources|totem\.interface\.0\.bindnetaddr)\b/d' \
		-e '/^O runtime\.services\.(evs|mon|pload|wd)\./d' -e '/^O stats\.(coterie|plugins)\./d' \
		-e 's/^O Date: .*/O Date: now/' -e 's/^(O Ring ID: +([0-9]+\.)?)[0-9a-f]+$/\1seq/' \
		-e 's/^(O \t\t) *[0-9]+(\t)/\1pid\2/' -e 's/^(O .*[,:])[0-9]+([,:][0-9]+)$/\1pid\2/' \
		-e "s,$LAB_DIR,<LAB>,g" -e "s,$sysconfdir/corosync,/etc/corosync,g" \
		-e 's/<TMP>/<LAB>\/tmp/g' -e 's/10\.188\.0\./10.0.0./g' -e 's/\btc([0-9])/node\1/g' \
		-e 's/\\xFFFFFF([0-9A-F]{2})/\\x\1/g' -e 's/^O bin\)( = (.*))?$/O \2/' \
		-e 's/^(O runtime\.services\..*\.[rt]x \(u64\) = )[0-9]+$/\1n/' \
		-e 's/^(O stats\.ipcs\.service[0-9]+)\.[0-9]+\.0x[0-9a-f]+\./\1.pid.conn./' \
		-e 's/^(O runtime\.members\.[0-9]+\.join_count \(u32\) = )[1-9][0-9]*$/\1n/' \
		-e 's/^(O stats\..*\((i32|u8|u32|u64)\) = )[0-9]+$/\1n/' "$@"
}

# blocks REGEX FILE: without the commands that match.
blocks() {
	awk -v regex="$1" '/^\$ / { skip = $0 ~ regex } !skip' "$2"
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

# Without a quorum provider the reference's status and monitor end in an error.
broken='^\$ (timeout 3 )?corosync-quorumtool( -(s|m).*)?$'

# expected SCENARIO TOOLS FILE: what is compared with Debian's pair.
expected() {
	if [ "$1.$2" = noquorum.coterie ]; then
		blocks "$broken" "$3"
	elif [ "$1.$2" = end.coterie ]; then
		# A refused shutdown is a failure.
		awk '/^\$ / { refused = /-H; exit/ } refused && /^rc=0/ { $0 = "rc=1" } 1' "$3"
	else
		cat "$3"
	fi
}

# What cannot hold: listings of everything, since there the config was another one; links of knet.
elsewhere='^\$ corosync-(cmapctl|cmapctl -m stats)$|^\$ corosync-cfgtool -[sn]$'

# holds VECTOR: the part of Debian's transcript that plays the vector is the vector.
holds() {
	local name=$1 file=$LAB_DIR/tmp/vector seen=$LAB_DIR/tmp/seen skip=$unplayed

	case $name in
	noquorum) skip="$skip|$elsewhere" ;;
	*) skip="$skip|^\\$ corosync-cmapctl( -m stats)?$" ;;
	esac
	awk -v name="== $name.txt" '/^== / { inside = $0 == name; next } inside' \
		"$first" >"$LAB_DIR/tmp/part"
	case $name in
	twonode | flags)
		echo "\$ corosync-quorumtool -s | tail -n +8" >"$file"
		sed 's/^/O /' "$vectors/$name.txt" >>"$file"
		echo "rc=0" >>"$file"
		;;
	monitor | track)
		head -n 1 "$LAB_DIR/tmp/part" >"$file"
		if [ "$name" = track ]; then by_member "$vectors/track.txt"; else cat "$vectors/monitor.txt"; fi |
			sed 's/^/O /' >>"$file"
		grep '^E ' "$LAB_DIR/tmp/part" >>"$file"
		;;
	*) cp "$vectors/$name.txt" "$file" ;;
	esac
	blocks "$skip" "$LAB_DIR/tmp/part" >"$seen"
	plain "$file" >"$file.plain"
	blocks "$skip" "$file.plain" >"$file"
	differ "$file" "$seen"
}

# check_cell SCENARIO: the transcript of this daemon and these tools.
check_cell() {
	local name=$1 seen=$LAB_DIR/out/$1.$server.$tools vector

	if [ "$name" = absent ]; then
		[ "$server" = coterie ] || return
		scenario_absent | plain >"$seen"
		tap_check "$name: tools of $tools, daemon of $server" differ "$vectors/absent.txt" "$seen"
		return
	fi
	if [ "$name" = change ]; then
		[ "$tools" = coterie ] || return
		tells_of_votes # not in a subshell: it starts daemons
		tap $? "$name: a monitor tells of votes, daemon of $server"
		cluster_end
		return
	fi
	"scenario_$name" >"$LAB_DIR/tmp/transcript" 2>>"$LAB_DIR/out/trouble"
	cluster_end
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
	[ "$name.$tools" != noquorum.coterie ] ||
		tap_check "$name: a status without provider, daemon of $server" lacks_provider "$seen"
}

lacks_provider() {
	diff <(printf '%s\n' '$ corosync-quorumtool -sH' 'O Quorum information' 'O ------------------' \
		'O Date: now' 'O Quorum provider:  Not configured' 'O Nodes:            0' \
		'O Node ID:          0x00000001' 'O Ring ID:          seq' 'O Quorate:          No' 'rc=2') \
		<(awk '/^\$ / { inside = $0 == "$ corosync-quorumtool -sH" } inside' "$1")
}

# Quorum that comes with votes and not with a node: the reference's monitor waits for another ring then.
tells_of_votes() {
	local log=$LAB_DIR/tmp/monitor

	cluster 2 "$votequorum"
	(tool 1 "exec corosync-quorumtool -m" >"$log" 2>&1 </dev/null) &
	await grep -q "Nodes: *2" "$log" || return
	lab_kill 2
	await grep -q "Nodes: *1" "$log" || return
	(tool 1 "corosync-quorumtool -v 9")
	await grep -q "Total votes: *9" "$log"
}

scenarios="notrunning single-udpu one udpu3 udpu3b cut three noquorum twonode flags device follow blackbox
	change absent end"
kinds="corosync coterie"
for service in cfg cmap cpg quorum votequorum; do
	[ -e "$LAB_BUILD/.libs/$service.so" ] || kinds=corosync
done
[ "$kinds" != corosync ] || tap_note "our daemon has not all of the services: Debian's alone"
for scenario in ${TOOLS_SCENARIOS:-$scenarios}; do
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
