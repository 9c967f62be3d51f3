#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# docs/reference/ is what docs/reference.py makes of the headers, and each function there is described.
. "$(dirname "$0")/../tap.sh"
cd "$(dirname "$0")/../.." || exit 1
command -v python3 >/dev/null || tap_skip "no python3"

stale=$(python3 docs/reference.py --check)
tap $? "the pages are those of the headers" || tap_note "run python3 docs/reference.py: $stale"
# A section is a heading, a prototype and a text.
bare=$(awk '/^## / { if (name != "" && !text) print FILENAME ": " name; name = $2; text = 0; next }
	/^```/ { inside = !inside; next }
	!inside && NF > 0 && !/^Since ABI/ { text = 1 }' docs/reference/*.md)
tap_check "each function has a text" test -z "$bare" || tap_note "$bare"
# Without comments a member is what ends with a semicolon.
in_header=$(${CC:-cc} -fpreprocessed -E -P - <include/coterie/host.h | sed -n '/^struct coterie_host/,/^};/p' | tr '\n' ' ' |
	tr ';' '\n' | grep -cE '\(\*[a-z0-9_]+\)\s?\(')
tap_check "the host table has a section for each member" test "$(grep -c '^## ' docs/reference/host.md)" = "$in_header" ||
	tap_note "$in_header members"
tap_check "the kit has a section for each function" \
	test "$(grep -c '^## ' docs/reference/testkit.md)" = "$(grep -E '^[a-z].*testkit_[a-z_]+\(' include/coterie/testkit.h | wc -l)"
tap_end
