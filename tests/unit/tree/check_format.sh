#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# clang-format has nothing to change in any C file. Its versions differ in details: the one of Debian 12 decides.
. "$(dirname "$0")/../../tap.sh"
cd "$(dirname "$0")/../../.." || exit 1

wanted=14
clang=$(command -v clang-format-$wanted || command -v clang-format) || tap_skip "no clang-format"
found=$("$clang" --version | sed -n 's/.*version \([0-9]*\)\..*/\1/p')
[ "$found" = $wanted ] || tap_skip "clang-format has version $found: version $wanted decides"

# unformatted FILE...: print the places that clang-format would change.
unformatted() { printf '%s\0' "$@" | xargs -0 -n 100 -P 2 "$clang" --dry-run --style=file 2>&1 | grep 'warning:'; }

play=$(mktemp -d)
trap 'rm -rf "$play"' EXIT
cp .clang-format "$play"
printf 'int one(void) { return 1; }\n' >"$play/good.c"
printf '\nint  one(void) { return 1; }\n' >"$play/bad.c"
[ -z "$(unformatted "$play/good.c")" ]
tap $? "a file with the right indentation has no finding"
[[ $(unformatted "$play/bad.c") == *bad.c:2:* ]]
tap $? "a file with a wrong indentation has one"

# Frozen copies of installed headers stay as they were.
mapfile -t files < <(find . \( -name .git -o -name 'build*' -o -name _build -o -name _inst -o -name autom4te.cache \
	-o -path ./tests/abi/sdk \) -prune -o \( -name '*.c' -o -name '*.h' \) -print | sort)
places=$(unformatted "${files[@]}")
[ -z "$places" ]
tap $? "${#files[@]} C files are as clang-format writes them: clang-format -i FILE mends one"
[ -z "$places" ] || tap_note "$places"
tap_end
