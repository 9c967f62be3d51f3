#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# corosync-vqsim: a transcript, config files of every kind, and what cannot be read.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
here=$(cd "$(dirname "$0")" && pwd)
vqsim=${abs_top_builddir:-$PWD}/tools/vqsim/corosync-vqsim
[ -x "$vqsim" ] || tap_skip "corosync-vqsim is not built"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# config COUNT [LINE...]: that many nodes, and lines of the quorum section.
config() {
	local count=$1 node

	shift
	printf '# a comment\ntotem {\n\tversion: 2\n}\nquorum {\n\tprovider: corosync_votequorum\n'
	[ $# -eq 0 ] || printf '\t%s\n' "$@"
	printf '}\nnodelist {\n'
	for node in $(seq "$count"); do
		printf '\tnode {\n\t\tring0_addr: 10.0.0.%s\n\t\tnodeid: %s\n\t}\n' "$node" "$node"
	done
	echo '}'
}

# verdicts COMMAND...: who is quorate at the end, as PARTITION:NODE.
verdicts() {
	printf '%s\n' "$@" show | "$vqsim" -c "$work/conf" | tac | sed -n '2,/^#/p' | grep '^[0-9]' | tac |
		sed -n 's/: q=1.*//p' | paste -sd' '
}

# wants NAME WANT COMMAND...
wants() {
	local name=$1 want=$2 seen

	shift 2
	seen=$(verdicts "$@")
	[ "$seen" = "$want" ]
	tap $? "$name" || tap_note "quorate: '$seen', not '$want'"
}

config 3 >"$work/conf"
sed -n 's/^#vqsim> //p' "$here/tools/vqsim.txt" | "$vqsim" -c "$work/conf" >"$work/seen"
tap_check "the transcript" diff "$here/tools/vqsim.txt" "$work/seen"
"$vqsim" -n -c "$work/conf" -o "$work/file" </dev/null
tap_check "-o prints to a file" diff <(head -n 4 "$here/tools/vqsim.txt") "$work/file"

wants "two of three go on" "1:2 1:3" "move 1:2,3"
wants "and all, together again" "0:1 0:2 0:3" "move 1:2,3" "join 0 1"
config 2 "two_node: 1" >"$work/conf"
wants "two_node: either goes on" "0:1 1:2" "move 1:2"
wants "two_node: but not at a start alone" "" "down 1" "down 2" "up 2"
config 4 "auto_tie_breaker: 1" >"$work/conf"
wants "auto_tie_breaker: the half with the lowest goes on" "0:1 0:2" "move 1:3,4"
config 4 >"$work/conf"
wants "without it neither half" "" "move 1:3,4"
config 2 "device {" "model: net" "votes: 1" "}" >"$work/conf"
wants "a device decides for one of two" "1:1" "qdevice on 1" "move 1:1"
wants "and for none when it is taken away" "" "qdevice on 1" "qdevice off 1" "move 1:1"
config 3 "expected_votes: 5" >"$work/conf"
wants "expected_votes" "0:1 0:2 0:3" "show"
wants "expected_votes, one less" "" "down 3"
config 40 >"$work/conf"
wants "forty nodes, one partition" "$(seq -f '1:%g' 20 40 | paste -sd' ')" \
	"move $(seq -f '1:%g' 20 40 | paste -sd' ')"

fails() { ! "$@" </dev/null >/dev/null 2>&1; }
printf 'nodelist {\n' >"$work/conf"
tap_check "a section left open is an error" fails "$vqsim" -c "$work/conf"
printf '}\n' >"$work/conf"
tap_check "and one that was never opened" fails "$vqsim" -c "$work/conf"
printf 'words\n' >"$work/conf"
tap_check "and a line without a colon" fails "$vqsim" -c "$work/conf"
tap_check "and a file that is none" fails "$vqsim" -c "$work/none"
tap_check "and an unknown option" fails "$vqsim" -x
tap_end
