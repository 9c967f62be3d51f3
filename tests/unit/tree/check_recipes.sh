#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A recipe that starts a script of the lab names the build ($(test_environment) of Makefile.am). Otherwise the script takes
# the daemon of build/, and `make BUILD=build-asan check-long` plays it without the sanitizers.
. "$(dirname "$0")/../../tap.sh"
cd "$(dirname "$0")/../../.." || exit 1

# Print the recipes on standard input, one a line, that start a script with bash.
recipes() { sed -e ':join' -e '/\\$/N; s/\\\n//; tjoin' | grep -P '^\t.*\bbash [^ ]*\.sh'; }

# fragment FILE FOLDER: print its scripts of the lab that a recipe starts without the environment.
fragment() {
	local recipe name

	recipes <"$1" | while read -r recipe; do
		[[ $recipe != *test_environment* ]] || continue
		# shellcheck disable=SC2016 # for make
		for name in $(grep -oP 'bash \K[^ ]*\.sh' <<<"$recipe" | sed -e "s,%D%,$2,;s,\$(\(top_\)\?srcdir)/,,"); do
			# A name that a loop of the shell makes: any script of the folder.
			# shellcheck disable=SC2086 # a pattern
			! grep -lq '/lab\.sh"' ${name//\$\$[a-z]*./*.} 2>/dev/null || echo "$1: $name"
		done
	done
}

found=$(git ls-files '*local.mk' Makefile.am 2>/dev/null | while read -r name; do
	fragment "$name" "$(dirname "$name")"
done)
[ -n "$(git ls-files 2>/dev/null)" ] || tap_skip "this is no clone"
[ -z "$found" ]
tap $? "every recipe that starts a script of the lab names the build" || tap_note "$found"

# The check itself.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed 's/\$(test_environment)//' tests/cluster/local.mk >"$work/local.mk"
count=$(recipes <"$work/local.mk" | wc -l)
tap_check "recipes are found ($count)" test "$count" -gt 40
fragment "$work/local.mk" tests/cluster >"$work/found"
tap_check "one without it is found, over several lines too" grep -q "tests/cluster/many_clients.sh" "$work/found"
# shellcheck disable=SC2016 # for make
tap_check "and one in a loop" grep -q 'tests/cluster/$$what.sh' "$work/found"
tap_end
