#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The client libraries as the dynamic linker sees them: names, versions and dependencies of Debian's.
# A new library is a line in libraries.txt and its list of symbols. LIBRARIES_13=1 (make check-long): a Debian 13 is made
# where there is none, and what cannot be compared is no pass.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/abi/elf.sh
. "$(dirname "$0")/elf.sh"
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
build=${abs_top_builddir:-$PWD}

# shellcheck source=tests/root13.sh
. "$here/../root13.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

command -v readelf >/dev/null || tap_skip "no readelf"

# Without versions and the nodes that hold them.
plain() { sed -n 's/@@[A-Z_0-9.]*//; /^COROSYNC_/d; p' | sort; }
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
	else
		compare "$name" "$ours" "Debian's" "$debian"
	fi
	# Debian 13 has version 3.1.9, whose libraries have more versions of symbols than those of 3.1.7.
	debian=$(echo "$ROOT13"/usr/lib/*/"$name")
	if [ -e "$debian" ]; then
		compare "$name" "$ours" "Debian 13's" "$debian"
	else
		uncompared+=" $name"
	fi
	stubbed "$name" "$ours"
}

# stubbed NAME OURS: a program that was linked to the library of a later Corosync starts with ours. In place of that library
# there is a stub with the same name, symbols and version nodes. NAME.nodes is its version script.
stubbed() {
	local name=$1 ours=$2 stub=$work/stub map=$here/${1%%.so*}.nodes symbols

	[ -e "$map" ] || return 0
	mkdir -p "$stub"
	symbols=$(sed -n 's/^\t\([a-z_0-9]*\);$/\1/p' "$map")
	sed 's/.*/void &(void);\nvoid &(void) {}/' <<<"$symbols" >"$work/stub.c"
	${CC:-cc} -w -fno-builtin -shared -fPIC -o "$stub/$name" "$work/stub.c" -Wl,-soname,"$name" -Wl,--version-script,"$map"
	tap $? "$name: a stub with the nodes of 3.1.10" || return
	binds "$stub/$name" "$ours" all
	tap $? "$name: a program linked to the nodes of 3.1.10 starts with ours" || tap_note "$(cat "$work/said")"
	tap_check "$name: that program asks for the nodes, and ours has each" test ! -s "$work/said" -a \
		"$(readelf --dyn-syms -W "$work/program" | grep -c "UND .*@COROSYNC_")" -eq "$(wc -l <<<"$symbols")"
}

# Version nodes of the release after 3.1.10, which neither Debian has.
newer='@@COROSYNC_VOTEQUORUM_1\.1 '

# compare NAME OURS WHOSE THEIRS
compare() {
	local name=$1 ours=$2 whose=$3 theirs=$4

	tap_check "$name: symbols are $whose" diff <(exported "$theirs" | plain) <(exported "$ours" | grep -v "$newer" | plain)
	tap_check "$name: the versions of $whose symbols are among ours" \
		test -z "$(comm -23 <(exported "$theirs" | grep @@) <(exported "$ours" | grep @@))"
	tap_check "$name: needs at most what $whose needs" \
		test -z "$(comm -13 <(dynamic "$theirs" NEEDED) <(dynamic "$ours" NEEDED | grep -Ev 'san|^lib(c|m)\.so'))"
	# Debian's library has no debug information, so this compares symbols. headers.sh compares
	# types.
	if command -v abidiff >/dev/null; then
		tap_check "$name: abidiff with $whose" abidiff --no-default-suppression --no-added-syms "$theirs" "$ours"
	else
		tap_note "no abidiff here"
	fi
	binds "$theirs" "$ours"
	tap $? "$name: a program linked to $whose starts with ours"
	binds "$ours" "$theirs"
	tap $? "$name: a program linked to ours starts with $whose"
}

# binds LINKED RUN [all]: a program that names each function of the library LINKED starts with the library RUN.
# Its errors go to the file said. Without all: not the functions that are newer than Debian's.
binds() {
	local functions program=$work/program libraries skip=$newer

	[ -z "${3:-}" ] || skip='^$'
	functions=$(exported "$1" | grep -v "$skip" | plain | sed -n 's/ FUNC$//p')
	{
		sed 's/.*/extern char &;/' <<<"$functions"
		echo 'char *const volatile table[] = {'
		sed 's/.*/\t\&&,/' <<<"$functions"
		echo '};'
		echo 'int main(void) { return table[0] == 0; }'
	} >"$program.c"
	${CC:-cc} -w -o "$program" "$program.c" "$1" -Wl,--allow-shlib-undefined || return
	# Take libraries that both need from the folder beside RUN. Those of another C library are
	# not used.
	libraries=$work/run
	rm -rf "$libraries"
	mkdir "$libraries"
	ln -s "$(dirname "$2")"/lib{corosync_common,cfg,cmap,cpg,quorum,sam,votequorum,evs}.so.? "$libraries" 2>/dev/null
	LD_BIND_NOW=1 LD_LIBRARY_PATH=$libraries "$program" 2>"$work/said" || {
		cat "$work/said" >&2
		return 1
	}
}

uncompared= # with Debian 13's
if [ -n "${LIBRARIES_13:-}" ]; then
	reason=$(bash "$here/../interop/debian13.sh" 2>&1 >/dev/null)
	tap_check "abidiff is there" command -v abidiff
fi

while read -r soname file _; do
	check_library "$soname" "$file"
done < <(grep -v '^#' "$here/libraries.txt")
uncompared=${uncompared/ libevs.so.4/} # no Debian has it
if [ -n "$uncompared" ]; then
	[ -z "${LIBRARIES_13:-}" ] || tap_without "compared with Debian 13's" "$reason"
	tap_note "$(root13_missing)"
	tap_note "not compared with Debian 13's:$uncompared"
fi
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
