#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The texts of commits: a subject of at most 65 characters, "module: imperative title" and no full stop, a body that
# says why, and words of plain English. Older commits than the rule are left alone.
. "$(dirname "$0")/../../tap.sh"
cd "$(dirname "$0")/../../.." || exit 1

work=$(mktemp)
trap 'rm "$work"' EXIT
first=541f1339f7fdcbf91c12ebee0bee3df3b38dc38d # the last commit before the rule

# faults SUBJECT BODY: what is wrong with a commit's text, a line each. It starts no process, since there are many commits.
faults() {
	local words=${1,,}\ ${2,,}

	words=" ${words//[^a-z0-9_]/ } "
	[ "${#1}" -le 65 ] || echo "the subject has ${#1} characters"
	[[ $1 =~ ^[a-z0-9_./-]+:\ [a-z] ]] || echo "the subject is not 'module: imperative title'"
	[[ $1 != *. ]] || echo "the subject ends with a full stop"
	[ -n "${2//[[:space:]]/}" ] || echo "no body says why"
	[[ ! $words =~ \ (anew|whoever|wip)\  ]] || echo "says anew, whoever or wip"
	[[ ! ${1,,} =~ (^|:\ |\.\ )(who|nobody|what)\  ]] || echo "the subject has no subject with a name"
}

[ -z "$(faults 'ring: bound the send queue' 'It grew.')" ] &&
	[ "$(faults 'Ring bounds: what waits is what a rotation of the token carries anew, and no more.' '' | wc -l)" -eq 6 ]
tap $? "good and bad texts are told apart" ||
	tap_note "$(faults 'Ring bounds: what waits is what a rotation of the token carries anew, and no more.' '')"

# A source archive and a shallow clone have no such history: there is nothing to check there.
bad=
while IFS= read -r -d '' commit && IFS= read -r -d '' subject && IFS= read -r -d '' body; do
	faults "$subject" "$body" >"$work"
	[ ! -s "$work" ] || bad+="$commit $subject: $(paste -sd, "$work")"$'\n'
done < <(git log -z --no-merges --format=%h%x00%s%x00%b "$first..HEAD" 2>/dev/null)
[ -z "$bad" ]
tap $? "commits since then have good texts" || tap_note "$bad"
tap_end
