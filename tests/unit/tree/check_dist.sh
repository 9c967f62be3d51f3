#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The tarball of make dist has each file of the repository, except for those below. Otherwise only a person who builds
# from the tarball would notice that a test or a document is missing. Make has the list, so no tarball is made.
. "$(dirname "$0")/../../tap.sh"
cd "$(dirname "$0")/../../.." || exit 1

# Files for work in a clone.
left_out=(.gitignore)

tracked=$(git ls-files 2>/dev/null)
if [ -z "$tracked" ] || [ -n "$(git rev-parse --show-prefix)" ]; then
	tap_skip "this is no clone"
fi

# Lines before the mark are about the Makefile, if make has to make it again.
# shellcheck disable=SC2016 # for make
rule='include Makefile
print-dist:
	@printf "%s\n" "MARK $(srcdir)" $(DISTFILES)
'

# Print the names that make dist copies, one a line: files and whole folders.
distributed() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s --no-print-directory -C "${abs_top_builddir:-build}" -f - print-dist \
		<<<"$rule" | awk 'sub("^MARK ", "") { source = $0 "/"; next }
			source != "" { print index($0, source) == 1 ? substr($0, length(source) + 1) : $0 }'
}

# Print the tracked files that the names on standard input do not have.
missed() {
	awk 'FNR == NR { has[$0] = 1; next }
		{
			for (name = $0; name != "" && !(name in has);)
				if (!sub("/[^/]*$", "", name))
					name = ""
			if (name == "")
				print
		}' - <(printf '%s\n' "$tracked") | grep -vxF -f <(printf '%s\n' "${left_out[@]}")
}

names=$(distributed)
tap_check "make has a list of files" test "$(wc -l <<<"$names")" -gt 1000
found=$(missed <<<"$names")
[ -z "$found" ]
tap $? "make dist has all $(wc -l <<<"$tracked") tracked files" || tap_note "in no list of a local.mk:"$'\n'"$found"

# The check itself: a file that is in no list, and a folder of which only the name is there.
[ "$(grep -vx 'tests/tap.sh' <<<"$names" | missed)" = "$(printf '%s\n' tests/tap.sh "$found" | sed '/^$/d' | sort)" ]
tap $? "a file that is in no list is found"
gone=$(grep -vx 'docs/performance' <<<"$names" | missed | grep -c '^docs/performance/')
tap_check "so are the files of a folder" test "$gone" -gt 5
tap_end
