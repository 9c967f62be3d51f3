#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every shell script of the tree passes shellcheck.
. "$(dirname "$0")/../../tap.sh"
cd "$(dirname "$0")/../../.." || exit 1
command -v shellcheck >/dev/null || tap_skip "no shellcheck"

# Build folders stand inside the tree at times: what configure or libtool made is not ours to judge.
mapfile -t scripts < <(find . \( -name .git -o -name 'build*' -o -name _build -o -name _inst \
	-o -name m4 -o -name autom4te.cache \) -prune -o -type f \
	-exec grep -lZE '^#!.*[/ ](ba|da)?sh( |$)|^# shellcheck shell=' {} + |
	xargs -0 grep -LE '^# Generated (automatically )?by' | sort)
check=(shellcheck -S warning -e "SC1091,SC2154" -f gcc)
# To follow what a script sources takes most of the time: only where something is found without it, and everywhere with
# SHELL_FOLLOW=all (make check-long). A variable that only another script reads is not such a find. One by one: shellcheck
# also follows what it is given in the same call.
declare -A found
uses=$(grep -ohE '\$\{?[!#]?[A-Za-z_][A-Za-z0-9_]*' "${scripts[@]}" | tr -d '${!#' | sort -u)
while IFS=: read -r script _ _ _ text; do
	grep -qxF "${text%% appears unused*}" <<<"$uses" || found[$script]=1
done < <(if [ "${SHELL_FOLLOW:-}" = all ]; then
	printf '%s:\n' "${scripts[@]}"
else
	printf '%s\0' "${scripts[@]}" | xargs -0 -n 1 "${check[@]}"
fi | sed 's/: /:/g')
for script in "${scripts[@]}"; do
	if [ -n "${found[$script]:-}" ]; then
		tap_check "$script" "${check[@]}" -x "$script"
	else
		tap 0 "$script"
	fi
done
tap_end
