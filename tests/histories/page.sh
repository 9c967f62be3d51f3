#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# page.sh [COUNT]: play COUNT histories (default: 32300), a tenth of them for each kind of fault alone, and all mutants.
# Write docs/simulation.md. Run it as root behind `make check-programs`.
# HISTORIES_WORK names a folder that keeps the results of each part, so that a run that was cut goes on. By default there is none.
# HISTORIES_LANES (2): how many processes play histories at the same time.
# HISTORIES_PARTS chooses among the mutants: "above" the engine, those that "coterie-sim" plays, and the "rest". Tables of
# mutants that are not played stay as they are on the page.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${abs_top_builddir:-$top/build}
histories=$build/tests/histories/coterie-histories
count=${1:-32300} # with the parts for one kind each: 10^5 histories
part_seeds=500
page=$top/docs/simulation.md
work=${HISTORIES_WORK:-}
parts=" ${HISTORIES_PARTS-above coterie-sim rest} "
if [ -z "$work" ]; then
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
fi

# play KIND FROM TO: the result goes to a file with the name of the kind and of the first seed. KIND@NODES has so many nodes.
play() {
	local file=$work/$1.$2 nodes=${1#"${1%@*}"}

	[ ! -e "$file" ] || return 0
	if ! nice -n 10 "$histories" --faults "${1%@*}" ${nodes:+--nodes "${nodes#@}"} --seeds "$2-$3" >"$file.part"; then
		cat "$file.part"
		return 255 # xargs begins no other
	fi
	mv "$file.part" "$file"
}
export -f play
export work histories

# seeds KIND COUNT: a line for each part of the seeds, as arguments of play.
seeds() {
	local from

	for ((from = 1; from <= $2; from += part_seeds)); do
		echo "$1 $from $((from + part_seeds - 1 < $2 ? from + part_seeds - 1 : $2))"
	done
}

# figure KIND WORD: the sum of the numbers in front of a word in the results of a kind.
figure() {
	local file

	for file in "$work/$1".[0-9]*; do
		[[ $file == *.part ]] || sed -n "s/.*[ :]\([0-9]*\) $2.*/\1/p" "$file" | head -n 1
	done | awk '{ sum += $1 } END { printf "%d", sum }'
}

# row TEXT KIND
row() {
	local kind=$2

	echo "| $1 | $(figure "$kind" 'in [0-9]* simulated') | $(awk -v s="$(figure "$kind" 'simulated seconds')" 'BEGIN { printf "%.2f", s / 3600 }') |" \
		"$(figure "$kind" steps) | $(figure "$kind" configurations) | $(figure "$kind" 'changes of groups') |" \
		"$(figure "$kind" messages) | $(figure "$kind" 'of them safe') | $(figure "$kind" 'promises of safe') |" \
		"$(figure "$kind" verdicts) | $(figure "$kind" 'answers of kv') | $(figure "$kind" 'changes that watches') |" \
		"$(figure "$kind" 'reloads of two nodes') | $(figure "$kind" 'services replaced') |"
}

crowds="24 48 64" # nodes of rings that are larger than those which the seeds choose
kinds=$("$histories" --help | sed -n 's/^Kinds of faults: //p')
{
	seeds all "$count"
	for kind in none $kinds; do
		seeds "$kind" "$((count / 10))"
	done
	seeds all,replace "$((count / 10))"
	for nodes in $crowds; do
		seeds "all@$nodes" "$((count / 320 + 1))"
	done
} | xargs -P "${HISTORIES_LANES:-2}" -L 1 bash -c 'play "$@"' play
if [ ! -e "$work/mutants" ] && [[ $parts == *" above "* ]]; then
	abs_top_builddir=$build bash "$top/tests/mutants/mutants.sh" --with tests/histories/coterie-histories \
		>"$work/mutants.part" || true
	mv "$work/mutants.part" "$work/mutants"
fi
if [ ! -e "$work/rest" ] && [[ $parts == *" rest "* ]]; then
	abs_top_builddir=$build bash "$top/tests/mutants/mutants.sh" --without tests/histories/coterie-histories \
		>"$work/rest.part" || true
	mv "$work/rest.part" "$work/rest"
fi
if [ ! -e "$work/engine" ] && [[ $parts == *" coterie-sim "* ]]; then
	abs_top_builddir=$build abs_top_srcdir=$top nice -n 10 bash "$top/tests/sim/mutants.sh" >"$work/engine.part" || true
	mv "$work/engine.part" "$work/engine"
fi

# kept HEADING: what the page has had under this heading.
before=$(mktemp)
cp "$page" "$before"
kept() {
	awk -v heading="$1" '/^##/ { is_in = $0 == heading } is_in' "$before"
	echo
}

# mutants FILE HEADING: the text on standard input, with the rows of the file, if these mutants were played.
mutants() {
	if [ -e "$work/$1" ]; then
		printf '%s\n\n' "$2"
		cat
	else
		kept "$2"
	fi
}

above() {
	cat <<'END'
One-line changes (`tests/mutants/list`), and the first seed that notices each.

| mutant | what is wrong | seed | what a client sees |
|---|---|---|---|
END
	sed -n 's/^ok [0-9]* - \([a-z0-9_]*\) (\(.*\)): caught by [^ ]* seed \([0-9]*\)[a-z ]*: \(.*\)/| `\1` | \2 | \3 | \4 |/p' "$work/mutants"
	survivors=$(sed -n 's/^not ok [0-9]* - \([a-z0-9_]*\) (\(.*\)): SURVIVES/- `\1`: \2/p' "$work/mutants")
	if [ -n "$survivors" ]; then
		printf '\nThese survive the seeds that were played. The unit tests named in the list notice them.\n\n%s\n' "$survivors"
	fi
	printf '\nHistories of Coterie nodes do not notice these, for the reason given. The unit tests named in the list do.\n\n'
	python3 "$top/tests/mutants/run.py" unseen "$top/tests/mutants/list"
	echo
}

engine() {
	cat <<'END'
`coterie-sim` plays these (`exec/totem/hooks.h`). Each is caught within its number of seeds.

| mutant | what is wrong | seed | of |
|---|---|---|---|
END
	sed -n 's/^ok [0-9]* - \([A-Z_]*\) (\(.*\)): seed \([0-9]*\) of \([0-9]*\)$/| `\1` | \2 | \3 | \4 |/p' "$work/engine"
	sed -n 's/^not ok [0-9]* - \([A-Z_]*\) (\(.*\)): seed .* of \([0-9]*\)$/| `\1` | \2 | none | \3 |/p' "$work/engine"
	echo
}

rest() {
	cat <<'END'
One-line changes of the list, and the test that notices each. The list's first lines name those that were left out.

| mutant | what is wrong | test | case or seed |
|---|---|---|---|
END
	sed -n 's/^ok [0-9]* - \([a-z0-9_]*\) (\(.*\)): caught by \([^ :]*\): \(.*\)/| `\1` | \2 | \3 | \4 |/p' "$work/rest"
	sed -n 's/^not ok [0-9]* - \([a-z0-9_]*\) (\(.*\)): .*/| `\1` | \2 | none | |/p' "$work/rest"
}

{
	cat <<'END'
# Simulation of whole nodes

`coterie-histories` plays whole nodes from a seed, on the test kit. They have the daemon's route, synchronisation, gates, fast channels and queues of clients.
Their services are cpg, evs, quorum, votequorum, kv and cfg.
All but cfg are replaced by new files while the ring runs, in the rows with `replace`.
Network, clock, config files and clients are simulated. Some clients of cpg have a fast channel, the others send over libqb. `tests/histories/page.sh` writes this page. `tests/sim` has the simulation of the engine alone (protocol/invariants.md).

## What is checked

| part | property |
|---|---|
| cpg | each list of members is the list before with the changes that are told |
| cpg | a message comes from a process that is listed, with the bytes that were sent, once, and a client's own messages all and in order |
| cpg | two clients that go from one ring to the next together, or are together at the end, see the same changes and messages in one sequence. Others see the same as long as both are in the ring |
| cpg | a process leaves with its node only if the node has parted, and leaves then |
| cpg, evs | all clients get a message in the same configuration |
| cpg, evs | a safe message that one member of a configuration gets comes to all of its members that live on |
| evs | configurations alternate, their members are those by the changes, and all nodes agree on the members of a ring |
| evs | two nodes that go through the same configurations get the same messages in one sequence |
| quorum | a ring is quorate if more than half of the votes are there, and all its members are told the same |
| kv | a complete search finds one order that all answers fit and that fits the time, also where a table was lost; all replicas are equal at the end |
| kv | no node gives a table up that another node has |
| kv | all watches are told the same change for a revision, the one that was answered with it. A watch is told each change, or that it has missed some, and no revision is lower than one before |
| cfg | a reload that one member of a configuration applies is applied by all of its members that live on, and by no node if one has refused its file |
| cfg | at the end all nodes run the last version |
| all | within a stated time behind the last fault there is one ring, all clients are served, each living process is listed and no other |

These excuses are left:

- The first message of a node in a ring with a node that is like one of Corosync may be missing at another node. Then its client sent it in an earlier ring, and the two nodes have not been together since. Its beginning may have been sent
  there (protocol/packing.md, "Reassembly"). The program counts each use of this excuse.
- In plays with such a node no order is searched for kv's answers, since a write that was acknowledged may be lost. The program counts these plays together with searches that were given up.
- A node that starts kv again after it could not store its marker counts like one that has lost its files: the ring may go on with an older table. The node
  logs this when the store fails.
- Watches of kv are not compared in plays in which a table was lost, or with a node that is like one of Corosync.
- A node that was left out of a reload, since it had not answered for about nine seconds, need not apply it. All nodes log this. The program counts them.
- That no node gives a table of kv up is checked in plays in which no node has lost its files, and each store has succeeded.
- A process may leave with its node although that node has not parted, if the node has ever unloaded a service.

## Figures

| faults | histories | simulated hours | steps | configurations | changes of groups | messages | safe | promises checked | verdicts | answers of kv | events of watches | reloads compared | services replaced |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
END
	row "all, some in each" all
	for kind in none $kinds; do
		row "$kind" "$kind"
	done
	row "all, and replace" all,replace
	for nodes in $crowds; do
		row "all, $nodes nodes" "all@$nodes"
	done
	echo
	for kind in all none $kinds all,replace $(printf 'all@%s ' $crowds); do
		figure "$kind" "in [0-9]* simulated"
		echo
	done | awk '{ sum += $1 } END { print sum " histories, without a violation." }'
	echo
	above 2>/dev/null | mutants mutants '## Mutants above the engine'
	engine 2>/dev/null | mutants engine '## Mutants of the engine, in the simulator'
	rest 2>/dev/null | mutants rest '## Other mutants'
} | cat -s | sed "\$ { /^\$/d }" >"$work/page"
mv "$work/page" "$page"
rm "$before"
echo "$page"
# A mutant that survives, or that cannot be made any more, fails the run.
survivors=$(cat "$work/mutants" "$work/rest" "$work/engine" 2>/dev/null | grep '^not ok' || true)
if [ -n "$survivors" ]; then
	printf '%s\n' "$survivors" >&2
	exit 1
fi
