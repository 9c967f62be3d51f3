#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Libraries that have no counterpart of Corosync's, against themselves as they were: their symbols, and the types in them as
# LIBRARY.abi holds them. An addition needs a version node of its own and a new LIBRARY.abi:
#	abidw --exported-interfaces-only --no-show-locs --no-corpus-path --no-comp-dir-path --no-elf-needed \
#		--no-architecture --drop-private-types --headers-dir include --type-id-style hash LIBRARY
# tests/abi/plugin_abi.sh does the same for the test kit.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/abi/elf.sh
. "$(dirname "$0")/elf.sh"
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${abs_top_builddir:-$PWD}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
command -v readelf >/dev/null || tap_skip "no readelf"

# The same sources, with debug information, against the headers in a folder.
compile() { # OUT INCLUDE: of $stem, $map and $sources
	# shellcheck disable=SC2086 # CC may hold flags
	${CC:-cc} -g -O0 -std=gnu11 -D_GNU_SOURCE -fPIC -fvisibility=hidden -shared -Wl,-soname,$stem.so.0 \
		-Wl,--version-script="$map" -I"$2" -I"$top/include" -I"$top" -I"$build" -o "$1" "${sources[@]}"
}
is_kept() { abidiff --no-architecture --no-added-syms "$here/$stem.abi" "$1"; }

# library STEM MAP HEADER SOURCE...: reads WHAT|EDIT lines, edits of the header that would break programs
library() {
	local header=$3 what edit file

	stem=$1 map=$2
	shift 3
	sources=("$@")
	file=$build/.libs/$stem.so.0
	if [ ! -e "$file" ]; then
		tap_note "$stem is not built"
		return
	fi
	tap_check "$stem: soname" test "$(dynamic "$file" SONAME)" = $stem.so.0
	tap_check "$stem: symbols and versions as listed" diff "$here/$stem.symbols" <(exported "$file")
	if ! command -v abidiff >/dev/null || [ "$(getconf LONG_BIT)" != 64 ]; then
		tap_note "no abidiff here, or not 64 bits: types not compared"
		return
	fi
	tap_check "$stem: it compiles" compile "$work/now.so" "$top/include"
	tap_check "$stem: types as they were" is_kept "$work/now.so"
	tap_check "$stem: and in the library" is_kept "$file"
	# This very check must see what would break programs.
	while IFS='|' read -r what edit; do
		mkdir -p "$work/mutant"
		cp -r "$top/include/coterie" "$work/mutant/"
		sed -i "$edit" "$work/mutant/coterie/$header"
		compile "$work/mutant.so" "$work/mutant" 2>"$work/cc" &&
			! cmp -s "$top/include/coterie/$header" "$work/mutant/coterie/$header" && ! is_kept "$work/mutant.so" >/dev/null
		tap $? "$stem: it notices $what"
		rm -rf "$work/mutant" "$work/mutant.so"
	done
}

library libcoterie-kv "$top/plugins/kv/lib/libcoterie-kv.map" kv.h "$top"/plugins/kv/lib/*.c <<'EOT'
a member of another width|s/uint32_t waiting_count;/uint64_t waiting_count;/
a member more|s/uint32_t donor; /uint32_t donor, receiver; /
members that change places|s/size_t key_size, value_size;/size_t value_size, key_size;/
another value of a name|s/COTERIE_KV_DELETED = 2/COTERIE_KV_DELETED = 4/
EOT
while read -r symbol kind; do
	[ "$kind" = FUNC ] || continue
	tap_check "${symbol%%@*} has a page" test -s "$top/plugins/kv/man/${symbol%%@*}.3"
done <"$here/libcoterie-kv.symbols"

library libcoterie-client "$top/services/client/kit/libcoterie-client.map" service.h "$top/services/client/kit/client.c" <<'EOT'
members that change places in a request's header|/^struct coterie_request_header {/,/^};/{s/int32_t id;/int32_t swapped;/;s/int32_t size;/int32_t id;/;s/swapped;/size;/}
members that change places in an answer's header|/^struct coterie_response_header {/,/^};/{s/int32_t id;/int32_t swapped;/;s/int32_t size;/int32_t id;/;s/swapped;/size;/}
EOT
while read -r symbol kind; do
	[ "$kind" = FUNC ] || continue
	tap_check "${symbol%%@*} is in coterie-client(7)" grep -q "${symbol%%@*}" "$top/services/client/kit/man/coterie-client.7"
	tap_check "${symbol%%@*} is in the reference" grep -q "${symbol%%@*}" "$top/docs/reference/client.md"
done <"$here/libcoterie-client.symbols"
tap_end
