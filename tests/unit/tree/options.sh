#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# options.txt: each option that --help-config knows and each key of corosync.conf(5) has a row, and each row names tests
# that there are.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../../tap.sh"
source=${abs_top_srcdir:-$(cd "$(dirname "$0")/../../.." && pwd)}
build=${abs_top_builddir:-$PWD}
daemon=$build/exec/coterie
table=tests/unit/tree/options.txt
open_max=0 # rows without a test: the number only falls
[ -x "$daemon" ] || tap_skip "no daemon at $daemon"
export COTERIE_PLUGIN_PATH=$build/.libs LC_ALL=C
cd "$source" || exit 1

# options [BLOCK]: "BLOCK OPTION" for each. --help-config has a line for a block, then its options with a tab in front.
options() {
	"$daemon" --help-config "$@" 2>/dev/null |
		awk '/^[a-z].*\{ *\}$/ { sub(/ *\{ *\}$/, ""); block = $0 }
			/^at the top level/ { block = "top" }
			/^\t[a-z-]+  \(/ { print block, $1 }'
}

# All blocks, and what only one transport or service has.
found() {
	local name

	options
	for name in udp udpu knet; do
		options transport "$name" | sed "s/^transport $name /transport NAME /"
	done
	for name in cfg cmap control cpg evs kv metrics mon pload quorum votequorum wd; do
		options service "$name" | grep -v ' enabled$'
	done
}

rows() { grep -vE '^(#|$)' "$table"; }
names() { rows | cut -d'|' -f1 | sed 's/ *$//'; }

all=$(found | sort -u)
[ "$(wc -l <<<"$all")" -ge 140 ]
tap $? "the options are found" || tap_note "$all"
missing=$(comm -23 <(echo "$all") <(names | sort -u))
[ -z "$missing" ]
tap $? "every option has a row" || tap_note "$missing"
# A build may leave services and transports out.
if [ -e "$build/.libs/knet.so" ] && [ -e "$build/.libs/metrics.so" ]; then
	old=$(comm -13 <(echo "$all") <(names | grep -v '^corosync.conf$' | sort -u))
	[ -z "$old" ]
	tap $? "every row is of an option" || tap_note "$old"
fi

# The keys that the page describes, but for those that are there for the sake of older files.
keys=$(sed -n 's/^\.It Ic //p' conf/man/corosync.conf.5 | tr -d '\\&' | sed 's/ No \.\.\.$//' | tr -s ', ' '\n' | sort -u)
missing=$(comm -23 <(echo "$keys") <(rows | cut -d'|' -f2 | tr -s ' ' '\n' | sort -u))
[ -z "$missing" ]
tap $? "every key of corosync.conf(5) has a row" || tap_note "$missing"

declare -A named=() # files that makefiles name
while read -r file; do
	named[$file]=1
done < <(cat ./*/*/*.mk ./*/*/*/local.mk ./*/*/*/*/local.mk | tr -s '\t ' '\n\n' | sed -n 's,.*/,,; /./p')
while IFS='|' read -r name _ tests; do
	missing=
	while read -r test; do
		file=${test%%:*} words=
		[[ $test != *:* ]] || words=${test#*:}
		[ -f "$file" ] && grep -qF -e "$words" "$file" && [ -n "${named[${file##*/}]:-}" ] ||
			missing+="$test; "
	done < <(tr ';' '\n' <<<"$tests" | sed 's/^ *//; s/ *$//' | grep -v '^open$')
	[ -z "$missing" ]
	tap $? "$name: its tests are there" || tap_note "not there, or in no makefile: $missing"
done < <(rows)
open=$(rows | grep -c '| open$')
[ "$open" -le "$open_max" ]
tap $? "at most $open_max options have no test" || tap_note "$(rows | grep '| open$')"
tap_end
