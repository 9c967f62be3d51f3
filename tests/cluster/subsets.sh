#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Nodes with different sets of services: each of the first six lacks one, a seventh has all, the eighth is
# Debian's. Alone, a node that lacks a service starts, serves the others, and tells a client of the missing
# one what an absent service answers (book compatibility, "Client libraries"). Together they are one ring
# for the services they share, and Debian's node does not notice (book compatibility, "Mixed rings").
LAB_TOKEN=${LAB_TOKEN:-1000}
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/cluster/evs_lab.sh
. "$(dirname "$0")/evs_lab.sh"
# shellcheck source=tests/cluster/reloads.sh
. "$(dirname "$0")/reloads.sh"

services=(cmap cfg cpg evs quorum votequorum)
declare -A missing=([1]=cmap [2]=cfg [3]=cpg [4]=evs [5]=quorum [6]=votequorum)
declare -A command=([cmap]="config show" [cfg]="log reopen" [cpg]="cpg list" [quorum]=quorum [votequorum]="quorum set-expected 1")

# The plugins of the build but for those named, as symbolic links in a folder.
plugin_set() {
	local folder=$1 plugin name

	shift
	mkdir -p "$folder"
	for plugin in "$LAB_BUILD"/.libs/*.so; do
		name=$(basename "$plugin" .so)
		[[ $name = lib* || " $* " = *" $name "* ]] || ln -s "$plugin" "$folder"
	done
}

provider="quorum {
	provider: corosync_votequorum
}"

# configure NODE...: a ring of these. Node 6, without votequorum, names no provider.
configure() {
	local node

	for node in "$@"; do
		reload_list "$*" "$node"
		[ "$node" -eq 6 ] || echo "$provider" >>"$LAB_DIR/$node/corosync.conf"
	done
}

# A node must not find what is left out in the folder of installed plugins.
hide_installed() {
	# shellcheck disable=SC2034 # what libdir is made of
	local node prefix exec_prefix libdir name

	for name in prefix exec_prefix libdir; do
		eval "$name=$(sed -n "s/^$name = //p" "$LAB_BUILD/Makefile")"
	done
	[ ! -d "$libdir/coterie/plugins" ] || for node in "$@"; do
		lab_in "$node" mount -t tmpfs none "$libdir/coterie/plugins"
	done
}

# The output of services_ask on a node that lacks the service: each call is refused at once, and its
# handle is dead. Only our daemon has evs.
answers() {
	local absent=$1 service

	for service in "${services[@]}"; do
		case $service in
		"$absent") echo "$service 2 9" ;;
		cmap) echo "cmap 1 12" ;;
				*) echo "$service 1 1" ;;
		esac
	done
	[ "$absent" = quorum ] && echo "sam 2 9" || echo "sam 1 1"
}

ask() {
	local node=$1

	shift
	LAB_CLIENT=coterie lab_in "$node" -t 40 "$(lab_program services_ask)" "$@"
}

ctl() {
	local node=$1

	shift
	lab_in "$node" timeout 20 "$(evs_program tools/coterie-ctl)" "$@"
}
ctl_kept() { ctl "$@" >"$LAB_DIR/$1/ctl" 2>&1; }

is_open() { ask "$1" | grep -q ' 1 1$'; }

is_alone() {
	local node=$1 absent=${missing[$1]} status

	reload_until "$LAB_PATIENCE" is_open "$node"
	tap_check "without $absent: the others answer, it is absent" diff <(answers "$absent") <(ask "$node")
	[ -n "${command[$absent]:-}" ] || return
	# shellcheck disable=SC2086 # words
	ctl_kept "$node" ${command[$absent]}
	status=$?
	[ "$status" -eq 5 ] && grep -q "service $absent is not loaded" "$LAB_DIR/$node/ctl"
	tap $? "without $absent: coterie-ctl ${command[$absent]} ends with $status: $(head -n 1 "$LAB_DIR/$node/ctl")"
}

# Without cfg a reload is of the node alone, and checked as any other.
reloads_alone() {
	local node=$1 file=$LAB_DIR/$1/corosync.conf token

	token=$(reload_ask "$node" get totem.token)
	cp "$file" "$file.good"
	sed -i "s/token: $token/token: $((token + 50))/" "$file"
	tap_check "without cfg: a check of the file" ctl_kept "$node" reload --check-only
	tap_check "says what would change" grep -q "change *totem.token: $token -> $((token + 50))" "$LAB_DIR/$node/ctl"
	tap_check "and changes nothing" reload_has "$node" totem.token "$token"
	tap_check "without cfg: a reload" ctl_kept "$node" reload
	tap_check "is of this node alone" grep -q "this node alone" "$LAB_DIR/$node/ctl"
	tap_check "and done" reload_has "$node" totem.token $((token + 50))
	echo "totem { token: abc" >>"$file"
	ctl_kept "$node" reload
	tap_check "without cfg: a bad file is refused" test $? -eq 8
	tap_check "with the reason" grep -q "refused: .*corosync.conf:[0-9]*: " "$LAB_DIR/$node/ctl"
	tap_check "and nothing changes" reload_has "$node" totem.token $((token + 50))
	mv "$file.good" "$file"
	tap_check "without cfg: back again" ctl_kept "$node" --json reload
	tap_check "in JSON" grep -q '"is_alone": *true' "$LAB_DIR/$node/ctl"
}

has_votes() { [ "$(ask "$1" votes)" = "$2" ]; }
# A package that comes: votequorum is installed, asked for, and decides from then on. Then it goes again.
gains_votequorum() {
	local node=$1 file=$LAB_DIR/$1/corosync.conf

	cp "$file" "$file.without"
	echo "$provider" >>"$file"
	ctl_kept "$node" reload
	tap_check "a provider that is not installed: the reload is refused" test $? -eq 8
	tap_check "with the reason" grep -q "quorum.provider asks for it: no plugin 'votequorum'" "$LAB_DIR/$node/ctl"
	tap_check "the node stays quorate" bash -c "! grep -q non-primary '$LAB_DIR/$node/log'"
	ln -s "$LAB_BUILD/.libs/votequorum.so" "$LAB_DIR/$node/plugins"
	tap_check "installed: the reload is made" ctl_kept "$node" reload
	tap_check "votequorum comes" reload_until 10 reload_logged "$node" \
		"Service engine loaded: corosync vote quorum service"
	tap_check "and is the provider" reload_logged "$node" "Using quorum provider corosync_votequorum"
	tap_check "by its key too" reload_has "$node" quorum.provider corosync_votequorum
	tap_check "it has votes" reload_until 10 has_votes "$node" "expected 1 total 1 quorum 1 quorate"
	ctl_kept "$node" plugin unload votequorum
	tap_check "it cannot be unloaded any more" grep -q "decides about quorum" "$LAB_DIR/$node/ctl"
	mv "$file.without" "$file"
	rm "$LAB_DIR/$node/plugins/votequorum.so"
}

# Print the warnings in the log, each once.
warnings() { sed -nE 's/.* (warning|error|alert|crit|emerg) +//p' "$LAB_DIR/8/log" | sort -u; }

# Node 3 has no cpg to ask: its map tells of the members.
map_has() {
	local node

	for node in "$@"; do
		reload_has 3 "runtime.members.$node.status" joined || return
	done
}

together() {
	lab_ring 8 1 2 4 5 6 7 8 && reload_until "$LAB_PATIENCE" map_has 1 2 3 4 5 6 7 8
	tap $? "$1: one ring of eight"
}

lab_open coterie coterie coterie coterie coterie coterie coterie corosync
for node in 1 2 3 4 5 6; do
	plugin_set "$LAB_DIR/$node/plugins" "${missing[$node]}"
	# shellcheck disable=SC2034 # read by lab.sh
	LAB_PLUGINS[node]=$LAB_DIR/$node/plugins
	configure "$node"
done
hide_installed 1 2 3 4 5 6
lab_start 1 2 3 4 5 6
for node in 1 2 3 4 5 6; do
	is_alone "$node"
done
reloads_alone 2
gains_votequorum 6
lab_alive 1 2 3 4 5 6
tap $? "every daemon runs"
lab_stop 1 2 3 4 5 6
tap $? "all stop with status 0"

echo "$provider" >>"$LAB_DIR/6/corosync.conf"
lab_start 6
wait "${LAB_DAEMONS[6]}"
tap_check "a provider that is asked for and missing: the start ends with status 20" test $? -eq 20
tap_check "the log says so" reload_logged 6 "quorum.provider asks for it and it is not installed"

configure 1 2 3 4 5 6 7 8
lab_start 8
tap_check "Debian's node, alone" lab_ring 1 8
warnings >"$LAB_DIR/before"
lab_start 1 2 3 4 5 6 7
together "different sets"
for node in 1 2 3 4 5 6 7; do
	tap_check "node $node serves what it has: ${missing[$node]:-nothing} is missing" \
		diff <(answers "${missing[$node]:-}") <(ask "$node")
done
for node in 1 2 3 4 5 7 8; do
	tap_check "node $node counts the votes of those who vote" \
		test "$(ask "$node" votes)" = "expected 8 total 7 quorum 5 quorate"
done
lab_traffic "CPG where it is" 1400 1 2 4 5 6 7 8
evs_watch -p 2 -b 5 -- 1 2 3 5 6 7
sleep 0.5
evs_end 1 1 2 3 5 6 7
tap $? "EVS where it is"
for node in 2 3 5 6 7; do
	tap_check "node $node saw what node 1 saw" cmp "$LAB_DIR/1/evs" "$LAB_DIR/$node/evs"
done
# Debian's node does not always log the request, since lines get lost while its log file is set
# again.
printf 'lab {\n\treloaded: yes\n}\n' >>"$LAB_DIR/8/corosync.conf"
tap_check "node 1 asks for a reload" reload_ask 1 reload
for node in 3 7; do
	tap_check "and node $node does it" reload_until "$LAB_PATIENCE" reload_logged $node "Config reload requested by node 1"
done
tap_check "and node 8 does it" reload_until "$LAB_PATIENCE" reload_has 8 lab.reloaded yes

# Without its group service a node that dies and comes back is a member like others.
lab_kill 3 1
lab_ring 6 2 4 5 6 7 8
tap $? "nodes 1 and 3 killed: the others form a ring"
lab_start 3 1
together "nodes 1 and 3 are back"
lab_traffic "CPG again" 1400 1 2 4 5 6 7 8
tap_check "Debian's log has no new warning" diff "$LAB_DIR/before" <(warnings)
lab_alive "${LAB_NODES[@]}"
tap $? "every daemon runs"
lab_stop 1 2 3 4 5 6 7
tap $? "ours stop with status 0"
lab_close
