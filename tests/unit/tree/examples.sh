#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every example of configuration in README.md, docs and man pages is read in the syntax that the text claims, and so are the
# example files. What an example leaves out (a node, a transport) is added. Messages about the host are no errors: its
# resolver, users, folders, keys, and plugins of others.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../../tap.sh"

source=${abs_top_srcdir:-$(cd "$(dirname "$0")/../../.." && pwd)}
build=${abs_top_builddir:-$source/build}
[ -x "$build/exec/coterie" ] || tap_skip "exec/coterie is not built"
command -v python3 >/dev/null || tap_skip "no python3"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export COTERIE_PLUGIN_PATH=$build
unset COTERIE_CONFIG COTERIE_INSTANCE
mkdir "$work/found"

of_host="no key for the ring|cannot read key file|[Cc]ould not open .*authkey|cannot open log file|cannot resolve|no (user|group) '|--node NAME"
of_host+="|is not in the node ?list|no node of the (node)?list|no plugin '(acme|tally|latch)|none of .* is (an address of )?this host"

# complete FILE: with what a whole file needs, after a first line with its syntax.
complete() {
	local text syntax

	syntax=$(sed -n '1s/^# //p' "$1")
	text=$(sed 1d "$1")
	echo "$text"
	if [ "$syntax" = coterie ]; then
		grep -qE '^[[:space:]]*transport ' <<<"$text" || echo 'transport udpu { encryption = none }'
		grep -qE '^[[:space:]]*node ' <<<"$text" || echo 'node a { id = 1  address = 127.0.0.1 }'
		return
	fi
	grep -qE '^[[:space:]]*version:' <<<"$text" || printf 'totem {\n version: 2\n}\n'
	grep -qE '^[[:space:]]*transport:' <<<"$text" || printf 'totem {\n transport: udpu\n}\n'
	grep -qE '^[[:space:]]*nodelist' <<<"$text" ||
		printf 'nodelist {\n node {\n  nodeid: 1\n  name: a\n  ring0_addr: 127.0.0.1\n }\n}\n'
}

# is_read FILE: errors that are not about the host.
is_read() {
	local output

	output=$("$build/exec/coterie" -t -c "$1" 2>&1 | grep -vE ': ok \(|^$| warning ' | grep -vE "$of_host")
	[ -z "$output" ] || {
		echo "$output"
		return 1
	}
}

python3 "$source/tests/unit/tree/examples.py" "$source" "$work/found"
tap $? "the examples are found"
count=0
for file in "$work"/found/*; do
	count=$((count + 1))
	syntax=$(sed -n '1s/^# //p' "$file")
	mkdir "$work/$count"
	complete "$file" >"$work/$count/$syntax.conf"
	tap_check "$(basename "$file" | tr _ /) is $syntax.conf" is_read "$work/$count/$syntax.conf"
done
tap_check "there are many" test "$count" -ge 20
for file in "$source"/conf/co*.conf.example-*; do
	tap_check "$(basename "$file")" is_read "$file"
done

# The README of an installation stands beside the files that it names.
installed() {
	local name

	while read -r name; do
		case " $docs example-cpp/ lock/ template-service/ template-transport/ protocol/ " in
		*" $name "*) ;;
		*) [[ $name == *\* && $docs == *"${name%\*}"* ]] || echo "$name" ;;
		esac
	done < <(grep -oE '`[A-Za-z0-9_./*-]+(\.md|\.c|\.in|\.yml|/|\*)`' "$build/conf/installed/README.md" | tr -d '`')
}
docs=$(printf 'include Makefile\nprint-docs:\n\t@echo $(notdir $(dist_doc_DATA) $(doc_DATA))\n' |
	MAKEFLAGS='' make -s -C "$build" -f - print-docs)
tap_check "the README of an installation names installed files alone" diff <(:) <(installed)
tap_end
