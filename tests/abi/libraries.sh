#!/bin/bash
# The client libraries as the dynamic linker sees them: names, versions and dependencies of Debian's.
# A new library is a line in libraries.txt and its list of symbols.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/abi/elf.sh
. "$(dirname "$0")/elf.sh"
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
build=${abs_top_builddir:-$PWD}

command -v readelf >/dev/null || tap_skip "no readelf"

depends_on() { dynamic "$1" NEEDED | grep -qx "$2"; }

check_library() {
	local name=$1 ours=$build/.libs/$1 debian

	tap_check "$name: built" test -e "$ours" || return
	tap_check "$name: soname" test "$(dynamic "$ours" SONAME)" = "$name"
	tap_check "$name: file is $2" test "$(basename "$(readlink -f "$ours")")" = "$2"
	tap_check "$name: symbols and versions as listed" \
		diff "$here/${name%%.so*}.symbols" <(exported "$ours")
	debian=$(ldconfig -p | sed -n "s/.*$name .*x86-64.* => \(\/\(usr\/\)*lib\/.*\)/\1/p" | head -1)
	if [ -z "$debian" ]; then
		tap_note "no $name of Debian here: not compared with it"
		return
	fi
	tap_check "$name: symbols and versions are Debian's" \
		diff <(exported "$debian") <(exported "$ours")
	tap_check "$name: needs at most what Debian's needs" \
		test -z "$(comm -13 <(dynamic "$debian" NEEDED) <(dynamic "$ours" NEEDED | grep -Ev 'san|^lib(c|m)\.so'))"
	# Debian's has no debug information, so this sees symbols; types are headers.sh's part.
	if command -v abidiff >/dev/null; then
		tap_check "$name: abidiff" abidiff --no-default-suppression "$debian" "$ours"
	else
		tap_note "no abidiff here"
	fi
}

while read -r soname file _; do
	check_library "$soname" "$file"
done < <(grep -v '^#' "$here/libraries.txt")
# Programs that use cs_strerror and link only -lcpg rely on it.
tap_check "libcpg brings libcorosync_common" \
	depends_on "$build/.libs/libcpg.so.4" libcorosync_common.so.4
# A plugin's function of the same name would be taken for the daemon's, in the plugin itself.
if [ -x "$build/exec/coterie" ]; then
	functions=$(exported "$build/exec/coterie" | sed -n 's/ FUNC$//p' | grep -vx -e main -e _start)
	tap_check "the daemon exports no function" test -z "$functions"
else
	tap_note "no daemon in this build"
fi
tap_end
