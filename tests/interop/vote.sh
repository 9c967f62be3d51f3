#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Rings that count votes, our daemon and Debian's corosync mixed in all proportions: what vote_scenarios.txt
# tells, each scenario with all nodes ours, and in turn with few or with many of them ours (with both in
# check-long), at places that change from one scenario to the next. After each step every node must say of
# quorum and votes what the nodes of a ring of corosync alone have said: vote_expected.txt.
#
# Several rings play at a time, each in namespaces of its own. Environment:
#
#	VOTE_ONLY=PATTERN	these scenarios alone
#	VOTE_KINDS="KIND..."	of coterie, few, many (of coterie), corosync; mixed is few and many in turn.
#				Default: coterie mixed
#	VOTE_RECORD=1		add what rings of corosync alone say now to vote_expected.txt, which is
#				removed before if all is to be recorded anew (and then again some times,
#				until no other outcomes come)
#	VOTE_LANES=COUNT	rings at a time
#	VOTE_TOKEN=MS		their token timeout
#	VOTE_KEEP=FOLDER	logs go there
# shellcheck source=tests/cluster/lab.sh
. "$(dirname "$0")/../cluster/lab.sh"

VOTE_HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/interop/vote_ring.sh
. "$VOTE_HERE/vote_ring.sh"

VOTE_TOKEN=${VOTE_TOKEN:-400}
VOTE_LANES=${VOTE_LANES:-6}
[ -z "${VOTE_RECORD:-}" ] || VOTE_KINDS=corosync
VOTE_KINDS=${VOTE_KINDS:-coterie mixed}

vote_program() {
	local path

	for path in "$LAB_BUILD/tests/interop/.libs/vote_agent" "$LAB_BUILD/tests/interop/vote_agent"; do
		[ ! -x "$path" ] || {
			echo "$path"
			return
		}
	done
}

# ---- The table ----

VOTE_NAMES=()
declare -A VOTE_VOTES VOTE_QUORUM VOTE_STEPS # by name; the latter two a line each
declare -A VOTE_OURS                         # 1 for those that corosync cannot play
vote_read_scenarios() {
	local line name=

	while read -r line; do
		case $line in
		'#'* | '') ;;
		'scenario '*)
			read -r _ name line <<<"$line"
			VOTE_NAMES+=("$name")
			VOTE_VOTES[$name]=$line
			;;
		'coterie alone') VOTE_OURS[$name]=1 ;;
		'quorum '*) VOTE_QUORUM[$name]+=${line#quorum }$'\n' ;;
		*) VOTE_STEPS[$name]+=$line$'\n' ;;
		esac
	done <"$VOTE_HERE/vote_scenarios.txt"
}

# What was recorded, by "name step", which counts from 0: the step itself; what calls have answered; how many
# outcomes there are, and each, by "name step number": lines as vote_describe makes them.
declare -A VOTE_STEP VOTE_ANSWERED VOTE_OUTCOMES VOTE_OUTCOME

# vote_read_recorded FILE: adds its records. Records of a changed step start again.
vote_read_recorded() {
	local line key='' name='' step=0 outcome=

	while IFS= read -r line; do
		case $line in
		'#'* | '') continue ;;
		$'\t= '*)
			[[ ${VOTE_ANSWERED[$key]} == *"${line#$'\t= '}"$'\n'* ]] ||
				VOTE_ANSWERED[$key]+=${line#$'\t= '}$'\n'
			;;
		$'\tor')
			vote_add_outcome "$key" "$outcome"
			outcome=
			;;
		$'\t'*) outcome+=${line#$'\t'}$'\n' ;;
		*)
			[ -z "$key" ] || vote_add_outcome "$key" "$outcome"
			outcome='' key=
			case $line in
			'scenario '*)
				name=${line#scenario }
				step=-1
				;;
			*)
				step=$((step + 1))
				key="$name $step"
				[ "${VOTE_STEP[$key]}" = "$line" ] || {
					VOTE_STEP[$key]=$line
					VOTE_OUTCOMES[$key]=0
					VOTE_ANSWERED[$key]=
				}
				;;
			esac
			;;
		esac
	done <"$1"
	[ -z "$key" ] || vote_add_outcome "$key" "$outcome"
}

# vote_add_outcome KEY LINES: unless it is known.
vote_add_outcome() {
	local number

	for ((number = 0; number < VOTE_OUTCOMES[$1]; number++)); do
		[ "${VOTE_OUTCOME["$1 $number"]}" != "$2" ] || return 0
	done
	VOTE_OUTCOME["$1 $number"]=$2
	VOTE_OUTCOMES[$1]=$((number + 1))
}

