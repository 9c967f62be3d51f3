#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Text of ours keeps the countable rules of plain English: tests/unit/tree/prose.py has them. prose.exceptions holds
# how many older findings each file still has. The list only shrinks.
. "$(dirname "$0")/../../tap.sh"
cd "$(dirname "$0")/../../.." || exit 1

list=tests/unit/tree/prose.exceptions

# Each rule finds what it forbids, and nothing else.
play=$(mktemp -d)
trap 'rm -rf "$play"' EXIT
long=$(printf 'word %.0s' {1..31})
long=${long% }
cat >"$play/bad.c" <<END
/* Who sends is a mystery. */
/* The ring forms anew. */
/* A node leaves; the others go on without it. */
/* The $long ends. */
END
cat >"$play/good.c" <<END
/* Send one frame. @return 0; -EAGAIN: no room, the caller tries again */
static const char *text = "/* Who is this; a string of the program, no comment; anew */";
/* size: in bytes; number: of frames */
END
found=$(python3 tests/unit/tree/prose.py "$play" | cut -d: -f1,2 | tr '\n' ',')
[ "$found" = "opening bad.c:1,anew bad.c:2,second bad.c:3,long bad.c:4," ]
tap $? "each rule finds what it forbids" || tap_note "$found"

found=$(python3 tests/unit/tree/prose.py . --exceptions "$list")
new=$(grep -v '^fewer ' <<<"$found")
[ -z "$new" ]
tap $? "no file has more findings than prose.exceptions allows" || tap_note "$new"
fewer=$(grep '^fewer ' <<<"$found")
[ -z "$fewer" ]
tap $? "prose.exceptions has shrunk with the findings" ||
	tap_note "$fewer" "python3 tests/unit/tree/prose.py . --exceptions $list --shrink"
tap_end
