#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The protocol book: every citation names a heading of docs/protocol/, and no other specification is cited. Every name
# in backticks of the book, of docs/architecture.md and of docs/glossary.md exists in the tree, a function in the file
# that stands beside it. What is installed names installed documents only.
. "$(dirname "$0")/../../tap.sh"
cd "$(dirname "$0")/../../.." || exit 1
export LC_ALL=C.UTF-8

book=docs/protocol
pages=("$book"/*.md docs/architecture.md docs/glossary.md)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The headers of released versions stay as they were. This file has the patterns themselves.
find exec common config include services transports plugins testkit tools tests conf -type f 2>/dev/null |
	grep -vE '^tests/abi/sdk/|^tests/bench/|/corpus/|check_citations\.sh$' |
	grep -E '\.(c|h|sh|py|mk|defects|in|[1-8]|conf)$' >"$work/files"

# FILE "Heading", of all chapters
awk '/^#+ / { name = FILENAME; sub(/.*\//, "", name); sub(/\.md$/, "", name); sub(/^#+ /, ""); print name " \"" $0 "\"" }' \
	"$book"/*.md >"$work/headings"

# lacks FILE OTHER NAME: every line of FILE is in OTHER.
lacks()
{
	local missing

	missing=$(grep -vxFf "$2" "$1")
	tap_try "$3" "$missing"
}

# tap_try NAME TEXT: TEXT says what is wrong, or is empty.
tap_try()
{
	[ -z "$2" ]
	tap $? "$1" || tap_note "$(head -n 20 <<<"$2")"
}

# --- citations ---
tr '\n' '\0' <"$work/files" | xargs -0 grep -noHE '\b[Bb]ook [a-z]+,.*' >"$work/cited"
grep -oE '[Bb]ook [a-z]+,( "[^"]+",?)+' "$work/cited" |
	awk '{ chapter = $2; sub(",", "", chapter); n = split($0, part, "\""); for (i = 2; i < n; i += 2)
		print chapter " \"" part[i] "\"" }' | sort -u >"$work/citations"
lacks "$work/citations" "$work/headings" "every citation names a heading of the book"
tap_try "every citation is whole on its line" "$(grep -vE '[Bb]ook [a-z]+, "[^"]+"' "$work/cited")"
tap_try "the book is cited" "$([ "$(wc -l <"$work/cited")" -ge 100 ] || echo "only $(wc -l <"$work/cited") times")"
tap_try "no specification outside of the tree is cited" "$( (cat "$work/files" && ls README.md CONTRIBUTING.md docs/*.md "$book"/*.md) |
	tr '\n' '\0' | xargs -0 grep -nHE '§|\b[Ss]pec(ification)? [0-9]|\b0[0-9][a-d]?-[a-z]+\.(md|txt)|\bchapter [0-9]')"

# Documents that a local.mk installs, and what a reader without the source tree reads beside them.
installed=$(cat docs/local.mk tests/abi/local.mk)
examples=$(sed -n 's/^dist_plugindoc_DATA = //p' tests/abi/local.mk)
mapfile -t for_users < <(find include conf services testkit tools plugins transports \( -path 'include/*.h' -o -name '*.[1-8]' -o \
	-path 'plugins/lock/*' -o -path 'plugins/example-cpp/*' -o -path 'plugins/template-*' \) -type f ! -name local.mk)
for_users+=(docs/write-a-service.md docs/ring-ids.md docs/python.md)
tap_try "every chapter is installed" "$(for page in "${pages[@]}"; do
	grep -qF "${page#docs/}" <<<"$installed" || echo "$page"; done)"
tap_try "every document that another one names is installed" "$({
	grep -noHE '\bdocs/[a-z/-]+\.md' "${pages[@]}" | sed 's,:docs/,:,'
	grep -noHE '\b[a-z][a-z/-]*\.md\b' "${for_users[@]}" | grep -vE '[:/](README|FILE)\.md'; } |
	while IFS=: read -r file line page; do
		grep -qF "/$page" <<<"$installed" || echo "$file:$line: $page"; done)"
tap_try "a document that is installed names no place in the source tree" "$(
	grep -nHE '\b(conf|docs|exec|config|services|testkit|tests|tools|transports)/[a-z]+[./a-z]|\b[Bb]ook [a-z]+,' "${for_users[@]}"
	grep -noHE '\bplugins/[a-z_-]+\.c\b' "${for_users[@]}" | while IFS=: read -r file line name; do
		grep -qF "/${name##*/}" <<<"$examples" || echo "$file:$line: $name"; done)"