# Jobs are "KIND NAME INDEX". The index is that of the scenario in the table.
VOTE_JOBS=()
vote_list_jobs() {
	local kind name index turn turns=(few many)

	for kind in $VOTE_KINDS; do
		turn=
		for index in "${!VOTE_NAMES[@]}"; do
			name=${VOTE_NAMES[index]}
			[[ $name =~ ${VOTE_ONLY:-.} ]] || continue
			if [ -z "${VOTE_OURS[$name]:-}" ]; then
				[ "$kind" != mixed ] || turn=${turns[index % 2]}
				VOTE_JOBS+=("${turn:-$kind} $name $index")
			elif [ "$kind" = "${VOTE_KINDS%% *}" ]; then
				VOTE_JOBS+=("coterie $name $index")
			fi
		done
	done
}

# ---- The whole ----

vote_write_expected() {
	local name step number key text

	echo "# What rings of Corosync 3.1.7 alone say in each scenario of vote_scenarios.txt, step by step: which"
	echo "# nodes, what they say of ring and quorum, then node by node state and votes. After = what calls have"
	echo "# returned. Where a newcomer's view depends on how often the ring was formed anew while it came in,"
	echo "# there are several outcomes. Scenarios of coterie alone are recorded from that, and then read with"
	echo "# care. Written by VOTE_RECORD=1 vote.sh."
	for name in "${VOTE_NAMES[@]}"; do
		printf '\nscenario %s\n' "$name"
		step=0
		while IFS= read -r text; do
			key="$name $step"
			[ -n "$text" ] && [ "${VOTE_STEP[$key]}" = "$text" ] || break
			echo "$text"
			for ((number = 0; number < VOTE_OUTCOMES[$key]; number++)); do
				[ $number -eq 0 ] || printf '\tor\n'
				text=${VOTE_OUTCOME["$key $number"]%$'\n'}
				[ -z "$text" ] || sed 's/^/\t/' <<<"$text"
			done
			[ -z "${VOTE_ANSWERED[$key]}" ] ||
				sed 's/^/\t= /' <<<"${VOTE_ANSWERED[$key]%$'\n'}"
			step=$((step + 1))
		done <<<"${VOTE_STEPS[$name]}"
	done
}

vote_main() {
	local lane number name lines waiting=()

	[ -n "$(vote_program)" ] || tap_skip "vote_agent is not built (make check does)"
	[ -n "$(type -p corosync)" ] || tap_skip "no corosync to compare with"
	[ -x "$LAB_BUILD/exec/coterie" ] || [ -n "${VOTE_RECORD:-}" ] || tap_skip "exec/coterie is not built"
	lab_turn
	VOTE_WORK=$(mktemp -d)
	trap 'kill "${waiting[@]}" 2>/dev/null; rm -rf "$VOTE_WORK"' EXIT
	mkdir "$VOTE_WORK"/{taken,done,recorded}
	export VOTE_WORK
	for ((lane = 1; lane <= VOTE_LANES; lane++)); do
		VOTE_LANE=$lane LAB_LANES=1 LAB_LOCK=$VOTE_WORK/lock$lane bash "$0" >"$VOTE_WORK/lane$lane" 2>&1 9>&- &
		waiting+=($!)
	done
	wait "${waiting[@]}"
	waiting=()
	# Where namespaces cannot be had, each of them has said so.
	! grep '^1\.\.0 # SKIP' "$VOTE_WORK/lane1" || exit 0
	for number in "${!VOTE_JOBS[@]}"; do
		lines=("${VOTE_JOBS[number]}" "was not played")
		[ ! -e "$VOTE_WORK/done/$number" ] || mapfile -t lines <"$VOTE_WORK/done/$number"
		[ ${#lines[@]} -eq 1 ]
		tap $? "${lines[0]}" || tap_note "$(printf '%s\n' "${lines[@]:1}")"
	done
	for ((lane = 1; lane <= VOTE_LANES; lane++)); do
		[ ! -s "$VOTE_WORK/lane$lane" ] || tap_note "ring $lane" "$(head -n 20 "$VOTE_WORK/lane$lane")"
	done
	if [ -n "${VOTE_RECORD:-}" ]; then
		for name in "$VOTE_WORK"/recorded/*; do
			vote_read_recorded "$name"
		done
		vote_write_expected >"$VOTE_WORK/expected"
		cp "$VOTE_WORK/expected" "$VOTE_HERE/vote_expected.txt"
	fi
	tap_end
}

vote_read_scenarios
[ ! -e "$VOTE_HERE/vote_expected.txt" ] || vote_read_recorded "$VOTE_HERE/vote_expected.txt"
vote_list_jobs
if [ -n "${VOTE_LANE:-}" ]; then
	vote_lane
else
	vote_main
fi
