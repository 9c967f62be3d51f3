#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# coterie-ctl cluster create with a remote shell that plays all nodes.
# shellcheck disable=SC2317 # functions are called through tap_check
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../../../tap.sh"

here=$(cd "$(dirname "$0")" && pwd)
build=${abs_top_builddir:-$here/../../../../build}
ctl=$build/tools/coterie-ctl
"$ctl" --version >/dev/null 2>&1 || tap_skip "coterie-ctl is built without json-c"
command -v python3 >/dev/null || tap_skip "no python3"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
unset COTERIE_INSTANCE
export COTERIE_CONFIG=$work/none/coterie.conf
export COTERIE_SSH="python3 -B $here/cluster_peer.py $work"
# Names, since an address could be this host's own: such a node needs no remote shell, and would be changed.
hosts="host-a.invalid host-b.invalid host-c.invalid"
nodes=(a=host-a.invalid b=host-b.invalid c=host-c.invalid)

# play [HOST REQUEST WAY]...
play() {
	rm -f "$work"/host-* "$work"/lost-* "$work/arguments" "$work/memory"
	printf '%s %s %s\n' "$@" >"$work/play"
	[ $# -gt 0 ] || : >"$work/play"
}
# ends STATUS WORD... On a busy machine the three shells may need more than the 30 s that are waited by default.
ends() {
	local want=$1 status=0

	shift
	timeout 300 "$ctl" --timeout=120 cluster create prod "$@" >"$work/said" 2>&1 || status=$?
	[ $status -eq "$want" ] || {
		echo "status $status: $(cat "$work/said")"
		return 1
	}
}
says() { grep -q -- "$1" "$work/said" || { cat "$work/said" && return 1; }; }
# got HOST: its requests in order. Called often, so it starts no process.
got() {
	local request requests='' lines=()

	[ ! -e "$work/$1" ] || mapfile -t lines <"$work/$1"
	for request in "${lines[@]}"; do
		[[ ! $request =~ \"do\":\ *\"([a-z]*)\" ]] || requests+=" ${BASH_REMATCH[1]}"
	done
	echo "${requests# }"
}
all_got() {
	local host

	for host in $hosts; do
		[ "$(got "$host")" = "$1" ] || { echo "$host: $(got "$host")" && return 1; }
	done
}

play
tap_check "a change of three nodes" ends 0 "${nodes[@]}"
tap_check "each gets its requests in order" all_got "facts key write test place keep"
tap_check "the remote shell gets fixed words" diff <(sort "$work/arguments") \
	<(for host in $hosts; do echo "$host coterie-ctl __node"; done)
key=$(sed -n 's/.*"key": *"\([0-9a-f]*\)".*/\1/p' "$work/host-a.invalid" | head -n 1)
tap_check "the key has 256 bytes" test ${#key} -eq 512
tap_check "and is in one request alone" test "$(grep -c "$key" "$work/host-a.invalid")" = 1
tap_check "all have the same" test "$(cat "$work"/host-* | grep -c "$key")" = 3
tap_check "it is not in the output" bash -c "! grep -q '${key:0:16}' '$work/said'"
# "None": this user may not read the memory of a process that closes it.
left_over() { sort "$work/memory" | uniq -c | grep -vw -e 0 -e None; }
tap_check "nodes look for it when the change is kept" test "$(wc -l <"$work/memory")" = 3
tap_check "none of it is left in the memory of coterie-ctl" test -z "$(left_over)"
mkdir "$work/keeper"
echo "cluster { name = prod } transport knet { key-file = \"$work/keeper/key\" } node a { id = 1  address = 192.0.2.1 }" \
	>"$work/keeper/coterie.conf"
tap_check "nor in that of a helper" env COTERIE_CONFIG="$work/keeper/coterie.conf" \
	python3 -B "$here/cluster_memory.py" "$ctl" "$work/keeper"
first=$key
play
tap_check "a change that is told in JSON" ends 0 "${nodes[@]}" --json
tap_check "it is not in the JSON" bash -c "! grep -q '$(sed -n 's/.*"key": *"\([0-9a-f]*\)".*/\1/p' "$work/host-a.invalid" | cut -c1-16)' '$work/said'"
tap_check "it is another one" bash -c "! grep -q '$first' '$work/host-a.invalid'"
play
tap_check "a dry run" ends 0 "${nodes[@]}" --dry-run
tap_check "asks for facts alone" all_got facts
play
tap_check "without encryption" ends 0 "${nodes[@]}" --no-encryption
tap_check "no key travels" all_got "facts write test place keep"

for step in key write test place start; do
	for host in $hosts; do
		for way in no garbage; do
			play "$host" "$step" "$way"
			tap_check "step '$step' of $host fails ($way)" ends 1 "${nodes[@]}" --start
			for other in $hosts; do
				[[ $(got "$other") = *undo || ($other = "$host" && $(got "$other") = *" facts") ]]
				tap $? "$other takes it back" || tap_note "$(got "$other")"
			done
			tap_check "no node keeps it" bash -c "! grep -q '\"keep\"' '$work'/host-*"
		done
	done
done
play host-b.invalid test no
ends 1 "${nodes[@]}"
tap_check "the answer names step and node" says "^  b: test does not work"
tap_check "and the remedy" says "^  -> repair it"
printf '%s\n' "host-b.invalid test no" "host-c.invalid undo no" >"$work/play"
ends 1 "${nodes[@]}"
tap_check "what cannot be taken back is named" says "^Trouble: c: undo does not work"
tap_check "a change that is broken says so" says "The other nodes are as they were before"

play host-b.invalid test lost
began=$SECONDS
tap_check "a host is lost in the change" ends 1 "${nodes[@]}"
tap_check "it is named" says "^Trouble: b: its session has ended"
tap_check "it is not waited for for minutes: $((SECONDS - began)) s" test $((SECONDS - began)) -lt 75

while IFS='|' read -r way text; do
	play host-b.invalid facts "$way"
	tap_check "facts that are '$way': status 7" ends 7 "${nodes[@]}"
	tap_check "with node and reason" says "^Refused: b: .*$text"
	tap_check "no node is changed" bash -c "! grep -qE '\"(key|write|place)\"' '$work'/host-*"
done <<-'END'
	garbage|it sends no answer of coterie-ctl
	list|it sends no answer of coterie-ctl
	empty|it cannot be reached
	huge|its answer is too long
	types|speaks another language
	escapes|cannot be written:  .2J all is well
	no|facts does not work
	end|the host has gone (the session has ended)
END
play host-b.invalid facts flood
tap_check "error output without end: status 7" ends 7 "${nodes[@]}"
tap_check "the answer behind it is read" says "^Refused: b: .*flooded"
tap_check "its bytes are kept nowhere" test "$(<"$work/flood")" = 0
play host-b.invalid facts escapes
ends 7 "${nodes[@]}"
tap_check "control characters do not come through" bash -c "! grep -q '[[:cntrl:]]' '$work/said'"
tap_check "a shell that is not there: status 7" ends 7 "${nodes[@]}" --ssh=/nonexistent/ssh
tap_check "is named" says "cannot run '/nonexistent/ssh'"
tap_check "a shell of blanks: status 7" ends 7 "${nodes[@]}" "--ssh= "
play
# shellcheck disable=SC2016 # words for a shell that does not get them
for word in 'a;b=host-a.invalid' '$(x)=host-a.invalid' '-oProxyCommand=x' 'a=-oProxyCommand' 'a=x y' "a='x" 'a=host-a.invalid`x`' '7=host-a.invalid' 'a=root@x'; do
	tap_check "a word that is no node: $word" ends 64 "$word"
done
tap_check "none of them came to a shell" test ! -e "$work/arguments"
# A session that ends in a reload: the fresh helper, which is asked then, cannot take the change back.
mkdir "$work/own"
export COTERIE_CONFIG=$work/own/coterie.conf
cat >"$COTERIE_CONFIG" <<-'END'
	cluster { name = prod  config-version = 1 }
	transport knet { encryption = none }
	node a { id = 1  address = host-a.invalid }
	node b { id = 2  address = host-b.invalid }
END
# changes STATUS: link add
changes() {
	local status=0

	timeout 300 "$ctl" --timeout=120 link add a=host-c.invalid b=host-d.invalid >"$work/said" 2>&1 || status=$?
	[ $status -eq "$1" ] || {
		echo "status $status: $(cat "$work/said")"
		return 1
	}
}
cp "$COTERIE_CONFIG" "$work/ring.conf"
play host-a.invalid reload end
tap_check "a session ends in the reload, and the node is as before" changes 1
tap_check "it says so" says "All nodes are as they were before"
play host-a.invalid reload stays
tap_check "a session ends in the reload, and the node keeps the new file" changes 1
tap_check "it is named" says "^Trouble: a: its session has ended"
rm "$work"/kept-*
echo "# changed" >>"$work/ring.conf"
play
tap_check "all nodes have another file than this host: status 7" changes 7
tap_check "it says why" says "^Refused: a: its '.*' is not the one that this change is made of"
export COTERIE_CONFIG=$work/none/coterie.conf
play
tap_check "signals leave the helper at work, and it takes its change back" python3 "$here/cluster_signals.py" "$ctl" "$work/helper"
tap_check "by hand" ends 0 "${nodes[@]}" --print
tap_check "no shell is used" test ! -e "$work/arguments"
tap_check "the key is made on one node" test "$(grep -c "coterie-ctl key create" "$work/said")" = 1
ends 0 a=fd00::1 b=fd00::2 --print
tap_check "an IPv6 address has brackets for scp" says "scp -p root@\[fd00::1\]:"
ends 0 "${nodes[@]}" --print
tap_check "and copied to the others" test "$(grep -c "scp -p root@host-a.invalid:" "$work/said")" = 2
tap_end
