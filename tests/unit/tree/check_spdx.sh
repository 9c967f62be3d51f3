#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every source, header, script, make fragment and manual page names its license in an SPDX line near its start.
. "$(dirname "$0")/../../tap.sh"
cd "$(dirname "$0")/../../.." || exit 1

line='SPDX-License-Identifier: BSD-3-Clause'

# lacking FOLDER: its files without the line. Frozen copies, inputs, transcripts and aliases of pages need none.
lacking() {
	local name first

	if git -C "$1" rev-parse --git-dir >/dev/null 2>&1 && [ -z "$(git -C "$1" rev-parse --show-prefix)" ]; then
		git -C "$1" ls-files
	else
		(cd "$1" && find . -type f ! -path './build*' -printf '%P\n')
	fi | sort | while IFS= read -r name; do
		case $name in
		tests/abi/sdk/* | tests/fuzz/corpus/* | tests/interop/tools/* | docs/reference/* | docs/performance/*) continue ;;
		esac
		[ -f "$1/$name" ] && [ ! -L "$1/$name" ] || continue
		first=
		IFS= read -r first 2>/dev/null <"$1/$name"
		case $name in
		*.c | *.h | *.cc | *.cpp | *.hpp | *.sh | *.py | *.mk | *.am | *.ac | *.bash | *.fish | *.yml | *.yaml) ;;
		Makefile | */Makefile | GNUmakefile) ;;
		*.[1-8]) [ "${first#.so }" = "$first" ] || continue ;;
		*) case $first in '#!'* | '#compdef'*) ;; *) continue ;; esac ;;
		esac
		printf '%s\n' "$name"
	done | (cd "$1" && xargs -r -d '\n' awk -v line="$line" '
		FNR == 1 { if (name != "" && !has) print name; name = FILENAME; has = 0 }
		FNR <= 60 && index($0, line) { has = 1 }
		END { if (name != "" && !has) print name }')
}

play=$(mktemp -d)
trap 'rm -rf "$play"' EXIT
mkdir -p "$play/tests/abi/sdk"
printf '/* %s */\nint x;\n' "$line" >"$play/good.c"
printf 'int x;\n' >"$play/bad.c"
printf '#!/bin/sh\ntrue\n' >"$play/script"
printf '.Dd today\n' >"$play/page.3"
printf '.so man3/page.3\n' >"$play/alias.3"
printf 'int x;\n' >"$play/tests/abi/sdk/frozen.h"
printf 'text\n' >"$play/data.txt"
found=$(lacking "$play" | tr '\n' ' ')
[ "$found" = "bad.c page.3 script " ]
tap $? "a file without the line is found, and no other one" || tap_note "$found"

found=$(lacking .)
[ -z "$found" ]
tap $? "every file of ours names its license" || tap_note "$found"
tap_end
