#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# docs/message-costs.md: each message and each request has a row, and each row names a test that there is. The tests that
# SECURITY.md and docs/encryption.md name exist as well.
. "$(dirname "$0")/../../tap.sh"
cd "$(dirname "$0")/../../.." || exit 1

page=docs/message-costs.md

# Identifiers of what is received: entries of the services' tables, and the enums of what has no table. The templates, the
# lock and the service in C++ are examples.
ids() {
	grep -rhoE '^[[:space:]]*\{(\.function = |\.id = )?[A-Z]+_(REQ|RING)_[A-Z_]+' services plugins --include='*.c' \
		--exclude-dir='template-*' --exclude-dir=lock --exclude-dir=example-cpp | grep -oE '[A-Z]+_(REQ|RING)_[A-Z_]+'
	sed -n '/^enum wire_type/,/^}/p; /^enum wire_probe_kind/,/^}/p' exec/totem/wire.h | grep -oE 'WIRE_[A-Z_]+'
	sed -n '/^enum function/,/^}/p' exec/sync/round_message.c | grep -oE 'RESYNC_[A-Z]+'
	grep -oE '^#define MESSAGE_[A-Z_]+' exec/sync/round_message.c | cut -d' ' -f2
	grep -oE '^#define DELIVERY_VERDICT' exec/sync/delivery.h | cut -d' ' -f2
}

# The first column of the rows.
rows() {
	grep '^| `' "$page" | cut -d'|' -f2
}

known=$(rows | grep -oE '`[A-Z_]+`' | tr -d '`' | sort -u)
found=$(ids | sort -u)
[ "$(wc -l <<<"$found")" -gt 90 ]
tap $? "the identifiers are found" || tap_note "$(wc -l <<<"$found")"
missing=$(comm -23 <(echo "$found") <(echo "$known"))
[ -z "$missing" ]
tap $? "every message and request has a row" || tap_note "$missing"
old=$(comm -13 <(echo "$found") <(echo "$known"))
[ -z "$old" ]
tap $? "every row is of a message or a request" || tap_note "$old"

while IFS='|' read -r _ what _ _ test _; do
	test=$(tr -d ' `' <<<"$test")
	file=${test%%:*} case=${test#*:}
	if [[ $file == fuzz_* ]]; then
		[ -f "tests/fuzz/$file.c" ]
	else
		path=$(find tests/unit plugins -name "$file.c" | head -n 1)
		[ -n "$path" ] && grep -qF "START_TEST($case)" "$path"
	fi || bad="$bad $what -> $test"
done < <(grep '^| `' "$page")
[ -z "$bad" ]
tap $? "every row names a test" || tap_note "$bad"

# has_test NAME: a script, a file, files with a common begin, or a test case
has_test() {
	case $1 in
	tests/*\**) compgen -G "$1" >/dev/null ;;
	tests/*) [ -f "$1" ] ;;
	*.sh) [ -f "tests/cluster/$1" ] || [ -n "$(find tests/unit -name "$1")" ] ;;
	*) grep -rqF "START_TEST($1)" tests/unit ;;
	esac
}
# The last column of the tables, and what stands in brackets.
named() {
	{ grep '^|' SECURITY.md docs/encryption.md | sed 's/ *|$//; s/.*|//'; grep -o '([^)]*)' SECURITY.md; } |
		grep -oE '`(tests/[a-z0-9_/.*]+|[a-z0-9_]+\.sh|[a-z0-9]+(_[a-z0-9]+){3,})`' | tr -d '`' | sort -u
}
[ "$(named | wc -l)" -gt 30 ]
tap $? "the named tests are found" || tap_note "$(named | wc -l)"
absent=$(for test in $(named); do has_test "$test" || echo "$test"; done)
[ -z "$absent" ]
tap $? "every test that SECURITY.md and docs/encryption.md name exists" || tap_note "$absent"
tap_end
