#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# newer.txt: each change of Corosync after 3.1.7 has a row, and each row names tests that there are.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../../tap.sh"
source=${abs_top_srcdir:-$(cd "$(dirname "$0")/../../.." && pwd)}
cd "$source" || exit 1
table=tests/unit/tree/newer.txt

# trim TEXT
trim() { sed 's/^[[:space:]]*//; s/[[:space:]]*$//' <<<"$1"; }

# stands TEST: the file is there, and has the words, if some are named.
stands() {
	local file=${1%%:*} words=

	[[ $1 != *:* ]] || words=${1#*:}
	[ -f "$file" ] && grep -qF -e "$words" "$file"
}

# is_built FILE: a local.mk has it.
is_built() { grep -qE "[/ ]$(basename "$1")( |\$)" ./*/local.mk ./*/*/local.mk ./*/*/*/local.mk ./*/*/*/*/local.mk; }

count=0
while IFS='|' read -r since what tests; do
	since=$(trim "$since") what=$(trim "$what")
	count=$((count + 1))
	missing=
	found=0
	while read -r test; do
		test=$(trim "$test")
		[ -n "$test" ] || continue
		found=$((found + 1))
		stands "$test" && is_built "${test%%:*}" || missing+="$test; "
	done < <(tr ';' '\n' <<<"$tests")
	[ "$found" -gt 0 ] && [ -z "$missing" ]
	tap $? "$since: $what" || tap_note "not there, or in no makefile: ${missing:-no test is named}"
done < <(grep -vE '^(#|$)' "$table")
[ "$count" -ge 24 ]
tap $? "the table is found" || tap_note "$count rows"

# Programs of Debian 13 depend on libraries of 3.1.9.
old=$(grep -E '^(Provides:|          )' debian/control | grep -oE '(corosync|lib(corosync-common|cfg|cmap|cpg|quorum|sam|votequorum))[a-z0-9-]* \(= [0-9.]+\)' |
	grep -v '(= 3\.1\.9)')
[ -z "$old" ] && [ "$(grep -c '(= 3.1.9)' debian/control)" -ge 16 ] && [ "$(grep -c '^Provides:.*= 3.1.9$' conf/coterie.spec.in)" -ge 4 ]
tap $? "the packages provide 3.1.9" || tap_note "$old"

# shellcheck disable=SC2016 # make expands it
grep -qF 'dbuspolicydir = $(datadir)/dbus-1/system.d' tools/notifyd/local.mk
tap $? "the D-Bus policy is below the data folder"
tap_end
