#!/bin/bash
# libcoterie-kv, which has no counterpart of Corosync's, against itself as it was: its symbols, and the types in them
# as libcoterie-kv.abi holds them. What is added needs a version node of its own and a new libcoterie-kv.abi:
#	abidw --exported-interfaces-only --no-show-locs --no-corpus-path --no-comp-dir-path --no-elf-needed \
#		--no-architecture --drop-private-types --headers-dir include --type-id-style hash LIBRARY
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/abi/elf.sh
. "$(dirname "$0")/elf.sh"
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${abs_top_builddir:-$PWD}
stem=libcoterie-kv
library=$build/.libs/$stem.so.0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

command -v readelf >/dev/null || tap_skip "no readelf"
[ -e "$library" ] || tap_skip "$stem is not built"

tap_check "soname" test "$(dynamic "$library" SONAME)" = $stem.so.0
tap_check "symbols and versions as listed" diff "$here/$stem.symbols" <(exported "$library")
while read -r symbol kind; do
	[ "$kind" = FUNC ] || continue
	tap_check "${symbol%%@*} has a page" test -s "$top/plugins/kv/man/${symbol%%@*}.3"
done <"$here/$stem.symbols"

# The same sources, with debug information, against the headers in a folder.
compile() { # OUT INCLUDE
	# shellcheck disable=SC2086 # CC may hold flags
	${CC:-cc} -g -O0 -std=gnu11 -D_GNU_SOURCE -fPIC -fvisibility=hidden -shared -Wl,-soname,$stem.so.0 \
		-Wl,--version-script="$top/plugins/kv/lib/$stem.map" -I"$2" -I"$top/include" -I"$top" -I"$build" \
		-o "$1" "$top"/plugins/kv/lib/*.c
}
is_kept() { abidiff --no-architecture --no-added-syms "$here/$stem.abi" "$1"; }

if ! command -v abidiff >/dev/null || [ "$(getconf LONG_BIT)" != 64 ]; then
	tap_note "no abidiff here, or not 64 bits: types not compared"
	tap_end
fi
tap_check "it compiles" compile "$work/now.so" "$top/include"
tap_check "types as they were" is_kept "$work/now.so"
tap_check "and in the library" is_kept "$library"
# This very check must see what would break programs.
while IFS='|' read -r what edit; do
	mkdir -p "$work/mutant"
	cp -r "$top/include/coterie" "$work/mutant/"
	sed -i "$edit" "$work/mutant/coterie/kv.h"
	compile "$work/mutant.so" "$work/mutant" 2>/dev/null &&
		! cmp -s "$top/include/coterie/kv.h" "$work/mutant/coterie/kv.h" && ! is_kept "$work/mutant.so" >/dev/null
	tap $? "it notices $what"
	rm -rf "$work/mutant" "$work/mutant.so"
done <<'EOT'
a member of another width|s/uint32_t waiting_count;/uint64_t waiting_count;/
a member more|s/uint32_t donor; /uint32_t donor, receiver; /
members that change places|s/size_t key_size, value_size;/size_t value_size, key_size;/
another value of a name|s/COTERIE_KV_DELETED = 2/COTERIE_KV_DELETED = 4/
EOT
tap_end
