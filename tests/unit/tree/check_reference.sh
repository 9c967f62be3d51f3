#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# docs/reference/ is what docs/reference.py makes of the headers, and each function there is described.
. "$(dirname "$0")/../../tap.sh"
cd "$(dirname "$0")/../../.." || exit 1
command -v python3 >/dev/null || tap_skip "no python3"

stale=$(python3 docs/reference.py --check)
tap $? "the pages are those of the headers" || tap_note "run python3 docs/reference.py: $stale"
# A section is a heading, a prototype and a text.
bare=$(awk '/^## / { if (name != "" && !text) print FILENAME ": " name; name = $2; text = 0; next }
	/^```/ { inside = !inside; next }
	!inside && NF > 0 && !/^Since ABI/ { text = 1 }' docs/reference/*.md)
tap_check "each function has a text" test -z "$bare" || tap_note "$bare"
# Two functions with one text: each of them is named there, as that of metric_count also describes metric_set.
alike=$(awk '/^## / { name = $2; next }
	/^```/ { inside = !inside; next }
	!inside && NF > 0 && !/^Since ABI|^- \[/ && name != "" { text[FILENAME " " name] = text[FILENAME " " name] $0 " " }
	END { for (one in text) for (other in text) if (one < other && text[one] == text[other]) {
		split(one, a); split(other, b)
		if (index(text[one], a[2]) == 0 || index(text[one], b[2]) == 0) print one ", " other } }' docs/reference/*.md)
tap_check "no function has the text of another one" test -z "$alike" || tap_note "$alike"
# A comment that follows a function on its line is in the function's section.
dropped=$(sed -nE 's,^.*\b(\(\*)?([a-z_]+)\)?\([^;]*\);\s*/\* (.*[^ ]) \*/$,\2 \3,p' include/coterie/{host,service,transport,testkit,client}.h |
	while read -r name text; do
		section=$(sed -n "/^## $name\$/,/^## /p" docs/reference/*.md)
		[ -z "$section" ] || grep -qF -- "$text" <<<"$section" || echo "$name: $text"
	done)
tap_check "no comment behind a function is dropped" test -z "$dropped" || tap_note "$dropped"
# Without comments a member is what ends with a semicolon.
in_header=$(${CC:-cc} -fpreprocessed -E -P - <include/coterie/host.h | sed -n '/^struct coterie_host/,/^};/p' | tr '\n' ' ' |
	tr ';' '\n' | grep -cE '\(\*[a-z0-9_]+\)\s?\(')
tap_check "the host table has a section for each member" test "$(grep -c '^## ' docs/reference/host.md)" = "$in_header" ||
	tap_note "$in_header members"
tap_check "the kit has a section for each function" \
	test "$(grep -c '^## ' docs/reference/testkit.md)" = "$(grep -E '^[a-z].*testkit_[a-z_]+\(' include/coterie/testkit.h | wc -l)"
# How a comment finds its function, whatever the headers have now.
rules=$(python3 - <<'EOT'
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, "docs")
import reference

text = """/** About one. */
int one(void);
int two(void); /* about two */
int three(void);
/** five does as four. */
int four(void);
int five(void);

int six(void);
/** Before. */
int seven(void); /* behind */
"""
found = {name: " ".join(lines) for name, _, lines, _ in reference.of_text(text, None)}
want = {"one": "About one.", "two": "about two", "three": "", "four": "five does as four.", "five": "five does as four.",
        "six": "", "seven": "Before.  behind"}
print("\n".join("%s: %r" % (name, found.get(name)) for name in want if found.get(name) != want[name]) or "fine")
EOT
)
tap_check "a function has its own comment, in front or behind" test "$rules" = fine || tap_note "$rules"
tap_end