# --- references between pages: ring.md, "Timers" ---
grep -ohE '\b[a-z]+\.md, "[^"]+"' "${pages[@]}" | sed -E 's/\.md,//' | sort -u >"$work/references"
lacks "$work/references" "$work/headings" "every reference between pages names a heading"

# --- names in backticks ---
# shellcheck disable=SC2016 # the backticks are those of the pages
sed -E '/^(    |```)/d' "${pages[@]}" | grep -oE '`[^`]+`' | tr -d '`' | sed -E 's/^(struct|enum|static) //; s/\(\)$//' |
	sort -u >"$work/names"
grep -xE '[A-Za-z_][A-Za-z0-9_]*' "$work/names" >"$work/words"
find exec common config include services transports plugins testkit tools tests -name '*.[chly]' -print0 2>/dev/null |
	LC_ALL=C xargs -0 cat | LC_ALL=C tr -cs 'A-Za-z0-9_' '\n' |
	LC_ALL=C awk 'NR == FNR { need[$0]; next } $0 in need && !seen[$0]++' "$work/words" - >"$work/found"
lacks "$work/words" "$work/found" "every identifier that the pages name is in the sources"

# A name is the end of a path, so that files may move to another folder.
find . \( -name .git -o -name 'build*' \) -prune -o \( -type f -printf '%P\n' -o -type d -printf '%P/\n' \) >"$work/tree"
grep -E '^[A-Za-z0-9_][A-Za-z0-9_./-]*(/|\.(c|h|sh|py|md|mk|defects))$' "$work/names" >"$work/paths"
LC_ALL=C awk 'NR == FNR {
		while (1) {
			seen[$0]
			if (!sub(/^[^\/]*\/+/, "") || $0 == "")
				next
		}
	}
	!($0 in seen)' "$work/tree" "$work/paths" >"$work/absent"
tap_try "every file that the pages name exists" "$(cat "$work/absent")"

# --- `function` in `file.c`, and the rows of the walks: | 3 | `file.c` | `function` | ---
# shellcheck disable=SC2016 # the backticks are those of the pages
{
	sed -E '/^(    |```)/d' "${pages[@]}" | grep -oE '`[a-z][a-z0-9_]+` in `[a-z0-9_/]+\.[ch]`' | sed -E 's/`(.*)` in `(.*)`/\2 \1/'
	sed -nE 's/^\| [0-9]+ \| `([^`]+)` \| `([a-z0-9_]+)`.*/\1 \2/p' docs/architecture.md
} | sort -u >"$work/places"
find exec common config include services transports plugins testkit tools tests -name '*.[ch]' -print0 2>/dev/null |
	LC_ALL=C xargs -0 awk '/^[a-z]/ {
		line = $0
		while (match(line, /[a-z][a-z0-9_]*[( ]/)) {
			print FILENAME, substr(line, RSTART, RLENGTH - 1)
			line = substr(line, RSTART + RLENGTH)
		}
	}' | LC_ALL=C awk 'NR == FNR { need[$0]; next }
	{
		path = $1
		do {
			delete need[path " " $2]
		} while (sub(/^[^\/]*\//, "", path))
	}
	END { for (place in need) print place }' "$work/places" - >"$work/misplaced"
tap_try "every function that the pages name with its file is defined there" "$(cat "$work/misplaced")"
tap_try "the pages name functions with their files" "$([ "$(wc -l <"$work/places")" -ge 80 ] || echo "only $(wc -l <"$work/places") times")"
tap_end
